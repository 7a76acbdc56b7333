//! Interned names: the vocabulary of a simulation.
//!
//! Nodes, message kinds, logical ids and sites are words that repeat in every run. Each is stored once for
//! the lifetime of the process, so a [`Name`] is a pointer: free to copy, compared in one instruction, with a
//! stored hash. The hash comes from the text, never from the order of interning, so it is the same in every
//! process.
//!
//! Interned text is never freed, because a name may be part of a history, a plan or a saved failure. So a
//! process has a bound, [`Name::MOST`]; a short name takes less than 64 bytes. Names that repeat from run to
//! run, such as a counter that starts anew in each, cost nothing after the first run. Text that is new in
//! every run, such as a drawn id, belongs in the content of a message.
//!
//! ```
//! use perfidy_sim::Name;
//! let a = Name::new("executor-1");
//! assert_eq!(a, Name::new("executor-1"));
//! assert_eq!(a.as_str(), "executor-1");
//! ```

use hashbrown::HashTable;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{PoisonError, RwLock};
use xxhash_rust::xxh3::xxh3_64;

#[derive(Clone, Copy)]
struct Entry {
    text: &'static str,
    hash: u64,
}

static TABLE: RwLock<Table> = RwLock::new(Table::new(Name::MOST));

/// All names of the process. Entries and their text are allocated in large blocks: with single allocations a
/// short name would take twice as much memory.
struct Table {
    by_text: HashTable<&'static Entry>,
    most: usize,
    /// The unused part of the last block of entries, and of text.
    entries: &'static mut [Entry],
    text: &'static mut [u8],
}

/// Entries, and bytes of text, in a block.
const ENTRIES_IN_A_BLOCK: usize = 1 << 9;
const TEXT_IN_A_BLOCK: usize = 1 << 14;

impl Table {
    const fn new(most: usize) -> Self {
        Self { by_text: HashTable::new(), most, entries: &mut [], text: &mut [] }
    }

    fn find(&self, text: &str, hash: u64) -> Option<&'static Entry> {
        self.by_text.find(hash, |entry| entry.hash == hash && entry.text == text).copied()
    }

    /// The entry of a text, made if there is none.
    fn intern(&mut self, text: &str, hash: u64) -> Result<&'static Entry, TooManyNames> {
        // Another thread may have interned it meanwhile.
        if let Some(known) = self.find(text, hash) {
            return Ok(known);
        }
        if self.by_text.len() >= self.most {
            return Err(TooManyNames);
        }
        let entry = Entry { text: self.keep_text(text), hash };
        let entry = self.keep_entry(entry);
        self.by_text.insert_unique(hash, entry, |entry| entry.hash);
        Ok(entry)
    }

    fn keep_text(&mut self, text: &str) -> &'static str {
        if text.len() > self.text.len() {
            self.text = vec![0; TEXT_IN_A_BLOCK.max(text.len())].leak();
        }
        let (kept, rest) = std::mem::take(&mut self.text).split_at_mut(text.len());
        self.text = rest;
        kept.copy_from_slice(text.as_bytes());
        std::str::from_utf8(kept).expect("it is a copy of a text")
    }

    fn keep_entry(&mut self, entry: Entry) -> &'static Entry {
        if self.entries.is_empty() {
            self.entries = vec![Entry { text: "", hash: 0 }; ENTRIES_IN_A_BLOCK].leak();
        }
        let (kept, rest) = std::mem::take(&mut self.entries).split_first_mut().expect("there is room");
        self.entries = rest;
        *kept = entry;
        kept
    }
}

/// The limit on names is reached.
#[derive(Debug)]
struct TooManyNames;

/// An interned string. Ordered by its text, hashed by its text, equal by identity.
#[derive(Clone, Copy)]
pub struct Name(&'static Entry);

impl Name {
    /// How many different names a process can have.
    pub const MOST: usize = 1 << 24;

    /// Interns `text`; the same text always gives the same name.
    ///
    /// # Panics
    /// If it is new and there are [`Name::MOST`] names already.
    pub fn new(text: &str) -> Self {
        let hash = xxh3_64(text.as_bytes());
        let known = TABLE.read().unwrap_or_else(PoisonError::into_inner).find(text, hash);
        let interned = || {
            TABLE.write().unwrap_or_else(PoisonError::into_inner).intern(text, hash).unwrap_or_else(|_| {
                panic!(
                    "`{text}` would be one name too many: a process keeps every name, at most {}; put what is new in \
                     every run into the content of a message",
                    Self::MOST
                )
            })
        };
        Self(known.unwrap_or_else(interned))
    }

    /// The name of a string literal: found by its address from the second call on.
    pub fn literal(text: &'static str) -> Self {
        let place = Place::of(text);
        LITERALS.with(|cache| cache.get(place.spread(), place, || Self::new(text)))
    }

    /// The name made of two names and a text between them. Each thread caches the most frequent ones.
    ///
    /// ```
    /// use perfidy_sim::Name;
    /// let intent = Name::joined(Name::new("task-1"), "/", Name::new("file"));
    /// assert_eq!(intent, Name::new("task-1/file"));
    /// ```
    pub fn joined(left: Self, between: &'static str, right: Self) -> Self {
        let slot = left.0.hash ^ right.0.hash.rotate_left(17);
        let key = (left, Place::of(between), right);
        JOINED.with(|cache| cache.get(slot as usize, key, || Self::new(&format!("{left}{between}{right}"))))
    }

    /// The text, for as long as the process lives.
    pub fn as_str(self) -> &'static str {
        self.0.text
    }

    /// A 64-bit hash of the text, the same in every process.
    pub fn hash64(self) -> u64 {
        self.0.hash
    }
}

/// The place of a text in memory, and its length.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place(usize, usize);

impl Place {
    fn of(text: &'static str) -> Self {
        Self(text.as_ptr() as usize, text.len())
    }

    /// A hash that differs between neighbours (Fibonacci hashing).
    fn spread(self) -> usize {
        ((self.0 + self.1) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as usize >> 20
    }
}

/// A cache of names by their parts: one entry per slot, the latest one. So it never grows.
struct Cache<K, const SLOTS: usize>([Cell<Option<(K, Name)>>; SLOTS]);

impl<K: Copy + Eq, const SLOTS: usize> Cache<K, SLOTS> {
    const fn new() -> Self {
        Self([const { Cell::new(None) }; SLOTS])
    }

    /// The name for `key`; made if the slot has another key.
    #[inline]
    fn get(&self, slot: usize, key: K, make: impl FnOnce() -> Name) -> Name {
        let slot = &self.0[slot % SLOTS];
        match slot.get() {
            Some((known, name)) if known == key => name,
            _ => {
                let name = make();
                slot.set(Some((key, name)));
                name
            }
        }
    }
}

thread_local! {
    static LITERALS: Cache<Place, 512> = const { Cache::new() };
    static JOINED: Cache<(Name, Place, Name), 2048> = const { Cache::new() };
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.as_str().cmp(other.as_str()) }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_was_made() {
        let [a, b] = ["made-a", "made-b"].map(Name::literal);
        for _ in 0..2 {
            assert_eq!(Name::literal("made-a"), Name::new("made-a"));
            assert_eq!(Name::joined(a, " > ", b), Name::new("made-a > made-b"));
            assert_ne!(Name::joined(a, ", ", b), Name::joined(b, ", ", a));
        }
        let text = "made-a, made-b";
        assert_ne!(Name::literal(text), Name::literal(&text[..6]), "one place, two lengths");
    }

    #[test]
    fn names_sort_by_text_whatever_the_order_of_interning() {
        let (b, a) = (Name::new("sort-b"), Name::new("sort-a"));
        assert!(a < b);
        assert_ne!(a, b);
        assert_ne!(a.hash64(), b.hash64());
    }

    #[test]
    fn a_table_keeps_short_and_long_texts_apart_and_refuses_one_name_too_many() {
        let mut table = Table::new(3);
        let long = "long".repeat(TEXT_IN_A_BLOCK);
        let texts = ["", "short", &long];
        for text in texts.into_iter().chain(texts) {
            let entry = table.intern(text, xxh3_64(text.as_bytes())).unwrap();
            assert_eq!((entry.text, entry.hash), (text, xxh3_64(text.as_bytes())));
        }
        assert!(table.intern("one more", 1).is_err());
        assert!(table.intern("short", xxh3_64(b"short")).is_ok(), "it is there already");
    }
}
