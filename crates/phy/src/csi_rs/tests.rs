use super::*;
use crate::sequences::Gold;
use dsp::Isa;
use dsp::noise::Gaussian;
use nr::Numerology;

fn resource(row: u8, k0: u8, density_x2: u8) -> CsiRsPdu {
    CsiRsPdu {
        id: 1,
        row,
        k: [k0, 0, 0, 0, 0, 0],
        l0: 5,
        l1: 0,
        odd_rbs: false,
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
        (1, _) => (0..3)
            .find(|i| k_in == usize::from(p.k[0]) + 4 * i)
            .map(|i| 3 * n + (usize::from(p.k[0]) + 4 * i) * 3 / 12)?,
        (_, 2) => (k_in == usize::from(p.k[0])).then_some(n)?,
        _ => (k_in == usize::from(p.k[0]) && n % 2 == 0).then_some(n / 2)?,
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
        let m = rx.measure(&p, slot, 0, &grid, 0).unwrap();
        assert!((m.snr_db() - snr_db).abs() < 1.5, "{} against {snr_db}", m.snr_db());
        assert!((10.0 * (m.rsrp / 0.25).log10()).abs() < 1.0);
        assert!((m.delay_s - delay_s).abs() < 40e-9, "{}", m.delay_s);
    }
}

#[test] // Spec: TS 38.211 table 7.4.1.5.3-1
fn what_does_not_fit_is_an_error() {
    let slot = SlotPoint::new(Numerology::KHZ30, 4, 3);
    let mut grid = Grid::new(1, 30 * 12);
    for p in [resource(1, 4, 6), resource(2, 0, 3), resource(4, 0, 1), resource(1, 0, 6)] {
        assert!(transmit(&p, slot, 0, &mut grid).is_err());
        assert!(CsiRsReceiver::new(Isa::Scalar).measure(&p, slot, 0, &grid, 0).is_err());
    }
    grid.elements_mut().fill(Cf32::new(f32::NAN, 1.0));
    let p = CsiRsPdu { n_rb: 20, ..resource(1, 0, 6) };
    assert!(CsiRsReceiver::new(Isa::Scalar).measure(&p, slot, 0, &grid, 0).is_ok());
}

fn character(z: Cf32) -> char {
    if z.norm_sqr() < 0.1 { '0' } else { ['a', 'b', 'c', 'd'][usize::from(z.re < 0.0) + 2 * usize::from(z.im < 0.0)] }
}

/// A resource of vectors/csi_rs.txt, its offset and slot, and (port, symbol, elements).
type Vector = (CsiRsPdu, u16, SlotPoint, Vec<(usize, usize, &'static str)>);

fn vectors() -> Vec<Vector> {
    let line = |line: &'static str| {
        let f: Vec<&str> = line.split(' ').collect();
        let n = |i: usize| f[i].parse::<u16>().unwrap();
        let pdu = CsiRsPdu {
            row: n(0) as u8,
            k: core::array::from_fn(|i| n(1 + i) as u8),
            l0: n(7) as u8,
            l1: n(8) as u8,
            density_x2: n(9) as u8,
            odd_rbs: n(10) == 1,
            start_rb: n(11),
            n_rb: n(12),
            scrambling_id: n(14),
            power_offset_ss_db: 0,
            ..resource(2, 0, 2)
        };
        let body = f[16..].iter().map(|part| {
            let mut p = part.split(':');
            let mut number = || p.next().unwrap().parse::<usize>().unwrap();
            (number(), number(), p.next().unwrap())
        });
        (pdu, n(13), SlotPoint::new(Numerology::KHZ30, 4, u32::from(n(15))), body.collect())
    };
    include_str!("../../../../vectors/csi_rs.txt").lines().map(line).collect()
}

#[test] // Spec: TS 38.211 §7.4.1.5.2, §7.4.1.5.3 table 7.4.1.5.3-1; vectors: vectors/csi_rs.txt (second derivation)
fn every_row_equals_the_second_derivation() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 28);
    for (pdu, offset, slot, body) in vectors {
        let mut grid = Grid::new(32, 84);
        transmit(&pdu, slot, offset, &mut grid).unwrap();
        for (port, l) in (0..32).flat_map(|p| (0..14).map(move |l| (p, l))) {
            let text: String = grid.symbol(port, l).iter().map(|z| character(*z)).collect();
            let there = body.iter().find(|(p, s, _)| (*p, *s) == (port, l));
            let expected = there.map_or("0".repeat(84), |b| b.2.to_string());
            assert_eq!(text, expected, "row {} port {port} symbol {l}", pdu.row);
        }
    }
}

#[test] // Spec: TS 38.211 §7.4.1.5.3, TS 38.214 §5.2.2.3.1; signals: vectors/csi_rs.txt (second derivation)
fn each_port_is_told_from_the_others() {
    let amplitude = core::f32::consts::FRAC_1_SQRT_2;
    let mut rx = CsiRsReceiver::new(Isa::best());
    let mut out = CsiRsChannel::default();
    for (pdu, offset, slot, body) in vectors() {
        // Antenna a hears port p with gain g(a, p).
        let g = |a: usize, p: usize| Cf32::new(1.0 + a as f32 - 0.1 * p as f32, 0.3 * p as f32 - a as f32);
        let mut grid = Grid::new(2, 84);
        for (port, l, text) in &body {
            for (k, c) in text.bytes().enumerate().filter(|(_, c)| *c != b'0') {
                let (re, im) = (
                    f32::from(1 - 2 * i8::from((c - b'a') & 1 == 1)),
                    f32::from(1 - 2 * i8::from((c - b'a') & 2 == 2)),
                );
                let x = Cf32::new(re * amplitude, im * amplitude);
                (0..2).for_each(|a| grid.symbol_mut(a, *l)[k] += x * g(a, *port));
            }
        }
        rx.channel(&pdu, slot, offset, &grid, &mut out).unwrap();
        for rb in 0..out.n_rb {
            for (i, h) in out.of_rb(rb).iter().enumerate() {
                let expected = g(i / out.n_ports, i % out.n_ports);
                assert!((*h - expected).norm() < 1e-3, "row {} rb {rb} element {i}: {h} {expected}", pdu.row);
            }
        }
        assert!(out.noise_var < 1e-4 && out.n_rb > 0);
        let power = (g(0, 0).norm_sqr() + g(1, 0).norm_sqr()) / 2.0;
        assert!((out.rsrp[0] / power - 1.0).abs() < 0.01);
    }
}

#[test] // Spec: TS 38.215 §5.1.2, TS 38.211 §7.4.1.5.3
fn noise_and_delay_of_many_ports() {
    let slot = SlotPoint::new(Numerology::KHZ30, 4, 3);
    let mut rx = CsiRsReceiver::new(Isa::best());
    let mut out = CsiRsChannel::default();
    for row in [3u8, 8, 18] {
        let pdu = CsiRsPdu { k: [0, 4, 6, 8, 0, 0], l0: 3, n_rb: 48, ..resource(row, 0, 2) };
        let mut sent = Grid::new(32, 51 * 12);
        transmit(&pdu, slot, 0, &mut sent).unwrap();
        let mut grid = Grid::new(2, 51 * 12);
        let delay_s = 120e-9;
        for (rx, l, k) in (0..2).flat_map(|rx| (0..14).flat_map(move |l| (0..612).map(move |k| (rx, l, k)))) {
            let turn = dsp::unit_phasor(-delay_s * 30e3 * k as f64);
            let sum: Cf32 = (0..32).map(|p| sent.symbol(p, l)[k] * if (p + rx) % 2 == 0 { 1.0 } else { 0.5 }).sum();
            grid.symbol_mut(rx, l)[k] = sum * Cf32::new(turn.re as f32, turn.im as f32);
        }
        Gaussian::new(9, Isa::Scalar).add(grid.elements_mut(), 0.1);
        rx.channel(&pdu, slot, 0, &grid, &mut out).unwrap();
        assert!((10.0 * (out.noise_var / 0.1).log10()).abs() < 1.0, "row {row}: {}", out.noise_var);
        assert!((out.delay_s - delay_s).abs() < 20e-9, "row {row}: {}", out.delay_s);
    }
}

#[test] // Spec: TS 38.214 §5.2.2.4
fn interference_between_antennas() {
    let mut grid = Grid::new(2, 48 * 12);
    Gaussian::new(3, Isa::Scalar).fill(grid.elements_mut(), 0.5);
    // The same interferer at both antennas, in quadrature.
    for l in 0..14 {
        for k in 0..48 * 12 {
            let z = Cf32::new(((k * 7 + l * 3) % 5) as f32 - 2.0, ((k * 3 + l) % 3) as f32 - 1.0);
            grid.symbol_mut(0, l)[k] += z;
            grid.symbol_mut(1, l)[k] += z * Cf32::new(0.0, 1.0);
        }
    }
    let im =
        fapi::CsiImResource { id: 0, pattern: 1, k: 4, l: 6, start_rb: 2, n_rb: 44, period_slots: 20, offset_slots: 0 };
    let rx = CsiRsReceiver::new(Isa::Scalar);
    let i = rx.interference(&im, &grid).unwrap();
    let common = i.power[0] - 0.5;
    assert!((i.covariance[1][0] - Cf32::new(0.0, common)).norm() < 0.3 * common, "{i:?}");
    assert!((i.power[0] / i.power[1] - 1.0).abs() < 0.3);
    assert!(rx.interference(&fapi::CsiImResource { k: 2, ..im }, &grid).is_err());
    assert!(rx.interference(&fapi::CsiImResource { n_rb: 60, ..im }, &grid).is_err());
    assert!(rx.interference(&fapi::CsiImResource { pattern: 0, l: 13, ..im }, &grid).is_err());
}
