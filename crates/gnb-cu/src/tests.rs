//! Robustness and bounds, without a peer that behaves.

use crate::*;
use ngap::*;
use nr::{DrbId, Pci, Rnti, SNssai};
use seam::bearer::Bearer;

fn config(ues_max: usize) -> GnbCuConfig {
    let plmn = "001-01".parse().unwrap();
    GnbCuConfig {
        gnb: GlobalGnbId { plmn, id: 1, bits: 22 },
        name: "gnb".into(),
        plmn,
        tac: 1,
        nr_cell_id: 1,
        slices: vec![SNssai { sst: 1, sd: None }],
        pci: Pci::new(1).unwrap(),
        ssb_arfcn: 632_544,
        n3_address: [10, 0, 0, 1].into(),
        nea: vec![2],
        nia: vec![2],
        allow_null: false,
        up_integrity: false,
        drb_acknowledged: true,
        drb_pdcp_sn_bits: 18,
        drb_t_reordering_ms: 100,
        sdap_header: true,
        drb_queue_bytes: 1 << 20,
        inactivity: None,
        ues_max,
    }
}

fn connected(ues_max: usize) -> (GnbCu, Outbox<CuOutput>) {
    let (mut cu, mut out) = (GnbCu::new(config(ues_max)), Outbox::default());
    cu.start(Tc::ZERO, &mut out);
    let response = NgSetupResponse {
        amf_name: "amf".into(),
        guamis: vec![Guami { plmn: cu.config.plmn, region: 1, set: 1, pointer: 0 }],
        relative_capacity: 1,
        plmns: vec![PlmnSlices { plmn: cu.config.plmn, slices: cu.config.slices.clone() }],
    };
    cu.n2(Tc::ZERO, &Pdu::from(response).encode().unwrap(), &mut out);
    (cu, out)
}

fn setup_request() -> Vec<u8> {
    let r = rrc::RrcSetupRequest::default();
    let m = rrc::UlCcchMessageType::C1(rrc::UlCcchMessageTypeC1::RrcSetupRequest(r));
    rrc::encode(&rrc::UlCcchMessage { message: m }).unwrap()
}

fn initial(n: u32) -> DuToCu {
    DuToCu::InitialUlRrc { ue: DuUeId(n), c_rnti: Rnti(n as u16), rrc: setup_request(), cell_group: vec![0; 8] }
}

/// RRCSetupComplete of UE `n`, before security.
fn complete(n: u32) -> DuToCu {
    let ies = rrc::RrcSetupCompleteIes {
        selected_plmn_identity: 1,
        dedicated_nas_message: vec![0x7e, 0, 0x41],
        ..Default::default()
    };
    let m = rrc::RrcSetupComplete {
        critical_extensions: rrc::RrcSetupCompleteCriticalExtensions::RrcSetupComplete(ies),
        ..Default::default()
    };
    let m = rrc::UlDcchMessageType::C1(rrc::UlDcchMessageTypeC1::RrcSetupComplete(m));
    let mut pdu = vec![0, 0];
    pdu.extend(rrc::encode(&rrc::UlDcchMessage { message: m }).unwrap());
    pdu.extend([0; 4]);
    DuToCu::UlRrcTransfer { ue: DuUeId(n), bearer: Bearer::Srb1, pdu }
}

#[test] // Spec: TS 38.331 §5.3.3.1 (RRCReject), TS 38.413 §8.6.1
fn contexts_are_bounded_and_end() {
    let (mut cu, mut out) = connected(10);
    (0..1000).for_each(|n| cu.f1(Tc::ZERO, initial(n), &mut out));
    assert_eq!(cu.n_ues(), 10);
    let rejected =
        |o: &CuOutput| matches!(o, CuOutput::F1(CuToDu::UeContextRelease { rrc: Some((Bearer::Srb0, _)), .. }));
    assert_eq!(out.drain().filter(rejected).count(), 990);
    // None of them says more: they are released at the DU, and forgotten when it has answered, or without an answer.
    for _ in 0..100 {
        let Some(t) = cu.deadline() else { break };
        cu.timeout(t, &mut out);
    }
    assert_eq!((cu.n_ues(), cu.deadline()), (0, None));
}

#[test] // Spec: TS 38.413 §8.7.1 (no UE before NG setup)
fn without_an_amf_there_is_no_service() {
    let (mut cu, mut out) = (GnbCu::new(config(10)), Outbox::default());
    cu.start(Tc::ZERO, &mut out);
    cu.f1(Tc::ZERO, initial(1), &mut out);
    assert_eq!(cu.n_ues(), 0);
    let failure = NgSetupFailure { cause: Cause::UnknownPlmn };
    cu.n2(Tc::ZERO, &Pdu::from(failure).encode().unwrap(), &mut out);
    assert_eq!(cu.deadline(), Some(Tc::from_ms(10_000)), "it asks again");
}

#[test] // Spec: TS 38.413 §8.2.1 (whatever the AMF asks for, what waits is bounded)
fn an_amf_that_asks_without_end_is_refused() {
    let (mut cu, mut out) = connected(10);
    cu.f1(Tc::ZERO, initial(1), &mut out);
    cu.f1(Tc::ZERO, complete(1), &mut out);
    out.drain().for_each(drop);
    let ids = UeIds { amf: 7, ran: 1 };
    let transfer = SetupRequestTransfer {
        session_ambr: None,
        uplink: GtpTunnel { address: [10, 0, 0, 2].into(), teid: Teid(1) },
        session_type: SessionType::Ipv4,
        security: None,
        flows: vec![QosFlow { qfi: 1, five_qi: 9, arp_priority: 8 }],
    };
    let transfer = transfer.encode().unwrap();
    for n in 0..200u32 {
        let s_nssai = SNssai { sst: 1, sd: None };
        let sessions = vec![SessionSetup { id: n as u8, nas: None, s_nssai, transfer: transfer.clone() }];
        let m = PduSessionResourceSetupRequest { ids, nas: None, sessions, ue_ambr: None };
        cu.n2(Tc::ZERO, &Pdu::from(m).encode().unwrap(), &mut out);
    }
    let u = &cu.ues[&1];
    assert!(u.tasks.len() <= crate::ue::TASKS_MAX && u.sessions.len() <= 29);
    let mut drbs: Vec<DrbId> = u.sessions.iter().map(|s| s.drb).collect();
    drbs.dedup();
    assert_eq!(drbs.len(), u.sessions.len(), "each session has its own bearer");
    let errors =
        out.drain().filter(|o| matches!(o, CuOutput::N2(b) if matches!(Pdu::decode(b), Ok(Pdu::ErrorIndication(_)))));
    assert!(errors.count() > 100);
}

#[test] // Spec: TS 38.413 §10, TS 38.331 §10, TS 29.281 §11 (whatever the bytes: no panic)
fn damaged_bytes_never_panic() {
    let mut rng = node::Rng::from_lab_seed(3);
    let samples: Vec<Vec<u8>> = vec![
        Pdu::from(DownlinkNasTransport { ids: UeIds { amf: 7, ran: 1 }, nas: vec![1; 20] }).encode().unwrap(),
        Pdu::from(UeContextReleaseCommand { amf: 7, ran: Some(1), cause: Cause::NasUnspecified }).encode().unwrap(),
        Pdu::from(NgReset { cause: Cause::OmIntervention, ues: None }).encode().unwrap(),
        gtpu::g_pdu(Teid(1), gtpu::Container::Downlink { qfi: 1, rqi: false }, &[0x45; 40]).unwrap(),
        setup_request(),
        vec![0x80; 30],
    ];
    let drb = DrbId::new(1).unwrap();
    for round in 0..200 {
        let (mut cu, mut out) = connected(4);
        let mut now = Tc::ZERO;
        cu.f1(now, initial(1), &mut out);
        cu.f1(now, complete(1), &mut out);
        for _ in 0..30 {
            let mut b = samples[rng.below(samples.len() as u32) as usize].clone();
            for _ in 0..rng.below(4) {
                let i = rng.below(b.len() as u32) as usize;
                b[i] = rng.u32() as u8;
            }
            b.truncate(1 + rng.below(b.len() as u32 + 8) as usize);
            let ue = DuUeId(rng.below(4));
            match rng.below(7) {
                0 => cu.n2(now, &b, &mut out),
                1 => cu.n3(now, [10, 0, 0, 2].into(), &b, &mut out),
                2 => cu.f1(now, DuToCu::UlRrcTransfer { ue, bearer: Bearer::Srb1, pdu: b }, &mut out),
                3 => cu.f1(now, DuToCu::UlRrcTransfer { ue, bearer: Bearer::Srb2, pdu: b }, &mut out),
                4 => cu.f1(now, DuToCu::UlUser { ue, drb, pdu: b }, &mut out),
                5 => {
                    let c_rnti = Rnti(rng.u32() as u16);
                    cu.f1(now, DuToCu::InitialUlRrc { ue, c_rnti, rrc: b, cell_group: vec![] }, &mut out);
                }
                _ => cu.f1(now, DuToCu::UeContextResponse { ue, cell_group: b, bearers: vec![] }, &mut out),
            }
            now += Tc::from_ms(rng.below(1000).into());
            while cu.deadline().is_some_and(|t| t <= now) {
                cu.timeout(now, &mut out);
            }
            out.drain().for_each(drop);
        }
        assert!(cu.n_ues() <= 4, "round {round}");
    }
}

/// PDCP of SRB1 at the UE's end after its RRCSetupComplete, under the keys that the central unit has.
fn srb1_of(u: &crate::ue::Ue) -> pdcp::Pdcp {
    let mut p = pdcp::Pdcp::new(pdcp::Setup::srb(Bearer::Srb1, pdcp::End::Ue), pdcp::Limits::default());
    // The RRCSetupComplete had the first COUNT.
    assert!(p.send(Tc::ZERO, vec![0; 3]).is_ok());
    crate::procedures::secure(&mut p, u.security.as_ref().unwrap(), Bearer::Srb1, true);
    p
}

/// A UE with security, SRB2 and one DRB, that has said nothing under its keys yet.
fn secured() -> (GnbCu, Outbox<CuOutput>) {
    let (mut cu, mut out) = connected(4);
    cu.f1(Tc::ZERO, initial(1), &mut out);
    cu.f1(Tc::ZERO, complete(1), &mut out);
    let algorithms = seam::bearer::AsAlgorithms { nea: 2, nia: 2 };
    let security = crate::ue::Security { algorithms, k_gnb: [7; 32], ncc: 0, active: true };
    let u = cu.ues.get_mut(&1).unwrap();
    crate::procedures::secure(&mut u.srb1, &security, Bearer::Srb1, true);
    let mut srb2 = pdcp::Pdcp::new(pdcp::Setup::srb(Bearer::Srb2, pdcp::End::Gnb), pdcp::Limits::default());
    crate::procedures::secure(&mut srb2, &security, Bearer::Srb2, true);
    (u.amf, u.srb2, u.security) = (Some(7), Some(srb2), Some(security));
    out.drain().for_each(drop);
    (cu, out)
}

/// What the central unit told the distributed unit.
fn told(out: &mut Outbox<CuOutput>) -> Vec<CuToDu> {
    let to_du = |o| match o {
        CuOutput::F1(m) => Some(m),
        _ => None,
    };
    out.drain().filter_map(to_du).collect()
}

fn reconfiguration_complete(ue: &mut pdcp::Pdcp) -> DuToCu {
    let m = rrc::UlDcchMessageTypeC1::RrcReconfigurationComplete(Default::default());
    let sdu = rrc::encode(&rrc::UlDcchMessage { message: rrc::UlDcchMessageType::C1(m) }).unwrap();
    let (pdu, _) = ue.send(Tc::ZERO, sdu).unwrap();
    DuToCu::UlRrcTransfer { ue: DuUeId(1), bearer: Bearer::Srb1, pdu }
}

const REQUIRED: DuToCu = DuToCu::UeContextModificationRequired { ue: DuUeId(1) };

fn configured() -> DuToCu {
    DuToCu::UeContextResponse { ue: DuUeId(1), cell_group: vec![1, 2, 3], bearers: vec![] }
}

#[test] // Spec: TS 38.473 §8.3.5, TS 38.331 §5.3.5 (the DU asks for it, the UE is configured again, once)
fn a_required_modification_configures_the_ue_again() {
    let (mut cu, mut out) = secured();
    let mut ue = srb1_of(&cu.ues[&1]);
    cu.f1(Tc::ZERO, REQUIRED, &mut out);
    let asked = told(&mut out);
    let [CuToDu::UeContextModify { drbs_add, drbs_release, srb2: false, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert!(drbs_add.is_empty() && drbs_release.is_empty());
    // Until that is over, asking again changes nothing.
    cu.f1(Tc::ZERO, REQUIRED, &mut out);
    assert_eq!(told(&mut out), []);
    cu.f1(Tc::ZERO, configured(), &mut out);
    let sent = told(&mut out);
    assert!(matches!(sent[..], [CuToDu::DlRrcTransfer { bearer: Bearer::Srb1, .. }]), "{sent:?}");
    cu.f1(Tc::ZERO, REQUIRED, &mut out);
    assert_eq!(told(&mut out), []);
    cu.f1(Tc::ZERO, reconfiguration_complete(&mut ue), &mut out);
    assert_eq!(told(&mut out), [CuToDu::ReconfigurationComplete { ue: DuUeId(1) }]);
    assert!(cu.ues[&1].procedure.is_none() && cu.deadline().is_none(), "it is over");
    // Another time it begins anew; a UE that is not there any more is waited for no longer than any.
    cu.f1(Tc::ZERO, REQUIRED, &mut out);
    assert_eq!(told(&mut out).len(), 1);
    assert!(cu.deadline().is_some());
}

#[test] // Spec: TS 38.473 §8.3.5, TS 38.331 §5.3.10 (a UE that was given up is heard again)
fn a_lost_ue_that_comes_back_is_configured_again() {
    let (mut cu, mut out) = secured();
    let cause = seam::f1::LossCause::RadioLinkFailure;
    cu.f1(Tc::ZERO, DuToCu::UeLost { ue: DuUeId(1), cause }, &mut out);
    assert_eq!((cu.ues[&1].state, cu.deadline()), (UeState::Lost, Some(LOST_PATIENCE)));
    cu.f1(Tc::ZERO, REQUIRED, &mut out);
    assert_eq!((cu.ues[&1].state, told(&mut out).len()), (UeState::Connected, 1));
    assert_eq!(cu.deadline(), Some(PROCEDURE_PATIENCE), "it is not released as lost");
    // The same with a procedure under way: that one goes on, with a patience of its own.
    cu.f1(Tc::ZERO, DuToCu::UeLost { ue: DuUeId(1), cause }, &mut out);
    cu.f1(Tc::from_ms(3000), REQUIRED, &mut out);
    assert_eq!(told(&mut out), []);
    assert_eq!(cu.deadline(), Some(Tc::from_ms(3000) + PROCEDURE_PATIENCE));
    assert!(matches!(cu.ues[&1].procedure, Some(crate::ue::Procedure::DuConfiguration(_))));
}

#[test] // Spec: TS 38.331 §5.3.5.3 (no reconfiguration before security), §5.3.3.1 (a UE being set up may still answer)
fn before_security_nothing_is_refreshed_and_a_loss_keeps_the_setup() {
    let (mut cu, mut out) = connected(4);
    cu.f1(Tc::ZERO, initial(1), &mut out);
    out.drain().for_each(drop);
    let (state, deadline) = (cu.ues[&1].state, cu.deadline());
    assert_eq!(state, UeState::SettingUp);
    cu.f1(Tc::ZERO, REQUIRED, &mut out);
    let cause = seam::f1::LossCause::RadioLinkFailure;
    cu.f1(Tc::ZERO, DuToCu::UeLost { ue: DuUeId(1), cause }, &mut out);
    assert_eq!((cu.ues[&1].state, cu.deadline(), told(&mut out)), (UeState::SettingUp, deadline, vec![]));
    // It answers after all.
    cu.f1(Tc::ZERO, complete(1), &mut out);
    assert_eq!(cu.ues[&1].state, UeState::Connected);
    cu.f1(Tc::ZERO, REQUIRED, &mut out);
    assert_eq!(told(&mut out), [], "security comes first, and a reconfiguration with it");
    // And if it does not, it is released as any other.
    let (mut cu, mut out) = connected(4);
    cu.f1(Tc::ZERO, initial(1), &mut out);
    cu.timeout(deadline.unwrap(), &mut out);
    let left = cu.ues.get(&1).map(|u| u.state);
    assert!(matches!(left, None | Some(UeState::Releasing)), "{left:?}");
}

#[test] // Spec: TS 38.331 §5.3.7.5, §5.7.1.2 (NAS messages wait until SRB2 is back, and then go in order)
fn nas_is_held_until_srb2_is_back() {
    let (mut cu, mut out) = secured();
    let nas = |n: u8| DownlinkNasTransport { ids: UeIds { amf: 7, ran: 1 }, nas: vec![n; 9] };
    let n2 = |cu: &mut GnbCu, n: u8, out: &mut Outbox<CuOutput>| {
        cu.n2(Tc::ZERO, &Pdu::from(nas(n)).encode().unwrap(), out);
    };
    let cause = seam::f1::LossCause::RadioLinkFailure;
    cu.f1(Tc::ZERO, DuToCu::UeLost { ue: DuUeId(1), cause }, &mut out);
    n2(&mut cu, 1, &mut out);
    assert_eq!((told(&mut out), cu.ues[&1].held_nas.len()), (vec![], 1), "lost");
    cu.reestablish(Tc::ZERO, 1, DuUeId(2), Rnti(0x4700), &mut out);
    out.drain().for_each(drop);
    n2(&mut cu, 2, &mut out);
    assert_eq!((told(&mut out), cu.ues[&1].held_nas.len()), (vec![], 2), "re-establishing");
    cu.reestablished(Tc::ZERO, 1, &mut out);
    let asked = told(&mut out);
    assert!(matches!(asked[..], [CuToDu::UeContextModify { srb2: true, .. }]), "{asked:?}");
    n2(&mut cu, 3, &mut out);
    cu.du_configured(Tc::ZERO, DuUeId(2), vec![1], &mut out);
    let sent = told(&mut out);
    assert!(matches!(sent[..], [CuToDu::DlRrcTransfer { bearer: Bearer::Srb1, .. }]), "{sent:?}");
    assert_eq!(cu.ues[&1].held_nas.len(), 3, "the reconfiguration is not answered yet");
    let mut ue = pdcp::Pdcp::new(pdcp::Setup::srb(Bearer::Srb2, pdcp::End::Ue), pdcp::Limits::default());
    crate::procedures::secure(&mut ue, cu.ues[&1].security.as_ref().unwrap(), Bearer::Srb2, true);
    cu.reconfigured(Tc::ZERO, 1, &mut out);
    assert!(cu.ues[&1].held_nas.is_empty());
    let mut events = Outbox::default();
    for m in told(&mut out) {
        if let CuToDu::DlRrcTransfer { bearer, pdu, .. } = m {
            assert_eq!(bearer, Bearer::Srb2);
            ue.receive(Tc::ZERO, pdu, &mut events);
        }
    }
    let got: Vec<u8> = events.drain().filter_map(nas_in).collect();
    assert_eq!(got, [1, 2, 3]);
    // From now on nothing is held.
    n2(&mut cu, 4, &mut out);
    assert_eq!((told(&mut out).len(), cu.ues[&1].held_nas.len()), (1, 0));
}

/// The first byte of the NAS message that a DLInformationTransfer carries.
fn nas_in(e: PdcpEvent) -> Option<u8> {
    let PdcpEvent::Sdu { sdu, verified: true, .. } = e else { return None };
    let rrc::DlDcchMessageType::C1(m) = rrc::decode::<rrc::DlDcchMessage>(&sdu).ok()?.message else { return None };
    let rrc::DlDcchMessageTypeC1::DlInformationTransfer(t) = m else { return None };
    let rrc::DlInformationTransferCriticalExtensions::DlInformationTransfer(i) = t.critical_extensions else {
        return None;
    };
    i.dedicated_nas_message?.first().copied()
}
