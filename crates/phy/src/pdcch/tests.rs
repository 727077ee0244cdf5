use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::{CceRegMapping, CoresetConfig, DciBits, PdcchPdu};
use nr::{Numerology, Rnti};
use ofdm::Grid;

const VECTORS: &str = include_str!("../../../../vectors/pdcch.txt");

fn character(z: Cf32) -> char {
    if z.norm_sqr() < 0.1 { '0' } else { ['a', 'b', 'c', 'd'][usize::from(z.re < 0.0) + 2 * usize::from(z.im < 0.0)] }
}

#[test] // Spec: TS 38.211 §7.3.2, §7.4.1.3; TS 38.212 §7.3; vectors: vectors/pdcch.txt (second derivation)
fn elements_equal_the_second_derivation() {
    let mut tx = PdcchTransmitter::new();
    for line in VECTORS.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let n = |i: usize| fields[i].parse::<i64>().unwrap();
        let mapping = match n(4) {
            0 => CceRegMapping::NonInterleaved,
            r => CceRegMapping::Interleaved {
                reg_bundle_size: n(3) as u8,
                interleaver_size: r as u8,
                shift_index: n(5) as u16,
            },
        };
        let coreset = CoresetConfig {
            id: 1,
            rb_groups: n(0) as u64,
            start_rb: n(1) as u16,
            duration: n(2) as u8,
            mapping,
            wideband_precoder: false,
            dmrs_n_id: n(6) as u16,
            dmrs_reference_rb: n(7) as i32,
        };
        let bits: Vec<u8> = fields[15].bytes().map(|b| b - b'0').collect();
        let pdu = PdcchPdu {
            coreset,
            start_symbol: n(9) as u8,
            cce: n(10) as u16,
            aggregation_level: n(11) as u8,
            rnti: Rnti(n(12) as u16),
            scrambling_rnti: n(13) as u16,
            scrambling_n_id: n(14) as u16,
            power_offset_db: 0.0,
            payload: DciBits::new(&bits).unwrap(),
        };
        let mut grid = Grid::new(1, 720);
        tx.transmit(&pdu, SlotPoint::new(Numerology::KHZ30, 3, n(8) as u32), &mut grid).unwrap();
        for l in 0..usize::from(coreset.duration) {
            let text: String = grid.symbol(0, n(9) as usize + l).iter().map(|z| character(*z)).collect();
            assert_eq!(text, fields[16 + l], "{} symbol {l}", &line[..70]);
        }
    }
}

fn coreset(duration: u8, mapping: CceRegMapping) -> CoresetConfig {
    CoresetConfig {
        id: 1,
        rb_groups: 0xff,
        start_rb: 1,
        duration,
        mapping,
        wideband_precoder: false,
        dmrs_n_id: 77,
        dmrs_reference_rb: -5,
    }
}

fn pdu(coreset: CoresetConfig, cce: u16, level: u8) -> PdcchPdu {
    let bits: Vec<u8> = (0..41).map(|i| (i * i / 3 % 2) as u8).collect();
    PdcchPdu {
        coreset,
        start_symbol: 0,
        cce,
        aggregation_level: level,
        rnti: Rnti(0x4601),
        scrambling_rnti: 0,
        scrambling_n_id: 77,
        power_offset_db: 0.0,
        payload: DciBits::new(&bits).unwrap(),
    }
}

/// A grid with the PDCCH, delayed by `turns` a subcarrier, in noise.
fn received(pdu: &PdcchPdu, slot: SlotPoint, turns: f64, snr_db: f32, seed: u64) -> Grid {
    let mut grid = Grid::new(1, 51 * 12);
    PdcchTransmitter::new().transmit(pdu, slot, &mut grid).unwrap();
    for l in 0..3 {
        for (k, z) in grid.symbol_mut(0, l).iter_mut().enumerate() {
            let p = dsp::unit_phasor(0.3 - turns * k as f64 + 0.01 * l as f64);
            *z *= Cf32::new(p.re as f32, p.im as f32);
        }
    }
    Gaussian::new(seed, Isa::Scalar).add(grid.elements_mut(), libm::powf(10.0, -snr_db / 10.0));
    grid
}

const MAPPINGS: [(u8, CceRegMapping); 4] = [
    (1, CceRegMapping::NonInterleaved),
    (2, CceRegMapping::NonInterleaved),
    (2, CceRegMapping::Interleaved { reg_bundle_size: 6, interleaver_size: 2, shift_index: 500 }),
    (2, CceRegMapping::Interleaved { reg_bundle_size: 2, interleaver_size: 2, shift_index: 3 }),
];

fn try_all(
    rx: &mut PdcchReceiver,
    grid: &Grid,
    coreset: &CoresetConfig,
    slot: SlotPoint,
    rnti: u16,
) -> Vec<PdcchDetection> {
    let n_cce = rx.prepare(coreset, 0, slot, grid) as u16;
    let mut found = Vec::new();
    for level in fapi::resolve::AGGREGATION_LEVELS {
        for m in 0..n_cce / u16::from(level) {
            let rntis = [0xffff, rnti];
            let targets = [DciTarget { n_bits: 44, rntis: &rntis }, DciTarget { n_bits: 41, rntis: &rntis }];
            found.extend(rx.receive(grid, m * u16::from(level), level, 0, 77, &targets));
        }
    }
    found
}

#[test] // Spec: TS 38.211 §7.3.2, TS 38.213 §10.1
fn blind_decoding_finds_each_level_at_low_snr() {
    let slot = SlotPoint::new(Numerology::KHZ30, 9, 13);
    let mut rx = PdcchReceiver::new();
    for (duration, mapping) in MAPPINGS {
        for (level, snr_db) in [(1, 8.0), (2, 5.0), (4, 1.5), (8, -1.5)] {
            let coreset = coreset(duration, mapping);
            let mut hits = 0;
            for seed in 0..20 {
                let pdu = pdu(coreset, 0, level);
                let grid = received(&pdu, slot, 0.004, snr_db, seed);
                let found = try_all(&mut rx, &grid, &coreset, slot, 0x4601);
                assert!(found.iter().all(|f| f.payload.as_slice() == pdu.payload.as_slice()));
                hits += usize::from(found.iter().any(|f| f.level == level && f.rnti == pdu.rnti));
            }
            assert!(hits >= 17, "{hits} of 20 at level {level}, {snr_db} dB, {mapping:?}");
        }
    }
}

#[test] // Spec: TS 38.212 §7.3.2 (CRC), TS 38.211 §7.3.2.3 (scrambling)
fn noise_and_other_rntis_are_not_taken() {
    let slot = SlotPoint::new(Numerology::KHZ30, 9, 13);
    let mut rx = PdcchReceiver::new();
    let coreset = coreset(2, CceRegMapping::NonInterleaved);
    for seed in 0..20 {
        let mut grid = Grid::new(1, 51 * 12);
        Gaussian::new(seed, Isa::Scalar).fill(grid.elements_mut(), 1.0);
        if seed == 3 {
            grid.elements_mut().iter_mut().step_by(7).for_each(|z| *z = Cf32::new(f32::NAN, f32::INFINITY));
        }
        assert!(try_all(&mut rx, &grid, &coreset, slot, 0x4601).is_empty());
    }
    let pdu = pdu(coreset, 4, 4);
    let grid = received(&pdu, slot, 0.0, 30.0, 1);
    assert!(try_all(&mut rx, &grid, &coreset, slot, 0x4602).is_empty());
    let other = SlotPoint::new(Numerology::KHZ30, 9, 14);
    assert!(try_all(&mut rx, &grid, &coreset, other, 0x4601).is_empty());
}

#[test] // Spec: TS 38.211 §7.3.2.2
fn contradictory_coresets_are_refused() {
    let bad = |duration, bundle, rows| {
        let mapping = CceRegMapping::Interleaved { reg_bundle_size: bundle, interleaver_size: rows, shift_index: 0 };
        CoresetMap::new(&coreset(duration, mapping)).is_none()
    };
    assert!(bad(1, 3, 2) && bad(3, 2, 2) && bad(2, 6, 5) && bad(0, 6, 2) && bad(2, 6, 6) && bad(2, 0, 2));
    let slot = SlotPoint::new(Numerology::KHZ30, 0, 0);
    let mut outside = pdu(coreset(2, CceRegMapping::NonInterleaved), 14, 4);
    assert!(PdcchTransmitter::new().transmit(&outside, slot, &mut Grid::new(1, 612)).is_err());
    outside.cce = 0;
    assert!(PdcchTransmitter::new().transmit(&outside, slot, &mut Grid::new(1, 300)).is_err());
}

#[test] // Spec: TS 38.211 §7.3.2.2, §7.4.1.3.2 (precoderGranularity allContiguousRBs)
fn dmrs_of_all_contiguous_rbs() {
    let slot = SlotPoint::new(Numerology::KHZ30, 9, 13);
    for duration in 1..=3 {
        // Two runs of RBs, 1 to 24 and 31 to 42; the candidate lies in the first.
        let wide = CoresetConfig {
            rb_groups: 0b110_1111,
            wideband_precoder: true,
            ..coreset(duration, CceRegMapping::NonInterleaved)
        };
        let narrow = CoresetConfig { wideband_precoder: false, ..wide };
        let (mut all, mut own) = (Grid::new(1, 612), Grid::new(1, 612));
        PdcchTransmitter::new().transmit(&pdu(wide, 2, 1), slot, &mut all).unwrap();
        PdcchTransmitter::new().transmit(&pdu(narrow, 2, 1), slot, &mut own).unwrap();
        let mut pilots = vec![Cf32::default(); 3 * 60];
        for l in 0..usize::from(duration) {
            dmrs_sequence(slot, l, wide.dmrs_n_id).pilots(&mut pilots);
            for (k, z) in all.symbol(0, l).iter().enumerate() {
                let in_run = (12..12 * 25).contains(&k) && k % 4 == 1;
                let expected = if in_run { pilots[3 * (k / 12 + 5) + k % 12 / 4] } else { own.symbol(0, l)[k] };
                assert!((*z - expected).norm() < 1e-6, "symbol {l} subcarrier {k}");
            }
        }
        let found = try_all(&mut PdcchReceiver::new(), &all, &wide, slot, 0x4601);
        assert!(found.iter().any(|f| (f.cce, f.level) == (2, 1)));
    }
}
