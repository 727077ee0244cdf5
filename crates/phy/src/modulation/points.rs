//! Points of a constellation by the octets that name them, many side by side. Spec: TS 38.211 §5.1.3 to §5.1.6

use super::{Modulation, NORM_16, NORM_64, NORM_256, SQRT_1_2, axis};
use dsp::{Cf32, Isa};

/// The points of QPSK to 256QAM at some amplitude: point `i` is that of the bits of `i`, the first bit most significant.
#[derive(Clone, Debug)]
pub struct Points {
    isa: Isa,
    /// By the bits of one axis.
    levels: [f32; 16],
    points: Box<[Cf32; 256]>,
}

impl Points {
    /// To be set before use.
    pub fn new(isa: Isa) -> Points {
        Points { isa, levels: [0.0; 16], points: Box::new([Cf32::new(0.0, 0.0); 256]) }
    }

    /// Sets scheme and amplitude; false, and nothing is set, for a scheme that it does not serve.
    pub fn set(&mut self, scheme: Modulation, amplitude: f32) -> bool {
        let mut levels = [0.0; 16];
        match scheme {
            Modulation::Qpsk => levels[..2].copy_from_slice(&axis::<2>(SQRT_1_2)),
            Modulation::Qam16 => levels[..4].copy_from_slice(&axis::<4>(NORM_16)),
            Modulation::Qam64 => levels[..8].copy_from_slice(&axis::<8>(NORM_64)),
            Modulation::Qam256 => levels = axis::<16>(NORM_256),
            _ => return false,
        }
        self.levels = levels.map(|level| level * amplitude);
        for (i, point) in self.points.iter_mut().enumerate() {
            let (re, im) =
                (0..4).fold((0, 0), |(re, im), b| (re << 1 | i >> (7 - 2 * b) & 1, im << 1 | i >> (6 - 2 * b) & 1));
            *point = Cf32::new(self.levels[re], self.levels[im]);
        }
        true
    }

    /// Writes the points of `names[first]`, `names[first + stride]` and so on to `out`, as many as there are.
    ///
    /// Every instruction set gives the same bits.
    pub fn map(&self, names: &[u8], first: usize, stride: usize, out: &mut [Cf32]) {
        let names = names.get(first..).unwrap_or(&[]);
        let done = wide(self.isa, &self.levels, names, stride, out);
        for (out, name) in out[done..].iter_mut().zip(names[(done * stride).min(names.len())..].iter().step_by(stride))
        {
            *out = self.points[usize::from(*name)];
        }
    }
}

/// What vectors serve; returns how many points were written.
fn wide(isa: Isa, levels: &[f32; 16], names: &[u8], stride: usize, out: &mut [Cf32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Avx512 && isa.is_available() {
        // SAFETY: the machine has AVX-512.
        return unsafe { x86::map(levels, names, stride, out) };
    }
    let _ = (isa, levels, names, stride, out);
    0
}

/// Takes packed bits apart into the octets that name points, as many as `names` holds.
///
/// 256QAM has an octet for each point already. Bits past the end of `packed` are 0.
pub fn names(scheme: Modulation, packed: &[u8], names: &mut [u8]) {
    match scheme {
        Modulation::Qpsk => {
            for (four, byte) in names.chunks_mut(4).zip(packed) {
                four.iter_mut().enumerate().for_each(|(i, name)| *name = byte >> (6 - 2 * i) & 3);
            }
        }
        Modulation::Qam16 => {
            for (two, byte) in names.chunks_mut(2).zip(packed) {
                two.iter_mut().enumerate().for_each(|(i, name)| *name = byte >> (4 - 4 * i) & 15);
            }
        }
        Modulation::Qam64 => {
            for (four, bytes) in names.chunks_mut(4).zip(packed.chunks(3)) {
                let word = (0..3).fold(0u32, |w, i| w << 8 | u32::from(bytes.get(i).copied().unwrap_or(0)));
                four.iter_mut().enumerate().for_each(|(i, name)| *name = (word >> (18 - 6 * i) & 63) as u8);
            }
        }
        _ => names.iter_mut().zip(packed).for_each(|(name, byte)| *name = *byte),
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;
    use dsp::Cf32;

    /// Sixteen points at a time, for strides 1, 2 and 4; returns how many were written.
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
    pub fn map(levels: &[f32; 16], names: &[u8], stride: usize, out: &mut [Cf32]) -> usize {
        if !matches!(stride, 1 | 2 | 4) {
            return 0;
        }
        // SAFETY: 16 floats.
        let levels = unsafe { _mm512_loadu_ps(levels.as_ptr()) };
        let mut done = 0;
        for (out, names) in out.chunks_exact_mut(16).zip(names.chunks_exact(16 * stride)) {
            let from = names.as_ptr();
            // SAFETY: as many octets are read as the chunk has.
            let names = unsafe {
                match stride {
                    1 => _mm_loadu_si128(from.cast()),
                    2 => _mm256_cvtepi16_epi8(_mm256_loadu_si256(from.cast())),
                    _ => _mm512_cvtepi32_epi8(_mm512_loadu_si512(from.cast())),
                }
            };
            // The bits of the real axis go up, those of the imaginary one down.
            let swapped = |x, mask| _mm_and_si128(x, _mm_set1_epi8(mask));
            let t = swapped(_mm_xor_si128(names, _mm_srli_epi16::<1>(names)), 0x22);
            let x = _mm_xor_si128(names, _mm_xor_si128(t, _mm_slli_epi16::<1>(t)));
            let t = swapped(_mm_xor_si128(x, _mm_srli_epi16::<2>(x)), 0x0c);
            let x = _mm_xor_si128(x, _mm_xor_si128(t, _mm_slli_epi16::<2>(t)));
            for (half, x) in [x, _mm_unpackhi_epi64(x, x)].into_iter().enumerate() {
                let x = _mm512_cvtepu8_epi64(x);
                // A lane counts by its low four bits.
                let index = _mm512_or_si512(_mm512_slli_epi64::<32>(x), _mm512_srli_epi64::<4>(x));
                let points = _mm512_permutexvar_ps(index, levels);
                // SAFETY: eight points of the sixteen.
                unsafe { _mm512_storeu_ps(out.as_mut_ptr().add(8 * half).cast(), points) }
            }
            done += 16;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::super::modulate;
    use super::*;

    #[test] // Spec: TS 38.211 §5.1.3 to §5.1.6
    fn points_are_those_of_the_mapping_on_every_instruction_set() {
        let packed: Vec<u8> = (0..1000u32).map(|i| (i * i / 7 + i) as u8).collect();
        for scheme in [Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64, Modulation::Qam256] {
            let n = 8 * packed.len() / scheme.q_m();
            let (mut symbols, mut named) = (vec![Cf32::default(); n], vec![0; n]);
            modulate(scheme, &packed, &mut symbols).unwrap();
            names(scheme, &packed, &mut named);
            dsp::vector::scale(Isa::Scalar, &mut symbols, 0.7);
            for isa in Isa::available() {
                let mut points = Points::new(isa);
                assert!(points.set(scheme, 0.7) && !points.set(Modulation::Qam1024, 1.0));
                for (first, stride) in [(0, 1), (3, 1), (0, 2), (1, 2), (2, 3), (3, 4), (0, 4)] {
                    let mut out = vec![Cf32::default(); (n - first).div_ceil(stride)];
                    points.map(&named, first, stride, &mut out);
                    assert!(
                        out.iter().eq(symbols[first..].iter().step_by(stride)),
                        "{isa} {scheme:?} {first} {stride}"
                    );
                }
            }
        }
    }
}
