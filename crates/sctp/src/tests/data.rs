use super::*;
use crate::wire::{Chunk, kind};

fn texts(messages: Vec<Message>) -> Vec<String> {
    messages.into_iter().map(|m| String::from_utf8(m.data).expect("a text")).collect()
}

#[test] // Spec: RFC 9260 §6.5, §6.6, §3.3.1 (streams, payload protocol identifier, unordered delivery)
fn messages_arrive_with_stream_identifier_and_order() {
    let (mut w, a, b) = pair(&[1], 1);
    for i in 0..6u16 {
        w.send(0, a, ngap(i % 3, format!("{i}"))).expect("room");
    }
    w.send(0, a, Message { stream: 1, ppid: 7, unordered: true, data: b"aside".to_vec() }).expect("room");
    w.send(1, b, ngap(15, "back")).expect("room");
    w.flush(0);
    w.flush(1);
    w.run(Tc::from_ms(50));
    let got = w.receive_all(1, b);
    assert_eq!(got.iter().map(|m| (m.stream, m.ppid, m.unordered)).next_back(), Some((1, 7, true)));
    assert!(got[..6].iter().all(|m| m.ppid == 60 && !m.unordered));
    assert_eq!(texts(got), ["0", "1", "2", "3", "4", "5", "aside"]);
    assert_eq!(texts(w.receive_all(0, a)), ["back"]);
    assert_eq!(w.sent(0, kind::DATA).len(), 2, "messages of one flush share a packet");
}

#[test] // Spec: RFC 9260 §6.6 (a lost message holds up its own stream only)
fn streams_do_not_hold_up_each_other() {
    let (mut w, a, b) = pair(&[1], 2);
    let mut n = 0;
    w.filter = Some(Box::new(move |f| {
        n += usize::from(f.has(kind::DATA));
        !(f.has(kind::DATA) && n == 1)
    }));
    for stream in 0..3 {
        w.send(0, a, ngap(stream, format!("{stream}"))).expect("room");
        w.flush(0);
    }
    w.run(Tc::from_ms(50));
    assert_eq!(texts(w.receive_all(1, b)), ["1", "2"]);
    w.run(Tc::from_ms(2000));
    assert_eq!(texts(w.receive_all(1, b)), ["0"]);
}

#[test] // Spec: RFC 9260 §6.9 (64 kB in fragments, both ways at once), §6.2
fn long_messages_are_fragmented() {
    let (mut w, a, b) = pair(&[1], 3);
    let long: Vec<u8> = (0..65_536u32).map(|i| (i * 7 >> 3) as u8).collect();
    w.send(0, a, ngap(1, long.clone())).expect("room");
    w.send(1, b, ngap(2, long.clone())).expect("room");
    w.flush(0);
    w.flush(1);
    w.run(Tc::from_ms(2000));
    assert_eq!(w.receive_all(1, b), [ngap(1, long.clone())]);
    assert_eq!(w.receive_all(0, a), [ngap(2, long)]);
    assert!(w.log.iter().all(|(_, f)| f.data.len() <= 1480));
    assert_eq!(w.status(0, a).buffered, 0);
}

/// 300 messages each way, short and long, ordered and not, on a bad network: each arrives once, in order.
fn through(seed: u64, nets: &[u8]) -> (usize, Tc) {
    let config = |c: Config| Config { rto_min: Tc::from_ms(50), rto_initial: Tc::from_ms(200), ..c };
    let (mut w, a, b) = pair_of(config(client(nets)), config(server(nets)), seed);
    w.loss = 0.1;
    w.repeat = 0.1;
    w.jitter = Tc::from_ms(20);
    let mut rng = node::Rng::from_lab_seed(seed);
    let mut made = Vec::new();
    for i in 0..300u32 {
        let n = if rng.below(20) == 0 { rng.below(20_000) } else { rng.below(300) };
        let mut data = i.to_be_bytes().to_vec();
        data.extend((0..n).map(|k| (k ^ i) as u8));
        made.push(Message { stream: rng.below(16) as u16, ppid: 60, unordered: rng.below(8) == 0, data });
    }
    let (mut got, mut next) = ([Vec::new(), Vec::new()], [0, 0]);
    w.run_until(Tc::from_ms(600_000), |w| {
        for (i, id) in [(0, a), (1, b)] {
            while let Some(message) = made.get(next[i]) {
                match w.send(i, id, message.clone()) {
                    Ok(()) => next[i] += 1,
                    Err(SendError::Full(_)) => break,
                    Err(e) => panic!("{e}"),
                }
            }
            w.flush(i);
            let new = w.receive_all(i, id);
            got[i].extend(new);
        }
        got[0].len() == 300 && got[1].len() == 300
    });
    for got in &got {
        let mut all = got.clone();
        all.sort_by(|x, y| x.data[..4].cmp(&y.data[..4]));
        assert!(all == made, "seed {seed}: each once and whole");
        for stream in 0..16 {
            let of = |all: &[Message]| -> Vec<u32> {
                all.iter()
                    .filter(|m| m.stream == stream && !m.unordered)
                    .map(|m| u32::from_be_bytes([m.data[0], m.data[1], m.data[2], m.data[3]]))
                    .collect()
            };
            assert_eq!(of(got), of(&made), "seed {seed}: stream {stream} in order");
        }
    }
    let digest = w.log.iter().fold(0usize, |h, (_, f)| h.rotate_left(5) ^ f.data[8] as usize);
    (digest, w.now)
}

#[test] // Spec: RFC 9260 §6, §7 (loss, repetition and reordering: everything arrives once and in order)
fn a_bad_network_loses_nothing_for_good() {
    for seed in 0..12 {
        through(seed, &[1]);
    }
    for seed in 0..6 {
        through(seed, &[1, 2]);
    }
}

#[test] // Spec: ironcell ARCHITECTURE §determinism
fn one_seed_gives_one_run() {
    assert_eq!(through(5, &[1, 2]), through(5, &[1, 2]));
    assert_ne!(through(5, &[1, 2]), through(6, &[1, 2]));
}

#[test] // Spec: RFC 9260 §6.2 (a SACK for the second packet at once, for one after 200 ms, with the I bit at once)
fn acknowledgements_are_delayed_but_not_long() {
    let (mut w, a, _) = pair(&[1], 4);
    w.send(0, a, ngap(0, "1")).expect("room");
    w.flush(0);
    let n = w.log.len();
    w.run(Tc::from_ms(10));
    // What follows is made here, so its sender must not hear of it.
    w.filter = Some(Box::new(|f| !f.has(kind::SACK)));
    let mut packet = w.sent(0, kind::DATA)[0].1.clone();
    let mut before = w.log.len();
    for i in 1..3u16 {
        assert_eq!(w.sent(before, kind::SACK).len(), 0, "the first waits");
        w.run(Tc::from_ms(194));
        assert_eq!(w.sent(before, kind::SACK).len(), 0);
        w.run(Tc::from_ms(10));
        assert_eq!(w.sent(before, kind::SACK).len(), 1, "not for ever");
        before = w.log.len();
        next(&mut packet, 3, i);
        w.deliver(&packet);
    }
    w.run(Tc::from_ms(300));
    before = w.log.len();
    next(&mut packet, 3 | 8, 3);
    w.deliver(&packet);
    assert_eq!(w.sent(before, kind::SACK).len(), 1, "the I bit");
    for i in 0..2 {
        let before = w.log.len();
        next(&mut packet, 3, 4 + i);
        w.deliver(&packet);
        assert_eq!(w.sent(before, kind::SACK).len(), usize::from(i), "the second packet at once");
    }
    assert_eq!(w.sent(n, kind::ABORT).len(), 0);
}

/// The next DATA chunk after that of a packet of one.
fn next(packet: &mut super::world::Flying, flags: u8, ssn: u16) {
    let tsn = u32::from_be_bytes([packet.data[16], packet.data[17], packet.data[18], packet.data[19]]) + 1;
    packet.data[13] = flags;
    packet.data[16..20].copy_from_slice(&tsn.to_be_bytes());
    packet.data[22..24].copy_from_slice(&ssn.to_be_bytes());
    crate::wire::seal(&mut packet.data);
}

#[test] // Spec: RFC 9260 §6.1 (A), §6.2, §8.1 (a window of 0 is probed for as long as it takes; reading opens it)
fn a_reader_that_sleeps_stops_the_sender_and_nothing_breaks() {
    let reader = Config { receive_buffer: 16_384, message_max: 4096, ..server(&[1]) };
    let (mut w, a, b) = pair_of(client(&[1]), reader, 5);
    for i in 0..100u32 {
        w.send(0, a, ngap(0, vec![i as u8; 1000])).expect("room");
    }
    w.flush(0);
    w.run(Tc::from_ms(600_000));
    assert_eq!(w.state(0, a), Some(State::Established), "ten minutes without a window");
    assert_eq!(w.status(1, b).window, 0);
    assert!(w.status(0, a).errors <= 1);
    let probes = w.sent(0, kind::DATA).len();
    assert!(probes < 60, "{probes} packets: probes back off");
    let mut n = 0;
    w.run_until(Tc::from_ms(120_000), |w| {
        for message in w.receive_all(1, b) {
            assert_eq!(message.data, vec![n as u8; 1000]);
            n += 1;
        }
        n == 100
    });
}

#[test] // Spec: RFC 9260 §6.1, §6.5, §6.9 (what a user may not send is refused; a full buffer says when it has room)
fn a_sender_is_told_what_does_not_go() {
    let (mut w, a, _) = pair_of(Config { send_buffer: 300_000, ..client(&[1]) }, server(&[1]), 6);
    assert_eq!(w.send(0, a, ngap(16, "x")), Err(SendError::Stream { stream: 16, streams: 16 }));
    assert_eq!(w.send(0, a, ngap(0, "")), Err(SendError::Length(0)));
    assert_eq!(w.send(0, a, ngap(0, vec![0; (1 << 18) + 1])), Err(SendError::Length((1 << 18) + 1)));
    w.send(0, a, ngap(0, vec![0; 1 << 18])).expect("room");
    let Err(SendError::Full(back)) = w.send(0, a, ngap(0, vec![1; 100_000])) else { panic!("no room") };
    assert_eq!(back.data.len(), 100_000);
    w.flush(0);
    w.events(0);
    w.run(Tc::from_ms(5000));
    assert!(w.events(0).contains(&Event::Writable));
    w.send(0, a, back).expect("room");
    let none = AssociationId(99);
    assert!(matches!(w.send(0, none, ngap(0, "x")), Err(SendError::NotConnected(_))));
}

#[test] // Spec: RFC 9260 §6.1, §6.10 (a SACK that waits leaves no room for a full fragment: it goes ahead, and the fragment at once behind it)
fn a_waiting_sack_does_not_keep_full_packets_back() {
    let (mut w, a, b) = pair(&[1], 8);
    w.send(0, a, ngap(0, "one packet, so its SACK waits")).expect("room");
    w.flush(0);
    w.run(Tc::from_ms(10));
    let n = w.log.len();
    w.send(1, b, ngap(0, vec![0; 60_000])).expect("room");
    w.flush(1);
    assert_eq!((w.sent(n, kind::SACK).len(), w.sent(n, kind::DATA).len()), (1, 4));
    w.run(Tc::from_ms(500));
    assert_eq!(w.receive_all(0, a).len(), 1);
}

#[test] // Spec: RFC 9260 §6.2, §6.7 (duplicates are reported, gaps are told in blocks)
fn duplicates_and_gaps_are_reported() {
    let (mut w, a, _) = pair(&[1], 7);
    w.filter = Some(Box::new(|f| !f.has(kind::DATA)));
    for i in 0..4u16 {
        w.send(0, a, ngap(i, vec![0; 700])).expect("room");
        w.flush(0);
    }
    w.filter = None;
    let packets = w.sent(0, kind::DATA);
    let last_sack = |w: &mut World, f: &super::world::Flying| {
        let before = w.log.len();
        w.deliver(f);
        let sacks = w.sent(before, kind::SACK);
        let raw = sacks.last().expect("a SACK").1.chunk(kind::SACK).expect("a SACK").decode();
        let Ok(Chunk::Sack(s)) = raw else { panic!("a SACK") };
        (s.gaps().collect::<Vec<_>>(), s.duplicates().count())
    };
    assert_eq!(last_sack(&mut w, &packets[3].1), (vec![(4, 4)], 0));
    assert_eq!(last_sack(&mut w, &packets[1].1), (vec![(2, 2), (4, 4)], 0));
    assert_eq!(last_sack(&mut w, &packets[1].1), (vec![(2, 2), (4, 4)], 1));
    assert_eq!(last_sack(&mut w, &packets[0].1), (vec![(2, 2)], 0));
}
