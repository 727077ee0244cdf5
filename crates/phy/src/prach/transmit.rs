//! The transmitter of PRACH.

use super::{N_PREAMBLES, PrachGeometry, sequence};
use crate::estimate::ChannelError;
use dsp::fft::{Direction, Plan};
use dsp::{Cf32, Isa, unit_phasor};
use fapi::{CellConfig, PrachOccasion};
use nr::SlotPoint;
use ofdm::Carrier;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// Makes preambles as samples. Nothing is allocated in a call once the longest occasion was seen.
pub struct PrachTransmitter {
    geometry: PrachGeometry,
    plan: Plan,
    scratch: Vec<Cf32>,
    bins: Vec<Cf32>,
    sequence: Vec<Cf32>,
}

impl PrachTransmitter {
    /// For the cell's random access configuration on an uplink carrier sampled as `carrier` says.
    ///
    /// Errors: as [`PrachGeometry::new`].
    pub fn new(isa: Isa, cell: &CellConfig, carrier: Carrier) -> Result<PrachTransmitter, ChannelError> {
        let geometry = PrachGeometry::new(cell, carrier)?;
        let n = geometry.sequence_len();
        let plan = Plan::new(n, Direction::Inverse, isa)
            .map_err(|_| ChannelError::Unsupported { clause: "TS 38.211 §5.3.2: sampling rate" })?;
        Ok(PrachTransmitter {
            scratch: plan.make_scratch(),
            plan,
            bins: vec![ZERO; n],
            sequence: vec![ZERO; geometry.l_ra()],
            geometry,
        })
    }

    /// Where occasions lie.
    pub fn geometry(&self) -> &PrachGeometry {
        &self.geometry
    }

    /// Makes preamble `idx` (0..64) for an occasion that starts in `slot`.
    ///
    /// Spec: TS 38.211 §5.3.2, §6.3.3
    /// - `out` overwritten: prefix and repetitions, of mean power 1; its first sample belongs
    ///   [`PrachGeometry::start_sample`] after the start of the slot
    ///
    /// Errors: `Invalid` if there is no such preamble or frequency occasion.
    pub fn generate(
        &mut self,
        idx: u8,
        slot: SlotPoint,
        occasion: &PrachOccasion,
        out: &mut Vec<Cf32>,
    ) -> Result<(), ChannelError> {
        if idx as usize >= N_PREAMBLES || occasion.f_id as usize >= self.geometry.n_fdm() {
            return Err(ChannelError::Invalid("preamble index or frequency occasion"));
        }
        let l = self.geometry.l_ra();
        let n = self.bins.len();
        let id = self.geometry.preamble(idx);
        sequence(id.u, &mut self.sequence);
        self.bins.fill(ZERO);
        let first = self.geometry.first_bin(occasion.f_id);
        let gain = 1.0 / libm::sqrtf(l as f32);
        for (k, y) in self.sequence.iter().enumerate() {
            // A shift by C_v in time is a ramp in frequency.
            let z = unit_phasor((k * id.shift as usize % l) as f64 / l as f64);
            self.bins[(first + k) % n] = y * Cf32::new(z.re as f32, z.im as f32) * gain;
        }
        self.plan.process(&mut self.bins, &mut self.scratch);
        let window = self.geometry.window(slot, occasion);
        out.clear();
        // The prefix may be longer than one repetition: it continues the periodic signal backwards.
        let start = n - window.cp_len % n;
        out.extend((0..window.len()).map(|i| self.bins[(start + i) % n]));
        Ok(())
    }
}
