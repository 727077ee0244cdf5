//! The detector of PRACH: all 64 preambles of an occasion.
//!
//! Repetitions are summed, transformed, and correlated with every root in frequency. The delay profile of a root is cut into
//! the zones of its cyclic shifts; a peak above what noise and the other preambles reach is a preamble, its place the delay.
//!
//! A frequency offset that turns the preamble by a good part of a turn from end to end would undo the sum. Where such are to be
//! expected ([`PrachReceiver::with_offset`]) the samples are turned back by several offsets in their range before they are summed, and
//! each cell of a profile is the strongest of all. In restricted sets, which are for such cells, an offset by whole subcarriers moves the
//! peak to one of the places that the set keeps free (the strongest of them counts), and half a subcarrier is tried too.

use super::{PrachGeometry, RX_MAX, RootId, sequence};
use crate::estimate::ChannelError;
use crate::modulation::multiversion;
use dsp::fft::{Direction, Plan};
use dsp::mix::Nco;
use dsp::{Cf32, Isa, unit_phasor};
use fapi::{CellConfig, PrachOccasion};
use nr::SlotPoint;
use ofdm::Carrier;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Probability of a false alarm in an occasion.
const FALSE_ALARM: f64 = 3e-4;
/// A preamble must reach this part of the strongest of its root: weaker peaks may be images through a frequency offset.
const DYNAMIC: f32 = 0.05;
/// The same where one of several offsets that are tried is wrong by so much that it leaks two subcarriers away.
const DYNAMIC_LEAKS: f32 = 0.12;
/// A preamble of another root leaves 1/L_RA of its power in a profile; what is not this many times more may be that.
const CROSS: f32 = 4.0;
/// The same where several offsets are tried.
const CROSS_OFFSETS: f32 = 8.0;
/// The same in restricted sets, where the strongest of several places counts.
const CROSS_RESTRICTED: f32 = 16.0;
/// Turns of a preamble from end to end between two offsets that are tried: half as many cost 0.5 dB.
const TURNS_APART: f64 = 0.36;
/// Most offsets that are tried.
const OFFSETS_MAX: usize = 16;
/// Where several offsets are tried, one of them is wrong by up to half a subcarrier of a long preamble, of which a part this large
/// appears d_u further on.
const IMAGE: f32 = 0.6;
/// Most repetitions of a long preamble.
const REPETITIONS_LONG_MAX: usize = 4;
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
    /// Frequency offsets that are tried, turns a sample.
    offsets: Vec<f64>,
    /// Received subcarriers: `[offset][row][k]`, a row for an antenna, in restricted sets for each of its repetitions.
    received: Vec<Cf32>,
    n_rows_max: usize,
    product: Vec<Cf32>,
    profile: Vec<f32>,
    /// The strongest of all offsets, and of the places to which they move a peak (restricted sets).
    combined: Vec<f32>,
    places: Vec<f32>,
    /// Mean of a profile without its peaks.
    noise: f32,
    /// By the number of profiles that are added, from one.
    threshold: Vec<f32>,
}

impl PrachReceiver {
    /// For the cell's random access configuration on an uplink carrier sampled as `carrier` says.
    ///
    /// Errors: as [`PrachGeometry::new`].
    pub fn new(isa: Isa, cell: &CellConfig, carrier: Carrier) -> Result<PrachReceiver, ChannelError> {
        Self::with_offset(isa, cell, carrier, 0.0)
    }

    /// As [`PrachReceiver::new`], in a cell whose terminals are heard up to `offset_hz` off in frequency to either side.
    ///
    /// Work grows with the offset times the preamble's length; sets that are restricted need none to be told. Errors: as
    /// [`PrachGeometry::new`]; `Invalid` for an offset that is no number or beyond half a subcarrier of the preamble.
    pub fn with_offset(
        isa: Isa,
        cell: &CellConfig,
        carrier: Carrier,
        offset_hz: f64,
    ) -> Result<PrachReceiver, ChannelError> {
        let geometry = PrachGeometry::new(cell, carrier)?;
        let n = geometry.sequence_len();
        let l = geometry.l_ra();
        let offsets = offsets(&geometry, offset_hz)?;
        let unsupported = |_| ChannelError::Unsupported { clause: "TS 38.211 §5.3.2: sampling rate" };
        let forward = Plan::unitary(n, Direction::Forward, isa).map_err(unsupported)?;
        let n_profile = if l == 839 { 2048 } else { 512 };
        let scale = 1.0 / libm::sqrtf(l as f32);
        let inverse = Plan::with_scale(n_profile, Direction::Inverse, isa, scale).map_err(unsupported)?;
        let n_roots = geometry.roots().len();
        let mut roots = vec![ZERO; n_roots * l];
        for (id, spectrum) in geometry.roots().iter().zip(roots.chunks_exact_mut(l)) {
            sequence(id.u, spectrum);
        }
        // A large offset turns repetitions against one another: in restricted sets their profiles are added, not they.
        let n_rows_max = if geometry.n_images() > 0 { RX_MAX * REPETITIONS_LONG_MAX } else { RX_MAX };
        let n_cells = n_roots * l * offsets.len();
        let threshold = (1..=n_rows_max).map(|n_rows| threshold(n_rows, n_cells)).collect();
        Ok(PrachReceiver {
            isa,
            scratch: vec![ZERO; forward.scratch_len().max(inverse.scratch_len())],
            forward,
            summed: vec![ZERO; n],
            roots,
            received: vec![ZERO; offsets.len() * n_rows_max * l],
            n_rows_max,
            product: vec![ZERO; n_profile],
            profile: vec![0.0; n_profile],
            combined: vec![0.0; n_profile],
            places: vec![0.0; n_profile],
            noise: 1e-30,
            inverse,
            threshold,
            offsets,
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
        // Repetitions add in amplitude, their noise in power: keep that of one.
        let apart = self.geometry.n_images() > 0;
        let (coherent, n_rows) = if apart { (1, n_rx * reps) } else { (reps, n_rx) };
        for i in 0..self.offsets.len() {
            for row in 0..n_rows {
                let (rx, rep) = if apart { (row / reps, row % reps) } else { (row, 0) };
                let useful = &samples[rx][window.cp_len + rep * window.sequence_len..window.len()];
                self.receive(i, row, useful, coherent, occasion.f_id);
            }
        }
        let max_delay_s = window.cp_len as f64 / self.geometry.carrier().sample_rate_hz() as f64;
        // First which roots have something, and the strongest of all; mostly that is the end of it.
        let (mut hit, mut most) = (0u64, 0.0f32);
        for root_idx in 0..self.geometry.roots().len() {
            let (strongest, threshold) = self.prepare(root_idx, n_rows);
            hit |= u64::from(strongest > threshold) << root_idx;
            most = most.max(strongest);
        }
        let cross = match (apart, self.offsets.len()) {
            (true, _) => CROSS_RESTRICTED,
            (_, 2..) => CROSS_OFFSETS,
            _ => CROSS,
        };
        let cross = most * cross / l as f32;
        for root_idx in (0..self.geometry.roots().len()).filter(|i| hit >> i & 1 == 1) {
            self.prepare(root_idx, n_rows);
            let root = self.geometry.roots()[root_idx];
            self.search(&root, n_rows, coherent, max_delay_s, cross, &mut found);
        }
        Ok(())
    }

    /// The preamble's subcarriers in the sum of the first `coherent` repetitions of `useful`, turned back by offset `i`.
    fn receive(&mut self, i: usize, row: usize, useful: &[Cf32], coherent: usize, f_id: u8) {
        let (n, l) = (self.summed.len(), self.geometry.l_ra());
        let turns = self.offsets[i];
        self.summed.copy_from_slice(&useful[..n]);
        for (rep, samples) in useful.chunks_exact(n).take(coherent).enumerate().skip(1) {
            if turns == 0.0 {
                dsp::vector::add_assign(self.isa, &mut self.summed, samples);
            } else {
                let z = unit_phasor(-turns * (rep * n) as f64);
                let back = Cf32::new(z.re as f32, z.im as f32);
                dsp::vector::add_scaled(self.isa, &mut self.summed, samples, back);
            }
        }
        if turns != 0.0 {
            Nco::new(-turns).mix(self.isa, &mut self.summed);
        }
        self.forward.process(&mut self.summed, &mut self.scratch);
        let first = self.geometry.first_bin(f_id);
        let gain = 1.0 / libm::sqrtf(coherent as f32);
        let at = (i * self.n_rows_max + row) * l;
        for (k, y) in self.received[at..at + l].iter_mut().enumerate() {
            *y = self.summed[(first + k) % n] * gain;
        }
    }

    /// Fills `combined` and `noise` for a root; its strongest cell, and the threshold.
    fn prepare(&mut self, root_idx: usize, n_rows: usize) -> (f32, f32) {
        let n_offsets = self.offsets.len();
        let mut noise = 0.0;
        for i in 0..n_offsets {
            self.delay_profile(root_idx, i, n_rows);
            noise += trimmed_mean(self.isa, &self.profile);
            if i == 0 {
                core::mem::swap(&mut self.profile, &mut self.combined);
            } else {
                stronger(self.isa, &mut self.combined, &self.profile);
            }
        }
        self.noise = noise / n_offsets as f32;
        let images = self.geometry.n_images();
        if images > 0 {
            let root = self.geometry.roots()[root_idx];
            let n = self.combined.len();
            self.places.copy_from_slice(&self.combined);
            for k in (-images..=images).filter(|k| *k != 0) {
                let at = image(k, &root, n, self.geometry.l_ra());
                stronger(self.isa, &mut self.places[..n - at], &self.combined[at..]);
                stronger(self.isa, &mut self.places[n - at..], &self.combined[..at]);
            }
            core::mem::swap(&mut self.places, &mut self.combined);
        }
        (strongest_of(self.isa, &self.combined), self.threshold[n_rows - 1] * self.noise)
    }

    /// Energy by delay for one root and one offset, summed over antennas.
    fn delay_profile(&mut self, root_idx: usize, offset_idx: usize, n_rows: usize) {
        let l = self.geometry.l_ra();
        let root = &self.roots[root_idx * l..(root_idx + 1) * l];
        self.profile.fill(0.0);
        for row in 0..n_rows {
            self.product.fill(ZERO);
            let received = &self.received[(offset_idx * self.n_rows_max + row) * l..][..l];
            dsp::vector::mul_conj(self.isa, received, root, &mut self.product[..l]);
            self.inverse.process(&mut self.product, &mut self.scratch);
            for (p, z) in self.profile.iter_mut().zip(&self.product) {
                *p += z.norm_sqr();
            }
        }
    }

    fn search(
        &self,
        root: &RootId,
        n_rows: usize,
        reps: usize,
        max_delay_s: f64,
        cross: f32,
        found: &mut impl FnMut(Detection),
    ) {
        let g = &self.geometry;
        let l = g.l_ra();
        let profile = &self.combined;
        let n = profile.len();
        let noise = self.noise;
        let strongest = strongest_of(self.isa, profile);
        let threshold = self.threshold[n_rows - 1] * noise;
        let top = profile.iter().position(|p| *p == strongest).unwrap_or(0);
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
        for idx in root.first..root.first + root.n {
            // x(n + C_v) is the sequence early by C_v.
            let origin = (l - g.preamble(idx).shift as usize) % l;
            let start = libm::ceil((origin as f64 - early) * cells) as i64;
            let end = libm::floor((origin as f64 + longest) * cells) as i64;
            let at = |i: i64| profile[i.rem_euclid(n as i64) as usize];
            let Some(peak) = (start..end).max_by(|a, b| at(*a).total_cmp(&at(*b))) else { continue };
            let power = at(peak);
            // Side lobes of the strongest peak, and of its images, fall as 1 / (pi d)^2 at d elements.
            let images = if g.n_images() > 0 { 2 * g.n_images() + 1 } else { 0 };
            let apart = (-images..=images)
                .map(|k| (peak - top as i64 + image(k, root, n, l) as i64).rem_euclid(n as i64))
                .map(|apart| apart.min(n as i64 - apart))
                .min()
                .unwrap_or(0);
            let d = core::f64::consts::PI * apart as f64 / cells;
            // Where images are, the peak itself may be one cell off the strongest one's image, or there is what the other offset leaves.
            let leaks = l == 839 && self.offsets.len() > 1;
            let dynamic = if leaks { DYNAMIC_LEAKS } else { DYNAMIC };
            let own = images > 0 && apart <= 2;
            let mut lobe = strongest * if own { IMAGE } else { (2.0 / (d * d)).min(1.0) as f32 };
            if images == 0 && leaks {
                let d_u = image(1, root, n, l) as i64;
                let away = (peak - top as i64).rem_euclid(n as i64);
                if [d_u, n as i64 - d_u].iter().any(|d| (away - d).abs() as f64 <= 1.5 * cells) {
                    lobe = lobe.max(IMAGE * strongest);
                }
            }
            let above = power > threshold && power >= lobe.max(dynamic * strongest).max(cross);
            // A peak at the edge that still rises outside belongs to the neighbour.
            if !above || at(peak - 1) > power || at(peak + 1) > power {
                continue;
            }
            let delay_s =
                (peak as f64 + vertex(at(peak - 1), power, at(peak + 1)) - origin as f64 * cells) / cells * element_s;
            let per_antenna = (power / n_rows as f32 - noise / n_rows as f32).max(0.0);
            let gain = (l * reps) as f32;
            let noise_one = noise / n_rows as f32;
            let snr = per_antenna / gain / noise_one.max(1e-30);
            found(Detection {
                preamble: idx,
                delay_s,
                timing_advance: libm::round(delay_s / g.timing_advance_step_s()).clamp(0.0, TIMING_ADVANCE_MAX) as u16,
                snr_db: 10.0 * libm::log10f(snr.max(1e-6)),
                // A unitary transform of N samples of power P in L bins: N P / L in each.
                power: per_antenna / gain * l as f32 / g.sequence_len() as f32,
            });
        }
    }
}

/// Offsets to try, turns a sample: none, half a subcarrier in restricted sets, or as many as `offset_hz` to either side asks for.
fn offsets(geometry: &PrachGeometry, offset_hz: f64) -> Result<Vec<f64>, ChannelError> {
    let subcarrier = 1.0 / geometry.sequence_len() as f64;
    if geometry.n_images() > 0 {
        return Ok(vec![0.0, 0.5 * subcarrier]);
    }
    let subcarriers = offset_hz / geometry.scs_hz() as f64;
    if !(0.0..=0.5).contains(&subcarriers) {
        return Err(ChannelError::Invalid("frequency offset of PRACH beyond half a subcarrier (TS 38.211 §6.3.3.1)"));
    }
    let format = geometry.configuration().format;
    let reps = format.preamble(geometry.carrier().numerology()).n_repetitions;
    let n = (2.0 * subcarriers * f64::from(reps) / TURNS_APART).ceil().clamp(1.0, OFFSETS_MAX as f64) as usize;
    let at = |i: usize| (2 * i + 1) as f64 / n as f64 - 1.0;
    Ok((0..n).map(|i| at(i) * subcarriers * subcarrier).collect())
}

/// Cells by which the `k`-th image of a root's peaks lies further on in a profile of `n` cells.
fn image(k: i64, root: &RootId, n: usize, l: usize) -> usize {
    let cells = libm::round((k * root.d_u as i64) as f64 * n as f64 / l as f64) as i64;
    cells.rem_euclid(n as i64) as usize
}

/// Lanes of sums over a profile: the same order of operations for every instruction set.
const LANES: usize = 16;

/// Sum and number of what lies below `limit`.
#[inline(always)]
fn below_body(profile: &[f32], limit: f32) -> (f32, f32) {
    let (mut sum, mut count) = ([0.0f32; LANES], [0.0f32; LANES]);
    for chunk in profile.chunks_exact(LANES) {
        for i in 0..LANES {
            let p = chunk[i];
            let inside = p < limit;
            sum[i] += if inside { p } else { 0.0 };
            count[i] += if inside { 1.0 } else { 0.0 };
        }
    }
    (sum.iter().sum(), count.iter().sum())
}

#[inline(always)]
fn strongest_body(profile: &[f32]) -> f32 {
    let mut most = [0.0f32; LANES];
    for chunk in profile.chunks_exact(LANES) {
        for (m, p) in most.iter_mut().zip(chunk) {
            *m = if *p > *m { *p } else { *m };
        }
    }
    most.iter().fold(0.0, |a, b| if *b > a { *b } else { a })
}

#[inline(always)]
fn stronger_body(cells: &mut [f32], other: &[f32]) {
    for (c, p) in cells.iter_mut().zip(other) {
        *c = if *p > *c { *p } else { *c };
    }
}

multiversion! {
    /// Keeps the stronger of two profiles in each cell.
    fn stronger(cells: &mut [f32], other: &[f32]) = stronger_body
}

multiversion! {
    /// Sum and number of what lies below `limit`; the length is a multiple of 16.
    fn below(profile: &[f32], limit: f32) -> (f32, f32) = below_body
}

multiversion! {
    /// The largest value; the length is a multiple of 16.
    fn strongest_of(profile: &[f32]) -> f32 = strongest_body
}

/// Mean of a profile without its peaks.
fn trimmed_mean(isa: Isa, profile: &[f32]) -> f32 {
    let mut limit = f32::INFINITY;
    let mut mean = 0.0;
    for _ in 0..3 {
        let (sum, n) = below(isa, profile, limit);
        if n == 0.0 {
            break;
        }
        mean = sum / n;
        limit = 6.0 * mean;
    }
    mean.max(1e-30)
}

/// Where a parabola through three values at -1, 0, 1 has its top, -0.5..=0.5.
fn vertex(before: f32, at: f32, after: f32) -> f64 {
    let curvature = f64::from(before) - 2.0 * f64::from(at) + f64::from(after);
    if curvature < 0.0 { (0.5 * (f64::from(before) - f64::from(after)) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}

/// Power over the mean (of a sum over `n_rx` antennas or repetitions) that noise exceeds in one of `n_cells` cells with [`FALSE_ALARM`].
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
