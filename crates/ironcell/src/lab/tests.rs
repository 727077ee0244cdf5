use super::recording::{Recording, read};
use super::scan::{CellFound, scan};
use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use node::Rng;
use sim::World;
use sim::scenario::Scenario;
use sim::world::Entropy;
use std::sync::{Arc, Mutex};

/// What the base station of a preset transmits in its first milliseconds, with its centre.
fn transmitted(preset: &str, ms: i64) -> Recording {
    let scenario = Scenario::of_preset(preset).unwrap();
    let cell = gnb_du::config::Cell::new(scenario.cell.clone()).unwrap().config;
    let scenario = Scenario { run: sim::scenario::RunParams { virtual_time: true, ..scenario.run }, ..scenario };
    let mut world = World::new(scenario, Entropy { seed: 7, secrets: None }).unwrap();
    let samples = Arc::new(Mutex::new(Vec::new()));
    let sink = samples.clone();
    world.record(Box::new(move |tx: &[Cf32], _: &[Cf32]| sink.lock().unwrap().extend_from_slice(tx)));
    while world.now() < nr::Tc::from_ms(ms) {
        world.step();
    }
    let rate = ofdm::Carrier::new(cell.dl.numerology, cell.dl.n_rb.into(), 0.0).unwrap().sample_rate_hz();
    let samples = std::mem::take(&mut *samples.lock().unwrap());
    Recording { samples, rate_hz: rate.into(), centre_hz: Some(cell.dl.centre_hz()) }
}

/// Adds noise for an SNR of a resource element, and turns by `offset_hz`.
fn disturbed(r: &Recording, re_dbm: f64, snr_db: f64, offset_hz: f64, scs_hz: f64) -> Recording {
    let n0 = 10f64.powf((re_dbm - snr_db) / 10.0) / scs_hz * r.rate_hz;
    let mut rng = Rng::from_lab_seed(3);
    let mut samples = r.samples.clone();
    Nco::new(offset_hz / r.rate_hz).mix(Isa::Scalar, &mut samples);
    let sigma = (n0 / 2.0).sqrt();
    for s in &mut samples {
        let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
        let angle = rng.unit() * std::f64::consts::TAU;
        *s += Cf32::new((sigma * radius * angle.cos()) as f32, (sigma * radius * angle.sin()) as f32);
    }
    Recording { samples, ..r.clone() }
}

fn cut(r: &Recording, from_ms: f64, ms: f64) -> Recording {
    let at = |ms: f64| ((ms * 1e-3 * r.rate_hz) as usize).min(r.samples.len());
    Recording { samples: r.samples[at(from_ms)..at(from_ms + ms)].to_vec(), ..r.clone() }
}

#[test] // Spec: ironcell issue §1 (lab scan on ironcell's own recordings, whole and cut to one millisecond), TS 38.213 §13
fn a_tdd_cell_is_found_in_its_recording() {
    found_whole_and_cut("n78-20", 1.0, true);
}

#[test] // Spec: ironcell issue §1 (lab scan on ironcell's own recordings, whole and cut to one millisecond), TS 38.213 §13
fn an_fdd_cell_is_found_in_its_recording() {
    // At 15 kHz a millisecond is the block's slot alone, and SIB1 is sent in the next.
    found_whole_and_cut("n3-10", 2.0, true);
}

#[test] // Spec: ironcell issue §1 (lab scan on ironcell's own recordings, whole and cut to one millisecond), TS 38.213 table 13-6
fn a_cell_of_band_79_is_found_in_its_recording() {
    found_whole_and_cut("mine-ul", 1.0, false);
}

/// `sib1_ms` from the block's millisecond on hold SIB1; `long`: the whole is searched with its centre unknown, too.
fn found_whole_and_cut(preset: &str, sib1_ms: f64, long: bool) {
    let s = Scenario::of_preset(preset).unwrap();
    let whole = transmitted(preset, 24);
    let scs = f64::from(s.cell.scs_khz) * 1e3;
    let noisy = disturbed(&whole, f64::from(s.cell.ssb_power_dbm), 15.0, 1234.0, scs);
    let unknown = Recording { centre_hz: None, ..noisy.clone() };
    // A burst comes within the first 20 ms; where exactly, the random first frame says.
    let cells = scan(&noisy, Isa::best());
    check(&cells, &s, &noisy, "whole", true);
    let ms = (cells[0].detection.pss_start / noisy.rate_hz * 1e3).floor();
    let one = cut(&noisy, ms, 1.0);
    check(&scan(&one, Isa::best()), &s, &one, "one millisecond", sib1_ms == 1.0);
    let part = cut(&unknown, ms, sib1_ms);
    check(&scan(&part, Isa::best()), &s, &part, "cut, centre unknown", true);
    if long {
        check(&scan(&unknown, Isa::best()), &s, &unknown, "centre unknown", true);
    }
}

fn check(cells: &[CellFound], s: &Scenario, recording: &Recording, name: &str, sib1: bool) {
    let name = format!("{}, {name}", s.preset);
    assert_eq!(cells.len(), 1, "{name}");
    let c = cells[0].to_json();
    assert_eq!(c["pci"], s.cell.pci, "{name}");
    assert_eq!(c["ssb_scs_khz"], s.cell.scs_khz);
    assert_eq!(c["mib"]["pdcch-ConfigSIB1"]["controlResourceSetZero"], s.cell.coreset0_index);
    match recording.centre_hz {
        Some(_) => assert!((c["cfo_hz"].as_f64().unwrap() - 1234.0).abs() < 100.0, "{name}: {c}"),
        None => assert!(c["cfo_hz"].is_null()),
    }
    assert!((c["snr_db"].as_f64().unwrap() - 15.0).abs() < 3.0, "{name}: {c}");
    if sib1 {
        assert_eq!(c["sib1"]["plmns"][0], "001-01", "{name}: {c}");
        assert_eq!((&c["sib1"]["tac"], &c["sib1"]["cell_id"]), (&s.cell.tac.into(), &s.cell.cell_id.into()));
    } else {
        assert!(c["sib1"].is_null(), "{name}: {c}");
    }
}

#[test] // Spec: ironcell issue §8 (nothing in a recording of noise)
fn nothing_is_found_in_noise() {
    let noise = Recording { samples: vec![Cf32::default(); 23_040 * 2], rate_hz: 23.04e6, centre_hz: None };
    for centre_hz in [None, Some(3.48936e9)] {
        let r = disturbed(&Recording { centre_hz, ..noise.clone() }, 0.0, 0.0, 0.0, 30e3);
        assert!(scan(&r, Isa::best()).is_empty());
    }
    for samples in [vec![], vec![Cf32::new(1.0, 0.0); 5000]] {
        assert!(scan(&Recording { samples, ..noise.clone() }, Isa::best()).is_empty());
    }
}

#[test] // Spec: ironcell issue §3 (a broken or truncated recording)
fn broken_recordings_are_told() {
    let dir = std::env::temp_dir().join(format!("ironcell-recording-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let told = |name: &str, rate: Option<f64>| read(&dir.join(name), rate, None).unwrap_err().to_string();
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).unwrap();
    put("cut.cf32", &[1; 801]);
    assert!(told("cut.cf32", Some(23.04e6)).contains("truncated"));
    assert!(told("cut.cf32", None).contains("--rate"));
    assert!(told("cut.cf32", Some(-5.0)).contains("sampling rate"));
    assert!(told("nowhere", None).contains("is not there"));
    put("empty.cf32", &[]);
    assert!(told("empty.cf32", Some(1e7)).contains("no samples"));
    put("nan.cf32", &[0xff; 800]);
    assert!(told("nan.cf32", Some(1e7)).contains("broken"));
    put("zero.cf32", &[0; 800]);
    assert!(told("zero.cf32", Some(1e7)).contains("zeros"));
    for (meta, wanted) in [
        ("{", "no SigMF metadata"),
        ("{}", "core:datatype"),
        (r#"{"global":{"core:datatype":"cu8"}}"#, "cu8"),
        (r#"{"global":{"core:datatype":"cf32_le"}}"#, "core:sample_rate"),
        (r#"{"global":{"core:datatype":"cf32_le","core:sample_rate":1e7}}"#, "cannot be read"),
    ] {
        put("a.sigmf-meta", meta.as_bytes());
        for name in ["a", "a.sigmf-meta", "a.sigmf-data"] {
            assert!(told(name, None).contains(wanted), "{meta}");
        }
    }
    put(
        "a.sigmf-meta",
        br#"{"global":{"core:datatype":"ci16_le","core:sample_rate":1e7},"captures":[{"core:frequency":3e9}]}"#,
    );
    put("a.sigmf-data", &[0, 0x40, 0, 0xc0, 0, 0x20, 0, 0]);
    let r = read(&dir.join("a"), None, None).unwrap();
    assert_eq!((r.samples.len(), r.rate_hz, r.centre_hz), (2, 1e7, Some(3e9)));
    assert!((r.samples[0].re / r.samples[1].re - 2.0).abs() < 1e-6 && r.samples[0].im == -r.samples[0].re);
    std::fs::remove_dir_all(dir).unwrap();
}
