//! From samples to the grid of a slot, symbol by symbol, only as far as somebody looks.

use crate::samples::Samples;
use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use nr::SlotPoint;
use ofdm::{Carrier, CarrierError, Demodulator, Grid};

/// Demodulates the symbols of the present slot when they are first wanted.
pub struct Front {
    isa: Isa,
    demodulator: Demodulator,
    nco: Nco,
    grid: Grid,
    /// Bit l: symbol l of the present slot is in the grid.
    done: u16,
    slot: SlotPoint,
    gain: f32,
    symbol: Vec<Cf32>,
    window_advance: usize,
}

impl Front {
    /// For `carrier` and `n_rx` antennas.
    pub fn new(carrier: Carrier, isa: Isa, n_rx: usize) -> Result<Front, CarrierError> {
        let longest = carrier.symbol_len(SlotPoint::new(carrier.numerology(), 0, 0), 0);
        Ok(Front {
            isa,
            demodulator: Demodulator::new(carrier, isa)?,
            nco: Nco::new(0.0),
            grid: Grid::new(n_rx, carrier.n_subcarriers()),
            done: 0,
            slot: SlotPoint::default(),
            gain: 1.0,
            symbol: Vec::with_capacity(longest),
            // Echoes come late more often than early.
            window_advance: 9 * carrier.fft_len() / 128 * 3 / 8,
        })
    }

    /// The carrier.
    pub fn carrier(&self) -> &Carrier {
        self.demodulator.carrier()
    }

    /// Begins `slot`: samples will be multiplied by `gain` and turned back by `cfo_hz`.
    pub fn begin(&mut self, slot: SlotPoint, cfo_hz: f64, gain: f32) {
        self.slot = slot;
        self.done = 0;
        self.gain = gain;
        self.nco.set_frequency(-cfo_hz / f64::from(self.carrier().sample_rate_hz()));
    }

    /// The grid of the present slot with at least the symbols in `mask`; `samples` are the slot's. No allocation.
    pub fn grid(&mut self, samples: Samples<'_>, mask: u16) -> &Grid {
        let wanted = mask & !self.done & 0x3fff;
        for l in (0..14).filter(|l| wanted >> l & 1 == 1) {
            let carrier = *self.demodulator.carrier();
            let at = carrier.symbol_start(self.slot, l);
            let Some(x) = samples.part(at, carrier.symbol_len(self.slot, l)) else { continue };
            for rx in 0..self.grid.n_ports() {
                self.symbol.clear();
                self.symbol.extend_from_slice(x.antenna(rx));
                dsp::vector::scale(self.isa, &mut self.symbol, self.gain);
                self.nco.set_phase_q64(0);
                self.nco.advance(at as i64);
                self.nco.mix(self.isa, &mut self.symbol);
                let row = self.grid.symbol_mut(rx, l);
                let fits = self.demodulator.demodulate_symbol(self.slot, l, &self.symbol, self.window_advance, row);
                debug_assert!(fits.is_ok());
            }
        }
        self.done |= wanted;
        &self.grid
    }
}
