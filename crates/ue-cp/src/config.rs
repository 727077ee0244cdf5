//! What a terminal is told: its bands, its PLMN, its USIM, and the sessions its user wants. Nothing about any cell.

use nas::ie::PduSessionType;
use nr::{Plmn, SNssai, Supi};
use security::{AuthenticationSubscription, Scheme};

/// The universal subscriber identity module.
#[derive(Clone, Debug)]
pub struct Usim {
    /// Subscription permanent identifier.
    pub supi: Supi,
    /// Digits of the MNC of the home network, 2 or 3: where the MSIN starts.
    pub home_plmn: Plmn,
    /// K with its algorithm.
    pub subscription: AuthenticationSubscription,
    /// Highest SQN accepted so far (SQN_MS), 48 bits.
    pub sqn_ms: u64,
    /// Protection scheme of the SUCI.
    pub scheme: Scheme,
    /// Public key of the home network.
    pub home_public_key: Vec<u8>,
    /// Home network public key identifier.
    pub home_key_id: u8,
    /// Routing indicator, 1 to 4 digits.
    pub routing_indicator: String,
}

/// A PDU session that the terminal asks for after registration.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionWish {
    /// PDU session identity, 1..=15.
    pub id: u8,
    /// Type.
    pub kind: PduSessionType,
    /// Data network name; `None` leaves the choice to the network.
    pub dnn: Option<String>,
    /// Slice; `None` leaves the choice to the network.
    pub s_nssai: Option<SNssai>,
}

/// Configuration of the terminal's control plane.
#[derive(Clone, Debug)]
pub struct UeCpConfig {
    /// NR bands it can use, in the order it searches them.
    pub bands: Vec<u16>,
    /// The PLMN it looks for.
    pub plmn: Plmn,
    /// Its USIM.
    pub usim: Usim,
    /// IMEISV, 16 digits.
    pub imeisv: String,
    /// 5G-EA bits it supports, most significant bit is 5G-EA0.
    pub nea: u8,
    /// 5G-IA bits it supports, most significant bit is 5G-IA0.
    pub nia: u8,
    /// Null ciphering and integrity are accepted for NAS and AS. Off by default: a network that selects them is refused.
    pub allow_null: bool,
    /// Slices it asks for.
    pub requested_nssai: Vec<SNssai>,
    /// Sessions it wants.
    pub sessions: Vec<SessionWish>,
    /// What its radio can do.
    pub capability: RadioCapability,
}

/// From which the UE-NR-Capability is made.
#[derive(Clone, PartialEq, Debug)]
pub struct RadioCapability {
    /// 256QAM on PDSCH.
    pub dl_256qam: bool,
    /// 256QAM on PUSCH.
    pub ul_256qam: bool,
    /// Layers of a PDSCH: 1, 2 or 4.
    pub dl_layers: u8,
    /// Layers of a PUSCH, and ports of an SRS: 1, 2 or 4.
    pub ul_layers: u8,
    /// PDCP integrity of user data at full rate.
    pub up_integrity_full_rate: bool,
}

impl Default for RadioCapability {
    fn default() -> Self {
        Self { dl_256qam: true, ul_256qam: true, dl_layers: 1, ul_layers: 1, up_integrity_full_rate: true }
    }
}
