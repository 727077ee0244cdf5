//! Several antennas and layers through the whole network.

use super::harness::*;

/// Mbit/s of the download at 30 dB.
fn down_mbps(preset: &str, settings: &[&str]) -> f64 {
    let usual = ["air.snr_db=30", "traffic.transfer_bytes=5000000"];
    let settings: Vec<&str> = usual.iter().chain(settings).copied().collect();
    let o = run(preset, 7, &settings).expect_ok();
    o.report.ues[0].http.down_mbps.unwrap()
}

#[test] // Spec: TS 38.211 §7.3.1.3, §7.3.1.4; TS 38.214 §5.2.2.2.1 (rank 2 of a 2x2 channel)
fn two_layers_carry_more_than_one() {
    let (one, two) = (down_mbps("n78-20-2x2", &["cell.dl_layers_max=1"]), down_mbps("n78-20-2x2", &[]));
    assert!(two > 1.25 * one, "{two} Mbit/s with two layers, {one} with one");
}

#[test] // Spec: TS 38.214 §5.2.2.2.1 (four ports, up to four layers)
fn four_by_four_attaches_and_carries_traffic() {
    let four = down_mbps("n78-20", &["cell.antennas=4"]);
    assert!(four > 55.0, "{four} Mbit/s");
}

#[test] // Spec: TS 38.306 §4.2.7.7 (maxNumberMIMO-LayersPDSCH), TS 38.211 §7.3.1.4
fn a_phone_of_one_antenna_is_served_by_four() {
    let settings = ["cell.antennas=4", "ue.1.antennas=1", "traffic.transfer_bytes=50000"];
    run("n78-20", 3, &settings).expect_ok();
    let settings = ["ue.1.antennas=2", "air.channel=tdl-a", "air.snr_db=15", "traffic.transfer_bytes=50000"];
    run("n78-20", 3, &settings).expect_ok();
}

#[test] // Spec: TS 38.211 §7.4.1.1.2 (layers on other DM-RS ports than the DCI names are not received)
fn layers_on_wrong_ports_fail() {
    let settings = ["air.snr_db=30", "traffic.transfer_bytes=5000000", "run.air_seconds_max=4"];
    let mut w = world("n78-20-2x2", 7, &settings);
    w.tamper_plans(Box::new(|plan| {
        plan.pdsch.iter_mut().filter(|p| p.n_layers == 2).for_each(|p| p.dmrs.ports <<= 2);
    }));
    let o = finish(w);
    let dl = &o.report.radio.dl;
    assert!(!o.is_ok() && dl.first_bler > 0.3, "{}", o.report);
}

/// Mbit/s of the upload at 30 dB.
fn up_mbps(preset: &str, settings: &[&str]) -> f64 {
    let usual = ["air.snr_db=30", "traffic.transfer_bytes=6000000"];
    let settings: Vec<&str> = usual.iter().chain(settings).copied().collect();
    let o = run(preset, 7, &settings).expect_ok();
    o.report.ues[0].http.up_mbps.unwrap()
}

#[test] // Spec: TS 38.214 §6.1.1.1, TS 38.211 §6.3.1.5 (codebook transmission of two layers, precoder and rank by SRS)
fn two_uplink_layers_carry_nearly_twice_as_much() {
    let (one, two) = (up_mbps("n78-20-2x2", &["cell.ul_layers_max=1"]), up_mbps("n78-20-2x2", &[]));
    assert!(two > 1.6 * one, "{two} Mbit/s with two layers, {one} with one");
}

/// Mean layers of the uplink's blocks, of a run that must work.
fn uplink_layers(preset: &str, settings: &[&str]) -> f64 {
    run(preset, 3, settings).expect_ok().report.radio.ul.layers_mean
}

#[test] // Spec: TS 38.306 §4.2.7.8 (maxNumberMIMO-LayersCB-PUSCH), TS 38.214 §6.1.1.1 (maxRank)
fn uplink_layers_are_those_that_both_ends_can() {
    let usual = ["cell.antennas=4", "air.snr_db=32", "traffic.transfer_bytes=1500000"];
    let with = |more: &[&str]| uplink_layers("n78-20", &[&usual[..], more].concat());
    assert_eq!(with(&["ue.1.antennas=1"]), 1.0);
    let (two, three, four) = (with(&["ue.1.antennas=2"]), with(&["cell.ul_layers_max=3"]), with(&[]));
    assert!(two > 1.3 && two <= 2.0, "{two}");
    assert!(three > 1.6 && three <= 3.0, "{three}");
    assert!(four > 2.0 && four <= 4.0, "{four}");
}

#[test] // Spec: TS 38.214 §6.2.1 (sounding in the last symbols of uplink slots, where no PUSCH is granted; FDD)
fn sounding_works_in_paired_spectrum() {
    let settings = ["cell.antennas=2", "air.snr_db=30", "traffic.transfer_bytes=1500000"];
    let layers = uplink_layers("n3-20", &settings);
    assert!(layers > 1.3, "{layers}");
}

#[test] // Spec: TS 38.214 §5.2.2.2.1, §6.1.1.1 (rank follows the channel, both ways)
fn ranks_follow_a_fading_channel() {
    let layers = |snr: &str| {
        let settings = ["air.channel=tdl-a", "air.doppler_hz=20", snr, "traffic.transfer_bytes=700000"];
        let o = run("n78-20-2x2", 5, &settings).expect_ok();
        let (dl, ul) = (&o.report.radio.dl, &o.report.radio.ul);
        assert!(dl.first_bler < 0.3 && ul.first_bler < 0.3, "{}", o.report);
        (dl.layers_mean, ul.layers_mean)
    };
    let (poor, good) = (layers("air.snr_db=8"), layers("air.snr_db=30"));
    assert!(poor.0 < 1.6 && poor.1 < 1.4, "{poor:?} at 8 dB");
    assert!(good.0 > poor.0 + 0.15 && good.1 > poor.1 + 0.2, "{good:?} at 30 dB, {poor:?} at 8 dB");
}

#[test] // Spec: TS 38.214 §5.2.2.2.1, TS 38.211 §7.3.1.4 (a precoder that turns the second port the wrong way)
fn a_wrong_precoder_is_seen() {
    let settings = ["ue.1.antennas=1", "traffic.transfer_bytes=2000000", "run.air_seconds_max=3"];
    let failed = |turned: bool| {
        let mut w = world("n78-20-2x2", 7, &settings);
        w.tamper_plans(Box::new(move |plan| {
            let second = plan.precoders.iter_mut().flat_map(|m| &mut m.w[1]);
            second.filter(|_| turned).for_each(|w| *w = (-w.0, -w.1));
        }));
        let dl = finish(w).report.radio.dl;
        (dl.first_bler, dl.mcs_mean)
    };
    let (right, wrong) = (failed(false), failed(true));
    // Link adaptation saves what it can, at a price.
    let told = format!("(failed, MCS) {right:?} with what was reported, {wrong:?} with its opposite");
    assert!(right.0 < 0.2 && right.1 > wrong.1 + 5.0, "{told}");
}

/// The most that a second carried, (down, up) Mbit/s of user data, until `seconds` have passed.
fn best_second(preset: &str, settings: &[&str], seconds: f64) -> (f64, f64) {
    let mut w = world(preset, 7, settings);
    let (mut best, mut progress) = ((0.0, 0.0), Vec::new());
    while !w.finished() && w.now().as_secs_f64() < seconds {
        w.step();
        w.drain_progress(&mut progress);
        for p in progress.drain(..) {
            if let sim::report::Progress::Live(l) = p {
                best = (f64::max(best.0, l.down_mbps), f64::max(best.1, l.up_mbps));
            }
        }
    }
    best
}

/// TS 38.306 §4.1.2 for one carrier of 51 RB of 30 kHz, 256QAM, so many layers, with the share of symbols of DDDSU.
fn peak_mbps(layers: f64, symbols_of_70: f64, overhead: f64) -> f64 {
    let symbol_s = 1e-3 / (14.0 * 2.0);
    1e-6 * layers * 8.0 * (948.0 / 1024.0) * 51.0 * 12.0 / symbol_s * (1.0 - overhead) * symbols_of_70 / 70.0
}

#[test] // Spec: TS 38.306 §4.1.2 (data rate of two layers, each way; DDDSU has 52 downlink and 16 uplink symbols of 70)
fn two_layers_come_near_the_peak_rate() {
    let settings = ["air.snr_db=35", "traffic.transfer_bytes=25000000"];
    let (down, up) = best_second("n78-20-2x2", &settings, 4.01);
    let (down_peak, up_peak) = (peak_mbps(2.0, 52.0, 0.14), peak_mbps(2.0, 16.0, 0.08));
    assert!(down > 0.8 * down_peak, "{down} of {down_peak} Mbit/s down");
    assert!(up > 0.65 * up_peak, "{up} of {up_peak} Mbit/s up");
}
