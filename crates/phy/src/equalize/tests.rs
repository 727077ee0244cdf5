//! Equalisers against known channels, through the estimator.

use super::*;
use crate::estimate::{SharedEstimator, dmrs};
use crate::modulation::{Modulation, modulate};
use dsp::noise::Gaussian;
use fapi::{DmrsPdu, RbAllocation};
use nr::{Numerology, SlotPoint};
use ofdm::Grid;

/// Sends random QPSK over `n_layers` and a random `n_rx` by `n_layers` channel; returns (error power, mean stated noise).
fn link(isa: Isa, n_layers: usize, n_rx: usize, noise_var: f32) -> (f32, f32) {
    let rbs = RbAllocation::Contiguous { start: 2, n_rb: 20 };
    let slot = SlotPoint::new(Numerology::KHZ30, 0, 9);
    let dmrs = DmrsPdu {
        symbols: 1 << 2 | 1 << 11,
        config_type: 1,
        n_id: 5,
        n_scid: 0,
        ports: (1 << n_layers) - 1,
        n_cdm_groups_without_data: 2,
        reference_rb: 0,
    };
    let mut tx = Grid::new(n_layers, 25 * 12);
    let mut scratch = vec![ZERO; 25 * 6];
    let mut sent = vec![vec![ZERO; 240]; n_layers];
    for layer in 0..n_layers {
        dmrs::map(&mut tx, layer, slot, &rbs, &dmrs, layer as u8, 1.0, &mut scratch).unwrap();
        let bits: Vec<u8> = (0..60).map(|i| (i * 37 + 101 * layer + 11) as u8).collect();
        modulate(Modulation::Qpsk, &bits, &mut sent[layer]).unwrap();
        tx.symbol_mut(layer, 5)[24..264].copy_from_slice(&sent[layer]);
    }
    let mut noise = Gaussian::new(17, Isa::Scalar);
    let mut h = [[ZERO; 4]; 4];
    h.iter_mut().for_each(|row| noise.fill(row, 1.0));
    let mut rx = Grid::new(n_rx, 25 * 12);
    for l in 0..14 {
        for r in 0..n_rx {
            for layer in 0..n_layers {
                let from: Vec<Cf32> = tx.symbol(layer, l).to_vec();
                dsp::vector::add_scaled(Isa::Scalar, rx.symbol_mut(r, l), &from, h[r][layer]);
            }
            noise.add(rx.symbol_mut(r, l), noise_var);
        }
    }
    let mut estimator = SharedEstimator::new(isa, 25, n_rx, n_layers);
    let mut est = estimator.make_estimate();
    estimator.estimate(&rx, slot, &rbs, &dmrs, &mut est).unwrap();
    let mut equalizer = Equalizer::new(isa, 240, n_rx, n_layers);
    let mut out = vec![ZERO; 240 * n_layers];
    let mut stated = vec![0.0; 240 * n_layers];
    let y: Vec<&[Cf32]> = (0..n_rx).map(|r| &rx.symbol(r, 5)[24..264]).collect();
    equalizer.equalize(&est, 5, &y, &mut out, &mut stated);
    let error: f32 = (0..240 * n_layers).map(|i| (out[i] - sent[i % n_layers][i / n_layers]).norm_sqr()).sum();
    let n = (240 * n_layers) as f32;
    (error / n, stated.iter().sum::<f32>() / n)
}

#[test] // Spec: TS 38.211 §6.3.1.3 (layer mapping, inverse)
fn layers_come_apart_and_the_stated_noise_is_the_real_one() {
    for (n_layers, n_rx) in [(1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (3, 4), (4, 4)] {
        for noise_var in [1e-2, 1e-4] {
            let (error, stated) = link(Isa::best(), n_layers, n_rx, noise_var);
            let ratio = error / stated;
            assert!((0.6..2.0).contains(&ratio), "{n_layers} layers, {n_rx} antennas: {error} {stated}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.1.3 (layer mapping, inverse)
fn every_instruction_set_gives_the_same_symbols() {
    for (n_layers, n_rx) in [(1, 1), (1, 2), (2, 2), (2, 4), (3, 4), (4, 4)] {
        let expected = link(Isa::Scalar, n_layers, n_rx, 0.1);
        for isa in Isa::available() {
            assert_eq!(link(isa, n_layers, n_rx, 0.1), expected, "{isa}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.1.3 (layer mapping, inverse)
fn pieces_are_the_whole() {
    let rbs = RbAllocation::Contiguous { start: 0, n_rb: 85 };
    let slot = SlotPoint::new(Numerology::KHZ30, 0, 9);
    for (n_layers, n_rx, isa) in [(1, 1, Isa::best()), (2, 2, Isa::best()), (3, 4, Isa::Scalar)] {
        let dmrs = DmrsPdu {
            symbols: 1 << 2 | 1 << 11,
            config_type: 1,
            n_id: 5,
            n_scid: 0,
            ports: (1 << n_layers) - 1,
            n_cdm_groups_without_data: 2,
            reference_rb: 0,
        };
        let mut rx = Grid::new(n_rx, 85 * 12);
        Gaussian::new(3, Isa::Scalar).fill(rx.elements_mut(), 1.0);
        let mut estimator = SharedEstimator::new(isa, 85, n_rx, n_layers);
        let mut est = estimator.make_estimate();
        estimator.estimate(&rx, slot, &rbs, &dmrs, &mut est).unwrap();
        let mut equalizer = Equalizer::new(isa, 85 * 12, n_rx, n_layers);
        let (mut out, mut noise) = (vec![ZERO; 85 * 12 * n_layers], vec![0.0; 85 * 12 * n_layers]);
        let y: Vec<&[Cf32]> = (0..n_rx).map(|r| rx.symbol(r, 5)).collect();
        equalizer.equalize(&est, 5, &y, &mut out, &mut noise);
        let (mut a, mut b, mut seen) = (vec![ZERO; PIECE * n_layers], vec![0.0; PIECE * n_layers], 0);
        let fits = equalizer.equalize_pieces(&est, 5, &y, &mut a, &mut b, |first, x, n| {
            assert!(first == seen && *x == out[first..first + x.len()] && *n == noise[first..first + n.len()]);
            seen += x.len();
        });
        assert!(fits && seen == out.len());
        assert!(!equalizer.equalize_pieces(&est, 5, &y, &mut a[1..], &mut b, |_, _, _| panic!("too short")));
    }
}

#[test] // Spec: TS 38.211 §6.3.1.3 (layer mapping, inverse)
fn slices_that_do_not_fit_give_infinite_noise() {
    let est = ChannelEstimate::default();
    let mut noise = [0.0; 4];
    Equalizer::new(Isa::Scalar, 12, 1, 1).equalize(&est, 0, &[], &mut [ZERO; 4], &mut noise);
    assert!(noise.iter().all(|n| n.is_infinite()));
}

/// Error power of one layer over four antennas beside an interferer of `power`; with and without whitening, and whether it was worth it.
fn beside_interference(power: f32, seed: u64) -> (f32, f32, bool) {
    let rbs = RbAllocation::Contiguous { start: 0, n_rb: 24 };
    let slot = SlotPoint::new(Numerology::KHZ30, 0, 9);
    let dmrs = DmrsPdu {
        symbols: 1 << 2 | 1 << 11,
        config_type: 1,
        n_id: 5,
        n_scid: 0,
        ports: 1,
        n_cdm_groups_without_data: 2,
        reference_rb: 0,
    };
    let n = 288;
    let mut noise = Gaussian::new(seed, Isa::Scalar);
    let mut tx = Grid::new(1, n);
    dmrs::map(&mut tx, 0, slot, &rbs, &dmrs, 0, 1.0, &mut vec![ZERO; 144]).unwrap();
    let mut sent = vec![ZERO; n];
    modulate(Modulation::Qpsk, &(0..72).map(|i| (i * 57 + 11) as u8).collect::<Vec<_>>(), &mut sent).unwrap();
    tx.symbol_mut(0, 5).copy_from_slice(&sent);
    let mut rx = Grid::new(4, n);
    let (mut h, mut g) = ([ZERO; 4], [ZERO; 4]);
    noise.fill(&mut h, 1.0);
    noise.fill(&mut g, power);
    for l in 0..14 {
        let mut other = vec![ZERO; n];
        noise.fill(&mut other, 1.0);
        for r in 0..4 {
            let row = tx.symbol(0, l).to_vec();
            dsp::vector::add_scaled(Isa::Scalar, rx.symbol_mut(r, l), &row, h[r]);
            dsp::vector::add_scaled(Isa::Scalar, rx.symbol_mut(r, l), &other, g[r]);
            noise.add(rx.symbol_mut(r, l), 0.01);
        }
    }
    let mut estimator = SharedEstimator::new(Isa::best(), 24, 4, 1);
    let mut est = estimator.make_estimate();
    estimator.estimate(&rx, slot, &rbs, &dmrs, &mut est).unwrap();
    let worth_it = est.is_coloured();
    let y: Vec<&[Cf32]> = (0..4).map(|r| rx.symbol(r, 5)).collect();
    let mut error = [0.0; 2];
    for e in &mut error {
        let (mut out, mut stated) = (vec![ZERO; n], vec![0.0; n]);
        Equalizer::new(Isa::best(), n, 4, 1).equalize(&est, 5, &y, &mut out, &mut stated);
        *e = out.iter().zip(&sent).map(|(a, b)| (a - b).norm_sqr()).sum::<f32>() / n as f32;
        est.whiten();
    }
    (error[0], error[1], worth_it)
}

#[test] // Spec: TS 38.101-4 annex B (interference), TS 38.211 §6.4.1.1
fn interference_is_rejected_and_white_noise_is_left_alone() {
    let (mut plain, mut whitened) = (0.0, 0.0);
    for seed in 0..8 {
        let (a, b, worth_it) = beside_interference(1.0, seed);
        assert!(worth_it);
        (plain, whitened) = (plain + a, whitened + b);
        assert!(!beside_interference(0.0, seed).2);
    }
    assert!(whitened < 0.15 * plain, "{whitened} {plain}");
}
