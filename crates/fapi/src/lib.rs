//! The seam between L1 and L2, for gNB and UE alike: plain values, in the spirit of the Small Cell Forum's FAPI.
//!
//! - [`config`]: what RRC configures, as checked plain structs with the names of TS 38.331. The gNB-DU writes them into RRC
//!   messages, the UE reads them out of RRC messages, and both physical layers work on them.
//! - [`csi`]: codebooks and CSI reports, contents and bits.
//! - [`dci`]: downlink control information, fields and bits; [`resolve`]: what it means with a configuration and a slot.
//! - [`pdu`]: one struct for each channel occasion: all that the physical layer needs to send or receive it, and nothing of the
//!   layers above.
//! - [`slot`]: what crosses the seam in a slot, both ways, for the gNB.
//! - [`ue`]: the same for the UE, whose L1 turns DCI into PDUs itself because that must happen within the slot.
//!
//! Resource blocks in PDUs are numbered from the carrier's lowest resource block (column 0 of the grid divided by 12).
//! Left out, and why: beams, supplementary uplink.

pub mod config;
pub mod csi;
pub mod dci;
mod fuzz;
pub mod options;
pub mod pdu;
pub mod resolve;
pub mod slot;
pub mod ue;

pub use config::*;
pub use fuzz::fuzz_one;
pub use options::*;
pub use pdu::*;
