//! Transmitters to receiver.

use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa, unit_phasor};
use fapi::PucchResource;
use nr::{Numerology, Rnti, Tc};
use ofdm::Grid;

pub const N_SC: usize = 300;

pub fn pdu(format: PucchFormat, start_symbol: u8, n_symbols: u8, second_hop_prb: Option<u16>) -> PucchPdu {
    PucchPdu {
        rnti: Rnti(0x4601),
        resource: PucchResource { id: 0, start_prb: 2, second_hop_prb, start_symbol, n_symbols, format },
        n_harq_ack: 0,
        n_sr: 0,
        n_csi1: 0,
        hopping_id: 123,
        group_hopping: 0,
        n_id: 123,
        dmrs_n_id: 123,
        long: Default::default(),
    }
}

pub fn slot() -> SlotPoint {
    SlotPoint::new(Numerology::KHZ30, 7, 9)
}

/// Adds `tx` to `rx` with gain, delay (subcarrier turns) and frequency offset (symbol turns).
pub fn over_the_air(tx: &Grid, rx: &mut Grid, gain: f32, delay: f64, turns: f64, phase: f64) {
    for port in 0..rx.n_ports() {
        for l in 0..14 {
            for (k, x) in tx.symbol(0, l).iter().enumerate() {
                let h = unit_phasor(phase + 0.37 * port as f64 + turns * l as f64 - delay * k as f64);
                rx.symbol_mut(port, l)[k] += x * Cf32::new(h.re as f32, h.im as f32) * gain;
            }
        }
    }
}

fn f0(initial_cyclic_shift: u8) -> PucchFormat {
    PucchFormat::F0 { initial_cyclic_shift }
}

fn f1(initial_cyclic_shift: u8, time_domain_occ: u8) -> PucchFormat {
    PucchFormat::F1 { initial_cyclic_shift, time_domain_occ }
}

/// All short-format words with and without SR, that `pdu` allows.
fn words(n_ack: usize) -> Vec<Vec<u8>> {
    (0..1usize << n_ack).map(|w| (0..n_ack).map(|i| (w >> i & 1) as u8).collect()).collect()
}

#[test] // Spec: TS 38.211 §6.3.2.3, §6.3.2.4, TS 38.213 §9.2.3, §9.2.5
fn every_word_of_formats_0_and_1_arrives() {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 2);
    let mut noise = Gaussian::new(1, Isa::best());
    let shapes = [
        pdu(f0(3), 13, 1, None),
        pdu(f0(0), 12, 2, Some(20)),
        pdu(f1(5, 0), 10, 4, None),
        pdu(f1(7, 1), 0, 14, Some(22)),
        pdu(f1(2, 3), 0, 14, None),
        pdu(f1(0, 0), 3, 7, Some(9)),
    ];
    for shape in shapes {
        for n_ack in 0..3u8 {
            for n_sr in 0..2u8 {
                for hopping in 0..3 {
                    let p = PucchPdu { n_harq_ack: n_ack, n_sr, group_hopping: hopping, ..shape };
                    if n_ack + n_sr == 0 {
                        continue;
                    }
                    let is_f0 = matches!(p.resource.format, PucchFormat::F0 { .. });
                    for word in words(n_ack as usize) {
                        for sr in [false, true] {
                            if sr && n_sr == 0 || sr && !is_f0 && n_ack > 0 {
                                continue;
                            }
                            let mut sent = Grid::new(1, N_SC);
                            tx.transmit(&p, &word, sr, &[], slot(), &mut sent).unwrap();
                            let mut got = Grid::new(2, N_SC);
                            over_the_air(&sent, &mut got, 1.0, 0.01, 0.002, 0.3);
                            noise.add(got.elements_mut(), 0.2);
                            let r = rx.receive(&got, &p, slot()).unwrap();
                            let expect_dtx = n_ack == 0 && !sr;
                            assert_eq!(r.dtx, expect_dtx, "{p:?} {word:?} {sr} {r:?}");
                            if !expect_dtx {
                                assert_eq!((&r.harq_ack[..n_ack as usize], r.sr), (&word[..], sr), "{p:?}");
                                assert!((r.snr_db - 7.0).abs() < 5.0, "{r:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.2.5, TS 38.212 §6.3.1
fn format_2_carries_three_to_many_bits() {
    let mut tx = PucchTransmitter::new(11);
    let mut rx = PucchReceiver::new(Isa::best(), 11, 1);
    let mut noise = Gaussian::new(2, Isa::best());
    for (n_prb, n_symbols, hop) in [(1u8, 2u8, None), (2, 2, Some(17)), (4, 1, None), (8, 2, None)] {
        let p0 = pdu(PucchFormat::F2 { n_prb }, 12, n_symbols, hop);
        let e = 16 * n_prb as usize * n_symbols as usize;
        for (n_ack, n_sr, n_csi1) in
            [(3u8, 0u8, 0u8), (4, 1, 0), (2, 1, 4), (0, 0, 4), (7, 1, 3), (6, 1, 7), (20, 1, 4)]
        {
            if e < 2 * (n_ack + n_csi1 + 11) as usize {
                continue;
            }
            let p = PucchPdu { n_harq_ack: n_ack, n_sr, n_csi1, ..p0 };
            let ack: Vec<u8> = (0..n_ack).map(|i| (i * 7 + 3) / 2 % 2).collect();
            let csi: Vec<u8> = (0..n_csi1).map(|i| (i + 1) % 2).collect();
            let mut sent = Grid::new(1, N_SC);
            tx.transmit(&p, &ack, n_sr > 0, &csi, slot(), &mut sent).unwrap();
            let mut got = Grid::new(1, N_SC);
            over_the_air(&sent, &mut got, 1.0, 0.008, 0.0, 0.1);
            noise.add(got.elements_mut(), 0.1);
            let r = rx.receive(&got, &p, slot()).unwrap();
            assert!(!r.dtx, "{p:?}");
            assert_eq!(r.harq_ack[..n_ack as usize], ack);
            assert_eq!(r.sr, n_sr > 0);
            assert_eq!(r.csi1, csi.iter().fold(0, |w, b| w << 1 | *b as u32));
            let tc = 0.008 / 30e3 * Tc::PER_SECOND as f64;
            let most = if n_prb < 4 { 2.0 } else { 0.6 };
            assert!((r.timing_error_tc.unwrap() as f64 - tc).abs() < most * tc, "{r:?} {tc}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.2.2.2 (cyclic shifts), §6.3.2.4.1 (covers)
fn several_ues_share_a_resource_block() {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 1);
    let mut noise = Gaussian::new(3, Isa::best());
    // Format 1: three shifts by two covers; format 0: three UEs with one bit and one that is silent.
    let users: Vec<(PucchPdu, Vec<u8>)> = [(0, 0), (4, 0), (8, 0), (0, 1), (4, 1), (8, 1)]
        .iter()
        .enumerate()
        .map(|(i, (shift, occ))| {
            let p = PucchPdu { n_harq_ack: 2, ..pdu(f1(*shift, *occ), 0, 14, Some(20)) };
            (p, vec![(i % 2) as u8, (i / 2 % 2) as u8])
        })
        .chain([0u8, 1, 2].iter().map(|shift| {
            let mut p = PucchPdu { n_harq_ack: 1, ..pdu(f0(*shift), 12, 2, None) };
            p.resource.start_prb = 8;
            (p, vec![shift % 2])
        }))
        .collect();
    let mut got = Grid::new(1, N_SC);
    for (i, (p, word)) in users.iter().enumerate() {
        let mut sent = Grid::new(1, N_SC);
        tx.transmit(p, word, false, &[], slot(), &mut sent).unwrap();
        let gain = [1.0, 0.7, 1.3][i % 3];
        over_the_air(&sent, &mut got, gain, 0.001 * (i % 4) as f64, 0.0005 * i as f64, 0.11 * i as f64);
    }
    noise.add(got.elements_mut(), 0.1);
    for (p, word) in &users {
        let r = rx.receive(&got, p, slot()).unwrap();
        assert!(!r.dtx && r.harq_ack[..word.len()] == word[..], "{p:?} {r:?}");
    }
    let mut silent = users[6].0;
    silent.resource.format = f0(4);
    assert!(rx.receive(&got, &silent, slot()).unwrap().dtx);
    let mut silent = users[0].0;
    silent.resource.format = f1(2, 0);
    assert!(rx.receive(&got, &silent, slot()).unwrap().dtx);
}

#[test] // Spec: TS 38.213 §9.2 (detection)
fn noise_is_silence() {
    let mut noise = Gaussian::new(4, Isa::best());
    for n_rx in [1, 2, 4, 8] {
        let mut rx = PucchReceiver::new(Isa::best(), 0, n_rx);
        let mut got = Grid::new(n_rx, N_SC);
        let with = |p: PucchPdu, n_harq_ack, n_sr, n_csi1| PucchPdu { n_harq_ack, n_sr, n_csi1, ..p };
        let shapes = [
            (with(pdu(f0(3), 13, 1, None), 2, 1, 0), 40),
            (with(pdu(f0(3), 12, 2, Some(9)), 0, 1, 0), 8),
            (with(pdu(f1(3, 0), 10, 4, None), 2, 0, 0), 40),
            (with(pdu(f1(3, 2), 0, 14, Some(9)), 0, 1, 0), 8),
            (with(pdu(PucchFormat::F2 { n_prb: 1 }, 12, 2, None), 3, 1, 0), 40),
            (with(pdu(PucchFormat::F2 { n_prb: 2 }, 12, 2, None), 5, 1, 4), 40),
            (with(pdu(PucchFormat::F2 { n_prb: 3 }, 12, 2, Some(9)), 8, 1, 4), 40),
            (with(pdu(PucchFormat::F3 { n_prb: 1 }, 0, 14, None), 4, 0, 0), 40),
            (with(pdu(PucchFormat::F3 { n_prb: 1 }, 0, 4, None), 14, 0, 0), 40),
            // Half of what is made of noise are ACK, of which TS 38.104 §8.3.1.2 allows 1 %.
            (with(pdu(PucchFormat::F3 { n_prb: 1 }, 0, 14, Some(9)), 16, 0, 0), 60),
            (with(pdu(PucchFormat::F4 { occ_length: 2, occ_index: 1 }, 0, 10, Some(9)), 8, 0, 0), 40),
            (with(pdu(PucchFormat::F4 { occ_length: 2, occ_index: 0 }, 0, 14, Some(9)), 22, 0, 0), 30),
        ];
        let rounds = 3000 / n_rx as u32;
        for (p, most) in shapes {
            let mut alarms = 0;
            for _ in 0..rounds {
                for s in symbols(&p) {
                    for rx in 0..n_rx {
                        noise.fill(&mut got.symbol_mut(rx, s.l)[s.prb * 12..s.prb * 12 + 36], 1.0);
                    }
                }
                alarms += u32::from(!rx.receive(&got, &p, slot()).unwrap().dtx);
            }
            assert!(alarms <= most, "{alarms} of {rounds}, {n_rx}: {p:?}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.2
fn contradictions_are_errors_and_bad_numbers_are_silence() {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 1);
    let mut grid = Grid::new(1, N_SC);
    let one = |p: PucchPdu| PucchPdu { n_harq_ack: 1, ..p };
    let bad = [
        one(pdu(f0(12), 13, 1, None)),
        one(pdu(f0(0), 13, 2, None)),
        one(pdu(f0(0), 255, 255, None)),
        one(pdu(f1(0, 0), 0, 3, None)),
        one(pdu(f1(0, 9), 0, 4, None)),
        one(pdu(f0(0), 13, 1, Some(25))),
        one(pdu(PucchFormat::F2 { n_prb: 0 }, 13, 1, None)),
        one(pdu(PucchFormat::F2 { n_prb: 255 }, 13, 1, None)),
        pdu(f0(0), 13, 1, None),
        PucchPdu { n_harq_ack: 200, ..pdu(PucchFormat::F2 { n_prb: 2 }, 13, 1, None) },
    ];
    for p in bad {
        assert!(rx.receive(&grid, &p, slot()).is_err(), "{p:?}");
        let ack = vec![0; p.n_harq_ack as usize];
        assert!(tx.transmit(&p, &ack, false, &[], slot(), &mut grid).is_err(), "{p:?}");
    }
    let good = [
        one(pdu(f0(0), 13, 1, None)),
        one(pdu(f1(0, 0), 0, 14, None)),
        PucchPdu { n_harq_ack: 5, ..pdu(PucchFormat::F2 { n_prb: 2 }, 13, 1, None) },
        PucchPdu { n_harq_ack: 15, ..pdu(PucchFormat::F2 { n_prb: 4 }, 13, 1, None) },
    ];
    for value in [0.0, f32::NAN, f32::INFINITY, 1e38] {
        grid.elements_mut().fill(Cf32::new(value, value));
        for p in good {
            assert!(rx.receive(&grid, &p, slot()).unwrap().dtx, "{value} {p:?}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.2, §6.4.1.3, TS 38.212 §6.3.1; vectors: vectors/pucch.txt (second derivation)
fn elements_equal_the_second_derivation() {
    let bits = |text: &str| -> Vec<u8> { if text == "-" { vec![] } else { text.bytes().map(|b| b - b'0').collect() } };
    let mut lines = include_str!("../../../../vectors/pucch.txt").lines();
    let mut n_vectors = 0;
    while let Some(head) = lines.next() {
        let n: Vec<i64> = head.split(' ').map(|v| v.parse().unwrap()).collect();
        let format = match n[0] {
            0 => f0(n[5] as u8),
            1 => f1(n[5] as u8, n[6] as u8),
            _ => PucchFormat::F2 { n_prb: n[7] as u8 },
        };
        let mut p = pdu(format, n[3] as u8, n[4] as u8, (n[2] >= 0).then_some(n[2] as u16));
        p.resource.start_prb = n[1] as u16;
        (p.n_harq_ack, p.n_sr, p.n_csi1) = (n[8] as u8, n[9] as u8, n[10] as u8);
        let slot = SlotPoint::new(Numerology::KHZ30, 3, n[11] as u32);
        (p.rnti, p.hopping_id, p.group_hopping) = (Rnti(n[12] as u16), n[13] as u16, n[14] as u8);
        (p.n_id, p.dmrs_n_id) = (n[15] as u16, n[16] as u16);
        let uci: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let (ack, sr, csi) = (bits(uci[0]), uci[1] == "1", bits(uci[2]));
        let mut expected = Grid::new(1, N_SC);
        for cell in lines.next().unwrap().split(' ') {
            let v: Vec<i64> = cell.split(',').map(|v| v.parse().unwrap()).collect();
            expected.symbol_mut(0, v[0] as usize)[v[1] as usize] = Cf32::new(v[2] as f32, v[3] as f32) * 1e-4;
        }
        let mut grid = Grid::new(1, N_SC);
        PucchTransmitter::new(n[17] as u16).transmit(&p, &ack, sr, &csi, slot, &mut grid).unwrap();
        for (i, (x, e)) in grid.elements().zip(expected.elements()).enumerate() {
            assert!((x - e).norm_sqr() < 1e-7, "{n_vectors} {p:?}: {} {}: {x} {e}", i / N_SC, i % N_SC);
        }
        let r = PucchReceiver::new(Isa::best(), n[17] as u16, 1).receive(&expected, &p, slot).unwrap();
        let csi1 = csi.iter().fold(0, |w, b| w << 1 | *b as u32);
        assert_eq!((&r.harq_ack[..ack.len()], r.sr, r.csi1), (&ack[..], sr, csi1), "{n_vectors} {p:?}");
        n_vectors += 1;
    }
    assert_eq!(n_vectors, 21);
}
