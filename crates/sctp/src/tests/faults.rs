use super::*;
use crate::wire::{Header, kind, parameter, put_chunk, put_parameter};

#[test] // Spec: RFC 9260 §8.1 (Association.Max.Retrans), §6.3.3 (E2: the timer doubles up to RTO.Max)
fn a_dead_peer_is_given_up() {
    let (mut w, a, _) = pair(&[1], 1);
    w.events(0);
    w.dead = vec![ip(1, 1)];
    w.send(0, a, ngap(0, "x")).expect("room");
    let n = w.log.len();
    w.flush(0);
    w.run(Tc::from_ms(600_000));
    assert_eq!(w.events(0), [Event::PathDown(ip(1, 1)), Event::Closed(CloseReason::Unreachable)]);
    let times: Vec<i64> = w.sent(n, kind::DATA).iter().map(|(at, _)| at.as_ms()).collect();
    let waits: Vec<i64> = times.windows(2).map(|t| (t[1] - t[0]) / 1000).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
}

#[test] // Spec: RFC 9260 §8.3, §8.2 (an idle path is asked every HB.interval; one that is dead is noticed, and noticed again when it answers)
fn heartbeats_watch_idle_paths() {
    let (mut w, a, _) = pair(&[1], 1);
    let n = w.log.len();
    w.run(Tc::from_ms(320_000));
    let beats = w.sent(n, kind::HEARTBEAT).iter().filter(|(_, f)| f.to == ip(1, 1)).count();
    assert!((9..=11).contains(&beats), "{beats} in 320 s");
    assert!(w.status(0, a).paths[0].srtt.is_some());
    w.events(0);
    w.dead = vec![ip(1, 1)];
    w.run(Tc::from_ms(400_000));
    assert_eq!(w.events(0), [Event::PathDown(ip(1, 1))]);
    w.dead.clear();
    w.run(Tc::from_ms(100_000));
    assert_eq!(w.events(0), [Event::PathUp(ip(1, 1))]);
    assert_eq!(w.state(0, a), Some(State::Established));
}

#[test] // Spec: RFC 9260 §8.3, §5.4 (a HEARTBEAT is answered with its information; an answer with another nonce confirms nothing)
fn heartbeats_cannot_be_forged() {
    let (mut w, a, _) = pair(&[1], 1);
    let tag = w.sent(0, kind::COOKIE_ACK)[0].1.header().tag;
    let header = Header { source: SERVER, destination: CLIENT, tag };
    let mut chunk = Vec::new();
    let mut value = Vec::new();
    put_parameter(&mut value, parameter::HEARTBEAT_INFO, b"anything, 23 octets....");
    put_chunk(&mut chunk, kind::HEARTBEAT, 0, &value);
    let answers = w.inject(0, ip(1, 1), header, &chunk);
    assert_eq!(answers[0].chunk(kind::HEARTBEAT_ACK).expect("an answer").value, &value[..]);
    w.filter = Some(Box::new(|f| !f.has(kind::HEARTBEAT)));
    let n = w.log.len();
    w.run_until(Tc::from_ms(40_000), |w| !w.sent(n, kind::HEARTBEAT).is_empty());
    let srtt = w.status(0, a).paths[0].srtt;
    let mut forged = Vec::new();
    put_parameter(&mut forged, parameter::HEARTBEAT_INFO, &[0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let mut chunk = Vec::new();
    put_chunk(&mut chunk, kind::HEARTBEAT_ACK, 0, &forged);
    assert!(w.inject(0, ip(1, 1), header, &chunk).is_empty());
    assert_eq!(w.status(0, a).paths[0].srtt, srtt);
}

#[test] // Spec: RFC 9260 §5.1.2, §5.4, §6.4 (each end learns the other's addresses, asks them, and sends no data there before they answer)
fn addresses_are_learnt_and_confirmed() {
    let (mut w, a, b) = pair(&[1, 2], 1);
    w.run(Tc::from_ms(5000));
    for (i, id, host) in [(0, a, 1), (1, b, 2)] {
        let paths = w.status(i, id).paths;
        assert_eq!(
            paths.iter().map(|p| (p.address, p.confirmed, p.primary)).collect::<Vec<_>>(),
            [(ip(1, host), true, true), (ip(2, host), true, false)]
        );
    }
    let (mut w, a, _) = {
        let mut w = World::new(1, [client(&[1, 2]), server(&[1, 2])]);
        w.dead = vec![ip(2, 1)];
        let a = w.connect(0, &to_server(&[1]));
        w.run(Tc::from_ms(3000));
        (w, a, ())
    };
    assert!(!w.ends[0].endpoint.set_primary(a, ip(2, 1)), "not confirmed");
    w.dead = vec![ip(1, 1), ip(2, 1)];
    let n = w.log.len();
    w.send(0, a, ngap(0, "x")).expect("room");
    w.flush(0);
    w.run(Tc::from_ms(50_000));
    assert!(w.sent(n, kind::DATA).iter().all(|(_, f)| f.to == ip(1, 1)));
}

#[test] // Spec: RFC 9260 §5.4 (no data to an address that has not answered, even when no other is left)
fn no_data_goes_to_an_address_that_never_answered() {
    for seed in 0..20 {
        let small = |c: Config| Config { path_retransmissions_max: 2, ..c };
        let mut w = World::new(seed, [small(client(&[1, 2])), small(server(&[1, 2]))]);
        w.dead = vec![ip(2, 1)];
        let a = w.connect(0, &to_server(&[1]));
        w.run_until(Tc::from_ms(100), |w| w.state(0, a) == Some(State::Established));
        w.dead = vec![ip(1, 1), ip(2, 1)];
        w.send(0, a, ngap(0, "x")).expect("room");
        w.flush(0);
        for _ in 0..30 {
            w.run(Tc::from_ms(500));
            let _ = w.send(0, a, ngap(0, "y"));
            w.flush(0);
        }
        assert!(w.sent(0, kind::DATA).iter().all(|(_, f)| f.to == ip(1, 1)), "seed {seed}");
    }
}

#[test] // Spec: RFC 9260 §6.4, §6.4.1, §8.2 (the primary path dies: data goes on over the other, and comes back when it answers)
fn data_survives_the_loss_of_a_path() {
    let (mut w, a, b) = pair(&[1, 2], 1);
    w.run(Tc::from_ms(5000));
    w.dead = vec![ip(1, 1)];
    w.events(0);
    let at = w.now;
    for i in 0..50u8 {
        w.send(0, a, ngap(0, vec![i; 2000])).expect("room");
    }
    w.flush(0);
    let mut got = 0;
    w.run_until(Tc::from_ms(120_000), |w| {
        got += w.receive_all(1, b).len();
        got == 50
    });
    assert!(w.now - at < Tc::from_ms(100_000), "{} ms", (w.now - at).as_ms());
    let mut down = false;
    for _ in 0..200 {
        let _ = w.send(0, a, ngap(0, "more"));
        w.flush(0);
        w.run(Tc::from_ms(1000));
        down |= w.events(0).contains(&Event::PathDown(ip(1, 1)));
    }
    assert!(down);
    let n = w.log.len();
    w.send(0, a, ngap(0, "on the second")).expect("room");
    w.flush(0);
    w.run(Tc::from_ms(100));
    assert!(w.sent(n, kind::DATA).iter().all(|(_, f)| f.to == ip(2, 1) && f.from == ip(2, 2)));
    w.dead.clear();
    w.run_until(Tc::from_ms(200_000), |w| w.events(0).contains(&Event::PathUp(ip(1, 1))));
    let n = w.log.len();
    w.send(0, a, ngap(0, "on the first")).expect("room");
    w.flush(0);
    w.run(Tc::from_ms(100));
    assert!(w.sent(n, kind::DATA).iter().all(|(_, f)| f.to == ip(1, 1)));
    assert!(w.ends[0].endpoint.set_primary(a, ip(2, 1)));
    let n = w.log.len();
    w.send(0, a, ngap(0, "by request")).expect("room");
    w.flush(0);
    assert_eq!(w.sent(n, kind::DATA)[0].1.to, ip(2, 1));
}

#[test] // Spec: RFC 9260 §5.1, §6.4 (an INIT that is not answered goes to the peer's next address)
fn the_handshake_tries_every_address() {
    let mut w = World::new(1, [client(&[1, 2]), server(&[1, 2])]);
    w.dead = vec![ip(1, 1)];
    let a = w.connect(0, &to_server(&[1, 2]));
    w.run(Tc::from_ms(5000));
    assert_eq!(w.state(0, a), Some(State::Established));
    assert!(w.status(0, a).paths[1].primary);
}

#[test] // Spec: RFC 6951 §5.1, §5.3, §5.4 (in UDP, and after the peer's port changed in between)
fn udp_carries_it_and_follows_the_port() {
    let udp = |c: Config| Config { udp_port: Some(9899), ..c };
    let (mut w, a, b) = pair_of(udp(client(&[1])), server(&[1]), 1);
    assert!(w.log.iter().all(|(_, f)| f.udp == Some((9899, 9899))));
    assert_eq!(w.status(1, b).paths[0].udp_port, Some(9899));
    w.ends[0].udp_port = 40_001;
    w.send(0, a, ngap(0, "from elsewhere")).expect("room");
    w.flush(0);
    w.run(Tc::from_ms(300));
    assert_eq!(w.receive_all(1, b), [ngap(0, "from elsewhere")]);
    assert_eq!(w.status(1, b).paths[0].udp_port, Some(40_001));
    w.send(1, b, ngap(0, "there")).expect("room");
    w.flush(1);
    w.run(Tc::from_ms(300));
    assert_eq!(w.receive_all(0, a), [ngap(0, "there")]);
    // A stranger's packet, without the tag, moves nothing.
    let header = Header { source: CLIENT, destination: SERVER, tag: 1 };
    let mut chunk = Vec::new();
    put_chunk(&mut chunk, kind::HEARTBEAT, 0, &[0, 1, 0, 4]);
    w.inject(1, ip(1, 2), header, &chunk);
    assert_eq!(w.status(1, b).paths[0].udp_port, Some(40_001));
}
