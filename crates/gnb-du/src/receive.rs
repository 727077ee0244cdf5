//! What the air brought: preambles, control, blocks. Spec: TS 38.321 §5.1, §5.4

use crate::config::UeRadio;
use crate::du::GnbDu;
use crate::rrc_build::{self, CellGroup};
use crate::ue::{State, UeContext, srb};
use fapi::slot::{PrachDetection, PuschIndication, UlIndication};
use mac::{UlReader, UlSubPdu};
use node::{Direction, MacKind};
use nr::{LcId, Rnti, SlotPoint, Tc};
use rlc::RlcEvent;
use sched::harq::Outcome;
use sched::{Phase, UlOutcome};
use seam::bearer::Bearer;
use seam::f1::{DuToCu, LossCause};

/// How long a new UE gets grants unasked: it has no scheduling request resource in force yet.
pub(crate) const UNASKED_MS: i64 = 1000;

impl GnbDu {
    /// Takes all results of uplink slots. `slot` is the slot that is on the air now.
    pub fn indicate(&mut self, now: Tc, slot: SlotPoint, ind: &UlIndication) {
        self.control_indication(now, slot, ind);
        self.data_indication(now, slot, ind);
    }

    /// Takes what is known before any transport block is decoded: preambles, HARQ-ACK, SR, CSI, soundings.
    pub fn control_indication(&mut self, now: Tc, slot: SlotPoint, ind: &UlIndication) {
        for d in &ind.prach {
            self.preamble(now, d);
        }
        self.outcomes.clear();
        for u in &ind.uci {
            self.sched.uci(u, &mut self.outcomes);
        }
        for s in &ind.srs {
            self.sched.srs(s);
        }
        self.take_outcomes(now, slot);
    }

    /// Takes the transport blocks of the slots whose control was taken.
    pub fn data_indication(&mut self, now: Tc, slot: SlotPoint, ind: &UlIndication) {
        for p in &ind.pusch {
            if let Some(o) = self.sched.pusch(p) {
                self.block(now, slot, p, &o, p.tb.of(&ind.bytes));
            }
        }
    }

    fn preamble(&mut self, now: Tc, d: &PrachDetection) {
        // With no place left nobody answers: the UE comes back, or finds another cell.
        let Some(idx) = self.sched.free_index() else { return };
        let rnti = self.new_rnti();
        if self.sched.random_access(d, idx, rnti) {
            let id = self.new_id();
            self.ues[idx as usize] = Some(UeContext::new(id, now, d.slot));
        }
    }

    /// What became of downlink blocks: Msg4 is the one that matters here.
    pub(crate) fn take_outcomes(&mut self, now: Tc, slot: SlotPoint) {
        for i in 0..self.outcomes.len() {
            let o = self.outcomes[i];
            if o.phase != Phase::Msg4 {
                continue;
            }
            match o.outcome {
                Outcome::Done => self.arrived(now, slot, o.ue),
                Outcome::Dropped => {
                    self.lose(o.ue, LossCause::RadioLinkFailure);
                }
                _ => {}
            }
        }
        self.outcomes.clear();
    }

    /// Msg4 has reached its UE, which holds its C-RNTI now.
    fn arrived(&mut self, now: Tc, slot: SlotPoint, idx: u8) {
        self.sched.connected(idx);
        let slots = UNASKED_MS * self.cell.numerology().slots_per_subframe() as i64;
        self.sched.grant_unasked(idx, slot.plus(slots));
        let Some(u) = self.ues.get_mut(idx as usize).and_then(|u| u.as_mut()) else { return };
        (u.state, u.since, u.last_heard_at) = (State::Active, now, now);
    }

    fn block(&mut self, now: Tc, slot: SlotPoint, p: &PuschIndication, o: &UlOutcome, tb: &[u8]) {
        if o.outcome == Outcome::Dropped && o.phase == Phase::Msg3 {
            self.remove(o.ue);
            return;
        }
        if o.outcome != Outcome::Done || tb.is_empty() {
            return;
        }
        let id = self.ues.get(o.ue as usize).and_then(|u| u.as_ref()).map_or(0, |u| u.id.0);
        self.tap(now, Direction::Uplink, id, p.rnti, MacKind::Cell, (p.slot, p.harq.get()), tb);
        if o.phase == Phase::Msg3 {
            self.msg3(now, slot, p, o, tb);
        } else {
            self.sub_pdus(now, o.ue, p, o.n_rb, tb);
        }
    }

    fn msg3(&mut self, now: Tc, slot: SlotPoint, p: &PuschIndication, o: &UlOutcome, tb: &[u8]) {
        let mut ccch = None;
        let mut c_rnti = None;
        for sub in UlReader::new(tb).flatten() {
            match sub {
                UlSubPdu::Ccch(m) => ccch = ccch.or(Some(m)),
                UlSubPdu::CRnti(r) => c_rnti = Some(r),
                _ => {}
            }
        }
        match (c_rnti, ccch) {
            (Some(rnti), _) => self.known_ue(now, slot, rnti, p, o, tb),
            (None, Some(m)) => self.new_ue(now, o.ue, m),
            (None, None) => self.remove(o.ue),
        }
    }

    /// A UE that holds a C-RNTI came through random access: the temporary context goes. Spec: TS 38.321 §5.1.5
    fn known_ue(&mut self, now: Tc, slot: SlotPoint, rnti: Rnti, p: &PuschIndication, o: &UlOutcome, tb: &[u8]) {
        let phase = |i: u8| self.sched.ue(i).map(|u| u.phase);
        let known = self.sched.find(rnti).filter(|i| *i != o.ue).and_then(|i| Some((i, phase(i)?)));
        self.remove(o.ue);
        let Some((idx, phase)) = known.filter(|(_, p)| *p != Phase::Msg3) else { return };
        if phase == Phase::Msg4 {
            // Only its acknowledgement of Msg4 was lost.
            self.arrived(now, slot, idx);
        }
        self.sub_pdus(now, idx, p, o.n_rb, tb);
        self.sched.resolve_contention(idx, slot);
        // It may have come because its scheduling requests went unheard, and then it has given up their resource, and the one
        // of its CSI reports: it is to get both again. Spec: TS 38.321 §5.4.4, TS 38.331 §5.3.12
        let slots = UNASKED_MS * self.cell.numerology().slots_per_subframe() as i64;
        self.sched.grant_unasked(idx, slot.plus(slots));
        self.sched.doubt(idx);
        let Some(u) = self.ues[idx as usize].as_mut() else { return };
        (u.last_heard_at, u.lost) = (now, false);
        if !u.setup_pending && u.release_at.is_none() {
            self.out.push(DuToCu::UeContextModificationRequired { ue: u.id });
        }
    }

    fn new_ue(&mut self, now: Tc, idx: u8, message: &[u8]) {
        let Some(u) = self.ues.get_mut(idx as usize).and_then(|u| u.as_mut()) else { return };
        let Some(id) = message.first_chunk::<6>() else { return self.remove(idx) };
        let Some(rnti) = self.sched.ue(idx).map(|u| u.rnti) else { return };
        u.contention_id = *id;
        (u.state, u.since) = (State::Msg4, now);
        u.add(srb(1));
        let d = self.cell.dedicated(idx, &UeRadio::default());
        let group = CellGroup { dedicated: Some(&d), add: &[srb(1)], release: &[], reestablish: &[] };
        let Ok(cell_group) = rrc_build::cell_group(&self.cell, &group) else { return self.remove(idx) };
        self.out.push(DuToCu::InitialUlRrc { ue: u.id, c_rnti: rnti, rrc: message.to_vec(), cell_group });
        self.sched.msg3_done(idx);
    }

    fn sub_pdus(&mut self, now: Tc, idx: u8, p: &PuschIndication, n_rb: u16, tb: &[u8]) {
        let mut told = false;
        for sub in UlReader::new(tb).flatten() {
            match sub {
                UlSubPdu::Sdu { lcid, data } => self.sdu(now, idx, lcid, data),
                UlSubPdu::Padding(_) => told = true,
                UlSubPdu::Bsr(bsr) => {
                    told = true;
                    let bytes = (0..8).filter_map(|lcg| bsr.bytes(lcg)).fold(0u32, u32::saturating_add);
                    self.sched.buffer_status(idx, bytes, p.slot);
                }
                UlSubPdu::Phr(phr) => self.sched.headroom(idx, phr.ph_db() as f32, n_rb, p.slot),
                _ => {}
            }
        }
        if !told {
            self.sched.filled(idx, p.slot);
        }
    }

    fn sdu(&mut self, now: Tc, idx: u8, lcid: LcId, data: &[u8]) {
        let Some(u) = self.ues.get_mut(idx as usize).and_then(|u| u.as_mut()) else { return };
        let ue = u.id;
        let Some(c) = u.channel(lcid) else { return };
        c.rlc.receive(now, data, &mut self.rlc_events);
        let bearer = c.config.bearer;
        let mut lost = false;
        while let Some(e) = self.rlc_events.pop() {
            match (e, bearer) {
                (RlcEvent::Sdu(pdu), Bearer::Drb(drb)) => self.out.push(DuToCu::UlUser { ue, drb, pdu }),
                (RlcEvent::Sdu(pdu), bearer) => {
                    // The first message on SRB1 after Msg4 says that the UE has applied what Msg4 carried.
                    if core::mem::take(&mut u.setup_pending) {
                        self.sched.confirm(idx);
                    }
                    self.out.push(DuToCu::UlRrcTransfer { ue, bearer, pdu });
                }
                (RlcEvent::MaxRetx, _) => lost = true,
                (RlcEvent::Delivered { tag }, _) => {
                    if let Some(c) = u.channel(lcid) {
                        c.acknowledged(tag);
                    }
                }
            }
        }
        if lost {
            self.lose(idx, LossCause::RlcMaxRetx);
        }
    }
}
