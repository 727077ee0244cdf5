//! The base station's central unit: RRC, PDCP, SDAP, NGAP and N3.
//!
//! [`GnbCu`] is a node: [`GnbCu::start`], [`GnbCu::n2`], [`GnbCu::f1`], [`GnbCu::n3`] and [`GnbCu::timeout`] take what happened, an
//! outbox of [`CuOutput`] takes what follows.
//!
//! | interface | file |
//! |---|---|
//! | N2 (NGAP) | [`n2`] |
//! | Uu (RRC) and F1-C | [`uu`] |
//! | N3 and F1-U | [`user`] |
//! | procedures that need several messages | [`procedures`] |
//!
//! Left out, and why: handover (one cell), measurements, RRC_INACTIVE, several AMFs.

mod config;
mod fuzz;
mod n2;
mod procedures;
mod rrc_build;
#[cfg(test)]
mod tests;
mod ue;
mod user;
mod uu;

pub use config::GnbCuConfig;
pub use fuzz::fuzz_one;

use node::{Outbox, Timers};
use nr::{Tc, Teid};
use pdcp::PdcpEvent;
use seam::f1::{CuToDu, DuToCu, DuUeId};
use std::collections::BTreeMap;
use ue::{Ue, UeState};

/// What the central unit wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum CuOutput {
    /// An NGAP message to the AMF.
    N2(Vec<u8>),
    /// To the distributed unit.
    F1(CuToDu),
    /// A GTP-U packet to the UPF's address.
    N3 { to: std::net::IpAddr, packet: Vec<u8> },
    /// For the log and the report.
    Event(CuEvent),
}

/// What an operator wants to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CuEvent {
    /// NG setup succeeded.
    NgSetup { amf: String },
    /// NG setup failed.
    NgSetupFailed(String),
    /// A UE connected.
    UeConnected { ran: u32 },
    /// A UE was re-established.
    UeReestablished { ran: u32 },
    /// A UE is gone.
    UeReleased { ran: u32 },
    /// Something a peer sent was wrong.
    PeerError(String),
}

/// Timers of the central unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CuTimer {
    /// NG setup is tried again.
    NgSetup,
    /// The RRC procedure or the setup of a UE takes too long.
    Ue(u32),
    /// Nothing has crossed for a UE.
    Inactivity(u32),
}

/// Patience with a UE's answer.
pub(crate) const PROCEDURE_PATIENCE: Tc = Tc::from_ms(5_000);
/// How long a lost UE is kept for a re-establishment.
pub(crate) const LOST_PATIENCE: Tc = Tc::from_ms(8_000);

/// The central unit.
pub struct GnbCu {
    pub(crate) config: GnbCuConfig,
    pub(crate) ues: BTreeMap<u32, Ue>,
    pub(crate) by_du: BTreeMap<DuUeId, u32>,
    pub(crate) by_teid: BTreeMap<Teid, (u32, u8)>,
    pub(crate) timers: Timers<CuTimer>,
    pub(crate) next_ran: u32,
    pub(crate) next_teid: u32,
    pub(crate) amf: Option<String>,
    pub(crate) scratch: Outbox<PdcpEvent>,
    pub(crate) dropped: u64,
}

impl GnbCu {
    /// A central unit that has not met its AMF yet.
    pub fn new(config: GnbCuConfig) -> Self {
        Self {
            config,
            ues: BTreeMap::new(),
            by_du: BTreeMap::new(),
            by_teid: BTreeMap::new(),
            timers: Timers::default(),
            next_ran: 1,
            next_teid: 1,
            amf: None,
            scratch: Outbox::default(),
            dropped: 0,
        }
    }
    /// Begins: NG setup.
    pub fn start(&mut self, now: Tc, out: &mut Outbox<CuOutput>) {
        self.ng_setup(now, out);
    }
    /// UEs with a context.
    pub fn n_ues(&self) -> usize {
        self.ues.len()
    }
    /// Downlink packets that were dropped because too much waited.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
    /// A message of the distributed unit.
    pub fn f1(&mut self, now: Tc, message: DuToCu, out: &mut Outbox<CuOutput>) {
        match message {
            DuToCu::InitialUlRrc { ue, c_rnti, rrc, cell_group } => {
                self.initial_rrc(now, ue, c_rnti, &rrc, cell_group, out)
            }
            DuToCu::UlRrcTransfer { ue, bearer, pdu } => self.ul_rrc(now, ue, bearer, pdu, out),
            DuToCu::UeContextResponse { ue, cell_group, .. } => self.du_configured(now, ue, cell_group, out),
            DuToCu::UeContextModificationRequired { ue } => self.refresh(now, ue, out),
            DuToCu::UeContextReleased { ue } => self.du_released(ue, out),
            DuToCu::UeLost { ue, .. } => self.ue_lost(now, ue),
            DuToCu::UlUser { ue, drb, pdu } => self.ul_user(now, ue, drb, pdu, out),
            DuToCu::DeliveryStatus { ue, drb, queued_bytes, delivered } => {
                let Some(u) = self.by_du.get(&ue).and_then(|r| self.ues.get_mut(r)) else { return };
                if let Some(d) = u.drbs.get_mut(&drb) {
                    d.queued_bytes = queued_bytes;
                    d.pdcp.delivered_oldest(delivered);
                }
            }
        }
    }
    /// When [`GnbCu::timeout`] must be called.
    pub fn deadline(&self) -> Option<Tc> {
        let pdcp = self.ues.values().flat_map(|u| {
            let srbs = [u.srb1.deadline(), u.srb2.as_ref().and_then(|p| p.deadline())];
            srbs.into_iter().chain(u.drbs.values().map(|d| d.pdcp.deadline()))
        });
        pdcp.chain([self.timers.next()]).flatten().min()
    }
    /// Fires due timers.
    pub fn timeout(&mut self, now: Tc, out: &mut Outbox<CuOutput>) {
        while let Some(t) = self.timers.expired(now) {
            match t {
                CuTimer::NgSetup => self.ng_setup(now, out),
                CuTimer::Ue(ran) => self.ue_timed_out(now, ran, out),
                CuTimer::Inactivity(ran) => self.inactive(now, ran, out),
            }
        }
        self.user_timeouts(now, out);
    }
    pub(crate) fn wait(&mut self, ran: u32, patience: Tc, now: Tc) {
        self.timers.start(CuTimer::Ue(ran), now + patience);
    }
    /// Forgets a UE on this side.
    pub(crate) fn forget(&mut self, ran: u32, out: &mut Outbox<CuOutput>) {
        self.timers.stop(CuTimer::Ue(ran));
        self.timers.stop(CuTimer::Inactivity(ran));
        if let Some(u) = self.ues.remove(&ran) {
            self.by_du.remove(&u.du);
            for s in &u.sessions {
                self.by_teid.remove(&s.downlink);
            }
            out.push(CuOutput::Event(CuEvent::UeReleased { ran }));
        }
    }
    fn du_released(&mut self, ue: DuUeId, out: &mut Outbox<CuOutput>) {
        let Some(&ran) = self.by_du.get(&ue) else { return };
        if let Some(u) = self.ues.get(&ran)
            && u.state == UeState::Releasing
        {
            self.release_complete(ran, out);
            self.forget(ran, out);
        }
    }
}
