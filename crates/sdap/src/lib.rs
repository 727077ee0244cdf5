//! SDAP of one PDU session: which DRB a QoS flow uses, and the header that says so. Spec: TS 37.324
//!
//! One [`Sdap`] at each end for each PDU session.
//!
//! | end | towards the radio | from the radio |
//! |---|---|---|
//! | gNB | [`Sdap::push_downlink`] (QoS flow -> DRB, PDU) | [`Sdap::receive_uplink`] |
//! | UE | [`Sdap::push_uplink`] | [`Sdap::receive_downlink`] (follows reflective mapping) |
//!
//! PDCP must know whether a DRB's PDUs begin with an SDAP header, for that byte is not ciphered: it is
//! `SdapConfig::header_dl` and `header_ul`.
//!
//! At the UE an end marker comes out where an uplink flow moves to another DRB; send it on the old DRB before
//! anything else. Left out: sidelink.

use nr::{DrbId, Qfi};
use seam::bearer::SdapConfig;

/// One DRB of the session.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Drb {
    id: DrbId,
    header_dl: bool,
    header_ul: bool,
    default: bool,
    flows: Vec<Qfi>,
}

/// A packet as it goes to PDCP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapped {
    /// The DRB that carries it.
    pub drb: DrbId,
    /// The SDAP PDU.
    pub pdu: Vec<u8>,
}

/// What came from a DRB at the UE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Downlink {
    /// The QoS flow: as the header says; without one, the DRB's first configured flow.
    pub qfi: Option<Qfi>,
    /// RQI: NAS is to derive a QoS rule from the packet (reflective QoS).
    pub rqi: bool,
    /// The packet.
    pub packet: Vec<u8>,
    /// RDI moved the uplink of the flow to this DRB: send this end marker on the old one.
    pub end_marker: Option<Mapped>,
}

/// What came from a DRB at the gNB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Uplink {
    /// A packet.
    Packet {
        /// The QoS flow: as the header says; without one, the DRB's first configured flow.
        qfi: Option<Qfi>,
        /// The packet.
        packet: Vec<u8>,
    },
    /// No more packets of the flow come on this DRB.
    EndMarker {
        /// The flow.
        qfi: Qfi,
    },
}

/// Why a packet or PDU was refused; it is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SdapError {
    /// The flow has no DRB and the session no default DRB (local). Spec: TS 37.324 §5.2.1
    NoDrb,
    /// The DRB does not belong to the session (configuration).
    UnknownDrb,
    /// The PDU is shorter than its header, or a control PDU of an unknown kind (peer).
    Malformed,
}

impl core::fmt::Display for SdapError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            SdapError::NoDrb => "the QoS flow has no DRB and the session no default DRB (TS 37.324 §5.2.1)",
            SdapError::UnknownDrb => "the DRB does not belong to the PDU session",
            SdapError::Malformed => "the SDAP PDU is shorter than its header or of an unknown kind (TS 37.324 §6.2.2)",
        })
    }
}
impl std::error::Error for SdapError {}

const RDI: u8 = 0x80;
const RQI: u8 = 0x40;
const DATA: u8 = 0x80;

/// The SDAP entity of one PDU session.
#[derive(Clone, Debug, Default)]
pub struct Sdap {
    drbs: Vec<Drb>,
    /// Uplink rules learnt by reflective mapping; they go before configured ones.
    reflective: Vec<(Qfi, DrbId)>,
}

impl Sdap {
    /// An entity without DRBs.
    pub fn new() -> Sdap {
        Sdap::default()
    }

    /// Adds a DRB, or changes it. A flow that another DRB had moves to this one.
    ///
    /// At the UE, the answer holds the end markers that go out on the old DRBs. Spec: TS 37.324 §5.3.1
    pub fn configure(&mut self, drb: DrbId, config: &SdapConfig) -> Vec<Mapped> {
        let before: Vec<(Qfi, Option<DrbId>)> = config.flows.iter().map(|q| (*q, self.uplink_drb(*q))).collect();
        if config.default_drb {
            self.drbs.iter_mut().for_each(|d| d.default = false);
        }
        for d in self.drbs.iter_mut().filter(|d| d.id != drb) {
            d.flows.retain(|q| !config.flows.contains(q));
        }
        self.reflective.retain(|(q, _)| !config.flows.contains(q));
        let new = Drb {
            id: drb,
            header_dl: config.header_dl,
            header_ul: config.header_ul,
            default: config.default_drb,
            flows: config.flows.clone(),
        };
        match self.drbs.iter_mut().find(|d| d.id == drb) {
            Some(d) => *d = new,
            None => self.drbs.push(new),
        }
        before.into_iter().filter_map(|(q, old)| self.end_marker(q, old?, drb)).collect()
    }

    /// Removes a DRB with its rules.
    pub fn release(&mut self, drb: DrbId) {
        self.drbs.retain(|d| d.id != drb);
        self.reflective.retain(|(_, d)| *d != drb);
    }

    /// No DRB is left.
    pub fn is_empty(&self) -> bool {
        self.drbs.is_empty()
    }

    /// The DRB of a downlink flow: its rule, or the default DRB.
    pub fn downlink_drb(&self, qfi: Qfi) -> Option<DrbId> {
        let rule = self.drbs.iter().find(|d| d.flows.contains(&qfi));
        rule.or_else(|| self.drbs.iter().find(|d| d.default)).map(|d| d.id)
    }

    /// The DRB of an uplink flow: its reflective or configured rule, or the default DRB. Spec: TS 37.324 §5.2.1
    pub fn uplink_drb(&self, qfi: Qfi) -> Option<DrbId> {
        let learnt = self.reflective.iter().find(|(q, _)| *q == qfi).map(|(_, d)| *d);
        learnt.or_else(|| self.downlink_drb(qfi))
    }

    /// gNB: maps a packet. `reflective_mapping` sets RDI, `reflective_qos` RQI; both need a downlink header.
    pub fn push_downlink(
        &self,
        qfi: Qfi,
        packet: Vec<u8>,
        reflective_mapping: bool,
        reflective_qos: bool,
    ) -> Result<Mapped, SdapError> {
        let drb = self.find(self.downlink_drb(qfi).ok_or(SdapError::NoDrb)?)?;
        let flags = if reflective_mapping { RDI } else { 0 } | if reflective_qos { RQI } else { 0 };
        Ok(Mapped { drb: drb.id, pdu: with_header(drb.header_dl, flags | qfi.get(), packet) })
    }

    /// UE: maps a packet.
    pub fn push_uplink(&self, qfi: Qfi, packet: Vec<u8>) -> Result<Mapped, SdapError> {
        let drb = self.find(self.uplink_drb(qfi).ok_or(SdapError::NoDrb)?)?;
        Ok(Mapped { drb: drb.id, pdu: with_header(drb.header_ul, DATA | qfi.get(), packet) })
    }

    /// UE: takes what PDCP delivered on `drb`. Spec: TS 37.324 §5.2.2, §5.3.2
    pub fn receive_downlink(&mut self, drb: DrbId, pdu: Vec<u8>) -> Result<Downlink, SdapError> {
        let d = self.find(drb)?;
        if !d.header_dl {
            return Ok(Downlink { qfi: d.flows.first().copied(), rqi: false, packet: pdu, end_marker: None });
        }
        let (header, packet) = without_header(pdu)?;
        let qfi = Qfi::new(header & 63).ok_or(SdapError::Malformed)?;
        let end_marker = if header & RDI != 0 { self.reflect(qfi, drb) } else { None };
        Ok(Downlink { qfi: Some(qfi), rqi: header & RQI != 0, packet, end_marker })
    }

    /// gNB: takes what PDCP delivered on `drb`. Spec: TS 37.324 §5.2.1, §6.2.3
    pub fn receive_uplink(&self, drb: DrbId, pdu: Vec<u8>) -> Result<Uplink, SdapError> {
        let d = self.find(drb)?;
        if !d.header_ul {
            return Ok(Uplink::Packet { qfi: d.flows.first().copied(), packet: pdu });
        }
        let (header, packet) = without_header(pdu)?;
        let qfi = Qfi::new(header & 63).ok_or(SdapError::Malformed)?;
        match (header & DATA != 0, packet.is_empty()) {
            (true, _) => Ok(Uplink::Packet { qfi: Some(qfi), packet }),
            (false, true) => Ok(Uplink::EndMarker { qfi }),
            (false, false) => Err(SdapError::Malformed),
        }
    }

    fn find(&self, drb: DrbId) -> Result<&Drb, SdapError> {
        self.drbs.iter().find(|d| d.id == drb).ok_or(SdapError::UnknownDrb)
    }

    fn reflect(&mut self, qfi: Qfi, drb: DrbId) -> Option<Mapped> {
        let old = self.uplink_drb(qfi);
        match self.reflective.iter_mut().find(|(q, _)| *q == qfi) {
            Some(rule) => rule.1 = drb,
            None => self.reflective.push((qfi, drb)),
        }
        self.end_marker(qfi, old?, drb)
    }

    /// End marker control PDU for the old DRB of a flow, where it had an uplink header. Spec: TS 37.324 §5.3.1, §6.2.3
    fn end_marker(&self, qfi: Qfi, old: DrbId, new: DrbId) -> Option<Mapped> {
        let d = self.drbs.iter().find(|d| d.id == old)?;
        (old != new && d.header_ul).then(|| Mapped { drb: old, pdu: vec![qfi.get()] })
    }
}

fn with_header(present: bool, header: u8, mut packet: Vec<u8>) -> Vec<u8> {
    if present {
        packet.insert(0, header);
    }
    packet
}

fn without_header(mut pdu: Vec<u8>) -> Result<(u8, Vec<u8>), SdapError> {
    if pdu.is_empty() {
        return Err(SdapError::Malformed);
    }
    let header = pdu.remove(0);
    Ok((header, pdu))
}

/// Reads `data` as PDUs of both directions; for fuzzers. Never panics.
pub fn fuzz_one(data: &[u8]) {
    let Some(drb) = DrbId::new(1) else { return };
    for header in [false, true] {
        let mut s = Sdap::new();
        let config =
            SdapConfig { pdu_session: 1, header_dl: header, header_ul: header, default_drb: true, flows: vec![] };
        s.configure(drb, &config);
        let _ = s.receive_uplink(drb, data.to_vec());
        let _ = s.receive_downlink(drb, data.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drb(n: u8) -> DrbId {
        DrbId::new(n).unwrap()
    }
    fn qfi(n: u8) -> Qfi {
        Qfi::new(n).unwrap()
    }
    fn config(header: bool, default_drb: bool, flows: &[u8]) -> SdapConfig {
        let flows = flows.iter().map(|q| qfi(*q)).collect();
        SdapConfig { pdu_session: 5, header_dl: header, header_ul: header, default_drb, flows }
    }

    #[test] // Spec: TS 37.324 §6.2.2.2, §6.2.2.3 (figures 6.2.2.2-1 and 6.2.2.3-1)
    fn headers_have_the_printed_bits() {
        let mut s = Sdap::new();
        s.configure(drb(1), &config(true, true, &[9]));
        assert_eq!(s.push_downlink(qfi(9), vec![1], true, false).unwrap().pdu, [0x89, 1]);
        assert_eq!(s.push_downlink(qfi(9), vec![1], false, true).unwrap().pdu, [0x49, 1]);
        let up = s.push_uplink(qfi(63), vec![1]).unwrap();
        assert_eq!(up, Mapped { drb: drb(1), pdu: vec![0xbf, 1] });
        assert_eq!(s.receive_uplink(drb(1), up.pdu), Ok(Uplink::Packet { qfi: Some(qfi(63)), packet: vec![1] }));
        assert_eq!(s.receive_uplink(drb(1), vec![]), Err(SdapError::Malformed));
        assert_eq!(s.receive_uplink(drb(1), vec![0x09, 0]), Err(SdapError::Malformed));
        assert_eq!(s.receive_uplink(drb(2), vec![0x89]), Err(SdapError::UnknownDrb));
    }

    #[test] // Spec: TS 37.324 §5.2.1 (a flow without a rule goes to the default DRB)
    fn flows_find_their_drb() {
        let mut s = Sdap::new();
        s.configure(drb(1), &config(false, true, &[1]));
        s.configure(drb(2), &config(false, false, &[5]));
        assert_eq!(s.push_uplink(qfi(5), vec![]).unwrap().drb, drb(2));
        assert_eq!(s.push_uplink(qfi(7), vec![]).unwrap().drb, drb(1));
        assert_eq!(s.receive_downlink(drb(2), vec![4]).unwrap().qfi, Some(qfi(5)));
        s.release(drb(1));
        assert_eq!(s.push_uplink(qfi(7), vec![]), Err(SdapError::NoDrb));
    }

    #[test] // Spec: TS 37.324 §5.3.1, §5.3.2, §6.2.3 (reflective mapping and the end marker)
    fn a_flow_that_moves_leaves_an_end_marker() {
        let mut s = Sdap::new();
        s.configure(drb(1), &config(true, true, &[]));
        s.configure(drb(2), &config(true, false, &[5]));
        let down = s.receive_downlink(drb(2), vec![RDI | 7, 0xaa]).unwrap();
        assert_eq!((down.qfi, down.packet), (Some(qfi(7)), vec![0xaa]));
        assert_eq!(down.end_marker, Some(Mapped { drb: drb(1), pdu: vec![7] }));
        assert_eq!(s.receive_uplink(drb(1), vec![7]), Ok(Uplink::EndMarker { qfi: qfi(7) }));
        assert_eq!(s.uplink_drb(qfi(7)), Some(drb(2)));
        assert_eq!(s.downlink_drb(qfi(7)), Some(drb(1)), "reflective rules are the uplink's");
        assert_eq!(s.receive_downlink(drb(2), vec![RDI | 7]).unwrap().end_marker, None);
        assert_eq!(s.configure(drb(1), &config(true, true, &[7])), [Mapped { drb: drb(2), pdu: vec![7] }]);
        assert_eq!(s.uplink_drb(qfi(7)), Some(drb(1)));
    }

    #[test] // Spec: TS 37.324 §6.2.2 (whatever the bytes, no panic)
    fn random_bytes_never_panic() {
        let mut rng = node::Rng::from_lab_seed(3);
        for n in 0..200 {
            let mut data = vec![0; n % 7];
            rng.fill(&mut data);
            fuzz_one(&data);
        }
    }
}
