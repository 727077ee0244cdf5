//! What a UE's kernels send, the base station's physical layer hears.

mod common;

use common::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::slot::{SlotPlan, UlIndication};
use fapi::*;
use gnb_l1::{GnbL1, GnbL1Options, L1Error};
use nr::{Numerology, SlotPoint};

#[test] // Spec: TS 38.211 §6.3.1, §6.3.2, TS 38.212 §6.2.7
fn pusch_with_uci_and_pucch_in_one_slot() {
    let cell = cell(K30, 51, TDD, 160, false);
    let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
    let mut ue = Ue::new(&cell);
    let mut noise = Gaussian::new(1, Isa::best());
    let slot = SlotPoint::new(K30, 2, 4);
    let mut plan = SlotPlan::default();
    plan.clear(slot);
    let mut with_uci = pusch(0x4601, 4, 20, 4, 700, 490.0);
    with_uci.uci.n_harq_ack = 2;
    with_uci.uci.n_csi1 = 4;
    plan.pusch.push(with_uci);
    plan.pusch.push(pusch(0x4602, 30, 10, 2, 150, 400.0));
    let silent = pusch(0x4603, 42, 8, 2, 100, 300.0);
    plan.pusch.push(silent);
    plan.pucch.push(PucchPdu { n_harq_ack: 1, ..pucch(0x4604, PucchFormat::F0 { initial_cyclic_shift: 0 }, 0, 12, 2) });
    let f1 = PucchFormat::F1 { initial_cyclic_shift: 3, time_domain_occ: 1 };
    plan.pucch.push(PucchPdu { n_sr: 1, ..pucch(0x4605, f1, 1, 0, 14) });
    plan.pucch.push(PucchPdu { n_harq_ack: 3, n_csi1: 4, ..pucch(0x4606, PucchFormat::F2 { n_prb: 2 }, 2, 12, 2) });

    ue.grid.clear();
    let blocks = [block(700), block(150)];
    ue.pusch.transmit(&plan.pusch[0], &blocks[0], &[1, 0], &[1, 0, 1, 1], slot, &mut ue.grid).unwrap();
    ue.pusch.transmit(&plan.pusch[1], &blocks[1], &[], &[], slot, &mut ue.grid).unwrap();
    ue.pucch.transmit(&plan.pucch[0], &[1], false, &[], slot, &mut ue.grid).unwrap();
    ue.pucch.transmit(&plan.pucch[1], &[], true, &[], slot, &mut ue.grid).unwrap();
    ue.pucch.transmit(&plan.pucch[2], &[1, 0, 1], false, &[0, 1, 1, 1], slot, &mut ue.grid).unwrap();
    let samples = ue.samples(slot, 1e-9, 1e-11, &mut noise);

    let mut out = UlIndication::default();
    let counts = gnb.receive(slot, &samples, &plan, &mut out).unwrap();
    assert_eq!((counts.n_symbols, counts.n_pucch, counts.n_pusch, counts.n_refused), (14, 3, 3, 0));
    for (i, block) in blocks.iter().enumerate() {
        let p = &out.pusch[i];
        assert!(p.crc_ok && !p.dtx && p.tb.of(&out.bytes) == block, "{p:?}");
        assert!((p.rsrp_dbm + 90.0).abs() < 0.7 && (p.sinr_db - 20.0).abs() < 1.5, "{p:?}");
        assert!(p.timing_error_tc.abs() < 100, "{p:?}");
    }
    assert!(out.pusch[2].dtx && !out.pusch[2].crc_ok);
    let [f0, f1, f2, on_pusch] = &out.uci[..] else { panic!("{:?}", out.uci) };
    assert!(!f0.dtx && f0.harq_ack[0] == 1 && f0.n_harq_ack == 1);
    assert!(!f1.dtx && f1.sr && f1.n_harq_ack == 0);
    assert!(!f2.dtx && f2.harq_ack[..3] == [1, 0, 1] && f2.csi1 == 0b0111 && f2.n_csi1 == 4);
    assert!(!on_pusch.dtx && on_pusch.harq_ack[..2] == [1, 0] && on_pusch.csi1 == 0b1011 && on_pusch.n_csi1 == 4);
}

#[test] // Spec: TS 38.321 §5.4.2, TS 38.212 §5.4.2.1
fn a_retransmission_combines_with_what_was_kept() {
    let cell = cell(K30, 51, TDD, 160, false);
    let mut gnb = GnbL1::new(&cell, GnbL1Options { n_soft_buffers: 2, ..GnbL1Options::default() }).unwrap();
    let mut ue = Ue::new(&cell);
    let mut noise = Gaussian::new(2, Isa::best());
    let mut p = pusch(0x4601, 0, 30, 4, 1057, 490.0);
    let tb = block(1057);
    let mut received = vec![];
    for (i, rv) in [0, 2, 3, 1].into_iter().enumerate() {
        let slot = SlotPoint::new(K30, 2, 4 + 5 * i as u32);
        p.coding.rv = rv;
        p.new_data = i == 0;
        ue.grid.clear();
        ue.pusch.transmit(&p, &tb, &[], &[], slot, &mut ue.grid).unwrap();
        let samples = ue.samples(slot, 1.0, 0.3, &mut noise);
        let mut plan = SlotPlan::default();
        plan.clear(slot);
        plan.pusch.push(p);
        let mut out = UlIndication::default();
        gnb.receive(slot, &samples, &plan, &mut out).unwrap();
        received.push(out.pusch[0].crc_ok);
        if out.pusch[0].crc_ok {
            assert_eq!(out.pusch[0].tb.of(&out.bytes), tb);
            break;
        }
    }
    assert!(!received[0] && received.len() <= 3 && *received.last().unwrap(), "{received:?}");
}

#[test] // Spec: TS 38.211 §6.3.3, §5.3.2
fn short_and_long_preambles_are_heard_wherever_they_lie() {
    let shapes = [(K30, 51, TDD, 160, false), (K30, 51, TDD, 7, true), (Numerology::KHZ15, 52, Duplex::Fdd, 53, true)];
    for (mu, n_rb, duplex, index, long) in shapes {
        let cell = cell(mu, n_rb, duplex, index, long);
        let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
        let mut ue = Ue::new(&cell);
        let mut noise = Gaussian::new(3, Isa::best());
        let carrier = *gnb.ul_carrier();
        // A run of slots with noise; the preamble is added where its occasion starts.
        let first = SlotPoint::new(mu, 1, 0);
        let slots: Vec<SlotPoint> = (0..2 * mu.slots_per_frame() as i64).map(|i| first.plus(i)).collect();
        let starts: Vec<usize> = slots
            .iter()
            .scan(0, |at, s| {
                let start = *at;
                *at += carrier.slot_len(*s);
                Some(start)
            })
            .collect();
        let mut stream = vec![Cf32::default(); starts.last().unwrap() + 8 * carrier.subframe_len()];
        noise.fill(&mut stream, 1.0);
        let mut plans = vec![];
        let mut sent = None;
        for (slot, start) in slots.iter().zip(&starts) {
            let mut plan = SlotPlan::default();
            plan.clear(*slot);
            for t in ue.prach.geometry().configuration().occasions(*slot) {
                plan.prach.push(PrachOccasion { start_symbol: t.start_symbol, t_id: t.t_id, s_id: t.s_id, f_id: 0 });
            }
            if let (None, Some(occasion)) = (sent, plan.prach.last()) {
                let mut signal = vec![];
                ue.prach.generate(42, *slot, occasion, &mut signal).unwrap();
                let delay = 23;
                let at = start + ue.prach.geometry().start_sample(*slot, occasion) + delay;
                dsp::vector::add_scaled(Isa::best(), &mut stream[at..at + signal.len()], &signal, Cf32::new(0.3, 0.0));
                sent = Some((*slot, *occasion, delay as f64 / carrier.sample_rate_hz() as f64));
            }
            plans.push(plan);
        }
        let (slot, occasion, delay_s) = sent.unwrap();
        let mut out = UlIndication::default();
        for (plan, start) in plans.iter().zip(&starts) {
            let samples = &stream[*start..start + carrier.slot_len(plan.slot)];
            assert_eq!(gnb.receive(plan.slot, samples, plan, &mut out).unwrap().n_refused, 0);
        }
        assert_eq!(out.prach.len(), 1, "{index}: {:?}", out.prach);
        let d = out.prach[0];
        assert_eq!((d.preamble, d.slot, d.occasion), (42, slot, occasion));
        let expected = delay_s / phy::prach::timing_advance_step_s(mu);
        assert!((d.timing_advance as f64 - expected).abs() <= 1.0, "{d:?} {expected}");
    }
}

#[test] // Spec: TS 38.211 §7.4.3, §5.3.1 (power: ss-PBCH-BlockPower a resource element)
fn a_slot_has_the_power_that_its_elements_say() {
    let cell = cell(K30, 51, TDD, 160, false);
    let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
    let slot = SlotPoint::new(K30, 2, 0);
    let mut plan = SlotPlan::default();
    plan.clear(slot);
    let tb = Span::append(&mut plan.bytes, &block(700));
    plan.pdsch.push(PdschPdu {
        rnti: nr::Rnti(17),
        harq: nr::HarqId::new(0).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 0, n_rb: 51 },
        vrb_interleaver: None,
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: dmrs(1 << 2),
        n_id: 1,
        n_layers: 1,
        coding: Coding {
            q_m: 2,
            rate_x1024: 400.0,
            mcs: 5,
            mcs_table: McsTable::Qam64,
            rv: 0,
            tbs_bytes: 700,
            tbs_lbrm: 0,
        },
        reserved: [None; 2],
        reserved_re: [0; 14],
        power_offset_db: 3.0,
        precoding: Default::default(),
        ptrs: None,
        cbg: None,
        tb,
    });
    let mut samples = vec![Cf32::default(); gnb.dl_carrier().slot_len(slot)];
    let counts = gnb.transmit(&plan, &mut samples).unwrap();
    assert_eq!((counts.n_sent, counts.n_refused), (1, 0));
    // 612 elements of -10 dBm + 3 dB.
    let expected = 612.0 * 10f64.powf(-0.7);
    let power = dsp::vector::power(Isa::best(), &samples);
    assert!((power / expected - 1.0).abs() < 0.05, "{power} {expected}");
}

#[test] // Spec: TS 38.211 §5.3.1
fn slots_of_the_wrong_length_or_numerology_are_errors() {
    let cell = cell(K30, 51, TDD, 160, false);
    let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
    let plan = SlotPlan { slot: SlotPoint::new(K30, 0, 0), ..SlotPlan::default() };
    let mut out = UlIndication::default();
    assert!(matches!(gnb.receive(plan.slot, &[], &plan, &mut out), Err(L1Error::SlotLength { .. })));
    assert!(matches!(gnb.transmit(&plan, &mut []), Err(L1Error::SlotLength { .. })));
    let other = SlotPlan::default();
    assert_eq!(gnb.transmit(&other, &mut []), Err(L1Error::Numerology));
    assert_eq!(gnb.receive(other.slot, &[], &other, &mut out), Err(L1Error::Numerology));
}

#[test] // Spec: TS 38.212 §5.3.2 (small blocks of many UEs are decoded side by side: the bits, the verdicts and the iterations of each alone)
fn small_blocks_of_many_ues_are_decoded_side_by_side() {
    let cell = cell(K30, 51, TDD, 160, false);
    let slot = SlotPoint::new(K30, 2, 4);
    let mut ue = Ue::new(&cell);
    let mut plan = SlotPlan::default();
    plan.clear(slot);
    let sizes = [40, 40, 22, 40, 150, 40, 22, 40, 40];
    let mut start = 0;
    for (i, n) in sizes.into_iter().enumerate() {
        let n_rb = if n == 150 { 10 } else { 4 };
        plan.pusch.push(pusch(0x4601 + i as u16, start, n_rb, 2, n, 300.0));
        start += n_rb;
    }
    ue.grid.clear();
    for (pdu, n) in plan.pusch.iter().zip(sizes) {
        ue.pusch.transmit(pdu, &block(n as usize), &[], &[], slot, &mut ue.grid).unwrap();
    }
    let hear = |plan: &SlotPlan, samples: &[Cf32]| {
        let mut out = UlIndication::default();
        GnbL1::new(&cell, GnbL1Options::default()).unwrap().receive(slot, samples, plan, &mut out).unwrap();
        let verdict = |p: &fapi::slot::PuschIndication| (p.crc_ok, p.ldpc_iterations, p.tb.of(&out.bytes).to_vec());
        out.pusch.iter().map(verdict).collect::<Vec<_>>()
    };
    for (noise_mw, some_fail) in [(0.01, false), (1.6, true)] {
        let samples = ue.samples(slot, 1.0, noise_mw, &mut Gaussian::new(3, Isa::best()));
        let together = hear(&plan, &samples);
        for (i, found) in together.iter().enumerate() {
            let mut one = plan.clone();
            one.pusch = vec![plan.pusch[i]];
            assert_eq!(hear(&one, &samples)[0], *found, "PUSCH {i}");
            assert!(!found.0 || found.2 == block(sizes[i] as usize));
        }
        assert_eq!(together.iter().any(|found| !found.0), some_fail, "{together:?}");
        assert!(together.iter().any(|found| found.0));
    }
}
