//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::gateway::Gateway;
use crate::host::Host;
use crate::policy::N6Policy;
use crate::services::{self, HttpServer};
use nr::Tc;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets that an HTTP answer is read to; a download may be as large as a client asks for.
const READ_MAX: usize = 1 << 14;

/// One run of a fuzzer over the services: the first octet chooses DNS or HTTP.
///
/// # Panics
/// If an answer that was made for a DNS query is none to it: a bug of this crate.
pub fn fuzz_services(data: &[u8]) {
    match data.split_first() {
        Some((kind, rest)) if kind & 1 == 0 => dns(rest),
        Some((_, rest)) => http(rest),
        None => {}
    }
}

fn dns(data: &[u8]) {
    let id = data.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
    let _ = services::dns_addresses(id, data);
    let Some(question) = services::dns_question(data) else { return };
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    if let Some(answer) = services::dns_answer(&question, true, &addresses) {
        let found = services::dns_addresses(question.id, &answer);
        assert!(found.is_some_and(|found| found.contains(&addresses[usize::from(question.ipv6)])));
    }
}

fn http(data: &[u8]) {
    // Digests of large downloads cost seconds: not the point here.
    if data.windows(6).any(|w| w == b"bytes=") && data.iter().filter(|b| b.is_ascii_digit()).count() > 6 {
        return;
    }
    let mut server = HttpServer::default();
    let mut out = [0; 512];
    for piece in data.chunks(1 + data.len() / 3) {
        server.push(piece, &|| "page".into(), &|| "{}".into());
    }
    let mut read = 0;
    while read < READ_MAX && !server.is_finished() {
        match server.pull(&mut out) {
            0 => break,
            n => read += n,
        }
    }
}

/// One run of a fuzzer over the stacks: IP packets, each with its length before it, to the gateway and to a terminal's host.
pub fn fuzz_packets(data: &[u8]) {
    let (ipv4, ipv6) = (Ipv4Addr::new(10, 45, 0, 1), Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1));
    let page = Box::new(|_, _| String::from("page"));
    // A closed policy: nothing leaves this machine.
    let mut gateway = Gateway::new(ipv4, ipv6, 1400, N6Policy::closed(), 1, page);
    let mut host = Host::new(1400, 1);
    host.set_ipv4(Ipv4Addr::new(10, 45, 0, 2));
    host.set_interface_id([0, 0, 0, 0, 0, 0, 0, 2], Tc::ZERO);
    host.set_dns_server(ipv4.into());
    let _ = host.resolve("ironcell.test", false, Tc::ZERO);
    let (mut now, mut rest) = (Tc::ZERO, data);
    while let Some((n, tail)) = rest.split_first() {
        let (packet, tail) = tail.split_at(tail.len().min(usize::from(*n)));
        rest = tail;
        now += Tc::from_ms(1);
        gateway.receive(packet.to_vec(), now);
        host.receive(packet.to_vec());
        gateway.poll(now);
        host.poll(now);
        while let Some(packet) = host.transmit() {
            gateway.receive(packet, now);
        }
        gateway.poll(now);
        while let Some(packet) = gateway.transmit() {
            host.receive(packet);
        }
        while host.event().is_some() {}
    }
}
