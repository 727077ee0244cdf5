//! How the channels at the DM-RS weigh in each symbol, by a Doppler spread that the DM-RS themselves tell.
//!
//! | in the literature | here | meaning |
//! |---|---|---|
//! | J_0(2 pi f_D t) | [`Jakes`] | autocorrelation of a Jakes spectrum |
//! | f_D T | [`SPREADS`] | maximum Doppler shift, cycles a symbol |

use super::channel::DMRS_SYMBOLS_MAX;
use dsp::Cf32;
use nr::SYMBOLS_PER_SLOT;

/// Doppler spreads to choose from, cycles a symbol: at 30 kHz spacing 10 Hz to 4 kHz.
const SPREADS: [f64; 12] = [0.0003, 0.0025, 0.005, 0.008, 0.012, 0.016, 0.022, 0.03, 0.04, 0.055, 0.075, 0.11];
/// Half symbols of a slot.
const LAGS: usize = 2 * SYMBOLS_PER_SLOT;

/// Autocorrelation by spread and half symbols apart.
#[derive(Clone, Debug)]
pub(super) struct Jakes([[f64; LAGS]; SPREADS.len()]);

impl Default for Jakes {
    fn default() -> Jakes {
        let at = |spread: f64, lag: usize| libm::j0(core::f64::consts::PI * spread * lag as f64);
        Jakes(core::array::from_fn(|s| core::array::from_fn(|lag| at(SPREADS[s], lag))))
    }
}

/// The place of a distance of `symbols`, a multiple of a half, in a row of [`Jakes`].
fn lag_of(symbols: f32) -> usize {
    ((2.0 * symbols.abs()) as usize).min(LAGS - 1)
}

/// Fills `weights[l]` for `n_times` smoothed channels; returns the likeliest spread.
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
    jakes: &Jakes,
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
    let (spread, correlation) = match usable {
        true => believe(jakes, &lags, signal, f64::from(noise), ls.len() / n / n_pilots.max(1), n_pilots, middles),
        false => (SPREADS[0], jakes.0[0]),
    };
    let relative = if usable { (f64::from(error) / signal).clamp(1e-6, 10.0) } else { 1.0 };
    let inverse = inverse(&correlation, relative, middles);
    for (l, w) in weights.iter_mut().enumerate() {
        let r: [f64; DMRS_SYMBOLS_MAX] =
            core::array::from_fn(|j| middles.get(j).map_or(0.0, |m| correlation[lag_of(l as f32 - m)]));
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

/// Paths that fade on their own which an antenna and layer shows.
const PATHS: f64 = 2.0;

/// The likeliest spread, and the autocorrelation that is believed in: of all spreads, each by how likely it makes the lags.
///
/// A slot shows few independent gains, so a lag says little: taking the likeliest spread for granted costs up to 2 dB where it is too large.
fn believe(
    jakes: &Jakes,
    lags: &Square,
    signal: f64,
    noise: f64,
    n_rows: usize,
    n_pilots: usize,
    middles: &[f32],
) -> (f64, [f64; LAGS]) {
    let n = middles.len();
    let gains = 2.0 * PATHS * n_rows.max(1) as f64;
    let eta = (noise / signal).min(1e6);
    let of_noise = eta * (eta + 2.0) / (2 * n_rows * n_pilots).max(1) as f64 + 1e-4;
    // A slot's pairs of times hold as much as its times but one.
    let weight = 2.0 / n as f64;
    let mut belief = [0.0f64; SPREADS.len()];
    for (belief, row) in belief.iter_mut().zip(&jakes.0) {
        for i in 0..n {
            for j in i + 1..n {
                let rho = row[lag_of(middles[j] - middles[i])];
                let e = lags[i][j] / signal - rho;
                let variance = (1.0 - rho * rho) * (1.0 - rho * rho) / gains + of_noise;
                *belief -= weight * 0.5 * (e * e / variance + libm::log(variance));
            }
        }
    }
    let most = belief.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let (mut correlation, mut total) = ([0.0; LAGS], 0.0);
    let mut likeliest = SPREADS[0];
    for ((belief, row), spread) in belief.iter().zip(&jakes.0).zip(SPREADS) {
        if *belief == most {
            likeliest = spread;
        }
        let p = libm::exp(belief - most) * prior(spread);
        total += p;
        correlation.iter_mut().zip(row).for_each(|(c, r)| *c += p * r);
    }
    if !(total > 0.0 && total.is_finite()) {
        return (SPREADS[0], jakes.0[0]);
    }
    correlation.iter_mut().for_each(|c| *c /= total);
    (likeliest, correlation)
}

/// How likely a spread is before anything was seen: few move faster than 0.05 cycles a symbol (500 km/h at 3.5 GHz and 30 kHz).
fn prior(spread: f64) -> f64 {
    1.0 / (1.0 + (spread / 0.03) * (spread / 0.03))
}

/// The inverse of the times' covariance with the error of each, by Gauss-Jordan (symmetric, positive definite).
fn inverse(correlation: &[f64; LAGS], relative: f64, middles: &[f32]) -> Square {
    let n = middles.len();
    let mut a = [[0.0; DMRS_SYMBOLS_MAX]; DMRS_SYMBOLS_MAX];
    let mut b = a;
    for i in 0..n {
        for j in 0..n {
            a[i][j] = correlation[lag_of(middles[i] - middles[j])];
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
            weigh(&ls, 1, &middles, 4, 0.01, 0.01, &Jakes::default(), &mut weights);
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
