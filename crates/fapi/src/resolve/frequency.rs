//! Frequency domain resource assignment. Spec: TS 38.214 §5.1.2.2, §6.1.2.2

use crate::config::Bwp;
use crate::pdu::RbAllocation;

/// Resource indication value of `n_rb` contiguous RBs from `start` in a part of `size` RBs; `None` if they do not fit.
///
/// Spec: TS 38.214 §5.1.2.2.2
pub const fn riv_encode(start: u16, n_rb: u16, size: u16) -> Option<u32> {
    if n_rb == 0 || start as u32 + n_rb as u32 > size as u32 {
        return None;
    }
    let (s, l, n) = (start as u32, n_rb as u32 - 1, size as u32);
    Some(if l <= n / 2 { n * l + s } else { n * (n - l) + (n - 1 - s) })
}

/// First RB and number of RBs of a resource indication value; `None` for a value that no allocation has.
///
/// Spec: TS 38.214 §5.1.2.2.2
pub const fn riv_decode(riv: u32, size: u16) -> Option<(u16, u16)> {
    let n = size as u32;
    if n == 0 {
        return None;
    }
    let (q, r) = (riv / n, riv % n);
    let (start, n_rb) = if q <= n / 2 && q + r < n {
        (r, q + 1)
    } else if q <= n && n - q > n / 2 {
        (n - 1 - r, n - q + 1)
    } else {
        return None;
    };
    // Each allocation has one value: what the other branch would have written is none.
    match riv_encode(start as u16, n_rb as u16, size) {
        Some(v) if v == riv => Some((start as u16, n_rb as u16)),
        _ => None,
    }
}

/// Nominal resource block group size P. Spec: TS 38.214 table 5.1.2.2.1-1
pub const fn rbg_size(n_rb: u16, config2: bool) -> u16 {
    match (n_rb, config2) {
        (0..=36, false) => 2,
        (0..=36, true) => 4,
        (37..=72, false) => 4,
        (37..=72, true) => 8,
        (73..=144, false) => 8,
        _ => 16,
    }
}

/// Resource block groups of a part whose first RB is `bwp.start_rb` from the carrier's lowest (taken as a multiple of the
/// group size against point A where it is 0). Spec: TS 38.214 §5.1.2.2.1
pub const fn n_rbg(bwp: Bwp, config2: bool) -> u8 {
    let p = rbg_size(bwp.n_rb, config2);
    (bwp.n_rb + bwp.start_rb % p).div_ceil(p) as u8
}

/// RBs of the groups in `bitmap` (most significant bit of the field is group 0), counted from the carrier's lowest RB.
///
/// Spec: TS 38.214 §5.1.2.2.1
pub fn rbg_to_rbs(bitmap: u32, bwp: Bwp, config2: bool) -> RbAllocation {
    let p = rbg_size(bwp.n_rb, config2);
    let n = n_rbg(bwp, config2);
    let mut words = [0u64; 5];
    for rb in 0..bwp.n_rb {
        let group = (rb + bwp.start_rb % p) / p;
        let absolute = bwp.start_rb + rb;
        if bitmap >> (n as u16 - 1 - group) & 1 == 1
            && let Some(w) = words.get_mut(absolute as usize / 64)
        {
            *w |= 1 << (absolute % 64);
        }
    }
    RbAllocation::Bitmap(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.1.2.2.2
    fn riv_round_trips_and_every_other_value_is_refused() {
        for size in [1u16, 2, 3, 24, 48, 51, 106, 273] {
            let mut valid = 0;
            for riv in 0..1u32 << crate::dci::riv_bits(size).max(1) {
                if let Some((s, n)) = riv_decode(riv, size) {
                    assert_eq!(riv_encode(s, n, size), Some(riv));
                    valid += 1;
                }
            }
            assert_eq!(valid, size as u32 * (size as u32 + 1) / 2);
        }
        // Hand values: 48 RBs; (0, 48): 48 (48 - 47) + 47 = 95; (10, 5): 48 * 4 + 10 = 202.
        assert_eq!((riv_encode(0, 48, 48), riv_encode(10, 5, 48)), (Some(95), Some(202)));
        assert_eq!(riv_encode(47, 2, 48), None);
    }

    #[test] // Spec: TS 38.214 §5.1.2.2.1
    fn groups_cover_the_part_once() {
        let bwp = Bwp { id: 0, start_rb: 0, n_rb: 51 };
        assert_eq!(n_rbg(bwp, false), 13);
        assert_eq!(rbg_to_rbs(0x1fff, bwp, false).n_rb(), 51);
        assert_eq!(rbg_to_rbs(1 << 12, bwp, false).iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(rbg_to_rbs(1, bwp, false).iter().collect::<Vec<_>>(), [48, 49, 50]);
        assert_eq!(n_rbg(Bwp { n_rb: 273, ..bwp }, false), 18);
    }
}
