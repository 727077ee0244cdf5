//! Sample counts, positions and phases without rounding that grows.

use crate::config::AirError;

/// Ticks per second of local time: every OFDM sampling rate divides it.
pub(crate) const TICKS_PER_SECOND: i64 = 2_949_120_000;

pub(crate) const Q64: f64 = 18_446_744_073_709_551_616.0;

pub(crate) fn check_rate(rate_hz: u32) -> Result<(), AirError> {
    if rate_hz == 0 || TICKS_PER_SECOND % i64::from(rate_hz) != 0 { Err(AirError::Rate(rate_hz)) } else { Ok(()) }
}

/// A linear map from output sample counts to positions among input samples, in 2^-64 samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PositionMap {
    /// The output count whose position is `at_origin`.
    pub origin: i64,
    pub at_origin: i128,
    pub step: i128,
}

impl PositionMap {
    pub(crate) fn at(&self, count: i64) -> i128 {
        self.at_origin + i128::from(count - self.origin) * self.step
    }

    /// The first output count whose position is at or after `position`.
    pub(crate) fn first_at_or_after(&self, position: i128) -> i64 {
        let distance = position - self.at_origin;
        let steps = distance.div_euclid(self.step) + i128::from(distance.rem_euclid(self.step) != 0);
        self.origin + steps as i64
    }
}

/// `value` in 2^-64; exact in its 53 bits.
pub(crate) fn to_q64(value: f64) -> i128 {
    (value * Q64) as i128
}

/// `count * numerator / denominator` in 2^-64, rounded down.
pub(crate) fn ratio_q64(count: i64, numerator: i64, denominator: i64) -> i128 {
    let product = i128::from(count) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let (whole, rest) = (product.div_euclid(denominator), product.rem_euclid(denominator));
    (whole << 64) + (rest << 64) / denominator
}

/// (1 + a) / (1 + b) - 1, without the rounding of 1 + a.
pub(crate) fn relative(a: f64, b: f64) -> f64 {
    (a - b) / (1.0 + b)
}

pub(crate) fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
