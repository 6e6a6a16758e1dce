//! Listings of the processes of a shard, some of them in each turn ([`Walk`]).

use super::measure::Measure;
use super::{Shard, Walk};
use crate::message::{OnList, OnSample};
use crate::process::Seen;

/// A listing under way, and how far it has come.
pub(super) struct Listing {
    list: OnList,
    measure: Measure,
    walk: Walk,
}

impl Shard {
    /// Shows the processes at the first places of the slab, at once: they are few.
    pub(super) fn sample(&mut self, max: u32, sample: OnSample) {
        let view = self.gate.view();
        let places = 0..max.min(self.slab.places() as u32);
        let processes = places.filter_map(|place| self.slab.peek(place));
        let seen = processes.map(|process| Seen::new(process, view));
        sample(seen.map(|seen| (seen.pid(), seen.module())).collect());
    }

    /// Shows more processes to the first listing.
    pub(super) fn list_some(&mut self) {
        let Some(mut listing) = self.listings.pop_front() else {
            return;
        };
        let (list, measure) = (&mut listing.list, listing.measure);
        listing.walk = listing
            .walk
            .go_on(self, measure.listed_max(), |shard, place| {
                let measured = shard.measure(place, measure);
                let process = shard.slab.peek(place);
                let seen = process.map(|process| Seen::new(process, shard.gate.view()));
                let is_seen = seen.is_some();
                seen.into_iter()
                    .for_each(|seen| list(Some(seen.with(measured))));
                is_seen
            });
        match listing.walk.is_over(self) {
            true => (listing.list)(None),
            false => self.listings.push_front(listing),
        }
    }

    pub(super) fn begin_listing(&mut self, list: OnList, measure: Measure) {
        if measure == Measure::Callbacks {
            self.counting.want(self.core.now_ms);
        }
        let walk = Walk::default();
        self.listings.push_back(Listing {
            list,
            measure,
            walk,
        });
    }
}
