//! SS/PBCH blocks.

pub mod payload;
pub mod sync;
