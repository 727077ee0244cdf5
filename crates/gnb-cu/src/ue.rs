//! The context of one UE in the central unit.

use ngap::UeIds;
use nr::{DrbId, Rnti, Tc, Teid};
use pdcp::Pdcp;
use sdap::Sdap;
use seam::bearer::{AsAlgorithms, Bearer};
use seam::f1::DuUeId;
use std::collections::{BTreeMap, VecDeque};

/// Where a UE stands. Spec: TS 38.331 §5.3
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UeState {
    /// RRCSetup sent.
    SettingUp,
    /// RRCReestablishment sent.
    Reestablishing,
    /// Connected.
    Connected,
    /// The DU lost it; kept for a re-establishment.
    Lost,
    /// Being released.
    Releasing,
}

/// What the RRC procedure at hand is, and what it answers to.
#[derive(Clone, Debug)]
pub(crate) enum Procedure {
    /// SecurityModeCommand sent.
    Security,
    /// UECapabilityEnquiry sent.
    Capability,
    /// Waiting for the DU's CellGroupConfig.
    DuConfiguration(Task),
    /// RRCReconfiguration sent.
    Reconfiguration(Task),
}

/// Work that waits for its turn: one RRC procedure at a time.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// Activate security.
    Security,
    /// Ask for capabilities.
    Capability,
    /// Add SRB2, then answer the initial context setup.
    Srb2 { nas: Vec<Vec<u8>> },
    /// Set up sessions: (session, DRB), answering a setup request (`initial`: an initial context setup).
    Sessions { drbs: Vec<(u8, DrbId)>, nas: Vec<Vec<u8>>, failed: Vec<(u8, ngap::Cause)>, initial: bool, srb2: bool },
    /// Release sessions.
    ReleaseSessions { ids: Vec<u8>, drbs: Vec<DrbId>, nas: Vec<Vec<u8>> },
    /// After a re-establishment: bring SRB2 and the DRBs back.
    Restore,
    /// The DU wants its configuration to be sent again.
    Refresh,
}

/// Tasks that may wait: more than the sessions a UE can have, so only an AMF gone wrong reaches it.
pub(crate) const TASKS_MAX: usize = 32;

/// One PDU session.
#[derive(Debug)]
pub(crate) struct Session {
    pub id: u8,
    pub sdap: Sdap,
    pub uplink: ngap::GtpTunnel,
    pub downlink: Teid,
    pub drb: DrbId,
    pub qfis: Vec<u8>,
    pub five_qi: u8,
    /// Its user data is integrity protected, because the core or the operator says so.
    pub integrity: bool,
}

/// One DRB.
#[derive(Debug)]
pub(crate) struct Drb {
    pub pdcp: Pdcp,
    pub session: u8,
    pub queued_bytes: u32,
}

/// Security of the access stratum.
#[derive(Clone)]
pub(crate) struct Security {
    pub algorithms: AsAlgorithms,
    pub k_gnb: [u8; 32],
    pub ncc: u8,
    pub active: bool,
}

/// One UE.
pub(crate) struct Ue {
    pub ran: u32,
    pub du: DuUeId,
    pub c_rnti: Rnti,
    pub amf: Option<u64>,
    pub state: UeState,
    pub srb1: Pdcp,
    pub srb2: Option<Pdcp>,
    pub drbs: BTreeMap<DrbId, Drb>,
    pub sessions: Vec<Session>,
    pub security: Option<Security>,
    pub capability: Option<Vec<u8>>,
    pub procedure: Option<Procedure>,
    pub tasks: VecDeque<Task>,
    pub transaction: u8,
    pub establishment_cause: u8,
    pub s_tmsi_part1: Option<u64>,
    pub initial_context: bool,
    /// When a packet or a NAS message crossed last.
    pub active_at: Tc,
    /// NAS messages that wait until SRB2 is back after a re-establishment.
    pub held_nas: Vec<Vec<u8>>,
}

impl Ue {
    /// SRB2 rests: lost, or re-establishing up to the reconfiguration. Spec: TS 38.331 §5.3.7.5
    pub(crate) fn srb2_rests(&self) -> bool {
        let restoring = |t: &Task| matches!(t, Task::Restore);
        let under_way = matches!(&self.procedure,
            Some(Procedure::DuConfiguration(t) | Procedure::Reconfiguration(t)) if restoring(t));
        self.srb2.is_some()
            && (matches!(self.state, UeState::Lost | UeState::Reestablishing)
                || under_way
                || self.tasks.iter().any(restoring))
    }
    pub(crate) fn ids(&self) -> Option<UeIds> {
        Some(UeIds { amf: self.amf?, ran: self.ran })
    }
    pub(crate) fn next_transaction(&mut self) -> u8 {
        self.transaction = (self.transaction + 1) & 3;
        self.transaction
    }
    pub(crate) fn srb(&mut self, bearer: Bearer) -> Option<&mut Pdcp> {
        match bearer {
            Bearer::Srb1 => Some(&mut self.srb1),
            Bearer::Srb2 => self.srb2.as_mut(),
            _ => None,
        }
    }
    /// A DRB identity that is free.
    pub(crate) fn free_drb(&self) -> Option<DrbId> {
        (1..=29).filter_map(DrbId::new).find(|d| !self.sessions.iter().any(|s| s.drb == *d))
    }
}
