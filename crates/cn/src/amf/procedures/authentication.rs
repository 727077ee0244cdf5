//! 5G AKA based primary authentication. Spec: TS 24.501 §5.4.1.3, TS 33.501 §6.1.3.2

use nas::GmmCause;
use nas::ie::KeySetIdentifier;
use nas::mm::{AuthenticationFailure, AuthenticationReject, AuthenticationRequest, AuthenticationResponse};
use node::Outbox;
use nr::Tc;
use security::{Auts, kdf};

use super::super::state::{Challenge, State, Timer};
use super::super::{Amf, AmfOutput};
use crate::ausf::{AusfAnswer, AusfRequest};
use crate::event::CoreEvent;
use crate::udm::{Identity, UdmError};

/// ABBA of the features of Release 15. Spec: TS 33.501 §A.7.1
const ABBA: [u8; 2] = [0, 0];
/// Synch failures in a row before the network gives up. Spec: TS 24.501 §5.4.1.3.7 f
const SYNCH_FAILURES_MAX: u8 = 2;

impl Amf {
    /// Asks the AUSF for a challenge.
    pub(in super::super) fn authenticate(
        &mut self,
        id: u64,
        identity: Identity,
        resync: Option<([u8; 16], Auts)>,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        ue.state = State::AwaitingVector;
        let serving_network = self.serving_network.clone();
        out.push(AmfOutput::Ausf(AusfRequest::Authenticate { ue: id, identity, serving_network, resync }));
    }

    pub(in super::super) fn ausf_answer(&mut self, now: Tc, answer: AusfAnswer, out: &mut Outbox<AmfOutput>) {
        match answer {
            AusfAnswer::Challenge { ue, rand, autn, hxres_star } => {
                self.challenge(now, ue, rand, autn, hxres_star, out)
            }
            AusfAnswer::Confirmed { ue, supi, k_seaf } => {
                let Some(context) = self.ues.get_mut(&ue).filter(|ue| ue.state == State::Authenticating) else {
                    return;
                };
                let ng_ksi = context.challenge.take().map_or(0, |challenge| challenge.ng_ksi);
                context.supi = Some(supi.clone());
                let k_amf = kdf::k_amf(&k_seaf, supi.imsi(), &ABBA);
                self.event(out, CoreEvent::Authenticated { ue, supi });
                self.start_security_mode(now, ue, ng_ksi, k_amf, out);
            }
            AusfAnswer::Refused { ue, error } => self.authentication_refused(now, ue, error, out),
        }
    }

    /// Sends the challenge; T3560 runs. The ngKSI differs from that of a context in use (§5.4.1.3.2).
    fn challenge(
        &mut self,
        now: Tc,
        id: u64,
        rand: [u8; 16],
        autn: [u8; 16],
        hxres_star: [u8; 16],
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::AwaitingVector) else { return };
        let in_use = [
            ue.security.as_ref().map(|context| context.ng_ksi),
            ue.request.as_ref().map(|request| request.ng_ksi.value),
            ue.challenge.as_ref().map(|challenge| challenge.ng_ksi),
        ];
        let ng_ksi = (0..7).find(|ksi| !in_use.contains(&Some(*ksi))).unwrap_or(0);
        let synch_failures = ue.challenge.as_ref().map_or(0, |challenge| challenge.synch_failures);
        ue.challenge = Some(Challenge { ng_ksi, rand, hxres_star, synch_failures });
        ue.state = State::Authenticating;
        let request = AuthenticationRequest::new(KeySetIdentifier::native(ng_ksi), ABBA.to_vec(), rand, autn);
        self.send_awaiting(now, id, Timer::T3560, request, out);
    }

    /// The UE's RES*: compared here as HRES*, then confirmed by the AUSF.
    pub(in super::super) fn authentication_response(
        &mut self,
        now: Tc,
        id: u64,
        message: AuthenticationResponse,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::Authenticating) else { return };
        let Some(challenge) = &ue.challenge else { return };
        let res_star = message.res_star.and_then(|res_star| <[u8; 16]>::try_from(res_star).ok());
        let right = res_star.filter(|res_star| {
            security::equal_constant_time(&kdf::hres_star(&challenge.rand, res_star), &challenge.hxres_star)
        });
        self.answered(id, Timer::T3560);
        match right {
            Some(res_star) => out.push(AmfOutput::Ausf(AusfRequest::Confirm { ue: id, res_star })),
            None => self.wrong_response(now, id, out),
        }
    }

    /// A wrong RES*: with a GUTI the identity may be another UE's, so it is asked for; with a SUCI the UE is rejected.
    ///
    /// Spec: TS 24.501 §5.4.1.3.5
    fn wrong_response(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        ue.challenge = None;
        if ue.identified_by_suci {
            self.reject_authentication(now, id, "RES* is wrong", "TS 24.501 §5.4.1.3.5", out);
        } else {
            self.identify(now, id, out);
        }
    }

    /// The UE refuses the challenge. Spec: TS 24.501 §5.4.1.3.7 c to f
    pub(in super::super) fn authentication_failure(
        &mut self,
        now: Tc,
        id: u64,
        message: AuthenticationFailure,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::Authenticating) else { return };
        let Some(challenge) = ue.challenge.as_mut() else { return };
        let (rand, suci, supi) = (challenge.rand, ue.suci.clone(), ue.supi.clone());
        let by_suci = ue.identified_by_suci;
        let identity = suci.filter(|_| by_suci).map(Identity::Suci).or(supi.map(Identity::Supi));
        match (message.cause, message.auts, identity) {
            (GmmCause::SYNCH_FAILURE, Some(auts), Some(identity)) => {
                challenge.synch_failures += 1;
                let again = challenge.synch_failures < SYNCH_FAILURES_MAX;
                self.answered(id, Timer::T3560);
                if again {
                    self.event(out, CoreEvent::Resynchronised { ue: id });
                    self.authenticate(id, identity, Some((rand, auts)), out);
                } else {
                    self.reject_authentication(now, id, GmmCause::SYNCH_FAILURE.name(), "TS 24.501 §5.4.1.3.7 f", out);
                }
            }
            (GmmCause::NG_KSI_IN_USE, _, Some(identity)) => {
                self.answered(id, Timer::T3560);
                self.authenticate(id, identity, None, out);
            }
            (cause, ..) => {
                self.answered(id, Timer::T3560);
                // A context that a GUTI named may be another UE's: ask who it is, once (§5.4.1.3.7 c).
                if by_suci {
                    self.reject_authentication(now, id, cause.name(), "TS 24.501 §5.4.1.3.7 c", out);
                } else {
                    self.identify(now, id, out);
                }
            }
        }
    }

    /// The home network has no vector, or does not confirm.
    fn authentication_refused(&mut self, now: Tc, id: u64, error: Option<UdmError>, out: &mut Outbox<AmfOutput>) {
        match error {
            None => self.wrong_response(now, id, out),
            Some(UdmError::Auts) => {
                self.reject_authentication(now, id, "AUTS is wrong", "TS 33.102 §6.3.5", out);
            }
            // None of these is told apart to the UE (TS 33.501 §6.12.2).
            Some(UdmError::UserNotFound | UdmError::SuciRejected) => {
                self.reject_registration(now, id, GmmCause::ILLEGAL_UE, out);
            }
        }
    }

    /// Authentication reject, and the connection is released. Spec: TS 24.501 §5.4.1.3.5
    fn reject_authentication(
        &mut self,
        now: Tc,
        id: u64,
        cause: &str,
        clause: &'static str,
        out: &mut Outbox<AmfOutput>,
    ) {
        let supi = self.ues.get(&id).and_then(|ue| ue.supi.clone());
        self.event(out, CoreEvent::Refused { ue: id, supi, step: "authentication", cause: cause.into(), clause });
        self.send(now, id, AuthenticationReject::new(), out);
        if let Some(ue) = self.ues.get_mut(&id) {
            ue.forget_when_released = true;
        }
        self.release(now, id, ngap::Cause::AuthenticationFailure, "authentication failed", out);
    }
}
