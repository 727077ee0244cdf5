//! Microseconds a slot of the base station's physical layer: `cargo run --release -p gnb-l1 --example slot_us`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::slot::{SlotPlan, UlIndication};
use fapi::*;
use gnb_l1::{GnbL1, GnbL1Options};
use nr::SlotPoint;
use std::time::Instant;

fn time(name: &str, mut f: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let start = Instant::now();
        for _ in 0..10 {
            f();
        }
        best = best.min(start.elapsed().as_secs_f64() / 10.0);
    }
    println!("{name}: {:.1} us", best * 1e6);
}

fn main() {
    for (n_rb, tbs) in [(51u16, 6794u32), (273, 35000)] {
        let cell = cell(K30, n_rb, TDD, 160, false);
        let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
        let mut ue = Ue::new(&cell);
        let mut noise = Gaussian::new(1, Isa::best());
        let slot = SlotPoint::new(K30, 2, 4);
        let mut out = UlIndication::default();
        let mut plan = SlotPlan::default();
        plan.clear(slot);
        let samples = ue.samples(slot, 1.0, 1e-4, &mut noise);
        let mut tx = vec![Cf32::default(); samples.len()];
        println!("{n_rb} RB");
        time("  transmit, nothing", || assert!(gnb.transmit(&plan, &mut tx).is_ok()));
        time("  receive, nothing", || assert!(gnb.receive(slot, &samples, &plan, &mut out).is_ok()));
        plan.prach.push(PrachOccasion { start_symbol: 0, t_id: 4, s_id: 0, f_id: 0 });
        time("  receive, PRACH B4", || {
            out.clear();
            gnb.receive(slot, &samples, &plan, &mut out).unwrap();
        });
        plan.clear(slot);
        let f0 = PucchFormat::F0 { initial_cyclic_shift: 0 };
        plan.pucch.push(PucchPdu { n_harq_ack: 1, ..pucch(0x4604, f0, 0, 12, 2) });
        plan.pucch.push(PucchPdu { n_harq_ack: 4, n_csi1: 4, ..pucch(1, PucchFormat::F2 { n_prb: 2 }, 2, 12, 2) });
        time("  receive, PUCCH 0 and 2", || {
            out.clear();
            gnb.receive(slot, &samples, &plan, &mut out).unwrap();
        });
        plan.clear(slot);
        // Whole code blocks: (bytes + 3) is a multiple of their number.
        let n_blocks = (tbs * 8 + 24).div_ceil(8424);
        let tbs = (tbs + 3) / n_blocks * n_blocks - 3;
        plan.pusch.push(pusch(0x4601, 0, n_rb, 8, tbs, 948.0));
        ue.pusch.transmit(&plan.pusch[0], &block(tbs as usize), &[], &[], slot, &mut ue.grid).unwrap();
        let samples = ue.samples(slot, 1.0, 1e-3, &mut noise);
        time("  receive, PUSCH 256QAM over the whole carrier", || {
            out.clear();
            gnb.receive(slot, &samples, &plan, &mut out).unwrap();
        });
        println!("  block received: {}", out.pusch[0].crc_ok);
    }
}
