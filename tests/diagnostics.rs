//! What the compiler says about a mistake: the main traits explain themselves, and what has no code is known by
//! its text.

use std::path::PathBuf;
use std::process::Command;

/// What every program below begins with.
const BEGIN: &str = "
    use rotor_core::*;
    pub struct Mine;
    impl Actor for Mine {}
    impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
    impl Handler<()> for Mine { fn handle(&mut self, _: (), _: &mut Context<Self>) {} }
    pub struct Count;
    impl Request for Count { type Reply = u32; }
    pub struct Nobody;
";

/// A mistake, and what must be said about it.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        "pub fn f(to: Addr<Mine>) { to.send(\"text\"); }",
        &[
            "`Mine` does not handle messages of type `&str`",
            "write `impl Handler<&str> for Mine`, or `TryHandler` if it may fail",
        ],
    ),
    (
        "pub fn f(to: Addr<Mine>) -> Recipient<Nobody> { to.to() }",
        &["`Mine` does not handle messages of type `Nobody`"],
    ),
    (
        "pub fn f(to: Addr<Mine>) { let _ = to.ask(Count, std::time::Duration::MAX); }",
        &[
            "`Mine` does not handle messages of type `Ask<",
            "write `impl Handler<Ask<",
        ],
    ),
    (
        "pub fn f(cx: &mut Context<Mine>, who: Address) { cx.monitor(who); }",
        &[
            "`Mine` does not handle messages of type `rotor_core::Down`",
            "write `impl Handler<rotor_core::Down> for Mine`",
        ],
    ),
    (
        "pub fn f(at: &Locality) { at.reserve::<Nobody>(); }",
        &[
            "`Nobody` is not an actor",
            "write `impl Actor for Nobody {}`",
        ],
    ),
    (
        "impl Handler<()> for Nobody { fn handle(&mut self, _: (), _: &mut Context<Self>) {} }",
        &[
            "`Nobody` is not an actor",
            "write `impl Actor for Nobody {}`",
        ],
    ),
    (
        "pub fn f() -> Child<Mine> { Child::new(\"mine\", || Nobody) }",
        &[
            "a factory cannot return `Nobody`",
            "return an actor (`impl Actor`), an `Option` of one, or a `Result` of either",
        ],
    ),
    (
        "pub fn f() -> Child<Mine> { Child::new(\"mine\", || Err::<Mine, _>(String::new())) }",
        &[
            "a factory cannot return `Result<Mine, String>`",
            "the error of a `Result` is a `std::error::Error` or the library's `Error`",
            "use `Error::message` for a text",
        ],
    ),
    (
        "pub fn f(ask: Ask<Nobody>) { drop(ask); }",
        &[
            "`Nobody` is not a request",
            "write `impl Request for Nobody { type Reply = ..; }`",
        ],
    ),
    // An error only where warnings are.
    (
        "#[deny(unused_must_use)] pub fn f(ask: Ask<Count>) { ask.split().1; }",
        &["unused `ReplyTo` that must be used"],
    ),
];

/// The folder of this test's own libraries, and the newest core in it.
fn core() -> (PathBuf, PathBuf) {
    let mut folder = std::env::current_exe().unwrap();
    folder.pop();
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let is_core = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("librotor_core-") && name.ends_with(".rlib")
    };
    let newest = files
        .filter(is_core)
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap());
    (folder, newest.expect("this test is linked with it"))
}

#[test]
fn row_m04_the_compiler_explains_what_is_missing() {
    let (folder, core) = core();
    let scratch = std::env::temp_dir().join(format!("rotor-diagnostics-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let said = |program: &str| {
        let source = scratch.join("lib.rs");
        std::fs::write(&source, format!("{BEGIN}{program}")).unwrap();
        let out = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--crate-type=lib", "--emit=metadata"])
            .arg(format!("-Ldependency={}", folder.display()))
            .arg(format!("--extern=rotor_core={}", core.display()))
            .arg("--out-dir")
            .args([&scratch, &source])
            .output()
            .expect("who runs this test has a compiler");
        (
            out.status.success(),
            String::from_utf8_lossy(&out.stderr).into_owned(),
        )
    };
    let (sound, text) = said("");
    assert!(sound, "{text}");
    for (mistake, texts) in MISTAKES {
        let (compiles, all) = said(mistake);
        assert!(!compiles, "{mistake}");
        for text in *texts {
            assert!(all.contains(text), "{mistake}\nlacks `{text}`:\n{all}");
        }
    }
    std::fs::remove_dir_all(scratch).unwrap();
}
