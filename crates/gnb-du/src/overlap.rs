//! No resource element of a plan is used twice: what tests and fuzzers assert of every plan.

use fapi::resolve::cce_regs;
use fapi::slot::SlotPlan;
use fapi::{CellConfig, PucchFormat};
use std::collections::BTreeMap;

/// Every element of the downlink, by what uses it; every RB of the uplink.
pub fn check(plan: &SlotPlan, cell: &CellConfig, prach_rbs: (u16, u16), prach_busy: bool) {
    let mut grid: BTreeMap<(u32, u8), &'static str> = BTreeMap::new();
    let slot = plan.slot;
    let mut take = |k: u32, l: u8, what: &'static str| {
        let before = grid.insert((k, l), what);
        assert!(before.is_none(), "slot {slot}: {what} and {before:?} at subcarrier {k}, symbol {l}");
    };
    for s in &plan.ssb {
        (0..240).for_each(|k| (0..4).for_each(|l| take(s.start_subcarrier + k, s.start_symbol + l, "SSB")));
    }
    for c in &plan.csi_rs {
        let step = if c.row == 1 { 4 } else { 12 };
        let first = c.start_rb as u32 * 12 + c.k[0] as u32;
        (first..(c.start_rb + c.n_rb) as u32 * 12).step_by(step).for_each(|k| take(k, c.l0, "CSI-RS"));
    }
    for p in &plan.pdcch {
        for (rb, l) in cce_regs(&p.coreset, p.cce, p.aggregation_level) {
            (0..12).for_each(|k| take(rb as u32 * 12 + k, p.start_symbol + l, "PDCCH"));
        }
    }
    for p in &plan.pdsch {
        for rb in p.rbs.iter() {
            assert!(rb < cell.dl.n_rb);
            for l in p.start_symbol..p.start_symbol + p.n_symbols {
                let ssb = p
                    .reserved
                    .iter()
                    .flatten()
                    .any(|r| rb >= r.start_rb && rb < r.start_rb + r.n_rb && r.symbols >> l & 1 == 1);
                let free = if ssb { 0xfff } else { p.reserved_re[l as usize] };
                let dmrs = p.dmrs.symbols >> l & 1 == 1;
                assert!(!dmrs || free == 0, "slot {slot}: DM-RS where elements are reserved");
                (0..12).filter(|k| free >> k & 1 == 0).for_each(|k| take(rb as u32 * 12 + k, l, "PDSCH"));
            }
        }
        assert!(p.tb.len as usize == p.coding.tbs_bytes as usize && !p.tb.of(&plan.bytes).is_empty());
    }
    assert!(
        grid.keys().all(|(_, l)| cell.duplex.is_downlink(slot, *l, 1)),
        "slot {slot}: downlink outside the downlink"
    );
    uplink(plan, cell, prach_rbs, prach_busy);
}

fn uplink(plan: &SlotPlan, cell: &CellConfig, prach: (u16, u16), prach_busy: bool) {
    let slot = plan.slot;
    let expected = plan.pucch.len() + plan.pusch.len() + plan.prach.len();
    assert!(expected == 0 || cell.duplex.is_uplink(slot, 0, 14), "slot {slot}: uplink outside the uplink");
    let mut rbs: BTreeMap<u16, String> = BTreeMap::new();
    let mut take = |rb: u16, what: String| {
        let before = rbs.insert(rb, what.clone());
        assert!(before.is_none(), "slot {slot}: {what} and {before:?} in RB {rb}");
    };
    if prach_busy {
        (prach.0..prach.0 + prach.1).for_each(|rb| take(rb, "PRACH".into()));
    }
    for p in &plan.pusch {
        p.rbs.iter().for_each(|rb| take(rb, format!("PUSCH of {}", p.rnti)));
    }
    let mut keys: BTreeMap<(u16, u8, u8, u8, u8), usize> = BTreeMap::new();
    let mut region: Vec<u16> = Vec::new();
    for (i, p) in plan.pucch.iter().enumerate() {
        let r = &p.resource;
        let shape = match r.format {
            PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => (1, initial_cyclic_shift, time_domain_occ),
            PucchFormat::F0 { initial_cyclic_shift } => (0, initial_cyclic_shift, 0),
            _ => (2, 0, 0),
        };
        // A hop halves the resource in time; either half alone must be free.
        let halves = [Some(r.start_prb), r.second_hop_prb];
        for (h, rb) in halves.into_iter().enumerate().filter_map(|(h, rb)| Some((h, rb?))) {
            let place = if shape.0 == 2 {
                r.start_symbol
            } else if r.second_hop_prb.is_some() {
                20 + h as u8
            } else {
                30
            };
            let before = keys.insert((rb, place, shape.0, shape.1, shape.2), i);
            assert!(before.is_none(), "slot {slot}: one PUCCH resource twice: {p:?}");
            region.push(rb);
        }
    }
    region.sort_unstable();
    region.dedup();
    region.into_iter().for_each(|rb| take(rb, "PUCCH".into()));
}
