//! Element-wise operations and reductions on complex vectors.
//!
//! Slices of different lengths are worked on up to the shortest. Reductions run in 16 fixed float lanes over blocks of 512
//! samples, then in double precision, so every instruction set gives the same bits.

use crate::isa::multiversion;
use crate::lanes::{F4, Lanes};
use crate::{Cf32, Cf64, Isa, as_floats, as_floats_mut};

const LANES: usize = 16;
const BLOCK: usize = 1024;

multiversion! {
    /// The sum of |x|^2.
    pub fn energy(x: &[Cf32]) -> f64 = energy_body
}

#[inline(always)]
fn energy_body(x: &[Cf32]) -> f64 {
    let mut total = 0.0;
    for block in as_floats(x).chunks(BLOCK) {
        let mut lanes = [0.0f32; LANES];
        let mut chunks = block.chunks_exact(LANES);
        for chunk in &mut chunks {
            for i in 0..LANES {
                lanes[i] += chunk[i] * chunk[i];
            }
        }
        for (lane, v) in lanes.iter_mut().zip(chunks.remainder()) {
            *lane += v * v;
        }
        total += lanes.iter().map(|&v| f64::from(v)).sum::<f64>();
    }
    total
}

/// The mean of |x|^2, 0 for no samples.
pub fn power(isa: crate::Isa, x: &[Cf32]) -> f64 {
    energy(isa, x) / x.len().max(1) as f64
}

multiversion! {
    /// The sum of a conj(b).
    pub fn dot_conj(a: &[Cf32], b: &[Cf32]) -> Cf64 = dot_conj_body
}

#[inline(always)]
fn dot_conj_body(a: &[Cf32], b: &[Cf32]) -> Cf64 {
    let n = a.len().min(b.len());
    let mut total = Cf64::new(0.0, 0.0);
    for (a, b) in as_floats(&a[..n]).chunks(BLOCK).zip(as_floats(&b[..n]).chunks(BLOCK)) {
        let (mut straight, mut crossed) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (mut a_chunks, mut b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        for (a, b) in (&mut a_chunks).zip(&mut b_chunks) {
            for i in 0..LANES {
                straight[i] += a[i] * b[i];
                crossed[i] += a[i] * b[i ^ 1];
            }
        }
        let (a, b) = (a_chunks.remainder(), b_chunks.remainder());
        for i in 0..a.len() {
            straight[i] += a[i] * b[i];
            crossed[i] += a[i] * b[i ^ 1];
        }
        for i in 0..LANES {
            total.re += f64::from(straight[i]);
            total.im += if i % 2 == 1 { f64::from(crossed[i]) } else { -f64::from(crossed[i]) };
        }
    }
    total
}

multiversion! {
    /// Writes a b to `out`.
    pub fn mul(a: &[Cf32], b: &[Cf32], out: &mut [Cf32]) = mul_body
}

#[inline(always)]
fn mul_body(a: &[Cf32], b: &[Cf32], out: &mut [Cf32]) {
    for ((a, b), out) in a.iter().zip(b).zip(out) {
        *out = Cf32::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
    }
}

multiversion! {
    /// Multiplies `x` by `b` in place.
    pub fn mul_assign(x: &mut [Cf32], b: &[Cf32]) = mul_assign_body
}

#[inline(always)]
fn mul_assign_body(x: &mut [Cf32], b: &[Cf32]) {
    for (x, b) in x.iter_mut().zip(b) {
        *x = Cf32::new(x.re * b.re - x.im * b.im, x.re * b.im + x.im * b.re);
    }
}

multiversion! {
    /// Writes a conj(b) to `out`.
    pub fn mul_conj(a: &[Cf32], b: &[Cf32], out: &mut [Cf32]) = mul_conj_body
}

#[inline(always)]
fn mul_conj_body(a: &[Cf32], b: &[Cf32], out: &mut [Cf32]) {
    for ((a, b), out) in a.iter().zip(b).zip(out) {
        *out = Cf32::new(a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im);
    }
}

multiversion! {
    /// Multiplies `x` by conj(b) in place.
    pub fn mul_conj_assign(x: &mut [Cf32], b: &[Cf32]) = mul_conj_assign_body
}

#[inline(always)]
fn mul_conj_assign_body(x: &mut [Cf32], b: &[Cf32]) {
    for (x, b) in x.iter_mut().zip(b) {
        *x = Cf32::new(x.re * b.re + x.im * b.im, x.im * b.re - x.re * b.im);
    }
}

multiversion! {
    /// Multiplies `x` by a real number in place.
    pub fn scale(x: &mut [Cf32], by: f32) = scale_body
}

#[inline(always)]
fn scale_body(x: &mut [Cf32], by: f32) {
    for v in as_floats_mut(x) {
        *v *= by;
    }
}

multiversion! {
    /// Multiplies `x` by a complex number in place.
    pub fn rotate(x: &mut [Cf32], by: Cf32) = rotate_body
}

#[inline(always)]
fn rotate_body(x: &mut [Cf32], by: Cf32) {
    for x in x {
        *x = Cf32::new(x.re * by.re - x.im * by.im, x.re * by.im + x.im * by.re);
    }
}

multiversion! {
    /// Adds `b` to `x`.
    pub fn add_assign(x: &mut [Cf32], b: &[Cf32]) = add_assign_body
}

#[inline(always)]
fn add_assign_body(x: &mut [Cf32], b: &[Cf32]) {
    for (x, b) in as_floats_mut(x).iter_mut().zip(as_floats(b)) {
        *x += b;
    }
}

multiversion! {
    /// Adds `by` times `b` to `x`.
    pub fn add_scaled(x: &mut [Cf32], b: &[Cf32], by: Cf32) = add_scaled_body
}

#[inline(always)]
fn add_scaled_body(x: &mut [Cf32], b: &[Cf32], by: Cf32) {
    for (x, b) in x.iter_mut().zip(b) {
        x.re += b.re * by.re - b.im * by.im;
        x.im += b.re * by.im + b.im * by.re;
    }
}

/// Adds `(from + i step) b[i]` to `x[i]`, up to the shorter of the two: a gain that changes along a straight line.
pub fn add_ramped(isa: Isa, x: &mut [Cf32], b: &[Cf32], from: Cf32, step: Cf32) {
    let n = x.len().min(b.len());
    let (x, b) = (as_floats_mut(&mut x[..n]), as_floats(&b[..n]));
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m256, __m512};
        #[target_feature(enable = "avx2")]
        fn avx2(x: &mut [f32], b: &[f32], from: Cf32, step: Cf32) {
            add_ramped_body::<__m256>(x, b, from, step);
        }
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
        fn avx512(x: &mut [f32], b: &[f32], from: Cf32, step: Cf32) {
            add_ramped_body::<__m512>(x, b, from, step);
        }
        match isa.effective() {
            // SAFETY: `effective` returns only what the machine has.
            Isa::Avx2 => return unsafe { avx2(x, b, from, step) },
            // SAFETY: as above.
            Isa::Avx512 => return unsafe { avx512(x, b, from, step) },
            _ => {}
        }
    }
    let _ = isa;
    add_ramped_body::<F4>(x, b, from, step);
}

#[inline(always)]
fn add_ramped_body<L: Lanes>(x: &mut [f32], b: &[f32], from: Cf32, step: Cf32) {
    let n = x.len().min(b.len());
    let (mut signs, mut counts) = ([-1.0f32; LANES], [0.0f32; LANES]);
    for i in 0..LANES {
        counts[i] = (i / 2) as f32;
        signs[i] = if i % 2 == 0 { -1.0 } else { 1.0 };
    }
    let mut at = 0;
    // SAFETY: every access ends within the `n` floats that both slices hold; signs and counts are the widest vector's.
    unsafe {
        let (signs, mut count) = (L::load(signs.as_ptr()), L::load(counts.as_ptr()));
        let (from_re, step_re) = (L::splat(from.re), L::splat(step.re));
        let (from_im, step_im) = (L::splat(from.im).mul(signs), L::splat(step.im).mul(signs));
        let further = L::splat((L::W / 2) as f32);
        while at + L::W <= n {
            let p = x.as_mut_ptr().add(at);
            let z = L::load(b.as_ptr().add(at));
            let re = from_re.add(step_re.mul(count));
            let im = from_im.add(step_im.mul(count));
            L::load(p).add(z.mul(re).add(z.swap_pairs().mul(im))).store(p);
            count = count.add(further);
            at += L::W;
        }
    }
    for i in (at..n).step_by(2) {
        let count = (i / 2) as f32;
        let (re, im) = (from.re + step.re * count, from.im + step.im * count);
        let (a, c) = (b[i], b[i + 1]);
        x[i] += a * re + c * -im;
        x[i + 1] += c * re + a * im;
    }
}

/// Adds `gains[0] rows[0] + gains[1] rows[1] + ...` to `x`, row after row, up to the shortest of all.
///
/// Every instruction set gives the same bits.
pub fn add_combined<const N: usize>(isa: Isa, x: &mut [Cf32], rows: &[&[Cf32]; N], gains: &[Cf32; N]) {
    combine::<N, true>(isa, x, rows, gains);
}

/// Writes what [`add_combined`] makes of zeros.
pub fn combined<const N: usize>(isa: Isa, x: &mut [Cf32], rows: &[&[Cf32]; N], gains: &[Cf32; N]) {
    combine::<N, false>(isa, x, rows, gains);
}

fn combine<const N: usize, const ADD: bool>(isa: Isa, x: &mut [Cf32], rows: &[&[Cf32]; N], gains: &[Cf32; N]) {
    let n = rows.iter().map(|r| r.len()).fold(x.len(), usize::min);
    let x = as_floats_mut(&mut x[..n]);
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m256, __m512};
        #[target_feature(enable = "avx2")]
        fn avx2<const N: usize, const ADD: bool>(x: &mut [f32], rows: &[&[Cf32]; N], gains: &[Cf32; N]) {
            combine_body::<__m256, N, ADD>(x, rows, gains);
        }
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
        fn avx512<const N: usize, const ADD: bool>(x: &mut [f32], rows: &[&[Cf32]; N], gains: &[Cf32; N]) {
            combine_body::<__m512, N, ADD>(x, rows, gains);
        }
        match isa.effective() {
            // SAFETY: `effective` returns only what the machine has.
            Isa::Avx2 => return unsafe { avx2::<N, ADD>(x, rows, gains) },
            // SAFETY: as above.
            Isa::Avx512 => return unsafe { avx512::<N, ADD>(x, rows, gains) },
            _ => {}
        }
    }
    let _ = isa;
    combine_body::<F4, N, ADD>(x, rows, gains);
}

#[inline(always)]
fn combine_body<L: Lanes, const N: usize, const ADD: bool>(x: &mut [f32], rows: &[&[Cf32]; N], gains: &[Cf32; N]) {
    let n = x.len();
    assert!(rows.iter().all(|r| 2 * r.len() >= n), "rows of a sum");
    let mut signs = [-1.0f32; LANES];
    for i in 0..LANES / 2 {
        signs[2 * i + 1] = 1.0;
    }
    let mut at = 0;
    // SAFETY: every access ends within the `n` floats that all rows hold; signs are the widest vector's.
    unsafe {
        let signs = L::load(signs.as_ptr());
        let (mut re, mut im) = ([signs; N], [signs; N]);
        for v in 0..N {
            (re[v], im[v]) = (L::splat(gains[v].re), L::splat(gains[v].im).mul(signs));
        }
        while at + L::W <= n {
            let p = x.as_mut_ptr().add(at);
            let mut sum = if ADD { L::load(p) } else { L::splat(0.0) };
            for v in 0..N {
                let z = L::load(rows[v].as_ptr().cast::<f32>().add(at));
                sum = sum.add(z.mul(re[v]).add(z.swap_pairs().mul(im[v])));
            }
            sum.store(p);
            at += L::W;
        }
    }
    for i in at / 2..n / 2 {
        if !ADD {
            (x[2 * i], x[2 * i + 1]) = (0.0, 0.0);
        }
        for (row, by) in rows.iter().zip(gains) {
            let b = row[i];
            x[2 * i] += b.re * by.re + b.im * -by.im;
            x[2 * i + 1] += b.im * by.re + b.re * by.im;
        }
    }
}

multiversion! {
    /// Writes |x|^2 to `out`.
    pub fn norm_sqr(x: &[Cf32], out: &mut [f32]) = norm_sqr_body
}

#[inline(always)]
fn norm_sqr_body(x: &[Cf32], out: &mut [f32]) {
    for (x, out) in x.iter().zip(out) {
        *out = x.re * x.re + x.im * x.im;
    }
}

multiversion! {
    /// Whether every sample is zero, of either sign.
    pub fn is_zero(x: &[Cf32]) -> bool = is_zero_body
}

#[inline(always)]
fn is_zero_body(x: &[Cf32]) -> bool {
    for block in as_floats(x).chunks(BLOCK) {
        let mut bits = 0u32;
        for v in block {
            bits |= v.to_bits();
        }
        if bits << 1 != 0 {
            return false;
        }
    }
    true
}
