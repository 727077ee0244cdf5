//! NAS transport, and what goes between a UE, its gNB and the SMF. Spec: TS 24.501 §5.4.5, TS 23.502 §4.3

use nas::GmmCause;
use nas::ie::{PayloadContainerType, RequestType};
use nas::mm::{DlNasTransport, UlNasTransport};
use ngap::UeIds;
use node::Outbox;
use nr::Tc;

use super::super::state::{State, UeContext};
use super::super::{Amf, AmfOutput};
use crate::event::CoreEvent;
use crate::smf::{AmfToSmf, N2Request, N2Sm, SmfToAmf};

impl Amf {
    /// The UE sends a message to its SMF. Spec: TS 24.501 §5.4.5.2.3, §5.4.5.2.5
    pub(in super::super) fn ul_nas_transport(
        &mut self,
        now: Tc,
        id: u64,
        m: UlNasTransport,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get(&id) else { return };
        // A UE that sends data of a session has taken the accept, though its complete was lost.
        let may = matches!(ue.state, State::Registered | State::Accepting);
        let Some(supi) = ue.supi.clone().filter(|_| may) else {
            return self.send(now, id, nas::mm::MmStatus::new(GmmCause::MESSAGE_NOT_COMPATIBLE), out);
        };
        let session = m.pdu_session_id.filter(|session| (1..=15).contains(session));
        let (PayloadContainerType::N1Sm, Some(session)) = (m.payload_container_type, session) else {
            return self.not_forwarded(now, id, m, GmmCause::PAYLOAD_NOT_FORWARDED, out);
        };
        let initial = matches!(m.request_type, Some(RequestType::Initial | RequestType::Existing));
        if m.request_type == Some(RequestType::InitialEmergency) {
            return self.not_forwarded(now, id, m, GmmCause::PAYLOAD_NOT_FORWARDED, out);
        }
        let slice = m.s_nssai.or_else(|| ue.allowed.first().copied());
        let Some(slice) = slice.filter(|slice| ue.allowed.contains(slice)) else {
            return self.not_forwarded(now, id, m, GmmCause::PAYLOAD_NOT_FORWARDED, out);
        };
        out.push(AmfOutput::Smf(AmfToSmf::N1 {
            supi,
            session,
            slice,
            dnn: m.dnn.map(|dnn| dnn.0),
            initial,
            message: m.payload_container,
        }));
    }

    /// The message goes back with the reason.
    fn not_forwarded(&mut self, now: Tc, id: u64, m: UlNasTransport, cause: GmmCause, out: &mut Outbox<AmfOutput>) {
        let supi = self.ues.get(&id).and_then(|ue| ue.supi.clone());
        let clause = "TS 24.501 §5.4.5.2.5";
        self.event(out, CoreEvent::Refused { ue: id, supi, step: "session", cause: cause.to_string(), clause });
        let back = DlNasTransport {
            payload_container_type: m.payload_container_type,
            pdu_session_id: m.pdu_session_id,
            cause: Some(cause),
            ..DlNasTransport::n1_sm(m.payload_container, 0)
        };
        self.send(now, id, back, out);
    }

    /// The gNB says what became of a session.
    pub(in super::super) fn session_n2(&mut self, id: u64, session: u8, what: N2Sm, out: &mut Outbox<AmfOutput>) {
        if let Some(supi) = self.ues.get(&id).and_then(|ue| ue.supi.clone()) {
            out.push(AmfOutput::Smf(AmfToSmf::N2 { supi, session, what }));
        }
    }

    /// The SMF has something for a UE, its gNB, or both. Spec: TS 23.502 §4.3.2.2.1 steps 11 and 12
    pub(in super::super) fn smf_message(&mut self, now: Tc, message: SmfToAmf, out: &mut Outbox<AmfOutput>) {
        let may_be_called = |ue: &&UeContext| ue.state == State::Registered && !ue.unreachable;
        let Some(ue) = self.find(&message.supi).filter(|ue| ue.n2.is_some() || may_be_called(ue)) else {
            let SmfToAmf { supi, session, .. } = message;
            return out.push(AmfOutput::Smf(AmfToSmf::Unreachable { supi, session }));
        };
        let id = ue.id;
        // An idle UE is called (TS 23.502 §4.2.3.3 step 4b).
        let Some(connection) = ue.n2 else {
            self.defer(id, message);
            return self.page(now, id, out);
        };
        // A gNB can do nothing about sessions before it has the UE's context (TS 38.413 §8.2.1.1).
        if message.n2.is_some() && !ue.context_at_gnb {
            return self.defer(id, message);
        }
        let SmfToAmf { session, n1, n2, .. } = message;
        let ids = UeIds { amf: id, ran: connection.ran };
        let nas = n1.map(|n1| nas::Message::from(DlNasTransport::n1_sm(n1, session)));
        match n2 {
            None => {
                if let Some(nas) = nas {
                    self.send_message(now, id, &nas, out);
                }
            }
            Some(N2Request::SetUp { slice, transfer }) => {
                let nas = nas.map(|nas| self.protect(now, id, &nas, out));
                let sessions = vec![ngap::SessionSetup { id: session, nas, s_nssai: slice, transfer }];
                let ue_ambr = Some(self.config.ue_ambr);
                let request = ngap::PduSessionResourceSetupRequest { ids, nas: None, sessions, ue_ambr };
                self.n2_send(now, connection.gnb, &request.into(), out);
            }
            Some(N2Request::Release { transfer }) => {
                let nas = nas.map(|nas| self.protect(now, id, &nas, out));
                let sessions = vec![ngap::SessionTransfer { id: session, transfer }];
                let command = ngap::PduSessionResourceReleaseCommand { ids, nas, sessions };
                self.n2_send(now, connection.gnb, &command.into(), out);
            }
        }
    }
}
