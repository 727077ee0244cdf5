//! Numbers that are lent: addresses of a pool, prefixes of a pool.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Numbers `first..end`, lent in turn so that a number that came back is not used again at once.
pub(super) struct Pool {
    first: u64,
    end: u64,
    next: u64,
    lent: BTreeSet<u64>,
}

impl Pool {
    /// Host numbers of an IPv4 pool: neither the network's, nor the gateway's (1), nor the broadcast's.
    pub fn hosts(prefix_len: u8) -> Self {
        Self::new(2, (1u64 << (32 - prefix_len.min(30))) - 1)
    }

    /// Numbers of /64 prefixes in an IPv6 pool; number 0 is the gateway's.
    pub fn prefixes(prefix_len: u8) -> Self {
        Self::new(1, 1u64 << (64 - prefix_len.clamp(32, 63)))
    }

    fn new(first: u64, end: u64) -> Self {
        Self { first, end, next: first, lent: BTreeSet::new() }
    }

    /// A number that nobody has; `None` when all are lent.
    pub fn take(&mut self) -> Option<u64> {
        if self.lent.len() as u64 >= self.end.saturating_sub(self.first) {
            return None;
        }
        loop {
            let number = self.next;
            self.next = if number + 1 >= self.end { self.first } else { number + 1 };
            if self.lent.insert(number) {
                return Some(number);
            }
        }
    }

    /// Takes a number back.
    pub fn give(&mut self, number: u64) {
        self.lent.remove(&number);
    }
}

/// The address of a host number in a pool.
pub(super) fn host(pool: (Ipv4Addr, u8), number: u64) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(pool.1.min(32))).unwrap_or(0);
    Ipv4Addr::from(u32::from(pool.0) & mask | number as u32)
}

/// The host number of an address in a pool.
pub(super) fn host_number(pool: (Ipv4Addr, u8), address: Ipv4Addr) -> u64 {
    let mask = u32::MAX.checked_shl(32 - u32::from(pool.1.min(32))).unwrap_or(0);
    u64::from(u32::from(address) & !mask)
}

/// The /64 of a prefix number in a pool.
pub(super) fn prefix(pool: (Ipv6Addr, u8), number: u64) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(pool.1.min(128))).unwrap_or(0);
    Ipv6Addr::from(u128::from(pool.0) & mask | u128::from(number) << 64)
}

/// The prefix number of a /64 in a pool.
pub(super) fn prefix_number(pool: (Ipv6Addr, u8), address: Ipv6Addr) -> u64 {
    let mask = u128::MAX.checked_shl(128 - u32::from(pool.1.min(128))).unwrap_or(0);
    ((u128::from(address) & !mask) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 23.501 §5.8.2.2 (an address is lent once)
    fn a_pool_lends_each_number_once_and_in_turn() {
        let mut pool = Pool::hosts(29);
        let all: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
        assert_eq!(all, [2, 3, 4, 5, 6]);
        pool.give(3);
        assert_eq!(pool.take(), Some(3));
        assert_eq!(pool.take(), None);
    }

    #[test] // Spec: TS 23.501 §5.8.2.2.3
    fn numbers_and_addresses_are_each_others_inverse() {
        let v4 = (Ipv4Addr::new(10, 45, 0, 0), 16);
        assert_eq!(host(v4, 258), Ipv4Addr::new(10, 45, 1, 2));
        assert_eq!(host_number(v4, Ipv4Addr::new(10, 45, 1, 2)), 258);
        let v6 = ("2001:db8:45::".parse().unwrap(), 48);
        assert_eq!(prefix(v6, 7), "2001:db8:45:7::".parse::<Ipv6Addr>().unwrap());
        assert_eq!(prefix_number(v6, "2001:db8:45:7::1".parse().unwrap()), 7);
    }
}
