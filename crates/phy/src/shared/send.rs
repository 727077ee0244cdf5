//! One slot's layers into a grid: data, DM-RS, PT-RS, precoded.
//!
//! Spec: TS 38.211 §6.3.1.3 to §6.3.1.7, §6.4.1.1.3, §6.4.1.2.2, §7.3.1.3 to §7.3.1.6, §7.4.1.1.2, §7.4.1.2.2

use super::precoding::{self, Precoder};
use super::transform::Transforms;
use super::{Layout, Shape, ptrs};
use crate::estimate::{ChannelError, dmrs};
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
    /// Modulation symbols of the codeword, in order, with their amplitude.
    pub symbols: &'a [Cf32],
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
fn row<'a>(grid: &'a mut Grid, rows: &'a mut [Cf32], precoded: bool, v: usize, l: usize) -> &'a mut [Cf32] {
    let n = grid.n_subcarriers();
    if precoded { &mut rows[v * n..(v + 1) * n] } else { grid.symbol_mut(v, l) }
}

impl Sender {
    /// For carriers of up to `n_rb_max` RBs.
    pub fn new(isa: Isa, n_rb_max: usize) -> Sender {
        Sender {
            isa,
            rows: vec![ZERO; 4 * 12 * n_rb_max],
            pilots: vec![ZERO; 6 * n_rb_max],
            first: vec![ZERO; 6 * n_rb_max],
            spread: vec![ZERO; 12 * n_rb_max],
            transforms: Transforms::new(isa, n_rb_max),
        }
    }

    /// Writes `job`. Without a matrix, elements that it uses are overwritten; with one, it is added to what is there.
    ///
    /// Errors: `Invalid` where grid, scratch and job do not fit; `Unsupported` for DM-RS sequences that are not built.
    pub fn send(&mut self, job: &Job, grid: &mut Grid) -> Result<(), ChannelError> {
        let precoded = !matches!(job.precoder, Precoder::Identity);
        let n_rb = usize::from(job.shape.rbs.n_rb());
        let fits = grid.n_subcarriers() * 4 <= self.rows.len() && n_rb * 6 <= self.pilots.len();
        if !fits || !precoded && job.n_layers > grid.n_ports() {
            return Err(ChannelError::Invalid("larger than the transmitter was made for, or more layers than ports"));
        }
        let (hops, n_hops) = job.shape.hops();
        for (hop, (rbs, symbols)) in hops[..n_hops].iter().enumerate() {
            let second = hop == 1;
            if job.layout.ptrs().symbols() != 0 {
                let l = symbols.trailing_zeros() as usize;
                let n = self.make_pilots(job, rbs, l)?;
                self.first[..n].copy_from_slice(&self.pilots[..n]);
            }
            for l in (0..SYMBOLS_PER_SLOT).filter(|l| n_hops == 1 || job.layout.is_second_hop(*l) == second) {
                self.send_symbol(job, rbs, l, precoded, grid)?;
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

    fn send_symbol(
        &mut self,
        job: &Job,
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
        let symbols = job.symbols.get(n_before..n_before + n).ok_or(ChannelError::Invalid("too few symbols"))?;
        let n_pilots = if is_dmrs { self.make_pilots(job, rbs, l)? } else { 0 };
        for v in 0..job.n_layers {
            let port = (0..16u8).filter(|p| d.ports >> p & 1 == 1).nth(v).unwrap_or(0);
            let out = row(grid, &mut self.rows, precoded, v, l);
            if precoded || is_dmrs {
                clear(layout, rbs, l, if precoded { 0xfff } else { dmrs::occupied(d) }, out);
            }
            match job.transform {
                Some((t, rnti)) if n > 0 => {
                    let m_sc = 12 * layout.n_rb();
                    insert_groups(job, t, rnti, l, symbols, &mut self.spread[..m_sc]);
                    self.transforms.spread(&mut self.spread[..m_sc])?;
                    place(layout, l, 0, 1, &self.spread[..m_sc], out);
                }
                _ => place(layout, l, v, job.n_layers, symbols, out),
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
            self.precode(job, rbs, l, grid);
        }
        Ok(())
    }

    /// Adds the rows to the ports.
    fn precode(&self, job: &Job, rbs: &RbAllocation, l: usize, grid: &mut Grid) {
        let n = grid.n_subcarriers();
        for (first, n_rb) in dmrs::runs(rbs) {
            for (rb, n_rb, w) in job.precoder.runs(usize::from(first), usize::from(n_rb)) {
                let n_ports = usize::from(w.n_ports).min(grid.n_ports());
                for start in (12 * rb..12 * (rb + n_rb)).step_by(precoding::PIECE) {
                    let cells = start..(start + precoding::PIECE).min(12 * (rb + n_rb));
                    let mut layers: [&[Cf32]; 4] = [&[]; 4];
                    for (v, layer) in layers.iter_mut().enumerate().take(job.n_layers) {
                        *layer = &self.rows[v * n..(v + 1) * n][cells.clone()];
                    }
                    for port in 0..n_ports {
                        let out = &mut grid.symbol_mut(port, l)[cells.clone()];
                        precoding::add_port(self.isa, &w.w[port], &layers[..job.n_layers], out);
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

/// Symbols of layer `v` in mapping order. Spec: TS 38.211 §7.3.1.3, §7.3.1.5
fn place(layout: &Layout, l: usize, v: usize, n_layers: usize, symbols: &[Cf32], out: &mut [Cf32]) {
    let mut at = v;
    layout.for_rbs(l, |rb, _, mask| {
        let cells = &mut out[12 * rb..12 * rb + 12];
        if mask == 0xfff && n_layers == 1 {
            cells.copy_from_slice(&symbols[at..at + 12]);
            at += 12;
        } else if mask == 0xfff {
            for (cell, x) in cells.iter_mut().zip(symbols[at..].iter().step_by(n_layers)) {
                *cell = *x;
            }
            at += 12 * n_layers;
        } else {
            for (_, cell) in cells.iter_mut().enumerate().filter(|(k, _)| mask >> k & 1 == 1) {
                *cell = symbols[at];
                at += n_layers;
            }
        }
    });
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
