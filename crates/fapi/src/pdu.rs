//! One struct for each channel occasion. Resource blocks count from the carrier's lowest RB unless said otherwise.

use crate::config::{CoresetConfig, MappingType, McsTable};
use nr::{HarqId, Pci, Rnti};

/// A piece of a slot's byte arena.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Bytes.
    pub len: u32,
}

impl Span {
    /// The bytes, or an empty slice where the span does not lie in `arena`.
    pub fn of(self, arena: &[u8]) -> &[u8] {
        arena.get(self.start as usize..(self.start as usize).saturating_add(self.len as usize)).unwrap_or(&[])
    }
    /// Appends `bytes` to `arena`.
    pub fn append(arena: &mut Vec<u8>, bytes: &[u8]) -> Span {
        let start = arena.len() as u32;
        arena.extend_from_slice(bytes);
        Span { start, len: bytes.len() as u32 }
    }
}

/// Resource blocks of a shared channel, after virtual-to-physical mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RbAllocation {
    /// Type 1: contiguous.
    Contiguous { start: u16, n_rb: u16 },
    /// Any set: bit i of word w is RB 64 w + i of the carrier.
    Bitmap([u64; 5]),
}

impl RbAllocation {
    /// Whether RB `rb` belongs to the allocation.
    pub fn contains(&self, rb: u16) -> bool {
        match self {
            RbAllocation::Contiguous { start, n_rb } => rb >= *start && rb - *start < *n_rb,
            RbAllocation::Bitmap(b) => b.get(rb as usize / 64).is_some_and(|w| w >> (rb % 64) & 1 == 1),
        }
    }
    /// How many.
    pub fn n_rb(&self) -> u16 {
        match self {
            RbAllocation::Contiguous { n_rb, .. } => *n_rb,
            RbAllocation::Bitmap(b) => b.iter().map(|w| w.count_ones() as u16).sum(),
        }
    }
    /// The RBs in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        let (lo, hi) = match self {
            RbAllocation::Contiguous { start, n_rb } => (*start, start.saturating_add(*n_rb)),
            RbAllocation::Bitmap(_) => (0, 320),
        };
        (lo..hi).filter(move |rb| self.contains(*rb))
    }
}

/// DM-RS of one PDSCH or PUSCH. Spec: TS 38.211 §6.4.1.1, §7.4.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DmrsPdu {
    /// Bit l: symbol l of the slot carries DM-RS.
    pub symbols: u16,
    /// Configuration type 1 or 2.
    pub config_type: u8,
    /// N_ID^(n_SCID).
    pub n_id: u16,
    /// n_SCID.
    pub n_scid: u8,
    /// Bit p: port 1000 + p (downlink) or p (uplink) is used; the lowest is layer 0.
    pub ports: u16,
    /// CDM groups without data, 1..=3: their elements carry no data in DM-RS symbols (power 3 dB with two groups).
    pub n_cdm_groups_without_data: u8,
    /// RB from which the sequence counts, relative to the carrier's lowest RB: `-offset_to_carrier` (point A) in general, the
    /// first RB of CORESET 0 for PDSCH scheduled by SI-RNTI.
    pub reference_rb: i32,
}

/// What PDSCH must leave free. Spec: TS 38.214 §5.1.4
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReservedRbs {
    /// First RB that overlaps.
    pub start_rb: u16,
    /// RBs.
    pub n_rb: u16,
    /// Bit l: symbol l.
    pub symbols: u16,
}

/// Coding of a transport block. Spec: TS 38.212 §5, TS 38.214 §5.1.3, §6.1.4
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coding {
    /// Bits a modulation symbol Q_m: 2, 4, 6, 8.
    pub q_m: u8,
    /// Target code rate R x 1024.
    pub rate_x1024: f32,
    /// I_MCS and its table, for reports.
    pub mcs: u8,
    /// Its table.
    pub mcs_table: McsTable,
    /// Redundancy version 0..=3.
    pub rv: u8,
    /// Transport block size in bytes.
    pub tbs_bytes: u32,
    /// TBS_LBRM in bits. Spec: TS 38.212 §5.4.2.1
    pub tbs_lbrm: u32,
}

/// A PDSCH. Spec: TS 38.211 §7.3.1
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PdschPdu {
    /// Whose.
    pub rnti: Rnti,
    /// HARQ process (0 for broadcast).
    pub harq: HarqId,
    /// A new transport block: the receiver forgets its soft bits.
    pub new_data: bool,
    /// Resource blocks.
    pub rbs: RbAllocation,
    /// Order of virtual RBs: `Some((bwp_start, bwp_size, bundle))` interleaves. Spec: TS 38.211 §7.3.1.6
    pub vrb_interleaver: Option<(u16, u16, u8)>,
    /// First symbol.
    pub start_symbol: u8,
    /// Symbols.
    pub n_symbols: u8,
    /// Mapping type.
    pub mapping: MappingType,
    /// DM-RS.
    pub dmrs: DmrsPdu,
    /// Scrambling n_ID.
    pub n_id: u16,
    /// Layers.
    pub n_layers: u8,
    /// Coding.
    pub coding: Coding,
    /// RBs and symbols that SS/PBCH blocks take (up to two blocks a slot).
    pub reserved: [Option<ReservedRbs>; 2],
    /// Resource elements of CSI-RS to leave free: bit k of `re_mask[l]` is subcarrier k of every allocated RB in symbol l.
    pub reserved_re: [u16; 14],
    /// Power over the SSB's elements, dB.
    pub power_offset_db: f32,
    /// Transport block in the slot's arena (transmitter only).
    pub tb: Span,
}

/// UCI carried by a PUSCH. Spec: TS 38.212 §6.3.2
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct UciOnPusch {
    /// HARQ-ACK bits.
    pub n_harq_ack: u16,
    /// CSI part 1 bits.
    pub n_csi1: u16,
    /// beta_offset of HARQ-ACK (the value, not the index).
    pub beta_harq_ack: f32,
    /// beta_offset of CSI part 1.
    pub beta_csi1: f32,
    /// alpha.
    pub scaling: f32,
}

/// A PUSCH. Spec: TS 38.211 §6.3.1
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PuschPdu {
    /// Whose.
    pub rnti: Rnti,
    /// HARQ process.
    pub harq: HarqId,
    /// A new transport block.
    pub new_data: bool,
    /// Resource blocks.
    pub rbs: RbAllocation,
    /// First symbol.
    pub start_symbol: u8,
    /// Symbols.
    pub n_symbols: u8,
    /// Mapping type.
    pub mapping: MappingType,
    /// DM-RS.
    pub dmrs: DmrsPdu,
    /// Scrambling n_ID.
    pub n_id: u16,
    /// Layers.
    pub n_layers: u8,
    /// DFT-spread.
    pub transform_precoding: bool,
    /// Coding.
    pub coding: Coding,
    /// UCI multiplexed on it (all zero: none).
    pub uci: UciOnPusch,
    /// Transport block in the slot's arena (transmitter only).
    pub tb: Span,
}

/// Most bits of a DCI.
pub const DCI_BITS_MAX: usize = 140;

/// The bits of a DCI, one a byte, most significant (first sent) first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DciBits {
    bits: [u8; DCI_BITS_MAX],
    len: u8,
}

impl Default for DciBits {
    fn default() -> Self {
        Self { bits: [0; DCI_BITS_MAX], len: 0 }
    }
}

impl DciBits {
    /// From bits 0 and 1; `None` if there are more than 140 or another value.
    pub fn new(bits: &[u8]) -> Option<Self> {
        if bits.len() > DCI_BITS_MAX || bits.iter().any(|b| *b > 1) {
            return None;
        }
        let mut d = Self::default();
        d.bits[..bits.len()].copy_from_slice(bits);
        d.len = bits.len() as u8;
        Some(d)
    }
    /// The bits.
    pub fn as_slice(&self) -> &[u8] {
        &self.bits[..self.len as usize]
    }
}

impl core::fmt::Debug for DciBits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_slice().iter().try_for_each(|b| write!(f, "{b}"))
    }
}

/// A PDCCH. Spec: TS 38.211 §7.3.2
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PdcchPdu {
    /// The CORESET.
    pub coreset: CoresetConfig,
    /// First symbol of the monitoring occasion.
    pub start_symbol: u8,
    /// First control channel element.
    pub cce: u16,
    /// Aggregation level: 1, 2, 4, 8, 16.
    pub aggregation_level: u8,
    /// RNTI that masks the CRC.
    pub rnti: Rnti,
    /// n_RNTI of the scrambling: the C-RNTI in a UE-specific search space with pdcch-DMRS-ScramblingID, else 0.
    pub scrambling_rnti: u16,
    /// n_ID of the scrambling: pdcch-DMRS-ScramblingID, or the PCI.
    pub scrambling_n_id: u16,
    /// Power over the SSB's elements, dB.
    pub power_offset_db: f32,
    /// The payload.
    pub payload: DciBits,
}

/// An SS/PBCH block. Spec: TS 38.211 §7.4.3
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SsbPdu {
    /// The cell.
    pub pci: Pci,
    /// Block index within the half frame.
    pub ssb_index: u8,
    /// Maximum number of blocks.
    pub l_max: u8,
    /// First symbol in the slot (of the SSB's numerology).
    pub start_symbol: u8,
    /// First subcarrier of the block in the grid.
    pub start_subcarrier: u32,
    /// The MIB's 24 bits as RRC encoded them (BCCH-BCH-Message), most significant first in the low 24.
    pub mib: u32,
    /// k_SSB, of which bit 4 travels in the PBCH payload.
    pub k_ssb: u8,
    /// Second half frame.
    pub half_frame: bool,
}

/// A CSI-RS. Spec: TS 38.211 §7.4.1.5
pub type CsiRsPdu = crate::config::CsiRsResource;

/// A PUCCH. Spec: TS 38.211 §6.3.2
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PucchPdu {
    /// Whose.
    pub rnti: Rnti,
    /// Resource; `start_prb` and `second_hop_prb` count from the carrier's lowest RB here.
    pub resource: crate::config::PucchResource,
    /// HARQ-ACK bits.
    pub n_harq_ack: u8,
    /// A scheduling request may be there: format 0 and 1 by its own sequence, format 2 by a bit.
    pub n_sr: u8,
    /// CSI part 1 bits.
    pub n_csi1: u8,
    /// hoppingId.
    pub hopping_id: u16,
    /// pucch-GroupHopping: 0 neither, 1 group, 2 sequence.
    pub group_hopping: u8,
    /// Scrambling n_ID of formats 2 to 4.
    pub n_id: u16,
    /// N_ID^0 of the format 2 DM-RS.
    pub dmrs_n_id: u16,
}

/// The PRACH occasions of a slot, as the receiver needs them. Spec: TS 38.211 §6.3.3
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrachOccasion {
    /// First symbol in the slot (numerology of the uplink carrier).
    pub start_symbol: u8,
    /// t_id of the RA-RNTI. The RA-RNTI is 1 + s_id + 14 t_id + 14*80 f_id. Spec: TS 38.321 §5.1.3
    pub t_id: u8,
    /// s_id.
    pub s_id: u8,
    /// f_id.
    pub f_id: u8,
}

impl PrachOccasion {
    /// RA-RNTI of this occasion (normal uplink carrier). Spec: TS 38.321 §5.1.3
    pub fn ra_rnti(&self) -> Rnti {
        Rnti(1 + self.s_id as u16 + 14 * self.t_id as u16 + 14 * 80 * self.f_id as u16)
    }
}
