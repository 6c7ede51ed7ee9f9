//! The files of a published catalogue version in parts, and the statement by which it was published.

use std::sync::Arc;

use safeharbor_proto::v1;
use safeharbor_rules::Catalogue;
use tokio_stream::Stream;
use tonic::Status;

/// A part ends with the file by which it has this many bytes; a file has no more.
const PART_BYTES: usize = 1 << 20;

/// The parts, each made when the one before it was taken.
pub(super) fn parts(
    catalogue: Arc<Catalogue>,
    statement: v1::PublicStatement,
) -> impl Stream<Item = Result<v1::CataloguePart, Status>> + Send {
    let mut from = 0;
    let files = std::iter::from_fn(move || {
        let files = part(&catalogue, from);
        from = from.saturating_add(files.len());
        (!files.is_empty()).then_some(Ok(v1::CataloguePart { files, statement: None }))
    });
    let first = v1::CataloguePart { files: Vec::new(), statement: Some(statement) };
    tokio_stream::iter(std::iter::once(Ok(first)).chain(files))
}

fn part(catalogue: &Catalogue, from: usize) -> Vec<v1::CatalogueFile> {
    let mut bytes = 0_usize;
    let files = catalogue.files().iter().skip(from).take_while(|(path, content)| {
        let fits = bytes < PART_BYTES;
        bytes = bytes.saturating_add(path.len()).saturating_add(content.len());
        fits
    });
    files.map(|(path, content)| v1::CatalogueFile { path: path.clone(), content: content.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn every_file_is_in_one_part_and_the_statement_in_the_first() {
        let mut files = Catalogue::embedded().unwrap().files().clone();
        for name in ["one", "two", "three"] {
            files.insert(format!("notes/{name}.txt"), vec![b'x'; PART_BYTES]);
        }
        let catalogue = Arc::new(Catalogue::load(files.clone()).unwrap());
        let statement = v1::PublicStatement { index: 3, jwt: "jwt".to_owned() };
        let sent: Vec<_> = parts(catalogue, statement.clone()).collect().await;
        let sent: Vec<v1::CataloguePart> = sent.into_iter().map(Result::unwrap).collect();
        assert!(sent.len() >= 4, "{} parts", sent.len());
        assert_eq!((sent[0].statement.as_ref(), sent[0].files.len()), (Some(&statement), 0));
        assert!(sent.iter().skip(1).all(|part| part.statement.is_none() && !part.files.is_empty()));
        let size = |part: &v1::CataloguePart| part.files.iter().map(|file| file.content.len()).sum::<usize>();
        assert!(sent.iter().all(|part| size(part) < safeharbor_proto::MESSAGE_BYTES_MAX / 2));
        let together = sent.into_iter().flat_map(|part| part.files).map(|file| (file.path, file.content));
        assert_eq!(together.collect::<std::collections::BTreeMap<_, _>>(), files);
    }
}
