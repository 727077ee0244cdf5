//! Establishment of a session. Spec: TS 24.501 §6.4.1, TS 23.502 §4.3.2.2.1

use nas::GsmCause;
use nas::ie::{Dnn, PduSessionType};
use nas::pco::{self, Pco};
use nas::qos::{QosFlowDescription, QosFlowDescriptions, QosRule, QosRules, SessionAmbr};
use nas::sm::{EstablishmentAccept, EstablishmentReject, EstablishmentRequest};
use node::Outbox;
use nr::Tc;
use std::net::IpAddr;

use super::{DEFAULT_QFI, N1, N2Request, Session, Smf, SmfOutput, SmfToAmf, State, pool, router};
use crate::config::DnnConfig;
use crate::event::CoreEvent;
use crate::udm::SessionSubscription;

const CLAUSE: &str = "TS 24.501 §6.4.1.4";
/// SSC mode 1 and no other. Spec: TS 24.501 §9.11.4.5
const ALLOWED_SSC_MODES: u8 = 1;
/// ARP priority level of the default QoS flow.
const ARP_PRIORITY: u8 = 8;

impl Smf {
    /// A UE asks for a session; the UDM is asked what it may have.
    pub(super) fn establish(
        &mut self,
        now: Tc,
        n1: N1,
        pti: u8,
        request: EstablishmentRequest,
        existing: Option<u64>,
        out: &mut Outbox<SmfOutput>,
    ) {
        if let Some(seid) = existing {
            let session = &self.sessions[&seid];
            // The same request again while it is being served (§6.4.1.7 b).
            if session.pti == pti && !matches!(session.state, State::Active | State::Inactive | State::Releasing) {
                return;
            }
            // A session with this identity is the UE's past: it ends, at the gNB too (§6.4.1.7 c).
            if let Some(transfer) = release_transfer() {
                let n2 = Some(N2Request::Release { transfer });
                out.push(SmfOutput::Amf(SmfToAmf { supi: n1.supi.clone(), session: n1.session, n1: None, n2 }));
            }
            self.delete(now, seid, out);
        }
        let seid = self.next_seid;
        self.next_seid += 1;
        let mut interface_id = [0; 8];
        self.rng.fill(&mut interface_id);
        // Locally administered and not all zero (RFC 4291 §2.5.1).
        interface_id[0] = interface_id[0] & !2 | 4;
        let supi = n1.supi;
        self.by_ue.insert((supi.clone(), n1.session), seid);
        let session = Session {
            supi: supi.clone(),
            id: n1.session,
            pti,
            slice: n1.slice,
            dnn_asked: n1.dnn,
            dnn: String::new(),
            request,
            kind: PduSessionType::Ipv4,
            accept_cause: None,
            ipv4: None,
            prefix: None,
            interface_id,
            state: State::AwaitingSubscription,
            upf_seid: None,
            uplink: None,
            advertise: None,
            accepted: false,
            releasing: None,
        };
        self.sessions.insert(seid, session);
        out.push(SmfOutput::Subscription { seid, supi });
    }

    /// What the UE may have is known: it gets that, or the cause.
    pub(super) fn subscription(
        &mut self,
        now: Tc,
        seid: u64,
        subscription: Option<SessionSubscription>,
        out: &mut Outbox<SmfOutput>,
    ) {
        let Some(session) = self.sessions.get(&seid).filter(|s| s.state == State::AwaitingSubscription) else { return };
        let decided = subscription.as_ref().ok_or(GsmCause::USER_AUTHENTICATION_FAILED).and_then(|subscription| {
            let dnn = self.choose_dnn(session, subscription)?;
            if !matches!(session.request.ssc_mode, None | Some(1)) {
                return Err(GsmCause::SSC_MODE_NOT_SUPPORTED);
            }
            let (kind, cause) = choose_type(session.request.pdu_session_type, subscription, dnn)?;
            Ok((dnn.clone(), kind, cause))
        });
        let result = decided.and_then(|(dnn, kind, cause)| self.address(seid, &dnn, kind, cause));
        match result {
            Ok(()) => self.establish_n4(now, seid, out),
            Err(cause) => self.reject(seid, cause, out),
        }
    }

    /// The data network, or why not. Spec: TS 24.501 §6.4.1.4.1 (#27, #33, #70)
    fn choose_dnn<'a>(
        &'a self,
        session: &Session,
        subscription: &SessionSubscription,
    ) -> Result<&'a DnnConfig, GsmCause> {
        let name = session.dnn_asked.as_ref().or(subscription.dnns.first()).ok_or(GsmCause::MISSING_OR_UNKNOWN_DNN)?;
        let dnn = self.dnn(name).ok_or(GsmCause::MISSING_OR_UNKNOWN_DNN)?;
        if !(dnn.slices.is_empty() || dnn.slices.contains(&session.slice)) {
            return Err(GsmCause::MISSING_OR_UNKNOWN_DNN_IN_SLICE);
        }
        if !subscription.dnns.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(GsmCause::SERVICE_OPTION_NOT_SUBSCRIBED);
        }
        Ok(dnn)
    }

    /// Takes addresses of the pools.
    fn address(
        &mut self,
        seid: u64,
        dnn: &DnnConfig,
        kind: PduSessionType,
        cause: Option<GsmCause>,
    ) -> Result<(), GsmCause> {
        let Some(session) = self.sessions.get_mut(&seid) else { return Ok(()) };
        session.dnn.clone_from(&dnn.name);
        session.kind = kind;
        session.accept_cause = cause;
        if kind != PduSessionType::Ipv6 {
            let number = self.ipv4.get_mut(&dnn.name).and_then(pool::Pool::take);
            session.ipv4 = Some(pool::host(dnn.ipv4_pool, number.ok_or(GsmCause::INSUFFICIENT_RESOURCES)?));
        }
        if kind != PduSessionType::Ipv4 {
            let number = self.prefixes.get_mut(&dnn.name).and_then(pool::Pool::take);
            session.prefix = Some(pool::prefix(dnn.ipv6_pool, number.ok_or(GsmCause::INSUFFICIENT_RESOURCES)?));
        }
        Ok(())
    }

    pub(super) fn reject(&mut self, seid: u64, cause: GsmCause, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.forget(seid) else { return };
        self.refused(&session.supi, cause, CLAUSE, out);
        let mut reject = EstablishmentReject::new(cause);
        if cause == GsmCause::SSC_MODE_NOT_SUPPORTED {
            reject.allowed_ssc_mode = Some(ALLOWED_SSC_MODES);
        }
        let header = nas::SmHeader { pdu_session_id: session.id, pti: session.pti };
        self.to_ue(&session.supi, header, reject, None, out);
    }

    /// The UPF has no session for us.
    pub(super) fn upf_failed(&mut self, seid: u64, out: &mut Outbox<SmfOutput>) {
        self.reject(seid, GsmCause::NETWORK_FAILURE, out);
    }

    /// The UPF is ready: the UE gets its accept with the request to the gNB.
    pub(super) fn accept(&mut self, seid: u64, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get(&seid) else { return };
        let Some(dnn) = self.dnn(&session.dnn) else { return };
        let rules = QosRules(vec![QosRule::default_match_all(DEFAULT_QFI)]);
        let ambr = SessionAmbr { downlink_kbps: dnn.ambr_kbps.0, uplink_kbps: dnn.ambr_kbps.1 };
        let accept = EstablishmentAccept {
            cause: session.accept_cause,
            pdu_address: Some(session.address()),
            s_nssai: Some(session.slice),
            authorized_qos_flow_descriptions: Some(QosFlowDescriptions(vec![QosFlowDescription::of_5qi(
                DEFAULT_QFI,
                dnn.five_qi,
            )])),
            extended_pco: session.request.extended_pco.as_ref().map(|asked| answer(asked, dnn)),
            dnn: Some(Dnn(dnn.name.clone())),
            ..EstablishmentAccept::new(session.kind, rules, ambr)
        };
        let header = nas::SmHeader { pdu_session_id: session.id, pti: session.pti };
        let supi = session.supi.clone();
        match self.set_up_request(session) {
            Some(n2) => self.to_ue(&supi, header, accept, Some(n2), out),
            None => return self.upf_failed(seid, out),
        }
        if let Some(session) = self.sessions.get_mut(&seid) {
            session.state = State::SettingUp;
        }
    }

    /// The request to the gNB. Spec: TS 38.413 §9.3.4.1
    pub(super) fn set_up_request(&self, session: &Session) -> Option<N2Request> {
        let dnn = self.dnn(&session.dnn)?;
        let (address, teid) = session.uplink?;
        let transfer = ngap::SetupRequestTransfer {
            session_ambr: Some(ngap::Ambr {
                downlink_bps: dnn.ambr_kbps.0.saturating_mul(1000),
                uplink_bps: dnn.ambr_kbps.1.saturating_mul(1000),
            }),
            uplink: ngap::GtpTunnel { address, teid },
            session_type: match session.kind {
                PduSessionType::Ipv6 => ngap::SessionType::Ipv6,
                PduSessionType::Ipv4v6 => ngap::SessionType::Ipv4v6,
                _ => ngap::SessionType::Ipv4,
            },
            security: self.security,
            flows: vec![ngap::QosFlow { qfi: DEFAULT_QFI, five_qi: dnn.five_qi, arp_priority: ARP_PRIORITY }],
        };
        Some(N2Request::SetUp { slice: session.slice, transfer: transfer.encode().ok()? })
    }

    /// The UPF knows the gNB's tunnel: packets flow, and a UE with IPv6 is told its prefix.
    pub(super) fn switched(&mut self, seid: u64, out: &mut Outbox<SmfOutput>) {
        let Some(session) = self.sessions.get_mut(&seid).filter(|s| s.state == State::Switching) else { return };
        session.state = State::Active;
        session.accepted = true;
        let (supi, id, name) = (session.supi.clone(), session.id, session.dnn.clone());
        let (ipv4, ipv6_prefix, advertise) = (session.ipv4, session.prefix, session.advertise);
        if let (Some(prefix), Some(teid), Some(dnn)) = (ipv6_prefix, advertise, self.dnn(&name)) {
            self.send_n4u(teid, &router::advertisement(prefix, dnn.mtu, &dnn.dns), out);
        }
        self.event(out, CoreEvent::SessionActive { supi, session: id, dnn: name, ipv4, ipv6_prefix });
    }
}

/// The release command transfer of a normal release.
pub(super) fn release_transfer() -> Option<Vec<u8>> {
    ngap::ReleaseCommandTransfer { cause: ngap::Cause::NormalRelease }.encode().ok()
}

/// The session type, with the cause of an accept that gives less. Spec: TS 24.501 §6.4.1.3, §6.4.1.4.1
fn choose_type(
    asked: Option<PduSessionType>,
    subscription: &SessionSubscription,
    dnn: &DnnConfig,
) -> Result<(PduSessionType, Option<GsmCause>), GsmCause> {
    use PduSessionType::{Ipv4, Ipv4v6, Ipv6};
    let allows = |kind| subscription.session_types.contains(&kind);
    let v4 = dnn.ipv4 && (allows(Ipv4) || allows(Ipv4v6));
    let v6 = dnn.ipv6 && (allows(Ipv6) || allows(Ipv4v6));
    let both = v4 && v6 && allows(Ipv4v6);
    let asked = asked.or(subscription.session_types.first().copied()).unwrap_or(Ipv4);
    match asked {
        Ipv4v6 if both => Ok((Ipv4v6, None)),
        Ipv4v6 if v4 => Ok((Ipv4, Some(GsmCause::IPV4_ONLY_ALLOWED))),
        Ipv4v6 if v6 => Ok((Ipv6, Some(GsmCause::IPV6_ONLY_ALLOWED))),
        Ipv4 if v4 => Ok((Ipv4, None)),
        Ipv6 if v6 => Ok((Ipv6, None)),
        Ipv4 if v6 => Err(GsmCause::IPV6_ONLY_ALLOWED),
        Ipv6 if v4 => Err(GsmCause::IPV4_ONLY_ALLOWED),
        _ => Err(GsmCause::UNKNOWN_PDU_SESSION_TYPE),
    }
}

/// The options that the UE asked for. Spec: TS 24.008 §10.5.6.3
fn answer(asked: &Pco, dnn: &DnnConfig) -> Pco {
    let mut options = Vec::new();
    for server in &dnn.dns {
        match server {
            IpAddr::V4(address) if asked.has(pco::DNS_SERVER_IPV4) => {
                options.push((pco::DNS_SERVER_IPV4, address.octets().to_vec()));
            }
            IpAddr::V6(address) if asked.has(pco::DNS_SERVER_IPV6) => {
                options.push((pco::DNS_SERVER_IPV6, address.octets().to_vec()));
            }
            _ => {}
        }
    }
    if asked.has(pco::IPV4_LINK_MTU) {
        options.push((pco::IPV4_LINK_MTU, dnn.mtu.to_be_bytes().to_vec()));
    }
    Pco(options)
}
