//! Delay profiles of link-level models, and propagation conditions by their names.
//!
//! Spec: TR 38.901 §7.7.2; TS 38.104 §G.2.1, §G.3, §G.4; TS 38.101-4 §B.2.1, §B.3

use crate::config::{AirError, Profile};
use crate::fading::tap_table;
use crate::mimo::cdl::{CdlArrays, CdlProfile};

/// A profile of TR 38.901 whose delays scale with the delay spread wanted.
///
/// Spec: TR 38.901 §7.7.2, tables 7.7.2-1 to 7.7.2-5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TdlProfile {
    /// 23 Rayleigh taps.
    A,
    /// 23 Rayleigh taps.
    B,
    /// 24 Rayleigh taps.
    C,
    /// 13 taps, the first of them Ricean (K = 13.3 dB).
    D,
    /// 14 taps, the first of them Ricean (K = 22 dB).
    E,
}

/// A profile with fixed delays.
///
/// Spec: TS 38.104 tables G.2.1.1-2 to -4 and G.2.1.2; TS 38.101-4 tables B.2.1.1-2 to -4, B.2.1.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simplified {
    /// TDLA10: 16 taps.
    A10,
    /// TDLA30: 12 taps.
    A30,
    /// TDLB100: 12 taps.
    B100,
    /// TDLC60: 12 taps.
    C60,
    /// TDLC300: 12 taps.
    C300,
    /// TDLD10: 10 taps, the first of them Ricean.
    D10,
    /// TDLD30: 10 taps, the first of them Ricean.
    D30,
}

/// A single tap whose Doppler shift follows a train past base stations.
///
/// Spec: TS 38.104 §G.3; TS 38.101-4 §B.3.1
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HighSpeedTrain {
    /// D_s, twice the train's initial distance from the base station, m.
    pub d_s_m: f64,
    /// D_min, the base station's distance from the track, m.
    pub d_min_m: f64,
    /// The train's speed, km/h.
    pub speed_km_h: f64,
}

impl HighSpeedTrain {
    /// Scenario 1-NR350, open space; the greatest Doppler shift is 1340 Hz at 15 kHz and 2334 Hz at 30 kHz.
    pub const NR350_OPEN: HighSpeedTrain = HighSpeedTrain { d_s_m: 700.0, d_min_m: 150.0, speed_km_h: 350.0 };
    /// Scenario 3-NR350, tunnel; Doppler shifts as in open space.
    pub const NR350_TUNNEL: HighSpeedTrain = HighSpeedTrain { d_s_m: 300.0, d_min_m: 2.0, speed_km_h: 350.0 };
    /// Scenario 1-NR500, open space; the greatest Doppler shift is 1740 Hz at 15 kHz and 3334 Hz at 30 kHz.
    pub const NR500_OPEN: HighSpeedTrain = HighSpeedTrain { d_s_m: 700.0, d_min_m: 150.0, speed_km_h: 500.0 };
    /// Scenario 3-NR500, tunnel; Doppler shifts as in open space.
    pub const NR500_TUNNEL: HighSpeedTrain = HighSpeedTrain { d_s_m: 300.0, d_min_m: 2.0, speed_km_h: 500.0 };

    /// The cosine of the angle to the nearest base station `t` seconds from the start, for any t >= 0.
    pub fn cosine(&self, t: f64) -> f64 {
        let (along, sign) = self.along(t);
        sign * along / libm::sqrt(self.d_min_m * self.d_min_m + along * along)
    }

    /// The phase gained since the start, in turns, of a Doppler shift of `doppler_hz` at most: the integral of the shift.
    pub(crate) fn turns(&self, t: f64, doppler_hz: f64) -> f64 {
        let (along, sign) = self.along(t);
        let distance = |x: f64| libm::sqrt(self.d_min_m * self.d_min_m + x * x);
        let speed = self.speed_km_h / 3.6;
        // Both halves of the period begin and end at D_s / 2 from a base station.
        sign * doppler_hz / speed * (distance(self.d_s_m / 2.0) - distance(along))
    }

    /// The distance along the track to the base station that is approached or left, and whether ahead of it counts as positive.
    fn along(&self, t: f64) -> (f64, f64) {
        let speed = self.speed_km_h / 3.6;
        let period = 2.0 * self.d_s_m / speed;
        let t = t - period * libm::floor(t / period);
        if speed * t <= self.d_s_m { (self.d_s_m / 2.0 - speed * t, 1.0) } else { (1.5 * self.d_s_m - speed * t, -1.0) }
    }
}

/// What lies between the antennas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChannelModel {
    /// One tap that does not fade, with the static matrix. Spec: TS 38.101-4 §B.1
    Static,
    /// A profile of TR 38.901 with an RMS delay spread of `delay_spread_ns`, 0 to 5000.
    Tdl {
        /// Which.
        profile: TdlProfile,
        /// DS_desired. Spec: TR 38.901 §7.7.3
        delay_spread_ns: f64,
    },
    /// A profile of the conformance specifications.
    Simplified(Simplified),
    /// A train; `doppler_hz` is its greatest shift.
    HighSpeedTrain(HighSpeedTrain),
    /// Two paths of equal power, the second `delay_us` later and turning with the whole Doppler shift; the static matrix between antennas.
    ///
    /// The clause's paths have a power of one each: here both together have, as everywhere. Spec: TS 38.101-4 §B.2.4 (a = 1)
    TwoTap {
        /// tau_d, microseconds, 0 to 100.
        delay_us: f64,
    },
    /// A profile (or one tap that does not fade) whose timing moves by `amplitude_us / 2 sin(rad_per_s t)`.
    ///
    /// Spec: TS 38.104 §G.4
    Moving {
        /// What moves.
        profile: Option<Simplified>,
        /// A, microseconds, 0 to 100.
        amplitude_us: f64,
        /// Delta omega, radians per second, 0 to 10.
        rad_per_s: f64,
    },
    /// Clusters of rays with angles. Spec: TR 38.901 §7.7.1
    Cdl {
        /// Which.
        profile: CdlProfile,
        /// DS_desired.
        delay_spread_ns: f64,
        /// The antennas at both ends.
        arrays: CdlArrays,
    },
}

impl ChannelModel {
    /// A condition by its name and its greatest Doppler shift in Hz: `AWGN`, `TDLA30-10`, `TDLB100-400`, `TDLC300-100` ...,
    /// `HST-1-NR350` or `HST-3-NR500` with `-15` or `-30` (kHz) behind, `HST-750`, `HST-972`, `HST-1000` and `HST-1667`,
    /// `two-tap-0.45-5` for a delay in microseconds and a Doppler shift.
    ///
    /// Spec: TS 38.104 §G.2.2, §G.3; TS 38.101-4 §B.2.2, §B.2.4, §B.3.1. Errors: `UnknownProfile`; `Range` for the Doppler shift.
    pub fn from_name(name: &str) -> Result<(ChannelModel, f64), AirError> {
        if name == "AWGN" {
            return Ok((ChannelModel::Static, 0.0));
        }
        let (front, back) = name.rsplit_once('-').ok_or(AirError::UnknownProfile)?;
        if let Some((train, [khz15, khz30])) = match front {
            "HST-1-NR350" => Some((HighSpeedTrain::NR350_OPEN, [1340.0, 2334.0])),
            "HST-3-NR350" => Some((HighSpeedTrain::NR350_TUNNEL, [1340.0, 2334.0])),
            "HST-1-NR500" => Some((HighSpeedTrain::NR500_OPEN, [1740.0, 3334.0])),
            "HST-3-NR500" => Some((HighSpeedTrain::NR500_TUNNEL, [1740.0, 3334.0])),
            _ => None,
        } {
            let doppler = match back {
                "15" => khz15,
                "30" => khz30,
                _ => return Err(AirError::UnknownProfile),
            };
            return Ok((ChannelModel::HighSpeedTrain(train), doppler));
        }
        if let Some((speed_km_h, doppler_hz)) = match name {
            "HST-750" => Some((300.0, 750.0)),
            "HST-972" => Some((500.0, 972.0)),
            "HST-1000" => Some((300.0, 1000.0)),
            "HST-1667" => Some((500.0, 1667.0)),
            _ => None,
        } {
            let train = HighSpeedTrain { d_s_m: 300.0, d_min_m: 2.0, speed_km_h };
            return Ok((ChannelModel::HighSpeedTrain(train), doppler_hz));
        }
        let doppler: u32 = back.parse().map_err(|_| AirError::UnknownProfile)?;
        if doppler > 10_000 {
            return Err(AirError::Range("doppler_hz", f64::from(doppler)));
        }
        let doppler = f64::from(doppler);
        if let Some(delay) = front.strip_prefix("two-tap-") {
            let delay_us = delay.parse().ok().filter(|d: &f64| (0.0..=100.0).contains(d));
            let delay_us = delay_us.ok_or(AirError::UnknownProfile)?;
            return Ok((ChannelModel::TwoTap { delay_us }, doppler));
        }
        let profile = match front {
            "TDLA10" => Simplified::A10,
            "TDLA30" => Simplified::A30,
            "TDLB100" => Simplified::B100,
            "TDLC60" => Simplified::C60,
            "TDLC300" => Simplified::C300,
            "TDLD10" => Simplified::D10,
            "TDLD30" => Simplified::D30,
            _ => return Err(AirError::UnknownProfile),
        };
        Ok((ChannelModel::Simplified(profile), doppler))
    }
}

/// TR 38.901 table 7.7.2-4: normalised delay, power in dB; the first is the line of sight.
const TDL_D: [(f64, f64); 14] = [
    (0.0, -0.2),
    (0.0, -13.5),
    (0.035, -18.8),
    (0.612, -21.0),
    (1.363, -22.8),
    (1.405, -17.9),
    (1.804, -20.1),
    (2.596, -21.9),
    (1.775, -22.9),
    (4.042, -27.8),
    (7.937, -23.6),
    (9.424, -24.8),
    (9.708, -30.0),
    (12.525, -27.7),
];

/// TR 38.901 table 7.7.2-5; the first is the line of sight.
const TDL_E: [(f64, f64); 15] = [
    (0.0, -0.03),
    (0.0, -22.03),
    (0.5133, -15.8),
    (0.5440, -18.1),
    (0.5630, -19.8),
    (0.5440, -22.9),
    (0.7112, -22.4),
    (1.9092, -18.6),
    (1.9293, -20.8),
    (1.9589, -22.6),
    (2.6426, -22.3),
    (3.7136, -25.6),
    (5.4524, -20.2),
    (12.0034, -29.8),
    (20.6519, -29.2),
];

/// TDLA10: delay in ns, power in dB.
const TDLA10: [(f64, f64); 16] = [
    (0.0, -16.1),
    (4.0, 0.0),
    (6.0, -4.0),
    (8.0, -10.2),
    (16.0, -18.6),
    (18.0, -9.3),
    (22.0, -13.7),
    (24.0, -17.9),
    (26.0, -13.5),
    (30.0, -14.0),
    (40.0, -15.4),
    (44.0, -18.9),
    (46.0, -21.0),
    (48.0, -21.6),
    (50.0, -19.3),
    (96.0, -25.9),
];

/// TDLA30.
const TDLA30: [(f64, f64); 12] = [
    (0.0, -15.5),
    (10.0, 0.0),
    (15.0, -5.1),
    (20.0, -5.1),
    (25.0, -9.6),
    (50.0, -8.2),
    (65.0, -13.1),
    (75.0, -11.5),
    (105.0, -11.0),
    (135.0, -16.2),
    (150.0, -16.6),
    (290.0, -26.2),
];

/// TDLB100.
const TDLB100: [(f64, f64); 12] = [
    (0.0, 0.0),
    (10.0, -2.2),
    (20.0, -0.6),
    (30.0, -0.6),
    (35.0, -0.3),
    (45.0, -1.2),
    (55.0, -5.9),
    (120.0, -2.2),
    (170.0, -0.8),
    (245.0, -6.3),
    (330.0, -7.5),
    (480.0, -7.1),
];

/// TDLC60.
const TDLC60: [(f64, f64); 12] = [
    (0.0, -7.8),
    (15.0, -0.3),
    (40.0, 0.0),
    (50.0, -8.9),
    (55.0, -14.5),
    (75.0, -8.5),
    (80.0, -10.2),
    (130.0, -12.1),
    (210.0, -13.9),
    (300.0, -15.2),
    (360.0, -16.9),
    (520.0, -19.4),
];

/// TDLC300.
const TDLC300: [(f64, f64); 12] = [
    (0.0, -6.9),
    (65.0, 0.0),
    (70.0, -7.7),
    (190.0, -2.5),
    (195.0, -2.4),
    (200.0, -9.9),
    (240.0, -8.0),
    (325.0, -6.6),
    (520.0, -7.1),
    (1045.0, -13.0),
    (1510.0, -14.2),
    (2595.0, -16.0),
];

/// TDLD10; the first is the line of sight.
const TDLD10: [(f64, f64); 11] = [
    (0.0, -0.2),
    (0.0, -12.4),
    (6.0, -21.1),
    (14.0, -16.7),
    (18.0, -18.3),
    (26.0, -22.0),
    (40.0, -27.9),
    (80.0, -23.7),
    (94.0, -24.9),
    (98.0, -30.0),
    (126.0, -27.7),
];

/// TDLD30; the first is the line of sight.
const TDLD30: [(f64, f64); 11] = [
    (0.0, -0.2),
    (0.0, -12.4),
    (20.0, -21.0),
    (40.0, -16.7),
    (55.0, -18.3),
    (80.0, -21.9),
    (120.0, -27.8),
    (240.0, -23.6),
    (285.0, -24.8),
    (290.0, -30.0),
    (375.0, -27.6),
];

impl TdlProfile {
    /// Normalised delays and powers in dB; of a Ricean profile the first entry is the line of sight alone.
    pub fn taps(self) -> &'static [(f64, f64)] {
        match self {
            TdlProfile::A => tap_table(Profile::TdlA),
            TdlProfile::B => tap_table(Profile::TdlB),
            TdlProfile::C => tap_table(Profile::TdlC),
            TdlProfile::D => &TDL_D,
            TdlProfile::E => &TDL_E,
        }
    }

    /// Whether the first tap has a line of sight.
    pub fn is_ricean(self) -> bool {
        matches!(self, TdlProfile::D | TdlProfile::E)
    }
}

impl Simplified {
    /// Delays in ns and powers in dB; of a Ricean profile the first entry is the line of sight alone.
    pub fn taps(self) -> &'static [(f64, f64)] {
        match self {
            Simplified::A10 => &TDLA10,
            Simplified::A30 => &TDLA30,
            Simplified::B100 => &TDLB100,
            Simplified::C60 => &TDLC60,
            Simplified::C300 => &TDLC300,
            Simplified::D10 => &TDLD10,
            Simplified::D30 => &TDLD30,
        }
    }

    /// Whether the first tap has a line of sight.
    pub fn is_ricean(self) -> bool {
        matches!(self, Simplified::D10 | Simplified::D30)
    }
}
