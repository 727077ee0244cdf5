//! PFCP at the UPF: rules in, tunnels out. Spec: TS 29.244 §6.2, §6.3

use std::collections::VecDeque;
use std::net::IpAddr;

use node::Outbox;
use nr::{Tc, Teid};
use pfcp::*;

use super::packet::prefix;
use super::{Bucket, Far, Pdr, Qer, Session, Upf, UpfOutput};
use crate::event::CoreEvent;

/// Rules of each kind in one session; more are refused.
const RULES_MAX: usize = 16;
/// The start of this UPF: a constant, for a lab's clock starts at zero.
const RECOVERY: u32 = 0xe000_0000;
/// Send end markers. Spec: TS 29.244 §8.2.33
const SNDEM: u8 = 2;
/// Drop buffered packets. Spec: TS 29.244 §8.2.33
const DROBU: u8 = 1;
/// Why a usage report comes: the session is deleted (TERMR). Spec: TS 29.244 §8.2.41
const TERMINATION_REPORT: [u8; 3] = [0, 0x08, 0];

impl Upf {
    fn node_id(&self) -> NodeId {
        NodeId::Address(self.n4)
    }

    pub(super) fn n4_receive(&mut self, now: Tc, bytes: &[u8], out: &mut Outbox<UpfOutput>) {
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(error) => return self.n4_error(bytes, error, out),
        };
        let (sequence, seid) = (message.sequence, message.seid);
        match message.body {
            Body::HeartbeatRequest(_) => {
                n4_send(None, sequence, HeartbeatResponse { recovery: RECOVERY }, out);
            }
            Body::AssociationSetupRequest(_) => {
                // A new association ends the sessions of the one before (§6.2.6.2.2).
                self.clear();
                self.associated = true;
                let cause = Cause::ACCEPTED;
                let body = AssociationSetupResponse { node_id: self.node_id(), cause, recovery: RECOVERY };
                n4_send(None, sequence, body, out);
            }
            Body::AssociationReleaseRequest(_) => {
                self.clear();
                self.associated = false;
                let body = AssociationReleaseResponse { node_id: self.node_id(), cause: Cause::ACCEPTED };
                n4_send(None, sequence, body, out);
            }
            Body::SessionEstablishmentRequest(request) => self.establish(sequence, request, out),
            Body::SessionModificationRequest(request) => self.modify(now, sequence, seid, request, out),
            Body::SessionDeletionRequest(_) => self.delete(sequence, seid, out),
            Body::SessionReportResponse(_) => self.reported(sequence),
            _ => {}
        }
    }

    /// A request that does not decode is answered with its cause, if its kind can be. Spec: TS 29.244 §7.6
    fn n4_error(&mut self, bytes: &[u8], error: PfcpError, out: &mut Outbox<UpfOutput>) {
        let what = error.to_string();
        out.push(UpfOutput::Event(CoreEvent::ProtocolError { interface: "N4", what }));
        let (Ok(header), Some((cause, offending_ie))) = (Header::peek(bytes), error.cause()) else { return };
        match header.message_type {
            5 => {
                let body = AssociationSetupResponse { node_id: self.node_id(), cause, recovery: RECOVERY };
                n4_send(None, header.sequence, body, out);
            }
            50 => {
                let body = refused(self.node_id(), cause, offending_ie);
                n4_send(Some(0), header.sequence, body, out);
            }
            52 => {
                let body = SessionModificationResponse { cause, offending_ie, created_pdrs: vec![] };
                n4_send(Some(0), header.sequence, body, out);
            }
            54 => {
                n4_send(Some(0), header.sequence, SessionDeletionResponse { cause, usage_reports: vec![] }, out);
            }
            _ => {}
        }
    }

    fn clear(&mut self) {
        self.sessions.clear();
        self.tunnels.clear();
        self.ipv4.clear();
        self.prefixes.clear();
        self.waiting = 0;
        self.reports.clear();
        self.timers.stop_where(|_| true);
    }

    /// Session establishment. Spec: TS 29.244 §6.3.2
    fn establish(&mut self, sequence: u32, request: SessionEstablishmentRequest, out: &mut Outbox<UpfOutput>) {
        let to = Some(request.cp_f_seid.seid);
        let rules = [request.create_pdrs.len(), request.create_fars.len(), request.create_qers.len()];
        let cause = match () {
            () if !self.associated => Some(Cause::NO_ASSOCIATION),
            () if rules.iter().any(|n| *n > RULES_MAX) => Some(Cause::NO_RESOURCES),
            () => None,
        };
        if let Some(cause) = cause {
            return n4_send(to, sequence, refused(self.node_id(), cause, None), out);
        }
        let seid = self.next_seid;
        self.next_seid += 1;
        let session = Session {
            cp: request.cp_f_seid,
            pdrs: Vec::new(),
            fars: request.create_fars.into_iter().map(far).collect(),
            qers: request.create_qers.into_iter().map(qer).collect(),
            urr: request.create_urrs.first().map(|urr| urr.urr_id),
            uplink_octets: 0,
            downlink_octets: 0,
            buffer: VecDeque::new(),
            buffer_max: Session::buffer_limit(request.create_bar.as_ref()),
            notified: false,
            advertisement: Vec::new(),
        };
        self.sessions.insert(seid, session);
        match self.create_pdrs(seid, request.create_pdrs) {
            Ok(created_pdrs) => {
                let body = SessionEstablishmentResponse {
                    node_id: self.node_id(),
                    cause: Cause::ACCEPTED,
                    offending_ie: None,
                    up_f_seid: Some(FSeid::new(seid, self.n4)),
                    created_pdrs,
                };
                n4_send(to, sequence, body, out);
            }
            Err(cause) => {
                self.remove(seid);
                n4_send(to, sequence, refused(self.node_id(), cause, None), out);
            }
        }
    }

    /// Adds PDRs to a session and to the tables that packets are looked up in; chooses tunnels.
    fn create_pdrs(&mut self, seid: u64, rules: Vec<CreatePdr>) -> Result<Vec<CreatedPdr>, Cause> {
        let mut created = Vec::new();
        for rule in rules {
            let CreatePdr { pdr_id, pdi, far_id, qer_ids, urr_ids, .. } = rule;
            let teid = match pdi.f_teid {
                Some(FTeid::Choose { .. }) => {
                    let teid = self.new_teid();
                    created.push(CreatedPdr { pdr_id, f_teid: Some(FTeid::new(teid, self.n3)) });
                    Some(teid)
                }
                Some(FTeid::Given { teid, .. }) => Some(teid),
                None => None,
            };
            let address = pdi.ue_ip_address;
            let ipv4 = address.and_then(|a| a.ipv4);
            let prefix = address.and_then(|a| a.ipv6).map(prefix);
            let key = (seid, pdr_id);
            if let Some(teid) = teid
                && self.tunnels.insert(teid.0, key).is_some_and(|before| before.0 != seid)
            {
                return Err(Cause::RULE_FAILURE);
            }
            if pdi.source_interface == Interface::Core {
                let v4 = ipv4.and_then(|address| self.ipv4.insert(u32::from(address), key));
                let v6 = prefix.and_then(|prefix| self.prefixes.insert(prefix, key));
                if [v4, v6].into_iter().flatten().any(|before| before.0 != seid) {
                    return Err(Cause::RULE_FAILURE);
                }
            }
            let Some(session) = self.sessions.get_mut(&seid) else { return Err(Cause::SESSION_NOT_FOUND) };
            if session.pdrs.len() >= RULES_MAX {
                return Err(Cause::NO_RESOURCES);
            }
            session.pdrs.retain(|p| p.id != pdr_id);
            session.pdrs.push(Pdr {
                id: pdr_id,
                source: pdi.source_interface,
                teid,
                ipv4,
                prefix,
                qfis: pdi.qfis.iter().fold(0, |set, qfi| set | 1 << (qfi & 63)),
                far: far_id,
                qer: qer_ids.first().copied(),
                counted: !urr_ids.is_empty(),
            });
        }
        Ok(created)
    }

    fn new_teid(&mut self) -> Teid {
        loop {
            let teid = self.rng.u32();
            if teid != 0 && !self.tunnels.contains_key(&teid) {
                return Teid(teid);
            }
        }
    }

    /// Session modification. Spec: TS 29.244 §6.3.3
    fn modify(
        &mut self,
        now: Tc,
        sequence: u32,
        seid: Option<u64>,
        request: SessionModificationRequest,
        out: &mut Outbox<UpfOutput>,
    ) {
        let Some((seid, session)) = seid.and_then(|seid| Some((seid, self.sessions.get_mut(&seid)?))) else {
            let cause = Cause::SESSION_NOT_FOUND;
            let body = SessionModificationResponse { cause, offending_ie: None, created_pdrs: vec![] };
            return n4_send(Some(0), sequence, body, out);
        };
        if let Some(cp) = request.cp_f_seid {
            session.cp = cp;
        }
        let to = Some(session.cp.seid);
        let unknown = request.update_fars.iter().any(|u| !session.fars.iter().any(|far| far.id == u.far_id))
            || request.update_qers.iter().any(|u| !session.qers.iter().any(|qer| qer.id == u.qer_id))
            || request.update_pdrs.iter().any(|u| !session.pdrs.iter().any(|pdr| pdr.id == u.pdr_id));
        let many = session.fars.len() + request.create_fars.len() > RULES_MAX
            || session.qers.len() + request.create_qers.len() > RULES_MAX;
        if unknown || many {
            let cause = if unknown { Cause::RULE_FAILURE } else { Cause::NO_RESOURCES };
            let body = SessionModificationResponse { cause, offending_ie: None, created_pdrs: vec![] };
            return n4_send(to, sequence, body, out);
        }
        let rearmed = request.update_fars.iter().any(|update| update.apply_action.is_some());
        for update in request.update_fars {
            if let Some(far) = session.fars.iter_mut().find(|far| far.id == update.far_id) {
                update_far(far, update, out);
            }
        }
        for update in request.update_qers {
            if let Some(qer) = session.qers.iter_mut().find(|qer| qer.id == update.qer_id) {
                qer.gate = update.gate_status.unwrap_or(qer.gate);
                qer.mbr = update.mbr.or(qer.mbr);
                qer.qfi = update.qfi.unwrap_or(qer.qfi);
            }
        }
        for update in request.update_pdrs {
            if let Some(pdr) = session.pdrs.iter_mut().find(|pdr| pdr.id == update.pdr_id) {
                pdr.far = update.far_id.or(pdr.far);
            }
        }
        session.fars.extend(request.create_fars.into_iter().map(far));
        session.qers.extend(request.create_qers.into_iter().map(qer));
        session.fars.retain(|far| !request.remove_fars.iter().any(|removed| removed.far_id == far.id));
        for removed in &request.remove_pdrs {
            self.tunnels.retain(|_, key| *key != (seid, removed.pdr_id));
            self.ipv4.retain(|_, key| *key != (seid, removed.pdr_id));
            self.prefixes.retain(|_, key| *key != (seid, removed.pdr_id));
            if let Some(session) = self.sessions.get_mut(&seid) {
                session.pdrs.retain(|pdr| pdr.id != removed.pdr_id);
            }
        }
        let (cause, created_pdrs) = match self.create_pdrs(seid, request.create_pdrs) {
            Ok(created) => (Cause::ACCEPTED, created),
            Err(cause) => (cause, vec![]),
        };
        n4_send(to, sequence, SessionModificationResponse { cause, offending_ie: None, created_pdrs }, out);
        let discard = request.smreq_flags.is_some_and(|flags| flags & DROBU != 0);
        if discard || rearmed {
            self.release_held(now, seid, discard, out);
        }
    }

    /// Session deletion, with what the session carried. Spec: TS 29.244 §6.3.4
    fn delete(&mut self, sequence: u32, seid: Option<u64>, out: &mut Outbox<UpfOutput>) {
        let Some(session) = seid.and_then(|seid| self.remove(seid)) else {
            let body = SessionDeletionResponse { cause: Cause::SESSION_NOT_FOUND, usage_reports: vec![] };
            return n4_send(Some(0), sequence, body, out);
        };
        let report = session.urr.map(|urr_id| UsageReport {
            urr_id,
            sequence: 0,
            trigger: ie::Triggers(TERMINATION_REPORT),
            volume: Some(ie::Volume { uplink: session.uplink_octets, downlink: session.downlink_octets }),
        });
        let usage_reports = report.into_iter().collect();
        n4_send(
            Some(session.cp.seid),
            sequence,
            SessionDeletionResponse { cause: Cause::ACCEPTED, usage_reports },
            out,
        );
    }

    fn remove(&mut self, seid: u64) -> Option<Session> {
        let session = self.sessions.remove(&seid)?;
        self.waiting -= session.buffer.len();
        for pdr in &session.pdrs {
            let key = (seid, pdr.id);
            if let Some(teid) = pdr.teid {
                self.tunnels.remove(&teid.0);
            }
            if let Some(address) = pdr.ipv4.map(u32::from).filter(|a| self.ipv4.get(a) == Some(&key)) {
                self.ipv4.remove(&address);
            }
            if let Some(prefix) = pdr.prefix.filter(|p| self.prefixes.get(p) == Some(&key)) {
                self.prefixes.remove(&prefix);
            }
        }
        Some(session)
    }

    /// A gNB does not know a tunnel any more: the SMF is told. Spec: TS 29.244 §5.10
    pub(super) fn report_error(&mut self, now: Tc, teid: Teid, address: IpAddr, out: &mut Outbox<UpfOutput>) {
        let goes_there = |far: &Far| far.header.is_some_and(|h| h.teid == teid && h.address == address);
        let Some(session) = self.sessions.values().find(|session| session.fars.iter().any(goes_there)) else { return };
        let f_teids = vec![FTeid::new(teid, address)];
        let error_indication = Some(ErrorIndicationReport { f_teids });
        let body = SessionReportRequest { report_type: 4, downlink_data: None, error_indication };
        let to = session.cp.seid;
        self.report(now, to, body.into(), out);
    }
}

fn n4_send(seid: Option<u64>, sequence: u32, body: impl Into<Body>, out: &mut Outbox<UpfOutput>) {
    out.push(UpfOutput::N4(Message::new(seid, sequence, body.into()).encode()));
}

fn refused(node_id: NodeId, cause: Cause, offending_ie: Option<u16>) -> SessionEstablishmentResponse {
    SessionEstablishmentResponse { node_id, cause, offending_ie, up_f_seid: None, created_pdrs: vec![] }
}

fn far(rule: CreateFar) -> Far {
    Far {
        id: rule.far_id,
        action: rule.apply_action,
        to: rule.forwarding.as_ref().map(|f| f.destination_interface),
        header: rule.forwarding.and_then(|f| f.outer_header_creation),
    }
}

fn update_far(far: &mut Far, update: UpdateFar, out: &mut Outbox<UpfOutput>) {
    far.action = update.apply_action.unwrap_or(far.action);
    if let Some(forwarding) = update.forwarding {
        if let (true, Some(old)) = (forwarding.smreq_flags.is_some_and(|flags| flags & SNDEM != 0), far.header) {
            out.push(UpfOutput::N3 { to: old.address, bytes: gtpu::end_marker(old.teid) });
        }
        far.to = forwarding.destination_interface.or(far.to);
        far.header = forwarding.outer_header_creation.or(far.header);
    }
    if !far.action.forward {
        far.header = None;
    }
}

fn qer(rule: CreateQer) -> Qer {
    Qer {
        id: rule.qer_id,
        gate: rule.gate_status,
        mbr: rule.mbr,
        qfi: rule.qfi.unwrap_or(0) & 63,
        uplink: Bucket::default(),
        downlink: Bucket::default(),
    }
}
