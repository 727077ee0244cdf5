use core::net::IpAddr;

use crate::wire::Cause;

/// An association of an endpoint. Never given twice by one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssociationId(pub(crate) u32);

impl AssociationId {
    /// The identifier with this number: for who gives them out beside an [`Endpoint`](crate::Endpoint), as a kernel does.
    pub const fn new(number: u32) -> AssociationId {
        AssociationId(number)
    }
    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl core::fmt::Display for AssociationId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A user's message, either way. Its `Debug` says how long it is, not what it says: messages hold what no log should.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Stream identifier.
    pub stream: u16,
    /// Payload protocol identifier, 60 for NGAP.
    pub ppid: u32,
    /// Not ordered within its stream.
    pub unordered: bool,
    /// Its octets, 1 or more.
    pub data: Vec<u8>,
}

impl core::fmt::Debug for Message {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Message { stream, ppid, unordered, data } = self;
        let order = if *unordered { ", unordered" } else { "" };
        write!(f, "Message({} octets, stream {stream}, PPID {ppid}{order})", data.len())
    }
}

/// A packet that arrived: what follows the IP header, or the UDP header where SCTP is encapsulated.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Source address.
    pub from: IpAddr,
    /// Destination address.
    pub to: IpAddr,
    /// UDP source port, where it came in UDP. Spec: RFC 6951 §5.4
    pub udp_port: Option<u16>,
    /// The SCTP packet.
    pub data: &'a [u8],
}

/// A packet to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Source address; `None`: as the system chooses.
    pub from: Option<IpAddr>,
    /// Destination address.
    pub to: IpAddr,
    /// UDP destination port, where it goes in UDP. Spec: RFC 6951 §5.3
    pub udp_port: Option<u16>,
    /// The SCTP packet, checksum included.
    pub data: Vec<u8>,
}

/// A peer to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its port, 1..=65535.
    pub port: u16,
    /// Its addresses, primary first, 1..=8; it tells its others itself.
    pub addresses: Vec<IpAddr>,
}

/// What an endpoint answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A packet to send.
    Transmit(Transmit),
    /// What happened to an association.
    Event(AssociationId, Event),
}

/// What happened to an association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is established. Spec: RFC 9260 §5.1
    Up {
        /// Whether the peer began.
        accepted: bool,
        /// The peer's port.
        port: u16,
        /// The address that the peer was first heard from.
        address: IpAddr,
        /// Streams: to send on, to receive on.
        streams: (u16, u16),
    },
    /// [`Endpoint::receive`](crate::Endpoint::receive) has something.
    Readable,
    /// There is room again after [`SendError::Full`].
    Writable,
    /// The peer began anew: what was under way is lost, sequence numbers begin again. Spec: RFC 9260 §5.2.4.1
    Restarted {
        /// Messages that were not acknowledged.
        lost: usize,
        /// Streams: to send on, to receive on.
        streams: (u16, u16),
    },
    /// A peer's address answers (again). Spec: RFC 9260 §8.2, §8.3
    PathUp(IpAddr),
    /// A peer's address does not answer any more. Spec: RFC 9260 §8.2
    PathDown(IpAddr),
    /// The peer shuts down: nothing more can be sent, what it sent can still be received. Spec: RFC 9260 §9.2
    PeerShutdown,
    /// The peer reports an error and goes on. Spec: RFC 9260 §3.3.10
    PeerError(Cause),
    /// It is over. What arrived before can still be received.
    Closed(CloseReason),
}

/// Why an association is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Shut down, all data acknowledged. Spec: RFC 9260 §9.2
    Shutdown,
    /// The peer aborted it, with its first cause. Spec: RFC 9260 §9.1
    PeerAbort(Option<Cause>),
    /// The user aborted it. Spec: RFC 9260 §9.1
    UserAbort,
    /// The peer broke a rule, and was told so.
    Violation {
        /// Which.
        what: &'static str,
        /// Clause of RFC 9260.
        clause: &'static str,
    },
    /// The peer never answered. Spec: RFC 9260 §4 (Max.Init.Retransmits)
    Unanswered,
    /// The peer does not answer any more. Spec: RFC 9260 §8.1
    Unreachable,
    /// The peer did not end the shutdown in time. Spec: RFC 9260 §9.2 (T5-shutdown-guard)
    ShutdownGuard,
}

/// Why a message was not taken. Fault: local.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No such association, or not established, or shutting down. The message comes back.
    NotConnected(Message),
    /// The send buffer is full: wait for [`Event::Writable`]. The message comes back.
    Full(Message),
    /// No such stream. Spec: RFC 9260 §6.5
    Stream {
        /// Asked for.
        stream: u16,
        /// How many there are.
        streams: u16,
    },
    /// Longer than [`Config::message_max`](crate::Config::message_max), or empty. Spec: RFC 9260 §3.3.1, §6.9
    Length(usize),
}

impl core::fmt::Display for SendError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SendError::NotConnected(_) => write!(f, "SCTP: no established association (RFC 9260 6.1)"),
            SendError::Full(_) => write!(f, "SCTP: the send buffer is full (RFC 9260 6.1)"),
            SendError::Stream { stream, streams } => {
                write!(f, "SCTP: stream {stream} of {streams} (RFC 9260 6.5)")
            }
            SendError::Length(n) => write!(f, "SCTP: a message of {n} octets (RFC 9260 6.9)"),
        }
    }
}

impl std::error::Error for SendError {}

/// Why nothing was begun. Fault: local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// No port, no address, too many, or one that is no host's.
    Remote,
    /// There is an association with one of the addresses and the port.
    Exists(AssociationId),
    /// As many associations as there may be.
    Full,
}

impl core::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ConnectError::Remote => write!(f, "SCTP: no usable port and 1 to 8 addresses (RFC 9260 5.1.2)"),
            ConnectError::Exists(id) => write!(f, "SCTP: association {id} is with that peer (RFC 9260 5.2)"),
            ConnectError::Full => write!(f, "SCTP: as many associations as there may be"),
        }
    }
}

impl std::error::Error for ConnectError {}
