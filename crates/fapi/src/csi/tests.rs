//! Codebooks against an independent model, reports there and back.

use super::*;

#[test] // Spec: TS 38.214 §5.2.2.2.1 tables 5.2.2.2.1-1 to -8; vectors: vectors/csi_codebook.txt (numpy, Kronecker products)
fn precoders_equal_the_independent_model() {
    for line in include_str!("../../../../vectors/csi_codebook.txt").lines() {
        let f: Vec<&str> = line.split(' ').collect();
        let n = |i: usize| f[i].parse::<u32>().unwrap();
        let codebook = match n(0) as u8 {
            0 => Codebook::TwoPorts,
            n1 => Codebook::SinglePanel { n1, n2: n(1) as u8, mode: n(2) as u8 },
        };
        let rank = n(3) as u8;
        let r = codebook.range(rank).unwrap();
        assert_eq!([r.i11, r.i12, r.i13, r.i2].map(u32::from).iter().product::<u32>(), n(4), "{line}");
        let pmi = Pmi { i11: n(5) as u8, i12: n(6) as u8, i13: n(7) as u8, i2: n(8) as u8 };
        for (i, z) in f[9..].iter().enumerate() {
            let (re, im) = z.split_once(',').unwrap();
            let (re, im): (f32, f32) = (re.parse().unwrap(), im.parse().unwrap());
            let got = codebook.weight(rank, &pmi, i as u8 / rank, i as u8 % rank).unwrap();
            assert!((got.0 - re).abs() < 2e-5 && (got.1 - im).abs() < 2e-5, "{} {i}: {got:?}", &line[..24]);
        }
        assert!(codebook.weight(rank, &Pmi { i2: r.i2, ..pmi }, 0, 0).is_none());
    }
}

fn content(codebook: Codebook, ranks: u8) -> CsiContent {
    let quantity = CsiQuantity::Pmi { li: true };
    CsiContent { quantity, codebook, ranks, n_resources: 1, cqi_subbands: 0, pmi_subbands: 0 }
}

#[test] // Spec: TS 38.212 §6.3.1.1.2 tables 6.3.1.1.2-1, -3, -7
fn wideband_reports_have_one_length() {
    // Four ports, ranks 1 to 4: RI 2; rank 1: 3 + 2; rank 2: LI 1, 3 + 1 + 1; rank 3: LI 2, 3 + 1; CQI 4.
    let c = content(Codebook::SinglePanel { n1: 2, n2: 1, mode: 1 }, 0b1111);
    assert_eq!((c.check(), c.pucch_bits(), c.part1_bits()), (Ok(()), 2 + 6 + 4, 6));
    assert_eq!([1, 2, 3, 4].map(|r| c.part2_bits(r)), [5, 6, 6, 6]);
    assert_eq!(c.part2_sizes().sizes[..4], [5, 6, 6, 6]);
    let v = CsiValues { rank: 1, pmi: Pmi { i11: 5, i12: 0, i13: 0, i2: 2 }, cqi: 9, ..CsiValues::default() };
    // RI 00, one bit of padding, i_1,1 101, i_2 10, CQI 1001.
    assert_eq!(c.encode_pucch(&v).unwrap().as_slice(), [0, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1]);
    // Eight ports of 2 x 2: i_1,1 and i_1,2 three bits each; rank 2: i_1,3 two, i_2 one.
    let c = CsiContent {
        quantity: CsiQuantity::Pmi { li: false },
        ..content(Codebook::SinglePanel { n1: 2, n2: 2, mode: 1 }, 0b11)
    };
    assert_eq!((c.ri_bits(), c.part2_bits(1), c.part2_bits(2), c.pucch_bits()), (1, 8, 9, 1 + 9 + 4));
    assert_eq!(CsiContent::CQI.pucch_bits(), 4);
    assert!(content(Codebook::SinglePanel { n1: 5, n2: 1, mode: 1 }, 1).check().is_err());
    assert!(content(Codebook::SinglePanel { n1: 4, n2: 2, mode: 1 }, 0b100).check().is_err());
    assert!(content(Codebook::TwoPorts, 0b100).check().is_err());
}

#[test] // Spec: TS 38.212 §6.3.1.1.2, §6.3.2.1.2
fn reports_round_trip_and_nonsense_is_refused() {
    let panels = [(2, 1, 1), (2, 1, 2), (2, 2, 1), (4, 1, 2), (4, 2, 1)];
    for (n1, n2, mode) in panels {
        let codebook = Codebook::SinglePanel { n1, n2, mode };
        let ranks = if codebook.n_ports() >= 16 { 0b11 } else { 0b1011 };
        for (subbands, rank) in [(0, 1u8), (0, 2), (5, 2), (9, 1)] {
            let c = CsiContent {
                cqi_subbands: subbands,
                pmi_subbands: subbands,
                n_resources: 3,
                ..content(codebook, ranks)
            };
            let r = codebook.range(rank).unwrap();
            let pmi =
                Pmi { i11: r.i11 - 1, i12: r.i12 / 2, i13: r.i13 - 1, i2: if subbands == 0 { r.i2 - 1 } else { 0 } };
            let mut v = CsiValues { cri: [2, 0, 0, 0], rank, li: rank - 1, pmi, cqi: 11, ..CsiValues::default() };
            for i in 0..usize::from(subbands) {
                (v.i2[i], v.cqi_difference[i]) = (i as u8 % r.i2, i as u8 % 4);
            }
            let (one, two) = c.encode_pusch(&v).unwrap();
            let sizes = c.part2_sizes();
            assert_eq!(usize::from(sizes.n_csi2(one.as_slice())), two.as_slice().len());
            let mut back = c.decode_part1(one.as_slice()).unwrap();
            c.decode_part2(two.as_slice(), &mut back).unwrap();
            assert_eq!(back, v);
            if subbands == 0 {
                assert_eq!(c.decode_pucch(c.encode_pucch(&v).unwrap().as_slice()), Ok(v));
            }
            assert!(c.decode_part1(&one.as_slice()[1..]).is_err());
        }
    }
    // Three ranks in two bits: the fourth value is nothing; a rank that is not allowed cannot be sent.
    let c = content(Codebook::SinglePanel { n1: 2, n2: 1, mode: 1 }, 0b0111);
    let mut bits = c.encode_pucch(&CsiValues { rank: 1, ..CsiValues::default() }).unwrap().as_slice().to_vec();
    (bits[0], bits[1]) = (1, 1);
    assert_eq!(c.decode_pucch(&bits), Err(CsiError::Value("the rank")));
    assert!(c.encode_pucch(&CsiValues { rank: 4, ..CsiValues::default() }).is_err());
}

#[test] // Spec: TS 38.133 §10.1.6, TS 38.212 table 6.3.1.1.2-8, TS 38.214 §5.2.1.4.3
fn rsrp_reports() {
    assert_eq!([-150.0, -140.0, -139.5, -100.2, -44.0, 3.0].map(rsrp_report), [16, 17, 17, 56, 113, 113]);
    assert_eq!([-80.0, -81.9, -82.0, -200.0].map(|x| rsrp_difference(-80.0, x)), [0, 0, 1, 15]);
    assert_eq!((rsrp_dbm(17, 0), rsrp_dbm(77, 3), rsrp_report(f32::NAN)), (-140, -86, 16));
    let c = CsiContent { quantity: CsiQuantity::Rsrp { n: 3 }, n_resources: 8, ..CsiContent::CQI };
    let v = CsiValues { cri: [5, 1, 7, 0], rsrp: [90, 2, 15, 0], ..CsiValues::default() };
    let bits = c.encode_pucch(&v).unwrap();
    assert_eq!(bits.as_slice().len(), 9 + 7 + 8);
    assert_eq!(c.decode_pucch(bits.as_slice()), Ok(v));
    assert_eq!([cqi_difference(7, 7), cqi_difference(7, 8), cqi_difference(7, 12), cqi_difference(7, 2)], [0, 1, 2, 3]);
}
