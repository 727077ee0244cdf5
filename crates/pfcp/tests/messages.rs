//! Messages out and in again, and what is refused.

use nr::Teid;
use pfcp::ie::{ApplyAction, GateStatus, Mbr, NetworkInstance, Triggers, Volume};
use pfcp::*;

const UPF: [u8; 4] = [10, 53, 1, 2];

fn establishment() -> Message {
    let network = Some(NetworkInstance("internet".into()));
    let ue = |destination| Some(UeIpAddress { destination, ipv4: Some([10, 45, 0, 2].into()), ipv6: None });
    let pdi = |source_interface, f_teid, destination| Pdi {
        source_interface,
        f_teid,
        network_instance: network.clone(),
        ue_ip_address: ue(destination),
        qfis: vec![],
    };
    let pdr = |pdr_id, pdi, removal, far_id| CreatePdr {
        pdr_id,
        precedence: 255,
        pdi,
        outer_header_removal: removal,
        far_id: Some(far_id),
        urr_ids: vec![1],
        qer_ids: vec![1],
    };
    let choose = FTeid::Choose { ipv4: true, ipv6: false, choose_id: Some(1) };
    let forward = ForwardingParameters {
        destination_interface: Interface::Core,
        network_instance: network.clone(),
        outer_header_creation: None,
    };
    let body = SessionEstablishmentRequest {
        node_id: NodeId::Address([10, 53, 1, 3].into()),
        cp_f_seid: FSeid::new(7, [10, 53, 1, 3].into()),
        create_pdrs: vec![
            pdr(1, pdi(Interface::Access, Some(choose), false), Some(0), 1),
            pdr(2, pdi(Interface::Core, None, true), None, 2),
        ],
        create_fars: vec![
            CreateFar { far_id: 1, apply_action: ApplyAction::FORWARD, forwarding: Some(forward), bar_id: None },
            CreateFar { far_id: 2, apply_action: ApplyAction::DROP, forwarding: None, bar_id: Some(1) },
        ],
        create_urrs: vec![CreateUrr { urr_id: 1, measurement_method: 2, reporting_triggers: Triggers([0, 0, 0]) }],
        create_qers: vec![CreateQer {
            qer_id: 1,
            gate_status: GateStatus::OPEN,
            mbr: Some(Mbr { uplink_kbps: 1_000_000, downlink_kbps: 5_000_000_000 }),
            qfi: Some(1),
        }],
        create_bar: Some(CreateBar { bar_id: 1, suggested_buffering_packets: Some(32) }),
        pdn_type: Some(1),
    };
    Message::new(Some(0), 1, body.into())
}

pub fn samples() -> Vec<Message> {
    let node_id = NodeId::Address(UPF.into());
    let tunnel = FTeid::new(Teid(0x1234), UPF.into());
    let created = vec![CreatedPdr { pdr_id: 1, f_teid: Some(tunnel) }];
    let update = UpdateForwardingParameters {
        destination_interface: Some(Interface::Access),
        network_instance: None,
        outer_header_creation: Some(OuterHeaderCreation { teid: Teid(9), address: [10, 53, 1, 1].into() }),
        smreq_flags: Some(2),
    };
    let report = UsageReport {
        urr_id: 1,
        sequence: 0,
        trigger: Triggers([0, 8, 0]),
        volume: Some(Volume { uplink: 5, downlink: 6 }),
    };
    vec![
        Message::new(None, 1, HeartbeatRequest { recovery: 0xe600_0000 }.into()),
        Message::new(None, 1, HeartbeatResponse { recovery: 0xe600_0000 }.into()),
        Message::new(None, 2, AssociationSetupRequest { node_id: node_id.clone(), recovery: 5 }.into()),
        Message::new(
            None,
            2,
            AssociationSetupResponse { node_id: node_id.clone(), cause: Cause::ACCEPTED, recovery: 5 }.into(),
        ),
        Message::new(None, 3, AssociationReleaseRequest { node_id: node_id.clone() }.into()),
        Message::new(None, 3, AssociationReleaseResponse { node_id: node_id.clone(), cause: Cause::ACCEPTED }.into()),
        establishment(),
        Message::new(
            Some(7),
            4,
            SessionEstablishmentResponse {
                node_id,
                cause: Cause::ACCEPTED,
                offending_ie: None,
                up_f_seid: Some(FSeid::new(8, UPF.into())),
                created_pdrs: created.clone(),
            }
            .into(),
        ),
        Message::new(
            Some(8),
            5,
            SessionModificationRequest {
                cp_f_seid: None,
                remove_pdrs: vec![RemovePdr { pdr_id: 3 }],
                remove_fars: vec![RemoveFar { far_id: 3 }],
                create_pdrs: vec![],
                create_fars: vec![],
                create_qers: vec![],
                update_pdrs: vec![],
                update_fars: vec![UpdateFar {
                    far_id: 2,
                    apply_action: Some(ApplyAction::FORWARD),
                    forwarding: Some(update),
                }],
                update_qers: vec![],
                smreq_flags: None,
            }
            .into(),
        ),
        Message::new(
            Some(7),
            5,
            SessionModificationResponse { cause: Cause::REJECTED, offending_ie: Some(108), created_pdrs: created }
                .into(),
        ),
        Message::new(Some(8), 6, SessionDeletionRequest {}.into()),
        Message::new(
            Some(7),
            6,
            SessionDeletionResponse { cause: Cause::ACCEPTED, usage_reports: vec![report] }.into(),
        ),
        Message::new(
            Some(7),
            7,
            SessionReportRequest {
                report_type: 4,
                downlink_data: None,
                error_indication: Some(ErrorIndicationReport { f_teids: vec![tunnel] }),
            }
            .into(),
        ),
        Message::new(
            Some(7),
            8,
            SessionReportRequest {
                report_type: 1,
                downlink_data: Some(DownlinkDataReport { pdr_ids: vec![2] }),
                error_indication: None,
            }
            .into(),
        ),
        Message::new(Some(8), 7, SessionReportResponse { cause: Cause::ACCEPTED }.into()),
    ]
}

#[test] // Spec: TS 29.244 §7.4, §7.5
fn every_message_decodes_to_what_was_encoded() {
    for message in samples() {
        assert_eq!(Message::decode(&message.encode()), Ok(message));
    }
}

#[test] // Spec: TS 29.244 §7.2.2, §8.2.65; bytes written by hand from the figures
fn a_heartbeat_has_the_figures_octets() {
    let message = Message::new(None, 0x010203, HeartbeatRequest { recovery: 0xaabbccdd }.into());
    assert_eq!(message.encode(), [0x20, 1, 0, 12, 1, 2, 3, 0, 0, 96, 0, 4, 0xaa, 0xbb, 0xcc, 0xdd]);
}

#[test] // Spec: TS 29.244 §7.6.9 (unknown elements are kept at the top and skipped in groups)
fn unknown_elements_do_no_harm() {
    let mut message = establishment();
    message.unknown.push(RawIe { kind: 0x8001, value: vec![0, 10, 1] });
    let bytes = message.encode();
    assert_eq!(Message::decode(&bytes), Ok(message));
}

#[test] // Spec: TS 29.244 §7.6.7
fn a_missing_mandatory_element_is_named() {
    let bytes = [0x21, 50, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    let error = Message::decode(&bytes).unwrap_err();
    assert_eq!(error, PfcpError::Missing(60));
    assert_eq!(error.cause(), Some((Cause::MANDATORY_IE_MISSING, Some(60))));
}

#[test] // Spec: TS 29.244 §7.6 (no bytes of a peer's reach a panic)
fn mutated_messages_never_panic() {
    let mut state = 88172645463325252u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for message in samples() {
        let bytes = message.encode();
        for len in 0..bytes.len() {
            assert!(Message::decode(&bytes[..len]).is_err());
        }
        for _ in 0..1000 {
            let mut mutated = bytes.clone();
            for _ in 0..1 + random() % 3 {
                let at = random() % mutated.len();
                mutated[at] = random() as u8;
            }
            if let Ok(again) = Message::decode(&mutated) {
                again.encode();
            }
        }
    }
}
