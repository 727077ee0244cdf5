//! Two stages in one pass, on pieces small enough for the first cache.

use super::butterfly::{Butterfly, C, Radix};
use super::stage::Planes;
use crate::lanes::Lanes;

/// Floats of a piece: 64 vectors of 16 lanes.
const PIECE: usize = 64 * 16;

/// Real and imaginary parts of a piece, vector after vector.
#[repr(align(64))]
struct Piece([core::mem::MaybeUninit<f32>; 2 * PIECE]);

impl Piece {
    #[inline(always)]
    fn new() -> Self {
        Piece([const { core::mem::MaybeUninit::uninit() }; 2 * PIECE])
    }

    #[inline(always)]
    fn planes(&mut self) -> Planes {
        // SAFETY: it holds that many floats.
        unsafe { Planes::at(self.0.as_mut_ptr().cast(), PIECE) }
    }
}

/// The first two stages, of radix 8; `groups` (after both) is a multiple of the lanes.
///
/// Lanes are groups p of the second stage. Its inputs at distance j are outputs of the first stage's groups p + groups j, so a vector of
/// groups needs 8 butterflies of the first stage and then 8 of the second, and gives 64 outputs in a row for each lane.
#[inline(always)]
pub(super) unsafe fn first<L: Lanes, const SWAP: bool>(
    groups: usize,
    input: *const f32,
    to: Planes,
    twiddles: *const f32,
) {
    let mut piece = Piece::new();
    let piece = piece.planes();
    let mut twiddles = twiddles;
    let mut p = 0;
    while p < groups {
        unsafe {
            for j in 0..8 {
                let mut x = [C::<L>::zero(); 8];
                for (i, x) in x.iter_mut().enumerate() {
                    let (even, odd) = L::load_pairs(input.add(2 * (p + groups * (j + 8 * i))));
                    *x = if SWAP { C { re: odd, im: even } } else { C { re: even, im: odd } };
                }
                let y = turn(Radix::butterfly(x), twiddles);
                twiddles = twiddles.add(14 * L::W);
                for (k, y) in y.into_iter().enumerate() {
                    piece.store((8 * j + k) * L::W, y);
                }
            }
            for q in 0..8 {
                let mut x = [C::<L>::zero(); 8];
                for (j, x) in x.iter_mut().enumerate() {
                    *x = piece.load((8 * j + q) * L::W);
                }
                let y = turn(Radix::butterfly(x), twiddles);
                for (k, y) in y.into_iter().enumerate() {
                    piece.store((8 * k + q) * L::W, y);
                }
            }
            twiddles = twiddles.add(14 * L::W);
            piece.store_transposed::<L>(64, to, 64 * p);
        }
        p += L::W;
    }
}

#[inline(always)]
unsafe fn turn<L: Lanes>(y: [C<L>; 8], twiddles: *const f32) -> [C<L>; 8] {
    let mut turned = y;
    for k in 1..8 {
        unsafe {
            let re = L::load(twiddles.add(2 * (k - 1) * L::W));
            let im = L::load(twiddles.add((2 * k - 1) * L::W));
            turned[k] = y[k].mul(C { re, im });
        }
    }
    turned
}

/// The last two stages, of radix `A` and `B`; `stride` (before both) is a multiple of the lanes. The factors hold the scale.
#[inline(always)]
pub(super) unsafe fn last<L: Lanes, const A: usize, const B: usize, const SWAP: bool>(
    stride: usize,
    from: Planes,
    to: *mut f32,
    twiddles: *const f32,
) where
    Radix: Butterfly<L, A> + Butterfly<L, B>,
{
    let mut piece = Piece::new();
    let piece = piece.planes();
    let mut q = 0;
    while q < stride {
        unsafe {
            for p in 0..B {
                let mut x = [C::<L>::zero(); A];
                for (j, x) in x.iter_mut().enumerate() {
                    *x = from.load(q + stride * (p + B * j));
                }
                let y = <Radix as Butterfly<L, A>>::butterfly(x);
                let factors = twiddles.add(2 * A * p);
                let scale = L::splat(*factors);
                piece.store(A * p * L::W, C { re: y[0].re.mul(scale), im: y[0].im.mul(scale) });
                for k in 1..A {
                    let w = C { re: L::splat(*factors.add(2 * k)), im: L::splat(*factors.add(2 * k + 1)) };
                    piece.store((A * p + k) * L::W, y[k].mul(w));
                }
            }
            for k in 0..A {
                let mut x = [C::<L>::zero(); B];
                for (p, x) in x.iter_mut().enumerate() {
                    *x = piece.load((A * p + k) * L::W);
                }
                let y = <Radix as Butterfly<L, B>>::butterfly(x);
                for (i, y) in y.into_iter().enumerate() {
                    let (a, b) = if SWAP { (y.im, y.re) } else { (y.re, y.im) };
                    L::store_pairs(a, b, to.add(2 * (q + stride * (k + A * i))));
                }
            }
        }
        q += L::W;
    }
}
