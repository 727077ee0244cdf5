use super::*;
use crate::wire::{Cause, kind};

fn closed(w: &mut World, i: usize) -> Vec<CloseReason> {
    let reasons = w.events(i).into_iter().filter_map(|e| if let Event::Closed(r) = e { Some(r) } else { None });
    reasons.collect()
}

#[test] // Spec: RFC 9260 §9.2 (what was sent before arrives; three packets end it; what arrived can be read afterwards)
fn a_shutdown_waits_for_what_was_sent() {
    let (mut w, a, b) = pair(&[1], 1);
    for i in 0..20u8 {
        w.send(0, a, ngap(0, vec![i; 9000])).expect("room");
    }
    w.shutdown(0, a);
    assert_eq!(w.state(0, a), Some(State::ShutdownPending));
    assert!(matches!(w.send(0, a, ngap(0, "late")), Err(SendError::NotConnected(_))));
    w.run(Tc::from_ms(1000));
    assert_eq!((closed(&mut w, 0), closed(&mut w, 1)), (vec![CloseReason::Shutdown], vec![CloseReason::Shutdown]));
    let last: Vec<Vec<u8>> = w.log[w.log.len() - 3..].iter().map(|(_, f)| f.kinds()).collect();
    assert_eq!(last, [[kind::SHUTDOWN], [kind::SHUTDOWN_ACK], [kind::SHUTDOWN_COMPLETE]]);
    assert_eq!(w.receive_all(1, b).len(), 20);
    assert_eq!((w.state(0, a), w.state(1, b)), (None, None), "read to its end, it is forgotten");
}

#[test] // Spec: RFC 9260 §9.2 (T2-shutdown: each packet lost once; a lost SHUTDOWN COMPLETE is answered out of the blue, §8.4 (5))
fn a_lost_packet_of_the_shutdown_comes_again() {
    for lost in [kind::SHUTDOWN, kind::SHUTDOWN_ACK, kind::SHUTDOWN_COMPLETE] {
        let (mut w, a, _) = pair(&[1], 1);
        let mut n = 0;
        w.filter = Some(Box::new(move |f| {
            n += usize::from(f.has(lost));
            !f.has(lost) || n > 1
        }));
        w.shutdown(0, a);
        w.run(Tc::from_ms(5000));
        assert_eq!((closed(&mut w, 0), closed(&mut w, 1)), (vec![CloseReason::Shutdown], vec![CloseReason::Shutdown]));
    }
}

#[test] // Spec: RFC 9260 §9.2 (both ends at once, with data of both under way, on a bad network)
fn both_may_shut_down_at_once() {
    for seed in 0..40 {
        let (mut w, a, b) = pair(&[1], seed);
        let bad = seed >= 10;
        w.jitter = Tc::from_ms(if bad { 15 } else { 0 });
        w.loss = if bad { 0.2 } else { 0.0 };
        for (i, id) in [(0, a), (1, b)] {
            for k in 0..5u8 {
                w.send(i, id, ngap(0, vec![k; 3000])).expect("room");
            }
            w.flush(i);
            w.run(Tc::from_ms(seed as i64 % 7));
        }
        w.shutdown(0, a);
        w.run(Tc::from_ms(seed as i64 % 5));
        w.shutdown(1, b);
        w.run(Tc::from_ms(120_000));
        for i in 0..2 {
            // A late packet may meet an end that has forgotten all, and is answered out of the blue.
            let reasons = closed(&mut w, i);
            let late = bad && reasons == [CloseReason::PeerAbort(None)];
            assert!(late || reasons == [CloseReason::Shutdown], "seed {seed}: {reasons:?}");
        }
        assert_eq!((w.receive_all(0, a).len(), w.receive_all(1, b).len()), (5, 5), "seed {seed}");
    }
}

#[test] // Spec: RFC 9260 §9.2 (the other end sends on until it is told; then its user cannot send any more)
fn the_other_end_is_told() {
    let (mut w, a, b) = pair(&[1], 1);
    for k in 0..40u8 {
        w.send(1, b, ngap(0, vec![k; 3000])).expect("room");
    }
    w.flush(1);
    w.shutdown(0, a);
    w.run(Tc::from_ms(7));
    assert!(w.events(1).contains(&Event::PeerShutdown));
    assert_eq!(w.state(1, b), Some(State::ShutdownReceived));
    assert!(matches!(w.send(1, b, ngap(0, "late")), Err(SendError::NotConnected(_))));
    w.run(Tc::from_ms(5000));
    assert_eq!(closed(&mut w, 0), [CloseReason::Shutdown]);
    assert_eq!(w.receive_all(0, a).len(), 40);
}

#[test] // Spec: RFC 9260 §9.2 (nobody answers SHUTDOWN: in the end it is over), §8.1
fn a_shutdown_ends_even_if_nobody_answers() {
    let (mut w, a, b) = pair(&[1], 1);
    w.dead = vec![ip(1, 1)];
    w.shutdown(0, a);
    w.shutdown(1, b);
    w.run(Tc::from_ms(700_000));
    for i in 0..2 {
        let reasons = closed(&mut w, i);
        assert!(matches!(reasons[..], [CloseReason::Unreachable | CloseReason::ShutdownGuard]), "{reasons:?}");
    }
}

#[test] // Spec: RFC 9260 §9.1 (ABORT ends it at once, with what the user says)
fn an_abort_ends_it_at_once() {
    let (mut w, a, b) = pair(&[1], 1);
    w.send(1, b, ngap(0, "read me")).expect("room");
    w.flush(1);
    w.run(Tc::from_ms(20));
    w.abort(1, b, b"enough");
    w.run(Tc::from_ms(20));
    assert_eq!(closed(&mut w, 0), [CloseReason::PeerAbort(Some(Cause::UserAbort(b"enough".to_vec())))]);
    assert_eq!(closed(&mut w, 1), [CloseReason::UserAbort]);
    assert_eq!(w.state(1, b), None);
    assert_eq!(w.receive_all(0, a), [ngap(0, "read me")]);
    assert_eq!(w.state(0, a), None);
    assert_eq!(w.sent(0, kind::ABORT).len(), 1);
}

#[test] // Spec: RFC 9260 §9.2, §5.2.2 (INIT in SHUTDOWN-ACK-SENT is answered with SHUTDOWN ACK)
fn an_init_amid_the_shutdown_is_answered_with_shutdown_ack() {
    let (mut w, a, b) = pair(&[1], 1);
    w.filter = Some(Box::new(|f| !f.has(kind::SHUTDOWN_COMPLETE) && !f.has(kind::SHUTDOWN_ACK)));
    w.shutdown(0, a);
    w.run(Tc::from_ms(20));
    assert_eq!(w.state(1, b), Some(State::ShutdownAckSent));
    let init = w.log[0].1.clone();
    assert_eq!(w.inject_raw(1, ip(1, 2), &init.data)[0].kinds(), [kind::SHUTDOWN_ACK]);
}
