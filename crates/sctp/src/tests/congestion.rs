use super::*;
use crate::wire::{Data, kind};

/// DATA of one packet each, `n` of them.
fn stream(w: &mut World, a: AssociationId, n: usize) {
    for i in 0..n {
        w.send(0, a, ngap(0, vec![i as u8; 1440])).expect("room");
    }
    w.flush(0);
}

#[test] // Spec: RFC 9260 §7.2.1 (slow start: the window doubles in each round trip), §6.1 (Max.Burst)
fn slow_start_doubles() {
    let (mut w, a, b) = pair(&[1], 1);
    w.delay = Tc::from_ms(50);
    let n = w.log.len();
    stream(&mut w, a, 300);
    let start = w.now;
    let mut sizes = Vec::new();
    for round in 0..4 {
        w.run(Tc::from_ms(100));
        let count = |from: i64, to: i64| {
            w.sent(n, kind::DATA).iter().filter(|(at, _)| (from..to).contains(&(*at - start).as_ms())).count()
        };
        sizes.push(count(round * 100, round * 100 + 100));
    }
    assert_eq!(sizes[0], 4, "4404 octets, begun or not, are up to four packets");
    assert!(sizes[1] > sizes[0] && sizes[2] > sizes[1] && sizes[3] > sizes[2], "{sizes:?}");
    assert!(sizes[3] <= 8 * sizes[0], "{sizes:?}");
    w.run(Tc::from_ms(3000));
    assert_eq!(w.receive_all(1, b).len(), 300);
    let sacks = w.sent(n, kind::SACK);
    let mut bursts = std::collections::BTreeMap::new();
    w.sent(n, kind::DATA).iter().for_each(|(at, _)| *bursts.entry(at.0).or_insert(0) += 1);
    for (at, n) in bursts.iter().skip(1) {
        let came = sacks.iter().filter(|(t, _)| t.0 + w.delay.0 == *at).count();
        assert!(*n <= 4 * came, "each SACK lets 4 packets go at most: {n} after {came}");
    }
}

#[test] // Spec: RFC 9260 §7.2.4 (a lost packet comes again after three reports, without the timer; the window is halved once)
fn a_lost_packet_comes_again_fast() {
    let (mut w, a, b) = pair(&[1], 1);
    stream(&mut w, a, 40);
    w.run(Tc::from_ms(400));
    let mut n = 0;
    w.filter = Some(Box::new(move |f| {
        n += usize::from(f.has(kind::DATA));
        !(f.has(kind::DATA) && (n == 1 || n == 3))
    }));
    let before = w.log.len();
    let cwnd = w.status(0, a).paths[0].cwnd;
    let at = w.now;
    stream(&mut w, a, 40);
    let mut got = 0;
    w.run_until(Tc::from_ms(900), |w| {
        got += w.receive_all(1, b).len();
        got == 80
    });
    assert!(w.now - at < Tc::from_ms(300), "{} ms, the timer is 1 s", (w.now - at).as_ms());
    let sent = w.sent(before, kind::DATA).len();
    assert_eq!(sent, 42, "only what was lost was sent twice");
    let path = w.status(0, a).paths[0].clone();
    assert!(path.ssthresh >= cwnd / 2 && path.ssthresh < cwnd, "halved once: {} of {cwnd}", path.ssthresh);
}

#[test] // Spec: RFC 9260 §6.3.3, §7.2.3 (the timer: one packet of what was lost, then as the window allows)
fn a_timeout_begins_small() {
    let (mut w, a, b) = pair(&[1], 1);
    stream(&mut w, a, 40);
    w.run(Tc::from_ms(400));
    w.receive_all(1, b);
    w.dead = vec![ip(1, 1)];
    let n = w.log.len();
    stream(&mut w, a, 40);
    w.run(Tc::from_ms(900));
    let flight = w.sent(n, kind::DATA).len();
    assert!(flight >= 4);
    w.dead.clear();
    let n = w.log.len();
    w.run_until(Tc::from_ms(200), |w| !w.sent(n, kind::DATA).is_empty());
    assert_eq!(w.sent(n, kind::DATA).len(), 1);
    assert_eq!(w.status(0, a).paths[0].cwnd, 1480);
    w.run(Tc::from_ms(1000));
    assert_eq!(w.receive_all(1, b).len(), 40);
}

#[test] // Spec: RFC 9260 §6.2.1 (D iii: what the peer no longer reports is sent again)
fn a_peer_may_take_its_word_back() {
    let (mut w, a, b) = pair(&[1], 1);
    let mut n = 0;
    w.filter = Some(Box::new(move |f| {
        n += usize::from(f.has(kind::DATA));
        !(f.has(kind::DATA) && n == 1)
    }));
    stream(&mut w, a, 3);
    w.run(Tc::from_ms(20));
    w.filter = Some(Box::new(|f| !f.has(kind::DATA)));
    let header = w.sent(0, kind::COOKIE_ACK)[0].1.header();
    let first = w.sent(0, kind::DATA)[0].1.clone();
    let tsn = u32::from_be_bytes([first.data[16], first.data[17], first.data[18], first.data[19]]);
    let mut sack = Vec::new();
    crate::wire::put_sack(&mut sack, (tsn.wrapping_sub(1), 50_000), &[], &[], 100);
    w.filter = None;
    let n = w.log.len();
    let mut packet = Vec::new();
    header.put(&mut packet);
    packet.extend_from_slice(&sack);
    crate::wire::seal(&mut packet);
    let f = super::world::Flying { from: ip(1, 1), to: ip(1, 2), udp: None, data: packet };
    w.deliver(&f);
    assert_eq!(w.sent(n, kind::DATA).len(), 2, "the two that had been reported");
    w.run(Tc::from_ms(3000));
    assert_eq!(w.receive_all(1, b).len(), 3);
}

#[test] // Spec: RFC 9260 §6.9 (no packet is longer than the path takes, whatever is bundled)
fn packets_fit() {
    let (mut w, a, b) = pair_of(Config { mtu: 576, ..client(&[1]) }, server(&[1]), 1);
    for n in 1..200usize {
        w.send(0, a, ngap(0, vec![0; n * 7])).expect("room");
    }
    w.flush(0);
    w.run(Tc::from_ms(10_000));
    assert_eq!(w.receive_all(1, b).len(), 199);
    let longest = w.log.iter().filter(|(_, f)| f.from == ip(1, 2)).map(|(_, f)| f.data.len()).max();
    assert_eq!(longest, Some(556));
    assert!(w.n_data() > 199 && 556 > Data::HEADER_LEN);
}
