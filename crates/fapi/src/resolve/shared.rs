//! DCI to PDSCH and PUSCH. Spec: TS 38.214 §5.1, §6.1, TS 38.213 §8.2

use super::dmrs::*;
use super::frequency::*;
use super::{ResolveError, broadcast, invalid};
use crate::config::*;
use crate::dci::*;
use crate::pdu::*;
use nr::tables::{mcs, tbs, tdra};
use nr::{HarqId, Rnti, SlotPoint};

/// Where and for whom a DCI came (or goes out).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Heard<'a> {
    /// Slot of the PDCCH.
    pub slot: SlotPoint,
    /// RNTI that masks it.
    pub rnti: Rnti,
    /// Its kind.
    pub rnti_kind: RntiKind,
    /// Kind of the search space.
    pub kind: SearchSpaceKind,
    /// CORESET of the search space.
    pub coreset: &'a CoresetConfig,
}

/// Feedback that a downlink assignment asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feedback {
    /// Slot of the PUCCH.
    pub slot: SlotPoint,
    /// PUCCH resource indicator.
    pub pri: u8,
    /// Counter DAI field, 0..=3.
    pub dai: u8,
    /// TPC command field for the PUCCH.
    pub tpc: u8,
}

/// A PDSCH that a DCI assigns.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DlAssignment {
    /// Slot of the PDSCH.
    pub slot: SlotPoint,
    /// The PDSCH. `new_data` is true; whoever tracks NDI and retransmissions corrects it. `tb` is empty.
    pub pdu: PdschPdu,
    /// New data indicator (C-RNTI and TC-RNTI).
    pub ndi: bool,
    /// HARQ feedback (C-RNTI and TC-RNTI).
    pub feedback: Option<Feedback>,
}

/// A PUSCH that a DCI or a random access response grants.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UlGrant {
    /// Slot of the PUSCH.
    pub slot: SlotPoint,
    /// The PUSCH, without UCI. `new_data` is true; whoever tracks NDI corrects it.
    pub pdu: PuschPdu,
    /// New data indicator.
    pub ndi: bool,
    /// TPC command field: 2 bits of table 7.1.1-1 (3 bits of table 8.2-2 for Msg3).
    pub tpc: u8,
    /// UL DAI field of format 0_1.
    pub dai: Option<u8>,
    /// A transport block is sent.
    pub ul_sch: bool,
}

/// The fields of a random access response grant. Spec: TS 38.213 §8.2, table 8.2-1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RarGrant {
    /// Frequency hopping flag.
    pub hopping: bool,
    /// PUSCH frequency resource allocation, 14 bits.
    pub frequency: u16,
    /// PUSCH time resource allocation, 4 bits.
    pub time: u8,
    /// MCS, 4 bits.
    pub mcs: u8,
    /// TPC command, 3 bits: -6, -4 ... 8 dB.
    pub tpc: u8,
    /// CSI request.
    pub csi_request: bool,
}

impl RarGrant {
    /// The 27 bits, right aligned.
    pub const fn encode(&self) -> u32 {
        (self.hopping as u32) << 26
            | (self.frequency as u32 & 0x3fff) << 12
            | (self.time as u32 & 15) << 8
            | (self.mcs as u32 & 15) << 4
            | (self.tpc as u32 & 7) << 1
            | self.csi_request as u32
    }
    /// From the 27 bits, right aligned.
    pub const fn decode(bits: u32) -> Self {
        Self {
            hopping: bits >> 26 & 1 == 1,
            frequency: (bits >> 12 & 0x3fff) as u16,
            time: (bits >> 8 & 15) as u8,
            mcs: (bits >> 4 & 15) as u8,
            tpc: (bits >> 1 & 7) as u8,
            csi_request: bits & 1 == 1,
        }
    }
    /// Power correction that the TPC field asks for, dB. Spec: TS 38.213 table 8.2-2
    pub const fn tpc_db(&self) -> i8 {
        2 * self.tpc as i8 - 6
    }
}

/// Accumulated correction of a 2-bit TPC command, dB. Spec: TS 38.213 tables 7.1.1-1 and 7.2.1-1
pub const fn tpc_db(field: u8) -> i8 {
    [-1, 0, 1, 3][(field & 3) as usize]
}

/// Default PDSCH time allocations. Spec: TS 38.214 table 5.1.2.1.1-2
pub fn default_pdsch_times(type_a_position: u8) -> Vec<TimeAllocation> {
    tdra::pdsch_a(type_a_position).iter().map(time_of).collect()
}

/// Default PUSCH time allocations. Spec: TS 38.214 table 6.1.2.1.1-2
pub fn default_pusch_times(mu: u8) -> Vec<TimeAllocation> {
    tdra::pusch_a(mu).iter().map(time_of).collect()
}

fn time_of(row: &tdra::Row) -> TimeAllocation {
    let mapping = if row.type_b { MappingType::B } else { MappingType::A };
    TimeAllocation { k: row.k, mapping, start: row.start, n_symbols: row.n_symbols }
}

/// The row of an MCS table.
pub fn mcs_row(table: McsTable, index: u8) -> Result<mcs::Mcs, ResolveError> {
    let rows = match table {
        McsTable::Qam64 => &mcs::TABLE_1,
        McsTable::Qam256 => &mcs::TABLE_2,
        McsTable::Qam64LowSe => &mcs::TABLE_3,
    };
    rows.get(index as usize).copied().ok_or(invalid("MCS", index as u32, "TS 38.214 §5.1.3.1"))
}

/// Inputs of the block size of one shared channel.
struct Load {
    table: McsTable,
    mcs: u8,
    rv: u8,
    n_symbols: u8,
    dmrs_re: u32,
    x_overhead: u8,
    n_prb: u16,
    scaling_shift: u8,
    tbs_lbrm: u32,
}

fn coding(load: &Load, previous: Option<&Coding>) -> Result<Coding, ResolveError> {
    let row = mcs_row(load.table, load.mcs)?;
    let n_re = tbs::n_re(load.n_symbols as u32, load.dmrs_re, load.x_overhead as u32, load.n_prb as u32);
    let (tbs_bytes, rate_x1024) = if row.is_reserved() {
        let p = previous.ok_or(invalid("MCS", load.mcs as u32, "TS 38.214 §5.1.3.2 (no earlier transmission)"))?;
        (p.tbs_bytes, p.rate_x1024)
    } else {
        (tbs::tbs_bits(n_re, row.rate_x2048, row.q_m, 1, load.scaling_shift) / 8, row.rate_x1024())
    };
    Ok(Coding {
        q_m: row.q_m,
        rate_x1024,
        mcs: load.mcs,
        mcs_table: load.table,
        rv: load.rv,
        tbs_bytes,
        tbs_lbrm: load.tbs_lbrm,
    })
}

/// TBS_LBRM of the downlink in bits. Spec: TS 38.212 §5.4.2.1
pub fn downlink_tbs_lbrm(cell: &CellConfig, d: Option<&DedicatedConfig>) -> u32 {
    let n_rb = cell.initial_dl_bwp.n_rb.max(d.map_or(0, |d| d.dl_bwp.n_rb));
    let layers = d.map_or(cell.pdsch.max_layers, |d| d.pdsch.max_layers);
    let q_m = if d.is_some_and(|d| d.pdsch.mcs_table == McsTable::Qam256) { 8 } else { 6 };
    tbs::tbs_lbrm(n_rb, layers, q_m)
}

/// TBS_LBRM of the uplink: rateMatching is never limitedBufferRM here, so the whole buffer serves.
pub const UPLINK_TBS_LBRM: u32 = u32::MAX;

struct DlFields {
    rbs: RbAllocation,
    time: TimeAllocation,
    additional_position: u8,
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
}

const PORT_0_TWO_GROUPS: Ports = Ports { ports: 1, n_cdm_groups_without_data: 2 };
const PORT_0_ONE_GROUP: Ports = Ports { ports: 1, n_cdm_groups_without_data: 1 };

fn fallback_ports(n_symbols: u8) -> Ports {
    if n_symbols <= 2 { PORT_0_ONE_GROUP } else { PORT_0_TWO_GROUPS }
}

fn row(list: &[TimeAllocation], index: u8) -> Result<TimeAllocation, ResolveError> {
    list.get(index as usize).copied().ok_or(invalid(
        "time domain assignment",
        index as u32,
        "TS 38.214 §5.1.2.1, §6.1.2.1",
    ))
}

/// RBs of format 1_0: they count from the CORESET's lowest RB in a common search space. Spec: TS 38.214 §5.1.2.2.2
fn fallback_rbs(
    frequency: u32,
    interleaved: bool,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
) -> Result<RbAllocation, ResolveError> {
    if interleaved {
        return Err(ResolveError::Unsupported { clause: "TS 38.211 §7.3.1.6 interleaved VRB-to-PRB mapping" });
    }
    let (origin, size) = match heard.kind {
        SearchSpaceKind::Common => (heard.coreset.start_rb, cell.coreset0_bwp.n_rb),
        _ => {
            let d = d.ok_or(ResolveError::NotConfigured("a UE-specific search space"))?;
            (d.dl_bwp.start_rb, d.dl_bwp.n_rb)
        }
    };
    let (start, n_rb) =
        riv_decode(frequency, size).ok_or(invalid("frequency domain assignment", frequency, "TS 38.214 §5.1.2.2.2"))?;
    Ok(RbAllocation::Contiguous { start: origin + start, n_rb })
}

/// The time allocations that C-RNTI uses in this search space. Spec: TS 38.214 tables 5.1.2.1.1-1 and 6.1.2.1.1-1
fn uses_dedicated_times(heard: &Heard) -> bool {
    heard.rnti_kind == RntiKind::Cell && (heard.kind != SearchSpaceKind::Common || heard.coreset.id != 0)
}

/// The PDSCH that `dci` assigns.
///
/// Spec: TS 38.214 §5.1, TS 38.211 §7.3.1, §7.4.1.1
/// - `dci` formats 1_0 (every RNTI) and 1_1.
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
    let (fields, ndi, feedback, k1) = match dci {
        Dci::F1_0(x) => {
            let list = match d {
                Some(d) if uses_dedicated_times(heard) => &d.pdsch.time_allocations,
                _ => &cell.pdsch.time_allocations,
            };
            let mut f = fallback_fields(x.frequency, x.interleaved, row(list, x.time)?, heard, cell, d)?;
            (f.mcs, f.rv, f.harq) = (x.mcs, x.rv, x.harq);
            (f, x.ndi, Some((x.pri, x.dai, x.tpc)), x.k1 + 1)
        }
        Dci::F1_1(x) => {
            let d = d.ok_or(ResolveError::NotConfigured("format 1_1"))?;
            let k1 = *d.pucch.dl_data_to_ul_ack.get(x.k1 as usize).ok_or(invalid(
                "PDSCH-to-HARQ_feedback timing indicator",
                x.k1 as u32,
                "TS 38.213 §9.2.3",
            ))?;
            (dedicated_dl_fields(x, d)?, x.ndi, Some((x.pri, x.dai, x.tpc)), k1)
        }
        Dci::Si(x) => {
            let list = tdra::pdsch_a(cell.pdsch.dmrs.type_a_position);
            let time = list.get(x.time as usize).map(time_of);
            let time = time.ok_or(invalid("time domain assignment", x.time as u32, "TS 38.214 §5.1.2.1"))?;
            let mut f = fallback_fields(x.frequency, x.interleaved, time, heard, cell, None)?;
            (f.mcs, f.rv) = (x.mcs, x.rv);
            (f, false, None, 0)
        }
        Dci::Ra(x) => (scaled_fields(x, heard, cell)?, false, None, 0),
        Dci::Paging(x) if x.indicator & 1 == 1 => (scaled_fields(&x.assignment, heard, cell)?, false, None, 0),
        _ => return Err(ResolveError::NotConfigured("a downlink assignment in this DCI")),
    };
    let slot = heard.slot.plus(fields.time.k as i64);
    let sib1 = matches!(dci, Dci::Si(x) if !x.other_si);
    let pdu = build_pdsch(&fields, heard, slot, cell, d, sib1, previous)?;
    let feedback = feedback.map(|(pri, dai, tpc)| Feedback { slot: slot.plus(k1 as i64), pri, dai, tpc });
    Ok(DlAssignment { slot, pdu, ndi, feedback })
}

/// Format 1_0: one DM-RS port, type 1, dmrs-AdditionalPosition pos2. Spec: TS 38.214 §5.1.6.2
fn fallback_fields(
    frequency: u32,
    interleaved: bool,
    time: TimeAllocation,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
) -> Result<DlFields, ResolveError> {
    let pci = cell.pci.get();
    let cell_rnti = heard.rnti_kind == RntiKind::Cell;
    let own = d.filter(|_| cell_rnti);
    Ok(DlFields {
        rbs: fallback_rbs(frequency, interleaved, heard, cell, d)?,
        time,
        additional_position: 2,
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
    })
}

fn scaled_fields(x: &DciRa, heard: &Heard, cell: &CellConfig) -> Result<DlFields, ResolveError> {
    let time = row(&cell.pdsch.time_allocations, x.time)?;
    let mut f = fallback_fields(x.frequency, x.interleaved, time, heard, cell, None)?;
    if x.tb_scaling > 2 {
        return Err(invalid("TB scaling", x.tb_scaling as u32, "TS 38.214 table 5.1.3.2-2"));
    }
    (f.mcs, f.scaling_shift) = (x.mcs, x.tb_scaling);
    Ok(f)
}

fn dedicated_dl_fields(x: &Dci1_1, d: &DedicatedConfig) -> Result<DlFields, ResolveError> {
    if x.interleaved || (d.pdsch.resource_allocation_type0 && d.pdsch.vrb_interleaver.is_some()) {
        return Err(ResolveError::Unsupported { clause: "TS 38.211 §7.3.1.6 interleaved VRB-to-PRB mapping" });
    }
    let rbs = dedicated_rbs(x.frequency, d.dl_bwp, d.pdsch.resource_allocation_type0, d.pdsch.rbg_config2)?;
    let time = row(&d.pdsch.time_allocations, x.time)?;
    Ok(DlFields {
        rbs,
        time,
        additional_position: d.pdsch.dmrs.additional_position,
        ports: downlink_ports(x.ports, &d.pdsch.dmrs)?,
        n_scid: x.n_scid,
        dmrs_n_id: d.pdsch.dmrs.scrambling_id[(x.n_scid & 1) as usize],
        n_id: d.pdsch.n_id,
        table: d.pdsch.mcs_table,
        mcs: x.mcs,
        rv: x.rv,
        harq: x.harq,
        scaling_shift: 0,
        x_overhead: d.pdsch.x_overhead,
    })
}

fn dedicated_rbs(frequency: u32, bwp: Bwp, type0: bool, config2: bool) -> Result<RbAllocation, ResolveError> {
    let bad = || invalid("frequency domain assignment", frequency, "TS 38.214 §5.1.2.2, §6.1.2.2");
    if type0 {
        let rbs = rbg_to_rbs(frequency, bwp, config2);
        return if rbs.n_rb() > 0 { Ok(rbs) } else { Err(bad()) };
    }
    let (start, n_rb) = riv_decode(frequency, bwp.n_rb).ok_or_else(bad)?;
    Ok(RbAllocation::Contiguous { start: bwp.start_rb + start, n_rb })
}

fn one_layer(ports: u16) -> Result<(), ResolveError> {
    if ports.count_ones() == 1 {
        Ok(())
    } else {
        Err(ResolveError::Unsupported { clause: "TS 38.211 §7.3.1.3 more than one layer" })
    }
}

fn build_pdsch(
    f: &DlFields,
    heard: &Heard,
    slot: SlotPoint,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
    sib1: bool,
    previous: Option<&Coding>,
) -> Result<PdschPdu, ResolveError> {
    one_layer(f.ports.ports)?;
    let dmrs_config = d.filter(|_| heard.kind == SearchSpaceKind::Ue).map_or(&cell.pdsch.dmrs, |d| &d.pdsch.dmrs);
    let config_type = if heard.kind == SearchSpaceKind::Ue { dmrs_config.config_type } else { 1 };
    let symbols = pdsch_dmrs_symbols(&f.time, cell.pdsch.dmrs.type_a_position, f.additional_position)?;
    let own = d.filter(|_| heard.rnti_kind == RntiKind::Cell);
    let load = Load {
        table: f.table,
        mcs: f.mcs,
        rv: f.rv,
        n_symbols: f.time.n_symbols,
        dmrs_re: dmrs_re_per_prb(symbols, config_type, f.ports.n_cdm_groups_without_data),
        x_overhead: f.x_overhead,
        n_prb: f.rbs.n_rb(),
        scaling_shift: f.scaling_shift,
        tbs_lbrm: downlink_tbs_lbrm(cell, own),
    };
    let coding = coding(&load, previous)?;
    if heard.rnti_kind != RntiKind::Cell && heard.rnti_kind != RntiKind::Temporary && coding.q_m > 2 {
        return Err(invalid("MCS", f.mcs as u32, "TS 38.214 §5.1.3.1 (broadcast is QPSK)"));
    }
    Ok(PdschPdu {
        rnti: heard.rnti,
        harq: HarqId::new(f.harq).ok_or(invalid("HARQ process number", f.harq as u32, "TS 38.212 §7.3.1.2"))?,
        new_data: true,
        rbs: f.rbs,
        vrb_interleaver: None,
        start_symbol: f.time.start,
        n_symbols: f.time.n_symbols,
        mapping: f.time.mapping,
        dmrs: DmrsPdu {
            symbols,
            config_type,
            n_id: f.dmrs_n_id,
            n_scid: f.n_scid,
            ports: f.ports.ports,
            n_cdm_groups_without_data: f.ports.n_cdm_groups_without_data,
            reference_rb: if heard.rnti_kind == RntiKind::Si && heard.coreset.id == 0 {
                heard.coreset.start_rb as i32
            } else {
                -(cell.dl.offset_to_carrier as i32)
            },
        },
        n_id: f.n_id,
        n_layers: 1,
        coding,
        reserved: if sib1 {
            [None; 2]
        } else {
            broadcast::reserved_for_ssb(cell, slot, f.time.start, f.time.n_symbols)
        },
        reserved_re: own.map_or([0; 14], |d| csi_rs_mask(&d.csi_rs, slot)),
        power_offset_db: 0.0,
        precoding: Default::default(),
        ptrs: None,
        cbg: None,
        tb: Span::default(),
    })
}

/// Elements that CSI-RSs of `slot` take in every RB: `mask[l]` bit k. Spec: TS 38.211 §7.4.1.5.3, TS 38.214 §5.1.4.2
///
/// Rows 1 and 2 (one port); a density of one half is counted as one.
pub fn csi_rs_mask(resources: &[CsiRsResource], slot: SlotPoint) -> [u16; 14] {
    let mut mask = [0u16; 14];
    for r in resources.iter().filter(|r| r.is_sent(slot)) {
        if let Some(m) = mask.get_mut(r.l0 as usize) {
            *m |= if r.row == 1 { 0x111 << (r.k0 & 3) } else { 1 << (r.k0 % 12) };
        }
    }
    mask
}

struct UlFields {
    rbs: RbAllocation,
    time: TimeAllocation,
    additional_position: u8,
    ports: Ports,
    config_type: u8,
    n_scid: u8,
    dmrs_n_id: u16,
    n_id: u16,
    table: McsTable,
    mcs: u8,
    rv: u8,
    harq: u8,
    x_overhead: u8,
}

/// The PUSCH that `dci` grants.
///
/// Spec: TS 38.214 §6.1, TS 38.211 §6.3.1, §6.4.1.1
/// - `dci` formats 0_0 and 0_1; `previous` as in [`pdsch`].
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
            if x.hopping {
                return Err(ResolveError::Unsupported { clause: "TS 38.214 §6.3 frequency hopping" });
            }
            let list = match d {
                Some(d) if uses_dedicated_times(heard) => &d.pusch.time_allocations,
                _ => &cell.pusch.time_allocations,
            };
            let bwp = match (heard.kind, d) {
                (SearchSpaceKind::Common, _) | (_, None) => cell.initial_ul_bwp,
                (_, Some(d)) => d.ul_bwp,
            };
            let rbs = dedicated_rbs(x.frequency, bwp, false, false)?;
            let mut f = fallback_ul_fields(rbs, row(list, x.time)?, heard, cell, d);
            let harq = if heard.rnti_kind == RntiKind::Temporary { 0 } else { x.harq };
            (f.mcs, f.rv, f.harq) = (x.mcs, x.rv, harq);
            let slot = heard.slot.plus(f.time.k as i64);
            let pdu = build_pusch(&f, heard.rnti, cell, previous)?;
            Ok(UlGrant { slot, pdu, ndi: x.ndi, tpc: x.tpc, dai: None, ul_sch: true })
        }
        Dci::F0_1(x) => {
            let d = d.ok_or(ResolveError::NotConfigured("format 0_1"))?;
            let f = dedicated_ul_fields(x, d)?;
            let slot = heard.slot.plus(f.time.k as i64);
            let pdu = build_pusch(&f, heard.rnti, cell, previous)?;
            Ok(UlGrant { slot, pdu, ndi: x.ndi, tpc: x.tpc, dai: Some(x.dai), ul_sch: x.ul_sch })
        }
        _ => Err(ResolveError::NotConfigured("an uplink grant in this DCI")),
    }
}

/// Msg3 by the grant of a random access response that came in slot `slot`.
///
/// Spec: TS 38.213 §8.2, §8.3; TS 38.214 §6.1.2.1.1 (K_2 + Delta)
pub fn msg3(grant: &RarGrant, tc_rnti: Rnti, slot: SlotPoint, cell: &CellConfig) -> Result<UlGrant, ResolveError> {
    if grant.hopping {
        return Err(ResolveError::Unsupported { clause: "TS 38.213 §8.3 frequency hopping of Msg3" });
    }
    let bwp = cell.initial_ul_bwp;
    // Up to 180 RBs the low bits of the field are the RIV; above, the field is extended by zeros.
    let bits = riv_bits(bwp.n_rb).min(14);
    let rbs = dedicated_rbs(grant.frequency as u32 & ((1 << bits) - 1), bwp, false, false)?;
    let time = row(&cell.pusch.time_allocations, grant.time)?;
    let heard = Heard {
        slot,
        rnti: tc_rnti,
        rnti_kind: RntiKind::Temporary,
        kind: SearchSpaceKind::Common,
        coreset: cell.coresets.first().ok_or(ResolveError::NotConfigured("CORESET 0"))?,
    };
    let mut f = fallback_ul_fields(rbs, time, &heard, cell, None);
    f.mcs = grant.mcs;
    let k = time.k as i64 + tdra::msg3_delta(cell.ul.numerology.mu()) as i64;
    let pdu = build_pusch(&f, tc_rnti, cell, None)?;
    Ok(UlGrant { slot: slot.plus(k), pdu, ndi: false, tpc: grant.tpc, dai: None, ul_sch: true })
}

/// Format 0_0 and Msg3: one DM-RS port, type 1, pos2. Spec: TS 38.214 §6.2.2
fn fallback_ul_fields(
    rbs: RbAllocation,
    time: TimeAllocation,
    heard: &Heard,
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
) -> UlFields {
    let pci = cell.pci.get();
    let own = d.filter(|_| heard.rnti_kind == RntiKind::Cell);
    UlFields {
        rbs,
        time,
        additional_position: 2,
        ports: fallback_ports(time.n_symbols),
        config_type: 1,
        n_scid: 0,
        dmrs_n_id: own.map_or(pci, |d| d.pusch.dmrs.scrambling_id[0]),
        n_id: own.filter(|_| heard.kind != SearchSpaceKind::Common).map_or(pci, |d| d.pusch.n_id),
        table: McsTable::Qam64,
        mcs: 0,
        rv: 0,
        harq: 0,
        x_overhead: own.map_or(0, |d| d.pusch.x_overhead),
    }
}

fn dedicated_ul_fields(x: &Dci0_1, d: &DedicatedConfig) -> Result<UlFields, ResolveError> {
    if d.pusch.transform_precoding {
        return Err(ResolveError::Unsupported { clause: "TS 38.211 §6.3.1.4 transform precoding" });
    }
    let rbs = dedicated_rbs(x.frequency, d.ul_bwp, d.pusch.resource_allocation_type0, false)?;
    Ok(UlFields {
        rbs,
        time: row(&d.pusch.time_allocations, x.time)?,
        additional_position: d.pusch.dmrs.additional_position,
        ports: uplink_ports(x.ports, &d.pusch.dmrs)?,
        config_type: d.pusch.dmrs.config_type,
        n_scid: x.n_scid,
        dmrs_n_id: d.pusch.dmrs.scrambling_id[(x.n_scid & 1) as usize],
        n_id: d.pusch.n_id,
        table: d.pusch.mcs_table,
        mcs: x.mcs,
        rv: x.rv,
        harq: x.harq,
        x_overhead: d.pusch.x_overhead,
    })
}

fn build_pusch(
    f: &UlFields,
    rnti: Rnti,
    cell: &CellConfig,
    previous: Option<&Coding>,
) -> Result<PuschPdu, ResolveError> {
    one_layer(f.ports.ports)?;
    let symbols = pusch_dmrs_symbols(&f.time, cell.pdsch.dmrs.type_a_position, f.additional_position)?;
    let load = Load {
        table: f.table,
        mcs: f.mcs,
        rv: f.rv,
        n_symbols: f.time.n_symbols,
        dmrs_re: dmrs_re_per_prb(symbols, f.config_type, f.ports.n_cdm_groups_without_data),
        x_overhead: f.x_overhead,
        n_prb: f.rbs.n_rb(),
        scaling_shift: 0,
        tbs_lbrm: UPLINK_TBS_LBRM,
    };
    Ok(PuschPdu {
        rnti,
        harq: HarqId::new(f.harq).ok_or(invalid("HARQ process number", f.harq as u32, "TS 38.212 §7.3.1.1"))?,
        new_data: true,
        rbs: f.rbs,
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
        n_layers: 1,
        second_hop_rb: None,
        precoding: UlPrecoding::Identity,
        transform_precoding: None,
        ptrs: None,
        cbg: None,
        coding: coding(&load, previous)?,
        uci: UciOnPusch::default(),
        tb: Span::default(),
    })
}
