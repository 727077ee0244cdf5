//! NEA and NIA 1 to 3, MILENAGE and TUAK, key derivation, SUCI.
//!
//! | what | module | specification |
//! |---|---|---|
//! | ciphering and integrity of NAS and PDCP | [`algorithm`] | TS 33.501 annex D |
//! | f1 to f5*, authentication vectors, AUTN and AUTS | [`aka`] | TS 35.206, TS 35.231, TS 33.102 §6.3 |
//! | TUAK's functions | [`tuak`] | TS 35.231 |
//! | the key hierarchy of 5GS | [`kdf`] | TS 33.501 annex A |
//! | concealing and revealing a SUPI | [`suci`] | TS 33.501 annex C |
//!
//! SNOW 3G, ZUC, AES-CTR, CMAC and MILENAGE are those of `oxirush-security`, behind this face; the curves, AES and SHA-2
//! are RustCrypto's. Nothing here keeps state, draws random numbers or reads a clock: RAND and ephemeral keys are arguments.
//!
//! Left out: the 256-bit algorithms (TS 33.501 §5.11.1.1 has none yet), EAP-AKA', handover keys from EPS.

mod fuzz;

pub mod aka;
pub mod algorithm;
pub mod kdf;
pub mod suci;
pub mod tuak;

pub use aka::{AkaError, AuthenticationSubscription, AuthenticationVector, Autn, Auts, UsimResponse};
pub use algorithm::{Direction, NeaAlg, NiaAlg, nea, nia};
pub use fuzz::fuzz_one;
pub use suci::{Scheme, SuciError};

/// Compares two byte strings in a time that depends on their lengths only.
pub fn equal_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y)) == 0
}
