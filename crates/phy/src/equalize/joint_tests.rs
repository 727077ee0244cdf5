//! Joint detection against all combinations of points.

use super::kernel::Input;
use super::*;
use crate::modulation::{LLR_SCALE, modulate};
use dsp::noise::Gaussian;

/// Points by their bits, first bit most significant.
fn points(scheme: Modulation) -> Vec<Cf32> {
    let q = scheme.q_m();
    let one = |word: usize| {
        let mut out = [ZERO];
        modulate(scheme, &[(word << (8 - q)) as u8, 0], &mut out).unwrap();
        out[0]
    };
    (0..1 << q).map(one).collect()
}

struct Air {
    h: Vec<Vec<Vec<Cf32>>>,
    y: Vec<Vec<Cf32>>,
    noise: f32,
}

/// `n` subcarriers with channels of their own, the second layer's much like the first's.
fn air(scheme: Modulation, n_layers: usize, n_rx: usize, n: usize, noise_var: f32, seed: u64) -> Air {
    let mut noise = Gaussian::new(seed, Isa::Scalar);
    let points = points(scheme);
    let mut h = vec![vec![vec![ZERO; n]; n_layers]; n_rx];
    h.iter_mut().flatten().for_each(|row| noise.fill(row, 1.0));
    for rows in &mut h {
        let first = rows[0].clone();
        rows[1].iter_mut().zip(first).for_each(|(h, f)| *h = *h * 0.4 + f * 0.9);
    }
    let mut state = seed;
    let mut y = vec![vec![ZERO; n]; n_rx];
    for k in 0..n {
        for layer in 0..n_layers {
            let x = points[dsp::noise::split_mix_64(&mut state) as usize % points.len()];
            (0..n_rx).for_each(|rx| y[rx][k] += h[rx][layer][k] * x);
        }
    }
    y.iter_mut().for_each(|row| noise.add(row, noise_var));
    Air { h, y, noise: noise_var }
}

fn detected(isa: Isa, scheme: Modulation, air: &Air) -> Vec<Llr> {
    let (n_layers, n) = (air.h[0].len(), air.y[0].len());
    let mut input =
        Input { h: [[&[]; 4]; RX_MAX], y: [&[]; RX_MAX], n_rx: air.y.len(), rotation: 1.0.into(), noise: air.noise };
    for (rx, rows) in air.h.iter().enumerate() {
        rows.iter().enumerate().for_each(|(layer, row)| input.h[rx][layer] = row);
        input.y[rx] = &air.y[rx];
    }
    let mut llrs = vec![77; n * n_layers * scheme.q_m()];
    assert!(joint::detect(isa, scheme, n_layers, &input, &mut llrs));
    llrs
}

/// Max-log likelihoods by trying everything, not rounded.
fn tried(scheme: Modulation, air: &Air, k: usize) -> Vec<f32> {
    let (n_layers, points, q) = (air.h[0].len(), points(scheme), scheme.q_m());
    let mut least = vec![[f32::INFINITY; 2]; n_layers * q];
    for word in 0..1usize << (q * n_layers) {
        let mut distance = 0.0;
        for (rows, y) in air.h.iter().zip(&air.y) {
            let sent: Cf32 =
                rows.iter().enumerate().map(|(v, h)| h[k] * points[word >> (q * v) & ((1 << q) - 1)]).sum();
            distance += (y[k] - sent).norm_sqr();
        }
        for (v, least) in least.chunks_exact_mut(q).enumerate() {
            for (bit, least) in least.iter_mut().enumerate() {
                let value = word >> (q * v + q - 1 - bit) & 1;
                least[value] = least[value].min(distance);
            }
        }
    }
    least.iter().map(|[zero, one]| (one - zero) * LLR_SCALE / air.noise).collect()
}

/// Mean distance from what trying everything gives, saturated values included.
fn distance(scheme: Modulation, n_layers: usize, n_rx: usize, n: usize, noise_var: f32) -> f32 {
    let air = air(scheme, n_layers, n_rx, n, noise_var, 5);
    let llrs = detected(Isa::best(), scheme, &air);
    let per = n_layers * scheme.q_m();
    let sum: f32 = (0..n)
        .flat_map(|k| tried(scheme, &air, k).into_iter().zip(&llrs[k * per..]))
        .map(|(wanted, llr)| (wanted.clamp(-120.0, 120.0) - f32::from(*llr)).abs())
        .sum();
    sum / (n * per) as f32
}

#[test] // Spec: TS 38.101-4 §5.2.2.1.1 (enhanced receiver type 1), TS 38.211 §5.1 (inverse)
fn two_layers_have_the_exact_likelihoods() {
    for (scheme, n) in [(Modulation::Qpsk, 400), (Modulation::Qam16, 100), (Modulation::Qam64, 20)] {
        for (n_rx, noise_var) in [(2, 0.1), (2, 0.01), (4, 0.03), (1, 0.1)] {
            // What is left is rounding to whole steps.
            let apart = distance(scheme, 2, n_rx, n, noise_var);
            assert!(apart < 0.3, "{scheme:?} on {n_rx} antennas: {apart}");
        }
    }
}

#[test] // Spec: TS 38.101-4 §5.2.3.1.1 (enhanced receiver type 1), TS 38.211 §5.1 (inverse)
fn more_layers_have_nearly_the_exact_likelihoods() {
    for (scheme, n_layers, n) in [(Modulation::Qpsk, 3, 100), (Modulation::Qpsk, 4, 60), (Modulation::Qam16, 3, 20)] {
        let apart = distance(scheme, n_layers, 4, n, 0.1);
        assert!(apart < 3.0, "{scheme:?} in {n_layers} layers: {apart}");
    }
}

#[test] // Spec: TS 38.211 §5.1 (inverse)
fn every_instruction_set_gives_the_same_soft_bits() {
    for scheme in [Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64] {
        for (n_layers, n_rx) in [(2, 2), (2, 1), (3, 4), (4, 4)] {
            if !joint::is_cheap(scheme, n_layers) {
                continue;
            }
            let air = air(scheme, n_layers, n_rx, 53, 0.05, 9);
            let expected = detected(Isa::Scalar, scheme, &air);
            for isa in Isa::available() {
                assert_eq!(detected(isa, scheme, &air), expected, "{isa}");
            }
        }
    }
}

#[test] // Spec: TS 38.211 §5.1 (inverse; what no number is says nothing)
fn numbers_that_are_none_and_no_channel_give_erasures() {
    let mut air = air(Modulation::Qam16, 2, 2, 20, 0.1, 3);
    air.y[0][3] = Cf32::new(f32::NAN, 0.0);
    (0..2).for_each(|rx| (0..2).for_each(|layer| air.h[rx][layer][17] = ZERO));
    let llrs = detected(Isa::best(), Modulation::Qam16, &air);
    assert!(llrs[3 * 8..4 * 8].iter().all(|l| *l == 0));
    assert!(llrs[17 * 8..18 * 8].iter().all(|l| *l == 0), "{:?}", &llrs[17 * 8..18 * 8]);
    let mut none = [0; 8];
    let input = Input { h: [[&[]; 4]; RX_MAX], y: [&[]; RX_MAX], n_rx: 0, rotation: 1.0.into(), noise: 1.0 };
    assert!(!joint::detect(Isa::best(), Modulation::Qam256, 2, &input, &mut none));
    assert!(!joint::detect(Isa::best(), Modulation::Qpsk, 1, &input, &mut none));
}
