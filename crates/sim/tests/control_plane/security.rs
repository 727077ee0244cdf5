//! Keys, algorithms, and what happens when one end is wrong about them.

use super::attach::exchange;
use crate::common::*;
use nas::{Message, MmMessage};
use ngap::Pdu;
use rrc::{DlDcchMessage, DlDcchMessageType as M, DlDcchMessageTypeC1 as Dl};
use seam::bearer::Bearer;
use seam::f1::CuToDu;
use security::{NeaAlg, NiaAlg};
use ue_cp::CpEvent;

/// Changes NGAP messages to the gNB.
fn to_gnb(mut change: impl FnMut(&mut Pdu) + 'static) -> Tamper {
    Box::new(move |wire| {
        if let Wire::ToGnb(bytes) = wire {
            let mut pdu = Pdu::decode(bytes).unwrap();
            change(&mut pdu);
            *bytes = pdu.encode().unwrap();
        }
        1
    })
}

/// Changes plain NAS messages on their way to the UE.
fn nas_to_ue(mut change: impl FnMut(&mut MmMessage) + 'static) -> Tamper {
    to_gnb(move |pdu| {
        if let Pdu::DownlinkNasTransport(t) = pdu
            && let Ok(Message::Mm(mut m)) = Message::decode(&t.nas)
        {
            change(&mut m);
            t.nas = Message::Mm(m).encode();
        }
    })
}

#[test] // Spec: TS 33.501 §5.5.1, §5.5.2, annex D (NEA1 to 3, NIA1 to 3, for NAS and AS)
fn every_algorithm_serves() {
    for (nea, nia) in (1..4).flat_map(|e| (1..4).map(move |i| (e, i))) {
        let s = Setup::new(20, 1).with(|s| {
            (s.cu.nea, s.cu.nia, s.cu.up_integrity) = (vec![nea], vec![nia], true);
            s.core.nea = vec![NeaAlg::new(nea).unwrap()];
            s.core.nia = vec![NiaAlg::new(nia).unwrap()];
        });
        let mut w = s.build();
        w.attach(0);
        assert!(w.told(0, |e| *e == CpEvent::NasSecurity { nea, nia }));
        assert!(w.told(0, |e| *e == CpEvent::AsSecurity { nea, nia }));
        exchange(&mut w, 0, 1);
    }
}

fn null(core: bool, gnb: bool, ue: bool) -> Setup {
    Setup::new(21, 1).with(|s| {
        if core {
            (s.core.nea, s.core.nia) = (vec![NeaAlg::Nea0], vec![NiaAlg::Nia0]);
        }
        if gnb {
            (s.cu.nea, s.cu.nia, s.cu.allow_null) = (vec![0], vec![0], true);
        }
        (s.ues[0].nea, s.ues[0].nia, s.ues[0].allow_null) = (0xf0, 0xf0, ue);
    })
}

#[test] // Spec: TS 33.501 §5.3.2, §5.3.3, §5.5.1, §5.5.2 (null algorithms)
fn null_algorithms_only_where_both_ends_were_told_so() {
    let mut w = null(true, true, true).build();
    w.attach(0);
    assert!(w.told(0, |e| *e == CpEvent::NasSecurity { nea: 0, nia: 0 }));
    assert!(w.told(0, |e| *e == CpEvent::AsSecurity { nea: 0, nia: 0 }));
    exchange(&mut w, 0, 1);

    let mut w = null(true, false, false).build();
    w.switch_on(0);
    w.run_until(|w| w.log.iter().any(|l| l.what == "Security mode reject"));

    let mut w = null(false, true, false).build();
    w.switch_on(0);
    w.run_until(|w| w.log.iter().any(|l| l.what == "SecurityModeFailure"));
}

#[test] // Spec: TS 24.501 §5.4.1.3.6, §5.4.1.3.7 c (MAC failure)
fn a_wrong_key_is_refused() {
    let s = Setup::new(22, 1).with(|s| {
        s.ues[0].usim.subscription = security::AuthenticationSubscription::milenage_opc(&[9; 16], &[9; 16]);
    });
    let mut w = s.build();
    w.switch_on(0);
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication failure");
    w.expect("AMF -> UE", "Authentication reject");
    w.expect("gNB -> UE", "MIB");
    w.run_until(|w| w.told(0, |e| *e == CpEvent::Released));
    let failures = w.failures(0);
    assert_eq!(failures[0].0, "authentication");
    assert!(failures[0].1.contains("MAC failure"), "{failures:?}");
    assert!(failures[1].1.contains("reject"), "{failures:?}");
    w.run_ms(30_000);
    assert_eq!(w.log.iter().filter(|l| l.what == "Registration request").count(), 1, "it does not try again");
}

#[test] // Spec: TS 24.501 §5.4.1.3.7 e (SQN out of range), TS 33.102 §6.3.5
fn synch_failure_resynchronises_and_attaches() {
    let mut w = Setup::new(23, 1).with(|s| s.ues[0].usim.sqn_ms = 1 << 40).build();
    w.switch_on(0);
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication failure");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Security mode command");
    w.run_until(|w| w.session(0, 1).is_some());
    assert!(w.told(0, |e| *e == CpEvent::Resynchronising));
    assert!(w.ues[0].cp.nas().usim().sqn_ms > 1 << 40);
}

#[test] // Spec: TS 24.501 §5.5.1.2.5, TS 33.501 §6.12.2
fn an_unknown_subscriber_is_refused() {
    let s = Setup::new(24, 1).with(|s| s.ues[0].usim.supi = nr::Supi::from_imsi("001010000009999").unwrap());
    let mut w = s.build();
    w.switch_on(0);
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Registration reject");
    w.run_until(|w| w.told(0, |e| *e == CpEvent::Released));
    assert!(w.failures(0)[0].1.contains("llegal UE"), "{:?}", w.failures(0));
    assert_eq!(w.core.amf().ue_count(), 0);
}

#[test] // Spec: TS 33.501 §A.4, §6.1.1.4 (RES* is bound to the serving network's name)
fn another_serving_network_cannot_authenticate() {
    let s = Setup::new(25, 1).with(|s| {
        // The core serves 001-02, whose cell says that it is one of 001-01.
        s.core = cn::CoreConfig { plmn: "001-02".parse().unwrap(), ..cn::CoreConfig::lab(25, 0) };
        s.core.taps = cn::TapConfig { control: true, user: true, nas_plain: true, keys: false };
        s.core.subscribers = vec![cn::SubscriberConfig::lab(s.core.plmn, 1, 25)];
        s.ues = vec![ue_config(&s.core, 0)];
        s.ues[0].plmn = "001-01".parse().unwrap();
        (s.cu.plmn, s.cu.gnb.plmn) = (s.core.plmn, s.core.plmn);
    });
    let mut w = s.build();
    w.switch_on(0);
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Authentication reject");
}

#[test] // Spec: TS 33.501 §A.7 (ABBA is an input of K_AMF)
fn another_abba_breaks_nas_security() {
    let mut w = Setup::new(26, 1).build();
    w.tamper = Some(nas_to_ue(|m| {
        if let MmMessage::AuthenticationRequest(r) = m {
            r.abba = vec![0, 1];
        }
    }));
    w.switch_on(0);
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Security mode command");
    w.expect("UE -> AMF", "Security mode reject");
    assert!(!w.told(0, |e| matches!(e, CpEvent::NasSecurity { .. })));
}

#[test] // Spec: TS 33.501 §6.7.2, TS 24.501 §5.4.2.5 (bidding down)
fn capabilities_that_were_changed_on_their_way_are_noticed() {
    let mut w = Setup::new(27, 1).build();
    w.tamper = Some(Box::new(|wire| {
        if let Wire::ToAmf(bytes) = wire
            && let Ok(Pdu::InitialUeMessage(mut m)) = Pdu::decode(bytes)
            && let Ok(Message::Mm(MmMessage::RegistrationRequest(mut r))) = Message::decode(&m.nas)
        {
            r.ue_security_capability = Some(nas::ie::UeSecurityCapability::new(0x40, 0x40));
            m.nas = Message::from(r).encode();
            *bytes = Pdu::from(m).encode().unwrap();
        }
        1
    }));
    w.switch_on(0);
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Security mode command");
    w.expect("UE -> AMF", "Security mode reject");
    assert!(w.failures(0).iter().any(|f| f.1.contains("mismatch")), "{:?}", w.failures(0));
}

/// Up to and with the SecurityModeCommand, which the UE refuses.
#[track_caller]
fn refuses_as_security(w: &mut World) {
    w.switch_on(0);
    w.run_until(|w| w.log.iter().any(|l| l.what == "UeCapabilityEnquiry" || l.what == "SecurityModeFailure"));
    let last: Vec<_> = w.log.iter().filter(|l| l.between.contains("UE") && l.between.contains("gNB")).collect();
    assert_eq!(last[last.len() - 2].what, "SecurityModeCommand");
    assert_eq!(last[last.len() - 1].what, "SecurityModeFailure");
    w.skip();
    w.expect("gNB -> AMF", "UE Context Release Request");
    w.expect("AMF -> gNB", "UE Context Release Command");
    w.expect("gNB -> AMF", "UE Context Release Complete");
    w.expect("gNB -> UE", "RrcRelease");
    assert!(w.failures(0).iter().any(|f| f.0 == "security-mode"), "{:?}", w.failures(0));
}

fn is_security_command(wire: &Wire) -> bool {
    let Wire::ToDu(CuToDu::DlRrcTransfer { bearer: Bearer::Srb1, pdu, .. }) = wire else { return false };
    let sdu = pdu.get(2..pdu.len() - 4).unwrap_or_default();
    matches!(rrc::decode(sdu), Ok(DlDcchMessage { message: M::C1(Dl::SecurityModeCommand(_)) }))
}

#[test] // Spec: TS 38.331 §5.3.4.3 (integrity check of the SecurityModeCommand)
fn a_security_mode_command_with_a_wrong_mac_i_is_refused() {
    let mut w = Setup::new(28, 1).build();
    w.tamper = Some(Box::new(|wire| {
        let it_is = is_security_command(wire);
        if let (true, Wire::ToDu(CuToDu::DlRrcTransfer { pdu, .. })) = (it_is, wire) {
            *pdu.last_mut().unwrap() ^= 1;
        }
        1
    }));
    refuses_as_security(&mut w);
}

#[test] // Spec: TS 33.501 §A.9 (K_gNB is an input of K_RRCint)
fn another_k_gnb_breaks_as_security() {
    let mut w = Setup::new(29, 1).build();
    w.tamper = Some(to_gnb(|pdu| {
        if let Pdu::InitialContextSetupRequest(m) = pdu {
            m.k_gnb[31] ^= 1;
        }
    }));
    refuses_as_security(&mut w);
}

#[test] // Spec: TS 33.501 §A.8 (the algorithm's identity is an input of K_RRCint)
fn another_algorithm_distinguisher_breaks_as_security() {
    let mut w = Setup::new(30, 1).build();
    w.tamper = Some(Box::new(|wire| {
        if is_security_command(wire)
            && let Wire::ToDu(CuToDu::DlRrcTransfer { pdu, .. }) = wire
        {
            let end = pdu.len() - 4;
            let mut m: DlDcchMessage = rrc::decode(&pdu[2..end]).unwrap();
            let M::C1(Dl::SecurityModeCommand(c)) = &mut m.message else { unreachable!() };
            let rrc::SecurityModeCommandCriticalExtensions::SecurityModeCommand(ies) = &mut c.critical_extensions
            else {
                unreachable!()
            };
            ies.security_config_smc.security_algorithm_config.integrity_prot_algorithm =
                Some(rrc::IntegrityProtAlgorithm::Nia1);
            let mac = pdu.split_off(end);
            pdu.truncate(2);
            pdu.extend(rrc::encode(&m).unwrap());
            pdu.extend(mac);
        }
        1
    }));
    refuses_as_security(&mut w);
}

#[test] // Spec: TS 24.501 §4.4.3.2 (replay protection), §5.4.1.3.2 (the same RAND again)
fn nas_messages_that_come_twice_do_no_harm() {
    let mut w = Setup::new(31, 1).build();
    w.tamper = Some(Box::new(|wire| match wire {
        Wire::ToGnb(b) if matches!(Pdu::decode(b), Ok(Pdu::DownlinkNasTransport(_))) => 2,
        Wire::ToAmf(b) if matches!(Pdu::decode(b), Ok(Pdu::UplinkNasTransport(_))) => 2,
        _ => 1,
    }));
    w.attach(0);
    exchange(&mut w, 0, 1);
    w.tamper = None;
    w.switch_off(0);
    w.run_until(|w| w.core.amf().ue_count() == 0);
    assert_eq!(w.log.iter().filter(|l| l.what == "Security mode complete").count(), 1);
}
