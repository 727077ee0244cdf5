//! The uplink slots ahead (and a little behind): what was granted in each, and what feedback is due.

use crate::rbs::RbSet;
use fapi::PuschPdu;
use nr::SlotPoint;

/// Slots kept: the farthest grant ahead plus the longest that results may take.
pub const RING_LEN: usize = 128;
/// Blocks of one UE that are acknowledged in one slot.
pub const FEEDBACK_MAX: usize = 8;

/// Feedback of one UE in one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feedback {
    /// The UE.
    pub ue: u8,
    /// HARQ processes in codebook order: those acknowledged as whole blocks, then those by code block groups.
    pub processes: [[u8; FEEDBACK_MAX]; 2],
    /// How many of each.
    pub n: [u8; 2],
    /// Bits of each of the latter.
    pub n_groups: u8,
    /// PUCCH resource indicator of the last assignment.
    pub pri: u8,
    /// First CCE of the last assignment.
    pub first_cce: u16,
    /// CCEs of its CORESET.
    pub n_cce: u16,
    /// Occasions on which it may come and whose report is still due.
    pub reports_due: u8,
    /// The outcome was taken.
    pub done: bool,
}

impl Feedback {
    /// HARQ-ACK bits.
    pub fn n_bits(&self) -> u8 {
        self.n[0] + self.n[1] * self.n_groups
    }
}

/// One uplink slot.
#[derive(Clone, Debug, Default)]
pub struct UlSlot {
    /// Which; `None` before first use.
    pub slot: Option<SlotPoint>,
    /// RBs in use: PUSCH, PRACH, the PUCCH region.
    pub used: RbSet,
    /// PUSCHs with the index of their UE.
    pub pusch: Vec<(u8, PuschPdu)>,
    /// Feedback due.
    pub feedback: Vec<Feedback>,
    /// Common PUCCH resources r_PUCCH in use, one bit each.
    pub common_pucch: u16,
}

impl UlSlot {
    /// Feedback of a UE.
    pub fn feedback_of(&mut self, ue: u8) -> Option<&mut Feedback> {
        self.feedback.iter_mut().find(|f| f.ue == ue)
    }
    /// Whether a PUSCH of the UE was granted here.
    pub fn has_pusch(&self, ue: u8) -> bool {
        self.pusch.iter().any(|(u, _)| *u == ue)
    }
}

/// Uplink slots by number.
#[derive(Clone, Debug)]
pub struct Ring(Vec<UlSlot>);

impl Default for Ring {
    fn default() -> Self {
        Ring((0..RING_LEN).map(|_| UlSlot::default()).collect())
    }
}

impl Ring {
    /// The slot, made new with `fresh` RBs in use if it was not touched before.
    pub fn at(&mut self, slot: SlotPoint, fresh: impl FnOnce() -> RbSet) -> &mut UlSlot {
        let s = &mut self.0[slot.index() as usize % RING_LEN];
        if s.slot != Some(slot) {
            s.slot = Some(slot);
            s.used = fresh();
            s.pusch.clear();
            s.feedback.clear();
            s.common_pucch = 0;
        }
        s
    }
    /// The slot, if it was touched and is not overwritten yet.
    pub fn get(&mut self, slot: SlotPoint) -> Option<&mut UlSlot> {
        self.0.get_mut(slot.index() as usize % RING_LEN).filter(|s| s.slot == Some(slot))
    }
    /// Forgets a UE everywhere; its RBs stay in use.
    pub fn forget(&mut self, ue: u8) {
        for s in &mut self.0 {
            s.pusch.retain(|(u, _)| *u != ue);
            s.feedback.retain(|f| f.ue != ue);
        }
    }
}
