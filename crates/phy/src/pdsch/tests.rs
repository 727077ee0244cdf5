use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::{DmrsPdu, MappingType, McsTable, RbAllocation, ReservedRbs, Span};
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, SlotPoint};
use ofdm::Grid;

const VECTORS: &str = include_str!("../../../../vectors/pdsch.txt");

fn pdu() -> PdschPdu {
    PdschPdu {
        rnti: Rnti(0x4601),
        harq: HarqId::new(0).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 3, n_rb: 20 },
        vrb_interleaver: None,
        start_symbol: 1,
        n_symbols: 13,
        mapping: MappingType::A,
        dmrs: DmrsPdu {
            symbols: 1 << 2 | 1 << 11,
            config_type: 1,
            n_id: 55,
            n_scid: 0,
            ports: 1,
            n_cdm_groups_without_data: 2,
            reference_rb: 0,
        },
        n_id: 55,
        n_layers: 1,
        coding: Coding {
            q_m: 4,
            rate_x1024: 490.0,
            mcs: 14,
            mcs_table: McsTable::Qam64,
            rv: 0,
            tbs_bytes: 640,
            tbs_lbrm: 500_000,
        },
        reserved: [None; 2],
        reserved_re: [0; 14],
        power_offset_db: 0.0,
        precoding: Default::default(),
        ptrs: None,
        cbg: None,
        tb: Span::default(),
    }
}

/// The PDU, its slot, the coded bits and one grid for each layer.
type Vector = (PdschPdu, SlotPoint, Vec<u8>, Vec<Vec<Cf32>>);

fn vector(lines: &mut std::str::Lines) -> Option<Vector> {
    let head: Vec<&str> = lines.next()?.split(' ').collect();
    let n = |i: usize| head[i].parse::<i64>().unwrap();
    let mut p = pdu();
    (p.coding.q_m, p.dmrs.ports, p.dmrs.config_type) = (n(0) as u8, n(1) as u16, n(2) as u8);
    (p.dmrs.n_cdm_groups_without_data, p.dmrs.symbols) = (n(3) as u8, n(4) as u16);
    (p.start_symbol, p.n_symbols) = (n(5) as u8, n(6) as u8);
    p.vrb_interleaver = (n(7) > 0).then(|| (n(13) as u16, n(14) as u16, n(7) as u8));
    p.dmrs.reference_rb = n(8) as i32;
    p.reserved[1] =
        (n(10) > 0).then(|| ReservedRbs { start_rb: n(9) as u16, n_rb: n(10) as u16, symbols: n(11) as u16 });
    for (l, mask) in head[12].split(',').enumerate() {
        p.reserved_re[l] = mask.parse().unwrap();
    }
    p.rbs = RbAllocation::Bitmap([n(15) as u64, 0, 0, 0, 0]);
    let slot = SlotPoint::new(Numerology::KHZ30, 7, n(16) as u32);
    (p.rnti, p.n_id, p.dmrs.n_id, p.dmrs.n_scid) = (Rnti(n(17) as u16), n(18) as u16, n(19) as u16, n(20) as u8);
    p.n_layers = p.dmrs.ports.count_ones() as u8;
    let hex = lines.next()?;
    let coded = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    let values: Vec<f32> = lines.next()?.split(' ').map(|v| v.parse::<f32>().unwrap() / 1e4).collect();
    let value = |c: u8| if c == b'.' { 0.0 } else { values[usize::from(c - b'A')] };
    let layers = (0..p.n_layers)
        .map(|_| lines.next().unwrap().as_bytes().chunks(2).map(|c| Cf32::new(value(c[0]), value(c[1]))).collect());
    let layers = layers.collect();
    Some((p, slot, coded, layers))
}

#[test] // Spec: TS 38.211 §7.3.1, §7.4.1.1; TS 38.214 §5.1.4; vectors: vectors/pdsch.txt (second derivation)
fn elements_equal_the_second_derivation() {
    let mut lines = VECTORS.lines();
    let mut tx = PdschTransmitter::new(Isa::best(), 24, 2);
    let mut count = 0;
    while let Some((pdu, slot, coded, layers)) = vector(&mut lines) {
        let mut grid = Grid::new(2, 24 * 12);
        tx.transmit_coded(&pdu, &coded, &[], slot, &mut grid).unwrap();
        for (v, expected) in layers.iter().enumerate() {
            let mut expected = expected.iter();
            for l in 0..14 {
                for rb in pdu.rbs.iter() {
                    for k in 12 * usize::from(rb)..12 * usize::from(rb) + 12 {
                        let (found, expected) = (grid.symbol(v, l)[k], expected.next().unwrap());
                        assert!(
                            (found - expected).norm() < 3e-4,
                            "vector {count} layer {v} l {l} k {k}: {found} {expected}"
                        );
                    }
                }
            }
        }
        count += 1;
    }
    assert_eq!(count, 8);
}

/// The grid with the PDSCH after a delay, a phase and a frequency offset, in noise.
fn received(pdu: &PdschPdu, tb: &[u8], slot: SlotPoint, snr_db: f32, seed: u64) -> Grid {
    let mut grid = Grid::new(1, 24 * 12);
    PdschTransmitter::new(Isa::best(), 24, 1).transmit(pdu, tb, slot, &mut grid).unwrap();
    for l in 0..14 {
        for (k, z) in grid.symbol_mut(0, l).iter_mut().enumerate() {
            let p = dsp::unit_phasor(0.4 - 0.003 * k as f64 + 0.012 * l as f64);
            *z *= Cf32::new(p.re as f32, p.im as f32);
        }
    }
    Gaussian::new(seed, Isa::Scalar).add(grid.elements_mut(), libm::powf(10.0, -snr_db / 10.0));
    grid
}

fn block(n: u32, seed: u32) -> Vec<u8> {
    (0..n).map(|i| (i.wrapping_mul(2_654_435_761) ^ seed.wrapping_mul(40503)).to_be_bytes()[1]).collect()
}

#[test] // Spec: TS 38.211 §7.3.1, TS 38.212 §7.2 (each modulation, interleaved, around reserved elements)
fn blocks_come_through_noise_delay_and_offset() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 13);
    let mut rx = PdschReceiver::new(Isa::best(), 24, 1, 1);
    let mut soft = SoftBuffer::new(200_000);
    let cases = [
        (2, 308.0, 200, 2.5),
        (4, 490.0, 640, 8.5),
        (6, 666.0, 1281, 15.0),
        (8, 797.0, 2049, 25.0),
        (2, 120.0, 72, -3.0),
    ];
    for (i, (q_m, rate_x1024, tbs_bytes, snr_db)) in cases.into_iter().enumerate() {
        let mut p = pdu();
        p.coding = Coding { q_m, rate_x1024, tbs_bytes, ..p.coding };
        if i % 2 == 1 {
            p.vrb_interleaver = Some((3, 20, 2));
            p.reserved[0] = Some(ReservedRbs { start_rb: 5, n_rb: 3, symbols: 0b111_1000 });
            p.reserved_re[9] = 0b1_0001_0001;
        }
        let mut ok = 0;
        for seed in 0..10 {
            let tb = block(tbs_bytes, seed);
            let grid = received(&p, &tb, slot, snr_db, u64::from(seed));
            let mut out = vec![0; tb.len()];
            let r = rx.receive(&p, slot, &grid, &mut soft, 10, &mut out).unwrap();
            assert!(!r.crc_ok || out == tb);
            assert!((r.sinr_db - snr_db).abs() < 2.0, "{} against {snr_db}", r.sinr_db);
            ok += usize::from(r.crc_ok);
        }
        assert!(ok >= 9, "{ok} of 10 at {snr_db} dB, Q_m {q_m}");
    }
}

#[test] // Spec: TS 38.212 §5.4.2.1 (redundancy versions), TS 38.321 §5.3.2.2 (soft combining)
fn retransmissions_combine() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 3);
    let mut rx = PdschReceiver::new(Isa::best(), 24, 1, 1);
    let mut soft = SoftBuffer::new(200_000);
    let (mut first, mut later) = (0, 0);
    for seed in 0..8 {
        let tb = block(640, seed);
        let mut out = vec![0; 640];
        for (i, rv) in [0u8, 2, 3, 1].into_iter().enumerate() {
            let mut p = pdu();
            p.coding.rv = rv;
            p.new_data = i == 0;
            let grid = received(&p, &tb, slot, 3.0, u64::from(seed) * 4 + i as u64);
            if rx.receive(&p, slot, &grid, &mut soft, 10, &mut out).unwrap().crc_ok {
                assert_eq!(out, tb);
                *(if i == 0 { &mut first } else { &mut later }) += 1;
                break;
            }
        }
    }
    assert!(first <= 1 && first + later == 8, "{first} {later}");
}

#[test] // Spec: TS 38.211 §7.3.1.1 (another RNTI), TS 38.212 §5.1 (CRC on noise)
fn noise_wrong_scrambling_and_non_numbers_fail() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 3);
    let mut rx = PdschReceiver::new(Isa::best(), 24, 1, 1);
    let mut soft = SoftBuffer::new(200_000);
    let tb = block(640, 1);
    let mut out = vec![0; 640];
    let mut grid = received(&pdu(), &tb, slot, 30.0, 1);
    assert!(rx.receive(&pdu(), slot, &grid, &mut soft, 8, &mut out).unwrap().crc_ok);
    let other = PdschPdu { rnti: Rnti(0x4602), ..pdu() };
    assert!(!rx.receive(&other, slot, &grid, &mut soft, 8, &mut out).unwrap().crc_ok);
    // Elements that are no numbers count as erased: a fifth of them leaves a block that arrives, all of them leave nothing.
    grid.elements_mut().iter_mut().step_by(5).for_each(|z| *z = Cf32::new(f32::NAN, f32::INFINITY));
    assert!(rx.receive(&pdu(), slot, &grid, &mut soft, 20, &mut out).unwrap().crc_ok);
    assert_eq!(out, tb);
    grid.elements_mut().fill(Cf32::new(f32::NAN, f32::INFINITY));
    assert!(!rx.receive(&pdu(), slot, &grid, &mut soft, 8, &mut out).unwrap().crc_ok);
    Gaussian::new(3, Isa::Scalar).fill(grid.elements_mut(), 1.0);
    assert!(!rx.receive(&pdu(), slot, &grid, &mut soft, 8, &mut out).unwrap().crc_ok);
}

#[test] // Spec: TS 38.214 §5.1 (what a false DCI may ask for is an error, not a panic)
fn nonsense_is_refused() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 3);
    let mut rx = PdschReceiver::new(Isa::best(), 24, 1, 1);
    let mut soft = SoftBuffer::new(200_000);
    let grid = Grid::new(1, 24 * 12);
    let mut out = vec![0; 640];
    let nonsense: [fn(&mut PdschPdu); 7] = [
        |p| p.n_symbols = 14,
        |p| p.rbs = RbAllocation::Contiguous { start: 20, n_rb: 20 },
        |p| p.dmrs.symbols = 1,
        |p| p.coding.q_m = 3,
        |p| p.n_layers = 2,
        |p| p.coding.tbs_bytes = 641,
        |p| p.dmrs.ports = 0,
    ];
    for change in nonsense {
        let mut p = pdu();
        change(&mut p);
        assert!(rx.receive(&p, slot, &grid, &mut soft, 8, &mut out).is_err());
    }
}

#[test] // Spec: ironcell issue §3 (symbols and code blocks spread over any number of threads: the same bits)
fn a_crew_of_any_width_receives_the_same_bits() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 13);
    let mut p = pdu();
    p.coding = Coding { q_m: 8, rate_x1024: 797.0, tbs_bytes: 2049, ..p.coding };
    let tb = block(2049, 1);
    for (snr_db, ok) in [(19.0, false), (25.0, true)] {
        let grid = received(&p, &tb, slot, snr_db, 9);
        let with = |width: usize| {
            let mut rx = PdschReceiver::new(Isa::best(), 24, 1, 1);
            rx.set_crew(&node::Crew::new(std::sync::Arc::new(node::Backwards(width))));
            let mut out = vec![0; tb.len()];
            let result = rx.receive(&p, slot, &grid, &mut SoftBuffer::new(200_000), 10, &mut out).unwrap();
            (result, out)
        };
        let first = with(1);
        assert_eq!(first.0.crc_ok, ok, "{snr_db} dB");
        for width in [2, 3, 5] {
            assert_eq!(with(width), first, "{width} pieces at {snr_db} dB");
        }
    }
}
