//! The uplink of a served cell: grants, feedback, requests and preambles become bursts of samples.
//!
//! What falls into a slot is gathered while the downlink is read, and turned into samples two slots ahead by [`Uplink::build`].

mod build;
mod codebook;
mod power;
mod prach;
#[cfg(test)]
mod tests;

pub use codebook::{ACKS_MAX, Ack, BITS_MAX, Codebook};
pub use power::Power;

use crate::downlink::{InForce, N_HARQ, Rntis};
use crate::slot::Build;
use crate::ue::Counters;
use fapi::csi::CsiValues;
use fapi::dci::{Dci, RntiKind};
use fapi::resolve::{self, Heard, RarGrant, UlGrant};
use fapi::ue::{UeIndication, UeL1Event, UeResponse};
use fapi::{CellConfig, Coding, DedicatedConfig};
use nr::{Rnti, SlotPoint, Tc};
use ofdm::{Carrier, CarrierError, Grid, Modulator};
use phy::pucch::PucchTransmitter;
use phy::pusch::PuschTransmitter;
use phy::srs::SrsTransmitter;

/// Slots between the one just received and the one that is built.
pub const AHEAD: i64 = 2;
/// Grants that wait at a time.
const GRANTS_MAX: usize = 32;

/// One uplink HARQ process. Spec: TS 38.321 §5.4.2
#[derive(Default)]
struct UlProcess {
    ndi: Option<bool>,
    rnti: Option<Rnti>,
    coding: Option<Coding>,
    tb: Vec<u8>,
}

/// A granted PUSCH that waits for its slot.
#[derive(Clone, Copy)]
struct Granted {
    grant: UlGrant,
    msg3: bool,
    /// MAC has given the block, or this is a retransmission of one.
    ready: bool,
    /// Its power.
    dbm: f32,
}

/// A timing advance that takes effect at a slot.
#[derive(Clone, Copy)]
struct Adjustment {
    from: SlotPoint,
    n_ta: i64,
}

/// Sends the uplink of one carrier; owns all kernels and scratch.
pub struct Uplink {
    isa: dsp::Isa,
    modulator: Modulator,
    grid: Grid,
    symbol: Vec<dsp::Cf32>,
    /// Amplitude and fractional delay of the present slot, by subcarrier.
    ramp: Vec<dsp::Cf32>,
    pusch: PuschTransmitter,
    pucch: PucchTransmitter,
    srs: SrsTransmitter,
    prach: prach::Access,
    /// Acknowledgements that wait.
    acks: Vec<Ack>,
    grants: Vec<Granted>,
    harq: Vec<UlProcess>,
    /// N_TA in Tc; `None` while there is no valid one.
    n_ta: i64,
    adjustment: Option<Adjustment>,
    sr_pending: bool,
    /// Power control.
    pub power: Power,
    /// What the next report says.
    pub csi: CsiValues,
    last_rar: Option<SlotPoint>,
    /// Events of what was sent, for the next indication.
    pub events: Vec<UeL1Event>,
    /// What was counted.
    pub counters: Counters,
}

impl Uplink {
    /// For the cell's uplink carrier, which must have the downlink's sampling rate.
    pub fn new(cell: &CellConfig, carrier: Carrier, build: &Build) -> Result<Uplink, CarrierError> {
        let (n_rb, isa, n_tx) = (carrier.n_rb(), build.isa, build.n_tx.max(1));
        let tb_max = n_rb * 12 * 14 * n_tx;
        let process = |_| UlProcess { tb: Vec::with_capacity(tb_max), ..UlProcess::default() };
        Ok(Uplink {
            isa,
            modulator: Modulator::new(carrier, isa)?,
            grid: Grid::new(n_tx, carrier.n_subcarriers()),
            symbol: Vec::with_capacity(2 * carrier.fft_len()),
            ramp: vec![dsp::Cf32::default(); carrier.n_subcarriers()],
            pusch: PuschTransmitter::new(isa, n_rb, n_tx),
            pucch: PucchTransmitter::new(cell.ul.offset_to_carrier),
            srs: SrsTransmitter::default(),
            prach: prach::Access::new(cell, carrier, isa, build.seed),
            acks: Vec::with_capacity(ACKS_MAX),
            grants: Vec::with_capacity(GRANTS_MAX),
            harq: (0..N_HARQ).map(process).collect(),
            n_ta: 0,
            adjustment: None,
            sr_pending: false,
            power: Power::new(build.p_max_dbm, cell),
            csi: CsiValues { rank: 1, cqi: 1, ..CsiValues::default() },
            last_rar: None,
            events: Vec::with_capacity(16),
            counters: Counters::default(),
        })
    }

    /// Forgets grants, feedback and processes; the timing advance and the power stay. Spec: TS 38.321 §5.12
    pub fn reset(&mut self) {
        self.acks.clear();
        self.grants.clear();
        self.sr_pending = false;
        self.prach.cancel();
        for p in &mut self.harq {
            (p.ndi, p.rnti, p.coding) = (None, None, None);
            p.tb.clear();
        }
    }

    /// Notes the outcome of a PDSCH for its feedback.
    pub fn on_block(&mut self, ack: Ack) {
        if self.acks.len() == ACKS_MAX {
            let oldest = self.acks.remove(0);
            self.power.on_pucch_tpc(f32::from(resolve::tpc_db(oldest.tpc)));
        }
        self.acks.push(ack);
    }

    /// Lets go of the feedback that `gone` names; the power commands that came with it stay.
    fn drop_acks(&mut self, gone: impl Fn(&Ack) -> bool) {
        let Uplink { acks, power, .. } = self;
        acks.retain(|a| {
            if gone(a) {
                power.on_pucch_tpc(f32::from(resolve::tpc_db(a.tpc)));
            }
            !gone(a)
        });
    }

    /// Power of a granted PUSCH, dBm; MAC is told its headroom ahead of the grant, for the report that it may carry.
    /// Spec: TS 38.213 §7.1.1, §7.7.1, TS 38.321 §5.4.6
    fn power_of(
        &mut self,
        grant: &UlGrant,
        msg3: bool,
        cell: &CellConfig,
        d: Option<&DedicatedConfig>,
        events: &mut Vec<UeL1Event>,
    ) -> f32 {
        let (dbm, ph_db) = self.power.pusch_dbm(grant.pdu.rbs.n_rb(), grant.slot.numerology().mu(), msg3, cell, d);
        events.push(UeL1Event::PowerHeadroom { ph_db, p_cmax_dbm: self.power.p_cmax_dbm() });
        dbm
    }

    /// Follows an uplink grant; returns whether it made sense. Asks MAC for a block where it is a new transmission.
    pub fn on_grant(&mut self, dci: &Dci, heard: &Heard, c: &InForce, ind: &mut UeIndication) -> bool {
        let harq = match dci {
            Dci::F0_0(x) if heard.rnti_kind == RntiKind::Cell => x.harq,
            Dci::F0_1(x) | Dci::F0_2(x) => x.harq,
            _ => 0,
        };
        let previous = self.harq.get(usize::from(harq)).and_then(|p| p.coding);
        let Ok(grant) = resolve::pusch(dci, heard, c.cell, c.d, previous.as_ref()) else { return false };
        self.power.on_pusch_tpc(f32::from(resolve::tpc_db(grant.tpc)));
        // Format 0_0 under the temporary C-RNTI retransmits Msg3. Spec: TS 38.321 §5.4.2.1
        let msg3 = heard.rnti_kind == RntiKind::Temporary;
        let dbm = self.power_of(&grant, msg3, c.cell, c.d, &mut ind.events);
        let new_data = self.accept(grant, msg3, dbm, heard.slot, ind);
        if heard.rnti_kind == RntiKind::Cell {
            ind.events.push(UeL1Event::PdcchToCRnti { uplink_new: new_data });
        }
        true
    }

    /// The grant of a random access response that came in `slot`; asks MAC for Msg3 in the next indication.
    fn on_rar(&mut self, bits: u32, slot: SlotPoint, cell: &CellConfig, rntis: &Rntis, now: SlotPoint) {
        let Some(temporary) = rntis.temporary.or(rntis.c_rnti) else { return };
        let rar = RarGrant::decode(bits);
        self.power.on_random_access(f32::from(rar.tpc_db()));
        self.last_rar = Some(slot);
        let Ok(grant) = resolve::msg3(&rar, temporary, slot, cell) else {
            self.counters.dcis_dropped += 1;
            return;
        };
        if grant.slot.minus(now) < AHEAD {
            self.counters.ul_late += 1;
            return;
        }
        let tbs_bytes = grant.pdu.coding.tbs_bytes;
        self.prepare(&grant, true);
        let mut events = core::mem::take(&mut self.events);
        let dbm = self.power_of(&grant, true, cell, None, &mut events);
        self.events = events;
        self.push(Granted { grant, msg3: true, ready: false, dbm });
        self.events.push(UeL1Event::UlGrant {
            harq: grant.pdu.harq,
            new_data: true,
            tbs_bytes,
            slot: grant.slot,
            msg3: true,
        });
    }

    /// Queues a grant and asks for its block; returns whether it is a new transmission.
    fn accept(&mut self, mut grant: UlGrant, msg3: bool, dbm: f32, now: SlotPoint, ind: &mut UeIndication) -> bool {
        let new_data = !msg3 && self.is_new(&grant);
        grant.pdu.new_data = new_data;
        self.counters.ul_blocks += u64::from(new_data);
        self.counters.ul_retransmissions += u64::from(!new_data);
        if grant.slot.minus(now) < AHEAD {
            // The burst would have to begin before now.
            self.counters.ul_late += 1;
        }
        self.prepare(&grant, new_data);
        let harq = grant.pdu.harq;
        let ready = !new_data && !self.harq[usize::from(harq.get())].tb.is_empty();
        self.push(Granted { grant, msg3, ready, dbm });
        if grant.ul_sch {
            let tbs_bytes = grant.pdu.coding.tbs_bytes;
            ind.events.push(UeL1Event::UlGrant { harq, new_data, tbs_bytes, slot: grant.slot, msg3 });
        }
        new_data
    }

    fn is_new(&self, grant: &UlGrant) -> bool {
        let p = &self.harq[usize::from(grant.pdu.harq.get())];
        let same_size = p.coding.is_some_and(|c| c.tbs_bytes == grant.pdu.coding.tbs_bytes);
        p.ndi != Some(grant.ndi) || p.rnti != Some(grant.pdu.rnti) || !same_size
    }

    /// Notes a transmission in its process.
    fn prepare(&mut self, grant: &UlGrant, new_data: bool) {
        let p = &mut self.harq[usize::from(grant.pdu.harq.get())];
        (p.ndi, p.rnti) = (Some(grant.ndi), Some(grant.pdu.rnti));
        if new_data {
            p.coding = Some(grant.pdu.coding);
            p.tb.clear();
        }
    }

    fn push(&mut self, granted: Granted) {
        if self.grants.len() == GRANTS_MAX {
            self.grants.remove(0);
        }
        self.grants.push(granted);
    }

    /// Takes the blocks that MAC gives for its grants.
    pub fn on_blocks(&mut self, response: &UeResponse) {
        for block in &response.blocks {
            let bytes = block.tb.of(&response.bytes);
            let waiting = |g: &&mut Granted| g.grant.pdu.harq == block.harq && !g.ready;
            let Some(granted) = self.grants.iter_mut().rev().find(waiting) else { continue };
            if bytes.len() != granted.grant.pdu.coding.tbs_bytes as usize {
                continue;
            }
            granted.ready = true;
            let tb = &mut self.harq[usize::from(block.harq.get())].tb;
            tb.clear();
            tb.extend_from_slice(bytes);
        }
    }

    /// A scheduling request is pending, or no more.
    pub fn on_scheduling_request(&mut self, pending: bool) {
        self.sr_pending = pending;
    }

    /// A preamble is to be sent at the next occasion.
    pub fn on_preamble(&mut self, preamble: u8, target_power_dbm: i16) {
        self.prach.request(preamble, target_power_dbm);
    }

    /// The grant of a random access response.
    pub fn on_rar_grant(&mut self, bits: u32, slot: SlotPoint, cell: &CellConfig, rntis: &Rntis, now: SlotPoint) {
        self.on_rar(bits, slot, cell, rntis, now);
    }

    /// T_A of a random access response: in force at once. Spec: TS 38.213 §4.2
    pub fn on_advance_absolute(&mut self, t_a: u16, mu: u8) {
        self.n_ta = i64::from(t_a.min(3846)) * 1024 >> mu;
        self.adjustment = None;
    }

    /// A timing advance command that came in `slot`: in force some slots later. Spec: TS 38.213 §4.2
    pub fn on_advance(&mut self, t_a: u8, slot: SlotPoint) {
        let mu = slot.numerology().mu();
        let base = self.adjustment.map_or(self.n_ta, |a| a.n_ta);
        let n_ta = (base + ((i64::from(t_a.min(63)) - 31) * 1024 >> mu)).clamp(0, 3846 * 1024 >> mu);
        // k + 1 slots with N_T,1 + N_T,2 + N_TA,max + 0.5 ms of about 1.8 ms.
        let k = (1.8e-3 / slot.numerology().slot_tc().as_secs_f64()) as i64 + 2;
        self.adjustment = Some(Adjustment { from: slot.plus(k), n_ta });
    }

    /// N_TA that is in force in `slot`, Tc.
    fn n_ta_in(&mut self, slot: SlotPoint) -> i64 {
        if let Some(a) = self.adjustment.filter(|a| slot.minus(a.from) >= 0) {
            self.n_ta = a.n_ta;
            self.adjustment = None;
        }
        self.n_ta
    }

    /// Timing advance in Tc, without the cell's offset.
    pub fn n_ta(&self) -> Tc {
        Tc(self.n_ta)
    }

    /// Contention resolution failed: its feedback must not go out. Spec: TS 38.321 §5.1.5
    pub fn drop_temporary(&mut self) {
        self.drop_acks(|a| a.temporary);
    }
}
