//! The channel of a PDSCH or PUSCH from its DM-RS.
//!
//! Steps: least squares at the pilots; frequency offset from the phase between DM-RS symbols, and back-rotation; the symbols are
//! averaged where they differ by noise only, else each is kept and time is interpolated; then smoothing across frequency.

use super::dmrs::{self, Port};
use super::wiener::{Choice, Smoother, Stats, noise_by_differences};
use super::{ChannelError, dmrs::runs};
use crate::modulation::multiversion;
use dsp::{Cf32, Cf64, Isa};
use fapi::{DmrsPdu, RbAllocation};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

/// Most DM-RS symbols in a slot.
pub const DMRS_SYMBOLS_MAX: usize = 8;
/// Most layers.
pub const LAYERS_MAX: usize = 4;
/// Most receive antennas.
pub const RX_MAX: usize = 4;

/// What the DM-RS told. Made once and used again.
#[derive(Clone, Debug, Default)]
pub struct ChannelEstimate {
    n_rx: usize,
    n_layers: usize,
    n_subcarriers: usize,
    /// Symbols to which the channels of `h` belong; one entry where the channel does not change.
    times: [u8; DMRS_SYMBOLS_MAX],
    n_times: usize,
    /// `[time][rx][layer][allocated subcarrier]`, at the phase of symbol 0.
    h: Vec<Cf32>,
    /// Rotation of each symbol against symbol 0.
    rotation: [Cf32; SYMBOLS_PER_SLOT],
    /// Noise and interference power of a resource element, mean over antennas.
    pub noise_var: f32,
    /// Received power of a resource element of unit transmit power: mean over antennas, sum over layers.
    pub rsrp: f32,
    /// Mean delay against the receiver's symbol start, seconds: positive means late.
    pub delay_s: f64,
    /// Phase from one symbol to the next, turns; `None` where there was only one DM-RS symbol (or none far apart).
    pub turns_per_symbol: Option<f32>,
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
    /// The channel at `time_idx` over the allocated subcarriers, at the phase of symbol 0.
    pub fn h(&self, time_idx: usize, rx: usize, layer: usize) -> &[Cf32] {
        let at = ((time_idx * self.n_rx + rx) * self.n_layers + layer) * self.n_subcarriers;
        &self.h[at..at + self.n_subcarriers]
    }
    /// Rotation of symbol `l` against symbol 0; multiply `h` by it.
    pub fn rotation(&self, l: usize) -> Cf32 {
        self.rotation[l]
    }
    /// Number of different channels in time.
    pub fn n_times(&self) -> usize {
        self.n_times
    }
    /// Which two channels make that of symbol `l`, and their weights.
    pub fn weights(&self, l: usize) -> [(usize, f32); 2] {
        let last = self.n_times - 1;
        let after = self.times[..self.n_times].iter().position(|t| *t as usize > l).unwrap_or(self.n_times);
        if after == 0 || last == 0 {
            return [(0, 1.0), (0, 0.0)];
        }
        if after > last {
            return [(last, 1.0), (last, 0.0)];
        }
        let (a, b) = (self.times[after - 1] as f32, self.times[after] as f32);
        let w = (l as f32 - a) / (b - a);
        [(after - 1, 1.0 - w), (after, w)]
    }
}

/// Estimates channels of PDSCH and PUSCH. Holds filters and scratch; nothing is allocated in a call.
#[derive(Clone, Debug)]
pub struct SharedEstimator {
    isa: Isa,
    n_rb_max: usize,
    /// Type 1 alone in its CDM group, type 1 in pairs, type 2 in pairs.
    smoothers: [Smoother; 3],
    sequence: Vec<Cf32>,
    /// `[rx][layer][symbol][pilot]`.
    ls: Vec<Cf32>,
    mean: Vec<Cf32>,
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
            smoothers: [Smoother::new(isa, 2, false), Smoother::new(isa, 4, false), Smoother::new(isa, 6, true)],
            sequence: vec![zero; n_rb_max * 6],
            ls: vec![zero; n_rx * n_layers * DMRS_SYMBOLS_MAX * n_rb_max * 6],
            mean: vec![zero; n_rx * n_layers * n_rb_max * 6],
        }
    }

    /// A [`ChannelEstimate`] whose memory fits every estimate of this estimator.
    pub fn make_estimate(&self) -> ChannelEstimate {
        let n = self.ls.len() / 6 * 12;
        ChannelEstimate { h: Vec::with_capacity(n), ..ChannelEstimate::default() }
    }

    /// Estimates the channel over the allocation.
    ///
    /// - `grid`  received elements, every port an antenna
    /// - `out`   overwritten
    ///
    /// Errors: `Invalid` if the PDU does not fit the grid or this estimator, `Unsupported` for ports with a cover in time.
    pub fn estimate(
        &mut self,
        grid: &Grid,
        slot: SlotPoint,
        rbs: &RbAllocation,
        dmrs: &DmrsPdu,
        out: &mut ChannelEstimate,
    ) -> Result<(), ChannelError> {
        dmrs::check(rbs, dmrs, grid.n_subcarriers())?;
        let combs = combs(dmrs)?;
        let n_layers = combs.len();
        let n_rx = grid.n_ports();
        let n_rb = rbs.n_rb() as usize;
        let (symbols, n_symbols) = list_symbols(dmrs.symbols)?;
        let per_rb = combs[0].per_rb;
        let n_pilots = n_rb * per_rb;
        if n_rb > self.n_rb_max || n_rx * n_layers * n_symbols * n_pilots > self.ls.len() || n_rx > RX_MAX {
            return Err(ChannelError::Invalid("larger than the estimator was made for"));
        }
        self.least_squares(grid, slot, rbs, dmrs, &combs, &symbols[..n_symbols]);
        let rows = n_rx * n_layers;
        let ls = &mut self.ls[..rows * n_symbols * n_pilots];
        out.turns_per_symbol = frequency(self.isa, ls, n_symbols, n_pilots, &symbols);
        out.rotation = rotations(out.turns_per_symbol.unwrap_or(0.0));
        for row in ls.chunks_exact_mut(n_symbols * n_pilots) {
            for (pilots, l) in row.chunks_exact_mut(n_pilots).zip(&symbols) {
                dsp::vector::rotate(self.isa, pilots, out.rotation[*l as usize].conj());
            }
        }
        out.n_rx = n_rx;
        out.n_layers = n_layers;
        out.n_subcarriers = n_rb * 12;
        self.smooth(rbs, &combs, &symbols[..n_symbols], rows, n_pilots, slot, out);
        // Pilots are as strong as data after division by the boosted sequence; despread ones are means of two.
        let boost = dmrs::boost(dmrs);
        let averaged = if combs[0].kind == 0 { 1.0 } else { 2.0 };
        out.noise_var = (out.noise_var * boost * boost * averaged).max(1e-30);
        Ok(())
    }

    fn least_squares(
        &mut self,
        grid: &Grid,
        slot: SlotPoint,
        rbs: &RbAllocation,
        dmrs: &DmrsPdu,
        combs: &Combs,
        symbols: &[u8],
    ) {
        let ref_per_rb = dmrs::pilots_per_rb(dmrs.config_type);
        let n_pilots = rbs.n_rb() as usize * combs[0].per_rb;
        let scale = 1.0 / dmrs::boost(dmrs);
        for (j, l) in symbols.iter().enumerate() {
            let l = *l as usize;
            let n = dmrs::sequence(slot, l, rbs, dmrs, &mut self.sequence);
            for rx in 0..grid.n_ports() {
                let row = grid.symbol(rx, l);
                for (layer, comb) in combs.iter().enumerate() {
                    let at = ((rx * combs.len() + layer) * symbols.len() + j) * n_pilots;
                    let ls = &mut self.ls[at..at + n_pilots];
                    let delta = comb.layout.delta as usize;
                    let mut done = 0;
                    for (first, n_rb) in runs(rbs) {
                        let y = &row[first as usize * 12..(first + n_rb) as usize * 12];
                        let len = n_rb as usize;
                        let r = &self.sequence[done * ref_per_rb..((done + len) * ref_per_rb).min(n)];
                        let ls = &mut ls[done * comb.per_rb..(done + len) * comb.per_rb];
                        match comb.kind {
                            0 => {
                                divide_single(self.isa, y, r, delta, scale, ls);
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
            }
        }
    }

    /// Fills `out` from the rotated pilots; its noise is that of one despread pilot.
    fn smooth(
        &mut self,
        rbs: &RbAllocation,
        combs: &Combs,
        symbols: &[u8],
        rows: usize,
        n_pilots: usize,
        slot: SlotPoint,
        out: &mut ChannelEstimate,
    ) {
        let isa = self.isa;
        let n_symbols = symbols.len();
        let per_rb = combs[0].per_rb;
        let smoother = &self.smoothers[combs[0].kind];
        let ls = &mut self.ls[..rows * n_symbols * n_pilots];
        let mut stats = Stats::default();
        for pilots in ls.chunks_exact(n_pilots) {
            for_runs(rbs, per_rb, |at, n, _| stats.add(isa, &pilots[at..at + n]));
        }
        let slope = stats.slope();
        out.delay_s = -slope / (smoother.spacing() as f64 * slot.numerology().scs_hz() as f64);
        let (mut noise, mut count) = (0.0, 0.0);
        for pilots in ls.chunks_exact_mut(n_pilots) {
            for_runs(rbs, per_rb, |at, n, _| {
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
        let longest = runs(rbs).map(|(_, n)| n).max().unwrap_or(0) as usize * per_rb;
        let mut start = 0;
        for_runs(rbs, per_rb, |at, n, _| {
            if n == longest {
                start = at;
            }
        });
        let picks = used.chunks_exact(n_pilots).step_by((used.len() / n_pilots).div_ceil(4).max(1));
        let choice = smoother.choose(picks.map(|c| &c[start..start + longest]), stats.power(), rough / per_mean as f32);
        out.n_times = used.len() / n_pilots / rows;
        out.times[..n_symbols].copy_from_slice(symbols);
        fill_channel(smoother, choice, rbs, combs, used, n_pilots, out);
        residual_noise(smoother, choice, rbs, combs, ls, n_symbols, per_mean, n_pilots, rough, out);
        for_runs(rbs, per_rb, |_, n, from| {
            let sc = n / per_rb * 12;
            for (row, comb) in out.h.chunks_exact_mut(out.n_subcarriers).zip(combs.iter().cycle()) {
                smoother.put_slope(slope, comb.first, &mut row[from..from + sc]);
            }
        });
        let energy = dsp::vector::energy(isa, &out.h) as f32;
        out.rsrp = energy / (out.n_times * out.n_rx * out.n_subcarriers).max(1) as f32;
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
fn combs(dmrs: &DmrsPdu) -> Result<Combs, ChannelError> {
    let with_time_cover = if dmrs.config_type == 1 { 4 } else { 6 };
    if dmrs.ports == 0 {
        return Err(ChannelError::Invalid("no DM-RS port"));
    }
    if dmrs.ports >> with_time_cover != 0 {
        return Err(ChannelError::Unsupported { clause: "TS 38.211 §6.4.1.1.3: DM-RS ports with a cover in time" });
    }
    let ports = (0..with_time_cover).filter(|p| dmrs.ports >> p & 1 == 1);
    // One comb for all layers: pairs as soon as two ports share a CDM group.
    let shared = (0..with_time_cover / 2).any(|g| dmrs.ports >> (2 * g) & 3 == 3);
    let mut list: Option<Combs> = None;
    for p in ports {
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

fn list_symbols(mask: u16) -> Result<([u8; DMRS_SYMBOLS_MAX], usize), ChannelError> {
    let mut symbols = [0; DMRS_SYMBOLS_MAX];
    let mut n = 0;
    for l in (0..SYMBOLS_PER_SLOT as u8).filter(|l| mask >> l & 1 == 1) {
        *symbols.get_mut(n).ok_or(ChannelError::Invalid("more than eight DM-RS symbols"))? = l;
        n += 1;
    }
    Ok((symbols, n))
}

/// Calls `f(first pilot, pilots, first subcarrier)` for each run, counted within the allocation.
fn for_runs(rbs: &RbAllocation, per_rb: usize, mut f: impl FnMut(usize, usize, usize)) {
    let mut done = 0;
    for (_, n) in runs(rbs) {
        f(done * per_rb, n as usize * per_rb, done * 12);
        done += n as usize;
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
fn frequency(isa: Isa, ls: &[Cf32], n_symbols: usize, n_pilots: usize, symbols: &[u8]) -> Option<f32> {
    let (mut sum, mut weight) = (0.0f64, 0.0f64);
    // From the first symbol to each later one: unwrap with what the nearer ones gave.
    for j in 1..n_symbols {
        let apart = f64::from(symbols[j] - symbols[0]);
        if apart < 3.0 {
            continue;
        }
        let mut lag = Cf64::new(0.0, 0.0);
        let mut energy = 0.0;
        for row in ls.chunks_exact(n_symbols * n_pilots) {
            let (a, b) = (&row[..n_pilots], &row[j * n_pilots..(j + 1) * n_pilots]);
            lag += dsp::vector::dot_conj(isa, b, a);
            energy += dsp::vector::energy(isa, a) + dsp::vector::energy(isa, b);
        }
        let n = (ls.len() / n_symbols) as f64;
        // Noise alone gives |lag|^2 of energy^2 / 4n in the mean.
        let significant = lag.norm_sqr() * 4.0 * n > 9.0 * energy * energy;
        if !significant {
            continue;
        }
        let raw = libm::atan2(lag.im, lag.re) / core::f64::consts::TAU;
        let expected = if weight > 0.0 { sum / weight * apart } else { 0.0 };
        let turns = raw + libm::round(expected - raw);
        let w = lag.norm_sqr() * apart * apart;
        sum += w * turns / apart;
        weight += w;
    }
    (weight > 0.0).then(|| (sum / weight) as f32)
}

/// The rotation of every symbol against symbol 0.
fn rotations(turns_per_symbol: f32) -> [Cf32; SYMBOLS_PER_SLOT] {
    core::array::from_fn(|l| {
        let z = dsp::unit_phasor(f64::from(turns_per_symbol) * l as f64);
        Cf32::new(z.re as f32, z.im as f32)
    })
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
    // Three deviations above what noise alone gives; interpolation costs noise, so a small change is left alone.
    let expected = 2.0 * f64::from(noise_var);
    difference / count <= expected * (1.25 + 3.0 / libm::sqrt(count))
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

/// Interpolates all rows into `out.h`, without slope.
fn fill_channel(
    smoother: &Smoother,
    choice: Choice,
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
        for_runs(rbs, comb.per_rb, |at, n, from| {
            let cells = &mut h[from..from + n / comb.per_rb * 12];
            smoother.interpolate(choice, &pilots[at..at + n], comb.first, cells);
        });
    }
}

/// Noise of one pilot from how far the pilots lie from the smoothed channel.
fn residual_noise(
    smoother: &Smoother,
    choice: Choice,
    rbs: &RbAllocation,
    combs: &Combs,
    ls: &[Cf32],
    n_symbols: usize,
    per_mean: usize,
    n_pilots: usize,
    rough: f32,
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
        for_runs(rbs, comb.per_rb, |at, n, from| {
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
}
