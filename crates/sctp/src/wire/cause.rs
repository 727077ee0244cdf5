use super::{Parameters, u16_at, u32_at};

/// An error cause of ABORT or ERROR. Spec: RFC 9260 §3.3.10
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// DATA for a stream that does not exist. Spec: RFC 9260 §3.3.10.1
    InvalidStream(u16),
    /// Mandatory parameters are missing. Spec: RFC 9260 §3.3.10.2
    MissingParameter(Vec<u16>),
    /// The cookie was this many microseconds too old. Spec: RFC 9260 §3.3.10.3
    StaleCookie(u32),
    /// Out of resource. Spec: RFC 9260 §3.3.10.4
    OutOfResource,
    /// An address that cannot be used, as it came. Spec: RFC 9260 §3.3.10.5
    UnresolvableAddress(Vec<u8>),
    /// A chunk of an unknown type, as it came. Spec: RFC 9260 §3.3.10.6
    UnrecognizedChunk(Vec<u8>),
    /// A mandatory parameter has an invalid value. Spec: RFC 9260 §3.3.10.7
    InvalidParameter,
    /// Parameters of an unknown type, as they came. Spec: RFC 9260 §3.3.10.8
    UnrecognizedParameters(Vec<u8>),
    /// DATA with this TSN holds nothing. Spec: RFC 9260 §3.3.10.9
    NoUserData(u32),
    /// A cookie came while shutting down. Spec: RFC 9260 §3.3.10.10
    CookieWhileShuttingDown,
    /// A restart with addresses that were not there before, as they came. Spec: RFC 9260 §3.3.10.11
    RestartWithNewAddresses(Vec<u8>),
    /// The user asked for it, with what it says. Spec: RFC 9260 §3.3.10.12
    UserAbort(Vec<u8>),
    /// Protocol violation, with a text. Spec: RFC 9260 §3.3.10.13
    ProtocolViolation(Vec<u8>),
    /// Another one.
    Other(u16),
}

/// Octets of a cause that are kept or reported; more are cut.
const INFORMATION_MAX: usize = 256;

impl Cause {
    fn decode(code: u16, value: &[u8]) -> Cause {
        let cut = || value[..value.len().min(INFORMATION_MAX)].to_vec();
        match code {
            1 => Cause::InvalidStream(u16_at(value, 0)),
            2 => Cause::MissingParameter(
                value.get(4..).unwrap_or(&[]).chunks_exact(2).take(16).map(|k| u16_at(k, 0)).collect(),
            ),
            3 => Cause::StaleCookie(u32_at(value, 0)),
            4 => Cause::OutOfResource,
            5 => Cause::UnresolvableAddress(cut()),
            6 => Cause::UnrecognizedChunk(cut()),
            7 => Cause::InvalidParameter,
            8 => Cause::UnrecognizedParameters(cut()),
            9 => Cause::NoUserData(u32_at(value, 0)),
            10 => Cause::CookieWhileShuttingDown,
            11 => Cause::RestartWithNewAddresses(cut()),
            12 => Cause::UserAbort(cut()),
            13 => Cause::ProtocolViolation(cut()),
            other => Cause::Other(other),
        }
    }

    /// Appends the cause with its padding.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut put =
            |code: u16, value: &[u8]| super::put_parameter(out, code, &value[..value.len().min(INFORMATION_MAX)]);
        match self {
            Cause::InvalidStream(stream) => put(1, &(u32::from(*stream) << 16).to_be_bytes()),
            Cause::MissingParameter(kinds) => {
                let mut value = (kinds.len() as u32).to_be_bytes().to_vec();
                kinds.iter().for_each(|k| value.extend_from_slice(&k.to_be_bytes()));
                put(2, &value);
            }
            Cause::StaleCookie(us) => put(3, &us.to_be_bytes()),
            Cause::OutOfResource => put(4, &[]),
            Cause::UnresolvableAddress(value) => put(5, value),
            Cause::UnrecognizedChunk(value) => put(6, value),
            Cause::InvalidParameter => put(7, &[]),
            Cause::UnrecognizedParameters(value) => put(8, value),
            Cause::NoUserData(tsn) => put(9, &tsn.to_be_bytes()),
            Cause::CookieWhileShuttingDown => put(10, &[]),
            Cause::RestartWithNewAddresses(value) => put(11, value),
            Cause::UserAbort(value) => put(12, value),
            Cause::ProtocolViolation(value) => put(13, value),
            Cause::Other(code) => put(*code, &[]),
        }
    }
}

impl core::fmt::Display for Cause {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Cause::InvalidStream(stream) => write!(f, "invalid stream {stream} (RFC 9260 3.3.10.1)"),
            Cause::MissingParameter(kinds) => write!(f, "missing parameters {kinds:?} (RFC 9260 3.3.10.2)"),
            Cause::StaleCookie(us) => write!(f, "cookie {us} us too old (RFC 9260 3.3.10.3)"),
            Cause::OutOfResource => write!(f, "out of resource (RFC 9260 3.3.10.4)"),
            Cause::UnresolvableAddress(_) => write!(f, "unusable address (RFC 9260 3.3.10.5)"),
            Cause::UnrecognizedChunk(c) => {
                write!(f, "unknown chunk type {} (RFC 9260 3.3.10.6)", c.first().copied().unwrap_or(0))
            }
            Cause::InvalidParameter => write!(f, "invalid mandatory parameter (RFC 9260 3.3.10.7)"),
            Cause::UnrecognizedParameters(p) => {
                write!(f, "unknown parameter 0x{:04x} (RFC 9260 3.3.10.8)", u16_at(p, 0))
            }
            Cause::NoUserData(tsn) => write!(f, "DATA {tsn} without data (RFC 9260 3.3.10.9)"),
            Cause::CookieWhileShuttingDown => write!(f, "cookie while shutting down (RFC 9260 3.3.10.10)"),
            Cause::RestartWithNewAddresses(_) => write!(f, "restart with new addresses (RFC 9260 3.3.10.11)"),
            Cause::UserAbort(_) => write!(f, "aborted by its user (RFC 9260 3.3.10.12)"),
            Cause::ProtocolViolation(text) => {
                write!(f, "protocol violation: {} (RFC 9260 3.3.10.13)", text.escape_ascii())
            }
            Cause::Other(code) => write!(f, "cause {code} (RFC 9260 3.3.10)"),
        }
    }
}

/// Goes through the causes of ABORT or ERROR; what is too short ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Causes<'a>(Parameters<'a>);

impl<'a> Causes<'a> {
    /// Causes in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Causes<'a> {
        Causes(Parameters::new(bytes))
    }
}

impl Iterator for Causes<'_> {
    type Item = Cause;
    fn next(&mut self) -> Option<Cause> {
        let p = self.0.next()?.ok()?;
        Some(Cause::decode(p.kind, p.value))
    }
}
