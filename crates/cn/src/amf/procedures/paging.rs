//! Paging, and UEs that do not come back. Spec: TS 24.501 §5.6.2, §5.3.7, TS 38.413 §8.5.1

use node::Outbox;
use nr::Tc;

use super::super::state::{State, Timer};
use super::super::{Amf, AmfOutput};
use crate::event::CoreEvent;
use crate::smf::{AmfToSmf, SmfToAmf};

/// T3513, whose value is the network's; longer than a paging cycle.
const T3513: Tc = Tc::from_ms(2_000);
/// On the third expiry the UE counts as unreachable.
const PAGED_MAX: u8 = 3;
/// Four minutes: what the mobile reachable timer has beyond T3512, and how long the implicit deregistration timer runs.
const GRACE: Tc = Tc::from_ms(240_000);
/// Requests that wait for one UE: one for each session that it may have.
const DEFERRED_MAX: usize = 16;

impl Amf {
    /// Keeps what the SMF wants until the UE has a connection and the gNB its context; one request twice is one.
    pub(in super::super) fn defer(&mut self, id: u64, message: SmfToAmf) {
        if let Some(ue) = self.ues.get_mut(&id)
            && ue.deferred.len() < DEFERRED_MAX
            && !ue.deferred.contains(&message)
        {
            ue.deferred.push(message);
        }
    }

    /// Calls an idle UE, unless that is under way. Spec: TS 24.501 §5.6.2.2.1
    pub(in super::super) fn page(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        if self.ues.get(&id).is_some_and(|ue| ue.paged == 0) {
            self.page_again(now, id, out);
        }
    }

    fn page_again(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(guti) = ue.guti.filter(|_| ue.n2.is_none()) else { return };
        ue.paged += 1;
        let s_tmsi = guti.s_tmsi().to_u48();
        let plmn = self.config.plmn;
        // The registration area is all tracking areas, as the accept said.
        let tais: Vec<ngap::Tai> = self.config.tacs.iter().take(16).map(|tac| ngap::Tai { plmn, tac: *tac }).collect();
        let serves = |tacs: &[u32]| tais.iter().any(|tai| tacs.contains(&tai.tac));
        let gnbs: Vec<_> = self.gnbs.iter().filter(|(_, gnb)| serves(&gnb.tacs)).map(|(gnb, _)| *gnb).collect();
        let paging = ngap::Paging { s_tmsi, tais, drx: None };
        for gnb in gnbs {
            self.n2_send(now, gnb, &paging.clone().into(), out);
        }
        self.timers.start((Timer::T3513, id), now + T3513);
    }

    /// T3513 has run out: again, or the SMF is told that the UE cannot be reached. Spec: TS 24.501 §5.6.2.2.3
    pub(in super::super) fn paging_unanswered(&mut self, now: Tc, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if ue.paged < PAGED_MAX {
            return self.page_again(now, id, out);
        }
        ue.paged = 0;
        if ue.deregister {
            return self.leave(now, id, out);
        }
        let (deferred, supi) = (std::mem::take(&mut ue.deferred), ue.supi.clone());
        for message in deferred {
            let SmfToAmf { supi, session, .. } = message;
            out.push(AmfOutput::Smf(AmfToSmf::Unreachable { supi, session }));
        }
        let cause = "the UE does not answer paging".into();
        let clause = "TS 24.501 §5.6.2.2.3";
        self.event(out, CoreEvent::Refused { ue: id, supi, step: "paging", cause, clause });
    }

    /// A registered UE is idle: it has to be heard of before the mobile reachable timer ends. Spec: TS 24.501 §5.3.7
    pub(in super::super) fn becomes_idle(&mut self, now: Tc, id: u64) {
        if self.config.t3512_s > 0 {
            let t3512 = Tc::from_ms(i64::from(self.config.t3512_s) * 1000);
            self.timers.start((Timer::MobileReachable, id), now + t3512 + GRACE);
        }
    }

    /// It was not heard of: nobody calls it any more, and later it is deregistered.
    pub(in super::super) fn not_heard_of(&mut self, now: Tc, id: u64) {
        if let Some(ue) = self.ues.get_mut(&id) {
            ue.unreachable = true;
        }
        self.timers.start((Timer::ImplicitDeregistration, id), now + GRACE);
    }

    /// The network deregisters a UE that stays away, without a word to it. Spec: TS 24.501 §5.3.7
    pub(in super::super) fn deregister_implicitly(&mut self, id: u64, out: &mut Outbox<AmfOutput>) {
        let Some(ue) = self.ues.get(&id).filter(|ue| ue.n2.is_none() && ue.state == State::Registered) else { return };
        let supi = ue.supi.clone();
        self.forget(id);
        if let Some(supi) = supi {
            out.push(AmfOutput::Smf(AmfToSmf::ReleaseAll { supi: supi.clone() }));
            self.event(out, CoreEvent::Deregistered { supi });
        }
    }
}
