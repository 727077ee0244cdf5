//! Whose a downlink packet is, where a terminal's address serves two: the user-space stack and the operating system behind a TUN.
//!
//! | packet | goes to |
//! |---|---|
//! | TCP of a connection that a socket of the stack has open (both addresses, both ports) | the stack |
//! | UDP from the session's DNS server to the port that the stack asks from | the stack |
//! | ICMP echo reply with the stack's identifier and the number of an echo that is out | the stack |
//! | an ICMP error about a packet of one of these | the stack |
//! | neighbour discovery with its router advertisements, anything to a multicast group | the stack |
//! | anything else: TUN's own flows, whatever comes unasked | TUN |
//!
//! So nothing need be remembered of what TUN sends. So that the two do not want the same ports, the stack takes its own from
//! [`PORTS_APART`], beyond those that Linux draws from (32768 to 60999).

use smoltcp::wire::{Icmpv6Packet, IpAddress, IpEndpoint, IpProtocol, Ipv4Packet, Ipv6Packet};
use std::ops::RangeInclusive;

/// Local ports of the stack where a TUN stands beside it.
pub const PORTS_APART: RangeInclusive<u16> = 61_000..=u16::MAX;

/// What tells whose a packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// TCP: our end, the far end.
    Tcp { local: IpEndpoint, remote: IpEndpoint },
    /// UDP: our end, the far end.
    Udp { local: IpEndpoint, remote: IpEndpoint },
    /// An ICMP echo.
    Echo { ident: u16, seq: u16 },
    /// What a link needs of IPv6, and multicast.
    Link,
    /// Nothing that the stack would know.
    Other,
}

/// The flow of a packet to the terminal. Never fails: what cannot be read is [`Flow::Other`].
pub fn flow(packet: &[u8]) -> Flow {
    match Ip::read(packet) {
        Some(ip) if ip.dst.is_multicast() => Flow::Link,
        Some(ip) => ip.flow(false),
        None => Flow::Other,
    }
}

/// The source address of a packet; `None` if it is no IP packet.
pub fn source(packet: &[u8]) -> Option<std::net::IpAddr> {
    Ip::read(packet).map(|ip| ip.src.into())
}

struct Ip<'a> {
    src: IpAddress,
    dst: IpAddress,
    protocol: IpProtocol,
    payload: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

impl<'a> Ip<'a> {
    /// Lengths are not compared: an ICMP error holds the beginning of a packet only.
    fn read(packet: &'a [u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => {
                let head = packet.get(..20)?;
                let p = Ipv4Packet::new_unchecked(head);
                // The ports stand in the first fragment.
                let payload = packet.get(usize::from(p.header_len())..).filter(|_| p.frag_offset() == 0)?;
                Some(Self { src: p.src_addr().into(), dst: p.dst_addr().into(), protocol: p.next_header(), payload })
            }
            6 => {
                let p = Ipv6Packet::new_unchecked(packet.get(..40)?);
                let payload = &packet[40..];
                Some(Self { src: p.src_addr().into(), dst: p.dst_addr().into(), protocol: p.next_header(), payload })
            }
            _ => None,
        }
    }
    /// `ours`: the packet is one that we sent.
    fn flow(&self, ours: bool) -> Flow {
        self.known(ours).unwrap_or(Flow::Other)
    }
    fn known(&self, ours: bool) -> Option<Flow> {
        let ports = || {
            let (src, dst) = (word(self.payload, 0)?, word(self.payload, 2)?);
            let (src, dst) = (IpEndpoint::new(self.src, src), IpEndpoint::new(self.dst, dst));
            Some(if ours { (src, dst) } else { (dst, src) })
        };
        match self.protocol {
            IpProtocol::Tcp => ports().map(|(local, remote)| Flow::Tcp { local, remote }),
            IpProtocol::Udp => ports().map(|(local, remote)| Flow::Udp { local, remote }),
            IpProtocol::Icmp => self.icmp(ours, (8, 0), &[3, 4, 5, 11, 12]),
            IpProtocol::Icmpv6 => {
                let kind = u8::from(Icmpv6Packet::new_unchecked(self.payload.get(..8)?).msg_type());
                if (133..=137).contains(&kind) { Some(Flow::Link) } else { self.icmp(ours, (128, 129), &[1, 2, 3, 4]) }
            }
            _ => None,
        }
    }
    /// `echo`: types of request and reply; `errors`: types that hold a packet of ours from their ninth octet on.
    fn icmp(&self, ours: bool, echo: (u8, u8), errors: &[u8]) -> Option<Flow> {
        let kind = *self.payload.first()?;
        if kind == if ours { echo.0 } else { echo.1 } {
            return Some(Flow::Echo { ident: word(self.payload, 4)?, seq: word(self.payload, 6)? });
        }
        if !ours && errors.contains(&kind) {
            return Some(Ip::read(self.payload.get(8..)?)?.flow(true));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UE: [u8; 4] = [10, 45, 0, 2];
    const FAR: [u8; 4] = [10, 45, 0, 1];

    fn v4(protocol: u8, src: [u8; 4], dst: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut p = vec![0x45, 0, 0, 20 + payload.len() as u8, 0, 0, 0, 0, 64, protocol, 0, 0];
        p.extend_from_slice(&src);
        p.extend_from_slice(&dst);
        p.extend_from_slice(payload);
        p
    }

    fn v6(next: u8, dst: u8, payload: &[u8]) -> Vec<u8> {
        let mut p = vec![0x60, 0, 0, 0, 0, payload.len() as u8, next, 64];
        p.extend_from_slice(&[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        p.extend_from_slice(&[dst, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        p.extend_from_slice(payload);
        p
    }

    fn end(a: [u8; 4], port: u16) -> IpEndpoint {
        IpEndpoint::new(IpAddress::v4(a[0], a[1], a[2], a[3]), port)
    }

    #[test] // Spec: RFC 9293 §3.1, RFC 768, RFC 792, RFC 4443 §4.2 (ports, echo)
    fn flows_are_read_from_their_packets() {
        let (local, remote) = (end(UE, 0xee48), end(FAR, 80));
        let ports = [0, 80, 0xee, 0x48];
        assert_eq!(flow(&v4(6, FAR, UE, &ports)), Flow::Tcp { local, remote });
        assert_eq!(flow(&v4(17, FAR, UE, &ports)), Flow::Udp { local, remote });
        let echo = Flow::Echo { ident: 0x0102, seq: 0x0304 };
        assert_eq!(flow(&v4(1, FAR, UE, &[0, 0, 0, 0, 1, 2, 3, 4])), echo);
        assert_eq!(flow(&v6(58, 0x20, &[129, 0, 0, 0, 1, 2, 3, 4])), echo);
        // A request is not ours: the operating system answers it.
        assert_eq!(flow(&v4(1, FAR, UE, &[8, 0, 0, 0, 1, 2, 3, 4])), Flow::Other);
        assert_eq!(flow(&v6(58, 0x20, &[128, 0, 0, 0, 1, 2, 3, 4])), Flow::Other);
        assert_eq!(flow(&v6(58, 0x20, &[134, 0, 0, 0, 1, 2, 3, 4])), Flow::Link);
        assert_eq!(flow(&v6(17, 0xff, &ports)), Flow::Link);
        assert_eq!(source(&v4(6, FAR, UE, &ports)), Some("10.45.0.1".parse().unwrap()));
    }

    #[test] // Spec: RFC 792 (destination unreachable), RFC 4443 §3
    fn an_error_belongs_to_whom_it_is_about() {
        let mut error = vec![3, 3, 0, 0, 0, 0, 0, 0];
        error.extend(v4(17, UE, FAR, &[0xee, 0x48, 0, 53]));
        let (local, remote) = (end(UE, 0xee48), end(FAR, 53));
        assert_eq!(flow(&v4(1, FAR, UE, &error)), Flow::Udp { local, remote });
        let mut error = vec![11, 0, 0, 0, 0, 0, 0, 0];
        error.extend(v4(1, UE, FAR, &[8, 0, 0, 0, 1, 2, 3, 4]));
        assert_eq!(flow(&v4(1, FAR, UE, &error)), Flow::Echo { ident: 0x0102, seq: 0x0304 });
    }

    #[test] // Spec: RFC 791 (later fragments), and whatever a peer sends
    fn what_cannot_be_read_is_nobodys_but_tuns() {
        let mut fragment = v4(6, FAR, UE, &[0, 80, 0xee, 0x48]);
        fragment[7] = 9;
        assert_eq!(flow(&fragment), Flow::Other);
        let mut long_header = v4(6, FAR, UE, &[0, 80, 0xee, 0x48]);
        long_header[0] = 0x4f;
        assert_eq!(flow(&long_header), Flow::Other);
        let mut error = vec![3, 3, 0, 0, 0, 0, 0, 0];
        error.extend(v4(17, UE, FAR, &[0xee, 0x48, 0, 53]));
        for whole in [v4(1, FAR, UE, &error), v6(58, 0x20, &[129, 0, 0, 0, 1, 2, 3, 4])] {
            for n in 0..whole.len() {
                flow(&whole[..n]);
            }
        }
        assert_eq!(flow(&[]), Flow::Other);
    }
}
