//! Messages of 5GS session management. Spec: TS 24.501 §8.3

use crate::cause::GsmCause;
use crate::codec::{family, get_field, get_optional, matches_iei, message, put_field, put_optional};
use crate::ie::*;
use crate::pco::Pco;
use crate::qos::{QosFlowDescriptions, QosRules, SessionAmbr};

/// Whose session, and which transaction, a 5GSM message is about. Spec: TS 24.501 §9.4, §9.6
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmHeader {
    /// PDU session identity, 1 to 15 (0 is unassigned).
    pub pdu_session_id: u8,
    /// Procedure transaction identity, 1 to 254 (0 where the network began).
    pub pti: u8,
}

family! {
    /// A 5GSM message. Spec: TS 24.501 table 9.7.2
    SmMessage {
        EstablishmentRequest "PDU session establishment request",
        EstablishmentAccept "PDU session establishment accept",
        EstablishmentReject "PDU session establishment reject",
        ModificationRequest "PDU session modification request",
        ModificationReject "PDU session modification reject",
        ModificationCommand "PDU session modification command",
        ModificationComplete "PDU session modification complete",
        ModificationCommandReject "PDU session modification command reject",
        ReleaseRequest "PDU session release request",
        ReleaseReject "PDU session release reject",
        ReleaseCommand "PDU session release command",
        ReleaseComplete "PDU session release complete",
        SmStatus "5GSM status",
    }
}

message! {
    /// PDU SESSION ESTABLISHMENT REQUEST. Spec: TS 24.501 §8.3.1
    EstablishmentRequest = 0xc1 "PDU session establishment request" {
        v integrity_protection_maximum_data_rate: [u8; 2];
    } optional {
        half 0x90 pdu_session_type: PduSessionType;
        half 0xa0 ssc_mode: u8;
        tlv 0x28 gsm_capability: Vec<u8>;
        tv 0x55 maximum_number_of_supported_packet_filters: [u8; 2];
        half 0xb0 always_on_pdu_session_requested: u8;
        tlv 0x39 sm_pdu_dn_request_container: Vec<u8>;
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION ESTABLISHMENT ACCEPT. Spec: TS 24.501 §8.3.2
    EstablishmentAccept = 0xc2 "PDU session establishment accept" {
        [pdu_session_type: PduSessionType, ssc_mode: u8]
        lve authorized_qos_rules: QosRules;
        lv session_ambr: SessionAmbr;
    } optional {
        tv 0x59 cause: GsmCause;
        tlv 0x29 pdu_address: PduAddress;
        tv 0x56 rq_timer: u8;
        tlv 0x22 s_nssai: nr::SNssai;
        half 0x80 always_on_pdu_session_indication: u8;
        tlve 0x79 authorized_qos_flow_descriptions: QosFlowDescriptions;
        tlve 0x7b extended_pco: Pco;
        tlv 0x25 dnn: Dnn;
        tlv 0x17 gsm_network_feature_support: Vec<u8>;
    }
}

message! {
    /// PDU SESSION ESTABLISHMENT REJECT. Spec: TS 24.501 §8.3.3
    EstablishmentReject = 0xc3 "PDU session establishment reject" {
        v cause: GsmCause;
    } optional {
        tlv 0x37 back_off_timer: GprsTimer3;
        half 0xf0 allowed_ssc_mode: u8;
        tlv 0x61 congestion_reattempt_indicator: u8;
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION MODIFICATION REQUEST. Spec: TS 24.501 §8.3.7
    ModificationRequest = 0xc9 "PDU session modification request" {
    } optional {
        tlv 0x28 gsm_capability: Vec<u8>;
        tv 0x59 cause: GsmCause;
        tv 0x55 maximum_number_of_supported_packet_filters: [u8; 2];
        half 0xb0 always_on_pdu_session_requested: u8;
        tv 0x13 integrity_protection_maximum_data_rate: [u8; 2];
        tlve 0x7a requested_qos_rules: QosRules;
        tlve 0x79 requested_qos_flow_descriptions: QosFlowDescriptions;
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION MODIFICATION REJECT. Spec: TS 24.501 §8.3.8
    ModificationReject = 0xca "PDU session modification reject" {
        v cause: GsmCause;
    } optional {
        tlv 0x37 back_off_timer: GprsTimer3;
        tlv 0x61 congestion_reattempt_indicator: u8;
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION MODIFICATION COMMAND. Spec: TS 24.501 §8.3.9
    ModificationCommand = 0xcb "PDU session modification command" {
    } optional {
        tv 0x59 cause: GsmCause;
        tlv 0x2a session_ambr: SessionAmbr;
        tv 0x56 rq_timer: u8;
        half 0x80 always_on_pdu_session_indication: u8;
        tlve 0x7a authorized_qos_rules: QosRules;
        tlve 0x79 authorized_qos_flow_descriptions: QosFlowDescriptions;
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION MODIFICATION COMPLETE. Spec: TS 24.501 §8.3.10
    ModificationComplete = 0xcc "PDU session modification complete" {
    } optional {
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION MODIFICATION COMMAND REJECT. Spec: TS 24.501 §8.3.11
    ModificationCommandReject = 0xcd "PDU session modification command reject" {
        v cause: GsmCause;
    } optional {
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION RELEASE REQUEST. Spec: TS 24.501 §8.3.12
    ReleaseRequest = 0xd1 "PDU session release request" {
    } optional {
        tv 0x59 cause: GsmCause;
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION RELEASE REJECT. Spec: TS 24.501 §8.3.13
    ReleaseReject = 0xd2 "PDU session release reject" {
        v cause: GsmCause;
    } optional {
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// PDU SESSION RELEASE COMMAND. Spec: TS 24.501 §8.3.14
    ReleaseCommand = 0xd3 "PDU session release command" {
        v cause: GsmCause;
    } optional {
        tlv 0x37 back_off_timer: GprsTimer3;
        tlv 0x61 congestion_reattempt_indicator: u8;
        tlve 0x7b extended_pco: Pco;
        half 0xd0 access_type: u8;
    }
}

message! {
    /// PDU SESSION RELEASE COMPLETE. Spec: TS 24.501 §8.3.15
    ReleaseComplete = 0xd4 "PDU session release complete" {
    } optional {
        tv 0x59 cause: GsmCause;
        tlve 0x7b extended_pco: Pco;
    }
}

message! {
    /// 5GSM STATUS. Spec: TS 24.501 §8.3.16
    SmStatus = 0xd6 "5GSM status" {
        v cause: GsmCause;
    } optional {
    }
}

impl EstablishmentRequest {
    /// Full data rate for integrity protected user data, both ways. Spec: TS 24.501 §9.11.4.7
    pub const FULL_RATE: [u8; 2] = [0xff, 0xff];

    /// A request for a session of this type with full-rate user plane integrity.
    pub fn new(pdu_session_type: PduSessionType) -> Self {
        Self {
            integrity_protection_maximum_data_rate: Self::FULL_RATE,
            pdu_session_type: Some(pdu_session_type),
            ssc_mode: None,
            gsm_capability: None,
            maximum_number_of_supported_packet_filters: None,
            always_on_pdu_session_requested: None,
            sm_pdu_dn_request_container: None,
            extended_pco: None,
            unknown: Vec::new(),
        }
    }
}

impl EstablishmentAccept {
    /// An accept with SSC mode 1 and no optional element.
    pub fn new(pdu_session_type: PduSessionType, rules: QosRules, session_ambr: SessionAmbr) -> Self {
        Self {
            pdu_session_type,
            ssc_mode: 1,
            authorized_qos_rules: rules,
            session_ambr,
            cause: None,
            pdu_address: None,
            rq_timer: None,
            s_nssai: None,
            always_on_pdu_session_indication: None,
            authorized_qos_flow_descriptions: None,
            extended_pco: None,
            dnn: None,
            gsm_network_feature_support: None,
            unknown: Vec::new(),
        }
    }
}

impl EstablishmentReject {
    /// A reject with this cause.
    pub fn new(cause: GsmCause) -> Self {
        Self {
            cause,
            back_off_timer: None,
            allowed_ssc_mode: None,
            congestion_reattempt_indicator: None,
            extended_pco: None,
            unknown: Vec::new(),
        }
    }
}

impl ModificationReject {
    /// A reject with this cause.
    pub fn new(cause: GsmCause) -> Self {
        Self {
            cause,
            back_off_timer: None,
            congestion_reattempt_indicator: None,
            extended_pco: None,
            unknown: Vec::new(),
        }
    }
}

impl ReleaseRequest {
    /// A request with this cause.
    pub fn new(cause: Option<GsmCause>) -> Self {
        Self { cause, extended_pco: None, unknown: Vec::new() }
    }
}

impl ReleaseReject {
    /// A reject with this cause.
    pub fn new(cause: GsmCause) -> Self {
        Self { cause, extended_pco: None, unknown: Vec::new() }
    }
}

impl ReleaseCommand {
    /// A command with this cause.
    pub fn new(cause: GsmCause) -> Self {
        Self {
            cause,
            back_off_timer: None,
            congestion_reattempt_indicator: None,
            extended_pco: None,
            access_type: None,
            unknown: Vec::new(),
        }
    }
}

impl ReleaseComplete {
    /// A complete with no optional element.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { cause: None, extended_pco: None, unknown: Vec::new() }
    }
}

impl SmStatus {
    /// A status with this cause.
    pub fn new(cause: GsmCause) -> Self {
        Self { cause, unknown: Vec::new() }
    }
}
