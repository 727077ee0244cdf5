//! N4: PFCP towards the UPF. Spec: TS 29.244 §6

use std::net::IpAddr;

use node::Outbox;
use nr::{Tc, Teid};
use pfcp::ie::{ApplyAction, GateStatus, Mbr, NetworkInstance, Triggers};
use pfcp::*;

use super::{DEFAULT_QFI, Session, Smf, SmfOutput, State, Timer};
use crate::event::CoreEvent;

/// T1 and N1 of TS 29.244 §6.4, whose values are the implementation's.
pub(super) const T1: Tc = Tc::from_ms(3_000);
const SENT_MAX: u8 = 3;
const HEARTBEAT: Tc = Tc::from_ms(60_000);
/// Seconds from 1900 to 2036's epoch turn: a constant, for a lab's clock starts at zero.
const RECOVERY: u32 = 0xe000_0000;

const PDR_UPLINK: u16 = 1;
const PDR_DOWNLINK: u16 = 2;
const PDR_ADVERTISE: u16 = 3;
const FAR_UPLINK: u32 = 1;
const FAR_DOWNLINK: u32 = 2;
const QER: u32 = 1;
const URR: u32 = 1;
const BAR: u8 = 1;
/// Packets that wait for an idle UE.
const BUFFERED: u8 = 64;
/// Drop buffered packets. Spec: TS 29.244 §8.2.33
const DROBU: u8 = 1;
const CHOOSE_N3: u8 = 1;
const CHOOSE_N4U: u8 = 2;
const REMOVE_GTPU: u8 = 6;
/// Report types. Spec: TS 29.244 §8.2.21
const DOWNLINK_DATA: u8 = 1;
const ERROR_INDICATION: u8 = 4;

/// What a request to the UPF is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Association,
    Heartbeat,
    Establish(u64),
    /// The gNB's tunnel.
    Switch(u64),
    /// No tunnel.
    Deactivate,
    Delete {
        supi: nr::Supi,
        session: u8,
    },
}

/// Where downlink packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Downlink {
    /// To the gNB.
    Tunnel(OuterHeaderCreation),
    /// Nowhere yet: they wait, and the first one is told to the SMF.
    Wait,
    /// The same, without those that have waited so far.
    WaitAfresh,
    /// Nowhere.
    Drop,
}

/// A request that waits for its response.
pub(super) struct Pending {
    pub purpose: Purpose,
    pub bytes: Vec<u8>,
    pub sent: u8,
}

impl Smf {
    fn node_id(&self) -> NodeId {
        NodeId::Address(self.config.smf_n4)
    }

    /// SMF and UPF begin to work together. Spec: TS 29.244 §6.2.6
    pub(super) fn associate(&mut self, now: Tc, out: &mut Outbox<SmfOutput>) {
        let body = AssociationSetupRequest { node_id: self.node_id(), recovery: RECOVERY };
        self.request(now, Purpose::Association, None, body.into(), out);
    }

    pub(super) fn heartbeat(&mut self, now: Tc, out: &mut Outbox<SmfOutput>) {
        self.request(now, Purpose::Heartbeat, None, HeartbeatRequest { recovery: RECOVERY }.into(), out);
        self.timers.start(Timer::Heartbeat, now + HEARTBEAT);
    }

    /// T1 has run out: again, or not any more. Spec: TS 29.244 §6.4
    pub(super) fn n4_again(&mut self, now: Tc, sequence: u32, out: &mut Outbox<SmfOutput>) {
        let Some(pending) = self.pending.get_mut(&sequence) else { return };
        if pending.sent < SENT_MAX {
            pending.sent += 1;
            out.push(SmfOutput::N4(pending.bytes.clone()));
            return self.timers.start(Timer::T1(sequence), now + T1);
        }
        let Some(pending) = self.pending.remove(&sequence) else { return };
        let what = format!("the UPF does not answer ({:?})", pending.purpose);
        self.event(out, CoreEvent::ProtocolError { interface: "N4", what });
        match pending.purpose {
            Purpose::Association => self.timers.start(Timer::Start, now + HEARTBEAT),
            Purpose::Heartbeat => {
                self.associated = false;
                self.timers.stop(Timer::Heartbeat);
                self.timers.start(Timer::Start, now + T1);
            }
            Purpose::Establish(seid) => self.upf_failed(seid, out),
            Purpose::Switch(seid) => self.release_by_network(now, seid, out),
            Purpose::Deactivate | Purpose::Delete { .. } => {}
        }
    }

    /// The session's rules. Spec: TS 29.244 §5.2, §7.5.2
    pub(super) fn establish_n4(&mut self, now: Tc, seid: u64, out: &mut Outbox<SmfOutput>) {
        if !self.associated {
            return self.waiting.push(seid);
        }
        let Some(session) = self.sessions.get_mut(&seid) else { return };
        session.state = State::Establishing;
        let session = &self.sessions[&seid];
        let dnn = self.dnn(&session.dnn);
        let mbr = dnn.filter(|dnn| dnn.enforce_ambr);
        let mbr = mbr.map(|dnn| Mbr { downlink_kbps: dnn.ambr_kbps.0, uplink_kbps: dnn.ambr_kbps.1 });
        let network = Some(NetworkInstance(session.dnn.clone()));
        let mut create_pdrs = vec![uplink_pdr(session, self.config.upf_n3), downlink_pdr(session, network.clone())];
        if session.prefix.is_some() {
            create_pdrs.push(advertise_pdr(self.config.upf_n3));
        }
        let core = ForwardingParameters {
            destination_interface: Interface::Core,
            network_instance: network,
            outer_header_creation: None,
        };
        let up =
            CreateFar { far_id: FAR_UPLINK, apply_action: ApplyAction::FORWARD, forwarding: Some(core), bar_id: None };
        let down =
            CreateFar { far_id: FAR_DOWNLINK, apply_action: ApplyAction::DROP, forwarding: None, bar_id: Some(BAR) };
        let volume = CreateUrr { urr_id: URR, measurement_method: 2, reporting_triggers: Triggers([0; 3]) };
        let qer = CreateQer { qer_id: QER, gate_status: GateStatus::OPEN, mbr, qfi: Some(DEFAULT_QFI) };
        let body = SessionEstablishmentRequest {
            node_id: self.node_id(),
            cp_f_seid: FSeid::new(seid, self.config.smf_n4),
            create_pdrs,
            create_fars: vec![up, down],
            create_urrs: vec![volume],
            create_qers: vec![qer],
            create_bar: Some(CreateBar { bar_id: BAR, suggested_buffering_packets: Some(BUFFERED) }),
            pdn_type: Some(session.kind as u8),
        };
        self.request(now, Purpose::Establish(seid), Some(0), body.into(), out);
    }

    /// Where downlink packets go from now on. Spec: TS 29.244 §5.2.1, §5.2.4
    pub(super) fn switch_n4(&mut self, now: Tc, seid: u64, to: Downlink, out: &mut Outbox<SmfOutput>) {
        let Some(upf_seid) = self.sessions.get(&seid).and_then(|session| session.upf_seid) else { return };
        let (apply_action, tunnel, discard) = match to {
            Downlink::Tunnel(tunnel) => (ApplyAction::FORWARD, Some(tunnel), false),
            Downlink::Wait => (ApplyAction::BUFFER_AND_NOTIFY, None, false),
            Downlink::WaitAfresh => (ApplyAction::BUFFER_AND_NOTIFY, None, true),
            Downlink::Drop => (ApplyAction::DROP, None, true),
        };
        let forwarding = tunnel.map(|tunnel| UpdateForwardingParameters {
            destination_interface: Some(Interface::Access),
            network_instance: None,
            outer_header_creation: Some(tunnel),
            smreq_flags: None,
        });
        let body = SessionModificationRequest {
            cp_f_seid: None,
            remove_pdrs: vec![],
            remove_fars: vec![],
            create_pdrs: vec![],
            create_fars: vec![],
            create_qers: vec![],
            update_pdrs: vec![],
            update_fars: vec![UpdateFar { far_id: FAR_DOWNLINK, apply_action: Some(apply_action), forwarding }],
            update_qers: vec![],
            smreq_flags: discard.then_some(DROBU),
        };
        let purpose = if tunnel.is_some() { Purpose::Switch(seid) } else { Purpose::Deactivate };
        self.request(now, purpose, Some(upf_seid), body.into(), out);
    }

    /// A PFCP message of the UPF.
    pub(super) fn n4_receive(&mut self, now: Tc, bytes: &[u8], out: &mut Outbox<SmfOutput>) {
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(error) => {
                return self.event(out, CoreEvent::ProtocolError { interface: "N4", what: error.to_string() });
            }
        };
        match message.body {
            Body::HeartbeatRequest(_) => {
                let answer = Message::new(None, message.sequence, HeartbeatResponse { recovery: RECOVERY }.into());
                out.push(SmfOutput::N4(answer.encode()));
            }
            Body::SessionReportRequest(report) => {
                self.session_report(now, message.seid, message.sequence, report.report_type, out);
            }
            body => self.n4_response(now, message.sequence, body, out),
        }
    }

    fn n4_response(&mut self, now: Tc, sequence: u32, body: Body, out: &mut Outbox<SmfOutput>) {
        let Some(pending) = self.pending.remove(&sequence) else { return };
        self.timers.stop(Timer::T1(sequence));
        match (pending.purpose, body) {
            (Purpose::Association, Body::AssociationSetupResponse(response)) if response.cause == Cause::ACCEPTED => {
                self.associated = true;
                self.timers.start(Timer::Heartbeat, now + HEARTBEAT);
                for seid in std::mem::take(&mut self.waiting) {
                    self.establish_n4(now, seid, out);
                }
            }
            (Purpose::Association, _) => self.timers.start(Timer::Start, now + HEARTBEAT),
            (Purpose::Heartbeat, _) => {}
            (Purpose::Establish(seid), Body::SessionEstablishmentResponse(response)) => {
                self.established(now, seid, response, out);
            }
            (Purpose::Establish(seid), _) => self.upf_failed(seid, out),
            (Purpose::Switch(seid), Body::SessionModificationResponse(response))
                if response.cause == Cause::ACCEPTED =>
            {
                self.switched(seid, out);
            }
            (Purpose::Switch(seid), _) => self.release_by_network(now, seid, out),
            (Purpose::Deactivate, _) => {}
            (Purpose::Delete { supi, session }, body) => {
                let volume = match body {
                    Body::SessionDeletionResponse(response) => response.usage_reports.first().and_then(|r| r.volume),
                    _ => None,
                };
                let volume = volume.map(|volume| (volume.uplink, volume.downlink));
                self.event(out, CoreEvent::SessionReleased { supi, session, volume });
            }
        }
    }

    fn established(&mut self, now: Tc, seid: u64, response: SessionEstablishmentResponse, out: &mut Outbox<SmfOutput>) {
        let tunnel = |pdr: u16| {
            let created = response.created_pdrs.iter().find(|created| created.pdr_id == pdr)?;
            match created.f_teid? {
                FTeid::Given { teid, ipv4, ipv6 } => Some((ipv4.map(IpAddr::V4).or(ipv6.map(IpAddr::V6))?, teid)),
                FTeid::Choose { .. } => None,
            }
        };
        let uplink = tunnel(PDR_UPLINK);
        let (Cause::ACCEPTED, Some(up), Some(uplink)) = (response.cause, response.up_f_seid, uplink) else {
            let what = format!("the UPF refuses a session: {:?}", response.cause);
            self.event(out, CoreEvent::ProtocolError { interface: "N4", what });
            return self.upf_failed(seid, out);
        };
        let advertise = tunnel(PDR_ADVERTISE).map(|(_, teid)| teid);
        match self.sessions.get_mut(&seid) {
            Some(session) => {
                session.upf_seid = Some(up.seid);
                session.uplink = Some(uplink);
                session.advertise = advertise;
                self.accept(seid, out);
            }
            // The session has ended meanwhile: the UPF's half of it must not stay.
            None => self.delete_n4(now, up.seid, None, out),
        }
    }

    /// Deletes the UPF's half of a session.
    pub(super) fn delete_n4(
        &mut self,
        now: Tc,
        upf_seid: u64,
        owner: Option<(nr::Supi, u8)>,
        out: &mut Outbox<SmfOutput>,
    ) {
        let purpose = match owner {
            Some((supi, session)) => Purpose::Delete { supi, session },
            None => Purpose::Deactivate,
        };
        self.request(now, purpose, Some(upf_seid), SessionDeletionRequest {}.into(), out);
    }

    /// A packet waits for an idle UE: its gNB is asked for resources, so that the AMF calls it (TS 23.502 §4.2.3.3). Or the gNB
    /// does not know a tunnel any more: downlink packets wait from now on (TS 29.244 §5.10, TS 23.527 §5.3).
    fn session_report(
        &mut self,
        now: Tc,
        seid: Option<u64>,
        sequence: u32,
        report_type: u8,
        out: &mut Outbox<SmfOutput>,
    ) {
        let found = seid.and_then(|seid| self.sessions.get(&seid).map(|session| (seid, session.upf_seid)));
        let cause = if found.is_some() { Cause::ACCEPTED } else { Cause::SESSION_NOT_FOUND };
        let to = found.and_then(|(_, upf)| upf).unwrap_or(0);
        out.push(SmfOutput::N4(Message::new(Some(to), sequence, SessionReportResponse { cause }.into()).encode()));
        let Some((seid, _)) = found else { return };
        if report_type & ERROR_INDICATION != 0 {
            self.deactivate(now, seid, out);
        } else if report_type & DOWNLINK_DATA != 0 {
            self.activate(seid, out);
        }
    }

    /// Sends a packet to a UE through the UPF.
    pub(super) fn send_n4u(&self, teid: Teid, packet: &[u8], out: &mut Outbox<SmfOutput>) {
        let container = gtpu::Container::Downlink { qfi: DEFAULT_QFI, rqi: false };
        if let Ok(bytes) = gtpu::g_pdu(teid, container, packet) {
            out.push(SmfOutput::N4u(bytes));
        }
    }
}

fn choose(at: IpAddr, choose_id: u8) -> Option<FTeid> {
    Some(FTeid::Choose { ipv4: at.is_ipv4(), ipv6: at.is_ipv6(), choose_id: Some(choose_id) })
}

fn pdr(pdr_id: u16, pdi: Pdi, outer_header_removal: Option<u8>, far_id: u32) -> CreatePdr {
    CreatePdr {
        pdr_id,
        precedence: 255,
        pdi,
        outer_header_removal,
        far_id: Some(far_id),
        urr_ids: vec![URR],
        qer_ids: vec![QER],
    }
}

fn uplink_pdr(session: &Session, upf: IpAddr) -> CreatePdr {
    let pdi = Pdi {
        source_interface: Interface::Access,
        f_teid: choose(upf, CHOOSE_N3),
        network_instance: None,
        ue_ip_address: Some(UeIpAddress { destination: false, ipv4: session.ipv4, ipv6: session.prefix }),
        qfis: vec![DEFAULT_QFI],
    };
    pdr(PDR_UPLINK, pdi, Some(REMOVE_GTPU), FAR_UPLINK)
}

fn downlink_pdr(session: &Session, network_instance: Option<NetworkInstance>) -> CreatePdr {
    let pdi = Pdi {
        source_interface: Interface::Core,
        f_teid: None,
        network_instance,
        ue_ip_address: Some(UeIpAddress { destination: true, ipv4: session.ipv4, ipv6: session.prefix }),
        qfis: vec![],
    };
    pdr(PDR_DOWNLINK, pdi, None, FAR_DOWNLINK)
}

fn advertise_pdr(upf: IpAddr) -> CreatePdr {
    let pdi = Pdi {
        source_interface: Interface::CpFunction,
        f_teid: choose(upf, CHOOSE_N4U),
        network_instance: None,
        ue_ip_address: None,
        qfis: vec![],
    };
    pdr(PDR_ADVERTISE, pdi, Some(REMOVE_GTPU), FAR_DOWNLINK)
}
