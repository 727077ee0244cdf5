//! DM-RS symbols and antenna ports. Spec: TS 38.211 §6.4.1.1.3, §7.4.1.1.2; TS 38.212 §7.3.1.1.2, §7.3.1.2.2

use super::{ResolveError, invalid};
use crate::config::{DmrsConfig, MappingType, TimeAllocation};
use nr::tables::dmrs_ports::{self, PortRow};

/// Positions after l_0 for mapping type A by l_d: the same in tables 6.4.1.1.3-3 and 7.4.1.1.2-3.
const fn additional_a(l_d: u8, position: u8) -> &'static [u8] {
    match (l_d, position) {
        (_, 0) | (0..=7, _) => &[],
        (8..=9, _) => &[7],
        (10..=12, 1) => &[9],
        (10..=12, 2) | (10..=11, _) => &[6, 9],
        (13.., 1) => &[11],
        (13.., 2) => &[7, 11],
        _ => &[5, 8, 11],
    }
}

/// PDSCH, mapping type B, positions after l_0 relative to the first symbol. Spec: TS 38.211 table 7.4.1.1.2-3
const fn additional_b_downlink(l_d: u8, position: u8) -> &'static [u8] {
    match (l_d, position) {
        (_, 0) | (0..=4, _) => &[],
        (5..=7, _) => &[4],
        (8, 1) => &[6],
        (8, _) => &[3, 6],
        (9..=10, 1) => &[7],
        (9..=10, _) => &[4, 7],
        (11, 1) => &[8],
        (11, 2) => &[4, 8],
        (12.., 1) => &[9],
        (12.., 2) => &[5, 9],
        _ => &[3, 6, 9],
    }
}

/// PUSCH, mapping type B. Spec: TS 38.211 table 6.4.1.1.3-3
const fn additional_b_uplink(l_d: u8, position: u8) -> &'static [u8] {
    match (l_d, position) {
        (_, 0) | (0..=4, _) => &[],
        (5..=7, _) => &[4],
        (8..=9, 1) => &[6],
        (8..=9, _) => &[3, 6],
        (10..=11, 1) => &[8],
        (10..=11, 2) => &[4, 8],
        (12.., 1) => &[10],
        (12.., 2) => &[5, 10],
        _ => &[3, 6, 9],
    }
}

fn mask(first: u8, origin: u8, additional: &[u8]) -> u16 {
    additional.iter().fold(1 << first, |m, l| m | 1u16.checked_shl((origin + l) as u32).unwrap_or(0))
}

/// DM-RS symbols of a PDSCH, single-symbol DM-RS: bit l is symbol l of the slot.
///
/// Spec: TS 38.211 §7.4.1.1.2, table 7.4.1.1.2-3. `position` is dmrs-AdditionalPosition 0..=3.
pub fn pdsch_dmrs_symbols(time: &TimeAllocation, type_a_position: u8, position: u8) -> Result<u16, ResolveError> {
    let end = time.start + time.n_symbols;
    match time.mapping {
        MappingType::A => {
            if time.start > type_a_position || end <= type_a_position {
                return Err(invalid("time domain assignment", time.start as u32, "TS 38.214 §5.1.2.1"));
            }
            if position == 3 && type_a_position != 2 {
                return Err(invalid("dmrs-AdditionalPosition", 3, "TS 38.211 §7.4.1.1.2"));
            }
            Ok(mask(type_a_position, 0, additional_a(end, position)))
        }
        MappingType::B => Ok(mask(time.start, time.start, additional_b_downlink(time.n_symbols, position))),
    }
}

/// DM-RS symbols of a PUSCH without intra-slot hopping, single-symbol DM-RS.
///
/// Spec: TS 38.211 §6.4.1.1.3, table 6.4.1.1.3-3
pub fn pusch_dmrs_symbols(time: &TimeAllocation, type_a_position: u8, position: u8) -> Result<u16, ResolveError> {
    match time.mapping {
        MappingType::A => {
            if time.start != 0 || time.n_symbols < 4 {
                return Err(invalid("time domain assignment", time.start as u32, "TS 38.214 §6.1.2.1"));
            }
            if position == 3 && type_a_position != 2 {
                return Err(invalid("dmrs-AdditionalPosition", 3, "TS 38.211 §6.4.1.1.3"));
            }
            Ok(mask(type_a_position, 0, additional_a(time.n_symbols, position)))
        }
        MappingType::B => Ok(mask(time.start, time.start, additional_b_uplink(time.n_symbols, position))),
    }
}

/// A mask of pairs: each position and the symbol after it.
fn pairs(mask: u16) -> u16 {
    mask | mask << 1
}

/// DM-RS symbols of a PDSCH with double-symbol DM-RS.
///
/// Spec: TS 38.211 §7.4.1.1.2, table 7.4.1.1.2-4. `position` is dmrs-AdditionalPosition 0 or 1.
pub fn pdsch_dmrs_symbols_double(
    time: &TimeAllocation,
    type_a_position: u8,
    position: u8,
) -> Result<u16, ResolveError> {
    let end = time.start.saturating_add(time.n_symbols);
    if position > 1 {
        return Err(invalid("dmrs-AdditionalPosition", position as u32, "TS 38.211 table 7.4.1.1.2-4"));
    }
    match time.mapping {
        MappingType::A => {
            let least = if type_a_position == 2 { 4 } else { 5 };
            if time.start > type_a_position || end < least {
                return Err(invalid("time domain assignment", time.start as u32, "TS 38.211 table 7.4.1.1.2-4"));
            }
            Ok(pairs(mask(type_a_position, 0, double_a(end, position))))
        }
        MappingType::B => {
            let l_d = time.n_symbols;
            if l_d < 5 {
                return Err(invalid("time domain assignment", l_d as u32, "TS 38.211 table 7.4.1.1.2-4"));
            }
            let additional: &[u8] = match (l_d, position) {
                (_, 0) | (0..=7, _) => &[],
                (8..=9, _) => &[5],
                (10..=11, _) => &[7],
                _ => &[8],
            };
            Ok(pairs(mask(time.start, time.start, additional)))
        }
    }
}

/// DM-RS symbols of a PUSCH with double-symbol DM-RS and without intra-slot hopping.
///
/// Spec: TS 38.211 §6.4.1.1.3, table 6.4.1.1.3-4. `position` is dmrs-AdditionalPosition 0 or 1.
pub fn pusch_dmrs_symbols_double(
    time: &TimeAllocation,
    type_a_position: u8,
    position: u8,
) -> Result<u16, ResolveError> {
    let l_d = time.n_symbols;
    if position > 1 {
        return Err(invalid("dmrs-AdditionalPosition", position as u32, "TS 38.211 table 6.4.1.1.3-4"));
    }
    match time.mapping {
        MappingType::A => {
            let least = if type_a_position == 2 { 4 } else { 5 };
            if time.start != 0 || l_d < least {
                return Err(invalid("time domain assignment", time.start as u32, "TS 38.211 table 6.4.1.1.3-4"));
            }
            Ok(pairs(mask(type_a_position, 0, double_a(l_d, position))))
        }
        MappingType::B => {
            if l_d < 5 {
                return Err(invalid("time domain assignment", l_d as u32, "TS 38.211 table 6.4.1.1.3-4"));
            }
            let additional: &[u8] = match (l_d, position) {
                (_, 0) | (0..=7, _) => &[],
                (8..=9, _) => &[5],
                (10..=11, _) => &[7],
                _ => &[9],
            };
            Ok(pairs(mask(time.start, time.start, additional)))
        }
    }
}

/// Mapping type A of both directions: tables 6.4.1.1.3-4 and 7.4.1.1.2-4.
const fn double_a(l_d: u8, position: u8) -> &'static [u8] {
    match (l_d, position) {
        (_, 0) | (0..=9, _) => &[],
        (10..=12, _) => &[8],
        _ => &[10],
    }
}

/// DM-RS symbols of a PUSCH that hops within the slot (single-symbol DM-RS), of both hops.
///
/// Spec: TS 38.211 §6.4.1.1.3, table 6.4.1.1.3-6; TS 38.214 §6.3.1. A `position` above 0 counts as 1.
pub fn pusch_dmrs_symbols_hopping(
    time: &TimeAllocation,
    type_a_position: u8,
    position: u8,
) -> Result<u16, ResolveError> {
    let hops = [time.n_symbols / 2, time.n_symbols - time.n_symbols / 2];
    let second = time.start.saturating_add(hops[0]);
    let more = position > 0;
    let bad = || invalid("time domain assignment", time.n_symbols as u32, "TS 38.211 table 6.4.1.1.3-6");
    if hops[0] == 0 || hops[1] > 7 {
        return Err(bad());
    }
    match time.mapping {
        MappingType::A => {
            if time.start != 0 || hops[0] < 4 || !matches!(type_a_position, 2 | 3) {
                return Err(bad());
            }
            let first: &[u8] = if more && hops[0] == 7 && type_a_position == 2 { &[6] } else { &[] };
            let later: &[u8] = if more && hops[1] >= 5 { &[4] } else { &[] };
            Ok(mask(type_a_position, 0, first) | mask(second, second, later))
        }
        MappingType::B => {
            let later = |n: u8| -> &[u8] { if more && n >= 5 { &[4] } else { &[] } };
            Ok(mask(time.start, time.start, later(hops[0])) | mask(second, second, later(hops[1])))
        }
    }
}

/// Ports, CDM groups without data and front-load symbols that an antenna ports field chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
    /// Bit p is DM-RS port p (1000 + p downlink).
    pub ports: u16,
    /// DM-RS CDM groups without data.
    pub n_cdm_groups_without_data: u8,
    /// Front-load symbols.
    pub n_symbols: u8,
    /// n_SCID where the field fixes it.
    pub n_scid: Option<u8>,
}

fn ports(rows: Option<&[PortRow]>, field: u8, clause: &'static str) -> Result<Ports, ResolveError> {
    let row = rows.and_then(|rows| rows.get(field as usize)).ok_or(invalid("antenna ports", field as u32, clause))?;
    Ok(Ports { ports: row.ports, n_cdm_groups_without_data: row.n_cdm_groups, n_symbols: row.n_symbols, n_scid: None })
}

/// Antenna port(s) of formats 1_1 and 1_2, one codeword. Spec: TS 38.212 tables 7.3.1.2.2-1 to -4
pub fn downlink_ports(field: u8, dmrs: &DmrsConfig) -> Result<Ports, ResolveError> {
    ports(dmrs_ports::pdsch(dmrs.config_type, dmrs.max_length), field, "TS 38.212 tables 7.3.1.2.2-1 to -4")
}

/// Antenna ports of formats 0_1 and 0_2 without transform precoding, by rank. Spec: TS 38.212 tables 7.3.1.1.2-8 to -23
pub fn uplink_ports(field: u8, dmrs: &DmrsConfig, rank: u8) -> Result<Ports, ResolveError> {
    ports(dmrs_ports::pusch(dmrs.config_type, dmrs.max_length, rank), field, "TS 38.212 tables 7.3.1.1.2-8 to -23")
}

/// Antenna ports with transform precoding; `low_papr` with pi/2-BPSK and sequences of type 2. Spec: TS 38.212 tables 7.3.1.1.2-6 to -7A
pub fn uplink_ports_transform(field: u8, dmrs: &DmrsConfig, low_papr: bool) -> Result<Ports, ResolveError> {
    let rows = dmrs_ports::pusch_transform_precoding(dmrs.max_length, low_papr);
    let mut out = ports(Some(rows), field, "TS 38.212 tables 7.3.1.1.2-6 to -7A")?;
    if low_papr {
        out.n_scid = rows.get(field as usize).map(|r| r.n_scid);
    }
    Ok(out)
}

/// DM-RS elements of one PRB over the allocation, those of CDM groups without data included (for the block size).
pub fn dmrs_re_per_prb(symbols: u16, config_type: u8, n_cdm_groups_without_data: u8) -> u32 {
    let per_group = if config_type == 2 { 4 } else { 6 };
    symbols.count_ones() * per_group * n_cdm_groups_without_data as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(mapping: MappingType, start: u8, n_symbols: u8) -> TimeAllocation {
        TimeAllocation { k: 0, mapping, start, n_symbols }
    }
    fn list(mask: u16) -> Vec<u8> {
        (0..14).filter(|l| mask >> l & 1 == 1).collect()
    }

    #[test] // Spec: TS 38.211 §7.4.1.1.2
    fn downlink_symbols_of_the_table() {
        let a = |s, n, pos| list(pdsch_dmrs_symbols(&time(MappingType::A, s, n), 2, pos).unwrap());
        assert_eq!(a(2, 12, 0), [2]);
        assert_eq!(a(2, 12, 1), [2, 11]);
        assert_eq!(a(2, 12, 2), [2, 7, 11]);
        assert_eq!(a(1, 13, 3), [2, 5, 8, 11]);
        assert_eq!(a(2, 10, 1), [2, 9]);
        assert_eq!(a(2, 8, 2), [2, 6, 9]);
        assert_eq!(a(2, 7, 3), [2, 7]);
        assert_eq!(a(2, 5, 2), [2]);
        let b = |s, n, pos| list(pdsch_dmrs_symbols(&time(MappingType::B, s, n), 2, pos).unwrap());
        assert_eq!(b(5, 7, 1), [5, 9]);
        assert_eq!(b(8, 4, 2), [8]);
        assert!(pdsch_dmrs_symbols(&time(MappingType::A, 3, 11), 2, 1).is_err());
    }

    #[test] // Spec: TS 38.211 §6.4.1.1.3
    fn uplink_symbols_of_the_table() {
        let a = |n, pos| list(pusch_dmrs_symbols(&time(MappingType::A, 0, n), 2, pos).unwrap());
        assert_eq!(a(14, 2), [2, 7, 11]);
        assert_eq!(a(14, 1), [2, 11]);
        assert_eq!(a(12, 3), [2, 5, 8, 11]);
        assert_eq!(a(10, 2), [2, 6, 9]);
        assert_eq!(a(7, 2), [2]);
        let b = |s, n, pos| list(pusch_dmrs_symbols(&time(MappingType::B, s, n), 2, pos).unwrap());
        assert_eq!(b(2, 10, 2), [2, 6, 10]);
        assert_eq!(b(4, 8, 1), [4, 10]);
        assert_eq!(b(0, 12, 2), [0, 5, 10]);
        assert_eq!(b(8, 6, 1), [8, 12]);
    }

    #[test] // Spec: TS 38.211 §7.4.1.1.2 (table 7.4.1.1.2-4), §6.4.1.1.3 (table 6.4.1.1.3-4)
    fn double_symbols_of_the_tables() {
        let dl = |m, s, n, pos| list(pdsch_dmrs_symbols_double(&time(m, s, n), 2, pos).unwrap());
        assert_eq!(dl(MappingType::A, 0, 14, 0), [2, 3]);
        assert_eq!(dl(MappingType::A, 1, 13, 1), [2, 3, 10, 11]);
        assert_eq!(dl(MappingType::A, 2, 10, 1), [2, 3, 8, 9]);
        assert_eq!(dl(MappingType::A, 0, 9, 1), [2, 3]);
        assert_eq!(dl(MappingType::B, 1, 9, 1), [1, 2, 6, 7]);
        assert_eq!(dl(MappingType::B, 0, 11, 1), [0, 1, 7, 8]);
        assert_eq!(dl(MappingType::B, 0, 13, 1), [0, 1, 8, 9]);
        let ul = |m, s, n, pos| list(pusch_dmrs_symbols_double(&time(m, s, n), 3, pos).unwrap());
        assert_eq!(ul(MappingType::A, 0, 12, 1), [3, 4, 8, 9]);
        assert_eq!(ul(MappingType::B, 0, 14, 1), [0, 1, 9, 10]);
        assert_eq!(ul(MappingType::B, 2, 8, 1), [2, 3, 7, 8]);
        assert_eq!(ul(MappingType::B, 2, 7, 1), [2, 3]);
        assert!(pusch_dmrs_symbols_double(&time(MappingType::A, 0, 4), 3, 0).is_err());
        assert!(pdsch_dmrs_symbols_double(&time(MappingType::B, 0, 4), 2, 0).is_err());
        assert!(pdsch_dmrs_symbols_double(&time(MappingType::A, 0, 14), 2, 2).is_err());
    }

    #[test] // Spec: TS 38.211 §6.4.1.1.3 (table 6.4.1.1.3-6)
    fn symbols_of_both_hops() {
        let ul = |m, s, n, a, pos| list(pusch_dmrs_symbols_hopping(&time(m, s, n), a, pos).unwrap());
        assert_eq!(ul(MappingType::A, 0, 14, 2, 1), [2, 6, 7, 11]);
        assert_eq!(ul(MappingType::A, 0, 14, 2, 0), [2, 7]);
        assert_eq!(ul(MappingType::A, 0, 14, 3, 2), [3, 7, 11]);
        assert_eq!(ul(MappingType::A, 0, 9, 2, 1), [2, 4, 8]);
        assert_eq!(ul(MappingType::B, 2, 10, 2, 1), [2, 6, 7, 11]);
        assert_eq!(ul(MappingType::B, 2, 8, 2, 1), [2, 6]);
        assert_eq!(ul(MappingType::B, 0, 3, 2, 1), [0, 1]);
        assert!(pusch_dmrs_symbols_hopping(&time(MappingType::A, 0, 7), 2, 0).is_err());
        assert!(pusch_dmrs_symbols_hopping(&time(MappingType::B, 0, 1), 2, 0).is_err());
    }

    #[test] // Spec: TS 38.212 §7.3.1.1.2, §7.3.1.2.2
    fn ports_by_configuration() {
        let dmrs = |config_type, max_length| DmrsConfig {
            config_type,
            type_a_position: 2,
            additional_position: 0,
            max_length,
            scrambling_id: [0; 2],
        };
        let p = downlink_ports(57, &dmrs(2, 2)).unwrap();
        assert_eq!((p.ports, p.n_cdm_groups_without_data, p.n_symbols), (0b11 << 8, 2, 2));
        assert_eq!(uplink_ports(0, &dmrs(1, 1), 4).unwrap().ports, 0b1111);
        assert_eq!(uplink_ports_transform(1, &dmrs(1, 1), true).unwrap().n_scid, Some(1));
        assert!(downlink_ports(12, &dmrs(1, 1)).is_err() && uplink_ports(0, &dmrs(1, 1), 5).is_err());
    }
}
