//! PUSCHs that come early or late: in steps from slot to slot, or from a terminal that moves and is told to advance, beside one that stands.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | TO | [`Timing::Cycling`] | time offset of MsgA |
//! | A, Delta omega | [`Timing::Moving`] | the arrival moves by A/2 sin(Delta omega t) |
//! | T_A | `advance_tc` | in steps of 16 64 T_c / 2^mu, as the receiver's own estimates command |
//!
//! Spec: TS 38.104 §8.2.5, §8.2.9, §G.4; TS 38.213 §4.2

use dsp::Isa;
use dsp::mix::Nco;
use fapi::{PuschPdu, RbAllocation};
use nr::{Rnti, SlotPoint, Tc};
use ofdm::{Carrier, Grid};
use phy::pusch::PuschTransmitter;

use crate::LinkError;
use crate::propagation::{Antennas, Propagation, Radio};
use crate::shared::SharedCase;

/// How the timing of a PUSCH changes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Timing {
    /// From 0 on, 0.1 us more each slot, and again; each slot has a channel of its own.
    Cycling {
        /// Last offset, microseconds.
        last_us: f64,
    },
    /// A terminal that moves, and the one that stands in the resource blocks above.
    Moving {
        /// A, microseconds.
        amplitude_us: f64,
        /// Radians a second.
        rad_per_s: f64,
    },
}

/// Step of a cycling offset, microseconds.
const CYCLE_US: f64 = 0.1;
/// Slots whose timing errors a command is the mean of.
const SLOTS_OF_A_COMMAND: u32 = 4;

/// The timing of a PUSCH under simulation.
pub(crate) struct Clock {
    timing: Timing,
    neighbour: Option<Neighbour>,
    scs_hz: f64,
    step_tc: i64,
    /// Of the movement, radians.
    phase: f64,
    time_s: f64,
    advance_tc: i64,
    /// Timing errors since the last command.
    errors: (i64, u32),
    n: u32,
}

impl Clock {
    /// Of the PUSCH of `case`.
    ///
    /// Errors: a carrier or channel that cannot be.
    pub fn new(timing: Timing, case: &SharedCase, carrier: Carrier, isa: Isa) -> Result<Clock, LinkError> {
        let neighbour = match timing {
            Timing::Cycling { .. } => None,
            Timing::Moving { .. } => Some(Neighbour::new(case, carrier, isa)?),
        };
        let step_tc = 16 * 64 / i64::from(case.numerology.scs_hz() / 15_000).max(1);
        let scs_hz = f64::from(case.numerology.scs_hz());
        Ok(Clock { timing, neighbour, scs_hz, step_tc, phase: 0.0, time_s: 0.0, advance_tc: 0, errors: (0, 0), n: 0 })
    }

    /// Starts anew somewhere on the way, with the timing advance that fits there.
    pub fn reseed(&mut self, seed: u64) {
        let mut state = seed;
        self.phase = core::f64::consts::TAU * (dsp::noise::split_mix_64(&mut state) as f64 / u64::MAX as f64);
        (self.time_s, self.errors, self.advance_tc) = (0.0, (0, 0), 0);
        self.n = (dsp::noise::split_mix_64(&mut state) >> 40) as u32;
        if let Timing::Moving { .. } = self.timing {
            let steps = self.delay_s() * Tc::PER_SECOND as f64 / self.step_tc as f64;
            self.advance_tc = libm::round(steps) as i64 * self.step_tc;
        }
        if let Some(neighbour) = &mut self.neighbour {
            neighbour.state = dsp::noise::split_mix_64(&mut state);
            neighbour.radio.reseed(dsp::noise::split_mix_64(&mut state));
        }
    }

    /// How late the PUSCH is, seconds.
    fn delay_s(&self) -> f64 {
        match self.timing {
            Timing::Cycling { last_us } => {
                let n_steps = libm::round(last_us / CYCLE_US) as u32 + 1;
                f64::from(self.n % n_steps) * CYCLE_US * 1e-6
            }
            Timing::Moving { amplitude_us, rad_per_s } => {
                let way = 0.5e-6 * amplitude_us * libm::sin(self.phase + rad_per_s * self.time_s);
                way - self.advance_tc as f64 / Tc::PER_SECOND as f64
            }
        }
    }

    /// Makes what is sent as late as it is now: well within a cyclic prefix, so a turn of the subcarriers is a delay.
    pub fn apply(&self, isa: Isa, sent: &mut Grid) {
        let turns = -self.scs_hz * self.delay_s();
        for port in 0..sent.n_ports() {
            for l in 0..nr::SYMBOLS_PER_SLOT {
                Nco::new(turns).mix(isa, sent.symbol_mut(port, l));
            }
        }
    }

    /// What the standing terminal adds to a slot.
    ///
    /// Errors: what the physical layer says of it.
    pub fn neighbour(&mut self, slot: SlotPoint) -> Result<Option<&Grid>, LinkError> {
        self.neighbour.as_mut().map(|n| n.slot(slot)).transpose()
    }

    /// The receiver's timing error of a slot; time goes on by `seconds`. True if the channel is to be another in the next slot.
    pub fn heard(&mut self, error_tc: i32, seconds: f64) -> bool {
        self.n = self.n.wrapping_add(1);
        self.time_s += seconds;
        self.errors = (self.errors.0 + i64::from(error_tc), self.errors.1 + 1);
        if self.errors.1 == SLOTS_OF_A_COMMAND {
            let mean = self.errors.0 as f64 / f64::from(SLOTS_OF_A_COMMAND);
            if let Timing::Moving { .. } = self.timing {
                self.advance_tc += libm::round(mean / self.step_tc as f64) as i64 * self.step_tc;
            }
            self.errors = (0, 0);
        }
        matches!(self.timing, Timing::Cycling { .. })
    }
}

/// The terminal that stands. Spec: TS 38.104 table 8.2.5-1
struct Neighbour {
    pdu: PuschPdu,
    transmitter: PuschTransmitter,
    radio: Radio,
    sent: Grid,
    tb: Vec<u8>,
    state: u64,
}

impl Neighbour {
    fn new(case: &SharedCase, carrier: Carrier, isa: Isa) -> Result<Neighbour, LinkError> {
        let mut pdu = case.pusch();
        pdu.rbs = RbAllocation::Contiguous { start: case.first_rb + case.n_rb, n_rb: case.n_rb };
        (pdu.rnti, pdu.dmrs.n_id, pdu.dmrs.n_scid, pdu.n_id) = (Rnti(2), 1, 1, 1);
        let antennas = Antennas { n_tx: 1, ..case.antennas };
        Ok(Neighbour {
            pdu,
            transmitter: PuschTransmitter::new(isa, case.carrier_rb.into(), 1),
            radio: Radio::new(carrier, antennas, Propagation::AWGN, isa)?,
            sent: Grid::new(1, carrier.n_subcarriers()),
            tb: vec![0; case.tbs_bits as usize / 8],
            state: 0,
        })
    }

    fn slot(&mut self, slot: SlotPoint) -> Result<&Grid, LinkError> {
        for bytes in self.tb.chunks_mut(8) {
            let word = dsp::noise::split_mix_64(&mut self.state).to_le_bytes();
            bytes.copy_from_slice(&word[..bytes.len()]);
        }
        self.sent.clear();
        let done = self.transmitter.transmit(&self.pdu, &self.tb, &[], &[], slot, &mut self.sent);
        done.map_err(LinkError::new)?;
        self.radio.slot(slot, &self.sent, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{self, Case};

    fn clock(test: &str) -> Clock {
        let all = conformance::bs().unwrap();
        let found = all.iter().find_map(|r| match r.case {
            Case::Timed(case, timing) if r.test.contains(test) => Some((case, timing)),
            _ => None,
        });
        let (case, timing) = found.unwrap();
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).unwrap();
        Clock::new(timing, &case, carrier, Isa::best()).unwrap()
    }

    #[test] // Spec: TS 38.104 §G.4 (the timing difference after commands), TS 38.213 §4.2 (steps)
    fn commands_follow_the_movement() {
        let mut clock = clock("scenario Z");
        for seed in 0..40 {
            clock.reseed(seed);
            for _ in 0..400 {
                assert!(clock.delay_s().abs() < 0.6e-6, "{}", clock.delay_s());
                let error = clock.delay_s() * Tc::PER_SECOND as f64;
                clock.heard(error as i32, 0.05);
            }
        }
    }

    #[test] // Spec: TS 38.104 table 8.2.9.1-1 (time offset cycling from 0 to 3.8 us)
    fn offsets_cycle() {
        let mut clock = clock("10 MHz 15 kHz type A 1x2 TDLC300-100 G-FR1-A8-1");
        clock.reseed(1);
        let mut seen = Vec::new();
        for _ in 0..39 {
            seen.push(libm::round(clock.delay_s() * 1e7) as u32);
            assert!(clock.heard(0, 1e-3));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..39).collect::<Vec<_>>());
    }
}
