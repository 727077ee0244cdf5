//! One slot of a served cell, from samples to what goes out two slots later. Read this first.

use crate::downlink::{Downlink, InForce, Rntis};
use crate::samples::Samples;
use crate::sync::Sync;
use crate::ue::UlBursts;
use crate::uplink::{AHEAD, Uplink};
use dsp::{Cf32, Isa};
use fapi::dci::DciContext;
use fapi::resolve::is_csi_occasion;
use fapi::ue::{UeIndication, UeL1Event};
use fapi::{CarrierConfig, CellConfig, DedicatedConfig, McsTable};
use nr::tables::cqi;
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::{Carrier, CarrierError};

/// Samples kept from before the present slot, for a timing that moves to earlier.
const HISTORY: usize = 64;

/// A cell that is served: all that the UE's L1 knows of it, and the kernels for its carrier.
pub struct Serving {
    /// The configuration of the cell.
    pub cell: CellConfig,
    /// SIB1 has been read; before, the carrier is CORESET 0 alone.
    pub camped: bool,
    dedicated: Option<Box<DedicatedConfig>>,
    pending: Option<(SlotPoint, Option<Box<DedicatedConfig>>)>,
    dci: DciContext,
    /// Identities.
    pub rntis: Rntis,
    /// Timing and frequency.
    pub sync: Sync,
    /// Downlink.
    pub downlink: Downlink,
    /// Uplink.
    pub uplink: Uplink,
    carrier: Carrier,
    /// The UE's samples around the present slot, of each antenna, and the count of the first.
    samples: Vec<Vec<Cf32>>,
    first: i64,
    processed: Option<SlotPoint>,
}

/// The sampling grid of a carrier.
pub fn carrier_of(c: &CarrierConfig) -> Result<Carrier, CarrierError> {
    Carrier::new(c.numerology, usize::from(c.n_rb), c.centre_hz())
}

/// What a [`Serving`] is made with.
#[derive(Clone, Copy)]
pub struct Build {
    /// Instruction set.
    pub isa: Isa,
    /// LDPC iterations.
    pub max_iterations: u8,
    /// The UE's greatest power.
    pub p_max_dbm: f32,
    /// Seeds choices of random access.
    pub seed: u64,
    /// Antennas that receive.
    pub n_rx: usize,
    /// Antennas that send.
    pub n_tx: usize,
}

impl Serving {
    /// Begins to serve `cell`; the next sample has the UE's count `count`.
    ///
    /// Errors: a carrier that no sampling grid fits.
    pub fn new(cell: CellConfig, camped: bool, sync: Sync, count: i64, build: &Build) -> Result<Serving, CarrierError> {
        let carrier = carrier_of(&cell.dl)?;
        let mut uplink = Uplink::new(&cell, carrier_of(&cell.ul)?, build)?;
        uplink.power.on_rsrp(sync.rsrp_dbm(), &cell);
        let mut serving = Serving {
            dci: DciContext::common(&cell),
            downlink: Downlink::new(carrier, build.isa, build.max_iterations, !camped, build.n_rx)?,
            uplink,
            camped,
            dedicated: None,
            pending: None,
            rntis: Rntis::default(),
            sync,
            carrier,
            samples: (0..build.n_rx).map(|_| Vec::with_capacity(4 * carrier.slot_len_max())).collect(),
            first: count,
            processed: None,
            cell,
        };
        // A slot that has begun already is not whole any more.
        while serving.sync.start_count() < count {
            serving.sync.advance(&serving.carrier);
        }
        Ok(serving)
    }

    /// The carrier that is received.
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// The slot processed last.
    pub fn slot(&self) -> Option<SlotPoint> {
        self.processed
    }

    /// Samples to the end of the present slot.
    pub fn need(&self) -> usize {
        let end = self.sync.start_count() + self.carrier.slot_len(self.sync.next) as i64;
        let have = self.first + self.samples[0].len() as i64;
        (end - have).clamp(1, 2 * self.carrier.slot_len_max() as i64) as usize
    }

    /// Whether the present slot has any downlink symbol.
    pub fn listens(&self) -> bool {
        (0..SYMBOLS_PER_SLOT as u8).any(|l| self.cell.duplex.is_downlink(self.sync.next, l, 1))
    }

    /// Takes samples; runs the slot that they complete.
    pub fn receive(&mut self, samples: Samples<'_>, ind: &mut UeIndication) {
        self.processed = None;
        let start = self.sync.start_count();
        let len = self.carrier.slot_len(self.sync.next);
        let new = self.first + self.samples[0].len() as i64;
        let in_new = usize::try_from(start - new).ok().and_then(|at| samples.part(at, len));
        if let Some(slot) = in_new {
            // The usual case: the slot lies in the new samples as a whole.
            self.run(slot, ind);
            let kept = (self.sync.start_count() - HISTORY as i64).max(new);
            let kept_at = ((kept - new) as usize).min(samples.len());
            for (a, held) in self.samples.iter_mut().enumerate() {
                held.clear();
                held.extend_from_slice(&samples.antenna(a)[kept_at..]);
            }
            self.first = new + kept_at as i64;
            return;
        }
        for (a, held) in self.samples.iter_mut().enumerate() {
            held.extend_from_slice(samples.antenna(a));
        }
        let mut buffer = core::mem::take(&mut self.samples);
        let all = Samples::each(buffer.len(), |a| &buffer[a]);
        let in_buffer = usize::try_from(start - self.first).ok().and_then(|at| all.part(at, len));
        if let Some(slot) = in_buffer {
            self.run(slot, ind);
        }
        // Keep what the next slot may need.
        let held = buffer[0].len() as i64;
        let gone = (self.sync.start_count() - self.first - HISTORY as i64).clamp(0, held) as usize;
        buffer.iter_mut().for_each(|b| _ = b.drain(..gone));
        self.samples = buffer;
        self.first += gone as i64;
    }

    /// One slot, by its samples.
    fn run(&mut self, samples: Samples<'_>, ind: &mut UeIndication) {
        let slot = self.sync.next;
        self.take_configuration(slot);
        let rounded = self.sync.start_count() as f64 - self.sync.start;
        let c = InForce {
            cell: &self.cell,
            d: self.dedicated.as_deref(),
            dci: &self.dci,
            rntis: &self.rntis,
            camped: self.camped,
        };

        // Samples to symbols, as far as anybody looks: gain, carrier offset, transform.
        self.downlink.front.begin(slot, self.sync.cfo_hz, self.sync.gain);
        // Control to data: blind decoding, assignments received at once, grants and feedback noted.
        self.downlink.monitor(&c, slot, samples, &mut self.uplink, ind);
        self.downlink.take_later(&c, slot, samples, &mut self.uplink, ind);
        // What the slot says of channel and oscillator moves the loops.
        if let Some(data) = self.downlink.take_result().filter(|r| r.crc_ok) {
            self.sync.on_data(data.delay_s, data.turns_per_symbol, rounded);
        }
        if let Some(m) = self.downlink.measure_block(&c, slot, samples, rounded, &mut self.sync) {
            let (rsrp_dbm, cfo_hz) = (self.sync.rsrp_dbm(), self.sync.cfo_hz as f32);
            self.uplink.power.on_rsrp(rsrp_dbm, &self.cell);
            ind.events.push(UeL1Event::Measured { rsrp_dbm, snr_db: m.snr_db(), cfo_hz });
        }
        self.downlink.measure_csi(&c, slot, samples, rounded, &mut self.sync);
        let snr = self.downlink.csi_snr.unwrap_or(libm::powf(10.0, self.sync.snr_db() / 10.0));
        let report = c.d.and_then(|d| d.csi_report);
        if report.is_none_or(|r| r.content.codebook.n_ports() == 1 && self.samples.len() == 1) {
            self.uplink.csi.cqi = cqi_of(snr, report.map_or(McsTable::Qam64, |r| r.cqi_table));
        }

        if slot.slot() == 0 {
            ind.events.push(UeL1Event::InSync(self.sync.in_sync()));
        }
        ind.slot = Some(slot);
        self.processed = Some(slot);
        self.sync.settle_gain();
        self.sync.advance(&self.carrier);
    }

    /// What goes out: the uplink slot [`AHEAD`] of the one just received. Once for each slot.
    pub fn transmit(&mut self, out: &mut UlBursts) {
        let Some(slot) = self.processed.take() else { return };
        if !self.camped {
            return;
        }
        let due = slot.plus(AHEAD);
        let start = self.sync.start_of(&self.carrier, AHEAD - 1);
        let c = InForce {
            cell: &self.cell,
            d: self.dedicated.as_deref(),
            dci: &self.dci,
            rntis: &self.rntis,
            camped: self.camped,
        };
        let report = self.dedicated.as_deref().filter(|d| is_csi_occasion(d, due)).and_then(|d| d.csi_report);
        if let Some(csi) = report.and_then(|r| self.downlink.report(&r)) {
            self.uplink.csi = csi;
        }
        self.uplink.build(&c, due, start, &self.sync, out);
    }

    /// Puts a dedicated configuration in force from slot `from` on.
    pub fn configure(&mut self, from: SlotPoint, config: Option<Box<DedicatedConfig>>) {
        self.pending = Some((from, config));
        if from.minus(self.sync.next) <= 0 {
            self.take_configuration(self.sync.next);
        }
    }

    fn take_configuration(&mut self, slot: SlotPoint) {
        if self.pending.as_ref().is_none_or(|(from, _)| from.minus(slot) > 0) {
            return;
        }
        let Some((_, config)) = self.pending.take() else { return };
        self.dci = match &config {
            Some(d) => DciContext::dedicated(&self.cell, d),
            None => DciContext::common(&self.cell),
        };
        self.dedicated = config;
        (self.downlink.csi_snr, self.downlink.interference) = (None, None);
    }

    /// Releases everything dedicated; cell, timing and power stay.
    pub fn reset(&mut self) {
        self.pending = None;
        self.dedicated = None;
        self.dci = DciContext::common(&self.cell);
        self.rntis = Rntis::default();
        self.downlink.reset();
        self.uplink.reset();
    }
}

/// The highest CQI that a channel of this SNR carries, 2 dB away from capacity. Spec: TS 38.214 §5.2.2.1
pub fn cqi_of(snr: f32, table: McsTable) -> u8 {
    let rows = match table {
        McsTable::Qam64 => &cqi::TABLE_1,
        McsTable::Qam256 => &cqi::TABLE_2,
        McsTable::Qam64LowSe => &cqi::TABLE_3,
        McsTable::Qam1024 => &cqi::TABLE_4,
    };
    let carried = libm::log2f(1.0 + snr.max(0.0) / 1.6);
    let best = (1..16).rev().find(|&i| f32::from(rows[i].q_m) * f32::from(rows[i].rate_x2048) / 2048.0 <= carried);
    best.unwrap_or(0) as u8
}
