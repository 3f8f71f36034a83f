//! Reads files of SRC and turns them into frames, a bounded piece at a time.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, SeekFrom, open, seek};
use rustix::io::Errno;

use crate::digest::Digest;
use crate::entry::{Kind, Meta};
use crate::frame::{self, CHUNK, Head};
use crate::meta_fix::{set_mode, set_time};
use crate::walk::{Job, look};

/// Bytes compared in one step, for `--checksum`.
const COMPARED: usize = 4 * 1024 * 1024;

/// The files that one reader still has to read.
pub struct Source {
    src: PathBuf,
    dst: PathBuf,
    lane: u16,
    queue: VecDeque<(u64, Job)>,
    current: Option<Reading>,
}

/// What one step brought.
#[derive(Default)]
pub struct Step {
    /// Frames, to be sent as they are.
    pub wire: Vec<u8>,
    pub news: Vec<News>,
}

/// What the plan has to hear of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The contents were equal already.
    Same(u64),
    /// The file changed while it was read, or is something else by now.
    Changed(u64),
    Failed(u64, String),
}

impl News {
    /// The reader gave a file up: why, or nothing where the file changed.
    pub fn given_up(attempt: u64, why: String) -> Self {
        if why.is_empty() {
            Self::Changed(attempt)
        } else {
            Self::Failed(attempt, why)
        }
    }
}

/// A file that is being read.
struct Reading {
    attempt: u64,
    path: PathBuf,
    file: File,
    meta: Meta,
    at: u64,
    /// Up to here `at` walks through data; then the next hole begins.
    data_end: u64,
    /// While contents are compared: the file in DST. No frame was made yet.
    other: Option<File>,
    digest: Digest,
}

impl Source {
    /// A reader of files in `src`; `dst` is only looked at, to compare contents.
    pub fn new(src: PathBuf, dst: PathBuf, lane: u16) -> Self {
        Self {
            src,
            dst,
            lane,
            queue: VecDeque::new(),
            current: None,
        }
    }

    /// Adds a file.
    pub fn push(&mut self, attempt: u64, job: Job) {
        self.queue.push_back((attempt, job));
    }

    /// Forgets the attempts that `stale` names.
    pub fn forget(&mut self, stale: impl Fn(u64) -> bool) {
        self.queue.retain(|(attempt, _)| !stale(*attempt));
        self.current.take_if(|reading| stale(reading.attempt));
    }

    /// Whether nothing is left to do.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.current.is_none()
    }

    /// Reads on until about a chunk of frames is made. It blocks while the disk does.
    pub fn step(&mut self) -> Step {
        let mut step = Step::default();
        let mut compared = 0;
        while step.wire.len() < CHUNK && compared < COMPARED {
            if let Some(mut reading) = self.current.take() {
                let attempt = reading.attempt;
                let opened = reading.other.is_none();
                let went = match reading.other {
                    Some(_) => reading.compare(&self.src, &self.dst, self.lane, &mut step),
                    None => reading.read(&self.src, self.lane, &mut step.wire),
                };
                compared += if reading.other.is_some() { CHUNK } else { 0 };
                match went {
                    Ok(true) => self.current = Some(reading),
                    Ok(false) => {}
                    // Once it is open, its writer has the last word.
                    Err(e) if opened => {
                        frame::put_abort(&mut step.wire, self.lane, attempt, &e.text());
                    }
                    Err(e) => step.news.push(e.news(attempt)),
                }
            } else if let Some((attempt, job)) = self.queue.pop_front() {
                match self.begin(attempt, job, &mut step.wire) {
                    Ok(reading) => self.current = reading,
                    Err(e) => step.news.push(e.news(attempt)),
                }
            } else {
                break;
            }
        }
        step
    }

    /// Opens a file; a symlink is done at once.
    fn begin(&self, attempt: u64, job: Job, wire: &mut Vec<u8>) -> Result<Option<Reading>, Stop> {
        let path = self.src.join(&job.path);
        let meta = look(&path)?;
        match meta.kind {
            Kind::File => {}
            Kind::Symlink => {
                let target = fs::read_link(&path)?;
                let head = Head::new(job.path, &meta, target).encode();
                frame::put_open(wire, self.lane, attempt, &head);
                frame::put_close(wire, self.lane, attempt, &Digest::new(&head).value());
                return Ok(None);
            }
            _ => return Err(Stop::Changed),
        }
        let file = open_file(&path)?;
        let meta = Meta::from(&file.metadata()?);
        if meta.kind != Kind::File {
            return Err(Stop::Changed);
        }
        // A file in DST that cannot be read is not the same: it is replaced.
        let other = if job.compare {
            open_file(&self.dst.join(&job.path)).ok()
        } else {
            None
        };
        let other = other.filter(|f| f.metadata().is_ok_and(|m| m.len() == meta.size));
        let mut reading = Reading {
            attempt,
            path: job.path,
            file,
            meta,
            at: 0,
            data_end: 0,
            other,
            digest: Digest::new(&[]),
        };
        if reading.other.is_none() {
            reading.open(self.lane, wire);
        }
        Ok(Some(reading))
    }
}

impl Reading {
    /// Makes the first frame.
    fn open(&mut self, lane: u16, wire: &mut Vec<u8>) {
        let head = Head::new(self.path.clone(), &self.meta, PathBuf::new()).encode();
        self.digest = Digest::new(&head);
        (self.at, self.data_end) = (0, 0);
        frame::put_open(wire, lane, self.attempt, &head);
    }

    /// Makes the next frame; returns `false` after the last one.
    fn read(&mut self, src: &Path, lane: u16, wire: &mut Vec<u8>) -> Result<bool, Stop> {
        if self.at >= self.data_end {
            (self.at, self.data_end) = data_from(&self.file, self.at, self.meta.size)?;
        }
        let (at, file) = (self.at, &self.file);
        if at >= self.meta.size {
            self.still_the_same(src)?;
            frame::put_close(wire, lane, self.attempt, &self.digest.value());
            return Ok(false);
        }
        let most = CHUNK.min((self.data_end - at) as usize);
        let n = frame::put_data(wire, lane, self.attempt, at, most, |buf| {
            file.read_at(buf, at)
        })?;
        if n == 0 {
            return Err(Stop::Changed);
        }
        self.digest.data(at, &wire[wire.len() - n..]);
        self.at += n as u64;
        Ok(true)
    }

    /// Compares the next chunk; where the files differ, copying begins.
    fn compare(
        &mut self,
        src: &Path,
        dst: &Path,
        lane: u16,
        step: &mut Step,
    ) -> Result<bool, Stop> {
        let Some(other) = &self.other else {
            return Ok(true);
        };
        // What is a hole on both sides need not be read.
        let ours = data_from(&self.file, self.at, self.meta.size)?;
        let theirs = data_from(other, self.at, self.meta.size)?;
        self.at = ours.0.min(theirs.0);
        if self.at >= self.meta.size {
            self.still_the_same(src)?;
            let path = dst.join(&self.path);
            let to = Meta::from(&other.metadata()?);
            set_mode(&path, &self.meta, &to)?;
            set_time(&path, &self.meta, Some(&to))?;
            step.news.push(News::Same(self.attempt));
            return Ok(false);
        }
        let most = CHUNK.min((self.meta.size - self.at) as usize);
        let mut pair = vec![0; 2 * most];
        let (a, b) = pair.split_at_mut(most);
        self.file
            .read_exact_at(a, self.at)
            .map_err(Stop::from_read)?;
        if other.read_exact_at(b, self.at).is_ok_and(|()| a == b) {
            self.at += most as u64;
        } else {
            self.other = None;
            self.open(lane, &mut step.wire);
        }
        Ok(true)
    }

    /// Looks again, at the open file and at its name: both must be what they were.
    fn still_the_same(&self, src: &Path) -> Result<(), Stop> {
        let same = |later: Meta| self.meta.untouched(&later);
        if same(Meta::from(&self.file.metadata()?)) && same(look(&src.join(&self.path))?) {
            Ok(())
        } else {
            Err(Stop::Changed)
        }
    }
}

/// Why a file is not read on.
#[derive(Debug)]
enum Stop {
    Changed,
    Failed(io::Error),
}

impl Stop {
    /// A file that ends early was cut meanwhile.
    fn from_read(e: io::Error) -> Self {
        if e.kind() == io::ErrorKind::UnexpectedEof {
            Self::Changed
        } else {
            Self::Failed(e)
        }
    }

    /// For the frame that ends the attempt.
    fn text(&self) -> String {
        match self {
            Self::Changed => String::new(),
            Self::Failed(e) => e.to_string(),
        }
    }

    fn news(self, attempt: u64) -> News {
        News::given_up(attempt, self.text())
    }
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Self::Failed(e)
    }
}

impl From<Errno> for Stop {
    fn from(e: Errno) -> Self {
        match e {
            Errno::LOOP => Self::Changed,
            e => Self::Failed(e.into()),
        }
    }
}

/// Opens without following a symlink, and without waiting for the other end of a fifo.
fn open_file(path: &Path) -> Result<File, Stop> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(open(path, flags, Mode::empty())?.into())
}

/// The next stretch of data at or behind `at`: its start and end. Both are `size` where only a hole
/// is left.
fn data_from(file: &File, at: u64, size: u64) -> Result<(u64, u64), Stop> {
    if at >= size {
        return Ok((size, size));
    }
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start.min(size),
        Err(Errno::NXIO) => return Ok((size, size)),
        // A file system that knows no holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok((at, size)),
        Err(e) => return Err(e.into()),
    };
    match seek(file, SeekFrom::Hole(start)) {
        Ok(end) => Ok((start, end.min(size))),
        // Cut meanwhile: the read finds out.
        Err(Errno::NXIO) => Ok((start, size)),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::frame::{Decoder, Part};
    use crate::scratch::Scratch;

    fn job(path: &str) -> Job {
        Job {
            path: path.into(),
            size: 0,
            compare: false,
        }
    }

    fn source(dir: &Scratch) -> Source {
        Source::new(dir.path().join("src"), dir.path().join("dst"), 1)
    }

    fn folders() -> Scratch {
        let dir = Scratch::new("source");
        for name in ["src", "dst"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        dir
    }

    /// Reads all there is, and returns the frames.
    fn parts(source: &mut Source, news: &mut Vec<News>) -> Vec<(u64, Part)> {
        let mut decoder = Decoder::default();
        let mut parts = Vec::new();
        while !source.is_idle() {
            let step = source.step();
            news.extend(step.news);
            assert!(step.wire.len() <= 2 * CHUNK + 1024, "{}", step.wire.len());
            decoder.feed(&step.wire);
            while let Some(frame) = decoder.next().unwrap() {
                parts.push((frame.attempt, frame.part));
            }
        }
        parts
    }

    #[test]
    fn a_file_is_read_whole_with_its_digest() {
        let dir = folders();
        let content: Vec<u8> = (0..CHUNK * 2 + 77).map(|n| (n % 251) as u8).collect();
        fs::write(dir.path().join("src/f"), &content).unwrap();
        let mut source = source(&dir);
        source.push(5, job("f"));
        let mut news = Vec::new();
        let parts = parts(&mut source, &mut news);
        assert!(news.is_empty());
        let mut read = Vec::new();
        let mut digest = None;
        for (attempt, part) in parts {
            assert_eq!(attempt, 5);
            match part {
                Part::Open(head) => {
                    assert_eq!(Head::decode(&head).unwrap().size, content.len() as u64);
                    digest = Some(Digest::new(&head));
                }
                Part::Data(at, bytes) => {
                    assert_eq!(at, read.len() as u64);
                    digest.as_mut().unwrap().data(at, &bytes);
                    read.extend(bytes);
                }
                Part::Close(value) => assert_eq!(value, digest.take().unwrap().value()),
                other => panic!("{other:?}"),
            }
        }
        assert!(digest.is_none() && read == content);
    }

    #[test]
    fn holes_are_not_read() {
        let dir = folders();
        let file = File::create(dir.path().join("src/f")).unwrap();
        file.write_all_at(b"here", 5 << 30).unwrap();
        file.set_len(6 << 30).unwrap();
        let mut source = source(&dir);
        source.push(1, job("f"));
        let parts = parts(&mut source, &mut Vec::new());
        let data: Vec<_> = parts
            .iter()
            .filter(|(_, p)| matches!(p, Part::Data(..)))
            .collect();
        assert_eq!(data.len(), 1);
        assert!(
            matches!(&data[0].1, Part::Data(at, bytes) if *at <= 5 << 30 && bytes.len() <= 8192)
        );
    }

    #[test]
    fn of_a_file_that_changes_its_writer_tells() {
        let dir = folders();
        let path = dir.path().join("src/f");
        fs::write(&path, vec![1; 3 * CHUNK]).unwrap();
        let mut source = source(&dir);
        source.push(1, job("f"));
        assert!(source.step().news.is_empty());
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"more")
            .unwrap();
        let mut news = Vec::new();
        let frames = parts(&mut source, &mut news);
        assert_eq!(frames.last(), Some(&(1, Part::Abort(String::new()))));
        // One that is replaced under its name, or gone.
        source.push(2, job("f"));
        source.step();
        fs::remove_file(&path).unwrap();
        let frames = parts(&mut source, &mut news);
        assert!(
            matches!(frames.last(), Some((2, Part::Abort(why))) if why.contains("No such file")),
            "{frames:?}"
        );
        assert_eq!(news, [], "it still has a temporary file");
        source.push(3, job("f"));
        assert_eq!(parts(&mut source, &mut news), []);
        assert!(matches!(news[..], [News::Failed(3, _)]), "{news:?}");
    }

    #[test]
    fn equal_contents_are_not_copied_again() {
        let dir = folders();
        let content = vec![3; 2 * COMPARED + 5];
        for root in ["src", "dst"] {
            fs::write(dir.path().join(root).join("same"), &content).unwrap();
            fs::write(dir.path().join(root).join("other"), root).unwrap();
        }
        let mut source = source(&dir);
        source.push(
            1,
            Job {
                compare: true,
                ..job("same")
            },
        );
        source.push(
            2,
            Job {
                compare: true,
                ..job("other")
            },
        );
        source.push(
            3,
            Job {
                compare: true,
                ..job("none")
            },
        );
        let mut news = Vec::new();
        let parts = parts(&mut source, &mut news);
        assert!(
            matches!(news[..], [News::Same(1), News::Failed(3, _)]),
            "{news:?}"
        );
        assert!(parts.iter().all(|(attempt, _)| *attempt == 2) && parts.len() == 3);
        let [from, to] = ["src", "dst"].map(|r| look(&dir.path().join(r).join("same")).unwrap());
        assert_eq!(from.time, to.time);
    }

    #[test]
    fn forgotten_attempts_make_no_frames() {
        let dir = folders();
        fs::write(dir.path().join("src/f"), vec![1; 3 * CHUNK]).unwrap();
        let mut source = source(&dir);
        source.push(1, job("f"));
        source.push(2, job("f"));
        source.push(3, job("f"));
        source.step();
        source.forget(|attempt| attempt < 3);
        let parts = parts(&mut source, &mut Vec::new());
        assert!(parts.iter().all(|(attempt, _)| *attempt == 3));
    }
}
