//! Arranges the generated header into sections. cbindgen writes all constants first, then all types, then all functions; a
//! reader wants what belongs together in one place, in the order in which it is needed.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A section's heading, and the files of `src/ffi` whose items it has, in this order.
pub(crate) const SECTIONS: [(&str, &[&str]); 11] = [
    ("STATUS AND HANDLES", &["kit/status", "types"]),
    ("CLIENT", &["token_provider", "logger", "client_options", "client"]),
    ("WORKSPACE", &["call_options", "events_query", "workspace", "call", "request"]),
    ("RESULTS", &["records", "result"]),
    ("ERRORS", &["error_info", "error"]),
    ("CACHE", &["cache"]),
    ("STREAMS", &["stream"]),
    ("QUEUE", &["completion", "queue", "workspace_submit"]),
    ("CANCEL", &["cancel"]),
    ("LOG", &["log"]),
    ("LIBRARY", &["library"]),
];

/// The files of `src/ffi` that the header is made of.
pub(crate) fn sources() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().flat_map(|(_, sources)| sources.iter().copied())
}

/// `header`, as cbindgen wrote it, by sections. An initialiser follows its struct.
pub(crate) fn arrange(header: &str, ffi: &Path) -> Result<String, Box<dyn Error>> {
    let mut blocks: Vec<&str> = header.split("\n\n").map(|block| block.trim_matches('\n')).collect();
    blocks.retain(|block| !block.is_empty());
    let end = blocks.pop().ok_or("the header is empty")?;
    let (linkage, mut blocks): (Vec<&str>, Vec<&str>) =
        blocks.into_iter().partition(|block| block.starts_with("#ifdef __cplusplus"));
    let [begin_linkage, end_linkage] = linkage[..] else { return Err("expected two blocks of extern \"C\"".into()) };
    let mut sections = String::new();
    for (heading, sources) in SECTIONS {
        let rule = "-".repeat(112 - heading.len());
        write!(sections, "/* --- {heading} {rule} */\n\n")?;
        for source in sources {
            let text = fs::read_to_string(ffi.join(format!("{source}.rs")))?;
            for name in text.lines().filter_map(declared_in_rust) {
                let initialiser = format!("{}_INIT", name.to_uppercase());
                for name in [name, &initialiser] {
                    let (found, others): (Vec<&str>, Vec<&str>) =
                        blocks.into_iter().partition(|block| declared_in_c(block).as_deref() == Some(name));
                    for block in found {
                        write!(sections, "{block}\n\n")?;
                    }
                    blocks = others;
                }
            }
        }
    }
    if let Some(name) = blocks.iter().find_map(|block| declared_in_c(block).filter(|name| is_of_section(name))) {
        return Err(format!("{name} is in none of the sections of tools/header/src/sections.rs").into());
    }
    Ok(format!("{}\n\n{begin_linkage}\n\n{sections}{end_linkage}\n\n{end}\n", blocks.join("\n\n")))
}

/// `header` with every `//` comment as a block, which C90 has too.
pub(crate) fn in_blocks(header: &str) -> String {
    let mut text = String::new();
    let mut lines = header.lines().peekable();
    let mut is_inside = false;
    while let Some(line) = lines.next() {
        let (code, comment) = line.split_at(line.find("//").filter(|_| !line.starts_with(" *")).unwrap_or(line.len()));
        let Some(comment) = comment.strip_prefix("//") else {
            text += line;
            text.push('\n');
            continue;
        };
        text += code;
        text += if is_inside { " *" } else { "/*" };
        text += comment;
        // A comment after code is a line of its own.
        is_inside = code.trim().is_empty() && lines.peek().is_some_and(|next| next.trim_start().starts_with("//"));
        text += if is_inside { "\n" } else { " */\n" };
    }
    text
}

/// `header` with every fenced block indented instead. The fences say to rustdoc that the code is not Rust.
pub(crate) fn without_fences(header: &str) -> String {
    let mut text = String::new();
    let mut is_inside = false;
    for line in header.lines() {
        if line.trim_start().starts_with("// ```") {
            is_inside = !is_inside;
            continue;
        }
        let code = line.strip_prefix("// ").filter(|_| is_inside);
        text += &code.map_or_else(|| line.to_owned(), |code| format!("//     {code}"));
        text.push('\n');
    }
    text
}

/// What else is declared, in cbindgen.toml, belongs to the header as a whole.
fn is_of_section(name: &str) -> bool {
    name.starts_with("kal_") || name.ends_with("_INIT")
}

/// The name of the public item that a line of Rust declares.
fn declared_in_rust(line: &str) -> Option<&str> {
    let declarations =
        ["pub const ", "pub struct ", "pub type ", "pub extern \"C\" fn ", "pub unsafe extern \"C\" fn "];
    let rest = declarations.iter().find_map(|declaration| line.strip_prefix(declaration))?;
    Some(identifier(rest))
}

/// The name of the item that a block of C declares.
fn declared_in_c(block: &str) -> Option<String> {
    let code: String = block.lines().filter(|line| !line.starts_with("//") && !line.starts_with("/*")).collect();
    // The attributes of a long declaration are on lines of their own.
    let is_function = block.lines().any(|line| line.starts_with("KAL_API"));
    let start = if is_function {
        code[..code.find('(')?].rfind("kal_")?
    } else if code.starts_with("#define ") {
        "#define ".len()
    } else if code.starts_with("typedef struct ") {
        "typedef struct ".len()
    } else if code.starts_with("typedef ") {
        code.find("(*kal_").map(|position| position + 2).or_else(|| code.rfind("kal_"))?
    } else {
        return None;
    };
    let name = identifier(&code[start..]);
    Some(name.to_owned())
}

fn identifier(text: &str) -> &str {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap_or_default()
}
