//! The channel of a PDSCH or PUSCH from its DM-RS.
//!
//! Steps: least squares at the pilots; frequency offset from the phase between DM-RS symbols, and back-rotation; the symbols are
//! averaged where they differ by noise only, else each is kept and time is interpolated; then smoothing across frequency.

use super::channel::{ChannelEstimate, DMRS_SYMBOLS_MAX, LAYERS_MAX, RX_MAX};
use super::covariance::Covariance;
use super::dmrs::{self, Port};
use super::wiener::{Choice, Smoother, noise_by_differences};
use super::{ChannelError, delay, dmrs::runs, doppler};
use crate::modulation::multiversion;
use crate::shared::transform::Transforms;
use dsp::{Cf32, Cf64, Isa};
use fapi::{DmrsPdu, RbAllocation, TransformPrecoding};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

/// Estimates channels of PDSCH and PUSCH. Holds filters and scratch; nothing is allocated in a call.
#[derive(Clone, Debug)]
pub struct SharedEstimator {
    isa: Isa,
    n_rb_max: usize,
    bundling: Bundling,
    /// Type 1 alone in its CDM group, type 1 in pairs, type 2 in pairs.
    smoothers: [Smoother; 3],
    sequence: Vec<Cf32>,
    transforms: Transforms,
    /// `[rx][layer][time][pilot]`.
    ls: Vec<Cf32>,
    mean: Vec<Cf32>,
    covariance: Covariance,
    jakes: doppler::Jakes,
}

/// The times at which DM-RS show the channel: single symbols, and pairs that are despread.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// First symbol of each.
    first: [u8; DMRS_SYMBOLS_MAX],
    /// Symbols: 1 or 2.
    n: [u8; DMRS_SYMBOLS_MAX],
    len: usize,
}

impl Times {
    fn new(mask: u16) -> Result<Times, ChannelError> {
        let mut times = Times { first: [0; DMRS_SYMBOLS_MAX], n: [0; DMRS_SYMBOLS_MAX], len: 0 };
        let mut l = 0;
        while l < SYMBOLS_PER_SLOT {
            if mask >> l & 1 == 0 {
                l += 1;
                continue;
            }
            let n = if mask >> (l + 1) & 1 == 1 { 2 } else { 1 };
            let at = times.len;
            let (first, count) = times
                .first
                .get_mut(at)
                .zip(times.n.get_mut(at))
                .ok_or(ChannelError::Invalid("more than eight DM-RS symbols (TS 38.211 table 6.4.1.1.3-3)"))?;
            (*first, *count) = (l as u8, n);
            times.len += 1;
            l += usize::from(n);
        }
        Ok(times)
    }
    /// The middle of each, in symbols.
    fn middles(&self) -> [f32; DMRS_SYMBOLS_MAX] {
        core::array::from_fn(|j| f32::from(self.first[j]) + 0.5 * (f32::from(self.n[j]) - 1.0))
    }
    /// Whether all of them are pairs.
    fn are_pairs(&self) -> bool {
        self.n[..self.len].iter().all(|n| *n == 2)
    }
}

/// Groups of RBs over which a receiver may take the channel as one. Spec: TS 38.214 §5.1.2.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bundling {
    /// RBs of a group; 0: all.
    pub size: usize,
    /// RBs of the carrier's first group below the carrier.
    pub offset: usize,
}

impl Bundling {
    /// The RB after the group of carrier RB `rb`.
    fn end_of_group(&self, rb: usize) -> usize {
        let group = (rb + self.offset).checked_div(self.size);
        group.map_or(usize::MAX, |group| (group + 1) * self.size - self.offset)
    }
}

/// The comb of one layer.
#[derive(Clone, Copy)]
struct Comb {
    layout: Port,
    /// Which smoother.
    kind: usize,
    /// Pilots an RB after despreading.
    per_rb: usize,
    /// Whole subcarriers before the first.
    first: usize,
}

impl SharedEstimator {
    /// For carriers of up to `n_rb_max` RB, `n_rx` antennas, `n_layers` layers. Costs some milliseconds.
    pub fn new(isa: Isa, n_rb_max: usize, n_rx: usize, n_layers: usize) -> SharedEstimator {
        let (n_rx, n_layers) = (n_rx.clamp(1, RX_MAX), n_layers.clamp(1, LAYERS_MAX));
        let zero = Cf32::new(0.0, 0.0);
        SharedEstimator {
            isa,
            n_rb_max,
            bundling: Bundling::default(),
            smoothers: [Smoother::new(isa, 2, false), Smoother::new(isa, 4, false), Smoother::new(isa, 6, true)],
            sequence: vec![zero; n_rb_max * 6],
            transforms: Transforms::new(isa, n_rb_max),
            ls: vec![zero; n_rx * n_layers * DMRS_SYMBOLS_MAX * n_rb_max * 6],
            mean: vec![zero; n_rx * n_layers * n_rb_max * 6],
            covariance: Covariance::new(n_rb_max),
            jakes: doppler::Jakes::default(),
        }
    }

    /// A [`ChannelEstimate`] whose memory fits every estimate of this estimator.
    pub fn make_estimate(&self) -> ChannelEstimate {
        let n = self.ls.len() / 6 * 12;
        ChannelEstimate { h: Vec::with_capacity(n), ..ChannelEstimate::default() }
    }

    /// Estimates the channel over the allocation from DM-RS of pseudo-random sequences; see [`SharedEstimator::estimate_with`].
    pub fn estimate(
        &mut self,
        grid: &Grid,
        slot: SlotPoint,
        rbs: &RbAllocation,
        dmrs: &DmrsPdu,
        out: &mut ChannelEstimate,
    ) -> Result<(), ChannelError> {
        self.estimate_with(grid, slot, rbs, dmrs, None, Bundling::default(), out)
    }

    /// Estimates the channel over the allocation.
    ///
    /// - `grid`      received elements, every port an antenna
    /// - `transform` of a transform-precoded PUSCH, whose DM-RS are low-PAPR sequences
    /// - `bundling`  over which RBs the channel is one
    /// - `out`       overwritten
    ///
    /// Errors: `Invalid` if the PDU does not fit the grid or this estimator, `Unsupported` for sequences that are not built.
    pub fn estimate_with(
        &mut self,
        grid: &Grid,
        slot: SlotPoint,
        rbs: &RbAllocation,
        dmrs: &DmrsPdu,
        transform: Option<&TransformPrecoding>,
        bundling: Bundling,
        out: &mut ChannelEstimate,
    ) -> Result<(), ChannelError> {
        self.bundling = bundling;
        dmrs::check(rbs, dmrs, grid.n_subcarriers())?;
        let times = Times::new(dmrs.symbols)?;
        let combs = combs(dmrs, times.are_pairs())?;
        let n_layers = combs.len();
        let n_rx = grid.n_ports();
        let n_rb = rbs.n_rb() as usize;
        let per_rb = combs[0].per_rb;
        let n_pilots = n_rb * per_rb;
        if n_rb > self.n_rb_max || n_rx * n_layers * times.len * n_pilots > self.ls.len() || n_rx > RX_MAX {
            return Err(ChannelError::Invalid("larger than the estimator was made for"));
        }
        self.least_squares(grid, slot, rbs, dmrs, transform, &combs, &times)?;
        let rows = n_rx * n_layers;
        let ls = &mut self.ls[..rows * times.len * n_pilots];
        let middles = times.middles();
        let turning = frequency(self.isa, ls, times.len, n_pilots, &middles);
        out.turns_per_symbol = turning.map(|t| t.turns);
        let turns = turning.filter(|t| t.coherence > COHERENCE_MIN).map_or(0.0, |t| t.turns);
        out.rotation = core::array::from_fn(|l| rotation(turns, l as f32));
        for row in ls.chunks_exact_mut(times.len * n_pilots) {
            for (pilots, middle) in row.chunks_exact_mut(n_pilots).zip(&middles) {
                dsp::vector::rotate(self.isa, pilots, rotation(turns, *middle).conj());
            }
        }
        (out.n_rx, out.n_layers, out.n_subcarriers) = (n_rx, n_layers, n_rb * 12);
        out.whitened = false;
        self.smooth(rbs, &combs, &times, rows, n_pilots, slot, out);
        // Pilots are as strong as data after division by the boosted sequence; despread ones are means of two or four.
        let boost = dmrs::boost(dmrs);
        let averaged = if combs[0].kind == 0 { 1.0 } else { 2.0 } * if times.are_pairs() { 2.0 } else { 1.0 };
        out.noise_var = (out.noise_var * boost * boost * averaged).max(1e-30);
        out.whitening.scale(1.0 / libm::sqrtf(out.noise_var));
        Ok(())
    }

    fn least_squares(
        &mut self,
        grid: &Grid,
        slot: SlotPoint,
        rbs: &RbAllocation,
        dmrs: &DmrsPdu,
        transform: Option<&TransformPrecoding>,
        combs: &Combs,
        times: &Times,
    ) -> Result<(), ChannelError> {
        let n_rb = rbs.n_rb() as usize;
        let n_pilots = n_rb * combs[0].per_rb;
        for j in 0..times.len {
            for second in 0..usize::from(times.n[j]) {
                let l = usize::from(times.first[j]) + second;
                let n = self.pilots(slot, l, rbs, dmrs, transform)?;
                let scale = 1.0 / (dmrs::boost(dmrs) * f32::from(times.n[j]));
                for rx in 0..grid.n_ports() {
                    for (layer, comb) in combs.iter().enumerate() {
                        let at = ((rx * combs.len() + layer) * times.len + j) * n_pilots;
                        let (ls, mean) = (&mut self.ls[at..at + n_pilots], &mut self.mean[..n_pilots]);
                        let to = if second == 0 { &mut *ls } else { &mut *mean };
                        divide(
                            self.isa,
                            grid.symbol(rx, l),
                            &self.sequence[..n],
                            rbs,
                            comb,
                            dmrs.config_type,
                            scale,
                            to,
                        );
                        if second == 1 {
                            let w_t = f32::from(comb.layout.w_t);
                            ls.iter_mut().zip(mean.iter()).for_each(|(ls, b)| *ls += b * w_t);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Fills `sequence` with the pilots of symbol `l`, each over its own squared magnitude; returns how many.
    fn pilots(
        &mut self,
        slot: SlotPoint,
        l: usize,
        rbs: &RbAllocation,
        dmrs: &DmrsPdu,
        transform: Option<&TransformPrecoding>,
    ) -> Result<usize, ChannelError> {
        let Some(t) = transform else {
            return Ok(dmrs::sequence(slot, l, rbs, dmrs, &mut self.sequence));
        };
        let n = 6 * rbs.n_rb() as usize;
        let out = &mut self.sequence[..n];
        self.transforms.dmrs(t, slot, l, dmrs.symbols, dmrs.n_scid, out)?;
        if t.low_papr_type2 {
            // Weak pilots say little: they are not blown up without bound.
            out.iter_mut().for_each(|r| *r /= r.norm_sqr().max(0.1));
        }
        Ok(n)
    }

    /// Fills `out` from the rotated pilots; its noise is that of one despread pilot.
    fn smooth(
        &mut self,
        rbs: &RbAllocation,
        combs: &Combs,
        times: &Times,
        rows: usize,
        n_pilots: usize,
        slot: SlotPoint,
        out: &mut ChannelEstimate,
    ) {
        let (isa, bundling) = (self.isa, self.bundling);
        let n_symbols = times.len;
        let per_rb = combs[0].per_rb;
        let smoother = &self.smoothers[combs[0].kind];
        let ls = &mut self.ls[..rows * n_symbols * n_pilots];
        let (stats, slope) = delay::slope(isa, ls, n_pilots, smoother.spacing(), |f| {
            for_runs(bundling, rbs, per_rb, |at, n, _| f(at..at + n));
        });
        out.delay_s = -slope / (smoother.spacing() as f64 * slot.numerology().scs_hz() as f64);
        let (mut noise, mut count) = (0.0, 0.0);
        for pilots in ls.chunks_exact_mut(n_pilots) {
            for_runs(bundling, rbs, per_rb, |at, n, _| {
                smoother.take_slope(slope, &mut pilots[at..at + n]);
                let (s, c) = noise_by_differences(&pilots[at..at + n]);
                noise += s;
                count += c;
            });
        }
        let rough = if count > 0.0 { (noise / count) as f32 } else { stats.power() * 0.1 };
        let constant = n_symbols == 1 || is_constant(ls, n_symbols, n_pilots, rough);
        if constant {
            average(isa, ls, n_symbols, n_pilots, &mut self.mean);
        }
        let per_mean = if constant { n_symbols } else { 1 };
        let used: &[Cf32] = if constant { &self.mean[..rows * n_pilots] } else { ls };
        // The longest run decides for all.
        let (mut start, mut longest) = (0, 0);
        for_runs(bundling, rbs, per_rb, |_, n, _| longest = longest.max(n));
        for_runs(bundling, rbs, per_rb, |at, n, _| {
            if n == longest {
                start = at;
            }
        });
        let picks = used.chunks_exact(n_pilots).step_by((used.len() / n_pilots).div_ceil(4).max(1));
        let choice = smoother.choose(picks.map(|c| &c[start..start + longest]), stats.power(), rough / per_mean as f32);
        out.n_times = used.len() / n_pilots / rows;
        fill_channel(smoother, choice, bundling, rbs, combs, used, n_pilots, out);
        residual_noise(
            smoother,
            choice,
            bundling,
            rbs,
            combs,
            ls,
            n_symbols,
            per_mean,
            n_pilots,
            rough,
            &mut self.covariance,
            out,
        );
        let (_, squares) = smoother.own_weights(choice, longest);
        let error = out.noise_var / per_mean as f32 * (squares / longest.max(1) as f64) as f32;
        out.doppler_per_symbol = doppler::weigh(
            ls,
            n_pilots,
            &times.middles()[..n_symbols],
            out.n_times,
            out.noise_var,
            error,
            &self.jakes,
            &mut out.weights,
        );
        for_runs(bundling, rbs, per_rb, |_, n, from| {
            let sc = n / per_rb * 12;
            for (row, comb) in out.h.chunks_exact_mut(out.n_subcarriers).zip(combs.iter().cycle()) {
                smoother.put_slope(slope, comb.first, &mut row[from..from + sc]);
            }
        });
        let energy = dsp::vector::energy(isa, &out.h) as f32;
        // Noise that is left in the estimate is no power of the signal.
        let rsrp = energy / (out.n_times * out.n_rx * out.n_subcarriers).max(1) as f32 - error * out.n_layers as f32;
        out.rsrp = if rsrp > 0.0 || rsrp.is_nan() { rsrp } else { 0.0 };
        if out.n_times == 1 {
            shrink(isa, out, error);
        }
    }
}

/// The layers' combs.
#[derive(Clone, Copy)]
struct Combs {
    items: [Comb; LAYERS_MAX],
    len: usize,
}

impl core::ops::Deref for Combs {
    type Target = [Comb];
    fn deref(&self) -> &[Comb] {
        &self.items[..self.len]
    }
}

/// The combs of the ports in use, lowest port first.
fn combs(dmrs: &DmrsPdu, pairs: bool) -> Result<Combs, ChannelError> {
    let without_time_cover = if dmrs.config_type == 1 { 4 } else { 6 };
    let n_ports = 2 * without_time_cover;
    if dmrs.ports == 0 || dmrs.ports >> n_ports != 0 {
        return Err(ChannelError::Invalid("DM-RS ports (TS 38.211 tables 6.4.1.1.3-5, 7.4.1.1.2-5)"));
    }
    if dmrs.ports >> without_time_cover != 0 && !pairs {
        return Err(ChannelError::Invalid(
            "DM-RS ports that need double symbols (TS 38.211 tables 6.4.1.1.3-5, 7.4.1.1.2-5)",
        ));
    }
    // One comb for all layers: pairs as soon as two ports share a CDM group and differ in frequency.
    let in_frequency = dmrs.ports | dmrs.ports >> without_time_cover;
    let shared = (0..without_time_cover / 2).any(|g| in_frequency >> (2 * g) & 3 == 3);
    let mut list: Option<Combs> = None;
    for p in (0..n_ports).filter(|p| dmrs.ports >> p & 1 == 1) {
        let layout = Port::new(dmrs.config_type, p).ok_or(ChannelError::Invalid("DM-RS port"))?;
        let delta = layout.delta as usize;
        let comb = match (dmrs.config_type, shared) {
            (1, false) => Comb { layout, kind: 0, per_rb: 6, first: delta },
            (1, true) => Comb { layout, kind: 1, per_rb: 3, first: delta + 1 },
            _ => Comb { layout, kind: 2, per_rb: 2, first: delta },
        };
        let list = list.get_or_insert(Combs { items: [comb; LAYERS_MAX], len: 0 });
        *list.items.get_mut(list.len).ok_or(ChannelError::Invalid("more than four DM-RS ports"))? = comb;
        list.len += 1;
    }
    list.ok_or(ChannelError::Invalid("no DM-RS port"))
}

/// Calls `f(first pilot, pilots, first subcarrier)` for each run of RBs with one channel, counted within the allocation.
fn for_runs(bundling: Bundling, rbs: &RbAllocation, per_rb: usize, mut f: impl FnMut(usize, usize, usize)) {
    let mut done = 0;
    for (first, n) in runs(rbs) {
        let (mut at, end) = (usize::from(first), usize::from(first + n));
        while at < end {
            let n = bundling.end_of_group(at).min(end) - at;
            f(done * per_rb, n * per_rb, done * 12);
            (done, at) = (done + n, at + n);
        }
    }
}

/// Far above any signal, and far below where sums of squares overflow.
const PILOT_POWER_MAX: f32 = 1e15;

/// Pilots that are no number, or no signal's, count as erased: one of them would spoil all the others.
fn erase_absurd(ls: &mut [Cf32]) {
    for z in ls.iter_mut().filter(|z| !matches!(z.norm_sqr(), 0.0..=PILOT_POWER_MAX)) {
        *z = Cf32::default();
    }
}

/// Least squares of one comb in one symbol.
fn divide(
    isa: Isa,
    row: &[Cf32],
    sequence: &[Cf32],
    rbs: &RbAllocation,
    comb: &Comb,
    config_type: u8,
    scale: f32,
    ls: &mut [Cf32],
) {
    let ref_per_rb = dmrs::pilots_per_rb(config_type);
    let delta = comb.layout.delta as usize;
    let mut done = 0;
    for (first, n_rb) in runs(rbs) {
        let y = &row[first as usize * 12..(first + n_rb) as usize * 12];
        let len = n_rb as usize;
        let r = &sequence[(done * ref_per_rb).min(sequence.len())..((done + len) * ref_per_rb).min(sequence.len())];
        let ls = &mut ls[done * comb.per_rb..(done + len) * comb.per_rb];
        match comb.kind {
            0 => {
                divide_single(isa, y, r, delta, scale, ls);
                if comb.layout.w_f < 0 {
                    ls.iter_mut().skip(1).step_by(2).for_each(|ls| *ls = -*ls);
                }
            }
            1 => divide_pairs(y, r, 4, 2, delta, scale, comb.layout.w_f as f32, ls),
            _ => divide_pairs(y, r, 6, 1, delta, scale, comb.layout.w_f as f32, ls),
        }
        erase_absurd(ls);
        done += len;
    }
}

multiversion! {
    /// `ls[i] = y[2 i + delta] conj(r[i]) scale`.
    fn divide_single(y: &[Cf32], r: &[Cf32], delta: usize, scale: f32, ls: &mut [Cf32]) = divide_single_body
}

#[inline(always)]
fn divide_single_body(y: &[Cf32], r: &[Cf32], delta: usize, scale: f32, ls: &mut [Cf32]) {
    let delta = delta & 1;
    for ((ls, pair), r) in ls.iter_mut().zip(y.chunks_exact(2)).zip(r) {
        let y = pair[delta];
        *ls = Cf32::new((y.re * r.re + y.im * r.im) * scale, (y.im * r.re - y.re * r.im) * scale);
    }
}

/// Means of two pilots `apart` subcarriers apart, every `period` subcarriers, the second with sign `w_f`.
fn divide_pairs(
    y: &[Cf32],
    r: &[Cf32],
    period: usize,
    apart: usize,
    delta: usize,
    scale: f32,
    w_f: f32,
    ls: &mut [Cf32],
) {
    for ((ls, cells), r) in ls.iter_mut().zip(y.chunks_exact(period)).zip(r.chunks_exact(2)) {
        let (a, b) = (cells[delta] * r[0].conj(), cells[delta + apart] * r[1].conj());
        *ls = (a + b * w_f) * (0.5 * scale);
    }
}

/// Phase from symbol to symbol, turns.
///
/// Between two DM-RS symbols the phase is known but for whole turns. Three or more at unequal distances (2, 7, 11) tell them: so a train
/// at 500 km/h is followed at 15 kHz.
fn frequency(isa: Isa, ls: &[Cf32], n_symbols: usize, n_pilots: usize, middles: &[f32]) -> Option<Turning> {
    let mut lags = [(0.0f64, Cf64::new(0.0, 0.0)); PAIRS_MAX];
    let mut n = 0;
    // From the first symbol to each later one, then between neighbours.
    let pairs = (1..n_symbols).map(|j| (0, j)).chain((2..n_symbols).map(|j| (j - 1, j)));
    for (i, j) in pairs {
        let apart = f64::from(middles[j] - middles[i]);
        let Some(slot) = lags.get_mut(n).filter(|_| apart >= 3.0) else { continue };
        if let Some(lag) = significant_lag(isa, ls, n_symbols, n_pilots, i, j) {
            *slot = (apart, lag);
            n += 1;
        }
    }
    let lags = &lags[..n];
    let &(first_apart, first) = lags.first()?;
    let raw = libm::atan2(first.im, first.re) / core::f64::consts::TAU;
    // How well all pairs agree with `f` turns a symbol, at most 1.
    let total: f64 = lags.iter().map(|(_, lag)| lag.norm()).sum();
    let agreement =
        |f: f64| lags.iter().map(|(apart, lag)| (lag * dsp::unit_phasor(-f * apart)).re).sum::<f64>() / total;
    let mut coarse = raw / first_apart;
    for whole in [-1.0, 1.0] {
        let other = (raw + whole) / first_apart;
        if other.abs() <= TURNS_MAX && agreement(other) > agreement(coarse) + AGREEMENT_MORE {
            coarse = other;
        }
    }
    let (mut sum, mut weight) = (0.0f64, 0.0f64);
    for (apart, lag) in lags {
        let raw = libm::atan2(lag.im, lag.re) / core::f64::consts::TAU;
        let expected = if weight > 0.0 { sum / weight } else { coarse } * apart;
        let turns = raw + libm::round(expected - raw);
        let w = lag.norm_sqr() * apart * apart;
        sum += w * turns / apart;
        weight += w;
    }
    let (mut noise, mut count) = (0.0, 0.0);
    for pilots in ls.chunks_exact(n_pilots) {
        let (sum, n) = noise_by_differences(pilots);
        (noise, count) = (noise + sum, count + n);
    }
    let n = (ls.len() / n_symbols) as f64;
    let signal = dsp::vector::energy(isa, ls) / n_symbols as f64 - if count > 0.0 { n * noise / count } else { 0.0 };
    let most = lags.iter().map(|(_, lag)| lag.norm_sqr()).fold(0.0, f64::max);
    let coherence = libm::sqrt(most) / signal.max(1e-30);
    (weight > 0.0).then(|| Turning { turns: (sum / weight) as f32, coherence })
}

/// Phase from symbol to symbol.
#[derive(Clone, Copy, Debug)]
struct Turning {
    turns: f32,
    /// How much alike DM-RS symbols are once it is taken out: 1 where nothing else changes.
    coherence: f64,
}

/// Fading, not an oscillator, turns DM-RS symbols that are less alike: each path its own way.
const COHERENCE_MIN: f64 = 0.75;

/// Pairs of DM-RS symbols that are looked at.
const PAIRS_MAX: usize = 2 * DMRS_SYMBOLS_MAX;
/// Largest phase from symbol to symbol that is followed beyond half a turn between DM-RS symbols, turns: 2.1 kHz at 15 kHz.
const TURNS_MAX: f64 = 0.15;
/// By how much more must the pairs agree for another number of whole turns to be believed.
const AGREEMENT_MORE: f64 = 0.15;

/// Correlation of DM-RS symbol `j` with symbol `i`, unless it is noise.
fn significant_lag(isa: Isa, ls: &[Cf32], n_symbols: usize, n_pilots: usize, i: usize, j: usize) -> Option<Cf64> {
    let mut lag = Cf64::new(0.0, 0.0);
    let mut energy = 0.0;
    for row in ls.chunks_exact(n_symbols * n_pilots) {
        let (a, b) = (&row[i * n_pilots..(i + 1) * n_pilots], &row[j * n_pilots..(j + 1) * n_pilots]);
        lag += dsp::vector::dot_conj(isa, b, a);
        energy += dsp::vector::energy(isa, a) + dsp::vector::energy(isa, b);
    }
    let n = (ls.len() / n_symbols) as f64;
    // Noise alone gives |lag|^2 of energy^2 / 4n in the mean.
    (lag.norm_sqr() * 4.0 * n > 9.0 * energy * energy).then_some(lag)
}

/// The rotation at time `l`, symbols, against symbol 0.
fn rotation(turns_per_symbol: f32, l: f32) -> Cf32 {
    let z = dsp::unit_phasor(f64::from(turns_per_symbol) * f64::from(l));
    Cf32::new(z.re as f32, z.im as f32)
}

/// Whether the DM-RS symbols differ by noise only.
fn is_constant(ls: &[Cf32], n_symbols: usize, n_pilots: usize, noise_var: f32) -> bool {
    let (mut difference, mut count) = (0.0f64, 0.0f64);
    for row in ls.chunks_exact(n_symbols * n_pilots) {
        for j in 1..n_symbols {
            let (a, b) = (&row[(j - 1) * n_pilots..j * n_pilots], &row[j * n_pilots..(j + 1) * n_pilots]);
            difference += a.iter().zip(b).map(|(a, b)| f64::from((a - b).norm_sqr())).sum::<f64>();
            count += n_pilots as f64;
        }
    }
    // Two deviations above what noise alone gives.
    let expected = 2.0 * f64::from(noise_var);
    difference / count <= expected * (1.0 + 2.0 / libm::sqrt(count))
}

/// The mean over the symbols of each row.
fn average(isa: Isa, ls: &[Cf32], n_symbols: usize, n_pilots: usize, mean: &mut [Cf32]) {
    for (row, mean) in ls.chunks_exact(n_symbols * n_pilots).zip(mean.chunks_exact_mut(n_pilots)) {
        mean.copy_from_slice(&row[..n_pilots]);
        for pilots in row.chunks_exact(n_pilots).skip(1) {
            dsp::vector::add_assign(isa, mean, pilots);
        }
        dsp::vector::scale(isa, mean, 1.0 / n_symbols as f32);
    }
}

/// Weighs the channel of each antenna and layer by how much of it is no noise: its best linear estimate.
///
/// A faded antenna, or a faded transmission of several, would else count for what noise alone shows there.
fn shrink(isa: Isa, out: &mut ChannelEstimate, error: f32) {
    let (n_sc, error) = (out.n_subcarriers, f64::from(error));
    for row in out.h.chunks_exact_mut(n_sc) {
        let power = dsp::vector::energy(isa, row) / n_sc as f64;
        if error > SHRINK_FROM * power {
            let signal = (power - error).max(0.05 * power);
            dsp::vector::scale(isa, row, (signal / power) as f32);
        }
    }
}

/// Below this share of noise in it an estimate is taken as it is.
const SHRINK_FROM: f64 = 0.02;

/// Interpolates all rows into `out.h`, without slope.
fn fill_channel(
    smoother: &Smoother,
    choice: Choice,
    bundling: Bundling,
    rbs: &RbAllocation,
    combs: &Combs,
    used: &[Cf32],
    n_pilots: usize,
    out: &mut ChannelEstimate,
) {
    let n_sc = out.n_subcarriers;
    let (rows, n_times) = (out.n_rx * out.n_layers, out.n_times);
    out.h.clear();
    out.h.resize(n_times * rows * n_sc, Cf32::new(0.0, 0.0));
    for (i, pilots) in used.chunks_exact(n_pilots).enumerate() {
        let (row, time) = (i / n_times, i % n_times);
        let comb = &combs[row % combs.len()];
        let h = &mut out.h[(time * rows + row) * n_sc..(time * rows + row + 1) * n_sc];
        for_runs(bundling, rbs, comb.per_rb, |at, n, from| {
            let cells = &mut h[from..from + n / comb.per_rb * 12];
            smoother.interpolate(choice, &pilots[at..at + n], comb.first, cells);
        });
    }
}

/// Noise of one pilot from how far the pilots lie from the smoothed channel, and its covariance over the antennas.
fn residual_noise(
    smoother: &Smoother,
    choice: Choice,
    bundling: Bundling,
    rbs: &RbAllocation,
    combs: &Combs,
    ls: &[Cf32],
    n_symbols: usize,
    per_mean: usize,
    n_pilots: usize,
    rough: f32,
    covariance: &mut Covariance,
    out: &mut ChannelEstimate,
) {
    let n_sc = out.n_subcarriers;
    let rows = out.n_rx * out.n_layers;
    let (mut energy, mut freedom) = (0.0f64, 0.0f64);
    let half = combs[0].kind == 2;
    for (i, pilots) in ls.chunks_exact(n_pilots).enumerate() {
        let (row, j) = (i / n_symbols, i % n_symbols);
        let comb = &combs[row % combs.len()];
        let time = if out.n_times == 1 { 0 } else { j };
        let h = &out.h[(time * rows + row) * n_sc..(time * rows + row + 1) * n_sc];
        for_runs(bundling, rbs, comb.per_rb, |at, n, from| {
            for (p, x) in pilots[at..at + n].iter().enumerate() {
                let k = from + comb.first + p * smoother.spacing();
                let smoothed = if half { (h[k] + h[k + 1]) * 0.5 } else { h[k] };
                energy += f64::from((x - smoothed).norm_sqr());
            }
            let (own, squares) = smoother.own_weights(choice, n);
            freedom += n as f64 + (squares - 2.0 * own) / per_mean as f64;
        });
    }
    out.noise_var = if freedom > 2.0 && energy.is_finite() { (energy / freedom) as f32 } else { rough };
    if out.n_rx < 2 || !(energy > 0.0 && energy.is_finite()) {
        out.whitening.clear();
        return;
    }
    covariance.measure(
        ls,
        n_symbols,
        combs[0].per_rb,
        out,
        |row, p| {
            // The allocation is one run of subcarriers in `h`, whatever its runs on the carrier are.
            combs[row % combs.len()].first + p * smoother.spacing()
        },
        half,
    );
}
