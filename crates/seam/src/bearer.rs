//! Bearers. Names follow TS 38.331 §6.3.2; timers are in milliseconds (0 where the name is ms0, `None` for infinity).

use nr::{DrbId, LcId, Qfi};

/// A signalling or data radio bearer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bearer {
    /// SRB0 on the CCCH; never has a PDCP entity.
    Srb0,
    /// SRB1.
    Srb1,
    /// SRB2.
    Srb2,
    /// A data radio bearer.
    Drb(DrbId),
}

impl Bearer {
    /// BEARER input of the ciphers: the identity minus one. Spec: TS 38.323 §5.8
    pub fn cipher_bearer(self) -> u8 {
        match self {
            Bearer::Srb0 | Bearer::Srb1 => 0,
            Bearer::Srb2 => 1,
            Bearer::Drb(d) => d.get() - 1,
        }
    }
    /// Whether it carries signalling.
    pub fn is_srb(self) -> bool {
        !matches!(self, Bearer::Drb(_))
    }
}

/// RLC-Config. Spec: TS 38.322 §7
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RlcConfig {
    /// Transparent mode (SRB0).
    Tm,
    /// Unacknowledged mode.
    Um {
        /// Sequence number length: 6 or 12.
        sn_bits: u8,
        /// t-Reassembly, ms.
        t_reassembly_ms: u16,
    },
    /// Acknowledged mode.
    Am {
        /// Sequence number length: 12 or 18.
        sn_bits: u8,
        /// t-PollRetransmit, ms.
        t_poll_retransmit_ms: u16,
        /// pollPDU; `None` is infinity.
        poll_pdu: Option<u32>,
        /// pollByte, bytes; `None` is infinity.
        poll_byte: Option<u32>,
        /// maxRetxThreshold.
        max_retx_threshold: u8,
        /// t-Reassembly, ms.
        t_reassembly_ms: u16,
        /// t-StatusProhibit, ms.
        t_status_prohibit_ms: u16,
    },
}

/// PDCP-Config. Spec: TS 38.323 §7
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PdcpConfig {
    /// pdcp-SN-Size: 12 or 18 (SRB: 12).
    pub sn_bits: u8,
    /// discardTimer, ms; `None` is infinity.
    pub discard_timer_ms: Option<u32>,
    /// t-Reordering, ms; `None` is infinity.
    pub t_reordering_ms: Option<u32>,
    /// integrityProtection is on (always for SRBs once security is active).
    pub integrity: bool,
    /// cipheringDisabled is absent.
    pub ciphering: bool,
    /// statusReportRequired.
    pub status_report_required: bool,
    /// outOfOrderDelivery.
    pub out_of_order_delivery: bool,
}

/// LogicalChannelConfig. Spec: TS 38.321 §5.4.3.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogicalChannelConfig {
    /// priority, 1 (highest) ..=16.
    pub priority: u8,
    /// prioritisedBitRate, bytes a second; `None` is infinity.
    pub prioritised_bit_rate: Option<u32>,
    /// bucketSizeDuration, ms.
    pub bucket_size_duration_ms: u16,
    /// logicalChannelGroup 0..=7.
    pub logical_channel_group: Option<u8>,
    /// schedulingRequestID is configured.
    pub scheduling_request: bool,
}

/// RLC-BearerConfig: a logical channel with its RLC entity and the bearer it serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RlcBearerConfig {
    /// logicalChannelIdentity.
    pub lcid: LcId,
    /// servedRadioBearer.
    pub bearer: Bearer,
    /// RLC.
    pub rlc: RlcConfig,
    /// MAC.
    pub logical_channel: LogicalChannelConfig,
}

/// SDAP-Config of a DRB. Spec: TS 37.324, TS 38.331 SDAP-Config
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SdapConfig {
    /// pdu-Session.
    pub pdu_session: u8,
    /// sdap-HeaderDL is present.
    pub header_dl: bool,
    /// sdap-HeaderUL is present.
    pub header_ul: bool,
    /// defaultDRB.
    pub default_drb: bool,
    /// mappedQoS-FlowsToAdd.
    pub flows: Vec<Qfi>,
}

/// Algorithms of the access stratum. Spec: TS 33.501 §5.11.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AsAlgorithms {
    /// NEA 0..=3.
    pub nea: u8,
    /// NIA 0..=3.
    pub nia: u8,
}

/// Keys of the access stratum, 128 bits each. Spec: TS 33.501 §A.8
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AsKeys {
    /// K_RRCint.
    pub rrc_int: [u8; 16],
    /// K_RRCenc.
    pub rrc_enc: [u8; 16],
    /// K_UPint.
    pub up_int: [u8; 16],
    /// K_UPenc.
    pub up_enc: [u8; 16],
}

impl core::fmt::Debug for AsKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AsKeys(..)")
    }
}
