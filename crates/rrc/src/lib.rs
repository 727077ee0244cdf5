//! TS 38.331 messages in unaligned PER, generated.
//!
//! Spec: TS 38.331 §8 (UPER), §6.2 (messages), §6.3 (information elements)
//!
//! A message class is a type ([`DlDcchMessage`], [`BcchDlSchMessage`], ...), [`decode`] and [`encode`] are its verbs. Octet strings
//! that contain another type ([`CellGroupConfig`] in an RRCReconfiguration) are octets here: decode and encode them likewise.
//! Names are those of the specification without hyphens, fields in snake case; an ENUMERATED has `name()`, `number()` and
//! `from_number()` ([`Enumerated`]); an OPTIONAL of one value (`ENUMERATED {true}`, NULL) is a `bool`; a DEFAULT is an `Option`.
//!
//! `Default` leaves every OPTIONAL out, and gives what is mandatory its first value or zero.
//!
//! What is not typed is kept as bits (`Opaque`, `Tail`, `ext`), so decoding and encoding gives the octets that came: the list is in
//! nr_rrc.select. Extensions of later releases are kept likewise.

mod fuzz;
#[rustfmt::skip]
mod nr_rrc;

pub use fuzz::{describe, fuzz_one, transcode};
pub use nr_rrc::*;
pub use per::{
    BitString, Codec, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Enumerated, Extensions, Opaque,
    SetupRelease, Tail, UnknownAlternative, decode, encode,
};
