//! What touches the operating system, and the user-space IP that a person's traffic runs through.
//!
//! - [`stack`]: a TCP/IP stack (smoltcp) between two packet queues: no sockets, its clock and its randomness handed in.
//! - [`host`]: the terminal's end: ping, DNS, TCP connections, an HTTP client with checked transfers.
//! - [`gateway`]: the far end at N6: DNS, an HTTP server with a page about the connection, echo, and what is allowed outside.
//! - [`policy`]: which addresses N6 lets through.
//! - [`tun`]: a terminal's session as an interface of the operating system; [`division`]: what is its, what the user-space stack's.
//! - [`pool`]: threads that nodes' pieces of work are run on.
//! - [`proxy`]: SOCKS5 and HTTP proxy on loopback, one UE chosen by user name.
//! - `reactor`: one thread's loop over sockets, timers and wakers, for processes that carry several interfaces (Unix).
//! - `sctp`: SCTP for such a process: by the kernel, over raw IP, or in UDP (Linux).
//! - `udp`: UDP in batches, for GTP-U (Linux).
//!
//! Left out, and why: IP fragments (the tunnel's MTU is told to both ends), ICMP beyond echo for hosts outside (needs a raw
//! socket, which an ordinary user has no right to).

pub mod division;
mod fuzz;
pub mod gateway;
pub mod host;
pub mod policy;
pub mod pool;
pub mod proxy;
#[cfg(unix)]
pub mod reactor;
#[cfg(target_os = "linux")]
pub mod sctp;
pub mod services;
pub mod stack;
pub mod tun;
#[cfg(target_os = "linux")]
pub mod udp;

pub use fuzz::{fuzz_packets, fuzz_services};
pub use proxy::fuzz_proxy;
pub use smoltcp::wire::{IpAddress, IpEndpoint};
