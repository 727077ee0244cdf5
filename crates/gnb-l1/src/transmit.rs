//! Slot plan to downlink samples.

use super::{GnbL1Options, L1Error, TxCounts};
use dsp::{Cf32, Isa};
use fapi::slot::SlotPlan;
use fapi::{CellConfig, DlPrecoding};
use ofdm::{Carrier, Grid, Modulator};
use phy::csi_rs;
use phy::pdcch::PdcchTransmitter;
use phy::pdsch::PdschTransmitter;
use phy::ssb::SsbTransmitter;

/// Most antennas.
pub const ANTENNAS_MAX: usize = 8;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// The transmit half.
pub struct Downlink {
    isa: Isa,
    modulator: Modulator,
    grid: Grid,
    ssb: SsbTransmitter,
    pdcch: PdcchTransmitter,
    pdsch: PdschTransmitter,
    offset_to_carrier: u16,
    n_antennas: usize,
    /// Amplitude of a resource element of unit power in the modulator's output, to sqrt(mW).
    gain: f32,
}

impl Downlink {
    pub fn new(cell: &CellConfig, options: &GnbL1Options) -> Result<Downlink, L1Error> {
        let dl = &cell.dl;
        let carrier = Carrier::new(dl.numerology, dl.n_rb as usize, dl.centre_hz())?;
        let modulator = Modulator::new(carrier, options.isa)?;
        let n_antennas = options.n_antennas.clamp(1, ANTENNAS_MAX);
        // A unitary transform spreads an element of power 1 to 1/N in every sample.
        let epre_mw = libm::pow(10.0, f64::from(cell.ssb.block_power_dbm) / 10.0);
        Ok(Downlink {
            isa: options.isa,
            modulator,
            grid: Grid::new(n_antennas, carrier.n_subcarriers()),
            ssb: SsbTransmitter::new(),
            pdcch: PdcchTransmitter::new(),
            pdsch: PdschTransmitter::new(options.isa, dl.n_rb as usize, n_antennas.min(4)),
            offset_to_carrier: dl.offset_to_carrier,
            n_antennas,
            gain: libm::sqrt(epre_mw * carrier.fft_len() as f64) as f32,
        })
    }

    pub fn carrier(&self) -> &Carrier {
        self.modulator.carrier()
    }

    pub fn transmit(&mut self, plan: &SlotPlan, out: &mut [Cf32]) -> Result<TxCounts, L1Error> {
        let slot = plan.slot;
        out.fill(ZERO);
        if slot.numerology() != self.carrier().numerology() {
            return Err(L1Error::Numerology);
        }
        let slot_len = self.carrier().slot_len(slot);
        let expected = self.n_antennas * slot_len;
        if out.len() != expected {
            return Err(L1Error::SlotLength { expected, found: out.len() });
        }
        let mut counts = TxCounts::default();
        if plan.ssb.is_empty() && plan.pdcch.is_empty() && plan.pdsch.is_empty() && plan.csi_rs.is_empty() {
            return Ok(counts);
        }
        self.grid.clear();
        let mut count = |ok: bool| if ok { counts.n_sent += 1 } else { counts.n_refused += 1 };
        for pdu in &plan.pdsch {
            let tb = pdu.tb.of(&plan.bytes);
            count(self.pdsch.transmit_precoded(pdu, tb, &plan.precoders, slot, &mut self.grid).is_ok());
        }
        for pdu in &plan.pdcch {
            count(self.pdcch.transmit(pdu, slot, &mut self.grid).is_ok());
        }
        for pdu in &plan.csi_rs {
            count(csi_rs::transmit(pdu, slot, self.offset_to_carrier, &mut self.grid).is_ok());
        }
        for pdu in &plan.ssb {
            count(self.ssb.transmit(pdu, slot, &mut self.grid).is_ok());
        }
        // Antennas beyond the first are silent but for CSI-RSs of several ports and precoded PDSCHs.
        let several = plan.csi_rs.iter().any(|c| c.locations().is_some_and(|r| r.n_ports > 1))
            || plan.pdsch.iter().any(|p| p.n_layers > 1 || p.precoding != DlPrecoding::Identity);
        let n_sending = if several { self.n_antennas } else { 1 };
        for (port, out) in out.chunks_exact_mut(slot_len).enumerate().take(n_sending) {
            if self.modulator.modulate(slot, &self.grid, port, out).is_err() {
                out.fill(ZERO);
                return Err(L1Error::SlotLength { expected: slot_len, found: out.len() });
            }
            dsp::vector::scale(self.isa, out, self.gain);
        }
        Ok(counts)
    }
}
