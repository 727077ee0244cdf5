//! Fading, errors and how link adaptation lives with them.

use crate::harness::run;
use sim::report::Step;

#[test] // Spec: TR 38.901 §7.7.2
fn fading_channels_attach() {
    for (channel, seed) in [("tdl-a", 2), ("tdl-b", 3), ("tdl-c", 4)] {
        let channel = format!("air.channel={channel}");
        let o = run("n78-20", seed, &[&channel, "air.snr_db=22", "traffic.transfer_bytes=20000"]).expect_ok();
        assert!(o.report.channel.links[0].delay_spread_ns > 0.0);
    }
}

#[test] // Spec: TS 38.321 §5.3.2, §5.4.2 (errors come from the channel, HARQ mends them)
fn errors_happen_both_ways_and_are_mended() {
    let o = run("n78-20", 2, &["traffic.transfer_bytes=1500k"]).expect_ok();
    for (name, way) in [("down", &o.report.radio.dl), ("up", &o.report.radio.ul)] {
        assert!(way.crc_errors > 0 && way.retransmissions > 0, "{name} {way:?}");
        assert!((0.02..=0.20).contains(&way.first_bler), "{name} {way:?}");
        assert_eq!(way.residual_errors, 0, "{name} {way:?}");
    }
}

#[test] // Spec: TS 38.213 §7.1.1 (P_CMAX), ironcell issue §1 (the SNR at the gNB for a full-band PUSCH)
fn the_uplink_arrives_with_the_power_that_it_has() {
    let o = run("n78-20", 7, &["traffic.transfer_bytes=1500k"]).expect_ok();
    let busy: Vec<f64> = o.live.iter().filter(|l| l.up_mbps > 1.0).filter_map(|l| l.ul_snr_db).collect();
    assert!(!busy.is_empty(), "no line with uplink traffic");
    assert!(busy.iter().all(|snr| (17.0..23.0).contains(snr)), "{busy:?}");
}

#[test] // Spec: TS 38.104 §5.4.3, TS 38.213 §4.1 (cell search at -6 dB, 5 ppm off either way), TS 38.331 §5.2.2
fn a_cell_is_found_at_minus_six_db_and_five_ppm() {
    for (preset, ppm, seed) in [("n78-20", 5.0, 3), ("mine-ul", -5.0, 4), ("n3-10", -5.0, 4)] {
        let ppm_set = format!("ue.1.ppm={ppm}");
        let o = run(preset, seed, &["air.snr_db=-6", &ppm_set, "run.attach_seconds_max=0.6"]);
        let u = &o.report.ues[0];
        assert!(u.reached(Step::Mib), "{preset}: {}", o.notes.join("\n"));
        let search = u.cell_search.as_ref().unwrap();
        assert!(search.cfo_hz_error.is_some_and(|e| e.abs() < 1500.0), "{preset}: {search:?}");
        assert_eq!(search.pci, o.report.cells[0].pci, "{preset}");
    }
}
