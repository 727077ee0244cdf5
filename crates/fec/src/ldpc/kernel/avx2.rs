//! AVX2: a group is two registers.

use super::{
    CHECK_MAX, DEGREE_MAX, Extent, GROUP, Kernels, NEAR, Offsets, Port, by_degree, each, measure_body, scale_body,
};
use crate::Llr;
use core::arch::x86_64::*;

/// Lanes of a register.
const W: usize = 32;

pub const KERNELS: Kernels = Kernels { layer, scale, measure, signs, parity };

#[target_feature(enable = "avx2")]
fn scale(llrs: &[Llr], gain: i16, out: &mut [i8]) {
    scale_body(llrs, gain, out);
}

#[target_feature(enable = "avx2")]
fn measure(llrs: &[Llr]) -> (u32, u32) {
    measure_body(llrs)
}

/// Copies the lanes that wrap behind the column, up to a register too many.
///
/// Safety: the port's, as of [`super::Layer`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn wrap(port: Port, z: usize) {
    let mut at = 0;
    while at < port.turn {
        // Safety: the caller's; at + z + 32 lies within z + turn rounded up to groups.
        unsafe {
            _mm256_storeu_si256(port.column.add(z + at).cast(), _mm256_loadu_si256(port.column.add(at).cast()));
        }
        at += W;
    }
}

#[target_feature(enable = "avx2")]
unsafe fn layer(ports: &[Port], messages: *mut i8, extent: Extent) {
    // Safety: the caller's.
    unsafe {
        for &port in ports {
            wrap(port, extent.z);
        }
        let n_steps = extent.z.div_ceil(W);
        if extent.first {
            by_degree!(ports.len(), first_rows(ports, messages, n_steps, extent.offsets));
        } else {
            by_degree!(ports.len(), later_rows(ports, messages, n_steps, extent.offsets));
        }
    }
}

#[target_feature(enable = "avx2")]
unsafe fn first_rows<const D: usize>(ports: &[Port], messages: *mut i8, n_steps: usize, offsets: Offsets) {
    // Safety: the caller's.
    unsafe { rows::<D, true>(ports, messages, n_steps, offsets) }
}

#[target_feature(enable = "avx2")]
unsafe fn later_rows<const D: usize>(ports: &[Port], messages: *mut i8, n_steps: usize, offsets: Offsets) {
    // Safety: the caller's.
    unsafe { rows::<D, false>(ports, messages, n_steps, offsets) }
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn rows<const D: usize, const FIRST: bool>(ports: &[Port], messages: *mut i8, n_steps: usize, offsets: Offsets) {
    let zero = _mm256_setzero_si256();
    let [reach, near, step_to_far] =
        [NEAR, offsets.near, offsets.far.wrapping_sub(offsets.near)].map(|x| _mm256_set1_epi8(x as i8));
    debug_assert!(ports.len() == D || D == DEGREE_MAX);
    // Safety: E is below D, the number of ports.
    let port = |e: usize| unsafe { *ports.get_unchecked(e) };
    for step in 0..n_steps {
        // Safety: the caller's; this step stays within lanes step * W .. (step + 1) * W.
        unsafe {
            let (at, message_at) = (step * W, messages.add(step * W * D));
            let mut inputs = [zero; DEGREE_MAX];
            let (mut min1, mut min2, mut sign) = (_mm256_set1_epi8(CHECK_MAX), _mm256_set1_epi8(CHECK_MAX), zero);
            each!(D, E => {
                let mut value = _mm256_loadu_si256(port(E).column.add(port(E).turn + at).cast());
                if !FIRST {
                    value = _mm256_subs_epi8(value, _mm256_loadu_si256(message_at.add(E * W).cast()));
                }
                let magnitude = _mm256_abs_epi8(value);
                inputs[E] = value;
                sign = _mm256_xor_si256(sign, value);
                min2 = _mm256_min_epu8(min2, _mm256_max_epu8(min1, magnitude));
                min1 = _mm256_min_epu8(min1, magnitude);
            });
            // The sign of the row, made odd so that it is never 0, goes into the two magnitudes, that of each input is added below.
            let sign = _mm256_or_si256(sign, _mm256_set1_epi8(1));
            let is_far = _mm256_cmpeq_epi8(_mm256_max_epu8(min2, _mm256_add_epi8(min1, reach)), min2);
            let offset = _mm256_add_epi8(near, _mm256_and_si256(is_far, step_to_far));
            let least = _mm256_sign_epi8(_mm256_subs_epu8(min1, offset), sign);
            let second = _mm256_sign_epi8(_mm256_subs_epu8(min2, near), sign);
            each!(D, E => {
                let value = inputs[E];
                let is_least = _mm256_cmpeq_epi8(_mm256_abs_epi8(value), min1);
                let message = _mm256_blendv_epi8(least, second, is_least);
                let message = _mm256_sign_epi8(message, _mm256_or_si256(value, _mm256_set1_epi8(1)));
                _mm256_storeu_si256(message_at.add(E * W).cast(), message);
                _mm256_storeu_si256(port(E).column.add(at).cast(), _mm256_adds_epi8(value, message));
            });
        }
    }
}

#[target_feature(enable = "avx2")]
unsafe fn signs(port: Port, z: usize, signs: &mut [[u8; 8]]) {
    let half = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    let reverse = _mm256_broadcastsi128_si256(half);
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (step, bytes) in signs.as_flattened_mut().as_chunks_mut::<4>().0.iter_mut().take(z.div_ceil(W)).enumerate() {
        // Safety: the caller's.
        let lanes = unsafe { _mm256_loadu_si256(port.column.add(port.turn + step * W).cast()) };
        *bytes = _mm256_movemask_epi8(_mm256_shuffle_epi8(lanes, reverse)).to_le_bytes();
    }
}

#[target_feature(enable = "avx2")]
unsafe fn parity(port: Port, z: usize, sums: &mut [i8]) {
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (step, sums) in sums.as_chunks_mut::<W>().0.iter_mut().take(z.div_ceil(W)).enumerate() {
        // Safety: the caller's; a chunk has 32 lanes.
        unsafe {
            let lanes = _mm256_loadu_si256(port.column.add(port.turn + step * W).cast());
            let sum = sums.as_mut_ptr().cast();
            _mm256_storeu_si256(sum, _mm256_xor_si256(_mm256_loadu_si256(sum), lanes));
        }
    }
}

const _: () = assert!(GROUP.is_multiple_of(W));
