//! Packed bit strings, most significant bit first.

/// The bit at `idx` of a packed string, 0 or 1.
///
/// Panics if `idx` lies outside.
#[inline]
pub fn get(packed: &[u8], idx: usize) -> u8 {
    packed[idx / 8] >> (7 - idx % 8) & 1
}

/// Sets the bit at `idx` of a packed string to `bit & 1`.
///
/// Panics if `idx` lies outside.
#[inline]
pub fn set(packed: &mut [u8], idx: usize, bit: u8) {
    let mask = 0x80 >> (idx % 8);
    let byte = &mut packed[idx / 8];
    *byte = if bit & 1 == 1 { *byte | mask } else { *byte & !mask };
}

/// Packs bits (one per byte) into `out`; a last partial byte is filled with zeros.
///
/// Panics if `out` is shorter than `bits.len().div_ceil(8)`.
pub fn pack(bits: &[u8], out: &mut [u8]) {
    for (chunk, byte) in bits.chunks(8).zip(out[..bits.len().div_ceil(8)].iter_mut()) {
        *byte = chunk.iter().enumerate().fold(0, |acc, (i, &bit)| acc | (bit & 1) << (7 - i));
    }
}

/// Unpacks the first `out.len()` bits of `packed`, one per byte.
///
/// Panics if `packed` is too short.
pub fn unpack(packed: &[u8], out: &mut [u8]) {
    for (idx, bit) in out.iter_mut().enumerate() {
        *bit = get(packed, idx);
    }
}

/// 64 bits from bit `offset` on; bits past the end of `src` read as 0.
#[inline]
pub(crate) fn load64(src: &[u8], offset: usize) -> u64 {
    let (byte, shift) = (offset / 8, offset % 8);
    if let Some(window) = src.get(byte..byte + 9) {
        let word = u64::from_be_bytes([
            window[0], window[1], window[2], window[3], window[4], window[5], window[6], window[7],
        ]);
        return if shift == 0 { word } else { word << shift | u64::from(window[8] >> (8 - shift)) };
    }
    let mut wide = 0u128;
    for i in 0..9 {
        wide = wide << 8 | u128::from(src.get(byte + i).copied().unwrap_or(0));
    }
    (wide >> (8 - shift)) as u64
}

/// Copies `n` bits from bit `src_at` of `src` to bit `dst_at` of `dst`; other bits of `dst` stay.
///
/// Panics if either range lies outside.
pub fn copy(dst: &mut [u8], dst_at: usize, src: &[u8], src_at: usize, n: usize) {
    assert!(dst_at + n <= dst.len() * 8 && src_at + n <= src.len() * 8);
    let (mut done, head) = (0, (8 - dst_at % 8) % 8);
    if head > 0 {
        let take = head.min(n);
        put(dst, dst_at, load64(src, src_at), take);
        done = take;
    }
    let whole = (n - done) / 8;
    let (to, from, shift) = ((dst_at + done) / 8, (src_at + done) / 8, (src_at + done) % 8);
    let to = &mut dst[to..to + whole];
    if shift == 0 {
        to.copy_from_slice(&src[from..from + whole]);
    } else if whole > 0 {
        let (near, far) = (&src[from..from + whole], &src[from + 1..from + 1 + whole]);
        for ((to, near), far) in to.iter_mut().zip(near).zip(far) {
            *to = near << shift | far >> (8 - shift);
        }
    }
    done += 8 * whole;
    while done < n {
        let take = (n - done).min(8);
        put(dst, dst_at + done, load64(src, src_at + done), take);
        done += take;
    }
}

/// Writes the top `n` bits of `word` (`n` <= 8, within one byte) at bit `at`.
#[inline]
fn put(dst: &mut [u8], at: usize, word: u64, n: usize) {
    let shift = at % 8;
    let value = ((word >> 56) as u8) >> shift;
    let mask = (((0xff00u16 >> n) & 0xff) as u8) >> shift;
    let byte = &mut dst[at / 8];
    *byte = *byte & !mask | value & mask;
}

/// Transposes a matrix of 8 x 8 bits, a row an octet, the first on top.
#[inline(always)]
pub(crate) fn transpose8(mut x: u64) -> u64 {
    for (mask, by) in [(0x00aa_00aa_00aa_00aa, 7), (0x0000_cccc_0000_cccc, 14), (0x0000_0000_f0f0_f0f0, 28)] {
        let t = (x ^ x >> by) & mask;
        x ^= t ^ t << by;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.5 (concatenation of bit strings)
    fn copies_any_range_bit_by_bit() {
        let src: Vec<u8> = (0..40u32).map(|i| (i * 73 + 11) as u8).collect();
        for (dst_at, src_at, n) in
            [(0, 0, 320), (3, 0, 200), (5, 7, 64), (1, 2, 3), (7, 255, 65), (8, 13, 130), (2, 1, 0)]
        {
            let mut dst = vec![0xa5u8; 48];
            let mut expected = dst.clone();
            copy(&mut dst, dst_at, &src, src_at, n);
            for i in 0..n {
                set(&mut expected, dst_at + i, get(&src, src_at + i));
            }
            assert_eq!(dst, expected, "{dst_at} {src_at} {n}");
        }
    }
}
