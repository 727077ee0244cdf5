//! PDUs that an independent derivation made: vectors/pdcp.manifest.toml.

use crate::{End, Limits, Pdcp, PdcpEvent, Security, Setup};
use node::Outbox;
use nr::{DrbId, Tc};
use seam::bearer::Bearer;
use security::{NeaAlg, NiaAlg};

fn hex(s: &str) -> Vec<u8> {
    (0..s.len()).step_by(2).map(|i| u8::from_str_radix(&s[i..i + 2], 16).unwrap()).collect()
}

#[test] // Spec: TS 38.323 §5.8, §5.9, §6.2.2; vectors: vectors/pdcp.manifest.toml (cryptography 50.0.2, seed 38323)
fn pdus_equal_the_independent_derivation() {
    let text = include_str!("../../../../vectors/pdcp.txt");
    let mut n = 0;
    for line in text.lines() {
        let f: Vec<&str> = line.split(' ').collect();
        let bearer = match f[0] {
            "srb1" => Bearer::Srb1,
            "srb2" => Bearer::Srb2,
            d => Bearer::Drb(DrbId::new(d[3..].parse().unwrap()).unwrap()),
        };
        let (from, to) = if f[1] == "ue" { (End::Ue, End::Gnb) } else { (End::Gnb, End::Ue) };
        let mut setup = Setup::srb(bearer, from);
        setup.acknowledged = false;
        setup.config.sn_bits = f[2].parse().unwrap();
        setup.config.integrity = f[4] == "1";
        setup.config.ciphering = f[5] == "1";
        setup.sdap_tx = f[6] == "1";
        let security = Security {
            nea: NeaAlg::new(f[7].parse().unwrap()).unwrap(),
            nia: NiaAlg::new(f[8].parse().unwrap()).unwrap(),
            enc: hex(f[9]).try_into().unwrap(),
            int: hex(f[10]).try_into().unwrap(),
        };
        let count: u32 = f[3].parse().unwrap();
        let (sdu, pdu) = (hex(f[11]), hex(f[12]));
        let mut tx = Pdcp::new(setup, Limits::default());
        tx.secure(security, true);
        tx.tx.set_next(count);
        assert_eq!(tx.send(Tc::ZERO, sdu.clone()).unwrap(), (pdu.clone(), count), "{line}");
        let mut rx = Pdcp::new(Setup { end: to, sdap_rx: setup.sdap_tx, ..setup }, Limits::default());
        rx.secure(security, true);
        rx.rx.set_next(count);
        let mut out = Outbox::default();
        rx.receive(Tc::ZERO, pdu, &mut out);
        match out.pop() {
            Some(PdcpEvent::Sdu { sdu: got, count: at, verified, .. }) => {
                assert_eq!((got, at, verified), (sdu, count, setup.config.integrity), "{line}");
            }
            other => panic!("{other:?}: {line}"),
        }
        n += 1;
    }
    assert_eq!(n, 60);
}
