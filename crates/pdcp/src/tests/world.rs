//! Two entities and a link that loses and reorders, from a seed.

use super::{drb_setup, keys};
use crate::{End, Limits, Pdcp, PdcpEvent};
use node::{Outbox, Rng};
use nr::Tc;

#[test] // Spec: TS 38.323 §5.2.2 (in order, at most once; all of it where nothing is lost)
fn sdus_come_in_order_over_a_lossy_reordering_link() {
    for (seed, bits, loss, nea) in [(1, 12, 0.0, 1), (2, 18, 0.0, 2), (3, 12, 0.1, 3), (4, 18, 0.3, 2)] {
        let mut rng = Rng::from_lab_seed(seed);
        let mut tx = Pdcp::new(drb_setup(End::Ue, bits, false), Limits::default());
        let mut rx = Pdcp::new(drb_setup(End::Gnb, bits, false), Limits::default());
        let mut security = keys(seed as u8);
        security.nea = security::NeaAlg::new(nea).unwrap();
        security.nia = security::NiaAlg::new(4 - nea).unwrap();
        tx.secure(security, true);
        rx.secure(security, true);
        let mut air: Vec<(Tc, Vec<u8>)> = Vec::new();
        let mut out = Outbox::default();
        let mut got = Vec::new();
        let n = 6000u32;
        let mut now = Tc::ZERO;
        for i in 0..n + 400 {
            now += Tc::from_us(250);
            if i < n {
                let (pdu, _) = tx.send(now, i.to_be_bytes().to_vec()).unwrap();
                if rng.unit() >= loss {
                    air.push((now + Tc::from_us(250 * i64::from(rng.below(100))), pdu));
                }
            }
            for (_, pdu) in air.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
                rx.receive(now, pdu, &mut out);
            }
            if rx.deadline().is_some_and(|t| t <= now) {
                rx.timeout(now, &mut out);
            }
            got.extend(out.drain().map(|e| match e {
                PdcpEvent::Sdu { sdu, verified: true, .. } => u32::from_be_bytes(sdu.try_into().unwrap()),
                other => panic!("seed {seed}: {other:?}"),
            }));
        }
        assert!(got.is_sorted_by(|a, b| a < b), "seed {seed}");
        if loss == 0.0 {
            assert_eq!(got.len(), n as usize, "seed {seed}");
        } else {
            assert!(got.len() > n as usize / 2, "seed {seed}: {}", got.len());
        }
    }
}

#[test] // Spec: TS 38.323 §5.2.2.1 (a peer cannot grow memory, whatever it sends)
fn mutated_pdus_neither_panic_nor_grow_memory() {
    let mut rng = Rng::from_lab_seed(5);
    for secured in [false, true] {
        let mut tx = Pdcp::new(drb_setup(End::Ue, 18, true), Limits { held_bytes: 1 << 16, reorder_bytes: 1 << 14 });
        let mut rx = Pdcp::new(drb_setup(End::Gnb, 18, true), Limits { held_bytes: 1 << 16, reorder_bytes: 1 << 14 });
        if secured {
            tx.secure(keys(1), true);
            rx.secure(keys(1), true);
        }
        let mut out = Outbox::default();
        let mut now = Tc::ZERO;
        for _ in 0..10_000 {
            now += Tc::from_us(500);
            let mut pdu = match tx.send(now, vec![7; rng.below(100) as usize]) {
                Ok((pdu, _)) => pdu,
                Err(_) => {
                    tx.delivered_oldest(100);
                    continue;
                }
            };
            match rng.below(4) {
                0 => pdu.truncate(rng.below(8) as usize),
                1 => pdu[rng.below(3) as usize] ^= 1 << rng.below(8),
                2 => rng.fill(&mut pdu),
                _ => {}
            }
            rx.receive(now, pdu, &mut out);
            rx.timeout(now, &mut out);
            rx.status_report(&mut out);
            while let Some(e) = out.pop() {
                if let PdcpEvent::Transmit { pdu, .. } = e {
                    tx.receive(now, pdu, &mut Outbox::default());
                }
            }
            assert!(tx.held_bytes() <= 1 << 16);
        }
    }
    let mut data = vec![0; 4000];
    rng.fill(&mut data);
    crate::fuzz_one(&data);
}
