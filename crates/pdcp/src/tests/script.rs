//! Procedures as scripts.

use super::{drb_setup, keys};
use crate::{End, Limits, Pdcp, PdcpEvent, SendError, Setup};
use node::Outbox;
use nr::Tc;
use seam::bearer::Bearer;

fn ms(n: i64) -> Tc {
    Tc::from_ms(n)
}

fn pair(setup: impl Fn(End) -> Setup) -> (Pdcp, Pdcp) {
    (Pdcp::new(setup(End::Gnb), Limits::default()), Pdcp::new(setup(End::Ue), Limits::default()))
}

fn sdus(out: &mut Outbox<PdcpEvent>) -> Vec<(u8, bool)> {
    out.drain()
        .map(|e| match e {
            PdcpEvent::Sdu { sdu, verified, .. } => (sdu[0], verified),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test] // Spec: TS 38.331 §5.3.4.3, TS 38.323 §5.9 (the SecurityModeCommand is checked with the keys that it starts)
fn security_mode_on_srb1() {
    let (mut gnb, mut ue) = pair(|end| Setup::srb(Bearer::Srb1, end));
    let mut out = Outbox::default();
    let (setup, _) = gnb.send(ms(0), vec![1, 1]).unwrap();
    assert_eq!(setup, [0, 0, 1, 1, 0, 0, 0, 0], "MAC-I is zero before security");
    ue.receive(ms(0), setup, &mut out);
    assert_eq!(sdus(&mut out), [(1, false)]);

    gnb.secure(keys(7), false);
    let (command, _) = gnb.send(ms(1), vec![2, 2]).unwrap();
    assert_eq!(command[2..4], [2, 2], "not ciphered");
    ue.receive(ms(1), command.clone(), &mut out);
    assert_eq!(sdus(&mut out), [(2, false)]);
    assert_eq!(ue.secure(keys(7), false), Some(true));
    let (complete, _) = ue.send(ms(2), vec![3, 3]).unwrap();
    ue.set_ciphering(true);
    assert_eq!(complete[2..4], [3, 3], "SecurityModeComplete is not ciphered");
    gnb.receive(ms(2), complete, &mut out);
    gnb.set_ciphering(true);
    let (next, _) = gnb.send(ms(3), vec![4, 4]).unwrap();
    assert_ne!(next[2..4], [4, 4]);
    ue.receive(ms(3), next, &mut out);
    assert_eq!(sdus(&mut out), [(3, true), (4, true)]);

    let (_, mut other) = pair(|end| Setup::srb(Bearer::Srb1, end));
    other.receive(ms(1), command, &mut out);
    assert_eq!(other.secure(keys(8), false), Some(false), "wrong key");
    assert_eq!(other.secure(keys(8), false), None);
}

#[test] // Spec: TS 38.323 §5.2.2.1 (integrity failure changes no state), §5.9
fn a_bad_mac_i_is_told_and_dropped() {
    let (mut gnb, mut ue) = pair(|end| drb_setup(end, 18, true));
    gnb.secure(keys(1), true);
    ue.secure(keys(1), true);
    let mut out = Outbox::default();
    let (mut pdu, _) = gnb.send(ms(0), vec![1; 40]).unwrap();
    let good = pdu.clone();
    pdu[20] ^= 1;
    ue.receive(ms(0), pdu, &mut out);
    assert_eq!(out.pop(), Some(PdcpEvent::IntegrityFailure { count: 0 }));
    ue.receive(ms(0), good.clone(), &mut out);
    assert_eq!(sdus(&mut out), [(1, true)]);
    ue.receive(ms(0), good, &mut out);
    assert!(out.is_empty(), "a duplicate");
    assert_eq!(ue.stats().rx_dropped, 1);
}

#[test] // Spec: TS 38.323 §5.2.2.1, §5.2.2.2 (t-Reordering)
fn reordering_waits_and_gives_up() {
    let (mut gnb, mut ue) = pair(|end| drb_setup(end, 12, false));
    let mut out = Outbox::default();
    let pdus: Vec<_> = (0..6).map(|n| gnb.send(ms(0), vec![n; 3]).unwrap().0).collect();
    ue.receive(ms(0), pdus[1].clone(), &mut out);
    assert_eq!(ue.deadline(), Some(ms(40)));
    ue.receive(ms(10), pdus[3].clone(), &mut out);
    ue.receive(ms(11), pdus[0].clone(), &mut out);
    assert_eq!(sdus(&mut out).iter().map(|s| s.0).collect::<Vec<_>>(), [0, 1]);
    // RX_REORD was 2 and has been reached: the timer runs anew for SN 2, up to SN 4.
    assert_eq!(ue.deadline(), Some(ms(51)));
    ue.receive(ms(12), pdus[5].clone(), &mut out);
    ue.timeout(ms(51), &mut out);
    assert_eq!(sdus(&mut out).iter().map(|s| s.0).collect::<Vec<_>>(), [3]);
    assert_eq!(ue.deadline(), Some(ms(91)), "SN 4 is still missing");
    ue.receive(ms(52), pdus[2].clone(), &mut out);
    assert!(out.is_empty(), "too late");
    ue.receive(ms(53), pdus[4].clone(), &mut out);
    assert_eq!(sdus(&mut out).iter().map(|s| s.0).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(ue.deadline(), None);
}

#[test] // Spec: TS 38.323 §5.2.2.1 (HFN follows the SN over its wrap), §6.3.5
fn hfn_follows_the_sequence_number() {
    let (mut gnb, mut ue) = pair(|end| drb_setup(end, 12, false));
    gnb.secure(keys(1), true);
    ue.secure(keys(1), true);
    let mut out = Outbox::default();
    let mut late = None;
    for n in 0..10_000u32 {
        let (pdu, count) = gnb.send(ms(0), n.to_be_bytes().to_vec()).unwrap();
        assert_eq!(count, n);
        // Each 100th comes after its follower, on both sides of the wraps at 4096 and 8192.
        if n % 100 == 95 {
            late = Some(pdu);
            continue;
        }
        ue.receive(ms(0), pdu, &mut out);
        if let Some(pdu) = late.take() {
            ue.receive(ms(0), pdu, &mut out);
        }
    }
    let got: Vec<u32> = out
        .drain()
        .map(|e| match e {
            PdcpEvent::Sdu { sdu, verified: true, .. } => u32::from_be_bytes(sdu.try_into().unwrap()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(got, (0..10_000).collect::<Vec<_>>());
    assert_eq!(ue.counts().1, 10_000);
}

#[test] // Spec: TS 38.323 §7.1 (COUNT does not wrap)
fn count_is_not_used_twice() {
    let (mut gnb, _) = pair(|end| drb_setup(end, 18, false));
    gnb.tx.set_next(u32::MAX);
    assert_eq!(gnb.send(ms(0), vec![1]).unwrap().1, u32::MAX);
    assert_eq!(gnb.send(ms(0), vec![1]), Err(SendError::CountExhausted));
}

#[test] // Spec: TS 38.323 §5.3 (discardTimer)
fn discard_timer_takes_what_was_not_delivered() {
    let mut setup = drb_setup(End::Gnb, 12, true);
    setup.config.discard_timer_ms = Some(100);
    let mut gnb = Pdcp::new(setup, Limits::default());
    let mut out = Outbox::default();
    for n in 0..3 {
        gnb.send(ms(n), vec![1; 10]).unwrap();
    }
    gnb.delivered(1);
    assert_eq!(gnb.deadline(), Some(ms(100)));
    gnb.timeout(ms(100), &mut out);
    assert_eq!(out.drain().collect::<Vec<_>>(), [PdcpEvent::Discard { count: 0 }]);
    assert_eq!(gnb.deadline(), Some(ms(102)));
    gnb.timeout(ms(102), &mut out);
    assert_eq!(out.drain().collect::<Vec<_>>(), [PdcpEvent::Discard { count: 2 }]);
    assert_eq!((gnb.deadline(), gnb.held_bytes()), (None, 0));
}

#[test] // Spec: TS 38.323 §5.4.1, §5.4.2, §6.2.3.1 (figure 6.2.3.1-1)
fn status_report_frees_what_arrived() {
    let (mut gnb, mut ue) = pair(|end| drb_setup(end, 12, true));
    let mut out = Outbox::default();
    let pdus: Vec<_> = (0..12).map(|n| gnb.send(ms(0), vec![n; 3]).unwrap().0).collect();
    for n in [0, 1, 3, 4, 11] {
        ue.receive(ms(0), pdus[n].clone(), &mut out);
    }
    out.drain().for_each(drop);
    ue.status_report(&mut out);
    let Some(PdcpEvent::Transmit { pdu, count: None }) = out.pop() else { panic!() };
    // D/C 0, type 0; FMC 2; bits for 3, 4, ... 11.
    assert_eq!(pdu, [0, 0, 0, 0, 2, 0b1100_0000, 0b1000_0000]);
    gnb.receive(ms(1), pdu, &mut out);
    let mut freed: Vec<u32> = out
        .drain()
        .map(|e| match e {
            PdcpEvent::Discard { count } => count,
            other => panic!("{other:?}"),
        })
        .collect();
    freed.sort_unstable();
    assert_eq!(freed, [0, 1, 3, 4, 11]);
    assert_eq!(gnb.held_bytes(), 3 * 7);
}

#[test] // Spec: TS 38.323 §5.1.2 (AM DRB: what is not known to be delivered goes again with the new keys)
fn reestablishment_of_an_acknowledged_drb_loses_nothing() {
    let (mut gnb, mut ue) = pair(|end| drb_setup(end, 18, true));
    gnb.secure(keys(1), true);
    ue.secure(keys(1), true);
    let mut out = Outbox::default();
    let pdus: Vec<_> = (0..5).map(|n| gnb.send(ms(0), vec![n; 9]).unwrap().0).collect();
    ue.receive(ms(0), pdus[0].clone(), &mut out);
    ue.receive(ms(0), pdus[3].clone(), &mut out);
    gnb.delivered(0);
    assert_eq!(sdus(&mut out), [(0, true)]);
    for p in [&mut gnb, &mut ue] {
        p.secure(keys(2), true);
    }
    gnb.reestablish(ms(1), &mut out);
    ue.reestablish(ms(1), &mut Outbox::default());
    let again: Vec<_> = out
        .drain()
        .filter_map(|e| match e {
            PdcpEvent::Transmit { pdu, count: Some(n) } => Some((pdu, n)),
            PdcpEvent::Transmit { .. } => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(again.iter().map(|a| a.1).collect::<Vec<_>>(), [1, 2, 3, 4]);
    again.into_iter().for_each(|(pdu, _)| ue.receive(ms(2), pdu, &mut out));
    assert_eq!(sdus(&mut out), [(1, true), (2, true), (3, true), (4, true)]);
}

#[test] // Spec: TS 38.323 §5.1.2 (SRB: COUNTs start at 0, what is held is dropped)
fn reestablishment_of_an_srb_starts_anew() {
    let (mut gnb, mut ue) = pair(|end| Setup::srb(Bearer::Srb1, end));
    let mut out = Outbox::default();
    gnb.send(ms(0), vec![1]).unwrap();
    let (late, _) = gnb.send(ms(0), vec![2]).unwrap();
    ue.receive(ms(0), late, &mut out);
    assert_eq!(ue.deadline(), None, "t-Reordering of an SRB is infinite");
    for p in [&mut gnb, &mut ue] {
        p.reestablish(ms(1), &mut out);
        p.suspend_security();
    }
    let (pdu, count) = gnb.send(ms(2), vec![3]).unwrap();
    assert_eq!(count, 0);
    ue.receive(ms(2), pdu, &mut out);
    assert_eq!(sdus(&mut out), [(3, false)]);
}

#[test] // Spec: TS 38.323 §5.2.1 (not more than half of the SN space is under way)
fn an_acknowledged_bearer_holds_half_of_the_sn_space() {
    let (mut gnb, _) = pair(|end| drb_setup(end, 12, true));
    for _ in 0..2048 {
        gnb.send(ms(0), vec![1]).unwrap();
    }
    assert_eq!(gnb.send(ms(0), vec![9]), Err(SendError::Full(vec![9])));
    gnb.delivered_oldest(1);
    gnb.send(ms(0), vec![1]).unwrap();
}

#[test] // Spec: TS 38.323 §5.2.2.1 (a PDU up to Window_Size ahead belongs to the next HFN)
fn hfn_of_a_pdu_far_ahead() {
    for (held, ahead) in [(4000u32, 2047u32), (4000, 1100), (4095, 1), (100, 2047), (8191, 2000)] {
        let (mut gnb, mut ue) = pair(|end| drb_setup(end, 12, false));
        gnb.secure(keys(1), true);
        ue.secure(keys(1), true);
        gnb.tx.set_next(held);
        ue.rx.set_next(held);
        let mut out = Outbox::default();
        let (first, _) = gnb.send(ms(0), vec![1]).unwrap();
        gnb.tx.set_next(held + ahead);
        let (far, _) = gnb.send(ms(0), vec![2]).unwrap();
        ue.receive(ms(0), far, &mut out);
        ue.receive(ms(0), first, &mut out);
        ue.timeout(ms(40), &mut out);
        assert_eq!(sdus(&mut out), [(1, true), (2, true)], "{held} {ahead}");
    }
}
