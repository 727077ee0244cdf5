//! The mean delay where noise hides it from neighbouring pilots: the delay at which most power comes together.
//!
//! | symbol | here | meaning |
//! |---|---|---|
//! | r(k) | [`Lags`] | sum of h(p+k) conj h(p) over pilots, antennas and symbols |
//! | S(t) | [`Lags::slope`] | Re sum_k r(k) exp(-j 2 pi k t): power that pilots show together at a slope of t turns |

use super::wiener::Stats;
use core::ops::Range;
use dsp::{Cf32, Cf64, Isa, unit_phasor};

/// Lags that are looked at.
const LAGS: usize = 12;
/// Slopes that are tried, of either sign.
const STEPS: i32 = 24;
/// The longest delay, of either sign, over the useful part of a symbol: a normal cyclic prefix.
const PREFIX: f64 = 0.07;
/// Phase between neighbouring pilots that is known well enough, radians (deviation).
const SURE: f64 = 0.06;

/// Autocorrelation of combs over frequency, summed with [`Lags::add`].
#[derive(Clone, Copy, Debug, Default)]
struct Lags([Cf64; LAGS]);

impl Lags {
    /// Adds one comb of least-squares estimates.
    fn add(&mut self, isa: Isa, ls: &[Cf32]) {
        for (k, sum) in (1..ls.len()).zip(&mut self.0) {
            *sum += dsp::vector::dot_conj(isa, &ls[k..], &ls[..ls.len() - k]);
        }
    }

    /// The slope, turns from one pilot to the next, at which most power comes together; within `reach` turns of 0.
    fn slope(&self, reach: f64) -> f64 {
        let power = |turns: f64| -> f64 {
            (1..).zip(&self.0).map(|(k, lag)| (lag * unit_phasor(-turns * f64::from(k))).re).sum()
        };
        let step = reach / f64::from(STEPS);
        let mut best = (f64::NEG_INFINITY, 0);
        for i in -STEPS..=STEPS {
            let p = power(step * f64::from(i));
            if p > best.0 {
                best = (p, i);
            }
        }
        // The top of a parabola through the best and its neighbours.
        let at = step * f64::from(best.1);
        let (left, right) = (power(at - step), power(at + step));
        let bend = left - 2.0 * best.0 + right;
        let top = if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-1.0, 1.0) } else { 0.0 };
        let slope = at + top * step;
        if slope.is_finite() { slope } else { 0.0 }
    }
}

/// What combs say, and their slope.
///
/// - `ls`      combs of `n_pilots`, `spacing` subcarriers apart
/// - `runs`    calls its argument with each run of pilots that show one channel
pub(super) fn slope(
    isa: Isa,
    ls: &[Cf32],
    n_pilots: usize,
    spacing: usize,
    runs: impl Fn(&mut dyn FnMut(Range<usize>)),
) -> (Stats, f64) {
    let mut stats = Stats::default();
    for pilots in ls.chunks_exact(n_pilots) {
        runs(&mut |run| stats.add(isa, &pilots[run]));
    }
    if stats.slope_deviation() < SURE {
        return (stats, stats.slope());
    }
    let mut lags = Lags::default();
    for pilots in ls.chunks_exact(n_pilots) {
        runs(&mut |run| lags.add(isa, &pilots[run]));
    }
    (stats, lags.slope((PREFIX * spacing as f64).min(0.45)))
}
