//! Positioning reference signals: sent, and their time of arrival.
//!
//! - [`transmit`] writes a resource into a grid; [`is_sent`] says when, with its repetitions and muting.
//! - [`PrsReceiver`] estimates when the first path arrived.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | K_comb^PRS | `comb` | comb | 2, 4, 6, 12 |
//! | L_PRS | `n_symbols` | symbols | 2, 4, 6, 12 |
//! | k_offset^PRS | `offset` | first subcarrier of the comb | 0..K_comb |
//! | k' | `shift` | shift of the comb in a symbol, table 7.4.1.7.3-1 | |
//! | n_ID,seq^PRS | `n_id` | | 0..=4095 |
//!
//! Left out: beams, several positioning frequency layers, extended cyclic prefix. Spec: TS 38.211 §7.4.1.7

#[cfg(test)]
mod tests;

use crate::estimate::ChannelError;
use crate::sequences::Gold;
use dsp::fft::Plan;
use dsp::{Cf32, Direction, Isa};
use nr::SlotPoint;
use ofdm::Grid;

/// Most subcarriers of a resource: 272 RBs.
const SUBCARRIERS_MAX: usize = 272 * 12;
/// Lags: four to a sample of the widest resource.
const LAGS: usize = 16384;

/// A DL PRS resource in a slot. Spec: TS 38.211 §7.4.1.7, TS 38.214 §5.1.6.5
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PrsResource {
    /// dl-PRS-SequenceID, 0..=4095.
    pub n_id: u16,
    /// Comb size: 2, 4, 6, 12.
    pub comb: u8,
    /// dl-PRS-CombSizeN-AndReOffset, below the comb size.
    pub offset: u8,
    /// First symbol.
    pub start_symbol: u8,
    /// Symbols: 2, 4, 6, 12.
    pub n_symbols: u8,
    /// First RB from the carrier's lowest RB.
    pub start_rb: u16,
    /// RBs, 24 to 272 in steps of 4.
    pub n_rb: u16,
    /// Power over the SSB's elements, dB.
    pub power_offset_db: f32,
}

/// When a resource is sent. Spec: TS 38.214 §5.1.6.5, TS 38.211 §7.4.1.7.4
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PrsSchedule {
    /// T_per, slots.
    pub period_slots: u32,
    /// T_offset + T_offset,res, slots.
    pub offset_slots: u32,
    /// dl-PRS-ResourceRepetitionFactor: 1, 2, 4, 6, 8, 16, 32.
    pub repetitions: u8,
    /// dl-PRS-ResourceTimeGap, slots.
    pub gap_slots: u32,
    /// mutingOption1: bitmap (bit i of it is its bit b_i), its bits (0: none) and T_muting, periods a bit.
    pub muting1: (u32, u8, u8),
    /// mutingOption2: bit i is repetition i, with its bits (0: none).
    pub muting2: (u32, u8),
}

/// Whether a repetition of the resource lies in `slot`, unmuted. Spec: TS 38.211 §7.4.1.7.4
pub fn is_sent(s: &PrsSchedule, slot: SlotPoint) -> bool {
    let (period, gap) = (s.period_slots.max(1), s.gap_slots.max(1));
    let index = slot.index();
    let since = (i64::from(index) - i64::from(s.offset_slots)).rem_euclid(i64::from(period)) as u32;
    let (repetition, rest) = (since / gap, since % gap);
    if rest != 0 || repetition >= u32::from(s.repetitions.max(1)) {
        return false;
    }
    let (map1, bits1, times) = s.muting1;
    let instance = (i64::from(index) - i64::from(s.offset_slots)).div_euclid(i64::from(period)).max(0) as u32;
    let i1 = instance / u32::from(times.max(1)) % u32::from(bits1.max(1));
    let (map2, bits2) = s.muting2;
    let i2 = repetition % u32::from(bits2.max(1));
    (bits1 == 0 || map1 >> i1.min(31) & 1 == 1) && (bits2 == 0 || map2 >> i2.min(31) & 1 == 1)
}

/// k' of a symbol. Spec: TS 38.211 table 7.4.1.7.3-1
fn shift(comb: u8, symbol: u8) -> u8 {
    let row: &[u8] = match comb {
        2 => &[0, 1],
        4 => &[0, 2, 1, 3],
        6 => &[0, 3, 1, 4, 2, 5],
        _ => &[0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11],
    };
    row[usize::from(symbol) % row.len()]
}

impl PrsResource {
    /// Checks it against a carrier, once, at configuration time. Spec: TS 38.211 §7.4.1.7.3, TS 38.214 §5.1.6.5
    pub fn check(&self, n_subcarriers: usize) -> Result<(), ChannelError> {
        let pairs = [(2, 2), (2, 4), (2, 6), (2, 12), (4, 4), (4, 12), (6, 6), (6, 12), (12, 12)];
        let (end, last) = (
            12 * (usize::from(self.start_rb) + usize::from(self.n_rb)),
            self.start_symbol.saturating_add(self.n_symbols),
        );
        let problem = match self {
            r if !pairs.contains(&(r.comb, r.n_symbols)) => "PRS comb and symbols (TS 38.211 table 7.4.1.7.3-1)",
            r if r.offset >= r.comb => "PRS comb offset (TS 38.211 §7.4.1.7.3)",
            r if !(24..=272).contains(&r.n_rb) || !r.n_rb.is_multiple_of(4) => "PRS bandwidth (TS 38.214 §5.1.6.5)",
            r if r.n_id > 4095 => "PRS sequence identity (TS 38.211 §7.4.1.7.2)",
            _ if end > n_subcarriers || last > 14 => "PRS outside the carrier or the slot",
            _ => return Ok(()),
        };
        Err(ChannelError::Invalid(problem))
    }

    /// Calls `f(subcarrier, r)` for the elements of symbol `l` of the slot; `offset_to_carrier` is the common RB of the carrier's lowest RB.
    fn for_elements(&self, slot: SlotPoint, l: u8, offset_to_carrier: u16, mut f: impl FnMut(usize, Cf32)) {
        let n_id = u64::from(self.n_id);
        let low = n_id % 1024;
        let symbol = 14 * u64::from(slot.slot()) + u64::from(l) + 1;
        let c_init = (n_id / 1024 << 22) + (symbol * (2 * low + 1) << 10) + low;
        let comb = usize::from(self.comb.max(1));
        let per_rb = 12 / comb;
        let first = (usize::from(self.start_rb) + usize::from(offset_to_carrier)) * per_rb;
        let mut gold = Gold::starting_at((c_init & 0x7fff_ffff) as u32, 2 * first);
        let k0 = usize::from((self.offset + shift(self.comb, l - self.start_symbol)) % self.comb.max(1));
        let mut r = [Cf32::default(); 12];
        for rb in 0..usize::from(self.n_rb) {
            gold.pilots(&mut r[..per_rb]);
            for (i, r) in r[..per_rb].iter().enumerate() {
                f(12 * (usize::from(self.start_rb) + rb) + comb * i + k0, *r);
            }
        }
    }

    fn symbols(&self) -> core::ops::Range<u8> {
        self.start_symbol..self.start_symbol.saturating_add(self.n_symbols)
    }
}

/// Writes the resource into port 0 of `grid`; other elements stay.
///
/// Errors: [`ChannelError`] as [`PrsResource::check`]. Spec: TS 38.211 §7.4.1.7
pub fn transmit(p: &PrsResource, slot: SlotPoint, offset_to_carrier: u16, grid: &mut Grid) -> Result<(), ChannelError> {
    p.check(grid.n_subcarriers())?;
    let amplitude = libm::powf(10.0, p.power_offset_db / 20.0);
    for l in p.symbols() {
        let row = grid.symbol_mut(0, usize::from(l));
        p.for_elements(slot, l, offset_to_carrier, |k, r| row[k] = r * amplitude);
    }
    Ok(())
}

/// When a positioning signal arrived.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arrival {
    /// First path after the receiver's symbol start, seconds; negative is early.
    pub delay_s: f64,
    /// The strongest path, likewise.
    pub strongest_s: f64,
    /// Power of the strongest path over the mean of all lags, dB: below about 10 dB there is nothing.
    pub peak_db: f32,
    /// Mean received power of a resource element, linear. Spec: TS 38.215 §5.1.28 (DL PRS-RSRP)
    pub rsrp: f32,
}

/// Estimates times of arrival; owns its plan and scratch.
pub struct PrsReceiver {
    plan: Plan,
    scratch: Vec<Cf32>,
    lags: Vec<Cf32>,
}

/// A first path this far below the strongest still counts, dB.
const FIRST_PATH_DB: f32 = 12.0;

impl PrsReceiver {
    /// Makes the plan; `None` if the transform's size is not supported on this machine.
    pub fn new(isa: Isa) -> Option<Self> {
        let plan = Plan::unitary(LAGS, Direction::Inverse, isa).ok()?;
        Some(Self { scratch: plan.make_scratch(), plan, lags: vec![Cf32::default(); LAGS] })
    }

    /// Finds the first path of the resource in port 0 of `grid`: the channel on all its subcarriers, which the shifted combs fill, turned
    /// into time. No allocation. Elements that are no number count as zero.
    ///
    /// Errors: [`ChannelError`] as [`PrsResource::check`]. Range of delays: half a symbol either way, over the comb's size if it is not filled.
    pub fn arrival(
        &mut self,
        p: &PrsResource,
        slot: SlotPoint,
        offset_to_carrier: u16,
        grid: &Grid,
    ) -> Result<Arrival, ChannelError> {
        p.check(grid.n_subcarriers())?;
        let first = 12 * usize::from(p.start_rb);
        let n = (12 * usize::from(p.n_rb)).min(SUBCARRIERS_MAX);
        self.lags.fill(Cf32::default());
        let (mut power, mut count) = (0.0f64, 0usize);
        for l in p.symbols() {
            let row = grid.symbol(0, usize::from(l));
            let lags = &mut self.lags;
            p.for_elements(slot, l, offset_to_carrier, |k, r| {
                let y = row[k] * r.conj();
                if y.re.abs() < 1e15 && y.im.abs() < 1e15 {
                    lags[k - first] += y;
                    power += f64::from(y.norm_sqr());
                }
                count += 1;
            });
        }
        // A window over the band, so that a strong late path does not look like a weak early one.
        for (k, h) in self.lags[..n].iter_mut().enumerate() {
            let x = (k as f64 + 0.5) / n as f64;
            *h *= (0.5 - 0.5 * libm::cos(core::f64::consts::TAU * x)) as f32;
        }
        self.plan.process(&mut self.lags, &mut self.scratch);
        let (mut best, mut total) = ((0, 0.0f32), 0.0f64);
        for (i, h) in self.lags.iter().enumerate() {
            let p = h.norm_sqr();
            total += f64::from(p);
            best = if p > best.1 { (i, p) } else { best };
        }
        let mean = (total / LAGS as f64) as f32;
        let threshold = (best.1 * libm::powf(10.0, -FIRST_PATH_DB / 10.0)).max(12.0 * mean).min(best.1);
        // Back from the strongest through a quarter of the range: the earliest local peak above the threshold.
        let at = |i: i64| self.lags[i.rem_euclid(LAGS as i64) as usize].norm_sqr();
        let mut earliest = best.0 as i64;
        for i in (best.0 as i64 - LAGS as i64 / 4..best.0 as i64).rev() {
            if at(i) >= threshold && at(i) > at(i - 1) && at(i) >= at(i + 1) {
                earliest = i;
            }
        }
        let seconds = |i: i64| {
            let (a, b, c) = (at(i - 1).sqrt(), at(i).sqrt(), at(i + 1).sqrt());
            let curve = a - 2.0 * b + c;
            let fraction = if curve.abs() > f32::MIN_POSITIVE { (0.5 * (a - c) / curve).clamp(-0.5, 0.5) } else { 0.0 };
            let lag = if i.rem_euclid(LAGS as i64) > LAGS as i64 / 2 {
                i.rem_euclid(LAGS as i64) - LAGS as i64
            } else {
                i.rem_euclid(LAGS as i64)
            };
            (lag as f64 + f64::from(fraction)) / (LAGS as f64 * f64::from(slot.numerology().scs_hz()))
        };
        let boost = f64::from(libm::powf(10.0, p.power_offset_db / 10.0));
        Ok(Arrival {
            delay_s: seconds(earliest),
            strongest_s: seconds(best.0 as i64),
            peak_db: 10.0 * libm::log10f((best.1 / mean.max(f32::MIN_POSITIVE)).max(1e-9)),
            rsrp: (power / count.max(1) as f64 / boost) as f32,
        })
    }
}
