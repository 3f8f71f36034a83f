//! The command line: what was asked for, and whether it can be done before anything is touched.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use lexopt::Parser;
use lexopt::prelude::*;

use crate::entry::shown_word;
use crate::folders::Folders;

/// What `--help` says of the options, but for those on what is printed.
pub const FLAGS: &str = "  --checksum     compare contents instead of size and modification time
  --delete       remove from DST what SRC lacks
  --jobs N       files read and written side by side (1 to 64, default 4)
  --chaos SEED   crash actors and drop connections on purpose, seeded
  --help         print this text
  --version      print the version";

/// More lanes than this cost threads and help nobody.
const MOST_JOBS: u64 = 64;

/// Lanes when `--jobs` is not given.
const USUAL_JOBS: usize = 4;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A run.
    Run(Args),
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

/// One run as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// What is copied.
    pub src: PathBuf,
    /// Where to.
    pub dst: PathBuf,
    /// The seed of crashes on purpose.
    pub chaos: Option<u64>,
    /// Lanes: readers and writers side by side.
    pub jobs: usize,
    /// Whether the last line is an object.
    pub json: bool,
    /// Neither bar nor report.
    pub quiet: bool,
    /// Remove what SRC lacks.
    pub delete: bool,
    /// Compare contents.
    pub checksum: bool,
}

impl Args {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// One line for the user.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
        let asked = Self::parse_some(words)?;
        match &asked {
            Asked::Run(args) if args.src.as_os_str().is_empty() => {
                Err("SRC and DST are missing".into())
            }
            Asked::Run(args) if args.dst.as_os_str().is_empty() => Err("DST is missing".into()),
            _ => Ok(asked),
        }
    }

    /// Reads the words after the program's name, for one that can ask for the folders: what is not
    /// given is empty.
    ///
    /// # Errors
    /// One line for the user.
    pub fn parse_some(words: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
        let mut parser = Parser::from_args(words);
        let mut folders = Vec::new();
        let mut args = Self {
            src: PathBuf::new(),
            dst: PathBuf::new(),
            chaos: None,
            jobs: USUAL_JOBS,
            json: false,
            quiet: false,
            delete: false,
            checksum: false,
        };
        while let Some(word) = parser.next().map_err(one_line)? {
            match word {
                Long("chaos") => args.chaos = Some(number(&mut parser, "--chaos", 0..=u64::MAX)?),
                Long("jobs") => args.jobs = number(&mut parser, "--jobs", 1..=MOST_JOBS)? as usize,
                Long("json") => args.json = true,
                Long("quiet") | Short('q') => args.quiet = true,
                Long("delete") => args.delete = true,
                Long("checksum") => args.checksum = true,
                Long("help") | Short('h') => return Ok(Asked::Help),
                Long("version") | Short('V') => return Ok(Asked::Version),
                Value(folder) => folders.push(PathBuf::from(folder)),
                other => return Err(one_line(other.unexpected())),
            }
        }
        if folders.iter().any(|folder| folder.as_os_str().is_empty()) {
            return Err("a folder without a name given".into());
        }
        if folders.len() > 2 {
            return Err("more than two folders given".into());
        }
        let mut folders = folders.into_iter();
        args.src = folders.next().unwrap_or_default();
        args.dst = folders.next().unwrap_or_default();
        Ok(Asked::Run(args))
    }

    /// Looks whether the run is possible at all, and touches nothing. The error is one line for the
    /// user.
    pub fn check(&self) -> Result<(), String> {
        Folders::new(&self.src, &self.dst).check()
    }
}

/// What is wrong, though it quotes words that hold anything.
fn one_line(error: lexopt::Error) -> String {
    let mut line = String::new();
    for c in error.to_string().chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// The number after a flag.
fn number(parser: &mut Parser, flag: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let wanted = format!(
        "{flag} takes a number from {} to {}",
        range.start(),
        range.end()
    );
    let Ok(word) = parser.value() else {
        return Err(wanted);
    };
    let number = word.to_str().and_then(|text| text.parse().ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{wanted}, not {}", shown_word(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Asked, String> {
        Args::parse(words.iter().map(OsString::from))
    }

    fn run(words: &[&str]) -> Args {
        match parse(words) {
            Ok(Asked::Run(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_stand_anywhere_and_numbers_are_read() {
        let args = run(&["a", "--chaos", "7", "--jobs=3", "b", "--json", "--delete"]);
        assert_eq!((args.src, args.dst), ("a".into(), "b".into()));
        assert_eq!((args.chaos, args.jobs), (Some(7), 3));
        assert!(args.json && args.delete && !args.quiet && !args.checksum);
    }

    #[test]
    fn a_bad_number_is_shown_with_what_would_do() {
        for (flag, word, text) in [
            ("--jobs", "", "--jobs takes a number from 1 to 64, not \"\""),
            ("--jobs", "65", "--jobs takes a number from 1 to 64, not 65"),
            (
                "--chaos",
                "18446744073709551616",
                "--chaos takes a number from 0 to 18446744073709551615, not 18446744073709551616",
            ),
        ] {
            assert_eq!(parse(&["a", "b", flag, word]), Err(text.into()));
        }
        let missing = parse(&["a", "b", "--jobs"]);
        assert_eq!(missing, Err("--jobs takes a number from 1 to 64".into()));
    }

    #[test]
    fn bad_words_are_refused_with_one_line() {
        for words in [
            &[][..],
            &["a"],
            &["a", "b", "c"],
            &[""],
            &["", "b"],
            &["a", ""],
            &["a", "b", "--jobs", "0"],
            &["a", "b", "--jobs", "65"],
            &["a", "b", "--jobs", "many"],
            &["a", "b", "--jobs"],
            &["a", "b", "--chaos", "-1"],
            &["a", "b", "--chaos="],
            &["a", "b", "--fast"],
            &["a", "b", "-x"],
            &["a", "b", "--json=yes"],
            &["a", "b", "--fa\nst"],
            &["a", "b", "--jobs", "4\n"],
            &["a", "b", "-\n"],
        ] {
            let error = parse(words).expect_err(&format!("{words:?}"));
            assert!(
                !error.is_empty() && !error.contains('\n'),
                "{words:?}: {error}"
            );
        }
    }
}
