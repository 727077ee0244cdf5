//! From what is due in a slot to samples.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | T_TA | `advance` | N_TA + N_TA,offset, in samples: an uplink slot starts so long before the downlink slot |
//!
//! The start's whole samples go into the burst's count, its fraction into a phase ramp over the subcarriers. The oscillator's error is
//! taken out of the carrier by turning the samples; over a slot its effect on the sample clock is below a thousandth of a sample.
//!
//! One layer without a precoder, PUCCH and PRACH leave the first antenna; a precoded PUSCH and an SRS the antennas that are their ports.
//!
//! Spec: TS 38.211 §4.3.1, §5.3.1; TS 38.213 §9.2.5, §9.3; TS 38.214 §6.2.1

use super::{Codebook, Granted, Uplink};
use crate::downlink::InForce;
use crate::sync::Sync;
use crate::ue::UlBursts;
use dsp::Cf32;
use dsp::mix::Nco;
use fapi::csi::{CsiContent, CsiPart, CsiValues};
use fapi::resolve;
use fapi::ue::UeL1Event;
use fapi::{PucchPdu, UlPrecoding};
use nr::{Rnti, SlotPoint, Tc};
use phy::pusch::UciBits;
use phy::srs::Geometry;

/// What the shared part of the sender needs of a channel.
struct Sent {
    /// First symbol and number of symbols.
    symbols: (u8, u8),
    /// Subcarriers a symbol.
    n_subcarriers: f32,
    /// Power of all antennas together, dBm.
    dbm: f32,
    /// Antennas that send, the first ones.
    n_antennas: usize,
}

impl Uplink {
    /// Builds what goes out in slot `slot`, which starts in the downlink at the UE's count `start`.
    pub fn build(&mut self, c: &InForce, slot: SlotPoint, start: f64, sync: &Sync, out: &mut UlBursts) {
        self.forget_before(slot);
        if let Some(due) = self.prach.due(c.cell, slot) {
            self.build_prach(&due, c, slot, start, sync, out);
            return;
        }
        let Some(rnti) = c.rntis.c_rnti.or(c.rntis.temporary) else { return };
        let granted = self.grants.iter().position(|g| g.grant.slot == slot && g.ready && g.grant.ul_sch);
        let granted = granted.map(|i| self.grants.swap_remove(i));
        let ul_dai = granted.map_or((None, None), |g| (g.grant.dai, g.grant.dai_2));
        let book = Codebook::gather(&self.acks, slot, ul_dai, c.cell, c.d);
        self.drop_acks(|a| a.slot == slot);
        let csi_due = c.d.is_some_and(|d| resolve::is_csi_occasion(d, slot));
        let sent = match granted {
            Some(g) => self.build_pusch(&g, &book, csi_due, c, slot),
            None => self.build_pucch(&book, csi_due, rnti, c, slot),
        };
        if let Some(sent) = &sent {
            self.emit(sent, c, slot, start, sync, out);
        }
        let busy = sent.map_or((0, 0), |s| s.symbols);
        if let Some(sent) = self.build_srs(busy, rnti, c, slot) {
            self.emit(&sent, c, slot, start, sync, out);
        }
    }

    /// The SRS, unless something else of this UE has one of its symbols. Spec: TS 38.214 §6.2.1
    fn build_srs(&mut self, busy: (u8, u8), rnti: Rnti, c: &InForce, slot: SlotPoint) -> Option<Sent> {
        let d = c.d?;
        let srs = resolve::srs(c.cell, d, rnti, slot)?.pdu;
        if resolve::srs_meets(&srs, busy.0, busy.1) {
            return None;
        }
        self.grid.clear();
        let (Ok(geometry), Ok(())) = (Geometry::new(&srs), self.srs.transmit(&srs, slot, &mut self.grid)) else {
            self.counters.ul_refused += 1;
            return None;
        };
        self.counters.srs_sent += 1;
        let r = &srs.resource;
        Some(Sent {
            symbols: (r.start_symbol, r.n_symbols),
            n_subcarriers: geometry.n_elements() as f32,
            dbm: self.power.srs_dbm(geometry.n_rb(), slot.numerology().mu(), d),
            n_antennas: usize::from(r.n_ports),
        })
    }

    /// Lets go of what came too late for its slot.
    fn forget_before(&mut self, slot: SlotPoint) {
        let late = self.grants.iter().filter(|g| g.grant.slot.minus(slot) < 0).count()
            + self.acks.iter().filter(|a| a.slot.minus(slot) < 0).count();
        if late > 0 {
            self.counters.ul_late += late as u64;
            self.grants.retain(|g| g.grant.slot.minus(slot) >= 0);
            self.drop_acks(|a| a.slot.minus(slot) < 0);
        }
    }

    /// The PUSCH with the UCI that falls into it. Spec: TS 38.213 §9.3
    fn build_pusch(
        &mut self,
        granted: &Granted,
        book: &Codebook,
        csi_due: bool,
        c: &InForce,
        slot: SlotPoint,
    ) -> Option<Sent> {
        let (mut pdu, msg3) = (granted.grant.pdu, granted.msg3);
        let report = c.d.and_then(|d| d.csi_report).filter(|_| csi_due && !msg3);
        let content = report.as_ref().map(|r| &r.content);
        let (csi1, csi2) = content.map_or(Default::default(), |x| self.csi_parts(x));
        let harq_ack = if msg3 { &[][..] } else { book.bits() };
        if !harq_ack.is_empty() || content.is_some() {
            let config = c.d.map_or(&c.cell.pusch, |d| &d.pusch);
            pdu.uci = resolve::uci_on_pusch(config, harq_ack.len() as u16, content);
        }
        self.grid.clear();
        let tb = &self.harq[usize::from(pdu.harq.get())].tb;
        let uci = UciBits { harq_ack, csi1: csi1.as_slice(), csi2: csi2.as_slice() };
        if self.pusch.transmit_uci(&pdu, tb, &uci, slot, &mut self.grid).is_err() {
            self.counters.ul_refused += 1;
            return None;
        }
        self.counters.pusch_sent += 1;
        let n_subcarriers = 12.0 * f32::from(pdu.rbs.n_rb());
        let n_antennas = match pdu.precoding {
            UlPrecoding::Codebook { n_ports, .. } => usize::from(n_ports),
            UlPrecoding::Identity => usize::from(pdu.n_layers),
        };
        Some(Sent { symbols: (pdu.start_symbol, pdu.n_symbols), n_subcarriers, dbm: granted.dbm, n_antennas })
    }

    /// The PUCCH, if there is anything to tell. Spec: TS 38.213 §9.2
    fn build_pucch(
        &mut self,
        book: &Codebook,
        csi_due: bool,
        rnti: Rnti,
        c: &InForce,
        slot: SlotPoint,
    ) -> Option<Sent> {
        let harq = book.uci();
        if harq.is_none() && c.d.is_none() {
            return None;
        }
        let choice = match resolve::pucch(c.cell, c.d, rnti, slot, harq) {
            Ok(choice) => choice,
            Err(_) => {
                self.counters.ul_refused += 1;
                return None;
            }
        };
        let positive = self.sr_pending;
        // The request's own resource carries everything where there is a request.
        let pdu: PucchPdu = choice.sr.filter(|_| positive).or(choice.main)?;
        let report = c.d.and_then(|d| d.csi_report).filter(|_| csi_due && pdu.n_csi1 > 0);
        let csi = report.map_or(CsiPart::default(), |r| {
            let lowest = |_| r.content.encode_pucch(&lowest(&r.content));
            r.content.encode_pucch(&self.csi).or_else(lowest).unwrap_or_default()
        });
        let harq_ack = if pdu.n_harq_ack > 0 { book.bits() } else { &[] };
        let first = pdu.resource.start_symbol;
        if !c.cell.duplex.is_uplink(slot, first, pdu.resource.n_symbols) {
            self.counters.ul_refused += 1;
            return None;
        }
        self.grid.clear();
        let sr = positive && (pdu.n_sr > 0);
        if self.pucch.transmit(&pdu, harq_ack, sr, csi.as_slice(), slot, &mut self.grid).is_err() {
            self.counters.ul_refused += 1;
            return None;
        }
        if sr {
            self.events.push(UeL1Event::SchedulingRequestSent);
        }
        self.counters.pucch_sent += 1;
        let n_rb = match pdu.resource.format {
            fapi::PucchFormat::F2 { n_prb } | fapi::PucchFormat::F3 { n_prb } => n_prb.max(1),
            _ => 1,
        };
        let dbm = self.power.pucch_dbm(&pdu, slot.numerology().mu(), c.cell, c.d);
        let n_subcarriers = 12.0 * f32::from(n_rb);
        Some(Sent { symbols: (first, pdu.resource.n_symbols), n_subcarriers, dbm, n_antennas: 1 })
    }

    /// Both parts of the CSI report on a PUSCH; where nothing was measured for this content yet, those of its lowest rank.
    fn csi_parts(&self, content: &CsiContent) -> (CsiPart, CsiPart) {
        let lowest = |_| content.encode_pusch(&lowest(content));
        content.encode_pusch(&self.csi).or_else(lowest).unwrap_or_default()
    }

    /// Scales, shifts and modulates the grid, and appends the burst.
    fn emit(&mut self, sent: &Sent, c: &InForce, slot: SlotPoint, start: f64, sync: &Sync, out: &mut UlBursts) {
        let carrier = *self.modulator.carrier();
        let n = carrier.fft_len();
        let rate = f64::from(carrier.sample_rate_hz());
        let advance = (self.n_ta_in(slot) + c.cell.n_ta_offset_tc) as f64 / Tc::PER_SECOND as f64 * rate;
        let at = start - advance;
        let whole = libm::floor(at);
        let fraction = at - whole;
        // An element of power P_RE is P_RE/N in each sample.
        let power = libm::powf(10.0, sent.dbm / 10.0);
        let amplitude = libm::sqrtf(power * n as f32 / sent.n_subcarriers.max(1.0));
        let (first, n_symbols) = (usize::from(sent.symbols.0), usize::from(sent.symbols.1));
        let n_antennas = sent.n_antennas.clamp(1, self.grid.n_ports());
        let from = out.begin(whole as i64 + carrier.symbol_start(slot, first) as i64, n_antennas);
        fill_ramp(&mut self.ramp, amplitude, fraction / n as f64);
        for antenna in 0..n_antennas {
            for l in first..(first + n_symbols).min(14) {
                let row = self.grid.symbol_mut(antenna, l);
                dsp::vector::mul_assign(self.isa, row, &self.ramp);
                self.symbol.resize(carrier.symbol_len(slot, l), Cf32::default());
                let fits = self.modulator.modulate_symbol(slot, l, row, &mut self.symbol);
                debug_assert!(fits.is_ok());
                out.samples.extend_from_slice(&self.symbol);
            }
        }
        self.correct(sync, from, n_antennas, out);
    }

    /// Moves what was appended from `from` on, of so many antennas, to where the cell's oscillator has the carrier.
    fn correct(&self, sync: &Sync, from: usize, n_antennas: usize, out: &mut UlBursts) {
        let carrier = self.modulator.carrier();
        let cycles = sync.offset_at(carrier.centre_hz()) / f64::from(carrier.sample_rate_hz());
        let n = (out.samples.len() - from) / n_antennas.max(1);
        for antenna in out.samples[from..].chunks_exact_mut(n.max(1)) {
            Nco::new(cycles).mix(self.isa, antenna);
        }
        out.end();
    }

    /// A preamble: N_TA is 0 for it, N_TA,offset holds. Spec: TS 38.211 §4.3.1
    fn build_prach(
        &mut self,
        due: &super::prach::Due,
        c: &InForce,
        slot: SlotPoint,
        start: f64,
        sync: &Sync,
        out: &mut UlBursts,
    ) {
        let carrier = *self.modulator.carrier();
        let rate = f64::from(carrier.sample_rate_hz());
        let dbm = self.power.prach_dbm(f32::from(due.target_power_dbm), c.cell);
        let amplitude = libm::sqrtf(libm::powf(10.0, dbm / 10.0));
        let first = usize::from(due.occasion.start_symbol.min(13));
        let at = start - c.cell.n_ta_offset_tc as f64 / Tc::PER_SECOND as f64 * rate
            + carrier.symbol_start(slot, first) as f64;
        // Half a sample is a tenth of a timing advance step: the fraction is left to the gNB's measurement.
        let whole = libm::round(at);
        let Some(samples) = self.prach.samples(due, slot) else {
            self.counters.ul_refused += 1;
            return;
        };
        let n_slots = samples.len().div_ceil(carrier.slot_len(slot)) as i64;
        let from = out.begin(whole as i64, 1);
        out.samples.extend_from_slice(samples);
        dsp::vector::scale(self.isa, &mut out.samples[from..], amplitude);
        self.correct(sync, from, 1, out);
        self.counters.prach_sent += 1;
        let end = slot.plus(n_slots - 1);
        self.events.push(UeL1Event::PreambleSent { ra_rnti: due.occasion.ra_rnti(), end });
    }
}

/// CQI 0 (out of range) with the lowest rank that a content allows. Spec: TS 38.214 §5.2.2.1
fn lowest(content: &CsiContent) -> CsiValues {
    CsiValues { rank: content.ranks.trailing_zeros().min(3) as u8 + 1, ..CsiValues::default() }
}

/// Writes `amplitude` exp(-2 pi i `turns` (k - half)) for subcarrier k: a delay of a fraction of a sample.
fn fill_ramp(ramp: &mut [Cf32], amplitude: f32, turns: f64) {
    let half = ramp.len() as f64 / 2.0;
    let mut p = dsp::unit_phasor(turns * half) * f64::from(amplitude);
    let step = dsp::unit_phasor(-turns);
    for z in ramp {
        *z = Cf32::new(p.re as f32, p.im as f32);
        p *= step;
    }
}
