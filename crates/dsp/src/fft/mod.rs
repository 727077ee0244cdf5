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
//!
//! A stage is a pass over all data, which for large sizes do not fit the first cache. So multiples of 1024 do their first two and
//! their last two stages in one pass each, on pieces of 64 vectors or fewer that stay there.

mod butterfly;
mod pair;
mod stage;

use crate::{Cf32, Isa};
use stage::{Pass, Planes};

/// The largest size that a plan takes.
pub const N_MAX: usize = 65536;

/// Floats that keep the planes of a power of two from falling on each other in the cache; a cache line's multiple.
const PAD: usize = 16;

/// Multiples of this have pairs of stages: 16 lanes of 64 points.
const PAIRED: usize = 1024;

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
    /// The first two, both of radix 8, from interleaved input: lanes run over the second one's groups.
    FirstPair,
    /// The last two: lanes run over the stride of the first of them, whose factors carry the scale; interleaved output.
    LastPair,
}

#[derive(Clone, Debug)]
struct Stage {
    radix: usize,
    /// After the stage, or after both of a pair.
    groups: usize,
    stride: usize,
    kind: Kind,
    /// Vector length: 1, 4, 8 or 16 floats.
    lanes: usize,
    /// Where this stage's factors start: `[k - 1][re, im][p]` for `General`, repeated over the stride for `First` and `Second`;
    /// for pairs in the order of their use.
    twiddle_start: usize,
}

/// A transform of one size and direction, ready to run.
///
/// Immutable once made; share it between threads, each with its own scratch.
#[derive(Clone, Debug)]
pub struct Plan {
    n: usize,
    direction: Direction,
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
        let isa = isa.effective();
        let mut stages: Vec<Stage> = Vec::with_capacity(radices.len());
        let mut twiddles = Vec::new();
        let (mut stride, mut index) = (1, 0);
        while let Some(&radix) = radices.get(index) {
            let kind = kind_of(&radices, index, n, stride);
            let second_radix = match kind {
                Kind::FirstPair | Kind::LastPair => radices[index + 1],
                _ => 1,
            };
            let groups = n / (stride * radix * second_radix);
            let run = match kind {
                Kind::First | Kind::FirstPair => groups,
                Kind::Second => groups * stride,
                Kind::General | Kind::Last | Kind::LastPair => stride,
            };
            let lanes = lanes_for(isa, run);
            let twiddle_start = twiddles.len();
            match kind {
                Kind::First | Kind::General => push_twiddles(&mut twiddles, radix, groups, 1),
                Kind::Second => push_twiddles(&mut twiddles, radix, groups, stride),
                Kind::Last => {}
                Kind::FirstPair => push_first_pair(&mut twiddles, groups, lanes),
                Kind::LastPair => push_last_pair(&mut twiddles, radix, second_radix, scale),
            }
            stages.push(Stage { radix, groups, stride, kind, lanes, twiddle_start });
            stride *= radix * second_radix;
            index += if second_radix > 1 { 2 } else { 1 };
        }
        Ok(Plan { n, direction, scale, stages, twiddles })
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
        unsafe { self.run(data.as_ptr().cast(), data.as_mut_ptr().cast(), scratch.as_mut_ptr().cast()) }
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
        unsafe { self.run(input.as_ptr().cast(), output.as_mut_ptr().cast(), scratch.as_mut_ptr().cast()) }
    }

    /// Floats of a plane in scratch: real or imaginary parts of all points.
    fn plane_len(&self) -> usize {
        self.n.next_multiple_of(16) + PAD
    }

    /// Passes over the data: the stages, and before them one that takes real and imaginary parts apart if no stage does.
    fn n_steps(&self) -> usize {
        let first_splits = self.stages.first().is_some_and(|s| matches!(s.kind, Kind::First | Kind::FirstPair));
        self.stages.len() + usize::from(!first_splits)
    }

    /// # Safety
    /// `input` and `output` hold 2 n floats (they may be the same), `scratch` 2 `scratch_len()` floats apart from both.
    unsafe fn run(&self, input: *const f32, output: *mut f32, scratch: *mut f32) {
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
        let splits = n_steps - self.stages.len();
        if splits == 1 {
            unsafe { stage::split(input, planes_after(1), n, swap) };
        }
        for (step, s) in (splits..).zip(&self.stages) {
            let pass = Pass {
                kind: s.kind,
                radix: s.radix,
                groups: s.groups,
                stride: s.stride,
                input,
                from: planes_after(step.max(1)),
                to: planes_after(step + 1),
                output,
                twiddles: unsafe { self.twiddles.as_ptr().add(s.twiddle_start) },
                scale: self.scale,
                swap,
            };
            // SAFETY: the plan chose lanes that the machine has and that divide the stage; the buffers are the caller's promise.
            unsafe { pass.run(s.lanes) };
        }
    }
}

/// How the stage `index` runs, `stride` being the product of the radices before it.
fn kind_of(radices: &[usize], index: usize, n: usize, stride: usize) -> Kind {
    let paired = n.is_multiple_of(PAIRED);
    match index {
        0 if paired => Kind::FirstPair,
        _ if paired && index + 2 == radices.len() => Kind::LastPair,
        _ if index + 1 == radices.len() => Kind::Last,
        0 if radices[0] == 4 => Kind::First,
        1 if radices[1] == 4 && stride == 4 => Kind::Second,
        _ => Kind::General,
    }
}

/// The most lanes of `isa` that divide `run`, the length of a stage's innermost loop.
fn lanes_for(isa: Isa, run: usize) -> usize {
    let widest = match isa {
        Isa::Avx512 => 16,
        Isa::Avx2 => 8,
        _ => 4,
    };
    [16, 8, 4].into_iter().find(|&lanes| lanes <= widest && run.is_multiple_of(lanes)).unwrap_or(1)
}

/// The radices of `n` in the order of the stages, empty for 1; `None` if no plan covers `n`.
///
/// Fours first, since their short strides have kernels of their own; eights last, where they need no factors. Sizes with pairs have
/// two eights first and, as the last two, twos that are left or an eight with whatever divides well.
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
    if n.is_multiple_of(PAIRED) {
        radices.extend([8, 8]);
        radices.extend(core::iter::repeat_n(5, fives));
        radices.extend(core::iter::repeat_n(3, threes));
        twos -= 6;
        // 2^4 or more are left; the last two stages take 2^4 to 2^6 of them.
        while twos > 9 {
            radices.push(8);
            twos -= 3;
        }
        if twos > 6 {
            let before = 1 << (twos - 6);
            radices.push(before);
            twos = 6;
        }
        radices.extend([1 << (twos - 3), 8]);
        return Some(radices);
    }
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

/// exp(-2 pi i a / size).
fn root(a: usize, size: usize) -> [f64; 2] {
    let factor = crate::unit_phasor(-((a % size) as f64) / size as f64);
    [factor.re, factor.im]
}

/// Appends the factors of two stages of radix 8, `groups` after both: of each vector of groups those of the first stage
/// `[j][k - 1][re, im][lane]`, p = lane's group + groups j, then those of the second `[k - 1][re, im][lane]`.
fn push_first_pair(twiddles: &mut Vec<f32>, groups: usize, lanes: usize) {
    let n = 64 * groups;
    for start in (0..groups).step_by(lanes) {
        for (step, size) in (0..8).map(|j| (groups * j, n)).chain([(0, n / 8)]) {
            for k in 1..8 {
                for part in 0..2 {
                    twiddles.extend((start..start + lanes).map(|p| root((p + step) * k, size)[part] as f32));
                }
            }
        }
    }
}

/// Appends the factors of the last stage but one times `scale`: `[p][k][re, im]`, k from 0 on.
fn push_last_pair(twiddles: &mut Vec<f32>, radix: usize, groups: usize, scale: f32) {
    for p in 0..groups {
        for k in 0..radix {
            twiddles.extend(root(p * k, radix * groups).map(|x| (x * f64::from(scale)) as f32));
        }
    }
}
