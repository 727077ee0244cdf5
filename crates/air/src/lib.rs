//! The radio channel: fading, delay, offsets, path loss, noise, sums of transmitters.
//!
//! [`Air`]: one cell and its UEs, each with one antenna or several. Samples of several antennas lie one after another in a slice,
//! `[antenna][sample]`. Samples are in sqrt(mW): mean |x|^2 is the power in mW in the sampled band.
//!
//! | in the formulas | here               | meaning                                                             |
//! | t               |                    | true time, 0 at the cell's sample 0                                 |
//! | e_g, e_u        | ppm                | error of the cell's and of a UE's one oscillator                    |
//! | f_s             | rate_hz            | nominal sampling rate; the true one is f_s (1 + e)                  |
//! | f_c             | centre             | nominal centre frequency; the true one is f_c (1 + e)               |
//! | d               | delay_s            | one-way delay                                                       |
//! | a_l(t), tau_l   | taps, delays       | a tap's gain and its delay beyond d                                 |
//!
//! A receiver hears `y(t) = sum_l a_l(t) x(t - d - tau_l) exp(2 pi i ((f_tx - f_rx) t - f_tx d))` with true frequencies, limited to
//! its own band, sampled by its own clock, and white noise of -174 dBm/Hz plus its noise figure. Positions and phases are
//! computed from sample counts in 64-bit fractions, so nothing drifts however long a run lasts.
//!
//! Between several antennas without fading lies a matrix of full rank, else each pair of antennas fades on its own; oscillators,
//! delay and path loss are common to all.
//!
//! [`mimo`] is another channel, with correlated antennas and without oscillators, for link-level simulation.
//!
//! What is left out: other cells, receiver gain control and quantisation, oscillator phase
//! noise, power amplifiers.
//!
//! Spec: TR 38.901 §7.7.2, §7.7.3

mod cell;
mod clock;
mod config;
mod fading;
mod link;
pub mod mimo;
mod path;
mod spectral;
mod ways;

pub use cell::{Air, Downlink, Uplink};
pub use config::{
    AirError, CellConfig, LinkConfig, NOISE_DBM_PER_HZ, Profile, Tuning, noise_variance, path_loss_db_for,
};
pub use fading::{Fading, tap_table};
pub use link::{Link, LinkCounters, NotYet};
