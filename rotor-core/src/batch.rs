//! Batches: records for another locality, collected and handed over in chunks.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::gate::Gate;
use crate::message::Header;
use crate::parcel::{Parcel, SHORT};
use crate::queue::Flat;

/// A queue of its own on its way to another thread.
///
/// Not a `Box`: a locality keeps a pointer to the chunk that it fills, and a box that is moved would
/// claim to be the only one.
pub(crate) struct Chunk(NonNull<Flat>);

// SAFETY: it owns its queue, which is `Send`.
unsafe impl Send for Chunk {}

impl Chunk {
    pub(crate) fn new() -> Self {
        Chunk(NonNull::from(Box::leak(Box::new(Flat::new()))))
    }

    /// For [`from_raw`](Self::from_raw), once.
    pub(crate) fn into_raw(self) -> *mut Flat {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// It was made by [`into_raw`](Self::into_raw), and nobody else makes a chunk of it.
    pub(crate) unsafe fn from_raw(raw: *mut Flat) -> Self {
        // SAFETY: as the caller says: not null.
        Chunk(unsafe { NonNull::new_unchecked(raw) })
    }

    /// Where it is, for as long as it is neither dropped nor given away.
    pub(crate) fn as_ptr(&self) -> *const Flat {
        self.0.as_ptr()
    }

    /// Gives an empty chunk to whoever fills the next one for this gate. Bounded.
    pub(crate) fn give_back(self, gate: &Gate) {
        // One into which others were gathered is larger than senders let it become.
        if gate.chunks.len() < 16 && self.capacity() <= FULL {
            self.rewind();
            gate.chunks.push(self);
        }
    }
}

impl Deref for Chunk {
    type Target = Flat;

    fn deref(&self) -> &Flat {
        // SAFETY: leaked by `new` and freed only by `drop`; every method of a queue takes `&self`.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: made by `new`, dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Records for one lane of another locality, collected until they are handed over.
pub(crate) struct Batch {
    pub(crate) to: &'static Gate,
    pub(crate) lane: usize,
    chunk: Option<Chunk>,
}

/// A chunk of this many words is not grown, but handed over when it has no more room: 16 KiB.
const FULL: usize = 2048;

impl Batch {
    pub(crate) fn new(to: &'static Gate, lane: usize) -> Self {
        Batch {
            to,
            lane,
            chunk: None,
        }
    }

    /// Whether nothing waits to be handed over.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunk.as_ref().is_none_or(|chunk| chunk.is_empty())
    }

    /// Whether it must be handed over before a record with a payload `T` is added.
    pub(crate) fn is_full<T>(&self) -> bool {
        let chunk = self.chunk.as_ref();
        chunk.is_some_and(|chunk| !chunk.has_room_for::<T>() && chunk.capacity() >= FULL)
    }

    /// Appends a record, and returns the chunk where it lies.
    pub(crate) fn push<T>(&mut self, head: Header, value: T) -> &Chunk {
        let to = self.to;
        let chunk = self
            .chunk
            .get_or_insert_with(|| to.chunks.pop().unwrap_or_else(Chunk::new));
        chunk.push(head, value);
        chunk
    }

    /// Appends a record; hands over what is there first if it is full.
    pub(crate) fn add<T>(&mut self, head: Header, value: T) {
        if self.is_full::<T>() {
            self.flush();
        }
        self.push(head, value);
    }

    /// This batch with its contents; an empty one stays behind.
    pub(crate) fn take(&mut self) -> Batch {
        Batch {
            to: self.to,
            lane: self.lane,
            chunk: self.chunk.take(),
        }
    }

    /// Keeps the empty chunk of a batch that was flushed.
    pub(crate) fn put_back(&mut self, other: Batch) {
        if self.chunk.is_none() {
            self.chunk = other.chunk;
        }
    }

    /// Hands everything over, in order, and wakes the other side if it waits.
    pub(crate) fn flush(&mut self) {
        let Some(chunk) = &self.chunk else { return };
        if chunk.is_empty() {
            return;
        }
        if chunk.words() <= SHORT {
            // A few words: by value, and the chunk stays here.
            while let Some(at) = chunk.pop() {
                // SAFETY: a record that was taken out just now.
                self.to.push(self.lane, unsafe { Parcel::copy(at) });
            }
            chunk.rewind();
        } else if let Some(chunk) = self.chunk.take() {
            self.to.push(self.lane, Parcel::chunk(chunk));
        }
    }
}
