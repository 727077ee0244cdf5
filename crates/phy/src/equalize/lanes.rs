//! Vectors of floats under one interface: one generic kernel serves every instruction set.
//!
//! Each operation rounds a lane as scalar code does (multiply-add is fused everywhere), so widths agree bit for bit.

/// A vector of `W` floats.
///
/// # Safety
/// Methods of a wide implementation may be called only where the machine has its instruction set; they are inlined into
/// functions that enable it. Pointers must be valid for what is read or written.
pub(super) trait Lanes: Copy {
    const W: usize;
    unsafe fn splat(x: f32) -> Self;
    /// Reads `2 W` interleaved floats as the vector of the even ones and the vector of the odd ones.
    unsafe fn load_pairs(p: *const f32) -> (Self, Self);
    /// Writes `2 W` floats, those of `a` and `b` in turn.
    unsafe fn store_pairs(a: Self, b: Self, p: *mut f32);
    /// Two vectors as one twice as long, units of 1 or 2 floats (`UNIT`) in turn; only where `W` is above 1.
    unsafe fn weave<const UNIT: usize>(a: Self, b: Self) -> (Self, Self);
    /// Writes `W` floats.
    unsafe fn store(self, p: *mut f32);
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn div(self, b: Self) -> Self;
    /// self b + c, rounded once.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    /// c - self b, rounded once.
    unsafe fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// The larger; `b` where one is not a number.
    unsafe fn max(self, b: Self) -> Self;
    /// The smaller; `b` where one is not a number.
    unsafe fn min(self, b: Self) -> Self;
}

impl Lanes for f32 {
    const W: usize = 1;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        x
    }
    #[inline(always)]
    unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
        unsafe { (*p, *p.add(1)) }
    }
    #[inline(always)]
    unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
        unsafe { (*p, *p.add(1)) = (a, b) }
    }
    #[inline(always)]
    unsafe fn weave<const UNIT: usize>(a: Self, b: Self) -> (Self, Self) {
        (a, b)
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        unsafe { *p = self }
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
    unsafe fn div(self, b: Self) -> Self {
        self / b
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        f32::mul_add(self, b, c)
    }
    #[inline(always)]
    unsafe fn neg_mul_add(self, b: Self, c: Self) -> Self {
        f32::mul_add(-self, b, c)
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        if self > b { self } else { b }
    }
    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        if self < b { self } else { b }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use core::arch::x86_64::*;

    impl Lanes for __m256 {
        const W: usize = 8;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { _mm256_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
            unsafe {
                let (a, b) = (_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8)));
                let (low, high) = (_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b));
                (_mm256_shuffle_ps::<0x88>(low, high), _mm256_shuffle_ps::<0xdd>(low, high))
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
        unsafe fn weave<const UNIT: usize>(a: Self, b: Self) -> (Self, Self) {
            unsafe {
                let (low, high) = match UNIT {
                    1 => (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)),
                    _ => {
                        let (a, b) = (_mm256_castps_pd(a), _mm256_castps_pd(b));
                        (_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)), _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)))
                    }
                };
                (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
            }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm256_storeu_ps(p, self) }
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
        unsafe fn div(self, b: Self) -> Self {
            unsafe { _mm256_div_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            unsafe { _mm256_fmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn neg_mul_add(self, b: Self, c: Self) -> Self {
            unsafe { _mm256_fnmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn max(self, b: Self) -> Self {
            unsafe { _mm256_max_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn min(self, b: Self) -> Self {
            unsafe { _mm256_min_ps(self, b) }
        }
    }

    impl Lanes for __m512 {
        const W: usize = 16;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { _mm512_set1_ps(x) }
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
        unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
            unsafe {
                let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                _mm512_storeu_ps(p, _mm512_permutex2var_ps(a, low, b));
                _mm512_storeu_ps(p.add(16), _mm512_permutex2var_ps(a, high, b));
            }
        }
        #[inline(always)]
        unsafe fn weave<const UNIT: usize>(a: Self, b: Self) -> (Self, Self) {
            unsafe {
                let (low, high) = match UNIT {
                    1 => (
                        _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
                        _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
                    ),
                    _ => (
                        _mm512_setr_epi32(0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23),
                        _mm512_setr_epi32(8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31),
                    ),
                };
                (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
            }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { _mm512_storeu_ps(p, self) }
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
        unsafe fn div(self, b: Self) -> Self {
            unsafe { _mm512_div_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            unsafe { _mm512_fmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn neg_mul_add(self, b: Self, c: Self) -> Self {
            unsafe { _mm512_fnmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn max(self, b: Self) -> Self {
            unsafe { _mm512_max_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn min(self, b: Self) -> Self {
            unsafe { _mm512_min_ps(self, b) }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::Lanes;
    use core::arch::aarch64::*;

    impl Lanes for float32x4_t {
        const W: usize = 4;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { vdupq_n_f32(x) }
        }
        #[inline(always)]
        unsafe fn load_pairs(p: *const f32) -> (Self, Self) {
            let pairs = unsafe { vld2q_f32(p) };
            (pairs.0, pairs.1)
        }
        #[inline(always)]
        unsafe fn store_pairs(a: Self, b: Self, p: *mut f32) {
            unsafe { vst2q_f32(p, float32x4x2_t(a, b)) }
        }
        #[inline(always)]
        unsafe fn weave<const UNIT: usize>(a: Self, b: Self) -> (Self, Self) {
            unsafe {
                match UNIT {
                    1 => (vzip1q_f32(a, b), vzip2q_f32(a, b)),
                    _ => {
                        let (a, b) = (vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b));
                        (vreinterpretq_f32_f64(vzip1q_f64(a, b)), vreinterpretq_f32_f64(vzip2q_f64(a, b)))
                    }
                }
            }
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            unsafe { vst1q_f32(p, self) }
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
        unsafe fn div(self, b: Self) -> Self {
            unsafe { vdivq_f32(self, b) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            unsafe { vfmaq_f32(c, self, b) }
        }
        #[inline(always)]
        unsafe fn neg_mul_add(self, b: Self, c: Self) -> Self {
            unsafe { vfmsq_f32(c, self, b) }
        }
        #[inline(always)]
        unsafe fn max(self, b: Self) -> Self {
            // By comparison: the instruction for it has another opinion of what is no number.
            unsafe { vbslq_f32(vcgtq_f32(self, b), self, b) }
        }
        #[inline(always)]
        unsafe fn min(self, b: Self) -> Self {
            unsafe { vbslq_f32(vcltq_f32(self, b), self, b) }
        }
    }
}
