//! The scheduler's state, and the order of a slot's decisions.

use crate::broadcast::{PendingRar, RarEntry};
use crate::pdcch::ControlRegion;
use crate::rbs::RbSet;
use crate::ring::Ring;
use crate::ue::{Phase, Reported, Ue};
use crate::uplink::SR_BYTES;
use fapi::dci::{Dci, DciContext};
use fapi::resolve::{self, PucchChoice};
use fapi::slot::SlotPlan;
use fapi::*;
use nr::tables::prach::PrachConfiguration;
use nr::tables::pucch as common_pucch;
use nr::{HarqId, Rnti, SYMBOLS_PER_SLOT, SlotPoint};

/// What the scheduler must know of the cell.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cell.
    pub cell: CellConfig,
    /// Its PRACH occasions.
    pub prach: PrachConfiguration,
    /// RBs of an occasion.
    pub prach_n_rb: u16,
    /// CSI-RSs of the cell.
    pub csi_rs: Vec<CsiRsResource>,
    /// SIB1 in bytes; 0 sends none.
    pub sib1_bytes: u32,
    /// UEs at once.
    pub max_ues: u8,
    /// PUCCH RBs at the lower and the upper edge for each number of UEs: `[n]` serves n UEs.
    pub pucch_prbs: Vec<(u16, u16)>,
    /// Error rate of first transmissions.
    pub target_bler: f32,
    /// Transmissions of a block.
    pub max_harq_tx: u8,
    /// SNR that closed-loop power control of the PUSCH aims at, dB.
    pub ul_target_snr_db: f32,
    /// SNR that closed-loop power control of the PUCCH aims at, dB.
    pub pucch_target_snr_db: f32,
}

/// What goes into a PDSCH.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// SIB1.
    Sib1,
    /// The paging message of [`Scheduler::set_paging`].
    Paging,
    /// A random access response with the entries `start..start + n` of [`Decision::rar`].
    Rar {
        /// First entry.
        start: u8,
        /// Entries.
        n: u8,
    },
    /// A UE's block: a new one, or the same as before.
    Ue {
        /// Index of the UE.
        ue: u8,
        /// HARQ process.
        harq: HarqId,
        /// A new block is to be built.
        new_data: bool,
        /// A timing advance command to put into a new block.
        timing_command: Option<u8>,
    },
}

/// A block for a PDSCH of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DlBlock {
    /// Index into [`SlotPlan::pdsch`].
    pub pdsch: usize,
    /// Bytes of the transport block.
    pub tbs_bytes: u32,
    /// What it is.
    pub content: Content,
}

/// What was decided besides the plan. Reused: [`Scheduler::decide`] empties it first.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Blocks to build, one for each PDSCH.
    pub blocks: Vec<DlBlock>,
    /// Entries of random access responses.
    pub rar: Vec<RarEntry>,
}

/// One slot's working state.
pub(crate) struct SlotState {
    pub slot: SlotPoint,
    pub control: ControlRegion,
    /// Downlink RBs in use, over all symbols of the slot.
    pub used: RbSet,
    /// Row of the PDSCH time allocation list for this slot, with its symbols.
    pub time: Option<(u8, TimeAllocation)>,
    /// A CSI-RS is sent: only UEs that know of it may get a PDSCH.
    pub csi_rs: bool,
    /// Elements that CSI-RSs take in every RB.
    pub csi_re_per_rb: f32,
}

/// The scheduler.
#[derive(Clone, Debug)]
pub struct Scheduler {
    pub(crate) config: Config,
    pub(crate) common: DciContext,
    pub(crate) ues: Vec<Option<Ue>>,
    pub(crate) ring: Ring,
    pub(crate) rars: Vec<PendingRar>,
    /// RBs of the PUCCH region for the present UEs.
    pub(crate) pucch_region: RbSet,
    /// UEs by metric, scratch.
    pub(crate) order: Vec<(f32, u8)>,
    pub(crate) prach_slots: i64,
    /// SRSs in slots that PUSCHs have else.
    pub(crate) soundings: Vec<SrsResource>,
    /// Bytes of a paging message for the next slot; 0 is none.
    pub(crate) paging_bytes: u32,
}

impl Scheduler {
    /// A scheduler without UEs.
    pub fn new(config: Config) -> Scheduler {
        let scs = config.cell.ul.numerology;
        let preamble = config.prach.format.preamble(scs);
        let symbol = scs.slot_tc().0 / SYMBOLS_PER_SLOT as i64;
        let symbols = (preamble.n_cp.0 + preamble.n_u.0).div_euclid(symbol) + 1;
        let mut s = Scheduler {
            common: DciContext::common(&config.cell),
            ues: (0..config.max_ues).map(|_| None).collect(),
            ring: Ring::default(),
            rars: Vec::with_capacity(16),
            pucch_region: RbSet::EMPTY,
            order: Vec::with_capacity(config.max_ues as usize),
            soundings: Vec::with_capacity(config.max_ues as usize),
            prach_slots: (symbols - 1) / SYMBOLS_PER_SLOT as i64 + 1,
            paging_bytes: 0,
            config,
        };
        s.size_pucch_region();
        s
    }

    /// The cell.
    pub fn cell(&self) -> &CellConfig {
        &self.config.cell
    }
    /// A UE by its index.
    pub fn ue(&self, idx: u8) -> Option<&Ue> {
        self.ues.get(idx as usize)?.as_ref()
    }
    pub(crate) fn ue_mut(&mut self, idx: u8) -> Option<&mut Ue> {
        self.ues.get_mut(idx as usize)?.as_mut()
    }
    /// Index of a UE by its RNTI.
    pub fn find(&self, rnti: Rnti) -> Option<u8> {
        self.ues.iter().position(|u| u.as_ref().is_some_and(|u| u.rnti == rnti)).map(|i| i as u8)
    }
    /// Indices of all UEs.
    pub fn indices(&self) -> impl Iterator<Item = u8> + '_ {
        (0..self.ues.len() as u8).filter(|i| self.ues[*i as usize].is_some())
    }
    /// The lowest index without a UE.
    pub fn free_index(&self) -> Option<u8> {
        self.ues.iter().position(|u| u.is_none()).map(|i| i as u8)
    }

    /// Forgets a UE. Its PUSCHs and feedback that are still to come are no longer expected.
    pub fn remove(&mut self, idx: u8) {
        if let Some(slot) = self.ues.get_mut(idx as usize) {
            *slot = None;
        }
        self.rars.iter_mut().for_each(|r| r.entries.retain(|e| e.ue != idx));
        self.rars.retain(|r| !r.entries.is_empty());
        self.ring.forget(idx);
        self.size_pucch_region();
    }

    /// A paging message of `bytes` is to go in the slot that is decided next, if it has room: [`Content::Paging`] says that it does.
    pub fn set_paging(&mut self, bytes: u32) {
        self.paging_bytes = bytes;
    }

    /// Bytes that wait for a UE downlink, with headers; `signalling` goes before other UEs' data.
    pub fn set_downlink(&mut self, idx: u8, bytes: u32, signalling: bool) {
        if let Some(u) = self.ue_mut(idx) {
            (u.dl_bytes, u.dl_signalling) = (bytes, signalling);
        }
    }

    /// Buffer status out of the block that came in `slot`: bytes that wait in the UE.
    pub fn buffer_status(&mut self, idx: u8, bytes: u32, slot: SlotPoint) {
        if let Some(u) = self.ue_mut(idx) {
            u.ul_bytes = bytes.saturating_sub(u.outstanding(Some(slot)));
            u.sr = false;
        }
    }

    /// The block that came in `slot` was full to the end and held no buffer status: the UE may have more than it was granted for, and
    /// until its retxBSR-Timer ends it would not say so.
    pub fn filled(&mut self, idx: u8, slot: SlotPoint) {
        if let Some(u) = self.ue_mut(idx).filter(|u| u.ul_bytes == 0 && u.outstanding(Some(slot)) == 0) {
            u.ul_bytes = SR_BYTES;
        }
    }

    /// Power headroom, dB, of the PUSCH of `n_rb` RBs that came in `slot`. Spec: TS 38.213 §7.7.1
    pub fn headroom(&mut self, idx: u8, ph_db: f32, n_rb: u16, slot: SlotPoint) {
        if let Some(u) = self.ue_mut(idx) {
            // A command that is under way takes its share of what was left.
            let left_db = ph_db - u.pusch_power.pending_db(slot);
            u.ul_rb_limit = (n_rb.max(1) as f32 * libm::exp10f(left_db / 10.0)).clamp(0.1, 1e4);
        }
    }

    /// A dedicated configuration was (or is about to be) sent. `uncertain`: until [`Scheduler::confirm`] the UE may or may not
    /// have applied it, and only fallback formats are used.
    pub fn configure(&mut self, idx: u8, dedicated: Box<DedicatedConfig>, uncertain: bool) {
        let cell = &self.config.cell;
        if let Some(u) = self.ues.get_mut(idx as usize).and_then(|u| u.as_mut()) {
            // Indices of another codebook mean nothing in this one.
            let content = |d: &DedicatedConfig| d.csi_report.map(|r| r.content);
            if u.dedicated.as_deref().and_then(content) != content(&dedicated) {
                u.csi = Reported::default();
            }
            let own = |d: &DedicatedConfig| (d.srs, d.pusch.options.scheme);
            u.sounded = u.sounded.filter(|_| u.dedicated.as_deref().map(own) == Some(own(&dedicated)));
            u.dci = DciContext::dedicated(cell, &dedicated);
            u.dedicated = Some(dedicated);
            u.uncertain = uncertain;
            u.fallback = uncertain;
            u.proactive_until = u.proactive_until.filter(|_| uncertain);
        }
        self.size_pucch_region();
    }

    /// The UE has applied its configuration: dedicated formats from now on.
    pub fn confirm(&mut self, idx: u8) {
        if let Some(u) = self.ue_mut(idx).filter(|u| u.dedicated.is_some()) {
            u.uncertain = false;
            u.fallback = false;
            u.proactive_until = None;
        }
    }

    /// The UE may have given up a part of its dedicated configuration: only what does not depend on it is used, until
    /// [`Scheduler::configure`].
    pub fn doubt(&mut self, idx: u8) {
        if let Some(u) = self.ue_mut(idx).filter(|u| u.dedicated.is_some()) {
            (u.uncertain, u.fallback) = (true, true);
        }
    }

    /// A reconfiguration was sent: fallback formats until [`Scheduler::confirm`] or [`Scheduler::configure`].
    pub fn set_fallback(&mut self, idx: u8, on: bool) {
        if let Some(u) = self.ue_mut(idx) {
            u.fallback = on || u.dedicated.is_none();
        }
    }

    /// Small grants, unasked, up to `until`: for a UE that will have something to say and no way to ask.
    pub fn grant_unasked(&mut self, idx: u8, until: SlotPoint) {
        if let Some(u) = self.ue_mut(idx) {
            u.proactive_until = Some(until);
        }
    }

    /// A UE that was heard again through random access: it needs a grant at once, addressed to its C-RNTI, to know that
    /// contention is resolved. Spec: TS 38.321 §5.1.5
    pub fn resolve_contention(&mut self, idx: u8, slot: SlotPoint) {
        if let Some(u) = self.ue_mut(idx) {
            u.sr = true;
            u.last_heard = slot;
            u.timing_error = 0.0;
            u.timing_count = 0;
            // The response set the UE's power anew. Spec: TS 38.213 §7.1.1, §7.2.1
            u.pusch_power.restart();
            u.pucch_power.restart();
            u.ul_link.renew();
        }
    }

    fn size_pucch_region(&mut self) {
        let n = self.ues.iter().rposition(|u| u.is_some()).map_or(0, |i| i + 1);
        let n_rb = self.config.cell.initial_ul_bwp.n_rb;
        let (low, high) = self.config.pucch_prbs.get(n).or(self.config.pucch_prbs.last()).copied().unwrap_or((1, 1));
        let mut region = RbSet::range(0, low);
        region.insert(n_rb.saturating_sub(high), high);
        // The common resources that are used: see `feedback::COMMON_PRI`.
        if let Some(row) = common_pucch::COMMON.get(self.config.cell.pucch.common_resource_row as usize) {
            for r in (0..4).chain(8..12).filter_map(|r| row.resource(r, n_rb)) {
                region.insert(r.first_prb, 1);
                region.insert(r.second_prb, 1);
            }
        }
        self.pucch_region = region;
        let (duplex, numerology) = (self.config.cell.duplex, self.config.cell.ul.numerology);
        let shared = |r: &SrsResource| {
            let (_, offset) = r.period.unwrap_or((1, 0));
            duplex.is_uplink(SlotPoint::from_count(numerology, i64::from(offset)), 0, SYMBOLS_PER_SLOT as u8)
        };
        self.soundings.clear();
        let all = self.ues.iter().flatten().filter_map(|u| Some(u.dedicated.as_deref()?.srs?.resource));
        self.soundings.extend(all.filter(shared));
    }

    /// RBs of `slot` that no PUSCH may have: PRACH and PUCCH, and all of them where a UE sounds.
    pub(crate) fn fresh_uplink(&self, slot: SlotPoint) -> RbSet {
        let mut used = self.pucch_region;
        let start = self.config.cell.rach.msg1_frequency_start;
        if (0..self.prach_slots).any(|k| self.config.prach.occasions(slot.plus(-k)).next().is_some()) {
            used.insert(start, self.config.prach_n_rb);
        }
        if self.soundings.iter().any(|r| r.is_sent(slot)) {
            used.insert(0, self.config.cell.initial_ul_bwp.n_rb);
        }
        used
    }

    /// Decides `slot`: what goes on the air in it, and what is expected from the air in it.
    ///
    /// `plan` must be clear; SS/PBCH blocks are the caller's. Blocks are left to the caller: their PDSCHs have empty spans.
    pub fn decide(&mut self, slot: SlotPoint, plan: &mut SlotPlan, out: &mut Decision) {
        out.blocks.clear();
        out.rar.clear();
        let cell = &self.config.cell;
        let dl_symbols = (0..14).take_while(|l| cell.duplex.is_downlink(slot, *l, 1)).count() as u8;
        if dl_symbols >= 3 {
            let fits = |t: &TimeAllocation| t.start + t.n_symbols <= dl_symbols;
            let times = &cell.pdsch.time_allocations;
            let best = times.iter().enumerate().filter(|(_, t)| fits(t)).max_by_key(|(_, t)| t.n_symbols);
            plan.csi_rs.extend(self.config.csi_rs.iter().filter(|c| c.is_sent(slot)));
            // A PDSCH could be matched around a block, but its DM-RS may not fall on one: keep away from its RBs.
            let mut used = RbSet::EMPTY;
            let blocks = resolve::reserved_for_ssb(cell, slot, 0, 14);
            blocks.iter().flatten().for_each(|r| used.insert(r.start_rb, r.n_rb));
            let mut state = SlotState {
                slot,
                control: ControlRegion::new(),
                used,
                time: best.map(|(i, t)| (i as u8, *t)),
                csi_rs: !plan.csi_rs.is_empty(),
                csi_re_per_rb: {
                    let elements = |c: &CsiRsPdu| {
                        f32::from(c.density_x2) / 2.0 * c.locations().map_or(1.0, |r| f32::from(r.n_ports))
                    };
                    plan.csi_rs.iter().map(elements).sum()
                },
            };
            self.sib1(&mut state, plan, out);
            self.paging(&mut state, plan, out);
            self.responses(&mut state, plan, out);
            self.urgent_uplink(&mut state, plan);
            self.downlink(&mut state, plan, out);
            self.uplink(&mut state, plan);
        }
        self.paging_bytes = 0;
        self.expect(slot, plan);
        self.average(slot);
    }

    /// Sends a DCI: finds a candidate, writes the PDCCH into the plan.
    pub(crate) fn address(
        &self,
        state: &mut SlotState,
        plan: &mut SlotPlan,
        dci: &Dci,
        ctx: &DciContext,
        to: &Addressee,
    ) -> Option<(u16, u16)> {
        let c = state.control.take(to.space, to.coreset, to.rnti, state.slot, to.level)?;
        let payload = fapi::dci::encode(dci, to.space.kind, ctx).ok()?;
        let (n_id, n_rnti) = resolve::pdcch_scrambling(to.coreset, to.space.kind, to.rnti, self.config.cell.pci.get());
        plan.pdcch.push(PdcchPdu {
            coreset: *to.coreset,
            start_symbol: c.start_symbol,
            cce: c.cce,
            aggregation_level: c.level,
            rnti: to.rnti,
            scrambling_rnti: n_rnti,
            scrambling_n_id: n_id,
            power_offset_db: 0.0,
            payload,
        });
        Some((c.cce, to.coreset.n_cce()))
    }

    /// The common search space `id` with its CORESET.
    pub(crate) fn common_space(&self, id: u8) -> Option<(&SearchSpaceConfig, &CoresetConfig)> {
        let cell = &self.config.cell;
        let space = cell.search_spaces.iter().find(|s| s.id == id)?;
        Some((space, cell.coresets.iter().find(|c| c.id == space.coreset_id)?))
    }

    /// What is expected from the air in `slot`: PRACH, PUSCH with UCI, PUCCH.
    fn expect(&mut self, slot: SlotPoint, plan: &mut SlotPlan) {
        let cell = &self.config.cell;
        plan.prach.extend(self.config.prach.occasions(slot).map(|o| PrachOccasion {
            start_symbol: o.start_symbol,
            t_id: o.t_id,
            s_id: o.s_id,
            f_id: 0,
        }));
        if !cell.duplex.is_uplink(slot, 0, 14) {
            return self.expect_srs(slot, plan);
        }
        let fresh = self.fresh_uplink(slot);
        let Scheduler { config, ues, ring, .. } = self;
        let ul = ring.at(slot, || fresh);
        for (idx, u) in ues.iter().enumerate().filter_map(|(i, u)| Some((i as u8, u.as_ref()?))) {
            let feedback = ul.feedback.iter_mut().find(|f| f.ue == idx);
            let pusch = ul.pusch.iter_mut().find(|(i, _)| *i == idx).map(|(_, p)| p);
            let n_harq = feedback.as_ref().map_or(0, |f| f.n_bits());
            let mut reports = 0;
            if let Some(pusch) = pusch {
                let d = u.certain();
                let report = d.filter(|d| resolve::is_csi_occasion(d, slot)).and_then(|d| d.csi_report);
                let csi = report.as_ref().map(|r| &r.content);
                let p = d.map_or(&config.cell.pusch, |d| &d.pusch);
                if n_harq > 0 || csi.is_some() {
                    pusch.uci = resolve::uci_on_pusch(p, n_harq as u16, csi);
                    reports = 1;
                }
                plan.pusch.push(*pusch);
            } else {
                let harq = feedback.as_ref().map(|f| resolve::HarqUci {
                    n_bits: f.n_bits(),
                    pri: f.pri,
                    first_cce: f.first_cce,
                    n_cce: f.n_cce,
                });
                let mut add = |c: PucchChoice| {
                    for p in [c.main, c.sr].into_iter().flatten() {
                        plan.pucch.push(p);
                        reports += 1;
                    }
                };
                if let Ok(c) = resolve::pucch(&config.cell, u.dedicated.as_deref(), u.rnti, slot, harq) {
                    add(c);
                }
                if u.uncertain
                    && harq.is_some()
                    && let Ok(c) = resolve::pucch(&config.cell, None, u.rnti, slot, harq)
                {
                    add(c);
                }
            }
            if let Some(f) = feedback {
                f.reports_due = reports;
            }
        }
        self.expect_srs(slot, plan);
    }

    /// SRSs of UEs that have nothing else in their symbols. Spec: TS 38.214 §6.2.1
    fn expect_srs(&self, slot: SlotPoint, plan: &mut SlotPlan) {
        for u in self.ues.iter().flatten() {
            let due = u.certain().and_then(|d| resolve::srs(&self.config.cell, d, u.rnti, slot));
            let Some(s) = due else { continue };
            let pucch = plan.pucch.iter().map(|p| (p.rnti, p.resource.start_symbol, p.resource.n_symbols));
            let pusch = plan.pusch.iter().map(|p| (p.rnti, p.start_symbol, p.n_symbols));
            let met = |(rnti, start, n): (Rnti, u8, u8)| rnti == u.rnti && resolve::srs_meets(&s.pdu, start, n);
            if !pucch.chain(pusch).any(met) {
                plan.srs.push(s);
            }
        }
    }

    /// Moves the averages of served bytes on by one slot, and ends holds before their slot numbers come round again.
    fn average(&mut self, slot: SlotPoint) {
        const W: f32 = 1.0 / 128.0;
        let over = |s: SlotPoint| s.minus(slot) < 0;
        for u in self.ues.iter_mut().flatten() {
            u.proactive_until = u.proactive_until.filter(|s| !over(*s));
            u.timing_hold = u.timing_hold.filter(|s| !over(*s));
            u.pusch_power.tick(slot);
            u.pucch_power.tick(slot);
            u.last_grant = u.last_grant.filter(|s| slot.minus(*s) < 1000);
            u.dl_average += W * (u.dl_served as f32 - u.dl_average);
            u.ul_average += W * (u.ul_served as f32 - u.ul_average);
            (u.dl_served, u.ul_served) = (0, 0);
        }
    }

    /// Whether a UE is connected, for the tests and the layers above.
    pub fn is_connected(&self, idx: u8) -> bool {
        self.ue(idx).is_some_and(|u| u.phase == Phase::Connected)
    }
}

/// To whom a DCI goes, and where.
pub(crate) struct Addressee<'a> {
    pub rnti: Rnti,
    pub space: &'a SearchSpaceConfig,
    pub coreset: &'a CoresetConfig,
    /// Index of the aggregation level to try first.
    pub level: usize,
}
