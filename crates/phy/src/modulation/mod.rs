//! Modulation mapping of bits to complex symbols, and soft demapping.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | b(i) | bit `i` of a packed string | scrambled bits, most significant of a byte first | 0, 1 |
//! | d(i) | `symbols[i]` | complex symbols of unit mean power | |
//! | Q_m | [`Modulation::q_m`] | bits a symbol | 1, 2, 4, 6, 8, 10 |
//!
//! Spec: TS 38.211 §5.1

mod demap;
mod multiversion;
mod points;
mod scramble;

pub use demap::{LLR_SCALE, demodulate};
pub(crate) use multiversion::multiversion;
pub(crate) use points::{Points, names};
pub use scramble::{descramble, scramble};

use dsp::Cf32;

/// A modulation scheme. Spec: TS 38.211 §5.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modulation {
    /// pi/2-BPSK. Spec: TS 38.211 §5.1.1
    HalfPiBpsk,
    /// BPSK. Spec: TS 38.211 §5.1.2
    Bpsk,
    /// QPSK. Spec: TS 38.211 §5.1.3
    Qpsk,
    /// 16QAM. Spec: TS 38.211 §5.1.4
    Qam16,
    /// 64QAM. Spec: TS 38.211 §5.1.5
    Qam64,
    /// 256QAM. Spec: TS 38.211 §5.1.6
    Qam256,
    /// 1024QAM. Spec: TS 38.211 §5.1.7
    Qam1024,
}

impl Modulation {
    /// The scheme with `q_m` bits a symbol as MCS tables name it (1 is pi/2-BPSK); `None` for other numbers.
    pub const fn from_q_m(q_m: u8) -> Option<Self> {
        match q_m {
            1 => Some(Self::HalfPiBpsk),
            2 => Some(Self::Qpsk),
            4 => Some(Self::Qam16),
            6 => Some(Self::Qam64),
            8 => Some(Self::Qam256),
            10 => Some(Self::Qam1024),
            _ => None,
        }
    }

    /// Bits a symbol, Q_m.
    pub const fn q_m(self) -> usize {
        match self {
            Self::HalfPiBpsk | Self::Bpsk => 1,
            Self::Qpsk => 2,
            Self::Qam16 => 4,
            Self::Qam64 => 6,
            Self::Qam256 => 8,
            Self::Qam1024 => 10,
        }
    }
}

/// Slices that do not fit one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LengthMismatch {
    /// Elements that were needed.
    pub expected: usize,
    /// Elements that were given.
    pub found: usize,
}

impl core::fmt::Display for LengthMismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "expected {} elements, found {}", self.expected, self.found)
    }
}

impl core::error::Error for LengthMismatch {}

/// `levels[i]`: amplitude of one axis for the bits `i` of that axis, first bit most significant.
const fn axis<const N: usize>(norm: f32) -> [f32; N] {
    let mut levels = [0.0; N];
    let n_bits = N.trailing_zeros();
    let mut i = 0;
    while i < N {
        // (1 - 2 b0) [N/2 - (1 - 2 b1) [N/4 - ...]], innermost bit first.
        let mut level = 0i32;
        let mut b = 0;
        while b < n_bits {
            let sign = 1 - 2 * ((i >> b & 1) as i32);
            level = sign * ((1 << b) - level);
            b += 1;
        }
        levels[i] = level as f32 * norm;
        i += 1;
    }
    levels
}

const SQRT_1_2: f32 = core::f32::consts::FRAC_1_SQRT_2;
/// Square roots of 1/10, 1/42, 1/170 and 1/682.
pub(crate) const NORM_16: f32 = 0.316_227_77;
pub(crate) const NORM_64: f32 = 0.154_303_35;
pub(crate) const NORM_256: f32 = 0.076_696_5;
pub(crate) const NORM_1024: f32 = 0.038_291_98;

static AXIS_2: [f32; 2] = axis(SQRT_1_2);

/// A table of all symbols of a scheme: bits alternate between the real and the imaginary axis, real first.
const fn constellation<const N: usize, const A: usize>(levels: [f32; A]) -> [Cf32; N] {
    let mut points = [Cf32 { re: 0.0, im: 0.0 }; N];
    let n_bits = N.trailing_zeros() as usize;
    let mut i = 0;
    while i < N {
        let (mut re, mut im) = (0, 0);
        let mut b = 0;
        while b < n_bits {
            re = re << 1 | (i >> (n_bits - 1 - b) & 1);
            im = im << 1 | (i >> (n_bits - 2 - b) & 1);
            b += 2;
        }
        points[i] = Cf32 { re: levels[re], im: levels[im] };
        i += 1;
    }
    points
}

static QPSK: [Cf32; 4] = constellation(axis::<2>(SQRT_1_2));
static QAM16: [Cf32; 16] = constellation(axis::<4>(NORM_16));
static QAM64: [Cf32; 64] = constellation(axis::<8>(NORM_64));
static QAM256: [Cf32; 256] = constellation(axis::<16>(NORM_256));
static QAM1024: [Cf32; 1024] = constellation(axis::<32>(NORM_1024));

/// Maps the first `symbols.len() * q_m` bits of `bits` (packed, most significant first) to symbols of unit mean power.
///
/// Spec: TS 38.211 §5.1. Errors: `LengthMismatch` (in bits) if `bits` is too short. Cost: O(n), no allocation.
pub fn modulate(scheme: Modulation, bits: &[u8], symbols: &mut [Cf32]) -> Result<(), LengthMismatch> {
    let expected = symbols.len() * scheme.q_m();
    if bits.len() * 8 < expected {
        return Err(LengthMismatch { expected, found: bits.len() * 8 });
    }
    match scheme {
        Modulation::HalfPiBpsk | Modulation::Bpsk => {
            for (i, symbol) in symbols.iter_mut().enumerate() {
                let amplitude = AXIS_2[(bits[i / 8] >> (7 - i % 8) & 1) as usize];
                *symbol = if scheme == Modulation::HalfPiBpsk && i % 2 == 1 {
                    Cf32::new(-amplitude, amplitude)
                } else {
                    Cf32::new(amplitude, amplitude)
                };
            }
        }
        Modulation::Qpsk => {
            for (four, byte) in symbols.chunks_mut(4).zip(bits) {
                for (i, symbol) in four.iter_mut().enumerate() {
                    *symbol = QPSK[(byte >> (6 - 2 * i) & 3) as usize];
                }
            }
        }
        Modulation::Qam16 => {
            for (two, byte) in symbols.chunks_mut(2).zip(bits) {
                for (i, symbol) in two.iter_mut().enumerate() {
                    *symbol = QAM16[(byte >> (4 - 4 * i) & 15) as usize];
                }
            }
        }
        Modulation::Qam64 => {
            for (four, bytes) in symbols.chunks_mut(4).zip(bits.chunks(3)) {
                let byte = |i: usize| bytes.get(i).copied().unwrap_or(0) as u32;
                let word = byte(0) << 16 | byte(1) << 8 | byte(2);
                for (i, symbol) in four.iter_mut().enumerate() {
                    *symbol = QAM64[(word >> (18 - 6 * i) & 63) as usize];
                }
            }
        }
        Modulation::Qam256 => {
            for (symbol, byte) in symbols.iter_mut().zip(bits) {
                *symbol = QAM256[*byte as usize];
            }
        }
        Modulation::Qam1024 => {
            for (four, bytes) in symbols.chunks_mut(4).zip(bits.chunks(5)) {
                let word = (0..5).fold(0u64, |w, i| w << 8 | u64::from(bytes.get(i).copied().unwrap_or(0)));
                for (i, symbol) in four.iter_mut().enumerate() {
                    *symbol = QAM1024[(word >> (30 - 10 * i) & 1023) as usize];
                }
            }
        }
    }
    Ok(())
}

/// The point of the constellation next to `x`; `i` is the symbol's index, which pi/2-BPSK turns by.
pub fn nearest(scheme: Modulation, x: Cf32, i: usize) -> Cf32 {
    let axis = |v: f32, norm: f32, most: f32| {
        // Odd levels -most..=most times the norm.
        let level = 2.0 * libm::floorf(v / norm * 0.5) + 1.0;
        level.clamp(-most, most) * norm
    };
    let square = |norm: f32, most: f32| Cf32::new(axis(x.re, norm, most), axis(x.im, norm, most));
    match scheme {
        Modulation::HalfPiBpsk | Modulation::Bpsk => {
            let quarter = scheme == Modulation::HalfPiBpsk && i % 2 == 1;
            let along = if quarter { x.im - x.re } else { x.re + x.im };
            let a = if along < 0.0 { -SQRT_1_2 } else { SQRT_1_2 };
            if quarter { Cf32::new(-a, a) } else { Cf32::new(a, a) }
        }
        Modulation::Qpsk => square(SQRT_1_2, 1.0),
        Modulation::Qam16 => square(NORM_16, 3.0),
        Modulation::Qam64 => square(NORM_64, 7.0),
        Modulation::Qam256 => square(NORM_256, 15.0),
        Modulation::Qam1024 => square(NORM_1024, 31.0),
    }
}

#[cfg(test)]
mod tests;
