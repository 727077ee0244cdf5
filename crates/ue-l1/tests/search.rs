//! From power-on to SIB1: the UE knows its bands and nothing else.

mod common;

use air::LinkConfig;
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
        assert_eq!(seen.sib1[..97], world.gnb.sib1, "after {} slots", seen.slots);
    }
}
