//! What the sources themselves must satisfy, whatever the program does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders of the four libraries.
const LIBRARIES: [&str; 4] = ["rotor-core", "rotor-mio", "rotor-glib", "rotor-smol"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(top().join(path)).unwrap()
}

/// The path and the text of every file of a kind below a folder.
pub fn files(folder: &str, kind: &str) -> Vec<(PathBuf, String)> {
    let (mut files, mut folders) = (Vec::new(), vec![top().join(folder)]);
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|its| its == kind) {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files
}

/// Every source file below a folder, but for what only a fuzzer is built with.
fn sources(folder: &str) -> Vec<String> {
    let mut all = files(folder, "rs");
    all.retain(|(path, _)| !path.ends_with("rotor-core/src/fuzz.rs"));
    all.into_iter().map(|(_, text)| text).collect()
}

/// Programs that must not compile; nightly checks that each does not for the reason that its code says.
#[test]
fn v14_thirty_mistakes_do_not_compile() {
    let folders = LIBRARIES.map(|library| format!("{library}/src"));
    let all = folders.iter().flat_map(|folder| sources(folder));
    let all = all.chain([read("tests/misuse.rs")]);
    let (mut coded, mut others) = (0, 0);
    for text in all {
        let programs = text.matches("compile_fail").count();
        let with_code = text.matches("```compile_fail,E0").count();
        coded += with_code;
        others += programs - with_code;
    }
    println!("{coded} programs must not compile, each with its error code");
    assert!(coded >= 30);
    assert_eq!(others, 0, "without a code");
}

/// Names of crates that are built for rotor-core, itself left out.
fn built(depth: u32) -> BTreeSet<String> {
    let depth = depth.to_string();
    let tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "tree",
            "--offline",
            "--package=rotor-core",
            "--edges=normal",
        ])
        .args(["--prefix=none", "--format={lib}", "--depth", &depth])
        .current_dir(top())
        .output()
        .expect("who runs this test has cargo");
    let text = String::from_utf8_lossy(&tree.stderr).into_owned();
    assert!(tree.status.success(), "{text}");
    let names = String::from_utf8_lossy(&tree.stdout).into_owned();
    names
        .lines()
        .map(str::to_owned)
        .filter(|name| name != "rotor_core")
        .collect()
}

/// Three crates, each with its reason in ARCHITECTURE.md, and few below them.
#[test]
fn row_m07_the_core_has_few_dependencies() {
    let direct = built(1);
    let expected = ["ahash", "crossbeam_queue", "smallvec"].map(str::to_owned);
    assert_eq!(direct, BTreeSet::from(expected));
    let text = read("ARCHITECTURE.md");
    let (_, reasons) = text.split_once("## Dependencies of rotor-core").unwrap();
    for name in &direct {
        assert!(
            reasons.contains(&name.replace('_', "-")),
            "{name} has no reason"
        );
    }
    let all = built(u32::MAX);
    println!("{} crates below rotor-core: {all:?}", all.len());
    assert!(all.len() <= 8);
}

/// The table of what it rests on names the files that have some, and no others.
#[test]
fn e17_unsafe_code_is_where_the_architecture_says() {
    let mut expecting = BTreeSet::new();
    for library in LIBRARIES {
        for (path, text) in files(&format!("{library}/src"), "rs") {
            // A program in a comment is none of the library.
            let expects = text.lines().any(|line| line == "#![expect(unsafe_code)]");
            let path = path.with_extension("");
            let (_, module) = path.to_str().unwrap().rsplit_once("/src/").unwrap();
            if expects {
                expecting.insert(module.replace('/', "::"));
            }
        }
    }
    let text = read("ARCHITECTURE.md");
    let (_, rest) = text.split_once("## What `unsafe` rests on").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let places = rows.filter_map(|row| row.split(" | ").nth(1));
    let named = places.flat_map(|places| places.split('`').skip(1).step_by(2));
    let named: BTreeSet<_> = named.map(str::to_owned).collect();
    println!("{} files have unsafe code", expecting.len());
    assert_eq!(expecting, named);
}

/// What a line makes public: its name, types only if the crate exports them.
fn public<'a>(line: &'a str, is_trait: bool, exported: &BTreeSet<&str>) -> Option<&'a str> {
    let words = match line.trim_start().strip_prefix("pub ") {
        Some(words) => words,
        // What an implementation of a public trait writes, or calls.
        None if is_trait => line.strip_prefix("    ")?,
        None => return None,
    };
    let words = match words.strip_prefix("const fn ") {
        Some(rest) => ("fn", rest),
        None => words.split_once(' ')?,
    };
    let name = words
        .1
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .next()?;
    match words.0 {
        "fn" | "const" => Some(name),
        "struct" | "enum" | "trait" | "type" if exported.contains(name) => Some(name),
        _ => None,
    }
}

/// Public items of a source file: how many there are, and the names of those whose docs hold no
/// program.
fn without_program<'a>(text: &'a str, exported: &BTreeSet<&str>) -> (usize, Vec<&'a str>) {
    let (mut count, mut without) = (0, Vec::new());
    let (mut has_program, mut is_trait, mut hidden) = (false, false, false);
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        let trimmed = line.trim_start();
        if let Some(doc) = trimmed.strip_prefix("///") {
            has_program |= doc.trim_start().starts_with("```");
            continue;
        }
        hidden |= trimmed == "#[doc(hidden)]";
        if let Some(name) = public(line, is_trait, exported)
            && !hidden
        {
            count += 1;
            if !has_program {
                without.push(name);
            }
        }
        let begins = line.starts_with("pub trait ") && public(line, false, exported).is_some();
        is_trait = begins || is_trait && line != "}";
        // Attributes stand between the docs and their item.
        if line.is_empty() || line.ends_with(['{', '}', ';']) {
            (has_program, hidden) = (false, false);
        }
    }
    (count, without)
}

/// Fields, variants and associated types are shown by the programs of what they belong to.
#[test]
fn k03_every_public_item_has_an_example_of_its_own() {
    let mut count = 0;
    let mut without = Vec::new();
    for library in LIBRARIES {
        let root = read(format!("{library}/src/lib.rs"));
        let (_, exports) = root.split_once("pub use").unwrap();
        let names = exports.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        // The types of `rotor_core::sim`.
        let exported = names.chain(["Sim", "Probe"]).collect();
        for text in sources(&format!("{library}/src")) {
            let (items, bare) = without_program(&text, &exported);
            count += items;
            without.extend(bare.iter().map(|name| format!("{library}: {name}")));
        }
    }
    println!("{count} public types and calls");
    assert_eq!(without, [""; 0], "without an example");
}
