//! The queue of one lane of an entrance: many threads push, one takes.
//!
//! Items of one to a few words lie one behind the other in blocks of words. A push claims its words
//! by moving the tail, writes all but the first, and publishes that one last; 0 is "not yet".
//!
//! ```text
//! block: [ item | item | claimed, not written yet | 0 0 0 0 0 ] next -> 0
//!          ^ head        ^ its first word is 0      ^ tail
//! block: [ item | item | item | END . . ] next -> [ item | 0 0 0 0 .. ]
//! ```
//!
//! Whoever claims the last word of a block puts the next one behind it; an item that does not fit
//! into the rest claims that, marks its end, and goes on in the next one.
//!
//! Not `SegQueue`, which has slots of one length, and which several threads may take from: there, a
//! message of one word is 72 bytes of memory that two processors pass to each other, and takes two
//! locked operations, and as many for whoever takes it. Here it is 24 bytes, and one locked
//! operation, which is at the same time the sender's part in the protocol of wakes: see
//! [`push`](Inbound::push).
//!
//! This file uses nothing else of the crate, so that a loom model can include it. There, a word is
//! two cells, one that loom sees published and one whose accesses it checks.

#![expect(unsafe_code)]

use std::marker::PhantomData;
use std::mem::MaybeUninit;

#[cfg(not(all(rotor_loom, test)))]
mod sync {
    use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
    pub(super) use std::cell::Cell as HeadCell;
    use std::cell::UnsafeCell;
    pub(super) use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

    use super::{Block, Word};

    pub(super) const CAP: usize = 255;

    /// One word of a block.
    pub(super) struct Cell(UnsafeCell<Word>);

    impl Cell {
        fn first(&self) -> &AtomicPtr<()> {
            // SAFETY: of the same size and alignment as a word, and zeroed, written or published
            // before. A word is either the first of an item, and reached through this reference
            // alone, or it is another one, and never.
            unsafe { AtomicPtr::from_ptr(self.0.get().cast()) }
        }

        pub(super) fn published(&self) -> *mut () {
            self.first().load(Ordering::Acquire)
        }

        pub(super) fn publish(&self, first: *mut ()) {
            self.first().store(first, Ordering::Release);
        }

        /// # Safety
        /// The cell is claimed by the caller, or nobody's.
        pub(super) unsafe fn write(&self, word: Word) {
            // SAFETY: as the caller says.
            unsafe { self.0.get().write(word) }
        }

        /// # Safety
        /// The caller alone takes items, and has seen the first word of the one that this is in.
        pub(super) unsafe fn read(&self) -> Word {
            // SAFETY: as the caller says.
            unsafe { self.0.get().read() }
        }
    }

    pub(super) fn new_block() -> *mut Block {
        let layout = Layout::new::<Block>();
        // SAFETY: a block is not of size 0.
        let block = unsafe { alloc_zeroed(layout) }.cast::<Block>();
        if block.is_null() {
            handle_alloc_error(layout);
        }
        block
    }

    /// # Safety
    /// Nobody else knows the block.
    pub(super) unsafe fn clear(block: *mut Block) {
        // SAFETY: as the caller says; all zeros is an empty block.
        unsafe { block.write_bytes(0, 1) }
    }

    pub(super) fn pause(round: u32) {
        if round < 64 {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

#[cfg(all(rotor_loom, test))]
mod sync {
    pub(super) use loom::cell::Cell as HeadCell;
    use loom::cell::UnsafeCell;
    pub(super) use loom::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
    use std::ptr;

    use super::{Block, Word};

    pub(super) const CAP: usize = 3;

    pub(super) struct Cell {
        first: AtomicPtr<()>,
        word: UnsafeCell<Word>,
    }

    impl Cell {
        fn new() -> Self {
            Cell {
                first: AtomicPtr::new(ptr::null_mut()),
                word: UnsafeCell::new(Word::uninit()),
            }
        }

        pub(super) fn published(&self) -> *mut () {
            let order = match cfg!(rotor_mutant = "no_acquire") {
                true => Ordering::Relaxed,
                false => Ordering::Acquire,
            };
            self.first.load(order)
        }

        pub(super) fn publish(&self, first: *mut ()) {
            let order = match cfg!(rotor_mutant = "no_release") {
                true => Ordering::Relaxed,
                false => Ordering::Release,
            };
            self.first.store(first, order);
        }

        /// # Safety
        /// As the real one; loom finds out if it is not so.
        pub(super) unsafe fn write(&self, word: Word) {
            // SAFETY: as the caller says.
            self.word.with_mut(|at| unsafe { at.write(word) });
        }

        /// # Safety
        /// As the real one; loom finds out if it is not so.
        pub(super) unsafe fn read(&self) -> Word {
            // SAFETY: as the caller says.
            self.word.with(|at| unsafe { at.read() })
        }
    }

    pub(super) fn new_block() -> *mut Block {
        Box::into_raw(Box::new(Block {
            next: AtomicPtr::new(ptr::null_mut()),
            words: std::array::from_fn(|_| Cell::new()),
        }))
    }

    /// # Safety
    /// Nobody else knows the block.
    pub(super) unsafe fn clear(block: *mut Block) {
        // SAFETY: as the caller says.
        let block = unsafe { &mut *block };
        block.next = AtomicPtr::new(ptr::null_mut());
        block.words = std::array::from_fn(|_| Cell::new());
    }

    pub(super) fn pause(round: u32) {
        if round >= 2 {
            // Two that wait for a third may give way to each other for ever: such a run goes on in
            // one way only.
            loom::skip_branch();
        }
        assert!(round < 50, "what is waited for never comes");
        loom::thread::yield_now();
    }
}

use sync::{AtomicPtr, AtomicU64, CAP, Cell, HeadCell, Ordering, clear, new_block, pause};

/// `MaybeUninit` keeps the provenance of pointers.
type Word = MaybeUninit<u64>;

/// Words of the longest item.
pub(crate) const MOST: usize = 8;

/// An item as it lies in the queue.
pub(crate) struct Packed {
    /// Neither 0 nor 1.
    pub(crate) first: *mut (),
    /// What follows the first word.
    pub(crate) rest: [Word; MOST - 1],
}

/// What can lie in the queue.
///
/// # Safety
/// `words` of the first word of a packed item is how many words of it are of any use, at least one.
pub(crate) unsafe trait Item: Sized {
    fn pack(self) -> Packed;

    /// # Safety
    /// `packed` was made by [`pack`](Self::pack), but for words that are of no use, and is opened
    /// only once.
    unsafe fn unpack(packed: Packed) -> Self;

    /// # Safety
    /// `first` is the first word of a packed item, which may have been opened.
    unsafe fn words(first: *mut ()) -> usize;
}

/// All zeros is an empty one.
#[repr(C)]
struct Block {
    next: AtomicPtr<Block>,
    words: [Cell; CAP],
}

/// The first word where no item follows in this block.
const END: *mut () = std::ptr::without_provenance_mut(1);

/// What those who push share; on cache lines of its own.
#[repr(align(128))]
struct Tail {
    /// How many items have been claimed, and in the low bits, up to which word of the block. If
    /// that is `CAP`, the next block is about to follow. Never twice the same, so that a compare
    /// with it finds out whether anything has happened.
    at: AtomicU64,
    /// Read between `at` and the exchange of that; belongs to that `at` if the exchange succeeds.
    block: AtomicPtr<Block>,
    /// An empty block, for whoever needs the next one.
    spare: AtomicPtr<Block>,
}

const BITS: u32 = 10;
const OFFSET: u64 = (1 << BITS) - 1;
const ONE: u64 = 1 << BITS;
const _: () = assert!(CAP <= OFFSET as usize);

/// What the one who takes has.
#[repr(align(128))]
struct Head {
    block: HeadCell<*mut Block>,
    offset: HeadCell<usize>,
    /// How many items have been taken. Written by the one who takes.
    taken: AtomicU64,
}

/// See the module's text.
pub(crate) struct Inbound<T> {
    tail: Tail,
    head: Head,
    items: PhantomData<T>,
}

// SAFETY: the items that it owns are `Send`. Cells without an atomic are those of the head, which
// the one who takes uses alone (`pop` is unsafe for that), and words that one push has claimed.
unsafe impl<T: Send> Send for Inbound<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Inbound<T> {}

impl<T: Item> Inbound<T> {
    /// An empty queue, of one block.
    pub(crate) fn new() -> Self {
        let block = new_block();
        Inbound {
            tail: Tail {
                at: AtomicU64::new(0),
                block: AtomicPtr::new(block),
                spare: AtomicPtr::new(std::ptr::null_mut()),
            },
            head: Head {
                block: HeadCell::new(block),
                offset: HeadCell::new(0),
                taken: AtomicU64::new(0),
            },
            items: PhantomData,
        }
    }

    /// Appends an item. Any thread.
    ///
    /// `look` runs when the item has its place, and counts for [`len`](Self::len), but is not there
    /// yet: whoever takes waits for it then. Whether the owner has to be woken is looked at in it,
    /// with a sequentially consistent load. The claim is such an operation, too, so that no fence is
    /// needed between them, and the processor need not wait until the words are written.
    #[inline]
    pub(crate) fn push<R>(&self, item: T, look: impl FnOnce() -> R) -> R {
        let Packed { first, rest } = item.pack();
        // SAFETY: made just now.
        let words = unsafe { T::words(first) };
        let (block, offset) = self.claim(words);
        let seen = look();
        // SAFETY: the words are claimed, and those who take wait for the first one.
        unsafe {
            let cells = &(&(*block).words)[offset..][..words];
            for (cell, word) in cells[1..].iter().zip(rest) {
                cell.write(word);
            }
            cells[0].publish(first);
        }
        seen
    }

    /// Claims so many words, and returns where.
    #[inline]
    fn claim(&self, words: usize) -> (*mut Block, usize) {
        let mut at = self.tail.at.load(Ordering::Acquire);
        let mut rounds = 0;
        loop {
            let offset = (at & OFFSET) as usize;
            let block = self.tail.block.load(Ordering::Acquire);
            if offset + words < CAP {
                match self.swap(at, at + ONE + words as u64) {
                    Ok(()) => return (block, offset),
                    Err(now) => at = now,
                }
            } else if offset < CAP {
                let fits = offset + words == CAP;
                let full = at - offset as u64 + CAP as u64 + if fits { ONE } else { 0 };
                // Before the exchange: from then on, all the others wait for it.
                let next = self.fresh();
                match self.swap(at, full) {
                    Err(now) => {
                        self.recycle(next);
                        at = now;
                    }
                    Ok(()) => {
                        self.follow(block, next, full);
                        if fits {
                            return (block, offset);
                        }
                        // SAFETY: the rest of the block is claimed.
                        unsafe { (&(*block).words)[offset].publish(END) };
                        at = self.tail.at.load(Ordering::Acquire);
                    }
                }
            } else {
                pause(rounds);
                at = self.tail.at.load(Ordering::Acquire);
            }
            rounds += 1;
        }
    }

    #[inline]
    fn swap(&self, old: u64, new: u64) -> Result<(), u64> {
        let at = &self.tail.at;
        at.compare_exchange_weak(old, new, Ordering::SeqCst, Ordering::Acquire)
            .map(drop)
    }

    /// Puts the next block behind a full one, whose last word the caller has claimed.
    #[cold]
    fn follow(&self, block: *mut Block, next: *mut Block, full: u64) {
        // In this order: who sees the new offset finds the new block.
        if !cfg!(rotor_mutant = "late_block") {
            self.tail.block.store(next, Ordering::Release);
        }
        self.tail.at.store(full - CAP as u64, Ordering::Release);
        if cfg!(rotor_mutant = "late_block") {
            self.tail.block.store(next, Ordering::Release);
        }
        // SAFETY: a block stays until all of it is taken, and the caller's claim is not.
        unsafe { &*block }.next.store(next, Ordering::Release);
    }

    /// An empty block.
    #[cold]
    fn fresh(&self) -> *mut Block {
        let spare = self
            .tail
            .spare
            .swap(std::ptr::null_mut(), Ordering::Acquire);
        if spare.is_null() { new_block() } else { spare }
    }

    /// Keeps an empty block.
    #[cold]
    fn recycle(&self, block: *mut Block) {
        let other = self.tail.spare.swap(block, Ordering::AcqRel);
        if !other.is_null() {
            // SAFETY: made by `new_block`, and nobody else's any more.
            drop(unsafe { Box::from_raw(other) });
        }
    }

    /// Takes the next item; waits for one that has its place, but is not there yet.
    ///
    /// # Safety
    /// Nobody else takes meanwhile.
    #[inline]
    pub(crate) unsafe fn pop(&self) -> Option<T> {
        let mut rounds = 0;
        loop {
            let offset = self.head.offset.get();
            if offset == CAP {
                self.go_on();
                continue;
            }
            // SAFETY: it is freed only by `go_on`.
            let cells = &unsafe { &*self.head.block.get() }.words[offset..];
            let first = cells[0].published();
            if first.is_null() {
                if self.is_empty() {
                    return None;
                }
                pause(rounds);
                rounds += 1;
                continue;
            }
            if first == END {
                self.head.offset.set(CAP);
                continue;
            }
            // SAFETY: an item begins here, and is read this once.
            unsafe {
                let words = T::words(first);
                let mut rest = [Word::uninit(); MOST - 1];
                for (word, cell) in rest.iter_mut().zip(&cells[1..words]) {
                    *word = cell.read();
                }
                self.head.offset.set(offset + words);
                let taken = self.head.taken.load(Ordering::Relaxed);
                self.head.taken.store(taken + 1, Ordering::Relaxed);
                return Some(T::unpack(Packed { first, rest }));
            }
        }
    }

    /// Leaves a block of which everything is taken for the next one.
    #[cold]
    fn go_on(&self) {
        let block = self.head.block.get();
        let mut rounds = 0;
        let next = loop {
            // SAFETY: it is freed only here.
            let next = unsafe { &*block }.next.load(Ordering::Acquire);
            if !next.is_null() {
                break next;
            }
            pause(rounds);
            rounds += 1;
        };
        self.head.block.set(next);
        self.head.offset.set(0);
        // SAFETY: each of those who claimed words of it has published, and the one who claimed the
        // last has set `next`, which is all that they do to it; nobody claims more.
        unsafe { clear(block) };
        self.recycle(block);
    }

    /// How many items have their place, and are not taken yet.
    pub(crate) fn len(&self) -> usize {
        let taken = self.head.taken.load(Ordering::Relaxed);
        let claimed = self.tail.at.load(Ordering::Acquire) >> BITS;
        claimed.saturating_sub(taken) as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Drop for Inbound<T> {
    fn drop(&mut self) {
        // What is in it was to be taken before: an entrance is closed and drained, or never dropped.
        if cfg!(all(rotor_loom, test)) && std::thread::panicking() {
            return; // loom is no more to be asked
        }
        let mut block = self.head.block.get();
        let spare = self.tail.spare.load(Ordering::Relaxed);
        if !spare.is_null() {
            // SAFETY: made by `new_block`, and nobody else's any more.
            drop(unsafe { Box::from_raw(spare) });
        }
        while !block.is_null() {
            // SAFETY: as above.
            let gone = unsafe { Box::from_raw(block) };
            block = gone.next.load(Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(rotor_loom)))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::fuzz::dice::Dice;

    /// A number, in so many words: the first has both, each of the others the number.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    struct Number(usize, usize);

    // SAFETY: as its doc says.
    unsafe impl Item for Number {
        fn pack(self) -> Packed {
            let Number(number, words) = self;
            let mut rest = [Word::uninit(); MOST - 1];
            for word in &mut rest[..words - 1] {
                word.write(number as u64);
            }
            let first = std::ptr::without_provenance_mut(number << 8 | words << 1);
            Packed { first, rest }
        }

        unsafe fn unpack(packed: Packed) -> Number {
            // SAFETY: passed on.
            let words = unsafe { Number::words(packed.first) };
            let number = packed.first.addr() >> 8;
            for word in &packed.rest[..words - 1] {
                // SAFETY: `pack` has written it.
                assert_eq!(unsafe { word.assume_init() }, number as u64);
            }
            Number(number, words)
        }

        unsafe fn words(first: *mut ()) -> usize {
            first.addr() >> 1 & 0x7f
        }
    }

    #[test]
    fn items_of_all_lengths_come_out_in_order() {
        let queue = Inbound::new();
        let mut dice = Dice::of_seed(1);
        let (mut pushed, mut taken) = (0, std::collections::VecDeque::new());
        let most = if cfg!(miri) { 300 } else { 50_000 };
        while pushed < most || !taken.is_empty() {
            if pushed < most && dice.one_in(2) {
                let item = Number(pushed, 1 + dice.place(MOST));
                queue.push(item, || ());
                taken.push_back(item);
                pushed += 1;
            } else {
                // SAFETY: nobody else takes.
                assert_eq!(unsafe { queue.pop() }, taken.pop_front());
            }
            assert_eq!(queue.len(), taken.len());
        }
    }

    #[test]
    fn several_threads_push_while_one_takes() {
        let queue = &Inbound::new();
        let each = if cfg!(miri) { 60 } else { 50_000 };
        std::thread::scope(|scope| {
            for thread in 0..3 {
                scope.spawn(move || {
                    let mut dice = Dice::of_seed(thread as u64);
                    for number in 0..each {
                        let item = Number(number * 3 + thread, 1 + dice.place(MOST));
                        queue.push(item, || ());
                    }
                });
            }
            let mut next = [0; 3];
            while next.iter().sum::<usize>() < 3 * each {
                // SAFETY: nobody else takes.
                match unsafe { queue.pop() } {
                    Some(Number(number, _)) => {
                        assert_eq!(number / 3, next[number % 3]);
                        next[number % 3] += 1;
                    }
                    None => std::thread::yield_now(),
                }
            }
        });
        assert!(queue.is_empty());
    }

    /// The sender looks whether the owner sleeps when its item counts, and before it is there.
    #[test]
    fn an_item_counts_before_its_sender_looks() {
        let queue = Inbound::new();
        let seen = AtomicUsize::new(0);
        queue.push(Number(1, 2), || seen.store(queue.len(), Ordering::Relaxed));
        assert_eq!(seen.into_inner(), 1);
    }

    #[test]
    fn blocks_are_used_again() {
        let queue = Inbound::new();
        let mut blocks = std::collections::BTreeSet::new();
        for number in 0..if cfg!(miri) { 3 } else { 10 } * CAP {
            queue.push(Number(number, 3), || ());
            // SAFETY: nobody else takes.
            unsafe { queue.pop() };
            blocks.insert(queue.head.block.get());
        }
        assert_eq!(blocks.len(), 2);
    }
}
