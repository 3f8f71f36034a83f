//! The digest that proves a copy: taken by the reader of what it read, and by the writer of what it
//! wrote.

/// BLAKE3 over what the copy is to be: its head (name, mode, time, size) and each piece of data
/// with its offset. Holes are what no piece covers, so two digests are equal only where the holes
/// are, too.
pub struct Digest(blake3::Hasher);

/// The value of a [`Digest`].
pub type DigestValue = [u8; 32];

impl Digest {
    /// Starts with the encoded head.
    pub fn new(head: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(head.len() as u64).to_le_bytes());
        hasher.update(head);
        Self(hasher)
    }

    /// Takes in a piece of data. Both sides must cut the data alike, which they do: a piece is a
    /// frame.
    pub fn data(&mut self, offset: u64, bytes: &[u8]) {
        self.0.update(&offset.to_le_bytes());
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Returns the value.
    pub fn value(&self) -> DigestValue {
        *self.0.finalize().as_bytes()
    }
}
