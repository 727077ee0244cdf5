use super::*;
use dsp::Isa;
use dsp::noise::Gaussian;
use fapi::SsbPdu;
use nr::{Numerology, SlotPoint};
use ofdm::Grid;

const VECTORS: &str = include_str!("../../../../vectors/ssb.txt");

fn pdu(pci: u16, l_max: u8, ssb_index: u8, half_frame: bool) -> SsbPdu {
    SsbPdu {
        pci: Pci::new(pci).unwrap(),
        ssb_index,
        l_max,
        start_symbol: 2,
        start_subcarrier: 12,
        mib: 0x05_a3_5c,
        k_ssb: 10,
        half_frame,
    }
}

fn character(z: Cf32) -> char {
    match (z.re > 0.1, z.re < -0.1, z.im.abs() > 0.1) {
        (false, false, false) => '0',
        (true, _, false) => '+',
        (_, true, false) => '-',
        (_, minus, _) => ['a', 'b', 'c', 'd'][usize::from(minus) + 2 * usize::from(z.im < 0.0)],
    }
}

#[test] // Spec: TS 38.211 §7.4.3, TS 38.212 §7.1; vectors: vectors/ssb.txt (py3gpp 0.6.0)
fn blocks_equal_the_independent_model() {
    let mut tx = SsbTransmitter::new();
    for line in VECTORS.lines() {
        let mut fields = line.split(' ');
        let mut n = || fields.next().unwrap().parse::<u32>().unwrap();
        let (pci, l_max, index, half, sfn, k_ssb, mib) = (n(), n(), n(), n(), n(), n(), n());
        let pdu = SsbPdu { mib, k_ssb: k_ssb as u8, ..pdu(pci as u16, l_max as u8, index as u8, half == 1) };
        let block = tx.block(&pdu, sfn as u16);
        let text: String = block.iter().flatten().map(|z| character(*z)).collect();
        assert_eq!(text, fields.next().unwrap(), "PCI {pci}");
    }
}

#[test] // Spec: TS 38.211 §7.4.3.1
fn a_block_outside_the_grid_is_an_error() {
    let mut tx = SsbTransmitter::new();
    let slot = SlotPoint::new(Numerology::KHZ30, 0, 0);
    assert!(tx.transmit(&pdu(1, 8, 0, false), slot, &mut Grid::new(1, 251)).is_err());
    let late = SsbPdu { start_symbol: 11, ..pdu(1, 8, 0, false) };
    assert!(tx.transmit(&late, slot, &mut Grid::new(1, 300)).is_err());
}

/// A capture at `rate` with one block that starts at `at` samples (fraction included), `offset_hz` over the centre, noise around.
///
/// The carrier's phase is reset at each symbol as TS 38.211 §5.4 has it for a block centre of `ssb_hz`.
fn capture(
    pdu: &SsbPdu,
    sfn: u16,
    rate: f64,
    len: usize,
    at: f64,
    offset_hz: f64,
    ssb_hz: f64,
    snr_db: f32,
    seed: u64,
) -> Vec<Cf32> {
    let block = SsbTransmitter::new().block(pdu, sfn);
    let n = (rate / 30e3) as usize;
    let period = n + 9 * n / 128;
    let mut x = vec![Cf32::default(); len];
    for (l, symbol) in block.iter().enumerate() {
        let start = at + (l * period) as f64;
        let first = (start - (9 * n / 128) as f64).ceil() as usize;
        for t in first..(start + n as f64).ceil() as usize {
            let from_useful = t as f64 - start;
            let mut sum = dsp::Cf64::default();
            for (k, d) in symbol.iter().enumerate().filter(|(_, d)| d.norm_sqr() > 0.0) {
                let p = dsp::unit_phasor((k as f64 - 120.0) * from_useful / n as f64);
                sum += p * dsp::Cf64::new(f64::from(d.re), f64::from(d.im));
            }
            // The wave at the block's centre: phase zero at each symbol's useful start, seen through a mixer at ssb_hz - offset_hz.
            let wave = dsp::unit_phasor(ssb_hz * from_useful / rate - (ssb_hz - offset_hz) * t as f64 / rate);
            let y = sum * wave / (n as f64).sqrt();
            x[t] += Cf32::new(y.re as f32, y.im as f32);
        }
    }
    Gaussian::new(seed, Isa::Scalar).add(&mut x, libm::powf(10.0, -snr_db / 10.0));
    x
}

const RATE: f64 = 15.36e6;

fn find(x: &[Cf32], place: f64, ssb_hz: Option<f64>) -> (Vec<PssPeak>, Option<SsbDetection>) {
    let mut search = PssSearcher::new(RATE, Numerology::KHZ30, Isa::best()).unwrap();
    let mut rx = SsbReceiver::new(RATE, Numerology::KHZ30, Isa::best()).unwrap();
    let mut peaks = PssPeaks::new(4);
    search.search(x, &[place], 1, &mut peaks);
    let peaks = peaks.as_slice().to_vec();
    let found = peaks.iter().find_map(|p| rx.receive(x, p.sample, p.n_id_2, p.offset_hz, ssb_hz, &[8, 4]));
    (peaks, found)
}

#[test] // Spec: TS 38.211 §7.4.2, §7.4.3; TS 38.213 §4.1
fn a_block_is_found_with_offset_and_delay() {
    let ssb_hz = 3_489.42e6;
    for (i, (pci, offset, at, snr)) in [
        (0, 0.0, 2000.0, 20.0),
        (500, 7100.0, 1234.5, 10.0),
        (1007, -6900.0, 3210.25, 3.0),
        (77, 2.4e6 + 3300.0, 2222.7, 6.0),
    ]
    .into_iter()
    .enumerate()
    {
        let pdu = pdu(pci, 8, 5, i % 2 == 1);
        let x = capture(&pdu, 700, RATE, 8000, at, offset, ssb_hz, snr, i as u64);
        let place = if offset > 1e6 { 2.4e6 } else { 0.0 };
        let (_, found) = find(&x, place, Some(ssb_hz));
        let found = found.expect("a block");
        assert_eq!(found.pci.get(), pci);
        let (payload, l_max) = found.pbch.expect("a PBCH");
        assert_eq!((l_max, payload.sfn, payload.ssb_index, payload.half_frame), (8, 700, 5, i % 2 == 1));
        assert_eq!(payload.mib & 0x1_ffff, pdu.mib & 0x1_ffff);
        assert!((found.offset_hz - offset).abs() < 400.0, "{} against {offset}", found.offset_hz);
        assert!((found.pss_start - at).abs() < 1.0, "{} against {at}", found.pss_start);
        assert!((found.snr_db() - snr).abs() < 2.0, "{} against {snr}", found.snr_db());
    }
}

#[test] // Spec: TS 38.211 §7.4.3
fn an_unknown_carrier_frequency_still_gives_the_pbch() {
    let pdu = pdu(321, 4, 2, true);
    let x = capture(&pdu, 5, RATE, 8000, 1500.3, 1_234_567.0, 2_600.111e6, 8.0, 9);
    let (_, found) = find(&x, 1_234_000.0, None);
    let found = found.expect("a block");
    assert_eq!(found.pci.get(), 321);
    let (payload, l_max) = found.pbch.expect("a PBCH");
    assert_eq!((payload.sfn, payload.half_frame, payload.ssb_index & 3), (5, true, 2));
    assert!(l_max == 4 || l_max == 8);
}

#[test] // Spec: TS 38.212 §7.1.5
fn pbch_decodes_most_blocks_at_minus_three_db() {
    let ok = (0..20).filter(|&seed| {
        let pdu = pdu(100 + seed as u16, 8, 1, false);
        let x = capture(&pdu, 12, RATE, 6000, 1000.0, 100.0, 3.5e9, -3.0, seed);
        let mut rx = SsbReceiver::new(RATE, Numerology::KHZ30, Isa::best()).unwrap();
        let found = rx.receive(&x, 1000, pdu.pci.n_id_2() as u8, 0.0, Some(3.5e9), &[8]);
        found.is_some_and(|f| f.pci == pdu.pci && f.pbch.is_some_and(|(p, _)| p.sfn == 12))
    });
    let n = ok.count();
    assert!(n >= 17, "{n} of 20");
}

#[test] // Spec: TS 38.211 §7.4.2 (nothing is found where nothing is)
fn noise_and_non_numbers_give_no_block() {
    for seed in 0..6 {
        let mut x = vec![Cf32::default(); 40_000];
        Gaussian::new(seed, Isa::Scalar).fill(&mut x, 1.0);
        if seed == 5 {
            x[777] = Cf32::new(f32::NAN, f32::INFINITY);
            x[9000] = Cf32::new(f32::NEG_INFINITY, 0.0);
        }
        let (_, found) = find(&x, 0.0, Some(3.5e9));
        assert!(found.is_none_or(|f| f.pbch.is_none()));
    }
    let mut rx = SsbReceiver::new(RATE, Numerology::KHZ30, Isa::best()).unwrap();
    assert!(rx.receive(&[Cf32::default(); 10], 1 << 40, 0, f64::NAN, None, &[8]).is_none());
    assert!(rx.receive(&vec![Cf32::default(); 9000], 100, 0, 0.0, None, &[8]).is_none());
}

#[test] // Spec: TS 38.215 §5.1.1 (SS-RSRP), §5.1.5 (SS-SINR)
fn a_known_cell_is_measured_in_a_grid() {
    let slot = SlotPoint::new(Numerology::KHZ30, 8, 0);
    for (snr_db, tolerance) in [(20.0, 1.0), (0.0, 1.5)] {
        let mut grid = Grid::new(1, 300);
        let pdu = pdu(700, 8, 0, false);
        SsbTransmitter::new().transmit(&pdu, slot, &mut grid).unwrap();
        for l in 0..14 {
            for (k, z) in grid.symbol_mut(0, l).iter_mut().enumerate() {
                let p = dsp::unit_phasor(0.1 - 0.006 * k as f64 + 0.02 * l as f64);
                *z *= Cf32::new(p.re as f32, p.im as f32);
            }
        }
        Gaussian::new(4, Isa::Scalar).add(grid.elements_mut(), libm::powf(10.0, -snr_db / 10.0));
        let m = measure(&grid, 0, 2, 12, pdu.pci, i_bar(8, 0, false)).unwrap();
        assert!((m.snr_db() - snr_db).abs() < tolerance, "{} against {snr_db}", m.snr_db());
        assert!((m.delay_symbols - 0.006).abs() < 0.0005, "{}", m.delay_symbols);
        assert!((m.turns_per_symbol - 0.02).abs() < 0.01, "{}", m.turns_per_symbol);
    }
    assert!(measure(&Grid::new(1, 300), 0, 2, 61, Pci::new(1).unwrap(), 0).is_none());
}

#[test] // Spec: TS 38.212 §7.1.1 to §7.1.5 (combining over frames), TS 38.211 §7.3.3.1
fn combined_blocks_decode_where_one_does_not() {
    let mut combiner = PbchCombiner::new();
    let mut codec = fec::polar::PolarCodec::new(1);
    let (mut alone, mut combined) = (0, 0);
    for seed in 0..10u16 {
        let (pci, first) = (Pci::new(200 + 7 * seed).unwrap(), 16 * 20 + seed);
        combiner.start(pci, 8);
        for period in 0..4u16 {
            // Blocks 3 and 5 of every second frame, 12 dB below the noise of a bit.
            let index = if period % 2 == 0 { 3 } else { 5 };
            let sfn = first + 2 * period;
            let mib = 0x05_a3_5c & !0x7e_0000 | u32::from(sfn >> 4) << 17 & !0xf000 | 0xa000;
            let p = PbchPayload { mib, sfn, half_frame: true, ssb_index: index, k_ssb: 10 };
            let mut bits = fec::pbch::encode(&mut codec, &payload::encode(&p, pci, 8)).unwrap();
            Gold::starting_at(u32::from(pci.get()), usize::from(index) * PBCH_BITS).xor_bits(&mut bits);
            let mut noise = [Cf32::default(); PBCH_BITS];
            Gaussian::new(u64::from(seed) * 8 + u64::from(period), Isa::Scalar).fill(&mut noise, 32.0);
            let soft: [f32; PBCH_BITS] = core::array::from_fn(|i| 1.0 - 2.0 * f32::from(bits[i]) + noise[i].re);
            combiner.add(&soft, index, 2 * u32::from(period));
            let decoded = combiner.decode(3);
            assert!(decoded.is_none_or(|d| d.sfn == first && d.half_frame));
            alone += usize::from(period == 0 && decoded.is_some());
            combined += usize::from(period == 3 && decoded.is_some());
        }
    }
    assert!(combined >= 8 && alone <= 2, "{combined} combined, {alone} alone");
    let mut nothing = PbchCombiner::new();
    nothing.add(&[1.0; PBCH_BITS], 3, 0);
    assert_eq!((nothing.blocks(), nothing.decode(3)), (0, None));
}

#[test] // Spec: TS 38.101-4 §5.4 (search at low SNR with a frequency error), TS 38.211 §7.4.2
fn cells_are_found_at_minus_six_db_and_five_ppm() {
    // 5 ppm of 3.5 GHz are 17.5 kHz, more than half a subcarrier of 30 kHz: the search's shifts cover it.
    let mut search = PssSearcher::new(RATE, Numerology::KHZ30, Isa::best()).unwrap();
    let mut rx = SsbReceiver::new(RATE, Numerology::KHZ30, Isa::best()).unwrap();
    let (n, mut right) = (40, 0);
    for seed in 0..n {
        let pci = (seed * 251 % 1008) as u16;
        let offset = 17_500.0 * (seed as f64 / (n - 1) as f64 * 2.0 - 1.0);
        let x = capture(&pdu(pci, 8, 2, false), 40, RATE, 6000, 1200.0 + 13.3 * seed as f64, offset, 3.5e9, -6.0, seed);
        let mut peaks = PssPeaks::new(4);
        search.search(&x, &[0.0], 2, &mut peaks);
        let found =
            peaks.as_slice().iter().find_map(|p| rx.receive(&x, p.sample, p.n_id_2, p.offset_hz, Some(3.5e9), &[8]));
        right += usize::from(found.is_some_and(|f| f.pci.get() == pci && (f.offset_hz - offset).abs() < 1500.0));
    }
    assert!(right >= n as usize * 6 / 10, "{right} of {n}");
}

#[test] // Spec: TS 38.215 §5.1.1, §5.1.3, §5.1.5 (neighbour cells)
fn neighbours_in_one_grid_are_told_apart() {
    let slot = SlotPoint::new(Numerology::KHZ30, 8, 0);
    let mut grid = Grid::new(1, 300);
    for (pci, amplitude, delay) in [(300u16, 1.0f32, 0.003), (301, 0.5, -0.002), (302, 0.25, 0.005)] {
        let mut one = Grid::new(1, 300);
        SsbTransmitter::new().transmit(&pdu(pci, 8, 0, false), slot, &mut one).unwrap();
        for l in 0..14 {
            for (k, z) in grid.symbol_mut(0, l).iter_mut().enumerate() {
                let p = dsp::unit_phasor(0.3 * f64::from(pci) - delay * k as f64);
                *z += one.symbol(0, l)[k] * Cf32::new(p.re as f32, p.im as f32) * amplitude;
            }
        }
    }
    Gaussian::new(4, Isa::Scalar).add(grid.elements_mut(), 0.005);
    let mut out = [None; 3];
    let n = neighbours(&grid, 2, 12, &mut out);
    assert!(n >= 2, "{out:?}");
    let cells: Vec<_> = out.iter().flatten().map(|c| c.pci.get()).collect();
    assert_eq!(cells[..2], [300, 301]);
    let power = |i: usize| 10.0 * out[i].unwrap().measured.rsrp.log10();
    assert!(power(0).abs() < 1.0 && (power(1) + 6.0).abs() < 2.0, "{out:?}");
    // RSSI of 25 RBs, in which 240 of 300 subcarriers are used in three symbols of four, 127 in the first.
    let rsrq = rsrq_db(&grid, 2, 0, 25, &out[0].unwrap().measured).unwrap();
    assert!((-13.5..-9.0).contains(&rsrq), "{rsrq}");
    assert!(rsrq_db(&grid, 2, 0, 26, &out[0].unwrap().measured).is_none());
    grid.elements_mut().fill(Cf32::new(f32::NAN, 0.0));
    assert_eq!(neighbours(&grid, 2, 12, &mut out), 0);
}
