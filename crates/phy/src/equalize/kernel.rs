//! Linear MMSE for one to four layers on any antennas, many subcarriers side by side.
//!
//! With A = H^H H + sigma^2 I = L D L^H, M = L^-1: x = M^H D^-1 M H^H y, and the diagonal of A^-1 gives bias and noise.

use super::lanes::Lanes;
use crate::estimate::RX_MAX;
use dsp::{Cf32, Isa};

/// Channels `[rx][layer]` and received rows `[rx]`, all at least as long as the noise over the layers.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub h: [[&'a [Cf32]; 4]; RX_MAX],
    pub y: [&'a [Cf32]; RX_MAX],
    pub n_rx: usize,
    /// Turns the results.
    pub rotation: Cf32,
    /// Noise power.
    pub noise: f32,
}

impl Input<'_> {
    /// Some of the subcarriers, of which every row that is in use has all.
    pub fn part(&self, cells: core::ops::Range<usize>) -> Self {
        let mut part = *self;
        for rx in 0..self.n_rx {
            for h in &mut part.h[rx] {
                *h = h.get(cells.clone()).unwrap_or(&[]);
            }
            part.y[rx] = self.y[rx].get(cells.clone()).unwrap_or(&[]);
        }
        part
    }
}

/// Equalises `noise_var.len() / n_layers` subcarriers: symbols `[subcarrier][layer]` and their noise powers.
///
/// Every instruction set gives the same bits.
pub(super) fn mmse(isa: Isa, n_layers: usize, input: &Input, out: &mut [Cf32], noise_var: &mut [f32]) {
    match n_layers {
        1 => run::<1>(isa, input, out, noise_var),
        2 => run::<2>(isa, input, out, noise_var),
        3 => run::<3>(isa, input, out, noise_var),
        _ => run::<4>(isa, input, out, noise_var),
    }
}

fn run<const L: usize>(isa: Isa, input: &Input, out: &mut [Cf32], noise_var: &mut [f32]) {
    let n = noise_var.len() / L;
    let rows = input.h[..input.n_rx].iter().flat_map(|h| &h[..L]).chain(&input.y[..input.n_rx]);
    assert!(out.len() >= n * L && rows.into_iter().all(|r| r.len() >= n), "rows of an equalizer");
    #[cfg(target_arch = "x86_64")]
    match isa.effective() {
        Isa::Avx512 => {
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            unsafe fn wide<const L: usize>(input: &Input, n: usize, out: *mut f32, noise_var: *mut f32) {
                // SAFETY: as for the caller.
                unsafe { body::<core::arch::x86_64::__m512, L>(input, n, out, noise_var) }
            }
            // SAFETY: `effective` returns only what the machine has; AVX-512 brings fused multiply-add. Lengths were checked above.
            return unsafe { wide::<L>(input, n, out.as_mut_ptr().cast(), noise_var.as_mut_ptr()) };
        }
        Isa::Avx2 if std::arch::is_x86_feature_detected!("fma") => {
            #[target_feature(enable = "avx2,fma")]
            unsafe fn wide<const L: usize>(input: &Input, n: usize, out: *mut f32, noise_var: *mut f32) {
                // SAFETY: as for the caller.
                unsafe { body::<core::arch::x86_64::__m256, L>(input, n, out, noise_var) }
            }
            // SAFETY: as above; fused multiply-add was asked for.
            return unsafe { wide::<L>(input, n, out.as_mut_ptr().cast(), noise_var.as_mut_ptr()) };
        }
        _ => {}
    }
    #[cfg(target_arch = "aarch64")]
    if isa == Isa::Neon {
        // SAFETY: the target has them; lengths were checked above.
        return unsafe {
            body::<core::arch::aarch64::float32x4_t, L>(input, n, out.as_mut_ptr().cast(), noise_var.as_mut_ptr())
        };
    }
    let _ = isa;
    // SAFETY: lengths were checked above; scalar lanes need no instruction set.
    unsafe { body::<f32, L>(input, n, out.as_mut_ptr().cast(), noise_var.as_mut_ptr()) }
}

/// # Safety
/// `out` holds `2 n L` floats, `noise_var` `n L`, every row `n` elements; the machine has what `V` needs.
#[inline(always)]
unsafe fn body<V: Lanes, const L: usize>(input: &Input, n: usize, out: *mut f32, noise_var: *mut f32) {
    let mut k = 0;
    unsafe {
        while k + V::W <= n {
            block::<V, L>(input, k, out.add(2 * k * L), noise_var.add(k * L));
            k += V::W;
        }
        while k < n {
            block::<f32, L>(input, k, out.add(2 * k * L), noise_var.add(k * L));
            k += 1;
        }
    }
}

/// One vector of subcarriers from `k` on.
///
/// # Safety
/// As for `body`, from `k` on.
#[inline(always)]
unsafe fn block<V: Lanes, const L: usize>(input: &Input, k: usize, out: *mut f32, noise_var: *mut f32) {
    unsafe {
        let zero = V::splat(0.0);
        let Gram { re, im, b } = gram::<V, L>(input, k);
        let noise = V::splat(input.noise);
        if L == 1 {
            // Maximum ratio: the unbiased MMSE of one layer.
            let gain = V::splat(1.0).div(re[0][0]);
            let (r, i) = turn(b[0].0, b[0].1, input.rotation);
            V::store_pairs(r.mul(gain), i.mul(gain), out);
            noise.mul(gain).store(noise_var);
            return;
        }
        let (x, variance) = solve::<V, L>(re, im, b, noise);
        let one = V::splat(1.0);
        let mut scaled = [(zero, zero, zero); L];
        for i in 0..L {
            let taken = noise.mul(variance[i]);
            let bias = one.sub(taken).max(V::splat(1e-6));
            let gain = one.div(bias);
            let (r, q) = turn(x[i].0, x[i].1, input.rotation);
            scaled[i] = (r.mul(gain), q.mul(gain), one.sub(bias).mul(gain));
        }
        // Layers take turns in the output.
        if V::W > 1 && L == 2 {
            return weave(&scaled[0], &scaled[1 % L], out, noise_var);
        }
        let mut symbols = [[0.0f32; 32]; L];
        let mut noises = [[0.0f32; 16]; L];
        for i in 0..L {
            V::store_pairs(scaled[i].0, scaled[i].1, symbols[i].as_mut_ptr());
            scaled[i].2.store(noises[i].as_mut_ptr());
        }
        for w in 0..V::W {
            for i in 0..L {
                let pair = symbols[i].as_ptr().add(2 * w).cast::<[f32; 2]>().read_unaligned();
                out.add(2 * (w * L + i)).cast::<[f32; 2]>().write_unaligned(pair);
                *noise_var.add(w * L + i) = noises[i][w];
            }
        }
    }
}

/// The lower triangle of H^H H, whose diagonal is real, and H^H y, of one vector of subcarriers.
pub(super) struct Gram<V, const L: usize> {
    pub re: [[V; L]; L],
    pub im: [[V; L]; L],
    pub b: [(V, V); L],
}

/// What one vector of subcarriers from `k` on gives.
///
/// # Safety
/// Rows hold a vector from `k` on; the machine has what `V` needs.
#[inline(always)]
pub(super) unsafe fn gram<V: Lanes, const L: usize>(input: &Input, k: usize) -> Gram<V, L> {
    unsafe {
        let zero = V::splat(0.0);
        let mut re = [[zero; L]; L];
        let mut im = [[zero; L]; L];
        let mut b = [(zero, zero); L];
        for rx in 0..input.n_rx {
            let (yr, yi) = V::load_pairs(input.y[rx].as_ptr().add(k).cast());
            let mut h = [(zero, zero); L];
            for (v, h) in h.iter_mut().enumerate() {
                *h = V::load_pairs(input.h[rx][v].as_ptr().add(k).cast());
            }
            for i in 0..L {
                let (hr, hi) = h[i];
                b[i].0 = hi.mul_add(yi, hr.mul_add(yr, b[i].0));
                b[i].1 = hi.neg_mul_add(yr, hr.mul_add(yi, b[i].1));
                re[i][i] = hi.mul_add(hi, hr.mul_add(hr, re[i][i]));
                for j in 0..i {
                    // conj(h_i) h_j
                    let (gr, gi) = h[j];
                    re[i][j] = hi.mul_add(gi, hr.mul_add(gr, re[i][j]));
                    im[i][j] = hi.neg_mul_add(gr, hr.mul_add(gi, im[i][j]));
                }
            }
        }
        Gram { re, im, b }
    }
}

/// Writes symbols and noise powers of two layers in turn.
///
/// # Safety
/// `out` holds `4 W` floats, `noise_var` `2 W`; the machine has what `V` needs.
#[inline(always)]
unsafe fn weave<V: Lanes>(a: &(V, V, V), b: &(V, V, V), out: *mut f32, noise_var: *mut f32) {
    unsafe {
        let (a_low, a_high) = V::weave::<1>(a.0, a.1);
        let (b_low, b_high) = V::weave::<1>(b.0, b.1);
        let (w0, w1) = V::weave::<2>(a_low, b_low);
        let (w2, w3) = V::weave::<2>(a_high, b_high);
        let (n0, n1) = V::weave::<1>(a.2, b.2);
        w0.store(out);
        w1.store(out.add(V::W));
        w2.store(out.add(2 * V::W));
        w3.store(out.add(3 * V::W));
        n0.store(noise_var);
        n1.store(noise_var.add(V::W));
    }
}

/// Solves (A + noise I) x = b from A's lower triangle; also the diagonal of the inverse.
///
/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn solve<V: Lanes, const L: usize>(
    mut re: [[V; L]; L],
    mut im: [[V; L]; L],
    b: [(V, V); L],
    noise: V,
) -> ([(V, V); L], [V; L]) {
    unsafe {
        let zero = V::splat(0.0);
        let one = V::splat(1.0);
        for (i, row) in re.iter_mut().enumerate() {
            row[i] = row[i].add(noise);
        }
        let mut inverse_d = [zero; L];
        // Unit lower triangular L, below the diagonal of (re, im).
        for j in 0..L {
            inverse_d[j] = one.div(re[j][j]);
            // Column j still holds A - ...; keep c = L d, and update what is to the right.
            for i in j + 1..L {
                let (cr, ci) = (re[i][j], im[i][j]);
                let (lr, li) = (cr.mul(inverse_d[j]), ci.mul(inverse_d[j]));
                for m in j + 1..=i {
                    // A_im -= L_ij conj(c_mj), with c still in place for m <= i.
                    let (gr, gi) = (re[m][j], im[m][j]);
                    let (gr, gi) = if m == i { (cr, ci) } else { (gr, gi) };
                    if m == i {
                        re[i][i] = li.neg_mul_add(gi, lr.neg_mul_add(gr, re[i][i]));
                    } else {
                        // For m < i column j of row m is L already: c = L d.
                        let d = re[j][j];
                        let (gr, gi) = (gr.mul(d), gi.mul(d));
                        re[i][m] = li.neg_mul_add(gi, lr.neg_mul_add(gr, re[i][m]));
                        im[i][m] = lr.mul_add(gi, li.neg_mul_add(gr, im[i][m]));
                    }
                }
                (re[i][j], im[i][j]) = (lr, li);
            }
        }
        // M = L^-1, unit lower triangular.
        let mut mr = [[zero; L]; L];
        let mut mi = [[zero; L]; L];
        for j in 0..L {
            for i in j + 1..L {
                let (mut sr, mut si) = (re[i][j], im[i][j]);
                for m in j + 1..i {
                    sr = im[i][m].neg_mul_add(mi[m][j], re[i][m].mul_add(mr[m][j], sr));
                    si = im[i][m].mul_add(mr[m][j], re[i][m].mul_add(mi[m][j], si));
                }
                (mr[i][j], mi[i][j]) = (zero.sub(sr), zero.sub(si));
            }
        }
        // z = D^-1 M b
        let mut z = b;
        for i in (0..L).rev() {
            let (mut r, mut q) = b[i];
            for j in 0..i {
                r = mi[i][j].neg_mul_add(b[j].1, mr[i][j].mul_add(b[j].0, r));
                q = mi[i][j].mul_add(b[j].0, mr[i][j].mul_add(b[j].1, q));
            }
            z[i] = (r.mul(inverse_d[i]), q.mul(inverse_d[i]));
        }
        // x = M^H z, and the diagonal of M^H D^-1 M.
        let mut x = z;
        let mut variance = inverse_d;
        for i in 0..L {
            for m in i + 1..L {
                let (r, q) = (mr[m][i], mi[m][i]);
                x[i].0 = q.mul_add(z[m].1, r.mul_add(z[m].0, x[i].0));
                x[i].1 = q.neg_mul_add(z[m].0, r.mul_add(z[m].1, x[i].1));
                let power = q.mul_add(q, r.mul(r));
                variance[i] = power.mul_add(inverse_d[m], variance[i]);
            }
        }
        (x, variance)
    }
}

/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
pub(super) unsafe fn turn<V: Lanes>(re: V, im: V, by: Cf32) -> (V, V) {
    unsafe {
        let (c, s) = (V::splat(by.re), V::splat(by.im));
        (im.neg_mul_add(s, re.mul(c)), re.mul_add(s, im.mul(c)))
    }
}
