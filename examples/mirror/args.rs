//! The command line: what was asked for, and whether it can be done before anything is touched.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lexopt::prelude::*;
use rustix::fs::{Access, AtFlags, CWD, accessat};

/// What `--help` says of the options.
pub const FLAGS: &str = "  --checksum     compare contents instead of size and modification time
  --delete       remove from DST what SRC lacks
  --jobs N       files read and written side by side (1 to 64, default 4)
  --chaos SEED   crash actors and drop connections on purpose, seeded
  --json         print one JSON object as the last line
  --quiet        neither progress bar nor report
  --help         print this text
  --version      print the version";

/// More lanes than this cost threads and help nobody.
const MOST_JOBS: usize = 64;

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
        let mut parser = lexopt::Parser::from_args(words);
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
        while let Some(word) = parser.next().map_err(|e| e.to_string())? {
            match word {
                Long("chaos") => args.chaos = Some(number(&mut parser, "--chaos")?),
                Long("jobs") => {
                    args.jobs = match number(&mut parser, "--jobs")? {
                        n @ 1..=64 => n as usize,
                        n => return Err(format!("--jobs takes 1 to {MOST_JOBS}, not {n}")),
                    }
                }
                Long("json") => args.json = true,
                Long("quiet") | Short('q') => args.quiet = true,
                Long("delete") => args.delete = true,
                Long("checksum") => args.checksum = true,
                Long("help") | Short('h') => return Ok(Asked::Help),
                Long("version") | Short('V') => return Ok(Asked::Version),
                Value(folder) => folders.push(PathBuf::from(folder)),
                other => return Err(other.unexpected().to_string()),
            }
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
        let (src, dst) = (&self.src, &self.dst);
        let from = fs::metadata(src).map_err(|e| format!("SRC {}: {e}", src.display()))?;
        if !from.is_dir() {
            return Err(format!("SRC {} is not a folder", src.display()));
        }
        if dst.as_os_str().is_empty() {
            return Err("DST is empty".into());
        }
        match fs::metadata(dst) {
            Ok(meta) if !meta.is_dir() => {
                return Err(format!("DST {} is not a folder", dst.display()));
            }
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                if dst.symlink_metadata().is_ok() {
                    return Err(format!("DST {} is a dangling symlink", dst.display()));
                }
            }
            Err(e) => return Err(format!("DST {}: {e}", dst.display())),
        }
        let base = existing(dst);
        let place = fs::canonicalize(base).map_err(|e| format!("DST {}: {e}", base.display()))?;
        // By device and number, not by name: a bind mount has another name.
        let id = |m: &fs::Metadata| (m.dev(), m.ino());
        let is = |p: &Path, whom| fs::metadata(p).is_ok_and(|m| id(&m) == whom);
        if place.ancestors().any(|p| is(p, id(&from))) {
            return Err(format!(
                "DST {} lies in SRC {}",
                dst.display(),
                src.display()
            ));
        }
        let whole = fs::canonicalize(src).map_err(|e| format!("SRC {}: {e}", src.display()))?;
        if base == dst
            && let Ok(to) = fs::metadata(dst)
            && whole.ancestors().any(|p| is(p, id(&to)))
        {
            return Err(format!(
                "SRC {} lies in DST {}",
                src.display(),
                dst.display()
            ));
        }
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        if !place.is_dir() {
            return Err(format!("{} is not a folder", base.display()));
        }
        accessat(CWD, &place, wanted, AtFlags::EACCESS).map_err(|e| {
            format!(
                "DST {} is not writable: {}",
                dst.display(),
                std::io::Error::from(e)
            )
        })
    }
}

/// The number after a flag.
fn number(parser: &mut lexopt::Parser, flag: &str) -> Result<u64, String> {
    let word = parser
        .value()
        .map_err(|_| format!("{flag} takes a number"))?;
    word.to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("{flag} takes a number, not {}", word.display()))
}

/// The nearest part of `path` that exists, itself included.
fn existing(path: &Path) -> &Path {
    path.ancestors()
        .map(|p| {
            if p.as_os_str().is_empty() {
                Path::new(".")
            } else {
                p
            }
        })
        .find(|p| p.exists())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

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
    fn bad_words_are_refused_with_one_line() {
        for words in [
            &[][..],
            &["a"],
            &["a", "b", "c"],
            &["a", "b", "--jobs", "0"],
            &["a", "b", "--jobs", "65"],
            &["a", "b", "--jobs", "many"],
            &["a", "b", "--jobs"],
            &["a", "b", "--chaos", "-1"],
            &["a", "b", "--chaos="],
            &["a", "b", "--fast"],
            &["a", "b", "-x"],
            &["a", "b", "--json=yes"],
        ] {
            let error = parse(words).expect_err(&format!("{words:?}"));
            assert!(
                !error.is_empty() && !error.contains('\n'),
                "{words:?}: {error}"
            );
        }
    }

    #[test]
    fn a_target_inside_the_source_is_refused() {
        let dir = Scratch::new("args");
        let root = dir.path();
        fs::create_dir_all(root.join("src/deep")).unwrap();
        fs::create_dir_all(root.join("dst")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        std::os::unix::fs::symlink("src/deep", root.join("link")).unwrap();
        let check = |src: &str, dst: &str| {
            let words = [
                root.join(src).into_os_string(),
                root.join(dst).into_os_string(),
            ];
            match Args::parse(words) {
                Ok(Asked::Run(args)) => args.check(),
                other => panic!("{other:?}"),
            }
        };
        for (src, dst) in [
            ("src", "src"),
            ("src", "src/deep"),
            ("src", "src/new/newer"),
            ("src", "link"),
            ("src", "link/new"),
            ("src/deep", "src"),
            ("src", "file"),
            ("src", "file/below"),
            ("file", "dst"),
            ("none", "dst"),
        ] {
            assert!(check(src, dst).is_err(), "{src} {dst}");
        }
        for (src, dst) in [("src", "dst"), ("src", "dst/new/newer"), ("src", "src2")] {
            assert_eq!(check(src, dst), Ok(()), "{src} {dst}");
        }
    }
}
