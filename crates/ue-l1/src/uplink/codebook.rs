//! HARQ-ACK of the PDSCHs whose feedback falls into one uplink slot. Spec: TS 38.213 §9.1

use fapi::resolve::{DynamicCodebook, HarqUci};
use fapi::{CellConfig, DedicatedConfig, HarqCodebook, PucchConfig, TimeAllocation};
use nr::SlotPoint;

/// Most HARQ-ACK bits of a codebook.
pub const BITS_MAX: usize = fapi::slot::HARQ_ACK_BITS_MAX;
/// Acknowledgements that wait at a time.
pub const ACKS_MAX: usize = 64;

/// The outcome of one PDSCH, waiting for its feedback.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    /// Uplink slot in which it goes out.
    pub slot: SlotPoint,
    /// Slot of the PDSCH.
    pub pdsch_slot: SlotPoint,
    /// Counter DAI field.
    pub dai: u8,
    /// PUCCH resource indicator.
    pub pri: u8,
    /// TPC command field for the PUCCH.
    pub tpc: u8,
    /// First CCE of the DCI.
    pub first_cce: u16,
    /// CCEs of its CORESET.
    pub n_cce: u16,
    /// The block was decoded.
    pub ack: bool,
    /// Code block groups that are acknowledged each, and which of them are received: bit m is group m. 0: the block as a whole.
    pub groups: (u8, u8),
    /// It was addressed to the temporary C-RNTI.
    pub temporary: bool,
    /// A dedicated configuration was in force.
    pub dedicated: bool,
}

impl Ack {
    /// The bit of group `m`: that of the block where it has none.
    fn bit(&self, m: usize) -> u8 {
        match self.groups {
            (0, _) => u8::from(self.ack),
            (_, acks) => acks.checked_shr(m as u32).unwrap_or(0) & 1,
        }
    }
}

/// The bits of one codebook and what chose their PUCCH resource.
#[derive(Clone, Copy, Debug)]
pub struct Codebook {
    bits: [u8; BITS_MAX],
    n: usize,
    /// Of the last DCI.
    last: Option<Ack>,
}

impl Codebook {
    /// Gathers the acknowledgements of `slot`, in the order in which their DCIs came.
    ///
    /// - `ul_dai`  DAI fields of a format 0_1 that grants a PUSCH in the slot: of whole blocks, and of those by groups
    pub fn gather(
        acks: &[Ack],
        slot: SlotPoint,
        ul_dai: (Option<u8>, Option<u8>),
        cell: &CellConfig,
        d: Option<&DedicatedConfig>,
    ) -> Codebook {
        let mut book = Codebook { bits: [0; BITS_MAX], n: 0, last: None };
        let own = acks.iter().filter(|a| a.slot == slot);
        book.last = own.clone().next_back().copied();
        match d {
            Some(d) if d.harq_codebook == HarqCodebook::SemiStatic => {
                if book.last.is_some() || ul_dai.0.is_some_and(|dai| dai & 1 == 1) {
                    book.semi_static(acks, slot, cell, d);
                }
            }
            Some(d) => {
                book.dynamic(own.clone().filter(|a| a.groups.0 == 0), ul_dai.0, 1);
                let n_groups = usize::from(d.pdsch.options.max_cbg);
                if n_groups > 0 {
                    book.dynamic(own.filter(|a| a.groups.0 > 0), ul_dai.1, n_groups);
                }
            }
            // One bit on a common resource: a PDSCH before any dedicated configuration stands alone. Spec: TS 38.213 §9.2.1
            None => {
                if let Some(last) = book.last {
                    book.bits[0] = u8::from(last.ack);
                    book.n = 1;
                }
            }
        }
        book
    }

    /// Type 2: appends the sub-codebook of `own`, `n_each` bits for each PDSCH; what was missed in between is NACK.
    ///
    /// Spec: TS 38.213 §9.1.3.1 (counters of the sub-codebooks are separate)
    fn dynamic<'a>(&mut self, own: impl Iterator<Item = &'a Ack>, ul_dai: Option<u8>, n_each: usize) {
        let (first, mut counter) = (self.n, DynamicCodebook::default());
        for ack in own {
            let at = first + usize::from(counter.push(ack.dai)) * n_each;
            for (m, bit) in self.bits.iter_mut().skip(at).take(n_each).enumerate() {
                *bit = ack.bit(m);
            }
        }
        self.n = (first + usize::from(counter.n_bits(ul_dai)) * n_each).min(BITS_MAX);
    }

    /// Type 1: bits for each slot in which a PDSCH could have been, latest K_1 first. Spec: TS 38.213 §9.1.2.1
    fn semi_static(&mut self, acks: &[Ack], slot: SlotPoint, cell: &CellConfig, d: &DedicatedConfig) {
        for k1 in k1_descending(&d.pucch) {
            let pdsch = slot.plus(-i64::from(k1));
            let possible = |t: &TimeAllocation| cell.duplex.is_downlink(pdsch, t.start, t.n_symbols);
            let n_each = usize::from(d.pdsch.options.max_cbg.max(1));
            if !d.pdsch.time_allocations.iter().any(possible) || self.n + n_each > BITS_MAX {
                continue;
            }
            let ack = acks.iter().find(|a| a.slot == slot && a.pdsch_slot == pdsch);
            // A block without groups among such that have them says the same for each. Spec: TS 38.213 §9.1.2
            for m in 0..n_each {
                self.bits[self.n + m] = ack.map_or(0, |a| a.bit(m));
            }
            self.n += n_each;
        }
    }

    /// The bits.
    pub fn bits(&self) -> &[u8] {
        &self.bits[..self.n]
    }

    /// What chooses the PUCCH resource: nothing without bits or without a DCI.
    pub fn uci(&self) -> Option<HarqUci> {
        let last = self.last.filter(|_| self.n > 0)?;
        Some(HarqUci { n_bits: self.n as u8, pri: last.pri, first_cce: last.first_cce, n_cce: last.n_cce })
    }
}

/// The configured K_1 values, greatest first, each once.
fn k1_descending(pucch: &PucchConfig) -> impl Iterator<Item = u8> + '_ {
    let has = |k: u8| {
        if pucch.dl_data_to_ul_ack.is_empty() { (1..=8).contains(&k) } else { pucch.dl_data_to_ul_ack.contains(&k) }
    };
    (0..=15u8).rev().filter(move |k| has(*k))
}
