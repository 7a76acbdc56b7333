//! Interned names: the vocabulary of a simulation.
//!
//! Nodes, message kinds, logical ids and sites are words that come up again and again in every run. Each is
//! stored once for the life of the process, so a [`Name`] is a pointer: free to copy, compared in one
//! instruction, hashed in none. The hash comes from the text, never from the order of interning, so a name
//! means the same in every process.
//!
//! Interned text is never freed. Intern the vocabulary of a world (which repeats from run to run), not text
//! that is new in every run.
//!
//! ```
//! use perfidy_sim::Name;
//! let a = Name::new("executor-1");
//! assert_eq!(a, Name::new("executor-1"));
//! assert_eq!(a.as_str(), "executor-1");
//! ```

use hashbrown::{HashMap, HashTable};
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{PoisonError, RwLock};
use std::thread::LocalKey;
use xxhash_rust::xxh3::xxh3_64;

struct Entry {
    text: Box<str>,
    hash: u64,
}

static TABLE: RwLock<HashTable<&'static Entry>> = RwLock::new(HashTable::new());

/// An interned string. Ordered by its text, hashed by its text, equal by identity.
#[derive(Clone, Copy)]
pub struct Name(&'static Entry);

impl Name {
    /// Interns `text`; the same text always gives the same name.
    pub fn new(text: &str) -> Self {
        let hash = xxh3_64(text.as_bytes());
        let same = |entry: &&'static Entry| entry.hash == hash && *entry.text == *text;
        if let Some(entry) = TABLE.read().unwrap_or_else(PoisonError::into_inner).find(hash, same) {
            return Self(entry);
        }
        let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
        let slot = table
            .entry(hash, same, |entry| entry.hash)
            .or_insert_with(|| Box::leak(Box::new(Entry { text: text.into(), hash })));
        Self(slot.get())
    }

    /// The name of a text that stands in the program: found by its address from the second call on.
    pub fn literal(text: &'static str) -> Self {
        let key = (text.as_ptr() as usize, text.len());
        remembered(&LITERALS, key, || Self::new(text))
    }

    /// The name made of two names and something between them: put together once on each thread.
    ///
    /// ```
    /// use perfidy_sim::Name;
    /// let intent = Name::joined(Name::new("task-1"), "/", Name::new("file"));
    /// assert_eq!(intent, Name::new("task-1/file"));
    /// ```
    pub fn joined(left: Self, between: &'static str, right: Self) -> Self {
        let key = (left, (between.as_ptr() as usize, between.len()), right);
        remembered(&JOINED, key, || Self::new(&format!("{left}{between}{right}")))
    }

    /// The text, for as long as the process lives.
    pub fn as_str(self) -> &'static str {
        &self.0.text
    }

    /// A 64-bit hash of the text, the same in every process.
    pub fn hash64(self) -> u64 {
        self.0.hash
    }
}

/// The place of a text in memory, and its length.
type Place = (usize, usize);
type Memory<K> = RefCell<HashMap<K, Name, FxBuildHasher>>;

thread_local! {
    static LITERALS: Memory<Place> = const { RefCell::new(HashMap::with_hasher(FxBuildHasher)) };
    static JOINED: Memory<(Name, Place, Name)> = const { RefCell::new(HashMap::with_hasher(FxBuildHasher)) };
}

/// What was found for `key` before, or else what `find` finds.
fn remembered<K: Hash + Eq>(
    memory: &'static LocalKey<Memory<K>>,
    key: K,
    find: impl FnOnce() -> Name,
) -> Name {
    memory.with_borrow_mut(|memory| *memory.entry(key).or_insert_with(find))
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
}
