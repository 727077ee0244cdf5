//! The terminal's physical layer: from samples to transport blocks and back, as one state machine without a clock.
//!
//! A [`UeL1`] is driven in four steps, about once a slot:
//!
//! 1. [`UeL1::need`] says how many samples it wants next, and where the radio must be tuned for them.
//! 2. [`UeL1::receive`] takes exactly those samples and tells what happened in them.
//! 3. [`UeL1::respond`] takes what the layers above answer: blocks for grants, commands.
//! 4. [`UeL1::transmit`] gives the bursts that are due in the uplink, stamped in the UE's own sample count.
//!
//! The only time is the sample count. It goes on by one a sample at every rate; a change of tuning takes effect at the next sample.
//! An uplink slot is built two slots ahead, so K_1 and K_2 below 2 are too late for this UE (they count as lost and are reported).
//!
//! - [`search`]: the synchronisation raster, from energy to PBCH.
//! - [`sync`]: frame timing, carrier offset and gain of the cell that is served, and their loops.
//! - [`downlink`]: PDCCH monitoring, DCI to PDSCH, HARQ processes.
//! - [`uplink`]: PUSCH, PUCCH, PRACH, HARQ-ACK codebooks, power control, timing advance.
//! - [`slot`]: one slot of a served cell, the page to read first.
//!
//! Samples of several antennas lie one after another in a slice, `[antenna][sample]`.
//!
//! Left out: neighbour cells, beam failure recovery, SRS, radio link monitoring on CSI-RS.

pub mod downlink;
mod fuzz;
pub mod samples;
pub mod search;
pub mod slot;
pub mod sync;
mod ue;
pub mod uplink;

pub use fuzz::fuzz_one;
pub use ue::{Counters, Need, Tuning, UeL1, UeL1Config, UlBursts};
