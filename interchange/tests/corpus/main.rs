//! Every file of the fuzz targets' corpora once through its target: what was found once stays found.

#[cfg(test)]
#[path = "../../../fuzz/src/entries.rs"]
mod entries;

#[cfg(test)]
mod replay {
    use std::fs;
    use std::path::Path;

    use crate::entries::TARGETS;

    #[test]
    fn no_file_of_the_corpora_breaks_its_target() {
        let corpora = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"));
        for (name, target) in TARGETS {
            let files = fs::read_dir(corpora.join(name)).unwrap().map(|file| file.unwrap().path());
            let mut count = 0;
            for file in files.filter(|file| file.is_file()) {
                println!("{}", file.display());
                target(&fs::read(file).unwrap());
                count += 1;
            }
            assert!(count > 0, "no corpus for {name}");
        }
    }
}
