//! From samples to the grid of a slot, symbol by symbol, only as far as somebody looks.

use crate::samples::Samples;
use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use node::Crew;
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::{Carrier, CarrierError, Demodulator, Grid};

/// Demodulates the symbols of the present slot when they are first wanted.
pub struct Front {
    isa: Isa,
    crew: Crew,
    /// One for each piece that runs at once.
    lanes: Vec<Lane>,
    nco: Nco,
    grid: Grid,
    /// Bit l: symbol l of the present slot is in the grid.
    done: u16,
    slot: SlotPoint,
    gain: f32,
    window_advance: usize,
}

/// Scratch of whoever does symbols.
#[derive(Clone)]
struct Lane {
    demodulator: Demodulator,
    symbol: Vec<Cf32>,
}

impl Front {
    /// For `carrier` and `n_rx` antennas.
    pub fn new(carrier: Carrier, isa: Isa, n_rx: usize) -> Result<Front, CarrierError> {
        let longest = carrier.symbol_len(SlotPoint::new(carrier.numerology(), 0, 0), 0);
        Ok(Front {
            isa,
            crew: Crew::default(),
            lanes: vec![Lane { demodulator: Demodulator::new(carrier, isa)?, symbol: Vec::with_capacity(longest) }],
            nco: Nco::new(0.0),
            grid: Grid::new(n_rx, carrier.n_subcarriers()),
            done: 0,
            slot: SlotPoint::default(),
            gain: 1.0,
            // Echoes come late more often than early.
            window_advance: 9 * carrier.fft_len() / 128 * 3 / 8,
        })
    }

    /// Spreads symbols over `crew` from now on. Allocates.
    pub fn set_crew(&mut self, crew: &Crew) {
        let lane = &self.lanes[0];
        let (demodulator, longest) = (lane.demodulator.clone(), lane.symbol.capacity());
        let lane = || Lane { demodulator: demodulator.clone(), symbol: Vec::with_capacity(longest) };
        self.lanes.resize_with(crew.width(), lane);
        self.crew = crew.clone();
    }

    /// The carrier.
    pub fn carrier(&self) -> &Carrier {
        self.lanes[0].demodulator.carrier()
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
        if wanted == 0 {
            return &self.grid;
        }
        let (carrier, n_sc) = (*self.carrier(), self.grid.n_subcarriers());
        let (isa, slot, gain, advance, nco) = (self.isa, self.slot, self.gain, self.window_advance, &self.nco);
        // A few symbols are done before another thread has begun.
        let few = wanted.count_ones() as usize * self.grid.n_ports() < 4;
        let n_lanes = if few { 1 } else { self.lanes.len() };
        self.crew.rows(&mut self.lanes[..n_lanes], self.grid.elements_mut(), n_sc, &|lane, i, row| {
            let (rx, l) = (i / SYMBOLS_PER_SLOT, i % SYMBOLS_PER_SLOT);
            let at = carrier.symbol_start(slot, l);
            let x = samples.part(at, carrier.symbol_len(slot, l)).filter(|_| wanted >> l & 1 == 1);
            let Some(x) = x else { return };
            lane.symbol.clear();
            lane.symbol.extend_from_slice(x.antenna(rx));
            dsp::vector::scale(isa, &mut lane.symbol, gain);
            let mut nco = nco.clone();
            nco.set_phase_q64(0);
            nco.advance(at as i64);
            nco.mix(isa, &mut lane.symbol);
            let fits = lane.demodulator.demodulate_symbol(slot, l, &lane.symbol, advance, row);
            debug_assert!(fits.is_ok());
        });
        self.done |= wanted;
        &self.grid
    }
}
