//! Cell search over the synchronisation rasters of the bands.
//!
//! The bands are covered by captures as wide as the radio allows, each a little longer than the 20 ms after which a block must come again.
//! In a capture, blocks of samples whose power around a raster point stands out are correlated with the PSS; where one is found, SSS
//! and PBCH decide. A first round looks at what stands out only, every later one at everything,
//! after a rest that grows.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | SS_REF | `ssb_hz` | frequency of the block's subcarrier 120, on the raster |
//! | GSCN | | its number |
//!
//! Spec: TS 38.104 §5.4.3, TS 38.213 §4.1

#[cfg(test)]
mod tests;

use dsp::{Cf32, Isa};
use fapi::SsbCase;
use nr::tables::raster::{Band, BlockPattern, gscn_hz};
use nr::{Numerology, Pci};
use phy::ssb::search::{PssPeaks, PssSearcher};
use phy::ssb::{PbchPayload, SsbDetection, SsbReceiver};

/// Share of a capture's bandwidth in which blocks are looked for.
const USABLE: f64 = 0.8;
/// Power over the median at which a place stands out: 0.6 dB, five deviations of the noise.
const STANDS_OUT: f32 = 1.15;
/// Peaks looked at in a capture.
const PEAKS: usize = 24;
/// Offset of the UE's oscillator from the cell's up to which a cell is found, ppm: hypotheses a quarter of a subcarrier apart reach so far.
const OFFSET_PPM: f64 = 5.0;
/// Cells that are barred at a time.
const BARRED_MAX: usize = 16;
/// Rests after rounds without a cell, ms: after the second, and at most; each is twice the one before.
const REST_MS: (i64, i64) = (20, 320);

/// A cell whose MIB has been read.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The band on whose raster it is.
    pub band: &'static Band,
    /// SS_REF.
    pub ssb_hz: f64,
    /// Carrier frequency offset: what is received lies so much above its nominal place, Hz.
    pub cfo_hz: f64,
    /// The block.
    pub detection: SsbDetection,
    /// The PBCH's payload.
    pub payload: PbchPayload,
    /// L_max of the band.
    pub l_max: u8,
    /// The UE's sample count at which the useful part of the PSS starts, at the capture's rate.
    pub pss_count: f64,
}

impl Found {
    /// Start symbols of the band's blocks.
    pub fn case(&self) -> SsbCase {
        case_of(self.band)
    }
}

/// The band's pattern in the terms of the configuration.
pub fn case_of(band: &Band) -> SsbCase {
    match band.pattern {
        BlockPattern::A => SsbCase::A,
        BlockPattern::B => SsbCase::B,
        BlockPattern::C => SsbCase::C,
    }
}

/// What a capture gave.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// Go on.
    Nothing,
    /// A cell.
    Found(Found),
    /// That was the last capture of a round.
    Exhausted,
}

/// One tuning of the radio and the raster points that it covers.
#[derive(Clone, Debug)]
struct Window {
    band: &'static Band,
    centre_hz: f64,
    /// Raster points over the centre, Hz.
    places: Vec<f64>,
    /// Frequency hypotheses on either side of a point, in quarter subcarriers.
    shifts: i32,
}

/// A search in progress.
pub struct Search {
    rate_hz: u32,
    isa: Isa,
    windows: Vec<Window>,
    at: usize,
    rounds: u32,
    barred: Vec<Pci>,
    /// The capture so far, and the UE's count of its first sample.
    capture: Vec<Cf32>,
    started: i64,
    /// Samples that go by before the next capture.
    rest: i64,
    kernels: Vec<(Numerology, PssSearcher, SsbReceiver)>,
}

impl Search {
    /// A search over `bands` with captures at `rate_hz`. Bands that are not served, or whose blocks the rate cannot carry, are left out.
    pub fn new(bands: &[u16], rate_hz: u32, isa: Isa) -> Search {
        let mut search = Search {
            rate_hz,
            isa,
            windows: Vec::new(),
            at: 0,
            rounds: 0,
            barred: Vec::with_capacity(BARRED_MAX),
            capture: Vec::new(),
            started: 0,
            rest: 0,
            kernels: Vec::new(),
        };
        for band in bands.iter().filter_map(|&n| Band::of(n)) {
            search.add(band);
        }
        search
    }

    /// Covers a band.
    fn add(&mut self, band: &'static Band) {
        let (rate, mu) = (f64::from(self.rate_hz), band.ssb_numerology);
        if !self.kernels.iter().any(|k| k.0 == mu) {
            let kernel = (PssSearcher::new(rate, mu, self.isa), SsbReceiver::new(rate, mu, self.isa));
            let (Some(searcher), Some(receiver)) = kernel else { return };
            self.kernels.push((mu, searcher, receiver));
        }
        let block = 240.0 * f64::from(mu.scs_hz());
        let span = (USABLE * rate - block).max(0.0);
        let mut points = band.raster().filter_map(gscn_hz).peekable();
        while let Some(first) = points.next() {
            let mut group = vec![first];
            while let Some(hz) = points.next_if(|hz| *hz - first <= span) {
                group.push(hz);
            }
            let centre_hz = (first + group[group.len() - 1]) / 2.0;
            let places = group.iter().map(|hz| hz - centre_hz).collect();
            let quarters = OFFSET_PPM * 1e-6 * centre_hz / (f64::from(mu.scs_hz()) / 4.0);
            let shifts = libm::ceil(quarters - 0.5) as i32;
            self.windows.push(Window { band, centre_hz, places, shifts });
        }
    }

    /// Begins with the capture that covers `hz`, where a cell was before.
    pub fn prefer(&mut self, hz: f64) {
        let covers = |w: &Window| w.places.iter().any(|p| (w.centre_hz + p - hz).abs() < 1.0);
        if let Some(i) = self.windows.iter().position(covers) {
            self.windows.rotate_left(i);
        }
    }

    /// There is nothing to search.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Rounds over the whole raster so far.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The antenna of `n` that is listened to in this round: another one each time.
    pub fn antenna(&self, n: usize) -> usize {
        self.rounds as usize % n.max(1)
    }

    /// Leaves a cell out from now on; the search goes on at the capture where it was found.
    pub fn bar(&mut self, pci: Pci) {
        if self.barred.len() == BARRED_MAX {
            self.barred.remove(0);
        }
        self.barred.push(pci);
        self.capture.clear();
    }

    /// Centre of the present capture, Hz.
    pub fn centre_hz(&self) -> f64 {
        self.windows.get(self.at).map_or(0.0, |w| w.centre_hz)
    }

    /// Samples of a capture: 20 ms and a block of five symbols.
    fn capture_len(&self) -> usize {
        let scs = self.windows.get(self.at).map_or(15_000, |w| w.band.ssb_numerology.scs_hz());
        let symbols = 6 * (self.rate_hz / scs) as usize;
        (self.rate_hz / 50) as usize + symbols
    }

    /// Samples wanted next: at most a millisecond.
    pub fn need(&self) -> usize {
        self.capture_len().saturating_sub(self.capture.len()).clamp(1, (self.rate_hz / 1000) as usize)
    }

    /// Takes samples of one antenna, the first at the UE's count `count`.
    pub fn receive(&mut self, samples: &[Cf32], count: i64) -> Outcome {
        if self.is_empty() {
            return Outcome::Nothing;
        }
        if self.rest > 0 {
            self.rest -= samples.len() as i64;
            return Outcome::Nothing;
        }
        if self.capture.is_empty() {
            self.started = count;
        }
        self.capture.extend_from_slice(samples);
        if self.capture.len() < self.capture_len() {
            return Outcome::Nothing;
        }
        let found = self.analyse();
        self.capture.clear();
        if let Some(found) = found {
            return Outcome::Found(found);
        }
        self.at += 1;
        if self.at < self.windows.len() {
            return Outcome::Nothing;
        }
        self.at = 0;
        self.rounds += 1;
        if let Some(rested) = self.rounds.checked_sub(2) {
            let ms = (REST_MS.0 << rested.min(8)).min(REST_MS.1);
            self.rest = ms * i64::from(self.rate_hz) / 1000;
        }
        Outcome::Exhausted
    }

    /// The strongest cell of the capture that is not barred.
    fn analyse(&mut self) -> Option<Found> {
        let window = &self.windows[self.at];
        let (_, searcher, receiver) = self.kernels.iter_mut().find(|k| k.0 == window.band.ssb_numerology)?;
        let mut peaks = PssPeaks::new(PEAKS);
        find_peaks(searcher, &self.capture, window, self.rounds == 0, &mut peaks);
        let l_max = window.band.l_max();
        let mut best: Option<Found> = None;
        for peak in peaks.as_slice() {
            let near = |hz: &f64| (hz - peak.offset_hz).abs();
            let Some(place) = window.places.iter().copied().min_by(|a, b| near(a).total_cmp(&near(b))) else {
                continue;
            };
            let ssb_hz = window.centre_hz + place;
            let detection =
                receiver.receive(&self.capture, peak.sample, peak.n_id_2, peak.offset_hz, Some(ssb_hz), &[l_max]);
            let Some((detection, (payload, _))) = detection.and_then(|d| d.pbch.map(|p| (d, p))) else { continue };
            if self.barred.contains(&detection.pci) || best.is_some_and(|b| b.detection.rsrp >= detection.rsrp) {
                continue;
            }
            best = Some(Found {
                band: window.band,
                ssb_hz,
                cfo_hz: detection.offset_hz - place,
                detection,
                payload,
                l_max,
                pss_count: self.started as f64 + detection.pss_start,
            });
        }
        best
    }
}

/// Correlates what stands out of a capture (or all of it) with the PSS.
fn find_peaks(searcher: &mut PssSearcher, capture: &[Cf32], window: &Window, only_hot: bool, peaks: &mut PssPeaks) {
    let (places, shifts) = (&window.places[..], window.shifts);
    let (hop, len) = (searcher.hop(), searcher.block_len());
    if capture.len() < len {
        return;
    }
    let last = capture.len() - len;
    let n_blocks = last.div_ceil(hop) + 1;
    let start_of = |b: usize| (b * hop).min(last);
    if !only_hot {
        searcher.search(capture, places, shifts, peaks);
        return;
    }
    let mut powers = vec![0.0f32; n_blocks * places.len()];
    for (b, row) in powers.chunks_exact_mut(places.len()).enumerate() {
        searcher.band_powers(&capture[start_of(b)..start_of(b) + len], places, row);
    }
    let mut sorted = powers.clone();
    let middle = sorted.len() / 2;
    let floor = *sorted.select_nth_unstable_by(middle, f32::total_cmp).1;
    let is_hot = |b: usize, i: usize| powers[b * places.len() + i] > floor * STANDS_OUT;
    let mut hot = Vec::with_capacity(places.len());
    for b in 0..n_blocks {
        hot.clear();
        // The PSS comes first: it may lie at the end of the block before the one that stands out.
        let stands_out = |&(i, _): &(usize, &f64)| is_hot(b, i) || (b + 1 < n_blocks && is_hot(b + 1, i));
        hot.extend(places.iter().enumerate().filter(stands_out).map(|(_, hz)| *hz));
        if !hot.is_empty() {
            searcher.search_block(&capture[start_of(b)..start_of(b) + len], start_of(b) as i64, &hot, shifts, peaks);
        }
    }
}
