//! The mean delay of a narrow allocation from few, noisy pilots: the peak of their summed periodograms within what the cyclic
//! prefix allows. Neighbouring pilots alone tell it too badly in deep fades, whatever their number.

use dsp::{Cf32, unit_phasor};

/// Most elements of a row (after blocks are summed).
pub(super) const ELEMENTS_MAX: usize = 32;
/// Longest delay, in turns from a subcarrier to the next: the normal cyclic prefix. Spec: TS 38.211 §5.3.1
pub(super) const TURNS_MAX: f64 = 144.0 / 2048.0;

/// Correlations of rows with themselves, by distance.
pub(super) struct DelaySearch {
    r: [Cf32; ELEMENTS_MAX],
    n: usize,
}

impl DelaySearch {
    pub fn new() -> DelaySearch {
        DelaySearch { r: [Cf32::new(0.0, 0.0); ELEMENTS_MAX], n: 0 }
    }

    /// Adds a row of pilots, of which `block` neighbours make an element.
    pub fn add(&mut self, row: &[Cf32], block: usize) {
        let mut x = [Cf32::new(0.0, 0.0); ELEMENTS_MAX];
        let n = (row.len() / block.max(1)).min(ELEMENTS_MAX);
        for (x, pilots) in x.iter_mut().zip(row.chunks_exact(block.max(1))) {
            *x = pilots.iter().sum();
        }
        for (lag, r) in self.r[..n].iter_mut().enumerate() {
            *r += x[lag..n].iter().zip(&x[..n]).map(|(b, a)| b * a.conj()).sum::<Cf32>();
        }
        self.n = self.n.max(n);
    }

    /// Turns from an element to the next, within `most` of 0.
    pub fn turns(&self, most: f64) -> f64 {
        let n = self.n.max(1);
        let half = libm::ceil(most * 4.0 * n as f64) as i32;
        let step = most / f64::from(half.max(1));
        let power = |i: i32| {
            let z = unit_phasor(-step * f64::from(i));
            let turn = Cf32::new(z.re as f32, z.im as f32);
            let mut w = Cf32::new(1.0, 0.0);
            let mut sum = 0.0f32;
            for (lag, r) in self.r[..n].iter().enumerate() {
                sum += (r * w).re * if lag == 0 { 0.5 } else { 1.0 };
                w *= turn;
            }
            sum
        };
        let (mut at, mut best) = (0, power(0));
        for i in (1..=half).flat_map(|i| [i, -i]) {
            let p = power(i);
            if p > best {
                (at, best) = (i, p);
            }
        }
        let (before, after) = (power(at - 1), power(at + 1));
        let curvature = before - 2.0 * best + after;
        let offset = if curvature < 0.0 { (0.5 * (before - after) / curvature).clamp(-0.5, 0.5) } else { 0.0 };
        (f64::from(at) + f64::from(offset)) * step
    }
}
