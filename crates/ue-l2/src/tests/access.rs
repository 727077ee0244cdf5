//! Random access as scripts.

use super::lab::{Lab, PRACH_PERIOD, RA_RNTI, channel, mac_config, random_access_config, srb_rlc};
use fapi::ue::UeL1Command;
use seam::bearer::Bearer;
use seam::ue::{L2Command, L2Event};

fn ccch(n: u8) -> L2Command {
    L2Command::StartRandomAccess { ccch: Some(vec![0xa0 + n, 1, 2, 3, 4, 5]) }
}

#[test] // Spec: TS 38.321 §5.1 (figure 9.2.6-1 of TS 38.300: preamble, response, Msg3, contention resolution)
fn initial_access() {
    let mut lab = Lab::new(1, 1);
    lab.run(3);
    lab.command(0, ccch(1));
    lab.run(2 * PRACH_PERIOD);
    let t = &lab.ues[0];
    let (rnti, sent) = t.done().unwrap();
    assert_eq!((rnti.0, sent), (0x4601, 1));
    assert_eq!((t.c_rnti, t.temporary), (Some(rnti), None));
    assert!(t.has(|e| matches!(e, L2Event::Rrc { bearer: Bearer::Srb0, pdu, .. } if *pdu == [0x5e; 20])));
    let names: Vec<String> =
        t.commands.iter().map(|(_, c)| format!("{c:?}").split(['(', ' ']).next().unwrap().to_owned()).collect();
    #[rustfmt::skip]
    assert_eq!(names, ["SetRnti", "SendPreamble", "WatchRar", "WatchRar", "SetRnti", "RarGrant", "TimingAdvanceAbsolute", "SetRnti"]);
    assert!(
        t.commands.iter().any(|(_, c)| matches!(c, UeL1Command::WatchRar { ra_rnti: Some(r), .. } if *r == RA_RNTI))
    );
    assert!(t.commands.iter().any(|(_, c)| *c == UeL1Command::TimingAdvanceAbsolute(7)));
}

#[test] // Spec: TS 38.321 §5.1.3, §5.1.4 (no response: next attempt, power ramping, counter)
fn lost_responses_ramp_the_power() {
    let mut lab = Lab::new(2, 1);
    lab.script.lose_rar = 3;
    lab.command(0, ccch(1));
    lab.run(8 * PRACH_PERIOD);
    let powers: Vec<i16> = lab.ues[0].preambles().iter().map(|p| p.2).collect();
    assert_eq!(powers, [-100, -96, -92, -88]);
    assert_eq!(lab.ues[0].done().unwrap().1, 4);
}

#[test] // Spec: TS 38.321 §5.1.4 (preambleTransMax: the problem is told once, the procedure goes on)
fn preamble_trans_max() {
    let mut lab = Lab::new(3, 1);
    lab.script.lose_rar = 9;
    lab.command(0, ccch(1));
    lab.run(30 * PRACH_PERIOD);
    let t = &lab.ues[0];
    let problems: Vec<i64> = t.events.iter().filter(|e| e.1 == L2Event::RandomAccessProblem).map(|e| e.0).collect();
    assert_eq!(problems.len(), 1);
    assert_eq!(t.preambles().iter().filter(|p| p.0 < problems[0]).count(), 7);
    assert_eq!(t.done().unwrap().1, 10);
}

#[test] // Spec: TS 38.321 §5.1.5 (two terminals, one preamble: one wins, the other tries again)
fn collision() {
    let mut lab = Lab::new(4, 2);
    for ue in 0..2 {
        let config = seam::ue::RandomAccessConfig { n_preambles: 1, ..random_access_config() };
        lab.command(ue, L2Command::ConfigureRandomAccess(config));
        lab.command(ue, ccch(ue as u8));
    }
    lab.run(10 * PRACH_PERIOD);
    let [a, b] = [lab.ues[0].done().unwrap(), lab.ues[1].done().unwrap()];
    assert_eq!((a.1, b.1), (1, 2));
    assert_ne!(a.0, b.0);
    // The loser learns it from the winner's identity, and did not take the winner's setup for its own.
    let setups = |u: usize| lab.ues[u].events.iter().filter(|e| matches!(e.1, L2Event::Rrc { .. })).count();
    assert_eq!((setups(0), setups(1)), (1, 1));
}

#[test] // Spec: TS 38.321 §5.1.4, §7.2 (Backoff Indicator)
fn backoff_is_drawn_below_the_indicated_time() {
    let mut waits = Vec::new();
    for seed in 10..40 {
        let mut lab = Lab::new(seed, 2);
        lab.script.backoff = Some(6); // 80 ms
        for ue in 0..2 {
            let config = seam::ue::RandomAccessConfig { n_preambles: 1, ..random_access_config() };
            lab.command(ue, L2Command::ConfigureRandomAccess(config));
            lab.command(ue, ccch(ue as u8));
        }
        lab.run(30 * PRACH_PERIOD);
        let p = lab.ues[1].preambles();
        // The winner's Msg4 comes in slot 20 + 3 + 1 + 5; from there the wait counts.
        waits.push(p[1].0 - 29);
        assert!(lab.ues[1].done().is_some());
    }
    assert!(waits.iter().all(|w| (0..=161).contains(w)), "{waits:?}");
    assert!(waits.iter().any(|w| *w < 60) && waits.iter().any(|w| *w > 100), "{waits:?}");
}

#[test] // Spec: TS 38.321 §5.1.5 (ra-ContentionResolutionTimer expires)
fn lost_msg3_and_lost_msg4() {
    for (msg3, msg4) in [(1, 0), (0, 1)] {
        let mut lab = Lab::new(5, 1);
        lab.script.lose_msg3 = msg3;
        lab.script.lose_msg4 = msg4;
        lab.command(0, ccch(1));
        lab.run(20 * PRACH_PERIOD);
        let t = &lab.ues[0];
        assert_eq!(t.done().unwrap().1, 2);
        let p = t.preambles();
        // Occasion in slot 20, response in 23, Msg3 heard of in 24 and sent by 28, 32 ms from there.
        assert!((88..=94).contains(&p[1].0), "{p:?}");
        assert_eq!(p[1].2, -96);
        let lost =
            t.commands.iter().find(|(s, c)| *s == p[1].0 && matches!(c, UeL1Command::SetRnti { temporary: None, .. }));
        assert!(lost.is_some(), "the temporary C-RNTI is discarded");
    }
}

#[test] // Spec: TS 38.321 §5.1.5, §6.1.3.2 (C-RNTI MAC CE in Msg3, resolved by the PDCCH)
fn access_with_a_c_rnti() {
    let mut lab = Lab::new(6, 1);
    lab.attach(0, mac_config());
    let before = lab.ues[0].done().unwrap().0;
    lab.ues[0].events.clear();
    lab.command(0, L2Command::StartRandomAccess { ccch: None });
    lab.run(4 * PRACH_PERIOD);
    assert_eq!(lab.ues[0].done().unwrap().0, before);
    assert_eq!(lab.ues[0].c_rnti, Some(before));
}

#[test] // Spec: TS 38.331 §5.3.7.2 (SuspendAll resets MAC; the next access is by CCCH)
fn suspend_and_access_again() {
    let mut lab = Lab::new(7, 1);
    lab.attach(0, mac_config());
    let first = lab.ues[0].done().unwrap().0;
    lab.command(0, L2Command::SuspendAll);
    lab.command(0, L2Command::SendRrc { bearer: Bearer::Srb1, pdu: vec![1; 30] });
    lab.run(100);
    assert!(!lab.ues[0].sr, "a suspended bearer asks for nothing");
    lab.command(0, ccch(9));
    lab.run(4 * PRACH_PERIOD);
    assert_ne!(lab.ues[0].done().unwrap().0, first);
}

#[test] // Spec: TS 38.331 §5.3.7.2, TS 38.321 §5.4.4 (without spCellConfig there is no PUCCH to ask on)
fn after_a_reestablishment_requests_go_by_random_access() {
    let mut lab = Lab::new(17, 1);
    lab.attach(0, mac_config());
    let channel = channel(1, Bearer::Srb1, &srb_rlc(), 1, 0);
    lab.command(0, L2Command::SuspendAll);
    lab.command(0, ccch(9));
    lab.command(0, L2Command::AddRlcBearer(channel));
    lab.command(0, L2Command::Resume { bearer: Bearer::Srb1 });
    lab.run(4 * PRACH_PERIOD);
    lab.ues[0].events.clear();
    lab.ues[0].commands.clear();
    lab.command(0, L2Command::SendRrc { bearer: Bearer::Srb1, pdu: vec![1; 30] });
    lab.run(4 * PRACH_PERIOD);
    assert!(lab.ues[0].done().is_some() && lab.ues[0].preambles().len() == 1, "{:?}", lab.ues[0].commands);
    assert!(lab.ues[0].commands.iter().all(|c| c.1 != fapi::ue::UeL1Command::SchedulingRequest(true)));
    // With the configuration comes the resource.
    lab.ues[0].commands.clear();
    lab.command(0, L2Command::ConfigureMac(mac_config()));
    lab.command(0, L2Command::SendRrc { bearer: Bearer::Srb1, pdu: vec![2; 30] });
    lab.run(4 * PRACH_PERIOD);
    assert!(lab.ues[0].preambles().is_empty() && lab.context(0).requests > 0);
}

#[test] // Spec: TS 38.331 §5.3.11 (Reset forgets everything, in the middle of a procedure too)
fn reset_forgets_everything() {
    let mut lab = Lab::new(8, 1);
    lab.attach(0, mac_config());
    lab.command(0, L2Command::StartRandomAccess { ccch: None });
    lab.run(PRACH_PERIOD + 1);
    lab.command(0, L2Command::Reset);
    assert_eq!(lab.ues[0].l2.c_rnti(), None);
    assert_eq!(lab.ues[0].l2.deadline(), None);
    lab.ues[0].events.clear();
    lab.run(10 * PRACH_PERIOD);
    assert!(lab.ues[0].events.is_empty());
}

#[test] // Spec: TS 38.321 §5.1.4 (only the RAPID of one's own preamble counts)
fn responses_to_others_are_passed_over() {
    let mut lab = Lab::new(9, 1);
    lab.script.others = true;
    lab.command(0, ccch(1));
    lab.run(2 * PRACH_PERIOD);
    assert_eq!(lab.ues[0].done().map(|d| (d.0.0, d.1)), Some((0x4601, 1)));
    assert!(lab.ues[0].commands.iter().any(|(_, c)| *c == UeL1Command::TimingAdvanceAbsolute(7)));
}

#[test] // Spec: TS 38.321 §5.1.4 (a response without Backoff Indicator sets PREAMBLE_BACKOFF to 0)
fn backoff_lasts_until_the_next_response() {
    let mut lab = Lab::new(11, 1);
    lab.script.backoff = Some(13); // 1920 ms
    lab.script.lose_msg4 = 1;
    lab.command(0, ccch(1));
    while lab.ues[0].preambles().len() < 2 {
        lab.step();
    }
    lab.script.backoff = None;
    lab.script.lose_msg4 = 1;
    let second = lab.slot;
    while lab.ues[0].preambles().len() < 3 {
        lab.step();
    }
    assert!(lab.slot - second < 130, "no wait but the contention resolution timer: {}", lab.slot - second);
}
