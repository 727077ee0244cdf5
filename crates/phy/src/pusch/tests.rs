//! Transmitter to receiver.

use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa, unit_phasor};
use fapi::{Coding, DmrsPdu, MappingType, McsTable, PuschPdu, RbAllocation, Span, TransformPrecoding, UciOnPusch};
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, Rnti, SlotPoint};
use ofdm::Grid;

fn pdu(q_m: u8, tbs_bytes: u32, rate: f32, n_layers: u8) -> PuschPdu {
    PuschPdu {
        rnti: Rnti(0x4601),
        harq: HarqId::new(3).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 3, n_rb: 20 },
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: DmrsPdu {
            symbols: 1 << 2 | 1 << 11,
            config_type: 1,
            n_id: 77,
            n_scid: 0,
            ports: (1 << n_layers) - 1,
            n_cdm_groups_without_data: 2,
            reference_rb: 0,
        },
        n_id: 500,
        n_layers,
        second_hop_rb: None,
        precoding: Default::default(),
        transform_precoding: None,
        ptrs: None,
        cbg: None,
        coding: Coding { q_m, rate_x1024: rate, mcs: 0, mcs_table: McsTable::Qam64, rv: 0, tbs_bytes, tbs_lbrm: 0 },
        uci: UciOnPusch { beta_harq_ack: 20.0, beta_csi1: 5.0, scaling: 1.0, ..UciOnPusch::default() },
        tb: Span::default(),
    }
}

struct Link {
    tx: PuschTransmitter,
    rx: PuschReceiver,
    soft: SoftBuffer,
    noise: Gaussian,
    grid: Grid,
    received: Grid,
}

impl Link {
    fn new(n_layers: usize, n_rx: usize) -> Link {
        Link {
            tx: PuschTransmitter::new(Isa::best(), 25, n_layers),
            rx: PuschReceiver::new(Isa::best(), 25, n_rx, n_layers),
            soft: SoftBuffer::new(100_000),
            noise: Gaussian::new(5, Isa::best()),
            grid: Grid::new(n_layers, 300),
            received: Grid::new(n_rx, 300),
        }
    }

    /// Sends over a flat channel with delay and frequency offset; returns control and data with the block.
    fn send(
        &mut self,
        pdu: &PuschPdu,
        tb: &[u8],
        ack: &[u8],
        csi: &[u8],
        snr_db: f32,
    ) -> (PuschControl, PuschData, Vec<u8>) {
        let slot = SlotPoint::new(Numerology::KHZ30, 1, 4);
        self.grid.clear();
        self.tx.transmit(pdu, tb, ack, csi, slot, &mut self.grid).unwrap();
        let n_layers = self.grid.n_ports();
        for rx in 0..self.received.n_ports() {
            for l in 0..14 {
                let row = self.received.symbol_mut(rx, l);
                row.fill(Cf32::default());
                for layer in 0..n_layers {
                    let gain = unit_phasor((0.3 * (rx * layer) as f64).powi(2)) * if rx == layer { 1.0 } else { 0.5 };
                    for (k, (out, x)) in row.iter_mut().zip(self.grid.symbol(layer, l)).enumerate() {
                        let h = gain * unit_phasor(0.004 * l as f64 - 0.003 * k as f64);
                        *out += x * Cf32::new(h.re as f32, h.im as f32);
                    }
                }
                self.noise.add(row, 10f32.powf(-snr_db / 10.0));
            }
        }
        let control = self.rx.receive_control(&self.received, pdu, slot).unwrap();
        let mut out = vec![0; pdu.coding.tbs_bytes as usize];
        let data = self.rx.decode_data(pdu, &mut self.soft, 8, &mut out).unwrap();
        (control, data, out)
    }
}

fn block(n: usize) -> Vec<u8> {
    (0..n as u32).map(|i| (i.wrapping_mul(2654435761) >> 13) as u8).collect()
}

#[test] // Spec: TS 38.211 §6.3.1, TS 38.212 §6.2
fn blocks_arrive_over_delay_offset_and_noise() {
    let cases = [(2, 200, 308.0, 3.0), (4, 700, 490.0, 14.0), (6, 1501, 719.0, 23.0), (8, 2799, 900.0, 33.0)];
    for (q_m, tbs, rate, snr_db) in cases {
        let mut link = Link::new(1, 1);
        let tb = block(tbs);
        let (control, data, out) = link.send(&pdu(q_m, tbs as u32, rate, 1), &tb, &[], &[], snr_db);
        assert!(data.crc_ok && out == tb, "Q_m {q_m}: {control:?}");
        assert!((control.sinr_db - snr_db).abs() < 1.0, "{} {snr_db}", control.sinr_db);
        let tc = 0.003 / 30e3 * Tc::PER_SECOND as f64;
        assert!((control.timing_error_tc as f64 - tc).abs() < 40.0, "{} {tc}", control.timing_error_tc);
        assert!((control.cfo_hz.unwrap() - 0.004 * 30e3 * 2048.0 / 2192.0).abs() < 80.0);
    }
}
use nr::Tc;

#[test] // Spec: TS 38.212 §6.2.7, §6.3.2
fn control_of_every_size_arrives_beside_data() {
    for n_ack in [0usize, 1, 2, 3, 7, 11, 12, 19, 30, 60] {
        for n_csi in [0usize, 1, 2, 4, 11, 14, 30] {
            for (q_m, groups) in [(2u8, 2u8), (6, 1), (8, 2)] {
                let mut p = pdu(q_m, 250, 300.0, 1);
                p.dmrs.n_cdm_groups_without_data = groups;
                p.uci.n_harq_ack = n_ack as u16;
                p.uci.n_csi1 = n_csi as u16;
                p.uci.beta_harq_ack = if n_ack > 11 { 5.0 } else { 20.0 };
                let tb = block(250);
                let ack: Vec<u8> = (0..n_ack).map(|i| (i * i / 3 % 2) as u8 ^ 1).collect();
                let csi: Vec<u8> = (0..n_csi).map(|i| (i % 3 % 2) as u8).collect();
                let mut link = Link::new(1, 1);
                let (control, data, out) = link.send(&p, &tb, &ack, &csi, 18.0);
                assert!(data.crc_ok && out == tb, "{n_ack} {n_csi} {q_m}");
                let valid = |n: usize, v: bool| v == (n > 0);
                assert!(valid(n_ack, control.harq_ack.valid), "{n_ack} {n_csi} {q_m} {:?}", control.harq_ack.metric);
                assert!(valid(n_csi, control.csi1.valid), "{n_ack} {n_csi} {q_m} {:?}", control.csi1.metric);
                assert_eq!(control.harq_ack.bits[..n_ack], ack);
                assert_eq!(control.csi1.bits[..n_csi], csi);
            }
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.1.3
fn two_and_four_layers_arrive() {
    for n_layers in [2u8, 4] {
        let mut link = Link::new(n_layers as usize, n_layers as usize);
        let tb = block(1501);
        let (_, data, out) = link.send(&pdu(4, 1501, 500.0, n_layers), &tb, &[], &[], 25.0);
        assert!(data.crc_ok && out == tb, "{n_layers}");
    }
}

#[test] // Spec: TS 38.212 §5.4.2.1 (redundancy versions), TS 38.321 §5.4.2
fn retransmissions_combine_where_one_alone_fails() {
    let mut link = Link::new(1, 1);
    let tb = block(700);
    let mut p = pdu(4, 700, 490.0, 1);
    let (_, first, _) = link.send(&p, &tb, &[], &[], 5.5);
    assert!(!first.crc_ok);
    p.new_data = false;
    let mut ok = false;
    for rv in [2, 3, 1] {
        p.coding.rv = rv;
        let (_, data, out) = link.send(&p, &tb, &[], &[], 5.5);
        ok |= data.crc_ok && out == tb;
    }
    assert!(ok);
}

#[test] // Spec: TS 38.211 §6.3.1
fn noise_and_bad_numbers_give_no_block() {
    let mut link = Link::new(1, 1);
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 4);
    let mut p = pdu(2, 30, 120.0, 1);
    p.uci.n_harq_ack = 2;
    let mut out = vec![0; 30];
    let mut n_valid = 0;
    for round in 0..300 {
        link.noise.fill(link.received.elements_mut(), 1.0);
        let control = link.rx.receive_control(&link.received, &p, slot).unwrap();
        assert!(control.dtx, "{round}: {}", control.rsrp / control.noise_var);
        n_valid += control.harq_ack.valid as u32;
        assert!(!link.rx.decode_data(&p, &mut link.soft, 8, &mut out).unwrap().crc_ok);
    }
    assert!(n_valid < 6, "{n_valid}");
    for value in [0.0, f32::NAN, f32::INFINITY, 1e38, 1e-38] {
        link.received.elements_mut().fill(Cf32::new(value, -value));
        let control = link.rx.receive_control(&link.received, &p, slot).unwrap();
        let data = link.rx.decode_data(&p, &mut link.soft, 8, &mut out).unwrap();
        assert!(!data.crc_ok, "{value} {control:?}");
    }
}

#[test] // Spec: TS 38.104 §8.2.7.2 (G-FR1-A3A-3 is met at -10.8 dB, and fades below that)
fn a_weak_pusch_is_told_from_none() {
    let mut link = Link::new(1, 2);
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 4);
    let p = pdu(2, 30, 120.0, 1);
    let (mut heard, mut alarms) = (0, 0);
    for _ in 0..200 {
        heard += u32::from(!link.send(&p, &block(30), &[], &[], -12.0).0.dtx);
        link.noise.fill(link.received.elements_mut(), 1.0);
        alarms += u32::from(!link.rx.receive_control(&link.received, &p, slot).unwrap().dtx);
    }
    assert!(heard > 190 && alarms < 10, "{heard} {alarms}");
}

#[test] // Spec: TS 38.211 §5.2.3.2, §6.4.1.1.1.2 (short sequences of type 2, every group)
fn half_pi_bpsk_arrives_on_few_resource_blocks() {
    let mut link = Link::new(1, 1);
    for n_rb in 1..=4u16 {
        for group in 0..30 {
            let t = TransformPrecoding { n_id_rs: 30 + group, hopping: 0, low_papr_type2: true, ptrs: None };
            let mut p = PuschPdu { transform_precoding: Some(t), ..pdu(1, 4 * u32::from(n_rb), 240.0, 1) };
            p.rbs = RbAllocation::Contiguous { start: 3, n_rb };
            let tb = block(4 * usize::from(n_rb));
            let (control, data, out) = link.send(&p, &tb, &[], &[], 12.0);
            assert!(data.crc_ok && out == tb && !control.dtx, "{n_rb} RB, group {group}: {control:?}");
        }
    }
}

#[test] // Spec: TS 38.211 §6.3.1
fn contradictions_are_errors() {
    let mut link = Link::new(1, 1);
    let slot = SlotPoint::default();
    let good = pdu(2, 30, 120.0, 1);
    let mut check = |change: &dyn Fn(&mut PuschPdu)| {
        let mut p = good;
        change(&mut p);
        assert!(link.rx.receive_control(&link.received, &p, slot).is_err(), "{p:?}");
        assert!(link.tx.transmit(&p, &block(p.coding.tbs_bytes as usize), &[], &[], slot, &mut link.grid).is_err());
    };
    check(&|p| p.second_hop_rb = Some(33));
    check(&|p| p.n_symbols = 0);
    check(&|p| p.start_symbol = 250);
    check(&|p| p.dmrs.symbols = 0);
    check(&|p| p.n_layers = 2);
    check(&|p| p.n_layers = 0);
    check(&|p| p.coding.q_m = 5);
    check(&|p| p.rbs = RbAllocation::Contiguous { start: 20, n_rb: 20 });
    check(&|p| p.rbs = RbAllocation::Contiguous { start: 65535, n_rb: 65535 });
    check(&|p| {
        p.uci.n_harq_ack = 9;
        p.uci.scaling = f32::NAN;
    });
    check(&|p| p.uci.n_csi1 = 99);
}

fn bits(text: &str) -> Vec<u8> {
    if text == "-" { vec![] } else { text.bytes().map(|b| b - b'0').collect() }
}

#[test] // Spec: TS 38.211 §6.3.1, §6.4.1.1, TS 38.212 §6.2.7, §6.3.2; vectors: vectors/pusch.txt (second derivation)
fn elements_equal_the_second_derivation() {
    let mut lines = include_str!("../../../../vectors/pusch.txt").lines();
    let mut n_vectors = 0;
    while let Some(head) = lines.next() {
        let head: Vec<f64> = head.split(' ').map(|v| v.parse().unwrap()).collect();
        let n = |i: usize| head[i] as i64;
        let mut p = pdu(n(0) as u8, n(16) as u32, head[17] as f32, n(1) as u8);
        (p.dmrs.ports, p.dmrs.config_type) = (n(2) as u16, n(3) as u8);
        (p.dmrs.n_cdm_groups_without_data, p.dmrs.symbols) = (n(4) as u8, n(5) as u16);
        (p.start_symbol, p.n_symbols, p.dmrs.reference_rb) = (n(6) as u8, n(7) as u8, n(8) as i32);
        p.rbs = RbAllocation::Bitmap([n(9) as u64, 0, 0, 0, 0]);
        let slot = SlotPoint::new(Numerology::KHZ30, 3, n(10) as u32);
        (p.rnti, p.n_id, p.dmrs.n_id, p.dmrs.n_scid) = (Rnti(n(11) as u16), n(12) as u16, n(13) as u16, n(14) as u8);
        p.coding.rv = n(15) as u8;
        p.uci = UciOnPusch {
            n_harq_ack: n(18) as u16,
            n_csi1: n(19) as u16,
            beta_harq_ack: head[20] as f32,
            beta_csi1: head[21] as f32,
            scaling: head[22] as f32,
            ..UciOnPusch::default()
        };
        let hex = lines.next().unwrap();
        let tb: Vec<u8> = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        let (ack, csi) = (bits(lines.next().unwrap()), bits(lines.next().unwrap()));
        let values: Vec<f32> = lines.next().unwrap().split(' ').map(|v| v.parse::<f32>().unwrap() * 1e-4).collect();
        let value = |c: u8| if c == b'.' { 0.0 } else { values[usize::from(c - b'A')] };
        let mut grid = Grid::new(p.n_layers as usize, 144);
        let mut tx = PuschTransmitter::new(Isa::best(), 12, 2);
        tx.transmit(&p, &tb, &ack, &csi, slot, &mut grid).unwrap();
        for layer in 0..p.n_layers as usize {
            let cells = lines.next().unwrap().as_bytes();
            for (i, (cell, x)) in cells.chunks(2).zip(grid.port(layer)).enumerate() {
                let expected = Cf32::new(value(cell[0]), value(cell[1]));
                assert!((x - expected).norm_sqr() < 1e-7, "{n_vectors} {} {}: {x} {expected}", i / 144, i % 144);
            }
        }
        // And back, without noise: what was meant arrives.
        if p.n_layers == 1 {
            let mut rx = PuschReceiver::new(Isa::best(), 12, 1, 1);
            let mut soft = SoftBuffer::new(20_000);
            let control = rx.receive_control(&grid, &p, slot).unwrap();
            assert_eq!((&control.harq_ack.bits[..ack.len()], &control.csi1.bits[..csi.len()]), (&ack[..], &csi[..]));
            let mut out = vec![0; tb.len()];
            let data = rx.decode_data(&p, &mut soft, 8, &mut out).unwrap();
            // Redundancy version 1 holds no systematic bit: alone it does not decode.
            assert!(p.coding.rv == 1 || data.crc_ok && out == tb, "{n_vectors} {data:?} {control:?}");
        }
        n_vectors += 1;
    }
    assert_eq!(n_vectors, 13);
}

#[test] // Spec: ironcell issue §3 (symbols and code blocks spread over any number of threads: the same bits)
fn a_crew_of_any_width_receives_the_same_bits() {
    let p = pdu(8, 5002, 948.0, 2);
    let tb = block(5002);
    // At 26 dB some code blocks fail, at 40 none.
    for snr_db in [26.0, 40.0] {
        let mut outcomes = Vec::new();
        for width in [1, 2, 3, 5] {
            let mut link = Link::new(2, 2);
            link.rx.set_crew(&node::Crew::new(std::sync::Arc::new(node::Backwards(width))));
            let (control, data, out) = link.send(&p, &tb, &[], &[], snr_db);
            // A retransmission on top of what is in the soft buffer.
            let mut again = p;
            (again.new_data, again.coding.rv) = (false, 2);
            let second = link.send(&again, &tb, &[], &[], snr_db);
            outcomes.push((control, data, out, second));
        }
        assert_eq!(outcomes[0].1.crc_ok, snr_db == 40.0);
        assert!(outcomes.iter().all(|o| *o == outcomes[0]), "{snr_db} dB");
    }
}
