//! Information elements. Spec: TS 29.244 §8.2

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::tlv::Ie;
use nr::Teid;

/// Cause. Spec: TS 29.244 §8.2.1
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cause(pub u8);

impl Cause {
    /// Request accepted.
    pub const ACCEPTED: Self = Self(1);
    /// Request rejected, reason not specified.
    pub const REJECTED: Self = Self(64);
    /// Session context not found.
    pub const SESSION_NOT_FOUND: Self = Self(65);
    /// Mandatory IE missing.
    pub const MANDATORY_IE_MISSING: Self = Self(66);
    /// Conditional IE missing.
    pub const CONDITIONAL_IE_MISSING: Self = Self(67);
    /// Mandatory IE incorrect.
    pub const MANDATORY_IE_INCORRECT: Self = Self(69);
    /// No established PFCP association.
    pub const NO_ASSOCIATION: Self = Self(72);
    /// Rule creation or modification failure.
    pub const RULE_FAILURE: Self = Self(73);
    /// No resources available.
    pub const NO_RESOURCES: Self = Self(75);

    /// The cause as the specification words it.
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "Request accepted",
            64 => "Request rejected",
            65 => "Session context not found",
            66 => "Mandatory IE missing",
            67 => "Conditional IE missing",
            69 => "Mandatory IE incorrect",
            72 => "No established PFCP association",
            73 => "Rule creation/modification failure",
            75 => "No resources available",
            _ => "another cause",
        }
    }
}

impl std::fmt::Debug for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{} ({})", self.0, self.name())
    }
}

impl Ie for Cause {
    fn decode(value: &[u8]) -> Option<Self> {
        value.first().map(|v| Self(*v))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }
}

/// Node ID. Spec: TS 29.244 §8.2.38
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeId {
    /// An address.
    Address(IpAddr),
    /// A name, in its labels' octets.
    Fqdn(Vec<u8>),
}

impl Ie for NodeId {
    fn decode(value: &[u8]) -> Option<Self> {
        let (kind, rest) = value.split_first()?;
        match kind & 15 {
            0 => rest.first_chunk::<4>().map(|a| Self::Address(IpAddr::from(*a))),
            1 => rest.first_chunk::<16>().map(|a| Self::Address(IpAddr::from(*a))),
            2 => Some(Self::Fqdn(rest.to_vec())),
            _ => None,
        }
    }
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Address(IpAddr::V4(address)) => {
                out.push(0);
                out.extend_from_slice(&address.octets());
            }
            Self::Address(IpAddr::V6(address)) => {
                out.push(1);
                out.extend_from_slice(&address.octets());
            }
            Self::Fqdn(labels) => {
                out.push(2);
                out.extend_from_slice(labels);
            }
        }
    }
}

/// Reads an IPv4 and an IPv6 address, as two flags say, in that order.
fn addresses(rest: &[u8], v4: bool, v6: bool) -> Option<(Option<Ipv4Addr>, Option<Ipv6Addr>, &[u8])> {
    let (v4, rest) = match v4 {
        true => rest.split_first_chunk::<4>().map(|(a, rest)| (Some(Ipv4Addr::from(*a)), rest))?,
        false => (None, rest),
    };
    let (v6, rest) = match v6 {
        true => rest.split_first_chunk::<16>().map(|(a, rest)| (Some(Ipv6Addr::from(*a)), rest))?,
        false => (None, rest),
    };
    Some((v4, v6, rest))
}

fn put_addresses(v4: Option<Ipv4Addr>, v6: Option<Ipv6Addr>, out: &mut Vec<u8>) {
    out.extend(v4.into_iter().flat_map(|a| a.octets()));
    out.extend(v6.into_iter().flat_map(|a| a.octets()));
}

/// F-SEID: a session's endpoint. Spec: TS 29.244 §8.2.37
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FSeid {
    /// Session endpoint identifier.
    pub seid: u64,
    /// IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
}

impl FSeid {
    /// An endpoint at one address.
    pub fn new(seid: u64, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self { seid, ipv4: Some(address), ipv6: None },
            IpAddr::V6(address) => Self { seid, ipv4: None, ipv6: Some(address) },
        }
    }
}

impl Ie for FSeid {
    fn decode(value: &[u8]) -> Option<Self> {
        let (flags, rest) = value.split_first()?;
        let (seid, rest) = rest.split_first_chunk()?;
        let (ipv4, ipv6, _) = addresses(rest, flags & 2 != 0, flags & 1 != 0)?;
        Some(Self { seid: u64::from_be_bytes(*seid), ipv4, ipv6 })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.ipv4.is_some()) << 1 | u8::from(self.ipv6.is_some()));
        out.extend_from_slice(&self.seid.to_be_bytes());
        put_addresses(self.ipv4, self.ipv6, out);
    }
}

/// F-TEID: a tunnel's endpoint, or the wish that the UPF chooses one. Spec: TS 29.244 §8.2.3
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FTeid {
    /// This one.
    Given {
        /// TEID.
        teid: Teid,
        /// IPv4 address.
        ipv4: Option<Ipv4Addr>,
        /// IPv6 address.
        ipv6: Option<Ipv6Addr>,
    },
    /// The UPF chooses; PDRs that name the same number share it.
    Choose {
        /// At an IPv4 address.
        ipv4: bool,
        /// At an IPv6 address.
        ipv6: bool,
        /// The number.
        choose_id: Option<u8>,
    },
}

impl FTeid {
    /// A tunnel at one address.
    pub fn new(teid: Teid, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::Given { teid, ipv4: Some(address), ipv6: None },
            IpAddr::V6(address) => Self::Given { teid, ipv4: None, ipv6: Some(address) },
        }
    }
}

impl Ie for FTeid {
    fn decode(value: &[u8]) -> Option<Self> {
        let (flags, rest) = value.split_first()?;
        let (v4, v6) = (flags & 1 != 0, flags & 2 != 0);
        if flags & 4 != 0 {
            let choose_id = if flags & 8 != 0 { Some(*rest.first()?) } else { None };
            return Some(Self::Choose { ipv4: v4, ipv6: v6, choose_id });
        }
        let (teid, rest) = rest.split_first_chunk()?;
        let (ipv4, ipv6, _) = addresses(rest, v4, v6)?;
        Some(Self::Given { teid: Teid(u32::from_be_bytes(*teid)), ipv4, ipv6 })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Given { teid, ipv4, ipv6 } => {
                out.push(u8::from(ipv6.is_some()) << 1 | u8::from(ipv4.is_some()));
                out.extend_from_slice(&teid.0.to_be_bytes());
                put_addresses(ipv4, ipv6, out);
            }
            Self::Choose { ipv4, ipv6, choose_id } => {
                out.push(u8::from(choose_id.is_some()) << 3 | 4 | u8::from(ipv6) << 1 | u8::from(ipv4));
                out.extend(choose_id);
            }
        }
    }
}

/// UE IP address. Spec: TS 29.244 §8.2.62
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UeIpAddress {
    /// Matched against the destination address, else the source address.
    pub destination: bool,
    /// IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 address; its /64 prefix is matched.
    pub ipv6: Option<Ipv6Addr>,
}

impl Ie for UeIpAddress {
    fn decode(value: &[u8]) -> Option<Self> {
        let (flags, rest) = value.split_first()?;
        let (ipv4, ipv6, _) = addresses(rest, flags & 2 != 0, flags & 1 != 0)?;
        Some(Self { destination: flags & 4 != 0, ipv4, ipv6 })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        let addresses = u8::from(self.ipv4.is_some()) << 1 | u8::from(self.ipv6.is_some());
        out.push(u8::from(self.destination) << 2 | addresses);
        put_addresses(self.ipv4, self.ipv6, out);
    }
}

/// Outer header creation: GTP-U over UDP to this tunnel. Spec: TS 29.244 §8.2.56
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OuterHeaderCreation {
    /// TEID.
    pub teid: Teid,
    /// Where to.
    pub address: IpAddr,
}

impl Ie for OuterHeaderCreation {
    fn decode(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_first_chunk::<6>()?;
        let teid = Teid(u32::from_be_bytes([head[2], head[3], head[4], head[5]]));
        let address = match head[0] {
            1 => IpAddr::from(*rest.first_chunk::<4>()?),
            2 => IpAddr::from(*rest.first_chunk::<16>()?),
            _ => return None,
        };
        Some(Self { teid, address })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[if self.address.is_ipv4() { 1 } else { 2 }, 0]);
        out.extend_from_slice(&self.teid.0.to_be_bytes());
        match self.address {
            IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
        }
    }
}

/// Source or destination interface. Spec: TS 29.244 §8.2.2, §8.2.24
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// Towards the UE: N3.
    Access,
    /// Towards the data network: N6.
    Core,
    /// N6-LAN.
    N6Lan,
    /// The SMF.
    CpFunction,
}

impl Ie for Interface {
    fn decode(value: &[u8]) -> Option<Self> {
        Some(match value.first()? & 15 {
            0 => Self::Access,
            1 => Self::Core,
            2 => Self::N6Lan,
            3 => Self::CpFunction,
            _ => return None,
        })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

/// Apply action. Spec: TS 29.244 §8.2.26
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyAction {
    /// DROP.
    pub drop: bool,
    /// FORW.
    pub forward: bool,
    /// BUFF.
    pub buffer: bool,
    /// NOCP: tell the SMF.
    pub notify: bool,
}

impl ApplyAction {
    /// FORW alone.
    pub const FORWARD: Self = Self { drop: false, forward: true, buffer: false, notify: false };
    /// DROP alone.
    pub const DROP: Self = Self { drop: true, forward: false, buffer: false, notify: false };
    /// BUFF, and NOCP: the SMF is told of the first packet.
    pub const BUFFER_AND_NOTIFY: Self = Self { drop: false, forward: false, buffer: true, notify: true };
}

impl Ie for ApplyAction {
    fn decode(value: &[u8]) -> Option<Self> {
        let flags = value.first()?;
        Some(Self { drop: flags & 1 != 0, forward: flags & 2 != 0, buffer: flags & 4 != 0, notify: flags & 8 != 0 })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        let (first, second) = (u8::from(self.drop) | u8::from(self.forward) << 1, u8::from(self.buffer) << 2);
        out.extend_from_slice(&[first | second | u8::from(self.notify) << 3, 0]);
    }
}

/// Network instance: a DNN, dotted. Spec: TS 29.244 §8.2.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInstance(pub String);

impl Ie for NetworkInstance {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut labels = Vec::new();
        let mut rest = value;
        while let Some((len, after)) = rest.split_first() {
            let (label, after) = after.split_at_checked((*len).into())?;
            labels.push(std::str::from_utf8(label).ok()?);
            rest = after;
        }
        Some(Self(labels.join(".")))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        for label in self.0.split('.') {
            let label = &label.as_bytes()[..label.len().min(63)];
            out.push(label.len() as u8);
            out.extend_from_slice(label);
        }
    }
}

/// Maximum bit rate, kbit/s. Spec: TS 29.244 §8.2.8
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mbr {
    /// Uplink, 40 bits.
    pub uplink_kbps: u64,
    /// Downlink, 40 bits.
    pub downlink_kbps: u64,
}

impl Ie for Mbr {
    fn decode(value: &[u8]) -> Option<Self> {
        let rate = |b: &[u8]| b.iter().fold(0u64, |acc, byte| acc << 8 | u64::from(*byte));
        Some(Self { uplink_kbps: rate(value.get(..5)?), downlink_kbps: rate(value.get(5..10)?) })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.uplink_kbps.to_be_bytes()[3..]);
        out.extend_from_slice(&self.downlink_kbps.to_be_bytes()[3..]);
    }
}

/// Gate status. Spec: TS 29.244 §8.2.7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateStatus {
    /// Uplink packets pass.
    pub uplink_open: bool,
    /// Downlink packets pass.
    pub downlink_open: bool,
}

impl GateStatus {
    /// Both ways.
    pub const OPEN: Self = Self { uplink_open: true, downlink_open: true };
}

impl Ie for GateStatus {
    fn decode(value: &[u8]) -> Option<Self> {
        let octet = value.first()?;
        Some(Self { uplink_open: octet >> 2 & 3 == 0, downlink_open: octet & 3 == 0 })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(!self.uplink_open) << 2 | u8::from(!self.downlink_open));
    }
}

/// Volume measurement: octets of each direction. Spec: TS 29.244 §8.2.45
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Uplink octets.
    pub uplink: u64,
    /// Downlink octets.
    pub downlink: u64,
}

impl Ie for Volume {
    fn decode(value: &[u8]) -> Option<Self> {
        let (flags, mut rest) = value.split_first()?;
        let mut next = |present: bool| -> Option<u64> {
            if !present {
                return Some(0);
            }
            let (octets, after) = rest.split_first_chunk()?;
            rest = after;
            Some(u64::from_be_bytes(*octets))
        };
        next(flags & 1 != 0)?;
        Some(Self { uplink: next(flags & 2 != 0)?, downlink: next(flags & 4 != 0)? })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(7);
        for octets in [self.uplink.saturating_add(self.downlink), self.uplink, self.downlink] {
            out.extend_from_slice(&octets.to_be_bytes());
        }
    }
}

/// Reporting triggers, or those of a usage report: three octets of flags. Spec: TS 29.244 §8.2.19, §8.2.41
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triggers(pub [u8; 3]);

impl Ie for Triggers {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut octets = [0; 3];
        value.get(..2)?;
        value.iter().zip(&mut octets).for_each(|(from, to)| *to = *from);
        Some(Self(octets))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}
