//! Where each UE sounds the uplink: its slot, symbol and comb. Spec: TS 38.211 §6.4.1.4, TS 38.214 §6.2.1
//!
//! The last uplink symbols of slots that hold no PUSCH serve where the TDD pattern has such; else the last four of uplink slots, outside
//! the PUCCH, and no PUSCH is granted there. Slots with a PRACH occasion are left out.

use super::{Cell, CellParams};
use fapi::{CellConfig, SrsConfig, SrsHopping, SrsResource};
use nr::tables::prach::PrachConfiguration;
use nr::tables::srs::bandwidth;
use nr::{SYMBOLS_PER_SLOT, SlotPoint};

/// Combs of a symbol: each is one UE's.
const COMB: u8 = 2;
/// Symbols at the end of a slot in which an SRS may start. Spec: TS 38.211 §6.4.1.4.1 (startPosition)
const LAST_SYMBOLS: u8 = 4;

/// The slots and symbols that sounding has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Places {
    /// Offsets into the period.
    slots: Vec<u16>,
    /// Symbols at the end of each.
    n_symbols: u8,
    /// They are slots with PUSCH and PUCCH else.
    shared: bool,
}

/// The places of a cell.
pub(super) fn places(p: &CellParams, c: &CellConfig, prach: &PrachConfiguration) -> Places {
    let scs = c.ul.numerology;
    let period = p.srs_period_slots;
    let last = SYMBOLS_PER_SLOT as u8 - 1;
    let trailing = |s: SlotPoint| (0..LAST_SYMBOLS).take_while(|i| c.duplex.is_uplink(s, last - i, 1)).count() as u8;
    let whole = |s: SlotPoint| c.duplex.is_uplink(s, 0, last + 1);
    let at = |offset: u16| SlotPoint::from_count(scs, i64::from(offset));
    let shared = !(0..period).any(|o| trailing(at(o)) > 0 && !whole(at(o)));
    // Configurations of the PRACH repeat after at most 16 frames.
    let n = (16 * scs.slots_per_frame()).div_ceil(u32::from(period));
    let quiet = |o: u16| (0..n).all(|i| prach.occasions(at(o).plus(i64::from(i) * i64::from(period))).next().is_none());
    let fits = |o: &u16| trailing(at(*o)) > 0 && whole(at(*o)) == shared;
    let slots: Vec<u16> = (0..period).filter(fits).filter(|o| quiet(*o)).collect();
    let n_symbols = slots.iter().map(|o| trailing(at(*o))).min().unwrap_or(0);
    Places { slots, n_symbols, shared }
}

impl Cell {
    /// The sounding of the UE with index `idx` from so many ports; `None` where there is no place left.
    pub(crate) fn srs(&self, idx: u8, n_ports: u8) -> Option<SrsConfig> {
        let (p, places) = (&self.params, &self.srs_places);
        let n_symbols = u16::from(places.n_symbols);
        let (i, each) = (u16::from(idx), n_symbols * u16::from(COMB));
        let slot = *places.slots.get(usize::from(i.checked_div(each)?))?;
        let (symbol, comb_offset) = (i % each / u16::from(COMB), (i % u16::from(COMB)) as u8);
        let (low, high) = if places.shared { self.pucch_prbs(p.max_ues.into()) } else { (0, 0) };
        let n_rb = p.n_rb.checked_sub(low + high)?;
        let c_srs = (0..64).rev().find(|c| bandwidth(*c).is_some_and(|b| b[0].0 <= n_rb))?;
        let width = bandwidth(c_srs)?[0].0;
        // The narrowest index of this width, whose lower levels are none of ours.
        let c_srs = (0..c_srs).find(|c| bandwidth(*c).is_some_and(|b| b[0].0 == width)).unwrap_or(c_srs);
        let start = low + (n_rb - width) / 2;
        // From common RB 0, or, where that is too far, from the bandwidth part's first RB. Spec: TS 38.211 §6.4.1.4.3
        let from_0 = start + p.offset_to_carrier;
        let resource = SrsResource {
            id: 0,
            n_ports,
            comb: COMB,
            comb_offset,
            cyclic_shift: 0,
            start_symbol: SYMBOLS_PER_SLOT as u8 - 1 - symbol as u8,
            n_symbols: 1,
            repetition: 1,
            freq_position: 0,
            freq_shift: if from_0 <= 268 { from_0 } else { start },
            c_srs,
            b_srs: 0,
            b_hop: 0,
            hopping: SrsHopping::Neither,
            sequence_id: p.pci,
            period: Some((p.srs_period_slots.into(), slot.into())),
            freq_scaling: 1,
            start_rb_index: 0,
            start_rb_hopping: false,
            positioning: false,
        };
        Some(SrsConfig { resource, p0_dbm: p.p0_pusch_dbm, alpha: self.config.pusch.alpha })
    }
}
