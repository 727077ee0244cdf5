//! N6: the data network behind the UPF, in user space.
//!
//! Its own address answers echo, DNS and HTTP. Connections to other addresses are ended here and carried on by sockets of the
//! operating system, if the policy permits their address; refused ones are reset (TCP) or dropped (UDP).
//!
//! In virtual time the policy is closed: nothing of the operating system is touched, and a seed fixes everything.

use crate::policy::N6Policy;
use crate::services::{self, DnsQuestion, HttpServer, TEST_NAME};
use crate::stack::Stack;
use nr::Tc;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::{tcp, udp};
use smoltcp::wire::{
    IpAddress, IpCidr, IpEndpoint, IpListenEndpoint, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket,
};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

const TCP_BUFFER: usize = 1 << 19;
/// Clients of the built-in HTTP server, of each family, that may come between two polls.
const HTTP_LISTENERS: usize = 64;
/// Most connections to the built-in HTTP server at a time.
const HTTP_MAX: usize = 256;
/// Most connections to outside hosts at a time.
const OUTSIDE_MAX: usize = 256;
/// Most UDP flows at a time.
const UDP_FLOWS_MAX: usize = 256;
/// A UDP flow that is silent for this long is forgotten.
const UDP_IDLE: Tc = Tc::from_ms(60_000);
/// Longest wait for a host outside.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Makes the page about a connection: from the terminal's address, as HTML or as JSON.
pub type PageMaker = Box<dyn Fn(IpAddr, bool) -> String + Send>;

enum Outside {
    Connecting(Receiver<std::io::Result<TcpStream>>),
    Open { stream: TcpStream, to_host: Vec<u8>, host_closed: bool, sent_fin: bool },
    Failed,
}

struct OutsideConnection {
    socket: SocketHandle,
    outside: Outside,
}

struct UdpFlow {
    client: IpEndpoint,
    server: IpEndpoint,
    socket: UdpSocket,
    last: Tc,
}

struct PendingName {
    question: DnsQuestion,
    client: IpEndpoint,
    answer: Receiver<Vec<IpAddr>>,
}

/// The gateway.
pub struct Gateway {
    stack: Stack,
    policy: N6Policy,
    ipv4: Ipv4Addr,
    ipv6: Ipv6Addr,
    dns: SocketHandle,
    listeners: Vec<SocketHandle>,
    /// Clients of the built-in HTTP server that came since the last poll, IPv4 and IPv6.
    callers: [usize; 2],
    http: Vec<(SocketHandle, HttpServer)>,
    outside: Vec<OutsideConnection>,
    flows: Vec<UdpFlow>,
    names: Vec<PendingName>,
    page: PageMaker,
    refused: u64,
    buffer: Vec<u8>,
}

impl Gateway {
    /// The data network's own addresses, what is allowed outside, and who makes the page.
    pub fn new(ipv4: Ipv4Addr, ipv6: Ipv6Addr, mtu: usize, policy: N6Policy, seed: u64, page: PageMaker) -> Self {
        let mut stack = Stack::new(mtu, seed);
        stack.add_address(IpCidr::new(IpAddress::Ipv4(ipv4), 16));
        stack.add_address(IpCidr::new(IpAddress::Ipv6(ipv6), 64));
        stack.interface.set_any_ip(true);
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 64], vec![0; 65_536]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        let _ = socket.bind(53);
        let dns = stack.sockets.add(socket);
        Self {
            stack,
            policy,
            ipv4,
            ipv6,
            dns,
            listeners: Vec::new(),
            callers: [0; 2],
            http: Vec::new(),
            outside: Vec::new(),
            flows: Vec::new(),
            names: Vec::new(),
            page,
            refused: 0,
            buffer: vec![0; 65_536],
        }
    }
    /// Packets and connections that the policy refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }
    /// Connections and flows to the outside that are alive (then poll often).
    pub fn is_busy_outside(&self) -> bool {
        !self.outside.is_empty() || !self.flows.is_empty() || !self.names.is_empty()
    }
    fn is_own(&self, a: IpAddr) -> bool {
        a == IpAddr::V4(self.ipv4) || a == IpAddr::V6(self.ipv6)
    }
    fn listening(&mut self, endpoint: IpListenEndpoint) -> SocketHandle {
        let mut s =
            tcp::Socket::new(tcp::SocketBuffer::new(vec![0; TCP_BUFFER]), tcp::SocketBuffer::new(vec![0; TCP_BUFFER]));
        s.set_congestion_control(tcp::CongestionControl::Cubic);
        s.set_nagle_enabled(false);
        let _ = s.listen(endpoint);
        self.stack.sockets.add(s)
    }
    /// A listening socket for each client that knocks: none waits in advance, for its buffers are large.
    fn expect_http_client(&mut self, dst: IpAddr) {
        let callers = &mut self.callers[usize::from(dst.is_ipv6())];
        *callers = (*callers + 1).min(HTTP_LISTENERS);
        let (callers, addr) = (*callers, IpAddress::from(dst));
        let sockets = &self.stack.sockets;
        let waits = |h: &&SocketHandle| sockets.get::<tcp::Socket>(**h).listen_endpoint().addr == Some(addr);
        let waiting = self.listeners.iter().filter(waits).count();
        if waiting < callers && self.listeners.len() + self.http.len() < HTTP_MAX {
            let h = self.listening(IpListenEndpoint { addr: Some(addr), port: 80 });
            self.listeners.push(h);
        }
    }
    /// A packet from the UPF.
    pub fn receive(&mut self, packet: Vec<u8>, now: Tc) {
        let Some((src, dst, protocol, offset)) = addresses(&packet) else { return };
        if self.is_own(dst) {
            let port = (protocol == IpProtocol::Tcp).then(|| knocks(&packet[offset..])).flatten();
            if port == Some(80) {
                self.expect_http_client(dst);
            }
            self.stack.receive(packet);
            return;
        }
        // Neighbour discovery and the like stay on the link.
        if dst.is_multicast() {
            return;
        }
        if !self.policy.permits(dst) {
            self.refused += 1;
            if protocol == IpProtocol::Tcp {
                // No socket listens there, so the stack answers with a reset: the caller knows at once.
                self.stack.receive(packet);
            }
            return;
        }
        match protocol {
            IpProtocol::Tcp => self.tcp_outside(packet, dst, offset),
            IpProtocol::Udp => self.udp_outside(&packet, src, dst, offset, now),
            _ => self.refused += 1,
        }
    }
    fn tcp_outside(&mut self, packet: Vec<u8>, dst: IpAddr, offset: usize) {
        if let Some(port) = knocks(&packet[offset..]) {
            if self.outside.len() >= OUTSIDE_MAX {
                self.refused += 1;
                return;
            }
            let waiting = self.outside.iter().any(|o| {
                let s = self.stack.sockets.get::<tcp::Socket>(o.socket);
                s.is_listening() && s.listen_endpoint().port == port && s.listen_endpoint().addr == Some(dst.into())
            });
            if !waiting && port != 0 {
                let socket = self.listening(IpListenEndpoint { addr: Some(dst.into()), port });
                let (tx, rx) = channel();
                std::thread::spawn(move || {
                    let _ = tx.send(TcpStream::connect_timeout(&SocketAddr::new(dst, port), CONNECT_PATIENCE));
                });
                self.outside.push(OutsideConnection { socket, outside: Outside::Connecting(rx) });
            }
        }
        self.stack.receive(packet);
    }
    fn udp_outside(&mut self, packet: &[u8], src: IpAddr, dst: IpAddr, offset: usize, now: Tc) {
        let Ok(u) = UdpPacket::new_checked(&packet[offset..]) else { return };
        let client = IpEndpoint::new(src.into(), u.src_port());
        let server = IpEndpoint::new(dst.into(), u.dst_port());
        let found = self.flows.iter().position(|f| f.client == client && f.server == server);
        let i = match found {
            Some(i) => i,
            None if self.flows.len() >= UDP_FLOWS_MAX => return,
            None => {
                let any: SocketAddr = match dst {
                    IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let Ok(socket) = UdpSocket::bind(any) else { return };
                if socket.connect((dst, u.dst_port())).is_err() || socket.set_nonblocking(true).is_err() {
                    return;
                }
                self.flows.push(UdpFlow { client, server, socket, last: now });
                self.flows.len() - 1
            }
        };
        self.flows[i].last = now;
        let _ = self.flows[i].socket.send(u.payload());
    }
    /// The next packet for the UPF.
    pub fn transmit(&mut self) -> Option<Vec<u8>> {
        self.stack.transmit()
    }
    /// Packets that wait for the UPF.
    pub fn tx_waiting(&self) -> usize {
        self.stack.tx_waiting()
    }
    /// Sockets stop sending while this many packets wait.
    pub fn set_tx_limit(&mut self, packets: usize) {
        self.stack.set_tx_limit(packets);
    }
    /// Runs the protocols, the servers, and what goes on outside.
    pub fn poll(&mut self, now: Tc) {
        let stirred = self.stack.poll(now);
        self.callers = [0; 2];
        if stirred || !self.http.is_empty() {
            self.serve_http();
        }
        if stirred {
            self.serve_dns();
        }
        self.finish_names();
        self.carry_outside();
        self.carry_udp(now);
        self.stack.poll(now);
    }
    /// When [`Gateway::poll`] wants to be called next at the latest.
    pub fn deadline(&mut self, now: Tc) -> Option<Tc> {
        if self.is_busy_outside() {
            return Some(now + Tc::MS);
        }
        self.stack.deadline(now)
    }
    fn serve_http(&mut self) {
        for i in (0..self.listeners.len()).rev() {
            let s = self.stack.sockets.get::<tcp::Socket>(self.listeners[i]);
            if !s.is_listening() {
                let h = self.listeners.remove(i);
                self.http.push((h, HttpServer::default()));
            }
        }
        let page = &self.page;
        let mut touched = false;
        let sockets = &mut self.stack.sockets;
        self.http.retain_mut(|(h, server)| {
            let s = sockets.get_mut::<tcp::Socket>(*h);
            let client = s.remote_endpoint().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |e| e.addr.into());
            while s.can_recv() {
                touched = true;
                let r = s.recv(|b| {
                    server.push(b, &|| page(client, false), &|| page(client, true));
                    (b.len(), ())
                });
                if r.is_err() {
                    break;
                }
            }
            while s.can_send() {
                let n = s.send(|b| {
                    let n = server.pull(b);
                    (n, n)
                });
                match n {
                    Ok(n) if n > 0 => touched = true,
                    _ => break,
                }
            }
            let client_left = !s.may_recv() && matches!(s.state(), tcp::State::CloseWait);
            if (server.is_finished() || client_left) && s.may_send() {
                s.close();
                touched = true;
            }
            if s.is_open() {
                return true;
            }
            sockets.remove(*h);
            false
        });
        if touched {
            self.stack.touch();
        }
    }
    fn serve_dns(&mut self) {
        let mut asked = Vec::new();
        let socket = self.stack.sockets.get_mut::<udp::Socket>(self.dns);
        while let Ok((bytes, meta)) = socket.recv() {
            if let Some(q) = services::dns_question(bytes) {
                asked.push((q, meta));
            }
        }
        for (question, meta) in asked {
            if question.name == TEST_NAME {
                let own = [IpAddr::V4(self.ipv4), IpAddr::V6(self.ipv6)];
                self.answer(&question, true, &own, meta.endpoint);
            } else if self.policy.closed || self.names.len() >= 64 {
                self.answer(&question, false, &[], meta.endpoint);
            } else {
                let (tx, rx) = channel();
                let name = question.name.clone();
                std::thread::spawn(move || {
                    let found = (name.as_str(), 0).to_socket_addrs().map(|a| a.map(|a| a.ip()).collect());
                    let _ = tx.send(found.unwrap_or_default());
                });
                self.names.push(PendingName { question, client: meta.endpoint, answer: rx });
            }
        }
    }
    fn finish_names(&mut self) {
        let mut done = Vec::new();
        self.names.retain(|p| match p.answer.try_recv() {
            Err(TryRecvError::Empty) => true,
            r => {
                done.push((p.question.clone(), p.client, r.unwrap_or_default()));
                false
            }
        });
        for (q, client, found) in done {
            self.answer(&q, !found.is_empty(), &found, client);
        }
    }
    fn answer(&mut self, q: &DnsQuestion, known: bool, addresses: &[IpAddr], to: IpEndpoint) {
        if let Some(bytes) = services::dns_answer(q, known, addresses) {
            let _ = self.stack.sockets.get_mut::<udp::Socket>(self.dns).send_slice(&bytes, to);
            self.stack.touch();
        }
    }
    fn carry_outside(&mut self) {
        let (sockets, buffer) = (&mut self.stack.sockets, &mut self.buffer);
        let mut touched = false;
        self.outside.retain_mut(|c| {
            let s = sockets.get_mut::<tcp::Socket>(c.socket);
            touched |= carry(s, &mut c.outside, buffer);
            let gone = !s.is_open() && !s.is_listening();
            if gone {
                sockets.remove(c.socket);
            }
            !gone
        });
        if touched {
            self.stack.touch();
        }
    }
    fn carry_udp(&mut self, now: Tc) {
        let mut packets = Vec::new();
        for f in &mut self.flows {
            while let Ok(n) = f.socket.recv(&mut self.buffer) {
                f.last = now;
                packets.extend(udp_packet(f.server, f.client, &self.buffer[..n]));
            }
        }
        self.flows.retain(|f| now - f.last < UDP_IDLE);
        packets.into_iter().for_each(|p| self.stack.send_raw(p));
    }
}

/// Moves bytes between the user-space socket and the outside one; true if anything changed.
fn carry(s: &mut tcp::Socket, outside: &mut Outside, buffer: &mut [u8]) -> bool {
    match outside {
        Outside::Connecting(rx) => {
            *outside = match rx.try_recv() {
                Err(TryRecvError::Empty) => return false,
                Ok(Ok(stream)) if stream.set_nonblocking(true).is_ok() => {
                    let _ = stream.set_nodelay(true);
                    Outside::Open { stream, to_host: Vec::new(), host_closed: false, sent_fin: false }
                }
                _ => Outside::Failed,
            };
            true
        }
        Outside::Failed => {
            s.abort();
            true
        }
        Outside::Open { stream, to_host, host_closed, sent_fin } => {
            let mut touched = false;
            while to_host.len() < 65_536 && s.can_recv() {
                let _ = s.recv(|b| {
                    to_host.extend_from_slice(b);
                    (b.len(), ())
                });
                touched = true;
            }
            while !to_host.is_empty() {
                match stream.write(to_host) {
                    Ok(n) if n > 0 => drop(to_host.drain(..n)),
                    Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                    _ => {
                        s.abort();
                        return true;
                    }
                }
            }
            let established = s.may_send() || s.state() == tcp::State::CloseWait;
            if established && !s.may_recv() && !s.can_recv() && to_host.is_empty() && !*sent_fin {
                let _ = stream.shutdown(Shutdown::Write);
                *sent_fin = true;
            }
            while !*host_closed && s.can_send() {
                let room = (s.send_capacity() - s.send_queue()).min(buffer.len());
                if room == 0 {
                    break;
                }
                match stream.read(&mut buffer[..room]) {
                    Ok(0) => {
                        *host_closed = true;
                        s.close();
                        touched = true;
                    }
                    Ok(n) => {
                        let _ = s.send_slice(&buffer[..n]);
                        touched = true;
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => {
                        s.abort();
                        return true;
                    }
                }
            }
            touched
        }
    }
}

/// Source, destination, protocol and payload offset of an IP packet without extension headers.
fn addresses(packet: &[u8]) -> Option<(IpAddr, IpAddr, IpProtocol, usize)> {
    match packet.first()? >> 4 {
        4 => {
            let p = Ipv4Packet::new_checked(packet).ok()?;
            (p.frag_offset() == 0 && !p.more_frags())
                .then(|| (p.src_addr().into(), p.dst_addr().into(), p.next_header(), p.header_len() as usize))
        }
        6 => {
            let p = Ipv6Packet::new_checked(packet).ok()?;
            Some((p.src_addr().into(), p.dst_addr().into(), p.next_header(), 40))
        }
        _ => None,
    }
}

/// The port that a TCP segment asks to connect to.
fn knocks(segment: &[u8]) -> Option<u16> {
    let t = TcpPacket::new_checked(segment).ok()?;
    (t.syn() && !t.ack()).then(|| t.dst_port())
}

fn udp_packet(src: IpEndpoint, dst: IpEndpoint, payload: &[u8]) -> Option<Vec<u8>> {
    use smoltcp::wire::{IpRepr, UdpRepr};
    let udp = UdpRepr { src_port: src.port, dst_port: dst.port };
    let len = udp.header_len() + payload.len();
    if len > 65_000 || core::mem::discriminant(&src.addr) != core::mem::discriminant(&dst.addr) {
        return None;
    }
    let ip = IpRepr::new(src.addr, dst.addr, IpProtocol::Udp, len, 64);
    let caps = smoltcp::phy::ChecksumCapabilities::default();
    let mut packet = vec![0u8; ip.buffer_len()];
    ip.emit(&mut packet[..], &caps);
    let mut view = UdpPacket::new_unchecked(&mut packet[ip.header_len()..]);
    udp.emit(&mut view, &src.addr, &dst.addr, payload.len(), |b| b.copy_from_slice(payload), &caps);
    Some(packet)
}
