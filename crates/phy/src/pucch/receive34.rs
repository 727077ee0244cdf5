//! Reception of PUCCH formats 3 and 4: channel from the DM-RS, MMSE combining of antennas, despreading, soft bits.
//!
//! One DM-RS symbol in a hop tells the channel of many antennas badly. Where decoding fails, [`Receiver::refine`] takes what the soft
//! bits make probable of the data for further pilots, each as far as it is believed, and equalises again.

use super::delay::{DelaySearch, ELEMENTS_MAX, TURNS_MAX};
use super::format34::{DATA_MAX, DmrsSequences, Layout, SC_MAX, Transforms};
use super::{Channel, RX_MAX, stands_out, symbols};
use crate::estimate::{ChannelError, Smoother, Stats, noise_by_differences};
use crate::modulation::{Modulation, demodulate};
use dsp::fft::Direction;
use dsp::{Cf32, Isa};
use fapi::PucchPdu;
use fec::Llr;
use nr::SlotPoint;
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Most DM-RS symbols.
const DMRS_MAX: usize = 4;
/// A hop's power is taken for at least this part of its estimates' error.
const LEAST: f32 = 0.2;

/// Receives; holds filters, transforms and scratch.
pub(super) struct Receiver {
    isa: Isa,
    smoother: Smoother,
    forward: Transforms,
    inverse: Transforms,
    n_rx: usize,
    /// `[DM-RS][rx][subcarrier]`.
    ls: Vec<Cf32>,
    /// `[hop][rx][subcarrier]`: of the DM-RS; of DM-RS and data; smoothed.
    pilots: Vec<Cf32>,
    mean: Vec<Cf32>,
    h: Vec<Cf32>,
    pass: Pass,
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

/// What the last pass over a PUCCH left for the next one.
#[derive(Clone, Copy, Debug, Default)]
struct Pass {
    /// Phase slope, turns a subcarrier.
    slope: f64,
    timing: Timing,
    /// Noise power of a resource element.
    noise_var: f32,
    /// Power and squared error of the estimates of each hop, an element and antenna.
    power: [f32; 2],
    error: [f32; 2],
    /// How far the estimates stand out from their error.
    heard: f32,
}

impl Timing {
    fn n_hops(&self) -> usize {
        if self.count[1] > 0 { 2 } else { 1 }
    }
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
            pilots: vec![ZERO; 2 * n_rx * SC_MAX],
            mean: vec![ZERO; 2 * n_rx * SC_MAX],
            pass: Pass::default(),
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
        let power = self.estimate(pdu, layout, slot, grid)?;
        self.soft_bits(pdu, layout, slot, grid, power, llrs)
    }

    /// Estimates again with the data of the pass before for pilots, equalises and demaps; `None` where the data do not help.
    ///
    /// To be called after [`Receiver::receive`] with the same arguments.
    pub fn refine(
        &mut self,
        pdu: &PucchPdu,
        layout: &Layout,
        slot: SlotPoint,
        grid: &Grid,
        llrs: &mut [Llr],
    ) -> Option<Channel> {
        if layout.modulation != Modulation::Qpsk {
            return None;
        }
        let power = self.estimate_by_data(pdu, layout, grid);
        self.soft_bits(pdu, layout, slot, grid, power, llrs).ok()
    }

    /// Equalises and demaps by the last estimate, of mean power `power`.
    fn soft_bits(
        &mut self,
        pdu: &PucchPdu,
        layout: &Layout,
        slot: SlotPoint,
        grid: &Grid,
        power: f32,
        llrs: &mut [Llr],
    ) -> Result<Channel, ChannelError> {
        let Pass { slope, noise_var, .. } = self.pass;
        self.equalise(pdu, layout, grid);
        let n = layout.n_mod() * layout.n_data();
        demodulate(self.isa, layout.modulation, &self.symbols[..n], &self.noise[..n], llrs)
            .map_err(|_| ChannelError::Invalid("soft bits"))?;
        let scs = slot.numerology().scs_hz() as f64;
        Ok(Channel { snr: power / noise_var, power, delay_s: -slope / scs, heard: self.pass.heard })
    }

    /// Fills `h` and `pass` by the DM-RS; returns the signal power.
    fn estimate(&mut self, pdu: &PucchPdu, layout: &Layout, slot: SlotPoint, grid: &Grid) -> Result<f32, ChannelError> {
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
        let slope = if narrow { search.turns(4.0 * TURNS_MAX) / 4.0 } else { stats.slope() };
        let rows = layout.dmrs.count_ones() as usize * n_rx;
        for row in self.ls[..rows * n].chunks_exact_mut(n) {
            self.smoother.take_slope(slope, row);
        }
        let timing = self.timing(pdu, layout, n_rx);
        let noise_var = self.average(pdu, layout, n_rx, &timing);
        self.pass = Pass { slope, timing, noise_var, ..Pass::default() };
        let n_hops = timing.n_hops();
        let share = noise_var * n_hops as f32 / timing.count.iter().sum::<usize>().max(1) as f32;
        let len = n_hops * n_rx * n;
        self.mean[..len].copy_from_slice(&self.pilots[..len]);
        Ok(self.smooth(layout, n_rx, share))
    }

    /// Fills `h` from `mean`, whose elements have noise of power `share`; returns the signal power.
    fn smooth(&mut self, layout: &Layout, n_rx: usize, share: f32) -> f32 {
        let n = layout.m_sc();
        let n_hops = self.pass.timing.n_hops();
        let mean = &self.mean[..n_hops * n_rx * n];
        let choice = self.smoother.choose(mean.chunks_exact(n), mean_power(self.isa, mean), share.max(1e-30));
        let shared = layout.n_sf > 1;
        let own = if shared { 1.0 } else { self.smoother.own_weights(choice, n).1 };
        let error = share * own as f32 / n as f32;
        let mut power = [0.0f32; 2];
        for (i, (row, h)) in mean.chunks_exact(n).zip(self.h.chunks_exact_mut(n)).enumerate() {
            if shared {
                // Other UEs have shifts of three twelfths: the mean over a resource block knows none of them.
                h.fill(row.iter().sum::<Cf32>() / n as f32);
            } else {
                self.smoother.interpolate(choice, row, 0, h);
            }
            power[i / n_rx] += mean_power(self.isa, h) / n_rx as f32;
            self.smoother.put_slope(self.pass.slope, 0, h);
        }
        for (hop, h) in self.h[..n_hops * n_rx * n].chunks_exact_mut(n_rx * n).enumerate() {
            // An estimate of a hop in a fade is mostly error: it is made as small as it deserves.
            let signal = (power[hop] - error).max(LEAST * error);
            let part = signal / (signal + error).max(1e-30);
            dsp::vector::scale(self.isa, h, part);
            self.pass.power[hop] = signal;
            self.pass.error[hop] = error * part;
        }
        let power = power[..n_hops].iter().sum::<f32>() / n_hops as f32;
        self.pass.heard = stands_out(power / error.max(1e-30), n_hops * n_rx);
        power
    }

    /// Fills `h` by DM-RS and data; returns the signal power.
    fn estimate_by_data(&mut self, pdu: &PucchPdu, layout: &Layout, grid: &Grid) -> f32 {
        let (n, n_rx, n_mod) = (layout.m_sc(), grid.n_ports(), layout.n_mod());
        let Pass { slope, timing, noise_var, power, .. } = self.pass;
        self.mean.fill(ZERO);
        let mut weight = [[0.0f32; SC_MAX]; 2];
        let mut block = [ZERO; SC_MAX];
        let block = &mut block[..n];
        let soft = self.symbols.chunks_exact(n_mod).zip(self.noise.chunks_exact(n_mod));
        for (s, (d, noise)) in symbols(pdu).filter(|s| !layout.is_dmrs(s.idx)).zip(soft) {
            let mut known = 0.0;
            for (k, z) in block.iter_mut().enumerate() {
                let x = believed(d[k % n_mod], noise[k % n_mod]);
                known += x.norm_sqr() / n as f32;
                *z = if layout.n_sf == 1 { x } else { layout.cover(k) * x };
            }
            self.forward.process(block);
            // What is not known of the data is noise as well.
            let worth = noise_var / (noise_var + power[s.hop] * (1.0 - known).max(0.0)).max(1e-30);
            let turn = phasor(-timing.turns * (s.idx as f64 - timing.middle[s.hop])) * worth;
            for (w, x) in weight[s.hop].iter_mut().zip(&*block) {
                *w += x.norm_sqr() * worth;
            }
            for rx in 0..n_rx {
                let y = &grid.symbol(rx, s.l)[s.prb * 12..s.prb * 12 + n];
                let mean = &mut self.mean[(s.hop * n_rx + rx) * n..][..n];
                for ((m, y), x) in mean.iter_mut().zip(y).zip(&*block) {
                    *m += y * x.conj() * turn;
                }
            }
        }
        let n_hops = timing.n_hops();
        let mut all = 0.0;
        for row in 0..n_hops * n_rx {
            let hop = row / n_rx;
            let count = timing.count[hop] as f32;
            let mean = &mut self.mean[row * n..(row + 1) * n];
            self.smoother.take_slope(slope, mean);
            for ((m, p), w) in mean.iter_mut().zip(&self.pilots[row * n..(row + 1) * n]).zip(&weight[hop]) {
                *m = (*m + p * count) / (w + count);
                all += w + count;
            }
        }
        let share = noise_var * (n_hops * n_rx * n) as f32 / f32::max(all, 1.0);
        self.smooth(layout, n_rx, share)
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

    /// Fills `pilots` with the DM-RS of each hop, turned to its middle; returns the noise power of one.
    fn average(&mut self, pdu: &PucchPdu, layout: &Layout, n_rx: usize, timing: &Timing) -> f32 {
        let n = layout.m_sc();
        self.pilots.fill(ZERO);
        let (mut noise, mut count) = (0.0, 0.0);
        for (i, s) in symbols(pdu).filter(|s| layout.is_dmrs(s.idx)).enumerate() {
            let turn = phasor(-timing.turns * (s.idx as f64 - timing.middle[s.hop]));
            let share = 1.0 / timing.count[s.hop].max(1) as f32;
            for rx in 0..n_rx {
                let ls = &mut self.ls[(i * n_rx + rx) * n..][..n];
                dsp::vector::rotate(self.isa, ls, turn);
                let mean = &mut self.pilots[(s.hop * n_rx + rx) * n..][..n];
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
                let mean = &self.pilots[(s.hop * n_rx + rx) * n..][..n];
                noise += ls.iter().zip(mean).map(|(a, b)| f64::from((a - b).norm_sqr())).sum::<f64>();
                count += n as f64 * (m - 1) as f64 / m as f64;
            }
        }
        ((noise / f64::max(count, 1.0)) as f32).max(1e-30)
    }

    /// MMSE over antennas in frequency, then back to modulation symbols.
    fn equalise(&mut self, pdu: &PucchPdu, layout: &Layout, grid: &Grid) {
        let (n, n_rx, n_mod) = (layout.m_sc(), grid.n_ports(), layout.n_mod());
        let timing = self.pass.timing;
        let mut weight = [0.0f32; SC_MAX];
        let mut beta = 1.0;
        let mut last_hop = usize::MAX;
        let mut block = [ZERO; SC_MAX];
        let block = &mut block[..n];
        let at = symbols(pdu).filter(|s| !layout.is_dmrs(s.idx));
        for (s, (out, noise)) in at.zip(self.symbols.chunks_exact_mut(n_mod).zip(self.noise.chunks_exact_mut(n_mod))) {
            let h = &self.h[s.hop * n_rx * n..(s.hop + 1) * n_rx * n];
            if s.hop != last_hop {
                let noise_var = self.pass.noise_var + self.pass.error[s.hop];
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

/// What a received QPSK symbol with noise of power `noise` makes probable, of power 1 where nothing is in doubt.
pub(super) fn believed(d: Cf32, noise: f32) -> Cf32 {
    let part = |x: f32| libm::tanhf(core::f32::consts::SQRT_2 * x / noise.max(1e-9)) * core::f32::consts::FRAC_1_SQRT_2;
    Cf32::new(part(d.re), part(d.im))
}
