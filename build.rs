//! Makes the C header from the boundary's own docs. The committed `include/kaleidoscope.h` is a copy of it, which the tests
//! compare; `make header` copies it again.

use std::env;
use std::error::Error;
use std::path::Path;

/// The boundary's files in the order in which a reader of the header meets them.
const SOURCES: [&str; 13] = [
    "status",
    "types",
    "options",
    "client",
    "workspace",
    "result",
    "errors",
    "door",
    "cancel",
    "stream",
    "queue",
    "log",
    "library",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&root);
    let config = root.join("cbindgen.toml");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src/ffi");
    let mut config = cbindgen::Config::from_file(config)?;
    let version = [
        ("MAJOR", env::var("CARGO_PKG_VERSION_MAJOR")?),
        ("MINOR", env::var("CARGO_PKG_VERSION_MINOR")?),
        ("PATCH", env::var("CARGO_PKG_VERSION_PATCH")?),
    ];
    let mut macros = config.after_includes.take().unwrap_or_default();
    for (part, number) in &version {
        macros = macros.replace(&format!("@{part}@"), number);
    }
    config.after_includes = Some(macros.replace("@VERSION@", &env::var("CARGO_PKG_VERSION")?));
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join(format!("src/ffi/{source}.rs")));
    }
    let header = Path::new(&env::var("OUT_DIR")?).join("kaleidoscope.h");
    builder.generate()?.write_to_file(&header);
    println!("cargo::rustc-env=KAL_GENERATED_HEADER={}", header.display());
    Ok(())
}
