//! Security mode control. Spec: TS 24.501 §5.4.2, TS 33.501 §6.7.2

use nas::ie::{AdditionalSecurityInformation, KeySetIdentifier, SelectedAlgorithms};
use nas::mm::{SecurityModeCommand, SecurityModeComplete, SecurityModeReject};
use nas::{GmmCause, Message, MmMessage, SecurityContext, Side};
use node::Outbox;
use nr::Tc;

use super::super::state::{State, Timer};
use super::super::{Amf, AmfOutput};
use crate::event::CoreEvent;

impl Amf {
    /// Chooses the algorithms and sends the command under the new context; T3560 runs.
    ///
    /// The UE's capabilities go back to it as they came, and it is asked for its whole initial message (§5.4.2.2).
    pub(in super::super) fn start_security_mode(
        &mut self,
        now: Tc,
        id: u64,
        ng_ksi: u8,
        k_amf: [u8; 32],
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(capability) = ue.capability.clone() else {
            return self.reject_registration(now, id, GmmCause::CONDITIONAL_IE_ERROR, out);
        };
        let nea = self.config.nea.iter().copied().find(|alg| capability.has_nea(*alg));
        let nia = self.config.nia.iter().copied().find(|alg| capability.has_nia(*alg));
        let (Some(nea), Some(nia)) = (nea, nia) else {
            return self.reject_registration(now, id, GmmCause::SECURITY_CAPABILITIES_MISMATCH, out);
        };
        ue.new_security = Some(SecurityContext::new(Side::Amf, ng_ksi, k_amf, nea, nia));
        ue.state = State::SecurityMode;
        let command = SecurityModeCommand {
            additional_5g_security_information: Some(AdditionalSecurityInformation {
                retransmission_requested: true,
                horizontal_derivation: false,
            }),
            ..SecurityModeCommand::new(SelectedAlgorithms { nea, nia }, KeySetIdentifier::native(ng_ksi), capability)
        };
        self.send_awaiting(now, id, Timer::T3560, command, out);
    }

    /// The UE has taken the new context, and says again what it wants. Spec: TS 24.501 §5.4.2.4
    pub(in super::super) fn security_mode_complete(
        &mut self,
        now: Tc,
        id: u64,
        message: SecurityModeComplete,
        how: &nas::Unprotected,
        out: &mut Outbox<AmfOutput>,
    ) {
        let new = how.kind == nas::SecurityHeaderType::IntegrityCipheredNew;
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::SecurityMode && new) else { return };
        let Some(context) = ue.new_security.take() else { return };
        let (nea, nia, k_amf) = (context.nea, context.nia, context.k_amf);
        let (k_nas_enc, k_nas_int) = (*context.keys().0, *context.keys().1);
        ue.security = Some(context);
        ue.secured = true;
        ue.k_gnb_count = how.count;
        let supi = ue.supi.clone();
        self.answered(id, Timer::T3560);
        if let Some(supi) = supi {
            self.event(out, CoreEvent::Secured { ue: id, supi: supi.clone(), nea, nia });
            if self.config.taps.keys {
                self.event(out, CoreEvent::NasKeys { ue: id, supi, k_amf, k_nas_enc, k_nas_int });
            }
        }
        if let Some(container) = message.nas_message_container {
            match Message::decode(&container) {
                // What came in clear before could be changed on its way; from here on this one counts.
                Ok(Message::Mm(MmMessage::RegistrationRequest(request))) => {
                    if let Some(ue) = self.ues.get_mut(&id) {
                        ue.request = Some(request);
                    }
                }
                Ok(_) => return self.reject_registration(now, id, GmmCause::SEMANTICALLY_INCORRECT, out),
                Err(error) => {
                    self.protocol_error(out, "N1", error);
                    return self.reject_registration(now, id, GmmCause::INVALID_MANDATORY_INFORMATION, out);
                }
            }
        }
        self.continue_registration(now, id, out);
    }

    /// The UE refuses, for example because its capabilities came back changed. Spec: TS 24.501 §5.4.2.5
    pub(in super::super) fn security_mode_reject(
        &mut self,
        now: Tc,
        id: u64,
        message: SecurityModeReject,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::SecurityMode) else { return };
        ue.new_security = None;
        let supi = ue.supi.clone();
        self.answered(id, Timer::T3560);
        let cause = message.cause.to_string();
        let clause = "TS 24.501 §5.4.2.5";
        self.event(out, CoreEvent::Refused { ue: id, supi, step: "security-mode", cause, clause });
        self.release(now, id, ngap::Cause::NasUnspecified, "the UE refused the security mode", out);
    }
}
