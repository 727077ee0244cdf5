//! Messages of the interface itself. Spec: TS 38.413 §8.7

use oxirush_ngap::extract_ngap_ies;
use oxirush_ngap::ngap::*;

use crate::convert::{self, finish, put};
use crate::{GlobalGnbId, NgapError, PlmnSlices, SupportedTa};

/// NG SETUP REQUEST. Spec: TS 38.413 §9.2.6.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NgSetupRequest {
    /// Who the gNB is.
    pub gnb: GlobalGnbId,
    /// What it calls itself.
    pub name: Option<String>,
    /// What it serves.
    pub supported_tas: Vec<SupportedTa>,
}

/// NG SETUP RESPONSE. Spec: TS 38.413 §9.2.6.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NgSetupResponse {
    /// What the AMF calls itself.
    pub amf_name: String,
    /// Its GUAMIs.
    pub guamis: Vec<crate::Guami>,
    /// Its weight among AMFs, 0 to 255.
    pub relative_capacity: u8,
    /// What it serves.
    pub plmns: Vec<PlmnSlices>,
}

/// NG SETUP FAILURE. Spec: TS 38.413 §9.2.6.3
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NgSetupFailure {
    /// Why.
    pub cause: crate::Cause,
}

/// A UE as a reset names it: by either identity or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetUe {
    /// AMF UE NGAP ID.
    pub amf: Option<u64>,
    /// RAN UE NGAP ID.
    pub ran: Option<u32>,
}

/// NG RESET. Spec: TS 38.413 §9.2.6.11
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NgReset {
    /// Why.
    pub cause: crate::Cause,
    /// These UEs, or all.
    pub ues: Option<Vec<ResetUe>>,
}

/// NG RESET ACKNOWLEDGE. Spec: TS 38.413 §9.2.6.12
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NgResetAcknowledge {
    /// The UEs that a partial reset named.
    pub ues: Option<Vec<ResetUe>>,
}

/// ERROR INDICATION. Spec: TS 38.413 §9.2.6.13
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorIndication {
    /// AMF UE NGAP ID.
    pub amf: Option<u64>,
    /// RAN UE NGAP ID.
    pub ran: Option<u32>,
    /// Why.
    pub cause: Option<crate::Cause>,
}

impl NgSetupRequest {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        let area = |ta: &SupportedTa| {
            let plmns = ta
                .plmns
                .iter()
                .map(|p| BroadcastPLMNItem::new(convert::plmn(p.plmn), convert::slices(&p.slices), None));
            SupportedTAItem::new(TAC(convert::low3(ta.tac)), BroadcastPLMNList(plmns.collect()), None)
        };
        let mut ies = Vec::new();
        put!(ies, NGSetupRequest, GlobalRANNodeID(convert::gnb_id(&self.gnb)?));
        if let Some(name) = &self.name {
            put!(ies, NGSetupRequest, RANNodeName(name.as_str()));
        }
        put!(ies, NGSetupRequest, SupportedTAList(SupportedTAList(self.supported_tas.iter().map(area).collect())));
        put!(ies, NGSetupRequest, DefaultPagingDRX(PagingDRX::v128));
        finish!(ies, NGSetupRequest)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, NGSetupRequest,
            req node: GlobalRANNodeID = GlobalRANNodeID(node) => node,
            lax name: String = RANNodeName(name) => name.0.into_owned(),
            req areas: SupportedTAList = SupportedTAList(areas) => areas,
        );
        let mut supported_tas = Vec::new();
        for area in &areas.0 {
            let plmns = area.broadcast_plmn_list.0.iter();
            let plmns = plmns.map(|p| convert::plmn_slices_from(&p.plmn_identity, &p.tai_slice_support_list));
            supported_tas.push(SupportedTa { tac: convert::u24(area.tac.0), plmns: plmns.collect::<Result<_, _>>()? });
        }
        Ok(Self { gnb: convert::gnb_id_from(&node)?, name, supported_tas })
    }
}

impl NgSetupResponse {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        let guamis = self.guamis.iter().map(|g| ServedGUAMIItem::new(convert::guami(g), None, None)).collect();
        let plmns = self.plmns.iter();
        let plmns = plmns.map(|p| PLMNSupportItem::new(convert::plmn(p.plmn), convert::slices(&p.slices), None));
        let mut ies = Vec::new();
        put!(ies, NGSetupResponse, AMFName(self.amf_name.as_str()));
        put!(ies, NGSetupResponse, ServedGUAMIList(ServedGUAMIList(guamis)));
        put!(ies, NGSetupResponse, RelativeAMFCapacity(RelativeAMFCapacity(self.relative_capacity)));
        put!(ies, NGSetupResponse, PLMNSupportList(PLMNSupportList(plmns.collect())));
        finish!(ies, NGSetupResponse)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, NGSetupResponse,
            req amf_name: String = AMFName(name) => name.0.into_owned(),
            req guamis: ServedGUAMIList = ServedGUAMIList(list) => list,
            lax capacity: RelativeAMFCapacity = RelativeAMFCapacity(capacity) => capacity,
            req plmns: PLMNSupportList = PLMNSupportList(list) => list,
        );
        let plmns = plmns.0.iter().map(|p| convert::plmn_slices_from(&p.plmn_identity, &p.slice_support_list));
        Ok(Self {
            amf_name,
            guamis: guamis.0.iter().map(|item| convert::guami_from(&item.guami)).collect::<Result<_, _>>()?,
            relative_capacity: capacity.map_or(255, |c| c.0),
            plmns: plmns.collect::<Result<_, _>>()?,
        })
    }
}

impl NgSetupFailure {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        let mut ies = Vec::new();
        put!(ies, NGSetupFailure, Cause(self.cause.to_asn1()));
        finish!(ies, NGSetupFailure)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, NGSetupFailure, lax cause: Cause = Cause(cause) => cause,);
        Ok(Self { cause: cause_or_unspecified(cause.as_ref()) })
    }
}

pub(crate) fn cause_or_unspecified(cause: Option<&Cause>) -> crate::Cause {
    cause.map_or(crate::Cause::MiscUnspecified, crate::Cause::from_asn1)
}

fn connections(ues: &[ResetUe]) -> UEAssociatedLogicalNGConnectionList {
    let item =
        |ue: &ResetUe| UEAssociatedLogicalNGConnectionItem::new(ue.amf.map(AMFUENGAPID), ue.ran.map(RANUENGAPID), None);
    UEAssociatedLogicalNGConnectionList(ues.iter().map(item).collect())
}

fn connections_from(list: &UEAssociatedLogicalNGConnectionList) -> Vec<ResetUe> {
    let ue = |item: &UEAssociatedLogicalNGConnectionItem| ResetUe {
        amf: item.amf_ue_ngap_id.as_ref().map(|id| id.0),
        ran: item.ran_ue_ngap_id.as_ref().map(|id| id.0),
    };
    list.0.iter().map(ue).collect()
}

impl NgReset {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        let reset = match &self.ues {
            None => ResetType::nG_Interface(ResetAll::reset_all),
            Some(ues) => ResetType::partOfNG_Interface(connections(ues)),
        };
        let mut ies = Vec::new();
        put!(ies, NGReset, Cause(self.cause.to_asn1()));
        put!(ies, NGReset, ResetType(reset));
        finish!(ies, NGReset)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, NGReset,
            lax cause: Cause = Cause(cause) => cause,
            req reset: ResetType = ResetType(reset) => reset,
        );
        let ues = match &reset {
            ResetType::partOfNG_Interface(list) => Some(connections_from(list)),
            _ => None,
        };
        Ok(Self { cause: cause_or_unspecified(cause.as_ref()), ues })
    }
}

impl NgResetAcknowledge {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        let mut ies = Vec::new();
        if let Some(ues) = &self.ues {
            put!(ies, NGResetAcknowledge, UE_associatedLogicalNG_connectionList(connections(ues)));
        }
        finish!(ies, NGResetAcknowledge)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, NGResetAcknowledge,
            lax ues: Vec<ResetUe> = UE_associatedLogicalNG_connectionList(list) => connections_from(&list),
        );
        Ok(Self { ues })
    }
}

impl ErrorIndication {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        let mut ies = Vec::new();
        if let Some(id) = self.amf {
            put!(ies, ErrorIndication, AMF_UE_NGAP_ID(id));
        }
        if let Some(id) = self.ran {
            put!(ies, ErrorIndication, RAN_UE_NGAP_ID(id));
        }
        if let Some(cause) = self.cause {
            put!(ies, ErrorIndication, Cause(cause.to_asn1()));
        }
        type Message<'a> = oxirush_ngap::ngap::ErrorIndication<'a>;
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, ErrorIndication,
            lax amf: u64 = AMF_UE_NGAP_ID(id),
            lax ran: u32 = RAN_UE_NGAP_ID(id),
            lax cause: Cause = Cause(cause) => cause,
        );
        Ok(Self { amf, ran, cause: cause.as_ref().map(crate::Cause::from_asn1) })
    }
}
