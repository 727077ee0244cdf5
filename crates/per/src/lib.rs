//! Bit reader and writer, and the unaligned PER runtime that generated codecs stand on.
//!
//! Spec: ITU-T X.691 (BASIC-PER, UNALIGNED variant)
//!
//! Generated types implement [`Codec`]; [`decode`] and [`encode`] are the two verbs. What a codec does not type is kept as the bits
//! that came ([`Opaque`], [`Tail`], [`Extensions`]), so that encoding a decoded message gives its octets again.
//!
//! Left out: the aligned variant, REAL, OBJECT IDENTIFIER, character strings, information objects. TS 38.331 has none of them.

mod codec;
mod error;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod value;
mod writer;

pub use codec::{Codec, Enumerated, SetupRelease, decode, encode, name_number};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Stop};
pub use reader::Reader;
pub use schema::Schema;
pub use value::{Additions, BitString, Extensions, Opaque, Tail, UnknownAlternative};
pub use writer::Writer;

/// Bits that hold a value of 0..=`range_max`.
///
/// Spec: ITU-T X.691 §11.5.7.1
pub const fn width(range_max: u64) -> u32 {
    u64::BITS - range_max.leading_zeros()
}
