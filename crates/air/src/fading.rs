//! Rayleigh fading taps of the TDL profiles.
//!
//! Spec: TR 38.901 §7.7.2 (tables 7.7.2-1 to 7.7.2-3), §7.7.3 (scaling of delays)
//!
//! Each tap is a sum of sixteen sinusoids of equal size whose angles of arrival lie evenly on a circle turned at random, so a
//! tap's mean power over time is exactly its share. A pure function of time and seed: any block, any order, the same values.

use dsp::mix::{phasor_q64, turns_q64};
use dsp::{Cf32, unit_phasor};
use node::Rng;

use crate::config::{LinkConfig, Profile, power_from_db};

const SINUSOIDS: usize = 16;

/// Knots per period of the greatest Doppler shift; straight lines between them are wrong by 0.12 %.
const KNOTS_PER_PERIOD: f64 = 64.0;

/// TR 38.901 table 7.7.2-1: normalised delay, power in dB.
const TDL_A: [(f64, f64); 23] = [
    (0.0000, -13.4),
    (0.3819, 0.0),
    (0.4025, -2.2),
    (0.5868, -4.0),
    (0.4610, -6.0),
    (0.5375, -8.2),
    (0.6708, -9.9),
    (0.5750, -10.5),
    (0.7618, -7.5),
    (1.5375, -15.9),
    (1.8978, -6.6),
    (2.2242, -16.7),
    (2.1718, -12.4),
    (2.4942, -15.2),
    (2.5119, -10.8),
    (3.0582, -11.3),
    (4.0810, -12.7),
    (4.4579, -16.2),
    (4.5695, -18.3),
    (4.7966, -18.9),
    (5.0066, -16.6),
    (5.3043, -19.9),
    (9.6586, -29.7),
];

/// TR 38.901 table 7.7.2-2.
const TDL_B: [(f64, f64); 23] = [
    (0.0000, 0.0),
    (0.1072, -2.2),
    (0.2155, -4.0),
    (0.2095, -3.2),
    (0.2870, -9.8),
    (0.2986, -1.2),
    (0.3752, -3.4),
    (0.5055, -5.2),
    (0.3681, -7.6),
    (0.3697, -3.0),
    (0.5700, -8.9),
    (0.5283, -9.0),
    (1.1021, -4.8),
    (1.2756, -5.7),
    (1.5474, -7.5),
    (1.7842, -1.9),
    (2.0169, -7.6),
    (2.8294, -12.2),
    (3.0219, -9.8),
    (3.6187, -11.4),
    (4.1067, -14.9),
    (4.2790, -9.2),
    (4.7834, -11.3),
];

/// TR 38.901 table 7.7.2-3. (0.6366 is the table's own; that 2/pi is close to it is chance.)
#[allow(clippy::approx_constant)]
const TDL_C: [(f64, f64); 24] = [
    (0.0000, -4.4),
    (0.2099, -1.2),
    (0.2219, -3.5),
    (0.2329, -5.2),
    (0.2176, -2.5),
    (0.6366, 0.0),
    (0.6448, -2.2),
    (0.6560, -3.9),
    (0.6584, -7.4),
    (0.7935, -7.1),
    (0.8213, -10.7),
    (0.9336, -11.1),
    (1.2285, -5.1),
    (1.3083, -6.8),
    (2.1704, -8.7),
    (2.7105, -13.2),
    (4.2589, -13.9),
    (4.6003, -13.9),
    (5.4902, -15.8),
    (5.6077, -17.1),
    (6.3065, -16.0),
    (6.6374, -15.7),
    (7.0427, -21.6),
    (8.6523, -22.8),
];

/// Normalised delays and powers in dB of a profile's taps; none for `Awgn`.
pub fn tap_table(profile: Profile) -> &'static [(f64, f64)] {
    match profile {
        Profile::Awgn => &[],
        Profile::TdlA => &TDL_A,
        Profile::TdlB => &TDL_B,
        Profile::TdlC => &TDL_C,
    }
}

#[derive(Clone, Debug)]
struct Tap {
    delay_s: f64,
    /// Size of each sinusoid: the square root of the tap's power over their number.
    size: f32,
    /// Frequency in Hz and phase in turns.
    sinusoids: [(f64, f64); SINUSOIDS],
}

/// The taps of one link in one direction.
#[derive(Clone, Debug)]
pub struct Fading {
    taps: Vec<Tap>,
    knot_s: f64,
    knot: Option<i64>,
    /// Gains at `knot` and at the next one.
    ends: [Vec<Cf32>; 2],
}

impl Fading {
    /// Draws the taps that `config` asks for. Their mean powers add up to 1. An `Awgn` link has none.
    pub fn new(config: &LinkConfig, mut rng: Rng) -> Fading {
        let table = tap_table(config.profile);
        let total: f64 = table.iter().map(|&(_, db)| power_from_db(db)).sum();
        let taps: Vec<Tap> = table
            .iter()
            .map(|&(delay, db)| {
                let turn = rng.unit();
                Tap {
                    delay_s: delay * config.delay_spread_ns * 1e-9,
                    size: (power_from_db(db) / total / SINUSOIDS as f64).sqrt() as f32,
                    sinusoids: core::array::from_fn(|n| {
                        let cosine = unit_phasor((n as f64 + turn) / SINUSOIDS as f64).re;
                        (config.doppler_hz * cosine, rng.unit())
                    }),
                }
            })
            .collect();
        let zeros = vec![Cf32::new(0.0, 0.0); taps.len()];
        let knot_s = if config.doppler_hz > 0.0 { 1.0 / (KNOTS_PER_PERIOD * config.doppler_hz) } else { f64::INFINITY };
        Fading { taps, knot_s, knot: None, ends: [zeros.clone(), zeros] }
    }

    /// Delays of the taps beyond the link's own, seconds.
    pub fn delays_s(&self) -> impl Iterator<Item = f64> + '_ {
        self.taps.iter().map(|tap| tap.delay_s)
    }

    /// Writes the gain of each tap at true time `t`.
    pub fn gains_at(&mut self, t: f64, out: &mut [Cf32]) {
        let (knot, weight) = if self.knot_s.is_finite() {
            let at = t / self.knot_s;
            let knot = libm::floor(at);
            (knot as i64, (at - knot) as f32)
        } else {
            (0, 0.0)
        };
        if self.knot != Some(knot) {
            if self.knot == Some(knot - 1) {
                self.ends.swap(0, 1);
            } else {
                fill_knot(&self.taps, self.knot_s, knot, &mut self.ends[0]);
            }
            fill_knot(&self.taps, self.knot_s, knot + 1, &mut self.ends[1]);
            self.knot = Some(knot);
        }
        for (out, (a, b)) in out.iter_mut().zip(self.ends[0].iter().zip(&self.ends[1])) {
            *out = a + (b - a) * weight;
        }
    }
}

fn fill_knot(taps: &[Tap], knot_s: f64, knot: i64, out: &mut [Cf32]) {
    let t = if knot_s.is_finite() { knot as f64 * knot_s } else { 0.0 };
    for (tap, out) in taps.iter().zip(out) {
        let sum: Cf32 = tap.sinusoids.iter().map(|&(hz, phase)| phasor_q64(turns_q64(hz * t + phase))).sum();
        *out = sum * tap.size;
    }
}
