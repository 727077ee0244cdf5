//! Plans at random, most of them without any sense: nothing panics, nothing is received from noise.

mod common;

use common::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::slot::{SlotPlan, UlIndication};
use fapi::*;
use gnb_l1::{GnbL1, GnbL1Options};
use nr::{HarqId, Pci, Rnti, SlotPoint};

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
    /// Mostly small, at times anything.
    fn byte(&mut self, usual: u64) -> u8 {
        if self.below(12) == 0 { self.below(256) as u8 } else { self.below(usual) as u8 }
    }
    fn word(&mut self, usual: u64) -> u16 {
        if self.below(12) == 0 { self.below(65536) as u16 } else { self.below(usual) as u16 }
    }
    fn real(&mut self) -> f32 {
        [0.0, 1.0, 5.0, 20.0, -1.0, f32::NAN, f32::INFINITY, 1e30]
            [if self.below(6) == 0 { self.below(8) } else { 2 } as usize]
    }
    fn rbs(&mut self) -> RbAllocation {
        if self.below(3) == 0 {
            RbAllocation::Bitmap([self.below(1 << 40), 0, 0, 0, self.below(50) / 49])
        } else {
            RbAllocation::Contiguous { start: self.word(40), n_rb: self.word(20) }
        }
    }
    fn dmrs(&mut self) -> DmrsPdu {
        DmrsPdu {
            symbols: [4, 0x804, 8, self.word(65536), 0][self.byte(4).min(4) as usize],
            config_type: 1 + self.byte(2) % 3,
            n_id: self.word(1024),
            n_scid: self.byte(2),
            ports: [1, 1, 1, 3, self.word(65536)][self.byte(4).min(4) as usize],
            n_cdm_groups_without_data: 1 + self.byte(2) % 4,
            reference_rb: if self.below(10) == 0 { self.below(1 << 31) as i32 } else { -(self.below(20) as i32) },
        }
    }
    fn coding(&mut self) -> Coding {
        Coding {
            q_m: [2, 4, 6, 8, 1, self.byte(9)][self.below(6) as usize],
            rate_x1024: [120.0, 308.0, 700.0, 948.0, self.real()][self.below(5) as usize],
            mcs: self.byte(28),
            mcs_table: McsTable::Qam64,
            rv: self.byte(4),
            tbs_bytes: if self.below(12) == 0 { self.below(1 << 32) as u32 } else { self.below(400) as u32 },
            tbs_lbrm: if self.below(2) == 0 { 0 } else { self.below(1 << 20) as u32 },
        }
    }
    fn harq(&mut self) -> HarqId {
        HarqId::new(self.below(16) as u8).unwrap()
    }
    fn mapping(&mut self) -> MappingType {
        if self.below(2) == 0 { MappingType::A } else { MappingType::B }
    }
    fn ptrs(&mut self) -> Option<PtrsPdu> {
        (self.below(30) == 0).then(|| PtrsPdu {
            time_density: self.byte(5),
            frequency_density: self.byte(5),
            re_offset: self.byte(4),
            dmrs_ports: self.word(16),
            power_offset_db: self.real(),
        })
    }
    fn cbg(&mut self) -> Option<CodeBlockGroups> {
        (self.below(30) == 0).then(|| CodeBlockGroups {
            n_max: self.byte(9),
            transmitted: self.byte(255),
            flush: self.below(2) == 0,
        })
    }
    fn span(&mut self) -> Span {
        Span { start: self.below(100) as u32, len: self.word(400) as u32 }
    }
}

fn uplink(d: &mut Dice, plan: &mut SlotPlan) {
    for _ in 0..d.below(4) {
        let mut p = pusch(d.word(65536), 0, 1, 2, 10, 100.0);
        (p.harq, p.new_data, p.rbs) = (d.harq(), d.below(2) == 0, d.rbs());
        (p.start_symbol, p.n_symbols, p.mapping) = (d.byte(3), d.byte(15), d.mapping());
        (p.dmrs, p.n_id, p.n_layers, p.coding) = (d.dmrs(), d.word(1024), d.byte(1).saturating_add(1), d.coding());
        if d.below(20) == 0 {
            let (n_id_rs, hopping) = (d.word(1024), d.byte(3));
            p.transform_precoding = Some(TransformPrecoding { n_id_rs, hopping, low_papr_type2: false, ptrs: None });
        }
        p.second_hop_rb = (d.below(9) == 0).then(|| d.word(51));
        if d.below(9) == 0 {
            p.precoding = UlPrecoding::Codebook { n_ports: d.byte(5), tpmi: d.byte(28) };
        }
        p.ptrs = d.ptrs();
        p.cbg = d.cbg();
        if d.below(2) == 0 {
            p.uci = UciOnPusch {
                n_harq_ack: d.word(12),
                n_csi1: d.word(12),
                beta_harq_ack: d.real(),
                csi2: Csi2Sizes {
                    first_bit: d.byte(4),
                    n_bits: d.byte(4),
                    sizes: core::array::from_fn(|_| d.word(20)),
                },
                beta_csi1: d.real(),
                beta_csi2: d.real(),
                scaling: d.real(),
            };
        }
        plan.pusch.push(p);
    }
    for _ in 0..d.below(4) {
        let format = match d.below(5) {
            0 => PucchFormat::F0 { initial_cyclic_shift: d.byte(12) },
            1 => PucchFormat::F1 { initial_cyclic_shift: d.byte(12), time_domain_occ: d.byte(7) },
            2 => PucchFormat::F2 { n_prb: d.byte(17) },
            3 => PucchFormat::F3 { n_prb: d.byte(17) },
            _ => PucchFormat::F4 { occ_length: d.byte(5), occ_index: d.byte(4) },
        };
        let mut p = pucch(d.word(65536), format, d.word(51), d.byte(14), d.byte(15));
        p.resource.second_hop_prb = (d.below(2) == 0).then_some(d.word(51));
        (p.n_harq_ack, p.n_sr, p.n_csi1) = (d.byte(5), d.byte(2), d.byte(5));
        (p.hopping_id, p.group_hopping, p.n_id, p.dmrs_n_id) = (d.word(1024), d.byte(3), d.word(1024), d.word(1024));
        plan.pucch.push(p);
    }
    for _ in 0..d.below(2) {
        let usual = d.below(2) == 0;
        let resource = SrsResource {
            id: 0,
            n_ports: if usual { 1 << d.below(3) } else { d.byte(5) },
            comb: if usual { 2 << d.below(2) } else { d.byte(9) },
            comb_offset: d.byte(2),
            cyclic_shift: d.byte(8),
            start_symbol: d.byte(13),
            n_symbols: d.byte(2).saturating_add(1),
            repetition: d.byte(1).saturating_add(1),
            freq_position: d.byte(68),
            freq_shift: d.word(8),
            c_srs: d.byte(14),
            b_srs: d.byte(4),
            b_hop: d.byte(4),
            hopping: SrsHopping::Sequence,
            sequence_id: d.word(1024),
            period: None,
            freq_scaling: if usual { 1 } else { d.byte(5) },
            start_rb_index: d.byte(1),
            start_rb_hopping: d.below(9) == 0,
            positioning: d.below(9) == 0,
        };
        let pdu = SrsPdu { rnti: Rnti(d.word(65536)), resource, reference_rb: 0 };
        plan.srs.push(SrsSounding { pdu, max_rank: d.byte(5), subset: Default::default() });
    }
    for _ in 0..d.below(3) {
        let (t_id, s_id) = (d.byte(80), d.byte(14));
        plan.prach.push(PrachOccasion { start_symbol: d.byte(14), t_id, s_id, f_id: d.byte(2) });
    }
}

fn downlink(d: &mut Dice, plan: &mut SlotPlan) {
    for _ in 0..d.below(3) {
        plan.pdsch.push(PdschPdu {
            rnti: Rnti(d.word(65536)),
            harq: d.harq(),
            new_data: true,
            rbs: d.rbs(),
            vrb_interleaver: (d.below(4) == 0).then_some((d.word(40), d.word(60), d.byte(5))),
            start_symbol: d.byte(4),
            n_symbols: d.byte(15),
            mapping: d.mapping(),
            dmrs: d.dmrs(),
            n_id: d.word(1024),
            n_layers: d.byte(1).saturating_add(1),
            coding: d.coding(),
            reserved: [
                (d.below(3) == 0).then_some(ReservedRbs {
                    start_rb: d.word(40),
                    n_rb: d.word(20),
                    symbols: d.word(65536),
                }),
                None,
            ],
            reserved_re: core::array::from_fn(|_| if d.below(9) == 0 { d.word(65536) } else { 0 }),
            power_offset_db: d.real(),
            precoding: if d.below(50) == 0 {
                DlPrecoding::Matrices { prg_size: d.byte(5), matrices: d.span() }
            } else {
                DlPrecoding::Identity
            },
            ptrs: d.ptrs(),
            cbg: d.cbg(),
            tb: d.span(),
        });
    }
    for _ in 0..d.below(3) {
        let mapping = if d.below(2) == 0 {
            CceRegMapping::NonInterleaved
        } else {
            CceRegMapping::Interleaved {
                reg_bundle_size: d.byte(7),
                interleaver_size: d.byte(7),
                shift_index: d.word(300),
            }
        };
        let coreset = CoresetConfig {
            id: d.byte(12),
            rb_groups: [0xff, 0xf, d.below(1 << 50), 0][d.below(4) as usize],
            start_rb: d.word(10),
            duration: d.byte(4),
            mapping,
            wideband_precoder: d.below(2) == 0,
            dmrs_n_id: d.word(1024),
            dmrs_reference_rb: d.below(100) as i32 - 50,
        };
        let bits = vec![1; d.byte(60).min(140) as usize];
        plan.pdcch.push(PdcchPdu {
            coreset,
            start_symbol: d.byte(12),
            cce: d.word(16),
            aggregation_level: [1, 2, 4, 8, 16, d.byte(20)][d.below(6) as usize],
            rnti: Rnti(d.word(65536)),
            scrambling_rnti: d.word(65536),
            scrambling_n_id: d.word(1024),
            power_offset_db: d.real(),
            payload: DciBits::new(&bits).unwrap(),
        });
    }
    for _ in 0..d.below(2) {
        plan.ssb.push(SsbPdu {
            pci: Pci::new(d.below(1008) as u16).unwrap(),
            ssb_index: d.byte(8),
            l_max: [4, 8, 64, d.byte(255)][d.below(4) as usize],
            start_symbol: d.byte(12),
            start_subcarrier: d.word(380) as u32,
            mib: d.below(1 << 32) as u32,
            k_ssb: d.byte(32),
            half_frame: d.below(2) == 0,
        });
        plan.csi_rs.push(CsiRsResource {
            id: d.byte(9),
            row: d.byte(4),
            k: [d.byte(12), 0, 0, 0, 0, 0],
            l0: d.byte(14),
            l1: 0,
            odd_rbs: false,
            density_x2: [1, 2, 6, d.byte(9)][d.below(4) as usize],
            start_rb: d.word(20),
            n_rb: d.word(40),
            scrambling_id: d.word(1024),
            period_slots: d.word(40),
            offset_slots: d.word(40),
            power_offset_ss_db: d.byte(7) as i8,
            trs: d.below(2) == 0,
        });
    }
}

#[test] // Spec: TS 38.211 §6, §7
fn plans_at_random_never_panic_and_noise_carries_no_block() {
    let cell = cell(K30, 51, TDD, 160, false);
    let mut gnb = GnbL1::new(&cell, GnbL1Options { n_soft_buffers: 4, ..GnbL1Options::default() }).unwrap();
    let mut noise = Gaussian::new(6, Isa::best());
    let mut plan = SlotPlan::default();
    let mut out = UlIndication::default();
    let mut d = Dice(20);
    let (mut n_sent, mut n_refused, mut n_received, mut n_sounded) = (0, 0, 0, 0);
    for round in 0..2500 {
        let slot = SlotPoint::from_count(K30, round);
        plan.clear(slot);
        plan.bytes.resize(300, 0x5a);
        uplink(&mut d, &mut plan);
        downlink(&mut d, &mut plan);
        let mut samples = vec![Cf32::default(); gnb.ul_carrier().slot_len(slot)];
        let counts = gnb.transmit(&plan, &mut samples).unwrap();
        n_sent += counts.n_sent as u32;
        n_refused += counts.n_refused as u32;
        match round % 50 {
            7 => samples.fill(Cf32::new(f32::NAN, 0.0)),
            8 => samples.fill(Cf32::new(f32::INFINITY, 0.0)),
            9 => samples.fill(Cf32::new(3e38, 3e38)),
            _ => noise.fill(&mut samples, 1.0),
        }
        out.clear();
        let counts = gnb.receive(slot, &samples, &plan, &mut out).unwrap();
        n_received += (counts.n_pusch + counts.n_pucch) as u32;
        n_refused += counts.n_refused as u32;
        assert_eq!(out.pusch.len(), plan.pusch.len());
        let passed = out.pusch.iter().position(|p| p.crc_ok);
        assert!(passed.is_none(), "{round}: {:?}", passed.map(|i| (plan.pusch[i], out.pusch[i])));
        n_sounded += out.srs.len();
    }
    assert!(n_sounded > 100, "{n_sounded}");
    assert!(n_sent > 200 && n_refused > 200 && n_received > 200, "{n_sent} {n_refused} {n_received}");
}
