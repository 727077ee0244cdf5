//! Packets both ways over blocks that are lost, secured, several terminals; and bytes that make no sense.

use super::lab::{Lab, mac_config};
use super::uplink::add_drb;
use crate::{SendError, UeL2};
use fapi::pdu::Span;
use fapi::ue::{Addressed, UeIndication, UeL1Event, UeResponse};
use node::{Frame, Outbox, Rng};
use nr::{HarqId, Qfi, Rnti, Tc};
use pdcp::{AsAlgorithms, AsKeys, Security};
use seam::bearer::Bearer;
use seam::ue::{L2Command, L2Event};

fn packet(n: u32, len: usize) -> Vec<u8> {
    let mut p = n.to_be_bytes().to_vec();
    p.resize(len.max(4), n as u8);
    p
}

fn secure(lab: &mut Lab, ue: usize) {
    let keys = AsKeys { rrc_int: [1; 16], rrc_enc: [2; 16], up_int: [3; 16], up_enc: [4; 16] };
    let algorithms = AsAlgorithms { nea: 2, nia: 2 };
    lab.command(ue, L2Command::Secure { algorithms, keys, ciphering: true });
    for p in lab.context(ue).pdcp.values_mut() {
        let security = Security::for_bearer(p.setup().bearer, algorithms, &keys).unwrap();
        p.secure(security, true);
    }
}

#[test] // Spec: TS 38.321 §5, TS 38.322 §5, TS 38.323 §5, TS 37.324 §5 (all of layer 2 against the other end)
fn every_packet_arrives_once_and_in_order_over_lossy_blocks() {
    for (seed, loss) in [(41, 0.0), (42, 0.1), (43, 0.3)] {
        let mut lab = Lab::new(seed, 2);
        lab.script.grant_tbs = 3000;
        for ue in 0..2 {
            lab.attach(ue, mac_config());
            add_drb(&mut lab, ue, 1, 10, 3, 18);
            secure(&mut lab, ue);
        }
        lab.script.loss = loss;
        let mut rng = Rng::from_lab_seed(seed);
        let n = 600;
        for i in 0..n {
            for ue in 0..2 {
                let len = 4 + rng.below(1496) as usize;
                lab.packet(ue, 1, 1, packet(i, len));
                let now = lab.now();
                let mut sdu = packet(i, len);
                sdu.insert(0, 1);
                lab.context(ue).send(now, 4, sdu);
                if i % 50 == 0 {
                    lab.command(ue, L2Command::SendRrc { bearer: Bearer::Srb1, pdu: packet(i, 80) });
                }
                lab.downlink(ue, 2500);
            }
            lab.step();
        }
        for _ in 0..6000 {
            for ue in 0..2 {
                lab.downlink(ue, 2500);
            }
            lab.step();
        }
        for ue in 0..2 {
            let down: Vec<u32> = lab.ues[ue]
                .events
                .iter()
                .filter_map(|(_, e)| match e {
                    L2Event::User { pdu_session: 1, qfi: 1, packet } => {
                        Some(u32::from_be_bytes(packet[..4].try_into().unwrap()))
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(down, (0..n).collect::<Vec<_>>(), "seed {seed} ue {ue}");
            let got = lab.context(ue).got.clone();
            let up: Vec<u32> = got
                .iter()
                .filter(|(lcid, _)| *lcid == 4)
                .map(|(_, s)| u32::from_be_bytes(s[1..5].try_into().unwrap()))
                .collect();
            assert_eq!(up, (0..n).collect::<Vec<_>>(), "seed {seed} ue {ue}");
            let rrc: Vec<u32> = got
                .iter()
                .filter(|(lcid, _)| *lcid == 1)
                .map(|(_, s)| u32::from_be_bytes(s[..4].try_into().unwrap()))
                .collect();
            assert_eq!(rrc, (0..n).step_by(50).collect::<Vec<_>>(), "seed {seed} ue {ue}");
            assert_eq!(lab.ues[ue].l2.queued_bytes(1), 0);
        }
    }
}

#[test] // Spec: ironcell ARCHITECTURE §determinism
fn the_same_seed_gives_the_same_blocks() {
    let run = || {
        let mut lab = Lab::new(50, 3);
        for ue in 0..3 {
            lab.attach(ue, mac_config());
            add_drb(&mut lab, ue, 1, 10, 3, 12);
        }
        lab.script.loss = 0.2;
        for i in 0..100 {
            for ue in 0..3 {
                lab.packet(ue, 1, 1, packet(i, 300));
            }
            lab.step();
        }
        lab.run(300);
        lab.ues.iter_mut().flat_map(|t| t.l2.drain_taps().collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let (a, b) = (run(), run());
    assert_eq!(a, b);
    let has = |f: fn(&Frame) -> bool| a.iter().any(|t| f(&t.frame));
    assert!(has(|f| matches!(f, Frame::Mac { .. })));
    assert!(has(|f| matches!(f, Frame::Rlc { lcid: 4, acknowledged: true, sn_bits: 12, .. })));
    assert!(has(|f| matches!(f, Frame::Pdcp { lcid: 4, srb: false, sn_bits: 12, .. })));
}

#[test] // Spec: TS 38.323 §5.9 (what does not verify is told and not handed up), TS 38.331 §5.3.4.3
fn integrity_failure_is_told() {
    let mut lab = Lab::new(51, 1);
    lab.attach(0, mac_config());
    lab.run(30);
    let now = lab.now();
    lab.context(0).send(now, 1, vec![1; 9]);
    lab.downlink(0, 100);
    lab.step();
    let before = |e: &L2Event| matches!(e, L2Event::Rrc { verified: false, count: 0, mac_i: [0, 0, 0, 0], .. });
    assert!(lab.ues[0].has(before));
    secure(&mut lab, 0);
    let now = lab.now();
    lab.context(0).send(now, 1, vec![2; 9]);
    lab.downlink(0, 100);
    lab.step();
    assert!(lab.ues[0].has(|e| matches!(e, L2Event::Rrc { verified: true, count: 1, .. })));
    // The gNB's keys change, the terminal's do not.
    let keys = AsKeys { rrc_int: [9; 16], rrc_enc: [9; 16], up_int: [9; 16], up_enc: [9; 16] };
    let wrong = Security::for_bearer(Bearer::Srb1, AsAlgorithms { nea: 2, nia: 2 }, &keys).unwrap();
    lab.context(0).pdcp.get_mut(&1).unwrap().secure(wrong, true);
    let now = lab.now();
    lab.context(0).send(now, 1, vec![3; 9]);
    lab.downlink(0, 100);
    lab.step();
    assert!(lab.ues[0].has(|e| *e == L2Event::IntegrityFailure { bearer: Bearer::Srb1 }));
    assert!(!lab.ues[0].has(|e| matches!(e, L2Event::Rrc { pdu, .. } if *pdu == [3; 9])));
}

#[test] // Spec: TS 38.322 §5.3.2 (maxRetxThreshold reaches RRC)
fn max_retx_is_told() {
    let mut lab = Lab::new(52, 1);
    lab.attach(0, mac_config());
    lab.run(30);
    lab.script.loss = 1.0;
    lab.command(0, L2Command::SendRrc { bearer: Bearer::Srb1, pdu: vec![1; 20] });
    for i in 0..4000 {
        lab.grant(0, (i % 16) as u8, true, 100);
        lab.step();
    }
    assert_eq!(lab.ues[0].events.iter().filter(|e| matches!(e.1, L2Event::RlcMaxRetx { .. })).count(), 1);
}

#[test] // Spec: ironcell ARCHITECTURE §bounds
fn a_full_queue_hands_the_packet_back() {
    let mut lab = Lab::new(53, 1);
    lab.attach(0, mac_config());
    let mut response = UeResponse::default();
    let mut events = Outbox::default();
    let (now, qfi) = (lab.now(), Qfi::new(1).unwrap());
    let mut send = |l2: &mut UeL2, p| l2.send_packet(now, 1, qfi, p, &mut response, &mut events);
    assert_eq!(send(&mut lab.ues[0].l2, vec![1; 100]), Err(SendError::NoBearer));
    add_drb(&mut lab, 0, 1, 10, 3, 18);
    let mut n = 0;
    while send(&mut lab.ues[0].l2, vec![1; 9000]).is_ok() {
        n += 1;
    }
    assert!((800..1000).contains(&n), "{n}");
    assert!(matches!(send(&mut lab.ues[0].l2, vec![1; 9000]), Err(SendError::Full(_))));
    assert!(lab.ues[0].l2.queued_bytes(1) <= rlc::Limits::default().queue_bytes);
}

#[test] // Spec: TS 38.321 §5.13 (whatever a cell sends, no panic)
fn nonsense_from_the_air_never_panics() {
    let mut rng = Rng::from_lab_seed(60);
    let mut lab = Lab::new(54, 1);
    lab.attach(0, mac_config());
    add_drb(&mut lab, 0, 1, 10, 3, 12);
    let l2 = &mut lab.ues[0].l2;
    let mut now = Tc::from_ms(2000);
    let (mut response, mut events) = (UeResponse::default(), Outbox::default());
    for i in 0..20_000i64 {
        now += Tc::from_us(500);
        let mut ind = UeIndication { now, slot: Some(super::lab::slot_point(4000 + i)), ..UeIndication::default() };
        let mut block = vec![0; rng.below(60) as usize];
        rng.fill(&mut block);
        if block.len() > 4 && rng.below(2) == 0 {
            block[0] = [1, 4, 62, 61, 0][rng.below(5) as usize];
            block[1] = rng.below(20) as u8;
        }
        let tb = Span::append(&mut ind.bytes, &block);
        let addressed = [Addressed::Si, Addressed::Paging, Addressed::Ra, Addressed::Temporary, Addressed::Cell]
            [rng.below(5) as usize];
        let harq = HarqId::new(rng.below(16) as u8).unwrap();
        let slot = super::lab::slot_point(rng.below(20_000).into());
        let rnti = if rng.below(2) == 0 { super::lab::RA_RNTI } else { Rnti(rng.u32() as u16) };
        ind.events.push(UeL1Event::DlBlock { addressed, rnti, harq, slot, tb });
        let (new_data, msg3) = (rng.below(2) == 0, rng.below(8) == 0);
        ind.events.push(UeL1Event::UlGrant { harq, new_data, tbs_bytes: rng.below(300), slot, msg3 });
        ind.events.push(UeL1Event::PreambleSent { ra_rnti: super::lab::RA_RNTI, end: slot });
        if rng.below(50) == 0 {
            l2.command(now, L2Command::StartRandomAccess { ccch: None }, &mut response, &mut events);
        }
        l2.handle_indication(&ind, &mut response, &mut events);
        if l2.deadline().is_some_and(|t| t <= now) {
            l2.timeout(now, &mut response, &mut events);
        }
        response.clear();
        events.drain().for_each(drop);
    }
    for n in 0..200 {
        let mut data = vec![0; n * 4];
        rng.fill(&mut data);
        crate::fuzz_one(&data);
    }
}
