use super::*;
use dsp::noise::Gaussian;
use nr::Numerology;

fn character(z: Cf32) -> char {
    if z.norm_sqr() < 0.1 { '0' } else { ['a', 'b', 'c', 'd'][usize::from(z.re < 0.0) + 2 * usize::from(z.im < 0.0)] }
}

fn resource(comb: u8, n_symbols: u8) -> PrsResource {
    PrsResource {
        n_id: 1500,
        comb,
        offset: comb - 1,
        start_symbol: 1,
        n_symbols,
        start_rb: 4,
        n_rb: 48,
        power_offset_db: 0.0,
    }
}

#[test] // Spec: TS 38.211 §7.4.1.7.2, §7.4.1.7.3; vectors: vectors/prs.txt (second derivation)
fn elements_equal_the_second_derivation() {
    let mut lines = 0;
    for line in include_str!("../../../../vectors/prs.txt").lines() {
        let f: Vec<&str> = line.split(' ').collect();
        let n = |i: usize| f[i].parse::<u16>().unwrap();
        let p = PrsResource {
            n_id: n(0),
            comb: n(1) as u8,
            n_symbols: n(2) as u8,
            offset: n(3) as u8,
            start_symbol: n(4) as u8,
            start_rb: n(5),
            n_rb: n(6),
            power_offset_db: 0.0,
        };
        let mut grid = Grid::new(1, 12 * 30);
        transmit(&p, SlotPoint::new(Numerology::KHZ30, 1, u32::from(n(8))), n(7), &mut grid).unwrap();
        for l in 0..14 {
            let text: String = grid.symbol(0, l).iter().map(|z| character(*z)).collect();
            let inside = l.checked_sub(usize::from(p.start_symbol)).filter(|i| *i < usize::from(p.n_symbols));
            let expected = inside.map_or("0".repeat(360), |i| f[9 + i].to_string());
            assert_eq!(text, expected, "comb {} symbols {} symbol {l}", p.comb, p.n_symbols);
        }
        lines += 1;
    }
    assert_eq!(lines, 9);
}

#[test] // Spec: TS 38.211 §7.4.1.7.4 (repetition, muting)
fn muting_and_repetition() {
    let s = PrsSchedule {
        period_slots: 40,
        offset_slots: 3,
        repetitions: 4,
        gap_slots: 2,
        muting1: (0b10, 2, 2),
        muting2: (0b1101, 4),
    };
    let sent: Vec<u32> =
        (0..320).filter(|i| is_sent(&s, SlotPoint::from_count(Numerology::KHZ30, i64::from(*i)))).collect();
    // Instances 2 and 3 (then 6 and 7) of the first option; repetitions 0, 2 and 3 of the second.
    assert_eq!(sent[..6], [83, 87, 89, 123, 127, 129]);
    assert_eq!(sent.len(), 12);
    let plain = PrsSchedule { muting1: (0, 0, 0), muting2: (0, 0), ..s };
    assert!(is_sent(&plain, SlotPoint::from_count(Numerology::KHZ30, 9)));
    assert!(!is_sent(&plain, SlotPoint::from_count(Numerology::KHZ30, 11)));
}

#[test] // Spec: TS 38.215 §5.1.29 (DL RSTD), §5.1.28 (DL PRS-RSRP)
fn first_paths_are_timed() {
    let slot = SlotPoint::new(Numerology::KHZ30, 4, 3);
    let mut rx = PrsReceiver::new(Isa::best()).unwrap();
    for (comb, n_symbols) in [(2, 2), (4, 12), (6, 6), (12, 12)] {
        let p = resource(comb, n_symbols);
        let mut sent = Grid::new(1, 52 * 12);
        transmit(&p, slot, 2, &mut sent).unwrap();
        for (delay, snr_db) in [(0.0, 20.0), (350e-9, 0.0), (-120e-9, 10.0), (1.3e-6, -3.0f32)] {
            let mut grid = sent.clone();
            for l in 0..14 {
                for (k, z) in grid.symbol_mut(0, l).iter_mut().enumerate() {
                    // A second path 400 ns later, 3 dB stronger.
                    let path = |t: f64| {
                        let turn = dsp::unit_phasor(-t * 30e3 * k as f64);
                        Cf32::new(turn.re as f32, turn.im as f32)
                    };
                    *z *= path(delay) + path(delay + 400e-9) * 1.41;
                }
            }
            Gaussian::new(8, Isa::Scalar).add(grid.elements_mut(), 10f32.powf(-snr_db / 10.0));
            let a = rx.arrival(&p, slot, 2, &grid).unwrap();
            // 48 RBs of 30 kHz are 17 MHz: a sample of 58 ns.
            assert!((a.delay_s - delay).abs() < 20e-9, "comb {comb}: {} against {delay} at {snr_db} dB", a.delay_s);
            assert!((a.strongest_s - delay - 400e-9).abs() < 20e-9 && a.peak_db > 15.0);
        }
    }
}

#[test] // Spec: TS 38.211 §7.4.1.7.3, TS 38.214 §5.1.6.5
fn what_does_not_fit_is_an_error() {
    let good = resource(6, 6);
    assert!(good.check(52 * 12).is_ok());
    let bad = [
        PrsResource { n_symbols: 4, ..good },
        PrsResource { offset: 6, ..good },
        PrsResource { n_rb: 50, ..good },
        PrsResource { n_id: 4096, ..good },
        PrsResource { start_symbol: 9, ..good },
        PrsResource { start_rb: 6, ..good },
        PrsResource { comb: 0, ..good },
    ];
    assert!(bad.iter().all(|p| p.check(52 * 12).is_err()));
    let mut grid = Grid::new(1, 52 * 12);
    grid.elements_mut().fill(Cf32::new(f32::NAN, f32::INFINITY));
    let slot = SlotPoint::new(Numerology::KHZ30, 4, 3);
    let a = PrsReceiver::new(Isa::Scalar).unwrap().arrival(&good, slot, 0, &grid).unwrap();
    assert!(a.rsrp == 0.0 && a.delay_s.is_finite());
}
