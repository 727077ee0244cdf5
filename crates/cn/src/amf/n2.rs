//! NGAP in and out. Spec: TS 38.413 §8

use ngap::{Cause, Pdu, ResetUe, UeIds};
use node::{Direction, Frame, Outbox, Tap};
use nr::Tc;

use super::state::{N2, Timer, UeContext};
use super::{Amf, AmfOutput, Gnb, GnbId};
use crate::event::CoreEvent;
use crate::smf::{AmfToSmf, N2Sm};

/// How long the AMF waits for a UE context release complete.
const RELEASE_GUARD: Tc = Tc::from_ms(5_000);

impl Amf {
    pub(super) fn n2_receive(&mut self, now: Tc, gnb: GnbId, bytes: &[u8], out: &mut Outbox<AmfOutput>) {
        self.tap_ngap(now, Direction::Uplink, 0, bytes, out);
        let pdu = match Pdu::decode(bytes) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.protocol_error(out, "N2", &error);
                let answer = ngap::ErrorIndication { amf: None, ran: None, cause: Some(error.cause()) };
                return self.n2_send(now, gnb, &answer.into(), out);
            }
        };
        if let Pdu::NgSetupRequest(request) = pdu {
            return self.ng_setup(now, gnb, request, out);
        }
        if !self.gnbs.contains_key(&gnb) {
            return self.n2_error(now, gnb, None, None, Cause::MessageNotCompatible, out);
        }
        match pdu {
            Pdu::NgReset(reset) => self.ng_reset(now, gnb, reset, out),
            Pdu::InitialUeMessage(message) => self.initial_ue(now, gnb, message, out),
            Pdu::UplinkNasTransport(message) => {
                if let Some(ue) = self.checked(now, gnb, message.ids, out) {
                    ue.location = Some(message.location);
                    self.n1_receive(now, message.ids.amf, &message.nas, out);
                }
            }
            Pdu::NasNonDeliveryIndication(message) => self.protocol_error(out, "N1", message.cause),
            Pdu::InitialContextSetupResponse(message) => {
                if let Some(ue) = self.checked(now, gnb, message.ids, out) {
                    ue.context_at_gnb = true;
                    let deferred = std::mem::take(&mut ue.deferred);
                    self.sessions_at_gnb(message.ids.amf, message.sessions, message.failed, out);
                    for message in deferred {
                        self.smf_message(now, message, out);
                    }
                    self.deregister_if_wanted(now, message.ids.amf, out);
                }
            }
            Pdu::InitialContextSetupFailure(message) => {
                if self.checked(now, gnb, message.ids, out).is_some() {
                    self.protocol_error(out, "N2", message.cause);
                    self.release(now, message.ids.amf, message.cause, "initial context setup failed", out);
                }
            }
            Pdu::PduSessionResourceSetupResponse(message) => {
                if self.checked(now, gnb, message.ids, out).is_some() {
                    self.sessions_at_gnb(message.ids.amf, message.sessions, message.failed, out);
                }
            }
            Pdu::PduSessionResourceReleaseResponse(message) => {
                if self.checked(now, gnb, message.ids, out).is_some() {
                    for session in message.sessions {
                        self.session_n2(message.ids.amf, session.id, N2Sm::Released, out);
                    }
                }
            }
            Pdu::PduSessionResourceModifyResponse(message) => {
                self.checked(now, gnb, message.ids, out);
            }
            Pdu::UeContextReleaseRequest(message) => {
                if self.checked(now, gnb, message.ids, out).is_some() {
                    self.release(now, message.ids.amf, message.cause, message.cause.name(), out);
                }
            }
            Pdu::UeContextReleaseComplete(message) => self.released(now, message.ids.amf, out),
            Pdu::UeRadioCapabilityInfoIndication(message) => {
                if let Some(ue) = self.checked(now, gnb, message.ids, out) {
                    ue.radio_capability = Some(message.capability);
                }
            }
            Pdu::ErrorIndication(message) => {
                let cause = message.cause.map_or("no cause", Cause::name);
                self.protocol_error(out, "N2", format_args!("error indication: {cause}"));
                // A gNB that does not know its own UE any more has no connection for it (§8.7.4.2).
                let unknown = [Some(Cause::UnknownLocalUeNgapId), Some(Cause::InconsistentRemoteUeNgapId)];
                if let (Some(id), true) = (message.amf, unknown.contains(&message.cause))
                    && self.ues.get(&id).is_some_and(|ue| ue.n2.is_some_and(|n2| n2.gnb == gnb))
                {
                    self.released(now, id, out);
                }
            }
            Pdu::NgResetAcknowledge(_) => {}
            other => {
                self.protocol_error(out, "N2", format_args!("{} is not handled", other.name()));
                self.n2_error(now, gnb, None, None, Cause::MessageNotCompatible, out);
            }
        }
    }

    /// NG Setup. Spec: TS 38.413 §8.7.1
    fn ng_setup(&mut self, now: Tc, gnb: GnbId, request: ngap::NgSetupRequest, out: &mut Outbox<AmfOutput>) {
        let served = request.supported_tas.iter().filter(|ta| self.config.tacs.contains(&ta.tac));
        let served = served.filter(|ta| ta.plmns.iter().any(|p| p.plmn == self.config.plmn));
        let tacs: Vec<u32> = served.map(|ta| ta.tac).collect();
        let slices = request.supported_tas.iter().flat_map(|ta| &ta.plmns).flat_map(|p| &p.slices);
        let cause = if tacs.is_empty() {
            Some(Cause::UnknownPlmn)
        } else if !slices.into_iter().any(|slice| self.config.slices.contains(slice)) {
            Some(Cause::SliceNotSupported)
        } else {
            None
        };
        if let Some(cause) = cause {
            self.event(out, CoreEvent::GnbRefused { gnb, cause: cause.name().into() });
            return self.n2_send(now, gnb, &ngap::NgSetupFailure { cause }.into(), out);
        }
        // A new setup ends all that was before (§8.7.1.1).
        self.n2_closed(now, gnb, out);
        self.gnbs.insert(gnb, Gnb { tacs });
        let name = request.name.unwrap_or_default();
        self.event(out, CoreEvent::GnbConnected { gnb, name });
        let response = ngap::NgSetupResponse {
            amf_name: self.config.amf.name.clone(),
            guamis: vec![self.guami()],
            relative_capacity: 255,
            plmns: vec![ngap::PlmnSlices { plmn: self.config.plmn, slices: self.config.slices.clone() }],
        };
        self.n2_send(now, gnb, &response.into(), out);
    }

    /// NG Reset by the gNB. Spec: TS 38.413 §8.7.4.2.2
    fn ng_reset(&mut self, now: Tc, gnb: GnbId, reset: ngap::NgReset, out: &mut Outbox<AmfOutput>) {
        let is_named = |ue: &UeContext, n2: N2| match &reset.ues {
            None => true,
            Some(named) => named.iter().any(|name| {
                (name.amf.is_some() || name.ran.is_some())
                    && name.amf.is_none_or(|amf| amf == ue.id)
                    && name.ran.is_none_or(|ran| ran == n2.ran)
            }),
        };
        let here = self.ues.values().filter(|ue| ue.n2.is_some_and(|n2| n2.gnb == gnb && is_named(ue, n2)));
        for id in here.map(|ue| ue.id).collect::<Vec<_>>() {
            self.released(now, id, out);
        }
        let acknowledge: Option<Vec<ResetUe>> = reset.ues;
        self.n2_send(now, gnb, &ngap::NgResetAcknowledge { ues: acknowledge }.into(), out);
    }

    /// A gNB is gone: its UEs are idle.
    pub(super) fn n2_closed(&mut self, now: Tc, gnb: GnbId, out: &mut Outbox<AmfOutput>) {
        if self.gnbs.remove(&gnb).is_none() {
            return;
        }
        let here = self.ues.values().filter(|ue| ue.n2.is_some_and(|n2| n2.gnb == gnb)).map(|ue| ue.id);
        for id in here.collect::<Vec<_>>() {
            self.released(now, id, out);
        }
    }

    /// Initial UE Message. Spec: TS 38.413 §8.6.1
    fn initial_ue(&mut self, now: Tc, gnb: GnbId, message: ngap::InitialUeMessage, out: &mut Outbox<AmfOutput>) {
        let n2 = N2 { gnb, ran: message.ran };
        // The same RAN UE NGAP ID again means that the gNB has forgotten the UE that had it.
        let before = self.ues.values().find(|ue| ue.n2.is_some_and(|o| o.gnb == gnb && o.ran == n2.ran));
        if let Some(id) = before.map(|ue| ue.id) {
            self.released(now, id, out);
        }
        let id = self.next_ue;
        self.next_ue = if id >= (1 << 40) - 1 { 1 } else { id + 1 };
        if self.ues.len() >= self.config.ues_max && !self.evict() {
            let reject = nas::mm::RegistrationReject {
                t3346: Some(nas::ie::GprsTimer2::from_seconds(60)),
                ..nas::mm::RegistrationReject::new(nas::GmmCause::CONGESTION)
            };
            let ids = UeIds { amf: id, ran: n2.ran };
            let nas = nas::Message::from(reject).encode();
            self.n2_send(now, gnb, &ngap::DownlinkNasTransport { ids, nas }.into(), out);
            let release =
                ngap::UeContextReleaseCommand { amf: id, ran: Some(n2.ran), cause: Cause::ControlProcessingOverload };
            return self.n2_send(now, gnb, &release.into(), out);
        }
        self.ues.insert(id, UeContext::new(id, n2, message.location));
        self.n1_receive(now, id, &message.nas, out);
    }

    /// Makes room by forgetting a UE that is neither connected nor registered.
    fn evict(&mut self) -> bool {
        let idle = self.ues.values().find(|ue| ue.n2.is_none() && ue.state != super::State::Registered);
        match idle.map(|ue| ue.id) {
            Some(id) => {
                self.forget(id);
                true
            }
            None => false,
        }
    }

    /// The UE that both identities name at this gNB, or an error indication. Spec: TS 38.413 §10.6
    fn checked(&mut self, now: Tc, gnb: GnbId, ids: UeIds, out: &mut Outbox<AmfOutput>) -> Option<&mut UeContext> {
        let cause = match self.ues.get(&ids.amf).map(|ue| ue.n2) {
            None => Some(Cause::UnknownLocalUeNgapId),
            Some(Some(n2)) if n2.gnb == gnb && n2.ran == ids.ran => None,
            Some(_) => Some(Cause::InconsistentRemoteUeNgapId),
        };
        if let Some(cause) = cause {
            self.n2_error(now, gnb, Some(ids.amf), Some(ids.ran), cause, out);
            return None;
        }
        self.ues.get_mut(&ids.amf)
    }

    fn n2_error(
        &self,
        now: Tc,
        gnb: GnbId,
        amf: Option<u64>,
        ran: Option<u32>,
        cause: Cause,
        out: &mut Outbox<AmfOutput>,
    ) {
        self.n2_send(now, gnb, &ngap::ErrorIndication { amf, ran, cause: Some(cause) }.into(), out);
    }

    pub(super) fn n2_send(&self, now: Tc, gnb: GnbId, pdu: &Pdu, out: &mut Outbox<AmfOutput>) {
        match pdu.encode() {
            Ok(bytes) => {
                self.tap_ngap(now, Direction::Downlink, 0, &bytes, out);
                out.push(AmfOutput::N2 { gnb, bytes });
            }
            Err(error) => self.protocol_error(out, "N2", error),
        }
    }

    fn tap_ngap(&self, at: Tc, direction: Direction, ue: u32, bytes: &[u8], out: &mut Outbox<AmfOutput>) {
        if self.config.taps.control {
            out.push(AmfOutput::Tap(Tap { at, direction, ue, frame: Frame::Ngap(bytes.to_vec()) }));
        }
    }

    fn sessions_at_gnb(
        &mut self,
        ue: u64,
        done: Vec<ngap::SessionTransfer>,
        failed: Vec<ngap::SessionTransfer>,
        out: &mut Outbox<AmfOutput>,
    ) {
        for session in done {
            self.session_n2(ue, session.id, N2Sm::SetUp(session.transfer), out);
        }
        for session in failed {
            self.session_n2(ue, session.id, N2Sm::NotSetUp(session.transfer), out);
        }
    }

    /// UE context release by the AMF. Spec: TS 38.413 §8.3.3
    pub(super) fn release(&mut self, now: Tc, id: u64, cause: Cause, why: &'static str, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(n2) = ue.n2 else { return self.released(now, id, out) };
        ue.release_cause = why;
        ue.awaiting = None;
        self.timers.stop_where(|(_, ue)| *ue == id);
        self.timers.start((Timer::Release, id), now + RELEASE_GUARD);
        let command = ngap::UeContextReleaseCommand { amf: id, ran: Some(n2.ran), cause };
        self.n2_send(now, n2.gnb, &command.into(), out);
    }

    /// The UE has no connection any more: idle if it is registered, forgotten if not.
    pub(super) fn released(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if ue.n2.take().is_none() {
            return;
        }
        self.timers.stop_where(|(_, ue)| *ue == id);
        ue.awaiting = None;
        ue.challenge = None;
        ue.new_security = None;
        ue.secured = false;
        ue.context_at_gnb = false;
        ue.paged = 0;
        ue.deferred.clear();
        let why = ue.release_cause;
        // An accept that was not completed leaves the UE registered (TS 24.501 §5.5.1.2.8 b).
        let stays = !ue.forget_when_released && matches!(ue.state, super::State::Registered | super::State::Accepting);
        let supi = ue.supi.clone();
        if stays {
            ue.state = super::State::Registered;
            if let Some(supi) = supi {
                out.push(AmfOutput::Smf(AmfToSmf::Deactivate { supi }));
            }
            self.becomes_idle(now, id);
        } else {
            self.forget(id);
        }
        self.event(out, CoreEvent::Released { ue: id, cause: why });
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.timers.stop_where(|(_, ue)| *ue == id);
        if let Some(ue) = self.ues.remove(&id)
            && let Some(guti) = ue.guti
            && self.tmsis.get(&guti.tmsi) == Some(&id)
        {
            self.tmsis.remove(&guti.tmsi);
        }
    }

    /// Whether the UE is where the AMF serves.
    pub(super) fn serves_location(&self, ue: &UeContext) -> bool {
        ue.location.is_some_and(|l| {
            l.tai_plmn == self.config.plmn
                && ue.n2.and_then(|n2| self.gnbs.get(&n2.gnb)).is_some_and(|gnb| gnb.tacs.contains(&l.tac))
        })
    }
}
