//! Channel state information: from measured CSI-RS to a report.
//!
//! - [`CsiComputer`]: rank, precoder and channel quality, wideband and by subband.
//!
//! Contents and bits of reports are `fapi::csi`'s. Left out: CSI prediction, joint choice among several resources (the caller compares).

mod compute;
mod information;
#[cfg(test)]
mod tests;

pub use compute::CsiComputer;
pub(crate) use compute::{Small, ZERO, cholesky, inverse, wide};
