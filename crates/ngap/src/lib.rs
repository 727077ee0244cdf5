//! NGAP of TS 38.413: the messages that this network uses as plain structs, in aligned PER.
//!
//! | what | where |
//! |---|---|
//! | any message, bytes to value and back | [`Pdu::decode`], [`Pdu::encode`] |
//! | the interface: NG Setup, Reset, Error Indication | [`interface`] |
//! | an idle UE is called | [`paging`] |
//! | a UE: NAS transport, contexts, capabilities | [`ue`] |
//! | its sessions and their transfers | [`session`] |
//! | causes with their names | [`Cause`] |
//!
//! The PER and the types generated from the ASN.1 are `oxirush-ngap`'s, and no type of it shows here. Unknown information
//! elements are skipped on reading, as criticality "ignore" says; a message whose elements of criticality "reject" are not
//! understood is [`NgapError::NotComprehended`].
//!
//! Left out: handover preparation and resource allocation, MBS, positioning, warnings, location reporting.

mod cause;
mod convert;
mod fuzz;

pub mod interface;
pub mod paging;
pub mod session;
pub mod types;
pub mod ue;

pub use cause::{Cause, CauseGroup};
pub use fuzz::fuzz_one;
pub use interface::*;
pub use paging::*;
pub use session::*;
pub use types::*;
pub use ue::*;

use oxirush_ngap::NgapPduKind as Kind;
use oxirush_ngap::ngap as asn1;

/// Why bytes are not a message that this crate reads, or a message cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NgapError {
    /// The bytes are no NGAP PDU, or an element of it does not decode. Fault: peer.
    Syntax(String),
    /// A mandatory element is missing. Fault: peer.
    Missing(String),
    /// A procedure, or a direction of it, that this crate does not read. Fault: peer.
    Procedure {
        /// The procedure code.
        code: u8,
    },
    /// An element of criticality "reject" that this crate does not know. Fault: peer.
    NotComprehended {
        /// The elements, as the library words them.
        what: String,
    },
    /// A value is outside its type: more list entries than the ASN.1 allows, for example. Fault: local.
    Encode(String),
}

impl NgapError {
    /// The cause of the error indication or failure that answers it. Spec: TS 38.413 §10
    pub fn cause(&self) -> Cause {
        match self {
            Self::Syntax(_) => Cause::TransferSyntaxError,
            Self::Missing(_) | Self::Procedure { .. } | Self::NotComprehended { .. } => {
                Cause::AbstractSyntaxErrorReject
            }
            Self::Encode(_) => Cause::ProtocolUnspecified,
        }
    }
}

impl std::fmt::Display for NgapError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(what) => write!(f, "NGAP: does not decode: {what} (TS 38.413 10.2)"),
            Self::Missing(what) => write!(f, "NGAP: a mandatory element is missing: {what} (TS 38.413 10.3.5)"),
            Self::Procedure { code } => write!(f, "NGAP: procedure {code} is not handled (TS 38.413 10.3.4.1)"),
            Self::NotComprehended { what } => write!(f, "NGAP: not comprehended: {what} (TS 38.413 10.3.4.2)"),
            Self::Encode(what) => write!(f, "NGAP: cannot be encoded: {what}"),
        }
    }
}

impl std::error::Error for NgapError {}

impl From<oxirush_ngap::aper::Error> for NgapError {
    fn from(error: oxirush_ngap::aper::Error) -> Self {
        use oxirush_ngap::aper::ErrorKind;
        match error.kind() {
            ErrorKind::MissingIe => Self::Missing(error.to_string()),
            ErrorKind::Encode | ErrorKind::Argument => Self::Encode(error.to_string()),
            _ => Self::Syntax(error.to_string()),
        }
    }
}

macro_rules! pdus {
    ($( $(#[$meta:meta])* $name:ident = $kind:ident $title:literal, )*) => {
        /// An NGAP message. Spec: TS 38.413 §9.2
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant)]
        pub enum Pdu {
            $( $(#[$meta])* $name($name), )*
        }

        impl Pdu {
            /// Decodes a message.
            ///
            /// Errors: see [`NgapError`]; [`NgapError::cause`] is the cause of the answer.
            pub fn decode(bytes: &[u8]) -> Result<Self, NgapError> {
                let pdu = asn1::NGAP_PDU::decode_borrowed(bytes)?;
                match pdu.kind() {
                    $( Kind::$kind => { convert::comprehend(&pdu)?; $name::from_pdu(&pdu).map(Self::$name) } )*
                    _ => Err(NgapError::Procedure { code: pdu.procedure_code() }),
                }
            }

            /// Encodes the message. Errors: `Encode`.
            pub fn encode(&self) -> Result<Vec<u8>, NgapError> {
                match self { $( Self::$name(message) => message.to_bytes(), )* }
            }

            /// The message's name as the specification writes it.
            pub fn name(&self) -> &'static str {
                match self { $( Self::$name(_) => $title, )* }
            }
        }

        $( impl From<$name> for Pdu { fn from(message: $name) -> Self { Self::$name(message) } } )*
    };
}

pdus! {
    /// gNB to AMF: who it is and what it serves.
    NgSetupRequest = Initiating_NGSetup "NG Setup Request",
    /// AMF to gNB: who it is and what it serves.
    NgSetupResponse = Successful_NGSetup "NG Setup Response",
    /// AMF to gNB: no.
    NgSetupFailure = Unsuccessful_NGSetup "NG Setup Failure",
    /// Either way: forget these UEs, or all.
    NgReset = Initiating_NGReset "NG Reset",
    /// Either way: forgotten.
    NgResetAcknowledge = Successful_NGReset "NG Reset Acknowledge",
    /// Either way: something received was wrong.
    ErrorIndication = Initiating_ErrorIndication "Error Indication",
    /// gNB to AMF: a UE's first NAS message.
    InitialUeMessage = Initiating_InitialUEMessage "Initial UE Message",
    /// AMF to gNB: a NAS message.
    DownlinkNasTransport = Initiating_DownlinkNASTransport "Downlink NAS Transport",
    /// gNB to AMF: a NAS message.
    UplinkNasTransport = Initiating_UplinkNASTransport "Uplink NAS Transport",
    /// gNB to AMF: a NAS message that did not reach its UE.
    NasNonDeliveryIndication = Initiating_NASNonDeliveryIndication "NAS Non Delivery Indication",
    /// AMF to gNB: a UE's keys, slices and sessions.
    InitialContextSetupRequest = Initiating_InitialContextSetup "Initial Context Setup Request",
    /// gNB to AMF: done.
    InitialContextSetupResponse = Successful_InitialContextSetup "Initial Context Setup Response",
    /// gNB to AMF: not done.
    InitialContextSetupFailure = Unsuccessful_InitialContextSetup "Initial Context Setup Failure",
    /// gNB to AMF: release this UE.
    UeContextReleaseRequest = Initiating_UEContextReleaseRequest "UE Context Release Request",
    /// AMF to gNB: release this UE.
    UeContextReleaseCommand = Initiating_UEContextRelease "UE Context Release Command",
    /// gNB to AMF: released.
    UeContextReleaseComplete = Successful_UEContextRelease "UE Context Release Complete",
    /// gNB to AMF: a UE's radio capabilities.
    UeRadioCapabilityInfoIndication = Initiating_UERadioCapabilityInfoIndication "UE Radio Capability Info Indication",
    /// AMF to gNB: set sessions up.
    PduSessionResourceSetupRequest = Initiating_PDUSessionResourceSetup "PDU Session Resource Setup Request",
    /// gNB to AMF: which are set up.
    PduSessionResourceSetupResponse = Successful_PDUSessionResourceSetup "PDU Session Resource Setup Response",
    /// AMF to gNB: release sessions.
    PduSessionResourceReleaseCommand = Initiating_PDUSessionResourceRelease "PDU Session Resource Release Command",
    /// gNB to AMF: released.
    PduSessionResourceReleaseResponse = Successful_PDUSessionResourceRelease "PDU Session Resource Release Response",
    /// AMF to gNB: modify sessions.
    PduSessionResourceModifyRequest = Initiating_PDUSessionResourceModify "PDU Session Resource Modify Request",
    /// gNB to AMF: which are modified.
    PduSessionResourceModifyResponse = Successful_PDUSessionResourceModify "PDU Session Resource Modify Response",
    /// AMF to gNB: call an idle UE.
    Paging = Initiating_Paging "Paging",
    /// gNB to AMF: a UE came from another gNB.
    PathSwitchRequest = Initiating_PathSwitchRequest "Path Switch Request",
}
