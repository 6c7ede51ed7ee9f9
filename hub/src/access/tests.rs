//! The access matrix, cell by cell, over real TLS and real HTTP.

mod http;
mod proposals;
mod rpc;

use super::*;

#[test]
fn access_matrix_in_the_documents_is_the_one_in_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/access.md");
    if option_env!("SAFEHARBOR_REWRITE").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        written,
        document(),
        "SAFEHARBOR_REWRITE=1 cargo test -p safeharbor-hub access_matrix writes it anew"
    );
}

#[test]
fn access_matrix_has_every_method_that_the_services_have() {
    let text = concat!(
        include_str!("../../../proto/proto/safeharbor/v1/enrollment.proto"),
        include_str!("../../../proto/proto/safeharbor/v1/exchange.proto"),
    );
    let mut service = "";
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("service ") {
            service = rest.split([' ', '{']).next().unwrap();
        } else if let Some(rest) = line.strip_prefix("rpc ") {
            found.push(format!("/safeharbor.v1.{service}/{}", rest.split('(').next().unwrap().trim()));
        }
    }
    let mut there: Vec<_> = METHODS.iter().map(|(path, _)| (*path).to_owned()).collect();
    there.retain(|path| path.starts_with("/safeharbor."));
    found.sort();
    there.sort();
    assert_eq!(there, found);
}
