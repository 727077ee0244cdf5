//! The unit, its terminals, a central unit that says yes, and a physical layer that is perfect but for chosen faults.

use super::alloc;
use super::terminal::{Spoken, Terminal};
use crate::config::{Cell, UeRadio, preset};
use crate::du::GnbDu;
use crate::overlap;
use fapi::slot::*;
use fapi::*;
use node::Rng;
use nr::{DrbId, Rnti, SlotPoint, Tc};
use sched::Phase;
use seam::bearer::Bearer;
use seam::f1::*;
use std::collections::VecDeque;

/// Probabilities of loss.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub pdcch: f64,
    pub pdsch: f64,
    pub pusch: f64,
    pub pucch: f64,
    pub prach: f64,
}

/// Where the random access of a terminal with a C-RNTI stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Returning {
    Preamble,
    Msg3,
}

/// Slots from decision to air, and from air to indication.
const AHEAD: i64 = 2;
const BEHIND: i64 = 2;

pub struct World {
    pub du: GnbDu,
    pub ues: Vec<Terminal>,
    ids: Vec<Option<DuUeId>>,
    up: Vec<(DuUeId, usize)>,
    pub released: usize,
    pub lost: usize,
    /// Configurations that the unit wanted sent again.
    pub required: usize,
    /// Random access of a terminal that keeps its C-RNTI, on its way.
    pub returning: Option<(Returning, Rnti)>,
    /// The central unit does not answer on SRB0 before this time.
    pub answer_at: Tc,
    late: Vec<CuToDu>,
    /// How late Msg3 comes, Tc.
    pub msg3_timing_tc: i32,
    /// DELIVERY STATUS: sum of `delivered`.
    pub delivered: u32,
    /// Allocations in the unit's slot path.
    pub allocations: usize,
    /// SDUs that came up.
    pub sdus: usize,
    spare: Vec<SlotPlan>,
    slot: SlotPoint,
    now: Tc,
    plans: VecDeque<SlotPlan>,
    back: VecDeque<UlIndication>,
    faults: Faults,
    rng: Rng,
    forced: Option<u8>,
}

impl World {
    pub fn new(name: &str, n: u8, faults: Faults, seed: u64) -> World {
        World::with_cell(Cell::new(preset(name).unwrap()).unwrap(), n, faults, seed)
    }

    pub fn with_cell(cell: Cell, n: u8, faults: Faults, seed: u64) -> World {
        let slot = SlotPoint::new(cell.numerology(), 0, 0);
        let rng = Rng::from_lab_seed(seed);
        World {
            du: GnbDu::new(cell).unwrap(),
            ues: (0..n).map(|i| Terminal::new(i, 3 + 5 * i)).collect(),
            ids: vec![None; n as usize],
            up: Vec::new(),
            released: 0,
            lost: 0,
            required: 0,
            returning: None,
            answer_at: Tc::ZERO,
            late: Vec::new(),
            delivered: 0,
            msg3_timing_tc: 0,
            allocations: 0,
            sdus: 0,
            spare: Vec::new(),
            slot,
            now: Tc::ZERO,
            plans: VecDeque::new(),
            back: VecDeque::new(),
            faults,
            rng,
            forced: None,
        }
    }

    pub fn start_at(&mut self, slot: SlotPoint) {
        self.slot = slot;
    }
    pub fn id(&self, i: usize) -> DuUeId {
        self.ids[i].unwrap()
    }
    pub fn no_faults(&mut self) {
        self.faults = Faults::default();
    }
    pub fn now(&self) -> Tc {
        self.now
    }
    pub fn force_preamble(&mut self, p: u8) {
        self.forced = Some(p);
        self.ues.iter_mut().for_each(|u| u.preamble = p);
    }
    pub fn ul_bytes(&self, i: usize) -> usize {
        self.up.iter().filter(|(id, _)| Some(*id) == self.ids[i]).map(|(_, n)| n).sum()
    }
    pub fn push_downlink(&mut self, i: usize, bytes: usize) {
        let (ue, drb) = (self.ids[i].unwrap(), DrbId::new(1).unwrap());
        for k in 0..bytes.div_ceil(1000) {
            let pdu = vec![0x80 | i as u8; 1000.min(bytes - 1000 * k)];
            self.du.f1(self.now, CuToDu::DlUser { ue, drb, pdu });
        }
    }
    pub fn top_up_downlink(&mut self, i: usize, bytes: usize) {
        let waiting = self.du.ue_metrics(self.ids[i].unwrap()).unwrap().dl_waiting as usize;
        self.push_downlink(i, bytes.saturating_sub(waiting));
    }
    pub fn release(&mut self, i: usize) {
        let ue = self.ids[i].unwrap();
        self.du.f1(self.now, CuToDu::UeContextRelease { ue, rrc: Some((Bearer::Srb1, vec![1; 20])) });
    }
    pub fn run(&mut self, slots: usize) {
        (0..slots).for_each(|_| self.step());
    }
    pub fn run_until(&mut self, what: &str, slots: usize, done: impl Fn(&World) -> bool) {
        for _ in 0..slots {
            if done(self) {
                return;
            }
            self.step();
        }
        let state: Vec<_> = self
            .ues
            .iter()
            .map(|u| (u.attempts, u.c_rnti, u.setup_done, u.drb_ready, u.dl_bytes, u.ul_backlog))
            .collect();
        assert!(done(self), "{what}: not within {slots} slots: {state:?} {:?}", self.du.totals());
    }

    fn step(&mut self) {
        let mut plan = self.spare.pop().unwrap_or_default();
        self.allocations += alloc::count(|| self.du.decide(self.now, self.slot.plus(AHEAD), &mut plan));
        let cell = self.du.cell().clone();
        let busy = (0..1).any(|k| cell.prach.occasions(plan.slot.plus(-k)).next().is_some());
        overlap::check(&plan, &cell.config, (cell.params.prach_frequency_start, cell.prach_n_rb), busy);
        self.plans.push_back(plan);
        if self.plans.len() > AHEAD as usize {
            let plan = self.plans.pop_front().unwrap();
            let ind = self.air(&plan, &cell);
            self.spare.push(plan);
            self.back.push_back(ind);
        }
        if self.back.len() > BEHIND as usize {
            let ind = self.back.pop_front().unwrap();
            self.allocations += alloc::count(|| self.du.indicate(self.now, self.slot, &ind));
        }
        if self.now >= self.answer_at {
            self.late.drain(..).for_each(|m| self.du.f1(self.now, m));
        }
        while let Some(m) = self.du.pop() {
            self.central_unit(m);
        }
        self.slot = self.slot.plus(1);
        self.now += self.slot.numerology().slot_tc();
    }

    fn hit(rng: &mut Rng, p: f64) -> bool {
        p > 0.0 && rng.unit() < p
    }

    fn air(&mut self, plan: &SlotPlan, cell: &Cell) -> UlIndication {
        let mut ind = UlIndication::default();
        let slot = plan.slot;
        let faults = self.faults;
        for (i, u) in self.ues.iter_mut().enumerate() {
            // The unit's index follows from the (temporary) C-RNTI; the configuration itself would come in RRC.
            let own =
                [u.c_rnti, u.tc_rnti].into_iter().flatten().find_map(|r| self.du.sched.find(r)).unwrap_or(i as u8);
            let future = (
                cell.dedicated(own, &UeRadio::default()),
                cell.dedicated(own, &UeRadio { dl_layers: 1, ul_layers: 1, ..UeRadio::ALL }),
            );
            let (a, b) = (core::cell::RefCell::new(&mut self.rng), faults);
            u.listen(
                self.now,
                plan,
                &cell.config,
                || Self::hit(&mut a.borrow_mut(), b.pdcch),
                || Self::hit(&mut a.borrow_mut(), b.pdsch),
                &future,
            );
            u.tick(self.now);
        }
        let spoken: Vec<Spoken> = self.ues.iter_mut().map(|u| u.speak(self.now, slot, &cell.config)).collect();
        self.receive_pusch(plan, &spoken, &mut ind);
        self.receive_pucch(plan, &spoken, &mut ind);
        self.receive_prach(plan, cell, &mut ind);
        ind
    }

    fn receive_pusch(&mut self, plan: &SlotPlan, spoken: &[Spoken], ind: &mut UlIndication) {
        let slot = plan.slot;
        let perfect = self.faults.pdcch == 0.0;
        for p in &plan.pusch {
            let from: Vec<&Spoken> =
                spoken.iter().filter(|s| s.pusch.as_ref().is_some_and(|x| x.0.rnti == p.rnti)).collect();
            let heard = from.first().and_then(|s| s.pusch.as_ref());
            if let Some((Returning::Msg3, c_rnti)) = self.returning
                && !self.ues.iter().any(|u| [u.c_rnti, u.tc_rnti].contains(&Some(p.rnti)))
            {
                let mut tb = vec![0; p.coding.tbs_bytes as usize];
                let mut b = mac::PduBuilder::new(&mut tb);
                b.c_rnti(c_rnti);
                b.finish();
                let tb = Span::append(&mut ind.bytes, &tb);
                ind.pusch.push(received(p, slot, tb));
                self.returning = None;
                continue;
            }
            if perfect && let Some((mine, _)) = heard {
                assert_eq!(PuschPdu { new_data: true, ..*p }, *mine, "slot {slot}");
            }
            let same = heard.is_some_and(|(mine, _)| PuschPdu { new_data: true, ..*p } == *mine);
            let ok = same && !Self::hit(&mut self.rng, self.faults.pusch);
            let tb = match heard {
                Some((_, tb)) if ok => Span::append(&mut ind.bytes, tb),
                _ => Span::default(),
            };
            let msg3 =
                self.du.sched.find(p.rnti).and_then(|i| self.du.sched.ue(i)).is_some_and(|u| u.phase == Phase::Msg3);
            let timing_error_tc = if msg3 { self.msg3_timing_tc } else { 0 };
            let dtx = heard.is_none();
            ind.pusch.push(PuschIndication { crc_ok: ok, dtx, timing_error_tc, ..received(p, slot, tb) });
            if p.uci.n_harq_ack + p.uci.n_csi1 > 0 {
                let bits = from.first().filter(|_| same).map(|s| s.bits);
                ind.uci.push(uci(p.rnti, slot, bits, p.uci.n_harq_ack as u8, false, p.uci.n_csi1 as u8));
            }
        }
        // What a terminal sends must be expected, unless its control was lost on the way.
        for s in spoken.iter().filter(|_| perfect) {
            if let Some((p, _)) = &s.pusch {
                assert!(plan.pusch.iter().any(|x| x.rnti == p.rnti), "slot {slot}: a PUSCH that nobody expects");
            }
        }
    }

    fn receive_pucch(&mut self, plan: &SlotPlan, spoken: &[Spoken], ind: &mut UlIndication) {
        let slot = plan.slot;
        for p in &plan.pucch {
            let from = spoken.iter().find(|s| s.pucch.as_ref() == Some(p));
            let lost = Self::hit(&mut self.rng, self.faults.pucch);
            let bits = from.filter(|_| !lost).map(|s| s.bits);
            let sr = p.n_sr > 0 && from.is_some_and(|s| s.sr);
            ind.uci.push(uci(p.rnti, slot, bits, p.n_harq_ack, sr && !lost, p.n_csi1));
        }
        if self.faults.pdcch == 0.0 {
            for s in spoken {
                if let Some(p) = &s.pucch {
                    assert!(
                        plan.pucch.contains(p),
                        "slot {slot}: a PUCCH that nobody expects: {p:?} not in {:?}",
                        plan.pucch
                    );
                }
            }
        }
    }

    fn receive_prach(&mut self, plan: &SlotPlan, cell: &Cell, ind: &mut UlIndication) {
        let Some(&occasion) = plan.prach.first() else { return };
        if let Some((at @ Returning::Preamble, _)) = &mut self.returning {
            *at = Returning::Msg3;
            ind.prach.push(PrachDetection {
                slot: plan.slot,
                occasion,
                preamble: 63,
                timing_advance: 10,
                snr_db: 10.0,
            });
        }
        let mut heard: Vec<u8> = Vec::new();
        for u in self.ues.iter_mut().filter(|u| u.wants_access) {
            if u.back_off > 0 {
                u.back_off -= 1;
                continue;
            }
            u.sent_preamble(occasion, plan.slot, cell.params.ra_response_window_slots);
            if !heard.contains(&u.preamble) && !Self::hit(&mut self.rng, self.faults.prach) {
                heard.push(u.preamble);
            }
        }
        for preamble in heard {
            ind.prach.push(PrachDetection { slot: plan.slot, occasion, preamble, timing_advance: 10, snr_db: 10.0 });
        }
    }

    fn central_unit(&mut self, m: DuToCu) {
        match m {
            DuToCu::InitialUlRrc { ue, rrc, cell_group, .. } => {
                self.ids[rrc[1] as usize] = Some(ue);
                let setup = rrc::RrcSetup {
                    rrc_transaction_identifier: 0,
                    critical_extensions: rrc::RrcSetupCriticalExtensions::RrcSetup(rrc::RrcSetupIes {
                        master_cell_group: cell_group,
                        ..Default::default()
                    }),
                };
                let message = rrc::DlCcchMessage {
                    message: rrc::DlCcchMessageType::C1(rrc::DlCcchMessageTypeC1::RrcSetup(setup)),
                };
                let pdu = rrc::encode(&message).unwrap();
                let answer = CuToDu::DlRrcTransfer { ue, bearer: Bearer::Srb0, pdu };
                if self.now < self.answer_at {
                    self.late.push(answer);
                } else {
                    self.du.f1(self.now, answer);
                }
            }
            DuToCu::UlRrcTransfer { ue, pdu, .. } if pdu.len() == 60 => {
                let drbs_add = vec![DrbSetup { drb: DrbId::new(1).unwrap(), acknowledged: true, five_qi: 9 }];
                self.du.f1(
                    self.now,
                    CuToDu::UeContextModify {
                        ue,
                        drbs_add,
                        drbs_release: vec![],
                        srb2: true,
                        capability: Some(capability()),
                    },
                );
            }
            DuToCu::UeContextResponse { ue, .. } => {
                self.du.f1(self.now, CuToDu::DlRrcTransfer { ue, bearer: Bearer::Srb1, pdu: vec![2; 300] });
            }
            DuToCu::UlRrcTransfer { ue, .. } => self.du.f1(self.now, CuToDu::ReconfigurationComplete { ue }),
            DuToCu::UlUser { ue, pdu, .. } => {
                self.sdus += 1;
                match self.up.iter_mut().find(|(id, _)| *id == ue) {
                    Some((_, n)) => *n += pdu.len(),
                    None => self.up.push((ue, pdu.len())),
                }
            }
            DuToCu::UeContextModificationRequired { ue } => {
                self.required += 1;
                let (drbs_add, drbs_release, srb2, capability) = (vec![], vec![], false, None);
                self.du.f1(self.now, CuToDu::UeContextModify { ue, drbs_add, drbs_release, srb2, capability });
            }
            DuToCu::UeContextReleased { .. } => self.released += 1,
            DuToCu::UeLost { ue, .. } => {
                self.lost += 1;
                // One that is being set up may still come back.
                if self.ues.iter().any(|u| u.is_ready()) {
                    self.du.f1(self.now, CuToDu::UeContextRelease { ue, rrc: None });
                }
            }
            DuToCu::DeliveryStatus { delivered, .. } => self.delivered += delivered,
        }
    }
}

fn received(p: &PuschPdu, slot: SlotPoint, tb: Span) -> PuschIndication {
    PuschIndication {
        rnti: p.rnti,
        harq: p.harq,
        slot,
        crc_ok: true,
        dtx: false,
        tb,
        sinr_db: 32.0,
        rsrp_dbm: -90.0,
        timing_error_tc: 0,
        ldpc_iterations: 2.0,
    }
}

fn uci(rnti: nr::Rnti, slot: SlotPoint, bits: Option<[u8; 64]>, n_harq_ack: u8, sr: bool, n_csi1: u8) -> UciIndication {
    UciIndication {
        rnti,
        slot,
        dtx: bits.is_none(),
        harq_ack: bits.unwrap_or([0; 64]),
        n_harq_ack,
        sr,
        csi1: 15,
        n_csi1,
        csi2: 0,
        n_csi2: 0,
        snr_db: 20.0,
        timing_error_tc: Some(0),
    }
}

/// 256QAM both ways in every band.
fn capability() -> Vec<u8> {
    let mut c = rrc::UeNrCapability::default();
    c.phy_parameters.phy_parameters_fr1 = Some(rrc::PhyParametersFr1 { pdsch_256_qam_fr1: true, ..Default::default() });
    c.rf_parameters.supported_band_list_nr =
        [3, 78, 79].map(|b| rrc::BandNr { band_nr: b, pusch_256_qam: true, ..Default::default() }).to_vec();
    rrc::encode(&c).unwrap()
}
