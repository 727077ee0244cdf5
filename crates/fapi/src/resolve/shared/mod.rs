//! DCI to PDSCH and PUSCH. Spec: TS 38.214 §5.1, §6.1, TS 38.213 §8.2

mod downlink;
mod ptrs;
#[cfg(test)]
mod tests;
mod uplink;

pub use downlink::{csi_rs_mask, downlink_tbs_lbrm, pdsch};
pub use uplink::{UPLINK_TBS_LBRM, msg3, pusch};

use super::dmrs::Ports;
use super::{ResolveError, invalid};
use crate::config::*;
use crate::dci::RntiKind;
use crate::pdu::*;
use nr::tables::{mcs, tbs, tdra};
use nr::{Rnti, SlotPoint};

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
    /// Consecutive slots in which the block is sent, each with its redundancy version ([`repetition_rv`]). Spec: TS 38.214 §5.1.2.1
    pub repetitions: u8,
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
    /// UL DAI field of format 0_1: the first, of blocks that are acknowledged as a whole.
    pub dai: Option<u8>,
    /// The second, of blocks that are acknowledged by code block groups; `None` where there are none. Spec: TS 38.213 §9.1.3.2
    pub dai_2: Option<u8>,
    /// A transport block is sent.
    pub ul_sch: bool,
    /// CSI request field, 0 where nothing is asked for.
    pub csi_request: u8,
    /// SRS resources that the PUSCH follows (bit i is resource i of the set); 0 where no indicator says.
    pub srs_resources: u8,
    /// beta_offset indicator, where it is configured.
    pub beta_offset: Option<u8>,
    /// Consecutive slots in which the block is sent, each with its redundancy version. Spec: TS 38.214 §6.1.2.1
    pub repetitions: u8,
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

/// Redundancy version of repetition `n` of a transport block whose DCI says `rv`. Spec: TS 38.214 tables 5.1.2.1-2, 6.1.2.1-2
pub const fn repetition_rv(rv: u8, n: u8) -> u8 {
    const ORDER: [u8; 4] = [0, 2, 3, 1];
    let first = match rv {
        0 => 0,
        2 => 1,
        3 => 2,
        _ => 3,
    };
    ORDER[(first + n as usize) % 4]
}

fn repetitions(factor: u8, n_layers: u8) -> Result<u8, ResolveError> {
    match (factor, n_layers) {
        (0 | 1, _) => Ok(1),
        (2..=16, 1) => Ok(factor),
        _ => Err(invalid("aggregation factor with several layers", factor as u32, "TS 38.214 §5.1.2.1, §6.1.2.1")),
    }
}

/// The row of an MCS table.
pub fn mcs_row(table: McsTable, index: u8) -> Result<mcs::Mcs, ResolveError> {
    let rows = match table {
        McsTable::Qam64 => &mcs::TABLE_1,
        McsTable::Qam256 => &mcs::TABLE_2,
        McsTable::Qam64LowSe => &mcs::TABLE_3,
        McsTable::Qam1024 => &mcs::TABLE_4,
    };
    rows.get(index as usize).copied().ok_or(invalid("MCS", index as u32, "TS 38.214 §5.1.3.1"))
}

/// The row of an MCS table with transform precoding. Spec: TS 38.214 §6.1.4.1
pub fn mcs_row_transform(table: McsTable, pi2_bpsk: bool, index: u8) -> Result<mcs::Mcs, ResolveError> {
    let rows = match (table, pi2_bpsk) {
        (McsTable::Qam64, false) => &mcs::TRANSFORM_1,
        (McsTable::Qam64, true) => &mcs::TRANSFORM_1_PI2_BPSK,
        (McsTable::Qam64LowSe, false) => &mcs::TRANSFORM_2,
        (McsTable::Qam64LowSe, true) => &mcs::TRANSFORM_2_PI2_BPSK,
        _ => return mcs_row(table, index),
    };
    rows.get(index as usize).copied().ok_or(invalid("MCS", index as u32, "TS 38.214 §6.1.4.1"))
}

/// Inputs of the block size of one shared channel.
struct Load {
    row: mcs::Mcs,
    table: McsTable,
    mcs: u8,
    rv: u8,
    n_symbols: u8,
    n_layers: u8,
    dmrs_re: u32,
    x_overhead: u8,
    n_prb: u16,
    scaling_shift: u8,
    tbs_lbrm: u32,
}

/// Modulation, rate and block size; a reserved row keeps what the process's first transmission had.
///
/// Spec: TS 38.214 §5.1.3, §6.1.4
fn coding(load: &Load, previous: Option<&Coding>) -> Result<Coding, ResolveError> {
    let row = load.row;
    let n_re = tbs::n_re(load.n_symbols as u32, load.dmrs_re, load.x_overhead as u32, load.n_prb as u32);
    let (tbs_bytes, rate_x1024) = if row.is_reserved() {
        let p = previous.ok_or(invalid("MCS", load.mcs as u32, "TS 38.214 §5.1.3.2 (no earlier transmission)"))?;
        (p.tbs_bytes, p.rate_x1024)
    } else {
        (tbs::tbs_bits(n_re, row.rate_x2048, row.q_m, load.n_layers, load.scaling_shift) / 8, row.rate_x1024())
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

const PORT_0_TWO_GROUPS: Ports = Ports { ports: 1, n_cdm_groups_without_data: 2, n_symbols: 1, n_scid: None };
const PORT_0_ONE_GROUP: Ports = Ports { n_cdm_groups_without_data: 1, ..PORT_0_TWO_GROUPS };

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

/// The time allocations that C-RNTI uses in this search space. Spec: TS 38.214 tables 5.1.2.1.1-1 and 6.1.2.1.1-1
fn uses_dedicated_times(heard: &Heard) -> bool {
    heard.rnti_kind == RntiKind::Cell && (heard.kind != SearchSpaceKind::Common || heard.coreset.id != 0)
}

/// Frequency assignment of a dedicated format: type 0 or 1, first RB or a set; `None` for what no allocation has.
struct Frequency {
    bwp: Bwp,
    offset_to_carrier: u16,
    config2: bool,
    granularity: u8,
    /// Bits of the field.
    bits: u8,
}

impl Frequency {
    /// (virtual) first RB from the part's first, and RBs, of type 1; the RBs themselves of type 0.
    fn resolve(&self, field: u32, allocation: crate::ResourceAllocation) -> Result<Assigned, ResolveError> {
        use crate::ResourceAllocation as A;
        let bad = || invalid("frequency domain assignment", field, "TS 38.214 §5.1.2.2, §6.1.2.2");
        let type0 = match allocation {
            A::Type0 => true,
            A::Type1 => false,
            A::DynamicSwitch => field >> self.bits.saturating_sub(1).min(31) & 1 == 0,
        };
        let field = match allocation {
            A::DynamicSwitch => field & ((1 << self.bits.saturating_sub(1).min(31)) - 1),
            _ => field,
        };
        if type0 {
            let rbs = super::rbg_to_rbs(field, self.bwp, self.offset_to_carrier, self.config2);
            return if rbs.n_rb() > 0 { Ok(Assigned::Groups(rbs)) } else { Err(bad()) };
        }
        let size = super::granular_size(self.bwp, self.offset_to_carrier, self.granularity);
        let (start, n) = super::riv_decode(field, size).ok_or_else(bad)?;
        let (start, n_rb) = super::granular_rbs(self.bwp, self.offset_to_carrier, self.granularity, start, n);
        Ok(Assigned::Contiguous { start: start - self.bwp.start_rb, n_rb })
    }
}

/// What a frequency assignment names.
enum Assigned {
    /// Type 0: RBs from the carrier's lowest.
    Groups(RbAllocation),
    /// Type 1: from the part's first RB.
    Contiguous { start: u16, n_rb: u16 },
}

/// Code block groups that a DCI says are sent. Spec: TS 38.212 §7.3.1.1.2, §7.3.1.2.2 (the first bit is group 0)
fn code_block_groups(n_max: u8, cbgti: u8, flush: bool) -> Option<CodeBlockGroups> {
    let n_max = n_max.min(8);
    let transmitted = (0..n_max).filter(|m| cbgti >> (n_max - 1 - m) & 1 == 1).fold(0, |t, m| t | 1 << m);
    (n_max > 0).then_some(CodeBlockGroups { n_max, transmitted, flush })
}
