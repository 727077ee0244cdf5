//! What the UPF reads of an IP packet. Spec: RFC 791 §3.1, RFC 8200 §3

use std::net::{Ipv4Addr, Ipv6Addr};

const ICMPV6: u8 = 58;
const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;

/// Addresses and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ip {
    V4 { source: Ipv4Addr, destination: Ipv4Addr },
    V6 { source: Ipv6Addr, destination: Ipv6Addr, icmp: Option<u8> },
}

impl Ip {
    /// Reads a packet; `None` if it is none, or shorter than it says.
    pub fn read(packet: &[u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => {
                let head: &[u8; 20] = packet.first_chunk()?;
                let (header_len, total) = (usize::from(head[0] & 15) * 4, u16::from_be_bytes([head[2], head[3]]));
                if header_len < 20 || usize::from(total) < header_len || usize::from(total) > packet.len() {
                    return None;
                }
                let address = |at: usize| Ipv4Addr::new(head[at], head[at + 1], head[at + 2], head[at + 3]);
                Some(Self::V4 { source: address(12), destination: address(16) })
            }
            6 => {
                let (head, rest) = packet.split_first_chunk::<40>()?;
                let payload = rest.get(..u16::from_be_bytes([head[4], head[5]]).into())?;
                let source = Ipv6Addr::from(*head[8..].first_chunk::<16>()?);
                let destination = Ipv6Addr::from(*head[24..].first_chunk::<16>()?);
                let icmp = if head[6] == ICMPV6 { payload.first().copied() } else { None };
                Some(Self::V6 { source, destination, icmp })
            }
            _ => None,
        }
    }

    pub fn is_solicitation(&self) -> bool {
        matches!(self, Self::V6 { icmp: Some(ROUTER_SOLICITATION), .. })
    }

    pub fn is_advertisement(&self) -> bool {
        matches!(self, Self::V6 { icmp: Some(ROUTER_ADVERTISEMENT), .. })
    }
}

/// The upper half of an address.
pub(super) fn prefix(address: Ipv6Addr) -> u64 {
    (u128::from(address) >> 64) as u64
}

/// Whether an address is of the link, and so not for N6.
pub(super) fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}
