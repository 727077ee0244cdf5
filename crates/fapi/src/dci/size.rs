//! Sizes of the formats, and their alignment. Spec: TS 38.212 §7.3.1.0
//!
//! | step of the clause | here |
//! |---|---|
//! | 0 | formats 0_0 and 1_0 in common search spaces: 0_0 is padded or cut to 1_0 |
//! | 1 | in UE-specific ones the shorter of the two is padded |
//! | 2 | formats 0_1 and 1_1 get a bit where they are as long as those of step 1 |
//! | 3 | at most four sizes, three of them with the C-RNTI: else |
//! | 4A | formats 0_0 and 1_0 everywhere as in common search spaces, without the bits of step 2 |
//! | 4B, 4C | formats 0_2 and 1_2, then 0_1 and 1_1 are padded to each other |

use super::bits::Fields;
use super::{Dci0_0, Dci0_1, Dci1_0, Dci1_1, DciError, DlWidths, UlWidths, ceil_log2, riv_bits};
use crate::config::{Bwp, CellConfig, DedicatedConfig, SearchSpaceKind};
use crate::options::{GroupOptions, ResourceAllocation};
use crate::resolve::{granular_size, n_rbg};

/// Bits of the bandwidth part indicator for `n` parts besides the initial one. Spec: TS 38.212 §7.3.1.1.2
pub(super) fn bwp_bits(n: u8) -> u8 {
    ceil_log2(u32::from(if n <= 3 { n + 1 } else { n })).min(2)
}

/// Bits of a frequency assignment of formats 0_1 and 1_1; `offset` is the carrier's offset from point A. Spec: TS 38.212 §7.3.1.1.2, §7.3.1.2.2
pub(super) fn frequency_bits(bwp: Bwp, offset: u16, allocation: ResourceAllocation, config2: bool) -> u8 {
    granular_bits(bwp, offset, allocation, config2, 1)
}

/// The same with RIVs in groups of `granularity` RBs (formats 0_2 and 1_2). Spec: TS 38.212 §7.3.1.1.3, §7.3.1.2.3
pub(super) fn granular_bits(
    bwp: Bwp,
    offset: u16,
    allocation: ResourceAllocation,
    config2: bool,
    granularity: u8,
) -> u8 {
    let (bitmap, riv) = (n_rbg(bwp, offset, config2), riv_bits(granular_size(bwp, offset, granularity)));
    match allocation {
        ResourceAllocation::Type0 => bitmap,
        ResourceAllocation::Type1 => riv,
        ResourceAllocation::DynamicSwitch => bitmap.max(riv) + 1,
    }
}

/// Bits of each format after alignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sizes {
    /// Formats 0_0 and 1_0 in UE-specific search spaces.
    pub fallback: u8,
    /// Format 0_1.
    pub f0_1: u8,
    /// Format 1_1.
    pub f1_1: u8,
    /// Format 0_2.
    pub f0_2: u8,
    /// Format 1_2.
    pub f1_2: u8,
}

/// What sizes formats 0_1, 1_1, 0_2 and 1_2, and the fallback formats in a UE-specific search space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DciDedicated {
    /// RBs of the active downlink BWP, or of CORESET 0 after step 4A.
    pub n_rb_dl: u16,
    /// RBs of the active uplink BWP, or of the initial one after step 4A.
    pub n_rb_ul: u16,
    /// Fields of format 0_1.
    pub ul: UlWidths,
    /// Fields of format 1_1.
    pub dl: DlWidths,
    /// Fields of format 0_2.
    pub ul_compact: UlWidths,
    /// Fields of format 1_2.
    pub dl_compact: DlWidths,
    /// Sizes after alignment.
    pub sizes: Sizes,
}

/// All that sizes and reads DCIs: made once per configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DciContext {
    /// RBs of CORESET 0.
    pub n_rb_dl_common: u16,
    /// RBs of the initial uplink BWP.
    pub n_rb_ul_common: u16,
    /// Group-common formats.
    pub group: GroupOptions,
    /// The dedicated part.
    pub dedicated: Option<DciDedicated>,
}

/// Formats that the search spaces of a configuration hold.
struct Monitored {
    fallback: bool,
    full: bool,
    compact: bool,
}

impl Monitored {
    fn of(d: &DedicatedConfig) -> Self {
        let any = |kinds: &[SearchSpaceKind]| d.search_spaces.iter().any(|s| kinds.contains(&s.kind));
        Self {
            fallback: any(&[SearchSpaceKind::UeFallback]),
            full: any(&[SearchSpaceKind::Ue, SearchSpaceKind::UeAll]),
            compact: any(&[SearchSpaceKind::UeCompact, SearchSpaceKind::UeAll]),
        }
    }

    /// Different sizes (with the C-RNTI, in all). Spec: TS 38.212 §7.3.1.0 step 3
    fn count(&self, common: u8, s: &Sizes, group: &GroupOptions) -> (usize, usize) {
        let c_rnti = [
            Some(common),
            self.fallback.then_some(s.fallback),
            self.full.then_some(s.f0_1),
            self.full.then_some(s.f1_1),
            self.compact.then_some(s.f0_2),
            self.compact.then_some(s.f1_2),
        ];
        let others = [group.slot_format_bits, group.preemption_bits].map(|n| (n > 0).then_some(n));
        let distinct = |all: &[Option<u8>]| {
            let is_new = |i: &usize| all[*i].is_some() && !all[..*i].contains(&all[*i]);
            (0..all.len()).filter(is_new).count()
        };
        let mut all = [None; 8];
        all[..6].copy_from_slice(&c_rnti);
        all[6..].copy_from_slice(&others);
        (distinct(&c_rnti), distinct(&all))
    }

    fn fits(&self, common: u8, s: &Sizes, group: &GroupOptions) -> bool {
        let (c_rnti, all) = self.count(common, s, group);
        c_rnti <= 3 && all <= 4
    }
}

fn bits_0_0(n_rb: u16) -> u8 {
    let mut f = Fields::counter();
    Dci0_0::default().fields(&mut f, riv_bits(n_rb));
    f.len() as u8
}

fn bits_1_0(n_rb: u16) -> u8 {
    let mut f = Fields::counter();
    Dci1_0::default().fields(&mut f, riv_bits(n_rb));
    f.len() as u8
}

fn bits_ul(w: &UlWidths) -> u8 {
    let mut f = Fields::counter();
    Dci0_1::default().fields(&mut f, w);
    f.len().min(255) as u8
}

fn bits_dl(w: &DlWidths) -> u8 {
    let mut f = Fields::counter();
    Dci1_1::default().fields(&mut f, w);
    f.len().min(255) as u8
}

impl DciContext {
    /// From what MIB and SIB1 say.
    pub fn common(cell: &CellConfig) -> Self {
        Self {
            n_rb_dl_common: cell.coreset0_bwp.n_rb,
            n_rb_ul_common: cell.initial_ul_bwp.n_rb,
            group: GroupOptions::default(),
            dedicated: None,
        }
    }

    /// With a dedicated configuration: widths of the fields, and sizes aligned step by step.
    ///
    /// Spec: TS 38.212 §7.3.1.0. Whether the outcome may be configured is [`DciContext::check`]'s to say.
    pub fn dedicated(cell: &CellConfig, d: &DedicatedConfig) -> Self {
        let mut ctx = Self { group: d.dci.group, ..Self::common(cell) };
        let common = bits_1_0(ctx.n_rb_dl_common);
        let monitored = Monitored::of(d);
        let (ul, dl) = (UlWidths::of_0_1(d, cell), DlWidths::of_1_1(d, cell));
        let (ul_compact, dl_compact) = (UlWidths::of_0_2(d, cell), DlWidths::of_1_2(d, cell));
        let bare = Sizes {
            fallback: bits_1_0(d.dl_bwp.n_rb).max(bits_0_0(d.ul_bwp.n_rb)),
            f0_1: bits_ul(&ul),
            f1_1: bits_dl(&dl),
            f0_2: bits_ul(&ul_compact),
            f1_2: bits_dl(&dl_compact),
        };
        let mut out = DciDedicated {
            n_rb_dl: d.dl_bwp.n_rb,
            n_rb_ul: d.ul_bwp.n_rb,
            ul,
            dl,
            ul_compact,
            dl_compact,
            sizes: bare,
        };
        let s = &mut out.sizes;
        if monitored.fallback {
            let collides = |bits: u8| u8::from(bits == bare.fallback);
            (s.f0_1, s.f1_1) = (s.f0_1 + collides(s.f0_1), s.f1_1 + collides(s.f1_1));
        }
        if !monitored.fits(common, s, &ctx.group) {
            *s = Sizes { fallback: common, ..bare };
            (out.n_rb_dl, out.n_rb_ul) = (ctx.n_rb_dl_common, ctx.n_rb_ul_common);
        }
        if !monitored.fits(common, s, &ctx.group) {
            let longer = s.f0_2.max(s.f1_2);
            (s.f0_2, s.f1_2) = (longer, longer);
        }
        if !monitored.fits(common, s, &ctx.group) {
            let longer = s.f0_1.max(s.f1_1);
            (s.f0_1, s.f1_1) = (longer, longer);
        }
        ctx.dedicated = Some(out);
        ctx
    }

    /// Whether a UE may be given this configuration, `d` being the one that made it.
    ///
    /// Spec: TS 38.212 §7.3.1.0. Errors: more than four sizes, or three with the C-RNTI; two formats of one search space, or a full and
    /// a fallback format, that a UE could not tell from each other; a format of more than 140 bits.
    pub fn check(&self, d: &DedicatedConfig) -> Result<(), DciError> {
        let s = self.dedicated.ok_or(DciError::NotConfigured)?.sizes;
        let m = Monitored::of(d);
        let common = self.size_fallback(SearchSpaceKind::Common)?;
        let too_many = !m.fits(common, &s, &self.group);
        let twins = m.full && m.compact && (s.f0_1 == s.f0_2 || s.f1_1 == s.f1_2);
        let fallback = |full, compact| (m.full && full == s.fallback) || (m.compact && compact == s.fallback);
        let like_fallback = m.fallback && (fallback(s.f0_1, s.f0_2) || fallback(s.f1_1, s.f1_2));
        let long = [s.f0_1, s.f1_1, s.f0_2, s.f1_2].iter().any(|n| *n > crate::pdu::DCI_BITS_MAX as u8);
        let problem = match (too_many, twins, like_fallback, long) {
            (true, ..) => "more than three sizes with the C-RNTI or four in all",
            (_, true, ..) => "two formats of one link and one size",
            (_, _, true, _) => "a format as long as the fallback formats",
            (_, _, _, true) => "a format of more than 140 bits",
            _ => return Ok(()),
        };
        Err(DciError::Sizes(problem))
    }

    /// Payload lengths to try in a search space under the C-RNTI: each once.
    pub fn sizes(&self, kind: SearchSpaceKind) -> [Option<u8>; 4] {
        let s = self.dedicated.map(|d| d.sizes);
        let full = s.map(|s| [s.f0_1, s.f1_1]);
        let compact = s.map(|s| [s.f0_2, s.f1_2]);
        let list = match kind {
            SearchSpaceKind::Common | SearchSpaceKind::UeFallback => [self.size_fallback(kind).ok(), None, None, None],
            SearchSpaceKind::Ue => [full.map(|f| f[0]), full.map(|f| f[1]), None, None],
            SearchSpaceKind::UeCompact => [compact.map(|f| f[0]), compact.map(|f| f[1]), None, None],
            SearchSpaceKind::UeAll => {
                [full.map(|f| f[0]), full.map(|f| f[1]), compact.map(|f| f[0]), compact.map(|f| f[1])]
            }
        };
        core::array::from_fn(|i| list[i].filter(|n| !list[..i].contains(&Some(*n))))
    }

    /// Bits of formats 0_0 and 1_0, which are aligned to each other. Spec: TS 38.212 §7.3.1.0 steps 0, 1 and 4A
    pub fn size_fallback(&self, kind: SearchSpaceKind) -> Result<u8, DciError> {
        match kind {
            SearchSpaceKind::Common => Ok(bits_1_0(self.n_rb_dl_common)),
            _ => self.dedicated.map(|d| d.sizes.fallback).ok_or(DciError::NotConfigured),
        }
    }

    pub(crate) fn fallback_rbs(&self, kind: SearchSpaceKind) -> Result<(u16, u16), DciError> {
        match kind {
            SearchSpaceKind::Common => Ok((self.n_rb_dl_common, self.n_rb_ul_common)),
            _ => self.dedicated.map(|d| (d.n_rb_dl, d.n_rb_ul)).ok_or(DciError::NotConfigured),
        }
    }

    /// Bits of the frequency assignment of format 0_0: cut where format 0_0 would be longer than 1_0 in a common space.
    pub fn frequency_bits_0_0(&self, kind: SearchSpaceKind) -> Result<u8, DciError> {
        let (_, ul) = self.fallback_rbs(kind)?;
        Ok(riv_bits(ul).min(self.size_fallback(kind)? - 20))
    }

    /// Bits of format 0_1.
    pub fn size_0_1(&self) -> Result<u8, DciError> {
        self.dedicated.map(|d| d.sizes.f0_1).ok_or(DciError::NotConfigured)
    }

    /// Bits of format 1_1.
    pub fn size_1_1(&self) -> Result<u8, DciError> {
        self.dedicated.map(|d| d.sizes.f1_1).ok_or(DciError::NotConfigured)
    }
}
