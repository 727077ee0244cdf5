//! A transmitter that stands in for a gNB: one cell, PDUs by hand, and the channel between it and a UE's L1.
#![allow(dead_code)]

use air::{Air, CellConfig as AirCell, LinkConfig, Tuning as AirTuning};
use dsp::{Cf32, Isa};
use fapi::dci::{Dci, DciContext, DciSi, RntiKind, encode};
use fapi::resolve::{self, Heard, MibView, cell_from_mib, coreset0_config, default_pdsch_times, default_pusch_times};
use fapi::ue::{UeIndication, UeResponse};
use fapi::*;
use node::Rng;
use nr::tables::raster::{Band, gscn_hz};
use nr::{Numerology, Pci, Rnti, SlotPoint};
use ofdm::{Carrier, Grid, Modulator};
use phy::pdcch::PdcchTransmitter;
use phy::pdsch::PdschTransmitter;
use phy::ssb::SsbTransmitter;
use ue_l1::{UeL1, UeL1Config, UlBursts};

thread_local! {
    /// The UE's L1 is at work in this thread.
    pub static AT_WORK: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
    /// Allocations of the UE's L1 in this thread, where a test counts them.
    pub static ALLOCATIONS: core::cell::Cell<u64> = const { core::cell::Cell::new(0) };
}

/// What a test cell is made of.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub band: u16,
    pub pci: u16,
    pub gscn: u32,
    pub n_rb: u16,
    pub k_ssb: u8,
    pub coreset_zero: u8,
    pub search_space_zero: u8,
    /// Carrier RBs below CORESET 0.
    pub below: u16,
    pub ssb_index: u8,
    pub duplex: Duplex,
}

pub const DDDSU: Duplex =
    Duplex::Tdd(TddPattern { period_slots: 5, dl_slots: 3, dl_symbols: 10, ul_slots: 1, ul_symbols: 2 });

pub const N78: Preset = Preset {
    band: 78,
    pci: 1007,
    gscn: 7839,
    n_rb: 51,
    k_ssb: 6,
    coreset_zero: 10,
    search_space_zero: 4,
    below: 1,
    ssb_index: 0,
    duplex: DDDSU,
};

/// FDD at 15 kHz, 10 MHz: SSB case A.
pub const N3: Preset = Preset {
    band: 3,
    pci: 42,
    gscn: 4600,
    n_rb: 52,
    k_ssb: 5,
    coreset_zero: 5,
    search_space_zero: 4,
    below: 2,
    ssb_index: 1,
    duplex: Duplex::Fdd,
};

/// 40 MHz in n79: CORESET 0 from table 13-6, raster in steps of 16.
pub const N79: Preset = Preset {
    band: 79,
    pci: 611,
    gscn: 8672,
    n_rb: 106,
    k_ssb: 0,
    coreset_zero: 4,
    search_space_zero: 4,
    below: 7,
    ssb_index: 3,
    duplex: Duplex::Tdd(TddPattern { period_slots: 5, dl_slots: 1, dl_symbols: 10, ul_slots: 3, ul_symbols: 2 }),
};

impl Preset {
    pub fn mib_view(&self) -> MibView {
        let band = Band::of(self.band).unwrap();
        MibView {
            pci: Pci::new(self.pci).unwrap(),
            scs_common: band.ssb_numerology,
            k_ssb: self.k_ssb,
            coreset_zero: self.coreset_zero,
            search_space_zero: self.search_space_zero,
            type_a_position: 2,
            ssb_numerology: band.ssb_numerology,
            ssb_case: if band.ssb_numerology == Numerology::KHZ15 { SsbCase::A } else { SsbCase::C },
            l_max: band.l_max(),
            ssb_index: self.ssb_index,
            ssb_hz: gscn_hz(self.gscn).unwrap(),
            min_bandwidth_40mhz: band.min_bandwidth_40mhz,
            fr2: false,
        }
    }

    /// The cell as SIB1 would describe it.
    pub fn cell(&self) -> CellConfig {
        let view = self.mib_view();
        let band = Band::of(self.band).unwrap();
        let (mut cell, t) = cell_from_mib(&view).unwrap();
        let rb_hz = 12.0 * f64::from(view.scs_common.scs_hz());
        let point_a_hz = t.low_hz - f64::from(self.below) * rb_hz;
        cell.dl = CarrierConfig { numerology: view.scs_common, n_rb: self.n_rb, point_a_hz, offset_to_carrier: 0 };
        let spacing = band.dl_hz.0 as f64 - band.ul_hz.0 as f64;
        cell.ul = CarrierConfig { point_a_hz: point_a_hz - spacing, ..cell.dl };
        cell.duplex = self.duplex;
        cell.coresets = vec![coreset0_config(&t.coreset0, view.pci, self.below)];
        cell.coreset0_bwp = Bwp { id: 0, start_rb: self.below, n_rb: t.coreset0.n_rb as u16 };
        cell.initial_dl_bwp = Bwp { id: 0, start_rb: 0, n_rb: self.n_rb };
        cell.initial_ul_bwp = Bwp { id: 0, start_rb: 0, n_rb: self.n_rb };
        cell.pdsch.time_allocations = default_pdsch_times(2);
        cell.pusch.time_allocations = default_pusch_times(view.scs_common.mu());
        cell.pusch.time_allocations[0] = TimeAllocation { k: 2, mapping: MappingType::A, start: 0, n_symbols: 14 };
        cell.pucch.p0_dbm = -100;
        cell.rach.preamble_target_power_dbm = -100;
        cell.n_ta_offset_tc = if self.duplex == Duplex::Fdd { 0 } else { 25600 };
        cell.ssb.block_power_dbm = 0;
        cell
    }

    pub fn mib(&self) -> u32 {
        let scs = if self.mib_view().scs_common == Numerology::KHZ30 { 1 } else { 0 };
        scs << 16
            | u32::from(self.k_ssb & 15) << 12
            | u32::from(self.coreset_zero) << 7
            | u32::from(self.search_space_zero) << 3
            | 1 << 2
    }
}

/// The cell's transmitter.
pub struct Gnb {
    pub preset: Preset,
    pub cell: CellConfig,
    pub carrier: Carrier,
    pub slot: SlotPoint,
    pub sib1: Vec<u8>,
    modulator: Modulator,
    grid: Grid,
    ssb: SsbTransmitter,
    pdcch: PdcchTransmitter,
    pdsch: PdschTransmitter,
    samples: Vec<Cf32>,
}

impl Gnb {
    pub fn new(preset: Preset) -> Gnb {
        let cell = preset.cell();
        let carrier = ue_l1::slot::carrier_of(&cell.dl).unwrap();
        Gnb {
            slot: SlotPoint::new(carrier.numerology(), 1020, 3),
            sib1: (0..24).map(|i| i as u8 ^ 0x5a).collect(),
            modulator: Modulator::new(carrier, Isa::best()).unwrap(),
            grid: Grid::new(1, carrier.n_subcarriers()),
            ssb: SsbTransmitter::new(),
            pdcch: PdcchTransmitter::new(),
            pdsch: PdschTransmitter::new(Isa::best(), carrier.n_rb(), 1),
            samples: Vec::new(),
            carrier,
            preset,
            cell,
        }
    }

    /// Sends a DCI in the first candidate of a level.
    pub fn send_dci(
        &mut self,
        dci: &Dci,
        rnti: Rnti,
        space: &SearchSpaceConfig,
        d: Option<&DedicatedConfig>,
        level_idx: usize,
    ) {
        let coreset = self.coreset(space, d);
        let cce = resolve::candidates(space, &coreset, rnti, self.slot, level_idx).next().unwrap();
        self.send_dci_at(dci, rnti, space, d, level_idx, cce);
    }

    fn coreset(&self, space: &SearchSpaceConfig, d: Option<&DedicatedConfig>) -> CoresetConfig {
        let own = d.map_or(&[][..], |d| &d.coresets);
        *own.iter().chain(&self.cell.coresets).find(|c| c.id == space.coreset_id).unwrap()
    }

    /// Sends a DCI from CCE `cce` on.
    pub fn send_dci_at(
        &mut self,
        dci: &Dci,
        rnti: Rnti,
        space: &SearchSpaceConfig,
        d: Option<&DedicatedConfig>,
        level_idx: usize,
        cce: u16,
    ) {
        let ctx = d.map_or(DciContext::common(&self.cell), |d| DciContext::dedicated(&self.cell, d));
        let coreset = self.coreset(space, d);
        let (n_id, n_rnti) = resolve::pdcch_scrambling(&coreset, space.kind, rnti, self.cell.pci.get());
        let pdu = PdcchPdu {
            coreset,
            start_symbol: resolve::occasion_symbols(space).next().unwrap(),
            cce,
            aggregation_level: resolve::AGGREGATION_LEVELS[level_idx],
            rnti,
            scrambling_rnti: n_rnti,
            scrambling_n_id: n_id,
            power_offset_db: 0.0,
            payload: encode(dci, space.kind, &ctx).unwrap(),
        };
        self.pdcch.transmit(&pdu, self.slot, &mut self.grid).unwrap();
    }

    /// Sends a downlink DCI and its PDSCH in this slot.
    pub fn send_block(
        &mut self,
        dci: &Dci,
        rnti: Rnti,
        kind: RntiKind,
        space: &SearchSpaceConfig,
        d: Option<&DedicatedConfig>,
        level_idx: usize,
        tb: &dyn Fn(usize) -> Vec<u8>,
    ) -> Vec<u8> {
        self.send_dci(dci, rnti, space, d, level_idx);
        let cell = self.cell.clone();
        let coreset = self.coreset(space, d);
        let heard = Heard { slot: self.slot, rnti, rnti_kind: kind, kind: space.kind, coreset: &coreset };
        let a = resolve::pdsch(dci, &heard, &cell, d, None).unwrap();
        let tb = tb(a.pdu.coding.tbs_bytes as usize);
        self.pdsch.transmit(&a.pdu, &tb, self.slot, &mut self.grid).unwrap();
        tb
    }

    /// Writes the CSI-RSs of this slot.
    pub fn send_csi(&mut self, d: &DedicatedConfig) {
        for r in d.csi_rs.iter().filter(|r| r.is_sent(self.slot)) {
            phy::csi_rs::transmit(r, self.slot, 0, &mut self.grid).unwrap();
        }
    }

    /// Writes what a cell always sends into the slot's grid: blocks, and SIB1 every 20 ms.
    pub fn send_broadcast(&mut self) {
        let slot = self.slot;
        let first = resolve::ssb_first_subcarrier(&self.cell) as u32;
        for o in resolve::ssb_occasions(&self.cell.ssb, slot) {
            let pdu = SsbPdu {
                pci: self.cell.pci,
                ssb_index: o.index,
                l_max: self.cell.ssb.l_max,
                start_symbol: o.start_symbol,
                start_subcarrier: first,
                mib: self.preset.mib(),
                k_ssb: self.preset.k_ssb,
                half_frame: o.half_frame,
            };
            self.ssb.transmit(&pdu, slot, &mut self.grid).unwrap();
        }
        let space = self.cell.search_spaces[0];
        let (k, o) = (u32::from(space.period_slots), u32::from(space.offset_slots));
        if (slot.index() + k - o).is_multiple_of(k) {
            let riv = resolve::riv_encode(0, self.cell.coreset0_bwp.n_rb, self.cell.coreset0_bwp.n_rb).unwrap();
            let dci = Dci::Si(DciSi { frequency: riv, time: 0, interleaved: false, mcs: 0, rv: 0, other_si: false });
            let sib1 = self.sib1.clone();
            self.send_block(&dci, Rnti::SI, RntiKind::Si, &space, None, 2, &move |n| {
                let mut tb = sib1.clone();
                tb.resize(n, 0);
                tb
            });
        }
    }

    /// The slot's samples, and on to the next slot.
    pub fn finish(&mut self) -> &[Cf32] {
        let n = self.carrier.slot_len(self.slot);
        self.samples.resize(n, Cf32::default());
        self.modulator.modulate(self.slot, &self.grid, 0, &mut self.samples).unwrap();
        // Elements at 0 dBm.
        dsp::vector::scale(Isa::best(), &mut self.samples, (self.carrier.fft_len() as f32).sqrt());
        self.grid.clear();
        self.slot = self.slot.plus(1);
        &self.samples
    }
}

/// A cell, a channel and a UE.
pub struct World {
    pub gnb: Gnb,
    pub air: Air,
    pub ue: UeL1,
    pub ind: UeIndication,
    pub bursts: UlBursts,
    buffer: Vec<Cf32>,
    tuning: AirTuning,
    pub dl_samples: i64,
    /// The cell's receiver: samples of slots not yet looked at, and the slot that comes next.
    uplink: std::collections::VecDeque<(SlotPoint, usize)>,
    pub ul_slot: SlotPoint,
    ul_aligned: bool,
    pub ul_samples: Vec<Cf32>,
    pub ul_grid: Grid,
    demodulator: ofdm::Demodulator,
}

/// Slots after which every burst of a slot has been pushed.
const UL_LAG: usize = 4;

pub fn tuning_of(t: ue_l1::Tuning) -> AirTuning {
    AirTuning { rate_hz: t.rate_hz, dl_centre_hz: t.dl_centre_hz, ul_centre_hz: t.ul_centre_hz }
}

impl World {
    pub fn new(preset: Preset, link: LinkConfig, snr_db: f64, search_rate_hz: u32) -> World {
        let gnb = Gnb::new(preset);
        let cell = AirCell {
            rate_hz: gnb.carrier.sample_rate_hz(),
            dl_centre_hz: gnb.cell.dl.centre_hz(),
            ul_centre_hz: gnb.cell.ul.centre_hz(),
            ppm: 0.0,
            noise_figure_db: 5.0,
            history_s: 0.03,
            n_antennas: 1,
        };
        let mut air = Air::new(cell, Isa::best(), 1).unwrap();
        let config = UeL1Config { search_rate_hz, ..UeL1Config::default() };
        let ue = UeL1::new(config, Rng::from_lab_seed(3));
        let tuning = tuning_of(ue.need().tuning);
        let scs = f64::from(gnb.carrier.numerology().scs_hz());
        let path_loss_db = air::path_loss_db_for(0.0, snr_db, scs, link.noise_figure_db);
        air.add_link(LinkConfig { path_loss_db, ..link }, tuning).unwrap();
        let ul = ue_l1::slot::carrier_of(&gnb.cell.ul).unwrap();
        World {
            uplink: Default::default(),
            ul_slot: gnb.slot,
            ul_aligned: false,
            ul_samples: Vec::new(),
            ul_grid: Grid::new(1, ul.n_subcarriers()),
            demodulator: ofdm::Demodulator::new(ul, Isa::best()).unwrap(),
            gnb,
            air,
            ue,
            ind: UeIndication::default(),
            bursts: UlBursts::default(),
            buffer: Vec::new(),
            tuning,
            dl_samples: 0,
        }
    }

    /// The UE's timing less the truth, seconds: where it expects its next slot against where that slot arrives.
    pub fn timing_error_s(&self) -> f64 {
        let link = self.air.link(0).unwrap().config().clone();
        let (slot, start) = self.ue.timing().unwrap();
        let rate = f64::from(self.tuning.rate_hz);
        let local = self.ue.now().as_secs_f64() + (start - self.ue.count() as f64) / rate;
        let heard = link.start_s + local / (1.0 + link.ppm * 1e-6);
        // The slot that the cell sends next starts after all that it has sent.
        let mut sent = self.dl_samples as f64 / f64::from(self.gnb.carrier.sample_rate_hz());
        let behind = self.gnb.slot.minus(slot);
        for i in 1..=behind {
            sent -=
                self.gnb.carrier.slot_len(self.gnb.slot.plus(-i)) as f64 / f64::from(self.gnb.carrier.sample_rate_hz());
        }
        heard - (sent + link.delay_s)
    }

    /// The next slot of the uplink, once all that may lie in it has been sent: samples and grid, elements in sqrt(mW).
    pub fn uplink_slot(&mut self) -> Option<SlotPoint> {
        if self.uplink.len() <= UL_LAG {
            return None;
        }
        let (slot, len) = self.uplink.pop_front()?;
        if !self.ul_aligned {
            // The cell's uplink slots start N_TA,offset before its downlink slots: the first one is cut short.
            let rate = self.gnb.carrier.sample_rate_hz() as f64;
            let early = (self.gnb.cell.n_ta_offset_tc as f64 / nr::Tc::PER_SECOND as f64 * rate).round() as usize;
            self.ul_samples.resize(len - early, Cf32::default());
            self.air.pull_uplink(&mut self.ul_samples);
            self.ul_aligned = true;
            return self.uplink_slot();
        }
        self.ul_samples.resize(len, Cf32::default());
        self.air.pull_uplink(&mut self.ul_samples);
        self.demodulator.demodulate(slot, &self.ul_samples, 8, &mut self.ul_grid, 0).unwrap();
        self.ul_slot = slot;
        Some(slot)
    }

    /// One slot of the cell with what it always sends and what `extra` adds; then the UE runs as far as it can, and `react` answers
    /// each of its indications.
    pub fn slot(&mut self, extra: impl FnOnce(&mut Gnb), mut react: impl FnMut(&UeIndication, &mut UeResponse)) {
        self.gnb.send_broadcast();
        extra(&mut self.gnb);
        let slot = self.gnb.slot;
        let samples = self.gnb.finish();
        self.uplink.push_back((slot, samples.len()));
        self.dl_samples += samples.len() as i64;
        self.air.push_downlink(samples);
        // Memory of a response is the caller's own.
        let mut response = UeResponse::default();
        loop {
            let need = self.ue.need();
            let wanted = tuning_of(need.tuning);
            if wanted != self.tuning {
                self.tuning = wanted;
                self.air.link_mut(0).unwrap().tune(wanted).unwrap();
            }
            self.buffer.resize(need.samples, Cf32::default());
            if self.air.ue_available(0) < need.samples || self.air.pull_ue(0, &mut self.buffer).is_err() {
                return;
            }
            self.ind.clear();
            AT_WORK.set(true);
            self.ue.receive(&self.buffer, &mut self.ind);
            AT_WORK.set(false);
            response.clear();
            react(&self.ind, &mut response);
            AT_WORK.set(response.commands.is_empty());
            self.ue.respond(&response);
            self.bursts.clear();
            self.ue.transmit(&mut self.bursts);
            AT_WORK.set(false);
            for (start, n_antennas, samples) in self.bursts.iter() {
                let heard = self.air.link_mut(0).unwrap().push_burst_of(n_antennas, start, samples);
                assert!(heard, "a late burst");
            }
        }
    }
}
