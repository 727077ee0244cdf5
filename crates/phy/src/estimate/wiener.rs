//! Smoothing and interpolation across a comb of pilots: Wiener filters for a rectangular delay profile.
//!
//! | symbol | here | meaning |
//! |---|---|---|
//! | d | `spacing` | subcarriers between pilots |
//! | P | `ls.len()` | pilots |
//! | T | [`TAPS`] | pilots that one output sees |
//! | u | [`WIDTHS`] | width of the delay profile times the pilots' frequency spacing |
//!
//! The mean delay is taken out first (the phase slope across the comb), so that the profile is centred. Which width fits is
//! chosen by Stein's unbiased estimate of the squared error, so nothing about the channel need be known.

use crate::modulation::multiversion;
use dsp::mix::Nco;
use dsp::{Cf32, Isa};

/// Pilots that one output sees at most.
const TAPS: usize = 16;
/// Widths of the delay profile, times the frequency spacing of pilots.
const WIDTHS: [f64; 4] = [0.01, 0.06, 0.2, 0.6];
/// Signal-to-noise ratios a pilot that filters are made for, linear.
const SNRS: [f64; 4] = [1.0, 10.0, 100.0, 2000.0];

/// Pilots in a piece of a long comb that the choice of a filter looks at.
const SAMPLE: usize = 48;

/// Filters of one width, one SNR and one number of pilots in the window.
#[derive(Clone, Debug)]
struct Filter {
    /// Row `r`, taps `taps`: the output at `r - (spacing - 1) - frac` subcarriers from the window's first pilot.
    rows: Vec<f32>,
    /// For each pilot in the window: its own weight, and the sum of squared weights, in its own output.
    own: Vec<(f32, f32)>,
    /// For each pilot in the window: the weights of its own output.
    at_pilot: Vec<f32>,
}

/// What the pilots say before smoothing, summed over antennas and symbols with [`Stats::add`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Sum of |h(p)|^2.
    energy: f64,
    /// Sum of h(p+1) conj h(p).
    lag: dsp::Cf64,
    /// Sum of h(p+LONG_LAG) conj h(p).
    long_lag: dsp::Cf64,
    /// Pilots and pairs.
    n: usize,
    n_lag: usize,
    n_long_lag: usize,
}

/// Pilots between those that refine the slope.
const LONG_LAG: usize = 8;

impl Stats {
    /// Adds one comb of least-squares estimates.
    pub fn add(&mut self, isa: Isa, ls: &[Cf32]) {
        self.energy += dsp::vector::energy(isa, ls);
        self.n += ls.len();
        if ls.len() > 1 {
            self.lag += dsp::vector::dot_conj(isa, &ls[1..], &ls[..ls.len() - 1]);
            self.n_lag += ls.len() - 1;
        }
        if ls.len() >= 2 * LONG_LAG {
            self.long_lag += dsp::vector::dot_conj(isa, &ls[LONG_LAG..], &ls[..ls.len() - LONG_LAG]);
            self.n_long_lag += ls.len() - LONG_LAG;
        }
    }

    /// Phase slope, turns from one pilot to the next: minus the mean delay times the pilots' frequency spacing.
    pub fn slope(&self) -> f64 {
        let turns = |z: dsp::Cf64| libm::atan2(z.im, z.re) / core::f64::consts::TAU;
        let power = self.lag.norm_sqr();
        if !(power > 0.0 && power.is_finite()) {
            return 0.0;
        }
        let coarse = turns(self.lag);
        // Pilots further apart tell more, as long as the channel is alike there.
        let near = libm::sqrt(power) / self.n_lag as f64;
        let far = libm::sqrt(self.long_lag.norm_sqr()) / self.n_long_lag.max(1) as f64;
        if far > 0.6 * near {
            let raw = turns(self.long_lag);
            (raw + libm::round(LONG_LAG as f64 * coarse - raw)) / LONG_LAG as f64
        } else {
            coarse
        }
    }

    /// Deviation of the phase between neighbouring pilots, radians: small where they tell the slope.
    pub(super) fn slope_deviation(&self) -> f64 {
        let (power, n) = (f64::from(self.power()), self.n_lag.max(1) as f64);
        let near = libm::sqrt(self.lag.norm_sqr()) / n;
        let rest = (power * power - near * near).max(0.0);
        if near > 0.0 { libm::sqrt(rest / (2.0 * n)) / near } else { f64::INFINITY }
    }

    /// Mean power of a pilot, noise included.
    pub fn power(&self) -> f32 {
        (self.energy / self.n.max(1) as f64) as f32
    }
}

/// Noise power by second differences of a comb from which the slope was taken; sums `(sum, count)`.
///
/// Two pilots give a first difference; one pilot gives nothing.
pub fn noise_by_differences(ls: &[Cf32]) -> (f64, f64) {
    let mut sum = 0.0f64;
    match ls.len() {
        0 | 1 => return (0.0, 0.0),
        2 => return (f64::from((ls[0] - ls[1]).norm_sqr()) / 2.0, 1.0),
        _ => {}
    }
    for w in ls.windows(3) {
        sum += f64::from((w[0] - w[1] * 2.0 + w[2]).norm_sqr());
    }
    (sum / 6.0, (ls.len() - 2) as f64)
}

/// Which filter to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Choice {
    width_idx: u8,
    snr_idx: u8,
}

impl Choice {
    /// The filter for a flat channel at low SNR: the most smoothing.
    pub const FLAT: Choice = Choice { width_idx: 0, snr_idx: 0 };
}

/// Filters for combs of one spacing.
#[derive(Clone, Debug)]
pub struct Smoother {
    isa: Isa,
    spacing: usize,
    /// Fraction of a subcarrier by which pilots lie off the grid: 0 or 0.5.
    frac: f64,
    /// `[width][snr][pilots - 1]`.
    filters: Vec<Filter>,
}

/// sin(pi x)/(pi x).
fn sinc(x: f64) -> f64 {
    let y = core::f64::consts::PI * x;
    if y.abs() < 1e-9 { 1.0 } else { libm::sin(y) / y }
}

impl Smoother {
    /// Makes the filters for pilots every `spacing` (1..=12) subcarriers, that lie on a subcarrier or half way between two
    /// (`half`, as the mean of two neighbours does). Costs some milliseconds; `spacing` outside the range is clamped.
    pub fn new(isa: Isa, spacing: usize, half: bool) -> Smoother {
        let spacing = spacing.clamp(1, 12);
        let frac = if half { 0.5 } else { 0.0 };
        let mut filters = Vec::with_capacity(WIDTHS.len() * SNRS.len() * TAPS);
        for width in WIDTHS {
            for snr in SNRS {
                for taps in 1..=TAPS {
                    filters.push(Filter::design(spacing, frac, width, snr, taps));
                }
            }
        }
        Smoother { isa, spacing, frac, filters }
    }

    fn filter(&self, choice: Choice, taps: usize) -> &Filter {
        &self.filters[(choice.width_idx as usize * SNRS.len() + choice.snr_idx as usize) * TAPS + taps - 1]
    }

    /// The instruction set that it was made for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Subcarriers between pilots.
    pub fn spacing(&self) -> usize {
        self.spacing
    }

    /// Chooses the filter for combs (already without slope) whose noise power a pilot is `noise_var`.
    ///
    /// `combs` are looked at one after another; the sum of their estimated errors decides.
    pub fn choose<'a>(&self, combs: impl Iterator<Item = &'a [Cf32]> + Clone, power: f32, noise_var: f32) -> Choice {
        let snr = (f64::from(power) - f64::from(noise_var)).max(1e-30) / f64::from(noise_var).max(1e-30);
        let snr_idx = (0..SNRS.len() - 1).find(|i| snr * snr < SNRS[*i] * SNRS[i + 1]).unwrap_or(SNRS.len() - 1) as u8;
        let mut best = Choice { width_idx: 0, snr_idx };
        let mut lowest = f64::INFINITY;
        for width_idx in 0..WIDTHS.len() as u8 {
            let choice = Choice { width_idx, snr_idx };
            let mut risk = 0.0;
            for ls in combs.clone() {
                // Pieces from the start, the middle and the end say enough.
                let third = if ls.len() > 3 * SAMPLE { (ls.len() - SAMPLE) / 2 } else { ls.len() };
                let len = if ls.len() > 3 * SAMPLE { SAMPLE } else { ls.len() };
                for start in (0..ls.len()).step_by(third.max(1)).take(3).filter(|start| start + len <= ls.len()) {
                    let r = self.residual(choice, &ls[start..start + len]);
                    risk += r.energy + 2.0 * f64::from(noise_var) * r.own;
                }
            }
            if risk < lowest {
                lowest = risk;
                best = choice;
            }
        }
        best
    }

    /// How far the smoothed pilots are from the pilots.
    fn residual(&self, choice: Choice, ls: &[Cf32]) -> Residual {
        let taps = ls.len().min(TAPS);
        if taps == 0 {
            return Residual::default();
        }
        let filter = self.filter(choice, taps);
        let mut r = Residual::default();
        for (p, x) in ls.iter().enumerate() {
            let start = p.saturating_sub(taps / 2).min(ls.len() - taps);
            let at = p - start;
            let row = &filter.at_pilot[at * taps..(at + 1) * taps];
            let mut sum = Cf32::new(0.0, 0.0);
            for (w, h) in row.iter().zip(&ls[start..start + taps]) {
                sum += h * *w;
            }
            r.energy += f64::from((x - sum).norm_sqr());
            r.own += f64::from(filter.own[at].0);
        }
        r
    }

    /// Sums over a comb of `n` pilots of a pilot's weight in its own smoothed value, and of the squared weights there.
    pub fn own_weights(&self, choice: Choice, n: usize) -> (f64, f64) {
        let taps = n.min(TAPS);
        if taps == 0 {
            return (0.0, 0.0);
        }
        let own = &self.filter(choice, taps).own;
        let sums = |f: fn(&(f32, f32)) -> f32| {
            own.iter().map(|o| f64::from(f(o))).sum::<f64>() + (n - taps) as f64 * f64::from(f(&own[taps / 2]))
        };
        (sums(|o| o.0), sums(|o| o.1))
    }

    /// Smooths and interpolates a comb without slope to every subcarrier.
    ///
    /// - `ls`    least-squares estimates                                       `[P]`
    /// - `first` whole subcarriers from `out[0]` to the first pilot (rounded down for half positions), below `spacing`
    /// - `out`   overwritten; reaches at most `spacing - 1` beyond the last pilot's own subcarrier
    ///
    /// Subcarriers beyond reach get the nearest reachable value. No allocation.
    pub fn interpolate(&self, choice: Choice, ls: &[Cf32], first: usize, out: &mut [Cf32]) {
        let d = self.spacing;
        let taps = ls.len().min(TAPS);
        if taps == 0 {
            out.fill(Cf32::new(0.0, 0.0));
            return;
        }
        let filter = self.filter(choice, taps);
        let last_start = ls.len() - taps;
        // Row r of the window that starts at pilot s is output first + s d + r - (d - 1).
        let mid = (d - 1) + (taps / 2) * d - if taps > 1 { d } else { 0 };
        let n_rows = filter.rows.len() / taps;
        let row = |start: usize, r: usize| -> Cf32 {
            let mut sum = Cf32::new(0.0, 0.0);
            for (w, h) in filter.rows[r * taps..(r + 1) * taps].iter().zip(&ls[start..start + taps]) {
                sum += h * *w;
            }
            sum
        };
        // Left edge: rows up to the middle of the first window.
        let left_end = (first + mid).saturating_sub(d - 1);
        for (i, o) in out.iter_mut().enumerate().take(left_end) {
            *o = row(0, (i + d - 1).saturating_sub(first).min(n_rows - 1));
        }
        // Middle: the d rows around each window's centre.
        let middle_end = left_end + last_start * d;
        if last_start > 0 && left_end < out.len() {
            let end = middle_end.min(out.len());
            middle(self.isa, &filter.rows[mid * taps..(mid + d) * taps], taps, ls, &mut out[left_end..end]);
        }
        for (i, o) in out.iter_mut().enumerate().skip(middle_end) {
            *o = row(last_start, (i + d - 1 - first - last_start * d).min(n_rows - 1));
        }
    }

    /// Takes a phase slope of `turns` a pilot out of a comb, so that its first pilot keeps its phase.
    pub fn take_slope(&self, turns: f64, ls: &mut [Cf32]) {
        Nco::new(-turns).mix(self.isa, ls);
    }

    /// Puts the slope back on every subcarrier; `first` as in [`Smoother::interpolate`].
    pub fn put_slope(&self, turns: f64, first: usize, out: &mut [Cf32]) {
        let step = turns / self.spacing as f64;
        let mut nco = Nco::new(step);
        nco.set_phase_q64(dsp::mix::turns_q64(-step * (first as f64 + self.frac)));
        nco.mix(self.isa, out);
    }
}

/// Sums over the pilots of a comb.
#[derive(Clone, Copy, Debug, Default)]
struct Residual {
    /// Squared distances between a pilot and its smoothed value.
    energy: f64,
    /// Weights of a pilot in its own smoothed value.
    own: f64,
}

impl Filter {
    fn design(spacing: usize, frac: f64, width: f64, snr: f64, taps: usize) -> Filter {
        let n_rows = taps * spacing + spacing - 1;
        let position = |r: usize| (r as f64 - (spacing - 1) as f64 - frac) / spacing as f64;
        let weights = |x: f64, inverse: &[f64]| -> Vec<f32> {
            let r: Vec<f64> = (0..taps).map(|t| sinc(width * (x - t as f64))).collect();
            let mut w: Vec<f64> = (0..taps).map(|i| (0..taps).map(|t| inverse[i * taps + t] * r[t]).sum()).collect();
            // A flat channel must come out as it went in.
            let sum: f64 = w.iter().sum();
            w.iter_mut().for_each(|v| *v /= sum);
            w.iter().map(|v| *v as f32).collect()
        };
        let inverse = inverse_covariance(width, snr, taps);
        let rows: Vec<f32> = (0..n_rows).flat_map(|r| weights(position(r), &inverse)).collect();
        let at_pilot: Vec<f32> = (0..taps).flat_map(|p| weights(p as f64, &inverse)).collect();
        let own = (0..taps)
            .map(|p| {
                let w = &at_pilot[p * taps..(p + 1) * taps];
                (w[p], w.iter().map(|v| v * v).sum())
            })
            .collect();
        Filter { rows, own, at_pilot }
    }
}

/// The inverse of the pilots' covariance with noise, by Gauss-Jordan (symmetric, positive definite).
fn inverse_covariance(width: f64, snr: f64, n: usize) -> Vec<f64> {
    let mut a = vec![0.0; n * n];
    let mut b = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            a[i * n + j] = sinc(width * (i as f64 - j as f64));
        }
        a[i * n + i] += 1.0 / snr;
        b[i * n + i] = 1.0;
    }
    for c in 0..n {
        let pivot = 1.0 / a[c * n + c];
        for j in 0..n {
            a[c * n + j] *= pivot;
            b[c * n + j] *= pivot;
        }
        for i in (0..n).filter(|i| *i != c) {
            let f = a[i * n + c];
            for j in 0..n {
                a[i * n + j] -= f * a[c * n + j];
                b[i * n + j] -= f * b[c * n + j];
            }
        }
    }
    b
}

multiversion! {
    /// The middle rows of all windows: `out[s * d + r] = sum_t rows[r][t] ls[s + t]`.
    fn middle(rows: &[f32], taps: usize, ls: &[Cf32], out: &mut [Cf32]) = middle_body
}

#[inline(always)]
fn middle_body(rows: &[f32], taps: usize, ls: &[Cf32], out: &mut [Cf32]) {
    const BLOCK: usize = 32;
    let d = rows.len() / taps;
    let mut acc = [0.0f32; 2 * BLOCK];
    for (b, out) in out.chunks_mut(BLOCK * d).enumerate() {
        let n = out.len().div_ceil(d);
        let start = b * BLOCK;
        for r in 0..d {
            acc.fill(0.0);
            for (t, w) in rows[r * taps..(r + 1) * taps].iter().enumerate() {
                let from = dsp::as_floats(&ls[start + t..(start + t + n).min(ls.len())]);
                if n == BLOCK && from.len() == 2 * BLOCK {
                    for i in 0..2 * BLOCK {
                        acc[i] += w * from[i];
                    }
                } else {
                    for (a, f) in acc.iter_mut().zip(from) {
                        *a += w * f;
                    }
                }
            }
            let skip = r.min(out.len());
            for (o, a) in out[skip..].iter_mut().step_by(d).zip(acc.chunks_exact(2)) {
                *o = Cf32::new(a[0], a[1]);
            }
        }
    }
}
