//! The command line.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use mirror_engine::{Args, Asked, FLAGS, shown_word};

use crate::step::{STEPS, Step};

const HEAD: &str = "\
Copies a folder tree and proves the copy, in a window that shows how it works.

usage: mirror-gtk [SRC DST] [options]

Without SRC and DST, the folders are chosen in the window.

  --headless-script FILE  do what FILE says, as a person would; the window is opened all the same,
                          on a display that nobody need see, such as that of Xvfb";

const CODES: &str = "\
exit codes: 0 the window was closed, whatever came of a copy; 1 the window could not be opened, the
whole tree has given up, or the script was wrong; 2 the arguments were";

/// What was asked for.
pub struct Words {
    /// Folders that are not given are empty.
    pub args: Args,
    /// Steps of the script.
    pub steps: Vec<Step>,
}

/// What the command line asks for.
pub enum Wanted {
    Run(Words),
    /// Print this.
    Say(String),
}

impl Words {
    /// Reads the words after the program's name, looks whether the run is possible, and touches
    /// nothing. The error is one line for the user.
    pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Wanted, String> {
        const FLAG: &str = "--headless-script";
        let (mut rest, mut script, mut words) = (Vec::new(), None, words);
        while let Some(word) = words.next() {
            let inline = word
                .to_str()
                .and_then(|w| w.strip_prefix(FLAG)?.strip_prefix('='));
            if word == FLAG {
                let file = words.next();
                script = Some(file.ok_or_else(|| format!("{FLAG} takes a file"))?);
            } else if let Some(file) = inline {
                script = Some(file.into());
            } else if word == "--" {
                rest.push(word);
                rest.extend(words.by_ref()); // folders, whatever they look like
            } else {
                rest.push(word);
            }
        }
        match Args::parse_some(rest)? {
            Asked::Help => Ok(Wanted::Say(format!(
                "{HEAD}\n{FLAGS}\n\n{STEPS}\n\n{CODES}"
            ))),
            Asked::Version => Ok(Wanted::Say(
                concat!("mirror-gtk ", env!("CARGO_PKG_VERSION")).into(),
            )),
            Asked::Run(args) if args.json || args.quiet => {
                Err("--json and --quiet are for mirror in a terminal".into())
            }
            Asked::Run(args) => {
                let missing = |folder: &Path| folder.as_os_str().is_empty();
                match (missing(&args.src), missing(&args.dst)) {
                    (true, _) => {} // to be chosen in the window
                    (false, true) => return Err("DST is missing".into()),
                    (false, false) => args.check()?,
                }
                let steps = script.map_or(Ok(Vec::new()), |file| read(&file))?;
                Ok(Wanted::Run(Self { args, steps }))
            }
        }
    }
}

fn read(file: &OsStr) -> Result<Vec<Step>, String> {
    let name = shown_word(file);
    let text = fs::read_to_string(file).map_err(|e| format!("script {name}: {e}"))?;
    Step::parse(&text).map_err(|e| format!("script {name}: unknown step in {e}"))
}
