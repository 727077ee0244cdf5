//! Idle UEs: service request, paging, buffering, and UEs that stay away. Spec: TS 24.501 §5.6, TS 23.502 §4.2.3

mod world;

use cn::{CoreEvent, CoreInput};
use nas::ie::ServiceType;
use nr::Tc;
use world::{World, config, ipv4};

fn s(seconds: i64) -> Tc {
    Tc::from_ms(seconds * 1000)
}

fn down(payload: &[u8]) -> CoreInput {
    CoreInput::N6 { packet: ipv4([192, 0, 2, 1], [10, 45, 0, 2], payload) }
}

/// A UE with a session that is idle.
fn idle() -> World {
    let mut w = World::with_session();
    w.go_idle();
    w
}

/// What the gNB got in IPv4 (the router advertisement comes again with the user plane).
fn payloads(w: &World) -> Vec<Vec<u8>> {
    let inner = w.n3.iter().map(|(_, bytes)| gtpu::Packet::decode(bytes).unwrap().payload);
    inner.filter(|packet| packet[0] >> 4 == 4).map(|packet| packet[20..].to_vec()).collect()
}

#[test] // Spec: TS 24.501 §5.6.1, TS 23.502 §4.2.3.2, §4.2.6 (the connection is lost, and comes back with its session)
fn a_service_request_brings_the_session_back() {
    let mut w = idle();
    assert!(w.is_registered());
    w.gnb_is_slow = true;
    w.service_request(ServiceType::Data, Some(1 << 1));
    w.expect("AMF -> UE", "Service accept");
    // The session's request comes when the gNB has the UE's context, not before.
    assert_eq!(w.ngap.last().unwrap().name(), "Initial Context Setup Request");
    w.context_is_set_up();
    w.pump();
    assert_eq!(w.ngap.last().unwrap().name(), "PDU Session Resource Setup Request");
    w.input(down(b"1"));
    assert_eq!(payloads(&w), [b"1"]);
    let k_gnb = security::kdf::k_gnb(&w.ue.k_amf.unwrap(), w.ue.k_gnb_count);
    assert_eq!(w.k_gnb, Some(k_gnb));
}

#[test] // Spec: TS 23.502 §4.2.3.3, TS 24.501 §5.6.2.2.1, TS 29.244 §5.2.4 (a packet calls an idle UE, and reaches it)
fn a_packet_for_an_idle_ue_calls_it() {
    let mut w = idle();
    for payload in [b"1", b"2", b"3"] {
        w.input(down(payload));
    }
    assert!(w.n3.is_empty());
    let s_tmsi = w.ue.guti.unwrap().s_tmsi().to_u48();
    let tais = vec![ngap::Tai { plmn: "001-01".parse().unwrap(), tac: 1 }];
    assert_eq!(w.pagings(), [&ngap::Paging { s_tmsi, tais, drx: None }], "one paging for three packets");
    // It names no session: the network has asked for this one.
    w.service_request(ServiceType::MobileTerminated, None);
    w.expect("AMF -> UE", "Service accept");
    assert_eq!(w.ngap.last().unwrap().name(), "PDU Session Resource Setup Request");
    assert_eq!(payloads(&w), [b"1", b"2", b"3"], "in their order");
    w.input(down(b"4"));
    assert_eq!(payloads(&w).len(), 4);
    w.advance(s(60));
    assert_eq!(w.pagings().len(), 1, "T3513 is stopped");
    assert_eq!(w.core.upf_stats().dropped, 0);
}

#[test] // Spec: TS 24.501 §5.6.2.2.3 (T3513 runs out), TS 23.502 §4.2.3.3 step 5 (what waits is dropped; the next packet calls again)
fn a_ue_that_does_not_answer_is_called_three_times() {
    let mut w = idle();
    w.input(down(b"1"));
    for n in 1..=3 {
        assert_eq!(w.pagings().len(), n);
        w.advance(s(2));
    }
    assert_eq!(w.refusals(), [("paging", "the UE does not answer paging".to_string())]);
    assert_eq!((w.pagings().len(), w.core.upf_stats().dropped), (3, 1));
    assert!(w.is_registered());
    w.input(down(b"2"));
    assert_eq!(w.pagings().len(), 4);
    w.service_request(ServiceType::MobileTerminated, None);
    assert_eq!(payloads(&w), [b"2"]);
}

#[test] // Spec: TS 29.244 §8.2.100 (suggested buffering packets count: 64; of more the oldest go)
fn the_buffer_has_a_bound() {
    let mut w = idle();
    for n in 0..=99 {
        w.input(down(&[n]));
    }
    w.service_request(ServiceType::MobileTerminated, None);
    assert_eq!(payloads(&w), (36..=99).map(|n| vec![n]).collect::<Vec<_>>());
    assert_eq!(w.core.upf_stats().dropped, 36);
}

#[test] // Spec: TS 24.501 §5.3.7 (mobile reachable timer, implicit deregistration)
fn a_ue_that_stays_away_is_deregistered() {
    let mut w = idle();
    w.advance(s(3600 + 240) + Tc(1));
    w.input(down(b"1"));
    assert!(w.pagings().is_empty() && w.is_registered(), "nobody calls it any more");
    w.advance(s(240));
    assert!(w.events.iter().any(|event| matches!(event, CoreEvent::Deregistered { .. })));
    assert_eq!((w.core.amf().ue_count(), w.core.upf_sessions(), w.core.smf().session_count()), (0, 0, 0));
}

#[test] // Spec: TS 24.501 §5.3.7 (a UE that is heard of stays registered)
fn a_service_request_restarts_the_mobile_reachable_timer() {
    let mut config = config();
    config.t3512_s = 60;
    let mut w = World::new(config);
    w.register();
    w.request_session(|_, _| {});
    for _ in 0..4 {
        w.go_idle();
        w.advance(s(250));
        w.service_request(ServiceType::Signalling, None);
        w.expect("AMF -> UE", "Service accept");
    }
    assert!(w.is_registered());
}

#[test] // Spec: TS 23.502 §4.2.2.3.3 (an idle UE is called to be deregistered; TS 24.501 §5.5.2.3 when it does not come)
fn an_idle_ue_is_called_to_be_deregistered() {
    let mut w = idle();
    w.input(CoreInput::Deregister { supi: w.ue.supi.clone() });
    assert_eq!(w.pagings().len(), 1);
    w.service_request(ServiceType::MobileTerminated, None);
    w.expect("AMF -> UE", "Service accept");
    w.expect("AMF -> UE", "Deregistration request (UE terminated)");
    w.expect("UE -> AMF", "Deregistration accept (UE terminated)");
    assert_eq!(w.core.amf().ue_count(), 0);
    let mut w = idle();
    w.input(CoreInput::Deregister { supi: w.ue.supi.clone() });
    w.advance(s(6));
    assert_eq!((w.core.amf().ue_count(), w.core.upf_sessions()), (0, 0));
}

#[test] // Spec: TS 24.501 §6.3.3 (the network releases a session of an idle UE: it is called first)
fn an_idle_ue_is_called_to_lose_its_session() {
    let mut w = idle();
    w.input(CoreInput::ReleaseSession { supi: w.ue.supi.clone(), session: 1 });
    assert_eq!(w.pagings().len(), 1);
    w.service_request(ServiceType::MobileTerminated, None);
    w.expect("AMF -> UE", "Service accept");
    w.expect("AMF -> UE", "PDU session release command");
    w.expect("UE -> AMF", "PDU session release complete");
    assert_eq!((w.core.smf().session_count(), w.core.upf_sessions()), (0, 0));
}

#[test] // Spec: TS 29.244 §6.4 (a report is sent again until it is answered, three times in all; a flood of them is not kept)
fn a_flood_of_error_indications_is_not_kept() {
    use cn::upf::{Upf, UpfInput, UpfOutput};
    use node::Node;
    use pfcp::ie::ApplyAction;
    let mut upf = Upf::new(&config(), node::Rng::from_lab_seed(1));
    let mut out = node::Outbox::default();
    let node_id = pfcp::NodeId::Address([10, 53, 1, 3].into());
    let associate = pfcp::AssociationSetupRequest { node_id: node_id.clone(), recovery: 1 };
    let tunnel = pfcp::OuterHeaderCreation { teid: world::DOWNLINK_TEID, address: world::GNB_N3 };
    let forwarding = pfcp::ForwardingParameters {
        destination_interface: pfcp::Interface::Access,
        network_instance: None,
        outer_header_creation: Some(tunnel),
    };
    let apply_action = ApplyAction::FORWARD;
    let far = pfcp::CreateFar { far_id: 1, apply_action, forwarding: Some(forwarding), bar_id: None };
    let establish = pfcp::SessionEstablishmentRequest {
        node_id,
        cp_f_seid: pfcp::FSeid::new(7, [10, 53, 1, 3].into()),
        create_pdrs: vec![],
        create_fars: vec![far],
        create_urrs: vec![],
        create_qers: vec![],
        create_bar: None,
        pdn_type: None,
    };
    for (seid, body) in [(None, associate.into()), (Some(0), pfcp::Body::from(establish))] {
        upf.handle(s(1), UpfInput::N4(pfcp::Message::new(seid, 1, body).encode()), &mut out);
    }
    while out.pop().is_some() {}
    let error = gtpu::error_indication(1, world::DOWNLINK_TEID, world::GNB_N3);
    for _ in 0..10_000 {
        upf.handle(s(2), UpfInput::N3 { from: world::GNB_N3, bytes: error.clone() }, &mut out);
    }
    let mut reports = 0;
    let mut count = |out: &mut node::Outbox<UpfOutput>| {
        let before = reports;
        while let Some(output) = out.pop() {
            reports += usize::from(matches!(output, UpfOutput::N4(_)));
        }
        reports - before
    };
    assert_eq!(count(&mut out), 10_000);
    for sent_again in [4_096, 4_096, 0] {
        let Some(at) = upf.deadline() else { break };
        upf.timeout(at, &mut out);
        assert_eq!(count(&mut out), sent_again);
    }
    assert_eq!(upf.deadline(), None);
}
