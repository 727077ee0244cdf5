//! Frame timing, carrier offset and gain of the cell that is served.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | t_n | `start` | the UE's count at which the next slot starts, with fraction |
//! | delta f | `cfo_hz` | what is received lies so much above its nominal place |
//! | f_c | `centre_hz` | nominal centre of the downlink carrier |
//! | e | -delta f / f_c | error of the UE's oscillator against the cell's: one oscillator makes carrier and samples |
//!
//! A slot of T seconds has T f_s (1 + e) samples: the carrier offset foretells the drift of the timing, so that the timing loop has only its
//! own errors to take out.

use fapi::CellConfig;
use nr::SlotPoint;
use ofdm::Carrier;
use phy::ssb::SsbMeasurement;

/// Q_out and Q_in as SNR of the SS/PBCH block, dB: a PDCCH of level 8 is lost in 10 % and 2 % of all cases. Spec: TS 38.133 §8.1.1
const Q_OUT_DB: f32 = -7.0;
const Q_IN_DB: f32 = -4.5;
/// Weights of a new measurement in the loops: blocks, DM-RS of a decoded PDSCH, CSI-RS for tracking.
const SSB_WEIGHT: f64 = 0.4;
const DATA_WEIGHT: f64 = 0.08;
const TRACKING_WEIGHT: f64 = 0.3;
/// Weight of a new block in the filtered power (layer 3 filtering, TS 38.331 §5.5.3.2 with k = 4).
const L3_WEIGHT: f32 = 0.5;

/// Timing, frequency and quality of the served cell.
#[derive(Clone, Debug)]
pub struct Sync {
    /// The next slot.
    pub next: SlotPoint,
    /// The UE's count at which it starts.
    pub start: f64,
    /// Carrier frequency offset at the downlink's centre, Hz.
    pub cfo_hz: f64,
    /// Samples are multiplied by this before anything else, so that elements have about unit power.
    pub gain: f32,
    centre_hz: f64,
    rate_hz: f64,
    fft_len: f64,
    symbol_s: f64,
    n_blocks: u32,
    snr_db: f32,
    in_sync: bool,
    /// Filtered power of a resource element after `gain`.
    rsrp: f32,
    /// Noise variance of a resource element after `gain`, from the last block.
    noise_var: f32,
}

impl Sync {
    /// Timing of `carrier` from where slot `next` starts.
    pub fn new(carrier: &Carrier, next: SlotPoint, start: f64, cfo_hz: f64, rsrp: f32, snr_db: f32) -> Sync {
        let rate_hz = f64::from(carrier.sample_rate_hz());
        let gain = gain_for(rsrp);
        Sync {
            next,
            start,
            cfo_hz,
            gain,
            centre_hz: carrier.centre_hz(),
            rate_hz,
            fft_len: carrier.fft_len() as f64,
            symbol_s: carrier.fft_len() as f64 * (1.0 + 9.0 / 128.0) / rate_hz,
            n_blocks: 0,
            snr_db,
            in_sync: true,
            rsrp: rsrp * gain * gain,
            noise_var: 0.0,
        }
    }

    /// The same cell on another carrier: the radio was retuned at the UE's count `at`.
    pub fn retuned(&self, carrier: &Carrier, at: i64) -> Sync {
        let rate_hz = f64::from(carrier.sample_rate_hz());
        let mut s = self.clone();
        s.cfo_hz *= carrier.centre_hz() / self.centre_hz;
        s.start = at as f64 + (self.start - at as f64) * rate_hz / self.rate_hz;
        s.centre_hz = carrier.centre_hz();
        // A longer transform gathers more of everything.
        s.rsrp *= (carrier.fft_len() as f64 / self.fft_len) as f32;
        s.noise_var = 0.0;
        s.rate_hz = rate_hz;
        s.fft_len = carrier.fft_len() as f64;
        s.symbol_s = s.fft_len * (1.0 + 9.0 / 128.0) / rate_hz;
        if self.next.numerology() != carrier.numerology() {
            s.next = SlotPoint::new(carrier.numerology(), self.next.sfn(), 0);
            let into_frame = self.next.slot() as f64 * self.next.numerology().slot_tc().as_secs_f64();
            s.start -= into_frame * rate_hz;
        }
        s
    }

    /// Samples of the UE in one sample of the cell, less 1.
    fn drift(&self) -> f64 {
        -self.cfo_hz / self.centre_hz
    }

    /// First sample of the next slot, rounded.
    pub fn start_count(&self) -> i64 {
        libm::round(self.start) as i64
    }

    /// Count at which the slot `n` after the next starts.
    pub fn start_of(&self, carrier: &Carrier, n: i64) -> f64 {
        let len: usize = (0..n).map(|i| carrier.slot_len(self.next.plus(i))).sum();
        self.start + len as f64 * (1.0 + self.drift())
    }

    /// Goes on to the slot after.
    pub fn advance(&mut self, carrier: &Carrier) {
        self.start = self.start_of(carrier, 1);
        self.next = self.next.plus(1);
    }

    /// Seconds of delay found in the slot that was just received move the timing.
    fn pull(&mut self, delay_s: f64, turns_per_symbol: Option<f64>, weight: f64) {
        let delay = (delay_s * self.rate_hz).clamp(-0.02 * self.fft_len, 0.02 * self.fft_len);
        if delay.is_finite() {
            self.start += weight * delay;
        }
        let Some(turns) = turns_per_symbol else { return };
        let hz = turns / self.symbol_s;
        if hz.is_finite() {
            self.cfo_hz += weight * hz;
        }
    }

    /// Takes a block of the cell, found in the slot just received, whose symbols were placed by [`Sync::start_count`] with the
    /// rounding `rounded` (count less `start`). Returns whether the block was there.
    pub fn on_block(&mut self, m: &SsbMeasurement, rounded: f64) -> bool {
        let snr_db = m.snr_db();
        self.snr_db = if snr_db.is_finite() { snr_db } else { -30.0 };
        let there = self.snr_db > Q_OUT_DB;
        self.noise_var = m.noise_var;
        self.in_sync = if self.in_sync { there } else { self.snr_db > Q_IN_DB };
        if !there {
            return false;
        }
        // The first blocks count more: what the search found at its own rate is refined.
        self.n_blocks += 1;
        let weight = (1.0 / f64::from(self.n_blocks)).max(SSB_WEIGHT);
        let delay_s = (f64::from(m.delay_symbols) * self.fft_len + rounded) / self.rate_hz;
        self.pull(delay_s, Some(f64::from(m.turns_per_symbol)), weight);
        self.rsrp += L3_WEIGHT * (m.rsrp - self.rsrp);
        true
    }

    /// Takes the DM-RS of a PDSCH whose CRC holds.
    pub fn on_data(&mut self, delay_s: f64, turns_per_symbol: Option<f32>, rounded: f64) {
        self.pull(delay_s + rounded / self.rate_hz, turns_per_symbol.map(f64::from), DATA_WEIGHT);
    }

    /// Takes a tracking set of CSI-RS.
    pub fn on_tracking(&mut self, delay_s: f64, turns_per_symbol: f64, rounded: f64) {
        if self.in_sync {
            self.pull(delay_s + rounded / self.rate_hz, Some(turns_per_symbol), TRACKING_WEIGHT);
        }
    }

    /// Noise variance of a resource element, from the last block; `None` before there was one.
    ///
    /// It compares symbols, so that a channel that changes over the subcarriers is no noise to it.
    pub fn noise_var(&self) -> Option<f32> {
        (self.noise_var > 0.0).then_some(self.noise_var)
    }

    /// Changes the gain where the power has left -6 to +6 dB; between slots only.
    pub fn settle_gain(&mut self) {
        if self.rsrp > 4.0 || (self.rsrp < 0.25 && self.rsrp > 0.0) {
            let change = gain_for(self.rsrp);
            self.gain *= change;
            self.rsrp *= change * change;
            self.noise_var *= change * change;
        }
    }

    /// Filtered SS-RSRP, dBm: an element's power is 1/N of what the unitary transform shows.
    pub fn rsrp_dbm(&self) -> f32 {
        let linear = f64::from(self.rsrp) / (f64::from(self.gain) * f64::from(self.gain)) / self.fft_len;
        (10.0 * libm::log10(linear.max(1e-30))) as f32
    }

    /// SNR of the last block, dB.
    pub fn snr_db(&self) -> f32 {
        self.snr_db
    }

    /// Whether the link is good enough to go on. Spec: TS 38.133 §8.1
    pub fn in_sync(&self) -> bool {
        self.in_sync
    }

    /// The oscillator's error as a factor of a carrier frequency: add it to what is sent, take it from what is received.
    pub fn offset_at(&self, hz: f64) -> f64 {
        self.cfo_hz * hz / self.centre_hz
    }
}

/// A power of two that brings elements of power `rsrp` near 1.
fn gain_for(rsrp: f32) -> f32 {
    if !(rsrp > 1e-30 && rsrp < 1e30) {
        return 1.0;
    }
    libm::exp2f(libm::roundf(-0.5 * libm::log2f(rsrp)))
}

/// The UE's count at which the frame of a block starts, from where the useful part of its PSS does; `rate_hz` is that of the counts.
///
/// Spec: TS 38.213 §4.1
pub fn frame_start(cell: &CellConfig, ssb_index: u8, half_frame: bool, pss_count: f64, rate_hz: f64) -> Option<f64> {
    let mu = cell.ssb.numerology;
    let symbol = fapi::resolve::ssb_first_symbol(cell.ssb.case, ssb_index)?;
    let (slot, l) = (u32::from(symbol) / 14, usize::from(symbol) % 14);
    let half = if half_frame { mu.slots_per_frame() / 2 } else { 0 };
    let slot = SlotPoint::new(mu, 0, half + slot);
    // Any carrier of the block's numerology counts symbols exactly; this one has 2048 samples in each.
    let c = Carrier::with_fft_len(mu, 20, 2048, 0.0).ok()?;
    let samples = c.slot_start_in_frame(slot) + c.symbol_start(slot, l) + c.cp_len(slot, l);
    Some(pss_count - samples as f64 / f64::from(c.sample_rate_hz()) * rate_hz)
}
