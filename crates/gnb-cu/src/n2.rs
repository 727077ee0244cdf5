//! NGAP towards the AMF. Spec: TS 38.413 §8

use crate::ue::{Session, TASKS_MAX, Task, UeState};
use crate::{CuEvent, CuOutput, CuTimer, GnbCu, PROCEDURE_PATIENCE};
use ngap::*;
use node::Outbox;
use nr::{DrbId, Tc, Teid};
use sdap::Sdap;
use seam::f1::CuToDu;

impl GnbCu {
    pub(crate) fn location(&self) -> UserLocation {
        let c = &self.config;
        UserLocation { plmn: c.plmn, nr_cell_id: c.nr_cell_id, tai_plmn: c.plmn, tac: c.tac }
    }
    pub(crate) fn send_n2(&self, m: impl Into<Pdu>, out: &mut Outbox<CuOutput>) {
        match m.into().encode() {
            Ok(bytes) => out.push(CuOutput::N2(bytes)),
            Err(e) => out.push(CuOutput::Event(CuEvent::PeerError(format!("an NGAP message cannot be written: {e}")))),
        }
    }
    /// Spec: TS 38.413 §8.7.1
    pub(crate) fn ng_setup(&mut self, now: Tc, out: &mut Outbox<CuOutput>) {
        let c = &self.config;
        let plmns = vec![PlmnSlices { plmn: c.plmn, slices: c.slices.clone() }];
        let request = NgSetupRequest {
            gnb: c.gnb,
            name: Some(c.name.clone()),
            supported_tas: vec![SupportedTa { tac: c.tac, plmns }],
        };
        self.timers.start(CuTimer::NgSetup, now + Tc::from_ms(5_000));
        self.send_n2(request, out);
    }
    /// A message of the AMF.
    pub fn n2(&mut self, now: Tc, bytes: &[u8], out: &mut Outbox<CuOutput>) {
        let pdu = match Pdu::decode(bytes) {
            Ok(p) => p,
            Err(e) => {
                out.push(CuOutput::Event(CuEvent::PeerError(e.to_string())));
                return self.send_n2(ErrorIndication { amf: None, ran: None, cause: Some(e.cause()) }, out);
            }
        };
        match pdu {
            Pdu::NgSetupResponse(r) => {
                self.timers.stop(CuTimer::NgSetup);
                self.amf = Some(r.amf_name.clone());
                out.push(CuOutput::Event(CuEvent::NgSetup { amf: r.amf_name }));
            }
            Pdu::NgSetupFailure(f) => {
                out.push(CuOutput::Event(CuEvent::NgSetupFailed(f.cause.name().to_owned())));
                self.timers.start(CuTimer::NgSetup, now + Tc::from_ms(10_000));
            }
            Pdu::DownlinkNasTransport(m) => match self.find(m.ids) {
                Some(ran) => self.send_nas(now, ran, m.nas, out),
                None => self.unknown_ue(m.ids, out),
            },
            Pdu::InitialContextSetupRequest(m) => self.initial_context(now, m, out),
            Pdu::PduSessionResourceSetupRequest(m) => self.session_setup(now, m, out),
            Pdu::PduSessionResourceReleaseCommand(m) => self.session_release(now, m, out),
            Pdu::UeContextReleaseCommand(m) => self.release_command(now, m, out),
            Pdu::Paging(m) => self.page(m, out),
            Pdu::NgReset(r) => self.reset(now, r, out),
            Pdu::ErrorIndication(e) => {
                let cause = e.cause.map_or("no cause", |c| c.name());
                out.push(CuOutput::Event(CuEvent::PeerError(format!("the AMF indicates an error: {cause}"))));
            }
            other => {
                out.push(CuOutput::Event(CuEvent::PeerError(format!("unexpected {}", other.name()))));
                let cause = Some(Cause::MessageNotCompatible);
                self.send_n2(ErrorIndication { amf: None, ran: None, cause }, out);
            }
        }
    }
    /// Spec: TS 38.413 §8.5.1
    fn page(&self, m: Paging, out: &mut Outbox<CuOutput>) {
        let c = &self.config;
        if m.tais.iter().any(|tai| tai.plmn == c.plmn && tai.tac == c.tac) {
            out.push(CuOutput::F1(CuToDu::Paging { s_tmsi: m.s_tmsi, cycle_frames: m.drx }));
        }
    }
    /// The UE that both identities name. Spec: TS 38.413 §10.6
    fn find(&mut self, ids: UeIds) -> Option<u32> {
        let u = self.ues.get_mut(&ids.ran)?;
        match u.amf {
            None => u.amf = Some(ids.amf),
            Some(a) if a != ids.amf => return None,
            Some(_) => {}
        }
        Some(ids.ran)
    }
    fn unknown_ue(&self, ids: UeIds, out: &mut Outbox<CuOutput>) {
        let known = self.ues.contains_key(&ids.ran);
        let cause = Some(if known { Cause::InconsistentRemoteUeNgapId } else { Cause::UnknownLocalUeNgapId });
        self.send_n2(ErrorIndication { amf: Some(ids.amf), ran: Some(ids.ran), cause }, out);
    }
    /// Spec: TS 38.413 §8.3.1
    fn initial_context(&mut self, now: Tc, m: InitialContextSetupRequest, out: &mut Outbox<CuOutput>) {
        let Some(ran) = self.find(m.ids) else { return self.unknown_ue(m.ids, out) };
        let Some(algorithms) = self.choose_algorithms(&m.security_capabilities) else {
            let failure =
                InitialContextSetupFailure { ids: m.ids, cause: Cause::AlgorithmsNotSupported, failed: Vec::new() };
            return self.send_n2(failure, out);
        };
        if self.ues.get(&ran).is_none_or(|u| u.security.is_some() || u.state != UeState::Connected) {
            let failure =
                InitialContextSetupFailure { ids: m.ids, cause: Cause::MessageNotCompatible, failed: Vec::new() };
            return self.send_n2(failure, out);
        }
        let (drbs, mut nas, failed) = self.admit(ran, &m.sessions);
        nas.extend(m.nas);
        let Some(u) = self.ues.get_mut(&ran) else { return };
        u.security = Some(crate::ue::Security { algorithms, k_gnb: m.k_gnb, ncc: 0, active: false });
        u.initial_context = true;
        u.tasks.push_back(Task::Security);
        match m.ue_radio_capability {
            Some(c) => u.capability = crate::uu::nr_capability(&c),
            None => u.tasks.push_back(Task::Capability),
        }
        if drbs.is_empty() && failed.is_empty() {
            u.tasks.push_back(Task::Srb2 { nas });
        } else {
            u.tasks.push_back(Task::Sessions { drbs, nas, failed, initial: true, srb2: true });
        }
        self.next_task(now, ran, out);
    }
    fn choose_algorithms(&self, c: &UeSecurityCapabilities) -> Option<seam::bearer::AsAlgorithms> {
        // Bit 0x8000 is algorithm 1; algorithm 0 has no bit and every UE has it.
        let has = |bits: u16, a: u8| if a == 0 { self.config.allow_null } else { bits & 0x8000 >> (a - 1) != 0 };
        let nea = *self.config.nea.iter().find(|a| **a < 4 && has(c.nr_encryption, **a))?;
        let nia = *self.config.nia.iter().find(|a| **a < 4 && has(c.nr_integrity, **a))?;
        Some(seam::bearer::AsAlgorithms { nea, nia })
    }
    /// Takes the sessions that can be set up: (session, DRB), NAS messages, refused ones.
    fn admit(&mut self, ran: u32, asked: &[SessionSetup]) -> Admitted {
        let (mut drbs, mut nas, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for s in asked {
            match self.admit_one(ran, s) {
                Ok(drb) => {
                    drbs.push((s.id, drb));
                    nas.extend(s.nas.clone());
                }
                Err(cause) => failed.push((s.id, cause)),
            }
        }
        (drbs, nas, failed)
    }
    fn admit_one(&mut self, ran: u32, s: &SessionSetup) -> Result<DrbId, Cause> {
        let transfer = SetupRequestTransfer::decode(&s.transfer).map_err(|e| e.cause())?;
        if !self.config.slices.contains(&s.s_nssai) {
            return Err(Cause::SliceNotSupported);
        }
        let u = self.ues.get_mut(&ran).ok_or(Cause::UnknownLocalUeNgapId)?;
        if u.sessions.iter().any(|x| x.id == s.id) {
            return Err(Cause::MultiplePduSessionIdInstances);
        }
        if transfer.flows.is_empty()
            || !matches!(transfer.session_type, SessionType::Ipv4 | SessionType::Ipv6 | SessionType::Ipv4v6)
        {
            return Err(Cause::InvalidQosCombination);
        }
        let required = matches!(transfer.security, Some((Protection::Required, _)));
        let integrity = self.config.up_integrity || required;
        let drb = u.free_drb().ok_or(Cause::RadioResourcesNotAvailable)?;
        let downlink = Teid(self.next_teid);
        self.next_teid = self.next_teid.wrapping_add(1).max(1);
        self.by_teid.insert(downlink, (ran, s.id));
        u.sessions.push(Session {
            id: s.id,
            sdap: Sdap::new(),
            uplink: transfer.uplink,
            downlink,
            drb,
            qfis: transfer.flows.iter().map(|f| f.qfi).collect(),
            five_qi: transfer.flows[0].five_qi,
            integrity,
        });
        Ok(drb)
    }
    /// Spec: TS 38.413 §8.2.1
    fn session_setup(&mut self, now: Tc, m: PduSessionResourceSetupRequest, out: &mut Outbox<CuOutput>) {
        let Some(ran) = self.find(m.ids) else { return self.unknown_ue(m.ids, out) };
        if self.is_overloaded(ran) {
            return self.overloaded(m.ids, out);
        }
        let (drbs, mut nas, failed) = self.admit(ran, &m.sessions);
        nas.extend(m.nas);
        let Some(u) = self.ues.get_mut(&ran) else { return };
        u.tasks.push_back(Task::Sessions { drbs, nas, failed, initial: false, srb2: false });
        self.next_task(now, ran, out);
    }
    /// Spec: TS 38.413 §8.2.2
    fn session_release(&mut self, now: Tc, m: PduSessionResourceReleaseCommand, out: &mut Outbox<CuOutput>) {
        let Some(ran) = self.find(m.ids) else { return self.unknown_ue(m.ids, out) };
        if self.is_overloaded(ran) {
            return self.overloaded(m.ids, out);
        }
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let ids: Vec<u8> = m.sessions.iter().map(|s| s.id).collect();
        let drbs = u.sessions.iter().filter(|s| ids.contains(&s.id)).map(|s| s.drb).collect();
        u.tasks.push_back(Task::ReleaseSessions { ids, drbs, nas: m.nas.into_iter().collect() });
        self.next_task(now, ran, out);
    }
    fn is_overloaded(&self, ran: u32) -> bool {
        self.ues.get(&ran).is_some_and(|u| u.tasks.len() >= TASKS_MAX)
    }
    fn overloaded(&self, ids: UeIds, out: &mut Outbox<CuOutput>) {
        let cause = Some(Cause::ControlProcessingOverload);
        self.send_n2(ErrorIndication { amf: Some(ids.amf), ran: Some(ids.ran), cause }, out);
    }
    /// Spec: TS 38.413 §8.3.3
    fn release_command(&mut self, now: Tc, m: UeContextReleaseCommand, out: &mut Outbox<CuOutput>) {
        let ran = match m.ran {
            Some(r) => Some(r).filter(|r| self.ues.get(r).is_some_and(|u| u.amf.is_none_or(|a| a == m.amf))),
            None => self.ues.values().find(|u| u.amf == Some(m.amf)).map(|u| u.ran),
        };
        let Some(ran) = ran else {
            // The AMF waits for an answer whether or not we know the UE.
            let cause = Some(Cause::UnknownLocalUeNgapId);
            return self.send_n2(ErrorIndication { amf: Some(m.amf), ran: m.ran, cause }, out);
        };
        if let Some(u) = self.ues.get_mut(&ran) {
            u.amf = Some(m.amf);
        }
        self.release_ue(now, ran, out);
    }
    pub(crate) fn release_complete(&mut self, ran: u32, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get(&ran) else { return };
        let Some(ids) = u.ids() else { return };
        let sessions = u.sessions.iter().map(|s| s.id).collect();
        let complete = UeContextReleaseComplete { ids, location: Some(self.location()), sessions };
        self.send_n2(complete, out);
    }
    /// Asks the AMF to release a UE. Spec: TS 38.413 §8.3.2
    pub(crate) fn request_release(&mut self, now: Tc, ran: u32, cause: Cause, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get(&ran) else { return };
        match u.ids() {
            Some(ids) => {
                let sessions = u.sessions.iter().map(|s| s.id).collect();
                self.send_n2(UeContextReleaseRequest { ids, sessions, cause }, out);
                // If the AMF does not answer, the timer lets the UE go without it.
                self.wait(ran, PROCEDURE_PATIENCE, now);
                if let Some(u) = self.ues.get_mut(&ran) {
                    u.state = UeState::Releasing;
                }
            }
            None => self.release_ue(now, ran, out),
        }
    }
    /// Spec: TS 38.413 §8.7.4.2.1
    fn reset(&mut self, now: Tc, r: NgReset, out: &mut Outbox<CuOutput>) {
        let named: Vec<u32> = match &r.ues {
            None => self.ues.keys().copied().collect(),
            Some(list) => self
                .ues
                .values()
                .filter(|u| list.iter().any(|n| n.ran == Some(u.ran) || (n.amf.is_some() && n.amf == u.amf)))
                .map(|u| u.ran)
                .collect(),
        };
        for ran in named {
            self.release_ue(now, ran, out);
            self.forget(ran, out);
        }
        self.send_n2(NgResetAcknowledge { ues: r.ues }, out);
    }
}

/// (session, DRB) to set up, NAS messages, refused sessions.
type Admitted = (Vec<(u8, DrbId)>, Vec<Vec<u8>>, Vec<(u8, Cause)>);
