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

/// Every source file below a folder.
fn sources(folder: &str) -> Vec<String> {
    let (mut texts, mut folders) = (Vec::new(), vec![top().join(folder)]);
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

/// Programs that must not compile; those with an error code are checked for it by nightly.
#[test]
fn v14_thirty_mistakes_do_not_compile() {
    let folders = LIBRARIES.map(|library| format!("{library}/src"));
    let all = folders.iter().flat_map(|folder| sources(folder));
    let all = all.chain([read("tests/misuse.rs")]);
    let coded = all.map(|text| text.matches("```compile_fail,E0").count());
    let coded: usize = coded.sum();
    println!("{coded} programs must not compile, each with its error code");
    assert!(coded >= 30);
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

/// A public type or function, by its name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Type(String),
    Function(String),
}

impl Item {
    /// What a line of source makes public, types only if the crate exports them.
    fn of(line: &str, exported: &BTreeSet<&str>) -> Option<Item> {
        let words = line.trim_start().strip_prefix("pub ")?;
        let words = words
            .trim_start_matches("const ")
            .trim_start_matches("unsafe ");
        let (kind, rest) = words.split_once(' ')?;
        let name = rest
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next()?;
        match kind {
            "fn" => Some(Item::Function(name.to_owned())),
            "struct" | "enum" | "trait" | "type" if exported.contains(name) => {
                Some(Item::Type(name.to_owned()))
            }
            _ => None,
        }
    }

    /// Whether an example uses it.
    fn is_in(&self, examples: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let (name, is_call) = match self {
            Item::Type(name) => (name, false),
            Item::Function(name) => (name, true),
        };
        examples.match_indices(&**name).any(|(at, _)| {
            let rest = &examples[at + name.len()..];
            let whole = !examples[..at].ends_with(is_word) && !rest.starts_with(is_word);
            whole && (!is_call || rest.starts_with(['(', ':']))
        })
    }
}

/// The lines of the programs in the docs of a source file, and the other lines of it.
fn programs_and_code(text: &str) -> (String, String) {
    let (mut programs, mut code, mut inside) = (String::new(), String::new(), false);
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        let trimmed = line.trim_start();
        match trimmed.strip_prefix("///").or(trimmed.strip_prefix("//!")) {
            Some(doc) if doc.trim_start().starts_with("```") => inside = !inside,
            Some(doc) if inside => programs += &format!("{doc}\n"),
            Some(_) => {}
            None => code += &format!("{line}\n"),
        }
    }
    (programs, code)
}

/// In the docs of its crate, or in a program among the examples: all of them are compiled.
#[test]
fn k03_every_public_item_is_used_in_an_example() {
    let examples = sources("examples").concat();
    let mut count = 0;
    let mut without = Vec::new();
    for library in LIBRARIES {
        let root = read(format!("{library}/src/lib.rs"));
        let (_, exports) = root.split_once("pub use").unwrap();
        let exported = exports
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .collect();
        let texts = sources(&format!("{library}/src"));
        let parts: Vec<_> = texts.iter().map(|text| programs_and_code(text)).collect();
        let programs: String = parts.iter().map(|(programs, _)| &**programs).collect();
        let lines = parts.iter().flat_map(|(_, code)| code.lines());
        let items: BTreeSet<_> = lines.filter_map(|line| Item::of(line, &exported)).collect();
        count += items.len();
        let unused = items
            .into_iter()
            .filter(|item| !item.is_in(&programs) && !item.is_in(&examples));
        without.extend(unused.map(|item| format!("{library}: {item:?}")));
    }
    println!("{count} public types and functions");
    assert_eq!(without, [""; 0], "without an example");
}
