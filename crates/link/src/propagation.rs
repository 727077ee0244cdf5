//! Propagation conditions by the names of TS 38.104 annex G and TS 38.101-4 annex B, and the radio that carries slots through them.

use air::mimo::{ChannelModel, MimoChannel, MimoConfig};
pub use air::mimo::{Correlation, Direction, Polarisation};
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use nr::SlotPoint;
use ofdm::{Carrier, Demodulator, Grid, Modulator};

use crate::LinkError;
use crate::cells::InterferingCell;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// Antennas at both ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Antennas {
    /// Transmit antennas, 1..=8.
    pub n_tx: u8,
    /// Receive antennas, 1..=8.
    pub n_rx: u8,
    /// Spatial correlation.
    pub correlation: Correlation,
}

/// Spatial correlation by name: `low`, `medium`, `medium-a` or `high`. Spec: TS 38.104 §G.2.3
///
/// Errors: no such correlation.
pub fn correlation(name: &str) -> Result<Correlation, LinkError> {
    match name {
        "low" => Ok(Correlation::Low),
        "medium" => Ok(Correlation::Medium),
        "medium-a" => Ok(Correlation::MediumA),
        "high" => Ok(Correlation::High),
        _ => Err(LinkError::new(format!(
            "no correlation {name:?} (expected low, medium, medium-a or high; TS 38.104 §G.2.3)"
        ))),
    }
}

/// A propagation condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Propagation {
    /// What lies between the antennas.
    pub model: ChannelModel,
    /// Greatest Doppler shift, Hz.
    pub doppler_hz: f64,
    /// Which end transmits, as far as correlation asks.
    pub direction: Direction,
    /// How the antennas stand that are correlated.
    pub polarisation: Polarisation,
}

impl Propagation {
    /// One path, the same at every antenna but for its phase.
    pub const AWGN: Propagation = Propagation::of(ChannelModel::Static, 0.0);

    /// A model, uplink, with uniform arrays.
    const fn of(model: ChannelModel, doppler_hz: f64) -> Propagation {
        Propagation { model, doppler_hz, direction: Direction::Uplink, polarisation: Polarisation::Uniform }
    }

    /// By name: `AWGN`, `TDLA30-10`, `TDLC300-100`, `HST-1-NR350-30` and so on.
    ///
    /// Errors: no such condition.
    pub fn parse(name: &str) -> Result<Propagation, LinkError> {
        let (model, doppler_hz) = ChannelModel::from_name(name).map_err(LinkError::new)?;
        Ok(Propagation::of(model, doppler_hz))
    }

    /// Makes the channel between antennas.
    ///
    /// Errors: antennas or a sampling rate that cannot be.
    pub(crate) fn channel(self, antennas: Antennas, sample_rate_hz: u32, isa: Isa) -> Result<MimoChannel, LinkError> {
        let config = MimoConfig {
            model: self.model,
            n_tx: antennas.n_tx.into(),
            n_rx: antennas.n_rx.into(),
            correlation: antennas.correlation,
            polarisation: self.polarisation,
            direction: self.direction,
            doppler_hz: self.doppler_hz,
            sample_rate_hz,
            seed: 1,
        };
        MimoChannel::new(config, isa).map_err(LinkError::new)
    }
}

/// Carries slots from transmit to receive antennas, samples in between.
pub struct Radio {
    carrier: Carrier,
    modulator: Modulator,
    demodulator: Demodulator,
    channel: MimoChannel,
    /// `[tx]` samples.
    sent: Vec<Vec<Cf32>>,
    /// `[rx]` samples.
    received: Vec<Vec<Cf32>>,
    grid: Grid,
    noise: Gaussian,
    cells: Vec<InterferingCell>,
    isa: Isa,
    window_advance: usize,
}

impl Radio {
    /// Plans for a carrier and a channel.
    ///
    /// Errors: antennas or a transform that cannot be.
    pub fn new(carrier: Carrier, antennas: Antennas, propagation: Propagation, isa: Isa) -> Result<Radio, LinkError> {
        let n = carrier.slot_len_max();
        Ok(Radio {
            modulator: Modulator::new(carrier, isa).map_err(LinkError::new)?,
            demodulator: Demodulator::new(carrier, isa).map_err(LinkError::new)?,
            channel: propagation.channel(antennas, carrier.sample_rate_hz(), isa)?,
            sent: vec![vec![ZERO; n]; antennas.n_tx.into()],
            received: vec![vec![ZERO; n]; antennas.n_rx.into()],
            grid: Grid::new(antennas.n_rx.into(), carrier.n_subcarriers()),
            noise: Gaussian::new(0, isa),
            cells: Vec::new(),
            isa,
            window_advance: 9 * carrier.fft_len() / 1024,
            carrier,
        })
    }

    /// Other cells send into every slot from now on.
    pub fn set_cells(&mut self, cells: Vec<InterferingCell>) {
        self.cells = cells;
    }

    /// Starts a channel and a noise of its own.
    pub fn reseed(&mut self, seed: u64) {
        let mut state = seed;
        self.noise = Gaussian::new(dsp::noise::split_mix_64(&mut state), self.isa);
        self.channel.reseed(dsp::noise::split_mix_64(&mut state));
        // A train may be anywhere on its way.
        let part = (dsp::noise::split_mix_64(&mut state) >> 11) as f64 / (1u64 << 53) as f64;
        self.channel.place_train(part);
        self.cells.iter_mut().for_each(|c| c.reseed(dsp::noise::split_mix_64(&mut state)));
    }

    /// Lets the channel's time go on by `n` samples.
    pub fn pause(&mut self, n: u64) {
        self.channel.skip(n);
        self.cells.iter_mut().for_each(|c| c.pause(n));
    }

    /// The carrier.
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// What was received last.
    pub fn received(&self) -> &Grid {
        &self.grid
    }

    /// Adds what else came in to what was received last.
    pub(crate) fn add(&mut self, other: &Grid) {
        self.grid.elements_mut().iter_mut().zip(other.elements()).for_each(|(x, y)| *x += y);
    }

    /// Sends a slot (every port an antenna) and receives it with noise of `noise_var` a resource element.
    ///
    /// Errors: a grid that is not the carrier's.
    pub fn slot(&mut self, slot: SlotPoint, sent: &Grid, noise_var: f64) -> Result<&Grid, LinkError> {
        let n = self.carrier.slot_len(slot);
        for (tx, samples) in self.sent.iter_mut().enumerate() {
            self.modulator.modulate(slot, sent, tx, &mut samples[..n]).map_err(LinkError::new)?;
        }
        self.channel.burst(n, &self.sent, &mut self.received).map_err(LinkError::new)?;
        for cell in &mut self.cells {
            cell.add_slot(slot, n, noise_var, &mut self.received)?;
        }
        for (rx, received) in self.received.iter_mut().enumerate() {
            self.noise.add(&mut received[..n], noise_var as f32);
            let done = self.demodulator.demodulate(slot, &received[..n], self.window_advance, &mut self.grid, rx);
            done.map_err(LinkError::new)?;
        }
        Ok(&self.grid)
    }

    /// Sends samples on their own (every antenna one stream) and receives them with noise of `noise_var` a sample.
    ///
    /// Errors: antennas or lengths that do not fit.
    pub fn burst(&mut self, sent: &[&[Cf32]], noise_var: f64) -> Result<&[Vec<Cf32>], LinkError> {
        let n = sent.iter().map(|s| s.len()).min().unwrap_or(0);
        self.received.iter_mut().for_each(|r| r.resize(n.max(r.len()), ZERO));
        self.channel.burst(n, sent, &mut self.received).map_err(LinkError::new)?;
        for received in &mut self.received {
            received.truncate(n.max(self.carrier.slot_len_max()));
            self.noise.add(&mut received[..n], noise_var as f32);
        }
        Ok(&self.received)
    }
}
