//! A registered terminal without a connection: service request, paging, periodic registration.
//!
//! Spec: TS 24.501 §5.6.1, §5.6.2, §5.5.1.3, §5.3.7

use super::{Establishment, MmState, NasOutput, NasTimer, NasUe};
use crate::event::CpEvent;
use nas::ie::*;
use nas::mm::{ServiceAccept, ServiceReject, ServiceRequest};
use nas::{GmmCause, Message, SecurityHeaderType};
use nr::Tc;

/// Spec: TS 24.501 table 10.2.1
const T3517: Tc = Tc::from_ms(5_000);
/// Requests in a row that failed; then the terminal registers anew. Spec: TS 24.501 §5.6.1.7 b
const ATTEMPTS_MAX: u8 = 5;
/// A wait of the implementation's own between a failed request and the next.
const PAUSE: Tc = Tc::from_ms(500);
/// Registration after the network has forgotten the terminal: a moment for the connection to go.
const SOON: Tc = Tc::from_ms(100);

impl NasUe {
    /// 5G-S-TMSI under which a registered terminal is called, 48 bits.
    pub fn paging_identity(&self) -> Option<u64> {
        let registered = matches!(self.state, MmState::Registered | MmState::ServiceRequestInitiated);
        self.guti.as_ref().filter(|_| registered && self.security.is_some()).map(|g| g.s_tmsi().to_u48())
    }
    /// Whether it is registered and has no connection (5GMM-IDLE mode).
    pub fn is_idle(&self) -> bool {
        self.state == MmState::Registered && !self.connected
    }
    /// A cell of tracking area `tac` has been chosen: registers, unless that has been done and holds here. Spec: TS 24.501 §5.5.1.3.2
    pub fn camped(&mut self, tac: u32, now: Tc, out: &mut Vec<NasOutput>) {
        let here = Tai { plmn: self.config.plmn, tac };
        match self.state {
            MmState::Registered if self.tais.contains(&here) => {}
            MmState::Registered => self.request_registration(RegistrationKind::MobilityUpdating, now, out),
            _ => self.register(now, out),
        }
    }
    /// The network calls. Spec: TS 24.501 §5.6.2.2.1
    pub fn paged(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        if self.is_idle() {
            self.service_not_before = None;
            self.request_service(ServiceType::MobileTerminated, None, now, out);
        }
    }
    /// A packet of a session waits and there is no bearer. Spec: TS 24.501 §5.6.1.1 d
    pub fn uplink_data(&mut self, session: u8, now: Tc, out: &mut Vec<NasOutput>) {
        let active = self.sessions.iter().any(|s| s.id == session && s.active);
        if self.is_idle() && active && self.service_not_before.is_none_or(|t| now >= t) {
            self.request_service(ServiceType::Data, Some(session), now, out);
        }
    }
    /// Spec: TS 24.501 §5.6.1.2
    fn request_service(&mut self, kind: ServiceType, session: Option<u8>, now: Tc, out: &mut Vec<NasOutput>) {
        let (Some(guti), Some(context)) = (self.guti, self.security.as_mut()) else { return };
        let s_tmsi = guti.s_tmsi();
        let clear = ServiceRequest::new(KeySetIdentifier::native(context.ng_ksi), kind, MobileIdentity::STmsi(s_tmsi));
        let active = self.sessions.iter().filter(|s| s.active).fold(0, |set, s| set | 1 << s.id);
        let whole = ServiceRequest {
            uplink_data_status: session.map(|id| PduSessionStatus(1 << id)),
            pdu_session_status: Some(PduSessionStatus(active)),
            ..clear.clone()
        };
        // Spec: TS 24.501 §4.4.6: the whole message travels ciphered inside.
        let mut container = Message::from(whole).encode();
        context.cipher_container(&mut container);
        let request = ServiceRequest { nas_message_container: Some(container), ..clear };
        self.k_gnb_count = context.next_sent();
        let pdu = context.protect(SecurityHeaderType::Integrity, &Message::from(request).encode());
        self.state = MmState::ServiceRequestInitiated;
        self.timers.stop(NasTimer::T3512);
        self.timers.start(NasTimer::T3517, now + T3517);
        let cause = match kind {
            ServiceType::MobileTerminated => Establishment::Terminated,
            ServiceType::Data => Establishment::Data,
            _ => Establishment::Signalling,
        };
        out.push(NasOutput::Event(CpEvent::ServiceRequested { paged: kind == ServiceType::MobileTerminated }));
        out.push(NasOutput::Initial { pdu, s_tmsi: Some(s_tmsi.to_u48()), guami: Some(guti), cause });
    }
    /// Spec: TS 24.501 §5.6.1.4.1
    pub(super) fn service_accept(&mut self, a: ServiceAccept, out: &mut Vec<NasOutput>) {
        if self.state != MmState::ServiceRequestInitiated || !self.secured {
            return;
        }
        self.service_done();
        // Sessions that the network does not have any more are gone here too.
        if let Some(PduSessionStatus(there)) = a.pdu_session_status {
            let (kept, gone) = std::mem::take(&mut self.sessions).into_iter().partition(|s| there >> s.id & 1 == 1);
            self.sessions = kept;
            let gone: Vec<super::session::Session> = gone;
            out.extend(gone.iter().map(|s| NasOutput::Event(CpEvent::SessionDown { id: s.id })));
        }
        out.push(NasOutput::Event(CpEvent::ServiceAccepted));
    }
    /// Spec: TS 24.501 §5.6.1.5
    pub(super) fn service_reject(&mut self, r: ServiceReject, now: Tc, out: &mut Vec<NasOutput>) {
        if self.state != MmState::ServiceRequestInitiated {
            return;
        }
        self.service_done();
        let forgotten = [GmmCause::IDENTITY_CANNOT_BE_DERIVED, GmmCause::IMPLICITLY_DEREGISTERED].contains(&r.cause);
        let retry = forgotten || r.cause == GmmCause::CONGESTION;
        self.fail("service", r.cause.to_string(), "TS 24.501 §5.6.1.5", retry, out);
        if r.cause == GmmCause::CONGESTION {
            let wait = r.t3346.and_then(|t| t.seconds()).map_or(PAUSE, |s| Tc::from_ms(i64::from(s) * 1000));
            self.service_not_before = Some(now + wait);
        } else if forgotten {
            if r.cause == GmmCause::IDENTITY_CANNOT_BE_DERIVED {
                (self.guti, self.security) = (None, None);
            }
            self.drop_sessions(out);
            self.state = MmState::Deregistered;
            self.timers.start(NasTimer::T3511, now + SOON);
        }
    }
    fn service_done(&mut self) {
        self.timers.stop(NasTimer::T3517);
        (self.service_attempts, self.service_not_before) = (0, None);
        self.state = MmState::Registered;
    }
    /// T3517 has run out, or the connection is gone before the answer. Spec: TS 24.501 §5.6.1.7 a, b
    pub(super) fn service_failed(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        if self.state != MmState::ServiceRequestInitiated {
            return;
        }
        self.timers.stop(NasTimer::T3517);
        self.state = MmState::Registered;
        self.service_attempts += 1;
        self.service_not_before = Some(now + PAUSE);
        let last = self.service_attempts >= ATTEMPTS_MAX;
        self.fail("service", "no answer to the service request".into(), "TS 24.501 §5.6.1.7", !last, out);
        if last {
            self.service_attempts = 0;
            self.drop_sessions(out);
            self.state = MmState::Deregistered;
            self.timers.start(NasTimer::T3511, now + SOON);
        } else {
            self.becomes_idle(now);
        }
    }
    /// The connection is gone and the terminal stays registered. Spec: TS 24.501 §5.3.7
    pub(super) fn becomes_idle(&mut self, now: Tc) {
        if let Some(t3512) = self.t3512.filter(|_| !self.connected) {
            self.timers.start(NasTimer::T3512, now + t3512);
        }
    }
    /// T3512 has run out. Spec: TS 24.501 §5.5.1.3.2 a
    pub(super) fn register_periodically(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        if self.is_idle() {
            self.request_registration(RegistrationKind::PeriodicUpdating, now, out);
        }
    }
}
