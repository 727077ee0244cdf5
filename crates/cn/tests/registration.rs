//! Registration, with each abnormal case. Spec: TS 24.501 §5.4, §5.5.1

mod world;

use cn::{CoreEvent, Credentials};
use nas::ie::*;
use nas::{GmmCause, Message, MmMessage};
use nr::{SNssai, Tc};
use security::Scheme;
use world::{World, config};

fn reject_cause(message: Message) -> GmmCause {
    match message {
        Message::Mm(MmMessage::RegistrationReject(m)) => m.cause,
        other => panic!("{other:?}"),
    }
}

fn expect_registration(w: &mut World) {
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Security mode command");
    w.expect("UE -> AMF", "Security mode complete");
    w.expect("AMF -> UE", "Registration accept");
    w.expect("UE -> AMF", "Registration complete");
    w.expect_nothing();
    assert!(w.is_registered(), "{:?}", w.events);
}

#[test] // Spec: TS 24.501 §5.5.1.2 (initial registration, every SUCI scheme, MILENAGE and TUAK)
fn a_ue_registers_with_every_scheme_and_algorithm_set() {
    for scheme in [Scheme::Null, Scheme::ProfileA, Scheme::ProfileB] {
        for subscriber in [0, 3] {
            let config = config();
            let mut w = World::new(config.clone());
            w.ue = world::TestUe::of(&config, subscriber);
            w.ue.scheme = scheme;
            if let Some(key) = config.home_network_keys.iter().find(|key| key.scheme == scheme) {
                (w.ue.key_id, w.ue.home_public) = (key.id, key.public());
            }
            w.register();
            expect_registration(&mut w);
            assert!(w.events.iter().any(|e| matches!(e, CoreEvent::Registered { supi, .. } if *supi == w.ue.supi)));
        }
    }
}

#[test] // Spec: TS 33.501 §6.8.1.2.2, §A.9 (both ends derive the same K_gNB)
fn ue_and_gnb_have_the_same_k_gnb() {
    let w = World::registered();
    let k_gnb = security::kdf::k_gnb(&w.ue.k_amf.unwrap(), w.ue.k_gnb_count);
    assert_eq!(w.k_gnb, Some(k_gnb));
}

#[test] // Spec: TS 24.501 §8.2.7 (what the accept says)
fn the_accept_has_guti_areas_and_slices() {
    let mut w = World::lab();
    w.register();
    let accept = w.log.iter().find_map(|(_, m)| match m {
        Message::Mm(MmMessage::RegistrationAccept(m)) => Some(m.clone()),
        _ => None,
    });
    let accept = accept.unwrap();
    assert!(matches!(accept.guti, Some(MobileIdentity::Guti(_))));
    assert_eq!(accept.tai_list, Some(TaiList(vec![Tai { plmn: w.ue.plmn, tac: 1 }])));
    assert_eq!(accept.allowed_nssai, Some(Nssai(vec![SNssai { sst: 1, sd: None }])));
    assert_eq!(accept.t3512.and_then(GprsTimer3::seconds), Some(3600));
}

#[test] // Spec: TS 24.501 §5.4.1.3.7 c (MAC failure: wrong K)
fn a_wrong_k_is_a_mac_failure_and_a_reject() {
    let mut w = World::lab();
    w.ue.with_key(&Credentials::MilenageOpc { k: [1; 16], opc: [2; 16] });
    w.register();
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication failure");
    w.expect("AMF -> UE", "Authentication reject");
    w.expect_nothing();
    assert_eq!(w.refusals(), [("authentication", "MAC failure".to_string())]);
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 24.501 §5.4.1.3.7 f, TS 33.102 §6.3.5 (SQN out of range)
fn synch_failure_resynchronises_and_registers() {
    let mut w = World::lab();
    w.ue.sqn_ms = 1 << 40;
    w.register();
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    let failure = w.expect("UE -> AMF", "Authentication failure");
    assert!(matches!(failure, Message::Mm(MmMessage::AuthenticationFailure(m)) if m.auts.is_some()));
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    assert!(w.is_registered());
    assert!(w.core.udm().sqn(&w.ue.supi).unwrap() > 1 << 40);
}

#[test] // Spec: TS 24.501 §5.4.1.3.5 (RES* is wrong)
fn a_wrong_response_is_rejected() {
    let mut w = World::lab();
    w.ue.wrong_res = true;
    w.register();
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Authentication reject");
    w.expect_nothing();
}

#[test] // Spec: TS 24.501 §5.5.1.2.5 (#3: no such subscriber, or a SUCI that does not reveal)
fn an_unknown_subscriber_is_an_illegal_ue() {
    let mut w = World::lab();
    w.ue.supi = nr::Supi::from_imsi("001010000000099").unwrap();
    w.register();
    w.expect("UE -> AMF", "Registration request");
    assert_eq!(reject_cause(w.expect("AMF -> UE", "Registration reject")), GmmCause::ILLEGAL_UE);
    let mut w = World::lab();
    w.ue.key_id = 9;
    w.register();
    w.expect("UE -> AMF", "Registration request");
    assert_eq!(reject_cause(w.expect("AMF -> UE", "Registration reject")), GmmCause::ILLEGAL_UE);
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 24.501 §5.5.1.2.5 (#11)
fn a_subscriber_of_another_network_is_not_allowed() {
    let mut w = World::lab();
    w.ue.plmn = "999-70".parse().unwrap();
    w.ue.supi = nr::Supi::from_imsi("999700000000001").unwrap();
    w.register();
    w.expect("UE -> AMF", "Registration request");
    assert_eq!(reject_cause(w.expect("AMF -> UE", "Registration reject")), GmmCause::PLMN_NOT_ALLOWED);
}

#[test] // Spec: TS 24.501 §5.5.1.2.5 (#12)
fn a_tracking_area_that_is_not_served_is_not_allowed() {
    let mut w = World::lab();
    w.tac = 99;
    w.register();
    w.expect("UE -> AMF", "Registration request");
    assert_eq!(reject_cause(w.expect("AMF -> UE", "Registration reject")), GmmCause::TRACKING_AREA_NOT_ALLOWED);
}

#[test] // Spec: TS 24.501 §5.5.1.2.5 (#62: no slice is left)
fn no_slice_is_a_reject() {
    let mut config = config();
    config.subscribers[0].slices = vec![(SNssai { sst: 1, sd: None }, false)];
    let mut w = World::new(config);
    w.ue.requested = Some(Nssai(vec![SNssai { sst: 9, sd: Some(1) }]));
    w.register();
    let cause = w.log.iter().rev().find_map(|(_, m)| match m {
        Message::Mm(MmMessage::RegistrationReject(m)) => Some(m.cause),
        _ => None,
    });
    assert_eq!(cause, Some(GmmCause::NO_NETWORK_SLICES_AVAILABLE));
}

#[test] // Spec: TS 24.501 §5.5.1.2.4 (a slice that is not allowed is named as rejected)
fn an_unknown_slice_beside_a_default_one_is_named_as_rejected() {
    let mut w = World::lab();
    let unknown = SNssai { sst: 9, sd: Some(1) };
    w.ue.requested = Some(Nssai(vec![unknown]));
    w.register();
    assert!(w.is_registered());
    let rejected = w.log.iter().find_map(|(_, m)| match m {
        Message::Mm(MmMessage::RegistrationAccept(m)) => m.rejected_nssai.clone(),
        _ => None,
    });
    assert_eq!(rejected, Some(RejectedNssai(vec![(unknown, 0)])));
}

#[test] // Spec: TS 24.501 §5.4.2.5, TS 33.501 §6.7.2 (capabilities changed on the way)
fn changed_capabilities_come_back_and_the_ue_refuses() {
    let mut w = World::lab();
    w.ue.capability_sent = Some(UeSecurityCapability::new(0xf0, 0x20));
    w.register();
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Security mode command");
    w.expect("UE -> AMF", "Security mode reject");
    w.expect_nothing();
    assert_eq!(w.refusals()[0].0, "security-mode");
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 24.501 §5.5.1.2.5 (#23), TS 33.501 §5.3.2, §5.3.3 (null algorithms only if configured)
fn null_algorithms_are_refused_unless_configured() {
    let mut w = World::lab();
    w.ue.capability = UeSecurityCapability::new(0x80, 0x80);
    w.register();
    let cause = reject_cause(w.log.iter().rev().find(|(way, _)| *way == "AMF -> UE").unwrap().1.clone());
    assert_eq!(cause, GmmCause::SECURITY_CAPABILITIES_MISMATCH);
    let mut config = config();
    config.nea.push(security::NeaAlg::Nea0);
    config.nia.push(security::NiaAlg::Nia0);
    let mut w = World::new(config);
    w.ue.capability = UeSecurityCapability::new(0x80, 0x80);
    w.register();
    assert!(w.is_registered());
    let secured = w.events.iter().find_map(|e| match e {
        CoreEvent::Secured { nea, nia, .. } => Some((nea.id(), nia.id())),
        _ => None,
    });
    assert_eq!(secured, Some((0, 0)));
}

#[test] // Spec: TS 33.501 §5.3.2 (the best algorithm of both is taken)
fn every_algorithm_carries_a_registration() {
    for (nea, nia) in [(0x40, 0x40), (0x20, 0x20), (0x10, 0x10)] {
        let mut w = World::lab();
        w.ue.capability = UeSecurityCapability::new(nea, nia);
        w.register();
        assert!(w.is_registered(), "{nea:02x} {nia:02x}");
    }
}

#[test] // Spec: TS 24.501 §5.4.3, §5.5.1.2.3 (an unknown 5G-GUTI)
fn an_unknown_guti_is_asked_for_its_suci() {
    let mut w = World::lab();
    let guti = Guti { plmn: w.ue.plmn, amf_region: 2, amf_set: 1, amf_pointer: 0, tmsi: 0xdead_beef };
    w.ue.identity = Some(MobileIdentity::Guti(guti));
    w.register();
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Identity request");
    w.expect("UE -> AMF", "Identity response");
    w.expect("AMF -> UE", "Authentication request");
    assert!(w.is_registered());
}

#[test] // Spec: TS 24.501 §4.4.4.3, §5.5.1.2.4 (a known 5G-GUTI with a context that verifies needs no challenge)
fn a_known_guti_registers_again_at_once() {
    let mut w = World::registered();
    let before = w.ue.guti;
    w.amf = None;
    w.register();
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Registration accept");
    w.expect("UE -> AMF", "Registration complete");
    w.expect_nothing();
    assert!(w.is_registered());
    assert_ne!(w.ue.guti, before);
    assert_eq!(w.core.amf().ue_count(), 1);
    let k_gnb = security::kdf::k_gnb(&w.ue.k_amf.unwrap(), w.ue.k_gnb_count);
    assert_eq!(w.k_gnb, Some(k_gnb));
}

#[test] // Spec: TS 24.501 §4.4.3.2 (a message that was recorded does not verify again)
fn a_replayed_message_changes_nothing() {
    let mut w = World::registered();
    let (_, bytes) = w.ue.protected(
        nas::mm::DeregistrationRequestUe::new(
            DeregistrationType::three_gpp(true),
            KeySetIdentifier::native(0),
            MobileIdentity::NoIdentity,
        )
        .into(),
    );
    let mut forged = bytes.clone();
    forged[9] ^= 1;
    w.up(forged);
    assert!(w.is_registered());
    w.up(bytes);
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 24.501 §5.4.1.3.7 b (T3560: four times again, then the connection is released)
fn t3560_repeats_the_challenge_and_gives_up() {
    let mut w = World::lab();
    w.ue_mute = true;
    w.register();
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    for _ in 0..4 {
        w.expect_nothing();
        w.advance(Tc::from_ms(6_000));
        w.expect("AMF -> UE", "Authentication request");
    }
    w.advance(Tc::from_ms(6_000));
    w.expect_nothing();
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 24.501 §5.4.3.6 b (T3570)
fn t3570_repeats_the_identity_request_and_gives_up() {
    let mut w = World::lab();
    w.ue_mute = true;
    w.ue.identity = Some(MobileIdentity::NoIdentity);
    w.register();
    w.advance(Tc::from_ms(60_000));
    let asked = w.log.iter().filter(|(_, m)| m.name() == "Identity request").count();
    assert_eq!(asked, 5);
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 24.501 §5.5.1.2.8 c (T3550: the accept again, and registered in the end)
fn t3550_repeats_the_accept_and_takes_the_ue_as_registered() {
    let mut w = World::lab();
    w.ue.no_complete = true;
    w.register();
    assert!(!w.is_registered());
    w.advance(Tc::from_ms(60_000));
    let accepts = w.log.iter().filter(|(_, m)| m.name() == "Registration accept").count();
    assert_eq!(accepts, 5);
    assert!(w.is_registered());
}

#[test] // Spec: TS 38.413 §8.7.1.3 (NG Setup Failure)
fn a_gnb_of_another_network_is_refused() {
    for (plmn, tac, sst) in [("999-70", 1, 1), ("001-01", 77, 1), ("001-01", 1, 200)] {
        let mut w = World::lab();
        w.ngap.clear();
        w.ng_setup(plmn.parse().unwrap(), tac, SNssai { sst, sd: None });
        assert!(matches!(w.ngap.last(), Some(ngap::Pdu::NgSetupFailure(_))), "{plmn} {tac} {sst}");
    }
}

#[test] // Spec: TS 24.501 §5.5.1.2.8 (congestion: more UEs than the AMF has room for)
fn a_full_amf_says_congestion() {
    let mut config = config();
    config.ues_max = 0;
    let mut w = World::new(config);
    w.register();
    w.expect("UE -> AMF", "Registration request");
    assert_eq!(reject_cause(w.expect("AMF -> UE", "Registration reject")), GmmCause::CONGESTION);
}

#[test] // Spec: ironcell ARCHITECTURE §determinism
fn the_same_seed_gives_the_same_bytes() {
    let run = || {
        let mut config = config();
        config.taps = cn::TapConfig { control: true, user: true, nas_plain: true, keys: true };
        let mut w = World::new(config);
        w.register();
        w.request_session(|_, _| {});
        w.taps
    };
    let taps = run();
    assert!(taps.len() > 20);
    assert_eq!(taps, run());
}
