//! CORESET 0 and search space 0 of every table: multiplexing pattern 1 as UEs here follow it, and patterns 2 and 3, which only
//! frequency range 2 has.
//!
//! Spec: TS 38.213 §13, tables 13-1 to 13-15; TS 38.214 table 5.1.2.1.1-1

use fapi::dci::{Dci, Dci1_0, DciSi};
use fapi::resolve::{
    DlAssignment, Heard, MibView, ResolveError, Type0, cell_from_mib, coreset0_config, pdsch, ssb_first_symbol,
};
use fapi::{Bwp, CellConfig, MappingType, SearchSpaceConfig, TimeAllocation};
use nr::SlotPoint;
use nr::tables::{coreset0, tdra};

/// A cell as far as its MIB tells it, on a carrier that is CORESET 0 alone.
///
/// - `half_frame`, `sfn`  of the block, whose slot places the search space of patterns 2 and 3
///
/// Errors: a reserved index, no CORESET 0.
pub fn cell_of(view: &MibView, sfn: u16, half_frame: bool) -> Result<(CellConfig, Type0), ResolveError> {
    let row = coreset0::coreset0(
        view.ssb_numerology,
        view.scs_common,
        view.min_bandwidth_40mhz,
        view.coreset_zero,
        view.k_ssb,
    );
    let Some(row) = row.filter(|row| row.pattern != 1) else { return cell_from_mib(view) };
    // The first row of every table is of pattern 1: what does not depend on the row is taken from there.
    let (mut cell, mut type0) = cell_from_mib(&MibView { coreset_zero: 0, search_space_zero: 0, ..*view })?;
    let not_monitored =
        ResolveError::Invalid { field: "searchSpaceZero", value: 0, clause: "TS 38.213 tables 13-13 to 13-15" };
    let space = search_space(view, sfn, half_frame, type0.search_space).ok_or(not_monitored)?;
    let rb_hz = 12.0 * f64::from(view.scs_common.scs_hz());
    let block_low_hz = view.ssb_hz - 120.0 * f64::from(view.ssb_numerology.scs_hz());
    let common_rb_hz = block_low_hz - f64::from(view.k_ssb) * f64::from(view.scs_common.scs_hz());
    type0 = Type0 { coreset0: row, low_hz: common_rb_hz - f64::from(row.offset_rb) * rb_hz, search_space: space };
    let n_rb = u16::from(row.n_rb);
    let bwp = Bwp { id: 0, start_rb: 0, n_rb };
    (cell.dl.n_rb, cell.dl.point_a_hz) = (n_rb, type0.low_hz);
    (cell.initial_dl_bwp, cell.coreset0_bwp, cell.initial_ul_bwp) = (bwp, bwp, bwp);
    cell.coresets = vec![coreset0_config(&row, view.pci, 0)];
    cell.search_spaces = vec![space];
    cell.pdsch.time_allocations = match row.pattern {
        2 => tdra::pdsch_b(view.type_a_position).map(time).to_vec(),
        _ => tdra::pdsch_c(view.type_a_position).map(time).to_vec(),
    };
    Ok((cell, type0))
}

/// A row of the default tables; a reserved one has no symbols, and cannot be followed.
fn time(row: Option<tdra::Row>) -> TimeAllocation {
    let row = row.unwrap_or(tdra::Row { type_b: false, k: 0, start: 0, n_symbols: 0 });
    let mapping = if row.type_b { MappingType::B } else { MappingType::A };
    TimeAllocation { k: row.k, mapping, start: row.start, n_symbols: row.n_symbols }
}

/// Patterns 2 and 3: one slot, that of the block or the one before. Spec: TS 38.213 tables 13-13 to 13-15
fn search_space(view: &MibView, sfn: u16, half_frame: bool, like: SearchSpaceConfig) -> Option<SearchSpaceConfig> {
    let (first, shift) = coreset0::occasion_pattern2_3(view.ssb_numerology, view.scs_common, view.ssb_index)?;
    let symbol = ssb_first_symbol(view.ssb_case, view.ssb_index)?;
    let half = if half_frame { view.ssb_numerology.slots_per_frame() / 2 } else { 0 };
    let block_slot = half + u32::from(symbol) / 14;
    let slot = block_slot >> view.ssb_numerology.mu().checked_sub(view.scs_common.mu())?;
    let n = SlotPoint::new(view.scs_common, u32::from(sfn), slot).plus(shift.into());
    let period_slots = 2 * view.scs_common.slots_per_frame();
    Some(SearchSpaceConfig {
        period_slots: period_slots as u16,
        offset_slots: (n.index() % period_slots) as u16,
        duration_slots: 1,
        symbols: 1 << first,
        ..like
    })
}

/// The PDSCH of SIB1. Spec: TS 38.214 §5.1.2.1, §5.1.4
pub fn assignment(
    dci: &DciSi,
    heard: &Heard<'_>,
    cell: &CellConfig,
    pattern: u8,
) -> Result<DlAssignment, ResolveError> {
    if pattern == 1 {
        return pdsch(&Dci::Si(*dci), heard, cell, None, None);
    }
    // As format 1_0 with the cell's list, which is the default one of the pattern.
    let DciSi { frequency, time, interleaved, mcs, rv, .. } = *dci;
    let dci = Dci::F1_0(Dci1_0 { frequency, time, interleaved, mcs, rv, ..Dci1_0::default() });
    let mut assignment = pdsch(&dci, heard, cell, None, None)?;
    assignment.pdu.reserved = [None; 2];
    Ok(assignment)
}
