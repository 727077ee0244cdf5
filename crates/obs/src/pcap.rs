//! Taps to pcapng.
//!
//! | frame | how it is wrapped |
//! |---|---|
//! | NGAP | IPv4, SCTP port 38412 with a DATA chunk of payload protocol 60 |
//! | PFCP, GTP-U | IPv4, UDP ports 8805 and 2152 |
//! | MAC, RLC, PDCP | IPv4, UDP with the framing that Wireshark's heuristic dissectors know (mac-nr, rlc-nr, pdcp-nr) |
//! | RRC, NAS | exported PDU with the dissector's name: opens without any preference |
//!
//! A capture holds no key. Deciphered copies of NAS ([`Frame::NasPlain`]) are written only by a writer that was asked for them.

use node::{Direction, Frame, MacKind, Tap};
use nr::Tc;
use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

/// LINKTYPE_WIRESHARK_UPPER_PDU.
const EXPORTED_PDU: u32 = 252;
/// EXP_PDU_TAG_DISSECTOR_NAME.
const TAG_DISSECTOR: u16 = 12;

const GNB: [u8; 4] = [127, 0, 1, 1];
const AMF: [u8; 4] = [127, 0, 0, 5];
const SMF: [u8; 4] = [127, 0, 0, 4];
const UPF: [u8; 4] = [127, 0, 0, 7];
const UE: [u8; 4] = [127, 0, 2, 1];

/// Writes taps into one pcapng stream.
pub struct PcapWriter<W: Write> {
    out: PcapNgWriter<W>,
    tdd: bool,
    plain_nas: bool,
    tsn: [u32; 2],
    buffer: Vec<u8>,
}

/// A capture that could not be written (a full disk, say).
pub type PcapError = pcap_file::PcapError;

impl<W: Write> PcapWriter<W> {
    /// Starts a capture. `tdd` is told to the MAC dissector; `plain_nas` also writes deciphered NAS copies.
    pub fn new(out: W, tdd: bool, plain_nas: bool) -> Result<Self, PcapError> {
        let mut out = PcapNgWriter::new(out)?;
        for (linktype, name) in [(DataLink::RAW, "ip"), (DataLink::from(EXPORTED_PDU), "uu")] {
            let options =
                vec![InterfaceDescriptionOption::IfName(Cow::Borrowed(name)), InterfaceDescriptionOption::IfTsResol(9)];
            out.write_pcapng_block(InterfaceDescriptionBlock { linktype, snaplen: 0, options })?;
        }
        Ok(Self { out, tdd, plain_nas, tsn: [1, 1], buffer: Vec::new() })
    }
    /// Writes one tap.
    pub fn write(&mut self, tap: &Tap) -> Result<(), PcapError> {
        let mut b = std::mem::take(&mut self.buffer);
        b.clear();
        let interface = self.frame(tap, &mut b);
        let result = match interface {
            Some(id) => self.packet(id, tap.at, &b),
            None => Ok(()),
        };
        self.buffer = b;
        result
    }
    /// Flushes what is buffered.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.out.get_mut().flush()
    }
    fn packet(&mut self, interface_id: u32, at: Tc, data: &[u8]) -> Result<(), PcapError> {
        // 1 Tc is 125/245.76 ns: nanoseconds hold it well enough to order frames.
        let ns = (at.0.max(0) as i128 * 1_000_000_000 / Tc::PER_SECOND as i128) as u64;
        self.out.write_pcapng_block(EnhancedPacketBlock {
            interface_id,
            timestamp: Duration::from_nanos(ns),
            original_len: data.len() as u32,
            data: Cow::Borrowed(data),
            options: vec![],
        })?;
        Ok(())
    }
    fn frame(&mut self, tap: &Tap, b: &mut Vec<u8>) -> Option<u32> {
        let up = tap.direction == Direction::Uplink;
        let between = |a: [u8; 4], z: [u8; 4]| if up { (a, z) } else { (z, a) };
        match &tap.frame {
            Frame::Ngap(pdu) => {
                let (src, dst) = between(GNB, AMF);
                let ports = if up { (38_500, 38_412) } else { (38_412, 38_500) };
                let tsn = &mut self.tsn[up as usize];
                let chunk = sctp(ports, *tsn, pdu);
                *tsn = tsn.wrapping_add(1);
                ipv4(b, src, dst, 132, &chunk);
            }
            Frame::Pfcp(pdu) => {
                let (src, dst) = between(SMF, UPF);
                udp(b, src, dst, (8805, 8805), pdu);
            }
            Frame::Gtpu(pdu) => {
                let (src, dst) = between(GNB, UPF);
                udp(b, src, dst, (2152, 2152), pdu);
            }
            Frame::Ip(packet) => b.extend_from_slice(packet),
            Frame::Mac { rnti, kind, slot, harq, pdu } => {
                if *kind == MacKind::Bch {
                    exported(b, "nr-rrc.bcch.bch", pdu);
                    return Some(1);
                }
                let rnti_type = match kind {
                    MacKind::Paging => 1,
                    MacKind::Ra => 2,
                    MacKind::Cell => 3,
                    MacKind::Si => 4,
                    MacKind::Bch => 0,
                };
                let mut f = b"mac-nr".to_vec();
                f.extend_from_slice(&[1 + self.tdd as u8, !up as u8, rnti_type]);
                f.push(2);
                f.extend_from_slice(&rnti.0.to_be_bytes());
                f.push(3);
                f.extend_from_slice(&(tap.ue as u16).to_be_bytes());
                f.extend_from_slice(&[6, *harq]);
                f.push(7);
                f.extend_from_slice(&(slot.sfn() as u16).to_be_bytes());
                f.extend_from_slice(&(slot.slot() as u16).to_be_bytes());
                f.push(1);
                f.extend_from_slice(pdu);
                let (src, dst) = between(UE, GNB);
                udp(b, src, dst, (9999, 9999), &f);
            }
            Frame::Rlc { rnti: _, lcid, acknowledged, sn_bits, pdu } => {
                let mode = match (sn_bits, acknowledged) {
                    (0, _) => 1,
                    (_, false) => 2,
                    (_, true) => 4,
                };
                let (bearer_type, bearer_id) = match lcid {
                    0 => (1, 0),
                    1..=3 => (4, *lcid),
                    n => (5, n - 3),
                };
                let mut f = b"rlc-nr".to_vec();
                f.extend_from_slice(&[mode, *sn_bits, 2, !up as u8, 3]);
                f.extend_from_slice(&(tap.ue as u16).to_be_bytes());
                f.extend_from_slice(&[4, bearer_type, 5, bearer_id, 1]);
                f.extend_from_slice(pdu);
                let (src, dst) = between(UE, GNB);
                udp(b, src, dst, (9998, 9998), &f);
            }
            Frame::Pdcp { rnti: _, lcid, srb, sn_bits, integrity, sdap, pdu } => {
                let mut f = b"pdcp-nr".to_vec();
                f.extend_from_slice(&[if *srb { 1 } else { 2 }, 2, *sn_bits, 3, !up as u8, 4, 1, 5]);
                f.push(if *srb { *lcid } else { lcid.saturating_sub(3) });
                f.push(6);
                f.extend_from_slice(&(tap.ue as u16).to_be_bytes());
                if *integrity {
                    f.push(0x0f);
                }
                if !srb && (sdap.0 || sdap.1) {
                    f.extend_from_slice(&[0x10, sdap.0 as u8 | (sdap.1 as u8) << 1]);
                }
                f.push(1);
                f.extend_from_slice(pdu);
                let (src, dst) = between(UE, GNB);
                udp(b, src, dst, (9997, 9997), &f);
            }
            Frame::Rrc { rnti: _, channel, pdu } => {
                exported(b, &format!("nr-rrc.{channel}"), pdu);
                return Some(1);
            }
            Frame::Nas(pdu) => {
                exported(b, "nas-5gs", pdu);
                return Some(1);
            }
            Frame::NasPlain(pdu) => {
                if !self.plain_nas {
                    return None;
                }
                exported(b, "nas-5gs", pdu);
                return Some(1);
            }
        }
        Some(0)
    }
}

fn exported(b: &mut Vec<u8>, dissector: &str, pdu: &[u8]) {
    let padded = dissector.len().next_multiple_of(4);
    b.extend_from_slice(&TAG_DISSECTOR.to_be_bytes());
    b.extend_from_slice(&(padded as u16).to_be_bytes());
    b.extend_from_slice(dissector.as_bytes());
    b.resize(b.len() + padded - dissector.len(), 0);
    b.extend_from_slice(&[0, 0, 0, 0]);
    b.extend_from_slice(pdu);
}

fn ones_complement(mut sum: u32, bytes: &[u8]) -> u32 {
    for c in bytes.chunks(2) {
        sum += (c[0] as u32) << 8 | c.get(1).copied().unwrap_or(0) as u32;
    }
    sum
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn ipv4(b: &mut Vec<u8>, src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) {
    let total = (20 + payload.len()).min(65_535) as u16;
    let mut h = [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    h[2..4].copy_from_slice(&total.to_be_bytes());
    h[12..16].copy_from_slice(&src);
    h[16..20].copy_from_slice(&dst);
    let sum = fold(ones_complement(0, &h));
    h[10..12].copy_from_slice(&sum.to_be_bytes());
    b.extend_from_slice(&h);
    b.extend_from_slice(&payload[..total as usize - 20]);
}

fn udp(b: &mut Vec<u8>, src: [u8; 4], dst: [u8; 4], ports: (u16, u16), payload: &[u8]) {
    let payload = &payload[..payload.len().min(65_507)];
    let len = (8 + payload.len()) as u16;
    let mut d = Vec::with_capacity(8 + payload.len());
    d.extend_from_slice(&ports.0.to_be_bytes());
    d.extend_from_slice(&ports.1.to_be_bytes());
    d.extend_from_slice(&len.to_be_bytes());
    d.extend_from_slice(&[0, 0]);
    d.extend_from_slice(payload);
    let pseudo = ones_complement(17 + len as u32, &[src, dst].concat());
    let sum = match fold(ones_complement(pseudo, &d)) {
        0 => 0xffff,
        s => s,
    };
    d[6..8].copy_from_slice(&sum.to_be_bytes());
    ipv4(b, src, dst, 17, &d);
}

/// One SCTP packet with one DATA chunk. Spec: RFC 9260 §3.1, §3.3.1; payload protocol 60: TS 38.412 §7
fn sctp(ports: (u16, u16), tsn: u32, pdu: &[u8]) -> Vec<u8> {
    let mut p = Vec::with_capacity(32 + pdu.len());
    p.extend_from_slice(&ports.0.to_be_bytes());
    p.extend_from_slice(&ports.1.to_be_bytes());
    p.extend_from_slice(&0x1c0d_e000u32.to_be_bytes());
    p.extend_from_slice(&[0; 4]);
    p.extend_from_slice(&[0, 3]);
    p.extend_from_slice(&((16 + pdu.len()) as u16).to_be_bytes());
    p.extend_from_slice(&tsn.to_be_bytes());
    p.extend_from_slice(&[0, 0]);
    p.extend_from_slice(&(tsn.wrapping_sub(1) as u16).to_be_bytes());
    p.extend_from_slice(&60u32.to_be_bytes());
    p.extend_from_slice(pdu);
    p.resize(p.len().next_multiple_of(4), 0);
    let sum = crc32c::crc32c(&p).to_le_bytes();
    p[8..12].copy_from_slice(&sum);
    p
}

#[cfg(test)]
mod tests {
    use super::*;
    use nr::{Numerology, Rnti, SlotPoint};

    fn tap(direction: Direction, frame: Frame) -> Tap {
        Tap { at: Tc::from_ms(5), direction, ue: 1, frame }
    }

    #[test] // Spec: RFC 1071, RFC 9260 §6.8
    fn sums_hold() {
        let mut b = Vec::new();
        udp(&mut b, GNB, UPF, (2152, 2152), &[1, 2, 3]);
        assert_eq!(fold(ones_complement(0, &b[..20])), 0);
        let pseudo = ones_complement(17 + 11, &b[12..20]);
        assert_eq!(fold(ones_complement(pseudo, &b[20..])), 0);
        let mut s = sctp((1, 2), 1, &[0; 5]);
        let sum = u32::from_le_bytes([s[8], s[9], s[10], s[11]]);
        s[8..12].fill(0);
        assert_eq!(crc32c::crc32c(&s), sum);
        assert_eq!(s.len() % 4, 0);
    }

    #[test] // Spec: draft-ietf-opsawg-pcapng
    fn plain_nas_stays_out_unless_asked_for() {
        let write = |plain| {
            let mut out = Vec::new();
            let mut w = PcapWriter::new(&mut out, true, plain).unwrap();
            w.write(&tap(Direction::Uplink, Frame::NasPlain(b"SECRETSECRET".to_vec()))).unwrap();
            let slot = SlotPoint::new(Numerology::KHZ30, 1, 2);
            let mac = Frame::Mac { rnti: Rnti(0x4601), kind: MacKind::Cell, slot, harq: 3, pdu: vec![0x3f; 20] };
            w.write(&tap(Direction::Downlink, mac)).unwrap();
            drop(w);
            out
        };
        let has = |v: &[u8]| v.windows(12).any(|w| w == b"SECRETSECRET");
        assert!(!has(&write(false)));
        assert!(has(&write(true)));
    }
}
