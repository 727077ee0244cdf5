//! What an estimate holds, and how it is read.

use super::covariance::Whitening;
use dsp::Cf32;
use nr::SYMBOLS_PER_SLOT;

/// Most DM-RS symbols in a slot.
pub const DMRS_SYMBOLS_MAX: usize = 8;
/// Most layers.
pub const LAYERS_MAX: usize = 4;
/// Most receive antennas.
pub const RX_MAX: usize = 8;

/// What the DM-RS told. Made once and used again.
#[derive(Clone, Debug, Default)]
pub struct ChannelEstimate {
    pub(super) n_rx: usize,
    pub(super) n_layers: usize,
    pub(super) n_subcarriers: usize,
    pub(super) n_times: usize,
    /// Weights of the channels of `h` in each symbol.
    pub(super) weights: [[f32; DMRS_SYMBOLS_MAX]; SYMBOLS_PER_SLOT],
    /// `[time][rx][layer][allocated subcarrier]`, at the phase of symbol 0.
    pub(super) h: Vec<Cf32>,
    /// Rotation of each symbol against symbol 0.
    pub(super) rotation: [Cf32; SYMBOLS_PER_SLOT],
    pub(super) whitening: Whitening,
    pub(super) whitened: bool,
    /// Noise and interference power of a resource element, mean over antennas.
    pub noise_var: f32,
    /// Received power of a resource element of unit transmit power: mean over antennas, sum over layers.
    pub rsrp: f32,
    /// Mean delay against the receiver's symbol start, seconds: positive means late.
    pub delay_s: f64,
    /// Phase from one symbol to the next, turns; `None` where there was only one DM-RS symbol (or none far apart).
    pub turns_per_symbol: Option<f32>,
    /// Maximum Doppler shift, cycles a symbol, of a Jakes spectrum that fits the channel; 0 where it does not change.
    pub doppler_per_symbol: f32,
}

impl ChannelEstimate {
    /// Receive antennas.
    pub fn n_rx(&self) -> usize {
        self.n_rx
    }
    /// Layers.
    pub fn n_layers(&self) -> usize {
        self.n_layers
    }
    /// Allocated subcarriers.
    pub fn n_subcarriers(&self) -> usize {
        self.n_subcarriers
    }
    /// Signal-to-noise ratio a resource element and antenna, linear.
    pub fn snr(&self) -> f32 {
        self.rsrp / self.noise_var.max(1e-30)
    }
    /// The channel at `time_idx` over the allocated subcarriers, at the phase of symbol 0; after [`ChannelEstimate::whiten`] that of
    /// whitened antennas.
    pub fn h(&self, time_idx: usize, rx: usize, layer: usize) -> &[Cf32] {
        let at = ((time_idx * self.n_rx + rx) * self.n_layers + layer) * self.n_subcarriers;
        &self.h[at..at + self.n_subcarriers]
    }
    /// Rotation of symbol `l` against symbol 0; multiply `h` by it.
    pub fn rotation(&self, l: usize) -> Cf32 {
        self.rotation[l]
    }
    /// Turns symbol `l` further, as PT-RS tell.
    pub fn rotate(&mut self, l: usize, by: Cf32) {
        self.rotation[l] *= by;
    }
    /// Number of different channels in time.
    pub fn n_times(&self) -> usize {
        self.n_times
    }
    /// What each of the channels weighs in symbol `l`.
    pub fn weights(&self, l: usize) -> &[f32] {
        &self.weights[l][..self.n_times]
    }
    /// Noise covariances differ enough from white ones that [`ChannelEstimate::whiten`] pays.
    pub fn is_coloured(&self) -> bool {
        self.whitening.is_worth_it()
    }
    /// Whether the channel is that of whitened antennas, whose noise power is 1.
    pub fn is_whitened(&self) -> bool {
        self.whitened
    }
    /// Noise power that an equalizer must assume.
    pub fn equalizer_noise(&self) -> f32 {
        if self.whitened { 1.0 } else { self.noise_var }
    }
    /// Whitens the channel where noise and interference are not white over the antennas: combining is then interference rejection.
    ///
    /// The received elements must pass [`ChannelEstimate::whiten_row`] from then on. Nothing happens where it does not pay.
    pub fn whiten(&mut self) {
        if self.whitened || !self.is_coloured() {
            return;
        }
        self.whitened = true;
        let (n_rx, n_layers, n_sc) = (self.n_rx, self.n_layers, self.n_subcarriers);
        for time in self.h.chunks_exact_mut(n_rx * n_layers * n_sc) {
            for layer in 0..n_layers {
                let mut column = [Cf32::default(); RX_MAX];
                for k in 0..n_sc {
                    for (rx, c) in column.iter_mut().enumerate().take(n_rx) {
                        *c = time[(rx * n_layers + layer) * n_sc + k];
                    }
                    for rx in (0..n_rx).rev() {
                        time[(rx * n_layers + layer) * n_sc + k] = self.whitening.apply(k, rx, &column);
                    }
                }
            }
        }
    }
    /// Row `rx` of whitened antennas from the received elements of all of them, allocated subcarriers only.
    pub fn whiten_row(&self, rx: usize, y: &[&[Cf32]], out: &mut [Cf32]) {
        let mut column = [Cf32::default(); RX_MAX];
        for (k, out) in out.iter_mut().enumerate().take(self.n_subcarriers) {
            for (c, y) in column.iter_mut().zip(y) {
                *c = y[k];
            }
            *out = self.whitening.apply(k, rx, &column);
        }
    }
}
