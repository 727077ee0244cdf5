//! What there is to see of a slot: which element belongs to what, the equalized PDSCH, its channel, the spectrum.

use dsp::fft::{Direction, Plan};
use dsp::{Cf32, Isa};
use fapi::resolve::{cce_regs, csi_rs_mask, ssb_first_subcarrier, ssb_occasions};
use fapi::{CellConfig, CsiRsResource, DmrsPdu, PdschPdu, SearchSpaceConfig};
use nr::SlotPoint;
use ofdm::Grid;
use phy::equalize::Equalizer;
use phy::estimate::SharedEstimator;
use phy::pdsch::Layout;

use crate::lab::decode::receive::{DciFound, Found, PdschFound};

/// Points of a constellation that are kept.
const POINTS_MAX: usize = 4000;
/// Samples of a window of the spectrum.
const WINDOW: usize = 1024;
/// Measurement bandwidth of the spectrum. Spec: TS 38.104 §6.6.4.2
pub const MEASURED_HZ: f64 = 100e3;
/// Delays shown of a channel, microseconds.
const DELAYS_US: (f64, f64) = (-0.6, 2.4);

/// What a resource element carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Carries {
    /// Nothing that is known.
    Nothing,
    /// Inside a CORESET that is monitored, no PDCCH.
    Coreset,
    /// PSS or SSS.
    Sync,
    /// PBCH with its DM-RS.
    Pbch,
    /// PDCCH.
    Pdcch,
    /// DM-RS of a PDCCH.
    PdcchDmrs,
    /// PDSCH number n of the slot.
    Pdsch(u8),
    /// DM-RS of a PDSCH.
    PdschDmrs,
    /// CSI-RS.
    CsiRs,
}

/// A PDSCH, seen through its receiver.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its description.
    pub pdsch: PdschFound,
    /// Equalized data elements.
    pub points: Vec<Cf32>,
    /// EVM against the nearest points, in percent.
    pub evm_percent: f64,
    /// (subcarrier of the carrier, channel): the first layer, by its DM-RS.
    pub channel: Vec<(usize, Cf32)>,
    /// (microseconds, power): the same as echoes.
    pub echoes: Vec<(f64, f64)>,
}

/// A slot.
#[derive(Clone, Debug)]
pub struct View {
    /// The slot.
    pub slot: SlotPoint,
    /// The cell.
    pub cell: CellConfig,
    /// `[symbol][subcarrier]`.
    pub carries: Vec<Vec<Carries>>,
    /// Power of each element, likewise.
    pub power: Vec<Vec<f32>>,
    /// DCIs of the slot.
    pub dcis: Vec<DciFound>,
    /// The PDSCHs of the slot.
    pub pdschs: Vec<PdschFound>,
    /// The widest of them.
    pub seen: Option<Seen>,
    /// (Hz from the carrier's centre, mean power in [`MEASURED_HZ`]), in units of the samples.
    pub spectrum: Vec<(f64, f64)>,
    /// What a power of 1 is in mW, if a block of known power was measured.
    pub unit_mw: Option<f64>,
}

/// Assembles the view of `slot` out of what was found in it.
pub fn view(
    cell: &CellConfig,
    slot: SlotPoint,
    grid: &Grid,
    found: &Found,
    csi_rs: &[CsiRsResource],
    spaces: &[(SearchSpaceConfig, fapi::CoresetConfig)],
    isa: Isa,
) -> View {
    let dcis: Vec<_> = found.dcis.iter().filter(|d| d.slot == slot).cloned().collect();
    let pdschs: Vec<_> = found.pdschs.iter().filter(|p| p.slot == slot).cloned().collect();
    let n = grid.n_subcarriers();
    let power = (0..14).map(|l| grid.symbol(0, l).iter().map(|z| z.norm_sqr()).collect()).collect();
    let mut map = Map(vec![vec![Carries::Nothing; n]; 14]);
    map.coresets(slot, spaces);
    map.blocks(cell, slot);
    pdschs.iter().enumerate().for_each(|(i, p)| map.pdsch(i as u8, &p.pdu));
    map.csi_rs(csi_rs, slot);
    dcis.iter().for_each(|d| map.pdcch(d));
    let widest = pdschs.iter().max_by_key(|p| (p.result.crc_ok, p.pdu.rbs.n_rb()));
    let seen = widest.and_then(|p| see(p, slot, grid, cell, isa));
    View { slot, cell: cell.clone(), carries: map.0, power, dcis, pdschs, seen, spectrum: Vec::new(), unit_mw: None }
}

struct Map(Vec<Vec<Carries>>);

impl Map {
    fn put(&mut self, l: usize, k: usize, what: Carries) {
        if let Some(cell) = self.0.get_mut(l).and_then(|row| row.get_mut(k)) {
            *cell = what;
        }
    }

    fn coresets(&mut self, slot: SlotPoint, spaces: &[(SearchSpaceConfig, fapi::CoresetConfig)]) {
        for (space, coreset) in spaces.iter().filter(|(s, _)| s.is_monitored(slot)) {
            for l0 in fapi::resolve::occasion_symbols(space) {
                for (rb, l) in cce_regs(coreset, 0, coreset.n_cce().min(255) as u8) {
                    (0..12).for_each(|k| self.put(usize::from(l0 + l), usize::from(rb) * 12 + k, Carries::Coreset));
                }
            }
        }
    }

    /// Spec: TS 38.211 §7.4.3.1
    fn blocks(&mut self, cell: &CellConfig, slot: SlotPoint) {
        let Ok(first) = usize::try_from(ssb_first_subcarrier(cell)) else { return };
        if cell.ssb.numerology != slot.numerology() {
            return;
        }
        for o in ssb_occasions(&cell.ssb, slot) {
            let l = usize::from(o.start_symbol);
            (56..183).for_each(|k| self.put(l, first + k, Carries::Sync));
            (0..240).for_each(|k| self.put(l + 1, first + k, Carries::Pbch));
            (0..240).for_each(|k| self.put(l + 3, first + k, Carries::Pbch));
            (0..48).chain(192..240).for_each(|k| self.put(l + 2, first + k, Carries::Pbch));
            (56..183).for_each(|k| self.put(l + 2, first + k, Carries::Sync));
        }
    }

    fn pdcch(&mut self, d: &DciFound) {
        for (rb, l) in cce_regs(&d.coreset, d.detection.cce, d.detection.level) {
            for k in 0..12 {
                let what = if k % 4 == 1 { Carries::PdcchDmrs } else { Carries::Pdcch };
                self.put(usize::from(d.start_symbol + l), usize::from(rb) * 12 + k, what);
            }
        }
    }

    fn pdsch(&mut self, index: u8, pdu: &PdschPdu) {
        let mut layout = Layout::default();
        layout.fill(&phy::pdsch::shape(pdu));
        for l in 0..14 {
            layout.for_rbs(l, |rb, _, mask| {
                (0..12).filter(|k| mask >> k & 1 == 1).for_each(|k| self.put(l, rb * 12 + k, Carries::Pdsch(index)));
            });
        }
        let pilots = pilots_of_rb(&pdu.dmrs);
        for l in (0..14).filter(|l| pdu.dmrs.symbols >> l & 1 == 1) {
            for rb in pdu.rbs.iter() {
                (0..12)
                    .filter(|k| pilots >> k & 1 == 1)
                    .for_each(|k| self.put(l, usize::from(rb) * 12 + k, Carries::PdschDmrs));
            }
        }
    }

    fn csi_rs(&mut self, list: &[CsiRsResource], slot: SlotPoint) {
        for r in list {
            let masks = csi_rs_mask(&[*r], slot);
            for (l, mask) in masks.iter().enumerate() {
                for rb in r.start_rb..r.start_rb.saturating_add(r.n_rb) {
                    let at = usize::from(rb) * 12;
                    (0..12).filter(|k| mask >> k & 1 == 1).for_each(|k| self.put(l, at + k, Carries::CsiRs));
                }
            }
        }
    }
}

/// Subcarriers of an RB with DM-RS of the ports in use. Spec: TS 38.211 tables 7.4.1.1.2-1 and 7.4.1.1.2-2
pub fn pilots_of_rb(dmrs: &DmrsPdu) -> u16 {
    let ports = (0..12u32).filter(|p| dmrs.ports >> p & 1 == 1);
    ports.fold(0, |mask, p| {
        mask | if dmrs.config_type == 1 { 0x555 << (p / 2 % 2) } else { 0b1100_0011 << (p / 2 % 3 * 2) & 0xfff }
    })
}

/// The points of a constellation on one axis. Spec: TS 38.211 §5.1
pub fn levels(q_m: u8) -> Vec<f32> {
    let m = 1i32 << (q_m / 2).max(1);
    let mean = (0..m).map(|i| ((2 * i + 1 - m) as f32).powi(2)).sum::<f32>() / m as f32;
    (0..m).map(|i| (2 * i + 1 - m) as f32 / (2.0 * mean).sqrt()).collect()
}

/// EVM in percent against the nearest points.
pub fn evm_percent(points: &[Cf32], q_m: u8) -> f64 {
    let levels = levels(q_m);
    let near = |x: f32| levels.iter().map(|l| (x - l).powi(2)).fold(f32::INFINITY, f32::min);
    let errors: f64 = points.iter().map(|z| f64::from(near(z.re) + near(z.im))).sum();
    100.0 * (errors / points.len().max(1) as f64).sqrt()
}

/// Receives a PDSCH as far as its equalized elements.
fn see(p: &PdschFound, slot: SlotPoint, grid: &Grid, cell: &CellConfig, isa: Isa) -> Option<Seen> {
    let (pdu, n_rb) = (&p.pdu, usize::from(cell.dl.n_rb));
    let n_layers = usize::from(pdu.n_layers.clamp(1, 4));
    let mut estimator = SharedEstimator::new(isa, n_rb, 1, n_layers);
    let mut estimate = estimator.make_estimate();
    estimator.estimate(grid, slot, &pdu.rbs, &pdu.dmrs, &mut estimate).ok()?;
    let rbs: Vec<usize> = pdu.rbs.iter().map(usize::from).collect();
    let n = rbs.len() * 12;
    let mut equalizer = Equalizer::new(isa, n, 1, n_layers);
    let (mut equal, mut noise) = (vec![Cf32::default(); n * n_layers], vec![0.0; n * n_layers]);
    let mut layout = Layout::default();
    layout.fill(&phy::pdsch::shape(pdu));
    let mut points = Vec::new();
    for l in 0..14 {
        let row = grid.symbol(0, l);
        let y: Vec<Cf32> = rbs.iter().flat_map(|rb| row[rb * 12..rb * 12 + 12].iter().copied()).collect();
        equalizer.equalize(&estimate, l, &[&y], &mut equal, &mut noise);
        layout.for_rbs(l, |_, rank, mask| {
            for k in (0..12).filter(|k| mask >> k & 1 == 1) {
                let at = (rank * 12 + k) * n_layers;
                points.extend(equal.get(at..at + n_layers).into_iter().flatten());
            }
        });
    }
    let evm_percent = evm_percent(&points, pdu.coding.q_m);
    let step = points.len().div_ceil(POINTS_MAX).max(1);
    let subcarriers = rbs.iter().flat_map(|rb| (0..12).map(move |k| rb * 12 + k));
    let channel: Vec<_> = subcarriers.zip(estimate.h(0, 0, 0).iter().copied()).collect();
    let echoes = echoes(&channel, f64::from(cell.dl.numerology.scs_hz()));
    Some(Seen { pdsch: p.clone(), points: points.into_iter().step_by(step).collect(), evm_percent, channel, echoes })
}

/// The channel over delay: its transform under a Hann window over the allocation.
fn echoes(channel: &[(usize, Cf32)], scs_hz: f64) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (channel.first().map(|c| c.0), channel.last().map(|c| c.0)) else {
        return Vec::new();
    };
    let width = (last - first).max(1) as f64;
    let n = 400;
    let of = |i: usize| {
        let us = DELAYS_US.0 + (DELAYS_US.1 - DELAYS_US.0) * i as f64 / n as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for (k, h) in channel {
            let x = (k - first) as f64 / width;
            let weight = 0.5 - 0.5 * (std::f64::consts::TAU * x).cos();
            let turn = dsp::unit_phasor(*k as f64 * scs_hz * us * 1e-6);
            re += weight * (f64::from(h.re) * turn.re - f64::from(h.im) * turn.im);
            im += weight * (f64::from(h.re) * turn.im + f64::from(h.im) * turn.re);
        }
        (us, re * re + im * im)
    };
    (0..=n).map(of).collect()
}

/// Mean power in [`MEASURED_HZ`] over frequency, of windows that overlap by half.
///
/// - `offset_hz`  where the carrier's centre lies
pub fn spectrum(samples: &[Cf32], rate_hz: f64, offset_hz: f64, isa: Isa) -> Vec<(f64, f64)> {
    let Ok(plan) = Plan::new(WINDOW, Direction::Forward, isa) else { return Vec::new() };
    let mut scratch = plan.make_scratch();
    let hann = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / WINDOW as f64).cos();
    let gain: f64 = (0..WINDOW).map(|i| hann(i).powi(2)).sum();
    let mut sum = vec![0.0f64; WINDOW];
    let starts: Vec<usize> = (0..(samples.len() + 1).saturating_sub(WINDOW)).step_by(WINDOW / 2).collect();
    for &start in &starts {
        let mut x: Vec<Cf32> =
            samples[start..start + WINDOW].iter().enumerate().map(|(i, s)| s * hann(i) as f32).collect();
        plan.process(&mut x, &mut scratch);
        sum.iter_mut().zip(&x).for_each(|(s, x)| *s += f64::from(x.norm_sqr()));
    }
    // Power per Hz of a bin, then of the measurement bandwidth around it.
    let per_hz = 1.0 / (gain * rate_hz * starts.len().max(1) as f64);
    let reach = (MEASURED_HZ / (rate_hz / WINDOW as f64) / 2.0) as i64;
    let of = |i: i64| {
        let near = (i - reach).max(-(WINDOW as i64) / 2)..=(i + reach).min(WINDOW as i64 / 2 - 1);
        let n = near.clone().count() as f64;
        let mean = near.map(|j| sum[j.rem_euclid(WINDOW as i64) as usize]).sum::<f64>() / n;
        (i as f64 * rate_hz / WINDOW as f64 - offset_hz, mean * per_hz * MEASURED_HZ)
    };
    (-(WINDOW as i64) / 2..WINDOW as i64 / 2).map(of).collect()
}

/// The channel's bandwidth that holds so many resource blocks. Spec: TS 38.104 table 5.3.2-1
pub fn channel_hz(cell: &CellConfig) -> f64 {
    let used = f64::from(cell.dl.n_rb) * 12.0 * f64::from(cell.dl.numerology.scs_hz());
    let steps = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 200, 400];
    let fits = |mhz: &&i32| f64::from(**mhz) * 1e6 > used * 1.015;
    steps.iter().find(fits).map_or(used, |mhz| f64::from(*mhz) * 1e6)
}

/// Operating band unwanted emission limit in dBm over 100 kHz at `offset_hz` beyond the channel's edge, for a carrier of `rated_dbm`, above
/// 1 GHz; with the name of its table.
///
/// Spec: TS 38.104 tables 6.6.4.2.1-2, 6.6.4.2.3-1, 6.6.4.2.3-2, 6.6.4.2.4-1
pub fn limit_dbm(offset_hz: f64, rated_dbm: f64) -> (f64, &'static str) {
    let mhz = offset_hz * 1e-6;
    let slope = 7.0 / 5.0 * (mhz - 0.05).clamp(0.0, 5.0);
    let far = mhz >= 10.0;
    match rated_dbm {
        p if p > 38.0 && far => (-13.0 - 10.0, "Wide Area BS, category A: table 6.6.4.2.1-2"),
        p if p > 38.0 => (-7.0 - slope, "Wide Area BS, category A: table 6.6.4.2.1-2"),
        p if p > 31.0 && far => ((p - 60.0).min(-25.0), "Medium Range BS: table 6.6.4.2.3-1"),
        p if p > 31.0 => (p - 53.0 - slope, "Medium Range BS: table 6.6.4.2.3-1"),
        p if p > 24.0 => (-22.0 - slope, "Medium Range BS: table 6.6.4.2.3-2"),
        _ => (-30.0 - slope, "Local Area BS: table 6.6.4.2.4-1"),
    }
}
