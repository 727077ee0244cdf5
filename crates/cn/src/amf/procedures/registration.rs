//! Registration. Spec: TS 24.501 §5.5.1, TS 23.502 §4.2.2.2.2
//!
//! UE                                AMF                              AUSF, UDM
//! Registration request ----------->  identify, or take the context
//! <---- Identity request (T3570), Identity response
//!                                    ------------------------------> challenge
//! <---- Authentication request (T3560), Authentication response
//! <---- Security mode command (T3560), Security mode complete
//!                                    ------------------------------> subscription
//! <---- Registration accept in Initial context setup (T3550)
//! Registration complete ---------->

use nas::GmmCause;
use nas::ie::{GprsTimer3, Guti, MobileIdentity, Nssai, RegistrationKind, RejectedNssai, Tai, TaiList};
use nas::mm::{RegistrationAccept, RegistrationReject, RegistrationRequest};
use ngap::UeIds;
use node::Outbox;
use nr::{SNssai, Tc};
use security::kdf;

use super::super::state::{State, Timer};
use super::super::{Amf, AmfOutput};
use crate::event::CoreEvent;
use crate::smf::AmfToSmf;
use crate::udm::{AccessSubscription, Identity};

/// Reason of a rejected S-NSSAI: not available in the current PLMN. Spec: TS 24.501 table 9.11.3.46.1
const REJECTED_IN_PLMN: u8 = 0;

impl Amf {
    /// A registration request; `unverified` is its bytes if its protection was not verified on this connection.
    pub(in super::super) fn registration_request(
        &mut self,
        now: Tc,
        id: u64,
        request: RegistrationRequest,
        unverified: Option<&[u8]>,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get(&id) else { return };
        if !self.serves_location(ue) {
            return self.reject_registration(now, id, GmmCause::TRACKING_AREA_NOT_ALLOWED, out);
        }
        if request.registration_type.kind == RegistrationKind::Emergency {
            return self.reject_registration(now, id, GmmCause::SERVICES_NOT_ALLOWED, out);
        }
        // The same request again while it is being served: the procedure goes on (§5.5.1.2.8 d).
        if ue.awaiting.is_some() && ue.request.as_ref() == Some(&request) {
            return;
        }
        let verified = match unverified {
            None => true,
            Some(bytes) => self.take_over(now, id, &request.mobile_identity, bytes, out),
        };
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if let Some(capability) = &request.ue_security_capability {
            ue.capability = Some(capability.clone());
        }
        if ue.capability.is_none() {
            return self.reject_registration(now, id, GmmCause::CONDITIONAL_IE_ERROR, out);
        }
        let identity = request.mobile_identity.clone();
        ue.request = Some(request);
        if verified && ue.supi.is_some() {
            ue.secured = true;
            return self.continue_registration(now, id, out);
        }
        match identity {
            MobileIdentity::Suci(suci) => {
                self.event(out, CoreEvent::Identified { ue: id, identity: suci.to_string() });
                if suci.plmn != self.config.plmn {
                    return self.reject_registration(now, id, GmmCause::PLMN_NOT_ALLOWED, out);
                }
                if let Some(ue) = self.ues.get_mut(&id) {
                    ue.suci = Some(suci.clone());
                    ue.identified_by_suci = true;
                }
                self.authenticate(id, Identity::Suci(suci), None, out);
            }
            _ => self.identify(now, id, out),
        }
    }

    /// Finds the context that a GUTI names and, if the message verifies under it, moves it to this connection.
    pub(in super::super) fn take_over(
        &mut self,
        now: Tc,
        id: u64,
        identity: &MobileIdentity,
        bytes: &[u8],
        out: &mut Outbox<AmfOutput>,
    ) -> bool {
        let tmsi = match identity {
            MobileIdentity::Guti(guti) if self.is_ours(guti) => guti.tmsi,
            MobileIdentity::STmsi(s) if s.amf_set == self.config.amf.set => s.tmsi,
            _ => return false,
        };
        let Some(old_id) = self.tmsis.get(&tmsi).copied().filter(|old| *old != id) else { return false };
        let old_context = self.ues.get_mut(&old_id).and_then(|old| old.security.as_mut());
        let Some(Ok(unprotected)) = old_context.map(|context| context.unprotect(bytes)) else { return false };
        // The old connection, if there is one, has no UE any more.
        if let Some(n2) = self.ues.get_mut(&old_id).and_then(|old| old.n2.take()) {
            let cause = ngap::Cause::InteractionWithOtherProcedure;
            let command = ngap::UeContextReleaseCommand { amf: old_id, ran: Some(n2.ran), cause };
            self.n2_send(now, n2.gnb, &command.into(), out);
        }
        self.timers.stop_where(|(_, ue)| *ue == old_id);
        let Some(old) = self.ues.remove(&old_id) else { return false };
        self.tmsis.insert(tmsi, id);
        if let Some(ue) = self.ues.get_mut(&id) {
            ue.adopt(old);
            ue.k_gnb_count = unprotected.count;
        }
        true
    }

    fn is_ours(&self, guti: &Guti) -> bool {
        let amf = &self.config.amf;
        (guti.plmn, guti.amf_region, guti.amf_set, guti.amf_pointer)
            == (self.config.plmn, amf.region, amf.set, amf.pointer)
    }

    /// Security is on: the subscription is next.
    pub(in super::super) fn continue_registration(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(supi) = ue.supi.clone() else {
            return self.reject_registration(now, id, GmmCause::IDENTITY_CANNOT_BE_DERIVED, out);
        };
        ue.state = State::AwaitingSubscription;
        let initial = ue.request.as_ref().is_some_and(|r| r.registration_type.kind == RegistrationKind::Initial);
        self.end_older_contexts(now, id, &supi, out);
        // An initial registration ends what was before, sessions too (§5.5.1.2.4).
        if initial {
            if let Some(ue) = self.ues.get_mut(&id) {
                ue.deferred.clear();
            }
            out.push(AmfOutput::Smf(AmfToSmf::ReleaseAll { supi: supi.clone() }));
        }
        out.push(AmfOutput::Subscription { ue: id, supi });
    }

    /// Other contexts of the same subscriber end: the UE that has just authenticated is the one.
    fn end_older_contexts(&mut self, now: Tc, id: u64, supi: &nr::Supi, out: &mut Outbox<AmfOutput>) {
        let others = self.ues.values().filter(|ue| ue.id != id && ue.supi.as_ref() == Some(supi)).map(|ue| ue.id);
        for other in others.collect::<Vec<_>>() {
            if let Some(n2) = self.ues.get_mut(&other).and_then(|ue| ue.n2.take()) {
                let cause = ngap::Cause::InteractionWithOtherProcedure;
                let command = ngap::UeContextReleaseCommand { amf: other, ran: Some(n2.ran), cause };
                self.n2_send(now, n2.gnb, &command.into(), out);
            }
            self.forget(other);
        }
    }

    /// The subscription is here: slices, 5G-GUTI, and the accept with the UE's context to the gNB; T3550 runs.
    pub(in super::super) fn subscription(
        &mut self,
        now: Tc,
        id: u64,
        subscription: Option<AccessSubscription>,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::AwaitingSubscription) else { return };
        let Some(subscription) = subscription else {
            return self.reject_registration(now, id, GmmCause::ILLEGAL_UE, out);
        };
        let requested = ue.request.as_ref().and_then(|request| request.requested_nssai.clone());
        let (allowed, rejected) = select_slices(&self.config.slices, &subscription, requested.as_ref());
        if allowed.is_empty() {
            return self.reject_registration(now, id, GmmCause::NO_NETWORK_SLICES_AVAILABLE, out);
        }
        let configured = subscription.slices.iter().map(|(slice, _)| *slice);
        let configured = Nssai(configured.filter(|slice| self.config.slices.contains(slice)).collect());
        ue.subscription = Some(subscription);
        ue.allowed = allowed.clone();
        ue.state = State::Accepting;
        let old = ue.guti.take();
        if let Some(old) = old {
            self.tmsis.remove(&old.tmsi);
        }
        let guti = self.new_guti(id);
        let tais = self.config.tacs.iter().take(16).map(|tac| Tai { plmn: self.config.plmn, tac: *tac }).collect();
        let accept = RegistrationAccept {
            guti: Some(MobileIdentity::Guti(guti)),
            tai_list: Some(TaiList(tais)),
            allowed_nssai: Some(Nssai(allowed)),
            rejected_nssai: (!rejected.is_empty()).then_some(RejectedNssai(rejected)),
            configured_nssai: Some(configured),
            // IMS voice, emergency, interworking: none.
            network_feature_support: Some(vec![0, 0]),
            t3512: Some(GprsTimer3::from_seconds(self.config.t3512_s)),
            ..RegistrationAccept::new()
        };
        self.accept(now, id, accept, out);
    }

    /// A 5G-TMSI that no other UE has.
    fn new_guti(&mut self, id: u64) -> Guti {
        let mut tmsi = self.rng.u32();
        while tmsi == u32::MAX || self.tmsis.contains_key(&tmsi) {
            tmsi = self.rng.u32();
        }
        let amf = &self.config.amf;
        let (amf_region, amf_set, amf_pointer) = (amf.region, amf.set, amf.pointer);
        let guti = Guti { plmn: self.config.plmn, amf_region, amf_set, amf_pointer, tmsi };
        self.tmsis.insert(tmsi, id);
        if let Some(ue) = self.ues.get_mut(&id) {
            ue.guti = Some(guti);
        }
        guti
    }

    fn accept(&mut self, now: Tc, id: u64, accept: RegistrationAccept, out: &mut Outbox<AmfOutput>) {
        let message = nas::Message::from(accept);
        if self.ues.get(&id).is_some_and(|ue| ue.context_at_gnb) {
            self.send_message(now, id, &message, out);
        } else {
            let nas = self.protect(now, id, &message, out);
            self.set_up_context(now, id, Some(nas), out);
        }
        self.await_answer(now, id, Timer::T3550, message);
    }

    /// Gives the gNB the UE's keys, algorithms and slices. Spec: TS 38.413 §8.3.1, TS 33.501 §6.8.1.2.2
    pub(in super::super) fn set_up_context(
        &mut self,
        now: Tc,
        id: u64,
        nas: Option<Vec<u8>>,
        out: &mut Outbox<AmfOutput>,
    ) {
        let guami = self.guami();
        let Some(ue) = self.ues.get(&id) else { return };
        let (Some(n2), Some(security), Some(capability)) = (ue.n2, &ue.security, &ue.capability) else { return };
        let (eea, eia) = capability.eps();
        let request = ngap::InitialContextSetupRequest {
            ids: UeIds { amf: id, ran: n2.ran },
            ue_ambr: Some(self.config.ue_ambr),
            guami,
            sessions: Vec::new(),
            allowed_nssai: ue.allowed.clone(),
            security_capabilities: ngap::UeSecurityCapabilities::from_nas(capability.nea(), capability.nia(), eea, eia),
            k_gnb: kdf::k_gnb(&security.k_amf, ue.k_gnb_count),
            ue_radio_capability: ue.radio_capability.clone(),
            nas,
        };
        self.n2_send(now, n2.gnb, &request.into(), out);
    }

    /// The UE has the accept, or has been given up on and counts as having it (§5.5.1.2.8 c).
    pub(in super::super) fn registration_complete(&mut self, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::Accepting) else { return };
        ue.state = State::Registered;
        ue.request = None;
        let (supi, guti, allowed) = (ue.supi.clone(), ue.guti, ue.allowed.clone());
        self.answered(id, Timer::T3550);
        if let (Some(supi), Some(guti)) = (supi, guti) {
            self.event(out, CoreEvent::Registered { ue: id, supi, guti, allowed });
        }
    }

    /// Registration reject, and the connection is released. Spec: TS 24.501 §5.5.1.2.5
    pub(in super::super) fn reject_registration(
        &mut self,
        now: Tc,
        id: u64,
        cause: GmmCause,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        ue.forget_when_released = true;
        let supi = ue.supi.clone();
        let requested = ue.request.as_ref().and_then(|request| request.requested_nssai.clone());
        let mut reject = RegistrationReject::new(cause);
        if cause == GmmCause::NO_NETWORK_SLICES_AVAILABLE {
            let all = requested.map_or_else(Vec::new, |n| n.0.into_iter().map(|s| (s, REJECTED_IN_PLMN)).collect());
            reject.rejected_nssai = (!all.is_empty()).then_some(RejectedNssai(all));
        }
        let clause = "TS 24.501 §5.5.1.2.5";
        self.event(out, CoreEvent::Refused { ue: id, supi, step: "registration", cause: cause.to_string(), clause });
        self.send(now, id, reject, out);
        self.release(now, id, ngap::Cause::NasUnspecified, "the registration was rejected", out);
    }
}

/// Allowed slices, and requested ones that are not. Spec: TS 23.501 §5.15.5.2.1
///
/// Without a requested slice that is allowed, the subscription's default ones are.
fn select_slices(
    network: &[SNssai],
    subscription: &AccessSubscription,
    requested: Option<&Nssai>,
) -> (Vec<SNssai>, Vec<(SNssai, u8)>) {
    let offered = |slice: &SNssai| network.contains(slice);
    let subscribed = |slice: &SNssai| subscription.slices.iter().any(|(s, _)| s == slice);
    let (mut allowed, mut rejected) = (Vec::new(), Vec::new());
    for slice in requested.iter().flat_map(|nssai| &nssai.0).take(8) {
        match offered(slice) && subscribed(slice) {
            true if !allowed.contains(slice) => allowed.push(*slice),
            true => {}
            false => rejected.push((*slice, REJECTED_IN_PLMN)),
        }
    }
    if allowed.is_empty() {
        let defaults = subscription.slices.iter().filter(|(slice, default)| *default && offered(slice));
        allowed = defaults.map(|(slice, _)| *slice).take(8).collect();
    }
    (allowed, rejected)
}
