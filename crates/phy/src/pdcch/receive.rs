//! Blind reception of PDCCH.
//!
//! The DM-RS of the whole CORESET is divided by its sequence once a slot. A candidate is then looked at in three steps, each far
//! cheaper than the next: is there coherent DM-RS in its bundles; soft bits; the polar decoder.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | h-hat(l, i) | `ls` | received pilot over sent pilot, `[symbol][3 rb + k']` |
//! | rho | `coherence` | coherent over total power of a candidate's pilots, 0..=1 |
//!
//! Noise alone gives rho = 1/(pilots of a bundle) on average; a candidate is decoded when rho is well above that and above what its level
//! needs to decode at all, and when no part of it is empty beside the rest. Plain successive cancellation comes first; the list only where the SNR is so low that it
//! may find what the other did not.

use super::transmit::map_index;
use super::{CoresetMap, N_CCE_MAX, PDCCH_BITS_MAX, Reg, dmrs_sequence, scrambling};
use dsp::{Cf32, Cf64};
use fapi::{CoresetConfig, DciBits};
use fec::Llr;
use fec::dci;
use fec::polar::PolarCodec;
use nr::{Rnti, SlotPoint};
use ofdm::Grid;

/// Most bundles of a candidate: 16 CCEs of three bundles of two.
const BUNDLES_MAX: usize = 48;
/// Soft bits of a candidate are scaled to this mean magnitude.
const LLR_MEAN: f32 = 24.0;
/// A half of a candidate with less than this share of the other's coherent energy is empty: a shorter candidate lies in the other.
const HALF_MIN: f32 = 0.03;
/// SNR in dB above which the list decoder finds no more than plain cancellation, for levels 1, 2, 4, 8, 16.
const LIST_SNR_DB: [f32; 5] = [13.0, 10.0, 7.0, 4.0, 1.0];
/// Coherence below which a candidate cannot be decoded, or hardly ever, for levels 1, 2, 4, 8, 16: 5 dB below what the code needs.
const COHERENCE_MIN: [f32; 5] = [0.3, 0.25, 0.2, 0.14, 0.1];
/// Share of wrong hard decisions, measured against the decoded word, above which a decoded word is not believed, for levels 1, 2, 4, 8, 16:
/// long words are right with more of them.
const BIT_ERRORS_MAX: [f32; 5] = [0.33, 0.33, 0.36, 0.39, 0.42];
/// Pilots on either side that a smoothed one may reach, across bundles: where they have one precoder and the channel is flat.
const REACHES: [usize; 4] = [9, 18, 36, 72];
/// The same where the RNTI is not known.
const BIT_ERRORS_ANY_MAX: f32 = 0.05;

/// What to try on a candidate: one payload size, under the RNTIs that may have it.
#[derive(Clone, Copy, Debug)]
pub struct DciTarget<'a> {
    /// Payload bits, without CRC.
    pub n_bits: usize,
    /// RNTIs that may mask the CRC.
    pub rntis: &'a [u16],
}

/// A DCI whose CRC holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PdcchDetection {
    /// RNTI that masked the CRC.
    pub rnti: Rnti,
    /// Payload.
    pub payload: DciBits,
    /// First CCE.
    pub cce: u16,
    /// Aggregation level.
    pub level: u8,
    /// SNR of a resource element over all antennas, dB.
    pub snr_db: f32,
    /// Share of hard decisions that differ from the decoded word, 0..=0.5.
    pub bit_errors: f32,
}

/// Antennas that are combined; those beyond are not looked at.
const RX_MAX: usize = 4;
/// Smoothed pilots of a candidate and antenna.
const SMOOTHED_MAX: usize = BUNDLES_MAX * 18;

/// Receives PDCCHs on up to four antennas, weighted by their channels; keeps the maps of the CORESETs it has seen.
pub struct PdcchReceiver {
    maps: Vec<CoresetMap>,
    current: Option<Prepared>,
    /// `[rx][symbol 0..3][3 rb + k']`, RBs counted within the CORESET.
    ls: [[Vec<Cf32>; 3]; RX_MAX],
    pilots: Vec<Cf32>,
    llrs: Vec<Llr>,
    soft: Vec<f32>,
    /// Smoothed channel of the candidate: `[rx][bundle][3 rb of bundle + k']`.
    smoothed: Vec<Cf32>,
    /// Of one antenna: raw pilots without slope, and their sums from the first on.
    raw: Vec<Cf32>,
    sums: Vec<Cf64>,
    list: PolarCodec,
    plain: PolarCodec,
    coded: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Prepared {
    map: usize,
    l0: usize,
    n_rx: usize,
}

/// What the DM-RS of a candidate says.
#[derive(Clone, Copy, Default)]
struct CandidateChannel {
    /// Phase from pilot to pilot, turns.
    slope: f32,
    /// Mean over antennas.
    noise_var: f32,
    /// Sum over antennas.
    power: f32,
    coherence: f32,
    threshold: f32,
    /// One half is empty beside the other.
    halved: bool,
}

impl Default for PdcchReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl PdcchReceiver {
    /// Makes the plans and all the memory.
    pub fn new() -> Self {
        let zeros = |n| vec![Cf32::default(); n];
        Self {
            maps: Vec::with_capacity(16),
            current: None,
            ls: core::array::from_fn(|_| core::array::from_fn(|_| zeros(3 * 270))),
            pilots: zeros(3 * 600),
            llrs: vec![0; PDCCH_BITS_MAX],
            soft: vec![0.0; PDCCH_BITS_MAX],
            smoothed: zeros(RX_MAX * SMOOTHED_MAX),
            raw: zeros(RX_MAX * SMOOTHED_MAX),
            sums: vec![Cf64::default(); RX_MAX * (SMOOTHED_MAX + 1)],
            list: PolarCodec::new(8),
            plain: PolarCodec::new(1),
            coded: vec![0; PDCCH_BITS_MAX],
        }
    }

    /// Takes the DM-RS of `coreset`, whose first symbol is `start_symbol`, out of `grid`, whose ports are antennas.
    ///
    /// Returns N_CCE; 0 if the CORESET contradicts itself or does not lie in the grid. Allocates only for a CORESET not seen before.
    pub fn prepare(&mut self, coreset: &CoresetConfig, start_symbol: u8, slot: SlotPoint, grid: &Grid) -> usize {
        self.current = None;
        let Some(i) = map_index(&mut self.maps, coreset) else { return 0 };
        let map = &self.maps[i];
        let (l0, duration) = (usize::from(start_symbol), usize::from(coreset.duration));
        let (first, last) = (map.rbs()[0], map.rb_end());
        let reference = coreset.dmrs_reference_rb;
        let needed = 3 * (last as i32 - reference).max(0) as usize;
        if 12 * last > grid.n_subcarriers() || l0 + duration > 14 || i32::from(first) < reference || grid.n_ports() == 0
        {
            return 0;
        }
        if self.pilots.len() < needed {
            self.pilots.resize(needed, Cf32::default());
        }
        for s in 0..duration {
            dmrs_sequence(slot, l0 + s, coreset.dmrs_n_id).pilots(&mut self.pilots[..needed]);
            for (rx, ls) in self.ls.iter_mut().enumerate().take(grid.n_ports()) {
                let row = grid.symbol(rx, l0 + s);
                for (ls, &rb) in ls[s].chunks_exact_mut(3).zip(map.rbs()) {
                    let m = 3 * (i32::from(rb) - reference) as usize;
                    for (j, ls) in ls.iter_mut().enumerate() {
                        let y = row[12 * usize::from(rb) + 4 * j + 1] * self.pilots[m + j].conj();
                        *ls = if y.re.is_finite() && y.im.is_finite() { y } else { Cf32::default() };
                    }
                }
            }
        }
        self.current = Some(Prepared { map: i, l0, n_rx: grid.n_ports().min(RX_MAX) });
        map.n_cce().min(N_CCE_MAX)
    }

    /// Tries the candidate at `cce` and `level` of the prepared CORESET: the first target whose CRC holds.
    ///
    /// - `scrambling_rnti`, `scrambling_n_id`  as in `PdcchPdu`
    /// - `grid`  the one that was prepared
    ///
    /// Non-finite elements count as erased. No allocation. Cost: DM-RS only where nothing was sent.
    pub fn receive(
        &mut self,
        grid: &Grid,
        cce: u16,
        level: u8,
        scrambling_rnti: u16,
        scrambling_n_id: u16,
        targets: &[DciTarget],
    ) -> Option<PdcchDetection> {
        let (n, snr_db) = self.candidate(grid, cce, level, scrambling_rnti, scrambling_n_id)?;
        let passes = if snr_db < LIST_SNR_DB[level_index(usize::from(level))] { 2 } else { 1 };
        for (pass, target) in (0..passes).flat_map(|pass| targets.iter().map(move |t| (pass, t))) {
            let mut bits = [0u8; fapi::DCI_BITS_MAX];
            let Some(bits) = bits.get_mut(..target.n_bits) else { continue };
            let codec = if pass == 0 { &mut self.plain } else { &mut self.list };
            let found = dci::decode(codec, &self.llrs[..n], target.rntis, bits);
            let Some(&rnti) = found.ok().flatten().and_then(|hit| target.rntis.get(hit.rnti_idx)) else { continue };
            let bit_errors = self.bit_errors(bits, rnti, n);
            let Some(payload) = DciBits::new(bits) else { continue };
            if bit_errors <= BIT_ERRORS_MAX[level_index(usize::from(level))] {
                return Some(PdcchDetection { rnti: Rnti(rnti), payload, cce, level, snr_db, bit_errors });
            }
        }
        None
    }

    /// As [`Self::receive`] for one payload size, under whatever RNTI: for recordings whose RNTIs are not known.
    ///
    /// Eight parity bits hold, and hardly a hard decision differs from the code word: noise and other scrambling do not get that far.
    pub fn receive_any(
        &mut self,
        grid: &Grid,
        cce: u16,
        level: u8,
        scrambling_rnti: u16,
        scrambling_n_id: u16,
        n_bits: usize,
    ) -> Option<PdcchDetection> {
        let (n, snr_db) = self.candidate(grid, cce, level, scrambling_rnti, scrambling_n_id)?;
        let mut bits = [0u8; fapi::DCI_BITS_MAX];
        let bits = bits.get_mut(..n_bits)?;
        let rnti = dci::decode_any(&mut self.plain, &self.llrs[..n], bits).ok()??;
        let bit_errors = self.bit_errors(bits, rnti, n);
        let payload = DciBits::new(bits).filter(|_| bit_errors <= BIT_ERRORS_ANY_MAX)?;
        Some(PdcchDetection { rnti: Rnti(rnti), payload, cce, level, snr_db, bit_errors })
    }

    /// Soft bits of a candidate that seems to be there: how many, and its SNR in dB.
    fn candidate(
        &mut self,
        grid: &Grid,
        cce: u16,
        level: u8,
        scrambling_rnti: u16,
        scrambling_n_id: u16,
    ) -> Option<(usize, f32)> {
        let Prepared { map, l0, n_rx } = self.current?;
        if n_rx > grid.n_ports() {
            return None;
        }
        let channel = self.channel(map, n_rx, usize::from(cce), usize::from(level))?;
        if channel.coherence < channel.threshold || channel.halved {
            return None;
        }
        self.smooth_further(map, n_rx, usize::from(cce), usize::from(level), &channel);
        let n = self.soft_bits(grid, (map, l0, n_rx), usize::from(cce), usize::from(level), &channel);
        scrambling(scrambling_rnti, scrambling_n_id).descramble(&mut self.llrs[..n]);
        let snr_db = 10.0 * libm::log10f((channel.power / channel.noise_var.max(f32::MIN_POSITIVE)).max(1e-6));
        Some((n, snr_db))
    }

    /// Share of the hard decisions that differ from the code word of `bits`.
    fn bit_errors(&mut self, bits: &[u8], rnti: u16, n: usize) -> f32 {
        if dci::encode(&mut self.plain, bits, rnti, &mut self.coded[..n]).is_err() {
            return 1.0;
        }
        let wrong = |(llr, c): (&Llr, &u8)| (*llr != 0 && (*llr < 0) != (*c == 1)) as u32;
        let errors: u32 = self.llrs[..n].iter().zip(&self.coded).map(wrong).sum();
        errors as f32 / n as f32
    }

    /// Smooths the DM-RS of a candidate bundle by bundle, and says whether it is there.
    fn channel(&mut self, map: usize, n_rx: usize, cce: usize, level: usize) -> Option<CandidateChannel> {
        let map = &self.maps[map];
        let bundles = map.bundles_of(cce, level);
        if bundles.is_empty() || bundles.len() > BUNDLES_MAX {
            return None;
        }
        let duration = usize::from(map.coreset().duration);
        // Mean over the symbols of a bundle; pilots of neighbouring RBs follow one another.
        let n_rb = map.bundle_len() / duration;
        let n = 3 * n_rb;
        let (mut total, mut pair) = (0.0, Cf32::default());
        for (ls, smoothed) in self.ls.iter().zip(self.smoothed.chunks_exact_mut(SMOOTHED_MAX)).take(n_rx) {
            for (raw, &b) in smoothed.chunks_exact_mut(n).zip(bundles) {
                let rb0 = usize::from(b) * n_rb;
                for (i, raw) in raw.iter_mut().enumerate() {
                    let at = 3 * rb0 + i;
                    total += ls[..duration].iter().map(|ls| ls[at].norm_sqr()).sum::<f32>();
                    *raw = ls[..duration].iter().map(|ls| ls[at]).sum::<Cf32>() / duration as f32;
                }
                pair += raw.windows(2).map(|w| w[1] * w[0].conj()).sum::<Cf32>();
            }
        }
        let slope = libm::atan2f(pair.im, pair.re) / core::f32::consts::TAU;
        let slope = if slope.is_finite() { slope } else { 0.0 };
        let slope = likeliest_slope(&self.smoothed, n_rx, bundles.len(), n, slope, total * 0.5 / duration as f32);
        let pilots = (bundles.len() * n * duration) as f32;
        let (mut coherent, mut noise) = ([0.0; 2], 0.0);
        let mut turns = [Cf32::default(); 18];
        powers(slope, 0.0, &mut turns[..n]);
        for smoothed in self.smoothed.chunks_exact_mut(SMOOTHED_MAX).take(n_rx) {
            for (b, smoothed) in smoothed.chunks_exact_mut(n).take(bundles.len()).enumerate() {
                let (energy, residual) = smooth(smoothed, &turns[..n]);
                coherent[usize::from(2 * b >= bundles.len())] += energy;
                noise += residual * duration as f32;
            }
        }
        let n_independent = (bundles.len() * n_rx) as f32;
        let power = total / pilots;
        let noise_var = noise / n_independent;
        Some(CandidateChannel {
            slope,
            noise_var: noise_var.max(power / n_rx as f32 * 1e-5),
            power: (power - noise_var * n_rx as f32).max(power * 1e-3),
            coherence: (coherent[0] + coherent[1]) * duration as f32 / total.max(f32::MIN_POSITIVE),
            halved: bundles.len() > 1 && coherent[0].min(coherent[1]) < HALF_MIN * coherent[0].max(coherent[1]),
            threshold: ((1.0 + 2.5 / n_independent.sqrt()) / (n * duration) as f32)
                .max(COHERENCE_MIN[level_index(level)] / n_rx as f32),
        })
    }

    /// Smooths over more pilots where that is closer to the channel by Stein's unbiased estimate of the squared error: over whole bundles,
    /// and beyond them. The bundles of a precoder that changes are left apart, since their differences count as error.
    fn smooth_further(&mut self, map: usize, n_rx: usize, cce: usize, level: usize, channel: &CandidateChannel) {
        let map = &self.maps[map];
        let bundles = map.bundles_of(cce, level);
        let duration = usize::from(map.coreset().duration);
        let n = 3 * (map.bundle_len() / duration);
        let len = bundles.len() * n;
        let turn = |pilot: usize| {
            let z = dsp::unit_phasor(f64::from(channel.slope) * pilot as f64);
            Cf32::new(z.re as f32, z.im as f32)
        };
        let raws = self.raw.chunks_exact_mut(SMOOTHED_MAX).zip(self.sums.chunks_exact_mut(SMOOTHED_MAX + 1));
        for (ls, (raw, sums)) in self.ls.iter().zip(raws).take(n_rx) {
            for (i, raw) in raw.iter_mut().enumerate().take(len) {
                let at = n * usize::from(bundles[i / n]) + i % n;
                let mean = ls[..duration].iter().map(|ls| ls[at]).sum::<Cf32>() / duration as f32;
                *raw = mean * turn(at).conj();
                sums[i + 1] = sums[i] + Cf64::new(raw.re.into(), raw.im.into());
            }
        }
        let noise = f64::from(channel.noise_var) / duration as f64;
        // What one pilot sees: (from, to) within the candidate.
        let near = if n > 6 { 3 } else { n };
        let in_bundle = |i: usize, reach: usize| {
            let first = i / n * n;
            (i.saturating_sub(reach).max(first), (i + reach + 1).min(first + n))
        };
        let across = |i: usize, reach: usize| (i.saturating_sub(reach), (i + reach + 1).min(len));
        let window = |i: usize, kind: usize| match kind {
            0 => in_bundle(i, near),
            1 => in_bundle(i, n),
            _ => across(i, REACHES[kind - 2]),
        };
        let mean = |sums: &[Cf64], (from, to): (usize, usize)| (sums[to] - sums[from]) / (to - from) as f64;
        let risk = |kind: usize| -> f64 {
            let of_one = |(raw, sums): (&[Cf32], &[Cf64])| -> f64 {
                let of_pilot = |i: usize| {
                    let (from, to) = window(i, kind);
                    let d = Cf64::new(raw[i].re.into(), raw[i].im.into()) - mean(sums, (from, to));
                    d.norm_sqr() + 2.0 * noise / (to - from) as f64
                };
                (0..len).map(of_pilot).sum()
            };
            self.raw
                .chunks_exact(SMOOTHED_MAX)
                .zip(self.sums.chunks_exact(SMOOTHED_MAX + 1))
                .take(n_rx)
                .map(of_one)
                .sum()
        };
        let mut best = (0, risk(0));
        for kind in 1..2 + REACHES.len() {
            let risk = risk(kind);
            if risk < best.1 {
                best = (kind, risk);
            }
        }
        if best.0 == 0 {
            return;
        }
        for (smoothed, sums) in
            self.smoothed.chunks_exact_mut(SMOOTHED_MAX).zip(self.sums.chunks_exact(SMOOTHED_MAX + 1)).take(n_rx)
        {
            for (i, out) in smoothed.iter_mut().enumerate().take(len) {
                let h = mean(sums, window(i, best.0));
                // As soft bits are taken: the slope goes on from the bundle's own start.
                *out = Cf32::new(h.re as f32, h.im as f32) * turn(n * usize::from(bundles[i / n]));
            }
        }
    }

    /// Writes the soft bits of the candidate in mapping order; returns how many.
    fn soft_bits(
        &mut self,
        grid: &Grid,
        (map, l0, n_rx): (usize, usize, usize),
        cce: usize,
        level: usize,
        channel: &CandidateChannel,
    ) -> usize {
        let map = &self.maps[map];
        let bundles = map.bundles_of(cce, level);
        let duration = usize::from(map.coreset().duration);
        let n_rb = map.bundle_len() / duration;
        // Which bundle and which RB within it each REG belongs to, sorted as symbols are mapped.
        let mut regs = [(Reg::default(), 0u16, 0u16); 96];
        let mut n = 0;
        for (i, &b) in bundles.iter().enumerate() {
            for (rb, l) in map.regs_of(b) {
                let (Some(slot), Some(&rb_abs)) = (regs.get_mut(n), map.rbs().get(rb)) else { continue };
                *slot = (Reg { l, rb: rb_abs }, i as u16, (rb - usize::from(b) * n_rb) as u16);
                n += 1;
            }
        }
        regs[..n].sort_unstable_by_key(|r| r.0);
        // The phase on every subcarrier of a bundle: pilot i lies on subcarrier 4 i + 1, and the slope goes on between pilots.
        let mut turns = [Cf32::default(); 72];
        powers(channel.slope / 4.0, -channel.slope / 4.0, &mut turns[..12 * n_rb]);
        let mut at = 0;
        for &(reg, bundle, rb) in &regs[..n] {
            let turns = &turns[12 * usize::from(rb)..][..12];
            self.soft[at..at + 18].fill(0.0);
            for rx in 0..n_rx {
                let row = &grid.symbol(rx, l0 + usize::from(reg.l))[12 * usize::from(reg.rb)..][..12];
                let h = &self.smoothed[rx * SMOOTHED_MAX + usize::from(bundle) * 3 * n_rb + 3 * usize::from(rb)..][..3];
                for (soft, k) in self.soft[at..at + 18].chunks_exact_mut(2).zip([0, 2, 3, 4, 6, 7, 8, 10, 11]) {
                    let z = row[k] * (h[k / 4] * turns[k]).conj();
                    soft[0] += z.re;
                    soft[1] += z.im;
                }
            }
            at += 18;
        }
        let mut sum = 0.0;
        for s in &mut self.soft[..at] {
            if !s.is_finite() {
                *s = 0.0;
            }
            sum += s.abs();
        }
        let scale = LLR_MEAN * at as f32 / sum.max(f32::MIN_POSITIVE);
        for (llr, s) in self.llrs.iter_mut().zip(&self.soft[..at]) {
            *llr = (s * scale).clamp(-120.0, 120.0) as Llr;
        }
        at
    }
}

/// Slopes, turns a pilot, that a receiver whose timing is followed may meet: up to a microsecond at 15 kHz.
const SLOPES: [f32; 7] = [0.0, 0.02, -0.02, 0.04, -0.04, 0.06, -0.06];

/// The slope that makes bundles most coherent, of `told` by neighbouring pilots and those of a timing that is followed: in deep fades
/// neighbours tell little. What is coherent beyond `enough` with the slope told is not looked at further.
fn likeliest_slope(raw: &[Cf32], n_rx: usize, n_bundles: usize, n: usize, told: f32, enough: f32) -> f32 {
    let coherent = |slope: f32| -> f32 {
        let mut turns = [Cf32::default(); 18];
        powers(slope, 0.0, &mut turns[..n]);
        let of_bundle =
            |b: &[Cf32]| b.iter().zip(&turns).map(|(b, t)| b * t.conj()).sum::<Cf32>().norm_sqr() / n as f32;
        raw.chunks_exact(SMOOTHED_MAX).take(n_rx).flat_map(|r| r.chunks_exact(n).take(n_bundles)).map(of_bundle).sum()
    };
    let mut best = (told, coherent(told));
    if best.1 > enough {
        return told;
    }
    for slope in SLOPES {
        let energy = coherent(slope);
        if energy > best.1 {
            best = (slope, energy);
        }
    }
    best.0
}

/// Smooths the pilots of a bundle in place, turned back by `turns`; returns their coherent energy, and the noise of one.
fn smooth(pilots: &mut [Cf32], turns: &[Cf32]) -> (f32, f32) {
    let n = pilots.len().min(18);
    let mut rotated = [Cf32::default(); 18];
    for ((r, raw), turn) in rotated.iter_mut().zip(&*pilots).zip(turns) {
        *r = raw * turn.conj();
    }
    let sum: Cf32 = rotated[..n].iter().sum();
    let reach = if n > 6 { 3 } else { n };
    let mut residual = 0.0;
    for (i, out) in pilots.iter_mut().enumerate().take(n) {
        let near = &rotated[i.saturating_sub(reach)..(i + reach + 1).min(n)];
        *out = near.iter().sum::<Cf32>() / near.len() as f32;
        residual += (rotated[i] - *out).norm_sqr() * near.len() as f32 / (near.len() as f32 - 1.0);
    }
    (sum.norm_sqr() / n as f32, residual / n as f32)
}

/// 0 to 4 for levels 1, 2, 4, 8, 16.
fn level_index(level: usize) -> usize {
    (level.max(1).trailing_zeros() as usize).min(4)
}

/// Writes exp(2 pi i (`first` + n `step`)), both in turns; short enough for rounding not to add up.
fn powers(step: f32, first: f32, out: &mut [Cf32]) {
    let cf32 = |p: dsp::Cf64| Cf32::new(p.re as f32, p.im as f32);
    let mut p = cf32(dsp::unit_phasor(f64::from(first)));
    let step = cf32(dsp::unit_phasor(f64::from(step)));
    for out in out {
        *out = p;
        p *= step;
    }
}
