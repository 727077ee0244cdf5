//! The broadcast channel. Spec: TS 38.212 §7.1
//!
//! The 32 payload bits are those after scrambling (a'_0..a'_31): payload generation and scrambling (§7.1.1, §7.1.2) belong to the caller.

use crate::polar::{PolarCodec, PolarError, PolarParams};
use crate::{Crc, Llr};

/// Payload bits, the MIB and eight timing bits.
pub const PAYLOAD_BITS: usize = 32;
/// Bits after rate matching. Spec: TS 38.212 §7.1.5
pub const E: usize = 864;

const PARAMS: PolarParams = PolarParams { k: PAYLOAD_BITS + 24, e: E, uplink: false };

/// Encodes the payload: CRC24C, polar code, rate matching.
///
/// Spec: TS 38.212 §7.1.3 to §7.1.5
/// - `payload` scrambled, one bit per byte
/// - returns   one bit per byte, before the scrambling of TS 38.211 §7.3.3.1
///
/// Errors: none in practice, the sizes are fixed. No allocation.
pub fn encode(codec: &mut PolarCodec, payload: &[u8; PAYLOAD_BITS]) -> Result<[u8; E], PolarError> {
    let mut bits = [0; PAYLOAD_BITS + 24];
    bits[..PAYLOAD_BITS].copy_from_slice(payload);
    Crc::Crc24C.write_bits(Crc::Crc24C.of_bits(payload), &mut bits[PAYLOAD_BITS..]);
    let mut out = [0; E];
    codec.encode(PARAMS, &bits, &mut out)?;
    Ok(out)
}

/// Decodes the payload; None if no list candidate passes the CRC.
///
/// Spec: TS 38.212 §7.1 (reversed)
/// - `llrs` `[864]` after descrambling; soft bits of several blocks with the same payload may be added before
///
/// Errors: `Length` if `llrs` is not 864 long. Cost: about that of a DCI, no allocation.
pub fn decode(codec: &mut PolarCodec, llrs: &[Llr]) -> Result<Option<[u8; PAYLOAD_BITS]>, PolarError> {
    let mut bits = [0; PAYLOAD_BITS + 24];
    let passed = codec.decode(PARAMS, llrs, &mut bits, |bits| Crc::Crc24C.of_bits(bits) == 0)?;
    let mut payload = [0; PAYLOAD_BITS];
    payload.copy_from_slice(&bits[..PAYLOAD_BITS]);
    Ok(passed.then_some(payload))
}
