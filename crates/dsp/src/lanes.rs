//! Vectors of floats under one interface, so that one generic body serves every instruction set.
//!
//! Only addition, subtraction and multiplication: each rounds a lane as scalar code does, so widths agree bit for bit.

/// A vector of `W` floats.
///
/// # Safety
/// Methods of a wide implementation may be called only where the machine has its instruction set; they are inlined into
/// functions that enable it.
pub(crate) trait Lanes: Copy {
    const W: usize;
    /// Reads `W` floats at `p`.
    unsafe fn load(p: *const f32) -> Self;
    /// Writes `W` floats at `p`.
    unsafe fn store(self, p: *mut f32);
    unsafe fn splat(x: f32) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// Reads `2 W` interleaved floats as the vector of the even ones and the vector of the odd ones.
    unsafe fn load_pairs(p: *const f32) -> (Self, Self);
    /// Reads `W` floats, `p[0], p[0], p[2], p[2] ...`; only where `W` is even.
    unsafe fn load_even_twice(p: *const f32) -> Self;
    /// Reads `W` floats, `p[1], p[1], p[3], p[3] ...`; only where `W` is even.
    unsafe fn load_odd_twice(p: *const f32) -> Self;
    /// Exchanges the floats of each pair; only where `W` is even.
    unsafe fn swap_pairs(self) -> Self;
    /// Of 16 floats in `v`, the sums of those at even and of those at odd places, halving: i and i + 8, then i + 4, then i + 2.
    unsafe fn fold_sixteen(v: &[Self]) -> [f32; 2];
    /// Writes `2 W` floats, those of `a` and `b` in turn.
    unsafe fn store_pairs(a: Self, b: Self, p: *mut f32);
    /// Writes `p[4 i + k] = v[k][i]`.
    unsafe fn store_by_four(v: [Self; 4], p: *mut f32);
    /// Writes `p[16 i + 4 k + q] = v[k][4 i + q]`; only where `W` is a multiple of 4.
    unsafe fn store_quads_by_four(v: [Self; 4], p: *mut f32);
    /// Reads `W` vectors in a row and writes lane i of all of them to `to[i stride ..]`.
    unsafe fn transpose(from: *const f32, to: *mut f32, stride: usize);
}

impl Lanes for f32 {
    const W: usize = 1;
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        unsafe { *p }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        unsafe { *p = self }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        x
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        self + b
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        self - b
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        self * b
    }
    #[inline(always)]
    unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
        unsafe { (*p, *p.add(1)) }
    }
    #[inline(always)]
    unsafe fn load_even_twice(_: *const f32) -> Self {
        unreachable!("pairs need two lanes")
    }
    #[inline(always)]
    unsafe fn load_odd_twice(_: *const f32) -> Self {
        unreachable!("pairs need two lanes")
    }
    #[inline(always)]
    unsafe fn swap_pairs(self) -> Self {
        unreachable!("pairs need two lanes")
    }
    #[inline(always)]
    unsafe fn fold_sixteen(_: &[Self]) -> [f32; 2] {
        unreachable!("pairs need two lanes")
    }
    #[inline(always)]
    unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
        unsafe {
            *p = a;
            *p.add(1) = b;
        }
    }
    #[inline(always)]
    unsafe fn store_by_four(v: [Self; 4], p: *mut f32) {
        unsafe { p.cast::<[f32; 4]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn store_quads_by_four(_: [Self; 4], _: *mut f32) {
        unreachable!("quads need four lanes")
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, to: *mut f32, _: usize) {
        unsafe { *to = *from }
    }
}

/// Four floats: the vector that x86-64 always has.
#[cfg(target_arch = "x86_64")]
pub(crate) use core::arch::x86_64::__m128 as F4;

/// Four floats: the vector that AArch64 always has.
#[cfg(target_arch = "aarch64")]
pub(crate) use core::arch::aarch64::float32x4_t as F4;

/// Four floats as an array, which compilers turn into the target's own vectors.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[derive(Clone, Copy)]
pub(crate) struct F4([f32; 4]);

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Lanes for F4 {
    const W: usize = 4;
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        unsafe { F4(p.cast::<[f32; 4]>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        unsafe { p.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        F4([x; 4])
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        F4([a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]])
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        F4([a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]])
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        F4([a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]])
    }
    #[inline(always)]
    unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
        let x = unsafe { p.cast::<[f32; 8]>().read_unaligned() };
        (F4([x[0], x[2], x[4], x[6]]), F4([x[1], x[3], x[5], x[7]]))
    }
    #[inline(always)]
    unsafe fn load_even_twice(p: *const f32) -> Self {
        let x = unsafe { p.cast::<[f32; 4]>().read_unaligned() };
        F4([x[0], x[0], x[2], x[2]])
    }
    #[inline(always)]
    unsafe fn load_odd_twice(p: *const f32) -> Self {
        let x = unsafe { p.cast::<[f32; 4]>().read_unaligned() };
        F4([x[1], x[1], x[3], x[3]])
    }
    #[inline(always)]
    unsafe fn swap_pairs(self) -> Self {
        let x = self.0;
        F4([x[1], x[0], x[3], x[2]])
    }
    #[inline(always)]
    unsafe fn fold_sixteen(v: &[Self]) -> [f32; 2] {
        let sum = unsafe { v[0].add(v[2]).add(v[1].add(v[3])) }.0;
        [sum[0] + sum[2], sum[1] + sum[3]]
    }
    #[inline(always)]
    unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
        let (a, b) = (a.0, b.0);
        unsafe {
            p.cast::<[f32; 8]>().write_unaligned([a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]]);
        }
    }
    #[inline(always)]
    unsafe fn store_by_four(v: [Self; 4], p: *mut f32) {
        let [a, b, c, d] = [v[0].0, v[1].0, v[2].0, v[3].0];
        for i in 0..4 {
            unsafe { p.cast::<[f32; 4]>().add(i).write_unaligned([a[i], b[i], c[i], d[i]]) };
        }
    }
    #[inline(always)]
    unsafe fn store_quads_by_four(v: [Self; 4], p: *mut f32) {
        for (k, lane) in v.into_iter().enumerate() {
            unsafe { lane.store(p.add(4 * k)) };
        }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, to: *mut f32, stride: usize) {
        for i in 0..4 {
            let row = [0, 4, 8, 12].map(|k| unsafe { *from.add(k + i) });
            unsafe { F4(row).store(to.add(i * stride)) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use core::arch::x86_64::*;

    /// Two pairs to one.
    #[inline(always)]
    unsafe fn last_fold(four: __m128) -> [f32; 2] {
        unsafe {
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            [_mm_cvtss_f32(two), _mm_cvtss_f32(_mm_shuffle_ps::<0x55>(two, two))]
        }
    }

    impl Lanes for __m128 {
        const W: usize = 4;
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { _mm_loadu_ps(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm_storeu_ps(p, self) }
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { _mm_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { _mm_add_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            unsafe { _mm_sub_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { _mm_mul_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
            unsafe {
                let (a, b) = (_mm_loadu_ps(p), _mm_loadu_ps(p.add(4)));
                (_mm_shuffle_ps::<0x88>(a, b), _mm_shuffle_ps::<0xdd>(a, b))
            }
        }
        #[inline(always)]
        unsafe fn load_even_twice(p: *const f32) -> Self {
            unsafe {
                let x = _mm_loadu_ps(p);
                _mm_shuffle_ps::<0xa0>(x, x)
            }
        }
        #[inline(always)]
        unsafe fn load_odd_twice(p: *const f32) -> Self {
            unsafe {
                let x = _mm_loadu_ps(p);
                _mm_shuffle_ps::<0xf5>(x, x)
            }
        }
        #[inline(always)]
        unsafe fn swap_pairs(self) -> Self {
            unsafe { _mm_shuffle_ps::<0xb1>(self, self) }
        }
        #[inline(always)]
        unsafe fn fold_sixteen(v: &[Self]) -> [f32; 2] {
            unsafe {
                let four = _mm_add_ps(_mm_add_ps(v[0], v[2]), _mm_add_ps(v[1], v[3]));
                last_fold(four)
            }
        }
        #[inline(always)]
        unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
            unsafe {
                _mm_storeu_ps(p, _mm_unpacklo_ps(a, b));
                _mm_storeu_ps(p.add(4), _mm_unpackhi_ps(a, b));
            }
        }
        #[inline(always)]
        unsafe fn store_by_four(v: [Self; 4], p: *mut f32) {
            unsafe {
                let (ab, cd) = (_mm_unpacklo_ps(v[0], v[1]), _mm_unpacklo_ps(v[2], v[3]));
                let (ab_high, cd_high) = (_mm_unpackhi_ps(v[0], v[1]), _mm_unpackhi_ps(v[2], v[3]));
                _mm_storeu_ps(p, _mm_movelh_ps(ab, cd));
                _mm_storeu_ps(p.add(4), _mm_movehl_ps(cd, ab));
                _mm_storeu_ps(p.add(8), _mm_movelh_ps(ab_high, cd_high));
                _mm_storeu_ps(p.add(12), _mm_movehl_ps(cd_high, ab_high));
            }
        }
        #[inline(always)]
        unsafe fn store_quads_by_four(v: [Self; 4], p: *mut f32) {
            for (k, lane) in v.into_iter().enumerate() {
                unsafe { _mm_storeu_ps(p.add(4 * k), lane) };
            }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, to: *mut f32, stride: usize) {
            unsafe {
                let (a, b) = (_mm_loadu_ps(from), _mm_loadu_ps(from.add(4)));
                let (c, d) = (_mm_loadu_ps(from.add(8)), _mm_loadu_ps(from.add(12)));
                let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
                let (ab_high, cd_high) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
                _mm_storeu_ps(to, _mm_movelh_ps(ab, cd));
                _mm_storeu_ps(to.add(stride), _mm_movehl_ps(cd, ab));
                _mm_storeu_ps(to.add(2 * stride), _mm_movelh_ps(ab_high, cd_high));
                _mm_storeu_ps(to.add(3 * stride), _mm_movehl_ps(cd_high, ab_high));
            }
        }
    }

    impl Lanes for __m256 {
        const W: usize = 8;
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { _mm256_loadu_ps(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm256_storeu_ps(p, self) }
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { _mm256_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { _mm256_add_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            unsafe { _mm256_sub_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { _mm256_mul_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
            unsafe {
                let (a, b) = (_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8)));
                let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b));
                let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xdd>(a, b));
                (
                    _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(even)),
                    _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(odd)),
                )
            }
        }
        #[inline(always)]
        unsafe fn load_even_twice(p: *const f32) -> Self {
            unsafe { _mm256_moveldup_ps(_mm256_loadu_ps(p)) }
        }
        #[inline(always)]
        unsafe fn load_odd_twice(p: *const f32) -> Self {
            unsafe { _mm256_movehdup_ps(_mm256_loadu_ps(p)) }
        }
        #[inline(always)]
        unsafe fn swap_pairs(self) -> Self {
            unsafe { _mm256_permute_ps::<0xb1>(self) }
        }
        #[inline(always)]
        unsafe fn fold_sixteen(v: &[Self]) -> [f32; 2] {
            unsafe {
                let eight = _mm256_add_ps(v[0], v[1]);
                last_fold(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight)))
            }
        }
        #[inline(always)]
        unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
            unsafe {
                let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                _mm256_storeu_ps(p, _mm256_permute2f128_ps::<0x20>(low, high));
                _mm256_storeu_ps(p.add(8), _mm256_permute2f128_ps::<0x31>(low, high));
            }
        }
        #[inline(always)]
        unsafe fn store_by_four(v: [Self; 4], p: *mut f32) {
            unsafe {
                Self::store_quads_by_four(quads_of(v), p);
            }
        }
        #[inline(always)]
        unsafe fn store_quads_by_four(v: [Self; 4], p: *mut f32) {
            unsafe {
                _mm256_storeu_ps(p, _mm256_permute2f128_ps::<0x20>(v[0], v[1]));
                _mm256_storeu_ps(p.add(8), _mm256_permute2f128_ps::<0x20>(v[2], v[3]));
                _mm256_storeu_ps(p.add(16), _mm256_permute2f128_ps::<0x31>(v[0], v[1]));
                _mm256_storeu_ps(p.add(24), _mm256_permute2f128_ps::<0x31>(v[2], v[3]));
            }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, to: *mut f32, stride: usize) {
            unsafe {
                let (low, high) = (quads_of(load_four(from)), quads_of(load_four(from.add(32))));
                for i in 0..4 {
                    let (a, b) = (low[i], high[i]);
                    _mm256_storeu_ps(to.add(i * stride), _mm256_permute2f128_ps::<0x20>(a, b));
                    _mm256_storeu_ps(to.add((i + 4) * stride), _mm256_permute2f128_ps::<0x31>(a, b));
                }
            }
        }
    }

    /// Four vectors in a row.
    #[inline(always)]
    unsafe fn load_four<L: Lanes>(from: *const f32) -> [L; 4] {
        unsafe { [L::load(from), L::load(from.add(L::W)), L::load(from.add(2 * L::W)), L::load(from.add(3 * L::W))] }
    }

    /// Of four vectors the lanes i and i + 4, as quads.
    #[inline(always)]
    unsafe fn quads_of(v: [__m256; 4]) -> [__m256; 4] {
        unsafe {
            let ab = _mm256_castps_pd(_mm256_unpacklo_ps(v[0], v[1]));
            let cd = _mm256_castps_pd(_mm256_unpacklo_ps(v[2], v[3]));
            let ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(v[0], v[1]));
            let cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(v[2], v[3]));
            [
                _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)),
                _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high)),
            ]
        }
    }

    /// Of four vectors the lanes i, i + 4, i + 8 and i + 12, as quads.
    #[inline(always)]
    unsafe fn wide_quads_of(v: [__m512; 4]) -> [__m512; 4] {
        unsafe {
            let ab = _mm512_castps_pd(_mm512_unpacklo_ps(v[0], v[1]));
            let cd = _mm512_castps_pd(_mm512_unpacklo_ps(v[2], v[3]));
            let ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(v[0], v[1]));
            let cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(v[2], v[3]));
            [
                _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)),
                _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high)),
            ]
        }
    }

    impl Lanes for __m512 {
        const W: usize = 16;
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { _mm512_loadu_ps(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm512_storeu_ps(p, self) }
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { _mm512_add_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            unsafe { _mm512_sub_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { _mm512_mul_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
            unsafe {
                let (a, b) = (_mm512_loadu_ps(p), _mm512_loadu_ps(p.add(16)));
                let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
                (_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b))
            }
        }
        #[inline(always)]
        unsafe fn load_even_twice(p: *const f32) -> Self {
            unsafe { _mm512_moveldup_ps(_mm512_loadu_ps(p)) }
        }
        #[inline(always)]
        unsafe fn load_odd_twice(p: *const f32) -> Self {
            unsafe { _mm512_movehdup_ps(_mm512_loadu_ps(p)) }
        }
        #[inline(always)]
        unsafe fn swap_pairs(self) -> Self {
            unsafe { _mm512_permute_ps::<0xb1>(self) }
        }
        #[inline(always)]
        unsafe fn fold_sixteen(v: &[Self]) -> [f32; 2] {
            unsafe {
                let eight = _mm256_add_ps(_mm512_castps512_ps256(v[0]), _mm512_extractf32x8_ps::<1>(v[0]));
                last_fold(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight)))
            }
        }
        #[inline(always)]
        unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
            unsafe {
                let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                _mm512_storeu_ps(p, _mm512_permutex2var_ps(a, low, b));
                _mm512_storeu_ps(p.add(16), _mm512_permutex2var_ps(a, high, b));
            }
        }
        #[inline(always)]
        unsafe fn store_by_four(v: [Self; 4], p: *mut f32) {
            unsafe {
                Self::store_quads_by_four(wide_quads_of(v), p);
            }
        }
        #[inline(always)]
        unsafe fn store_quads_by_four(v: [Self; 4], p: *mut f32) {
            unsafe {
                let low_ab = _mm512_shuffle_f32x4::<0x44>(v[0], v[1]);
                let high_ab = _mm512_shuffle_f32x4::<0xee>(v[0], v[1]);
                let low_cd = _mm512_shuffle_f32x4::<0x44>(v[2], v[3]);
                let high_cd = _mm512_shuffle_f32x4::<0xee>(v[2], v[3]);
                _mm512_storeu_ps(p, _mm512_shuffle_f32x4::<0x88>(low_ab, low_cd));
                _mm512_storeu_ps(p.add(16), _mm512_shuffle_f32x4::<0xdd>(low_ab, low_cd));
                _mm512_storeu_ps(p.add(32), _mm512_shuffle_f32x4::<0x88>(high_ab, high_cd));
                _mm512_storeu_ps(p.add(48), _mm512_shuffle_f32x4::<0xdd>(high_ab, high_cd));
            }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, to: *mut f32, stride: usize) {
            unsafe {
                let (a, b) = (wide_quads_of(load_four(from)), wide_quads_of(load_four(from.add(64))));
                let (c, d) = (wide_quads_of(load_four(from.add(128))), wide_quads_of(load_four(from.add(192))));
                for i in 0..4 {
                    let (low_ab, high_ab) =
                        (_mm512_shuffle_f32x4::<0x44>(a[i], b[i]), _mm512_shuffle_f32x4::<0xee>(a[i], b[i]));
                    let (low_cd, high_cd) =
                        (_mm512_shuffle_f32x4::<0x44>(c[i], d[i]), _mm512_shuffle_f32x4::<0xee>(c[i], d[i]));
                    _mm512_storeu_ps(to.add(i * stride), _mm512_shuffle_f32x4::<0x88>(low_ab, low_cd));
                    _mm512_storeu_ps(to.add((i + 4) * stride), _mm512_shuffle_f32x4::<0xdd>(low_ab, low_cd));
                    _mm512_storeu_ps(to.add((i + 8) * stride), _mm512_shuffle_f32x4::<0x88>(high_ab, high_cd));
                    _mm512_storeu_ps(to.add((i + 12) * stride), _mm512_shuffle_f32x4::<0xdd>(high_ab, high_cd));
                }
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::Lanes;
    use core::arch::aarch64::*;

    /// The lower and the upper halves of two vectors of pairs.
    #[inline(always)]
    unsafe fn halves(a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
        unsafe {
            let (a, b) = (vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b));
            (vreinterpretq_f32_f64(vzip1q_f64(a, b)), vreinterpretq_f32_f64(vzip2q_f64(a, b)))
        }
    }

    /// Row i of the result holds lane i of the four.
    #[inline(always)]
    unsafe fn turn(v: [float32x4_t; 4]) -> [float32x4_t; 4] {
        unsafe {
            let (row0, row1) = halves(vzip1q_f32(v[0], v[1]), vzip1q_f32(v[2], v[3]));
            let (row2, row3) = halves(vzip2q_f32(v[0], v[1]), vzip2q_f32(v[2], v[3]));
            [row0, row1, row2, row3]
        }
    }

    impl Lanes for float32x4_t {
        const W: usize = 4;
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            unsafe { vld1q_f32(p) }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { vst1q_f32(p, self) }
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { vdupq_n_f32(x) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { vaddq_f32(self, b) }
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            unsafe { vsubq_f32(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { vmulq_f32(self, b) }
        }
        #[inline(always)]
        unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
            let pairs = unsafe { vld2q_f32(p) };
            (pairs.0, pairs.1)
        }
        #[inline(always)]
        unsafe fn load_even_twice(p: *const f32) -> Self {
            unsafe {
                let x = vld1q_f32(p);
                vtrn1q_f32(x, x)
            }
        }
        #[inline(always)]
        unsafe fn load_odd_twice(p: *const f32) -> Self {
            unsafe {
                let x = vld1q_f32(p);
                vtrn2q_f32(x, x)
            }
        }
        #[inline(always)]
        unsafe fn swap_pairs(self) -> Self {
            unsafe { vrev64q_f32(self) }
        }
        #[inline(always)]
        unsafe fn fold_sixteen(v: &[Self]) -> [f32; 2] {
            unsafe {
                let four = v[0].add(v[2]).add(v[1].add(v[3]));
                let two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
                [vget_lane_f32::<0>(two), vget_lane_f32::<1>(two)]
            }
        }
        #[inline(always)]
        unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
            unsafe { vst2q_f32(p, float32x4x2_t(a, b)) }
        }
        #[inline(always)]
        unsafe fn store_by_four(v: [Self; 4], p: *mut f32) {
            unsafe { vst4q_f32(p, float32x4x4_t(v[0], v[1], v[2], v[3])) }
        }
        #[inline(always)]
        unsafe fn store_quads_by_four(v: [Self; 4], p: *mut f32) {
            for (k, lane) in v.into_iter().enumerate() {
                unsafe { vst1q_f32(p.add(4 * k), lane) };
            }
        }
        #[inline(always)]
        unsafe fn transpose(from: *const f32, to: *mut f32, stride: usize) {
            unsafe {
                let rows = turn([0, 4, 8, 12].map(|k| vld1q_f32(from.add(k))));
                for (i, row) in rows.into_iter().enumerate() {
                    vst1q_f32(to.add(i * stride), row);
                }
            }
        }
    }
}
