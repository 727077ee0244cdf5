//! Code block groups: which code blocks a transmission carries. Spec: TS 38.214 §5.1.7, §6.1.5
//!
//! | in the specification | here | meaning | range |
//! | --- | --- | --- | --- |
//! | N | `n_max` | most groups of a transport block, as configured | 2, 4, 6, 8 |
//! | C, M | `n_blocks`, [`Cbgs::n`] | code blocks; groups, min(N, C) | |
//! | CBGTI | [`Cbgs::from_cbgti`] | one bit for each group, the first most significant | |
//! | CBGFI | `combine` | what was received of these groups may be combined | |

/// What DCI says about code block groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cbgs {
    /// N, the most groups of a transport block.
    pub n_max: u8,
    /// Bit m: group m is sent.
    pub sent: u8,
    /// False (CBGFI is 0): soft bits held of the groups sent may be corrupt and are forgotten.
    pub combine: bool,
}

impl Cbgs {
    /// Reads the fields of DCI; None if N is not 2, 4, 6 or 8.
    ///
    /// Spec: TS 38.212 §7.3.1.1.2, §7.3.1.2.2; TS 38.214 §5.1.7.2, §6.1.5.2
    /// - `cbgti` the N bits of the field, the first in bit N - 1
    /// - `cbgfi` the field, true where it is absent
    pub fn from_cbgti(n_max: u8, cbgti: u8, cbgfi: bool) -> Option<Self> {
        let unused = [2, 4, 6, 8].contains(&n_max).then(|| 8 - n_max)?;
        Some(Self { n_max, sent: cbgti.reverse_bits() >> unused, combine: cbgfi })
    }

    /// M, the groups of a transport block of `n_blocks` code blocks. Spec: TS 38.214 §5.1.7.1
    pub fn n(self, n_blocks: usize) -> usize {
        n_blocks.min(usize::from(self.n_max.clamp(1, 8)))
    }

    /// The group of a code block. Spec: TS 38.214 §5.1.7.1, §6.1.5.1
    pub fn group_of(self, block: usize, n_blocks: usize) -> usize {
        let m = self.n(n_blocks).max(1);
        // The first M_1 groups have K_1 code blocks, the others K_2.
        let (m_1, k_1, k_2) = (n_blocks % m, n_blocks.div_ceil(m).max(1), (n_blocks / m).max(1));
        if block < m_1 * k_1 { block / k_1 } else { m_1 + (block - m_1 * k_1) / k_2 }
    }

    /// Whether a code block is sent.
    pub fn sends(self, block: usize, n_blocks: usize) -> bool {
        self.sent >> self.group_of(block, n_blocks) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.1.7.1, §6.1.5.1
    fn groups_follow_the_clause() {
        let groups = |n_max, c| -> Vec<usize> {
            let cbgs = Cbgs { n_max, sent: 0, combine: true };
            (0..c).map(|block| cbgs.group_of(block, c)).collect()
        };
        assert_eq!(groups(4, 10), [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]);
        assert_eq!(groups(8, 3), [0, 1, 2]);
        assert_eq!(groups(2, 5), [0, 0, 0, 1, 1]);
        assert_eq!(groups(6, 6), [0, 1, 2, 3, 4, 5]);
    }

    #[test] // Spec: TS 38.214 §5.1.7.2, §6.1.5.2 (the first group is the most significant bit)
    fn fields_are_read() {
        let cbgs = Cbgs::from_cbgti(4, 0b1010, false).unwrap();
        assert_eq!(cbgs, Cbgs { n_max: 4, sent: 0b0101, combine: false });
        assert!(cbgs.sends(0, 10) && !cbgs.sends(3, 10) && cbgs.sends(7, 10) && !cbgs.sends(9, 10));
        assert_eq!((Cbgs::from_cbgti(3, 0, true), Cbgs::from_cbgti(9, 0, true)), (None, None));
    }
}
