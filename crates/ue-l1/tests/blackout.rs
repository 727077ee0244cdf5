//! The channel goes away for a while: the UE says so, keeps its timing, and comes back.

mod common;

use air::LinkConfig;
use common::*;
use fapi::ue::{Addressed, UeL1Command, UeL1Event};

#[test] // Spec: TS 38.133 §8.1 (Q_out, Q_in), TS 38.213 §5
fn a_blackout_is_reported_and_survived() {
    let link = LinkConfig { ppm: 1.2, delay_s: 1e-6, start_s: 0.002, ..LinkConfig::default() };
    let mut world = World::new(N78, link, 15.0, 61_440_000);
    let mut sib1 = false;
    let mut commands = vec![UeL1Command::Search { bands: vec![78] }];
    let mut sync = Vec::new();
    let mut run = |world: &mut World, n: u32, commands: &mut Vec<UeL1Command>, sync: &mut Vec<bool>| {
        for _ in 0..n {
            world.slot(
                |_| {},
                |ind, response| {
                    response.commands.append(commands);
                    for event in &ind.events {
                        match event {
                            UeL1Event::DlBlock { addressed: Addressed::Si, .. } => sib1 = true,
                            UeL1Event::InSync(ok) => sync.push(*ok),
                            _ => {}
                        }
                    }
                },
            );
            while world.uplink_slot().is_some() {}
        }
        sib1
    };
    assert!((0..60).any(|_| run(&mut world, 20, &mut commands, &mut sync)), "no SIB1");
    commands.push(UeL1Command::ConfigureCell(Box::new(world.gnb.cell.clone())));
    run(&mut world, 200, &mut commands, &mut sync);
    assert!(sync.iter().all(|s| *s) && !sync.is_empty());
    sync.clear();
    world.air.set_blackout(true);
    // Three seconds.
    run(&mut world, 6000, &mut commands, &mut sync);
    assert!(
        sync[8..].iter().all(|s| !*s) && sync.len() > 280,
        "{} of {}",
        sync.iter().filter(|s| **s).count(),
        sync.len()
    );
    world.air.set_blackout(false);
    sync.clear();
    run(&mut world, 200, &mut commands, &mut sync);
    assert!(sync[6..].iter().all(|s| *s));
    assert!(world.timing_error_s().abs() < 50e-9, "{}", world.timing_error_s());
}

#[test] // Spec: TS 38.211 §5.4 (a radio that gives rubbish is survived)
fn samples_that_are_no_numbers_are_survived() {
    use dsp::Cf32;
    use fapi::ue::{UeIndication, UeResponse};
    let link = LinkConfig { start_s: 0.002, ..LinkConfig::default() };
    let mut world = World::new(N78, link, 20.0, 61_440_000);
    let mut commands = vec![UeL1Command::Search { bands: vec![78] }];
    let mut sib1 = false;
    for _ in 0..800 {
        world.slot(
            |_| {},
            |ind, response| {
                response.commands.append(&mut commands);
                sib1 |= ind.events.iter().any(|e| matches!(e, UeL1Event::DlBlock { addressed: Addressed::Si, .. }));
            },
        );
        while world.uplink_slot().is_some() {}
        if sib1 {
            break;
        }
    }
    let mut response = UeResponse::default();
    response.commands.push(UeL1Command::ConfigureCell(Box::new(world.gnb.cell.clone())));
    response.commands.push(UeL1Command::SetRnti { c_rnti: Some(nr::Rnti(77)), temporary: Some(nr::Rnti(78)) });
    world.ue.respond(&response);
    let mut ind = UeIndication::default();
    for k in 0..200 {
        let need = world.ue.need();
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 0.0][k % 5];
        ind.clear();
        world.ue.receive(&vec![Cf32::new(odd, 1.0); need.samples], &mut ind);
        assert!(!ind.events.iter().any(|e| matches!(e, UeL1Event::DlBlock { .. })));
        world.ue.transmit(&mut world.bursts);
    }
    // Any number of samples is taken, none is waited for in vain.
    for n in [0, 1, 7, 100_000] {
        ind.clear();
        world.ue.receive(&vec![Cf32::default(); n], &mut ind);
    }
    assert!(world.ue.need().samples > 0);
}
