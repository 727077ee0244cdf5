//! PUCCH resources before a dedicated configuration, and the DM-RS of formats 3 and 4.
//!
//! Spec: TS 38.213 §9.2.1, table 9.2.1-1; TS 38.211 table 6.4.1.3.3.2-1

/// Widths of format 3 in resource blocks: those without a prime factor above 5. Spec: TS 38.211 §6.3.2.6.3, TS 38.331 PUCCH-format3
pub const FORMAT3_N_PRB: [u8; 12] = [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16];

/// Bit i: symbol i of a format 3 or 4 PUCCH of `n_symbols` carries DM-RS; none below 4 or above 14 symbols.
///
/// Spec: TS 38.211 table 6.4.1.3.3.2-1
pub fn dmrs_symbols(n_symbols: u8, hopping: bool, additional: bool) -> u16 {
    let list: &[u8] = match (n_symbols, additional) {
        (4, _) if hopping => &[0, 2],
        (4, _) => &[1],
        (5, _) => &[0, 3],
        (6 | 7, _) => &[1, 4],
        (8, _) => &[1, 5],
        (9, _) => &[1, 6],
        (10 | 11, false) => &[2, 7],
        (12, false) => &[2, 8],
        (13, false) => &[2, 9],
        (14, false) => &[3, 10],
        (10, true) => &[1, 3, 6, 8],
        (11, true) => &[1, 3, 6, 9],
        (12, true) => &[1, 4, 7, 10],
        (13, true) => &[1, 4, 7, 11],
        (14, true) => &[1, 5, 8, 12],
        _ => &[],
    };
    list.iter().fold(0, |mask, i| mask | 1 << i)
}

/// One row of table 9.2.1-1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommonRow {
    /// PUCCH format, 0 or 1.
    pub format: u8,
    /// First symbol.
    pub start_symbol: u8,
    /// Symbols.
    pub n_symbols: u8,
    /// RB_BWP^offset; `None` in row 15, where it is a quarter of the bandwidth part.
    pub rb_offset: Option<u8>,
    /// The set of initial cyclic shifts.
    pub cyclic_shifts: &'static [u8],
}

const fn row(format: u8, start_symbol: u8, n_symbols: u8, rb_offset: u8, cyclic_shifts: &'static [u8]) -> CommonRow {
    CommonRow { format, start_symbol, n_symbols, rb_offset: Some(rb_offset), cyclic_shifts }
}

/// Table 9.2.1-1, by pucch-ResourceCommon.
pub const COMMON: [CommonRow; 16] = [
    row(0, 12, 2, 0, &[0, 3]),
    row(0, 12, 2, 0, &[0, 4, 8]),
    row(0, 12, 2, 3, &[0, 4, 8]),
    row(1, 10, 4, 0, &[0, 6]),
    row(1, 10, 4, 0, &[0, 3, 6, 9]),
    row(1, 10, 4, 2, &[0, 3, 6, 9]),
    row(1, 10, 4, 4, &[0, 3, 6, 9]),
    row(1, 4, 10, 0, &[0, 6]),
    row(1, 4, 10, 0, &[0, 3, 6, 9]),
    row(1, 4, 10, 2, &[0, 3, 6, 9]),
    row(1, 4, 10, 4, &[0, 3, 6, 9]),
    row(1, 0, 14, 0, &[0, 6]),
    row(1, 0, 14, 0, &[0, 3, 6, 9]),
    row(1, 0, 14, 2, &[0, 3, 6, 9]),
    row(1, 0, 14, 4, &[0, 3, 6, 9]),
    CommonRow { format: 1, start_symbol: 0, n_symbols: 14, rb_offset: None, cyclic_shifts: &[0, 3, 6, 9] },
];

/// One of the 16 resources of a row: its two PRBs (counted in the bandwidth part) and its initial cyclic shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommonResource {
    /// PRB of the first hop.
    pub first_prb: u16,
    /// PRB of the second hop.
    pub second_prb: u16,
    /// Initial cyclic shift.
    pub initial_cyclic_shift: u8,
}

impl CommonRow {
    /// Resource r_PUCCH, 0..=15, in an initial uplink BWP of `n_rb` RBs; `None` if it does not fit.
    ///
    /// Spec: TS 38.213 §9.2.1
    pub fn resource(&self, r_pucch: u8, n_rb: u16) -> Option<CommonResource> {
        let n_cs = self.cyclic_shifts.len() as u16;
        let offset = self.rb_offset.map_or(n_rb / 4, |o| o as u16);
        let (r, upper) = if r_pucch < 8 { (r_pucch, false) } else { (r_pucch.checked_sub(8)?, true) };
        if r >= 8 {
            return None;
        }
        let near = offset + r as u16 / n_cs;
        let far = n_rb.checked_sub(1 + near)?;
        let (first_prb, second_prb) = if upper { (far, near) } else { (near, far) };
        Some(CommonResource {
            first_prb,
            second_prb,
            initial_cyclic_shift: self.cyclic_shifts[(r as u16 % n_cs) as usize],
        })
    }
}

/// r_PUCCH = floor(2 n_CCE,0 / N_CCE) + 2 Delta_PRI. Spec: TS 38.213 §9.2.1
pub const fn r_pucch(n_cce: u16, n_cce_total: u16, delta_pri: u8) -> u8 {
    let n = if n_cce_total == 0 { 1 } else { n_cce_total };
    ((2 * n_cce as u32 / n as u32) as u8 + 2 * (delta_pri & 7)) & 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.213 §9.2.1
    fn the_sixteen_resources_of_a_row_differ_and_lie_at_both_edges() {
        for (i, row) in COMMON.iter().enumerate() {
            let all: Vec<_> = (0..16).map(|r| row.resource(r, 51).unwrap()).collect();
            for (a, x) in all.iter().enumerate() {
                assert!(all[..a].iter().all(|y| y != x), "row {i}");
                assert_eq!(x.first_prb + x.second_prb, 50);
            }
        }
        assert_eq!(
            COMMON[11].resource(9, 51),
            Some(CommonResource { first_prb: 50, second_prb: 0, initial_cyclic_shift: 6 })
        );
        assert_eq!(COMMON[15].resource(0, 51).unwrap().first_prb, 12);
        assert_eq!(r_pucch(4, 8, 7), 15);
    }
}
