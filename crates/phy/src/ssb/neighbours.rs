//! Cells whose blocks lie where another's do: found and measured in a grid.
//!
//! Spec: TS 38.215 §5.1.1 (SS-RSRP), §5.1.3 (SS-RSRQ), §5.1.5 (SS-SINR)

use super::receive::{SsbMeasurement, best_dmrs, measure, pss_channel, remove_slope, timing_slope};
use super::sync::{self, SYNC_LEN};
use super::{SSB_SUBCARRIERS, SSB_SYMBOLS, SYNC_START};
use dsp::Cf32;
use nr::Pci;
use ofdm::Grid;

/// Squared correlation coefficient above which an SSS beside a known one is believed.
const METRIC_MIN: f32 = 0.12;

/// A cell heard in a grid.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Neighbour {
    /// The cell.
    pub pci: Pci,
    /// i-bar_SSB of its block.
    pub i_bar: u8,
    /// Squared correlation coefficient of the SSS.
    pub sss_metric: f32,
    /// Its measurement.
    pub measured: SsbMeasurement,
}

/// SS-RSRQ, dB: N x SS-RSRP over the RSSI of `n_rb` resource blocks from `start_rb` on, in the block's symbols.
///
/// Spec: TS 38.215 §5.1.3. `None` where the blocks lie outside the grid, or there is no power.
pub fn rsrq_db(grid: &Grid, l0: usize, start_rb: usize, n_rb: usize, measured: &SsbMeasurement) -> Option<f32> {
    if l0 + SSB_SYMBOLS > 14 || n_rb == 0 {
        return None;
    }
    let mut power = 0.0f64;
    for l in l0..l0 + SSB_SYMBOLS {
        let row = grid.symbol(0, l).get(12 * start_rb..12 * (start_rb + n_rb))?;
        power += row.iter().map(|z| f64::from(z.norm_sqr())).sum::<f64>();
    }
    let rssi = power / SSB_SYMBOLS as f64;
    let ratio = n_rb as f64 * f64::from(measured.rsrp) / rssi;
    (rssi.is_finite() && ratio > 0.0).then(|| 10.0 * libm::log10f(ratio as f32))
}

/// Finds cells whose blocks start at symbol `l0` and subcarrier `start_subcarrier` of port 0, the strongest of each PSS, and measures them.
///
/// Writes the strongest first and returns how many. Cells may be up to a cyclic prefix apart. No allocation; cost: 3 x 336 SSSs.
pub fn neighbours(grid: &Grid, l0: usize, start_subcarrier: usize, out: &mut [Option<Neighbour>; 3]) -> usize {
    *out = [None; 3];
    if l0 + SSB_SYMBOLS > 14 || grid.n_ports() == 0 {
        return 0;
    }
    let mut block = [[Cf32::default(); SSB_SUBCARRIERS]; SSB_SYMBOLS];
    for (l, y) in block.iter_mut().enumerate() {
        let range = start_subcarrier..start_subcarrier.saturating_add(SSB_SUBCARRIERS);
        let Some(row) = grid.symbol(0, l0 + l).get(range) else { return 0 };
        y.copy_from_slice(row);
    }
    if !block.iter().flatten().all(|e| e.re.abs() < 1e15 && e.im.abs() < 1e15) {
        return 0;
    }
    let mut n = 0;
    for n_id_2 in 0..3u8 {
        let mut y = block;
        let slope = timing_slope(&y, n_id_2, 0.0);
        remove_slope(&mut y, slope);
        let mut h = [Cf32::default(); SYNC_LEN];
        pss_channel(&y, n_id_2, &mut h);
        let z: [Cf32; SYNC_LEN] = core::array::from_fn(|i| y[2][SYNC_START + i] * h[i].conj());
        let energy: f32 = z.iter().map(|z| z.norm_sqr()).sum();
        let mut best = (0u16, 0.0f32);
        for n_id_1 in 0..336u16 {
            let d = sync::sss(n_id_1, u16::from(n_id_2));
            let sum: Cf32 = z.iter().zip(&d).map(|(z, d)| z * *d).sum();
            let metric = sum.norm_sqr() / (energy * SYNC_LEN as f32).max(f32::MIN_POSITIVE);
            best = if metric > best.1 { (n_id_1, metric) } else { best };
        }
        let Some(pci) = Pci::new(3 * best.0 + u16::from(n_id_2)).filter(|_| best.1 >= METRIC_MIN) else { continue };
        let (i_bar, _) = best_dmrs(&y, pci, usize::from(pci.get() % 4));
        if let Some(measured) = measure(grid, 0, l0, start_subcarrier, pci, i_bar) {
            out[n] = Some(Neighbour { pci, i_bar, sss_metric: best.1, measured });
            n += 1;
        }
    }
    out[..n].sort_by(|a, b| {
        let power = |x: &Option<Neighbour>| x.map_or(0.0, |x| x.measured.rsrp);
        power(b).total_cmp(&power(a))
    });
    n
}
