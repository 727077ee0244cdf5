//! Link-level simulations: one physical channel, its transmitter, a radio channel, its receiver, and a count of what went wrong.
//!
//! | module | what |
//! |---|---|
//! | [`count`] | runs blocks on all cores until enough errors are seen, the same on any number of threads; finds a required SNR |
//! | [`propagation`] | AWGN, and the fading conditions of TS 38.104 annex G and TS 38.101-4 annex B by their names |
//! | [`shared`], [`uci`] | PUSCH and PDSCH with HARQ, CSI on PUSCH |
//! | [`cells`] | cells that interfere with a PDSCH |
//! | [`csi`] | CSI reports and the PDSCH that follows them |
//! | [`pucch`], [`prach`], [`control`] | uplink control, random access, PDCCH and PBCH |
//! | [`frc`] | fixed reference channels of TS 38.104 annex A |
//! | [`conformance`] | the demodulation requirements, as rows that can be run |
//! | [`theory`] | the normal approximation at finite block length |
//!
//! Everything is at the antenna: samples go through OFDM modulation, the channel, noise, and OFDM demodulation. SNR is the ratio of
//! powers at one receive antenna in the allocated band (TS 38.104 §8.1.1).

pub mod cells;
pub mod conformance;
pub mod control;
pub mod count;
pub mod csi;
pub mod frc;
pub mod prach;
pub mod propagation;
pub mod pucch;
pub mod shared;
mod table;
pub mod theory;
pub mod timing;
pub mod uci;

/// Why a simulation cannot run.
#[derive(Clone, PartialEq, Debug)]
pub struct LinkError(pub String);

impl LinkError {
    /// From anything that says what is wrong.
    pub fn new(what: impl core::fmt::Display) -> LinkError {
        LinkError(what.to_string())
    }
}

impl core::fmt::Display for LinkError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for LinkError {}
