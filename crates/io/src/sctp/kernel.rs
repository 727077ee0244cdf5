//! The kernel's SCTP, one-to-many, as RFC 6458 describes its sockets. Never run here: see the module's page.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Error, Result};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use ::sctp::{AssociationId, CloseReason, Event, Message, Remote, SendError};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::SctpConfig;
use crate::reactor::{Interest, Reactor, Ready, Token};

const SOL_SCTP: libc::c_int = 132;
/// Socket options of Linux.
const SCTP_INITMSG: libc::c_int = 2;
const SCTP_NODELAY: libc::c_int = 3;
const SCTP_EVENTS: libc::c_int = 11;
const SCTP_SOCKOPT_BINDX_ADD: libc::c_int = 100;
const SCTP_SOCKOPT_CONNECTX: libc::c_int = 110;
/// Ancillary data with stream and payload protocol identifier. Spec: RFC 6458 §5.3.2
const SCTP_SNDRCV: libc::c_int = 1;
const SCTP_UNORDERED: u16 = 1;
const SCTP_ABORT: u16 = 4;
const SCTP_EOF: u16 = 0x200;
const MSG_NOTIFICATION: libc::c_int = 0x8000;
const SCTP_ASSOC_CHANGE: u16 = 0x8001;
const SCTP_SHUTDOWN_EVENT: u16 = 0x8005;

/// Octets of `struct sctp_sndrcvinfo`.
const INFO_LEN: usize = 32;
/// Datagrams that may be handed up in one round.
const MESSAGES_MAX: usize = 256;

/// One-to-many sockets report everything through one descriptor; associations have the kernel's numbers.
#[derive(Debug)]
pub(super) struct Kernel {
    socket: Socket,
    token: Token,
    pub addresses: Vec<IpAddr>,
    pub events: VecDeque<(AssociationId, Event)>,
    ready: BTreeMap<AssociationId, VecDeque<Message>>,
    /// Fragments of a message that is not whole yet.
    partial: BTreeMap<AssociationId, Vec<u8>>,
    /// Associations that were begun here and are not up.
    begun: Vec<AssociationId>,
    /// Streams to send on.
    streams: BTreeMap<AssociationId, u16>,
    queue: VecDeque<(AssociationId, Message)>,
    message_max: usize,
    watching: bool,
    buffer: Vec<u8>,
}

impl Kernel {
    pub fn open(config: &SctpConfig, reactor: &mut Reactor) -> Result<Kernel> {
        let node = &config.node;
        let first = node.addresses.first().copied().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
        let domain = if node.addresses.iter().all(IpAddr::is_ipv4) { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::SEQPACKET, Some(Protocol::from(SOL_SCTP)))?;
        socket.set_nonblocking(true)?;
        let mut init = [0u8; 8];
        init[..2].copy_from_slice(&node.streams_out.to_ne_bytes());
        init[2..4].copy_from_slice(&node.streams_in.to_ne_bytes());
        init[4..6].copy_from_slice(&(node.init_retransmissions_max as u16).to_ne_bytes());
        set(&socket, SCTP_INITMSG, &init)?;
        set(&socket, SCTP_NODELAY, &1i32.to_ne_bytes())?;
        // Data information, associations, and shutdown.
        set(&socket, SCTP_EVENTS, &[1, 1, 0, 0, 0, 1, 0, 0])?;
        socket.bind(&SockAddr::from(SocketAddr::new(first, node.port)))?;
        let more: Vec<u8> =
            node.addresses.iter().skip(1).flat_map(|a| packed(SocketAddr::new(*a, node.port))).collect();
        if !more.is_empty() {
            set(&socket, SCTP_SOCKOPT_BINDX_ADD, &more)?;
        }
        if node.listen {
            socket.listen(128)?;
        }
        let token = reactor.add(&socket, Interest::READ)?;
        Ok(Kernel {
            socket,
            token,
            addresses: node.addresses.clone(),
            events: VecDeque::new(),
            ready: BTreeMap::new(),
            partial: BTreeMap::new(),
            begun: Vec::new(),
            streams: BTreeMap::new(),
            queue: VecDeque::new(),
            message_max: node.message_max,
            watching: false,
            buffer: vec![0; 1 << 18],
        })
    }

    pub fn connect(&mut self, remote: &Remote) -> Result<AssociationId> {
        let list: Vec<u8> = remote.addresses.iter().flat_map(|a| packed(SocketAddr::new(*a, remote.port))).collect();
        // Safety: the list lives through the call, and its length is told.
        let id = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                SOL_SCTP,
                SCTP_SOCKOPT_CONNECTX,
                list.as_ptr().cast(),
                list.len() as libc::socklen_t,
            )
        };
        match u32::try_from(id) {
            Ok(id) => {
                let id = AssociationId::new(id);
                self.begun.push(id);
                Ok(id)
            }
            Err(_) => Err(Error::last_os_error()),
        }
    }

    pub fn send(&mut self, id: AssociationId, message: Message) -> core::result::Result<(), SendError> {
        let Some(streams) = self.streams.get(&id).copied() else { return Err(SendError::NotConnected(message)) };
        if message.stream >= streams {
            return Err(SendError::Stream { stream: message.stream, streams });
        }
        if message.data.is_empty() || message.data.len() > self.message_max {
            return Err(SendError::Length(message.data.len()));
        }
        if self.queue.len() >= 4096 {
            return Err(SendError::Full(message));
        }
        self.queue.push_back((id, message));
        Ok(())
    }

    pub fn receive(&mut self, id: AssociationId) -> Option<Message> {
        self.ready.get_mut(&id)?.pop_front()
    }

    pub fn end(&mut self, id: AssociationId, abort: bool) {
        self.write();
        let flags = if abort { SCTP_ABORT } else { SCTP_EOF };
        let empty = Message { stream: 0, ppid: 0, unordered: false, data: Vec::new() };
        // An association that is over already cannot be ended again, which is as well.
        let _ = self.write_one(id, &empty, flags);
    }

    pub fn ready(&mut self, ready: &Ready) -> bool {
        if ready.token != self.token {
            return false;
        }
        for _ in 0..MESSAGES_MAX {
            if !self.read() {
                break;
            }
        }
        true
    }

    pub fn finish(&mut self, reactor: &mut Reactor) {
        self.write();
        let watch = !self.queue.is_empty();
        let interest = if watch { Interest::BOTH } else { Interest::READ };
        if watch != self.watching && reactor.set(self.token, interest).is_ok() {
            self.watching = watch;
        }
    }

    pub fn close(self, reactor: &mut Reactor) {
        reactor.remove(self.token);
    }

    fn write(&mut self) {
        while let Some((id, message)) = self.queue.pop_front() {
            match self.write_one(id, &message, 0) {
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return self.queue.push_front((id, message)),
                _ => {}
            }
        }
    }

    fn write_one(&self, id: AssociationId, m: &Message, flags: u16) -> Result<()> {
        let flags = flags | if m.unordered { SCTP_UNORDERED } else { 0 };
        let mut info = [0u8; INFO_LEN];
        info[..2].copy_from_slice(&m.stream.to_ne_bytes());
        info[4..6].copy_from_slice(&flags.to_ne_bytes());
        info[8..12].copy_from_slice(&m.ppid.to_be_bytes());
        info[28..].copy_from_slice(&id.number().to_ne_bytes());
        let mut control = Control::default();
        let mut iov = libc::iovec { iov_base: m.data.as_ptr().cast_mut().cast(), iov_len: m.data.len() };
        // Safety: all-zero is a message header without anything.
        let mut header: libc::msghdr = unsafe { core::mem::zeroed() };
        header.msg_iov = &raw mut iov;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        // Safety: `control` has room for one header and the information, aligned; the call only reads what is pointed to.
        let n = unsafe {
            header.msg_controllen = libc::CMSG_SPACE(INFO_LEN as u32) as usize;
            let c = libc::CMSG_FIRSTHDR(&raw const header);
            (*c).cmsg_level = SOL_SCTP;
            (*c).cmsg_type = SCTP_SNDRCV;
            (*c).cmsg_len = libc::CMSG_LEN(INFO_LEN as u32) as usize;
            core::ptr::copy_nonoverlapping(info.as_ptr(), libc::CMSG_DATA(c), INFO_LEN);
            libc::sendmsg(self.socket.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL)
        };
        if n < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    /// One message, fragment or notification; `false` when there is none.
    fn read(&mut self) -> bool {
        let mut control = Control::default();
        let mut iov = libc::iovec { iov_base: self.buffer.as_mut_ptr().cast(), iov_len: self.buffer.len() };
        let mut info = [0u8; INFO_LEN];
        // Safety: all-zero is a message header without anything; the buffers live through the calls, with their lengths told.
        let (n, flags) = unsafe {
            let mut header: libc::msghdr = core::mem::zeroed();
            header.msg_iov = &raw mut iov;
            header.msg_iovlen = 1;
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = core::mem::size_of_val(&control.0);
            let n = libc::recvmsg(self.socket.as_raw_fd(), &raw mut header, 0);
            let c = libc::CMSG_FIRSTHDR(&raw const header);
            if n >= 0 && !c.is_null() && (*c).cmsg_level == SOL_SCTP && (*c).cmsg_type == SCTP_SNDRCV {
                let len = (*c).cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize).min(INFO_LEN);
                core::ptr::copy_nonoverlapping(libc::CMSG_DATA(c), info.as_mut_ptr(), len);
            }
            (n, header.msg_flags)
        };
        let Ok(n) = usize::try_from(n) else { return false };
        let data = self.buffer[..n.min(self.buffer.len())].to_vec();
        if flags & MSG_NOTIFICATION != 0 {
            self.notified(&data);
            return true;
        }
        if n == 0 {
            return false;
        }
        let id = AssociationId::new(u32_at(&info, 28));
        let whole = self.partial.entry(id).or_default();
        whole.extend_from_slice(&data);
        if flags & libc::MSG_EOR == 0 && whole.len() <= self.message_max {
            return true;
        }
        let Some(data) = self.partial.remove(&id) else { return true };
        let unordered = u16_at(&info, 4) & SCTP_UNORDERED != 0;
        let message = Message { stream: u16_at(&info, 0), ppid: u32_at(&info, 8).to_be(), unordered, data };
        let ready = self.ready.entry(id).or_default();
        if ready.is_empty() {
            self.events.push_back((id, Event::Readable));
        }
        ready.push_back(message);
        true
    }

    /// Spec: RFC 6458 §6.1.1, §6.1.5
    fn notified(&mut self, n: &[u8]) {
        match u16_at(n, 0) {
            SCTP_ASSOC_CHANGE => {
                let (state, streams) = (u16_at(n, 8), (u16_at(n, 12), u16_at(n, 14)));
                let id = AssociationId::new(u32_at(n, 16));
                let accepted = !self.begun.contains(&id);
                let event = match state {
                    0 => {
                        self.streams.insert(id, streams.0);
                        self.begun.retain(|b| *b != id);
                        let address = self.addresses[0];
                        Event::Up { accepted, port: 0, address, streams }
                    }
                    2 => Event::Restarted { lost: 0, streams },
                    3 => Event::Closed(CloseReason::Shutdown),
                    4 => Event::Closed(CloseReason::Unanswered),
                    _ => Event::Closed(CloseReason::PeerAbort(None)),
                };
                if matches!(event, Event::Closed(_)) {
                    self.streams.remove(&id);
                    self.partial.remove(&id);
                    self.begun.retain(|b| *b != id);
                }
                self.events.push_back((id, event));
            }
            SCTP_SHUTDOWN_EVENT => {
                self.events.push_back((AssociationId::new(u32_at(n, 8)), Event::PeerShutdown));
            }
            _ => {}
        }
    }
}

/// Room for ancillary data, aligned as its header must be.
#[derive(Default)]
#[repr(align(8))]
struct Control([u64; 16]);

fn set(socket: &Socket, name: libc::c_int, value: &[u8]) -> Result<()> {
    // Safety: the value lives through the call, and its length is told.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), SOL_SCTP, name, value.as_ptr().cast(), value.len() as libc::socklen_t)
    };
    if done < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

/// A socket address as the kernel reads it from a packed list.
fn packed(address: SocketAddr) -> Vec<u8> {
    let a = SockAddr::from(address);
    // Safety: a socket address is `len` octets at this place, all of them written when it was made.
    unsafe { core::slice::from_raw_parts(a.as_ptr().cast::<u8>(), a.len() as usize) }.to_vec()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_ne_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_ne_bytes(*b))
}
