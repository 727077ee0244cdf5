//! Uplink samples to indication.

use super::harq::SoftPool;
use super::prach::PrachWatch;
use super::transmit::ANTENNAS_MAX;
use super::{GnbL1Options, L1Error, RxCounts};
use dsp::Cf32;
use fapi::slot::{HARQ_ACK_BITS_MAX, PuschIndication, SlotPlan, UciIndication, UlIndication};
use fapi::{CellConfig, PucchPdu, PuschPdu, Span};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::{Carrier, Demodulator, Grid};
use phy::pucch::{PucchReceiver, PucchResult};
use phy::pusch::{PuschControl, PuschReceiver};

/// The receive half.
pub struct Uplink {
    demodulator: Demodulator,
    grid: Grid,
    prach: PrachWatch,
    pucch: PucchReceiver,
    pusch: PuschReceiver,
    soft: SoftPool,
    /// The transport block being decoded.
    block: Vec<u8>,
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
        Ok(Uplink {
            demodulator: Demodulator::new(carrier, isa)?,
            grid: Grid::new(n_antennas, carrier.n_subcarriers()),
            prach: PrachWatch::new(cell, carrier, options)?,
            pucch: PucchReceiver::new(isa, ul.offset_to_carrier, n_antennas),
            pusch: PuschReceiver::new(isa, n_rb, n_antennas, n_layers),
            soft: SoftPool::new(options.n_soft_buffers, tbs_bits_max),
            block: vec![0; tbs_bits_max as usize / 8],
            max_ldpc_iterations: options.max_ldpc_iterations.clamp(1, 100),
            tbs_bits_max,
        })
    }

    pub fn carrier(&self) -> &Carrier {
        self.demodulator.carrier()
    }

    pub fn receive(
        &mut self,
        slot: SlotPoint,
        samples: &[Cf32],
        plan: &SlotPlan,
        out: &mut UlIndication,
    ) -> Result<RxCounts, L1Error> {
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
            self.data(slot, pdu, out, &mut counts);
        }
        Ok(counts)
    }

    /// Transforms those symbols that some PUCCH or PUSCH lies in.
    fn demodulate(&mut self, slot: SlotPoint, samples: &[Cf32], plan: &SlotPlan, counts: &mut RxCounts) {
        let span = |start: u8, n: u8| ((1u32 << n.min(14)) - 1) << start.min(14);
        let pucch = plan.pucch.iter().map(|p| span(p.resource.start_symbol, p.resource.n_symbols));
        let pusch = plan.pusch.iter().map(|p| span(p.start_symbol, p.n_symbols));
        let wanted = pucch.chain(pusch).fold(0, |all, mask| all | mask);
        // Half of the prefix for late parts of the channel, half for early UEs.
        let advance = 9 * self.carrier().fft_len() / 256;
        let slot_len = self.carrier().slot_len(slot);
        let mut at = 0;
        for l in 0..SYMBOLS_PER_SLOT {
            let len = self.carrier().symbol_len(slot, l);
            if wanted >> l & 1 == 1 {
                for (antenna, samples) in samples.chunks_exact(slot_len).enumerate() {
                    let symbol = &samples[at..at + len];
                    let row = self.grid.symbol_mut(antenna, l);
                    if self.demodulator.demodulate_symbol(slot, l, symbol, advance, row).is_ok() && antenna == 0 {
                        counts.n_symbols += 1;
                    }
                }
            }
            at += len;
        }
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

    fn data(&mut self, slot: SlotPoint, pdu: &PuschPdu, out: &mut UlIndication, counts: &mut RxCounts) {
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
        match control {
            Ok(control) if n_bytes * 8 <= self.tbs_bits_max as usize => {
                counts.n_pusch += 1;
                if pdu.uci.n_harq_ack > 0 || pdu.uci.n_csi1 > 0 {
                    out.uci.push(pusch_uci(slot, pdu, &control));
                }
                indication.dtx = control.dtx;
                indication.sinr_db = control.sinr_db;
                // The unitary transform raised the power of an element by its length.
                let mw = f64::from(control.rsrp) / self.carrier().fft_len() as f64;
                indication.rsrp_dbm = (10.0 * libm::log10(mw.max(1e-20))) as f32;
                indication.timing_error_tc = control.timing_error_tc;
                self.decode(pdu, &mut indication, out, counts);
            }
            _ => counts.n_refused += 1,
        }
        out.pusch.push(indication);
    }

    fn decode(
        &mut self,
        pdu: &PuschPdu,
        indication: &mut PuschIndication,
        out: &mut UlIndication,
        counts: &mut RxCounts,
    ) {
        let (idx, evicted) = self.soft.take(pdu.rnti, pdu.harq, pdu.new_data);
        counts.n_evicted += u16::from(evicted);
        let block = &mut self.block[..pdu.coding.tbs_bytes as usize];
        let soft = self.soft.get(idx);
        match self.pusch.decode_data(pdu, soft, self.max_ldpc_iterations, block) {
            Ok(data) => {
                indication.ldpc_iterations = data.ldpc_iterations;
                indication.crc_ok = data.crc_ok;
                if data.crc_ok {
                    indication.tb = Span::append(&mut out.bytes, block);
                    self.soft.release(idx);
                }
            }
            Err(_) => {
                counts.n_refused += 1;
                self.soft.release(idx);
            }
        }
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
    UciIndication {
        rnti: pdu.rnti,
        slot,
        dtx: control.dtx || ack.len > 0 && !ack.valid,
        harq_ack,
        n_harq_ack: pdu.uci.n_harq_ack as u8,
        sr: false,
        csi1: if with_csi { csi.bits[..csi.len as usize].iter().fold(0, |w, b| w << 1 | *b as u32) } else { 0 },
        n_csi1: if with_csi { csi.len } else { 0 },
        snr_db: control.sinr_db,
        timing_error_tc: Some(control.timing_error_tc),
    }
}
