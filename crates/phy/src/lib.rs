//! Every physical channel and signal, transmit and receive side by side, one folder for each.

pub mod csi_rs;
pub mod equalize;
pub mod estimate;
mod fuzz;
pub mod modulation;
pub mod pdcch;
pub mod pdsch;
pub mod prach;
pub mod pucch;
pub mod pusch;
pub mod sequences;
pub mod ssb;

pub use fuzz::fuzz_one;
