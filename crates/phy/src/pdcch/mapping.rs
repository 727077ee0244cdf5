//! CCE-to-REG mapping. Spec: TS 38.211 §7.3.2.2

use fapi::{CceRegMapping, CoresetConfig};

/// Most CCEs of a CORESET: 45 groups of six RBs, three symbols.
pub const N_CCE_MAX: usize = 135;

/// A resource element group: one RB in one symbol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Reg {
    /// Symbol within the CORESET, 0..=2.
    pub l: u8,
    /// RB from the carrier's lowest RB.
    pub rb: u16,
}

/// Where the CCEs of a CORESET lie. Made once for each configuration.
#[derive(Clone, Debug)]
pub struct CoresetMap {
    coreset: CoresetConfig,
    /// RBs of the CORESET in ascending order.
    rbs: Vec<u16>,
    /// Bundle f(x) for each x.
    bundles: Vec<u16>,
    /// REGs of a bundle.
    bundle: usize,
    n_cce: usize,
}

impl CoresetMap {
    /// The map of `coreset`; `None` if its parameters contradict one another (bundle size and duration, interleaver and size).
    pub fn new(coreset: &CoresetConfig) -> Option<CoresetMap> {
        let duration = usize::from(coreset.duration);
        let rbs: Vec<u16> = (0..45u16)
            .filter(|i| coreset.rb_groups >> i & 1 == 1)
            .flat_map(|i| (0..6).map(move |rb| coreset.start_rb.saturating_add(6 * i + rb)))
            .collect();
        if !(1..=3).contains(&duration) || rbs.is_empty() || coreset.rb_groups >> 45 != 0 {
            return None;
        }
        let n_reg = rbs.len() * duration;
        let (bundle, bundles) = match coreset.mapping {
            CceRegMapping::NonInterleaved => (6, (0..n_reg as u16 / 6).collect()),
            CceRegMapping::Interleaved { reg_bundle_size, interleaver_size, shift_index } => {
                let (bundle, rows) = (usize::from(reg_bundle_size), usize::from(interleaver_size));
                let fits = bundle == 6 || bundle == duration || (duration == 1 && bundle == 2);
                if !fits
                    || !matches!(bundle, 2 | 3 | 6)
                    || !matches!(rows, 2 | 3 | 6)
                    || !n_reg.is_multiple_of(bundle * rows)
                {
                    return None;
                }
                let (columns, n) = (n_reg / (bundle * rows), n_reg / bundle);
                let f = |x: usize| ((x % rows) * columns + x / rows + usize::from(shift_index)) % n;
                (bundle, (0..n).map(|x| f(x) as u16).collect())
            }
        };
        Some(CoresetMap { coreset: *coreset, rbs, bundles, bundle, n_cce: n_reg / 6 })
    }

    /// The configuration it was made for.
    pub fn coreset(&self) -> &CoresetConfig {
        &self.coreset
    }

    /// N_CCE.
    pub fn n_cce(&self) -> usize {
        self.n_cce
    }

    /// The RBs in ascending order.
    pub fn rbs(&self) -> &[u16] {
        &self.rbs
    }

    /// The highest RB and one.
    pub fn rb_end(&self) -> usize {
        self.rbs.last().map_or(0, |rb| usize::from(*rb) + 1)
    }

    /// Runs of contiguous RBs, ascending. Spec: TS 38.211 §7.3.2.2 (precoderGranularity allContiguousRBs)
    pub fn runs(&self) -> impl Iterator<Item = core::ops::Range<u16>> + '_ {
        self.rbs.chunk_by(|a, b| *b == a + 1).map(|run| run[0]..run[0] + run.len() as u16)
    }

    /// REGs of a bundle L.
    pub fn bundle_len(&self) -> usize {
        self.bundle
    }

    /// The bundles of CCEs `cce..cce + level` in mapping order; empty where they lie outside.
    pub fn bundles_of(&self, cce: usize, level: usize) -> &[u16] {
        let per_cce = 6 / self.bundle;
        self.bundles.get(cce * per_cce..(cce + level) * per_cce).unwrap_or(&[])
    }

    /// The REGs of bundle `b` (a value of [`CoresetMap::bundles_of`]): index of the RB in [`CoresetMap::rbs`], and symbol.
    pub fn regs_of(&self, b: u16) -> impl Iterator<Item = (usize, u8)> + use<> {
        let duration = usize::from(self.coreset.duration);
        let first = usize::from(b) * self.bundle;
        // REGs count symbols first, then RBs.
        (first..first + self.bundle).map(move |reg| (reg / duration, (reg % duration) as u8))
    }

    /// The REGs of CCEs `cce..cce + level`, sorted as symbols are mapped: frequency first, then symbols. Returns how many.
    ///
    /// Spec: TS 38.211 §7.3.2.5. `out` holds at least 96.
    pub fn sorted_regs(&self, cce: usize, level: usize, out: &mut [Reg]) -> usize {
        let mut n = 0;
        for &b in self.bundles_of(cce, level) {
            for (rb, l) in self.regs_of(b) {
                if let (Some(out), Some(&rb)) = (out.get_mut(n), self.rbs.get(rb)) {
                    *out = Reg { l, rb };
                    n += 1;
                }
            }
        }
        out[..n].sort_unstable();
        n
    }
}
