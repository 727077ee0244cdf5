//! The associations of crate `sctp` over raw IP or UDP.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use ::sctp::{AssociationId, Config, ConnectError, Datagram, Endpoint, Event, IP_PROTOCOL, Message, Output, Remote};
use node::{Outbox, Rng};
use nr::Tc;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::reactor::{Interest, Reactor, Ready, Token};

/// Packets that one socket may hand up in one round.
const PACKETS_MAX: usize = 256;
/// Octets of the kernel's buffers that are asked for.
const BUFFER: usize = 4 << 20;
/// The largest packet with its IP header.
const PACKET_MAX: usize = 65_536;

/// A socket on one local address.
#[derive(Debug)]
pub(super) struct Line {
    /// Raw ones too: sending and receiving are the same calls.
    socket: UdpSocket,
    address: IpAddr,
    raw: bool,
    token: Option<Token>,
}

impl Line {
    /// Raw sockets for protocol 132 on these addresses. Errors: no right.
    pub fn raw(addresses: &[IpAddr]) -> Result<Vec<Line>> {
        let open = |address: &IpAddr| {
            let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
            let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(IP_PROTOCOL))))?;
            Line::bind(socket, SocketAddr::new(*address, 0), true)
        };
        addresses.iter().map(open).collect()
    }

    /// UDP sockets on these addresses. Errors: the port is taken.
    pub fn udp(addresses: &[IpAddr], port: u16) -> Result<Vec<Line>> {
        let open = |address: &IpAddr| {
            let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
            let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
            Line::bind(socket, SocketAddr::new(*address, port), false)
        };
        addresses.iter().map(open).collect()
    }

    fn bind(socket: Socket, local: SocketAddr, raw: bool) -> Result<Line> {
        socket.set_nonblocking(true)?;
        // Whatever the kernel grants; less costs speed only.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        if local.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        fragment(&socket, local.is_ipv4());
        socket.bind(&SockAddr::from(local))?;
        Ok(Line { socket: socket.into(), address: local.ip(), raw, token: None })
    }

    pub fn local(&self) -> SocketAddr {
        match self.socket.local_addr() {
            Ok(local) if !self.raw => local,
            _ => SocketAddr::new(self.address, 0),
        }
    }
}

/// Lets routers fragment: the path's MTU is not searched for, so that nothing may depend on it.
fn fragment(socket: &Socket, v4: bool) {
    let (level, name) =
        if v4 { (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER) } else { (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER) };
    let value: libc::c_int = 0; // IP_PMTUDISC_DONT, IPV6_PMTUDISC_DONT
    // Safety: the value is an int that lives through the call, and its length is told.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            core::mem::size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

/// What of a received packet of a raw socket is SCTP: IPv4 comes with its header, IPv6 without.
fn payload(packet: &[u8], v4: bool) -> Option<&[u8]> {
    if !v4 {
        return Some(packet);
    }
    let len = usize::from(packet.first()? & 15) * 4;
    packet.get(len.max(20)..)
}

/// Whether an error of sending or receiving concerns one packet only, which is then as lost as on the way.
fn is_passing(e: &Error) -> bool {
    e.kind() != ErrorKind::WouldBlock
}

#[derive(Debug)]
pub(super) struct User {
    pub endpoint: Endpoint,
    pub lines: Vec<Line>,
    out: Outbox<Output>,
    pub events: VecDeque<(AssociationId, Event)>,
    timer: Token,
    buffer: Vec<u8>,
    /// Packets that the operating system did not take.
    n_dropped: u64,
}

impl User {
    pub fn new(config: Config, mut lines: Vec<Line>, rng: Rng, reactor: &mut Reactor) -> Result<User> {
        let endpoint = Endpoint::new(config, rng).map_err(Error::other)?;
        for line in &mut lines {
            line.token = Some(reactor.add(&line.socket, Interest::READ)?);
        }
        let timer = reactor.timer();
        Ok(User {
            endpoint,
            lines,
            out: Outbox::default(),
            events: VecDeque::new(),
            timer,
            buffer: vec![0; PACKET_MAX],
            n_dropped: 0,
        })
    }

    pub fn connect(&mut self, now: Tc, remote: &Remote) -> core::result::Result<AssociationId, ConnectError> {
        let id = self.endpoint.connect(now, remote, &mut self.out)?;
        self.carry();
        Ok(id)
    }

    pub fn receive(&mut self, now: Tc, id: AssociationId) -> Option<Message> {
        self.endpoint.receive(now, id, &mut self.out)
    }

    pub fn shutdown(&mut self, now: Tc, id: AssociationId) {
        self.endpoint.shutdown(now, id, &mut self.out);
        self.carry();
    }

    pub fn abort(&mut self, now: Tc, id: AssociationId, why: &[u8]) {
        self.endpoint.abort(now, id, why, &mut self.out);
        self.carry();
    }

    pub fn ready(&mut self, now: Tc, ready: &Ready) -> bool {
        if ready.token == self.timer {
            self.endpoint.timeout(now, &mut self.out);
            self.carry();
            return true;
        }
        let Some(i) = self.lines.iter().position(|l| l.token == Some(ready.token)) else { return false };
        for _ in 0..PACKETS_MAX {
            let line = &self.lines[i];
            let (n, from) = match line.socket.recv_from(&mut self.buffer) {
                Ok(got) => got,
                Err(e) if is_passing(&e) => continue,
                Err(_) => break,
            };
            let packet = &self.buffer[..n];
            let data = if line.raw { payload(packet, line.address.is_ipv4()) } else { Some(packet) };
            let udp_port = (!line.raw).then_some(from.port());
            let Some(data) = data else { continue };
            let datagram = Datagram { from: from.ip(), to: line.address, udp_port, data };
            self.endpoint.packet(now, &datagram, &mut self.out);
        }
        self.carry();
        true
    }

    pub fn finish(&mut self, reactor: &mut Reactor) {
        self.endpoint.flush(reactor.now(), &mut self.out);
        self.carry();
        reactor.arm(self.timer, self.endpoint.deadline());
    }

    /// Sends packets and keeps events.
    fn carry(&mut self) {
        let User { lines, out, events, n_dropped, .. } = self;
        for output in out.drain() {
            let t = match output {
                Output::Transmit(t) => t,
                Output::Event(id, event) => {
                    events.push_back((id, event));
                    continue;
                }
            };
            let line = t.from.and_then(|from| lines.iter().find(|l| l.address == from));
            let line = line.or_else(|| lines.iter().find(|l| l.address.is_ipv4() == t.to.is_ipv4()));
            let Some(line) = line else { continue };
            let port = if line.raw { 0 } else { t.udp_port.unwrap_or(::sctp::UDP_PORT) };
            if line.socket.send_to(&t.data, SocketAddr::new(t.to, port)).is_err() {
                *n_dropped += 1; // as if lost on the way: it comes again
            }
        }
    }

    pub fn close(self, reactor: &mut Reactor) {
        reactor.remove(self.timer);
        self.lines.iter().filter_map(|l| l.token).for_each(|t| reactor.remove(t));
    }
}
