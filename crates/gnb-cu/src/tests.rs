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
