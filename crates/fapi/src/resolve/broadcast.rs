//! SS/PBCH occasions, and what the MIB says of CORESET 0 and search space 0. Spec: TS 38.213 §4.1, §13

use super::pdcch::TYPE0_CANDIDATES;
use super::{ResolveError, invalid};
use crate::config::*;
use crate::pdu::ReservedRbs;
use nr::tables::coreset0;
use nr::{Numerology, Pci, SlotPoint};

/// First symbol of candidate SS/PBCH block `i`, counted from the half frame's start in the block's numerology.
///
/// Spec: TS 38.213 §4.1
pub fn ssb_first_symbol(case: SsbCase, i: u8) -> Option<u16> {
    let i = i as u16;
    let (n, k) = (i / 4, i % 4);
    // Cases D and E skip every fifth group of slots.
    let gap = |group: u16| group + group / 4;
    match case {
        SsbCase::A | SsbCase::C => (i < 8).then(|| [2, 8][(i % 2) as usize] + 14 * (i / 2)),
        SsbCase::B => (i < 8).then(|| [4, 8, 16, 20][k as usize] + 28 * n),
        SsbCase::D => (i < 64).then(|| [4, 8, 16, 20][k as usize] + 28 * gap(n)),
        SsbCase::E => (i < 64).then(|| [8, 12, 16, 20, 32, 36, 40, 44][(i % 8) as usize] + 56 * gap(i / 8)),
    }
}

/// An SS/PBCH block that is sent in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SsbOccasion {
    /// Block index.
    pub index: u8,
    /// First symbol in the slot, in the block's numerology.
    pub start_symbol: u8,
    /// Second half frame.
    pub half_frame: bool,
}

/// Blocks that are sent in `slot`, a slot of the block's own numerology; the burst lies in the first half frame of every frame
/// whose number is a multiple of the period (both half frames at 5 ms).
pub fn ssb_occasions(ssb: &SsbConfig, slot: SlotPoint) -> impl Iterator<Item = SsbOccasion> + use<> {
    let half_slots = slot.numerology().slots_per_frame() / 2;
    let half_frame = slot.slot() >= half_slots;
    let in_burst = match ssb.period_ms {
        5 => true,
        ms => !half_frame && slot.sfn().is_multiple_of((ms as u32 / 10).max(1)),
    };
    let first = (slot.slot() % half_slots) as u16 * 14;
    let (case, l_max, sent) = (ssb.case, ssb.l_max, ssb.positions_in_burst);
    (0..l_max.min(64)).filter(move |i| in_burst && sent >> i & 1 == 1).filter_map(move |index| {
        let s = ssb_first_symbol(case, index)?.checked_sub(first).filter(|s| *s < 14)?;
        Some(SsbOccasion { index, start_symbol: s as u8, half_frame })
    })
}

/// First subcarrier of the block, in its own subcarrier spacing, from the carrier's lowest subcarrier.
pub fn ssb_first_subcarrier(cell: &CellConfig) -> i32 {
    let scs = cell.ssb.numerology.scs_hz() as f64;
    libm_round((cell.ssb.frequency_hz - 120.0 * scs - cell.dl.subcarrier_hz(0)) / scs)
}

fn libm_round(x: f64) -> i32 {
    // Nearest integer without the platform's rounding mode: the operand is an integer but for float noise.
    if x >= 0.0 { (x + 0.5) as i32 } else { -((0.5 - x) as i32) }
}

/// First RB and number of RBs of the carrier that the block touches.
pub fn ssb_rbs(cell: &CellConfig) -> (u16, u16) {
    let ratio_hz = cell.dl.numerology.scs_hz() as i64 * 12;
    let low = ssb_first_subcarrier(cell) as i64 * cell.ssb.numerology.scs_hz() as i64;
    let high = low + 240 * cell.ssb.numerology.scs_hz() as i64;
    let first = low.div_euclid(ratio_hz).max(0);
    let end = (high + ratio_hz - 1).div_euclid(ratio_hz).clamp(first, cell.dl.n_rb as i64);
    (first as u16, (end - first) as u16)
}

/// What a PDSCH of symbols `start..start + n` of `slot` leaves free for SS/PBCH blocks (in its numerology; up to two blocks).
///
/// Spec: TS 38.214 §5.1.4
pub fn reserved_for_ssb(cell: &CellConfig, slot: SlotPoint, start: u8, n_symbols: u8) -> [Option<ReservedRbs>; 2] {
    let mut out = [None; 2];
    let (start_rb, n_rb) = ssb_rbs(cell);
    let window = (((1u32 << n_symbols.min(14)) - 1) << start.min(14)) as u16 & 0x3fff;
    let (mu_ssb, mu) = (cell.ssb.numerology.mu(), slot.numerology().mu());
    let mut filled = 0;
    let mut add = |symbols: u16| {
        if symbols & window != 0 && filled < 2 {
            out[filled] = Some(ReservedRbs { start_rb, n_rb, symbols: symbols & window });
            filled += 1;
        }
    };
    if mu_ssb == mu {
        ssb_occasions(&cell.ssb, slot).for_each(|o| add(0xf << o.start_symbol));
    } else if mu_ssb < mu {
        // A block's symbol lasts 2^d symbols of the carrier, and its slot 2^d slots.
        let d = mu - mu_ssb;
        let slow = SlotPoint::new(cell.ssb.numerology, slot.sfn(), slot.slot() >> d);
        let part = (slot.slot() & ((1 << d) - 1)) * 14;
        for o in ssb_occasions(&cell.ssb, slow) {
            let first = (o.start_symbol as u32) << d;
            let symbols = (0..4u32 << d).filter_map(|k| (first + k).checked_sub(part).filter(|l| *l < 14));
            add(symbols.fold(0, |m, l| m | 1 << l));
        }
    } else {
        let d = mu_ssb - mu;
        let mut all = 0u16;
        for s in 0..1u32 << d {
            let fast = SlotPoint::new(cell.ssb.numerology, slot.sfn(), (slot.slot() << d) + s);
            for o in ssb_occasions(&cell.ssb, fast) {
                all |= (0..4).fold(0, |m, k| m | 1 << ((s * 14 + o.start_symbol as u32 + k) >> d));
            }
        }
        add(all);
    }
    out
}

/// The MIB's fields that place CORESET 0, and what the search already knows. Spec: TS 38.331 MIB, TS 38.213 §13
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MibView {
    /// The cell.
    pub pci: Pci,
    /// subCarrierSpacingCommon.
    pub scs_common: Numerology,
    /// k_SSB with its bit 4 out of the PBCH payload (subcarriers of 15 kHz, in FR2 of subCarrierSpacingCommon).
    pub k_ssb: u8,
    /// controlResourceSetZero, 0..=15.
    pub coreset_zero: u8,
    /// searchSpaceZero, 0..=15.
    pub search_space_zero: u8,
    /// dmrs-TypeA-Position, 2 or 3.
    pub type_a_position: u8,
    /// The block's subcarrier spacing.
    pub ssb_numerology: Numerology,
    /// Start symbols of the band's blocks.
    pub ssb_case: SsbCase,
    /// L_max.
    pub l_max: u8,
    /// Index of the block that was read.
    pub ssb_index: u8,
    /// Centre of the block, Hz.
    pub ssb_hz: f64,
    /// The band's minimum channel bandwidth is 40 MHz (or the band is n79 or n104).
    pub min_bandwidth_40mhz: bool,
    /// Frequency range 2.
    pub fr2: bool,
}

impl MibView {
    /// What a MIB of zeros says in a cell with block 0 of case C at 3.5 GHz and 30 kHz: a beginning, for cells that nobody transmits.
    pub fn of_zeros(pci: Pci) -> MibView {
        MibView {
            pci,
            scs_common: Numerology::KHZ30,
            k_ssb: 0,
            coreset_zero: 0,
            search_space_zero: 0,
            type_a_position: 2,
            ssb_numerology: Numerology::KHZ30,
            ssb_case: SsbCase::C,
            l_max: 8,
            ssb_index: 0,
            ssb_hz: 3.5e9,
            min_bandwidth_40mhz: false,
            fr2: false,
        }
    }
}

/// CORESET 0 in frequency and time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Type0 {
    /// Row of tables 13-1 to 13-10.
    pub coreset0: coreset0::Coreset0,
    /// Lower edge of the set's first RB (centre of its subcarrier 0), Hz.
    pub low_hz: f64,
    /// Search space 0 for the block, in slots of subCarrierSpacingCommon.
    pub search_space: SearchSpaceConfig,
}

/// Where CORESET 0 and search space 0 lie.
///
/// Spec: TS 38.213 §13. Patterns 2 and 3 monitor once a period of the block, in its own slot or the one before: the period is taken as
/// two frames here, as before SIB1 is read, and search spaces are counted in slots of subCarrierSpacingCommon from frame 0 of the period.
/// Errors: a reserved index, k_SSB > 23 (11 in FR2: no CORESET 0), a searchSpaceZero other than 0 in patterns 2 and 3.
pub fn type0(m: &MibView) -> Result<Type0, ResolveError> {
    if m.k_ssb > if m.fr2 { 11 } else { 23 } {
        return Err(invalid("k_SSB", m.k_ssb as u32, "TS 38.213 §4.1 (no CORESET 0)"));
    }
    let row = coreset0::coreset0(m.ssb_numerology, m.scs_common, m.min_bandwidth_40mhz, m.coreset_zero, m.k_ssb)
        .ok_or(invalid("controlResourceSetZero", m.coreset_zero as u32, "TS 38.213 tables 13-1 to 13-10"))?;
    let occasion = match row.pattern {
        1 => coreset0::occasion_pattern1(m.scs_common, m.fr2, m.search_space_zero, m.ssb_index, row.n_symbols)
            .ok_or(invalid("searchSpaceZero", m.search_space_zero as u32, "TS 38.213 tables 13-11 and 13-12"))?,
        _ => occasion_beside_block(m)?,
    };
    let k_ssb_hz = m.k_ssb as f64 * if m.fr2 { m.scs_common.scs_hz() as f64 } else { 15_000.0 };
    let rb_hz = 12.0 * m.scs_common.scs_hz() as f64;
    let low_hz = m.ssb_hz - 120.0 * m.ssb_numerology.scs_hz() as f64 - k_ssb_hz - row.offset_rb as f64 * rb_hz;
    Ok(Type0 { coreset0: row, low_hz, search_space: search_space_zero(&occasion) })
}

/// Type0-PDCCH of patterns 2 and 3: in the slot of the block, or the slot before. Spec: TS 38.213 §13, tables 13-13 to 13-15
fn occasion_beside_block(m: &MibView) -> Result<coreset0::Type0Occasion, ResolveError> {
    let clause = "TS 38.213 tables 13-13 to 13-15";
    let bad = invalid("searchSpaceZero", m.search_space_zero as u32, clause);
    if m.search_space_zero != 0 {
        return Err(bad);
    }
    let (first_symbol, shift) =
        coreset0::occasion_pattern2_3(m.ssb_numerology, m.scs_common, m.ssb_index).ok_or(bad)?;
    let first = ssb_first_symbol(m.ssb_case, m.ssb_index).ok_or(invalid("SSB index", m.ssb_index as u32, clause))?;
    // The block's slot, in slots of the PDCCH: the same instant.
    let block_slot = u32::from(first / 14);
    let (mu_ssb, mu) = (m.ssb_numerology.mu(), m.scs_common.mu());
    let slot = if mu_ssb >= mu { block_slot >> (mu_ssb - mu) } else { block_slot << (mu - mu_ssb) };
    let period = 2 * m.scs_common.slots_per_frame();
    Ok(coreset0::Type0Occasion {
        period_slots: period as u16,
        offset_slots: (i64::from(slot) + i64::from(shift)).rem_euclid(i64::from(period)) as u16,
        duration_slots: 1,
        first_symbol,
    })
}

fn search_space_zero(o: &coreset0::Type0Occasion) -> SearchSpaceConfig {
    SearchSpaceConfig {
        id: 0,
        coreset_id: 0,
        period_slots: o.period_slots,
        offset_slots: o.offset_slots,
        duration_slots: o.duration_slots as u16,
        symbols: 1 << o.first_symbol,
        n_candidates: TYPE0_CANDIDATES,
        kind: SearchSpaceKind::Common,
    }
}

/// CORESET 0 as a control resource set whose first RB is `start_rb` from the carrier's lowest RB.
///
/// Spec: TS 38.211 §7.3.2.2 (interleaved, L = 6, R = 2, n_shift = N_ID^cell), §7.4.1.3.2
pub fn coreset0_config(row: &coreset0::Coreset0, pci: Pci, start_rb: u16) -> CoresetConfig {
    CoresetConfig {
        id: 0,
        rb_groups: (1u64 << (row.n_rb / 6)) - 1,
        start_rb,
        duration: row.n_symbols,
        mapping: CceRegMapping::Interleaved { reg_bundle_size: 6, interleaver_size: 2, shift_index: pci.get() },
        wideband_precoder: false,
        dmrs_n_id: pci.get(),
        dmrs_reference_rb: start_rb as i32,
    }
}

/// A cell as far as the MIB tells it, on a carrier that is CORESET 0 alone: RB 0 is the set's lowest. Good for reading SIB1.
///
/// Point A is unknown: `offset_to_carrier` is 0 and `point_a_hz` the set's lower edge. Errors as [`type0`].
pub fn cell_from_mib(m: &MibView) -> Result<(CellConfig, Type0), ResolveError> {
    let t = type0(m)?;
    let n_rb = t.coreset0.n_rb as u16;
    let bwp = Bwp { id: 0, start_rb: 0, n_rb };
    let carrier = CarrierConfig { numerology: m.scs_common, n_rb, point_a_hz: t.low_hz, offset_to_carrier: 0 };
    let pci = m.pci.get();
    let dmrs = DmrsConfig {
        config_type: 1,
        type_a_position: m.type_a_position,
        additional_position: 2,
        max_length: 1,
        scrambling_id: [pci; 2],
    };
    let cell = CellConfig {
        pci: m.pci,
        dl: carrier,
        ul: carrier,
        duplex: Duplex::Fdd,
        ssb: SsbConfig {
            numerology: m.ssb_numerology,
            case: m.ssb_case,
            l_max: m.l_max,
            positions_in_burst: 1u64.checked_shl(m.ssb_index as u32).unwrap_or(0),
            period_ms: 20,
            offset_to_point_a: 0,
            k_ssb: m.k_ssb,
            frequency_hz: m.ssb_hz,
            block_power_dbm: 0,
        },
        initial_dl_bwp: bwp,
        coreset0_pattern: t.coreset0.pattern,
        coreset0_bwp: bwp,
        initial_ul_bwp: bwp,
        coresets: vec![coreset0_config(&t.coreset0, m.pci, 0)],
        search_spaces: vec![t.search_space],
        ss_sib1: 0,
        ss_ra: 0,
        paging: None,
        pdsch: PdschConfig {
            time_allocations: super::default_pdsch_times(m.type_a_position),
            dmrs,
            n_id: pci,
            mcs_table: McsTable::Qam64,
            rbg_config2: false,
            resource_allocation: Default::default(),
            vrb_interleaver: None,
            x_overhead: 0,
            max_layers: 1,
            options: Default::default(),
        },
        pusch: PuschConfig {
            time_allocations: super::default_pusch_times(m.scs_common.mu()),
            dmrs,
            n_id: pci,
            mcs_table: McsTable::Qam64,
            transform_precoding: false,
            resource_allocation: Default::default(),
            x_overhead: 0,
            max_layers: 1,
            beta_offset_ack: [11; 3],
            beta_offset_csi1: [13; 2],
            beta_offset_csi2: [13; 2],
            uci_scaling: 1.0,
            p0_dbm: 0,
            alpha: 1.0,
            msg3_delta_preamble_db: 0,
            options: Default::default(),
        },
        pucch: PucchConfig { hopping_id: pci, n_id: pci, ..PucchConfig::default() },
        rach: RachConfig {
            configuration_index: 0,
            msg1_fdm: 1,
            msg1_frequency_start: 0,
            zero_correlation_zone: 0,
            root_sequence_index: 0,
            long_sequence: true,
            msg1_numerology: m.scs_common,
            restricted_set: 0,
            preamble_target_power_dbm: 0,
            power_ramping_step_db: 0,
            preamble_trans_max: 3,
            ra_response_window_slots: 1,
            contention_resolution_timer_ms: 8,
            n_preambles: 64,
            cb_preambles_per_ssb: 64,
            rsrp_threshold_dbm: None,
        },
        n_ta_offset_tc: 0,
        p_max_dbm: 23,
    };
    Ok((cell, t))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.213 §4.1
    fn start_symbols_of_each_case() {
        let list = |case, n: u8| (0..n).map(|i| ssb_first_symbol(case, i).unwrap()).collect::<Vec<_>>();
        assert_eq!(list(SsbCase::A, 8), [2, 8, 16, 22, 30, 36, 44, 50]);
        assert_eq!(list(SsbCase::B, 8), [4, 8, 16, 20, 32, 36, 44, 48]);
        assert_eq!(list(SsbCase::C, 4), [2, 8, 16, 22]);
        assert_eq!(list(SsbCase::D, 64)[16..18], [4 + 28 * 5, 8 + 28 * 5]);
        assert_eq!(list(SsbCase::D, 64)[63], 20 + 28 * 18);
        assert_eq!(list(SsbCase::E, 64)[32], 8 + 56 * 5);
        assert_eq!(list(SsbCase::E, 64)[63], 44 + 56 * 8);
        assert_eq!(ssb_first_symbol(SsbCase::C, 8), None);
    }

    #[test] // Spec: TS 38.213 §13
    fn coreset_0_of_a_mib_by_hand() {
        let m = MibView { k_ssb: 6, coreset_zero: 10, ..MibView::of_zeros(Pci::new(1).unwrap()) };
        let t = type0(&m).unwrap();
        // Block's lower edge: 120 subcarriers of 30 kHz below; k_SSB 6 x 15 kHz; 12 RBs of 360 kHz.
        assert_eq!(t.low_hz, 3_500_000_000.0 - 3_600_000.0 - 90_000.0 - 4_320_000.0);
        assert_eq!((t.coreset0.n_rb, t.search_space.duration_slots, t.search_space.symbols), (48, 2, 1));
        assert!(type0(&MibView { k_ssb: 24, ..m }).is_err());
        let fr2 = MibView {
            fr2: true,
            ssb_case: SsbCase::D,
            l_max: 64,
            ssb_numerology: Numerology::KHZ120,
            scs_common: Numerology::KHZ120,
            coreset_zero: 5,
            ssb_index: 18,
            ..m
        };
        // Pattern 3: 24 RBs beside the block, in its slot. Block 18 starts at symbol 16 + 28 5: slot 11; 4 k + 2 is symbol 2.
        let t = type0(&fr2).unwrap();
        assert_eq!((t.coreset0.pattern, t.coreset0.n_rb, t.coreset0.offset_rb), (3, 24, 24));
        assert_eq!((t.search_space.offset_slots, t.search_space.symbols), (11, 1 << 2));
        assert_eq!(t.low_hz, 3.5e9 - (120.0 + 6.0 + 24.0 * 12.0) * 120e3);
        // Pattern 2 at 240 and 120 kHz: block 4 of case E starts at symbol 32 (slot 2 of 240 kHz, slot 1 of 120): the slot before.
        let case_e =
            MibView { ssb_case: SsbCase::E, ssb_numerology: Numerology::KHZ240, ssb_index: 4, coreset_zero: 4, ..fr2 };
        let t = type0(&case_e).unwrap();
        assert_eq!((t.coreset0.pattern, t.search_space.offset_slots, t.search_space.symbols), (2, 0, 1 << 12));
        assert!(type0(&MibView { search_space_zero: 1, ..fr2 }).is_err());
        let (cell, _) = cell_from_mib(&m).unwrap();
        assert_eq!(cell.coresets[0].n_cce(), 8);
        // The block overlaps RBs 12 to 32 of the set: k_SSB makes it touch 21.
        assert_eq!(ssb_rbs(&cell), (12, 21));
        let slot = SlotPoint::new(Numerology::KHZ30, 2, 0);
        assert_eq!(ssb_occasions(&cell.ssb, slot).next().map(|o| o.start_symbol), Some(2));
        assert_eq!(reserved_for_ssb(&cell, slot, 4, 10)[0].unwrap().symbols, 0b11_0000);
        assert_eq!(reserved_for_ssb(&cell, slot.plus(20), 0, 14), [None; 2]);
    }
}
