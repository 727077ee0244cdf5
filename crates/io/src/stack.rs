//! A TCP/IP stack between two packet queues.

use nr::Tc;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpCidr, Ipv4Address, Ipv6Address};
use std::collections::VecDeque;

/// Most packets that wait in one direction; more are dropped, as any router's queue does.
const QUEUE_PACKETS_MAX: usize = 4096;

/// The queues that stand for the network interface.
#[derive(Debug)]
pub struct Queues {
    rx: VecDeque<Vec<u8>>,
    tx: VecDeque<Vec<u8>>,
    mtu: usize,
    spare: Vec<Vec<u8>>,
    /// Stop sending while this many packets wait (backpressure from below).
    pub tx_limit: usize,
}

/// One received packet.
pub struct Rx<'a>(Vec<u8>, &'a mut Vec<Vec<u8>>);
/// Room for one packet to send.
pub struct Tx<'a>(&'a mut VecDeque<Vec<u8>>, Option<Vec<u8>>);

impl RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let r = f(&self.0);
        if self.1.len() < 64 {
            self.1.push(self.0);
        }
        r
    }
}

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = self.1.unwrap_or_default();
        packet.clear();
        packet.resize(len, 0);
        let r = f(&mut packet);
        if self.0.len() < QUEUE_PACKETS_MAX {
            self.0.push_back(packet);
        }
        r
    }
}

impl Device for Queues {
    type RxToken<'a> = Rx<'a>;
    type TxToken<'a> = Tx<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Rx<'_>, Tx<'_>)> {
        let packet = self.rx.pop_front()?;
        Some((Rx(packet, &mut self.spare), Tx(&mut self.tx, None)))
    }
    fn transmit(&mut self, _: Instant) -> Option<Tx<'_>> {
        (self.tx.len() < self.tx_limit).then(|| Tx(&mut self.tx, self.spare.pop()))
    }
    fn capabilities(&self) -> DeviceCapabilities {
        let mut c = DeviceCapabilities::default();
        c.medium = Medium::Ip;
        c.max_transmission_unit = self.mtu;
        c
    }
}

/// An interface with its sockets.
pub struct Stack {
    /// The smoltcp interface.
    pub interface: Interface,
    /// Its sockets.
    pub sockets: SocketSet<'static>,
    queues: Queues,
    dirty: bool,
}

/// Network time as smoltcp counts it.
pub fn instant(now: Tc) -> Instant {
    Instant::from_micros(now.as_us())
}

impl Stack {
    /// A stack without addresses. `seed` fixes its ports and initial sequence numbers.
    pub fn new(mtu: usize, seed: u64) -> Self {
        let mut queues =
            Queues { rx: VecDeque::new(), tx: VecDeque::new(), mtu, spare: Vec::new(), tx_limit: QUEUE_PACKETS_MAX };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut queues, Instant::ZERO);
        // A default route through ourselves: the medium is point to point, so the next hop never matters.
        let _ = interface.routes_mut().add_default_ipv4_route(Ipv4Address::new(0, 0, 0, 1));
        let _ = interface.routes_mut().add_default_ipv6_route(Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
        Self { interface, sockets: SocketSet::new(Vec::new()), queues, dirty: false }
    }
    /// Adds an address; one that is already there or does not fit is left out.
    pub fn add_address(&mut self, cidr: IpCidr) {
        self.interface.update_ip_addrs(|a| {
            if !a.contains(&cidr) {
                let _ = a.push(cidr);
            }
        });
        self.dirty = true;
    }
    /// Takes away every address.
    pub fn clear_addresses(&mut self) {
        self.interface.update_ip_addrs(|a| a.clear());
    }
    /// A packet from the network; dropped when too many wait.
    pub fn receive(&mut self, packet: Vec<u8>) {
        if self.queues.rx.len() < QUEUE_PACKETS_MAX {
            self.queues.rx.push_back(packet);
        }
    }
    /// The next packet for the network.
    pub fn transmit(&mut self) -> Option<Vec<u8>> {
        self.queues.tx.pop_front()
    }
    /// Packets waiting for the network.
    pub fn tx_waiting(&self) -> usize {
        self.queues.tx.len()
    }
    /// Stops sockets from sending while `packets` wait below (they go on by themselves).
    pub fn set_tx_limit(&mut self, packets: usize) {
        self.queues.tx_limit = packets;
    }
    /// A packet that did not come from a socket.
    pub fn send_raw(&mut self, packet: Vec<u8>) {
        if self.queues.tx.len() < QUEUE_PACKETS_MAX {
            self.queues.tx.push_back(packet);
        }
    }
    /// A socket was written or opened: poll at the next opportunity.
    pub fn touch(&mut self) {
        self.dirty = true;
    }
    /// Runs the protocols; true if something happened.
    pub fn poll(&mut self, now: Tc) -> bool {
        let at = instant(now);
        let due = self.dirty
            || !self.queues.rx.is_empty()
            || self.interface.poll_at(at, &self.sockets).is_some_and(|t| t <= at);
        if due {
            self.dirty = false;
            self.interface.poll(at, &mut self.queues, &mut self.sockets);
        }
        due
    }
    /// When [`Stack::poll`] wants to be called next.
    pub fn deadline(&mut self, now: Tc) -> Option<Tc> {
        if self.dirty || !self.queues.rx.is_empty() {
            return Some(now);
        }
        let at = self.interface.poll_at(instant(now), &self.sockets)?;
        Some(Tc::from_us(at.total_micros()))
    }
}
