//! What a run comes to: numbers, and texts for people and for programs.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::entry::shown;
use crate::texts::Texts;
use crate::walk::Note;

/// Counts of a run. Files are files and symlinks; `files` is what is copied, skipped or failed so
/// far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of the files that are in place.
    pub bytes: u64,
    /// Files copied in this run.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Files that were in place before.
    pub skipped: u64,
    /// Files that could not be copied.
    pub failed: u64,
    /// What is neither file, folder nor symlink.
    pub special: u64,
    /// What only DST has.
    pub extra: u64,
    /// What only DST had.
    pub removed: u64,
}

impl Totals {
    /// Returns the number of files that are settled.
    pub fn files(&self) -> u64 {
        self.copied + self.skipped + self.failed
    }

    /// Counts a note.
    pub fn note(&mut self, note: &Note) {
        match note {
            Note::Failed(..) => self.failed += 1,
            Note::Special(..) => self.special += 1,
            Note::Extra(..) => self.extra += 1,
            Note::Removed(..) => self.removed += 1,
        }
    }
}

/// The line for a note.
pub fn line(note: &Note) -> String {
    let name = |path: &Path| shown(path);
    match note {
        Note::Failed(path, why) => format!("mirror: failed: {}: {why}", name(path)),
        Note::Special(path, kind) => {
            format!("mirror: warning: skipped {}: {}", kind.word(), name(path))
        }
        Note::Extra(path) => format!("mirror: only in DST, kept: {}", name(path)),
        Note::Removed(path) => format!("mirror: only in DST, removed: {}", name(path)),
    }
}

/// A run that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was done.
    pub totals: Totals,
    /// Who was restarted, with a cause for each time.
    pub restarts: Vec<(String, Texts)>,
    /// Who failed without being restarted, and why.
    pub ended: Texts,
    /// The tree while it ran.
    pub tree: String,
    /// How long it took.
    pub elapsed: Duration,
    /// The run came to its end, and nothing failed.
    pub verified: bool,
}

impl Report {
    /// Returns the sum of all restarts.
    pub fn restarts(&self) -> u64 {
        self.restarts.iter().map(|(_, causes)| causes.sum()).sum()
    }

    /// The line for programs.
    pub fn json(&self) -> String {
        let t = &self.totals;
        let numbers = [
            ("files", t.files()),
            ("bytes", t.bytes),
            ("copied", t.copied),
            ("skipped", t.skipped),
            ("failed", t.failed),
            ("restarts", self.restarts()),
        ];
        let mut out = String::from("{");
        for (name, number) in numbers {
            let _ = write!(out, r#""{name}":{number},"#);
        }
        let (seconds, verified) = (self.elapsed.as_secs_f64(), self.verified);
        let _ = write!(out, r#""seconds":{seconds:.3},"verified":{verified}}}"#);
        out
    }

    /// The text for people.
    pub fn text(&self) -> String {
        let t = &self.totals;
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{} files, {} bytes: {} copied ({} bytes), {} skipped, {} failed in {:.1} s",
            t.files(),
            t.bytes,
            t.copied,
            t.copied_bytes,
            t.skipped,
            t.failed,
            self.elapsed.as_secs_f64(),
        );
        for (count, what) in [
            (t.special, "special files skipped"),
            (t.extra, "only in DST, kept"),
            (t.removed, "only in DST, removed"),
        ] {
            if count > 0 {
                let _ = writeln!(out, "{count} {what}");
            }
        }
        if self.restarts() > 0 {
            let _ = writeln!(out, "\n{} restarts:", self.restarts());
            for (who, causes) in self.restarts.iter().filter(|(_, causes)| causes.sum() > 0) {
                let _ = writeln!(out, "{:>6}  {who}", causes.sum());
                for (cause, count) in causes.iter() {
                    let _ = writeln!(out, "{count:>14}  {cause}");
                }
            }
        }
        if self.ended.sum() > 0 {
            let _ = writeln!(out, "\nended, and not started again:");
            for (why, count) in self.ended.iter() {
                let _ = writeln!(out, "{count:>6}  {why}");
            }
        }
        if !self.tree.is_empty() {
            let _ = writeln!(out, "\ntree:\n{}", self.tree.trim_end());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_programs_is_one_object() {
        let totals = Totals {
            bytes: 9,
            copied: 2,
            skipped: 3,
            failed: 1,
            special: 5,
            ..Totals::default()
        };
        let causes = |causes: &[&str]| {
            let mut texts = Texts::default();
            causes.iter().for_each(|cause| texts.add((*cause).into()));
            texts
        };
        let reader = causes(&["crash", "failed", "crash", "crash"]);
        let report = Report {
            totals,
            restarts: vec![
                ("reader-0".into(), reader),
                ("plan".into(), causes(&["crash"])),
            ],
            ended: causes(&["connection: crash"]),
            elapsed: Duration::from_millis(1500),
            ..Report::default()
        };
        assert_eq!(
            report.json(),
            concat!(
                r#"{"files":6,"bytes":9,"copied":2,"skipped":3,"failed":1,"#,
                r#""restarts":5,"seconds":1.500,"verified":false}"#
            )
        );
        let text = report.text();
        assert!(
            text.contains("     4  reader-0\n             3  crash\n             1  failed\n"),
            "{text}"
        );
        assert!(
            text.ends_with("not started again:\n     1  connection: crash\n"),
            "{text}"
        );
    }
}
