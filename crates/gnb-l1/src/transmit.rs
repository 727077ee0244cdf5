//! Slot plan to downlink samples.

use super::{GnbL1Options, L1Error, TxCounts};
use dsp::{Cf32, Isa};
use fapi::slot::SlotPlan;
use fapi::{CellConfig, DlPrecoding};
use node::Crew;
use nr::SlotPoint;
use ofdm::{Carrier, Grid, Modulator};
use phy::csi_rs;
use phy::pdcch::PdcchTransmitter;
use phy::pdsch::PdschTransmitter;
use phy::ssb::SsbTransmitter;
use std::ops::Range;

/// Most antennas.
pub const ANTENNAS_MAX: usize = 8;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// The transmit half.
pub struct Downlink {
    isa: Isa,
    crew: Crew,
    /// One for each piece that runs at once.
    modulators: Vec<Modulator>,
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
            crew: Crew::default(),
            modulators: vec![modulator],
            grid: Grid::new(n_antennas, carrier.n_subcarriers()),
            ssb: SsbTransmitter::new(),
            pdcch: PdcchTransmitter::new(),
            pdsch: PdschTransmitter::new(options.isa, dl.n_rb as usize, n_antennas.min(4)),
            offset_to_carrier: dl.offset_to_carrier,
            n_antennas,
            gain: libm::sqrt(epre_mw * carrier.fft_len() as f64) as f32,
        })
    }

    /// See [`super::GnbL1::set_crew`].
    pub fn set_crew(&mut self, crew: &Crew) {
        let modulator = self.modulators[0].clone();
        self.modulators.resize(crew.width(), modulator);
        self.crew = crew.clone();
    }

    pub fn carrier(&self) -> &Carrier {
        self.modulators[0].carrier()
    }

    pub fn transmit(&mut self, plan: &SlotPlan, out: &mut [Cf32]) -> Result<TxCounts, L1Error> {
        let slot = plan.slot;
        if slot.numerology() != self.carrier().numerology() {
            out.fill(ZERO);
            return Err(L1Error::Numerology);
        }
        let slot_len = self.carrier().slot_len(slot);
        let expected = self.n_antennas * slot_len;
        if out.len() != expected {
            out.fill(ZERO);
            return Err(L1Error::SlotLength { expected, found: out.len() });
        }
        let mut counts = TxCounts::default();
        if plan.ssb.is_empty() && plan.pdcch.is_empty() && plan.pdsch.is_empty() && plan.csi_rs.is_empty() {
            out.fill(ZERO);
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
        let n_symbols = self.carrier().symbols_per_slot();
        let (sending, silent) = out.split_at_mut(n_sending * slot_len);
        silent.fill(ZERO);
        for (port, out) in sending.chunks_exact_mut(slot_len).enumerate() {
            let shared = Symbols { crew: &self.crew, isa: self.isa, slot, grid: &self.grid, port, gain: self.gain };
            shared.modulate(&mut self.modulators, 0..n_symbols, out);
        }
        Ok(counts)
    }
}

/// What the symbols of a slot at one antenna share.
struct Symbols<'a> {
    crew: &'a Crew,
    isa: Isa,
    slot: SlotPoint,
    grid: &'a Grid,
    port: usize,
    gain: f32,
}

impl Symbols<'_> {
    /// Writes the samples of `symbols`, in halves as long as there is more than one modulator.
    fn modulate(&self, modulators: &mut [Modulator], symbols: Range<usize>, out: &mut [Cf32]) {
        let Some(carrier) = modulators.first().map(|m| *m.carrier()) else { return };
        let start = |l: usize| carrier.symbol_start(self.slot, l) - carrier.symbol_start(self.slot, symbols.start);
        if modulators.len() < 2 || symbols.len() < 2 {
            for l in symbols.clone() {
                let out = &mut out[start(l)..][..carrier.symbol_len(self.slot, l)];
                let fits = modulators[0].modulate_symbol(self.slot, l, self.grid.symbol(self.port, l), out);
                debug_assert!(fits.is_ok());
                dsp::vector::scale(self.isa, out, self.gain);
            }
            return;
        }
        let cut = symbols.start + symbols.len().div_ceil(2);
        let (left, right) = modulators.split_at_mut(modulators.len().div_ceil(2));
        let (out_left, out_right) = out.split_at_mut(start(cut));
        self.crew.join(
            || self.modulate(left, symbols.start..cut, out_left),
            || self.modulate(right, cut..symbols.end, out_right),
        );
    }
}
