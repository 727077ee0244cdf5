//! The core network: AMF, AUSF, UDM, SMF and UPF as nodes, and [`Core`], which moves values and bytes between them.
//!
//! | network function | module | in and out |
//! |---|---|---|
//! | AMF | [`amf`] | NGAP and NAS bytes; values to AUSF, UDM and SMF |
//! | AUSF, UDM with SIDF and ARPF | [`ausf`], [`udm`] | values |
//! | SMF | [`smf`] | values from the AMF; NAS session messages, PFCP and GTP-U bytes |
//! | UPF | [`upf`] | PFCP, GTP-U and IP bytes |
//!
//! [`Core`] takes bytes of gNBs and packets of the data network, and gives the same back. A composer calls
//! [`node::Node::handle`] for what arrives, and [`node::Node::timeout`] when [`node::Node::deadline`] has come. Every
//! NGAP, NAS, PFCP and GTP-U message that crosses leaves as a [`node::Tap`] if [`CoreConfig::taps`] says so.
//!
//! Left out: handover, EAP-AKA', emergency
//! services, roaming, several AMFs, charging. What is left out answers with the specification's cause.

pub mod amf;
pub mod ausf;
pub mod config;
pub mod core;
pub mod event;
mod fuzz;
pub mod smf;
pub mod udm;
pub mod upf;

pub use amf::GnbId;
pub use config::{
    AmfIdentity, CoreConfig, Credentials, DnnConfig, HomeNetworkKey, SubscriberConfig, TapConfig, UserPlanePolicy,
};
pub use core::{Core, CoreInput, CoreOutput};
pub use event::CoreEvent;
pub use fuzz::fuzz_one;
