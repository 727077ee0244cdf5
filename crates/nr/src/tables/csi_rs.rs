//! CSI-RS locations within a slot. Spec: TS 38.211 §7.4.1.5.3 (table 7.4.1.5.3-1)

/// Most CDM groups of a row.
pub const GROUPS_MAX: usize = 16;

/// One row with its parameters filled in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsiRsRow {
    /// Ports X.
    pub n_ports: u8,
    /// Elements of a CDM group in frequency: 1 or 2.
    pub n_k: u8,
    /// Elements of a CDM group in time: 1, 2 or 4.
    pub n_l: u8,
    /// Locations: groups in order j, or the three elements of row 1.
    pub n_groups: u8,
    /// (k-bar, l-bar) of each.
    pub groups: [(u8, u8); GROUPS_MAX],
}

impl CsiRsRow {
    /// Ports of a CDM group L.
    pub const fn cdm_size(&self) -> u8 {
        self.n_k * self.n_l
    }
    /// The locations.
    pub fn groups(&self) -> &[(u8, u8)] {
        &self.groups[..self.n_groups as usize]
    }
}

/// Shape of a row: ports, CDM in frequency and time, number of k_i, symbols that repeat them (bit 0: l_0, 1: l_0 + 1, 2: l_1,
/// 3: l_1 + 1), whether density 1/2 is allowed beside 1.
#[rustfmt::skip]
const SHAPES: [(u8, u8, u8, u8, u8, bool); 18] = [
    (1, 1, 1, 1, 0b1, false), (1, 1, 1, 1, 0b1, true), (2, 2, 1, 1, 0b1, true), (4, 2, 1, 1, 0b1, false),
    (4, 2, 1, 1, 0b11, false), (8, 2, 1, 4, 0b1, false), (8, 2, 1, 2, 0b11, false), (8, 2, 2, 2, 0b1, false),
    (12, 2, 1, 6, 0b1, false), (12, 2, 2, 3, 0b1, false), (16, 2, 1, 4, 0b11, true), (16, 2, 2, 4, 0b1, true),
    (24, 2, 1, 3, 0b1111, true), (24, 2, 2, 3, 0b101, true), (24, 2, 4, 3, 0b1, true), (32, 2, 1, 4, 0b1111, true),
    (32, 2, 2, 4, 0b101, true), (32, 2, 4, 4, 0b1, true),
];

/// Ports of a row 1..=18.
pub fn n_ports(row: u8) -> Option<u8> {
    Some(SHAPES.get(row.checked_sub(1)? as usize)?.0)
}

/// How many k_i a row 1..=18 takes.
pub fn n_k(row: u8) -> Option<u8> {
    Some(SHAPES.get(row.checked_sub(1)? as usize)?.3)
}

/// The row with first subcarriers `k` and first symbols `l0`, `l1` (rows 13, 14, 16, 17), of density `density_x2` / 2.
///
/// `None` if the row does not exist, has another density, or does not lie in a resource block and a slot, or overlaps itself.
pub fn row(row: u8, k: &[u8; 6], l0: u8, l1: u8, density_x2: u8) -> Option<CsiRsRow> {
    let &(n_ports, n_k, n_l, n_ki, symbols, half) = SHAPES.get(row.checked_sub(1)? as usize)?;
    let density_ok = if row == 1 { density_x2 == 6 } else { density_x2 == 2 || (half && density_x2 == 1) };
    let mut out = CsiRsRow { n_ports, n_k, n_l, n_groups: 0, groups: [(0, 0); GROUPS_MAX] };
    let mut taken = [0u16; 14];
    let mut add = |k: u8, l: u8| {
        let mask = ((1u16 << n_k) - 1).checked_shl(k as u32).filter(|m| m >> 12 == 0)?;
        for l in l..l.checked_add(n_l)? {
            let symbol = taken.get_mut(l as usize)?;
            if *symbol & mask != 0 {
                return None;
            }
            *symbol |= mask;
        }
        out.groups[out.n_groups as usize] = (k, l);
        out.n_groups += 1;
        Some(())
    };
    match row {
        1 if k[0] < 4 => [0, 4, 8].into_iter().try_for_each(|i| add(k[0] + i, l0))?,
        1 => return None,
        4 => [0, 2].into_iter().try_for_each(|i| add(k[0].checked_add(i)?, l0))?,
        _ => {
            let firsts = [l0, l0.saturating_add(1), l1, l1.saturating_add(1)];
            for (i, l) in firsts.into_iter().enumerate() {
                if symbols >> i & 1 == 1 {
                    k[..n_ki as usize].iter().try_for_each(|k| add(*k, l))?;
                }
            }
        }
    }
    density_ok.then_some(out)
}

/// First subcarriers k_i of frequencyDomainAllocation: bit i of `bitmap` is f(i) of the clause. Spec: TS 38.211 §7.4.1.5.3
///
/// `None` if the row needs another number of bits.
pub fn first_subcarriers(row: u8, bitmap: u16) -> Option<[u8; 6]> {
    let (bits, factor) = match row {
        1 => (4, 1),
        2 => (12, 1),
        4 => (3, 4),
        _ => (6, 2),
    };
    let n = n_k(row)? as u32;
    if bitmap >> bits != 0 || bitmap.count_ones() != n {
        return None;
    }
    let mut out = [0; 6];
    let set = (0..bits).filter(|i| bitmap >> i & 1 == 1);
    out.iter_mut().zip(set).for_each(|(k, i)| *k = factor * i as u8);
    Some(out)
}

/// w_f(k') w_t(l') of port `s` of a CDM group: +1 or -1. Spec: TS 38.211 tables 7.4.1.5.3-2 to -5
pub const fn cdm_sign(s: u8, k: u8, l: u8) -> i8 {
    // s counts frequency first; the time sequences are the rows of a Hadamard matrix in the order ++++, +-+-, ++--, +--+.
    let time = match s / 2 {
        0 => 0,
        1 => l & 1,
        2 => l >> 1 & 1,
        _ => (l ^ l >> 1) & 1,
    };
    if (s & 1 & k) ^ time == 0 { 1 } else { -1 }
}

/// Elements of a CSI-IM resource within a resource block: pattern 0 is 2 x 2, pattern 1 is 4 x 1. Spec: TS 38.214 §5.2.2.4
///
/// Bit k of the mask, first symbol, symbols. `None` outside the block or the slot.
pub fn csi_im(pattern: u8, k: u8, l: u8) -> Option<(u16, u8, u8)> {
    let (mask, n_l) = match pattern {
        0 if k.is_multiple_of(2) && k <= 10 => (0b11u16, 2),
        1 if k.is_multiple_of(4) && k <= 8 => (0b1111, 1),
        _ => return None,
    };
    (l + n_l <= 14).then_some((mask << k, l, n_l))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.211 §7.4.1.5.3 table 7.4.1.5.3-1
    fn each_row_has_the_groups_of_its_ports() {
        for r in 1..=18u8 {
            let k = [0, 2, 4, 6, 8, 10];
            let row = row(r, &k, 3, 8, if r == 1 { 6 } else { 2 }).unwrap();
            let locations = if r == 1 { 3 } else { row.n_ports / row.cdm_size() };
            assert_eq!(row.n_groups, locations, "row {r}");
        }
        // The third column of the table, some rows of it: k-bar and l-bar.
        let of = |r, d| row(r, &[0, 2, 4, 6, 8, 10], 3, 8, d).unwrap();
        assert_eq!(of(1, 6).groups(), [(0, 3), (4, 3), (8, 3)]);
        assert_eq!(of(4, 2).groups(), [(0, 3), (2, 3)]);
        assert_eq!(of(7, 2).groups(), [(0, 3), (2, 3), (0, 4), (2, 4)]);
        assert_eq!(of(13, 1).groups()[5..8], [(4, 4), (0, 8), (2, 8)]);
        assert_eq!(of(14, 1).groups(), [(0, 3), (2, 3), (4, 3), (0, 8), (2, 8), (4, 8)]);
        assert_eq!((of(18, 2).n_l, of(18, 2).groups()), (4, &[(0, 3), (2, 3), (4, 3), (6, 3)][..]));
        assert!(row(4, &[0; 6], 0, 0, 1).is_none() && row(0, &[0; 6], 0, 0, 2).is_none());
        assert!(row(18, &[0, 2, 4, 6, 0, 0], 11, 0, 2).is_none() && row(6, &[0, 1, 4, 6, 0, 0], 0, 0, 2).is_none());
        assert!(row(3, &[11; 6], 0, 0, 2).is_none() && row(19, &[0; 6], 0, 0, 2).is_none());
    }

    #[test] // Spec: TS 38.211 §7.4.1.5.3
    fn bitmaps_name_first_subcarriers() {
        assert_eq!(first_subcarriers(4, 0b100).unwrap()[0], 8);
        assert_eq!(first_subcarriers(10, 0b101001).unwrap()[..3], [0, 6, 10]);
        assert_eq!((first_subcarriers(2, 1 << 11).unwrap()[0], first_subcarriers(3, 0b11)), (11, None));
    }

    #[test] // Spec: TS 38.211 tables 7.4.1.5.3-2 to -5
    fn sequences_of_a_group_are_orthogonal() {
        for (n_k, n_l) in [(2u8, 1u8), (2, 2), (2, 4)] {
            for (a, b) in (0..n_k * n_l).flat_map(|a| (0..n_k * n_l).map(move |b| (a, b))) {
                let elements = (0..n_k).flat_map(|k| (0..n_l).map(move |l| (k, l)));
                let sum: i32 = elements.map(|(k, l)| i32::from(cdm_sign(a, k, l) * cdm_sign(b, k, l))).sum();
                assert_eq!(sum, if a == b { i32::from(n_k * n_l) } else { 0 });
            }
        }
        let times = |s| [0, 1, 2, 3].map(|l| cdm_sign(s, 0, l));
        assert_eq!([times(2), times(4), times(6)], [[1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]);
    }
}
