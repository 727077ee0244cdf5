//! A numerically controlled oscillator whose phase is exact after any number of samples.
//!
//! Phase and frequency are fractions of a turn in 64-bit fixed point, which wrap without loss; sine and cosine come once a block
//! of 64 samples from the exact phase, and a table of the block's own turns carries them through it.

use crate::lanes::{F4, Lanes};
use crate::{Cf32, Cf64, Isa, as_floats, as_floats_mut};

/// Samples between two references to the exact phase.
const BLOCK: usize = 64;

/// A phase or a phase step as a fraction of a turn times 2^64, wrapping.
pub fn turns_q64(turns: f64) -> u64 {
    const ONE: f64 = 18_446_744_073_709_551_616.0;
    let scaled = (turns - libm::floor(turns)) * ONE;
    // The fraction of a tiny negative number rounds to a whole turn.
    if scaled < ONE { scaled as u64 } else { 0 }
}

/// exp(2 pi i phase / 2^64), within 1e-7, by polynomials in double precision: the same bits everywhere.
pub fn phasor_q64(phase: u64) -> Cf32 {
    let phasor = phasor_f64(phase);
    Cf32::new(phasor.re as f32, phasor.im as f32)
}

/// exp(2 pi i phase / 2^64), within 2e-10.
pub fn phasor_f64(phase: u64) -> Cf64 {
    // The nearest quarter turn, and the rest within an eighth of a turn either way.
    let quarter = phase.wrapping_add(1 << 61) >> 62;
    let rest = phase.wrapping_sub(quarter << 62) as i64 as f64;
    let x = rest * (core::f64::consts::TAU / 18_446_744_073_709_551_616.0);
    let t = x * x;
    let sin = x
        * (1.0 + t * (-1.0 / 6.0 + t * (1.0 / 120.0 + t * (-1.0 / 5040.0 + t * (1.0 / 362_880.0 - t / 39_916_800.0)))));
    let cos = 1.0 + t * (-0.5 + t * (1.0 / 24.0 + t * (-1.0 / 720.0 + t * (1.0 / 40_320.0 - t / 3_628_800.0))));
    let (re, im) = match quarter {
        0 => (cos, sin),
        1 => (-sin, cos),
        2 => (-cos, -sin),
        _ => (sin, -cos),
    };
    Cf64::new(re, im)
}

/// An oscillator that turns samples by exp(2 pi i (phase + n step)).
#[derive(Clone, Debug)]
pub struct Nco {
    phase: u64,
    step: u64,
    table: [Cf32; BLOCK],
}

impl Nco {
    /// Starts at phase 0 with `cycles_per_sample`, of either sign.
    pub fn new(cycles_per_sample: f64) -> Nco {
        Nco::from_q64(0, turns_q64(cycles_per_sample))
    }

    /// Starts at `phase` with `step` for each sample, both in turns times 2^64.
    pub fn from_q64(phase: u64, step: u64) -> Nco {
        let mut nco = Nco { phase, step, table: [Cf32::new(1.0, 0.0); BLOCK] };
        nco.set_step_q64(step);
        nco
    }

    /// Changes the frequency; the phase goes on from where it is.
    pub fn set_frequency(&mut self, cycles_per_sample: f64) {
        self.set_step_q64(turns_q64(cycles_per_sample));
    }

    /// Changes the frequency, in turns a sample times 2^64.
    pub fn set_step_q64(&mut self, step: u64) {
        self.step = step;
        for (i, entry) in self.table.iter_mut().enumerate() {
            *entry = phasor_q64(step.wrapping_mul(i as u64));
        }
    }

    /// The phase of the next sample in turns times 2^64.
    pub fn phase_q64(&self) -> u64 {
        self.phase
    }

    /// Sets the phase of the next sample, in turns times 2^64.
    pub fn set_phase_q64(&mut self, phase: u64) {
        self.phase = phase;
    }

    /// Goes on by `n` samples, or back, without any data.
    pub fn advance(&mut self, n: i64) {
        self.phase = self.phase.wrapping_add(self.step.wrapping_mul(n as u64));
    }

    /// Turns `x` in place and goes on by its length. The bits do not depend on how a stream is cut at multiples of 64.
    pub fn mix(&mut self, isa: Isa, x: &mut [Cf32]) {
        for block in x.chunks_mut(BLOCK) {
            turn_by_table(isa, block, &self.table, phasor_q64(self.phase));
            self.advance(block.len() as i64);
        }
    }
}

/// Multiplies `x[i]` by `start table[i]`, up to the shorter of the two.
pub fn turn_by_table(isa: Isa, x: &mut [Cf32], table: &[Cf32], start: Cf32) {
    let n = x.len().min(table.len());
    let (x, table) = (as_floats_mut(&mut x[..n]), as_floats(&table[..n]));
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m256, __m512};
        #[target_feature(enable = "avx2")]
        fn avx2(x: &mut [f32], table: &[f32], start: Cf32) {
            turn_body::<__m256>(x, table, start);
        }
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
        fn avx512(x: &mut [f32], table: &[f32], start: Cf32) {
            turn_body::<__m512>(x, table, start);
        }
        match isa.effective() {
            // SAFETY: `effective` returns only what the machine has.
            Isa::Avx2 => return unsafe { avx2(x, table, start) },
            // SAFETY: as above.
            Isa::Avx512 => return unsafe { avx512(x, table, start) },
            _ => {}
        }
    }
    let _ = isa;
    turn_body::<F4>(x, table, start);
}

#[inline(always)]
fn turn_body<L: Lanes>(x: &mut [f32], table: &[f32], start: Cf32) {
    let n = x.len().min(table.len());
    let mut signs = [1.0f32; 16];
    signs.iter_mut().step_by(2).for_each(|s| *s = -1.0);
    let mut at = 0;
    // SAFETY: every access ends within the `n` floats that both slices hold, and the signs are the widest vector's.
    unsafe {
        let signs = L::load(signs.as_ptr());
        let (re, im) = (L::splat(start.re), L::splat(start.im));
        let (re_signed, im_signed) = (re.mul(signs), im.mul(signs));
        while at + L::W <= n {
            let p = x.as_mut_ptr().add(at);
            let t_re = L::load_even_twice(table.as_ptr().add(at));
            let t_im = L::load_odd_twice(table.as_ptr().add(at));
            let by_re = re.mul(t_re).sub(im.mul(t_im));
            let by_im = re_signed.mul(t_im).add(im_signed.mul(t_re));
            let z = L::load(p);
            z.mul(by_re).add(z.swap_pairs().mul(by_im)).store(p);
            at += L::W;
        }
    }
    for (x, t) in x[at..n].chunks_exact_mut(2).zip(table[at..n].chunks_exact(2)) {
        let re = start.re * t[0] - start.im * t[1];
        let im = start.re * t[1] + start.im * t[0];
        (x[0], x[1]) = (x[0] * re - x[1] * im, x[0] * im + x[1] * re);
    }
}
