//! Chunks: records on their way to another locality, packed.
//!
//! What passes from one processor to another are cache lines, and a message between two threads costs
//! as many of them as it takes bytes. Records that follow each other are mostly of one kind and for
//! one actor: the first of them has a header, and the payloads of the others follow their count.
//!
//! ```text
//! header | payload      a record
//! null   | count        as many more like it:
//! payload | payload ..
//! header | payload      the next one that differs
//! ```
//!
//! Whoever takes a record out gets it whole: its header is written in front of its payload, over what
//! was taken out before.

#![expect(unsafe_code)]

use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::ptr::{self, NonNull};

use crate::gate::Gate;
use crate::message::{Header, Kind, words_for};
use crate::queue::{HEADER, Word, header};

/// A chunk of this many words is not grown, but handed over when it has no more room: 16 KiB.
const FULL: usize = 2048;
/// First buffer of a chunk.
const FIRST: usize = 512;

/// Records on their way to another thread, which it owns.
///
/// Not a `Box`: a locality keeps a pointer to the chunk that it fills, and a box that is moved would
/// claim to be the only one.
pub(crate) struct Chunk(NonNull<Records>);

// SAFETY: it owns its records, whose payloads are `Send`: chunks are filled by `Addr::send` and its
// kin, which require that.
unsafe impl Send for Chunk {}

/// The records of a chunk. Every method is a leaf: it runs no user code.
pub(crate) struct Records {
    /// The memory, all of which counts as used: words may be anything.
    buffer: Cell<Vec<Word>>,
    read: Cell<*mut Word>,
    write: Cell<*mut Word>,
    limit: Cell<*mut Word>,
    /// What was written last.
    last: Cell<Option<Header>>,
    /// The same, if what is like it is counted now.
    counted: Cell<Option<Header>>,
    /// Where, then.
    count: Cell<*mut usize>,
    /// What was read last.
    first: Cell<Option<Header>>,
    /// Where those like it end that are at the cursor.
    alike: Cell<*mut Word>,
}

impl Records {
    fn new() -> Self {
        Records {
            buffer: Cell::default(),
            read: Cell::new(ptr::null_mut()),
            write: Cell::new(ptr::null_mut()),
            limit: Cell::new(ptr::null_mut()),
            last: Cell::new(None),
            counted: Cell::new(None),
            count: Cell::new(ptr::null_mut()),
            first: Cell::new(None),
            alike: Cell::new(ptr::null_mut()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.read.get() == self.write.get()
    }

    /// Words from one pointer into the buffer to another one.
    fn span(from: *mut Word, to: *mut Word) -> usize {
        (to as usize - from as usize) / size_of::<Word>()
    }

    /// Words that are used now.
    pub(crate) fn words(&self) -> usize {
        Self::span(self.read.get(), self.write.get())
    }

    /// Whether a record with a payload `T` can be appended as things are, whatever its header.
    pub(crate) fn has_room_for<T>(&self) -> bool {
        self.has_room(HEADER + const { payload::<T>() })
    }

    /// Whether `words` lie between `write` and the limit.
    #[inline(always)]
    fn has_room(&self, words: usize) -> bool {
        // As integers: both are null before the first record. Buffers do not wrap around the end of
        // the address space.
        self.write.get() as usize + words * size_of::<Word>() <= self.limit.get() as usize
    }

    /// Whether it is not to be grown.
    pub(crate) fn is_large(&self) -> bool {
        self.capacity() >= FULL
    }

    fn capacity(&self) -> usize {
        let buffer = self.buffer.take();
        let words = buffer.len();
        self.buffer.set(buffer);
        words
    }

    /// Appends a record if it is like those before it, and there is room as things are.
    ///
    /// # Errors
    /// The value.
    #[inline(always)]
    pub(crate) fn push_like<T>(&self, head: Header, value: T) -> Result<(), T> {
        debug_assert_eq!(head.kind.words, words_for::<T>());
        if self.is_counted(head)
            && let Some(at) = self.claim_like(const { payload::<T>() })
        {
            // SAFETY: it was given room.
            unsafe { at.cast::<T>().write(value) };
            return Ok(());
        }
        Err(value)
    }

    /// Appends a record if there is room as things are.
    ///
    /// # Errors
    /// The value.
    pub(crate) fn try_push<T>(&self, head: Header, value: T) -> Result<(), T> {
        debug_assert_eq!(head.kind.words, words_for::<T>());
        let Some(at) = self.claim(head, const { payload::<T>() }) else {
            return Err(value);
        };
        // SAFETY: `claim` gave room for it.
        unsafe { at.cast::<T>().write(value) };
        Ok(())
    }

    /// Appends a record.
    pub(crate) fn push<T>(&self, head: Header, value: T) {
        self.make_room(HEADER + const { payload::<T>() });
        let pushed = self.try_push(head, value).is_ok();
        debug_assert!(pushed, "room was made");
    }

    /// Appends a copy of a whole record; ownership of its payload moves here.
    ///
    /// # Safety
    /// `from` is a record that nobody reads again.
    pub(crate) unsafe fn push_raw(&self, from: *const Word) {
        // SAFETY: as the caller says.
        let head = unsafe { header(from) };
        let words = payload_of(head.kind);
        self.make_room(HEADER + words);
        let at = self.claim(head, words).expect("room was made");
        // SAFETY: `claim` gave as many words, or one for a record that has none.
        unsafe {
            ptr::copy_nonoverlapping(from.add(HEADER), at, head.kind.words as usize - HEADER)
        };
    }

    /// Takes room for a payload of that many words. The caller fills it.
    fn claim(&self, head: Header, words: usize) -> Option<*mut Word> {
        match self.is_counted(head) {
            true => self.claim_like(words),
            false => self.claim_first(head, words),
        }
    }

    /// Whether a record is like the one before it, and that one was, too.
    #[inline(always)]
    fn is_counted(&self, head: Header) -> bool {
        is_like(self.counted.get(), head)
    }

    /// Takes room for the payload of one that is counted.
    #[inline(always)]
    fn claim_like(&self, words: usize) -> Option<*mut Word> {
        if !self.has_room(words) {
            return None;
        }
        let at = self.write.get();
        // SAFETY: there is room for `words`; while something is counted, `count` is in the buffer.
        unsafe {
            *self.count.get() += 1;
            self.write.set(at.add(words));
        }
        Some(at)
    }

    /// Takes room for one that is not, or is the first one.
    fn claim_first(&self, head: Header, words: usize) -> Option<*mut Word> {
        if !self.has_room(HEADER + words) {
            return None;
        }
        let at = self.write.get();
        // SAFETY: there is room for a header, which is as long as a mark and a count, and `words`.
        unsafe {
            if is_like(self.last.get(), head) {
                at.cast::<*const Kind>().write(ptr::null()); // the mark
                let count = at.add(1).cast::<usize>();
                count.write(1);
                self.count.set(count);
                self.counted.set(Some(head));
            } else {
                at.cast::<Header>().write(head);
                self.last.set(Some(head));
                self.counted.set(None);
            }
            self.write.set(at.add(HEADER + words));
            Some(at.add(HEADER))
        }
    }

    /// Takes the next record: whole where it lies, until the one after it is taken.
    ///
    /// The caller moves the payload out before it lets any other code run.
    pub(crate) fn pop(&self) -> Option<*mut Word> {
        self.pop_alike().or_else(|| self.pop_first())
    }

    /// The header of the next record, if it is like the one before it.
    #[inline(always)]
    fn next_alike(&self) -> Option<Header> {
        self.first
            .get()
            .filter(|_| self.read.get() != self.alike.get())
    }

    /// Those from the next one on that are like the one before them.
    #[inline(always)]
    pub(crate) fn alike(&self) -> Option<Alike<'_>> {
        let head = self.next_alike()?;
        Some(Alike {
            records: self,
            head,
            words: payload_of(head.kind),
        })
    }

    /// Takes the next record if it is like the one before it.
    fn pop_alike(&self) -> Option<*mut Word> {
        self.alike()?.pop()
    }

    /// Takes the next record where nothing is known of what is at the cursor.
    fn pop_first(&self) -> Option<*mut Word> {
        let at = self.read.get();
        if at == self.write.get() {
            return None;
        }
        // SAFETY: not at the end, so at a header, or at a mark and a count.
        let next = unsafe {
            if is_mark(at) {
                // What is appended from now on is not counted there.
                self.counted.set(None);
                let like = self.first.get()?;
                let payloads = at.add(HEADER);
                self.read.set(payloads);
                self.alike
                    .set(payloads.add(marked(at) * payload_of(like.kind)));
                return self.pop_alike();
            }
            let head = header(at);
            self.first.set(Some(head));
            at.add(HEADER + payload_of(head.kind))
        };
        self.read.set(next);
        self.alike.set(next);
        Some(at)
    }

    /// Shows `f` the header of every record, the next one first.
    pub(crate) fn each(&self, mut f: impl FnMut(Header)) {
        let (mut at, mut first, mut alike) = (self.read.get(), self.first.get(), self.alike.get());
        while at != self.write.get() {
            // SAFETY: as in `Alike::pop` and in `pop_first`.
            unsafe {
                match first {
                    Some(head) if at != alike => {
                        f(head);
                        at = at.add(payload_of(head.kind));
                    }
                    Some(head) if is_mark(at) => {
                        alike = at.add(HEADER + marked(at) * payload_of(head.kind));
                        at = at.add(HEADER);
                    }
                    _ => {
                        let head = header(at);
                        f(head);
                        first = Some(head);
                        at = at.add(HEADER + payload_of(head.kind));
                        alike = at;
                    }
                }
            }
        }
    }

    /// Starts again at the beginning of the buffer. Only for an empty one.
    pub(crate) fn rewind(&self) {
        debug_assert!(self.is_empty());
        self.place(self.buffer.take(), 0, 0);
    }

    /// Makes room for `words`.
    fn make_room(&self, words: usize) {
        if !self.has_room(words) {
            self.grow(words);
        }
    }

    /// Moves everything to a larger buffer, if it does not begin there already.
    #[cold]
    #[inline(never)]
    fn grow(&self, words: usize) {
        let mut buffer = self.buffer.take();
        let start = buffer.as_mut_ptr();
        let (ahead, used) = match buffer.len() {
            0 => (0, 0),
            _ => (Self::span(start, self.read.get()), self.words()),
        };
        let alike = match self.next_alike() {
            None => 0,
            Some(_) => Self::span(self.read.get(), self.alike.get()),
        };
        let (last, counted) = (self.last.get(), self.counted.get());
        let count = counted.map(|_| Self::span(start, self.count.get().cast()));
        let len = (buffer.len() + words).next_power_of_two().max(FIRST);
        buffer.resize(len, MaybeUninit::uninit());
        let start = buffer.as_mut_ptr();
        self.place(buffer, ahead, used);
        // SAFETY: as far from the cursor as before.
        self.alike.set(unsafe { self.read.get().add(alike) });
        self.last.set(last);
        self.counted.set(counted);
        if let Some(at) = count {
            // SAFETY: as far from the start as before.
            self.count.set(unsafe { start.add(at) }.cast());
        }
    }

    /// Its records are `used` words behind the first `ahead` of a buffer.
    fn place(&self, mut buffer: Vec<Word>, ahead: usize, used: usize) {
        let (start, len) = (buffer.as_mut_ptr(), buffer.len());
        self.buffer.set(buffer);
        // SAFETY: all of them are in the buffer.
        unsafe {
            self.read.set(start.add(ahead));
            self.write.set(start.add(ahead + used));
            self.limit.set(start.add(len));
        }
        self.alike.set(self.read.get());
        self.last.set(None);
        self.counted.set(None);
    }
}

/// Records that are like each other: what they have in common is looked at once.
pub(crate) struct Alike<'a> {
    records: &'a Records,
    head: Header,
    /// Of the payload of each.
    words: usize,
}

impl Alike<'_> {
    /// The header of each.
    #[inline(always)]
    pub(crate) fn head(&self) -> Header {
        self.head
    }

    /// As [`Records::pop`]. Nothing else takes records meanwhile.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<*mut Word> {
        let at = self.records.read.get();
        if at == self.records.alike.get() {
            return None;
        }
        // SAFETY: the payload at the cursor is one of those that were counted. The words in front of
        // it are of the buffer, and are used no more: a count, or payloads that were taken out.
        unsafe {
            let record = at.sub(HEADER);
            record.cast::<Header>().write(self.head);
            self.records.read.set(at.add(self.words));
            Some(record)
        }
    }
}

/// Whether a record would have the same header.
#[inline(always)]
fn is_like(one: Option<Header>, head: Header) -> bool {
    one.is_some_and(|one| ptr::eq(one.kind, head.kind) && one.target == head.target)
}

/// Whether a mark and a count are there, and no header.
///
/// # Safety
/// One of both is.
unsafe fn is_mark(at: *mut Word) -> bool {
    // SAFETY: as the caller says; no header has null for a kind.
    unsafe { at.cast::<*const Kind>().read().is_null() }
}

/// The count behind a mark.
///
/// # Safety
/// There is one.
unsafe fn marked(at: *mut Word) -> usize {
    // SAFETY: as the caller says.
    unsafe { at.add(1).cast::<usize>().read() }
}

/// Words of a payload `T` here. One without any takes one, so that a full chunk has not too many.
const fn payload<T>() -> usize {
    let words = words_for::<T>() as usize - HEADER;
    if words == 0 { 1 } else { words }
}

/// The same of a kind.
#[inline(always)]
fn payload_of(kind: &Kind) -> usize {
    (kind.words as usize - HEADER).max(1)
}

impl Drop for Records {
    /// Frees the buffer. Records must have been taken out, as from a [`Flat`](crate::queue::Flat).
    fn drop(&mut self) {
        debug_assert!(
            self.is_empty() || std::thread::panicking(),
            "records left in a chunk"
        );
    }
}

impl Chunk {
    pub(crate) fn new() -> Self {
        Chunk(NonNull::from(Box::leak(Box::new(Records::new()))))
    }

    /// For [`from_raw`](Self::from_raw), once.
    pub(crate) fn into_raw(self) -> *mut Records {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// It was made by [`into_raw`](Self::into_raw), and nobody else makes a chunk of it.
    pub(crate) unsafe fn from_raw(raw: *mut Records) -> Self {
        // SAFETY: as the caller says: not null.
        Chunk(unsafe { NonNull::new_unchecked(raw) })
    }

    /// Where it is, for as long as it is neither dropped nor given away.
    pub(crate) fn as_ptr(&self) -> *const Records {
        self.0.as_ptr()
    }

    /// Gives an empty chunk to whoever fills the next one for this gate, if there are not many.
    pub(crate) fn give_back(self, gate: &Gate) {
        // One into which others were gathered is larger than senders let it become.
        if self.capacity() <= FULL {
            self.rewind();
            drop(gate.chunks.push(self));
        }
    }
}

impl Deref for Chunk {
    type Target = Records;

    fn deref(&self) -> &Records {
        // SAFETY: leaked by `new` and freed only by `drop`; every method takes `&self`.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: made by `new`, dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::fuzz::dice::Dice;
    use crate::queue::model::KindOf;

    /// What the records of one type are made of and looked at with.
    struct Sort {
        kind: &'static Kind,
        push: fn(&Records, Header, u32) -> bool,
        /// Moves the payload of a record out.
        take: unsafe fn(*mut Word) -> u32,
    }

    const fn sort<T: From<u32> + Into<u32>>() -> Sort {
        Sort {
            kind: KindOf::<T>::KIND,
            push: |records, head, number| {
                let value = match records.try_push(head, T::from(number)) {
                    Ok(()) => return true,
                    Err(value) => value,
                };
                records.push(head, value);
                false
            },
            // SAFETY: as the caller says.
            take: |at| unsafe { at.add(HEADER).cast::<T>().read() }.into(),
        }
    }

    struct Nothing;
    struct Long(Box<u32>, [u64; 3]);
    impl From<u32> for Nothing {
        fn from(_: u32) -> Self {
            Nothing
        }
    }
    impl From<Nothing> for u32 {
        fn from(_: Nothing) -> u32 {
            0
        }
    }
    impl From<u32> for Long {
        fn from(number: u32) -> Self {
            Long(Box::new(number), [number.into(); 3])
        }
    }
    impl From<Long> for u32 {
        fn from(Long(number, copies): Long) -> u32 {
            assert_eq!(copies, [u64::from(*number); 3]);
            *number
        }
    }

    static SORTS: [Sort; 3] = [sort::<Nothing>(), sort::<u32>(), sort::<Long>()];

    struct Model {
        records: Records,
        expected: VecDeque<(u32, &'static Sort, u32)>,
        number: u32,
        last: (u32, &'static Sort),
    }

    impl Model {
        fn push(&mut self, dice: &mut Dice, raw: bool) {
            if dice.below(4) == 0 {
                self.last = (dice.below(2) as u32, &SORTS[dice.place(SORTS.len())]);
            }
            let (slot, sort) = self.last;
            let head = Header::new(sort.kind, slot, 1);
            self.number += 1;
            if raw {
                let other = Records::new();
                (sort.push)(&other, head, self.number);
                let at = other.pop().expect("it was pushed");
                // SAFETY: a record that was taken out just now.
                unsafe { self.records.push_raw(at) };
            } else {
                let had_room = self.records.has_room(HEADER + payload_of(sort.kind));
                let pushed = (sort.push)(&self.records, head, self.number);
                assert!(pushed || !had_room, "there was room");
            }
            self.expected.push_back((slot, sort, self.number));
        }

        fn pop(&mut self) {
            let Some(at) = self.records.pop() else {
                return assert!(self.expected.is_empty(), "a record is lost");
            };
            let (slot, sort, number) = self.expected.pop_front().expect("nothing is left");
            // SAFETY: a record that was taken out just now, of this sort if its kind is.
            let (head, took) = unsafe { (header(at), (sort.take)(at)) };
            assert!(ptr::eq(head.kind, sort.kind));
            assert_eq!((head.slot(), head.generation()), (slot, 1));
            assert!(took == number || payload_of(sort.kind) + HEADER > sort.kind.words as usize);
        }
    }

    #[test]
    fn records_come_out_whole_and_in_order_however_they_follow_each_other() {
        let (seeds, steps) = if cfg!(miri) { (2, 60) } else { (300, 400) };
        for seed in 0..seeds {
            let dice = &mut Dice::of_seed(seed);
            let mut model = Model {
                records: Records::new(),
                expected: VecDeque::new(),
                number: 0,
                last: (0, &SORTS[1]),
            };
            for _ in 0..steps {
                match dice.below(8) {
                    0..4 => (0..dice.below(32)).for_each(|_| model.push(dice, false)),
                    4 => model.push(dice, true),
                    5..7 => (0..dice.below(48)).for_each(|_| model.pop()),
                    _ if model.records.is_empty() => model.records.rewind(),
                    _ => {
                        let mut seen = Vec::new();
                        model
                            .records
                            .each(|head| seen.push((head.slot(), head.kind.words)));
                        let expected = model.expected.iter();
                        let expected = expected.map(|&(slot, sort, _)| (slot, sort.kind.words));
                        assert_eq!(seen, expected.collect::<Vec<_>>());
                    }
                }
                assert_eq!(model.records.is_empty(), model.expected.is_empty());
                assert!(model.records.words() <= model.records.capacity());
            }
            while !model.expected.is_empty() {
                model.pop();
            }
        }
    }

    #[test]
    fn what_follows_its_like_takes_the_words_of_its_payload() {
        let records = Records::new();
        let head = |slot| Header::new(KindOf::<u64>::KIND, slot, 1);
        for n in 0..100_u64 {
            records.push(head(7), n);
        }
        assert_eq!(records.words(), HEADER + 1 + HEADER + 99);
        records.push(head(8), 100_u64);
        assert_eq!(records.words(), HEADER + 1 + HEADER + 99 + HEADER + 1);
        for n in 0..=100_u64 {
            let at = records.pop().expect("one of those");
            // SAFETY: a record of this type that was taken out just now.
            assert_eq!(unsafe { at.add(HEADER).cast::<u64>().read() }, n);
        }
        assert!(records.pop().is_none());
    }
}
