//! An SCTP peer to try against others: it sends back what it gets, or sends and checks what comes back.
//!
//!     sctp_peer serve   auto|kernel|raw|udp LOCAL,... PORT
//!     sctp_peer connect auto|kernel|raw|udp LOCAL,... PORT REMOTE REMOTE_PORT shutdown|abort|leave
//!
//! `connect` sends 20 messages on five streams, and two of 65 536 octets, all with payload protocol identifier 60, waits for them to come
//! back, and ends as it is told; `leave` just goes, so that the next `connect` from the same port is a restart.

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Read;

    use io::reactor::Reactor;
    use io::sctp::{SctpConfig, SctpEndpoint};
    use node::Rng;
    use sctp::{Config, Event, Message, Remote};

    pub fn main() {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let word = |i: usize| args.get(i).map_or("", String::as_str);
        let port = word(3).parse().expect("a port");
        let addresses = word(2).split(',').map(|a| a.parse().expect("an address")).collect();
        let node = Config { listen: word(0) == "serve", addresses, ..Config::new(port) };
        let config = SctpConfig { carriage: word(1).parse().expect("a carriage"), ..SctpConfig::new(node) };
        let mut entropy = [0; 32];
        std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut entropy)).expect("entropy");
        let mut reactor = Reactor::new().expect("a reactor");
        let mut end = SctpEndpoint::open(&config, Rng::from_entropy(entropy), &mut reactor).expect("an endpoint");
        println!("{}", end.found());
        let made = messages();
        let mut mine = None;
        if word(0) == "connect" {
            let remote = Remote {
                port: word(5).parse().expect("a port"),
                addresses: word(4).split(',').map(|a| a.parse().expect("an address")).collect(),
            };
            mine = Some(end.connect(&reactor, &remote).expect("begun"));
        }
        let (mut ready, mut got) = (Vec::new(), Vec::new());
        loop {
            while let Some((id, event)) = end.event() {
                println!("{id}: {event:?}");
                match event {
                    Event::Up { .. } if mine.is_some() => {
                        made.iter().for_each(|m| end.send(id, m.clone()).expect("room"));
                    }
                    Event::Readable => {
                        while let Some(m) = end.receive(&reactor, id) {
                            println!("{id}: {} octets on stream {}, PPID {}", m.data.len(), m.stream, m.ppid);
                            match mine {
                                Some(_) => got.push(m),
                                None => end.send(id, m).expect("room"),
                            }
                        }
                    }
                    Event::Closed(_) if mine.is_some() => return,
                    _ => {}
                }
                if mine.is_some() && got.len() == made.len() {
                    let order = |m: &Message| (m.stream, m.data.len(), m.data[0]);
                    let (mut x, mut y) = (core::mem::take(&mut got), made.clone());
                    x.sort_by_key(order);
                    y.sort_by_key(order);
                    assert!(x == y, "what came back is something else");
                    println!("all {} came back as they went", made.len());
                    match word(6) {
                        "shutdown" => end.shutdown(&reactor, id),
                        "abort" => end.abort(&reactor, id, b"enough"),
                        _ => {
                            end.finish(&mut reactor);
                            return;
                        }
                    }
                }
            }
            end.finish(&mut reactor);
            reactor.wait(&mut ready).expect("a wait");
            ready.iter().for_each(|r| assert!(end.ready(&reactor, r)));
        }
    }

    fn messages() -> Vec<Message> {
        let small = (0..20u16).map(|i| (i % 5, 10 + usize::from(i) * 13, i as u8));
        small
            .chain([(1, 65_536, 100), (2, 65_536, 101)])
            .map(|(stream, len, value)| Message { stream, ppid: 60, unordered: false, data: vec![value; len] })
            .collect()
    }
}
