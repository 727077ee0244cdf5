//! 5G-AKA and the security mode procedure, the terminal's side. Spec: TS 24.501 §5.4.1.3, §5.4.2, TS 33.501 §6.1.3.2

use super::{NasOutput, NasTimer, NasUe, security_capability};
use crate::event::CpEvent;
use nas::ie::MobileIdentity;
use nas::mm::*;
use nas::{GmmCause, Message, SecurityContext, SecurityHeaderType, Side};
use nr::Tc;
use security::aka;

const T3520: Tc = Tc::from_ms(15_000);
/// Consecutive failures after which the network is taken for false. Spec: TS 24.501 §5.4.1.3.7 f
const FAILURES_MAX: u8 = 3;

impl NasUe {
    pub(super) fn authentication_request(&mut self, r: AuthenticationRequest, now: Tc, out: &mut Vec<NasOutput>) {
        let (Some(rand), Some(autn)) = (r.rand, r.autn) else {
            let status = MmStatus::new(GmmCause::INVALID_MANDATORY_INFORMATION);
            return self.send(&Message::from(status), out);
        };
        // Spec: TS 24.501 §5.4.1.3.2: the identifier must differ from that of the context in use.
        if self.security.as_ref().is_some_and(|s| self.secured && s.ng_ksi == r.ng_ksi.value) || r.ng_ksi.value == 7 {
            return self.authentication_failure(GmmCause::NG_KSI_IN_USE, None, now, out);
        }
        // Spec: TS 24.501 §5.4.1.3.2: the same challenge again gets the same answer, for its SQN is used up.
        if let (Some((_, res_star)), Some(_)) = (self.answered.filter(|a| a.0 == rand), &self.pending) {
            return self.send(&Message::from(AuthenticationResponse::new(res_star)), out);
        }
        let usim = &mut self.config.usim;
        let response = match usim.subscription.check_autn(&rand, &autn) {
            Err(_) => return self.authentication_failure(GmmCause::MAC_FAILURE, None, now, out),
            Ok(u) if u.amf_field & aka::AMF_SEPARATION_BIT == 0 => {
                return self.authentication_failure(GmmCause::NON_5G_AUTHENTICATION_UNACCEPTABLE, None, now, out);
            }
            Ok(u) if !aka::sqn_is_fresh(u.sqn, usim.sqn_ms, aka::SQN_DELTA_MAX) => {
                let auts = usim.subscription.auts(&rand, usim.sqn_ms);
                out.push(NasOutput::Event(CpEvent::Resynchronising));
                return self.authentication_failure(GmmCause::SYNCH_FAILURE, Some(auts), now, out);
            }
            Ok(u) => u,
        };
        usim.sqn_ms = response.sqn;
        self.sync_failures = 0;
        self.timers.stop(NasTimer::T3520);
        let snn = self.config.plmn.serving_network_name();
        let (ck, ik) = (&response.ck, &response.ik);
        let res_star = security::kdf::res_star(ck, ik, &snn, &rand, &response.res);
        let sqn_xor_ak = [autn[0], autn[1], autn[2], autn[3], autn[4], autn[5]];
        let k_ausf = security::kdf::k_ausf(ck, ik, &snn, &sqn_xor_ak);
        let k_seaf = security::kdf::k_seaf(&k_ausf, &snn);
        let k_amf = security::kdf::k_amf(&k_seaf, self.config.usim.supi.imsi(), &r.abba);
        self.pending = Some((r.ng_ksi.value, k_amf));
        self.answered = Some((rand, res_star));
        self.send(&Message::from(AuthenticationResponse::new(res_star)), out);
        out.push(NasOutput::Event(CpEvent::Authenticated));
    }
    fn authentication_failure(&mut self, cause: GmmCause, auts: Option<[u8; 14]>, now: Tc, out: &mut Vec<NasOutput>) {
        self.sync_failures += 1;
        self.send(&Message::from(AuthenticationFailure::new(cause, auts)), out);
        if self.sync_failures >= FAILURES_MAX {
            self.timers.stop(NasTimer::T3520);
            return self.fail(
                "authentication",
                format!("{cause}, {FAILURES_MAX} times: the network is not ours"),
                "TS 24.501 §5.4.1.3.7",
                false,
                out,
            );
        }
        if cause != GmmCause::SYNCH_FAILURE {
            self.fail("authentication", cause.to_string(), "TS 24.501 §5.4.1.3.6", true, out);
        }
        self.timers.start(NasTimer::T3520, now + T3520);
    }
    pub(super) fn authentication_timed_out(&mut self, out: &mut Vec<NasOutput>) {
        self.fail(
            "authentication",
            "the network did not answer the authentication failure within T3520".into(),
            "TS 24.501 §5.4.1.3.7",
            false,
            out,
        );
    }
    pub(super) fn authentication_reject(&mut self, out: &mut Vec<NasOutput>) {
        // Spec: TS 24.501 §5.4.1.3.5: the USIM counts as invalid until the terminal is switched off.
        self.timers.stop_where(|_| true);
        self.guti = None;
        self.security = None;
        self.pending = None;
        self.state = super::MmState::Deregistered;
        self.fail("authentication", "Authentication reject".into(), "TS 24.501 §5.4.1.3.5", false, out);
    }
    /// Spec: TS 24.501 §5.4.2.3
    pub(super) fn security_mode_command(&mut self, bytes: &[u8], _now: Tc, out: &mut Vec<NasOutput>) {
        let Some(inner) = nas::protection::unverified_inner(bytes) else { return };
        let Ok(Message::Mm(MmMessage::SecurityModeCommand(c))) = Message::decode(inner) else { return };
        let (nea, nia) = (c.selected_algorithms.nea, c.selected_algorithms.nia);
        let (verified, context) = match (&self.pending, &self.security) {
            (Some((ksi, k)), _) if *ksi == c.ng_ksi.value => {
                let mut context = SecurityContext::new(Side::Ue, *ksi, *k, nea, nia);
                (context.unprotect(bytes).is_ok(), context)
            }
            // The context in use goes on with its counts: one that was heard before is not taken again.
            (_, Some(s)) if s.ng_ksi == c.ng_ksi.value && (s.nea, s.nia) == (nea, nia) => {
                let mut context = s.clone();
                if context.unprotect(bytes).is_err() {
                    return;
                }
                (true, context)
            }
            _ => return,
        };
        if !verified {
            return self.refuse(
                GmmCause::SECURITY_MODE_REJECTED,
                "the integrity of the security mode command does not hold",
                out,
            );
        }
        let ours = security_capability(&self.config);
        if c.replayed_ue_security_capabilities != ours {
            return self.refuse(
                GmmCause::SECURITY_CAPABILITIES_MISMATCH,
                "the replayed capabilities are not ours",
                out,
            );
        }
        let null = nia.id() == 0 || nea.id() == 0;
        if !ours.has_nea(nea) || !ours.has_nia(nia) || (null && !self.config.allow_null) {
            return self.refuse(
                GmmCause::SECURITY_MODE_REJECTED,
                "the network selected an algorithm that we do not accept",
                out,
            );
        }
        self.security = Some(context);
        self.pending = None;
        self.secured = true;
        let imeisv = c.imeisv_request.is_some_and(|v| v & 7 == 1);
        let complete = SecurityModeComplete {
            imeisv: imeisv.then(|| MobileIdentity::Imeisv(self.config.imeisv.clone())),
            ..SecurityModeComplete::new(Some(self.requested.clone()))
        };
        let plain = Message::from(complete).encode();
        if let Some(s) = self.security.as_mut() {
            self.k_gnb_count = s.next_sent();
            out.push(NasOutput::Send(s.protect(SecurityHeaderType::IntegrityCipheredNew, &plain)));
        }
        out.push(NasOutput::Event(CpEvent::NasSecurity { nea: nea.id(), nia: nia.id() }));
    }
    fn refuse(&mut self, cause: GmmCause, why: &str, out: &mut Vec<NasOutput>) {
        self.send(&Message::from(SecurityModeReject::new(cause)), out);
        self.fail("security-mode", format!("{cause}: {why}"), "TS 24.501 §5.4.2.5", false, out);
    }
}
