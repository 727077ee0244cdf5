//! RRC of the base station: what UEs send, and what goes to them. Spec: TS 38.331 §5

use crate::ue::{Procedure, TASKS_MAX, Task, Ue, UeState};
use crate::{CuEvent, CuOutput, CuTimer, GnbCu, LOST_PATIENCE, PROCEDURE_PATIENCE, rrc_build};
use ngap::{Cause, InitialUeMessage, RrcEstablishmentCause, UeRadioCapabilityInfoIndication, UplinkNasTransport};
use node::Outbox;
use nr::{Rnti, Tc};
use pdcp::{End, Limits, Pdcp, PdcpEvent, Setup};
use rrc::{Enumerated, UlCcchMessageTypeC1 as Ccch, UlDcchMessageTypeC1 as Dcch};
use seam::bearer::Bearer;
use seam::f1::{CuToDu, DuUeId};
use security::NiaAlg;
use std::collections::{BTreeMap, VecDeque};

/// UERadioAccessCapabilityInformation around (or inside) which the core keeps the UE's capability. Spec: TS 38.331 §11.2.2
pub(crate) fn nr_capability(container: &[u8]) -> Option<Vec<u8>> {
    let info = rrc::decode::<rrc::UeRadioAccessCapabilityInformation>(container).ok()?;
    let rrc::UeRadioAccessCapabilityInformationCriticalExtensions::C1(
        rrc::UeRadioAccessCapabilityInformationCriticalExtensionsC1::UeRadioAccessCapabilityInformation(i),
    ) = info.critical_extensions
    else {
        return None;
    };
    let list = rrc::decode::<RatContainers>(&i.ue_radio_access_capability_info).ok()?;
    list.0.into_iter().find(|c| c.rat_type == rrc::RatType::Nr).map(|c| c.ue_capability_rat_container)
}

impl GnbCu {
    pub(crate) fn initial_rrc(
        &mut self,
        now: Tc,
        du: DuUeId,
        c_rnti: Rnti,
        rrc: &[u8],
        cell_group: Vec<u8>,
        out: &mut Outbox<CuOutput>,
    ) {
        let Ok(rrc::UlCcchMessage { message: rrc::UlCcchMessageType::C1(m) }) = rrc::decode(rrc) else {
            out.push(CuOutput::Event(CuEvent::PeerError("UL-CCCH message that does not decode".into())));
            return out.push(CuOutput::F1(CuToDu::UeContextRelease { ue: du, rrc: None }));
        };
        if self.by_du.contains_key(&du) {
            return;
        }
        if self.ues.len() >= self.config.ues_max || self.amf.is_none() {
            let pdu = rrc_build::reject(1).map(|p| (Bearer::Srb0, p));
            return out.push(CuOutput::F1(CuToDu::UeContextRelease { ue: du, rrc: pdu }));
        }
        match m {
            Ccch::RrcSetupRequest(r) => {
                let r = r.rrc_setup_request;
                let part1 = match r.ue_identity {
                    rrc::InitialUeIdentity::Ng5GSTmsiPart1(p) => Some(p),
                    rrc::InitialUeIdentity::RandomValue(_) => None,
                };
                self.set_up(now, du, c_rnti, r.establishment_cause.index() as u8, part1, cell_group, out);
            }
            Ccch::RrcReestablishmentRequest(r) => {
                match self.known(&r.rrc_reestablishment_request) {
                    Some(ran) => self.reestablish(now, ran, du, c_rnti, out),
                    // Spec: TS 38.331 §5.3.7.5: without the context the UE is set up anew.
                    None => self.set_up(now, du, c_rnti, 3, None, cell_group, out),
                }
            }
            Ccch::RrcResumeRequest(_) => self.set_up(now, du, c_rnti, 3, None, cell_group, out),
            Ccch::RrcSystemInfoRequest(_) => out.push(CuOutput::F1(CuToDu::UeContextRelease { ue: du, rrc: None })),
        }
    }
    /// Spec: TS 38.331 §5.3.3
    fn set_up(
        &mut self,
        now: Tc,
        du: DuUeId,
        c_rnti: Rnti,
        establishment_cause: u8,
        s_tmsi_part1: Option<u64>,
        cell_group: Vec<u8>,
        out: &mut Outbox<CuOutput>,
    ) {
        let ran = self.next_ran;
        self.next_ran = self.next_ran.wrapping_add(1);
        let ue = Ue {
            ran,
            du,
            c_rnti,
            amf: None,
            state: UeState::SettingUp,
            srb1: Pdcp::new(Setup::srb(Bearer::Srb1, End::Gnb), Limits::default()),
            srb2: None,
            drbs: BTreeMap::new(),
            sessions: Vec::new(),
            security: None,
            capability: None,
            procedure: None,
            tasks: VecDeque::new(),
            transaction: 0,
            establishment_cause,
            s_tmsi_part1,
            initial_context: false,
            active_at: now,
            held_nas: Vec::new(),
        };
        self.ues.insert(ran, ue);
        self.by_du.insert(du, ran);
        self.wait(ran, PROCEDURE_PATIENCE, now);
        if let Some(inactivity) = self.config.inactivity {
            self.timers.start(CuTimer::Inactivity(ran), now + inactivity);
        }
        if let Some(pdu) = rrc_build::setup(0, cell_group) {
            out.push(CuOutput::F1(CuToDu::DlRrcTransfer { ue: du, bearer: Bearer::Srb0, pdu }));
        }
    }
    /// The UE that a re-establishment request names, if its ShortMAC-I holds. Spec: TS 38.331 §5.3.7.4
    fn known(&self, r: &rrc::RrcReestablishmentRequestIes) -> Option<u32> {
        let id = &r.ue_identity;
        if id.phys_cell_id != self.config.pci.get() {
            return None;
        }
        let named = |u: &&Ue| u.c_rnti.0 == id.c_rnti && !matches!(u.state, UeState::SettingUp | UeState::Releasing);
        self.ues.values().filter(named).find(|u| self.short_mac_i(u) == Some(id.short_mac_i)).map(|u| u.ran)
    }
    /// ShortMAC-I that the UE would compute; `None` if it has nothing to re-establish.
    pub(crate) fn short_mac_i(&self, u: &Ue) -> Option<u16> {
        let s = u.security.as_ref().filter(|s| s.active && u.srb2.is_some() && !u.drbs.is_empty())?;
        let input = rrc::VarShortMacInput {
            source_phys_cell_id: self.config.pci.get(),
            target_cell_identity: self.config.nr_cell_id,
            source_c_rnti: u.c_rnti.0,
        };
        let nia = NiaAlg::new(s.algorithms.nia)?;
        let key = security::kdf::k_rrc_int(&s.k_gnb, nia);
        let bytes = rrc::encode(&input).ok()?;
        let mac = security::nia(nia, &key, u32::MAX, 31, security::Direction::Downlink, &bytes);
        Some(u16::from_be_bytes([mac[2], mac[3]]))
    }
    pub(crate) fn ue_lost(&mut self, now: Tc, du: DuUeId) {
        let Some(&ran) = self.by_du.get(&du) else { return };
        if let Some(u) = self.ues.get_mut(&ran)
            // One that is being set up has nothing to re-establish, and its timer runs; it may still answer.
            && !matches!(u.state, UeState::Releasing | UeState::SettingUp)
        {
            u.state = UeState::Lost;
            self.wait(ran, LOST_PATIENCE, now);
        }
    }
    /// The DU wants to configure the UE again; not before security, when it is configured anyway. Spec: TS 38.473 §8.3.5
    pub(crate) fn refresh(&mut self, now: Tc, du: DuUeId, out: &mut Outbox<CuOutput>) {
        let Some(&ran) = self.by_du.get(&du) else { return };
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let secure = u.security.as_ref().is_some_and(|s| s.active);
        let configuring = matches!(u.procedure, Some(Procedure::DuConfiguration(_) | Procedure::Reconfiguration(_)));
        let asked = u.tasks.iter().any(|t| matches!(t, Task::Refresh));
        // It is there after all.
        let found = u.state == UeState::Lost;
        if found {
            u.state = UeState::Connected;
        }
        if secure && u.state == UeState::Connected && !configuring && !asked {
            u.tasks.push_back(Task::Refresh);
        }
        if found && u.procedure.is_some() {
            self.wait(ran, PROCEDURE_PATIENCE, now);
        } else {
            self.next_task(now, ran, out);
        }
    }
    pub(crate) fn ue_timed_out(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get(&ran) else { return };
        match u.state {
            UeState::Releasing => {
                out.push(CuOutput::F1(CuToDu::UeContextRelease { ue: u.du, rrc: None }));
                self.release_complete(ran, out);
                self.forget(ran, out);
            }
            UeState::Lost => self.request_release(now, ran, Cause::RadioConnectionWithUeLost, out),
            _ => self.request_release(now, ran, Cause::FailureInRadioInterfaceProcedure, out),
        }
    }
    /// Nothing may have crossed for a UE since its timer started: it is released, or the timer runs on. Spec: TS 38.413 §8.3.2
    pub(crate) fn inactive(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let (Some(u), Some(inactivity)) = (self.ues.get(&ran), self.config.inactivity) else { return };
        let busy = u.procedure.is_some() || !u.tasks.is_empty() || u.state != UeState::Connected;
        let due = if busy { now } else { u.active_at } + inactivity;
        if due > now {
            self.timers.start(CuTimer::Inactivity(ran), due);
        } else {
            self.request_release(now, ran, Cause::UserInactivity, out);
        }
    }
    /// Releases a UE on the air and at the DU. Spec: TS 38.331 §5.3.8
    pub(crate) fn release_ue(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let t = u.next_transaction();
        let heard = !matches!(u.state, UeState::Lost | UeState::SettingUp);
        u.state = UeState::Releasing;
        let pdu = rrc_build::release(t).filter(|_| heard);
        let rrc = pdu.and_then(|p| u.srb1.send(now, p).ok()).map(|(p, _)| (Bearer::Srb1, p));
        out.push(CuOutput::F1(CuToDu::UeContextRelease { ue: u.du, rrc }));
        self.wait(ran, PROCEDURE_PATIENCE, now);
    }
    pub(crate) fn send_srb(
        &mut self,
        now: Tc,
        ran: u32,
        bearer: Bearer,
        pdu: Option<Vec<u8>>,
        out: &mut Outbox<CuOutput>,
    ) {
        let (Some(u), Some(pdu)) = (self.ues.get_mut(&ran), pdu) else { return };
        let du = u.du;
        if let Some(Ok((pdu, _))) = u.srb(bearer).map(|p| p.send(now, pdu)) {
            out.push(CuOutput::F1(CuToDu::DlRrcTransfer { ue: du, bearer, pdu }));
        }
    }
    /// Spec: TS 38.331 §5.7.1
    pub(crate) fn send_nas(&mut self, now: Tc, ran: u32, nas: Vec<u8>, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        if u.srb2_rests() {
            if u.held_nas.len() < TASKS_MAX {
                u.held_nas.push(nas);
            }
            return;
        }
        let t = u.next_transaction();
        let bearer = if u.srb2.is_some() { Bearer::Srb2 } else { Bearer::Srb1 };
        self.send_srb(now, ran, bearer, rrc_build::information(t, nas), out);
    }
    pub(crate) fn ul_rrc(&mut self, now: Tc, du: DuUeId, bearer: Bearer, pdu: Vec<u8>, out: &mut Outbox<CuOutput>) {
        let Some(&ran) = self.by_du.get(&du) else { return };
        if bearer == Bearer::Srb1 && self.is_security_failure(ran, &pdu) {
            return self.request_release(now, ran, Cause::FailureInRadioInterfaceProcedure, out);
        }
        let mut events = std::mem::take(&mut self.scratch);
        if let Some(u) = self.ues.get_mut(&ran) {
            u.active_at = now;
            if let Some(p) = u.srb(bearer) {
                p.receive(now, pdu, &mut events);
            }
        }
        while let Some(e) = events.pop() {
            match e {
                PdcpEvent::Sdu { sdu, verified, .. } => self.dcch(now, ran, &sdu, verified, out),
                PdcpEvent::IntegrityFailure { .. } => {
                    out.push(CuOutput::Event(CuEvent::PeerError(format!(
                        "integrity of UE {ran} failed on {bearer:?}"
                    ))));
                }
                PdcpEvent::Discard { .. } | PdcpEvent::Transmit { .. } => {}
            }
        }
        self.scratch = events;
    }
    /// A UE that refuses the SecurityModeCommand goes on without security, so its PDU has a MAC-I of zero and PDCP, which has
    /// its keys already, would drop it. Spec: TS 38.331 §5.3.4.3, §B.1
    fn is_security_failure(&self, ran: u32, pdu: &[u8]) -> bool {
        let waits = self.ues.get(&ran).is_some_and(|u| matches!(u.procedure, Some(Procedure::Security)));
        let Some([_, _, sdu @ .., 0, 0, 0, 0]) = waits.then_some(pdu) else { return false };
        let decoded = rrc::decode::<rrc::UlDcchMessage>(sdu).map(|m| m.message);
        matches!(decoded, Ok(rrc::UlDcchMessageType::C1(Dcch::SecurityModeFailure(_))))
    }
    fn dcch(&mut self, now: Tc, ran: u32, sdu: &[u8], verified: bool, out: &mut Outbox<CuOutput>) {
        let m = match rrc::decode::<rrc::UlDcchMessage>(sdu) {
            Ok(rrc::UlDcchMessage { message: rrc::UlDcchMessageType::C1(m) }) => m,
            _ => return out.push(CuOutput::Event(CuEvent::PeerError("UL-DCCH message that does not decode".into()))),
        };
        let Some(u) = self.ues.get(&ran) else { return };
        // Spec: TS 38.331 §B.1: once security is active, nothing unprotected is taken.
        if u.security.as_ref().is_some_and(|s| s.active) && !verified {
            return;
        }
        match m {
            Dcch::RrcSetupComplete(c) if u.state == UeState::SettingUp => self.setup_complete(ran, c, out),
            Dcch::UlInformationTransfer(t) => self.ul_information(ran, t, out),
            Dcch::SecurityModeComplete(_) if matches!(u.procedure, Some(Procedure::Security)) => {
                self.security_complete(now, ran, out);
            }
            Dcch::UeCapabilityInformation(c) if matches!(u.procedure, Some(Procedure::Capability)) => {
                self.capability(now, ran, c, out);
            }
            Dcch::RrcReconfigurationComplete(_) if matches!(u.procedure, Some(Procedure::Reconfiguration(_))) => {
                self.reconfigured(now, ran, out);
            }
            Dcch::RrcReestablishmentComplete(_) if u.state == UeState::Reestablishing => {
                self.reestablished(now, ran, out);
            }
            _ => {}
        }
    }
    /// Spec: TS 38.331 §5.3.3.4, TS 38.413 §8.6.1
    fn setup_complete(&mut self, ran: u32, c: rrc::RrcSetupComplete, out: &mut Outbox<CuOutput>) {
        let rrc::RrcSetupCompleteCriticalExtensions::RrcSetupComplete(i) = c.critical_extensions else { return };
        let location = self.location();
        self.timers.stop(crate::CuTimer::Ue(ran));
        let Some(u) = self.ues.get_mut(&ran) else { return };
        u.state = UeState::Connected;
        let s_tmsi = match (i.ng_5_g_s_tmsi_value, u.s_tmsi_part1) {
            (Some(rrc::RrcSetupCompleteIesNg5GSTmsiValue::Ng5GSTmsi(t)), _) => Some(t),
            (Some(rrc::RrcSetupCompleteIesNg5GSTmsiValue::Ng5GSTmsiPart2(p2)), Some(p1)) => {
                Some((p2 as u64) << 39 | p1)
            }
            _ => None,
        };
        let message = InitialUeMessage {
            ran,
            nas: i.dedicated_nas_message,
            location,
            establishment_cause: RrcEstablishmentCause::from_rrc(u.establishment_cause),
            s_tmsi,
            ue_context_requested: true,
        };
        out.push(CuOutput::Event(CuEvent::UeConnected { ran }));
        self.send_n2(message, out);
    }
    fn ul_information(&mut self, ran: u32, t: rrc::UlInformationTransfer, out: &mut Outbox<CuOutput>) {
        let rrc::UlInformationTransferCriticalExtensions::UlInformationTransfer(i) = t.critical_extensions else {
            return;
        };
        let ids = self.ues.get(&ran).and_then(|u| u.ids());
        if let (Some(ids), Some(nas)) = (ids, i.dedicated_nas_message) {
            self.send_n2(UplinkNasTransport { ids, nas, location: self.location() }, out);
        }
    }
    /// Spec: TS 38.331 §5.6.1, TS 38.413 §8.14.1
    fn capability(&mut self, now: Tc, ran: u32, c: rrc::UeCapabilityInformation, out: &mut Outbox<CuOutput>) {
        let rrc::UeCapabilityInformationCriticalExtensions::UeCapabilityInformation(i) = c.critical_extensions else {
            return;
        };
        let list = i.ue_capability_rat_container_list.unwrap_or_default();
        let ids = self.ues.get(&ran).and_then(|u| u.ids());
        if let (Some(ids), Some(capability)) = (ids, pack_capability(&list)) {
            self.send_n2(UeRadioCapabilityInfoIndication { ids, capability }, out);
        }
        if let Some(u) = self.ues.get_mut(&ran) {
            let nr = list.into_iter().find(|c| c.rat_type == rrc::RatType::Nr);
            u.capability = nr.map(|c| c.ue_capability_rat_container);
            u.procedure = None;
        }
        self.next_task(now, ran, out);
    }
    pub(crate) fn restore_after_reestablishment(u: &mut Ue) {
        u.tasks.push_front(Task::Restore);
    }
}

/// UE-CapabilityRAT-ContainerList on its own, as an octet string contains it. Spec: TS 38.331 §11.2.2
#[derive(Clone, Default)]
struct RatContainers(Vec<rrc::UeCapabilityRatContainer>);

impl per::Codec for RatContainers {
    fn read(&mut self, r: &mut per::Reader<'_>) -> Result<(), per::Stop> {
        self.0 = r.list(0, 8, per::Codec::decode)?;
        Ok(())
    }
    fn encode(&self, w: &mut per::Writer) -> Result<(), per::Stop> {
        w.list(0, 8, &self.0, |w, c| c.encode(w))
    }
}

fn pack_capability(list: &[rrc::UeCapabilityRatContainer]) -> Option<Vec<u8>> {
    let inner = rrc::encode(&RatContainers(list.to_vec())).ok()?;
    rrc::encode(&rrc::UeRadioAccessCapabilityInformation {
        critical_extensions: rrc::UeRadioAccessCapabilityInformationCriticalExtensions::C1(
            rrc::UeRadioAccessCapabilityInformationCriticalExtensionsC1::UeRadioAccessCapabilityInformation(
                rrc::UeRadioAccessCapabilityInformationIes {
                    ue_radio_access_capability_info: inner,
                    ..Default::default()
                },
            ),
        ),
    })
    .ok()
}
