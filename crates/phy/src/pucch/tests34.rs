//! Formats 3 and 4, repetition, many antennas.

use super::tests::{N_SC, over_the_air, pdu, slot};
use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::PucchLong;
use nr::{Numerology, Rnti, Tc};
use ofdm::Grid;

fn f3(n_prb: u8) -> PucchFormat {
    PucchFormat::F3 { n_prb }
}

fn f4(occ_length: u8, occ_index: u8) -> PucchFormat {
    PucchFormat::F4 { occ_length, occ_index }
}

fn bits(n: usize, seed: usize) -> Vec<u8> {
    (0..n).map(|i| ((i * 7 + seed * 13 + i * i / 3) >> 1 & 1) as u8).collect()
}

#[test] // Spec: TS 38.211 §6.3.2.6, §6.4.1.3.3, TS 38.212 §6.3.1; vectors: vectors/pucch34.txt (second derivation)
fn elements_of_formats_3_and_4_equal_the_second_derivation() {
    let parse = |text: &str| -> Vec<u8> { if text == "-" { vec![] } else { text.bytes().map(|b| b - b'0').collect() } };
    let mut lines = include_str!("../../../../vectors/pucch34.txt").lines();
    let mut n_vectors = 0;
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 1);
    while let Some(head) = lines.next() {
        let n: Vec<i64> = head.split(' ').map(|v| v.parse().unwrap()).collect();
        let format = if n[0] == 3 { f3(n[1] as u8) } else { f4(n[2] as u8, n[3] as u8) };
        let mut p = pdu(format, n[6] as u8, n[7] as u8, (n[5] >= 0).then_some(n[5] as u16));
        p.resource.start_prb = n[4] as u16;
        p.long = PucchLong {
            additional_dmrs: n[8] == 1,
            pi2_bpsk: n[9] == 1,
            dmrs_type2: n[10] == 1,
            max_code_rate_milli: n[11] as u16,
            n_csi2: n[15] as u16,
        };
        (p.n_harq_ack, p.n_sr, p.n_csi1) = (n[12] as u8, n[13] as u8, n[14] as u8);
        let slot = SlotPoint::new(Numerology::KHZ30, 3, n[16] as u32);
        (p.rnti, p.hopping_id, p.group_hopping) = (Rnti(n[17] as u16), n[18] as u16, n[19] as u8);
        (p.n_id, p.dmrs_n_id) = (n[20] as u16, n[21] as u16);
        let text: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let (ack, sr, csi1, csi2) = (parse(text[0]), text[1] == "1", parse(text[2]), parse(text[3]));
        let uci = PucchUci { harq_ack: &ack, sr, csi1: &csi1, csi2: &csi2 };
        let mut grid = Grid::new(1, N_SC);
        tx.transmit_uci(&p, &uci, slot, &mut grid).unwrap();
        for s in symbols(&p) {
            let row = &grid.symbol(0, s.l)[s.prb * 12..(s.prb + n[1] as usize) * 12];
            let step = (row.len() / 24).max(1);
            let expected = lines.next().unwrap().split(' ').map(|cell| {
                let (re, im) = cell.split_once(',').unwrap();
                Cf32::new(re.parse::<f32>().unwrap() * 1e-3, im.parse::<f32>().unwrap() * 1e-3)
            });
            for (k, (x, e)) in row.iter().step_by(step).zip(expected).enumerate() {
                assert!((x - e).norm_sqr() < 2e-6, "{n_vectors} {p:?} symbol {} {k}: {x} {e}", s.idx);
            }
        }
        let r = rx.receive(&grid, &p, slot).unwrap();
        assert!(!r.dtx, "{n_vectors} {p:?}");
        let word = csi1.iter().fold(0, |w, b| w << 1 | *b as u32);
        assert_eq!((&r.harq_ack[..ack.len()], r.sr, r.csi1), (&ack[..], sr, word), "{n_vectors} {p:?}");
        assert_eq!(&r.csi2[..r.n_csi2 as usize], &csi2[..], "{n_vectors} {p:?}");
        n_vectors += 1;
    }
    assert_eq!(n_vectors, 25);
}

#[test] // Spec: TS 38.211 §6.3.2.6, TS 38.212 §6.3.1.6
fn formats_3_and_4_arrive_through_delay_offset_and_noise() {
    let mut tx = PucchTransmitter::new(11);
    let mut rx = PucchReceiver::new(Isa::best(), 11, 2);
    let mut noise = Gaussian::new(12, Isa::best());
    for (format, n_symbols, hop, additional, pi2) in [
        (f3(1), 4, None, false, false),
        (f3(1), 4, Some(15), false, true),
        (f3(2), 14, Some(12), true, false),
        (f3(2), 12, None, false, true),
        (f3(9), 10, None, true, false),
        (f3(16), 14, None, false, true),
        (f4(2, 1), 14, Some(9), false, false),
        (f4(4, 3), 14, None, true, false),
    ] {
        for (n_ack, n_sr, n_csi1, n_csi2) in [(3u8, 1u8, 0u8, 0u16), (7, 1, 4, 0), (4, 0, 7, 9)] {
            let mut p = pdu(format, 14 - n_symbols, n_symbols, hop);
            p.long = PucchLong {
                additional_dmrs: additional,
                pi2_bpsk: pi2,
                dmrs_type2: pi2,
                n_csi2,
                max_code_rate_milli: 350,
            };
            (p.n_harq_ack, p.n_sr, p.n_csi1) = (n_ack, n_sr, n_csi1);
            let (ack, csi1, csi2) = (bits(n_ack as usize, 1), bits(n_csi1 as usize, 2), bits(n_csi2 as usize, 3));
            let uci = PucchUci { harq_ack: &ack, sr: n_sr > 0, csi1: &csi1, csi2: &csi2 };
            let mut sent = Grid::new(1, N_SC);
            if n_csi2 > 0 && tx.transmit_uci(&p, &uci, slot(), &mut sent).is_err() {
                continue;
            }
            sent.clear();
            tx.transmit_uci(&p, &uci, slot(), &mut sent).unwrap();
            let mut got = Grid::new(2, N_SC);
            over_the_air(&sent, &mut got, 1.0, 0.006, 0.004, 0.2);
            noise.add(got.elements_mut(), 0.1);
            let r = rx.receive(&got, &p, slot()).unwrap();
            assert!(!r.dtx, "{p:?}");
            assert_eq!((&r.harq_ack[..ack.len()], r.sr), (&ack[..], n_sr > 0), "{p:?}");
            assert_eq!(r.csi1, csi1.iter().fold(0, |w, b| w << 1 | *b as u32));
            assert_eq!(&r.csi2[..r.n_csi2 as usize], &csi2[..], "{p:?}");
            if pi2 {
                // Sequences of type 2 have elements that are next to nothing.
                continue;
            }
            assert!((r.snr_db - 10.0).abs() < 4.5, "{} {p:?}", r.snr_db);
            let tc = 0.006 / 30e3 * Tc::PER_SECOND as f64;
            assert!((r.timing_error_tc.unwrap() as f64 - tc).abs() < 1.5 * tc, "{:?} {tc} {p:?}", r.timing_error_tc);
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.2.6.3 (block-wise spreading)
fn four_ues_share_the_block_of_format_4() {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 1);
    let mut noise = Gaussian::new(13, Isa::best());
    for (occ_length, hop) in [(2, None), (4, None), (4, Some(13))] {
        let mut got = Grid::new(1, N_SC);
        for occ in 0..occ_length {
            let mut p = pdu(f4(occ_length, occ), 0, 14, hop);
            (p.n_harq_ack, p.rnti) = (6, Rnti(100 + occ as u16));
            let mut sent = Grid::new(1, N_SC);
            tx.transmit(&p, &bits(6, occ as usize), false, &[], slot(), &mut sent).unwrap();
            let gain = [1.0, 0.7, 1.2, 0.8][occ as usize];
            over_the_air(&sent, &mut got, gain, 0.0005 * occ as f64, 0.001, 0.2 * occ as f64);
        }
        noise.add(got.elements_mut(), 0.05);
        for occ in 0..occ_length {
            let mut p = pdu(f4(occ_length, occ), 0, 14, hop);
            (p.n_harq_ack, p.rnti) = (6, Rnti(100 + occ as u16));
            let r = rx.receive(&got, &p, slot()).unwrap();
            assert!(!r.dtx && r.harq_ack[..6] == bits(6, occ as usize)[..], "{occ_length} {occ} {r:?}");
        }
    }
}

/// Blocks that failed or were missed among `n`, at an SNR a resource element and antenna, each antenna a random phase.
fn errors(p: &PucchPdu, n_rx: usize, snr_db: f32, n: usize, seed: u64) -> usize {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, n_rx);
    let mut noise = Gaussian::new(seed, Isa::best());
    let ack = bits(p.n_harq_ack as usize, 5);
    let csi = bits(p.n_csi1 as usize, 6);
    let mut sent = Grid::new(1, N_SC);
    tx.transmit(p, &ack, false, &csi, slot(), &mut sent).unwrap();
    let mut clean = Grid::new(n_rx, N_SC);
    over_the_air(&sent, &mut clean, 1.0, 0.002, 0.001, 0.3);
    let var = libm::powf(10.0, -snr_db / 10.0);
    let mut got = clean.clone();
    (0..n)
        .filter(|_| {
            for s in symbols(p) {
                for rx in 0..n_rx {
                    let at = s.prb * 12..s.prb * 12 + 192.min(N_SC - s.prb * 12);
                    let row = &mut got.symbol_mut(rx, s.l)[at.clone()];
                    row.copy_from_slice(&clean.symbol(rx, s.l)[at]);
                    noise.add(row, var);
                }
            }
            let r = rx.receive(&got, p, slot()).unwrap();
            r.dtx || r.harq_ack[..ack.len()] != ack[..]
        })
        .count()
}

#[test] // Spec: TS 38.104 §8.3 (AWGN; missed detection and errors together)
fn errors_stay_low_at_the_working_points() {
    let with = |p: PucchPdu, n_harq_ack, n_csi1| PucchPdu { n_harq_ack, n_csi1, ..p };
    let f0 = PucchFormat::F0 { initial_cyclic_shift: 2 };
    let f1 = PucchFormat::F1 { initial_cyclic_shift: 4, time_domain_occ: 1 };
    let mut bad = false;
    for (p, n_rx, snr_db, n, most) in [
        (with(pdu(f0, 13, 1, None), 1, 0), 2, 1.5, 2000, 25),
        (with(pdu(f0, 12, 2, Some(9)), 2, 0), 4, -4.0, 2000, 25),
        (with(pdu(f1, 0, 14, None), 2, 0), 2, -10.5, 2000, 25),
        (with(pdu(f1, 0, 14, Some(9)), 1, 0), 8, -14.0, 1000, 20),
        (with(pdu(PucchFormat::F2 { n_prb: 4 }, 12, 2, None), 4, 0), 2, -4.5, 1000, 20),
        (with(pdu(f3(1), 0, 14, None), 16, 0), 2, -4.0, 1000, 20),
        (with(pdu(f3(3), 0, 4, None), 16, 0), 2, -3.0, 1000, 20),
        (with(pdu(f3(1), 0, 14, Some(9)), 4, 0), 8, -9.0, 1000, 20),
        (with(pdu(f4(2, 0), 0, 14, None), 22, 0), 2, 0.0, 600, 20),
    ] {
        let e = errors(&p, n_rx, snr_db, n, 77);
        eprintln!("{e} of {n} at {snr_db} dB, {n_rx} antennas: {:?}", p.resource.format);
        bad |= e > most;
    }
    assert!(!bad);
}

#[test] // Spec: TS 38.213 §9.2.6
fn repetitions_are_heard_where_one_slot_is_not() {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 1);
    let mut noise = Gaussian::new(14, Isa::best());
    let mut state = PucchRepetitions::default();
    for (format, n_ack, var) in [
        (PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 }, 2u8, 16.0),
        (f3(1), 6, 5.0),
        (f4(2, 1), 6, 5.0),
    ] {
        let ack = bits(n_ack as usize, 4);
        let (mut once, mut all, rounds) = (0, 0, 60);
        for _ in 0..rounds {
            state.clear();
            for n in 0..8 {
                let mut p = pdu(format, 0, 14, None);
                (p.n_harq_ack, p.resource.start_prb) = (n_ack, if n % 2 == 1 { 20 } else { 2 });
                let at = slot().plus(n);
                let mut got = Grid::new(1, N_SC);
                tx.transmit(&p, &ack, false, &[], at, &mut got).unwrap();
                noise.add(got.elements_mut(), var);
                let r = rx.receive_repetition(&got, &p, at, &mut state).unwrap();
                let right = !r.dtx && r.harq_ack[..ack.len()] == ack[..];
                once += u32::from(n == 0 && right);
                all += u32::from(n == 7 && right);
            }
        }
        assert!(once < rounds - 5 && all >= rounds - 1, "{format:?}: {once}, {all} of {rounds}");
    }
}

#[test] // Spec: TS 38.212 §6.3.1.1.3 (part 1 decides the size of part 2)
fn csi_part_2_of_another_size_is_decoded_afterwards() {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 1);
    let mut p = pdu(f3(2), 0, 14, None);
    (p.n_harq_ack, p.n_csi1) = (2, 8);
    p.long = PucchLong { n_csi2: 17, max_code_rate_milli: 250, ..PucchLong::default() };
    let csi2 = bits(17, 9);
    let uci = PucchUci { harq_ack: &[1, 0], sr: false, csi1: &bits(8, 1), csi2: &csi2 };
    let mut grid = Grid::new(1, N_SC);
    tx.transmit_uci(&p, &uci, slot(), &mut grid).unwrap();
    p.long.n_csi2 = 5;
    let mut state = PucchRepetitions::default();
    let first = rx.receive_repetition(&grid, &p, slot(), &mut state).unwrap();
    assert_eq!((first.dtx, first.harq_ack[..2] == [1, 0]), (false, true));
    let mut word = [0; 17];
    assert!(rx.decode_csi2(&p, &state, &mut word));
    assert_eq!(word[..], csi2[..]);
    assert!(!rx.decode_csi2(&pdu(f3(2), 0, 14, None), &state, &mut word));
}

#[test] // Spec: TS 38.211 §6.3.2.6, TS 38.213 §9.2.5.2
fn contradictions_of_formats_3_and_4_are_errors() {
    let mut tx = PucchTransmitter::new(0);
    let mut rx = PucchReceiver::new(Isa::best(), 0, 1);
    let mut grid = Grid::new(1, N_SC);
    let long = PucchLong { n_csi2: 9, max_code_rate_milli: 800, ..PucchLong::default() };
    let four = |p: PucchPdu| PucchPdu { n_harq_ack: 4, ..p };
    for p in [
        four(pdu(f3(0), 0, 14, None)),
        four(pdu(f3(7), 0, 14, None)),
        four(pdu(f3(17), 0, 14, None)),
        four(pdu(f3(2), 0, 3, None)),
        four(pdu(f3(2), 4, 11, None)),
        four(pdu(f3(16), 0, 14, Some(20))),
        four(pdu(f4(3, 0), 0, 14, None)),
        four(pdu(f4(2, 2), 0, 14, None)),
        pdu(f3(1), 0, 14, None),
        PucchPdu { long: PucchLong { max_code_rate_milli: 0, ..long }, ..four(pdu(f3(1), 0, 14, None)) },
        PucchPdu { long: PucchLong { max_code_rate_milli: 1, ..long }, ..four(pdu(f3(1), 0, 14, None)) },
        PucchPdu { long: PucchLong { n_csi2: 2000, ..long }, ..four(pdu(f3(1), 0, 14, None)) },
        PucchPdu { long, ..four(pdu(PucchFormat::F2 { n_prb: 4 }, 12, 2, None)) },
        four(pdu(PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 3 }, 0, 14, Some(9))),
    ] {
        assert!(rx.receive(&grid, &p, slot()).is_err(), "{p:?}");
        let (ack, csi2) = (vec![0; p.n_harq_ack as usize], vec![0; p.long.n_csi2 as usize]);
        let uci = PucchUci { harq_ack: &ack, sr: false, csi1: &[], csi2: &csi2 };
        assert!(tx.transmit_uci(&p, &uci, slot(), &mut grid).is_err(), "{p:?}");
    }
    for value in [0.0, f32::NAN, f32::INFINITY, 1e38] {
        grid.elements_mut().fill(Cf32::new(value, value));
        for p in [pdu(f3(1), 0, 14, None), pdu(f3(12), 0, 10, None), pdu(f4(4, 2), 0, 14, Some(9))] {
            assert!(rx.receive(&grid, &four(p), slot()).unwrap().dtx, "{value} {p:?}");
        }
    }
}
