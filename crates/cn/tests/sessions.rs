//! Sessions: establishment, packets both ways, release, and each refusal. Spec: TS 24.501 §6, TS 29.244, TS 29.281

mod world;

use cn::{CoreEvent, CoreInput};
use gtpu::{Container, Kind, Packet};
use nas::ie::*;
use nas::sm::*;
use nas::{GmmCause, GsmCause, Message, MmMessage, SmHeader, SmMessage};
use nr::{SNssai, Tc, Teid};
use world::{DOWNLINK_TEID, GNB_N3, World, config, ipv4, ipv6};

fn accept(message: Message) -> EstablishmentAccept {
    match message {
        Message::Sm(_, SmMessage::EstablishmentAccept(m)) => m,
        other => panic!("{other:?}"),
    }
}

fn refusal(w: &mut World) -> GsmCause {
    w.expect("UE -> AMF", "PDU session establishment request");
    match w.expect("AMF -> UE", "PDU session establishment reject") {
        Message::Sm(_, SmMessage::EstablishmentReject(m)) => m.cause,
        other => panic!("{other:?}"),
    }
}

/// The address and the inner packet of the only GTP-U packet to the gNB.
fn one_down(w: &mut World) -> Vec<u8> {
    assert_eq!(w.n3.len(), 1);
    let (to, bytes) = w.n3.pop().unwrap();
    let packet = Packet::decode(&bytes).unwrap();
    assert_eq!((to, packet.teid), (GNB_N3, DOWNLINK_TEID));
    assert_eq!(packet.container, Some(Container::Downlink { qfi: 1, rqi: false }));
    packet.payload.to_vec()
}

#[test] // Spec: TS 24.501 §6.4.1.3 (what the accept says: addresses, QoS flow, DNS, MTU)
fn an_ipv4v6_session_is_established() {
    let mut w = World::registered();
    w.request_session(|_, _| {});
    w.expect("UE -> AMF", "PDU session establishment request");
    let m = accept(w.expect("AMF -> UE", "PDU session establishment accept"));
    w.expect_nothing();
    assert_eq!(m.pdu_session_type, PduSessionType::Ipv4v6);
    assert_eq!(m.pdu_address.and_then(|a| a.ipv4()), Some([10, 45, 0, 2]));
    assert_eq!(m.authorized_qos_rules.default_qfi(), Some(1));
    assert_eq!(m.authorized_qos_flow_descriptions.unwrap().0[0].five_qi(), Some(9));
    assert_eq!(m.session_ambr.downlink_kbps, 1_000_000);
    let pco = m.extended_pco.unwrap();
    assert_eq!((pco.dns_ipv4(), pco.mtu()), (vec![[10, 45, 0, 1]], Some(1400)));
    assert_eq!(pco.dns_ipv6().len(), 1);
    assert_eq!(m.dnn, Some(Dnn("internet".into())));
    assert!(w.session_is_active());
}

#[test] // Spec: TS 29.244 §5.2, TS 38.415 §5.5.2 (packets both ways, marked with the QoS flow)
fn packets_go_both_ways() {
    let mut w = World::with_session();
    w.n3.clear();
    let up = ipv4([10, 45, 0, 2], [192, 0, 2, 1], b"up");
    w.packet_up(&up);
    assert_eq!(w.n6, [up]);
    let down = ipv4([192, 0, 2, 1], [10, 45, 0, 2], b"down");
    w.input(CoreInput::N6 { packet: down.clone() });
    assert_eq!(one_down(&mut w), down);
    let stats = w.core.upf_stats();
    assert_eq!((stats.uplink_packets, stats.dropped, stats.spoofed), (1, 0, 0));
}

#[test] // Spec: TS 23.501 §5.8.2.2.3, RFC 4861 §4.2 (the prefix comes in a router advertisement, again when solicited)
fn a_router_advertisement_tells_the_prefix() {
    let mut w = World::with_session();
    let advertisement = one_down(&mut w);
    assert_eq!((advertisement[0] >> 4, advertisement[6], advertisement[40]), (6, 58, 134));
    let prefix = w.events.iter().find_map(|e| match e {
        CoreEvent::SessionActive { ipv6_prefix, .. } => *ipv6_prefix,
        _ => None,
    });
    let octets = prefix.unwrap().octets();
    assert!(advertisement.windows(16).any(|window| window == octets));
    // The checksum over pseudo header and message is right: the sum of all words is all ones.
    let mut sum: u32 = advertisement[8..].chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
    sum += (advertisement.len() - 40) as u32 + 58;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    assert_eq!(sum, 0xffff);
    let mut link_local = [0u8; 16];
    link_local[..2].copy_from_slice(&[0xfe, 0x80]);
    link_local[15] = 9;
    let all_routers = "ff02::2".parse::<std::net::Ipv6Addr>().unwrap().octets();
    w.packet_up(&ipv6(link_local, all_routers, 58, &[133, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(one_down(&mut w), advertisement);
    // And packets of the prefix pass both ways.
    let mut ue = octets;
    ue[15] = 0x42;
    let there = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let up = ipv6(ue, there, 17, b"12345678");
    w.packet_up(&up);
    assert_eq!(w.n6, [up]);
    let down = ipv6(there, ue, 17, b"12345678");
    w.input(CoreInput::N6 { packet: down.clone() });
    assert_eq!(one_down(&mut w), down);
}

#[test] // Spec: TS 29.244 §5.2.1 (a packet whose source is not the UE's matches no PDR)
fn a_spoofed_source_is_stopped() {
    let mut w = World::with_session();
    w.packet_up(&ipv4([10, 45, 0, 3], [192, 0, 2, 1], b""));
    w.packet_up(&ipv6([1; 16], [2; 16], 17, b""));
    w.packet_up(b"not ip");
    w.packet_up(&[]);
    assert!(w.n6.is_empty());
    let stats = w.core.upf_stats();
    assert_eq!((stats.spoofed, stats.dropped), (2, 2));
}

#[test] // Spec: TS 29.281 §7.3.1, §7.2 (an unknown tunnel is an error indication; an echo is answered)
fn unknown_tunnels_and_echoes_are_answered() {
    let mut w = World::with_session();
    w.n3.clear();
    let bytes = gtpu::g_pdu(Teid(0x7777_7777), Container::Uplink { qfi: 1 }, &[0x45]).unwrap();
    w.input(CoreInput::N3 { from: GNB_N3, bytes });
    let (_, bytes) = w.n3.pop().unwrap();
    let packet = Packet::decode(&bytes).unwrap();
    assert_eq!(packet.error_indication().map(|e| e.0), Some(Teid(0x7777_7777)));
    w.input(CoreInput::N3 { from: GNB_N3, bytes: gtpu::echo_request(5) });
    let (_, bytes) = w.n3.pop().unwrap();
    let packet = Packet::decode(&bytes).unwrap();
    assert_eq!((packet.kind, packet.sequence), (Kind::EchoResponse, Some(5)));
}

#[test] // Spec: TS 23.527 §5.3.3.2 (the gNB does not know the tunnel: packets wait until it has a new one)
fn an_error_indication_of_the_gnb_has_the_tunnel_set_up_again() {
    let mut w = World::with_session();
    (w.n3, w.ngap) = (vec![], vec![]);
    w.input(CoreInput::N3 { from: GNB_N3, bytes: gtpu::error_indication(1, DOWNLINK_TEID, GNB_N3) });
    assert!(w.ngap.is_empty());
    let down = ipv4([192, 0, 2, 1], [10, 45, 0, 2], b"");
    w.input(CoreInput::N6 { packet: down.clone() });
    assert_eq!(w.ngap.last().map(ngap::Pdu::name), Some("PDU Session Resource Setup Request"));
    assert_eq!(Packet::decode(&w.n3[0].1).unwrap().payload, down);
}

#[test] // Spec: TS 38.413 §8.2.1.3 (a gNB that refuses a session's tunnel is not asked again for each packet)
fn a_refused_tunnel_is_not_asked_for_again() {
    let mut w = World::with_session();
    w.input(CoreInput::N3 { from: GNB_N3, bytes: gtpu::error_indication(1, DOWNLINK_TEID, GNB_N3) });
    (w.n3, w.ngap, w.gnb_refuses_sessions) = (vec![], vec![], true);
    for _ in 0..10 {
        w.input(CoreInput::N6 { packet: ipv4([192, 0, 2, 1], [10, 45, 0, 2], b"") });
    }
    assert_eq!((w.ngap.len(), w.n3.len(), w.core.upf_stats().dropped), (1, 0, 10));
    // After it has been idle, a packet calls the UE.
    w.gnb_refuses_sessions = false;
    w.go_idle();
    w.input(CoreInput::N6 { packet: ipv4([192, 0, 2, 1], [10, 45, 0, 2], b"") });
    assert_eq!(w.pagings().len(), 1);
}

#[test] // Spec: TS 24.501 §6.4.1.4.1 (#27, #33, #70)
fn dnns_that_are_not_there_or_not_for_the_ue_are_refused() {
    let slice = SNssai { sst: 1, sd: None };
    let dnn = |name: &str| cn::DnnConfig { name: name.into(), ..cn::DnnConfig::internet() };
    let mut config = config();
    config.dnns.push(cn::DnnConfig { slices: vec![SNssai { sst: 2, sd: None }], ..dnn("elsewhere") });
    config.dnns.push(dnn("private"));
    for (name, cause) in [
        ("nowhere", GsmCause::MISSING_OR_UNKNOWN_DNN),
        ("elsewhere", GsmCause::MISSING_OR_UNKNOWN_DNN_IN_SLICE),
        ("private", GsmCause::SERVICE_OPTION_NOT_SUBSCRIBED),
    ] {
        let mut w = World::new(config.clone());
        w.register();
        w.log.clear();
        w.request_session(|m, _| {
            m.dnn = Some(Dnn(name.into()));
            m.s_nssai = Some(slice);
        });
        assert_eq!(refusal(&mut w), cause, "{name}");
        assert_eq!(w.core.upf_sessions(), 0);
    }
}

#[test] // Spec: TS 24.501 §5.4.5.2.5 (a slice that the UE may not use: the message comes back, #90)
fn a_slice_that_is_not_allowed_is_not_forwarded() {
    let mut w = World::registered();
    w.request_session(|m, _| m.s_nssai = Some(SNssai { sst: 9, sd: None }));
    let back = w.log.iter().find_map(|(_, m)| match m {
        Message::Mm(MmMessage::DlNasTransport(m)) => m.cause,
        _ => None,
    });
    assert_eq!(back, Some(GmmCause::PAYLOAD_NOT_FORWARDED));
}

#[test] // Spec: TS 24.501 §6.4.1.3, §6.4.1.4.1 (#50, #51: less than was asked for, or nothing)
fn session_types_follow_network_and_subscription() {
    use PduSessionType::{Ethernet, Ipv4, Ipv4v6, Ipv6};
    let cases = [
        (true, false, Ipv4v6, Ok((Ipv4, Some(GsmCause::IPV4_ONLY_ALLOWED)))),
        (false, true, Ipv4v6, Ok((Ipv6, Some(GsmCause::IPV6_ONLY_ALLOWED)))),
        (true, true, Ipv4, Ok((Ipv4, None))),
        (true, true, Ipv6, Ok((Ipv6, None))),
        (true, false, Ipv6, Err(GsmCause::IPV4_ONLY_ALLOWED)),
        (false, true, Ipv4, Err(GsmCause::IPV6_ONLY_ALLOWED)),
        (true, true, Ethernet, Err(GsmCause::UNKNOWN_PDU_SESSION_TYPE)),
    ];
    for (v4, v6, asked, expected) in cases {
        let mut config = config();
        (config.dnns[0].ipv4, config.dnns[0].ipv6) = (v4, v6);
        let mut w = World::new(config);
        w.register();
        w.log.clear();
        w.request_session(|_, request| request.pdu_session_type = Some(asked));
        match expected {
            Ok(expected) => {
                w.expect("UE -> AMF", "PDU session establishment request");
                let m = accept(w.expect("AMF -> UE", "PDU session establishment accept"));
                assert_eq!((m.pdu_session_type, m.cause), expected);
            }
            Err(cause) => assert_eq!(refusal(&mut w), cause),
        }
    }
}

#[test] // Spec: TS 24.501 §6.4.1.4.1 (#68, #26)
fn ssc_modes_and_empty_pools_are_refused() {
    let mut w = World::registered();
    w.request_session(|_, request| request.ssc_mode = Some(3));
    assert_eq!(refusal(&mut w), GsmCause::SSC_MODE_NOT_SUPPORTED);
    let mut config = config();
    config.dnns[0].ipv4_pool.1 = 30;
    let mut w = World::new(config);
    w.register();
    w.request_session(|_, _| {});
    w.log.clear();
    w.request_session(|m, _| m.pdu_session_id = Some(2));
    assert_eq!(refusal(&mut w), GsmCause::INSUFFICIENT_RESOURCES);
}

#[test] // Spec: TS 24.501 §6.4.3, §6.3.3 (release by the UE; the address comes back)
fn a_ue_releases_its_session() {
    let mut w = World::with_session();
    w.packet_up(&ipv4([10, 45, 0, 2], [192, 0, 2, 1], b"up"));
    let header = SmHeader { pdu_session_id: 1, pti: 2 };
    let request = Message::Sm(header, ReleaseRequest::new(Some(GsmCause::REGULAR_DEACTIVATION)).into());
    w.send(nas::mm::UlNasTransport::n1_sm(request.encode(), 1));
    w.expect("UE -> AMF", "PDU session release request");
    w.expect("AMF -> UE", "PDU session release command");
    w.expect("UE -> AMF", "PDU session release complete");
    w.expect_nothing();
    assert_eq!((w.core.smf().session_count(), w.core.upf_sessions()), (0, 0));
    let volume = w.events.iter().find_map(|e| match e {
        CoreEvent::SessionReleased { volume, .. } => *volume,
        _ => None,
    });
    // One uplink packet of 22 octets, and no downlink packet but the router advertisement.
    assert_eq!(volume.map(|v| v.0), Some(22));
}

#[test] // Spec: TS 24.501 §6.3.3.5 a (T3592)
fn t3592_repeats_the_release_command_and_gives_up() {
    let mut w = World::with_session();
    w.ue.no_complete = true;
    w.input(CoreInput::ReleaseSession { supi: w.ue.supi.clone(), session: 1 });
    w.advance(Tc::from_ms(100_000));
    let commands = w.log.iter().filter(|(way, _)| *way == "AMF -> UE").count();
    assert_eq!(commands, 5);
    assert_eq!(w.core.smf().session_count(), 0);
}

#[test] // Spec: TS 23.502 §4.3.2.2.1 step 14 (the gNB has no resources)
fn a_gnb_that_refuses_leaves_no_session() {
    let mut w = World::registered();
    w.gnb_refuses_sessions = true;
    w.request_session(|_, _| {});
    assert_eq!((w.core.smf().session_count(), w.core.upf_sessions()), (0, 0));
    assert_eq!(w.refusals()[0].0, "session");
}

#[test] // Spec: TS 24.501 §6.4.1.7 c (the UE asks again for a session that the network has)
fn an_old_session_of_the_same_identity_ends() {
    let mut w = World::with_session();
    w.request_session(|_, _| {});
    assert_eq!((w.core.smf().session_count(), w.core.upf_sessions()), (1, 1));
    assert_eq!(w.ue.address.and_then(|a| a.ipv4()), Some([10, 45, 0, 3]));
}

#[test] // Spec: TS 24.501 §7.3, §7.4, §7.5 (what a session message may not be)
fn broken_session_messages_get_a_status() {
    let status = |container: Vec<u8>| {
        let mut w = World::registered();
        let mut transport = nas::mm::UlNasTransport::n1_sm(container, 1);
        transport.request_type = Some(RequestType::Initial);
        let (_, bytes) = w.ue.protected(transport.into());
        w.up(bytes);
        match w.expect("AMF -> UE", "5GSM status") {
            Message::Sm(_, SmMessage::SmStatus(m)) => m.cause,
            other => panic!("{other:?}"),
        }
    };
    let request = SmMessage::from(EstablishmentRequest::new(PduSessionType::Ipv4));
    let with = |pdu_session_id, pti| Message::Sm(SmHeader { pdu_session_id, pti }, request.clone()).encode();
    assert_eq!(status(with(1, 0)), GsmCause::INVALID_PTI);
    assert_eq!(status(with(2, 1)), GsmCause::INVALID_PDU_SESSION_IDENTITY);
    assert_eq!(status(vec![0x2e, 1, 1, 0x00]), GsmCause::MESSAGE_TYPE_NON_EXISTENT);
    assert_eq!(status(vec![0x2e, 1, 1, 0xc1]), GsmCause::INVALID_MANDATORY_INFORMATION);
    assert_eq!(status(vec![0x2e]), GsmCause::PROTOCOL_ERROR);
}

#[test] // Spec: TS 24.501 §5.5.2.2 (switch off, and not)
fn deregistration_ends_everything() {
    for switch_off in [true, false] {
        let mut w = World::with_session();
        let guti = MobileIdentity::Guti(w.ue.guti.unwrap());
        let kind = DeregistrationType::three_gpp(switch_off);
        w.send(nas::mm::DeregistrationRequestUe::new(kind, KeySetIdentifier::native(0), guti));
        w.expect("UE -> AMF", "Deregistration request (UE originating)");
        if !switch_off {
            w.expect("AMF -> UE", "Deregistration accept (UE originating)");
        }
        w.expect_nothing();
        assert_eq!(w.core.amf().ue_count(), 0);
        assert_eq!((w.core.smf().session_count(), w.core.upf_sessions()), (0, 0));
        assert!(w.amf.is_none());
    }
}

#[test] // Spec: TS 24.501 §5.5.2.3 (deregistration by the network; T3522)
fn the_network_deregisters_a_ue() {
    let mut w = World::with_session();
    w.input(CoreInput::Deregister { supi: w.ue.supi.clone() });
    w.expect("AMF -> UE", "Deregistration request (UE terminated)");
    w.expect("UE -> AMF", "Deregistration accept (UE terminated)");
    assert_eq!((w.core.amf().ue_count(), w.core.upf_sessions()), (0, 0));
    let mut w = World::with_session();
    w.ue_mute = true;
    w.input(CoreInput::Deregister { supi: w.ue.supi.clone() });
    w.advance(Tc::from_ms(60_000));
    assert_eq!(w.log.len(), 5);
    assert_eq!((w.core.amf().ue_count(), w.core.upf_sessions()), (0, 0));
}

#[test] // Spec: TS 24.501 §5.6.1.5 (#9: a UE that the network does not know)
fn an_unknown_ue_has_no_service() {
    let mut w = World::lab();
    let s_tmsi = MobileIdentity::STmsi(STmsi { amf_set: 1, amf_pointer: 0, tmsi: 5 });
    let request = nas::mm::ServiceRequest::new(KeySetIdentifier::native(0), ServiceType::Signalling, s_tmsi);
    w.up(Message::from(request).encode());
    match w.expect("AMF -> UE", "Service reject") {
        Message::Mm(MmMessage::ServiceReject(m)) => assert_eq!(m.cause, GmmCause::IDENTITY_CANNOT_BE_DERIVED),
        other => panic!("{other:?}"),
    }
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 38.413 §8.7.4 (a reset leaves registered UEs idle)
fn a_reset_leaves_the_ue_idle() {
    let mut w = World::with_session();
    w.n2(ngap::NgReset { cause: ngap::Cause::OmIntervention, ues: None }.into());
    assert!(matches!(w.ngap.last(), Some(ngap::Pdu::NgResetAcknowledge(_))));
    assert!(w.is_registered());
    w.n3.clear();
    w.input(CoreInput::N6 { packet: ipv4([192, 0, 2, 1], [10, 45, 0, 2], b"") });
    assert!(w.n3.is_empty());
}

#[test] // Spec: TS 23.501 §5.7.1.8, TS 29.244 §5.4.4 (the UPF enforces the session AMBR)
fn the_session_rate_is_enforced() {
    let mut config = config();
    config.dnns[0].enforce_ambr = true;
    config.dnns[0].ambr_kbps = (8_000, 8_000);
    let mut w = World::new(config);
    w.register();
    w.request_session(|_, _| {});
    let packet = ipv4([10, 45, 0, 2], [192, 0, 2, 1], &[0; 980]);
    // Two seconds of 1000 octets each 0.5 ms are twice the rate.
    for _ in 0..4000 {
        w.now += Tc::from_us(500);
        w.packet_up(&packet);
    }
    let passed = w.n6.len();
    assert!((2000..2150).contains(&passed), "{passed}");
}
