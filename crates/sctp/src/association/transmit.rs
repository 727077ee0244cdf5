//! Packets: what goes together, and where to.
//!
//! Spec: RFC 9260 §6.1, §6.2, §6.4, §6.10

use super::incoming::Taken;
use super::outgoing::Which;
use super::{Association, Env, SackDue, State, Timer};
use crate::wire::{HEADER_LEN, Header, put_sack, seal};
use crate::{Output, Transmit};

/// Control chunks that wait at most; more are dropped, as if their packet had been lost.
const CONTROL_MAX: usize = 64;

/// A packet in the making.
#[derive(Debug)]
pub(crate) struct Builder {
    pub bytes: Vec<u8>,
    max: usize,
}

impl Builder {
    pub fn new(header: &Header, max: usize) -> Builder {
        let mut bytes = Vec::with_capacity(max);
        header.put(&mut bytes);
        Builder { bytes, max }
    }
    /// Octets that still fit.
    pub fn room(&self) -> usize {
        self.max.saturating_sub(self.bytes.len())
    }
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_LEN
    }
}

impl Association {
    pub(super) fn header(&self) -> Header {
        Header { source: self.local_port, destination: self.remote_port, tag: self.remote_tag }
    }

    fn builder(&self, i: usize) -> Builder {
        Builder::new(&self.header(), self.paths[i].packet_max)
    }

    /// Puts an encoded chunk into the queue towards path `i`.
    pub(super) fn control(&mut self, i: usize, chunk: Vec<u8>) {
        if self.control.len() < CONTROL_MAX {
            self.control.push_back((i, chunk));
        }
    }

    /// Sends octets in a packet of their own towards path `i`.
    pub(super) fn emit(&self, env: &mut Env<'_>, i: usize, mut bytes: Vec<u8>) {
        seal(&mut bytes);
        let path = &self.paths[i];
        env.out.push(Output::Transmit(Transmit {
            from: path.local,
            to: path.remote,
            udp_port: path.udp_port,
            data: bytes,
        }));
    }

    /// The path that new data takes: the primary one while it answers. Spec: RFC 9260 §6.4
    pub(super) fn data_path(&self) -> usize {
        let usable = |i: &usize| self.paths[*i].active && self.paths[*i].confirmed;
        if usable(&self.primary) {
            return self.primary;
        }
        (0..self.paths.len()).find(usable).unwrap_or(self.primary)
    }

    /// The path for what must be sent again: one that answers, with the fewest timeouts, of equal ones that of new data.
    ///
    /// Spec: RFC 9260 §6.4.1
    pub(super) fn again_path(&self) -> usize {
        let data = self.data_path();
        (0..self.paths.len())
            .filter(|i| self.paths[*i].active && self.paths[*i].confirmed)
            .min_by_key(|i| (self.paths[*i].errors, *i != data))
            .unwrap_or(data)
    }

    /// Sends whatever is due: control chunks, SACK, DATA.
    pub(crate) fn flush(&mut self, env: &mut Env<'_>) {
        self.flush_burst(env, env.config.burst_max);
    }

    /// As [`Association::flush`], with at most `burst` packets of DATA.
    pub(super) fn flush_burst(&mut self, env: &mut Env<'_>, mut burst: u32) {
        while let Some((i, _)) = self.control.front() {
            let i = *i;
            let mut b = self.builder(i);
            while self.control.front().is_some_and(|(j, c)| *j == i && (b.is_empty() || c.len() <= b.room())) {
                let Some((_, chunk)) = self.control.pop_front() else { break };
                b.bytes.extend_from_slice(&chunk);
            }
            if self.control.is_empty() && burst > 0 && self.sends_data() && i == self.data_path() {
                self.put_sack(&mut b, i);
                burst -= u32::from(self.fill(env, &mut b, i, false) > 0);
            }
            self.emit(env, i, b.bytes);
        }
        if self.sends_data() {
            if self.tx.n_lost > 0 {
                let again = self.again_path();
                self.flush_data(env, again, true, &mut burst);
            }
            self.flush_data(env, self.data_path(), false, &mut burst);
        }
        if self.sack_due == SackDue::Now {
            let i = self.reply_path;
            let mut b = self.builder(i);
            self.put_sack(&mut b, i);
            self.emit(env, i, b.bytes);
        }
        self.finish_sending(env);
    }

    fn flush_data(&mut self, env: &mut Env<'_>, i: usize, lost_only: bool, burst: &mut u32) {
        while *burst > 0 && self.paths.get(i).is_some_and(|p| self.tx.wants(p, lost_only)) {
            let mut b = self.builder(i);
            self.put_sack(&mut b, i);
            let n = self.fill(env, &mut b, i, lost_only);
            if b.is_empty() {
                return;
            }
            self.emit(env, i, b.bytes);
            // A SACK may have left too little room: the next packet has none.
            *burst -= u32::from(n > 0);
        }
    }

    fn sends_data(&self) -> bool {
        matches!(self.state, State::Established | State::ShutdownPending | State::ShutdownReceived)
    }

    fn fill(&mut self, env: &Env<'_>, b: &mut Builder, i: usize, lost_only: bool) -> usize {
        let Some(path) = self.paths.get_mut(i) else { return 0 };
        let which = match self.state {
            _ if lost_only => Which::Lost,
            State::ShutdownPending => Which::Last,
            _ => Which::Any,
        };
        let n = self.tx.fill(b, i, path, env.now, which);
        if n > 0 && !self.timers.is_running(Timer::T3Rtx(i)) {
            self.timers.start(Timer::T3Rtx(i), env.now + path.rto);
        }
        n
    }

    /// Puts a SACK into the packet, if one is due or may soon be, and it goes where the DATA came from. Spec: RFC 9260 §6.2, §6.4
    fn put_sack(&mut self, b: &mut Builder, i: usize) {
        if self.sack_due == SackDue::Not || i != self.reply_path || b.room() < 64 {
            return;
        }
        let gaps = self.rx.gaps((b.room() - 16) / 4);
        self.a_rwnd_told = self.rx.a_rwnd();
        let (room, told) = (b.room(), (self.rx.cumulative as u32, self.a_rwnd_told));
        put_sack(&mut b.bytes, told, &gaps, &self.rx.duplicates, room);
        self.rx.duplicates.clear();
        self.sack_due = SackDue::Not;
        self.n_unacknowledged = 0;
        self.timers.stop(Timer::Sack);
    }

    /// A packet with DATA came on path `from`: when is it acknowledged? Spec: RFC 9260 §6.2
    pub(super) fn schedule_sack(&mut self, env: &Env<'_>, from: usize, at_once: bool) {
        self.reply_path = from;
        self.n_unacknowledged += 1;
        if at_once || self.n_unacknowledged >= 2 || self.rx.has_gaps() || !self.rx.duplicates.is_empty() {
            self.sack_due = SackDue::Now;
        } else if self.sack_due == SackDue::Not {
            self.sack_due = SackDue::Later;
            self.timers.start(Timer::Sack, env.now + env.config.sack_delay);
        }
    }

    /// What a DATA chunk asks for beside being taken: whether its packet is acknowledged at once.
    pub(super) fn is_urgent(taken: Taken, immediate: bool) -> bool {
        immediate || taken != Taken::New
    }
}
