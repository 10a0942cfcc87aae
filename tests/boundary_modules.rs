//! The modules of the C boundary have no import cycles, and `kit` imports nothing above it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The modules of `src/ffi` and `src/ffi/kit`, each with its imports. Tests may import anything.
fn imports() -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
    let mut graph = Graph::new();
    for folder in ["", "kit/"] {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            if path.extension().is_none_or(|extension| extension != "rs") || name == "mod" {
                continue;
            }
            let source = fs::read_to_string(&path).expect("a module");
            let source = source.split("#[cfg(all(test").next().unwrap_or_default();
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            let imported = source.split("super::").skip(1).flat_map(|rest| names(rest, folder));
            graph.insert(format!("{folder}{name}"), imported.collect());
        }
    }
    let known: BTreeSet<String> = graph.keys().cloned().collect();
    for imported in graph.values_mut() {
        imported.retain(|name| known.contains(name));
    }
    graph
}

/// The modules that `super::rest` names: `a::B`, `kit::a`, or `{a, b}` of either.
fn names(rest: &str, folder: &str) -> Vec<String> {
    let (folder, rest) = rest.strip_prefix("kit::").map_or((folder, rest), |rest| ("kit/", rest));
    let list = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    list.unwrap_or(&rest[..end]).split(',').map(|name| format!("{folder}{}", name.trim())).collect()
}

/// Repeatedly removes modules without remaining imports: what is left is in a cycle, or imports one.
fn cycles(mut graph: Graph) -> Graph {
    loop {
        let before = graph.len();
        let left: BTreeSet<String> = graph.keys().cloned().collect();
        graph.retain(|_, imported| imported.iter().any(|name| left.contains(name)));
        if graph.len() == before {
            return graph;
        }
    }
}

/// Red with the modules of 0.1.0: arguments, client, errors, guard, handles, log and queue import each other, and eight more
/// import those.
#[test]
fn modules_have_no_import_cycles() {
    let graph = imports();
    let cycles = cycles(graph.clone());
    assert!(cycles.is_empty(), "in a cycle, or importing one: {cycles:#?}");
    // Otherwise a parser that finds nothing would pass.
    assert!(graph["queue"].contains("kit/handles") && graph["kit/text"].contains("kit/pointer"), "{graph:#?}");
}

/// Red with `use crate::client::Client;` in kit/handles.rs.
#[test]
fn the_kit_imports_nothing_above_it() {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi/kit");
    for entry in fs::read_dir(kit).expect("a folder") {
        let path = entry.expect("an entry").path();
        let source = fs::read_to_string(&path).expect("a module");
        let outside = source.lines().filter(|line| line.trim_start().starts_with("use "));
        let above = outside.filter(|line| line.contains("crate::") || line.contains("super::super::"));
        let above = above.map(|line| line.trim_start().trim_start_matches("use crate::"));
        let low =
            |line: &&str| ["error::", "platform::", "runtime::", "sync::"].iter().any(|low| line.starts_with(low));
        let above: Vec<_> = above.filter(|line| !low(line)).collect();
        assert!(above.is_empty(), "{} imports {above:?}", path.display());
    }
}
