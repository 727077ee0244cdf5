//! The channel of a block whose timing and frequency are followed, at SNRs where no symbol tells its own phase: everything that is known
//! in all four symbols counts together.
//!
//! Four subcarriers are a bin: two or three pilots, and in the middle of the block four elements of PSS and SSS each besides. Bins are
//! averaged over as many neighbours as brings them closest to the channel, by Stein's unbiased estimate of the squared error.

use super::receive::{Block, pilots_of};
use super::{PBCH_DMRS, SSB_SUBCARRIERS, SYNC_START, pbch_dmrs, sync};
use dsp::Cf32;
use nr::Pci;

/// Subcarriers of a bin, and bins.
const BIN: usize = 4;
const BINS: usize = SSB_SUBCARRIERS / BIN;
/// Bins on either side to choose from.
const REACHES: [usize; 7] = [1, 2, 3, 4, 6, 9, 14];

/// Bins over which the index is looked for coherently: 24 subcarriers.
const WINDOW: usize = 6;

/// The DM-RS that fits best, of the eight that i-bar_SSB may have: energy of sums over 24 subcarriers and all symbols, PSS and SSS with them.
pub(super) fn best_dmrs(y: &Block, pci: Pci) -> (u8, [Cf32; PBCH_DMRS]) {
    let comb = usize::from(pci.get() % 4);
    let (pss, sss) = (sync::pss(pci.n_id_2()), sync::sss(pci.n_id_1(), pci.n_id_2()));
    let mut known = [Cf32::default(); BINS / WINDOW];
    for (i, (p, s)) in pss.iter().zip(&sss).enumerate() {
        let k = SYNC_START + i;
        known[k / (BIN * WINDOW)] += y[0][k] * *p + y[2][k] * *s;
    }
    let mut best = (0, -1.0, [Cf32::default(); PBCH_DMRS]);
    for i_bar in 0..8 {
        let dmrs = pbch_dmrs(pci, i_bar);
        let mut sums = known;
        for l in 1..4 {
            pilots_of(l, comb).for_each(|(k, m)| sums[k / (BIN * WINDOW)] += y[l][k] * dmrs[m].conj());
        }
        let metric: f32 = sums.iter().map(|s| s.norm_sqr()).sum();
        if metric > best.1 {
            best = (i_bar, metric, dmrs);
        }
    }
    (best.0, best.2)
}

/// Writes the channel of all symbols on every subcarrier; returns the noise variance of an element.
pub(super) fn block_channel(y: &Block, pci: Pci, dmrs: &[Cf32; PBCH_DMRS], h: &mut [Cf32; SSB_SUBCARRIERS]) -> f32 {
    let comb = usize::from(pci.get() % 4);
    let (pss, sss) = (sync::pss(pci.n_id_2()), sync::sss(pci.n_id_1(), pci.n_id_2()));
    let (mut sums, mut looks) = ([Cf32::default(); BINS], [0.0f32; BINS]);
    let mut energy = 0.0;
    let mut add = |k: usize, x: Cf32| {
        sums[k / BIN] += x;
        looks[k / BIN] += 1.0;
        energy += x.norm_sqr();
    };
    for l in 1..4 {
        pilots_of(l, comb).for_each(|(k, m)| add(k, y[l][k] * dmrs[m].conj()));
    }
    for (i, (p, s)) in pss.iter().zip(&sss).enumerate() {
        let k = SYNC_START + i;
        add(k, y[0][k] * *p);
        add(k, y[2][k] * *s);
    }
    // What looks differ by within a bin is noise.
    let coherent: f32 = sums.iter().zip(&looks).map(|(s, n)| s.norm_sqr() / n).sum();
    let spare = looks.iter().sum::<f32>() - BINS as f32;
    let noise = ((energy - coherent) / spare).max(f32::MIN_POSITIVE);
    let smoothed = |reach: usize, i: usize| -> (Cf32, f32) {
        let near = i.saturating_sub(reach)..(i + reach + 1).min(BINS);
        let n: f32 = looks[near.clone()].iter().sum();
        (sums[near].iter().sum::<Cf32>() / n, n)
    };
    let risk = |reach: usize| -> f32 {
        let of_bin = |i: usize| {
            let (mean, n) = smoothed(reach, i);
            (sums[i] / looks[i] - mean).norm_sqr() + 2.0 * noise / n - noise / looks[i]
        };
        (0..BINS).map(of_bin).sum()
    };
    let mut best = (REACHES[0], f32::INFINITY);
    for reach in REACHES {
        let risk = risk(reach);
        if risk < best.1 {
            best = (reach, risk);
        }
    }
    let bins: [Cf32; BINS] = core::array::from_fn(|i| smoothed(best.0, i).0);
    // Straight between the bins' middles, held beyond the outer ones.
    for (k, h) in h.iter_mut().enumerate() {
        let at = (k as f32 - 1.5) / BIN as f32;
        let i = (at.max(0.0) as usize).min(BINS - 2);
        let w = (at - i as f32).clamp(0.0, 1.0);
        *h = bins[i] * (1.0 - w) + bins[i + 1] * w;
    }
    noise
}
