//! Small transforms in registers: `out[k] = sum_j x[j] exp(-2 pi i j k / r)`.

use crate::lanes::Lanes;

/// A vector of complex numbers, real and imaginary parts apart.
#[derive(Clone, Copy)]
pub(super) struct C<L> {
    pub re: L,
    pub im: L,
}

impl<L: Lanes> C<L> {
    #[inline(always)]
    pub(super) unsafe fn zero() -> Self {
        unsafe { C { re: L::splat(0.0), im: L::splat(0.0) } }
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        unsafe { C { re: self.re.add(b.re), im: self.im.add(b.im) } }
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        unsafe { C { re: self.re.sub(b.re), im: self.im.sub(b.im) } }
    }
    /// `self - i b`
    #[inline(always)]
    unsafe fn sub_i(self, b: Self) -> Self {
        unsafe { C { re: self.re.add(b.im), im: self.im.sub(b.re) } }
    }
    /// `self + i b`
    #[inline(always)]
    unsafe fn add_i(self, b: Self) -> Self {
        unsafe { C { re: self.re.sub(b.im), im: self.im.add(b.re) } }
    }
    #[inline(always)]
    unsafe fn scale(self, by: L) -> Self {
        unsafe { C { re: self.re.mul(by), im: self.im.mul(by) } }
    }
    #[inline(always)]
    pub(super) unsafe fn mul(self, b: Self) -> Self {
        unsafe { C { re: self.re.mul(b.re).sub(self.im.mul(b.im)), im: self.re.mul(b.im).add(self.im.mul(b.re)) } }
    }
}

/// A transform of `R` points.
pub(super) trait Butterfly<L: Lanes, const R: usize> {
    unsafe fn butterfly(x: [C<L>; R]) -> [C<L>; R];
}

/// Carries the implementations, one for each radix.
pub(super) struct Radix;

impl<L: Lanes> Butterfly<L, 2> for Radix {
    #[inline(always)]
    unsafe fn butterfly(x: [C<L>; 2]) -> [C<L>; 2] {
        unsafe { [x[0].add(x[1]), x[0].sub(x[1])] }
    }
}

impl<L: Lanes> Butterfly<L, 3> for Radix {
    #[inline(always)]
    unsafe fn butterfly(x: [C<L>; 3]) -> [C<L>; 3] {
        unsafe {
            let half = L::splat(0.5);
            let sine = L::splat(0.866_025_403_784_438_6);
            let sum = x[1].add(x[2]);
            let difference = x[1].sub(x[2]).scale(sine);
            let middle = x[0].sub(sum.scale(half));
            [x[0].add(sum), middle.sub_i(difference), middle.add_i(difference)]
        }
    }
}

impl<L: Lanes> Butterfly<L, 4> for Radix {
    #[inline(always)]
    unsafe fn butterfly(x: [C<L>; 4]) -> [C<L>; 4] {
        unsafe {
            let (a, b) = (x[0].add(x[2]), x[0].sub(x[2]));
            let (c, d) = (x[1].add(x[3]), x[1].sub(x[3]));
            [a.add(c), b.sub_i(d), a.sub(c), b.add_i(d)]
        }
    }
}

impl<L: Lanes> Butterfly<L, 5> for Radix {
    #[inline(always)]
    unsafe fn butterfly(x: [C<L>; 5]) -> [C<L>; 5] {
        unsafe {
            let cos_1 = L::splat(0.309_016_994_374_947_45);
            let cos_2 = L::splat(-0.809_016_994_374_947_5);
            let sin_1 = L::splat(0.951_056_516_295_153_5);
            let sin_2 = L::splat(0.587_785_252_292_473_1);
            let (a, b) = (x[1].add(x[4]), x[2].add(x[3]));
            let (c, d) = (x[1].sub(x[4]), x[2].sub(x[3]));
            let even_1 = x[0].add(a.scale(cos_1).add(b.scale(cos_2)));
            let even_2 = x[0].add(a.scale(cos_2).add(b.scale(cos_1)));
            let odd_1 = c.scale(sin_1).add(d.scale(sin_2));
            let odd_2 = c.scale(sin_2).sub(d.scale(sin_1));
            [x[0].add(a.add(b)), even_1.sub_i(odd_1), even_2.sub_i(odd_2), even_2.add_i(odd_2), even_1.add_i(odd_1)]
        }
    }
}

impl<L: Lanes> Butterfly<L, 8> for Radix {
    #[inline(always)]
    unsafe fn butterfly(x: [C<L>; 8]) -> [C<L>; 8] {
        unsafe {
            let root = L::splat(core::f32::consts::FRAC_1_SQRT_2);
            let even = <Radix as Butterfly<L, 4>>::butterfly([x[0], x[2], x[4], x[6]]);
            let odd = <Radix as Butterfly<L, 4>>::butterfly([x[1], x[3], x[5], x[7]]);
            // odd[1] (1 - i) / sqrt 2 and odd[3] (-1 - i) / sqrt 2
            let o1 = C { re: odd[1].re.add(odd[1].im).mul(root), im: odd[1].im.sub(odd[1].re).mul(root) };
            let o3 = C { re: odd[3].re.sub(odd[3].im).mul(root), im: odd[3].im.add(odd[3].re).mul(root) };
            [
                even[0].add(odd[0]),
                even[1].add(o1),
                even[2].sub_i(odd[2]),
                even[3].sub(o3),
                even[0].sub(odd[0]),
                even[1].sub(o1),
                even[2].add_i(odd[2]),
                even[3].add(o3),
            ]
        }
    }
}
