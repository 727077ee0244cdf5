use super::*;
use crate::lab::decode::receive::Found;
use fapi::DmrsPdu;
use sim::scenario::Loader;
use view::*;

#[test] // Spec: TS 38.211 §5.1 (constellations of unit power)
fn ideal_points_have_no_error() {
    for q_m in [2, 4, 6, 8, 10] {
        let axis = levels(q_m);
        let all: Vec<Cf32> = axis.iter().flat_map(|i| axis.iter().map(|q| Cf32::new(*i, *q))).collect();
        let power = all.iter().map(|z| z.norm_sqr()).sum::<f32>() / all.len() as f32;
        assert!((power - 1.0).abs() < 1e-5 && all.len() == 1 << q_m && evm_percent(&all, q_m) < 1e-3);
        let off: Vec<Cf32> = all.iter().map(|z| z + Cf32::new(0.01, 0.0)).collect();
        assert!((evm_percent(&off, q_m) - 1.0).abs() < 1e-3);
    }
}

#[test] // Spec: TS 38.104 tables 6.6.4.2.1-2, 6.6.4.2.3-1, 6.6.4.2.3-2, 6.6.4.2.4-1
fn limits_by_hand() {
    for (offset_hz, rated, limit) in [
        (50e3, 43.0, -7.0),
        (5.05e6, 43.0, -14.0),
        (7e6, 43.0, -14.0),
        (50e3, 35.0, -18.0),
        (6e6, 35.0, -25.0),
        (11e6, 37.0, -25.0),
        (50e3, 28.0, -22.0),
        (9e6, 28.0, -29.0),
        (50e3, 20.0, -30.0),
        (6e6, 20.0, -37.0),
    ] {
        assert!((limit_dbm(offset_hz, rated).0 - limit).abs() < 1e-9, "{offset_hz} {rated}");
    }
}

#[test] // Spec: TS 38.104 §6.6.4.2 (power in the measurement bandwidth)
fn the_spectrum_holds_the_power_of_the_samples() {
    let mut rng = node::Rng::from_lab_seed(2);
    let (rate, n) = (20e6, 40_000);
    let noise: Vec<Cf32> = (0..n).map(|_| Cf32::new(rng.unit() as f32 - 0.5, rng.unit() as f32 - 0.5)).collect();
    let power = noise.iter().map(|s| f64::from(s.norm_sqr())).sum::<f64>() / n as f64;
    let s = spectrum(&noise, rate, 0.0, Isa::Scalar);
    let sum: f64 = s.iter().map(|p| p.1).sum::<f64>() * (rate / s.len() as f64) / MEASURED_HZ;
    assert!((sum / power - 1.0).abs() < 0.02, "{sum} {power}");
    let tone: Vec<Cf32> =
        (0..n).map(|i| dsp::unit_phasor(i as f64 * 3e6 / rate)).map(|z| Cf32::new(z.re as f32, z.im as f32)).collect();
    let s = spectrum(&tone, rate, 1e6, Isa::Scalar);
    let top = s.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!((top.0 - 2e6).abs() < MEASURED_HZ && (10.0 * top.1.log10()).abs() < 1.0, "{top:?}");
    assert!(spectrum(&[], rate, 0.0, Isa::Scalar).iter().all(|p| p.1 == 0.0));
}

#[test] // Spec: ironcell issue §2 (lab show: a slot of a scenario)
fn a_scenario_is_drawn() {
    let mut loader = Loader::new();
    ["seed=7", "traffic.transfer_bytes=400000"].into_iter().for_each(|s| loader.set(s).unwrap());
    let scenario = loader.build().unwrap();
    let (recording, known, slot) = busy_slot(scenario).unwrap().expect("a busy slot");
    let noisy = with_noise(&recording, &known, 25.0, Isa::best()).unwrap();
    let view = view_of(&noisy, &known, Some(slot), Isa::best()).unwrap().expect("the slot");
    let seen = view.seen.as_ref().expect("a PDSCH");
    // Noise of -25 dB is an EVM of 5.6 %.
    assert!((5.0..7.5).contains(&seen.evm_percent), "{}", seen.evm_percent);
    assert!(seen.pdsch.result.crc_ok && !seen.points.is_empty());
    let count = |f: fn(&Carries) -> bool| view.carries.iter().flatten().filter(|c| f(c)).count();
    assert!(count(|c| matches!(c, Carries::Pdsch(_))) >= seen.points.len());
    assert!(count(|c| *c == Carries::Pdcch) >= 54 && count(|c| *c == Carries::PdschDmrs) > 0);
    // Elements that carry something stand out of those that do not.
    let mean = |empty: bool| {
        let all = view.carries.iter().flatten().zip(view.power.iter().flatten());
        let is = |c: Carries| matches!(c, Carries::Nothing | Carries::Coreset) == empty;
        let list: Vec<f32> = all.filter(|(c, _)| is(**c)).map(|(_, p)| *p).collect();
        list.iter().sum::<f32>() / list.len().max(1) as f32
    };
    assert!(mean(false) > 100.0 * mean(true), "{} {}", mean(false), mean(true));
    // The power of the block is what SIB1 says, so the spectrum's level is known.
    assert!(view.unit_mw.is_some_and(|u| u.is_finite() && u > 0.0));
    let svg = draw::svg(&view, "a test").unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("Resource grid") && svg.contains("EVM"));
    assert!(svg.len() < 4_000_000);
}

#[test] // Spec: TS 38.211 tables 7.4.1.1.2-1, 7.4.1.1.2-2
fn pilots_of_ports() {
    let dmrs = |config_type, ports| DmrsPdu {
        symbols: 4,
        config_type,
        n_id: 0,
        n_scid: 0,
        ports,
        n_cdm_groups_without_data: 2,
        reference_rb: 0,
    };
    assert_eq!(pilots_of_rb(&dmrs(1, 1)), 0x555);
    assert_eq!(pilots_of_rb(&dmrs(1, 0b100)), 0xaaa);
    assert_eq!(pilots_of_rb(&dmrs(2, 1)), 0b0000_1100_0011);
    assert_eq!(pilots_of_rb(&dmrs(2, 0b10000)), 0b1100_0011_0000);
}

#[test] // Spec: ironcell issue §3 (an empty slot is no panic)
fn an_empty_slot_is_drawn() {
    let cell = gnb_du::config::Cell::new(sim::scenario::Scenario::default().cell).unwrap().config;
    let grid = ofdm::Grid::new(1, usize::from(cell.dl.n_rb) * 12);
    let slot = SlotPoint::new(cell.dl.numerology, 3, 4);
    let view = view(&cell, slot, &grid, &Found::default(), &[], &[], Isa::Scalar);
    assert!(draw::svg(&view, "").unwrap().contains("no PDSCH"));
    assert_eq!((sfn_slot("512.12"), sfn_slot("x").is_err(), sfn_slot("1024.0").is_err()), (Ok((512, 12)), true, true));
}
