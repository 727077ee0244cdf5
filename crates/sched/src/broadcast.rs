//! SIB1, paging and random access responses. Spec: TS 38.213 §8, §13; TS 38.321 §5.1

use crate::rbs::RbSet;
use crate::scheduler::{Addressee, Config, Content, Decision, DlBlock, Scheduler, SlotState};
use crate::ue::{Phase, Ue};
use fapi::dci::{Dci, DciPaging, DciRa, DciSi, RntiKind};
use fapi::resolve::{self, Heard, RarGrant, riv_encode};
use fapi::slot::{PrachDetection, SlotPlan};
use fapi::*;
use nr::tables::tdra;
use nr::{Rnti, SlotPoint};

/// One entry of a random access response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RarEntry {
    /// Index of the UE that was made for it.
    pub ue: u8,
    /// RAPID.
    pub preamble: u8,
    /// Timing advance command, 12 bits.
    pub timing_advance: u16,
    /// UL grant, 27 bits.
    pub grant: u32,
    /// Temporary C-RNTI.
    pub rnti: Rnti,
}

/// Responses that wait for their window.
#[derive(Clone, Debug)]
pub(crate) struct PendingRar {
    pub ra_rnti: Rnti,
    /// First slot after the window.
    pub until: SlotPoint,
    pub entries: Vec<RarEntry>,
}

/// RBs of Msg3, and its MCS: 4 RBs carry 20 bytes, enough for a CCCH message with a power headroom and a short buffer status.
const MSG3_RB: u16 = 4;
const MSG3_MCS: u8 = 1;
/// Entries in one response.
const RAR_MAX: usize = 4;
/// Bytes of a subheader and a MAC RAR.
const RAR_BYTES: u32 = 8;

impl Scheduler {
    /// A preamble was heard: UE `idx` (free so far) is made for it under `rnti`, and a response will go out in its window.
    ///
    /// Spec: TS 38.321 §5.1.4. Says `false` where the index is taken or the same preamble is being answered already.
    pub fn random_access(&mut self, d: &PrachDetection, idx: u8, rnti: Rnti) -> bool {
        let ra_rnti = d.occasion.ra_rnti();
        let end = d.slot.plus(self.prach_slots);
        let until = end.plus(self.config.cell.rach.ra_response_window_slots as i64);
        let same = |r: &&mut PendingRar| r.ra_rnti == ra_rnti && r.until == until;
        if self.rars.iter_mut().find(same).is_some_and(|r| r.entries.iter().any(|e| e.preamble == d.preamble)) {
            return false;
        }
        let Some(place) = self.ues.get_mut(idx as usize).filter(|u| u.is_none()) else { return false };
        *place = Some(Ue::new(rnti, &self.config.cell, self.config.target_bler, d.snr_db, d.slot));
        let entry = RarEntry { ue: idx, preamble: d.preamble, timing_advance: d.timing_advance, grant: 0, rnti };
        match self.rars.iter_mut().find(same) {
            Some(r) => r.entries.push(entry),
            None => self.rars.push(PendingRar { ra_rnti, until, entries: vec![entry] }),
        }
        true
    }

    /// Msg3 of UE `idx` was read and holds a CCCH message: Msg4 is next, under the temporary C-RNTI.
    pub fn msg3_done(&mut self, idx: u8) {
        if let Some(u) = self.ue_mut(idx) {
            u.phase = Phase::Msg4;
        }
    }

    /// Msg4 was acknowledged: the temporary C-RNTI is the C-RNTI.
    pub fn connected(&mut self, idx: u8) {
        if let Some(u) = self.ue_mut(idx) {
            u.phase = Phase::Connected;
        }
    }

    pub(crate) fn sib1(&mut self, state: &mut SlotState, plan: &mut SlotPlan, out: &mut Decision) {
        if self.config.sib1_bytes == 0 || !is_sib1_slot(&self.config, state.slot) {
            return;
        }
        let Some((space, coreset)) = self.common_space(self.config.cell.ss_sib1) else { return };
        let (space, coreset) = (*space, *coreset);
        let Some(row) = default_row(&self.config.cell, state, &coreset) else { return };
        let heard = Heard {
            slot: state.slot,
            rnti: Rnti::SI,
            rnti_kind: RntiKind::Si,
            kind: SearchSpaceKind::Common,
            coreset: &coreset,
        };
        let dci = |frequency, mcs| Dci::Si(DciSi { frequency, time: row, mcs, ..DciSi::default() });
        let Some((dci, pdu)) = self.smallest(&heard, &state.used, self.config.sib1_bytes, dci) else { return };
        self.send_common(state, plan, out, &space, &coreset, &dci, pdu, Content::Sib1);
    }

    /// The paging message that waits. Spec: TS 38.331 §5.3.2, TS 38.213 §10.1
    pub(crate) fn paging(&mut self, state: &mut SlotState, plan: &mut SlotPlan, out: &mut Decision) {
        let Some(paging) = self.config.cell.paging.filter(|_| self.paging_bytes > 0 && !state.csi_rs) else { return };
        let Some((space, coreset)) = self.common_space(paging.search_space) else { return };
        let (space, coreset) = (*space, *coreset);
        let Some((time, _)) = state.time else { return };
        let heard = Heard {
            slot: state.slot,
            rnti: Rnti::P,
            rnti_kind: RntiKind::Paging,
            kind: SearchSpaceKind::Common,
            coreset: &coreset,
        };
        let assignment = |frequency, mcs| DciRa { frequency, time, mcs, ..DciRa::default() };
        let dci = |f, mcs| Dci::Paging(DciPaging { indicator: 1, short_messages: 0, assignment: assignment(f, mcs) });
        let Some((dci, pdu)) = self.smallest(&heard, &state.used, self.paging_bytes, dci) else { return };
        self.send_common(state, plan, out, &space, &coreset, &dci, pdu, Content::Paging);
    }

    /// The lowest MCS (and then the fewest RBs) with which a QPSK block of `bytes` fits into a free run of CORESET 0.
    fn smallest(
        &self,
        heard: &Heard,
        used: &RbSet,
        bytes: u32,
        dci: impl Fn(u32, u8) -> Dci,
    ) -> Option<(Dci, PdschPdu)> {
        let cell = &self.config.cell;
        let (lo, size) = (heard.coreset.start_rb, cell.coreset0_bwp.n_rb);
        let (start, n) = used.free_run(lo, lo + size, size)?;
        let try_one = |mcs: u8, n_rb: u16| {
            let dci = dci(riv_encode(start - lo, n_rb, size)?, mcs);
            let pdu = resolve::pdsch(&dci, heard, cell, None, None).ok()?.pdu;
            (pdu.coding.tbs_bytes >= bytes).then_some((dci, pdu))
        };
        let mcs = (0..=9).find(|mcs| try_one(*mcs, n).is_some())?;
        (1..=n).find_map(|n_rb| try_one(mcs, n_rb))
    }

    #[allow(clippy::too_many_arguments)]
    fn send_common(
        &mut self,
        state: &mut SlotState,
        plan: &mut SlotPlan,
        out: &mut Decision,
        space: &SearchSpaceConfig,
        coreset: &CoresetConfig,
        dci: &Dci,
        pdu: PdschPdu,
        content: Content,
    ) -> bool {
        let to = |level| Addressee { rnti: pdu.rnti, space, coreset, level };
        let common = self.common;
        let sent =
            self.address(state, plan, dci, &common, &to(3)).or_else(|| self.address(state, plan, dci, &common, &to(2)));
        if sent.is_none() {
            return false;
        }
        if let RbAllocation::Contiguous { start, n_rb } = pdu.rbs {
            state.used.insert(start, n_rb);
        }
        out.blocks.push(DlBlock { pdsch: plan.pdsch.len(), tbs_bytes: pdu.coding.tbs_bytes, content });
        plan.pdsch.push(pdu);
        true
    }

    pub(crate) fn responses(&mut self, state: &mut SlotState, plan: &mut SlotPlan, out: &mut Decision) {
        let slot = state.slot;
        // A UE whose response found no place is forgotten: it will try again.
        while let Some(i) = self.rars.iter().position(|r| slot.minus(r.until) >= 0) {
            for e in self.rars.remove(i).entries {
                self.remove(e.ue);
            }
        }
        if state.csi_rs || self.rars.is_empty() {
            return;
        }
        let Some((space, coreset)) = self.common_space(self.config.cell.ss_ra) else { return };
        let (space, coreset) = (*space, *coreset);
        let Some((time_row, _)) = state.time else { return };
        let Some((row, msg3)) = self.msg3_slot(slot) else { return };
        for i in 0..self.rars.len() {
            let before = (state.control, plan.pdcch.len());
            let n = self.rars[i].entries.len().min(RAR_MAX);
            let fresh = self.fresh_uplink(msg3);
            let (n_rb, mut used) = (self.config.cell.initial_ul_bwp.n_rb, self.ring.at(msg3, || fresh).used);
            // Place every Msg3 first, so that a response never promises what is not there.
            let start = out.rar.len();
            for e in 0..n {
                let Some((rb, MSG3_RB)) = used.free_run(0, n_rb, MSG3_RB) else { break };
                used.insert(rb, MSG3_RB);
                let riv = riv_encode(rb, MSG3_RB, n_rb).unwrap_or(0);
                let grant = RarGrant { frequency: riv as u16, time: row, mcs: MSG3_MCS, tpc: 3, ..RarGrant::default() };
                out.rar.push(RarEntry { grant: grant.encode(), ..self.rars[i].entries[e] });
            }
            let n = out.rar.len() - start;
            if n == 0 {
                break;
            }
            let heard = Heard {
                slot,
                rnti: self.rars[i].ra_rnti,
                rnti_kind: RntiKind::Ra,
                kind: SearchSpaceKind::Common,
                coreset: &coreset,
            };
            let dci = |frequency, mcs| Dci::Ra(DciRa { frequency, time: time_row, mcs, ..DciRa::default() });
            let content = Content::Rar { start: start as u8, n: n as u8 };
            let found = self.smallest(&heard, &state.used, RAR_BYTES * n as u32, dci);
            let sent = found
                .is_some_and(|(dci, pdu)| self.send_common(state, plan, out, &space, &coreset, &dci, pdu, content));
            if !sent {
                state.control.give_back(&before.0);
                plan.pdcch.truncate(before.1);
                out.rar.truncate(start);
                break;
            }
            for e in start..start + n {
                self.expect_msg3(&out.rar[e], slot, row);
            }
            self.rars[i].entries.drain(..n);
        }
        self.rars.retain(|r| !r.entries.is_empty());
    }

    /// The first uplink slot that Msg3 can have after a response in `slot`, with its row.
    fn msg3_slot(&self, slot: SlotPoint) -> Option<(u8, SlotPoint)> {
        let cell = &self.config.cell;
        let delta = tdra::msg3_delta(cell.ul.numerology.mu()) as i64;
        let rows = cell.pusch.time_allocations.iter().enumerate().take(16);
        rows.map(|(i, t)| (t.k, i as u8, slot.plus(t.k as i64 + delta)))
            .filter(|(_, _, at)| cell.duplex.is_uplink(*at, 0, 14))
            .min_by_key(|(k, ..)| *k)
            .map(|(_, i, at)| (i, at))
    }

    fn expect_msg3(&mut self, e: &RarEntry, slot: SlotPoint, row: u8) {
        let grant = RarGrant::decode(e.grant);
        let Ok(g) = resolve::msg3(&grant, e.rnti, slot, &self.config.cell) else { return };
        if let Some(u) = self.ue_mut(e.ue) {
            u.ul[0].start(true, MSG3_RB, row, MSG3_MCS, 1);
            u.ul[0].coding = Some(g.pdu.coding);
            u.ul[0].slot = g.slot;
            u.ul_stats.sent(&u.ul[0]);
        }
        let fresh = self.fresh_uplink(g.slot);
        let ul = self.ring.at(g.slot, || fresh);
        if let RbAllocation::Contiguous { start, n_rb } = g.pdu.rbs {
            ul.used.insert(start, n_rb);
        }
        ul.pusch.push((e.ue, g.pdu));
    }
}

/// The row of the default time allocation that leaves the control symbols alone and fills most of the slot.
fn default_row(cell: &CellConfig, state: &SlotState, coreset: &CoresetConfig) -> Option<u8> {
    let rows = tdra::pdsch_a(cell.pdsch.dmrs.type_a_position);
    let (_, time) = state.time?;
    let fits = |r: &tdra::Row| {
        !r.type_b && r.start >= coreset.duration && r.start + r.n_symbols <= time.start + time.n_symbols
    };
    (0..16u8).filter(|i| fits(&rows[*i as usize])).max_by_key(|i| rows[*i as usize].n_symbols)
}

/// SIB1 goes out once in each period of search space 0: in its first monitored slot without an SS/PBCH block, if there is one.
fn is_sib1_slot(config: &Config, slot: SlotPoint) -> bool {
    let cell = &config.cell;
    let Some(space) = cell.search_spaces.iter().find(|s| s.id == cell.ss_sib1) else { return false };
    if !space.is_monitored(slot) {
        return false;
    }
    let at = (slot.index() as i64 - space.offset_slots as i64).rem_euclid(space.period_slots.max(1) as i64);
    let first = slot.plus(-at);
    let usable = |s: SlotPoint| cell.duplex.is_downlink(s, 0, 9) && !config.csi_rs.iter().any(|c| c.is_sent(s));
    let clear = |s: &SlotPoint| usable(*s) && resolve::ssb_occasions(&cell.ssb, *s).next().is_none();
    let slots = || (0..space.duration_slots as i64).map(|k| first.plus(k));
    slots().find(clear).or_else(|| slots().find(|s| usable(*s))) == Some(slot)
}
