//! Interfaces that cross as values while both ends live in one process.
//!
//! - [`f1`]: between the gNB's central and distributed units, with the procedure names of TS 38.473 and TS 38.425.
//! - [`ue`]: between the terminal's control plane (RRC, NAS) and its layer 2.
//! - [`bearer`]: how an RLC bearer and a PDCP entity are configured, as both ends of the radio understand it.

pub mod bearer;
pub mod f1;
pub mod ue;
