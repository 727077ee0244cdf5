//! Element-wise operations and reductions on complex vectors.
//!
//! Slices of different lengths are worked on up to the shortest. Reductions run in 16 fixed float lanes over blocks of 512
//! samples, then in double precision, so every instruction set gives the same bits.

use crate::isa::multiversion;
use crate::{Cf32, Cf64, as_floats, as_floats_mut};

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
