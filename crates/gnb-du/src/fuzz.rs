//! Hostile air and a hostile central unit, slot by slot: for fuzz targets and for tests.

use crate::config::{Cell, UeRadio, preset};
use crate::du::GnbDu;
use crate::overlap;
use fapi::slot::{PrachDetection, PuschIndication, SlotPlan, SrsIndication, SrsPrecoder, UciIndication, UlIndication};
use fapi::{PrachOccasion, PucchPdu, PuschPdu, Span};
use node::Script;
use nr::{DrbId, HarqId, Rnti, SlotPoint, Tc};
use sched::{Decision, Scheduler};
use seam::bearer::Bearer;
use seam::f1::{CuToDu, DrbSetup, DuToCu, DuUeId};
use std::collections::VecDeque;

/// Slots from decision to air, and from air to indication.
const AHEAD: i64 = 2;
const BEHIND: i64 = 2;
/// Slots that one script may last.
const SLOTS_MAX: u32 = 3000;
/// UEs at once: few, so that places run out.
const UES_MAX: u8 = 4;

fn cell(options: u8) -> Option<Cell> {
    let mut params = preset(["n78-20", "n3-10", "mine-ul"][usize::from(options) % 3])?;
    params.max_ues = UES_MAX;
    params.rlf_silence_ms = 400;
    params.max_harq_tx = 1 + (options >> 2 & 3);
    Cell::new(params).ok()
}

/// What the air answers to the plans.
#[derive(Clone, Copy)]
struct Air {
    /// Bit 0: blocks arrive; bit 1: control arrives; bit 2: feedback is ACK; bit 3: a scheduling request with each control.
    policy: u8,
    /// Numbers that a receiver may report.
    real: f32,
    timing: i32,
}

struct World<'a> {
    du: GnbDu,
    s: Script<'a>,
    slot: SlotPoint,
    now: Tc,
    slots: u32,
    plans: VecDeque<SlotPlan>,
    heard: VecDeque<UlIndication>,
    air: Air,
    /// The block that every PUSCH carries.
    block: Vec<u8>,
    preamble: Option<u8>,
    stray: Vec<UciIndication>,
    answer: bool,
}

/// One run of a fuzzer: an octet of options, then operations: slots on the air with blocks, control and preambles as the script wants
/// them, and messages of the central unit.
///
/// # Panics
/// If a plan uses a resource element twice, or lies outside the cell: a bug of the scheduler.
pub fn fuzz_one(data: &[u8]) {
    let mut s = Script::new(data);
    let Some(cell) = cell(s.u8()) else { return };
    let slot = SlotPoint::new(cell.numerology(), 1020, 0);
    let Ok(du) = GnbDu::new(cell) else { return };
    let mut w = World {
        du,
        s,
        slot,
        now: Tc::ZERO,
        slots: 0,
        plans: VecDeque::new(),
        heard: VecDeque::new(),
        air: Air { policy: 7, real: 20.0, timing: 0 },
        block: msg3(),
        preamble: None,
        stray: Vec::new(),
        answer: true,
    };
    w.du.set_tapping(true);
    while let Some(op) = w.s.op() {
        w.operation(op);
    }
    (0..20).for_each(|_| w.slot());
}

/// A CCCH message of six octets, a buffer status report, padding.
fn msg3() -> Vec<u8> {
    vec![52, 1, 2, 3, 4, 5, 6, 61, 0x1f, 63]
}

fn real(octet: u8) -> f32 {
    match octet {
        250 => f32::NAN,
        251 => f32::INFINITY,
        252 => f32::NEG_INFINITY,
        253 => f32::MAX,
        254 => f32::MIN,
        n => f32::from(n as i8),
    }
}

impl World<'_> {
    fn operation(&mut self, op: u8) {
        let s = &mut self.s;
        match op % 12 {
            0 => (0..1 + s.below(40)).for_each(|_| self.slot()),
            1 => self.slot(),
            2 => self.air = Air { policy: s.u8(), real: real(s.u8()), timing: i32::from(s.u16() as i16) * 64 },
            3 => self.block = if s.u8() == 0 { msg3() } else { s.bytes().to_vec() },
            4 => self.preamble = Some(s.u8()),
            5 => {
                let (rnti, n_csi1, csi1) = (Rnti(s.u16()), s.u8(), s.u32());
                let slot = self.slot.plus(i64::from(s.u8() as i8));
                let uci = uci(rnti, slot, s.u8(), n_csi1, self.air);
                self.stray.push(UciIndication { csi1, ..uci });
            }
            6 => self.now += s.time(),
            7 => self.answer = s.bit(),
            _ => self.f1(op),
        }
    }

    fn f1(&mut self, op: u8) {
        let s = &mut self.s;
        let ue = DuUeId(1 + s.below(8) as u32);
        let drb = DrbId::new(1 + s.below(32) as u8);
        let bearer = match (s.below(4), drb) {
            (0, _) => Bearer::Srb0,
            (1, _) => Bearer::Srb1,
            (2, _) => Bearer::Srb2,
            (_, Some(drb)) => Bearer::Drb(drb),
            (_, None) => return,
        };
        let message = match op % 12 {
            8 => match s.below(4) {
                0 => CuToDu::ReconfigurationComplete { ue },
                1 => CuToDu::UeReestablish { ue, old: DuUeId(1 + s.below(8) as u32) },
                2 => CuToDu::UeContextRelease { ue, rrc: None },
                _ => CuToDu::UeContextRelease { ue, rrc: Some((bearer, s.bytes().to_vec())) },
            },
            9 => CuToDu::DlRrcTransfer { ue, bearer, pdu: s.bytes().to_vec() },
            10 => {
                let setup = |s: &mut Script| {
                    let drb = DrbId::new(1 + s.below(32) as u8)?;
                    Some(DrbSetup { drb, acknowledged: s.bit(), five_qi: s.u8() })
                };
                CuToDu::UeContextModify {
                    ue,
                    drbs_add: (0..s.below(4)).filter_map(|_| setup(s)).collect(),
                    drbs_release: drb.into_iter().filter(|_| s.bit()).collect(),
                    srb2: s.bit(),
                    capability: Some(s.bytes().to_vec()).filter(|c| !c.is_empty()),
                }
            }
            _ => match drb {
                Some(drb) => CuToDu::DlUser { ue, drb, pdu: vec![0x45; usize::from(s.u16()) % 9000] },
                None => return,
            },
        };
        self.du.f1(self.now, message);
    }

    /// One slot: a decision, the air, an indication, what the central unit answers.
    fn slot(&mut self) {
        if self.slots >= SLOTS_MAX {
            return;
        }
        self.slots += 1;
        let mut plan = SlotPlan::default();
        self.du.decide(self.now, self.slot.plus(AHEAD), &mut plan);
        self.judge(&plan);
        self.plans.push_back(plan);
        if self.plans.len() > AHEAD as usize
            && let Some(plan) = self.plans.pop_front()
        {
            let heard = self.hear(&plan);
            self.heard.push_back(heard);
        }
        if self.heard.len() > BEHIND as usize
            && let Some(heard) = self.heard.pop_front()
        {
            self.du.indicate(self.now, self.slot, &heard);
        }
        while let Some(message) = self.du.pop() {
            if self.answer {
                self.central_unit(message);
            }
        }
        while self.du.pop_tap().is_some() {}
        assert!(self.du.all_metrics().count() <= usize::from(UES_MAX));
        self.slot = self.slot.plus(1);
        self.now += self.slot.numerology().slot_tc();
    }

    fn judge(&self, plan: &SlotPlan) {
        let cell = self.du.cell();
        let busy = cell.prach.occasions(plan.slot).next().is_some();
        overlap::check(plan, &cell.config, (cell.params.prach_frequency_start, cell.prach_n_rb), busy);
    }

    fn hear(&mut self, plan: &SlotPlan) -> UlIndication {
        let mut heard = UlIndication::default();
        let air = self.air;
        for p in &plan.pusch {
            let mut block = self.block.clone();
            block.resize(p.coding.tbs_bytes as usize, 63);
            heard.pusch.push(pusch(p, plan.slot, air, &block, &mut heard.bytes));
            if p.uci.n_harq_ack + p.uci.n_csi1 > 0 {
                heard.uci.push(uci(p.rnti, plan.slot, p.uci.n_harq_ack as u8, p.uci.n_csi1 as u8, air));
            }
        }
        let on_pucch = |p: &PucchPdu| uci(p.rnti, plan.slot, p.n_harq_ack, p.n_csi1, air);
        heard.uci.extend(plan.pucch.iter().map(on_pucch));
        heard.uci.append(&mut self.stray);
        if let (Some(&occasion), Some(preamble)) = (plan.prach.first(), self.preamble) {
            self.preamble = None;
            heard.prach.push(detection(plan.slot, occasion, preamble, air));
        }
        heard
    }

    /// A central unit that says yes.
    fn central_unit(&mut self, message: DuToCu) {
        let answer = match message {
            DuToCu::InitialUlRrc { ue, cell_group, .. } => {
                let ies = rrc::RrcSetupIes { master_cell_group: cell_group, ..Default::default() };
                let setup = rrc::RrcSetup {
                    rrc_transaction_identifier: 0,
                    critical_extensions: rrc::RrcSetupCriticalExtensions::RrcSetup(ies),
                };
                let message = rrc::DlCcchMessageType::C1(rrc::DlCcchMessageTypeC1::RrcSetup(setup));
                let Ok(pdu) = rrc::encode(&rrc::DlCcchMessage { message }) else { return };
                CuToDu::DlRrcTransfer { ue, bearer: Bearer::Srb0, pdu }
            }
            DuToCu::UeContextResponse { ue, .. } => {
                CuToDu::DlRrcTransfer { ue, bearer: Bearer::Srb1, pdu: vec![2; 100] }
            }
            DuToCu::UlRrcTransfer { ue, .. } => CuToDu::ReconfigurationComplete { ue },
            DuToCu::UeLost { ue, .. } => CuToDu::UeContextRelease { ue, rrc: None },
            _ => return,
        };
        self.du.f1(self.now, answer);
    }
}

fn pusch(p: &PuschPdu, slot: SlotPoint, air: Air, block: &[u8], bytes: &mut Vec<u8>) -> PuschIndication {
    let crc_ok = air.policy & 1 != 0;
    PuschIndication {
        rnti: p.rnti,
        harq: p.harq,
        slot,
        crc_ok,
        dtx: air.policy & 16 != 0,
        tb: if crc_ok { Span::append(bytes, block) } else { Span::default() },
        sinr_db: air.real,
        rsrp_dbm: air.real,
        timing_error_tc: air.timing,
        ldpc_iterations: 1.0,
    }
}

fn uci(rnti: Rnti, slot: SlotPoint, n_harq_ack: u8, n_csi1: u8, air: Air) -> UciIndication {
    UciIndication {
        rnti,
        slot,
        dtx: air.policy & 2 == 0,
        harq_ack: [air.policy >> 2 & 1; 64],
        n_harq_ack,
        sr: air.policy & 8 != 0,
        csi1: if air.policy & 32 == 0 { 15 } else { 0 },
        n_csi1,
        csi2: 0,
        n_csi2: 0,
        snr_db: air.real,
        timing_error_tc: Some(air.timing),
    }
}

fn detection(slot: SlotPoint, occasion: PrachOccasion, preamble: u8, air: Air) -> PrachDetection {
    PrachDetection {
        slot,
        occasion,
        preamble: preamble & 63,
        timing_advance: 3846.min(air.timing as u16),
        snr_db: air.real,
    }
}

/// One run of a fuzzer over the scheduler alone: an octet of options, then operations: every verb that it has, in any order and with
/// any numbers, and slots.
///
/// # Panics
/// If a plan uses a resource element twice, or lies outside the cell: a bug of the scheduler.
pub fn fuzz_sched(data: &[u8]) {
    let mut s = Script::new(data);
    let Some(cell) = cell(s.u8()) else { return };
    let Ok(du) = GnbDu::new(cell.clone()) else { return };
    let mut sched = du.sched.clone();
    let (mut plan, mut decision, mut outcomes) = (SlotPlan::default(), Decision::default(), Vec::new());
    let mut slot = SlotPoint::new(cell.numerology(), 1020, 0);
    let (mut slots, mut next_rnti) = (0, 0x4601);
    while let Some(op) = s.op() {
        let n = match op % 16 {
            0 => 1 + s.below(40),
            1 => 1,
            _ => 0,
        };
        for _ in 0..n.min(SLOTS_MAX as usize - slots) {
            slots += 1;
            plan.clear(slot);
            sched.tick(slot, &mut outcomes);
            sched.decide(slot, &mut plan, &mut decision);
            judge_shape(&plan, &cell);
            slot = slot.plus(1);
        }
        verb(op, &mut s, &mut sched, &cell, slot, &plan, &mut next_rnti, &mut outcomes);
        outcomes.clear();
    }
}

/// A call of the scheduler.
fn verb(
    op: u8,
    s: &mut Script,
    sched: &mut Scheduler,
    cell: &Cell,
    slot: SlotPoint,
    plan: &SlotPlan,
    next_rnti: &mut u16,
    outcomes: &mut Vec<sched::DlOutcome>,
) {
    let ue = s.below(usize::from(UES_MAX) + 2) as u8;
    let rnti = sched.ue(ue).map_or(Rnti(1), |u| u.rnti);
    let near = slot.plus(i64::from(s.u8() as i8) / 2);
    let air = Air { policy: s.u8(), real: real(s.u8()), timing: i32::from(s.u16() as i16) * 64 };
    match op % 16 {
        2 | 3 => {
            let occasion = PrachOccasion { start_symbol: s.u8() % 14, t_id: s.u8() % 80, s_id: s.u8() % 14, f_id: 0 };
            let heard = detection(near, occasion, s.u8(), air);
            // A place that is free, as the interface asks for.
            if let Some(idx) = sched.free_index()
                && sched.random_access(&heard, idx, Rnti(*next_rnti))
            {
                *next_rnti += 1;
            }
        }
        4 => sched.msg3_done(ue),
        5 => sched.connected(ue),
        6 => sched.remove(ue),
        7 => sched.set_downlink(ue, s.u32(), s.bit()),
        8 => sched.buffer_status(ue, s.u32(), near),
        9 => sched.headroom(ue, air.real, s.u16(), near),
        10 => sched.configure(
            ue,
            Box::new(
                cell.dedicated(ue, &UeRadio { pdsch_256qam: s.bit(), pusch_256qam: s.bit(), ..UeRadio::default() }),
            ),
            s.bit(),
        ),
        11 => sched.confirm(ue),
        12 => match s.below(4) {
            0 => sched.set_fallback(ue, s.bit()),
            1 => sched.grant_unasked(ue, near),
            2 => sched.filled(ue, near),
            _ => sched.resolve_contention(ue, near),
        },
        13 => sched.uci(&uci(rnti, near, s.u8(), s.u8(), air), outcomes),
        14 => {
            // What was asked for in the last slot, in the script's words.
            let on = |p: &PucchPdu| uci(p.rnti, plan.slot, p.n_harq_ack, p.n_csi1, air);
            plan.pucch.iter().map(on).for_each(|u| sched.uci(&u, outcomes));
            for p in &plan.pusch {
                let _ = sched.pusch(&pusch(p, plan.slot, air, &[], &mut Vec::new()));
            }
        }
        15 => {
            let Some(harq) = HarqId::new(s.u8() & 15) else { return };
            let pdu = plan.pusch.first().copied();
            let Some(p) = pdu.map(|p| PuschPdu { rnti, harq, ..p }) else { return };
            let _ = sched.pusch(&pusch(&p, near, air, &[], &mut Vec::new()));
        }
        _ => {
            let ranks = [0u8, 1, 2, 3].map(|_| Some(SrsPrecoder { tpmi: s.u8(), sinr_db: air.real }));
            sched.srs(&SrsIndication { rnti, slot: near, snr_db: air.real, one_port_db: 0.0, ranks });
        }
    }
}

/// Blocks are empty here: only places are judged.
fn judge_shape(plan: &SlotPlan, cell: &Cell) {
    let mut plan = plan.clone();
    for p in &mut plan.pdsch {
        p.tb = Span::append(&mut plan.bytes, &vec![0; p.coding.tbs_bytes as usize]);
    }
    let busy = cell.prach.occasions(plan.slot).next().is_some();
    overlap::check(&plan, &cell.config, (cell.params.prach_frequency_start, cell.prach_n_rb), busy);
}
