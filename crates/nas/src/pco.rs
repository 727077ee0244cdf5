//! Extended protocol configuration options. Spec: TS 24.501 §9.11.4.6, TS 24.008 §10.5.6.3

use crate::codec::{Ie, Reader};

/// Options in their order: container identifier and contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pco(pub Vec<(u16, Vec<u8>)>);

/// DNS server IPv6 address (request: empty).
pub const DNS_SERVER_IPV6: u16 = 0x0003;
/// IP address allocation via NAS signalling.
pub const IP_ADDRESS_ALLOCATION_VIA_NAS: u16 = 0x000a;
/// DNS server IPv4 address (request: empty).
pub const DNS_SERVER_IPV4: u16 = 0x000d;
/// IPv4 link MTU (request: empty), two octets.
pub const IPV4_LINK_MTU: u16 = 0x0010;

impl Pco {
    /// What a UE asks for: DNS servers of both families, the MTU, its address in NAS.
    pub fn request() -> Self {
        Self(
            [DNS_SERVER_IPV4, DNS_SERVER_IPV6, IP_ADDRESS_ALLOCATION_VIA_NAS, IPV4_LINK_MTU]
                .map(|id| (id, Vec::new()))
                .to_vec(),
        )
    }
    /// Whether an option is there.
    pub fn has(&self, id: u16) -> bool {
        self.0.iter().any(|(i, _)| *i == id)
    }
    /// IPv4 DNS servers.
    pub fn dns_ipv4(&self) -> Vec<[u8; 4]> {
        self.contents(DNS_SERVER_IPV4).filter_map(|c| c.try_into().ok()).collect()
    }
    /// IPv6 DNS servers.
    pub fn dns_ipv6(&self) -> Vec<[u8; 16]> {
        self.contents(DNS_SERVER_IPV6).filter_map(|c| c.try_into().ok()).collect()
    }
    /// The IPv4 link MTU in octets.
    pub fn mtu(&self) -> Option<u16> {
        self.contents(IPV4_LINK_MTU).find_map(|c| c.try_into().ok()).map(u16::from_be_bytes)
    }
    fn contents(&self, id: u16) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(i, _)| *i == id).map(|(_, c)| c.as_slice())
    }
}

impl Ie for Pco {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        reader.u8()?;
        let mut options = Vec::new();
        while !reader.is_empty() {
            options.push((reader.u16()?, reader.lv()?.to_vec()));
        }
        Some(Self(options))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(0x80);
        for (id, contents) in &self.0 {
            out.extend_from_slice(&id.to_be_bytes());
            crate::codec::put_lv(contents, out);
        }
    }
}
