//! PUSCH. Spec: TS 38.214 §6.1, TS 38.213 §8.2, §8.3

use super::super::dmrs::{
    Ports, dmrs_re_per_prb, pusch_dmrs_symbols, pusch_dmrs_symbols_double, pusch_dmrs_symbols_hopping, uplink_ports,
    uplink_ports_transform,
};
use super::super::frequency::{riv_decode, riv_scale};
use super::super::{ResolveError, invalid};
use super::*;
use crate::dci::{Dci, Dci0_0, Dci0_1, DciContext, RntiKind, UlWidths, riv_bits};
use crate::options::{PuschHopping, PuschScheme, ResourceAllocation};
use nr::HarqId;
use nr::tables::uplink_precoding;

/// TBS_LBRM of the uplink: rateMatching is never limitedBufferRM here, so the whole buffer serves.
pub const UPLINK_TBS_LBRM: u32 = u32::MAX;

/// Hops: none, or RBs from the part's first to the second hop's first RB, within or between slots.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hop {
    offset: i32,
    inter_slot: bool,
}

struct UlFields {
    bwp: Bwp,
    rbs: RbAllocation,
    hop: Option<Hop>,
    time: TimeAllocation,
    additional_position: u8,
    ports: Ports,
    config_type: u8,
    n_scid: u8,
    dmrs_n_id: u16,
    n_id: u16,
    row: mcs::Mcs,
    table: McsTable,
    mcs: u8,
    rv: u8,
    harq: u8,
    x_overhead: u8,
    precoding: UlPrecoding,
    transform_precoding: Option<TransformPrecoding>,
    ptrs: Option<PtrsPdu>,
    cbg: Option<CodeBlockGroups>,
    ul_sch: bool,
}

/// Offset of the second hop of Msg3 and of format 0_0 with the TC-RNTI. Spec: TS 38.213 table 8.3-1
fn msg3_hop(size: u16, value: u32) -> Result<i32, ResolveError> {
    let n = i32::from(size);
    Ok(match value {
        0 => n / 2,
        1 => n / 4,
        2 => -(n / 4),
        _ => return Err(invalid("hopping bits", value, "TS 38.213 table 8.3-1")),
    })
}

/// Bits of the frequency assignment that choose the offset: 1 below 50 RBs, else 2. Spec: TS 38.213 §8.3, TS 38.214 §6.3
fn hop_bits(size: u16) -> u8 {
    if size < 50 { 1 } else { 2 }
}

/// The RIV and the hop of a field of `bits` bits whose most significant `hop_bits` choose the offset.
fn split(field: u32, bits: u8, hop_bits: u8) -> (u32, u32) {
    let low = bits.saturating_sub(hop_bits).min(31);
    (field & ((1 << low) - 1), field >> low)
}

/// The offset that a value chooses from frequencyHoppingOffsetLists. Spec: TS 38.214 §6.3
fn configured_hop(h: &PuschHopping, value: u32) -> Result<Hop, ResolveError> {
    let offset = h.offsets.get(value as usize).filter(|_| value < u32::from(h.n_offsets));
    let offset = *offset.ok_or(invalid("hopping bits", value, "TS 38.214 §6.3"))?;
    Ok(Hop { offset: i32::from(offset), inter_slot: h.inter_slot })
}

fn contiguous(bwp: Bwp, (start, n_rb): (u16, u16), field: u32) -> Result<RbAllocation, ResolveError> {
    if n_rb == 0 || start + n_rb > bwp.n_rb {
        return Err(invalid("frequency domain assignment", field, "TS 38.214 §6.1.2.2.2"));
    }
    Ok(RbAllocation::Contiguous { start: bwp.start_rb + start, n_rb })
}

/// The PUSCH that `dci` grants.
///
/// Spec: TS 38.214 §6.1, TS 38.211 §6.3.1, §6.4.1.1
/// - `dci` formats 0_0, 0_1 and 0_2; `previous` as in [`super::pdsch`].
///
/// Errors: reserved values, options that are not done here, a downlink format.
pub fn pusch(
    dci: &Dci,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
    previous: Option<&Coding>,
) -> Result<UlGrant, ResolveError> {
    match dci {
        Dci::F0_0(x) => {
            let f = format_0_0(x, heard, cell, d)?;
            let slot = heard.slot.plus(f.time.k as i64);
            let pdu = build(&f, heard.rnti, slot, cell, previous)?;
            Ok(UlGrant { ndi: x.ndi, tpc: x.tpc, ..granted(slot, pdu) })
        }
        Dci::F0_1(x) | Dci::F0_2(x) => {
            let d = d.ok_or(ResolveError::NotConfigured("formats 0_1 and 0_2"))?;
            let (f, srs_resources) = dedicated_fields(x, matches!(dci, Dci::F0_2(_)), cell, d)?;
            let slot = heard.slot.plus(f.time.k as i64);
            let pdu = build(&f, heard.rnti, slot, cell, previous)?;
            let repetitions = repetitions(d.pusch.options.aggregation_factor, pdu.n_layers)?;
            Ok(UlGrant {
                ndi: x.ndi,
                tpc: x.tpc,
                dai: Some(x.dai),
                dai_2: (d.pdsch.options.max_cbg > 0).then_some(x.dai_2),
                ul_sch: x.ul_sch,
                csi_request: x.csi_request,
                srs_resources,
                beta_offset: d.pusch.options.beta_offsets.map(|_| x.beta_offset),
                repetitions,
                ..granted(slot, pdu)
            })
        }
        _ => Err(ResolveError::NotConfigured("an uplink grant in this DCI")),
    }
}

fn granted(slot: SlotPoint, pdu: PuschPdu) -> UlGrant {
    UlGrant {
        slot,
        pdu,
        ndi: false,
        tpc: 0,
        dai: None,
        dai_2: None,
        ul_sch: true,
        csi_request: 0,
        srs_resources: 0,
        beta_offset: None,
        repetitions: 1,
    }
}

/// Format 0_0. Spec: TS 38.214 §6.1.2.2.2, §6.2.2, §6.3
fn format_0_0(
    x: &Dci0_0,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
) -> Result<UlFields, ResolveError> {
    let list = match d {
        Some(d) if uses_dedicated_times(heard) => &d.pusch.time_allocations,
        _ => &cell.pusch.time_allocations,
    };
    let (bwp, sized_for) = match (heard.kind, d) {
        (SearchSpaceKind::Common, _) | (_, None) => (cell.initial_ul_bwp, cell.initial_ul_bwp.n_rb),
        (_, Some(d)) => {
            let c = DciContext::dedicated(cell, d).dedicated;
            (d.ul_bwp, c.map_or(d.ul_bwp.n_rb, |c| c.n_rb_ul))
        }
    };
    let bits = riv_bits(sized_for);
    let own = d.filter(|_| heard.rnti_kind == RntiKind::Cell).and_then(|d| d.pusch.options.hopping);
    let (riv, hop) = match (x.hopping, own) {
        (false, _) => (x.frequency, None),
        (true, Some(h)) => {
            let (riv, value) = split(x.frequency, bits, h.n_offsets / 2);
            (riv, Some(configured_hop(&h, value)?))
        }
        (true, None) if heard.rnti_kind == RntiKind::Temporary => {
            let (riv, value) = split(x.frequency, bits, hop_bits(bwp.n_rb));
            (riv, Some(Hop { offset: msg3_hop(bwp.n_rb, value)?, inter_slot: false }))
        }
        (true, None) => return Err(ResolveError::NotConfigured("frequencyHopping (TS 38.214 §6.3)")),
    };
    let bad = || invalid("frequency domain assignment", x.frequency, "TS 38.214 §6.1.2.2.2");
    let (start, n_rb) = riv_decode(riv, sized_for).ok_or_else(bad)?;
    let k = riv_scale(bwp.n_rb, sized_for);
    let rbs = contiguous(bwp, (k * start, k * n_rb), x.frequency)?;
    let harq = if heard.rnti_kind == RntiKind::Temporary { 0 } else { x.harq };
    fallback_fields(bwp, rbs, hop, row(list, x.time)?, (x.mcs, x.rv, harq), heard, cell, d)
}

/// Msg3 by the grant of a random access response that came in slot `slot`.
///
/// Spec: TS 38.213 §8.2, §8.3; TS 38.214 §6.1.2.1.1 (K_2 + Delta)
pub fn msg3(grant: &RarGrant, tc_rnti: Rnti, slot: SlotPoint, cell: &CellConfig) -> Result<UlGrant, ResolveError> {
    let bwp = cell.initial_ul_bwp;
    let n_hop = if grant.hopping { hop_bits(bwp.n_rb) } else { 0 };
    let field = grant.frequency as u32 & 0x3fff;
    // Up to 180 RBs the low bits of the field are that of format 0_0; above, zeros follow the hopping bits.
    let full = riv_bits(bwp.n_rb);
    let (riv, value) =
        if bwp.n_rb <= 180 { split(field & ((1 << full.min(14)) - 1), full, n_hop) } else { split(field, 14, n_hop) };
    let hop = match grant.hopping {
        true => Some(Hop { offset: msg3_hop(bwp.n_rb, value)?, inter_slot: false }),
        false => None,
    };
    let bad = invalid("frequency domain assignment", field, "TS 38.213 §8.3");
    let rbs = contiguous(bwp, riv_decode(riv, bwp.n_rb).ok_or(bad)?, field)?;
    let time = row(&cell.pusch.time_allocations, grant.time)?;
    let heard = Heard {
        slot,
        rnti: tc_rnti,
        rnti_kind: RntiKind::Temporary,
        kind: SearchSpaceKind::Common,
        coreset: cell.coresets.first().ok_or(ResolveError::NotConfigured("CORESET 0"))?,
    };
    let f = fallback_fields(bwp, rbs, hop, time, (grant.mcs, 0, 0), &heard, cell, None)?;
    let slot = slot.plus(time.k as i64 + tdra::msg3_delta(cell.ul.numerology.mu()) as i64);
    let pdu = build(&f, tc_rnti, slot, cell, None)?;
    Ok(UlGrant { tpc: grant.tpc, csi_request: u8::from(grant.csi_request), ..granted(slot, pdu) })
}

/// Identities of the low-PAPR sequences. Spec: TS 38.211 §6.4.1.1.1.2
fn transform(
    p: Option<&PuschConfig>,
    cell: &CellConfig,
    pi2_bpsk: bool,
    n_scid: u8,
    n_rb: u16,
    q_m: u8,
) -> TransformPrecoding {
    let o = p.map(|p| p.options).unwrap_or_default();
    let n_pusch = o.n_pusch_identity.unwrap_or(cell.pci.get());
    let type2 = o.low_papr_dmrs.filter(|_| pi2_bpsk);
    TransformPrecoding {
        n_id_rs: type2.map_or(n_pusch, |ids| ids[usize::from(n_scid & 1)]),
        hopping: o.sequence_hopping,
        low_papr_type2: type2.is_some(),
        ptrs: o.ptrs.and_then(|c| super::ptrs::transform(&c, n_rb, q_m, n_pusch)),
    }
}

/// Format 0_0 and Msg3: one DM-RS port, type 1, pos2 (pos1 with hopping). Spec: TS 38.214 §6.2.2
#[allow(clippy::too_many_arguments)]
fn fallback_fields(
    bwp: Bwp,
    rbs: RbAllocation,
    hop: Option<Hop>,
    time: TimeAllocation,
    (mcs, rv, harq): (u8, u8, u8),
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
) -> Result<UlFields, ResolveError> {
    let pci = cell.pci.get();
    let own = d.filter(|_| heard.rnti_kind == RntiKind::Cell);
    let pi2_bpsk = own.is_some_and(|d| d.pusch.options.pi2_bpsk);
    let precoded = cell.pusch.transform_precoding;
    let row = match precoded {
        true => mcs_row_transform(McsTable::Qam64, pi2_bpsk, mcs)?,
        false => mcs_row(McsTable::Qam64, mcs)?,
    };
    let p = own.map(|d| &d.pusch);
    Ok(UlFields {
        bwp,
        rbs,
        hop,
        time,
        additional_position: if hop.is_some_and(|h| !h.inter_slot) { 1 } else { 2 },
        ports: if precoded { PORT_0_TWO_GROUPS } else { fallback_ports(time.n_symbols) },
        config_type: 1,
        n_scid: 0,
        dmrs_n_id: own.map_or(pci, |d| d.pusch.dmrs.scrambling_id[0]),
        n_id: own.filter(|_| heard.kind != SearchSpaceKind::Common).map_or(pci, |d| d.pusch.n_id),
        row,
        table: McsTable::Qam64,
        mcs,
        rv,
        harq,
        x_overhead: own.map_or(0, |d| d.pusch.x_overhead),
        precoding: UlPrecoding::Identity,
        transform_precoding: precoded.then(|| transform(p, cell, row.q_m == 1, 0, rbs.n_rb(), row.q_m)),
        ptrs: None,
        cbg: None,
        ul_sch: true,
    })
}

/// Layers, precoding and SRS resources that the fields choose. Spec: TS 38.214 §6.1.1, TS 38.212 §7.3.1.1.2
fn scheme(x: &Dci0_1, p: &PuschConfig) -> Result<(u8, UlPrecoding, u8), ResolveError> {
    let bad = |field, value| invalid(field, value, "TS 38.212 tables 7.3.1.1.2-2 to -5, -28 to -31");
    match p.options.scheme {
        PuschScheme::OnePort => Ok((1, UlPrecoding::Identity, 0)),
        PuschScheme::Codebook { n_ports, max_rank, subset, n_srs } => {
            if x.sri >= n_srs.max(1) {
                return Err(bad("SRS resource indicator", x.sri as u32));
            }
            if n_ports < 2 {
                return Ok((1, UlPrecoding::Identity, 1 << x.sri));
            }
            let max_rank = if p.transform_precoding { 1 } else { max_rank };
            let (layers, tpmi) = uplink_precoding::precoder(n_ports, max_rank, subset, x.precoding)
                .ok_or_else(|| bad("precoding information", x.precoding as u32))?;
            Ok((layers, UlPrecoding::Codebook { n_ports, tpmi }, 1 << x.sri))
        }
        PuschScheme::NonCodebook { n_srs, l_max } => {
            let set = uplink_precoding::sri(n_srs, l_max.min(4), x.sri);
            let set = set.ok_or_else(|| bad("SRS resource indicator", x.sri as u32))?;
            Ok((set.count_ones() as u8, UlPrecoding::Identity, set))
        }
    }
}

/// RBs and hop of formats 0_1 and 0_2. Spec: TS 38.214 §6.1.2.2, §6.3
fn dedicated_rbs(
    x: &Dci0_1,
    compact: bool,
    cell: &CellConfig,
    d: &DedicatedConfig,
) -> Result<(RbAllocation, Option<Hop>), ResolveError> {
    let p = &d.pusch;
    let dynamic = p.resource_allocation == ResourceAllocation::DynamicSwitch;
    let hopping = p.options.hopping.filter(|_| x.hopping);
    let bits = match (dynamic || hopping.is_some(), compact) {
        (true, true) => UlWidths::of_0_2(d, cell).frequency,
        (true, false) => UlWidths::of_0_1(d, cell).frequency,
        _ => 0,
    };
    let type1_bits = bits - u8::from(dynamic && bits > 0);
    let (mut field, mut hop) = (x.frequency, None);
    let is_type1 = match p.resource_allocation {
        ResourceAllocation::Type0 => false,
        ResourceAllocation::Type1 => true,
        ResourceAllocation::DynamicSwitch => field >> type1_bits.min(31) & 1 == 1,
    };
    if let Some(h) = hopping.filter(|_| is_type1) {
        let size = super::super::granular_size(
            d.ul_bwp,
            cell.ul.offset_to_carrier,
            if compact { d.dci.compact.granularity } else { 1 },
        );
        let (low, value) = split(field & ((1 << type1_bits.min(31)) - 1), riv_bits(size), h.n_offsets / 2);
        // The switch's bit, if any, stays above.
        field = low | field >> type1_bits.min(31) << type1_bits.min(31);
        hop = Some(configured_hop(&h, value & ((1 << (h.n_offsets / 2)) - 1))?);
    }
    let frequency = Frequency {
        bwp: d.ul_bwp,
        offset_to_carrier: cell.ul.offset_to_carrier,
        config2: p.options.rbg_config2,
        granularity: if compact { d.dci.compact.granularity } else { 1 },
        bits,
    };
    Ok(match frequency.resolve(field, p.resource_allocation)? {
        Assigned::Groups(rbs) => (rbs, None),
        Assigned::Contiguous { start, n_rb } => (contiguous(d.ul_bwp, (start, n_rb), field)?, hop),
    })
}

/// Formats 0_1 and 0_2 (`compact`), and the SRS resources they name.
fn dedicated_fields(
    x: &Dci0_1,
    compact: bool,
    cell: &CellConfig,
    d: &DedicatedConfig,
) -> Result<(UlFields, u8), ResolveError> {
    let (p, o) = (&d.pusch, &d.pusch.options);
    let (rbs, hop) = dedicated_rbs(x, compact, cell, d)?;
    let (n_layers, precoding, srs_resources) = scheme(x, p)?;
    let row_of = match p.transform_precoding {
        true => mcs_row_transform(p.mcs_table, o.pi2_bpsk, x.mcs)?,
        false => mcs_row(p.mcs_table, x.mcs)?,
    };
    let low_papr = row_of.q_m == 1 && o.low_papr_dmrs.is_some();
    let ports = match p.transform_precoding {
        true => uplink_ports_transform(x.ports, &p.dmrs, low_papr)?,
        false => uplink_ports(x.ports, &p.dmrs, n_layers)?,
    };
    let n_scid = ports.n_scid.unwrap_or(x.n_scid);
    let n_rb = rbs.n_rb();
    let ptrs = match o.ptrs.filter(|_| !p.transform_precoding) {
        Some(c) => super::ptrs::uplink(&c, (p.mcs_table, x.mcs), n_rb, ports.ports, x.ptrs_dmrs)?,
        None => None,
    };
    let f = UlFields {
        bwp: d.ul_bwp,
        rbs,
        hop,
        time: row(&p.time_allocations, x.time)?,
        additional_position: p.dmrs.additional_position,
        ports,
        config_type: if p.transform_precoding { 1 } else { p.dmrs.config_type },
        n_scid,
        dmrs_n_id: p.dmrs.scrambling_id[(n_scid & 1) as usize],
        n_id: p.n_id,
        row: row_of,
        table: p.mcs_table,
        mcs: x.mcs,
        rv: x.rv,
        harq: x.harq,
        x_overhead: p.x_overhead,
        precoding,
        transform_precoding: p
            .transform_precoding
            .then(|| transform(Some(p), cell, row_of.q_m == 1, n_scid, n_rb, row_of.q_m)),
        ptrs,
        cbg: if compact { None } else { code_block_groups(o.max_cbg, x.cbgti, false) },
        ul_sch: x.ul_sch,
    };
    Ok((f, srs_resources))
}

/// Whether a DFT of this many RBs exists: 2^a 3^b 5^c. Spec: TS 38.211 §6.3.1.4
fn is_dft_size(mut n_rb: u16) -> bool {
    for p in [2, 3, 5] {
        while n_rb > 0 && n_rb.is_multiple_of(p) {
            n_rb /= p;
        }
    }
    n_rb == 1
}

fn build(
    f: &UlFields,
    rnti: Rnti,
    slot: SlotPoint,
    cell: &CellConfig,
    previous: Option<&Coding>,
) -> Result<PuschPdu, ResolveError> {
    let type_a = cell.pdsch.dmrs.type_a_position;
    let intra = f.hop.filter(|h| !h.inter_slot);
    let symbols = match (f.ports.n_symbols, intra) {
        (2, Some(_)) => {
            return Err(ResolveError::Unsupported { clause: "TS 38.211 §6.4.1.1.3 (two symbols, hopping)" });
        }
        (2, None) => pusch_dmrs_symbols_double(&f.time, type_a, f.additional_position)?,
        (_, Some(_)) => pusch_dmrs_symbols_hopping(&f.time, type_a, f.additional_position)?,
        _ => pusch_dmrs_symbols(&f.time, type_a, f.additional_position)?,
    };
    if f.transform_precoding.is_some() && !matches!(f.rbs, RbAllocation::Contiguous { n_rb, .. } if is_dft_size(n_rb)) {
        return Err(invalid("RBs of a transform-precoded PUSCH", f.rbs.n_rb() as u32, "TS 38.211 §6.3.1.4"));
    }
    let (mut rbs, mut second_hop_rb) = (f.rbs, None);
    if let (Some(hop), RbAllocation::Contiguous { start, n_rb }) = (f.hop, f.rbs) {
        let local = (i32::from(start - f.bwp.start_rb) + hop.offset).rem_euclid(i32::from(f.bwp.n_rb.max(1))) as u16;
        if local + n_rb > f.bwp.n_rb {
            return Err(invalid("second hop", local as u32, "TS 38.214 §6.3"));
        }
        let second = f.bwp.start_rb + local;
        match hop.inter_slot {
            true if slot.slot() % 2 == 1 => rbs = RbAllocation::Contiguous { start: second, n_rb },
            true => {}
            false => second_hop_rb = Some(second),
        }
    }
    let n_layers = f.ports.ports.count_ones() as u8;
    let load = Load {
        row: f.row,
        table: f.table,
        mcs: f.mcs,
        rv: f.rv,
        n_symbols: f.time.n_symbols,
        n_layers,
        dmrs_re: dmrs_re_per_prb(symbols, f.config_type, f.ports.n_cdm_groups_without_data),
        x_overhead: f.x_overhead,
        n_prb: f.rbs.n_rb(),
        scaling_shift: 0,
        tbs_lbrm: UPLINK_TBS_LBRM,
    };
    let mut coding = coding(&load, previous)?;
    if !f.ul_sch {
        coding.tbs_bytes = 0;
    }
    Ok(PuschPdu {
        rnti,
        harq: HarqId::new(f.harq).ok_or(invalid("HARQ process number", f.harq as u32, "TS 38.212 §7.3.1.1"))?,
        new_data: true,
        rbs,
        second_hop_rb,
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
            reference_rb: -(cell.ul.offset_to_carrier as i32),
        },
        n_id: f.n_id,
        n_layers,
        precoding: f.precoding,
        transform_precoding: f.transform_precoding,
        ptrs: f.ptrs,
        cbg: f.cbg,
        coding,
        uci: UciOnPusch::default(),
        tb: Span::default(),
    })
}
