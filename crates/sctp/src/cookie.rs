//! The state cookie: all that must be known about a peer before it has proved that it hears us.
//!
//! Nothing is kept at INIT. What is needed goes to the peer inside the cookie, signed with HMAC-SHA-256 under a secret of the endpoint's
//! own, and comes back with COOKIE ECHO.
//!
//! Spec: RFC 9260 §5.1.3, §5.1.5

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use nr::Tc;
use sha2::Sha256;

use crate::wire::ADDRESSES_MAX;

const MAC_LEN: usize = 32;
const FIXED_LEN: usize = 59;

/// What a cookie says. Tags and TSNs as seen by the endpoint that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    /// When it was made.
    pub made: Tc,
    /// How long it lives.
    pub life: Tc,
    pub local_port: u16,
    pub remote_port: u16,
    pub local_tag: u32,
    pub remote_tag: u32,
    pub local_tsn: u32,
    pub remote_tsn: u32,
    /// The peer's window at INIT, octets.
    pub a_rwnd: u32,
    /// Streams: ours to send on, the peer's.
    pub outbound: u16,
    pub inbound: u16,
    /// Nonces of the association that was there when INIT came; 0 where there was none.
    pub local_tie: u32,
    pub remote_tie: u32,
    /// Where INIT came to.
    pub local: IpAddr,
    /// Where INIT came from, then what its parameters added.
    pub addresses: Vec<IpAddr>,
}

impl Cookie {
    /// The cookie's octets, signed.
    pub fn encode(&self, secret: &[u8; 32]) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED_LEN + 18 * (1 + self.addresses.len()) + MAC_LEN);
        out.extend_from_slice(&self.made.0.to_be_bytes());
        out.extend_from_slice(&self.life.0.to_be_bytes());
        out.extend_from_slice(&self.local_port.to_be_bytes());
        out.extend_from_slice(&self.remote_port.to_be_bytes());
        for word in [self.local_tag, self.remote_tag, self.local_tsn, self.remote_tsn, self.a_rwnd] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(&self.outbound.to_be_bytes());
        out.extend_from_slice(&self.inbound.to_be_bytes());
        out.extend_from_slice(&self.local_tie.to_be_bytes());
        out.extend_from_slice(&self.remote_tie.to_be_bytes());
        put(&mut out, self.local);
        self.addresses.iter().take(1 + ADDRESSES_MAX).for_each(|a| put(&mut out, *a));
        let signature = mac(secret, &out).finalize().into_bytes();
        out.extend_from_slice(&signature);
        out
    }

    /// The cookie in `bytes`, if this endpoint made it. Whether it still lives is for [`Cookie::overdue`] to say.
    pub fn decode(bytes: &[u8], secret: &[u8; 32]) -> Option<Cookie> {
        let (signed, signature) = bytes.split_at_checked(bytes.len().checked_sub(MAC_LEN)?)?;
        mac(secret, signed).verify_slice(signature).ok()?;
        let mut r = Reader(signed);
        let mut cookie = Cookie {
            made: Tc(r.take().map(i64::from_be_bytes)?),
            life: Tc(r.take().map(i64::from_be_bytes)?),
            local_port: r.u16()?,
            remote_port: r.u16()?,
            local_tag: r.u32()?,
            remote_tag: r.u32()?,
            local_tsn: r.u32()?,
            remote_tsn: r.u32()?,
            a_rwnd: r.u32()?,
            outbound: r.u16()?,
            inbound: r.u16()?,
            local_tie: r.u32()?,
            remote_tie: r.u32()?,
            local: r.address()?,
            addresses: Vec::new(),
        };
        while !r.0.is_empty() {
            cookie.addresses.push(r.address()?);
        }
        Some(cookie)
    }

    /// By how much the cookie is past its life at `now`; `None` while it lives.
    pub fn overdue(&self, now: Tc) -> Option<Tc> {
        let over = now - self.made - self.life;
        (over > Tc::ZERO).then_some(over)
    }
}

fn mac(secret: &[u8; 32], bytes: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of every length, so the error cannot occur; an empty key stands for it rather than a panic.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    mac.update(bytes);
    mac
}

fn put(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(a) => {
            out.push(4);
            out.extend_from_slice(&a.octets());
        }
        IpAddr::V6(a) => {
            out.push(6);
            out.extend_from_slice(&a.octets());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }
    fn address(&mut self) -> Option<IpAddr> {
        match self.take::<1>()? {
            [4] => self.take::<4>().map(|a| Ipv4Addr::from(a).into()),
            [6] => self.take::<16>().map(|a| Ipv6Addr::from(a).into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie() -> Cookie {
        Cookie {
            made: Tc::from_ms(1000),
            life: Tc::from_ms(60_000),
            local_port: 38412,
            remote_port: 50_000,
            local_tag: 1,
            remote_tag: 2,
            local_tsn: 3,
            remote_tsn: 4,
            a_rwnd: 5,
            outbound: 6,
            inbound: 7,
            local_tie: 8,
            remote_tie: 9,
            local: Ipv4Addr::LOCALHOST.into(),
            addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        }
    }

    #[test] // Spec: RFC 9260 §5.1.3, §5.1.5 (a cookie is only believed with its signature, and only while it lives)
    fn a_cookie_comes_back_as_it_went_or_not_at_all() {
        let (cookie, secret) = (cookie(), [7; 32]);
        let octets = cookie.encode(&secret);
        assert_eq!(Cookie::decode(&octets, &secret).as_ref(), Some(&cookie));
        assert_eq!(Cookie::decode(&octets, &[8; 32]), None);
        for i in 0..octets.len() {
            let mut changed = octets.clone();
            changed[i] ^= 1;
            assert_eq!(Cookie::decode(&changed, &secret), None, "octet {i}");
            assert_eq!(Cookie::decode(&octets[..i], &secret), None);
        }
        assert_eq!(cookie.overdue(Tc::from_ms(61_000)), None);
        assert_eq!(cookie.overdue(Tc::from_ms(61_001)), Some(Tc::from_ms(1)));
    }
}
