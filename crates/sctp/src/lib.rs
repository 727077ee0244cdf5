//! SCTP: associations of RFC 9260, without sockets.
//!
//! An [`Endpoint`] is a node: one port with all its associations. It is handed the time, packets ([`Endpoint::packet`]) and what its user
//! wants ([`Endpoint::connect`], [`Endpoint::send`], [`Endpoint::receive`], [`Endpoint::shutdown`], [`Endpoint::abort`]), and answers into an
//! outbox: packets for whoever carries them, events for its user. Randomness (tags, sequence numbers, the cookie's secret) comes from the
//! generator that it was given. Whoever drives it
//!
//! - calls [`Endpoint::flush`] after sending messages: those that were sent before one flush share packets;
//! - calls [`Endpoint::receive`] after [`Event::Readable`] until nothing is left: what is not taken fills the window, and stops the peer;
//! - calls [`Endpoint::timeout`] when [`Endpoint::deadline`] has come.
//!
//! What is carried is an SCTP packet from the common header on, so that raw IP (protocol 132) and UDP (RFC 6951) carry the same octets:
//! [`Datagram::udp_port`] and [`Transmit::udp_port`] say which.
//!
//! | clause | where |
//! |---|---|
//! | chunks, parameters, causes (§3) | [`wire`] |
//! | handshake, cookie, restart (§5) | `endpoint`, `cookie`, `association/handshake.rs` |
//! | data transfer (§6) | `association/outgoing.rs`, `association/incoming.rs` |
//! | congestion control (§7) | `association/path.rs`, `association/acknowledge.rs` |
//! | faults (§8) | `association/path.rs`, `association/timers.rs`, out of the blue: `endpoint` |
//! | termination (§9) | `association/terminate.rs` |
//!
//! Bounds: nothing is kept at INIT; associations, addresses, streams, both buffers, fragments, gaps and reports have limits ([`Config`]).
//!
//! Left out, and why: search for the path's MTU (a tunnel's is known), explicit congestion notification and reports of ICMP (no right to
//! them on every carrier), partial reliability, interleaving, dynamic addresses, authentication of chunks (NGAP asks for none: TS 38.412
//! §7): each is refused as RFC 9260 says for what is unknown. Host names (deprecated: answered with ABORT). DATA beside COOKIE ECHO is
//! read, not sent.

mod association;
mod config;
mod cookie;
mod endpoint;
mod event;
mod fuzz;
pub mod wire;

pub use association::{PathStatus, State, Status};
pub use config::{Config, ConfigError};
pub use endpoint::{Counters, Endpoint};
pub use event::{
    AssociationId, CloseReason, ConnectError, Datagram, Event, Message, Output, Remote, SendError, Transmit,
};
pub use fuzz::fuzz_one;

/// The UDP port for encapsulation. Spec: RFC 6951 §5.1
pub const UDP_PORT: u16 = 9899;
/// The protocol number in IP. Spec: RFC 9260 §2
pub const IP_PROTOCOL: u8 = 132;

#[cfg(test)]
mod tests;
