//! Which resource elements carry data, in the order in which symbols are mapped.
//!
//! Spec: TS 38.211 §7.3.1.5, §7.3.1.6; TS 38.214 §5.1.4

use fapi::PdschPdu;

/// Most resource blocks of a carrier that an allocation can name.
pub const RB_MAX: usize = 320;

/// The elements of one PDSCH. Made once, filled for each PDU without allocation.
#[derive(Clone, Debug)]
pub struct Layout {
    /// PRBs in the order of their virtual RBs, and the rank of each among the allocated ones.
    order: [(u16, u16); RB_MAX],
    n_rb: usize,
    /// Ranks are 0, 1, 2 ...: nothing is interleaved.
    in_order: bool,
    /// Bit k: subcarrier k of an RB carries data in the symbol, reserved RBs aside.
    masks: [u16; 14],
    reserved: [Option<fapi::ReservedRbs>; 2],
}

impl Default for Layout {
    fn default() -> Self {
        Self { order: [(0, 0); RB_MAX], n_rb: 0, in_order: true, masks: [0; 14], reserved: [None; 2] }
    }
}

impl Layout {
    /// Lays out `pdu`.
    pub fn fill(&mut self, pdu: &PdschPdu) {
        self.n_rb = 0;
        for (rank, rb) in pdu.rbs.iter().enumerate().take(RB_MAX) {
            self.order[rank] = (rb, rank as u16);
            self.n_rb = rank + 1;
        }
        self.in_order = pdu.vrb_interleaver.is_none();
        if let Some((start, size, bundle)) = pdu.vrb_interleaver {
            let mut virtual_of = [u16::MAX; RB_MAX];
            vrb_order(start, size, bundle, pdu.dmrs.reference_rb, |vrb, prb| {
                if let Some(v) = virtual_of.get_mut(usize::from(prb)) {
                    *v = vrb;
                }
            });
            let key = |rb: u16| virtual_of.get(usize::from(rb)).copied().unwrap_or(u16::MAX);
            self.order[..self.n_rb].sort_unstable_by_key(|(rb, _)| (key(*rb), *rb));
        }
        let occupied = crate::estimate::dmrs::occupied(&pdu.dmrs);
        let end = pdu.start_symbol.saturating_add(pdu.n_symbols);
        for (l, mask) in self.masks.iter_mut().enumerate() {
            let dmrs = if pdu.dmrs.symbols >> l & 1 == 1 { occupied } else { 0 };
            let inside = (pdu.start_symbol..end).contains(&(l as u8));
            *mask = if inside { 0xfff & !dmrs & !pdu.reserved_re[l] } else { 0 };
        }
        self.reserved = pdu.reserved;
    }

    /// Allocated RBs.
    pub fn n_rb(&self) -> usize {
        self.n_rb
    }

    /// The mask of RB `rb` in symbol `l`.
    #[inline]
    fn mask(&self, l: usize, rb: u16) -> u16 {
        let taken = self.reserved.iter().flatten().any(|r| {
            r.symbols >> l & 1 == 1 && rb >= r.start_rb && u32::from(rb) < u32::from(r.start_rb) + u32::from(r.n_rb)
        });
        if taken { 0 } else { self.masks[l] }
    }

    /// Whether symbol `l` carries data in every element of every allocated RB, in ascending order.
    pub fn is_full(&self, l: usize) -> bool {
        self.in_order && self.masks[l] == 0xfff && !self.reserved.iter().flatten().any(|r| r.symbols >> l & 1 == 1)
    }

    /// Calls `f(prb, rank, mask)` for the RBs of symbol `l` that carry data, in mapping order: bit k of the mask is subcarrier k, `rank`
    /// counts the allocated PRBs in ascending order.
    #[inline]
    pub fn for_rbs(&self, l: usize, mut f: impl FnMut(usize, usize, u16)) {
        if self.masks[l] == 0 {
            return;
        }
        for &(rb, rank) in &self.order[..self.n_rb] {
            let mask = self.mask(l, rb);
            if mask != 0 {
                f(usize::from(rb), usize::from(rank), mask);
            }
        }
    }

    /// Data elements of symbol `l`.
    pub fn n_elements_in(&self, l: usize) -> usize {
        let mut n = 0;
        self.for_rbs(l, |_, _, mask| n += mask.count_ones() as usize);
        n
    }

    /// Data elements of the PDSCH, of one layer.
    pub fn n_elements(&self) -> usize {
        (0..14).map(|l| self.n_elements_in(l)).sum()
    }
}

/// Calls `f(vrb, prb)` for a bandwidth part of `size` RBs from carrier RB `start` on, interleaved in bundles of `bundle`; virtual RBs
/// count from 0.
///
/// Bundles are aligned to `reference_rb`, from which the DM-RS counts: common RB 0, or CORESET 0's first RB where the PDSCH is
/// scheduled in it for system information, whose first bundle is whole. Spec: TS 38.211 §7.3.1.6
pub fn vrb_order(start: u16, size: u16, bundle: u8, reference_rb: i32, mut f: impl FnMut(u16, u16)) {
    let (l, size) = (i32::from(bundle.max(1)), i32::from(size));
    let offset = (i32::from(start) - reference_rb).rem_euclid(l);
    let n_bundle = (size + offset + l - 1) / l;
    let columns = n_bundle / 2;
    // First RB and number of RBs of a bundle within the part: the first and the last may be shorter.
    let range = |j: i32| ((j * l - offset).max(0), ((j + 1) * l - offset).min(size));
    for j in 0..n_bundle {
        let to = if j >= 2 * columns { j } else { j % 2 * columns + j / 2 };
        // The first and the last bundle may be shorter; they map to themselves.
        let (from, until) = range(j);
        for (vrb, prb) in (from..until).zip(range(to).0..) {
            f(vrb as u16, start.saturating_add(prb as u16));
        }
    }
}
