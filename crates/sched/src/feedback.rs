//! HARQ feedback: where it will come, and what it says. Spec: TS 38.213 §9.1, §9.2

use crate::harq::Outcome;
use crate::link::{efficiency_at, mcs_max, snr_max, snr_of_cqi};
use crate::ring::{FEEDBACK_MAX, Feedback};
use crate::scheduler::Scheduler;
use crate::ue::{Phase, Sounded, Ue};
use fapi::csi::CsiQuantity;
use fapi::slot::{PuschIndication, SrsIndication, SrsPrecoder, UciIndication};
use fapi::{McsTable, PuschPdu};
use nr::tables::pucch::r_pucch;
use nr::{HarqId, SlotPoint};

/// Symbols from the end of a PDSCH to its feedback: N_1 of capability 1 with additional DM-RS. Spec: TS 38.214 §5.3
const N_1: i64 = 13;
/// Resource indicators used before a dedicated configuration: with any CCE they stay within r_PUCCH 0..=3 and 8..=11.
const COMMON_PRI: [u8; 4] = [0, 1, 4, 5];
/// Steps of a timing advance command that Msg3 may be off before Msg4 carries a command.
const FIRST_TIMING_STEPS: f32 = 3.0;
/// An SRS below this SNR says nothing, dB.
const SOUNDING_MIN_DB: f32 = -3.0;
/// By what the rank in use counts more than it carries.
const RANK_STAYS: f32 = 1.05;
/// Slots after which an outcome that never came counts as a failure.
const LOST_AFTER: i64 = 60;

/// What became of a downlink process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DlOutcome {
    /// Index of the UE.
    pub ue: u8,
    /// Where it stood when the block was sent.
    pub phase: Phase,
    /// Process.
    pub harq: HarqId,
    /// What follows.
    pub outcome: Outcome,
}

/// What became of a PUSCH.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UlOutcome {
    /// Index of the UE.
    pub ue: u8,
    /// Where it stands.
    pub phase: Phase,
    /// What follows.
    pub outcome: Outcome,
    /// RBs of the PUSCH.
    pub n_rb: u16,
}

/// Where an assignment's feedback goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FeedbackChoice {
    pub slot: SlotPoint,
    /// Field of the DCI.
    pub k1: u8,
    pub dai: u8,
    pub pri: u8,
}

impl Scheduler {
    /// The earliest slot that can take one more bit of feedback from the UE.
    ///
    /// - `end` symbols of the slot up to the end of the PDSCH; `fallback` format 1_0, whose K_1 is 1 to 8.
    /// - `cce`, `n_cce` of the PDCCH, which choose among the common resources.
    pub(crate) fn place_feedback(
        &mut self,
        u: &Ue,
        idx: u8,
        slot: SlotPoint,
        end: u8,
        fallback: bool,
        cce: (u16, u16),
    ) -> Option<FeedbackChoice> {
        let kind = usize::from(self.by_groups(u, fallback));
        let dedicated = u.certain();
        let list = dedicated.map_or(&[][..], |d| &d.pucch.dl_data_to_ul_ack);
        let n = if fallback { 8 } else { list.len() };
        let value = |i: usize| if fallback { i as u8 + 1 } else { list[i] };
        let cell = &self.config.cell;
        let in_time = |k: u8| k as i64 * 14 - end as i64 >= N_1 && cell.duplex.is_uplink(slot.plus(k as i64), 0, 14);
        // The smallest in time first; a list is seldom sorted by that.
        let mut last = 0;
        for _ in 0..n {
            let (k, i) = (0..n).map(|i| (value(i), i)).filter(|(k, _)| *k > last && in_time(*k)).min()?;
            last = k;
            let at = slot.plus(k as i64);
            let fresh = self.fresh_uplink(at);
            let ul = self.ring.at(at, || fresh);
            let (count, all) = ul.feedback_of(idx).map_or((0, 0), |f| (f.n[kind], f.n[0] + f.n[1]));
            let limit = if dedicated.is_some() { FEEDBACK_MAX as u8 } else { 1 };
            if ul.has_pusch(idx) || all >= limit {
                continue;
            }
            let pri = if dedicated.is_some() {
                Some(0)
            } else {
                // A UE that may have applied its dedicated configuration has one resource only: indicator 0 serves both.
                let usable = if u.uncertain { &COMMON_PRI[..1] } else { &COMMON_PRI[..] };
                usable.iter().copied().find(|pri| ul.common_pucch >> r_pucch(cce.0, cce.1, *pri) & 1 == 0)
            };
            if let Some(pri) = pri {
                return Some(FeedbackChoice { slot: at, k1: i as u8, dai: count & 3, pri });
            }
        }
        None
    }

    /// Whether a block of this format is acknowledged by code block groups: format 1_1, where they are configured.
    pub(crate) fn by_groups(&self, u: &Ue, fallback: bool) -> bool {
        !fallback && u.certain().is_some_and(|d| d.pdsch.options.max_cbg > 0)
    }

    /// Notes the feedback that an assignment asks for.
    pub(crate) fn note_feedback(
        &mut self,
        u: &Ue,
        idx: u8,
        (harq, fallback): (u8, bool),
        choice: &FeedbackChoice,
        cce: (u16, u16),
    ) {
        let kind = usize::from(self.by_groups(u, fallback));
        let n_groups = u.certain().map_or(0, |d| d.pdsch.options.max_cbg);
        let common = u.certain().is_none();
        let fresh = self.fresh_uplink(choice.slot);
        let ul = self.ring.at(choice.slot, || fresh);
        if common {
            ul.common_pucch |= 1 << r_pucch(cce.0, cce.1, choice.pri);
        }
        let f = match ul.feedback.iter().position(|f| f.ue == idx) {
            Some(i) => &mut ul.feedback[i],
            None => {
                ul.feedback.push(Feedback {
                    ue: idx,
                    processes: [[0; FEEDBACK_MAX]; 2],
                    n: [0; 2],
                    n_groups,
                    pri: 0,
                    first_cce: 0,
                    n_cce: 1,
                    reports_due: 1,
                    done: false,
                });
                let last = ul.feedback.len() - 1;
                &mut ul.feedback[last]
            }
        };
        if let Some(p) = f.processes[kind].get_mut(f.n[kind] as usize) {
            *p = harq;
            f.n[kind] += 1;
        }
        (f.pri, f.first_cce, f.n_cce) = (choice.pri, cce.0, cce.1);
    }

    /// Control information from the air; says through `out` what became of downlink blocks.
    ///
    /// A UE may be expected on two resources at once; the report that is not DTX counts, and DTX only when all are.
    pub fn uci(&mut self, ind: &UciIndication, out: &mut Vec<DlOutcome>) {
        let Some(idx) = self.find(ind.rnti) else { return };
        let Scheduler { config, ues, ring, .. } = self;
        let Some(u) = ues[idx as usize].as_mut() else { return };
        let on_pusch = ring.get(ind.slot).is_some_and(|s| s.has_pusch(idx));
        if !ind.dtx {
            u.last_heard = ind.slot;
            u.sr |= ind.sr;
            // A scheduling request alone may be noise.
            if !on_pusch && (ind.n_harq_ack > 0 || ind.n_csi1 > 0) {
                u.pucch_power.measured(ind.snr_db, ind.slot);
            }
            // The timing of a PUCCH is not followed: one block, shared by cyclic shifts, tells it too badly.
            channel_report(u, ind);
        }
        let Some(f) = ring.get(ind.slot).and_then(|s| s.feedback_of(idx)).filter(|f| !f.done) else { return };
        f.reports_due = f.reports_due.saturating_sub(1);
        let usable = !ind.dtx && ind.n_harq_ack > 0;
        if !usable && f.reports_due > 0 {
            return;
        }
        f.done = true;
        let f = *f;
        let bit = |i: usize| usable && i < usize::from(ind.n_harq_ack) && ind.harq_ack.get(i) == Some(&1);
        let whole = usize::from(f.n[0]);
        for (i, harq) in f.processes[0].iter().enumerate().take(whole) {
            settle(u, idx, *harq, bit(i), config.max_harq_tx, out);
        }
        let n_groups = usize::from(f.n_groups);
        for (i, harq) in f.processes[1].iter().enumerate().take(usize::from(f.n[1])) {
            let acks = (0..n_groups).fold(0, |a, m| a | u8::from(bit(whole + i * n_groups + m)) << m);
            settle_groups(u, idx, *harq, usable.then_some(acks), f.n_groups, config.max_harq_tx, out);
        }
    }

    /// Outcome of a PUSCH; the block itself is the caller's matter.
    pub fn pusch(&mut self, ind: &PuschIndication) -> Option<UlOutcome> {
        let idx = self.find(ind.rnti)?;
        let Scheduler { config, ues, ring, .. } = self;
        let u = ues[idx as usize].as_mut()?;
        let n_rb =
            ring.get(ind.slot)?.pusch.iter().find(|(i, p)| *i == idx && p.harq == ind.harq).map(|(_, p)| rbs(p))?;
        let p = u.ul[ind.harq.get() as usize];
        if p.slot != ind.slot {
            return None;
        }
        if !ind.dtx {
            u.last_heard = ind.slot;
            // As it would be with all power commands in force, at a width for which the power suffices.
            let pending = u.pusch_power.pending_db(ind.slot);
            let limit = u.ul_rb_limit * libm::exp10f(pending / 10.0);
            let gain_db = u.ul_gain_db(p.layers, p.fallback);
            let snr = ind.sinr_db - gain_db + (10.0 * libm::log10f(n_rb as f32 / limit.max(0.1))).max(0.0);
            u.pusch_power.measured(snr, ind.slot);
            u.ul_link.report(snr + pending, 0.3);
            timing(u, config.cell.ul.numerology.mu(), ind.timing_error_tc as f32, ind.slot);
            if u.phase == Phase::Msg3 && ind.crc_ok {
                first_timing(u, config.cell.ul.numerology.mu(), ind.timing_error_tc as f32);
            }
            if p.n_tx == 1 {
                let table = p.coding.map_or(McsTable::Qam64, |c| c.mcs_table);
                // That a narrow block got through with the best MCS says nothing of wider ones, which arrive weaker.
                if !ind.crc_ok || p.mcs < mcs_max(table) {
                    u.ul_link.outcome(ind.crc_ok);
                }
                let widest = u.power_shortage_db(config.cell.initial_ul_bwp.n_rb);
                u.ul_link.bound(snr_max(table) + widest - gain_db);
            }
        }
        let outcome = u.ul[ind.harq.get() as usize].outcome(ind.crc_ok, config.max_harq_tx);
        if outcome != Outcome::Stray {
            u.ul_stats.result(ind.crc_ok, p.n_tx, p.tbs_bytes(), outcome == Outcome::Dropped);
        }
        if outcome == Outcome::Dropped {
            // What was in it will be asked for again; do not wait for the next report.
            u.sr = true;
        }
        Some(UlOutcome { ue: idx, phase: u.phase, outcome, n_rb })
    }

    /// What an SRS showed: precoders of each rank, and the rank whose layers carry most. Spec: TS 38.214 §6.1.1.1
    pub fn srs(&mut self, ind: &SrsIndication) {
        let Some(idx) = self.find(ind.rnti) else { return };
        let n_rb = self.config.cell.initial_ul_bwp.n_rb;
        let Some(u) = self.ues[idx as usize].as_mut() else { return };
        let Some(d) = u.certain().filter(|d| d.srs.is_some() && ind.snr_db > SOUNDING_MIN_DB) else { return };
        let (table, most) = (d.pusch.mcs_table, d.pusch.options.scheme.max_rank());
        let gain = |r: SrsPrecoder| (r.tpmi, (r.sinr_db - ind.one_port_db).clamp(-40.0, 20.0));
        let precoders = ind.ranks.map(|r| r.map(gain).filter(|(_, db)| db.is_finite()));
        let before = u.sounded.map(|s| s.rank);
        let best = efficiency_at(snr_max(table));
        let rate = |rank: u8| {
            let (_, gain_db) = precoders[usize::from(rank) - 1]?;
            let one = efficiency_at(u.ul_snr(n_rb, gain_db)).min(best);
            // What is in use stays unless another rank carries clearly more.
            Some(f32::from(rank) * one * if before == Some(rank) { RANK_STAYS } else { 1.0 })
        };
        let ranks = (1..=most.clamp(1, 4)).filter_map(|r| Some((rate(r)?, r)));
        let Some((_, rank)) = ranks.max_by(|a, b| a.0.total_cmp(&b.0)) else { return };
        u.sounded = Some(Sounded { rank, precoders });
    }

    /// Outcomes that never came count as failures.
    pub(crate) fn expire(&mut self, slot: SlotPoint, out: &mut Vec<DlOutcome>) {
        let max_tx = self.config.max_harq_tx;
        for (idx, u) in self.ues.iter_mut().enumerate() {
            let Some(u) = u else { continue };
            for i in 0..crate::harq::N_HARQ {
                if u.dl[i].state == crate::harq::State::Waiting && slot.minus(u.dl[i].slot) > LOST_AFTER {
                    settle(u, idx as u8, i as u8, false, max_tx, out);
                }
                let p = u.ul[i];
                if p.state == crate::harq::State::Waiting && slot.minus(p.slot) > LOST_AFTER {
                    let o = u.ul[i].outcome(false, max_tx);
                    u.ul_stats.result(false, p.n_tx, 0, o == Outcome::Dropped);
                }
            }
        }
    }

    /// Once a slot, before [`Scheduler::decide`]: outcomes that are overdue.
    pub fn tick(&mut self, slot: SlotPoint, out: &mut Vec<DlOutcome>) {
        self.expire(slot, out);
    }
}

/// Takes rank, precoder and quality of a report. Bits that are no report of this UE are let go. Spec: TS 38.214 §5.2
fn channel_report(u: &mut Ue, ind: &UciIndication) {
    let Some(report) = u.dedicated.as_deref().and_then(|d| d.csi_report).filter(|_| ind.n_csi1 > 0) else { return };
    let bits = |word: u32, n: u8| -> [u8; 32] {
        core::array::from_fn(|i| if i < usize::from(n) { (word >> (usize::from(n) - 1 - i) & 1) as u8 } else { 0 })
    };
    let (n1, n2) = (ind.n_csi1.min(32), ind.n_csi2.min(32));
    let (one, two) = (bits(ind.csi1, n1), bits(ind.csi2, n2));
    let (one, two) = (&one[..usize::from(n1)], &two[..usize::from(n2)]);
    let content = &report.content;
    let (mut values, mut precoder) = (None, false);
    if one.len() == content.pucch_bits() {
        values = content.decode_pucch(one).ok();
        precoder = true;
    } else if one.len() == content.part1_bits() {
        values = content.decode_part1(one).ok();
        precoder = values.as_mut().is_some_and(|v| content.decode_part2(two, v).is_ok());
    }
    let Some(v) = values else { return };
    let rank = v.rank.clamp(1, 4);
    if precoder && matches!(content.quantity, CsiQuantity::Pmi { .. }) {
        u.csi.pmi[usize::from(rank - 1)] = v.pmi;
    }
    if rank != u.csi.rank {
        u.csi.rank = rank;
        u.dl_link.renew();
    }
    if let Some(snr) = snr_of_cqi(report.cqi_table, v.cqi) {
        u.dl_link.report(snr, 0.5);
    }
}

fn rbs(p: &PuschPdu) -> u16 {
    p.rbs.n_rb()
}

/// The outcome of a block by its groups; `None`: nothing was heard, so that what was missing is still missing. Spec: TS 38.213 §9.1.1
fn settle_groups(u: &mut Ue, idx: u8, harq: u8, acks: Option<u8>, n_max: u8, max_tx: u8, out: &mut Vec<DlOutcome>) {
    let Some(p) = u.dl.get_mut(harq as usize) else { return };
    let all = ((1u16 << p.n_groups(n_max)) - 1) as u8;
    let before = if p.groups == 0 { all } else { p.groups };
    p.groups = acks.map_or(before, |a| !a & all);
    let ok = p.groups == 0;
    settle(u, idx, harq, ok, max_tx, out);
}

fn settle(u: &mut Ue, idx: u8, harq: u8, ok: bool, max_tx: u8, out: &mut Vec<DlOutcome>) {
    let Some(p) = u.dl.get(harq as usize).copied() else { return };
    let phase = u.phase;
    let outcome = u.dl[harq as usize].outcome(ok, max_tx);
    if outcome == Outcome::Stray {
        return;
    }
    u.dl_stats.result(ok, p.n_tx, p.tbs_bytes(), outcome == Outcome::Dropped);
    if p.n_tx == 1 {
        u.dl_link.outcome(ok);
        u.dl_link.bound(snr_max(p.coding.map_or(McsTable::Qam64, |c| c.mcs_table)));
    }
    if let Some(harq) = HarqId::new(harq) {
        out.push(DlOutcome { ue: idx, phase, harq, outcome });
    }
}

/// The response's timing may have been another UE's, with the same preamble: Msg3 tells, and Msg4 sets it right.
///
/// Spec: TS 38.213 §4.2, TS 38.321 §5.2
fn first_timing(u: &mut Ue, mu: u8, error_tc: f32) {
    let step = (16 * 64 >> mu) as f32;
    if error_tc.abs() > FIRST_TIMING_STEPS * step {
        u.timing_command = Some(timing_command(error_tc, step));
    }
}

/// T_A, 0..=63, that takes an error away. Spec: TS 38.213 §4.2
fn timing_command(error_tc: f32, step: f32) -> u8 {
    (31 + libm::roundf(error_tc / step) as i32).clamp(0, 63) as u8
}

/// Takes a timing measurement, and asks for a command when the error has settled. Spec: TS 38.213 §4.2
fn timing(u: &mut Ue, mu: u8, error_tc: f32, slot: SlotPoint) {
    let step = (16 * 64 >> mu) as f32;
    if u.phase != Phase::Connected || u.timing_hold.is_some_and(|h| h.minus(slot) > 0) {
        return;
    }
    u.timing_count = u.timing_count.saturating_add(1);
    let w = (1.0 / u.timing_count as f32).max(0.1);
    u.timing_error += w * (error_tc.clamp(-100_000.0, 100_000.0) - u.timing_error);
    if u.timing_count >= 8 && u.timing_error.abs() > 0.75 * step && u.timing_command.is_none() {
        u.timing_command = Some(timing_command(u.timing_error, step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fapi::csi::{Codebook, CsiContent, CsiValues, Pmi};

    fn heard(rnti: nr::Rnti, slot: SlotPoint, one: &[u8], two: &[u8]) -> UciIndication {
        let word = |bits: &[u8]| bits.iter().fold(0, |w, b| w << 1 | u32::from(*b));
        UciIndication {
            rnti,
            slot,
            dtx: false,
            harq_ack: [0; fapi::slot::HARQ_ACK_BITS_MAX],
            n_harq_ack: 0,
            sr: false,
            csi1: word(one),
            n_csi1: one.len() as u8,
            csi2: word(two),
            n_csi2: two.len() as u8,
            snr_db: 20.0,
            timing_error_tc: None,
        }
    }

    #[test] // Spec: TS 38.212 §6.3.1.1.2, §6.3.2.1.2 (RI, PMI and CQI on PUCCH, and in two parts on PUSCH); TS 38.214 §5.2.2.2.1
    fn a_report_sets_rank_precoder_and_quality() {
        let cell = crate::tests::cell();
        let quantity = CsiQuantity::Pmi { li: false };
        let codebook = Codebook::SinglePanel { n1: 2, n2: 1, mode: 1 };
        let content = CsiContent { quantity, codebook, ranks: 0b1111, ..CsiContent::CQI };
        let mut d = crate::tests::dedicated(&cell, [2; 5], Vec::new());
        d.csi_report = Some(fapi::CsiReport {
            period_slots: 40,
            offset_slots: 0,
            resource_idx: 2,
            cqi_table: McsTable::Qam256,
            csi_rs_id: 0,
            content,
        });
        let slot = SlotPoint::new(nr::Numerology::KHZ30, 0, 0);
        let mut u = Ue::new(nr::Rnti(5), &cell, 0.1, 10.0, slot);
        u.dedicated = Some(Box::new(d));
        let v = CsiValues { rank: 2, cqi: 15, pmi: Pmi { i11: 5, i12: 0, i13: 1, i2: 1 }, ..CsiValues::default() };
        let bits = content.encode_pucch(&v).unwrap();
        channel_report(&mut u, &heard(nr::Rnti(5), slot, bits.as_slice(), &[]));
        assert_eq!((u.csi.rank, u.csi.pmi[1]), (2, v.pmi));
        let best = u.dl_link.snr_db;
        // On a PUSCH: part 1 says rank 3, part 2 its precoder; without part 2 the rank counts, with the precoder of before.
        let v = CsiValues { rank: 3, cqi: 7, pmi: Pmi { i11: 6, i12: 0, i13: 0, i2: 1 }, ..CsiValues::default() };
        let (one, two) = content.encode_pusch(&v).unwrap();
        channel_report(&mut u, &heard(nr::Rnti(5), slot, one.as_slice(), &[]));
        assert_eq!((u.csi.rank, u.csi.pmi[2]), (3, Pmi::default()));
        assert!(u.dl_link.snr_db < best - 5.0, "the quality is that of the new rank at once");
        channel_report(&mut u, &heard(nr::Rnti(5), slot, one.as_slice(), two.as_slice()));
        assert_eq!(u.csi.pmi[2], v.pmi);
        // Other numbers of bits, and part 2 of another rank, are nothing.
        let before = u.csi;
        channel_report(&mut u, &heard(nr::Rnti(5), slot, &[1, 0, 1], two.as_slice()));
        channel_report(&mut u, &heard(nr::Rnti(5), slot, one.as_slice(), &[1; 9]));
        assert_eq!(u.csi, before);
    }
}
