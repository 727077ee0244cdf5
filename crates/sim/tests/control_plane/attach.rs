//! A terminal attaches, sends packets both ways, and leaves.

use crate::common::*;
use nas::ie::PduSessionType;
use security::Scheme;
use std::net::{Ipv4Addr, Ipv6Addr};
use ue_cp::{CpEvent, RrcState};

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);

/// One packet each way on session `id`.
#[track_caller]
pub fn exchange(w: &mut World, ue: usize, id: u8) {
    let Some(ip) = w.session(ue, id).and_then(|s| s.ipv4) else { w.fail("no IPv4 address") };
    let (up, down) = (w.n6.len(), w.ues[ue].packets.len());
    let ping = ipv4(ip, SERVER, b"ping");
    w.uplink(ue, id, ping.clone());
    w.run_until(|w| w.n6.len() > up);
    assert_eq!(w.n6[up], ping);
    let pong = ipv4(SERVER, ip, b"pong");
    w.downlink(pong.clone());
    w.run_until(|w| w.ues[ue].packets.len() > down);
    assert_eq!(w.ues[ue].packets[down], (id, 1, pong));
}

#[test] // Spec: TS 23.502 §4.2.2.2.2, §4.3.2.2.1 (NAS), TS 24.501 §5.5.1.2, §6.4.1
fn registration_and_session_as_the_figure_has_them() {
    let mut w = Setup::new(1, 1).build();
    w.switch_on(0);
    w.expect("UE -> AMF", "Registration request");
    w.expect("AMF -> UE", "Authentication request");
    w.expect("UE -> AMF", "Authentication response");
    w.expect("AMF -> UE", "Security mode command");
    w.expect("UE -> AMF", "Security mode complete");
    w.expect("AMF -> UE", "Registration accept");
    w.expect("UE -> AMF", "Registration complete");
    w.expect("UE -> AMF", "PDU session establishment request");
    w.expect("AMF -> UE", "PDU session establishment accept");
    w.run_ms(100);
    exchange(&mut w, 0, 1);
    assert!(w.told(0, |e| matches!(e, CpEvent::NasSecurity { nea: 2, nia: 2 })));
    assert!(w.told(0, |e| matches!(e, CpEvent::AsSecurity { nea: 2, nia: 2 })));
}

#[test] // Spec: TS 38.401 §8.1 (UE initial access), TS 38.331 §5.3.3, §5.3.4, §5.3.5, §5.6.1
fn initial_access_on_the_radio() {
    let mut w = Setup::new(2, 1).build();
    w.switch_on(0);
    w.expect("gNB -> UE", "MIB");
    w.expect("gNB -> UE", "SIB1");
    w.expect("UE -> gNB", "RrcSetupRequest");
    w.expect("gNB -> UE", "RrcSetup");
    w.expect("UE -> gNB", "RrcSetupComplete");
    w.expect("gNB -> UE", "DlInformationTransfer");
    w.expect("UE -> gNB", "UlInformationTransfer");
    w.expect("gNB -> UE", "DlInformationTransfer");
    w.expect("UE -> gNB", "UlInformationTransfer");
    w.expect("gNB -> UE", "SecurityModeCommand");
    w.expect("UE -> gNB", "SecurityModeComplete");
    w.expect("gNB -> UE", "UeCapabilityEnquiry");
    w.expect("UE -> gNB", "UeCapabilityInformation");
    w.expect("gNB -> UE", "RrcReconfiguration");
    w.expect("UE -> gNB", "RrcReconfigurationComplete");
    w.expect("UE -> gNB", "UlInformationTransfer");
    w.expect("UE -> gNB", "UlInformationTransfer");
    w.expect("gNB -> UE", "RrcReconfiguration");
    w.expect("UE -> gNB", "RrcReconfigurationComplete");
    let cell = w.ues[0].cp.cell().unwrap();
    assert_eq!((cell.dl.n_rb, cell.coreset0_bwp.n_rb, cell.ss_ra), (51, 48, 1));
    assert!((cell.dl.centre_hz() - 3_489.36e6).abs() < 1.0, "SIB1 places the carrier where it is");
}

#[test] // Spec: TS 38.413 §8.7.1, §8.6.1, §8.3.1, §8.14.1, §8.2.1, §8.3.3
fn ngap_from_setup_to_release() {
    let mut w = Setup::new(3, 1).build();
    w.expect("gNB -> AMF", "NG Setup Request");
    w.expect("AMF -> gNB", "NG Setup Response");
    w.switch_on(0);
    w.expect("gNB -> AMF", "Initial UE Message");
    w.expect("AMF -> gNB", "Downlink NAS Transport");
    w.expect("gNB -> AMF", "Uplink NAS Transport");
    w.expect("AMF -> gNB", "Downlink NAS Transport");
    w.expect("gNB -> AMF", "Uplink NAS Transport");
    w.expect("AMF -> gNB", "Initial Context Setup Request");
    w.expect("gNB -> AMF", "UE Radio Capability Info Indication");
    w.expect("gNB -> AMF", "Initial Context Setup Response");
    w.expect("gNB -> AMF", "Uplink NAS Transport");
    w.expect("gNB -> AMF", "Uplink NAS Transport");
    w.expect("AMF -> gNB", "PDU Session Resource Setup Request");
    w.expect("gNB -> AMF", "PDU Session Resource Setup Response");
    w.run_ms(100);
    w.switch_off(0);
    w.expect("gNB -> AMF", "Uplink NAS Transport");
    w.expect("AMF -> gNB", "UE Context Release Command");
    w.expect("gNB -> AMF", "UE Context Release Complete");
    w.run_ms(500);
    assert_eq!((w.cu.n_ues(), w.du.n_ues(), w.core.amf().ue_count(), w.core.upf_sessions()), (0, 0, 0, 0));
    assert_eq!(w.ues[0].cp.state(), RrcState::Off);
}

#[test] // Spec: TS 24.501 §5.5.2.2 (switch off), TS 38.331 §5.3.8
fn switching_off_deregisters_and_releases() {
    let mut w = Setup::new(4, 1).build();
    w.attach(0);
    w.skip();
    w.switch_off(0);
    w.expect("UE -> AMF", "Deregistration request (UE originating)");
    w.expect("UE -> gNB", "UlInformationTransfer");
    w.expect("gNB -> UE", "RrcRelease");
    w.run_until(|w| w.ues[0].cp.state() == RrcState::Off);
    assert!(w.told(0, |e| *e == CpEvent::Deregistered) && w.told(0, |e| *e == CpEvent::Released));
    w.switch_on(0);
    w.run_until(|w| w.ues[0].events.iter().filter(|e| matches!(e, CpEvent::SessionUp(_))).count() == 2);
    w.run_ms(100);
    exchange(&mut w, 0, 1);
}

#[test] // Spec: TS 33.501 §6.12.2, annex C.3.4 (profiles A and B)
fn the_supi_is_concealed() {
    for scheme in [Scheme::ProfileA, Scheme::ProfileB] {
        let s = Setup::new(5, 1).with(|s| {
            let key = s.core.home_network_keys.iter().find(|k| k.scheme == scheme).unwrap();
            let usim = &mut s.ues[0].usim;
            (usim.scheme, usim.home_key_id, usim.home_public_key) = (scheme, key.id, key.public());
            s.core.null_suci = false;
        });
        let mut w = s.build();
        w.attach(0);
        let suci =
            |e: &CpEvent| matches!(e, CpEvent::RegistrationStarted { suci: Some(s) } if !s.contains("0000000001"));
        assert!(w.told(0, suci));
    }
}

#[test] // Spec: TS 23.501 §5.8.2.2.3, RFC 4861 §4.2 (the prefix comes by router advertisement)
fn an_ipv6_session_gets_its_prefix() {
    let mut w = Setup::new(6, 1).sessions(&[PduSessionType::Ipv6]).build();
    w.attach(0);
    w.run_until(|w| !w.ues[0].packets.is_empty());
    let (session, _, advertisement) = w.ues[0].packets[0].clone();
    assert_eq!((session, advertisement[6], advertisement[40]), (1, 58, 134));
    let info = w.session(0, 1).unwrap();
    assert_eq!(info.ipv4, None);
    let mut address = [0; 16];
    address[..8].copy_from_slice(&advertisement[72..80]);
    address[8..].copy_from_slice(&info.interface_id.unwrap());
    let ip = Ipv6Addr::from(address);
    assert_eq!(ip.segments()[..3], [0x2001, 0xdb8, 0x45]);
    let ping = ipv6(ip, SERVER6, b"ping");
    w.uplink(0, 1, ping.clone());
    w.run_until(|w| w.n6 == [ping.clone()]);
    let pong = ipv6(SERVER6, ip, b"pong");
    w.downlink(pong.clone());
    w.run_until(|w| w.ues[0].packets.last().is_some_and(|p| p.2 == pong));
}

#[test] // Spec: TS 23.501 §5.8.2.2.1 (IPv4v6), TS 24.501 §6.1.1 (several sessions of a UE)
fn two_sessions_have_a_bearer_each() {
    let mut w = Setup::new(7, 1).sessions(&[PduSessionType::Ipv4v6, PduSessionType::Ipv4]).build();
    w.attach(0);
    w.run_until(|w| w.session(0, 2).is_some());
    w.run_ms(200);
    let (one, two) = (w.session(0, 1).unwrap(), w.session(0, 2).unwrap());
    assert!(one.ipv4.is_some() && one.interface_id.is_some() && two.interface_id.is_none());
    assert_ne!(one.ipv4, two.ipv4);
    w.ues[0].packets.clear();
    exchange(&mut w, 0, 1);
    exchange(&mut w, 0, 2);
}

#[test] // Spec: TS 38.300 §9.2.1.3 (several UEs at once)
fn terminals_attach_side_by_side() {
    let mut w = Setup::new(8, 5).build();
    (0..5).for_each(|i| w.switch_on(i));
    w.run_until(|w| (0..5).all(|i| w.session(i, 1).is_some()));
    w.run_ms(200);
    (0..5).for_each(|i| exchange(&mut w, i, 1));
    w.switch_off(2);
    w.run_ms(500);
    assert_eq!((w.cu.n_ues(), w.core.upf_sessions()), (4, 4));
    exchange(&mut w, 3, 1);
}

#[test] // Spec: TS 37.324 §5.2 (no header), TS 38.322 §4.2.1.2 (UM), TS 38.323 §6.2.2 (12 bits), TS 33.501 §6.6.1
fn bearers_of_every_kind_carry_packets() {
    for (acknowledged, bits, header, integrity) in
        [(true, 12, false, false), (false, 12, true, false), (false, 18, false, true), (true, 18, true, true)]
    {
        let s = Setup::new(9, 1).with(|s| {
            (s.cu.drb_acknowledged, s.cu.drb_pdcp_sn_bits) = (acknowledged, bits);
            (s.cu.sdap_header, s.cu.up_integrity) = (header, integrity);
        });
        let mut w = s.build();
        w.attach(0);
        (0..3).for_each(|_| exchange(&mut w, 0, 1));
    }
}

#[test] // Spec: ironcell ARCHITECTURE §determinism
fn one_seed_is_one_course_of_events() {
    let run = |seed| {
        let mut w = Setup::new(seed, 2).build();
        (0..2).for_each(|i| w.switch_on(i));
        w.run_until(|w| (0..2).all(|i| w.session(i, 1).is_some()));
        w.taps
    };
    assert!(run(10) == run(10));
    assert!(run(10) != run(11));
}
