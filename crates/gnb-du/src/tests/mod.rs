//! The distributed unit against UEs that know only what the air and the configuration say.

mod alloc;
mod terminal;
mod world;

use crate::config::{Cell, PRESETS, preset};
use nr::SlotPoint;
use world::{Faults, Returning, World};

#[test] // Spec: TS 38.321 §5.1 (random access), TS 38.331 §5.3.3 (setup), §5.3.5 (reconfiguration)
fn a_terminal_goes_from_preamble_to_bearer_in_every_preset() {
    for name in PRESETS {
        let mut w = World::new(name, 1, Faults::default(), 7);
        w.run_until(name, 400, |w| w.ues[0].is_ready());
        w.ues[0].ul_backlog = 20_000;
        w.push_downlink(0, 20_000);
        w.run_until(name, 400, |w| w.ues[0].dl_bytes >= 20_000 && w.ul_bytes(0) >= 20_000);
        let m = w.du.totals();
        assert_eq!((m.dl.crc_errors, m.ul.crc_errors, m.dl.residual_errors), (0, 0, 0), "{name}");
    }
}

#[test] // Spec: TS 38.321 §5.3.2, §5.4.2 (HARQ), TS 38.213 §9.1.3 (codebook), TS 38.322 §5.3
fn lost_control_and_lost_blocks_are_made_good() {
    for name in PRESETS {
        for seed in 0..3 {
            let faults = Faults { pdcch: 0.03, pdsch: 0.1, pusch: 0.1, pucch: 0.03, prach: 0.2 };
            let mut w = World::new(name, 4, faults, 100 + seed);
            w.run_until(name, 4000, |w| w.ues.iter().all(|u| u.is_ready()));
            for i in 0..4 {
                w.ues[i].ul_backlog = 30_000;
                w.push_downlink(i, 30_000);
            }
            let all = |w: &World| (0..4).all(|i| w.ues[i].dl_bytes >= 30_000 && w.ul_bytes(i) >= 30_000);
            w.run_until(name, 6000, all);
            let m = w.du.totals();
            assert!(m.dl.retransmissions > 0 && m.ul.retransmissions > 0, "{name} {m:?}");
        }
    }
}

#[test] // Spec: ironcell issue §2 (scheduler: proportional fair, no starvation)
fn eight_terminals_share_a_saturated_cell() {
    for name in ["n78-20", "n3-10", "mine-ul"] {
        let mut w = World::new(name, 8, Faults::default(), 3);
        w.run_until(name, 2000, |w| w.ues.iter().all(|u| u.is_ready()));
        for i in 0..8 {
            w.ues[i].ul_backlog = 100_000_000;
            w.push_downlink(i, 4_000_000);
        }
        let before: Vec<_> = (0..8).map(|i| (w.ues[i].dl_bytes, w.ul_bytes(i))).collect();
        w.run(1000);
        let down: Vec<_> = (0..8).map(|i| w.ues[i].dl_bytes - before[i].0).collect();
        let up: Vec<_> = (0..8).map(|i| w.ul_bytes(i) - before[i].1).collect();
        let spread = |v: &[usize]| *v.iter().max().unwrap() as f64 / *v.iter().min().unwrap().max(&1) as f64;
        assert!(spread(&down) < 1.5, "{name} down {down:?}");
        let all: Vec<_> = w.du.all_metrics().map(|m| (m.ul_waiting, m.metrics.ul)).collect();
        assert!(spread(&up) < 1.5, "{name} up {up:?} {all:#?}");
    }
}

#[test] // Spec: TS 38.321 §5.1.5 (contention resolution)
fn two_terminals_with_one_preamble_both_get_in_one_after_the_other() {
    let mut w = World::new("n78-20", 2, Faults::default(), 11);
    w.force_preamble(21);
    w.run_until("collision", 2000, |w| w.ues.iter().all(|u| u.is_ready()));
    assert!(w.ues.iter().any(|u| u.attempts > 1));
    assert_ne!(w.ues[0].c_rnti, w.ues[1].c_rnti);
}

#[test] // Spec: ironcell issue §5 (rate aimed at: 70 % of TS 38.306's peak)
fn a_saturated_terminal_gets_its_rate() {
    for (name, down, up) in [("n78-20", 57.0, 16.0), ("n78-100", 300.0, 87.0), ("mine-ul", 55.0, 100.0)] {
        let mut w = World::new(name, 1, Faults::default(), 5);
        w.run_until(name, 400, |w| w.ues[0].is_ready());
        w.ues[0].ul_backlog = 1_000_000_000;
        w.push_downlink(0, 1_000_000);
        w.run(200);
        let start = (w.ues[0].dl_bytes, w.ul_bytes(0));
        let slots = 1000;
        for _ in 0..slots / 100 {
            w.top_up_downlink(0, 5_000_000);
            w.run(100);
        }
        let seconds = slots as f64 * 0.5e-3;
        let rate = |b: usize| b as f64 * 8.0 / seconds / 1e6;
        let (d, u) = (rate(w.ues[0].dl_bytes - start.0), rate(w.ul_bytes(0) - start.1));
        assert!(d >= down && u >= up, "{name}: {d:.1} Mb/s down, {u:.1} up");
    }
}

#[test] // Spec: TS 38.331 §5.3.8, TS 38.473 §8.3.3
fn a_release_is_sent_and_then_the_context_is_gone() {
    let mut w = World::new("n78-20", 1, Faults::default(), 9);
    w.run_until("ready", 400, |w| w.ues[0].is_ready());
    w.release(0);
    w.run_until("released", 400, |w| w.released == 1);
    assert_eq!(w.du.all_metrics().count(), 0);
    assert!(w.ues[0].srb1_received > 1);
}

#[test] // Spec: TS 38.331 §5.3.8 (the UE leaves with the release)
fn a_release_ends_user_data() {
    let mut w = World::new("n78-20", 1, Faults::default(), 16);
    w.run_until("ready", 400, |w| w.ues[0].is_ready());
    w.push_downlink(0, 1_000_000);
    w.run(5);
    w.release(0);
    // Blocks that were sent before are still made good, then there is nothing but the release.
    let before = w.ues[0].dl_bytes;
    w.run_until("released", 100, |w| w.released == 1);
    assert!(w.ues[0].dl_bytes - before < 20_000, "{}", w.ues[0].dl_bytes - before);
}

#[test] // Spec: ironcell DU (a silent UE is told to the central unit)
fn silence_is_a_loss() {
    let mut p = preset("n78-20").unwrap();
    p.rlf_silence_ms = 500;
    let mut w = World::with_cell(Cell::new(p).unwrap(), 1, Faults::default(), 9);
    w.run_until("ready", 400, |w| w.ues[0].is_ready());
    w.ues[0].deaf = true;
    w.run_until("lost", 1400, |w| w.lost == 1);
}

#[test] // Spec: TS 38.211 §4.3.2 (frame numbers wrap)
fn the_wrap_of_frame_numbers_disturbs_nobody() {
    let mut w = World::new("n3-10", 1, Faults::default(), 4);
    w.start_at(SlotPoint::new(w.du.cell().numerology(), 1020, 0));
    w.run_until("ready", 400, |w| w.ues[0].is_ready());
    for _ in 0..6 {
        w.run(2000);
        w.push_downlink(0, 5000);
        let target = w.ues[0].dl_bytes + 5000;
        w.run_until("after the wrap", 200, |w| w.ues[0].dl_bytes >= target);
    }
}

#[test] // Spec: ironcell issue §5 (no allocation in a slot once attached)
fn a_slot_allocates_nothing_once_attached() {
    for name in ["n78-20", "n3-10"] {
        let mut w = World::new(name, 2, Faults::default(), 6);
        w.run_until(name, 600, |w| w.ues.iter().all(|u| u.is_ready()));
        // Traffic warms every buffer; then the queue that is left goes out, and feedback comes in.
        for i in 0..2 {
            w.ues[i].ul_backlog = 300_000;
            w.push_downlink(i, 1_500_000);
        }
        w.run(300);
        (w.allocations, w.sdus) = (0, 0);
        w.run(100);
        let (busy, sdus) = (w.allocations, w.sdus);
        w.run_until(name, 6000, |w| (0..2).all(|i| w.ues[i].dl_bytes >= 1_500_000 && w.ul_bytes(i) >= 300_000));
        w.run(400);
        w.allocations = 0;
        w.run(2000);
        assert_eq!(w.allocations, 0, "{name}: idle");
        // Received SDUs are handed over as they are: one buffer each, and nothing besides.
        assert!(busy <= 2 * sdus + 8, "{name}: {busy} allocations for {sdus} SDUs");
    }
}

#[test] // Spec: TS 38.321 §5.4.4 (sr-TransMax), TS 38.331 §5.3.12 (PUCCH release), TS 38.473 §8.3.5
fn a_terminal_that_comes_back_by_random_access_is_configured_again() {
    for name in ["n78-20", "n3-10"] {
        let mut w = World::new(name, 1, Faults::default(), 12);
        w.run_until(name, 400, |w| w.ues[0].is_ready());
        let c_rnti = w.ues[0].c_rnti.unwrap();
        w.returning = Some((Returning::Preamble, c_rnti));
        w.run_until(name, 400, |w| w.required == 1);
        let certain = |w: &World| w.du.sched.ue(0).is_some_and(|u| u.rnti == c_rnti && u.certain().is_some());
        // Until the terminal has said so, nothing depends on what it may have given up.
        assert!(!certain(&w), "{name}");
        w.run_until(name, 400, certain);
        assert_eq!(w.du.all_metrics().count(), 1, "{name}: the temporary context is gone");
        let (down, up) = (w.ues[0].dl_bytes + 5000, w.ul_bytes(0) + 5000);
        w.ues[0].ul_backlog = 5000;
        w.push_downlink(0, 5000);
        w.run_until(name, 400, |w| w.ues[0].dl_bytes >= down && w.ul_bytes(0) >= up);
        assert_eq!((w.required, w.lost), (1, 0), "{name}");
    }
}

#[test] // Spec: TS 38.321 §5.1.5 (the UE has Msg4, the acknowledgement is lost), TS 38.213 §4.2
fn a_terminal_whose_acknowledgement_of_msg4_is_lost_comes_back_with_its_c_rnti() {
    let mut w = World::new("n78-20", 1, Faults { pucch: 1.0, ..Faults::default() }, 17);
    w.msg3_timing_tc = 12 * 512;
    w.run_until("Msg4", 400, |w| w.ues[0].setup_done);
    // One resolution, with the correction of the timing, goes out and out again; then there is silence.
    w.run(300);
    assert_eq!(w.ues[0].timing_commands, [31 + 12]);
    assert!(w.lost == 1 && !w.du.sched.is_connected(0));
    assert_eq!(w.du.totals().dl.transport_blocks, 1);
}

#[test] // Spec: TS 38.321 §5.1.5
fn a_c_rnti_in_msg3_says_that_msg4_was_heard() {
    let mut w = World::new("n78-20", 1, Faults { pucch: 1.0, ..Faults::default() }, 18);
    w.run_until("Msg4", 400, |w| w.ues[0].setup_done);
    let c_rnti = w.ues[0].c_rnti.unwrap();
    w.returning = Some((Returning::Preamble, c_rnti));
    w.run_until("back", 200, |w| w.du.sched.find(c_rnti).is_some_and(|i| w.du.sched.is_connected(i)));
    w.no_faults();
    w.run_until("ready", 400, |w| w.ues[0].is_ready());
    assert_eq!(w.du.all_metrics().count(), 1);
}

#[test] // Spec: TS 38.321 §5.1.5 (ra-ContentionResolutionTimer)
fn contention_is_resolved_in_time_when_the_central_unit_is_slow() {
    for name in ["n78-20", "n3-10"] {
        let mut w = World::new(name, 1, Faults::default(), 13);
        w.answer_at = nr::Tc::from_ms(150);
        w.run_until(name, 1000, |w| w.ues[0].is_ready());
        assert_eq!(w.ues[0].attempts, 1, "{name}");
    }
}

#[test] // Spec: TS 38.425 §5.5.3.6 (highest successfully delivered NR PDCP SN), TS 38.323 §6.2.3 (control PDUs)
fn only_data_pdus_delivered_in_sequence_are_counted() {
    use crate::ue::{Channel, drb};
    let d = seam::f1::DrbSetup { drb: nr::DrbId::new(1).unwrap(), acknowledged: true, five_qi: 9 };
    let mut c = Channel::new(drb(&preset("n78-20").unwrap(), &d));
    let now = nr::Tc::ZERO;
    let (data, control) = (vec![0x80, 0, 0, 1], vec![0x00, 1]);
    for pdu in [&control, &data, &data, &control, &data] {
        c.push(now, pdu.clone());
    }
    let mut counts = Vec::new();
    for tag in [1, 0, 4, 3, 2] {
        c.acknowledged(tag);
        counts.push(c.delivered);
    }
    assert_eq!(counts, [0, 1, 1, 1, 3]);
    // Tags of what RLC forgot mean nothing any more.
    c.push(now, data.clone());
    c.reestablish();
    c.push(now, data.clone());
    c.acknowledged(5);
    assert_eq!(c.delivered, 3);
    c.acknowledged(6);
    assert_eq!(c.delivered, 4);
}

#[test] // Spec: TS 38.425 §5.5.2.2 (DL DATA DELIVERY STATUS)
fn every_delivered_packet_is_reported_once() {
    let faults = Faults { pdcch: 0.03, pdsch: 0.3, pusch: 0.1, pucch: 0.03, prach: 0.0 };
    let mut w = World::new("n78-20", 1, faults, 14);
    w.run_until("ready", 2000, |w| w.ues[0].is_ready());
    w.push_downlink(0, 50_000);
    w.run_until("delivered", 4000, |w| w.delivered == 50);
    w.run(200);
    assert_eq!(w.delivered, 50);
}

#[test] // Spec: TS 38.331 §5.3.7.5 (SRB2 and DRBs rest until the reconfiguration)
fn downlink_rests_after_a_reestablishment_and_starts_clean() {
    use seam::bearer::Bearer;
    use seam::f1::CuToDu;
    let mut w = World::new("n78-20", 2, Faults::default(), 15);
    w.ues[1].wants_access = false;
    w.run_until("ready", 400, |w| w.ues[0].is_ready());
    let old = w.id(0);
    w.ues[1].wants_access = true;
    w.run_until("the second one", 400, |w| w.ues[1].setup_done);
    let ue = w.id(1);
    w.du.f1(w.now(), CuToDu::UeReestablish { ue, old });
    let drb = nr::DrbId::new(1).unwrap();
    let push = |w: &mut World, n: usize| {
        let now = w.now();
        w.du.f1(now, CuToDu::DlUser { ue, drb, pdu: vec![0x80; n] });
    };
    let held = |w: &mut World| {
        let idx = w.du.sched.indices().find(|i| w.du.ues[*i as usize].as_ref().is_some_and(|u| u.id == ue)).unwrap();
        let u = w.du.ues[idx as usize].as_mut().unwrap();
        let c = u.bearer(Bearer::Drb(drb)).unwrap();
        (c.suspended, c.rlc.held_bytes())
    };
    push(&mut w, 700);
    w.run(20);
    assert_eq!(held(&mut w), (true, 700));
    let all = vec![seam::f1::DrbSetup { drb, acknowledged: true, five_qi: 9 }];
    let modify = CuToDu::UeContextModify { ue, drbs_add: all, drbs_release: vec![], srb2: true, capability: None };
    w.du.f1(w.now(), modify);
    assert_eq!(held(&mut w), (true, 0), "what was protected with the old keys is dropped");
    push(&mut w, 300);
    w.run(4);
    assert_eq!(held(&mut w), (true, 300));
    w.du.f1(w.now(), CuToDu::ReconfigurationComplete { ue });
    assert_eq!(held(&mut w), (false, 300));
}
