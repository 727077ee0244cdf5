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
    /// Looks for a free candidate and takes it: first at the level `idx` of [`AGGREGATION_LEVELS`], then above it, then below.
    ///
    /// Below goes down to the first level at which the search space has a candidate at all, and to the first below the wanted one:
    /// a UE whose search space lacks its level gets what there is, and one whose candidates are blocked seldom waits, but no PDCCH
    /// goes out weaker than that.
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
        let has = |i: &usize| candidates(space, coreset, rnti, slot, *i).next().is_some();
        let below = (0..idx.min(5)).rev().find(has);
        for level_idx in (idx..5).chain(below) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use fapi::{CceRegMapping, SearchSpaceKind};
    use nr::Numerology;

    #[test] // Spec: TS 38.213 §10.1 (candidates that others block)
    fn a_blocked_candidate_gives_way_to_another_then_to_another_level() {
        let coreset = CoresetConfig {
            id: 1,
            // 48 RBs in two symbols: 16 CCEs.
            rb_groups: 0xff,
            start_rb: 0,
            duration: 2,
            mapping: CceRegMapping::NonInterleaved,
            wideband_precoder: false,
            dmrs_n_id: 1,
            dmrs_reference_rb: 0,
        };
        let space = SearchSpaceConfig {
            id: 2,
            coreset_id: 1,
            period_slots: 1,
            offset_slots: 0,
            duration_slots: 1,
            symbols: 1,
            n_candidates: [0, 2, 2, 1, 0],
            kind: SearchSpaceKind::Ue,
        };
        let slot = SlotPoint::new(Numerology::KHZ30, 3, 4);
        let mut control = ControlRegion::new();
        let mut levels = Vec::new();
        let mut cces = RbSet::EMPTY;
        for rnti in 1..40 {
            if let Some(c) = control.take(&space, &coreset, Rnti(0x4600 + rnti), slot, 2) {
                assert_eq!(cces.count(c.cce, c.level.into()), 0, "{c:?} overlaps");
                cces.insert(c.cce, c.level.into());
                levels.push(c.level);
            }
        }
        assert_eq!((levels[0], levels.iter().filter(|l| **l == 1).count()), (4, 0), "{levels:?}");
        assert!(levels.contains(&2), "the last CCEs go out at the level below: {levels:?}");
        assert!(cces.count(0, 16) >= 14, "{levels:?}");
        // The wanted level is there, and above it there is room.
        let mut control = ControlRegion::new();
        let first = control.take(&space, &coreset, Rnti(1), slot, 2).unwrap();
        let second = control.take(&space, &coreset, Rnti(1), slot, 2).unwrap();
        assert!(first.level == 4 && second.level == 4 && first.cce != second.cce);
    }
}
