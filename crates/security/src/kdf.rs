//! The key hierarchy of 5GS. Spec: TS 33.501 annex A, TS 33.220 annex B
//!
//! | in the specification | here         | FC     | from          |
//! |----------------------|--------------|--------|---------------|
//! | K_AUSF               | `k_ausf`     | 0x6A   | CK \|\| IK    |
//! | RES*, XRES*          | `res_star`   | 0x6B   | CK \|\| IK    |
//! | K_SEAF               | `k_seaf`     | 0x6C   | K_AUSF        |
//! | K_AMF                | `k_amf`      | 0x6D   | K_SEAF        |
//! | K_gNB                | `k_gnb`      | 0x6E   | K_AMF         |
//! | NH                   | `nh`         | 0x6F   | K_AMF         |
//! | K_NG-RAN*            | `k_ng_ran_star` | 0x70 | K_gNB or NH  |
//! | K_NASenc, K_RRCint ... | `algorithm_key` | 0x69 | K_AMF, K_gNB |

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A key of 256 bits.
pub type Key256 = [u8; 32];
/// A key of 128 bits.
pub type Key128 = [u8; 16];

/// The generic key derivation: HMAC-SHA-256 of FC and the parameters with their lengths.
///
/// Spec: TS 33.220 §B.2.0. A parameter is shorter than 65536 bytes.
pub fn kdf(key: &[u8], fc: u8, parameters: &[&[u8]]) -> Key256 {
    let mut mac = hmac(key);
    mac.update(&[fc]);
    for parameter in parameters {
        mac.update(parameter);
        mac.update(&(parameter.len() as u16).to_be_bytes());
    }
    mac.finalize().into_bytes().into()
}

pub(crate) fn hmac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of every length, so the error cannot occur; an empty key stands for it rather than a panic.
    Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()))
}

fn ck_ik(ck: &Key128, ik: &Key128) -> Key256 {
    let mut key = [0; 32];
    key[..16].copy_from_slice(ck);
    key[16..].copy_from_slice(ik);
    key
}

fn low_128(key: Key256) -> Key128 {
    let mut low = [0; 16];
    low.copy_from_slice(&key[16..]);
    low
}

/// The serving network name of a PLMN, for example `5G:mnc001.mcc001.3gppnetwork.org`.
///
/// Spec: TS 24.501 §9.12.1. `mcc` and `mnc` are decimal digits; an MNC of two digits gets a leading zero.
pub fn serving_network_name(mcc: &str, mnc: &str) -> String {
    format!("5G:mnc{mnc:0>3}.mcc{mcc}.3gppnetwork.org")
}

/// K_AUSF of 5G AKA. Spec: TS 33.501 §A.2
pub fn k_ausf(ck: &Key128, ik: &Key128, serving_network_name: &str, sqn_xor_ak: &[u8; 6]) -> Key256 {
    kdf(&ck_ik(ck, ik), 0x6a, &[serving_network_name.as_bytes(), sqn_xor_ak])
}

/// RES* or XRES*. Spec: TS 33.501 §A.4
pub fn res_star(ck: &Key128, ik: &Key128, serving_network_name: &str, rand: &[u8; 16], res: &[u8]) -> [u8; 16] {
    low_128(kdf(&ck_ik(ck, ik), 0x6b, &[serving_network_name.as_bytes(), rand, res]))
}

/// HRES* or HXRES*. Spec: TS 33.501 §A.5
pub fn hres_star(rand: &[u8; 16], res_star: &[u8; 16]) -> [u8; 16] {
    low_128(Sha256::new().chain_update(rand).chain_update(res_star).finalize().into())
}

/// K_SEAF. Spec: TS 33.501 §A.6
pub fn k_seaf(k_ausf: &Key256, serving_network_name: &str) -> Key256 {
    kdf(k_ausf, 0x6c, &[serving_network_name.as_bytes()])
}

/// K_AMF. `supi` is the IMSI's digits (no `imsi-`); ABBA is 0x0000 for the features of Release 15.
///
/// Spec: TS 33.501 §A.7
pub fn k_amf(k_seaf: &Key256, supi: &str, abba: &[u8]) -> Key256 {
    kdf(k_seaf, 0x6d, &[supi.as_bytes(), abba])
}

/// What an algorithm key is for: the algorithm type distinguisher. Spec: TS 33.501 table A.8-1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// N-NAS-enc-alg.
    NasEnc = 1,
    /// N-NAS-int-alg.
    NasInt = 2,
    /// N-RRC-enc-alg.
    RrcEnc = 3,
    /// N-RRC-int-alg.
    RrcInt = 4,
    /// N-UP-enc-alg.
    UpEnc = 5,
    /// N-UP-int-alg.
    UpInt = 6,
}

/// An algorithm key from K_AMF (NAS) or K_gNB (RRC, UP). Spec: TS 33.501 §A.8
pub fn algorithm_key(key: &Key256, key_use: KeyUse, algorithm_id: u8) -> Key128 {
    low_128(kdf(key, 0x69, &[&[key_use as u8], &[algorithm_id]]))
}

/// K_NASenc. Spec: TS 33.501 §A.8
pub fn k_nas_enc(k_amf: &Key256, alg: crate::NeaAlg) -> Key128 {
    algorithm_key(k_amf, KeyUse::NasEnc, alg.id())
}

/// K_NASint. Spec: TS 33.501 §A.8
pub fn k_nas_int(k_amf: &Key256, alg: crate::NiaAlg) -> Key128 {
    algorithm_key(k_amf, KeyUse::NasInt, alg.id())
}

/// K_RRCenc. Spec: TS 33.501 §A.8
pub fn k_rrc_enc(k_gnb: &Key256, alg: crate::NeaAlg) -> Key128 {
    algorithm_key(k_gnb, KeyUse::RrcEnc, alg.id())
}

/// K_RRCint. Spec: TS 33.501 §A.8
pub fn k_rrc_int(k_gnb: &Key256, alg: crate::NiaAlg) -> Key128 {
    algorithm_key(k_gnb, KeyUse::RrcInt, alg.id())
}

/// K_UPenc. Spec: TS 33.501 §A.8
pub fn k_up_enc(k_gnb: &Key256, alg: crate::NeaAlg) -> Key128 {
    algorithm_key(k_gnb, KeyUse::UpEnc, alg.id())
}

/// K_UPint. Spec: TS 33.501 §A.8
pub fn k_up_int(k_gnb: &Key256, alg: crate::NiaAlg) -> Key128 {
    algorithm_key(k_gnb, KeyUse::UpInt, alg.id())
}

/// K_gNB for 3GPP access, from the uplink NAS COUNT of the message that asked for it. Spec: TS 33.501 §A.9
pub fn k_gnb(k_amf: &Key256, uplink_nas_count: u32) -> Key256 {
    kdf(k_amf, 0x6e, &[&uplink_nas_count.to_be_bytes(), &[0x01]])
}

/// NH, from K_gNB (the first one) or the NH before. Spec: TS 33.501 §A.10
pub fn nh(k_amf: &Key256, sync_input: &Key256) -> Key256 {
    kdf(k_amf, 0x6f, &[sync_input])
}

/// K_NG-RAN* of a handover or a re-establishment in another cell. Spec: TS 33.501 §A.11
/// - `arfcn_dl` the absolute frequency of the target's SSB, three bytes big endian
pub fn k_ng_ran_star(key: &Key256, pci: u16, arfcn_dl: u32) -> Key256 {
    kdf(key, 0x70, &[&pci.to_be_bytes(), &arfcn_dl.to_be_bytes()[1..]])
}
