//! Uplink control on long PUCCHs, and code block groups, through the whole network.

use super::harness::*;
use fapi::PucchFormat;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// Runs with what `seen` counts of every plan, and gives the count.
fn counted(preset: &str, settings: &[&str], seen: fn(&fapi::slot::SlotPlan) -> usize) -> (Outcome, u32) {
    let count = Arc::new(AtomicU32::new(0));
    let inner = count.clone();
    let mut w = world(preset, 7, settings);
    w.tamper_plans(Box::new(move |plan| _ = inner.fetch_add(seen(plan) as u32, Relaxed)));
    let o = finish(w);
    let n = count.load(Relaxed);
    (o, n)
}

#[test] // Spec: TS 38.213 §9.2.1, §9.2.5.2 (HARQ-ACK, SR and CSI on formats 3 and 4), TS 38.211 §6.3.2.6
fn reports_and_feedback_travel_on_long_formats() {
    let settings = ["traffic.transfer_bytes=1500000", "air.snr_db=25"];
    let with = |format: &str, seen| counted("n78-20-2x2", &[&settings[..], &[format]].concat(), seen);
    let (short, n) = with("cell.pucch_format=2", |p| p.pucch.iter().filter(|p| is_long(&p.resource.format)).count());
    assert_eq!(n, 0);
    let layers = short.expect_ok().report.radio.dl.layers_mean;
    for (format, seen) in [
        ("cell.pucch_format=3", long_with_csi as fn(&fapi::slot::SlotPlan) -> usize),
        ("cell.pucch_format=4", four_with_csi),
    ] {
        let (o, n) = with(format, seen);
        let dl = o.expect_ok().report.radio.dl;
        assert!(n > 10, "{n} reports expected on {format}");
        // The rank is known only where the reports arrive.
        assert!((dl.layers_mean - layers).abs() < 0.2, "{} layers with {format}, {layers} without", dl.layers_mean);
        assert!(dl.first_bler < 0.25, "{}", dl.first_bler);
    }
}

fn is_long(format: &PucchFormat) -> bool {
    matches!(format, PucchFormat::F3 { .. } | PucchFormat::F4 { .. })
}

fn long_with_csi(plan: &fapi::slot::SlotPlan) -> usize {
    let three = |p: &&fapi::PucchPdu| matches!(p.resource.format, PucchFormat::F3 { .. }) && p.n_csi1 > 0;
    plan.pucch.iter().filter(three).count()
}

fn four_with_csi(plan: &fapi::slot::SlotPlan) -> usize {
    let four = |p: &&fapi::PucchPdu| matches!(p.resource.format, PucchFormat::F4 { .. }) && p.n_csi1 > 0;
    plan.pucch.iter().filter(four).count()
}

/// A transmission of a PDSCH: RBs, groups that were sent, whether the block is new.
type Sent = (u16, Option<u8>, bool);

/// A download in which every eighth block of 12 symbols meets a burst in its last symbols; all PDSCHs of connected terminals.
fn download_through_bursts(cbg: &str) -> (Outcome, Vec<Sent>) {
    let settings = [cbg, "air.snr_db=25", "traffic.transfer_bytes=3000000"];
    let all = Arc::new(Mutex::new(Vec::new()));
    let inner = all.clone();
    let mut w = world("n78-20", 7, &settings);
    let mut n = 0;
    w.tamper_plans(Box::new(move |plan| {
        let mut hit = None;
        for p in plan.pdsch.iter().filter(|p| p.rbs.n_rb() > 40) {
            n += usize::from(p.new_data && p.n_symbols == 12);
            inner.lock().unwrap().push((p.rbs.n_rb(), p.cbg.map(|g| g.transmitted), p.new_data));
            hit = hit.or((p.new_data && p.n_symbols == 12 && n % 8 == 0).then_some(*p));
        }
        for p in plan.pdsch.iter().filter(|p| p.cbg.is_some() && p.rbs.n_rb() <= 40) {
            inner.lock().unwrap().push((p.rbs.n_rb(), p.cbg.map(|g| g.transmitted), p.new_data));
        }
        if let (Some(_), Some(mut burst)) = (hit, plan.pdcch.first().copied()) {
            // A PDCCH at the wrong place, 12 dB up.
            (burst.start_symbol, burst.cce, burst.power_offset_db) = (12, 0, 12.0);
            burst.aggregation_level = 8;
            plan.pdcch.push(burst);
        }
    }));
    let o = finish(w);
    let all = std::mem::take(&mut *all.lock().unwrap());
    (o, all)
}

#[test] // Spec: TS 38.214 §5.1.7, TS 38.213 §9.1.1, §9.1.3.1 (groups are acknowledged each, and only those missing go again)
fn only_the_groups_that_a_burst_hit_go_again() {
    let (whole, sent) = download_through_bursts("cell.cbg=0");
    let whole = whole.expect_ok();
    assert!(sent.iter().all(|s| s.1.is_none()));
    let (groups, sent) = download_through_bursts("cell.cbg=4");
    let groups = groups.expect_ok();
    let again: Vec<&Sent> = sent.iter().filter(|s| !s.2 && s.1.is_some()).collect();
    let partial: Vec<&&Sent> = again.iter().filter(|s| s.1.is_some_and(|g| g != 0 && g & 1 == 0)).collect();
    assert!(partial.len() > 10, "{} of {} again were of a part", partial.len(), again.len());
    // The burst lies at the end of the slot: the last group goes again, alone but for a few, on a quarter of the RBs.
    let last = partial.iter().filter(|s| s.1 == Some(0b1000) && s.0 <= 16).count();
    assert!(10 * last > 9 * partial.len(), "{partial:?}");
    let mbps = |o: &Outcome| o.report.ues[0].http.down_mbps.unwrap();
    assert!(mbps(&groups) > 1.02 * mbps(&whole), "{} Mbit/s by groups, {} without", mbps(&groups), mbps(&whole));
}

#[test] // Spec: TS 38.213 §9.2.1 (format 4: terminals of one resource block told apart by their codes), TS 38.214 §6.2.1 (each its own comb)
fn terminals_share_long_formats_and_sounding_symbols() {
    let settings = ["ues=4", "cell.pucch_format=4", "air.snr_db=25", "traffic.transfer_bytes=150000", "cell.cbg=2"];
    let (o, n) = counted("n78-20-2x2", &settings, |p| p.srs.len());
    let radio = o.expect_ok().report.radio;
    assert!(n > 40, "{n} soundings expected");
    assert!(radio.dl.layers_mean > 1.2 && radio.ul.layers_mean > 1.1, "{radio:?}");
    assert!(radio.dl.first_bler < 0.3 && radio.ul.first_bler < 0.3, "{radio:?}");
}

#[test] // Spec: TS 38.214 §5.2.2.4, §5.1.4.2 (CSI-IM and the zero-power CSI-RS that keeps it free)
fn reports_count_the_interference_that_csi_im_shows() {
    let settings = ["cell.csi_im=true", "air.snr_db=15", "traffic.transfer_bytes=1500000"];
    let silent = |p: &fapi::slot::SlotPlan| {
        let beside = |p: &&fapi::PdschPdu| p.reserved_re[13] == 0xf0f;
        p.pdsch.iter().filter(beside).count()
    };
    let (o, n) = counted("n78-20", &[&settings[..], &["cell.antennas=4"]].concat(), silent);
    let four = o.expect_ok().report.radio.dl;
    assert!(n >= 3 && four.first_bler < 0.2, "{n} PDSCHs beside it, {four:?}");
    let (o, _) = counted("n78-20", &settings, silent);
    let one = o.expect_ok().report.radio.dl;
    assert!(one.first_bler < 0.2 && one.mcs_mean > 8.0, "{one:?}");
}
