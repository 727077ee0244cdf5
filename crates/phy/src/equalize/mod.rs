//! Equalisation: received elements and channel estimate to symbol estimates with their noise power.
//!
//! One layer: maximum-ratio combining. Two to four layers: linear MMSE, made unbiased. What is left out: interference-rejecting
//! combining (noise is taken as white over antennas).

use crate::estimate::{ChannelEstimate, LAYERS_MAX, RX_MAX};
use crate::modulation::multiversion;
use dsp::matrix::{Matrix, inverse};
use dsp::{Cf32, Isa};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// Equalises; holds scratch for channels interpolated in time. Nothing is allocated in a call once it has seen the largest.
#[derive(Clone, Debug)]
pub struct Equalizer {
    isa: Isa,
    /// `[rx][layer][subcarrier]`.
    h: Vec<Cf32>,
}

impl Equalizer {
    /// For up to `n_subcarriers`, `n_rx` antennas, `n_layers` layers.
    pub fn new(isa: Isa, n_subcarriers: usize, n_rx: usize, n_layers: usize) -> Equalizer {
        Equalizer { isa, h: vec![ZERO; n_subcarriers * n_rx.clamp(1, RX_MAX) * n_layers.clamp(1, LAYERS_MAX)] }
    }

    /// Equalises symbol `l` over the whole allocation.
    ///
    /// - `est`        the channel
    /// - `y`          received elements of each antenna, allocated subcarriers only    `[rx][subcarrier]`
    /// - `out`        overwritten, of unit mean power for unit transmit power          `[subcarrier][layer]`
    /// - `noise_var`  overwritten; infinite where there is no channel                  `[subcarrier][layer]`
    ///
    /// Lengths: slices that are too short end the work early; nothing panics. More layers than antennas give infinite noise.
    pub fn equalize(
        &mut self,
        est: &ChannelEstimate,
        l: usize,
        y: &[&[Cf32]],
        out: &mut [Cf32],
        noise_var: &mut [f32],
    ) {
        let n = est.n_subcarriers();
        let (n_rx, n_layers) = (est.n_rx().min(y.len()), est.n_layers());
        let fits = n_rx > 0 && n_layers > 0 && out.len() >= n * n_layers && noise_var.len() >= n * n_layers;
        if !fits || y[..n_rx].iter().any(|y| y.len() < n) || l >= nr::SYMBOLS_PER_SLOT {
            out.fill(ZERO);
            noise_var.fill(f32::INFINITY);
            return;
        }
        let rotation = est.rotation(l).conj();
        let [(t0, w0), (t1, w1)] = est.weights(l);
        if w1 != 0.0 {
            self.interpolate(est, n_rx, (t0, w0), (t1, w1));
        }
        let scratch = &self.h;
        let h = |rx: usize, layer: usize| -> &[Cf32] {
            if w1 == 0.0 { est.h(t0, rx, layer) } else { &scratch[(rx * n_layers + layer) * n..][..n] }
        };
        let (out, noise_var) = (&mut out[..n * n_layers], &mut noise_var[..n * n_layers]);
        match (n_layers, n_rx) {
            (1, 1) => combine_1(self.isa, h(0, 0), y[0], rotation, est.noise_var, out, noise_var),
            (1, 2) => {
                let (a, b) = (h(0, 0), h(1, 0));
                combine_2(self.isa, a, b, y[0], y[1], rotation, est.noise_var, out, noise_var);
            }
            (1, _) => combine_any(n_rx, |rx| h(rx, 0), y, rotation, est.noise_var, out, noise_var),
            (2, _) => mmse::<2>(n_rx, h, y, rotation, est.noise_var, out, noise_var),
            (3, _) => mmse::<3>(n_rx, h, y, rotation, est.noise_var, out, noise_var),
            _ => mmse::<4>(n_rx, h, y, rotation, est.noise_var, out, noise_var),
        }
    }

    fn interpolate(&mut self, est: &ChannelEstimate, n_rx: usize, a: (usize, f32), b: (usize, f32)) {
        let (n, n_layers) = (est.n_subcarriers(), est.n_layers());
        let needed = n_rx * n_layers * n;
        if self.h.len() < needed {
            self.h.resize(needed, ZERO);
        }
        for rx in 0..n_rx {
            for layer in 0..n_layers {
                let out = &mut self.h[(rx * n_layers + layer) * n..][..n];
                blend(self.isa, est.h(a.0, rx, layer), a.1, est.h(b.0, rx, layer), b.1, out);
            }
        }
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

multiversion! {
    fn combine_1(
        h: &[Cf32],
        y: &[Cf32],
        rotation: Cf32,
        noise: f32,
        out: &mut [Cf32],
        noise_var: &mut [f32],
    ) = combine_1_body
}

#[inline(always)]
fn combine_1_body(h: &[Cf32], y: &[Cf32], rotation: Cf32, noise: f32, out: &mut [Cf32], noise_var: &mut [f32]) {
    for (((h, y), out), noise_var) in h.iter().zip(y).zip(out).zip(noise_var) {
        let gain = 1.0 / (h.re * h.re + h.im * h.im);
        let re = y.re * h.re + y.im * h.im;
        let im = y.im * h.re - y.re * h.im;
        *out = Cf32::new((re * rotation.re - im * rotation.im) * gain, (re * rotation.im + im * rotation.re) * gain);
        *noise_var = noise * gain;
    }
}

multiversion! {
    fn combine_2(
        h0: &[Cf32],
        h1: &[Cf32],
        y0: &[Cf32],
        y1: &[Cf32],
        rotation: Cf32,
        noise: f32,
        out: &mut [Cf32],
        noise_var: &mut [f32],
    ) = combine_2_body
}

#[inline(always)]
fn combine_2_body(
    h0: &[Cf32],
    h1: &[Cf32],
    y0: &[Cf32],
    y1: &[Cf32],
    rotation: Cf32,
    noise: f32,
    out: &mut [Cf32],
    noise_var: &mut [f32],
) {
    for i in 0..out.len().min(noise_var.len()).min(h0.len()).min(h1.len()).min(y0.len()).min(y1.len()) {
        let (a, b, x, y) = (h0[i], h1[i], y0[i], y1[i]);
        let gain = 1.0 / (a.re * a.re + a.im * a.im + (b.re * b.re + b.im * b.im));
        let re = x.re * a.re + x.im * a.im + (y.re * b.re + y.im * b.im);
        let im = x.im * a.re - x.re * a.im + (y.im * b.re - y.re * b.im);
        out[i] = Cf32::new((re * rotation.re - im * rotation.im) * gain, (re * rotation.im + im * rotation.re) * gain);
        noise_var[i] = noise * gain;
    }
}

fn combine_any<'a>(
    n_rx: usize,
    h: impl Fn(usize) -> &'a [Cf32],
    y: &[&[Cf32]],
    rotation: Cf32,
    noise: f32,
    out: &mut [Cf32],
    noise_var: &mut [f32],
) {
    for (k, (out, noise_var)) in out.iter_mut().zip(noise_var).enumerate() {
        let (mut sum, mut energy) = (ZERO, 0.0);
        for rx in 0..n_rx {
            let h = h(rx)[k];
            sum += h.conj() * y[rx][k];
            energy += h.norm_sqr();
        }
        *out = sum * rotation / energy;
        *noise_var = noise / energy;
    }
}

/// Linear MMSE with `L` layers: x = G y, G = (H^H H + noise I)^-1 H^H; each layer is divided by (G H)_ii.
fn mmse<'a, const L: usize>(
    n_rx: usize,
    h: impl Fn(usize, usize) -> &'a [Cf32],
    y: &[&[Cf32]],
    rotation: Cf32,
    noise: f32,
    out: &mut [Cf32],
    noise_var: &mut [f32],
) {
    for (k, (out, noise_var)) in out.chunks_exact_mut(L).zip(noise_var.chunks_exact_mut(L)).enumerate() {
        let mut gram: Matrix<L, L> = [[ZERO; L]; L];
        let mut matched = [ZERO; L];
        for rx in 0..n_rx {
            let row: [Cf32; L] = core::array::from_fn(|i| h(rx, i)[k]);
            for i in 0..L {
                matched[i] += row[i].conj() * y[rx][k];
                for j in 0..L {
                    gram[i][j] += row[i].conj() * row[j];
                }
            }
        }
        let mut loaded = gram;
        for (i, row) in loaded.iter_mut().enumerate() {
            row[i].re += noise;
        }
        let Some(inverse) = inverse(&loaded) else {
            out.fill(ZERO);
            noise_var.fill(f32::INFINITY);
            continue;
        };
        for i in 0..L {
            let estimate: Cf32 = (0..L).map(|j| inverse[i][j] * matched[j]).sum();
            // (G H)_ii = 1 - noise (inverse)_ii, real.
            let bias = 1.0 - noise * inverse[i][i].re;
            if bias > 1e-6 {
                out[i] = estimate * rotation / bias;
                noise_var[i] = (1.0 - bias) / bias;
            } else {
                out[i] = ZERO;
                noise_var[i] = f32::INFINITY;
            }
        }
    }
}

#[cfg(test)]
mod tests;
