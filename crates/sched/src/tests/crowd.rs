//! Several UEs with more to carry than there is room for: who waits, and how long.

use super::{ALL, cell, dedicated, pusch, uci};
use crate::scheduler::{Config, Content, Decision, Scheduler};
use crate::ue::Phase;
use fapi::slot::{PrachDetection, SlotPlan};
use fapi::*;
use nr::tables::prach;
use nr::{Numerology, Rnti, SlotPoint};

/// UEs with full buffers in a cell whose PDCCH holds one DCI of level 8 a slot.
struct Crowd {
    s: Scheduler,
    slot: SlotPoint,
    n: i64,
    plan: SlotPlan,
    out: Decision,
    snr_db: Vec<f32>,
    /// RBs and bytes downlink, slots of assignments.
    rbs: Vec<u32>,
    assigned: Vec<Vec<i64>>,
    granted: Vec<Vec<i64>>,
}

impl Crowd {
    fn new(snr_db: &[f32], coreset_symbols: u8) -> Crowd {
        let n = snr_db.len();
        let cell = cell();
        let mut s = Scheduler::new(Config {
            prach: prach::configuration(true, 162).or(prach::configuration(true, 87)).unwrap(),
            prach_n_rb: 12,
            csi_rs: vec![],
            sib1_bytes: 0,
            max_ues: n as u8,
            pucch_prbs: vec![(3, 2)],
            target_bler: 0.1,
            max_harq_tx: 4,
            ul_target_snr_db: 30.0,
            pucch_target_snr_db: 15.0,
            cell: cell.clone(),
        });
        let slot = SlotPoint::from_count(Numerology::KHZ30, 0);
        for (i, snr) in snr_db.iter().enumerate() {
            let occasion = PrachOccasion { start_symbol: 0, t_id: 0, s_id: 0, f_id: 0 };
            let seen = PrachDetection { slot, occasion, preamble: i as u8, timing_advance: 0, snr_db: *snr };
            assert!(s.random_access(&seen, i as u8, rnti(i)));
            let u = s.ue_mut(i as u8).unwrap();
            u.phase = Phase::Connected;
            u.dl_link.snr_db = *snr;
            u.ul_link.snr_db = *snr;
            let mut d = dedicated(&cell, ALL, vec![]);
            d.coresets[0].duration = coreset_symbols;
            s.configure(i as u8, Box::new(d), false);
        }
        s.rars.clear();
        let none = || vec![Vec::new(); n];
        Crowd {
            s,
            slot,
            n: 0,
            plan: SlotPlan::default(),
            out: Decision::default(),
            snr_db: snr_db.to_vec(),
            rbs: vec![0; n],
            assigned: none(),
            granted: none(),
        }
    }

    /// One slot; everything is received.
    fn step(&mut self) {
        self.slot = self.slot.plus(1);
        self.n += 1;
        let slot = self.slot;
        self.plan.clear(slot);
        self.s.decide(slot, &mut self.plan, &mut self.out);
        for b in &self.out.blocks {
            let Content::Ue { ue, .. } = b.content else { continue };
            self.rbs[ue as usize] += u32::from(self.plan.pdsch[b.pdsch].rbs.n_rb());
            self.assigned[ue as usize].push(self.n);
        }
        for i in 0..self.snr_db.len() {
            if self.s.ue(i as u8).is_some_and(|u| u.last_grant == Some(slot)) {
                self.granted[i].push(self.n);
            }
        }
        let mut outcomes = Vec::new();
        let (snr, of) = (&self.snr_db, |r: Rnti| (r.0 - rnti(0).0) as usize);
        let heard = |rnti: Rnti, n: u8| uci(rnti, slot, n, snr[of(rnti)]);
        for p in &self.plan.pucch {
            self.s.uci(&heard(p.rnti, p.n_harq_ack), &mut outcomes);
        }
        for p in &self.plan.pusch {
            if p.uci.n_harq_ack > 0 {
                self.s.uci(&heard(p.rnti, p.uci.n_harq_ack as u8), &mut outcomes);
            }
            let _ = self.s.pusch(&pusch(p, slot, snr[of(p.rnti)]));
        }
    }
}

fn rnti(i: usize) -> Rnti {
    Rnti(0x4601 + i as u16)
}

fn longest_wait(slots: &[i64], from: i64, to: i64) -> i64 {
    let ends = core::iter::once(from).chain(slots.iter().copied()).chain([to]);
    ends.clone().zip(ends.skip(1)).map(|(a, b)| b - a).max().unwrap_or(to - from)
}

#[test] // Spec: TS 38.321 §5.3.1 (full buffers: each UE has its share, and none waits long)
fn full_buffers_share_the_downlink() {
    for coreset_symbols in [1, 2] {
        let mut c = Crowd::new(&[25.0, 22.0, 18.0, 15.0, 12.0, 9.0, 7.0, 5.0], coreset_symbols);
        for _ in 0..2000 {
            (0..8).for_each(|i| c.s.set_downlink(i, 200_000, false));
            c.step();
        }
        let sum: u32 = c.rbs.iter().sum();
        for i in 0..8 {
            let share = c.rbs[i] as f32 / sum as f32;
            let wait = longest_wait(&c.assigned[i], 0, 2000);
            assert!(
                share > 0.05 && wait <= 128,
                "{coreset_symbols} symbols, UE {i}: {share:.3} of the RBs, waits {wait}"
            );
        }
    }
}

#[test] // Spec: TS 38.321 §5.4.4 (a scheduling request is answered however full the downlink is)
fn a_request_is_answered_under_a_full_downlink() {
    let mut c = Crowd::new(&[5.0; 8], 1);
    for n in 0..800 {
        (0..8).for_each(|i| c.s.set_downlink(i, 200_000, false));
        if n % 100 == 50 {
            c.s.ue_mut((n / 100) as u8).unwrap().sr = true;
        }
        c.step();
    }
    for i in 0..8 {
        let asked = i as i64 * 100 + 51;
        let answer = c.granted[i].iter().find(|s| **s >= asked).map(|s| s - asked);
        assert!(answer.is_some_and(|w| w <= 8), "UE {i}: {answer:?}");
    }
}

#[test] // Spec: TS 38.321 §5.1.5 (contention of a Msg3 with the C-RNTI ends with a grant), TS 38.213 §10.1 (fallback in the common space)
fn contention_is_resolved_under_a_full_downlink() {
    let mut c = Crowd::new(&[5.0; 8], 2);
    for n in 0..200 {
        (0..8).for_each(|i| c.s.set_downlink(i, 200_000, false));
        if n == 60 {
            c.s.doubt(3);
            let slot = c.slot;
            c.s.resolve_contention(3, slot);
        }
        c.step();
    }
    let answer = c.granted[3].iter().find(|s| **s > 60).map(|s| s - 60);
    assert!(answer.is_some_and(|w| w <= 8), "{answer:?}");
}

#[test] // Spec: TS 38.321 §5.4.5 (reported bytes are granted however full the downlink is)
fn reported_bytes_are_granted_under_a_full_downlink() {
    let mut c = Crowd::new(&[5.0; 8], 1);
    for _ in 0..600 {
        for i in 0..8 {
            c.s.set_downlink(i, 200_000, false);
            c.s.ue_mut(i).unwrap().ul_bytes = 2000;
        }
        c.step();
    }
    for i in 0..8 {
        let (down, up) = (longest_wait(&c.assigned[i], 0, 600), longest_wait(&c.granted[i], 0, 600));
        assert!(up <= 80 && down <= 200, "UE {i} waits {up} for a grant, {down} for an assignment");
    }
}
