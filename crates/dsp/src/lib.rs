//! Complex vectors, FFT plans, filters, noise, small matrix solves; SIMD lives here.
//!
//! Every kernel takes an [`Isa`], chosen once when a plan or a link is made. The same input gives the same bits on every
//! instruction set: no fused multiply-add, a fixed number of logical lanes in every reduction, and transcendentals from
//! `libm` or from the polynomials of this crate.
//!
//! What is left out: real-input transforms, sizes with prime factors above 5, fixed-point samples.

pub mod correlate;
pub mod fft;
pub mod fir;
mod isa;
mod lanes;
pub mod matrix;
pub mod mix;
pub mod noise;
pub mod vector;

pub use fft::Direction;
pub use isa::{Isa, UnknownIsa};

/// One complex sample or resource element: single precision, `repr(C)`, real part first.
pub type Cf32 = num_complex::Complex<f32>;

/// Double-precision complex, for set-up and phase references.
pub type Cf64 = num_complex::Complex<f64>;

/// The complex number of unit magnitude at `cycles` turns, through `libm` in double precision.
///
/// The fraction of a turn is taken first, so a large argument loses no accuracy beyond its own.
pub fn unit_phasor(cycles: f64) -> Cf64 {
    let angle = core::f64::consts::TAU * (cycles - libm::round(cycles));
    Cf64::new(libm::cos(angle), libm::sin(angle))
}

/// Views complex samples as their interleaved real and imaginary parts, twice as many.
pub fn as_floats(x: &[Cf32]) -> &[f32] {
    // SAFETY: Complex<f32> is repr(C) of two f32, so the memory is exactly 2 * len floats of the same alignment.
    unsafe { core::slice::from_raw_parts(x.as_ptr().cast(), 2 * x.len()) }
}

/// Views complex samples as their interleaved real and imaginary parts, twice as many, for writing.
pub fn as_floats_mut(x: &mut [Cf32]) -> &mut [f32] {
    // SAFETY: as in `as_floats`, and the exclusive borrow passes over to the new view.
    unsafe { core::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), 2 * x.len()) }
}
