//! What is fuzzed: parts next to models of them, and whole trees; each takes what a fuzzer gives, and
//! panics if something is not as it must be. `scripts/fuzz.sh` runs them. What it has found so far lies
//! in `fuzz/corpus`, and is told again by the tests here.

pub(crate) mod dice;
mod lifecycle;

use crate::{queue, strategy, wheel};
use dice::Dice;

/// No story is longer, whatever it is drawn from.
const LONGEST: u32 = 10_000;

/// The flat queue, next to a `VecDeque`.
pub fn queue(bytes: &[u8]) {
    queue::model::against_a_model(Dice::of_bytes(bytes), LONGEST);
}

/// The timers of a locality, next to a sorted vector.
pub fn timers(bytes: &[u8]) {
    wheel::model::against_a_model(Dice::of_bytes(bytes), LONGEST);
}

/// A supervisor's decisions, next to OTP's retold, or while its children take their time.
pub fn strategy(bytes: &[u8]) {
    let mut dice = Dice::of_bytes(bytes);
    if dice.one_in(2) {
        strategy::tests::model::compare(&mut dice);
    } else {
        strategy::tests::storm::tell(dice);
    }
}

/// Small trees whose actors start, stop, crash, and hang on each other.
pub fn lifecycle(bytes: &[u8]) {
    lifecycle::tell(Dice::of_bytes(bytes), LONGEST);
}

#[cfg(all(test, not(rotor_loom)))]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Tells again what a fuzzer has found; under Miri the beginnings of so many of its stories: it takes
    /// seconds for each.
    fn replay(target: &str, tell: fn(&[u8]), miri: usize) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let files = fs::read_dir(corpus.join(target)).expect("there is a corpus");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        assert!(files.len() > 9, "no corpus: {files:?}");
        if cfg!(miri) {
            files.truncate(miri);
        }
        for file in files {
            let mut bytes = fs::read(&file).expect("it can be read");
            if cfg!(miri) {
                bytes.truncate(20);
            }
            let told = Told(&file);
            tell(&bytes);
            std::mem::forget(told);
        }
    }

    /// Names the file whose story fails.
    struct Told<'a>(&'a Path);

    impl Drop for Told<'_> {
        fn drop(&mut self) {
            eprintln!("it is the story of {}", self.0.display());
        }
    }

    #[test]
    fn the_corpus_of_the_queue_holds() {
        replay("queue", super::queue, 2);
    }

    #[test]
    fn the_corpus_of_timers_holds() {
        replay("timers", super::timers, 3);
    }

    #[test]
    fn the_corpus_of_strategy_holds() {
        replay("strategy", super::strategy, 3);
    }

    #[test]
    fn the_corpus_of_lifecycle_holds() {
        replay("lifecycle", super::lifecycle, 1);
    }
}
