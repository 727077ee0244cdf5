//! PDCCH candidates without collisions, element group by element group. Spec: TS 38.213 §10.1, TS 38.211 §7.3.2.2

use crate::rbs::RbSet;
use fapi::resolve::{AGGREGATION_LEVELS, candidates, cce_regs, occasion_symbols};
use fapi::{CoresetConfig, SearchSpaceConfig};
use nr::{Rnti, SlotPoint};

/// Element groups in use in a slot, by symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ControlRegion {
    used: [RbSet; 14],
}

/// A candidate that was found free, and is now taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// First symbol of the occasion.
    pub start_symbol: u8,
    /// First CCE.
    pub cce: u16,
    /// Aggregation level.
    pub level: u8,
}

impl ControlRegion {
    /// Nothing is used.
    pub fn new() -> Self {
        ControlRegion { used: [RbSet::EMPTY; 14] }
    }
    /// Looks for a free candidate, first at the level `idx` of [`AGGREGATION_LEVELS`], then one and two above it, and takes it.
    pub fn take(
        &mut self,
        space: &SearchSpaceConfig,
        coreset: &CoresetConfig,
        rnti: Rnti,
        slot: SlotPoint,
        idx: usize,
    ) -> Option<Candidate> {
        if !space.is_monitored(slot) {
            return None;
        }
        let start_symbol = occasion_symbols(space).next()?;
        for level_idx in idx..5.min(idx + 3) {
            let level = AGGREGATION_LEVELS[level_idx];
            for cce in candidates(space, coreset, rnti, slot, level_idx) {
                let regs = || cce_regs(coreset, cce, level);
                let free =
                    |(rb, l): (u16, u8)| self.used.get((start_symbol + l) as usize).is_some_and(|s| !s.contains(rb));
                if regs().all(free) {
                    regs().for_each(|(rb, l)| self.used[(start_symbol + l) as usize].insert(rb, 1));
                    return Some(Candidate { start_symbol, cce, level });
                }
            }
        }
        None
    }
    /// Gives a candidate back: the decision that wanted it came to nothing.
    pub fn give_back(&mut self, before: &ControlRegion) {
        *self = *before;
    }
}

impl Default for ControlRegion {
    fn default() -> Self {
        Self::new()
    }
}

/// The level (as an index) that an SNR calls for.
pub fn level_for(snr_db: f32) -> usize {
    match snr_db {
        s if s >= 20.0 => 0,
        s if s >= 13.0 => 1,
        s if s >= 6.0 => 2,
        _ => 3,
    }
}
