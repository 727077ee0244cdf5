//! The form that the others are compared with.

use super::{CHECK_MAX, DEGREE_MAX, Extent, GROUP, Kernels, NEAR, Offsets, Port, measure_body, scale_body};

/// Lanes of a step.
const W: usize = 16;

pub const KERNELS: Kernels = Kernels {
    layer,
    scale: |llrs, gain, out| scale_body(llrs, gain, out),
    measure: |l| measure_body(l),
    signs,
    parity,
};

/// Copies the lanes that wrap behind the column.
///
/// Safety: the port's, as of [`super::Layer`].
unsafe fn wrap(port: Port, z: usize) {
    // Safety: turn < z, so the ranges do not overlap; the caller gives the room.
    unsafe { port.column.add(z).copy_from_nonoverlapping(port.column, port.turn) }
}

unsafe fn layer(ports: &[Port], messages: *mut i8, extent: Extent) {
    for &port in ports {
        // Safety: the caller's.
        unsafe { wrap(port, extent.z) }
    }
    for step in 0..extent.z.div_ceil(GROUP) * GROUP / W {
        // Safety: the caller's; this step stays within lanes step * W .. (step + 1) * W.
        unsafe { step_layer(ports, messages.add(step * W * ports.len()), step * W, extent) }
    }
}

#[inline(always)]
unsafe fn step_layer(ports: &[Port], messages: *mut i8, at: usize, extent: Extent) {
    let Extent { first, offsets: Offsets { near, far }, .. } = extent;
    let mut inputs = [[0i8; W]; DEGREE_MAX];
    let (mut min1, mut min2, mut sign) = ([CHECK_MAX as u8; W], [CHECK_MAX as u8; W], [0i8; W]);
    for (e, port) in ports.iter().enumerate() {
        // Safety: the caller's.
        let (posterior, message) = unsafe {
            let message = if first { [0; W] } else { messages.add(e * W).cast::<[i8; W]>().read_unaligned() };
            (port.column.add(port.turn + at).cast::<[i8; W]>().read_unaligned(), message)
        };
        let input = &mut inputs[e];
        for i in 0..W {
            let value = posterior[i].saturating_sub(message[i]);
            let magnitude = value.unsigned_abs();
            input[i] = value;
            sign[i] ^= value;
            min2[i] = min2[i].min(min1[i].max(magnitude));
            min1[i] = min1[i].min(magnitude);
        }
    }
    let (mut least, mut second) = ([0u8; W], [0u8; W]);
    for i in 0..W {
        least[i] = min1[i].saturating_sub(if min2[i] < min1[i] + NEAR { near } else { far });
        second[i] = min2[i].saturating_sub(near);
    }
    for (e, port) in ports.iter().enumerate() {
        let input = &inputs[e];
        let (mut message, mut posterior) = ([0i8; W], [0i8; W]);
        for i in 0..W {
            let magnitude = if input[i].unsigned_abs() == min1[i] { second[i] } else { least[i] } as i8;
            message[i] = if (input[i] ^ sign[i]) < 0 { -magnitude } else { magnitude };
            posterior[i] = input[i].saturating_add(message[i]);
        }
        // Safety: the caller's.
        unsafe {
            messages.add(e * W).cast::<[i8; W]>().write_unaligned(message);
            port.column.add(at).cast::<[i8; W]>().write_unaligned(posterior);
        }
    }
}

unsafe fn signs(port: Port, z: usize, signs: &mut [[u8; 8]]) {
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (group, bytes) in signs.iter_mut().take(z.div_ceil(GROUP)).enumerate() {
        // Safety: the caller's: lanes up to turn + z rounded up to groups can be read.
        let lanes = unsafe { port.column.add(port.turn + group * GROUP).cast::<[i8; GROUP]>().read_unaligned() };
        for (byte, lanes) in bytes.iter_mut().zip(lanes.as_chunks::<8>().0) {
            *byte = lanes.iter().fold(0, |byte, &lane| byte << 1 | u8::from(lane < 0));
        }
    }
}

unsafe fn parity(port: Port, z: usize, sums: &mut [i8]) {
    // Safety: the caller's.
    unsafe { wrap(port, z) };
    for (group, sums) in sums.as_chunks_mut::<GROUP>().0.iter_mut().take(z.div_ceil(GROUP)).enumerate() {
        // Safety: as in `signs`.
        let lanes = unsafe { port.column.add(port.turn + group * GROUP).cast::<[i8; GROUP]>().read_unaligned() };
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum ^= lane;
        }
    }
}
