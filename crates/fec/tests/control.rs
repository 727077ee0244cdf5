//! DCI, PBCH and UCI, there and back.

mod common;

use common::{Rng, awgn, certain};
use fec::polar::PolarCodec;
use fec::{dci, pbch, short, uci};

#[test] // Spec: TS 38.212 §7.3
fn dci_returns_for_every_aggregation_level_and_size() {
    let (mut codec, mut rng) = (PolarCodec::new(8), Rng(1));
    for e in [108, 216, 432, 864, 1728] {
        for a in (1..=140).filter(|a| a + 24 <= e) {
            let payload = rng.bits(a);
            let mut coded = vec![0; e];
            let encoded = dci::encode(&mut codec, &payload, 0x4601, &mut coded);
            assert_eq!(encoded, Ok(()), "{a} {e}");
            let mut found = vec![0; a];
            let hit = dci::decode(&mut codec, &certain(&coded), &[0xffff, 0x4601], &mut found).unwrap();
            assert_eq!((hit.map(|hit| hit.rnti_idx), &found), (Some(1), &payload), "{a} {e}");
            let hit = dci::decode(&mut codec, &certain(&coded), &[0xffff, 0x4602], &mut found).unwrap();
            assert_eq!(hit, None, "another RNTI must not match");
        }
    }
}

#[test] // Spec: TS 38.212 §7.1
fn pbch_returns() {
    let (mut codec, mut rng) = (PolarCodec::new(8), Rng(2));
    for _ in 0..20 {
        let mut payload = [0; 32];
        payload.copy_from_slice(&rng.bits(32));
        let coded = pbch::encode(&mut codec, &payload).unwrap();
        assert_eq!(pbch::decode(&mut codec, &certain(&coded)).unwrap(), Some(payload));
    }
    assert_eq!(pbch::decode(&mut codec, &[0; 864]).unwrap(), None, "erasures are no block");
}

#[test] // Spec: TS 38.212 §6.3.1.2 to §6.3.1.5
fn uci_of_every_size_returns() {
    let (mut codec, mut rng) = (PolarCodec::new(8), Rng(3));
    for a in (12..60).chain([100, 359, 360, 361, 512, 1012, 1013, 1014, 1405, 1706]) {
        for e in [a + 14, 2 * a + 9, 5 * a + 17, 1087, 1088, 8191, 9000] {
            let payload = rng.bits(a);
            let mut coded = vec![0; e];
            let Ok(()) = uci::encode(&mut codec, &payload, 2, &mut coded) else {
                assert!(a >= 360 || e < a + 20 || e > 8192, "{a} {e}");
                continue;
            };
            let mut found = vec![0; a];
            let result = uci::decode(&mut codec, &certain(&coded), 2, &mut found).unwrap();
            assert_eq!((result.crc_ok, &found), (Some(true), &payload), "{a} {e}");
            assert!(result.metric > 0.99, "{a} {e} {}", result.metric);
        }
    }
}

#[test] // Spec: TS 38.212 §5.3.3, §5.4.3
fn short_blocks_return() {
    let (mut codec, mut rng) = (PolarCodec::new(8), Rng(4));
    for a in 1..=11usize {
        for q_m in [1u8, 2, 4, 6, 8] {
            for e in [3 * q_m as usize, 12 * q_m as usize, 48, 120] {
                if a > 2 && e < 20 {
                    continue;
                }
                let payload = rng.bits(a);
                let mut coded = vec![9; e];
                uci::encode(&mut codec, &payload, q_m, &mut coded).unwrap();
                // As after descrambling: x can be anything, y repeats the bit before it.
                let mut soft = certain(&coded);
                for i in 0..e {
                    match coded[i] {
                        short::PLACEHOLDER_ONE => soft[i] = 77,
                        short::PLACEHOLDER_REPEAT => soft[i] = soft[i - 1],
                        _ => {}
                    }
                }
                let mut found = vec![0; a];
                let result = uci::decode(&mut codec, &soft, q_m, &mut found).unwrap();
                assert_eq!(found, payload, "{a} {q_m} {e}");
                assert!((result.metric - 1.0).abs() < 1e-3 && result.crc_ok.is_none());
            }
        }
    }
}

#[test] // Spec: TS 38.212 tables 5.3.3.1-1 and 5.3.3.2-1
fn placeholders_stand_where_the_tables_say() {
    let (x, y) = (short::PLACEHOLDER_ONE, short::PLACEHOLDER_REPEAT);
    let one = |q_m: usize| {
        let mut out = vec![0; q_m];
        assert!(short::encode(&[1], q_m, &mut out));
        out
    };
    assert_eq!(one(1), [1]);
    assert_eq!(one(2), [1, y]);
    assert_eq!(one(4), [1, y, x, x]);
    assert_eq!(one(6), [1, y, x, x, x, x]);
    assert_eq!(one(8), [1, y, x, x, x, x, x, x]);
    let two = |q_m: usize| {
        let mut out = vec![0; 3 * q_m];
        assert!(short::encode(&[1, 0], q_m, &mut out));
        out
    };
    // c0 = 1, c1 = 0, c2 = 1
    assert_eq!(two(1), [1, 0, 1]);
    assert_eq!(two(2), [1, 0, 1, 1, 0, 1]);
    assert_eq!(two(4), [1, 0, x, x, 1, 1, x, x, 0, 1, x, x]);
    assert_eq!(two(6)[..8], [1, 0, x, x, x, x, 1, 1]);
    assert_eq!(two(8)[8..18], [1, 1, x, x, x, x, x, x, 0, 1]);
}

#[test] // Spec: TS 38.212 §5.3.1 (list decoding, TS 38.212 leaves the decoder open)
fn a_list_of_eight_beats_one_path() {
    let blocks = 400;
    let errors = |list: usize| {
        let (mut codec, mut rng, mut errors) = (PolarCodec::new(list), Rng(5), 0);
        for _ in 0..blocks {
            let payload = rng.bits(40);
            let mut coded = vec![0; 108];
            dci::encode(&mut codec, &payload, 7, &mut coded).unwrap();
            let llrs = awgn(&mut rng, coded.into_iter(), -0.2, 16.0);
            let mut found = vec![0; 40];
            let hit = dci::decode(&mut codec, &llrs, &[7], &mut found).unwrap();
            assert!(hit.is_none() || found == payload, "an undetected error");
            errors += usize::from(hit.is_none());
        }
        errors
    };
    let (one, eight) = (errors(1), errors(8));
    println!("of {blocks} blocks: list 1 loses {one}, list 8 loses {eight}");
    assert!(one > 40 && eight * 2 < one, "{one} {eight}");
}

#[test] // Spec: TS 38.212 §7.3.2 (24 parity bits, 16 of them masked by the RNTI)
fn noise_is_no_dci() {
    let (mut codec, mut rng) = (PolarCodec::new(8), Rng(6));
    let mut found = vec![0; 41];
    for _ in 0..300 {
        let llrs = rng.llrs(216);
        assert_eq!(dci::decode(&mut codec, &llrs, &[1, 2, 0xffff], &mut found).unwrap(), None);
    }
}

#[test] // Spec: TS 38.212 §6.3.1.2.1 (CRC6: noise passes once in 64 for each list candidate)
fn noise_passes_a_crc_by_its_probability_only() {
    let mut rng = Rng(7);
    for (a, list, low, high) in [(14, 1, 10, 110), (30, 1, 0, 8)] {
        let mut codec = PolarCodec::new(list);
        let mut found = vec![0; a];
        let passed = (0..3000).filter(|_| {
            let llrs = rng.llrs(120);
            uci::decode(&mut codec, &llrs, 2, &mut found).unwrap().crc_ok == Some(true)
        });
        let passed = passed.count();
        assert!((low..=high).contains(&passed), "{a}: {passed} of 3000");
    }
}

#[test] // Spec: TS 38.212 §6.3.1.2, §7.3 (sizes outside the clauses)
fn bad_sizes_are_errors() {
    let mut codec = PolarCodec::new(8);
    assert!(uci::encode(&mut codec, &[], 2, &mut [0; 10]).is_err());
    assert!(uci::encode(&mut codec, &[0; 1707], 2, &mut [0; 4000]).is_err());
    assert!(uci::encode(&mut codec, &[0; 2], 3, &mut [0; 10]).is_err());
    assert!(uci::encode(&mut codec, &[0; 12], 2, &mut [0; 20]).is_err());
    assert!(uci::decode(&mut codec, &[], 2, &mut [0; 12]).is_err());
    assert!(uci::decode(&mut codec, &[1; 20_000], 2, &mut [0; 40]).is_err());
    assert!(dci::encode(&mut codec, &[0; 141], 0, &mut [0; 864]).is_err());
    assert!(dci::encode(&mut codec, &[], 0, &mut [0; 864]).is_err());
    assert!(dci::decode(&mut codec, &[1; 30], &[0], &mut [0; 12]).is_err());
    assert!(pbch::decode(&mut codec, &[1; 863]).is_err());
}

#[test] // Spec: TS 38.212 §5.3.1, §5.3.3 (robustness)
fn any_soft_bits_and_sizes_are_survived() {
    let (mut codec, mut rng) = (PolarCodec::new(4), Rng(8));
    for _ in 0..1500 {
        let (a, e) = (1 + rng.below(80), rng.below(500));
        let mut llrs = rng.llrs(e);
        match rng.below(4) {
            0 => llrs.fill(-128),
            1 => llrs.fill(127),
            2 => llrs.fill(0),
            _ => {}
        }
        let mut out = vec![0; a];
        let _ = uci::decode(&mut codec, &llrs, [1, 2, 4, 6, 8][rng.below(5)], &mut out);
        let _ = dci::decode(&mut codec, &llrs, &[3], &mut out);
    }
}
