//! Coded bits against independent models; origins in vectors/fec.manifest.toml.

mod common;

use common::{certain, unpack};
use fec::polar::{PolarCodec, PolarParams};
use fec::sch::{Cbgs, SchDecoder, SchEncoder, SchParams, Segmentation, SoftBuffer};
use fec::{Crc, Isa, dci, pbch, uci};

fn lines(file: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    file.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_whitespace().collect())
}

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn from_text(bits: &str) -> Vec<u8> {
    bits.bytes().map(|b| b - b'0').collect()
}

fn check_sch(file: &'static str) {
    let mut encoder = SchEncoder::new(Isa::best());
    let mut decoder = SchDecoder::new(Isa::best());
    let mut soft = SoftBuffer::new(50_000);
    let mut n = 0;
    for fields in lines(file) {
        let number = |i: usize| fields[i].parse::<u32>().unwrap();
        let params = SchParams {
            tbs_bits: number(0),
            code_rate_x1024: number(1) as f32,
            q_m: number(2) as u8,
            n_layers: number(3) as u8,
            rv: number(4) as u8,
            g: number(5),
            tbs_lbrm: fields[6].parse().ok(),
        };
        let (tb, coded) = (from_hex(fields[7]), from_hex(fields[8]));
        let mut found = vec![0; coded.len()];
        encoder.encode(&params, &tb, &mut found).unwrap();
        assert!(found == coded, "{params:?}");
        if params.rv == 0 {
            let mut back = vec![0; tb.len()];
            let llrs = certain(&unpack(&coded, params.g as usize));
            let result = decoder.decode(&params, &llrs, &mut soft, true, 10, &mut back).unwrap();
            assert!(result.crc_ok && back == tb, "{params:?}");
        }
        n += 1;
    }
    assert!(n >= 16);
}

#[test] // Spec: TS 38.212 §6.2, §7.2; vectors/fec.manifest.toml (Sionna 1.2)
fn transport_blocks_equal_sionna() {
    check_sch(include_str!("../../../vectors/fec_sch_sionna.txt"));
}

#[test] // Spec: TS 38.212 §5.4.2; vectors/fec.manifest.toml (second derivation, py3gpp 0.6)
fn transport_blocks_equal_the_second_derivation() {
    check_sch(include_str!("../../../vectors/fec_sch_clause.txt"));
}

#[test] // Spec: TS 38.212 §5.4.2.1; TS 38.214 §5.1.7, §6.1.5; vectors/fec.manifest.toml (second derivation)
fn code_block_groups_equal_the_second_derivation() {
    let mut encoder = SchEncoder::new(Isa::best());
    let mut decoder = SchDecoder::new(Isa::best());
    let mut soft = SoftBuffer::new(60_000);
    let list = |field: &str| field.split(',').map(|x| x.parse().unwrap()).collect::<Vec<usize>>();
    let lines: Vec<_> = lines(include_str!("../../../vectors/fec_cbg.txt")).collect();
    assert_eq!(lines.len(), 12);
    // The whole transport block first, then some of its groups.
    for pair in lines.chunks_exact(2) {
        let mut missing = 0;
        for (i, fields) in pair.iter().enumerate() {
            let number = |i: usize| fields[i].parse::<u32>().unwrap();
            let params = SchParams {
                tbs_bits: number(0),
                code_rate_x1024: number(1) as f32,
                q_m: number(2) as u8,
                n_layers: number(3) as u8,
                rv: number(4) as u8,
                g: number(5),
                tbs_lbrm: fields[6].parse().ok(),
            };
            let field = u8::from_str_radix(fields[8], 2).unwrap();
            let cbgs = Cbgs::from_cbgti(number(7) as u8, field, true);
            let (groups, e) = (list(fields[9]), list(fields[10]));
            let (tb, coded) = (from_hex(fields[11]), from_hex(fields[12]));
            let plan = Segmentation::with_cbgs(&params, cbgs).unwrap();
            assert_eq!((0..plan.n_blocks).map(|b| plan.e(b)).collect::<Vec<_>>(), e, "{params:?}");
            let mut found = vec![0; coded.len()];
            encoder.encode_cbgs(&params, cbgs, &tb, &mut found).unwrap();
            assert!(found == coded, "{params:?} {cbgs:?}");
            // Of the first transmission what the second one repeats is lost.
            let mut llrs = certain(&unpack(&coded, params.g as usize));
            let again = u8::from_str_radix(pair[1][8], 2).unwrap().reverse_bits() >> (8 - number(7));
            let (mut at, n_groups) = (0, groups[groups.len() - 1] + 1);
            for (group, e) in groups.iter().zip(&e) {
                if i == 0 && again >> group & 1 == 1 {
                    llrs[at..at + e].fill(0);
                    missing |= 1 << group;
                }
                at += e;
            }
            let mut back = vec![0; tb.len()];
            let result = decoder.decode_cbgs(&params, cbgs, &llrs, &mut soft, i == 0, 10, &mut back).unwrap();
            let all = ((1u16 << n_groups) - 1) as u8;
            assert_eq!(result.cbg_acks, if i == 0 { all & !missing } else { all }, "{params:?}");
            assert_eq!((result.crc_ok, back == tb), (i == 1, i == 1), "{params:?}");
        }
    }
}

#[test] // Spec: TS 38.212 §5.3.1, §5.4.1; vectors/fec.manifest.toml (Sionna 1.2)
fn polar_codes_equal_sionna() {
    let mut codec = PolarCodec::new(8);
    let mut n = 0;
    for fields in lines(include_str!("../../../vectors/fec_polar_sionna.txt")) {
        let (uplink, e) = (fields[0] == "uplink", fields[2].parse::<usize>().unwrap());
        let (mut bits, coded) = (from_text(fields[3]), from_text(fields[4]));
        let crc = if uplink { Crc::Crc11 } else { Crc::Crc24C };
        let (a, parity) = (bits.len(), crc.of_bits(&bits));
        bits.resize(a + crc.len(), 0);
        crc.write_bits(parity, &mut bits[a..]);
        let mut found = vec![0; e];
        let params = PolarParams { k: bits.len(), e, uplink };
        codec.encode(params, &bits, &mut found).unwrap();
        assert_eq!(found, coded, "{} {a} {e}", fields[0]);
        n += 1;
    }
    assert!(n >= 20);
}

#[test] // Spec: TS 38.212 §6.3.1, §7.1, §7.3; vectors/fec.manifest.toml (second derivation)
fn control_equals_the_second_derivation() {
    let mut codec = PolarCodec::new(8);
    let mut n = 0;
    for fields in lines(include_str!("../../../vectors/fec_control_clause.txt")) {
        let (payload, coded) = (from_text(fields[4]), from_text(fields[5]));
        let mut found = vec![0; coded.len()];
        match fields[0] {
            "uci" => uci::encode(&mut codec, &payload, 2, &mut found).unwrap(),
            "dci" => dci::encode(&mut codec, &payload, fields[3].parse().unwrap(), &mut found).unwrap(),
            _ => found.copy_from_slice(&pbch::encode(&mut codec, payload[..].try_into().unwrap()).unwrap()),
        }
        assert_eq!(found, coded, "{:?}", &fields[..4]);
        n += 1;
    }
    assert!(n > 120);
}
