//! From a received slot to soft bits, symbol by symbol.
//!
//! [`Reception`] is what a whole slot needs once: estimates, layout, phases. Then [`SymbolWorker::soft_bits`] does one OFDM symbol; symbols
//! depend on nothing but the reception, so any number of workers share a slot and give the same bits.

use super::transform::Transforms;
use super::{Layout, Shape, ptrs};
use crate::equalize::{Detector, Equalizer};
use crate::estimate::{Bundling, ChannelError, ChannelEstimate, RX_MAX, SharedEstimator, dmrs};
use crate::modulation::{Modulation, demodulate, nearest};
use dsp::{Cf32, Isa};
use fapi::{RbAllocation, TransformPrecoding};
use fec::Llr;
use nr::{Rnti, SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
const ONE: Cf32 = Cf32::new(1.0, 0.0);
/// Most bits of a symbol that is detected jointly.
const JOINT_BITS_MAX: usize = 6;

/// What one slot's symbols share. Made once and used again.
#[derive(Clone, Debug)]
pub struct Reception {
    /// Which elements carry data.
    pub layout: Layout,
    /// How several layers are told apart.
    pub detector: Detector,
    /// One for each hop; the first alone where it does not hop.
    estimates: [ChannelEstimate; 2],
    n_hops: usize,
    rbs: RbAllocation,
    n_layers: usize,
    scheme: Modulation,
    transform: Option<(TransformPrecoding, Rnti, SlotPoint)>,
    /// Pilots of the first DM-RS symbol, for PT-RS.
    pilots: Vec<Cf32>,
}

/// What a symbol tells besides its soft bits; add them up over symbols.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SymbolReport {
    /// Sum of log2(1 + SINR) over the elements looked at.
    pub capacity: f64,
    /// Sum of noise over signal.
    pub noise: f64,
    /// Sum of squared distances from the nearest constellation point.
    pub error: f64,
    /// Elements looked at.
    pub n: u32,
}

impl SymbolReport {
    /// Adds another symbol's.
    pub fn add(&mut self, other: &SymbolReport) {
        self.capacity += other.capacity;
        self.noise += other.noise;
        self.error += other.error;
        self.n += other.n;
    }
    /// The SINR of an equal channel without fading, dB: the mean of log2(1 + SINR), turned back.
    pub fn sinr_db(&self) -> f32 {
        let mean = self.capacity / f64::from(self.n.max(1));
        (10.0 * libm::log10((libm::exp2(mean) - 1.0).max(1e-6))) as f32
    }
    /// The harmonic mean of the SINR, linear.
    pub fn sinr_harmonic(&self) -> f32 {
        let mean = self.noise / f64::from(self.n.max(1));
        if mean > 0.0 && mean.is_finite() { (1.0 / mean) as f32 } else { 0.0 }
    }
    /// Error vector magnitude, a fraction: against decisions, so too small where these are wrong. Spec: TS 38.104 annex B
    pub fn evm(&self) -> f32 {
        libm::sqrt(self.error / f64::from(self.n.max(1))) as f32
    }
}

impl Reception {
    /// For allocations of up to `n_rb_max` RBs, as `estimator` takes them.
    pub fn new(estimator: &SharedEstimator, n_rb_max: usize) -> Reception {
        Reception {
            layout: Layout::default(),
            detector: Detector::Linear,
            estimates: [estimator.make_estimate(), ChannelEstimate::default()],
            n_hops: 1,
            rbs: RbAllocation::Contiguous { start: 0, n_rb: 0 },
            n_layers: 0,
            scheme: Modulation::Qpsk,
            transform: None,
            pilots: vec![ZERO; 6 * n_rb_max],
        }
    }

    /// Estimates the channel of `shape`, which was checked and laid out in `self.layout`, and follows its phase.
    ///
    /// Errors: those of the estimator.
    pub fn begin(
        &mut self,
        estimator: &mut SharedEstimator,
        grid: &Grid,
        slot: SlotPoint,
        shape: &Shape,
        scheme: Modulation,
        transform: Option<(TransformPrecoding, Rnti)>,
        bundling: Bundling,
    ) -> Result<(), ChannelError> {
        let (hops, n_hops) = shape.hops();
        (self.rbs, self.n_hops, self.scheme) = (*shape.rbs, n_hops, scheme);
        self.n_layers = shape.dmrs.ports.count_ones() as usize;
        self.transform = transform.map(|(t, rnti)| (t, rnti, slot));
        for (hop, (rbs, symbols)) in hops[..n_hops].iter().enumerate() {
            let dmrs = fapi::DmrsPdu { symbols: *symbols, ..*shape.dmrs };
            let t = transform.as_ref().map(|(t, _)| t);
            estimator.estimate_with(grid, slot, rbs, &dmrs, t, bundling, &mut self.estimates[hop])?;
            if self.layout.ptrs().symbols() != 0 {
                let l = symbols.trailing_zeros() as usize;
                dmrs::sequence(slot, l, rbs, &dmrs, &mut self.pilots);
                self.follow_phase(grid, shape, hop, *symbols);
            }
            self.estimates[hop].whiten();
        }
        Ok(())
    }

    /// The estimate of the first hop.
    pub fn estimate(&self) -> &ChannelEstimate {
        &self.estimates[0]
    }

    /// The estimate that holds in symbol `l`.
    pub fn estimate_at(&self, l: usize) -> &ChannelEstimate {
        &self.estimates[usize::from(self.n_hops == 2 && self.layout.is_second_hop(l))]
    }

    /// Soft bits of an element over all layers.
    pub fn bits_per_element(&self) -> usize {
        self.scheme.q_m() * self.n_layers
    }

    /// Where the soft bits of symbol `l` lie among all.
    pub fn bits_of(&self, l: usize) -> core::ops::Range<usize> {
        let q = self.bits_per_element();
        self.layout.start(l) * q..self.layout.start(l + 1) * q
    }

    /// Turns the estimate's symbols by the common phase error that PT-RS show. Spec: TS 38.211 §6.4.1.2, §7.4.1.2
    fn follow_phase(&mut self, grid: &Grid, shape: &Shape, hop: usize, dmrs_symbols: u16) {
        let mine = |l: usize| (self.n_hops == 1) || self.layout.is_second_hop(l) == (hop == 1);
        let mut anchors = [None; SYMBOLS_PER_SLOT];
        for l in (0..SYMBOLS_PER_SLOT).filter(|l| mine(*l)) {
            // At DM-RS the estimate is right by itself, unless it is the mean of several.
            let own = dmrs_symbols.count_ones() == 1 || self.estimates[hop].n_times() > 1;
            if dmrs_symbols >> l & 1 == 1 && own {
                anchors[l] = Some(ONE);
            } else if self.layout.ptrs().is_in(l) {
                anchors[l] = self.phase(grid, shape, hop, l);
            }
        }
        for l in (0..SYMBOLS_PER_SLOT).filter(|l| mine(*l)) {
            let before = (0..=l).rev().find_map(|i| anchors[i].map(|z| (i, z)));
            let after = (l..SYMBOLS_PER_SLOT).find_map(|i| anchors[i].map(|z| (i, z)));
            let turn = match (before, after) {
                (Some((i, a)), Some((j, b))) if j > i => {
                    let w = (l - i) as f32 / (j - i) as f32;
                    unit(a * (1.0 - w) + b * w).unwrap_or(a)
                }
                (Some((_, a)), _) | (_, Some((_, a))) => a,
                _ => ONE,
            };
            self.estimates[hop].rotate(l, turn);
        }
    }

    /// The phase of symbol `l` against its estimate, where it stands out from noise.
    fn phase(&self, grid: &Grid, shape: &Shape, hop: usize, l: usize) -> Option<Cf32> {
        let est = &self.estimates[hop];
        let per_rb = dmrs::pilots_per_rb(shape.dmrs.config_type);
        let amplitude = self.layout.ptrs().amplitude();
        let (mut sum, mut energy) = (ZERO, 0.0f32);
        for (port, k) in self.layout.ptrs().ports() {
            let v = (shape.dmrs.ports & ((1u16 << port) - 1)).count_ones() as usize;
            let i = ptrs::pilot_at(shape.dmrs.config_type, port, k);
            for rx in 0..est.n_rx() {
                let row = grid.symbol(rx, l);
                self.layout.for_ptrs(l, |prb, rank| {
                    let at = 12 * rank + usize::from(k);
                    let h: Cf32 = est.weights(l).iter().enumerate().map(|(j, w)| est.h(j, rx, v)[at] * *w).sum();
                    let expected = h * est.rotation(l) * self.pilots[rank * per_rb + i] * amplitude;
                    sum += row[12 * prb + usize::from(k)] * expected.conj();
                    energy += expected.norm_sqr();
                });
            }
        }
        let seen = sum.norm_sqr() > 4.0 * est.noise_var * energy;
        if seen { unit(sum) } else { None }
    }
}

/// The direction of `z`, where it has one.
fn unit(z: Cf32) -> Option<Cf32> {
    let power = z.norm_sqr();
    (power > 0.0 && power.is_finite()).then(|| z / libm::sqrtf(power))
}

/// Scratch of whoever does symbols.
#[derive(Clone, Debug)]
pub struct SymbolWorker {
    isa: Isa,
    equalizer: Equalizer,
    /// Received elements of the allocation in one symbol `[rx][subcarrier]`, where they do not lie in one run.
    rows: Vec<Cf32>,
    equal: Vec<Cf32>,
    equal_noise: Vec<f32>,
    data: Vec<Cf32>,
    data_noise: Vec<f32>,
    /// Soft bits of the whole allocation, detected jointly, in symbols that have other elements than data.
    joint: Vec<Llr>,
    transforms: Transforms,
}

impl SymbolWorker {
    /// For allocations of up to `n_rb_max` RBs, `n_rx` antennas and `n_layers` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_rx: usize, n_layers: usize) -> SymbolWorker {
        let (n_sc, n_rx, n_layers) = (12 * n_rb_max, n_rx.clamp(1, RX_MAX), n_layers.clamp(1, 4));
        SymbolWorker {
            isa,
            equalizer: Equalizer::new(isa, n_sc, n_rx, n_layers),
            rows: vec![ZERO; n_rx * n_sc],
            equal: vec![ZERO; n_layers * n_sc],
            equal_noise: vec![0.0; n_layers * n_sc],
            data: vec![ZERO; n_layers * n_sc],
            data_noise: vec![0.0; n_layers * n_sc],
            joint: if n_layers > 1 { vec![0; n_layers * n_sc * JOINT_BITS_MAX] } else { Vec::new() },
            transforms: Transforms::new(isa, n_rb_max),
        }
    }

    /// Whether a reception fits.
    pub fn fits(&self, n_rb: usize, n_rx: usize, n_layers: usize) -> bool {
        12 * n_rb * n_layers <= self.equal.len() && 12 * n_rb * n_rx <= self.rows.len() && n_rx <= RX_MAX
    }

    /// Equalizes and demaps symbol `l`: `llrs` are those of [`Reception::bits_of`], overwritten.
    ///
    /// Errors: `Invalid` where lengths do not fit. Non-finite elements count as erased.
    pub fn soft_bits(
        &mut self,
        r: &Reception,
        grid: &Grid,
        l: usize,
        llrs: &mut [Llr],
    ) -> Result<SymbolReport, ChannelError> {
        let n = r.layout.n_elements_in(l) * r.n_layers;
        if n == 0 {
            return Ok(SymbolReport::default());
        }
        let wrong = ChannelError::Invalid("soft bits, worker and reception");
        if !self.fits(r.layout.n_rb(), grid.n_ports(), r.n_layers) {
            return Err(wrong);
        }
        let joint = r.detector == Detector::Joint && r.n_layers > 1 && r.transform.is_none();
        let full = r.layout.is_full(l);
        if full && r.transform.is_none() && !joint {
            return self.in_pieces(r, grid, l, llrs).ok_or(wrong);
        }
        let phase = match &r.transform {
            Some(_) => self.group_phase(r, grid, l)?,
            None => ONE,
        };
        self.equalize(r, grid, l);
        let n_all = 12 * r.layout.n_rb() * r.n_layers;
        if let Some((t, _, _)) = &r.transform {
            self.despread(n_all)?;
            let in_groups = t.ptrs.as_ref().filter(|_| r.layout.group_symbols() >> l & 1 == 1);
            let mut positions = [0; ptrs::SAMPLES_MAX];
            let n_samples = in_groups.map_or(0, |g| ptrs::group_positions(g, n_all, &mut positions));
            leave_out(
                &self.equal[..n_all],
                &self.equal_noise,
                &positions[..n_samples],
                phase,
                &mut self.data,
                &mut self.data_noise,
            );
        } else if !full {
            pick(&r.layout, l, r.n_layers, &self.equal, &self.equal_noise, &mut self.data, &mut self.data_noise);
        }
        let (x, noise) = match full && r.transform.is_none() {
            true => (&self.equal[..n], &self.equal_noise[..n]),
            false => (&self.data[..n], &self.data_noise[..n]),
        };
        let mut seen = SymbolReport::default();
        report(r.scheme, x, noise, 0, n, &mut seen);
        if !(joint && llrs.len() == n * r.scheme.q_m() && self.detect(r, grid, l, full, llrs)) {
            let (x, noise) = match full && r.transform.is_none() {
                true => (&self.equal[..n], &self.equal_noise[..n]),
                false => (&self.data[..n], &self.data_noise[..n]),
            };
            demodulate(self.isa, r.scheme, x, noise, llrs).map_err(|_| wrong)?;
        }
        Ok(seen)
    }

    /// Symbol `l` whose elements all carry data, piece by piece; `None` where lengths do not fit.
    fn in_pieces(&mut self, r: &Reception, grid: &Grid, l: usize, llrs: &mut [Llr]) -> Option<SymbolReport> {
        let (y, n_rx) = received(&mut self.rows, r, grid, l);
        let (isa, scheme, n) = (self.isa, r.scheme, 12 * r.layout.n_rb() * r.n_layers);
        let (mut seen, mut fits) = (SymbolReport::default(), llrs.len() == n * scheme.q_m());
        let take = |first: usize, x: &[Cf32], noise: &[f32]| {
            report(scheme, x, noise, first, n, &mut seen);
            let q = scheme.q_m();
            let llrs = llrs.get_mut(first * q..(first + x.len()) * q);
            fits &= llrs.is_some_and(|llrs| demodulate(isa, scheme, x, noise, llrs).is_ok());
        };
        let (equal, noise) = (&mut self.equal, &mut self.equal_noise);
        fits &= self.equalizer.equalize_pieces(r.estimate_at(l), l, &y[..n_rx], equal, noise, take);
        fits.then_some(seen)
    }

    /// Soft bits of the data of symbol `l`, all layers jointly; false where the scheme is not for it.
    fn detect(&mut self, r: &Reception, grid: &Grid, l: usize, full: bool, llrs: &mut [Llr]) -> bool {
        let (y, n_rx) = received(&mut self.rows, r, grid, l);
        let y = &y[..n_rx];
        if full {
            return self.equalizer.detect(r.estimate_at(l), l, y, r.scheme, llrs);
        }
        if !self.equalizer.detect(r.estimate_at(l), l, y, r.scheme, &mut self.joint) {
            return false;
        }
        let q = r.bits_per_element();
        let mut cells = llrs.chunks_exact_mut(q);
        r.layout.for_rbs(l, |_, rank, mask| {
            for k in (0..12).filter(|k| mask >> k & 1 == 1) {
                if let Some(cell) = cells.next() {
                    cell.copy_from_slice(&self.joint[(12 * rank + k) * q..][..q]);
                }
            }
        });
        true
    }

    /// Equalizes the whole allocation of symbol `l` into `equal` and `equal_noise`.
    fn equalize(&mut self, r: &Reception, grid: &Grid, l: usize) {
        let (y, n_rx) = received(&mut self.rows, r, grid, l);
        let n = 12 * r.layout.n_rb() * r.n_layers;
        let (equal, noise) = (&mut self.equal[..n], &mut self.equal_noise[..n]);
        self.equalizer.equalize(r.estimate_at(l), l, &y[..n_rx], equal, noise);
    }

    /// MMSE over the subcarriers, then the inverse transform; every symbol has the same noise after it.
    ///
    /// An unbiased estimate with noise n has the bias b = 1/(1 + n) taken out; with it put back, symbols after the transform have
    /// the mean bias, and what it lacks of 1 is interference and noise.
    fn despread(&mut self, n: usize) -> Result<(), ChannelError> {
        let mut sum = 0.0f64;
        for (x, noise) in self.equal[..n].iter_mut().zip(&self.equal_noise[..n]) {
            let b = 1.0 / (1.0 + noise);
            // Erased where there is no channel.
            let usable = b > 0.0 && x.re.is_finite() && x.im.is_finite();
            (*x, sum) = if usable { (*x * b, sum + f64::from(b)) } else { (ZERO, sum) };
        }
        self.transforms.despread(&mut self.equal[..n])?;
        let mean = (sum / n as f64) as f32;
        let (gain, noise) =
            if mean > 1e-6 { (1.0 / mean, ((1.0 - mean) / mean).max(1e-6)) } else { (0.0, f32::INFINITY) };
        dsp::vector::scale(self.isa, &mut self.equal[..n], gain);
        self.equal_noise[..n].fill(noise);
        Ok(())
    }

    /// The common phase that the PT-RS groups of symbol `l`, or of its neighbours that have them, show.
    fn group_phase(&mut self, r: &Reception, grid: &Grid, l: usize) -> Result<Cf32, ChannelError> {
        let symbols = r.layout.group_symbols();
        let Some((TransformPrecoding { ptrs: Some(g), .. }, rnti, slot)) = &r.transform else { return Ok(ONE) };
        let same_hop = |i: &usize| r.layout.is_second_hop(*i) == r.layout.is_second_hop(l);
        let with = |i: &usize| symbols >> *i & 1 == 1 && same_hop(i);
        let before = (0..=l).rev().find(with);
        let after = (l..SYMBOLS_PER_SLOT).find(with).filter(|i| Some(*i) != before);
        let mut sum = ZERO;
        for i in [before, after].into_iter().flatten() {
            self.equalize(r, grid, i);
            let n = 12 * r.layout.n_rb();
            self.despread(n)?;
            let mut positions = [0; ptrs::SAMPLES_MAX];
            let n_samples = ptrs::group_positions(g, n, &mut positions);
            let mut samples = [ZERO; ptrs::SAMPLES_MAX];
            let first = symbols.trailing_zeros() as usize;
            ptrs::group_samples(g, *rnti, *slot, first, &positions[..n_samples], &mut samples);
            let seen: Cf32 = positions[..n_samples]
                .iter()
                .zip(&samples)
                .map(|(at, s)| self.equal[usize::from(*at)] * s.conj())
                .sum();
            sum += unit(seen).unwrap_or(ZERO);
        }
        Ok(unit(sum).unwrap_or(ONE))
    }
}

/// Received elements of the whole allocation in symbol `l`, of each antenna, and the number of antennas; gathered in `rows` where they do
/// not lie in one run.
fn received<'a>(rows: &'a mut [Cf32], r: &Reception, grid: &'a Grid, l: usize) -> ([&'a [Cf32]; RX_MAX], usize) {
    let n_sc = 12 * r.layout.n_rb();
    let mut y: [&[Cf32]; RX_MAX] = [&[]; RX_MAX];
    let n_rx = grid.n_ports().min(RX_MAX);
    let mut runs = r.layout.runs(&r.rbs, l);
    let (one, more) = (runs.next().unwrap_or((0, 0)), runs.next().is_some());
    if more {
        for (rx, to) in rows.chunks_exact_mut(n_sc).enumerate().take(n_rx) {
            let (from, mut to) = (grid.symbol(rx, l), to);
            for (first, n_rb) in r.layout.runs(&r.rbs, l) {
                let (now, rest) = to.split_at_mut(12 * n_rb);
                now.copy_from_slice(&from[12 * first..][..now.len()]);
                to = rest;
            }
        }
    }
    for (rx, y) in y.iter_mut().enumerate().take(n_rx) {
        *y = if more { &rows[rx * n_sc..][..n_sc] } else { &grid.symbol(rx, l)[12 * one.0..][..n_sc] };
    }
    (y, n_rx)
}

/// Some elements of a symbol of `n`, looked at for the report: those among `x`, the first of which is element `first`.
fn report(scheme: Modulation, x: &[Cf32], noise: &[f32], first: usize, n: usize, out: &mut SymbolReport) {
    // An odd step looks at all layers in turn.
    let step = (n / 40) | 1;
    for i in (first.next_multiple_of(step)..first + x.len()).step_by(step) {
        let (x, n) = (x[i - first], noise[i - first]);
        let usable = n.is_finite() && x.re.is_finite() && x.im.is_finite();
        let n = if usable { f64::from(n.clamp(1e-9, 1e6)) } else { 1e6 };
        out.capacity += f64::from(libm::log2f(1.0 + (1.0 / n) as f32));
        out.noise += if usable { n } else { 1.0 };
        if usable {
            out.error += f64::from((x - nearest(scheme, x, i)).norm_sqr()).min(1e6);
        }
        out.n += 1;
    }
}

/// Symbols after the inverse transform without PT-RS samples, their common phase taken out.
fn leave_out(equal: &[Cf32], noise: &[f32], positions: &[u16], phase: Cf32, data: &mut [Cf32], data_noise: &mut [f32]) {
    let (mut at, mut out) = (0, 0);
    let turn = phase.conj();
    for (i, (x, n)) in equal.iter().zip(noise).enumerate() {
        if positions.get(at).is_some_and(|p| usize::from(*p) == i) {
            at += 1;
            continue;
        }
        (data[out], data_noise[out]) = (x * turn, *n);
        out += 1;
    }
}

/// Takes the data elements of symbol `l` in mapping order out of the equalized allocation.
fn pick(
    layout: &Layout,
    l: usize,
    n_layers: usize,
    equal: &[Cf32],
    noise: &[f32],
    data: &mut [Cf32],
    data_noise: &mut [f32],
) {
    let mut at = 0;
    layout.for_rbs(l, |_, rank, mask| {
        let cells = 12 * rank * n_layers;
        if mask == 0xfff {
            let n = 12 * n_layers;
            data[at..at + n].copy_from_slice(&equal[cells..cells + n]);
            data_noise[at..at + n].copy_from_slice(&noise[cells..cells + n]);
            at += n;
            return;
        }
        for k in (0..12).filter(|k| mask >> k & 1 == 1) {
            for v in 0..n_layers {
                data[at] = equal[cells + k * n_layers + v];
                data_noise[at] = noise[cells + k * n_layers + v];
                at += 1;
            }
        }
    });
}
