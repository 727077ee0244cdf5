//! Precoding information and SRS resource indicator fields of DCI. Spec: TS 38.212 §7.3.1.1.2
//!
//! Left out: the full power modes of tables 7.3.1.1.2-2A to -4A and -32 to -32B.

/// codebookSubset. Spec: TS 38.214 §6.1.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CodebookSubset {
    /// fullyAndPartialAndNonCoherent.
    #[default]
    FullyPartialNon,
    /// partialAndNonCoherent.
    PartialNon,
    /// nonCoherent.
    Non,
}

/// Layers and TPMIs that follow one another in table 7.3.1.1.2-2: (layers, first TPMI, how many).
const FOUR_PORTS: [(u8, u8, u8); 12] = [
    (1, 0, 4),
    (2, 0, 6),
    (3, 0, 1),
    (4, 0, 1),
    (1, 4, 8),
    (2, 6, 8),
    (3, 1, 2),
    (4, 1, 2),
    (1, 12, 16),
    (2, 14, 8),
    (3, 3, 4),
    (4, 3, 2),
];

/// Table 7.3.1.1.2-4: (layers, TPMI) of two ports.
const TWO_PORTS: [(u8, u8); 9] = [(1, 0), (1, 1), (2, 0), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1), (2, 2)];

/// Values that the field has, by antenna ports, maxRank (1 with transform precoding) and subset; 0 for one port.
pub const fn n_precoders(n_ports: u8, max_rank: u8, subset: CodebookSubset) -> u8 {
    match (n_ports, max_rank, subset) {
        (4, 1, CodebookSubset::FullyPartialNon) => 28,
        (4, 1, CodebookSubset::PartialNon) => 12,
        (4, 1, CodebookSubset::Non) => 4,
        (4, _, CodebookSubset::FullyPartialNon) => 62,
        (4, _, CodebookSubset::PartialNon) => 32,
        (4, _, CodebookSubset::Non) => 12,
        (2, 1, CodebookSubset::Non) => 2,
        (2, 1, _) => 6,
        (2, _, CodebookSubset::Non) => 3,
        (2, _, _) => 9,
        _ => 0,
    }
}

/// Layers and TPMI of a field. Spec: TS 38.212 tables 7.3.1.1.2-2 to -5
///
/// `None` for reserved values, and for ranks above `max_rank`.
pub fn precoder(n_ports: u8, max_rank: u8, subset: CodebookSubset, field: u8) -> Option<(u8, u8)> {
    if field >= n_precoders(n_ports, max_rank, subset) {
        return None;
    }
    let found = match (n_ports, max_rank) {
        (_, 1) => (1, field),
        (2, _) => *TWO_PORTS.get(field as usize)?,
        _ => {
            let mut rest = field;
            let run = FOUR_PORTS.iter().find(|run| {
                let here = rest < run.2;
                rest = if here { rest } else { rest - run.2 };
                here
            })?;
            (run.0, run.1 + rest)
        }
    };
    (found.0 <= max_rank).then_some(found)
}

/// Binomial coefficient of small numbers.
const fn choose(n: u8, k: u8) -> u8 {
    let (mut out, mut i) = (1u16, 0);
    while i < k {
        out = out * (n - i) as u16 / (i as u16 + 1);
        i += 1;
    }
    out as u8
}

/// Values of the SRS resource indicator, non-codebook: `n_srs` resources 1..=4, `l_max` layers 1..=4.
pub const fn n_sri(n_srs: u8, l_max: u8) -> u8 {
    let (mut sum, mut k) = (0, 1);
    while k <= l_max && k <= n_srs {
        sum += choose(n_srs, k);
        k += 1;
    }
    sum
}

/// SRS resources (bit i is resource i) of an indicator, non-codebook: sets by size, then in order.
///
/// Spec: TS 38.212 tables 7.3.1.1.2-28 to -31. `None` for reserved values.
pub fn sri(n_srs: u8, l_max: u8, field: u8) -> Option<u8> {
    let n_srs = n_srs.min(4);
    if n_srs == 1 {
        return (field == 0).then_some(1);
    }
    let mut left = field;
    for size in 1..=l_max.min(n_srs) {
        // Ascending lists of indices in lexicographic order are descending bit-reversed numbers.
        for reversed in (1u8..1 << n_srs).rev().filter(|m| m.count_ones() == u32::from(size)) {
            if left == 0 {
                return Some((0..n_srs).filter(|i| reversed >> (n_srs - 1 - i) & 1 == 1).fold(0, |m, i| m | 1 << i));
            }
            left -= 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use CodebookSubset::*;

    #[test] // Spec: TS 38.212 §7.3.1.1.2 tables 7.3.1.1.2-2 to -5
    fn rows_of_the_precoding_tables() {
        let four = |field| precoder(4, 4, FullyPartialNon, field);
        let rows = [(0, (1, 0)), (9, (2, 5)), (10, (3, 0)), (11, (4, 0)), (19, (1, 11)), (27, (2, 13)), (28, (3, 1))];
        assert!(rows.iter().all(|(field, row)| four(*field) == Some(*row)));
        let rows =
            [(31, (4, 2)), (32, (1, 12)), (47, (1, 27)), (48, (2, 14)), (55, (2, 21)), (59, (3, 6)), (61, (4, 4))];
        assert!(rows.iter().all(|(field, row)| four(*field) == Some(*row)));
        assert_eq!((four(62), precoder(4, 2, FullyPartialNon, 10)), (None, None));
        assert_eq!((precoder(4, 4, PartialNon, 32), precoder(4, 4, Non, 11)), (None, Some((4, 0))));
        assert_eq!((precoder(4, 1, PartialNon, 11), precoder(4, 1, PartialNon, 12)), (Some((1, 11)), None));
        assert_eq!(
            (precoder(2, 2, FullyPartialNon, 6), precoder(2, 2, FullyPartialNon, 8)),
            (Some((1, 5)), Some((2, 2)))
        );
        assert_eq!(
            (precoder(2, 2, Non, 3), precoder(2, 1, Non, 1), precoder(1, 1, Non, 0)),
            (None, Some((1, 1)), None)
        );
    }

    #[test] // Spec: TS 38.212 §7.3.1.1.2 tables 7.3.1.1.2-28 to -31
    fn rows_of_the_sri_tables() {
        let all = |n, l| (0..n_sri(n, l)).map(|f| sri(n, l, f).unwrap()).collect::<Vec<_>>();
        assert_eq!(all(4, 1), [1, 2, 4, 8]);
        assert_eq!(all(3, 2), [1, 2, 4, 0b11, 0b101, 0b110]);
        assert_eq!(all(4, 2)[4..], [0b11, 0b101, 0b1001, 0b110, 0b1010, 0b1100]);
        assert_eq!(all(4, 3)[10..], [0b111, 0b1011, 0b1101, 0b1110]);
        assert_eq!((all(4, 4).len(), all(4, 4)[14], sri(4, 4, 15)), (15, 15, None));
    }
}
