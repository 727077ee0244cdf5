//! Associations in a world of their own: two or more endpoints, and a network that loses, repeats, delays and reorders under a seed.

mod congestion;
mod data;
mod faults;
mod handshake;
mod rules;
mod termination;
mod world;

use core::net::{IpAddr, Ipv4Addr};

use nr::Tc;

use crate::{AssociationId, CloseReason, Config, Event, Message, Remote, SendError, State};
use world::World;

/// Port of the end that listens.
const SERVER: u16 = 38412;
const CLIENT: u16 = 50_000;

fn ip(net: u8, host: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, net, host).into()
}

fn server(nets: &[u8]) -> Config {
    Config { listen: true, addresses: nets.iter().map(|n| ip(*n, 1)).collect(), ..Config::new(SERVER) }
}

fn client(nets: &[u8]) -> Config {
    Config { addresses: nets.iter().map(|n| ip(*n, 2)).collect(), ..Config::new(CLIENT) }
}

fn to_server(nets: &[u8]) -> Remote {
    Remote { port: SERVER, addresses: nets.iter().map(|n| ip(*n, 1)).collect() }
}

/// A message of NGAP's.
fn ngap(stream: u16, data: impl Into<Vec<u8>>) -> Message {
    Message { stream, ppid: 60, unordered: false, data: data.into() }
}

/// Client 0 and server 1, connected on these networks.
fn pair(nets: &[u8], seed: u64) -> (World, AssociationId, AssociationId) {
    pair_of(client(nets), server(nets), seed)
}

fn pair_of(client: Config, server: Config, seed: u64) -> (World, AssociationId, AssociationId) {
    let n = server.addresses.len().min(client.addresses.len());
    let remote = Remote { port: server.port, addresses: server.addresses[..n.min(1)].to_vec() };
    let mut w = World::new(seed, [client, server]);
    let a = w.connect(0, &remote);
    w.run(Tc::from_ms(100));
    let b = w.up(1).expect("accepted");
    assert_eq!(w.up(0), Some(a));
    (w, a, b)
}
