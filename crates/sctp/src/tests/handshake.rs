use super::world::Flying;
use super::*;
use crate::wire::{
    Cause, Causes, Chunk, Header, Init, Parameters, kind, parameter, put_address, put_init, put_parameter,
};
use crate::{ConnectError, Counters};

fn ups(w: &mut World, i: usize) -> usize {
    w.events(i).iter().filter(|e| matches!(e, Event::Up { .. })).count()
}

#[test] // Spec: RFC 9260 §5.1, §5.1.1 (four packets; streams are the smaller of what each wants)
fn four_packets_make_an_association() {
    let (mut w, a, b) =
        pair_of(Config { streams_out: 10, streams_in: 3, ..client(&[1]) }, Config { streams_in: 4, ..server(&[1]) }, 1);
    let kinds: Vec<Vec<u8>> = w.log.iter().map(|(_, f)| f.kinds()).collect();
    assert_eq!(kinds, [[kind::INIT], [kind::INIT_ACK], [kind::COOKIE_ECHO], [kind::COOKIE_ACK]]);
    assert_eq!(w.log[0].1.header().tag, 0);
    let up = |accepted, port, address, streams| vec![Event::Up { accepted, port, address, streams }];
    assert_eq!(w.events(0), up(false, SERVER, ip(1, 1), (4, 3)));
    assert_eq!(w.events(1), up(true, CLIENT, ip(1, 2), (3, 4)));
    assert_eq!((w.status(0, a).streams, w.status(1, b).streams), ((4, 3), (3, 4)));
}

#[test] // Spec: RFC 9260 §5.1 (A, C), §4 (each packet of the handshake lost once, and T1 brings it again)
fn a_lost_packet_of_the_handshake_comes_again() {
    for lost in [kind::INIT, kind::INIT_ACK, kind::COOKIE_ECHO, kind::COOKIE_ACK] {
        let mut w = World::new(1, [client(&[1]), server(&[1])]);
        let mut n = 0;
        w.filter = Some(Box::new(move |f| {
            n += usize::from(f.has(lost));
            !f.has(lost) || n > 2
        }));
        let a = w.connect(0, &to_server(&[1]));
        w.run(Tc::from_ms(3500));
        assert_eq!((w.state(0, a), ups(&mut w, 0), ups(&mut w, 1)), (Some(State::Established), 1, 1), "chunk {lost}");
        // 1 s, then 2 s: the timer backs off.
        let repeated = if lost <= kind::INIT_ACK { kind::INIT } else { kind::COOKIE_ECHO };
        let times: Vec<i64> = w.sent(0, repeated).iter().map(|(at, _)| at.as_ms()).collect();
        assert_eq!((times.len(), times[1] - times[0], times[2] - times[1]), (3, 1000, 2000));
    }
}

#[test] // Spec: RFC 9260 §5.1 (Max.Init.Retransmits: nobody answers)
fn nobody_there_is_told_in_the_end() {
    for lost in [kind::INIT_ACK, kind::COOKIE_ACK] {
        let mut w = World::new(1, [Config { rto_max: Tc::from_ms(4000), ..client(&[1]) }, server(&[1])]);
        w.filter = Some(Box::new(move |f| !f.has(lost)));
        let a = w.connect(0, &to_server(&[1]));
        w.run(Tc::from_ms(40_000));
        assert_eq!(w.state(0, a), None);
        assert_eq!(w.events(0), [Event::Closed(CloseReason::Unanswered)]);
        let n = w.sent(0, if lost == kind::INIT_ACK { kind::INIT } else { kind::COOKIE_ECHO }).len();
        assert_eq!(n, 9, "once and eight times again");
    }
}

#[test] // Spec: RFC 9260 §5.1.3, §5.1 (B): a flood of INITs leaves nothing behind
fn inits_cost_no_memory() {
    let mut w = World::new(1, [server(&[1])]);
    let mut chunks = Vec::new();
    let init = Init { tag: 7, a_rwnd: 9000, outbound: 9, inbound: 9, tsn: 1, parameters: Parameters::new(&[]) };
    put_init(&mut chunks, kind::INIT, &init);
    for port in 1..20_000u16 {
        let header = Header { source: port, destination: SERVER, tag: 0 };
        let answers = w.inject(0, ip(1, 9), header, &chunks);
        assert_eq!((answers.len(), answers[0].header().tag), (1, 7));
        assert!(answers[0].data.len() < 200);
    }
    let e = &w.ends[0].endpoint;
    assert_eq!((e.associations().count(), e.deadline()), (0, None));
    assert_eq!(e.counters(), Counters { cookies: 19_999, ..Counters::default() });
}

#[test] // Spec: RFC 9260 §5.1.5 (a cookie that was changed, or that is somebody else's, is not believed)
fn forged_cookies_are_not_believed() {
    let (mut w, ..) = pair(&[1], 1);
    let echo = w.sent(0, kind::COOKIE_ECHO)[0].1.clone();
    let mut other = World::new(2, [client(&[1]), server(&[1])]);
    other.deliver(&echo);
    for at in 20..echo.data.len() {
        let mut changed = echo.data.clone();
        changed[at] ^= 1;
        crate::wire::seal(&mut changed);
        assert_eq!(other.inject_raw(1, ip(1, 2), &changed).len(), 0);
    }
    assert!(other.log.is_empty(), "no answer");
    assert_eq!(other.ends[1].endpoint.associations().count(), 0);
    // From an address that is not in it, or with another tag or port, not even by the one who made it.
    w.ends[1].endpoint =
        crate::Endpoint::new(server(&[1]), node::Rng::from_lab_seed(1).fork("end 1")).expect("the same");
    assert_eq!(w.inject_raw(1, ip(1, 77), &echo.data).len(), 0);
    for at in [1, 7] {
        let mut changed = echo.data.clone();
        changed[at] ^= 1;
        crate::wire::seal(&mut changed);
        assert_eq!(w.inject_raw(1, ip(1, 2), &changed).len(), 0);
    }
    assert_eq!(w.ends[1].endpoint.associations().count(), 0);
    assert_eq!(w.inject_raw(1, ip(1, 2), &echo.data)[0].kinds(), [kind::COOKIE_ACK]);
}

#[test] // Spec: RFC 9260 §5.2.6, §3.3.10.3 (a stale cookie is told; a new INIT asks for one that lives longer)
fn stale_cookies_are_told_and_asked_for_anew() {
    let mut w = World::new(1, [client(&[1]), Config { cookie_life: Tc::from_ms(500), ..server(&[1]) }]);
    let mut n = 0;
    w.filter = Some(Box::new(move |f| {
        n += usize::from(f.has(kind::COOKIE_ECHO));
        !(f.has(kind::COOKIE_ECHO) && n == 1) // the second comes after a second, too late
    }));
    let a = w.connect(0, &to_server(&[1]));
    w.run(Tc::from_ms(2000));
    assert_eq!(w.state(0, a), Some(State::Established));
    let error = &w.sent(0, kind::ERROR)[0].1;
    let cause = Causes::new(error.chunk(kind::ERROR).expect("an ERROR").value).next();
    assert!(matches!(cause, Some(Cause::StaleCookie(us)) if (400_000..600_000).contains(&us)), "{cause:?}");
    let inits = w.sent(0, kind::INIT);
    let Ok(Chunk::Init(init)) = inits[1].1.chunk(kind::INIT).expect("INIT").decode() else { panic!("INIT") };
    assert_eq!(init.parameters.flatten().next().map(|p| p.kind), Some(parameter::COOKIE_PRESERVATIVE));
    assert_eq!(w.ends[1].endpoint.counters().cookies_refused, 1);
}

#[test] // Spec: RFC 9260 §5.2.1, §5.2.4 (B, D): both begin at once, whatever is lost; one association comes of it
fn both_may_begin_at_once() {
    for seed in 0..60 {
        let config = |c: Config| Config { listen: true, ..c };
        let mut w = World::new(seed, [config(client(&[1])), config(server(&[1]))]);
        w.jitter = Tc::from_ms(20);
        w.loss = if seed % 3 == 0 { 0.0 } else { 0.2 };
        let a = w.connect(0, &to_server(&[1]));
        w.run(Tc::from_ms((seed % 4) as i64 * 3));
        let back = Remote { port: CLIENT, addresses: vec![ip(1, 2)] };
        let end = &mut w.ends[1];
        let b = match end.endpoint.connect(w.now, &back, &mut end.out) {
            Ok(b) => b,
            Err(ConnectError::Exists(b)) => b,
            Err(e) => panic!("{e}"),
        };
        w.collect();
        w.run(Tc::from_ms(60_000));
        w.loss = 0.0;
        assert_eq!((w.state(0, a), w.state(1, b)), (Some(State::Established), Some(State::Established)), "seed {seed}");
        assert_eq!((w.ends[0].endpoint.associations().count(), w.ends[1].endpoint.associations().count()), (1, 1));
        for (i, id, to, at) in [(0, a, 1, b), (1, b, 0, a)] {
            w.send(i, id, ngap(0, "hello")).expect("room");
            w.flush(i);
            w.run(Tc::from_ms(2000));
            assert_eq!(w.receive_all(to, at), [ngap(0, "hello")], "seed {seed}");
        }
    }
}

#[test] // Spec: RFC 9260 §5.2.4.1 (A): a peer that begins anew replaces its old self, under the same identifier
fn a_restarted_peer_is_taken_back() {
    let (mut w, _, b) = pair(&[1], 1);
    w.filter = Some(Box::new(|f| !f.has(kind::DATA)));
    for _ in 0..3 {
        w.send(1, b, ngap(0, "lost")).expect("room");
    }
    w.flush(1);
    w.filter = None;
    w.events(1);
    // The client's process dies and comes again.
    w.ends[0].endpoint = crate::Endpoint::new(client(&[1]), node::Rng::from_lab_seed(77)).expect("the same");
    w.ends[0].events.clear();
    let a = w.connect(0, &to_server(&[1]));
    w.run(Tc::from_ms(50));
    assert_eq!(w.events(1), [Event::Restarted { lost: 3, streams: (16, 16) }]);
    assert_eq!((w.state(0, a), w.state(1, b)), (Some(State::Established), Some(State::Established)));
    assert_eq!(w.ends[1].endpoint.associations().count(), 1);
    w.send(0, a, ngap(3, "again")).expect("room");
    w.send(1, b, ngap(4, "and back")).expect("room");
    w.flush(0);
    w.flush(1);
    w.run(Tc::from_ms(50));
    assert_eq!((w.receive_all(1, b), w.receive_all(0, a)), (vec![ngap(3, "again")], vec![ngap(4, "and back")]));
}

#[test] // Spec: RFC 9260 §5.2.2 (a restart may not bring new addresses: ABORT, and the association stays)
fn a_restart_with_new_addresses_is_refused() {
    let (mut w, _, b) = pair(&[1], 1);
    let mut listed = Vec::new();
    put_address(&mut listed, ip(66, 6));
    let init = Init { tag: 7, a_rwnd: 9000, outbound: 9, inbound: 9, tsn: 1, parameters: Parameters::new(&listed) };
    let mut chunks = Vec::new();
    put_init(&mut chunks, kind::INIT, &init);
    let answers = w.inject(1, ip(1, 2), Header { source: CLIENT, destination: SERVER, tag: 0 }, &chunks);
    let abort = answers[0].chunk(kind::ABORT).expect("an ABORT");
    assert_eq!(Causes::new(abort.value).next(), Some(Cause::RestartWithNewAddresses(listed)));
    assert_eq!((answers[0].header().tag, w.state(1, b)), (7, Some(State::Established)));
}

#[test] // Spec: RFC 9260 §5.2.4 (C: a late cookie is dropped; D: a repeated one is answered, nothing changes)
fn late_and_repeated_cookies_change_nothing() {
    let (mut w, a, b) = pair(&[1], 1);
    let echo = w.sent(0, kind::COOKIE_ECHO)[0].1.clone();
    w.events(1);
    let before = w.status(1, b);
    assert_eq!(w.inject_raw(1, ip(1, 2), &echo.data)[0].kinds(), [kind::COOKIE_ACK]);
    w.run(Tc::from_ms(100_000));
    assert_eq!(w.inject_raw(1, ip(1, 2), &echo.data)[0].kinds(), [kind::COOKIE_ACK], "D, even when it is stale");
    assert_eq!((w.status(1, b).streams, w.events(1).len()), (before.streams, 0));
    // C: an INIT of before the association, whose cookie comes after it, with another tag of ours and no ties.
    let (mut w2, _, b2) = {
        let mut w2 = World::new(9, [client(&[1]), server(&[1])]);
        w2.connect(0, &to_server(&[1]));
        let init = w2.log[0].1.clone();
        w2.deliver(&init); // a repeated INIT: a second cookie
        w2.run(Tc::from_ms(100));
        let b2 = w2.up(1).expect("up");
        (w2, a, b2)
    };
    let acks = w2.sent(0, kind::INIT_ACK);
    assert_eq!(acks.len(), 2);
    let unused = cookie_packet(&w2.log[0].1, &acks[1].1);
    let used = w2.sent(0, kind::COOKIE_ECHO)[0].1.clone();
    let unused = if unused.data == used.data { cookie_packet(&w2.log[0].1, &acks[0].1) } else { unused };
    assert!(w2.inject_raw(1, ip(1, 2), &unused.data).is_empty());
    assert_eq!(w2.state(1, b2), Some(State::Established));
}

#[test] // Spec: RFC 9260 §5.2.4 (both tags differ and the ties do not match: the cookie of an INIT from before the association restarts nothing)
fn a_cookie_of_another_life_restarts_nothing() {
    let mut w = World::new(3, [client(&[1]), server(&[1])]);
    let init = Init { tag: 7, a_rwnd: 9000, outbound: 9, inbound: 9, tsn: 1, parameters: Parameters::new(&[]) };
    let mut chunks = Vec::new();
    put_init(&mut chunks, kind::INIT, &init);
    let ack = w.inject(1, ip(1, 2), Header { source: CLIENT, destination: SERVER, tag: 0 }, &chunks).remove(0);
    w.connect(0, &to_server(&[1]));
    w.run(Tc::from_ms(100));
    let (b, refused) = (w.up(1).expect("accepted"), w.ends[1].endpoint.counters().cookies_refused);
    w.events(1);
    let late = cookie_packet(&w.log[0].1, &ack);
    assert!(w.inject_raw(1, ip(1, 2), &late.data).is_empty());
    assert_eq!((w.state(1, b), w.events(1).len()), (Some(State::Established), 0));
    assert_eq!(w.ends[1].endpoint.counters().cookies_refused, refused + 1);
}

/// The COOKIE ECHO for an INIT ACK.
fn cookie_packet(init: &Flying, ack: &Flying) -> Flying {
    let Ok(Chunk::InitAck(i)) = ack.chunk(kind::INIT_ACK).expect("INIT ACK").decode() else { panic!("INIT ACK") };
    let cookie = i.parameters.flatten().find(|p| p.kind == parameter::STATE_COOKIE).expect("a cookie");
    let mut data = Vec::new();
    Header { source: CLIENT, destination: SERVER, tag: i.tag }.put(&mut data);
    crate::wire::put_chunk(&mut data, kind::COOKIE_ECHO, 0, cookie.value);
    crate::wire::seal(&mut data);
    Flying { data, ..init.clone() }
}

#[test] // Spec: RFC 9260 §3.2.1, §3.3.3 (unknown parameters: reported where the second bit says so, the rest skipped where the first says so)
fn unknown_parameters_are_treated_by_their_bits() {
    for (unknown, reported, goes_on) in [
        (0x3fff, false, false),
        (0x7fff, true, false),
        (0xbfff, false, true),
        (0xffff, true, true),
        (0xc000, true, true),
    ] {
        let mut w = World::new(1, [server(&[1])]);
        let mut list = Vec::new();
        put_parameter(&mut list, unknown, b"what");
        put_parameter(&mut list, 0xc001, b"more");
        let init = Init { tag: 7, a_rwnd: 9000, outbound: 9, inbound: 9, tsn: 1, parameters: Parameters::new(&list) };
        let mut chunks = Vec::new();
        put_init(&mut chunks, kind::INIT, &init);
        let answers = w.inject(0, ip(1, 2), Header { source: CLIENT, destination: SERVER, tag: 0 }, &chunks);
        let Ok(Chunk::InitAck(ack)) = answers[0].chunk(kind::INIT_ACK).expect("INIT ACK").decode() else { panic!() };
        let told: Vec<u16> = ack
            .parameters
            .flatten()
            .filter(|p| p.kind == parameter::UNRECOGNIZED)
            .map(|p| p.value[0] as u16 * 256 + p.value[1] as u16)
            .collect();
        let mut want = Vec::new();
        want.extend(reported.then_some(unknown));
        want.extend(goes_on.then_some(0xc001));
        assert_eq!(told, want);
    }
}

#[test] // Spec: RFC 9260 §3.3.2 (what an INIT may not say), §8.4 (3: not listening), §5.1 (out of resource)
fn bad_inits_are_refused() {
    let ok = Init { tag: 7, a_rwnd: 9000, outbound: 9, inbound: 9, tsn: 1, parameters: Parameters::new(&[]) };
    let header = Header { source: CLIENT, destination: SERVER, tag: 0 };
    let ask = |config: Config, header: Header, init: &Init<'_>, more: &[u8]| {
        let mut w = World::new(1, [config]);
        let mut chunks = Vec::new();
        put_init(&mut chunks, kind::INIT, init);
        chunks.extend_from_slice(more);
        let answers = w.inject(0, ip(1, 2), header, &chunks);
        answers.first().map(|f| (f.kinds()[0], f.header().tag))
    };
    let mut host = Vec::new();
    put_parameter(&mut host, parameter::HOST_NAME, b"amf.example");
    let mut short = Vec::new();
    put_parameter(&mut short, parameter::IPV4, &[1, 2, 3]);
    assert_eq!(ask(server(&[1]), header, &ok, &[]), Some((kind::INIT_ACK, 7)));
    for bad in [
        Init { outbound: 0, ..ok },
        Init { inbound: 0, ..ok },
        Init { a_rwnd: 1499, ..ok },
        Init { parameters: Parameters::new(&host), ..ok },
        Init { parameters: Parameters::new(&short), ..ok },
        Init { parameters: Parameters::new(&[0, 5, 0, 3]), ..ok },
    ] {
        assert_eq!(ask(server(&[1]), header, &bad, &[]), Some((kind::ABORT, 7)), "{bad:?}");
    }
    assert_eq!(ask(server(&[1]), header, &Init { tag: 0, ..ok }, &[]), None);
    assert_eq!(ask(server(&[1]), Header { tag: 1, ..header }, &ok, &[]), None);
    assert_eq!(ask(server(&[1]), header, &ok, &[11, 0, 0, 4]), None, "not alone");
    assert_eq!(ask(Config { listen: false, ..server(&[1]) }, header, &ok, &[]), Some((kind::ABORT, 7)));
    let (mut w, ..) = pair_of(client(&[1]), Config { associations_max: 1, ..server(&[1]) }, 1);
    let mut chunks = Vec::new();
    put_init(&mut chunks, kind::INIT, &ok);
    let answers = w.inject(1, ip(1, 3), header, &chunks);
    let abort = answers[0].chunk(kind::ABORT).expect("an ABORT");
    assert_eq!(Causes::new(abort.value).next(), Some(Cause::OutOfResource));
}

#[test] // Spec: RFC 9260 §3.3.3, §5.2.3 (what an INIT ACK may not say; one that nobody asked for is dropped)
fn bad_init_acks_end_it() {
    let ok = |parameters| Init { tag: 9, a_rwnd: 9000, outbound: 9, inbound: 9, tsn: 1, parameters };
    let mut cookie = Vec::new();
    put_parameter(&mut cookie, parameter::STATE_COOKIE, b"a cookie");
    let cookie = Parameters::new(&cookie);
    for (init, told) in [
        (ok(Parameters::new(&[])), true),
        (Init { outbound: 0, ..ok(cookie) }, true),
        (Init { a_rwnd: 1, ..ok(cookie) }, true),
        (Init { tag: 0, ..ok(cookie) }, false),
    ] {
        let mut w = World::new(1, [client(&[1])]);
        let a = w.connect(0, &to_server(&[1]));
        let Ok(Chunk::Init(sent)) = w.log[0].1.chunk(kind::INIT).expect("INIT").decode() else { panic!() };
        let mut chunks = Vec::new();
        put_init(&mut chunks, kind::INIT_ACK, &init);
        let header = Header { source: SERVER, destination: CLIENT, tag: sent.tag };
        let wrong = Header { tag: sent.tag ^ 1, ..header };
        assert!(w.inject(0, ip(1, 1), wrong, &chunks).is_empty());
        assert_eq!(w.state(0, a), Some(State::CookieWait));
        let answers = w.inject(0, ip(1, 1), header, &chunks);
        assert_eq!(answers.iter().map(|f| (f.kinds()[0], f.header().tag)).next(), told.then_some((kind::ABORT, 9)));
        assert!(matches!(w.events(0)[..], [Event::Closed(CloseReason::Violation { .. })]));
    }
    let (mut w, a, _) = pair(&[1], 1);
    let ack = w.sent(0, kind::INIT_ACK)[0].1.clone();
    assert!(w.inject_raw(0, ip(1, 1), &ack.data).is_empty());
    assert_eq!(w.state(0, a), Some(State::Established));
}
