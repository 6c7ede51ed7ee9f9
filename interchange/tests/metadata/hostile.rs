//! XML that is made to do harm, and XML that is broken.

use proptest::prelude::*;
use safeharbor_interchange::metadata::{
    Answer, AnswerFailed, EVENT_BYTES_MAX, Item, Limits, MetadataFormat, MetadataRow, XmlFailed,
};

const LIMITS: Limits = Limits { bytes: 4 << 20, items: 10 };

fn read(text: &[u8], limits: Limits) -> Result<Vec<MetadataRow>, AnswerFailed> {
    let mut answer = Answer::of_file(text, limits);
    let mut rows = Vec::new();
    while let Some(item) = answer.next()? {
        match item {
            Item::Record(row) | Item::Header(row) => rows.push(row),
            Item::Set(_) => {}
        }
    }
    Ok(rows)
}

fn dc(content: &str) -> String {
    format!(
        r#"<x:dc xmlns:x="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:d="http://purl.org/dc/elements/1.1/">{content}</x:dc>"#
    )
}

fn title(content: &str) -> Result<String, AnswerFailed> {
    let rows = read(dc(&format!("<d:title>{content}</d:title>")).as_bytes(), LIMITS)?;
    Ok(rows[0].columns.values("title").join("|"))
}

#[test]
fn billion_laughs_are_refused() {
    let lol = r#"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]><x>&lol2;</x>"#;
    let refused = read(lol.as_bytes(), LIMITS).unwrap_err();
    assert!(matches!(refused, AnswerFailed::Xml(XmlFailed::DocumentType)), "{refused:?}");
    let entity = title("&lol;").unwrap_err();
    assert!(matches!(&entity, AnswerFailed::Xml(XmlFailed::Entity(name)) if name == "lol"), "{entity:?}");
}

#[test]
fn the_five_entities_and_characters_by_number_are_read() {
    assert_eq!(
        title("a &lt;b&gt; &amp; &quot;c&quot; &apos;&#x4e2d;&#25991;").unwrap(),
        "a <b> & \"c\" '中文"
    );
    assert_eq!(title("<![CDATA[a < b]]>").unwrap(), "a < b");
}

#[test]
fn control_characters_are_white_space() {
    assert_eq!(title("  a\u{b}\n\t b&#31;c ").unwrap(), "a b c");
}

#[test]
fn depth_and_sizes_are_limited() {
    let deep = "<a>".repeat(200);
    assert!(matches!(read(deep.as_bytes(), LIMITS), Err(AnswerFailed::Xml(XmlFailed::TooDeep))));
    let long = "x".repeat(usize::try_from(EVENT_BYTES_MAX).unwrap() + 20_000);
    let refused = title(&long).unwrap_err();
    assert!(matches!(refused, AnswerFailed::Xml(XmlFailed::TooLarge(_))), "{refused:?}");
    let small = Limits { bytes: 1_000, items: 10 };
    let refused = read(dc(&"<d:title>x</d:title>".repeat(2_000)).as_bytes(), small).unwrap_err();
    assert!(matches!(refused, AnswerFailed::Xml(XmlFailed::TooLarge(_))), "{refused:?}");
    let many = dc(&"<d:a/>".repeat(60_000));
    assert!(matches!(read(many.as_bytes(), LIMITS), Err(AnswerFailed::Xml(XmlFailed::RecordTooLarge))));
    let attributes: String = (0..100).map(|number| format!(" a{number}=''")).collect();
    let refused = read(format!("<a{attributes}/>").as_bytes(), LIMITS);
    assert!(matches!(refused, Err(AnswerFailed::Xml(XmlFailed::TooManyAttributes))));
    let records = format!("<a>{}</a>", dc("<d:title>x</d:title>").repeat(11));
    assert!(matches!(read(records.as_bytes(), LIMITS), Err(AnswerFailed::TooManyItems(10))));
}

#[test]
fn what_is_cut_off_or_in_another_encoding_is_refused() {
    let whole = dc("<d:title>中文</d:title>");
    for length in 0..whole.len() {
        assert!(read(&whole.as_bytes()[..length], LIMITS).is_err(), "{length}");
    }
    let gbk = r#"<?xml version="1.0" encoding="GBK"?><a/>"#;
    assert!(
        matches!(read(gbk.as_bytes(), LIMITS), Err(AnswerFailed::Xml(XmlFailed::Encoding(name))) if name == "GBK")
    );
}

#[test]
fn a_web_page_is_no_answer() {
    let mut answer = Answer::new("<html><body/></html>".as_bytes(), LIMITS);
    assert!(matches!(answer.next(), Err(AnswerFailed::NotOai(name)) if name == "html"));
}

#[test]
fn unknown_elements_are_passed_over() {
    let strange = dc("<d:title>a</d:title><z>b<d:title>c</d:title></z><d:creator><b>x</b></d:creator>");
    let rows = read(format!("<list><note>n</note>{strange}</list>").as_bytes(), LIMITS).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].columns.values("title"), ["a"]);
    assert!(rows[0].columns.values("creator").is_empty());
}

#[test]
fn a_record_without_identifier_is_named_by_its_place() {
    let oai = r#"<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record><header><datestamp>2020-01-01</datestamp></header></record></ListRecords></OAI-PMH>"#;
    let refused = read(oai.as_bytes(), LIMITS).unwrap_err();
    assert!(matches!(refused, AnswerFailed::Incomplete { number: 1, missing: "identifier" }), "{refused:?}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(read(&bytes, LIMITS));
    }

    #[test]
    fn no_mixture_of_tags_panics(parts in proptest::collection::vec(0_usize..PARTS.len(), 0..40)) {
        let text: String = parts.into_iter().map(|part| PARTS[part]).collect();
        if let Ok(rows) = read(text.as_bytes(), LIMITS) {
            for row in rows {
                prop_assert!(row.to_json(MetadataFormat::Cerif).contains_key("action"));
            }
        }
    }

    #[test]
    fn any_title_is_read_with_its_words(words in "[a-z中文<>&\"' \n]{0,40}") {
        let escaped = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let wanted = words.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(title(&escaped).unwrap(), wanted);
    }
}

const PARTS: [&str; 16] = [
    r#"<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">"#,
    "</OAI-PMH>",
    "<record>",
    "</record>",
    r#"<header status="deleted">"#,
    "</header>",
    "<identifier>i</identifier>",
    "<datestamp>2020</datestamp>",
    "<metadata>",
    "</metadata>",
    r#"<Patent xmlns="https://www.openaire.eu/cerif-profile/1.2/" id="p">"#,
    "</Patent>",
    r#"<Title xml:lang="en">t</Title>"#,
    "<Inventors><Inventor><Person><PersonName>",
    "</PersonName></Person></Inventor></Inventors>",
    "<resumptionToken>x</resumptionToken>",
];
