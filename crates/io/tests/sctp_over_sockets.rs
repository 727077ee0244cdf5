//! Two SCTP endpoints on one reactor, over the sockets of this machine: in UDP, which needs nothing, and over raw IP, which needs the right
//! to raw sockets (`CAP_NET_RAW`) and says so where it is lacking. To see raw IP: `sudo -E cargo test -p io --test sctp_over_sockets -- --nocapture`.
#![cfg(target_os = "linux")]

use std::net::{IpAddr, Ipv4Addr};

use io::reactor::Reactor;
use io::sctp::{Carriage, SctpConfig, SctpEndpoint, SctpError};
use node::Rng;
use sctp::{AssociationId, CloseReason, Config, Event, Message, Remote};

fn here(n: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, n).into()
}

/// Lets both work until `done`.
fn run(
    reactor: &mut Reactor,
    ends: &mut [SctpEndpoint; 2],
    mut done: impl FnMut(&Reactor, &mut [SctpEndpoint; 2], usize, AssociationId, &Event) -> bool,
) {
    let limit = reactor.timer();
    let until = reactor.now() + nr::Tc::from_ms(20_000);
    reactor.arm(limit, Some(until));
    let mut ready = Vec::new();
    loop {
        for i in 0..2 {
            while let Some((id, event)) = ends[i].event() {
                if done(reactor, ends, i, id, &event) {
                    ends.iter_mut().for_each(|e| e.finish(reactor));
                    return reactor.remove(limit);
                }
            }
        }
        ends.iter_mut().for_each(|e| e.finish(reactor));
        reactor.wait(&mut ready).expect("a wait");
        for r in &ready {
            assert!(r.token != limit, "nothing came of it in 20 s");
            let taken = ends.iter_mut().any(|e| e.ready(reactor, r));
            assert!(taken, "{r:?} is nobody's");
        }
    }
}

fn exchange(carriage: Carriage, port: u16) -> Result<(), SctpError> {
    let mut reactor = Reactor::new().expect("a reactor");
    let server = Config { listen: true, addresses: vec![here(1)], ..Config::new(port) };
    let server = SctpConfig { carriage, udp_local: 0, ..SctpConfig::new(server) };
    let server = SctpEndpoint::open(&server, Rng::from_lab_seed(1), &mut reactor)?;
    let client = Config { addresses: vec![here(2)], ..Config::new(port + 1) };
    let client = SctpConfig { carriage, udp_remote: server.local()[0].port(), ..SctpConfig::new(client) };
    let client = SctpEndpoint::open(&client, Rng::from_lab_seed(2), &mut reactor)?;
    println!("{}\n{}", server.found(), client.found());
    let mut ends = [client, server];
    let a = ends[0].connect(&reactor, &Remote { port, addresses: vec![here(1)] }).expect("begun");
    let mut up = 0;
    run(&mut reactor, &mut ends, |_, _, _, _, e| {
        up += usize::from(matches!(e, Event::Up { .. }));
        up == 2
    });
    let made: Vec<Message> = (0..40u16)
        .map(|i| Message { stream: i % 16, ppid: 60, unordered: false, data: vec![i as u8; 1 + usize::from(i) * 1000] })
        .collect();
    for m in &made {
        ends[0].send(a, m.clone()).expect("room");
    }
    // The server sends everything back.
    let mut got = Vec::new();
    run(&mut reactor, &mut ends, |reactor, ends, i, id, e| {
        while let (true, Some(m)) = (*e == Event::Readable, ends[i].receive(reactor, id)) {
            match i {
                0 => got.push(m),
                _ => ends[1].send(id, m).expect("room"),
            }
        }
        got.len() == made.len()
    });
    got.sort_by_key(|m| m.data.len());
    assert_eq!(got, made);
    ends[0].shutdown(&reactor, a);
    let mut closed = 0;
    run(&mut reactor, &mut ends, |_, _, _, _, e| {
        closed += usize::from(*e == Event::Closed(CloseReason::Shutdown));
        closed == 2
    });
    ends.into_iter().for_each(|e| e.close(&mut reactor));
    Ok(())
}

#[test] // Spec: RFC 6951 §5.1 (between processes of ours: in UDP, from any port)
fn in_udp() {
    exchange(Carriage::Udp, 40_100).expect("UDP needs nothing");
}

#[test] // Spec: RFC 9260 §2 (IP protocol 132), TS 38.412 §7
fn over_raw_ip_where_it_is_allowed() {
    if let Err(e) = exchange(Carriage::Raw, 40_200) {
        println!("not tried: {e}");
    }
}

#[test] // Spec: ironcell issue §1 (`auto` takes what works, and says why)
fn something_always_works() {
    exchange(Carriage::Auto, 40_300).expect("UDP at least");
    assert_eq!("raw".parse(), Ok(Carriage::Raw));
    assert!("tcp".parse::<Carriage>().is_err());
}
