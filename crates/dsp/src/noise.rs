//! Circular complex Gaussian noise: fast, seeded, the same bits everywhere.
//!
//! Sixteen xoroshiro128+ generators of 64 bits run side by side; one step of all of them makes sixteen samples, of two words of 32
//! bits each. Box and Muller's method: the radius from a 31-bit uniform number (so |z|^2 reaches 21 times the variance), the angle
//! from a 32-bit one, logarithm, sine and cosine by polynomials within 1e-5.

use crate::isa::multiversion;
use crate::{Cf32, Isa, as_floats_mut};

const LANES: usize = 16;

/// Samples of one call into the vectorised body; a multiple of `LANES`.
const BLOCK: usize = 256;

type Words = [u32; LANES];

/// The two halves of the generators' states.
type State = [[u64; LANES]; 2];

/// A noise source. The stream does not depend on how it is cut into calls.
#[derive(Clone, Debug)]
pub struct Gaussian {
    state: State,
    isa: Isa,
    /// Words of samples drawn but not yet given: the last `left` of the arrays.
    spare: (Words, Words),
    left: usize,
}

impl Gaussian {
    /// Seeds the source; every seed gives another stream.
    pub fn new(seed: u64, isa: Isa) -> Gaussian {
        let mut split = seed;
        let mut state = [[0; LANES]; 2];
        for lane in 0..LANES {
            state[0][lane] = split_mix_64(&mut split);
            state[1][lane] = split_mix_64(&mut split);
            // A state of all zeros would stay there.
            state[0][lane] |= u64::from(state[0][lane] | state[1][lane] == 0);
        }
        Gaussian { state, isa, spare: ([0; LANES], [0; LANES]), left: 0 }
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
        let early = self.left.min(x.len());
        let (head, rest) = x.split_at_mut(early);
        self.put_spare::<ADD>(head, deviation);
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
            self.spare = next(&mut self.state);
            self.left = LANES;
            self.put_spare::<ADD>(tail, deviation);
        }
    }

    /// Gives the first of the samples left; there are as many.
    fn put_spare<const ADD: bool>(&mut self, x: &mut [Cf32], deviation: f32) {
        for x in x {
            let i = LANES - self.left;
            let (re, im) = box_muller(self.spare.0[i], self.spare.1[i], deviation);
            let z = Cf32::new(re, im);
            *x = if ADD { *x + z } else { z };
            self.left -= 1;
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
    fn fill_block(state: &mut State, out: &mut [Cf32], deviation: f32) = block_body::<false>
}

multiversion! {
    fn add_block(state: &mut State, out: &mut [Cf32], deviation: f32) = block_body::<true>
}

/// The words of sixteen samples: those of the first eight generators, then those of the others.
#[inline(always)]
fn next(s: &mut State) -> (Words, Words) {
    let mut out = [0u64; LANES];
    for i in 0..LANES {
        let (s0, s1) = (s[0][i], s[1][i] ^ s[0][i]);
        out[i] = s0.wrapping_add(s[1][i]).to_le();
        s[0][i] = s0.rotate_left(24) ^ s1 ^ (s1 << 16);
        s[1][i] = s1.rotate_left(37);
    }
    // SAFETY: plain integers of the same size; little-endian order was made above, so every machine sees the same words.
    let words: [Words; 2] = unsafe { core::mem::transmute(out) };
    (words[0].map(u32::from_le), words[1].map(u32::from_le))
}

#[inline(always)]
fn block_body<const ADD: bool>(state: &mut State, out: &mut [Cf32], deviation: f32) {
    let mut s = *state;
    for chunk in as_floats_mut(out).chunks_exact_mut(2 * LANES) {
        let (a, b) = next(&mut s);
        let (mut re, mut im) = ([0.0f32; LANES], [0.0f32; LANES]);
        for i in 0..LANES {
            (re[i], im[i]) = box_muller(a[i], b[i], deviation);
        }
        for i in 0..LANES {
            if ADD {
                chunk[2 * i] += re[i];
                chunk[2 * i + 1] += im[i];
            } else {
                chunk[2 * i] = re[i];
                chunk[2 * i + 1] = im[i];
            }
        }
    }
    *state = s;
}

/// One sample from two words.
#[inline(always)]
fn box_muller(a: u32, b: u32, deviation: f32) -> (f32, f32) {
    // u = x 2^-31 in (0, 1]; -ln u from x's exponent, and a polynomial in its mantissa from 1 to 2.
    let bits = ((a | 1) as i32 as f32).to_bits() & 0x7fff_ffff;
    let halvings = 0x4f7f_ffff_u32.wrapping_sub(bits) as i32 >> 23;
    let m = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    let p = -1.112_827_8 + m * (0.282_509_86 + m * -0.030_243_369);
    let p = 1.936_287_6 + m * (-3.511_880_4 + m * (2.436_144_6 + m * p));
    let square = p + halvings as f32 * core::f32::consts::LN_2;
    let radius = square.max(0.0).sqrt() * deviation;
    // `b` is an angle within an eighth of a turn; `a`'s sign and a low bit of `b` bring it to any quarter.
    let x = b as i32 as f32 * (1.0 / 2_147_483_648.0);
    let t = x * x;
    let sin = radius * (x * (0.785_394_23 + t * (-0.080_714 + t * 0.002_427_11)));
    let cos = radius * (0.999_990_04 + t * (-0.308_245_12 + t * 0.015_371_83));
    let cos = f32::from_bits(cos.to_bits() ^ (a & 0x8000_0000));
    if b & 128 != 0 { (sin, cos) } else { (cos, sin) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: none (Box and Muller's formula in double precision)
    fn a_sample_has_the_radius_and_the_angle_of_its_words() {
        let mut state = 1;
        for i in 0..20_000 {
            let words = split_mix_64(&mut state);
            // All sizes of the uniform number, the smallest and the largest among them.
            let (a, b) = ((words as u32) >> (i % 33).min(31), (words >> 32) as u32);
            let a = if i % 33 == 32 { 0x8000_0000 } else { a };
            let (re, im) = box_muller(a, b, 1.0);
            let (re, im) = (f64::from(re), f64::from(im));
            let uniform = f64::from((a | 1) as i32).abs() / 2_147_483_648.0;
            let square = -libm::log(uniform);
            assert!((re * re + im * im - square).abs() < 1.5e-5 + 3e-5 * square, "{a:#x} {b:#x}");
            let turn = core::f64::consts::FRAC_PI_4 * f64::from(b as i32) / 2_147_483_648.0;
            let (mut cos, mut sin) = (libm::cos(turn), libm::sin(turn));
            if (a as i32) < 0 {
                cos = -cos;
            }
            if b & 128 != 0 {
                (cos, sin) = (sin, cos);
            }
            let radius = (re * re + im * im).sqrt();
            assert!((re - radius * cos).abs() < 3e-5 * (1.0 + radius), "{a:#x} {b:#x}");
            assert!((im - radius * sin).abs() < 3e-5 * (1.0 + radius), "{a:#x} {b:#x}");
        }
    }
}
