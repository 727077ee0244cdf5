//! Router advertisements. Spec: TS 23.501 §5.8.2.2.3, TS 29.561 §10.2.2, RFC 4861 §4.2, RFC 8106 §5.1

use std::net::{IpAddr, Ipv6Addr};

/// The router's link-local address.
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ICMPV6: u8 = 58;
const ROUTER_ADVERTISEMENT: u8 = 134;
/// Autonomous address configuration; not on-link, for the UE is alone on its link (TS 29.561 §10.2.2).
const PREFIX_AUTONOMOUS: u8 = 0x40;

/// The IPv6 packet that tells a UE its /64, its MTU and its DNS servers.
pub(super) fn advertisement(prefix: Ipv6Addr, mtu: u16, dns: &[IpAddr]) -> Vec<u8> {
    let mut icmp = vec![ROUTER_ADVERTISEMENT, 0, 0, 0, 255, 0];
    // Router lifetime in seconds, then reachable time and retransmission timer unspecified.
    icmp.extend_from_slice(&65_535u16.to_be_bytes());
    icmp.extend_from_slice(&[0; 8]);
    icmp.extend_from_slice(&[3, 4, 64, PREFIX_AUTONOMOUS]);
    icmp.extend_from_slice(&u32::MAX.to_be_bytes());
    icmp.extend_from_slice(&u32::MAX.to_be_bytes());
    icmp.extend_from_slice(&[0; 4]);
    icmp.extend_from_slice(&prefix.octets());
    icmp.extend_from_slice(&[5, 1, 0, 0]);
    icmp.extend_from_slice(&u32::from(mtu).to_be_bytes());
    let servers = dns.iter().filter_map(|dns| match dns {
        IpAddr::V6(address) => Some(address.octets()),
        IpAddr::V4(_) => None,
    });
    let servers: Vec<[u8; 16]> = servers.take(3).collect();
    if !servers.is_empty() {
        icmp.extend_from_slice(&[25, 1 + 2 * servers.len() as u8, 0, 0]);
        icmp.extend_from_slice(&u32::MAX.to_be_bytes());
        servers.iter().for_each(|server| icmp.extend_from_slice(server));
    }
    let checksum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&checksum.to_be_bytes());
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend_from_slice(&(icmp.len() as u16).to_be_bytes());
    packet.extend_from_slice(&[ICMPV6, 255]);
    packet.extend_from_slice(&ROUTER.octets());
    packet.extend_from_slice(&ALL_NODES.octets());
    packet.extend_from_slice(&icmp);
    packet
}

/// The checksum over the pseudo header and the message. Spec: RFC 4443 §2.3, RFC 8200 §8.1
fn checksum(icmp: &[u8]) -> u16 {
    let addresses = [ROUTER.octets(), ALL_NODES.octets()].concat();
    let words = addresses.chunks(2).chain(icmp.chunks(2));
    let sum = words.map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0))).sum::<u32>();
    let mut sum = sum + icmp.len() as u32 + u32::from(ICMPV6);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
