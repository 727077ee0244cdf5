//! Covariance of noise and interference over the antennas, and the whitening that it asks for.
//!
//! | in the literature | here | meaning |
//! |---|---|---|
//! | R | `sums` over `count` | covariance of what remains when the channel is taken from the DM-RS |
//! | L^-1, R = L L^H | [`Whitening`] | lower triangular; one for each band of resource blocks |

use super::channel::{ChannelEstimate, RX_MAX};
use dsp::{Cf32, Cf64};

type Square = [[Cf64; RX_MAX]; RX_MAX];
const ZERO: Cf64 = Cf64::new(0.0, 0.0);

/// Sums over bands. Made once and used again.
#[derive(Clone, Debug)]
pub(super) struct Covariance {
    sums: Vec<Square>,
    counts: Vec<f64>,
}

/// Inverse Cholesky factors of all bands, or none.
#[derive(Clone, Debug, Default)]
pub(super) struct Whitening {
    n_rx: usize,
    /// Subcarriers of a band; the last one takes what is left.
    band: usize,
    factors: Vec<[[Cf32; RX_MAX]; RX_MAX]>,
}

impl Whitening {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.factors.clear();
    }
    /// Whether noise is coloured enough.
    pub(super) fn is_worth_it(&self) -> bool {
        !self.factors.is_empty()
    }
    /// Takes a common scale into the factors.
    pub(super) fn scale(&mut self, by: f32) {
        self.factors.iter_mut().flatten().flatten().for_each(|z| *z *= by);
    }
    /// Element `rx` of L^-1 y at subcarrier `k`.
    #[inline]
    pub(super) fn apply(&self, k: usize, rx: usize, y: &[Cf32; RX_MAX]) -> Cf32 {
        let band = (k / self.band.max(1)).min(self.factors.len().saturating_sub(1));
        let Some(f) = self.factors.get(band) else { return y[rx] };
        let mut sum = Cf32::new(0.0, 0.0);
        for (w, y) in f[rx].iter().zip(y).take(rx + 1) {
            sum += w * y;
        }
        sum
    }
}

impl Covariance {
    pub(super) fn new(n_rb_max: usize) -> Covariance {
        Covariance { sums: Vec::with_capacity(n_rb_max), counts: Vec::with_capacity(n_rb_max) }
    }

    /// Measures, and fills `est.whitening`: empty where whitening does not pay.
    ///
    /// - `ls`       pilots `[rx][layer][time][pilot]`
    /// - `position` subcarrier of pilot `p` of row `rx * layers + layer`; `half`: between it and the next
    pub(super) fn measure(
        &mut self,
        ls: &[Cf32],
        n_times: usize,
        per_rb: usize,
        est: &mut ChannelEstimate,
        position: impl Fn(usize, usize) -> usize,
        half: bool,
    ) {
        let (n_rx, n_layers, n_sc) = (est.n_rx, est.n_layers, est.n_subcarriers);
        let (n_rb, rows) = (n_sc / 12, n_rx * n_layers);
        let n_pilots = n_rb * per_rb;
        // Enough samples in each band for an inverse: sixteen an antenna at least.
        let per_rb_all = per_rb * n_layers * n_times;
        let band_rb = (16 * n_rx).div_ceil(per_rb_all).clamp(4.min(n_rb), n_rb.max(1));
        let n_bands = (n_rb / band_rb).max(1);
        self.sums.clear();
        self.sums.resize(n_bands, [[ZERO; RX_MAX]; RX_MAX]);
        self.counts.clear();
        self.counts.resize(n_bands, 0.0);
        for layer in 0..n_layers {
            for j in 0..n_times {
                let time = if est.n_times == 1 { 0 } else { j };
                for p in 0..n_pilots {
                    let band = (p / per_rb / band_rb).min(n_bands - 1);
                    let k = position(layer, p);
                    let mut e = [ZERO; RX_MAX];
                    for (rx, e) in e.iter_mut().enumerate().take(n_rx) {
                        let row = rx * n_layers + layer;
                        let h = &est.h[(time * rows + row) * n_sc..][..n_sc];
                        let smoothed = if half { (h[k] + h[k + 1]) * 0.5 } else { h[k] };
                        let d = ls[(row * n_times + j) * n_pilots + p] - smoothed;
                        *e = Cf64::new(f64::from(d.re), f64::from(d.im));
                    }
                    let sum = &mut self.sums[band];
                    for i in 0..n_rx {
                        for q in 0..=i {
                            sum[i][q] += e[i] * e[q].conj();
                        }
                    }
                    self.counts[band] += 1.0;
                }
            }
        }
        self.decide(n_rx, band_rb * 12, &mut est.whitening);
    }

    /// Compares with white noise; factors where it pays, of covariances whose mean diagonal is 1.
    fn decide(&mut self, n_rx: usize, band: usize, out: &mut Whitening) {
        out.clear();
        let total: f64 = self.counts.iter().sum();
        let mut wide = [[ZERO; RX_MAX]; RX_MAX];
        for sum in &self.sums {
            for i in 0..n_rx {
                for q in 0..=i {
                    wide[i][q] += sum[i][q] / total.max(1.0);
                }
            }
        }
        let mean = (0..n_rx).map(|i| wide[i][i].re).sum::<f64>() / n_rx as f64;
        if !(mean > 0.0 && mean.is_finite() && total > 4.0 * n_rx as f64) {
            return;
        }
        // Distance from a multiple of the identity, over what as many samples of white noise give.
        let n2 = (n_rx * n_rx) as f64;
        let (mut distance, mut expected) = (0.0, 0.0);
        for (sum, count) in self.sums.iter().zip(&self.counts) {
            let own = (0..n_rx).map(|i| sum[i][i].re).sum::<f64>() / n_rx as f64;
            if own <= 0.0 || *count < 1.0 {
                continue;
            }
            for i in 0..n_rx {
                distance += (sum[i][i].re / own - 1.0) * (sum[i][i].re / own - 1.0) * count;
                distance += (0..i).map(|q| 2.0 * (sum[i][q] / own).norm_sqr() * count).sum::<f64>();
            }
            expected += n2;
        }
        // `count` samples: each entry has a variance of 1 / count, so distance has the mean `expected`, and a gain of some tenths of
        // the noise is asked for besides.
        let spread = 4.0 * libm::sqrt(2.0 * expected);
        if distance <= expected + spread + 0.05 * n2 * total {
            return;
        }
        out.n_rx = n_rx;
        out.band = band;
        for (sum, count) in self.sums.iter().zip(&self.counts) {
            // A band's own covariance, leaning on the whole allocation's as far as its samples are few.
            let own = count / (count + 2.0 * n_rx as f64);
            let mut r = [[ZERO; RX_MAX]; RX_MAX];
            for i in 0..n_rx {
                for q in 0..=i {
                    r[i][q] = (sum[i][q] / count.max(1.0) * own + wide[i][q] * (1.0 - own)) / mean;
                }
                r[i][i].re += 1e-3;
            }
            let Some(factor) = inverse_factor(&r, n_rx) else {
                out.clear();
                return;
            };
            out.factors.push(factor);
        }
    }
}

/// L^-1 of R = L L^H, from its lower triangle.
fn inverse_factor(r: &Square, n: usize) -> Option<[[Cf32; RX_MAX]; RX_MAX]> {
    let mut l = [[ZERO; RX_MAX]; RX_MAX];
    for i in 0..n {
        for q in 0..=i {
            let mut sum = r[i][q];
            for m in 0..q {
                sum -= l[i][m] * l[q][m].conj();
            }
            if i == q {
                if !(sum.re > 1e-9 && sum.re.is_finite()) {
                    return None;
                }
                l[i][i] = Cf64::new(libm::sqrt(sum.re), 0.0);
            } else {
                l[i][q] = sum / l[q][q].re;
            }
        }
    }
    let mut inverse = [[ZERO; RX_MAX]; RX_MAX];
    for q in 0..n {
        inverse[q][q] = Cf64::new(1.0 / l[q][q].re, 0.0);
        for i in q + 1..n {
            let mut sum = ZERO;
            for m in q..i {
                sum -= l[i][m] * inverse[m][q];
            }
            inverse[i][q] = sum / l[i][i].re;
        }
    }
    let mut out = [[Cf32::new(0.0, 0.0); RX_MAX]; RX_MAX];
    for (to, from) in out.iter_mut().zip(&inverse) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = Cf32::new(from.re as f32, from.im as f32);
        }
    }
    Some(out)
}
