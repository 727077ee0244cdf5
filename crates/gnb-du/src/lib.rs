//! The base station's MAC, RLC and scheduler: the distributed unit above L1.

pub mod config;
pub mod rrc_build;
