//! Reception of PUCCH formats 3 and 4: channel from the DM-RS, MMSE combining of antennas, despreading, soft bits.

use super::delay::{DelaySearch, ELEMENTS_MAX, TURNS_MAX};
use super::format34::{DATA_MAX, DmrsSequences, Layout, SC_MAX, Transforms};
use super::{Channel, RX_MAX, symbols};
use crate::estimate::{ChannelError, Smoother, Stats, noise_by_differences};
use crate::modulation::demodulate;
use dsp::fft::Direction;
use dsp::{Cf32, Isa};
use fapi::PucchPdu;
use fec::Llr;
use nr::SlotPoint;
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Most DM-RS symbols.
const DMRS_MAX: usize = 4;

/// Receives; holds filters, transforms and scratch.
pub(super) struct Receiver {
    isa: Isa,
    smoother: Smoother,
    forward: Transforms,
    inverse: Transforms,
    n_rx: usize,
    /// `[DM-RS][rx][subcarrier]`.
    ls: Vec<Cf32>,
    /// `[hop][rx][subcarrier]`.
    mean: Vec<Cf32>,
    h: Vec<Cf32>,
    symbols: Vec<Cf32>,
    noise: Vec<f32>,
}

/// What the DM-RS say of time.
#[derive(Clone, Copy, Debug, Default)]
struct Timing {
    /// Turns from one symbol to the next.
    turns: f64,
    /// Middle of the DM-RS of each hop, in symbols of the PUCCH.
    middle: [f64; 2],
    /// DM-RS symbols of each hop.
    count: [usize; 2],
}

impl Receiver {
    pub fn new(isa: Isa, n_rx: usize) -> Receiver {
        let n_rx = n_rx.clamp(1, RX_MAX);
        Receiver {
            isa,
            smoother: Smoother::new(isa, 1, false),
            forward: Transforms::new(isa, Direction::Forward),
            inverse: Transforms::new(isa, Direction::Inverse),
            n_rx,
            ls: vec![ZERO; DMRS_MAX * n_rx * SC_MAX],
            mean: vec![ZERO; 2 * n_rx * SC_MAX],
            h: vec![ZERO; 2 * n_rx * SC_MAX],
            symbols: vec![ZERO; DATA_MAX],
            noise: vec![0.0; DATA_MAX],
        }
    }

    /// Estimates, equalises and demaps into `llrs` (`layout.n_coded()` of them); the PDU has been checked.
    pub fn receive(
        &mut self,
        pdu: &PucchPdu,
        layout: &Layout,
        slot: SlotPoint,
        grid: &Grid,
        llrs: &mut [Llr],
    ) -> Result<Channel, ChannelError> {
        if grid.n_ports() > self.n_rx || grid.n_ports() == 0 {
            return Err(ChannelError::Invalid("more antennas than the receiver was made for"));
        }
        let (slope, timing, noise_var, power) = self.estimate(pdu, layout, slot, grid)?;
        self.equalise(pdu, layout, grid, &timing, noise_var);
        let n = layout.n_mod() * layout.n_data();
        demodulate(self.isa, layout.modulation, &self.symbols[..n], &self.noise[..n], llrs)
            .map_err(|_| ChannelError::Invalid("soft bits"))?;
        let scs = slot.numerology().scs_hz() as f64;
        Ok(Channel { snr: power / noise_var, power, delay_s: -slope / scs })
    }

    /// Fills `h`; returns the slope (turns a subcarrier), what is known of time, noise and signal power.
    fn estimate(
        &mut self,
        pdu: &PucchPdu,
        layout: &Layout,
        slot: SlotPoint,
        grid: &Grid,
    ) -> Result<(f64, Timing, f32, f32), ChannelError> {
        let (n, n_rx) = (layout.m_sc(), grid.n_ports());
        let sequences = DmrsSequences::new(pdu, layout, slot);
        let mut stats = Stats::default();
        let mut search = DelaySearch::new();
        let narrow = n <= 4 * ELEMENTS_MAX;
        let mut r = [ZERO; SC_MAX];
        for (i, s) in symbols(pdu).filter(|s| layout.is_dmrs(s.idx)).enumerate() {
            sequences.of(pdu, &s, slot, &mut self.forward, &mut r[..n])?;
            for rx in 0..n_rx {
                let y = &grid.symbol(rx, s.l)[s.prb * 12..s.prb * 12 + n];
                let ls = &mut self.ls[(i * n_rx + rx) * n..][..n];
                dsp::vector::mul_conj(self.isa, y, &r[..n], ls);
                if narrow {
                    search.add(ls, 4);
                } else {
                    stats.add(self.isa, ls);
                }
            }
        }
        let shared = layout.n_sf > 1;
        let slope = if narrow { search.turns(4.0 * TURNS_MAX) / 4.0 } else { stats.slope() };
        let rows = layout.dmrs.count_ones() as usize * n_rx;
        for row in self.ls[..rows * n].chunks_exact_mut(n) {
            self.smoother.take_slope(slope, row);
        }
        let timing = self.timing(pdu, layout, n_rx);
        let noise_var = self.average(pdu, layout, n_rx, &timing);
        let n_hops = if timing.count[1] > 0 { 2 } else { 1 };
        let share = noise_var * n_hops as f32 / timing.count.iter().sum::<usize>().max(1) as f32;
        let mean = &self.mean[..n_hops * n_rx * n];
        let mut energy = 0.0;
        let choice = self.smoother.choose(mean.chunks_exact(n), mean_power(self.isa, mean), share.max(1e-30));
        for (row, h) in mean.chunks_exact(n).zip(self.h.chunks_exact_mut(n)) {
            if shared {
                // Other UEs have shifts of three twelfths: the mean over a resource block knows none of them.
                h.fill(row.iter().sum::<Cf32>() / n as f32);
            } else {
                self.smoother.interpolate(choice, row, 0, h);
            }
            energy += dsp::vector::energy(self.isa, h) / n as f64;
            self.smoother.put_slope(slope, 0, h);
        }
        Ok((slope, timing, noise_var, (energy / (n_hops * n_rx) as f64) as f32))
    }

    /// Turns a symbol from pairs of DM-RS of a hop, and where they lie.
    fn timing(&self, pdu: &PucchPdu, layout: &Layout, n_rx: usize) -> Timing {
        let n = layout.m_sc();
        let mut timing = Timing::default();
        let (mut sum, mut weight) = (0.0, 0.0);
        let mut before: Option<(usize, usize, usize)> = None;
        for (i, s) in symbols(pdu).filter(|s| layout.is_dmrs(s.idx)).enumerate() {
            timing.middle[s.hop] += s.idx as f64;
            timing.count[s.hop] += 1;
            if let Some((j, _, idx)) = before.filter(|(_, hop, _)| *hop == s.hop) {
                let row = |i: usize| &self.ls[i * n_rx * n..(i + 1) * n_rx * n];
                let mut dot = ZERO;
                for (a, b) in row(i).chunks_exact(4).zip(row(j).chunks_exact(4)) {
                    // Four neighbours together, so that other UEs of format 4 drop out.
                    dot += if layout.n_sf > 1 {
                        a.iter().sum::<Cf32>() * b.iter().sum::<Cf32>().conj()
                    } else {
                        a.iter().zip(b).map(|(a, b)| a * b.conj()).sum()
                    };
                }
                let apart = (s.idx - idx) as f64;
                let w = f64::from(dot.norm()) * apart;
                if w.is_finite() {
                    sum += w * f64::from(libm::atan2f(dot.im, dot.re)) / core::f64::consts::TAU;
                    weight += w * apart;
                }
            }
            before = Some((i, s.hop, s.idx));
        }
        for hop in 0..2 {
            timing.middle[hop] /= timing.count[hop].max(1) as f64;
        }
        if weight > 0.0 {
            timing.turns = sum / weight;
        }
        timing
    }

    /// Fills `mean` with the DM-RS of each hop, turned to its middle; returns the noise power of one.
    fn average(&mut self, pdu: &PucchPdu, layout: &Layout, n_rx: usize, timing: &Timing) -> f32 {
        let n = layout.m_sc();
        self.mean.fill(ZERO);
        let (mut noise, mut count) = (0.0, 0.0);
        for (i, s) in symbols(pdu).filter(|s| layout.is_dmrs(s.idx)).enumerate() {
            let turn = phasor(-timing.turns * (s.idx as f64 - timing.middle[s.hop]));
            let share = 1.0 / timing.count[s.hop].max(1) as f32;
            for rx in 0..n_rx {
                let ls = &mut self.ls[(i * n_rx + rx) * n..][..n];
                dsp::vector::rotate(self.isa, ls, turn);
                let mean = &mut self.mean[(s.hop * n_rx + rx) * n..][..n];
                dsp::vector::add_scaled(self.isa, mean, ls, Cf32::new(share, 0.0));
                if layout.n_sf > 1 {
                    // Second differences at a distance that is whole turns of every UE's shift.
                    for k in 0..n.saturating_sub(8) {
                        noise += f64::from((ls[k] - ls[k + 4] * 2.0 + ls[k + 8]).norm_sqr()) / 6.0;
                        count += 1.0;
                    }
                } else {
                    let (e, c) = noise_by_differences(ls);
                    noise += e;
                    count += c;
                }
            }
        }
        for (i, s) in symbols(pdu).filter(|s| layout.is_dmrs(s.idx)).enumerate() {
            let m = timing.count[s.hop];
            for rx in (0..n_rx).filter(|_| m > 1) {
                let ls = &self.ls[(i * n_rx + rx) * n..][..n];
                let mean = &self.mean[(s.hop * n_rx + rx) * n..][..n];
                noise += ls.iter().zip(mean).map(|(a, b)| f64::from((a - b).norm_sqr())).sum::<f64>();
                count += n as f64 * (m - 1) as f64 / m as f64;
            }
        }
        ((noise / f64::max(count, 1.0)) as f32).max(1e-30)
    }

    /// MMSE over antennas in frequency, then back to modulation symbols.
    fn equalise(&mut self, pdu: &PucchPdu, layout: &Layout, grid: &Grid, timing: &Timing, noise_var: f32) {
        let (n, n_rx, n_mod) = (layout.m_sc(), grid.n_ports(), layout.n_mod());
        let mut weight = [0.0f32; SC_MAX];
        let mut beta = 1.0;
        let mut last_hop = usize::MAX;
        let mut block = [ZERO; SC_MAX];
        let block = &mut block[..n];
        let at = symbols(pdu).filter(|s| !layout.is_dmrs(s.idx));
        for (s, (out, noise)) in at.zip(self.symbols.chunks_exact_mut(n_mod).zip(self.noise.chunks_exact_mut(n_mod))) {
            let h = &self.h[s.hop * n_rx * n..(s.hop + 1) * n_rx * n];
            if s.hop != last_hop {
                let mut sum = 0.0;
                for (k, w) in weight[..n].iter_mut().enumerate() {
                    let gain: f32 = (0..n_rx).map(|rx| h[rx * n + k].norm_sqr()).sum();
                    *w = 1.0 / (gain + noise_var);
                    sum += gain * *w;
                }
                beta = (sum / n as f32).clamp(1e-6, 1.0 - 1e-6);
                last_hop = s.hop;
            }
            block.fill(ZERO);
            for (rx, h) in h.chunks_exact(n).enumerate() {
                let y = &grid.symbol(rx, s.l)[s.prb * 12..s.prb * 12 + n];
                for ((z, y), h) in block.iter_mut().zip(y).zip(h) {
                    *z += y * h.conj();
                }
            }
            let turn = phasor(-timing.turns * (s.idx as f64 - timing.middle[s.hop])) / beta;
            block.iter_mut().zip(&weight).for_each(|(z, w)| *z *= turn * *w);
            self.inverse.process(block);
            if layout.n_sf == 1 {
                out.copy_from_slice(block);
            } else {
                for (m, out) in out.iter_mut().enumerate() {
                    let copies = (0..layout.n_sf).map(|r| r * n_mod + m);
                    *out = copies.map(|k| block[k] * layout.cover(k).conj()).sum::<Cf32>() / layout.n_sf as f32;
                }
            }
            noise.fill((1.0 - beta) / beta / layout.n_sf as f32);
        }
    }
}

fn mean_power(isa: Isa, x: &[Cf32]) -> f32 {
    (dsp::vector::energy(isa, x) / x.len().max(1) as f64) as f32
}

fn phasor(turns: f64) -> Cf32 {
    let z = dsp::unit_phasor(turns);
    Cf32::new(z.re as f32, z.im as f32)
}
