//! Between the terminal's control plane and its layer 2.

use crate::bearer::{AsAlgorithms, AsKeys, Bearer, PdcpConfig, RlcBearerConfig, SdapConfig};
use nr::{DrbId, LcId, Rnti, Tc};

/// From RRC to layer 2.
#[derive(Clone, PartialEq, Debug)]
pub enum L2Command {
    /// The cell's random access configuration (from SIB1).
    ConfigureRandomAccess(RandomAccessConfig),
    /// Start random access; `ccch` is the RRC message for Msg3 (initial access), or `None` when a C-RNTI is held.
    StartRandomAccess { ccch: Option<Vec<u8>> },
    /// MAC parameters of MAC-CellGroupConfig.
    ConfigureMac(MacConfig),
    /// Add or change a logical channel with its RLC entity.
    AddRlcBearer(RlcBearerConfig),
    /// Remove a logical channel with its RLC entity.
    ReleaseRlcBearer(LcId),
    /// Add or change a PDCP entity (`sdap` for DRBs).
    AddPdcp { bearer: Bearer, config: PdcpConfig, sdap: Option<SdapConfig> },
    /// Remove a DRB's PDCP entity.
    ReleaseDrb(DrbId),
    /// Security of the access stratum. Integrity is checked and made on SRBs from now on; ciphering of what is sent and received
    /// starts after the SecurityModeComplete has been handed over: `ciphering` says whether it is on. Spec: TS 38.331 §5.3.4.3
    Secure { algorithms: AsAlgorithms, keys: AsKeys, ciphering: bool },
    /// An RRC message for SRB1 or SRB2 (PDCP and below are L2's).
    SendRrc { bearer: Bearer, pdu: Vec<u8> },
    /// MAC-I of the given message bits for a ShortMAC-I or a check, computed outside PDCP: not L2's matter; RRC does it itself.
    /// Re-establish PDCP and RLC of a bearer (COUNT is kept or reset as TS 38.323 §5.1.2 says). A signalling bearer's security is
    /// off until the next `Secure`: what comes meanwhile is handed up unverified, with its `mac_i`.
    Reestablish { bearer: Bearer },
    /// Suspend every bearer but SRB0 and reset MAC (re-establishment starts). Spec: TS 38.331 §5.3.7.2
    SuspendAll,
    /// Release every bearer but SRB0 with its entities, and forget the keys; MAC and the C-RNTI stay (an RRCSetup answers a
    /// re-establishment). Spec: TS 38.331 §5.3.3.4
    ReleaseBearers,
    /// Resume a bearer.
    Resume { bearer: Bearer },
    /// MAC reset and release of everything.
    Reset,
}

/// What MAC needs of RACH-ConfigCommon; the occasions and sequences are L1's. Spec: TS 38.321 §5.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RandomAccessConfig {
    /// preambleReceivedTargetPower, dBm, with DELTA_PREAMBLE of the format already added. Spec: TS 38.321 §7.3
    pub preamble_target_power_dbm: i16,
    /// powerRampingStep, dB: 0, 2, 4, 6.
    pub power_ramping_step_db: u8,
    /// preambleTransMax.
    pub preamble_trans_max: u8,
    /// ra-ResponseWindow, slots.
    pub ra_response_window_slots: u8,
    /// ra-ContentionResolutionTimer, ms.
    pub contention_resolution_timer_ms: u8,
    /// Contention-based preambles are 0..n_preambles.
    pub n_preambles: u8,
}

/// MAC-CellGroupConfig. Spec: TS 38.321 §5.4.4 to §5.4.6, §5.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MacConfig {
    /// periodicBSR-Timer, ms; `None` is infinity.
    pub periodic_bsr_timer_ms: Option<u32>,
    /// retxBSR-Timer, ms.
    pub retx_bsr_timer_ms: u32,
    /// sr-ProhibitTimer, ms.
    pub sr_prohibit_timer_ms: u16,
    /// sr-TransMax.
    pub sr_trans_max: u8,
    /// timeAlignmentTimer, ms; `None` is infinity.
    pub time_alignment_timer_ms: Option<u32>,
    /// phr-PeriodicTimer, ms; `None` is infinity.
    pub phr_periodic_timer_ms: Option<u32>,
    /// phr-ProhibitTimer, ms.
    pub phr_prohibit_timer_ms: u32,
    /// phr-Tx-PowerFactorChange, dB.
    pub phr_tx_power_factor_change_db: Option<u8>,
    /// There is a PUCCH resource for scheduling requests. Spec: TS 38.331 SchedulingRequestResourceConfig
    pub sr_resource: bool,
}

/// From layer 2 to RRC and to the house.
#[derive(Clone, PartialEq, Debug)]
pub enum L2Event {
    /// An RRC message on a SRB, deciphered. `verified`: its integrity was checked and holds (PDUs that fail are never handed up).
    /// Before security is active `verified` is false, and `count` (PDCP COUNT) and `mac_i` let RRC check the SecurityModeCommand
    /// itself, whose keys it alone can derive; both are zero on SRB0. Spec: TS 38.331 §5.3.4.3
    Rrc { bearer: Bearer, pdu: Vec<u8>, verified: bool, count: u32, mac_i: [u8; 4] },
    /// A BCCH-DL-SCH message (system information).
    SystemInformation(Vec<u8>),
    /// A PCCH message.
    Paging(Vec<u8>),
    /// Random access succeeded; a C-RNTI is held.
    RandomAccessDone { c_rnti: Rnti, preambles_sent: u8, at: Tc },
    /// preambleTransMax reached.
    RandomAccessProblem,
    /// RLC reached maxRetxThreshold.
    RlcMaxRetx { lcid: LcId },
    /// A PDCP PDU whose integrity does not hold.
    IntegrityFailure { bearer: Bearer },
    /// timeAlignmentTimer expired: uplink resources are gone.
    TimeAlignmentExpired,
    /// Scheduling requests were sent sr-TransMax times without a grant: PUCCH and SR are released, random access starts.
    SchedulingRequestFailed,
    /// An IP packet (or other PDU) of a PDU session.
    User { pdu_session: u8, qfi: u8, packet: Vec<u8> },
}
