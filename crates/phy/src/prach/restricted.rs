//! Cyclic shifts of preambles: unrestricted, and the restricted sets of types A and B for fast terminals.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | q, d_u | [`d_u`] | inverse of u, distance to which a frequency offset of one subcarrier moves a peak |
//! | n_shift, d_start, n_group | [`Set`] | shifts of a group, distance of groups, groups |
//! | n-bar, n-double-bar, n-triple-bar | `more`, `second`, `third` | shifts beyond the groups |
//!
//! Spec: TS 38.211 §6.3.3.1

/// d_u of root `u`; `l` is prime. Spec: TS 38.211 §6.3.3.1
pub fn d_u(u: usize, l: usize) -> usize {
    let q = (1..l).find(|q| q * u % l == 1).unwrap_or(0);
    if 2 * q < l { q } else { l - q }
}

/// Parameters of a restricted set.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    n_shift: i64,
    d_start: i64,
    n_group: i64,
    more: i64,
    /// Shifts from the start of a second run, and of a third one.
    second: (i64, i64),
    third: (i64, i64),
}

/// All cyclic shifts C_v of root `u`; none where the restricted set has none.
///
/// `set`: 0 unrestricted, 1 type A, 2 type B.
pub fn shifts(set: u8, u: usize, l: usize, n_cs: usize) -> Vec<u16> {
    if set == 0 {
        return match n_cs {
            0 => vec![0],
            _ => (0..l / n_cs).map(|v| (v * n_cs) as u16).collect(),
        };
    }
    let (d, length, n) = (d_u(u, l) as i64, l as i64, n_cs as i64);
    let found = if n == 0 {
        None
    } else if set == 1 {
        type_a(d, length, n)
    } else {
        type_b(d, length, n)
    };
    let Some(s) = found.filter(|s| s.n_shift > 0 && s.d_start > 0) else { return Vec::new() };
    let first = (0..s.n_shift * s.n_group + s.more).map(|v| s.d_start * (v / s.n_shift) + v % s.n_shift * n);
    let second = (0..s.second.1).map(|v| s.second.0 + v * n);
    let third = (0..s.third.1).map(|v| s.third.0 + v * n);
    first.chain(second).chain(third).map(|c| c.rem_euclid(length) as u16).collect()
}

fn type_a(d: i64, l: i64, n: i64) -> Option<Set> {
    if n <= d && 3 * d < l {
        let n_shift = d / n;
        let d_start = 2 * d + n_shift * n;
        let n_group = l / d_start;
        let more = ((l - 2 * d - n_group * d_start) / n).max(0);
        Some(Set { n_shift, d_start, n_group, more, ..Set::default() })
    } else if 3 * d >= l && 2 * d <= l - n {
        let n_shift = (l - 2 * d) / n;
        let d_start = l - 2 * d + n_shift * n;
        let n_group = d / d_start;
        let more = ((d - n_group * d_start) / n).max(0).min(n_shift);
        Some(Set { n_shift, d_start, n_group, more, ..Set::default() })
    } else {
        None
    }
}

fn type_b(d: i64, l: i64, n: i64) -> Option<Set> {
    let at_least_0 = |x: i64| x.div_euclid(n).max(0);
    if n <= d && 5 * d < l {
        let n_shift = d / n;
        let d_start = 4 * d + n_shift * n;
        let n_group = l / d_start;
        let more = at_least_0(l - 4 * d - n_group * d_start);
        Some(Set { n_shift, d_start, n_group, more, ..Set::default() })
    } else if 5 * d >= l && 4 * d <= l - n {
        let n_shift = (l - 4 * d) / n;
        let d_start = l - 4 * d + n_shift * n;
        let n_group = d / d_start;
        let more = at_least_0(d - n_group * d_start).min(n_shift);
        Some(Set { n_shift, d_start, n_group, more, ..Set::default() })
    } else if 4 * d >= l + n && 7 * d < 2 * l {
        let n_shift = (4 * d - l) / n;
        let d_start = 4 * d - l + n_shift * n;
        let n_group = d / d_start;
        let more = at_least_0(l - 3 * d - n_group * d_start);
        let rest = d - n_group * d_start;
        let beside = 4 * d - l - more * n;
        let n_second = rest.min(beside).div_euclid(n).max(0);
        let some = more.min(1);
        let n_third = ((1 - some) * rest + some * beside).div_euclid(n) - n_second;
        let second = (l - 3 * d + n_group * d_start + more * n, n_second);
        let third = (l - 2 * d + n_group * d_start + n_second * n, n_third.max(0));
        Some(Set { n_shift, d_start, n_group, more, second, third })
    } else if 7 * d >= 2 * l && 3 * d <= l - n {
        let n_shift = (l - 3 * d) / n;
        let d_start = l - 3 * d + n_shift * n;
        let n_group = d / d_start;
        let more = at_least_0(4 * d - l - n_group * d_start).min(n_shift);
        let n_second = (d - n_group * d_start).min(l - 3 * d - more * n).div_euclid(n).max(0);
        let second = (d + n_group * d_start + more * n, n_second);
        Some(Set { n_shift, d_start, n_group, more, second, ..Set::default() })
    } else if 3 * d >= l + n && 5 * d < 2 * l {
        let n_shift = (3 * d - l) / n;
        let d_start = 3 * d - l + n_shift * n;
        let n_group = d / d_start;
        let more = at_least_0(l - 2 * d - n_group * d_start);
        Some(Set { n_shift, d_start, n_group, more, ..Set::default() })
    } else if 5 * d >= 2 * l && 2 * d <= l - n {
        let n_shift = (l - 2 * d) / n;
        let d_start = 2 * (l - 2 * d) + n_shift * n;
        let n_group = (l - d) / d_start;
        let more = at_least_0(3 * d - l - n_group * d_start);
        Some(Set { n_shift, d_start, n_group, more, ..Set::default() })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nr::tables::prach::{PrachFormat, n_cs_of_set};

    #[test] // Spec: TS 38.211 §6.3.3.1 (restricted sets: what a frequency offset does not mix up)
    fn no_offset_moves_a_zone_into_another() {
        for (format, set) in [(PrachFormat::F0, 1u8), (PrachFormat::F3, 1), (PrachFormat::F0, 2), (PrachFormat::F3, 2)]
        {
            let mut per_zone = Vec::new();
            for zcz in 0..16 {
                let Some(n_cs) = n_cs_of_set(format, set, zcz) else { continue };
                let (mut all, mut most) = (0, 0);
                for u in 1..839 {
                    let list = shifts(set, u, 839, n_cs as usize);
                    let mut used = [false; 839];
                    for c in &list {
                        for k in -(set as i64)..=set as i64 {
                            for i in 0..n_cs as i64 {
                                let at = (*c as i64 + k * d_u(u, 839) as i64 + i).rem_euclid(839) as usize;
                                assert!(!used[at], "set {set} N_CS {n_cs} u {u} d_u {} C_v {c}: {list:?}", d_u(u, 839));
                                used[at] = true;
                            }
                        }
                    }
                    all += list.len();
                    most = most.max(list.len());
                }
                assert!(
                    all > 64 && most <= 839 / (n_cs as usize * (2 * set as usize + 1)),
                    "{set} {n_cs} {all} {most}"
                );
                per_zone.push(all);
            }
            assert!(per_zone.windows(2).all(|w| w[0] > w[1]), "{set}: {per_zone:?}");
        }
    }

    #[test] // Spec: TS 38.211 §6.3.3.1
    fn unrestricted_shifts_are_multiples() {
        assert_eq!(shifts(0, 7, 839, 0), [0]);
        assert_eq!(shifts(0, 7, 139, 46), [0, 46, 92]);
        assert_eq!((d_u(1, 839), d_u(2, 839), d_u(838, 839)), (1, 419, 1));
        assert!(shifts(1, 1, 839, 15).is_empty());
    }
}
