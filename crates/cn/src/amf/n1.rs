//! NAS in and out: protection, what may come without it, timers with their retransmission.
//!
//! Spec: TS 24.501 §4.4, §5.1.3, §7

use nas::{GmmCause, Message, MmMessage, NasError, SecurityHeader, SecurityHeaderType};
use ngap::UeIds;
use node::{Direction, Frame, Outbox, Tap};
use nr::Tc;

use super::state::{Awaiting, State, Timer};
use super::{Amf, AmfOutput};

/// T3550, T3560, T3570 and T3522. Spec: TS 24.501 table 10.2.2
const TIMER: Tc = Tc::from_ms(6_000);
/// On the fifth expiry the procedure ends.
const SENT_MAX: u8 = 5;

impl Amf {
    /// A NAS message of a UE. Spec: TS 24.501 §4.4.4.3, §4.4.5
    pub(super) fn n1_receive(&mut self, now: Tc, id: u64, bytes: &[u8], out: &mut Outbox<AmfOutput>) {
        self.tap_nas(now, Direction::Uplink, id, bytes, out);
        let Some(header) = SecurityHeader::peek(bytes) else {
            self.protocol_error(out, "N1", "neither a plain nor a protected 5GMM message (TS 24.501 7.2)");
            return self.drop_unknown(now, id, out);
        };
        if header.kind == SecurityHeaderType::Plain {
            return match Message::decode(bytes) {
                Ok(Message::Mm(message)) => self.n1_unverified(now, id, message, bytes, out),
                Ok(Message::Sm(..)) => self.protocol_error(out, "N1", "a session message outside its container"),
                Err(error) => self.n1_error(now, id, error, out),
            };
        }
        let Some(ue) = self.ues.get_mut(&id) else { return };
        // The message that completes security mode control is the first under the new context (§5.4.2.4).
        let new = header.kind == SecurityHeaderType::IntegrityCipheredNew;
        let context = if new { ue.new_security.as_mut() } else { ue.security.as_mut() };
        if let Some(Ok(unprotected)) = context.map(|context| context.unprotect(bytes)) {
            if header.kind.ciphered() {
                self.tap_plain(now, Direction::Uplink, id, &unprotected.plain, out);
            }
            return match Message::decode(&unprotected.plain) {
                Ok(Message::Mm(message)) => self.n1_verified(now, id, message, &unprotected, out),
                Ok(Message::Sm(..)) => self.protocol_error(out, "N1", "a session message outside its container"),
                Err(error) => self.n1_error(now, id, error, out),
            };
        }
        // Not verified here: an initial message may be under a context that another connection left.
        match nas::protection::unverified_inner(bytes).map(Message::decode) {
            Some(Ok(Message::Mm(message))) => self.n1_unverified(now, id, message, bytes, out),
            Some(Err(error)) => self.n1_error(now, id, error, out),
            _ => {
                self.protocol_error(out, "N1", "a message whose protection cannot be verified (TS 24.501 4.4.4.3)");
                self.drop_unknown(now, id, out);
            }
        }
    }

    /// A message without protection that holds. Spec: TS 24.501 §4.4.4.3
    fn n1_unverified(&mut self, now: Tc, id: u64, message: MmMessage, bytes: &[u8], out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get(&id) else { return };
        let secured = ue.secured;
        match message {
            MmMessage::RegistrationRequest(m) => self.registration_request(now, id, m, Some(bytes), out),
            MmMessage::ServiceRequest(m) => self.service_request(now, id, m, Some(bytes), out),
            MmMessage::DeregistrationRequestUe(m) => self.deregistration_request(now, id, m, Some(bytes), out),
            MmMessage::IdentityResponse(m) if !secured => self.identity_response(id, m, out),
            MmMessage::AuthenticationResponse(m) if !secured => self.authentication_response(now, id, m, out),
            MmMessage::AuthenticationFailure(m) if !secured => self.authentication_failure(now, id, m, out),
            MmMessage::SecurityModeReject(m) if !secured => self.security_mode_reject(now, id, m, out),
            MmMessage::DeregistrationAcceptNetwork(_) => self.deregistration_accept(now, id, out),
            MmMessage::MmStatus(m) if !secured => {
                self.protocol_error(out, "N1", format_args!("5GMM status {}", m.cause))
            }
            other => {
                self.protocol_error(out, "N1", format_args!("{} without protection", other.name()));
                self.drop_unknown(now, id, out);
            }
        }
    }

    /// A message whose protection holds.
    fn n1_verified(
        &mut self,
        now: Tc,
        id: u64,
        message: MmMessage,
        how: &nas::Unprotected,
        out: &mut Outbox<AmfOutput>,
    ) {
        match message {
            MmMessage::RegistrationRequest(m) => {
                self.set_count(id, how.count);
                self.registration_request(now, id, m, None, out);
            }
            MmMessage::ServiceRequest(m) => {
                self.set_count(id, how.count);
                self.service_request(now, id, m, None, out);
            }
            MmMessage::DeregistrationRequestUe(m) => self.deregistration_request(now, id, m, None, out),
            MmMessage::DeregistrationAcceptNetwork(_) => self.deregistration_accept(now, id, out),
            MmMessage::IdentityResponse(m) => self.identity_response(id, m, out),
            MmMessage::AuthenticationResponse(m) => self.authentication_response(now, id, m, out),
            MmMessage::AuthenticationFailure(m) => self.authentication_failure(now, id, m, out),
            MmMessage::SecurityModeComplete(m) => self.security_mode_complete(now, id, m, how, out),
            MmMessage::SecurityModeReject(m) => self.security_mode_reject(now, id, m, out),
            MmMessage::RegistrationComplete(_) => self.registration_complete(id, out),
            MmMessage::UlNasTransport(m) => self.ul_nas_transport(now, id, m, out),
            MmMessage::ConfigurationUpdateComplete(_) => {}
            MmMessage::MmStatus(m) => self.protocol_error(out, "N1", format_args!("5GMM status {}", m.cause)),
            other => {
                self.protocol_error(out, "N1", format_args!("{} is not for an AMF", other.name()));
                self.send(now, id, nas::mm::MmStatus::new(GmmCause::MESSAGE_TYPE_NOT_COMPATIBLE), out);
            }
        }
    }

    fn set_count(&mut self, id: u64, count: u32) {
        if let Some(ue) = self.ues.get_mut(&id) {
            ue.k_gnb_count = count;
        }
    }

    /// A message that does not decode is answered with its cause. Spec: TS 24.501 §7
    fn n1_error(&mut self, now: Tc, id: u64, error: NasError, out: &mut Outbox<AmfOutput>) {
        self.protocol_error(out, "N1", error);
        if let Some(cause) = error.cause() {
            self.send(now, id, nas::mm::MmStatus::new(GmmCause(cause)), out);
        }
        self.drop_unknown(now, id, out);
    }

    /// A connection whose first message says nothing that can be used is released.
    fn drop_unknown(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        if self.ues.get(&id).is_some_and(|ue| ue.state == State::Deregistered && ue.awaiting.is_none()) {
            self.release(now, id, ngap::Cause::NasUnspecified, "nothing usable came first", out);
        }
    }

    /// A NAS message as it goes to the gNB: protected once the secure exchange is on.
    pub(super) fn protect(&mut self, now: Tc, id: u64, message: &Message, out: &mut Outbox<AmfOutput>) -> Vec<u8> {
        let plain = message.encode();
        let is_command = matches!(message, Message::Mm(MmMessage::SecurityModeCommand(_)));
        let bytes = match self.ues.get_mut(&id) {
            Some(ue) if is_command => match ue.new_security.as_mut() {
                Some(context) => context.protect(SecurityHeaderType::IntegrityNew, &plain),
                None => plain.clone(),
            },
            Some(ue) if ue.secured => match ue.security.as_mut() {
                Some(context) => context.protect(SecurityHeaderType::IntegrityCiphered, &plain),
                None => plain.clone(),
            },
            _ => plain.clone(),
        };
        self.tap_nas(now, Direction::Downlink, id, &bytes, out);
        if bytes != plain && !is_command {
            self.tap_plain(now, Direction::Downlink, id, &plain, out);
        }
        bytes
    }

    /// Sends a NAS message in a downlink NAS transport.
    pub(super) fn send(&mut self, now: Tc, id: u64, message: impl Into<MmMessage>, out: &mut Outbox<AmfOutput>) {
        self.send_message(now, id, &Message::Mm(message.into()), out);
    }

    pub(super) fn send_message(&mut self, now: Tc, id: u64, message: &Message, out: &mut Outbox<AmfOutput>) {
        let Some(n2) = self.ues.get(&id).and_then(|ue| ue.n2) else { return };
        let nas = self.protect(now, id, message, out);
        let pdu = ngap::DownlinkNasTransport { ids: UeIds { amf: id, ran: n2.ran }, nas };
        self.n2_send(now, n2.gnb, &pdu.into(), out);
    }

    /// Sends a NAS message that is to be answered, under its timer.
    pub(super) fn send_awaiting(
        &mut self,
        now: Tc,
        id: u64,
        timer: Timer,
        message: impl Into<MmMessage>,
        out: &mut Outbox<AmfOutput>,
    ) {
        let message = Message::Mm(message.into());
        self.send_message(now, id, &message, out);
        self.await_answer(now, id, timer, message);
    }

    /// Starts the timer of a message that has been sent.
    pub(super) fn await_answer(&mut self, now: Tc, id: u64, timer: Timer, message: Message) {
        if let Some(ue) = self.ues.get_mut(&id) {
            if let Some(before) = ue.awaiting.take() {
                self.timers.stop((before.timer, id));
            }
            ue.awaiting = Some(Awaiting { timer, message, sent: 1 });
            self.timers.start((timer, id), now + TIMER);
        }
    }

    /// The answer is here: stops the timer.
    pub(super) fn answered(&mut self, id: u64, timer: Timer) {
        self.timers.stop((timer, id));
        if let Some(ue) = self.ues.get_mut(&id)
            && ue.awaiting.as_ref().is_some_and(|awaiting| awaiting.timer == timer)
        {
            ue.awaiting = None;
        }
    }

    /// A timer has run out: send again, or on the fifth time give up. Spec: TS 24.501 §5.4.1.3.7 b, §5.4.2.7 b, §5.4.3.6 b,
    /// §5.5.1.2.8 c, §5.5.2.3.5 a
    pub(super) fn expired(&mut self, now: Tc, timer: Timer, id: u64, out: &mut Outbox<AmfOutput>) {
        match timer {
            Timer::Release => return self.released(now, id, out),
            Timer::T3513 => return self.paging_unanswered(now, id, out),
            Timer::MobileReachable => return self.not_heard_of(now, id),
            Timer::ImplicitDeregistration => return self.deregister_implicitly(id, out),
            Timer::T3550 | Timer::T3560 | Timer::T3570 | Timer::T3522 => {}
        }
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(awaiting) = ue.awaiting.as_mut().filter(|awaiting| awaiting.timer == timer) else { return };
        if awaiting.sent < SENT_MAX {
            awaiting.sent += 1;
            let message = awaiting.message.clone();
            self.timers.start((timer, id), now + TIMER);
            return self.send_message(now, id, &message, out);
        }
        ue.awaiting = None;
        match timer {
            Timer::T3550 => self.registration_complete(id, out),
            Timer::T3522 => self.deregistered_by_network(now, id, out),
            _ => self.release(now, id, ngap::Cause::NasUnspecified, "no answer to a NAS message", out),
        }
    }

    fn tap_nas(&self, at: Tc, direction: Direction, ue: u64, bytes: &[u8], out: &mut Outbox<AmfOutput>) {
        if self.config.taps.control {
            out.push(AmfOutput::Tap(Tap { at, direction, ue: ue as u32, frame: Frame::Nas(bytes.to_vec()) }));
        }
    }

    fn tap_plain(&self, at: Tc, direction: Direction, ue: u64, bytes: &[u8], out: &mut Outbox<AmfOutput>) {
        if self.config.taps.nas_plain {
            out.push(AmfOutput::Tap(Tap { at, direction, ue: ue as u32, frame: Frame::NasPlain(bytes.to_vec()) }));
        }
    }
}
