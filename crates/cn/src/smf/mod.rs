//! SMF: PDU sessions. Spec: TS 23.501 §6.2.2, TS 24.501 §6, TS 29.244
//!
//! | file | what |
//! |---|---|
//! | `establishment.rs` | what a UE asks for, and what it gets or why not |
//! | `release.rs` | by the UE, by the network, by deregistration; user plane off and on |
//! | `n4.rs` | PFCP: the association, sessions, retransmission |
//! | `pool.rs` | addresses and prefixes |
//! | `router.rs` | router advertisements |
//!
//! Timers: T3592 (16 s, five times), N4's T1 (3 s, three times), heartbeats each 60 s. Left out: modification (rejected
//! with a cause), several UPFs, policy of a PCF.

mod establishment;
mod n4;
mod pool;
mod release;
mod router;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nas::ie::{PduAddress, PduSessionType};
use nas::sm::*;
use nas::{GsmCause, Message, SmMessage};
use node::{Node, Outbox, Timers};
use nr::{SNssai, Supi, Tc, Teid};

use crate::config::{CoreConfig, DnnConfig};
use crate::event::CoreEvent;
use crate::udm::SessionSubscription;
use n4::{Pending, Purpose};
use pool::Pool;

/// The QoS flow of a session. Spec: TS 23.501 §5.7.1.1
const DEFAULT_QFI: u8 = 1;
/// T3592. Spec: TS 24.501 table 10.3.2
const T3592: Tc = Tc::from_ms(16_000);
/// On the fifth expiry the session is gone all the same.
const T3592_SENT_MAX: u8 = 5;

/// What the AMF tells the SMF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmfToSmf {
    /// A session message of a UE.
    N1 {
        /// Whose.
        supi: Supi,
        /// PDU session identity, 1 to 15.
        session: u8,
        /// The slice, which the UE may use.
        slice: SNssai,
        /// The DNN that it named.
        dnn: Option<String>,
        /// Whether it asks for a session (initial or existing).
        initial: bool,
        /// The message.
        message: Vec<u8>,
    },
    /// What became of a session at the gNB.
    N2 {
        /// Whose.
        supi: Supi,
        /// PDU session identity.
        session: u8,
        /// What.
        what: N2Sm,
    },
    /// All sessions of a UE end, and nobody needs to be told.
    ReleaseAll {
        /// Whose.
        supi: Supi,
    },
    /// A UE is idle: its sessions have no user plane at the gNB.
    Deactivate {
        /// Whose.
        supi: Supi,
    },
    /// The UE of a request to the gNB could not be reached. Spec: TS 23.502 §4.2.3.3 step 5
    Unreachable {
        /// Whose.
        supi: Supi,
        /// PDU session identity.
        session: u8,
    },
    /// A UE wants a session's user plane back.
    Activate {
        /// Whose.
        supi: Supi,
        /// PDU session identity.
        session: u8,
    },
}

/// What a gNB says of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum N2Sm {
    /// A setup response transfer.
    SetUp(Vec<u8>),
    /// A setup unsuccessful transfer.
    NotSetUp(Vec<u8>),
    /// It is released.
    Released,
}

/// What the SMF tells the AMF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmfToAmf {
    /// For this UE.
    pub supi: Supi,
    /// PDU session identity.
    pub session: u8,
    /// A session message to the UE.
    pub n1: Option<Vec<u8>>,
    /// A request to the gNB.
    pub n2: Option<N2Request>,
}

/// What a gNB is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum N2Request {
    /// Set the session up.
    SetUp {
        /// Its slice.
        slice: SNssai,
        /// The setup request transfer.
        transfer: Vec<u8>,
    },
    /// Release it.
    Release {
        /// The release command transfer.
        transfer: Vec<u8>,
    },
}

/// What the SMF can be told.
#[derive(Clone, Debug)]
pub enum SmfInput {
    /// By the AMF.
    Amf(AmfToSmf),
    /// By the UDM.
    Subscription {
        /// The session that waits for it.
        seid: u64,
        /// `None` if there is no such subscriber.
        subscription: Option<SessionSubscription>,
    },
    /// By the UPF: a PFCP message.
    N4(Vec<u8>),
    /// By the operator: a session is to end.
    Release {
        /// Whose.
        supi: Supi,
        /// PDU session identity.
        session: u8,
    },
}

/// What the SMF answers.
#[derive(Clone, Debug)]
pub enum SmfOutput {
    /// To the AMF.
    Amf(SmfToAmf),
    /// To the UDM: whose subscription is asked for.
    Subscription {
        /// The session that waits for it.
        seid: u64,
        /// Whose.
        supi: Supi,
    },
    /// To the UPF: a PFCP message.
    N4(Vec<u8>),
    /// To the UPF: a packet for a UE, in GTP-U.
    N4u(Vec<u8>),
    /// An event.
    Event(CoreEvent),
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitingSubscription,
    /// The UPF has been asked.
    Establishing,
    /// The gNB has been asked.
    SettingUp,
    /// The UPF is being told the gNB's tunnel.
    Switching,
    Active,
    /// No user plane at the gNB: packets wait.
    Inactive,
    /// The gNB has refused one: packets are dropped.
    Refused,
    /// T3592 runs.
    Releasing,
}

/// A release command that waits for its answer.
struct Released {
    message: Vec<u8>,
    sent: u8,
}

struct Session {
    supi: Supi,
    id: u8,
    pti: u8,
    slice: SNssai,
    dnn_asked: Option<String>,
    dnn: String,
    request: EstablishmentRequest,
    kind: PduSessionType,
    /// The cause of an accept that gives less than was asked for.
    accept_cause: Option<GsmCause>,
    ipv4: Option<Ipv4Addr>,
    prefix: Option<Ipv6Addr>,
    interface_id: [u8; 8],
    state: State,
    upf_seid: Option<u64>,
    /// Where the gNB sends uplink packets.
    uplink: Option<(IpAddr, Teid)>,
    /// Where the SMF sends router advertisements.
    advertise: Option<Teid>,
    /// Whether it has carried packets: it outlives the loss of its user plane.
    accepted: bool,
    releasing: Option<Released>,
}

impl Session {
    fn address(&self) -> PduAddress {
        match (self.kind, self.ipv4) {
            (PduSessionType::Ipv6, _) | (_, None) => PduAddress::Ipv6(self.interface_id),
            (PduSessionType::Ipv4, Some(ipv4)) => PduAddress::Ipv4(ipv4.octets()),
            (_, Some(ipv4)) => PduAddress::Ipv4v6(self.interface_id, ipv4.octets()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The association begins.
    Start,
    /// A PFCP request, by sequence number.
    T1(u32),
    Heartbeat,
    /// A release command, by session endpoint.
    T3592(u64),
}

/// The SMF's state.
pub struct Smf {
    config: CoreConfig,
    /// The policy on user data, in the transfers' form.
    security: Option<(ngap::Protection, ngap::Protection)>,
    sessions: BTreeMap<u64, Session>,
    by_ue: BTreeMap<(Supi, u8), u64>,
    ipv4: BTreeMap<String, Pool>,
    prefixes: BTreeMap<String, Pool>,
    next_seid: u64,
    associated: bool,
    sequence: u32,
    pending: BTreeMap<u32, Pending>,
    /// Sessions that wait for the association.
    waiting: Vec<u64>,
    timers: Timers<Timer>,
    rng: node::Rng,
}

impl Smf {
    /// An SMF of this configuration; `rng` makes interface identifiers. Its first deadline is at once: the association.
    pub fn new(config: &CoreConfig, rng: node::Rng) -> Self {
        let v4 = |dnn: &DnnConfig| (dnn.name.clone(), Pool::hosts(dnn.ipv4_pool.1));
        let v6 = |dnn: &DnnConfig| (dnn.name.clone(), Pool::prefixes(dnn.ipv6_pool.1));
        let mut timers = Timers::default();
        timers.start(Timer::Start, Tc::ZERO);
        Self {
            security: Some((config.user_plane.integrity, config.user_plane.confidentiality)),
            sessions: BTreeMap::new(),
            by_ue: BTreeMap::new(),
            ipv4: config.dnns.iter().map(v4).collect(),
            prefixes: config.dnns.iter().map(v6).collect(),
            next_seid: 1,
            associated: false,
            sequence: 1,
            pending: BTreeMap::new(),
            waiting: Vec::new(),
            timers,
            config: config.clone(),
            rng,
        }
    }

    /// Sessions that exist.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    fn dnn(&self, name: &str) -> Option<&DnnConfig> {
        self.config.dnns.iter().find(|dnn| dnn.name.eq_ignore_ascii_case(name))
    }

    fn event(&self, out: &mut Outbox<SmfOutput>, event: CoreEvent) {
        out.push(SmfOutput::Event(event));
    }

    fn refused(&self, supi: &Supi, cause: GsmCause, clause: &'static str, out: &mut Outbox<SmfOutput>) {
        let (supi, cause) = (Some(supi.clone()), cause.to_string());
        self.event(out, CoreEvent::Refused { ue: 0, supi, step: "session", cause, clause });
    }

    fn to_ue(
        &self,
        supi: &Supi,
        header: nas::SmHeader,
        message: impl Into<SmMessage>,
        n2: Option<N2Request>,
        out: &mut Outbox<SmfOutput>,
    ) {
        let n1 = Some(Message::Sm(header, message.into()).encode());
        out.push(SmfOutput::Amf(SmfToAmf { supi: supi.clone(), session: header.pdu_session_id, n1, n2 }));
    }

    /// A session message of a UE. Spec: TS 24.501 §6.4, §7.3
    fn n1(&mut self, now: Tc, n1: N1, out: &mut Outbox<SmfOutput>) {
        let (header, message) = match Message::decode(&n1.message) {
            Ok(Message::Sm(header, message)) => (header, message),
            Ok(_) => return self.status(&n1, 0, GsmCause::PROTOCOL_ERROR, out),
            Err(error) => {
                let pti = n1.message.get(2).copied().unwrap_or(0);
                let cause = GsmCause(error.cause().unwrap_or(GsmCause::PROTOCOL_ERROR.0));
                return self.status(&n1, pti, cause, out);
            }
        };
        if header.pdu_session_id != n1.session {
            return self.status(&n1, header.pti, GsmCause::INVALID_PDU_SESSION_IDENTITY, out);
        }
        let by_ue = matches!(
            message,
            SmMessage::EstablishmentRequest(_) | SmMessage::ReleaseRequest(_) | SmMessage::ModificationRequest(_)
        );
        if by_ue && !(1..=254).contains(&header.pti) {
            return self.status(&n1, header.pti, GsmCause::INVALID_PTI, out);
        }
        let seid = self.by_ue.get(&(n1.supi.clone(), n1.session)).copied();
        match (message, seid) {
            (SmMessage::EstablishmentRequest(request), _) if n1.initial => {
                self.establish(now, n1, header.pti, request, seid, out);
            }
            (SmMessage::EstablishmentRequest(_), _) => {
                self.to_ue(&n1.supi, header, EstablishmentReject::new(GsmCause::REQUEST_REJECTED), None, out);
            }
            (SmMessage::ReleaseRequest(_), Some(seid)) => self.release_by_ue(now, seid, header.pti, out),
            (SmMessage::ReleaseRequest(_), None) => {
                let reject = ReleaseReject::new(GsmCause::INVALID_PDU_SESSION_IDENTITY);
                self.to_ue(&n1.supi, header, reject, None, out);
            }
            (SmMessage::ReleaseComplete(_), Some(seid)) => self.release_complete(seid, out),
            (SmMessage::ModificationRequest(_), seid) => {
                let cause = match seid {
                    Some(_) => GsmCause::SERVICE_OPTION_NOT_SUPPORTED,
                    None => GsmCause::INVALID_PDU_SESSION_IDENTITY,
                };
                self.to_ue(&n1.supi, header, ModificationReject::new(cause), None, out);
            }
            (SmMessage::SmStatus(status), _) => {
                let what = format!("5GSM status {}", status.cause);
                self.event(out, CoreEvent::ProtocolError { interface: "N1", what });
            }
            (SmMessage::ReleaseComplete(_), None) => {}
            _ => self.status(&n1, header.pti, GsmCause::MESSAGE_TYPE_NOT_COMPATIBLE, out),
        }
    }

    fn status(&self, n1: &N1, pti: u8, cause: GsmCause, out: &mut Outbox<SmfOutput>) {
        let what = format!("a session message: {cause}");
        self.event(out, CoreEvent::ProtocolError { interface: "N1", what });
        let header = nas::SmHeader { pdu_session_id: n1.session, pti };
        self.to_ue(&n1.supi, header, SmStatus::new(cause), None, out);
    }
}

/// A session message with what the AMF adds to it.
struct N1 {
    supi: Supi,
    session: u8,
    slice: SNssai,
    dnn: Option<String>,
    initial: bool,
    message: Vec<u8>,
}

impl Node for Smf {
    type Input = SmfInput;
    type Output = SmfOutput;

    fn handle(&mut self, now: Tc, input: SmfInput, out: &mut Outbox<SmfOutput>) {
        match input {
            SmfInput::Amf(AmfToSmf::N1 { supi, session, slice, dnn, initial, message }) => {
                self.n1(now, N1 { supi, session, slice, dnn, initial, message }, out);
            }
            SmfInput::Amf(AmfToSmf::N2 { supi, session, what }) => {
                if let Some(seid) = self.by_ue.get(&(supi, session)).copied() {
                    self.n2(now, seid, what, out);
                }
            }
            SmfInput::Amf(AmfToSmf::ReleaseAll { supi }) => {
                for seid in self.sessions_of(&supi) {
                    self.delete(now, seid, out);
                }
            }
            SmfInput::Amf(AmfToSmf::Deactivate { supi }) => {
                for seid in self.sessions_of(&supi) {
                    self.deactivate(now, seid, out);
                }
            }
            SmfInput::Amf(AmfToSmf::Unreachable { supi, session }) => {
                if let Some(seid) = self.by_ue.get(&(supi, session)).copied() {
                    self.unreachable(now, seid, out);
                }
            }
            SmfInput::Amf(AmfToSmf::Activate { supi, session }) => {
                if let Some(seid) = self.by_ue.get(&(supi, session)).copied() {
                    self.activate(seid, out);
                }
            }
            SmfInput::Subscription { seid, subscription } => self.subscription(now, seid, subscription, out),
            SmfInput::N4(bytes) => self.n4_receive(now, &bytes, out),
            SmfInput::Release { supi, session } => {
                if let Some(seid) = self.by_ue.get(&(supi, session)).copied() {
                    self.release_by_network(now, seid, out);
                }
            }
        }
    }

    fn timeout(&mut self, now: Tc, out: &mut Outbox<SmfOutput>) {
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                Timer::Start => self.associate(now, out),
                Timer::T1(sequence) => self.n4_again(now, sequence, out),
                Timer::Heartbeat => self.heartbeat(now, out),
                Timer::T3592(seid) => self.release_again(now, seid, out),
            }
        }
    }

    fn deadline(&self) -> Option<Tc> {
        self.timers.next()
    }
}

impl Smf {
    fn sessions_of(&self, supi: &Supi) -> Vec<u64> {
        self.by_ue.iter().filter(|((owner, _), _)| owner == supi).map(|(_, seid)| *seid).collect()
    }

    fn request(&mut self, now: Tc, purpose: Purpose, seid: Option<u64>, body: pfcp::Body, out: &mut Outbox<SmfOutput>) {
        let sequence = self.sequence;
        self.sequence = if sequence == 0xff_ffff { 1 } else { sequence + 1 };
        let bytes = pfcp::Message::new(seid, sequence, body).encode();
        out.push(SmfOutput::N4(bytes.clone()));
        self.pending.insert(sequence, Pending { purpose, bytes, sent: 1 });
        self.timers.start(Timer::T1(sequence), now + n4::T1);
    }
}
