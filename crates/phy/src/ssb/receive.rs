//! From a found primary synchronisation signal to the cell: identity, offsets, SNR, PBCH.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | y(l, k) | `y` | received elements of the block |
//! | h(k) | `h` | channel, smoothed over neighbouring subcarriers |
//! | tau | `slope` | timing error as phase per subcarrier, turns |
//! | N_u | `fft_len` | samples of a symbol's useful part |
//!
//! Every symbol's phase is estimated by itself from its own pilots, so the PBCH of a capture with an unknown centre decodes too.
//!
//! Spec: TS 38.211 §7.4.2, §7.4.3, §7.3.3

use super::followed;
use super::payload::{self, PbchPayload};
use super::{
    PBCH_BITS, PBCH_DMRS, SSB_SUBCARRIERS, SSB_SYMBOLS, SYNC_START, pbch_dmrs, pbch_region, scrambling_v,
    sync::{self, SYNC_LEN},
};
use crate::sequences::Gold;
use dsp::fft::Plan;
use dsp::mix::Nco;
use dsp::{Cf32, Direction, Isa};
use fec::Llr;
use fec::pbch;
use fec::polar::PolarCodec;
use nr::{Numerology, Pci};

/// Squared correlation coefficient above which an SSS is believed; the best of 336 in noise exceeds it once in 10^4.
const SSS_METRIC_MIN: f32 = 0.115;
/// The same, where the CRC of the PBCH bears it out: the best of 336 in noise exceeds it once in 25.
const SSS_METRIC_WITH_PBCH: f32 = 0.07;

/// An SS/PBCH block that was found and whose SSS is believed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SsbDetection {
    /// The cell.
    pub pci: Pci,
    /// First sample of the PSS's useful part in the capture, with fraction.
    pub pss_start: f64,
    /// Frequency of the block's centre over the capture's centre, Hz.
    pub offset_hz: f64,
    /// Squared correlation coefficient of the SSS, 0..=1.
    pub sss_metric: f32,
    /// Power of a resource element (unitary transform), as in the capture.
    pub rsrp: f32,
    /// Noise variance of a resource element.
    pub noise_var: f32,
    /// i-bar_SSB, the DM-RS that fits best.
    pub i_bar: u8,
    /// Payload and the L_max under which its CRC holds.
    pub pbch: Option<(PbchPayload, u8)>,
}

impl SsbDetection {
    /// SNR of a resource element, dB.
    pub fn snr_db(&self) -> f32 {
        10.0 * libm::log10f((self.rsrp / self.noise_var.max(f32::MIN_POSITIVE)).max(1e-9))
    }
}

pub(super) type Block = [[Cf32; SSB_SUBCARRIERS]; SSB_SYMBOLS];

/// Receives SS/PBCH blocks of one subcarrier spacing from samples of one rate.
pub struct SsbReceiver {
    rate_hz: f64,
    scs_hz: f64,
    isa: Isa,
    fft_len: usize,
    cp_len: usize,
    plan: Plan,
    scratch: Vec<Cf32>,
    samples: Vec<Cf32>,
    symbol: Vec<Cf32>,
    sss: Vec<[f32; SYNC_LEN]>,
    sss_of: Option<u16>,
    codec: PolarCodec,
    soft: [f32; PBCH_BITS],
}

impl SsbReceiver {
    /// For samples at `rate_hz`; `None` unless a symbol is a whole number of samples, at least 256, with a whole cyclic prefix.
    pub fn new(rate_hz: f64, numerology: Numerology, isa: Isa) -> Option<SsbReceiver> {
        let scs_hz = f64::from(numerology.scs_hz());
        let fft_len = libm::round(rate_hz / scs_hz) as usize;
        if !(256..=16384).contains(&fft_len)
            || !fft_len.is_multiple_of(128)
            || (rate_hz - fft_len as f64 * scs_hz).abs() > 1e-3
        {
            return None;
        }
        let plan = Plan::unitary(fft_len, Direction::Forward, isa).ok()?;
        let cp_len = 9 * fft_len / 128;
        let mut sss = Vec::with_capacity(336);
        sss.resize(336, [0.0; SYNC_LEN]);
        Some(SsbReceiver {
            rate_hz,
            scs_hz,
            isa,
            fft_len,
            cp_len,
            scratch: plan.make_scratch(),
            plan,
            samples: vec![Cf32::default(); SSB_SYMBOLS * (fft_len + cp_len)],
            symbol: vec![Cf32::default(); fft_len],
            sss,
            sss_of: None,
            codec: PolarCodec::new(8),
            soft: [0.0; PBCH_BITS],
        })
    }

    /// Samples that a block takes, from the start of the PSS's useful part on, with the slack that the receiver wants.
    pub fn block_len(&self) -> usize {
        SSB_SYMBOLS * (self.fft_len + self.cp_len)
    }

    /// Receives the block whose PSS (`n_id_2`) has its useful part at sample `start` of `capture`, centred `offset_hz` over the
    /// capture's centre within a quarter subcarrier.
    ///
    /// - `ssb_hz`   carrier frequency of the block's centre, if it is known: then its offset is told from phases across symbols
    /// - `l_max`    candidates for L_max, tried in order
    ///
    /// `None` if the block does not lie in the capture or its SSS is not believed; a PBCH whose CRC holds is a reason to. No allocation.
    pub fn receive(
        &mut self,
        capture: &[Cf32],
        start: i64,
        n_id_2: u8,
        offset_hz: f64,
        ssb_hz: Option<f64>,
        l_max: &[u8],
    ) -> Option<SsbDetection> {
        let (start, offset_hz) = self.refine(capture, start, n_id_2, offset_hz)?;
        // The window opens a little early, so that a late estimate costs no intersymbol interference.
        let early = (self.cp_len / 4) as i64;
        let mut y = self.demodulate(capture, start - early, offset_hz)?;
        let first = timing_slope(&y, n_id_2, early as f32 / self.fft_len as f32);
        remove_slope(&mut y, first);
        let mut h = [Cf32::default(); SYNC_LEN];
        let noise = pss_channel(&y, n_id_2, &mut h);
        let (n_id_1, sss_metric, sss_sum) = self.find_sss(&y, &h, n_id_2)?;
        let pci = Pci::new(3 * n_id_1 + u16::from(n_id_2))?;
        let mut detection = SsbDetection {
            pci,
            pss_start: (start - early) as f64 - f64::from(first) * self.fft_len as f64,
            offset_hz,
            sss_metric,
            rsrp: 0.0,
            noise_var: noise,
            i_bar: 0,
            pbch: None,
        };
        if let Some(ssb_hz) = ssb_hz {
            // Phase from PSS to SSS, without the part that the nominal carrier and its per-symbol phase reset explain.
            let t = 2.0 * (self.fft_len + self.cp_len) as f64 / self.rate_hz;
            let turns = f64::from(turns_of(sss_sum)) + (ssb_hz * t) % 1.0;
            let turns = turns - libm::round(turns);
            detection.offset_hz += turns / t;
        }
        self.decode(&y, l_max, &mut detection);
        (detection.sss_metric >= SSS_METRIC_MIN || detection.pbch.is_some()).then_some(detection)
    }

    /// Receives the block of a cell whose timing and frequency are followed: the PSS's useful part lies at sample `start` of `capture`, at
    /// its centre; soft bits as [`SsbReceiver::soft_bits`] gives them. `i_bar` is told by DM-RS where it is not known.
    ///
    /// The index taken, and whether the block lies in the capture at all. No allocation.
    pub fn receive_followed(&mut self, capture: &[Cf32], start: i64, pci: Pci, i_bar: Option<u8>) -> Option<u8> {
        let early = (self.cp_len / 4) as i64;
        let mut y = self.demodulate(capture, start - early, 0.0)?;
        remove_slope(&mut y, -(early as f32) / self.fft_len as f32);
        let comb = usize::from(pci.get() % 4);
        let (i_bar, dmrs) = match i_bar {
            Some(i_bar) => (i_bar & 7, pbch_dmrs(pci, i_bar & 7)),
            None => followed::best_dmrs(&y, pci),
        };
        let mut h = [[Cf32::default(); SSB_SUBCARRIERS]; SSB_SYMBOLS];
        let noise = followed::block_channel(&y, pci, &dmrs, &mut h[0]);
        (1..SSB_SYMBOLS).for_each(|l| h[l] = h[0]);
        self.fill_soft_bits(&y, comb, &h, noise);
        Some(i_bar)
    }

    /// Fills `soft`; channel, noise variance.
    fn block_soft_bits(&mut self, y: &Block, pci: Pci, dmrs: &[Cf32; PBCH_DMRS]) -> (Block, f32) {
        let comb = usize::from(pci.get() % 4);
        let sss = sync::sss(pci.n_id_1(), pci.n_id_2());
        let mut h = [[Cf32::default(); SSB_SUBCARRIERS]; SSB_SYMBOLS];
        let noise = block_channel(y, dmrs, &sss, comb, &mut h);
        self.fill_soft_bits(y, comb, &h, noise);
        (h, noise)
    }

    fn fill_soft_bits(&mut self, y: &Block, comb: usize, h: &Block, noise: f32) {
        let weight = 1.0 / noise.max(f32::MIN_POSITIVE);
        let data = pbch_region().filter(|(_, k)| k % 4 != comb);
        for (pair, (l, k)) in self.soft.chunks_exact_mut(2).zip(data) {
            let z = y[l][k] * h[l][k].conj() * weight;
            pair.copy_from_slice(&[z.re, z.im]);
        }
    }

    /// Soft bits of the last block received, before the second descrambling, weighted by its SNR: for [`super::PbchCombiner`].
    pub fn soft_bits(&self) -> &[f32; PBCH_BITS] {
        &self.soft
    }

    /// Moves `start` to the best lag within an eighth of a symbol of it, and `offset_hz` by the phase between the PSS's halves.
    fn refine(&mut self, capture: &[Cf32], start: i64, n_id_2: u8, offset_hz: f64) -> Option<(i64, f64)> {
        let n = self.fft_len;
        let from = usize::try_from(start).ok()?;
        let x = capture.get(from..from + n)?;
        self.symbol.copy_from_slice(x);
        let mut nco = Nco::new(-offset_hz / self.rate_hz);
        nco.mix(self.isa, &mut self.symbol);
        // Replica times received, by halves, at the lags that the search's decimation leaves open.
        let d = sync::pss(u16::from(n_id_2));
        let replica = &mut self.samples[..n];
        replica.fill(Cf32::default());
        for (i, d) in d.iter().enumerate() {
            // The forward transform of the time-reversed spectrum serves as inverse: bin -k carries subcarrier k.
            replica[(n + 64 - i) % n] = Cf32::new(*d, 0.0);
        }
        self.plan.process(replica, &mut self.scratch);
        let half = |range: core::ops::Range<usize>| -> dsp::Cf64 {
            dsp::vector::dot_conj(self.isa, &self.symbol[range.clone()], &replica[range])
        };
        let (a, b) = (half(0..n / 2), half(n / 2..n));
        let between = b * a.conj();
        let turns = libm::atan2(between.im, between.re) / core::f64::consts::TAU;
        let by = turns * 2.0 * self.scs_hz;
        Some((start, if by.is_finite() { offset_hz + by } else { offset_hz }))
    }

    /// The block's elements with the PSS's useful part taken at `start`.
    fn demodulate(&mut self, capture: &[Cf32], start: i64, offset_hz: f64) -> Option<Block> {
        let from = usize::try_from(start).ok()?;
        let len = (SSB_SYMBOLS - 1) * (self.fft_len + self.cp_len) + self.fft_len;
        let samples = &mut self.samples[..len];
        samples.copy_from_slice(capture.get(from..from.checked_add(len)?)?);
        Nco::new(-offset_hz / self.rate_hz).mix(self.isa, samples);
        let mut y = [[Cf32::default(); SSB_SUBCARRIERS]; SSB_SYMBOLS];
        for (l, y) in y.iter_mut().enumerate() {
            let at = l * (self.fft_len + self.cp_len);
            self.plan.process_into(&self.samples[at..at + self.fft_len], &mut self.symbol, &mut self.scratch);
            y[SSB_SUBCARRIERS / 2..].copy_from_slice(&self.symbol[..SSB_SUBCARRIERS / 2]);
            y[..SSB_SUBCARRIERS / 2].copy_from_slice(&self.symbol[self.fft_len - SSB_SUBCARRIERS / 2..]);
        }
        y.iter().flatten().all(|e| e.re.is_finite() && e.im.is_finite()).then_some(y)
    }

    /// The SSS that fits best: N_ID^(1), its squared correlation coefficient and the sum itself.
    fn find_sss(&mut self, y: &Block, h: &[Cf32; SYNC_LEN], n_id_2: u8) -> Option<(u16, f32, Cf32)> {
        if self.sss_of != Some(u16::from(n_id_2)) {
            for (n_id_1, d) in self.sss.iter_mut().enumerate() {
                *d = sync::sss(n_id_1 as u16, u16::from(n_id_2));
            }
            self.sss_of = Some(u16::from(n_id_2));
        }
        let z: [Cf32; SYNC_LEN] = core::array::from_fn(|i| y[2][SYNC_START + i] * h[i].conj());
        let energy: f32 = z.iter().map(|z| z.norm_sqr()).sum();
        let mut best = (0, -1.0, Cf32::default());
        for (n_id_1, d) in self.sss.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (z, d) in z.iter().zip(d) {
                re += z.re * d;
                im += z.im * d;
            }
            let metric = (re * re + im * im) / (energy * SYNC_LEN as f32);
            if metric > best.1 {
                best = (n_id_1 as u16, metric, Cf32::new(re, im));
            }
        }
        (best.1 >= SSS_METRIC_WITH_PBCH).then_some(best)
    }

    /// DM-RS, channel and PBCH; fills in what they tell.
    fn decode(&mut self, y: &Block, l_max: &[u8], detection: &mut SsbDetection) {
        let comb = usize::from(detection.pci.get() % 4);
        let (i_bar, dmrs) = best_dmrs(y, detection.pci, comb);
        detection.i_bar = i_bar;
        let (h, noise) = self.block_soft_bits(y, detection.pci, &dmrs);
        detection.noise_var = noise.max(f32::MIN_POSITIVE);
        let power: f32 = h[1].iter().chain(&h[3]).map(|h| h.norm_sqr()).sum::<f32>() / (2 * SSB_SUBCARRIERS) as f32;
        detection.rsrp = (power - noise / 10.0).max(0.0);
        // What slope is left, seen over twenty subcarriers, sharpens the timing.
        let left: Cf32 = (20..SSB_SUBCARRIERS).map(|k| h[1][k] * h[1][k - 20].conj()).sum();
        detection.pss_start -= f64::from(turns_of(left)) / 20.0 * self.fft_len as f64;

        let soft = self.soft;
        let mean = soft.iter().map(|x| x.abs()).sum::<f32>() / PBCH_BITS as f32;
        let scale = 24.0 / mean.max(f32::MIN_POSITIVE);
        let llrs: [Llr; PBCH_BITS] = core::array::from_fn(|i| (soft[i] * scale).clamp(-120.0, 120.0) as Llr);
        for &l_max in l_max {
            let low = if l_max == 4 { i_bar & 3 } else { i_bar };
            let mut llrs = llrs;
            let v = scrambling_v(l_max, low);
            Gold::starting_at(u32::from(detection.pci.get()), v * PBCH_BITS).descramble(&mut llrs);
            if let Ok(Some(bits)) = pbch::decode(&mut self.codec, &llrs) {
                let p = payload::decode(&bits, detection.pci, l_max, low);
                // With L_max 4 the DM-RS tells the half frame too; the two must agree.
                if l_max != 4 || p.half_frame == (i_bar >= 4) {
                    detection.pbch = Some((p, l_max));
                    return;
                }
            }
        }
    }
}

/// What a block of a known cell says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SsbMeasurement {
    /// Power of a resource element.
    pub rsrp: f32,
    /// Noise variance of a resource element.
    pub noise_var: f32,
    /// Delay of the signal after the symbol starts of the grid, in useful symbol lengths.
    pub delay_symbols: f32,
    /// Phase from one symbol to the next, turns, within half a turn over two symbols.
    pub turns_per_symbol: f32,
}

impl SsbMeasurement {
    /// SNR of a resource element, dB.
    pub fn snr_db(&self) -> f32 {
        10.0 * libm::log10f((self.rsrp / self.noise_var.max(f32::MIN_POSITIVE)).max(1e-9))
    }
}

/// Measures the block of a known cell in port (antenna) `rx` of `grid`, whose numerology is the block's.
///
/// - `l0`, `start_subcarrier`  where the block starts
/// - `i_bar`                   as [`super::i_bar`] gives it
///
/// `None` if the block does not lie in the grid or elements are not finite. No allocation. Spec: TS 38.215 §5.1.1, §5.1.5
pub fn measure(
    grid: &ofdm::Grid,
    rx: usize,
    l0: usize,
    start_subcarrier: usize,
    pci: Pci,
    i_bar: u8,
) -> Option<SsbMeasurement> {
    if l0 + SSB_SYMBOLS > 14 || rx >= grid.n_ports() {
        return None;
    }
    let mut y = [[Cf32::default(); SSB_SUBCARRIERS]; SSB_SYMBOLS];
    for (l, y) in y.iter_mut().enumerate() {
        y.copy_from_slice(grid.symbol(rx, l0 + l).get(start_subcarrier..start_subcarrier + SSB_SUBCARRIERS)?);
    }
    if !y.iter().flatten().all(|e| e.re.is_finite() && e.im.is_finite()) {
        return None;
    }
    let comb = usize::from(pci.get() % 4);
    let dmrs = pbch_dmrs(pci, i_bar);
    // The slope first, from neighbouring pilots and the synchronisation signals, so that smoothing sees none of it.
    let mut pair = Cf32::default();
    for l in [1, 3] {
        let mut last = None;
        for (k, m) in pilots_of(l, comb) {
            let h = y[l][k] * dmrs[m].conj();
            pair += last.map_or(Cf32::default(), |last: Cf32| h * last.conj());
            last = Some(h);
        }
    }
    let slope = turns_of(pair) / 4.0;
    remove_slope(&mut y, slope);
    let sss = sync::sss(pci.n_id_1(), pci.n_id_2());
    let mut h = [[Cf32::default(); SSB_SUBCARRIERS]; SSB_SYMBOLS];
    let noise_var = block_channel(&y, &dmrs, &sss, comb, &mut h);
    let across: Cf32 = (0..SSB_SUBCARRIERS).map(|k| h[3][k] * h[1][k].conj()).sum();
    let left: Cf32 = (20..SSB_SUBCARRIERS).map(|k| h[1][k] * h[1][k - 20].conj()).sum();
    let power = h[1].iter().map(|h| h.norm_sqr()).sum::<f32>() / SSB_SUBCARRIERS as f32;
    // Ten pilots, five places in each of two symbols, make a smoothed value: so much of the noise is left in its power.
    Some(SsbMeasurement {
        rsrp: (power - noise_var / 10.0).max(0.0),
        noise_var,
        delay_symbols: -(slope + turns_of(left) / 20.0),
        turns_per_symbol: turns_of(across) / 2.0,
    })
}

/// Phase per subcarrier of the PSS, turns: minus the delay after the window's start over N_u, which is `expected` within
/// 1/85 of a symbol: where the impulse response that the PSS shows is strongest.
pub(super) fn timing_slope(y: &Block, n_id_2: u8, expected: f32) -> f32 {
    const STEP: f32 = 1.0 / 1024.0;
    let d = sync::pss(u16::from(n_id_2));
    let power = |turns: f32| -> f32 {
        let (mut sum, mut turn) = (Cf32::default(), Cf32::new(1.0, 0.0));
        let step = dsp::unit_phasor(f64::from(turns));
        let step = Cf32::new(step.re as f32, step.im as f32);
        for (i, d) in d.iter().enumerate() {
            sum += y[0][SYNC_START + i] * turn * *d;
            turn *= step;
        }
        sum.norm_sqr()
    };
    let around: [f32; 25] = core::array::from_fn(|i| power(expected + (i as f32 - 12.0) * STEP));
    let best = (1..24).max_by(|&a, &b| around[a].total_cmp(&around[b])).unwrap_or(12);
    // The peak of the parabola through the three largest.
    let (l, c, r) = (around[best - 1], around[best], around[best + 1]);
    let bend = l - 2.0 * c + r;
    let fraction = if bend < 0.0 { (0.5 * (l - r) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    -(expected + (best as f32 - 12.0 + fraction) * STEP)
}

fn turns_of(z: Cf32) -> f32 {
    let turns = libm::atan2f(z.im, z.re) / core::f32::consts::TAU;
    if turns.is_finite() { turns } else { 0.0 }
}

/// Turns subcarrier k of every symbol back by `slope` turns a subcarrier, about the block's centre.
pub(super) fn remove_slope(y: &mut Block, slope: f32) {
    for k in 0..SSB_SUBCARRIERS {
        let p = dsp::unit_phasor(-f64::from(slope) * (k as f64 - 120.0));
        let p = Cf32::new(p.re as f32, p.im as f32);
        y.iter_mut().for_each(|y| y[k] *= p);
    }
}

/// Averages `raw` over `reach` neighbours on either side (fewer at the edges).
fn smooth(raw: &[Cf32], reach: usize, out: &mut [Cf32]) {
    for (i, out) in out.iter_mut().enumerate() {
        let near = &raw[i.saturating_sub(reach)..(i + reach + 1).min(raw.len())];
        *out = near.iter().sum::<Cf32>() / near.len() as f32;
    }
}

/// Pilots on either side of a smoothed one to choose from.
const REACHES: [usize; 4] = [2, 4, 8, 16];

/// The reach that comes closest to the channel, by Stein's unbiased estimate of the squared error at this noise.
fn best_reach(raw: &[Cf32; 60], noise: f32) -> usize {
    let (mut best, mut least) = (REACHES[0], f32::INFINITY);
    for reach in REACHES {
        let mut smoothed = [Cf32::default(); 60];
        smooth(raw, reach, &mut smoothed);
        let of_pilot = |i: usize| {
            let n = (i + reach + 1).min(60) - i.saturating_sub(reach);
            (raw[i] - smoothed[i]).norm_sqr() + 2.0 * noise / n as f32
        };
        let risk: f32 = (0..60).map(of_pilot).sum();
        if risk < least {
            (best, least) = (reach, risk);
        }
    }
    best
}

/// Noise variance from what smoothing over 2 `reach` + 1 values took away.
fn residual(raw: &[Cf32], smoothed: &[Cf32], reach: usize) -> f32 {
    let inner = reach..raw.len().saturating_sub(reach);
    let n = inner.len().max(1) as f32;
    let sum: f32 = inner.map(|i| (raw[i] - smoothed[i]).norm_sqr()).sum();
    sum / n / (1.0 - 1.0 / (2 * reach + 1) as f32)
}

/// Channel over the synchronisation signals from the PSS; returns the noise variance.
pub(super) fn pss_channel(y: &Block, n_id_2: u8, h: &mut [Cf32; SYNC_LEN]) -> f32 {
    let d = sync::pss(u16::from(n_id_2));
    let raw: [Cf32; SYNC_LEN] = core::array::from_fn(|i| y[0][SYNC_START + i] * d[i]);
    smooth(&raw, 5, h);
    residual(&raw, h, 5)
}

/// The pilots of symbol `l` in their order: subcarrier and index m.
pub(super) fn pilots_of(l: usize, comb: usize) -> impl Iterator<Item = (usize, usize)> {
    let (first, before) = [(0..0, 0), (0..60, 0), (0..24, 60), (0..60, 84)][l].clone();
    first.map(move |i| {
        let j = if l == 2 && i >= 12 { i + 36 } else { i };
        (4 * j + comb, before + i)
    })
}

/// The DM-RS that fits best: energy of sums over six neighbouring pilots, so that neither channel nor symbol phase matters.
pub(super) fn best_dmrs(y: &Block, pci: Pci, comb: usize) -> (u8, [Cf32; PBCH_DMRS]) {
    let mut best = (0, -1.0, [Cf32::default(); PBCH_DMRS]);
    for i_bar in 0..8 {
        let r = pbch_dmrs(pci, i_bar);
        let mut metric = 0.0;
        for l in 1..4 {
            let mut sum = Cf32::default();
            for (n, (k, m)) in pilots_of(l, comb).enumerate() {
                sum += y[l][k] * r[m].conj();
                if n % 6 == 5 {
                    metric += sum.norm_sqr();
                    sum = Cf32::default();
                }
            }
        }
        if metric > best.1 {
            best = (i_bar, metric, r);
        }
    }
    (best.0, best.2)
}

/// Channel of symbols 1 to 3 on every subcarrier; returns the noise variance.
///
/// Pilots of symbols 1 and 3 are joined after their common phase is taken out, the SSS and the pilots of symbol 2 are used for
/// symbol 2's phase.
fn block_channel(y: &Block, dmrs: &[Cf32; PBCH_DMRS], sss: &[f32; SYNC_LEN], comb: usize, h: &mut Block) -> f32 {
    let mut raw = [[Cf32::default(); 60]; 2];
    for (raw, l) in raw.iter_mut().zip([1, 3]) {
        for (raw, (k, m)) in raw.iter_mut().zip(pilots_of(l, comb)) {
            *raw = y[l][k] * dmrs[m].conj();
        }
    }
    let unit = |z: Cf32| if z.norm_sqr() > 0.0 { z / z.norm_sqr().sqrt() } else { Cf32::new(1.0, 0.0) };
    let between = unit(raw[0].iter().zip(&raw[1]).map(|(a, b)| b * a.conj()).sum());
    let joined: [Cf32; 60] = core::array::from_fn(|i| (raw[0][i] + raw[1][i] * between.conj()) * 0.5);
    // Smoothing hides part of the noise only where the channel is flat over its reach: across time it hides nothing.
    let difference: f32 = (0..60).map(|i| (raw[0][i] - raw[1][i] * between.conj()).norm_sqr()).sum::<f32>() / 120.0;
    let mut smoothed = [Cf32::default(); 60];
    let reach = best_reach(&joined, 0.5 * difference);
    smooth(&joined, reach, &mut smoothed);
    // Interpolate to every subcarrier, held beyond the outer pilots.
    for k in 0..SSB_SUBCARRIERS {
        let at = (k as f32 - comb as f32) / 4.0;
        let i = (at.max(0.0) as usize).min(58);
        let w = (at - i as f32).clamp(0.0, 1.0);
        h[1][k] = smoothed[i] * (1.0 - w) + smoothed[i + 1] * w;
    }
    let sides = pilots_of(2, comb).map(|(k, m)| y[2][k] * dmrs[m].conj() * h[1][k].conj());
    let middle = (0..SYNC_LEN).map(|i| y[2][SYNC_START + i] * sss[i] * h[1][SYNC_START + i].conj());
    let second = unit(sides.chain(middle).sum());
    for k in 0..SSB_SUBCARRIERS {
        h[2][k] = h[1][k] * second;
        h[3][k] = h[1][k] * between;
    }
    difference.max(f32::MIN_POSITIVE)
}
