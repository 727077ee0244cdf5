//! Host and gateway back to back: what a person does, without the air between.

use io::gateway::Gateway;
use io::host::{Host, HostEvent};
use io::policy::N6Policy;
use io::proxy::Proxy;
use nr::Tc;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};

const STEP: Tc = Tc::from_us(500);

struct World {
    now: Tc,
    host: Host,
    gateway: Gateway,
    lose_every: usize,
    count: usize,
}

impl World {
    fn new(policy: N6Policy) -> World {
        let page = Box::new(|ip: IpAddr, json| if json { "{}".into() } else { format!("hello {ip}") });
        let gateway = Gateway::new(Ipv4Addr::new(10, 45, 0, 1), "fd00:1::1".parse().unwrap(), 1400, policy, 7, page);
        let mut host = Host::new(1400, 8);
        host.set_ipv4(Ipv4Addr::new(10, 45, 0, 2));
        host.set_dns_server(Ipv4Addr::new(10, 45, 0, 1).into());
        World { now: Tc::ZERO, host, gateway, lose_every: usize::MAX, count: 0 }
    }
    fn step(&mut self) {
        self.now += STEP;
        self.host.poll(self.now);
        while let Some(p) = self.host.transmit() {
            self.count += 1;
            if !self.count.is_multiple_of(self.lose_every) {
                self.gateway.receive(p, self.now);
            }
        }
        self.gateway.poll(self.now);
        while let Some(p) = self.gateway.transmit() {
            self.count += 1;
            if !self.count.is_multiple_of(self.lose_every) {
                self.host.receive(p);
            }
        }
    }
    fn until<T>(&mut self, steps: usize, mut f: impl FnMut(HostEvent) -> Option<T>) -> T {
        for _ in 0..steps {
            self.step();
            while let Some(e) = self.host.event() {
                if let Some(t) = f(e) {
                    return t;
                }
            }
        }
        panic!("nothing came in {steps} steps");
    }
}

#[test] // Spec: RFC 792, RFC 1035, RFC 9293
fn ping_name_and_checked_transfers_work_with_losses() {
    let mut w = World::new(N6Policy::closed());
    w.host.ping(Ipv4Addr::new(10, 45, 0, 1).into(), 1, w.now);
    w.until(10, |e| matches!(e, HostEvent::Pong { seq: 1, .. }).then_some(()));
    let t = w.host.resolve("ironcell.test", false, w.now);
    let a = w.until(10, |e| match e {
        HostEvent::Resolved { ticket, addresses } if ticket == t => addresses.first().copied(),
        _ => None,
    });
    w.lose_every = 97;
    for upload in [false, true] {
        w.host.transfer(a, upload, 300_000, 5, w.now, Tc::from_ms(60_000));
        let r = w.until(120_000, |e| match e {
            HostEvent::Transfer(r) => Some(r),
            _ => None,
        });
        assert!(r.sha256_ok, "{r:?}");
        assert_eq!(r.bytes, 300_000);
    }
}

#[test] // Spec: ironcell docs (N6 policy)
fn a_refused_address_is_reset_and_a_dead_name_is_an_error() {
    let mut w = World::new(N6Policy::closed());
    let id = w.host.connect("127.0.0.1".parse().unwrap(), 80).unwrap();
    for _ in 0..10 {
        w.step();
    }
    assert!(!w.host.is_connecting(id) && !w.host.may_send(id));
    let t = w.host.resolve("nowhere.example", false, w.now);
    let n = w.until(10, |e| match e {
        HostEvent::Resolved { ticket, addresses } if ticket == t => Some(addresses.len()),
        _ => None,
    });
    assert_eq!(n, 0);
}

fn serve_once() -> u16 {
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = l.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut s, _) = l.accept().unwrap();
        let mut b = [0u8; 1024];
        let _ = s.read(&mut b);
        let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlocal");
    });
    port
}

fn through_proxy(w: &mut World, proxy: &mut Proxy, bytes: &[&[u8]]) -> Vec<u8> {
    let mut c = TcpStream::connect(proxy.address()).unwrap();
    c.set_read_timeout(Some(std::time::Duration::from_millis(1))).unwrap();
    let mut got = Vec::new();
    let mut sent = 0;
    for _ in 0..5000 {
        if sent < bytes.len() && got.len() >= 2 * sent {
            c.write_all(bytes[sent]).unwrap();
            sent += 1;
        }
        w.step();
        proxy.poll(&mut [&mut w.host], w.now);
        while let Some(e) = w.host.event() {
            if let HostEvent::Resolved { ticket, addresses } = e {
                proxy.resolved(0, ticket, &addresses, &mut [&mut w.host], w.now);
            }
        }
        let mut b = [0u8; 4096];
        match c.read(&mut b) {
            Ok(0) => break,
            Ok(n) => got.extend_from_slice(&b[..n]),
            Err(_) => {}
        }
    }
    got
}

#[test] // Spec: RFC 1928, RFC 9110 §9.3.6
fn proxies_reach_the_built_in_page_and_only_allowed_hosts() {
    let mut w = World::new(N6Policy::new(vec!["127.0.0.1/32".parse().unwrap()]));
    let mut proxy = Proxy::bind(None, None).unwrap();
    let name = b"ironcell.test";
    let mut request = vec![5, 1, 0, 3, name.len() as u8];
    request.extend_from_slice(name);
    request.extend_from_slice(&[0, 80]);
    request.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
    let got = through_proxy(&mut w, &mut proxy, &[&[5, 1, 0], &request]);
    assert!(got.ends_with(b"hello 10.45.0.2"), "{:?}", String::from_utf8_lossy(&got));
    let got =
        through_proxy(&mut w, &mut proxy, &[b"GET http://ironcell.test/ HTTP/1.1\r\nHost: ironcell.test\r\n\r\n"]);
    assert!(got.ends_with(b"hello 10.45.0.2"));
    let port = serve_once();
    let ask = format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n");
    let got = through_proxy(&mut w, &mut proxy, &[ask.as_bytes()]);
    assert!(got.ends_with(b"local"), "{:?}", String::from_utf8_lossy(&got));
    let mut w = World::new(N6Policy::new(vec![]));
    let got = through_proxy(&mut w, &mut proxy, &[ask.as_bytes()]);
    assert!(got.starts_with(b"HTTP/1.1 502"), "{:?}", String::from_utf8_lossy(&got));
}

#[test] // Spec: ironcell docs (proxy)
fn off_loopback_needs_a_password_and_a_taken_port_is_said() {
    assert!(Proxy::bind(Some("0.0.0.0:0".parse().unwrap()), None).is_err());
    let first = Proxy::bind(Some("127.0.0.1:0".parse().unwrap()), None).unwrap();
    assert!(Proxy::bind(Some(first.address()), None).is_err());
}

/// A second stack with the terminal's address, as the operating system behind a TUN is one: [`Host::owns`] divides.
#[test] // Spec: ironcell issue §1 (--tun), RFC 9293, RFC 792, RFC 1035
fn stack_and_tun_share_an_address_without_taking_each_others_packets() {
    let mut w = World::new(N6Policy::closed());
    w.host.keep_apart();
    // Another seed is another echo identifier.
    let mut system = Host::new(1400, 0x1234_5678);
    system.set_ipv4(Ipv4Addr::new(10, 45, 0, 2));
    let server: IpAddr = Ipv4Addr::new(10, 45, 0, 1).into();
    system.set_dns_server(server);
    let mut to_each = (0, 0);
    for h in [&mut w.host, &mut system] {
        h.transfer(server, false, 200_000, 5, w.now, Tc::from_ms(60_000));
        h.ping(server, 1, w.now);
        h.resolve("ironcell.test", false, w.now);
    }
    let mut done = [Vec::new(), Vec::new()];
    for _ in 0..20_000 {
        w.now += STEP;
        w.host.poll(w.now);
        system.poll(w.now);
        while let Some(p) = w.host.transmit().or_else(|| system.transmit()) {
            w.gateway.receive(p, w.now);
        }
        w.gateway.poll(w.now);
        while let Some(p) = w.gateway.transmit() {
            if w.host.owns(&p) {
                to_each.0 += 1;
                w.host.receive(p);
            } else {
                to_each.1 += 1;
                system.receive(p);
            }
        }
        done[0].extend(std::iter::from_fn(|| w.host.event()));
        done[1].extend(std::iter::from_fn(|| system.event()));
    }
    assert!(to_each.0 > 100 && to_each.1 > 100, "{to_each:?}");
    for events in done {
        assert_eq!(events.len(), 3, "{events:?}");
        assert!(events.iter().any(|e| matches!(e, HostEvent::Pong { seq: 1, .. })), "{events:?}");
        assert!(events.iter().any(|e| matches!(e, HostEvent::Resolved { addresses, .. } if addresses[..] == [server])));
        assert!(events.iter().any(|e| matches!(e, HostEvent::Transfer(r) if r.sha256_ok)), "{events:?}");
    }
    // Echo requests, and what nobody asked for, are the operating system's.
    let mut other = Host::new(1400, 3);
    other.set_ipv4(Ipv4Addr::new(10, 45, 0, 9));
    other.ping(Ipv4Addr::new(10, 45, 0, 2).into(), 1, w.now);
    other.connect(Ipv4Addr::new(10, 45, 0, 2).into(), 22);
    other.poll(w.now);
    let unasked: Vec<_> = std::iter::from_fn(|| other.transmit()).collect();
    assert!(unasked.len() == 2 && unasked.iter().all(|p| !w.host.owns(p)));
}
