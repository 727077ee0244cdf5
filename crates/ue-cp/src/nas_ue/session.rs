//! PDU sessions, the terminal's side. Spec: TS 24.501 §6.4.1, §6.3.3, §6.4.3

use super::{NasOutput, NasTimer, NasUe};
use crate::event::{CpEvent, SessionInfo};
use nas::ie::*;
use nas::mm::{DlNasTransport, UlNasTransport};
use nas::pco::Pco;
use nas::sm::*;
use nas::{GsmCause, Message};
use nr::Tc;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const T3580: Tc = Tc::from_ms(16_000);
const ATTEMPTS_MAX: u8 = 5;
/// MTU that is assumed when the network gives none. Spec: TS 23.501 §5.6.10.4
const MTU_DEFAULT: u16 = 1358;

/// A session that was asked for or is up.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub id: u8,
    pti: u8,
    attempts: u8,
    pub active: bool,
}

impl NasUe {
    pub(super) fn open_sessions(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        let wanted: Vec<u8> = self.config.sessions.iter().map(|s| s.id).collect();
        for id in wanted {
            if !self.sessions.iter().any(|s| s.id == id) {
                let pti = self.pti();
                self.sessions.push(Session { id, pti, attempts: 0, active: false });
            }
            self.request_session(id, now, out);
        }
    }
    fn pti(&mut self) -> u8 {
        let p = self.next_pti;
        self.next_pti = if p >= 254 { 1 } else { p + 1 };
        p
    }
    fn request_session(&mut self, id: u8, now: Tc, out: &mut Vec<NasOutput>) {
        let Some(wish) = self.config.sessions.iter().find(|w| w.id == id).cloned() else { return };
        let Some(s) = self.sessions.iter_mut().find(|s| s.id == id && !s.active) else { return };
        s.attempts += 1;
        let mut request = EstablishmentRequest::new(wish.kind);
        request.ssc_mode = Some(1);
        request.extended_pco = Some(Pco::request());
        let header = SmHeader { pdu_session_id: id, pti: s.pti };
        let sm = Message::Sm(header, SmMessage::EstablishmentRequest(request)).encode();
        let mut transport = UlNasTransport::n1_sm(sm, id);
        transport.request_type = Some(RequestType::Initial);
        transport.dnn = wish.dnn.map(Dnn);
        transport.s_nssai = wish.s_nssai;
        self.timers.start(NasTimer::T3580(id), now + T3580);
        self.send(&Message::from(transport), out);
    }
    pub(super) fn session_timed_out(&mut self, id: u8, now: Tc, out: &mut Vec<NasOutput>) {
        let again = self.sessions.iter().any(|s| s.id == id && !s.active && s.attempts < ATTEMPTS_MAX);
        if again {
            return self.request_session(id, now, out);
        }
        self.sessions.retain(|s| s.id != id);
        self.fail("session", "no answer within T3580, five times".into(), "TS 24.501 §6.4.1.6", false, out);
    }
    pub(super) fn dl_transport(&mut self, t: DlNasTransport, now: Tc, out: &mut Vec<NasOutput>) {
        if t.payload_container_type != PayloadContainerType::N1Sm {
            return;
        }
        let decoded = Message::decode(&t.payload_container);
        // Spec: TS 24.501 §5.4.5.3.2 f: our own message comes back with the cause why it was not forwarded.
        if let Some(cause) = t.cause {
            let id = t.pdu_session_id.unwrap_or(0);
            self.timers.stop(NasTimer::T3580(id));
            self.sessions.retain(|s| s.id != id);
            return self.fail("session", cause.to_string(), "TS 24.501 §6.4.1.5", false, out);
        }
        let Ok(Message::Sm(header, m)) = decoded else { return };
        match m {
            SmMessage::EstablishmentAccept(a) => self.session_accept(header, a, out),
            SmMessage::EstablishmentReject(r) => self.session_reject(header, r, now, out),
            SmMessage::ReleaseCommand(_) => self.session_release(header, out),
            SmMessage::ModificationCommand(_) => {
                self.send_sm(header, SmMessage::ModificationComplete(modification_complete()), out);
            }
            _ => {}
        }
    }
    fn send_sm(&mut self, header: SmHeader, m: SmMessage, out: &mut Vec<NasOutput>) {
        let id = header.pdu_session_id;
        let t = UlNasTransport::n1_sm(Message::Sm(header, m).encode(), id);
        self.send(&Message::from(t), out);
    }
    fn session_accept(&mut self, header: SmHeader, a: EstablishmentAccept, out: &mut Vec<NasOutput>) {
        let id = header.pdu_session_id;
        let Some(s) = self.sessions.iter_mut().find(|s| s.id == id && s.pti == header.pti && !s.active) else {
            return self.send_sm(header, SmMessage::SmStatus(SmStatus::new(GsmCause::PTI_MISMATCH)), out);
        };
        s.active = true;
        self.timers.stop(NasTimer::T3580(id));
        let pco = a.extended_pco.unwrap_or_default();
        let v4 = pco.dns_ipv4().into_iter().map(|d| IpAddr::V4(Ipv4Addr::from(d)));
        let v6 = pco.dns_ipv6().into_iter().map(|d| IpAddr::V6(Ipv6Addr::from(d)));
        let info = SessionInfo {
            id,
            ipv4: a.pdu_address.and_then(|p| p.ipv4()).map(Ipv4Addr::from),
            interface_id: a.pdu_address.and_then(|p| p.interface_id()),
            dns: v4.chain(v6).collect(),
            mtu: pco.mtu().filter(|m| *m >= 1280).unwrap_or(MTU_DEFAULT),
            qfi: a.authorized_qos_rules.default_qfi().unwrap_or(1),
        };
        out.push(NasOutput::Event(CpEvent::SessionUp(info)));
    }
    fn session_reject(&mut self, header: SmHeader, r: EstablishmentReject, _now: Tc, out: &mut Vec<NasOutput>) {
        let id = header.pdu_session_id;
        if !self.sessions.iter().any(|s| s.id == id && s.pti == header.pti && !s.active) {
            return;
        }
        self.timers.stop(NasTimer::T3580(id));
        self.sessions.retain(|s| s.id != id);
        self.fail("session", r.cause.to_string(), "TS 24.501 §6.4.1.4", false, out);
    }
    fn session_release(&mut self, header: SmHeader, out: &mut Vec<NasOutput>) {
        let id = header.pdu_session_id;
        if !self.sessions.iter().any(|s| s.id == id) {
            return self.send_sm(header, SmMessage::SmStatus(SmStatus::new(GsmCause::PDU_SESSION_DOES_NOT_EXIST)), out);
        }
        self.send_sm(header, SmMessage::ReleaseComplete(ReleaseComplete::new()), out);
        self.sessions.retain(|s| s.id != id);
        out.push(NasOutput::Event(CpEvent::SessionDown { id }));
    }
}

fn modification_complete() -> ModificationComplete {
    ModificationComplete { extended_pco: None, unknown: Vec::new() }
}
