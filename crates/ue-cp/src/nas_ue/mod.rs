//! NAS of the terminal. Spec: TS 24.501
//!
//! [`NasUe`] takes downlink NAS messages and time, and gives uplink messages and events. Procedures:
//! - registration, identity, deregistration: [`registration`], §5.5.1, §5.5.2, §5.4.3
//! - 5G-AKA and security mode: [`authentication`], §5.4.1, §5.4.2
//! - service request, paging, periodic registration: [`service`], §5.6, §5.5.1.3
//! - sessions: [`session`], §6.4
//!
//! Left out, and why: EAP-AKA' (the network offers 5G-AKA), emergency services.

mod authentication;
mod registration;
mod service;
mod session;

use crate::config::{UeCpConfig, Usim};
use crate::event::CpEvent;
use nas::ie::{Guti, MobileIdentity, Suci};
use nas::mm::MmMessage;
use nas::{Message, SecurityContext, SecurityHeaderType};
use node::{Rng, Timers};
use nr::Tc;
use session::Session;

/// States of TS 24.501 §5.1.3.2.1 that this terminal takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MmState {
    /// 5GMM-DEREGISTERED.
    Deregistered,
    /// 5GMM-REGISTERED-INITIATED.
    RegisteredInitiated,
    /// 5GMM-REGISTERED.
    Registered,
    /// 5GMM-SERVICE-REQUEST-INITIATED.
    ServiceRequestInitiated,
    /// 5GMM-DEREGISTERED-INITIATED.
    DeregisteredInitiated,
}

/// Timers of TS 24.501 §10.2 and §10.3 that the terminal runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NasTimer {
    /// Registration request sent; 15 s.
    T3510,
    /// Wait before the registration is tried again; 10 s.
    T3511,
    /// Periodic registration, while idle; the network's value.
    T3512,
    /// Service request sent; 5 s.
    T3517,
    /// Authentication failure sent; 15 s.
    T3520,
    /// Deregistration request sent; 15 s, five times.
    T3521,
    /// PDU session establishment request sent; 16 s, five times.
    T3580(u8),
}

/// Why a connection is asked for: the establishment cause of RRC. Spec: TS 24.501 table 4.5.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Establishment {
    /// mo-Signalling.
    Signalling,
    /// mo-Data.
    Data,
    /// mt-Access.
    Terminated,
}

/// What NAS wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum NasOutput {
    /// Send this message, which begins a signalling connection: `s_tmsi` and whether the identity in RRC is to be random.
    Initial { pdu: Vec<u8>, s_tmsi: Option<u64>, guami: Option<Guti>, cause: Establishment },
    /// Send this message on the signalling connection.
    Send(Vec<u8>),
    /// Tell the house.
    Event(CpEvent),
    /// The signalling connection is not needed any more (the terminal switched off).
    ReleaseConnection,
}

/// NAS of one terminal.
pub struct NasUe {
    config: UeCpConfig,
    rng: Rng,
    pub(crate) state: MmState,
    timers: Timers<NasTimer>,
    guti: Option<Guti>,
    security: Option<SecurityContext>,
    /// K_AMF of an authentication whose security mode command has not come yet.
    pending: Option<(u8, [u8; 32])>,
    /// RAND of the challenge that was answered last, and the answer.
    answered: Option<([u8; 16], [u8; 16])>,
    secured: bool,
    /// NAS COUNT of the uplink message that K_gNB comes from: the security mode complete, or the protected initial message.
    k_gnb_count: u32,
    requested: Vec<u8>,
    sync_failures: u8,
    attempts: u8,
    dereg_attempts: u8,
    sessions: Vec<Session>,
    next_pti: u8,
    connected: bool,
    /// The registration area.
    tais: Vec<nas::ie::Tai>,
    /// T3512; `None` if the network wants no periodic registration.
    t3512: Option<Tc>,
    service_attempts: u8,
    service_not_before: Option<Tc>,
}

impl NasUe {
    /// A terminal that is switched on but has not begun to register.
    pub fn new(config: UeCpConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            state: MmState::Deregistered,
            timers: Timers::default(),
            guti: None,
            security: None,
            pending: None,
            answered: None,
            secured: false,
            k_gnb_count: 0,
            requested: Vec::new(),
            sync_failures: 0,
            attempts: 0,
            dereg_attempts: 0,
            sessions: Vec::new(),
            next_pti: 1,
            connected: false,
            tais: Vec::new(),
            t3512: None,
            service_attempts: 0,
            service_not_before: None,
        }
    }
    /// The USIM, whose SQN moves.
    pub fn usim(&self) -> &Usim {
        &self.config.usim
    }
    /// K_gNB for the access stratum of this connection, once NAS security is in force. Spec: TS 33.501 §A.9
    pub fn k_gnb(&self) -> Option<[u8; 32]> {
        let s = self.security.as_ref()?;
        Some(security::kdf::k_gnb(&s.k_amf, self.k_gnb_count))
    }
    /// NH derived from the given synchronisation input (K_gNB or the previous NH). Spec: TS 33.501 §A.10
    pub fn next_hop(&self, sync_input: &[u8; 32]) -> Option<[u8; 32]> {
        Some(security::kdf::nh(&self.security.as_ref()?.k_amf, sync_input))
    }
    /// NAS keys (enc, int) for a key log.
    pub fn keys(&self) -> Option<(&[u8; 16], &[u8; 16])> {
        self.security.as_ref().map(|s| s.keys())
    }
    /// ngKSI and K_AMF of the context in force, or of the one whose security mode command is to come.
    pub(crate) fn context_keys(&self, to_come: bool) -> Option<(u8, [u8; 32])> {
        if to_come { self.pending } else { self.security.as_ref().map(|s| (s.ng_ksi, s.k_amf)) }
    }
    /// The signalling connection is up or gone.
    pub fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
        self.timers.stop(NasTimer::T3512);
        if !connected {
            self.secured = false;
        }
    }
    /// When [`NasUe::timeout`] must be called.
    pub fn deadline(&self) -> Option<Tc> {
        self.timers.next()
    }
    /// Fires due timers.
    pub fn timeout(&mut self, now: Tc, out: &mut Vec<NasOutput>) {
        while let Some(t) = self.timers.expired(now) {
            match t {
                NasTimer::T3510 => self.registration_timed_out(now, out),
                NasTimer::T3511 => self.register(now, out),
                NasTimer::T3512 => self.register_periodically(now, out),
                NasTimer::T3517 => {
                    self.service_failed(now, out);
                    if self.connected {
                        out.push(NasOutput::ReleaseConnection);
                    }
                }
                NasTimer::T3520 => self.authentication_timed_out(out),
                NasTimer::T3521 => self.deregistration_timed_out(now, out),
                NasTimer::T3580(id) => self.session_timed_out(id, now, out),
            }
        }
    }
    /// A downlink NAS message as RRC delivered it.
    pub fn receive(&mut self, bytes: &[u8], now: Tc, out: &mut Vec<NasOutput>) {
        let Some(header) = nas::SecurityHeader::peek(bytes) else { return };
        let message = match header.kind {
            SecurityHeaderType::Plain => match Message::decode(bytes) {
                // Spec: TS 24.501 §4.4.4.2: what may come without integrity, and only before a secure exchange.
                Ok(m) if !self.secured && allowed_plain(&m) => m,
                _ => return,
            },
            SecurityHeaderType::IntegrityNew => return self.security_mode_command(bytes, now, out),
            _ => {
                let Some(context) = self.security.as_mut() else { return };
                let Ok(u) = context.unprotect(bytes) else { return };
                self.secured = true;
                match Message::decode(&u.plain) {
                    Ok(m) => m,
                    Err(e) => {
                        if let Some(cause) = e.cause() {
                            let status = nas::mm::MmStatus::new(nas::GmmCause(cause));
                            self.send(&Message::from(status), out);
                        }
                        return;
                    }
                }
            }
        };
        match message {
            Message::Mm(m) => self.mobility(m, now, out),
            Message::Sm(..) => {}
        }
    }
    fn mobility(&mut self, m: MmMessage, now: Tc, out: &mut Vec<NasOutput>) {
        match m {
            MmMessage::IdentityRequest(r) => self.identity_request(r, out),
            MmMessage::AuthenticationRequest(r) => self.authentication_request(r, now, out),
            MmMessage::AuthenticationReject(_) => self.authentication_reject(out),
            MmMessage::RegistrationAccept(a) => self.registration_accept(a, now, out),
            MmMessage::RegistrationReject(r) => self.registration_reject(r, now, out),
            MmMessage::DeregistrationAcceptUe(_) => self.deregistration_accept(out),
            MmMessage::DeregistrationRequestNetwork(r) => self.network_deregisters(r, now, out),
            MmMessage::ConfigurationUpdateCommand(c) => self.configuration_update(c, out),
            MmMessage::DlNasTransport(t) => self.dl_transport(t, now, out),
            MmMessage::ServiceAccept(a) => self.service_accept(a, out),
            MmMessage::ServiceReject(r) => self.service_reject(r, now, out),
            MmMessage::MmStatus(_) => {}
            _ => {
                let status = nas::mm::MmStatus::new(nas::GmmCause::MESSAGE_TYPE_NON_EXISTENT);
                self.send(&Message::from(status), out);
            }
        }
    }
    /// Sends a message, protected if a context is in force.
    fn send(&mut self, message: &Message, out: &mut Vec<NasOutput>) {
        let plain = message.encode();
        let pdu = match self.security.as_mut() {
            Some(c) if self.secured => c.protect(SecurityHeaderType::IntegrityCiphered, &plain),
            _ => plain,
        };
        out.push(NasOutput::Send(pdu));
    }
    fn fail(&mut self, step: &'static str, cause: String, clause: &'static str, retry: bool, out: &mut Vec<NasOutput>) {
        out.push(NasOutput::Event(CpEvent::Failed { step, cause, clause, retry }));
    }
    /// A fresh SUCI. Spec: TS 33.501 §6.12.2, TS 23.003 §2.2B
    fn suci(&mut self) -> Option<Suci> {
        let usim = &self.config.usim;
        let mut ephemeral = [0u8; 32];
        self.rng.fill(&mut ephemeral);
        let digits = usim.supi.imsi();
        let msin = digits.get(3 + usim.home_plmn.mnc_digits().len()..)?;
        let input = security::suci::msin_to_bcd(msin).ok()?;
        let scheme_output = security::suci::conceal(usim.scheme, &usim.home_public_key, &ephemeral, &input).ok()?;
        Some(Suci {
            plmn: usim.home_plmn,
            routing_indicator: usim.routing_indicator.clone(),
            scheme: usim.scheme as u8,
            key_id: usim.home_key_id,
            scheme_output,
        })
    }
    /// The identity of an initial message: the 5G-GUTI where one is held with its context, else a SUCI.
    fn identity(&mut self) -> Option<(MobileIdentity, Option<String>)> {
        match (&self.guti, &self.security) {
            (Some(g), Some(_)) => Some((MobileIdentity::Guti(*g), None)),
            _ => {
                let s = self.suci()?;
                let text = s.to_string();
                Some((MobileIdentity::Suci(s), Some(text)))
            }
        }
    }
}

/// Spec: TS 24.501 §4.4.4.2
fn allowed_plain(m: &Message) -> bool {
    let Message::Mm(m) = m else { return false };
    match m {
        MmMessage::IdentityRequest(r) => r.identity_type == nas::ie::IdentityType::Suci,
        MmMessage::AuthenticationRequest(_)
        | MmMessage::AuthenticationResult(_)
        | MmMessage::AuthenticationReject(_)
        | MmMessage::RegistrationReject(_)
        | MmMessage::DeregistrationAcceptUe(_)
        | MmMessage::ServiceReject(_) => true,
        _ => false,
    }
}

/// The security capability that is announced and later compared with the replayed one.
fn security_capability(config: &UeCpConfig) -> nas::ie::UeSecurityCapability {
    nas::ie::UeSecurityCapability::new(config.nea, config.nia)
}
