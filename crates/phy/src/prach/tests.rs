//! Transmitter to detector.

use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::*;
use nr::Pci;

/// A cell with `n_rb` at `numerology`; only the uplink and the random access matter.
pub fn cell(numerology: Numerology, n_rb: u16, duplex: Duplex, rach: RachConfig) -> CellConfig {
    let carrier = CarrierConfig { numerology, n_rb, point_a_hz: 3.5e9, offset_to_carrier: 0 };
    let bwp = Bwp { id: 0, start_rb: 0, n_rb };
    let dmrs =
        DmrsConfig { config_type: 1, type_a_position: 2, additional_position: 1, max_length: 1, scrambling_id: [1, 1] };
    CellConfig {
        pci: Pci::new(1).unwrap(),
        dl: carrier,
        ul: carrier,
        duplex,
        ssb: SsbConfig {
            numerology,
            case: SsbCase::C,
            l_max: 8,
            positions_in_burst: 1,
            period_ms: 20,
            offset_to_point_a: 0,
            k_ssb: 0,
            frequency_hz: 3.5e9,
            block_power_dbm: 0,
        },
        initial_dl_bwp: bwp,
        coreset0_pattern: 1,
        coreset0_bwp: bwp,
        initial_ul_bwp: bwp,
        coresets: vec![],
        search_spaces: vec![],
        ss_sib1: 0,
        ss_ra: 1,
        paging: None,
        pdsch: PdschConfig {
            time_allocations: vec![],
            dmrs,
            n_id: 1,
            mcs_table: McsTable::Qam64,
            rbg_config2: false,
            resource_allocation: Default::default(),
            vrb_interleaver: None,
            x_overhead: 0,
            max_layers: 1,
            options: Default::default(),
        },
        pusch: PuschConfig {
            time_allocations: vec![],
            dmrs,
            n_id: 1,
            mcs_table: McsTable::Qam64,
            transform_precoding: false,
            resource_allocation: Default::default(),
            x_overhead: 0,
            max_layers: 1,
            beta_offset_ack: [9; 3],
            beta_offset_csi1: [6; 2],
            beta_offset_csi2: [6; 2],
            uci_scaling: 1.0,
            p0_dbm: -90,
            alpha: 1.0,
            msg3_delta_preamble_db: 0,
            options: Default::default(),
        },
        pucch: PucchConfig::default(),
        rach,
        n_ta_offset_tc: 0,
        p_max_dbm: 23,
    }
}

pub fn rach(configuration_index: u16, long: bool, numerology: Numerology, zcz: u8, root: u16) -> RachConfig {
    RachConfig {
        configuration_index,
        msg1_fdm: 1,
        msg1_frequency_start: 4,
        zero_correlation_zone: zcz,
        root_sequence_index: root,
        long_sequence: long,
        msg1_numerology: numerology,
        restricted_set: 0,
        preamble_target_power_dbm: -100,
        power_ramping_step_db: 2,
        preamble_trans_max: 10,
        ra_response_window_slots: 20,
        contention_resolution_timer_ms: 64,
        n_preambles: 64,
        cb_preambles_per_ssb: 64,
        rsrp_threshold_dbm: None,
    }
}

pub const TDD: Duplex =
    Duplex::Tdd(TddPattern { period_slots: 5, dl_slots: 3, dl_symbols: 10, ul_slots: 1, ul_symbols: 2 });

/// The first slot with an occasion, and its occasions.
pub fn occasions(g: &PrachGeometry) -> (SlotPoint, Vec<PrachOccasion>) {
    let mu = g.carrier().numerology();
    (0..16 * mu.slots_per_frame())
        .map(|i| SlotPoint::from_count(mu, i as i64))
        .find_map(|slot| {
            let list: Vec<_> = g
                .configuration()
                .occasions(slot)
                .map(|t| PrachOccasion { start_symbol: t.start_symbol, t_id: t.t_id, s_id: t.s_id, f_id: 0 })
                .collect();
            (!list.is_empty()).then_some((slot, list))
        })
        .unwrap()
}

/// Shapes that are tried: (numerology, n_rb, duplex, configuration index, long, zcz).
fn shapes() -> Vec<(Numerology, u16, Duplex, u16, bool, u8)> {
    let (k15, k30) = (Numerology::KHZ15, Numerology::KHZ30);
    vec![
        (k15, 52, Duplex::Fdd, 16, true, 5),
        (k30, 51, TDD, 7, true, 12),
        (k15, 106, Duplex::Fdd, 28, true, 8),
        (k15, 52, Duplex::Fdd, 53, true, 9),
        (k15, 52, Duplex::Fdd, 60, true, 10),
        (k30, 51, TDD, 77, false, 11),
        (k30, 51, TDD, 100, false, 11),
        (k30, 106, TDD, 122, false, 8),
        (k30, 51, TDD, 140, false, 11),
        (k30, 273, TDD, 160, false, 11),
        (k30, 51, TDD, 179, false, 13),
        (k30, 51, TDD, 203, false, 12),
        (k30, 51, TDD, 218, false, 12),
        (k15, 52, Duplex::Fdd, 200, false, 10),
    ]
}

/// Adds a signal delayed by `delay_s` (windowed sine over 32 samples) and turned by `cfo_hz`.
pub fn add_delayed(out: &mut [Cf32], signal: &[Cf32], at: usize, delay_s: f64, cfo_hz: f64, rate: f64, gain: f32) {
    let whole = (delay_s * rate).floor();
    let fraction = delay_s * rate - whole;
    let taps: Vec<f32> = (-15..=16)
        .map(|t| {
            let x = t as f64 - fraction;
            let sinc = if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
            (sinc * (0.5 + 0.5 * (std::f64::consts::PI * x / 17.0).cos())) as f32
        })
        .collect();
    for (i, o) in out.iter_mut().enumerate() {
        let from = i as i64 - at as i64 - whole as i64;
        let mut y = Cf32::default();
        for (t, tap) in (-15..=16).zip(&taps) {
            if let Some(x) = usize::try_from(from - t).ok().and_then(|i| signal.get(i)) {
                y += x * *tap;
            }
        }
        let z = dsp::unit_phasor(cfo_hz * i as f64 / rate + 0.2);
        *o += y * Cf32::new(z.re as f32, z.im as f32) * gain;
    }
}

#[test] // Spec: TS 38.211 §6.3.3.1
fn the_closed_form_is_the_transform() {
    for (l, u) in [(139usize, 1u16), (139, 77), (839, 129), (839, 838)] {
        let mut y = vec![Cf32::default(); l];
        sequence(u, &mut y);
        for k in [0, 1, 2, l / 2, l - 1] {
            let mut sum = Cf64::new(0.0, 0.0);
            for m in 0..l {
                let phase = -((u as usize * m * (m + 1)) as f64) / (2 * l) as f64 - (m * k) as f64 / l as f64;
                sum += unit_phasor(phase);
            }
            sum /= (l as f64).sqrt();
            let e = Cf32::new(sum.re as f32, sum.im as f32);
            assert!((y[k] - e).norm_sqr() < 1e-8, "{l} {u} {k}: {} {e}", y[k]);
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.3, §5.3.2, TS 38.213 §4.2
fn preambles_are_found_with_their_delay() {
    for (mu, n_rb, duplex, index, long, zcz) in shapes() {
        let cell = cell(mu, n_rb, duplex, rach(index, long, mu, zcz, 20));
        let carrier = Carrier::new(mu, n_rb as usize, 0.0).unwrap();
        let mut tx = PrachTransmitter::new(Isa::best(), &cell, carrier).unwrap();
        let mut rx = PrachReceiver::new(Isa::best(), &cell, carrier).unwrap();
        let rate = carrier.sample_rate_hz() as f64;
        let (slot, list) = occasions(tx.geometry());
        let mut noise = Gaussian::new(8, Isa::best());
        for (round, occasion) in list.iter().enumerate() {
            let window = tx.geometry().window(slot, occasion);
            let mut samples = vec![Cf32::default(); window.len() + 400];
            // SNR a subcarrier of -6 dB: noise of power 1 a sample, signal 1 over L of N bins.
            let gain = (0.25 * tx.geometry().l_ra() as f32 / window.sequence_len as f32).sqrt();
            noise.fill(&mut samples, 1.0);
            let idx = (7 + 31 * round as u8) % 64;
            let delay_s = 0.6e-6 + 0.13e-6 * round as f64;
            let mut signal = vec![];
            tx.generate(idx, slot, occasion, &mut signal).unwrap();
            assert_eq!(signal.len(), window.len());
            add_delayed(&mut samples, &signal, 0, delay_s, 60.0, rate, gain);
            let mut found = vec![];
            rx.detect(&[&samples[..window.len()]], slot, occasion, |d| found.push(d)).unwrap();
            assert_eq!(found.len(), 1, "{index} {occasion:?}: {found:?}");
            assert_eq!(found[0].preamble, idx, "{index} {found:?}");
            let error = (found[0].delay_s - delay_s).abs();
            assert!(error < if long { 0.25e-6 } else { 0.13e-6 }, "{index}: {error} {found:?}");
            assert!((found[0].snr_db + 6.0).abs() < 3.0, "{index}: {found:?}");
            let expected = gain * gain;
            assert!((found[0].power / expected - 1.0).abs() < 0.6, "{} {expected}", found[0].power);
            let steps = delay_s / timing_advance_step_s(mu);
            assert!((found[0].timing_advance as f64 - steps).abs() <= 1.0, "{steps} {found:?}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.3.1, §6.3.3.2 (several preambles and frequency occasions at once)
fn many_preambles_at_once_and_in_two_frequency_occasions() {
    let mu = Numerology::KHZ30;
    let mut r = rach(160, false, mu, 11, 0);
    r.msg1_fdm = 2;
    let cell = cell(mu, 51, TDD, r);
    let carrier = Carrier::new(mu, 51, 0.0).unwrap();
    let mut tx = PrachTransmitter::new(Isa::best(), &cell, carrier).unwrap();
    let mut rx = PrachReceiver::new(Isa::best(), &cell, carrier).unwrap();
    let (slot, list) = occasions(tx.geometry());
    let mut occasion = list[0];
    let window = tx.geometry().window(slot, &occasion);
    let mut samples = [vec![Cf32::default(); window.len()], vec![Cf32::default(); window.len()]];
    let mut noise = Gaussian::new(9, Isa::best());
    for s in &mut samples {
        noise.fill(s, 1.0);
    }
    let gain = (2.0 * 139.0 / window.sequence_len as f32).sqrt();
    let sent: [Vec<u8>; 2] = [vec![0, 1, 2, 9, 17, 33, 40, 63], vec![5, 50]];
    for (f_id, list) in sent.iter().enumerate() {
        occasion.f_id = f_id as u8;
        for (i, idx) in list.iter().enumerate() {
            let mut signal = vec![];
            tx.generate(*idx, slot, &occasion, &mut signal).unwrap();
            for s in &mut samples {
                add_delayed(s, &signal, 0, 0.2e-6 * i as f64, 30.0 * i as f64, 23.04e6, gain * [1.0, 0.7][i % 2]);
            }
        }
    }
    for (f_id, list) in sent.iter().enumerate() {
        occasion.f_id = f_id as u8;
        let mut found = vec![];
        rx.detect(&[&samples[0], &samples[1]], slot, &occasion, |d| found.push(d.preamble)).unwrap();
        assert_eq!(&found, list);
    }
}

#[test] // Spec: TS 38.211 §6.3.3 (detection)
fn a_strong_preamble_casts_no_ghosts_and_noise_is_silent() {
    for (mu, n_rb, duplex, index, long, zcz) in shapes() {
        let cell = cell(mu, n_rb, duplex, rach(index, long, mu, zcz, 3));
        let carrier = Carrier::new(mu, n_rb as usize, 0.0).unwrap();
        let mut tx = PrachTransmitter::new(Isa::best(), &cell, carrier).unwrap();
        let mut rx = PrachReceiver::new(Isa::best(), &cell, carrier).unwrap();
        let (slot, list) = occasions(tx.geometry());
        let occasion = list[0];
        let window = tx.geometry().window(slot, &occasion);
        let mut samples = vec![Cf32::default(); window.len()];
        let mut noise = Gaussian::new(10, Isa::best());
        for idx in [0u8, 1, 6, 31, 63] {
            let gain = (1000.0 * tx.geometry().l_ra() as f32 / window.sequence_len as f32).sqrt();
            noise.fill(&mut samples, 1.0);
            let mut signal = vec![];
            tx.generate(idx, slot, &occasion, &mut signal).unwrap();
            let delay_s = 0.05e-6 + 0.11e-6 * idx as f64 % 0.9e-6;
            let cfo_hz = if long { 100.0 } else { 300.0 };
            add_delayed(&mut samples, &signal, 0, delay_s, cfo_hz, carrier.sample_rate_hz() as f64, gain);
            let mut found = vec![];
            rx.detect(&[&samples], slot, &occasion, |d| found.push(d.preamble)).unwrap();
            assert_eq!(found, [idx], "{index}");
        }
        let rounds = if long { 30 } else { 200 };
        let mut alarms = 0;
        for _ in 0..rounds {
            noise.fill(&mut samples, 1.0);
            rx.detect(&[&samples], slot, &occasion, |_| alarms += 1).unwrap();
        }
        assert!(alarms <= 1, "{index}: {alarms} of {rounds}");
    }
}

#[test] // Spec: TS 38.211 §6.3.3
fn what_does_not_fit_is_an_error_and_bad_numbers_do_not_panic() {
    let mu = Numerology::KHZ30;
    let carrier = Carrier::new(mu, 51, 0.0).unwrap();
    let new = |r: RachConfig| PrachReceiver::new(Isa::best(), &cell(mu, 51, TDD, r), carrier).map(|_| ());
    let good = rach(160, false, mu, 11, 0);
    assert!(new(good).is_ok());
    assert!(new(RachConfig { restricted_set: 1, ..good }).is_err());
    assert!(new(RachConfig { long_sequence: true, ..good }).is_err());
    assert!(new(RachConfig { msg1_numerology: Numerology::KHZ15, ..good }).is_err());
    assert!(new(RachConfig { configuration_index: 300, ..good }).is_err());
    assert!(new(RachConfig { zero_correlation_zone: 16, ..good }).is_err());
    assert!(new(RachConfig { msg1_frequency_start: 45, ..good }).is_err());
    assert!(new(RachConfig { msg1_fdm: 3, ..good }).is_err());
    let mut rx = PrachReceiver::new(Isa::best(), &cell(mu, 51, TDD, good), carrier).unwrap();
    let (slot, list) = occasions(rx.geometry());
    let mut samples = vec![Cf32::default(); rx.geometry().window(slot, &list[0]).len()];
    assert!(rx.detect(&[&samples[1..]], slot, &list[0], |_| {}).is_err());
    assert!(rx.detect(&[], slot, &list[0], |_| {}).is_err());
    for value in [0.0, f32::NAN, f32::INFINITY, 1e38] {
        samples.fill(Cf32::new(value, value));
        rx.detect(&[&samples], slot, &list[0], |d| panic!("{value}: {d:?}")).unwrap();
    }
}

#[test] // Spec: TS 38.211 §5.3.2, §6.3.3; vectors: vectors/prach.txt (second derivation)
fn samples_equal_the_sums_of_the_clause() {
    let mut lines = include_str!("../../../../vectors/prach.txt").lines();
    let mut n_vectors = 0;
    while let Some(head) = lines.next() {
        let n: Vec<i64> = head.split(' ').map(|v| v.parse().unwrap()).collect();
        let mu = Numerology::from_scs_khz(n[0] as u32).unwrap();
        let duplex = if n[3] == 0 { Duplex::Fdd } else { TDD };
        let long = configuration(n[3] == 0, n[4] as u16).unwrap().format.is_long();
        let mut r = rach(n[4] as u16, long, mu, n[5] as u8, n[6] as u16);
        (r.msg1_fdm, r.msg1_frequency_start) = (n[7] as u8, n[8] as u16);
        let carrier = Carrier::with_fft_len(mu, n[1] as usize, n[2] as usize, 0.0).unwrap();
        let cell = cell(mu, n[1] as u16, duplex, r);
        let mut tx = PrachTransmitter::new(Isa::best(), &cell, carrier).unwrap();
        let slot = SlotPoint::new(mu, 1, n[9] as u32);
        let occasion = PrachOccasion { start_symbol: n[10] as u8, t_id: 0, s_id: 0, f_id: n[11] as u8 };
        let mut signal = vec![];
        tx.generate(n[12] as u8, slot, &occasion, &mut signal).unwrap();
        assert_eq!(signal.len() as i64, n[13], "{n:?}");
        for cell in lines.next().unwrap().split(' ') {
            let v: Vec<i64> = cell.split(',').map(|v| v.parse().unwrap()).collect();
            let expected = Cf32::new(v[1] as f32, v[2] as f32) * 1e-6;
            assert!((signal[v[0] as usize] - expected).norm_sqr() < 1e-8, "{n:?} {}: {expected}", v[0]);
        }
        n_vectors += 1;
    }
    assert_eq!(n_vectors, 15);
}
