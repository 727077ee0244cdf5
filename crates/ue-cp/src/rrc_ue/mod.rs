//! RRC of the terminal. Spec: TS 38.331 §5
//!
//! | procedure | where |
//! |---|---|
//! | cell found, MIB, SIB1 (§5.2.2) | [`system_information`] |
//! | connection establishment (§5.3.3), reject, release (§5.3.8), paging (§5.3.2) | [`connection`] |
//! | security activation (§5.3.4), capability transfer (§5.6.1), information transfer (§5.7) | [`secured`] |
//! | reconfiguration (§5.3.5), release of PUCCH on MAC's request (§5.3.12) | [`reconfiguration`] |
//! | radio link failure (§5.3.10) and re-establishment (§5.3.7) | [`reestablishment`] |
//!
//! A message takes effect after it has been decoded and its processing delay (§12) is over; messages that arrive meanwhile wait.
//!
//! Left out, and why: reselection, handover and measurements: there is one cell; RRC_INACTIVE.

mod connection;
mod reconfiguration;
mod reestablishment;
mod secured;
mod system_information;
#[cfg(test)]
mod tests;

use crate::apply::sib1::FoundCell;
use crate::config::UeCpConfig;
use crate::event::CpEvent;
use crate::nas_ue::{Establishment, NasOutput, NasUe};
use fapi::ue::{UeL1Command, UeL1Event};
use fapi::{CellConfig, DedicatedConfig};
use node::{Direction, Frame, Outbox, Rng, Tap, Timers};
use nr::{Rnti, SlotPoint, Tc};
use seam::bearer::{AsAlgorithms, Bearer};
use seam::ue::{L2Command, L2Event, MacConfig};
use std::collections::VecDeque;

/// States of TS 38.331 §4.2.1, with what leads to them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RrcState {
    /// Switched off or waiting for the user.
    Off,
    /// Searching for a cell; with a failed link, to re-establish on it.
    Searching { reestablish: bool },
    /// Camped on a cell.
    Idle,
    /// Establishing: RRCSetupRequest is with MAC.
    Connecting,
    /// Re-establishing: RRCReestablishmentRequest is with MAC.
    Reestablishing,
    /// RRC_CONNECTED.
    Connected,
}

/// Timers of TS 38.331 §7.1.1, and the processing delay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RrcTimer {
    /// RRCSetupRequest sent.
    T300,
    /// RRCReestablishmentRequest sent.
    T301,
    /// Wait time of an RRCReject.
    T302,
    /// Physical layer problems.
    T310,
    /// Searching a cell to re-establish on.
    T311,
    /// SIB1 must have come by then, or another cell is looked for.
    Sib1,
    /// The message at hand takes effect.
    Apply,
    /// The connection is released after what is under way has been acknowledged.
    Release,
}

/// A message whose processing delay is running.
#[derive(Clone, Debug)]
pub(crate) enum Pending {
    Setup(Box<rrc::RrcSetup>),
    Reconfiguration(Box<rrc::RrcReconfiguration>),
    SecurityMode { transaction: u8, algorithms: AsAlgorithms },
    Capability(u8),
    Reestablishment { transaction: u8, ncc: u8, k_gnb: [u8; 32] },
}

/// A message of a signalling bearer that waits for its turn: bearer, message, verified, COUNT, MAC-I.
type SrbMessage = (Bearer, Vec<u8>, bool, u32, [u8; 4]);

/// Messages that may wait while one is processed.
const WAITING_MAX: usize = 64;

/// What the control plane wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum CpOutput {
    /// For the physical layer.
    L1(UeL1Command),
    /// For layer 2.
    L2(L2Command),
    /// For the house.
    Event(CpEvent),
    /// A message that crossed.
    Tap(Tap),
}

/// Security of the access stratum in force.
#[derive(Clone)]
pub(crate) struct AsSecurity {
    pub algorithms: AsAlgorithms,
    pub k_gnb: [u8; 32],
    pub ncc: u8,
    pub nh: Option<[u8; 32]>,
}

/// The control plane of one terminal: RRC with NAS on it.
pub struct UeCp {
    pub(crate) config: UeCpConfig,
    pub(crate) nas: NasUe,
    pub(crate) rng: Rng,
    pub(crate) state: RrcState,
    pub(crate) timers: Timers<RrcTimer>,
    pub(crate) slot: SlotPoint,
    pub(crate) found: Option<FoundCell>,
    pub(crate) sib1: Option<Box<rrc::Sib1>>,
    pub(crate) cell: Option<CellConfig>,
    pub(crate) cell_identity: u64,
    pub(crate) dedicated: Option<DedicatedConfig>,
    pub(crate) mac: MacConfig,
    pub(crate) c_rnti: Option<Rnti>,
    pub(crate) pending: Option<Pending>,
    pub(crate) waiting: VecDeque<SrbMessage>,
    pub(crate) initial_nas: Option<(Vec<u8>, Option<u64>, Option<nas::ie::Guti>)>,
    pub(crate) establishment: Establishment,
    pub(crate) security: Option<AsSecurity>,
    pub(crate) srb2: bool,
    pub(crate) drbs: Vec<nr::DrbId>,
    pub(crate) out_of_sync: u32,
    pub(crate) in_sync: u32,
    pub(crate) rlf: (u32, u32, u32),
    pub(crate) source: Option<(u16, u16)>,
    pub(crate) attempts: u32,
    pub(crate) ue: u32,
    /// The user has switched the terminal off; the radio follows when the connection is gone.
    pub(crate) off: bool,
}

impl UeCp {
    /// A terminal that is switched off. `ue` numbers it in taps.
    pub fn new(config: UeCpConfig, ue: u32, rng: Rng) -> Self {
        let nas = NasUe::new(config.clone(), rng.fork("nas"));
        Self {
            config,
            nas,
            rng: rng.fork("rrc"),
            state: RrcState::Off,
            timers: Timers::default(),
            slot: SlotPoint::default(),
            found: None,
            sib1: None,
            cell: None,
            cell_identity: 0,
            dedicated: None,
            mac: crate::apply::cell_group::default_mac(),
            c_rnti: None,
            pending: None,
            waiting: VecDeque::new(),
            initial_nas: None,
            establishment: Establishment::Signalling,
            security: None,
            srb2: false,
            drbs: Vec::new(),
            out_of_sync: 0,
            in_sync: 0,
            rlf: (1000, 1, 1),
            source: None,
            attempts: 0,
            ue,
            off: false,
        }
    }
    /// Its state.
    pub fn state(&self) -> RrcState {
        self.state
    }
    /// NAS, for reports and key logs.
    pub fn nas(&self) -> &NasUe {
        &self.nas
    }
    /// The cell it is on.
    pub fn cell(&self) -> Option<&CellConfig> {
        self.cell.as_ref()
    }
    /// Switches the terminal on.
    pub fn switch_on(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        self.off = false;
        self.search(false, now, out);
    }
    /// Deregisters, then everything is released. Spec: TS 24.501 §5.5.2.2
    pub fn switch_off(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        self.off = true;
        let mut n = Vec::new();
        self.nas.deregister(true, now, &mut n);
        self.nas_outputs(n, now, out);
    }
    /// A packet of a session waits and has no bearer: an idle terminal asks for its connection.
    pub fn uplink_data(&mut self, now: Tc, session: u8, out: &mut Outbox<CpOutput>) {
        if self.state == RrcState::Idle && self.nas.is_idle() {
            let mut n = Vec::new();
            self.nas.uplink_data(session, now, &mut n);
            self.nas_outputs(n, now, out);
        }
    }
    /// The downlink slot that was processed last: what takes effect does so after it.
    pub fn set_slot(&mut self, slot: SlotPoint) {
        self.slot = slot;
    }
    /// An event of the physical layer that concerns RRC; others are ignored.
    pub fn l1_event(&mut self, now: Tc, event: &UeL1Event, out: &mut Outbox<CpOutput>) {
        match event {
            UeL1Event::CellFound { .. } => self.cell_found(now, event, out),
            UeL1Event::SearchExhausted { rounds } => {
                let cause = format!("no cell on any raster position of bands {:?} (round {rounds})", self.config.bands);
                self.event(
                    CpEvent::Failed { step: "cell-search", cause, clause: "TS 38.104 §5.4.3", retry: true },
                    out,
                );
            }
            UeL1Event::InSync(ok) => self.link_quality(*ok, now, out),
            _ => {}
        }
    }
    /// An event of layer 2; user packets are none of the control plane's business.
    pub fn l2_event(&mut self, now: Tc, event: L2Event, out: &mut Outbox<CpOutput>) {
        match event {
            L2Event::SystemInformation(bytes) => self.system_information(now, &bytes, out),
            L2Event::Paging(bytes) => self.paging(now, &bytes, out),
            L2Event::RandomAccessDone { c_rnti, preambles_sent, .. } => {
                self.c_rnti = Some(c_rnti);
                self.event(CpEvent::RandomAccess { c_rnti: c_rnti.0, preambles: preambles_sent }, out);
            }
            L2Event::Rrc { bearer, pdu, verified, count, mac_i } => {
                if self.waiting.len() < WAITING_MAX {
                    self.waiting.push_back((bearer, pdu, verified, count, mac_i));
                }
                self.work(now, out);
            }
            L2Event::RandomAccessProblem => self.random_access_problem(now, out),
            L2Event::SchedulingRequestFailed | L2Event::TimeAlignmentExpired => self.release_pucch(out),
            L2Event::RlcMaxRetx { .. } => self.link_failed("RLC: maxRetxThreshold", now, out),
            L2Event::IntegrityFailure { bearer } if bearer.is_srb() => {
                self.link_failed("PDCP: integrity check of a signalling bearer failed", now, out);
            }
            _ => {}
        }
    }
    /// When [`UeCp::timeout`] must be called.
    pub fn deadline(&self) -> Option<Tc> {
        [self.timers.next(), self.nas.deadline()].into_iter().flatten().min()
    }
    /// Fires due timers.
    pub fn timeout(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        while let Some(t) = self.timers.expired(now) {
            match t {
                RrcTimer::T300 => self.establishment_timed_out(now, out),
                RrcTimer::T301 => self.go_idle("T301 expired", now, out),
                RrcTimer::T302 => self.connect(now, out),
                RrcTimer::T310 => self.link_failed("T310 expired: the cell is not heard any more", now, out),
                RrcTimer::T311 => self.go_idle("T311 expired: no cell to re-establish on", now, out),
                RrcTimer::Sib1 => {
                    let again = matches!(self.state, RrcState::Searching { reestablish: true });
                    self.search(again, now, out);
                }
                RrcTimer::Apply => self.apply_pending(now, out),
                RrcTimer::Release => self.released(now, out),
            }
        }
        let mut n = Vec::new();
        self.nas.timeout(now, &mut n);
        self.nas_outputs(n, now, out);
    }
    /// Takes waiting messages in order, as long as none is being processed.
    pub(crate) fn work(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        while self.pending.is_none() {
            let Some((bearer, pdu, verified, count, mac_i)) = self.waiting.pop_front() else { return };
            match bearer {
                Bearer::Srb0 => self.ccch(now, &pdu, out),
                _ => self.dcch(now, bearer, &pdu, verified, count, mac_i, out),
            }
        }
    }
    pub(crate) fn later(&mut self, pending: Pending, delay_ms: i64, now: Tc) {
        self.pending = Some(pending);
        self.timers.start(RrcTimer::Apply, now + Tc::from_ms(delay_ms));
    }
    fn apply_pending(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        match self.pending.take() {
            Some(Pending::Setup(m)) => self.apply_setup(*m, now, out),
            Some(Pending::Reconfiguration(m)) => self.apply_reconfiguration(*m, now, out),
            Some(Pending::SecurityMode { transaction, algorithms }) => {
                self.apply_security_mode(transaction, algorithms, now, out);
            }
            Some(Pending::Capability(transaction)) => self.send_capability(transaction, now, out),
            Some(Pending::Reestablishment { transaction, ncc, k_gnb }) => {
                self.apply_reestablishment(transaction, ncc, k_gnb, now, out);
            }
            None => {}
        }
        self.work(now, out);
    }
    pub(crate) fn event(&self, event: CpEvent, out: &mut Outbox<CpOutput>) {
        out.push(CpOutput::Event(event));
    }
    pub(crate) fn tap(
        &self,
        now: Tc,
        direction: Direction,
        channel: &'static str,
        pdu: &[u8],
        out: &mut Outbox<CpOutput>,
    ) {
        let rnti = self.c_rnti.unwrap_or(Rnti(0));
        let frame = Frame::Rrc { rnti, channel, pdu: pdu.to_vec() };
        out.push(CpOutput::Tap(Tap { at: now, direction, ue: self.ue, frame }));
    }
    /// Sends an UL-DCCH message.
    pub(crate) fn send(&mut self, bearer: Bearer, m: rrc::UlDcchMessageTypeC1, now: Tc, out: &mut Outbox<CpOutput>) {
        let message = rrc::UlDcchMessage { message: rrc::UlDcchMessageType::C1(m) };
        if let Ok(pdu) = rrc::encode(&message) {
            self.tap(now, Direction::Uplink, "ul.dcch", &pdu, out);
            out.push(CpOutput::L2(L2Command::SendRrc { bearer, pdu }));
        }
    }
    pub(crate) fn nas_outputs(&mut self, outputs: Vec<NasOutput>, now: Tc, out: &mut Outbox<CpOutput>) {
        for o in outputs {
            match o {
                NasOutput::Initial { pdu, s_tmsi, guami, cause } => {
                    self.initial_nas = Some((pdu, s_tmsi, guami));
                    self.establishment = cause;
                    if self.state == RrcState::Idle {
                        self.connect(now, out);
                    } else if self.state == RrcState::Connected
                        && let Some((pdu, ..)) = self.initial_nas.take()
                    {
                        self.send_nas(pdu, now, out);
                    }
                }
                NasOutput::Send(pdu) => self.send_nas(pdu, now, out),
                NasOutput::Event(e) => {
                    let off = e == CpEvent::Deregistered;
                    self.event(e, out);
                    if off && self.off && self.state != RrcState::Connected {
                        self.switch_radio_off(out);
                    }
                }
                NasOutput::ReleaseConnection => self.released(now, out),
            }
        }
    }
    pub(crate) fn switch_radio_off(&mut self, out: &mut Outbox<CpOutput>) {
        self.state = RrcState::Off;
        self.timers.stop_where(|_| true);
        out.push(CpOutput::L2(L2Command::Reset));
        out.push(CpOutput::L1(UeL1Command::Reset));
    }
}
