//! Concealing and revealing a SUPI. Spec: TS 33.501 §6.12.2, annex C
//!
//! | in the specification          | here                 | meaning                                          |
//! |-------------------------------|----------------------|--------------------------------------------------|
//! | scheme input                  | `input`              | MSIN in BCD, swapped nibbles (TS 24.501 9.11.3.4) |
//! | scheme output                 | `output`             | ephemeral public key, ciphertext, MAC-tag         |
//! | EK, ICB, MK                   | `keys`               | 16, 16 and 32 bytes of the X9.63 derivation       |

use aes::cipher::{BlockCipherEncrypt, KeyInit as _};
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::kdf::hmac;

/// A protection scheme, by its identifier. Spec: TS 33.501 §C.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Scheme {
    /// The MSIN in clear.
    Null = 0,
    /// ECIES over Curve25519.
    #[default]
    ProfileA = 1,
    /// ECIES over secp256r1, points compressed.
    ProfileB = 2,
}

impl Scheme {
    /// The scheme of an identifier; operator schemes (12 to 15) are not known here.
    pub const fn new(identifier: u8) -> Option<Self> {
        match identifier {
            0 => Some(Self::Null),
            1 => Some(Self::ProfileA),
            2 => Some(Self::ProfileB),
            _ => None,
        }
    }
}

/// Why a SUCI could not be made or revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuciError {
    /// The scheme output is shorter than its public key, one byte of ciphertext and its tag. Fault: peer.
    Truncated,
    /// The octets are no point of the curve, or no private key of it. Fault: whoever gave the key.
    Key,
    /// The MAC-tag does not match: another home network key, or damage. Fault: peer.
    MacTag,
    /// The MSIN holds something else than decimal digits. Fault: peer.
    Digits,
}

impl std::fmt::Display for SuciError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Truncated => "SUCI: the scheme output is too short (TS 33.501 C.3.2)",
            Self::Key => "SUCI: not a key of the scheme's curve (TS 33.501 C.3.4)",
            Self::MacTag => "SUCI: the MAC-tag does not match (TS 33.501 C.3.3)",
            Self::Digits => "SUCI: the MSIN is not decimal digits (TS 24.501 9.11.3.4)",
        })
    }
}

impl std::error::Error for SuciError {}

const TAG_LEN: usize = 8;
const A_KEY_LEN: usize = 32;
const B_KEY_LEN: usize = 33;

/// MSIN digits as BCD, first digit in the low nibble, filler 0xF after an odd number.
///
/// Spec: TS 24.501 §9.11.3.4. Errors: `Digits`.
pub fn msin_to_bcd(msin: &str) -> Result<Vec<u8>, SuciError> {
    let digits = msin.as_bytes();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(SuciError::Digits);
    }
    Ok(digits.chunks(2).map(|pair| (pair[0] - b'0') | pair.get(1).map_or(0xf0, |d| (d - b'0') << 4)).collect())
}

/// The MSIN digits of BCD. Errors: `Digits`.
///
/// Spec: TS 24.501 §9.11.3.4
pub fn bcd_to_msin(bcd: &[u8]) -> Result<String, SuciError> {
    let mut msin = String::with_capacity(2 * bcd.len());
    for (i, byte) in bcd.iter().enumerate() {
        for (high, nibble) in [(false, byte & 15), (true, byte >> 4)] {
            match nibble {
                0..=9 => msin.push(char::from(b'0' + nibble)),
                15 if high && i + 1 == bcd.len() => {}
                _ => return Err(SuciError::Digits),
            }
        }
    }
    if msin.is_empty() { Err(SuciError::Digits) } else { Ok(msin) }
}

/// The public key of a home network's private key: 32 bytes (A) or 33 compressed (B), empty for the null scheme.
///
/// Errors: `Key` if `private` is no scalar of profile B's curve.
pub fn public_key(scheme: Scheme, private: &[u8; 32]) -> Result<Vec<u8>, SuciError> {
    match scheme {
        Scheme::Null => Ok(Vec::new()),
        Scheme::ProfileA => Ok(x25519_dalek::x25519(*private, x25519_dalek::X25519_BASEPOINT_BYTES).to_vec()),
        Scheme::ProfileB => Ok(compressed(&secret_b(private)?.public_key())),
    }
}

/// Makes a scheme output of `input` (BCD of the MSIN).
///
/// Spec: TS 33.501 §C.3.2
/// - `home_public`        32 bytes (A), 33 or 65 bytes SEC1 (B), not read by the null scheme
/// - `ephemeral_private`  32 fresh random bytes for each SUCI
///
/// Errors: `Key`.
pub fn conceal(
    scheme: Scheme,
    home_public: &[u8],
    ephemeral_private: &[u8; 32],
    input: &[u8],
) -> Result<Vec<u8>, SuciError> {
    let (public, shared) = match scheme {
        Scheme::Null => return Ok(input.to_vec()),
        Scheme::ProfileA => {
            let home: [u8; 32] = home_public.try_into().map_err(|_| SuciError::Key)?;
            (public_key(scheme, ephemeral_private)?, x25519_dalek::x25519(*ephemeral_private, home))
        }
        Scheme::ProfileB => (public_key(scheme, ephemeral_private)?, shared_b(ephemeral_private, home_public)?),
    };
    let keys = derive(&shared, &public);
    let mut output = public;
    let start = output.len();
    output.extend_from_slice(input);
    ctr(&keys, &mut output[start..]);
    let tag = tag(&keys, &output[start..]);
    output.extend_from_slice(&tag);
    Ok(output)
}

/// Reveals the scheme input (BCD of the MSIN) of a scheme output.
///
/// Spec: TS 33.501 §C.3.3. Errors: `Truncated`, `Key`, `MacTag`; none must be told apart to the UE.
pub fn deconceal(scheme: Scheme, home_private: &[u8; 32], output: &[u8]) -> Result<Vec<u8>, SuciError> {
    let key_len = match scheme {
        Scheme::Null => return Ok(output.to_vec()),
        Scheme::ProfileA => A_KEY_LEN,
        Scheme::ProfileB => B_KEY_LEN,
    };
    let (public, rest) = output.split_at_checked(key_len).ok_or(SuciError::Truncated)?;
    let (ciphertext, tag_received) = rest.split_last_chunk::<TAG_LEN>().ok_or(SuciError::Truncated)?;
    if ciphertext.is_empty() {
        return Err(SuciError::Truncated);
    }
    let shared = match scheme {
        Scheme::ProfileB => shared_b(home_private, public)?,
        _ => x25519_dalek::x25519(*home_private, public.try_into().map_err(|_| SuciError::Key)?),
    };
    let keys = derive(&shared, public);
    if !crate::equal_constant_time(&tag(&keys, ciphertext), tag_received) {
        return Err(SuciError::MacTag);
    }
    let mut input = ciphertext.to_vec();
    ctr(&keys, &mut input);
    Ok(input)
}

fn secret_b(private: &[u8; 32]) -> Result<p256::SecretKey, SuciError> {
    p256::SecretKey::from_slice(private).map_err(|_| SuciError::Key)
}

fn compressed(public: &p256::PublicKey) -> Vec<u8> {
    use p256::elliptic_curve::sec1::ToSec1Point;
    public.to_sec1_point(true).as_bytes().to_vec()
}

fn shared_b(private: &[u8; 32], public: &[u8]) -> Result<[u8; 32], SuciError> {
    let public = p256::PublicKey::from_sec1_bytes(public).map_err(|_| SuciError::Key)?;
    let secret = secret_b(private)?;
    let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
    Ok((*shared.raw_secret_bytes()).into())
}

/// EK, ICB and MK: ANSI X9.63 with SHA-256, the ephemeral public key as shared information. Spec: TS 33.501 §C.3.4.0
fn derive(shared: &[u8; 32], public: &[u8]) -> [u8; 64] {
    let mut keys = [0; 64];
    for (counter, block) in (1u32..).zip(keys.as_chunks_mut::<32>().0) {
        *block = Sha256::new()
            .chain_update(shared)
            .chain_update(counter.to_be_bytes())
            .chain_update(public)
            .finalize()
            .into();
    }
    keys
}

fn ctr(keys: &[u8; 64], data: &mut [u8]) {
    let (Some(key), Some(icb)) = (keys.first_chunk::<16>(), keys[16..].first_chunk::<16>()) else { return };
    let cipher = aes::Aes128::new(key.into());
    let mut counter = u128::from_be_bytes(*icb);
    for chunk in data.chunks_mut(16) {
        let mut block = counter.to_be_bytes().into();
        cipher.encrypt_block(&mut block);
        chunk.iter_mut().zip(block.iter()).for_each(|(d, k)| *d ^= k);
        counter = counter.wrapping_add(1);
    }
}

fn tag(keys: &[u8; 64], ciphertext: &[u8]) -> [u8; TAG_LEN] {
    let mut mac = hmac(&keys[32..]);
    mac.update(ciphertext);
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&mac.finalize().into_bytes()[..TAG_LEN]);
    tag
}
