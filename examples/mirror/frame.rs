//! What goes over the wire, and how it is cut.
//!
//! ```text
//! frame  = length u32 | kind u8 | lane u16 | attempt u64 | body      length counts from kind on
//! hello  = token 16 B                        first on every connection, else it is closed
//! open   = head                              a file or symlink begins
//! data   = offset u64 | bytes                what no data covers is a hole
//! close  = digest 32 B                       the writer has to come to the same
//! abort  = text                              why it failed; empty: it changed while it was read
//! head   = kind u8 | mode u32 | size u64 | seconds i64 | nanos u32 | user u32 | group u32
//!          | path length u32 | path | symlink target
//! ```
//!
//! Numbers are little endian. A frame names its attempt, so that a late one is recognised and
//! dropped.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use crate::digest::DigestValue;
use crate::entry::{Kind, Meta, Stamp};

/// Data in one frame at most.
pub const CHUNK: usize = 128 * 1024;

/// Bytes from `kind` to `attempt`.
const FIXED: usize = 1 + 2 + 8;

/// Above this a frame is garbage, and is not waited for.
const LONGEST: usize = CHUNK + 64 * 1024;

/// Proves to the receiver that a connection comes from its own sender.
pub type Token = [u8; 16];

const HELLO: u8 = 1;
const OPEN: u8 = 2;
const DATA: u8 = 3;
const CLOSE: u8 = 4;
const ABORT: u8 = 5;

/// One frame as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub lane: u16,
    pub attempt: u64,
    pub part: Part,
    /// What the frame took on the wire: what the reader gets credit for.
    pub cost: u32,
}

/// The body of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Hello(Token),
    /// The head as it came, for the digest. [`Head::decode`] reads it.
    Open(Vec<u8>),
    Data(u64, Vec<u8>),
    Close(DigestValue),
    Abort(String),
}

/// What a file or symlink is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub path: PathBuf,
    /// `File` or `Symlink`.
    pub kind: Kind,
    pub mode: u32,
    pub size: u64,
    pub time: Stamp,
    pub owner: (u32, u32),
    /// Where a symlink points to.
    pub target: PathBuf,
}

impl Head {
    /// The head of what `path` names.
    pub fn new(path: PathBuf, meta: &Meta, target: PathBuf) -> Self {
        Self {
            path,
            kind: meta.kind,
            mode: meta.mode,
            size: meta.size,
            time: meta.time,
            owner: meta.owner,
            target,
        }
    }

    /// Returns the bytes for the wire.
    pub fn encode(&self) -> Vec<u8> {
        let (path, target) = (
            self.path.as_os_str().as_bytes(),
            self.target.as_os_str().as_bytes(),
        );
        let mut out = Vec::with_capacity(37 + path.len() + target.len());
        out.push(u8::from(self.kind == Kind::Symlink));
        out.extend(self.mode.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend(self.time.seconds.to_le_bytes());
        out.extend(self.time.nanos.to_le_bytes());
        out.extend(self.owner.0.to_le_bytes());
        out.extend(self.owner.1.to_le_bytes());
        out.extend((path.len() as u32).to_le_bytes());
        out.extend(path);
        out.extend(target);
        out
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`FrameError`] where the bytes are none, or where the path leads out of the target's root.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut rest = Cut(bytes);
        let kind = match rest.array::<1>()? {
            [0] => Kind::File,
            [1] => Kind::Symlink,
            _ => return Err(FrameError("kind of file")),
        };
        let mode = u32::from_le_bytes(rest.array()?);
        let size = u64::from_le_bytes(rest.array()?);
        let seconds = i64::from_le_bytes(rest.array()?);
        let nanos = u32::from_le_bytes(rest.array()?);
        let owner = (
            u32::from_le_bytes(rest.array()?),
            u32::from_le_bytes(rest.array()?),
        );
        let path_len = u32::from_le_bytes(rest.array()?) as usize;
        let path = to_path(rest.take(path_len)?);
        let inside = path.components().all(|c| matches!(c, Component::Normal(_)));
        if !inside || path == Path::new("") {
            return Err(FrameError("path"));
        }
        let time = Stamp { seconds, nanos };
        Ok(Self {
            path,
            kind,
            mode,
            size,
            time,
            owner,
            target: to_path(rest.0),
        })
    }
}

/// A frame that no sender of ours writes; the connection is of no further use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameError(&'static str);

impl FrameError {
    /// The connection did not begin with the token.
    pub const STRANGER: Self = Self("no token");
    /// There is no such lane.
    pub const LANE: Self = Self("lane");
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad frame: {}", self.0)
    }
}

impl Error for FrameError {}

/// Appends the first frame of a connection.
pub fn put_hello(out: &mut Vec<u8>, token: Token) {
    put(out, HELLO, 0, 0, &token);
}

/// Appends the beginning of a file.
pub fn put_open(out: &mut Vec<u8>, lane: u16, attempt: u64, head: &[u8]) {
    put(out, OPEN, lane, attempt, head);
}

/// Appends a data frame whose bytes `fill` writes in place; returns how many it wrote.
/// Nothing is appended where it writes none or fails.
pub fn put_data<E>(
    out: &mut Vec<u8>,
    lane: u16,
    attempt: u64,
    offset: u64,
    most: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
) -> Result<usize, E> {
    let start = out.len();
    put(out, DATA, lane, attempt, &offset.to_le_bytes());
    let data = out.len();
    out.resize(data + most, 0);
    let filled = fill(&mut out[data..]);
    match filled {
        Ok(n) if n > 0 => {
            out.truncate(data + n);
            let length = (out.len() - start - 4) as u32;
            out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        }
        _ => out.truncate(start),
    }
    filled
}

/// Appends the end of a file.
pub fn put_close(out: &mut Vec<u8>, lane: u16, attempt: u64, digest: &DigestValue) {
    put(out, CLOSE, lane, attempt, digest);
}

/// Appends the premature end of a file.
pub fn put_abort(out: &mut Vec<u8>, lane: u16, attempt: u64, why: &str) {
    put(out, ABORT, lane, attempt, why.as_bytes());
}

fn put(out: &mut Vec<u8>, kind: u8, lane: u16, attempt: u64, body: &[u8]) {
    out.extend(((FIXED + body.len()) as u32).to_le_bytes());
    out.push(kind);
    out.extend(lane.to_le_bytes());
    out.extend(attempt.to_le_bytes());
    out.extend(body);
}

/// Puts frames together from the pieces in which a connection delivers them.
#[derive(Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// How much of `bytes` was handed out.
    done: usize,
}

impl Decoder {
    /// Takes in what was received.
    pub fn feed(&mut self, bytes: &[u8]) {
        // Moving only what is left of one frame keeps this linear.
        if self.done > 0 {
            self.bytes.drain(..self.done);
            self.done = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the next whole frame, or `None` until more is fed.
    ///
    /// # Errors
    /// [`FrameError`], after which nothing sensible can follow.
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let mut rest = Cut(&self.bytes[self.done..]);
        let Ok(length) = rest.array() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(length) as usize;
        if !(FIXED..=LONGEST).contains(&length) {
            return Err(FrameError("length"));
        }
        let Ok(frame) = rest.take(length) else {
            return Ok(None);
        };
        let mut body = Cut(frame);
        let [kind] = body.array()?;
        let lane = u16::from_le_bytes(body.array()?);
        let attempt = u64::from_le_bytes(body.array()?);
        let part = match kind {
            HELLO => Part::Hello(body.array()?),
            OPEN => Part::Open(body.all().to_vec()),
            DATA => Part::Data(u64::from_le_bytes(body.array()?), body.all().to_vec()),
            CLOSE => Part::Close(body.array()?),
            ABORT => Part::Abort(String::from_utf8_lossy(body.all()).into()),
            _ => return Err(FrameError("kind")),
        };
        if !body.0.is_empty() {
            return Err(FrameError("bytes left over"));
        }
        let cost = 4 + length;
        self.done += cost;
        Ok(Some(Frame {
            lane,
            attempt,
            part,
            cost: cost as u32,
        }))
    }
}

/// Bytes that are read from the front.
struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], FrameError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(FrameError("too short"))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(FrameError("too short"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn all(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

fn to_path(bytes: &[u8]) -> PathBuf {
    OsString::from_vec(bytes.to_vec()).into()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::ffi::OsStr;

    use super::*;

    fn head() -> Head {
        Head {
            path: PathBuf::from(OsStr::from_bytes(b"a/\xff\n")),
            kind: Kind::Symlink,
            mode: 0o7751,
            size: 1 << 40,
            time: Stamp {
                seconds: -5,
                nanos: 999_999_999,
            },
            owner: (3, 4),
            target: "../elsewhere".into(),
        }
    }

    fn stream() -> (Vec<u8>, Vec<Part>) {
        let mut out = Vec::new();
        put_hello(&mut out, [7; 16]);
        put_open(&mut out, 3, 9, &head().encode());
        let filled = put_data(&mut out, 3, 9, 1 << 33, 100, |buf| {
            buf[..5].copy_from_slice(b"bytes");
            Ok::<_, Infallible>(5)
        });
        assert_eq!(filled, Ok(5));
        assert_eq!(put_data(&mut out, 3, 9, 0, 100, |_| Err(())), Err(()));
        assert_eq!(put_data(&mut out, 3, 9, 0, 100, |_| Ok::<_, ()>(0)), Ok(0));
        put_close(&mut out, 3, 9, &[1; 32]);
        put_abort(&mut out, 3, 9, "why");
        let parts = vec![
            Part::Hello([7; 16]),
            Part::Open(head().encode()),
            Part::Data(1 << 33, b"bytes".to_vec()),
            Part::Close([1; 32]),
            Part::Abort("why".into()),
        ];
        (out, parts)
    }

    #[test]
    fn frames_survive_any_cutting() {
        let (bytes, parts) = stream();
        for size in 1..=bytes.len() {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            let mut cost = 0;
            for piece in bytes.chunks(size) {
                decoder.feed(piece);
                while let Some(frame) = decoder.next().unwrap() {
                    cost += frame.cost as usize;
                    found.push(frame.part);
                }
            }
            assert_eq!(found, parts, "pieces of {size}");
            assert_eq!(cost, bytes.len());
        }
    }

    #[test]
    fn heads_survive_the_wire() {
        assert_eq!(Head::decode(&head().encode()), Ok(head()));
    }

    #[test]
    fn paths_that_lead_outside_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "./x"] {
            let head = Head {
                path: path.into(),
                ..head()
            };
            assert_eq!(
                Head::decode(&head.encode()),
                Err(FrameError("path")),
                "{path}"
            );
        }
    }

    #[test]
    fn garbage_is_an_error_and_not_a_wait() {
        for bytes in [
            &[0xff; 64][..],
            &[0; 64],
            &[11, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let mut decoder = Decoder::default();
            decoder.feed(bytes);
            assert!(decoder.next().is_err());
        }
        let mut seeded = fastrand::Rng::with_seed(1);
        for _ in 0..2000 {
            let (mut bytes, _) = stream();
            let at = seeded.usize(..bytes.len());
            bytes[at] = seeded.u8(..);
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            while let Ok(Some(frame)) = decoder.next() {
                if let Part::Open(head) = &frame.part {
                    let _ = Head::decode(head);
                }
            }
        }
    }
}
