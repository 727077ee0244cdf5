//! Fields of a CSI report and their bits. Spec: TS 38.212 §6.3.1.1.2, §6.3.2.1.2; TS 38.214 §5.2.1.4, §5.2.2

use super::codebook::{Codebook, Pmi};
use crate::dci::ceil_log2;
use crate::pdu::Csi2Sizes;

/// Most subbands of a report.
pub const SUBBANDS_MAX: usize = 19;
/// Most bits of a part.
pub const CSI_BITS_MAX: usize = 128;

/// reportQuantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CsiQuantity {
    /// cri-RI-PMI-CQI; with `li` cri-RI-LI-PMI-CQI.
    Pmi {
        /// The layer indicator too.
        li: bool,
    },
    /// cri-RI-CQI.
    Cqi,
    /// cri-RSRP or ssb-Index-RSRP.
    Rsrp {
        /// nrofReportedRS, 1..=4.
        n: u8,
    },
}

/// What a report contains. Spec: TS 38.214 §5.2.1.4
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsiContent {
    /// Quantity.
    pub quantity: CsiQuantity,
    /// Codebook, which says the ports.
    pub codebook: Codebook,
    /// Rank restriction: bit i allows rank i + 1.
    pub ranks: u8,
    /// Resources K_s of the set (SS/PBCH blocks for ssb-Index-RSRP).
    pub n_resources: u8,
    /// Subbands of the CQI, 0 where it is wideband.
    pub cqi_subbands: u8,
    /// Subbands of the PMI, 0 where it is wideband.
    pub pmi_subbands: u8,
}

/// The values of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CsiValues {
    /// CSI-RS resource indicator, or with RSRP the four resources.
    pub cri: [u8; 4],
    /// Rank, 1..=4.
    pub rank: u8,
    /// Layer indicator.
    pub li: u8,
    /// Wideband precoder; its i_2 is that of the whole band.
    pub pmi: Pmi,
    /// i_2 of each subband.
    pub i2: [u8; SUBBANDS_MAX],
    /// Wideband CQI, 0..=15.
    pub cqi: u8,
    /// Differential CQI of each subband, 0..=3.
    pub cqi_difference: [u8; SUBBANDS_MAX],
    /// RSRP of the strongest, 16..=113; then the differential values, 0..=15.
    pub rsrp: [u8; 4],
}

/// Bits of one part, one a byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsiPart {
    bits: [u8; CSI_BITS_MAX],
    len: usize,
}

impl Default for CsiPart {
    fn default() -> Self {
        Self { bits: [0; CSI_BITS_MAX], len: 0 }
    }
}

impl CsiPart {
    /// The bits, first one first.
    pub fn as_slice(&self) -> &[u8] {
        &self.bits[..self.len]
    }
    fn put(&mut self, value: u8, bits: u8) {
        for i in (0..bits).rev() {
            if let Some(b) = self.bits.get_mut(self.len) {
                *b = value >> i & 1;
                self.len += 1;
            }
        }
    }
}

/// Reads fields; past the end everything is 0.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, bits: u8) -> u8 {
        let (head, tail) = self.0.split_at(usize::from(bits).min(self.0.len()));
        self.0 = tail;
        head.iter().fold(0, |v, b| v << 1 | (b & 1))
    }
}

/// Why a report cannot be read or made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CsiError {
    /// Another number of bits than the content has. Peer's fault.
    Length { expected: usize, got: usize },
    /// A rank that is not allowed, or an index that the codebook does not have. Peer's fault.
    Value(&'static str),
    /// A content that the specification does not have, or not built here. Clause: TS 38.214 §5.2.2.2.1
    Content(&'static str),
}

impl core::fmt::Display for CsiError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            CsiError::Length { expected, got } => write!(f, "a CSI part of {expected} bits was expected, {got} came"),
            CsiError::Value(what) => write!(f, "{what} is not one of this report's (TS 38.214 §5.2.2.2.1)"),
            CsiError::Content(what) => write!(f, "a CSI report cannot have {what} (TS 38.214 §5.2.1.4, §5.2.2.2.1)"),
        }
    }
}
impl std::error::Error for CsiError {}

impl CsiContent {
    /// A wideband CQI of one port: the four bits that a cell without MIMO asks for.
    pub const CQI: CsiContent = CsiContent {
        quantity: CsiQuantity::Cqi,
        codebook: Codebook::OnePort,
        ranks: 1,
        n_resources: 1,
        cqi_subbands: 0,
        pmi_subbands: 0,
    };

    /// Checks it once, at configuration time.
    pub fn check(&self) -> Result<(), CsiError> {
        let subbands = self.cqi_subbands.max(self.pmi_subbands);
        let allowed = (1..=8).filter(|r| self.ranks >> (r - 1) & 1 == 1);
        let problem = match self.quantity {
            CsiQuantity::Rsrp { n } if !(1..=4).contains(&n) => "nrofReportedRS outside 1 to 4",
            CsiQuantity::Rsrp { .. } if !(1..=64).contains(&self.n_resources) => "resources outside 1 to 64",
            CsiQuantity::Rsrp { .. } => return Ok(()),
            _ if self.codebook.n_ports() == 0 => "this panel",
            _ if self.ranks == 0 => "no rank at all",
            _ if allowed.into_iter().any(|r| self.codebook.range(r).is_none()) => {
                "a rank that this codebook lacks here"
            }
            _ if usize::from(subbands) > SUBBANDS_MAX => "more than 19 subbands",
            _ if !(1..=64).contains(&self.n_resources) => "resources outside 1 to 64",
            _ => return Ok(()),
        };
        Err(CsiError::Content(problem))
    }

    fn cri_bits(&self) -> u8 {
        ceil_log2(u32::from(self.n_resources))
    }

    /// Bits of the rank indicator.
    pub fn ri_bits(&self) -> u8 {
        let n = ceil_log2(self.ranks.count_ones());
        match self.codebook.n_ports() {
            0 | 1 => 0,
            2 => n.min(1),
            4 => n.min(2),
            _ => n,
        }
    }

    /// The rank that field value `ri` names.
    fn rank_of(&self, ri: u8) -> Option<u8> {
        if self.codebook.n_ports() == 1 {
            return Some(1);
        }
        (1..=8).filter(|r| self.ranks >> (r - 1) & 1 == 1).nth(usize::from(ri))
    }

    fn ri_of(&self, rank: u8) -> u8 {
        (self.ranks & ((1u16 << rank.saturating_sub(1).min(8)) - 1) as u8).count_ones() as u8
    }

    fn li_bits(&self, rank: u8) -> u8 {
        match self.quantity {
            CsiQuantity::Pmi { li: true } if self.codebook.n_ports() > 1 => ceil_log2(u32::from(rank)).min(2),
            _ => 0,
        }
    }

    /// Bits of i_1,1, i_1,2, i_1,3 and i_2. Spec: TS 38.212 tables 6.3.1.1.2-1, 6.3.1.1.2-3
    fn pmi_bits(&self, rank: u8) -> [u8; 4] {
        match (self.quantity, self.codebook.range(rank)) {
            (CsiQuantity::Pmi { .. }, Some(r)) => [r.i11, r.i12, r.i13, r.i2].map(|n| ceil_log2(u32::from(n))),
            _ => [0; 4],
        }
    }

    /// Bits of a wideband report on PUCCH, the same for every rank. Spec: TS 38.212 tables 6.3.1.1.2-7 and -8
    pub fn pucch_bits(&self) -> usize {
        if let CsiQuantity::Rsrp { n } = self.quantity {
            let n = usize::from(n);
            return n * usize::from(self.cri_bits()) + 7 + 4 * n.saturating_sub(1);
        }
        usize::from(self.cri_bits() + self.ri_bits() + 4) + self.longest()
    }

    /// Most bits of LI and PMI over the ranks allowed.
    fn longest(&self) -> usize {
        let of = |r: u8| usize::from(self.li_bits(r) + self.pmi_bits(r).iter().sum::<u8>());
        (1..=4).filter(|r| self.rank_of(self.ri_of(*r)) == Some(*r)).map(of).max().unwrap_or(0)
    }

    /// Packs a wideband report for PUCCH. Spec: TS 38.212 tables 6.3.1.1.2-7 and -8
    pub fn encode_pucch(&self, v: &CsiValues) -> Result<CsiPart, CsiError> {
        let mut p = CsiPart::default();
        if let CsiQuantity::Rsrp { n } = self.quantity {
            return Ok(self.encode_rsrp(v, n));
        }
        let pmi = self.checked(v)?;
        p.put(v.cri[0], self.cri_bits());
        p.put(self.ri_of(v.rank), self.ri_bits());
        p.put(v.li, self.li_bits(v.rank));
        let used = usize::from(self.li_bits(v.rank) + pmi.iter().map(|(_, bits)| bits).sum::<u8>());
        (used..self.longest()).for_each(|_| p.put(0, 1));
        pmi.iter().for_each(|&(value, bits)| p.put(value, bits));
        p.put(v.cqi, 4);
        Ok(p)
    }

    /// Reads a wideband report from PUCCH. Errors: another length; a rank or an index that is not allowed.
    pub fn decode_pucch(&self, bits: &[u8]) -> Result<CsiValues, CsiError> {
        let expected = self.pucch_bits();
        if bits.len() != expected {
            return Err(CsiError::Length { expected, got: bits.len() });
        }
        let mut r = Reader(bits);
        if let CsiQuantity::Rsrp { n } = self.quantity {
            return Ok(self.decode_rsrp(&mut r, n));
        }
        let mut v = self.decode_ranks(&mut r)?;
        v.li = r.take(self.li_bits(v.rank));
        let widths = self.pmi_bits(v.rank);
        let used = usize::from(self.li_bits(v.rank) + widths.iter().sum::<u8>());
        (used..self.longest()).for_each(|_| _ = r.take(1));
        v.pmi = Pmi { i11: r.take(widths[0]), i12: r.take(widths[1]), i13: r.take(widths[2]), i2: r.take(widths[3]) };
        v.cqi = r.take(4);
        self.checked(&v)?;
        Ok(v)
    }

    /// Index values with their widths, after a check against rank and codebook.
    fn checked(&self, v: &CsiValues) -> Result<[(u8, u8); 4], CsiError> {
        if self.codebook.n_ports() > 1
            && (v.rank == 0 || v.rank > 4 || self.rank_of(self.ri_of(v.rank)) != Some(v.rank))
        {
            return Err(CsiError::Value("the rank"));
        }
        let CsiQuantity::Pmi { .. } = self.quantity else { return Ok([(0, 0); 4]) };
        let r = self.codebook.range(v.rank).ok_or(CsiError::Value("the rank"))?;
        let (i, n) = ([v.pmi.i11, v.pmi.i12, v.pmi.i13, v.pmi.i2], [r.i11, r.i12, r.i13, r.i2]);
        let subbands = &v.i2[..usize::from(self.pmi_subbands).min(SUBBANDS_MAX)];
        if i.iter().zip(&n).any(|(i, n)| i >= n) || subbands.iter().any(|i| *i >= r.i2) {
            return Err(CsiError::Value("a PMI index"));
        }
        let bits = self.pmi_bits(v.rank);
        Ok(core::array::from_fn(|k| (i[k], bits[k])))
    }

    fn decode_ranks(&self, r: &mut Reader) -> Result<CsiValues, CsiError> {
        let mut v = CsiValues::default();
        v.cri[0] = r.take(self.cri_bits());
        v.rank = self.rank_of(r.take(self.ri_bits())).ok_or(CsiError::Value("the rank"))?;
        Ok(v)
    }

    fn encode_rsrp(&self, v: &CsiValues, n: u8) -> CsiPart {
        let (mut p, n) = (CsiPart::default(), usize::from(n.clamp(1, 4)));
        v.cri[..n].iter().for_each(|c| p.put(*c, self.cri_bits()));
        v.rsrp[..n].iter().enumerate().for_each(|(i, r)| p.put(*r, if i == 0 { 7 } else { 4 }));
        p
    }

    fn decode_rsrp(&self, r: &mut Reader, n: u8) -> CsiValues {
        let (mut v, n) = (CsiValues::default(), usize::from(n.clamp(1, 4)));
        v.cri[..n].iter_mut().for_each(|c| *c = r.take(self.cri_bits()));
        v.rsrp[..n].iter_mut().enumerate().for_each(|(i, x)| *x = r.take(if i == 0 { 7 } else { 4 }));
        v
    }

    /// Bits of part 1 on PUSCH. Spec: TS 38.212 table 6.3.2.1.2-3
    pub fn part1_bits(&self) -> usize {
        match self.quantity {
            CsiQuantity::Rsrp { .. } => self.pucch_bits(),
            _ => usize::from(self.cri_bits() + self.ri_bits() + 4) + 2 * usize::from(self.cqi_subbands),
        }
    }

    /// Bits of part 2 on PUSCH for a rank. Spec: TS 38.212 tables 6.3.2.1.2-4 and -5
    pub fn part2_bits(&self, rank: u8) -> usize {
        let [a, b, c, d] = self.pmi_bits(rank);
        let times = usize::from(self.pmi_subbands.max(1));
        usize::from(self.li_bits(rank) + a + b + c) + times * usize::from(d)
    }

    /// How part 1 tells the size of part 2.
    pub fn part2_sizes(&self) -> Csi2Sizes {
        let mut sizes = [0u16; 8];
        if !matches!(self.quantity, CsiQuantity::Rsrp { .. }) {
            for (ri, size) in sizes.iter_mut().enumerate().take(1 << self.ri_bits().min(3)) {
                *size = self.rank_of(ri as u8).map_or(0, |r| self.part2_bits(r) as u16);
            }
        }
        Csi2Sizes { first_bit: self.cri_bits(), n_bits: self.ri_bits().min(3), sizes }
    }

    /// Packs a report for PUSCH: parts 1 and 2.
    pub fn encode_pusch(&self, v: &CsiValues) -> Result<(CsiPart, CsiPart), CsiError> {
        let (mut one, mut two) = (CsiPart::default(), CsiPart::default());
        if let CsiQuantity::Rsrp { n } = self.quantity {
            return Ok((self.encode_rsrp(v, n), two));
        }
        let pmi = self.checked(v)?;
        one.put(v.cri[0], self.cri_bits());
        one.put(self.ri_of(v.rank), self.ri_bits());
        one.put(v.cqi, 4);
        v.cqi_difference.iter().take(usize::from(self.cqi_subbands)).for_each(|d| one.put(*d, 2));
        two.put(v.li, self.li_bits(v.rank));
        pmi[..3].iter().for_each(|&(value, bits)| two.put(value, bits));
        match usize::from(self.pmi_subbands).min(SUBBANDS_MAX) {
            0 => two.put(pmi[3].0, pmi[3].1),
            // Even subbands first, then odd ones.
            n => even_then_odd(n).for_each(|i| two.put(v.i2[i], pmi[3].1)),
        }
        Ok((one, two))
    }

    /// Reads part 1; [`CsiContent::decode_part2`] completes it.
    pub fn decode_part1(&self, bits: &[u8]) -> Result<CsiValues, CsiError> {
        let expected = self.part1_bits();
        if bits.len() != expected {
            return Err(CsiError::Length { expected, got: bits.len() });
        }
        let mut r = Reader(bits);
        if let CsiQuantity::Rsrp { n } = self.quantity {
            return Ok(self.decode_rsrp(&mut r, n));
        }
        let mut v = self.decode_ranks(&mut r)?;
        v.cqi = r.take(4);
        v.cqi_difference.iter_mut().take(usize::from(self.cqi_subbands)).for_each(|d| *d = r.take(2));
        Ok(v)
    }

    /// Reads part 2 into the values of part 1.
    pub fn decode_part2(&self, bits: &[u8], v: &mut CsiValues) -> Result<(), CsiError> {
        let expected = self.part2_bits(v.rank);
        if bits.len() != expected {
            return Err(CsiError::Length { expected, got: bits.len() });
        }
        let (mut r, w) = (Reader(bits), self.pmi_bits(v.rank));
        v.li = r.take(self.li_bits(v.rank));
        v.pmi = Pmi { i11: r.take(w[0]), i12: r.take(w[1]), i13: r.take(w[2]), i2: 0 };
        match usize::from(self.pmi_subbands).min(SUBBANDS_MAX) {
            0 => v.pmi.i2 = r.take(w[3]),
            n => even_then_odd(n).for_each(|i| v.i2[i] = r.take(w[3])),
        }
        self.checked(v)?;
        Ok(())
    }
}

fn even_then_odd(n: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(2).chain((1..n).step_by(2))
}

/// Reported value of an RSRP in dBm. Spec: TS 38.133 §10.1.6 (16 below -140 dBm, 113 from -44 dBm on)
pub fn rsrp_report(dbm: f32) -> u8 {
    if dbm.is_nan() { 16 } else { (libm::floorf(dbm) + 157.0).clamp(16.0, 113.0) as u8 }
}

/// Differential report against the strongest: steps of 2 dB, 0 to 15. Spec: TS 38.133 §10.1.6, TS 38.214 §5.2.1.4.3
pub fn rsrp_difference(strongest_dbm: f32, dbm: f32) -> u8 {
    let below = (strongest_dbm - dbm).max(0.0);
    if below.is_nan() { 15 } else { libm::floorf(below / 2.0).min(15.0) as u8 }
}

/// Lowest RSRP in dBm that value and difference stand for.
pub fn rsrp_dbm(value: u8, difference: u8) -> i16 {
    i16::from(value) - 157 - 2 * i16::from(difference)
}

/// Differential CQI of a subband. Spec: TS 38.214 table 5.2.2.1-1
pub fn cqi_difference(wideband: u8, subband: u8) -> u8 {
    match i16::from(subband) - i16::from(wideband) {
        0 => 0,
        1 => 1,
        2.. => 2,
        _ => 3,
    }
}
