//! Discrete Fourier transforms of sizes 2^a 3^b 5^c.
//!
//! Stockham's self-sorting form, decimation in frequency. Stage with radix r, on m groups of s interleaved transforms:
//!
//! | in the formula | here        | meaning                                    |
//! | N              | n           | transform size                             |
//! | r              | radix       | points of a butterfly: 2, 3, 4, 5, 8       |
//! | m              | groups      | n / (product of the radices up to this one)|
//! | s              | stride      | product of the radices before this one     |
//! | w              | exp(-2 pi i / (r m))                                     |
//!
//! `y[q + s (r p + k)] = w^(p k) sum_j x[q + s (p + m j)] exp(-2 pi i j k / r)`, p < m, q < s.
//!
//! Between stages real and imaginary parts lie apart; the first stage takes them apart and the last joins them. The inverse
//! is the forward transform with real and imaginary parts exchanged at both ends.

mod butterfly;
mod stage;

use crate::lanes::{F4, Lanes};
use crate::{Cf32, Isa};
use stage::Planes;

/// The largest size that a plan takes.
pub const N_MAX: usize = 65536;

/// Floats that keep the planes of a power of two from falling on each other in the cache; a cache line's multiple.
const PAD: usize = 16;

/// The sign of the exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// X\[k\] = sum x\[n\] exp(-2 pi i n k / N).
    Forward,
    /// x\[n\] = sum X\[k\] exp(+2 pi i n k / N).
    Inverse,
}

/// A size that no plan can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedSize(pub usize);

impl core::fmt::Display for UnsupportedSize {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "expected a transform size 2^a 3^b 5^c from 1 to {N_MAX}, found {}", self.0)
    }
}

impl core::error::Error for UnsupportedSize {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The first, of radix 4 and stride 1, from interleaved input: lanes run over groups.
    First,
    /// The second, of radix 4 and stride 4: lanes run over groups and stride.
    Second,
    /// Lanes run over the stride.
    General,
    /// The last: one group, no twiddle factors but the scale, interleaved output.
    Last,
}

#[derive(Clone, Debug)]
struct Stage {
    radix: usize,
    groups: usize,
    stride: usize,
    kind: Kind,
    /// Where this stage's factors start: `[k - 1][re, im][p]` for `General`, repeated over the stride for `First` and `Second`.
    twiddle_start: usize,
}

/// A transform of one size and direction, ready to run.
///
/// Immutable once made; share it between threads, each with its own scratch.
#[derive(Clone, Debug)]
pub struct Plan {
    n: usize,
    direction: Direction,
    isa: Isa,
    scale: f32,
    stages: Vec<Stage>,
    twiddles: Vec<f32>,
}

impl Plan {
    /// Plans an unnormalised transform of `n` points: forward then inverse multiplies by `n`.
    ///
    /// Errors: `UnsupportedSize` unless n = 2^a 3^b 5^c with 1 <= n <= 65536.
    pub fn new(n: usize, direction: Direction, isa: Isa) -> Result<Plan, UnsupportedSize> {
        Plan::with_scale(n, direction, isa, 1.0)
    }

    /// Plans the unitary transform: every output is multiplied by 1/sqrt(n), either way.
    ///
    /// Errors: as `new`.
    pub fn unitary(n: usize, direction: Direction, isa: Isa) -> Result<Plan, UnsupportedSize> {
        Plan::with_scale(n, direction, isa, (1.0 / libm::sqrt(n.max(1) as f64)) as f32)
    }

    /// Plans a transform whose every output is multiplied by `scale`.
    ///
    /// Errors: as `new`.
    pub fn with_scale(n: usize, direction: Direction, isa: Isa, scale: f32) -> Result<Plan, UnsupportedSize> {
        let radices = factor(n).ok_or(UnsupportedSize(n))?;
        let mut stages = Vec::with_capacity(radices.len());
        let mut twiddles = Vec::new();
        let mut stride = 1;
        for (index, &radix) in radices.iter().enumerate() {
            let groups = n / (stride * radix);
            let kind = match index {
                _ if index + 1 == radices.len() => Kind::Last,
                0 if radix == 4 => Kind::First,
                1 if radix == 4 && stride == 4 => Kind::Second,
                _ => Kind::General,
            };
            let twiddle_start = twiddles.len();
            let repeat = if kind == Kind::Second { stride } else { 1 };
            if kind != Kind::Last {
                push_twiddles(&mut twiddles, radix, groups, repeat);
            }
            stages.push(Stage { radix, groups, stride, kind, twiddle_start });
            stride *= radix;
        }
        Ok(Plan { n, direction, isa: isa.effective(), scale, stages, twiddles })
    }

    /// The number of points.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The direction it was planned for.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// How many samples of scratch `process` needs: a little over `n` or `2 n`.
    pub fn scratch_len(&self) -> usize {
        let planes = if self.n_steps() > 2 { 2 } else { 1 };
        planes * self.plane_len() + 8
    }

    /// A scratch that fits `process`.
    pub fn make_scratch(&self) -> Vec<Cf32> {
        vec![Cf32::new(0.0, 0.0); self.scratch_len()]
    }

    /// Transforms `data` in place, natural order in and out.
    ///
    /// - `data`     overwritten                 `[n]`
    /// - `scratch`  overwritten, contents unspecified, at least `scratch_len()` long
    ///
    /// Panics if a length does not fit. No allocation. The same bits on every instruction set.
    pub fn process(&self, data: &mut [Cf32], scratch: &mut [Cf32]) {
        assert_eq!(data.len(), self.n, "data length of an FFT");
        assert!(scratch.len() >= self.scratch_len(), "scratch length of an FFT");
        // SAFETY: lengths were checked just now, and data and scratch are exclusive, hence apart.
        unsafe { self.dispatch(data.as_ptr().cast(), data.as_mut_ptr().cast(), scratch.as_mut_ptr().cast()) }
    }

    /// Transforms `input` into `output`; `input` is left as it was.
    ///
    /// - `input`, `output`  `[n]`
    /// - `scratch`          overwritten, at least `scratch_len()` long
    ///
    /// Panics if a length does not fit. No allocation.
    pub fn process_into(&self, input: &[Cf32], output: &mut [Cf32], scratch: &mut [Cf32]) {
        assert_eq!(input.len(), self.n, "input length of an FFT");
        assert_eq!(output.len(), self.n, "output length of an FFT");
        assert!(scratch.len() >= self.scratch_len(), "scratch length of an FFT");
        // SAFETY: lengths were checked just now; input is only read, output and scratch are exclusive.
        unsafe { self.dispatch(input.as_ptr().cast(), output.as_mut_ptr().cast(), scratch.as_mut_ptr().cast()) }
    }

    /// Floats of a plane in scratch: real or imaginary parts of all points.
    fn plane_len(&self) -> usize {
        self.n.next_multiple_of(16) + PAD
    }

    /// Passes over the data: the stages, and before them one that takes real and imaginary parts apart if no stage does.
    fn n_steps(&self) -> usize {
        let first_splits = self.stages.first().is_some_and(|s| s.kind == Kind::First);
        self.stages.len() + usize::from(!first_splits)
    }

    /// # Safety
    /// `input` and `output` hold 2 n floats (they may be the same), `scratch` 2 `scratch_len()` floats apart from both.
    unsafe fn dispatch(&self, input: *const f32, output: *mut f32, scratch: *mut f32) {
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{__m256, __m512};
            #[target_feature(enable = "avx2")]
            unsafe fn avx2(plan: &Plan, input: *const f32, output: *mut f32, scratch: *mut f32) {
                unsafe { plan.run::<__m256, __m256>(input, output, scratch) }
            }
            #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
            unsafe fn avx512(plan: &Plan, input: *const f32, output: *mut f32, scratch: *mut f32) {
                unsafe { plan.run::<__m512, __m256>(input, output, scratch) }
            }
            match self.isa {
                // SAFETY: the plan holds an instruction set only after `effective`.
                Isa::Avx2 => return unsafe { avx2(self, input, output, scratch) },
                // SAFETY: as above.
                Isa::Avx512 => return unsafe { avx512(self, input, output, scratch) },
                _ => {}
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.run::<F4, F4>(input, output, scratch) }
    }

    /// Runs all passes with vectors of `L`, of `H` where the stride is too short for `L`, and narrower ones below that.
    #[inline(always)]
    unsafe fn run<L: Lanes, H: Lanes>(&self, input: *const f32, output: *mut f32, scratch: *mut f32) {
        let swap = self.direction == Direction::Inverse;
        let (n, n_steps) = (self.n, self.n_steps());
        if self.stages.is_empty() {
            for i in 0..2 {
                unsafe { *output.add(i) = *input.add(i) * self.scale };
            }
            return;
        }
        // The last pass reads the first half of scratch; going back from it the halves take turns.
        // Planes start at cache lines: a wide load across two costs twice. Scratch has room for the 15 floats that it may take.
        let aligned = unsafe { scratch.add(scratch.align_offset(64).min(15)) };
        let plane_len = self.plane_len();
        let planes_after = |step: usize| -> Planes {
            let half = (n_steps - step + 1) % 2;
            unsafe { Planes::at(aligned.add(half * 2 * plane_len), plane_len) }
        };
        let mut step = n_steps - self.stages.len();
        if step == 1 {
            unsafe { stage::split(input, planes_after(1), n, swap) };
        }
        for s in &self.stages {
            let source = if step == 0 { None } else { Some(planes_after(step)) };
            step += 1;
            let twiddles = unsafe { self.twiddles.as_ptr().add(s.twiddle_start) };
            unsafe {
                match (s.kind, source) {
                    (Kind::Last, Some(source)) => {
                        if s.stride % L::W == 0 {
                            stage::last::<L>(s.radix, s.stride, source, output, self.scale, swap);
                        } else if s.stride % H::W == 0 {
                            stage::last::<H>(s.radix, s.stride, source, output, self.scale, swap);
                        } else if s.stride % 4 == 0 {
                            stage::last::<F4>(s.radix, s.stride, source, output, self.scale, swap);
                        } else {
                            stage::last::<f32>(s.radix, s.stride, source, output, self.scale, swap);
                        }
                    }
                    (Kind::First, _) => {
                        let to = planes_after(step);
                        if s.groups % L::W == 0 {
                            stage::first::<L>(s.groups, input, to, twiddles, swap);
                        } else if s.groups % H::W == 0 {
                            stage::first::<H>(s.groups, input, to, twiddles, swap);
                        } else if s.groups % 4 == 0 {
                            stage::first::<F4>(s.groups, input, to, twiddles, swap);
                        } else {
                            stage::first::<f32>(s.groups, input, to, twiddles, swap);
                        }
                    }
                    (Kind::Second, Some(source)) => {
                        let to = planes_after(step);
                        if (4 * s.groups) % L::W == 0 {
                            stage::second::<L>(s.groups, source, to, twiddles);
                        } else if (4 * s.groups) % H::W == 0 {
                            stage::second::<H>(s.groups, source, to, twiddles);
                        } else {
                            stage::second::<F4>(s.groups, source, to, twiddles);
                        }
                    }
                    (Kind::General, Some(source)) => {
                        let to = planes_after(step);
                        if s.stride % L::W == 0 {
                            stage::general::<L>(s.radix, s.groups, s.stride, source, to, twiddles);
                        } else if s.stride % H::W == 0 {
                            stage::general::<H>(s.radix, s.groups, s.stride, source, to, twiddles);
                        } else if s.stride % 4 == 0 {
                            stage::general::<F4>(s.radix, s.groups, s.stride, source, to, twiddles);
                        } else {
                            stage::general::<f32>(s.radix, s.groups, s.stride, source, to, twiddles);
                        }
                    }
                    (_, None) => unreachable!("only the first kind reads interleaved input"),
                }
            }
        }
    }
}

/// The radices of `n` in the order of the stages, empty for 1; `None` if no plan covers `n`.
///
/// Fours first, since their short strides have kernels of their own; eights last, where they need no factors.
fn factor(n: usize) -> Option<Vec<usize>> {
    if n == 0 || n > N_MAX {
        return None;
    }
    let mut rest = n;
    let mut count = |prime: usize| {
        let mut times = 0;
        while rest.is_multiple_of(prime) {
            rest /= prime;
            times += 1;
        }
        times
    };
    let (mut twos, threes, fives) = (count(2), count(3), count(5));
    if rest != 1 {
        return None;
    }
    let mut radices = Vec::new();
    for _ in 0..2 {
        if twos >= 2 {
            radices.push(4);
            twos -= 2;
        }
    }
    let eights = match twos % 3 {
        1 if twos >= 4 => {
            radices.extend([4, 4]);
            (twos - 4) / 3
        }
        1 => {
            radices.push(2);
            (twos - 1) / 3
        }
        2 => {
            radices.push(4);
            (twos - 2) / 3
        }
        _ => twos / 3,
    };
    radices.extend(core::iter::repeat_n(3, threes));
    radices.extend(core::iter::repeat_n(5, fives));
    radices.extend(core::iter::repeat_n(8, eights));
    Some(radices)
}

/// Appends exp(-2 pi i p k / (radix groups)) for k = 1..radix as `[k - 1][re, im][p]`, each value `repeat` times.
fn push_twiddles(twiddles: &mut Vec<f32>, radix: usize, groups: usize, repeat: usize) {
    let size = radix * groups;
    for k in 1..radix {
        let factors = (0..groups).map(|p| crate::unit_phasor(-(((p * k) % size) as f64) / size as f64));
        for factor in factors.clone() {
            twiddles.extend(core::iter::repeat_n(factor.re as f32, repeat));
        }
        for factor in factors {
            twiddles.extend(core::iter::repeat_n(factor.im as f32, repeat));
        }
    }
}
