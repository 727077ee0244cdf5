//! Decoded against what the base station decided to send, and against what the terminal received.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

use super::*;
use dsp::Cf32;
use fapi::slot::SlotPlan;
use fapi::{RbAllocation, SymbolKind};
use node::{Direction, Frame, Rng, Tap};
use sim::World;
use sim::scenario::{Loader, Scenario};
use sim::world::Entropy;

/// What was sent, by those who sent and received it.
struct Air {
    recording: Recording,
    plans: Vec<SlotPlan>,
    taps: Vec<Tap>,
}

fn scenario(preset: &str) -> Scenario {
    let mut loader = Loader::new();
    let sets =
        ["run.virtual_time=true", "run.once=true", "traffic.transfer_bytes=60000", "output.pcap=\"kept\"", "seed=7"];
    sets.into_iter().chain([&format!("preset={preset:?}")[..]]).for_each(|set| loader.set(set).unwrap());
    loader.build().unwrap()
}

fn air(preset: &str, ms: i64) -> Air {
    let scenario = scenario(preset);
    let cell = gnb_du::config::Cell::new(scenario.cell.clone()).unwrap().config;
    let mut world = World::new(scenario, Entropy { seed: 7, secrets: None }).unwrap();
    let (samples, plans) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (sink, seen) = (samples.clone(), plans.clone());
    world.record(Box::new(move |tx: &[Cf32], _: &[Cf32]| sink.lock().unwrap().extend_from_slice(tx)));
    world.tamper_plans(Box::new(move |plan| seen.lock().unwrap().push(plan.clone())));
    let (mut taps, mut n_slots) = (Vec::new(), 0);
    while world.now() < nr::Tc::from_ms(ms) {
        world.step();
        n_slots += 1;
        world.drain_taps(&mut taps);
    }
    let rate = Carrier::new(cell.dl.numerology, cell.dl.n_rb.into(), 0.0).unwrap().sample_rate_hz();
    let samples = std::mem::take(&mut *samples.lock().unwrap());
    // Slots are decided ahead.
    let mut plans = std::mem::take(&mut *plans.lock().unwrap());
    plans.truncate(n_slots);
    Air { recording: Recording { samples, rate_hz: rate.into(), centre_hz: Some(cell.dl.centre_hz()) }, plans, taps }
}

/// A terminal comes online and pings.
fn call() -> &'static Air {
    static AIR: OnceLock<Air> = OnceLock::new();
    AIR.get_or_init(|| air("n78-20", 420))
}

/// (SFN, slot, RNTI, bits or bytes).
type Sent = BTreeSet<(u32, u32, u16, Vec<u8>)>;

fn sent_dcis(air: &Air) -> Sent {
    let of = |p: &SlotPlan| {
        let (slot, pdcch) = (p.slot, p.pdcch.clone());
        pdcch.into_iter().map(move |d| (slot.sfn(), slot.slot(), d.rnti.0, d.payload.as_slice().to_vec()))
    };
    air.plans.iter().flat_map(of).collect()
}

fn sent_blocks(air: &Air) -> Sent {
    let of = |p: &SlotPlan| {
        let p = p.clone();
        p.pdsch.into_iter().map(move |d| (p.slot.sfn(), p.slot.slot(), d.rnti.0, d.tb.of(&p.bytes).to_vec()))
    };
    air.plans.iter().flat_map(of).collect()
}

fn dcis(d: &Decoded) -> Sent {
    let of = |d: &receive::DciFound| (d.slot.sfn(), d.slot.slot(), d.rnti.0, d.detection.payload.as_slice().to_vec());
    d.found.dcis.iter().map(of).collect()
}

fn blocks(d: &Decoded) -> Sent {
    let good = d.found.pdschs.iter().filter(|p| p.result.crc_ok);
    good.map(|p| (p.slot.sfn(), p.slot.slot(), p.pdu.rnti.0, p.bytes.clone())).collect()
}

fn noisy(r: &Recording, snr_db: f64, offset_hz: f64) -> Recording {
    // What is sent most of the time sets the level: the mean of the loudest tenth of slots' worth of samples is near a full one.
    let mut powers: Vec<f32> =
        r.samples.chunks(4096).map(|c| c.iter().map(|s| s.norm_sqr()).sum::<f32>() / 4096.0).collect();
    powers.sort_by(f32::total_cmp);
    let power = f64::from(powers[powers.len() * 99 / 100]);
    let sigma = (power * 10f64.powf(-snr_db / 10.0) / 2.0).sqrt();
    let mut rng = Rng::from_lab_seed(3);
    let mut samples = r.samples.clone();
    dsp::mix::Nco::new(offset_hz / r.rate_hz).mix(Isa::Scalar, &mut samples);
    for s in &mut samples {
        let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt() * sigma;
        let angle = rng.unit() * std::f64::consts::TAU;
        *s += Cf32::new((radius * angle.cos()) as f32, (radius * angle.sin()) as f32);
    }
    Recording { samples, ..r.clone_without_samples() }
}

fn part(r: &Recording, from_s: f64, seconds: f64) -> Recording {
    let at = |s: f64| ((s * r.rate_hz).round() as usize).min(r.samples.len());
    Recording { samples: r.samples[at(from_s)..at(from_s + seconds)].to_vec(), ..r.clone_without_samples() }
}

fn decode(r: &Recording) -> Decoded {
    decode_recording(r, &Known::default(), Isa::best()).unwrap().expect("a cell")
}

/// All of `sent` but what `missing` allows was found, and nothing else.
fn same(name: &str, sent: &Sent, found: &Sent, missing: usize) {
    let invented: Vec<_> = found.difference(sent).map(|d| (d.0, d.1, d.2)).collect();
    let missed: Vec<_> = sent.difference(found).map(|d| (d.0, d.1, d.2)).collect();
    assert!(invented.is_empty(), "{name}: never sent: {invented:?}");
    assert!(missed.len() <= missing, "{name}: missed {} of {}: {missed:?}", missed.len(), sent.len());
}

#[test] // Spec: ironcell issue §2 (lab decode: every DCI and PDSCH of a recording), TS 38.213 §10.1, TS 38.214 §5.1
fn everything_that_the_base_station_sent_is_decoded() {
    let air = call();
    let d = decode(&air.recording);
    assert!(d.read_as.whole && d.notes.is_empty(), "{:?}", d.notes);
    same("DCI", &sent_dcis(air), &dcis(&d), 0);
    // Where CSI-RS leave a small allocation less elements than the coded bits need, a first transmission cannot be decoded alone.
    same("PDSCH", &sent_blocks(air), &blocks(&d), 2);
    let kinds: BTreeSet<_> = d.found.dcis.iter().map(|x| names::fields(&x.dci).0).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["0_0", "0_1", "1_0", "1_1"]);
    let words: Vec<String> = d.found.pdschs.iter().flat_map(|p| p.contents.iter().map(names::words)).collect();
    for wanted in ["SIB1", "RRCSetup", "DLInformationTransfer", "SecurityModeCommand"] {
        assert!(words.iter().any(|w| w == wanted), "{wanted}: {words:?}");
    }
    assert!(words.iter().any(|w| w.starts_with("RAR for preamble")));
    // The same bytes as the terminal handed up, by a path that this decoder has no part in.
    let received: Sent = air.taps.iter().filter_map(mac_pdu).collect();
    assert!(received.len() > 20 && received.is_subset(&blocks(&d)));
}

fn mac_pdu(tap: &Tap) -> Option<(u32, u32, u16, Vec<u8>)> {
    match &tap.frame {
        Frame::Mac { rnti, kind, slot, pdu, .. }
            if tap.direction == Direction::Downlink && *kind != node::MacKind::Bch =>
        {
            Some((slot.sfn(), slot.slot(), rnti.0, pdu.clone()))
        }
        _ => None,
    }
}

#[test] // Spec: ironcell issue §2 (lab decode with noise, carrier offset and an unknown centre), TS 38.211 §5.4
fn a_noisy_recording_with_an_unknown_centre_is_decoded() {
    let air = call();
    let r = noisy(&air.recording, 22.0, 1700.0);
    let r = Recording { centre_hz: None, ..r };
    let d = decode(&r);
    let (sent, all) = (sent_dcis(air), sent_blocks(air));
    same("DCI", &sent, &dcis(&d), sent.len() / 50);
    same("PDSCH", &all, &blocks(&d), all.len() / 20);
}

#[test] // Spec: ironcell issue §2 (lab decode: the slots of a block and of its SIB1 are enough), TS 38.213 §13
fn two_slots_are_enough() {
    let air = call();
    let slot_s = 0.5e-3;
    let first = air.plans.windows(2).position(|p| !p[0].ssb.is_empty() && !p[1].pdsch.is_empty()).unwrap();
    let sent = &air.plans[first + 1];
    for centre_hz in [air.recording.centre_hz, None] {
        let r = Recording { centre_hz, ..part(&air.recording, first as f64 * slot_s, 2.0 * slot_s) };
        let d = decode(&r);
        assert_eq!((d.found.n_good(), d.found.dcis[0].slot), (1, sent.slot), "{:?}", d.found.dcis);
        assert_eq!(d.found.pdschs[0].bytes, sent.pdsch[0].tb.of(&sent.bytes));
    }
}

#[test] // Spec: ironcell issue §2 (lab decode: one slot is enough, with given parameters), TS 38.211 §7.4.1.3
fn one_slot_without_a_block_is_enough_with_the_configuration() {
    let air = call();
    let cell = gnb_du::config::Cell::new(scenario("n78-20").cell).unwrap();
    let own = |p: &SlotPlan| p.ssb.is_empty() && p.pdsch.iter().any(|d| d.rnti.0 == 0x4601 && d.n_symbols == 12);
    let at = air.plans.iter().rposition(own).expect("a slot of the terminal's");
    let sent = air.plans[at].clone();
    let known = Known {
        rntis: vec![Rnti(0x4601)],
        cell: Some((cell.config.clone(), cell.dedicated(0, &gnb_du::config::UeRadio::ALL))),
        ..Known::default()
    };
    // Cut by the slot, and with something before and after; noise and an offset of a tenth of a subcarrier.
    for (before, noise) in [(0.0, None), (0.000_137, None), (0.0, Some(25.0))] {
        let one = part(&air.recording, at as f64 * 0.5e-3 - before, 0.5e-3 + 2.0 * before);
        let one = noise.map_or(one.clone(), |snr_db| noisy(&one, snr_db, 3000.0));
        let d = decode_recording(&one, &known, Isa::best()).unwrap().expect("a slot");
        // What lies beside the slot may hold a PDCCH of its neighbours.
        let here = sent.slot.slot();
        let of_slot =
            |list: Sent| list.into_iter().filter(|d| d.1 == here).map(|d| (d.1, d.2, d.3)).collect::<BTreeSet<_>>();
        let alone = Air { recording: one, plans: vec![sent.clone()], taps: Vec::new() };
        assert_eq!(of_slot(blocks(&d)), of_slot(sent_blocks(&alone)), "{before} {noise:?}");
        assert_eq!(of_slot(dcis(&d)), of_slot(sent_dcis(&alone)));
        let wrong = Known { rntis: vec![Rnti(0x4777)], ..known.clone() };
        let wrong = decode_recording(&alone.recording, &wrong, Isa::best()).unwrap();
        assert!(wrong.is_none_or(|d| d.found.dcis.is_empty() && d.found.pdschs.is_empty()));
    }
}

#[test] // Spec: ironcell issue §2 (lab decode: given RNTIs and parameters, for a call that is in progress)
fn a_call_in_progress_needs_its_configuration() {
    let air = call();
    let s = scenario("n78-20");
    let cell = gnb_du::config::Cell::new(s.cell).unwrap();
    let rnti = sent_dcis(air).iter().rev().map(|d| d.2).find(|r| *r < 0xfff0).unwrap();
    let late = part(&air.recording, 0.32, 0.1);
    let known = |rnti| Known {
        rntis: vec![Rnti(rnti)],
        cell: Some((cell.config.clone(), cell.dedicated(0, &gnb_du::config::UeRadio::ALL))),
        ..Known::default()
    };
    let d = decode_recording(&late, &known(rnti), Isa::best()).unwrap().unwrap();
    let own = |d: &Decoded| d.found.pdschs.iter().filter(|p| p.result.crc_ok && p.pdu.rnti.0 == rnti).count();
    let from = air.plans.len() - 200;
    let sent = air.plans[from..].iter().flat_map(|p| &p.pdsch).filter(|p| p.rnti.0 == rnti).count();
    assert!(sent > 3 && own(&d) == sent, "{} of {sent}", own(&d));
    // Another RNTI, and none: nothing of the terminal is found.
    let wrong = decode_recording(&late, &known(rnti ^ 0x155), Isa::best()).unwrap().unwrap();
    assert!(wrong.found.dcis.iter().all(|d| d.rnti == Rnti::SI), "{:?}", dcis(&wrong));
    assert!(decode_recording(&late, &Known { pci: Some(3), ..Known::default() }, Isa::best()).is_err());
}

#[test] // Spec: ironcell issue §2 (lab decode on paired spectrum at 15 kHz), TS 38.211 §5.3.1
fn an_fdd_cell_is_decoded() {
    let air = air("n3-10", 120);
    let d = decode(&air.recording);
    same("DCI", &sent_dcis(&air), &dcis(&d), 0);
    same("PDSCH", &sent_blocks(&air), &blocks(&d), 0);
}

#[test] // Spec: ironcell issue §3 (garbage is no panic), §2 (lab decode)
fn garbage_is_nothing() {
    let mut rng = Rng::from_lab_seed(5);
    for n in [0, 1, 100, 5000, 23_040] {
        let samples = (0..n).map(|_| Cf32::new(rng.unit() as f32 - 0.5, rng.unit() as f32 - 0.5)).collect();
        let r = Recording { samples, rate_hz: 23.04e6, centre_hz: None };
        assert!(decode_recording(&r, &Known::default(), Isa::best()).unwrap().is_none());
    }
    // A recording that is broken in the middle: samples of a call with parts that are noise, silence or far too loud.
    let mut r = part(&call().recording, 0.0, 0.1);
    for (i, chunk) in r.samples.chunks_mut(7001).enumerate() {
        let scale = [1.0, 0.0, 1e6, 1.0, 1e-6][i % 5];
        chunk.iter_mut().for_each(|s| *s *= scale);
    }
    let _ = decode_recording(&r, &Known::default(), Isa::best());
}

#[test] // Spec: ironcell issue §2 (lab decode: a capture for Wireshark)
fn the_capture_holds_each_block_once() {
    let air = call();
    let d = decode(&part(&air.recording, 0.0, 0.2));
    let taps = report::taps(&d);
    assert!(!taps.is_empty() && taps.len() <= d.found.n_good());
    let mut bytes = Vec::new();
    report::capture(&mut bytes, Some(&d)).unwrap();
    assert!(bytes.windows(6).filter(|w| w == b"mac-nr").count() == taps.len());
    let n_dl = |k: SymbolKind| k == SymbolKind::Downlink;
    let slot = d.found.dcis[0].slot;
    assert!(d.read_as.cell.duplex.symbol_kind(slot, 0).is_some_and(n_dl));
    assert!(matches!(d.found.pdschs[0].pdu.rbs, RbAllocation::Contiguous { .. }));
}

#[test] // Spec: ironcell issue §1 (bad use)
fn rntis_are_read() {
    assert_eq!((rnti("0x4601"), rnti("17921"), rnti("0X1")), (Ok(0x4601), Ok(0x4601), Ok(1)));
    assert!(["", "0", "0xffff", "x", "70000", "-1"].iter().all(|t| rnti(t).is_err()));
}
