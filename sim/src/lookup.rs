//! Hash tables without iteration.
//!
//! A [`Lookup`] has no observable order, so no run can depend on the order of its entries.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::fmt;
use std::hash::Hash;

/// A map with lookup by key and without iteration.
///
/// ```
/// use perfidy_sim::{Lookup, Name};
/// let mut ages = Lookup::default();
/// ages.insert(Name::new("ann"), 41);
/// *ages.get_or_insert_with(Name::new("ann"), || 0) += 1;
/// assert_eq!(ages.remove(Name::new("ann")), Some(42));
/// assert!(!ages.contains(Name::new("ann")));
/// ```
#[derive(Clone)]
pub struct Lookup<K, V>(HashMap<K, V, FxBuildHasher>);

impl<K, V> Default for Lookup<K, V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Copy + Hash + Eq, V> Lookup<K, V> {
    /// The value under a key.
    pub fn get(&self, key: K) -> Option<&V> {
        self.0.get(&key)
    }

    /// The value under a key, mutable.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.0.get_mut(&key)
    }

    /// The value under a key; if there is none, inserts the result of `make`.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.0.entry(key).or_insert_with(make)
    }

    /// Whether there is a value under a key.
    pub fn contains(&self, key: K) -> bool {
        self.0.contains_key(&key)
    }

    /// Inserts a value and returns the previous one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// Removes a value.
    pub fn remove(&mut self, key: K) -> Option<V> {
        self.0.remove(&key)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<K, V> fmt::Debug for Lookup<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} things", self.0.len())
    }
}
