//! The flat queue: records of any message type, stored inline, one after the other.
//!
//! A bip buffer addressed by raw pointers: a write is a compare, the copy of the record and a bump;
//! a read is a bump. Whoever reads compares the target of a record with that of a running actor, and
//! where no record follows, the target is `END`, which is nobody's: no further compare. Two vectors that swap, a vector that compacts and a ring
//! addressed by index were tried in a study before this, and were slower with all features on.
//!
//! ```text
//! linear:   buf ....... [read ---- data ---- write) END ....... limit      wrap = null
//! wrapped:  buf [-- data 2 -- write) END .. limit, read [-- data 1 -- wrap) END
//! ```
//!
//! Behind `limit` is room for the header in which `END` stands.

#![expect(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::cell::Cell;
use std::hint::cold_path;
use std::mem::{MaybeUninit, size_of};
use std::ptr;

use crate::message::{Header, Kind, in_registers, words_for};

/// What the buffer is made of. `MaybeUninit` keeps the provenance of pointers in payloads.
pub(crate) type Word = MaybeUninit<u64>;

/// Words of a record's header.
pub(crate) const HEADER: usize = size_of::<Header>() / size_of::<Word>();
/// What stands as the target where no record is yet: no slot has this number.
const END: u64 = u64::MAX;
/// Where the cursors of a queue without a buffer are. Nobody writes there: its limit is the same.
static NOTHING: [u64; HEADER] = [END; HEADER];
/// First buffer of a queue.
const FIRST: usize = 512;
/// A shorter buffer grows by more, because allocators copy it, and move the pages of a longer one.
const LONG: usize = 128 * 1024;
/// A queue with a small backlog wraps here, so that it stays in cache after a burst.
const SOFT: usize = 1024;
/// A buffer above this is given back when the queue is empty.
const KEEP: usize = 8 * 1024;

/// A queue of records for one thread.
///
/// Every method is a leaf: it runs no user code, so a record may be pushed while the handler of
/// another one runs.
pub(crate) struct Flat {
    read: Cell<*mut Word>,
    write: Cell<*mut Word>,
    limit: Cell<*mut Word>,
    wrap: Cell<*mut Word>,
    buf: Cell<*mut Word>,
    cap: Cell<usize>,
}

/// The state of a queue; see [`Flat::mark`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(*mut Word, *mut Word, usize);

impl Flat {
    /// Makes an empty queue. Allocates nothing.
    pub(crate) const fn new() -> Self {
        Flat {
            read: Cell::new(nowhere()),
            write: Cell::new(nowhere()),
            limit: Cell::new(nowhere()),
            wrap: Cell::new(ptr::null_mut()),
            buf: Cell::new(nowhere()),
            cap: Cell::new(0),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.read.get() == self.write.get()
    }

    /// Appends a record whose payload is `value`, stored inline.
    #[inline(always)]
    pub(crate) fn push<T>(&self, header: Header, value: T) {
        if self.has_room_for::<T>() {
            self.put(header, value);
        } else if const { in_registers::<T>() } {
            cold_path();
            self.push_slow(header, value);
        } else {
            cold_path();
            self.make_room(const { words_for::<T>() as usize });
            self.put(header, value);
        }
    }

    /// The last thing that a send of a short message does: a call in its middle would make every
    /// handler that sends save registers for it. A long one would lie in memory for it.
    #[cold]
    #[inline(never)]
    fn push_slow<T>(&self, header: Header, value: T) {
        self.make_room(const { words_for::<T>() as usize });
        self.put(header, value);
    }

    /// Appends a record for which there is room.
    #[inline(always)]
    fn put<T>(&self, header: Header, value: T) {
        debug_assert_eq!(header.kind.words, words_for::<T>());
        let at = self.claim(const { words_for::<T>() as usize });
        // SAFETY: `claim` gave room for the header and a `T`.
        unsafe {
            at.cast::<Header>().write(header);
            at.add(HEADER).cast::<T>().write(value);
        }
    }

    /// Appends a copy of a whole record; ownership of its payload moves here.
    ///
    /// # Safety
    /// `from` points to `words` words of a record that nobody reads again.
    pub(crate) unsafe fn push_raw(&self, from: *const Word, words: usize) {
        if !self.has_room(words) {
            self.make_room(words);
        }
        let at = self.claim(words);
        // SAFETY: `claim` gave `words` words, which cannot overlap a record outside this buffer.
        unsafe { ptr::copy_nonoverlapping(from, at, words) }
    }

    /// Whether a record with a payload `T` can be appended as things are.
    #[inline(always)]
    pub(crate) fn has_room_for<T>(&self) -> bool {
        self.has_room(const { words_for::<T>() as usize })
    }

    /// How it is: the same as long as nothing is pushed, and nothing taken.
    pub(crate) fn mark(&self) -> Mark {
        // A buffer that takes the place of another one is larger, unless the queue was empty.
        Mark(self.read.get(), self.write.get(), self.cap.get())
    }

    /// Words of its buffer.
    #[cfg(any(test, rotor_fuzz))]
    pub(crate) fn capacity(&self) -> usize {
        self.cap.get()
    }

    /// Whether `words` lie between `write` and the limit.
    #[inline(always)]
    fn has_room(&self, words: usize) -> bool {
        // As integers: both are nowhere before the first record. Buffers do not wrap around the end of
        // the address space.
        self.write.get() as usize + words * size_of::<Word>() <= self.limit.get() as usize
    }

    /// Takes `words` for which there is room. The caller fills all of them before anything else
    /// happens to this queue.
    #[inline(always)]
    fn claim(&self, words: usize) -> *mut Word {
        let at = self.write.get();
        // SAFETY: there is room for `words` behind `write`, and for a header behind those.
        let next = unsafe { at.add(words) };
        self.write.set(next);
        // SAFETY: as above.
        unsafe { mark_end(next) };
        at
    }

    /// The next record. It stays in the queue until the cursor is moved past it.
    pub(crate) fn front(&self) -> Option<*mut Word> {
        let read = self.read.get();
        if read == self.write.get() {
            return None;
        }
        if read == self.wrap.get() {
            self.unwrap_to_start();
            return Some(self.buf.get());
        }
        Some(read)
    }

    /// Where the cursor is, with slot and generation of the record there.
    ///
    /// If none follows the last one, and also at the end of the buffer, which is left to `front`, it
    /// is a slot that no actor has.
    #[inline(always)]
    pub(crate) fn next(&self) -> (*mut Word, u32, u32) {
        let read = self.read.get();
        // SAFETY: the cursor is at a record, or where `END` stands: at `write`, at `wrap`, nowhere.
        let target = unsafe { (&raw const (*read.cast::<Header>()).target).read() };
        let (slot, generation) = Header::split(target);
        (read, slot, generation)
    }

    /// Where the next record is, or the one that is run.
    pub(crate) fn cursor(&self) -> &Cell<*mut Word> {
        &self.read
    }

    /// Moves the cursor past the record that was run, wherever its buffer is by now.
    ///
    /// # Safety
    /// The record at the cursor is `bytes` long.
    #[inline(always)]
    pub(crate) unsafe fn advance(&self, bytes: usize) {
        // SAFETY: records are pushed whole.
        self.read.set(unsafe { self.read.get().byte_add(bytes) });
    }

    /// Takes the next record: the cursor moves on, the words stay until the next `alloc`.
    ///
    /// The caller moves the payload out before it lets any other code run.
    pub(crate) fn pop(&self) -> Option<*mut Word> {
        let at = self.front()?;
        // SAFETY: `at` is a record: it is not at the end, and records are pushed whole.
        self.read.set(unsafe { at.add(kind(at).words as usize) });
        Some(at)
    }

    /// Shows `f` the header of every record, the next one first.
    pub(crate) fn each(&self, mut f: impl FnMut(Header)) {
        let mut at = self.read.get();
        while at != self.write.get() {
            if at == self.wrap.get() {
                at = self.buf.get();
                continue;
            }
            // SAFETY: `at` is a record, as in `pop`.
            let head = unsafe { header(at) };
            f(head);
            // SAFETY: records are pushed whole.
            at = unsafe { at.byte_add(head.kind.bytes()) };
        }
    }

    /// Words that are used now.
    #[cfg(any(test, rotor_fuzz))]
    pub(crate) fn words(&self) -> usize {
        let (read, write, wrap) = (self.read.get(), self.write.get(), self.wrap.get());
        let span = |a: *mut Word, b: *mut Word| (b as usize - a as usize) / size_of::<Word>();
        if wrap.is_null() {
            span(read, write)
        } else {
            span(read, wrap) + span(self.buf.get(), write)
        }
    }

    /// Gives back the memory of a burst. Only an empty queue shrinks.
    pub(crate) fn trim(&self) {
        if self.is_empty() && self.cap.get() > KEEP {
            self.free();
            for cell in [&self.read, &self.write, &self.limit, &self.buf] {
                cell.set(nowhere());
            }
            self.wrap.set(ptr::null_mut());
            self.cap.set(0);
        }
    }

    /// Starts again at the beginning of the buffer. Only for an empty queue.
    pub(crate) fn rewind(&self) {
        debug_assert!(self.is_empty());
        if self.cap.get() > 0 {
            self.read.set(self.buf.get());
            self.extend_to(self.buf.get());
        }
    }

    /// Its records lie in one piece from the cursor up to here.
    fn extend_to(&self, write: *mut Word) {
        self.write.set(write);
        // SAFETY: the caller has left room for a header.
        unsafe { mark_end(write) };
        self.wrap.set(ptr::null_mut());
        self.limit.set(self.last(self.cap.get()));
    }

    /// The limit if the first `words` of the buffer are used.
    fn last(&self, words: usize) -> *mut Word {
        // SAFETY: within the buffer, or nowhere + 0.
        unsafe { self.buf.get().add(words.saturating_sub(HEADER)) }
    }

    #[cold]
    #[inline(never)]
    fn unwrap_to_start(&self) {
        self.wrap.set(ptr::null_mut());
        self.read.set(self.buf.get());
        let (buf, cap) = (self.buf.get(), self.cap.get());
        let used = (self.write.get() as usize - buf as usize) / size_of::<Word>();
        let soft = if used < SOFT / 2 { cap.min(SOFT) } else { cap };
        self.limit.set(self.last(soft));
    }

    /// Makes room for `words` behind `write`.
    #[cold]
    #[inline(never)]
    fn make_room(&self, words: usize) {
        if self.is_empty() {
            self.rewind();
            if self.has_room(words) {
                return;
            }
        }
        let (read, buf) = (self.read.get(), self.buf.get());
        let ahead = (read as usize - buf as usize) / size_of::<Word>();
        if self.wrap.get().is_null() {
            if ahead >= words + HEADER {
                // The record that there is room for now is the next thing that happens.
                self.wrap.set(self.write.get());
                self.write.set(buf);
                // SAFETY: `read` is as far past the start. What `END` takes keeps a full queue from
                // being taken for an empty one.
                self.limit.set(unsafe { read.sub(HEADER) });
                return;
            }
            self.limit.set(self.last(self.cap.get()));
        } else {
            // SAFETY: a wrapped queue has `read >= buf + HEADER`.
            self.limit.set(unsafe { read.sub(HEADER) });
        }
        if !self.has_room(words) {
            self.grow(words);
        }
    }

    /// Takes a first buffer, with room for `words`: a smaller one than it would get by itself.
    pub(crate) fn begin(&self, words: usize) {
        if self.cap.get() == 0 {
            self.grow_to(words + HEADER);
        }
    }

    /// Moves everything to a larger buffer, in one piece.
    fn grow(&self, words: usize) {
        let (end, wrapped) = self.parts();
        let used = self.cap.get().max(end + wrapped);
        let cap = (used + words + HEADER).next_power_of_two();
        let more = if cap < LONG { 2 } else { 1 };
        self.grow_to((cap * more).max(FIRST));
    }

    /// How many words of the buffer there are up to the end of what has not wrapped, and how many have.
    fn parts(&self) -> (usize, usize) {
        let words = |to: *mut Word| (to as usize - self.buf.get() as usize) / size_of::<Word>();
        let (write, wrap) = (self.write.get(), self.wrap.get());
        if wrap.is_null() {
            (words(write), 0)
        } else {
            (words(wrap), words(write))
        }
    }

    fn grow_to(&self, cap: usize) {
        if self.cap.get() > 0 {
            return self.extend(cap);
        }
        let layout = Layout::array::<Word>(cap).expect("a queue fits the address space");
        // SAFETY: the layout is not empty.
        let new = unsafe { alloc(layout) }.cast::<Word>();
        if new.is_null() {
            handle_alloc_error(layout);
        }
        self.buf.set(new);
        self.cap.set(cap);
        self.read.set(new);
        self.extend_to(new);
    }

    /// Allocators move the pages of a long buffer, and copy nothing: so all of it stays where it is, but for
    /// what has wrapped, which comes behind the rest.
    fn extend(&self, cap: usize) {
        let (buf, (end, wrapped)) = (self.buf.get(), self.parts());
        let ahead = (self.read.get() as usize - buf as usize) / size_of::<Word>();
        let old = Layout::array::<Word>(self.cap.get()).expect("was allocated");
        let layout = Layout::array::<Word>(cap).expect("a queue fits the address space");
        // SAFETY: allocated with this layout; the new one is not empty, and rounds up to no overflow.
        let new = unsafe { realloc(buf.cast(), old, layout.size()) }.cast::<Word>();
        if new.is_null() {
            handle_alloc_error(layout);
        }
        self.buf.set(new);
        self.cap.set(cap);
        // SAFETY: all of it is where it was in the buffer, in which `grow` has left room for the rest behind
        // `end`. What has wrapped ends before the cursor, so before `end`.
        unsafe {
            ptr::copy_nonoverlapping(new, new.add(end), wrapped);
            self.read.set(new.add(ahead));
            self.extend_to(new.add(end + wrapped));
        }
    }

    fn free(&self) {
        if self.cap.get() > 0 {
            let layout = Layout::array::<Word>(self.cap.get()).expect("was allocated");
            // SAFETY: allocated by `grow` with this layout.
            unsafe { dealloc(self.buf.get().cast(), layout) }
        }
    }
}

impl Drop for Flat {
    /// Frees the buffer. Records must have been taken out: their payloads are not dropped here,
    /// because a drop is user code and needs a panic guard.
    fn drop(&mut self) {
        debug_assert!(
            self.is_empty() || std::thread::panicking(),
            "records left in a queue"
        );
        self.free();
    }
}

/// Where the cursors of a queue without a buffer are.
const fn nowhere() -> *mut Word {
    (&raw const NOTHING).cast::<Word>().cast_mut()
}

/// Says that no record follows.
///
/// # Safety
/// A header could be written here, and `at` is in no record.
#[inline(always)]
unsafe fn mark_end(at: *mut Word) {
    // SAFETY: as the caller says.
    unsafe { (&raw mut (*at.cast::<Header>()).target).write(END) };
}

/// Reads the header of a record.
///
/// # Safety
/// `at` points to a record.
#[inline(always)]
pub(crate) unsafe fn header(at: *const Word) -> Header {
    // SAFETY: the caller vouches for `at`.
    unsafe { *at.cast::<Header>() }
}

/// Reads only the kind of a record.
///
/// # Safety
/// `at` points to a record.
pub(crate) unsafe fn kind(at: *const Word) -> &'static Kind {
    // SAFETY: the caller vouches for `at`.
    unsafe { header(at) }.kind
}

#[cfg(any(test, rotor_fuzz))]
pub(crate) mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::dice::Dice;

    const KIND: &Kind = model::KindOf::<u64>::KIND;

    fn take(q: &Flat) -> Option<(u32, u64)> {
        let at = q.pop()?;
        // SAFETY: the tests push only what they take.
        unsafe { Some((header(at).slot(), at.add(HEADER).cast::<u64>().read())) }
    }

    #[test]
    fn records_come_out_in_order_whatever_their_size() {
        let (seeds, steps) = if cfg!(miri) { (1, 60) } else { (200, 400) };
        for seed in 0..seeds {
            model::against_a_model(Dice::of_seed(seed), steps);
        }
    }

    #[test]
    fn a_burst_gives_its_memory_back() {
        let q = Flat::new();
        for i in 0..10_000 {
            q.push(Header::new(KIND, i, 1), u64::from(i));
        }
        while take(&q).is_some() {}
        q.trim();
        assert_eq!(q.cap.get(), 0);
        q.push(Header::new(KIND, 1, 1), 7_u64);
        assert_eq!(take(&q), Some((1, 7)));
    }
}
