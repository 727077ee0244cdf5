//! From nothing to ESTABLISHED, from both sides, and again after a restart.
//!
//! Spec: RFC 9260 §5

use core::net::IpAddr;

use node::{Rng, Timers};

use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::{Association, Env, Path, SackDue, State, Timer};
use crate::cookie::Cookie;
use crate::wire::{
    Cause, HEADER_LEN, Init, InitParameters, Parameters, kind, parameter, put_address, put_chunk, put_init,
    put_parameter,
};
use crate::{AssociationId, CloseReason, Config, Event, Remote};

/// What is only needed until the association is established.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    /// INITs or COOKIE ECHOs that were not answered.
    pub attempts: u32,
    /// Our first TSN.
    pub tsn: u32,
    cookie: Vec<u8>,
    /// The cookie was once too old.
    stale: bool,
    preservative_ms: Option<u32>,
    /// Parameters of INIT ACK that must be reported.
    unrecognized: Vec<u8>,
}

/// The addresses that a peer at `remote` is told of: all of them, but those of this machine only where it is there too.
///
/// Spec: RFC 9260 §5.1.2. Empty where the packet's source address says it all.
pub(crate) fn addresses_for(config: &Config, remote: IpAddr) -> Vec<IpAddr> {
    let told = |a: &&IpAddr| a.is_loopback() == remote.is_loopback() && !a.is_unspecified();
    let all: Vec<IpAddr> = config.addresses.iter().filter(told).copied().collect();
    if all.len() > 1 { all } else { Vec::new() }
}

/// The local address for the peer's `i`-th one: of the same kind, and another one for each as far as they go.
fn local_for(config: &Config, remote: IpAddr, i: usize) -> Option<IpAddr> {
    let fits =
        |a: &&IpAddr| a.is_ipv4() == remote.is_ipv4() && a.is_loopback() == remote.is_loopback() && !a.is_unspecified();
    let all: Vec<&IpAddr> = config.addresses.iter().filter(fits).collect();
    all.get(i.checked_rem(all.len())?).map(|a| **a)
}

/// A tag: never 0. Spec: RFC 9260 §5.3.1
pub(crate) fn tag(rng: &mut Rng) -> u32 {
    rng.u32().max(1)
}

impl Association {
    fn bare(id: AssociationId, config: &Config, rng: &mut Rng, remote_port: u16, paths: Vec<Path>) -> Association {
        Association {
            id,
            state: State::Closed,
            local_port: config.port,
            remote_port,
            local_tag: 0,
            remote_tag: 0,
            local_tie: tag(rng),
            remote_tie: tag(rng),
            paths,
            primary: 0,
            reply_path: 0,
            errors: 0,
            handshake: Handshake::default(),
            timers: Timers::default(),
            control: Default::default(),
            tx: Outgoing::new(0, 0, 0),
            rx: Incoming::new(0, 0, 0, 0),
            sack_due: SackDue::Not,
            n_unacknowledged: 0,
            a_rwnd_told: config.receive_buffer,
        }
    }

    /// Sends INIT to a peer. Spec: RFC 9260 §5.1 (A)
    pub fn connect(env: &mut Env<'_>, id: AssociationId, remote: &Remote) -> Association {
        let paths = remote.addresses.iter().enumerate().map(|(i, a)| {
            let path = Path::new(env.config, *a, local_for(env.config, *a, i), env.config.udp_port);
            Path { confirmed: true, ..path }
        });
        let paths = paths.collect();
        let mut a = Association::bare(id, env.config, env.rng, remote.port, paths);
        a.state = State::CookieWait;
        a.local_tag = tag(env.rng);
        a.handshake.tsn = env.rng.u32();
        a.send_init(env);
        a
    }

    /// An association out of a cookie that came back. Spec: RFC 9260 §5.1 (D)
    pub fn accept(env: &mut Env<'_>, id: AssociationId, cookie: &Cookie, udp_port: Option<u16>) -> Association {
        let mut a = Association::bare(id, env.config, env.rng, cookie.remote_port, paths(env, cookie, udp_port));
        a.local_tag = cookie.local_tag;
        a.remote_tag = cookie.remote_tag;
        a.tx = Outgoing::new(cookie.local_tsn, cookie.outbound, cookie.a_rwnd);
        a.rx = Incoming::new(cookie.remote_tsn, cookie.inbound, env.config.receive_buffer, env.config.message_max);
        a.established(env, true);
        a.put_cookie_ack(0);
        a
    }

    /// The peer began anew. Spec: RFC 9260 §5.2.4.1
    pub fn restart(&mut self, env: &mut Env<'_>, cookie: &Cookie, udp_port: Option<u16>) {
        let lost = self.tx.n_messages();
        let anew = Association::accept_quietly(env, self, cookie, udp_port);
        let mut before = core::mem::replace(self, anew);
        self.rx.inherit(&mut before.rx);
        env.event(self.id, Event::Restarted { lost, streams: (self.tx.n_streams(), self.rx.n_streams()) });
        self.start_heartbeats(env);
        self.put_cookie_ack(0);
    }

    fn accept_quietly(env: &mut Env<'_>, old: &Association, cookie: &Cookie, udp_port: Option<u16>) -> Association {
        let mut a = Association::bare(old.id, env.config, env.rng, cookie.remote_port, paths(env, cookie, udp_port));
        a.state = State::Established;
        a.local_tag = cookie.local_tag;
        a.remote_tag = cookie.remote_tag;
        a.tx = Outgoing::new(cookie.local_tsn, cookie.outbound, cookie.a_rwnd);
        a.rx = Incoming::new(cookie.remote_tsn, cookie.inbound, env.config.receive_buffer, env.config.message_max);
        // Addresses that were confirmed stay so: a restart has no new ones.
        for path in &mut a.paths {
            path.confirmed |= old.paths.iter().any(|p| p.remote == path.remote && p.confirmed);
        }
        a
    }

    /// Both began at once, and the peer's INIT came second: its tag is another now. Spec: RFC 9260 §5.2.4 (B)
    pub fn collide(&mut self, env: &mut Env<'_>, cookie: &Cookie, from: usize) {
        self.remote_tag = cookie.remote_tag;
        if matches!(self.state, State::CookieWait | State::CookieEchoed) {
            self.tx = Outgoing::new(cookie.local_tsn, cookie.outbound, cookie.a_rwnd);
            self.rx =
                Incoming::new(cookie.remote_tsn, cookie.inbound, env.config.receive_buffer, env.config.message_max);
            self.add_paths(env, &cookie.addresses);
            self.established(env, false);
        }
        self.put_cookie_ack(from);
    }

    /// The cookie is that of this very association: COOKIE ACK was lost, or the peer's cookie was quicker. Spec: RFC 9260 §5.2.4 (D)
    pub fn confirm(&mut self, env: &mut Env<'_>, from: usize) {
        if self.state == State::CookieEchoed {
            self.established(env, false);
        }
        self.put_cookie_ack(from);
    }

    pub fn put_cookie_ack(&mut self, i: usize) {
        let mut chunk = Vec::with_capacity(4);
        put_chunk(&mut chunk, kind::COOKIE_ACK, 0, &[]);
        self.control(i, chunk);
    }

    fn established(&mut self, env: &mut Env<'_>, accepted: bool) {
        self.state = State::Established;
        self.timers.stop(Timer::T1Init);
        self.timers.stop(Timer::T1Cookie);
        self.errors = 0;
        self.handshake = Handshake { tsn: self.handshake.tsn, ..Handshake::default() };
        let streams = (self.tx.n_streams(), self.rx.n_streams());
        let address = self.paths[self.primary].remote;
        env.event(self.id, Event::Up { accepted, port: self.remote_port, address, streams });
        self.start_heartbeats(env);
    }

    /// Sends INIT to the primary path and starts T1-init.
    pub(super) fn send_init(&mut self, env: &mut Env<'_>) {
        let i = self.primary;
        let mut parameters = Vec::new();
        addresses_for(env.config, self.paths[i].remote).iter().for_each(|a| put_address(&mut parameters, *a));
        if let Some(ms) = self.handshake.preservative_ms {
            put_parameter(&mut parameters, parameter::COOKIE_PRESERVATIVE, &ms.to_be_bytes());
        }
        let init = Init {
            tag: self.local_tag,
            a_rwnd: env.config.receive_buffer,
            outbound: env.config.streams_out,
            inbound: env.config.streams_in,
            tsn: self.handshake.tsn,
            parameters: Parameters::new(&parameters),
        };
        let mut packet = Vec::with_capacity(64);
        crate::wire::Header { tag: 0, ..self.header() }.put(&mut packet);
        put_init(&mut packet, kind::INIT, &init);
        self.emit(env, i, packet);
        self.timers.start(Timer::T1Init, env.now + self.paths[i].rto);
    }

    /// Sends COOKIE ECHO, and beside it what of INIT ACK was not understood; starts T1-cookie. Spec: RFC 9260 §5.1 (C)
    pub(super) fn send_cookie(&mut self, env: &mut Env<'_>) {
        let i = self.primary;
        let mut packet = Vec::with_capacity(256);
        self.header().put(&mut packet);
        put_chunk(&mut packet, kind::COOKIE_ECHO, 0, &self.handshake.cookie);
        if !self.handshake.unrecognized.is_empty() {
            let mut causes = Vec::new();
            Cause::UnrecognizedParameters(self.handshake.unrecognized.clone()).put(&mut causes);
            if packet.len() + 4 + causes.len() <= self.paths[i].packet_max {
                put_chunk(&mut packet, kind::ERROR, 0, &causes);
            }
        }
        self.emit(env, i, packet);
        self.timers.start(Timer::T1Cookie, env.now + self.paths[i].rto);
    }

    /// INIT ACK came. Spec: RFC 9260 §5.1 (C), §5.2.3, §3.3.3
    pub(super) fn init_ack(&mut self, env: &mut Env<'_>, from: usize, init: &Init<'_>) {
        if self.state != State::CookieWait {
            return;
        }
        if init.tag == 0 {
            return self.close(env, CloseReason::Violation { what: "INIT ACK with tag 0", clause: "3.3.3" });
        }
        self.remote_tag = init.tag;
        let parameters = match refused(init) {
            Err((cause, what, clause)) => return self.refuse(env, &cause, what, clause),
            Ok(parameters) => parameters,
        };
        let Some(cookie) = parameters.cookie.filter(|c| HEADER_LEN + 4 + c.len() <= self.paths[from].packet_max) else {
            let cause = Cause::MissingParameter(vec![parameter::STATE_COOKIE]);
            return self.refuse(env, &cause, "INIT ACK without a usable cookie", "3.3.3");
        };
        self.handshake.cookie = cookie.to_vec();
        self.handshake.unrecognized = parameters.unrecognized;
        self.handshake.attempts = 0;
        let (outbound, inbound) = streams(env.config, init);
        self.tx = Outgoing::new(self.handshake.tsn, outbound, init.a_rwnd);
        self.rx = Incoming::new(init.tsn, inbound, env.config.receive_buffer, env.config.message_max);
        self.primary = from;
        self.add_paths(env, &parameters.addresses);
        self.timers.stop(Timer::T1Init);
        self.state = State::CookieEchoed;
        self.send_cookie(env);
    }

    fn refuse(&mut self, env: &mut Env<'_>, cause: &Cause, what: &'static str, clause: &'static str) {
        self.state = State::CookieEchoed; // the peer's tag is known, so it can be told
        self.abort(env, cause);
        self.close(env, CloseReason::Violation { what, clause });
    }

    pub(super) fn cookie_ack(&mut self, env: &mut Env<'_>) {
        if self.state == State::CookieEchoed {
            self.established(env, false);
        }
    }

    /// The cookie was too old for the peer: once, a new INIT asks for one that lives longer. Spec: RFC 9260 §5.2.6
    pub(super) fn stale_cookie(&mut self, env: &mut Env<'_>, us: u32) {
        if self.handshake.stale {
            return self.close(env, CloseReason::PeerAbort(Some(Cause::StaleCookie(us))));
        }
        self.handshake.stale = true;
        self.handshake.preservative_ms = Some(us.div_ceil(1000).saturating_mul(2));
        self.handshake.attempts = 0;
        self.timers.stop(Timer::T1Cookie);
        self.remote_tag = 0;
        self.state = State::CookieWait;
        self.send_init(env);
    }

    /// Adds paths to addresses that the peer listed and nobody has confirmed. Spec: RFC 9260 §5.4
    fn add_paths(&mut self, env: &Env<'_>, addresses: &[IpAddr]) {
        let udp_port = self.paths[self.primary].udp_port;
        for a in addresses {
            let i = self.paths.len();
            if self.path_of(*a).is_none() && i < super::PATHS_MAX && is_usable(env.config, *a) {
                self.paths.push(Path::new(env.config, *a, local_for(env.config, *a, i), udp_port));
            }
        }
    }
}

/// Paths of a cookie: the source of INIT, which is confirmed by what came back, then the others.
fn paths(env: &Env<'_>, cookie: &Cookie, udp_port: Option<u16>) -> Vec<Path> {
    let mut all: Vec<Path> = Vec::new();
    for a in &cookie.addresses {
        let i = all.len();
        if i == 0 {
            all.push(Path { confirmed: true, ..Path::new(env.config, *a, Some(cookie.local), udp_port) });
        } else if i < super::PATHS_MAX && all.iter().all(|p| p.remote != *a) && is_usable(env.config, *a) {
            all.push(Path::new(env.config, *a, local_for(env.config, *a, i), udp_port));
        }
    }
    all
}

/// Whether packets can be sent to `address`, one host's, of a kind that this end has too.
fn is_usable(config: &Config, address: IpAddr) -> bool {
    is_unicast(address)
        && (config.addresses.is_empty() || config.addresses.iter().any(|a| a.is_ipv4() == address.is_ipv4()))
}

/// Whether `address` is one host's. Spec: RFC 9260 §8.4 (1)
pub(crate) fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(a) if a.is_broadcast());
    !(broadcast || address.is_multicast() || address.is_unspecified())
}

/// Streams that both ends agree on: ours to send on, the peer's. Spec: RFC 9260 §5.1.1
pub(crate) fn streams(config: &Config, init: &Init<'_>) -> (u16, u16) {
    (config.streams_out.min(init.inbound), config.streams_in.min(init.outbound))
}

/// The parameters of INIT or INIT ACK, or why it is refused: cause, reason, clause.
///
/// Spec: RFC 9260 §3.3.2, §3.3.3
pub(crate) fn refused<'a>(init: &Init<'a>) -> Result<InitParameters<'a>, (Cause, &'static str, &'static str)> {
    if init.outbound == 0 || init.inbound == 0 {
        return Err((Cause::InvalidParameter, "no streams", "3.3.2"));
    }
    if init.a_rwnd < 1500 {
        return Err((Cause::ProtocolViolation(b"a_rwnd below 1500".to_vec()), "a_rwnd below 1500", "3.3.2"));
    }
    let Ok(parameters) = InitParameters::decode(init.parameters) else {
        return Err((Cause::ProtocolViolation(b"a parameter's length".to_vec()), "a parameter's length", "3.2.1"));
    };
    match parameters.host_name {
        Some(name) => Err((Cause::UnresolvableAddress(name.to_vec()), "a host name", "3.3.2.1")),
        None => Ok(parameters),
    }
}
