//! Channel estimation from reference signals.
//!
//! - [`dmrs`]: where the DM-RS of PDSCH and PUSCH lie and what they are, for both ends.
//! - [`Smoother`]: Wiener smoothing and interpolation across any comb of pilots (also PBCH, PDCCH, PUCCH, CSI-RS).
//! - [`SharedEstimator`]: the whole estimate for PDSCH and PUSCH: channel, noise, timing, frequency, power.
//!
//! - [`ChannelEstimate`]: what came of it, with the weights of the DM-RS in each symbol by the Doppler spread that they tell, and the
//!   whitening of interference.
//!
//! Left out: the sequences of `dmrs-Downlink` and `dmrs-Uplink` that differ between CDM groups, enhanced DM-RS multiplexing.

mod channel;
mod covariance;
mod delay;
pub mod dmrs;
mod doppler;
mod shared;
mod wiener;

pub use channel::{ChannelEstimate, DMRS_SYMBOLS_MAX, LAYERS_MAX, RX_MAX};
pub use shared::{Bundling, SharedEstimator};
pub use wiener::{Choice, Smoother, Stats, noise_by_differences};

/// Why a channel cannot be sent or received as asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChannelError {
    /// The PDU contradicts itself or the grid.
    Invalid(&'static str),
    /// Not built; the clause that asks for it.
    Unsupported {
        /// "TS 38.211 §..."
        clause: &'static str,
    },
}

impl core::fmt::Display for ChannelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ChannelError::Invalid(what) => write!(f, "contradicts itself or the grid: {what}"),
            ChannelError::Unsupported { clause } => write!(f, "not supported: {clause}"),
        }
    }
}

impl core::error::Error for ChannelError {}

#[cfg(test)]
mod tests;
