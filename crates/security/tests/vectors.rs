//! Published test sets, and keys by another's hand: vectors/security_published.txt, vectors/security_keys.txt.

use std::collections::BTreeMap;

use oxirush_security as library;
use security::{AuthenticationSubscription, Direction, NeaAlg, NiaAlg, Scheme, kdf, suci};

const PUBLISHED: &str = include_str!("../../../vectors/security_published.txt");
const KEYS: &str = include_str!("../../../vectors/security_keys.txt");

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

fn rows(kind: &str) -> Vec<Vec<&'static str>> {
    let rows: Vec<Vec<_>> = PUBLISHED.lines().map(|line| line.split(' ').collect()).collect();
    let rows: Vec<_> = rows.into_iter().filter(|row: &Vec<&str>| row[0] == kind).collect();
    assert!(!rows.is_empty());
    rows
}

#[test] // Spec: TS 35.206 §4.1; vectors: TS 35.208 §4.3
fn milenage_has_the_published_values() {
    for r in rows("milenage") {
        let (k, rand, amf) = (array(r[1]), array(r[2]), u16::from_be_bytes(array(r[4])));
        let sqn = u64::from_str_radix(r[3], 16).unwrap();
        assert_eq!(security::aka::milenage_opc(&k, &array(r[5])), array(r[6]));
        let f = AuthenticationSubscription::milenage_op(&k, &array(r[5]));
        assert_eq!(f.f1(&rand, sqn, amf), array(r[7]));
        assert_eq!(f.f1_star(&rand, sqn, amf), array(r[8]));
        assert_eq!(f.f2345(&rand), (array(r[9]), array(r[11]), array(r[12]), array(r[10])));
        assert_eq!(f.f5_star(&rand), array(r[13]));
    }
}

fn nea_alg(id: &str) -> NeaAlg {
    NeaAlg::new(id.parse().unwrap()).unwrap()
}

#[test] // Spec: TS 33.501 §D.2; vectors: TS 33.401 §C.1, TS 35.217, TS 35.218, TS 35.223 (whole octets of each set)
fn nea_has_the_published_values() {
    let mut algorithms = [0; 4];
    for r in rows("nea") {
        let (alg, key, bits) = (nea_alg(r[1]), array(r[2]), r[6].parse::<usize>().unwrap());
        let direction = if r[5] == "0" { Direction::Uplink } else { Direction::Downlink };
        let (mut data, expected) = (hex(r[7]), hex(r[8]));
        security::nea(alg, &key, u32::from_str_radix(r[3], 16).unwrap(), r[4].parse().unwrap(), direction, &mut data);
        assert_eq!(data[..bits / 8], expected[..bits / 8], "{r:?}");
        if bits % 8 != 0 {
            let mask = 0xff << (8 - bits % 8);
            assert_eq!(data[bits / 8] & mask, expected[bits / 8] & mask, "{r:?}");
        }
        algorithms[alg.id() as usize] += 1;
    }
    assert!(algorithms[1..].iter().all(|n| *n >= 5), "{algorithms:?}");
}

#[test] // Spec: TS 33.501 §D.3; vectors: TS 33.401 §C.2, §C.4, TS 35.217, TS 35.223
fn nia_has_the_published_values() {
    let mut whole = [0; 4];
    for r in rows("nia") {
        let (id, key, bits) = (r[1].parse::<u8>().unwrap(), array::<16>(r[2]), r[6].parse::<usize>().unwrap());
        let (count, bearer) = (u32::from_str_radix(r[3], 16).unwrap(), r[4].parse::<u8>().unwrap());
        let (message, expected) = (hex(r[7]), array::<4>(r[8]));
        // The sets of whole octets through the face; those of bits through the library behind it.
        if bits % 8 == 0 {
            let direction = if r[5] == "0" { Direction::Uplink } else { Direction::Downlink };
            let mac = security::nia(NiaAlg::new(id).unwrap(), &key, count, bearer, direction, &message);
            assert_eq!(mac, expected, "{r:?}");
            whole[id as usize] += 1;
        }
        let algorithm =
            [library::IntegrityAlgorithm::NIA1, library::IntegrityAlgorithm::NIA2, library::IntegrityAlgorithm::NIA3];
        let direction = library::Direction::try_from(r[5].parse::<u8>().unwrap()).unwrap();
        let key = library::nas_5gs::KNasInt::new(&key);
        let bearer = library::Bearer::new(bearer).unwrap();
        let mac =
            library::nia_mac_bits(&key, count, bearer, direction, &message, bits as u64, algorithm[id as usize - 1]);
        assert_eq!(mac.unwrap().to_be_bytes(), expected, "{r:?}");
    }
    assert!(whole[1] >= 1 && whole[2] >= 1, "{whole:?}");
}

#[test] // Spec: TS 33.501 §D.3 (the face gives what the library gives for the same bits, NIA3 too)
fn the_face_hands_on_every_input() {
    let key = [7; 16];
    for (alg, theirs) in [
        (NiaAlg::Nia1, library::IntegrityAlgorithm::NIA1),
        (NiaAlg::Nia2, library::IntegrityAlgorithm::NIA2),
        (NiaAlg::Nia3, library::IntegrityAlgorithm::NIA3),
    ] {
        let message: Vec<u8> = (0..45).collect();
        let library_key = library::nas_5gs::KNasInt::new(&key);
        let bearer = library::Bearer::new(13).unwrap();
        let expected =
            library::nia_mac_bits(&library_key, 99, bearer, library::Direction::Downlink, &message, 360, theirs)
                .unwrap();
        let mac = security::nia(alg, &key, 99, 13, Direction::Downlink, &message);
        assert_eq!(mac, expected.to_be_bytes());
        assert_ne!(security::nia(alg, &key, 98, 13, Direction::Downlink, &message), mac);
        assert_ne!(security::nia(alg, &key, 99, 12, Direction::Downlink, &message), mac);
        assert_ne!(security::nia(alg, &key, 99, 13, Direction::Uplink, &message), mac);
    }
    assert_eq!(security::nia(NiaAlg::Nia0, &key, 1, 1, Direction::Uplink, b"x"), [0; 4]);
    let mut clear = *b"clear";
    security::nea(NeaAlg::Nea0, &key, 1, 1, Direction::Uplink, &mut clear);
    assert_eq!(&clear, b"clear");
}

#[test] // Spec: TS 33.501 §C.3; vectors: TS 33.501 §C.4.3, §C.4.4
fn suci_has_the_published_values() {
    for r in rows("suci") {
        let scheme = Scheme::new(r[1].parse().unwrap()).unwrap();
        let (private, public, ephemeral) = (array(r[2]), hex(r[3]), array(r[4]));
        let (input, output) = (hex(r[7]), [hex(r[5]), hex(r[8]), hex(r[9])].concat());
        assert_eq!(suci::conceal(scheme, &public, &ephemeral, &input), Ok(output.clone()));
        assert_eq!(suci::deconceal(scheme, &private, &output), Ok(input));
        let own = suci::public_key(scheme, &private).unwrap();
        assert_eq!(own[own.len() - 32..], public[public.len() % 32..][..32]);
        for at in [0, 5, output.len() - 9, output.len() - 1] {
            let mut changed = output.clone();
            changed[at] ^= 4;
            assert!(suci::deconceal(scheme, &private, &changed).is_err());
        }
        for len in 0..output.len() {
            assert!(suci::deconceal(scheme, &private, &output[..len]).is_err());
        }
    }
}

#[test] // Spec: TS 24.501 §9.11.3.4 (MSIN in BCD)
fn msin_and_bcd_are_each_others_inverse() {
    assert_eq!(suci::msin_to_bcd("001002086"), Ok(vec![0x00, 0x01, 0x20, 0x80, 0xf6]));
    assert_eq!(suci::bcd_to_msin(&[0x00, 0x01, 0x20, 0x80, 0xf6]).as_deref(), Ok("001002086"));
    assert!(suci::bcd_to_msin(&[0xf1, 0x11]).is_err());
    assert!(suci::bcd_to_msin(&[0x1a]).is_err());
    assert!(suci::bcd_to_msin(&[]).is_err());
    assert!(suci::msin_to_bcd("12a").is_err());
}

#[test] // Spec: TS 33.501 §A.2 to §A.11, TS 33.102 §6.3; vectors: vectors/security_keys.txt
fn every_key_is_what_another_derivation_gives() {
    let mut chains = 0;
    for line in KEYS.lines().filter(|line| !line.starts_with('#')) {
        let row: BTreeMap<&str, &str> = line.split(' ').map(|pair| pair.split_once('=').unwrap()).collect();
        let f = AuthenticationSubscription::milenage_opc(&array(row["k"]), &array(row["opc"]));
        let (rand, sqn) = (array(row["rand"]), u64::from_str_radix(row["sqn"], 16).unwrap());
        let v = f.vector(&rand, sqn, u16::from_be_bytes(array(row["amf"])));
        assert_eq!(v.autn, array(row["autn"]));
        let usim = f.check_autn(&rand, &v.autn).unwrap();
        assert_eq!((usim.sqn, usim.amf_field, usim.res), (sqn, 0x8000, v.xres));
        let auts = f.auts(&rand, sqn);
        assert_eq!(auts, array(row["auts"]));
        assert_eq!(f.check_auts(&rand, &auts), Ok(sqn));
        let network = kdf::serving_network_name(row["mcc"], row["mnc"]);
        let res_star = kdf::res_star(&v.ck, &v.ik, &network, &rand, &v.xres);
        assert_eq!(res_star, array(row["res_star"]));
        assert_eq!(kdf::hres_star(&rand, &res_star), array(row["hres_star"]));
        let k_ausf = kdf::k_ausf(&v.ck, &v.ik, &network, v.autn.first_chunk().unwrap());
        assert_eq!(k_ausf, array(row["k_ausf"]));
        let k_seaf = kdf::k_seaf(&k_ausf, &network);
        assert_eq!(k_seaf, array(row["k_seaf"]));
        let k_amf = kdf::k_amf(&k_seaf, row["supi"], &[0, 0]);
        assert_eq!(k_amf, array(row["k_amf"]));
        let k_gnb = kdf::k_gnb(&k_amf, u32::from_be_bytes(array(row["count"])));
        assert_eq!(k_gnb, array(row["k_gnb"]));
        assert_eq!(kdf::nh(&k_amf, &k_gnb), array(row["nh"]));
        let [a, b, c] = array(row["arfcn"]);
        let target =
            kdf::k_ng_ran_star(&k_gnb, u16::from_be_bytes(array(row["pci"])), u32::from_be_bytes([0, a, b, c]));
        assert_eq!(target, array(row["k_ng_ran_star"]));
        for id in 0..4 {
            let (nea, nia) = (NeaAlg::new(id).unwrap(), NiaAlg::new(id).unwrap());
            assert_eq!(kdf::k_nas_enc(&k_amf, nea), array(row[format!("nas_enc_{id}").as_str()]));
            assert_eq!(kdf::k_nas_int(&k_amf, nia), array(row[format!("nas_int_{id}").as_str()]));
            assert_eq!(kdf::k_rrc_enc(&k_gnb, nea), array(row[format!("rrc_enc_{id}").as_str()]));
            assert_eq!(kdf::k_rrc_int(&k_gnb, nia), array(row[format!("rrc_int_{id}").as_str()]));
            assert_eq!(kdf::k_up_enc(&k_gnb, nea), array(row[format!("up_enc_{id}").as_str()]));
            assert_eq!(kdf::k_up_int(&k_gnb, nia), array(row[format!("up_int_{id}").as_str()]));
        }
        chains += 1;
    }
    assert_eq!(chains, 3);
}

#[test] // Spec: TS 33.102 §6.3.3, §6.3.5 (a challenge or AUTS of another key is refused), §C.2 (freshness)
fn wrong_codes_and_old_numbers_are_refused() {
    let (ours, other) = ([1; 16], [2; 16]);
    let f = AuthenticationSubscription::milenage_opc(&ours, &ours);
    let g = AuthenticationSubscription::milenage_opc(&other, &ours);
    let v = f.vector(&[3; 16], 77, 0x8000);
    assert!(g.check_autn(&v.rand, &v.autn).is_err());
    assert!(g.check_auts(&v.rand, &f.auts(&v.rand, 5)).is_err());
    use security::aka::{SQN_DELTA_MAX, sqn_is_fresh};
    assert!(sqn_is_fresh(64, 32, SQN_DELTA_MAX));
    assert!(!sqn_is_fresh(63, 32, SQN_DELTA_MAX) && !sqn_is_fresh(32, 32, SQN_DELTA_MAX));
    assert!(!sqn_is_fresh(1 << 40, 32, SQN_DELTA_MAX));
}
