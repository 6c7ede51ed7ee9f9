//! Generates the gRPC code from `proto/`; protox compiles it, so no protoc is needed.

use std::path::PathBuf;

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts this way")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files =
        protox::compile(["safeharbor/v1/exchange.proto", "safeharbor/v1/enrollment.proto"], ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("descriptors.bin");
    std::fs::write(out, prost::Message::encode_to_vec(&files))?;
    // Their fields are secret: `src/secret.rs` says what may be shown of them.
    tonic_prost_build::configure().skip_debug([".safeharbor.v1.JoinRequest"]).compile_fds(files)?;
    Ok(())
}
