//! The draws of a world, in which some nodes and steps may have previous names.

use crate::plan::Renames;
use crate::{DrawSite, Draws, Name, Seed};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::cell::RefCell;
use std::sync::Arc;

pub(super) struct WorldDraws {
    draws: Draws,
    formerly: Option<Box<Formerly>>,
}

impl WorldDraws {
    pub fn new(seed: Seed, formerly: Option<Arc<Renames>>) -> Self {
        let formerly = formerly.map(|renames| Box::new(Formerly { renames, known: RefCell::default() }));
        Self { draws: Draws::new(seed), formerly }
    }

    /// The draw site (site, id, nth).
    #[inline]
    pub fn spot(&self, site: Name, id: Name, nth: u32) -> DrawSite<'_> {
        match &self.formerly {
            None => self.draws.spot(site, id, nth),
            Some(formerly) => {
                let (site, id) = formerly.place(site, id);
                self.draws.spot(site, id, nth)
            }
        }
    }
}

type SiteAndId = (Name, Name);

/// The previous names of places. Each is computed once per run.
struct Formerly {
    renames: Arc<Renames>,
    known: RefCell<HashMap<SiteAndId, SiteAndId, FxBuildHasher>>,
}

impl Formerly {
    fn place(&self, site: Name, id: Name) -> SiteAndId {
        let was = || (self.renames.site(site), self.renames.id(id));
        *self.known.borrow_mut().entry((site, id)).or_insert_with(was)
    }
}
