//! What comes out of the channel against the closed form of what should.

mod common;

use air::{Air, Fading, Link, LinkConfig, Profile, Tuning, noise_variance, path_loss_db_for, tap_table};
use common::*;
use dsp::{Cf32, Cf64, Isa, unit_phasor, vector};
use node::Rng;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

fn air(links: &[(LinkConfig, Tuning)]) -> Air {
    let mut air = Air::new(cell(), Isa::best(), 1).unwrap();
    for (link, tuning) in links {
        air.add_link(link.clone(), *tuning).unwrap();
    }
    air
}

fn pull(air: &mut Air, n: usize) -> Vec<Cf32> {
    let mut out = vec![ZERO; n];
    air.pull_ue(0, &mut out).unwrap();
    out
}

#[test] // Spec: TR 38.901 §7.7.2 (delay, carrier and clock offsets of the formula, one tap)
fn an_equal_rate_downlink_equals_the_formula() {
    let comb = Comb::new(60, 9.5e6);
    let mut air = air(&[(link(), tuning())]);
    air.push_downlink(&comb.samples(RATE, 0, 60_000));
    let skip = 1000;
    let got = pull(&mut air, 50_000);
    let want: Vec<Cf64> =
        (skip..50_000).map(|m| downlink_value(&comb, &cell(), &link(), CENTRE, m as f64 / f64::from(RATE))).collect();
    let evm = evm_db(&got[skip..], &want);
    assert!(evm < -50.0, "{evm} dB");
}

#[test] // Spec: TR 38.901 §7.7.2 (no drift: the same after a long time)
fn an_offset_clock_is_exact_after_a_long_time() {
    // 0.4 s of silence first: 1.7 + 0.04 ppm are then 16 samples.
    let comb = Comb::new(20, 9.5e6);
    let mut air = air(&[(link(), tuning())]);
    let silence = vec![ZERO; 460_800];
    let mut buffer = vec![ZERO; 460_800];
    for _ in 0..20 {
        air.push_downlink(&silence);
        while air.ue_available(0) > 0 {
            let n = air.ue_available(0).min(buffer.len());
            air.pull_ue(0, &mut buffer[..n]).unwrap();
        }
    }
    let start = 20 * 460_800;
    air.push_downlink(&comb.samples(RATE, start, 20_000));
    let first = air.link(0).unwrap().next_sample();
    let got = pull(&mut air, 15_000);
    let want: Vec<Cf64> = (3000..15_000)
        .map(|i| downlink_value(&comb, &cell(), &link(), CENTRE, (first + i) as f64 / f64::from(RATE)))
        .collect();
    let evm = evm_db(&got[3000..], &want);
    assert!(evm < -50.0, "{evm} dB");
}

#[test] // Spec: TS 38.101-1 §5.3 (a UE tuned elsewhere hears its own band, and nothing of what lies outside it)
fn a_ue_tuned_elsewhere_hears_its_own_band() {
    let comb = Comb::new(120, 9.5e6);
    for (rate, offset) in [
        (7_680_000, 0.0),
        (11_520_000, 3.0e6),
        (7_680_000, -6.1e6),
        (30_720_000, 0.0),
        (30_720_000, 2.0e6),
        (15_360_000, 9.0e6),
        (23_040_000, 10.0e6),
        (122_880_000, -20.0e6),
        (1_920_000, 4.0e6),
    ] {
        let there = Tuning { rate_hz: rate, dl_centre_hz: CENTRE + offset, ul_centre_hz: CENTRE };
        // Tones in the band's guard are attenuated somewhere between all and nothing: leave them out of the signal.
        let (inner, outer) = (0.415 * f64::from(rate), 0.59 * f64::from(rate));
        let sent = comb.filtered(|hz| (hz - offset).abs() < inner || (hz - offset).abs() > outer);
        let heard = sent.filtered(|hz| (hz - offset).abs() < inner);
        let mut air = air(&[(link(), there)]);
        air.push_downlink(&sent.samples(RATE, 0, 30_000));
        let n = air.ue_available(0);
        let got = pull(&mut air, n);
        let skip = n / 3;
        let want: Vec<Cf64> = (skip..n)
            .map(|m| downlink_value(&heard, &cell(), &link(), CENTRE + offset, m as f64 / f64::from(rate)))
            .collect();
        let evm = evm_db(&got[skip..], &want);
        assert!(evm < -45.0, "rate {rate}, offset {offset}: {evm} dB");
    }
    // Far away: nothing at all.
    let far = Tuning { rate_hz: RATE, dl_centre_hz: CENTRE + 40e6, ul_centre_hz: CENTRE };
    let mut air = air(&[(link(), far)]);
    air.push_downlink(&comb.samples(RATE, 0, 30_000));
    assert!(vector::power(Isa::best(), &pull(&mut air, 20_000)) < 1e-20);
}

#[test] // Spec: TR 38.901 §7.7.2 (a change of tuning moves neither the UE's clock nor the cell's)
fn local_time_goes_on_over_a_change_of_rate() {
    let comb = Comb::new(40, 2.9e6);
    let mut air = air(&[(link(), tuning())]);
    air.push_downlink(&comb.samples(RATE, 0, 90_000));
    let mut local_s = 0.0;
    for (rate, offset, n) in
        [(RATE, 0.0, 20_011), (7_680_000, 10_000.0, 7_013), (30_720_000, -1e6, 9_999), (RATE, 0.0, 10_007)]
    {
        let there = Tuning { rate_hz: rate, dl_centre_hz: CENTRE + offset, ul_centre_hz: CENTRE };
        air.link_mut(0).unwrap().tune(there).unwrap();
        let got = pull(&mut air, n);
        let skip = if local_s == 0.0 { 4000 } else { 0 };
        let want: Vec<Cf64> = (skip..n)
            .map(|i| downlink_value(&comb, &cell(), &link(), CENTRE + offset, local_s + i as f64 / f64::from(rate)))
            .collect();
        let evm = evm_db(&got[skip..], &want);
        assert!(evm < -48.0, "rate {rate}: {evm} dB");
        local_s += n as f64 / f64::from(rate);
    }
    assert_eq!(air.link(0).unwrap().next_sample(), 20_011 + 7_013 + 9_999 + 10_007);
}

#[test] // Spec: TR 38.901 §7.7.2 (uplink: sum of all UEs, each with its own delay, phase and oscillator)
fn the_cell_hears_the_sum_of_all_ues() {
    let second = LinkConfig { delay_s: 4.7e-6, ppm: 1.9, start_s: -0.000_05, phase_turns: 0.8, seed: 9, ..link() };
    let narrow = Tuning { rate_hz: 11_520_000, dl_centre_hz: CENTRE, ul_centre_hz: CENTRE + 3e6 };
    let mut air = air(&[(link(), tuning()), (second.clone(), narrow)]);
    let (a, b) = (Comb::new(50, 9.5e6), Comb::new(30, 4.7e6));
    // Bursts long enough to cover cell samples 0..40000, pushed in uneven pieces.
    for (ue, comb, rate, first) in [(0, &a, RATE, -3500), (1, &b, 11_520_000, -100)] {
        let mut at: i64 = first;
        for len in [1, 700, 15_000, 33_000, 4_000] {
            let samples = comb.samples(rate, at, len);
            // What begins before the cell's sample 0 is late: the first two pieces of each.
            air.link_mut(ue).unwrap().push_burst(at, &samples);
            at += len as i64;
        }
    }
    let mut got = vec![ZERO; 30_000];
    for piece in got.chunks_mut(7_777) {
        air.pull_uplink(piece);
    }
    assert_eq!((0..2).map(|ue| air.link(ue).unwrap().counters().bursts_late).collect::<Vec<_>>(), [2, 2]);
    let skip = 6_000;
    let want: Vec<Cf64> = (skip..30_000)
        .map(|n| uplink_value(&a, &cell(), &link(), CENTRE, n) + uplink_value(&b, &cell(), &second, CENTRE + 3e6, n))
        .collect();
    let evm = evm_db(&got[skip as usize..], &want);
    assert!(evm < -48.0, "{evm} dB");
}

#[test] // Spec: TR 38.901 §7.7.2 (what a UE sends while the cell listens beside it arrives as if it had been sent afterwards)
fn both_ways_at_once_change_nothing() {
    let comb = Comb::new(50, 9.5e6);
    let heard = |at_once: bool| {
        let mut air = air(&[(link(), tuning()), (LinkConfig { seed: 9, ..link() }, tuning())]);
        let mut out = vec![ZERO; 60_000];
        for (i, out) in out.chunks_mut(6_000).enumerate() {
            let begin = 6_000 * (i as i64 + 1);
            let send = |link: &mut Link| {
                if i == 4 {
                    link.set_path_loss_db(3.0);
                    link.tune(Tuning { ul_centre_hz: CENTRE + 1e6, ..tuning() }).unwrap();
                }
                link.push_burst(begin + 500, &comb.samples(RATE, begin, 5_000));
                // This one is late.
                link.push_burst(begin - 30_000, &[ZERO; 10]);
            };
            if at_once {
                let (mut uplink, _, links) = air.sides();
                links.iter_mut().for_each(send);
                uplink.pull(out);
                air.unite();
            } else {
                air.pull_uplink(out);
                (0..2).for_each(|ue| send(air.link_mut(ue).unwrap()));
            }
        }
        (out, air.link(1).unwrap().counters())
    };
    let (one, two) = (heard(false), heard(true));
    assert!(one == two && one.1.bursts_late == 10 && vector::power(Isa::best(), &one.0) > 0.1);
}

#[test] // Spec: TR 38.901 §7.7.2 (a late burst is dropped and counted; silence is noise alone)
fn a_late_burst_is_dropped_and_silence_is_noise() {
    let mut air = Air::new(air::CellConfig { noise_figure_db: 5.0, ..cell() }, Isa::best(), 3).unwrap();
    air.add_link(link(), tuning()).unwrap();
    let mut out = vec![ZERO; 100_000];
    air.pull_uplink(&mut out);
    let noise = noise_variance(f64::from(RATE), 5.0);
    // -174 + 5 dBm/Hz over 23.04 MHz is -95.4 dBm.
    assert!((10.0 * noise.log10() + 95.375).abs() < 0.01);
    assert!((vector::power(Isa::best(), &out) / noise - 1.0).abs() < 0.02);
    assert!(!air.link_mut(0).unwrap().push_burst(90_000, &[ZERO; 10]));
    assert_eq!(air.link(0).unwrap().counters().bursts_late, 1);
    assert!(air.link_mut(0).unwrap().push_burst(120_000, &[Cf32::new(1.0, 0.0); 10]));
    air.set_blackout(true);
    air.pull_uplink(&mut out);
    assert!((vector::power(Isa::best(), &out) / noise - 1.0).abs() < 0.02);
}

#[test] // Spec: TS 38.104 §9 (Es/N0 set by the path loss), thermal noise -174 dBm/Hz
fn path_loss_gives_the_snr_asked_for() {
    let (snr_db, figure_db, scs_hz) = (12.0, 9.0, 30_000.0);
    // A comb of 500 tones of unit size: each is a resource element's power of 1 mW, 0 dBm.
    let comb = Comb::new(500, 9.0e6);
    let path_loss_db = path_loss_db_for(0.0, snr_db, scs_hz, figure_db);
    let run = |noise_figure_db| {
        let config = LinkConfig { path_loss_db, noise_figure_db, ..link() };
        let mut air = air(&[(config, tuning())]);
        air.push_downlink(&comb.samples(RATE, 0, 30_000));
        pull(&mut air, 25_000)[5_000..].to_vec()
    };
    let (clean, noisy) = (run(-250.0), run(figure_db));
    let noise: Vec<Cf32> = clean.iter().zip(&noisy).map(|(a, b)| b - a).collect();
    let es = vector::power(Isa::best(), &clean) / 500.0;
    let n0 = vector::power(Isa::best(), &noise) / f64::from(RATE) * scs_hz;
    let measured = 10.0 * (es / n0).log10();
    assert!((measured - snr_db).abs() < 0.2, "{measured} dB");
}

#[test] // Spec: none (house rule: deterministic); the same bits however pulls are cut and on every instruction set
fn cuts_and_instruction_sets_change_no_bit() {
    let comb = Comb::new(10, 9.5e6);
    let samples = comb.samples(RATE, 0, 20_000);
    let run = |isa, cuts: &[usize], profile, rate_hz| {
        let config = LinkConfig { profile, noise_figure_db: 7.0, doppler_hz: 100.0, path_loss_db: 80.0, ..link() };
        let mut air = Air::new(air::CellConfig { noise_figure_db: 5.0, ..cell() }, isa, 1).unwrap();
        air.add_link(config, Tuning { rate_hz, ..tuning() }).unwrap();
        air.push_downlink(&samples);
        air.link_mut(0).unwrap().push_burst(5_000, &samples[..3000]);
        let (mut down, mut up) = (vec![], vec![]);
        for &n in cuts.iter().cycle() {
            if down.len() + n > 4_000 {
                break;
            }
            let mut out = vec![ZERO; n];
            air.pull_ue(0, &mut out).unwrap();
            down.extend_from_slice(&out);
            air.pull_uplink(&mut out);
            up.extend_from_slice(&out);
        }
        (down, up)
    };
    for profile in [Profile::Awgn, Profile::TdlC] {
        for rate in [RATE, 7_680_000] {
            let want = run(Isa::Scalar, &[1000], profile, rate);
            assert!(
                want == run(Isa::Scalar, &[1, 7, 250, 511, 31, 1200], profile, rate) || {
                    let cut = run(Isa::Scalar, &[1, 7, 250, 511, 31, 1200], profile, rate);
                    let n = cut.0.len().min(want.0.len());
                    cut.0[..n] == want.0[..n] && cut.1[..n] == want.1[..n]
                }
            );
            for isa in Isa::available() {
                assert!(run(isa, &[1000], profile, rate) == want, "{isa} {profile} {rate}");
            }
        }
    }
}

#[test] // Spec: TR 38.901 §7.7.2 tables 7.7.2-1 to 7.7.2-3 (an RMS delay spread of 1), §7.7.3
fn the_tables_have_unit_delay_spread() {
    for profile in [Profile::TdlA, Profile::TdlB, Profile::TdlC] {
        let taps: Vec<(f64, f64)> = tap_table(profile).iter().map(|&(t, db)| (t, 10f64.powf(db / 10.0))).collect();
        let total: f64 = taps.iter().map(|t| t.1).sum();
        let mean = taps.iter().map(|t| t.0 * t.1).sum::<f64>() / total;
        let square = taps.iter().map(|t| t.0 * t.0 * t.1).sum::<f64>() / total;
        let spread = (square - mean * mean).sqrt();
        assert!((spread - 1.0).abs() < 1e-4, "{profile}: {spread}");
    }
}

#[test] // Spec: TR 38.901 §7.7.2 (Rayleigh taps with Jakes' spectrum, powers of the table)
fn taps_have_their_power_and_the_doppler_spectrum() {
    let config = LinkConfig { profile: Profile::TdlB, doppler_hz: 100.0, ..link() };
    let table = tap_table(config.profile);
    let total: f64 = table.iter().map(|t| 10f64.powf(t.1 / 10.0)).sum();
    let n = 4000;
    let (mut power, mut lagged) = (vec![0.0; table.len()], 0.0);
    let seeds = 10;
    // At a lag of 2 ms Jakes' correlation is J0(2 pi 100 0.002) = 0.6425.
    let lag = 0.002;
    for seed in 0..seeds {
        let mut fading = Fading::new(&config, Rng::from_lab_seed(seed));
        let (mut now, mut later) = (vec![ZERO; table.len()], vec![ZERO; table.len()]);
        for i in 0..n {
            let t = i as f64 * 0.00731;
            fading.gains_at(t, &mut now);
            fading.gains_at(t + lag, &mut later);
            for (power, now) in power.iter_mut().zip(&now) {
                *power += f64::from(now.norm_sqr()) / f64::from(n * seeds as i32);
            }
            let product: Cf64 = now.iter().zip(&later).map(|(a, b)| wide(*a).conj() * wide(*b)).sum();
            lagged += product.re / f64::from(n * seeds as i32);
        }
    }
    for (power, &(_, db)) in power.iter().zip(table) {
        let got = 10.0 * (power * total).log10();
        assert!((got - db).abs() < 0.35, "{got} dB, table {db} dB");
    }
    assert!((power.iter().sum::<f64>() - 1.0).abs() < 0.03);
    assert!((lagged - 0.6425).abs() < 0.05, "{lagged}");
}

#[test] // Spec: TR 38.901 §7.7.2, §7.7.3 (the response that a signal meets is that of the taps, both ways alike)
fn a_faded_link_has_the_response_of_its_taps_and_is_reciprocal() {
    for (profile, delay_spread_ns) in [(Profile::TdlA, 100.0), (Profile::TdlB, 30.0), (Profile::TdlC, 300.0)] {
        let config = LinkConfig { profile, delay_spread_ns, doppler_hz: 0.0, ppm: cell().ppm, ..link() };
        let seed = Rng::from_lab_seed(config.seed).fork("fading");
        let mut fading = Fading::new(&config, seed);
        let delays: Vec<f64> = fading.delays_s().collect();
        let mut gains = vec![ZERO; delays.len()];
        fading.gains_at(0.0, &mut gains);
        let comb = Comb::new(40, 9.4e6);
        let response =
            |hz: f64| -> Cf64 { delays.iter().zip(&gains).map(|(d, g)| wide(*g) * unit_phasor(-hz * d)).sum() };
        let mut air = air(&[(config.clone(), tuning())]);
        air.push_downlink(&comb.samples(RATE, 0, 30_000));
        let down = pull(&mut air, 20_000);
        let begin = -2_000;
        air.link_mut(0).unwrap().push_burst(begin + 3_000, &comb.samples(RATE, begin + 3_000, 20_000));
        let mut up = vec![ZERO; 20_000];
        air.pull_uplink(&mut up);
        let (mut want_down, mut want_up) = (vec![], vec![]);
        for m in 8_000..18_000 {
            let (mut d, mut u) = (Cf64::new(0.0, 0.0), Cf64::new(0.0, 0.0));
            for &tone in &comb.0 {
                let one = Comb(vec![tone]);
                let h = response(tone.0 * (1.0 + cell().ppm * 1e-6));
                d += h * downlink_value(&one, &cell(), &config, CENTRE, m as f64 / f64::from(RATE));
                u += h * uplink_value(&one, &cell(), &config, CENTRE, m);
            }
            want_down.push(d);
            want_up.push(u);
        }
        let (down, up) = (evm_db(&down[8_000..18_000], &want_down), evm_db(&up[8_000..18_000], &want_up));
        assert!(down < -48.0 && up < -48.0, "{profile}: {down} dB, {up} dB");
    }
}

#[test] // Spec: none (bounds: history, refused configurations)
fn bounds_hold() {
    let mut air = air(&[(link(), tuning())]);
    let comb = Comb::new(3, 5e6);
    let slot = comb.samples(RATE, 0, 11_520);
    assert!(air.pull_ue(0, &mut [ZERO; 10]).is_err_and(|e| e.available == 0));
    assert!(air.pull_ue(7, &mut []).is_err());
    for _ in 0..300 {
        air.push_downlink(&slot);
    }
    let (downlink, links) = air.split_mut();
    assert!(downlink.end() - downlink.start() <= 3 * 460_800);
    let mut out = vec![ZERO; 100_000];
    links[0].pull(downlink, &mut out).unwrap();
    assert_eq!(links[0].counters().samples_lost, 100_000);
    for (rate_hz, centre) in [(0, CENTRE), (23_040_001, CENTRE), (15_360, CENTRE), (RATE, f64::NAN)] {
        let tuning = Tuning { rate_hz, dl_centre_hz: centre, ul_centre_hz: CENTRE };
        assert!(Link::new(&cell(), link(), tuning, Isa::best()).is_err(), "{rate_hz}");
    }
    assert!(Link::new(&cell(), LinkConfig { delay_s: -1.0, ..link() }, tuning(), Isa::best()).is_err());
}

#[test] // Spec: TS 38.213 §11.1 (a UE need not receive in symbols that are uplink)
fn a_receiver_that_is_off_hears_nothing_and_loses_no_time() {
    let comb = Comb::new(8, 1e6);
    let both: Vec<Vec<Cf32>> = [false, true]
        .into_iter()
        .map(|off| {
            let mut air = air(&[(LinkConfig { noise_figure_db: -300.0, ..link() }, tuning())]);
            air.push_downlink(&comb.samples(RATE, 0, 60_000));
            let (downlink, links) = air.split_mut();
            let mut out = vec![Cf32::new(1.0, 0.0); 20_000];
            if off {
                links[0].skip(downlink, &mut out).unwrap();
                assert!(out.iter().all(|x| *x == ZERO));
            } else {
                links[0].pull(downlink, &mut out).unwrap();
            }
            assert!(links[0].skip(downlink, &mut vec![ZERO; 60_000]).is_err());
            links[0].pull(downlink, &mut out).unwrap();
            out
        })
        .collect();
    assert!(both[0] == both[1]);
}
