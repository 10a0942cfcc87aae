//! Makes the C header from the boundary's own docs: `make header`. The committed `include/kaleidoscope.h` is what it makes,
//! which the test below compares.

mod sections;

use std::error::Error;
use std::fs;
use std::path::Path;

const HEADER: &str = "include/kaleidoscope.h";

/// The top of the repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The text of the header.
fn header() -> Result<String, Box<dyn Error>> {
    let mut config = cbindgen::Config::from_file(concat!(env!("CARGO_MANIFEST_DIR"), "/cbindgen.toml"))?;
    let mut macros = config.after_includes.take().unwrap_or_default();
    // The workspace has one version: this package's is the library's.
    for (part, number) in [
        ("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR")),
        ("@MINOR@", env!("CARGO_PKG_VERSION_MINOR")),
        ("@PATCH@", env!("CARGO_PKG_VERSION_PATCH")),
        ("@VERSION@", env!("CARGO_PKG_VERSION")),
    ] {
        macros = macros.replace(part, number);
    }
    config.after_includes = Some(macros);
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sections::sources() {
        builder = builder.with_src(root().join(format!("src/ffi/{source}.rs")));
    }
    let mut text = Vec::new();
    builder.generate()?.write(&mut text);
    let text = sections::without_fences(&String::from_utf8(text)?);
    let arranged = sections::arrange(&text, &root().join("src/ffi"))?;
    // [[nodiscard]] has to precede __declspec.
    let arranged = arranged
        .replace("KAL_API\nKAL_NODISCARD\n", "KAL_NODISCARD\nKAL_API\n")
        .replace("KAL_API KAL_NODISCARD ", "KAL_NODISCARD KAL_API ");
    Ok(sections::in_blocks(&arranged))
}

fn main() -> Result<(), Box<dyn Error>> {
    fs::write(root().join(HEADER), header()?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when a doc comment of `src/ffi` is changed alone: "line 472 of include/kaleidoscope.h: run `make header`".
    #[test]
    fn the_committed_header_is_the_generated_one() {
        let committed = fs::read_to_string(root().join(HEADER)).expect(HEADER);
        let generated = header().expect("a header");
        for (number, (committed, generated)) in committed.lines().zip(generated.lines()).enumerate() {
            assert_eq!(committed, generated, "line {} of {HEADER}: run `make header`", number + 1);
        }
        assert_eq!(committed.len(), generated.len(), "{HEADER} has another end: run `make header`");
    }
}
