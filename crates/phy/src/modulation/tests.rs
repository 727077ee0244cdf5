//! Mapper and demapper against each other and against the plain definition.

use super::*;
use dsp::Isa;

const SCHEMES: [Modulation; 6] = [
    Modulation::HalfPiBpsk,
    Modulation::Bpsk,
    Modulation::Qpsk,
    Modulation::Qam16,
    Modulation::Qam64,
    Modulation::Qam256,
];

fn noise(seed: &mut u64) -> f32 {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*seed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

fn random_bytes(n: usize, mut seed: u64) -> Vec<u8> {
    (0..n).map(|_| (noise(&mut seed) * 1e4) as i32 as u8).collect()
}

#[test] // Spec: TS 38.211 §5.1 (formulae written out)
fn points_follow_the_formulae() {
    for byte in 0..=255u8 {
        let b: Vec<f32> = (0..8).map(|i| 1.0 - 2.0 * (byte >> (7 - i) & 1) as f32).collect();
        let mut d = [Cf32::default()];
        let mut close = |scheme, re: f32, im: f32, norm: f32| {
            modulate(scheme, &[byte], &mut d).unwrap();
            let e = Cf32::new(re, im) / norm.sqrt();
            assert!((d[0] - e).norm_sqr() < 1e-12, "{scheme:?} {byte:08b}: {} {e}", d[0]);
        };
        close(Modulation::Bpsk, b[0], b[0], 2.0);
        close(Modulation::HalfPiBpsk, b[0], b[0], 2.0);
        close(Modulation::Qpsk, b[0], b[1], 2.0);
        close(Modulation::Qam16, b[0] * (2.0 - b[2]), b[1] * (2.0 - b[3]), 10.0);
        close(Modulation::Qam64, b[0] * (4.0 - b[2] * (2.0 - b[4])), b[1] * (4.0 - b[3] * (2.0 - b[5])), 42.0);
        let re = b[0] * (8.0 - b[2] * (4.0 - b[4] * (2.0 - b[6])));
        close(Modulation::Qam256, re, b[1] * (8.0 - b[3] * (4.0 - b[5] * (2.0 - b[7]))), 170.0);
    }
    let mut d = [Cf32::default(); 2];
    modulate(Modulation::HalfPiBpsk, &[0b0000_0000], &mut d).unwrap();
    assert!((d[1] - Cf32::new(-SQRT_1_2, SQRT_1_2)).norm_sqr() < 1e-12);
}

#[test] // Spec: TS 38.211 §5.1 (inverse: max-log over all points)
fn soft_bits_equal_the_exhaustive_search() {
    let mut seed = 5;
    for scheme in SCHEMES {
        let q = scheme.q_m();
        let n = 101;
        let symbols: Vec<Cf32> = (0..n).map(|_| Cf32::new(1.4 * noise(&mut seed), 1.4 * noise(&mut seed))).collect();
        let noise_var: Vec<f32> = (0..n).map(|_| 0.02 + 0.5 * noise(&mut seed).abs()).collect();
        let mut llrs = vec![0; n * q];
        demodulate(Isa::Scalar, scheme, &symbols, &noise_var, &mut llrs).unwrap();
        for i in 0..n {
            let mut best = [[f32::MAX; 2]; 8];
            for byte in 0..1usize << q {
                let packed = ((byte << (8 - q)) as u16).to_be_bytes()[1];
                // pi/2-BPSK turns odd symbols: put the bit where the parity is right.
                let mut d = [Cf32::default(); 2];
                let parity = if scheme == Modulation::HalfPiBpsk { i % 2 } else { 0 };
                let bits = if scheme == Modulation::HalfPiBpsk { packed >> parity } else { packed };
                modulate(scheme, &[bits, 0], &mut d[..1 + parity]).unwrap();
                let distance = (symbols[i] - d[parity]).norm_sqr() / noise_var[i];
                for b in 0..q {
                    let bit = byte >> (q - 1 - b) & 1;
                    best[b][bit] = best[b][bit].min(distance);
                }
            }
            for b in 0..q {
                let exact = ((best[b][1] - best[b][0]) * LLR_SCALE).clamp(-120.0, 120.0);
                assert!(
                    (llrs[i * q + b] as f32 - exact).abs() < 0.51,
                    "{scheme:?} {i} {b}: {} {exact}",
                    llrs[i * q + b]
                );
            }
        }
    }
}

#[test] // Spec: TS 38.211 §5.1 (inverse)
fn every_instruction_set_gives_the_same_soft_bits_and_nothing_panics() {
    let mut seed = 11;
    for scheme in SCHEMES {
        for n in [0, 1, 16, 17, 31, 32, 33, 300] {
            let mut symbols: Vec<Cf32> =
                (0..n).map(|_| Cf32::new(2.0 * noise(&mut seed), 2.0 * noise(&mut seed))).collect();
            let mut noise_var: Vec<f32> = (0..n).map(|_| noise(&mut seed).abs()).collect();
            if n > 4 {
                symbols[0].re = f32::NAN;
                symbols[1].im = f32::INFINITY;
                noise_var[2] = f32::NAN;
                noise_var[3] = -1.0;
                noise_var[4] = f32::INFINITY;
                (noise_var[5], noise_var[6], symbols[7].re) = (1e-30, 1e30, -1e30);
            }
            let mut expected = vec![0; n * scheme.q_m()];
            demodulate(Isa::Scalar, scheme, &symbols, &noise_var, &mut expected).unwrap();
            for isa in Isa::available() {
                let mut llrs = vec![0; n * scheme.q_m()];
                demodulate(isa, scheme, &symbols, &noise_var, &mut llrs).unwrap();
                assert_eq!(llrs, expected, "{isa} {scheme:?} {n}");
            }
            if n > 4 {
                assert!(expected[2 * scheme.q_m()..5 * scheme.q_m()].iter().all(|l| *l == 0));
            }
        }
    }
    assert!(demodulate(Isa::Scalar, Modulation::Qpsk, &[Cf32::default()], &[1.0], &mut [0; 3]).is_err());
    assert!(modulate(Modulation::Qam64, &[0], &mut [Cf32::default(); 2]).is_err());
}

#[test] // Spec: TS 38.211 §5.1, §6.3.1.1
fn bits_survive_mapping_scrambling_and_demapping() {
    for scheme in SCHEMES {
        let q = scheme.q_m();
        let n = 120;
        let bits = random_bytes(n * q / 8, 3);
        let sequence = random_bytes(n * q / 8, 4);
        let mut scrambled = bits.clone();
        scramble(&mut scrambled, &sequence);
        let mut symbols = vec![Cf32::default(); n];
        modulate(scheme, &scrambled, &mut symbols).unwrap();
        let mut llrs = vec![0; n * q];
        demodulate(Isa::best(), scheme, &symbols, &vec![0.01; n], &mut llrs).unwrap();
        for isa in Isa::available() {
            // An odd number of times turns the signs once.
            descramble(isa, &mut llrs, &sequence);
            descramble(Isa::Scalar, &mut llrs, &sequence);
        }
        descramble(Isa::best(), &mut llrs, &sequence);
        for (i, llr) in llrs.iter().enumerate() {
            assert_eq!((*llr < 0) as u8, bits[i / 8] >> (7 - i % 8) & 1, "{scheme:?} {i}");
        }
    }
}

#[test] // Spec: TS 38.211 §5.1; vectors: vectors/modulation.txt (py3gpp 0.6.0, seed 511)
fn points_equal_the_independent_model() {
    let mut lines = include_str!("../../../../vectors/modulation.txt").lines();
    for scheme in SCHEMES {
        let (_, hex, cells) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
        let bits: Vec<u8> =
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        let mut symbols = vec![Cf32::default(); 48];
        modulate(scheme, &bits, &mut symbols).unwrap();
        for (symbol, cell) in symbols.iter().zip(cells.split(' ')) {
            let (re, im) = cell.split_once(',').unwrap();
            let expected = Cf32::new(re.parse::<f32>().unwrap(), im.parse::<f32>().unwrap()) * 1e-6;
            assert!((symbol - expected).norm_sqr() < 1e-11, "{scheme:?}: {symbol} {expected}");
        }
    }
    assert!(lines.next().is_none());
}
