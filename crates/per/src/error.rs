//! What can be wrong with octets from a peer, and with a value of our own.

use core::fmt;

/// Coding has stopped: the reader or the writer knows why. It takes no room, so that generated code stays small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Why octets are not a message; the fault is the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Bit offset in the message (or in the open type) where decoding stopped.
    pub bit: usize,
    /// The ASN.1 type that was being decoded.
    pub within: &'static str,
    /// What was found.
    pub kind: DecodeErrorKind,
}

/// What was found instead of a legal encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// The message ends before the value does.
    EndOfData,
    /// A value above the last legal one: what was found, and the last legal one.
    OutOfRange {
        /// The value found.
        found: u64,
        /// The last legal value.
        max: u64,
    },
    /// A length determinant that no encoder may send.
    BadLength,
    /// A number of octets that no integer of the specification needs.
    IntegerTooLong,
    /// More nested types than any message of the specification has.
    TooDeep,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at bit {}: ", self.within, self.bit)?;
        match self.kind {
            DecodeErrorKind::EndOfData => f.write_str("the message ends early"),
            DecodeErrorKind::OutOfRange { found, max } => write!(f, "expected at most {max}, found {found}"),
            DecodeErrorKind::BadLength => f.write_str("a length determinant that is not allowed"),
            DecodeErrorKind::IntegerTooLong => f.write_str("an integer of more than 8 octets"),
            DecodeErrorKind::TooDeep => f.write_str("nested too deep"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why a value has no encoding; the fault is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The ASN.1 type that was being encoded.
    pub within: &'static str,
    /// What does not fit.
    pub kind: EncodeErrorKind,
}

/// What does not fit its constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeErrorKind {
    /// An integer outside its range.
    Integer {
        /// The value.
        value: i64,
        /// The least legal value.
        min: i64,
        /// The last legal value.
        max: i64,
    },
    /// A list or string of a length outside its range.
    Length {
        /// The length: elements, octets or bits.
        len: usize,
        /// The least legal length.
        min: usize,
        /// The last legal length.
        max: usize,
    },
    /// A mandatory part that is carried as bits, and has none.
    Missing,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.within)?;
        match self.kind {
            EncodeErrorKind::Integer { value, min, max } => write!(f, "expected {min}..{max}, found {value}"),
            EncodeErrorKind::Length { len, min, max } => write!(f, "expected a length of {min}..{max}, found {len}"),
            EncodeErrorKind::Missing => f.write_str("a mandatory part is missing"),
        }
    }
}

impl core::error::Error for EncodeError {}
