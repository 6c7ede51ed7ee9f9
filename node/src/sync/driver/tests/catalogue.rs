//! A catalogue version that the hub offers is fetched beside the stream, checked, and never taken into use by itself.

use safeharbor_proto::v1;
use safeharbor_rules::FileSet;

use super::*;
use crate::catalogues::testing::{another, hostile, published};
use crate::catalogues::{Offer, Shelf};

fn offer(bench: &Bench, jwt: String, files: &FileSet) {
    let statement = v1::PublicStatement { index: 7, jwt };
    let first = v1::CataloguePart { files: Vec::new(), statement: Some(statement) };
    let files = files
        .files()
        .iter()
        .map(|(path, content)| v1::CatalogueFile { path: path.clone(), content: content.clone() });
    let rest = v1::CataloguePart { files: files.collect(), statement: None };
    bench.hub.0.lock().unwrap().catalogue = vec![first, rest];
}

async fn synced(bench: &Bench) -> (Option<Offer>, usize) {
    assert_eq!(bench.run(Until::InStep).await, Outcome::InStep);
    let shelf = Shelf::of(&bench.context.layout).list().unwrap();
    (Offer::load(&*bench.context.store).unwrap(), shelf.len())
}

#[tokio::test]
async fn an_offered_version_is_kept_and_not_used() {
    let bench = bench(&[]).await;
    let files = another();
    offer(&bench, published(files.digest(), &[1, 2]), &files);
    let (offered, kept) = synced(&bench).await;
    let offered = offered.unwrap();
    assert_eq!((offered.cat, offered.decided_by, kept), (files.digest(), 2, 1));
    assert_ne!(bench.context.catalogue().digest(), files.digest(), "nobody accepted it");
    assert_eq!(bench.context.offered_catalogue().unwrap(), Some(offered));
}

#[tokio::test]
async fn what_is_not_the_version_that_was_published_is_not_kept() {
    let files = another();
    for (jwt, sent) in [
        (published(files.digest(), &[1, 2]), hostile()),
        (published(files.digest(), &[1]), files.clone()),
        (published(files.digest(), &[]), files.clone()),
        ("no statement".to_owned(), files.clone()),
    ] {
        let bench = bench(&[]).await;
        offer(&bench, jwt, &sent);
        assert_eq!(synced(&bench).await, (None, 0));
    }
}

#[tokio::test]
async fn a_version_that_raises_a_ceiling_is_refused_and_said_to_be() {
    let bench = bench(&[]).await;
    let mut files = hostile().files().clone();
    let deal = String::from_utf8(files["kinds/DEAL.json"].clone()).unwrap();
    let raised = deal.replace("\"x-ceiling\":\"reviewer\"", "\"x-ceiling\":\"hub\"");
    assert_ne!(raised, deal);
    files.insert("kinds/DEAL.json".to_owned(), raised.into_bytes());
    let files = FileSet::try_from(files).unwrap();
    offer(&bench, published(files.digest(), &[1, 2]), &files);
    let (offered, kept) = synced(&bench).await;
    let reason = offered.unwrap().refused.unwrap();
    assert!(reason.contains("which is compiled in"), "{reason}");
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn files_that_lead_elsewhere_or_are_too_large_are_not_kept() {
    for (path, size) in [("../../etc/passwd", 1), ("notes.txt", 2 << 20)] {
        let bench = bench(&[]).await;
        let files = another();
        offer(&bench, published(files.digest(), &[1, 2]), &files);
        let file = v1::CatalogueFile { path: path.to_owned(), content: vec![b'x'; size] };
        bench.hub.0.lock().unwrap().catalogue[1].files.push(file);
        assert_eq!(synced(&bench).await, (None, 0), "{path}");
    }
}
