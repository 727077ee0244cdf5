//! Buffer status reports: levels and the report's three shapes. Spec: TS 38.321 §6.1.3.1

/// Upper ends of the 5-bit levels 0..=30 in bytes; level 31 is anything above. Spec: TS 38.321 table 6.1.3.1-1
pub const SHORT_LEVELS: [u32; 31] = [
    0, 10, 14, 20, 28, 38, 53, 74, 102, 142, 198, 276, 384, 535, 745, 1038, 1446, 2014, 2806, 3909, 5446, 7587, 10570,
    14726, 20516, 28581, 39818, 55474, 77284, 107669, 150000,
];

/// Upper ends of the 8-bit levels 0..=253 in bytes; level 254 is anything above, 255 is reserved. Spec: TS 38.321 table 6.1.3.1-2
pub const LONG_LEVELS: [u32; 254] = [
    0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 25, 26, 28, 30, 32, 34, 36, 38, 40, 43, 46, 49, 52, 55, 59,
    62, 66, 71, 75, 80, 85, 91, 97, 103, 110, 117, 124, 132, 141, 150, 160, 170, 181, 193, 205, 218, 233, 248, 264,
    281, 299, 318, 339, 361, 384, 409, 436, 464, 494, 526, 560, 597, 635, 677, 720, 767, 817, 870, 926, 987, 1051,
    1119, 1191, 1269, 1351, 1439, 1532, 1631, 1737, 1850, 1970, 2098, 2234, 2379, 2533, 2698, 2873, 3059, 3258, 3469,
    3694, 3934, 4189, 4461, 4751, 5059, 5387, 5737, 6109, 6506, 6928, 7378, 7857, 8367, 8910, 9488, 10104, 10760,
    11458, 12202, 12994, 13838, 14736, 15692, 16711, 17795, 18951, 20181, 21491, 22885, 24371, 25953, 27638, 29431,
    31342, 33376, 35543, 37850, 40307, 42923, 45709, 48676, 51836, 55200, 58784, 62599, 66663, 70990, 75598, 80505,
    85730, 91295, 97221, 103532, 110252, 117409, 125030, 133146, 141789, 150992, 160793, 171231, 182345, 194182,
    206786, 220209, 234503, 249725, 265935, 283197, 301579, 321155, 342002, 364202, 387842, 413018, 439827, 468377,
    498780, 531156, 565634, 602350, 641449, 683087, 727427, 774645, 824928, 878475, 935498, 996222, 1060888, 1129752,
    1203085, 1281179, 1364342, 1452903, 1547213, 1647644, 1754595, 1868488, 1989774, 2118933, 2256475, 2402946,
    2558924, 2725027, 2901912, 3090279, 3290873, 3504487, 3731968, 3974215, 4232186, 4506902, 4799451, 5110989,
    5442750, 5796046, 6172275, 6572925, 6999582, 7453933, 7937777, 8453028, 9001725, 9586039, 10208280, 10870913,
    11576557, 12328006, 13128233, 13980403, 14887889, 15854280, 16883401, 17979324, 19146385, 20389201, 21712690,
    23122088, 24622972, 26221280, 27923336, 29735875, 31666069, 33721553, 35910462, 38241455, 40723756, 43367187,
    46182206, 49179951, 52372284, 55771835, 59392055, 63247269, 67352729, 71724679, 76380419, 81338368,
];

/// The 5-bit level that reports `bytes`. Spec: TS 38.321 table 6.1.3.1-1
pub fn short_level(bytes: u64) -> u8 {
    SHORT_LEVELS.partition_point(|&top| u64::from(top) < bytes) as u8
}

/// The 8-bit level that reports `bytes`. Spec: TS 38.321 table 6.1.3.1-2
pub fn long_level(bytes: u64) -> u8 {
    LONG_LEVELS.partition_point(|&top| u64::from(top) < bytes) as u8
}

/// What a 5-bit level may stand for at most, bytes; the open level 31 gives twice the last bound.
pub fn short_bytes(level: u8) -> u32 {
    SHORT_LEVELS.get(usize::from(level)).copied().unwrap_or(300_000)
}

/// What an 8-bit level may stand for at most, bytes; the open level 254 (and the reserved 255) give twice the last bound.
pub fn long_bytes(level: u8) -> u32 {
    LONG_LEVELS.get(usize::from(level)).copied().unwrap_or(162_676_736)
}

/// Logical channel groups of a MAC entity.
pub const LCG_COUNT: usize = 8;

/// A buffer status report. Spec: TS 38.321 §6.1.3.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bsr {
    /// One group with its 5-bit level.
    Short {
        /// LCG ID, 0..=7.
        lcg: u8,
        /// 0..=31.
        level: u8,
        /// Other groups have data too, but the padding had no room.
        truncated: bool,
    },
    /// Every group with data, 8-bit levels.
    Long {
        /// Level of each group, 0 where none was reported.
        levels: [u8; LCG_COUNT],
    },
    /// The groups with data, and the levels of some of them.
    LongTruncated {
        /// Bit i: group i has data.
        bitmap: u8,
        /// The levels that had room, in decreasing priority of the groups.
        levels: [u8; LCG_COUNT],
        /// How many of `levels` are there.
        n_levels: u8,
    },
}

impl Bsr {
    /// Bytes of the control element without its subheader.
    pub fn len(&self) -> usize {
        match self {
            Bsr::Short { .. } => 1,
            Bsr::Long { levels } => 1 + levels.iter().filter(|l| **l > 0).count(),
            Bsr::LongTruncated { n_levels, .. } => 1 + usize::from(*n_levels).min(LCG_COUNT),
        }
    }
    /// Never: a report has a byte at least.
    pub fn is_empty(&self) -> bool {
        false
    }
    /// Upper estimate of the bytes in `lcg`, where the report tells it (`None`: it says nothing of that group).
    ///
    /// A long report says 0 of the groups it leaves out. A long truncated one gives its levels in the priority order that only
    /// the configuration knows, so the answer for a group with data is the smallest reported level.
    pub fn bytes(&self, lcg: u8) -> Option<u32> {
        if lcg >= 8 {
            return None;
        }
        match self {
            Bsr::Short { lcg: g, level, .. } => (*g == lcg).then(|| short_bytes(*level)),
            Bsr::Long { levels } => Some(long_bytes(levels[usize::from(lcg)])),
            Bsr::LongTruncated { bitmap, levels, n_levels } => {
                if bitmap >> lcg & 1 == 0 {
                    return Some(0);
                }
                levels[..usize::from(*n_levels).min(LCG_COUNT)].iter().map(|l| long_bytes(*l)).min()
            }
        }
    }
    /// Writes the control element's bytes into `out` and says how many; 0 if they do not fit.
    pub fn encode(&self, out: &mut [u8]) -> usize {
        let n = self.len();
        let Some(out) = out.get_mut(..n) else { return 0 };
        match self {
            Bsr::Short { lcg, level, .. } => out[0] = (lcg & 7) << 5 | (level & 31),
            Bsr::Long { levels } => {
                out[0] = levels.iter().enumerate().fold(0, |b, (i, l)| if *l > 0 { b | 1 << i } else { b });
                out[1..].iter_mut().zip(levels.iter().filter(|l| **l > 0)).for_each(|(o, l)| *o = *l);
            }
            Bsr::LongTruncated { bitmap, levels, .. } => {
                out[0] = *bitmap;
                out[1..].iter_mut().zip(levels).for_each(|(o, l)| *o = *l);
            }
        }
        n
    }
    /// Reads a short report.
    pub(crate) fn decode_short(byte: u8, truncated: bool) -> Bsr {
        Bsr::Short { lcg: byte >> 5, level: byte & 31, truncated }
    }
    /// Reads a long report; `None` if its levels do not match its bitmap.
    pub(crate) fn decode_long(data: &[u8], truncated: bool) -> Option<Bsr> {
        let (&bitmap, rest) = data.split_first()?;
        let mut levels = [0; LCG_COUNT];
        if truncated {
            if rest.len() > bitmap.count_ones() as usize {
                return None;
            }
            levels.iter_mut().zip(rest).for_each(|(l, r)| *l = *r);
            return Some(Bsr::LongTruncated { bitmap, levels, n_levels: rest.len() as u8 });
        }
        if rest.len() != bitmap.count_ones() as usize {
            return None;
        }
        let set = (0..LCG_COUNT).filter(|i| bitmap >> i & 1 == 1);
        set.zip(rest).for_each(|(i, r)| levels[i] = *r);
        Some(Bsr::Long { levels })
    }
}
