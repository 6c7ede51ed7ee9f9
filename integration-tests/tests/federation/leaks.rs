//! No C2 or C3 value of any kind leaves a node without approval: unique markers in every such field, then a search
//! through every byte the node sent and every byte in the hub's folder, raw, decoded and unescaped.

mod paths;
mod search;
mod seeds;

use std::sync::{Arc, Mutex};

use safeharbor_core::sdjwt::Disclosure;
use safeharbor_hub::journal::{JournalReader, unseal};
use safeharbor_interchange::import::{ImportedRow, Sink as _, Taken};
use safeharbor_node::context::Context;
use safeharbor_node::layout::Layout;
use safeharbor_node::opening::{Node as Opened, Seams, open};
use safeharbor_node::records::{Links, RecordSink, Terms};
use safeharbor_node::running::load_link;
use safeharbor_node::settings::Settings;
use safeharbor_node::sync::{Link, Outcome, Until, run};
use safeharbor_rules::{Catalogue, Class, Kind};
use safeharbor_service::clock::{Clock as _, SystemClock};
use safeharbor_service::shutdown::Shutdown;

use crate::harness::{CODES, Federation, Node};
use search::{Haystack, folder_bytes, http2_data};
use seeds::{Planted, plant};

#[test]
fn no_secret_leaves_the_node_and_none_lies_at_the_hub() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[0], "leak");
    let catalogue = Catalogue::embedded().unwrap();
    let planted: Vec<Planted> = catalogue.kinds().flat_map(|kind| plant(&catalogue, kind)).collect();
    let secrets: usize = planted.iter().map(|planted| planted.secrets.len()).sum();
    assert!(planted.len() >= 9 && secrets > 100, "{} records, {secrets} secrets", planted.len());

    let sent = send(&node, &catalogue, &planted);
    let mut hay = Haystack::of(&http2_data(&sent));
    hay.add(&sent);
    check(&hay, &planted, "what the node sent");

    federation.end_hub();
    let hay = hub_hay(&federation, &mut |disclosure| refuse_secret_field(&catalogue, &planted, disclosure));
    check(&hay, &planted, "the hub's folder, opened with the keys in it");
}

/// Stores the records at the node, syncs it in this process, and returns every plaintext byte it wrote.
fn send(node: &Node, catalogue: &Catalogue, planted: &[Planted]) -> Vec<u8> {
    let opened = open_node(node);
    for planted in planted {
        let kind = catalogue.kind(&planted.kind).unwrap();
        let key = kind.key_of(&planted.record).unwrap();
        take(&opened.context, kind, vec![ImportedRow::new(2, key, planted.record.clone())]);
    }
    sync(&opened)
}

fn open_node(node: &Node) -> Opened {
    let layout = Layout::at(&node.data);
    let settings = Settings::load(&layout, &[]).unwrap();
    open(&layout, &settings, &Seams::system()).unwrap()
}

/// Imports rows of one kind.
fn take(context: &Context, kind: &Kind, rows: Vec<ImportedRow>) {
    let expected = rows.len();
    let taken = RecordSink::new(context, kind, terms()).take(rows).unwrap();
    let is_kept = |taken: &&Taken| matches!(taken, Taken::New | Taken::Revised);
    assert_eq!(taken.iter().filter(is_kept).count(), expected, "{taken:?}");
}

/// Links lead nowhere: the values are made up.
fn terms() -> Terms {
    Terms { links: Links::Warn, ..Terms::of_file("planted".to_owned()) }
}

/// Syncs a node in this process and returns every plaintext byte it wrote.
fn sync(opened: &Opened) -> Vec<u8> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let tap = Arc::clone(&sent);
    let Link { connector, trust } = load_link(&opened.context).unwrap();
    let connector =
        connector.with_tap(Arc::new(move |bytes: &[u8]| tap.lock().unwrap().extend_from_slice(bytes)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let link = Link { connector, trust };
    let shutdown = Shutdown::new();
    let synced = run(Arc::clone(&opened.context), link, &shutdown, Until::InStep);
    assert_eq!(runtime.block_on(synced).unwrap(), Outcome::InStep);
    drop(runtime);
    let sent = sent.lock().unwrap().clone();
    assert!(!sent.is_empty());
    sent
}

/// Everything in the hub's folder, with the disclosures in the journal opened by the keys beside them; each is shown to `visitor`.
fn hub_hay(federation: &Federation, visitor: &mut dyn FnMut(&str)) -> Haystack {
    let mut hay = Haystack::of(&folder_bytes(&federation.hub_data()));
    let mut reader = JournalReader::from_start(&federation.hub_data().join("journal")).unwrap();
    while let Some(stored) = reader.next_frame().unwrap() {
        for disclosure in unseal(&stored.frame).unwrap().unwrap_or_default() {
            hay.add(disclosure.as_bytes());
            visitor(&disclosure);
        }
    }
    hay
}

fn check(hay: &Haystack, planted: &[Planted], place: &str) {
    let open: Vec<Vec<u8>> =
        planted.iter().flat_map(|planted| &planted.open).map(|value| value.clone().into_bytes()).collect();
    assert!(!hay.find(&open).is_empty(), "the search finds nothing at all in {place}: it is blind");
    let (mut names, mut needles) = (Vec::new(), Vec::new());
    for planted in planted {
        for (field, value) in &planted.secrets {
            for (form, needle) in search::forms(value) {
                names.push(format!("{}.{field}: {form}", planted.kind));
                needles.push(needle);
            }
        }
    }
    let leaked: Vec<&String> = hay.find(&needles).iter().map(|&place| &names[place]).collect();
    assert!(leaked.is_empty(), "secrets are in {place}: {leaked:?}");
}

/// Whatever the value, a disclosure must not even name a field that was C2 or C3 in every planted record.
fn refuse_secret_field(catalogue: &Catalogue, planted: &[Planted], disclosure: &str) {
    let disclosure = Disclosure::parse(disclosure).unwrap();
    let name = disclosure.name().unwrap();
    let today = SystemClock.today();
    let may_leave = planted.iter().any(|planted| {
        let kind = catalogue.kind(&planted.kind).unwrap();
        kind.field(name).is_some() && kind.class_of(name, &planted.record, today) <= Class::C1
    });
    assert!(may_leave, "the field {name} was revealed");
}
