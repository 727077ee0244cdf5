//! The vocabulary: time, slots, identifiers, units, and the constant tables of the specifications.
//!
//! Everything here is plain data without state. Ranges stand in the constructors, once.

mod ids;
pub mod tables;
mod time;
mod units;

pub use ids::*;
pub use time::*;
pub use units::*;
