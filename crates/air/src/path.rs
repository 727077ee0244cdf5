//! One way through the channel: fractional delay, band limit, rate change, taps, frequency shift, gain.
//!
//! | in the formula  | here      | meaning                                                          |
//! | P/Q             | p, q      | nominal input samples per output sample, in lowest terms         |
//! | B               | block_len | outputs for which filter taps are held: 256 at one rate, 512 at two, with fading up to 8192 |
//! | g(t)            | kernel    | low-pass of the narrower band, t in input samples                |
//! | nu              | band      | middle of the common band, cycles per input sample               |
//!
//! Output i of phase j = i mod Q within a block lies at the input position `p_j + floor(i/Q) P`; positions come from the block's
//! middle, so a clock error of 4 ppm moves a sample by 5e-4 samples at most (-65 dB), with fading at 1024 points by 2e-3 (-53 dB
//! at the band's edge). Blocks start at multiples of B of the output's own count (a faded burst's at its own start): how a stream
//! is cut into calls changes nothing.

use dsp::fir::{self, Kernel, StridedTaps};
use dsp::mix::{phasor_q64, turn_by_table, turns_q64};
use dsp::{Cf32, Isa, vector};

use crate::clock::{PositionMap, Q64, gcd, to_q64};
use crate::config::AirError;
use crate::fading::Fading;
use crate::spectral::Spectral;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// Outputs between two references to the exact phase.
const TURN_LEN: usize = 256;

/// Taps of the filter between equal rates, and the share of the band either side of 0 that it passes: -58 dB wrong on average.
const EQUAL_RATES: (usize, f64) = (18, 0.418);

/// Bands that overlap by less than this share of the narrower one pass nothing.
const OVERLAP_MIN: f64 = 0.1;

/// Input samples that are zero outside what is given.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub start: i64,
    pub samples: &'a [Cf32],
    /// Which source this is, among all that a path is used for.
    pub id: u64,
    /// The output count at which a block of a faded path starts.
    pub grid: i64,
}

/// What the two ends of a path agree on.
pub(crate) struct PathSpec {
    pub rate_in: u32,
    pub rate_out: u32,
    /// The transmitter's centre less the receiver's, nominal, Hz.
    pub offset_hz: f64,
    pub map: PositionMap,
    /// True time of output sample `map.origin`, and the length of an output sample, seconds.
    pub t_origin: f64,
    pub t_step: f64,
    /// The true frequency difference in turns per output sample, and the phase at `map.origin`.
    pub turns_per_sample: f64,
    pub turns_at_origin: f64,
}

/// Filter taps of one phase: real without fading and shift of the band, else complex.
#[derive(Clone, Debug)]
enum Taps {
    Real(Vec<f32>),
    Complex(Vec<Cf32>),
}

#[derive(Clone, Debug)]
pub(crate) struct Path {
    isa: Isa,
    map: PositionMap,
    t_origin: f64,
    t_step: f64,
    p: i64,
    q: i64,
    block_len: i64,
    kernel: Option<Kernel>,
    /// Middle of the common band in cycles per input sample, where the kernel is turned to it.
    band: Option<f64>,
    /// Delays of fading taps in input samples times 2^64, and the longest in whole samples.
    delays: Vec<i128>,
    spread: i64,
    /// How far a block's start lies before its middle, and where each phase lies after its start, in 2^-64 input samples.
    half_block: i128,
    phase_offsets: Vec<i128>,
    gains: Vec<Cf32>,
    turn_step: u64,
    turn_at_origin: u64,
    turn_table: Vec<Cf32>,
    /// What `taps` and `bases` were made for: start of the grid, block.
    block: Option<(i64, i64)>,
    /// The long filter of a faded path at equal rates, and what its outputs are of: source and block.
    spectral: Option<Spectral>,
    outputs_of: Option<(u64, i64)>,
    silent: bool,
    /// `[phase]`: the input count that the first tap weighs, and the taps.
    bases: Vec<i64>,
    taps: Vec<Taps>,
    /// The same laid out for a change of rate; none at equal rates.
    strided: Vec<StridedTaps>,
    fractional: Vec<f32>,
    window: Vec<Cf32>,
}

impl Path {
    /// Allocates; for a start or a new tuning.
    pub(crate) fn new(spec: &PathSpec, fading: &Fading, isa: Isa) -> Result<Path, AirError> {
        let divisor = gcd(spec.rate_in, spec.rate_out);
        let (p, q) = (i64::from(spec.rate_in / divisor), i64::from(spec.rate_out / divisor));
        let (narrow, wide) = (spec.rate_in.min(spec.rate_out), spec.rate_in.max(spec.rate_out));
        if wide / narrow > 32 || p.max(q) > 4096 {
            return Err(AirError::RateRatio(spec.rate_in, spec.rate_out));
        }
        let (kernel, band) = make_kernel(spec);
        let delays: Vec<f64> = fading.delays_s().map(|s| s * f64::from(spec.rate_in)).collect();
        let spread = libm::ceil(delays.iter().fold(0.0f64, |a, &b| a.max(b))) as i64;
        let n_kernel = kernel.as_ref().map_or(0, Kernel::n_taps);
        let n_taps = n_kernel + if delays.is_empty() { 0 } else { spread as usize + 1 };
        let spectral = if delays.is_empty() || p != q { None } else { Spectral::new(n_taps, isa) };
        let held = match (p == q, delays.is_empty()) {
            (true, _) => 256,
            (false, true) => 512,
            (false, false) => 1024,
        };
        let block_len = spectral.as_ref().map_or(q * ((held - 1) / q + 1), |s| s.block_len() as i64);
        let taps = if delays.is_empty() && band.is_none() {
            Taps::Real(vec![0.0; n_taps])
        } else {
            Taps::Complex(vec![ZERO; n_taps])
        };
        let turn_step = turns_q64(spec.turns_per_sample);
        Ok(Path {
            isa,
            map: spec.map,
            t_origin: spec.t_origin,
            t_step: spec.t_step,
            p,
            q,
            block_len,
            band,
            gains: vec![ZERO; delays.len()],
            delays: delays.into_iter().map(to_q64).collect(),
            spread,
            // The block is a whole number of Q outputs; its half may not be, hence the fraction of P/Q.
            half_block: (i128::from(block_len / 2 * p) << 64) / i128::from(q),
            phase_offsets: (0..q).map(|phase| (i128::from(phase * p) << 64) / i128::from(q)).collect(),
            turn_step,
            turn_at_origin: turns_q64(spec.turns_at_origin),
            turn_table: (0..TURN_LEN as u64).map(|i| phasor_q64(turn_step.wrapping_mul(i))).collect(),
            block: None,
            spectral,
            outputs_of: None,
            silent: true,
            bases: vec![0; q as usize],
            taps: vec![taps; q as usize],
            strided: if p == q { Vec::new() } else { vec![StridedTaps::new(n_taps); q as usize] },
            fractional: vec![0.0; n_kernel],
            window: vec![ZERO; (block_len / q * p) as usize + p as usize + n_taps + 4],
            kernel,
        })
    }

    /// Position among the input of output `count`, in 2^-64 samples.
    pub(crate) fn map(&self) -> &PositionMap {
        &self.map
    }

    /// How many input samples after its own position an output may need.
    pub(crate) fn reach_after(&self) -> i64 {
        self.kernel.as_ref().map_or(0, |k| k.n_taps() as i64 / 2) + 2
    }

    /// How many input samples before its own position an output may need, fading taps included.
    pub(crate) fn reach_before(&self) -> i64 {
        self.kernel.as_ref().map_or(0, |k| k.n_taps() as i64 / 2) + self.spread + 3
    }

    /// Outputs come in blocks of this many, for a source that grows: those of a faded path at equal rates.
    pub(crate) fn granularity(&self) -> i64 {
        if self.spectral.is_some() { self.block_len } else { 1 }
    }

    /// Writes outputs `first..first + out.len()` of amplitude `amplitude`; silence if the bands do not meet.
    pub(crate) fn render(
        &mut self,
        fading: &mut Fading,
        source: Source<'_>,
        first: i64,
        amplitude: f32,
        out: &mut [Cf32],
    ) {
        if self.kernel.is_none() {
            out.fill(ZERO);
            return;
        }
        let grid = if self.spectral.is_some() { source.grid } else { 0 };
        let mut done = 0;
        while done < out.len() {
            let at = first + done as i64;
            let block = (at - grid).div_euclid(self.block_len);
            let offset = (at - grid).rem_euclid(self.block_len);
            let len = (self.block_len - offset).min((out.len() - done) as i64) as usize;
            self.prepare(fading, grid, block);
            let part = &mut out[done..done + len];
            if self.filter(source, block, offset, part) {
                self.turn(at, amplitude, part);
            } else {
                part.fill(ZERO);
            }
            done += len;
        }
    }

    /// Makes the taps of `block` of the blocks from `grid` on, unless they are there.
    fn prepare(&mut self, fading: &mut Fading, grid: i64, block: i64) {
        let Some(kernel) = self.kernel.as_ref().filter(|_| self.block != Some((grid, block))) else {
            return;
        };
        let middle = grid + block * self.block_len + self.block_len / 2;
        let start = self.map.at(middle) - self.half_block;
        if !self.delays.is_empty() {
            let t = self.t_origin + (middle - self.map.origin) as f64 * self.t_step;
            fading.gains_at(t, &mut self.gains);
        }
        let lead = kernel.n_taps() as i64 / 2 - 1;
        for phase in 0..self.q as usize {
            let position = start + self.phase_offsets[phase];
            let (whole, fraction) = split(position);
            match &mut self.taps[phase] {
                Taps::Real(taps) => {
                    kernel.taps_at(fraction, taps);
                    self.bases[phase] = whole - lead;
                    if let Some(strided) = self.strided.get_mut(phase) {
                        strided.set_real(taps);
                    }
                }
                Taps::Complex(taps) => {
                    // The last possible tap stands at whole + n/2; all before it belong to delayed copies.
                    let base = whole - lead - (taps.len() - kernel.n_taps()) as i64;
                    self.bases[phase] = base;
                    taps.fill(ZERO);
                    let direct = [(0, Cf32::new(1.0, 0.0))];
                    let faded = self.delays.iter().copied().zip(self.gains.iter().copied());
                    let paths = direct.into_iter().filter(|_| self.delays.is_empty()).chain(faded);
                    for (delay, gain) in paths {
                        let (whole, fraction) = split(position - delay);
                        kernel.taps_at(fraction, &mut self.fractional);
                        let at = (whole - lead - base).max(0) as usize;
                        add_taps(&mut taps[at..], &self.fractional, gain, self.band, fraction + lead as f64);
                    }
                    if let Some(strided) = self.strided.get_mut(phase) {
                        strided.set(taps);
                    }
                }
            }
        }
        if let (Some(spectral), Taps::Complex(taps)) = (&mut self.spectral, &self.taps[0]) {
            spectral.set_taps(taps);
        }
        self.outputs_of = None;
        self.block = Some((grid, block));
    }

    /// Filters outputs `offset..offset + out.len()` of the prepared block. Returns false, `out` as it was, where there is silence.
    fn filter(&mut self, source: Source<'_>, block: i64, offset: i64, out: &mut [Cf32]) -> bool {
        if let Some(spectral) = &mut self.spectral {
            if self.outputs_of != Some((source.id, block)) {
                let window = window_of(source, self.bases[0], spectral.window_len(), &mut self.window);
                self.silent = vector::is_zero(self.isa, window);
                if !self.silent {
                    spectral.run(window);
                }
                self.outputs_of = Some((source.id, block));
            }
            let outputs = spectral.outputs();
            out.copy_from_slice(&outputs[offset as usize..offset as usize + out.len()]);
            return !self.silent;
        }
        let (p, q) = (self.p, self.q);
        let n_taps = match &self.taps[0] {
            Taps::Real(taps) => taps.len(),
            Taps::Complex(taps) => taps.len(),
        };
        let base_of = |i: i64| self.bases[(i % q) as usize] + i / q * p;
        // Phases are in order of position, so the first and the last output bound the window.
        let low = base_of(offset);
        let high = base_of(offset + out.len() as i64 - 1) + n_taps as i64;
        let window = window_of(source, low, (high - low) as usize, &mut self.window);
        if vector::is_zero(self.isa, window) {
            return false;
        }
        if q == 1 && p == 1 {
            match &self.taps[0] {
                Taps::Real(taps) => fir::filter_real(self.isa, window, taps, out),
                Taps::Complex(taps) => fir::filter_complex(self.isa, window, taps, out),
            };
            return true;
        }
        for first in 0..(q as usize).min(out.len()) {
            let i = offset + first as i64;
            let start = (base_of(i) - low) as usize;
            let out = &mut out[first..];
            let taps = &self.strided[(i % q) as usize];
            fir::filter_strided(self.isa, &window[start..], taps, p as usize, out, q as usize);
        }
        true
    }

    /// Turns outputs from `at` on by the frequency difference, and scales them.
    fn turn(&self, at: i64, amplitude: f32, out: &mut [Cf32]) {
        let mut done = 0;
        while done < out.len() {
            let count = at + done as i64;
            let offset = count.rem_euclid(TURN_LEN as i64) as usize;
            let len = (TURN_LEN - offset).min(out.len() - done);
            let since = (count - offset as i64 - self.map.origin) as u64;
            let phase = self.turn_at_origin.wrapping_add(self.turn_step.wrapping_mul(since));
            let start = phasor_q64(phase) * amplitude;
            turn_by_table(self.isa, &mut out[done..done + len], &self.turn_table[offset..], start);
            done += len;
        }
    }
}

/// The kernel for the band that both ends share, and its middle where it is not 0; no kernel if they share too little.
fn make_kernel(spec: &PathSpec) -> (Option<Kernel>, Option<f64>) {
    let (rate_in, rate_out) = (f64::from(spec.rate_in), f64::from(spec.rate_out));
    let narrow = rate_in.min(rate_out);
    let offset = if spec.offset_hz.abs() < 1e-3 * narrow { 0.0 } else { spec.offset_hz };
    let low = (-rate_in / 2.0).max(-offset - rate_out / 2.0);
    let high = (rate_in / 2.0).min(-offset + rate_out / 2.0);
    if high - low < OVERLAP_MIN * narrow {
        return (None, None);
    }
    let kernel = if rate_in == rate_out && offset == 0.0 {
        Kernel::fractional_delay(EQUAL_RATES.0, EQUAL_RATES.1)
    } else {
        let n_taps = libm::ceil(22.0 * rate_in / narrow) as usize;
        Kernel::new(n_taps, (high - low) / 2.0 / rate_in, 5.7)
    };
    let middle = (high + low) / 2.0 / rate_in;
    (Some(kernel), if middle.abs() < 1e-9 { None } else { Some(middle) })
}

/// Adds `gain` times the kernel's taps, turned to the middle of the band; tap k lies `lead - k` samples before the position.
fn add_taps(taps: &mut [Cf32], kernel: &[f32], gain: Cf32, band: Option<f64>, lead: f64) {
    match band {
        None => {
            for (tap, &k) in taps.iter_mut().zip(kernel) {
                *tap += gain * k;
            }
        }
        Some(middle) => {
            let mut turn = turns_q64(middle * lead);
            let step = turns_q64(middle);
            for (tap, &k) in taps.iter_mut().zip(kernel) {
                *tap += gain * phasor_q64(turn) * k;
                turn = turn.wrapping_sub(step);
            }
        }
    }
}

/// Whole samples and the fraction of a position.
fn split(position: i128) -> (i64, f64) {
    ((position >> 64) as i64, (position as u64) as f64 / Q64)
}

/// Inputs `low..low + len`: where they lie, or copied to `buffer` with zeros for those that do not exist.
fn window_of<'a>(source: Source<'a>, low: i64, len: usize, buffer: &'a mut [Cf32]) -> &'a [Cf32] {
    let from = low - source.start;
    if let Ok(from) = usize::try_from(from)
        && let Some(window) = source.samples.get(from..from + len)
    {
        return window;
    }
    let len = len.min(buffer.len());
    let buffer = &mut buffer[..len];
    buffer.fill(ZERO);
    let first = (-from).clamp(0, len as i64);
    let last = (source.samples.len() as i64 - from).clamp(first, len as i64);
    if first < last {
        let there = &source.samples[(from + first) as usize..(from + last) as usize];
        buffer[first as usize..last as usize].copy_from_slice(there);
    }
    buffer
}

/// The phase of the carrier's travel over `delay_s`, and the path's own, in turns.
pub(crate) fn path_turns(tx_hz: f64, delay_s: f64, phase_turns: f64) -> f64 {
    phase_turns - tx_hz * delay_s
}
