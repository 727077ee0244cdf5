//! Procedures as scripts.

use super::am;
use crate::{Limits, Rlc, RlcConfig, RlcEvent};
use node::Outbox;
use nr::Tc;

fn ms(n: i64) -> Tc {
    Tc::from_ms(n)
}

fn pull(rlc: &mut Rlc, at: Tc, room: usize) -> Vec<u8> {
    let mut out = vec![0; room];
    let n = rlc.pull(at, &mut out);
    out.truncate(n);
    out
}

#[test] // Spec: TS 38.322 §5.3.3.2 (pollPDU, pollByte, empty buffer), §5.3.3.4 (t-PollRetransmit)
fn polls() {
    let config = RlcConfig::Am {
        sn_bits: 12,
        t_poll_retransmit_ms: 20,
        poll_pdu: Some(3),
        poll_byte: Some(500),
        max_retx_threshold: 4,
        t_reassembly_ms: 10,
        t_status_prohibit_ms: 0,
    };
    let mut r = Rlc::new(&config, Limits::default());
    for (tag, len) in [10, 10, 10, 600, 10, 10].into_iter().enumerate() {
        r.push_sdu(ms(0), vec![1; len], tag as u32).unwrap();
    }
    let polls: Vec<bool> = (0..6).map(|_| pull(&mut r, ms(0), 1000)[0] & 0x40 != 0).collect();
    assert_eq!(polls, [false, false, true, true, false, true]);
    assert_eq!(r.deadline(), Some(ms(20)));
    let mut out = Outbox::default();
    r.timeout(ms(20), &mut out);
    // The SDU with the highest SN goes again, with a poll.
    let again = pull(&mut r, ms(21), 1000);
    assert_eq!(again[..2], [0b1100_0000, 5]);
    assert_eq!(r.deadline(), Some(ms(41)));
    // ACK_SN 6 acknowledges all and stops the timer.
    r.receive(ms(22), &[0, 6, 0], &mut out);
    assert_eq!(r.deadline(), None);
    assert_eq!(out.drain().collect::<Vec<_>>(), (0..6).map(|tag| RlcEvent::Delivered { tag }).collect::<Vec<_>>());
}

#[test] // Spec: TS 38.322 §5.3.2 (retransmission of parts, segmented again where the grant is small)
fn nack_with_so_sends_just_those_bytes() {
    let mut r = Rlc::new(&am(12), Limits::default());
    let mut out = Outbox::default();
    r.push_sdu(ms(0), (0..100).collect(), 0).unwrap();
    r.push_sdu(ms(0), vec![7; 10], 1).unwrap();
    pull(&mut r, ms(0), 200);
    pull(&mut r, ms(0), 200);
    // ACK_SN 2, NACK 0 bytes 10 to 29 and 90 to the end.
    #[rustfmt::skip]
    r.receive(ms(1), &[0, 2, 0x80, 0, 0x0c, 0, 10, 0, 29, 0, 0x04, 0, 90, 0xff, 0xff], &mut out);
    assert_eq!(out.drain().collect::<Vec<_>>(), [RlcEvent::Delivered { tag: 1 }]);
    assert_eq!(r.buffer_status().retx, 30 + 2 * 4);
    let a = pull(&mut r, ms(2), 16);
    assert_eq!(a[..5], [0b1011_0000, 0, 0, 10, 10]);
    assert_eq!(a.len(), 16);
    let b = pull(&mut r, ms(2), 100);
    assert_eq!((b.len(), b[3], b[4]), (4 + 8, 22, 22));
    let c = pull(&mut r, ms(2), 100);
    assert_eq!(c[..5], [0b1110_0000, 0, 0, 90, 90], "the last one polls");
    assert_eq!(pull(&mut r, ms(2), 100), []);
    r.receive(ms(3), &[0, 2, 0], &mut out);
    assert_eq!(out.pop(), Some(RlcEvent::Delivered { tag: 0 }));
    // An acknowledgement of what was never sent is dropped.
    let dropped = r.stats().rx_dropped;
    r.receive(ms(3), &[0, 9, 0], &mut out);
    assert_eq!(r.stats().rx_dropped, dropped + 1);
}

#[test] // Spec: TS 38.322 §5.3.4 (a poll above a gap waits for t-Reassembly; t-StatusProhibit)
fn status_waits_for_the_gap_and_for_the_prohibit_timer() {
    let mut r = Rlc::new(&am(12), Limits::default());
    let mut out = Outbox::default();
    r.receive(ms(0), &[0xc0, 0, 1], &mut out);
    assert_eq!(pull(&mut r, ms(0), 100), [0, 1, 0], "no gap below: at once");
    r.receive(ms(1), &[0xc0, 2, 1], &mut out);
    assert_eq!(r.deadline(), Some(ms(5)), "t-StatusProhibit");
    r.timeout(ms(5), &mut out);
    assert_eq!(r.buffer_status().status, 0, "SN 1 may still come");
    r.timeout(ms(11), &mut out);
    assert_eq!(r.buffer_status().status, 6);
    assert_eq!(pull(&mut r, ms(11), 100), [0, 3, 0x80, 0, 0x10]);
    // A duplicate with a poll is answered, but not before the prohibit timer is over.
    r.receive(ms(12), &[0xc0, 2, 1], &mut out);
    assert_eq!(r.buffer_status().status, 0);
    r.timeout(ms(16), &mut out);
    assert_eq!(pull(&mut r, ms(16), 100), [0, 3, 0x80, 0, 0x10]);
}

#[test] // Spec: TS 38.322 §5.2.3.1.1 (the window stalls), §5.4 (discard)
fn the_window_holds_back_and_discard_reaches_only_what_was_not_sent() {
    let mut r = Rlc::new(&am(12), Limits::default());
    for tag in 0..3000 {
        r.push_sdu(ms(0), vec![1; 4], tag).unwrap();
    }
    let mut n = 0;
    while !pull(&mut r, ms(0), 50).is_empty() {
        n += 1;
    }
    assert_eq!(n, 2048);
    assert_eq!(r.buffer_status().new, 0);
    assert!(!r.discard(5));
    assert!(r.discard(2048));
    let mut out = Outbox::default();
    r.receive(ms(1), &[0, 1, 0], &mut out);
    assert_eq!(pull(&mut r, ms(1), 50)[..2], [0xc8, 0]);
    assert_eq!(r.held_bytes(), 4 * (3000 - 2));
}

#[test] // Spec: TS 38.322 §5.2.2.2.4 (t-Reassembly in UM)
fn um_gives_up_an_incomplete_sdu() {
    let mut r = Rlc::new(&super::um(12), Limits::default());
    let mut out = Outbox::default();
    r.receive(ms(0), &[0x40, 0, 1, 2], &mut out);
    assert_eq!(r.deadline(), None, "nothing is known to be missing before its last byte");
    r.receive(ms(1), &[0x40, 1, 1, 2], &mut out);
    assert_eq!(r.deadline(), Some(ms(11)));
    r.receive(ms(2), &[0x80, 1, 0, 2, 3], &mut out);
    assert_eq!(out.pop(), Some(RlcEvent::Sdu(vec![1, 2, 3])));
    r.timeout(ms(11), &mut out);
    r.receive(ms(12), &[0x80, 0, 0, 2, 3], &mut out);
    assert!(out.is_empty(), "too late");
    assert_eq!(r.deadline(), None);
}

#[test] // Spec: TS 38.322 §5.3.3.4 (a poll goes with the next PDU, also of new data)
fn the_poll_after_expiry_goes_with_new_data() {
    let mut r = Rlc::new(&am(12), Limits::default());
    let mut out = Outbox::default();
    r.push_sdu(ms(0), vec![1; 10], 0).unwrap();
    assert_eq!(pull(&mut r, ms(0), 100)[0], 0b1100_0000);
    for tag in 1..4 {
        r.push_sdu(ms(1), vec![1; 10], tag).unwrap();
    }
    r.timeout(ms(20), &mut out);
    assert_eq!(r.buffer_status().retx, 0, "there is new data to carry the poll");
    let polls: Vec<bool> = (0..3).map(|_| pull(&mut r, ms(20), 100)[0] & 0x40 != 0).collect();
    assert_eq!(polls, [true, false, true]);
}

#[test] // Spec: TS 38.322 §5.2.2.2.2 (an SDU that was delivered is not taken again)
fn um_takes_nothing_twice() {
    let mut r = Rlc::new(&super::um(6), Limits::default());
    let mut out = Outbox::default();
    for _ in 0..3 {
        r.receive(ms(0), &[0x40, 1, 2], &mut out);
        r.receive(ms(0), &[0x80, 0, 2, 3], &mut out);
    }
    assert_eq!(out.drain().collect::<Vec<_>>(), [RlcEvent::Sdu(vec![1, 2, 3])]);
    // A number 31 above is ahead, and moves the window past all below it.
    r.receive(ms(1), &[0x40 | 31, 9, 9], &mut out);
    r.receive(ms(1), &[0x80 | 31, 0, 2, 9], &mut out);
    assert_eq!(out.drain().collect::<Vec<_>>(), [RlcEvent::Sdu(vec![9, 9, 9])]);
    r.receive(ms(2), &[0x40, 1, 2], &mut out);
    r.receive(ms(2), &[0x80, 0, 2, 3], &mut out);
    assert!(out.is_empty());
}
