//! A seeded generator and an AWGN channel for the tests.
#![allow(dead_code)]

use fec::Llr;

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn bit(&mut self) -> u8 {
        (self.next() >> 63) as u8
    }

    pub fn bits(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.bit()).collect()
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub fn llrs(&mut self, n: usize) -> Vec<Llr> {
        (0..n).map(|_| (self.below(241) as i32 - 120) as Llr).collect()
    }
}

/// BPSK (one real dimension a bit) at Es/N0 in dB, with LLRs scaled so that a noiseless one is `unit`.
pub fn awgn(rng: &mut Rng, bits: impl Iterator<Item = u8>, es_n0_db: f64, unit: f64) -> Vec<Llr> {
    let sigma = (0.5 / 10f64.powf(es_n0_db / 10.0)).sqrt();
    bits.map(|bit| {
        let y = 1.0 - 2.0 * f64::from(bit) + sigma * rng.normal();
        (y * unit).round().clamp(-120.0, 120.0) as Llr
    })
    .collect()
}

/// Certain soft bits of coded bits.
pub fn certain(bits: &[u8]) -> Vec<Llr> {
    bits.iter().map(|&bit| if bit & 1 == 0 { 40 } else { -40 }).collect()
}

/// Bits of a packed string.
pub fn unpack(packed: &[u8], n: usize) -> Vec<u8> {
    (0..n).map(|i| fec::bits::get(packed, i)).collect()
}
