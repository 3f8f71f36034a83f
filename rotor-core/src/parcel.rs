//! Parcels: what goes through the gate of a locality from other threads.

use std::ptr;

use crate::batch::Chunk;
use crate::message::{Header, words_for};
use crate::queue::{HEADER, Word, header};
use crate::signed::{self, LONGEST};

/// Words of the longest record that lies in its parcel.
pub(crate) const SHORT: usize = 8;

/// One record, or many of them in a chunk.
///
/// As long as a short record, and not a word more: what a push costs is the memory that two
/// processors pass to each other. Its first word, the pointer to a kind, tells the rest apart.
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
