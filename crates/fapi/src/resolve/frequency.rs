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

/// Resource block groups of a part on a carrier whose lowest RB is common RB `offset_to_carrier`: groups are aligned to point A.
///
/// Spec: TS 38.214 §5.1.2.2.1
pub const fn n_rbg(bwp: Bwp, offset_to_carrier: u16, config2: bool) -> u8 {
    let p = rbg_size(bwp.n_rb, config2);
    (bwp.n_rb + (bwp.start_rb + offset_to_carrier) % p).div_ceil(p) as u8
}

/// Groups of `granularity` RBs (0 and 1 are one RB) that a part has, aligned to point A. Spec: TS 38.212 §7.3.1.1.3, §7.3.1.2.3
pub const fn granular_size(bwp: Bwp, offset_to_carrier: u16, granularity: u8) -> u16 {
    let p = if granularity == 0 { 1 } else { granularity as u16 };
    (bwp.n_rb + (bwp.start_rb + offset_to_carrier) % p).div_ceil(p)
}

/// RBs of groups `start..start + n` of `granularity` RBs: first RB from the carrier's lowest, and how many.
///
/// Spec: TS 38.214 §5.1.2.2.2, §6.1.2.2.2
pub const fn granular_rbs(bwp: Bwp, offset_to_carrier: u16, granularity: u8, start: u16, n: u16) -> (u16, u16) {
    let p = if granularity == 0 { 1 } else { granularity as u16 };
    let shift = (bwp.start_rb + offset_to_carrier) % p;
    let first = (start * p).saturating_sub(shift);
    let end = (start + n) * p - shift;
    let end = if end > bwp.n_rb { bwp.n_rb } else { end };
    (bwp.start_rb + first, end.saturating_sub(first))
}

/// Factor K of RIVs that were sized for `initial` RBs and serve a part of `active` RBs. Spec: TS 38.214 §5.1.2.2.2, §6.1.2.2.2
pub const fn riv_scale(active: u16, initial: u16) -> u16 {
    match active.checked_div(initial) {
        None | Some(0 | 1) => 1,
        Some(2 | 3) => 2,
        Some(4..=7) => 4,
        Some(_) => 8,
    }
}

/// Calls `f(vrb, prb)` for `size` virtual RBs (counted from 0) that lie from carrier RB `start` on, interleaved in bundles of `bundle`.
///
/// Bundles are aligned to `reference_rb` (relative to the carrier's lowest RB): common RB 0 in general; CORESET 0's first RB for system
/// information in its search space, where the first bundle is whole. Spec: TS 38.211 §7.3.1.6
pub fn vrb_to_prb(start: u16, size: u16, bundle: u8, reference_rb: i32, mut f: impl FnMut(u16, u16)) {
    let (l, size) = (i32::from(bundle.max(1)), i32::from(size));
    let offset = (i32::from(start) - reference_rb).rem_euclid(l);
    let n_bundle = (size + offset + l - 1) / l;
    let columns = n_bundle / 2;
    let range = |j: i32| ((j * l - offset).max(0), ((j + 1) * l - offset).min(size));
    for j in 0..n_bundle {
        // Two rows; the last bundle stays where it is.
        let to = if j == n_bundle - 1 || j >= 2 * columns { j } else { j % 2 * columns + j / 2 };
        let (from, until) = range(j);
        for (vrb, prb) in (from..until).zip(range(to).0..) {
            f(vrb as u16, start.saturating_add(prb as u16));
        }
    }
}

/// The PRBs of virtual RBs `first..first + n` of [`vrb_to_prb`], as a set.
pub fn interleaved_rbs(start: u16, size: u16, bundle: u8, reference_rb: i32, first: u16, n: u16) -> RbAllocation {
    let mut words = [0u64; 5];
    vrb_to_prb(start, size, bundle, reference_rb, |vrb, prb| {
        if (first..first.saturating_add(n)).contains(&vrb)
            && let Some(w) = words.get_mut(usize::from(prb) / 64)
        {
            *w |= 1 << (prb % 64);
        }
    });
    RbAllocation::Bitmap(words)
}

/// RBs of the groups in `bitmap` (most significant bit of the field is group 0), counted from the carrier's lowest RB.
///
/// Spec: TS 38.214 §5.1.2.2.1
pub fn rbg_to_rbs(bitmap: u32, bwp: Bwp, offset_to_carrier: u16, config2: bool) -> RbAllocation {
    let p = rbg_size(bwp.n_rb, config2);
    let n = n_rbg(bwp, offset_to_carrier, config2);
    let mut words = [0u64; 5];
    for rb in 0..bwp.n_rb {
        let group = (rb + (bwp.start_rb + offset_to_carrier) % p) / p;
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
        assert_eq!(n_rbg(bwp, 0, false), 13);
        assert_eq!(n_rbg(bwp, 3, false), 14);
        assert_eq!(rbg_to_rbs(1 << 13, bwp, 3, false).iter().collect::<Vec<_>>(), [0]);
        assert_eq!(rbg_to_rbs(0x1fff, bwp, 0, false).n_rb(), 51);
        assert_eq!(rbg_to_rbs(1 << 12, bwp, 0, false).iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(rbg_to_rbs(1, bwp, 0, false).iter().collect::<Vec<_>>(), [48, 49, 50]);
        assert_eq!(n_rbg(Bwp { n_rb: 273, ..bwp }, 0, false), 18);
    }

    #[test] // Spec: TS 38.211 §7.3.1.6
    fn interleaved_bundles_by_hand() {
        let of = |start, size, bundle, reference| {
            let mut out = vec![0; size as usize];
            vrb_to_prb(start, size, bundle, reference, |v, p| out[v as usize] = p);
            out
        };
        // Six bundles of two, C = 3: 0 to 0, 1 to 3, 2 to 1, 3 to 4, 4 to 2, 5 to 5.
        assert_eq!(of(0, 12, 2, 0), [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
        // The part starts at an odd common RB: bundles of 1, 2, 2, 2, 1.
        assert_eq!(of(1, 8, 2, 0), [1, 4, 5, 2, 3, 6, 7, 8]);
        // CORESET 0 starting at an odd RB counts from itself.
        assert_eq!(of(1, 8, 2, 1), [1, 2, 5, 6, 3, 4, 7, 8]);
        for (start, size, bundle) in [(0, 51, 2), (7, 106, 4), (3, 24, 2), (5, 273, 4), (1, 2, 4)] {
            let mut all = of(start, size, bundle, -11);
            all.sort_unstable();
            assert!(all.into_iter().eq(start..start + size));
        }
        assert_eq!(interleaved_rbs(0, 12, 2, 0, 1, 3).iter().collect::<Vec<_>>(), [1, 6, 7]);
    }

    #[test] // Spec: TS 38.214 §5.1.2.2.2
    fn groups_of_a_granular_riv() {
        let bwp = Bwp { id: 0, start_rb: 5, n_rb: 50 };
        assert_eq!((granular_size(bwp, 0, 4), granular_size(bwp, 0, 0)), (13, 50));
        assert_eq!(granular_rbs(bwp, 0, 4, 0, 2), (5, 7));
        assert_eq!(granular_rbs(bwp, 0, 4, 12, 1), (52, 3));
        assert_eq!((riv_scale(273, 48), riv_scale(51, 48), riv_scale(100, 48)), (4, 1, 2));
    }
}
