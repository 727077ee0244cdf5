//! PDSCH by assignment, and the signals that are measured: SS/PBCH blocks and CSI-RS.

use super::{Downlink, InForce, Later};
use crate::samples::Samples;
use crate::sync::Sync;
use crate::uplink::{Ack, Uplink};
use dsp::Cf32;
use fapi::Span;
use fapi::csi::CsiValues;
use fapi::resolve::{ssb_first_subcarrier, ssb_occasions};
use fapi::ue::{Addressed, UeIndication, UeL1Event};
use fapi::{CsiImResource, CsiReport, CsiRsResource, PdschPdu};
use nr::SlotPoint;
use ofdm::Grid;
use phy::csi_rs::{CsiRsMeasurement, CsiRsReceiver};
use phy::pdsch::PdschResult;
use phy::ssb::{SsbMeasurement, i_bar, measure};

impl Downlink {
    /// Receives one assigned PDSCH, hands up its block and notes its feedback.
    pub(super) fn take(
        &mut self,
        later: &Later,
        c: &InForce,
        samples: Samples<'_>,
        ul: &mut Uplink,
        ind: &mut UeIndication,
    ) {
        let assignment = &later.assignment;
        let mut pdu = assignment.pdu;
        let ok = match later.addressed {
            Addressed::Cell | Addressed::Temporary => self.take_own(&mut pdu, assignment.ndi, later, samples, ind),
            _ => self.take_broadcast(&mut pdu, later, samples, ind),
        };
        let groups = match pdu.cbg {
            Some(g) if later.addressed == Addressed::Cell => {
                (g.n_max, self.harq.get(usize::from(pdu.harq.get())).map_or(0, |p| p.groups))
            }
            _ => (0, 0),
        };
        if let Some(feedback) = assignment.feedback {
            ul.on_block(Ack {
                slot: feedback.slot,
                pdsch_slot: assignment.slot,
                dai: feedback.dai,
                pri: feedback.pri,
                tpc: feedback.tpc,
                first_cce: later.first_cce,
                n_cce: later.n_cce,
                ack: ok,
                groups,
                temporary: later.addressed == Addressed::Temporary,
                dedicated: c.d.is_some(),
            });
        }
    }

    fn take_own(
        &mut self,
        pdu: &mut PdschPdu,
        ndi: bool,
        later: &Later,
        samples: Samples<'_>,
        ind: &mut UeIndication,
    ) -> bool {
        let i = usize::from(pdu.harq.get());
        let Some(process) = self.harq.get_mut(i) else { return false };
        pdu.new_data = process.assign(pdu, ndi);
        self.counters.dl_blocks += u64::from(pdu.new_data);
        self.counters.dl_retransmissions += u64::from(!pdu.new_data);
        if process.done {
            return true;
        }
        let result = self.decode(pdu, later.assignment.slot, samples, Some(i), &mut ind.bytes);
        let Some((tb, result)) = result else {
            self.counters.dl_crc_errors += 1;
            return false;
        };
        self.counters.note_dl(&result, pdu.new_data);
        self.harq[i].groups = result.cbg_acks;
        if result.crc_ok {
            self.harq[i].done = true;
            self.hand_up(later, pdu, tb, ind);
        }
        result.crc_ok
    }

    /// System information and random access responses: no process, no feedback; system information is combined over its
    /// repetitions as long as it keeps its size.
    fn take_broadcast(
        &mut self,
        pdu: &mut PdschPdu,
        later: &Later,
        samples: Samples<'_>,
        ind: &mut UeIndication,
    ) -> bool {
        pdu.new_data = later.addressed != Addressed::Si || self.broadcast.is_empty();
        let slot = later.assignment.slot;
        let mut result = self.decode(pdu, slot, samples, None, &mut ind.bytes);
        if result.is_none() && !pdu.new_data {
            pdu.new_data = true;
            result = self.decode(pdu, slot, samples, None, &mut ind.bytes);
        }
        let Some((tb, result)) = result else { return false };
        if result.crc_ok {
            self.broadcast.clear();
            self.hand_up(later, pdu, tb, ind);
        }
        result.crc_ok
    }

    /// Decodes into the arena; the span is given back where the CRC does not hold. `None`: the PDU makes no sense.
    fn decode(
        &mut self,
        pdu: &PdschPdu,
        slot: SlotPoint,
        samples: Samples<'_>,
        process: Option<usize>,
        arena: &mut Vec<u8>,
    ) -> Option<(Span, PdschResult)> {
        let len = pdu.coding.tbs_bytes;
        if len > fec::sch::TBS_BITS_MAX / 8 {
            return None;
        }
        let start = arena.len();
        arena.resize(start + len as usize, 0);
        let mask = ((1u32 << pdu.n_symbols.min(14)) - 1) << pdu.start_symbol.min(13);
        let grid = self.front.grid(samples, mask as u16);
        let soft = match process {
            Some(i) => &mut self.harq[i].soft,
            None => &mut self.broadcast,
        };
        let result = self.pdsch.receive(pdu, slot, grid, soft, self.max_iterations, &mut arena[start..]);
        if !result.is_ok_and(|r| r.crc_ok) {
            arena.truncate(start);
        }
        let result = result.ok()?;
        self.last = Some(result);
        Some((Span { start: start as u32, len }, result))
    }

    fn hand_up(&self, later: &Later, pdu: &PdschPdu, tb: Span, ind: &mut UeIndication) {
        let (addressed, slot) = (later.addressed, later.assignment.slot);
        ind.events.push(UeL1Event::DlBlock { addressed, rnti: pdu.rnti, harq: pdu.harq, slot, tb });
    }

    /// Measures the cell's block in `slot`, if there is one, and hands it to the loops; `rounded` as in [`Sync::on_block`].
    pub fn measure_block(
        &mut self,
        c: &InForce,
        slot: SlotPoint,
        samples: Samples<'_>,
        rounded: f64,
        sync: &mut Sync,
    ) -> Option<SsbMeasurement> {
        let ssb = &c.cell.ssb;
        if ssb.numerology != slot.numerology() {
            return None;
        }
        let first = usize::try_from(ssb_first_subcarrier(c.cell)).ok()?;
        let mut last = None;
        for o in ssb_occasions(ssb, slot) {
            let grid = self.front.grid(samples, 0xf << o.start_symbol);
            let i_bar = i_bar(ssb.l_max, o.index, o.half_frame);
            let each = (0..grid.n_ports())
                .filter_map(|rx| measure(grid, rx, usize::from(o.start_symbol), first, c.cell.pci, i_bar));
            let Some(m) = each.reduce(together) else { continue };
            sync.on_block(&m, rounded);
            last = Some(m);
        }
        last
    }

    /// Measures the CSI-RSs of `slot`: quality by the resource that is reported, timing and frequency by tracking sets.
    pub fn measure_csi(&mut self, c: &InForce, slot: SlotPoint, samples: Samples<'_>, rounded: f64, sync: &mut Sync) {
        let Some(d) = c.d else { return };
        for im in
            d.csi_im.iter().filter(|r| slot.index() % u32::from(r.period_slots.max(1)) == u32::from(r.offset_slots))
        {
            // As wide as the bandwidth part at most, as for CSI-RS; pattern 0 has two symbols.
            let n_rb = im.n_rb.min(c.cell.dl.n_rb.saturating_sub(im.start_rb));
            let grid = self.front.grid(samples, 0b11u16.checked_shl(u32::from(im.l)).unwrap_or(0) & 0x3fff);
            self.interference = self.csi.interference(&CsiImResource { n_rb, ..*im }, grid).ok();
        }
        self.tracked.clear();
        let mut before = 0;
        for resource in d.csi_rs.iter().filter(|r| r.is_sent(slot) && r.l0 < 14) {
            let reported = d.csi_report.is_some_and(|r| r.csi_rs_id == resource.id);
            if !reported && !resource.trs {
                continue;
            }
            let grid = self.front.grid(samples, 1 << resource.l0);
            if reported && by_channel(c, grid.n_ports()) {
                self.keep_channel(c, resource, slot, samples, sync);
                continue;
            }
            let Some(m) = csi_rs(&mut self.csi, resource, slot, c.cell.dl.offset_to_carrier, grid, &mut self.tracking)
            else {
                continue;
            };
            if reported {
                // Across subcarriers an echo looks like noise: what the blocks say bounds it.
                let noise_var = m.noise_var.min(sync.noise_var().unwrap_or(m.noise_var));
                let noise_var = self.interference.map_or(noise_var, |i| i.power[0]);
                self.csi_snr = Some(m.rsrp / noise_var.max(f32::MIN_POSITIVE));
            }
            if resource.trs {
                let pilots = &self.tracking;
                if self.tracked.len() == pilots.len() && resource.l0 > before {
                    let turned = dsp::vector::dot_conj(self.isa, pilots, &self.tracked);
                    let turns =
                        libm::atan2(turned.im, turned.re) / core::f64::consts::TAU / f64::from(resource.l0 - before);
                    sync.on_tracking(m.delay_s, turns, rounded);
                }
                self.tracked.clear();
                self.tracked.extend_from_slice(pilots);
                before = resource.l0;
            }
        }
    }

    /// Estimates the channel of the ports of `resource` at every antenna, for the report.
    fn keep_channel(
        &mut self,
        c: &InForce,
        resource: &CsiRsResource,
        slot: SlotPoint,
        samples: Samples<'_>,
        sync: &Sync,
    ) {
        // A band that is wider than the bandwidth part is taken as wide as that. Spec: TS 38.331 CSI-FrequencyOccupation
        let n_rb = resource.n_rb.min(c.cell.dl.n_rb.saturating_sub(resource.start_rb));
        let resource = &CsiRsResource { n_rb, ..*resource };
        let symbols =
            (0..resource.locations().map_or(1, |r| r.groups().iter().map(|g| g.1 + r.n_l).max().unwrap_or(1)))
                .fold(0u16, |m, l| m | 1u16.checked_shl(u32::from(l)).unwrap_or(0));
        let grid = self.front.grid(samples, symbols);
        let offset = c.cell.dl.offset_to_carrier;
        self.channel_is_new = self.csi.channel(resource, slot, offset, grid, &mut self.channel).is_ok();
        // Across subcarriers an echo looks like noise: what the blocks say bounds it.
        self.channel.noise_var = self.channel.noise_var.min(sync.noise_var().unwrap_or(f32::MAX));
    }

    /// Rank, precoder and quality of the channel measured last, if no report was made of it yet. Spec: TS 38.214 §5.2.2
    pub fn report(&mut self, report: &CsiReport) -> Option<CsiValues> {
        if !core::mem::take(&mut self.channel_is_new) {
            return None;
        }
        self.computer.compute(&self.channel, self.interference.as_ref(), &report.content, report.cqi_table, 0.0, 0).ok()
    }

    /// The result of the PDSCH received last in this slot, once.
    pub fn take_result(&mut self) -> Option<PdschResult> {
        self.last.take()
    }
}

/// Whether the report takes the channel of every port at every antenna, not just the SNR of one.
fn by_channel(c: &InForce, n_rx: usize) -> bool {
    n_rx > 1 || c.d.and_then(|d| d.csi_report).is_some_and(|r| r.content.codebook.n_ports() > 1)
}

/// Two antennas' view of a block: the stronger one's power, delay and turns by power. Spec: TS 38.215 §5.1.1
fn together(a: SsbMeasurement, b: SsbMeasurement) -> SsbMeasurement {
    let share = b.rsrp / (a.rsrp + b.rsrp).max(f32::MIN_POSITIVE);
    SsbMeasurement {
        rsrp: a.rsrp.max(b.rsrp),
        noise_var: 0.5 * (a.noise_var + b.noise_var),
        delay_symbols: a.delay_symbols + share * (b.delay_symbols - a.delay_symbols),
        turns_per_symbol: a.turns_per_symbol + share * (b.turns_per_symbol - a.turns_per_symbol),
    }
}

/// A resource of one port at every antenna: the sum of the powers, delay by power; `pilots` of all of them.
fn csi_rs(
    receiver: &mut CsiRsReceiver,
    resource: &CsiRsResource,
    slot: SlotPoint,
    offset_to_carrier: u16,
    grid: &Grid,
    pilots: &mut Vec<Cf32>,
) -> Option<CsiRsMeasurement> {
    pilots.clear();
    let mut all: Option<CsiRsMeasurement> = None;
    for rx in 0..grid.n_ports() {
        let m = receiver.measure(resource, slot, offset_to_carrier, grid, rx).ok()?;
        pilots.extend_from_slice(receiver.pilots());
        all = Some(match all {
            None => m,
            Some(a) => CsiRsMeasurement {
                rsrp: a.rsrp + m.rsrp,
                noise_var: a.noise_var + (m.noise_var - a.noise_var) / (rx + 1) as f32,
                delay_s: a.delay_s
                    + (m.delay_s - a.delay_s) * f64::from(m.rsrp / (a.rsrp + m.rsrp).max(f32::MIN_POSITIVE)),
            },
        });
    }
    all
}
