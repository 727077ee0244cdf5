//! Transport blocks, there and back.

mod common;

use common::{Rng, awgn, certain, unpack};
use fec::Isa;
use fec::sch::{SchDecoder, SchEncoder, SchError, SchParams, SoftBuffer};

fn params(tbs_bits: u32, rate: f32, q_m: u8, n_layers: u8, g: u32) -> SchParams {
    SchParams { tbs_bits, code_rate_x1024: rate, q_m, n_layers, rv: 0, g, tbs_lbrm: None }
}

fn encode(encoder: &mut SchEncoder, p: &SchParams, tb: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff; p.g.div_ceil(8) as usize];
    encoder.encode(p, tb, &mut out).unwrap();
    unpack(&out, p.g as usize)
}

#[test] // Spec: TS 38.212 §6.2, §7.2
fn blocks_of_all_kinds_return() {
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(1));
    let mut soft = SoftBuffer::new(200_000);
    for (tbs, rate, q_m, layers, g) in [
        (24, 120.0, 2, 1, 240),
        (32, 120.0, 1, 1, 333),
        (208, 308.0, 2, 1, 700),
        (304, 600.0, 4, 1, 560),
        (640, 948.0, 8, 1, 800),
        (3824, 679.0, 6, 2, 6000),
        (3848, 240.0, 2, 2, 18_000),
        (8456, 700.0, 4, 1, 12_804),
        (25_104, 550.0, 6, 3, 49_986),
        (83_976, 948.0, 8, 4, 96_000),
        (40_984, 200.0, 2, 1, 300_000),
    ] {
        let p = params(tbs, rate, q_m, layers, g);
        let tb = rng.bytes(tbs as usize / 8);
        let coded = encode(&mut encoder, &p, &tb);
        let mut found = vec![0; tb.len()];
        let result = decoder.decode(&p, &certain(&coded), &mut soft, true, 8, &mut found).unwrap();
        assert!(result.crc_ok && found == tb, "{p:?} {result:?}");
        assert_eq!(result.n_cb, result.n_cb_ok);
    }
}

#[test] // Spec: TS 38.212 §5.4.2.1 (redundancy versions, circular buffer)
fn every_redundancy_version_and_the_limited_buffer_return() {
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(2));
    let mut soft = SoftBuffer::new(50_000);
    for (tbs, rate, g) in [(1800, 300.0, 9600), (20_496, 500.0, 64_800)] {
        for lbrm in [None, Some(tbs), Some(tbs * 2)] {
            for rv in 0..4 {
                let p = SchParams { rv, tbs_lbrm: lbrm, ..params(tbs, rate, 4, 1, g) };
                let tb = rng.bytes(tbs as usize / 8);
                let coded = encode(&mut encoder, &p, &tb);
                let mut found = vec![0; tb.len()];
                let result = decoder.decode(&p, &certain(&coded), &mut soft, true, 20, &mut found).unwrap();
                assert!(result.crc_ok && found == tb, "{p:?} {result:?}");
            }
        }
    }
}

#[test] // Spec: TS 38.212 §5.4.2.1; TS 38.321 §5.3.2.2 (soft combining)
fn retransmissions_combine_and_passed_blocks_are_kept() {
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(3));
    let mut soft = SoftBuffer::new(50_000);
    let p = params(25_104, 900.0, 2, 1, 28_800);
    let tb = rng.bytes(25_104 / 8);
    let mut found = vec![0; tb.len()];
    let mut passed = vec![];
    for (n, rv) in [0, 2, 3, 1].into_iter().enumerate() {
        let p = SchParams { rv, ..p };
        let coded = encode(&mut encoder, &p, &tb);
        // About 3 dB below what the first transmission needs; one block of the first one is clean.
        let mut llrs = awgn(&mut rng, coded.iter().copied(), 1.0, 14.0);
        if n == 0 {
            llrs[..9600].copy_from_slice(&certain(&coded[..9600]));
        }
        let result = decoder.decode(&p, &llrs, &mut soft, n == 0, 10, &mut found).unwrap();
        passed.push((result.n_cb_ok, result.crc_ok));
        if result.crc_ok {
            break;
        }
    }
    assert_eq!(passed[0], (1, false), "{passed:?}");
    assert!(passed.last().unwrap().1 && found == tb && passed.len() >= 2, "{passed:?}");
    let again = decoder.decode(&p, &vec![0; 28_800], &mut soft, false, 10, &mut found).unwrap();
    assert!(again.crc_ok && again.iterations_mean == 0.0 && found == tb, "nothing is decoded twice");
}

#[test] // Spec: TS 38.212 §5.4.2.1; TS 38.321 §5.3.2.2 (the same redundancy version twice adds up)
fn a_repetition_is_worth_three_decibels() {
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(8));
    let mut soft = SoftBuffer::new(9000);
    let p = params(8424, 341.0, 2, 1, 25_272);
    for _ in 0..10 {
        let tb = rng.bytes(8424 / 8);
        let coded = encode(&mut encoder, &p, &tb);
        let mut found = vec![0; tb.len()];
        let mut send = |new_data: bool| {
            let llrs = awgn(&mut rng, coded.iter().copied(), -5.4, 10.0);
            decoder.decode(&p, &llrs, &mut soft, new_data, 10, &mut found).unwrap().crc_ok
        };
        assert_eq!([send(true), send(false)], [false, true]);
        assert_eq!(found, tb);
    }
}

#[test] // Spec: TS 38.212 §5.3.2 (integer kernels agree bit for bit)
fn instruction_sets_agree() {
    let mut rng = Rng(4);
    let sets: Vec<Isa> = Isa::available().collect();
    for (tbs, rate, g, db) in [
        (24, 120.0, 120, -1.0),
        (312, 600.0, 500, 3.0),
        (3752, 300.0, 8000, 0.0),
        (8424, 900.0, 9600, 5.5),
        (20_496, 500.0, 36_000, 1.2),
    ] {
        let p = params(tbs, rate, 2, 1, g);
        for _ in 0..4 {
            let tb = rng.bytes(tbs as usize / 8);
            let coded = encode(&mut SchEncoder::new(sets[0]), &p, &tb);
            let llrs = awgn(&mut rng, coded.into_iter(), db, 20.0);
            let runs = sets.iter().map(|&isa| {
                let (mut soft, mut found) = (SoftBuffer::new(tbs), vec![0; tb.len()]);
                let result = SchDecoder::new(isa).decode(&p, &llrs, &mut soft, true, 6, &mut found).unwrap();
                (result, found)
            });
            let runs: Vec<_> = runs.collect();
            assert!(runs.windows(2).all(|pair| pair[0] == pair[1]), "{p:?}");
        }
    }
}

#[test] // Spec: TS 38.212 §5.3.2 (error rates as in examples/bler, with room for 40 blocks; Es/N0 as BPSK)
fn blocks_survive_the_noise_that_they_should() {
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(9));
    let mut soft = SoftBuffer::new(10_000);
    // Rate, and Es/N0 of one bit, where about all and where about none of the blocks pass within ten iterations.
    for (tbs, g, passes, fails) in [
        (8424, 25_272, -3.6, -4.5),
        (8424, 12_636, 0.6, -0.1),
        (8424, 9_464, 3.7, 2.8),
        (3824, 19_120, -6.0, -6.9),
        (1032, 3_096, -2.8, -4.8),
        (104, 208, 1.8, -3.0),
    ] {
        let p = params(tbs, tbs as f32 / g as f32 * 1024.0, 2, 1, g);
        let mut passed = |db: f64| {
            let n = (0..40).filter(|_| {
                let tb = rng.bytes(tbs as usize / 8);
                let coded = encode(&mut encoder, &p, &tb);
                // Six steps a neper.
                let unit = 24.0 * 10f64.powf(db / 10.0);
                let llrs = awgn(&mut rng, coded.into_iter(), db, unit);
                let mut found = vec![0; tb.len()];
                let result = decoder.decode(&p, &llrs, &mut soft, true, 10, &mut found).unwrap();
                assert!(!result.crc_ok || found == tb);
                result.crc_ok
            });
            n.count()
        };
        let (many, few) = (passed(passes), passed(fails));
        assert!(many >= 38 && few <= 8, "{p:?}: {many} of 40 at {passes} dB, {few} at {fails} dB");
    }
}

#[test] // Spec: TS 38.212 §5.1 (24 parity bits and the parity checks)
fn noise_is_no_transport_block() {
    let (mut decoder, mut rng) = (SchDecoder::new(Isa::best()), Rng(5));
    let mut soft = SoftBuffer::new(10_000);
    for (tbs, g) in [(24, 96), (128, 500), (3848, 6000)] {
        let p = params(tbs, 400.0, 2, 1, g);
        let mut found = vec![0; tbs as usize / 8];
        for _ in 0..100 {
            let result = decoder.decode(&p, &rng.llrs(g as usize), &mut soft, true, 5, &mut found).unwrap();
            assert!(!result.crc_ok);
        }
        let erased = decoder.decode(&p, &vec![0; g as usize], &mut soft, true, 5, &mut found).unwrap();
        assert!(!erased.crc_ok, "erasures are no block of zeros");
    }
}

#[test] // Spec: TS 38.212 §5.4.2 (parameters and slices that do not fit)
fn bad_use_is_an_error() {
    let mut decoder = SchDecoder::new(Isa::Scalar);
    let mut soft = SoftBuffer::new(1000);
    let p = params(24, 120.0, 2, 1, 240);
    let wrong = decoder.decode(&p, &[0; 239], &mut soft, true, 5, &mut [0; 3]);
    assert_eq!(wrong, Err(SchError::Length { expected: 240, found: 239 }));
    let wrong = decoder.decode(&p, &[0; 240], &mut soft, true, 5, &mut [0; 4]);
    assert_eq!(wrong, Err(SchError::Length { expected: 3, found: 4 }));
    let large = params(100_008, 900.0, 2, 1, 240_000);
    let wrong = decoder.decode(&large, &vec![0; 240_000], &mut soft, true, 5, &mut vec![0; 12_501]);
    assert!(matches!(wrong, Err(SchError::TbsBits(_) | SchError::SoftCapacity { .. })), "{wrong:?}");
    decoder.decode(&p, &[1; 240], &mut soft, true, 0, &mut [0; 3]).unwrap();
    let other = params(32, 120.0, 2, 1, 240);
    let wrong = decoder.decode(&other, &[1; 240], &mut soft, false, 5, &mut [0; 4]);
    assert_eq!(wrong, Err(SchError::SoftMismatch));
    let mut encoder = SchEncoder::new(Isa::Scalar);
    assert!(encoder.encode(&p, &[0; 3], &mut [0; 29]).is_err());
    assert!(encoder.encode(&p, &[0; 2], &mut [0; 30]).is_err());
}

#[test] // Spec: TS 38.212 §6.2, §7.2 (robustness)
fn any_parameters_and_soft_bits_are_survived() {
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(6));
    let mut soft = SoftBuffer::new(5_000);
    for _ in 0..400 {
        let p = SchParams {
            tbs_bits: 8 * rng.below(500) as u32,
            code_rate_x1024: rng.below(1100) as f32,
            q_m: rng.below(10) as u8,
            n_layers: rng.below(6) as u8,
            rv: rng.below(5) as u8,
            g: rng.below(6000) as u32,
            tbs_lbrm: (rng.bit() == 1).then(|| rng.below(9000) as u32),
        };
        let tb = rng.bytes(p.tbs_bits as usize / 8);
        let _ = encoder.encode(&p, &tb, &mut vec![0; p.g.div_ceil(8) as usize]);
        let mut llrs = rng.llrs(p.g as usize);
        if rng.below(5) == 0 {
            llrs.fill([-128, 127, 0][rng.below(3)]);
        }
        let _ = decoder.decode(&p, &llrs, &mut soft, rng.bit() == 1, 2, &mut vec![0; tb.len()]);
    }
}
