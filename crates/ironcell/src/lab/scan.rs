//! Finds SS/PBCH blocks anywhere in a recording.
//!
//! With the centre known, places on the synchronisation raster are tried first. Else, and where nothing is on it, every place is
//! tried in steps of half a subcarrier: first where power stands out in time and frequency, then everywhere. A cell is believed when
//! its PBCH's CRC holds.
//!
//! Spec: TS 38.213 §4.1, TS 38.104 §5.4.3

use std::fmt;

use dsp::{Cf32, Isa};
use fapi::SsbCase;
use nr::Numerology;
use nr::tables::raster::{BANDS, BlockPattern, gscn_hz};
use phy::ssb::search::{PssPeak, PssPeaks, PssSearcher};
use phy::ssb::{PbchPayload, SsbDetection, SsbReceiver};

use super::recording::{Recording, resample};
use super::sib1::{self, Sib1Found};

/// Air time looked at in one go: blocks come every 20 ms, as a UE may assume (TS 38.213 §4.1), with one block to spare.
const WINDOW_S: f64 = 0.0225;
/// Peaks looked at in a window.
const PEAKS: usize = 48;
/// Largest frequency offset from the raster.
const OFFSET_PPM: f64 = 12.0;
/// Power over the median at which a place stands out.
const STANDS_OUT: f32 = 1.15;
/// Recordings below this are searched everywhere at once.
const SHORT_S: f64 = 0.0045;
/// Blocks of one cell from which SIB1 is tried.
const SIB1_TRIES: usize = 6;

/// A cell in a recording.
#[derive(Clone, Debug)]
pub struct CellFound {
    /// The best block of the cell (of this index).
    pub detection: SsbDetection,
    /// Its PBCH.
    pub payload: PbchPayload,
    /// Samples a second by which the block's place counts.
    pub rate_hz: f64,
    /// L_max.
    pub l_max: u8,
    /// Subcarrier spacing of the block.
    pub numerology: Numerology,
    /// SS_REF, if the centre is known and the block lies on the raster.
    pub ssb_hz: Option<f64>,
    /// Carrier frequency offset, likewise.
    pub cfo_hz: Option<f64>,
    /// The MIB.
    pub mib: rrc::Mib,
    /// SIB1, if the recording holds it.
    pub sib1: Option<Sib1Found>,
}

/// The cells of a recording, strongest first.
pub fn scan(recording: &Recording, isa: Isa) -> Vec<CellFound> {
    let fr2 = recording.centre_hz.map(|hz| hz > 24.25e9);
    let mut cells = Vec::new();
    for (numerology, high) in
        [(Numerology::KHZ30, false), (Numerology::KHZ15, false), (Numerology::KHZ120, true), (Numerology::KHZ240, true)]
    {
        let fits = 240.0 * f64::from(numerology.scs_hz()) <= recording.rate_hz;
        // Where the range is unknown, the lower is likelier by far, and looked at first.
        if fits && fr2.is_none_or(|f| f == high) && !(high && fr2.is_none() && !cells.is_empty()) {
            let pass = Pass::new(recording, numerology, isa);
            cells.extend(pass.map(|mut p| p.run(!cells.is_empty())).unwrap_or_default());
        }
    }
    cells.sort_by(|a, b| b.detection.snr_db().total_cmp(&a.detection.snr_db()));
    cells
}

/// One subcarrier spacing.
struct Pass {
    samples: Vec<Cf32>,
    rate_hz: f64,
    /// Bandwidth of what was recorded: none beyond, whatever the rate is now.
    bandwidth_hz: f64,
    centre_hz: Option<f64>,
    numerology: Numerology,
    isa: Isa,
    receiver: SsbReceiver,
}

impl Pass {
    /// `None` if no rate suits.
    fn new(recording: &Recording, numerology: Numerology, isa: Isa) -> Option<Pass> {
        let scs = f64::from(numerology.scs_hz());
        let unit = 256.0 * scs;
        let least = (recording.rate_hz / unit - 1e-9).ceil().max(1.0) as usize;
        let rate_hz = (least..=64).map(|n| n as f64 * unit).find(|&r| {
            PssSearcher::new(r, numerology, isa).is_some() && SsbReceiver::new(r, numerology, isa).is_some()
        })?;
        Some(Pass {
            samples: resample(&recording.samples, recording.rate_hz, rate_hz),
            rate_hz,
            bandwidth_hz: recording.rate_hz,
            centre_hz: recording.centre_hz,
            numerology,
            isa,
            receiver: SsbReceiver::new(rate_hz, numerology, isa)?,
        })
    }

    /// `found`: there is a cell of another spacing already, and only what costs little is tried.
    fn run(&mut self, found: bool) -> Vec<CellFound> {
        let scs = f64::from(self.numerology.scs_hz());
        let raster = self.raster_places();
        let shifts = |hz: f64| (hz * OFFSET_PPM * 1e-6 / (scs / 4.0)).ceil() as i32;
        let n_shifts = self.centre_hz.map_or(0, shifts);
        let everywhere = self.all_places();
        let window = (WINDOW_S * self.rate_hz) as usize + 6 * (self.rate_hz / scs) as usize;
        let step = (WINDOW_S * self.rate_hz) as usize;
        let starts: Vec<usize> = (0..self.samples.len()).step_by(step.max(1)).collect();
        let short = (self.samples.len() as f64) < SHORT_S * self.rate_hz;
        // On the raster in the whole recording, then off it where power stands out, then off it everywhere in the first window.
        for effort in 0..3 {
            let (places, shifts, hot) = match effort {
                0 if !raster.is_empty() => (&raster, n_shifts, false),
                1 if !short && (!found || raster.is_empty()) => (&everywhere, 0, true),
                2 if !found => (&everywhere, 0, false),
                _ => continue,
            };
            let n_windows = if effort == 2 || found { 1 } else { starts.len() };
            for &start in starts.iter().take(n_windows) {
                let end = (start + window).min(self.samples.len());
                let peaks = self.peaks(start..end, places, shifts, hot);
                let found = self.receive(start, &peaks);
                if !found.is_empty() {
                    return self.cells(found);
                }
            }
        }
        Vec::new()
    }

    /// Largest distance of a block's centre from the recording's.
    fn reach_hz(&self) -> f64 {
        (self.bandwidth_hz / 2.0 - 120.0 * f64::from(self.numerology.scs_hz())).max(0.0)
    }

    /// Places of the raster over the centre, Hz.
    fn raster_places(&self) -> Vec<f64> {
        let Some(centre) = self.centre_hz else { return Vec::new() };
        let all = (2..=26639).filter_map(gscn_hz).map(|hz| hz - centre);
        all.filter(|offset| offset.abs() <= self.reach_hz()).collect()
    }

    /// Every place, in steps of half a subcarrier.
    fn all_places(&self) -> Vec<f64> {
        let step = f64::from(self.numerology.scs_hz()) / 2.0;
        let n = (self.reach_hz() / step) as i64;
        (-n..=n).map(|i| i as f64 * step).collect()
    }

    /// Peaks of the PSS in a part of the recording, in samples of the part; on all cores.
    fn peaks(&self, part: std::ops::Range<usize>, places: &[f64], shifts: i32, hot: bool) -> Vec<PssPeak> {
        let Some(samples) = self.samples.get(part) else { return Vec::new() };
        let Some(prototype) = PssSearcher::new(self.rate_hz, self.numerology, self.isa) else { return Vec::new() };
        let (hop, len) = (prototype.hop(), prototype.block_len());
        if samples.len() < len {
            let mut peaks = PssPeaks::new(PEAKS);
            let mut searcher = prototype;
            searcher.search(samples, places, shifts, &mut peaks);
            return peaks.as_slice().to_vec();
        }
        let last = samples.len() - len;
        let starts: Vec<usize> = (0..last.div_ceil(hop) + 1).map(|b| (b * hop).min(last)).collect();
        let selected = if hot { self.stand_out(samples, &starts, places) } else { vec![None; starts.len()] };
        let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(starts.len());
        let work = |thread: usize| {
            let mut peaks = PssPeaks::new(PEAKS);
            let Some(mut searcher) = PssSearcher::new(self.rate_hz, self.numerology, self.isa) else { return peaks };
            for i in (thread..starts.len()).step_by(n_threads) {
                let places = selected[i].as_deref().unwrap_or(places);
                if !places.is_empty() {
                    let block = &samples[starts[i]..starts[i] + len];
                    searcher.search_block(block, starts[i] as i64, places, shifts, &mut peaks);
                }
            }
            peaks
        };
        let all: Vec<PssPeaks> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|t| scope.spawn(move || work(t))).collect();
            threads.into_iter().filter_map(|t| t.join().ok()).collect()
        });
        let mut peaks: Vec<PssPeak> = all.iter().flat_map(|p| p.as_slice()).copied().collect();
        peaks.sort_by(|a, b| b.metric.total_cmp(&a.metric));
        // Neighbouring blocks of samples overlap, and are searched by different threads.
        let apart = (self.rate_hz / f64::from(self.numerology.scs_hz())) as i64 / 2;
        let mut kept: Vec<PssPeak> = Vec::new();
        for peak in peaks {
            let near =
                |k: &PssPeak| (k.sample - peak.sample).abs() < apart && (k.offset_hz - peak.offset_hz).abs() < 5e4;
            if kept.len() < PEAKS && !kept.iter().any(near) {
                kept.push(peak);
            }
        }
        kept
    }

    /// For each block of samples the places in whose neighbourhood there is more power than usual.
    fn stand_out(&self, samples: &[Cf32], starts: &[usize], places: &[f64]) -> Vec<Option<Vec<f64>>> {
        let Some(mut searcher) = PssSearcher::new(self.rate_hz, self.numerology, self.isa) else {
            return vec![None; starts.len()];
        };
        let scs = f64::from(self.numerology.scs_hz());
        let coarse_step = 48.0 * scs;
        let n = (self.reach_hz() / coarse_step) as i64;
        let coarse: Vec<f64> = (-n..=n).map(|i| i as f64 * coarse_step).collect();
        let mut powers = vec![0.0f32; starts.len() * coarse.len()];
        for (row, &start) in powers.chunks_exact_mut(coarse.len()).zip(starts) {
            searcher.band_powers(&samples[start..start + searcher.block_len()], &coarse, row);
        }
        let mut sorted = powers.clone();
        let middle = sorted.len() / 2;
        let floor = *sorted.select_nth_unstable_by(middle, f32::total_cmp).1;
        let near = |row: &[f32], hz: f64| {
            let hot = |(c, power): (&f64, &f32)| (c - hz).abs() <= coarse_step / 2.0 && *power > floor * STANDS_OUT;
            coarse.iter().zip(row).any(hot)
        };
        let select = |row: &[f32]| Some(places.iter().copied().filter(|hz| near(row, *hz)).collect());
        powers.chunks_exact(coarse.len()).map(select).collect()
    }

    /// Blocks whose PBCH decodes; samples counted in the whole recording.
    fn receive(&mut self, start: usize, peaks: &[PssPeak]) -> Vec<(SsbDetection, PbchPayload, u8, Option<f64>)> {
        let mut found = Vec::new();
        for peak in peaks {
            let ssb_hz = self.on_raster(peak.offset_hz);
            let l_max = self.l_max(ssb_hz);
            let samples = &self.samples[start..];
            let received = self.receiver.receive(samples, peak.sample, peak.n_id_2, peak.offset_hz, ssb_hz, &l_max);
            if let Some((mut detection, (payload, l_max))) = received.and_then(|d| d.pbch.map(|p| (d, p))) {
                detection.pss_start += start as f64;
                found.push((detection, payload, l_max, ssb_hz));
            }
        }
        found
    }

    /// The raster point of a place, if the centre is known and one is near.
    fn on_raster(&self, offset_hz: f64) -> Option<f64> {
        let hz = self.centre_hz? + offset_hz;
        let near = (2..=26639).filter_map(gscn_hz).min_by(|a, b| (a - hz).abs().total_cmp(&(b - hz).abs()))?;
        ((near - hz).abs() <= OFFSET_PPM * 1e-6 * hz + 5e3).then_some(near)
    }

    /// Candidates for L_max. Spec: TS 38.213 §4.1
    fn l_max(&self, ssb_hz: Option<f64>) -> Vec<u8> {
        if self.numerology.mu() >= 3 {
            return vec![64];
        }
        match ssb_hz {
            // Between 1.88 and 3 GHz case C of unpaired spectrum has 8, everything else 4.
            Some(hz) if hz >= 3e9 => vec![8],
            Some(hz) if hz < 1.88e9 => vec![4],
            _ => vec![4, 8],
        }
    }

    /// One entry for each cell and block index, with SIB1 from the first of its blocks that has it.
    fn cells(&self, mut found: Vec<(SsbDetection, PbchPayload, u8, Option<f64>)>) -> Vec<CellFound> {
        found.sort_by(|a, b| b.0.snr_db().total_cmp(&a.0.snr_db()));
        let mut cells: Vec<CellFound> = Vec::new();
        for (i, (detection, payload, l_max, ssb_hz)) in found.iter().enumerate() {
            let same = |d: &SsbDetection, p: &PbchPayload| d.pci == detection.pci && p.ssb_index == payload.ssb_index;
            if cells.iter().any(|c| same(&c.detection, &c.payload)) {
                continue;
            }
            let bytes = (payload.mib << 8).to_be_bytes();
            let decoded = rrc::decode::<rrc::BcchBchMessage>(&bytes[..3]);
            let Ok(rrc::BcchBchMessage { message: rrc::BcchBchMessageType::Mib(mib) }) = decoded else { continue };
            let blocks = found[i..].iter().filter(|f| same(&f.0, &f.1)).take(SIB1_TRIES);
            let sib1 = blocks.into_iter().find_map(|(detection, payload, l_max, ssb_hz)| {
                let block = sib1::Block {
                    detection,
                    payload,
                    l_max: *l_max,
                    numerology: self.numerology,
                    mib: &mib,
                    ssb_hz: *ssb_hz,
                    cases: cases(self.numerology, *ssb_hz),
                    min_bandwidth_40mhz: min_bandwidth_40mhz(*ssb_hz),
                };
                sib1::read(&self.samples, self.rate_hz, self.bandwidth_hz, self.centre_hz, &block, self.isa)
            });
            cells.push(CellFound {
                detection: *detection,
                payload: *payload,
                rate_hz: self.rate_hz,
                l_max: *l_max,
                numerology: self.numerology,
                ssb_hz: *ssb_hz,
                cfo_hz: ssb_hz.zip(self.centre_hz).map(|(ssb, centre)| detection.offset_hz - (ssb - centre)),
                mib,
                sib1,
            });
        }
        cells
    }
}

/// Patterns of start symbols that are possible. Spec: TS 38.213 §4.1
fn cases(numerology: Numerology, ssb_hz: Option<f64>) -> &'static [SsbCase] {
    let band = |pattern| {
        let inside = |hz: f64| move |b: &nr::tables::raster::Band| b.dl_hz.0 as f64 <= hz && hz <= b.dl_hz.1 as f64;
        ssb_hz.is_some_and(|hz| BANDS.iter().filter(|b| inside(hz)(b)).any(|b| b.pattern == pattern))
    };
    match numerology.scs_khz() {
        15 => &[SsbCase::A],
        30 if band(BlockPattern::C) => &[SsbCase::C, SsbCase::B],
        30 if band(BlockPattern::B) => &[SsbCase::B, SsbCase::C],
        30 => &[SsbCase::C, SsbCase::B],
        120 => &[SsbCase::D],
        _ => &[SsbCase::E],
    }
}

/// Tables 13-5 and 13-6 hold, if that is known. Spec: TS 38.213 §13
fn min_bandwidth_40mhz(ssb_hz: Option<f64>) -> Option<bool> {
    let hz = ssb_hz?;
    let band = BANDS.iter().find(|b| b.dl_hz.0 as f64 <= hz && hz <= b.dl_hz.1 as f64)?;
    Some(band.min_bandwidth_40mhz)
}

impl CellFound {
    /// The block with what is supposed of it.
    pub fn block(&self) -> sib1::Block<'_> {
        sib1::Block {
            detection: &self.detection,
            payload: &self.payload,
            l_max: self.l_max,
            numerology: self.numerology,
            mib: &self.mib,
            ssb_hz: self.ssb_hz,
            cases: cases(self.numerology, self.ssb_hz),
            min_bandwidth_40mhz: min_bandwidth_40mhz(self.ssb_hz),
        }
    }

    /// The MIB's fields by their specification names.
    fn mib_json(&self) -> serde_json::Value {
        use rrc::Enumerated as _;
        serde_json::json!({
            "systemFrameNumber": self.mib.system_frame_number,
            "subCarrierSpacingCommon": self.mib.sub_carrier_spacing_common.name(),
            "ssb-SubcarrierOffset": self.mib.ssb_subcarrier_offset,
            "dmrs-TypeA-Position": self.mib.dmrs_type_a_position.name(),
            "pdcch-ConfigSIB1": {
                "controlResourceSetZero": self.mib.pdcch_config_sib1.control_resource_set_zero,
                "searchSpaceZero": self.mib.pdcch_config_sib1.search_space_zero,
            },
            "cellBarred": self.mib.cell_barred.name(),
            "intraFreqReselection": self.mib.intra_freq_reselection.name(),
        })
    }

    /// The keys of `lab scan --json`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "pci": self.detection.pci.get(),
            "ssb_scs_khz": self.numerology.scs_khz(),
            "ssb_index": self.payload.ssb_index,
            "l_max": self.l_max,
            "ssb_offset_hz": self.detection.offset_hz,
            "ssb_hz": self.ssb_hz,
            "cfo_hz": self.cfo_hz,
            "snr_db": self.detection.snr_db(),
            "sfn": self.payload.sfn,
            "half_frame": u8::from(self.payload.half_frame),
            "k_ssb": self.payload.k_ssb,
            "pss_sample": self.detection.pss_start,
            "mib": self.mib_json(),
            "sib1": self.sib1.as_ref().map(Sib1Found::to_json),
        })
    }
}

impl fmt::Display for CellFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PCI {}: SSB {} of {} kHz at {:+.0} Hz",
            self.detection.pci,
            self.payload.ssb_index,
            self.numerology.scs_khz(),
            self.detection.offset_hz
        )?;
        if let (Some(ssb), Some(cfo)) = (self.ssb_hz, self.cfo_hz) {
            write!(f, " ({:.3} MHz, offset {cfo:+.1} Hz)", ssb * 1e-6)?;
        }
        writeln!(f, ", SNR {:.1} dB, SFN {}", self.detection.snr_db(), self.payload.sfn)?;
        writeln!(f, "  MIB  {}, k_SSB {}", self.mib_json(), self.payload.k_ssb)?;
        match &self.sib1 {
            Some(sib1) => write!(f, "  SIB1 {sib1}"),
            None => write!(f, "  SIB1 is not in the recording"),
        }
    }
}
