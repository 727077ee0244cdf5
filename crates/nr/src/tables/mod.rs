//! Constant tables of the specifications, one module for each family.

pub mod arfcn;
pub mod beta_offset;
pub mod coreset0;
pub mod cqi;
pub mod mcs;
pub mod prach;
pub mod pucch;
pub mod raster;
pub mod tbs;
pub mod tdra;
