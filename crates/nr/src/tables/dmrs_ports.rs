//! Antenna port fields of DCI: CDM groups without data, DM-RS ports, front-load symbols.
//!
//! Spec: TS 38.212 §7.3.1.1.2 (tables 7.3.1.1.2-6 to -23), §7.3.1.2.2 (tables 7.3.1.2.2-1 to -4)

/// One row: the value of the field is its index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortRow {
    /// DM-RS CDM groups without data, 1..=3.
    pub n_cdm_groups: u8,
    /// Bit p is DM-RS port p (1000 + p in the downlink).
    pub ports: u16,
    /// Front-load symbols, 1 or 2.
    pub n_symbols: u8,
    /// n_SCID that the row itself fixes (tables 7.3.1.1.2-6A and -7A only).
    pub n_scid: u8,
}

const fn r(n_cdm_groups: u8, ports: u16, n_symbols: u8) -> PortRow {
    PortRow { n_cdm_groups, ports, n_symbols, n_scid: 0 }
}
const fn s(ports: u16, n_symbols: u8, n_scid: u8) -> PortRow {
    PortRow { n_cdm_groups: 2, ports, n_symbols, n_scid }
}

/// Table 7.3.1.1.2-6: transform precoding, type 1, one symbol.
pub const PUSCH_TP_1: [PortRow; 4] = [r(2, 1, 1), r(2, 2, 1), r(2, 4, 1), r(2, 8, 1)];

/// Table 7.3.1.1.2-6A: the same with pi/2-BPSK and low-PAPR sequences of type 2.
pub const PUSCH_TP_1_LOW_PAPR: [PortRow; 4] = [s(1, 1, 0), s(1, 1, 1), s(4, 1, 0), s(4, 1, 1)];

/// Table 7.3.1.1.2-7: transform precoding, type 1, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_TP_2: [PortRow; 12] = [
    r(2, 1, 1), r(2, 2, 1), r(2, 4, 1), r(2, 8, 1), r(2, 1, 2), r(2, 2, 2), r(2, 4, 2), r(2, 8, 2), r(2, 16, 2),
    r(2, 32, 2), r(2, 64, 2), r(2, 128, 2),
];

/// Table 7.3.1.1.2-7A: the same with pi/2-BPSK and low-PAPR sequences of type 2.
#[rustfmt::skip]
pub const PUSCH_TP_2_LOW_PAPR: [PortRow; 12] = [
    s(1, 1, 0), s(1, 1, 1), s(4, 1, 0), s(4, 1, 1), s(1, 2, 0), s(1, 2, 1), s(4, 2, 0), s(4, 2, 1), s(16, 2, 0),
    s(16, 2, 1), s(64, 2, 0), s(64, 2, 1),
];

/// Table 7.3.1.1.2-8: PUSCH of rank 1, type 1, one symbol.
#[rustfmt::skip]
pub const PUSCH_1_1_RANK_1: [PortRow; 6] = [r(1, 1, 1), r(1, 2, 1), r(2, 1, 1), r(2, 2, 1), r(2, 4, 1), r(2, 8, 1)];

/// Table 7.3.1.1.2-9: PUSCH of rank 2, type 1, one symbol.
pub const PUSCH_1_1_RANK_2: [PortRow; 4] = [r(1, 3, 1), r(2, 3, 1), r(2, 0xc, 1), r(2, 5, 1)];

/// Table 7.3.1.1.2-10: PUSCH of rank 3, type 1, one symbol.
pub const PUSCH_1_1_RANK_3: [PortRow; 1] = [r(2, 7, 1)];

/// Table 7.3.1.1.2-11: PUSCH of rank 4, type 1, one symbol.
pub const PUSCH_1_1_RANK_4: [PortRow; 1] = [r(2, 0xf, 1)];

/// Table 7.3.1.2.2-1: PDSCH, DM-RS type 1, one symbol.
#[rustfmt::skip]
pub const PDSCH_1_1: [PortRow; 12] = [
    r(1, 0x1, 1), r(1, 0x2, 1), r(1, 0x3, 1), r(2, 0x1, 1), r(2, 0x2, 1), r(2, 0x4, 1), r(2, 0x8, 1), r(2, 0x3, 1),
    r(2, 0xc, 1), r(2, 0x7, 1), r(2, 0xf, 1), r(2, 0x5, 1),
];

/// Table 7.3.1.2.2-2, one codeword: type 1, up to two symbols.
#[rustfmt::skip]
pub const PDSCH_1_2: [PortRow; 31] = [
    r(1, 0x1, 1), r(1, 0x2, 1), r(1, 0x3, 1), r(2, 0x1, 1), r(2, 0x2, 1), r(2, 0x4, 1), r(2, 0x8, 1), r(2, 0x3, 1),
    r(2, 0xc, 1), r(2, 0x7, 1), r(2, 0xf, 1), r(2, 0x5, 1), r(2, 0x1, 2), r(2, 0x2, 2), r(2, 0x4, 2), r(2, 0x8, 2),
    r(2, 0x10, 2), r(2, 0x20, 2), r(2, 0x40, 2), r(2, 0x80, 2), r(2, 0x3, 2), r(2, 0xc, 2), r(2, 0x30, 2), r(2, 0xc0, 2),
    r(2, 0x11, 2), r(2, 0x44, 2), r(2, 0x13, 2), r(2, 0x4c, 2), r(2, 0x33, 2), r(2, 0xcc, 2), r(2, 0x55, 2),
];

/// Table 7.3.1.2.2-3, one codeword: type 2, one symbol.
#[rustfmt::skip]
pub const PDSCH_2_1: [PortRow; 24] = [
    r(1, 0x1, 1), r(1, 0x2, 1), r(1, 0x3, 1), r(2, 0x1, 1), r(2, 0x2, 1), r(2, 0x4, 1), r(2, 0x8, 1), r(2, 0x3, 1),
    r(2, 0xc, 1), r(2, 0x7, 1), r(2, 0xf, 1), r(3, 0x1, 1), r(3, 0x2, 1), r(3, 0x4, 1), r(3, 0x8, 1), r(3, 0x10, 1),
    r(3, 0x20, 1), r(3, 0x3, 1), r(3, 0xc, 1), r(3, 0x30, 1), r(3, 0x7, 1), r(3, 0x38, 1), r(3, 0xf, 1), r(3, 0x5, 1),
];

/// Table 7.3.1.2.2-4, one codeword: type 2, up to two symbols.
#[rustfmt::skip]
pub const PDSCH_2_2: [PortRow; 58] = [
    r(1, 0x1, 1), r(1, 0x2, 1), r(1, 0x3, 1), r(2, 0x1, 1), r(2, 0x2, 1), r(2, 0x4, 1), r(2, 0x8, 1), r(2, 0x3, 1),
    r(2, 0xc, 1), r(2, 0x7, 1), r(2, 0xf, 1), r(3, 0x1, 1), r(3, 0x2, 1), r(3, 0x4, 1), r(3, 0x8, 1), r(3, 0x10, 1),
    r(3, 0x20, 1), r(3, 0x3, 1), r(3, 0xc, 1), r(3, 0x30, 1), r(3, 0x7, 1), r(3, 0x38, 1), r(3, 0xf, 1), r(2, 0x5, 1),
    r(3, 0x1, 2), r(3, 0x2, 2), r(3, 0x4, 2), r(3, 0x8, 2), r(3, 0x10, 2), r(3, 0x20, 2), r(3, 0x40, 2), r(3, 0x80, 2),
    r(3, 0x100, 2), r(3, 0x200, 2), r(3, 0x400, 2), r(3, 0x800, 2), r(3, 0x3, 2), r(3, 0xc, 2), r(3, 0x30, 2), r(3, 0xc0, 2),
    r(3, 0x300, 2), r(3, 0xc00, 2), r(3, 0x43, 2), r(3, 0x10c, 2), r(3, 0x430, 2), r(3, 0xc3, 2), r(3, 0x30c, 2),
    r(3, 0xc30, 2), r(1, 0x1, 2), r(1, 0x2, 2), r(1, 0x40, 2), r(1, 0x80, 2), r(1, 0x3, 2), r(1, 0xc0, 2), r(2, 0x3, 2),
    r(2, 0xc, 2), r(2, 0xc0, 2), r(2, 0x300, 2),
];

/// Table 7.3.1.1.2-12: PUSCH of rank 1, type 1, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_1_2_RANK_1: [PortRow; 14] = [
    r(1, 0x1, 1), r(1, 0x2, 1), r(2, 0x1, 1), r(2, 0x2, 1), r(2, 0x4, 1), r(2, 0x8, 1), r(2, 0x1, 2), r(2, 0x2, 2),
    r(2, 0x4, 2), r(2, 0x8, 2), r(2, 0x10, 2), r(2, 0x20, 2), r(2, 0x40, 2), r(2, 0x80, 2),
];

/// Table 7.3.1.1.2-13: PUSCH of rank 2, type 1, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_1_2_RANK_2: [PortRow; 10] = [
    r(1, 0x3, 1), r(2, 0x3, 1), r(2, 0xc, 1), r(2, 0x5, 1), r(2, 0x3, 2), r(2, 0xc, 2), r(2, 0x30, 2), r(2, 0xc0, 2),
    r(2, 0x11, 2), r(2, 0x44, 2),
];

/// Table 7.3.1.1.2-14: PUSCH of rank 3, type 1, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_1_2_RANK_3: [PortRow; 3] = [
    r(2, 0x7, 1), r(2, 0x13, 2), r(2, 0x4c, 2),
];

/// Table 7.3.1.1.2-15: PUSCH of rank 4, type 1, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_1_2_RANK_4: [PortRow; 4] = [
    r(2, 0xf, 1), r(2, 0x33, 2), r(2, 0xcc, 2), r(2, 0x55, 2),
];

/// Table 7.3.1.1.2-16: PUSCH of rank 1, type 2, one symbol.
#[rustfmt::skip]
pub const PUSCH_2_1_RANK_1: [PortRow; 12] = [
    r(1, 0x1, 1), r(1, 0x2, 1), r(2, 0x1, 1), r(2, 0x2, 1), r(2, 0x4, 1), r(2, 0x8, 1), r(3, 0x1, 1), r(3, 0x2, 1),
    r(3, 0x4, 1), r(3, 0x8, 1), r(3, 0x10, 1), r(3, 0x20, 1),
];

/// Table 7.3.1.1.2-17: PUSCH of rank 2, type 2, one symbol.
#[rustfmt::skip]
pub const PUSCH_2_1_RANK_2: [PortRow; 7] = [
    r(1, 0x3, 1), r(2, 0x3, 1), r(2, 0xc, 1), r(3, 0x3, 1), r(3, 0xc, 1), r(3, 0x30, 1), r(2, 0x5, 1),
];

/// Table 7.3.1.1.2-18: PUSCH of rank 3, type 2, one symbol.
#[rustfmt::skip]
pub const PUSCH_2_1_RANK_3: [PortRow; 3] = [
    r(2, 0x7, 1), r(3, 0x7, 1), r(3, 0x38, 1),
];

/// Table 7.3.1.1.2-19: PUSCH of rank 4, type 2, one symbol.
#[rustfmt::skip]
pub const PUSCH_2_1_RANK_4: [PortRow; 2] = [
    r(2, 0xf, 1), r(3, 0xf, 1),
];

/// Table 7.3.1.1.2-20: PUSCH of rank 1, type 2, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_2_2_RANK_1: [PortRow; 28] = [
    r(1, 0x1, 1), r(1, 0x2, 1), r(2, 0x1, 1), r(2, 0x2, 1), r(2, 0x4, 1), r(2, 0x8, 1), r(3, 0x1, 1), r(3, 0x2, 1),
    r(3, 0x4, 1), r(3, 0x8, 1), r(3, 0x10, 1), r(3, 0x20, 1), r(3, 0x1, 2), r(3, 0x2, 2), r(3, 0x4, 2), r(3, 0x8, 2),
    r(3, 0x10, 2), r(3, 0x20, 2), r(3, 0x40, 2), r(3, 0x80, 2), r(3, 0x100, 2), r(3, 0x200, 2), r(3, 0x400, 2), r(3, 0x800, 2),
    r(1, 0x1, 2), r(1, 0x2, 2), r(1, 0x40, 2), r(1, 0x80, 2),
];

/// Table 7.3.1.1.2-21: PUSCH of rank 2, type 2, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_2_2_RANK_2: [PortRow; 19] = [
    r(1, 0x3, 1), r(2, 0x3, 1), r(2, 0xc, 1), r(3, 0x3, 1), r(3, 0xc, 1), r(3, 0x30, 1), r(2, 0x5, 1), r(3, 0x3, 2),
    r(3, 0xc, 2), r(3, 0x30, 2), r(3, 0xc0, 2), r(3, 0x300, 2), r(3, 0xc00, 2), r(1, 0x3, 2), r(1, 0xc0, 2), r(2, 0x3, 2),
    r(2, 0xc, 2), r(2, 0xc0, 2), r(2, 0x300, 2),
];

/// Table 7.3.1.1.2-22: PUSCH of rank 3, type 2, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_2_2_RANK_3: [PortRow; 6] = [
    r(2, 0x7, 1), r(3, 0x7, 1), r(3, 0x38, 1), r(3, 0x43, 2), r(3, 0x10c, 2), r(3, 0x430, 2),
];

/// Table 7.3.1.1.2-23: PUSCH of rank 4, type 2, up to two symbols.
#[rustfmt::skip]
pub const PUSCH_2_2_RANK_4: [PortRow; 5] = [
    r(2, 0xf, 1), r(3, 0xf, 1), r(3, 0xc3, 2), r(3, 0x30c, 2), r(3, 0xc30, 2),
];

/// The table of a PDSCH, one codeword: by dmrs-Type and maxLength. `None` for values that neither has.
pub const fn pdsch(config_type: u8, max_length: u8) -> Option<&'static [PortRow]> {
    Some(match (config_type, max_length) {
        (1, 1) => &PDSCH_1_1,
        (1, 2) => &PDSCH_1_2,
        (2, 1) => &PDSCH_2_1,
        (2, 2) => &PDSCH_2_2,
        _ => return None,
    })
}

/// The table of a PUSCH without transform precoding, by dmrs-Type, maxLength and rank 1..=4.
pub const fn pusch(config_type: u8, max_length: u8, rank: u8) -> Option<&'static [PortRow]> {
    Some(match (config_type, max_length, rank) {
        (1, 1, 1) => &PUSCH_1_1_RANK_1,
        (1, 1, 2) => &PUSCH_1_1_RANK_2,
        (1, 1, 3) => &PUSCH_1_1_RANK_3,
        (1, 1, 4) => &PUSCH_1_1_RANK_4,
        (1, 2, 1) => &PUSCH_1_2_RANK_1,
        (1, 2, 2) => &PUSCH_1_2_RANK_2,
        (1, 2, 3) => &PUSCH_1_2_RANK_3,
        (1, 2, 4) => &PUSCH_1_2_RANK_4,
        (2, 1, 1) => &PUSCH_2_1_RANK_1,
        (2, 1, 2) => &PUSCH_2_1_RANK_2,
        (2, 1, 3) => &PUSCH_2_1_RANK_3,
        (2, 1, 4) => &PUSCH_2_1_RANK_4,
        (2, 2, 1) => &PUSCH_2_2_RANK_1,
        (2, 2, 2) => &PUSCH_2_2_RANK_2,
        (2, 2, 3) => &PUSCH_2_2_RANK_3,
        (2, 2, 4) => &PUSCH_2_2_RANK_4,
        _ => return None,
    })
}

/// The table of a PUSCH with transform precoding, by maxLength; `low_papr` with pi/2-BPSK and sequences of type 2.
pub const fn pusch_transform_precoding(max_length: u8, low_papr: bool) -> &'static [PortRow] {
    match (max_length, low_papr) {
        (1, false) => &PUSCH_TP_1,
        (1, true) => &PUSCH_TP_1_LOW_PAPR,
        (_, false) => &PUSCH_TP_2,
        (_, true) => &PUSCH_TP_2_LOW_PAPR,
    }
}

/// Bits of the field of a PDSCH. Spec: TS 38.212 §7.3.1.2.2
pub const fn pdsch_bits(config_type: u8, max_length: u8) -> u8 {
    3 + (config_type == 2) as u8 + max_length
}

/// Bits of the field of a PUSCH without transform precoding. Spec: TS 38.212 §7.3.1.1.2
pub const fn pusch_bits(config_type: u8, max_length: u8) -> u8 {
    2 + (config_type == 2) as u8 + max_length
}

/// Bits of the field of a PUSCH with transform precoding. Spec: TS 38.212 §7.3.1.1.2
pub const fn pusch_transform_precoding_bits(max_length: u8) -> u8 {
    if max_length == 2 { 4 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CDM group of a port. Spec: TS 38.211 tables 7.4.1.1.2-1 and -2
    fn group(config_type: u8, port: u8) -> u8 {
        if config_type == 1 { port / 2 % 2 } else { port / 2 % 3 }
    }

    #[test] // Spec: TS 38.212 §7.3.1.1.2 tables 7.3.1.1.2-6 to -23, §7.3.1.2.2 tables 7.3.1.2.2-1 to -4
    fn rows_are_possible_and_fit_their_fields() {
        for (config_type, max_length) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            let n_ports = [4, 6][usize::from(config_type == 2)] * max_length;
            let check = |rows: &[PortRow], bits: u8, rank: Option<u32>| {
                assert!(rows.len() <= 1 << bits);
                for (i, row) in rows.iter().enumerate() {
                    assert!(row.ports != 0 && row.ports >> n_ports == 0 && row.n_symbols <= max_length, "row {i}");
                    assert!(rank.is_none_or(|r| r == row.ports.count_ones()));
                    // Ports above a symbol's number need the second symbol; a group with a port is one without data.
                    let single = [4, 6][usize::from(config_type == 2)];
                    assert!(row.n_symbols == 2 || row.ports >> single == 0);
                    let ports = (0..12).filter(|p| row.ports >> p & 1 == 1);
                    assert!(ports.into_iter().all(|p| group(config_type, p) < row.n_cdm_groups), "row {i}");
                }
                let mut seen: Vec<_> = rows.iter().map(|r| (r.n_cdm_groups, r.ports, r.n_symbols)).collect();
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), rows.len());
            };
            check(pdsch(config_type, max_length).unwrap(), pdsch_bits(config_type, max_length), None);
            for rank in 1..=4 {
                let rows = pusch(config_type, max_length, rank).unwrap();
                check(rows, pusch_bits(config_type, max_length), Some(u32::from(rank)));
            }
        }
        assert_eq!((PUSCH_TP_2.len(), PUSCH_TP_2_LOW_PAPR.len()), (12, 12));
        assert!(pdsch(3, 1).is_none() && pusch(1, 1, 5).is_none());
    }
}
