//! Uplink control information on PUCCH and PUSCH. Spec: TS 38.212 §6.3.1.2 to §6.3.1.5, §6.3.2.2 to §6.3.2.5
//!
//! | in the specification | here | meaning | range |
//! | --- | --- | --- | --- |
//! | A | payload length | UCI bits | 1..=1706 |
//! | E_UCI | `out`, `llrs` length | coded bits | up to 8192 a code block |
//! | C_UCI | `n_blocks` | polar code blocks | 1, 2 |
//! | L | `crc` | CRC6 for 12 to 19 bits, CRC11 above | |

use crate::polar::{PolarCodec, PolarError, PolarParams};
use crate::{Crc, Llr, short};
use std::fmt;

/// The largest payload. Spec: TS 38.212 §5.2.1
pub const PAYLOAD_BITS_MAX: usize = 1706;

/// Why UCI cannot be coded so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UciError {
    /// There must be 1 to 1706 bits.
    Payload(usize),
    /// The modulation order is not 1, 2, 4, 6 or 8.
    ModulationOrder(u8),
    /// The polar code does not exist, for instance since E is too small.
    Polar(PolarError),
}

impl From<PolarError> for UciError {
    fn from(error: PolarError) -> Self {
        Self::Polar(error)
    }
}

impl fmt::Display for UciError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload(a) => write!(f, "UCI payload: expected 1 to {PAYLOAD_BITS_MAX} bits, got {a}"),
            Self::ModulationOrder(q_m) => write!(f, "modulation order: expected 1, 2, 4, 6 or 8, got {q_m}"),
            Self::Polar(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UciError {}

/// What was made of received UCI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UciResult {
    /// Whether the CRC of every code block held; None for up to 11 bits, which have none.
    pub crc_ok: Option<bool>,
    /// Normalised correlation of the soft bits with the code word decided for, sum(llr c) / sqrt(E sum(llr^2)): 1 without
    /// noise. On noise alone about sqrt(2 ln(2^A) / E) for up to 11 bits; a threshold above that tells DTX.
    pub metric: f32,
}

/// How a payload is cut and protected. Spec: TS 38.212 §6.3.1.2.1, §6.3.1.4.1
struct Layout {
    n_blocks: usize,
    /// Payload bits of a block, leading zero of the first one included.
    a: usize,
    crc: Crc,
    params: PolarParams,
}

impl Layout {
    fn new(a: usize, e: usize) -> Self {
        let n_blocks = if (a >= 360 && e >= 1088) || a >= 1013 { 2 } else { 1 };
        let crc = if a < 20 { Crc::Crc6 } else { Crc::Crc11 };
        let per_block = a.div_ceil(n_blocks);
        let params = PolarParams { k: per_block + crc.len(), e: e / n_blocks, uplink: true };
        Self { n_blocks, a: per_block, crc, params }
    }
}

/// Encodes UCI of 1 to 1706 bits: repetition, simplex or Reed-Muller code up to 11 bits, else CRC and polar code.
///
/// Spec: TS 38.212 §6.3.1.2 to §6.3.1.5
/// - `payload` one bit per byte
/// - `q_m`     modulation order; it matters for 1 and 2 bits only
/// - `out`     overwritten, E = its length: 0, 1, and for 1 and 2 bits also [`short::PLACEHOLDER_ONE`] and
///   [`short::PLACEHOLDER_REPEAT`], which scrambling treats apart (TS 38.211 §6.3.1.1)
///
/// Errors: [`UciError`]. No allocation.
pub fn encode(codec: &mut PolarCodec, payload: &[u8], q_m: u8, out: &mut [u8]) -> Result<(), UciError> {
    check(payload.len(), q_m)?;
    if payload.len() <= short::BITS_MAX {
        short::encode(payload, q_m as usize, out);
        return Ok(());
    }
    let layout = Layout::new(payload.len(), out.len());
    let padding = layout.n_blocks * layout.a - payload.len();
    let e = layout.params.e;
    for block in 0..layout.n_blocks {
        let mut bits = [0; PAYLOAD_BITS_MAX / 2 + 200];
        let bits = bits.get_mut(..layout.params.k).ok_or(PolarError::Size { k: layout.params.k, e })?;
        let (from, to) = ((block * layout.a).saturating_sub(padding), (block + 1) * layout.a - padding);
        let skip = if block == 0 { padding } else { 0 };
        bits[skip..layout.a].copy_from_slice(&payload[from..to]);
        let parity = layout.crc.of_bits(&bits[..layout.a]);
        layout.crc.write_bits(parity, &mut bits[layout.a..]);
        codec.encode(layout.params, bits, &mut out[block * e..(block + 1) * e])?;
    }
    out[layout.n_blocks * e..].fill(0);
    Ok(())
}

/// Decodes UCI of 1 to 1706 bits.
///
/// Spec: TS 38.212 §6.3.1.2 to §6.3.1.5 (reversed)
/// - `llrs`    E soft bits after descrambling; see [`short::decode`] for the placeholders of 1 and 2 bits
/// - `payload` overwritten, one bit per byte; its length is A
///
/// Errors: [`UciError`]. Cost: O(E + 2^A) up to 11 bits, else that of the list decoder; no allocation.
pub fn decode(codec: &mut PolarCodec, llrs: &[Llr], q_m: u8, payload: &mut [u8]) -> Result<UciResult, UciError> {
    check(payload.len(), q_m)?;
    if payload.len() <= short::BITS_MAX {
        let metric = short::decode(llrs, q_m as usize, payload).unwrap_or(0.0);
        return Ok(UciResult { crc_ok: None, metric });
    }
    let layout = Layout::new(payload.len(), llrs.len());
    let (padding, e) = (layout.n_blocks * layout.a - payload.len(), layout.params.e);
    let (mut crc_ok, mut correlation) = (true, 0i64);
    for block in 0..layout.n_blocks {
        let mut bits = [0; PAYLOAD_BITS_MAX / 2 + 200];
        let bits = bits.get_mut(..layout.params.k).ok_or(PolarError::Size { k: layout.params.k, e })?;
        let soft = &llrs[block * e..(block + 1) * e];
        crc_ok &= codec.decode(layout.params, soft, bits, |bits| layout.crc.of_bits(bits) == 0)?;
        correlation += codec.correlate(layout.params, soft)?;
        let (from, to) = ((block * layout.a).saturating_sub(padding), (block + 1) * layout.a - padding);
        let skip = if block == 0 { padding } else { 0 };
        payload[from..to].copy_from_slice(&bits[skip..layout.a]);
    }
    let used = &llrs[..layout.n_blocks * e];
    let energy: u64 = used.iter().map(|llr| u64::from(llr.unsigned_abs()).pow(2)).sum();
    let metric = if energy == 0 { 0.0 } else { correlation as f32 / (energy as f32 * used.len() as f32).sqrt() };
    Ok(UciResult { crc_ok: Some(crc_ok), metric })
}

fn check(a: usize, q_m: u8) -> Result<(), UciError> {
    if !(1..=PAYLOAD_BITS_MAX).contains(&a) {
        return Err(UciError::Payload(a));
    }
    if ![1, 2, 4, 6, 8].contains(&q_m) {
        return Err(UciError::ModulationOrder(q_m));
    }
    Ok(())
}
