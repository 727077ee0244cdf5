//! Random access preambles: when, where, and their samples. Spec: TS 38.211 §5.3.2, §6.3.3; TS 38.213 §8.1

use dsp::{Cf32, Isa};
use fapi::{CellConfig, Duplex, PrachOccasion};
use node::Rng;
use nr::SlotPoint;
use nr::tables::prach::{PrachConfiguration, PrachTime, configuration};
use ofdm::Carrier;
use phy::prach::PrachTransmitter;

/// A preamble that MAC has asked for.
#[derive(Clone, Copy, Debug)]
struct Request {
    preamble: u8,
    target_power_dbm: i16,
}

/// The UE's random access at L1.
pub struct Access {
    configuration: Option<PrachConfiguration>,
    request: Option<Request>,
    rng: Rng,
    /// None where the configuration is one that cannot be sent.
    transmitter: Option<PrachTransmitter>,
    samples: Vec<Cf32>,
}

/// A preamble that is due in a slot.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Preamble index.
    pub preamble: u8,
    /// Target received power, dBm.
    pub target_power_dbm: i16,
    /// Its occasion.
    pub occasion: PrachOccasion,
}

impl Access {
    /// For the cell's random access configuration.
    pub fn new(cell: &CellConfig, carrier: Carrier, isa: Isa, seed: u64) -> Access {
        let paired = cell.duplex == Duplex::Fdd;
        Access {
            configuration: configuration(paired, cell.rach.configuration_index),
            request: None,
            rng: Rng::from_lab_seed(seed),
            transmitter: PrachTransmitter::new(isa, cell, carrier).ok(),
            // A short preamble takes a slot at most, a long one four subframes.
            samples: Vec::with_capacity(carrier.subframe_len()),
        }
    }

    /// A preamble is wanted at the next occasion.
    pub fn request(&mut self, preamble: u8, target_power_dbm: i16) {
        self.request = Some(Request { preamble, target_power_dbm });
    }

    /// No preamble is wanted any more.
    pub fn cancel(&mut self) {
        self.request = None;
    }

    /// The preamble that goes out in an occasion that starts in `slot`, if one is wanted and there is one: any of the slot's valid
    /// occasions with the same chance.
    pub fn due(&mut self, cell: &CellConfig, slot: SlotPoint) -> Option<Due> {
        let request = self.request?;
        let configuration = self.configuration?;
        let all = || configuration.occasions(slot).filter(|t| is_valid(cell, slot, t, configuration.duration));
        let n = all().count() as u32;
        if n == 0 {
            return None;
        }
        let time = all().nth(self.rng.below(n) as usize)?;
        let f_id = self.rng.below(u32::from(cell.rach.msg1_fdm.max(1))) as u8;
        self.request = None;
        let occasion = PrachOccasion { start_symbol: time.start_symbol, t_id: time.t_id, s_id: time.s_id, f_id };
        Some(Due { preamble: request.preamble, target_power_dbm: request.target_power_dbm, occasion })
    }

    /// The samples of a preamble, of unit mean power, from the start of its cyclic prefix.
    pub fn samples(&mut self, due: &Due, slot: SlotPoint) -> Option<&[Cf32]> {
        self.transmitter.as_mut()?.generate(due.preamble, slot, &due.occasion, &mut self.samples).ok()?;
        Some(&self.samples)
    }
}

/// In unpaired spectrum an occasion counts if it lies in uplink symbols. Spec: TS 38.213 §8.1
fn is_valid(cell: &CellConfig, slot: SlotPoint, time: &PrachTime, duration: u8) -> bool {
    let start = time.start_symbol.min(13);
    let n = if duration == 0 { 14 - start } else { duration.min(14 - start) };
    cell.duplex.is_uplink(slot, start, n)
}
