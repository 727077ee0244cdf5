//! PFCP of TS 29.244: the messages that N4 of this network uses.
//!
//! | what | where |
//! |---|---|
//! | a message, bytes to value and back | [`Message::decode`], [`Message::encode`] |
//! | its kinds | [`Body`] |
//! | rules: PDR, FAR, QER, URR | [`rules`] |
//! | information elements | [`ie`] |
//!
//! Unknown information elements are skipped where they stand within a group, and kept in [`Message::unknown`] at the
//! message's own level. A flag octet may grow: octets after those known here are skipped.
//!
//! Left out: buffering and its BAR, PFD management, node reports, load control, time-based rules, SDF filters (a PDI here
//! matches an interface, a tunnel, a UE address and QoS flows).

pub mod ie;
pub mod rules;

mod body;
mod fuzz;
mod tlv;

pub use body::*;
pub use fuzz::fuzz_one;
pub use ie::{Cause, FSeid, FTeid, Interface, NodeId, OuterHeaderCreation, UeIpAddress};
pub use rules::*;
pub use tlv::{PfcpError, RawIe};

/// The UDP port. Spec: TS 29.244 §4.2.2
pub const PORT: u16 = 8805;

/// A PFCP message. Spec: TS 29.244 §7.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The receiver's session endpoint; there in session messages only.
    pub seid: Option<u64>,
    /// Sequence number, 24 bits; a response has that of its request.
    pub sequence: u32,
    /// What it says.
    pub body: Body,
    /// Elements that this crate does not know.
    pub unknown: Vec<RawIe>,
}

/// What the header of a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message type.
    pub message_type: u8,
    /// The receiver's session endpoint, if it has one.
    pub seid: Option<u64>,
    /// Sequence number, 24 bits.
    pub sequence: u32,
}

const VERSION: u8 = 1 << 5;
const FLAG_SEID: u8 = 1;

impl Header {
    /// Reads the header, to answer a message whose body is wrong. Errors: `Truncated`, `Version`.
    pub fn peek(bytes: &[u8]) -> Result<Self, PfcpError> {
        split(bytes).map(|(header, _)| header)
    }
}

fn split(bytes: &[u8]) -> Result<(Header, &[u8]), PfcpError> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or(PfcpError::Truncated)?;
    if head[0] >> 5 != 1 {
        return Err(PfcpError::Version);
    }
    let rest = rest.get(..u16::from_be_bytes([head[2], head[3]]).into()).ok_or(PfcpError::Truncated)?;
    let (seid, rest) = if head[0] & FLAG_SEID != 0 {
        let (seid, rest) = rest.split_first_chunk().ok_or(PfcpError::Truncated)?;
        (Some(u64::from_be_bytes(*seid)), rest)
    } else {
        (None, rest)
    };
    let (tail, ies) = rest.split_first_chunk::<4>().ok_or(PfcpError::Truncated)?;
    let sequence = u32::from_be_bytes([0, tail[0], tail[1], tail[2]]);
    Ok((Header { message_type: head[1], seid, sequence }, ies))
}

impl Message {
    /// A message with no unknown element.
    pub fn new(seid: Option<u64>, sequence: u32, body: Body) -> Self {
        Self { seid, sequence, body, unknown: Vec::new() }
    }

    /// Decodes a message. Errors: see [`PfcpError`]; [`PfcpError::cause`] is the cause of the answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, PfcpError> {
        let (header, ies) = split(bytes)?;
        let (body, unknown) = Body::decode(header.message_type, ies)?;
        Ok(Self { seid: header.seid, sequence: header.sequence, body, unknown })
    }

    /// Encodes the message.
    pub fn encode(&self) -> Vec<u8> {
        let flags = VERSION | if self.seid.is_some() { FLAG_SEID } else { 0 };
        let mut out = vec![flags, self.body.message_type(), 0, 0];
        if let Some(seid) = self.seid {
            out.extend_from_slice(&seid.to_be_bytes());
        }
        out.extend_from_slice(&self.sequence.to_be_bytes()[1..]);
        out.push(0);
        self.body.encode(&mut out);
        for ie in &self.unknown {
            tlv::put(&mut out, ie.kind, |out| out.extend_from_slice(&ie.value));
        }
        let len = (out.len() - 4).min(usize::from(u16::MAX)) as u16;
        out[2..4].copy_from_slice(&len.to_be_bytes());
        out
    }
}
