use super::*;
use nr::{LcId, Rnti};

fn lc(n: u8) -> LcId {
    LcId::new(n).unwrap()
}

#[test] // Spec: TS 38.321 §6.1.3.1 (tables 6.1.3.1-1 and 6.1.3.1-2 follow B_k = ceil(B_min r^k), the second without its repeated 13)
fn buffer_size_levels_are_geometric_as_in_the_tables() {
    let series = |max: f64, n: i32| {
        (0..n).map(move |k| (10.0 * (max / 10.0).powf(k as f64 / (n - 1) as f64) - 1e-6).ceil() as u32)
    };
    let mut short: Vec<u32> = series(150_000.0, 30).collect();
    short.insert(0, 0);
    assert_eq!(short, bsr::SHORT_LEVELS);
    let mut long: Vec<u32> = series(81_338_368.0, 254).collect();
    long.insert(0, 0);
    long.dedup();
    assert_eq!(long, bsr::LONG_LEVELS);
    // Rows as printed.
    assert_eq!((bsr::short_level(10), bsr::short_level(11), bsr::short_level(150_001)), (1, 2, 31));
    assert_eq!(
        (bsr::long_level(0), bsr::long_level(14), bsr::long_level(81_338_368), bsr::long_level(81_338_369)),
        (0, 5, 253, 254)
    );
    for l in 0..=253u8 {
        assert_eq!(bsr::long_level(bsr::long_bytes(l).into()), l);
    }
    for l in 0..=30u8 {
        assert_eq!(bsr::short_level(bsr::short_bytes(l).into()), l);
    }
}

#[test] // Spec: TS 38.321 §6.1.2 (figures 6.1.2-1 to 6.1.2-4)
fn subheaders_have_the_printed_bits() {
    let mut block = [0xaa; 400];
    let mut b = PduBuilder::new(&mut block);
    assert!(b.contention_resolution(&[1, 2, 3, 4, 5, 6]));
    assert!(b.timing_advance(1, 31));
    assert!(b.sdu(0, &[0xcc]));
    assert!(b.sdu(4, &[9; 300]));
    assert_eq!(b.finish(), 7 + 2 + 3 + 303);
    assert_eq!(&block[..14], &[62, 1, 2, 3, 4, 5, 6, 61, 0x5f, 0, 1, 0xcc, 0x44, 1]);
    assert_eq!(block[14], 300u16 as u8);
    assert_eq!(block[315], 63);
    assert!(block[316..].iter().all(|x| *x == 0));
    let subs: Vec<_> = DlReader::new(&block).map(Result::unwrap).collect();
    assert_eq!(
        subs,
        [
            DlSubPdu::ContentionResolution([1, 2, 3, 4, 5, 6]),
            DlSubPdu::TimingAdvance { tag: 1, command: 31 },
            DlSubPdu::Ccch(&[0xcc]),
            DlSubPdu::Sdu { lcid: lc(4), data: &[9; 300] },
            DlSubPdu::Padding(84),
        ]
    );
}

#[test] // Spec: TS 38.321 §6.1.2 (every size of block and SDU leaves a block that reads back)
fn every_length_fits_its_subheader() {
    for room in [1usize, 2, 3, 4, 255, 256, 257, 258, 259, 260, 600] {
        for n in [1usize, 2, 253, 254, 255, 256, 257, 500] {
            let mut block = vec![0x55; room];
            let sdu: Vec<u8> = (0..n).map(|i| i as u8).collect();
            let mut b = PduBuilder::new(&mut block);
            let fits = b.sdu(5, &sdu);
            assert!(fits || sdu_len_with_header(n) >= room.min(258), "{room} {n}");
            b.finish();
            let subs: Vec<_> = DlReader::new(&block).map(Result::unwrap).collect();
            assert_eq!(fits, subs.contains(&DlSubPdu::Sdu { lcid: lc(5), data: &sdu }));
        }
    }
}

#[test] // Spec: TS 38.321 §6.1.3.1, §6.1.3.2, §6.1.3.8, table 6.2.1-2
fn uplink_control_elements_have_the_printed_bits() {
    let mut block = [0; 64];
    let mut b = PduBuilder::new(&mut block);
    assert!(b.ul_ccch(&[1, 2, 3, 4, 5, 6]));
    assert!(!b.ul_ccch(&[0; 7]));
    assert!(b.c_rnti(Rnti(0x4601)));
    assert!(b.bsr(&Bsr::Short { lcg: 5, level: 17, truncated: false }));
    assert!(b.bsr(&Bsr::Long { levels: [0, 7, 0, 0, 0, 0, 0, 254] }));
    assert!(b.bsr(&Bsr::LongTruncated { bitmap: 0x83, levels: [9, 0, 0, 0, 0, 0, 0, 0], n_levels: 1 }));
    assert!(b.phr(Phr { ph: 40, p_cmax: 53 }));
    let used = b.finish();
    #[rustfmt::skip]
    assert_eq!(&block[..used], &[52, 1, 2, 3, 4, 5, 6, 58, 0x46, 0x01, 61, 5 << 5 | 17, 62, 3, 0x82, 7, 254, 60, 2, 0x83, 9, 57, 40, 53]);
    let subs: Vec<_> = UlReader::new(&block).map(Result::unwrap).collect();
    assert_eq!(subs[1], UlSubPdu::CRnti(Rnti(0x4601)));
    let UlSubPdu::Bsr(long) = subs[3] else { panic!() };
    assert_eq!((long.bytes(1), long.bytes(7), long.bytes(0)), (Some(16), Some(162_676_736), Some(0)));
    let UlSubPdu::Bsr(cut) = subs[4] else { panic!() };
    assert_eq!((cut.bytes(0), cut.bytes(2)), (Some(18), Some(0)));
}

#[test] // Spec: TS 38.321 §5.13
fn a_reserved_lcid_discards_the_rest_only() {
    let block = [1, 1, 0xee, 40, 1, 1, 0xdd];
    let subs: Vec<_> = DlReader::new(&block).collect();
    assert_eq!(subs, [Ok(DlSubPdu::Sdu { lcid: lc(1), data: &[0xee] }), Err(PduError::Unsupported { lcid: 40 })]);
    let cut: Vec<_> = UlReader::new(&[4, 9, 1]).collect();
    assert_eq!(cut, [Err(PduError::Truncated { lcid: 4 })]);
    let bad: Vec<_> = UlReader::new(&[62, 2, 0xff, 1, 63]).collect();
    assert_eq!(bad, [Err(PduError::Malformed { lcid: 62 })]);
}

#[test] // Spec: TS 38.321 §6.1.5, §6.2.3
fn random_access_response_has_the_printed_bits() {
    let rar = Rar { timing_advance: 0xabc, ul_grant: 0x5_a5a5a5, temporary_c_rnti: Rnti(0x4601) };
    let mut pdu = Vec::new();
    rar::encode_rar_pdu(Some(7), &[(12, rar), (63, rar)], &mut pdu);
    assert_eq!(pdu.len(), rar::rar_pdu_len(true, 2));
    assert_eq!(pdu[..2], [0x87, 0xc0 | 12]);
    // R | TA 12 | grant 27 | TC-RNTI 16
    let bits: String = pdu[2..9].iter().map(|b| format!("{b:08b}")).collect();
    assert_eq!(bits, format!("0{:012b}{:027b}{:016b}", 0xabc, 0x5_a5a5a5, 0x4601));
    assert_eq!(pdu[9], 0x40 | 63);
    pdu.resize(40, 0);
    let got: Vec<_> = RarReader::new(&pdu, 0).collect();
    assert_eq!(
        got,
        [RarSubPdu::Backoff(7), RarSubPdu::Response { rapid: 12, rar }, RarSubPdu::Response { rapid: 63, rar }]
    );
    assert_eq!(RarReader::new(&[0x40 | 5], 1 << 5).next(), Some(RarSubPdu::Acknowledged { rapid: 5 }));
    assert_eq!(RarReader::new(&[0x40 | 5, 0, 0], 0).next(), None);
    assert_eq!(rar::backoff(13), nr::Tc::from_ms(1920));
}

#[test] // Spec: TS 38.133 §10.1.17.1, §10.1.18.1
fn headroom_scale_has_one_and_two_decibel_steps() {
    for (db, level) in [
        (-40.0, 0),
        (-32.5, 0),
        (-32.0, 1),
        (0.0, 33),
        (21.9, 54),
        (22.0, 55),
        (24.0, 56),
        (37.9, 62),
        (38.0, 63),
        (99.0, 63),
    ] {
        assert_eq!(Phr::from_db(db, 0.0).ph, level, "{db}");
    }
    for (dbm, level) in [(-30.0, 0), (-29.0, 1), (23.0, 53), (32.9, 62), (33.0, 63)] {
        assert_eq!(Phr::from_db(0.0, dbm).p_cmax, level, "{dbm}");
    }
    assert_eq!((Phr { ph: 33, p_cmax: 53 }.ph_db(), Phr { ph: 33, p_cmax: 53 }.p_cmax_dbm()), (0, 23));
    assert_eq!(Phr { ph: 63, p_cmax: 0 }.ph_db(), 38);
    assert_eq!(Phr::from_db(f32::NAN, f32::NAN), Phr { ph: 0, p_cmax: 0 });
}

#[test] // Spec: TS 38.321 §5.13 (whatever the bytes, no panic)
fn random_and_mutated_bytes_never_panic() {
    let mut rng = node::Rng::from_lab_seed(1);
    for _ in 0..20_000 {
        let mut data = vec![0; rng.below(80) as usize];
        rng.fill(&mut data);
        if let Some(first) = data.first_mut().filter(|_| rng.below(2) == 0) {
            *first = 56 + rng.below(8) as u8;
        }
        fuzz_one(&data);
    }
}
