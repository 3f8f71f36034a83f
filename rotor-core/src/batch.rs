//! Batches: records for another locality, collected and handed over in chunks.

use crate::chunk::Chunk;
use crate::gate::Gate;
use crate::message::Header;
use crate::parcel::{Parcel, SHORT};

/// Records for one lane of another locality, collected until they are handed over.
pub(crate) struct Batch {
    pub(crate) to: &'static Gate,
    pub(crate) lane: usize,
    chunk: Option<Chunk>,
}

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
        chunk.is_some_and(|chunk| !chunk.has_room_for::<T>() && chunk.is_large())
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
        let left = match &self.chunk {
            Some(chunk) => chunk.push_like(head, value),
            None => Err(value),
        };
        if let Err(value) = left {
            self.add_unlike(head, value);
        }
    }

    #[inline(never)]
    fn add_unlike<T>(&mut self, head: Header, value: T) {
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
            while let Some(parcel) = chunk.pop_parcel() {
                self.to.push(self.lane, parcel);
            }
            chunk.rewind();
        } else if let Some(chunk) = self.chunk.take() {
            self.to.push(self.lane, Parcel::chunk(chunk));
        }
    }
}
