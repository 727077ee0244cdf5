//! Uplink grants: retransmissions first, then new ones by metric.

use crate::downlink::NEW_MAX;
use crate::harq::{self, State};
use crate::link::{efficiency_at, mcs_for};
use crate::pdcch::level_for;
use crate::power::TPC_KEEP;
use crate::scheduler::{Addressee, Scheduler, SlotState};
use crate::ue::{Phase, Ue};
use fapi::dci::{Dci, Dci0_0, Dci0_1, RntiKind};
use fapi::resolve::{self, Heard, mcs_row, riv_encode, tpc_db};
use fapi::slot::SlotPlan;
use fapi::*;
use nr::SlotPoint;

/// Bytes that a UE gets when it asks without having said how much.
pub(crate) const SR_BYTES: u32 = 180;
/// Bytes of a grant that was not asked for.
const UNASKED_BYTES: u32 = 100;
/// Slots between such grants.
const UNASKED_EVERY: i64 = 5;
/// RBs that a UE gets at least when several have data.
const SHARE_RB: u16 = 8;
/// Below this SNR (dB) a narrower grant serves better than a wider one.
const NARROW_BELOW_DB: f32 = 3.0;
/// Closed-loop power commands leave a UE this many RBs below its greatest power.
const POWER_RESERVE_RB: f32 = 10.0;

/// Urgent grants of one slot: more would starve the downlink.
const URGENT_MAX: usize = 2;
/// Slots after which a grant that is still owed becomes urgent.
const WAIT_SLOTS: i64 = 20;

struct Wish {
    harq: u8,
    new_data: bool,
    fallback: bool,
    row: u8,
    mcs: u8,
    layers: u8,
    start: u16,
    n_rb: u16,
}

impl Scheduler {
    /// Grants that do not wait for what the downlink leaves of the PDCCH: a UE that asked on its last resource, or through
    /// random access, is lost without an answer, however full the downlink is.
    pub(crate) fn urgent_uplink(&mut self, state: &mut SlotState, plan: &mut SlotPlan) {
        for row in 0..self.config.cell.pusch.time_allocations.len().min(16) as u8 {
            let Some(at) = self.target(state.slot, row) else { continue };
            let mut order = core::mem::take(&mut self.order);
            order.clear();
            for (idx, u) in self.ues.iter().enumerate().filter_map(|(i, u)| Some((i, u.as_ref()?))) {
                let waited = u.last_grant.map_or(WAIT_SLOTS, |g| state.slot.minus(g));
                let owed = waited >= WAIT_SLOTS && (u.ul_bytes > 0 || u.ul_retransmits());
                if u.phase == Phase::Connected && (u.sr || owed) {
                    order.push((waited as f32, idx as u8));
                }
            }
            order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let before = plan.pdcch.len();
            for (_, idx) in &order {
                if plan.pdcch.len() - before >= URGENT_MAX {
                    break;
                }
                // A request is for a new block: no other one reports what waits, or ends a contention.
                if !self.ue(*idx).is_some_and(|u| u.sr) {
                    self.retransmit_uplink(*idx, row, at, state, plan);
                }
                self.new_uplink(*idx, NEW_MAX as u16, row, at, state, plan);
            }
            self.order = order;
        }
    }

    pub(crate) fn uplink(&mut self, state: &mut SlotState, plan: &mut SlotPlan) {
        for row in 0..self.config.cell.pusch.time_allocations.len().min(16) as u8 {
            if let Some(at) = self.target(state.slot, row) {
                self.grant_slot(row, at, state, plan);
            }
        }
    }

    /// The uplink slot that this row leads to, if no later downlink slot leads there too: grants go out last, when all feedback
    /// for the slot has been placed. Spec: TS 38.213 §9 (no assignment for a slot after its PUSCH was granted)
    fn target(&self, slot: SlotPoint, row: u8) -> Option<SlotPoint> {
        let cell = &self.config.cell;
        let times = &cell.pusch.time_allocations;
        let k = times.get(row as usize)?.k as i64;
        let at = slot.plus(k);
        let leads = |later: i64| {
            cell.duplex.is_downlink(slot.plus(later), 0, 3) && times.iter().any(|t| t.k as i64 + later == k)
        };
        (cell.duplex.is_uplink(at, 0, 14) && !(1..k).any(leads)).then_some(at)
    }

    fn grant_slot(&mut self, row: u8, at: SlotPoint, state: &mut SlotState, plan: &mut SlotPlan) {
        for idx in 0..self.ues.len() as u8 {
            if self.ue(idx).is_some_and(|u| u.ul_retransmits()) {
                self.retransmit_uplink(idx, row, at, state, plan);
            }
        }
        let mut order = core::mem::take(&mut self.order);
        order.clear();
        for (idx, u) in self.ues.iter().enumerate() {
            if let Some(u) = u
                && uplink_need(u, at) > 0
            {
                let layers = if u.fallback { 1 } else { u.ul_rank() };
                let rate =
                    f32::from(layers) * efficiency_at(u.ul_link.effective_db() + u.ul_gain_db(layers, u.fallback));
                let urgent = if u.sr { 1e3 } else { 1.0 };
                order.push((urgent * rate / u.ul_average.max(1.0), idx as u8));
            }
        }
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let n = order.len().min(NEW_MAX);
        let before = plan.pdcch.len();
        for (_, idx) in &order {
            let done = plan.pdcch.len() - before;
            if done >= n {
                break;
            }
            self.new_uplink(*idx, (n - done) as u16, row, at, state, plan);
        }
        self.order = order;
    }

    fn may_grant(&mut self, u: &Ue, idx: u8, at: SlotPoint) -> bool {
        // While it is open whether the UE reports CSI in that slot, its PUSCH's layout is open too.
        if u.uncertain && u.dedicated.as_deref().is_some_and(|d| resolve::is_csi_occasion(d, at)) {
            return false;
        }
        let fresh = self.fresh_uplink(at);
        !self.ring.at(at, || fresh).has_pusch(idx)
    }

    fn retransmit_uplink(&mut self, idx: u8, row: u8, at: SlotPoint, state: &mut SlotState, plan: &mut SlotPlan) {
        let Some(mut u) = self.ues[idx as usize].take() else { return };
        if self.may_grant(&u, idx, at) {
            let oldest = (0..harq::N_HARQ)
                .filter(|i| u.ul[*i].state == State::Retransmit && (u.ul[*i].fallback || !u.fallback))
                .max_by_key(|i| at.minus(u.ul[*i].slot));
            if let Some(i) = oldest {
                let p = u.ul[i];
                let n_rb = self.config.cell.initial_ul_bwp.n_rb;
                let run =
                    self.ring.get(at).and_then(|s| s.used.free_run(0, n_rb, p.n_rb)).filter(|(_, n)| *n == p.n_rb);
                if let Some((start, n_rb)) = run {
                    let wish = Wish {
                        harq: i as u8,
                        new_data: false,
                        fallback: p.fallback,
                        row,
                        mcs: p.mcs,
                        layers: p.layers,
                        start,
                        n_rb,
                    };
                    self.grant(&mut u, idx, &wish, at, state, plan);
                }
            }
        }
        self.ues[idx as usize] = Some(u);
    }

    fn new_uplink(
        &mut self,
        idx: u8,
        n_waiting: u16,
        row: u8,
        at: SlotPoint,
        state: &mut SlotState,
        plan: &mut SlotPlan,
    ) {
        let Some(mut u) = self.ues[idx as usize].take() else { return };
        if self.may_grant(&u, idx, at)
            && let Some(wish) = self.uplink_wish(&u, n_waiting, row, at, state.slot)
        {
            self.grant(&mut u, idx, &wish, at, state, plan);
        }
        self.ues[idx as usize] = Some(u);
    }

    fn uplink_wish(&mut self, u: &Ue, n_waiting: u16, row: u8, at: SlotPoint, now: SlotPoint) -> Option<Wish> {
        let fallback = u.fallback;
        let harq = harq::for_new(&u.ul, now, fallback)? as u8;
        let d = u.dedicated.as_deref().filter(|_| !fallback);
        let table = d.map_or(McsTable::Qam64, |d| d.pusch.mcs_table);
        let t = *self.config.cell.pusch.time_allocations.get(row as usize)?;
        let layers = if fallback { 1 } else { u.ul_rank() };
        let gain_db = u.ul_gain_db(layers, fallback);
        let own = if layers > 2 { 2 } else { 1 };
        let (position, groups) = d.map_or((2, 2), |d| (d.pusch.dmrs.additional_position, own));
        let symbols = resolve::pusch_dmrs_symbols(&t, self.config.cell.pdsch.dmrs.type_a_position, position).ok()?;
        let re = (12 * t.n_symbols as u32 - resolve::dmrs_re_per_prb(symbols, 1, groups)).min(156) as f32
            * f32::from(layers);
        let n_carrier = self.config.cell.initial_ul_bwp.n_rb;
        let need = uplink_need(u, at);
        let need = if fallback { need.min(crate::downlink::FALLBACK_BYTES_MAX) } else { need };
        let used = self.ring.get(at)?.used;
        let free = n_carrier - used.count(0, n_carrier);
        let share = if n_waiting > 1 { (free / n_waiting).max(SHARE_RB) } else { n_carrier };
        // The MCS depends on the width (power), and the width on the MCS: from the widest down to what holds the data.
        let rb_for = |mcs: u8| {
            let per_rb = mcs_row(table, mcs).map_or(0.1, |r| r.efficiency()) * re / 8.0;
            (((need as f32 * 1.02 + 8.0) / per_rb) as u16).min(400) + 1
        };
        let mut n = share.min(n_carrier);
        while n > 4 && u.ul_snr(n, gain_db) < NARROW_BELOW_DB {
            n -= n.div_ceil(8);
        }
        let mcs_at = |n: u16| mcs_for(table, u.ul_snr(n, gain_db), 1.0);
        let n = n.min(rb_for(mcs_at(n)));
        let (start, n_rb) = used.free_run(0, n_carrier, n)?;
        // A narrower grant may do with a better MCS; it must still hold the data, so keep the width and take its MCS.
        Some(Wish { harq, new_data: true, fallback, row, mcs: mcs_at(n_rb), layers, start, n_rb })
    }

    fn grant(
        &mut self,
        u: &mut Ue,
        idx: u8,
        w: &Wish,
        at: SlotPoint,
        state: &mut SlotState,
        plan: &mut SlotPlan,
    ) -> Option<()> {
        let now = state.slot;
        let p = u.ul[w.harq as usize];
        let (ndi, rv) = if w.new_data { (!p.ndi, 0) } else { (p.ndi, harq::RV_ORDER[(p.n_tx % 4) as usize]) };
        let tpc = power_command(u, self.config.ul_target_snr_db);
        let bwp = self.config.cell.initial_ul_bwp;
        let frequency = riv_encode(w.start - bwp.start_rb, w.n_rb, bwp.n_rb)?;
        let n_feedback = self.ring.get(at)?.feedback_of(idx).map_or([0; 2], |f| f.n);
        let (time, mcs, harq) = (w.row, w.mcs, w.harq);
        let dci = if w.fallback {
            Dci::F0_0(Dci0_0 { frequency, time, hopping: false, mcs, ndi, rv, harq, tpc })
        } else {
            let [dai, dai_2] = n_feedback.map(|n| n.wrapping_sub(1) & 3);
            let dai_2 = if self.by_groups(u, false) { dai_2 } else { 0 };
            // Of the antenna ports, each table's first row: the first DM-RS ports, with as few CDM groups without data as there can be.
            let scheme = &u.dedicated.as_deref()?.pusch.options.scheme;
            let precoding = resolve::precoding_field(scheme, w.layers, u.ul_tpmi(w.layers))?;
            let zero = Dci0_1 { ul_sch: true, precoding, ..Dci0_1::default() };
            Dci::F0_1(Dci0_1 { frequency, time, mcs, ndi, rv, harq, dai, dai_2, tpc, ..zero })
        };
        let (space, coreset) = {
            let (s, c) = self.space_of(u, w.fallback)?;
            (*s, *c)
        };
        let rnti_kind = if u.phase == Phase::Connected { RntiKind::Cell } else { RntiKind::Temporary };
        let heard = Heard { slot: now, rnti: u.rnti, rnti_kind, kind: space.kind, coreset: &coreset };
        let previous = p.coding.filter(|_| !w.new_data);
        let g = resolve::pusch(&dci, &heard, &self.config.cell, u.dedicated.as_deref(), previous.as_ref()).ok()?;
        if g.slot != at || (!w.new_data && g.pdu.coding.tbs_bytes != p.tbs_bytes()) {
            return None;
        }
        let ctx = if w.fallback { self.common } else { u.dci };
        let level = level_for(u.dl_link.effective_db() - u.precoding_gain_db()).max(if w.fallback { 2 } else { 0 });
        self.address(state, plan, &dci, &ctx, &Addressee { rnti: u.rnti, space: &space, coreset: &coreset, level })?;
        apply_power(u, tpc, at);
        let p = &mut u.ul[w.harq as usize];
        if w.new_data {
            u.ul_stats.residual_errors += u64::from(p.state == State::Retransmit);
            p.start(w.fallback, w.n_rb, w.row, w.mcs, w.layers);
            p.coding = Some(g.pdu.coding);
            u.ul_bytes = u.ul_bytes.saturating_sub(g.pdu.coding.tbs_bytes);
            u.sr = false;
        } else {
            p.state = State::Waiting;
            p.n_tx += 1;
        }
        p.slot = at;
        u.ul_stats.sent(p);
        u.ul_served += g.pdu.coding.tbs_bytes;
        u.last_grant = Some(now);
        let ul = self.ring.get(at)?;
        ul.used.insert(w.start, w.n_rb);
        ul.pusch.push((idx, PuschPdu { new_data: w.new_data, ..g.pdu }));
        Some(())
    }
}

/// Bytes to grant a UE in slot `at`; 0 if it needs nothing.
fn uplink_need(u: &Ue, at: SlotPoint) -> u32 {
    if u.phase != Phase::Connected {
        return 0;
    }
    if u.ul_bytes > 0 {
        // A little more: headers, and reports that the UE adds.
        return u.ul_bytes.saturating_add(16).max(if u.sr { SR_BYTES } else { 0 });
    }
    if u.sr {
        return SR_BYTES;
    }
    let unasked = u.proactive_until.is_some_and(|until| until.minus(at) >= 0)
        && u.last_grant.is_none_or(|g| at.minus(g) > UNASKED_EVERY + 4)
        && u.outstanding(None) == 0;
    if unasked { UNASKED_BYTES } else { 0 }
}

/// TPC field that moves the received power density towards the target. Spec: TS 38.213 table 7.1.1-1
fn power_command(u: &Ue, target_db: f32) -> u8 {
    let field = if u.phase == Phase::Connected { u.pusch_power.command(target_db) } else { TPC_KEEP };
    if tpc_db(field) > 0 && u.ul_rb_limit < POWER_RESERVE_RB { TPC_KEEP } else { field }
}

/// The UE follows the command from its PUSCH in slot `at` on: what is expected of its power moves along.
fn apply_power(u: &mut Ue, tpc: u8, at: SlotPoint) {
    let db = u.pusch_power.sent(tpc, at);
    if db != 0.0 {
        u.ul_rb_limit = (u.ul_rb_limit / libm::exp10f(db / 10.0)).clamp(0.1, 1e4);
        u.ul_link.moved(db);
    }
}
