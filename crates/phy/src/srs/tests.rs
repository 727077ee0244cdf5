//! Against a second derivation, and transmitter to receiver.

use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa, unit_phasor};
use nr::{Numerology, Rnti};
use ofdm::Grid;

fn resource() -> SrsResource {
    SrsResource {
        id: 0,
        n_ports: 1,
        comb: 2,
        comb_offset: 0,
        cyclic_shift: 0,
        start_symbol: 13,
        n_symbols: 1,
        repetition: 1,
        freq_position: 0,
        freq_shift: 0,
        c_srs: 13,
        b_srs: 0,
        b_hop: 0,
        hopping: SrsHopping::Neither,
        sequence_id: 40,
        period: None,
        freq_scaling: 1,
        start_rb_index: 0,
        start_rb_hopping: false,
        positioning: false,
    }
}

fn pdu(resource: SrsResource) -> SrsPdu {
    SrsPdu { rnti: Rnti(0x4601), resource, reference_rb: 0 }
}

fn slot() -> SlotPoint {
    SlotPoint::new(Numerology::KHZ30, 7, 9)
}

#[test] // Spec: TS 38.211 §6.4.1.4; vectors: vectors/srs.txt (second derivation)
fn elements_equal_the_second_derivation() {
    let mut lines = include_str!("../../../../vectors/srs.txt").lines();
    let mut n_vectors = 0;
    while let Some(head) = lines.next() {
        let n: Vec<i64> = head.split(' ').map(|v| v.parse().unwrap()).collect();
        let u = |i: usize| n[i] as u8;
        let p = SrsPdu {
            rnti: Rnti(1),
            reference_rb: n[20] as i32,
            resource: SrsResource {
                id: 0,
                n_ports: u(0),
                comb: u(1),
                comb_offset: u(2),
                cyclic_shift: u(3),
                start_symbol: u(4),
                n_symbols: u(5),
                repetition: u(6),
                freq_position: u(7),
                freq_shift: n[8] as u16,
                c_srs: u(9),
                b_srs: u(10),
                b_hop: u(11),
                hopping: [SrsHopping::Neither, SrsHopping::Group, SrsHopping::Sequence][n[12] as usize],
                sequence_id: n[13] as u16,
                period: (n[14] > 0).then_some((n[14] as u32, n[15] as u32)),
                freq_scaling: u(16),
                start_rb_index: u(17),
                start_rb_hopping: n[18] == 1,
                positioning: n[19] == 1,
            },
        };
        let slot = SlotPoint::new(Numerology::KHZ30, n[21] as u32, n[22] as u32);
        assert!(p.resource.is_sent(slot));
        let mut grid = Grid::new(4, 273 * 12);
        SrsTransmitter::default().transmit(&p, slot, &mut grid).unwrap();
        let elements = Geometry::new(&p).unwrap().n_elements();
        let mut sum = 0.0;
        for l in 0..n[5] as usize {
            for port in 0..n[0] as usize {
                let row = grid.symbol(port, n[4] as usize + l);
                let mut cells = lines.next().unwrap().split(' ');
                let first: usize = cells.next().unwrap().parse().unwrap();
                let step = (elements / 12).max(1) * n[1] as usize;
                for (i, cell) in cells.enumerate() {
                    let (re, im) = cell.split_once(',').unwrap();
                    let e = Cf32::new(re.parse::<f32>().unwrap() * 1e-3, im.parse::<f32>().unwrap() * 1e-3);
                    let x = row[first + i * step];
                    assert!((x - e).norm_sqr() < 2e-6, "{n_vectors} {l} {port} {i}: {x} {e} {p:?}");
                }
                sum += elements as f32 / n[0] as f32;
            }
        }
        let energy: f32 = grid.elements().map(|x| x.norm_sqr()).sum();
        assert!((energy / sum - 1.0).abs() < 1e-3, "{n_vectors}: {energy} {sum}");
        n_vectors += 1;
    }
    assert_eq!(n_vectors, 16);
}

/// The channel from a port to an antenna at subcarrier `k`.
fn truth(port: usize, rx: usize, k: i64, delay: f64) -> Cf32 {
    let amplitude = 0.6 + 0.2 * ((port + 2 * rx) % 3) as f64;
    let z = unit_phasor(0.13 * port as f64 + 0.29 * rx as f64 - delay * k as f64) * amplitude;
    Cf32::new(z.re as f32, z.im as f32)
}

#[test] // Spec: TS 38.211 §6.4.1.4
fn the_channel_of_every_port_and_antenna_is_measured() {
    let mut noise = Gaussian::new(3, Isa::best());
    for (n_ports, comb, n_symbols, cyclic_shift, n_rx, b_srs, b_hop) in [
        (1u8, 2u8, 1u8, 5u8, 1usize, 0u8, 0u8),
        (2, 2, 2, 1, 2, 0, 0),
        (4, 2, 4, 2, 4, 0, 0),
        (4, 2, 1, 6, 2, 0, 0),
        (2, 4, 4, 7, 8, 1, 0),
        (4, 4, 8, 3, 2, 0, 0),
        (4, 8, 1, 2, 2, 0, 0),
        (1, 8, 12, 0, 1, 1, 0),
    ] {
        let p = pdu(SrsResource {
            n_ports,
            comb,
            n_symbols,
            cyclic_shift,
            b_srs,
            b_hop,
            start_symbol: 14 - n_symbols,
            c_srs: 24,
            ..resource()
        });
        let mut sent = Grid::new(4, 1200);
        SrsTransmitter::default().transmit(&p, slot(), &mut sent).unwrap();
        let mut got = Grid::new(n_rx, 1200);
        let delay = 0.004;
        for rx in 0..n_rx {
            for port in 0..n_ports as usize {
                for l in 0..14 {
                    for (k, x) in sent.symbol(port, l).iter().enumerate() {
                        got.symbol_mut(rx, l)[k] += x * truth(port, rx, k as i64, delay);
                    }
                }
            }
        }
        noise.add(got.elements_mut(), 0.02);
        let mut receiver = SrsReceiver::new(Isa::best(), n_rx);
        let report = receiver.receive(&got, &p, slot()).unwrap();
        assert_eq!(report.n_places, if b_srs > 0 { 2.min(n_symbols as usize) } else { 1 });
        let d = report.delay_s * 30e3;
        assert!((d - delay).abs() < 0.0008, "{d} {p:?}");
        assert!((report.noise_var / 0.02).ln().abs() < 0.5, "{report:?} {p:?}");
        let per_port = 0.6f32;
        assert!((report.snr_db - 10.0 * (per_port / 0.02).log10()).abs() < 2.5, "{report:?} {p:?}");
        let g = Geometry::new(&p).unwrap();
        for place in 0..report.n_places {
            for port in 0..n_ports as usize {
                for rx in 0..n_rx {
                    let (_, h) = receiver.channel(place, port, rx);
                    let (mut error, mut energy) = (0.0, 0.0);
                    let l = place * n_symbols as usize / 2;
                    let first = g.first_subcarrier(slot(), if report.n_places > 1 { l.min(place) } else { 0 }, port);
                    for (i, h) in h.iter().enumerate() {
                        let t = truth(port, rx, first + i as i64 * comb as i64, delay);
                        error += (h - t).norm_sqr();
                        energy += t.norm_sqr();
                    }
                    assert!(error / energy < 0.08, "{place} {port} {rx}: {} {p:?}", error / energy);
                }
            }
        }
    }
}

#[test] // Spec: TS 38.211 §6.4.1.4.2 (cyclic shifts), §6.4.1.4.3 (combs)
fn ues_share_symbols_by_comb_and_shift() {
    let users: Vec<SrsPdu> = [(0, 0), (0, 4), (1, 2), (1, 6)]
        .into_iter()
        .map(|(comb_offset, cyclic_shift)| pdu(SrsResource { comb_offset, cyclic_shift, ..resource() }))
        .collect();
    let mut got = Grid::new(1, 600);
    for (i, p) in users.iter().enumerate() {
        let mut sent = Grid::new(1, 600);
        SrsTransmitter::default().transmit(p, slot(), &mut sent).unwrap();
        for (k, x) in sent.symbol(0, 13).iter().enumerate() {
            got.symbol_mut(0, 13)[k] += x * truth(i, 0, k as i64, 0.001 * i as f64);
        }
    }
    let mut receiver = SrsReceiver::new(Isa::best(), 1);
    for (i, p) in users.iter().enumerate() {
        let report = receiver.receive(&got, p, slot()).unwrap();
        let (first, h) = receiver.channel(0, 0, 0);
        assert!((report.delay_s * 30e3 - 0.001 * i as f64).abs() < 0.0005, "{i} {report:?}");
        let error: f32 = h
            .iter()
            .enumerate()
            .map(|(n, h)| (h - truth(i, 0, first + 2 * n as i64, 0.001 * i as f64)).norm_sqr())
            .sum();
        assert!(error / (h.len() as f32) < 0.01, "{i}: {error}");
    }
}

#[test] // Spec: TS 38.211 §6.4.1.4.1, §6.4.1.4.3
fn what_contradicts_the_clause_is_an_error_and_bad_numbers_do_not_panic() {
    let good = resource();
    let mut grid = Grid::new(4, 600);
    let mut receiver = SrsReceiver::new(Isa::best(), 4);
    for bad in [
        SrsResource { n_ports: 3, ..good },
        SrsResource { comb: 3, ..good },
        SrsResource { comb_offset: 2, ..good },
        SrsResource { cyclic_shift: 8, ..good },
        SrsResource { n_symbols: 3, ..good },
        SrsResource { start_symbol: 13, n_symbols: 2, ..good },
        SrsResource { repetition: 0, ..good },
        SrsResource { n_symbols: 4, start_symbol: 10, repetition: 3, ..good },
        SrsResource { c_srs: 64, ..good },
        SrsResource { b_srs: 4, ..good },
        SrsResource { freq_shift: 268, ..good },
        SrsResource { c_srs: 63, ..good },
        SrsResource { c_srs: 0, comb: 8, freq_scaling: 2, ..good },
        SrsResource { freq_scaling: 2, start_rb_index: 2, ..good },
        SrsResource { period: Some((0, 0)), ..good },
        SrsResource { positioning: true, comb: 8, n_symbols: 2, start_symbol: 0, ..good },
    ] {
        assert!(SrsTransmitter::default().transmit(&pdu(bad), slot(), &mut grid).is_err(), "{bad:?}");
        assert!(receiver.receive(&grid, &pdu(bad), slot()).is_err(), "{bad:?}");
    }
    assert!(receiver.receive(&grid, &SrsPdu { reference_rb: -1, ..pdu(good) }, slot()).is_err());
    for value in [0.0, f32::NAN, f32::INFINITY, 1e38] {
        grid.elements_mut().fill(Cf32::new(value, value));
        let report = receiver.receive(&grid, &pdu(good), slot()).unwrap();
        assert!(!format!("{:?}", (report.snr_db, report.delay_s, report.power)).contains("NaN"), "{value} {report:?}");
    }
    assert_eq!(receiver.channel(0, 1, 0).1.len(), 0);
}

#[test] // Spec: TS 38.211 §6.3.1.5, TS 38.214 §6.1.1.1 (precoders by what was sounded)
fn the_precoder_that_carries_most_is_chosen() {
    use nr::tables::uplink_precoding::CodebookSubset;
    let r = SrsResource { n_ports: 2, ..resource() };
    let mut sent = Grid::new(2, 51 * 12);
    SrsTransmitter::default().transmit(&pdu(r), slot(), &mut sent).unwrap();
    // Gains `[rx][port]`.
    let choose = |gains: &[[Cf32; 2]], noise_var: f32, max_rank: u8, subset| {
        let mut heard = Grid::new(gains.len(), 51 * 12);
        for (rx, g) in gains.iter().enumerate() {
            let (a, b) = (sent.symbol(0, 13).to_vec(), sent.symbol(1, 13).to_vec());
            let sum = a.iter().zip(&b).map(|(a, b)| a * g[0] + b * g[1]);
            heard.symbol_mut(rx, 13).iter_mut().zip(sum).for_each(|(y, s)| *y = s);
        }
        let mut receiver = SrsReceiver::new(Isa::Scalar, 2);
        receiver.receive(&heard, &pdu(r), slot()).unwrap();
        receiver.choose(noise_var, max_rank, subset)
    };
    let z = |re, im| Cf32::new(re, im);
    let all = CodebookSubset::FullyPartialNon;
    // One antenna hears the second port a quarter turn ahead: weights 1, -j add both up; 3 dB more than one port with all power.
    let c = choose(&[[z(1.0, 0.0), z(0.0, 1.0)]], 0.01, 2, all);
    assert_eq!((c.ranks[0].map(|r| r.0), c.ranks[1]), (Some(5), None));
    assert!((c.one_port_db - 20.0).abs() < 0.1 && (c.ranks[0].unwrap().1 - 23.0).abs() < 0.1, "{c:?}");
    // Ports on their own antennas: two layers as they are, each with half of the power.
    let c = choose(&[[z(1.0, 0.0), z(0.0, 0.0)], [z(0.0, 0.0), z(1.0, 0.0)]], 0.01, 2, all);
    let (tpmi, sinr_db) = c.ranks[1].unwrap();
    assert!(tpmi == 0 && (sinr_db - 17.0).abs() < 0.1, "{c:?}");
    // Layers that the antennas hear as sum and difference of the ports: the matrix with a minus takes them apart.
    let c = choose(&[[z(1.0, 0.0), z(1.0, 0.0)], [z(0.1, 0.0), z(-0.1, 0.0)]], 0.01, 2, all);
    assert_eq!(c.ranks[1].map(|r| r.0), Some(1), "{c:?}");
    // Terminals that cannot keep phases between ports get no such matrix, and nobody more layers than maxRank.
    let c = choose(&[[z(1.0, 0.0), z(1.0, 0.0)], [z(0.1, 0.0), z(-0.1, 0.0)]], 0.01, 2, CodebookSubset::Non);
    assert!(c.ranks[1].map(|r| r.0) == Some(0) && c.ranks[0].is_some_and(|r| r.0 < 2), "{c:?}");
    assert_eq!(choose(&[[z(1.0, 0.0); 2]; 2], 0.01, 1, all).ranks[1], None);
}
