//! The roster: by hand and from the official list.

use std::path::PathBuf;

use super::super::{AddCommand, Command, ImportCommand, InstitutionCommand};
use super::{by, done, hub, json, refused};
use crate::enrolment::testing::CODE;
use crate::roster;

fn adding(id: &str, name: Option<&str>) -> AddCommand {
    AddCommand {
        id: Some(id.to_owned()),
        names: name.map(str::to_owned).into_iter().collect(),
        aliases: Vec::new(),
        kind: None,
        in_district: None,
        counts_for_g1: None,
        code: None,
        by: by("甲"),
    }
}

fn add(command: AddCommand) -> Command {
    Command::Institution(InstitutionCommand::Add(command))
}

#[tokio::test]
async fn what_is_said_of_an_institution_changes_and_the_rest_stays() {
    let hub = hub().await;
    done(&hub, add(adding("T1", Some("试验大学")))).await;
    done(
        &hub,
        add(AddCommand { in_district: Some(true), aliases: vec!["试大".to_owned()], ..adding("T1", None) }),
    )
    .await;
    done(
        &hub,
        add(AddCommand {
            counts_for_g1: Some(true),
            code: Some(CODE.parse().unwrap()),
            ..adding("T1", None)
        }),
    )
    .await;
    let row = roster::find(&hub.office, CODE).unwrap().unwrap();
    assert_eq!((row.name(), row.aliases.as_slice()), ("试验大学", ["试大".to_owned()].as_slice()));
    assert!(row.in_district == Some(true) && row.counts_for_g1);
    let listed = json(&hub, Command::Institution(InstitutionCommand::List)).await;
    let row = &listed[0];
    assert_eq!(
        (&row["id"], &row["code"], &row["counts_for_G1"], &row["standing"]),
        (&"T1".into(), &CODE.into(), &true.into(), &serde_json::Value::Null)
    );
}

#[tokio::test]
async fn rows_without_names_and_codes_of_others_are_refused() {
    let hub = hub().await;
    assert!(refused(&hub, add(adding("T1", None))).await.contains("needs a name"));
    assert!(refused(&hub, add(adding("T 1", Some("试验大学")))).await.contains("id"));
    assert!(refused(&hub, add(adding("T1", Some("试验\u{7}大学")))).await.contains("names"));
    let code = Some(CODE.parse().unwrap());
    done(&hub, add(AddCommand { code, ..adding("T1", Some("试验大学")) })).await;
    assert!(refused(&hub, add(AddCommand { code, ..adding("T2", Some("另一大学")) })).await.contains("T1"));
}

#[tokio::test]
async fn the_official_list_comes_in_once_and_says_what_changed() {
    let Some(file) = official_list() else { return };
    let hub = hub().await;
    let import = || {
        Command::Institution(InstitutionCommand::Import(ImportCommand { file: file.clone(), by: by("甲") }))
    };
    let first = json(&hub, import()).await;
    assert_eq!((&first["new"], &first["problems"]), (&92.into(), &0.into()));
    done(&hub, add(AddCommand { in_district: Some(true), ..adding("4111010001", None) })).await;
    let again = json(&hub, import()).await;
    assert_eq!(
        (&again["new"], &again["unchanged"], &again["changed"]),
        (&0.into(), &92.into(), &serde_json::json!([]))
    );

    let named = roster::find(&hub.office, "4111010001").unwrap().unwrap();
    assert!(named.name() == "北京大学" && named.in_district == Some(true), "{named:?}");
    let former = roster::RosterRow { names: vec!["旧名大学".to_owned()], ..named };
    roster::drawer(&hub.office).keep(b"4111010001", &former).unwrap();
    let said = done(&hub, import()).await;
    assert!(
        said.contains("4111010001 renamed: 旧名大学 → 北京大学")
            && said.contains("0 new, 1 changed, 91 unchanged"),
        "{said}"
    );
    let named = roster::find(&hub.office, "4111010001").unwrap().unwrap();
    assert_eq!(named.aliases, ["旧名大学"]);
    assert_eq!(
        json(&hub, Command::Institution(InstitutionCommand::List)).await.as_array().unwrap().len(),
        92
    );
}

/// The published file lies beside the checkout.
#[expect(clippy::disallowed_methods, reason = "where the data is, is the machine's business")]
fn official_list() -> Option<PathBuf> {
    let folder = std::env::var("SAFEHARBOR_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    let file = folder.join("cn-moe-university-list-2025/全国高等学校名单.xls");
    if !file.exists() {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    }
    Some(file)
}
