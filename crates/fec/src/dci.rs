//! Downlink control information. Spec: TS 38.212 §7.3
//!
//! | in the specification | here | meaning | range |
//! | --- | --- | --- | --- |
//! | A | payload length | bits of the DCI format | 1..=140, padded with zeros to 12 |
//! | x_rnti | `rnti` | scrambles the last 16 parity bits | 16 bits |
//! | E | `out`, `llrs` length | 108 for each aggregation level | 108..=1728 |

use crate::polar::{PolarCodec, PolarError, PolarParams};
use crate::{Crc, Llr};

/// The longest payload: K = 164 less the CRC.
pub const PAYLOAD_BITS_MAX: usize = 140;

/// A DCI that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DciHit {
    /// Index into the RNTIs asked for.
    pub rnti_idx: usize,
}

/// Encodes a DCI payload for one PDCCH candidate.
///
/// Spec: TS 38.212 §7.3.1 to §7.3.4
/// - `payload` one bit per byte, 1..=140
/// - `out`     overwritten, one bit per byte, E = its length
///
/// Errors: [`PolarError`]. Cost: O(N log N + E), no allocation.
pub fn encode(codec: &mut PolarCodec, payload: &[u8], rnti: u16, out: &mut [u8]) -> Result<(), PolarError> {
    let mut bits = [0; PAYLOAD_BITS_MAX + 24];
    let k = k_of(payload.len(), out.len())?;
    bits[..payload.len()].copy_from_slice(payload);
    let parity = Crc::Crc24C.of_bits_with_ones(24, &bits[..k - 24]) ^ u32::from(rnti);
    Crc::Crc24C.write_bits(parity, &mut bits[k - 24..k]);
    codec.encode(PolarParams { k, e: out.len(), uplink: false }, &bits[..k], out)
}

/// Decodes a PDCCH candidate once and looks for any of several RNTIs.
///
/// Spec: TS 38.212 §7.3 (reversed)
/// - `llrs`    E soft bits after descrambling
/// - `rntis`   those that may have scrambled the CRC
/// - `payload` overwritten, one bit per byte; its length is the A that is tried
///
/// Returns None if no list candidate has a CRC of one of the RNTIs. Errors: [`PolarError`]. Cost: O(L N log N + E), no allocation.
pub fn decode(
    codec: &mut PolarCodec,
    llrs: &[Llr],
    rntis: &[u16],
    payload: &mut [u8],
) -> Result<Option<DciHit>, PolarError> {
    let k = k_of(payload.len(), llrs.len())?;
    let mut bits = [0; PAYLOAD_BITS_MAX + 24];
    let mut hit = None;
    let padding = payload.len()..k - 24;
    codec.decode(PolarParams { k, e: llrs.len(), uplink: false }, llrs, &mut bits[..k], |bits| {
        if bits[padding.clone()].contains(&1) {
            return false;
        }
        let received = bits[k - 24..].iter().fold(0, |word, &bit| word << 1 | u32::from(bit));
        let mask = Crc::Crc24C.of_bits_with_ones(24, &bits[..k - 24]) ^ received;
        hit = rntis.iter().position(|&rnti| u32::from(rnti) == mask).map(|rnti_idx| DciHit { rnti_idx });
        hit.is_some()
    })?;
    payload.copy_from_slice(&bits[..payload.len()]);
    Ok(hit)
}

/// Decodes a PDCCH candidate once, for whatever RNTI scrambled its CRC.
///
/// As [`decode`], but only the eight parity bits that no RNTI touches are checked: one word in 256 passes by chance, so the caller has to
/// compare what was received with the code word.
pub fn decode_any(codec: &mut PolarCodec, llrs: &[Llr], payload: &mut [u8]) -> Result<Option<u16>, PolarError> {
    let k = k_of(payload.len(), llrs.len())?;
    let mut bits = [0; PAYLOAD_BITS_MAX + 24];
    let mut hit = None;
    let padding = payload.len()..k - 24;
    codec.decode(PolarParams { k, e: llrs.len(), uplink: false }, llrs, &mut bits[..k], |bits| {
        let received = bits[k - 24..].iter().fold(0, |word, &bit| word << 1 | u32::from(bit));
        let mask = Crc::Crc24C.of_bits_with_ones(24, &bits[..k - 24]) ^ received;
        hit = u16::try_from(mask).ok().filter(|_| !bits[padding.clone()].contains(&1));
        hit.is_some()
    })?;
    payload.copy_from_slice(&bits[..payload.len()]);
    Ok(hit)
}

/// K for a payload of `a` bits. Spec: TS 38.212 §7.3.1 (padding), §7.3.2 (CRC)
fn k_of(a: usize, e: usize) -> Result<usize, PolarError> {
    let k = a.max(12) + 24;
    if a == 0 || a > PAYLOAD_BITS_MAX { Err(PolarError::Size { k, e }) } else { Ok(k) }
}
