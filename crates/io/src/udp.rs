//! UDP in batches: for GTP-U, where a system call for each packet costs more than the packet.
//!
//! Packets are received by `recvmmsg` and sent by `sendmmsg`, and where the kernel can, equal ones to one peer go and come as one
//! (UDP_SEGMENT, UDP_GRO). [`UdpBatch::found`] says what was found. The socket does not block: give it to a
//! [`Reactor`](crate::reactor::Reactor) for when there is something.
//!
//! What the kernel does not take is dropped and counted, as a full queue on the way would: GTP-U repeats nothing.

use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Messages of one system call.
const BATCH: usize = 32;
/// The longest message, coalesced ones too.
const MESSAGE_MAX: usize = 65_536;
/// Segments and octets of a message that the kernel divides.
const SEGMENTS_MAX: usize = 64;
const SEGMENTED_MAX: usize = 65_000;
/// Octets that wait for a flush at most.
const WAITING_MAX: usize = 1 << 20;
/// Octets of the kernel's buffers that are asked for.
const BUFFER: usize = 8 << 20;

/// What a [`UdpBatch`] may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpOffload {
    /// Sending several datagrams as one message.
    pub gso: bool,
    /// Receiving several datagrams as one message.
    pub gro: bool,
}

/// What was lost here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpCounters {
    /// Datagrams for which the kernel had no room.
    pub n_full: u64,
    /// Datagrams that it refused: too long, no route.
    pub n_refused: u64,
}

/// A message that waits: datagrams of `segment` octets to one peer, the last perhaps shorter.
#[derive(Clone, Copy, Debug)]
struct Item {
    to: SocketAddr,
    start: usize,
    len: usize,
    segment: usize,
}

impl Item {
    fn n_segments(&self) -> usize {
        self.len.div_ceil(self.segment.max(1))
    }
}

/// A UDP socket that receives and sends in batches. See the module's page.
#[derive(Debug)]
pub struct UdpBatch {
    socket: UdpSocket,
    offload: UdpOffload,
    received: Vec<u8>,
    waiting: Vec<u8>,
    items: Vec<Item>,
    counters: UdpCounters,
}

/// Room for one piece of ancillary data, aligned as its header must be.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Control([u64; 4]);

impl UdpBatch {
    /// Binds `local`; uses what of `wanted` the kernel has. Errors: those of the operating system.
    pub fn bind(local: SocketAddr, wanted: UdpOffload) -> Result<UdpBatch> {
        let domain = if local.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // Whatever the kernel grants; less loses more in bursts.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        socket.bind(&SockAddr::from(local))?;
        let offload = UdpOffload {
            gso: wanted.gso && has_option(&socket, libc::UDP_SEGMENT),
            gro: wanted.gro && set_option(&socket, libc::UDP_GRO, 1),
        };
        Ok(UdpBatch {
            socket: socket.into(),
            offload,
            received: vec![0; BATCH * MESSAGE_MAX],
            waiting: Vec::with_capacity(WAITING_MAX),
            items: Vec::with_capacity(BATCH),
            counters: UdpCounters::default(),
        })
    }

    /// The bound address.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// One line: what is used.
    pub fn found(&self) -> String {
        let has = |b: bool| if b { "yes" } else { "no" };
        let UdpOffload { gso, gro } = self.offload;
        format!("UDP in batches of {BATCH}, segmentation by the kernel: {}, coalescing: {}", has(gso), has(gro))
    }

    /// What was lost here so far.
    pub fn counters(&self) -> UdpCounters {
        self.counters
    }

    /// Receives one batch and hands `f` each datagram, in order; says how many, 0 when there was none.
    ///
    /// Errors: those of the operating system; an earlier datagram that could not be delivered is none.
    pub fn receive(&mut self, mut f: impl FnMut(SocketAddr, &mut [u8])) -> Result<usize> {
        // Safety: all-zero is an address of no kind.
        let mut names: [libc::sockaddr_storage; BATCH] = unsafe { core::mem::zeroed() };
        let mut controls = [Control([0; 4]); BATCH];
        // Safety: all-zero is a vector and a header without anything.
        let (mut iovs, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) = unsafe { core::mem::zeroed() };
        for (i, slot) in self.received.chunks_exact_mut(MESSAGE_MAX).enumerate().take(BATCH) {
            iovs[i] = libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() };
            let h = &mut headers[i].msg_hdr;
            h.msg_name = (&raw mut names[i]).cast();
            h.msg_namelen = core::mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            h.msg_iov = &raw mut iovs[i];
            h.msg_iovlen = 1;
            h.msg_control = controls[i].0.as_mut_ptr().cast();
            h.msg_controllen = core::mem::size_of::<Control>();
        }
        // Safety: every pointer of the headers is to a buffer above, with its length, and they live through the call.
        let n = unsafe {
            let fd = self.socket.as_raw_fd();
            libc::recvmmsg(fd, headers.as_mut_ptr(), BATCH as u32, libc::MSG_DONTWAIT, core::ptr::null_mut())
        };
        let Ok(n) = usize::try_from(n) else {
            let e = Error::last_os_error();
            return match e.kind() {
                ErrorKind::WouldBlock | ErrorKind::ConnectionRefused | ErrorKind::Interrupted => Ok(0),
                _ => Err(e),
            };
        };
        let mut n_datagrams = 0;
        for (i, slot) in self.received.chunks_exact_mut(MESSAGE_MAX).enumerate().take(n) {
            let Some(from) = address(&names[i]) else { continue };
            let len = (headers[i].msg_len as usize).min(slot.len());
            let segment = segment(&headers[i].msg_hdr).filter(|s| *s > 0).unwrap_or(len.max(1));
            if len == 0 {
                f(from, &mut []);
                n_datagrams += 1;
            }
            for datagram in slot[..len].chunks_mut(segment) {
                f(from, datagram);
                n_datagrams += 1;
            }
        }
        Ok(n_datagrams)
    }

    /// Takes a datagram; it leaves with [`UdpBatch::flush`], or when enough wait.
    pub fn push(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.push_with(to, datagram.len(), |room| {
            room.copy_from_slice(datagram);
            datagram.len()
        });
    }

    /// Takes a datagram of at most `len_max` octets, at most 65 000, that `write` writes where it is sent from; it says how many it wrote.
    pub fn push_with(&mut self, to: SocketAddr, len_max: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        let len_max = len_max.min(SEGMENTED_MAX);
        if self.items.len() >= BATCH || self.waiting.len() + len_max > WAITING_MAX {
            self.flush();
        }
        let start = self.waiting.len();
        self.waiting.resize(start + len_max, 0);
        let len = write(&mut self.waiting[start..]).min(len_max);
        self.waiting.truncate(start + len);
        if let Some(last) = self.items.last_mut()
            && self.offload.gso
            && last.to == to
            && len > 0
            && len <= last.segment
            && last.len.is_multiple_of(last.segment)
            && last.n_segments() < SEGMENTS_MAX
            && last.len + len <= SEGMENTED_MAX
        {
            last.len += len;
            return;
        }
        self.items.push(Item { to, start, len, segment: len });
    }

    /// Sends what waits.
    pub fn flush(&mut self) {
        let mut done = 0;
        while done < self.items.len() {
            match self.send(done) {
                Ok(n) => done += n.max(1),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    self.counters.n_full += self.items[done..].iter().map(|i| i.n_segments() as u64).sum::<u64>();
                    break;
                }
                Err(_) => {
                    self.send_singly(self.items[done]);
                    done += 1;
                }
            }
        }
        self.items.clear();
        self.waiting.clear();
    }

    /// What one message could not do: its datagrams one by one. If they go, the kernel cannot divide here after all.
    fn send_singly(&mut self, item: Item) {
        let mut n_sent = 0;
        for datagram in self.waiting[item.start..item.start + item.len].chunks(item.segment.max(1)) {
            match self.socket.send_to(datagram, item.to) {
                Ok(_) => n_sent += 1,
                Err(_) => self.counters.n_refused += 1,
            }
        }
        if n_sent > 1 {
            self.offload.gso = false;
        }
    }

    /// One system call, from item `first` on: how many items went.
    fn send(&mut self, first: usize) -> Result<usize> {
        let items = &self.items[first..];
        let names: [SockAddr; BATCH] = core::array::from_fn(|i| {
            SockAddr::from(items.get(i).map_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), |item| item.to))
        });
        let mut controls = [Control([0; 4]); BATCH];
        // Safety: all-zero is a vector and a header without anything.
        let (mut iovs, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) = unsafe { core::mem::zeroed() };
        let n = items.len().min(BATCH);
        for (i, item) in items.iter().take(n).enumerate() {
            let octets = &mut self.waiting[item.start..item.start + item.len];
            iovs[i] = libc::iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: octets.len() };
            let h = &mut headers[i].msg_hdr;
            h.msg_namelen = names[i].len();
            h.msg_name = names[i].as_ptr().cast_mut().cast();
            h.msg_iov = &raw mut iovs[i];
            h.msg_iovlen = 1;
            if item.n_segments() > 1 {
                h.msg_control = controls[i].0.as_mut_ptr().cast();
                // Safety: a control buffer has room for one header and two octets, aligned.
                unsafe {
                    h.msg_controllen = libc::CMSG_SPACE(2) as usize;
                    let c = libc::CMSG_FIRSTHDR(&raw const *h);
                    (*c).cmsg_level = libc::SOL_UDP;
                    (*c).cmsg_type = libc::UDP_SEGMENT;
                    (*c).cmsg_len = libc::CMSG_LEN(2) as usize;
                    libc::CMSG_DATA(c).cast::<u16>().write_unaligned(item.segment as u16);
                }
            }
        }
        // Safety: every pointer of the headers is to a buffer above or in `waiting`, with its length; the call only reads them.
        let sent =
            unsafe { libc::sendmmsg(self.socket.as_raw_fd(), headers.as_mut_ptr(), n as u32, libc::MSG_NOSIGNAL) };
        usize::try_from(sent).map_err(|_| Error::last_os_error())
    }
}

impl AsFd for UdpBatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn has_option(socket: &Socket, name: libc::c_int) -> bool {
    let (mut value, mut len): (libc::c_int, libc::socklen_t) = (0, core::mem::size_of::<libc::c_int>() as u32);
    // Safety: the value is an int that lives through the call, and its length is told.
    unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_UDP, name, (&raw mut value).cast(), &raw mut len) == 0 }
}

fn set_option(socket: &Socket, name: libc::c_int, value: libc::c_int) -> bool {
    let len = core::mem::size_of::<libc::c_int>() as u32;
    // Safety: the value is an int that lives through the call, and its length is told.
    unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_UDP, name, (&raw const value).cast(), len) == 0 }
}

fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let at = &raw const *name;
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // Safety: the storage is large enough and aligned for an address of each kind, and this is the kind that the kernel wrote.
            let a = unsafe { &*at.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr));
            Some(SocketAddr::new(ip.into(), u16::from_be(a.sin_port)))
        }
        libc::AF_INET6 => {
            // Safety: as above.
            let a = unsafe { &*at.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(a.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(a.sin6_port), a.sin6_flowinfo, a.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// The size of the datagrams that were coalesced into a message.
fn segment(h: &libc::msghdr) -> Option<usize> {
    // Safety: the kernel wrote the control buffer and its length; headers within it are aligned, an int is copied out unaligned.
    unsafe {
        let mut c = libc::CMSG_FIRSTHDR(h);
        while !c.is_null() {
            if (*c).cmsg_level == libc::SOL_UDP && (*c).cmsg_type == libc::UDP_GRO {
                return usize::try_from(libc::CMSG_DATA(c).cast::<libc::c_int>().read_unaligned()).ok();
            }
            c = libc::CMSG_NXTHDR(h, c);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(wanted: UdpOffload) -> UdpBatch {
        UdpBatch::bind("127.0.0.1:0".parse().expect("an address"), wanted).expect("a socket")
    }

    #[test] // Spec: TS 29.281 §4.4.2 (datagrams keep their bounds, whichever way the kernel carries them)
    fn datagrams_arrive_as_they_were_sent() {
        for (gso, gro) in [(false, false), (true, false), (false, true), (true, true)] {
            let wanted = UdpOffload { gso, gro };
            let (mut a, mut b) = (batch(wanted), batch(wanted));
            let (to, from) = (b.local_addr().expect("an address"), a.local_addr().expect("an address"));
            let made: Vec<Vec<u8>> =
                (0..400usize).map(|i| vec![i as u8; if i % 50 < 40 { 1400 } else { 1 + i * 7 % 1400 }]).collect();
            let mut got = Vec::new();
            for piece in made.chunks(40) {
                for d in piece {
                    a.push(to, d);
                }
                a.flush();
                while b
                    .receive(|peer, d| {
                        assert_eq!(peer, from);
                        got.push(d.to_vec());
                    })
                    .expect("received")
                    > 0
                {}
            }
            assert_eq!(a.counters(), UdpCounters::default());
            assert!(got == made, "{} of {} with {}", got.len(), made.len(), a.found());
        }
    }

    #[test] // Spec: ironcell issue §5 (what the kernel refuses is counted, and nothing else suffers)
    fn what_is_refused_is_counted() {
        let mut a = batch(UdpOffload { gso: true, gro: true });
        let mut b = batch(UdpOffload { gso: true, gro: true });
        let to = b.local_addr().expect("an address");
        a.push(to, b"first");
        a.push("[::1]:9".parse().expect("an address"), b"another family");
        a.push(to, b"last");
        a.flush();
        let mut got = Vec::new();
        while b.receive(|_, d| got.push(d.to_vec())).expect("received") > 0 {}
        assert_eq!(got, [b"first".to_vec(), b"last".to_vec()]);
        assert_eq!(a.counters(), UdpCounters { n_full: 0, n_refused: 1 });
    }
}
