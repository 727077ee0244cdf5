//! A comb of tones, whose passage through any channel has a closed form.

#![allow(dead_code)]

use air::{CellConfig, LinkConfig, Profile, Tuning};
use dsp::{Cf32, Cf64, unit_phasor};

pub const RATE: u32 = 23_040_000;
pub const CENTRE: f64 = 3.5e9;

pub fn cell() -> CellConfig {
    CellConfig {
        rate_hz: RATE,
        dl_centre_hz: CENTRE,
        ul_centre_hz: CENTRE,
        ppm: 0.04,
        noise_figure_db: -250.0,
        history_s: 0.02,
        n_antennas: 1,
    }
}

pub fn link() -> LinkConfig {
    LinkConfig {
        profile: Profile::Awgn,
        delay_s: 1.2345e-6,
        path_loss_db: 0.0,
        phase_turns: 0.31,
        ppm: -1.7,
        noise_figure_db: -250.0,
        start_s: 0.000_123_456,
        ..LinkConfig::default()
    }
}

pub fn tuning() -> Tuning {
    Tuning { rate_hz: RATE, dl_centre_hz: CENTRE, ul_centre_hz: CENTRE }
}

/// Tones at baseband frequencies (nominal, by the sender's clock) with unit size and given phase in turns.
#[derive(Clone)]
pub struct Comb(pub Vec<(f64, f64)>);

impl Comb {
    /// Tones over +-`half` Hz, `n` of them, at uneven places.
    pub fn new(n: usize, half: f64) -> Comb {
        Comb(
            (0..n)
                .map(|i| {
                    let at = (i as f64 + 0.37 * ((i * 7919) % 13) as f64 / 13.0) / n as f64;
                    ((2.0 * at - 1.0) * half, ((i * i * 31) % 97) as f64 / 97.0)
                })
                .collect(),
        )
    }

    /// The value at local time `t` of the sender.
    pub fn at(&self, t: f64) -> Cf64 {
        self.0.iter().map(|&(hz, phase)| unit_phasor(hz * t + phase)).sum()
    }

    pub fn samples(&self, rate: u32, start: i64, n: usize) -> Vec<Cf32> {
        (0..n).map(|i| narrow(self.at((start + i as i64) as f64 / f64::from(rate)))).collect()
    }

    /// Only the tones that `keep` wants.
    pub fn filtered(&self, keep: impl Fn(f64) -> bool) -> Comb {
        Comb(self.0.iter().copied().filter(|&(hz, _)| keep(hz)).collect())
    }
}

pub fn narrow(x: Cf64) -> Cf32 {
    Cf32::new(x.re as f32, x.im as f32)
}

pub fn wide(x: Cf32) -> Cf64 {
    Cf64::new(x.re.into(), x.im.into())
}

/// Error over signal in dB.
pub fn evm_db(got: &[Cf32], want: &[Cf64]) -> f64 {
    let error: f64 = got.iter().zip(want).map(|(a, b)| (wide(*a) - b).norm_sqr()).sum();
    let power: f64 = want.iter().map(|b| b.norm_sqr()).sum();
    10.0 * (error / power).log10()
}

/// The formula of the crate's first page, downlink: the UE's sample at local time `t_local` (seconds since its start).
pub fn downlink_value(comb: &Comb, cell: &CellConfig, link: &LinkConfig, rx_centre: f64, t_local: f64) -> Cf64 {
    let (e_g, e_u) = (cell.ppm * 1e-6, link.ppm * 1e-6);
    let t = link.start_s + t_local / (1.0 + e_u);
    let (tx, rx) = (cell.dl_centre_hz * (1.0 + e_g), rx_centre * (1.0 + e_u));
    let turn = unit_phasor((tx - rx) * t - tx * link.delay_s + link.phase_turns);
    comb.at((t - link.delay_s) * (1.0 + e_g)) * turn
}

/// The same for the uplink: the cell's sample `n`, of a UE that has been tuned to `tx_centre` since its start.
pub fn uplink_value(comb: &Comb, cell: &CellConfig, link: &LinkConfig, tx_centre: f64, n: i64) -> Cf64 {
    let (e_g, e_u) = (cell.ppm * 1e-6, link.ppm * 1e-6);
    let t = n as f64 / (f64::from(cell.rate_hz) * (1.0 + e_g));
    let (tx, rx) = (tx_centre * (1.0 + e_u), cell.ul_centre_hz * (1.0 + e_g));
    let turn = unit_phasor((tx - rx) * t - tx * link.delay_s + link.phase_turns);
    comb.at((t - link.delay_s - link.start_s) * (1.0 + e_u)) * turn
}
