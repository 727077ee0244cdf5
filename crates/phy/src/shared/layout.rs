//! Which resource elements carry data, in the order in which symbols are mapped.
//!
//! Spec: TS 38.211 §6.3.1.6, §6.3.1.7, §7.3.1.5, §7.3.1.6; TS 38.214 §5.1.4, §6.3.1

use super::ptrs;
use crate::estimate::{ChannelError, dmrs};
use fapi::resolve::vrb_to_prb;
use fapi::{DmrsPdu, PtrsGroups, PtrsPdu, RbAllocation, ReservedRbs};
use nr::{Rnti, SYMBOLS_PER_SLOT};

/// Most resource blocks of a carrier that an allocation can name.
pub const RB_MAX: usize = 320;

/// What decides where the elements of a shared channel lie.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// Resource blocks (of the first hop).
    pub rbs: &'a RbAllocation,
    /// DM-RS.
    pub dmrs: &'a DmrsPdu,
    /// First symbol.
    pub start_symbol: u8,
    /// Symbols.
    pub n_symbols: u8,
    /// `(start, size, bundle)` of an interleaved part, PDSCH only.
    pub vrb_interleaver: Option<(u16, u16, u8)>,
    /// What is left free.
    pub reserved: [Option<ReservedRbs>; 2],
    /// Elements left free in every RB.
    pub reserved_re: [u16; 14],
    /// PT-RS, and the RNTI that places them.
    pub ptrs: Option<(&'a PtrsPdu, Rnti)>,
    /// PT-RS groups of a transform-precoded PUSCH.
    pub groups: Option<&'a PtrsGroups>,
    /// First RB of the second hop.
    pub second_hop_rb: Option<u16>,
}

impl Shape<'_> {
    /// Checks what both directions and both ends need, for a carrier of `n_subcarriers`.
    ///
    /// Errors: `Invalid` with what contradicts what.
    pub fn check(&self, n_layers: u8, n_subcarriers: usize) -> Result<(), ChannelError> {
        dmrs::check(self.rbs, self.dmrs, n_subcarriers)?;
        let (start, n) = (usize::from(self.start_symbol), usize::from(self.n_symbols));
        if n == 0 || start + n > SYMBOLS_PER_SLOT {
            return Err(ChannelError::Invalid("symbols outside the slot (TS 38.214 §5.1.2.1, §6.1.2.1)"));
        }
        let allocated = ((1u32 << n) - 1) << start;
        if u32::from(self.dmrs.symbols) & !allocated != 0 {
            return Err(ChannelError::Invalid(
                "DM-RS symbols outside the channel's (TS 38.211 §6.4.1.1.3, §7.4.1.1.2)",
            ));
        }
        if !(1..=4).contains(&n_layers) {
            return Err(ChannelError::Unsupported { clause: "TS 38.211 §7.3.1.3 with no or more than four layers" });
        }
        if self.dmrs.ports.count_ones() != u32::from(n_layers) {
            return Err(ChannelError::Invalid("as many DM-RS ports as layers (TS 38.211 §6.4.1.1.3, §7.4.1.1.2)"));
        }
        if let Some(rb) = self.second_hop_rb {
            self.check_hop(rb, n_subcarriers)?;
        }
        if let Some(g) = self.groups {
            ptrs::check_groups(g, usize::from(self.rbs.n_rb()) * 12)?;
        }
        match self.ptrs {
            Some((p, _)) => ptrs::check(p, self.dmrs),
            None => Ok(()),
        }
    }

    fn check_hop(&self, rb: u16, n_subcarriers: usize) -> Result<(), ChannelError> {
        let RbAllocation::Contiguous { n_rb, .. } = self.rbs else {
            return Err(ChannelError::Invalid("hopping of an allocation of type 0 (TS 38.214 §6.3)"));
        };
        if (usize::from(rb) + usize::from(*n_rb)) * 12 > n_subcarriers {
            return Err(ChannelError::Invalid("second hop outside the carrier (TS 38.214 §6.3.1)"));
        }
        let hop = 1u16.checked_shl(u32::from(self.hop_symbol())).unwrap_or(0).wrapping_sub(1);
        if self.n_symbols < 2 || self.dmrs.symbols & hop == 0 || self.dmrs.symbols & !hop == 0 {
            return Err(ChannelError::Invalid("a hop without DM-RS (TS 38.211 table 6.4.1.1.3-6)"));
        }
        Ok(())
    }

    /// The first symbol of the second hop, whether it hops or not. Spec: TS 38.214 §6.3.1
    pub fn hop_symbol(&self) -> u8 {
        self.start_symbol + self.n_symbols / 2
    }

    /// The allocation, and the DM-RS symbols, of each hop; one where it does not hop.
    pub fn hops(&self) -> ([(RbAllocation, u16); 2], usize) {
        let all = (*self.rbs, self.dmrs.symbols);
        match (self.second_hop_rb, self.rbs) {
            (Some(start), RbAllocation::Contiguous { n_rb, .. }) => {
                let first = (1u16 << self.hop_symbol()) - 1;
                let second = RbAllocation::Contiguous { start, n_rb: *n_rb };
                ([(*self.rbs, self.dmrs.symbols & first), (second, self.dmrs.symbols & !first)], 2)
            }
            _ => ([all, all], 1),
        }
    }
}

/// The elements of one PDSCH or PUSCH. Made once, filled for each PDU without allocation.
#[derive(Clone, Debug)]
pub struct Layout {
    /// PRBs in the order of their virtual RBs, and the rank of each among the allocated ones.
    order: [(u16, u16); RB_MAX],
    n_rb: usize,
    /// Ranks are 0, 1, 2 ...: nothing is interleaved.
    in_order: bool,
    /// Bit k: subcarrier k of an RB carries data in the symbol, reserved RBs aside.
    masks: [u16; 14],
    reserved: [Option<ReservedRbs>; 2],
    ptrs: ptrs::Comb,
    /// Symbols with PT-RS groups, and their samples in each.
    groups: (u16, usize),
    /// Data elements before each symbol, of one layer; entry 14 is the total.
    starts: [usize; 15],
    hop_symbol: u8,
    /// What is added to an RB's number from `hop_symbol` on.
    hop_shift: i32,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            order: [(0, 0); RB_MAX],
            n_rb: 0,
            in_order: true,
            masks: [0; 14],
            reserved: [None; 2],
            ptrs: ptrs::Comb::default(),
            groups: (0, 0),
            starts: [0; 15],
            hop_symbol: 14,
            hop_shift: 0,
        }
    }
}

impl Layout {
    /// Lays out `shape`, which was checked.
    pub fn fill(&mut self, shape: &Shape) {
        self.n_rb = 0;
        for (rank, rb) in shape.rbs.iter().enumerate().take(RB_MAX) {
            self.order[rank] = (rb, rank as u16);
            self.n_rb = rank + 1;
        }
        self.in_order = shape.vrb_interleaver.is_none();
        if let Some((start, size, bundle)) = shape.vrb_interleaver {
            let mut virtual_of = [u16::MAX; RB_MAX];
            vrb_to_prb(start, size, bundle, shape.dmrs.reference_rb, |vrb, prb| {
                if let Some(v) = virtual_of.get_mut(usize::from(prb)) {
                    *v = vrb;
                }
            });
            let key = |rb: u16| virtual_of.get(usize::from(rb)).copied().unwrap_or(u16::MAX);
            self.order[..self.n_rb].sort_unstable_by_key(|(rb, _)| (key(*rb), *rb));
        }
        let occupied = dmrs::occupied(shape.dmrs);
        let end = shape.start_symbol.saturating_add(shape.n_symbols);
        for (l, mask) in self.masks.iter_mut().enumerate() {
            let dmrs = if shape.dmrs.symbols >> l & 1 == 1 { occupied } else { 0 };
            let inside = (shape.start_symbol..end).contains(&(l as u8));
            *mask = if inside { 0xfff & !dmrs & !shape.reserved_re[l] } else { 0 };
        }
        self.reserved = shape.reserved;
        self.ptrs = shape.ptrs.map_or(ptrs::Comb::default(), |(p, rnti)| {
            ptrs::Comb::new(p, shape.dmrs, shape.start_symbol, shape.n_symbols, rnti, self.n_rb)
        });
        self.groups = shape.groups.map_or((0, 0), |g| {
            let symbols = ptrs::symbols(g.time_density, shape.dmrs.symbols, shape.start_symbol, shape.n_symbols);
            (symbols, usize::from(g.n_groups) * usize::from(g.n_samples))
        });
        let first = shape.rbs.iter().next().unwrap_or(0);
        (self.hop_symbol, self.hop_shift) = match shape.second_hop_rb {
            Some(rb) => (shape.hop_symbol(), i32::from(rb) - i32::from(first)),
            None => (14, 0),
        };
        for l in 0..SYMBOLS_PER_SLOT {
            self.starts[l + 1] = self.starts[l] + self.count(l);
        }
    }

    /// Allocated RBs.
    pub fn n_rb(&self) -> usize {
        self.n_rb
    }

    /// Where PT-RS lie.
    pub fn ptrs(&self) -> &ptrs::Comb {
        &self.ptrs
    }

    /// Whether symbol `l` belongs to the second hop.
    pub fn is_second_hop(&self, l: usize) -> bool {
        l >= usize::from(self.hop_symbol)
    }

    /// What is added to the number of an RB in symbol `l`.
    fn shift(&self, l: usize) -> i32 {
        if self.is_second_hop(l) { self.hop_shift } else { 0 }
    }

    /// Whether reserved RBs take PRB `rb` in symbol `l`.
    #[inline]
    fn is_taken(&self, l: usize, rb: u16) -> bool {
        self.reserved.iter().flatten().any(|r| {
            r.symbols >> l & 1 == 1 && rb >= r.start_rb && u32::from(rb) < u32::from(r.start_rb) + u32::from(r.n_rb)
        })
    }

    /// Whether symbol `l` carries data in every element of every allocated RB, in ascending order.
    pub fn is_full(&self, l: usize) -> bool {
        self.in_order
            && self.masks[l] == 0xfff
            && !self.ptrs.is_in(l)
            && !self.reserved.iter().flatten().any(|r| r.symbols >> l & 1 == 1)
    }

    /// Calls `f(prb, rank, mask)` for the RBs of symbol `l` that carry data, in mapping order: bit k of the mask is subcarrier k, `rank`
    /// counts the allocated PRBs in ascending order.
    #[inline]
    pub fn for_rbs(&self, l: usize, mut f: impl FnMut(usize, usize, u16)) {
        if self.masks[l] == 0 {
            return;
        }
        let shift = self.shift(l);
        let with_ptrs = self.ptrs.is_in(l);
        for &(rb, rank) in &self.order[..self.n_rb] {
            let mut mask = if self.is_taken(l, rb) { 0 } else { self.masks[l] };
            if with_ptrs {
                mask &= !self.ptrs.mask(usize::from(rank));
            }
            if mask != 0 {
                f((i32::from(rb) + shift) as usize, usize::from(rank), mask);
            }
        }
    }

    /// Calls `f(prb, rank)` for the RBs that carry PT-RS in symbol `l`, in ascending order, and elements of which nothing else takes.
    pub fn for_ptrs(&self, l: usize, mut f: impl FnMut(usize, usize)) {
        if !self.ptrs.is_in(l) {
            return;
        }
        let shift = self.shift(l);
        for &(rb, rank) in &self.order[..self.n_rb] {
            let free = self.masks[l] & self.ptrs.mask(usize::from(rank));
            if free != 0 && free == self.ptrs.mask(usize::from(rank)) && !self.is_taken(l, rb) {
                f((i32::from(rb) + shift) as usize, usize::from(rank));
            }
        }
    }

    /// Runs of consecutive RBs `(first, number)` of symbol `l`, ascending.
    pub fn runs<'a>(&self, rbs: &'a RbAllocation, l: usize) -> impl Iterator<Item = (usize, usize)> + 'a {
        let shift = self.shift(l);
        dmrs::runs(rbs).map(move |(first, n)| ((i32::from(first) + shift) as usize, usize::from(n)))
    }

    /// Symbols with PT-RS groups: bit l.
    pub fn group_symbols(&self) -> u16 {
        self.groups.0
    }

    /// Data elements before symbol `l`, of one layer; all of them for 14.
    pub fn start(&self, l: usize) -> usize {
        self.starts[l]
    }

    /// Data elements of symbol `l`, without samples of PT-RS groups.
    pub fn n_elements_in(&self, l: usize) -> usize {
        self.starts[l + 1] - self.starts[l]
    }

    fn count(&self, l: usize) -> usize {
        let mut n = 0;
        if self.is_full(l) {
            n = 12 * self.n_rb;
        } else {
            self.for_rbs(l, |_, _, mask| n += mask.count_ones() as usize);
        }
        n.saturating_sub(if self.groups.0 >> l & 1 == 1 { self.groups.1 } else { 0 })
    }

    /// Data elements, of one layer.
    pub fn n_elements(&self) -> usize {
        self.starts[SYMBOLS_PER_SLOT]
    }
}
