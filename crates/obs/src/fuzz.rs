//! What the capture must stand: frames are whatever a peer sent.

use crate::pcap::PcapWriter;
use node::{Direction, Frame, MacKind, Tap};
use nr::{Numerology, Rnti, SlotPoint, Tc};

/// One run of a fuzzer: `data` as a frame of every kind, of whatever length, into a capture; its first octet sets options.
///
/// # Panics
/// If memory takes no capture: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    let first = data.first().copied().unwrap_or(0);
    let (rnti, pdu) = (Rnti(u16::from(first) << 8), || data.to_vec());
    let slot = SlotPoint::new(Numerology::KHZ30, u32::from(first) % 1024, 0);
    let (acknowledged, sn_bits) = (first & 1 != 0, [0, 6, 12, 18][usize::from(first >> 1 & 3)]);
    let (srb, integrity) = (first & 8 != 0, first & 16 != 0);
    let kind = [MacKind::Si, MacKind::Ra, MacKind::Paging, MacKind::Cell, MacKind::Bch][usize::from(first % 5)];
    let frames = [
        Frame::Ngap(pdu()),
        Frame::Nas(pdu()),
        Frame::NasPlain(pdu()),
        Frame::Pfcp(pdu()),
        Frame::Gtpu(pdu()),
        Frame::Ip(pdu()),
        Frame::Mac { rnti, kind, slot, harq: first, pdu: pdu() },
        Frame::Rrc { rnti, channel: "ul.dcch", pdu: pdu() },
        Frame::Rlc { rnti, lcid: first, acknowledged, sn_bits, pdu: pdu() },
        Frame::Pdcp { rnti, lcid: first, srb, sn_bits, integrity, sdap: (srb, acknowledged), pdu: pdu() },
    ];
    let mut out = Vec::new();
    let mut writer = PcapWriter::new(&mut out, acknowledged, srb).expect("a capture in memory");
    for frame in frames {
        let direction = if integrity { Direction::Uplink } else { Direction::Downlink };
        let _ = writer.write(&Tap { at: Tc::from_ms(i64::from(first)), direction, ue: first.into(), frame });
    }
}
