//! CSI reports: codebooks, contents, bits.
//!
//! - [`codebook`]: type I single-panel precoders, which terminal and base station must know alike.
//! - [`report`]: which fields a report has, their sizes, and how they are packed on PUCCH (one part) and PUSCH (two parts).
//!
//! Left out: multi-panel and type II codebooks, ranks above 4, port selection.

pub mod codebook;
pub mod report;
#[cfg(test)]
mod tests;

pub use codebook::{Codebook, Pmi, PmiRange};
pub use report::*;
