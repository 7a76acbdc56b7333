//! Things found by name, in the same time however many there are.
//!
//! A [`Lookup`] is a hash table that cannot be walked: where the order of things could matter, there is none
//! to be seen.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::fmt;
use std::hash::Hash;

/// Things by key, which can be looked up and not listed.
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
    /// What is known under a key.
    pub fn get(&self, key: K) -> Option<&V> {
        self.0.get(&key)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.0.get_mut(&key)
    }

    /// What is known under a key, or else what `make` makes, which is known from now on.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.0.entry(key).or_insert_with(make)
    }

    /// Whether anything is known under a key.
    pub fn contains(&self, key: K) -> bool {
        self.0.contains_key(&key)
    }

    /// Puts something in, and gives back what was there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// Takes something out.
    pub fn remove(&mut self, key: K) -> Option<V> {
        self.0.remove(&key)
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<K, V> fmt::Debug for Lookup<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} things", self.0.len())
    }
}
