//! Unacknowledged mode. Spec: TS 38.322 §5.2.2
//!
//! | in the specification | here |
//! |---|---|
//! | TX_Next | `tx_next` |
//! | RX_Next_Reassembly | `next_reassembly`, the lower edge of `window` |
//! | RX_Timer_Trigger | `timer_trigger` |
//! | RX_Next_Highest | `next_highest` |

use crate::pdu::{SnSpace, Umd};
use crate::reassembly::{Placed, Pool, Window};
use crate::{RlcEvent, Stats};
use node::Outbox;
use nr::Tc;
use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct Um {
    space: SnSpace,
    t_reassembly: Tc,
    queue: VecDeque<(u32, Vec<u8>)>,
    queue_bytes: usize,
    /// Bytes of the queue's first SDU that have been sent.
    sent: usize,
    tx_next: u32,
    window: Window,
    next_reassembly: u32,
    timer_trigger: u32,
    next_highest: u32,
    reassembly_at: Option<Tc>,
}

impl Um {
    pub(crate) fn new(sn_bits: u8, t_reassembly_ms: u16) -> Um {
        Um {
            space: SnSpace { bits: if sn_bits == 6 { 6 } else { 12 } },
            t_reassembly: Tc::from_ms(t_reassembly_ms.into()),
            queue: VecDeque::new(),
            queue_bytes: 0,
            sent: 0,
            tx_next: 0,
            window: Window::default(),
            next_reassembly: 0,
            timer_trigger: 0,
            next_highest: 0,
            reassembly_at: None,
        }
    }
    pub(crate) fn sn_bits(&self) -> u8 {
        self.space.bits
    }
    pub(crate) fn set_t_reassembly(&mut self, ms: u16) {
        self.t_reassembly = Tc::from_ms(ms.into());
    }

    pub(crate) fn push(&mut self, sdu: Vec<u8>, tag: u32) {
        self.queue_bytes += sdu.len();
        self.queue.push_back((tag, sdu));
    }
    pub(crate) fn held_bytes(&self) -> usize {
        self.queue_bytes
    }
    pub(crate) fn bytes(&self) -> usize {
        let begun = if self.sent > 0 { Umd::header_len(self.space, false) - 1 } else { 0 };
        self.queue_bytes - self.sent + self.queue.len() + begun
    }
    pub(crate) fn discard(&mut self, tag: u32) -> Option<Vec<u8>> {
        let begun = usize::from(self.sent > 0);
        let i = begun + self.queue.iter().skip(begun).position(|(t, _)| *t == tag)?;
        let (_, sdu) = self.queue.remove(i)?;
        self.queue_bytes -= sdu.len();
        Some(sdu)
    }

    pub(crate) fn pull(&mut self, out: &mut [u8], pool: &mut Pool, stats: &mut Stats) -> usize {
        let Some((_, sdu)) = self.queue.front() else { return 0 };
        let (header, n, last) = if self.sent == 0 && sdu.len() < out.len() {
            out[0] = 0;
            (1, sdu.len(), true)
        } else {
            let header = Umd::header_len(self.space, self.sent == 0);
            if out.len() <= header {
                return 0;
            }
            let n = (sdu.len() - self.sent).min(out.len() - header);
            let last = self.sent + n == sdu.len();
            Umd::encode_header(self.space, self.tx_next, self.sent, last, out);
            if last {
                self.tx_next = self.space.add(self.tx_next, 1);
            }
            (header, n, last)
        };
        out[header..header + n].copy_from_slice(&sdu[self.sent..self.sent + n]);
        self.sent += n;
        stats.tx_pdus += 1;
        if last {
            stats.sdus_done += 1;
            self.queue_bytes -= self.sent;
            self.sent = 0;
            if let Some((_, sdu)) = self.queue.pop_front() {
                pool.give(sdu);
            }
        }
        header + n
    }

    /// Spec: TS 38.322 §5.2.2.2.2, §5.2.2.2.3
    pub(crate) fn receive(
        &mut self,
        now: Tc,
        pdu: &[u8],
        limit: usize,
        pool: &mut Pool,
        stats: &mut Stats,
        out: &mut Outbox<RlcEvent>,
    ) -> bool {
        let Some(umd) = Umd::decode(pdu, self.space) else { return false };
        let Some(sn) = umd.sn else {
            stats.rx_sdus += 1;
            out.push(RlcEvent::Sdu(pool.copy(umd.segment.data)));
            return true;
        };
        let beyond = self.space.offset(sn, self.next_highest) < self.space.window();
        if !beyond && self.above_edge(sn) < self.above_edge(self.next_reassembly) {
            return false;
        }
        if beyond {
            // Moved before the segment is placed, so that what falls out of the window makes room for it.
            self.next_highest = self.space.add(sn, 1);
            self.follow_window(pool);
        }
        let offset = self.space.offset(sn, self.next_reassembly) as usize;
        let placed = self.window.place(offset, umd.segment, limit, pool);
        let ok = placed != Placed::Refused;
        if let Placed::Complete(sdu) = placed {
            stats.rx_sdus += 1;
            out.push(RlcEvent::Sdu(sdu));
            if sn == self.next_reassembly {
                self.advance_to_incomplete(pool);
            }
        }
        self.update_timer(now);
        ok
    }

    /// Position of `sn` above the lower edge of the reassembly window, RX_Next_Highest - UM_Window_Size.
    fn above_edge(&self, sn: u32) -> u32 {
        self.space.offset(sn, self.next_highest.wrapping_sub(self.space.window()))
    }

    fn advance_to_incomplete(&mut self, pool: &mut Pool) {
        let n = self.window.first_incomplete(0);
        self.window.advance(n, pool);
        self.next_reassembly = self.space.add(self.next_reassembly, n as u32);
    }

    /// Lifts RX_Next_Reassembly into the window where it fell out below.
    fn follow_window(&mut self, pool: &mut Pool) {
        let edge = self.space.add(self.next_highest, self.space.window());
        // RX_Next_Highest rose, so the distance up to it is the whole way, however far: at most modulus + window.
        let distance = self.space.offset(self.next_highest, self.next_reassembly);
        if distance > self.space.window() || distance == 0 {
            let n = self.space.offset(edge, self.next_reassembly);
            self.window.advance(n as usize, pool);
            self.next_reassembly = edge;
            self.advance_to_incomplete(pool);
        }
    }

    fn gap_at_edge(&self) -> bool {
        match self.space.offset(self.next_highest, self.next_reassembly) {
            0 => false,
            1 => self.window.partial(0).is_some_and(|p| p.has_gap()),
            _ => true,
        }
    }

    fn update_timer(&mut self, now: Tc) {
        if self.reassembly_at.is_some() {
            let trigger = self.above_edge(self.timer_trigger);
            let outside = trigger >= self.space.window() && self.timer_trigger != self.next_highest;
            let passed = !outside && trigger <= self.above_edge(self.next_reassembly);
            if outside || passed || !self.gap_at_edge() {
                self.reassembly_at = None;
            }
        }
        if self.reassembly_at.is_none() && self.gap_at_edge() {
            self.reassembly_at = Some(now + self.t_reassembly);
            self.timer_trigger = self.next_highest;
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tc> {
        self.reassembly_at
    }

    /// Spec: TS 38.322 §5.2.2.2.4
    pub(crate) fn timeout(&mut self, now: Tc, pool: &mut Pool) {
        if self.reassembly_at.is_none_or(|t| t > now) {
            return;
        }
        self.reassembly_at = None;
        let given_up = self.space.offset(self.timer_trigger, self.next_reassembly) as usize;
        self.window.give_up_below(given_up, pool);
        self.advance_to_incomplete(pool);
        if self.gap_at_edge() {
            self.reassembly_at = Some(now + self.t_reassembly);
            self.timer_trigger = self.next_highest;
        }
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.queue.drain(..).for_each(|(_, sdu)| pool.give(sdu));
        self.window.clear(pool);
        self.queue_bytes = 0;
        self.sent = 0;
        self.tx_next = 0;
        self.next_reassembly = 0;
        self.timer_trigger = 0;
        self.next_highest = 0;
        self.reassembly_at = None;
    }
}
