//! Code block groups, and transport blocks decoded in parts.

mod common;

use common::{Rng, certain, unpack};
use fec::Isa;
use fec::sch::{Cbgs, SchDecoder, SchEncoder, SchError, SchParams, Segmentation, SoftBuffer};

const PARAMS: SchParams =
    SchParams { tbs_bits: 42_016, code_rate_x1024: 700.0, q_m: 6, n_layers: 1, rv: 0, g: 61_446, tbs_lbrm: None };

#[test] // Spec: TS 38.212 §5.4.2.1 (C'); TS 38.214 §5.1.7, §6.1.5; TS 38.213 §9.1.1
fn a_failed_group_is_sent_again_alone() {
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(1));
    let mut soft = SoftBuffer::new(PARAMS.tbs_bits);
    let tb = rng.bytes(PARAMS.tbs_bits as usize / 8);
    let mut coded = vec![0; PARAMS.g.div_ceil(8) as usize];
    encoder.encode(&PARAMS, &tb, &mut coded).unwrap();
    let plan = Segmentation::new(&PARAMS).unwrap();
    assert_eq!(plan.n_blocks, 5);
    let mut llrs = certain(&unpack(&coded, PARAMS.g as usize));
    // Noise over code block 2, in group 1 of 4: [0, 1], [2], [3], [4].
    for llr in &mut llrs[plan.e_at(2)..plan.e_at(3)] {
        *llr = rng.below(200) as i8;
    }
    let mut found = vec![0; tb.len()];
    let result = decoder.decode(&PARAMS, &llrs, &mut soft, true, 6, &mut found).unwrap();
    assert_eq!((result.crc_ok, result.n_cb_ok, soft.cbg_acks(&plan, 4)), (false, 4, 0b1101));

    let cbgs = Cbgs::from_cbgti(4, 0b0100, false);
    let again = SchParams { g: 12_288, ..PARAMS };
    let mut coded = vec![0; again.g.div_ceil(8) as usize];
    encoder.encode_cbgs(&again, cbgs, &tb, &mut coded).unwrap();
    let llrs = certain(&unpack(&coded, again.g as usize));
    // With the corrupt soft bits the block fails still; CBGFI 0 has them forgotten.
    let mut spoilt = soft.clone();
    let combine = cbgs.map(|cbgs| Cbgs { combine: true, ..cbgs });
    let quiet: Vec<i8> = llrs.iter().map(|llr| llr / 40).collect();
    let result = decoder.decode_cbgs(&again, combine, &quiet, &mut spoilt, false, 6, &mut found).unwrap();
    assert!(!result.crc_ok);
    let result = decoder.decode_cbgs(&again, cbgs, &quiet, &mut soft, false, 6, &mut found).unwrap();
    assert!(result.crc_ok && found == tb);
    assert_eq!(soft.cbg_acks(&plan, 4), 0b1111);
    let none = Cbgs::from_cbgti(4, 0, false);
    let wrong = decoder.decode_cbgs(&again, none, &quiet, &mut soft, false, 6, &mut found);
    assert_eq!(wrong, Err(SchError::BlockGroups));
}

#[test] // Spec: TS 38.212 §5.2.2, §5.5 (code blocks are independent: parts give the bits of the whole)
fn parts_equal_the_whole() {
    let (mut encoder, mut rng) = (SchEncoder::new(Isa::best()), Rng(2));
    let tb = rng.bytes(PARAMS.tbs_bits as usize / 8);
    let mut coded = vec![0; PARAMS.g.div_ceil(8) as usize];
    encoder.encode(&PARAMS, &tb, &mut coded).unwrap();
    let plan = Segmentation::new(&PARAMS).unwrap();
    for cut in 0..=plan.n_blocks {
        let mut joined = vec![0; coded.len()];
        for range in [0..cut, cut..plan.n_blocks] {
            let n: usize = range.clone().map(|block| plan.e(block)).sum();
            let mut part = vec![0; n.div_ceil(8)];
            encoder.encode_blocks(&plan, range.clone(), &tb, &mut part).unwrap();
            fec::bits::copy(&mut joined, plan.e_at(range.start), &part, 0, n);
        }
        assert!(joined == coded, "{cut}");
    }
    let noisy: Vec<i8> = unpack(&coded, PARAMS.g as usize)
        .iter()
        .map(|&bit| (if bit == 0 { 12 } else { -12 }) + rng.below(61) as i8 - 30)
        .collect();
    let mut decoders = [SchDecoder::new(Isa::best()), SchDecoder::new(Isa::Scalar)];
    let (mut whole, mut found) = (SoftBuffer::new(PARAMS.tbs_bits), vec![0; tb.len()]);
    let expected = decoders[0].decode(&PARAMS, &noisy, &mut whole, true, 3, &mut found).unwrap();
    for cut in 0..=plan.n_blocks {
        let (mut soft, mut out) = (SoftBuffer::new(PARAMS.tbs_bits), vec![0; tb.len()]);
        let task = soft.begin(&PARAMS, None, true).unwrap();
        let (mut left, mut right) = task.split_at(cut);
        assert_eq!((left.len(), right.is_empty()), (cut, cut == plan.n_blocks));
        // The right part first, on another decoder, as another thread might.
        decoders[1].run(&mut right, &noisy, 3).unwrap();
        decoders[0].run(&mut left, &noisy, 3).unwrap();
        let result = soft.finish(&plan, &mut out).unwrap();
        assert_eq!((result, &out), (expected, &found));
    }
}

#[test] // Spec: TS 38.212 §5.4.2.2; TS 38.214 table 5.1.3.1-4 (1024QAM)
fn ten_bits_a_symbol_return() {
    let params = SchParams { q_m: 10, g: 60_000, ..PARAMS };
    let (mut encoder, mut decoder, mut rng) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()), Rng(3));
    let tb = rng.bytes(params.tbs_bits as usize / 8);
    let mut coded = vec![0; params.g.div_ceil(8) as usize];
    encoder.encode(&params, &tb, &mut coded).unwrap();
    let (mut soft, mut found) = (SoftBuffer::new(params.tbs_bits), vec![0; tb.len()]);
    let llrs = certain(&unpack(&coded, params.g as usize));
    let result = decoder.decode(&params, &llrs, &mut soft, true, 6, &mut found).unwrap();
    assert!(result.crc_ok && found == tb);
}

#[test] // Spec: TS 38.212 §5.3.2 (code blocks of several transport blocks, side by side: the bits and iterations of each alone)
fn blocks_of_many_users_side_by_side_equal_each_alone() {
    let mut rng = Rng(3);
    let mut encoder = SchEncoder::new(Isa::best());
    for isa in Isa::available() {
        let (mut alone, mut together) = (SchDecoder::new(isa), SchDecoder::new(isa));
        // Sizes of one and of several code blocks, alike and not; first and second transmissions.
        let sizes = [160u32, 160, 160, 160, 208, 208, 42_016, 160, 400, 400, 400, 160, 160, 400];
        let users: Vec<_> = sizes
            .iter()
            .map(|&tbs_bits| {
                let g = (tbs_bits * 5 / 2).next_multiple_of(2);
                let params =
                    SchParams { tbs_bits, code_rate_x1024: 410.0, q_m: 2, n_layers: 1, rv: 0, g, tbs_lbrm: None };
                (params, rng.bytes(tbs_bits as usize / 8))
            })
            .collect();
        let buffers = || users.iter().map(|(p, _)| SoftBuffer::new(p.tbs_bits)).collect::<Vec<_>>();
        let (mut soft_alone, mut soft_together) = (buffers(), buffers());
        let (mut passed, mut failed) = (0, 0);
        for rv in [0, 2] {
            let received: Vec<_> = users
                .iter()
                .enumerate()
                .map(|(i, (params, tb))| {
                    // From faint to clear.
                    let faint = 4 + 2 * (i % 7) as i8;
                    let params = SchParams { rv, ..*params };
                    let mut coded = vec![0; params.g.div_ceil(8) as usize];
                    encoder.encode(&params, tb, &mut coded).unwrap();
                    let mut llrs = certain(&unpack(&coded, params.g as usize));
                    llrs.iter_mut().for_each(|llr| *llr = (*llr / faint).saturating_add(rng.below(13) as i8 - 6));
                    (params, llrs)
                })
                .collect();
            let mut tbs: Vec<_> = users.iter().map(|(_, tb)| vec![0; tb.len()]).collect();
            let expected: Vec<_> = (0..users.len())
                .map(|i| {
                    let (params, llrs) = &received[i];
                    alone.decode(params, llrs, &mut soft_alone[i], rv == 0, 8, &mut tbs[i]).unwrap()
                })
                .collect();
            let mut tasks: Vec<_> = soft_together
                .iter_mut()
                .zip(&received)
                .map(|(soft, (params, llrs))| Some((soft.begin(params, None, rv == 0).unwrap(), &llrs[..])))
                .collect();
            tasks.insert(5, None);
            together.run_together(&mut tasks, 8).unwrap();
            drop(tasks);
            for (i, (params, _)) in received.iter().enumerate() {
                let mut tb = vec![0; users[i].1.len()];
                let found = soft_together[i].finish(&Segmentation::new(params).unwrap(), &mut tb).unwrap();
                assert_eq!((&found, &tb), (&expected[i], &tbs[i]), "{isa:?}, user {i}, rv {rv}");
                passed += u32::from(found.crc_ok);
                failed += u32::from(!found.crc_ok);
            }
        }
        assert!(passed > 5 && failed > 2, "{passed} passed, {failed} failed");
    }
}
