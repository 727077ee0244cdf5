//! The gNB's scheduler: state and slot inputs to a decision, pure and replayable.
//!
//! | when | call |
//! |---|---|
//! | a preamble was detected | [`Scheduler::random_access`]: a response, with a grant for Msg3, goes out in its window |
//! | Msg3 was read | [`Scheduler::msg3_done`], or [`Scheduler::remove`] |
//! | the UE's queue changed | [`Scheduler::set_downlink`]; buffer status [`Scheduler::buffer_status`]; headroom [`Scheduler::headroom`] |
//! | L1 reports | [`Scheduler::srs`] what was sounded; [`Scheduler::uci`], [`Scheduler::pusch`]: they say what became of the HARQ processes |
//! | RRC | [`Scheduler::configure`], [`Scheduler::confirm`], [`Scheduler::set_fallback`] |
//! | each slot | [`Scheduler::decide`]: fills a [`fapi::slot::SlotPlan`] and says which block goes into which PDSCH |
//!
//! It sees amounts and slots, never bytes; it draws no random numbers and reads no clock. It is proportional fair over the UEs
//! that have data, signalling first, retransmissions before new data. A slot is decided once, in order.
//!
//! Left out: interleaved virtual RBs, frequency-selective scheduling, configured grants.

pub mod harq;
pub mod link;
pub mod pdcch;
pub mod power;
pub mod rbs;
pub mod ring;

mod broadcast;
mod downlink;
mod feedback;
mod scheduler;
mod ue;
mod uplink;

#[cfg(test)]
mod tests;

pub use broadcast::RarEntry;
pub use feedback::{DlOutcome, UlOutcome};
pub use scheduler::{Config, Content, Decision, DlBlock, Scheduler};
pub use ue::{DirectionStats, Phase, Sounded, Ue};
