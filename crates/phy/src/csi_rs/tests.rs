use super::*;
use dsp::noise::Gaussian;
use nr::Numerology;

fn resource(row: u8, k0: u8, density_x2: u8) -> CsiRsPdu {
    CsiRsPdu {
        id: 1,
        row,
        k0,
        l0: 5,
        density_x2,
        start_rb: 2,
        n_rb: 40,
        scrambling_id: 321,
        period_slots: 20,
        offset_slots: 3,
        power_offset_ss_db: 3,
        trs: row == 1,
    }
}

/// The clause by itself: every pilot from its own index m'.
fn literal(p: &CsiRsPdu, slot: u32, offset: usize, k: usize) -> Option<Cf32> {
    let (n, k_in) = (offset + k / 12, k % 12);
    let n_carrier = k / 12;
    if !(usize::from(p.start_rb)..usize::from(p.start_rb + p.n_rb)).contains(&n_carrier) {
        return None;
    }
    let m = match (p.row, p.density_x2) {
        (1, _) => {
            (0..3).find(|i| k_in == usize::from(p.k0) + 4 * i).map(|i| 3 * n + (usize::from(p.k0) + 4 * i) * 3 / 12)?
        }
        (_, 2) => (k_in == usize::from(p.k0)).then_some(n)?,
        _ => (k_in == usize::from(p.k0) && n % 2 == 0).then_some(n / 2)?,
    };
    let c_init = (1024 * (14 * u64::from(slot) + u64::from(p.l0) + 1) * (2 * u64::from(p.scrambling_id) + 1)
        + u64::from(p.scrambling_id))
        % (1 << 31);
    let mut r = [Cf32::default()];
    Gold::starting_at(c_init as u32, 2 * m).pilots(&mut r);
    Some(r[0] * 10f32.powf(0.15))
}

#[test] // Spec: TS 38.211 §7.4.1.5.2, §7.4.1.5.3
fn elements_follow_the_clause() {
    for p in [resource(1, 2, 6), resource(2, 7, 2), resource(2, 0, 1)] {
        for offset in [0, 5] {
            let mut grid = Grid::new(1, 51 * 12);
            transmit(&p, SlotPoint::new(Numerology::KHZ30, 4, 3), offset, &mut grid).unwrap();
            for k in 0..51 * 12 {
                let expected = literal(&p, 3, usize::from(offset), k).unwrap_or_default();
                assert!((grid.symbol(0, 5)[k] - expected).norm() < 1e-5, "row {} k {k}", p.row);
            }
            assert!(grid.symbol(0, 4).iter().all(|z| *z == Cf32::default()));
        }
    }
}

#[test] // Spec: TS 38.215 §5.1.2 (CSI-RSRP), TS 38.214 §5.1.6.1.1 (tracking)
fn power_noise_and_delay_are_measured() {
    let slot = SlotPoint::new(Numerology::KHZ30, 4, 3);
    let mut rx = CsiRsReceiver::new(Isa::best());
    for (p, snr_db) in [(resource(1, 2, 6), 10.0), (resource(2, 7, 2), 20.0), (resource(1, 0, 6), 0.0)] {
        let mut grid = Grid::new(1, 51 * 12);
        transmit(&p, slot, 0, &mut grid).unwrap();
        let delay_s = 300e-9;
        for (k, z) in grid.symbol_mut(0, 5).iter_mut().enumerate() {
            let turn = dsp::unit_phasor(0.2 - delay_s * 30e3 * k as f64);
            *z *= Cf32::new(turn.re as f32, turn.im as f32) * 0.5;
        }
        let noise = 0.25 * 10f32.powf(-snr_db / 10.0);
        Gaussian::new(5, Isa::Scalar).add(grid.elements_mut(), noise);
        let m = rx.measure(&p, slot, 0, &grid).unwrap();
        assert!((m.snr_db() - snr_db).abs() < 1.5, "{} against {snr_db}", m.snr_db());
        assert!((10.0 * (m.rsrp / 0.25).log10()).abs() < 1.0);
        assert!((m.delay_s - delay_s).abs() < 40e-9, "{}", m.delay_s);
    }
}

#[test] // Spec: TS 38.211 table 7.4.1.5.3-1
fn what_does_not_fit_is_an_error() {
    let slot = SlotPoint::new(Numerology::KHZ30, 4, 3);
    let mut grid = Grid::new(1, 30 * 12);
    for p in [resource(1, 4, 6), resource(2, 0, 3), resource(4, 0, 2), resource(1, 0, 6)] {
        assert!(transmit(&p, slot, 0, &mut grid).is_err());
        assert!(CsiRsReceiver::new(Isa::Scalar).measure(&p, slot, 0, &grid).is_err());
    }
    grid.elements_mut().fill(Cf32::new(f32::NAN, 1.0));
    let p = CsiRsPdu { n_rb: 20, ..resource(1, 0, 6) };
    assert!(CsiRsReceiver::new(Isa::Scalar).measure(&p, slot, 0, &grid).is_ok());
}
