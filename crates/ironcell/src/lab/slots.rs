//! Slots out of a recording: where each begins, what it is mixed by, and how its symbols turn.
//!
//! A base station starts every symbol with the carrier's phase at zero (TS 38.211 §5.4), so symbols turn against a receiver whose centre
//! is elsewhere.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | M | | absolute frequency of what is at zero after mixing |
//! | T | [`symbol_s`] | symbol with its short prefix |
//! | -M T | `turns` | phase from symbol to symbol |
//! | M 16 kappa T_c | `half` | phase of what follows the longer prefix in the middle of a 15 kHz slot |

use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use nr::{Numerology, SlotPoint};
use ofdm::{Carrier, CarrierError, Demodulator, Grid};
use phy::ssb::SsbMeasurement;

use super::recording::resample;

/// Samples beside a slot that resampling needs.
const MARGIN: f64 = 64.0;
/// Weight of one block in timing and phase.
const WEIGHT: f64 = 0.3;
/// SNR below which a block tells nothing.
const SNR_DB_MIN: f32 = 0.0;

/// Duration of a symbol with its short prefix.
pub fn symbol_s(numerology: Numerology) -> f64 {
    (1.0 + 9.0 / 128.0) / f64::from(numerology.scs_hz())
}

/// What the longer prefix is longer by: 16 kappa T_c. Spec: TS 38.211 §5.3.1
pub fn longer_prefix_s() -> f64 {
    16.0 * 64.0 / nr::Tc::PER_SECOND as f64
}

/// How the symbols of a carrier turn, in turns.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Turning {
    /// From symbol to symbol.
    pub turns: f64,
    /// From symbol 7 of a 15 kHz slot on, besides.
    pub half: f64,
}

impl Turning {
    /// Where the absolute frequency is known.
    pub fn of_frequency(hz: f64, numerology: Numerology) -> Turning {
        let turns = (-hz * symbol_s(numerology)).rem_euclid(1.0);
        Turning { turns, half: (hz * longer_prefix_s()).rem_euclid(1.0) }
    }

    /// The same at a place `hz` higher.
    pub fn moved(self, hz: f64, numerology: Numerology) -> Turning {
        let by = Turning::of_frequency(hz, numerology);
        Turning { turns: (self.turns + by.turns).rem_euclid(1.0), half: (self.half + by.half).rem_euclid(1.0) }
    }
}

/// Where slots lie in a recording.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Timing {
    /// SFN of the frame that `frame_start` begins.
    pub sfn: u16,
    /// First sample of the frame.
    pub frame_start: f64,
    /// The carrier's centre over the recording's.
    pub offset_hz: f64,
}

/// The carrier at the recording's rate, or at the next one that holds it.
pub fn carrier_for(numerology: Numerology, n_rb: usize, rate_hz: f64) -> Option<Carrier> {
    let fft_len = rate_hz / f64::from(numerology.scs_hz());
    let own = Carrier::with_fft_len(numerology, n_rb, fft_len.round() as usize, 0.0);
    match own {
        Ok(carrier) if (fft_len - fft_len.round()).abs() < 1e-9 => Some(carrier),
        _ => Carrier::new(numerology, n_rb, 0.0).ok(),
    }
}

/// The slots of a recording, one at a time.
pub struct Slots<'a> {
    samples: &'a [Cf32],
    rate_hz: f64,
    timing: Timing,
    isa: Isa,
    demodulator: Demodulator,
    grid: Grid,
    /// Bit l: symbol l of the present slot was recorded.
    recorded: u16,
    /// Where symbols were placed less where they are, samples of the carrier.
    rounded: f64,
}

impl<'a> Slots<'a> {
    /// Slots of `carrier`, whose centre frequency counts as zero.
    pub fn new(
        samples: &'a [Cf32],
        rate_hz: f64,
        timing: Timing,
        carrier: Carrier,
        isa: Isa,
    ) -> Result<Slots<'a>, CarrierError> {
        Ok(Slots {
            samples,
            rate_hz,
            timing,
            isa,
            demodulator: Demodulator::new(carrier, isa)?,
            grid: Grid::new(1, carrier.n_subcarriers()),
            recorded: 0,
            rounded: 0.0,
        })
    }

    /// The carrier.
    pub fn carrier(&self) -> &Carrier {
        self.demodulator.carrier()
    }

    /// The present slot's elements; zero where nothing was recorded.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Whether all of these symbols of the present slot were recorded.
    pub fn has(&self, first: u8, n: u8) -> bool {
        let mask = (1u32 << (first + n).min(14)) - (1u32 << first.min(14));
        u32::from(self.recorded) & mask == mask
    }

    /// The slot that is `n` after the first of the frame.
    pub fn slot(&self, n: i64) -> SlotPoint {
        SlotPoint::new(self.carrier().numerology(), u32::from(self.timing.sfn), 0).plus(n)
    }

    /// First sample of slot `n`.
    pub fn start(&self, n: i64) -> f64 {
        let carrier = self.carrier();
        let per_frame = i64::from(carrier.numerology().slots_per_frame());
        let in_frame = carrier.slot_start_in_frame(self.slot(n)) as f64 / f64::from(carrier.sample_rate_hz());
        self.timing.frame_start + (n.div_euclid(per_frame) as f64 * 0.01 + in_frame) * self.rate_hz
    }

    /// Seconds from the first sample to slot `n`.
    pub fn seconds(&self, n: i64) -> f64 {
        self.start(n) / self.rate_hz
    }

    /// Slots of which something was recorded, counted from the first of the frame.
    pub fn range(&self) -> std::ops::Range<i64> {
        let slot = 0.01 / f64::from(self.carrier().numerology().slots_per_frame()) * self.rate_hz;
        let at = |sample: f64| ((sample - self.timing.frame_start) / slot).floor() as i64;
        at(0.0) - 1..at(self.samples.len() as f64) + 2
    }

    /// The samples of the carrier around slot `n` at the carrier's rate, mixed to its centre, and where in them the slot begins.
    /// `None` if less than a symbol of it was recorded.
    pub fn samples(&self, n: i64) -> Option<(Vec<Cf32>, f64)> {
        let carrier = *self.carrier();
        let carrier_rate = f64::from(carrier.sample_rate_hz());
        let start = self.start(n);
        // The slot with a margin, as much of it as there is; the rest is silence.
        let first = (start - MARGIN).floor() as i64;
        let len = carrier.slot_len(self.slot(n));
        let wanted = (len as f64 / carrier_rate * self.rate_hz + 2.0 * MARGIN) as usize;
        let mut x = vec![Cf32::default(); wanted];
        let from = first.clamp(0, self.samples.len() as i64) as usize;
        let to = (first + wanted as i64).clamp(from as i64, self.samples.len() as i64) as usize;
        if to - from < (self.rate_hz / f64::from(carrier.numerology().scs_hz())) as usize {
            return None;
        }
        let at = (from as i64 - first) as usize;
        x[at..at + to - from].copy_from_slice(&self.samples[from..to]);
        Nco::new(-self.timing.offset_hz / self.rate_hz).mix(self.isa, &mut x);
        let lead = (start - first as f64) * carrier_rate / self.rate_hz;
        Some((resample(&x, self.rate_hz, carrier_rate), lead))
    }

    /// Demodulates slot `n`; symbols that were not recorded are zero. `None` if less than a symbol was.
    pub fn load(&mut self, n: i64) -> Option<SlotPoint> {
        let (carrier, slot) = (*self.carrier(), self.slot(n));
        let (x, lead) = self.samples(n)?;
        self.rounded = lead.round() - lead;
        let lead = lead.round() as usize;
        let advance = carrier.fft_len() * 9 / 128 / 4;
        let (start, scale) = (self.start(n), self.rate_hz / f64::from(carrier.sample_rate_hz()));
        self.recorded = 0;
        for l in 0..14 {
            let (at, len) = (carrier.symbol_start(slot, l), carrier.symbol_len(slot, l));
            let row = self.grid.symbol_mut(0, l);
            let symbol = x.get(lead + at..lead + at + len);
            let done = symbol.is_some_and(|s| self.demodulator.demodulate_symbol(slot, l, s, advance, row).is_ok());
            if !done {
                row.fill(Cf32::default());
            }
            // The window starts in the middle of the prefix: what is cut before it does no harm.
            let from = start + (at + carrier.cp_len(slot, l) / 2) as f64 * scale;
            let to = start + (at + len - advance) as f64 * scale;
            if done && from >= 0.0 && to <= self.samples.len() as f64 + 1.0 {
                self.recorded |= 1 << l;
            }
        }
        Some(slot)
    }

    /// Turns each symbol of the present slot.
    pub fn turn(&mut self, turns: impl Fn(usize) -> f64) {
        for l in 0..14 {
            let phasor = dsp::unit_phasor(turns(l));
            let phasor = Cf32::new(phasor.re as f32, phasor.im as f32);
            self.grid.symbol_mut(0, l).iter_mut().for_each(|z| *z *= phasor);
        }
    }

    /// Demodulates slot `n` and takes its symbols' turning away.
    pub fn load_turned(&mut self, n: i64, turning: Turning) -> Option<SlotPoint> {
        let slot = self.load(n)?;
        let long = self.carrier().numerology() == Numerology::KHZ15;
        self.turn(|l| -turning.turns * l as f64 + if long && l >= 7 { turning.half } else { 0.0 });
        Some(slot)
    }

    /// Follows the clock by a block of the present slot, and `turning` by its phases.
    pub fn track(&mut self, m: &SsbMeasurement, turning: &mut Turning) {
        let carrier = self.carrier();
        let late = f64::from(m.delay_symbols) * carrier.fft_len() as f64 + self.rounded;
        if m.snr_db() > SNR_DB_MIN && late.is_finite() && late.abs() < carrier.fft_len() as f64 / 16.0 {
            self.timing.frame_start += WEIGHT * late * self.rate_hz / f64::from(carrier.sample_rate_hz());
            turning.turns += WEIGHT * f64::from(m.turns_per_symbol);
        }
    }
}
