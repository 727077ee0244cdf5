//! Messages that another implementation made: vectors/nas.txt.

use nas::ie::*;
use nas::{GmmCause, GsmCause, Message, MmMessage, NasError, SmMessage};
use nr::SNssai;

const MESSAGES: &str = include_str!("../../../vectors/nas.txt");

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let lines = MESSAGES.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(name, octets)| (name, hex(octets))).collect()
}

fn message(name: &str) -> Message {
    let (_, octets) = messages().into_iter().find(|(n, _)| *n == name).unwrap();
    Message::decode(&octets).unwrap()
}

#[test] // Spec: TS 24.501 §8.2, §8.3; vectors: vectors/nas.txt (pycrate 0.8.1)
fn every_message_of_pycrate_is_read_whole_and_written_alike() {
    let mut count = 0;
    for (name, octets) in messages() {
        let message = Message::decode(&octets).unwrap_or_else(|error| panic!("{name}: {error}"));
        let shown = format!("{message:?}").replace("sd: None", "");
        // What another element took, or nobody: every element that was written must have its field.
        assert!(shown.contains("unknown: []"), "{name}: {shown}");
        // EAP messages are left out of those that may carry one.
        let may_have_eap = ["AuthenticationRe", "SecurityModeCommand"].iter().any(|part| name.contains(part));
        assert!(may_have_eap || !shown.contains("None"), "{name}: {shown}");
        assert_eq!(message.encode(), octets, "{name}: {shown}");
        count += 1;
    }
    assert_eq!(count, 38);
}

#[test] // Spec: TS 24.501 §9.11; vectors: vectors/nas.txt (what the octets mean, written by hand)
fn elements_have_the_values_that_were_written() {
    let plmn = "001-01".parse().unwrap();
    let guti = Guti { plmn, amf_region: 2, amf_set: 1, amf_pointer: 5, tmsi: 0xdead_beef };
    let Message::Mm(MmMessage::RegistrationRequest(m)) = message("FGMMRegistrationRequest") else { panic!() };
    assert_eq!(
        m.mobile_identity,
        MobileIdentity::Suci(Suci {
            plmn,
            routing_indicator: "0".into(),
            scheme: 1,
            key_id: 1,
            scheme_output: [&[10; 32][..], &[1, 2, 3, 4, 5], &[11; 8]].concat()
        })
    );
    assert_eq!(m.additional_guti, Some(MobileIdentity::Guti(guti)));
    let slices = vec![SNssai { sst: 1, sd: None }, SNssai { sst: 1, sd: Some(0x0a0b0c) }];
    assert_eq!(m.requested_nssai, Some(Nssai(slices.clone())));
    assert_eq!(m.last_visited_registered_tai, Some(Tai { plmn, tac: 7 }));
    assert_eq!(m.pdu_session_status, Some(PduSessionStatus(1 << 1 | 1 << 5)));
    let capability = m.ue_security_capability.unwrap();
    assert!(capability.has_nea(security::NeaAlg::Nea0) && capability.has_nia(security::NiaAlg::Nia3));
    assert!(!capability.has_nia(security::NiaAlg::Nia0));

    let Message::Mm(MmMessage::RegistrationAccept(m)) = message("FGMMRegistrationAccept") else { panic!() };
    let rejected = vec![(SNssai { sst: 2, sd: None }, 0), (SNssai { sst: 1, sd: Some(0x010203) }, 1)];
    assert_eq!(m.rejected_nssai, Some(RejectedNssai(rejected)));
    assert_eq!(m.allowed_nssai, Some(Nssai(slices[..1].to_vec())));
    assert_eq!(m.tai_list, Some(TaiList(vec![Tai { plmn, tac: 1 }])));
    assert_eq!((m.t3512.unwrap().seconds(), m.t3502.unwrap().seconds()), (Some(3600), Some(720)));

    let Message::Mm(MmMessage::RegistrationReject(m)) = message("FGMMRegistrationReject") else { panic!() };
    assert_eq!((m.cause, m.cause.name()), (GmmCause::NO_NETWORK_SLICES_AVAILABLE, "No network slices available"));
    let Message::Mm(MmMessage::ServiceRequest(m)) = message("FGMMServiceRequest") else { panic!() };
    assert_eq!(m.s_tmsi, MobileIdentity::STmsi(guti.s_tmsi()));
    assert_eq!(guti.s_tmsi().to_u48(), 0x0045_dead_beef);
    let Message::Mm(MmMessage::SecurityModeComplete(m)) = message("FGMMSecurityModeComplete") else { panic!() };
    assert_eq!(m.imeisv, Some(MobileIdentity::Imeisv("6123456789012345".into())));
    let Message::Mm(MmMessage::ConfigurationUpdateCommand(m)) = message("FGMMConfigurationUpdateCommand") else {
        panic!()
    };
    assert_eq!(m.full_network_name, Some(NetworkName("iron".into())));

    let Message::Sm(header, SmMessage::EstablishmentAccept(m)) = message("FGSMPDUSessionEstabAccept") else { panic!() };
    assert_eq!(header, nas::SmHeader { pdu_session_id: 0, pti: 0 });
    assert_eq!(m.pdu_address, Some(PduAddress::Ipv4([10, 45, 0, 2])));
    assert_eq!((m.session_ambr.downlink_kbps, m.session_ambr.uplink_kbps), (1_000_000, 500_000));
    assert_eq!(m.authorized_qos_rules.0, [nas::qos::QosRule::default_match_all(1)]);
    assert_eq!(m.authorized_qos_flow_descriptions.unwrap().0, [nas::qos::QosFlowDescription::of_5qi(1, 9)]);
    let pco = m.extended_pco.unwrap();
    assert_eq!((pco.dns_ipv4(), pco.mtu()), (vec![[8, 8, 8, 8]], Some(1400)));
    assert_eq!((m.cause, m.dnn), (Some(GsmCause::IPV4_ONLY_ALLOWED), Some(Dnn("internet".into()))));
}

#[test] // Spec: TS 24.501 §7.5, §7.6, §7.7 (what is missing, unknown, broken)
fn broken_messages_are_judged_as_the_clause_says() {
    assert_eq!(Message::decode(&[]), Err(NasError::TooShort));
    assert_eq!(Message::decode(&[0x7e, 0, 0x41]), Err(NasError::Mandatory { ie: "registration_type" }));
    assert_eq!(Message::decode(&[0x7e, 0, 0xff]).map_err(|e| e.cause()), Err(Some(97)));
    assert_eq!(Message::decode(&[0x7e, 2, 0, 0, 0, 0, 0, 1]).map_err(|e| e.cause()), Err(None));
    // An unknown element is kept; one whose identifier begins with zeros must be understood.
    let unknown = Message::decode(&[0x7e, 0, 0x43, 0x33, 1, 7, 0x91, 0x74, 0, 1, 9]).unwrap();
    assert_eq!(unknown.encode(), [0x7e, 0, 0x43, 0x33, 1, 7, 0x90 | 1, 0x74, 0, 1, 9]);
    assert_eq!(Message::decode(&[0x7e, 0, 0x43, 0x05, 1, 7]), Err(NasError::ComprehensionRequired { iei: 5 }));
    // An optional element that does not decode counts as absent, the message does not.
    let Ok(Message::Mm(MmMessage::RegistrationReject(m))) = Message::decode(&[0x7e, 0, 0x44, 3, 0x5f, 0]) else {
        panic!()
    };
    assert_eq!((m.cause, m.t3346), (GmmCause::ILLEGAL_UE, None));
}

#[test] // Spec: TS 24.501 §4.4.3 (NAS COUNT: replays, overflow of the sequence number, both ends)
fn protection_counts_and_refuses_replays() {
    use nas::{ProtectionError, SecurityContext, SecurityHeaderType, Side};
    let (nea, nia) = (security::NeaAlg::Nea1, security::NiaAlg::Nia3);
    let mut ue = SecurityContext::new(Side::Ue, 0, [5; 32], nea, nia);
    let mut amf = SecurityContext::new(Side::Amf, 0, [5; 32], nea, nia);
    let mut first = None;
    for count in 0..600u32 {
        let sent = ue.protect(SecurityHeaderType::IntegrityCiphered, b"uplink");
        // One in seven is lost; the count goes on all the same.
        if count % 7 != 3 {
            assert_eq!(amf.unprotect(&sent).unwrap().count, count);
        }
        first.get_or_insert(sent);
    }
    assert_eq!(amf.unprotect(&first.unwrap()), Err(ProtectionError::Mac));
    assert_eq!((ue.next_sent(), amf.last_uplink(), ue.last_uplink()), (600, 599, 599));
    let down = amf.protect(SecurityHeaderType::Integrity, b"downlink");
    assert_eq!(&down[7..], b"downlink");
    assert!(amf.unprotect(&down).is_err(), "a message does not verify in the other direction");
    assert_eq!(ue.unprotect(&down).unwrap().plain, b"downlink");
}
