//! Equalisation: received elements and channel estimate to symbol estimates with their noise power.
//!
//! One layer: maximum-ratio combining. Two to four layers: linear MMSE, made unbiased. Where noise and interference are not white over
//! the antennas, and the estimate was whitened, both reject interference (MMSE-IRC). Layers that their channels mix can be detected
//! jointly instead ([`Detector::Joint`]).

mod joint;
mod kernel;
mod lanes;

use crate::estimate::{ChannelEstimate, LAYERS_MAX, RX_MAX};
use crate::modulation::{Modulation, multiversion};
use dsp::{Cf32, Isa};
use fec::Llr;

/// Subcarriers of a piece.
pub const PIECE: usize = 480;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// How soft bits of several layers are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Detector {
    /// Linear MMSE, then each layer on its own.
    #[default]
    Linear,
    /// Together, by max-log likelihood: exact for two layers of QPSK, 16QAM and 64QAM, nearly so for three and four of QPSK and 16QAM;
    /// linear where there are more points, one layer, or transform precoding. Spec: TS 38.101-4 §5.2.2.1.1 (enhanced receiver type 1)
    Joint,
}

/// Equalises; holds scratch for channels interpolated in time. Nothing is allocated in a call once it has seen the largest.
#[derive(Clone, Debug)]
pub struct Equalizer {
    isa: Isa,
    /// `[rx][layer][subcarrier]`.
    h: Vec<Cf32>,
    /// `[rx][subcarrier]`, whitened.
    y: Vec<Cf32>,
}

impl Equalizer {
    /// For up to `n_subcarriers`, `n_rx` antennas, `n_layers` layers.
    pub fn new(isa: Isa, n_subcarriers: usize, n_rx: usize, n_layers: usize) -> Equalizer {
        let n_rx = n_rx.clamp(1, RX_MAX);
        Equalizer {
            isa,
            h: vec![ZERO; n_subcarriers * n_rx * n_layers.clamp(1, LAYERS_MAX)],
            y: vec![ZERO; n_subcarriers * n_rx],
        }
    }

    /// Equalises symbol `l` over the whole allocation.
    ///
    /// - `est`        the channel
    /// - `y`          received elements of each antenna, allocated subcarriers only    `[rx][subcarrier]`
    /// - `out`        overwritten, of unit mean power for unit transmit power          `[subcarrier][layer]`
    /// - `noise_var`  overwritten; huge or not a number where there is no channel      `[subcarrier][layer]`
    ///
    /// Lengths: slices that are too short end the work early; nothing panics. Every instruction set gives the same bits.
    pub fn equalize(
        &mut self,
        est: &ChannelEstimate,
        l: usize,
        y: &[&[Cf32]],
        out: &mut [Cf32],
        noise_var: &mut [f32],
    ) {
        let (isa, n, n_layers) = (self.isa, est.n_subcarriers(), est.n_layers());
        let fits = out.len() >= n * n_layers && noise_var.len() >= n * n_layers;
        let Some(input) = self.input(est, l, y).filter(|_| fits) else {
            out.fill(ZERO);
            noise_var.fill(f32::INFINITY);
            return;
        };
        kernel::mmse(isa, n_layers, &input, &mut out[..n * n_layers], &mut noise_var[..n * n_layers]);
    }

    /// As [`Equalizer::equalize`] in pieces of [`PIECE`] subcarriers, for whoever goes on with them while they lie in the first cache.
    ///
    /// - `out`, `noise_var` scratch of at least a piece over all layers    `[subcarrier][layer]`
    /// - `take`             sees the index of a piece's first element, its elements and their noise
    ///
    /// False where the lengths do not fit; then `take` saw nothing. Every instruction set gives the same bits.
    pub fn equalize_pieces(
        &mut self,
        est: &ChannelEstimate,
        l: usize,
        y: &[&[Cf32]],
        out: &mut [Cf32],
        noise_var: &mut [f32],
        mut take: impl FnMut(usize, &[Cf32], &[f32]),
    ) -> bool {
        let (isa, n, n_layers) = (self.isa, est.n_subcarriers(), est.n_layers());
        let most = n.min(PIECE) * n_layers;
        let Some(input) = self.input(est, l, y).filter(|_| out.len() >= most && noise_var.len() >= most) else {
            return false;
        };
        for first in (0..n).step_by(PIECE) {
            let len = PIECE.min(n - first) * n_layers;
            let (out, noise_var) = (&mut out[..len], &mut noise_var[..len]);
            kernel::mmse(isa, n_layers, &input.part(first..first + PIECE.min(n - first)), out, noise_var);
            take(first * n_layers, out, noise_var);
        }
        true
    }

    /// Soft bits of symbol `l` over the whole allocation, the layers detected jointly; see [`Detector::Joint`].
    ///
    /// - `est`, `y` as for [`Equalizer::equalize`]
    /// - `llrs`     overwritten, in the units of [`crate::modulation::demodulate`]    `[subcarrier][layer][bit]`
    ///
    /// False, and nothing is written, where the scheme, the layers or the lengths are not for it. Every instruction set gives the same bits.
    pub fn detect(
        &mut self,
        est: &ChannelEstimate,
        l: usize,
        y: &[&[Cf32]],
        scheme: Modulation,
        llrs: &mut [Llr],
    ) -> bool {
        let (isa, n_layers) = (self.isa, est.n_layers());
        let n = est.n_subcarriers() * n_layers * scheme.q_m();
        let Some(llrs) = llrs.get_mut(..n).filter(|_| joint::is_cheap(scheme, n_layers)) else { return false };
        self.input(est, l, y).is_some_and(|input| joint::detect(isa, scheme, n_layers, &input, llrs))
    }

    /// Channels in symbol `l` and received rows, whitened where the estimate is; `None` where they do not fit.
    fn input<'a>(&'a mut self, est: &'a ChannelEstimate, l: usize, y: &[&'a [Cf32]]) -> Option<kernel::Input<'a>> {
        let n = est.n_subcarriers();
        let (n_rx, n_layers) = (est.n_rx().min(y.len()), est.n_layers());
        if n_rx == 0 || n_layers == 0 || y[..n_rx].iter().any(|y| y.len() < n) || l >= nr::SYMBOLS_PER_SLOT {
            return None;
        }
        let needed = if est.n_times() > 1 { n_rx * n_layers * n } else { 0 };
        if self.h.len() < needed {
            self.h.resize(needed, ZERO);
        }
        if est.n_times() > 1 {
            for (i, h) in self.h.chunks_exact_mut(n).enumerate().take(n_rx * n_layers) {
                blend_times(self.isa, est, l, i / n_layers, i % n_layers, h);
            }
        }
        if est.is_whitened() {
            if self.y.len() < n_rx * n {
                self.y.resize(n_rx * n, ZERO);
            }
            for (rx, row) in self.y.chunks_exact_mut(n).enumerate().take(n_rx) {
                est.whiten_row(rx, &y[..n_rx], row);
            }
        }
        let mut input = kernel::Input {
            h: [[&[]; 4]; RX_MAX],
            y: [&[]; RX_MAX],
            n_rx,
            rotation: est.rotation(l).conj(),
            noise: est.equalizer_noise(),
        };
        for rx in 0..n_rx {
            for layer in 0..n_layers.min(LAYERS_MAX) {
                input.h[rx][layer] = match est.n_times() {
                    1 => est.h(0, rx, layer),
                    _ => &self.h[(rx * n_layers + layer) * n..][..n],
                };
            }
            input.y[rx] = if est.is_whitened() { &self.y[rx * n..(rx + 1) * n] } else { y[rx] };
        }
        Some(input)
    }
}

/// The channel of one antenna and layer in symbol `l`, at the phase of symbol 0.
pub(crate) fn blend_times(isa: Isa, est: &ChannelEstimate, l: usize, rx: usize, layer: usize, out: &mut [Cf32]) {
    let w = est.weights(l);
    match w {
        [_] => out.copy_from_slice(est.h(0, rx, layer)),
        [first, second, rest @ ..] => {
            blend(isa, est.h(0, rx, layer), *first, est.h(1, rx, layer), *second, out);
            for (j, w) in rest.iter().enumerate() {
                blend_more(isa, est.h(j + 2, rx, layer), *w, out);
            }
        }
        [] => out.fill(ZERO),
    }
}

multiversion! {
    fn blend_more(a: &[Cf32], wa: f32, out: &mut [Cf32]) = blend_more_body
}

#[inline(always)]
fn blend_more_body(a: &[Cf32], wa: f32, out: &mut [Cf32]) {
    for (o, a) in dsp::as_floats_mut(out).iter_mut().zip(dsp::as_floats(a)) {
        *o += wa * a;
    }
}

multiversion! {
    fn blend(a: &[Cf32], wa: f32, b: &[Cf32], wb: f32, out: &mut [Cf32]) = blend_body
}

#[inline(always)]
fn blend_body(a: &[Cf32], wa: f32, b: &[Cf32], wb: f32, out: &mut [Cf32]) {
    let (a, b) = (dsp::as_floats(a), dsp::as_floats(b));
    for ((o, a), b) in dsp::as_floats_mut(out).iter_mut().zip(a).zip(b) {
        *o = wa * a + wb * b;
    }
}

#[cfg(test)]
mod joint_tests;
#[cfg(test)]
mod tests;
