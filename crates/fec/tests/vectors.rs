//! Coded bits against independent models; origins in vectors/fec.manifest.toml.

mod common;

use common::{certain, unpack};
use fec::polar::{PolarCodec, PolarParams};
use fec::sch::{SchDecoder, SchEncoder, SchParams, SoftBuffer};
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
