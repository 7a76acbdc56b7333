//! Digests: a fingerprint of all events of a run, by the text of its names.
//!
//! Input is first collected in [`Words`], thirty at a time, and then hashed with the digest so far.

use crate::Name;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// A fingerprint of everything that happened in a run, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub u128);

impl Digest {
    /// Folds another digest in; the order matters.
    pub fn fold(&mut self, other: Self) {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.0.to_le_bytes());
        bytes[16..].copy_from_slice(&other.0.to_le_bytes());
        self.0 = xxh3_128(&bytes);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match u128::from_str_radix(text, 16) {
            Ok(digest) if text.len() == 32 => Ok(Self(digest)),
            _ => Err(format!("`{text}` is not a digest: 32 hexadecimal digits")),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Words that go into a digest together.
pub struct Words {
    words: [[u8; 8]; Self::CAPACITY],
    len: usize,
}

/// No words yet.
impl Default for Words {
    #[inline]
    fn default() -> Self {
        Self::starting_with(Digest::default())
    }
}

impl Words {
    /// The most that are hashed at once in the quickest way.
    const CAPACITY: usize = 30;

    #[inline]
    fn starting_with(state: Digest) -> Self {
        let mut words = Self { words: [[0; 8]; Self::CAPACITY], len: 2 };
        words.words[0] = (state.0 as u64).to_le_bytes();
        words.words[1] = ((state.0 >> 64) as u64).to_le_bytes();
        words
    }

    /// The 64-bit digest of whatever `fill` puts in; for the content of messages and records.
    pub fn digest(fill: impl FnOnce(&mut Self)) -> u64 {
        let mut words = Self::default();
        fill(&mut words);
        words.finish().0 as u64
    }

    /// Adds one word.
    #[inline]
    pub fn put(&mut self, word: u64) -> &mut Self {
        if self.len >= Self::CAPACITY {
            self.make_room();
        }
        self.words[self.len] = word.to_le_bytes();
        self.len += 1;
        self
    }

    #[cold]
    fn make_room(&mut self) {
        *self = Self::starting_with(self.finish());
    }

    /// Adds a text of any length.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.put(xxh3_64(text.as_bytes()))
    }

    /// Adds a name, by its text.
    #[inline]
    pub fn name(&mut self, name: Name) -> &mut Self {
        self.put(name.hash64())
    }

    /// Adds the hash input of a value, which must be the same in every process: names are, memory addresses
    /// are not.
    pub fn hash(&mut self, value: &(impl Hash + ?Sized)) {
        value.hash(&mut Folding(self));
    }

    pub(crate) fn finish(&self) -> Digest {
        Digest(xxh3_128(self.words[..self.len].as_flattened()))
    }
}

/// Lets `#[derive(Hash)]` write into a digest.
struct Folding<'a>(&'a mut Words);

impl Hasher for Folding<'_> {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0.put(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.0.put(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.0.put(word.into());
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0.put(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.0.put(word as u64);
    }

    #[inline]
    fn write_isize(&mut self, word: isize) {
        self.0.put(word as u64);
    }

    fn finish(&self) -> u64 {
        unreachable!("the digest is read from the words")
    }
}
