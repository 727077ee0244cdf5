//! The estimator against known channels.

use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa, unit_phasor};
use fapi::{DmrsPdu, RbAllocation};
use nr::{Numerology, SlotPoint};
use ofdm::Grid;

fn dmrs(config_type: u8, symbols: u16, ports: u16, groups: u8) -> DmrsPdu {
    DmrsPdu { symbols, config_type, n_id: 321, n_scid: 0, ports, n_cdm_groups_without_data: groups, reference_rb: -7 }
}

/// Multiplies symbol `l`, subcarrier `k` by the channel: two taps, a delay and a frequency offset.
fn channel(k: usize, l: usize, delay: f64, turns: f64, echo: f64) -> Cf32 {
    let z = unit_phasor(turns * l as f64 - delay * k as f64)
        * (1.0 + echo * unit_phasor(-0.02 * k as f64) + dsp::Cf64::new(0.0, 0.0));
    Cf32::new(z.re as f32, z.im as f32)
}

struct Case {
    dmrs: DmrsPdu,
    rbs: RbAllocation,
    snr_db: f64,
    delay: f64,
    turns: f64,
    echo: f64,
}

/// Runs one estimate and returns it with its mean squared error over the channel's power.
fn run(case: &Case, seed: u64) -> (ChannelEstimate, f64) {
    let slot = SlotPoint::new(Numerology::KHZ30, 3, 4);
    let n_rb = 51;
    let mut grid = Grid::new(1, n_rb * 12);
    let mut scratch = vec![Cf32::default(); n_rb * 6];
    dmrs::map(&mut grid, 0, slot, &case.rbs, &case.dmrs, case.dmrs.ports.trailing_zeros() as u8, 1.0, &mut scratch)
        .unwrap();
    let mut noise = Gaussian::new(seed, Isa::best());
    let noise_var = 10f64.powf(-case.snr_db / 10.0);
    for l in 0..14 {
        for (k, cell) in grid.symbol_mut(0, l).iter_mut().enumerate() {
            *cell *= channel(k, l, case.delay, case.turns, case.echo);
        }
        noise.add(grid.symbol_mut(0, l), noise_var as f32);
    }
    let mut estimator = SharedEstimator::new(Isa::best(), n_rb, 1, 1);
    let mut est = estimator.make_estimate();
    estimator.estimate(&grid, slot, &case.rbs, &case.dmrs, &mut est).unwrap();
    let (mut error, mut power) = (0.0f64, 0.0f64);
    for l in 2..14 {
        let mut i = 0;
        for rb in case.rbs.iter() {
            for k in rb as usize * 12..rb as usize * 12 + 12 {
                let h: Cf32 = est.weights(l).iter().enumerate().map(|(j, w)| est.h(j, 0, 0)[i] * *w).sum();
                let h = h * est.rotation(l);
                let truth = channel(k, l, case.delay, case.turns, case.echo);
                error += f64::from((h - truth).norm_sqr());
                power += f64::from(truth.norm_sqr());
                i += 1;
            }
        }
    }
    (est, error / power)
}

const FULL: RbAllocation = RbAllocation::Contiguous { start: 0, n_rb: 51 };

#[test] // Spec: TS 38.211 §6.4.1.1
fn flat_delayed_channel_is_found_with_a_tenth_of_the_noise() {
    for (config_type, symbols, groups, ports) in [
        (1, 1 << 2, 2, 1),
        (1, 1 << 2 | 1 << 11, 2, 2),
        (1, 4, 2, 8),
        (2, 1 << 3, 3, 1),
        (2, 8, 2, 8),
        (1, 1 << 2, 1, 1),
    ] {
        for snr_db in [0.0, 10.0, 30.0] {
            let case = Case {
                dmrs: dmrs(config_type, symbols, ports, groups),
                rbs: FULL,
                snr_db,
                delay: 0.013,
                turns: 0.0,
                echo: 0.0,
            };
            let (est, mse) = run(&case, 1);
            let noise = 10f64.powf(-snr_db / 10.0);
            assert!(mse < 0.2 * noise, "type {config_type} {snr_db} dB: {mse}");
            assert!((est.noise_var as f64 / noise - 1.0).abs() < 0.3, "{} {noise}", est.noise_var);
            let delay_s = 0.013 / 30e3;
            assert!((est.delay_s - delay_s).abs() < 0.1e-6, "{} {delay_s}", est.delay_s);
            // Of 200 noisy elements, three and a half deviations.
            assert!((f64::from(est.rsrp) - 1.0).abs() < 0.02 + 0.3 * noise.sqrt(), "{} at {snr_db} dB", est.rsrp);
        }
    }
}

#[test] // Spec: TS 38.211 §6.4.1.1, TS 38.104 §8.2.7.2 (a delay of a quarter of the cyclic prefix, 10 dB below the noise)
fn a_delay_is_found_in_deep_noise() {
    for delay in [-0.017, 0.017] {
        let (mut found, mut sum) = (0, 0.0);
        for seed in 0..20 {
            let dmrs = dmrs(1, 1 << 2 | 1 << 11, 1, 2);
            let case = Case { dmrs, rbs: FULL, snr_db: -10.0, delay, turns: 0.0, echo: 0.0 };
            let (est, mse) = run(&case, seed);
            found += u32::from((est.delay_s * 30e3 - delay).abs() < 0.006);
            sum += mse / 20.0;
        }
        assert!(found >= 18 && sum < 0.3, "{delay}: {found} {sum}");
    }
}

#[test] // Spec: TS 38.211 §6.4.1.1
fn frequency_offset_between_symbols_is_followed() {
    let case = Case {
        dmrs: dmrs(1, 1 << 2 | 1 << 11, 1, 2),
        rbs: RbAllocation::Contiguous { start: 4, n_rb: 24 },
        snr_db: 20.0,
        delay: -0.004,
        turns: 0.02,
        echo: 0.0,
    };
    let (est, mse) = run(&case, 2);
    assert!((est.turns_per_symbol.unwrap() - 0.02).abs() < 1e-3);
    assert_eq!(est.n_times(), 1);
    assert!(mse < 0.003, "{mse}");
}

#[test] // Spec: TS 38.104 §8.2.4.2, §G.3 (1740 Hz at 15 kHz between DM-RS symbols 2, 7 and 11)
fn more_than_half_a_turn_between_symbols_is_followed() {
    for turns in [-0.124, -0.1, -0.05, 0.0, 0.05, 0.09, 0.11, 0.124] {
        for snr_db in [0.0, 20.0] {
            let case = Case {
                dmrs: dmrs(1, 1 << 2 | 1 << 7 | 1 << 11, 1, 2),
                rbs: RbAllocation::Contiguous { start: 4, n_rb: 24 },
                snr_db,
                delay: -0.004,
                turns,
                echo: 0.0,
            };
            let (est, mse) = run(&case, 2);
            assert!((f64::from(est.turns_per_symbol.unwrap()) - turns).abs() < 3e-3, "{turns} {snr_db}");
            assert!(mse < 0.05, "{turns} {snr_db}: {mse}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.4.1.1
fn echoes_are_kept_and_small_or_broken_allocations_work() {
    let mut bitmap = [0u64; 5];
    bitmap[0] = 0b1111_0000_0011_1111_1111_0001_0000;
    for rbs in [FULL, RbAllocation::Bitmap(bitmap), RbAllocation::Contiguous { start: 50, n_rb: 1 }] {
        for config_type in [1, 2] {
            let case = Case {
                dmrs: dmrs(config_type, 1 << 2 | 1 << 7 | 1 << 11, 1, 2),
                rbs,
                snr_db: 25.0,
                delay: 0.01,
                turns: 0.003,
                echo: 0.5,
            };
            let (_, mse) = run(&case, 3);
            let most = if config_type == 1 { 0.004 } else { 0.01 };
            assert!(mse < most, "type {config_type} {rbs:?}: {mse}");
        }
    }
}

#[test] // Spec: TS 38.211 §7.4.1.1.2 (tables 7.4.1.1.2-1 and -2)
fn port_tables() {
    let p = |t, p| Port::new(t, p).map(|x| (x.cdm_group, x.delta, x.w_f, x.w_t));
    assert_eq!(p(1, 0), Some((0, 0, 1, 1)));
    assert_eq!(p(1, 3), Some((1, 1, -1, 1)));
    assert_eq!(p(1, 5), Some((0, 0, -1, -1)));
    assert_eq!(p(1, 8), None);
    assert_eq!(p(2, 4), Some((2, 4, 1, 1)));
    assert_eq!(p(2, 7), Some((0, 0, -1, -1)));
    assert_eq!(p(2, 11), Some((2, 4, -1, -1)));
}
use dmrs::Port;

#[test] // Spec: TS 38.211 §6.4.1.1
fn nonsense_is_an_error_and_bad_numbers_do_not_panic() {
    let slot = SlotPoint::default();
    let mut estimator = SharedEstimator::new(Isa::Scalar, 11, 1, 1);
    let mut est = estimator.make_estimate();
    let mut grid = Grid::new(1, 11 * 12);
    let good = dmrs(1, 4, 1, 2);
    let outside = RbAllocation::Contiguous { start: 5, n_rb: 7 };
    assert!(estimator.estimate(&grid, slot, &outside, &good, &mut est).is_err());
    let empty = RbAllocation::Bitmap([0; 5]);
    assert!(estimator.estimate(&grid, slot, &empty, &good, &mut est).is_err());
    let inside = RbAllocation::Contiguous { start: 5, n_rb: 6 };
    for bad in [dmrs(3, 4, 1, 2), dmrs(1, 0, 1, 2), dmrs(1, 4, 0, 2), dmrs(1, 4, 16, 2), dmrs(1, 4, 15, 0)] {
        assert!(estimator.estimate(&grid, slot, &inside, &bad, &mut est).is_err());
    }
    for value in [0.0, f32::NAN, f32::INFINITY, 1e38] {
        grid.elements_mut().fill(Cf32::new(value, value));
        estimator.estimate(&grid, slot, &inside, &good, &mut est).unwrap();
    }
}

#[test] // Spec: TS 38.211 §6.4.1.1
fn every_instruction_set_gives_the_same_estimate() {
    let slot = SlotPoint::default();
    let mut grid = Grid::new(2, 51 * 12);
    Gaussian::new(9, Isa::Scalar).fill(grid.elements_mut(), 1.0);
    let mut bits: Option<Vec<(u32, u32)>> = None;
    for isa in Isa::available() {
        let mut estimator = SharedEstimator::new(isa, 51, 2, 2);
        let mut est = estimator.make_estimate();
        estimator.estimate(&grid, slot, &FULL, &dmrs(1, 4 | 256, 3, 2), &mut est).unwrap();
        let new: Vec<_> =
            (0..4).flat_map(|i| est.h(0, i / 2, i % 2)).map(|h| (h.re.to_bits(), h.im.to_bits())).collect();
        assert_eq!(bits.get_or_insert_with(|| new.clone()), &new, "{isa}");
    }
}
