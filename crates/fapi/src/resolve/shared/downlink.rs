//! PDSCH. Spec: TS 38.214 §5.1

use super::super::dmrs::{Ports, dmrs_re_per_prb, downlink_ports, pdsch_dmrs_symbols, pdsch_dmrs_symbols_double};
use super::super::frequency::{interleaved_rbs, riv_decode, riv_scale};
use super::super::{ResolveError, broadcast, invalid};
use super::*;
use crate::dci::{Dci, Dci1_1, DciContext, DciRa, DlWidths, RntiKind};
use crate::options::ResourceAllocation;
use nr::HarqId;

/// TBS_LBRM of the downlink in bits. Spec: TS 38.212 §5.4.2.1
pub fn downlink_tbs_lbrm(cell: &CellConfig, d: Option<&DedicatedConfig>) -> u32 {
    let n_rb = cell.initial_dl_bwp.n_rb.max(d.map_or(0, |d| d.dl_bwp.n_rb));
    let layers = d.map_or(cell.pdsch.max_layers, |d| d.pdsch.max_layers);
    let q_m = match d.map(|d| d.pdsch.mcs_table) {
        Some(McsTable::Qam1024) => 10,
        Some(McsTable::Qam256) => 8,
        _ => 6,
    };
    tbs::tbs_lbrm(n_rb, layers, q_m)
}

/// RBs, and the interleaver where there is one.
type Blocks = (RbAllocation, Option<(u16, u16, u8)>);

struct DlFields {
    blocks: Blocks,
    time: TimeAllocation,
    additional_position: u8,
    config_type: u8,
    ports: Ports,
    n_scid: u8,
    dmrs_n_id: u16,
    n_id: u16,
    table: McsTable,
    mcs: u8,
    rv: u8,
    harq: u8,
    scaling_shift: u8,
    x_overhead: u8,
    ptrs: Option<crate::DlPtrsConfig>,
    cbg: Option<CodeBlockGroups>,
}

/// From which RB the DM-RS counts, and bundles of interleaved virtual RBs. Spec: TS 38.211 §7.4.1.1.2, §7.3.1.6
fn reference_rb(heard: &Heard, cell: &CellConfig) -> i32 {
    if heard.rnti_kind == RntiKind::Si && heard.coreset.id == 0 {
        heard.coreset.start_rb as i32
    } else {
        -(cell.dl.offset_to_carrier as i32)
    }
}

/// RBs of virtual RBs `start..start + n_rb` of a part of `size` RBs from carrier RB `origin` on.
fn blocks(origin: u16, size: u16, (start, n_rb): (u16, u16), bundle: Option<u8>, reference: i32) -> Blocks {
    match bundle {
        None => (RbAllocation::Contiguous { start: origin + start, n_rb }, None),
        Some(l) => (interleaved_rbs(origin, size, l, reference, start, n_rb), Some((origin, size, l))),
    }
}

/// RBs of format 1_0: they count from the CORESET's lowest RB in a common search space, and interleave in bundles of two.
///
/// Spec: TS 38.214 §5.1.2.2.2, TS 38.211 §7.3.1.6
fn fallback_rbs(
    frequency: u32,
    interleaved: bool,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
) -> Result<Blocks, ResolveError> {
    let (origin, size, sized_for) = match heard.kind {
        SearchSpaceKind::Common => (heard.coreset.start_rb, cell.coreset0_bwp.n_rb, cell.coreset0_bwp.n_rb),
        _ => {
            let d = d.ok_or(ResolveError::NotConfigured("a UE-specific search space"))?;
            let sized_for = DciContext::dedicated(cell, d).dedicated.map_or(d.dl_bwp.n_rb, |c| c.n_rb_dl);
            (d.dl_bwp.start_rb, d.dl_bwp.n_rb, sized_for)
        }
    };
    let bad = || invalid("frequency domain assignment", frequency, "TS 38.214 §5.1.2.2.2");
    let (start, n_rb) = riv_decode(frequency, sized_for).ok_or_else(bad)?;
    let k = riv_scale(size, sized_for);
    if (start + n_rb) * k > size || origin + size > cell.dl.n_rb {
        return Err(bad());
    }
    Ok(blocks(origin, size, (k * start, k * n_rb), interleaved.then_some(2), reference_rb(heard, cell)))
}

/// The PDSCH that `dci` assigns.
///
/// Spec: TS 38.214 §5.1, TS 38.211 §7.3.1, §7.4.1.1
/// - `dci` formats 1_0 (every RNTI), 1_1 and 1_2.
/// - `d` the dedicated configuration in force, if any.
/// - `previous` coding of the HARQ process's first transmission, which reserved MCS rows need.
///
/// Errors: reserved values, options that are not done here, an uplink format.
pub fn pdsch(
    dci: &Dci,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
    previous: Option<&Coding>,
) -> Result<DlAssignment, ResolveError> {
    let mut factor = 1;
    let (fields, ndi, feedback, k1) = match dci {
        Dci::F1_0(x) => {
            let list = match d {
                Some(d) if uses_dedicated_times(heard) => &d.pdsch.time_allocations,
                _ => &cell.pdsch.time_allocations,
            };
            let rbs = fallback_rbs(x.frequency, x.interleaved, heard, cell, d)?;
            let mut f = fallback_fields(rbs, row(list, x.time)?, heard, cell, d);
            (f.mcs, f.rv, f.harq) = (x.mcs, x.rv, x.harq);
            (f, x.ndi, Some((x.pri, x.dai, x.tpc)), x.k1 + 1)
        }
        Dci::F1_1(x) | Dci::F1_2(x) => {
            let d = d.ok_or(ResolveError::NotConfigured("formats 1_1 and 1_2"))?;
            let k1 = *d.pucch.dl_data_to_ul_ack.get(x.k1 as usize).ok_or(invalid(
                "PDSCH-to-HARQ_feedback timing indicator",
                x.k1 as u32,
                "TS 38.213 §9.2.3",
            ))?;
            factor = d.pdsch.options.aggregation_factor;
            let compact = matches!(dci, Dci::F1_2(_));
            let dai = if d.dci.dai_of_several_cells { x.dai >> 2 } else { x.dai };
            (dedicated_fields(x, compact, heard, cell, d)?, x.ndi, Some((x.pri, dai, x.tpc)), k1)
        }
        Dci::Si(x) => {
            let time = default_time(cell, x.time)?;
            let rbs = fallback_rbs(x.frequency, x.interleaved, heard, cell, None)?;
            let mut f = fallback_fields(rbs, time, heard, cell, None);
            (f.mcs, f.rv) = (x.mcs, x.rv);
            (f, false, None, 0)
        }
        Dci::Ra(x) => (scaled_fields(x, heard, cell)?, false, None, 0),
        Dci::Paging(x) if x.indicator & 1 == 1 => (scaled_fields(&x.assignment, heard, cell)?, false, None, 0),
        _ => return Err(ResolveError::NotConfigured("a downlink assignment in this DCI")),
    };
    let slot = heard.slot.plus(fields.time.k as i64);
    let sib1 = matches!(dci, Dci::Si(x) if !x.other_si);
    let pdu = build(&fields, heard, slot, cell, d, sib1, previous)?;
    let repetitions = repetitions(factor, pdu.n_layers)?;
    let last = slot.plus(repetitions as i64 - 1);
    let feedback = feedback.map(|(pri, dai, tpc)| Feedback { slot: last.plus(k1 as i64), pri, dai, tpc });
    Ok(DlAssignment { slot, pdu, ndi, feedback, repetitions })
}

/// The default time allocation of system information: table A, B or C by multiplexing pattern.
///
/// Spec: TS 38.214 table 5.1.2.1.1-1
fn default_time(cell: &CellConfig, index: u8) -> Result<TimeAllocation, ResolveError> {
    let position = cell.pdsch.dmrs.type_a_position;
    let found = match cell.coreset0_pattern {
        2 => tdra::pdsch_b(position).get(index as usize).copied().flatten(),
        3 => tdra::pdsch_c(position).get(index as usize).copied().flatten(),
        _ => tdra::pdsch_a(position).get(index as usize).copied(),
    };
    found.as_ref().map(time_of).ok_or(invalid("time domain assignment", index as u32, "TS 38.214 §5.1.2.1.1"))
}

/// Format 1_0: one DM-RS port, type 1, dmrs-AdditionalPosition pos2. Spec: TS 38.214 §5.1.6.2
fn fallback_fields(
    blocks: Blocks,
    time: TimeAllocation,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
) -> DlFields {
    let pci = cell.pci.get();
    let cell_rnti = heard.rnti_kind == RntiKind::Cell;
    let own = d.filter(|_| cell_rnti);
    DlFields {
        blocks,
        time,
        additional_position: 2,
        config_type: 1,
        ports: fallback_ports(time.n_symbols),
        n_scid: 0,
        dmrs_n_id: own.map_or(pci, |d| d.pdsch.dmrs.scrambling_id[0]),
        n_id: own.filter(|_| heard.kind != SearchSpaceKind::Common).map_or(pci, |d| d.pdsch.n_id),
        table: McsTable::Qam64,
        mcs: 0,
        rv: 0,
        harq: 0,
        scaling_shift: 0,
        x_overhead: if cell_rnti { d.map_or(0, |d| d.pdsch.x_overhead) } else { 0 },
        ptrs: None,
        cbg: None,
    }
}

fn scaled_fields(x: &DciRa, heard: &Heard, cell: &CellConfig) -> Result<DlFields, ResolveError> {
    let time = row(&cell.pdsch.time_allocations, x.time)?;
    let rbs = fallback_rbs(x.frequency, x.interleaved, heard, cell, None)?;
    let mut f = fallback_fields(rbs, time, heard, cell, None);
    if x.tb_scaling > 2 {
        return Err(invalid("TB scaling", x.tb_scaling as u32, "TS 38.214 table 5.1.3.2-2"));
    }
    (f.mcs, f.scaling_shift) = (x.mcs, x.tb_scaling);
    Ok(f)
}

/// Formats 1_1 and 1_2 (`compact`).
fn dedicated_fields(
    x: &Dci1_1,
    compact: bool,
    heard: &Heard,
    cell: &CellConfig,
    d: &DedicatedConfig,
) -> Result<DlFields, ResolveError> {
    let (p, o, c) = (&d.pdsch, &d.pdsch.options, &d.dci.compact);
    // A second block is off with MCS 26 and redundancy version 1. Spec: TS 38.214 §5.1.3.2
    if o.two_codewords && !compact && (x.second.mcs, x.second.rv) != (26, 1) {
        return Err(ResolveError::Unsupported { clause: "TS 38.211 §7.3.1.3 two codewords" });
    }
    let bits = match (p.resource_allocation, compact) {
        (ResourceAllocation::DynamicSwitch, true) => DlWidths::of_1_2(d, cell).frequency,
        (ResourceAllocation::DynamicSwitch, false) => DlWidths::of_1_1(d, cell).frequency,
        _ => 0,
    };
    let frequency = Frequency {
        bwp: d.dl_bwp,
        offset_to_carrier: cell.dl.offset_to_carrier,
        config2: p.rbg_config2,
        granularity: if compact { c.granularity } else { 1 },
        bits,
    };
    let interleaver = if x.interleaved { p.vrb_interleaver.or(Some(2)) } else { None };
    let rbs = match frequency.resolve(x.frequency, p.resource_allocation)? {
        // Type 0 is never interleaved.
        Assigned::Groups(rbs) => (rbs, None),
        Assigned::Contiguous { start, n_rb } => {
            let reference = reference_rb(heard, cell);
            blocks(d.dl_bwp.start_rb, d.dl_bwp.n_rb, (start, n_rb), interleaver, reference)
        }
    };
    Ok(DlFields {
        blocks: rbs,
        time: row(&p.time_allocations, x.time)?,
        additional_position: p.dmrs.additional_position,
        config_type: p.dmrs.config_type,
        ports: downlink_ports(x.ports, &p.dmrs)?,
        n_scid: x.n_scid,
        dmrs_n_id: p.dmrs.scrambling_id[(x.n_scid & 1) as usize],
        n_id: p.n_id,
        table: p.mcs_table,
        mcs: x.mcs,
        rv: x.rv,
        harq: x.harq,
        scaling_shift: 0,
        x_overhead: p.x_overhead,
        ptrs: o.ptrs,
        cbg: if compact { None } else { code_block_groups(o.max_cbg, x.cbgti, o.cbg_flush && !x.cbgfi) },
    })
}

fn build(
    f: &DlFields,
    heard: &Heard,
    slot: SlotPoint,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
    sib1: bool,
    previous: Option<&Coding>,
) -> Result<PdschPdu, ResolveError> {
    let (rbs, vrb_interleaver) = f.blocks;
    let n_layers = f.ports.ports.count_ones() as u8;
    let type_a = cell.pdsch.dmrs.type_a_position;
    let symbols = match f.ports.n_symbols {
        2 => pdsch_dmrs_symbols_double(&f.time, type_a, f.additional_position)?,
        _ => pdsch_dmrs_symbols(&f.time, type_a, f.additional_position)?,
    };
    let own = d.filter(|_| heard.rnti_kind == RntiKind::Cell);
    let load = Load {
        row: mcs_row(f.table, f.mcs)?,
        table: f.table,
        mcs: f.mcs,
        rv: f.rv,
        n_symbols: f.time.n_symbols,
        n_layers,
        dmrs_re: dmrs_re_per_prb(symbols, f.config_type, f.ports.n_cdm_groups_without_data),
        x_overhead: f.x_overhead,
        n_prb: rbs.n_rb(),
        scaling_shift: f.scaling_shift,
        tbs_lbrm: downlink_tbs_lbrm(cell, own),
    };
    let coding = coding(&load, previous)?;
    if heard.rnti_kind != RntiKind::Cell && heard.rnti_kind != RntiKind::Temporary && coding.q_m > 2 {
        return Err(invalid("MCS", f.mcs as u32, "TS 38.214 §5.1.3.1 (broadcast is QPSK)"));
    }
    let ptrs = f.ptrs.and_then(|c| super::ptrs::downlink(&c, f.table, f.mcs, rbs.n_rb(), f.ports.ports));
    Ok(PdschPdu {
        rnti: heard.rnti,
        harq: HarqId::new(f.harq).ok_or(invalid("HARQ process number", f.harq as u32, "TS 38.212 §7.3.1.2"))?,
        new_data: true,
        rbs,
        vrb_interleaver,
        start_symbol: f.time.start,
        n_symbols: f.time.n_symbols,
        mapping: f.time.mapping,
        dmrs: DmrsPdu {
            symbols,
            config_type: f.config_type,
            n_id: f.dmrs_n_id,
            n_scid: f.n_scid,
            ports: f.ports.ports,
            n_cdm_groups_without_data: f.ports.n_cdm_groups_without_data,
            reference_rb: reference_rb(heard, cell),
        },
        n_id: f.n_id,
        n_layers,
        coding,
        reserved: if sib1 {
            [None; 2]
        } else {
            broadcast::reserved_for_ssb(cell, slot, f.time.start, f.time.n_symbols)
        },
        reserved_re: own.map_or([0; 14], |d| reserved_elements(d, slot)),
        power_offset_db: 0.0,
        precoding: DlPrecoding::Identity,
        ptrs,
        cbg: f.cbg,
        tb: Span::default(),
    })
}

/// What CSI-RS, zero power or not, and CSI-IM of `slot` take in every RB. Spec: TS 38.214 §5.1.4.2
fn reserved_elements(d: &DedicatedConfig, slot: SlotPoint) -> [u16; 14] {
    let mut mask = csi_rs_mask(&d.csi_rs, slot);
    let zp = csi_rs_mask(&d.zp_csi_rs, slot);
    mask.iter_mut().zip(zp).for_each(|(m, z)| *m |= z);
    mask
}

/// Elements that CSI-RSs of `slot` take in every RB: `mask[l]` bit k. Spec: TS 38.211 §7.4.1.5.3, TS 38.214 §5.1.4.2
///
/// A density of one half is counted as one.
pub fn csi_rs_mask(resources: &[CsiRsResource], slot: SlotPoint) -> [u16; 14] {
    let mut mask = [0u16; 14];
    for row in resources.iter().filter(|r| r.is_sent(slot)).filter_map(CsiRsResource::locations) {
        for &(k, l) in row.groups() {
            for l in l..l + row.n_l {
                if let Some(m) = mask.get_mut(l as usize) {
                    *m |= ((1 << row.n_k) - 1) << k;
                }
            }
        }
    }
    mask
}
