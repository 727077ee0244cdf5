//! Propagation conditions by the names of TS 38.104 annex G and TS 38.101-4 annex B, and the radio that carries slots through them.

use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use nr::SlotPoint;
use ofdm::{Carrier, Demodulator, Grid, Modulator};

use crate::LinkError;

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

/// Spatial correlation. Spec: TS 38.104 §G.2.3
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Correlation {
    /// None.
    #[default]
    Low,
}

impl Correlation {
    /// By name: `low`.
    ///
    /// Errors: no such correlation.
    pub fn parse(name: &str) -> Result<Correlation, LinkError> {
        match name {
            "low" => Ok(Correlation::Low),
            _ => Err(LinkError::new(format!("no correlation {name:?} (TS 38.104 §G.2.3)"))),
        }
    }
}

/// A propagation condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Propagation {
    /// One path, the same at every antenna but for its phase.
    Awgn,
}

impl Propagation {
    /// By name: `AWGN`.
    ///
    /// Errors: no such condition.
    pub fn parse(name: &str) -> Result<Propagation, LinkError> {
        match name {
            "AWGN" => Ok(Propagation::Awgn),
            _ => Err(LinkError::new(format!("no propagation condition {name:?} (TS 38.104 annex G)"))),
        }
    }
}

/// Carries slots from transmit to receive antennas, samples in between.
pub struct Radio {
    carrier: Carrier,
    antennas: Antennas,
    modulator: Modulator,
    demodulator: Demodulator,
    /// Samples of one transmit antenna.
    sent: Vec<Cf32>,
    /// `[rx]` samples.
    received: Vec<Vec<Cf32>>,
    grid: Grid,
    noise: Gaussian,
    isa: Isa,
    window_advance: usize,
}

impl Radio {
    /// Plans for a carrier and a channel.
    ///
    /// Errors: antennas or a transform that cannot be.
    pub fn new(carrier: Carrier, antennas: Antennas, propagation: Propagation, isa: Isa) -> Result<Radio, LinkError> {
        let Propagation::Awgn = propagation;
        if !(1..=8).contains(&antennas.n_tx) || !(1..=8).contains(&antennas.n_rx) {
            return Err(LinkError::new("expected 1 to 8 antennas at each end"));
        }
        let n = carrier.slot_len_max();
        Ok(Radio {
            modulator: Modulator::new(carrier, isa).map_err(LinkError::new)?,
            demodulator: Demodulator::new(carrier, isa).map_err(LinkError::new)?,
            sent: vec![ZERO; n],
            received: vec![vec![ZERO; n]; antennas.n_rx.into()],
            grid: Grid::new(antennas.n_rx.into(), carrier.n_subcarriers()),
            noise: Gaussian::new(0, isa),
            isa,
            window_advance: 9 * carrier.fft_len() / 512,
            carrier,
            antennas,
        })
    }

    /// Starts a channel and a noise of its own.
    pub fn reseed(&mut self, seed: u64) {
        self.noise = Gaussian::new(seed, self.isa);
    }

    /// The carrier.
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// What was received last.
    pub fn received(&self) -> &Grid {
        &self.grid
    }

    /// Sends a slot (every port an antenna) and receives it with noise of `noise_var` a resource element.
    ///
    /// Errors: a grid that is not the carrier's.
    pub fn slot(&mut self, slot: SlotPoint, sent: &Grid, noise_var: f64) -> Result<&Grid, LinkError> {
        let n = self.carrier.slot_len(slot);
        self.received.iter_mut().for_each(|r| r[..n].fill(ZERO));
        for tx in 0..usize::from(self.antennas.n_tx) {
            self.modulator.modulate(slot, sent, tx, &mut self.sent[..n]).map_err(LinkError::new)?;
            for (rx, received) in self.received.iter_mut().enumerate() {
                let turns = (rx * tx) as f64 / f64::from(self.antennas.n_rx.max(self.antennas.n_tx));
                let gain = dsp::unit_phasor(turns);
                let gain = Cf32::new(gain.re as f32, gain.im as f32);
                dsp::vector::add_scaled(self.isa, &mut received[..n], &self.sent[..n], gain);
            }
        }
        for (rx, received) in self.received.iter_mut().enumerate() {
            self.noise.add(&mut received[..n], noise_var as f32);
            let done = self.demodulator.demodulate(slot, &received[..n], self.window_advance, &mut self.grid, rx);
            done.map_err(LinkError::new)?;
        }
        Ok(&self.grid)
    }
}
