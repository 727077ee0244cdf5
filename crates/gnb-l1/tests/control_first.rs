//! Control of a slot is there before its transport blocks are, and a crew of any width gives the same bits.

mod common;

use common::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::slot::{SlotPlan, UlIndication};
use fapi::*;
use gnb_l1::{GnbL1, GnbL1Options};
use node::{Backwards, Crew};
use nr::SlotPoint;
use std::sync::Arc;

/// A slot with three PUSCHs, two of them with UCI, and a PUCCH; and what the antenna hears of it.
fn slot(cell: &CellConfig, noise_amplitude: f32) -> (SlotPlan, Vec<Cf32>, Vec<Vec<u8>>) {
    let at = SlotPoint::new(K30, 2, 4);
    let mut ue = Ue::new(cell);
    let mut plan = SlotPlan::default();
    plan.clear(at);
    let sizes = [2304, 150, 150];
    let pdus = [(0x4601, 4, 24, 6, 719.0), (0x4602, 30, 8, 2, 300.0), (0x4603, 39, 8, 2, 300.0)];
    for ((rnti, start, n_rb, q_m, rate), n) in pdus.into_iter().zip(sizes) {
        plan.pusch.push(pusch(rnti, start, n_rb, q_m, n, rate));
    }
    plan.pusch[0].uci.n_harq_ack = 2;
    plan.pusch[0].uci.n_csi1 = 4;
    plan.pusch[2].uci.n_harq_ack = 1;
    let format = PucchFormat::F1 { initial_cyclic_shift: 3, time_domain_occ: 1 };
    plan.pucch.push(PucchPdu { n_sr: 1, ..pucch(0x4605, format, 1, 0, 14) });
    let blocks: Vec<_> = sizes.iter().map(|n| block(*n as usize)).collect();
    ue.grid.clear();
    ue.pusch.transmit(&plan.pusch[0], &blocks[0], &[1, 0], &[1, 0, 1, 1], at, &mut ue.grid).unwrap();
    ue.pusch.transmit(&plan.pusch[1], &blocks[1], &[], &[], at, &mut ue.grid).unwrap();
    ue.pusch.transmit(&plan.pusch[2], &blocks[2], &[1], &[], at, &mut ue.grid).unwrap();
    ue.pucch.transmit(&plan.pucch[0], &[], true, &[], at, &mut ue.grid).unwrap();
    let mut noise = Gaussian::new(1, Isa::best());
    let samples = ue.samples(at, 1.0, noise_amplitude * noise_amplitude, &mut noise);
    (plan, samples, blocks)
}

#[test] // Spec: TS 38.212 §6.3.2 (HARQ-ACK, CSI and SR are there before any transport block is decoded, and whether or not one can be)
fn control_does_not_wait_for_blocks() {
    let cell = cell(K30, 51, TDD, 160, false);
    // In the second case 64QAM at rate 0.7 has no chance.
    for (noise, all_blocks) in [(0.03, true), (0.2, false)] {
        let (plan, samples, blocks) = slot(&cell, noise);
        let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
        let mut control = UlIndication::default();
        gnb.receive_control(plan.slot, &samples, &plan, &mut control).unwrap();
        assert!(control.pusch.is_empty() && control.bytes.is_empty());
        let [sr, first, third] = &control.uci[..] else { panic!("{:?}", control.uci) };
        assert!(sr.sr && !sr.dtx, "{sr:?}");
        assert!(!first.dtx && first.harq_ack[..2] == [1, 0] && first.csi1 == 0b1011, "{first:?}");
        assert!(!third.dtx && third.harq_ack[0] == 1, "{third:?}");
        let mut data = UlIndication::default();
        gnb.receive_data(&mut data);
        assert!(data.uci.is_empty() && data.pusch.len() == 3);
        assert_eq!(data.pusch[0].crc_ok, all_blocks);
        for (p, block) in data.pusch.iter().zip(&blocks).filter(|(p, _)| p.crc_ok) {
            assert_eq!(p.tb.of(&data.bytes), block);
        }
        let mut again = UlIndication::default();
        gnb.receive_data(&mut again);
        assert!(again.pusch.is_empty());
    }
}

#[test] // Spec: ironcell issue §3 (the L1 of one slot spread over any number of threads: the same bits)
fn a_crew_of_any_width_gives_the_same_indication() {
    let cell = cell(K30, 51, TDD, 160, false);
    let (plan, samples, _) = slot(&cell, 0.1);
    let heard = |width: usize| {
        let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
        gnb.set_crew(&Crew::new(Arc::new(Backwards(width))));
        let mut out = UlIndication::default();
        let counts = gnb.receive(plan.slot, &samples, &plan, &mut out).unwrap();
        (counts, format!("{out:?}"))
    };
    let first = heard(1);
    for width in [2, 3, 5] {
        assert_eq!(heard(width), first, "{width}");
    }
}
