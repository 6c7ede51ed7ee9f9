//! Every file of the fuzz targets' corpora once through its target: what was found once stays found.

#[cfg(test)]
#[path = "../../../fuzz/src/entries.rs"]
mod entries;

#[cfg(test)]
mod replay {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use crate::entries::TARGETS;

    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let corpora = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"));
        let files = fs::read_dir(corpora.join(target)).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> = files.filter(|file| file.is_file()).collect();
        files.sort();
        files.into_iter().map(|file| fs::read(file).unwrap()).collect()
    }

    #[test]
    fn no_file_of_the_corpora_breaks_its_target() {
        for (name, target) in TARGETS {
            let files = corpus(name);
            assert!(!files.is_empty(), "no corpus for {name}");
            files.iter().for_each(|file| target(file));
        }
    }

    proptest! {
        #[test]
        fn nor_does_one_that_is_damaged_in_a_few_places(
            target in any::<Index>(),
            file in any::<Index>(),
            damages in proptest::collection::vec((any::<Index>(), any::<u8>(), 0..4_usize, 0..9_usize), 1..6),
        ) {
            let (name, target) = TARGETS[target.index(TARGETS.len())];
            let files = corpus(name);
            let mut bytes = files[file.index(files.len())].clone();
            for (at, byte, kept, times) in damages {
                let at = at.index(bytes.len() + 1);
                let behind = bytes.len().min(at + kept);
                bytes.splice(at..behind, std::iter::repeat_n(byte, times));
            }
            target(&bytes);
        }
    }
}
