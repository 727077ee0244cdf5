//! One of each message, with every optional element.

use ngap::*;
use nr::{Plmn, SNssai, Teid};

pub fn plmn() -> Plmn {
    "001-01".parse().unwrap()
}

pub const IDS: UeIds = UeIds { amf: 0x12_3456_789a, ran: 77 };
pub const SLICE: SNssai = SNssai { sst: 1, sd: Some(0x010203) };
pub const PLAIN_SLICE: SNssai = SNssai { sst: 1, sd: None };

pub fn location() -> UserLocation {
    UserLocation { plmn: plmn(), nr_cell_id: 0x1_2345_6789, tai_plmn: plmn(), tac: 0x000107 }
}

fn guami() -> Guami {
    Guami { plmn: plmn(), region: 2, set: 1, pointer: 5 }
}

fn ambr() -> Ambr {
    Ambr { downlink_bps: 1_000_000_000, uplink_bps: 200_000_000 }
}

fn capabilities() -> UeSecurityCapabilities {
    UeSecurityCapabilities::from_nas(0xf0, 0x70, 0, 0)
}

pub fn setup_request_transfer() -> SetupRequestTransfer {
    SetupRequestTransfer {
        session_ambr: Some(ambr()),
        uplink: GtpTunnel { address: [10, 53, 1, 2].into(), teid: Teid(0x1122_3344) },
        session_type: SessionType::Ipv4v6,
        security: Some((Protection::Required, Protection::Preferred)),
        flows: vec![QosFlow { qfi: 1, five_qi: 9, arp_priority: 8 }],
    }
}

pub fn setup_response_transfer() -> SetupResponseTransfer {
    SetupResponseTransfer { downlink: GtpTunnel { address: [10, 53, 1, 1].into(), teid: Teid(9) }, qfis: vec![1] }
}

fn setup() -> Vec<SessionSetup> {
    let transfer = setup_request_transfer().encode().unwrap();
    vec![SessionSetup { id: 1, nas: Some(vec![0x7e, 2, 1, 2, 3]), s_nssai: SLICE, transfer }]
}

fn done() -> Vec<SessionTransfer> {
    vec![SessionTransfer { id: 1, transfer: setup_response_transfer().encode().unwrap() }]
}

fn failed() -> Vec<SessionTransfer> {
    let transfer = UnsuccessfulTransfer { cause: Cause::RadioResourcesNotAvailable }.encode().unwrap();
    vec![SessionTransfer { id: 2, transfer }]
}

pub fn all() -> Vec<Pdu> {
    let nas = vec![0x7e, 0x00, 0x5b, 0x01];
    let slices = vec![PLAIN_SLICE, SLICE];
    let plmns = vec![PlmnSlices { plmn: plmn(), slices: slices.clone() }];
    let ue = ResetUe { amf: Some(5), ran: Some(6) };
    vec![
        NgSetupRequest {
            gnb: GlobalGnbId { plmn: plmn(), id: 0x12345, bits: 24 },
            name: Some("ironcell".into()),
            supported_tas: vec![SupportedTa { tac: 7, plmns: plmns.clone() }],
        }
        .into(),
        NgSetupResponse { amf_name: "amf".into(), guamis: vec![guami()], relative_capacity: 255, plmns }.into(),
        NgSetupFailure { cause: Cause::UnknownPlmn }.into(),
        NgReset { cause: Cause::OmIntervention, ues: None }.into(),
        NgReset { cause: Cause::RadioUnspecified, ues: Some(vec![ue]) }.into(),
        NgResetAcknowledge { ues: Some(vec![ue]) }.into(),
        Paging { s_tmsi: 0x0045_dead_beef, tais: vec![Tai { plmn: plmn(), tac: 0x107 }], drx: Some(64) }.into(),
        ErrorIndication { amf: Some(5), ran: Some(6), cause: Some(Cause::UnknownLocalUeNgapId) }.into(),
        InitialUeMessage {
            ran: 77,
            nas: nas.clone(),
            location: location(),
            establishment_cause: RrcEstablishmentCause::MoSignalling,
            s_tmsi: Some(0x0045_dead_beef),
            ue_context_requested: true,
        }
        .into(),
        DownlinkNasTransport { ids: IDS, nas: nas.clone() }.into(),
        UplinkNasTransport { ids: IDS, nas: nas.clone(), location: location() }.into(),
        NasNonDeliveryIndication { ids: IDS, nas: nas.clone(), cause: Cause::RadioConnectionWithUeLost }.into(),
        InitialContextSetupRequest {
            ids: IDS,
            ue_ambr: Some(ambr()),
            guami: guami(),
            sessions: setup(),
            allowed_nssai: slices,
            security_capabilities: capabilities(),
            k_gnb: std::array::from_fn(|i| i as u8),
            ue_radio_capability: Some(vec![4, 1, 2]),
            nas: Some(nas.clone()),
        }
        .into(),
        InitialContextSetupResponse { ids: IDS, sessions: done(), failed: failed() }.into(),
        InitialContextSetupFailure { ids: IDS, cause: Cause::AlgorithmsNotSupported, failed: failed() }.into(),
        UeContextReleaseRequest { ids: IDS, sessions: vec![1], cause: Cause::RadioConnectionWithUeLost }.into(),
        UeContextReleaseCommand { amf: IDS.amf, ran: Some(IDS.ran), cause: Cause::Deregister }.into(),
        UeContextReleaseCommand { amf: IDS.amf, ran: None, cause: Cause::NormalRelease }.into(),
        UeContextReleaseComplete { ids: IDS, location: Some(location()), sessions: vec![1] }.into(),
        UeRadioCapabilityInfoIndication { ids: IDS, capability: vec![1, 2, 3] }.into(),
        PduSessionResourceSetupRequest { ids: IDS, nas: None, sessions: setup(), ue_ambr: Some(ambr()) }.into(),
        PduSessionResourceSetupResponse { ids: IDS, sessions: done(), failed: failed() }.into(),
        PduSessionResourceReleaseCommand {
            ids: IDS,
            nas: Some(nas.clone()),
            sessions: vec![SessionTransfer {
                id: 1,
                transfer: ReleaseCommandTransfer { cause: Cause::NormalRelease }.encode().unwrap(),
            }],
        }
        .into(),
        PduSessionResourceReleaseResponse {
            ids: IDS,
            sessions: vec![SessionTransfer { id: 1, transfer: release_response_transfer().unwrap() }],
        }
        .into(),
        PduSessionResourceModifyRequest {
            ids: IDS,
            sessions: vec![SessionModify { id: 1, nas: Some(nas), transfer: vec![0, 0, 0] }],
        }
        .into(),
        PduSessionResourceModifyResponse {
            ids: IDS,
            sessions: vec![SessionTransfer { id: 1, transfer: modify_response_transfer().unwrap() }],
            failed: failed(),
        }
        .into(),
        PathSwitchRequest {
            ran: 78,
            source_amf: IDS.amf,
            location: location(),
            security_capabilities: capabilities(),
            sessions: vec![SessionTransfer { id: 1, transfer: vec![0, 0] }],
        }
        .into(),
    ]
}
