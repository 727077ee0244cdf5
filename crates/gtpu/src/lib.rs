//! GTP-U of TS 29.281 with the PDU session container of TS 38.415.
//!
//! | in the specification | here            | meaning                                              | range     |
//! |----------------------|-----------------|------------------------------------------------------|-----------|
//! | Message Type         | [`Kind`]        | echo, error indication, end marker, G-PDU            | 0..=255   |
//! | TEID                 | [`Packet::teid`] | the receiver's tunnel                               | 32 bits   |
//! | PDU Type             | [`Container`]   | 0 downlink, 1 uplink PDU session information         | 0..=1     |
//! | QFI                  | `qfi`           | QoS flow                                             | 0..=63    |
//! | RQI                  | `rqi`           | reflective QoS indication, downlink                  |           |
//!
//! [`Packet`] borrows the received bytes and copies nothing. To send, leave [`HEADER_LEN`] octets free before the IP packet
//! and call [`write_g_pdu`]: the packet is not moved.
//!
//! Left out: sequence numbers and N-PDU numbers on sending (read and skipped), delay measurement, extension headers other
//! than the container (skipped unless their comprehension is required).

mod fuzz;

pub use fuzz::fuzz_one;
use nr::Teid;

/// The UDP port. Spec: TS 29.281 §4.4.2.0
pub const PORT: u16 = 2152;
/// Octets before the inner packet of a G-PDU that [`write_g_pdu`] makes: header, extension flag octets, container.
pub const HEADER_LEN: usize = 16;

const FLAGS: u8 = 0x30;
const FLAG_EXTENSION: u8 = 0x04;
const FLAG_SEQUENCE: u8 = 0x02;
const FLAG_N_PDU: u8 = 0x01;
const EXTENSION_PDU_SESSION_CONTAINER: u8 = 0x85;
const IE_RECOVERY: u8 = 14;
const IE_TEID_DATA_I: u8 = 16;
const IE_PEER_ADDRESS: u8 = 133;

/// Message type. Spec: TS 29.281 table 6.1-1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Echo Request.
    EchoRequest,
    /// Echo Response.
    EchoResponse,
    /// Error Indication: the receiver has no such tunnel.
    ErrorIndication,
    /// Supported Extension Headers Notification.
    SupportedExtensions,
    /// End Marker: no more packets on this tunnel.
    EndMarker,
    /// G-PDU: a user's packet.
    GPdu,
    /// Another one.
    Other(u8),
}

impl Kind {
    const fn from_octet(octet: u8) -> Self {
        match octet {
            1 => Self::EchoRequest,
            2 => Self::EchoResponse,
            26 => Self::ErrorIndication,
            31 => Self::SupportedExtensions,
            254 => Self::EndMarker,
            255 => Self::GPdu,
            other => Self::Other(other),
        }
    }
    const fn octet(self) -> u8 {
        match self {
            Self::EchoRequest => 1,
            Self::EchoResponse => 2,
            Self::ErrorIndication => 26,
            Self::SupportedExtensions => 31,
            Self::EndMarker => 254,
            Self::GPdu => 255,
            Self::Other(other) => other,
        }
    }
}

/// The PDU session container: which QoS flow a packet belongs to. Spec: TS 38.415 §5.5.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// To the gNB.
    Downlink {
        /// QoS flow.
        qfi: u8,
        /// Reflective QoS indication.
        rqi: bool,
    },
    /// From the gNB.
    Uplink {
        /// QoS flow.
        qfi: u8,
    },
}

impl Container {
    /// The QoS flow.
    pub const fn qfi(self) -> u8 {
        match self {
            Self::Downlink { qfi, .. } | Self::Uplink { qfi } => qfi,
        }
    }
    const fn octets(self) -> [u8; 2] {
        match self {
            Self::Downlink { qfi, rqi } => [0, (rqi as u8) << 6 | qfi & 63],
            Self::Uplink { qfi } => [0x10, qfi & 63],
        }
    }
}

/// Why bytes are not a GTP-U packet that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GtpuError {
    /// Shorter than its header or its length says. Fault: peer.
    Truncated,
    /// Version other than 1, or GTP'. Fault: peer.
    Version,
    /// An extension header that must be understood. Fault: peer.
    Extension(u8),
}

impl std::fmt::Display for GtpuError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => write!(f, "GTP-U: shorter than its length says (TS 29.281 5.1)"),
            Self::Version => write!(f, "GTP-U: not version 1 of GTP (TS 29.281 5.1)"),
            Self::Extension(kind) => write!(f, "GTP-U: extension 0x{kind:02x} must be understood (TS 29.281 5.2.1)"),
        }
    }
}

impl std::error::Error for GtpuError {}

/// A received packet; borrows its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its message type.
    pub kind: Kind,
    /// The tunnel; zero in path management messages.
    pub teid: Teid,
    /// Its sequence number, if it has one.
    pub sequence: Option<u16>,
    /// Its PDU session container, if it has one.
    pub container: Option<Container>,
    /// The inner packet, or the information elements.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet. Octets after its length are ignored.
    ///
    /// Spec: TS 29.281 §5.1, §5.2. Cost: O(extension headers), no allocation. Errors: see [`GtpuError`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, GtpuError> {
        let (head, rest) = bytes.split_first_chunk::<8>().ok_or(GtpuError::Truncated)?;
        if head[0] & 0xf0 != FLAGS {
            return Err(GtpuError::Version);
        }
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let mut payload = rest.get(..len).ok_or(GtpuError::Truncated)?;
        let (mut sequence, mut container) = (None, None);
        if head[0] & (FLAG_EXTENSION | FLAG_SEQUENCE | FLAG_N_PDU) != 0 {
            let (optional, after) = payload.split_first_chunk::<4>().ok_or(GtpuError::Truncated)?;
            payload = after;
            sequence = (head[0] & FLAG_SEQUENCE != 0).then_some(u16::from_be_bytes([optional[0], optional[1]]));
            let mut next = if head[0] & FLAG_EXTENSION != 0 { optional[3] } else { 0 };
            while next != 0 {
                let len = 4 * usize::from(*payload.first().ok_or(GtpuError::Truncated)?);
                let (extension, after) = payload.split_at_checked(len).ok_or(GtpuError::Truncated)?;
                let [content @ .., following] = extension.get(1..).unwrap_or_default() else {
                    return Err(GtpuError::Truncated);
                };
                match next {
                    EXTENSION_PDU_SESSION_CONTAINER => container = decode_container(content),
                    // The two upper bits say whether an endpoint must understand it (TS 29.281 figure 5.2.1-2).
                    0xc0.. => return Err(GtpuError::Extension(next)),
                    _ => {}
                }
                (next, payload) = (*following, after);
            }
        }
        let teid = Teid(u32::from_be_bytes([head[4], head[5], head[6], head[7]]));
        Ok(Self { kind: Kind::from_octet(head[1]), teid, sequence, container, payload })
    }

    /// The tunnel that an error indication is about: the TEID and the address that its packet was sent to.
    ///
    /// Spec: TS 29.281 §7.3.1. `None` unless both elements are there.
    pub fn error_indication(&self) -> Option<(Teid, std::net::IpAddr)> {
        let (mut teid, mut address) = (None, None);
        let mut rest = self.payload;
        while let [kind, after @ ..] = rest {
            if *kind < 128 {
                // TV elements: only those that an error indication can have are of a known length.
                let len = match *kind {
                    IE_RECOVERY => 1,
                    IE_TEID_DATA_I => 4,
                    _ => return None,
                };
                let (value, after) = after.split_at_checked(len)?;
                if *kind == IE_TEID_DATA_I {
                    teid = value.first_chunk().map(|v| Teid(u32::from_be_bytes(*v)));
                }
                rest = after;
            } else {
                let (len, after) = after.split_first_chunk::<2>()?;
                let (value, after) = after.split_at_checked(u16::from_be_bytes(*len).into())?;
                if *kind == IE_PEER_ADDRESS {
                    address = match value.len() {
                        4 => value.first_chunk::<4>().map(|v| std::net::IpAddr::from(*v)),
                        16 => value.first_chunk::<16>().map(|v| std::net::IpAddr::from(*v)),
                        _ => None,
                    };
                }
                rest = after;
            }
        }
        teid.zip(address)
    }
}

fn decode_container(content: &[u8]) -> Option<Container> {
    match *content {
        [kind, flags, ..] if kind >> 4 == 0 => Some(Container::Downlink { qfi: flags & 63, rqi: flags & 0x40 != 0 }),
        [kind, flags, ..] if kind >> 4 == 1 => Some(Container::Uplink { qfi: flags & 63 }),
        _ => None,
    }
}

/// Writes the header of a G-PDU into the first [`HEADER_LEN`] octets of `buffer`, whose other octets are the inner packet.
///
/// Spec: TS 29.281 §5.1, TS 38.415 §5.5.2
///
/// Errors: `Truncated` if `buffer` is shorter than the header, or the packet longer than a length of 16 bits can say.
pub fn write_g_pdu(buffer: &mut [u8], teid: Teid, container: Container) -> Result<(), GtpuError> {
    let (head, packet) = buffer.split_first_chunk_mut::<HEADER_LEN>().ok_or(GtpuError::Truncated)?;
    let len = u16::try_from(packet.len() + HEADER_LEN - 8).map_err(|_| GtpuError::Truncated)?;
    head[0] = FLAGS | FLAG_EXTENSION;
    head[1] = Kind::GPdu.octet();
    head[2..4].copy_from_slice(&len.to_be_bytes());
    head[4..8].copy_from_slice(&teid.0.to_be_bytes());
    head[8..11].fill(0);
    head[11] = EXTENSION_PDU_SESSION_CONTAINER;
    head[12] = 1;
    head[13..15].copy_from_slice(&container.octets());
    head[15] = 0;
    Ok(())
}

/// A G-PDU around a copy of `packet`. Errors: as [`write_g_pdu`].
pub fn g_pdu(teid: Teid, container: Container, packet: &[u8]) -> Result<Vec<u8>, GtpuError> {
    let mut buffer = vec![0; HEADER_LEN + packet.len()];
    buffer[HEADER_LEN..].copy_from_slice(packet);
    write_g_pdu(&mut buffer, teid, container)?;
    Ok(buffer)
}

fn message(kind: Kind, teid: Teid, sequence: Option<u16>, ies: &[u8]) -> Vec<u8> {
    let optional = sequence.map_or(0, |_| 4);
    let mut out = vec![FLAGS | if sequence.is_some() { FLAG_SEQUENCE } else { 0 }, kind.octet()];
    out.extend_from_slice(&((ies.len() + optional) as u16).to_be_bytes());
    out.extend_from_slice(&teid.0.to_be_bytes());
    if let Some(sequence) = sequence {
        out.extend_from_slice(&sequence.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
    }
    out.extend_from_slice(ies);
    out
}

/// An Echo Request. Spec: TS 29.281 §7.2.1
pub fn echo_request(sequence: u16) -> Vec<u8> {
    message(Kind::EchoRequest, Teid(0), Some(sequence), &[])
}

/// The Echo Response to a request; the restart counter is zero. Spec: TS 29.281 §7.2.2
pub fn echo_response(sequence: u16) -> Vec<u8> {
    message(Kind::EchoResponse, Teid(0), Some(sequence), &[IE_RECOVERY, 0])
}

/// An End Marker. Spec: TS 29.281 §7.3.2
pub fn end_marker(teid: Teid) -> Vec<u8> {
    message(Kind::EndMarker, teid, None, &[])
}

/// An Error Indication about a packet that was sent to `teid` at `address`. Spec: TS 29.281 §7.3.1
pub fn error_indication(sequence: u16, teid: Teid, address: std::net::IpAddr) -> Vec<u8> {
    let mut ies = vec![IE_TEID_DATA_I];
    ies.extend_from_slice(&teid.0.to_be_bytes());
    ies.push(IE_PEER_ADDRESS);
    match address {
        std::net::IpAddr::V4(a) => {
            ies.extend_from_slice(&[0, 4]);
            ies.extend_from_slice(&a.octets());
        }
        std::net::IpAddr::V6(a) => {
            ies.extend_from_slice(&[0, 16]);
            ies.extend_from_slice(&a.octets());
        }
    }
    message(Kind::ErrorIndication, Teid(0), Some(sequence), &ies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 29.281 §5.1, TS 38.415 §5.5.2.2; bytes written by hand from the figures
    fn a_g_pdu_with_an_uplink_container_has_the_figures_octets() {
        let bytes = g_pdu(Teid(0x0102_0304), Container::Uplink { qfi: 9 }, &[0x45, 0xaa]).unwrap();
        let expected = [0x34, 0xff, 0, 10, 1, 2, 3, 4, 0, 0, 0, 0x85, 1, 0x10, 9, 0, 0x45, 0xaa];
        assert_eq!(bytes, expected);
        let packet = Packet::decode(&bytes).unwrap();
        assert_eq!(packet.container, Some(Container::Uplink { qfi: 9 }));
        assert_eq!((packet.kind, packet.teid, packet.payload), (Kind::GPdu, Teid(0x0102_0304), &[0x45, 0xaa][..]));
    }

    #[test] // Spec: TS 38.415 §5.5.2.1
    fn a_downlink_container_carries_the_reflective_bit() {
        let container = Container::Downlink { qfi: 63, rqi: true };
        let bytes = g_pdu(Teid(1), container, &[]).unwrap();
        assert_eq!(bytes[13..15], [0x00, 0x7f]);
        assert_eq!(Packet::decode(&bytes).unwrap().container, Some(container));
    }

    #[test] // Spec: TS 29.281 §7.2, §7.3
    fn path_and_tunnel_messages_round_trip() {
        let packet = echo_request(7);
        assert_eq!(packet, [0x32, 1, 0, 4, 0, 0, 0, 0, 0, 7, 0, 0]);
        assert_eq!(Packet::decode(&packet).unwrap().sequence, Some(7));
        let packet = echo_response(7);
        let response = Packet::decode(&packet).unwrap();
        assert_eq!((response.kind, response.payload), (Kind::EchoResponse, &[14, 0][..]));
        let packet = error_indication(1, Teid(5), [10, 0, 0, 1].into());
        let error = Packet::decode(&packet).unwrap();
        assert_eq!(error.error_indication(), Some((Teid(5), [10, 0, 0, 1].into())));
        assert_eq!(Packet::decode(&end_marker(Teid(9))).unwrap().teid, Teid(9));
    }

    #[test] // Spec: TS 29.281 §5.2.1 (extension headers that need not be understood are skipped)
    fn other_extension_headers_are_skipped_or_refused() {
        let skipped = [0x34, 255, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0x32, 1, 0, 0, 0x85, 1, 0x10, 5, 0];
        assert_eq!(Packet::decode(&skipped).unwrap().container, Some(Container::Uplink { qfi: 5 }));
        let mut required = skipped;
        required[11] = 0xc1;
        assert_eq!(Packet::decode(&required), Err(GtpuError::Extension(0xc1)));
        let mut endless = skipped;
        endless[12] = 0;
        assert_eq!(Packet::decode(&endless), Err(GtpuError::Truncated));
    }

    #[test] // Spec: TS 29.281 §5.1 (no bytes of a peer's reach a panic)
    fn every_truncation_and_flip_is_read_or_refused() {
        let samples = [
            g_pdu(Teid(1), Container::Uplink { qfi: 1 }, &[1; 20]).unwrap(),
            error_indication(1, Teid(5), [10, 0, 0, 1].into()),
            echo_response(2),
        ];
        for sample in samples {
            for len in 0..sample.len() {
                assert_eq!(Packet::decode(&sample[..len]), Err(GtpuError::Truncated));
            }
            for bit in 0..8 * sample.len() {
                let mut flipped = sample.clone();
                flipped[bit / 8] ^= 0x80 >> (bit % 8);
                if let Ok(packet) = Packet::decode(&flipped) {
                    packet.error_indication();
                }
            }
        }
    }
}
