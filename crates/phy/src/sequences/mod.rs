//! Pseudo-random and binary sequences that several channels share.
//!
//! The Zadoff-Chu sequences of PRACH live with it.

mod gold;
pub mod low_papr;

pub use gold::Gold;

/// 1/sqrt(2), the component of a QPSK pilot.
pub const QPSK_AMPLITUDE: f32 = core::f32::consts::FRAC_1_SQRT_2;
