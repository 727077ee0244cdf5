//! Procedures that need several messages: one at a time for each UE, the rest wait as [`Task`]s.
//!
//! Security activation (TS 38.331 §5.3.4), SRB2 and DRBs by reconfiguration (§5.3.5), re-establishment (§5.3.7).

use crate::rrc_build::{self, DrbEntry, Reconfiguration};
use crate::ue::{Drb, Procedure, Security, Task, Ue, UeState};
use crate::{CuEvent, CuOutput, CuTimer, GnbCu, PROCEDURE_PATIENCE};
use ngap::*;
use node::Outbox;
use nr::{DrbId, Qfi, Rnti, Tc};
use pdcp::{End, Limits, Pdcp, Setup};
use seam::bearer::{AsKeys, Bearer, PdcpConfig, SdapConfig};
use seam::f1::{CuToDu, DrbSetup, DuUeId};
use security::{NeaAlg, NiaAlg};

/// Access stratum keys of K_gNB. Spec: TS 33.501 §A.8
fn as_keys(s: &Security) -> Option<AsKeys> {
    let (nea, nia) = (NeaAlg::new(s.algorithms.nea)?, NiaAlg::new(s.algorithms.nia)?);
    Some(AsKeys {
        rrc_int: security::kdf::k_rrc_int(&s.k_gnb, nia),
        rrc_enc: security::kdf::k_rrc_enc(&s.k_gnb, nea),
        up_int: security::kdf::k_up_int(&s.k_gnb, nia),
        up_enc: security::kdf::k_up_enc(&s.k_gnb, nea),
    })
}

pub(crate) fn secure(p: &mut Pdcp, s: &Security, bearer: Bearer, ciphering: bool) {
    if let Some(k) = as_keys(s).and_then(|k| pdcp::Security::for_bearer(bearer, s.algorithms, &k)) {
        p.secure(k, ciphering);
    }
}

fn new_srb2(s: Option<&Security>) -> Pdcp {
    let mut p = Pdcp::new(Setup::srb(Bearer::Srb2, End::Gnb), Limits::default());
    if let Some(s) = s.filter(|s| s.active) {
        secure(&mut p, s, Bearer::Srb2, true);
    }
    p
}

impl GnbCu {
    /// Begins the next task of a UE, if none is under way.
    pub(crate) fn next_task(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        if u.procedure.is_some() || u.state != UeState::Connected {
            return;
        }
        let Some(task) = u.tasks.pop_front() else {
            self.timers.stop(CuTimer::Ue(ran));
            return;
        };
        self.wait(ran, PROCEDURE_PATIENCE, now);
        match task {
            Task::Security => self.begin_security(now, ran, out),
            Task::Capability => {
                let Some(u) = self.ues.get_mut(&ran) else { return };
                u.procedure = Some(Procedure::Capability);
                let t = u.next_transaction();
                self.send_srb(now, ran, Bearer::Srb1, rrc_build::capability_enquiry(t), out);
            }
            task => self.ask_du(ran, task, out),
        }
    }
    /// Spec: TS 38.331 §5.3.4.2: integrity from the command on, ciphering after the complete.
    fn begin_security(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let Some(s) = u.security.clone() else { return };
        u.procedure = Some(Procedure::Security);
        secure(&mut u.srb1, &s, Bearer::Srb1, false);
        let t = u.next_transaction();
        self.send_srb(now, ran, Bearer::Srb1, rrc_build::security_mode_command(t, s.algorithms), out);
    }
    pub(crate) fn security_complete(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        u.procedure = None;
        if let Some(s) = u.security.as_mut() {
            s.active = true;
        }
        u.srb1.set_ciphering(true);
        self.next_task(now, ran, out);
    }
    /// Asks the DU for the CellGroupConfig that a reconfiguration needs.
    fn ask_du(&mut self, ran: u32, task: Task, out: &mut Outbox<CuOutput>) {
        let acknowledged = self.config.drb_acknowledged;
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let setup = |u: &Ue, session: u8, drb: DrbId| DrbSetup {
            drb,
            acknowledged,
            five_qi: u.sessions.iter().find(|s| s.id == session).map_or(9, |s| s.five_qi),
        };
        let (drbs_add, drbs_release, srb2) = match &task {
            Task::Srb2 { .. } => (Vec::new(), Vec::new(), true),
            Task::Sessions { drbs, srb2, .. } => {
                (drbs.iter().map(|(s, d)| setup(u, *s, *d)).collect(), Vec::new(), *srb2)
            }
            Task::ReleaseSessions { drbs, .. } => (Vec::new(), drbs.clone(), false),
            Task::Restore => {
                let all: Vec<DrbSetup> = u.drbs.iter().map(|(d, x)| setup(u, x.session, *d)).collect();
                (all, Vec::new(), true)
            }
            Task::Refresh => (Vec::new(), Vec::new(), false),
            Task::Security | Task::Capability => return,
        };
        let capability = u.capability.clone();
        u.procedure = Some(Procedure::DuConfiguration(task));
        out.push(CuOutput::F1(CuToDu::UeContextModify { ue: u.du, drbs_add, drbs_release, srb2, capability }));
    }
    /// The DU's CellGroupConfig has come: send the RRCReconfiguration.
    pub(crate) fn du_configured(&mut self, now: Tc, du: DuUeId, cell_group: Vec<u8>, out: &mut Outbox<CuOutput>) {
        let Some(&ran) = self.by_du.get(&du) else { return };
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let Some(Procedure::DuConfiguration(task)) = u.procedure.take() else { return };
        let mut r = Reconfiguration { cell_group: Some(cell_group), ..Reconfiguration::default() };
        match &task {
            Task::Srb2 { nas } => {
                r.srb2 = Some(false);
                r.nas = nas.clone();
            }
            Task::Sessions { drbs, nas, srb2, .. } => {
                r.srb2 = srb2.then_some(false);
                r.nas = nas.clone();
                self.add_drbs(ran, drbs, &mut r);
            }
            Task::ReleaseSessions { drbs, nas, .. } => {
                r.release = drbs.iter().map(|d| d.get()).collect();
                r.nas = nas.clone();
            }
            Task::Restore => self.restore(now, ran, &mut r, out),
            Task::Refresh | Task::Security | Task::Capability => {}
        }
        let Some(u) = self.ues.get_mut(&ran) else { return };
        if r.srb2 == Some(false) {
            u.srb2 = Some(new_srb2(u.security.as_ref()));
        }
        u.procedure = Some(Procedure::Reconfiguration(task));
        let t = u.next_transaction();
        self.wait(ran, PROCEDURE_PATIENCE, now);
        self.send_srb(now, ran, Bearer::Srb1, rrc_build::reconfiguration(t, r), out);
    }
    fn pdcp_config(&self) -> PdcpConfig {
        let c = &self.config;
        PdcpConfig {
            sn_bits: c.drb_pdcp_sn_bits,
            discard_timer_ms: None,
            t_reordering_ms: Some(c.drb_t_reordering_ms),
            integrity: false,
            ciphering: true,
            status_report_required: c.drb_acknowledged,
            out_of_order_delivery: false,
        }
    }
    fn add_drbs(&mut self, ran: u32, drbs: &[(u8, DrbId)], r: &mut Reconfiguration) {
        let (config, header, acknowledged) =
            (self.pdcp_config(), self.config.sdap_header, self.config.drb_acknowledged);
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let security = u.security.clone();
        for (id, drb) in drbs {
            let Some(session) = u.sessions.iter_mut().find(|s| s.id == *id) else { continue };
            let sdap = SdapConfig {
                pdu_session: *id,
                header_dl: header,
                header_ul: header,
                default_drb: true,
                flows: session.qfis.iter().filter_map(|q| Qfi::new(*q)).collect(),
            };
            session.sdap.configure(*drb, &sdap);
            let config = PdcpConfig { integrity: session.integrity, ..config };
            let bearer = Bearer::Drb(*drb);
            let setup = Setup { bearer, end: End::Gnb, config, acknowledged, sdap_tx: header, sdap_rx: header };
            let mut p = Pdcp::new(setup, Limits::default());
            if let Some(s) = security.as_ref().filter(|s| s.active) {
                secure(&mut p, s, bearer, true);
            }
            u.drbs.insert(*drb, Drb { pdcp: p, session: *id, queued_bytes: 0 });
            r.drbs.push(DrbEntry { id: drb.get(), pdcp: Some(config), sdap: Some(sdap), reestablish: false });
        }
    }
    /// The UE has taken the reconfiguration: answer whoever asked for it.
    pub(crate) fn reconfigured(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let n3 = self.config.n3_address;
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let Some(Procedure::Reconfiguration(task)) = u.procedure.take() else { return };
        out.push(CuOutput::F1(CuToDu::ReconfigurationComplete { ue: u.du }));
        match task {
            Task::Srb2 { .. } => {
                u.initial_context = false;
                if let Some(ids) = u.ids() {
                    let m = InitialContextSetupResponse { ids, sessions: Vec::new(), failed: Vec::new() };
                    self.send_n2(m, out);
                }
            }
            Task::Sessions { drbs, failed, initial, .. } => self.answer_sessions(ran, &drbs, &failed, initial, n3, out),
            Task::ReleaseSessions { ids, drbs, .. } => self.answer_release(ran, &ids, &drbs, out),
            Task::Restore => {
                let held = std::mem::take(&mut u.held_nas);
                held.into_iter().for_each(|nas| self.send_nas(now, ran, nas, out));
                out.push(CuOutput::Event(CuEvent::UeReestablished { ran }));
            }
            Task::Refresh | Task::Security | Task::Capability => {}
        }
        self.next_task(now, ran, out);
    }
    fn answer_sessions(
        &mut self,
        ran: u32,
        drbs: &[(u8, DrbId)],
        failed: &[(u8, Cause)],
        initial: bool,
        n3: std::net::IpAddr,
        out: &mut Outbox<CuOutput>,
    ) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        u.initial_context = false;
        let Some(ids) = u.ids() else { return };
        let set_up = |id: u8| {
            let s = u.sessions.iter().find(|s| s.id == id)?;
            let downlink = GtpTunnel { address: n3, teid: s.downlink };
            let transfer = SetupResponseTransfer { downlink, qfis: s.qfis.clone() }.encode().ok()?;
            Some(SessionTransfer { id, transfer })
        };
        let sessions: Vec<SessionTransfer> = drbs.iter().filter_map(|(id, _)| set_up(*id)).collect();
        let refused = |(id, cause): &(u8, Cause)| {
            Some(SessionTransfer { id: *id, transfer: UnsuccessfulTransfer { cause: *cause }.encode().ok()? })
        };
        let failed: Vec<SessionTransfer> = failed.iter().filter_map(refused).collect();
        if initial {
            self.send_n2(InitialContextSetupResponse { ids, sessions, failed }, out);
        } else {
            self.send_n2(PduSessionResourceSetupResponse { ids, sessions, failed }, out);
        }
    }
    fn answer_release(&mut self, ran: u32, ids: &[u8], drbs: &[DrbId], out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        for s in u.sessions.iter().filter(|s| ids.contains(&s.id)) {
            self.by_teid.remove(&s.downlink);
        }
        u.sessions.retain(|s| !ids.contains(&s.id));
        u.drbs.retain(|d, _| !drbs.contains(d));
        let Some(names) = u.ids() else { return };
        let one = |id: &u8| Some(SessionTransfer { id: *id, transfer: release_response_transfer().ok()? });
        let sessions = ids.iter().filter_map(one).collect();
        self.send_n2(PduSessionResourceReleaseResponse { ids: names, sessions }, out);
    }
    /// Re-establishment: the same UE under a new C-RNTI. Spec: TS 38.331 §5.3.7, TS 33.501 §6.11
    pub(crate) fn reestablish(&mut self, now: Tc, ran: u32, du: DuUeId, c_rnti: Rnti, out: &mut Outbox<CuOutput>) {
        let (pci, arfcn) = (self.config.pci.get(), self.config.ssb_arfcn);
        let Some(u) = self.ues.get_mut(&ran) else { return };
        let old = u.du;
        self.by_du.remove(&old);
        self.by_du.insert(du, ran);
        u.du = du;
        u.c_rnti = c_rnti;
        u.state = UeState::Reestablishing;
        // A procedure that was under way is done again once the bearers are back.
        match u.procedure.take() {
            Some(Procedure::DuConfiguration(t) | Procedure::Reconfiguration(t)) => u.tasks.push_front(t),
            Some(Procedure::Capability) => u.tasks.push_front(Task::Capability),
            Some(Procedure::Security) | None => {}
        }
        out.push(CuOutput::F1(CuToDu::UeReestablish { ue: du, old }));
        let Some(s) = u.security.as_mut() else { return };
        // No fresh NH is at hand, so the key steps horizontally and the NCC stays.
        s.k_gnb = security::kdf::k_ng_ran_star(&s.k_gnb, pci, arfcn);
        let (s, ncc) = (s.clone(), s.ncc);
        u.srb1 = Pdcp::new(Setup::srb(Bearer::Srb1, End::Gnb), Limits::default());
        secure(&mut u.srb1, &s, Bearer::Srb1, false);
        let t = u.next_transaction();
        self.wait(ran, PROCEDURE_PATIENCE, now);
        self.send_srb(now, ran, Bearer::Srb1, rrc_build::reestablishment(t, ncc), out);
        if let Some(u) = self.ues.get_mut(&ran) {
            // What the UE answers is ciphered already.
            u.srb1.set_ciphering(true);
        }
    }
    pub(crate) fn reestablished(&mut self, now: Tc, ran: u32, out: &mut Outbox<CuOutput>) {
        let Some(u) = self.ues.get_mut(&ran) else { return };
        u.state = UeState::Connected;
        Self::restore_after_reestablishment(u);
        self.next_task(now, ran, out);
    }
    /// SRB2 and DRBs go on under the new keys. Spec: TS 38.331 §5.3.7.6
    fn restore(&mut self, now: Tc, ran: u32, r: &mut Reconfiguration, out: &mut Outbox<CuOutput>) {
        let mut events = std::mem::take(&mut self.scratch);
        let Some(u) = self.ues.get_mut(&ran) else { return };
        r.srb2 = Some(true);
        let Some(s) = u.security.clone() else { return };
        u.srb2 = Some(new_srb2(Some(&s)));
        let du = u.du;
        for (id, d) in u.drbs.iter_mut() {
            secure(&mut d.pdcp, &s, Bearer::Drb(*id), true);
            d.pdcp.reestablish(now, &mut events);
            d.queued_bytes = 0;
            while let Some(e) = events.pop() {
                if let pdcp::PdcpEvent::Transmit { pdu, .. } = e {
                    out.push(CuOutput::F1(CuToDu::DlUser { ue: du, drb: *id, pdu }));
                }
            }
            r.drbs.push(DrbEntry { id: id.get(), pdcp: None, sdap: None, reestablish: true });
        }
        self.scratch = events;
    }
}
