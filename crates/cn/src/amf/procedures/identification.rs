//! Identification. Spec: TS 24.501 §5.4.3

use nas::ie::{IdentityType, MobileIdentity};
use nas::mm::{IdentityRequest, IdentityResponse};
use node::Outbox;
use nr::Tc;

use super::super::state::{State, Timer};
use super::super::{Amf, AmfOutput};
use crate::event::CoreEvent;
use crate::udm::Identity;

impl Amf {
    /// Asks for the SUCI; T3570 runs.
    pub(in super::super) fn identify(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        ue.state = State::Identifying;
        self.send_awaiting(now, id, Timer::T3570, IdentityRequest::new(IdentityType::Suci), out);
    }

    /// The SUCI is here; authentication follows.
    pub(in super::super) fn identity_response(
        &mut self,
        id: u64,
        message: IdentityResponse,
        out: &mut Outbox<AmfOutput>,
    ) {
        let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.state == State::Identifying) else { return };
        let MobileIdentity::Suci(suci) = message.mobile_identity else {
            // Not what was asked for: T3570 goes on, and asks again (§5.4.3.6 d).
            return self.protocol_error(out, "N1", "an identity response without a SUCI");
        };
        ue.suci = Some(suci.clone());
        ue.identified_by_suci = true;
        self.answered(id, Timer::T3570);
        self.event(out, CoreEvent::Identified { ue: id, identity: suci.to_string() });
        self.authenticate(id, Identity::Suci(suci), None, out);
    }
}
