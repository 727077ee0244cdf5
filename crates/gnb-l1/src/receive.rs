//! Uplink samples to indication.

use super::blocks::Blocks;
use super::harq::SoftPool;
use super::prach::PrachWatch;
use super::transmit::ANTENNAS_MAX;
use super::{GnbL1Options, L1Error, RxCounts};
use dsp::Cf32;
use fapi::slot::{
    HARQ_ACK_BITS_MAX, PuschIndication, SlotPlan, SrsIndication, SrsPrecoder, UciIndication, UlIndication,
};
use fapi::{CellConfig, PucchPdu, PuschPdu, Span, SrsSounding};
use node::Crew;
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::{Carrier, Demodulator, Grid};
use phy::pucch::{PucchReceiver, PucchResult};
use phy::pusch::{PuschControl, PuschReceiver};
use phy::srs::SrsReceiver;

/// The receive half.
pub struct Uplink {
    crew: Crew,
    /// One for each piece that runs at once.
    demodulators: Vec<Demodulator>,
    grid: Grid,
    prach: PrachWatch,
    pucch: PucchReceiver,
    pusch: PuschReceiver,
    srs: SrsReceiver,
    soft: SoftPool,
    blocks: Blocks,
    max_ldpc_iterations: u8,
    tbs_bits_max: u32,
}

impl Uplink {
    pub fn new(cell: &CellConfig, options: &GnbL1Options) -> Result<Uplink, L1Error> {
        let ul = &cell.ul;
        let n_rb = ul.n_rb as usize;
        let carrier = Carrier::new(ul.numerology, n_rb, ul.centre_hz())?;
        let isa = options.isa;
        // 256QAM at rate 948/1024 on 13 of 14 symbols, rounded up.
        let (n_antennas, n_layers) = (options.n_antennas.clamp(1, ANTENNAS_MAX), options.n_ul_layers.clamp(1, 4));
        let tbs_bits_max = (n_layers * n_rb * 12 * 14 * 8) as u32;
        let mut pusch = PuschReceiver::new(isa, n_rb, n_antennas, n_layers);
        pusch.set_detector(options.detector);
        Ok(Uplink {
            crew: Crew::default(),
            demodulators: vec![Demodulator::new(carrier, isa)?],
            grid: Grid::new(n_antennas, carrier.n_subcarriers()),
            prach: PrachWatch::new(cell, carrier, options)?,
            pucch: PucchReceiver::new(isa, ul.offset_to_carrier, n_antennas),
            pusch,
            srs: SrsReceiver::new(isa, n_antennas),
            soft: SoftPool::new(options.n_soft_buffers, tbs_bits_max),
            blocks: Blocks::default(),
            max_ldpc_iterations: options.max_ldpc_iterations.clamp(1, 100),
            tbs_bits_max,
        })
    }

    pub fn carrier(&self) -> &Carrier {
        self.demodulators[0].carrier()
    }

    /// See [`super::GnbL1::set_crew`].
    pub fn set_crew(&mut self, crew: &Crew) {
        self.pusch.set_crew(crew);
        let demodulator = self.demodulators[0].clone();
        self.demodulators.resize(crew.width(), demodulator);
        self.crew = crew.clone();
    }

    /// Everything but the transport blocks.
    pub fn receive_control(
        &mut self,
        slot: SlotPoint,
        samples: &[Cf32],
        plan: &SlotPlan,
        out: &mut UlIndication,
    ) -> Result<RxCounts, L1Error> {
        self.blocks.clear();
        if slot.numerology() != self.carrier().numerology() {
            return Err(L1Error::Numerology);
        }
        let expected = self.grid.n_ports() * self.carrier().slot_len(slot);
        if samples.len() != expected {
            return Err(L1Error::SlotLength { expected, found: samples.len() });
        }
        let mut counts = RxCounts::default();
        self.prach.slot(slot, samples, &plan.prach, out, &mut counts);
        self.demodulate(slot, samples, plan, &mut counts);
        for pdu in &plan.pucch {
            self.control(slot, pdu, out, &mut counts);
        }
        for pdu in &plan.pusch {
            self.pusch_control(slot, pdu, out, &mut counts);
        }
        for sounding in &plan.srs {
            self.sounding(slot, sounding, out, &mut counts);
        }
        Ok(counts)
    }

    /// The transport blocks of the slot that [`Uplink::receive_control`] looked at.
    pub fn receive_data(&mut self, out: &mut UlIndication) -> RxCounts {
        self.blocks.decode(&mut self.soft, &mut self.pusch, self.max_ldpc_iterations, out)
    }

    /// Transforms those symbols that some PUCCH, PUSCH or SRS lies in.
    fn demodulate(&mut self, slot: SlotPoint, samples: &[Cf32], plan: &SlotPlan, counts: &mut RxCounts) {
        let span = |start: u8, n: u8| ((1u32 << n.min(14)) - 1) << start.min(14);
        let pucch = plan.pucch.iter().map(|p| span(p.resource.start_symbol, p.resource.n_symbols));
        let pusch = plan.pusch.iter().map(|p| span(p.start_symbol, p.n_symbols));
        let srs = plan.srs.iter().map(|s| span(s.pdu.resource.start_symbol, s.pdu.resource.n_symbols));
        let wanted = pucch.chain(pusch).chain(srs).fold(0, |all, mask| all | mask);
        // Half of the prefix for late parts of the channel, half for early UEs.
        let advance = 9 * self.carrier().fft_len() / 256;
        let (carrier, n_sc) = (*self.carrier(), self.grid.n_subcarriers());
        let slot_len = carrier.slot_len(slot);
        counts.n_symbols += (wanted & 0x3fff).count_ones() as u16;
        // A few symbols are done before another thread has begun.
        let few = wanted.count_ones() as usize * self.grid.n_ports() < 4;
        let n_lanes = if few { 1 } else { self.demodulators.len() };
        self.crew.rows(&mut self.demodulators[..n_lanes], self.grid.elements_mut(), n_sc, &|demodulator, i, row| {
            let (antenna, l) = (i / SYMBOLS_PER_SLOT, i % SYMBOLS_PER_SLOT);
            if wanted >> l & 1 == 0 || l >= carrier.symbols_per_slot() {
                return;
            }
            let at = antenna * slot_len + carrier.symbol_start(slot, l);
            let Some(symbol) = samples.get(at..at + carrier.symbol_len(slot, l)) else { return };
            let fits = demodulator.demodulate_symbol(slot, l, symbol, advance, row);
            debug_assert!(fits.is_ok());
        });
    }

    fn control(&mut self, slot: SlotPoint, pdu: &PucchPdu, out: &mut UlIndication, counts: &mut RxCounts) {
        match self.pucch.receive(&self.grid, pdu, slot) {
            Ok(result) => {
                counts.n_pucch += 1;
                out.uci.push(pucch_indication(slot, pdu, &result));
            }
            Err(_) => counts.n_refused += 1,
        }
    }

    /// The channel that an SRS shows, as the codebook's precoders would use it. Spec: TS 38.214 §6.1.1.1
    fn sounding(&mut self, slot: SlotPoint, s: &SrsSounding, out: &mut UlIndication, counts: &mut RxCounts) {
        let Ok(report) = self.srs.receive(&self.grid, &s.pdu, slot) else {
            counts.n_refused += 1;
            return;
        };
        counts.n_srs += 1;
        // All of the power lies on one element of the comb in `comb`: a PUSCH has so much less on each of its own.
        let noise_var = report.noise_var * f32::from(s.pdu.resource.comb);
        let choice = self.srs.choose(noise_var, s.max_rank, s.subset);
        out.srs.push(SrsIndication {
            rnti: s.pdu.rnti,
            slot,
            snr_db: report.snr_db,
            one_port_db: choice.one_port_db,
            ranks: choice.ranks.map(|r| r.map(|(tpmi, sinr_db)| SrsPrecoder { tpmi, sinr_db })),
        });
    }

    fn pusch_control(&mut self, slot: SlotPoint, pdu: &PuschPdu, out: &mut UlIndication, counts: &mut RxCounts) {
        let mut indication = PuschIndication {
            rnti: pdu.rnti,
            harq: pdu.harq,
            slot,
            crc_ok: false,
            dtx: true,
            tb: Span::default(),
            sinr_db: -30.0,
            rsrp_dbm: -174.0,
            timing_error_tc: 0,
            ldpc_iterations: 0.0,
        };
        let n_bytes = pdu.coding.tbs_bytes as usize;
        let control = self.pusch.receive_control(&self.grid, pdu, slot);
        let control = control.ok().filter(|_| n_bytes * 8 <= self.tbs_bits_max as usize);
        if let Some(control) = &control {
            counts.n_pusch += 1;
            if pdu.uci.n_harq_ack > 0 || pdu.uci.n_csi1 > 0 {
                out.uci.push(pusch_uci(slot, pdu, control));
            }
            indication.dtx = control.dtx;
            indication.sinr_db = control.sinr_db;
            // The unitary transform raised the power of an element by its length.
            let mw = f64::from(control.rsrp) / self.carrier().fft_len() as f64;
            indication.rsrp_dbm = (10.0 * libm::log10(mw.max(1e-20))) as f32;
            indication.timing_error_tc = control.timing_error_tc;
        }
        self.blocks.push(pdu, indication, control.is_some(), &mut self.pusch);
    }
}

fn pucch_indication(slot: SlotPoint, pdu: &PucchPdu, r: &PucchResult) -> UciIndication {
    UciIndication {
        rnti: pdu.rnti,
        slot,
        dtx: r.dtx,
        harq_ack: r.harq_ack,
        n_harq_ack: r.n_harq_ack,
        sr: r.sr,
        csi1: r.csi1,
        n_csi1: if r.dtx { 0 } else { r.n_csi1 },
        csi2: 0,
        n_csi2: 0,
        snr_db: r.snr_db,
        timing_error_tc: r.timing_error_tc,
    }
}

/// HARQ-ACK that cannot be trusted is DTX; CSI that cannot be trusted is not handed up.
fn pusch_uci(slot: SlotPoint, pdu: &PuschPdu, control: &PuschControl) -> UciIndication {
    let ack = &control.harq_ack;
    let mut harq_ack = [0; HARQ_ACK_BITS_MAX];
    if ack.valid && !control.dtx {
        harq_ack = ack.bits;
    }
    let csi = &control.csi1;
    let with_csi = csi.valid && !control.dtx;
    let (csi2, with_csi2) = (&control.csi2, with_csi && control.csi2.valid && control.csi2.len <= 32);
    let word = |bits: &[u8]| bits.iter().fold(0, |w, b| w << 1 | u32::from(*b));
    UciIndication {
        rnti: pdu.rnti,
        slot,
        dtx: control.dtx || ack.len > 0 && !ack.valid,
        harq_ack,
        n_harq_ack: pdu.uci.n_harq_ack as u8,
        sr: false,
        csi1: if with_csi { word(&csi.bits[..csi.len as usize]) } else { 0 },
        n_csi1: if with_csi { csi.len } else { 0 },
        csi2: if with_csi2 { word(&csi2.bits[..csi2.len as usize]) } else { 0 },
        n_csi2: if with_csi2 { csi2.len } else { 0 },
        snr_db: control.sinr_db,
        timing_error_tc: Some(control.timing_error_tc),
    }
}
