//! The random access response. Spec: TS 38.321 §6.1.5, §6.2.2, §6.2.3

use nr::{Rnti, Tc};

/// Backoff Parameter values in ms; indices 14 and 15 are reserved. Spec: TS 38.321 table 7.2-1
pub const BACKOFF_MS: [u16; 14] = [5, 10, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 960, 1920];

/// The backoff time of a BI field; reserved values count as the longest. Spec: TS 38.321 §7.2
pub fn backoff(bi: u8) -> Tc {
    Tc::from_ms(i64::from(BACKOFF_MS.get(usize::from(bi)).copied().unwrap_or(1920)))
}

/// MAC RAR. Spec: TS 38.321 §6.2.3
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rar {
    /// Timing Advance Command T_A, 0..=3846 (12 bits).
    pub timing_advance: u16,
    /// UL grant, 27 bits, as TS 38.213 §8.2 reads them (frequency hopping flag most significant).
    pub ul_grant: u32,
    /// Temporary C-RNTI.
    pub temporary_c_rnti: Rnti,
}

/// Bytes of a MAC RAR without its subheader.
pub const RAR_LEN: usize = 7;

impl Rar {
    /// The seven bytes.
    pub fn encode(&self) -> [u8; RAR_LEN] {
        let v = u64::from(self.timing_advance & 0xfff) << 43
            | u64::from(self.ul_grant & 0x7ff_ffff) << 16
            | u64::from(self.temporary_c_rnti.0);
        let b = v.to_be_bytes();
        [b[1], b[2], b[3], b[4], b[5], b[6], b[7]]
    }
    /// From the seven bytes; the reserved bit is ignored.
    pub fn decode(b: &[u8; RAR_LEN]) -> Rar {
        let v = u64::from_be_bytes([0, b[0], b[1], b[2], b[3], b[4], b[5], b[6]]);
        Rar {
            timing_advance: (v >> 43) as u16 & 0xfff,
            ul_grant: (v >> 16) as u32 & 0x7ff_ffff,
            temporary_c_rnti: Rnti(v as u16),
        }
    }
}

/// One subPDU of a random access response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RarSubPdu {
    /// Backoff Indicator: index into [`BACKOFF_MS`].
    Backoff(u8),
    /// RAPID alone: a system information request was heard.
    Acknowledged {
        /// RAPID, 0..=63.
        rapid: u8,
    },
    /// RAPID with its response.
    Response {
        /// RAPID, 0..=63.
        rapid: u8,
        /// The response.
        rar: Rar,
    },
}

/// The subPDUs of a received random access response, in order; stops quietly where the PDU is cut or padding starts.
///
/// `si_requests` is the set of preambles (bit i: preamble i) whose RAPID stands alone; 0 where no SI request is configured.
#[derive(Clone, Debug)]
pub struct RarReader<'a> {
    rest: &'a [u8],
    si_requests: u64,
    more: bool,
}

impl<'a> RarReader<'a> {
    /// Reads `pdu`.
    pub fn new(pdu: &'a [u8], si_requests: u64) -> Self {
        RarReader { rest: pdu, si_requests, more: true }
    }
}

impl Iterator for RarReader<'_> {
    type Item = RarSubPdu;
    fn next(&mut self) -> Option<RarSubPdu> {
        if !self.more {
            return None;
        }
        let (&h, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.more = h & 0x80 != 0;
        if h & 0x40 == 0 {
            return Some(RarSubPdu::Backoff(h & 15));
        }
        let rapid = h & 63;
        if self.si_requests >> rapid & 1 == 1 {
            return Some(RarSubPdu::Acknowledged { rapid });
        }
        let (body, rest) = rest.split_first_chunk::<RAR_LEN>()?;
        self.rest = rest;
        Some(RarSubPdu::Response { rapid, rar: Rar::decode(body) })
    }
}

/// Appends a random access response to `out`: the backoff indicator first, if any, then one response for each preamble.
///
/// With neither, nothing is appended. The rest of the transport block is to be filled with zeros: the E bits end the PDU.
pub fn encode_rar_pdu(backoff: Option<u8>, responses: &[(u8, Rar)], out: &mut Vec<u8>) {
    if let Some(bi) = backoff {
        out.push(u8::from(!responses.is_empty()) << 7 | (bi & 15));
    }
    for (i, (rapid, rar)) in responses.iter().enumerate() {
        out.push(u8::from(i + 1 < responses.len()) << 7 | 0x40 | (rapid & 63));
        out.extend_from_slice(&rar.encode());
    }
}

/// Bytes of the PDU that [`encode_rar_pdu`] makes.
pub fn rar_pdu_len(backoff: bool, n_responses: usize) -> usize {
    usize::from(backoff) + n_responses * (1 + RAR_LEN)
}
