//! The scheduler with one UE that follows, and the numbers it decides.

mod crowd;
mod layers;

use crate::harq::State;
use crate::power::TPC_KEEP;
use crate::scheduler::{Config, Decision, Scheduler};
use crate::ue::Phase;
use fapi::dci::{self, Dci};
use fapi::resolve::{self, MibView};
use fapi::slot::{HARQ_ACK_BITS_MAX, PrachDetection, PuschIndication, SlotPlan, UciIndication};
use fapi::*;
use nr::tables::prach;
use nr::{Numerology, Pci, Rnti, SlotPoint};

const N_RB: u16 = 51;
const RNTI: Rnti = Rnti(0x4601);
const TARGETS: (f32, f32) = (30.0, 15.0);

/// Band n78, 20 MHz, all slots full duplex for short tests.
pub(crate) fn cell() -> CellConfig {
    let mib = MibView { coreset_zero: 13, ..MibView::of_zeros(Pci::new(1).unwrap()) };
    let (mut c, row) = resolve::cell_from_mib(&mib).unwrap();
    let carrier = CarrierConfig { numerology: Numerology::KHZ30, n_rb: N_RB, point_a_hz: 3.49e9, offset_to_carrier: 0 };
    (c.dl, c.ul, c.duplex) = (carrier, carrier, Duplex::Fdd);
    let bwp = Bwp { id: 0, start_rb: 0, n_rb: N_RB };
    (c.initial_dl_bwp, c.initial_ul_bwp) = (bwp, bwp);
    c.coreset0_bwp = Bwp { id: 0, start_rb: 0, n_rb: row.coreset0.n_rb as u16 };
    c.coresets = vec![resolve::coreset0_config(&row.coreset0, c.pci, 0)];
    let zero = row.search_space;
    let one = SearchSpaceConfig { id: 1, period_slots: 1, offset_slots: 0, duration_slots: 1, symbols: 1, ..zero };
    c.search_spaces = vec![zero, one];
    (c.ss_sib1, c.ss_ra) = (0, 1);
    let time = |k, start, n_symbols| TimeAllocation { k, mapping: MappingType::A, start, n_symbols };
    c.pdsch.time_allocations = vec![time(0, 2, 12)];
    c.pusch.time_allocations = vec![time(4, 0, 14)];
    c.pusch.alpha = 1.0;
    c.rach.ra_response_window_slots = 20;
    c.rach.msg1_frequency_start = 20;
    // No block on the air: its slots are like the others.
    c.ssb.positions_in_burst = 0;
    c
}

pub(crate) fn dedicated(c: &CellConfig, candidates: [u8; 5], csi_rs: Vec<CsiRsResource>) -> DedicatedConfig {
    let resource = |id, start_prb| PucchResource {
        id,
        start_prb,
        second_hop_prb: None,
        start_symbol: 0,
        n_symbols: 14,
        format: PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 },
    };
    let f2 = PucchResource { n_symbols: 2, format: PucchFormat::F2 { n_prb: 1 }, ..resource(2, N_RB - 2) };
    DedicatedConfig {
        dl_bwp: c.initial_dl_bwp,
        ul_bwp: c.initial_ul_bwp,
        coresets: vec![CoresetConfig {
            id: 1,
            rb_groups: (1 << 8) - 1,
            start_rb: 0,
            duration: 2,
            mapping: CceRegMapping::NonInterleaved,
            wideband_precoder: false,
            dmrs_n_id: 1,
            dmrs_reference_rb: 0,
        }],
        search_spaces: vec![SearchSpaceConfig {
            id: 2,
            coreset_id: 1,
            n_candidates: candidates,
            kind: SearchSpaceKind::Ue,
            ..c.search_spaces[1]
        }],
        pdsch: PdschConfig { mcs_table: McsTable::Qam256, ..c.pdsch.clone() },
        pusch: PuschConfig { mcs_table: McsTable::Qam256, ..c.pusch.clone() },
        pucch: PucchConfig {
            resources: vec![resource(0, 1), resource(1, 2), f2],
            resource_sets: vec![vec![0], vec![2]],
            set_max_payload: vec![2, 1706],
            dl_data_to_ul_ack: vec![4],
            f2_max_code_rate_milli: 800,
            f2_simultaneous_harq_csi: true,
            ..c.pucch.clone()
        },
        harq_codebook: HarqCodebook::Dynamic,
        n_dl_harq: 16,
        csi_rs,
        zp_csi_rs: vec![],
        csi_im: vec![],
        srs: None,
        csi_report: None,
        dci: Default::default(),
    }
}

/// Control information that arrived, every block acknowledged.
fn uci(rnti: Rnti, slot: SlotPoint, n_harq_ack: u8, snr_db: f32) -> UciIndication {
    UciIndication {
        rnti,
        slot,
        dtx: false,
        harq_ack: [1; HARQ_ACK_BITS_MAX],
        n_harq_ack,
        sr: false,
        csi1: 0,
        n_csi1: 0,
        csi2: 0,
        n_csi2: 0,
        snr_db,
        timing_error_tc: None,
    }
}

/// A PUSCH that arrived.
fn pusch(p: &PuschPdu, slot: SlotPoint, sinr_db: f32) -> PuschIndication {
    PuschIndication {
        rnti: p.rnti,
        harq: p.harq,
        slot,
        crc_ok: true,
        dtx: false,
        tb: Span::default(),
        sinr_db,
        rsrp_dbm: -90.0,
        timing_error_tc: 0,
        ldpc_iterations: 1.0,
    }
}

/// A scheduler with one connected UE, number 0.
struct Bench {
    s: Scheduler,
    slot: SlotPoint,
    plan: SlotPlan,
    out: Decision,
    dci: dci::DciContext,
    /// Power of the UE's PUCCH and PUSCH as it arrives, dB above noise.
    snr: (f32, f32),
    /// (TPC field, slot that follows it) of the PUCCH and the PUSCH.
    commands: (Vec<u8>, Vec<u8>),
    due: Vec<(SlotPoint, i8, i8)>,
}

impl Bench {
    fn new(candidates: [u8; 5], csi_rs: Vec<CsiRsResource>) -> Bench {
        let cell = cell();
        let d = dedicated(&cell, candidates, csi_rs.clone());
        let mut s = Scheduler::new(Config {
            prach: prach::configuration(true, 162).or(prach::configuration(true, 87)).unwrap(),
            prach_n_rb: 12,
            csi_rs,
            sib1_bytes: 0,
            max_ues: 2,
            pucch_prbs: vec![(3, 2)],
            target_bler: 0.1,
            max_harq_tx: 4,
            ul_target_snr_db: TARGETS.0,
            pucch_target_snr_db: TARGETS.1,
            cell: cell.clone(),
        });
        let slot = SlotPoint::from_count(Numerology::KHZ30, 0);
        let occasion = PrachOccasion { start_symbol: 0, t_id: 0, s_id: 0, f_id: 0 };
        let d0 = PrachDetection { slot, occasion, preamble: 1, timing_advance: 0, snr_db: 10.0 };
        assert!(s.random_access(&d0, 0, RNTI));
        s.rars.clear();
        s.ue_mut(0).unwrap().phase = Phase::Connected;
        let dci = dci::DciContext::dedicated(&cell, &d);
        s.configure(0, Box::new(d), false);
        Bench {
            s,
            slot,
            plan: SlotPlan::default(),
            out: Decision::default(),
            dci,
            snr: (20.0, 25.0),
            commands: Default::default(),
            due: Vec::new(),
        }
    }

    /// One slot: decides, and the UE answers what comes due in it. Everything is received.
    fn step(&mut self) {
        self.slot = self.slot.plus(1);
        let slot = self.slot;
        self.plan.clear(slot);
        self.s.decide(slot, &mut self.plan, &mut self.out);
        for p in &self.plan.pdcch {
            match dci::decode(p.payload.as_slice(), dci::RntiKind::Cell, SearchSpaceKind::Ue, &self.dci) {
                Ok(Dci::F1_1(x)) => {
                    self.commands.0.push(x.tpc);
                    self.due.push((slot.plus(4), resolve::tpc_db(x.tpc), 0));
                }
                Ok(Dci::F0_1(x)) => {
                    self.commands.1.push(x.tpc);
                    self.due.push((slot.plus(4), 0, resolve::tpc_db(x.tpc)));
                }
                other => panic!("{other:?}"),
            }
        }
        for (_, pucch, pusch) in self.due.extract_if(.., |d| d.0 == slot) {
            self.snr.0 += pucch as f32;
            self.snr.1 += pusch as f32;
        }
        let mut outcomes = Vec::new();
        for p in &self.plan.pucch {
            self.s.uci(&uci(RNTI, slot, p.n_harq_ack, self.snr.0), &mut outcomes);
        }
        for p in &self.plan.pusch {
            if p.uci.n_harq_ack > 0 {
                self.s.uci(&uci(RNTI, slot, p.uci.n_harq_ack as u8, self.snr.1), &mut outcomes);
            }
            self.s.pusch(&pusch(p, slot, self.snr.1));
        }
    }
}

const ALL: [u8; 5] = [2, 2, 2, 2, 0];

#[test] // Spec: TS 38.213 §7.2.1, table 7.2.1-1 (closed loop of the PUCCH)
fn the_pucch_comes_to_its_target_from_above_and_below() {
    for start in [-3.0, 28.0] {
        let mut b = Bench::new(ALL, vec![]);
        b.snr.0 = start;
        for _ in 0..400 {
            b.s.set_downlink(0, 500, false);
            b.step();
        }
        assert!((b.snr.0 - TARGETS.1).abs() <= 3.5, "from {start} to {}", b.snr.0);
        let moves = b.commands.0.iter().filter(|f| **f != TPC_KEEP).count();
        assert!(moves <= 20, "{moves} commands");
    }
}

#[test] // Spec: TS 38.213 §7.2.1 (the SNR of a PUSCH says nothing of the PUCCH)
fn feedback_on_a_pusch_does_not_move_the_pucch() {
    let mut b = Bench::new(ALL, vec![]);
    (b.snr.0, b.snr.1) = (TARGETS.1, TARGETS.0);
    for _ in 0..200 {
        b.s.set_downlink(0, 500, false);
        b.s.ue_mut(0).unwrap().ul_bytes = 500;
        b.step();
    }
    assert!(b.commands.0.len() > 100 && b.commands.0.iter().all(|f| *f == TPC_KEEP));
}

#[test] // Spec: TS 38.213 §7.1.1, table 7.1.1-1 (closed loop of the PUSCH)
fn the_pusch_comes_to_its_target_from_above_and_below() {
    for start in [12.0, 40.0] {
        let mut b = Bench::new(ALL, vec![]);
        b.snr.1 = start;
        for _ in 0..400 {
            b.s.ue_mut(0).unwrap().ul_bytes = 300;
            b.step();
        }
        assert!((b.snr.1 - TARGETS.0).abs() <= 3.5, "from {start} to {}", b.snr.1);
        assert!(b.commands.1.iter().filter(|f| **f != TPC_KEEP).count() <= 20);
    }
}

#[test] // Spec: TS 38.213 §7.1.1 (no command beyond the UE's power)
fn a_pusch_without_headroom_is_not_raised() {
    let mut b = Bench::new(ALL, vec![]);
    b.snr.1 = 8.0;
    for _ in 0..100 {
        // Full power at five RBs.
        b.s.ue_mut(0).unwrap().ul_rb_limit = 5.0;
        b.s.ue_mut(0).unwrap().ul_bytes = 300;
        b.step();
    }
    assert!(b.commands.1.iter().all(|f| *f <= TPC_KEEP));
}

#[test] // Spec: TS 38.213 §10.1 (nrofCandidates)
fn a_ue_without_its_aggregation_level_gets_the_largest_there_is() {
    for (candidates, level) in [([2, 2, 2, 0, 0], 4), ([1, 2, 0, 0, 0], 2), ([3, 0, 0, 0, 0], 1)] {
        let mut b = Bench::new(candidates, vec![]);
        // Far out: level 8 is what it ought to have.
        b.s.ue_mut(0).unwrap().dl_link.snr_db = -3.0;
        b.s.set_downlink(0, 500, false);
        b.s.ue_mut(0).unwrap().ul_bytes = 500;
        let mut levels = Vec::new();
        for _ in 0..4 {
            b.step();
            levels.extend(b.plan.pdcch.iter().map(|p| p.aggregation_level));
        }
        assert!(levels.len() >= 2 && levels.iter().all(|l| *l == level), "{candidates:?}: {levels:?}");
    }
}

#[test] // Spec: TS 38.321 §5.4.5 (retxBSR-Timer): a UE with more to send says so only when it has room
fn a_full_block_without_report_brings_another_grant() {
    let mut b = Bench::new(ALL, vec![]);
    let ue = |b: &mut Bench| b.s.ue(0).cloned().unwrap();
    b.s.ue_mut(0).unwrap().ul_bytes = 300;
    let granted = |b: &mut Bench, n: usize| (0..n).map(|_| (b.step(), b.commands.1.len()).1).last().unwrap();
    assert_eq!(granted(&mut b, 10), 1);
    let slot = b.slot;
    // Nothing was reported, and nothing is under way: a small grant.
    b.s.filled(0, slot);
    assert!(ue(&mut b).ul_bytes > 0);
    assert_eq!(granted(&mut b, 10), 2);
    // While a later grant is out, its block will tell.
    b.s.ue_mut(0).unwrap().ul_bytes = 300;
    b.step();
    assert!(ue(&mut b).ul.iter().any(|p| p.state == State::Waiting) && ue(&mut b).ul_bytes == 0);
    let slot = b.slot;
    b.s.filled(0, slot);
    assert_eq!(ue(&mut b).ul_bytes, 0);
    // And what it has reported stands.
    b.s.ue_mut(0).unwrap().ul_bytes = 4000;
    b.s.filled(0, slot);
    assert_eq!(ue(&mut b).ul_bytes, 4000);
}

#[test] // Spec: TS 38.214 §5.1.3 (effective code rate), TS 38.211 §7.4.1.5 (CSI-RS)
fn elements_of_a_csi_rs_lower_the_mcs() {
    let trs = |id, l0| CsiRsResource {
        id,
        row: 1,
        k: [0; 6],
        l0,
        l1: 0,
        odd_rbs: false,
        density_x2: 6,
        start_rb: 0,
        n_rb: N_RB,
        scrambling_id: 1,
        period_slots: 20,
        offset_slots: 7,
        power_offset_ss_db: 0,
        trs: true,
    };
    let mut b = Bench::new(ALL, vec![trs(1, 4), trs(2, 8)]);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        b.s.ue_mut(0).unwrap().dl_link.snr_db = 45.0;
        b.s.set_downlink(0, 1_000_000, false);
        b.step();
        let list = if b.plan.csi_rs.is_empty() { &mut without } else { &mut with };
        for p in &b.plan.pdsch {
            let dmrs = p.dmrs.symbols.count_ones() * 6 * p.dmrs.n_cdm_groups_without_data as u32;
            let reserved: u32 = p.reserved_re.iter().map(|m| m.count_ones()).sum();
            let re = (12 * p.n_symbols as u32 - dmrs - reserved) * p.rbs.n_rb() as u32;
            list.push((p.coding.mcs, p.coding.tbs_bytes as f32 * 8.0 / (re * p.coding.q_m as u32) as f32));
        }
    }
    assert!(!with.is_empty() && !without.is_empty());
    let highest = |v: &[(u8, f32)]| v.iter().map(|x| x.0).max().unwrap();
    assert!(highest(&with) < highest(&without), "{with:?} {without:?}");
    // Above 0.95 a UE need not decode.
    assert!(with.iter().chain(&without).all(|(_, rate)| *rate <= 0.95), "{with:?} {without:?}");
}
