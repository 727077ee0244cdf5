//! Where a resource's elements lie, and what they are. Spec: TS 38.211 §7.4.1.5.2, §7.4.1.5.3

use crate::estimate::ChannelError;
use crate::sequences::Gold;
use dsp::Cf32;
use fapi::CsiRsPdu;
use nr::SlotPoint;
use nr::tables::csi_rs::CsiRsRow;

/// Most resource blocks of a resource.
pub const RB_MAX: usize = 320;
/// Most values of the sequence in one symbol.
pub(super) const SEQUENCE_MAX: usize = 3 * RB_MAX + 4;

/// A resource that was checked against a grid.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub row: CsiRsRow,
    /// First RB with elements, from the carrier's lowest.
    first: usize,
    /// Distance of RBs with elements: 2 at density 1/2.
    step: usize,
    /// RBs with elements.
    pub n_rb: usize,
    /// Common RB of the carrier's lowest RB.
    offset: usize,
    /// alpha times two.
    alpha_x2: usize,
    n_id: u64,
}

/// One element of a CDM group.
pub(super) struct Element {
    /// RB, counted among those with elements.
    pub rb: usize,
    /// CDM group, or element of row 1.
    pub group: usize,
    /// k'.
    pub k: u8,
    /// l'.
    pub l: u8,
    /// Subcarrier in the grid.
    pub subcarrier: usize,
    /// r(m').
    pub r: Cf32,
}

impl Plan {
    /// Errors: a row, density or place that the table does not have; RBs beyond the carrier.
    pub fn new(pdu: &CsiRsPdu, offset_to_carrier: u16, n_subcarriers: usize) -> Result<Plan, ChannelError> {
        let row =
            pdu.locations().ok_or(ChannelError::Invalid("CSI-RS row, density or place (TS 38.211 §7.4.1.5.3)"))?;
        let (start, n_rb) = (usize::from(pdu.start_rb), usize::from(pdu.n_rb));
        if 12 * (start + n_rb) > n_subcarriers || n_rb > RB_MAX {
            return Err(ChannelError::Invalid("CSI-RS outside the carrier"));
        }
        let half = pdu.density_x2 == 1;
        let step = if half { 2 } else { 1 };
        let offset = usize::from(offset_to_carrier);
        let skip = usize::from(half && ((start + offset) % 2 == 1) != pdu.odd_rbs);
        let alpha_x2 = usize::from(pdu.density_x2) * if row.n_ports == 1 { 1 } else { 2 };
        Ok(Plan {
            row,
            first: start + skip,
            step,
            n_rb: n_rb.saturating_sub(skip).div_ceil(step),
            offset,
            alpha_x2,
            n_id: u64::from(pdu.scrambling_id),
        })
    }

    /// Symbols with elements: bit l is symbol l.
    pub fn symbols(&self) -> u16 {
        let of = |l: u8| ((1u16 << self.row.n_l) - 1) << l;
        self.row.groups().iter().fold(0, |m, &(_, l)| m | of(l))
    }

    /// Calls `f` for every element in symbol `l`, RB by RB. `sequence` holds [`SEQUENCE_MAX`].
    pub fn for_elements(&self, slot: SlotPoint, l: usize, sequence: &mut [Cf32], mut f: impl FnMut(Element)) {
        let symbol = 14 * u64::from(slot.slot()) + l as u64 + 1;
        let c_init = ((symbol * (2 * self.n_id + 1) << 10) + self.n_id) as u32 & 0x7fff_ffff;
        let m_of = |rb: usize| (self.offset + rb) * self.alpha_x2 / 2;
        let m_first = m_of(self.first);
        let last = self.first + self.step * self.n_rb.saturating_sub(1);
        let n = (m_of(last) + 4 - m_first).min(sequence.len());
        Gold::starting_at(c_init, 2 * m_first).pilots(&mut sequence[..n]);
        for i in 0..self.n_rb {
            let rb = self.first + self.step * i;
            let m_rb = m_of(rb) - m_first;
            for (group, &(k_bar, l_bar)) in self.row.groups().iter().enumerate() {
                let Some(l_in) = l.checked_sub(usize::from(l_bar)).filter(|l| *l < usize::from(self.row.n_l)) else {
                    continue;
                };
                // floor(k-bar rho / 12) counts the elements of row 1 only: below 12 subcarriers it is 0 for the others.
                let m_k = if self.row.n_ports == 1 { usize::from(k_bar) * self.alpha_x2 / 24 } else { 0 };
                for k in 0..self.row.n_k {
                    f(Element {
                        rb: i,
                        group,
                        k,
                        l: l_in as u8,
                        subcarrier: 12 * rb + usize::from(k_bar) + usize::from(k),
                        r: sequence[(m_rb + m_k + usize::from(k)).min(n - 1)],
                    });
                }
            }
        }
    }
}
