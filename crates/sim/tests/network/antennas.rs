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
