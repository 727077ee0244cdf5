//! The channel between several antennas against closed forms, the specifications' tables and an independent model.

mod common;

use air::mimo::*;
use common::*;
use dsp::{Cf32, Cf64, Isa, unit_phasor};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
const RATE_HZ: f64 = 30_720_000.0;

fn config(model: ChannelModel, n_tx: usize, n_rx: usize, doppler_hz: f64) -> MimoConfig {
    MimoConfig { model, n_tx, n_rx, doppler_hz, ..MimoConfig::default() }
}

fn channel(config: MimoConfig) -> MimoChannel {
    MimoChannel::new(config, Isa::best()).unwrap()
}

fn gains(channel: &MimoChannel) -> Vec<Cf64> {
    channel.path_gains().map(wide).collect()
}

/// Lines of vectors/mimo.txt that begin with `kind`: their words and values.
fn vectors(kind: &str) -> Vec<(Vec<String>, Vec<f64>)> {
    let path = format!("{}/../../vectors/mimo.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let lines = text.lines().filter(|l| l.split(' ').next() == Some(kind));
    lines
        .map(|line| {
            let (words, values) = line.split_once(" : ").unwrap();
            let words = words.split(' ').skip(1).map(String::from).collect();
            (words, values.split(' ').map(|v| v.parse().unwrap()).collect())
        })
        .collect()
}

fn spatial(words: &[String]) -> (Direction, Polarisation, Correlation) {
    let direction = if words[0] == "dl" { Direction::Downlink } else { Direction::Uplink };
    let polarisation = if words[1] == "uniform" { Polarisation::Uniform } else { Polarisation::Cross };
    let level = match words[2].as_str() {
        "low" => Correlation::Low,
        "medium" => Correlation::Medium,
        "medium-a" => Correlation::MediumA,
        _ => Correlation::High,
    };
    (direction, polarisation, level)
}

fn rms_delay(taps: &[(f64, f64)]) -> f64 {
    let power = |t: &(f64, f64)| 10f64.powf(t.1 / 10.0);
    let total: f64 = taps.iter().map(power).sum();
    let mean = taps.iter().map(|t| t.0 * power(t)).sum::<f64>() / total;
    (taps.iter().map(|t| t.0 * t.0 * power(t)).sum::<f64>() / total - mean * mean).sqrt()
}

#[test] // Spec: TR 38.901 §7.7.2 tables 7.7.2-1 to 7.7.2-5, §7.7.1 tables 7.7.1-1 to 7.7.1-5 (delay spread 1), §7.7.6 (K factors)
fn tables_of_38_901_have_unit_delay_spread() {
    for profile in [TdlProfile::A, TdlProfile::B, TdlProfile::C, TdlProfile::D, TdlProfile::E] {
        let spread = rms_delay(profile.taps());
        assert!((spread - 1.0).abs() < 1e-2, "{profile:?}: {spread}");
    }
    for profile in [CdlProfile::A, CdlProfile::B, CdlProfile::C, CdlProfile::D, CdlProfile::E] {
        let taps: Vec<(f64, f64)> = profile.clusters().iter().map(|c| (c.0, c.1)).collect();
        assert!((rms_delay(&taps) - 1.0).abs() < 1e-2, "{profile:?}: {}", rms_delay(&taps));
    }
    for (profile, k) in [(TdlProfile::D, 13.3), (TdlProfile::E, 22.0)] {
        assert!((profile.taps()[0].1 - profile.taps()[1].1 - k).abs() < 1e-9);
    }
}

#[test] // Spec: TS 38.104 §G.2.1, §G.2.2; TS 38.101-4 §B.2.1, §B.2.2 (delay spreads that the names promise, Doppler in the name)
fn conditions_by_name_have_the_delay_spread_of_their_name() {
    for (name, spread_ns, doppler) in [
        ("TDLA30-10", 30.0, 10.0),
        ("TDLA30-300", 30.0, 300.0),
        ("TDLB100-400", 100.0, 400.0),
        ("TDLC300-100", 300.0, 100.0),
        ("TDLC60-300", 60.0, 300.0),
        ("TDLA10-75", 10.0, 75.0),
        ("TDLD30-75", 30.0, 75.0),
        ("TDLD10-35", 10.0, 35.0),
    ] {
        let (model, hz) = ChannelModel::from_name(name).unwrap();
        let ChannelModel::Simplified(profile) = model else { panic!("{name}") };
        assert_eq!(hz, doppler);
        let spread = rms_delay(profile.taps());
        assert!((spread / spread_ns - 1.0).abs() < 0.06, "{name}: {spread} ns");
        // Delays lie on the grid of the clause: 5 ns, 2 ns for the spread of 10 ns.
        let grid = if spread_ns < 20.0 { 2.0 } else { 5.0 };
        assert!(profile.taps().iter().all(|t| t.0 % grid == 0.0), "{name}");
    }
    assert_eq!(ChannelModel::from_name("AWGN"), Ok((ChannelModel::Static, 0.0)));
    let train = ChannelModel::from_name("HST-3-NR500-30").unwrap();
    assert_eq!(train, (ChannelModel::HighSpeedTrain(HighSpeedTrain::NR500_TUNNEL), 3334.0));
    let (model, doppler) = ChannelModel::from_name("HST-972").unwrap();
    let train = HighSpeedTrain { d_s_m: 300.0, d_min_m: 2.0, speed_km_h: 500.0 };
    assert_eq!((model, doppler), (ChannelModel::HighSpeedTrain(train), 972.0));
    for word in [
        "",
        "HST-971",
        "TDLA30",
        "TDLA30-",
        "TDLA30-x",
        "TDLA31-10",
        "HST-1-NR350-60",
        "TDLA30-10001",
        "-",
        "TDLA30--1",
    ] {
        assert!(ChannelModel::from_name(word).is_err(), "{word}");
    }
}

#[test] // Spec: TS 38.104 §G.2.1 (power delay profile), TR 38.901 §7.7.2; unit mean power between any two antennas
fn mean_powers_are_those_of_the_profile() {
    for (model, taps) in [
        (ChannelModel::Simplified(Simplified::B100), Simplified::B100.taps()),
        (ChannelModel::Tdl { profile: TdlProfile::D, delay_spread_ns: 30.0 }, TdlProfile::D.taps()),
    ] {
        let mut channel = channel(config(model, 2, 2, 100.0));
        let mut power = vec![0.0; taps.len()];
        let (seeds, times) = (60, 40);
        for seed in 0..seeds {
            channel.reseed(seed);
            for _ in 0..times {
                for (p, g) in gains(&channel).iter().enumerate() {
                    power[p / 4] += g.norm_sqr() / f64::from(4 * seeds as u32 * times);
                }
                channel.skip(301_011);
            }
        }
        let total: f64 = taps.iter().map(|t| 10f64.powf(t.1 / 10.0)).sum();
        for (got, want) in power.iter().zip(taps) {
            let db = 10.0 * (got * total).log10();
            assert!((db - want.1).abs() < 0.45, "{model:?}: {db} dB, table {} dB", want.1);
        }
        assert!((power.iter().sum::<f64>() - 1.0).abs() < 0.02);
    }
}

#[test] // Spec: TS 38.104 §G.2.2 (classical Doppler spectrum: autocorrelation J_0), up to 500 km/h at 3.5 GHz
fn the_autocorrelation_is_that_of_jakes_spectrum() {
    for doppler in [100.0, 400.0, 1620.0] {
        let mut channel = channel(config(ChannelModel::Simplified(Simplified::C300), 1, 2, doppler));
        let lags = [0.1, 0.2, 0.383, 0.5, 0.7, 1.0, 2.0];
        let mut sums = [Cf64::new(0.0, 0.0); 7];
        let seeds = 400;
        for seed in 0..seeds {
            channel.reseed(seed);
            let first = gains(&channel);
            let mut gone = 0;
            for (sum, lag) in sums.iter_mut().zip(lags) {
                let at = (lag / doppler * RATE_HZ) as u64;
                channel.skip(at - gone);
                gone = at;
                *sum += first.iter().zip(gains(&channel)).map(|(a, b)| a.conj() * b).sum::<Cf64>() / 2.0;
            }
        }
        for (sum, lag) in sums.iter().zip(lags) {
            let got = sum / f64::from(seeds as u32);
            let want = libm::j0(std::f64::consts::TAU * lag);
            assert!((got - want).norm() < 0.06, "{doppler} Hz, lag {lag}: {got}, J0 {want}");
        }
    }
}

#[test] // Spec: TS 38.104 §G.2.3.1, §G.2.3.2; TS 38.101-4 §B.2.3.1, §B.2.3.2; vectors: vectors/mimo.manifest.toml
fn correlation_matrices_equal_the_independent_ones() {
    for (words, want) in vectors("correlation") {
        let (direction, polarisation, level) = spatial(&words);
        let (n_tx, n_rx) = (words[3].parse().unwrap(), words[4].parse().unwrap());
        let got = correlation_matrix(n_tx, n_rx, level, polarisation, direction).unwrap();
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-6), "{words:?}");
    }
    let refused = |n_tx, n_rx, level, polarisation, direction| {
        matches!(correlation_matrix(n_tx, n_rx, level, polarisation, direction), Err(AirError::Unsupported(_)))
    };
    assert!(refused(2, 2, Correlation::MediumA, Polarisation::Uniform, Direction::Uplink));
    assert!(refused(3, 2, Correlation::High, Polarisation::Uniform, Direction::Downlink));
    assert!(refused(2, 1, Correlation::High, Polarisation::Cross, Direction::Downlink));
    assert!(refused(2, 2, Correlation::MediumA, Polarisation::Cross, Direction::Downlink));
}

#[test] // Spec: TS 38.104 §G.2.3; TS 38.101-4 §B.2.3 (measured on the channel); vectors: vectors/mimo.manifest.toml
fn antennas_are_correlated_as_the_matrix_says() {
    for (words, want) in vectors("correlation") {
        let (direction, polarisation, correlation) = spatial(&words);
        let (n_tx, n_rx): (usize, usize) = (words[3].parse().unwrap(), words[4].parse().unwrap());
        let links = n_tx * n_rx;
        let model = ChannelModel::Simplified(Simplified::A30);
        let mut channel =
            channel(MimoConfig { correlation, polarisation, direction, ..config(model, n_tx, n_rx, 0.0) });
        let mut got = vec![Cf64::new(0.0, 0.0); links * links];
        let seeds = 300;
        for seed in 0..seeds {
            channel.reseed(seed);
            // Every path has the same correlation; those of great power are no better witnesses than others.
            for (path, tap) in gains(&channel).chunks(links).zip(Simplified::A30.taps()) {
                let power = 10f64.powf(tap.1 / 10.0);
                for (i, sum) in got.iter_mut().enumerate() {
                    *sum += path[i / links] * path[i % links].conj() / power;
                }
            }
        }
        let scale = got.iter().step_by(links + 1).map(|v| v.re).sum::<f64>() / links as f64;
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            assert!((got / scale - want).norm() < 0.085, "{words:?} {i}: {} not {want}", got / scale);
        }
    }
}

#[test] // Spec: TR 38.901 §7.7.2, §7.7.3 (what a signal meets is the response of the paths)
fn signals_meet_the_response_of_the_paths() {
    let comb = Comb::new(30, 0.4 * RATE_HZ);
    let input: Vec<Cf32> = comb.samples(RATE_HZ as u32, 0, 6000);
    let models = [
        ChannelModel::Static,
        ChannelModel::Simplified(Simplified::C300),
        ChannelModel::Tdl { profile: TdlProfile::E, delay_spread_ns: 100.0 },
        ChannelModel::Cdl { profile: CdlProfile::B, delay_spread_ns: 300.0, arrays: CdlArrays::default() },
    ];
    for model in models {
        let mut channel = channel(config(model, 2, 2, 0.0));
        let silence = vec![ZERO; 6000];
        for tx in 0..2 {
            channel.reseed(5);
            let sent = if tx == 0 { [&input, &silence] } else { [&silence, &input] };
            let mut heard = vec![vec![ZERO; 6000]; 2];
            let late = channel.delay_samples();
            channel.process(6000, &sent, &mut heard).unwrap();
            for (rx, heard) in heard.iter().enumerate() {
                let want: Vec<Cf64> = (1000..6000)
                    .map(|n| {
                        let t = (n as f64 - late as f64) / RATE_HZ;
                        let tone =
                            |&(hz, phase): &(f64, f64)| channel.response(rx, tx, hz) * unit_phasor(hz * t + phase);
                        comb.0.iter().map(tone).sum()
                    })
                    .collect();
                let evm = evm_db(&heard[1000..], &want);
                assert!(evm < -50.0, "{model:?} {tx} to {rx}: {evm} dB");
            }
        }
    }
}

#[test] // Spec: none (house rule: deterministic); cuts, instruction sets, seeds, bursts
fn cuts_and_instruction_sets_change_no_bit_and_seeds_do() {
    let input: Vec<Vec<Cf32>> = (0..2).map(|a| Comb::new(10 + a, 1e7).samples(RATE_HZ as u32, 0, 9000)).collect();
    let model = ChannelModel::Simplified(Simplified::B100);
    let run = |isa, cuts: &[usize], seed| {
        let mut channel = MimoChannel::new(MimoConfig { seed, ..config(model, 2, 3, 1600.0) }, isa).unwrap();
        let mut out = vec![Vec::new(); 3];
        let mut at = 0;
        for &n in cuts {
            let parts: Vec<&[Cf32]> = input.iter().map(|x| &x[at..at + n]).collect();
            let mut heard = vec![vec![ZERO; n]; 3];
            channel.process(n, &parts, &mut heard).unwrap();
            out.iter_mut().zip(heard).for_each(|(out, heard)| out.extend(heard));
            at += n;
        }
        out
    };
    let close = |a: &[Vec<Cf32>], b: &[Vec<Cf32>]| {
        a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).norm() < 2e-5)
    };
    let want = run(Isa::Scalar, &[9000], 1);
    for isa in Isa::available() {
        assert!(run(isa, &[9000], 1) == want, "{isa}");
    }
    // Gains between knots are rounded from where a call begins.
    assert!(close(&run(Isa::best(), &[1, 7, 2500, 2048, 444, 4000], 1), &want));
    assert!(!close(&run(Isa::best(), &[9000], 2), &want));
    let mut channel = channel(config(model, 2, 3, 1600.0));
    let mut heard = vec![vec![ZERO; 9000]; 3];
    channel.reseed(7);
    channel.reseed(1);
    channel.process(9000, &input, &mut heard).unwrap();
    assert!(heard == want);
    channel.reseed(1);
    channel.burst(9000, &input, &mut heard).unwrap();
    let late = channel.delay_samples();
    for (burst, stream) in heard.iter().zip(&want) {
        let error: f32 = burst[..8000].iter().zip(&stream[late..]).map(|(a, b)| (a - b).norm_sqr()).sum();
        let power: f32 = burst[..8000].iter().map(|a| a.norm_sqr()).sum();
        // The gains are those of the output's time, `late` samples earlier.
        assert!(error / power < 1e-4, "{}", error / power);
    }
}

#[test] // Spec: TS 38.104 §G.2 (gains of different seeds and antennas at low correlation are independent)
fn seeds_and_antennas_are_independent() {
    let mut a = channel(config(ChannelModel::Simplified(Simplified::C300), 2, 2, 0.0));
    let (mut across, mut seeds) = (Cf64::new(0.0, 0.0), Cf64::new(0.0, 0.0));
    let mut before = gains(&a);
    for seed in 0..500 {
        a.reseed(seed + 10);
        let now = gains(&a);
        across += now.chunks(4).map(|p| p[0] * p[3].conj()).sum::<Cf64>() / 500.0;
        seeds += now.iter().zip(&before).map(|(x, y)| x * y.conj()).sum::<Cf64>() / 2000.0;
        before = now;
    }
    assert!(across.norm() < 0.06 && seeds.norm() < 0.04, "{across} {seeds}");
}

#[test] // Spec: TS 38.104 §G.3; TS 38.101-4 §B.3.1 (trajectory of the Doppler shift, its integral as phase)
fn a_train_has_the_doppler_shift_of_its_place() {
    let train = HighSpeedTrain::NR350_OPEN;
    let speed = 350.0 / 3.6;
    assert!((train.cosine(0.0) - 350.0 / 350f64.hypot(150.0)).abs() < 1e-12);
    assert!(train.cosine(350.0 / speed).abs() < 1e-9);
    assert!((train.cosine(700.0 / speed + 1e-9) + train.cosine(0.0)).abs() < 1e-6);
    assert!((train.cosine(1400.0 / speed + 0.5) - train.cosine(0.5)).abs() < 1e-9);
    let mut channel = channel(config(ChannelModel::HighSpeedTrain(train), 1, 2, 2334.0));
    let mut t = 0.0;
    for _ in 0..60 {
        let before = gains(&channel)[0];
        channel.skip(3072);
        let turned = (gains(&channel)[0] * before.conj()).arg() / std::f64::consts::TAU;
        let want = 2334.0 * train.cosine(t + 5e-5) * 1e-4;
        assert!((turned - want).abs() < 1e-3, "{t}: {turned} {want}");
        channel.skip(30_720_000 / 4 - 3072);
        t += 0.25;
    }
}

#[test] // Spec: TS 38.104 §G.3 (the test may begin anywhere on the way)
fn a_train_can_be_placed_on_its_way() {
    let train = HighSpeedTrain::NR350_OPEN;
    let mut channel = channel(config(ChannelModel::HighSpeedTrain(train), 1, 2, 2334.0));
    for part in [0.0, 0.1, 0.45, 0.8] {
        channel.place_train(part);
        let before = gains(&channel)[0];
        channel.skip(3072);
        let turned = (gains(&channel)[0] * before.conj()).arg() / std::f64::consts::TAU;
        let want = 2334.0 * train.cosine(part * 1400.0 / (350.0 / 3.6) + 5e-5) * 1e-4;
        assert!((turned - want).abs() < 1e-3, "{part}: {turned} {want}");
    }
}

#[test] // Spec: TS 38.104 §G.4 (the timing moves by A / 2 sin(delta omega t))
fn a_moving_channel_moves_its_timing() {
    let model = ChannelModel::Moving { profile: None, amplitude_us: 10.0, rad_per_s: 10.0 };
    let mut channel = channel(config(model, 1, 1, 0.0));
    let (mut t, n) = (0.0f64, 4096);
    let comb = Comb::new(8, 1e7);
    for _ in 0..12 {
        let input = comb.samples(RATE_HZ as u32, 0, n);
        let mut heard = vec![vec![ZERO; n]];
        let late = channel.delay_samples() as f64;
        channel.process(n, &[&input], &mut heard).unwrap();
        let delay = 5e-6 * (10.0 * t).sin();
        let at = |i: usize| comb.at((i as f64 - late) / RATE_HZ - delay);
        let want: Vec<Cf64> = (1000..4000).map(at).collect();
        let evm = evm_db(&heard[0][1000..4000], &want);
        assert!(evm < -40.0, "{t}: {evm} dB");
        channel.skip(4096 * 100);
        t += 101.0 * 4096.0 / RATE_HZ;
    }
}

#[test] // Spec: TR 38.901 §7.5 (equation 7.5-22), §7.7.1; vectors: vectors/mimo.manifest.toml
fn arrays_of_a_cdl_are_those_of_the_independent_model() {
    for (words, want) in vectors("steering") {
        let value = |i: usize| words[i].parse::<f64>().unwrap();
        let got = steering(words[0].parse().unwrap(), value(1), value(2), value(3));
        assert_eq!(2 * got.len(), want.len());
        assert!(got.iter().zip(want.chunks(2)).all(|(g, w)| (g - Cf64::new(w[0], w[1])).norm() < 1e-6), "{words:?}");
    }
    for (words, want) in vectors("cdl") {
        let profile = match words[0].as_str() {
            "A" => CdlProfile::A,
            "B" => CdlProfile::B,
            "C" => CdlProfile::C,
            "D" => CdlProfile::D,
            _ => CdlProfile::E,
        };
        let direction = if words[1] == "dl" { Direction::Downlink } else { Direction::Uplink };
        let (n, spacing): (usize, f64) = (words[2].parse().unwrap(), words[3].parse().unwrap());
        let arrays = CdlArrays { gnb_spacing: spacing, ue_spacing: spacing, ..CdlArrays::default() };
        let model = ChannelModel::Cdl { profile, delay_spread_ns: 100.0, arrays };
        let mut channel = channel(MimoConfig { direction, ..config(model, n, 1, 0.0) });
        let mut got = vec![Cf64::new(0.0, 0.0); n];
        let seeds = 1500;
        for seed in 0..seeds {
            channel.reseed(seed);
            for path in gains(&channel).chunks(n) {
                got.iter_mut().zip(path).for_each(|(sum, g)| *sum += g * path[0].conj() / f64::from(seeds as u32));
            }
        }
        for (got, want) in got.iter().zip(want.chunks(2)) {
            assert!((got - Cf64::new(want[0], want[1])).norm() < 0.05, "{words:?}: {got} {want:?}");
        }
    }
}

#[test] // Spec: TR 38.901 §7.7.1 (cross-polarisation ratio), §7.5 equation 7.5-22 (Doppler by the angle of arrival)
fn a_cdl_has_its_cross_polarisation_and_doppler() {
    let arrays = CdlArrays { polarisation: Polarisation::Cross, travel_deg: -180.0, ..CdlArrays::default() };
    // The UE's two antennas stand at 0 and 90 degrees, the gNB's at plus and minus 45: all four links have the same power.
    let model = ChannelModel::Cdl { profile: CdlProfile::A, delay_spread_ns: 100.0, arrays };
    let mut crossed = channel(config(model, 2, 2, 0.0));
    let mut power = [0.0; 4];
    for seed in 0..400 {
        crossed.reseed(seed);
        gains(&crossed).chunks(4).for_each(|p| (0..4).for_each(|i| power[i] += p[i].norm_sqr() / 400.0));
    }
    let want = (1.0 + 0.1) / 2.0;
    assert!(power.iter().all(|p| (p / want - 1.0).abs() < 0.15), "{power:?}");
    // CDL-D: the line of sight comes from azimuth -180, zenith 81.5 degrees, straight ahead of the UE.
    let model = ChannelModel::Cdl { profile: CdlProfile::D, delay_spread_ns: 100.0, arrays };
    let mut sight = channel(config(model, 1, 1, 300.0));
    let before = gains(&sight)[0];
    sight.skip(30_720);
    let turned = (gains(&sight)[0] * before.conj()).arg() / std::f64::consts::TAU;
    let want = 300.0 * 81.5f64.to_radians().sin() * 1e-3;
    assert!((turned - want).abs() < 2e-3, "{turned} {want}");
}

#[test] // Spec: TR 38.901 §7.7, TS 38.104 annex G (bad parameters are refused)
fn bad_parameters_are_errors() {
    let made = |c: MimoConfig| MimoChannel::new(c, Isa::Scalar);
    let model = ChannelModel::Simplified(Simplified::A30);
    for (n_tx, n_rx) in [(0, 1), (1, 0), (9, 1), (1, 9), (usize::MAX, 1)] {
        assert!(matches!(made(config(model, n_tx, n_rx, 0.0)), Err(AirError::Antennas { .. })));
    }
    for doppler in [-1.0, 10_001.0, f64::NAN, f64::INFINITY] {
        assert!(made(config(model, 1, 1, doppler)).is_err());
    }
    assert!(made(MimoConfig { sample_rate_hz: 0, ..config(model, 1, 1, 0.0) }).is_err());
    for delay_spread_ns in [-1.0, f64::NAN, 1e9] {
        assert!(made(config(ChannelModel::Tdl { profile: TdlProfile::A, delay_spread_ns }, 1, 1, 0.0)).is_err());
    }
    let train = HighSpeedTrain { d_s_m: 0.0, ..HighSpeedTrain::NR350_OPEN };
    assert!(made(config(ChannelModel::HighSpeedTrain(train), 1, 1, 0.0)).is_err());
    let mut good = made(config(model, 2, 1, 0.0)).unwrap();
    let mut rx = vec![vec![ZERO; 10]];
    assert!(good.process(10, &[&[ZERO; 10][..]], &mut rx).is_err());
    assert!(good.process(11, &[&[ZERO; 11][..], &[ZERO; 11][..]], &mut rx).is_err());
    assert!(good.process(0, &[&[][..], &[][..]] as &[&[Cf32]], &mut rx).is_ok());
}

#[test] // Spec: TS 38.101-4 §B.2.4 (two taps of equal power, the second turns)
fn two_taps_make_notches_that_wander() {
    let (model, doppler) = ChannelModel::from_name("two-tap-0.45-5").unwrap();
    assert_eq!((model, doppler), (ChannelModel::TwoTap { delay_us: 0.45 }, 5.0));
    assert!(ChannelModel::from_name("two-tap-101-5").is_err() && ChannelModel::from_name("two-tap-x-5").is_err());
    let mut channel = channel(config(model, 1, 1, doppler));
    // h(f, t) = (1 + exp(-2 pi i (f tau + f_D t))) / sqrt(2): between nothing and twice the power, and half a period later the other way.
    let power = |c: &MimoChannel, hz: f64| c.response(0, 0, hz).norm_sqr();
    let notch = 0.5 / 0.45e-6;
    assert!((power(&channel, 0.0) - 2.0).abs() < 1e-3 && power(&channel, notch) < 1e-3);
    channel.skip(u64::from(channel.config().sample_rate_hz) / 10);
    assert!(power(&channel, 0.0) < 1e-3 && (power(&channel, notch) - 2.0).abs() < 1e-3);
}
