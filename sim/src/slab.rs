//! A slab: storage by index, for values that are taken out once.

use crate::pool;

/// Values by index; an index is reused once its value has been taken.
pub(crate) struct Slab<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { things: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Stores a value and returns its index.
    pub fn put(&mut self, thing: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.things[slot as usize] = Some(thing);
            slot
        } else {
            self.things.push(Some(thing));
            self.things.len() as u32 - 1
        }
    }

    /// A reference to a value.
    ///
    /// # Panics
    /// If it has been taken.
    pub fn get(&self, slot: u32) -> &T {
        self.things[slot as usize].as_ref().expect("a thing is there until it is taken")
    }

    /// Takes a value out.
    ///
    /// # Panics
    /// If it has been taken already.
    pub fn take(&mut self, slot: u32) -> T {
        let thing = self.things[slot as usize].take().expect("a thing is taken out once");
        self.free.push(slot);
        thing
    }

    /// Drops all values.
    pub fn clear(&mut self) {
        self.things.clear();
        self.things.shrink_to(pool::MOST);
        self.free.clear();
        self.free.shrink_to(pool::MOST);
    }
}
