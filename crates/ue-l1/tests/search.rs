//! From power-on to SIB1: the UE knows its bands and nothing else.

mod common;

use air::{LinkConfig, Profile};
use common::*;
use fapi::ue::{Addressed, UeL1Command, UeL1Event};

struct Seen {
    found: Option<UeL1Event>,
    sib1: Vec<u8>,
    slots: u32,
    exhausted: u32,
}

/// Runs until SIB1 is read or `slots_max` are over.
fn run(world: &mut World, bands: &[u16], slots_max: u32) -> Seen {
    let mut seen = Seen { found: None, sib1: Vec::new(), slots: 0, exhausted: 0 };
    let mut started = false;
    while seen.sib1.is_empty() && seen.slots < slots_max {
        seen.slots += 1;
        world.slot(
            |_| {},
            |ind, response| {
                if !started {
                    started = true;
                    response.commands.push(UeL1Command::Search { bands: bands.to_vec() });
                }
                for event in &ind.events {
                    match event {
                        UeL1Event::CellFound { .. } => seen.found = Some(event.clone()),
                        UeL1Event::DlBlock { addressed: Addressed::Si, tb, .. } => {
                            seen.sib1 = tb.of(&ind.bytes).to_vec();
                        }
                        UeL1Event::SearchExhausted { .. } => seen.exhausted += 1,
                        _ => {}
                    }
                }
            },
        );
    }
    seen
}

/// Finds `preset` and reads its SIB1.
fn attach(preset: Preset, link: LinkConfig, snr_db: f64, bands: &[u16]) -> Seen {
    let mut world = World::new(preset, link, snr_db, 61_440_000);
    let seen = run(&mut world, bands, 2400);
    let Some(UeL1Event::CellFound { pci, ssb_hz, cfo_hz, ssb_index, .. }) = seen.found else {
        panic!("no cell: {preset:?}");
    };
    let expected_hz = nr::tables::raster::gscn_hz(preset.gscn).unwrap();
    assert_eq!((pci.get(), ssb_hz, ssb_index), (preset.pci, expected_hz, preset.ssb_index));
    let cfo = -world.air.link(0).unwrap().config().ppm * 1e-6 * ssb_hz;
    assert!((f64::from(cfo_hz) - cfo).abs() < 300.0, "{cfo_hz} against {cfo}");
    assert!(seen.sib1.starts_with(&world.gnb.sib1), "{preset:?}: SIB1 after {} slots", seen.slots);
    assert!(world.timing_error_s().abs() < 100e-9, "{preset:?}: {} s", world.timing_error_s());
    seen
}

fn link(ppm: f64, seed: u64) -> LinkConfig {
    LinkConfig { ppm, delay_s: 1.7e-6, start_s: 0.003_217_31, seed, ..LinkConfig::default() }
}

#[test] // Spec: TS 38.213 §4.1, §13; TS 38.104 §5.4.3
fn n78_is_found_and_sib1_read_with_2_ppm() {
    for (ppm, snr_db) in [(2.0, 20.0), (-2.0, 5.0)] {
        let mut world = World::new(N78, link(ppm, 1), snr_db, 61_440_000);
        let seen = run(&mut world, &[78], 1600);
        let Some(UeL1Event::CellFound { pci, ssb_hz, cfo_hz, snr_db: snr, rsrp_dbm, band, .. }) = seen.found else {
            panic!("no cell at {ppm} ppm");
        };
        assert_eq!((pci.get(), band, ssb_hz), (1007, 78, 3_489_600_000.0));
        let expected = -ppm * 1e-6 * ssb_hz;
        assert!((f64::from(cfo_hz) - expected).abs() < 200.0, "{cfo_hz} against {expected}");
        assert!((f64::from(snr) - snr_db).abs() < 2.0, "{snr} against {snr_db}");
        let loss = air::path_loss_db_for(0.0, snr_db, 30e3, 7.0);
        assert!((f64::from(rsrp_dbm) + loss).abs() < 1.5, "{rsrp_dbm} against {}", -loss);
        assert_eq!(seen.sib1[..24], world.gnb.sib1, "after {} slots", seen.slots);
    }
}

#[test] // Spec: TS 38.104 table 5.4.3.3-1; TS 38.213 tables 13-1, 13-6
fn every_band_s_raster_is_searched() {
    attach(N3, link(1.9, 3), 12.0, &[3]);
    attach(N79, link(-2.0, 4), 12.0, &[79]);
    attach(N3, link(0.3, 5), 12.0, &[78, 3]);
}

#[test] // Spec: TS 38.213 §13 (the UE is told nothing of these)
fn parameters_of_the_cell_are_read_from_the_air() {
    let changes: [fn(&mut Preset); 8] = [
        |p| p.pci = 0,
        |p| p.pci = 501,
        |p| p.k_ssb = 16,
        |p| p.k_ssb = 22,
        |p| (p.coreset_zero, p.below) = (13, 2),
        |p| (p.coreset_zero, p.below) = (0, 11),
        |p| p.gscn = 7990,
        |p| p.ssb_index = 2,
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut preset = N78;
        change(&mut preset);
        attach(preset, link(1.0, i as u64), 15.0, &[78]);
    }
}

#[test] // Spec: TR 38.901 §7.7.2
fn a_faded_cell_is_found() {
    for (seed, profile) in [(1, Profile::TdlA), (2, Profile::TdlB), (3, Profile::TdlC)] {
        let fading = LinkConfig { profile, delay_spread_ns: 100.0, doppler_hz: 10.0, ..link(1.5, seed) };
        let mut world = World::new(N78, fading, 15.0, 61_440_000);
        let seen = run(&mut world, &[78], 4000);
        assert!(seen.sib1.starts_with(&world.gnb.sib1), "{profile}: {} slots", seen.slots);
    }
}

#[test] // Spec: TS 38.213 §4.1 (nothing is found where nothing is)
fn noise_exhausts_the_search() {
    let mut world = World::new(N79, link(0.0, 9), -20.0, 61_440_000);
    let seen = run(&mut world, &[79], 1300);
    assert!(seen.found.is_none() && seen.exhausted >= 1, "{} rounds", seen.exhausted);
}
