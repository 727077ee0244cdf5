//! A world of one core, one gNB and one UE, for tests that read as call flows.
#![allow(dead_code)]

mod ue;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

use cn::{Core, CoreConfig, CoreEvent, CoreInput, CoreOutput, GnbId};
use nas::{Message, MmMessage};
use ngap::{Pdu, UeIds, UserLocation};
use node::{Node, Outbox};
use nr::{Plmn, SNssai, Tc, Teid};
pub use ue::TestUe;

pub const GNB: GnbId = GnbId(1);
pub const GNB_N3: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 53, 1, 1));
pub const DOWNLINK_TEID: Teid = Teid(0x5151);
pub const SEED: u64 = 7;

pub fn config() -> CoreConfig {
    CoreConfig::lab(SEED, 4)
}

pub struct World {
    pub core: Core,
    pub now: Tc,
    pub ue: TestUe,
    /// What the gNB calls the UE, and what the AMF calls it.
    pub ran: u32,
    pub amf: Option<u64>,
    pub tac: u32,
    /// The UE or the gNB does not answer.
    pub ue_mute: bool,
    pub gnb_refuses_sessions: bool,
    /// The gNB keeps its initial context setup response back.
    pub gnb_is_slow: bool,
    /// NAS messages that have not been expected yet.
    pub log: VecDeque<(&'static str, Message)>,
    pub ngap: Vec<Pdu>,
    pub events: Vec<CoreEvent>,
    pub n3: Vec<(IpAddr, Vec<u8>)>,
    pub n6: Vec<Vec<u8>>,
    pub taps: Vec<node::Tap>,
    pub uplink_tunnel: Option<ngap::GtpTunnel>,
    pub k_gnb: Option<[u8; 32]>,
    out: Outbox<CoreOutput>,
}

impl World {
    pub fn new(config: CoreConfig) -> Self {
        let ue = TestUe::of(&config, 0);
        let mut w = Self {
            core: Core::new(&config, &node::Rng::from_lab_seed(SEED)),
            now: Tc::from_ms(1),
            ue,
            ran: 0,
            amf: None,
            tac: 1,
            ue_mute: false,
            gnb_refuses_sessions: false,
            gnb_is_slow: false,
            log: VecDeque::new(),
            ngap: Vec::new(),
            events: Vec::new(),
            n3: Vec::new(),
            n6: Vec::new(),
            taps: Vec::new(),
            uplink_tunnel: None,
            k_gnb: None,
            out: Outbox::default(),
        };
        w.core.timeout(w.now, &mut w.out);
        w.pump();
        w.ng_setup("001-01".parse().unwrap(), 1, SNssai { sst: 1, sd: None });
        w
    }

    pub fn lab() -> Self {
        Self::new(config())
    }

    pub fn ng_setup(&mut self, plmn: Plmn, tac: u32, slice: SNssai) {
        let request = ngap::NgSetupRequest {
            gnb: ngap::GlobalGnbId { plmn, id: 1, bits: 24 },
            name: Some("gnb".into()),
            supported_tas: vec![ngap::SupportedTa { tac, plmns: vec![ngap::PlmnSlices { plmn, slices: vec![slice] }] }],
        };
        self.n2(request.into());
    }

    fn location(&self) -> UserLocation {
        let plmn = "001-01".parse().unwrap();
        UserLocation { plmn, nr_cell_id: 0x10, tai_plmn: plmn, tac: self.tac }
    }

    pub fn n2(&mut self, pdu: Pdu) {
        let bytes = pdu.encode().unwrap();
        self.input(CoreInput::N2 { gnb: GNB, bytes });
    }

    pub fn input(&mut self, input: CoreInput) {
        self.core.handle(self.now, input, &mut self.out);
        self.pump();
    }

    /// The UE's NAS message goes up: in an Initial UE Message if it has no connection.
    pub fn up(&mut self, nas: Vec<u8>) {
        match self.amf {
            Some(amf) => {
                let ids = UeIds { amf, ran: self.ran };
                let location = self.location();
                self.n2(ngap::UplinkNasTransport { ids, nas, location }.into());
            }
            None => {
                self.ran += 1;
                let message = ngap::InitialUeMessage {
                    ran: self.ran,
                    nas,
                    location: self.location(),
                    establishment_cause: ngap::RrcEstablishmentCause::MoSignalling,
                    s_tmsi: None,
                    ue_context_requested: true,
                };
                self.n2(message.into());
            }
        }
    }

    fn send_up(&mut self, messages: Vec<(Message, Vec<u8>)>) {
        for (message, bytes) in messages {
            self.log.push_back(("UE -> AMF", message));
            self.up(bytes);
        }
    }

    pub fn register(&mut self) {
        let messages = self.ue.register();
        self.send_up(messages);
    }

    pub fn send(&mut self, message: impl Into<MmMessage>) {
        let messages = vec![self.ue.protected(Message::Mm(message.into()))];
        self.send_up(messages);
    }

    pub fn request_session(
        &mut self,
        edit: impl FnOnce(&mut nas::mm::UlNasTransport, &mut nas::sm::EstablishmentRequest),
    ) {
        let mut request = nas::sm::EstablishmentRequest::new(nas::ie::PduSessionType::Ipv4v6);
        request.extended_pco = Some(nas::pco::Pco::request());
        let mut transport = nas::mm::UlNasTransport::n1_sm(vec![], 1);
        transport.request_type = Some(nas::ie::RequestType::Initial);
        edit(&mut transport, &mut request);
        let id = transport.pdu_session_id.unwrap_or(1);
        let header = nas::SmHeader { pdu_session_id: id, pti: 1 };
        transport.payload_container = Message::Sm(header, request.into()).encode();
        self.send(transport);
    }

    /// Registers, and forgets what was said.
    pub fn registered() -> Self {
        let mut w = Self::lab();
        w.register();
        assert!(w.is_registered(), "{:?}", w.events);
        w.log.clear();
        w
    }

    /// Registers and has a session, and forgets what was said.
    pub fn with_session() -> Self {
        let mut w = Self::registered();
        w.request_session(|_, _| {});
        assert!(w.session_is_active(), "{:?}", w.events);
        w.log.clear();
        w
    }

    /// The gNB has the UE released: it is idle.
    pub fn go_idle(&mut self) {
        let ids = UeIds { amf: self.amf.unwrap(), ran: self.ran };
        let cause = ngap::Cause::UserInactivity;
        self.n2(ngap::UeContextReleaseRequest { ids, sessions: vec![1], cause }.into());
        assert!(self.amf.is_none());
        self.ngap.clear();
        self.n3.clear();
        self.log.clear();
    }

    /// A service request for these sessions; what may not be in clear is in the container, ciphered under the message's
    /// own count (TS 24.501 §4.4.6).
    pub fn service_request(&mut self, kind: nas::ie::ServiceType, sessions: Option<u16>) {
        use nas::ie::{KeySetIdentifier, MobileIdentity, PduSessionStatus};
        let s_tmsi = MobileIdentity::STmsi(self.ue.guti.unwrap().s_tmsi());
        let mut request = nas::mm::ServiceRequest::new(KeySetIdentifier::native(0), kind, s_tmsi);
        let inner = nas::mm::ServiceRequest { uplink_data_status: sessions.map(PduSessionStatus), ..request.clone() };
        let mut container = Message::from(inner).encode();
        self.ue.security.as_ref().unwrap().cipher_container(&mut container);
        request.nas_message_container = Some(container);
        let (_, bytes) = self.ue.initial(request.into());
        self.up(bytes);
    }

    /// The pagings among what the gNB got.
    pub fn pagings(&self) -> Vec<&ngap::Paging> {
        self.ngap.iter().filter_map(|pdu| if let Pdu::Paging(m) = pdu { Some(m) } else { None }).collect()
    }

    pub fn is_registered(&self) -> bool {
        self.core.amf().state(&self.ue.supi) == Some(cn::amf::State::Registered)
    }

    pub fn session_is_active(&self) -> bool {
        self.events.iter().any(|event| matches!(event, CoreEvent::SessionActive { .. }))
    }

    pub fn refusals(&self) -> Vec<(&'static str, String)> {
        let refused = |event: &CoreEvent| match event {
            CoreEvent::Refused { step, cause, .. } => Some((*step, cause.clone())),
            _ => None,
        };
        self.events.iter().filter_map(refused).collect()
    }

    /// The next NAS message that was sent, which must be this one.
    pub fn expect(&mut self, way: &str, name: &str) -> Message {
        let Some((sent, message)) = self.log.pop_front() else {
            panic!("{way}: {name} was expected, and nothing came")
        };
        let shown = match &message {
            Message::Mm(MmMessage::UlNasTransport(m)) if !m.payload_container.is_empty() => {
                Message::decode(&m.payload_container)
            }
            Message::Mm(MmMessage::DlNasTransport(m)) => Message::decode(&m.payload_container),
            _ => Ok(message.clone()),
        };
        let shown = shown.unwrap();
        assert_eq!((sent, shown.name()), (way, name), "{message:?}");
        shown
    }

    pub fn expect_nothing(&self) {
        assert!(self.log.is_empty(), "{:?}", self.log);
    }

    /// Time goes on, with what it brings.
    pub fn advance(&mut self, by: Tc) {
        let end = self.now + by;
        while let Some(at) = self.core.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.core.timeout(self.now, &mut self.out);
            self.pump();
        }
        self.now = end;
    }

    pub fn pump(&mut self) {
        while let Some(output) = self.out.pop() {
            match output {
                CoreOutput::N2 { bytes, .. } => self.gnb(Pdu::decode(&bytes).unwrap()),
                CoreOutput::N3 { to, bytes } => self.n3.push((to, bytes)),
                CoreOutput::N6 { packet } => self.n6.push(packet),
                CoreOutput::Event(event) => self.events.push(event),
                CoreOutput::Tap(tap) => self.taps.push(tap),
            }
        }
    }

    fn answer(&mut self, pdu: Pdu) {
        let bytes = pdu.encode().unwrap();
        self.core.handle(self.now, CoreInput::N2 { gnb: GNB, bytes }, &mut self.out);
    }

    fn gnb(&mut self, pdu: Pdu) {
        self.ngap.push(pdu.clone());
        match pdu {
            Pdu::DownlinkNasTransport(m) if m.ids.ran == self.ran => {
                self.amf = Some(m.ids.amf);
                self.down(m.nas);
            }
            Pdu::InitialContextSetupRequest(m) => {
                self.amf = Some(m.ids.amf);
                self.k_gnb = Some(m.k_gnb);
                if !self.gnb_is_slow {
                    self.context_is_set_up();
                }
                if let Some(nas) = m.nas {
                    self.down(nas);
                }
            }
            Pdu::PduSessionResourceSetupRequest(m) => {
                let response = self.set_up(&m);
                self.answer(response);
                for nas in m.sessions.into_iter().filter_map(|session| session.nas) {
                    if !self.gnb_refuses_sessions {
                        self.down(nas);
                    }
                }
            }
            Pdu::PduSessionResourceReleaseCommand(m) => {
                let sessions = m
                    .sessions
                    .iter()
                    .map(|s| ngap::SessionTransfer { id: s.id, transfer: ngap::release_response_transfer().unwrap() });
                let sessions = sessions.collect();
                self.answer(ngap::PduSessionResourceReleaseResponse { ids: m.ids, sessions }.into());
                if let Some(nas) = m.nas {
                    self.down(nas);
                }
            }
            Pdu::UeContextReleaseCommand(m) => {
                let ids = UeIds { amf: m.amf, ran: m.ran.unwrap() };
                if self.amf == Some(m.amf) || m.ran == Some(self.ran) {
                    self.amf = None;
                }
                self.answer(ngap::UeContextReleaseComplete { ids, location: None, sessions: vec![] }.into());
            }
            _ => {}
        }
    }

    /// The gNB has the UE's context.
    pub fn context_is_set_up(&mut self) {
        let ids = UeIds { amf: self.amf.unwrap(), ran: self.ran };
        self.answer(ngap::InitialContextSetupResponse { ids, sessions: vec![], failed: vec![] }.into());
    }

    fn set_up(&mut self, m: &ngap::PduSessionResourceSetupRequest) -> Pdu {
        let (mut sessions, mut failed) = (vec![], vec![]);
        for session in &m.sessions {
            let request = ngap::SetupRequestTransfer::decode(&session.transfer).unwrap();
            self.uplink_tunnel = Some(request.uplink);
            let downlink = ngap::GtpTunnel { address: GNB_N3, teid: DOWNLINK_TEID };
            let (list, transfer) = if self.gnb_refuses_sessions {
                (&mut failed, ngap::UnsuccessfulTransfer { cause: ngap::Cause::RadioResourcesNotAvailable }.encode())
            } else {
                (&mut sessions, ngap::SetupResponseTransfer { downlink, qfis: vec![1] }.encode())
            };
            list.push(ngap::SessionTransfer { id: session.id, transfer: transfer.unwrap() });
        }
        ngap::PduSessionResourceSetupResponse { ids: m.ids, sessions, failed }.into()
    }

    fn down(&mut self, nas: Vec<u8>) {
        let Some((message, answers)) = self.ue.receive(&nas) else { return };
        self.log.push_back(("AMF -> UE", message));
        if !self.ue_mute {
            for (message, bytes) in answers {
                self.log.push_back(("UE -> AMF", message));
                if let Some(amf) = self.amf {
                    let ids = UeIds { amf, ran: self.ran };
                    let location = self.location();
                    self.answer(ngap::UplinkNasTransport { ids, nas: bytes, location }.into());
                }
            }
        }
    }

    /// An uplink packet of the UE in its tunnel.
    pub fn packet_up(&mut self, packet: &[u8]) {
        let teid = self.uplink_tunnel.unwrap().teid;
        let bytes = gtpu::g_pdu(teid, gtpu::Container::Uplink { qfi: 1 }, packet).unwrap();
        self.input(CoreInput::N3 { from: GNB_N3, bytes });
    }
}

/// An IPv4 packet with no payload but these bytes.
pub fn ipv4(source: [u8; 4], destination: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    packet[2..4].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    packet
}

/// An IPv6 packet of this next header.
pub fn ipv6(source: [u8; 16], destination: [u8; 16], next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    packet
}
