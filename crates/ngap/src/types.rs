//! Values that several messages share.

use nr::{Plmn, SNssai};

/// The two ends' names for one UE. Spec: TS 38.413 §9.3.3.1, §9.3.3.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UeIds {
    /// AMF UE NGAP ID, 40 bits.
    pub amf: u64,
    /// RAN UE NGAP ID.
    pub ran: u32,
}

/// A gNB's global identity. Spec: TS 38.413 §9.3.1.6
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalGnbId {
    /// PLMN.
    pub plmn: Plmn,
    /// gNB identity.
    pub id: u32,
    /// Its length, 22 to 32 bits.
    pub bits: u8,
}

/// GUAMI. Spec: TS 38.413 §9.3.3.3
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guami {
    /// PLMN.
    pub plmn: Plmn,
    /// AMF region.
    pub region: u8,
    /// AMF set, 10 bits.
    pub set: u16,
    /// AMF pointer, 6 bits.
    pub pointer: u8,
}

/// A PLMN with the slices that are supported in it. Spec: TS 38.413 §9.3.1.17
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlmnSlices {
    /// PLMN.
    pub plmn: Plmn,
    /// Slices, at least one.
    pub slices: Vec<SNssai>,
}

/// A tracking area that a gNB serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedTa {
    /// Tracking area code, 24 bits.
    pub tac: u32,
    /// PLMNs that are broadcast in it.
    pub plmns: Vec<PlmnSlices>,
}

/// Where a UE is. Spec: TS 38.413 §9.3.1.16
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserLocation {
    /// PLMN of the cell and of the tracking area.
    pub plmn: Plmn,
    /// NR cell identity, 36 bits.
    pub nr_cell_id: u64,
    /// PLMN of the tracking area.
    pub tai_plmn: Plmn,
    /// Tracking area code, 24 bits.
    pub tac: u32,
}

/// Why a UE set up its RRC connection. Spec: TS 38.413 §9.3.1.111
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RrcEstablishmentCause {
    Emergency = 0,
    HighPriorityAccess = 1,
    MtAccess = 2,
    MoSignalling = 3,
    MoData = 4,
    MoVoiceCall = 5,
    MoVideoCall = 6,
    MoSms = 7,
    MpsPriorityAccess = 8,
    McsPriorityAccess = 9,
    NotAvailable = 10,
}

impl RrcEstablishmentCause {
    /// The cause of RRC's number (the same order), or `NotAvailable`.
    pub fn from_rrc(value: u8) -> Self {
        match value {
            0 => Self::Emergency,
            1 => Self::HighPriorityAccess,
            2 => Self::MtAccess,
            3 => Self::MoSignalling,
            4 => Self::MoData,
            5 => Self::MoVoiceCall,
            6 => Self::MoVideoCall,
            7 => Self::MoSms,
            8 => Self::MpsPriorityAccess,
            9 => Self::McsPriorityAccess,
            _ => Self::NotAvailable,
        }
    }
}

/// A UE's algorithms; the most significant bit is algorithm 1, for algorithm 0 has none. Spec: TS 38.413 §9.3.1.86
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UeSecurityCapabilities {
    /// NEA1 is 0x8000, NEA2 0x4000, NEA3 0x2000.
    pub nr_encryption: u16,
    /// NIA1 is 0x8000, NIA2 0x4000, NIA3 0x2000.
    pub nr_integrity: u16,
    /// EEA alike.
    pub eutra_encryption: u16,
    /// EIA alike.
    pub eutra_integrity: u16,
}

impl UeSecurityCapabilities {
    /// From NAS's octets, where the most significant bit is algorithm 0. Spec: TS 24.501 §9.11.3.54
    pub fn from_nas(nea: u8, nia: u8, eea: u8, eia: u8) -> Self {
        let shift = |octet: u8| u16::from(octet << 1) << 8;
        Self {
            nr_encryption: shift(nea),
            nr_integrity: shift(nia),
            eutra_encryption: shift(eea),
            eutra_integrity: shift(eia),
        }
    }
}

/// Bit rates in bit/s. Spec: TS 38.413 §9.3.1.58
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambr {
    /// Downlink.
    pub downlink_bps: u64,
    /// Uplink.
    pub uplink_bps: u64,
}

/// The end of a GTP-U tunnel. Spec: TS 38.413 §9.3.2.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GtpTunnel {
    /// Where its packets are sent to.
    pub address: std::net::IpAddr,
    /// Its TEID.
    pub teid: nr::Teid,
}
