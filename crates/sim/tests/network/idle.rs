//! Idle terminals over the air: released for want of traffic, back by service request, called by paging.

use crate::harness::{run, world};
use sim::World;
use sim::report::Progress;

const IDLE_SOON: &str = "cell.inactivity_ms=150";

/// Steps until some note holds `text`; the notes so far.
fn until(w: &mut World, text: &str, slots: usize) -> Vec<String> {
    let (mut notes, mut progress) = (Vec::new(), Vec::new());
    for _ in 0..slots {
        w.step();
        w.drain_progress(&mut progress);
        for p in progress.drain(..) {
            if let Progress::Note(n) = p {
                notes.push(n);
            }
        }
        if notes.iter().any(|n| n.contains(text)) {
            return notes;
        }
    }
    panic!("no {text:?} within {slots} slots: {notes:?}");
}

/// An ICMP echo request from the data network's gateway.
fn echo_request(to: [u8; 4]) -> Vec<u8> {
    let sum = |bytes: &[u8]| {
        let words = bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0)));
        let sum: u32 = words.sum();
        !((sum & 0xffff) + (sum >> 16)) as u16
    };
    let mut p = vec![0x45, 0, 0, 36, 0, 1, 0, 0, 64, 1, 0, 0, 10, 45, 0, 1];
    p.extend(to);
    let header = sum(&p);
    p[10..12].copy_from_slice(&header.to_be_bytes());
    p.extend([8, 0, 0, 0, 0, 7, 0, 1]);
    p.extend(b"are you ");
    let echo = sum(&p[20..]);
    p[22..24].copy_from_slice(&echo.to_be_bytes());
    p
}

#[test] // Spec: TS 38.413 §8.3.2 (user inactivity), TS 24.501 §5.6.1 (service request), TS 38.331 §5.3.8 (release)
fn a_terminal_without_traffic_is_idle_and_comes_back_for_a_ping() {
    let settings = [IDLE_SOON, "traffic.pings=3", "traffic.ping_interval_ms=500", "traffic.transfer_bytes=200k"];
    let o = run("n78-20", 21, &settings).expect_ok();
    let count = |text: &str| o.notes.iter().filter(|n| n.contains(text)).count();
    assert!(count("has something to send") >= 2, "{:?}", o.notes);
    assert_eq!(count("has something to send"), count("connected again"), "{:?}", o.notes);
    assert_eq!(o.report.ues[0].ping.received, 3);
    assert_eq!(count("called"), 0, "nobody called: {:?}", o.notes);
}

#[test] // Spec: TS 38.304 §7.1, TS 38.331 §5.3.2, TS 24.501 §5.6.2 (paging over the air)
fn a_packet_for_an_idle_terminal_calls_it() {
    for preset in ["n78-20", "n3-10"] {
        let mut w = world(preset, 22, &[IDLE_SOON, "run.once=false"]);
        until(&mut w, "connection released", 3000);
        let before = w.upf_stats();
        w.send_downlink(echo_request([10, 45, 0, 2]));
        // One paging cycle of 320 ms, and the way back.
        until(&mut w, "called, asks for its connection", 700);
        until(&mut w, "connected again", 200);
        for _ in 0..100 {
            w.step();
        }
        let after = w.upf_stats();
        assert_eq!((after.buffered, after.dropped), (before.buffered + 1, before.dropped));
        assert_eq!(after.uplink_packets, before.uplink_packets + 1, "the answer came up");
    }
}

#[test] // Spec: TS 38.331 §5.3.2.3 (a terminal that another is called with goes on sleeping)
fn only_the_one_that_is_called_answers() {
    let mut w = world("n3-10", 23, &[IDLE_SOON, "run.once=false", "ues=3", "air.snr_db=20"]);
    for _ in 0..1500 {
        w.step();
    }
    w.drain_progress(&mut Vec::new());
    w.send_downlink(echo_request([10, 45, 0, 3]));
    let mut notes = until(&mut w, "connected again", 600);
    notes.extend(until(&mut w, "connection released", 600));
    let called: Vec<_> = notes.iter().filter(|n| n.contains("called")).collect();
    assert_eq!(called.len(), 1, "{notes:?}");
}
