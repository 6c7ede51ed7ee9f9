//! Rebuilds the crate when a file of the catalogue appears or goes.

fn main() {
    println!("cargo::rerun-if-changed=../catalogue");
}
