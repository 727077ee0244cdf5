//! Service request. Spec: TS 24.501 §5.6.1

use nas::GmmCause;
use nas::ie::PduSessionStatus;
use nas::mm::{ServiceAccept, ServiceReject, ServiceRequest};
use nas::{Message, MmMessage};
use node::Outbox;
use nr::Tc;

use super::super::state::State;
use super::super::{Amf, AmfOutput};
use crate::event::CoreEvent;
use crate::smf::AmfToSmf;

impl Amf {
    /// A UE that is registered wants its connection back, and the sessions that it names.
    pub(in super::super) fn service_request(
        &mut self,
        now: Tc,
        id: u64,
        message: ServiceRequest,
        unverified: Option<&[u8]>,
        out: &mut Outbox<AmfOutput>,
    ) {
        let verified = match unverified {
            None => true,
            Some(bytes) => self.take_over(now, id, &message.s_tmsi, bytes, out),
        };
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let registered = ue.state == State::Registered;
        let Some(supi) = ue.supi.clone().filter(|_| verified && registered) else {
            let cause = if verified { GmmCause::IMPLICITLY_DEREGISTERED } else { GmmCause::IDENTITY_CANNOT_BE_DERIVED };
            return self.reject_service(now, id, cause, out);
        };
        ue.secured = true;
        let request = self.whole_request(id, message);
        let wanted = request.uplink_data_status.unwrap_or_default();
        let accept = Message::from(ServiceAccept {
            pdu_session_reactivation_result: (wanted != PduSessionStatus(0)).then_some(PduSessionStatus(0)),
            ..ServiceAccept::new()
        });
        if self.ues.get(&id).is_some_and(|ue| ue.context_at_gnb) {
            self.send_message(now, id, &accept, out);
        } else {
            let nas = self.protect(now, id, &accept, out);
            self.set_up_context(now, id, Some(nas), out);
        }
        for session in (1..16).filter(|session| wanted.0 & 1 << session != 0) {
            out.push(AmfOutput::Smf(AmfToSmf::Activate { supi: supi.clone(), session }));
        }
    }

    /// The message in the NAS message container, if there is one: the outer one has only what may be in clear (§4.4.6).
    fn whole_request(&mut self, id: u64, message: ServiceRequest) -> ServiceRequest {
        let Some(container) = &message.nas_message_container else { return message };
        let ciphered = self.ues.get_mut(&id).and_then(|ue| ue.security.as_ref()).map(|context| {
            let mut plain = container.clone();
            context.decipher_container(&mut plain);
            plain
        });
        match ciphered.map(|plain| Message::decode(&plain)) {
            Some(Ok(Message::Mm(MmMessage::ServiceRequest(inner)))) => inner,
            _ => message,
        }
    }

    fn reject_service(&mut self, now: Tc, id: u64, cause: GmmCause, out: &mut Outbox<AmfOutput>) {
        let supi = self.ues.get(&id).and_then(|ue| ue.supi.clone());
        let clause = "TS 24.501 §5.6.1.5";
        self.event(out, CoreEvent::Refused { ue: id, supi, step: "service", cause: cause.to_string(), clause });
        self.send(now, id, ServiceReject::new(cause), out);
        self.release(now, id, ngap::Cause::NasUnspecified, "the service request was rejected", out);
    }
}
