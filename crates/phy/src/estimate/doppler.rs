//! How the channels at the DM-RS weigh in each symbol, by a Doppler spread that the DM-RS themselves tell.
//!
//! | in the literature | here | meaning |
//! |---|---|---|
//! | J_0(2 pi f_D t) | `jakes` | autocorrelation of a Jakes spectrum |
//! | f_D T | [`SPREADS`] | maximum Doppler shift, cycles a symbol |

use super::channel::DMRS_SYMBOLS_MAX;
use dsp::Cf32;
use nr::SYMBOLS_PER_SLOT;

/// Doppler spreads to choose from, cycles a symbol: at 30 kHz spacing 10 Hz to 4 kHz.
const SPREADS: [f64; 12] = [0.0003, 0.0025, 0.005, 0.008, 0.012, 0.016, 0.022, 0.03, 0.04, 0.055, 0.075, 0.11];

fn jakes(spread: f64, symbols: f64) -> f64 {
    libm::j0(core::f64::consts::TAU * spread * symbols)
}

/// Fills `weights[l]` for `n_times` smoothed channels; returns the spread that was chosen.
///
/// - `ls`      least squares `[row][time][pilot]`, frequency offset and delay taken out
/// - `middles` when each time is, symbols
/// - `n_times` 1: the times were averaged, there is one channel
/// - `noise`   noise power of a pilot; `error` that of a smoothed channel
pub(super) fn weigh(
    ls: &[Cf32],
    n_pilots: usize,
    middles: &[f32],
    n_times: usize,
    noise: f32,
    error: f32,
    weights: &mut [[f32; DMRS_SYMBOLS_MAX]; SYMBOLS_PER_SLOT],
) -> f32 {
    *weights = [[0.0; DMRS_SYMBOLS_MAX]; SYMBOLS_PER_SLOT];
    let n = middles.len().min(n_times);
    if n <= 1 {
        weights.iter_mut().for_each(|w| w[0] = 1.0);
        return 0.0;
    }
    let (lags, power) = correlations(ls, n_pilots, n);
    let signal = power - f64::from(noise);
    let usable = signal > 0.0 && signal.is_finite();
    let spread = if usable { choose(&lags, signal, middles) } else { SPREADS[0] };
    let relative = if usable { (f64::from(error) / signal).clamp(1e-6, 10.0) } else { 1.0 };
    let inverse = inverse(spread, relative, middles);
    for (l, w) in weights.iter_mut().enumerate() {
        let r: [f64; DMRS_SYMBOLS_MAX] =
            core::array::from_fn(|j| middles.get(j).map_or(0.0, |m| jakes(spread, l as f64 - f64::from(*m))));
        for (i, w) in w.iter_mut().enumerate().take(n) {
            *w = (0..n).map(|j| inverse[i][j] * r[j]).sum::<f64>() as f32;
        }
    }
    spread as f32
}

type Square = [[f64; DMRS_SYMBOLS_MAX]; DMRS_SYMBOLS_MAX];

/// Mean of Re h_j conj h_i for each pair, and mean power.
fn correlations(ls: &[Cf32], n_pilots: usize, n: usize) -> (Square, f64) {
    let mut lags = [[0.0; DMRS_SYMBOLS_MAX]; DMRS_SYMBOLS_MAX];
    let mut power = 0.0;
    let count = (ls.len() / n) as f64;
    for row in ls.chunks_exact(n * n_pilots) {
        for i in 0..n {
            let a = &row[i * n_pilots..(i + 1) * n_pilots];
            power += a.iter().map(|a| f64::from(a.norm_sqr())).sum::<f64>() / n as f64;
            for (j, lag) in lags[i].iter_mut().enumerate().take(n).skip(i + 1) {
                let b = &row[j * n_pilots..(j + 1) * n_pilots];
                *lag += a.iter().zip(b).map(|(a, b)| f64::from(a.re * b.re + a.im * b.im)).sum::<f64>();
            }
        }
    }
    lags.iter_mut().flatten().for_each(|x| *x /= count);
    (lags, power / count)
}

fn choose(lags: &Square, signal: f64, middles: &[f32]) -> f64 {
    let n = middles.len();
    let (mut best, mut least) = (SPREADS[0], f64::INFINITY);
    for spread in SPREADS {
        let mut misfit = 0.0;
        for i in 0..n {
            for j in i + 1..n {
                let e = lags[i][j] / signal - jakes(spread, f64::from(middles[j] - middles[i]));
                misfit += e * e;
            }
        }
        if misfit < least {
            (best, least) = (spread, misfit);
        }
    }
    best
}

/// The inverse of the times' covariance with the error of each, by Gauss-Jordan (symmetric, positive definite).
fn inverse(spread: f64, relative: f64, middles: &[f32]) -> Square {
    let n = middles.len();
    let mut a = [[0.0; DMRS_SYMBOLS_MAX]; DMRS_SYMBOLS_MAX];
    let mut b = a;
    for i in 0..n {
        for j in 0..n {
            a[i][j] = jakes(spread, f64::from(middles[i] - middles[j]));
        }
        a[i][i] += relative;
        b[i][i] = 1.0;
    }
    for c in 0..n {
        let pivot = 1.0 / a[c][c];
        for j in 0..n {
            a[c][j] *= pivot;
            b[c][j] *= pivot;
        }
        for i in (0..n).filter(|i| *i != c) {
            let f = a[i][c];
            for j in 0..n {
                a[i][j] -= f * a[c][j];
                b[i][j] -= f * b[c][j];
            }
        }
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::{Isa, noise::Gaussian, unit_phasor};

    #[test] // Spec: TS 38.211 §6.4.1.1.3 (additional positions), TS 38.104 annex G.2 (Doppler spectrum)
    fn channels_between_pilots_follow_the_spread() {
        let middles = [2.0f32, 5.0, 8.0, 11.0];
        let mut noise = Gaussian::new(3, Isa::Scalar);
        for (spread, most) in [(0.004, 0.006), (0.02, 0.008), (0.05, 0.02)] {
            let rows = 96;
            let mut gains = vec![Cf32::default(); 16 * rows];
            noise.fill(&mut gains, 1.0 / 16.0);
            let truth = |row: usize, l: f64| -> Cf32 {
                let path = |i: usize| {
                    let doppler = spread * unit_phasor((i as f64 + 0.37) / 16.0).re;
                    let z = unit_phasor(doppler * l);
                    gains[16 * row + i] * Cf32::new(z.re as f32, z.im as f32)
                };
                (0..16).map(path).sum()
            };
            let mut ls: Vec<Cf32> = (0..rows).flat_map(|r| middles.map(|m| truth(r, m.into()))).collect();
            noise.add(&mut ls, 0.01);
            let mut weights = [[0.0; DMRS_SYMBOLS_MAX]; SYMBOLS_PER_SLOT];
            weigh(&ls, 1, &middles, 4, 0.01, 0.01, &mut weights);
            let mut error = 0.0;
            for row in 0..rows {
                for (l, w) in weights.iter().enumerate().skip(1).take(12) {
                    let h: Cf32 = (0..4).map(|j| ls[4 * row + j] * w[j]).sum();
                    error += (h - truth(row, l as f64)).norm_sqr() / (12 * rows) as f32;
                }
            }
            assert!(error < most, "{spread}: {error}");
        }
    }
}
