//! Every kind by every way a value can take to leave or stay: approved alone or in bulk, changed, rejected, withdrawn,
//! erased, turned secret, under every mode of the policy. What was approved leaves in its statement, and nothing else does.

use std::collections::BTreeSet;

use safeharbor_core::record::RecordHandle;
use safeharbor_interchange::import::{Action, ImportedRow, RefusedRow, Sink as _, Taken, Withheld};
use safeharbor_node::approval::{approve, approve_set, preview, preview_set};
use safeharbor_node::context::Context;
use safeharbor_node::erasure::erase;
use safeharbor_node::records::{RecordSink, Terms};
use safeharbor_node::rejection::{self, Target};
use safeharbor_node::selection::{Among, Filter};
use safeharbor_node::withdrawal::withdraw;
use safeharbor_rules::{Catalogue, Ceiling, Class, Kind};
use safeharbor_service::clock::{Clock as _, SystemClock};
use safeharbor_service::person::Person;
use serde_json::Value;

use super::search::{Haystack, http2_data};
use super::seeds::{Planted, fresh};
use super::{hub_hay, open_node, sync, take, terms};
use crate::harness::{CODES, Federation};

/// Stands in reasons and in the texts of cells.
const WORDS: &str = "理由MARKWORDSQX";

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// Nobody decides.
    Untouched,
    /// One field is approved.
    Approved,
    /// One field is approved with others of the kind.
    InBulk,
    /// One field is approved, and before that is stated another row comes.
    ChangedBefore,
    /// One field is approved, and after that is stated another row comes.
    ChangedAfter,
    /// One field is approved, then the record is rejected.
    Rejected,
    /// One field is approved and leaves, then it is taken back and another row comes.
    Withdrawn,
    /// One field is approved and leaves, then a row deletes the record, and later another brings it back.
    Retired,
    /// One field is approved, then the record is erased.
    Erased,
    /// One field is approved, then a row comes that says the record is secret.
    TurnedSecret,
}

const PATHS: [Path; 10] = [
    Path::Untouched,
    Path::Approved,
    Path::InBulk,
    Path::ChangedBefore,
    Path::ChangedAfter,
    Path::Rejected,
    Path::Withdrawn,
    Path::Retired,
    Path::Erased,
    Path::TurnedSecret,
];

/// One record on its path.
struct Trial<'k> {
    path: Path,
    kind: &'k Kind,
    /// What its rows say, one after the other.
    rows: Vec<Planted>,
    /// The field that is approved, as secret as the kind has one.
    field: String,
}

impl Trial<'_> {
    fn key(&self) -> String {
        format!("{:?}", self.path)
    }

    fn rec(&self, context: &Context) -> RecordHandle {
        context.records.current(self.kind.id(), &self.key()).unwrap().unwrap().rec
    }

    /// Whether what was approved leaves before anybody changes their mind.
    fn leaves(&self) -> bool {
        !matches!(self.path, Path::Untouched | Path::Rejected | Path::Erased | Path::TurnedSecret)
    }

    /// Whether nothing of it leaves any more, whatever the policy says.
    fn is_closed(&self) -> bool {
        self.is_taken_back() || matches!(self.path, Path::Rejected | Path::Erased | Path::TurnedSecret)
    }

    fn is_taken_back(&self) -> bool {
        matches!(self.path, Path::Withdrawn | Path::Retired)
    }

    fn approved(&self) -> Vec<String> {
        self.rows[0].marks_in(&self.field)
    }

    /// Brings the next row.
    fn change(&mut self, context: &Context) {
        let row = fresh(self.kind);
        take(context, self.kind, vec![imported(self.key(), &row)]);
        self.rows.push(row);
    }
}

fn imported(key: String, row: &Planted) -> ImportedRow {
    let mut imported = ImportedRow::new(2, key, row.record.clone());
    if let Some(name) = row.record.keys().next() {
        imported.raw.insert(name.clone(), WORDS.to_owned());
    }
    imported
}

#[test]
fn on_every_path_only_what_was_approved_leaves() {
    let mut federation = Federation::start();
    let node = federation.add_node(CODES[0], "paths");
    let catalogue = Catalogue::embedded().unwrap();
    let opened = open_node(&node);
    let context = &opened.context;
    let person = context.persons.list().unwrap().remove(0);
    let mut trials: Vec<Trial<'_>> = catalogue.kinds().flat_map(trials_of).collect();
    assert!(trials.len() > 4 * PATHS.len(), "only {} trials", trials.len());

    accept(context, &catalogue, 2, "off", &person);
    for trial in &mut trials {
        take(context, trial.kind, vec![imported(trial.key(), &trial.rows[0])]);
    }
    trials.iter_mut().for_each(|trial| begin(trial, context, &person));
    let leaving: Vec<String> =
        trials.iter().filter(|trial| trial.leaves()).flat_map(Trial::approved).collect();
    expect(&sent(&opened), &trials, &leaving, &leaving, "approvals alone");

    trials.iter_mut().for_each(|trial| go_on(trial, context, &person));
    accept(context, &catalogue, 3, "commit", &person);
    expect(&sent(&opened), &trials, &[], &[], "digests alone");

    accept(context, &catalogue, 4, "reveal", &person);
    let automatic: Vec<String> =
        trials.iter().filter(|trial| !trial.is_closed()).flat_map(revealed).collect();
    // Who states a record again repeats what was approved of that revision.
    let again = trials.iter().filter(|trial| matches!(trial.path, Path::Approved | Path::InBulk));
    let allowed: Vec<String> = automatic.iter().cloned().chain(again.flat_map(Trial::approved)).collect();
    expect(&sent(&opened), &trials, &allowed, &automatic, "what the policy reveals");

    accept(context, &catalogue, 5, "off", &person);
    let erased = |trial: &&mut Trial<'_>| trial.path != Path::Erased;
    trials.iter_mut().filter(erased).for_each(|trial| trial.change(context));
    expect(&sent(&opened), &trials, &[], &[], "nothing");

    drop(opened);
    federation.end_hub();
    let hay = hub_hay(&federation, &mut |_| {});
    let withdrawn = trials.iter().filter(|trial| trial.is_taken_back());
    let withdrawn: BTreeSet<String> =
        withdrawn.flat_map(|trial| &trial.rows).flat_map(Planted::marks).collect();
    let kept = leaving.into_iter().chain(automatic).filter(|value| !withdrawn.contains(value));
    let kept: Vec<String> = kept.collect();
    expect(&hay, &trials, &kept, &kept, "the hub's folder");
}

/// A record for every path, of a kind in which something can be approved.
fn trials_of(kind: &Kind) -> Vec<Trial<'_>> {
    let today = SystemClock.today();
    let sample = fresh(kind);
    let may_be_approved = |name: &&String| {
        kind.ceiling_of(name, &sample.record, today) == Ceiling::Hub && !sample.marks_in(name).is_empty()
    };
    let class = |name: &&String| kind.class_of(name, &sample.record, today);
    let field = sample.record.keys().filter(may_be_approved).max_by_key(class);
    let Some(field) = field.cloned() else { return Vec::new() };
    PATHS.map(|path| Trial { path, kind, rows: vec![fresh(kind)], field: field.clone() }).into()
}

/// What a policy reveals of the last row by itself.
fn revealed(trial: &Trial<'_>) -> Vec<String> {
    let today = SystemClock.today();
    let row = trial.rows.last().unwrap();
    let is_open = |name: &&String| {
        trial.kind.class_of(name, &row.record, today) <= Class::C1
            && trial.kind.ceiling_of(name, &row.record, today) == Ceiling::Hub
    };
    row.record.keys().filter(is_open).flat_map(|name| row.marks_in(name)).collect()
}

fn begin(trial: &mut Trial<'_>, context: &Context, person: &Person) {
    let fields = BTreeSet::from([trial.field.clone()]);
    match trial.path {
        Path::Untouched => return,
        Path::InBulk => return approve_in_bulk(trial, context, person),
        _ => {
            let seen = preview(context, trial.rec(context), &fields, person).unwrap().seen;
            approve(context, &seen, &fields, person).unwrap();
        }
    }
    match trial.path {
        Path::ChangedBefore => trial.change(context),
        Path::Rejected => {
            let (seen, _) = rejection::preview(context, &Target::One(trial.rec(context))).unwrap();
            rejection::reject(context, &seen, person, WORDS).unwrap();
        }
        Path::Erased => drop(erase(context, trial.rec(context), person).unwrap()),
        Path::TurnedSecret => {
            let row = RefusedRow { row: 2, key: Some(trial.key()), withheld: Some(Withheld::Secrecy) };
            RecordSink::new(context, trial.kind, terms()).pass_over(vec![row]).unwrap();
        }
        _ => {}
    }
}

/// The set is the one record, where a text of its own selects it, and otherwise all that nobody decided about.
fn approve_in_bulk(trial: &Trial<'_>, context: &Context, person: &Person) {
    let own_text = trial.rows[0].record.iter().find_map(|(name, value)| match value {
        Value::String(text) if text.contains("MARK") => Some(format!("{name}={text}")),
        _ => None,
    });
    let fields = BTreeSet::from([trial.field.clone()]);
    let Some(condition) = own_text else {
        let seen = preview(context, trial.rec(context), &fields, person).unwrap().seen;
        approve(context, &seen, &fields, person).unwrap();
        return;
    };
    let filter =
        Filter { kind: trial.kind.id().clone(), conditions: vec![condition], among: Among::Undecided };
    let seen = preview_set(context, &filter, &fields, person, &mut |_, _| {}).unwrap().seen;
    assert_eq!(approve_set(context, &seen, person).unwrap().records, 1);
}

/// After what was approved has left.
fn go_on(trial: &mut Trial<'_>, context: &Context, person: &Person) {
    match trial.path {
        Path::ChangedAfter => trial.change(context),
        Path::Withdrawn => {
            withdraw(context, &BTreeSet::from([trial.rec(context)]), person, WORDS).unwrap();
            trial.change(context);
        }
        Path::Retired => {
            let mut row = imported(trial.key(), &trial.rows[0]);
            row.action = Action::Delete;
            let terms = Terms { person: Some(person.clone()), ..terms() };
            let taken = RecordSink::new(context, trial.kind, terms).take(vec![row]).unwrap();
            assert_eq!(taken, [Taken::Deleted]);
        }
        _ => {}
    }
}

fn accept(context: &Context, catalogue: &Catalogue, version: u32, mode: &str, person: &Person) {
    let kinds: String = catalogue.kinds().map(|kind| format!("{} = \"{mode}\"\n", kind.id())).collect();
    context.accept_policy(&format!("version = {version}\n[kinds]\n{kinds}"), person).unwrap();
}

fn sent(opened: &safeharbor_node::opening::Node) -> Haystack {
    let bytes = sync(opened);
    let mut hay = Haystack::of(&http2_data(&bytes));
    hay.add(&bytes);
    hay
}

/// Of all marks of all rows only `allowed` are there, and `wanted` are.
fn expect(hay: &Haystack, trials: &[Trial<'_>], allowed: &[String], wanted: &[String], what: &str) {
    let allowed: BTreeSet<&String> = allowed.iter().collect();
    let mut named = vec![("words".to_owned(), WORDS.to_owned())];
    for trial in trials {
        let label = format!("{} {:?}", trial.kind.id(), trial.path);
        let marks = trial.rows.iter().flat_map(Planted::marks).filter(|mark| !allowed.contains(mark));
        named.extend(marks.map(|mark| (label.clone(), mark)));
    }
    let needles: Vec<Vec<u8>> = named.iter().map(|(_, mark)| mark.clone().into_bytes()).collect();
    let leaked: Vec<&(String, String)> = hay.find(&needles).iter().map(|&place| &named[place]).collect();
    assert!(leaked.is_empty(), "{what}: {leaked:?}");
    let needles: Vec<Vec<u8>> = wanted.iter().map(|mark| mark.clone().into_bytes()).collect();
    let found = hay.find(&needles);
    let missing: Vec<&String> =
        wanted.iter().enumerate().filter(|(place, _)| !found.contains(place)).map(|(_, mark)| mark).collect();
    assert!(missing.is_empty(), "{what}: {} of {} are missing: {missing:?}", missing.len(), wanted.len());
}
