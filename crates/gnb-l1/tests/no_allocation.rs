//! No allocation in a slot after warm-up, shown by a counting allocator.

mod common;

use common::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::slot::{SlotPlan, UlIndication};
use fapi::*;
use gnb_l1::{GnbL1, GnbL1Options};
use nr::SlotPoint;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator unchanged; a relaxed counter is all that is added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        unsafe { System.dealloc(p, layout) }
    }
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(p, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test] // Spec: TS 38.211 §6, §7
fn slots_allocate_nothing_after_warm_up() {
    let cell = cell(K30, 51, TDD, 7, true);
    let mut gnb = GnbL1::new(&cell, GnbL1Options::default()).unwrap();
    let mut ue = Ue::new(&cell);
    let mut noise = Gaussian::new(4, Isa::best());
    let mut plan = SlotPlan::default();
    let mut tx = vec![Cf32::default(); gnb.dl_carrier().slot_len_max()];
    let slot0 = SlotPoint::new(K30, 0, 0);
    plan.clear(slot0);
    let mut first = pusch(0x4601, 4, 30, 6, 2304, 719.0);
    (first.uci.n_harq_ack, first.uci.n_csi1) = (15, 4);
    plan.pusch.push(first);
    plan.pusch.push(pusch(0x4602, 36, 12, 2, 150, 300.0));
    let f1 = PucchFormat::F1 { initial_cyclic_shift: 3, time_domain_occ: 1 };
    plan.pucch.push(PucchPdu { n_harq_ack: 1, ..pucch(1, PucchFormat::F0 { initial_cyclic_shift: 0 }, 0, 12, 2) });
    plan.pucch.push(PucchPdu { n_sr: 1, ..pucch(2, f1, 1, 0, 14) });
    plan.pucch.push(PucchPdu { n_harq_ack: 9, n_csi1: 4, ..pucch(3, PucchFormat::F2 { n_prb: 2 }, 2, 12, 2) });
    plan.prach.push(PrachOccasion { start_symbol: 0, t_id: 9, s_id: 0, f_id: 0 });
    ue.pusch.transmit(&plan.pusch[0], &block(2304), &[1; 15], &[1; 4], slot0, &mut ue.grid).unwrap();
    ue.pusch.transmit(&plan.pusch[1], &block(150), &[], &[], slot0, &mut ue.grid).unwrap();
    let samples = ue.samples(slot0, 1.0, 0.001, &mut noise);
    let mut out = UlIndication::default();
    let mut crc_ok = 0;
    let mut counted = 0;
    for round in 0..12 {
        // Slot 0 of several frames: the same sequences, so the same samples will do.
        let slot = SlotPoint::new(K30, round, 0);
        plan.slot = slot;
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        gnb.transmit(&plan, &mut tx[..samples.len()]).unwrap();
        out.clear();
        gnb.receive(slot, &samples, &plan, &mut out).unwrap();
        crc_ok += out.pusch.iter().filter(|p| p.crc_ok).count();
        gnb.receive(slot.plus(1), &samples[..gnb.ul_carrier().slot_len(slot.plus(1))], &plan, &mut out).unwrap();
        if round >= 3 {
            counted += ALLOCATIONS.load(Ordering::Relaxed) - before;
        }
    }
    assert_eq!(crc_ok, 24);
    assert_eq!(counted, 0);
}
