//! Every physical channel and signal, transmit and receive side by side, one folder for each.
//!
//! | folder | what | Spec: TS 38.211 |
//! |---|---|---|
//! | [`ssb`] | PSS, SSS, PBCH; search over samples, measurement in a grid | §7.4.2, §7.4.3, §7.3.3 |
//! | [`pdcch`] | CORESET, DM-RS, blind reception | §7.3.2, §7.4.1.3 |
//! | [`pdsch`] | one to four layers, QPSK to 1024QAM, around reserved elements | §7.3.1, §7.4.1.1, §7.4.1.2 |
//! | [`csi_rs`] | every row: tracking, channel of up to 32 ports, interference | §7.4.1.5 |
//! | [`csi`] | rank, precoder and quality out of it | TS 38.214 §5.2.2 |
//! | [`prs`] | positioning, time of arrival | §7.4.1.7 |
//! | [`prach`] | long and short preambles | §6.3.3 |
//! | [`pucch`] | formats 0 to 4 | §6.3.2 |
//! | [`pusch`] | data with UCI multiplexed on it, DFT-spread or not | §6.3.1, §6.4.1.1, §6.4.1.2 |
//! | [`srs`] | one to four ports, combs 2, 4 and 8, hopping | §6.4.1.4 |
//!
//! Beside them stand what they share: [`sequences`], [`modulation`], [`estimate`], [`equalize`], and [`shared`] for both shared channels.

pub mod csi;
pub mod csi_rs;
pub mod equalize;
pub mod estimate;
mod fuzz;
pub mod modulation;
pub mod pdcch;
pub mod pdsch;
pub mod prach;
pub mod prs;
pub mod pucch;
pub mod pusch;
pub mod sequences;
pub mod shared;
pub mod srs;
pub mod ssb;

pub use fuzz::fuzz_one;
