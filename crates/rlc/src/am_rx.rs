//! Acknowledged mode, receiving side. Spec: TS 38.322 §5.2.3.2, §5.3.4
//!
//! | in the specification | here |
//! |---|---|
//! | RX_Next | `next`, the lower edge of `window` |
//! | RX_Next_Status_Trigger | `status_trigger` |
//! | RX_Highest_Status | `highest_status` |
//! | RX_Next_Highest | `next_highest` |

use crate::am::AmConfig;
use crate::pdu::{Amd, Nack, SO_END, SnSpace, StatusWriter, nack_len};
use crate::reassembly::{Partial, Placed, Pool, Slot, Window};
use crate::{RlcEvent, Stats};
use node::Outbox;
use nr::Tc;

/// Gaps that the size estimate of a STATUS PDU walks over at most.
const ESTIMATE_NACKS_MAX: usize = 1024;

#[derive(Debug)]
pub(crate) struct AmRx {
    pub(crate) config: AmConfig,
    space: SnSpace,
    window: Window,
    next: u32,
    status_trigger: u32,
    highest_status: u32,
    next_highest: u32,
    reassembly_at: Option<Tc>,
    prohibited_until: Option<Tc>,
    /// A STATUS PDU is to be sent.
    status_due: bool,
    /// Polls came with these SNs, the lowest and the highest, that are not yet below RX_Highest_Status.
    delayed_polls: Option<(u32, u32)>,
}

impl AmRx {
    pub(crate) fn new(space: SnSpace, config: AmConfig) -> AmRx {
        AmRx {
            config,
            space,
            window: Window::default(),
            next: 0,
            status_trigger: 0,
            highest_status: 0,
            next_highest: 0,
            reassembly_at: None,
            prohibited_until: None,
            status_due: false,
            delayed_polls: None,
        }
    }
    pub(crate) fn space(&self) -> SnSpace {
        self.space
    }

    /// Spec: TS 38.322 §5.2.3.2.2, §5.2.3.2.3, §5.3.4
    pub(crate) fn receive(
        &mut self,
        now: Tc,
        pdu: &[u8],
        limit: usize,
        pool: &mut Pool,
        stats: &mut Stats,
        out: &mut Outbox<RlcEvent>,
    ) -> bool {
        let Some(amd) = Amd::decode(pdu, self.space) else { return false };
        let offset = self.above(amd.sn);
        let placed = if offset < self.space.window() {
            self.window.place(offset as usize, amd.segment, limit, pool)
        } else {
            Placed::Refused
        };
        let discarded = placed == Placed::Refused;
        if !discarded {
            if offset >= self.above(self.next_highest) {
                self.next_highest = self.space.add(amd.sn, 1);
            }
            if let Placed::Complete(sdu) = placed {
                stats.rx_sdus += 1;
                out.push(RlcEvent::Sdu(sdu));
                self.complete(amd.sn, pool);
            }
            self.update_timer(now);
        }
        if amd.poll {
            if discarded {
                self.status_due = true;
            } else {
                let (low, high) = self.delayed_polls.unwrap_or((amd.sn, amd.sn));
                let low = if self.above(amd.sn) < self.above(low) { amd.sn } else { low };
                let high = if self.above(amd.sn) > self.above(high) { amd.sn } else { high };
                self.delayed_polls = Some((low, high));
            }
        }
        self.check_delayed_polls();
        !discarded
    }

    fn above(&self, sn: u32) -> u32 {
        self.space.offset(sn, self.next)
    }

    fn complete(&mut self, sn: u32, pool: &mut Pool) {
        if sn == self.highest_status {
            let n = self.window.first_incomplete(self.above(sn) as usize);
            self.highest_status = self.space.add(self.next, n as u32);
        }
        if sn == self.next {
            let n = self.window.first_incomplete(0);
            self.window.advance(n, pool);
            self.next = self.space.add(self.next, n as u32);
        }
    }

    /// There is a gap at `sn` below RX_Next_Highest: an SDU beyond it came, or a later part of it.
    fn gap_at(&self, sn: u32) -> bool {
        match self.space.offset(self.next_highest, sn) {
            0 => false,
            1 => self.window.partial(self.above(sn) as usize).is_some_and(Partial::has_gap),
            n => n < self.space.modulus() / 2 + 1,
        }
    }

    fn update_timer(&mut self, now: Tc) {
        if self.reassembly_at.is_some() {
            let trigger = self.above(self.status_trigger);
            let outside = trigger > self.space.window();
            let edge_is_whole = trigger == 1 && !self.window.partial(0).is_some_and(Partial::has_gap);
            if trigger == 0 || outside || (edge_is_whole && self.window.slot(0) != Slot::Missing) {
                self.reassembly_at = None;
            }
        }
        if self.reassembly_at.is_none() && self.gap_at(self.next) {
            self.start_reassembly(now);
        }
    }

    fn start_reassembly(&mut self, now: Tc) {
        self.reassembly_at = Some(now + self.config.t_reassembly);
        self.status_trigger = self.next_highest;
    }

    fn check_delayed_polls(&mut self) {
        let Some((low, high)) = self.delayed_polls else { return };
        let is_ready = |sn| self.above(sn) < self.above(self.highest_status) || self.above(sn) >= self.space.window();
        if is_ready(low) {
            self.delayed_polls = (!is_ready(high)).then_some((high, high));
            self.status_due = true;
        }
    }

    fn status_allowed(&self) -> bool {
        self.status_due && self.prohibited_until.is_none()
    }

    /// Estimate of the STATUS PDU that may be sent now, bytes.
    pub(crate) fn status_len(&self) -> usize {
        if !self.status_allowed() {
            return 0;
        }
        let mut len = 3;
        let mut n = 0;
        let mut previous_missing = false;
        for i in 0..self.above(self.highest_status) as usize {
            let missing = self.window.slot(i) == Slot::Missing;
            if let Some(p) = self.window.partial(i) {
                len += nack_len(self.space, true, false) * p.n_missing();
                n += p.n_missing();
            } else if missing && !previous_missing {
                len += nack_len(self.space, false, true);
                n += 1;
            }
            previous_missing = missing;
            if n > ESTIMATE_NACKS_MAX {
                break;
            }
        }
        len
    }

    /// Writes the STATUS PDU, if one is due, allowed and fits. Spec: TS 38.322 §5.3.4
    pub(crate) fn pull_status(&mut self, now: Tc, out: &mut [u8]) -> usize {
        if self.prohibited_until.is_some_and(|t| t <= now) {
            self.prohibited_until = None;
        }
        if !self.status_allowed() {
            return 0;
        }
        let Some(mut writer) = StatusWriter::new(out, self.space) else { return 0 };
        let end = self.above(self.highest_status) as usize;
        let mut i = 0;
        while i < end {
            let sn = self.space.add(self.next, i as u32);
            let (fits, n) = match self.window.partial(i) {
                Some(partial) => (report_partial(&mut writer, sn, partial), 1),
                None if self.window.is_complete(i) => (true, 1),
                None => {
                    let run = (i..end.min(i + 255)).take_while(|k| self.window.slot(*k) == Slot::Missing).count();
                    (writer.nack(Nack { sn, n_sdus: run as u32, so: None }), run)
                }
            };
            if !fits {
                break;
            }
            i += n;
        }
        let n = writer.finish(self.space.add(self.next, i as u32));
        self.status_due = false;
        if self.config.t_status_prohibit > Tc::ZERO {
            self.prohibited_until = Some(now + self.config.t_status_prohibit);
        }
        n
    }

    pub(crate) fn deadline(&self) -> Option<Tc> {
        [self.reassembly_at, self.prohibited_until].into_iter().flatten().min()
    }

    pub(crate) fn timeout(&mut self, now: Tc) {
        if self.prohibited_until.is_some_and(|t| t <= now) {
            self.prohibited_until = None;
        }
        if self.reassembly_at.is_some_and(|t| t <= now) {
            self.reassembly_at = None;
            self.reassembly_expired(now);
        }
    }

    /// Spec: TS 38.322 §5.2.3.2.4
    fn reassembly_expired(&mut self, now: Tc) {
        let n = self.window.first_incomplete(self.above(self.status_trigger) as usize);
        self.highest_status = self.space.add(self.next, n as u32);
        if self.gap_at(self.highest_status) {
            self.start_reassembly(now);
        }
        self.status_due = true;
        self.check_delayed_polls();
    }

    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.window.clear(pool);
        *self = AmRx { window: std::mem::take(&mut self.window), ..AmRx::new(self.space, self.config) };
    }
}

/// Reports the missing parts of an SDU; if they have no room, all of it from the first missing byte on; `false` if that has none.
fn report_partial(writer: &mut StatusWriter, sn: u32, partial: &Partial) -> bool {
    let mark = writer.mark();
    let mut first = 0;
    for (k, (start, end)) in partial.missing().enumerate() {
        if k == 0 {
            first = start;
        }
        let so_end = end.map_or(SO_END, |e| (e - 1) as u16);
        if !writer.nack(Nack { sn, n_sdus: 1, so: Some((start as u16, so_end)) }) {
            writer.back_to(mark);
            return writer.nack(Nack { sn, n_sdus: 1, so: Some((first as u16, SO_END)) });
        }
    }
    true
}
