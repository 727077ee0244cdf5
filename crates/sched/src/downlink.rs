//! Downlink blocks of UEs: retransmissions first, then new ones by metric.

use crate::harq::{self, Process, State};
use crate::link::{efficiency_at, mcs_for};
use crate::pdcch::level_for;
use crate::power::TPC_KEEP;
use crate::scheduler::{Addressee, Content, Decision, DlBlock, Scheduler, SlotState};
use crate::ue::{Phase, Ue};
use fapi::dci::{Dci, Dci1_0, Dci1_1, RntiKind};
use fapi::resolve::{self, Heard, mcs_row, riv_encode};
use fapi::slot::SlotPlan;
use fapi::*;
use nr::HarqId;

/// Bytes of a block in fallback formats: one code block, so that limited-buffer rate matching (TS 38.212 §5.4.2.1) does not depend
/// on a configuration that the UE may or may not have applied.
pub(crate) const FALLBACK_BYTES_MAX: u32 = 900;
/// RBs that a UE gets at least when several have data.
const SHARE_RB: u16 = 8;

/// UEs that get a new block, or a new grant, in one slot: more would use up the PDCCH before the shared channel.
pub(crate) const NEW_MAX: usize = 4;

/// Antenna port(s) field for 1 to 4 layers on the first DM-RS ports, of type 1 and one symbol, with as few CDM groups without
/// data as there can be. Spec: TS 38.212 table 7.3.1.2.2-1
const ANTENNA_PORTS: [u8; 4] = [0, 2, 9, 10];

/// What an assignment is to be.
struct Wish {
    harq: u8,
    new_data: bool,
    fallback: bool,
    time: u8,
    mcs: u8,
    layers: u8,
    /// Code block groups to send: bit m is group m.
    groups: u8,
    start: u16,
    n_rb: u16,
}

impl Scheduler {
    pub(crate) fn downlink(&mut self, state: &mut SlotState, plan: &mut SlotPlan, out: &mut Decision) {
        for idx in 0..self.ues.len() as u8 {
            if self.ue(idx).is_some_and(|u| u.dl_retransmits()) {
                self.retransmit_downlink(idx, state, plan, out);
            }
        }
        let mut order = core::mem::take(&mut self.order);
        order.clear();
        for (idx, u) in self.ues.iter().enumerate() {
            if let Some(u) = u
                && u.phase != Phase::Msg3
                && (u.dl_bytes > 0 || u.timing_command.is_some())
            {
                let rate = f32::from(layers_of(u, u.fallback)) * efficiency_at(u.dl_link.effective_db());
                let urgent = if u.dl_signalling || u.phase == Phase::Msg4 { 1e6 } else { 1.0 };
                order.push((urgent * rate / u.dl_average.max(1.0), idx as u8));
            }
        }
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let n = order.len().min(NEW_MAX);
        let before = out.blocks.len();
        for (_, idx) in &order {
            let done = out.blocks.len() - before;
            if done >= n {
                break;
            }
            self.new_downlink(*idx, (n - done) as u16, state, plan, out);
        }
        self.order = order;
    }

    fn may_send(&self, u: &Ue, state: &SlotState, plan: &SlotPlan) -> bool {
        // One assignment a slot; and who does not know of the CSI-RS gets none beside it.
        let knows = u.phase == Phase::Connected && u.certain().is_some();
        (!state.csi_rs || knows) && plan.pdsch.iter().all(|p| p.rnti != u.rnti)
    }

    fn retransmit_downlink(&mut self, idx: u8, state: &mut SlotState, plan: &mut SlotPlan, out: &mut Decision) {
        let Some((_, longest)) = state.time else { return };
        let Some(u) = self.ues[idx as usize].take() else { return };
        let mut u = u;
        if self.may_send(&u, state, plan) {
            let oldest = (0..harq::N_HARQ)
                .filter(|i| u.dl[*i].state == State::Retransmit)
                .filter(|i| u.dl[*i].fallback || !u.fallback)
                .max_by_key(|i| state.slot.minus(u.dl[*i].slot));
            if let Some(i) = oldest {
                let p = u.dl[i];
                let rows = &self.config.cell.pdsch.time_allocations;
                let fits = rows
                    .get(p.time as usize)
                    .is_some_and(|t| t.start + t.n_symbols <= longest.start + longest.n_symbols);
                let (lo, hi) = self.downlink_range(&u, p.fallback);
                let (mcs, want) = again(&u, &p);
                if fits && let Some((start, n_rb)) = state.used.free_run(lo, hi, want).filter(|(_, n)| *n == want) {
                    let wish = Wish {
                        harq: i as u8,
                        new_data: false,
                        fallback: p.fallback,
                        time: p.time,
                        mcs,
                        layers: p.layers,
                        groups: if p.groups == 0 { u8::MAX } else { p.groups },
                        start,
                        n_rb,
                    };
                    self.assign(&mut u, idx, &wish, state, plan, out);
                }
            }
        }
        self.ues[idx as usize] = Some(u);
    }

    /// RBs that a format may address: CORESET 0's, or the bandwidth part.
    fn downlink_range(&self, u: &Ue, fallback: bool) -> (u16, u16) {
        let bwp = match u.dedicated.as_deref().filter(|_| !fallback) {
            Some(d) => d.dl_bwp,
            None => self.config.cell.coreset0_bwp,
        };
        (bwp.start_rb, bwp.start_rb + bwp.n_rb)
    }

    fn new_downlink(
        &mut self,
        idx: u8,
        n_waiting: u16,
        state: &mut SlotState,
        plan: &mut SlotPlan,
        out: &mut Decision,
    ) {
        let Some(mut u) = self.ues[idx as usize].take() else { return };
        if self.may_send(&u, state, plan)
            && let Some(wish) = self.wish(&u, n_waiting, state)
        {
            self.assign(&mut u, idx, &wish, state, plan, out);
        }
        self.ues[idx as usize] = Some(u);
    }

    fn wish(&self, u: &Ue, n_waiting: u16, state: &SlotState) -> Option<Wish> {
        let (time, t) = state.time?;
        let fallback = u.fallback || u.phase != Phase::Connected;
        let harq = match u.phase {
            Phase::Msg4 => (u.dl[0].state == State::Idle).then_some(0)?,
            _ => harq::for_new(&u.dl, state.slot, fallback)? as u8,
        };
        let need = u.dl_bytes + if u.timing_command.is_some() { 2 } else { 0 };
        let (lo, hi) = self.downlink_range(u, fallback);
        let table = match u.dedicated.as_deref().filter(|_| !fallback) {
            Some(d) => d.pdsch.mcs_table,
            None => McsTable::Qam64,
        };
        let layers = layers_of(u, fallback);
        let groups = u8::MAX;
        let wish = |mcs, start, n_rb| Wish { harq, new_data: true, fallback, time, mcs, layers, groups, start, n_rb };
        if u.phase == Phase::Msg4 {
            // A CCCH message cannot be cut: the most robust MCS that holds it.
            let (start, n) = state.used.free_run(lo, hi, hi - lo)?;
            let holds = |mcs: u8, n: u16| self.bytes_of(u, state, &wish(mcs, start, n)).is_some_and(|b| b >= need);
            let mcs = (0..=16).find(|mcs| holds(*mcs, n))?;
            let n_rb = (1..=n).find(|n| holds(mcs, *n))?;
            return Some(wish(mcs, start, n_rb));
        }
        let free = (hi - lo) - state.used.count(lo, hi - lo);
        let share = (free / n_waiting.max(1)).max(SHARE_RB);
        let snr = u.dl_link.effective_db() - if fallback { u.precoding_gain_db() } else { 0.0 };
        let re = re_per_rb(&t, self.config.cell.pdsch.dmrs.type_a_position, u, fallback, layers)?;
        let per_rb = |mcs: u8| mcs_row(table, mcs).map_or(0.1, |r| r.efficiency()) * re * f32::from(layers) / 8.0;
        let want_at = |mcs: u8| {
            let bytes = if fallback { need.min(FALLBACK_BYTES_MAX) } else { need };
            (((bytes as f32 * 1.02 + 4.0) / per_rb(mcs)) as u16).min(400) + 1
        };
        // CSI-RSs take elements from the block, but its size does not know of them.
        let silent = u.dedicated.as_deref().filter(|_| !fallback).map_or(0.0, |d| silent_re_per_rb(d, state.slot));
        let load = re / (re - state.csi_re_per_rb - silent).max(1.0);
        let mcs = mcs_for(table, snr, load);
        let want = want_at(mcs).min(if n_waiting > 1 { share } else { u16::MAX });
        let (start, n_rb) = state.used.free_run(lo, hi, want)?;
        Some(wish(mcs, start, n_rb))
    }

    fn bytes_of(&self, u: &Ue, state: &SlotState, w: &Wish) -> Option<u32> {
        let (dci, heard) = self.dci_of(u, state, w, None)?;
        let d = u.dedicated.as_deref();
        Some(resolve::pdsch(&dci, &heard, &self.config.cell, d, None).ok()?.pdu.coding.tbs_bytes)
    }

    /// The DCI of a wish, with the feedback fields `(k1, dai, pri)` still zero where they are not known yet.
    fn dci_of<'a>(
        &'a self,
        u: &'a Ue,
        state: &SlotState,
        w: &Wish,
        feedback: Option<(u8, u8, u8)>,
    ) -> Option<(Dci, Heard<'a>)> {
        let p = &u.dl[w.harq as usize];
        let (ndi, rv) = if w.new_data { (!p.ndi, 0) } else { (p.ndi, harq::RV_ORDER[(p.n_tx % 4) as usize]) };
        let (lo, hi) = self.downlink_range(u, w.fallback);
        let frequency = riv_encode(w.start - lo, w.n_rb, hi - lo)?;
        let (k1, dai, pri) = feedback.unwrap_or_default();
        let tpc = self.pucch_command(u);
        let (time, mcs, harq) = (w.time, w.mcs, w.harq);
        let connected = u.phase == Phase::Connected;
        let dci = if w.fallback {
            let dai = if connected { dai } else { 0 };
            Dci::F1_0(Dci1_0 { frequency, time, interleaved: false, mcs, ndi, rv, harq, dai, tpc, pri, k1 })
        } else {
            let max_cbg = u.dedicated.as_deref().map_or(0, |d| d.pdsch.options.max_cbg.min(8));
            // The first group is the most significant bit. Spec: TS 38.212 §7.3.1.2.2
            let cbgti = w.groups.reverse_bits().checked_shr(8 - u32::from(max_cbg)).unwrap_or(0);
            let zero =
                Dci1_1 { cbgti, ports: ANTENNA_PORTS[usize::from(w.layers.clamp(1, 4)) - 1], ..Dci1_1::default() };
            Dci::F1_1(Dci1_1 { frequency, time, mcs, ndi, rv, harq, dai, tpc, pri, k1, ..zero })
        };
        let (space, coreset) = self.space_of(u, w.fallback)?;
        let rnti_kind = if connected { RntiKind::Cell } else { RntiKind::Temporary };
        Some((dci, Heard { slot: state.slot, rnti: u.rnti, rnti_kind, kind: space.kind, coreset }))
    }

    /// TPC field for the PUCCH. Spec: TS 38.213 table 7.2.1-1
    fn pucch_command(&self, u: &Ue) -> u8 {
        if u.phase == Phase::Connected { u.pucch_power.command(self.config.pucch_target_snr_db) } else { TPC_KEEP }
    }

    /// The search space of a format, with its CORESET.
    pub(crate) fn space_of<'a>(
        &'a self,
        u: &'a Ue,
        fallback: bool,
    ) -> Option<(&'a SearchSpaceConfig, &'a CoresetConfig)> {
        match u.dedicated.as_deref().filter(|_| !fallback) {
            None => self.common_space(self.config.cell.ss_ra),
            Some(d) => {
                let space = d.search_spaces.iter().find(|s| s.kind == SearchSpaceKind::Ue)?;
                Some((space, d.coresets.iter().find(|c| c.id == space.coreset_id)?))
            }
        }
    }

    /// Commits a wish: candidate, feedback, PDSCH; takes everything back if one of them is not to be had.
    fn assign(
        &mut self,
        u: &mut Ue,
        idx: u8,
        w: &Wish,
        state: &mut SlotState,
        plan: &mut SlotPlan,
        out: &mut Decision,
    ) -> Option<()> {
        let before = state.control;
        let level = level_for(u.dl_link.effective_db() - u.precoding_gain_db()).max(if w.fallback { 2 } else { 0 });
        let taken = {
            let (space, coreset) = self.space_of(u, w.fallback)?;
            let c = state.control.take(space, coreset, u.rnti, state.slot, level)?;
            (*space, *coreset, c)
        };
        let (space, coreset, c) = taken;
        let cce = (c.cce, coreset.n_cce());
        let times = &self.config.cell.pdsch.time_allocations;
        let end = times.get(w.time as usize).map_or(14, |t| t.start + t.n_symbols);
        // The candidate was only looked at: `address` takes it for good, the same one.
        state.control = before;
        let choice = self.place_feedback(u, idx, state.slot, end, w.fallback, cce)?;
        let (dci, pdu) = {
            let (dci, heard) = self.dci_of(u, state, w, Some((choice.k1, choice.dai, choice.pri)))?;
            let previous = u.dl[w.harq as usize].coding.filter(|_| !w.new_data);
            let a = resolve::pdsch(&dci, &heard, &self.config.cell, u.dedicated.as_deref(), previous.as_ref()).ok()?;
            (dci, a.pdu)
        };
        let p = &u.dl[w.harq as usize];
        if !w.new_data && pdu.coding.tbs_bytes != p.tbs_bytes() {
            return None;
        }
        let ctx = if w.fallback { self.common } else { u.dci };
        let to = Addressee { rnti: u.rnti, space: &space, coreset: &coreset, level };
        self.address(state, plan, &dci, &ctx, &to)?;
        let p = &mut u.dl[w.harq as usize];
        if w.new_data {
            u.dl_stats.residual_errors += u64::from(p.state == State::Retransmit);
            p.start(w.fallback, w.n_rb, w.time, w.mcs, w.layers);
            p.coding = Some(pdu.coding);
        } else {
            p.state = State::Waiting;
            p.n_tx += 1;
        }
        p.slot = state.slot;
        u.dl_stats.sent(p);
        let tpc = self.pucch_command(u);
        u.pucch_power.sent(tpc, choice.slot);
        state.used.insert(w.start, w.n_rb);
        self.note_feedback(u, idx, (w.harq, w.fallback), &choice, cce);
        let tbs_bytes = pdu.coding.tbs_bytes;
        let mut timing_command = None;
        if w.new_data {
            timing_command = u.timing_command.take();
            if timing_command.is_some() {
                (u.timing_count, u.timing_error) = (0, 0.0);
                u.timing_hold = Some(state.slot.plus(40));
            }
            u.dl_bytes = u.dl_bytes.saturating_sub(tbs_bytes);
        }
        u.dl_served += tbs_bytes;
        let harq = HarqId::new(w.harq)?;
        let content = Content::Ue { ue: idx, harq, new_data: w.new_data, timing_command };
        out.blocks.push(DlBlock { pdsch: plan.pdsch.len(), tbs_bytes, content });
        let precoding = if w.fallback { DlPrecoding::Identity } else { precoding(u, w.layers, &mut plan.precoders) };
        plan.pdsch.push(PdschPdu { new_data: w.new_data, precoding, ..pdu });
        Some(())
    }
}

/// MCS and RBs of another transmission: as before, so that the block keeps its size; where only some code block groups are missing, as many
/// RBs as they take, and the row that leaves the size as it was. Spec: TS 38.214 §5.1.3.2, §5.1.7.2
fn again(u: &Ue, p: &Process) -> (u8, u16) {
    let d = u.dedicated.as_deref().filter(|_| !p.fallback && p.groups != 0);
    let (Some(d), Some(c)) = (d, p.coding) else { return (p.mcs, p.n_rb) };
    let share = p.share_missing(d.pdsch.options.max_cbg);
    let reserved = (28..32).find(|i| mcs_row(d.pdsch.mcs_table, *i).is_ok_and(|r| r.is_reserved() && r.q_m == c.q_m));
    match reserved.filter(|_| share < 1.0) {
        Some(mcs) => (mcs, (libm::ceilf(share * f32::from(p.n_rb)) as u16).clamp(1, p.n_rb)),
        None => (p.mcs, p.n_rb),
    }
}

/// Elements of an RB that zero-power CSI-RSs take in `slot`. Spec: TS 38.214 §5.1.4.2
fn silent_re_per_rb(d: &DedicatedConfig, slot: nr::SlotPoint) -> f32 {
    let sent = d.zp_csi_rs.iter().filter(|r| r.is_sent(slot));
    sent.map(|r| f32::from(r.density_x2) / 2.0 * r.locations().map_or(1.0, |l| f32::from(l.n_ports))).sum()
}

/// Layers of a new block: the rank that was reported, as far as it is configured.
fn layers_of(u: &Ue, fallback: bool) -> u8 {
    let most = u.dedicated.as_deref().filter(|_| !fallback).map_or(1, |d| d.pdsch.max_layers);
    u.csi.rank.clamp(1, most.clamp(1, 4))
}

/// The precoder for so many layers: the one reported last with that rank, over the whole band. Spec: TS 38.214 §5.2.2.2.1
fn precoding(u: &Ue, layers: u8, precoders: &mut Vec<PrecodingMatrix>) -> DlPrecoding {
    let Some(report) = u.dedicated.as_deref().and_then(|d| d.csi_report) else { return DlPrecoding::Identity };
    let (codebook, pmi) = (report.content.codebook, u.csi.pmi[usize::from(layers.clamp(1, 4)) - 1]);
    let mut matrix = PrecodingMatrix { n_ports: codebook.n_ports(), w: [[(0.0, 0.0); 4]; 8] };
    if !(2..=8).contains(&matrix.n_ports) {
        return DlPrecoding::Identity;
    }
    for (port, row) in matrix.w.iter_mut().enumerate().take(usize::from(matrix.n_ports)) {
        for (layer, w) in row.iter_mut().enumerate().take(usize::from(layers)) {
            let Some(weight) = codebook.weight(layers, &pmi, port as u8, layer as u8) else {
                return DlPrecoding::Identity;
            };
            *w = weight;
        }
    }
    precoders.push(matrix);
    DlPrecoding::Matrices { prg_size: 0, matrices: Span { start: precoders.len() as u32 - 1, len: 1 } }
}

/// Elements of one RB that carry data.
fn re_per_rb(t: &TimeAllocation, type_a_position: u8, u: &Ue, fallback: bool, layers: u8) -> Option<f32> {
    let d = u.dedicated.as_deref().filter(|_| !fallback);
    let own = if layers > 2 { 2 } else { 1 };
    let (position, groups) = d.map_or((2, 2), |d| (d.pdsch.dmrs.additional_position, own));
    let symbols = resolve::pdsch_dmrs_symbols(t, type_a_position, position).ok()?;
    let re = 12 * t.n_symbols as u32 - resolve::dmrs_re_per_prb(symbols, 1, groups);
    Some(re.min(156) as f32)
}
