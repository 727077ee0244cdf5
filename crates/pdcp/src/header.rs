//! PDU headers and protection. Spec: TS 38.323 §5.8, §5.9, §6.2.2

use crate::{Bearer, End, Protection, Security, Setup};
use security::Direction;

/// Bytes of a MAC-I.
pub(crate) const MAC_I: usize = 4;

/// Bytes of a data PDU's header.
pub(crate) fn header_len(sn_bits: u8) -> usize {
    if sn_bits == 18 { 3 } else { 2 }
}

/// Whether data PDUs end with a MAC-I.
pub(crate) fn has_mac_i(setup: &Setup) -> bool {
    setup.bearer.is_srb() || setup.config.integrity
}

/// Writes the header of a data PDU. Spec: TS 38.323 §6.2.2.1 to §6.2.2.3
pub(crate) fn put_header(setup: &Setup, sn: u32, out: &mut [u8]) {
    let d = if setup.bearer.is_srb() { 0 } else { 0x80 };
    if setup.config.sn_bits == 18 {
        out[..3].copy_from_slice(&[d | ((sn >> 16) as u8 & 3), (sn >> 8) as u8, sn as u8]);
    } else {
        out[..2].copy_from_slice(&[d | ((sn >> 8) as u8 & 15), sn as u8]);
    }
}

/// Reads the sequence number of a data PDU; `None` if the PDU is shorter than header and MAC-I.
pub(crate) fn sequence_number(setup: &Setup, pdu: &[u8]) -> Option<u32> {
    let mac_i = if has_mac_i(setup) { MAC_I } else { 0 };
    if pdu.len() < header_len(setup.config.sn_bits) + mac_i {
        return None;
    }
    Some(match (setup.config.sn_bits, pdu) {
        (18, [a, b, c, ..]) => u32::from(a & 3) << 16 | u32::from(*b) << 8 | u32::from(*c),
        (_, [a, b, ..]) => u32::from(a & 15) << 8 | u32::from(*b),
        _ => return None,
    })
}

pub(crate) fn direction(end: End, sent: bool) -> Direction {
    if (end == End::Ue) == sent { Direction::Uplink } else { Direction::Downlink }
}

pub(crate) fn mac_i(
    security: &Security,
    bearer: Bearer,
    count: u32,
    direction: Direction,
    message: &[u8],
) -> [u8; MAC_I] {
    security::nia(security.nia, &security.int, count, bearer.cipher_bearer(), direction, message)
}

/// Appends the MAC-I, then ciphers all behind header and SDAP header. `pdu` holds header and SDU.
pub(crate) fn protect(setup: &Setup, protection: Option<&Protection>, count: u32, pdu: &mut Vec<u8>) {
    let direction = direction(setup.end, true);
    if has_mac_i(setup) {
        let mac = match protection {
            Some(p) if p.integrity => mac_i(&p.security, setup.bearer, count, direction, pdu),
            _ => [0; MAC_I],
        };
        pdu.extend_from_slice(&mac);
    }
    cipher(setup, protection, count, direction, setup.sdap_tx, pdu);
}

/// Ciphers or deciphers in place, where ciphering is on. Spec: TS 38.323 §5.8
pub(crate) fn cipher(
    setup: &Setup,
    protection: Option<&Protection>,
    count: u32,
    direction: Direction,
    sdap: bool,
    pdu: &mut [u8],
) {
    let Some(p) = protection.filter(|p| p.ciphering) else { return };
    let from = header_len(setup.config.sn_bits) + usize::from(sdap);
    if let Some(data) = pdu.get_mut(from..) {
        security::nea(p.security.nea, &p.security.enc, count, setup.bearer.cipher_bearer(), direction, data);
    }
}
