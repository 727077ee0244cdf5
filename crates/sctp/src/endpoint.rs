//! A port with its associations: whose a packet is, and what is done with one that is nobody's.
//!
//! Spec: RFC 9260 §5.1, §5.2, §8.4, §8.5; RFC 6951 §5

use std::collections::{BTreeMap, BTreeSet};

use core::net::IpAddr;
use node::{Outbox, Rng};
use nr::Tc;

use crate::association::{Association, Env, State, addresses_for, is_unicast, refused, streams, tag};
use crate::cookie::Cookie;
use crate::wire::{
    ADDRESSES_MAX, Cause, Chunk, Chunks, Header, Init, InitParameters, Packet, Parameters, kind, parameter,
    put_address, put_chunk, put_init, put_parameter, seal,
};
use crate::{
    AssociationId, CloseReason, Config, ConfigError, ConnectError, Datagram, Message, Output, Remote, SendError,
    Status, Transmit,
};

/// What came and was not an association's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Too short, another checksum, port 0.
    pub malformed: u64,
    /// For another port.
    pub other_port: u64,
    /// With a tag that is not the association's.
    pub wrong_tag: u64,
    /// Of no association. Spec: RFC 9260 §8.4
    pub out_of_the_blue: u64,
    /// INITs that were answered with a cookie.
    pub cookies: u64,
    /// COOKIE ECHOs that were not believed, or too old.
    pub cookies_refused: u64,
}

#[derive(Debug)]
struct Entry {
    association: Association,
    /// Its deadline as it stands in the list of deadlines.
    scheduled: Option<Tc>,
    /// How many of its paths are in the list of peers.
    n_listed: usize,
    /// Messages were sent since the last flush.
    waiting: bool,
}

/// A port with its associations: the node. See the crate's page for who calls what.
#[derive(Debug)]
pub struct Endpoint {
    config: Config,
    rng: Rng,
    secret: [u8; 32],
    entries: BTreeMap<AssociationId, Entry>,
    peers: BTreeMap<(u16, IpAddr), AssociationId>,
    deadlines: BTreeSet<(Tc, AssociationId)>,
    waiting: Vec<AssociationId>,
    next: u32,
    counters: Counters,
}

impl Endpoint {
    /// An endpoint; `rng` outside a lab comes from the operating system's entropy.
    pub fn new(config: Config, mut rng: Rng) -> Result<Endpoint, ConfigError> {
        config.check()?;
        let mut secret = [0; 32];
        rng.fill(&mut secret);
        Ok(Endpoint {
            config,
            rng,
            secret,
            entries: BTreeMap::new(),
            peers: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            waiting: Vec::new(),
            next: 0,
            counters: Counters::default(),
        })
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What came and was not an association's.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Associations that are not over, or hold messages that nobody took.
    pub fn associations(&self) -> impl Iterator<Item = AssociationId> + '_ {
        self.entries.keys().copied()
    }

    /// How an association does; `None` where there is none.
    pub fn status(&self, id: AssociationId) -> Option<Status> {
        self.entries.get(&id).map(|e| e.association.status())
    }

    /// Begins an association: [`Event::Up`](crate::Event::Up) or [`Event::Closed`](crate::Event::Closed) follows. Spec: RFC 9260 §5.1
    pub fn connect(
        &mut self,
        now: Tc,
        remote: &Remote,
        out: &mut Outbox<Output>,
    ) -> Result<AssociationId, ConnectError> {
        let n = remote.addresses.len();
        if remote.port == 0 || n == 0 || n > ADDRESSES_MAX || !remote.addresses.iter().all(|a| is_unicast(*a)) {
            return Err(ConnectError::Remote);
        }
        if let Some(id) = remote.addresses.iter().find_map(|a| self.peers.get(&(remote.port, *a))) {
            return Err(ConnectError::Exists(*id));
        }
        if self.entries.len() >= self.config.associations_max {
            return Err(ConnectError::Full);
        }
        let id = self.next_id();
        let association = Association::connect(&mut self.env(now, out), id, remote);
        self.insert(association);
        Ok(id)
    }

    /// Takes a message; it leaves with the next [`Endpoint::flush`]. Spec: RFC 9260 §6.1
    pub fn send(&mut self, id: AssociationId, message: Message) -> Result<(), SendError> {
        let Some(entry) = self.entries.get_mut(&id) else { return Err(SendError::NotConnected(message)) };
        entry.association.send(&self.config, message)?;
        if !entry.waiting {
            entry.waiting = true;
            self.waiting.push(id);
        }
        Ok(())
    }

    /// Sends, as far as windows allow, what [`Endpoint::send`] took since the last flush.
    pub fn flush(&mut self, now: Tc, out: &mut Outbox<Output>) {
        for id in core::mem::take(&mut self.waiting) {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.waiting = false;
            }
            self.with(id, now, out, |a, env| a.flush(env));
        }
    }

    /// The oldest message that came and was not taken yet; `None` when there is none. May open the window.
    pub fn receive(&mut self, now: Tc, id: AssociationId, out: &mut Outbox<Output>) -> Option<Message> {
        let Endpoint { entries, config, rng, .. } = self;
        let entry = entries.get_mut(&id)?;
        let message = entry.association.receive(&mut Env { config, rng, out, now });
        if entry.association.state == State::Closed {
            self.settle(id);
        }
        message
    }

    /// Ends an association once all that was sent arrived; [`Event::Closed`](crate::Event::Closed) follows. Spec: RFC 9260 §9.2
    pub fn shutdown(&mut self, now: Tc, id: AssociationId, out: &mut Outbox<Output>) {
        self.with(id, now, out, |a, env| a.shutdown(env));
    }

    /// Ends an association at once and tells the peer why; what was not taken is gone. Spec: RFC 9260 §9.1
    pub fn abort(&mut self, now: Tc, id: AssociationId, why: &[u8], out: &mut Outbox<Output>) {
        self.with(id, now, out, |a, env| {
            a.abort(env, &Cause::UserAbort(why.to_vec()));
            a.close(env, CloseReason::UserAbort);
        });
        self.remove(id);
    }

    /// Makes a peer's address the one that new data goes to; `false` if it is none that was confirmed. Spec: RFC 9260 §6.4
    pub fn set_primary(&mut self, id: AssociationId, address: IpAddr) -> bool {
        self.entries.get_mut(&id).is_some_and(|e| e.association.set_primary(address))
    }

    /// Asks a peer's address now whether it answers. Spec: RFC 9260 §8.3
    pub fn heartbeat(&mut self, now: Tc, id: AssociationId, address: IpAddr, out: &mut Outbox<Output>) {
        self.with(id, now, out, |a, env| {
            if let Some(i) = a.path_of(address).filter(|_| a.state == State::Established) {
                a.send_heartbeat(env, i);
                a.flush(env);
            }
        });
    }

    /// Fires what is due at `now`.
    pub fn timeout(&mut self, now: Tc, out: &mut Outbox<Output>) {
        while let Some((at, id)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.with(id, now, out, |a, env| a.timeout(env));
            // Whatever happened, the same entry must not come again.
            if self.deadlines.remove(&(at, id))
                && let Some(entry) = self.entries.get_mut(&id)
            {
                entry.scheduled = None;
            }
        }
    }

    /// When [`Endpoint::timeout`] must be called next.
    pub fn deadline(&self) -> Option<Tc> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Takes a packet. Spec: RFC 9260 §8.4, §8.5
    pub fn packet(&mut self, now: Tc, datagram: &Datagram<'_>, out: &mut Outbox<Output>) {
        let Ok(packet) = Packet::decode(datagram.data) else {
            self.counters.malformed += 1;
            return;
        };
        let header = packet.header;
        if header.destination != self.config.port {
            self.counters.other_port += 1;
            return;
        }
        let Some(Ok(first)) = packet.chunks().next().filter(|_| is_unicast(datagram.from)) else {
            self.counters.malformed += 1;
            return;
        };
        let found = self.peers.get(&(header.source, datagram.from)).copied();
        match first.kind {
            kind::INIT => {
                let alone = packet.chunks().count() == 1;
                match first.decode() {
                    Ok(Chunk::Init(init)) if header.tag == 0 && alone && init.tag != 0 => {
                        self.init(now, datagram, &header, &init, found, out);
                    }
                    _ => self.counters.malformed += 1,
                }
            }
            kind::COOKIE_ECHO => self.cookie_echo(now, datagram, &packet, found, out),
            kind::INIT_ACK | kind::SHUTDOWN_COMPLETE if packet.chunks().count() > 1 => self.counters.malformed += 1,
            _ => {
                let entry = found.and_then(|id| self.entries.get(&id));
                let Some(entry) = entry.filter(|e| !is_blue(e.association.state, first.kind)) else {
                    return self.out_of_the_blue(datagram, &packet, out);
                };
                if !entry.association.accepts(&header, &first) {
                    self.counters.wrong_tag += 1;
                    return;
                }
                self.hand(now, entry.association.id, datagram, packet.chunks(), out);
            }
        }
    }

    /// Gives chunks to an association, whose tag was right.
    fn hand(&mut self, now: Tc, id: AssociationId, d: &Datagram<'_>, chunks: Chunks<'_>, out: &mut Outbox<Output>) {
        self.with(id, now, out, |a, env| {
            let Some(i) = a.path_of(d.from) else { return };
            // Where the peer's packets come from now is where ours go. Spec: RFC 6951 §5.4
            a.paths[i].udp_port = d.udp_port;
            a.packet(env, i, chunks);
        });
    }

    /// INIT. Spec: RFC 9260 §5.1 (B), §5.2.1, §5.2.2
    fn init(
        &mut self,
        now: Tc,
        d: &Datagram<'_>,
        header: &Header,
        init: &Init<'_>,
        found: Option<AssociationId>,
        out: &mut Outbox<Output>,
    ) {
        let back = Header { source: header.destination, destination: header.source, tag: init.tag };
        let parameters = match refused(init) {
            Ok(parameters) => parameters,
            Err((cause, _, _)) => return abort_to(d, &back, false, Some(&cause), out),
        };
        let mut addresses = vec![d.from];
        for a in &parameters.addresses {
            if is_unicast(*a) && a.is_loopback() == d.from.is_loopback() && !addresses.contains(a) {
                addresses.push(*a);
            }
        }
        let found = found.and_then(|id| self.entries.get(&id)).map(|e| &e.association);
        let found = found.filter(|a| a.state != State::Closed);
        let (mut tags, mut ties) = (None, (0, 0));
        match found {
            None if !self.config.listen => return abort_to(d, &back, false, None, out),
            None if self.entries.len() >= self.config.associations_max => {
                return abort_to(d, &back, false, Some(&Cause::OutOfResource), out);
            }
            None => {}
            Some(a) if a.state == State::ShutdownAckSent => {
                let mut packet = Vec::with_capacity(16);
                Header { tag: a.remote_tag, ..back }.put(&mut packet);
                put_chunk(&mut packet, kind::SHUTDOWN_ACK, 0, &[]);
                return answer(d, packet, out);
            }
            Some(a) => {
                let new = addresses.iter().filter(|x| a.path_of(**x).is_none());
                if a.state != State::CookieWait && new.clone().next().is_some() {
                    let mut listed = Vec::new();
                    new.for_each(|x| put_address(&mut listed, *x));
                    return abort_to(d, &back, false, Some(&Cause::RestartWithNewAddresses(listed)), out);
                }
                if matches!(a.state, State::CookieWait | State::CookieEchoed) {
                    tags = Some((a.local_tag, a.handshake.tsn));
                }
                if a.state != State::CookieWait {
                    ties = (a.local_tie, a.remote_tie);
                }
            }
        }
        let (local_tag, local_tsn) = tags.unwrap_or_else(|| (tag(&mut self.rng), self.rng.u32()));
        let (outbound, inbound) = streams(&self.config, init);
        let longer = parameters.preservative_ms.map_or(Tc::ZERO, |ms| Tc::from_ms(ms.into()));
        let cookie = Cookie {
            made: now,
            life: self.config.cookie_life + longer.min(self.config.cookie_life),
            local_port: header.destination,
            remote_port: header.source,
            local_tag,
            remote_tag: init.tag,
            local_tsn,
            remote_tsn: init.tsn,
            a_rwnd: init.a_rwnd,
            outbound,
            inbound,
            local_tie: ties.0,
            remote_tie: ties.1,
            local: d.to,
            addresses,
        };
        self.counters.cookies += 1;
        answer(d, self.init_ack(&back, &cookie, &parameters), out);
    }

    fn init_ack(&self, back: &Header, cookie: &Cookie, parameters: &InitParameters<'_>) -> Vec<u8> {
        let mut listed = Vec::with_capacity(256);
        let addresses = addresses_for(&self.config, cookie.addresses.first().copied().unwrap_or(cookie.local));
        addresses.iter().for_each(|a| put_address(&mut listed, *a));
        put_parameter(&mut listed, parameter::STATE_COOKIE, &cookie.encode(&self.secret));
        for unknown in Parameters::new(&parameters.unrecognized).flatten() {
            put_parameter(&mut listed, parameter::UNRECOGNIZED, unknown.whole);
        }
        let init = Init {
            tag: cookie.local_tag,
            a_rwnd: self.config.receive_buffer,
            outbound: cookie.outbound,
            inbound: self.config.streams_in,
            tsn: cookie.local_tsn,
            parameters: Parameters::new(&listed),
        };
        let mut packet = Vec::with_capacity(32 + listed.len());
        back.put(&mut packet);
        put_init(&mut packet, kind::INIT_ACK, &init);
        packet
    }

    /// COOKIE ECHO. Spec: RFC 9260 §5.1.5, §5.2.4
    fn cookie_echo(
        &mut self,
        now: Tc,
        d: &Datagram<'_>,
        packet: &Packet<'_>,
        found: Option<AssociationId>,
        out: &mut Outbox<Output>,
    ) {
        let header = packet.header;
        let mut chunks = packet.chunks();
        let cookie = chunks.next().and_then(Result::ok).and_then(|c| Cookie::decode(c.value, &self.secret));
        let fits = |c: &Cookie| {
            c.local_port == header.destination
                && c.remote_port == header.source
                && c.local_tag == header.tag
                && c.addresses.contains(&d.from)
        };
        let Some(cookie) = cookie.filter(fits) else {
            self.counters.cookies_refused += 1;
            return;
        };
        let back = Header { source: header.destination, destination: header.source, tag: cookie.remote_tag };
        let found = found.and_then(|id| self.entries.get(&id)).map(|e| &e.association);
        let found = found.filter(|a| a.state != State::Closed);
        let same = |a: &Association| (a.local_tag == cookie.local_tag, a.remote_tag == cookie.remote_tag);
        let current = found.is_some_and(|a| same(a) == (true, true));
        if let Some(over) = cookie.overdue(now).filter(|_| !current) {
            self.counters.cookies_refused += 1;
            let us = u32::try_from(over.as_us()).unwrap_or(u32::MAX);
            let mut causes = Vec::new();
            Cause::StaleCookie(us).put(&mut causes);
            let mut packet = Vec::with_capacity(32);
            back.put(&mut packet);
            put_chunk(&mut packet, kind::ERROR, 0, &causes);
            return answer(d, packet, out);
        }
        let Some(a) = found else {
            if self.entries.len() >= self.config.associations_max {
                return abort_to(d, &back, false, Some(&Cause::OutOfResource), out);
            }
            let id = self.next_id();
            let association = Association::accept(&mut self.env(now, out), id, &cookie, d.udp_port);
            self.insert(association);
            return self.hand(now, id, d, chunks, out);
        };
        let (id, ties) = (a.id, a.local_tie == cookie.local_tie && a.remote_tie == cookie.remote_tie);
        match same(a) {
            (false, false) if ties && a.state == State::ShutdownAckSent => {
                let mut packet = Vec::with_capacity(32);
                Header { tag: a.remote_tag, ..back }.put(&mut packet);
                put_chunk(&mut packet, kind::SHUTDOWN_ACK, 0, &[]);
                let mut causes = Vec::new();
                Cause::CookieWhileShuttingDown.put(&mut causes);
                put_chunk(&mut packet, kind::ERROR, 0, &causes);
                return answer(d, packet, out);
            }
            (false, false) if ties => {
                self.unlist(id);
                self.with(id, now, out, |a, env| a.restart(env, &cookie, d.udp_port));
            }
            (true, false) => self.with(id, now, out, |a, env| {
                let from = a.path_of(d.from).unwrap_or(0);
                a.collide(env, &cookie, from);
            }),
            (true, true) => self.with(id, now, out, |a, env| {
                let from = a.path_of(d.from).unwrap_or(0);
                a.confirm(env, from);
            }),
            _ => {
                self.counters.cookies_refused += 1;
                return;
            }
        }
        self.hand(now, id, d, chunks, out);
    }

    /// A packet of no association. Spec: RFC 9260 §8.4
    fn out_of_the_blue(&mut self, d: &Datagram<'_>, packet: &Packet<'_>, out: &mut Outbox<Output>) {
        self.counters.out_of_the_blue += 1;
        let mut shutdown_ack = false;
        for raw in packet.chunks() {
            let Ok(raw) = raw else { return };
            match raw.decode() {
                Ok(Chunk::Abort { .. } | Chunk::ShutdownComplete { .. } | Chunk::CookieAck | Chunk::CookieEcho(_)) => {
                    return;
                }
                Ok(Chunk::Init(_)) | Err(_) => return,
                Ok(Chunk::Error(causes)) if { causes }.any(|c| matches!(c, Cause::StaleCookie(_))) => return,
                Ok(Chunk::ShutdownAck) => shutdown_ack = true,
                Ok(_) => {}
            }
        }
        let h = packet.header;
        let back = Header { source: h.destination, destination: h.source, tag: h.tag };
        if shutdown_ack {
            let mut packet = Vec::with_capacity(16);
            back.put(&mut packet);
            put_chunk(&mut packet, kind::SHUTDOWN_COMPLETE, 1, &[]);
            return answer(d, packet, out);
        }
        abort_to(d, &back, true, None, out);
    }

    fn next_id(&mut self) -> AssociationId {
        self.next = self.next.wrapping_add(1);
        AssociationId(self.next)
    }

    fn env<'a>(&'a mut self, now: Tc, out: &'a mut Outbox<Output>) -> Env<'a> {
        Env { config: &self.config, rng: &mut self.rng, out, now }
    }

    fn insert(&mut self, association: Association) {
        let id = association.id;
        self.entries.insert(id, Entry { association, scheduled: None, n_listed: 0, waiting: false });
        self.settle(id);
    }

    /// Lets `f` work on an association, and then puts the lists in order.
    fn with(
        &mut self,
        id: AssociationId,
        now: Tc,
        out: &mut Outbox<Output>,
        f: impl FnOnce(&mut Association, &mut Env<'_>),
    ) {
        let Endpoint { entries, config, rng, .. } = self;
        if let Some(entry) = entries.get_mut(&id) {
            f(&mut entry.association, &mut Env { config, rng, out, now });
            self.settle(id);
        }
    }

    /// Brings deadlines and peers up to date with an association; forgets one that is over and was read to its end.
    fn settle(&mut self, id: AssociationId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let deadline = entry.association.deadline();
        if entry.scheduled != deadline {
            if let Some(at) = entry.scheduled {
                self.deadlines.remove(&(at, id));
            }
            if let Some(at) = deadline {
                self.deadlines.insert((at, id));
            }
            entry.scheduled = deadline;
        }
        if entry.association.state == State::Closed {
            if entry.association.is_readable() {
                return self.unlist(id);
            }
            return self.remove(id);
        }
        let paths = &entry.association.paths;
        for path in paths.iter().skip(entry.n_listed) {
            self.peers.entry((entry.association.remote_port, path.remote)).or_insert(id);
        }
        entry.n_listed = paths.len();
    }

    /// Takes an association's addresses off the list of peers.
    fn unlist(&mut self, id: AssociationId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        for path in entry.association.paths.iter().take(entry.n_listed) {
            let key = (entry.association.remote_port, path.remote);
            if self.peers.get(&key) == Some(&id) {
                self.peers.remove(&key);
            }
        }
        entry.n_listed = 0;
    }

    fn remove(&mut self, id: AssociationId) {
        self.unlist(id);
        if let Some(at) = self.entries.remove(&id).and_then(|e| e.scheduled) {
            self.deadlines.remove(&(at, id));
        }
    }
}

/// Whether a chunk is out of the blue although there is an association: it is over, or cannot have got so far. Spec: RFC 9260 §8.5.1 (E)
fn is_blue(state: State, first: u8) -> bool {
    match state {
        State::Closed => true,
        State::CookieWait | State::CookieEchoed => first == kind::SHUTDOWN_ACK,
        _ => false,
    }
}

/// Sends a packet back where `d` came from.
fn answer(d: &Datagram<'_>, mut packet: Vec<u8>, out: &mut Outbox<Output>) {
    seal(&mut packet);
    out.push(Output::Transmit(Transmit { from: Some(d.to), to: d.from, udp_port: d.udp_port, data: packet }));
}

fn abort_to(d: &Datagram<'_>, back: &Header, reflected: bool, cause: Option<&Cause>, out: &mut Outbox<Output>) {
    let mut causes = Vec::new();
    if let Some(cause) = cause {
        cause.put(&mut causes);
    }
    let mut packet = Vec::with_capacity(16 + causes.len());
    back.put(&mut packet);
    put_chunk(&mut packet, kind::ABORT, u8::from(reflected), &causes);
    answer(d, packet, out);
}
