//! One layer of the layered normalised min-sum decoder, on 64 lanes at a time.
//!
//! All instruction sets give the same bits: every lane is plain 8-bit integer arithmetic.  Spec: TS 38.212 §5.3.2 (the graph; the algorithm is ours)

use crate::{Isa, Llr};

/// The most circulants in a row of either base graph.
pub const DEGREE_MAX: usize = 19;

/// Lanes are processed in groups of this many.
pub const GROUP: usize = 64;

/// The normalisation, in 1/32, rounded to nearest: the least magnitude overestimates what a check knows.
const FACTOR: u16 = 23;

/// Where one circulant of a row is read and written: the column seen through the rotation, and the column in its new order.
#[derive(Clone, Copy)]
pub struct Port {
    /// First lane of the rotated column.
    pub read: *const i8,
    /// First lane of the column.
    pub write: *mut i8,
}

/// Updates one layer. `first`: the messages of this layer are zero, whatever memory holds.
///
/// Safety: every port can be read and written for `n_groups * GROUP` lanes, `messages` for `ports.len()` times as many, reads of a
/// port never lie before its writes, and the columns of the ports are distinct.
pub type Layer = unsafe fn(ports: &[Port], messages: *mut i8, n_groups: usize, first: bool);

/// Multiplies by a gain in 1/64, rounds and limits to [`CHANNEL_MAX`]; as many values as the shorter slice has.
pub type Scale = unsafe fn(llrs: &[Llr], gain: i16, out: &mut [i8]);

/// The kernels of an instruction set.
#[derive(Clone, Copy)]
pub struct Kernels {
    /// Updates one layer.
    pub layer: Layer,
    /// Scales channel values. Safety: none beyond the instruction set.
    pub scale: Scale,
}

/// The kernels of an instruction set; scalar ones if this machine lacks it.
pub fn kernels(isa: Isa) -> Kernels {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.is_available() => Kernels { layer: layer_avx2, scale: scale_avx2 },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.is_available() => Kernels { layer: layer_avx512, scale: scale_avx2 },
        _ => Kernels { layer: layer_scalar, scale: scale_body },
    }
}

/// The largest magnitude of a channel value within the decoder.
const CHANNEL_MAX: i16 = 100;

#[inline(always)]
fn scale_body(llrs: &[Llr], gain: i16, out: &mut [i8]) {
    // Beyond this the product would not fit, and exceeds the limit anyway.
    let most = i16::MAX / gain.max(1) - 1;
    for (value, &llr) in out.iter_mut().zip(llrs) {
        let product = i16::from(llr).clamp(-most, most) * gain;
        *value = ((product + 32) >> 6).clamp(-CHANNEL_MAX, CHANNEL_MAX) as i8;
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn scale_avx2(llrs: &[Llr], gain: i16, out: &mut [i8]) {
    scale_body(llrs, gain, out);
}

unsafe fn layer_scalar(ports: &[Port], messages: *mut i8, n_groups: usize, first: bool) {
    // Safety: the caller's.
    unsafe { layer_body::<16>(ports, messages, n_groups, first) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn layer_avx2(ports: &[Port], messages: *mut i8, n_groups: usize, first: bool) {
    use core::arch::x86_64::*;
    const W: usize = 32;
    let zero = _mm256_setzero_si256();
    let mut inputs = [zero; DEGREE_MAX];
    let (even, odd) = (_mm256_set1_epi16(FACTOR as i16), _mm256_set1_epi16((FACTOR << 8) as i16));
    let normalise = |x| {
        let round = _mm256_set1_epi16(16);
        let low = _mm256_srli_epi16::<5>(_mm256_add_epi16(_mm256_maddubs_epi16(x, even), round));
        let high = _mm256_srli_epi16::<5>(_mm256_add_epi16(_mm256_maddubs_epi16(x, odd), round));
        _mm256_or_si256(low, _mm256_slli_epi16::<8>(high))
    };
    for step in 0..n_groups * GROUP / W {
        // Safety: the caller's; this step stays within lanes step * W .. (step + 1) * W.
        unsafe {
            let (at, message_at) = (step * W, messages.add(step * W * ports.len()));
            let (mut min1, mut min2, mut sign) = (_mm256_set1_epi8(127), _mm256_set1_epi8(127), zero);
            for (e, (port, input)) in ports.iter().zip(&mut inputs).enumerate() {
                let posterior = _mm256_loadu_si256(port.read.add(at).cast());
                let message = if first { zero } else { _mm256_loadu_si256(message_at.add(e * W).cast()) };
                let value = _mm256_subs_epi8(posterior, message);
                let magnitude = _mm256_abs_epi8(value);
                *input = value;
                sign = _mm256_xor_si256(sign, value);
                min2 = _mm256_min_epu8(min2, _mm256_max_epu8(min1, magnitude));
                min1 = _mm256_min_epu8(min1, magnitude);
            }
            let (least, second) = (normalise(min1), normalise(min2));
            for (e, (port, &value)) in ports.iter().zip(&inputs).enumerate() {
                let is_least = _mm256_cmpeq_epi8(_mm256_abs_epi8(value), min1);
                let magnitude = _mm256_blendv_epi8(least, second, is_least);
                // The sign of the others, made odd so that it is never 0.
                let others = _mm256_or_si256(_mm256_xor_si256(value, sign), _mm256_set1_epi8(1));
                let message = _mm256_sign_epi8(magnitude, others);
                _mm256_storeu_si256(message_at.add(e * W).cast(), message);
                _mm256_storeu_si256(port.write.add(at).cast(), _mm256_adds_epi8(value, message));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn layer_avx512(ports: &[Port], messages: *mut i8, n_groups: usize, first: bool) {
    use core::arch::x86_64::*;
    const W: usize = 64;
    let zero = _mm512_setzero_si512();
    let mut inputs = [zero; DEGREE_MAX];
    let (even, odd) = (_mm512_set1_epi16(FACTOR as i16), _mm512_set1_epi16((FACTOR << 8) as i16));
    let normalise = |x| {
        let round = _mm512_set1_epi16(16);
        let low = _mm512_srli_epi16::<5>(_mm512_add_epi16(_mm512_maddubs_epi16(x, even), round));
        let high = _mm512_srli_epi16::<5>(_mm512_add_epi16(_mm512_maddubs_epi16(x, odd), round));
        _mm512_or_si512(low, _mm512_slli_epi16::<8>(high))
    };
    for step in 0..n_groups * GROUP / W {
        // Safety: the caller's; this step stays within lanes step * W .. (step + 1) * W.
        unsafe {
            let (at, message_at) = (step * W, messages.add(step * W * ports.len()));
            let (mut min1, mut min2, mut sign) = (_mm512_set1_epi8(127), _mm512_set1_epi8(127), zero);
            for (e, (port, input)) in ports.iter().zip(&mut inputs).enumerate() {
                let posterior = _mm512_loadu_si512(port.read.add(at).cast());
                let message = if first { zero } else { _mm512_loadu_si512(message_at.add(e * W).cast()) };
                let value = _mm512_subs_epi8(posterior, message);
                let magnitude = _mm512_abs_epi8(value);
                *input = value;
                sign = _mm512_xor_si512(sign, value);
                min2 = _mm512_min_epu8(min2, _mm512_max_epu8(min1, magnitude));
                min1 = _mm512_min_epu8(min1, magnitude);
            }
            let (least, second) = (normalise(min1), normalise(min2));
            for (e, (port, &value)) in ports.iter().zip(&inputs).enumerate() {
                let is_least = _mm512_cmpeq_epi8_mask(_mm512_abs_epi8(value), min1);
                let magnitude = _mm512_mask_blend_epi8(is_least, least, second);
                let negative = _mm512_movepi8_mask(_mm512_xor_si512(value, sign));
                let message = _mm512_mask_sub_epi8(magnitude, negative, zero, magnitude);
                _mm512_storeu_si512(message_at.add(e * W).cast(), message);
                _mm512_storeu_si512(port.write.add(at).cast(), _mm512_adds_epi8(value, message));
            }
        }
    }
}

#[inline(always)]
unsafe fn layer_body<const W: usize>(ports: &[Port], messages: *mut i8, n_groups: usize, first: bool) {
    for step in 0..n_groups * GROUP / W {
        // Safety: the caller's; this step stays within lanes step * W .. (step + 1) * W.
        unsafe { step_body::<W>(ports, messages.add(step * W * ports.len()), step * W, first) }
    }
}

#[inline(always)]
unsafe fn step_body<const W: usize>(ports: &[Port], messages: *mut i8, at: usize, first: bool) {
    let mut inputs = [[0i8; W]; DEGREE_MAX];
    let (mut min1, mut min2, mut sign) = ([127u8; W], [127u8; W], [0i8; W]);
    for (e, port) in ports.iter().enumerate() {
        // Safety: the caller's.
        let (posterior, message) = unsafe {
            let message = if first { [0; W] } else { messages.add(e * W).cast::<[i8; W]>().read_unaligned() };
            (port.read.add(at).cast::<[i8; W]>().read_unaligned(), message)
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
        least[i] = ((u16::from(min1[i]) * FACTOR + 16) >> 5) as u8;
        second[i] = ((u16::from(min2[i]) * FACTOR + 16) >> 5) as u8;
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
            port.write.add(at).cast::<[i8; W]>().write_unaligned(posterior);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.3.2 (integer kernels agree bit for bit)
    fn layers_of_any_values_agree() {
        let mut state = 5u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as i8
        };
        for degree in 3..=DEGREE_MAX {
            let columns: Vec<i8> = (0..degree * 4 * GROUP).map(|_| random()).collect();
            let run = |isa: Isa| {
                let (mut columns, mut messages) = (columns.clone(), vec![0i8; degree * 2 * GROUP]);
                let port = |(e, column): (usize, &mut [i8])| {
                    let write = column.as_mut_ptr();
                    // Safety: 19 lanes lie within the column.
                    Port { read: unsafe { write.add(e) }, write }
                };
                let ports: Vec<Port> = columns.chunks_mut(4 * GROUP).enumerate().map(port).collect();
                // The order of messages in memory is the kernel's own, so the second pass starts from what the first left.
                for first in [true, false] {
                    // Safety: a port reads below lane 19 + 2 * 64 of its column's 4 * 64 and writes 2 * 64.
                    unsafe { (kernels(isa).layer)(&ports, messages.as_mut_ptr(), 2, first) };
                }
                columns
            };
            for isa in Isa::available() {
                assert!(run(isa) == run(Isa::Scalar), "{isa} {degree}");
            }
        }
    }
}
