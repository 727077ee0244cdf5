//! Grid to samples and back. Spec: TS 38.211 §5.3.1, §5.4

use dsp::fft::{Direction, Plan};
use dsp::{Cf32, Isa, mix, unit_phasor, vector};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};

use crate::{Carrier, CarrierError, Grid};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// A slice that does not fit the carrier: a mistake of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthMismatch {
    /// What was given.
    pub what: &'static str,
    /// The length that fits.
    pub expected: usize,
    /// The length found.
    pub found: usize,
}

impl core::fmt::Display for LengthMismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "expected {} of {}, found {}", self.what, self.expected, self.found)
    }
}

impl core::error::Error for LengthMismatch {}

fn check(what: &'static str, expected: usize, found: usize) -> Result<(), LengthMismatch> {
    if expected == found { Ok(()) } else { Err(LengthMismatch { what, expected, found }) }
}

/// The phase factor of every symbol of a subframe: `[slot in subframe * 14 + l]`, conjugated for reception.
fn symbol_phases(carrier: &Carrier, conjugate: bool) -> Vec<Cf32> {
    let numerology = carrier.numerology();
    (0..numerology.slots_per_subframe())
        .flat_map(|s| (0..SYMBOLS_PER_SLOT).map(move |l| (SlotPoint::new(numerology, 0, s), l)))
        .map(|(slot, l)| {
            let phase = unit_phasor(carrier.symbol_turns(slot, l));
            Cf32::new(phase.re as f32, if conjugate { -phase.im as f32 } else { phase.im as f32 })
        })
        .collect()
}

/// Turns grids into samples. Allocates only when it is made.
#[derive(Clone, Debug)]
pub struct Modulator {
    carrier: Carrier,
    isa: Isa,
    plan: Plan,
    phases: Vec<Cf32>,
    scratch: Vec<Cf32>,
}

impl Modulator {
    /// Plans for `carrier`.
    ///
    /// Errors: `FftLen` if no transform has the carrier's length.
    pub fn new(carrier: Carrier, isa: Isa) -> Result<Modulator, CarrierError> {
        let fft_len = carrier.fft_len();
        let plan = Plan::unitary(fft_len, Direction::Inverse, isa).map_err(|_| CarrierError::FftLen { fft_len })?;
        let phases = symbol_phases(&carrier, false);
        let scratch = plan.make_scratch();
        Ok(Modulator { carrier, isa, plan, phases, scratch })
    }

    /// The carrier it was made for.
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// Modulates one port of a slot.
    ///
    /// Spec: TS 38.211 §5.3.1, §5.4 (phase compensation included)
    /// - `grid`  the carrier's subcarriers
    /// - `out`   overwritten                    `[carrier.slot_len(slot)]`
    ///
    /// Errors: `LengthMismatch` if grid, port or slice does not fit; then `out` is as it was.
    pub fn modulate(
        &mut self,
        slot: SlotPoint,
        grid: &Grid,
        port: usize,
        out: &mut [Cf32],
    ) -> Result<(), LengthMismatch> {
        check("subcarriers", self.carrier.n_subcarriers(), grid.n_subcarriers())?;
        check("samples", self.carrier.slot_len(slot), out.len())?;
        if port >= grid.n_ports() {
            return Err(LengthMismatch { what: "ports (more than)", expected: port, found: grid.n_ports() });
        }
        let mut rest = out;
        for l in 0..self.carrier.symbols_per_slot() {
            let (symbol, later) = rest.split_at_mut(self.carrier.symbol_len(slot, l));
            match grid.is_clear(port, l) {
                true => symbol.fill(ZERO),
                false => self.modulate_symbol(slot, l, grid.symbol(port, l), symbol)?,
            }
            rest = later;
        }
        Ok(())
    }

    /// Modulates one symbol with its cyclic prefix.
    ///
    /// - `l`            0..14, with the extended prefix 0..12
    /// - `subcarriers`  `[carrier.n_subcarriers()]`
    /// - `out`          overwritten   `[carrier.symbol_len(slot, l)]`
    ///
    /// Errors: `LengthMismatch` if a slice or `l` does not fit.
    pub fn modulate_symbol(
        &mut self,
        slot: SlotPoint,
        l: usize,
        subcarriers: &[Cf32],
        out: &mut [Cf32],
    ) -> Result<(), LengthMismatch> {
        let found = self.carrier.symbols_per_slot();
        if l >= found {
            return Err(LengthMismatch { what: "symbols (more than)", expected: l, found });
        }
        check("subcarriers", self.carrier.n_subcarriers(), subcarriers.len())?;
        check("samples", self.carrier.symbol_len(slot, l), out.len())?;
        let cp_len = self.carrier.cp_len(slot, l);
        let (prefix, useful) = out.split_at_mut(cp_len);
        let n = useful.len();
        if subcarriers.iter().all(|x| *x == ZERO) {
            prefix.fill(ZERO);
            useful.fill(ZERO);
            return Ok(());
        }
        let half = subcarriers.len() / 2;
        let (below, above) = subcarriers.split_at(half);
        useful[above.len()..n - half].fill(ZERO);
        useful[..above.len()].copy_from_slice(above);
        useful[n - half..].copy_from_slice(below);
        let phase = self.phases[self.carrier.slot_in_subframe(slot) * SYMBOLS_PER_SLOT + l];
        vector::rotate(self.isa, &mut useful[..above.len()], phase);
        vector::rotate(self.isa, &mut useful[n - half..], phase);
        self.plan.process(useful, &mut self.scratch);
        prefix.copy_from_slice(&useful[n - cp_len..]);
        Ok(())
    }
}

/// Turns samples into grids. Allocates only when it is made.
#[derive(Clone, Debug)]
pub struct Demodulator {
    carrier: Carrier,
    isa: Isa,
    plan: Plan,
    phases: Vec<Cf32>,
    scratch: Vec<Cf32>,
    buffer: Vec<Cf32>,
    /// exp(2 pi i (k - 6 n_rb) advance / fft_len) by grid subcarrier k.
    ramp: Vec<Cf32>,
    ramp_advance: usize,
}

impl Demodulator {
    /// Plans for `carrier`.
    ///
    /// Errors: `FftLen` if no transform has the carrier's length.
    pub fn new(carrier: Carrier, isa: Isa) -> Result<Demodulator, CarrierError> {
        let fft_len = carrier.fft_len();
        let plan = Plan::unitary(fft_len, Direction::Forward, isa).map_err(|_| CarrierError::FftLen { fft_len })?;
        Ok(Demodulator {
            isa,
            phases: symbol_phases(&carrier, true),
            scratch: plan.make_scratch(),
            buffer: vec![ZERO; fft_len],
            ramp: vec![Cf32::new(1.0, 0.0); carrier.n_subcarriers()],
            ramp_advance: 0,
            plan,
            carrier,
        })
    }

    /// The carrier it was made for.
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// Demodulates one port of a slot.
    ///
    /// Spec: TS 38.211 §5.3.1, §5.4 (phase compensation undone)
    /// - `samples`         the slot, from the start of its first prefix     `[carrier.slot_len(slot)]`
    /// - `window_advance`  samples by which the transform's window starts before the end of the prefix, 0 to the shortest
    ///   prefix; the phase ramp that it causes is undone
    /// - `grid`            this port overwritten
    ///
    /// Errors: `LengthMismatch` if something does not fit; then `grid` is as it was.
    pub fn demodulate(
        &mut self,
        slot: SlotPoint,
        samples: &[Cf32],
        window_advance: usize,
        grid: &mut Grid,
        port: usize,
    ) -> Result<(), LengthMismatch> {
        check("subcarriers", self.carrier.n_subcarriers(), grid.n_subcarriers())?;
        check("samples", self.carrier.slot_len(slot), samples.len())?;
        if port >= grid.n_ports() {
            return Err(LengthMismatch { what: "ports (more than)", expected: port, found: grid.n_ports() });
        }
        self.check_advance(window_advance)?;
        let mut rest = samples;
        for l in 0..self.carrier.symbols_per_slot() {
            let (symbol, later) = rest.split_at(self.carrier.symbol_len(slot, l));
            self.demodulate_symbol(slot, l, symbol, window_advance, grid.replace(port, l))?;
            rest = later;
        }
        Ok(())
    }

    /// Demodulates one symbol.
    ///
    /// - `l`            0..14, with the extended prefix 0..12
    /// - `samples`      from the start of the prefix        `[carrier.symbol_len(slot, l)]`
    /// - `subcarriers`  overwritten                         `[carrier.n_subcarriers()]`
    ///
    /// Errors: `LengthMismatch` if a slice, `l` or the advance (above `Carrier::cp_len_min`) does not fit.
    pub fn demodulate_symbol(
        &mut self,
        slot: SlotPoint,
        l: usize,
        samples: &[Cf32],
        window_advance: usize,
        subcarriers: &mut [Cf32],
    ) -> Result<(), LengthMismatch> {
        let found = self.carrier.symbols_per_slot();
        if l >= found {
            return Err(LengthMismatch { what: "symbols (more than)", expected: l, found });
        }
        check("subcarriers", self.carrier.n_subcarriers(), subcarriers.len())?;
        check("samples", self.carrier.symbol_len(slot, l), samples.len())?;
        let n = self.carrier.fft_len();
        self.check_advance(window_advance)?;
        self.set_ramp(window_advance);
        let start = self.carrier.cp_len(slot, l) - window_advance;
        self.plan.process_into(&samples[start..start + n], &mut self.buffer, &mut self.scratch);
        let half = subcarriers.len() / 2;
        let (below, above) = subcarriers.split_at_mut(half);
        below.copy_from_slice(&self.buffer[n - half..]);
        above.copy_from_slice(&self.buffer[..above.len()]);
        let phase = self.phases[self.carrier.slot_in_subframe(slot) * SYMBOLS_PER_SLOT + l];
        if window_advance == 0 {
            vector::rotate(self.isa, subcarriers, phase);
        } else {
            mix::turn_by_table(self.isa, subcarriers, &self.ramp, phase);
        }
        Ok(())
    }

    fn check_advance(&self, window_advance: usize) -> Result<(), LengthMismatch> {
        let shortest = self.carrier.cp_len_min();
        if window_advance > shortest {
            let what = "an advance of the window up to";
            return Err(LengthMismatch { what, expected: shortest, found: window_advance });
        }
        Ok(())
    }

    fn set_ramp(&mut self, advance: usize) {
        if self.ramp_advance == advance {
            return;
        }
        let n = self.carrier.fft_len() as i64;
        let half = self.carrier.n_subcarriers() as i64 / 2;
        for (k, turn) in self.ramp.iter_mut().enumerate() {
            let turns = ((k as i64 - half) * advance as i64).rem_euclid(n);
            let phasor = unit_phasor(turns as f64 / n as f64);
            *turn = Cf32::new(phasor.re as f32, phasor.im as f32);
        }
        self.ramp_advance = advance;
    }
}
