//! gNB, UEs, core and air on one virtual clock.
//!
//! [`scenario`] is what a run can be told, [`world`] runs it, [`report`] is what it gave.

mod fuzz;
pub mod report;
pub mod scenario;
pub mod world;

pub use fuzz::fuzz_config;
pub use world::{Entropy, IqSink, SetupError, World};
