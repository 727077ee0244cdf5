//! Units that cross functions.

/// A frequency in Hz.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Hz(pub f64);

/// A ratio in decibels.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Db(pub f32);

/// A power in dBm.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Dbm(pub f32);
