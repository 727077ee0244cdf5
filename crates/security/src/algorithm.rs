//! Ciphering (NEA) and integrity (NIA) of NAS, RRC and user data. Spec: TS 33.501 annex D
//!
//! | in the specification | here        | meaning                                                    | range     |
//! |----------------------|-------------|------------------------------------------------------------|-----------|
//! | KEY                  | `key`       | K_NASenc, K_RRCint ...: the lower 128 bits of a derivation | 16 bytes  |
//! | COUNT                | `count`     | NAS COUNT (24 bits) or PDCP COUNT                          | 32 bits   |
//! | BEARER               | `bearer`    | radio bearer identity minus 1; NAS: 1 for 3GPP access      | 0..=31    |
//! | DIRECTION            | `direction` | 0 uplink, 1 downlink                                       | 0..=1     |

use oxirush_security as library;

/// A ciphering algorithm, by its identifier.
///
/// Spec: TS 33.501 §5.11.1.1; the numbers are those of RRC's `CipheringAlgorithm` and NAS's type of ciphering algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum NeaAlg {
    /// Null.
    #[default]
    Nea0 = 0,
    /// SNOW 3G.
    Nea1 = 1,
    /// AES-CTR.
    Nea2 = 2,
    /// ZUC.
    Nea3 = 3,
}

/// An integrity algorithm, by its identifier.
///
/// Spec: TS 33.501 §5.11.1.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum NiaAlg {
    /// Null: for emergency calls without a USIM, and for laboratories that ask for it.
    #[default]
    Nia0 = 0,
    /// SNOW 3G.
    Nia1 = 1,
    /// AES-CMAC.
    Nia2 = 2,
    /// ZUC.
    Nia3 = 3,
}

impl NeaAlg {
    /// The algorithm of an identifier, if it is one of Release 15 to 18.
    pub const fn new(identifier: u8) -> Option<Self> {
        match identifier {
            0 => Some(Self::Nea0),
            1 => Some(Self::Nea1),
            2 => Some(Self::Nea2),
            3 => Some(Self::Nea3),
            _ => None,
        }
    }

    /// Its identifier, 0 to 3.
    pub const fn id(self) -> u8 {
        self as u8
    }
}

impl NiaAlg {
    /// The algorithm of an identifier, if it is one of Release 15 to 18.
    pub const fn new(identifier: u8) -> Option<Self> {
        match identifier {
            0 => Some(Self::Nia0),
            1 => Some(Self::Nia1),
            2 => Some(Self::Nia2),
            3 => Some(Self::Nia3),
            _ => None,
        }
    }

    /// Its identifier, 0 to 3.
    pub const fn id(self) -> u8 {
        self as u8
    }
}

/// Which way a message goes; a value of the algorithms' input DIRECTION.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the UE.
    Uplink = 0,
    /// To the UE.
    Downlink = 1,
}

/// Ciphers or deciphers `data` in place.
///
/// Spec: TS 33.501 §D.2
/// - `bearer` is taken modulo 32; NEA0 leaves `data` as it is.
///
/// Cost: O(n), no allocation; NEA2 uses the processor's AES instructions where it has them.
pub fn nea(alg: NeaAlg, key: &[u8; 16], count: u32, bearer: u8, direction: Direction, data: &mut [u8]) {
    let algorithm = match alg {
        NeaAlg::Nea0 => return,
        NeaAlg::Nea1 => library::CipheringAlgorithm::NEA1,
        NeaAlg::Nea2 => library::CipheringAlgorithm::NEA2,
        NeaAlg::Nea3 => library::CipheringAlgorithm::NEA3,
    };
    let key = library::nas_5gs::KUpEnc::new(key);
    library::nea_cipher(&key, count, library_bearer(bearer), library_direction(direction), data, algorithm);
}

/// The 32-bit MAC of `data`: MAC-I of PDCP, the message authentication code of NAS.
///
/// Spec: TS 33.501 §D.3
/// - `bearer` is taken modulo 32; NIA0 gives four zero bytes.
///
/// Cost: O(n), no allocation.
pub fn nia(alg: NiaAlg, key: &[u8; 16], count: u32, bearer: u8, direction: Direction, data: &[u8]) -> [u8; 4] {
    let algorithm = match alg {
        NiaAlg::Nia0 => return [0; 4],
        NiaAlg::Nia1 => library::IntegrityAlgorithm::NIA1,
        NiaAlg::Nia2 => library::IntegrityAlgorithm::NIA2,
        NiaAlg::Nia3 => library::IntegrityAlgorithm::NIA3,
    };
    let key = library::nas_5gs::KUpInt::new(key);
    library::nia_mac(&key, count, library_bearer(bearer), library_direction(direction), data, algorithm).to_be_bytes()
}

fn library_bearer(bearer: u8) -> library::Bearer {
    library::Bearer::new(bearer & 31).unwrap_or(library::Bearer::ZERO)
}

fn library_direction(direction: Direction) -> library::Direction {
    match direction {
        Direction::Uplink => library::Direction::Uplink,
        Direction::Downlink => library::Direction::Downlink,
    }
}
