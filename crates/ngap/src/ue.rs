//! Messages about one UE. Spec: TS 38.413 §8.3, §8.6, §8.14

use oxirush_ngap::extract_ngap_ies;
use oxirush_ngap::ngap::*;

use crate::convert::{self, finish, put};
use crate::interface::cause_or_unspecified;
use crate::session::{self, SessionSetup, SessionTransfer};
use crate::{Ambr, NgapError, RrcEstablishmentCause, UeIds, UserLocation};

/// INITIAL UE MESSAGE. Spec: TS 38.413 §9.2.5.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialUeMessage {
    /// RAN UE NGAP ID.
    pub ran: u32,
    /// The NAS message.
    pub nas: Vec<u8>,
    /// Where the UE is.
    pub location: UserLocation,
    /// Why it connected.
    pub establishment_cause: RrcEstablishmentCause,
    /// 5G-S-TMSI, 48 bits: set, pointer, TMSI.
    pub s_tmsi: Option<u64>,
    /// The gNB asks for a UE context.
    pub ue_context_requested: bool,
}

/// DOWNLINK NAS TRANSPORT. Spec: TS 38.413 §9.2.5.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownlinkNasTransport {
    /// The UE.
    pub ids: UeIds,
    /// The NAS message.
    pub nas: Vec<u8>,
}

/// UPLINK NAS TRANSPORT. Spec: TS 38.413 §9.2.5.3
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UplinkNasTransport {
    /// The UE.
    pub ids: UeIds,
    /// The NAS message.
    pub nas: Vec<u8>,
    /// Where the UE is.
    pub location: UserLocation,
}

/// NAS NON DELIVERY INDICATION. Spec: TS 38.413 §9.2.5.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NasNonDeliveryIndication {
    /// The UE.
    pub ids: UeIds,
    /// The NAS message.
    pub nas: Vec<u8>,
    /// Why.
    pub cause: crate::Cause,
}

/// INITIAL CONTEXT SETUP REQUEST. Spec: TS 38.413 §9.2.2.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialContextSetupRequest {
    /// The UE.
    pub ids: UeIds,
    /// Its bit rates; there if there are sessions.
    pub ue_ambr: Option<Ambr>,
    /// Its AMF.
    pub guami: crate::Guami,
    /// Sessions to set up.
    pub sessions: Vec<SessionSetup>,
    /// Its slices.
    pub allowed_nssai: Vec<nr::SNssai>,
    /// Its algorithms.
    pub security_capabilities: crate::UeSecurityCapabilities,
    /// K_gNB.
    pub k_gnb: [u8; 32],
    /// Its radio capabilities, as the gNB gave them (UERadioAccessCapabilityInformation).
    pub ue_radio_capability: Option<Vec<u8>>,
    /// A NAS message to it.
    pub nas: Option<Vec<u8>>,
}

/// INITIAL CONTEXT SETUP RESPONSE. Spec: TS 38.413 §9.2.2.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialContextSetupResponse {
    /// The UE.
    pub ids: UeIds,
    /// Sessions set up, with their response transfers.
    pub sessions: Vec<SessionTransfer>,
    /// Sessions not set up, with their unsuccessful transfers.
    pub failed: Vec<SessionTransfer>,
}

/// INITIAL CONTEXT SETUP FAILURE. Spec: TS 38.413 §9.2.2.3
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialContextSetupFailure {
    /// The UE.
    pub ids: UeIds,
    /// Why.
    pub cause: crate::Cause,
    /// Sessions not set up, with their unsuccessful transfers.
    pub failed: Vec<SessionTransfer>,
}

/// UE CONTEXT RELEASE REQUEST. Spec: TS 38.413 §9.2.2.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UeContextReleaseRequest {
    /// The UE.
    pub ids: UeIds,
    /// Its sessions that have a user plane.
    pub sessions: Vec<u8>,
    /// Why.
    pub cause: crate::Cause,
}

/// UE CONTEXT RELEASE COMMAND. Spec: TS 38.413 §9.2.2.5
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UeContextReleaseCommand {
    /// AMF UE NGAP ID.
    pub amf: u64,
    /// RAN UE NGAP ID, if the AMF knows it.
    pub ran: Option<u32>,
    /// Why.
    pub cause: crate::Cause,
}

/// UE CONTEXT RELEASE COMPLETE. Spec: TS 38.413 §9.2.2.6
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UeContextReleaseComplete {
    /// The UE.
    pub ids: UeIds,
    /// Where it was last.
    pub location: Option<UserLocation>,
    /// Its sessions that had a user plane.
    pub sessions: Vec<u8>,
}

/// UE RADIO CAPABILITY INFO INDICATION. Spec: TS 38.413 §9.2.13.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UeRadioCapabilityInfoIndication {
    /// The UE.
    pub ids: UeIds,
    /// UERadioAccessCapabilityInformation of RRC.
    pub capability: Vec<u8>,
}

/// PATH SWITCH REQUEST. Spec: TS 38.413 §9.2.3.8
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSwitchRequest {
    /// The UE's new name at the RAN.
    pub ran: u32,
    /// The UE's name at its AMF.
    pub source_amf: u64,
    /// Where the UE is.
    pub location: UserLocation,
    /// Its algorithms.
    pub security_capabilities: crate::UeSecurityCapabilities,
    /// Its sessions, with path switch request transfers.
    pub sessions: Vec<SessionTransfer>,
}

impl InitialUeMessage {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = InitialUEMessage<'a>;
        let mut ies = Vec::new();
        put!(ies, InitialUEMessage, RAN_UE_NGAP_ID(self.ran));
        put!(ies, InitialUEMessage, NAS_PDU(self.nas.as_slice()));
        put!(ies, InitialUEMessage, UserLocationInformation(convert::location(&self.location)));
        let cause = convert::establishment_cause(self.establishment_cause);
        put!(ies, InitialUEMessage, RRCEstablishmentCause(cause));
        if let Some(s_tmsi) = self.s_tmsi {
            put!(ies, InitialUEMessage, FiveG_S_TMSI(convert::s_tmsi(s_tmsi)));
        }
        if self.ue_context_requested {
            put!(ies, InitialUEMessage, UEContextRequest(UEContextRequest::requested));
        }
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, InitialUEMessage,
            req ran: u32 = RAN_UE_NGAP_ID(id),
            req nas: Vec<u8> = NAS_PDU(nas) => nas.0.into_vec(),
            req location: UserLocationInformation = UserLocationInformation(location) => location,
            lax cause: RRCEstablishmentCause = RRCEstablishmentCause(cause) => cause,
            lax s_tmsi: FiveGSTMSI = FiveG_S_TMSI(s_tmsi) => s_tmsi,
            lax context: UEContextRequest = UEContextRequest(context) => context,
        );
        Ok(Self {
            ran,
            nas,
            location: convert::location_from(&location)?,
            establishment_cause: cause.map_or(crate::RrcEstablishmentCause::NotAvailable, |cause| {
                crate::RrcEstablishmentCause::from_rrc(cause as u8)
            }),
            s_tmsi: s_tmsi.as_ref().map(convert::s_tmsi_from),
            ue_context_requested: context.is_some(),
        })
    }
}

impl DownlinkNasTransport {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = DownlinkNASTransport<'a>;
        let mut ies = Vec::new();
        put!(ies, DownlinkNASTransport, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, DownlinkNASTransport, RAN_UE_NGAP_ID(self.ids.ran));
        put!(ies, DownlinkNASTransport, NAS_PDU(self.nas.as_slice()));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, DownlinkNASTransport,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            req nas: Vec<u8> = NAS_PDU(nas) => nas.0.into_vec(),
        );
        Ok(Self { ids: UeIds { amf, ran }, nas })
    }
}

impl UplinkNasTransport {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = UplinkNASTransport<'a>;
        let mut ies = Vec::new();
        put!(ies, UplinkNASTransport, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, UplinkNASTransport, RAN_UE_NGAP_ID(self.ids.ran));
        put!(ies, UplinkNASTransport, NAS_PDU(self.nas.as_slice()));
        put!(ies, UplinkNASTransport, UserLocationInformation(convert::location(&self.location)));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, UplinkNASTransport,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            req nas: Vec<u8> = NAS_PDU(nas) => nas.0.into_vec(),
            req location: UserLocationInformation = UserLocationInformation(location) => location,
        );
        Ok(Self { ids: UeIds { amf, ran }, nas, location: convert::location_from(&location)? })
    }
}

impl NasNonDeliveryIndication {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = NASNonDeliveryIndication<'a>;
        let mut ies = Vec::new();
        put!(ies, NASNonDeliveryIndication, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, NASNonDeliveryIndication, RAN_UE_NGAP_ID(self.ids.ran));
        put!(ies, NASNonDeliveryIndication, NAS_PDU(self.nas.as_slice()));
        put!(ies, NASNonDeliveryIndication, Cause(self.cause.to_asn1()));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, NASNonDeliveryIndication,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            lax nas: Vec<u8> = NAS_PDU(nas) => nas.0.into_vec(),
            lax cause: Cause = Cause(cause) => cause,
        );
        let cause = cause_or_unspecified(cause.as_ref());
        Ok(Self { ids: UeIds { amf, ran }, nas: nas.unwrap_or_default(), cause })
    }
}

impl InitialContextSetupRequest {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = oxirush_ngap::ngap::InitialContextSetupRequest<'a>;
        let mut ies = Vec::new();
        put!(ies, InitialContextSetupRequest, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, InitialContextSetupRequest, RAN_UE_NGAP_ID(self.ids.ran));
        if let Some(ambr) = self.ue_ambr {
            put!(ies, InitialContextSetupRequest, UEAggregateMaximumBitRate(convert::ue_ambr(ambr)));
        }
        put!(ies, InitialContextSetupRequest, GUAMI(convert::guami(&self.guami)));
        if !self.sessions.is_empty() {
            let list = PDUSessionResourceSetupListCxtReq(self.sessions.iter().map(session::context_item).collect());
            put!(ies, InitialContextSetupRequest, PDUSessionResourceSetupListCxtReq(list));
        }
        let allowed = self.allowed_nssai.iter().map(|s| AllowedNSSAIItem::new(convert::s_nssai(*s), None)).collect();
        put!(ies, InitialContextSetupRequest, AllowedNSSAI(AllowedNSSAI(allowed)));
        let capabilities = convert::security_capabilities(&self.security_capabilities);
        put!(ies, InitialContextSetupRequest, UESecurityCapabilities(capabilities));
        put!(ies, InitialContextSetupRequest, SecurityKey(self.k_gnb));
        if let Some(capability) = &self.ue_radio_capability {
            put!(ies, InitialContextSetupRequest, UERadioCapability(capability.as_slice()));
        }
        if let Some(nas) = &self.nas {
            put!(ies, InitialContextSetupRequest, NAS_PDU(nas.as_slice()));
        }
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, InitialContextSetupRequest,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            opt ambr: UEAggregateMaximumBitRate = UEAggregateMaximumBitRate(ambr) => ambr,
            req guami: GUAMI = GUAMI(guami) => guami,
            opt sessions: PDUSessionResourceSetupListCxtReq = PDUSessionResourceSetupListCxtReq(list) => list,
            req allowed: AllowedNSSAI = AllowedNSSAI(list) => list,
            req capabilities: UESecurityCapabilities = UESecurityCapabilities(capabilities) => capabilities,
            req key: SecurityKey = SecurityKey(key) => key,
            lax radio: Vec<u8> = UERadioCapability(capability) => capability.0.into_vec(),
            lax nas: Vec<u8> = NAS_PDU(nas) => nas.0.into_vec(),
        );
        let k_gnb = key.0.as_octets().try_into();
        Ok(Self {
            ids: UeIds { amf, ran },
            ue_ambr: ambr.as_ref().map(convert::ue_ambr_from),
            guami: convert::guami_from(&guami)?,
            sessions: sessions
                .map_or_else(Vec::new, |list| list.0.into_iter().map(session::context_item_from).collect()),
            allowed_nssai: allowed.0.iter().map(|item| convert::s_nssai_from(&item.s_nssai)).collect(),
            security_capabilities: convert::security_capabilities_from(&capabilities),
            k_gnb: k_gnb.map_err(|_| NgapError::Syntax("a security key that has not 256 bits".into()))?,
            ue_radio_capability: radio,
            nas,
        })
    }
}

impl InitialContextSetupResponse {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = oxirush_ngap::ngap::InitialContextSetupResponse<'a>;
        let mut ies = Vec::new();
        put!(ies, InitialContextSetupResponse, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, InitialContextSetupResponse, RAN_UE_NGAP_ID(self.ids.ran));
        if !self.sessions.is_empty() {
            let item = |s: &SessionTransfer| {
                PDUSessionResourceSetupItemCxtRes::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
            };
            let list = PDUSessionResourceSetupListCxtRes(self.sessions.iter().map(item).collect());
            put!(ies, InitialContextSetupResponse, PDUSessionResourceSetupListCxtRes(list));
        }
        if !self.failed.is_empty() {
            let item = |s: &SessionTransfer| {
                PDUSessionResourceFailedToSetupItemCxtRes::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
            };
            let list = PDUSessionResourceFailedToSetupListCxtRes(self.failed.iter().map(item).collect());
            put!(ies, InitialContextSetupResponse, PDUSessionResourceFailedToSetupListCxtRes(list));
        }
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, InitialContextSetupResponse,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            lax sessions: PDUSessionResourceSetupListCxtRes = PDUSessionResourceSetupListCxtRes(list) => list,
            lax failed: PDUSessionResourceFailedToSetupListCxtRes = PDUSessionResourceFailedToSetupListCxtRes(list) => list,
        );
        let set_up = sessions.into_iter().flat_map(|list| list.0).map(|item| SessionTransfer {
            id: item.pdu_session_id.0,
            transfer: item.pdu_session_resource_setup_response_transfer.into_vec(),
        });
        let failed = failed.into_iter().flat_map(|list| list.0).map(|item| SessionTransfer {
            id: item.pdu_session_id.0,
            transfer: item.pdu_session_resource_setup_unsuccessful_transfer.into_vec(),
        });
        Ok(Self { ids: UeIds { amf, ran }, sessions: set_up.collect(), failed: failed.collect() })
    }
}

impl InitialContextSetupFailure {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = oxirush_ngap::ngap::InitialContextSetupFailure<'a>;
        let mut ies = Vec::new();
        put!(ies, InitialContextSetupFailure, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, InitialContextSetupFailure, RAN_UE_NGAP_ID(self.ids.ran));
        if !self.failed.is_empty() {
            let item = |s: &SessionTransfer| {
                PDUSessionResourceFailedToSetupItemCxtFail::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
            };
            let list = PDUSessionResourceFailedToSetupListCxtFail(self.failed.iter().map(item).collect());
            put!(ies, InitialContextSetupFailure, PDUSessionResourceFailedToSetupListCxtFail(list));
        }
        put!(ies, InitialContextSetupFailure, Cause(self.cause.to_asn1()));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, InitialContextSetupFailure,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            lax failed: PDUSessionResourceFailedToSetupListCxtFail = PDUSessionResourceFailedToSetupListCxtFail(list) => list,
            lax cause: Cause = Cause(cause) => cause,
        );
        let failed = failed.into_iter().flat_map(|list| list.0).map(|item| SessionTransfer {
            id: item.pdu_session_id.0,
            transfer: item.pdu_session_resource_setup_unsuccessful_transfer.into_vec(),
        });
        Ok(Self { ids: UeIds { amf, ran }, cause: cause_or_unspecified(cause.as_ref()), failed: failed.collect() })
    }
}

impl UeContextReleaseRequest {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = UEContextReleaseRequest<'a>;
        let mut ies = Vec::new();
        put!(ies, UEContextReleaseRequest, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, UEContextReleaseRequest, RAN_UE_NGAP_ID(self.ids.ran));
        if !self.sessions.is_empty() {
            let items = self.sessions.iter().map(|id| PDUSessionResourceItemCxtRelReq::new(PDUSessionID(*id), None));
            let list = PDUSessionResourceListCxtRelReq(items.collect());
            put!(ies, UEContextReleaseRequest, PDUSessionResourceListCxtRelReq(list));
        }
        put!(ies, UEContextReleaseRequest, Cause(self.cause.to_asn1()));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, UEContextReleaseRequest,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            lax sessions: PDUSessionResourceListCxtRelReq = PDUSessionResourceListCxtRelReq(list) => list,
            lax cause: Cause = Cause(cause) => cause,
        );
        let sessions = sessions.into_iter().flat_map(|list| list.0).map(|item| item.pdu_session_id.0).collect();
        Ok(Self { ids: UeIds { amf, ran }, sessions, cause: cause_or_unspecified(cause.as_ref()) })
    }
}

impl UeContextReleaseCommand {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = UEContextReleaseCommand<'a>;
        let ids = match self.ran {
            Some(ran) => UENGAPIDs::uE_NGAP_ID_pair(UENGAPIDPair::new(AMFUENGAPID(self.amf), RANUENGAPID(ran), None)),
            None => UENGAPIDs::aMF_UE_NGAP_ID(AMFUENGAPID(self.amf)),
        };
        let mut ies = Vec::new();
        put!(ies, UEContextReleaseCommand, UE_NGAP_IDs(ids));
        put!(ies, UEContextReleaseCommand, Cause(self.cause.to_asn1()));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, UEContextReleaseCommand,
            req ids: UENGAPIDs = UE_NGAP_IDs(ids) => ids,
            lax cause: Cause = Cause(cause) => cause,
        );
        let (amf, ran) = match &ids {
            UENGAPIDs::uE_NGAP_ID_pair(pair) => (pair.amf_ue_ngap_id.0, Some(pair.ran_ue_ngap_id.0)),
            UENGAPIDs::aMF_UE_NGAP_ID(amf) => (amf.0, None),
            _ => return Err(NgapError::NotComprehended { what: "UE NGAP IDs of a later release".into() }),
        };
        Ok(Self { amf, ran, cause: cause_or_unspecified(cause.as_ref()) })
    }
}

impl UeContextReleaseComplete {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = UEContextReleaseComplete<'a>;
        let mut ies = Vec::new();
        put!(ies, UEContextReleaseComplete, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, UEContextReleaseComplete, RAN_UE_NGAP_ID(self.ids.ran));
        if let Some(location) = &self.location {
            put!(ies, UEContextReleaseComplete, UserLocationInformation(convert::location(location)));
        }
        if !self.sessions.is_empty() {
            let items = self.sessions.iter().map(|id| PDUSessionResourceItemCxtRelCpl::new(PDUSessionID(*id), None));
            let list = PDUSessionResourceListCxtRelCpl(items.collect());
            put!(ies, UEContextReleaseComplete, PDUSessionResourceListCxtRelCpl(list));
        }
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, UEContextReleaseComplete,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            lax location: UserLocationInformation = UserLocationInformation(location) => location,
            lax sessions: PDUSessionResourceListCxtRelCpl = PDUSessionResourceListCxtRelCpl(list) => list,
        );
        let location = location.as_ref().and_then(|location| convert::location_from(location).ok());
        let sessions = sessions.into_iter().flat_map(|list| list.0).map(|item| item.pdu_session_id.0).collect();
        Ok(Self { ids: UeIds { amf, ran }, location, sessions })
    }
}

impl UeRadioCapabilityInfoIndication {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = UERadioCapabilityInfoIndication<'a>;
        let mut ies = Vec::new();
        put!(ies, UERadioCapabilityInfoIndication, AMF_UE_NGAP_ID(self.ids.amf));
        put!(ies, UERadioCapabilityInfoIndication, RAN_UE_NGAP_ID(self.ids.ran));
        put!(ies, UERadioCapabilityInfoIndication, UERadioCapability(self.capability.as_slice()));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, UERadioCapabilityInfoIndication,
            req amf: u64 = AMF_UE_NGAP_ID(id),
            req ran: u32 = RAN_UE_NGAP_ID(id),
            req capability: Vec<u8> = UERadioCapability(capability) => capability.0.into_vec(),
        );
        Ok(Self { ids: UeIds { amf, ran }, capability })
    }
}

impl PathSwitchRequest {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        type Message<'a> = oxirush_ngap::ngap::PathSwitchRequest<'a>;
        let item = |s: &SessionTransfer| {
            PDUSessionResourceToBeSwitchedDLItem::new(PDUSessionID(s.id), s.transfer.clone().into(), None)
        };
        let mut ies = Vec::new();
        put!(ies, PathSwitchRequest, RAN_UE_NGAP_ID(self.ran));
        put!(ies, PathSwitchRequest, SourceAMF_UE_NGAP_ID(self.source_amf));
        put!(ies, PathSwitchRequest, UserLocationInformation(convert::location(&self.location)));
        let capabilities = convert::security_capabilities(&self.security_capabilities);
        put!(ies, PathSwitchRequest, UESecurityCapabilities(capabilities));
        let list = PDUSessionResourceToBeSwitchedDLList(self.sessions.iter().map(item).collect());
        put!(ies, PathSwitchRequest, PDUSessionResourceToBeSwitchedDLList(list));
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, PathSwitchRequest,
            req ran: u32 = RAN_UE_NGAP_ID(id),
            req source_amf: u64 = SourceAMF_UE_NGAP_ID(id),
            req location: UserLocationInformation = UserLocationInformation(location) => location,
            req capabilities: UESecurityCapabilities = UESecurityCapabilities(capabilities) => capabilities,
            req sessions: PDUSessionResourceToBeSwitchedDLList = PDUSessionResourceToBeSwitchedDLList(list) => list,
        );
        let sessions = sessions.0.into_iter().map(|item| SessionTransfer {
            id: item.pdu_session_id.0,
            transfer: item.path_switch_request_transfer.into_vec(),
        });
        Ok(Self {
            ran,
            source_amf,
            location: convert::location_from(&location)?,
            security_capabilities: convert::security_capabilities_from(&capabilities),
            sessions: sessions.collect(),
        })
    }
}
