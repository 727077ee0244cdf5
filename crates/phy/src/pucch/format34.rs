//! PUCCH formats 3 and 4: where symbols lie, multiplexing of two parts, DM-RS.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | M_RB | `n_prb` | resource blocks | 1 to 16, no prime factor above 5; format 4: 1 |
//! | M_sc | [`Layout::m_sc`] | subcarriers | 12 M_RB |
//! | N_SF, n | `n_sf`, `occ` | spreading factor and orthogonal sequence of format 4 | 2, 4; 0..N_SF |
//! | m_0 | [`Layout::m_0`] | cyclic shift of the DM-RS | 0, 3, 6, 9 |
//! | N_symb^UCI | modulation symbols that an OFDM symbol carries | M_sc / N_SF | |
//! | S_UCI^(i) | [`Layout::distance`] | OFDM symbols at distance i from the nearest DM-RS | 1..=3 |
//!
//! Spec: TS 38.211 §6.3.2.6, §6.4.1.3.3, TS 38.212 §6.3.1.4, §6.3.1.6

use super::{SymbolPlan, hopping, symbols, twelfths};
use crate::estimate::ChannelError;
use crate::modulation::Modulation;
use crate::sequences::low_papr;
use dsp::fft::{Direction, Plan};
use dsp::{Cf32, Isa, unit_phasor};
use fapi::{PucchFormat, PucchPdu};
use nr::tables::pucch::{FORMAT3_N_PRB, dmrs_symbols};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Most resource blocks.
pub(super) const PRB_MAX: usize = 16;
/// Most subcarriers.
pub(super) const SC_MAX: usize = 12 * PRB_MAX;
/// Most modulation symbols: twelve OFDM symbols.
pub(super) const DATA_MAX: usize = 12 * SC_MAX;

/// Transforms of every width, made once.
pub(super) struct Transforms {
    /// By M_RB.
    plans: Vec<Option<Plan>>,
    scratch: Vec<Cf32>,
}

impl Transforms {
    pub fn new(isa: Isa, direction: Direction) -> Transforms {
        let plan = |n_prb: usize| is_width(n_prb).then(|| Plan::unitary(12 * n_prb, direction, isa).ok()).flatten();
        let plans: Vec<_> = (0..=PRB_MAX).map(plan).collect();
        let n = plans.iter().flatten().map(Plan::scratch_len).max().unwrap_or(0);
        Transforms { plans, scratch: vec![ZERO; n] }
    }

    /// Transforms 12 M_RB elements in place.
    pub fn process(&mut self, block: &mut [Cf32]) {
        if let Some(Some(plan)) = self.plans.get(block.len() / 12) {
            plan.process(block, &mut self.scratch);
        }
    }

    /// A low-PAPR sequence of type 2.
    fn type2(&mut self, u: u8, c_init: u32, out: &mut [Cf32]) -> Result<(), ChannelError> {
        match self.plans.get(out.len() / 12) {
            Some(Some(plan)) => low_papr::low_papr_type2(u, c_init, plan, &mut self.scratch, out),
            _ => Err(ChannelError::Invalid("M_RB of format 3 (TS 38.211 §6.3.2.6.3)")),
        }
    }
}

/// Whether `n_prb` has no prime factor above 5. Spec: TS 38.211 §6.3.2.6.3
pub(super) fn is_width(n_prb: usize) -> bool {
    FORMAT3_N_PRB.iter().any(|n| *n as usize == n_prb)
}

/// How a PUCCH of format 3 or 4 is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub n_prb: usize,
    pub n_sf: usize,
    pub occ: usize,
    pub dmrs: u16,
    pub n_symbols: usize,
    pub modulation: Modulation,
}

impl Layout {
    /// Of a checked PDU; `None` for other formats.
    pub fn new(pdu: &PucchPdu) -> Option<Layout> {
        let (n_prb, n_sf, occ) = match pdu.resource.format {
            PucchFormat::F3 { n_prb } => (n_prb as usize, 1, 0),
            PucchFormat::F4 { occ_length, occ_index } => (1, occ_length as usize, occ_index as usize),
            _ => return None,
        };
        let n_symbols = pdu.resource.n_symbols as usize;
        let dmrs =
            dmrs_symbols(pdu.resource.n_symbols, pdu.resource.second_hop_prb.is_some(), pdu.long.additional_dmrs);
        let modulation = if pdu.long.pi2_bpsk { Modulation::HalfPiBpsk } else { Modulation::Qpsk };
        Some(Layout { n_prb, n_sf, occ, dmrs, n_symbols, modulation })
    }

    /// Subcarriers.
    pub fn m_sc(&self) -> usize {
        12 * self.n_prb
    }
    /// Modulation symbols that one OFDM symbol carries.
    pub fn n_mod(&self) -> usize {
        self.m_sc() / self.n_sf
    }
    /// OFDM symbols with UCI.
    pub fn n_data(&self) -> usize {
        self.n_symbols - self.dmrs.count_ones() as usize
    }
    /// Coded bits. Spec: TS 38.212 table 6.3.1.4-1
    pub fn n_coded(&self) -> usize {
        self.n_mod() * self.n_data() * self.modulation.q_m()
    }
    /// Whether symbol `idx` carries DM-RS.
    pub fn is_dmrs(&self, idx: usize) -> bool {
        self.dmrs >> idx & 1 == 1
    }
    /// Symbols from `idx` to the nearest DM-RS.
    fn distance(&self, idx: usize) -> usize {
        (0..self.n_symbols).filter(|i| self.is_dmrs(*i)).map(|i| i.abs_diff(idx)).min().unwrap_or(0)
    }

    /// For each OFDM symbol with UCI, in time: bits of part 1, of which `e1` are coded, and bits in all.
    ///
    /// Spec: TS 38.212 §6.3.1.6, table 6.3.1.6-1, whose sets gather symbols by their distance from the nearest DM-RS.
    pub fn share(&self, e1: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let q_m = self.modulation.q_m();
        let n_mod = self.n_mod();
        let mut n_first = [0; SYMBOLS_PER_SLOT];
        let mut left = e1 / q_m;
        for distance in 1..=self.n_symbols {
            let here = |i: &usize| !self.is_dmrs(*i) && self.distance(*i) == distance;
            let n = (0..self.n_symbols).filter(here).count();
            let each = left / n.max(1);
            let one_more = if each >= n_mod { 0 } else { left % n.max(1) };
            for (nth, i) in (0..self.n_symbols).filter(here).enumerate() {
                n_first[i] = (each + usize::from(nth < one_more)).min(n_mod);
                left -= n_first[i].min(left);
            }
        }
        let layout = *self;
        (0..self.n_symbols).filter(move |i| !layout.is_dmrs(*i)).map(move |i| (n_first[i] * q_m, n_mod * q_m))
    }

    /// m_0. Spec: TS 38.211 table 6.4.1.3.3.1-1
    pub fn m_0(&self) -> usize {
        [0, 6, 3, 9][self.occ % 4]
    }

    /// w_n(k), k = 0..12. Spec: TS 38.211 tables 6.3.2.6.3-1, -2
    pub fn cover(&self, k: usize) -> Cf32 {
        let turn = self.occ * (k * self.n_sf / 12) % self.n_sf;
        let z = unit_phasor(-(turn as f64) / self.n_sf as f64);
        Cf32::new(z.re as f32, z.im as f32)
    }
}

/// The DM-RS sequences of a PUCCH in a slot.
pub(super) struct DmrsSequences {
    base: [[Cf32; SC_MAX]; 2],
    groups: [u8; 2],
    n_cs: [u8; SYMBOLS_PER_SLOT],
    twelfths: [Cf32; 12],
    m_0: usize,
    type2: bool,
    n: usize,
}

impl DmrsSequences {
    /// Base sequences of both hops. Spec: TS 38.211 §6.4.1.3.3.1
    pub fn new(pdu: &PucchPdu, layout: &Layout, slot: SlotPoint) -> DmrsSequences {
        let mut base = [[ZERO; SC_MAX]; 2];
        let n = layout.m_sc();
        let type2 = pdu.long.dmrs_type2 && pdu.long.pi2_bpsk;
        let mut groups = [0; 2];
        for (hop, (base, group)) in base.iter_mut().zip(&mut groups).enumerate() {
            let n_hop = if pdu.resource.second_hop_prb.is_some() { hop as u32 } else { 0 };
            let (u, v) = hopping::group(pdu.group_hopping, pdu.hopping_id, slot.slot(), n_hop);
            *group = u;
            if !type2 {
                low_papr::base(u, v, &mut base[..n]);
            }
        }
        let n_cs = hopping::cyclic_shifts(pdu.hopping_id, slot.slot());
        DmrsSequences { base, groups, n_cs, twelfths: twelfths(), m_0: layout.m_0(), type2, n }
    }

    /// Writes r_l of a symbol.
    pub fn of(
        &self,
        pdu: &PucchPdu,
        s: &SymbolPlan,
        slot: SlotPoint,
        transforms: &mut Transforms,
        out: &mut [Cf32],
    ) -> Result<(), ChannelError> {
        if self.type2 {
            let (n_s, n_id) = (slot.slot() as u64, pdu.dmrs_n_id as u64);
            let value = (((14 * n_s + s.l as u64 + 1) * (2 * n_id + 1)) << 17) + 2 * n_id;
            return transforms.type2(self.groups[s.hop], (value & 0x7fff_ffff) as u32, out);
        }
        let shift = (self.m_0 + self.n_cs[s.l] as usize) % 12;
        for (n, (r, base)) in out.iter_mut().zip(&self.base[s.hop][..self.n]).enumerate() {
            *r = base * self.twelfths[shift * n % 12];
        }
        Ok(())
    }
}

/// Spreads, transforms and maps modulation symbols and DM-RS. Spec: TS 38.211 §6.3.2.6.3 to §6.3.2.6.5
pub(super) fn map(
    data: &[Cf32],
    pdu: &PucchPdu,
    layout: &Layout,
    slot: SlotPoint,
    transforms: &mut Transforms,
    grid: &mut ofdm::Grid,
) -> Result<(), ChannelError> {
    let (m_sc, n_mod) = (layout.m_sc(), layout.n_mod());
    let sequences = DmrsSequences::new(pdu, layout, slot);
    let mut blocks = data.chunks_exact(n_mod);
    let mut block = [ZERO; SC_MAX];
    for s in symbols(pdu) {
        let block = &mut block[..m_sc];
        if layout.is_dmrs(s.idx) {
            sequences.of(pdu, &s, slot, transforms, block)?;
        } else if let Some(d) = blocks.next() {
            for (k, y) in block.iter_mut().enumerate() {
                *y = if layout.n_sf == 1 { d[k] } else { layout.cover(k) * d[k % n_mod] };
            }
            transforms.process(block);
        }
        let row = &mut grid.symbol_mut(0, s.l)[s.prb * 12..s.prb * 12 + m_sc];
        row.iter_mut().zip(&*block).for_each(|(cell, x)| *cell += x);
    }
    Ok(())
}
