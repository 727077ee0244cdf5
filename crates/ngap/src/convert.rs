//! Between this crate's values and the library's.

use std::net::IpAddr;

use nr::{Plmn, SNssai, Teid};
use oxirush_ngap::aper::{BitString, Bits};

use crate::asn1 as a;
use crate::{
    Ambr, GlobalGnbId, GtpTunnel, Guami, NgapError, PlmnSlices, RrcEstablishmentCause, UeSecurityCapabilities,
    UserLocation,
};

/// Refuses a message with an element of criticality "reject" that its object set does not have. Spec: TS 38.413 §10.3.4.2
pub fn comprehend(pdu: &a::NGAPPDU<'_>) -> Result<(), NgapError> {
    let deviations = pdu.check_structure()?;
    let unknown = deviations.iter().find(|deviation| {
        matches!(deviation, oxirush_ngap::Deviation::UnexpectedIe { criticality: a::Criticality::reject, .. })
    });
    unknown.map_or(Ok(()), |deviation| Err(NgapError::NotComprehended { what: deviation.to_string() }))
}

pub fn plmn(plmn: Plmn) -> a::PLMNIdentity {
    a::PLMNIdentity(plmn.to_bcd())
}

pub fn plmn_from(plmn: &a::PLMNIdentity) -> Result<Plmn, NgapError> {
    Plmn::from_bcd(plmn.0).ok_or_else(|| NgapError::Syntax("a PLMN identity with a digit above 9".into()))
}

pub fn s_nssai(s_nssai: SNssai) -> a::SNSSAI {
    let sd = s_nssai.sd.map(|sd| a::SD(low3(sd)));
    a::SNSSAI::new(a::SST([s_nssai.sst]), sd, None)
}

pub fn s_nssai_from(s_nssai: &a::SNSSAI) -> SNssai {
    SNssai { sst: s_nssai.sst.0[0], sd: s_nssai.sd.as_ref().map(|sd| u24(sd.0)) }
}

pub fn low3(value: u32) -> [u8; 3] {
    let [_, a, b, c] = value.to_be_bytes();
    [a, b, c]
}

pub fn u24([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

pub fn slices(slices: &[SNssai]) -> a::SliceSupportList {
    a::SliceSupportList(slices.iter().map(|s| a::SliceSupportItem::new(s_nssai(*s), None)).collect())
}

pub fn slices_from(list: &a::SliceSupportList) -> Vec<SNssai> {
    list.0.iter().map(|item| s_nssai_from(&item.s_nssai)).collect()
}

pub fn plmn_slices_from(identity: &a::PLMNIdentity, list: &a::SliceSupportList) -> Result<PlmnSlices, NgapError> {
    Ok(PlmnSlices { plmn: plmn_from(identity)?, slices: slices_from(list) })
}

pub fn guami(g: &Guami) -> a::GUAMI {
    a::GUAMI::new(
        plmn(g.plmn),
        a::AMFRegionID(Bits::from(g.region)),
        a::AMFSetID(Bits::low(g.set.into(), 10)),
        a::AMFPointer(Bits::low(g.pointer.into(), 6)),
        None,
    )
}

pub fn guami_from(g: &a::GUAMI) -> Result<Guami, NgapError> {
    Ok(Guami {
        plmn: plmn_from(&g.plmn_identity)?,
        region: g.amf_region_id.0.value() as u8,
        set: g.amf_set_id.0.value() as u16,
        pointer: g.amf_pointer.0.value() as u8,
    })
}

pub fn gnb_id(g: &GlobalGnbId) -> Result<a::GlobalRANNodeID, NgapError> {
    let id = oxirush_ngap::helpers::global_gnb_id(plmn(g.plmn), g.id, g.bits.into())?;
    Ok(a::GlobalRANNodeID::globalGNB_ID(id))
}

pub fn gnb_id_from(node: &a::GlobalRANNodeID) -> Result<GlobalGnbId, NgapError> {
    match node {
        a::GlobalRANNodeID::globalGNB_ID(a::GlobalGNBID { plmn_identity, gnb_id: a::GNBID::gNB_ID(bits), .. }) => {
            Ok(GlobalGnbId { plmn: plmn_from(plmn_identity)?, id: bits.value() as u32, bits: bits.len() as u8 })
        }
        _ => Err(NgapError::NotComprehended { what: "a RAN node that is no gNB".into() }),
    }
}

/// Of 48 bits: AMF set, AMF pointer, 5G-TMSI. Spec: TS 38.413 §9.3.3.20
pub fn s_tmsi(value: u64) -> a::FiveGSTMSI {
    a::FiveGSTMSI::new(
        a::AMFSetID(Bits::low(value >> 38, 10)),
        a::AMFPointer(Bits::low(value >> 32, 6)),
        a::FiveGTMSI((value as u32).to_be_bytes()),
        None,
    )
}

pub fn s_tmsi_from(s: &a::FiveGSTMSI) -> u64 {
    let tmsi = u64::from(u32::from_be_bytes(s.five_g_tmsi.0));
    s.amf_set_id.0.value() << 38 | s.amf_pointer.0.value() << 32 | tmsi
}

pub fn location(l: &UserLocation) -> a::UserLocationInformation<'static> {
    let cgi = a::NRCGI::new(plmn(l.plmn), a::NRCellIdentity(Bits::low(l.nr_cell_id, 36)), None);
    let tai = a::TAI::new(plmn(l.tai_plmn), a::TAC(low3(l.tac)), None);
    a::UserLocationInformation::userLocationInformationNR(a::UserLocationInformationNR::new(cgi, tai, None, None))
}

pub fn location_from(l: &a::UserLocationInformation<'_>) -> Result<UserLocation, NgapError> {
    let a::UserLocationInformation::userLocationInformationNR(l) = l else {
        return Err(NgapError::NotComprehended { what: "a location that is no NR cell".into() });
    };
    Ok(UserLocation {
        plmn: plmn_from(&l.nr_cgi.plmn_identity)?,
        nr_cell_id: l.nr_cgi.nr_cell_identity.0.value(),
        tai_plmn: plmn_from(&l.tai.plmn_identity)?,
        tac: u24(l.tai.tac.0),
    })
}

pub fn establishment_cause(cause: RrcEstablishmentCause) -> a::RRCEstablishmentCause {
    use a::RRCEstablishmentCause as C;
    match cause {
        RrcEstablishmentCause::Emergency => C::emergency,
        RrcEstablishmentCause::HighPriorityAccess => C::highPriorityAccess,
        RrcEstablishmentCause::MtAccess => C::mt_Access,
        RrcEstablishmentCause::MoSignalling => C::mo_Signalling,
        RrcEstablishmentCause::MoData => C::mo_Data,
        RrcEstablishmentCause::MoVoiceCall => C::mo_VoiceCall,
        RrcEstablishmentCause::MoVideoCall => C::mo_VideoCall,
        RrcEstablishmentCause::MoSms => C::mo_SMS,
        RrcEstablishmentCause::MpsPriorityAccess => C::mps_PriorityAccess,
        RrcEstablishmentCause::McsPriorityAccess => C::mcs_PriorityAccess,
        RrcEstablishmentCause::NotAvailable => C::notAvailable,
    }
}

pub fn security_capabilities(c: &UeSecurityCapabilities) -> a::UESecurityCapabilities<'static> {
    let bits = |value: u16| BitString::from(value.to_be_bytes());
    a::UESecurityCapabilities::new(
        a::NRencryptionAlgorithms(bits(c.nr_encryption)),
        a::NRintegrityProtectionAlgorithms(bits(c.nr_integrity)),
        a::EUTRAencryptionAlgorithms(bits(c.eutra_encryption)),
        a::EUTRAintegrityProtectionAlgorithms(bits(c.eutra_integrity)),
        None,
    )
}

pub fn security_capabilities_from(c: &a::UESecurityCapabilities<'_>) -> UeSecurityCapabilities {
    let bits = |value: &BitString<'_>| value.as_octets().first_chunk().map_or(0, |b| u16::from_be_bytes(*b));
    UeSecurityCapabilities {
        nr_encryption: bits(&c.nr_encryption_algorithms.0),
        nr_integrity: bits(&c.nr_integrity_protection_algorithms.0),
        eutra_encryption: bits(&c.eutra_encryption_algorithms.0),
        eutra_integrity: bits(&c.eutra_integrity_protection_algorithms.0),
    }
}

pub fn ue_ambr(ambr: Ambr) -> a::UEAggregateMaximumBitRate {
    a::UEAggregateMaximumBitRate::new(a::BitRate(ambr.downlink_bps), a::BitRate(ambr.uplink_bps), None)
}

pub fn ue_ambr_from(ambr: &a::UEAggregateMaximumBitRate) -> Ambr {
    Ambr { downlink_bps: ambr.ue_aggregate_maximum_bit_rate_dl.0, uplink_bps: ambr.ue_aggregate_maximum_bit_rate_ul.0 }
}

pub fn tunnel(tunnel: &GtpTunnel) -> a::UPTransportLayerInformation<'static> {
    let octets = match tunnel.address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let address = a::TransportLayerAddress(BitString::from_octets(octets));
    a::UPTransportLayerInformation::gTPTunnel(a::GTPTunnel::new(address, a::GTPTEID(tunnel.teid.0.to_be_bytes()), None))
}

/// Of an address of both families the IPv4 half is used. Spec: TS 38.414 §5.1
pub fn tunnel_from(tunnel: &a::UPTransportLayerInformation<'_>) -> Result<GtpTunnel, NgapError> {
    let a::UPTransportLayerInformation::gTPTunnel(tunnel) = tunnel else {
        return Err(NgapError::NotComprehended { what: "a transport that is no GTP tunnel".into() });
    };
    let bits = &tunnel.transport_layer_address.0;
    let octets = bits.as_octets();
    let address = match bits.len() {
        32 | 160 => octets.first_chunk::<4>().map(|b| IpAddr::from(*b)),
        128 => octets.first_chunk::<16>().map(|b| IpAddr::from(*b)),
        _ => None,
    };
    let address = address.ok_or_else(|| NgapError::Syntax("a transport layer address of another length".into()))?;
    Ok(GtpTunnel { address, teid: Teid(u32::from_be_bytes(tunnel.gtp_teid.0)) })
}

/// Adds an element to a message's list, with the criticality of its object set.
macro_rules! put {
    ($ies:ident, $message:ident, $ie:ident($value:expr)) => {
        $ies.push(oxirush_ngap::build_ngap_ie!($message, $ie($value))?)
    };
}

/// Wraps a message's list and encodes the PDU.
macro_rules! finish {
    ($ies:ident, $message:ident) => {{
        let message = $message::new(ProtocolIEContainer($ies));
        let pdu = NGAP_PDU::of_message(&message, <$message<'_> as oxirush_ngap::Message>::CRITICALITY)?;
        Ok(pdu.encode()?)
    }};
}

pub(crate) use {finish, put};
