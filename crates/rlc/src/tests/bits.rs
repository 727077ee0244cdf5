//! PDUs as the figures of TS 38.322 §6.2.2 draw them.

use super::{am, um};
use crate::{Limits, Rlc, RlcEvent};
use node::Outbox;
use nr::Tc;

fn pulled(rlc: &mut Rlc, room: usize) -> Vec<u8> {
    let mut out = vec![0; room];
    let n = rlc.pull(Tc::ZERO, &mut out);
    out.truncate(n);
    out
}

#[test] // Spec: TS 38.322 §6.2.2.3 (figures 6.2.2.3-1 to 6.2.2.3-5)
fn umd_pdus() {
    let mut r = Rlc::new(&um(6), Limits::default());
    r.push_sdu(Tc::ZERO, vec![1, 2, 3, 4, 5, 6], 0).unwrap();
    assert_eq!(pulled(&mut r, 7), [0, 1, 2, 3, 4, 5, 6]);
    r.push_sdu(Tc::ZERO, vec![1, 2, 3, 4, 5, 6], 0).unwrap();
    assert_eq!(pulled(&mut r, 3), [0b0100_0000, 1, 2]);
    assert_eq!(pulled(&mut r, 5), [0b1100_0000, 0, 2, 3, 4]);
    assert_eq!(pulled(&mut r, 99), [0b1000_0000, 0, 4, 5, 6]);
    r.push_sdu(Tc::ZERO, vec![1, 2, 3], 0).unwrap();
    assert_eq!(pulled(&mut r, 2), [0b0100_0001, 1]);

    let mut r = Rlc::new(&um(12), Limits::default());
    r.push_sdu(Tc::ZERO, vec![1, 2, 3, 4, 5, 6], 0).unwrap();
    assert_eq!(pulled(&mut r, 2), []);
    assert_eq!(pulled(&mut r, 4), [0b0100_0000, 0, 1, 2]);
    assert_eq!(pulled(&mut r, 6), [0b1100_0000, 0, 0, 2, 3, 4]);
    assert_eq!(r.buffer_status().new, 6);
    assert_eq!(pulled(&mut r, 6), [0b1000_0000, 0, 0, 4, 5, 6]);
}

#[test] // Spec: TS 38.322 §6.2.2.4 (figures 6.2.2.4-1 to 6.2.2.4-4)
fn amd_pdus() {
    let mut r = Rlc::new(&am(12), Limits::default());
    r.push_sdu(Tc::ZERO, vec![1, 2, 3, 4], 0).unwrap();
    assert_eq!(pulled(&mut r, 4), [0b1001_0000, 0, 1, 2]);
    assert_eq!(pulled(&mut r, 5), [0b1011_0000, 0, 0, 2, 3]);
    assert_eq!(pulled(&mut r, 5), [0b1110_0000, 0, 0, 3, 4]);
    let mut r = Rlc::new(&am(18), Limits::default());
    r.push_sdu(Tc::ZERO, vec![1, 2, 3, 4], 0).unwrap();
    assert_eq!(pulled(&mut r, 7), [0b1100_0000, 0, 0, 1, 2, 3, 4]);
}

/// Receives what `pdus` hold and gives the STATUS PDU that follows the expiry of t-Reassembly.
fn status_after(sn_bits: u8, pdus: &[&[u8]], room: usize) -> Vec<u8> {
    let mut r = Rlc::new(&am(sn_bits), Limits::default());
    let mut out = Outbox::default();
    for pdu in pdus {
        r.receive(Tc::ZERO, pdu, &mut out);
    }
    // The first expiry reports below what had come when the timer started, the second all of it.
    r.timeout(Tc::from_ms(10), &mut out);
    r.timeout(Tc::from_ms(20), &mut out);
    assert!(r.buffer_status().status as usize >= 3);
    let mut block = vec![0; room];
    let n = r.pull(Tc::from_ms(20), &mut block);
    block.truncate(n);
    assert_eq!(r.buffer_status().status, 0);
    block
}

#[test] // Spec: TS 38.322 §6.2.2.5 (figures 6.2.2.5-1 and 6.2.2.5-2), §5.3.4
fn status_pdus() {
    // SNs 1 (whole), 5 (bytes 2..4 and 6..7 of 8) came; 0 and 2 to 4 are missing.
    let whole = [0x80, 1, 9, 9];
    let middle = [0xb0, 5, 0, 2, 9, 9];
    let part = [0xb0, 5, 0, 6, 9];
    let last = [0xa0, 5, 0, 7, 9];
    #[rustfmt::skip]
    assert_eq!(status_after(12, &[&whole, &middle, &part, &last], 99), [
        0x00, 0x06, 0x80,           // ACK_SN 6, E1
        0x00, 0x08,                 // NACK 0, E1
        0x00, 0x2a, 3,              // NACK 2, E1, E3: three of them
        0x00, 0x5c, 0, 0, 0, 1,     // NACK 5, E1, E2: bytes 0 to 1
        0x00, 0x54, 0, 4, 0, 5,     // NACK 5, E2: bytes 4 to 5
    ]);
    // Without the last byte, what follows is missing to the end.
    assert_eq!(status_after(12, &[&whole, &middle], 99)[14..], [0x00, 0x54, 0, 4, 0xff, 0xff]);
    // Cut short: what has no room is not acknowledged.
    assert_eq!(status_after(12, &[&whole, &middle], 6), [0x00, 0x02, 0x80, 0x00, 0x00]);
    let eighteen = [0x81, 0x23, 0x45, 7];
    let status = status_after(18, &[&eighteen], 4);
    assert_eq!(status.len(), 3, "no room for a NACK: {status:?}");
    let near = [0x80, 0x00, 0x02, 7];
    #[rustfmt::skip]
    assert_eq!(status_after(18, &[&near], 99), [0x00, 0x00, 0x0e, 0x00, 0x00, 0x08, 2]);
}

#[test] // Spec: TS 38.322 §6.2.2.5 (each field read back as it was written)
fn nacks_read_back() {
    use crate::pdu::{Nack, SnSpace, StatusWriter, decode_status};
    for bits in [12, 18] {
        let space = SnSpace { bits };
        let nacks = [
            Nack { sn: 3, n_sdus: 1, so: None },
            Nack { sn: 0x7ab, n_sdus: 255, so: None },
            Nack { sn: space.modulus() - 1, n_sdus: 1, so: Some((5, 0xffff)) },
            Nack { sn: 0, n_sdus: 7, so: Some((0x1234, 0x5678)) },
        ];
        let mut block = [0xff; 64];
        let mut w = StatusWriter::new(&mut block, space).unwrap();
        nacks.iter().for_each(|n| assert!(w.nack(*n)));
        let n = w.finish(space.modulus() - 2);
        let (ack, read) = decode_status(&block[..n], space).unwrap();
        assert_eq!(ack, space.modulus() - 2);
        assert_eq!(read.collect::<Vec<_>>(), nacks);
    }
}

#[test] // Spec: TS 38.322 §5.2.1
fn tm_passes_sdus_through() {
    let mut r = Rlc::new(&crate::RlcConfig::Tm, Limits::default());
    r.push_sdu(Tc::ZERO, vec![7; 6], 0).unwrap();
    assert_eq!(pulled(&mut r, 5), []);
    assert_eq!(pulled(&mut r, 9), [7; 6]);
    let mut out = Outbox::default();
    r.receive(Tc::ZERO, &[1, 2], &mut out);
    assert_eq!(out.pop(), Some(RlcEvent::Sdu(vec![1, 2])));
}
