//! Joint detection of two to four layers: max-log likelihoods over the best points of a tree, many subcarriers side by side.
//!
//! Each layer is the root in turn. All its points are tried; of the layer after it, where there are more than two, the two nearest levels of
//! either axis; of each further layer the nearest point, once those before it are taken out. So two layers have the exact max-log
//! likelihoods, and more have nearly these.
//!
//! | in the literature | here | meaning |
//! |---|---|---|
//! | A = H^H H = L D L^H | `Tree` | in the order of the tree, the root last |
//! | D^-1 L^-1 H^H y | `z` | |y - H x|^2 is sum_i d_i |z_i - x_i - sum_(j > i) conj(l_ji) x_j|^2 and a constant |

use super::kernel::{Gram, Input, gram, turn};
use super::lanes::Lanes;
use crate::modulation::{LLR_SCALE, Modulation};
use dsp::Isa;
use fec::Llr;

/// Whether a combination is cheap enough for it.
pub(super) fn is_cheap(scheme: Modulation, n_layers: usize) -> bool {
    match scheme {
        Modulation::Qpsk | Modulation::Qam16 => (2..=4).contains(&n_layers),
        Modulation::Qam64 => n_layers == 2,
        _ => false,
    }
}

/// Likelihoods of every bit, `[subcarrier][layer][bit]`, in the units of [`crate::modulation::demodulate`]; false where it is not cheap
/// enough.
///
/// Every instruction set gives the same bits.
pub(super) fn detect(isa: Isa, scheme: Modulation, n_layers: usize, input: &Input, llrs: &mut [Llr]) -> bool {
    match (scheme, n_layers) {
        (Modulation::Qpsk, 2) => run::<2, 2>(isa, input, llrs),
        (Modulation::Qpsk, 3) => run::<3, 2>(isa, input, llrs),
        (Modulation::Qpsk, 4) => run::<4, 2>(isa, input, llrs),
        (Modulation::Qam16, 2) => run::<2, 4>(isa, input, llrs),
        (Modulation::Qam16, 3) => run::<3, 4>(isa, input, llrs),
        (Modulation::Qam16, 4) => run::<4, 4>(isa, input, llrs),
        (Modulation::Qam64, 2) => run::<2, 8>(isa, input, llrs),
        _ => return false,
    }
    true
}

/// Bits of an axis of `N` levels.
const fn bits_of(n_levels: usize) -> usize {
    n_levels.trailing_zeros() as usize
}

fn run<const L: usize, const N: usize>(isa: Isa, input: &Input, llrs: &mut [Llr]) {
    let n = llrs.len() / (2 * bits_of(N) * L);
    let rows = input.h[..input.n_rx].iter().flat_map(|h| &h[..L]).chain(&input.y[..input.n_rx]);
    assert!(rows.into_iter().all(|r| r.len() >= n), "rows of a detector");
    #[cfg(target_arch = "x86_64")]
    match isa.effective() {
        Isa::Avx512 => {
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            unsafe fn wide<const L: usize, const N: usize>(input: &Input, n: usize, llrs: &mut [Llr]) {
                // SAFETY: as for the caller.
                unsafe { body::<core::arch::x86_64::__m512, L, N>(input, n, llrs) }
            }
            // SAFETY: `effective` returns only what the machine has; AVX-512 brings fused multiply-add. Lengths were checked above.
            return unsafe { wide::<L, N>(input, n, llrs) };
        }
        Isa::Avx2 if std::arch::is_x86_feature_detected!("fma") => {
            #[target_feature(enable = "avx2,fma")]
            unsafe fn wide<const L: usize, const N: usize>(input: &Input, n: usize, llrs: &mut [Llr]) {
                // SAFETY: as for the caller.
                unsafe { body::<core::arch::x86_64::__m256, L, N>(input, n, llrs) }
            }
            // SAFETY: as above; fused multiply-add was asked for.
            return unsafe { wide::<L, N>(input, n, llrs) };
        }
        _ => {}
    }
    let _ = isa;
    // SAFETY: lengths were checked above; scalar lanes need no instruction set.
    unsafe { body::<f32, L, N>(input, n, llrs) }
}

/// # Safety
/// Every row holds `n` elements; the machine has what `V` needs.
#[inline(always)]
unsafe fn body<V: Lanes, const L: usize, const N: usize>(input: &Input, n: usize, llrs: &mut [Llr]) {
    let per_subcarrier = 2 * bits_of(N) * L;
    let whole = n - n % V::W;
    let (wide, rest) = llrs[..n * per_subcarrier].split_at_mut(whole * per_subcarrier);
    unsafe {
        for (i, llrs) in wide.chunks_exact_mut(V::W * per_subcarrier).enumerate() {
            block::<V, L, N>(input, i * V::W, llrs);
        }
        for (i, llrs) in rest.chunks_exact_mut(per_subcarrier).enumerate() {
            block::<f32, L, N>(input, whole + i, llrs);
        }
    }
}

/// The triangular form with one layer as the root.
struct Tree<V, const L: usize> {
    /// `u[i][j]`, j > i: how much of layer j is in z_i.
    u: [[(V, V); L]; L],
    /// Weight of layer i, in steps of a soft bit for levels 2 apart.
    d: [V; L],
    /// In levels.
    z: [(V, V); L],
}

/// One vector of subcarriers from `k` on.
///
/// # Safety
/// As for `body`, from `k` on.
#[inline(always)]
unsafe fn block<V: Lanes, const L: usize, const N: usize>(input: &Input, k: usize, llrs: &mut [Llr]) {
    unsafe {
        let mut gram = gram::<V, L>(input, k);
        for b in &mut gram.b {
            *b = turn(b.0, b.1, input.rotation);
        }
        let bits = bits_of(N);
        for root in 0..L {
            let tree = tree::<V, L, N>(&gram, root, input.noise);
            let (least_re, least_im) = search::<V, L, N>(&tree);
            for bit in 0..bits {
                for (axis, least) in [&least_re, &least_im].into_iter().enumerate() {
                    let mut values = [0.0f32; 16];
                    likelihood::<V, N>(least, bit).store(values.as_mut_ptr());
                    let at = (root * bits + bit) * 2 + axis;
                    for (llr, value) in llrs[at..].iter_mut().step_by(2 * bits * L).zip(&values[..V::W]) {
                        *llr = quantise(*value);
                    }
                }
            }
        }
    }
}

/// Rounds to the nearest integer in -120..=120; what is no number is an erasure.
#[inline(always)]
fn quantise(x: f32) -> Llr {
    const MAGIC: f32 = 12_582_912.0;
    if x.is_nan() { 0 } else { (x.clamp(-120.0, 120.0) + MAGIC).to_bits() as u8 as i8 }
}

/// Bit `bit` of level `level` of an axis. Spec: TS 38.211 §5.1.3 to §5.1.5
const fn bit_of(n_levels: usize, level: usize, bit: usize) -> bool {
    let mut a = 2 * level as i32 - (n_levels as i32 - 1);
    let mut k = 0;
    while k < bit {
        k += 1;
        a = (n_levels as i32 >> k) - a.abs();
    }
    a < 0
}

/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn likelihood<V: Lanes, const N: usize>(least: &[V; N], bit: usize) -> V {
    unsafe {
        let (mut zero, mut one) = (V::splat(f32::INFINITY), V::splat(f32::INFINITY));
        for (level, least) in least.iter().enumerate() {
            if bit_of(N, level, bit) {
                one = least.min(one);
            } else {
                zero = least.min(zero);
            }
        }
        one.sub(zero)
    }
}

/// Factors A in the order of a tree.
///
/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn tree<V: Lanes, const L: usize, const N: usize>(gram: &Gram<V, L>, root: usize, noise: f32) -> Tree<V, L> {
    unsafe {
        let zero = V::splat(0.0);
        // Layers in turn, the root last.
        let order: [usize; L] = core::array::from_fn(|i| (root + 1 + i) % L);
        let a = |i: usize, j: usize| {
            let (p, q) = (order[i], order[j]);
            if p >= q { (gram.re[p][q], gram.im[p][q]) } else { (gram.re[q][p], zero.sub(gram.im[q][p])) }
        };
        let mut l = [[(zero, zero); L]; L];
        let mut d = [zero; L];
        let mut w = [(zero, zero); L];
        for j in 0..L {
            let own = a(j, j).0;
            let mut sum = own;
            w[j] = gram.b[order[j]];
            for m in 0..j {
                let (r, q) = l[j][m];
                sum = q.mul_add(q, r.mul(r)).neg_mul_add(d[m], sum);
                w[j].0 = q.mul_add(w[m].1, r.neg_mul_add(w[m].0, w[j].0));
                w[j].1 = q.neg_mul_add(w[m].0, r.neg_mul_add(w[m].1, w[j].1));
            }
            // A layer that others hide is left with next to no weight.
            d[j] = sum.max(own.mul(V::splat(1e-6)).max(V::splat(1e-30)));
            let inverse = V::splat(1.0).div(d[j]);
            for i in j + 1..L {
                let (mut r, mut q) = a(i, j);
                for m in 0..j {
                    // l_im conj(l_jm) d_m
                    let (xr, xq) = (l[i][m].0.mul(d[m]), l[i][m].1.mul(d[m]));
                    let (yr, yq) = l[j][m];
                    r = xq.neg_mul_add(yq, xr.neg_mul_add(yr, r));
                    q = xq.neg_mul_add(yr, xr.mul_add(yq, q));
                }
                l[i][j] = (r.mul(inverse), q.mul(inverse));
            }
        }
        // Points are odd numbers times `norm`.
        let norm = norm(N);
        let mut tree = Tree { u: [[(zero, zero); L]; L], d, z: w };
        for i in 0..L {
            let scale = V::splat(1.0 / norm).div(d[i]);
            tree.z[i] = (w[i].0.mul(scale), w[i].1.mul(scale));
            tree.d[i] = d[i].mul(V::splat(norm * norm * LLR_SCALE / noise));
            for j in i + 1..L {
                tree.u[i][j] = (l[j][i].0, zero.sub(l[j][i].1));
            }
        }
        tree
    }
}

/// Half the distance between levels for unit mean power.
fn norm(n_levels: usize) -> f32 {
    let n = n_levels as f32;
    1.0 / ((n * n - 1.0) * (2.0 / 3.0)).sqrt()
}

/// The least distances by the root's level, either axis.
///
/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn search<V: Lanes, const L: usize, const N: usize>(tree: &Tree<V, L>) -> ([V; N], [V; N]) {
    unsafe {
        let mut least_re = [V::splat(f32::INFINITY); N];
        let mut least_im = least_re;
        let (zr, zi) = tree.z[L - 1];
        for i in 0..N {
            let xr = V::splat((2 * i) as f32 - (N - 1) as f32);
            let er = zr.sub(xr);
            let own = er.mul(er).mul(tree.d[L - 1]);
            for j in 0..N {
                let xi = V::splat((2 * j) as f32 - (N - 1) as f32);
                let ei = zi.sub(xi);
                let here = ei.mul(ei).mul_add(tree.d[L - 1], own);
                let mut c = tree.z;
                take_out(&mut c, tree, L - 1, (xr, xi));
                let total = here.add(if L == 2 { finish::<V, L, N>(tree, c, 0) } else { branch::<V, L, N>(tree, c) });
                least_re[i] = total.min(least_re[i]);
                least_im[j] = total.min(least_im[j]);
            }
        }
        (least_re, least_im)
    }
}

/// Takes point `x` of layer `j` out of what is before it.
///
/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn take_out<V: Lanes, const L: usize>(c: &mut [(V, V); L], tree: &Tree<V, L>, j: usize, x: (V, V)) {
    unsafe {
        for (i, c) in c.iter_mut().enumerate().take(j) {
            let (ur, ui) = tree.u[i][j];
            c.0 = ui.mul_add(x.1, ur.neg_mul_add(x.0, c.0));
            c.1 = ui.neg_mul_add(x.0, ur.neg_mul_add(x.1, c.1));
        }
    }
}

/// The integer nearest to `x`, 0..=`most`.
///
/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn nearest<V: Lanes>(x: V, most: f32) -> V {
    unsafe {
        const MAGIC: f32 = 12_582_912.0;
        let x = x.max(V::splat(0.0)).min(V::splat(most));
        x.add(V::splat(MAGIC)).sub(V::splat(MAGIC))
    }
}

/// The two nearest levels of either axis of the layer after the root, and what follows each.
///
/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn branch<V: Lanes, const L: usize, const N: usize>(tree: &Tree<V, L>, c: [(V, V); L]) -> V {
    unsafe {
        let at = L - 2;
        let half = V::splat(0.5);
        // Level t is 2 t - (N - 1); the pair is t and t + 1.
        let pair = |c: V| {
            let t = nearest(c.mul_add(half, V::splat(0.5 * (N - 1) as f32 - 0.5)), (N - 2) as f32);
            let low = t.mul_add(V::splat(2.0), V::splat(-((N - 1) as f32)));
            [low, low.add(V::splat(2.0))]
        };
        let (re, im) = (pair(c[at].0), pair(c[at].1));
        let mut least = V::splat(f32::INFINITY);
        for xr in re {
            let er = c[at].0.sub(xr);
            for xi in im {
                let ei = c[at].1.sub(xi);
                let here = ei.mul_add(ei, er.mul(er)).mul(tree.d[at]);
                let mut c = c;
                take_out(&mut c, tree, at, (xr, xi));
                least = here.add(finish::<V, L, N>(tree, c, at - 1)).min(least);
            }
        }
        least
    }
}

/// Layers `top` to 0, each at its nearest point.
///
/// # Safety
/// The machine has what `V` needs.
#[inline(always)]
unsafe fn finish<V: Lanes, const L: usize, const N: usize>(tree: &Tree<V, L>, mut c: [(V, V); L], top: usize) -> V {
    unsafe {
        let half = V::splat(0.5);
        let slice = |c: V| {
            let t = nearest(c.mul_add(half, V::splat(0.5 * (N - 1) as f32)), (N - 1) as f32);
            t.mul_add(V::splat(2.0), V::splat(-((N - 1) as f32)))
        };
        let mut sum = V::splat(0.0);
        for i in (0..=top).rev() {
            let x = (slice(c[i].0), slice(c[i].1));
            let (er, ei) = (c[i].0.sub(x.0), c[i].1.sub(x.1));
            sum = ei.mul_add(ei, er.mul(er)).mul_add(tree.d[i], sum);
            take_out(&mut c, tree, i, x);
        }
        sum
    }
}
