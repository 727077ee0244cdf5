//! What the user sends: fragments that wait, what is outstanding, what was lost.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | Cumulative TSN Ack Point | [`Outgoing::acked`] | all up to it arrived |
//! | outstanding | [`Outgoing::sent`] | sent and not below the ack point, in order of TSN |
//! | rwnd | [`Outgoing::peer_rwnd`] | what the peer can still take, octets |
//! | Fast Recovery exit point | [`Outgoing::recovery`] | |
//!
//! Spec: RFC 9260 §6.1, §6.9, §7.2.4

use std::collections::VecDeque;

use nr::Tc;

use super::Path;
use super::transmit::Builder;
use crate::wire::{Data, padded, put_data};
use crate::{Config, Message, SendError};

/// TSNs that may be outstanding: what a gap ack block can say, halved.
const SPAN_MAX: usize = 1 << 15;

/// A message or a fragment of one, without its TSN.
#[derive(Debug)]
pub(crate) struct Fragment {
    stream: u16,
    ssn: u16,
    ppid: u32,
    unordered: bool,
    begin: bool,
    end: bool,
    data: Vec<u8>,
}

/// What a packet may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Lost,
    Any,
    /// Anything; when the queue is empty, nothing more follows.
    Last,
}

/// What became of an outstanding chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    InFlight,
    /// In a gap ack block.
    Acked,
    /// To be sent again.
    Lost,
}

/// An outstanding chunk.
#[derive(Debug)]
pub(crate) struct Sent {
    fragment: Fragment,
    pub path: u8,
    pub fate: Fate,
    /// More than one transmission: no round trip can be measured. Spec: RFC 9260 §6.3.1 (C5)
    pub again: bool,
    /// Was retransmitted fast once. Spec: RFC 9260 §7.2.4
    pub fast: bool,
    /// SACKs that said it is missing.
    pub missing: u8,
    pub sent_at: Tc,
}

impl Sent {
    pub fn len(&self) -> usize {
        self.fragment.data.len()
    }
}

/// All that is on its way out of one association.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub acked: u32,
    next_tsn: u32,
    pub sent: VecDeque<Sent>,
    queue: VecDeque<Fragment>,
    /// Octets in the queue and outstanding.
    pub buffered: usize,
    /// Octets in flight on all paths.
    pub flight: usize,
    pub n_lost: usize,
    /// Chunks in gap ack blocks.
    pub n_gap: usize,
    pub peer_rwnd: usize,
    ssn: Vec<u16>,
    pub recovery: Option<u32>,
    /// A packet of retransmissions is due, whatever the window. Spec: RFC 9260 §7.2.4
    pub fast: bool,
    /// The user was refused a message.
    pub refused: bool,
}

/// Whether serial number `a` comes after `b`. Spec: RFC 9260 §1.6
pub(crate) const fn after(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

impl Outgoing {
    /// Nothing was sent yet; the first chunk will be `tsn`.
    pub fn new(tsn: u32, n_streams: u16, peer_rwnd: u32) -> Outgoing {
        Outgoing {
            acked: tsn.wrapping_sub(1),
            next_tsn: tsn,
            sent: VecDeque::new(),
            queue: VecDeque::new(),
            buffered: 0,
            flight: 0,
            n_lost: 0,
            n_gap: 0,
            peer_rwnd: peer_rwnd as usize,
            ssn: vec![0; n_streams.into()],
            recovery: None,
            fast: false,
            refused: false,
        }
    }

    pub fn n_streams(&self) -> u16 {
        self.ssn.len() as u16
    }

    /// The highest TSN that was sent.
    pub fn last_tsn(&self) -> u32 {
        self.next_tsn.wrapping_sub(1)
    }

    /// Nothing waits and nothing is outstanding.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.queue.is_empty()
    }

    /// Messages that are not acknowledged in full.
    pub fn n_messages(&self) -> usize {
        self.sent.iter().map(|s| &s.fragment).chain(&self.queue).filter(|f| f.end).count()
    }

    /// Takes a message, in fragments of at most `payload_max` octets. Spec: RFC 9260 §6.9
    pub fn push(&mut self, message: Message, config: &Config, payload_max: usize) -> Result<(), SendError> {
        let len = message.data.len();
        let streams = self.n_streams();
        let Some(next) = self.ssn.get_mut(usize::from(message.stream)) else {
            return Err(SendError::Stream { stream: message.stream, streams });
        };
        if len == 0 || len > config.message_max {
            return Err(SendError::Length(len));
        }
        if self.buffered + len > config.send_buffer {
            self.refused = true;
            return Err(SendError::Full(message));
        }
        let ssn = if message.unordered { 0 } else { *next };
        if !message.unordered {
            *next = next.wrapping_add(1);
        }
        self.buffered += len;
        let Message { stream, ppid, unordered, data } = message;
        if len <= payload_max {
            self.queue.push_back(Fragment { stream, ssn, ppid, unordered, begin: true, end: true, data });
            return Ok(());
        }
        let n = len.div_ceil(payload_max);
        for (i, piece) in data.chunks(payload_max).enumerate() {
            let (begin, end) = (i == 0, i + 1 == n);
            self.queue.push_back(Fragment { stream, ssn, ppid, unordered, begin, end, data: piece.to_vec() });
        }
        Ok(())
    }

    /// Whether the next new chunk may be sent as far as the peer's window goes. Spec: RFC 9260 §6.1 (A)
    fn may_send_new(&self) -> bool {
        let Some(next) = self.queue.front() else { return false };
        self.sent.len() < SPAN_MAX && (next.data.len() <= self.peer_rwnd || self.sent.is_empty())
    }

    /// Whether there is something for `path` to carry.
    pub fn wants(&self, path: &Path, lost_only: bool) -> bool {
        let open = path.flight < path.cwnd;
        (self.n_lost > 0 && (open || self.fast)) || (!lost_only && self.n_lost == 0 && open && self.may_send_new())
    }

    /// Puts DATA for path `i` into a packet: first what was lost, then, unless only that is wanted, what is new. Says how many chunks.
    ///
    /// Spec: RFC 9260 §6.1, §7.2.4
    pub fn fill(&mut self, b: &mut Builder, i: usize, path: &mut Path, now: Tc, what: Which) -> usize {
        let mut n = 0;
        path.idle(now);
        if self.n_lost > 0 {
            n += self.fill_lost(b, i, path, now);
        }
        // What is lost goes first, so nothing new while some of it is left.
        while what != Which::Lost && self.n_lost == 0 && path.flight < path.cwnd && self.may_send_new() {
            let Some(next) = self.queue.front() else { break };
            if Data::HEADER_LEN + padded(next.data.len()) > b.room() {
                break;
            }
            let Some(fragment) = self.queue.pop_front() else { break };
            let tsn = self.next_tsn;
            self.next_tsn = tsn.wrapping_add(1);
            let len = fragment.data.len();
            // Who must wait for the answer asks for it at once. Spec: RFC 9260 §6.1
            let blocked = !self.queue.is_empty() && path.flight + len >= path.cwnd;
            let last = what == Which::Last && self.queue.is_empty();
            put(b, &fragment, tsn, blocked || last);
            path.flight += len;
            path.used = now;
            self.flight += len;
            self.peer_rwnd = self.peer_rwnd.saturating_sub(len);
            path.timed.get_or_insert(tsn);
            self.sent.push_back(Sent {
                fragment,
                path: i as u8,
                fate: Fate::InFlight,
                again: false,
                fast: false,
                missing: 0,
                sent_at: now,
            });
            n += 1;
        }
        n
    }

    fn fill_lost(&mut self, b: &mut Builder, i: usize, path: &mut Path, now: Tc) -> usize {
        let (mut n, mut tsn) = (0, self.acked);
        for sent in &mut self.sent {
            tsn = tsn.wrapping_add(1);
            if sent.fate != Fate::Lost {
                continue;
            }
            let fits = Data::HEADER_LEN + padded(sent.fragment.data.len()) <= b.room();
            if !fits || !(self.fast || path.flight < path.cwnd) {
                break;
            }
            put(b, &sent.fragment, tsn, false);
            let len = sent.fragment.data.len();
            sent.fate = Fate::InFlight;
            sent.path = i as u8;
            sent.again = true;
            sent.missing = 0;
            sent.sent_at = now;
            path.flight += len;
            path.used = now;
            self.flight += len;
            self.n_lost -= 1;
            n += 1;
            if self.n_lost == 0 {
                break;
            }
        }
        if n > 0 {
            self.fast = false;
        }
        n
    }

    /// T3-rtx of path `i` expired: all that is in flight on it is lost. Spec: RFC 9260 §6.3.3 (E3)
    pub fn lose(&mut self, i: usize, path: &mut Path) {
        for sent in &mut self.sent {
            if usize::from(sent.path) == i && sent.fate == Fate::InFlight {
                let len = sent.fragment.data.len();
                sent.fate = Fate::Lost;
                self.flight -= len;
                self.peer_rwnd += len;
                self.n_lost += 1;
            }
        }
        path.flight = 0;
        path.timed = None;
        self.recovery = None;
        self.fast = false;
    }
}

fn put(b: &mut Builder, f: &Fragment, tsn: u32, immediate: bool) {
    let d = Data {
        immediate,
        unordered: f.unordered,
        begin: f.begin,
        end: f.end,
        tsn,
        stream: f.stream,
        ssn: f.ssn,
        ppid: f.ppid,
        payload: &f.data,
    };
    put_data(&mut b.bytes, &d);
}
