//! One slot's layers into a grid: data, DM-RS, PT-RS, precoded.
//!
//! Spec: TS 38.211 §6.3.1.3 to §6.3.1.7, §6.4.1.1.3, §6.4.1.2.2, §7.3.1.3 to §7.3.1.6, §7.4.1.1.2, §7.4.1.2.2

use super::precoding::{self, Precoder};
use super::transform::Transforms;
use super::{Layout, Shape, ptrs};
use crate::estimate::{ChannelError, dmrs};
use crate::modulation::{self, Modulation, Points, modulate};
use dsp::{Cf32, Isa};
use fapi::{RbAllocation, TransformPrecoding};
use nr::{Rnti, SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Where, checked.
    pub shape: Shape<'a>,
    /// `shape` laid out.
    pub layout: &'a Layout,
    /// Slot in the grid's numerology.
    pub slot: SlotPoint,
    /// Layers.
    pub n_layers: usize,
    /// The codeword, scrambled and packed.
    pub bits: &'a [u8],
    /// Its modulation.
    pub scheme: Modulation,
    /// Amplitude of data, which DM-RS and PT-RS follow.
    pub amplitude: f32,
    /// Layers to ports.
    pub precoder: Precoder<'a>,
    /// DFT spreading, and whose PUSCH it is.
    pub transform: Option<(&'a TransformPrecoding, Rnti)>,
}

/// Writes jobs; holds the scratch of a carrier.
#[derive(Clone, Debug)]
pub struct Sender {
    source: Source,
    writer: Writer,
}

/// Makes modulation symbols.
#[derive(Clone, Debug)]
struct Source {
    isa: Isa,
    points: Points,
    /// Names of points, where they are no octets of the codeword.
    names: Vec<u8>,
    /// Modulation symbols, where points have no names or the DFT wants them.
    symbols: Vec<Cf32>,
}

/// Writes symbols and reference signals.
#[derive(Clone, Debug)]
struct Writer {
    isa: Isa,
    /// `[layer][carrier subcarrier]`, where layers are precoded.
    rows: Vec<Cf32>,
    pilots: Vec<Cf32>,
    /// Pilots of the first DM-RS symbol of a hop, for PT-RS.
    first: Vec<Cf32>,
    spread: Vec<Cf32>,
    transforms: Transforms,
}

/// The layer's row of symbol `l`.
fn row<'a>(grid: &'a mut Grid, rows: &'a mut [Cf32], precoded: bool, v: usize, l: usize, all: bool) -> &'a mut [Cf32] {
    let n = grid.n_subcarriers();
    match (precoded, all) {
        (true, _) => &mut rows[v * n..(v + 1) * n],
        (false, true) => grid.replace(v, l),
        (false, false) => grid.symbol_mut(v, l),
    }
}

/// The modulation symbols of a job.
#[derive(Clone, Copy)]
enum Symbols<'a> {
    Mapped(&'a [Cf32]),
    Named(&'a Points, &'a [u8]),
}

impl Symbols<'_> {
    /// Writes symbols `first`, `first + stride` and so on.
    fn copy(self, first: usize, stride: usize, out: &mut [Cf32]) {
        match self {
            Symbols::Mapped(symbols) if stride == 1 => out.copy_from_slice(&symbols[first..first + out.len()]),
            Symbols::Mapped(symbols) => {
                out.iter_mut().zip(symbols[first..].iter().step_by(stride)).for_each(|(out, x)| *out = *x);
            }
            Symbols::Named(points, names) => points.map(names, first, stride, out),
        }
    }
}

impl Source {
    /// The symbols of `job`, or their names.
    fn make<'a>(&'a mut self, job: &Job<'a>) -> Result<Symbols<'a>, ChannelError> {
        let n = job.layout.n_elements() * job.n_layers;
        let (Some(names), Some(symbols)) = (self.names.get_mut(..n), self.symbols.get_mut(..n)) else {
            return Err(ChannelError::Invalid("more symbols than the transmitter was made for"));
        };
        if job.bits.len() * 8 < n * job.scheme.q_m() {
            return Err(ChannelError::Invalid("coded bits and symbols"));
        }
        if job.transform.is_none() && self.points.set(job.scheme, job.amplitude) {
            if job.scheme == Modulation::Qam256 {
                return Ok(Symbols::Named(&self.points, &job.bits[..n]));
            }
            modulation::names(job.scheme, job.bits, names);
            return Ok(Symbols::Named(&self.points, names));
        }
        modulate(job.scheme, job.bits, symbols).map_err(|_| ChannelError::Invalid("coded bits and symbols"))?;
        if job.amplitude != 1.0 {
            dsp::vector::scale(self.isa, symbols, job.amplitude);
        }
        Ok(Symbols::Mapped(symbols))
    }
}

impl Sender {
    /// For carriers of up to `n_rb_max` RBs, and up to `n_symbols_max` modulation symbols.
    pub fn new(isa: Isa, n_rb_max: usize, n_symbols_max: usize) -> Sender {
        let source =
            Source { isa, points: Points::new(isa), names: vec![0; n_symbols_max], symbols: vec![ZERO; n_symbols_max] };
        let writer = Writer {
            isa,
            rows: vec![ZERO; 4 * 12 * n_rb_max],
            pilots: vec![ZERO; 6 * n_rb_max],
            first: vec![ZERO; 6 * n_rb_max],
            spread: vec![ZERO; 12 * n_rb_max],
            transforms: Transforms::new(isa, n_rb_max),
        };
        Sender { source, writer }
    }

    /// Writes `job`. Without a matrix, elements that it uses are overwritten; with one, it is added to what is there.
    ///
    /// Errors: `Invalid` where grid, scratch and job do not fit; `Unsupported` for DM-RS sequences that are not built.
    pub fn send(&mut self, job: &Job, grid: &mut Grid) -> Result<(), ChannelError> {
        let precoded = !matches!(job.precoder, Precoder::Identity);
        let n_rb = usize::from(job.shape.rbs.n_rb());
        let fits = grid.n_subcarriers() * 4 <= self.writer.rows.len() && n_rb * 6 <= self.writer.pilots.len();
        if !fits || !precoded && job.n_layers > grid.n_ports() {
            return Err(ChannelError::Invalid("larger than the transmitter was made for, or more layers than ports"));
        }
        let symbols = self.source.make(job)?;
        self.writer.write(job, symbols, precoded, grid)
    }
}

impl Writer {
    fn write(&mut self, job: &Job, source: Symbols, precoded: bool, grid: &mut Grid) -> Result<(), ChannelError> {
        let (hops, n_hops) = job.shape.hops();
        for (hop, (rbs, symbols)) in hops[..n_hops].iter().enumerate() {
            let second = hop == 1;
            if job.layout.ptrs().symbols() != 0 {
                let l = symbols.trailing_zeros() as usize;
                let n = self.make_pilots(job, rbs, l)?;
                self.first[..n].copy_from_slice(&self.pilots[..n]);
            }
            for l in (0..SYMBOLS_PER_SLOT).filter(|l| n_hops == 1 || job.layout.is_second_hop(*l) == second) {
                self.write_symbol(job, source, rbs, l, precoded, grid)?;
            }
        }
        Ok(())
    }

    /// Fills `pilots` for symbol `l`; returns how many.
    fn make_pilots(&mut self, job: &Job, rbs: &RbAllocation, l: usize) -> Result<usize, ChannelError> {
        let d = job.shape.dmrs;
        match job.transform {
            Some((t, _)) => {
                let n = 6 * usize::from(rbs.n_rb());
                self.transforms.dmrs(t, job.slot, l, d.symbols, d.n_scid, &mut self.pilots[..n])?;
                Ok(n)
            }
            None => Ok(dmrs::sequence(job.slot, l, rbs, d, &mut self.pilots)),
        }
    }

    fn write_symbol(
        &mut self,
        job: &Job,
        source: Symbols,
        rbs: &RbAllocation,
        l: usize,
        precoded: bool,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        let (layout, d) = (job.layout, job.shape.dmrs);
        let is_dmrs = d.symbols >> l & 1 == 1;
        let n_before = layout.start(l) * job.n_layers;
        let n = layout.n_elements_in(l) * job.n_layers;
        if n == 0 && !is_dmrs && !layout.ptrs().is_in(l) {
            return Ok(());
        }
        let full = layout.is_full(l);
        let whole = full && 12 * layout.n_rb() == grid.n_subcarriers();
        let n_pilots = if is_dmrs { self.make_pilots(job, rbs, l)? } else { 0 };
        for v in 0..job.n_layers {
            let port = (0..16u8).filter(|p| d.ports >> p & 1 == 1).nth(v).unwrap_or(0);
            let out = row(grid, &mut self.rows, precoded, v, l, whole && job.transform.is_none());
            if (precoded || is_dmrs) && !full {
                clear(layout, rbs, l, if precoded { 0xfff } else { dmrs::occupied(d) }, out);
            }
            match job.transform {
                Some((t, rnti)) if n > 0 => {
                    let m_sc = 12 * layout.n_rb();
                    let Symbols::Mapped(symbols) = source else {
                        return Err(ChannelError::Invalid("symbols of transform precoding"));
                    };
                    let symbols = symbols.get(n_before..n_before + n).unwrap_or(&[]);
                    insert_groups(job, t, rnti, l, symbols, &mut self.spread[..m_sc]);
                    self.transforms.spread(&mut self.spread[..m_sc])?;
                    place(layout, l, 0, 1, Symbols::Mapped(&self.spread[..m_sc]), out);
                }
                _ => place(layout, l, n_before + v, job.n_layers, source, out),
            }
            if is_dmrs {
                let port = dmrs::Port::new(d.config_type, port).ok_or(ChannelError::Invalid("DM-RS port"))?;
                dmrs::add(rbs, d, port, l, &self.pilots[..n_pilots], job.amplitude * dmrs::boost(d), out);
            }
            for (_, k) in layout.ptrs().ports().filter(|(q, _)| *q == port) {
                let (per_rb, i) = (dmrs::pilots_per_rb(d.config_type), ptrs::pilot_at(d.config_type, port, k));
                let amplitude = job.amplitude * layout.ptrs().amplitude();
                layout.for_ptrs(l, |prb, rank| {
                    out[12 * prb + usize::from(k)] = self.first[rank * per_rb + i] * amplitude;
                });
            }
        }
        if precoded {
            self.precode(job, rbs, l, whole, grid);
        }
        Ok(())
    }

    /// Adds the rows to the ports, or writes them where a port's symbol is zero; `whole`: they take all of it.
    fn precode(&self, job: &Job, rbs: &RbAllocation, l: usize, whole: bool, grid: &mut Grid) {
        let n = grid.n_subcarriers();
        let clear = (0..grid.n_ports()).fold(0u32, |clear, port| clear | u32::from(grid.is_clear(port, l)) << port);
        for (first, n_rb) in dmrs::runs(rbs) {
            for (rb, n_rb, w) in job.precoder.runs(usize::from(first), usize::from(n_rb)) {
                let n_ports = usize::from(w.n_ports).min(grid.n_ports());
                // Ports that this matrix passes over stay zero.
                let whole = whole && n_rb * 12 == n;
                for start in (12 * rb..12 * (rb + n_rb)).step_by(precoding::PIECE) {
                    let cells = start..(start + precoding::PIECE).min(12 * (rb + n_rb));
                    let mut layers: [&[Cf32]; 4] = [&[]; 4];
                    for (v, layer) in layers.iter_mut().enumerate().take(job.n_layers) {
                        *layer = &self.rows[v * n..(v + 1) * n][cells.clone()];
                    }
                    for port in 0..n_ports {
                        let was_clear = clear >> port & 1 == 1;
                        let row = if was_clear && whole { grid.replace(port, l) } else { grid.symbol_mut(port, l) };
                        let out = &mut row[cells.clone()];
                        if was_clear {
                            precoding::write_port(self.isa, &w.w[port], &layers[..job.n_layers], out);
                        } else {
                            precoding::add_port(self.isa, &w.w[port], &layers[..job.n_layers], out);
                        }
                    }
                }
            }
        }
    }
}

/// Zeroes the elements in `mask` of every allocated RB.
fn clear(layout: &Layout, rbs: &RbAllocation, l: usize, mask: u16, out: &mut [Cf32]) {
    debug_assert!(layout.n_rb() == usize::from(rbs.n_rb()) && l < SYMBOLS_PER_SLOT);
    for (first, n) in dmrs::runs(rbs) {
        let cells = &mut out[12 * usize::from(first)..12 * usize::from(first + n)];
        if mask == 0xfff {
            cells.fill(ZERO);
            continue;
        }
        for cells in cells.chunks_exact_mut(12) {
            cells.iter_mut().enumerate().filter(|(k, _)| mask >> k & 1 == 1).for_each(|(_, z)| *z = ZERO);
        }
    }
}

/// Symbols `first`, `first + stride` and so on in mapping order, runs of whole RBs at once. Spec: TS 38.211 §7.3.1.3, §7.3.1.5
fn place(layout: &Layout, l: usize, first: usize, stride: usize, source: Symbols, out: &mut [Cf32]) {
    // The run: its first RB, and its symbols.
    let (mut at, mut start, mut n) = (first, 0, 0);
    layout.for_rbs(l, |rb, _, mask| {
        if n > 0 && (mask != 0xfff || 12 * rb != start + n) {
            source.copy(at, stride, &mut out[start..start + n]);
            (at, n) = (at + n * stride, 0);
        }
        if mask == 0xfff {
            start = if n == 0 { 12 * rb } else { start };
            n += 12;
            return;
        }
        let mut cells = [ZERO; 12];
        let used = mask.count_ones() as usize;
        source.copy(at, stride, &mut cells[..used]);
        let to = out[12 * rb..12 * rb + 12].iter_mut().enumerate().filter(|(k, _)| mask >> k & 1 == 1);
        to.zip(cells).for_each(|((_, cell), x)| *cell = x);
        at += used * stride;
    });
    source.copy(at, stride, &mut out[start..start + n]);
}

/// Data and PT-RS samples of a symbol before the DFT. Spec: TS 38.211 §6.3.1.4, §6.4.1.2.2.2
fn insert_groups(job: &Job, t: &TransformPrecoding, rnti: Rnti, l: usize, symbols: &[Cf32], out: &mut [Cf32]) {
    let with = t.ptrs.as_ref().filter(|_| job.layout.group_symbols() >> l & 1 == 1);
    let Some(g) = with else {
        out.copy_from_slice(symbols);
        return;
    };
    let mut positions = [0; ptrs::SAMPLES_MAX];
    let n = ptrs::group_positions(g, out.len(), &mut positions);
    let mut samples = [ZERO; ptrs::SAMPLES_MAX];
    let first = job.layout.group_symbols().trailing_zeros() as usize;
    ptrs::group_samples(g, rnti, job.slot, first, &positions[..n], &mut samples);
    let (mut at, mut data) = (0, symbols.iter());
    for (i, z) in out.iter_mut().enumerate() {
        if at < n && usize::from(positions[at]) == i {
            *z = samples[at] * job.amplitude;
            at += 1;
        } else {
            *z = data.next().copied().unwrap_or(ZERO);
        }
    }
}
