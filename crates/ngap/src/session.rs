//! Messages and transfers of PDU sessions. Spec: TS 38.413 §8.2, §9.3.4

use oxirush_ngap::ngap::*;
use oxirush_ngap::{build_ngap_ie, extract_ngap_ies};

use crate::convert::{self, finish, put};
use crate::{Ambr, GtpTunnel, NgapError, UeIds};

/// A session with a transfer of SMF or gNB, as its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTransfer {
    /// PDU session identity.
    pub id: u8,
    /// The transfer that the message carries.
    pub transfer: Vec<u8>,
}

/// A session to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSetup {
    /// PDU session identity.
    pub id: u8,
    /// A NAS message to the UE.
    pub nas: Option<Vec<u8>>,
    /// Its slice.
    pub s_nssai: nr::SNssai,
    /// A [`SetupRequestTransfer`] as octets.
    pub transfer: Vec<u8>,
}

/// A session to be modified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionModify {
    /// PDU session identity.
    pub id: u8,
    /// A NAS message to the UE.
    pub nas: Option<Vec<u8>>,
    /// A PDU Session Resource Modify Request Transfer as octets.
    pub transfer: Vec<u8>,
}

/// PDU SESSION RESOURCE SETUP REQUEST. Spec: TS 38.413 §9.2.1.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduSessionResourceSetupRequest {
    /// The UE.
    pub ids: UeIds,
    /// A NAS message to it that is not about a session.
    pub nas: Option<Vec<u8>>,
    /// The sessions.
    pub sessions: Vec<SessionSetup>,
    /// The UE's bit rates.
    pub ue_ambr: Option<Ambr>,
}

/// PDU SESSION RESOURCE SETUP RESPONSE. Spec: TS 38.413 §9.2.1.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduSessionResourceSetupResponse {
    /// The UE.
    pub ids: UeIds,
    /// Sessions set up, with [`SetupResponseTransfer`]s.
    pub sessions: Vec<SessionTransfer>,
    /// Sessions not set up, with [`UnsuccessfulTransfer`]s.
    pub failed: Vec<SessionTransfer>,
}

/// PDU SESSION RESOURCE RELEASE COMMAND. Spec: TS 38.413 §9.2.1.3
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduSessionResourceReleaseCommand {
    /// The UE.
    pub ids: UeIds,
    /// A NAS message to it.
    pub nas: Option<Vec<u8>>,
    /// The sessions, with [`ReleaseCommandTransfer`]s.
    pub sessions: Vec<SessionTransfer>,
}

/// PDU SESSION RESOURCE RELEASE RESPONSE. Spec: TS 38.413 §9.2.1.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduSessionResourceReleaseResponse {
    /// The UE.
    pub ids: UeIds,
    /// The sessions, with [`release_response_transfer`]s.
    pub sessions: Vec<SessionTransfer>,
}

/// PDU SESSION RESOURCE MODIFY REQUEST. Spec: TS 38.413 §9.2.1.5
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduSessionResourceModifyRequest {
    /// The UE.
    pub ids: UeIds,
    /// The sessions.
    pub sessions: Vec<SessionModify>,
}

/// PDU SESSION RESOURCE MODIFY RESPONSE. Spec: TS 38.413 §9.2.1.6
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduSessionResourceModifyResponse {
    /// The UE.
    pub ids: UeIds,
    /// Sessions modified, with their transfers.
    pub sessions: Vec<SessionTransfer>,
    /// Sessions not modified, with [`UnsuccessfulTransfer`]s.
    pub failed: Vec<SessionTransfer>,
}

/// A QoS flow to be set up. Spec: TS 38.413 §9.3.1.12
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QosFlow {
    /// QFI, 1 to 63.
    pub qfi: u8,
    /// 5QI, 0 to 255.
    pub five_qi: u8,
    /// ARP priority level, 1 (highest) to 15.
    pub arp_priority: u8,
}

/// What kind of packets a session carries. Spec: TS 38.413 §9.3.1.52
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SessionType {
    Ipv4,
    Ipv6,
    Ipv4v6,
    Ethernet,
    Unstructured,
}

/// How much a session wants its packets protected. Spec: TS 38.413 §9.3.1.27
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Protection {
    Required,
    Preferred,
    NotNeeded,
}

/// PDU Session Resource Setup Request Transfer. Spec: TS 38.413 §9.3.4.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupRequestTransfer {
    /// The session's bit rates.
    pub session_ambr: Option<Ambr>,
    /// Where the gNB sends uplink packets.
    pub uplink: GtpTunnel,
    /// What it carries.
    pub session_type: SessionType,
    /// Integrity and confidentiality of user data; absent means as the gNB is configured.
    pub security: Option<(Protection, Protection)>,
    /// Its QoS flows.
    pub flows: Vec<QosFlow>,
}

/// PDU Session Resource Setup Response Transfer. Spec: TS 38.413 §9.3.4.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupResponseTransfer {
    /// Where the UPF sends downlink packets.
    pub downlink: GtpTunnel,
    /// The QoS flows set up.
    pub qfis: Vec<u8>,
}

/// PDU Session Resource Setup Unsuccessful Transfer. Spec: TS 38.413 §9.3.4.16
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsuccessfulTransfer {
    /// Why.
    pub cause: crate::Cause,
}

/// PDU Session Resource Release Command Transfer. Spec: TS 38.413 §9.3.4.12
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseCommandTransfer {
    /// Why.
    pub cause: crate::Cause,
}

impl SetupRequestTransfer {
    /// Encodes the transfer. Errors: `Encode`.
    pub fn encode(&self) -> Result<Vec<u8>, NgapError> {
        use PDUSessionResourceSetupRequestTransfer as Transfer;
        let mut ies = Vec::new();
        if let Some(ambr) = self.session_ambr {
            let ambr =
                PDUSessionAggregateMaximumBitRate::new(BitRate(ambr.downlink_bps), BitRate(ambr.uplink_bps), None);
            ies.push(build_ngap_ie!(PDUSessionResourceSetupRequestTransfer, PDUSessionAggregateMaximumBitRate(ambr))?);
        }
        let uplink = convert::tunnel(&self.uplink);
        ies.push(build_ngap_ie!(PDUSessionResourceSetupRequestTransfer, UL_NGU_UP_TNLInformation(uplink))?);
        let kind = match self.session_type {
            SessionType::Ipv4 => PDUSessionType::ipv4,
            SessionType::Ipv6 => PDUSessionType::ipv6,
            SessionType::Ipv4v6 => PDUSessionType::ipv4v6,
            SessionType::Ethernet => PDUSessionType::ethernet,
            SessionType::Unstructured => PDUSessionType::unstructured,
        };
        ies.push(build_ngap_ie!(PDUSessionResourceSetupRequestTransfer, PDUSessionType(kind))?);
        if let Some((integrity, confidentiality)) = self.security {
            let integrity = match integrity {
                Protection::Required => IntegrityProtectionIndication::required,
                Protection::Preferred => IntegrityProtectionIndication::preferred,
                Protection::NotNeeded => IntegrityProtectionIndication::not_needed,
            };
            let confidentiality = match confidentiality {
                Protection::Required => ConfidentialityProtectionIndication::required,
                Protection::Preferred => ConfidentialityProtectionIndication::preferred,
                Protection::NotNeeded => ConfidentialityProtectionIndication::not_needed,
            };
            // The rate goes with integrity that is required or preferred (TS 38.413 §9.3.1.27).
            let rate = (integrity != IntegrityProtectionIndication::not_needed)
                .then_some(MaximumIntegrityProtectedDataRate::maximum_UE_rate);
            let indication = SecurityIndication::new(integrity, confidentiality, rate, None);
            ies.push(build_ngap_ie!(PDUSessionResourceSetupRequestTransfer, SecurityIndication(indication))?);
        }
        let flow = |flow: &QosFlow| {
            let descriptor = NonDynamic5QIDescriptor::new(FiveQI(flow.five_qi.into()), None, None, None, None);
            let arp = AllocationAndRetentionPriority::new(
                PriorityLevelARP(flow.arp_priority),
                PreEmptionCapability::shall_not_trigger_pre_emption,
                PreEmptionVulnerability::not_pre_emptable,
                None,
            );
            let characteristics = QosCharacteristics::nonDynamic5QI(descriptor);
            let parameters = QosFlowLevelQosParameters::new(characteristics, arp, None, None, None, None);
            QosFlowSetupRequestItem::new(QosFlowIdentifier(flow.qfi.into()), parameters, None, None)
        };
        let flows = QosFlowSetupRequestList(self.flows.iter().map(flow).collect());
        ies.push(build_ngap_ie!(PDUSessionResourceSetupRequestTransfer, QosFlowSetupRequestList(flows))?);
        Ok(encode_open_type(&Transfer::new(ProtocolIEContainer(ies)))?.into_vec())
    }

    /// Decodes a transfer. Errors: `Syntax`, `Missing`, `NotComprehended`.
    pub fn decode(bytes: &[u8]) -> Result<Self, NgapError> {
        let transfer: PDUSessionResourceSetupRequestTransfer = decode_open_type(bytes)?;
        extract_ngap_ies!(transfer, PDUSessionResourceSetupRequestTransfer,
            opt ambr: PDUSessionAggregateMaximumBitRate = PDUSessionAggregateMaximumBitRate(ambr) => ambr,
            req uplink: UPTransportLayerInformation = UL_NGU_UP_TNLInformation(tunnel) => tunnel,
            req kind: PDUSessionType = PDUSessionType(kind) => kind,
            opt security: SecurityIndication = SecurityIndication(indication) => indication,
            req flows: QosFlowSetupRequestList = QosFlowSetupRequestList(list) => list,
        );
        let session_type = match kind {
            PDUSessionType::ipv4 => SessionType::Ipv4,
            PDUSessionType::ipv6 => SessionType::Ipv6,
            PDUSessionType::ipv4v6 => SessionType::Ipv4v6,
            PDUSessionType::ethernet => SessionType::Ethernet,
            _ => SessionType::Unstructured,
        };
        let security = security.map(|s| {
            let integrity = match s.integrity_protection_indication {
                IntegrityProtectionIndication::required => Protection::Required,
                IntegrityProtectionIndication::preferred => Protection::Preferred,
                _ => Protection::NotNeeded,
            };
            let confidentiality = match s.confidentiality_protection_indication {
                ConfidentialityProtectionIndication::required => Protection::Required,
                ConfidentialityProtectionIndication::preferred => Protection::Preferred,
                _ => Protection::NotNeeded,
            };
            (integrity, confidentiality)
        });
        let flow = |item: &QosFlowSetupRequestItem| {
            let parameters = &item.qos_flow_level_qos_parameters;
            let five_qi = match &parameters.qos_characteristics {
                QosCharacteristics::nonDynamic5QI(descriptor) => descriptor.five_qi.0 as u8,
                QosCharacteristics::dynamic5QI(descriptor) => descriptor.five_qi.as_ref().map_or(0, |q| q.0 as u8),
                _ => 0,
            };
            let arp_priority = parameters.allocation_and_retention_priority.priority_level_arp.0;
            QosFlow { qfi: item.qos_flow_identifier.0 as u8, five_qi, arp_priority }
        };
        Ok(Self {
            session_ambr: ambr.map(|ambr| Ambr {
                downlink_bps: ambr.pdu_session_aggregate_maximum_bit_rate_dl.0,
                uplink_bps: ambr.pdu_session_aggregate_maximum_bit_rate_ul.0,
            }),
            uplink: convert::tunnel_from(&uplink)?,
            session_type,
            security,
            flows: flows.0.iter().map(flow).collect(),
        })
    }
}

impl SetupResponseTransfer {
    /// Encodes the transfer. Errors: `Encode`.
    pub fn encode(&self) -> Result<Vec<u8>, NgapError> {
        let flows = self.qfis.iter().map(|q| AssociatedQosFlowItem::new(QosFlowIdentifier((*q).into()), None, None));
        let information = QosFlowPerTNLInformation::new(
            convert::tunnel(&self.downlink),
            AssociatedQosFlowList(flows.collect()),
            None,
        );
        let transfer = PDUSessionResourceSetupResponseTransfer::new(information, None, None, None, None);
        Ok(encode_open_type(&transfer)?.into_vec())
    }

    /// Decodes a transfer. Errors: `Syntax`, `NotComprehended`.
    pub fn decode(bytes: &[u8]) -> Result<Self, NgapError> {
        let transfer: PDUSessionResourceSetupResponseTransfer = decode_open_type(bytes)?;
        let information = &transfer.dl_qos_flow_per_tnl_information;
        let flows = information.associated_qos_flow_list.0.iter();
        Ok(Self {
            downlink: convert::tunnel_from(&information.up_transport_layer_information)?,
            qfis: flows.map(|item| item.qos_flow_identifier.0 as u8).collect(),
        })
    }
}

impl UnsuccessfulTransfer {
    /// Encodes the transfer. Errors: `Encode`.
    pub fn encode(&self) -> Result<Vec<u8>, NgapError> {
        let transfer = PDUSessionResourceSetupUnsuccessfulTransfer::new(self.cause.to_asn1(), None, None);
        Ok(encode_open_type(&transfer)?.into_vec())
    }

    /// Decodes a transfer. Errors: `Syntax`.
    pub fn decode(bytes: &[u8]) -> Result<Self, NgapError> {
        let transfer: PDUSessionResourceSetupUnsuccessfulTransfer = decode_open_type(bytes)?;
        Ok(Self { cause: crate::Cause::from_asn1(&transfer.cause) })
    }
}

impl ReleaseCommandTransfer {
    /// Encodes the transfer. Errors: `Encode`.
    pub fn encode(&self) -> Result<Vec<u8>, NgapError> {
        let transfer = PDUSessionResourceReleaseCommandTransfer::new(self.cause.to_asn1(), None);
        Ok(encode_open_type(&transfer)?.into_vec())
    }

    /// Decodes a transfer. Errors: `Syntax`.
    pub fn decode(bytes: &[u8]) -> Result<Self, NgapError> {
        let transfer: PDUSessionResourceReleaseCommandTransfer = decode_open_type(bytes)?;
        Ok(Self { cause: crate::Cause::from_asn1(&transfer.cause) })
    }
}

/// PDU Session Resource Release Response Transfer, which says nothing. Spec: TS 38.413 §9.3.4.21
pub fn release_response_transfer() -> Result<Vec<u8>, NgapError> {
    Ok(encode_open_type(&PDUSessionResourceReleaseResponseTransfer::new(None))?.into_vec())
}

/// PDU Session Resource Modify Response Transfer of a gNB that changed nothing about tunnels. Spec: TS 38.413 §9.3.4.4
pub fn modify_response_transfer() -> Result<Vec<u8>, NgapError> {
    Ok(encode_open_type(&PDUSessionResourceModifyResponseTransfer::new(None, None, None, None, None, None))?.into_vec())
}

pub(crate) fn context_item(s: &SessionSetup) -> PDUSessionResourceSetupItemCxtReq<'_> {
    let nas = s.nas.as_ref().map(|nas| NASPDU(nas.as_slice().into()));
    PDUSessionResourceSetupItemCxtReq::new(
        PDUSessionID(s.id),
        nas,
        convert::s_nssai(s.s_nssai),
        s.transfer.as_slice().into(),
        None,
    )
}

pub(crate) fn context_item_from(item: PDUSessionResourceSetupItemCxtReq<'_>) -> SessionSetup {
    SessionSetup {
        id: item.pdu_session_id.0,
        nas: item.nas_pdu.map(|nas| nas.0.into_vec()),
        s_nssai: convert::s_nssai_from(&item.s_nssai),
        transfer: item.pdu_session_resource_setup_request_transfer.into_vec(),
    }
}

impl PduSessionResourceSetupRequest {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = PDUSessionResourceSetupRequest<'a>;
        let item = |s: &SessionSetup| {
            let nas = s.nas.as_ref().map(|nas| NASPDU(nas.clone().into()));
            let transfer = s.transfer.clone().into();
            PDUSessionResourceSetupItemSUReq::new(PDUSessionID(s.id), nas, convert::s_nssai(s.s_nssai), transfer, None)
        };
        let mut ies = Vec::new();
        put!(ies, PDUSessionResourceSetupRequest, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, PDUSessionResourceSetupRequest, RAN_UE_NGAP_ID(self.ids.ran));
        if let Some(nas) = &self.nas {
            put!(ies, PDUSessionResourceSetupRequest, NAS_PDU(nas.as_slice()));
        }
        let list = PDUSessionResourceSetupListSUReq(self.sessions.iter().map(item).collect());
        put!(ies, PDUSessionResourceSetupRequest, PDUSessionResourceSetupListSUReq(list));
        if let Some(ambr) = self.ue_ambr {
            put!(ies, PDUSessionResourceSetupRequest, UEAggregateMaximumBitRate(convert::ue_ambr(ambr)));
        }
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, PDUSessionResourceSetupRequest,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            opt nas: Vec<u8> = NAS_PDU(nas) => nas.0.into_vec(),
            req sessions: PDUSessionResourceSetupListSUReq = PDUSessionResourceSetupListSUReq(list) => list,
            lax ambr: UEAggregateMaximumBitRate = UEAggregateMaximumBitRate(ambr) => ambr,
        );
        let sessions = sessions.0.into_iter().map(|item| SessionSetup {
            id: item.pdu_session_id.0,
            nas: item.pdu_session_nas_pdu.map(|nas| nas.0.into_vec()),
            s_nssai: convert::s_nssai_from(&item.s_nssai),
            transfer: item.pdu_session_resource_setup_request_transfer.into_vec(),
        });
        let ue_ambr = ambr.as_ref().map(convert::ue_ambr_from);
        Ok(Self { ids: UeIds { amf, ran }, nas, sessions: sessions.collect(), ue_ambr })
    }
}

/// A response that lists sessions done and sessions failed, whose four list types differ in name only.
macro_rules! response {
    ($ours:ident, $theirs:ident, $done_list:ident, $done_item:ident, $done:ident, $failed_list:ident, $failed_item:ident, $failed:ident) => {
        impl $ours {
            pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
                let mut ies = Vec::new();
                put!(ies, $theirs, AMF_UE_NGAP_ID(self.ids.amf));
                put!(ies, $theirs, RAN_UE_NGAP_ID(self.ids.ran));
                if !self.sessions.is_empty() {
                    let item = |s: &SessionTransfer| {
                        $done_item::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
                    };
                    put!(ies, $theirs, $done_list($done_list(self.sessions.iter().map(item).collect())));
                }
                if !self.failed.is_empty() {
                    let item = |s: &SessionTransfer| {
                        $failed_item::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
                    };
                    put!(ies, $theirs, $failed_list($failed_list(self.failed.iter().map(item).collect())));
                }
                finish!(ies, $theirs)
            }

            pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
                extract_ngap_ies!(pdu, $theirs,
                    req amf: u64 = AMF_UE_NGAP_ID(id),
                    req ran: u32 = RAN_UE_NGAP_ID(id),
                    lax done: $done_list = $done_list(list) => list,
                    lax failed: $failed_list = $failed_list(list) => list,
                );
                let done = done.into_iter().flat_map(|list| list.0);
                let done = done.map(|i| SessionTransfer { id: i.pdu_session_id.0, transfer: i.$done.into_vec() });
                let failed = failed.into_iter().flat_map(|list| list.0);
                let failed = failed.map(|i| SessionTransfer { id: i.pdu_session_id.0, transfer: i.$failed.into_vec() });
                Ok(Self { ids: UeIds { amf, ran }, sessions: done.collect(), failed: failed.collect() })
            }
        }
    };
}

response!(
    PduSessionResourceSetupResponse,
    PDUSessionResourceSetupResponse,
    PDUSessionResourceSetupListSURes,
    PDUSessionResourceSetupItemSURes,
    pdu_session_resource_setup_response_transfer,
    PDUSessionResourceFailedToSetupListSURes,
    PDUSessionResourceFailedToSetupItemSURes,
    pdu_session_resource_setup_unsuccessful_transfer
);

response!(
    PduSessionResourceModifyResponse,
    PDUSessionResourceModifyResponse,
    PDUSessionResourceModifyListModRes,
    PDUSessionResourceModifyItemModRes,
    pdu_session_resource_modify_response_transfer,
    PDUSessionResourceFailedToModifyListModRes,
    PDUSessionResourceFailedToModifyItemModRes,
    pdu_session_resource_modify_unsuccessful_transfer
);

impl PduSessionResourceReleaseCommand {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = PDUSessionResourceReleaseCommand<'a>;
        let item = |s: &SessionTransfer| {
            PDUSessionResourceToReleaseItemRelCmd::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
        };
        let mut ies = Vec::new();
        put!(ies, PDUSessionResourceReleaseCommand, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, PDUSessionResourceReleaseCommand, RAN_UE_NGAP_ID(self.ids.ran));
        if let Some(nas) = &self.nas {
            put!(ies, PDUSessionResourceReleaseCommand, NAS_PDU(nas.as_slice()));
        }
        let list = PDUSessionResourceToReleaseListRelCmd(self.sessions.iter().map(item).collect());
        put!(ies, PDUSessionResourceReleaseCommand, PDUSessionResourceToReleaseListRelCmd(list));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, PDUSessionResourceReleaseCommand,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            lax nas: Vec<u8> = NAS_PDU(nas) => nas.0.into_vec(),
            req sessions: PDUSessionResourceToReleaseListRelCmd = PDUSessionResourceToReleaseListRelCmd(list) => list,
        );
        let sessions = sessions.0.into_iter().map(|item| SessionTransfer {
            id: item.pdu_session_id.0,
            transfer: item.pdu_session_resource_release_command_transfer.into_vec(),
        });
        Ok(Self { ids: UeIds { amf, ran }, nas, sessions: sessions.collect() })
    }
}

impl PduSessionResourceReleaseResponse {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = PDUSessionResourceReleaseResponse<'a>;
        let item = |s: &SessionTransfer| {
            PDUSessionResourceReleasedItemRelRes::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
        };
        let mut ies = Vec::new();
        put!(ies, PDUSessionResourceReleaseResponse, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, PDUSessionResourceReleaseResponse, RAN_UE_NGAP_ID(self.ids.ran));
        let list = PDUSessionResourceReleasedListRelRes(self.sessions.iter().map(item).collect());
        put!(ies, PDUSessionResourceReleaseResponse, PDUSessionResourceReleasedListRelRes(list));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, PDUSessionResourceReleaseResponse,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            req sessions: PDUSessionResourceReleasedListRelRes = PDUSessionResourceReleasedListRelRes(list) => list,
        );
        let sessions = sessions.0.into_iter().map(|item| SessionTransfer {
            id: item.pdu_session_id.0,
            transfer: item.pdu_session_resource_release_response_transfer.into_vec(),
        });
        Ok(Self { ids: UeIds { amf, ran }, sessions: sessions.collect() })
    }
}

impl PduSessionResourceModifyRequest {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = PDUSessionResourceModifyRequest<'a>;
        let item = |s: &SessionModify| {
            let nas = s.nas.as_ref().map(|nas| NASPDU(nas.clone().into()));
            PDUSessionResourceModifyItemModReq::new(PDUSessionID(s.id), nas, s.transfer.clone().into(), None)
        };
        let mut ies = Vec::new();
        put!(ies, PDUSessionResourceModifyRequest, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, PDUSessionResourceModifyRequest, RAN_UE_NGAP_ID(self.ids.ran));
        let list = PDUSessionResourceModifyListModReq(self.sessions.iter().map(item).collect());
        put!(ies, PDUSessionResourceModifyRequest, PDUSessionResourceModifyListModReq(list));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, PDUSessionResourceModifyRequest,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            req sessions: PDUSessionResourceModifyListModReq = PDUSessionResourceModifyListModReq(list) => list,
        );
        let sessions = sessions.0.into_iter().map(|item| SessionModify {
            id: item.pdu_session_id.0,
            nas: item.nas_pdu.map(|nas| nas.0.into_vec()),
            transfer: item.pdu_session_resource_modify_request_transfer.into_vec(),
        });
        Ok(Self { ids: UeIds { amf, ran }, sessions: sessions.collect() })
    }
}
