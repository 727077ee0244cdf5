//! NAS of 5GS: the messages of TS 24.501 as plain structs, and their protection.
//!
//! | what | where |
//! |---|---|
//! | any plain message, bytes to value and back | [`Message::decode`], [`Message::encode`] |
//! | mobility management messages | [`mm`] |
//! | session management messages | [`sm`] |
//! | information elements | [`ie`], [`qos`], [`pco`] |
//! | causes with their names | [`cause`] |
//! | security header, ciphering, integrity, NAS COUNT | [`SecurityContext`], [`SecurityHeader`] |
//!
//! # How a UE uses it
//!
//! ```
//! use nas::{Message, SecurityContext, SecurityHeaderType, Side};
//! # use nas::{ie::*, mm::*};
//! // Before security: plain bytes.
//! let request = Message::from(RegistrationRequest {
//!     registration_type: RegistrationType { follow_on: true, kind: RegistrationKind::Initial },
//!     ng_ksi: KeySetIdentifier::NO_KEY,
//!     ue_security_capability: Some(UeSecurityCapability::new(0b0111_0000, 0b0111_0000)),
//!     ..RegistrationRequest::new(MobileIdentity::NoIdentity)
//! });
//! let bytes = request.encode();
//! assert_eq!(Message::decode(&bytes), Ok(request));
//! // After 5G AKA both ends hold K_AMF; the UE makes its context when the SECURITY MODE COMMAND names the algorithms.
//! let k_amf = [7; 32];
//! let mut amf = SecurityContext::new(Side::Amf, 0, k_amf, security::NeaAlg::Nea2, security::NiaAlg::Nia2);
//! let mut ue = SecurityContext::new(Side::Ue, 0, k_amf, security::NeaAlg::Nea2, security::NiaAlg::Nia2);
//! let sent = amf.protect(SecurityHeaderType::IntegrityCiphered, &bytes);
//! assert_eq!(ue.unprotect(&sent).unwrap().plain, bytes);
//! ```
//!
//! Unknown information elements are kept in `unknown` and written again; an optional one that does not decode counts as
//! absent (TS 24.501 §7.7.1), a mandatory one is an error with the cause to answer.
//!
//! Left out: EAP, SMS, LCS and policy containers (they stay bytes), EPS interworking, non-3GPP access, CIoT.

mod codec;
mod fuzz;

pub mod cause;
pub mod ie;
pub mod mm;
pub mod pco;
pub mod protection;
pub mod qos;
pub mod sm;

pub use cause::{GmmCause, GsmCause};
pub use codec::{NasError, UnknownIe};
pub use fuzz::fuzz_one;
pub use mm::MmMessage;
pub use protection::{ProtectionError, SecurityContext, SecurityHeader, SecurityHeaderType, Side, Unprotected};
pub use sm::{SmHeader, SmMessage};

/// Extended protocol discriminator of mobility management. Spec: TS 24.007 §11.2.3.1.1A
pub const EPD_5GMM: u8 = 0x7e;
/// Extended protocol discriminator of session management. Spec: TS 24.007 §11.2.3.1.1A
pub const EPD_5GSM: u8 = 0x2e;

/// A plain NAS message.
///
/// Spec: TS 24.501 §9.1.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// 5GMM.
    Mm(MmMessage),
    /// 5GSM.
    Sm(SmHeader, SmMessage),
}

impl Message {
    /// Decodes a plain message; a protected one is [`NasError::Protected`]: unprotect it first.
    ///
    /// Errors: see [`NasError`]; [`NasError::cause`] is the cause of the status message that answers it.
    pub fn decode(bytes: &[u8]) -> Result<Self, NasError> {
        match *bytes {
            [EPD_5GMM, header, message_type, ref rest @ ..] => match header & 15 {
                0 => MmMessage::decode(message_type, rest).map(Self::Mm),
                header => Err(NasError::Protected { header }),
            },
            [EPD_5GSM, session, pti, message_type, ref rest @ ..] => {
                SmMessage::decode(message_type, rest).map(|m| Self::Sm(SmHeader { pdu_session_id: session, pti }, m))
            }
            [EPD_5GMM | EPD_5GSM, ..] | [] => Err(NasError::TooShort),
            [epd, ..] => Err(NasError::Discriminator { epd }),
        }
    }

    /// Encodes the plain message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        match self {
            Self::Mm(message) => {
                out.extend_from_slice(&[EPD_5GMM, 0, message.message_type()]);
                message.encode_body(&mut out);
            }
            Self::Sm(header, message) => {
                out.extend_from_slice(&[EPD_5GSM, header.pdu_session_id, header.pti, message.message_type()]);
                message.encode_body(&mut out);
            }
        }
        out
    }

    /// The message's name as the specification writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mm(message) => message.name(),
            Self::Sm(_, message) => message.name(),
        }
    }
}

impl<M: Into<MmMessage>> From<M> for Message {
    fn from(message: M) -> Self {
        Self::Mm(message.into())
    }
}
