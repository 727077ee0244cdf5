//! One pass over the data for each kind of stage. The module above defines the symbols.

use super::butterfly::{Butterfly, C, Radix};
use super::{Kind, pair};
use crate::lanes::{F4, Lanes};

/// One stage's work.
pub(super) struct Pass {
    pub kind: Kind,
    pub radix: usize,
    pub groups: usize,
    pub stride: usize,
    pub input: *const f32,
    pub from: Planes,
    pub to: Planes,
    pub output: *mut f32,
    pub twiddles: *const f32,
    pub scale: f32,
    pub swap: bool,
}

impl Pass {
    /// # Safety
    /// The machine has vectors of `lanes` floats, they divide the innermost loop, and the buffers fit the stage.
    pub(super) unsafe fn run(&self, lanes: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{__m256, __m512};
            #[target_feature(enable = "avx2")]
            unsafe fn avx2(pass: &Pass) {
                unsafe { pass.run_on::<__m256>() }
            }
            #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
            unsafe fn avx512(pass: &Pass) {
                unsafe { pass.run_on::<__m512>() }
            }
            match lanes {
                16 => return unsafe { avx512(self) },
                8 => return unsafe { avx2(self) },
                _ => {}
            }
        }
        if lanes == 1 { unsafe { self.run_on::<f32>() } } else { unsafe { self.run_on::<F4>() } }
    }

    #[inline(always)]
    unsafe fn run_on<L: Lanes>(&self) {
        unsafe {
            match self.kind {
                Kind::First => first::<L>(self.groups, self.input, self.to, self.twiddles, self.swap),
                Kind::Second => second::<L>(self.groups, self.from, self.to, self.twiddles),
                Kind::General => {
                    general::<L>(self.radix, self.groups, self.stride, self.from, self.to, self.twiddles);
                }
                Kind::Last => last::<L>(self.radix, self.stride, self.from, self.output, self.scale, self.swap),
                Kind::FirstPair if self.swap => pair::first::<L, true>(self.groups, self.input, self.to, self.twiddles),
                Kind::FirstPair => pair::first::<L, false>(self.groups, self.input, self.to, self.twiddles),
                Kind::LastPair if self.swap => self.last_pair::<L, true>(),
                Kind::LastPair => self.last_pair::<L, false>(),
            }
        }
    }

    #[inline(always)]
    unsafe fn last_pair<L: Lanes, const SWAP: bool>(&self) {
        let (stride, from, to, twiddles) = (self.stride, self.from, self.output, self.twiddles);
        unsafe {
            match self.radix {
                2 => pair::last::<L, 2, 8, SWAP>(stride, from, to, twiddles),
                4 => pair::last::<L, 4, 8, SWAP>(stride, from, to, twiddles),
                _ => pair::last::<L, 8, 8, SWAP>(stride, from, to, twiddles),
            }
        }
    }
}

/// Real parts and, `n` floats on, imaginary parts.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    re: *mut f32,
    im: *mut f32,
}

impl Planes {
    /// # Safety
    /// `base` holds `2 n` floats.
    pub(super) unsafe fn at(base: *mut f32, n: usize) -> Self {
        Planes { re: base, im: unsafe { base.add(n) } }
    }

    #[inline(always)]
    pub(super) unsafe fn load<L: Lanes>(self, at: usize) -> C<L> {
        unsafe { C { re: L::load(self.re.add(at)), im: L::load(self.im.add(at)) } }
    }

    #[inline(always)]
    pub(super) unsafe fn store<L: Lanes>(self, at: usize, x: C<L>) {
        unsafe {
            x.re.store(self.re.add(at));
            x.im.store(self.im.add(at));
        }
    }

    /// Writes `n` vectors from the start on, a multiple of the lanes, to rows of `n` at `at`, a row for each lane.
    #[inline(always)]
    pub(super) unsafe fn store_transposed<L: Lanes>(self, n: usize, to: Planes, at: usize) {
        let mut c = 0;
        while c < n {
            unsafe {
                L::transpose(self.re.add(c * L::W), to.re.add(at + c), n);
                L::transpose(self.im.add(c * L::W), to.im.add(at + c), n);
            }
            c += L::W;
        }
    }
}

/// Takes real and imaginary parts of `n` samples apart, exchanged if `swap`.
#[inline(always)]
pub(super) unsafe fn split(input: *const f32, to: Planes, n: usize, swap: bool) {
    let (even, odd) = if swap { (to.im, to.re) } else { (to.re, to.im) };
    for i in 0..n {
        unsafe {
            *even.add(i) = *input.add(2 * i);
            *odd.add(i) = *input.add(2 * i + 1);
        }
    }
}

/// The factors of four vectors' worth of butterflies at `at`, from `[k - 1][re, im][len]`.
#[inline(always)]
unsafe fn turn<L: Lanes>(y: [C<L>; 4], twiddles: *const f32, len: usize, at: usize) -> [C<L>; 4] {
    unsafe {
        let mut turned = y;
        for k in 1..4 {
            let re = L::load(twiddles.add(2 * (k - 1) * len + at));
            let im = L::load(twiddles.add((2 * (k - 1) + 1) * len + at));
            turned[k] = y[k].mul(C { re, im });
        }
        turned
    }
}

/// Radix 4, stride 1, interleaved input; `groups` is a multiple of the lanes.
#[inline(always)]
unsafe fn first<L: Lanes>(groups: usize, input: *const f32, to: Planes, twiddles: *const f32, swap: bool) {
    unsafe {
        if swap {
            first_ordered::<L, true>(groups, input, to, twiddles);
        } else {
            first_ordered::<L, false>(groups, input, to, twiddles);
        }
    }
}

#[inline(always)]
unsafe fn first_ordered<L: Lanes, const SWAP: bool>(
    groups: usize,
    input: *const f32,
    to: Planes,
    twiddles: *const f32,
) {
    let mut p = 0;
    while p < groups {
        unsafe {
            let mut x = [C::zero(); 4];
            for j in 0..4 {
                let (even, odd) = L::load_pairs(input.add(2 * (p + groups * j)));
                x[j] = if SWAP { C { re: odd, im: even } } else { C { re: even, im: odd } };
            }
            let y = Radix::butterfly(x);
            let y = turn(y, twiddles, groups, p);
            L::store_by_four([y[0].re, y[1].re, y[2].re, y[3].re], to.re.add(4 * p));
            L::store_by_four([y[0].im, y[1].im, y[2].im, y[3].im], to.im.add(4 * p));
        }
        p += L::W;
    }
}

/// Radix 4, stride 4; `4 groups` is a multiple of the lanes.
#[inline(always)]
unsafe fn second<L: Lanes>(groups: usize, from: Planes, to: Planes, twiddles: *const f32) {
    let len = 4 * groups;
    let mut at = 0;
    while at < len {
        unsafe {
            let y = Radix::butterfly([
                from.load::<L>(at),
                from.load(at + len),
                from.load(at + 2 * len),
                from.load(at + 3 * len),
            ]);
            let y = turn(y, twiddles, len, at);
            L::store_quads_by_four([y[0].re, y[1].re, y[2].re, y[3].re], to.re.add(4 * at));
            L::store_quads_by_four([y[0].im, y[1].im, y[2].im, y[3].im], to.im.add(4 * at));
        }
        at += L::W;
    }
}

/// Any radix; `stride` is a multiple of the lanes.
#[inline(always)]
unsafe fn general<L: Lanes>(
    radix: usize,
    groups: usize,
    stride: usize,
    from: Planes,
    to: Planes,
    twiddles: *const f32,
) {
    unsafe {
        match radix {
            2 => general_of::<L, 2>(groups, stride, from, to, twiddles),
            3 => general_of::<L, 3>(groups, stride, from, to, twiddles),
            4 => general_of::<L, 4>(groups, stride, from, to, twiddles),
            5 => general_of::<L, 5>(groups, stride, from, to, twiddles),
            _ => general_of::<L, 8>(groups, stride, from, to, twiddles),
        }
    }
}

#[inline(always)]
unsafe fn general_of<L: Lanes, const R: usize>(
    groups: usize,
    stride: usize,
    from: Planes,
    to: Planes,
    twiddles: *const f32,
) where
    Radix: Butterfly<L, R>,
{
    for p in 0..groups {
        unsafe {
            let mut w = [C::zero(); R];
            for k in 1..R {
                w[k].re = L::splat(*twiddles.add(2 * (k - 1) * groups + p));
                w[k].im = L::splat(*twiddles.add((2 * (k - 1) + 1) * groups + p));
            }
            let mut q = 0;
            while q < stride {
                let mut x = [C::<L>::zero(); R];
                for j in 0..R {
                    x[j] = from.load(q + stride * (p + groups * j));
                }
                let y = Radix::butterfly(x);
                to.store(q + stride * R * p, y[0]);
                for k in 1..R {
                    to.store(q + stride * (R * p + k), y[k].mul(w[k]));
                }
                q += L::W;
            }
        }
    }
}

/// The last stage, any radix; multiplies by `scale` and joins real and imaginary parts, exchanged if `swap`.
#[inline(always)]
unsafe fn last<L: Lanes>(radix: usize, stride: usize, from: Planes, to: *mut f32, scale: f32, swap: bool) {
    unsafe {
        match radix {
            2 => last_of::<L, 2>(stride, from, to, scale, swap),
            3 => last_of::<L, 3>(stride, from, to, scale, swap),
            4 => last_of::<L, 4>(stride, from, to, scale, swap),
            5 => last_of::<L, 5>(stride, from, to, scale, swap),
            _ => last_of::<L, 8>(stride, from, to, scale, swap),
        }
    }
}

#[inline(always)]
unsafe fn last_of<L: Lanes, const R: usize>(stride: usize, from: Planes, to: *mut f32, scale: f32, swap: bool)
where
    Radix: Butterfly<L, R>,
{
    unsafe {
        if swap {
            last_ordered::<L, R, true>(stride, from, to, scale);
        } else {
            last_ordered::<L, R, false>(stride, from, to, scale);
        }
    }
}

#[inline(always)]
unsafe fn last_ordered<L: Lanes, const R: usize, const SWAP: bool>(
    stride: usize,
    from: Planes,
    to: *mut f32,
    scale: f32,
) where
    Radix: Butterfly<L, R>,
{
    unsafe {
        let scale = L::splat(scale);
        let mut q = 0;
        while q < stride {
            let mut x = [C::<L>::zero(); R];
            for j in 0..R {
                x[j] = from.load(q + stride * j);
            }
            let y = Radix::butterfly(x);
            for k in 0..R {
                let (re, im) = (y[k].re.mul(scale), y[k].im.mul(scale));
                let (a, b) = if SWAP { (im, re) } else { (re, im) };
                L::store_pairs(a, b, to.add(2 * (q + stride * k)));
            }
            q += L::W;
        }
    }
}
