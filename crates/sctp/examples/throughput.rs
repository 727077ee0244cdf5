//! How many messages a second two associations pass in memory on one core: `cargo run --release -p sctp --example throughput`.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use node::{Outbox, Rng};
use nr::Tc;
use sctp::{AssociationId, Config, Datagram, Endpoint, Event, Message, Output, Remote};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

struct Pair {
    ends: [Endpoint; 2],
    ids: [Option<AssociationId>; 2],
    out: [Outbox<Output>; 2],
    n_packets: u64,
    now: Tc,
}

impl Pair {
    /// Carries packets to and fro until there are none.
    fn carry(&mut self) {
        loop {
            let mut quiet = true;
            for i in 0..2 {
                while let Some(output) = self.out[i].pop() {
                    quiet = false;
                    match output {
                        Output::Transmit(t) => {
                            self.n_packets += 1;
                            let (from, to) = if i == 0 { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
                            let d = Datagram { from, to, udp_port: None, data: &t.data };
                            self.ends[1 - i].packet(self.now, &d, &mut self.out[1 - i]);
                        }
                        Output::Event(id, Event::Up { .. }) => self.ids[i] = Some(id),
                        Output::Event(..) => {}
                    }
                }
            }
            self.now += Tc::from_us(1);
            if quiet {
                return;
            }
        }
    }
}

fn run(len: usize, batch: usize, total: usize) {
    let client = Config { addresses: vec![CLIENT], ..Config::new(5000) };
    let server = Config { listen: true, addresses: vec![SERVER], ..Config::new(38412) };
    let mut p = Pair {
        ends: [
            Endpoint::new(client, Rng::from_lab_seed(1)).expect("a configuration"),
            Endpoint::new(server, Rng::from_lab_seed(2)).expect("a configuration"),
        ],
        ids: [None; 2],
        out: [Outbox::default(), Outbox::default()],
        n_packets: 0,
        now: Tc::from_ms(1),
    };
    let remote = Remote { port: 38412, addresses: vec![SERVER] };
    p.ids[0] = p.ends[0].connect(p.now, &remote, &mut p.out[0]).ok();
    p.carry();
    let (a, b) = (p.ids[0].expect("begun"), p.ids[1].expect("accepted"));
    let start = Instant::now();
    let (mut n_sent, mut n_got) = (0, 0);
    while n_got < total {
        for _ in 0..batch {
            let m = Message { stream: (n_sent % 16) as u16, ppid: 60, unordered: false, data: vec![7; len] };
            if p.ends[0].send(a, m).is_err() {
                break;
            }
            n_sent += 1;
        }
        p.ends[0].flush(p.now, &mut p.out[0]);
        p.carry();
        while let Some(m) = p.ends[1].receive(p.now, b, &mut p.out[1]) {
            assert_eq!(m.data.len(), len);
            n_got += 1;
        }
        p.now += Tc::from_us(100);
        for i in 0..2 {
            p.ends[i].timeout(p.now, &mut p.out[i]);
        }
    }
    let s = start.elapsed().as_secs_f64();
    println!(
        "{len:6} octets, {batch:3} a flush: {:9.0} messages/s, {:7.0} packets/s, {:6.2} Gb/s",
        n_got as f64 / s,
        p.n_packets as f64 / s,
        n_got as f64 * len as f64 * 8.0 / s / 1e9
    );
}

fn main() {
    for (len, batch, total) in
        [(20, 64, 2_000_000), (100, 64, 2_000_000), (100, 1, 1_000_000), (1400, 16, 500_000), (65_536, 1, 10_000)]
    {
        run(len, batch, total);
    }
}
