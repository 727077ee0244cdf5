//! The detector of PRACH: all 64 preambles of an occasion.
//!
//! Repetitions are summed, transformed, and correlated with every root in frequency. The delay profile of a root is cut into
//! the zones of its cyclic shifts; a peak above what noise and the other preambles reach is a preamble, its place the delay.

use super::{N_PREAMBLES, PrachGeometry, sequence};
use crate::estimate::{ChannelError, RX_MAX};
use dsp::fft::{Direction, Plan};
use dsp::{Cf32, Isa};
use fapi::{CellConfig, PrachOccasion};
use nr::SlotPoint;
use ofdm::Carrier;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Probability of a false alarm in an occasion.
const FALSE_ALARM: f64 = 3e-4;
/// A preamble must reach this part of the strongest of its root: weaker peaks may be images through a frequency offset.
const DYNAMIC: f32 = 0.05;
/// Highest command of a random access response. Spec: TS 38.213 §4.2
const TIMING_ADVANCE_MAX: f64 = 3846.0;

/// A preamble that was heard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Detection {
    /// Preamble index 0..=63.
    pub preamble: u8,
    /// Delay against the start of the occasion at the receiver, seconds.
    pub delay_s: f64,
    /// Timing advance command T_A that takes the delay away, 0..=3846.
    pub timing_advance: u16,
    /// SNR a subcarrier of the preamble and antenna, dB.
    pub snr_db: f32,
    /// Power of the preamble over all its subcarriers, mean over antennas, in the units of the samples squared.
    pub power: f32,
}

/// Detects preambles. Nothing is allocated in a call.
pub struct PrachReceiver {
    isa: Isa,
    geometry: PrachGeometry,
    forward: Plan,
    inverse: Plan,
    scratch: Vec<Cf32>,
    summed: Vec<Cf32>,
    /// Spectra y_u(k) / sqrt(L) of the roots in use: `[root][k]`.
    roots: Vec<Cf32>,
    /// Received subcarriers: `[rx][k]`.
    received: Vec<Cf32>,
    product: Vec<Cf32>,
    profile: Vec<f32>,
    threshold: [f32; RX_MAX],
}

impl PrachReceiver {
    /// For the cell's random access configuration on an uplink carrier sampled as `carrier` says.
    ///
    /// Errors: as [`PrachGeometry::new`].
    pub fn new(isa: Isa, cell: &CellConfig, carrier: Carrier) -> Result<PrachReceiver, ChannelError> {
        let geometry = PrachGeometry::new(cell, carrier)?;
        let n = geometry.sequence_len();
        let l = geometry.l_ra();
        let unsupported = |_| ChannelError::Unsupported { clause: "TS 38.211 §5.3.2: sampling rate" };
        let forward = Plan::unitary(n, Direction::Forward, isa).map_err(unsupported)?;
        let n_profile = if l == 839 { 2048 } else { 512 };
        let scale = 1.0 / libm::sqrtf(l as f32);
        let inverse = Plan::with_scale(n_profile, Direction::Inverse, isa, scale).map_err(unsupported)?;
        let n_roots = geometry.n_roots();
        let mut roots = vec![ZERO; n_roots * l];
        for (i, spectrum) in roots.chunks_exact_mut(l).enumerate() {
            let idx = (i * geometry.shifts_per_root()).min(N_PREAMBLES - 1) as u8;
            sequence(geometry.preamble(idx).u, spectrum);
        }
        let threshold = core::array::from_fn(|i| threshold(i + 1, n_roots * l));
        Ok(PrachReceiver {
            isa,
            scratch: vec![ZERO; forward.scratch_len().max(inverse.scratch_len())],
            forward,
            summed: vec![ZERO; n],
            roots,
            received: vec![ZERO; RX_MAX * l],
            product: vec![ZERO; n_profile],
            profile: vec![0.0; n_profile],
            inverse,
            threshold,
            geometry,
        })
    }

    /// Where occasions lie.
    pub fn geometry(&self) -> &PrachGeometry {
        &self.geometry
    }

    /// Finds the preambles of one occasion.
    ///
    /// Spec: TS 38.211 §6.3.3, TS 38.213 §4.2
    /// - `samples` of each antenna, from [`PrachGeometry::start_sample`] of `slot` on, at least the window's length
    /// - `found`   called for each preamble, in the order of their indices
    ///
    /// False alarm on noise: 0.03 % an occasion. Delays reach from a little before the start to the zone N_CS allows, and not
    /// beyond the prefix. Errors: `Invalid` if samples or antennas do not fit.
    pub fn detect(
        &mut self,
        samples: &[&[Cf32]],
        slot: SlotPoint,
        occasion: &PrachOccasion,
        mut found: impl FnMut(Detection),
    ) -> Result<(), ChannelError> {
        let window = self.geometry.window(slot, occasion);
        let n_rx = samples.len();
        if !(1..=RX_MAX).contains(&n_rx) || samples.iter().any(|s| s.len() < window.len()) {
            return Err(ChannelError::Invalid("samples of the PRACH occasion"));
        }
        if occasion.f_id as usize >= self.geometry.n_fdm() {
            return Err(ChannelError::Invalid("frequency occasion"));
        }
        let l = self.geometry.l_ra();
        let reps = window.n_repetitions;
        let n = window.sequence_len;
        let first = self.geometry.first_bin(occasion.f_id);
        // Repetitions add in amplitude, their noise in power: keep that of one.
        let gain = 1.0 / libm::sqrtf(reps as f32);
        for (rx, samples) in samples.iter().enumerate() {
            self.summed.copy_from_slice(&samples[window.cp_len..window.cp_len + n]);
            for rep in samples[window.cp_len..window.len()].chunks_exact(n).skip(1) {
                dsp::vector::add_assign(self.isa, &mut self.summed, rep);
            }
            self.forward.process(&mut self.summed, &mut self.scratch);
            for (k, y) in self.received[rx * l..(rx + 1) * l].iter_mut().enumerate() {
                *y = self.summed[(first + k) % n] * gain;
            }
        }
        let max_delay_s = window.cp_len as f64 / self.geometry.carrier().sample_rate_hz() as f64;
        for root_idx in 0..self.geometry.n_roots() {
            self.delay_profile(root_idx, n_rx);
            self.search(root_idx, n_rx, reps, max_delay_s, &mut found);
        }
        Ok(())
    }

    /// Energy by delay for one root, summed over antennas.
    fn delay_profile(&mut self, root_idx: usize, n_rx: usize) {
        let l = self.geometry.l_ra();
        let root = &self.roots[root_idx * l..(root_idx + 1) * l];
        self.profile.fill(0.0);
        for rx in 0..n_rx {
            self.product.fill(ZERO);
            let received = &self.received[rx * l..(rx + 1) * l];
            dsp::vector::mul_conj(self.isa, received, root, &mut self.product[..l]);
            self.inverse.process(&mut self.product, &mut self.scratch);
            for (p, z) in self.profile.iter_mut().zip(&self.product) {
                *p += z.norm_sqr();
            }
        }
    }

    fn search(&self, root_idx: usize, n_rx: usize, reps: usize, max_delay_s: f64, found: &mut impl FnMut(Detection)) {
        let g = &self.geometry;
        let l = g.l_ra();
        let n = self.profile.len();
        let noise = trimmed_mean(&self.profile);
        let (top, strongest) =
            self.profile.iter().copied().enumerate().fold((0, 0.0f32), |a, b| if b.1 > a.1 { b } else { a });
        // Cells of the profile in one element of the sequence.
        let cells = n as f64 / l as f64;
        let zone = if g.n_cs() == 0 { l } else { g.n_cs() } as f64;
        // A UE may be a little early; zones are shifted by as much.
        let early = if zone <= 8.0 {
            0.5
        } else if l == 839 {
            0.75
        } else {
            2.0
        };
        let element_s = 1.0 / (l as f64 * g.scs_hz() as f64);
        let longest = (max_delay_s / element_s).min(zone - early);
        let per_root = g.shifts_per_root();
        for v in 0..per_root {
            let idx = root_idx * per_root + v;
            if idx >= N_PREAMBLES {
                return;
            }
            // x(n + C_v) is the sequence early by C_v.
            let origin = (l - v * g.n_cs()) % l;
            let start = libm::ceil((origin as f64 - early) * cells) as i64;
            let end = libm::floor((origin as f64 + longest) * cells) as i64;
            let at = |i: i64| self.profile[i.rem_euclid(n as i64) as usize];
            let Some(peak) = (start..end).max_by(|a, b| at(*a).total_cmp(&at(*b))) else { continue };
            let power = at(peak);
            // Side lobes of the strongest peak fall as 1 / (pi d)^2 at d elements.
            let apart = (peak - top as i64).rem_euclid(n as i64);
            let d = core::f64::consts::PI * apart.min(n as i64 - apart) as f64 / cells;
            let lobe = strongest * (2.0 / (d * d)).min(1.0) as f32;
            let above = power > self.threshold[n_rx - 1] * noise && power >= lobe.max(DYNAMIC * strongest);
            // A peak at the edge that still rises outside belongs to the neighbour.
            if !above || at(peak - 1) > power || at(peak + 1) > power {
                continue;
            }
            let delay_s =
                (peak as f64 + vertex(at(peak - 1), power, at(peak + 1)) - origin as f64 * cells) / cells * element_s;
            let per_antenna = (power / n_rx as f32 - noise / n_rx as f32).max(0.0);
            let gain = (l * reps) as f32;
            let snr = per_antenna / gain / (noise / n_rx as f32).max(1e-30);
            found(Detection {
                preamble: idx as u8,
                delay_s,
                timing_advance: libm::round(delay_s / g.timing_advance_step_s()).clamp(0.0, TIMING_ADVANCE_MAX) as u16,
                snr_db: 10.0 * libm::log10f(snr.max(1e-6)),
                // A unitary transform of N samples of power P in L bins: N P / L in each.
                power: per_antenna / gain * l as f32 / g.sequence_len() as f32,
            });
        }
    }
}

/// Mean of a profile without its peaks.
fn trimmed_mean(profile: &[f32]) -> f32 {
    let mut limit = f32::INFINITY;
    let mut mean = 0.0;
    for _ in 0..4 {
        let (sum, n) =
            profile.iter().filter(|p| **p < limit).fold((0.0f64, 0u32), |(s, n), p| (s + f64::from(*p), n + 1));
        if n == 0 {
            break;
        }
        mean = (sum / f64::from(n)) as f32;
        limit = 6.0 * mean;
    }
    mean.max(1e-30)
}

/// Where a parabola through three values at -1, 0, 1 has its top, -0.5..=0.5.
fn vertex(before: f32, at: f32, after: f32) -> f64 {
    let curvature = f64::from(before) - 2.0 * f64::from(at) + f64::from(after);
    if curvature < 0.0 { (0.5 * (f64::from(before) - f64::from(after)) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}

/// Power over the mean (of one sum over `n_rx` antennas) that noise exceeds in one of `n_cells` cells with [`FALSE_ALARM`].
fn threshold(n_rx: usize, n_cells: usize) -> f32 {
    // Oversampling finds peaks between cells: as if there were 1.7 times as many.
    let target = FALSE_ALARM / (1.7 * n_cells as f64);
    // Tail of a gamma variable of whole shape: exp(-t) sum t^i / i!
    let tail = |t: f64| {
        let (mut term, mut sum) = (1.0, 1.0);
        for i in 1..n_rx {
            term *= t / i as f64;
            sum += term;
        }
        libm::exp(-t) * sum
    };
    let (mut low, mut high) = (1.0, 100.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if tail(middle) > target {
            low = middle;
        } else {
            high = middle;
        }
    }
    // The trimmed mean of the noise lies a little below its mean.
    (1.04 * high / n_rx as f64) as f32
}
