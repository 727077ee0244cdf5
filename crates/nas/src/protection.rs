//! The protection of NAS messages: security header, ciphering, integrity, NAS COUNT. Spec: TS 24.501 §4.4, §9.3

use security::{Direction, NeaAlg, NiaAlg, kdf};

use crate::EPD_5GMM;

/// BEARER of NAS over 3GPP access. Spec: TS 33.501 §6.4.3.1
const BEARER_3GPP: u8 = 1;
/// The NAS COUNT has 24 bits.
const COUNT_MASK: u32 = 0xff_ffff;
const HEADER_LEN: usize = 7;

/// Security header type. Spec: TS 24.501 table 9.3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityHeaderType {
    /// Plain.
    Plain = 0,
    /// Integrity protected.
    Integrity = 1,
    /// Integrity protected and ciphered.
    IntegrityCiphered = 2,
    /// Integrity protected with a new context: the security mode command.
    IntegrityNew = 3,
    /// Integrity protected and ciphered with a new context: the security mode complete.
    IntegrityCipheredNew = 4,
}

impl SecurityHeaderType {
    /// The type of a half octet, if it is defined.
    pub const fn new(half: u8) -> Option<Self> {
        Some(match half {
            0 => Self::Plain,
            1 => Self::Integrity,
            2 => Self::IntegrityCiphered,
            3 => Self::IntegrityNew,
            4 => Self::IntegrityCipheredNew,
            _ => return None,
        })
    }
    /// Whether the message is ciphered.
    pub const fn ciphered(self) -> bool {
        matches!(self, Self::IntegrityCiphered | Self::IntegrityCipheredNew)
    }
}

/// What the first octets of a NAS message say, before anything is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityHeader {
    /// Its type.
    pub kind: SecurityHeaderType,
    /// The message authentication code; zero in a plain message.
    pub mac: [u8; 4],
    /// The sequence number; zero in a plain message.
    pub sequence_number: u8,
}

impl SecurityHeader {
    /// Reads the header; `None` for an undefined type, a message too short, or another protocol than 5GMM.
    pub fn peek(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [EPD_5GMM, kind, a, b, c, d, sequence_number, _, ..] if kind & 15 != 0 => {
                Some(Self { kind: SecurityHeaderType::new(kind & 15)?, mac: [a, b, c, d], sequence_number })
            }
            [EPD_5GMM, kind, _, ..] if kind & 15 == 0 => {
                Some(Self { kind: SecurityHeaderType::Plain, mac: [0; 4], sequence_number: 0 })
            }
            _ => None,
        }
    }
}

/// The message inside a protected one that is not ciphered (or is under NEA0), unverified; `None` if it is ciphered or plain.
pub fn unverified_inner(bytes: &[u8]) -> Option<&[u8]> {
    let header = SecurityHeader::peek(bytes)?;
    (header.kind != SecurityHeaderType::Plain && !header.kind.ciphered()).then(|| &bytes[HEADER_LEN..])
}

/// At which end a context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Sends uplink.
    Ue,
    /// Sends downlink.
    Amf,
}

impl Side {
    fn sends(self) -> Direction {
        match self {
            Self::Ue => Direction::Uplink,
            Self::Amf => Direction::Downlink,
        }
    }
    fn receives(self) -> Direction {
        match self {
            Self::Ue => Direction::Downlink,
            Self::Amf => Direction::Uplink,
        }
    }
}

/// Why a protected message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectionError {
    /// Not a protected message. Fault: peer.
    NotProtected,
    /// The message authentication code does not match, or the message was replayed. Fault: peer.
    Mac,
    /// The NAS COUNT has run out; a new authentication must come first. Fault: local.
    CountExhausted,
}

impl std::fmt::Display for ProtectionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotProtected => "NAS: a protected message was expected (TS 24.501 4.4.4)",
            Self::Mac => "NAS: the message authentication code does not match (TS 24.501 4.4.3.3)",
            Self::CountExhausted => "NAS: the NAS COUNT has run out (TS 24.501 4.4.3.5)",
        })
    }
}

impl std::error::Error for ProtectionError {}

/// A message whose protection was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprotected {
    /// The plain message.
    pub plain: Vec<u8>,
    /// How it was protected.
    pub kind: SecurityHeaderType,
    /// Its NAS COUNT: K_gNB comes from that of the uplink message which asked for it.
    pub count: u32,
}

/// A 5G NAS security context: keys, algorithms and counts, at one end.
///
/// Spec: TS 24.501 §4.4.2, TS 33.501 §6.4
#[derive(Clone, PartialEq, Eq)]
pub struct SecurityContext {
    side: Side,
    /// ngKSI, 0 to 6.
    pub ng_ksi: u8,
    /// K_AMF.
    pub k_amf: [u8; 32],
    /// Ciphering algorithm.
    pub nea: NeaAlg,
    /// Integrity algorithm.
    pub nia: NiaAlg,
    k_nas_enc: [u8; 16],
    k_nas_int: [u8; 16],
    sent: u32,
    received: u32,
}

impl std::fmt::Debug for SecurityContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SecurityContext(ngKSI {}, {:?}, {:?}, next {}, expects {})",
            self.ng_ksi, self.nea, self.nia, self.sent, self.received
        )
    }
}

impl SecurityContext {
    /// A fresh context: both NAS COUNTs are zero.
    pub fn new(side: Side, ng_ksi: u8, k_amf: [u8; 32], nea: NeaAlg, nia: NiaAlg) -> Self {
        let (k_nas_enc, k_nas_int) = (kdf::k_nas_enc(&k_amf, nea), kdf::k_nas_int(&k_amf, nia));
        Self { side, ng_ksi, k_amf, nea, nia, k_nas_enc, k_nas_int, sent: 0, received: 0 }
    }

    /// K_NASenc and K_NASint, for a key log.
    pub fn keys(&self) -> (&[u8; 16], &[u8; 16]) {
        (&self.k_nas_enc, &self.k_nas_int)
    }

    /// The NAS COUNT of the next message that this end sends.
    pub fn next_sent(&self) -> u32 {
        self.sent
    }

    /// The NAS COUNT of the message that this end sent or took last uplink, from which K_gNB comes.
    ///
    /// Spec: TS 33.501 §6.8.1.1.2.2, §A.9
    pub fn last_uplink(&self) -> u32 {
        match self.side {
            Side::Ue => self.sent,
            Side::Amf => self.received,
        }
        .saturating_sub(1)
    }

    /// Whether the count is so high that a new authentication is due. Spec: TS 24.501 §4.4.3.5
    pub fn needs_authentication(&self) -> bool {
        self.sent.max(self.received) >= COUNT_MASK - 256
    }

    /// Protects a plain message and steps the count. `kind` other than plain; a plain one is returned as it is.
    ///
    /// Spec: TS 24.501 §4.4.3.3, §4.4.4. When the count has run out it stays at its end, and the peer refuses the message:
    /// see [`SecurityContext::needs_authentication`].
    pub fn protect(&mut self, kind: SecurityHeaderType, plain: &[u8]) -> Vec<u8> {
        if kind == SecurityHeaderType::Plain {
            return plain.to_vec();
        }
        let (count, direction) = (self.sent, self.side.sends());
        let mut out = vec![EPD_5GMM, kind as u8, 0, 0, 0, 0, count as u8];
        out.extend_from_slice(plain);
        if kind.ciphered() {
            security::nea(self.nea, &self.k_nas_enc, count, BEARER_3GPP, direction, &mut out[HEADER_LEN..]);
        }
        let mac = security::nia(self.nia, &self.k_nas_int, count, BEARER_3GPP, direction, &out[HEADER_LEN - 1..]);
        out[2..6].copy_from_slice(&mac);
        self.sent = (count + 1).min(COUNT_MASK);
        out
    }

    /// Verifies and deciphers a protected message, and steps the count.
    ///
    /// Spec: TS 24.501 §4.4.3.2 (the count's overflow is estimated, replays are refused), §4.4.3.3, §4.4.5
    ///
    /// Errors: `NotProtected`, `Mac`, `CountExhausted`; the context is then unchanged.
    pub fn unprotect(&mut self, bytes: &[u8]) -> Result<Unprotected, ProtectionError> {
        let header = SecurityHeader::peek(bytes).ok_or(ProtectionError::NotProtected)?;
        if header.kind == SecurityHeaderType::Plain {
            return Err(ProtectionError::NotProtected);
        }
        let count = estimate(self.received, header.sequence_number).ok_or(ProtectionError::CountExhausted)?;
        let direction = self.side.receives();
        let mac = security::nia(self.nia, &self.k_nas_int, count, BEARER_3GPP, direction, &bytes[HEADER_LEN - 1..]);
        if !security::equal_constant_time(&mac, &header.mac) {
            return Err(ProtectionError::Mac);
        }
        let mut plain = bytes[HEADER_LEN..].to_vec();
        if header.kind.ciphered() {
            security::nea(self.nea, &self.k_nas_enc, count, BEARER_3GPP, direction, &mut plain);
        }
        self.received = count + 1;
        Ok(Unprotected { plain, kind: header.kind, count })
    }

    /// Ciphers, at the UE, the NAS message container of the initial message that is protected next.
    ///
    /// Spec: TS 24.501 §4.4.6 (the container is ciphered by itself, for the message around it is not)
    pub fn cipher_container(&self, container: &mut [u8]) {
        security::nea(self.nea, &self.k_nas_enc, self.sent, BEARER_3GPP, Direction::Uplink, container);
    }

    /// Deciphers, at the AMF, the NAS message container of the initial message that was taken last.
    ///
    /// Spec: TS 24.501 §4.4.6
    pub fn decipher_container(&self, container: &mut [u8]) {
        security::nea(
            self.nea,
            &self.k_nas_enc,
            self.received.saturating_sub(1),
            BEARER_3GPP,
            Direction::Uplink,
            container,
        );
    }

    /// Whether `bytes` would be taken, without taking them.
    pub fn verifies(&self, bytes: &[u8]) -> bool {
        self.clone().unprotect(bytes).is_ok()
    }
}

/// The smallest count from `expected` on whose low octet is the sequence number.
fn estimate(expected: u32, sequence_number: u8) -> Option<u32> {
    let same_overflow = expected & !0xff | u32::from(sequence_number);
    let count = if same_overflow >= expected { same_overflow } else { same_overflow + 0x100 };
    (count < COUNT_MASK).then_some(count)
}
