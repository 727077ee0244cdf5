//! What a core is configured with. Every value is legal but for what [`CoreConfig::check`] names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nas::ie::PduSessionType;
use nr::{Plmn, SNssai, Supi};
use security::{AuthenticationSubscription, NeaAlg, NiaAlg, Scheme};

/// Which AMF this is. Spec: TS 23.003 §2.10.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmfIdentity {
    /// AMF region, 8 bits.
    pub region: u8,
    /// AMF set, 10 bits.
    pub set: u16,
    /// AMF pointer, 6 bits.
    pub pointer: u8,
    /// AMF name.
    pub name: String,
}

/// A data network. Spec: TS 23.501 §5.6.5
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnnConfig {
    /// Its name.
    pub name: String,
    /// The slices it is offered in; none means all.
    pub slices: Vec<SNssai>,
    /// Whether sessions may have IPv4.
    pub ipv4: bool,
    /// Whether sessions may have IPv6.
    pub ipv6: bool,
    /// IPv4 pool and its prefix length, 8 to 30; the first address is the gateway's.
    pub ipv4_pool: (Ipv4Addr, u8),
    /// IPv6 pool and its prefix length, 32 to 63; each UE gets a /64.
    pub ipv6_pool: (Ipv6Addr, u8),
    /// DNS servers.
    pub dns: Vec<IpAddr>,
    /// Link MTU, octets, 1280 to 9000.
    pub mtu: u16,
    /// Session AMBR, kbit/s down and up.
    pub ambr_kbps: (u64, u64),
    /// Whether the UPF enforces the session AMBR.
    pub enforce_ambr: bool,
    /// 5QI of the default QoS flow.
    pub five_qi: u8,
}

impl DnnConfig {
    /// The DNN "internet" with 10.45.0.0/16, 2001:db8:45::/48 and 5QI 9.
    pub fn internet() -> Self {
        Self {
            name: "internet".into(),
            slices: Vec::new(),
            ipv4: true,
            ipv6: true,
            ipv4_pool: (Ipv4Addr::new(10, 45, 0, 0), 16),
            ipv6_pool: (Ipv6Addr::new(0x2001, 0xdb8, 0x45, 0, 0, 0, 0, 0), 48),
            dns: vec![
                IpAddr::V4(Ipv4Addr::new(10, 45, 0, 1)),
                IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x45, 0, 0, 0, 0, 1)),
            ],
            mtu: 1400,
            ambr_kbps: (1_000_000, 1_000_000),
            enforce_ambr: false,
            five_qi: 9,
        }
    }
}

/// How a subscriber proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// MILENAGE with OPc.
    MilenageOpc {
        /// K.
        k: [u8; 16],
        /// OPc.
        opc: [u8; 16],
    },
    /// MILENAGE with OP.
    MilenageOp {
        /// K.
        k: [u8; 16],
        /// OP.
        op: [u8; 16],
    },
    /// TUAK with TOPc and a K of 128 bits.
    Tuak {
        /// K.
        k: [u8; 16],
        /// TOPc.
        topc: [u8; 32],
    },
}

impl Credentials {
    /// What ARPF and USIM compute with.
    pub fn subscription(&self) -> AuthenticationSubscription {
        match self {
            Self::MilenageOpc { k, opc } => AuthenticationSubscription::milenage_opc(k, opc),
            Self::MilenageOp { k, op } => AuthenticationSubscription::milenage_op(k, op),
            Self::Tuak { k, topc } => AuthenticationSubscription::tuak_128(k, *topc),
        }
    }
}

/// A subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberConfig {
    /// Who.
    pub supi: Supi,
    /// Its secret.
    pub credentials: Credentials,
    /// AMF of AUTN; its separation bit must be set for 5G.
    pub amf_field: u16,
    /// SQN of the last vector.
    pub sqn: u64,
    /// Its slices; those with `true` are its default ones.
    pub slices: Vec<(SNssai, bool)>,
    /// Its DNNs; the first one is its default.
    pub dnns: Vec<String>,
    /// Session types that it may have; the first is its default.
    pub session_types: Vec<PduSessionType>,
}

impl SubscriberConfig {
    /// A lab's subscriber number `n` (1, 2 ...): IMSI = PLMN, then `n` to the IMSI's 15 digits; K and OPc follow from the
    /// seed and the number, and every fourth has TUAK. Predictable on purpose.
    pub fn lab(plmn: Plmn, n: u32, seed: u64) -> Self {
        let home: String = plmn.to_string().chars().filter(char::is_ascii_digit).collect();
        let digits = format!("{home}{n:0width$}", width = 15 - home.len());
        // Fifteen digits of a PLMN and a number are an IMSI; the fallback cannot be reached.
        let supi = Supi::from_imsi(&digits).or_else(|| Supi::from_imsi("001010000000001"));
        let derive = |label: &[u8]| security::kdf::kdf(&seed.to_be_bytes(), 0xff, &[label, &n.to_be_bytes()]);
        let half = |label: &[u8]| -> [u8; 16] { std::array::from_fn(|i| derive(label)[i]) };
        let credentials = if n.is_multiple_of(4) {
            Credentials::Tuak { k: half(b"lab K"), topc: derive(b"lab TOPc") }
        } else {
            Credentials::MilenageOpc { k: half(b"lab K"), opc: half(b"lab OPc") }
        };
        Self {
            supi: supi.unwrap_or_else(|| unreachable!("an IMSI of fifteen digits")),
            credentials,
            amf_field: security::aka::AMF_SEPARATION_BIT,
            sqn: u64::from(n) << 10,
            slices: vec![(SNssai { sst: 1, sd: None }, true)],
            dnns: vec!["internet".into()],
            session_types: vec![PduSessionType::Ipv4v6, PduSessionType::Ipv4, PduSessionType::Ipv6],
        }
    }
}

/// A key pair of the home network. Spec: TS 33.501 §6.12.2
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeNetworkKey {
    /// Home network public key identifier, 1 to 254.
    pub id: u8,
    /// Its scheme.
    pub scheme: Scheme,
    /// The private key.
    pub private: [u8; 32],
}

impl HomeNetworkKey {
    /// A lab's key of a scheme, from the seed; the identifier is 1 for profile A and 2 for profile B.
    pub fn lab(scheme: Scheme, seed: u64) -> Self {
        let private = security::kdf::kdf(&seed.to_be_bytes(), 0xff, &[b"lab home network key", &[scheme as u8]]);
        Self { id: scheme as u8, scheme, private }
    }

    /// The public key that a USIM holds; empty for the null scheme, or if the private key is none of the curve.
    pub fn public(&self) -> Vec<u8> {
        security::suci::public_key(self.scheme, &self.private).unwrap_or_default()
    }
}

/// What the SMF asks the gNB to do with user data. Spec: TS 33.501 §6.6.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserPlanePolicy {
    /// Integrity protection.
    pub integrity: ngap::Protection,
    /// Ciphering.
    pub confidentiality: ngap::Protection,
}

/// What leaves as taps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapConfig {
    /// NGAP, NAS and PFCP messages.
    pub control: bool,
    /// GTP-U packets.
    pub user: bool,
    /// Deciphered copies of NAS messages.
    pub nas_plain: bool,
    /// NAS keys, as events.
    pub keys: bool,
}

/// The whole core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreConfig {
    /// The network.
    pub plmn: Plmn,
    /// Its tracking areas.
    pub tacs: Vec<u32>,
    /// Its AMF.
    pub amf: AmfIdentity,
    /// Its slices.
    pub slices: Vec<SNssai>,
    /// Its data networks.
    pub dnns: Vec<DnnConfig>,
    /// Ciphering algorithms, best first. NEA0 is used only if it is here.
    pub nea: Vec<NeaAlg>,
    /// Integrity algorithms, best first. NIA0 is used only if it is here.
    pub nia: Vec<NiaAlg>,
    /// Keys of SIDF; the null scheme needs none, and is refused unless [`CoreConfig::null_suci`] holds.
    pub home_network_keys: Vec<HomeNetworkKey>,
    /// Whether a SUCI of the null scheme is taken.
    pub null_suci: bool,
    /// The subscribers.
    pub subscribers: Vec<SubscriberConfig>,
    /// The SMF's address on N4.
    pub smf_n4: IpAddr,
    /// The UPF's address on N4.
    pub upf_n4: IpAddr,
    /// The UPF's address on N3.
    pub upf_n3: IpAddr,
    /// User plane security.
    pub user_plane: UserPlanePolicy,
    /// UE AMBR, bit/s.
    pub ue_ambr: ngap::Ambr,
    /// Periodic registration timer, seconds.
    pub t3512_s: u32,
    /// UE contexts at once; more are refused with "congestion".
    pub ues_max: usize,
    /// What leaves as taps.
    pub taps: TapConfig,
}

impl CoreConfig {
    /// A lab's core: PLMN 001-01, TAC 1, slice 1, DNN "internet", profile A and B keys, `subscribers` subscribers.
    pub fn lab(seed: u64, subscribers: u32) -> Self {
        let plmn = Plmn { mcc: [0, 0, 1], mnc: ([0, 1], None) };
        Self {
            plmn,
            tacs: vec![1],
            amf: AmfIdentity { region: 2, set: 1, pointer: 0, name: "ironcell-amf".into() },
            slices: vec![SNssai { sst: 1, sd: None }],
            dnns: vec![DnnConfig::internet()],
            nea: vec![NeaAlg::Nea2, NeaAlg::Nea1, NeaAlg::Nea3],
            nia: vec![NiaAlg::Nia2, NiaAlg::Nia1, NiaAlg::Nia3],
            home_network_keys: [Scheme::ProfileA, Scheme::ProfileB].map(|s| HomeNetworkKey::lab(s, seed)).to_vec(),
            null_suci: true,
            subscribers: (1..=subscribers).map(|n| SubscriberConfig::lab(plmn, n, seed)).collect(),
            smf_n4: Ipv4Addr::new(10, 53, 1, 3).into(),
            upf_n4: Ipv4Addr::new(10, 53, 1, 2).into(),
            upf_n3: Ipv4Addr::new(10, 53, 1, 2).into(),
            user_plane: UserPlanePolicy {
                integrity: ngap::Protection::Preferred,
                confidentiality: ngap::Protection::Required,
            },
            ue_ambr: ngap::Ambr { downlink_bps: 2_000_000_000, uplink_bps: 2_000_000_000 },
            t3512_s: 3600,
            ues_max: 1024,
            taps: TapConfig::default(),
        }
    }

    /// What is wrong with the configuration, one sentence for each.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.tacs.is_empty() || self.tacs.iter().any(|tac| *tac > 0xff_ffff) {
            wrong.push("core.tacs: at least one tracking area code of 24 bits is needed".into());
        }
        if self.slices.is_empty() {
            wrong.push("core.slices: at least one slice is needed".into());
        }
        if self.nia.is_empty() || self.nea.is_empty() {
            wrong.push("core.nea, core.nia: at least one algorithm each is needed".into());
        }
        for dnn in &self.dnns {
            if !(8..=30).contains(&dnn.ipv4_pool.1) || !(32..=63).contains(&dnn.ipv6_pool.1) {
                wrong.push(format!(
                    "core.dnns.{}: an IPv4 pool of /8 to /30 and an IPv6 pool of /32 to /63 fit",
                    dnn.name
                ));
            }
            if !(dnn.ipv4 || dnn.ipv6) {
                wrong.push(format!("core.dnns.{}: neither IPv4 nor IPv6 is offered", dnn.name));
            }
            if !(1280..=9000).contains(&dnn.mtu) {
                wrong.push(format!("core.dnns.{}: an MTU of 1280 to 9000 octets fits, got {}", dnn.name, dnn.mtu));
            }
        }
        for subscriber in &self.subscribers {
            if subscriber.amf_field & security::aka::AMF_SEPARATION_BIT == 0 {
                wrong.push(format!("{}: the separation bit of AMF must be set (TS 33.501 6.1.3.2)", subscriber.supi));
            }
            for dnn in &subscriber.dnns {
                if !self.dnns.iter().any(|known| known.name == *dnn) {
                    wrong.push(format!("{}: no data network is named {dnn}", subscriber.supi));
                }
            }
        }
        wrong
    }
}
