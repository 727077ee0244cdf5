//! Measuring CSI-RS and CSI-IM.

use super::map::{Plan, SEQUENCE_MAX};
use super::{PILOTS_MAX, PORTS_MAX};
use crate::estimate::{ChannelError, RX_MAX, Stats, noise_by_differences};
use dsp::{Cf32, Isa};
use fapi::{CsiImResource, CsiRsPdu};
use nr::SlotPoint;
use nr::tables::csi_rs::{cdm_sign, csi_im};
use ofdm::Grid;

/// What a resource of one port says of the channel.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CsiRsMeasurement {
    /// Power of a resource element sent at the SSB's power, linear.
    pub rsrp: f32,
    /// Noise variance of a resource element.
    pub noise_var: f32,
    /// Mean delay after the receiver's symbol start, seconds.
    pub delay_s: f64,
}

impl CsiRsMeasurement {
    /// SNR of an element sent at the SSB's power, dB.
    pub fn snr_db(&self) -> f32 {
        10.0 * libm::log10f((self.rsrp / self.noise_var.max(f32::MIN_POSITIVE)).max(1e-6))
    }
}

/// Channel of every port at every antenna, from one resource.
#[derive(Clone, Debug, Default)]
pub struct CsiRsChannel {
    /// Smoothed channel of an element sent at the SSB's power: `[rb][rx][port]`, RBs with elements only.
    pub h: Vec<Cf32>,
    /// RBs with elements.
    pub n_rb: usize,
    /// Antennas.
    pub n_rx: usize,
    /// Ports.
    pub n_ports: usize,
    /// Noise and interference variance of a resource element, mean over the antennas.
    pub noise_var: f32,
    /// Noise of an estimate in `h` over that of a resource element.
    pub noise_gain: f32,
    /// Mean power of each port over antennas and RBs, noise taken off.
    pub rsrp: [f32; PORTS_MAX],
    /// Mean delay after the receiver's symbol start, seconds.
    pub delay_s: f64,
}

impl CsiRsChannel {
    /// The channel of `rb` (counted among those with elements): `[rx][port]`.
    pub fn of_rb(&self, rb: usize) -> &[Cf32] {
        let n = self.n_rx * self.n_ports;
        self.h.get(rb * n..(rb + 1) * n).unwrap_or(&[])
    }
}

/// Interference as CSI-IM elements see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interference {
    /// Antennas.
    pub n_rx: usize,
    /// Mean power of a resource element at each antenna.
    pub power: [f32; RX_MAX],
    /// Covariance `[a][b]` = E{y_a y_b*}.
    pub covariance: [[Cf32; RX_MAX]; RX_MAX],
}

/// Receives CSI-RSs; owns its scratch.
pub struct CsiRsReceiver {
    isa: Isa,
    sequence: Vec<Cf32>,
    pilots: Vec<Cf32>,
    flat: Vec<Cf32>,
}

/// Sum of the squares of the weights that RBs are smoothed with: a half and twice a quarter.
const SMOOTHED: f32 = 0.375;

fn finite(z: Cf32) -> Cf32 {
    // What cannot be squared is as bad as what is no number.
    if z.re.abs() < 1e18 && z.im.abs() < 1e18 { z } else { Cf32::default() }
}

impl CsiRsReceiver {
    /// Makes the scratch.
    pub fn new(isa: Isa) -> Self {
        Self {
            isa,
            sequence: vec![Cf32::default(); SEQUENCE_MAX],
            pilots: Vec::with_capacity(PILOTS_MAX),
            flat: Vec::with_capacity(PILOTS_MAX),
        }
    }

    /// Measures a resource of one port (rows 1 and 2) in port (antenna) `rx` of `grid`. No allocation.
    ///
    /// Errors: [`ChannelError`] if it does not fit or has more ports, or the grid no such antenna. Non-finite elements count as zero.
    pub fn measure(
        &mut self,
        pdu: &CsiRsPdu,
        slot: SlotPoint,
        offset_to_carrier: u16,
        grid: &Grid,
        rx: usize,
    ) -> Result<CsiRsMeasurement, ChannelError> {
        if rx >= grid.n_ports() {
            return Err(ChannelError::Invalid("an antenna of the grid"));
        }
        let plan = Plan::new(pdu, offset_to_carrier, grid.n_subcarriers())?;
        let spacing = match (plan.row.n_ports, pdu.density_x2) {
            (1, 6) => 4,
            (1, 2) => 12,
            (1, _) => 24,
            _ => return Err(ChannelError::Invalid("a CSI-RS of one port")),
        };
        let l = usize::from(pdu.l0);
        let row = grid.symbol(rx, l);
        self.pilots.clear();
        let pilots = &mut self.pilots;
        plan.for_elements(slot, l, &mut self.sequence, |e| {
            let h = row[e.subcarrier] * e.r.conj();
            pilots.push(if h.re.is_finite() && h.im.is_finite() { h } else { Cf32::default() });
        });
        let mut stats = Stats::default();
        stats.add(self.isa, pilots);
        let slope = stats.slope();
        flatten(pilots, slope, &mut self.flat);
        let (sum, count) = noise_by_differences(&self.flat);
        let noise_var = if count > 0.0 { (sum / count) as f32 } else { 0.0 };
        let boost = libm::powf(10.0, f32::from(pdu.power_offset_ss_db) / 10.0);
        Ok(CsiRsMeasurement {
            rsrp: (stats.power() - noise_var).max(0.0) / boost,
            noise_var: noise_var.max(f32::MIN_POSITIVE),
            delay_s: -slope / (f64::from(spacing) * f64::from(slot.numerology().scs_hz())),
        })
    }

    /// Received over sent pilots of the last resource measured, ascending: to compare symbols of a tracking set.
    pub fn pilots(&self) -> &[Cf32] {
        &self.pilots
    }

    /// Estimates the channel of every port of a resource at every port (antenna) of `grid`, eight of them at most.
    ///
    /// Code division is undone within each group, whose elements count as one channel; RBs are smoothed along the mean delay.
    /// Errors: [`ChannelError`] if the resource does not fit. Elements that are no number count as zero. `out` grows once.
    pub fn channel(
        &mut self,
        pdu: &CsiRsPdu,
        slot: SlotPoint,
        offset_to_carrier: u16,
        grid: &Grid,
        out: &mut CsiRsChannel,
    ) -> Result<(), ChannelError> {
        let plan = Plan::new(pdu, offset_to_carrier, grid.n_subcarriers())?;
        let (n_ports, n_rx) = (usize::from(plan.row.n_ports), grid.n_ports().min(RX_MAX));
        (out.n_rb, out.n_rx, out.n_ports) = (plan.n_rb, n_rx, n_ports);
        out.h.clear();
        out.h.resize(plan.n_rb * n_rx * n_ports, Cf32::default());
        out.rsrp = [0.0; PORTS_MAX];
        let size = usize::from(plan.row.cdm_size());
        // Row 1: three elements of an RB are three looks at one port.
        let looks = if n_ports == 1 { usize::from(plan.row.n_groups) } else { size } as f32;
        let boost = libm::powf(10.0, f32::from(pdu.power_offset_ss_db) / 20.0);
        let scale = 1.0 / (looks * boost);
        for l in (0..14).filter(|l| plan.symbols() >> l & 1 == 1) {
            for rx in 0..n_rx {
                let (row, h) = (grid.symbol(rx, l), &mut out.h);
                plan.for_elements(slot, l, &mut self.sequence, |e| {
                    let y = finite(row[e.subcarrier]) * e.r.conj() * scale;
                    let first = if n_ports == 1 { 0 } else { e.group * size };
                    let at = (e.rb * n_rx + rx) * n_ports + first;
                    for (s, h) in h[at..at + size].iter_mut().enumerate() {
                        *h += y * f32::from(cdm_sign(s as u8, e.k, e.l));
                    }
                });
            }
        }
        self.smooth(out, looks * boost * boost, usize::from(pdu.density_x2 == 1) * 12 + 12, slot);
        Ok(())
    }

    /// Smooths over RBs along the common delay; power, noise and delay on the way. An estimate has the noise of an element over `gain`.
    fn smooth(&mut self, out: &mut CsiRsChannel, gain: f32, spacing: usize, slot: SlotPoint) {
        let pairs = out.n_rx * out.n_ports;
        let mut stats = Stats::default();
        let column = |h: &[Cf32], pair: usize, into: &mut Vec<Cf32>| {
            into.clear();
            into.extend(h.iter().skip(pair).step_by(pairs.max(1)));
        };
        for pair in 0..pairs {
            column(&out.h, pair, &mut self.pilots);
            stats.add(self.isa, &self.pilots);
        }
        let slope = stats.slope();
        let (mut sum, mut count) = (0.0, 0.0);
        for pair in 0..pairs {
            column(&out.h, pair, &mut self.pilots);
            flatten(&self.pilots, slope, &mut self.flat);
            let (s, c) = noise_by_differences(&self.flat);
            (sum, count) = (sum + s, count + c);
            let power: f32 = self.flat.iter().map(|z| z.norm_sqr()).sum::<f32>() / self.flat.len().max(1) as f32;
            out.rsrp[pair % out.n_ports] += power / out.n_rx as f32;
            for rb in 0..self.flat.len() {
                let near = &self.flat[rb.saturating_sub(1)..(rb + 2).min(self.flat.len())];
                let mean = (near.iter().sum::<Cf32>() + self.flat[rb]) / (near.len() as f32 + 1.0);
                let turn = dsp::unit_phasor(slope * rb as f64);
                out.h[rb * pairs + pair] = mean * Cf32::new(turn.re as f32, turn.im as f32);
            }
        }
        let per_estimate = if count > 0.0 { (sum / count) as f32 } else { 0.0 };
        out.rsrp[..out.n_ports].iter_mut().for_each(|p| *p = (*p - per_estimate).max(0.0));
        out.noise_var = (per_estimate * gain).max(f32::MIN_POSITIVE);
        out.noise_gain = SMOOTHED / gain.max(f32::MIN_POSITIVE);
        out.delay_s = -slope / (spacing as f64 * f64::from(slot.numerology().scs_hz()));
    }

    /// Measures interference in the elements of a CSI-IM resource at every port (antenna) of `grid`.
    ///
    /// Spec: TS 38.214 §5.2.2.4. Errors: a pattern, place or RBs that do not exist. Elements that are no number count as zero.
    pub fn interference(&self, im: &CsiImResource, grid: &Grid) -> Result<Interference, ChannelError> {
        let (mask, first, n_l) = csi_im(im.pattern, im.k, im.l)
            .ok_or(ChannelError::Invalid("CSI-IM pattern or place (TS 38.214 §5.2.2.4)"))?;
        let n_rx = grid.n_ports().min(RX_MAX);
        let mut out = Interference { n_rx, power: [0.0; RX_MAX], covariance: [[Cf32::default(); RX_MAX]; RX_MAX] };
        let mut n = 0.0f32;
        for l in first..first + n_l {
            for k in im.start_rb..im.start_rb.saturating_add(im.n_rb) {
                let at = 12 * usize::from(k);
                if at + 12 > grid.n_subcarriers() {
                    return Err(ChannelError::Invalid("CSI-IM outside the carrier"));
                }
                for k in (0..12).filter(|k| mask >> k & 1 == 1) {
                    let y = |rx: usize| finite(grid.symbol(rx, usize::from(l))[at + k]);
                    for a in 0..n_rx {
                        for b in 0..=a {
                            out.covariance[a][b] += y(a) * y(b).conj();
                        }
                    }
                    n += 1.0;
                }
            }
        }
        for a in 0..n_rx {
            for b in 0..=a {
                out.covariance[a][b] /= n.max(1.0);
                out.covariance[b][a] = out.covariance[a][b].conj();
            }
            out.power[a] = out.covariance[a][a].re;
        }
        Ok(out)
    }
}

/// Takes the phase slope, turns from pilot to pilot, out.
fn flatten(pilots: &[Cf32], slope: f64, flat: &mut Vec<Cf32>) {
    flat.clear();
    for (i, h) in pilots.iter().enumerate() {
        let p = dsp::unit_phasor(-slope * i as f64);
        flat.push(h * Cf32::new(p.re as f32, p.im as f32));
    }
}
