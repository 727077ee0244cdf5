//! Constant tables of the specifications, one module for each family.

pub mod arfcn;
pub mod beta_offset;
pub mod coreset0;
pub mod cqi;
pub mod csi_rs;
pub mod dmrs_ports;
pub mod mcs;
pub mod prach;
pub mod pucch;
pub mod raster;
pub mod srs;
pub mod tbs;
pub mod tdra;
pub mod uplink_precoding;
