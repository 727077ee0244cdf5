//! The interface on Linux.

use super::netlink::{Netlink, Request, Selector};
use super::{TunError, name};
use crate::division;
use std::collections::VecDeque;
use std::io::{ErrorKind, Result};
use std::net::IpAddr;
use tun_rs::{DeviceBuilder, SyncDevice};

/// Routing tables: this, plus the terminal's number.
const TABLE: u32 = 45_000;
/// Rules stand between the local table's (0) and the main table's (32766).
const PRIORITY: u32 = 4_500;
/// Most rules of an earlier process that are taken away.
const LEFTOVERS_MAX: usize = 16;

/// The interface. See the module's page.
pub struct Tun {
    device: SyncDevice,
    netlink: Netlink,
    name: String,
    index: u32,
    table: u32,
    addresses: Vec<IpAddr>,
    notes: VecDeque<String>,
    dropped: u64,
    buffer: Vec<u8>,
}

impl Tun {
    /// Makes the interface of terminal `number`, down and without addresses. Errors: no right, no device, name taken.
    pub fn open(number: u32) -> core::result::Result<Tun, TunError> {
        let name = name(number);
        Self::make(number, name.clone()).map_err(|cause| TunError { name, cause })
    }
    fn make(number: u32, name: String) -> Result<Tun> {
        let device = DeviceBuilder::new().name(&name).enable(false).build_sync()?;
        device.set_nonblocking(true)?;
        let index = device.if_index()?;
        let tun = Tun {
            device,
            netlink: Netlink::open()?,
            name,
            index,
            table: TABLE.saturating_add(number),
            addresses: Vec::new(),
            notes: VecDeque::new(),
            dropped: 0,
            buffer: vec![0; 65_536],
        };
        tun.forget_rules();
        Ok(tun)
    }
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The session is up: with this MTU, and no address yet.
    pub fn up(&mut self, mtu: u16) {
        self.down();
        for (family, key, value) in [
            ("ipv4", "rp_filter", "2"),
            ("ipv4", "accept_local", "1"),
            ("ipv6", "disable_ipv6", "0"),
            ("ipv6", "accept_ra", "0"),
            ("ipv6", "addr_gen_mode", "1"),
        ] {
            // Where /proc/sys cannot be written (containers), what the system has decided holds.
            let _ = std::fs::write(format!("/proc/sys/net/{family}/conf/{}/{key}", self.name), value);
        }
        let up = self.device.set_mtu(mtu).and_then(|()| self.device.enabled(true));
        self.told("cannot be switched on", up);
    }
    /// The session has this address: the interface takes it, and its routes.
    pub fn add_address(&mut self, address: IpAddr) {
        if self.addresses.contains(&address) {
            return;
        }
        self.addresses.push(address);
        let ipv6 = address.is_ipv6();
        let rule = |s| Request::rule(s, self.table, PRIORITY, true);
        let requests = [
            Request::address(address, self.index, true),
            Request::default_route(address, self.index, self.table),
            rule(Selector::From(address)),
            rule(Selector::Bound { name: &self.name, ipv6 }),
        ];
        let done = requests.iter().try_for_each(|r| self.netlink.ask(r));
        self.told(&format!("does not get {address} and its routes"), done);
    }
    fn told(&mut self, what: &str, result: Result<()>) {
        if let Err(e) = result {
            self.notes.push_back(format!("{} {what}: {e}", self.name));
        }
    }
    /// The session is gone: addresses, routes and rules go with it.
    pub fn down(&mut self) {
        for address in std::mem::take(&mut self.addresses) {
            let _ = self.netlink.ask(&Request::address(address, self.index, false));
        }
        // Its routes go when it is switched off.
        let _ = self.device.enabled(false);
        self.forget_rules();
    }
    fn forget_rules(&self) {
        for ipv6 in [false, true] {
            let request = Request::rule(Selector::Any { ipv6 }, self.table, PRIORITY, false);
            for _ in 0..LEFTOVERS_MAX {
                if self.netlink.ask(&request).is_err() {
                    break;
                }
            }
        }
    }
    /// The next packet of the operating system for the session.
    pub fn pull(&mut self) -> Option<Vec<u8>> {
        loop {
            let n = match self.device.recv(&mut self.buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
            let packet = self.buffer.get(..n)?;
            if division::source(packet).is_some_and(|a| self.addresses.contains(&a)) {
                return Some(packet.to_vec());
            }
            self.dropped += 1;
        }
    }
    /// A packet of the session for the operating system; dropped if it does not take it now.
    pub fn push(&mut self, packet: &[u8]) {
        if self.device.send(packet).is_err() {
            self.dropped += 1;
        }
    }
    /// What a person should know: what could not be set up.
    pub fn note(&mut self) -> Option<String> {
        self.notes.pop_front()
    }
    /// Packets that were dropped: not from the session's address, or not taken.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Drop for Tun {
    fn drop(&mut self) {
        self.down();
    }
}
