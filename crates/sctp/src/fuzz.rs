//! What an endpoint must stand: for the fuzz target and for tests.

use std::collections::VecDeque;

use core::net::{IpAddr, Ipv4Addr};
use node::{Outbox, Rng, Script};
use nr::Tc;

use crate::wire::{Chunks, Header, Packet, seal};
use crate::{AssociationId, Config, Datagram, Endpoint, Event, Message, Output, Remote, Transmit};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

struct End {
    endpoint: Endpoint,
    out: Outbox<Output>,
    id: Option<AssociationId>,
    /// Header of its last packet: its peer's ports and tag.
    last: Option<Header>,
    n_received: usize,
}

impl End {
    fn new(config: Config, seed: u64) -> Option<End> {
        let endpoint = Endpoint::new(config, Rng::from_lab_seed(seed)).ok()?;
        Some(End { endpoint, out: Outbox::default(), id: None, last: None, n_received: 0 })
    }
}

/// One run of a fuzzer: `data` is a script for two endpoints and the network between them, which loses, repeats, changes and invents
/// packets; invented ones carry the right tag and checksum.
///
/// # Panics
/// If a bound is broken, or messages arrive that nobody can have sent: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    let small =
        |c: Config| Config { receive_buffer: 8192, send_buffer: 16_384, message_max: 4096, associations_max: 4, ..c };
    let server = Config { listen: true, addresses: vec![SERVER], ..Config::new(38412) };
    let client = Config { listen: true, addresses: vec![CLIENT], ..Config::new(5000) };
    let (Some(client), Some(server)) = (End::new(small(client), 1), End::new(small(server), 2)) else { return };
    let mut ends = [client, server];
    let mut air: VecDeque<(usize, Transmit)> = VecDeque::new();
    let mut now = Tc::from_ms(1);
    let mut s = Script::new(data);
    while let Some(op) = s.op() {
        let i = usize::from(op >> 7);
        match op & 15 {
            0 => {
                let (port, address) = if i == 0 { (38412, SERVER) } else { (5000, CLIENT) };
                let End { endpoint, out, id, .. } = &mut ends[i];
                *id = endpoint.connect(now, &Remote { port, addresses: vec![address] }, out).ok().or(*id);
            }
            1 | 2 => {
                let (stream, unordered, n) = (s.u8().into(), s.bit(), usize::from(s.u16()) % 5000);
                let message = Message { stream, ppid: 60, unordered, data: vec![stream as u8; n] };
                let End { endpoint, out, id, .. } = &mut ends[i];
                let _ = id.map(|id| endpoint.send(id, message));
                if op & 1 == 0 {
                    endpoint.flush(now, out);
                }
            }
            3..=6 => deliver(&mut ends, &mut air, now, |t| Some(t.data)),
            7 => deliver(&mut ends, &mut air, now, |_| None),
            8 => deliver(&mut ends, &mut air, now, |t| {
                let mut data = s.changed(t.data);
                seal(&mut data);
                Some(data)
            }),
            9 => {
                if let Some(first) = air.front().cloned() {
                    air.push_back(first);
                }
            }
            10 => {
                let header = ends[1 - i].last.unwrap_or(Header { source: 9, destination: 9, tag: s.u32() });
                let mut data = Vec::new();
                header.put(&mut data);
                data.extend_from_slice(s.bytes());
                seal(&mut data);
                packet(&mut ends, i, now, None, &data);
            }
            11 => {
                let End { endpoint, out, id, n_received, .. } = &mut ends[i];
                while let Some(m) = id.and_then(|id| endpoint.receive(now, id, out)) {
                    assert!(m.data.len() <= 4096);
                    *n_received += 1;
                }
            }
            12 => {
                let End { endpoint, out, id, .. } = &mut ends[i];
                let _ = id.map(|id| endpoint.shutdown(now, id, out));
            }
            13 => {
                let End { endpoint, out, id, .. } = &mut ends[i];
                let _ = id.map(|id| endpoint.abort(now, id, b"why", out));
            }
            14 => {
                now += s.time();
                for end in &mut ends {
                    end.endpoint.timeout(now, &mut end.out);
                    assert!(end.endpoint.deadline().is_none_or(|at| at > now));
                }
            }
            _ => {
                packet(&mut ends, i, now, Some(9000 + u16::from(s.u8())), s.bytes());
            }
        }
        collect(&mut ends, &mut air);
    }
}

fn collect(ends: &mut [End; 2], air: &mut VecDeque<(usize, Transmit)>) {
    for (i, end) in ends.iter_mut().enumerate() {
        for output in end.out.drain() {
            match output {
                Output::Transmit(t) => {
                    let Ok(p) = Packet::decode(&t.data) else { unreachable!("a packet that is none") };
                    assert!(p.chunks().all(|c| c.is_ok()) && t.data.len() <= 1480);
                    end.last = Some(p.header);
                    if air.len() < 256 {
                        air.push_back((1 - i, t));
                    }
                }
                Output::Event(id, Event::Up { .. }) => end.id = Some(id),
                Output::Event(..) => {}
            }
        }
        assert!(end.endpoint.associations().count() <= 4);
        for id in end.endpoint.associations() {
            let Some(status) = end.endpoint.status(id) else { continue };
            assert!(status.buffered <= 16_384 && status.window <= 8192 && status.paths.len() <= 9);
        }
    }
}

fn deliver(
    ends: &mut [End; 2],
    air: &mut VecDeque<(usize, Transmit)>,
    now: Tc,
    f: impl FnOnce(Transmit) -> Option<Vec<u8>>,
) {
    let Some((to, t)) = air.pop_front() else { return };
    let udp_port = t.udp_port;
    if let Some(data) = f(t) {
        packet(ends, to, now, udp_port, &data);
    }
}

fn packet(ends: &mut [End; 2], to: usize, now: Tc, udp_port: Option<u16>, data: &[u8]) {
    let (from, here) = if to == 0 { (SERVER, CLIENT) } else { (CLIENT, SERVER) };
    for chunk in Chunks::new(data).take(64).flatten() {
        let _ = chunk.decode();
    }
    let End { endpoint, out, .. } = &mut ends[to];
    endpoint.packet(now, &Datagram { from, to: here, udp_port, data }, out);
}
