//! AVX-512: a group is a register, and the registers hold a whole row.

use super::{
    CHECK_MAX, DEGREE_MAX, Extent, GROUP, Kernels, NEAR, Offsets, Port, by_degree, each, measure_body, scale_body,
};
use crate::Llr;
use core::arch::x86_64::*;

pub const KERNELS: Kernels = Kernels { layer, scale, measure, signs, parity };

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn scale(llrs: &[Llr], gain: i16, out: &mut [i8]) {
    scale_body(llrs, gain, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn measure(llrs: &[Llr]) -> (u32, u32) {
    measure_body(llrs)
}

/// Copies the lanes that wrap behind the column, up to a group too many.
///
/// Safety: the port's, as of [`super::Layer`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn wrap(port: Port, z: usize) {
    let mut at = 0;
    while at < port.turn {
        // Safety: the caller's; at + z + 64 lies within z + turn rounded up to groups.
        unsafe {
            _mm512_storeu_si512(port.column.add(z + at).cast(), _mm512_loadu_si512(port.column.add(at).cast()));
        }
        at += GROUP;
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn layer(ports: &[Port], messages: *mut i8, extent: Extent) {
    // Safety: the caller's.
    unsafe {
        for &port in ports {
            wrap(port, extent.z);
        }
        let n_groups = extent.z.div_ceil(GROUP);
        if extent.first {
            by_degree!(ports.len(), first_rows(ports, messages, n_groups, extent.offsets));
        } else {
            by_degree!(ports.len(), later_rows(ports, messages, n_groups, extent.offsets));
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn first_rows<const D: usize>(ports: &[Port], messages: *mut i8, n_groups: usize, offsets: Offsets) {
    // Safety: the caller's.
    unsafe { rows::<D, true>(ports, messages, n_groups, offsets) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn later_rows<const D: usize>(ports: &[Port], messages: *mut i8, n_groups: usize, offsets: Offsets) {
    // Safety: the caller's.
    unsafe { rows::<D, false>(ports, messages, n_groups, offsets) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn rows<const D: usize, const FIRST: bool>(
    ports: &[Port],
    messages: *mut i8,
    n_groups: usize,
    offsets: Offsets,
) {
    let zero = _mm512_setzero_si512();
    let [reach, near, far] = [NEAR, offsets.near, offsets.far].map(|x| _mm512_set1_epi8(x as i8));
    debug_assert!(ports.len() == D || D == DEGREE_MAX);
    // Safety: E is below D, the number of ports.
    let port = |e: usize| unsafe { *ports.get_unchecked(e) };
    for group in 0..n_groups {
        // Safety: the caller's; this step stays within the lanes of its group.
        unsafe {
            let (at, message_at) = (group * GROUP, messages.add(group * GROUP * D));
            let mut inputs = [zero; DEGREE_MAX];
            let (mut min1, mut min2, mut sign) = (_mm512_set1_epi8(CHECK_MAX), _mm512_set1_epi8(CHECK_MAX), zero);
            each!(D, E => {
                let mut value = _mm512_loadu_si512(port(E).column.add(port(E).turn + at).cast());
                if !FIRST {
                    value = _mm512_subs_epi8(value, _mm512_loadu_si512(message_at.add(E * GROUP).cast()));
                }
                let magnitude = _mm512_abs_epi8(value);
                inputs[E] = value;
                sign = _mm512_xor_si512(sign, value);
                min2 = _mm512_min_epu8(min2, _mm512_max_epu8(min1, magnitude));
                min1 = _mm512_min_epu8(min1, magnitude);
            });
            // The sign of the row goes into the two magnitudes, that of each input is added below.
            let row_negative = _mm512_movepi8_mask(sign);
            let signed = |x| _mm512_mask_sub_epi8(x, row_negative, zero, x);
            let is_near = _mm512_cmplt_epu8_mask(min2, _mm512_add_epi8(min1, reach));
            let offset = _mm512_mask_blend_epi8(is_near, far, near);
            let (least, second) = (signed(_mm512_subs_epu8(min1, offset)), signed(_mm512_subs_epu8(min2, near)));
            each!(D, E => {
                let value = inputs[E];
                let is_least = _mm512_cmpeq_epi8_mask(_mm512_abs_epi8(value), min1);
                let message = _mm512_mask_blend_epi8(is_least, least, second);
                let negative = _mm512_movepi8_mask(value);
                let message = _mm512_mask_sub_epi8(message, negative, zero, message);
                _mm512_storeu_si512(message_at.add(E * GROUP).cast(), message);
                _mm512_storeu_si512(port(E).column.add(at).cast(), _mm512_adds_epi8(value, message));
            });
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn signs(port: Port, z: usize, signs: &mut [[u8; 8]]) {
    let reverse = _mm512_set4_epi32(0x0809_0a0b, 0x0c0d_0e0f, 0x0001_0203, 0x0405_0607);
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (group, bytes) in signs.iter_mut().take(z.div_ceil(GROUP)).enumerate() {
        // Safety: the caller's.
        let lanes = unsafe { _mm512_loadu_si512(port.column.add(port.turn + group * GROUP).cast()) };
        *bytes = _mm512_movepi8_mask(_mm512_shuffle_epi8(lanes, reverse)).to_le_bytes();
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn parity(port: Port, z: usize, sums: &mut [i8]) {
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (group, sums) in sums.as_chunks_mut::<GROUP>().0.iter_mut().take(z.div_ceil(GROUP)).enumerate() {
        // Safety: the caller's; a chunk has 64 lanes.
        unsafe {
            let lanes = _mm512_loadu_si512(port.column.add(port.turn + group * GROUP).cast());
            let sum = sums.as_mut_ptr().cast();
            _mm512_storeu_si512(sum, _mm512_xor_si512(_mm512_loadu_si512(sum), lanes));
        }
    }
}
