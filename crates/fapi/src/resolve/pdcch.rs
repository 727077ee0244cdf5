//! Search spaces. Spec: TS 38.213 §10.1, TS 38.211 §7.3.2.3
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | Y_{p,n} | [`hash_y`] | pseudo-random offset of a UE-specific search space |
//! | M_{p,s}^(L) | `n_candidates` | candidates of aggregation level L |
//! | N_CCE,p | `n_cce` | CCEs of the CORESET |

use crate::config::{CceRegMapping, CoresetConfig, SearchSpaceConfig, SearchSpaceKind};
use nr::{Rnti, SlotPoint};

/// Aggregation levels in the order of [`SearchSpaceConfig::n_candidates`].
pub const AGGREGATION_LEVELS: [u8; 5] = [1, 2, 4, 8, 16];

/// Candidates for aggregation levels 1 to 16 of search space 0. Spec: TS 38.213 table 10.1-1
pub const TYPE0_CANDIDATES: [u8; 5] = [0, 0, 4, 2, 1];

/// Y_{p,n} of CORESET `coreset_id` in slot `slot` of the frame. Spec: TS 38.213 §10.1
pub fn hash_y(coreset_id: u8, c_rnti: Rnti, slot: SlotPoint) -> u32 {
    let a = [39827u64, 39829, 39839][coreset_id as usize % 3];
    let mut y = c_rnti.0 as u64;
    for _ in 0..=slot.slot() {
        y = a * y % 65537;
    }
    y as u32
}

/// First CCE of candidate `m` of `n_candidates` at aggregation level `level`; `y` is 0 in a common search space.
/// `None` if the level does not fit the CORESET.
pub fn candidate_cce(y: u32, m: u8, level: u8, n_candidates: u8, n_cce: u16) -> Option<u16> {
    let l = level as u32;
    let slots = (n_cce as u32).checked_div(l).filter(|n| *n > 0)?;
    let step = m as u32 * n_cce as u32 / (l * n_candidates.max(1) as u32);
    Some((l * ((y + step) % slots)) as u16)
}

/// Distinct first CCEs of a search space at one aggregation level in `slot`, in candidate order.
pub fn candidates(
    space: &SearchSpaceConfig,
    coreset: &CoresetConfig,
    rnti: Rnti,
    slot: SlotPoint,
    level_idx: usize,
) -> impl Iterator<Item = u16> + use<> {
    let y = match space.kind {
        SearchSpaceKind::Common => 0,
        _ => hash_y(coreset.id, rnti, slot),
    };
    let (level, n, n_cce) =
        (AGGREGATION_LEVELS[level_idx.min(4)], space.n_candidates[level_idx.min(4)], coreset.n_cce());
    let at = move |m| candidate_cce(y, m, level, n, n_cce);
    (0..n).filter_map(move |m| at(m).filter(|cce| (0..m).all(|earlier| at(earlier) != Some(*cce))))
}

/// (n_ID, n_RNTI) of the scrambling of a PDCCH.
///
/// Spec: TS 38.211 §7.3.2.3. A CORESET with an identity above 0 is taken to have pdcch-DMRS-ScramblingID, which our gNB always
/// sends; a UE-specific search space in CORESET 0 has none.
pub fn pdcch_scrambling(coreset: &CoresetConfig, kind: SearchSpaceKind, c_rnti: Rnti, n_cell_id: u16) -> (u16, u16) {
    match kind {
        SearchSpaceKind::Common => (n_cell_id, 0),
        _ if coreset.id == 0 => (n_cell_id, 0),
        _ => (coreset.dmrs_n_id, c_rnti.0),
    }
}

/// The resource element groups of `level` CCEs from `first_cce` on: (RB from the carrier's lowest, symbol of the CORESET).
///
/// Spec: TS 38.211 §7.3.2.2. CCEs beyond the CORESET yield nothing.
pub fn cce_regs(coreset: &CoresetConfig, first_cce: u16, level: u8) -> impl Iterator<Item = (u16, u8)> + use<> {
    let c = *coreset;
    let duration = c.duration.max(1) as u32;
    let n_reg = c.n_rb() as u32 * duration;
    let (l, interleaver) = match c.mapping {
        CceRegMapping::NonInterleaved => (6, None),
        CceRegMapping::Interleaved { reg_bundle_size, interleaver_size, shift_index } => {
            (reg_bundle_size.max(1) as u32, Some((interleaver_size.max(1) as u32, shift_index as u32)))
        }
    };
    let n_bundles = (n_reg / l).max(1);
    let bundle = move |x: u32| match interleaver {
        None => x,
        Some((r, shift)) => ((x % r) * (n_bundles / r) + x / r + shift) % n_bundles,
    };
    let per_cce = (6 / l).max(1);
    let cces = (first_cce as u32..first_cce as u32 + level as u32).filter(move |j| (j + 1) * 6 <= n_reg);
    cces.flat_map(move |j| (0..per_cce).map(move |k| bundle(j * per_cce + k)))
        .flat_map(move |b| b * l..(b + 1) * l)
        .map(move |reg| (nth_rb(&c, reg / duration), (reg % duration) as u8))
}

/// RB number `n` of the CORESET, from the carrier's lowest RB.
fn nth_rb(c: &CoresetConfig, n: u32) -> u16 {
    let group = (0..64u16).filter(|g| c.rb_groups >> g & 1 == 1).nth(n as usize / 6).unwrap_or(0);
    c.start_rb + 6 * group + (n % 6) as u16
}

/// First symbols of the monitoring occasions of a search space in a monitored slot, ascending.
pub fn occasion_symbols(space: &SearchSpaceConfig) -> impl Iterator<Item = u8> + use<> {
    let symbols = space.symbols;
    (0..14).filter(move |l| symbols >> l & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nr::Numerology;

    #[test] // Spec: TS 38.213 §10.1
    fn hash_by_hand() {
        // Y_{p,0} = 39827 * 17921 mod 65537, Y_{p,1} = 39827 * Y_{p,0} mod 65537.
        let y0 = 39827u64 * 17921 % 65537;
        let slot = |s| SlotPoint::new(Numerology::KHZ30, 9, s);
        assert_eq!(hash_y(3, Rnti(17921), slot(0)) as u64, y0);
        assert_eq!(hash_y(0, Rnti(17921), slot(1)) as u64, 39827 * y0 % 65537);
        assert_eq!(hash_y(1, Rnti(17921), slot(0)) as u64, 39829u64 * 17921 % 65537);
    }

    #[test] // Spec: TS 38.211 §7.3.2.2
    fn groups_of_a_cce_by_hand() {
        let c = CoresetConfig {
            id: 0,
            rb_groups: 0b1111,
            start_rb: 10,
            duration: 2,
            mapping: CceRegMapping::NonInterleaved,
            wideband_precoder: false,
            dmrs_n_id: 0,
            dmrs_reference_rb: 10,
        };
        // Time first: six groups are three RBs in two symbols.
        assert_eq!(cce_regs(&c, 1, 1).collect::<Vec<_>>(), [(13, 0), (13, 1), (14, 0), (14, 1), (15, 0), (15, 1)]);
        // L = 6, R = 2, 8 bundles, C = 4, shift 1: bundles of CCE 0 to 3 are 1, 5, 2, 6.
        let i = CceRegMapping::Interleaved { reg_bundle_size: 6, interleaver_size: 2, shift_index: 1 };
        let firsts = |c| (0..4).map(|j| cce_regs(&c, j, 1).next().unwrap().0).collect::<Vec<_>>();
        assert_eq!(firsts(CoresetConfig { mapping: i, ..c }), [13, 25, 16, 28]);
        // L = 2: three bundles a CCE; with 24 bundles and C = 12, CCE 0 has bundles 0, 12, 1.
        let i = CceRegMapping::Interleaved { reg_bundle_size: 2, interleaver_size: 2, shift_index: 0 };
        let rbs: Vec<_> = cce_regs(&CoresetConfig { mapping: i, ..c }, 0, 1).map(|r| r.0).collect();
        assert_eq!(rbs, [10, 10, 22, 22, 11, 11]);
        let mut all: Vec<_> = cce_regs(&CoresetConfig { mapping: i, ..c }, 0, 8).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), cce_regs(&c, 7, 2).count()), (48, 6));
    }

    #[test] // Spec: TS 38.213 §10.1
    fn common_candidates_of_48_rb_by_two_symbols() {
        let all = |level, n| (0..n).map(|m| candidate_cce(0, m, level, n, 16).unwrap()).collect::<Vec<_>>();
        assert_eq!(all(4, 4), [0, 4, 8, 12]);
        assert_eq!(all(8, 2), [0, 8]);
        assert_eq!(all(16, 1), [0]);
        assert_eq!(candidate_cce(0, 0, 16, 1, 8), None);
    }
}
