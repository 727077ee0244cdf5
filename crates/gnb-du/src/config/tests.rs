use super::*;
use fapi::{Duplex, PucchFormat};

#[test] // Spec: ironcell issue §1 presets
fn every_preset_is_a_cell() {
    for name in PRESETS {
        let cell = Cell::new(preset(name).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(cell.config.ssb.k_ssb > 0, "{name}");
        for idx in 0..cell.params.max_ues {
            let d = cell.dedicated(idx, &UeRadio::ALL);
            assert_eq!(d.pucch.resources.len(), 3);
            let sr = d.pucch.sr.unwrap();
            let slot = nr::SlotPoint::from_count(cell.numerology(), sr.offset_slots as i64);
            assert!(cell.config.duplex.is_uplink(slot, 0, 14));
            let slot = nr::SlotPoint::from_count(cell.numerology(), d.csi_report.unwrap().offset_slots as i64);
            assert!(cell.config.duplex.is_uplink(slot, 0, 14));
        }
    }
    assert!(preset("n1-5").is_none());
}

#[test] // Spec: TS 38.213 §9.2.1 (resources of different UEs are orthogonal)
fn no_two_ues_share_a_pucch_resource_in_a_slot() {
    let formats = [(2, 0), (2, 4), (3, 0), (4, 0)];
    for (name, (pucch_format, cbg)) in PRESETS.into_iter().flat_map(|n| formats.map(|f| (n, f))) {
        // Where so many UEs have no room, the configuration says so.
        let Ok(cell) = Cell::new(CellParams { pucch_format, cbg, ..preset(name).unwrap() }) else {
            assert!(pucch_format != 2 || cbg > 0, "{name}");
            continue;
        };
        let all: Vec<_> = (0..cell.params.max_ues).map(|i| cell.dedicated(i, &UeRadio::ALL)).collect();
        let key = |r: &fapi::PucchResource| match r.format {
            PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => {
                (r.start_prb, 0, initial_cyclic_shift, time_domain_occ)
            }
            PucchFormat::F4 { occ_index, .. } => (r.start_prb, 1 + r.start_symbol, occ_index, 0),
            _ => (r.start_prb, 1 + r.start_symbol, 0, 0),
        };
        for (i, a) in all.iter().enumerate() {
            for b in &all[..i] {
                for r in [0, 2] {
                    assert!([0, 2].iter().all(|q| key(&a.pucch.resources[r]) != key(&b.pucch.resources[*q])), "{name}");
                    assert_ne!(key(&a.pucch.resources[r]), key(&b.pucch.resources[1]));
                    assert_ne!(key(&b.pucch.resources[r]), key(&a.pucch.resources[1]));
                }
                let (x, y) = (a.pucch.sr.unwrap(), b.pucch.sr.unwrap());
                assert!(x.offset_slots != y.offset_slots || key(&a.pucch.resources[1]) != key(&b.pucch.resources[1]));
            }
        }
    }
}

#[test] // Spec: TS 38.211 §6.4.1.4, TS 38.214 §6.2.1 (sounding of different UEs is orthogonal, in the uplink, away from the PRACH)
fn no_two_ues_sound_on_the_same_comb() {
    for name in PRESETS {
        let cell = Cell::new(CellParams { antennas: 4, ..preset(name).unwrap() }).unwrap();
        let all: Vec<_> = (0..cell.params.max_ues).filter_map(|i| cell.dedicated(i, &UeRadio::ALL).srs).collect();
        assert!(all.len() >= 8, "{name}: {} UEs", all.len());
        let key = |s: &fapi::SrsConfig| (s.resource.period, s.resource.start_symbol, s.resource.comb_offset);
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| key(a) != key(b)), "{name}");
            let slot = nr::SlotPoint::from_count(cell.numerology(), i64::from(a.resource.period.unwrap().1));
            assert!(cell.config.duplex.is_uplink(slot, a.resource.start_symbol, 1), "{name}");
            assert!(cell.prach.occasions(slot).next().is_none(), "{name}");
        }
    }
}

#[test] // Spec: TS 38.104 §5.4.3, TS 38.213 §13, §8.1, §9.2.3, TS 38.104 §5.4.2
fn contradictions_are_told_with_the_way_out() {
    let base = || preset("n78-20").unwrap();
    let told = |p: CellParams| Cell::new(p).unwrap_err().to_string();
    let e = told(CellParams { ssb_arfcn: 632_545, ..base() });
    assert!(e.contains("synchronisation raster") && e.contains("ssb_arfcn = 632544"), "{e}");
    let e = told(CellParams { dl_arfcn: 632_625, ul_arfcn: 632_625, ..base() });
    assert!(e.contains("channel raster") && e.contains("632624"), "{e}");
    let e = told(CellParams { coreset0_index: 15, ..base() });
    assert!(e.contains("CORESET 0 does not fit") && e.contains("table 13-4") && e.contains("16 RB below"), "{e}");
    let e = told(CellParams { prach_config_index: 155, ..base() });
    assert!(e.contains("PRACH occasion") && e.contains("outside the uplink"), "{e}");
    let e = told(CellParams { k1_slots: vec![2, 3], ..base() });
    assert!(e.contains("falls on a downlink slot") && e.contains("add one of [4, 9, 14]"), "{e}");
    let e = told(CellParams { tdd_period_slots: 7, ..base() });
    assert!(e.contains("TDD period"), "{e}");
    let e = told(CellParams { n_rb: 50, ..base() });
    assert!(e.contains("no channel bandwidth"), "{e}");
    let e = told(CellParams { sr_period_slots: 16, ..base() });
    assert!(e.contains("multiple of the TDD period"), "{e}");
    let e = told(CellParams { k2_slots: vec![1], ..base() });
    assert!(e.contains("k2"), "{e}");
    let e = told(CellParams { antennas: 2, dl_layers_max: 4, ..base() });
    assert!(e.contains("more layers") && e.contains("dl_layers_max = 2"), "{e}");
    assert!(told(CellParams { antennas: 3, ..base() }).contains("1, 2, 4"));
    assert!(told(CellParams { plmn: "1".into(), ..base() }).contains("plmn"));
    assert!(told(CellParams { band: 1, ..base() }).contains("band"));
}

#[test] // Spec: TS 38.213 §13 (n79 uses table 13-6), TS 38.211 §7.4.3.1
fn derived_values_by_hand() {
    let mine = Cell::new(preset("mine-ul").unwrap()).unwrap();
    assert_eq!((mine.coreset0.n_rb, mine.coreset0.offset_rb, mine.config.coreset0_bwp.start_rb), (48, 0, 10));
    assert_eq!((mine.config.ssb.k_ssb, mine.config.ssb.offset_to_point_a), (8, 20));
    let n78 = Cell::new(preset("n78-20").unwrap()).unwrap();
    assert_eq!((n78.config.ssb.k_ssb, n78.config.ssb.offset_to_point_a, n78.config.coreset0_bwp.start_rb), (4, 24, 0));
    assert_eq!(n78.config.dl.centre_hz(), 3_489_360_000.0);
    let n3 = Cell::new(preset("n3-10").unwrap()).unwrap();
    assert_eq!((n3.config.duplex, n3.prach_n_rb, n3.config.rach.long_sequence), (Duplex::Fdd, 6, true));
    assert_eq!(n3.config.coreset0_bwp.start_rb, 1);
}

#[test] // Spec: ironcell issue §1 config show
fn every_parameter_is_documented() {
    let value = serde_json::to_value(preset("n78-20").unwrap()).unwrap();
    let fields = value.as_object().unwrap();
    assert_eq!(fields.len(), PARAMS.len());
    assert!(PARAMS.iter().all(|p| fields.contains_key(p.path) && !p.range.is_empty() && !p.spec.is_empty()));
}
