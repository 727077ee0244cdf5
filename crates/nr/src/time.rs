//! Time: the basic unit Tc, numerologies, slots.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | T_c | [`Tc`] | 1/(480 000 x 4096) s | i64 |
//! | mu | [`Numerology`] | subcarrier spacing configuration | 0..=4 |
//! | n_f | [`SlotPoint::sfn`] | system frame number | 0..=1023 |
//! | n_s,f^mu | [`SlotPoint::slot`] | slot in the frame | 0..10*2^mu |
//!
//! Spec: TS 38.211 §4.1, §4.3

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// A time or a duration in units of T_c = 1/(480 000 x 4096) s.
///
/// Spec: TS 38.211 §4.1
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Tc(pub i64);

impl Tc {
    /// T_c in one second.
    pub const PER_SECOND: i64 = 480_000 * 4096;
    /// Zero.
    pub const ZERO: Tc = Tc(0);
    /// One millisecond, a subframe.
    pub const MS: Tc = Tc(Self::PER_SECOND / 1000);
    /// A deadline that never comes.
    pub const NEVER: Tc = Tc(i64::MAX);

    /// `ms` milliseconds.
    pub const fn from_ms(ms: i64) -> Tc {
        Tc(ms * Self::MS.0)
    }
    /// `us` microseconds, rounded to the nearest T_c.
    pub const fn from_us(us: i64) -> Tc {
        Tc((us * Self::MS.0 + 500) / 1000)
    }
    /// Whole milliseconds, rounded down.
    pub const fn as_ms(self) -> i64 {
        self.0.div_euclid(Self::MS.0)
    }
    /// Whole microseconds, rounded down.
    pub const fn as_us(self) -> i64 {
        (self.0 as i128 * 1_000_000).div_euclid(Self::PER_SECOND as i128) as i64
    }
    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / Self::PER_SECOND as f64
    }
    /// Sum that stays at [`Tc::NEVER`] instead of overflowing.
    pub const fn saturating_add(self, other: Tc) -> Tc {
        Tc(self.0.saturating_add(other.0))
    }
}

impl Add for Tc {
    type Output = Tc;
    fn add(self, o: Tc) -> Tc {
        Tc(self.0 + o.0)
    }
}
impl AddAssign for Tc {
    fn add_assign(&mut self, o: Tc) {
        self.0 += o.0;
    }
}
impl Sub for Tc {
    type Output = Tc;
    fn sub(self, o: Tc) -> Tc {
        Tc(self.0 - o.0)
    }
}

/// Subcarrier spacing configuration mu: 15 kHz x 2^mu.
///
/// Spec: TS 38.211 §4.2
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Numerology(u8);

impl Numerology {
    /// 15 kHz.
    pub const KHZ15: Numerology = Numerology(0);
    /// 30 kHz.
    pub const KHZ30: Numerology = Numerology(1);
    /// 60 kHz.
    pub const KHZ60: Numerology = Numerology(2);
    /// 120 kHz.
    pub const KHZ120: Numerology = Numerology(3);
    /// 240 kHz (SSB only).
    pub const KHZ240: Numerology = Numerology(4);

    /// mu in 0..=4.
    pub const fn new(mu: u8) -> Option<Self> {
        if mu <= 4 { Some(Self(mu)) } else { None }
    }
    /// From a subcarrier spacing in kHz.
    pub const fn from_scs_khz(khz: u32) -> Option<Self> {
        match khz {
            15 => Some(Self(0)),
            30 => Some(Self(1)),
            60 => Some(Self(2)),
            120 => Some(Self(3)),
            240 => Some(Self(4)),
            _ => None,
        }
    }
    /// mu.
    pub const fn mu(self) -> u8 {
        self.0
    }
    /// Subcarrier spacing in kHz.
    pub const fn scs_khz(self) -> u32 {
        15 << self.0
    }
    /// Subcarrier spacing in Hz.
    pub const fn scs_hz(self) -> u32 {
        15_000 << self.0
    }
    /// Slots in a subframe (1 ms).
    pub const fn slots_per_subframe(self) -> u32 {
        1 << self.0
    }
    /// Slots in a frame (10 ms).
    pub const fn slots_per_frame(self) -> u32 {
        10 << self.0
    }
    /// Duration of a slot.
    pub const fn slot_tc(self) -> Tc {
        Tc(Tc::MS.0 >> self.0)
    }
}

/// OFDM symbols in a slot with normal cyclic prefix.
pub const SYMBOLS_PER_SLOT: usize = 14;
/// Subcarriers in a resource block.
pub const SUBCARRIERS_PER_RB: usize = 12;
/// System frame numbers before the count wraps.
pub const SFN_COUNT: u32 = 1024;

/// A slot within the 1024 system frames of a numerology; arithmetic wraps there.
///
/// Spec: TS 38.211 §4.3.2
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SlotPoint {
    numerology: Numerology,
    index: u32,
}

impl SlotPoint {
    /// The slot `slot` of frame `sfn`; both are taken modulo their range.
    pub const fn new(numerology: Numerology, sfn: u32, slot: u32) -> Self {
        let spf = numerology.slots_per_frame();
        Self { numerology, index: (sfn % SFN_COUNT) * spf + slot % spf }
    }
    /// From a running slot count, taken modulo 1024 frames.
    pub const fn from_count(numerology: Numerology, count: i64) -> Self {
        let n = (SFN_COUNT * numerology.slots_per_frame()) as i64;
        Self { numerology, index: count.rem_euclid(n) as u32 }
    }
    /// Its numerology.
    pub const fn numerology(self) -> Numerology {
        self.numerology
    }
    /// Slot count within the 1024 frames: n_f * slots_per_frame + n_s,f.
    pub const fn index(self) -> u32 {
        self.index
    }
    /// System frame number n_f, 0..=1023.
    pub const fn sfn(self) -> u32 {
        self.index / self.numerology.slots_per_frame()
    }
    /// Slot in the frame n_s,f^mu.
    pub const fn slot(self) -> u32 {
        self.index % self.numerology.slots_per_frame()
    }
    /// Subframe in the frame, 0..=9.
    pub const fn subframe(self) -> u32 {
        self.slot() / self.numerology.slots_per_subframe()
    }
    /// `n` slots later (earlier if negative), wrapping.
    pub const fn plus(self, n: i64) -> Self {
        Self::from_count(self.numerology, self.index as i64 + n)
    }
    /// Signed distance `self - other` in slots, the shorter way round: at most half of the range.
    pub const fn minus(self, other: SlotPoint) -> i64 {
        let n = (SFN_COUNT * self.numerology.slots_per_frame()) as i64;
        let d = (self.index as i64 - other.index as i64).rem_euclid(n);
        if d > n / 2 { d - n } else { d }
    }
}

impl fmt::Display for SlotPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sfn(), self.slot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.211 §4.1
    fn a_millisecond_is_1966080_tc() {
        assert_eq!(Tc::MS.0, 1_966_080);
        assert_eq!(Tc::from_us(500).as_us(), 500);
    }

    #[test] // Spec: TS 38.211 §4.3.2
    fn slots_wrap_after_1024_frames_and_differences_are_signed() {
        let s = SlotPoint::new(Numerology::KHZ30, 1023, 19);
        let next = s.plus(1);
        assert_eq!((next.sfn(), next.slot()), (0, 0));
        assert_eq!(next.minus(s), 1);
        assert_eq!(s.minus(next), -1);
        assert_eq!(SlotPoint::new(Numerology::KHZ30, 3, 7).subframe(), 3);
    }
}
