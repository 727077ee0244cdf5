//! All presets, several terminals, and that a seed fixes everything.

use crate::harness::{Outcome, run, world};
use node::{Frame, MacKind};
use sim::report::Step;
use std::collections::{BTreeMap, BTreeSet};

/// Attached, pinged, transferred, deregistered: in the report.
fn check(o: &Outcome) {
    let r = &o.report;
    assert!(!r.cells.is_empty() && r.air_seconds > 0.0 && r.wall_seconds > 0.0 && r.realtime_factor > 0.0);
    assert_eq!(r.event_hash.len(), 16);
    assert_eq!(r.channel.links.len(), r.ues.len());
    for u in &r.ues {
        assert!(Step::ALL.iter().all(|s| u.reached(*s)), "ue{} {:?}", u.ue, u.steps);
        assert!(u.steps.is_sorted_by(|a, b| a.at_ms <= b.at_ms), "{:?}", u.steps);
        assert!(u.registered && u.guti.is_some() && u.suci.is_some(), "ue{}", u.ue);
        assert!(u.ipv4.is_some() || u.ipv6.is_some(), "ue{}", u.ue);
        let search = u.cell_search.as_ref().unwrap_or_else(|| panic!("ue{} found no cell", u.ue));
        assert_eq!(search.pci, r.cells[0].pci);
        assert!(search.cfo_hz_error.is_some_and(|e| e.abs() < 200.0), "{search:?}");
        assert!(search.timing_error_ns.is_some_and(|e| e.abs() < 1000.0), "{search:?}");
        assert!(u.attach_ms.is_some_and(|ms| ms > 10.0), "{:?}", u.attach_ms);
        assert!(u.ping.received > 0 && u.ping.rtt_ms_p50.is_some(), "ue{} {:?}", u.ue, u.ping);
        assert_eq!((u.http.down_sha256_ok, u.http.up_sha256_ok), (Some(true), Some(true)), "ue{}", u.ue);
        assert_eq!(u.http.down_bytes, u.http.up_bytes);
    }
    for way in [&r.radio.dl, &r.radio.ul] {
        assert!(way.transport_blocks > 0 && way.mcs_mean > 0.0, "{way:?}");
    }
    assert!(r.l1.budget_us > 0.0 && r.l1.gnb.p50 > 0.0 && r.l1.ue.p50 > 0.0);
}

fn preset_attaches(preset: &str) {
    let settings = ["traffic.pings=3", "traffic.transfer_bytes=30000"];
    check(&run(preset, 7, &settings).expect_ok());
}

#[test] // Spec: TS 38.300 §4 (n78, TDD, 20 MHz)
fn n78_20_attaches() {
    preset_attaches("n78-20");
}

#[test] // Spec: TS 38.300 §4 (n78, TDD, 100 MHz)
fn n78_100_attaches() {
    preset_attaches("n78-100");
}

#[test] // Spec: TS 38.300 §4 (n3, FDD, 10 MHz)
fn n3_10_attaches() {
    preset_attaches("n3-10");
}

#[test] // Spec: TS 38.300 §4 (n3, FDD, 20 MHz)
fn n3_20_attaches() {
    preset_attaches("n3-20");
}

#[test] // Spec: TS 38.300 §4 (n79, TDD, uplink first)
fn mine_ul_attaches() {
    preset_attaches("mine-ul");
}

fn eight(preset: &str) {
    let settings = ["ues=8", "traffic.transfer_bytes=10000", "run.attach_seconds_max=5"];
    let o = run(preset, 5, &settings).expect_ok();
    check(&o);
    let r = &o.report;
    let done: Vec<f64> =
        r.ues.iter().flat_map(|u| &u.steps).filter(|s| s.name == Step::Session).map(|s| s.at_ms).collect();
    let begun = r.ues.iter().flat_map(|u| &u.steps).filter(|s| s.name == Step::RandomAccess).map(|s| s.at_ms);
    let first_done = done.iter().copied().fold(f64::MAX, f64::min);
    assert!(begun.fold(0.0, f64::max) < first_done, "the procedures are not interleaved");
    assert!(r.channel.links.iter().any(|l| l.snr_db <= 5.0) && r.channel.links.iter().any(|l| l.snr_db >= 25.0));
}

#[test] // Spec: TS 38.321 §5.1, TS 38.331 §5.3 (eight terminals at 5 to 25 dB, TDD)
fn eight_terminals_interleave_on_n78() {
    eight("n78-20");
}

#[test] // Spec: TS 38.321 §5.1, TS 38.331 §5.3 (eight terminals at 5 to 25 dB, FDD)
fn eight_terminals_interleave_on_n3() {
    eight("n3-10");
}

#[test] // Spec: ironcell issue §5 (the same seed gives the same event hash, with any number of threads and any instruction set)
fn a_seed_fixes_everything() {
    let hash = |seed: u64, settings: &[&str]| {
        let usual = ["ues=2", "traffic.transfer_bytes=10000"];
        let all: Vec<&str> = usual.iter().chain(settings).copied().collect();
        run("n3-10", seed, &all).expect_ok().report.event_hash
    };
    let first = hash(21, &[]);
    assert_eq!(first, hash(21, &[]), "again");
    for threads in ["run.threads=2", "run.threads=3", "run.threads=5"] {
        assert_eq!(first, hash(21, &[threads]), "{threads}");
    }
    assert_eq!(first, hash(21, &["run.isa=scalar"]), "scalar");
    assert_eq!(first, hash(21, &["output.pcap=unused"]), "with captures");
    assert_ne!(first, hash(22, &[]), "another seed");
}

#[test] // Spec: TS 38.321 §7.1 (each side's view of a block is filed under the terminal that holds the C-RNTI)
fn taps_of_both_ends_name_the_same_terminal() {
    let mut world = world("n3-10", 3, &["ues=3", "run.log=mac=debug"]);
    let (mut taps, mut holders) = (Vec::new(), BTreeMap::new());
    while !world.finished() {
        world.step();
        world.drain_taps(&mut taps);
        for t in taps.drain(..) {
            let (Frame::Mac { rnti, kind: MacKind::Cell, .. } | Frame::Rlc { rnti, .. }) = t.frame else {
                continue;
            };
            if t.ue > 0 {
                holders.entry(rnti).or_insert_with(BTreeSet::new).insert((t.ue, t.direction as u8));
            }
        }
    }
    let attached: Vec<_> = holders.values().filter(|h| h.len() > 1).collect();
    assert_eq!(attached.len(), 3, "{holders:?}");
    for h in attached {
        assert_eq!(h.iter().map(|(ue, _)| ue).collect::<BTreeSet<_>>().len(), 1, "{holders:?}");
    }
}
