//! Which addresses N6 lets through.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What may be reached from the data network.
#[derive(Clone, Debug, Default)]
pub struct N6Policy {
    /// Networks allowed by name: they win over every refusal.
    pub allow: Vec<IpNet>,
    /// Addresses of this machine.
    own: Vec<IpAddr>,
    /// Nothing outside at all (virtual time).
    pub closed: bool,
}

impl N6Policy {
    /// Public addresses pass, and `allow`; this machine's own addresses do not unless they are in `allow`.
    pub fn new(allow: Vec<IpNet>) -> Self {
        let own = if_addrs::get_if_addrs().map(|l| l.into_iter().map(|i| i.ip()).collect()).unwrap_or_default();
        Self { allow, own, closed: false }
    }
    /// Nothing passes.
    pub fn closed() -> Self {
        Self { closed: true, ..Self::default() }
    }
    /// Whether `address` may be reached. Call it with the resolved address, never with a name.
    pub fn permits(&self, address: IpAddr) -> bool {
        if self.closed {
            return false;
        }
        let plain = canonical(address);
        if self.allow.iter().any(|n| n.contains(&plain)) {
            return true;
        }
        if self.own.contains(&plain) {
            return false;
        }
        match plain {
            IpAddr::V4(a) => is_public_v4(a),
            IpAddr::V6(a) => is_public_v6(a),
        }
    }
}

/// IPv4 addresses hidden in IPv6 (mapped, 6to4, NAT64) are judged as what they lead to.
fn canonical(a: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = a else { return a };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    let s = v6.segments();
    let tail = |hi: u16, lo: u16| IpAddr::V4(Ipv4Addr::from(((hi as u32) << 16) | lo as u32));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] => tail(hi, lo),
        [0x2002, hi, lo, ..] => tail(hi, lo),
        _ => a,
    }
}

fn is_public_v4(a: Ipv4Addr) -> bool {
    let o = a.octets();
    !(a.is_private()
        || a.is_loopback()
        || a.is_link_local()
        || a.is_multicast()
        || a.is_broadcast()
        || a.is_documentation()
        || a.is_unspecified()
        || o[0] == 0
        || o[0] >= 240
        || (o[0] == 100 && (64..128).contains(&o[1]))
        || (o[0] == 192 && o[1] == 0 && o[2] == 0)
        || (o[0] == 198 && (o[1] == 18 || o[1] == 19)))
}

fn is_public_v6(a: Ipv6Addr) -> bool {
    let s = a.segments();
    // 2000::/3 is what is given out; documentation and the unique-local, link-local, multicast ranges lie outside or are named.
    (s[0] & 0xe000) == 0x2000 && !(s[0] == 0x2001 && (s[1] == 0xdb8 || s[1] < 0x200))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allow: &[&str], a: &str) -> bool {
        let p = N6Policy { allow: allow.iter().map(|n| n.parse().unwrap()).collect(), ..N6Policy::default() };
        p.permits(a.parse().unwrap())
    }

    #[test] // Spec: RFC 6890 (special-purpose address registries)
    fn special_addresses_are_refused_unless_named() {
        for a in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "2001:db8::1",
        ] {
            assert!(!permits(&[], a), "{a}");
        }
        for a in ["1.1.1.1", "2606:4700::1", "::ffff:1.1.1.1"] {
            assert!(permits(&[], a), "{a}");
        }
        assert!(permits(&["127.0.0.1/32"], "127.0.0.1"));
        assert!(permits(&["127.0.0.1/32"], "::ffff:127.0.0.1"));
        assert!(!permits(&["127.0.0.1/32"], "127.0.0.2"));
        assert!(!N6Policy::closed().permits("1.1.1.1".parse().unwrap()));
    }
}
