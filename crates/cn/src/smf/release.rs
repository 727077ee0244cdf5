//! Release of a session, and of its user plane. Spec: TS 24.501 §6.3.3, §6.4.3, TS 23.502 §4.2.6, §4.3.4

use nas::GsmCause;
use nas::sm::ReleaseCommand;
use nas::{Message, SmHeader};
use node::Outbox;
use nr::Tc;
use pfcp::OuterHeaderCreation;

use super::establishment::release_transfer;
use super::n4::Downlink;
use super::{N2Request, N2Sm, Released, Session, Smf, SmfOutput, SmfToAmf, State, T3592, T3592_SENT_MAX, Timer, pool};
use crate::event::CoreEvent;

impl Smf {
    /// The UE wants its session to end: the command carries its transaction.
    pub(super) fn release_by_ue(&mut self, now: Tc, seid: u64, pti: u8, out: &mut Outbox<SmfOutput>) {
        self.command(now, seid, pti, out);
    }

    /// The network wants it to end: no transaction of the UE's.
    pub(super) fn release_by_network(&mut self, now: Tc, seid: u64, out: &mut Outbox<SmfOutput>) {
        self.command(now, seid, 0, out);
    }

    /// The UPF's half ends now; UE and gNB are told, and T3592 runs.
    fn command(&mut self, now: Tc, seid: u64, pti: u8, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get_mut(&seid).filter(|s| s.state != State::Releasing) else { return };
        let at_gnb = matches!(session.state, State::SettingUp | State::Switching | State::Active);
        session.state = State::Releasing;
        let header = SmHeader { pdu_session_id: session.id, pti };
        let command = ReleaseCommand::new(GsmCause::REGULAR_DEACTIVATION);
        let message = Message::Sm(header, command.into()).encode();
        session.releasing = Some(Released { message: message.clone(), sent: 1 });
        let (supi, id) = (session.supi.clone(), session.id);
        if let Some(upf_seid) = session.upf_seid.take() {
            self.delete_n4(now, upf_seid, Some((supi.clone(), id)), out);
        }
        let n2 = if at_gnb { release_transfer().map(|transfer| N2Request::Release { transfer }) } else { None };
        out.push(SmfOutput::Amf(SmfToAmf { supi, session: id, n1: Some(message), n2 }));
        self.timers.start(Timer::T3592(seid), now + T3592);
    }

    /// T3592 has run out: again, or the session is gone all the same (§6.3.3.5 a).
    pub(super) fn release_again(&mut self, now: Tc, seid: u64, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get_mut(&seid) else { return };
        let Some(releasing) = session.releasing.as_mut() else { return };
        if releasing.sent >= T3592_SENT_MAX {
            self.forget(seid);
            return;
        }
        releasing.sent += 1;
        let n1 = Some(releasing.message.clone());
        out.push(SmfOutput::Amf(SmfToAmf { supi: session.supi.clone(), session: session.id, n1, n2: None }));
        self.timers.start(Timer::T3592(seid), now + T3592);
    }

    /// The UE has released its half.
    pub(super) fn release_complete(&mut self, seid: u64, _out: &mut Outbox<SmfOutput>) {
        if self.sessions.get(&seid).is_some_and(|session| session.state == State::Releasing) {
            self.forget(seid);
        }
    }

    /// The session ends without a word to UE and gNB: both know already.
    pub(super) fn delete(&mut self, now: Tc, seid: u64, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.forget(seid) else { return };
        if let Some(upf_seid) = session.upf_seid {
            self.delete_n4(now, upf_seid, Some((session.supi, session.id)), out);
        }
    }

    /// Forgets a session and takes its addresses back.
    pub(super) fn forget(&mut self, seid: u64) -> Option<Session> {
        let session = self.sessions.remove(&seid)?;
        self.timers.stop(Timer::T3592(seid));
        self.waiting.retain(|waiting| *waiting != seid);
        let key = (session.supi.clone(), session.id);
        if self.by_ue.get(&key) == Some(&seid) {
            self.by_ue.remove(&key);
        }
        let pools = self.dnn(&session.dnn).map(|dnn| (dnn.name.clone(), dnn.ipv4_pool, dnn.ipv6_pool));
        if let Some((name, ipv4_pool, ipv6_pool)) = pools {
            if let (Some(address), Some(pool)) = (session.ipv4, self.ipv4.get_mut(&name)) {
                pool.give(pool::host_number(ipv4_pool, address));
            }
            if let (Some(prefix), Some(pool)) = (session.prefix, self.prefixes.get_mut(&name)) {
                pool.give(pool::prefix_number(ipv6_pool, prefix));
            }
        }
        Some(session)
    }

    /// What the gNB says of a session.
    pub(super) fn n2(&mut self, now: Tc, seid: u64, what: N2Sm, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get_mut(&seid) else { return };
        match what {
            N2Sm::SetUp(transfer) if session.state == State::SettingUp => {
                match ngap::SetupResponseTransfer::decode(&transfer) {
                    Ok(response) => {
                        session.state = State::Switching;
                        let tunnel = response.downlink;
                        let tunnel = OuterHeaderCreation { teid: tunnel.teid, address: tunnel.address };
                        self.switch_n4(now, seid, Downlink::Tunnel(tunnel), out);
                    }
                    Err(error) => {
                        let what = error.to_string();
                        self.event(out, CoreEvent::ProtocolError { interface: "N2", what });
                        self.release_by_network(now, seid, out);
                    }
                }
            }
            // The UE has not got the accept, for it went with what the gNB refused (TS 23.502 §4.3.2.2.1 step 14).
            N2Sm::NotSetUp(transfer) if session.state == State::SettingUp => {
                let cause = ngap::UnsuccessfulTransfer::decode(&transfer);
                let cause = cause.map_or("the gNB refused it", |transfer| transfer.cause.name());
                let supi = session.supi.clone();
                let clause = "TS 38.413 §8.2.1.2";
                let event =
                    CoreEvent::Refused { ue: 0, supi: Some(supi), step: "session", cause: cause.into(), clause };
                self.event(out, event);
                // What waits would only ask again: it is dropped until the UE asks, or has been idle.
                if let Some(session) = self.sessions.get_mut(&seid).filter(|session| session.accepted) {
                    session.state = State::Refused;
                    self.switch_n4(now, seid, Downlink::Drop, out);
                } else {
                    self.delete(now, seid, out);
                }
            }
            _ => {}
        }
    }

    /// The UE is idle: downlink packets wait, and the first one calls it. Spec: TS 23.502 §4.2.6
    pub(super) fn deactivate(&mut self, now: Tc, seid: u64, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get_mut(&seid) else { return };
        match session.state {
            State::Switching | State::SettingUp if !session.accepted => self.delete(now, seid, out),
            State::Active | State::Switching | State::SettingUp | State::Refused => {
                session.state = State::Inactive;
                self.switch_n4(now, seid, Downlink::Wait, out);
            }
            State::Inactive => {}
            State::Releasing => {
                self.forget(seid);
            }
            State::AwaitingSubscription | State::Establishing => self.delete(now, seid, out),
        }
    }

    /// The UE could not be called: what waits for it is dropped, and the next packet calls again. Spec: TS 23.502 §4.2.3.3
    pub(super) fn unreachable(&mut self, now: Tc, seid: u64, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get_mut(&seid).filter(|s| s.state == State::SettingUp) else { return };
        session.state = State::Inactive;
        self.switch_n4(now, seid, Downlink::WaitAfresh, out);
    }

    /// The UE is back: the gNB is asked for the session's resources again.
    pub(super) fn activate(&mut self, seid: u64, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get(&seid).filter(|s| matches!(s.state, State::Inactive | State::Refused))
        else {
            return;
        };
        let n2 = self.set_up_request(session);
        if n2.is_some() {
            let (supi, id) = (session.supi.clone(), session.id);
            out.push(SmfOutput::Amf(SmfToAmf { supi, session: id, n1: None, n2 }));
            if let Some(session) = self.sessions.get_mut(&seid) {
                session.state = State::SettingUp;
            }
        }
    }
}
