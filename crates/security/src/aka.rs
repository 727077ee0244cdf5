//! Authentication and key agreement: the vectors of a home network and the answers of a USIM.
//! Spec: TS 33.102 §6.3, TS 33.501 §6.1.3.2
//!
//! | in the specification | here          | meaning                                             | range    |
//! |----------------------|---------------|-----------------------------------------------------|----------|
//! | SQN_HE, SQN_MS       | `sqn`         | sequence number; SEQ \|\| IND                       | 48 bits  |
//! | AMF                  | `amf_field`   | authentication management field, separation bit 15  | 16 bits  |
//! | AUTN                 | `Autn`        | SQN xor AK \|\| AMF \|\| MAC-A                      | 16 bytes |
//! | AUTS                 | `Auts`        | SQN_MS xor AK* \|\| MAC-S                           | 14 bytes |

use oxirush_security::{Rand, milenage as m};

use crate::tuak::Tuak;

/// AUTN: SQN xor AK, AMF, MAC-A.
pub type Autn = [u8; 16];
/// AUTS: SQN_MS xor AK*, MAC-S.
pub type Auts = [u8; 14];

/// The bit that says that a vector is for EPS or 5GS. Spec: TS 33.102 §F.5, TS 33.501 §6.1.3.2.0
pub const AMF_SEPARATION_BIT: u16 = 0x8000;
/// The largest SQN.
pub const SQN_MAX: u64 = (1 << 48) - 1;

/// A subscriber's secret and the algorithm that uses it: what ARPF and USIM share.
#[derive(Clone)]
pub enum AuthenticationSubscription {
    /// MILENAGE (TS 35.206) with K and OPc.
    Milenage(Box<m::Milenage>),
    /// TUAK (TS 35.231).
    Tuak(Box<Tuak>),
}

impl std::fmt::Debug for AuthenticationSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Milenage(_) => "Milenage(..)",
            Self::Tuak(_) => "Tuak(..)",
        })
    }
}

/// What ARPF gives the AUSF, before the serving network's name enters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationVector {
    /// RAND.
    pub rand: [u8; 16],
    /// AUTN.
    pub autn: Autn,
    /// XRES.
    pub xres: [u8; 8],
    /// CK.
    pub ck: [u8; 16],
    /// IK.
    pub ik: [u8; 16],
}

/// What a USIM answers to a challenge whose MAC-A is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsimResponse {
    /// RES.
    pub res: [u8; 8],
    /// CK.
    pub ck: [u8; 16],
    /// IK.
    pub ik: [u8; 16],
    /// SQN that AUTN carries; whether it is fresh is the USIM's policy.
    pub sqn: u64,
    /// AMF that AUTN carries; a 5G UE asks for its separation bit.
    pub amf_field: u16,
}

/// Why an AUTN or AUTS is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AkaError {
    /// MAC-A or MAC-S does not match: another K, or damage. Fault: peer.
    Mac,
}

impl std::fmt::Display for AkaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AKA: the message authentication code does not match (TS 33.102 6.3.3)")
    }
}

impl std::error::Error for AkaError {}

impl AuthenticationSubscription {
    /// MILENAGE of K and OPc.
    pub fn milenage_opc(k: &[u8; 16], opc: &[u8; 16]) -> Self {
        Self::Milenage(Box::new(m::Milenage::new(&m::K::new(k), &m::Opc::new(opc))))
    }

    /// MILENAGE of K and OP.
    pub fn milenage_op(k: &[u8; 16], op: &[u8; 16]) -> Self {
        Self::milenage_opc(k, &milenage_opc(k, op))
    }

    /// TUAK of a K of 128 bits and TOPc, with one iteration.
    pub fn tuak_128(k: &[u8; 16], topc: [u8; 32]) -> Self {
        Self::tuak(Tuak::new_128(k, topc))
    }

    /// TUAK.
    pub fn tuak(tuak: Tuak) -> Self {
        Self::Tuak(Box::new(tuak))
    }

    /// f1: MAC-A.
    pub fn f1(&self, rand: &[u8; 16], sqn: u64, amf_field: u16) -> [u8; 8] {
        let (sqn, amf) = (sqn_bytes(sqn), amf_field.to_be_bytes());
        match self {
            Self::Milenage(f) => *f.f1(&Rand::new(rand), &m::Sqn::new(&sqn), &m::Amf::new(&amf)).as_octets(),
            Self::Tuak(f) => f.f1(rand, &sqn, &amf),
        }
    }

    /// f1*: MAC-S.
    pub fn f1_star(&self, rand: &[u8; 16], sqn: u64, amf_field: u16) -> [u8; 8] {
        let (sqn, amf) = (sqn_bytes(sqn), amf_field.to_be_bytes());
        match self {
            Self::Milenage(f) => *f.f1_star(&Rand::new(rand), &m::Sqn::new(&sqn), &m::Amf::new(&amf)).as_octets(),
            Self::Tuak(f) => f.f1_star(rand, &sqn, &amf),
        }
    }

    /// f2, f3, f4 and f5: RES, CK, IK and AK.
    pub fn f2345(&self, rand: &[u8; 16]) -> ([u8; 8], [u8; 16], [u8; 16], [u8; 6]) {
        match self {
            Self::Milenage(f) => {
                let (res, ck, ik, ak) = f.f2345(&Rand::new(rand));
                (*res.as_octets(), *ck.as_octets(), *ik.as_octets(), *ak.as_octets())
            }
            Self::Tuak(f) => {
                let out = f.f2345(rand);
                (out.res, out.ck, out.ik, out.ak)
            }
        }
    }

    /// f5*: AK for resynchronisation.
    pub fn f5_star(&self, rand: &[u8; 16]) -> [u8; 6] {
        match self {
            Self::Milenage(f) => *f.f5_star(&Rand::new(rand)).as_octets(),
            Self::Tuak(f) => f.f5_star(rand),
        }
    }

    /// A vector of the home network. Spec: TS 33.102 §6.3.2. `sqn` is taken modulo 2^48.
    pub fn vector(&self, rand: &[u8; 16], sqn: u64, amf_field: u16) -> AuthenticationVector {
        let (xres, ck, ik, ak) = self.f2345(rand);
        let mut autn = [0; 16];
        autn[..6].copy_from_slice(&xor(sqn_bytes(sqn), ak));
        autn[6..8].copy_from_slice(&amf_field.to_be_bytes());
        autn[8..].copy_from_slice(&self.f1(rand, sqn, amf_field));
        AuthenticationVector { rand: *rand, autn, xres, ck, ik }
    }

    /// A USIM's check of a challenge. Spec: TS 33.102 §6.3.3. Errors: `Mac`.
    pub fn check_autn(&self, rand: &[u8; 16], autn: &Autn) -> Result<UsimResponse, AkaError> {
        let (res, ck, ik, ak) = self.f2345(rand);
        let concealed = [autn[0], autn[1], autn[2], autn[3], autn[4], autn[5]];
        let (sqn, amf_field) = (sqn_value(xor(concealed, ak)), u16::from_be_bytes([autn[6], autn[7]]));
        if !crate::equal_constant_time(&self.f1(rand, sqn, amf_field), &autn[8..]) {
            return Err(AkaError::Mac);
        }
        Ok(UsimResponse { res, ck, ik, sqn, amf_field })
    }

    /// A USIM's AUTS, for a challenge whose SQN is out of range. Spec: TS 33.102 §6.3.3
    pub fn auts(&self, rand: &[u8; 16], sqn_ms: u64) -> Auts {
        let mut auts = [0; 14];
        auts[..6].copy_from_slice(&xor(sqn_bytes(sqn_ms), self.f5_star(rand)));
        auts[6..].copy_from_slice(&self.f1_star(rand, sqn_ms, 0));
        auts
    }

    /// The home network's check of an AUTS: SQN_MS. Spec: TS 33.102 §6.3.5. Errors: `Mac`.
    pub fn check_auts(&self, rand: &[u8; 16], auts: &Auts) -> Result<u64, AkaError> {
        let concealed = [auts[0], auts[1], auts[2], auts[3], auts[4], auts[5]];
        let sqn_ms = sqn_value(xor(concealed, self.f5_star(rand)));
        if !crate::equal_constant_time(&self.f1_star(rand, sqn_ms, 0), &auts[6..]) {
            return Err(AkaError::Mac);
        }
        Ok(sqn_ms)
    }
}

/// OPc of K and OP. Spec: TS 35.206 §4.1
pub fn milenage_opc(k: &[u8; 16], op: &[u8; 16]) -> [u8; 16] {
    *m::Opc::from_op(&m::K::new(k), &m::Op::new(op)).as_octets()
}

/// Whether a USIM takes `sqn` when the highest that it took is `sqn_ms`: strictly newer, and not more than
/// `delta_max` ahead in SEQ (5 bits of IND).
///
/// Spec: TS 33.102 §C.2.1, §C.2.2 (one array element: the index does not widen the window)
pub fn sqn_is_fresh(sqn: u64, sqn_ms: u64, delta_max: u64) -> bool {
    let (seq, seq_ms) = (sqn >> SQN_IND_BITS, sqn_ms >> SQN_IND_BITS);
    seq > seq_ms && seq - seq_ms <= delta_max
}

/// Bits of IND at the end of an SQN. Spec: TS 33.102 §C.3.2
pub const SQN_IND_BITS: u32 = 5;
/// The limit on a jump of SEQ. Spec: TS 33.102 §C.3.2
pub const SQN_DELTA_MAX: u64 = 1 << 28;

fn sqn_bytes(sqn: u64) -> [u8; 6] {
    let b = sqn.to_be_bytes();
    [b[2], b[3], b[4], b[5], b[6], b[7]]
}

fn sqn_value(b: [u8; 6]) -> u64 {
    u64::from_be_bytes([0, 0, b[0], b[1], b[2], b[3], b[4], b[5]])
}

fn xor(a: [u8; 6], b: [u8; 6]) -> [u8; 6] {
    std::array::from_fn(|i| a[i] ^ b[i])
}
