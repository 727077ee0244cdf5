//! Pseudo-random and binary sequences that several channels share.
//!
//! Zadoff-Chu and low-PAPR sequences live with the uplink channels that use them.

mod gold;

pub use gold::Gold;

/// 1/sqrt(2), the component of a QPSK pilot.
pub const QPSK_AMPLITUDE: f32 = core::f32::consts::FRAC_1_SQRT_2;
