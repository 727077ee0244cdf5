//! Where an idle UE listens for paging. Spec: TS 38.304 §7.1

use super::occasion_symbols;
use crate::config::{CellConfig, SearchSpaceConfig};
use nr::SlotPoint;

/// PCCH-Config with pagingSearchSpace. Spec: TS 38.331 DownlinkConfigCommonSIB
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PagingConfig {
    /// pagingSearchSpace.
    pub search_space: u8,
    /// defaultPagingCycle T, radio frames: 32, 64, 128, 256.
    pub cycle_frames: u16,
    /// N, paging frames in a cycle: T, T/2, T/4, T/8, T/16.
    pub frames: u16,
    /// PF_offset, 0..T/N.
    pub frame_offset: u16,
    /// Ns, paging occasions of a frame: 1, 2, 4.
    pub occasions: u8,
    /// firstPDCCH-MonitoringOccasionOfPO.
    pub first: Option<[u16; 4]>,
}

impl PagingConfig {
    /// Whether `slot` has a PDCCH monitoring occasion in the paging occasion of the UE whose 5G-S-TMSI mod 1024 is `ue_id`.
    ///
    /// A UE with a cycle of its own, in frames, listens in the shorter of both. Spec: TS 38.304 §7.1
    pub fn is_occasion(&self, cell: &CellConfig, ue_id: u16, own_cycle: Option<u16>, slot: SlotPoint) -> bool {
        let t = u32::from(own_cycle.map_or(self.cycle_frames, |own| own.min(self.cycle_frames)).max(1));
        let share = u32::from((self.cycle_frames / self.frames.max(1)).max(1));
        let n = (t / share).max(1);
        let (ns, ue_id) = (u32::from(self.occasions.max(1)), u32::from(ue_id));
        if (slot.sfn() + u32::from(self.frame_offset)) % t != share * (ue_id % n) {
            return false;
        }
        let i_s = ue_id / n % ns;
        let Some(space) = cell.search_spaces.iter().find(|s| s.id == self.search_space) else { return false };
        if self.search_space == 0 {
            // The occasions are those of system information: in the frame, or in one of its halves.
            let half = slot.slot() * 2 / slot.numerology().slots_per_frame();
            return space.is_monitored(slot) && (ns == 1 || half == i_s);
        }
        let blocks = cell.ssb.positions_in_burst.count_ones().max(1);
        let first = match &self.first {
            Some(first) => u32::from(first[i_s as usize & 3]),
            None => i_s * blocks,
        };
        let frame = slot.plus(-i64::from(slot.slot()));
        let before: u32 = (0..i64::from(slot.slot())).map(|s| occasions(cell, space, frame.plus(s))).sum();
        let here = occasions(cell, space, slot);
        before < first + blocks && before + here > first
    }
}

/// Monitoring occasions of a slot that overlap no uplink symbol.
fn occasions(cell: &CellConfig, space: &SearchSpaceConfig, slot: SlotPoint) -> u32 {
    let duration = cell.coresets.iter().find(|c| c.id == space.coreset_id).map_or(1, |c| c.duration);
    let clear = |l: &u8| cell.duplex.is_downlink(slot, *l, duration);
    if space.is_monitored(slot) { occasion_symbols(space).filter(clear).count() as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::MibView;
    use nr::{Numerology, Pci};

    /// A cell whose search space 1 is monitored in each slot at symbol 0.
    fn cell() -> CellConfig {
        let mib = MibView {
            pci: Pci::new(1).unwrap(),
            scs_common: Numerology::KHZ30,
            k_ssb: 0,
            coreset_zero: 1,
            search_space_zero: 0,
            type_a_position: 2,
            ssb_numerology: Numerology::KHZ30,
            ssb_case: crate::config::SsbCase::C,
            l_max: 8,
            ssb_index: 0,
            ssb_hz: 3_500e6,
            min_bandwidth_40mhz: false,
            fr2: false,
        };
        let (mut cell, _) = super::super::cell_from_mib(&mib).unwrap();
        let zero = cell.search_spaces[0];
        cell.search_spaces.push(SearchSpaceConfig {
            id: 1,
            period_slots: 1,
            offset_slots: 0,
            duration_slots: 1,
            symbols: 1,
            ..zero
        });
        cell.ssb.positions_in_burst = 1;
        cell
    }

    fn heard(p: &PagingConfig, cell: &CellConfig, ue_id: u16) -> Vec<(u32, u32)> {
        let slots = (0..64 * 20).map(|i| SlotPoint::new(Numerology::KHZ30, 0, 0).plus(i));
        slots.filter(|s| p.is_occasion(cell, ue_id, None, *s)).map(|s| (s.sfn(), s.slot())).collect()
    }

    #[test] // Spec: TS 38.304 §7.1, by hand
    fn paging_frames_and_occasions_by_hand() {
        let p =
            PagingConfig { search_space: 1, cycle_frames: 32, frames: 16, frame_offset: 1, occasions: 1, first: None };
        // (SFN + 1) mod 32 = 2 * (5 mod 16).
        assert_eq!(heard(&p, &cell(), 5), [(9, 0), (41, 0)]);
        assert_eq!(heard(&p, &cell(), 5 + 16), [(9, 0), (41, 0)]);
        // N = T, Ns = 2: 37 = 32 + 5, so i_s is 1.
        let two = PagingConfig { frames: 32, frame_offset: 0, occasions: 2, ..p };
        assert_eq!(heard(&two, &cell(), 5), [(5, 0), (37, 0)]);
        assert_eq!(heard(&two, &cell(), 37), [(5, 1), (37, 1)]);
        // The same with a first occasion of its own, and with two blocks in a burst.
        let first = PagingConfig { first: Some([0, 10, 0, 0]), ..two };
        assert_eq!(heard(&first, &cell(), 37), [(5, 10), (37, 10)]);
        let mut blocks = cell();
        blocks.ssb.positions_in_burst = 0b11;
        assert_eq!(heard(&two, &blocks, 37), [(5, 2), (5, 3), (37, 2), (37, 3)]);
    }

    #[test] // Spec: TS 38.304 §7.1 (the shorter of the cell's and the UE's own cycle)
    fn a_cycle_of_its_own_is_taken_if_it_is_shorter() {
        let p =
            PagingConfig { search_space: 1, cycle_frames: 64, frames: 64, frame_offset: 0, occasions: 1, first: None };
        let count = |own| {
            let slots = (0..64 * 20).map(|i| SlotPoint::new(Numerology::KHZ30, 0, 0).plus(i));
            slots.filter(|s| p.is_occasion(&cell(), 3, own, *s)).count()
        };
        assert_eq!((count(None), count(Some(32)), count(Some(256))), (1, 2, 1));
    }
}
