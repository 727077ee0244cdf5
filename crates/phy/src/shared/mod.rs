//! What PDSCH and PUSCH share: where their elements lie, how layers become antenna ports, phase tracking, DFT spreading.
//!
//! - [`Layout`] says which elements carry data, in mapping order, for both ends and both directions.
//! - [`precoding`] holds the codebooks and applies matrices.
//! - [`ptrs`] places phase-tracking reference signals and tells the common phase error from them.
//! - [`transform`] spreads and despreads, and makes the low-PAPR DM-RS that go with it.
//! - [`send`] writes one slot's layers, reference signals included, into a grid; [`demap`] turns received symbols into soft bits.
//! - [`spread`] cuts symbols and code blocks into pieces that threads share.

pub mod demap;
mod layout;
pub mod precoding;
pub mod ptrs;
pub mod send;
pub mod spread;
pub mod transform;

pub use layout::{Layout, RB_MAX, Shape};

#[cfg(test)]
mod tests;
