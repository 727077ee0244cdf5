//! The way of a packet. Spec: TS 29.244 §5.2.1, TS 29.281 §7.3.1, TS 23.501 §5.8.2.5

use std::net::IpAddr;

use gtpu::{Container, Kind, Packet};
use node::Outbox;
use nr::Tc;
use pfcp::Interface;

use super::packet::{self, Ip};
use super::{Pdr, Session, Upf, UpfOutput};
use crate::event::CoreEvent;

/// Why a packet goes no further.
enum Stop {
    Spoofed,
    Dropped,
}

impl Upf {
    pub(super) fn n3_receive(&mut self, now: Tc, from: IpAddr, mut bytes: Vec<u8>, out: &mut Outbox<UpfOutput>) {
        let packet = match Packet::decode(&bytes) {
            Ok(packet) => packet,
            Err(error) => {
                self.stats.dropped += 1;
                let what = error.to_string();
                return out.push(UpfOutput::Event(CoreEvent::ProtocolError { interface: "N3", what }));
            }
        };
        match packet.kind {
            Kind::GPdu => {}
            Kind::EchoRequest => {
                let bytes = gtpu::echo_response(packet.sequence.unwrap_or(0));
                return out.push(UpfOutput::N3 { to: from, bytes });
            }
            Kind::ErrorIndication => {
                if let Some((teid, address)) = packet.error_indication() {
                    self.report_error(now, teid, address, out);
                }
                return;
            }
            _ => return,
        }
        let Some((seid, pdr)) = self.tunnels.get(&packet.teid.0).copied() else {
            self.stats.unknown_tunnel += 1;
            self.error_sequence = self.error_sequence.wrapping_add(1);
            let bytes = gtpu::error_indication(self.error_sequence, packet.teid, self.n3);
            return out.push(UpfOutput::N3 { to: from, bytes });
        };
        let qfi = packet.container.map(Container::qfi);
        let inner_len = packet.payload.len();
        let inner = packet.payload.as_ptr() as usize - bytes.as_ptr() as usize;
        let Some(session) = self.sessions.get_mut(&seid) else { return };
        let Some(at) = session.pdrs.iter().position(|p| p.id == pdr) else { return };
        let source = session.pdrs[at].source;
        bytes.truncate(inner + inner_len);
        bytes.drain(..inner);
        if source == Interface::CpFunction {
            if Ip::read(&bytes).is_some_and(|ip| ip.is_advertisement()) {
                session.advertisement.clone_from(&bytes);
            }
            return self.send_to_access(now, seid, pdr, bytes, out);
        }
        match session.uplink(now, at, qfi, &bytes) {
            Ok(Way::Core) => {
                self.stats.uplink_packets += 1;
                self.stats.uplink_octets += bytes.len() as u64;
                out.push(UpfOutput::N6(bytes));
            }
            Ok(Way::Advertise) => {
                if !session.advertisement.is_empty() {
                    bytes.clone_from(&session.advertisement);
                    let down = session.pdrs.iter().find(|p| p.source == Interface::CpFunction).map(|p| p.id);
                    if let Some(down) = down {
                        self.send_to_access(now, seid, down, bytes, out);
                    }
                }
            }
            Err(Stop::Spoofed) => self.stats.spoofed += 1,
            Err(Stop::Dropped) => self.stats.dropped += 1,
        }
    }

    pub(super) fn n6_receive(&mut self, now: Tc, packet: Vec<u8>, out: &mut Outbox<UpfOutput>) {
        let found = match Ip::read(&packet) {
            Some(Ip::V4 { destination, .. }) => self.ipv4.get(&u32::from(destination)),
            Some(Ip::V6 { destination, .. }) => self.prefixes.get(&packet::prefix(destination)),
            None => {
                self.stats.dropped += 1;
                return;
            }
        };
        match found.copied() {
            Some((seid, pdr)) => self.send_to_access(now, seid, pdr, packet, out),
            None => self.stats.unknown_address += 1,
        }
    }

    /// Into the tunnel of the PDR's FAR, with the QFI of its QER.
    pub(super) fn send_to_access(
        &mut self,
        now: Tc,
        seid: u64,
        pdr: u16,
        mut bytes: Vec<u8>,
        out: &mut Outbox<UpfOutput>,
    ) {
        let len = bytes.len();
        let header = match self.sessions.get_mut(&seid).map(|session| session.downlink(now, pdr, len)) {
            Some(Down::Tunnel(tunnel, qfi)) => (tunnel, qfi),
            Some(Down::Hold { notify }) => return self.hold(now, seid, pdr, bytes, notify, out),
            Some(Down::Drop) | None => {
                self.stats.dropped += 1;
                return;
            }
        };
        bytes.resize(len + gtpu::HEADER_LEN, 0);
        bytes.copy_within(..len, gtpu::HEADER_LEN);
        let (tunnel, qfi) = header;
        if gtpu::write_g_pdu(&mut bytes, tunnel.teid, Container::Downlink { qfi, rqi: false }).is_err() {
            self.stats.dropped += 1;
            return;
        }
        self.stats.downlink_packets += 1;
        self.stats.downlink_octets += len as u64;
        out.push(UpfOutput::N3 { to: tunnel.address, bytes });
    }
}

/// Where a downlink packet goes.
enum Down {
    /// To the gNB, as this QoS flow's.
    Tunnel(pfcp::OuterHeaderCreation, u8),
    /// Nowhere yet.
    Hold {
        notify: bool,
    },
    Drop,
}

/// Where an uplink packet goes.
enum Way {
    Core,
    /// A router solicitation: the UE is told again what the SMF told it.
    Advertise,
}

impl Session {
    fn uplink(&mut self, now: Tc, at: usize, qfi: Option<u8>, packet: &[u8]) -> Result<Way, Stop> {
        let pdr = &self.pdrs[at];
        if pdr.qfis != 0 && qfi.is_some_and(|qfi| pdr.qfis & 1 << qfi == 0) {
            return Err(Stop::Dropped);
        }
        let ip = Ip::read(packet).ok_or(Stop::Dropped)?;
        if !pdr.owns(&ip) {
            return if ip.is_solicitation() { Ok(Way::Advertise) } else { Err(Stop::Spoofed) };
        }
        let far = self.fars.iter().find(|far| Some(far.id) == pdr.far);
        if !far.is_some_and(|far| far.action.forward && far.to == Some(Interface::Core)) {
            return Err(Stop::Dropped);
        }
        if let Some(qer) = self.qers.iter_mut().find(|qer| Some(qer.id) == pdr.qer) {
            let slow = qer.mbr.is_some_and(|mbr| !qer.uplink.pass(now, mbr.uplink_kbps, packet.len()));
            if !qer.gate.uplink_open || slow {
                return Err(Stop::Dropped);
            }
        }
        if pdr.counted {
            self.uplink_octets += packet.len() as u64;
        }
        Ok(Way::Core)
    }

    fn downlink(&mut self, now: Tc, pdr: u16, len: usize) -> Down {
        let Some(pdr) = self.pdrs.iter().find(|p| p.id == pdr) else { return Down::Drop };
        let Some(far) = self.fars.iter().find(|far| Some(far.id) == pdr.far) else { return Down::Drop };
        if far.action.buffer {
            return Down::Hold { notify: far.action.notify };
        }
        let tunnel = far.header.filter(|_| far.action.forward && far.to == Some(Interface::Access));
        let Some(tunnel) = tunnel else { return Down::Drop };
        let mut qfi = 0;
        if let Some(qer) = self.qers.iter_mut().find(|qer| Some(qer.id) == pdr.qer) {
            let slow = qer.mbr.is_some_and(|mbr| !qer.downlink.pass(now, mbr.downlink_kbps, len));
            if !qer.gate.downlink_open || slow {
                return Down::Drop;
            }
            qfi = qer.qfi;
        }
        if pdr.counted {
            self.downlink_octets += len as u64;
        }
        Down::Tunnel(tunnel, qfi)
    }
}

impl Pdr {
    /// Whether a packet's source is the UE's: its IPv4 address, or an address of its /64.
    fn owns(&self, ip: &Ip) -> bool {
        match ip {
            Ip::V4 { source, .. } => self.ipv4 == Some(*source),
            Ip::V6 { source, destination, .. } => {
                self.prefix == Some(packet::prefix(*source)) && !packet::is_link_local(*destination)
            }
        }
    }
}
