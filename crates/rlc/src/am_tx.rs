//! Acknowledged mode, transmitting side. Spec: TS 38.322 §5.2.3.1, §5.3.2, §5.3.3
//!
//! | in the specification | here |
//! |---|---|
//! | TX_Next_Ack | `next_ack`, the SN of `window`'s first SDU |
//! | TX_Next | `next_ack + window.len()` |
//! | POLL_SN | `poll_sn` |
//! | PDU_WITHOUT_POLL, BYTE_WITHOUT_POLL | `pdu_without_poll`, `byte_without_poll` |
//! | RETX_COUNT | [`Sent::retx_count`] |

use crate::am::AmConfig;
use crate::pdu::{Amd, SO_END, SnSpace, decode_status};
use crate::reassembly::Pool;
use crate::{RlcEvent, Stats};
use node::Outbox;
use nr::Tc;
use std::collections::VecDeque;

/// An SDU that has a sequence number.
#[derive(Debug)]
struct Sent {
    tag: u32,
    data: Vec<u8>,
    /// Bytes that have been sent once.
    sent: usize,
    /// `None` until it is first considered for retransmission.
    retx_count: Option<u8>,
    /// Some of it waits for retransmission.
    pending: bool,
    acked: bool,
}

/// Bytes `start..end` of the SDU with number `sn` are to be sent again.
#[derive(Clone, Copy, Debug)]
struct Retx {
    sn: u32,
    start: usize,
    end: usize,
}

#[derive(Debug)]
pub(crate) struct AmTx {
    pub(crate) config: AmConfig,
    space: SnSpace,
    queue: VecDeque<(u32, Vec<u8>)>,
    queue_bytes: usize,
    window: VecDeque<Sent>,
    window_bytes: usize,
    next_ack: u32,
    retx: VecDeque<Retx>,
    retx_scratch: VecDeque<Retx>,
    retx_bytes: usize,
    pdu_without_poll: u32,
    byte_without_poll: u32,
    poll_sn: u32,
    poll_retransmit_at: Option<Tc>,
    /// A poll is to be put into the next PDU.
    poll_due: bool,
    max_retx_told: bool,
    freed: Vec<Vec<u8>>,
}

impl AmTx {
    pub(crate) fn new(space: SnSpace, config: AmConfig) -> AmTx {
        AmTx {
            config,
            space,
            queue: VecDeque::new(),
            queue_bytes: 0,
            window: VecDeque::new(),
            window_bytes: 0,
            next_ack: 0,
            retx: VecDeque::new(),
            retx_scratch: VecDeque::new(),
            retx_bytes: 0,
            pdu_without_poll: 0,
            byte_without_poll: 0,
            poll_sn: 0,
            poll_retransmit_at: None,
            poll_due: false,
            max_retx_told: false,
            freed: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, sdu: Vec<u8>, tag: u32) {
        self.queue_bytes += sdu.len();
        self.queue.push_back((tag, sdu));
    }
    pub(crate) fn held_bytes(&self) -> usize {
        self.queue_bytes + self.window_bytes
    }
    pub(crate) fn discard(&mut self, tag: u32) -> Option<Vec<u8>> {
        let i = self.queue.iter().position(|(t, _)| *t == tag)?;
        let (_, sdu) = self.queue.remove(i)?;
        self.queue_bytes -= sdu.len();
        Some(sdu)
    }
    pub(crate) fn drain_freed(&mut self, pool: &mut Pool) {
        self.freed.drain(..).for_each(|b| pool.give(b));
    }

    /// Bytes of the last SDU of the window that have not been sent yet.
    fn begun_bytes(&self) -> usize {
        self.window.back().map_or(0, |s| s.data.len() - s.sent)
    }
    fn is_stalled(&self) -> bool {
        self.window.len() >= self.space.window() as usize
    }
    pub(crate) fn new_bytes(&self) -> usize {
        let header = Amd::header_len(self.space, true);
        let begun = match self.begun_bytes() {
            0 => 0,
            n => n + header + 2,
        };
        begun + if self.is_stalled() { 0 } else { self.queue_bytes + header * self.queue.len() }
    }
    pub(crate) fn retx_bytes(&self) -> usize {
        self.retx_bytes + self.retx.len() * Amd::header_len(self.space, false)
    }
    /// Nothing waits but acknowledgements, or nothing new may be sent. Spec: TS 38.322 §5.3.3.2, §5.3.3.4
    fn nothing_to_send(&self) -> bool {
        self.retx.is_empty() && self.begun_bytes() == 0 && (self.queue.is_empty() || self.is_stalled())
    }

    pub(crate) fn pull(&mut self, now: Tc, out: &mut [u8], stats: &mut Stats) -> usize {
        let retx = self.retx.front().copied();
        let (sn, start, end) = match retx {
            Some(r) => (r.sn, r.start, r.end),
            None => {
                if self.begun_bytes() == 0 && !self.begin_next(out.len()) {
                    return 0;
                }
                let Some(last) = self.window.back() else { return 0 };
                (self.space.add(self.next_ack, self.window.len() as u32 - 1), last.sent, last.data.len())
            }
        };
        let header = Amd::header_len(self.space, start == 0);
        let index = self.space.offset(sn, self.next_ack) as usize;
        let Some(sdu) = self.window.get_mut(index).filter(|_| out.len() > header) else { return 0 };
        let n = (end - start).min(out.len() - header);
        out[header..header + n].copy_from_slice(&sdu.data[start..start + n]);
        let last = start + n == sdu.data.len();
        self.pdu_without_poll = self.pdu_without_poll.saturating_add(1);
        if retx.is_some() {
            self.retx_bytes -= n;
            stats.retx_pdus += 1;
            if start + n == end {
                self.retx.pop_front();
                sdu.pending = self.retx.front().is_some_and(|r| r.sn == sn);
            } else if let Some(front) = self.retx.front_mut() {
                front.start += n;
            }
        } else {
            sdu.sent += n;
            self.byte_without_poll = self.byte_without_poll.saturating_add(n as u32);
        }
        stats.tx_pdus += 1;
        let poll = self.poll_due
            || self.pdu_without_poll >= self.config.poll_pdu
            || self.byte_without_poll >= self.config.poll_byte
            || self.nothing_to_send();
        if poll {
            self.include_poll(now);
        }
        Amd::encode_header(self.space, poll, sn, start, last, out);
        header + n
    }

    /// Gives the queue's first SDU the next sequence number, if the window and `room` allow to send some of it.
    fn begin_next(&mut self, room: usize) -> bool {
        if self.is_stalled() || room <= Amd::header_len(self.space, true) {
            return false;
        }
        let Some((tag, data)) = self.queue.pop_front() else { return false };
        self.queue_bytes -= data.len();
        self.window_bytes += data.len();
        self.window.push_back(Sent { tag, data, sent: 0, retx_count: None, pending: false, acked: false });
        true
    }

    fn include_poll(&mut self, now: Tc) {
        self.poll_due = false;
        self.pdu_without_poll = 0;
        self.byte_without_poll = 0;
        self.poll_sn = self.space.add(self.next_ack, (self.window.len() as u32).wrapping_sub(1));
        self.poll_retransmit_at = Some(now + self.config.t_poll_retransmit);
    }

    /// Spec: TS 38.322 §5.3.2, §5.3.3.3; `false` if the PDU is malformed or acknowledges what was not sent.
    pub(crate) fn receive_status(&mut self, pdu: &[u8], stats: &mut Stats, out: &mut Outbox<RlcEvent>) -> bool {
        let Some((ack_sn, nacks)) = decode_status(pdu, self.space) else { return false };
        let n_acked = self.space.offset(ack_sn, self.next_ack) as usize;
        if n_acked > self.window.len() {
            return false;
        }
        if self.poll_retransmit_at.is_some() && (self.space.offset(self.poll_sn, self.next_ack) as usize) < n_acked {
            self.poll_retransmit_at = None;
        }
        // What waits below ACK_SN is told anew by this PDU; what waits above stays.
        let mut rebuilt = std::mem::take(&mut self.retx_scratch);
        rebuilt.clear();
        let mut next = 0;
        for nack in nacks {
            let first = self.space.offset(nack.sn, self.next_ack) as usize;
            // NACKs come in increasing order; one that goes back is only for another part of the same SDU.
            if first >= n_acked || first + 1 < next {
                continue;
            }
            for i in next..first {
                self.acknowledge(i, stats, out);
            }
            let after = (first + nack.n_sdus as usize).min(n_acked);
            for i in first..after {
                let start = nack.so.filter(|_| i == first).map_or(0, |so| usize::from(so.0));
                let end = nack.so.filter(|so| i + 1 == first + nack.n_sdus as usize && so.1 != SO_END);
                self.consider_retx(
                    i,
                    start,
                    end.map_or(usize::MAX, |so| usize::from(so.1) + 1),
                    i >= next,
                    &mut rebuilt,
                    out,
                );
            }
            next = next.max(after);
        }
        for i in next..n_acked {
            self.acknowledge(i, stats, out);
        }
        rebuilt.extend(self.retx.iter().filter(|r| self.space.offset(r.sn, self.next_ack) as usize >= n_acked));
        self.retx_scratch = std::mem::replace(&mut self.retx, rebuilt);
        self.retx_bytes = self.retx.iter().map(|r| r.end - r.start).sum();
        self.close_window();
        true
    }

    fn acknowledge(&mut self, index: usize, stats: &mut Stats, out: &mut Outbox<RlcEvent>) {
        let Some(sdu) = self.window.get_mut(index) else { return };
        if sdu.acked || sdu.sent < sdu.data.len() {
            return;
        }
        sdu.acked = true;
        sdu.pending = false;
        self.window_bytes -= sdu.data.len();
        self.freed.push(std::mem::take(&mut sdu.data));
        sdu.sent = 0;
        stats.sdus_done += 1;
        out.push(RlcEvent::Delivered { tag: sdu.tag });
    }

    /// Puts bytes of an SDU on the list `retx`, and counts it where `first` says that this is the first time in this PDU.
    fn consider_retx(
        &mut self,
        index: usize,
        start: usize,
        end: usize,
        first: bool,
        retx: &mut VecDeque<Retx>,
        out: &mut Outbox<RlcEvent>,
    ) {
        let sn = self.space.add(self.next_ack, index as u32);
        let Some(sdu) = self.window.get_mut(index) else { return };
        let end = end.min(sdu.sent);
        // Parts of one SDU come in increasing order; what overlaps the part before is taken once.
        let start = retx.back().filter(|r| r.sn == sn).map_or(start, |r| start.max(r.end));
        if sdu.acked || start >= end {
            return;
        }
        retx.push_back(Retx { sn, start, end });
        if first {
            let count = match sdu.retx_count {
                None => 0,
                Some(n) if sdu.pending => n,
                Some(n) => n.saturating_add(1),
            };
            sdu.retx_count = Some(count);
            if count >= self.config.max_retx_threshold && !self.max_retx_told {
                self.max_retx_told = true;
                out.push(RlcEvent::MaxRetx);
            }
        }
        sdu.pending = true;
    }

    /// Moves TX_Next_Ack to the first SDU that is not acknowledged.
    fn close_window(&mut self) {
        while self.window.front().is_some_and(|s| s.acked) {
            self.window.pop_front();
            self.next_ack = self.space.add(self.next_ack, 1);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tc> {
        self.poll_retransmit_at
    }

    /// Expiry of t-PollRetransmit. Spec: TS 38.322 §5.3.3.4
    pub(crate) fn timeout(&mut self, now: Tc, out: &mut Outbox<RlcEvent>) {
        if self.poll_retransmit_at.is_none_or(|t| t > now) {
            return;
        }
        self.poll_retransmit_at = None;
        self.poll_due = true;
        if !self.nothing_to_send() {
            return;
        }
        let Some(index) = self.window.iter().rposition(|s| !s.acked && s.sent > 0) else {
            self.poll_due = false;
            return;
        };
        let mut retx = std::mem::take(&mut self.retx);
        self.consider_retx(index, 0, usize::MAX, true, &mut retx, out);
        self.retx = retx;
        self.retx_bytes = self.retx.iter().map(|r| r.end - r.start).sum();
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.queue.drain(..).for_each(|(_, sdu)| pool.give(sdu));
        self.window.drain(..).for_each(|sdu| pool.give(sdu.data));
        self.drain_freed(pool);
        *self = AmTx::new(self.space, self.config);
    }
}
