//! Complex vectors, FFT plans, filters, small matrix solves; SIMD lives here.
