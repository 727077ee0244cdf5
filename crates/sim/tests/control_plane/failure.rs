//! What goes wrong on the way, and how the network and the terminal come out of it.

use super::attach::exchange;
use crate::common::cell::Broadcast;
use crate::common::*;
use cn::CoreInput;
use seam::bearer::Bearer;
use seam::f1::CuToDu;
use std::net::Ipv4Addr;
use ue_cp::{CpEvent, RrcState};

#[test] // Spec: TS 38.304 §5.2.3, TS 38.331 §5.2.2.4.1 (a cell of another PLMN, a barred cell)
fn cells_that_are_not_ours_are_passed_over() {
    let s = Setup::new(40, 1).with(|s| {
        s.cells.insert(0, Broadcast::new(7, [9, 9, 9], &[7, 0], false));
        s.cells.insert(1, Broadcast::new(8, [0, 0, 1], &[0, 1], true));
    });
    let mut w = s.build();
    w.attach(0);
    let failures = w.failures(0);
    assert!(failures[0].1.contains("999-70"), "{failures:?}");
    assert!(failures[1].1.contains("barred"), "{failures:?}");
    let mut alone = Setup::new(41, 1).with(|s| drop(s.cells.pop())).build();
    alone.switch_on(0);
    alone.run_until(|w| w.failures(0).iter().any(|f| f.0 == "cell-search"));
}

#[test] // Spec: TS 24.501 §6.4.1.4 (cause 27), §5.4.5.2.5 (a slice that is not allowed)
fn sessions_that_cannot_be_had_are_refused() {
    let mut w = Setup::new(42, 1).with(|s| s.ues[0].sessions[0].dnn = Some("nowhere".into())).build();
    w.switch_on(0);
    w.run_until(|w| w.failures(0).iter().any(|f| f.0 == "session"));
    assert!(w.failures(0)[0].1.contains("DNN"), "{:?}", w.failures(0));
    assert_eq!(w.ues[0].cp.state(), RrcState::Connected);

    let slice = nr::SNssai { sst: 9, sd: None };
    let mut w = Setup::new(43, 1).with(|s| s.ues[0].sessions[0].s_nssai = Some(slice)).build();
    w.switch_on(0);
    w.run_until(|w| w.failures(0).iter().any(|f| f.0 == "session"));
    assert!(w.told(0, |e| matches!(e, CpEvent::Registered { .. })));
}

#[test] // Spec: TS 24.501 §5.5.1.2.5 (cause 62), TS 23.501 §5.15.5.2.1
fn a_subscriber_without_a_slice_here_is_refused() {
    let s = Setup::new(44, 1).with(|s| {
        s.core.subscribers[0].slices = vec![(nr::SNssai { sst: 5, sd: None }, true)];
    });
    let mut w = s.build();
    w.switch_on(0);
    w.run_until(|w| w.log.iter().any(|l| l.what == "Registration reject"));
    w.run_until(|w| !w.failures(0).is_empty());
    assert!(w.failures(0)[0].1.contains("slice"), "{:?}", w.failures(0));
}

#[test] // Spec: TS 38.331 §5.3.3.5, §5.3.15 (RRCReject with a wait time), T302
fn a_full_cell_rejects_and_takes_the_terminal_later() {
    let mut w = Setup::new(45, 2).with(|s| s.cu.ues_max = 1).build();
    w.attach(0);
    w.skip();
    w.switch_on(1);
    w.expect("gNB -> UE", "MIB");
    w.expect("gNB -> UE", "SIB1");
    w.expect("UE -> gNB", "RrcSetupRequest");
    w.expect("gNB -> UE", "RrcReject");
    let rejected = w.now();
    w.switch_off(0);
    w.run_until(|w| w.session(1, 1).is_some());
    assert!(w.now() - rejected >= nr::Tc::from_ms(1000));
    w.run_ms(100);
    exchange(&mut w, 1, 1);
}

#[test] // Spec: TS 38.331 §5.3.3.7 (T300 expires)
fn a_setup_that_does_not_come_is_asked_for_again() {
    let mut w = Setup::new(46, 1).build();
    w.tamper = Some(Box::new(|wire| {
        let setup = matches!(wire, Wire::ToDu(CuToDu::DlRrcTransfer { bearer: Bearer::Srb0, .. }));
        if setup { 0 } else { 1 }
    }));
    w.switch_on(0);
    w.run_until(|w| w.failures(0).iter().any(|f| f.1.contains("T300")));
    w.tamper = None;
    w.run_until(|w| w.session(0, 1).is_some());
    // Contexts of the requests that led nowhere do not stay.
    w.run_ms(12_000);
    assert_eq!((w.cu.n_ues(), w.du.n_ues()), (1, 1));
}

fn deaf(w: &mut World, ms: i64) {
    w.ues[0].hears = false;
    w.run_ms(ms);
    w.ues[0].hears = true;
}

#[test] // Spec: TS 38.331 §5.3.10.3, §5.3.7 (re-establishment), TS 33.501 §6.11, TS 38.323 §5.1.2 (nothing is lost)
fn a_failed_radio_link_is_re_established() {
    let mut w = Setup::new(47, 1).build();
    w.attach(0);
    exchange(&mut w, 0, 1);
    w.skip();
    w.ues[0].hears = false;
    let ip = w.session(0, 1).unwrap().ipv4.unwrap();
    let packet = |n| ipv4(Ipv4Addr::new(192, 0, 2, 1), ip, &[n; 40]);
    (1..4).for_each(|n| w.downlink(packet(n)));
    w.run_until(|w| w.told(0, |e| matches!(e, CpEvent::RadioLinkFailure { .. })));
    w.ues[0].hears = true;
    w.expect("gNB -> UE", "MIB");
    w.expect("gNB -> UE", "SIB1");
    w.expect("UE -> gNB", "RrcReestablishmentRequest");
    w.expect("gNB -> UE", "RrcReestablishment");
    w.expect("UE -> gNB", "RrcReestablishmentComplete");
    w.expect("gNB -> UE", "RrcReconfiguration");
    w.expect("UE -> gNB", "RrcReconfigurationComplete");
    w.run_until(|w| w.ues[0].packets.len() == 4);
    let got: Vec<_> = w.ues[0].packets[1..].iter().map(|p| p.2.clone()).collect();
    assert_eq!(got, [packet(1), packet(2), packet(3)]);
    exchange(&mut w, 0, 1);
    // NAS goes on under its context, on SRB2 with its new keys.
    w.skip();
    w.switch_off(0);
    w.expect("UE -> AMF", "Deregistration request (UE originating)");
    w.run_until(|w| w.cu.n_ues() == 0);
}

#[test] // Spec: TS 38.331 §5.3.7, TS 33.501 §A.11 (K_NG-RAN* each time)
fn a_link_may_fail_again_and_again() {
    let mut w = Setup::new(48, 1).with(|s| s.cu.up_integrity = true).build();
    w.attach(0);
    for n in 1..4 {
        deaf(&mut w, 1300);
        w.run_until(|w| w.ues[0].events.iter().filter(|e| **e == CpEvent::Reestablished).count() == n);
        w.run_ms(200);
        exchange(&mut w, 0, 1);
    }
    assert_eq!((w.cu.n_ues(), w.du.n_ues()), (1, 1));
}

#[test] // Spec: TS 38.331 §5.3.7.5, §5.3.3.4 (RRCSetup answers a re-establishment request), TS 24.501 §5.5.1.2
fn a_terminal_that_is_not_known_any_more_registers_anew() {
    let mut w = Setup::new(49, 1).build();
    w.attach(0);
    w.skip();
    w.ues[0].hears = false;
    w.tell_gnb(ngap::NgReset { cause: ngap::Cause::OmIntervention, ues: None });
    w.expect("gNB -> AMF", "NG Reset Acknowledge");
    w.run_ms(1300);
    assert_eq!((w.cu.n_ues(), w.du.n_ues()), (0, 0));
    w.ues[0].hears = true;
    w.expect("gNB -> UE", "MIB");
    w.expect("gNB -> UE", "SIB1");
    w.expect("UE -> gNB", "RrcReestablishmentRequest");
    w.expect("gNB -> UE", "RrcSetup");
    w.expect("UE -> gNB", "RrcSetupComplete");
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Registration accept");
    w.expect("UE -> AMF", "Registration complete");
    w.expect("UE -> AMF", "PDU session establishment request");
    w.expect("AMF -> UE", "PDU session establishment accept");
    w.run_ms(200);
    exchange(&mut w, 0, 1);
}

#[test] // Spec: TS 38.413 §8.7.4.2.1 (NG Reset by the AMF)
fn a_reset_of_the_amf_releases_the_terminal_which_comes_back() {
    let mut w = Setup::new(50, 1).build();
    w.attach(0);
    w.skip();
    w.tell_gnb(ngap::NgReset { cause: ngap::Cause::OmIntervention, ues: None });
    w.expect("gNB -> AMF", "NG Reset Acknowledge");
    w.expect("gNB -> UE", "RrcRelease");
    w.run_ms(500);
    // The core was not reset: it learns from the tunnel that the gNB has forgotten the terminal, and calls it for the next packet.
    let ip = w.session(0, 1).and_then(|s| s.ipv4).unwrap();
    for _ in 0..2 {
        w.downlink(ipv4([192, 0, 2, 1].into(), ip, b"x"));
        w.run_ms(50);
    }
    w.expect("gNB -> UE", "Paging");
    w.expect("UE -> gNB", "RrcSetupRequest");
    w.expect("UE -> AMF", "Service request");
    w.expect("AMF -> UE", "Service accept");
    w.run_until(|w| !w.ues[0].packets.is_empty());
    w.run_ms(200);
    exchange(&mut w, 0, 1);
    assert_eq!((w.cu.n_ues(), w.core.amf().ue_count(), w.core.upf_sessions()), (1, 1, 1));
}

#[test] // Spec: TS 38.413 §8.3.2 (the gNB lost the UE), TS 23.502 §4.2.6
fn a_terminal_that_is_lost_is_released() {
    let mut w = Setup::new(51, 1).build();
    w.attach(0);
    w.skip();
    let rnti = w.ues[0].c_rnti.unwrap();
    w.ues[0].hears = false;
    w.du.lose(rnti);
    w.expect("gNB -> AMF", "UE Context Release Request");
    w.expect("AMF -> gNB", "UE Context Release Command");
    w.expect("gNB -> AMF", "UE Context Release Complete");
    w.run_ms(500);
    assert_eq!((w.cu.n_ues(), w.du.n_ues()), (0, 0));
    w.ues[0].hears = true;
    w.run_until(|w| w.ues[0].events.iter().filter(|e| matches!(e, CpEvent::SessionUp(_))).count() == 2);
    w.run_ms(200);
    exchange(&mut w, 0, 1);
}

#[test] // Spec: TS 24.501 §5.5.2.3 (deregistration by the network)
fn the_network_deregisters_a_terminal() {
    let mut w = Setup::new(52, 1).build();
    w.attach(0);
    w.skip();
    let supi = w.ues[0].cp.nas().usim().supi.clone();
    w.tell_core(CoreInput::Deregister { supi });
    w.expect("AMF -> UE", "Deregistration request (UE terminated)");
    w.expect("UE -> AMF", "Deregistration accept (UE terminated)");
    w.run_until(|w| w.told(0, |e| *e == CpEvent::Released));
    w.run_ms(30_000);
    assert_eq!((w.cu.n_ues(), w.core.amf().ue_count(), w.core.upf_sessions()), (0, 0, 0));
    assert_eq!(w.log.iter().filter(|l| l.what == "Registration request").count(), 1, "it stays away");
}

#[test] // Spec: TS 24.501 §6.3.3, TS 38.413 §8.2.2 (release of a session)
fn the_network_releases_a_session_and_the_other_goes_on() {
    use nas::ie::PduSessionType::Ipv4;
    let mut w = Setup::new(53, 1).sessions(&[Ipv4, Ipv4]).build();
    w.attach(0);
    w.run_until(|w| w.session(0, 2).is_some());
    w.run_ms(200);
    w.skip();
    let supi = w.ues[0].cp.nas().usim().supi.clone();
    w.tell_core(CoreInput::ReleaseSession { supi, session: 1 });
    w.expect("AMF -> UE", "PDU session release command");
    w.expect("UE -> AMF", "PDU session release complete");
    w.expect("AMF -> gNB", "PDU Session Resource Release Command");
    w.run_until(|w| w.core.upf_sessions() == 1);
    assert!(w.told(0, |e| *e == CpEvent::SessionDown { id: 1 }));
    exchange(&mut w, 0, 2);
}

#[test] // Spec: TS 38.413 §10, TS 38.331 §10 (whatever the bytes: no panic, and bounded contexts)
fn messages_that_were_damaged_do_not_stop_the_network() {
    for seed in 0..12 {
        let mut rng = node::Rng::from_lab_seed(seed);
        let mut w = Setup::new(60 + seed, 2).build();
        w.tamper = Some(Box::new(move |wire| {
            use seam::f1::DuToCu;
            let bytes = match wire {
                Wire::ToDu(CuToDu::DlRrcTransfer { pdu, .. } | CuToDu::DlUser { pdu, .. }) => pdu,
                Wire::ToCu(DuToCu::UlRrcTransfer { pdu, .. } | DuToCu::UlUser { pdu, .. }) => pdu,
                Wire::ToCu(DuToCu::InitialUlRrc { rrc, .. }) => rrc,
                Wire::ToCu(DuToCu::UeContextResponse { cell_group, .. }) => cell_group,
                Wire::ToAmf(b) | Wire::ToGnb(b) | Wire::ToUpf(b) | Wire::ToGnbUser(b) => b,
                _ => return 1,
            };
            if rng.below(8) == 0 && !bytes.is_empty() {
                let i = rng.below(bytes.len() as u32) as usize;
                bytes[i] ^= 1 << rng.below(8);
                if rng.below(4) == 0 {
                    bytes.truncate(i.max(1));
                }
            }
            rng.below(12).clamp(1, 2) as usize
        }));
        (0..2).for_each(|i| w.switch_on(i));
        w.run_ms(20_000);
        w.tamper = None;
        assert!(w.cu.n_ues() <= 64 && w.du.n_ues() <= 64);
        w.run_ms(20_000);
        assert!(w.cu.n_ues() <= 2, "contexts that stayed: {}", w.cu.n_ues());
    }
}
