//! The UE's side of NAS, as little as the tests need.

use cn::{CoreConfig, Credentials};
use nas::ie::*;
use nas::mm::*;
use nas::sm::ReleaseComplete;
use nas::{GmmCause, Message, MmMessage, SecurityContext, SecurityHeaderType, Side, SmMessage};
use nr::{Plmn, Supi};
use security::{AuthenticationSubscription, Scheme, kdf};

/// A message as the UE means it, and as it sends it.
pub type Sent = (Message, Vec<u8>);

pub struct TestUe {
    pub supi: Supi,
    pub plmn: Plmn,
    pub usim: AuthenticationSubscription,
    pub sqn_ms: u64,
    pub scheme: Scheme,
    pub home_public: Vec<u8>,
    pub key_id: u8,
    pub capability: UeSecurityCapability,
    /// What the UE thinks that it sent, if the network's replay is to differ.
    pub capability_sent: Option<UeSecurityCapability>,
    pub requested: Option<Nssai>,
    pub guti: Option<Guti>,
    pub security: Option<SecurityContext>,
    pub k_amf: Option<[u8; 32]>,
    ng_ksi: u8,
    pub last_request: Vec<u8>,
    pub identity: Option<MobileIdentity>,
    /// The uplink count that K_gNB comes from.
    pub k_gnb_count: u32,
    pub address: Option<PduAddress>,
    pub wrong_res: bool,
    /// The UE does not complete the registration, or the release of a session.
    pub no_complete: bool,
    /// A downlink message that does not verify is dropped rather than a failure of the test.
    pub forgiving: bool,
}

impl TestUe {
    pub fn of(config: &CoreConfig, index: usize) -> Self {
        let subscriber = &config.subscribers[index];
        let key = config.home_network_keys.iter().find(|key| key.scheme == Scheme::ProfileA).unwrap();
        Self {
            supi: subscriber.supi.clone(),
            plmn: config.plmn,
            usim: subscriber.credentials.subscription(),
            sqn_ms: subscriber.sqn,
            scheme: Scheme::ProfileA,
            home_public: key.public(),
            key_id: key.id,
            capability: UeSecurityCapability::new(0xf0, 0x70),
            capability_sent: None,
            requested: None,
            guti: None,
            security: None,
            k_amf: None,
            ng_ksi: 7,
            last_request: vec![],
            identity: None,
            k_gnb_count: 0,
            address: None,
            wrong_res: false,
            no_complete: false,
            forgiving: false,
        }
    }

    pub fn with_key(&mut self, credentials: &Credentials) {
        self.usim = credentials.subscription();
    }

    pub fn suci(&self) -> MobileIdentity {
        let msin = &self.supi.imsi()[3 + self.plmn.mnc_digits().len()..];
        let input = security::suci::msin_to_bcd(msin).unwrap();
        let output = security::suci::conceal(self.scheme, &self.home_public, &[9; 32], &input).unwrap();
        let key_id = if self.scheme == Scheme::Null { 0 } else { self.key_id };
        let (scheme, plmn) = (self.scheme as u8, self.plmn);
        MobileIdentity::Suci(Suci { plmn, routing_indicator: "0".into(), scheme, key_id, scheme_output: output })
    }

    pub fn register(&mut self) -> Vec<Sent> {
        let identity = self.identity.clone().or(self.guti.map(MobileIdentity::Guti)).unwrap_or_else(|| self.suci());
        let capability = self.capability_sent.clone().unwrap_or_else(|| self.capability.clone());
        let request = Message::from(RegistrationRequest {
            registration_type: RegistrationType { follow_on: true, kind: RegistrationKind::Initial },
            ng_ksi: KeySetIdentifier::native(self.ng_ksi),
            ue_security_capability: Some(capability),
            requested_nssai: self.requested.clone(),
            ..RegistrationRequest::new(identity)
        });
        self.last_request = request.encode();
        vec![self.initial(request)]
    }

    /// An initial message: integrity protected if there is a context.
    pub fn initial(&mut self, message: Message) -> (Message, Vec<u8>) {
        let plain = message.encode();
        let bytes = match &mut self.security {
            Some(context) => {
                self.k_gnb_count = context.next_sent();
                context.protect(SecurityHeaderType::Integrity, &plain)
            }
            None => plain,
        };
        (message, bytes)
    }

    pub fn protected(&mut self, message: Message) -> (Message, Vec<u8>) {
        let plain = message.encode();
        let bytes = match &mut self.security {
            Some(context) => context.protect(SecurityHeaderType::IntegrityCiphered, &plain),
            None => plain,
        };
        (message, bytes)
    }

    /// A downlink message, and what the UE answers. Panics if it cannot be read; `None` if the UE must drop it.
    pub fn receive(&mut self, bytes: &[u8]) -> Option<(Message, Vec<Sent>)> {
        let header = nas::SecurityHeader::peek(bytes).unwrap();
        let plain = match header.kind {
            SecurityHeaderType::Plain => bytes.to_vec(),
            SecurityHeaderType::IntegrityNew => self.take_command(bytes)?,
            _ => match self.security.as_mut().map(|context| context.unprotect(bytes)) {
                Some(Ok(unprotected)) => unprotected.plain,
                _ if self.forgiving => return None,
                other => panic!("a protected message that does not verify: {other:?}"),
            },
        };
        let message = Message::decode(&plain).unwrap();
        let Message::Mm(mm) = &message else { panic!("a session message outside its container") };
        let answers = self.answer(mm);
        Some((message, answers))
    }

    /// Makes the new context that a security mode command names.
    fn take_command(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let inner = nas::protection::unverified_inner(bytes)?;
        let Ok(Message::Mm(MmMessage::SecurityModeCommand(command))) = Message::decode(inner) else { return None };
        let SelectedAlgorithms { nea, nia } = command.selected_algorithms;
        let mut context = SecurityContext::new(Side::Ue, command.ng_ksi.value, self.k_amf?, nea, nia);
        let plain = match context.unprotect(bytes) {
            Ok(unprotected) => unprotected.plain,
            Err(_) if self.forgiving => return None,
            Err(error) => panic!("{error}"),
        };
        self.ng_ksi = command.ng_ksi.value;
        self.security = Some(context);
        Some(plain)
    }

    fn answer(&mut self, message: &MmMessage) -> Vec<Sent> {
        match message {
            MmMessage::IdentityRequest(m) => {
                assert_eq!(m.identity_type, IdentityType::Suci);
                vec![self.protected(IdentityResponse::new(self.suci()).into())]
            }
            MmMessage::AuthenticationRequest(m) => vec![self.authenticate(m)],
            MmMessage::SecurityModeCommand(m) => vec![self.security_mode(m)],
            MmMessage::RegistrationAccept(m) => {
                if let Some(MobileIdentity::Guti(guti)) = &m.guti {
                    self.guti = Some(*guti);
                }
                if self.no_complete { vec![] } else { vec![self.protected(RegistrationComplete::new().into())] }
            }
            MmMessage::DeregistrationRequestNetwork(_) => {
                vec![self.protected(DeregistrationAcceptNetwork::new().into())]
            }
            MmMessage::DlNasTransport(m) => self.session(m),
            MmMessage::ServiceAccept(_) => vec![],
            _ => vec![],
        }
    }

    fn authenticate(&mut self, m: &AuthenticationRequest) -> (Message, Vec<u8>) {
        let (rand, autn) = (m.rand.unwrap(), m.autn.unwrap());
        let Ok(response) = self.usim.check_autn(&rand, &autn) else {
            return self.protected(AuthenticationFailure::new(GmmCause::MAC_FAILURE, None).into());
        };
        if !security::aka::sqn_is_fresh(response.sqn, self.sqn_ms, security::aka::SQN_DELTA_MAX) {
            let auts = self.usim.auts(&rand, self.sqn_ms);
            return self.protected(AuthenticationFailure::new(GmmCause::SYNCH_FAILURE, Some(auts)).into());
        }
        self.sqn_ms = response.sqn;
        let network = self.plmn.serving_network_name();
        let concealed = [autn[0], autn[1], autn[2], autn[3], autn[4], autn[5]];
        let k_ausf = kdf::k_ausf(&response.ck, &response.ik, &network, &concealed);
        let k_seaf = kdf::k_seaf(&k_ausf, &network);
        self.k_amf = Some(kdf::k_amf(&k_seaf, self.supi.imsi(), &m.abba));
        let mut res_star = kdf::res_star(&response.ck, &response.ik, &network, &rand, &response.res);
        if self.wrong_res {
            res_star[0] ^= 1;
        }
        self.protected(AuthenticationResponse::new(res_star).into())
    }

    fn security_mode(&mut self, m: &SecurityModeCommand) -> (Message, Vec<u8>) {
        if m.replayed_ue_security_capabilities != self.capability {
            self.security = None;
            return self.protected(SecurityModeReject::new(GmmCause::SECURITY_CAPABILITIES_MISMATCH).into());
        }
        let message = Message::from(SecurityModeComplete::new(Some(self.last_request.clone())));
        let plain = message.encode();
        let context = self.security.as_mut().unwrap();
        self.k_gnb_count = context.next_sent();
        let bytes = context.protect(SecurityHeaderType::IntegrityCipheredNew, &plain);
        (message, bytes)
    }

    fn session(&mut self, m: &DlNasTransport) -> Vec<Sent> {
        if m.cause.is_some() {
            return vec![];
        }
        match Message::decode(&m.payload_container) {
            Ok(Message::Sm(_, SmMessage::EstablishmentAccept(accept))) => {
                self.address = accept.pdu_address;
                vec![]
            }
            Ok(Message::Sm(header, SmMessage::ReleaseCommand(_))) if !self.no_complete => {
                let complete = Message::Sm(header, ReleaseComplete::new().into()).encode();
                let transport = UlNasTransport::n1_sm(complete, header.pdu_session_id);
                vec![self.protected(transport.into())]
            }
            _ => vec![],
        }
    }
}
