//! Default time-domain allocations, normal cyclic prefix. Spec: TS 38.214 §5.1.2.1.1, §6.1.2.1.1

/// One row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Mapping type B (else A).
    pub type_b: bool,
    /// K_0 or K_2, slots.
    pub k: u8,
    /// S.
    pub start: u8,
    /// L.
    pub n_symbols: u8,
}

const fn a(k: u8, start: u8, n_symbols: u8) -> Row {
    Row { type_b: false, k, start, n_symbols }
}
const fn b(k: u8, start: u8, n_symbols: u8) -> Row {
    Row { type_b: true, k, start, n_symbols }
}

/// Table 5.1.2.1.1-2, default A: PDSCH, by dmrs-TypeA-Position (2, anything else is read as 3).
#[rustfmt::skip]
pub const fn pdsch_a(type_a_position: u8) -> [Row; 16] {
    if type_a_position == 2 {
        [
            a(0, 2, 12), a(0, 2, 10), a(0, 2, 9), a(0, 2, 7), a(0, 2, 5), b(0, 9, 4), b(0, 4, 4), b(0, 5, 7), b(0, 5, 2),
            b(0, 9, 2), b(0, 12, 2), a(0, 1, 13), a(0, 1, 6), a(0, 2, 4), b(0, 4, 7), b(0, 8, 4),
        ]
    } else {
        [
            a(0, 3, 11), a(0, 3, 9), a(0, 3, 8), a(0, 3, 6), a(0, 3, 4), b(0, 10, 4), b(0, 6, 4), b(0, 5, 7), b(0, 5, 2),
            b(0, 9, 2), b(0, 12, 2), a(0, 1, 13), a(0, 1, 6), a(0, 2, 4), b(0, 4, 7), b(0, 8, 4),
        ]
    }
}

/// Table 5.1.2.1.1-4, default B: SI and P with SS/PBCH and CORESET multiplexing pattern 2. Row 16 is reserved.
#[rustfmt::skip]
pub const fn pdsch_b(type_a_position: u8) -> [Option<Row>; 16] {
    let r14 = if type_a_position == 2 { a(0, 2, 12) } else { a(0, 3, 11) };
    [
        Some(b(0, 2, 2)), Some(b(0, 4, 2)), Some(b(0, 6, 2)), Some(b(0, 8, 2)), Some(b(0, 10, 2)), Some(b(1, 2, 2)),
        Some(b(1, 4, 2)), Some(b(0, 2, 4)), Some(b(0, 4, 4)), Some(b(0, 6, 4)), Some(b(0, 8, 4)), Some(b(0, 10, 4)),
        Some(b(0, 2, 7)), Some(r14), Some(b(1, 2, 4)), None,
    ]
}

/// Table 5.1.2.1.1-5, default C: SI and P with multiplexing pattern 3. Rows 6 and 7 are reserved.
#[rustfmt::skip]
pub const fn pdsch_c(type_a_position: u8) -> [Option<Row>; 16] {
    let r14 = if type_a_position == 2 { a(0, 2, 12) } else { a(0, 3, 11) };
    [
        Some(b(0, 2, 2)), Some(b(0, 4, 2)), Some(b(0, 6, 2)), Some(b(0, 8, 2)), Some(b(0, 10, 2)), None, None,
        Some(b(0, 2, 4)), Some(b(0, 4, 4)), Some(b(0, 6, 4)), Some(b(0, 8, 4)), Some(b(0, 10, 4)), Some(b(0, 2, 7)),
        Some(r14), Some(a(0, 0, 6)), Some(a(0, 2, 6)),
    ]
}

/// Table 6.1.2.1.1-4: j of the default PUSCH table, by subcarrier spacing configuration mu.
pub const fn pusch_j(mu: u8) -> u8 {
    match mu {
        0 | 1 => 1,
        2 => 2,
        _ => 3,
    }
}

/// Table 6.1.2.1.1-5: Delta that Msg3 adds to K_2, by mu.
pub const fn msg3_delta(mu: u8) -> u8 {
    match mu {
        0 => 2,
        1 => 3,
        2 => 4,
        _ => 6,
    }
}

/// Table 6.1.2.1.1-2, default A: PUSCH.
#[rustfmt::skip]
pub const fn pusch_a(mu: u8) -> [Row; 16] {
    let j = pusch_j(mu);
    [
        a(j, 0, 14), a(j, 0, 12), a(j, 0, 10), b(j, 2, 10), b(j, 4, 10), b(j, 4, 8), b(j, 4, 6), a(j + 1, 0, 14),
        a(j + 1, 0, 12), a(j + 1, 0, 10), a(j + 2, 0, 14), a(j + 2, 0, 12), a(j + 2, 0, 10), b(j, 8, 6), a(j + 3, 0, 14),
        a(j + 3, 0, 10),
    ]
}

/// Start and length indicator value. Spec: TS 38.214 §5.1.2.1
pub const fn sliv(start: u8, n_symbols: u8) -> Option<u8> {
    if n_symbols == 0 || n_symbols > 14 || start as u32 + n_symbols as u32 > 14 {
        return None;
    }
    let l = n_symbols - 1;
    Some(if l <= 7 { 14 * l + start } else { 14 * (14 - l) + (13 - start) })
}

/// (S, L) of a start and length indicator value 0..=127.
pub const fn from_sliv(sliv: u8) -> Option<(u8, u8)> {
    let (q, r) = (sliv / 14, sliv % 14);
    if q <= 7 && r + q < 14 {
        Some((r, q + 1))
    } else if q >= 1 && q <= 6 && 13 - r + 14 - q < 14 {
        Some((13 - r, 15 - q))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.1.2.1
    fn sliv_round_trips_and_is_unique() {
        let mut seen = [false; 128];
        for s in 0..14u8 {
            for l in 1..=14 - s {
                let v = sliv(s, l).unwrap();
                assert!(!core::mem::replace(&mut seen[v as usize], true));
                assert_eq!(from_sliv(v), Some((s, l)));
            }
        }
        assert_eq!((sliv(0, 14), sliv(2, 12), sliv(13, 2)), (Some(27), Some(53), None));
        assert!((0..=255).filter(|v| from_sliv(*v).is_some()).eq((0..128u8).filter(|v| seen[*v as usize])));
    }

    #[test] // Spec: TS 38.214 §5.1.2.1.1, §6.1.2.1.1
    fn default_rows_stay_in_the_slot_and_hold_the_dmrs() {
        for row in pdsch_a(2).iter().chain(&pdsch_a(3)).chain(&pusch_a(1)) {
            assert!(row.start + row.n_symbols <= 14);
        }
        assert_eq!(pdsch_a(2)[0], Row { type_b: false, k: 0, start: 2, n_symbols: 12 });
        assert_eq!(pusch_a(1)[10], Row { type_b: false, k: 3, start: 0, n_symbols: 14 });
    }
}
