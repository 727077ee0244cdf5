//! CRC, segmentation, LDPC, polar, short blocks, rate matching, both directions. Spec: TS 38.212
//!
//! Bits: transport blocks and coded bit streams of the shared channels are packed, most significant bit first;
//! control payloads (DCI, UCI, PBCH) are one bit per byte, 0 or 1. Soft bits are [`Llr`]: positive means 0.
//!
//! Codecs ([`sch::SchEncoder`], [`sch::SchDecoder`], [`polar::PolarCodec`]) are made once and own their plans and scratch; a call allocates
//! nothing once the sizes in use have been seen.
//!
//! Left out: LTE codes, sidelink multiplexing.

pub mod bench;
pub mod bits;
pub mod crc;
pub mod dci;
mod fuzz;
pub mod ldpc;
pub mod pbch;
pub mod polar;
pub mod sch;
pub mod short;
pub mod uci;

pub use crc::Crc;
pub use dsp::Isa;
pub use fuzz::fuzz_one;

/// A soft bit: positive means 0, the magnitude grows with certainty, 0 is an erasure; saturates at +-[`LLR_MAX`].
pub type Llr = i8;

/// The scale of an [`Llr`] at which LDPC decoding is at its best. Much more loses at low code rates; other decoders do not
/// mind.
pub const LLR_STEPS_PER_NEPER: f32 = 6.0;

/// The largest magnitude of a channel [`Llr`].
pub const LLR_MAX: Llr = 120;
