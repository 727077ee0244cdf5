//! Deregistration. Spec: TS 24.501 §5.5.2

use nas::ie::DeregistrationType;
use nas::mm::{DeregistrationAcceptUe, DeregistrationRequestNetwork, DeregistrationRequestUe};
use node::Outbox;
use nr::{Supi, Tc};

use super::super::state::{State, Timer};
use super::super::{Amf, AmfOutput};
use crate::event::CoreEvent;
use crate::smf::AmfToSmf;

impl Amf {
    /// The UE leaves. Spec: TS 24.501 §5.5.2.2
    ///
    /// A request whose protection does not hold changes nothing (§4.4.4.3 leaves that to the network).
    pub(in super::super) fn deregistration_request(
        &mut self,
        now: Tc,
        id: u64,
        message: DeregistrationRequestUe,
        unverified: Option<&[u8]>,
        out: &mut Outbox<AmfOutput>,
    ) {
        let verified = match unverified {
            None => true,
            Some(bytes) => self.take_over(now, id, &message.mobile_identity, bytes, out),
        };
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if !verified {
            self.protocol_error(out, "N1", "a deregistration request that cannot be verified (TS 24.501 4.4.4.3)");
            return self.release_if_new(now, id, out);
        }
        ue.secured = true;
        if !message.deregistration_type.switch_off {
            self.send(now, id, DeregistrationAcceptUe::new(), out);
        }
        self.leave(now, id, out);
    }

    fn release_if_new(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        if self.ues.get(&id).is_some_and(|ue| ue.state == State::Deregistered) {
            self.release(now, id, ngap::Cause::NasUnspecified, "nothing usable came first", out);
        }
    }

    /// Sessions go, then the connection, then the context.
    pub(in super::super) fn leave(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        ue.state = State::Deregistered;
        ue.forget_when_released = true;
        if let Some(supi) = ue.supi.clone() {
            out.push(AmfOutput::Smf(AmfToSmf::ReleaseAll { supi: supi.clone() }));
            self.event(out, CoreEvent::Deregistered { supi });
        }
        if self.ues.get(&id).is_some_and(|ue| ue.n2.is_none()) {
            return self.forget(id);
        }
        self.release(now, id, ngap::Cause::Deregister, "deregistered", out);
    }

    /// The network asks the UE to leave; T3522 runs. Spec: TS 24.501 §5.5.2.3
    pub(in super::super) fn deregister_by_network(&mut self, now: Tc, supi: &Supi, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.find(supi) else { return };
        let id = ue.id;
        if ue.n2.is_none() && ue.state == State::Registered && !ue.unreachable {
            // An idle UE is called first (TS 23.502 §4.2.2.3.3).
            if let Some(ue) = self.ues.get_mut(&id) {
                ue.deregister = true;
            }
            return self.page(now, id, out);
        }
        if ue.n2.is_none() || !ue.secured {
            return self.leave(now, id, out);
        }
        if let Some(ue) = self.ues.get_mut(&id) {
            ue.state = State::Deregistering;
        }
        let request = DeregistrationRequestNetwork::new(DeregistrationType::three_gpp(false), None);
        self.send_awaiting(now, id, Timer::T3522, request, out);
    }

    /// A UE that was called to be deregistered is here.
    pub(in super::super) fn deregister_if_wanted(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        if let Some(ue) = self.ues.get_mut(&id).filter(|ue| ue.deregister)
            && let Some(supi) = ue.supi.clone()
        {
            ue.deregister = false;
            self.deregister_by_network(now, &supi, out);
        }
    }

    /// The UE agrees.
    pub(in super::super) fn deregistration_accept(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        if self.ues.get(&id).is_some_and(|ue| ue.state == State::Deregistering) {
            self.answered(id, Timer::T3522);
            self.leave(now, id, out);
        }
    }

    /// The UE has not answered five times: it is deregistered all the same (§5.5.2.3.5 a).
    pub(in super::super) fn deregistered_by_network(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        self.leave(now, id, out);
    }
}
