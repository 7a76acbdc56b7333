//! The draws of a world, in which some nodes and steps may have previous names.

use crate::plan::Renames;
use crate::{DrawSite, Draws, Name, Seed};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::cell::RefCell;
use std::sync::Arc;

pub(super) struct WorldDraws {
    draws: Draws,
    previous_names: Option<Box<PreviousNames>>,
}

impl WorldDraws {
    pub fn new(seed: Seed, previous_names: Option<Arc<Renames>>) -> Self {
        let previous_names =
            previous_names.map(|renames| Box::new(PreviousNames { renames, known: RefCell::default() }));
        Self { draws: Draws::new(seed), previous_names }
    }

    /// The draw site (site, id, nth).
    #[inline]
    pub fn draw_site(&self, site: Name, id: Name, nth: u32) -> DrawSite<'_> {
        match &self.previous_names {
            None => self.draws.draw_site(site, id, nth),
            Some(previous_names) => {
                let (site, id) = previous_names.place(site, id);
                self.draws.draw_site(site, id, nth)
            }
        }
    }
}

type SiteAndId = (Name, Name);

/// The previous names of places. Each is computed once per run.
struct PreviousNames {
    renames: Arc<Renames>,
    known: RefCell<HashMap<SiteAndId, SiteAndId, FxBuildHasher>>,
}

impl PreviousNames {
    fn place(&self, site: Name, id: Name) -> SiteAndId {
        let was = || (self.renames.site(site), self.renames.id(id));
        *self.known.borrow_mut().entry((site, id)).or_insert_with(was)
    }
}
