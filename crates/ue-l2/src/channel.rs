//! A logical channel: its RLC entity and its bucket. Spec: TS 38.321 §5.4.3.1

use nr::{LcId, Tc};
use rlc::{Limits, Rlc};
use seam::bearer::RlcBearerConfig;

/// A logical channel of the UE.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) config: RlcBearerConfig,
    pub(crate) rlc: Rlc,
    /// Suspended: it sends nothing and takes nothing.
    pub(crate) suspended: bool,
    /// It had data when buffer status was looked at last.
    pub(crate) had_data: bool,
    /// Bj, in bytes times T_c in a second.
    bucket: i128,
    bucket_at: Tc,
}

impl Channel {
    pub(crate) fn new(now: Tc, config: RlcBearerConfig, limits: Limits) -> Channel {
        let rlc = Rlc::new(&config.rlc, limits);
        Channel { config, rlc, suspended: false, had_data: false, bucket: 0, bucket_at: now }
    }
    pub(crate) fn lcid(&self) -> LcId {
        self.config.lcid
    }
    pub(crate) fn priority(&self) -> u8 {
        self.config.logical_channel.priority
    }
    /// Bytes that wait, with RLC headers; 0 while suspended.
    pub(crate) fn pending(&self) -> u32 {
        if self.suspended { 0 } else { self.rlc.buffer_status().total() }
    }
    /// Adds PBR x T to Bj, up to PBR x BSD.
    pub(crate) fn fill_bucket(&mut self, now: Tc) {
        let lc = &self.config.logical_channel;
        if let Some(pbr) = lc.prioritised_bit_rate.map(i128::from) {
            let elapsed = i128::from((now - self.bucket_at).0.max(0));
            let depth = pbr * i128::from(Tc::from_ms(lc.bucket_size_duration_ms.into()).0);
            self.bucket = (self.bucket + pbr * elapsed).min(depth);
        }
        self.bucket_at = now;
    }
    /// Bj > 0, or the PBR is infinite.
    pub(crate) fn bucket_allows(&self) -> bool {
        self.config.logical_channel.prioritised_bit_rate.is_none() || self.bucket > 0
    }
    pub(crate) fn draw(&mut self, bytes: usize) {
        self.bucket -= bytes as i128 * i128::from(Tc::PER_SECOND);
    }
    pub(crate) fn reset_bucket(&mut self, now: Tc) {
        self.bucket = 0;
        self.bucket_at = now;
    }
}
