//! CORESET 0 and Type0-PDCCH monitoring occasions. Spec: TS 38.213 §13 (tables 13-1 to 13-15)

use crate::Numerology;

/// A row of tables 13-1 to 13-10.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coreset0 {
    /// SS/PBCH block and control resource set multiplexing pattern 1, 2 or 3.
    pub pattern: u8,
    /// N_RB^CORESET.
    pub n_rb: u8,
    /// N_symb^CORESET.
    pub n_symbols: u8,
    /// RBs (PDCCH subcarrier spacing) from the set's first RB up to the common RB that overlaps the block's first RB.
    pub offset_rb: i8,
}

const fn c(pattern: u8, n_rb: u8, n_symbols: u8, offset_rb: i8) -> Coreset0 {
    Coreset0 { pattern, n_rb, n_symbols, offset_rb }
}

/// Table 13-1: SSB 15 kHz, PDCCH 15 kHz, minimum channel bandwidth 5 or 10 MHz.
#[rustfmt::skip]
pub const TABLE_13_1: [Coreset0; 15] = [
    c(1, 24, 2, 0), c(1, 24, 2, 2), c(1, 24, 2, 4), c(1, 24, 3, 0), c(1, 24, 3, 2), c(1, 24, 3, 4),
    c(1, 48, 1, 12), c(1, 48, 1, 16), c(1, 48, 2, 12), c(1, 48, 2, 16), c(1, 48, 3, 12), c(1, 48, 3, 16),
    c(1, 96, 1, 38), c(1, 96, 2, 38), c(1, 96, 3, 38),
];

/// Table 13-2: SSB 15 kHz, PDCCH 30 kHz, 5 or 10 MHz.
#[rustfmt::skip]
pub const TABLE_13_2: [Coreset0; 14] = [
    c(1, 24, 2, 5), c(1, 24, 2, 6), c(1, 24, 2, 7), c(1, 24, 2, 8), c(1, 24, 3, 5), c(1, 24, 3, 6),
    c(1, 24, 3, 7), c(1, 24, 3, 8), c(1, 48, 1, 18), c(1, 48, 1, 20), c(1, 48, 2, 18), c(1, 48, 2, 20),
    c(1, 48, 3, 18), c(1, 48, 3, 20),
];

/// Table 13-3: SSB 30 kHz, PDCCH 15 kHz, 5 or 10 MHz.
#[rustfmt::skip]
pub const TABLE_13_3: [Coreset0; 9] = [
    c(1, 48, 1, 2), c(1, 48, 1, 6), c(1, 48, 2, 2), c(1, 48, 2, 6), c(1, 48, 3, 2), c(1, 48, 3, 6),
    c(1, 96, 1, 28), c(1, 96, 2, 28), c(1, 96, 3, 28),
];

/// Table 13-4: SSB 30 kHz, PDCCH 30 kHz, 5 or 10 MHz.
#[rustfmt::skip]
pub const TABLE_13_4: [Coreset0; 16] = [
    c(1, 24, 2, 0), c(1, 24, 2, 1), c(1, 24, 2, 2), c(1, 24, 2, 3), c(1, 24, 2, 4), c(1, 24, 3, 0),
    c(1, 24, 3, 1), c(1, 24, 3, 2), c(1, 24, 3, 3), c(1, 24, 3, 4), c(1, 48, 1, 12), c(1, 48, 1, 14),
    c(1, 48, 1, 16), c(1, 48, 2, 12), c(1, 48, 2, 14), c(1, 48, 2, 16),
];

/// Table 13-5: SSB 30 kHz, PDCCH 15 kHz, 40 MHz.
#[rustfmt::skip]
pub const TABLE_13_5: [Coreset0; 9] = [
    c(1, 48, 1, 4), c(1, 48, 2, 4), c(1, 48, 3, 4), c(1, 96, 1, 0), c(1, 96, 1, 56), c(1, 96, 2, 0),
    c(1, 96, 2, 56), c(1, 96, 3, 0), c(1, 96, 3, 56),
];

/// Table 13-6: SSB 30 kHz, PDCCH 30 kHz, 40 MHz.
#[rustfmt::skip]
pub const TABLE_13_6: [Coreset0; 10] = [
    c(1, 24, 2, 0), c(1, 24, 2, 4), c(1, 24, 3, 0), c(1, 24, 3, 4), c(1, 48, 1, 0), c(1, 48, 1, 28),
    c(1, 48, 2, 0), c(1, 48, 2, 28), c(1, 48, 3, 0), c(1, 48, 3, 28),
];

/// Table 13-7: SSB 120 kHz, PDCCH 60 kHz; -41 is -42 where k_SSB is not 0.
#[rustfmt::skip]
pub const TABLE_13_7: [Coreset0; 12] = [
    c(1, 48, 1, 0), c(1, 48, 1, 8), c(1, 48, 2, 0), c(1, 48, 2, 8), c(1, 48, 3, 0), c(1, 48, 3, 8),
    c(1, 96, 1, 28), c(1, 96, 2, 28), c(2, 48, 1, -41), c(2, 48, 1, 49), c(2, 96, 1, -41), c(2, 96, 1, 97),
];

/// Table 13-8: SSB 120 kHz, PDCCH 120 kHz; -20 is -21 where k_SSB is not 0.
#[rustfmt::skip]
pub const TABLE_13_8: [Coreset0; 8] = [
    c(1, 24, 2, 0), c(1, 24, 2, 4), c(1, 48, 1, 14), c(1, 48, 2, 14), c(3, 24, 2, -20), c(3, 24, 2, 24),
    c(3, 48, 2, -20), c(3, 48, 2, 48),
];

/// Table 13-9: SSB 240 kHz, PDCCH 60 kHz.
#[rustfmt::skip]
pub const TABLE_13_9: [Coreset0; 4] = [
    c(1, 96, 1, 0), c(1, 96, 1, 16), c(1, 96, 2, 0), c(1, 96, 2, 16),
];

/// Table 13-10: SSB 240 kHz, PDCCH 120 kHz; -41 is -42 where k_SSB is not 0.
#[rustfmt::skip]
pub const TABLE_13_10: [Coreset0; 8] = [
    c(1, 48, 1, 0), c(1, 48, 1, 8), c(1, 48, 2, 0), c(1, 48, 2, 8), c(2, 24, 1, -41), c(2, 24, 1, 25),
    c(2, 48, 1, -41), c(2, 48, 1, 49),
];

/// The table that applies, with its number ("13-4"), or `None` for a pair of spacings that no table serves.
///
/// Spec: TS 38.213 §13
/// - `min_bandwidth_40mhz` the band's minimum channel bandwidth is 40 MHz, or it is n79 or n104 (TS 38.101-1 table 5.2-1).
pub fn table(
    ssb: Numerology,
    pdcch: Numerology,
    min_bandwidth_40mhz: bool,
) -> Option<(&'static str, &'static [Coreset0])> {
    Some(match (ssb.scs_khz(), pdcch.scs_khz(), min_bandwidth_40mhz) {
        (15, 15, false) => ("13-1", &TABLE_13_1),
        (15, 30, false) => ("13-2", &TABLE_13_2),
        (30, 15, false) => ("13-3", &TABLE_13_3),
        (30, 30, false) => ("13-4", &TABLE_13_4),
        (30, 15, true) => ("13-5", &TABLE_13_5),
        (30, 30, true) => ("13-6", &TABLE_13_6),
        (120, 60, _) => ("13-7", &TABLE_13_7),
        (120, 120, _) => ("13-8", &TABLE_13_8),
        (240, 60, _) => ("13-9", &TABLE_13_9),
        (240, 120, _) => ("13-10", &TABLE_13_10),
        _ => return None,
    })
}

/// CORESET 0 of controlResourceSetZero `index`, with the offset corrected for k_SSB. `None` for a reserved row.
pub fn coreset0(
    ssb: Numerology,
    pdcch: Numerology,
    min_bandwidth_40mhz: bool,
    index: u8,
    k_ssb: u8,
) -> Option<Coreset0> {
    let mut row = *table(ssb, pdcch, min_bandwidth_40mhz)?.1.get(index as usize)?;
    if row.offset_rb < 0 && k_ssb != 0 {
        row.offset_rb -= 1;
    }
    Some(row)
}

/// Where Type0-PDCCH is monitored for one SS/PBCH block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Type0Occasion {
    /// Period in slots of the PDCCH numerology: two frames in pattern 1; the block's own period (given) in 2 and 3.
    pub period_slots: u16,
    /// First monitored slot of the period, counted from a frame with SFN mod 2 = 0.
    pub offset_slots: u16,
    /// Consecutive slots: 2 in pattern 1, else 1.
    pub duration_slots: u8,
    /// First symbol of the occasion in each of them.
    pub first_symbol: u8,
}

/// 2 O, 2 M, and the first symbols of an even and an odd block (255: N_symb^CORESET).
type Row13 = (u8, u8, [u8; 2]);
const N: u8 = 255;

/// Table 13-11 (FR1): 2 O, 2 M, first symbol for even and odd i.
pub const TABLE_13_11: [Row13; 16] = [
    (0, 2, [0, 0]),
    (0, 1, [0, N]),
    (4, 2, [0, 0]),
    (4, 1, [0, N]),
    (10, 2, [0, 0]),
    (10, 1, [0, N]),
    (14, 2, [0, 0]),
    (14, 1, [0, N]),
    (0, 4, [0, 0]),
    (10, 4, [0, 0]),
    (0, 2, [1, 1]),
    (0, 2, [2, 2]),
    (4, 2, [1, 1]),
    (4, 2, [2, 2]),
    (10, 2, [1, 1]),
    (10, 2, [2, 2]),
];

/// Table 13-12 (FR2): 2 O, 2 M, first symbol for even and odd i.
pub const TABLE_13_12: [Row13; 14] = [
    (0, 2, [0, 0]),
    (0, 1, [0, 7]),
    (5, 2, [0, 0]),
    (5, 1, [0, 7]),
    (10, 2, [0, 0]),
    (10, 1, [0, 7]),
    (0, 1, [0, N]),
    (5, 1, [0, N]),
    (10, 1, [0, N]),
    (15, 2, [0, 0]),
    (15, 1, [0, 7]),
    (15, 1, [0, N]),
    (0, 4, [0, 0]),
    (10, 4, [0, 0]),
];

/// Monitoring occasion of searchSpaceZero `index` for SS/PBCH block `i`, multiplexing pattern 1.
///
/// Spec: TS 38.213 §13, tables 13-11 and 13-12: n_0 = (O 2^mu + floor(i M)) mod slots per frame, in even frames where
/// floor((O 2^mu + floor(i M)) / slots per frame) is even, else in odd ones; slots n_0 and n_0 + 1.
pub fn occasion_pattern1(
    pdcch: Numerology,
    fr2: bool,
    index: u8,
    i: u8,
    n_symbols_coreset: u8,
) -> Option<Type0Occasion> {
    let (o_x2, m_x2, first) = if fr2 { *TABLE_13_12.get(index as usize)? } else { *TABLE_13_11.get(index as usize)? };
    let count = ((o_x2 as u32) << pdcch.mu()) / 2 + i as u32 * m_x2 as u32 / 2;
    let per_frame = pdcch.slots_per_frame();
    let first = first[(i & 1) as usize];
    Some(Type0Occasion {
        period_slots: 2 * per_frame as u16,
        offset_slots: (count % (2 * per_frame)) as u16,
        duration_slots: 2,
        first_symbol: if first == N { n_symbols_coreset } else { first },
    })
}

/// First symbol and slot shift (against the block's own slot) of patterns 2 and 3. Spec: TS 38.213 §13, tables 13-13 to 13-15
pub fn occasion_pattern2_3(ssb: Numerology, pdcch: Numerology, i: u8) -> Option<(u8, i8)> {
    match (ssb.scs_khz(), pdcch.scs_khz()) {
        (120, 60) => Some(([0, 1, 6, 7][(i & 3) as usize], 0)),
        (240, 120) => Some(match i & 7 {
            4 => (12, -1),
            5 => (13, -1),
            k @ 0..=3 => (k, 0),
            k => (k - 6, 0),
        }),
        (120, 120) => Some(([4, 8, 2, 6][(i & 3) as usize], 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const K15: Numerology = Numerology::KHZ15;
    const K30: Numerology = Numerology::KHZ30;

    #[test] // Spec: TS 38.213 §13
    fn rows_by_table() {
        assert_eq!(coreset0(K30, K30, false, 10, 6), Some(c(1, 48, 1, 12)));
        assert_eq!(coreset0(K30, K30, true, 3, 0), Some(c(1, 24, 3, 4)));
        assert_eq!(coreset0(K15, K15, false, 15, 0), None);
        assert_eq!(coreset0(Numerology::KHZ120, Numerology::KHZ120, false, 4, 0).unwrap().offset_rb, -20);
        assert_eq!(coreset0(Numerology::KHZ120, Numerology::KHZ120, false, 4, 3).unwrap().offset_rb, -21);
        // The set holds the block (20 RBs of its own spacing) in every row of pattern 1.
        for (ssb, pdcch, wide) in
            [(K15, K15, false), (K15, K30, false), (K30, K15, false), (K30, K30, false), (K30, K30, true)]
        {
            let ssb_rb = 20 * ssb.scs_khz() / pdcch.scs_khz();
            for row in table(ssb, pdcch, wide).unwrap().1 {
                assert!(row.offset_rb as u32 + ssb_rb <= row.n_rb as u32);
            }
        }
    }

    #[test] // Spec: TS 38.213 §13
    fn occasions_of_pattern_1() {
        let o = occasion_pattern1(K30, false, 4, 0, 2).unwrap();
        assert_eq!((o.offset_slots, o.period_slots, o.first_symbol), (10, 40, 0));
        // O = 7, i = 7, M = 1: 14 + 7 = 21: slot 1 of an odd frame.
        assert_eq!(occasion_pattern1(K30, false, 6, 7, 2).unwrap().offset_slots, 21);
        assert_eq!(
            occasion_pattern1(K15, false, 1, 3, 2).unwrap(),
            Type0Occasion { period_slots: 20, offset_slots: 1, duration_slots: 2, first_symbol: 2 }
        );
        assert_eq!(occasion_pattern1(K15, false, 16, 0, 2), None);
    }
}
