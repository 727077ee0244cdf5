//! The node: its state, its outputs, what happens once a slot.

use crate::config::Cell;
use crate::paging::Page;
use crate::rrc_build::{self, BuildError};
use crate::ue::{State, UeContext};
use fapi::SsbPdu;
use fapi::resolve;
use fapi::slot::SlotPlan;
use node::{Direction, Frame, MacKind, Outbox, Tap};
use nr::{Rnti, SlotPoint, Tc};
use rlc::RlcEvent;
use sched::{Decision, DirectionStats, DlOutcome, Phase, Scheduler};
use seam::f1::{DuToCu, DuUeId, LossCause};

/// Time for Msg3, its retransmissions included.
const MSG3_PATIENCE: Tc = Tc::from_ms(200);
/// Time for the CU's answer and Msg4; the UE's own timer is at most 64 ms after its last Msg3.
const MSG4_PATIENCE: Tc = Tc::from_ms(300);
/// A UE that never got through is forgotten then, whatever the central unit says.
const FORGET: Tc = Tc::from_ms(5000);
/// First and last C-RNTI that is given. Above the RA-RNTIs of any configuration here, below the reserved ones.
const RNTI_RANGE: (u16, u16) = (0x4601, 0xffef);

/// Counters both ways.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Metrics {
    /// Downlink.
    pub dl: DirectionStats,
    /// Uplink.
    pub ul: DirectionStats,
}

/// Counters and estimates of one UE.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UeMetrics {
    /// Its identity on F1.
    pub id: DuUeId,
    /// Its C-RNTI.
    pub rnti: Rnti,
    /// Counters.
    pub metrics: Metrics,
    /// Downlink SNR by its reports, dB.
    pub dl_snr_db: f32,
    /// Uplink SNR, dB.
    pub ul_snr_db: f32,
    /// Bytes that wait downlink.
    pub dl_waiting: u32,
    /// Bytes that it reported uplink.
    pub ul_waiting: u32,
}

/// The distributed unit of one cell.
#[derive(Debug)]
pub struct GnbDu {
    pub(crate) cell: Cell,
    pub(crate) sched: Scheduler,
    pub(crate) ues: Vec<Option<UeContext>>,
    pub(crate) sib1: Vec<u8>,
    pub(crate) out: Outbox<DuToCu>,
    pub(crate) taps: Outbox<Tap>,
    pub(crate) tapping: bool,
    pub(crate) rlc_events: Outbox<RlcEvent>,
    decision: Decision,
    pub(crate) outcomes: Vec<DlOutcome>,
    /// UEs to call, and the message that calls those who listen in the slot at hand.
    pub(crate) pages: Vec<Page>,
    pub(crate) paging: Vec<u8>,
    next_rnti: u16,
    next_id: u32,
    gone: Metrics,
    mib: u32,
}

impl GnbDu {
    /// A distributed unit without UEs. Errors: SIB1 or MIB cannot be written.
    pub fn new(cell: Cell) -> Result<GnbDu, BuildError> {
        let sib1 = rrc_build::sib1(&cell)?;
        let mib = rrc_build::mib(&cell, SlotPoint::new(cell.numerology(), 0, 0))?;
        let p = &cell.params;
        let sched = Scheduler::new(sched::Config {
            cell: cell.config.clone(),
            prach: cell.prach,
            prach_n_rb: cell.prach_n_rb,
            csi_rs: cell.csi_rs.clone(),
            sib1_bytes: sib1.len() as u32,
            max_ues: p.max_ues,
            pucch_prbs: (0..=p.max_ues as u16).map(|n| cell.pucch_prbs(n)).collect(),
            target_bler: p.target_bler,
            max_harq_tx: p.max_harq_tx,
            ul_target_snr_db: p.ul_target_snr_db,
            pucch_target_snr_db: p.pucch_target_snr_db,
        });
        Ok(GnbDu {
            ues: (0..p.max_ues).map(|_| None).collect(),
            sched,
            sib1,
            out: Outbox::default(),
            taps: Outbox::default(),
            tapping: false,
            rlc_events: Outbox::default(),
            decision: Decision::default(),
            outcomes: Vec::with_capacity(64),
            pages: Vec::new(),
            paging: Vec::new(),
            next_rnti: RNTI_RANGE.0,
            next_id: 1,
            gone: Metrics::default(),
            mib,
            cell,
        })
    }

    /// The cell.
    pub fn cell(&self) -> &Cell {
        &self.cell
    }
    /// SIB1 as it goes out, without padding.
    pub fn sib1(&self) -> &[u8] {
        &self.sib1
    }
    /// Takes the oldest message to the central unit.
    pub fn pop(&mut self) -> Option<DuToCu> {
        self.out.pop()
    }
    /// Takes the oldest tapped MAC PDU.
    pub fn pop_tap(&mut self) -> Option<Tap> {
        self.taps.pop()
    }
    /// Whether MAC PDUs are tapped (copied for captures and hashes). Off at first.
    pub fn set_tapping(&mut self, on: bool) {
        self.tapping = on;
    }
    /// Counters of all UEs since the start, those that are gone included.
    pub fn totals(&self) -> Metrics {
        let mut m = self.gone;
        for u in self.sched.indices().filter_map(|i| self.sched.ue(i)).filter(|u| u.phase != Phase::Msg3) {
            m.dl.add(&u.dl_stats);
            m.ul.add(&u.ul_stats);
        }
        m
    }
    /// One UE's counters and estimates.
    pub fn ue_metrics(&self, id: DuUeId) -> Option<UeMetrics> {
        let idx = self.index_of(id)?;
        let u = self.sched.ue(idx)?;
        Some(UeMetrics {
            id,
            rnti: u.rnti,
            metrics: Metrics { dl: u.dl_stats, ul: u.ul_stats },
            dl_snr_db: u.dl_link.snr_db,
            ul_snr_db: u.ul_link.snr_db - u.power_shortage_db(self.cell.params.n_rb),
            dl_waiting: u.dl_bytes,
            ul_waiting: u.ul_bytes,
        })
    }
    /// Counters of every UE that is connected.
    pub fn all_metrics(&self) -> impl Iterator<Item = UeMetrics> + '_ {
        self.ues.iter().flatten().filter_map(|u| self.ue_metrics(u.id))
    }

    pub(crate) fn index_of(&self, id: DuUeId) -> Option<u8> {
        self.ues.iter().position(|u| u.as_ref().is_some_and(|u| u.id == id)).map(|i| i as u8)
    }

    /// A C-RNTI that nobody has.
    pub(crate) fn new_rnti(&mut self) -> Rnti {
        loop {
            let rnti = Rnti(self.next_rnti);
            self.next_rnti = if self.next_rnti >= RNTI_RANGE.1 { RNTI_RANGE.0 } else { self.next_rnti + 1 };
            if self.sched.find(rnti).is_none() {
                return rnti;
            }
        }
    }

    pub(crate) fn new_id(&mut self) -> DuUeId {
        self.next_id += 1;
        DuUeId(self.next_id - 1)
    }

    pub(crate) fn remove(&mut self, idx: u8) {
        // What never came beyond Msg3 was no terminal, or one that lost its contention: its grants say nothing of the air.
        if let Some(u) = self.sched.ue(idx).filter(|u| u.phase != Phase::Msg3) {
            self.gone.dl.add(&u.dl_stats);
            self.gone.ul.add(&u.ul_stats);
        }
        self.sched.remove(idx);
        if let Some(u) = self.ues.get_mut(idx as usize) {
            *u = None;
        }
    }

    /// Tells the central unit, once, that a UE is lost.
    pub(crate) fn lose(&mut self, idx: u8, cause: LossCause) {
        if let Some(u) = self.ues[idx as usize].as_mut().filter(|u| !u.lost && u.release_at.is_none()) {
            u.lost = true;
            self.out.push(DuToCu::UeLost { ue: u.id, cause });
        }
    }

    pub(crate) fn tap(
        &mut self,
        now: Tc,
        direction: Direction,
        ue: u32,
        rnti: Rnti,
        kind: MacKind,
        at: (SlotPoint, u8),
        pdu: &[u8],
    ) {
        if self.tapping {
            let frame = Frame::Mac { rnti, kind, slot: at.0, harq: at.1, pdu: pdu.to_vec() };
            self.taps.push(Tap { at: now, direction, ue, frame });
        }
    }

    /// Decides `slot`: what goes on the air in it, and what is expected from the air in it. Call it once for each slot, in order.
    ///
    /// `now` is the time of the call; `plan` is overwritten.
    pub fn decide(&mut self, now: Tc, slot: SlotPoint, plan: &mut SlotPlan) {
        plan.clear(slot);
        self.outcomes.clear();
        self.sched.tick(slot, &mut self.outcomes);
        self.take_outcomes(now, slot);
        self.house_keeping(now);
        self.ssb(slot, plan);
        self.prepare_paging(now, slot);
        for idx in 0..self.ues.len() as u8 {
            if let Some((bytes, signalling)) = self.ues[idx as usize].as_ref().map(|u| self.waiting(now, u)) {
                self.sched.set_downlink(idx, bytes, signalling);
            }
        }
        let mut decision = core::mem::take(&mut self.decision);
        self.sched.decide(slot, plan, &mut decision);
        self.fill(now, plan, &decision);
        self.decision = decision;
    }

    fn ssb(&self, slot: SlotPoint, plan: &mut SlotPlan) {
        let ssb = &self.cell.config.ssb;
        for o in resolve::ssb_occasions(ssb, slot) {
            plan.ssb.push(SsbPdu {
                pci: self.cell.config.pci,
                ssb_index: o.index,
                l_max: ssb.l_max,
                start_symbol: o.start_symbol,
                start_subcarrier: resolve::ssb_first_subcarrier(&self.cell.config).max(0) as u32,
                mib: mib_at(self.mib, slot.sfn()),
                k_ssb: ssb.k_ssb,
                half_frame: o.half_frame,
            });
        }
    }

    /// Bytes that wait for a UE, with headers.
    fn waiting(&self, now: Tc, u: &UeContext) -> (u32, bool) {
        let (bytes, signalling) = u.waiting();
        match u.state {
            State::Msg3 => (0, false),
            State::Active => (bytes, signalling),
            // Msg4: the contention resolution identity and, in the same block, what the CU answered.
            State::Msg4 => match &u.srb0 {
                Some(m) => (7 + mac::sdu_len_with_header(m.len()) as u32, true),
                None if bytes > 0 => (7 + bytes, true),
                // The central unit takes its time, the UE's ra-ContentionResolutionTimer does not. Spec: TS 38.321 §5.1.5
                None if !u.resolved
                    && now - u.since >= Tc::from_us(500 * i64::from(self.cell.params.contention_resolution_ms)) =>
                {
                    (7, true)
                }
                None => (0, false),
            },
        }
    }

    /// RLC timers, patience, silence, releases, delivery status.
    fn house_keeping(&mut self, now: Tc) {
        for idx in 0..self.ues.len() as u8 {
            let Some(u) = self.ues[idx as usize].as_mut() else { continue };
            let mut max_retx = false;
            for c in &mut u.channels {
                if c.rlc.deadline().is_some_and(|d| d <= now) {
                    c.rlc.timeout(now, &mut self.rlc_events);
                    max_retx |= self.rlc_events.drain().any(|e| e == RlcEvent::MaxRetx);
                }
            }
            if let Some(s) = self.sched.ue(idx)
                && s.last_heard != u.last_heard
            {
                u.last_heard = s.last_heard;
                u.last_heard_at = now;
            }
            if now >= u.next_status_at && u.state == State::Active {
                u.next_status_at = now + Tc::from_ms(5);
                delivery_status(u, &mut self.out);
            }
            let silent = now - u.last_heard_at > Tc::from_ms(self.cell.params.rlf_silence_ms as i64);
            let age = now - u.since;
            let (state, release_at, idle) = (u.state, u.release_at, u.waiting().0 == 0 && u.srb0.is_none());
            let unacknowledged = u.channels.iter().any(|c| c.config.bearer.is_srb() && c.rlc.held_bytes() > 0);
            match state {
                State::Msg3 if age > MSG3_PATIENCE => self.remove(idx),
                State::Msg4 if age > FORGET => self.released(idx),
                State::Msg4 if age > MSG4_PATIENCE => {
                    self.lose(idx, LossCause::RadioLinkFailure);
                    if release_at.is_some() {
                        self.released(idx);
                    }
                }
                State::Active if max_retx => self.lose(idx, LossCause::RlcMaxRetx),
                State::Active if silent => self.lose(idx, LossCause::RadioLinkFailure),
                _ => {}
            }
            let done = state == State::Active && idle && !unacknowledged;
            if release_at.is_some_and(|t| now >= t || done) && self.ues[idx as usize].is_some() {
                self.released(idx);
            }
        }
    }

    pub(crate) fn released(&mut self, idx: u8) {
        if let Some(u) = &self.ues[idx as usize] {
            self.out.push(DuToCu::UeContextReleased { ue: u.id });
        }
        self.remove(idx);
    }
}

/// A MIB in frame `sfn`: behind the bit that chooses the message, six bits carry the high bits of the frame number.
///
/// Spec: TS 38.331 MIB
fn mib_at(mib: u32, sfn: u32) -> u32 {
    const SHIFT: u32 = 17;
    mib & !(63 << SHIFT) | (sfn >> 4 & 63) << SHIFT
}

/// DL DATA DELIVERY STATUS of the DRBs whose counts moved. Spec: TS 38.425 §5.5.2.2
fn delivery_status(u: &mut UeContext, out: &mut Outbox<DuToCu>) {
    for c in &mut u.channels {
        let seam::bearer::Bearer::Drb(drb) = c.config.bearer else { continue };
        let done = c.rlc.stats().sdus_done;
        if done > c.reported {
            c.reported = done;
            let queued_bytes = c.rlc.held_bytes() as u32;
            let delivered = core::mem::take(&mut c.delivered);
            out.push(DuToCu::DeliveryStatus { ue: u.id, drb, queued_bytes, delivered });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset;

    #[test] // Spec: TS 38.331 MIB
    fn the_frame_number_lies_where_uper_puts_it() {
        let cell = Cell::new(preset("n78-20").unwrap()).unwrap();
        let at = |sfn| rrc_build::mib(&cell, SlotPoint::new(cell.numerology(), sfn, 0)).unwrap();
        for sfn in [0, 15, 16, 511, 512, 1023] {
            assert_eq!(mib_at(at(0), sfn), at(sfn));
            assert_eq!(mib_at(at(1023), sfn), at(sfn));
        }
    }
}
