//! What a packet of 1400 bytes costs in RLC (AM, 18 bits) with MAC, and in PDCP, one core: `cargo run --release -p ue-l2 --example
//! ns_per_packet`.

use mac::{DlReader, DlSubPdu, PduBuilder};
use node::Outbox;
use nr::{DrbId, Tc};
use pdcp::{End, Pdcp, PdcpEvent, Security, Setup};
use rlc::{Limits, Rlc, RlcConfig, RlcEvent};
use seam::bearer::Bearer;
use security::{NeaAlg, NiaAlg};
use std::time::Instant;

const N: u32 = 200_000;
const LEN: usize = 1400;

fn rlc_and_mac() {
    let config = RlcConfig::Am {
        sn_bits: 18,
        t_poll_retransmit_ms: 40,
        poll_pdu: Some(64),
        poll_byte: Some(125_000),
        max_retx_threshold: 32,
        t_reassembly_ms: 20,
        t_status_prohibit_ms: 5,
    };
    let (mut a, mut b) = (Rlc::new(&config, Limits::default()), Rlc::new(&config, Limits::default()));
    let (mut out, mut block) = (Outbox::default(), vec![0; 20_000]);
    let (mut now, mut pushed, mut got) = (Tc::ZERO, 0, 0);
    let start = Instant::now();
    while got < N {
        now += Tc::from_us(500);
        while pushed < N && a.held_bytes() < 200_000 {
            let mut sdu = a.take_buffer();
            sdu.resize(LEN, 1);
            a.push_sdu(now, sdu, pushed).unwrap();
            pushed += 1;
        }
        let mut builder = PduBuilder::new(&mut block);
        while builder.sdu_with(4, |room| a.pull(now, room)) > 0 {}
        builder.finish();
        for sub in DlReader::new(&block).flatten() {
            if let DlSubPdu::Sdu { data, .. } = sub {
                b.receive(now, data, &mut out);
            }
        }
        while let Some(e) = out.pop() {
            if let RlcEvent::Sdu(s) = e {
                got += 1;
                b.recycle(s);
            }
        }
        b.timeout(now, &mut out);
        let mut status = [0; 200];
        let n = b.pull(now, &mut status);
        if n > 0 {
            a.receive(now, &status[..n], &mut out);
            out.drain().for_each(drop);
        }
        a.timeout(now, &mut out);
    }
    report("RLC AM and MAC, both ends", start);
}

fn pdcp(nea: NeaAlg, nia: Option<NiaAlg>) {
    let mut setup = Setup::srb(Bearer::Drb(DrbId::new(1).unwrap()), End::Ue);
    setup.config.sn_bits = 18;
    setup.config.integrity = nia.is_some();
    setup.acknowledged = false;
    let security = Security { nea, nia: nia.unwrap_or_default(), enc: [1; 16], int: [2; 16] };
    let mut a = Pdcp::new(setup, pdcp::Limits::default());
    let mut b = Pdcp::new(Setup { end: End::Gnb, ..setup }, pdcp::Limits::default());
    a.secure(security, true);
    b.secure(security, true);
    let mut out = Outbox::default();
    let mut buffer = Vec::new();
    let start = Instant::now();
    for _ in 0..N {
        buffer.resize(LEN, 1);
        let (pdu, _) = a.send(Tc::ZERO, buffer).unwrap();
        b.receive(Tc::ZERO, pdu, &mut out);
        buffer = match out.pop() {
            Some(PdcpEvent::Sdu { sdu, .. }) => sdu,
            _ => Vec::new(),
        };
    }
    report(&format!("PDCP {nea:?} {nia:?}, both ends"), start);
}

fn report(what: &str, start: Instant) {
    let ns = start.elapsed().as_nanos() as f64 / f64::from(N);
    println!("{what}: {ns:.0} ns a packet, {:.0} Mb/s", LEN as f64 * 8e3 / ns);
}

fn main() {
    rlc_and_mac();
    for nea in [NeaAlg::Nea0, NeaAlg::Nea1, NeaAlg::Nea2, NeaAlg::Nea3] {
        pdcp(nea, None);
    }
    pdcp(NeaAlg::Nea2, Some(NiaAlg::Nia2));
}
