//! The terminal's end of a person's traffic: addresses, ping, DNS, TCP, and transfers that are checked.
//!
//! IPv6 follows the way of a mobile network: the session gives an interface identifier, a router advertisement the prefix.
//! Spec: TS 23.501 §5.8.2.2, RFC 4861, RFC 4862

use crate::division::{Flow, PORTS_APART, flow};
use crate::services::{Pattern, dns_addresses, dns_query, hex};
use crate::stack::Stack;
use nr::Tc;
use sha2::{Digest, Sha256};
use smoltcp::iface::SocketHandle;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::{icmp, tcp, udp};
use smoltcp::wire::{
    Icmpv4Packet, Icmpv4Repr, Icmpv6Packet, Icmpv6Repr, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint, Ipv6Address,
    Ipv6Packet, NdiscPrefixInfoFlags, NdiscRepr,
};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

/// TCP buffer in each direction, bytes.
const TCP_BUFFER: usize = 1 << 19;
/// Ports of connections, the first and the last of a range.
const PORTS: (u16, u16) = (49_152, u16::MAX);
/// A DNS question is asked again after this, three times.
const DNS_RETRY: Tc = Tc::from_ms(1000);

/// A TCP connection of the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TcpId(SocketHandle);

/// A DNS question on its way.
#[derive(Debug)]
struct Question {
    ticket: u32,
    name: String,
    ipv6: bool,
    asked: u8,
    next: Tc,
}

/// What happened at the host.
#[derive(Clone, PartialEq, Debug)]
pub enum HostEvent {
    /// An echo reply came: its number and the round trip.
    Pong { seq: u16, rtt: Tc },
    /// The IPv6 address is complete.
    Ipv6Ready(Ipv6Address),
    /// A DNS answer; empty when the name does not exist or nobody answered.
    Resolved { ticket: u32, addresses: Vec<IpAddr> },
    /// A transfer ended.
    Transfer(TransferReport),
}

/// Outcome of a checked transfer.
#[derive(Clone, PartialEq, Debug)]
pub struct TransferReport {
    /// Towards the network.
    pub upload: bool,
    /// Bytes of the body that arrived at their far end.
    pub bytes: u64,
    /// From the connection's opening to the last byte.
    pub duration: Tc,
    /// The far end's SHA-256 equals ours.
    pub sha256_ok: bool,
    /// What went wrong, if anything did.
    pub error: Option<String>,
}

struct Transfer {
    id: TcpId,
    upload: bool,
    total: u64,
    started: Tc,
    deadline: Tc,
    head: Vec<u8>,
    body: Option<Pattern>,
    want: String,
    reply: Vec<u8>,
    in_body: bool,
    got: u64,
    hash: Sha256,
}

/// The host.
pub struct Host {
    stack: Stack,
    icmp: SocketHandle,
    dns: SocketHandle,
    dns_server: Option<IpAddr>,
    ping_ident: u16,
    pings: VecDeque<(u16, Tc)>,
    interface_id: Option<[u8; 8]>,
    solicit: Option<(u8, Tc)>,
    questions: Vec<Question>,
    next_ticket: u32,
    next_port: u16,
    first_port: u16,
    transfers: Vec<Transfer>,
    events: VecDeque<HostEvent>,
    now: Tc,
}

fn udp_buffer() -> udp::PacketBuffer<'static> {
    udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 16], vec![0; 8192])
}

impl Host {
    /// A host without addresses. `seed` fixes ports and sequence numbers; `mtu` is the session's link MTU.
    pub fn new(mtu: usize, seed: u64) -> Self {
        let mut stack = Stack::new(mtu, seed);
        let buffer = || icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; 32], vec![0; 32 * 256]);
        let mut socket = icmp::Socket::new(buffer(), buffer());
        let ping_ident = (seed >> 16) as u16 | 1;
        let _ = socket.bind(icmp::Endpoint::Ident(ping_ident));
        let icmp = stack.sockets.add(socket);
        let mut socket = udp::Socket::new(udp_buffer(), udp_buffer());
        let _ = socket.bind(PORTS.0 + (seed as u16 % 8192));
        let dns = stack.sockets.add(socket);
        Self {
            stack,
            icmp,
            dns,
            dns_server: None,
            ping_ident,
            pings: VecDeque::new(),
            interface_id: None,
            solicit: None,
            questions: Vec::new(),
            next_ticket: 0,
            next_port: PORTS.0 + ((seed >> 32) as u16 % 8192),
            first_port: PORTS.0,
            transfers: Vec::new(),
            events: VecDeque::new(),
            now: Tc::ZERO,
        }
    }
    /// The session's IPv4 address.
    pub fn set_ipv4(&mut self, address: Ipv4Addr) {
        self.stack.add_address(IpCidr::new(IpAddress::Ipv4(address), 32));
    }
    /// The session's IPv6 interface identifier: the host now solicits a router advertisement.
    pub fn set_interface_id(&mut self, id: [u8; 8], now: Tc) {
        let mut a = [0u8; 16];
        a[..2].copy_from_slice(&[0xfe, 0x80]);
        a[8..].copy_from_slice(&id);
        self.stack.add_address(IpCidr::new(IpAddress::Ipv6(Ipv6Address::from(a)), 64));
        self.interface_id = Some(id);
        self.solicit = Some((0, now));
    }
    /// The session's DNS server.
    pub fn set_dns_server(&mut self, server: IpAddr) {
        self.dns_server = Some(server);
    }
    /// The session is gone: addresses and connections go with it.
    pub fn clear(&mut self) {
        self.stack.clear_addresses();
        self.interface_id = None;
        self.solicit = None;
    }
    /// Something else has the session's addresses too: the host keeps to [`PORTS_APART`]. Call it before anything is opened.
    pub fn keep_apart(&mut self) {
        let (first, n) = (*PORTS_APART.start(), PORTS_APART.end() - PORTS_APART.start());
        let socket = self.stack.sockets.get_mut::<udp::Socket>(self.dns);
        let asks_from = socket.endpoint().port;
        socket.close();
        let _ = socket.bind(first + asks_from % n);
        self.first_port = first;
        self.next_port = first + self.next_port % n;
    }
    /// Whether a packet to the terminal belongs to this host, where something else has its addresses too (see [`crate::division`]).
    pub fn owns(&self, packet: &[u8]) -> bool {
        use smoltcp::socket::Socket;
        match flow(packet) {
            Flow::Tcp { local, remote } => self.stack.sockets.iter().any(|(_, s)| match s {
                Socket::Tcp(s) => s.local_endpoint() == Some(local) && s.remote_endpoint() == Some(remote),
                _ => false,
            }),
            Flow::Udp { local, remote } => {
                let asks_from = self.stack.sockets.get::<udp::Socket>(self.dns).endpoint().port;
                local.port == asks_from && remote.port == 53 && self.dns_server == Some(remote.addr.into())
            }
            Flow::Echo { ident, seq } => ident == self.ping_ident && self.pings.iter().any(|(s, _)| *s == seq),
            Flow::Link => true,
            Flow::Other => false,
        }
    }
    /// A packet of the session.
    pub fn receive(&mut self, packet: Vec<u8>) {
        if self.interface_id.is_some() {
            self.look_for_advertisement(&packet);
        }
        self.stack.receive(packet);
    }
    /// The next packet for the session.
    pub fn transmit(&mut self) -> Option<Vec<u8>> {
        self.stack.transmit()
    }
    /// Lets sockets send only while fewer than `packets` wait in the queue below.
    pub fn set_tx_limit(&mut self, packets: usize) {
        self.stack.set_tx_limit(packets);
    }
    /// What happened.
    pub fn event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }
    fn look_for_advertisement(&mut self, packet: &[u8]) {
        let (Ok(ip), Some(id)) = (Ipv6Packet::new_checked(packet), self.interface_id) else { return };
        if ip.next_header() != smoltcp::wire::IpProtocol::Icmpv6 {
            return;
        }
        let Ok(icmp) = Icmpv6Packet::new_checked(ip.payload()) else { return };
        let repr = Icmpv6Repr::parse(&ip.src_addr(), &ip.dst_addr(), &icmp, &ChecksumCapabilities::default());
        let Ok(Icmpv6Repr::Ndisc(NdiscRepr::RouterAdvert { prefix_info: Some(p), .. })) = repr else { return };
        if !p.flags.contains(NdiscPrefixInfoFlags::ADDRCONF) || p.prefix_len != 64 || self.solicit.is_none() {
            return;
        }
        let mut a = p.prefix.octets();
        a[8..].copy_from_slice(&id);
        let address = Ipv6Address::from(a);
        self.stack.add_address(IpCidr::new(IpAddress::Ipv6(address), 64));
        self.solicit = None;
        self.events.push_back(HostEvent::Ipv6Ready(address));
    }
    fn send_solicitation(&mut self, now: Tc) {
        let (Some((n, at)), Some(id)) = (self.solicit, self.interface_id) else { return };
        if at > now || n >= 4 {
            return;
        }
        let mut src = [0u8; 16];
        src[..2].copy_from_slice(&[0xfe, 0x80]);
        src[8..].copy_from_slice(&id);
        let src = Ipv6Address::from(src);
        let dst = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
        let icmp = Icmpv6Repr::Ndisc(NdiscRepr::RouterSolicit { lladdr: None });
        let ip = smoltcp::wire::Ipv6Repr {
            src_addr: src,
            dst_addr: dst,
            next_header: smoltcp::wire::IpProtocol::Icmpv6,
            payload_len: icmp.buffer_len(),
            hop_limit: 255,
        };
        let mut packet = vec![0u8; ip.buffer_len() + icmp.buffer_len()];
        let mut view = Ipv6Packet::new_unchecked(&mut packet[..]);
        ip.emit(&mut view);
        icmp.emit(&src, &dst, &mut Icmpv6Packet::new_unchecked(view.payload_mut()), &ChecksumCapabilities::default());
        self.stack.send_raw(packet);
        self.solicit = Some((n + 1, now + Tc::from_ms(500)));
    }
    /// Sends an echo request with `seq` to `to`.
    pub fn ping(&mut self, to: IpAddr, seq: u16, now: Tc) {
        let to = IpAddress::from(to);
        let data = [0x69u8; 56];
        let socket = self.stack.sockets.get_mut::<icmp::Socket>(self.icmp);
        let caps = ChecksumCapabilities::default();
        match to {
            IpAddress::Ipv4(_) => {
                let r = Icmpv4Repr::EchoRequest { ident: self.ping_ident, seq_no: seq, data: &data };
                if let Ok(b) = socket.send(r.buffer_len(), to) {
                    r.emit(&mut Icmpv4Packet::new_unchecked(b), &caps);
                }
            }
            IpAddress::Ipv6(dst) => {
                let src = self.stack.interface.get_source_address_ipv6(&dst);
                let r = Icmpv6Repr::EchoRequest { ident: self.ping_ident, seq_no: seq, data: &data };
                if let Ok(b) = socket.send(r.buffer_len(), to) {
                    r.emit(&src, &dst, &mut Icmpv6Packet::new_unchecked(b), &caps);
                }
            }
        }
        if self.pings.len() == 64 {
            self.pings.pop_front();
        }
        self.pings.push_back((seq, now));
        self.stack.touch();
    }
    fn read_pongs(&mut self, now: Tc) {
        let socket = self.stack.sockets.get_mut::<icmp::Socket>(self.icmp);
        while let Ok((bytes, _)) = socket.recv() {
            // Both families carry identifier and sequence number in the same place; the socket has checked the sum.
            let (Some(&kind), Some(seq)) = (bytes.first(), bytes.get(6..8)) else { continue };
            let seq = u16::from_be_bytes([seq[0], seq[1]]);
            if kind != 0 && kind != 129 {
                continue;
            }
            if let Some(i) = self.pings.iter().position(|(s, _)| *s == seq)
                && let Some((_, sent)) = self.pings.remove(i)
            {
                self.events.push_back(HostEvent::Pong { seq, rtt: now - sent });
            }
        }
    }
    /// Asks the session's DNS server for `name`; the answer comes as [`HostEvent::Resolved`] with the ticket returned here.
    pub fn resolve(&mut self, name: &str, ipv6: bool, now: Tc) -> u32 {
        self.next_ticket += 1;
        self.questions.push(Question { ticket: self.next_ticket, name: name.to_owned(), ipv6, asked: 0, next: now });
        self.next_ticket
    }
    fn run_dns(&mut self, now: Tc) {
        let socket = self.stack.sockets.get_mut::<udp::Socket>(self.dns);
        while let Ok((bytes, _)) = socket.recv() {
            let found = self.questions.iter().position(|q| dns_addresses(q.ticket as u16, bytes).is_some());
            if let Some(i) = found {
                let q = self.questions.remove(i);
                let addresses = dns_addresses(q.ticket as u16, bytes).unwrap_or_default();
                self.events.push_back(HostEvent::Resolved { ticket: q.ticket, addresses });
            }
        }
        let mut sent = false;
        let mut failed = Vec::new();
        for q in self.questions.iter_mut().filter(|q| q.next <= now) {
            if q.asked == 3 {
                failed.push(q.ticket);
                continue;
            }
            q.asked += 1;
            q.next = now + DNS_RETRY;
            if let (Some(server), Some(query)) = (self.dns_server, dns_query(q.ticket as u16, &q.name, q.ipv6)) {
                let _ = socket.send_slice(&query, IpEndpoint::new(server.into(), 53));
                sent = true;
            } else {
                failed.push(q.ticket);
            }
        }
        for ticket in failed {
            self.questions.retain(|q| q.ticket != ticket);
            self.events.push_back(HostEvent::Resolved { ticket, addresses: Vec::new() });
        }
        if sent {
            self.stack.touch();
        }
    }
    /// Opens a TCP connection. `None` without an address of that family.
    pub fn connect(&mut self, to: IpAddr, port: u16) -> Option<TcpId> {
        let mut socket =
            tcp::Socket::new(tcp::SocketBuffer::new(vec![0; TCP_BUFFER]), tcp::SocketBuffer::new(vec![0; TCP_BUFFER]));
        socket.set_congestion_control(tcp::CongestionControl::Cubic);
        socket.set_nagle_enabled(false);
        self.next_port = if self.next_port == PORTS.1 { self.first_port } else { self.next_port + 1 };
        let local = IpListenEndpoint { addr: None, port: self.next_port };
        socket.connect(self.stack.interface.context(), IpEndpoint::new(to.into(), port), local).ok()?;
        self.stack.touch();
        Some(TcpId(self.stack.sockets.add(socket)))
    }
    fn tcp(&mut self, id: TcpId) -> &mut tcp::Socket<'static> {
        self.stack.sockets.get_mut::<tcp::Socket>(id.0)
    }
    /// Still opening.
    pub fn is_connecting(&mut self, id: TcpId) -> bool {
        self.tcp(id).state() == tcp::State::SynSent
    }
    /// Bytes can still be written.
    pub fn may_send(&mut self, id: TcpId) -> bool {
        self.tcp(id).may_send()
    }
    /// Bytes may still come, or wait to be read.
    pub fn may_receive(&mut self, id: TcpId) -> bool {
        let s = self.tcp(id);
        s.may_recv() || s.can_recv() || s.state() == tcp::State::SynSent
    }
    /// Writes as much of `bytes` as fits; how much.
    pub fn send(&mut self, id: TcpId, bytes: &[u8]) -> usize {
        let n = self.tcp(id).send_slice(bytes).unwrap_or(0);
        if n > 0 {
            self.stack.touch();
        }
        n
    }
    /// Reads what has come into `out`; how much.
    pub fn read(&mut self, id: TcpId, out: &mut [u8]) -> usize {
        let n = self.tcp(id).recv_slice(out).unwrap_or(0);
        if n > 0 {
            self.stack.touch();
        }
        n
    }
    /// Sends FIN after what is still to be sent.
    pub fn close(&mut self, id: TcpId) {
        self.tcp(id).close();
        self.stack.touch();
    }
    /// Resets the connection and forgets it.
    pub fn drop_connection(&mut self, id: TcpId) {
        self.tcp(id).abort();
        self.stack.touch();
        self.stack.poll(self.now);
        self.stack.sockets.remove(id.0);
    }
    /// Starts a checked transfer of `bytes` with the data network's server; it ends as [`HostEvent::Transfer`].
    pub fn transfer(&mut self, server: IpAddr, upload: bool, bytes: u64, seed: u64, now: Tc, patience: Tc) {
        let fail = |error: &str| {
            HostEvent::Transfer(TransferReport {
                upload,
                bytes: 0,
                duration: Tc::ZERO,
                sha256_ok: false,
                error: Some(error.into()),
            })
        };
        let Some(id) = self.connect(server, 80) else {
            self.events.push_back(fail("no address of the server's family"));
            return;
        };
        let body = Pattern::new(seed, bytes);
        let want = hex(&body.digest());
        let name = crate::services::TEST_NAME;
        let head = if upload {
            format!(
                "POST /upload HTTP/1.1\r\nHost: {name}\r\nContent-Length: {bytes}\r\nX-Content-SHA256: {want}\r\n\r\n"
            )
        } else {
            format!("GET /download?bytes={bytes}&seed={seed} HTTP/1.1\r\nHost: {name}\r\n\r\n")
        };
        self.transfers.push(Transfer {
            id,
            upload,
            total: bytes,
            started: now,
            deadline: now.saturating_add(patience),
            head: head.into_bytes(),
            body: upload.then_some(body),
            want,
            reply: Vec::new(),
            in_body: false,
            got: 0,
            hash: Sha256::new(),
        });
    }
    fn run_transfers(&mut self, now: Tc) {
        let mut transfers = std::mem::take(&mut self.transfers);
        transfers.retain_mut(|t| match self.run_transfer(t, now) {
            None => true,
            Some(report) => {
                self.events.push_back(HostEvent::Transfer(report));
                self.drop_connection(t.id);
                false
            }
        });
        transfers.append(&mut self.transfers);
        self.transfers = transfers;
    }
    fn run_transfer(&mut self, t: &mut Transfer, now: Tc) -> Option<TransferReport> {
        let mut touched = false;
        let socket = self.stack.sockets.get_mut::<tcp::Socket>(t.id.0);
        if socket.can_send() {
            if !t.head.is_empty()
                && let Ok(n) = socket.send_slice(&t.head)
            {
                t.head.drain(..n);
                touched = n > 0;
            }
            if t.head.is_empty()
                && let Some(body) = &mut t.body
            {
                while body.left() > 0 && socket.can_send() {
                    let n = socket.send(|b| {
                        let n = body.read(b);
                        (n, n)
                    });
                    touched = true;
                    if n.unwrap_or(0) == 0 {
                        break;
                    }
                }
            }
        }
        while socket.can_recv() {
            touched = true;
            let r = socket.recv(|b| {
                t.take(b);
                (b.len(), ())
            });
            if r.is_err() {
                break;
            }
        }
        let closed =
            !socket.may_recv() && socket.state() != tcp::State::SynSent && socket.state() != tcp::State::SynReceived;
        if touched {
            self.stack.touch();
        }
        t.outcome(now, closed)
    }
    /// Runs protocols and what hangs on them.
    pub fn poll(&mut self, now: Tc) {
        self.now = now;
        self.send_solicitation(now);
        self.run_dns(now);
        if self.stack.poll(now) {
            self.read_pongs(now);
            self.run_dns(now);
        }
        if !self.transfers.is_empty() {
            self.run_transfers(now);
            self.stack.poll(now);
        }
    }
    /// When [`Host::poll`] wants to be called next at the latest.
    pub fn deadline(&mut self, now: Tc) -> Option<Tc> {
        let solicit = self.solicit.filter(|(n, _)| *n < 4).map(|(_, at)| at);
        let dns = self.questions.iter().map(|q| q.next).min();
        let transfer = self.transfers.iter().map(|t| t.deadline).min();
        [self.stack.deadline(now), solicit, dns, transfer].into_iter().flatten().min()
    }
}

impl Transfer {
    /// Bytes of the server: a head, then the body.
    fn take(&mut self, bytes: &[u8]) {
        if self.in_body {
            return self.take_body(bytes);
        }
        self.reply.extend_from_slice(bytes);
        if let Some(i) = self.reply.windows(4).position(|w| w == b"\r\n\r\n") {
            self.in_body = true;
            let rest = self.reply.split_off(i + 4);
            self.take_body(&rest);
        } else if self.reply.len() > 8192 {
            self.in_body = true;
        }
    }
    fn take_body(&mut self, bytes: &[u8]) {
        if self.upload {
            if self.reply.len() < 8192 {
                self.reply.extend_from_slice(bytes);
            }
        } else {
            self.hash.update(bytes);
        }
        self.got += bytes.len() as u64;
    }
    fn outcome(&mut self, now: Tc, closed: bool) -> Option<TransferReport> {
        let head = String::from_utf8_lossy(&self.reply);
        let ok_status = head.starts_with("HTTP/1.1 200");
        let report = |bytes: u64, ok: bool, error: Option<String>| TransferReport {
            upload: self.upload,
            bytes,
            duration: now - self.started,
            sha256_ok: ok,
            error,
        };
        if self.in_body && !head.starts_with("HTTP/1.1 ") {
            return Some(report(0, false, Some("the server's reply is no HTTP".into())));
        }
        if self.in_body && !self.upload && ok_status && self.got >= self.total {
            let ok = hex(&self.hash.clone().finalize()) == self.want && self.got == self.total;
            return Some(report(self.got, ok, (!ok).then(|| "the SHA-256 differs".into())));
        }
        if self.in_body && self.upload && head.trim_end().ends_with('}') {
            let ok = ok_status && head.contains(&format!("\"sha256\":\"{}\"", self.want));
            return Some(report(self.total, ok, (!ok).then(|| "the server's SHA-256 differs".into())));
        }
        if closed {
            let line = head.lines().next().unwrap_or("no reply").to_owned();
            return Some(report(self.got, false, Some(format!("connection closed early ({line})"))));
        }
        (now >= self.deadline).then(|| report(self.got, false, Some("timed out".into())))
    }
}
