//! What a cell, a link and a tuning are made of.

use crate::clock;
use crate::mimo::ANTENNAS_MAX;

/// Thermal noise at 290 K.
pub const NOISE_DBM_PER_HZ: f64 = -174.0;

/// How the channel smears a signal in time.
///
/// Spec: TR 38.901 §7.7.2, tables 7.7.2-1 to 7.7.2-3
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// One tap that does not fade.
    #[default]
    Awgn,
    /// TDL-A, 23 Rayleigh taps.
    TdlA,
    /// TDL-B, 23 Rayleigh taps.
    TdlB,
    /// TDL-C, 24 Rayleigh taps.
    TdlC,
}

impl core::fmt::Display for Profile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Profile::Awgn => "awgn",
            Profile::TdlA => "tdl-a",
            Profile::TdlB => "tdl-b",
            Profile::TdlC => "tdl-c",
        })
    }
}

impl core::str::FromStr for Profile {
    type Err = AirError;

    fn from_str(word: &str) -> Result<Self, AirError> {
        [Profile::Awgn, Profile::TdlA, Profile::TdlB, Profile::TdlC]
            .into_iter()
            .find(|profile| profile.to_string() == word)
            .ok_or(AirError::UnknownProfile)
    }
}

/// The cell's end of every link.
#[derive(Clone, Debug, PartialEq)]
pub struct CellConfig {
    /// Sampling rate both ways, Hz.
    pub rate_hz: u32,
    /// Centre of what the cell transmits, Hz.
    pub dl_centre_hz: f64,
    /// Centre of what the cell receives, Hz; equal to `dl_centre_hz` in TDD.
    pub ul_centre_hz: f64,
    /// Oscillator error, parts per million.
    pub ppm: f64,
    /// Receiver noise figure, dB.
    pub noise_figure_db: f64,
    /// How much of the downlink is kept for UEs that lag, seconds.
    pub history_s: f64,
    /// Antennas, each of which sends and receives: 1 to 8.
    pub n_antennas: usize,
}

/// One UE's link: its channel and its oscillator.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// Delay profile.
    pub profile: Profile,
    /// RMS delay spread DS_desired, ns; of no effect for `Awgn`. Spec: TR 38.901 §7.7.3
    pub delay_spread_ns: f64,
    /// Greatest Doppler shift, Hz; 0 freezes the taps; of no effect for `Awgn`.
    pub doppler_hz: f64,
    /// One-way delay of the first tap, seconds, 0 to 1 ms.
    pub delay_s: f64,
    /// Path loss, dB, the same both ways.
    pub path_loss_db: f64,
    /// Phase of the path, turns.
    pub phase_turns: f64,
    /// Error of the UE's oscillator, parts per million: it drives carrier and sample clock, both ways.
    pub ppm: f64,
    /// UE receiver noise figure, dB.
    pub noise_figure_db: f64,
    /// True time of the UE's sample 0, seconds after the cell's sample 0; may be negative.
    pub start_s: f64,
    /// The UE's antennas, 1 to 8.
    pub n_rx: usize,
    /// How many of them send, the first ones: 1 to `n_rx`.
    pub n_tx: usize,
    /// Seeds fading and receiver noise.
    pub seed: u64,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig {
            profile: Profile::Awgn,
            delay_spread_ns: 100.0,
            doppler_hz: 5.0,
            delay_s: 1.0e-6,
            path_loss_db: 80.0,
            phase_turns: 0.2,
            ppm: 0.0,
            noise_figure_db: 7.0,
            start_s: 0.0,
            n_rx: 1,
            n_tx: 1,
            seed: 1,
        }
    }
}

/// Where a UE's radio is tuned. One sampling rate serves both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Sampling rate, Hz: a divisor of 2 949 120 000, as every OFDM rate is.
    pub rate_hz: u32,
    /// Centre of what the UE receives, Hz.
    pub dl_centre_hz: f64,
    /// Centre of what the UE transmits, Hz.
    pub ul_centre_hz: f64,
}

/// A configuration that the channel cannot run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AirError {
    /// A sampling rate that does not divide 2 949 120 000 Hz.
    Rate(u32),
    /// Two rates more than a factor of 32 apart.
    RateRatio(u32, u32),
    /// A value outside its range: its name and the value.
    Range(&'static str, f64),
    /// A word that names no profile.
    UnknownProfile,
    /// Antennas that a channel does not have (1 to 8 at each end), or fewer samples for them than were to be carried.
    Antennas {
        /// Transmit antennas found.
        n_tx: usize,
        /// Receive antennas found.
        n_rx: usize,
    },
    /// What a clause leaves undefined.
    Unsupported(&'static str),
}

impl core::fmt::Display for AirError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            AirError::Rate(rate) => write!(f, "expected a sampling rate that divides 2949120000 Hz, found {rate}"),
            AirError::RateRatio(a, b) => write!(f, "expected rates within a factor of 32, found {a} and {b} Hz"),
            AirError::Range(what, value) => write!(f, "{what} is out of range: {value}"),
            AirError::UnknownProfile => {
                write!(f, "expected awgn, tdl-a, tdl-b or tdl-c, or a condition of TS 38.104 annex G as TDLA30-10")
            }
            AirError::Antennas { n_tx, n_rx } => {
                write!(
                    f,
                    "expected the channel's antennas, 1 to 8 at each end, and their samples, found {n_tx} x {n_rx}"
                )
            }
            AirError::Unsupported(clause) => write!(f, "{clause} has no such case"),
        }
    }
}

impl core::error::Error for AirError {}

fn in_range(what: &'static str, value: f64, low: f64, high: f64) -> Result<(), AirError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(AirError::Range(what, value)) }
}

impl CellConfig {
    pub(crate) fn check(&self) -> Result<(), AirError> {
        clock::check_rate(self.rate_hz)?;
        in_range("ppm", self.ppm, -100.0, 100.0)?;
        in_range("dl_centre_hz", self.dl_centre_hz, 0.0, 1e12)?;
        in_range("ul_centre_hz", self.ul_centre_hz, 0.0, 1e12)?;
        in_range("noise_figure_db", self.noise_figure_db, -300.0, 100.0)?;
        in_range("history_s", self.history_s, 1e-4, 10.0)?;
        in_range("n_antennas", self.n_antennas as f64, 1.0, ANTENNAS_MAX as f64)
    }
}

impl LinkConfig {
    pub(crate) fn check(&self) -> Result<(), AirError> {
        in_range("ppm", self.ppm, -100.0, 100.0)?;
        in_range("delay_s", self.delay_s, 0.0, 1e-3)?;
        in_range("delay_spread_ns", self.delay_spread_ns, 0.0, 1000.0)?;
        in_range("doppler_hz", self.doppler_hz, 0.0, 10_000.0)?;
        in_range("path_loss_db", self.path_loss_db, -100.0, 400.0)?;
        in_range("phase_turns", self.phase_turns, -1e6, 1e6)?;
        in_range("start_s", self.start_s, -1e6, 1e6)?;
        in_range("noise_figure_db", self.noise_figure_db, -300.0, 100.0)?;
        in_range("n_rx", self.n_rx as f64, 1.0, ANTENNAS_MAX as f64)?;
        in_range("n_tx", self.n_tx as f64, 1.0, self.n_rx as f64)
    }
}

impl Tuning {
    pub(crate) fn check(&self) -> Result<(), AirError> {
        clock::check_rate(self.rate_hz)?;
        in_range("dl_centre_hz", self.dl_centre_hz, 0.0, 1e12)?;
        in_range("ul_centre_hz", self.ul_centre_hz, 0.0, 1e12)
    }
}

/// Noise power in mW in a band of `rate_hz`: the variance of a complex sample.
pub fn noise_variance(rate_hz: f64, noise_figure_db: f64) -> f64 {
    power_from_db(NOISE_DBM_PER_HZ + noise_figure_db) * rate_hz
}

/// The path loss in dB at which a resource element sent at `re_power_dbm` arrives with Es/N0 = `snr_db`.
pub fn path_loss_db_for(re_power_dbm: f64, snr_db: f64, scs_hz: f64, noise_figure_db: f64) -> f64 {
    let noise_dbm = NOISE_DBM_PER_HZ + noise_figure_db + 10.0 * libm::log10(scs_hz);
    re_power_dbm - noise_dbm - snr_db
}

pub(crate) fn power_from_db(db: f64) -> f64 {
    libm::pow(10.0, db / 10.0)
}
