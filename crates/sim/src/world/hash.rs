//! The event hash: every encoded message and every slot's samples, in order.

use dsp::Cf32;
use xxhash_rust::xxh3::Xxh3;

/// XXH3, 64 bits.
pub struct EventHash(Xxh3);

impl EventHash {
    pub fn new() -> Self {
        Self(Xxh3::new())
    }
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
    pub fn samples(&mut self, samples: &[Cf32]) {
        // The bits of the samples as this machine keeps them: little-endian on all that are supported.
        self.bytes(bytemuck::cast_slice(samples));
    }
    pub fn hex(&self) -> String {
        format!("{:016x}", self.0.digest())
    }
}
