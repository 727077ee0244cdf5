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
