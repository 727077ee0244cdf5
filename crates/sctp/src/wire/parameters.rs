use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{WireError, pad, padded, truncated, u16_at};

/// Addresses of a peer that are read; more are left out.
pub const ADDRESSES_MAX: usize = 8;

/// Octets of parameters that are reported back as unrecognized; more are left out.
const UNRECOGNIZED_MAX: usize = 512;

/// Parameter types. Spec: RFC 9260 §3.3.2.1, §3.3.3.1, §3.3.5
pub mod parameter {
    /// Heartbeat info.
    pub const HEARTBEAT_INFO: u16 = 1;
    /// IPv4 address.
    pub const IPV4: u16 = 5;
    /// IPv6 address.
    pub const IPV6: u16 = 6;
    /// State cookie.
    pub const STATE_COOKIE: u16 = 7;
    /// Unrecognized parameter.
    pub const UNRECOGNIZED: u16 = 8;
    /// Cookie preservative.
    pub const COOKIE_PRESERVATIVE: u16 = 9;
    /// Host name address, deprecated: answered with an ABORT.
    pub const HOST_NAME: u16 = 11;
    /// Supported address types.
    pub const SUPPORTED_ADDRESS_TYPES: u16 = 12;
}

/// A parameter as its type and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawParameter<'a> {
    /// Parameter type.
    pub kind: u16,
    /// The value, without padding.
    pub value: &'a [u8],
    /// The whole parameter, without padding.
    pub whole: &'a [u8],
}

/// Goes through parameters, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Parameters in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Parameters<'a> {
        Parameters { rest: bytes }
    }
    /// The octets that were not gone through yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<RawParameter<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let len = usize::from(u16_at(self.rest, 2));
        let whole = match self.rest.get(..len) {
            Some(whole) if len >= 4 => whole,
            _ => {
                self.rest = &[];
                return Some(Err(truncated("a parameter", "3.2.1")));
            }
        };
        self.rest = self.rest.get(padded(len)..).unwrap_or(&[]);
        Some(Ok(RawParameter { kind: u16_at(whole, 0), value: &whole[4..], whole }))
    }
}

/// What the parameters of INIT and INIT ACK say. Spec: RFC 9260 §3.3.2.1, §3.3.3.1
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitParameters<'a> {
    /// Addresses of the sender beside the source address, at most [`ADDRESSES_MAX`].
    pub addresses: Vec<IpAddr>,
    /// The state cookie.
    pub cookie: Option<&'a [u8]>,
    /// By how many milliseconds a cookie is asked to live longer.
    pub preservative_ms: Option<u32>,
    /// There is a host name, which nobody may use any longer.
    pub host_name: Option<&'a [u8]>,
    /// Unknown parameters that must be reported, each padded, at most some of them.
    pub unrecognized: Vec<u8>,
}

impl<'a> InitParameters<'a> {
    /// Reads the parameters; unknown ones are treated as the two high bits of their type say.
    ///
    /// Spec: RFC 9260 §3.2.1. Errors: a length that is wrong.
    pub fn decode(parameters: Parameters<'a>) -> Result<InitParameters<'a>, WireError> {
        let mut all = InitParameters::default();
        for p in parameters {
            let p = p?;
            match p.kind {
                parameter::IPV4 | parameter::IPV6 => {
                    let address = address(&p).ok_or(truncated("an address parameter", "3.3.2.1"))?;
                    if all.addresses.len() < ADDRESSES_MAX && !all.addresses.contains(&address) {
                        all.addresses.push(address);
                    }
                }
                parameter::STATE_COOKIE => all.cookie = Some(p.value),
                parameter::COOKIE_PRESERVATIVE => all.preservative_ms = Some(super::u32_at(p.value, 0)),
                parameter::HOST_NAME => all.host_name = Some(p.whole),
                parameter::UNRECOGNIZED | parameter::SUPPORTED_ADDRESS_TYPES => {}
                unknown => {
                    let len = all.unrecognized.len();
                    if unknown & 0x4000 != 0 && len + padded(p.whole.len()) <= UNRECOGNIZED_MAX {
                        all.unrecognized.extend_from_slice(p.whole);
                        pad(&mut all.unrecognized, len);
                    }
                    if unknown & 0x8000 == 0 {
                        break;
                    }
                }
            }
        }
        Ok(all)
    }
}

/// The address of an address parameter; `None` where it is none or has another length.
pub(crate) fn address(p: &RawParameter<'_>) -> Option<IpAddr> {
    match p.kind {
        parameter::IPV4 => <[u8; 4]>::try_from(p.value).ok().map(|a| Ipv4Addr::from(a).into()),
        parameter::IPV6 => <[u8; 16]>::try_from(p.value).ok().map(|a| Ipv6Addr::from(a).into()),
        _ => None,
    }
}

/// Appends a parameter with its padding.
pub(crate) fn put_parameter(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let from = out.len();
    let value = &value[..value.len().min(usize::from(u16::MAX) - 4)];
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16 + 4).to_be_bytes());
    out.extend_from_slice(value);
    pad(out, from);
}

/// Appends an address parameter.
pub(crate) fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(a) => put_parameter(out, parameter::IPV4, &a.octets()),
        IpAddr::V6(a) => put_parameter(out, parameter::IPV6, &a.octets()),
    }
}
