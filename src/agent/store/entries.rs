//! The entries of an item: a persistent list that shares its data with the lists it grew from.
//!
//! Every agent reads a document again after each added part. To copy a document of a thousand parts each time
//! would dominate the cost of a run.

use super::ItemEntry;
use perfidy_sim::{Lookup, Name};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// The entries of an item, in their order.
///
/// ```
/// use perfidy::agent::{Entries, ItemEntry, Message};
/// use perfidy_sim::Name;
/// use serde::{Deserialize, Serialize};
/// #[derive(Hash, Serialize, Deserialize)]
/// struct Part;
/// impl Message for Part {
///     fn kind(&self) -> &'static str {
///         "part"
///     }
/// }
/// let [a, b, c] = ["a", "b", "c"].map(Name::new);
/// let one = Entries::default().and(ItemEntry::new(a, Part));
/// let (two, other) = (one.and(ItemEntry::new(b, Part)), one.and(ItemEntry::new(c, Part)));
/// assert!(two.has(b) && !other.has(b) && !one.has(b) && other.has(a));
/// assert_eq!(two.since(&one).len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct Entries {
    log: Arc<RwLock<Log>>,
    /// How much of the log belongs to this list.
    len: usize,
}

/// Up to this number of entries, names are searched linearly.
const FEW: usize = 8;

/// The longest list so far; the others are prefixes of it.
#[derive(Default)]
struct Log {
    entries: Vec<ItemEntry>,
    /// The index of the first entry of each name, once there are more than a few.
    places: Lookup<Name, usize>,
}

impl Log {
    fn push(&mut self, entry: ItemEntry) {
        self.entries.push(entry);
        if self.entries.len() > FEW {
            let Self { entries, places } = self;
            for (place, entry) in
                entries.iter().enumerate().skip(if places.is_empty() { 0 } else { entries.len() - 1 })
            {
                places.get_or_insert_with(entry.id, || place);
            }
        }
    }

    /// The index of the first entry of that name.
    fn place(&self, id: Name) -> Option<usize> {
        if self.entries.len() > FEW {
            self.places.get(id).copied()
        } else {
            self.entries.iter().position(|entry| entry.id == id)
        }
    }
}

impl Entries {
    fn log(&self) -> RwLockReadGuard<'_, Log> {
        self.log.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// These entries with one more.
    #[must_use]
    pub fn and(&self, entry: ItemEntry) -> Self {
        let is_longest = self.log().entries.len() == self.len;
        let log = if is_longest { Arc::clone(&self.log) } else { Self::from_iter(self.all()).log };
        log.write().unwrap_or_else(PoisonError::into_inner).push(entry);
        Self { log, len: self.len + 1 }
    }

    /// Whether there is an entry of that name.
    pub fn has(&self, id: Name) -> bool {
        self.log().place(id).is_some_and(|place| place < self.len)
    }

    /// The first entry.
    pub fn first(&self) -> Option<ItemEntry> {
        self.log().entries[..self.len].first().cloned()
    }

    /// All entries.
    pub fn all(&self) -> Vec<ItemEntry> {
        self.log().entries[..self.len].to_vec()
    }

    /// The entries that `earlier` does not have, by name.
    pub fn since(&self, earlier: &Self) -> Vec<ItemEntry> {
        let known = if Arc::ptr_eq(&self.log, &earlier.log) { earlier.len.min(self.len) } else { 0 };
        let log = self.log();
        log.entries[known..self.len].iter().filter(|entry| !earlier.has(entry.id)).cloned().collect()
    }

    /// The entries after `beginning`, if this list grew from it.
    pub fn behind(&self, beginning: &Self) -> Option<Vec<ItemEntry>> {
        let grew = Arc::ptr_eq(&self.log, &beginning.log) && beginning.len <= self.len;
        grew.then(|| self.log().entries[beginning.len..self.len].to_vec())
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl FromIterator<ItemEntry> for Entries {
    fn from_iter<I: IntoIterator<Item = ItemEntry>>(entries: I) -> Self {
        let mut log = Log::default();
        entries.into_iter().for_each(|entry| log.push(entry));
        let len = log.entries.len();
        Self { log: Arc::new(RwLock::new(log)), len }
    }
}

impl<const N: usize> From<[ItemEntry; N]> for Entries {
    fn from(entries: [ItemEntry; N]) -> Self {
        Self::from_iter(entries)
    }
}

impl Hash for Entries {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len);
        self.log().entries[..self.len].iter().for_each(|entry| entry.hash(state));
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all())
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<ItemEntry>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}
