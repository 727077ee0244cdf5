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
    for (n_layers, n_rx) in [(1, 1), (1, 2), (2, 2)] {
        let expected = link(Isa::Scalar, n_layers, n_rx, 0.1);
        for isa in Isa::available() {
            assert_eq!(link(isa, n_layers, n_rx, 0.1), expected, "{isa}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.1.3 (layer mapping, inverse)
fn slices_that_do_not_fit_give_infinite_noise() {
    let est = ChannelEstimate::default();
    let mut noise = [0.0; 4];
    Equalizer::new(Isa::Scalar, 12, 1, 1).equalize(&est, 0, &[], &mut [ZERO; 4], &mut noise);
    assert!(noise.iter().all(|n| n.is_infinite()));
}
