//! Circular complex Gaussian noise: fast, seeded, the same bits everywhere.
//!
//! Sixteen xoshiro128++ generators run side by side; each sample takes two words. Box and Muller's method: the radius from a
//! 24-bit uniform number (so |z|^2 reaches 17 times the variance, once in 2^24), the angle from a 32-bit one, logarithm and
//! sine by polynomials within 2e-6.

use crate::isa::multiversion;
use crate::{Cf32, Isa, as_floats_mut};

const LANES: usize = 16;

/// Samples of one call into the vectorised body; a multiple of `LANES`.
const BLOCK: usize = 256;

type Words = [u32; LANES];

/// A noise source. The stream does not depend on how it is cut into calls.
#[derive(Clone, Debug)]
pub struct Gaussian {
    state: [Words; 4],
    isa: Isa,
    /// Samples of unit variance made but not yet given: the last `left` of the array.
    spare: [Cf32; LANES],
    left: usize,
}

impl Gaussian {
    /// Seeds the source; every seed gives another stream.
    pub fn new(seed: u64, isa: Isa) -> Gaussian {
        let mut split = seed;
        let mut state = [[0u32; LANES]; 4];
        for lane in 0..LANES {
            for word in 0..2 {
                let v = split_mix_64(&mut split);
                state[2 * word][lane] = v as u32;
                state[2 * word + 1][lane] = (v >> 32) as u32;
            }
            // A state of all zeros would stay there.
            state[0][lane] |= u32::from(state.iter().all(|w| w[lane] == 0));
        }
        Gaussian { state, isa, spare: [Cf32::new(0.0, 0.0); LANES], left: 0 }
    }

    /// Overwrites `out` with independent samples of mean 0 and E|z|^2 = `variance`.
    pub fn fill(&mut self, out: &mut [Cf32], variance: f32) {
        self.run::<false>(out, variance);
    }

    /// Adds independent samples of mean 0 and E|z|^2 = `variance` to `x`.
    pub fn add(&mut self, x: &mut [Cf32], variance: f32) {
        self.run::<true>(x, variance);
    }

    fn run<const ADD: bool>(&mut self, x: &mut [Cf32], variance: f32) {
        let deviation = variance.max(0.0).sqrt();
        let put = |x: &mut Cf32, z: Cf32| {
            let z = z * deviation;
            *x = if ADD { *x + z } else { z };
        };
        let early = self.left.min(x.len());
        let (head, rest) = x.split_at_mut(early);
        for x in head {
            put(x, self.spare[LANES - self.left]);
            self.left -= 1;
        }
        let whole = rest.len() - rest.len() % LANES;
        let (body, tail) = rest.split_at_mut(whole);
        for block in body.chunks_mut(BLOCK) {
            if ADD {
                add_block(self.isa, &mut self.state, block, deviation);
            } else {
                fill_block(self.isa, &mut self.state, block, deviation);
            }
        }
        if !tail.is_empty() {
            fill_block(self.isa, &mut self.state, &mut self.spare, 1.0);
            self.left = LANES;
            for x in tail {
                put(x, self.spare[LANES - self.left]);
                self.left -= 1;
            }
        }
    }
}

/// The next word of Vigna's SplitMix64, which turns one seed into many.
pub fn split_mix_64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

multiversion! {
    fn fill_block(state: &mut [Words; 4], out: &mut [Cf32], deviation: f32) = block_body::<false>
}

multiversion! {
    fn add_block(state: &mut [Words; 4], out: &mut [Cf32], deviation: f32) = block_body::<true>
}

#[inline(always)]
fn next(s: &mut [Words; 4]) -> Words {
    let mut out = [0; LANES];
    for i in 0..LANES {
        out[i] = s[0][i].wrapping_add(s[3][i]).rotate_left(7).wrapping_add(s[0][i]);
        let t = s[1][i] << 9;
        s[2][i] ^= s[0][i];
        s[3][i] ^= s[1][i];
        s[1][i] ^= s[2][i];
        s[0][i] ^= s[3][i];
        s[2][i] ^= t;
        s[3][i] = s[3][i].rotate_left(11);
    }
    out
}

#[inline(always)]
fn block_body<const ADD: bool>(state: &mut [Words; 4], out: &mut [Cf32], deviation: f32) {
    let mut s = *state;
    for chunk in as_floats_mut(out).chunks_exact_mut(2 * LANES) {
        let (a, b) = (next(&mut s), next(&mut s));
        let (mut re, mut im) = ([0.0f32; LANES], [0.0f32; LANES]);
        for i in 0..LANES {
            (re[i], im[i]) = box_muller(a[i], b[i]);
        }
        for i in 0..LANES {
            let (x, y) = (re[i] * deviation, im[i] * deviation);
            if ADD {
                chunk[2 * i] += x;
                chunk[2 * i + 1] += y;
            } else {
                chunk[2 * i] = x;
                chunk[2 * i + 1] = y;
            }
        }
    }
    *state = s;
}

/// One sample of unit variance from two words.
#[inline(always)]
fn box_muller(a: u32, b: u32) -> (f32, f32) {
    // The upper 24 bits of `a` are the uniform number; -ln by exponent and a polynomial in f = mantissa - 1.
    let uniform = (a >> 8) as i32 as f32 + 0.5;
    let bits = uniform.to_bits();
    let exponent = bits.wrapping_sub(0x3f35_04f3) as i32 >> 23;
    let f = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32)) - 1.0;
    let low = 1.0 + f * (-0.500_011_45 + f * 0.333_146_74);
    let high = -0.249_082_89 + f * (0.204_917_6 + f * (-0.186_807_51 + f * 0.119_310_54));
    let log = f * (low + f * f * f * high) + (exponent - 24) as f32 * core::f32::consts::LN_2;
    let radius = (-log).max(0.0).sqrt();
    // `b` is an angle within an eighth of a turn; two low bits of `a` bring it to any quarter.
    let x = b as i32 as f32 * (1.0 / 2_147_483_648.0);
    let t = x * x;
    let sin = radius * (x * (0.785_397_04 + t * (-0.080_725_21 + t * 0.002_436_08)));
    let cos = radius * (0.999_999_97 + t * (-0.308_424_25 + t * (0.015_849_913 - t * 0.000_318_879)));
    let swap = (a & 1).wrapping_neg();
    let sign = (a & 2) << 30;
    let (sin, cos) = (sin.to_bits(), cos.to_bits() ^ sign);
    let re = (cos & !swap) | (sin & swap);
    let im = (sin & !swap) | (cos & swap);
    (f32::from_bits(re), f32::from_bits(im))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: none (Box and Muller's formula in double precision)
    fn a_sample_has_the_radius_and_the_angle_of_its_words() {
        let mut state = 1;
        for _ in 0..20_000 {
            let words = split_mix_64(&mut state);
            let (a, b) = (words as u32, (words >> 32) as u32);
            let (re, im) = box_muller(a, b);
            let (re, im) = (f64::from(re), f64::from(im));
            let uniform = (f64::from(a >> 8) + 0.5) / 16_777_216.0;
            let square = -libm::log(uniform);
            assert!((re * re + im * im - square).abs() < 3e-6 * (1.0 + square), "{a:#x} {b:#x}");
            let turn = core::f64::consts::FRAC_PI_4 * f64::from(b as i32) / 2_147_483_648.0;
            let (mut cos, mut sin) = (libm::cos(turn), libm::sin(turn));
            if a & 2 != 0 {
                cos = -cos;
            }
            if a & 1 != 0 {
                (cos, sin) = (sin, cos);
            }
            let radius = square.sqrt();
            assert!((re - radius * cos).abs() < 1e-5 && (im - radius * sin).abs() < 1e-5, "{a:#x} {b:#x}");
        }
    }
}
