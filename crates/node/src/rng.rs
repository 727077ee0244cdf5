use rand_chacha::ChaCha12Rng;
use rand_core::{Rng as _, SeedableRng};

/// The generator that is handed to nodes: ChaCha12, seeded by a lab's number or by the operating system's 32 bytes.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha12Rng);

impl Rng {
    /// A lab's generator: predictable on purpose.
    pub fn from_lab_seed(seed: u64) -> Rng {
        Rng(ChaCha12Rng::seed_from_u64(seed))
    }
    /// From 32 bytes of the operating system's generator (a driver reads them).
    pub fn from_entropy(seed: [u8; 32]) -> Rng {
        Rng(ChaCha12Rng::from_seed(seed))
    }
    /// An independent generator for a part with its own name: the same parent and label give the same child, whatever
    /// was drawn from the parent meanwhile by others through their own forks.
    pub fn fork(&self, label: &str) -> Rng {
        let mut seed = self.0.get_seed();
        // FNV-1a over the label, spread over the seed: labels are ours and few, so collisions are not a concern.
        let mut h: u64 = 0xcbf2_9ce4_8422_2325;
        for b in label.bytes() {
            h = (h ^ b as u64).wrapping_mul(0x0000_0100_0000_01b3);
        }
        for (i, chunk) in seed.chunks_exact_mut(8).enumerate() {
            let k = h.rotate_left(17 * i as u32).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            chunk.iter_mut().zip(k).for_each(|(s, k)| *s ^= k);
        }
        let mut child = ChaCha12Rng::from_seed(seed);
        let mut mixed = [0u8; 32];
        child.fill_bytes(&mut mixed);
        Rng(ChaCha12Rng::from_seed(mixed))
    }
    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }
    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
    /// Uniform in 0..n; 0 if n is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((self.u32() as u64 * n as u64) >> 32) as u32
    }
    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.u64() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Uniform in [lo, hi).
    pub fn range(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * self.unit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell ARCHITECTURE §determinism
    fn forks_are_independent_of_what_was_drawn() {
        let a = Rng::from_lab_seed(7);
        let mut b = a.clone();
        b.u64();
        assert_eq!(a.fork("x").u64(), b.fork("x").u64());
        assert_ne!(a.fork("x").u64(), a.fork("y").u64());
        assert_ne!(a.fork("x").u64(), Rng::from_lab_seed(8).fork("x").u64());
    }
}
