//! Plans without any sense and samples that are no numbers: for fuzz targets and for tests.

use crate::{GnbL1, GnbL1Options};
use dsp::Cf32;
use fapi::resolve::{MibView, cell_from_mib};
use fapi::slot::{SlotPlan, UlIndication};
use fapi::*;
use nr::{HarqId, Numerology, Pci, Rnti, SlotPoint};
use std::cell::RefCell;

const MU: Numerology = Numerology::KHZ30;
const N_RB: u16 = 24;
/// Slots of one script.
const SLOTS_MAX: usize = 8;

thread_local! {
    static GNB: RefCell<Option<GnbL1>> = RefCell::new(make());
}

fn make() -> Option<GnbL1> {
    let view = MibView::of_zeros(Pci::new(1)?);
    let (mut cell, _) = cell_from_mib(&view).ok()?;
    (cell.ul.n_rb, cell.rach.long_sequence, cell.rach.configuration_index) = (N_RB, false, 160);
    GnbL1::new(&cell, GnbL1Options { n_soft_buffers: 4, max_ldpc_iterations: 4, ..GnbL1Options::default() }).ok()
}

/// One run of a fuzzer: slots, each with what is to be sent, what may be heard, and what the antenna hears.
///
/// # Panics
/// If a PUSCH is left without its indication, a number that is handed up is none, or a block is received in silence: bugs of this
/// crate.
pub fn fuzz_one(data: &[u8]) {
    let mut d = Dice(node::Script::new(data));
    GNB.with_borrow_mut(|gnb| {
        let Some(gnb) = gnb else { return };
        let (mut plan, mut heard) = (SlotPlan::default(), UlIndication::default());
        for _ in 0..SLOTS_MAX {
            let Some(n) = d.0.op() else { return };
            let slot = SlotPoint::from_count(MU, n.into());
            plan.clear(slot);
            plan.bytes.resize(300, 0x5a);
            uplink(&mut d, &mut plan);
            downlink(&mut d, &mut plan);
            let mut samples = vec![Cf32::default(); gnb.dl_carrier().slot_len(slot)];
            let sent = gnb.transmit(&plan, &mut samples);
            assert!(sent.is_ok());
            let silent = hear(&mut d, &mut samples);
            heard.clear();
            let received = gnb.receive(slot, &samples, &plan, &mut heard);
            assert!(received.is_ok() && heard.pusch.len() == plan.pusch.len());
            // A block that is sent again may have been received before, from other samples.
            let fresh = |i: usize| plan.pusch.get(i).is_some_and(|p| p.new_data);
            assert!(!silent || !heard.pusch.iter().enumerate().any(|(i, p)| p.crc_ok && fresh(i)));
            assert!(!silent || (heard.prach.is_empty() && heard.uci.iter().all(|u| u.dtx || u.n_harq_ack == 0)));
            sane(&heard);
        }
    });
}

fn sane(heard: &UlIndication) {
    assert!(heard.uci.iter().all(|u| !u.snr_db.is_nan()), "{:?}", heard.uci);
    assert!(heard.prach.iter().all(|p| !p.snr_db.is_nan() && p.preamble < 64 && p.timing_advance <= 3846));
    assert!(heard.pusch.iter().all(|p| !p.sinr_db.is_nan() && !p.rsrp_dbm.is_nan()), "{:?}", heard.pusch);
}

/// The samples of the antenna: what is there now (the downlink, as a mirror would give it back), or the script's octets. True if they
/// are silence.
fn hear(d: &mut Dice, samples: &mut [Cf32]) -> bool {
    let (kind, octets) = (d.0.u8(), d.0.bytes());
    let value = |octet: u8| match octet {
        0xf0 => f32::NAN,
        0xf1 => f32::INFINITY,
        0xf2 => f32::NEG_INFINITY,
        0xf3 => f32::MAX,
        0xf4 => f32::MIN,
        0xf5 => 1e30,
        0xf8 => f32::from_bits(1),
        n => f32::from(n as i8) / 32.0,
    };
    let mut octets = octets.iter().chain(&[0]).cycle();
    if kind & 3 != 3 {
        let mut next = || value(octets.next().copied().unwrap_or(0));
        samples.iter_mut().for_each(|s| *s = Cf32::new(next(), next()));
    }
    samples.iter().all(|s| s.re == 0.0 && s.im == 0.0)
}

struct Dice<'a>(node::Script<'a>);

impl Dice<'_> {
    /// Mostly small, at times anything.
    fn byte(&mut self, usual: u8) -> u8 {
        match self.0.u8() {
            n @ 0..0xf0 => n % usual,
            _ => self.0.u8(),
        }
    }
    fn word(&mut self, usual: u16) -> u16 {
        match self.0.u16() {
            n @ 0..0xf000 => n % usual,
            _ => self.0.u16(),
        }
    }
    fn real(&mut self) -> f32 {
        match self.0.u8() {
            0xf0 => f32::NAN,
            0xf1 => f32::INFINITY,
            0xf2 => f32::NEG_INFINITY,
            0xf3 => 1e30,
            n => f32::from(n as i8),
        }
    }
    fn rbs(&mut self) -> RbAllocation {
        if self.0.u8() < 64 {
            let mut mask = [0; 5];
            mask[0] = u64::from(self.0.u32() & 0xff_ffff);
            mask[4] = u64::from(self.0.u8() == 1);
            RbAllocation::Bitmap(mask)
        } else {
            RbAllocation::Contiguous { start: self.word(N_RB), n_rb: self.word(N_RB + 1) }
        }
    }
    fn dmrs(&mut self) -> DmrsPdu {
        let symbols = [4, 0x804, 8, 12, self.0.u16()];
        let ports = [1, 1, 3, 2, self.0.u16()];
        DmrsPdu {
            symbols: self.0.pick(&symbols),
            config_type: 1 + self.byte(2) % 3,
            n_id: self.word(1024),
            n_scid: self.byte(2),
            ports: self.0.pick(&ports),
            n_cdm_groups_without_data: 1 + self.byte(2) % 4,
            reference_rb: -i32::from(self.0.u8()),
        }
    }
    fn coding(&mut self) -> Coding {
        let q_m = [2, 4, 6, 8, 1, self.byte(9)];
        let rates = [120.0, 308.0, 700.0, 948.0, self.real()];
        let sizes = [10, 100, u32::from(self.0.u16()), self.0.u32()];
        Coding {
            q_m: self.0.pick(&q_m),
            rate_x1024: self.0.pick(&rates),
            mcs: self.byte(28),
            mcs_table: McsTable::Qam64,
            rv: self.byte(4),
            tbs_bytes: self.0.pick(&sizes),
            tbs_lbrm: self.0.u32() >> 12,
        }
    }
    /// What few PDUs have.
    fn rare(&mut self) -> bool {
        self.0.u8() > 0xe0
    }
    fn ptrs(&mut self) -> PtrsPdu {
        PtrsPdu {
            time_density: self.byte(5),
            frequency_density: self.byte(5),
            re_offset: self.byte(4),
            dmrs_ports: self.word(4),
            power_offset_db: self.real(),
        }
    }
    fn transform_precoding(&mut self) -> TransformPrecoding {
        let ptrs = PtrsGroups {
            n_groups: self.byte(9),
            n_samples: self.byte(5),
            time_density: self.byte(3),
            n_id: self.word(1024),
            beta: self.real(),
        };
        TransformPrecoding {
            n_id_rs: self.word(1008),
            hopping: self.byte(3),
            low_papr_type2: self.rare(),
            ptrs: self.rare().then_some(ptrs),
        }
    }
    fn long(&mut self) -> PucchLong {
        PucchLong {
            additional_dmrs: self.0.bit(),
            pi2_bpsk: self.0.bit(),
            dmrs_type2: self.0.bit(),
            n_csi2: self.word(20),
            max_code_rate_milli: self.word(1000),
        }
    }
    fn cbg(&mut self) -> CodeBlockGroups {
        CodeBlockGroups { n_max: self.byte(9), transmitted: self.0.u8(), flush: self.0.bit() }
    }
    fn harq(&mut self) -> Option<HarqId> {
        HarqId::new(self.0.u8() & 15)
    }
    fn mapping(&mut self) -> MappingType {
        if self.0.bit() { MappingType::B } else { MappingType::A }
    }
}

fn uplink(d: &mut Dice, plan: &mut SlotPlan) {
    for _ in 0..d.0.below(4) {
        let Some(harq) = d.harq() else { return };
        let (rnti, new_data, rbs, mapping) = (Rnti(d.0.u16()), d.0.bit(), d.rbs(), d.mapping());
        let uci = UciOnPusch {
            n_harq_ack: d.word(12),
            n_csi1: d.word(12),
            beta_harq_ack: d.real(),
            csi2: Csi2Sizes { first_bit: d.byte(12), n_bits: d.byte(4), sizes: [d.word(20); 8] },
            beta_csi1: d.real(),
            beta_csi2: d.real(),
            scaling: d.real(),
        };
        let ul_precoding = UlPrecoding::Codebook { n_ports: d.byte(5), tpmi: d.byte(28) };
        plan.pusch.push(PuschPdu {
            rnti,
            harq,
            new_data,
            rbs,
            start_symbol: d.byte(3),
            n_symbols: d.byte(15),
            mapping,
            dmrs: d.dmrs(),
            n_id: d.word(1024),
            n_layers: d.byte(1).saturating_add(1),
            second_hop_rb: d.rare().then(|| d.word(N_RB)),
            precoding: if d.rare() { ul_precoding } else { UlPrecoding::Identity },
            transform_precoding: d.rare().then(|| d.transform_precoding()),
            ptrs: d.rare().then(|| d.ptrs()),
            cbg: d.rare().then(|| d.cbg()),
            coding: d.coding(),
            uci: if d.0.bit() { uci } else { UciOnPusch::default() },
            tb: Span::default(),
        });
    }
    for _ in 0..d.0.below(4) {
        let format = match d.0.below(5) {
            0 => PucchFormat::F0 { initial_cyclic_shift: d.byte(12) },
            1 => PucchFormat::F1 { initial_cyclic_shift: d.byte(12), time_domain_occ: d.byte(7) },
            2 => PucchFormat::F2 { n_prb: d.byte(17) },
            3 => PucchFormat::F3 { n_prb: d.byte(17) },
            _ => PucchFormat::F4 { occ_length: d.byte(5), occ_index: d.byte(4) },
        };
        let second_hop_prb = d.0.bit().then(|| d.word(N_RB));
        let (start_prb, start_symbol, n_symbols) = (d.word(N_RB), d.byte(14), d.byte(15));
        plan.pucch.push(PucchPdu {
            rnti: Rnti(d.0.u16()),
            resource: PucchResource { id: 0, start_prb, second_hop_prb, start_symbol, n_symbols, format },
            n_harq_ack: d.byte(5),
            n_sr: d.byte(2),
            n_csi1: d.byte(5),
            hopping_id: d.word(1024),
            group_hopping: d.byte(3),
            n_id: d.word(1024),
            dmrs_n_id: d.word(1024),
            long: if d.rare() { d.long() } else { PucchLong::default() },
        });
    }
    if d.rare() {
        let resource = SrsResource {
            id: 0,
            n_ports: d.byte(5),
            comb: d.byte(9),
            comb_offset: d.byte(8),
            cyclic_shift: d.byte(12),
            start_symbol: d.byte(14),
            n_symbols: d.byte(5),
            repetition: d.byte(5),
            freq_position: d.byte(68),
            freq_shift: d.word(269),
            c_srs: d.byte(64),
            b_srs: d.byte(4),
            b_hop: d.byte(4),
            hopping: SrsHopping::Group,
            sequence_id: d.word(1024),
            period: None,
            freq_scaling: d.byte(5),
            start_rb_index: d.byte(4),
            start_rb_hopping: d.0.bit(),
            positioning: d.rare(),
        };
        let pdu = SrsPdu { rnti: Rnti(d.0.u16()), resource, reference_rb: i32::from(d.0.u8() as i8) };
        plan.srs.push(SrsSounding { pdu, max_rank: d.byte(5), subset: Default::default() });
    }
    for _ in 0..d.0.below(3) {
        let (t_id, s_id) = (d.byte(80), d.byte(14));
        plan.prach.push(PrachOccasion { start_symbol: d.byte(14), t_id, s_id, f_id: d.byte(2) });
    }
}

fn downlink(d: &mut Dice, plan: &mut SlotPlan) {
    for _ in 0..d.0.below(3) {
        let Some(harq) = d.harq() else { return };
        let reserved = ReservedRbs { start_rb: d.word(N_RB), n_rb: d.word(N_RB), symbols: d.0.u16() };
        let mut reserved_re = [0; 14];
        reserved_re[d.0.below(14)] = d.0.u16();
        let matrices = Span { start: d.0.u8().into(), len: d.0.u8().into() };
        let dl_precoding = DlPrecoding::Matrices { prg_size: d.byte(5), matrices };
        plan.pdsch.push(PdschPdu {
            rnti: Rnti(d.0.u16()),
            harq,
            new_data: true,
            rbs: d.rbs(),
            vrb_interleaver: d.0.bit().then(|| (d.word(N_RB), d.word(N_RB), d.byte(5))),
            start_symbol: d.byte(4),
            n_symbols: d.byte(15),
            mapping: d.mapping(),
            dmrs: d.dmrs(),
            n_id: d.word(1024),
            n_layers: d.byte(1).saturating_add(1),
            coding: d.coding(),
            reserved: [d.0.bit().then_some(reserved), None],
            reserved_re,
            power_offset_db: d.real(),
            precoding: if d.rare() { dl_precoding } else { DlPrecoding::Identity },
            ptrs: d.rare().then(|| d.ptrs()),
            cbg: d.rare().then(|| d.cbg()),
            tb: Span { start: d.0.u8().into(), len: d.word(400).into() },
        });
    }
    for _ in 0..d.0.below(3) {
        let interleaved = CceRegMapping::Interleaved {
            reg_bundle_size: d.byte(7),
            interleaver_size: d.byte(7),
            shift_index: d.word(300),
        };
        let groups = [0xff, 0xf, u64::from(d.0.u32()) << 16, 0];
        let coreset = CoresetConfig {
            id: d.byte(12),
            rb_groups: d.0.pick(&groups),
            start_rb: d.word(10),
            duration: d.byte(4),
            mapping: if d.0.bit() { interleaved } else { CceRegMapping::NonInterleaved },
            wideband_precoder: d.0.bit(),
            dmrs_n_id: d.word(1024),
            dmrs_reference_rb: i32::from(d.0.u8() as i8),
        };
        let bits = vec![1; usize::from(d.byte(60).min(140))];
        let Some(payload) = DciBits::new(&bits) else { return };
        let levels = [1, 2, 4, 8, 16, d.byte(20)];
        plan.pdcch.push(PdcchPdu {
            coreset,
            start_symbol: d.byte(12),
            cce: d.word(16),
            aggregation_level: d.0.pick(&levels),
            rnti: Rnti(d.0.u16()),
            scrambling_rnti: d.0.u16(),
            scrambling_n_id: d.word(1024),
            power_offset_db: d.real(),
            payload,
        });
    }
    for _ in 0..d.0.below(2) {
        let Some(pci) = Pci::new(d.word(1008)) else { return };
        plan.ssb.push(SsbPdu {
            pci,
            ssb_index: d.byte(8),
            l_max: d.byte(64),
            start_symbol: d.byte(12),
            start_subcarrier: d.word(60).into(),
            mib: d.0.u32(),
            k_ssb: d.byte(32),
            half_frame: d.0.bit(),
        });
        plan.csi_rs.push(CsiRsResource {
            id: d.byte(9),
            row: d.byte(20),
            k: [0; 6].map(|_| d.byte(12)),
            l0: d.byte(14),
            l1: d.byte(14),
            odd_rbs: d.0.bit(),
            density_x2: d.byte(7),
            start_rb: d.word(N_RB),
            n_rb: d.word(40),
            scrambling_id: d.word(1024),
            period_slots: d.word(40),
            offset_slots: d.word(40),
            power_offset_ss_db: d.byte(7) as i8,
            trs: d.0.bit(),
        });
    }
}
