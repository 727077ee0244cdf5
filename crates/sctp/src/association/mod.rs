//! One association: its state, and what each chunk does to it.

mod acknowledge;
mod handshake;
mod incoming;
mod outgoing;
mod path;
mod terminate;
mod timers;
mod transmit;

use std::collections::VecDeque;

use core::net::IpAddr;
use node::{Outbox, Rng, Timers};
use nr::Tc;

use acknowledge::PATHS_MAX;
pub(crate) use handshake::{Handshake, addresses_for, is_unicast, refused, streams, tag};
use incoming::{Incoming, Taken, Violation};
use outgoing::Outgoing;
pub(crate) use path::Path;
use timers::Timer;

use crate::wire::{Cause, Causes, Chunk, Chunks, Data, HEADER_LEN, Header, RawChunk, kind, put_chunk};
use crate::{AssociationId, CloseReason, Config, Event, Message, Output, SendError};

/// The states that RFC 9260 names. Spec: RFC 9260 §4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// CLOSED: it is over, what arrived can still be received.
    Closed,
    /// COOKIE-WAIT: INIT is out.
    CookieWait,
    /// COOKIE-ECHOED: COOKIE ECHO is out.
    CookieEchoed,
    /// ESTABLISHED.
    Established,
    /// SHUTDOWN-PENDING: the user wants no more, DATA is outstanding.
    ShutdownPending,
    /// SHUTDOWN-SENT.
    ShutdownSent,
    /// SHUTDOWN-RECEIVED: the peer wants no more, DATA is outstanding.
    ShutdownReceived,
    /// SHUTDOWN-ACK-SENT.
    ShutdownAckSent,
}

/// What an association is lent while it works.
pub(crate) struct Env<'a> {
    pub config: &'a Config,
    pub rng: &'a mut Rng,
    pub out: &'a mut Outbox<Output>,
    pub now: Tc,
}

impl Env<'_> {
    pub fn event(&mut self, id: AssociationId, event: Event) {
        self.out.push(Output::Event(id, event));
    }
}

/// Whether a SACK is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SackDue {
    Not,
    /// By the SACK timer, or beside DATA.
    Later,
    Now,
}

#[derive(Debug)]
pub(crate) struct Association {
    pub id: AssociationId,
    pub state: State,
    pub local_port: u16,
    pub remote_port: u16,
    pub local_tag: u32,
    pub remote_tag: u32,
    /// Nonces that stand for the tags in cookies. Spec: RFC 9260 §5.2.2
    pub local_tie: u32,
    pub remote_tie: u32,
    pub paths: Vec<Path>,
    pub primary: usize,
    /// Where DATA last came from. Spec: RFC 9260 §6.4
    reply_path: usize,
    /// Timeouts in a row on all paths. Spec: RFC 9260 §8.1
    errors: u32,
    pub handshake: Handshake,
    timers: Timers<Timer>,
    control: VecDeque<(usize, Vec<u8>)>,
    tx: Outgoing,
    rx: Incoming,
    sack_due: SackDue,
    /// Packets with DATA since the last SACK.
    n_unacknowledged: u32,
    /// The window that the peer was told last.
    a_rwnd_told: u32,
}

impl Association {
    /// When [`Association::timeout`] is due.
    pub fn deadline(&self) -> Option<Tc> {
        self.timers.next()
    }

    /// The path to `address`.
    pub fn path_of(&self, address: IpAddr) -> Option<usize> {
        self.paths.iter().position(|p| p.remote == address)
    }

    /// Takes a message of the user; [`Association::flush`] sends it.
    pub fn send(&mut self, config: &Config, message: Message) -> Result<(), SendError> {
        if self.state != State::Established {
            return Err(SendError::NotConnected(message));
        }
        let packet_max = self.paths.iter().map(|p| p.packet_max).min().unwrap_or(512);
        self.tx.push(message, config, packet_max - HEADER_LEN - Data::HEADER_LEN)
    }

    /// A message for the user, the oldest first; the peer is told when the window is open again. Spec: RFC 9260 §6.2
    pub fn receive(&mut self, env: &mut Env<'_>) -> Option<Message> {
        let message = self.rx.take()?;
        let told = self.a_rwnd_told;
        let opened = self.rx.a_rwnd().saturating_sub(told);
        if self.state != State::Closed
            && told < env.config.receive_buffer / 2
            && opened >= env.config.receive_buffer / 4
        {
            self.sack_due = SackDue::Now;
            self.flush(env);
        }
        Some(message)
    }

    pub fn is_readable(&self) -> bool {
        self.rx.is_readable()
    }

    /// Whether a packet with `header` and these chunks is the peer's. Spec: RFC 9260 §8.5
    pub fn accepts(&self, header: &Header, first: &RawChunk<'_>) -> bool {
        let reflected = first.flags & 1 != 0;
        match first.kind {
            kind::ABORT | kind::SHUTDOWN_COMPLETE if reflected => header.tag == self.remote_tag && self.remote_tag != 0,
            _ => header.tag == self.local_tag,
        }
    }

    /// Takes a packet that [`Association::accepts`] let pass, from path `from`. INIT and COOKIE ECHO are the endpoint's.
    pub fn packet(&mut self, env: &mut Env<'_>, from: usize, body: Chunks<'_>) {
        let readable = self.rx.is_readable();
        if let Err(v) = self.chunks(env, from, body) {
            self.violated(env, v);
        }
        if self.rx.is_readable() && !readable {
            env.event(self.id, Event::Readable);
        }
        if self.state != State::Closed {
            self.flush(env);
        }
    }

    fn chunks(&mut self, env: &mut Env<'_>, from: usize, body: Chunks<'_>) -> Result<(), Violation> {
        let mut with_data = None;
        for raw in body {
            let Ok(raw) = raw else { break };
            let Ok(chunk) = raw.decode() else {
                return Err(Violation { what: "a chunk shorter than its fixed part", clause: "3.3" });
            };
            match chunk {
                Chunk::Data(d) => {
                    let Some(urgent) = self.data(env, from, &d)? else { break };
                    with_data = Some(with_data.unwrap_or(false) || urgent);
                }
                Chunk::Unknown => {
                    if raw.reports() {
                        self.error(from, &Cause::UnrecognizedChunk(raw.whole.to_vec()));
                    }
                    if raw.stops() {
                        break;
                    }
                }
                other => self.chunk(env, from, other)?,
            }
            if self.state == State::Closed {
                return Ok(());
            }
        }
        if let Some(urgent) = with_data {
            self.schedule_sack(env, from, urgent);
            if self.state == State::ShutdownSent {
                // What is still on its way is answered with a SHUTDOWN that says how far it got. Spec: RFC 9260 §9.2
                self.sack_due = SackDue::Now;
                self.send_shutdown(env);
            }
        }
        Ok(())
    }

    /// DATA: whether it must be acknowledged at once; `None` where it ended the association, or no DATA may come.
    fn data(&mut self, env: &mut Env<'_>, from: usize, d: &Data<'_>) -> Result<Option<bool>, Violation> {
        if !matches!(self.state, State::Established | State::ShutdownPending | State::ShutdownSent) {
            return Ok(None);
        }
        if d.payload.is_empty() {
            self.abort(env, &Cause::NoUserData(d.tsn));
            self.close(env, CloseReason::Violation { what: "DATA without data", clause: "6.2" });
            return Ok(None);
        }
        let taken = self.rx.data(d)?;
        if taken == Taken::InvalidStream {
            self.error(from, &Cause::InvalidStream(d.stream));
        }
        Ok(Some(Self::is_urgent(taken, d.immediate)))
    }

    fn chunk(&mut self, env: &mut Env<'_>, from: usize, chunk: Chunk<'_>) -> Result<(), Violation> {
        match chunk {
            Chunk::Sack(sack) => {
                if matches!(self.state, State::Established | State::ShutdownPending | State::ShutdownReceived) {
                    self.sack(env, &sack)?;
                }
            }
            Chunk::Heartbeat(value) => {
                if !matches!(self.state, State::CookieWait | State::CookieEchoed) {
                    let mut ack = Vec::with_capacity(4 + value.len());
                    put_chunk(&mut ack, kind::HEARTBEAT_ACK, 0, value);
                    // What does not fit into a packet would not have come in one.
                    if ack.len() + HEADER_LEN <= self.paths[from].packet_max {
                        self.control(from, ack);
                    }
                }
            }
            Chunk::HeartbeatAck(mut parameters) => {
                if let Some(Ok(p)) = parameters.next() {
                    self.heartbeat_ack(env, p.value);
                }
            }
            Chunk::Abort { mut causes, .. } => self.close(env, CloseReason::PeerAbort(causes.next())),
            Chunk::Shutdown(cumulative) => self.shutdown_came(env, cumulative)?,
            Chunk::ShutdownAck => self.shutdown_ack_came(env, from),
            Chunk::ShutdownComplete { .. } => {
                if self.state == State::ShutdownAckSent {
                    self.close(env, CloseReason::Shutdown);
                }
            }
            Chunk::Error(causes) => self.errors_came(env, causes),
            Chunk::InitAck(init) => self.init_ack(env, from, &init),
            Chunk::CookieAck => self.cookie_ack(env),
            Chunk::Init(_) | Chunk::CookieEcho(_) | Chunk::Data(_) | Chunk::Unknown => {}
        }
        Ok(())
    }

    fn errors_came(&mut self, env: &mut Env<'_>, causes: Causes<'_>) {
        for cause in causes.take(8) {
            match (&cause, self.state) {
                (Cause::StaleCookie(us), State::CookieEchoed) => self.stale_cookie(env, *us),
                // Reports of what this end added for the sake of newer peers are no news.
                _ => env.event(self.id, Event::PeerError(cause)),
            }
        }
    }

    /// Puts an ERROR with one cause into the queue towards path `i`.
    pub fn error(&mut self, i: usize, cause: &Cause) {
        let mut causes = Vec::new();
        cause.put(&mut causes);
        let mut chunk = Vec::with_capacity(4 + causes.len());
        put_chunk(&mut chunk, kind::ERROR, 0, &causes);
        self.control(i, chunk);
    }

    /// Makes `address` the primary path; `false` if it is none of the peer's that is known to answer. Spec: RFC 9260 §6.4
    pub fn set_primary(&mut self, address: IpAddr) -> bool {
        match self.path_of(address) {
            Some(i) if self.paths[i].confirmed => {
                self.primary = i;
                true
            }
            _ => false,
        }
    }

    pub fn status(&self) -> Status {
        let path = |(i, p): (usize, &Path)| PathStatus {
            address: p.remote,
            udp_port: p.udp_port,
            primary: i == self.primary,
            active: p.active,
            confirmed: p.confirmed,
            errors: p.errors,
            rto: p.rto,
            srtt: p.srtt,
            cwnd: p.cwnd,
            ssthresh: p.ssthresh,
            flight: p.flight,
        };
        Status {
            state: self.state,
            port: self.remote_port,
            streams: (self.tx.n_streams(), self.rx.n_streams()),
            paths: self.paths.iter().enumerate().map(path).collect(),
            peer_window: self.tx.peer_rwnd,
            window: self.rx.a_rwnd(),
            buffered: self.tx.buffered,
            errors: self.errors,
        }
    }
}

/// How an association does.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Its state.
    pub state: State,
    /// The peer's port.
    pub port: u16,
    /// Streams: to send on, to receive on.
    pub streams: (u16, u16),
    /// The peer's addresses.
    pub paths: Vec<PathStatus>,
    /// What the peer can still take, octets.
    pub peer_window: usize,
    /// What can still be taken here, octets.
    pub window: u32,
    /// Octets that were sent by the user and not acknowledged.
    pub buffered: usize,
    /// Timeouts in a row.
    pub errors: u32,
}

/// How one of the peer's addresses does. Spec: RFC 9260 §11.1 (status)
#[derive(Clone, Debug, PartialEq)]
pub struct PathStatus {
    /// The address.
    pub address: IpAddr,
    /// The UDP port that packets go to, where they are encapsulated.
    pub udp_port: Option<u16>,
    /// New data goes here while it answers.
    pub primary: bool,
    /// It answers.
    pub active: bool,
    /// It has shown that it is the peer's.
    pub confirmed: bool,
    /// Timeouts in a row.
    pub errors: u32,
    /// Retransmission timeout.
    pub rto: Tc,
    /// Smoothed round trip, once measured.
    pub srtt: Option<Tc>,
    /// Congestion window, octets.
    pub cwnd: usize,
    /// Slow start threshold, octets.
    pub ssthresh: usize,
    /// Octets outstanding.
    pub flight: usize,
}
