//! The modules at the top of `src/` import each other without circles. Tests may import anything. For those of the boundary among
//! each other, see `boundary_modules.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the top level, with those that it imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file without comments and tests, which stand at its end.
fn code(file: &Path) -> String {
    let source = fs::read_to_string(file).expect("a module");
    let is_test = |line: &&str| line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test");
    let lines: Vec<&str> = source.lines().collect();
    let in_tests = |at: usize| {
        let mut rest = lines[at..].iter().skip_while(|line| line.starts_with("#["));
        is_test(&lines[at]) && rest.next().is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    };
    let end = (0..lines.len()).find(|at| in_tests(*at)).unwrap_or(lines.len());
    let code = lines[..end].iter().filter(|line| !line.trim_start().starts_with("//"));
    code.copied().collect::<Vec<_>>().join("\n")
}

/// The submodules of a file that are compiled for tests only: `#[cfg(test)] mod name;`.
fn test_modules(code: &str) -> BTreeSet<String> {
    let declarations = code.split("#[cfg(test)]\n").chain(code.split("#[cfg(all(test, not(kal_loom)))]\n"));
    let names = declarations.filter_map(|rest| rest.strip_prefix("mod ")?.split_once(';'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The code of a module and its submodules, each file with its depth below `src`.
fn files(module: &Path, depth: usize, found: &mut Vec<(String, usize)>) {
    let folder = module.with_extension("");
    let file = if module.is_file() { module.to_owned() } else { folder.join("mod.rs") };
    let code = code(&file);
    let tests = test_modules(&code);
    found.push((code, depth));
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // A module with a file and a folder is found by its file.
        let is_module = path.extension().is_some_and(|extension| extension == "rs") || path.join("mod.rs").is_file();
        if is_module && name != "mod" && !tests.contains(&name) {
            files(&path, depth + 1, found);
        }
    }
}

/// The modules that `lib.rs` exports names of, by name.
fn exports() -> BTreeMap<String, String> {
    let lib = code(&src().join("lib.rs"));
    let exported = lib.lines().filter_map(|line| line.strip_prefix("pub use ")?.trim_end_matches(';').split_once("::"));
    exported
        .flat_map(|(module, names)| {
            let names = names.trim_matches(['{', '}']).split(", ");
            names.map(move |name| (name.to_owned(), module.to_owned()))
        })
        .collect()
}

/// The first segments of what follows `crate::`: one name, or those of a list in braces.
fn first_segments(rest: &str) -> Vec<&str> {
    let name = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let Some(list) = rest.strip_prefix('{') else { return vec![&rest[..name(rest)]] };
    let (mut nested, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => nested += 1,
            '}' if nested > 0 => nested -= 1,
            ',' | '}' if nested == 0 => {
                let item = list[start..at].trim_start();
                found.push(&item[..name(item)]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

fn imports() -> Graph {
    let lib = code(&src().join("lib.rs"));
    let declared = lib.lines().filter_map(|line| {
        let name = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?;
        name.strip_suffix(';')
    });
    // Test code, and what it checks.
    let modules: BTreeSet<String> = declared.filter(|name| *name != "fuzzing").map(str::to_owned).collect();
    let exports = exports();
    let mut graph = Graph::new();
    for module in &modules {
        let file = src().join(module).with_extension("rs");
        let mut found = Vec::new();
        files(&if file.is_file() { file } else { src().join(module) }, 1, &mut found);
        let mut imported = BTreeSet::new();
        for (code, depth) in &found {
            let root = "super::".repeat(*depth);
            for rest in code.split("crate::").skip(1).chain(code.split(&root).skip(1)) {
                for name in first_segments(rest) {
                    let name = exports.get(name).map_or(name, String::as_str);
                    if modules.contains(name) && name != module {
                        imported.insert(name.to_owned());
                    }
                }
            }
        }
        graph.insert(module.clone(), imported);
    }
    graph
}

/// The modules that a module reaches through imports.
fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for imported in &graph[module] {
            if reached.insert(imported.clone()) {
                next.push(imported);
            }
        }
    }
    reached
}

/// Red when http has the proxy's rules and the steps of a request, and runtime asks it for lookups: config, http, retry and runtime
/// are in circles.
#[test]
fn the_modules_of_the_top_level_import_each_other_without_circles() {
    let graph = imports();
    let imports = |from: &str, to: &str| graph[from].contains(to);
    // Or nothing would be found.
    assert!(imports("client", "cache") && imports("ffi", "client") && imports("http", "redact"), "{graph:#?}");
    let in_circles = graph.iter().filter(|(module, _)| reached(&graph, module).contains(*module));
    let circles: BTreeMap<_, Vec<_>> = in_circles
        .map(|(module, imported)| {
            let back = imported.iter().filter(|imported| reached(&graph, imported).contains(module));
            (module, back.collect())
        })
        .collect();
    assert!(circles.is_empty(), "modules in circles, each with its imports that lead back to it: {circles:#?}");
}
