//! Every kind of the embedded catalogue: it loads, it says what the data dictionary says, and it is JSON Schema 2020-12.

use safeharbor_rules::{Catalogue, Field, Kind, Lang};

fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

fn kind<'a>(catalogue: &'a Catalogue, id: &str) -> &'a Kind {
    catalogue.kind(&id.parse().unwrap()).unwrap()
}

#[test]
fn the_five_kinds_are_there() {
    let catalogue = catalogue();
    for (id, zh, key) in [
        ("ACH", "科技成果", "achievement_no"),
        ("IPR", "知识产权", "right_no"),
        ("DEAL", "转化交易", "deal_id"),
        ("ENT", "转化企业", "code"),
        ("PRF", "单位概况", "code"),
    ] {
        let kind = kind(&catalogue, id);
        assert_eq!(kind.title(Lang::Zh), zh);
        assert_eq!(kind.key_fields().map(Field::name).collect::<Vec<_>>(), [key]);
        assert!(kind.fields().len() <= kind.digests());
    }
}
