//! Idle terminals: released, called, back on their own, registering periodically, refused.

use crate::attach::exchange;
use crate::common::*;
use nr::Tc;
use std::net::Ipv4Addr;
use ue_cp::{CpEvent, RrcState};

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// One attached terminal that is released after a second without traffic.
fn idle(seed: u64) -> World {
    idle_with(seed, |_| ())
}

fn idle_with(seed: u64, change: impl FnOnce(&mut Setup)) -> World {
    let setup = Setup::new(seed, 1).with(|s| s.cu.inactivity = Some(Tc::from_ms(1_000))).with(change);
    let mut w = setup.build();
    w.attach(0);
    w.run_until(|w| w.told(0, |e| *e == CpEvent::Released));
    assert_eq!(w.ues[0].cp.state(), RrcState::Idle);
    w.run_ms(10);
    assert_eq!((w.cu.n_ues(), w.core.smf().session_count()), (0, 1));
    w.skip();
    w
}

#[test] // Spec: TS 23.502 §4.2.6, TS 38.413 §8.3.2, §8.3.3 (AN release)
fn a_terminal_without_traffic_is_released() {
    let mut w = Setup::new(61, 1).with(|s| s.cu.inactivity = Some(Tc::from_ms(1_000))).build();
    w.attach(0);
    w.skip();
    // What crosses keeps it connected.
    for _ in 0..5 {
        w.run_ms(700);
        exchange(&mut w, 0, 1);
    }
    assert!(!w.told(0, |e| *e == CpEvent::Released));
    w.expect("gNB -> AMF", "UE Context Release Request");
    w.expect("AMF -> gNB", "UE Context Release Command");
    w.expect("gNB -> UE", "RrcRelease");
    w.expect("gNB -> AMF", "UE Context Release Complete");
}

#[test] // Spec: TS 23.502 §4.2.3.3, TS 38.331 §5.3.2, TS 24.501 §5.6.2.2.1 (network triggered service request)
fn a_packet_calls_an_idle_terminal() {
    let mut w = idle(62);
    let ip = w.session(0, 1).and_then(|s| s.ipv4).unwrap();
    let packet = ipv4(SERVER, ip, b"are you there?");
    w.downlink(packet.clone());
    w.expect("AMF -> gNB", "Paging");
    w.expect("gNB -> UE", "Paging");
    w.expect("UE -> gNB", "RrcSetupRequest");
    w.expect("UE -> AMF", "Service request");
    w.expect("AMF -> UE", "Service accept");
    w.expect("gNB -> AMF", "Initial UE Message");
    w.expect("AMF -> gNB", "Initial Context Setup Request");
    w.expect("gNB -> AMF", "Initial Context Setup Response");
    w.expect("AMF -> gNB", "PDU Session Resource Setup Request");
    w.run_until(|w| !w.ues[0].packets.is_empty());
    assert_eq!(w.ues[0].packets, [(1, 1, packet)]);
    assert!(w.told(0, |e| *e == CpEvent::ServiceRequested { paged: true }));
    w.run_ms(100);
    exchange(&mut w, 0, 1);
}

#[test] // Spec: TS 24.501 §5.6.1.1 d, TS 23.502 §4.2.3.2 (UE triggered service request)
fn a_terminal_with_something_to_send_comes_back() {
    let mut w = idle(63);
    let (slot, now) = (w.slot, w.now());
    w.ues[0].act(slot, now, |cp, out| cp.uplink_data(now, 1, out));
    w.expect("UE -> AMF", "Service request");
    w.expect("AMF -> UE", "Service accept");
    w.run_ms(200);
    exchange(&mut w, 0, 1);
    assert!(w.told(0, |e| *e == CpEvent::ServiceRequested { paged: false }));
    // The keys of the access stratum are new, and both ends have the same.
    assert!(w.failures(0).is_empty());
}

#[test] // Spec: TS 24.501 §5.5.1.3.2 (T3512), §5.3.7 (the network's mobile reachable timer runs on)
fn a_terminal_registers_periodically() {
    let mut w = idle_with(64, |s| s.core.t3512_s = 20);
    for _ in 0..3 {
        w.run_ms(15_000);
        w.expect("UE -> AMF", "Registration request");
        w.expect("AMF -> UE", "Registration accept");
        w.expect("UE -> AMF", "Registration complete");
        w.run_until(|w| w.ues[0].cp.state() == RrcState::Idle);
    }
    // The session is still there.
    let ip = w.session(0, 1).and_then(|s| s.ipv4).unwrap();
    w.downlink(ipv4(SERVER, ip, b"x"));
    w.run_until(|w| !w.ues[0].packets.is_empty());
}

#[test] // Spec: TS 24.501 §5.6.1.7 b (T3517 runs out; the terminal asks again)
fn a_service_request_that_is_lost_is_sent_again() {
    let mut w = idle(65);
    // The core does not hear the first two requests.
    let mut lost = 0;
    w.tamper = Some(Box::new(move |wire| {
        let initial = matches!(wire, Wire::ToAmf(bytes) if matches!(ngap::Pdu::decode(bytes), Ok(ngap::Pdu::InitialUeMessage(_))));
        lost += u32::from(initial);
        usize::from(!initial || lost > 2)
    }));
    for _ in 0..30_000 {
        let (slot, now) = (w.slot, w.now());
        w.ues[0].act(slot, now, |cp, out| cp.uplink_data(now, 1, out));
        w.step();
    }
    assert_eq!(w.failures(0).iter().filter(|(step, _)| *step == "service").count(), 2, "{:?}", w.failures(0));
    assert!(w.told(0, |e| *e == CpEvent::ServiceAccepted));
}

#[test] // Spec: TS 24.501 §5.6.1.5 (#9, #10), §5.3.7 (implicitly deregistered): the terminal registers anew
fn a_terminal_that_the_network_has_forgotten_registers_anew() {
    let mut w = idle(66);
    w.ues[0].hears = false;
    let supi = w.ues[0].cp.nas().usim().supi.clone();
    // It does not answer paging, so it is deregistered without its knowledge.
    w.tell_core(cn::CoreInput::Deregister { supi });
    w.run_ms(10_000);
    assert_eq!(w.core.amf().ue_count(), 0);
    w.ues[0].hears = true;
    // The cell was given up meanwhile, and is found again.
    w.run_until(|w| w.ues[0].cp.state() == RrcState::Idle);
    w.skip();
    let (slot, now) = (w.slot, w.now());
    w.ues[0].act(slot, now, |cp, out| cp.uplink_data(now, 1, out));
    w.expect("UE -> AMF", "Service request");
    w.expect("AMF -> UE", "Service reject");
    w.expect("UE -> AMF", "Registration request");
    w.run_until(|w| w.core.smf().session_count() == 1);
    w.run_ms(200);
    exchange(&mut w, 0, 1);
}

#[test] // Spec: TS 24.501 §5.5.2.2.1 (switched off while idle: the request goes on a connection of its own)
fn an_idle_terminal_deregisters_when_it_is_switched_off() {
    let mut w = idle(67);
    w.switch_off(0);
    w.expect("UE -> AMF", "Deregistration request (UE originating)");
    w.run_until(|w| w.ues[0].cp.state() == RrcState::Off);
    assert!(w.told(0, |e| *e == CpEvent::Deregistered));
    assert_eq!((w.core.amf().ue_count(), w.core.upf_sessions()), (0, 0));
}
