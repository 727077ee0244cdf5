//! What the core tells its owner.

use std::net::{Ipv4Addr, Ipv6Addr};

use nr::{SNssai, Supi};

/// Something that a report or a log wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoreEvent {
    /// A gNB has set up its N2 interface.
    GnbConnected {
        /// Its association.
        gnb: crate::GnbId,
        /// Its name.
        name: String,
    },
    /// A gNB was refused.
    GnbRefused {
        /// Its association.
        gnb: crate::GnbId,
        /// Why.
        cause: String,
    },
    /// A UE has said who it is.
    Identified {
        /// AMF UE NGAP ID.
        ue: u64,
        /// What it sent.
        identity: String,
    },
    /// A UE and its home network have authenticated each other.
    Authenticated {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Who it is.
        supi: Supi,
    },
    /// A USIM's sequence number was taken over.
    Resynchronised {
        /// AMF UE NGAP ID.
        ue: u64,
    },
    /// NAS security is on.
    Secured {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Who it is.
        supi: Supi,
        /// Ciphering.
        nea: security::NeaAlg,
        /// Integrity.
        nia: security::NiaAlg,
    },
    /// The keys of a UE's NAS, for a key log; only if [`crate::TapConfig::keys`] says so.
    NasKeys {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Who it is.
        supi: Supi,
        /// K_AMF.
        k_amf: [u8; 32],
        /// K_NASenc.
        k_nas_enc: [u8; 16],
        /// K_NASint.
        k_nas_int: [u8; 16],
    },
    /// A UE is registered.
    Registered {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Who it is.
        supi: Supi,
        /// Its 5G-GUTI.
        guti: nas::ie::Guti,
        /// Its slices.
        allowed: Vec<SNssai>,
    },
    /// A UE was refused.
    Refused {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Who it is, if that is known.
        supi: Option<Supi>,
        /// At which step: registration, authentication, security-mode, session.
        step: &'static str,
        /// Why, as the specification words it.
        cause: String,
        /// The clause.
        clause: &'static str,
    },
    /// A UE is no longer registered.
    Deregistered {
        /// Who it is.
        supi: Supi,
    },
    /// A UE has no connection any more, and may be registered still.
    Released {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Why.
        cause: &'static str,
    },
    /// A session carries packets.
    SessionActive {
        /// Whose.
        supi: Supi,
        /// PDU session identity.
        session: u8,
        /// To which network.
        dnn: String,
        /// IPv4 address.
        ipv4: Option<Ipv4Addr>,
        /// IPv6 prefix, 64 bits.
        ipv6_prefix: Option<Ipv6Addr>,
    },
    /// A session is gone.
    SessionReleased {
        /// Whose.
        supi: Supi,
        /// PDU session identity.
        session: u8,
        /// Octets that the UPF counted, up and down.
        volume: Option<(u64, u64)>,
    },
    /// A message was not understood, and dropped or answered with an error.
    ProtocolError {
        /// Where: "N1", "N2", "N3", "N4".
        interface: &'static str,
        /// What.
        what: String,
    },
}
