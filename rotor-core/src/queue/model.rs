//! A flat queue next to a `VecDeque`, which says what must come out.

use std::collections::VecDeque;
use std::fmt::Debug;

use super::*;
use crate::fuzz::dice::Dice;
use crate::message::Way;

/// A payload that can be told from all others.
trait Payload: PartialEq + Debug {
    fn of(number: u32) -> Self;
}

impl Payload for () {
    fn of(_: u32) {}
}

impl Payload for u8 {
    fn of(number: u32) -> u8 {
        number as u8
    }
}

impl Payload for [u32; 3] {
    fn of(number: u32) -> Self {
        [number, !number, number]
    }
}

impl Payload for [u64; 16] {
    fn of(number: u32) -> Self {
        [u64::from(number); 16]
    }
}

/// A pointer: it must come through as one, and nobody may free it but who takes it.
impl Payload for Box<u32> {
    fn of(number: u32) -> Self {
        Box::new(number)
    }
}

/// What can be done with one type of payload.
struct Sort {
    kind: &'static Kind,
    push: fn(&Flat, Header, u32),
    /// Moves the payload of a record out and looks whether it is that of this number.
    take: unsafe fn(*mut Word, u32),
}

pub(crate) struct KindOf<T>(std::marker::PhantomData<T>);

impl<T> KindOf<T> {
    pub(crate) const KIND: &'static Kind = &Kind {
        words: words_for::<T>(),
        lane: 2,
        way: Way::Actor,
        run: |_, _, _, _| 0,
        discard: |_| {},
        name: || "model",
        look: |_| &(),
        topic: |_| None,
    };
}

const fn sort<T: Payload>() -> Sort {
    Sort {
        kind: KindOf::<T>::KIND,
        push: |queue, header, number| queue.push(header, T::of(number)),
        take: |at, number| {
            // SAFETY: `Model::take` gives the records of this sort, each once.
            let payload = unsafe { at.add(HEADER).cast::<T>().read() };
            assert_eq!(payload, T::of(number));
        },
    }
}

static SORTS: [Sort; 5] = [
    sort::<()>(),
    sort::<u8>(),
    sort::<[u32; 3]>(),
    sort::<[u64; 16]>(),
    sort::<Box<u32>>(),
];

/// More records than this are not queued: nothing new would be seen.
const MOST: usize = 1_000;

struct Model {
    queue: Flat,
    expected: VecDeque<(u32, &'static Sort)>,
    pushed: u32,
}

impl Model {
    /// The header of the next record, its number, and its sort.
    fn draw(&mut self, dice: &mut Dice) -> (Header, u32, &'static Sort) {
        let sort = &SORTS[dice.place(SORTS.len())];
        (self.header(sort), self.pushed, sort)
    }

    fn header(&mut self, sort: &Sort) -> Header {
        self.pushed += 1;
        Header::new(sort.kind, self.pushed, 1)
    }

    fn push(&mut self, dice: &mut Dice) {
        let (header, number, sort) = self.draw(dice);
        (sort.push)(&self.queue, header, number);
        self.expected.push_back((number, sort));
    }

    fn push_many(&mut self, sort: &'static Sort, count: u64) {
        for _ in 0..count {
            let header = self.header(sort);
            (sort.push)(&self.queue, header, self.pushed);
            self.expected.push_back((self.pushed, sort));
        }
    }

    /// As what was parked, or comes from a chunk.
    fn push_raw(&mut self, dice: &mut Dice) {
        let other = Flat::new();
        let (header, number, sort) = self.draw(dice);
        (sort.push)(&other, header, number);
        let at = other.pop().expect("it was pushed");
        // SAFETY: a record of this length, which nobody else reads.
        unsafe { self.queue.push_raw(at, sort.kind.words as usize) };
        self.expected.push_back((number, sort));
    }

    fn pop(&mut self) {
        match self.queue.pop() {
            Some(at) => _ = self.take(at),
            None => assert_eq!(self.expected.len(), 0, "a record is lost"),
        }
    }

    /// As the loop of a locality: the record stays at the cursor while its handler sends more.
    fn run(&mut self, dice: &mut Dice) {
        let (at, slot, generation) = self.queue.next();
        let next = ((slot, generation) != Header::split(END)).then_some(at);
        let Some(at) = next.or_else(|| self.queue.front()) else {
            return assert_eq!(self.expected.len(), 0, "a record is lost");
        };
        assert_eq!(at, self.queue.cursor().get());
        let sort = self.take(at);
        for _ in 0..dice.below(4) {
            self.push(dice);
        }
        // SAFETY: it is at the cursor still, and this long.
        unsafe { self.queue.advance(sort.kind.bytes()) };
    }

    fn take(&mut self, at: *mut Word) -> &'static Sort {
        let (number, sort) = self.expected.pop_front().expect("nothing is left");
        // SAFETY: the queue says that it is a record.
        let header = unsafe { header(at) };
        assert_eq!((header.slot(), header.generation()), (number, 1));
        assert_eq!(header.kind.words, sort.kind.words);
        // SAFETY: the record of this number is of this sort, and was taken from `expected`.
        unsafe { (sort.take)(at, number) };
        sort
    }

    fn step(&mut self, dice: &mut Dice) {
        let room = self.expected.len() < MOST;
        match dice.below(16) {
            0..3 if room => (0..dice.below(16)).for_each(|_| self.push(dice)),
            3 if room => {
                let sort = &SORTS[dice.place(SORTS.len())];
                self.push_many(sort, 4 * dice.below(256));
            }
            4..7 => (0..dice.below(16)).for_each(|_| self.pop()),
            7 => (0..4 * dice.below(256)).for_each(|_| self.pop()),
            8..11 if room => self.run(dice),
            11 if room => self.push_raw(dice),
            13 if self.queue.is_empty() => self.queue.rewind(),
            14 if self.queue.is_empty() => {
                self.queue.trim();
                assert!(self.queue.capacity() <= KEEP, "the memory of a burst");
            }
            _ => self.look(),
        }
        assert_eq!(self.queue.is_empty(), self.expected.is_empty());
        assert!(self.queue.words() <= self.queue.capacity());
        self.look_ahead();
    }

    /// What the loop of a locality sees at the cursor: the next record, or else nobody's target.
    fn look_ahead(&self) {
        let (at, slot, generation) = self.queue.next();
        assert_eq!(at, self.queue.cursor().get());
        let mut first = None;
        self.queue
            .each(|header| _ = first.get_or_insert(header.slot()));
        let at_record = !self.queue.is_empty() && at != self.queue.wrap.get();
        let seen = (slot, generation);
        match first.filter(|_| at_record) {
            Some(number) => assert_eq!(seen, (number, 1)),
            None => assert_eq!(seen, Header::split(END)),
        }
    }

    /// Walks over all records.
    fn look(&self) {
        let mut seen = Vec::new();
        self.queue.each(|header| seen.push(header.slot()));
        assert!(self.expected.iter().map(|record| record.0).eq(seen));
        let words = |record: &(u32, &Sort)| record.1.kind.words as usize;
        let words: usize = self.expected.iter().map(words).sum();
        assert_eq!(self.queue.words(), words);
    }
}

/// Pushes, takes and runs as the dice say.
pub(crate) fn against_a_model(mut dice: Dice, steps: u32) {
    let mut model = Model {
        queue: Flat::new(),
        expected: VecDeque::new(),
        pushed: 0,
    };
    for _ in 0..steps {
        if dice.is_used_up() {
            break;
        }
        model.step(&mut dice);
    }
    while !model.expected.is_empty() {
        model.pop();
    }
    assert!(model.queue.is_empty());
}
