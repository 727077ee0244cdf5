//! Registration, identity, deregistration, configuration update. Spec: TS 24.501 §5.5.1.2, §5.4.3, §5.5.2, §5.4.4

use super::{Establishment, MmState, NasOutput, NasTimer, NasUe, security_capability};
use crate::event::CpEvent;
use nas::ie::*;
use nas::mm::*;
use nas::{GmmCause, Message, SecurityHeaderType};
use nr::Tc;

const T3510: Tc = Tc::from_ms(15_000);
const T3511: Tc = Tc::from_ms(10_000);
const T3521: Tc = Tc::from_ms(15_000);
/// Attempts before the registration counts as failed. Spec: TS 24.501 §5.5.1.2.7
const ATTEMPTS_MAX: u8 = 5;

impl NasUe {
    /// Begins the initial registration. Spec: TS 24.501 §5.5.1.2.2
    pub fn register(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        self.drop_sessions(out);
        self.request_registration(RegistrationKind::Initial, now, out);
    }
    /// Asks for a registration, initial or not. Spec: TS 24.501 §5.5.1.2.2, §5.5.1.3.2
    pub(super) fn request_registration(&mut self, kind: RegistrationKind, now: Tc, out: &mut Vec<NasOutput>) {
        let Some((identity, suci)) = self.identity() else {
            return self.fail(
                "registration",
                "the SUPI cannot be concealed: check the home network's key".into(),
                "TS 33.501 §6.12.2",
                false,
                out,
            );
        };
        self.attempts += 1;
        let mut whole = RegistrationRequest::new(identity);
        whole.registration_type = RegistrationType { follow_on: kind == RegistrationKind::Initial, kind };
        whole.ng_ksi = self.security.as_ref().map_or(KeySetIdentifier::NO_KEY, |s| KeySetIdentifier::native(s.ng_ksi));
        whole.ue_security_capability = Some(security_capability(&self.config));
        // Spec: TS 24.501 §4.4.6: only what is allowed in clear goes into the first message.
        let clear = Message::from(whole.clone());
        whole.gmm_capability = Some(vec![0]);
        if !self.config.requested_nssai.is_empty() {
            whole.requested_nssai = Some(Nssai(self.config.requested_nssai.clone()));
        }
        self.requested = Message::from(whole).encode();
        let pdu = match self.security.as_mut() {
            Some(context) => {
                let Message::Mm(MmMessage::RegistrationRequest(mut m)) = clear else { return };
                let mut container = self.requested.clone();
                // Spec: TS 24.501 §4.4.6: the whole message travels ciphered inside.
                context.cipher_container(&mut container);
                m.nas_message_container = Some(container);
                self.k_gnb_count = context.next_sent();
                context.protect(SecurityHeaderType::Integrity, &Message::from(m).encode())
            }
            None => clear.encode(),
        };
        self.state = MmState::RegisteredInitiated;
        self.timers.start(NasTimer::T3510, now + T3510);
        out.push(NasOutput::Event(CpEvent::RegistrationStarted { suci }));
        let s_tmsi = self.guti.as_ref().map(|g| g.s_tmsi().to_u48());
        out.push(NasOutput::Initial { pdu, s_tmsi, guami: self.guti, cause: Establishment::Signalling });
    }
    /// The lower layers could not carry the registration. Spec: TS 24.501 §5.5.1.2.7 b
    pub fn lower_layer_failure(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        if self.state == MmState::RegisteredInitiated {
            self.registration_timed_out(now, out);
        }
    }
    /// The network has released the connection: a terminal that is registered stays so, one that is registering tries again.
    pub fn connection_released(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        self.set_connected(false);
        match self.state {
            MmState::RegisteredInitiated => self.registration_timed_out(now, out),
            MmState::Registered => self.becomes_idle(now),
            MmState::ServiceRequestInitiated => self.service_failed(now, out),
            MmState::DeregisteredInitiated => self.leave(out),
            MmState::Deregistered => {}
        }
    }
    /// The connection is lost, and the network may or may not know: registers again soon.
    pub fn connection_lost(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        self.set_connected(false);
        match self.state {
            MmState::RegisteredInitiated => self.registration_timed_out(now, out),
            MmState::ServiceRequestInitiated => self.service_failed(now, out),
            MmState::Registered => {
                self.drop_sessions(out);
                self.state = MmState::Deregistered;
                self.timers.stop_where(|_| true);
                self.timers.start(NasTimer::T3511, now + Tc::from_ms(100));
            }
            MmState::DeregisteredInitiated => self.leave(out),
            MmState::Deregistered => {}
        }
    }
    /// A new connection replaced the old one (re-establishment fell back to setup): registers on it.
    pub fn register_again(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        self.drop_sessions(out);
        self.timers.stop_where(|_| true);
        self.secured = false;
        self.register(now, out);
    }
    pub(super) fn drop_sessions(&mut self, out: &mut Vec<NasOutput>) {
        for s in std::mem::take(&mut self.sessions) {
            out.push(NasOutput::Event(CpEvent::SessionDown { id: s.id }));
        }
    }
    pub(super) fn registration_timed_out(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        self.timers.stop(NasTimer::T3510);
        self.state = MmState::Deregistered;
        let retry = self.attempts < ATTEMPTS_MAX;
        if retry {
            self.timers.start(NasTimer::T3511, now + T3511);
        }
        self.fail(
            "registration",
            "no answer within T3510, or the connection was lost".into(),
            "TS 24.501 §5.5.1.2.7",
            retry,
            out,
        );
    }
    pub(super) fn registration_accept(&mut self, a: RegistrationAccept, now: Tc, out: &mut Vec<NasOutput>) {
        if self.state != MmState::RegisteredInitiated || !self.secured {
            return;
        }
        self.timers.stop(NasTimer::T3510);
        self.attempts = 0;
        self.state = MmState::Registered;
        self.t3512 = a.t3512.and_then(|t| t.seconds()).filter(|s| *s > 0).map(|s| Tc::from_ms(i64::from(s) * 1000));
        if let Some(TaiList(tais)) = a.tai_list {
            self.tais = tais;
        }
        let given = a.guti.is_some();
        if let Some(MobileIdentity::Guti(g)) = a.guti {
            self.guti = Some(g);
        }
        if given || a.network_slicing_indication.is_some() {
            self.send(&Message::from(RegistrationComplete::new()), out);
        }
        out.push(NasOutput::Event(CpEvent::Registered { guti: self.guti.as_ref().map(|g| g.to_string()) }));
        self.open_sessions(now, out);
    }
    pub(super) fn registration_reject(&mut self, r: RegistrationReject, now: Tc, out: &mut Vec<NasOutput>) {
        if self.state != MmState::RegisteredInitiated {
            return;
        }
        self.timers.stop(NasTimer::T3510);
        self.state = MmState::Deregistered;
        // Spec: TS 24.501 §5.5.1.2.5
        let retry = match r.cause {
            GmmCause::CONGESTION => true,
            c if c.0 == GmmCause::IDENTITY_CANNOT_BE_DERIVED.0 || c.0 == GmmCause::IMPLICITLY_DEREGISTERED.0 => {
                self.guti = None;
                self.security = None;
                true
            }
            c if c.0 >= 95 => self.attempts < ATTEMPTS_MAX,
            _ => false,
        };
        if retry {
            let wait = r.t3346.and_then(|t| t.seconds()).map_or(T3511, |s| Tc::from_ms(s as i64 * 1000));
            self.timers.start(NasTimer::T3511, now + wait);
        } else {
            self.guti = None;
            self.security = None;
        }
        self.fail("registration", r.cause.to_string(), "TS 24.501 §5.5.1.2.5", retry, out);
    }
    pub(super) fn identity_request(&mut self, r: IdentityRequest, out: &mut Vec<NasOutput>) {
        let identity = match r.identity_type {
            IdentityType::Suci => self.suci().map_or(MobileIdentity::NoIdentity, MobileIdentity::Suci),
            IdentityType::Guti => self.guti.map_or(MobileIdentity::NoIdentity, MobileIdentity::Guti),
            IdentityType::STmsi => self.guti.map_or(MobileIdentity::NoIdentity, |g| MobileIdentity::STmsi(g.s_tmsi())),
            IdentityType::Imeisv if self.secured => MobileIdentity::Imeisv(self.config.imeisv.clone()),
            IdentityType::Imei if self.secured => MobileIdentity::Imei(self.config.imeisv.chars().take(15).collect()),
            // Spec: TS 24.501 §4.4.4.2: equipment identities only in a secure exchange.
            _ => MobileIdentity::NoIdentity,
        };
        self.send(&Message::from(IdentityResponse::new(identity)), out);
    }
    /// Deregisters: with `switch_off` no answer is awaited. Spec: TS 24.501 §5.5.2.2
    pub fn deregister(&mut self, switch_off: bool, now: Tc, out: &mut Vec<NasOutput>) {
        if self.is_idle() {
            return self.deregister_from_idle(switch_off, now, out);
        }
        if self.state == MmState::Deregistered || !self.connected {
            return self.leave(out);
        }
        let identity = match self.identity() {
            Some((i, _)) => i,
            None => MobileIdentity::NoIdentity,
        };
        let ksi = self.security.as_ref().map_or(KeySetIdentifier::NO_KEY, |s| KeySetIdentifier::native(s.ng_ksi));
        let m = DeregistrationRequestUe::new(DeregistrationType::three_gpp(switch_off), ksi, identity);
        self.send(&Message::from(m), out);
        self.timers.stop_where(|_| true);
        self.dereg_attempts += 1;
        if switch_off {
            self.leave(out);
        } else {
            self.state = MmState::DeregisteredInitiated;
            self.timers.start(NasTimer::T3521, now + T3521);
        }
    }
    /// The request goes on a connection of its own, which the network releases. Spec: TS 24.501 §5.5.2.2.1
    fn deregister_from_idle(&mut self, switch_off: bool, now: Tc, out: &mut Vec<NasOutput>) {
        let (Some(guti), Some(context)) = (self.guti, self.security.as_mut()) else { return self.leave(out) };
        let ksi = KeySetIdentifier::native(context.ng_ksi);
        let kind = DeregistrationType::three_gpp(switch_off);
        let message = Message::from(DeregistrationRequestUe::new(kind, ksi, MobileIdentity::Guti(guti)));
        let pdu = context.protect(SecurityHeaderType::Integrity, &message.encode());
        self.timers.stop_where(|_| true);
        self.dereg_attempts = ATTEMPTS_MAX;
        self.state = MmState::DeregisteredInitiated;
        self.timers.start(NasTimer::T3521, now + T3521);
        let (s_tmsi, cause) = (Some(guti.s_tmsi().to_u48()), Establishment::Signalling);
        out.push(NasOutput::Initial { pdu, s_tmsi, guami: Some(guti), cause });
    }
    pub(super) fn deregistration_accept(&mut self, out: &mut Vec<NasOutput>) {
        if self.state == MmState::DeregisteredInitiated {
            self.timers.stop(NasTimer::T3521);
            self.leave(out);
        }
    }
    pub(super) fn deregistration_timed_out(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        if self.dereg_attempts < ATTEMPTS_MAX {
            self.deregister(false, now, out);
        } else {
            self.leave(out);
        }
    }
    fn leave(&mut self, out: &mut Vec<NasOutput>) {
        self.state = MmState::Deregistered;
        (self.attempts, self.dereg_attempts) = (0, 0);
        self.drop_sessions(out);
        out.push(NasOutput::Event(CpEvent::Deregistered));
    }
    /// Spec: TS 24.501 §5.5.2.3
    pub(super) fn network_deregisters(&mut self, r: DeregistrationRequestNetwork, now: Tc, out: &mut Vec<NasOutput>) {
        self.send(&Message::from(DeregistrationAcceptNetwork::new()), out);
        self.timers.stop_where(|_| true);
        self.leave(out);
        if r.deregistration_type.reregistration_required {
            self.timers.start(NasTimer::T3511, now + Tc::from_ms(100));
        }
    }
    /// Spec: TS 24.501 §5.4.4.3
    pub(super) fn configuration_update(&mut self, c: ConfigurationUpdateCommand, out: &mut Vec<NasOutput>) {
        if let Some(MobileIdentity::Guti(g)) = c.guti {
            self.guti = Some(g);
        }
        if c.configuration_update_indication.is_some_and(|i| i & 1 == 1) {
            self.send(&Message::from(ConfigurationUpdateComplete::new()), out);
        }
    }
}
