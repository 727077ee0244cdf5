//! MAC PDUs of the DL-SCH and the UL-SCH. Spec: TS 38.321 §6.1.2

use crate::bsr::Bsr;
use crate::lcid::{self, Size};
use crate::phr::Phr;
use nr::{LcId, Rnti};

/// One subPDU from the DL-SCH; slices lie in the transport block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DlSubPdu<'a> {
    /// An SDU of the CCCH.
    Ccch(&'a [u8]),
    /// An SDU of a logical channel 1..=32.
    Sdu {
        /// Its channel.
        lcid: LcId,
        /// An RLC PDU.
        data: &'a [u8],
    },
    /// UE Contention Resolution Identity: the first 48 bits of the CCCH SDU in Msg3.
    ContentionResolution([u8; 6]),
    /// Timing Advance Command.
    TimingAdvance {
        /// TAG ID, 0..=3.
        tag: u8,
        /// T_A, 0..=63; 31 is no change.
        command: u8,
    },
    /// DRX Command.
    Drx {
        /// Long DRX Command.
        long: bool,
    },
    /// A control element with a known layout that is not read here.
    Other {
        /// Its identity.
        lcid: u8,
        /// Its bytes.
        data: &'a [u8],
    },
    /// Padding to the end, so many bytes without the subheader.
    Padding(usize),
}

/// One subPDU from the UL-SCH; slices lie in the transport block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UlSubPdu<'a> {
    /// An SDU of the CCCH, 6 or 8 bytes.
    Ccch(&'a [u8]),
    /// An SDU of a logical channel 1..=32.
    Sdu {
        /// Its channel.
        lcid: LcId,
        /// An RLC PDU.
        data: &'a [u8],
    },
    /// C-RNTI.
    CRnti(Rnti),
    /// Buffer status report.
    Bsr(Bsr),
    /// Single Entry PHR.
    Phr(Phr),
    /// A control element with a known layout that is not read here.
    Other {
        /// Its identity.
        lcid: u8,
        /// Its bytes.
        data: &'a [u8],
    },
    /// Padding to the end, so many bytes without the subheader.
    Padding(usize),
}

/// Why the rest of a PDU is discarded; what came before it stays valid. Spec: TS 38.321 §5.13
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PduError {
    /// A subheader or its payload goes beyond the transport block.
    Truncated {
        /// Whose.
        lcid: u8,
    },
    /// A reserved or unsupported LCID.
    Unsupported {
        /// The identity.
        lcid: u8,
    },
    /// A control element contradicts itself.
    Malformed {
        /// Whose.
        lcid: u8,
    },
}

impl core::fmt::Display for PduError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            PduError::Truncated { lcid } => {
                write!(f, "MAC subPDU with LCID {lcid} is longer than the block (TS 38.321 §6.1.2)")
            }
            PduError::Unsupported { lcid } => write!(f, "LCID {lcid} is reserved or not supported (TS 38.321 §5.13)"),
            PduError::Malformed { lcid } => {
                write!(f, "MAC control element with LCID {lcid} contradicts itself (TS 38.321 §6.1.3)")
            }
        }
    }
}
impl std::error::Error for PduError {}

/// Walks subheaders: LCID and payload, then the error that ends the PDU, if any.
#[derive(Clone, Debug)]
struct Walker<'a> {
    rest: &'a [u8],
}

impl<'a> Walker<'a> {
    fn step(&mut self, size: fn(u8) -> Size) -> Option<Result<(u8, &'a [u8]), PduError>> {
        let (&h, rest) = self.rest.split_first()?;
        let lcid = h & 0x3f;
        let len = match size(lcid) {
            Size::Fixed(n) => Some((usize::from(n), rest)),
            Size::Padding => Some((rest.len(), rest)),
            Size::Unknown => {
                self.rest = &[];
                return Some(Err(PduError::Unsupported { lcid }));
            }
            Size::Variable if h & 0x40 == 0 => rest.split_first().map(|(l, r)| (usize::from(*l), r)),
            Size::Variable => rest.split_first_chunk::<2>().map(|(l, r)| (usize::from(u16::from_be_bytes(*l)), r)),
        };
        let cut = len.and_then(|(n, rest)| rest.split_at_checked(n));
        Some(match cut {
            Some((data, rest)) => {
                self.rest = rest;
                Ok((lcid, data))
            }
            None => {
                self.rest = &[];
                Err(PduError::Truncated { lcid })
            }
        })
    }
}

/// The subPDUs of a DL-SCH transport block, in order. After an `Err` the iterator is at its end.
#[derive(Clone, Debug)]
pub struct DlReader<'a>(Walker<'a>);

impl<'a> DlReader<'a> {
    /// Reads `pdu`.
    pub fn new(pdu: &'a [u8]) -> Self {
        DlReader(Walker { rest: pdu })
    }
}

impl<'a> Iterator for DlReader<'a> {
    type Item = Result<DlSubPdu<'a>, PduError>;
    fn next(&mut self) -> Option<Self::Item> {
        let (lcid, data) = match self.0.step(lcid::dl_size)? {
            Ok(x) => x,
            Err(e) => return Some(Err(e)),
        };
        Some(Ok(match (lcid, data) {
            (lcid::CCCH, _) => DlSubPdu::Ccch(data),
            (lcid::CONTENTION_RESOLUTION, &[a, b, c, d, e, f]) => DlSubPdu::ContentionResolution([a, b, c, d, e, f]),
            (lcid::TIMING_ADVANCE_COMMAND, &[b]) => DlSubPdu::TimingAdvance { tag: b >> 6, command: b & 63 },
            (lcid::DRX_COMMAND, _) => DlSubPdu::Drx { long: false },
            (lcid::LONG_DRX_COMMAND, _) => DlSubPdu::Drx { long: true },
            (lcid::PADDING, _) => DlSubPdu::Padding(data.len()),
            _ => match channel(lcid) {
                Some(lcid) => DlSubPdu::Sdu { lcid, data },
                None => DlSubPdu::Other { lcid, data },
            },
        }))
    }
}

/// The subPDUs of a UL-SCH transport block, in order. After an `Err` the iterator is at its end.
#[derive(Clone, Debug)]
pub struct UlReader<'a>(Walker<'a>);

impl<'a> UlReader<'a> {
    /// Reads `pdu`.
    pub fn new(pdu: &'a [u8]) -> Self {
        UlReader(Walker { rest: pdu })
    }
}

impl<'a> Iterator for UlReader<'a> {
    type Item = Result<UlSubPdu<'a>, PduError>;
    fn next(&mut self) -> Option<Self::Item> {
        let (lcid, data) = match self.0.step(lcid::ul_size)? {
            Ok(x) => x,
            Err(e) => return Some(Err(e)),
        };
        Some(Ok(match (lcid, data) {
            (lcid::CCCH | lcid::CCCH_48, _) => UlSubPdu::Ccch(data),
            (lcid::C_RNTI, &[a, b]) => UlSubPdu::CRnti(Rnti(u16::from_be_bytes([a, b]))),
            (lcid::SINGLE_ENTRY_PHR, &[a, b]) => UlSubPdu::Phr(Phr { ph: a & 63, p_cmax: b & 63 }),
            (lcid::SHORT_BSR | lcid::SHORT_TRUNCATED_BSR, &[b]) => {
                UlSubPdu::Bsr(Bsr::decode_short(b, lcid == lcid::SHORT_TRUNCATED_BSR))
            }
            (lcid::LONG_BSR | lcid::LONG_TRUNCATED_BSR, _) => {
                match Bsr::decode_long(data, lcid == lcid::LONG_TRUNCATED_BSR) {
                    Some(bsr) => UlSubPdu::Bsr(bsr),
                    None => {
                        self.0.rest = &[];
                        return Some(Err(PduError::Malformed { lcid }));
                    }
                }
            }
            (lcid::PADDING, _) => UlSubPdu::Padding(data.len()),
            _ => match channel(lcid) {
                Some(lcid) => UlSubPdu::Sdu { lcid, data },
                None => UlSubPdu::Other { lcid, data },
            },
        }))
    }
}

fn channel(lcid: u8) -> Option<LcId> {
    LcId::new(lcid).filter(|_| lcid > 0)
}

/// Fills a transport block with subPDUs, without allocation.
///
/// Downlink: control elements go before SDUs; uplink: SDUs (CCCH first), then control elements (Spec: TS 38.321 §6.1.2). The
/// caller keeps that order. End with [`PduBuilder::finish`].
#[derive(Debug)]
pub struct PduBuilder<'a> {
    block: &'a mut [u8],
    at: usize,
}

impl<'a> PduBuilder<'a> {
    /// Starts to fill `block`, whose length is the transport block size.
    pub fn new(block: &'a mut [u8]) -> Self {
        PduBuilder { block, at: 0 }
    }
    /// Bytes still free.
    pub fn remaining(&self) -> usize {
        self.block.len() - self.at
    }
    /// Bytes used so far.
    pub fn len(&self) -> usize {
        self.at
    }
    /// Nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.at == 0
    }
    /// Bytes that the largest SDU to be added now may have: what is free without a subheader (2 bytes, 3 above 255).
    pub fn sdu_room(&self) -> usize {
        match self.remaining() {
            n @ 0..=257 => n.saturating_sub(2),
            n => (n - 3).min(0xffff),
        }
    }
    /// Adds a control element of fixed size (or an uplink CCCH SDU): `false` if it does not fit.
    pub fn fixed(&mut self, lcid: u8, payload: &[u8]) -> bool {
        if self.remaining() < 1 + payload.len() {
            return false;
        }
        self.block[self.at] = lcid & 63;
        self.block[self.at + 1..self.at + 1 + payload.len()].copy_from_slice(payload);
        self.at += 1 + payload.len();
        true
    }
    /// Adds a subPDU with an L field: `false` if it does not fit.
    pub fn sdu(&mut self, lcid: u8, payload: &[u8]) -> bool {
        if payload.len() > self.sdu_room() {
            return false;
        }
        self.sdu_with(lcid, |room| {
            room[..payload.len()].copy_from_slice(payload);
            payload.len()
        });
        true
    }
    /// Adds an SDU that `fill` writes into the room it is given (the start of it) and whose length it returns; 0 adds nothing.
    ///
    /// Returns the SDU's length. The room is [`PduBuilder::sdu_room`] bytes long. Cost: one move of at most 255 bytes where a
    /// short SDU was written into long room.
    pub fn sdu_with(&mut self, lcid: u8, fill: impl FnOnce(&mut [u8]) -> usize) -> usize {
        let room = self.sdu_room();
        let header = if self.remaining() > 257 { 3 } else { 2 };
        if room == 0 {
            return 0;
        }
        let start = self.at + header;
        let n = fill(&mut self.block[start..start + room]).min(room);
        if n == 0 {
            return 0;
        }
        self.block[self.at] = lcid & 63;
        if n > 255 {
            self.block[self.at] |= 0x40;
            self.block[self.at + 1..self.at + 3].copy_from_slice(&(n as u16).to_be_bytes());
            self.at += 3 + n;
        } else {
            self.block[self.at + 1] = n as u8;
            if header == 3 {
                self.block.copy_within(start..start + n, self.at + 2);
            }
            self.at += 2 + n;
        }
        n
    }
    /// Downlink: adds a Timing Advance Command.
    pub fn timing_advance(&mut self, tag: u8, command: u8) -> bool {
        self.fixed(lcid::TIMING_ADVANCE_COMMAND, &[tag << 6 | (command & 63)])
    }
    /// Downlink: adds a UE Contention Resolution Identity.
    pub fn contention_resolution(&mut self, identity: &[u8; 6]) -> bool {
        self.fixed(lcid::CONTENTION_RESOLUTION, identity)
    }
    /// Uplink: adds a CCCH SDU of 6 or 8 bytes; other lengths are refused.
    pub fn ul_ccch(&mut self, sdu: &[u8]) -> bool {
        match sdu.len() {
            6 => self.fixed(lcid::CCCH_48, sdu),
            8 => self.fixed(lcid::CCCH, sdu),
            _ => false,
        }
    }
    /// Uplink: adds a C-RNTI.
    pub fn c_rnti(&mut self, rnti: Rnti) -> bool {
        self.fixed(lcid::C_RNTI, &rnti.0.to_be_bytes())
    }
    /// Uplink: adds a Single Entry PHR.
    pub fn phr(&mut self, phr: Phr) -> bool {
        self.fixed(lcid::SINGLE_ENTRY_PHR, &[phr.ph & 63, phr.p_cmax & 63])
    }
    /// Uplink: adds a buffer status report.
    pub fn bsr(&mut self, bsr: &Bsr) -> bool {
        let mut bytes = [0; 9];
        let n = bsr.encode(&mut bytes);
        match bsr {
            Bsr::Short { truncated: false, .. } => self.fixed(lcid::SHORT_BSR, &bytes[..n]),
            Bsr::Short { truncated: true, .. } => self.fixed(lcid::SHORT_TRUNCATED_BSR, &bytes[..n]),
            Bsr::Long { .. } => self.sdu(lcid::LONG_BSR, &bytes[..n]),
            Bsr::LongTruncated { .. } => self.sdu(lcid::LONG_TRUNCATED_BSR, &bytes[..n]),
        }
    }
    /// Fills what is free with padding and returns how many bytes were used before it.
    pub fn finish(self) -> usize {
        if let Some((header, rest)) = self.block[self.at..].split_first_mut() {
            *header = lcid::PADDING;
            rest.fill(0);
        }
        self.at
    }
}

/// Bytes of a subPDU with an L field and this payload.
pub const fn sdu_len_with_header(payload: usize) -> usize {
    payload + if payload > 255 { 3 } else { 2 }
}
