//! What the control plane tells its house: the steps of an attach, sessions, and failures with cause and clause.

use std::net::Ipv4Addr;

/// A step that was completed, or why one was not.
#[derive(Clone, PartialEq, Debug)]
pub enum CpEvent {
    /// A cell was found in the samples.
    CellFound { pci: u16, ssb_hz: f64, cfo_hz: f32, snr_db: f32, rsrp_dbm: f32 },
    /// Its MIB was read.
    Mib { sfn: u16 },
    /// Its SIB1 was read, and its PLMN is ours.
    Sib1 { plmn: String, tac: u32, cell_id: u64, bytes: Vec<u8> },
    /// Random access succeeded.
    RandomAccess { c_rnti: u16, preambles: u8 },
    /// RRCSetup was applied.
    RrcConnected,
    /// A registration request was sent with this SUCI.
    RegistrationStarted { suci: Option<String> },
    /// The network proved itself and we answered its challenge.
    Authenticated,
    /// The challenge's SQN was out of range; we answered with AUTS.
    Resynchronising,
    /// NAS security is in force with these algorithms.
    NasSecurity { nea: u8, nia: u8 },
    /// Access stratum security is in force with these algorithms.
    AsSecurity { nea: u8, nia: u8 },
    /// Registered.
    Registered { guti: Option<String> },
    /// A session is up (its bearer may still be a moment away).
    SessionUp(SessionInfo),
    /// A session is gone.
    SessionDown { id: u8 },
    /// A registered terminal without a connection asks for one: because it was called, or has something to send.
    ServiceRequested { paged: bool },
    /// The network gives it.
    ServiceAccepted,
    /// The connection was released by the network.
    Released,
    /// The radio link failed; we look for a cell to re-establish on.
    RadioLinkFailure { cause: &'static str },
    /// Re-established on a cell.
    Reestablished,
    /// Deregistered.
    Deregistered,
    /// A step failed for good (another try may follow when `retry`).
    Failed { step: &'static str, cause: String, clause: &'static str, retry: bool },
}

/// A PDU session as the network granted it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionInfo {
    /// PDU session identity.
    pub id: u8,
    /// IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 interface identifier; the prefix comes by router advertisement.
    pub interface_id: Option<[u8; 8]>,
    /// DNS servers.
    pub dns: Vec<std::net::IpAddr>,
    /// Link MTU.
    pub mtu: u16,
    /// QFI of the default flow.
    pub qfi: u8,
}
