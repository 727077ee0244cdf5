//! Packets, chunks, parameters and error causes as bytes.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | Verification Tag | [`Header::tag`] | the receiver's tag, 0 with INIT | 32 bits |
//! | Checksum | [`seal`], [`Packet::decode`] | CRC32c over the packet with a zero checksum | |
//! | Chunk Type | [`Chunk`], [`kind`] | its two high bits say what to do with an unknown one | 8 bits |
//! | TSN | `tsn` | transmission sequence number, serial arithmetic | 32 bits |
//! | SSN | `ssn` | stream sequence number | 16 bits |
//! | PPID | `ppid` | payload protocol identifier, NGAP 60 | 32 bits |
//!
//! Decoding borrows and never allocates by a length that the peer chose.
//!
//! Spec: RFC 9260 §3

mod cause;
mod chunk;
mod parameters;

pub use cause::{Cause, Causes};
pub use chunk::{Chunk, Chunks, Data, Init, RawChunk, Sack, kind};
pub(crate) use chunk::{put_chunk, put_data, put_init, put_sack};
pub use parameters::{ADDRESSES_MAX, InitParameters, Parameters, RawParameter, parameter};
pub(crate) use parameters::{put_address, put_parameter};

/// Octets of the common header. Spec: RFC 9260 §3.1
pub const HEADER_LEN: usize = 12;

/// The common header. Spec: RFC 9260 §3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source port, never 0.
    pub source: u16,
    /// Destination port, never 0.
    pub destination: u16,
    /// Verification tag.
    pub tag: u32,
}

impl Header {
    /// Appends the header with a zero checksum; [`seal`] fills that in.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.source.to_be_bytes());
        out.extend_from_slice(&self.destination.to_be_bytes());
        out.extend_from_slice(&self.tag.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
    }
}

/// Why bytes are no packet, chunk, parameter or cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Shorter than its fixed part or its length says. Fault: peer.
    Truncated {
        /// What it is in.
        what: &'static str,
        /// The clause that says how long it is.
        clause: &'static str,
    },
    /// The checksum is another. Fault: peer or path.
    Checksum,
    /// A port is 0. Fault: peer.
    PortZero,
}

impl core::fmt::Display for WireError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Truncated { what, clause } => write!(f, "SCTP: {what} is shorter than it says (RFC 9260 {clause})"),
            Self::Checksum => write!(f, "SCTP: wrong CRC32c (RFC 9260 6.8)"),
            Self::PortZero => write!(f, "SCTP: port 0 (RFC 9260 3.1)"),
        }
    }
}

impl std::error::Error for WireError {}

pub(crate) const fn truncated(what: &'static str, clause: &'static str) -> WireError {
    WireError::Truncated { what, clause }
}

/// A received packet whose checksum is right; borrows its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its common header.
    pub header: Header,
    /// What follows it.
    pub body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the common header of `bytes` and checks the CRC32c.
    ///
    /// Spec: RFC 9260 §3.1, §6.8. Errors: too short, another checksum, a port of 0.
    pub fn decode(bytes: &'a [u8]) -> Result<Packet<'a>, WireError> {
        let Some((head, body)) = bytes.split_at_checked(HEADER_LEN) else {
            return Err(truncated("the common header", "3.1"));
        };
        if checksum(bytes) != u32_le(head, 8) {
            return Err(WireError::Checksum);
        }
        let header = Header { source: u16_at(head, 0), destination: u16_at(head, 2), tag: u32_at(head, 4) };
        if header.source == 0 || header.destination == 0 {
            return Err(WireError::PortZero);
        }
        Ok(Packet { header, body })
    }

    /// Its chunks in order.
    pub fn chunks(&self) -> Chunks<'a> {
        Chunks::new(self.body)
    }
}

/// CRC32c of a packet as if its checksum field were zero. Shorter than a header: the CRC32c of nothing.
///
/// Spec: RFC 9260 §6.8, annex A
fn checksum(packet: &[u8]) -> u32 {
    let Some((head, body)) = packet.split_at_checked(HEADER_LEN) else { return 0 };
    let crc = crc32c::crc32c(&head[..8]);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &[0; 4]), body)
}

/// Writes the CRC32c into a packet that is otherwise complete; octets shorter than a common header stay as they are.
///
/// Spec: RFC 9260 §6.8, annex A
pub fn seal(packet: &mut [u8]) {
    let crc = checksum(packet);
    if let Some(field) = packet.get_mut(8..12) {
        field.copy_from_slice(&crc.to_le_bytes());
    }
}

/// `n` octets with their padding to a multiple of four.
pub(crate) const fn padded(n: usize) -> usize {
    n.div_ceil(4) * 4
}

/// Appends zeros up to a multiple of four octets since `from`.
pub(crate) fn pad(out: &mut Vec<u8>, from: usize) {
    let n = out.len() - from;
    out.resize(from + padded(n), 0);
}

/// Big-endian at `at`; octets beyond the end read as 0.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_be_bytes(*b))
}

/// Big-endian at `at`; octets beyond the end read as 0.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_be_bytes(*b))
}

fn u32_le(bytes: &[u8], at: usize) -> u32 {
    u32_at(bytes, at).swap_bytes()
}

#[cfg(test)]
mod tests;
