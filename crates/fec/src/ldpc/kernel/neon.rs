//! Advanced SIMD: a group is four registers.

use super::{
    CHECK_MAX, DEGREE_MAX, Extent, GROUP, Kernels, NEAR, Offsets, Port, by_degree, each, measure_body, scale_body,
};
use core::arch::aarch64::*;

/// Lanes of a register.
const W: usize = 16;

pub const KERNELS: Kernels = Kernels {
    layer,
    // What the compiler makes of these is in registers of this kind already.
    scale: |llrs, gain, out| scale_body(llrs, gain, out),
    measure: |llrs| measure_body(llrs),
    signs,
    parity,
};

/// Copies the lanes that wrap behind the column, up to a register too many.
///
/// Safety: the port's, as of [`super::Layer`].
#[inline]
unsafe fn wrap(port: Port, z: usize) {
    let mut at = 0;
    while at < port.turn {
        // Safety: the caller's; at + z + 16 lies within z + turn rounded up to groups.
        unsafe { vst1q_s8(port.column.add(z + at), vld1q_s8(port.column.add(at))) }
        at += W;
    }
}

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

unsafe fn first_rows<const D: usize>(ports: &[Port], messages: *mut i8, n_steps: usize, offsets: Offsets) {
    // Safety: the caller's.
    unsafe { rows::<D, true>(ports, messages, n_steps, offsets) }
}

unsafe fn later_rows<const D: usize>(ports: &[Port], messages: *mut i8, n_steps: usize, offsets: Offsets) {
    // Safety: the caller's.
    unsafe { rows::<D, false>(ports, messages, n_steps, offsets) }
}

#[inline(always)]
unsafe fn rows<const D: usize, const FIRST: bool>(ports: &[Port], messages: *mut i8, n_steps: usize, offsets: Offsets) {
    debug_assert!(ports.len() == D || D == DEGREE_MAX);
    // Safety: E is below D, the number of ports.
    let port = |e: usize| unsafe { *ports.get_unchecked(e) };
    for step in 0..n_steps {
        // Safety: the caller's; this step stays within lanes step * W .. (step + 1) * W.
        unsafe {
            let [reach, near, far] = [NEAR, offsets.near, offsets.far].map(|x| vdupq_n_u8(x));
            let (at, message_at) = (step * W, messages.add(step * W * D));
            let mut inputs = [vdupq_n_s8(0); DEGREE_MAX];
            let most = vdupq_n_u8(CHECK_MAX as u8);
            let (mut min1, mut min2, mut sign) = (most, most, vdupq_n_s8(0));
            each!(D, E => {
                let mut value = vld1q_s8(port(E).column.add(port(E).turn + at));
                if !FIRST {
                    value = vqsubq_s8(value, vld1q_s8(message_at.add(E * W)));
                }
                let magnitude = vreinterpretq_u8_s8(vabsq_s8(value));
                inputs[E] = value;
                sign = veorq_s8(sign, value);
                min2 = vminq_u8(min2, vmaxq_u8(min1, magnitude));
                min1 = vminq_u8(min1, magnitude);
            });
            let is_far = vcgeq_u8(min2, vaddq_u8(min1, reach));
            let least = vqsubq_u8(min1, vbslq_u8(is_far, far, near));
            let second = vqsubq_u8(min2, near);
            each!(D, E => {
                let value = inputs[E];
                let is_least = vceqq_u8(vreinterpretq_u8_s8(vabsq_s8(value)), min1);
                let magnitude = vreinterpretq_s8_u8(vbslq_u8(is_least, second, least));
                // All ones where the other inputs have an odd number of signs: (x ^ -1) + 1 = -x.
                let turned = vshrq_n_s8::<7>(veorq_s8(value, sign));
                let message = vsubq_s8(veorq_s8(magnitude, turned), turned);
                vst1q_s8(message_at.add(E * W), message);
                vst1q_s8(port(E).column.add(at), vqaddq_s8(value, message));
            });
        }
    }
}

unsafe fn signs(port: Port, z: usize, signs: &mut [[u8; 8]]) {
    const WEIGHTS: [u8; 16] = [128, 64, 32, 16, 8, 4, 2, 1, 128, 64, 32, 16, 8, 4, 2, 1];
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (step, bytes) in signs.as_flattened_mut().as_chunks_mut::<2>().0.iter_mut().take(z.div_ceil(W)).enumerate() {
        // Safety: the caller's; there are 16 weights.
        unsafe {
            let lanes = vld1q_s8(port.column.add(port.turn + step * W));
            let bits = vandq_u8(vcltzq_s8(lanes), vld1q_u8(WEIGHTS.as_ptr()));
            *bytes = [vaddv_u8(vget_low_u8(bits)), vaddv_u8(vget_high_u8(bits))];
        }
    }
}

unsafe fn parity(port: Port, z: usize, sums: &mut [i8]) {
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (step, sums) in sums.as_chunks_mut::<W>().0.iter_mut().take(z.div_ceil(W)).enumerate() {
        // Safety: the caller's; a chunk has 16 lanes.
        unsafe {
            let lanes = vld1q_s8(port.column.add(port.turn + step * W));
            vst1q_s8(sums.as_mut_ptr(), veorq_s8(vld1q_s8(sums.as_ptr()), lanes));
        }
    }
}

const _: () = assert!(GROUP.is_multiple_of(W));
