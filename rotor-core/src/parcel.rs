//! Parcels: what goes through the gate of a locality from other threads.

#![expect(unsafe_code)]

use std::ptr;

use crate::chunk::Chunk;
use crate::inbound::{Item, MOST, Packed};
use crate::message::{Header, Kind, words_for};
use crate::queue::{HEADER, Word, header};
use crate::signed::{self, LONGEST};

/// Words of the longest record that lies in its parcel.
pub(crate) const SHORT: usize = MOST;

/// One record, or many of them in a chunk.
///
/// As long as a short record, and not a word more: it is copied from there to the queue, which takes as
/// many words of it as the record has, and back.
pub(crate) enum Parcel {
    Short(Short),
    Other(Other),
}

const _: () = assert!(size_of::<Parcel>() == SHORT * size_of::<Word>());

// SAFETY: parcels are made from records of `Send` payloads only: by `Addr::send` and its kin, by
// the outbox that such sends fill, and by core's own control records, which are `Send`.
unsafe impl Send for Parcel {}

/// A record that lies in its parcel.
#[repr(C)]
pub(crate) struct Short {
    head: Header,
    payload: [Word; SHORT - HEADER],
}

/// What does not.
pub(crate) enum Other {
    Long(Box<[Word; LONGEST]>),
    Chunk(Chunk),
}

/// What was in a parcel.
pub(crate) enum Contents {
    One(One),
    Chunk(Chunk),
}

/// One record.
pub(crate) enum One {
    Short(Short),
    Long(Box<[Word; LONGEST]>),
}

impl One {
    /// Where it lies, for as long as this is neither moved nor dropped.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut Word {
        match self {
            One::Short(short) => (&raw mut *short).cast(),
            One::Long(long) => long.as_mut_ptr(),
        }
    }
}

impl Parcel {
    /// Makes a parcel of one record.
    pub(crate) fn of<T>(head: Header, value: T) -> Parcel {
        if const { words_for::<T>() as usize <= SHORT } {
            let mut payload = [Word::uninit(); SHORT - HEADER];
            // SAFETY: the record fits; see `Flat::push`.
            unsafe { payload.as_mut_ptr().cast::<T>().write(value) };
            return Parcel::Short(Short { head, payload });
        }
        Parcel::long(signed::written(head, value))
    }

    /// Makes a parcel of a record; ownership of its payload moves here.
    ///
    /// # Safety
    /// `at` is a record that nobody uses again.
    pub(crate) unsafe fn copy(at: *const Word) -> Parcel {
        // SAFETY: as the caller says.
        let head = unsafe { header(at) };
        let words = head.kind.words as usize;
        if words > SHORT {
            // SAFETY: as the caller says.
            return Parcel::long(unsafe { signed::copied(at) });
        }
        let mut payload = [Word::uninit(); SHORT - HEADER];
        // SAFETY: the payload of a record of this length, which fits.
        unsafe {
            ptr::copy_nonoverlapping(at.add(HEADER), payload.as_mut_ptr(), words - HEADER);
        }
        Parcel::Short(Short { head, payload })
    }

    fn long(record: [Word; LONGEST]) -> Parcel {
        Parcel::Other(Other::Long(Box::new(record)))
    }

    pub(crate) fn chunk(chunk: Chunk) -> Parcel {
        Parcel::Other(Other::Chunk(chunk))
    }

    pub(crate) fn open(self) -> Contents {
        match self {
            Parcel::Short(short) => Contents::One(One::Short(short)),
            Parcel::Other(Other::Long(long)) => Contents::One(One::Long(long)),
            Parcel::Other(Other::Chunk(chunk)) => Contents::Chunk(chunk),
        }
    }
}

impl Chunk {
    /// Takes the next record out, as a parcel of its own.
    pub(crate) fn pop_parcel(&self) -> Option<Parcel> {
        // SAFETY: a record that was taken out just now.
        self.pop().map(|at| unsafe { Parcel::copy(at) })
    }

    /// Appends the records of a parcel; an emptied chunk is returned.
    pub(crate) fn append(&self, contents: Contents) -> Option<Chunk> {
        match contents {
            Contents::One(mut one) => {
                // SAFETY: a record, which nobody else has.
                unsafe { self.push_raw(one.as_mut_ptr()) };
                None
            }
            Contents::Chunk(more) => {
                while let Some(at) = more.pop() {
                    // SAFETY: a record that was taken out just now.
                    unsafe { self.push_raw(at) }
                }
                Some(more)
            }
        }
    }
}

/// In place of the pointer to a kind, where a pointer to something else follows.
const LONG: *mut () = ptr::without_provenance_mut(2);
const CHUNK: *mut () = ptr::without_provenance_mut(3);

// SAFETY: a short record is as long as its kind says; the others are a mark and a pointer.
unsafe impl Item for Parcel {
    #[inline]
    fn pack(self) -> Packed {
        let mut rest = [Word::uninit(); MOST - 1];
        let first = match self {
            Parcel::Short(Short { head, payload }) => {
                rest[0].write(head.target);
                rest[1..].copy_from_slice(&payload);
                ptr::from_ref(head.kind).cast_mut().cast()
            }
            Parcel::Other(Other::Long(long)) => {
                rest[0] = word(Box::into_raw(long));
                LONG
            }
            Parcel::Other(Other::Chunk(chunk)) => {
                rest[0] = word(chunk.into_raw());
                CHUNK
            }
        };
        Packed { first, rest }
    }

    #[inline]
    unsafe fn unpack(packed: Packed) -> Parcel {
        let Packed { first, rest } = packed;
        // SAFETY: made by `pack`, and opened once: what was a pointer there is the same one here.
        unsafe {
            match first {
                LONG => Parcel::Other(Other::Long(Box::from_raw(pointer(rest[0])))),
                CHUNK => Parcel::Other(Other::Chunk(Chunk::from_raw(pointer(rest[0])))),
                kind => {
                    let kind = &*kind.cast::<Kind>();
                    let target = rest[0].assume_init();
                    let mut payload = [Word::uninit(); SHORT - HEADER];
                    payload.copy_from_slice(&rest[1..]);
                    let head = Header { kind, target };
                    Parcel::Short(Short { head, payload })
                }
            }
        }
    }

    #[inline]
    unsafe fn words(first: *mut ()) -> usize {
        match first {
            LONG | CHUNK => 2,
            // SAFETY: the first word of a short record, as the caller says.
            kind => unsafe { (*kind.cast::<Kind>()).words as usize },
        }
    }
}

fn word<T>(pointer: *mut T) -> Word {
    let mut word = Word::uninit();
    // SAFETY: a pointer fits into a word, which keeps where it is from.
    unsafe { word.as_mut_ptr().cast::<*mut T>().write(pointer) };
    word
}

/// # Safety
/// Made by `word`, with this type.
unsafe fn pointer<T>(word: Word) -> *mut T {
    // SAFETY: as the caller says.
    unsafe { word.as_ptr().cast::<*mut T>().read() }
}
