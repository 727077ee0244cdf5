//! User data between N3 and F1-U. Spec: TS 29.281, TS 38.415, TS 37.324

use crate::{CuEvent, CuOutput, GnbCu};
use gtpu::{Container, Kind, Packet};
use node::Outbox;
use nr::{DrbId, Qfi, Tc};
use pdcp::PdcpEvent;
use sdap::Uplink;
use seam::f1::{CuToDu, DuUeId};
use std::net::IpAddr;

impl GnbCu {
    /// A GTP-U packet from `from`.
    pub fn n3(&mut self, now: Tc, from: IpAddr, bytes: &[u8], out: &mut Outbox<CuOutput>) {
        let Ok(p) = Packet::decode(bytes) else { return };
        match p.kind {
            Kind::GPdu => self.dl_user(now, from, p, out),
            Kind::EchoRequest => {
                let packet = gtpu::echo_response(p.sequence.unwrap_or(0));
                out.push(CuOutput::N3 { to: from, packet });
            }
            _ => {}
        }
    }
    fn dl_user(&mut self, now: Tc, from: IpAddr, p: Packet<'_>, out: &mut Outbox<CuOutput>) {
        let Some(&(ran, id)) = self.by_teid.get(&p.teid) else {
            // Spec: TS 29.281 §7.3.1
            let packet = gtpu::error_indication(0, p.teid, self.config.n3_address);
            return out.push(CuOutput::N3 { to: from, packet });
        };
        let limit = self.config.drb_queue_bytes;
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let Some(session) = u.sessions.iter().find(|s| s.id == id) else { return };
        let qfi = p.container.map(|c| c.qfi()).or(session.qfis.first().copied()).and_then(Qfi::new);
        let Some(qfi) = qfi else { return };
        let Ok(mapped) = session.sdap.push_downlink(qfi, p.payload.to_vec(), false, false) else { return };
        let Some(d) = u.drbs.get_mut(&mapped.drb) else { return };
        if d.queued_bytes.saturating_add(mapped.pdu.len() as u32) > limit {
            self.dropped += 1;
            return;
        }
        u.active_at = now;
        let drb = mapped.drb;
        match d.pdcp.send(now, mapped.pdu) {
            Ok((pdu, _)) => {
                d.queued_bytes += pdu.len() as u32;
                out.push(CuOutput::F1(CuToDu::DlUser { ue: u.du, drb, pdu }));
            }
            Err(_) => self.dropped += 1,
        }
    }
    pub(crate) fn ul_user(&mut self, now: Tc, du: DuUeId, drb: DrbId, pdu: Vec<u8>, out: &mut Outbox<CuOutput>) {
        let Some(&ran) = self.by_du.get(&du) else { return };
        let mut events = std::mem::take(&mut self.scratch);
        if let Some(u) = self.ues.get_mut(&ran)
            && let Some(d) = u.drbs.get_mut(&drb)
        {
            u.active_at = now;
            d.pdcp.receive(now, pdu, &mut events);
        }
        self.pdcp_events(ran, drb, &mut events, out);
        self.scratch = events;
    }
    fn pdcp_events(&mut self, ran: u32, drb: DrbId, events: &mut Outbox<PdcpEvent>, out: &mut Outbox<CuOutput>) {
        while let Some(e) = events.pop() {
            match e {
                PdcpEvent::Sdu { sdu, .. } => self.ul_packet(ran, drb, sdu, out),
                PdcpEvent::Transmit { pdu, .. } => {
                    if let Some(u) = self.ues.get(&ran) {
                        out.push(CuOutput::F1(CuToDu::DlUser { ue: u.du, drb, pdu }));
                    }
                }
                PdcpEvent::IntegrityFailure { count } => {
                    let what = format!("integrity of UE {ran} failed on {drb:?}, COUNT {count}");
                    out.push(CuOutput::Event(CuEvent::PeerError(what)));
                }
                PdcpEvent::Discard { .. } => {}
            }
        }
    }
    fn ul_packet(&mut self, ran: u32, drb: DrbId, pdu: Vec<u8>, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get(&ran) else { return };
        let Some(id) = u.drbs.get(&drb).map(|d| d.session) else { return };
        let Some(session) = u.sessions.iter().find(|s| s.id == id) else { return };
        let Ok(Uplink::Packet { qfi, packet }) = session.sdap.receive_uplink(drb, pdu) else { return };
        let qfi = qfi.map(|q| q.get()).or(session.qfis.first().copied()).unwrap_or(1);
        if let Ok(packet) = gtpu::g_pdu(session.uplink.teid, Container::Uplink { qfi }, &packet) {
            out.push(CuOutput::N3 { to: session.uplink.address, packet });
        }
    }
    /// PDCP timers of every bearer.
    pub(crate) fn user_timeouts(&mut self, now: Tc, out: &mut Outbox<CuOutput>) {
        let due: Vec<(u32, DrbId)> = self
            .ues
            .values()
            .flat_map(|u| u.drbs.iter().map(move |(d, x)| (u.ran, *d, x.pdcp.deadline())))
            .filter(|(_, _, t)| t.is_some_and(|t| t <= now))
            .map(|(r, d, _)| (r, d))
            .collect();
        let mut events = std::mem::take(&mut self.scratch);
        for (ran, drb) in due {
            if let Some(d) = self.ues.get_mut(&ran).and_then(|u| u.drbs.get_mut(&drb)) {
                d.pdcp.timeout(now, &mut events);
            }
            self.pdcp_events(ran, drb, &mut events, out);
        }
        for u in self.ues.values_mut() {
            u.srb1.timeout(now, &mut events);
            if let Some(p) = u.srb2.as_mut() {
                p.timeout(now, &mut events);
            }
        }
        while events.pop().is_some() {}
        self.scratch = events;
    }
}
