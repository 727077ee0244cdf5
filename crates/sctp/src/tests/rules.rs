use super::*;
use crate::wire::{Cause, Causes, Data, Header, kind, put_chunk, put_data, put_sack};

/// The header of a packet from the client to the server, as the association has it.
fn header(w: &World) -> Header {
    w.sent(0, kind::COOKIE_ECHO)[0].1.header()
}

/// The header of a packet of nobody's.
fn stranger() -> Header {
    Header { source: 7777, destination: SERVER, tag: 0xabcd }
}

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_chunk(&mut out, kind, flags, value);
    out
}

fn data_chunk(tsn: u32, stream: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (begin, end) = (true, true);
    put_data(&mut out, &Data { immediate: true, unordered: true, begin, end, tsn, stream, ssn: 0, ppid: 60, payload });
    out
}

/// The client's first TSN.
fn first_tsn(w: &World) -> u32 {
    let init = &w.log[0].1.data;
    u32::from_be_bytes([init[28], init[29], init[30], init[31]])
}

#[test] // Spec: RFC 9260 §8.4 (2, 4, 5, 6, 7, 8): a packet of no association
fn out_of_the_blue() {
    let mut w = World::new(1, [server(&[1])]);
    let mut stale = Vec::new();
    Cause::StaleCookie(5).put(&mut stale);
    let mut ask = |chunks: Vec<u8>| {
        let answers = w.inject(0, ip(1, 9), stranger(), &chunks);
        let f = answers.first()?;
        assert_eq!((f.header(), f.to), (Header { source: SERVER, destination: 7777, tag: 0xabcd }, ip(1, 9)));
        let first = crate::wire::Packet::decode(&f.data).expect("a packet").chunks().flatten().next()?;
        Some((first.kind, first.flags))
    };
    assert_eq!(ask(chunk(kind::ABORT, 0, &[])), None);
    assert_eq!(ask([data_chunk(1, 0, b"x"), chunk(kind::ABORT, 0, &[])].concat()), None);
    assert_eq!(ask(chunk(kind::COOKIE_ECHO, 0, b"what")), None);
    assert_eq!(ask(chunk(kind::SHUTDOWN_ACK, 0, &[])), Some((kind::SHUTDOWN_COMPLETE, 1)));
    assert_eq!(ask(chunk(kind::SHUTDOWN_COMPLETE, 0, &[])), None);
    assert_eq!(ask(chunk(kind::ERROR, 0, &stale)), None);
    assert_eq!(ask(chunk(kind::COOKIE_ACK, 0, &[])), None);
    assert_eq!(ask(data_chunk(1, 0, b"x")), Some((kind::ABORT, 1)));
    assert_eq!(ask(chunk(kind::HEARTBEAT, 0, &[0, 1, 0, 4])), Some((kind::ABORT, 1)));
    assert_eq!(ask(chunk(200, 0, &[])), Some((kind::ABORT, 1)));
    // 1: from an address that is no host's.
    for from in [IpAddr::from([224, 0, 0, 1]), IpAddr::from([255, 255, 255, 255]), IpAddr::from([0, 0, 0, 0])] {
        assert!(w.inject(0, from, stranger(), &data_chunk(1, 0, b"x")).is_empty());
    }
}

#[test] // Spec: RFC 9260 §8.5, §8.5.1 (verification tags: a packet with another is dropped, ABORT and SHUTDOWN COMPLETE by the T bit)
fn tags_are_verified() {
    let (mut w, _, b) = pair(&[1], 1);
    let good = header(&w);
    let peers = w.sent(0, kind::COOKIE_ACK)[0].1.header().tag;
    w.events(1);
    for (kind, flags, tag) in [
        (kind::ABORT, 0, good.tag ^ 1),
        (kind::ABORT, 0, peers),
        (kind::ABORT, 1, good.tag),
        (kind::SHUTDOWN, 0, good.tag ^ 1),
        (kind::SHUTDOWN_ACK, 0, peers),
        (kind::SHUTDOWN_COMPLETE, 1, good.tag),
        (kind::HEARTBEAT, 0, 0),
    ] {
        let answers = w.inject(1, ip(1, 2), Header { tag, ..good }, &chunk(kind, flags, &[0; 4]));
        assert!(answers.is_empty(), "{kind} {flags}");
    }
    assert!(w.events(1).is_empty());
    assert_eq!(w.ends[1].endpoint.counters().wrong_tag, 7);
    // SHUTDOWN COMPLETE means nothing in ESTABLISHED, even with the right tag.
    assert!(w.inject(1, ip(1, 2), good, &chunk(kind::SHUTDOWN_COMPLETE, 0, &[])).is_empty());
    assert_eq!(w.state(1, b), Some(State::Established));
    assert!(w.inject(1, ip(1, 2), Header { tag: peers, ..good }, &chunk(kind::ABORT, 1, &[])).is_empty());
    assert_eq!(w.events(1), [Event::Closed(CloseReason::PeerAbort(None))]);
    let (mut w, ..) = pair(&[1], 1);
    w.events(1);
    w.inject(1, ip(1, 2), good, &chunk(kind::ABORT, 0, &[0, 12, 0, 6, b'n', b'o', 0, 0]));
    assert_eq!(w.events(1), [Event::Closed(CloseReason::PeerAbort(Some(Cause::UserAbort(b"no".to_vec()))))]);
}

#[test] // Spec: RFC 9260 §3.2 (unknown chunks: the two high bits say whether the rest is read and whether an ERROR answers); RFC 3758 §3.3.1 (FORWARD-TSN is one)
fn unknown_chunks_are_treated_by_their_bits() {
    for (unknown, reported, goes_on) in
        [(63, false, false), (127, true, false), (191, false, true), (255, true, true), (kind::FORWARD_TSN, true, true)]
    {
        let (mut w, _, b) = pair(&[1], 1);
        let what = chunk(unknown, 0, b"what");
        let chunks = [what.clone(), data_chunk(first_tsn(&w), 0, b"behind")].concat();
        let answers = w.inject(1, ip(1, 2), header(&w), &chunks);
        assert_eq!(w.receive_all(1, b).len(), usize::from(goes_on), "{unknown}");
        let error = answers.iter().find_map(|f| f.chunk(kind::ERROR).map(|c| Causes::new(c.value).next()));
        assert_eq!(error, reported.then_some(Some(Cause::UnrecognizedChunk(what))), "{unknown}");
        assert_eq!(w.state(1, b), Some(State::Established));
    }
}

#[test] // Spec: RFC 9260 §6.2, §3.3.10.9 (DATA without data: ABORT), §6.5, §3.3.10.1 (an unknown stream: ERROR, acknowledged, not delivered)
fn bad_data_is_answered() {
    let (mut w, _, b) = pair(&[1], 1);
    w.events(1);
    let tsn = first_tsn(&w);
    let answers = w.inject(1, ip(1, 2), header(&w), &data_chunk(tsn, 16, b"x"));
    let error = answers[0].chunk(kind::ERROR).expect("an ERROR");
    assert_eq!(Causes::new(error.value).next(), Some(Cause::InvalidStream(16)));
    let sack = answers.iter().find_map(|f| f.chunk(kind::SACK)).expect("a SACK");
    assert_eq!((sack.value[..4].to_vec(), w.receive_all(1, b)), (tsn.to_be_bytes().to_vec(), vec![]));
    let answers = w.inject(1, ip(1, 2), header(&w), &data_chunk(tsn + 1, 0, b""));
    let abort = answers[0].chunk(kind::ABORT).expect("an ABORT");
    assert_eq!(Causes::new(abort.value).next(), Some(Cause::NoUserData(tsn + 1)));
    assert!(matches!(w.events(1)[..], [Event::Closed(CloseReason::Violation { clause: "6.2", .. })]));
}

#[test] // Spec: RFC 9260 §6.2.1, §3.3.10.13 (acknowledgements of what was never sent, blocks out of range, chunks cut short)
fn nonsense_is_a_violation_and_told() {
    let sack = |cumulative, gaps: &[(u16, u16)]| {
        let mut out = Vec::new();
        put_sack(&mut out, (cumulative, 5000), gaps, &[], 1000);
        out
    };
    let last = |w: &World| {
        let ack = &w.sent(0, kind::INIT_ACK)[0].1.data;
        u32::from_be_bytes([ack[28], ack[29], ack[30], ack[31]]).wrapping_sub(1)
    };
    let (w, ..) = pair(&[1], 1);
    let last = last(&w);
    let lying = chunk(kind::SACK, 0, &[&last.to_be_bytes()[..], &[0, 0, 9, 9, 0, 9, 0, 0]].concat());
    for (bad, ends) in [
        (sack(last.wrapping_add(1), &[]), true),
        (sack(last, &[(1, 1)]), true),
        (sack(last, &[(2, 1)]), true),
        (chunk(kind::DATA, 3, &[0; 4]), true),
        (chunk(kind::SHUTDOWN, 0, &[]), true),
        (lying, true),
        (sack(last.wrapping_sub(5), &[]), false),
        (sack(last, &[]), false),
    ] {
        let (mut w, ..) = pair(&[1], 1);
        w.events(1);
        let answers = w.inject(1, ip(1, 2), header(&w), &bad);
        assert_eq!(answers.iter().any(|f| f.has(kind::ABORT)), ends, "{bad:?}");
        assert_eq!(matches!(w.events(1)[..], [Event::Closed(CloseReason::Violation { .. })]), ends, "{bad:?}");
    }
}

#[test] // Spec: RFC 9260 §6.8, §3.1 (a wrong checksum, port 0, another port: dropped), §6.10 (INIT ACK and SHUTDOWN COMPLETE go alone)
fn broken_packets_are_dropped() {
    let (mut w, _, b) = pair(&[1], 1);
    let mut f = w.sent(0, kind::COOKIE_ECHO)[0].1.clone();
    f.data[8] ^= 1;
    assert!(w.inject_raw(1, ip(1, 2), &f.data).is_empty());
    for n in 0..16 {
        assert!(w.inject_raw(1, ip(1, 2), &f.data[..n]).is_empty());
    }
    let h = header(&w);
    for bad in [Header { source: 0, ..h }, Header { destination: 0, ..h }, Header { destination: 9, ..h }] {
        assert!(w.inject(1, ip(1, 2), bad, &chunk(kind::SHUTDOWN_ACK, 0, &[])).is_empty());
    }
    let two = [chunk(kind::SHUTDOWN_COMPLETE, 0, &[]), chunk(kind::HEARTBEAT, 0, &[0, 1, 0, 4])].concat();
    assert!(w.inject(1, ip(1, 2), h, &two).is_empty());
    assert_eq!(w.state(1, b), Some(State::Established));
}

#[test] // Spec: RFC 9260 §5.2, §8.4, §3 (random and changed packets at every state: no panic, and bounds hold)
fn nothing_that_comes_hurts() {
    let mut rng = node::Rng::from_lab_seed(99);
    for round in 0..40 {
        let (mut w, a, b) = pair(&[1, 2], round);
        for i in 0..20u8 {
            let _ = w.send(0, a, ngap(u16::from(i % 16), vec![i; 4000]));
        }
        w.flush(0);
        if round % 3 == 0 {
            w.shutdown(1, b);
        }
        for _ in 0..200 {
            w.step(w.now + Tc::from_ms(50));
            let k = rng.below(w.log.len() as u32) as usize;
            let (from, mut data) = (w.log[k].1.from, w.log[k].1.data.clone());
            for _ in 0..1 + rng.below(4) {
                let at = rng.below(data.len() as u32) as usize;
                match rng.below(4) {
                    0 => data[at] = rng.u32() as u8,
                    1 => data[at] ^= 1 << rng.below(8),
                    2 => data.truncate(at.max(12)),
                    _ => data.extend_from_slice(&w.log[rng.below(w.log.len() as u32) as usize].1.data[12..]),
                }
            }
            crate::wire::seal(&mut data);
            let i = usize::from(w.log[k].1.to == ip(1, 1) || w.log[k].1.to == ip(2, 1));
            w.inject_raw(i, from, &data);
        }
        for (i, id) in [(0, a), (1, b)] {
            if let Some(s) = w.ends[i].endpoint.status(id) {
                assert!(s.paths.len() <= 9 && s.buffered <= 1 << 20);
            }
        }
    }
}
