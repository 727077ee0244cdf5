//! The base station's MAC, RLC and scheduler: the distributed unit above L1.
//!
//! | when | call |
//! |---|---|
//! | L1 has results of uplink slots | [`GnbDu::indicate`] |
//! | a slot is to be decided, in order, some slots ahead of the air | [`GnbDu::decide`]: fills a [`fapi::slot::SlotPlan`] |
//! | the central unit has something | [`GnbDu::f1`] |
//! | after each of them | [`GnbDu::pop`], [`GnbDu::pop_tap`] |
//!
//! The cell is made from [`config::CellParams`] by [`config::Cell::new`]; [`rrc_build`] writes MIB, SIB1 and CellGroupConfig.
//! `sched` decides; this crate owns the bytes: it reads and builds MAC PDUs, runs RLC, and carries random access through.
//!
//! Left out: handover, more than one cell.

pub mod config;
pub mod rrc_build;

mod build;
mod du;
mod fuzz;
mod overlap;
mod paging;
mod receive;
mod signalling;
mod ue;

pub use du::{GnbDu, Metrics, UeMetrics};
pub use fuzz::{fuzz_one, fuzz_sched};

#[cfg(test)]
mod tests;
