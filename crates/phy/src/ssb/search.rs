//! Search for primary synchronisation signals anywhere in a wide capture.
//!
//! The capture is transformed block by block. For each place in the band a window of 1024 bins around it, which is the capture
//! mixed, filtered and decimated to 256 samples a symbol, is multiplied by the conjugate spectrum of each of the three signals and
//! transformed back: overlap-save at the low rate. One forward transform serves every place and every frequency hypothesis.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | N | `n` | points of the forward transform; bins are a quarter subcarrier |
//! | M | `WINDOW` | bins of a window, points of the inverse transforms |
//! | c(t) | | correlation at lag t, in samples of 256 a symbol |
//! | E(t) | | energy in the signal's band under the replica |
//!
//! The metric |c|^2 / (E E_PSS) lies in 0..=1: SNR/(1 + SNR) where a block is, and above x with probability (1 - x)^126 where only noise is.
//!
//! Spec: TS 38.211 §7.4.2.2

use super::sync::{SYNC_LEN, pss};
use dsp::fft::Plan;
use dsp::{Cf32, Direction, Isa};
use nr::Numerology;

/// Bins of a window.
const WINDOW: usize = 1024;
/// Samples a symbol after decimation.
const SYMBOL: usize = 256;
/// Valid lags of a window.
const LAGS: usize = WINDOW - SYMBOL;
/// Bins on either side of the centre that the signal takes: 63.5 subcarriers of four bins.
const HALF_BAND: usize = 256;
/// Metric below which nothing is looked at: noise reaches it once in 10^5 lags.
pub const METRIC_MIN: f32 = 0.09;

/// A place where a primary synchronisation signal may be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PssPeak {
    /// First sample of the signal's useful part (after its cyclic prefix), in samples of the capture, within 1/512 of a symbol.
    pub sample: i64,
    /// N_ID^(2).
    pub n_id_2: u8,
    /// Index of the place in the list that was searched.
    pub place: usize,
    /// Centre of the block over the capture's centre at which it correlated best, Hz: within an eighth of a subcarrier.
    pub offset_hz: f64,
    /// |c|^2 / (E E_PSS), 0..=1.
    pub metric: f32,
    /// Mean power of the signal under the replica, as in the capture.
    pub power: f32,
}

/// The best peaks of a search, best first; of several within a symbol at one place only the best is kept.
#[derive(Clone, Debug)]
pub struct PssPeaks {
    peaks: Vec<PssPeak>,
    capacity: usize,
}

impl PssPeaks {
    /// For at most `capacity` peaks.
    pub fn new(capacity: usize) -> Self {
        Self { peaks: Vec::with_capacity(capacity + 1), capacity }
    }
    /// Forgets them.
    pub fn clear(&mut self) {
        self.peaks.clear();
    }
    /// Best first.
    pub fn as_slice(&self) -> &[PssPeak] {
        &self.peaks
    }
    fn worst(&self) -> f32 {
        if self.peaks.len() < self.capacity { METRIC_MIN } else { self.peaks.last().map_or(METRIC_MIN, |p| p.metric) }
    }
    fn push(&mut self, peak: PssPeak, apart: i64, apart_hz: f64) {
        let near =
            |p: &PssPeak| (p.sample - peak.sample).abs() < apart && (p.offset_hz - peak.offset_hz).abs() < apart_hz;
        if let Some(i) = self.peaks.iter().position(near) {
            if self.peaks[i].metric >= peak.metric {
                return;
            }
            self.peaks.remove(i);
        }
        let at = self.peaks.partition_point(|p| p.metric >= peak.metric);
        self.peaks.insert(at, peak);
        self.peaks.truncate(self.capacity);
    }
}

/// Finds primary synchronisation signals of one subcarrier spacing in captures of one rate.
pub struct PssSearcher {
    rate_hz: f64,
    scs_hz: f64,
    isa: Isa,
    /// Samples of the capture for one after decimation.
    decimation: usize,
    forward: Plan,
    inverse: Plan,
    /// Conjugate spectra of the three signals, bin 0 first, as they multiply a window.
    replicas: [Vec<Cf32>; 3],
    spectrum: Vec<Cf32>,
    scratch: Vec<Cf32>,
    window: Vec<Cf32>,
    band: Vec<Cf32>,
    energy: Vec<f32>,
    sums: Vec<f64>,
}

impl PssSearcher {
    /// For captures of `rate_hz`; `None` unless that is a whole multiple of 256 subcarriers that a transform exists for.
    pub fn new(rate_hz: f64, numerology: Numerology, isa: Isa) -> Option<PssSearcher> {
        let scs_hz = f64::from(numerology.scs_hz());
        let ratio = rate_hz / (SYMBOL as f64 * scs_hz);
        let decimation = libm::round(ratio) as usize;
        if !(1..=64).contains(&decimation) || (ratio - decimation as f64).abs() > 1e-9 {
            return None;
        }
        let n = WINDOW * decimation;
        let forward = Plan::unitary(n, Direction::Forward, isa).ok()?;
        let inverse = Plan::unitary(WINDOW, Direction::Inverse, isa).ok()?;
        let scratch_len = forward.scratch_len().max(inverse.scratch_len());
        let zeros = |len| vec![Cf32::default(); len];
        Some(PssSearcher {
            rate_hz,
            scs_hz,
            isa,
            decimation,
            forward,
            inverse,
            replicas: core::array::from_fn(|n_id_2| replica(n_id_2 as u16)),
            spectrum: zeros(n),
            scratch: zeros(scratch_len),
            window: zeros(WINDOW),
            band: zeros(WINDOW),
            energy: vec![0.0; WINDOW + 1],
            sums: Vec::with_capacity(n + 1),
        })
    }

    /// Samples by which blocks advance.
    pub fn hop(&self) -> usize {
        LAGS * self.decimation
    }

    /// Samples of one block.
    pub fn block_len(&self) -> usize {
        self.forward.n()
    }

    /// Width of a bin, Hz: frequency hypotheses closer than this are the same.
    pub fn bin_hz(&self) -> f64 {
        self.scs_hz / 4.0
    }

    /// Searches `samples` at each of `places` (block centre over the capture's centre, Hz), each with `n_shifts` hypotheses of a bin on
    /// either side, and adds what it finds to `peaks`.
    ///
    /// Samples past the last whole block are covered by a block that ends with the capture. Non-finite samples find nothing.
    /// Cost: one transform of N and (2 `n_shifts` + 1) * 4 of 1024 for each place and block. No allocation.
    pub fn search(&mut self, samples: &[Cf32], places: &[f64], n_shifts: i32, peaks: &mut PssPeaks) {
        let n = self.forward.n();
        if samples.len() < n {
            self.search_short(samples, places, n_shifts, peaks);
            return;
        }
        let last = samples.len() - n;
        let mut start = 0;
        loop {
            self.search_block(&samples[start..start + n], start as i64, places, n_shifts, peaks);
            if start == last {
                break;
            }
            start = (start + self.hop()).min(last);
        }
    }

    /// A capture shorter than a block: padded with zeros.
    fn search_short(&mut self, samples: &[Cf32], places: &[f64], n_shifts: i32, peaks: &mut PssPeaks) {
        let mut padded = vec![Cf32::default(); self.forward.n()];
        padded[..samples.len()].copy_from_slice(samples);
        self.search_block(&padded, 0, places, n_shifts, peaks);
    }

    /// Searches one block of [`PssSearcher::block_len`] samples, the first of which is sample `start` of the capture.
    pub fn search_block(&mut self, block: &[Cf32], start: i64, places: &[f64], n_shifts: i32, peaks: &mut PssPeaks) {
        if block.len() != self.forward.n() {
            return;
        }
        self.forward.process_into(block, &mut self.spectrum, &mut self.scratch);
        let bin_hz = self.bin_hz();
        for (place, &offset_hz) in places.iter().enumerate() {
            let centre = libm::round(offset_hz / bin_hz) as i64;
            for shift in -i64::from(n_shifts)..=i64::from(n_shifts) {
                self.search_window(centre + shift, start, place, peaks);
            }
        }
    }

    /// Mean power in a block's bandwidth around each of `places`, in one block of samples: `out[i]` belongs to `places[i]`.
    ///
    /// Where it stands out from the rest of a capture there may be a block; noise alone scatters by 3 %.
    /// Cost: one transform of N. Places beyond the capture get 0. No allocation.
    pub fn band_powers(&mut self, block: &[Cf32], places: &[f64], out: &mut [f32]) {
        out.fill(0.0);
        if block.len() != self.forward.n() {
            return;
        }
        self.forward.process_into(block, &mut self.spectrum, &mut self.scratch);
        let (n, bin_hz) = (self.spectrum.len() as i64, self.bin_hz());
        let half = 4 * super::SSB_SUBCARRIERS as i64 / 2;
        // Running sums from the lowest frequency on: a band is a difference.
        let (upper, lower) = self.spectrum.split_at(self.spectrum.len() / 2);
        let mut sum = 0.0f64;
        self.sums.clear();
        self.sums.push(0.0);
        self.sums.extend(lower.iter().chain(upper).map(|x| {
            sum += f64::from(x.norm_sqr());
            sum
        }));
        for (out, offset_hz) in out.iter_mut().zip(places) {
            let centre = libm::round(offset_hz / bin_hz) as i64 + n / 2;
            if centre < half || centre + half > n {
                continue;
            }
            let band = self.sums[(centre + half) as usize] - self.sums[(centre - half) as usize];
            *out = (band / (2 * half) as f64) as f32;
        }
    }

    /// One window of the spectrum, centred on bin `centre`.
    fn search_window(&mut self, centre: i64, start: i64, place: usize, peaks: &mut PssPeaks) {
        let n = self.spectrum.len() as i64;
        if centre.abs() + HALF_BAND as i64 > n / 2 && n > WINDOW as i64 {
            return;
        }
        // The band of the signal alone, for its energy under the replica: lags are those of the correlation.
        self.band.fill(Cf32::default());
        for k in -(HALF_BAND as i64)..=HALF_BAND as i64 {
            self.band[k.rem_euclid(WINDOW as i64) as usize] = self.spectrum[(centre + k).rem_euclid(n) as usize];
        }
        self.window.copy_from_slice(&self.band);
        self.inverse.process(&mut self.window, &mut self.scratch);
        let mut sum = 0.0;
        for (e, y) in self.energy[1..].iter_mut().zip(&self.window) {
            sum += y.norm_sqr();
            *e = sum;
        }
        // Energy at the rounding noise of the largest sum is no energy.
        let floor = sum * 1e-6 + f32::MIN_POSITIVE;
        for n_id_2 in 0..3 {
            dsp::vector::mul(self.isa, &self.band, &self.replicas[n_id_2], &mut self.window);
            self.inverse.process(&mut self.window, &mut self.scratch);
            let mut worst = peaks.worst();
            for t in 0..=LAGS {
                let energy = self.energy[t + SYMBOL] - self.energy[t];
                let corr = self.window[t].norm_sqr();
                // `replica` has unit energy in each of the forms below, so this is the squared cosine of an angle.
                if corr > worst * energy && energy > floor {
                    let metric = (corr / energy).min(1.0);
                    let peak = PssPeak {
                        sample: start + (t * self.decimation) as i64,
                        n_id_2: n_id_2 as u8,
                        place,
                        offset_hz: centre as f64 * self.bin_hz(),
                        metric,
                        power: corr / (SYMBOL * self.decimation) as f32,
                    };
                    peaks.push(peak, (SYMBOL * self.decimation / 2) as i64, self.scs_hz * 1.5);
                    worst = peaks.worst();
                }
            }
        }
    }

    /// Rate of the captures, Hz.
    pub fn rate_hz(&self) -> f64 {
        self.rate_hz
    }
}

/// The conjugate spectrum over a window of signal `n_id_2` in time, scaled so that unitary transforms give the
/// correlation with a replica of unit energy.
fn replica(n_id_2: u16) -> Vec<Cf32> {
    let d = pss(n_id_2);
    let mut out = vec![Cf32::default(); WINDOW];
    // Subcarrier k of the signal is k - 63 from the block's centre (its subcarrier 120 is element 64 of the sequence). Spec: TS 38.211 §7.4.3.1
    let mut symbol = [dsp::Cf64::default(); SYMBOL];
    for (t, s) in symbol.iter_mut().enumerate() {
        for (i, d) in d.iter().enumerate().take(SYNC_LEN) {
            *s += dsp::unit_phasor((i as f64 - 64.0) * t as f64 / SYMBOL as f64) * f64::from(*d);
        }
    }
    let scale = 1.0 / libm::sqrt(symbol.iter().map(|s| s.norm_sqr()).sum::<f64>());
    for (k, out) in out.iter_mut().enumerate() {
        let spectrum: dsp::Cf64 = symbol
            .iter()
            .enumerate()
            .map(|(t, s)| s * dsp::unit_phasor(-((k * t % WINDOW) as f64) / WINDOW as f64))
            .sum();
        *out = Cf32::new((spectrum.re * scale) as f32, (-spectrum.im * scale) as f32);
    }
    out
}
