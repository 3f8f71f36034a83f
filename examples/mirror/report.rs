//! What a run comes to: numbers, and texts for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::entry::shown;
use crate::walk::Note;

/// Different texts of crashes that are kept.
const MOST_TEXTS: usize = 50;

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

/// Texts of panics with how often each came, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crashes {
    texts: BTreeMap<String, u64>,
    /// Those for which there was no room.
    others: u64,
}

impl Crashes {
    /// Adds a text.
    pub fn add(&mut self, text: String) {
        let room = self.texts.len() < MOST_TEXTS;
        match self.texts.get_mut(&text) {
            Some(count) => *count += 1,
            None if room => drop(self.texts.insert(text, 1)),
            None => self.others += 1,
        }
    }
}

/// A run that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was done.
    pub totals: Totals,
    /// Who was restarted how often.
    pub restarts: Vec<(String, u64)>,
    /// What crashed.
    pub crashes: Crashes,
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
        self.restarts.iter().map(|(_, n)| n).sum()
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
            for (who, count) in self.restarts.iter().filter(|(_, count)| *count > 0) {
                let _ = writeln!(out, "{count:>6}  {who}");
            }
        }
        if !self.crashes.texts.is_empty() {
            let _ = writeln!(out, "\ncrashes:");
            for (text, count) in &self.crashes.texts {
                let _ = writeln!(out, "{count:>6}  {text}");
            }
            if self.crashes.others > 0 {
                let _ = writeln!(out, "{:>6}  others", self.crashes.others);
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
        let report = Report {
            totals,
            restarts: vec![("reader-0".into(), 4), ("plan".into(), 1)],
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
        assert!(report.text().contains("     4  reader-0"));
    }

    #[test]
    fn crashes_are_bounded() {
        let mut crashes = Crashes::default();
        for n in 0..100 {
            crashes.add(format!("text {}", n % 70));
        }
        assert_eq!((crashes.texts.len(), crashes.others), (50, 20));
    }
}
