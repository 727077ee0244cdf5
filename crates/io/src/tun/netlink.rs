//! The few requests of rtnetlink that a TUN interface needs: addresses, a route, rules. `ip` is not needed.
//!
//! Spec: Linux rtnetlink(7): the layouts of include/uapi/linux/{netlink,if_addr,rtnetlink,fib_rules}.h, in the machine's byte order.

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io::{Error, ErrorKind, Result};
use std::net::IpAddr;

const NLMSG_ERROR: u16 = 2;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWRULE: u16 = 32;
const RTM_DELRULE: u16 = 33;
const REQUEST_ACK: u16 = 0x5;
const REPLACE: u16 = 0x100;
const EXCL: u16 = 0x200;
const CREATE: u16 = 0x400;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
/// No duplicate address detection (nobody else is on the link), no route for the prefix.
const IFA_F_NODAD_NOPREFIXROUTE: u32 = 0x202;
const RTA_OIF: u16 = 4;
const RTA_PREFSRC: u16 = 7;
const RTA_TABLE: u16 = 15;
const FRA_SRC: u16 = 2;
const FRA_PRIORITY: u16 = 6;
const FRA_TABLE: u16 = 15;
const FRA_OIFNAME: u16 = 17;

/// What traffic a rule sends to a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selector<'a> {
    /// That of a source address.
    From(IpAddr),
    /// That of sockets which are bound to an interface; of IPv6 or of IPv4.
    Bound { name: &'a str, ipv6: bool },
    /// Whatever the rule says; of IPv6 or of IPv4.
    Any { ipv6: bool },
}

/// A request, as it goes to the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request(Vec<u8>);

fn family(ipv6: bool) -> u8 {
    if ipv6 { 10 } else { 2 }
}

fn octets(a: IpAddr) -> Vec<u8> {
    match a {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

impl Request {
    fn new(kind: u16, flags: u16, body: &[u8]) -> Self {
        let mut b = vec![0; 4];
        b.extend_from_slice(&kind.to_ne_bytes());
        b.extend_from_slice(&(REQUEST_ACK | flags).to_ne_bytes());
        b.extend_from_slice(&[0; 8]);
        b.extend_from_slice(body);
        Self(b)
    }
    fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }
    fn number(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_ne_bytes())
    }
    fn finish(mut self) -> Self {
        let len = self.0.len() as u32;
        self.0[..4].copy_from_slice(&len.to_ne_bytes());
        self
    }
    /// Gives interface `index` the address, or takes it away.
    pub fn address(a: IpAddr, index: u32, add: bool) -> Self {
        let bits = if a.is_ipv6() { 128 } else { 32 };
        let mut body = vec![family(a.is_ipv6()), bits, 0, 0];
        body.extend_from_slice(&index.to_ne_bytes());
        let (kind, flags) = if add { (RTM_NEWADDR, CREATE | REPLACE) } else { (RTM_DELADDR, 0) };
        Self::new(kind, flags, &body)
            .attribute(IFA_LOCAL, &octets(a))
            .attribute(IFA_ADDRESS, &octets(a))
            .number(IFA_FLAGS, IFA_F_NODAD_NOPREFIXROUTE)
            .finish()
    }
    /// In `table`, everything goes out at interface `index`, from `source` unless the sender has chosen another.
    pub fn default_route(source: IpAddr, index: u32, table: u32) -> Self {
        // Protocol 4: static; scope 253: the link, which IPv6 does not know; type 1: unicast.
        let scope = if source.is_ipv6() { 0 } else { 253 };
        let body = [family(source.is_ipv6()), 0, 0, 0, 0, 4, scope, 1, 0, 0, 0, 0];
        Self::new(RTM_NEWROUTE, CREATE | REPLACE, &body)
            .number(RTA_OIF, index)
            .number(RTA_TABLE, table)
            .attribute(RTA_PREFSRC, &octets(source))
            .finish()
    }
    /// A rule that leads what `selector` says to `table`, or its removal.
    pub fn rule(selector: Selector<'_>, table: u32, priority: u32, add: bool) -> Self {
        let (ipv6, bits) = match selector {
            Selector::From(a) => (a.is_ipv6(), if a.is_ipv6() { 128 } else { 32 }),
            Selector::Bound { ipv6, .. } | Selector::Any { ipv6 } => (ipv6, 0),
        };
        // Action 1: to the table.
        let body = [family(ipv6), 0, bits, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        let (kind, flags) = if add { (RTM_NEWRULE, CREATE | EXCL) } else { (RTM_DELRULE, 0) };
        let request = Self::new(kind, flags, &body).number(FRA_PRIORITY, priority).number(FRA_TABLE, table);
        match selector {
            Selector::From(a) => request.attribute(FRA_SRC, &octets(a)),
            Selector::Bound { name, .. } => request.attribute(FRA_OIFNAME, &[name.as_bytes(), &[0]].concat()),
            Selector::Any { .. } => request,
        }
        .finish()
    }
}

/// A socket to the kernel's routing.
#[derive(Debug)]
pub struct Netlink(Socket);

impl Netlink {
    /// Opens it. Errors: the operating system's.
    pub fn open() -> Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }
    /// Asks, and waits for the kernel's word, which comes at once. Errors: the kernel's; a rule that stands already is none.
    pub fn ask(&self, request: &Request) -> Result<()> {
        self.0.send(&request.0, 0)?;
        let (answer, _) = self.0.recv_from_full()?;
        match outcome(&answer) {
            Some(0) => Ok(()),
            Some(code) => {
                let e = Error::from_raw_os_error(code);
                if e.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(e) }
            }
            None => Err(Error::new(ErrorKind::InvalidData, "rtnetlink answered something else")),
        }
    }
}

/// The error number of an acknowledgement.
fn outcome(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let code = i32::from_ne_bytes(answer.get(16..20)?.try_into().ok()?);
    (kind == NLMSG_ERROR).then(|| code.saturating_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test] // Spec: Linux rtnetlink(7) (as `ip address add 10.45.0.2/32 dev N` and `ip rule add from 10.45.0.2 ...` send them)
    fn requests_have_the_kernels_layout() {
        let a: IpAddr = "10.45.0.2".parse().unwrap();
        let r = Request::address(a, 7, true).0;
        let mut want = vec![48, 0, 0, 0, 20, 0, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 2, 32, 0, 0, 7, 0, 0, 0];
        want.extend_from_slice(&[8, 0, 2, 0, 10, 45, 0, 2, 8, 0, 1, 0, 10, 45, 0, 2, 8, 0, 8, 0, 2, 2, 0, 0]);
        assert_eq!(r, want);
        let r = Request::rule(Selector::From(a), 300, 4500, true).0;
        let mut want = vec![52, 0, 0, 0, 32, 0, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 32, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        want.extend_from_slice(&[8, 0, 6, 0, 0x94, 0x11, 0, 0, 8, 0, 15, 0, 44, 1, 0, 0, 8, 0, 2, 0, 10, 45, 0, 2]);
        assert_eq!(r, want);
        // Attributes begin at multiples of four: the name and its zero are seven octets.
        let r = Request::rule(Selector::Bound { name: "irnue1", ipv6: true }, 1, 2, false).0;
        assert_eq!((r.len(), &r[r.len() - 12..]), (56, &[11, 0, 17, 0, b'i', b'r', b'n', b'u', b'e', b'1', 0, 0][..]));
    }

    #[test] // Spec: Linux netlink(7) (NLMSG_ERROR)
    fn an_answer_is_an_error_number() {
        let mut answer = vec![0; 36];
        answer[4..6].copy_from_slice(&2u16.to_ne_bytes());
        assert_eq!(outcome(&answer), Some(0));
        answer[16..20].copy_from_slice(&(-17i32).to_ne_bytes());
        assert_eq!(outcome(&answer), Some(17));
        answer[16..20].copy_from_slice(&i32::MIN.to_ne_bytes());
        assert_eq!(outcome(&answer), Some(i32::MAX));
        assert_eq!(outcome(&answer[..18]), None);
        assert_eq!(outcome(&[0; 36]), None);
    }
}
