//! Messages. Spec: TS 29.244 §7.4, §7.5

use crate::ie::*;
use crate::rules::*;
use crate::tlv::{PfcpError, RawIe, group};

macro_rules! bodies {
    ($( $(#[$meta:meta])* $name:ident = $kind:literal, )*) => {
        /// What a message says. Spec: TS 29.244 table 7.3-1
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant)]
        pub enum Body { $( $(#[$meta])* $name($name), )* }

        impl Body {
            pub(crate) fn decode(message_type: u8, ies: &[u8]) -> Result<(Self, Vec<RawIe>), PfcpError> {
                let mut unknown = Vec::new();
                let mut sink = |kind: u16, value: &[u8]| unknown.push(RawIe { kind, value: value.to_vec() });
                let body = match message_type {
                    $( $kind => Self::$name($name::read(ies, &mut sink)?), )*
                    _ => return Err(PfcpError::MessageType(message_type)),
                };
                Ok((body, unknown))
            }
            pub(crate) fn encode(&self, out: &mut Vec<u8>) {
                match self { $( Self::$name(body) => body.write(out), )* }
            }
            /// The message type octet.
            pub fn message_type(&self) -> u8 {
                match self { $( Self::$name(_) => $kind, )* }
            }
            /// Its name.
            pub fn name(&self) -> &'static str {
                match self { $( Self::$name(_) => stringify!($name), )* }
            }
        }

        $( impl From<$name> for Body { fn from(body: $name) -> Self { Self::$name(body) } } )*
    };
}

bodies! {
    /// Are you there?
    HeartbeatRequest = 1,
    /// Yes.
    HeartbeatResponse = 2,
    /// SMF and UPF begin to work together.
    AssociationSetupRequest = 5,
    /// The answer.
    AssociationSetupResponse = 6,
    /// They end it.
    AssociationReleaseRequest = 9,
    /// The answer.
    AssociationReleaseResponse = 10,
    /// A session with its rules.
    SessionEstablishmentRequest = 50,
    /// The answer.
    SessionEstablishmentResponse = 51,
    /// Other rules.
    SessionModificationRequest = 52,
    /// The answer.
    SessionModificationResponse = 53,
    /// No session any more.
    SessionDeletionRequest = 54,
    /// The answer.
    SessionDeletionResponse = 55,
    /// The UPF has something to say about a session.
    SessionReportRequest = 56,
    /// The answer.
    SessionReportResponse = 57,
}

group! {
    /// Heartbeat Request. Spec: TS 29.244 §7.4.2.1
    HeartbeatRequest {
        /// Recovery time stamp, seconds since 1900.
        one 96 recovery: u32,
    }
}

group! {
    /// Heartbeat Response. Spec: TS 29.244 §7.4.2.2
    HeartbeatResponse {
        /// Recovery time stamp, seconds since 1900.
        one 96 recovery: u32,
    }
}

group! {
    /// PFCP Association Setup Request. Spec: TS 29.244 §7.4.4.1
    AssociationSetupRequest {
        /// Who asks.
        one 60 node_id: NodeId,
        /// Recovery time stamp, seconds since 1900.
        one 96 recovery: u32,
    }
}

group! {
    /// PFCP Association Setup Response. Spec: TS 29.244 §7.4.4.2
    AssociationSetupResponse {
        /// Who answers.
        one 60 node_id: NodeId,
        /// Yes or why not.
        one 19 cause: Cause,
        /// Recovery time stamp, seconds since 1900.
        one 96 recovery: u32,
    }
}

group! {
    /// PFCP Association Release Request. Spec: TS 29.244 §7.4.4.5
    AssociationReleaseRequest {
        /// Who asks.
        one 60 node_id: NodeId,
    }
}

group! {
    /// PFCP Association Release Response. Spec: TS 29.244 §7.4.4.6
    AssociationReleaseResponse {
        /// Who answers.
        one 60 node_id: NodeId,
        /// Yes or why not.
        one 19 cause: Cause,
    }
}

group! {
    /// PFCP Session Establishment Request. Spec: TS 29.244 §7.5.2
    SessionEstablishmentRequest {
        /// Who asks.
        one 60 node_id: NodeId,
        /// The SMF's endpoint.
        one 57 cp_f_seid: FSeid,
        /// PDRs.
        many 1 create_pdrs: CreatePdr,
        /// FARs.
        many 3 create_fars: CreateFar,
        /// URRs.
        many 6 create_urrs: CreateUrr,
        /// QERs.
        many 7 create_qers: CreateQer,
        /// BAR.
        opt 85 create_bar: CreateBar,
        /// PDN type: 1 IPv4, 2 IPv6, 3 both.
        opt 113 pdn_type: u8,
    }
}

group! {
    /// PFCP Session Establishment Response. Spec: TS 29.244 §7.5.3
    SessionEstablishmentResponse {
        /// Who answers.
        one 60 node_id: NodeId,
        /// Yes or why not.
        one 19 cause: Cause,
        /// The element at fault.
        opt 40 offending_ie: u16,
        /// The UPF's endpoint.
        opt 57 up_f_seid: FSeid,
        /// PDRs whose tunnel the UPF chose.
        many 8 created_pdrs: CreatedPdr,
    }
}

group! {
    /// PFCP Session Modification Request. Spec: TS 29.244 §7.5.4
    SessionModificationRequest {
        /// The SMF's endpoint, if it has changed.
        opt 57 cp_f_seid: FSeid,
        /// PDRs that go.
        many 15 remove_pdrs: RemovePdr,
        /// FARs that go.
        many 16 remove_fars: RemoveFar,
        /// PDRs that come.
        many 1 create_pdrs: CreatePdr,
        /// FARs that come.
        many 3 create_fars: CreateFar,
        /// QERs that come.
        many 7 create_qers: CreateQer,
        /// PDRs that change.
        many 9 update_pdrs: UpdatePdr,
        /// FARs that change.
        many 10 update_fars: UpdateFar,
        /// QERs that change.
        many 14 update_qers: UpdateQer,
        /// Flags; bit 1 has the UPF drop what it has buffered.
        opt 49 smreq_flags: u8,
    }
}

group! {
    /// PFCP Session Modification Response. Spec: TS 29.244 §7.5.5
    SessionModificationResponse {
        /// Yes or why not.
        one 19 cause: Cause,
        /// The element at fault.
        opt 40 offending_ie: u16,
        /// PDRs whose tunnel the UPF chose.
        many 8 created_pdrs: CreatedPdr,
    }
}

group! {
    /// PFCP Session Deletion Request. Spec: TS 29.244 §7.5.6
    SessionDeletionRequest {}
}

group! {
    /// PFCP Session Deletion Response. Spec: TS 29.244 §7.5.7
    SessionDeletionResponse {
        /// Yes or why not.
        one 19 cause: Cause,
        /// What the session carried.
        many 79 usage_reports: UsageReport,
    }
}

group! {
    /// PFCP Session Report Request. Spec: TS 29.244 §7.5.8
    SessionReportRequest {
        /// Flags: 1 downlink data, 2 usage, 4 error indication.
        one 39 report_type: u8,
        /// Rules whose packets wait for an idle UE.
        opt 83 downlink_data: DownlinkDataReport,
        /// Tunnels that a peer does not know.
        opt 99 error_indication: ErrorIndicationReport,
    }
}

group! {
    /// PFCP Session Report Response. Spec: TS 29.244 §7.5.9
    SessionReportResponse {
        /// Yes or why not.
        one 19 cause: Cause,
    }
}
