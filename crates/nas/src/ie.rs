//! Information elements of mobility management and those that both families share. Spec: TS 24.501 §9.11

use crate::codec::{Half, Ie, Reader};
use nr::{Plmn, SNssai};

/// NAS key set identifier. Spec: TS 24.501 §9.11.3.32
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySetIdentifier {
    /// Whether the context was mapped from EPS.
    pub mapped: bool,
    /// 0 to 6, or 7 for "no key is available".
    pub value: u8,
}

impl KeySetIdentifier {
    /// No key is available.
    pub const NO_KEY: Self = Self { mapped: false, value: 7 };

    /// A native identifier, 0 to 7 (taken modulo 8).
    pub const fn native(value: u8) -> Self {
        Self { mapped: false, value: value & 7 }
    }
}

impl Half for KeySetIdentifier {
    fn from_half(half: u8) -> Option<Self> {
        Some(Self { mapped: half & 8 != 0, value: half & 7 })
    }
    fn half(&self) -> u8 {
        u8::from(self.mapped) << 3 | self.value & 7
    }
}

/// What kind of registration. Spec: TS 24.501 table 9.11.3.7.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationKind {
    /// Initial registration.
    Initial,
    /// Mobility registration updating.
    MobilityUpdating,
    /// Periodic registration updating.
    PeriodicUpdating,
    /// Emergency registration.
    Emergency,
}

/// 5GS registration type. Spec: TS 24.501 §9.11.3.7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationType {
    /// The UE has more to send after the registration.
    pub follow_on: bool,
    /// Its kind.
    pub kind: RegistrationKind,
}

impl Half for RegistrationType {
    fn from_half(half: u8) -> Option<Self> {
        let kind = match half & 7 {
            2 => RegistrationKind::MobilityUpdating,
            3 => RegistrationKind::PeriodicUpdating,
            4 => RegistrationKind::Emergency,
            // Unused values are read as initial registration (table 9.11.3.7.1).
            _ => RegistrationKind::Initial,
        };
        Some(Self { follow_on: half & 8 != 0, kind })
    }
    fn half(&self) -> u8 {
        u8::from(self.follow_on) << 3 | (self.kind as u8 + 1)
    }
}

/// De-registration type. Spec: TS 24.501 §9.11.3.20
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeregistrationType {
    /// The UE switches off (UE originating only).
    pub switch_off: bool,
    /// The UE is to register again (UE terminated only).
    pub reregistration_required: bool,
    /// 1: 3GPP access, 2: non-3GPP access, 3: both.
    pub access: u8,
}

impl DeregistrationType {
    /// From 3GPP access.
    pub const fn three_gpp(switch_off: bool) -> Self {
        Self { switch_off, reregistration_required: false, access: 1 }
    }
}

impl Half for DeregistrationType {
    fn from_half(half: u8) -> Option<Self> {
        Some(Self { switch_off: half & 8 != 0, reregistration_required: half & 4 != 0, access: half & 3 })
    }
    fn half(&self) -> u8 {
        u8::from(self.switch_off) << 3 | u8::from(self.reregistration_required) << 2 | self.access & 3
    }
}

macro_rules! half_newtype {
    ($(#[$meta:meta])* $name:ident { $($(#[$k_meta:meta])* $konst:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub u8);

        #[allow(non_upper_case_globals)]
        impl $name {
            $( $(#[$k_meta])* pub const $konst: Self = Self($value); )*
        }

        impl Half for $name {
            fn from_half(half: u8) -> Option<Self> {
                Some(Self(half))
            }
            fn half(&self) -> u8 {
                self.0 & 15
            }
        }
    };
}

half_newtype! {
    /// Service type. Spec: TS 24.501 §9.11.3.50
    ServiceType {
        /// Signalling.
        Signalling = 0,
        /// Data.
        Data = 1,
        /// Mobile terminated services.
        MobileTerminated = 2,
    }
}

half_newtype! {
    /// 5GS identity type. Spec: TS 24.501 §9.11.3.3
    IdentityType {
        /// SUCI.
        Suci = 1,
        /// 5G-GUTI.
        Guti = 2,
        /// IMEI.
        Imei = 3,
        /// 5G-S-TMSI.
        STmsi = 4,
        /// IMEISV.
        Imeisv = 5,
    }
}

half_newtype! {
    /// Payload container type. Spec: TS 24.501 §9.11.3.40
    PayloadContainerType {
        /// N1 SM information.
        N1Sm = 1,
        /// SMS.
        Sms = 2,
        /// LTE positioning protocol.
        Lpp = 3,
        /// UE policy container.
        UePolicy = 5,
    }
}

half_newtype! {
    /// Request type. Spec: TS 24.501 §9.11.3.47
    RequestType {
        /// Initial request.
        Initial = 1,
        /// Existing PDU session.
        Existing = 2,
        /// Initial emergency request.
        InitialEmergency = 3,
        /// Modification request.
        Modification = 5,
    }
}

/// PDU session type. Spec: TS 24.501 §9.11.4.11
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PduSessionType {
    /// IPv4.
    Ipv4 = 1,
    /// IPv6.
    Ipv6 = 2,
    /// Both.
    Ipv4v6 = 3,
    /// Unstructured.
    Unstructured = 4,
    /// Ethernet.
    Ethernet = 5,
}

impl Half for PduSessionType {
    fn from_half(half: u8) -> Option<Self> {
        Some(match half & 7 {
            1 => Self::Ipv4,
            2 => Self::Ipv6,
            3 => Self::Ipv4v6,
            4 => Self::Unstructured,
            5 => Self::Ethernet,
            _ => return None,
        })
    }
    fn half(&self) -> u8 {
        *self as u8
    }
}

/// 5G-GUTI. Spec: TS 23.003 §2.10.1, TS 24.501 figure 9.11.3.4.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guti {
    /// The PLMN of the GUAMI.
    pub plmn: Plmn,
    /// AMF region identity.
    pub amf_region: u8,
    /// AMF set identity, 10 bits.
    pub amf_set: u16,
    /// AMF pointer, 6 bits.
    pub amf_pointer: u8,
    /// 5G-TMSI.
    pub tmsi: u32,
}

impl Guti {
    /// The 5G-S-TMSI in it.
    pub fn s_tmsi(&self) -> STmsi {
        STmsi { amf_set: self.amf_set, amf_pointer: self.amf_pointer, tmsi: self.tmsi }
    }
}

impl std::fmt::Display for Guti {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let amf =
            u32::from(self.amf_region) << 16 | u32::from(self.amf_set & 0x3ff) << 6 | u32::from(self.amf_pointer & 63);
        write!(f, "5g-guti-{}-{amf:06x}-{:08x}", self.plmn, self.tmsi)
    }
}

/// 5G-S-TMSI. Spec: TS 23.003 §2.11
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct STmsi {
    /// AMF set identity, 10 bits.
    pub amf_set: u16,
    /// AMF pointer, 6 bits.
    pub amf_pointer: u8,
    /// 5G-TMSI.
    pub tmsi: u32,
}

impl STmsi {
    /// The 48 bits as RRC and NGAP carry them: set, pointer, TMSI.
    pub fn to_u48(self) -> u64 {
        u64::from(self.amf_set & 0x3ff) << 38 | u64::from(self.amf_pointer & 63) << 32 | u64::from(self.tmsi)
    }
}

/// SUCI of an IMSI. Spec: TS 23.003 §2.2B, TS 24.501 figure 9.11.3.4.3
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suci {
    /// Home network.
    pub plmn: Plmn,
    /// Routing indicator, 1 to 4 digits.
    pub routing_indicator: String,
    /// Protection scheme: 0 null, 1 profile A, 2 profile B.
    pub scheme: u8,
    /// Home network public key identifier.
    pub key_id: u8,
    /// Scheme output; for the null scheme the MSIN in BCD.
    pub scheme_output: Vec<u8>,
}

impl std::fmt::Display for Suci {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "suci-0-{}-{}-{}-{}-", self.plmn, self.routing_indicator, self.scheme, self.key_id)?;
        self.scheme_output.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 5GS mobile identity. Spec: TS 24.501 §9.11.3.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MobileIdentity {
    /// No identity.
    NoIdentity,
    /// SUCI of an IMSI.
    Suci(Suci),
    /// 5G-GUTI.
    Guti(Guti),
    /// 5G-S-TMSI.
    STmsi(STmsi),
    /// IMEI, 15 digits.
    Imei(String),
    /// IMEISV, 16 digits.
    Imeisv(String),
    /// Another one (a SUCI in the NAI format, a MAC address, an EUI-64), as its octets.
    Other(Vec<u8>),
}

impl Ie for MobileIdentity {
    fn decode(value: &[u8]) -> Option<Self> {
        let first = *value.first()?;
        Some(match (first & 7, value) {
            (0, _) => Self::NoIdentity,
            (1, [_, p0, p1, p2, r0, r1, scheme, key_id, output @ ..]) if first & 0x70 == 0 => Self::Suci(Suci {
                plmn: Plmn::from_bcd([*p0, *p1, *p2])?,
                routing_indicator: digits(&[*r0, *r1])?,
                scheme: scheme & 15,
                key_id: *key_id,
                scheme_output: output.to_vec(),
            }),
            (1, _) if first & 0x70 == 0 => return None,
            (2, [_, p0, p1, p2, region, s0, s1, t0, t1, t2, t3]) => Self::Guti(Guti {
                plmn: Plmn::from_bcd([*p0, *p1, *p2])?,
                amf_region: *region,
                amf_set: u16::from(*s0) << 2 | u16::from(s1 >> 6),
                amf_pointer: s1 & 63,
                tmsi: u32::from_be_bytes([*t0, *t1, *t2, *t3]),
            }),
            (4, [_, s0, s1, t0, t1, t2, t3]) => Self::STmsi(STmsi {
                amf_set: u16::from(*s0) << 2 | u16::from(s1 >> 6),
                amf_pointer: s1 & 63,
                tmsi: u32::from_be_bytes([*t0, *t1, *t2, *t3]),
            }),
            (2 | 4, _) => return None,
            (3, _) => Self::Imei(equipment_digits(value)?),
            (5, _) => Self::Imeisv(equipment_digits(value)?),
            _ => Self::Other(value.to_vec()),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::NoIdentity => out.push(0),
            Self::Suci(suci) => {
                out.push(1);
                out.extend_from_slice(&suci.plmn.to_bcd());
                let digit =
                    |i: usize| suci.routing_indicator.as_bytes().get(i).map_or(15, |d| d.wrapping_sub(b'0') & 15);
                out.extend_from_slice(&[digit(1) << 4 | digit(0), digit(3) << 4 | digit(2)]);
                out.extend_from_slice(&[suci.scheme & 15, suci.key_id]);
                out.extend_from_slice(&suci.scheme_output);
            }
            Self::Guti(guti) => {
                out.push(0xf2);
                out.extend_from_slice(&guti.plmn.to_bcd());
                out.push(guti.amf_region);
                put_s_tmsi(&guti.s_tmsi(), out);
            }
            Self::STmsi(s_tmsi) => {
                out.push(0xf4);
                put_s_tmsi(s_tmsi, out);
            }
            Self::Imei(digits) => put_equipment(3, digits, out),
            Self::Imeisv(digits) => put_equipment(5, digits, out),
            Self::Other(octets) => out.extend_from_slice(octets),
        }
    }
}

fn put_s_tmsi(s_tmsi: &STmsi, out: &mut Vec<u8>) {
    out.extend_from_slice(&(s_tmsi.amf_set << 6 | u16::from(s_tmsi.amf_pointer & 63)).to_be_bytes());
    out.extend_from_slice(&s_tmsi.tmsi.to_be_bytes());
}

/// BCD digits, low half first, up to the filler 15; at least one.
fn digits(bcd: &[u8]) -> Option<String> {
    let mut text = String::new();
    for half in bcd.iter().flat_map(|b| [b & 15, b >> 4]).take_while(|half| *half != 15) {
        text.push(char::from_digit(half.into(), 10)?);
    }
    (!text.is_empty()).then_some(text)
}

fn equipment_digits(value: &[u8]) -> Option<String> {
    let first = char::from_digit((value[0] >> 4).into(), 10)?;
    let rest = digits(&value[1..])?;
    Some(format!("{first}{rest}"))
}

fn put_equipment(kind: u8, digits: &str, out: &mut Vec<u8>) {
    let halves: Vec<u8> = digits.bytes().map(|d| d.wrapping_sub(b'0') & 15).collect();
    let odd = u8::from(halves.len() % 2 == 1);
    out.push(halves.first().unwrap_or(&15) << 4 | odd << 3 | kind);
    for pair in halves.get(1..).unwrap_or_default().chunks(2) {
        out.push(pair.get(1).unwrap_or(&15) << 4 | pair[0]);
    }
}

/// UE security capability: octets of algorithm bits, most significant bit for algorithm 0. Kept as they came, for they are replayed.
///
/// Spec: TS 24.501 §9.11.3.54
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UeSecurityCapability(pub Vec<u8>);

impl UeSecurityCapability {
    /// Of 5G algorithms only; the bits 0x80 to 0x10 are the algorithms 0 to 3.
    pub fn new(nea: u8, nia: u8) -> Self {
        Self(vec![nea, nia])
    }
    /// 5G-EA bits.
    pub fn nea(&self) -> u8 {
        self.0.first().copied().unwrap_or(0)
    }
    /// 5G-IA bits.
    pub fn nia(&self) -> u8 {
        self.0.get(1).copied().unwrap_or(0)
    }
    /// EEA and EIA bits, zero if absent.
    pub fn eps(&self) -> (u8, u8) {
        (self.0.get(2).copied().unwrap_or(0), self.0.get(3).copied().unwrap_or(0))
    }
    /// Whether the UE has a ciphering algorithm.
    pub fn has_nea(&self, alg: security::NeaAlg) -> bool {
        self.nea() & 0x80 >> alg.id() != 0
    }
    /// Whether the UE has an integrity algorithm.
    pub fn has_nia(&self, alg: security::NiaAlg) -> bool {
        self.nia() & 0x80 >> alg.id() != 0
    }
}

impl Ie for UeSecurityCapability {
    fn decode(value: &[u8]) -> Option<Self> {
        (2..=8).contains(&value.len()).then(|| Self(value.to_vec()))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

/// NAS security algorithms. Spec: TS 24.501 §9.11.3.34
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectedAlgorithms {
    /// Ciphering.
    pub nea: security::NeaAlg,
    /// Integrity.
    pub nia: security::NiaAlg,
}

impl Ie for SelectedAlgorithms {
    const LEN: usize = 1;
    fn decode(value: &[u8]) -> Option<Self> {
        let octet = *value.first()?;
        Some(Self { nea: security::NeaAlg::new(octet >> 4)?, nia: security::NiaAlg::new(octet & 15)? })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.nea.id() << 4 | self.nia.id());
    }
}

/// Additional 5G security information. Spec: TS 24.501 §9.11.3.12
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdditionalSecurityInformation {
    /// RINMR: the UE is to send its whole initial NAS message again.
    pub retransmission_requested: bool,
    /// HDP: K_AMF was derived horizontally.
    pub horizontal_derivation: bool,
}

impl Ie for AdditionalSecurityInformation {
    fn decode(value: &[u8]) -> Option<Self> {
        let octet = *value.first()?;
        Some(Self { retransmission_requested: octet & 2 != 0, horizontal_derivation: octet & 1 != 0 })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.retransmission_requested) << 1 | u8::from(self.horizontal_derivation));
    }
}

/// "No SD value associated with the SST". Spec: TS 23.003 §28.4.2
const NO_SD: u32 = 0xff_ffff;

impl Ie for SNssai {
    fn decode(value: &[u8]) -> Option<Self> {
        match *value {
            [sst] | [sst, _] => Some(SNssai { sst, sd: None }),
            [sst, a, b, c] | [sst, a, b, c, ..] => {
                let sd = u32::from_be_bytes([0, a, b, c]);
                Some(SNssai { sst, sd: (sd != NO_SD).then_some(sd) })
            }
            _ => None,
        }
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.sst);
        if let Some(sd) = self.sd {
            out.extend_from_slice(&sd.to_be_bytes()[1..]);
        }
    }
}

/// NSSAI: a list of S-NSSAIs. Spec: TS 24.501 §9.11.3.37
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nssai(pub Vec<SNssai>);

impl Ie for Nssai {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let mut list = Vec::new();
        while !reader.is_empty() {
            list.push(SNssai::decode(reader.lv()?)?);
        }
        Some(Self(list))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|s_nssai| crate::codec::put_lv(s_nssai, out));
    }
}

/// Rejected NSSAI: slices with the reason, 0 for the PLMN, 1 for the registration area. Spec: TS 24.501 §9.11.3.46
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedNssai(pub Vec<(SNssai, u8)>);

impl Ie for RejectedNssai {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let mut list = Vec::new();
        while let Some(head) = reader.u8() {
            list.push((SNssai::decode(reader.take((head >> 4).into())?)?, head & 15));
        }
        Some(Self(list))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        for (s_nssai, cause) in &self.0 {
            let len: u8 = if s_nssai.sd.is_some() { 4 } else { 1 };
            out.push(len << 4 | cause & 15);
            s_nssai.encode(out);
        }
    }
}

/// 5GS tracking area identity. Spec: TS 24.501 §9.11.3.8
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tai {
    /// PLMN.
    pub plmn: Plmn,
    /// Tracking area code, 24 bits.
    pub tac: u32,
}

impl Ie for Tai {
    const LEN: usize = 6;
    fn decode(value: &[u8]) -> Option<Self> {
        let [p0, p1, p2, t0, t1, t2] = *value.first_chunk()?;
        Some(Self { plmn: Plmn::from_bcd([p0, p1, p2])?, tac: u32::from_be_bytes([0, t0, t1, t2]) })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.plmn.to_bcd());
        out.extend_from_slice(&self.tac.to_be_bytes()[1..]);
    }
}

/// 5GS tracking area identity list; at most 16 on reading. Spec: TS 24.501 §9.11.3.9
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaiList(pub Vec<Tai>);

impl Ie for TaiList {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let mut list = Vec::new();
        while let Some(head) = reader.u8() {
            let n = usize::from(head & 31) + 1;
            if list.len() + n > 16 {
                return None;
            }
            let tac = |r: &mut Reader<'_>| r.take(3).map(|t| u32::from_be_bytes([0, t[0], t[1], t[2]]));
            let plmn = |r: &mut Reader<'_>| r.take(3).and_then(|p| Plmn::from_bcd([p[0], p[1], p[2]]));
            match head >> 5 & 3 {
                0 => {
                    let plmn = plmn(&mut reader)?;
                    for _ in 0..n {
                        list.push(Tai { plmn, tac: tac(&mut reader)? });
                    }
                }
                1 => {
                    let plmn = plmn(&mut reader)?;
                    let first = tac(&mut reader)?;
                    list.extend((0..n as u32).map(|i| Tai { plmn, tac: (first + i) & 0xff_ffff }));
                }
                2 => {
                    for _ in 0..n {
                        list.push(Tai { plmn: plmn(&mut reader)?, tac: tac(&mut reader)? });
                    }
                }
                _ => return None,
            }
        }
        Some(Self(list))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        for part in self.0.chunk_by(|a, b| a.plmn == b.plmn).flat_map(|same| same.chunks(16)) {
            out.push(part.len() as u8 - 1);
            out.extend_from_slice(&part[0].plmn.to_bcd());
            part.iter().for_each(|tai| out.extend_from_slice(&tai.tac.to_be_bytes()[1..]));
        }
    }
}

/// One bit for each PDU session identity; bit n of the number is identity n.
///
/// Spec: TS 24.501 §9.11.3.44, and §9.11.3.57, §9.11.3.42 alike
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PduSessionStatus(pub u16);

impl Ie for PduSessionStatus {
    fn decode(value: &[u8]) -> Option<Self> {
        value.first_chunk().map(|v| Self(u16::from_le_bytes(*v)))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }
}

/// GPRS timer 2. Spec: TS 24.008 §10.5.7.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GprsTimer2(pub u8);

impl GprsTimer2 {
    /// Seconds, `None` if it is deactivated.
    pub fn seconds(self) -> Option<u32> {
        let n = u32::from(self.0 & 31);
        match self.0 >> 5 {
            0 => Some(2 * n),
            2 => Some(360 * n),
            7 => None,
            _ => Some(60 * n),
        }
    }
    /// The shortest timer that is at least this long; what is longer than it can say becomes 186 minutes.
    pub fn from_seconds(seconds: u32) -> Self {
        [(0u8, 2), (1, 60), (2, 360)]
            .into_iter()
            .find(|(_, unit)| seconds.div_ceil(*unit) < 32)
            .map_or(Self(2 << 5 | 31), |(code, unit)| Self(code << 5 | seconds.div_ceil(unit) as u8))
    }
}

/// GPRS timer 3. Spec: TS 24.008 §10.5.7.4a
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GprsTimer3(pub u8);

impl GprsTimer3 {
    /// Deactivated.
    pub const DEACTIVATED: Self = Self(7 << 5);
    const UNITS: [(u8, u32); 7] = [(3, 2), (4, 30), (5, 60), (0, 600), (1, 3600), (2, 36_000), (6, 1_152_000)];

    /// Seconds, `None` if it is deactivated.
    pub fn seconds(self) -> Option<u32> {
        let unit = Self::UNITS.iter().find(|(code, _)| *code == self.0 >> 5)?.1;
        Some(unit * u32::from(self.0 & 31))
    }
    /// The shortest timer that is at least this long.
    pub fn from_seconds(seconds: u32) -> Self {
        Self::UNITS
            .iter()
            .find(|(_, unit)| seconds.div_ceil(*unit) < 32)
            .map_or(Self(6 << 5 | 31), |(code, unit)| Self(code << 5 | seconds.div_ceil(*unit) as u8))
    }
}

macro_rules! octet_ie {
    ($($name:ident),*) => { $(
        impl Ie for $name {
            const LEN: usize = 1;
            fn decode(value: &[u8]) -> Option<Self> {
                value.first().map(|v| Self(*v))
            }
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(self.0);
            }
        }
    )* };
}
octet_ie!(GprsTimer2, GprsTimer3);

/// Data network name, dotted. Spec: TS 24.501 §9.11.2.1B, TS 23.003 §9A
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dnn(pub String);

impl Ie for Dnn {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let mut text = String::new();
        while !reader.is_empty() {
            let label = std::str::from_utf8(reader.lv()?).ok()?;
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(label);
        }
        (!text.is_empty() && text.len() <= 100).then_some(Self(text))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.split('.').for_each(|label| crate::codec::put_lv(&label.as_bytes().to_vec(), out));
    }
}

/// Network name, written in UCS2. Spec: TS 24.008 §10.5.3.5a
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkName(pub String);

impl Ie for NetworkName {
    fn decode(value: &[u8]) -> Option<Self> {
        let (head, text) = value.split_first()?;
        let (pairs, []) = text.as_chunks::<2>() else { return None };
        let units: Vec<u16> = pairs.iter().map(|b| u16::from_be_bytes(*b)).collect();
        (head >> 4 & 7 == 1).then(|| String::from_utf16(&units).ok().map(Self)).flatten()
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(0x90);
        self.0.encode_utf16().for_each(|unit| out.extend_from_slice(&unit.to_be_bytes()));
    }
}

/// PDU address. Spec: TS 24.501 §9.11.4.10
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PduAddress {
    /// An IPv4 address.
    Ipv4([u8; 4]),
    /// The interface identifier of the IPv6 link-local address.
    Ipv6([u8; 8]),
    /// Both: interface identifier, then IPv4 address.
    Ipv4v6([u8; 8], [u8; 4]),
}

impl PduAddress {
    /// The IPv4 address, if it has one.
    pub fn ipv4(&self) -> Option<[u8; 4]> {
        match self {
            Self::Ipv4(address) | Self::Ipv4v6(_, address) => Some(*address),
            Self::Ipv6(_) => None,
        }
    }
    /// The IPv6 interface identifier, if it has one.
    pub fn interface_id(&self) -> Option<[u8; 8]> {
        match self {
            Self::Ipv6(id) | Self::Ipv4v6(id, _) => Some(*id),
            Self::Ipv4(_) => None,
        }
    }
}

impl Ie for PduAddress {
    fn decode(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_first()?;
        match head & 7 {
            1 => rest.first_chunk().map(|a| Self::Ipv4(*a)),
            2 => rest.first_chunk().map(|id| Self::Ipv6(*id)),
            3 => Some(Self::Ipv4v6(*rest.first_chunk()?, *rest.get(8..)?.first_chunk()?)),
            _ => None,
        }
    }
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ipv4(address) => {
                out.push(1);
                out.extend_from_slice(address);
            }
            Self::Ipv6(id) => {
                out.push(2);
                out.extend_from_slice(id);
            }
            Self::Ipv4v6(id, address) => {
                out.push(3);
                out.extend_from_slice(id);
                out.extend_from_slice(address);
            }
        }
    }
}
