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

/// Phase-tracking reference signals of a PDSCH, or of a PUSCH without transform precoding.
///
/// Spec: TS 38.211 §6.4.1.2, §7.4.1.2; TS 38.214 §5.1.6.3, §6.2.3
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PtrsPdu {
    /// L_PT-RS: every 1st, 2nd or 4th symbol.
    pub time_density: u8,
    /// K_PT-RS: every 2nd or 4th resource block.
    pub frequency_density: u8,
    /// resourceElementOffset: 0 (offset00) to 3 (offset11).
    pub re_offset: u8,
    /// Bit p: a PT-RS port goes with DM-RS port 1000 + p (downlink, one bit) or p (uplink, one or two bits); each of them is a port of
    /// the channel.
    pub dmrs_ports: u16,
    /// Power of a PT-RS element over a data element of the same layer, dB.
    pub power_offset_db: f32,
}

/// Phase-tracking reference signals of a transform-precoded PUSCH. Spec: TS 38.211 §6.4.1.2.1.2, §6.4.1.2.2.2
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PtrsGroups {
    /// N_group^PT-RS: 2, 4 or 8.
    pub n_groups: u8,
    /// N_samp^group: 2 or 4.
    pub n_samples: u8,
    /// L_PT-RS: 1 or 2.
    pub time_density: u8,
    /// N_ID of the sequence: nPUSCH-Identity, or the PCI.
    pub n_id: u16,
    /// Amplitude beta' of a sample: 1 (pi/2-BPSK), 1 (QPSK), 3/sqrt(5), 7/sqrt(21), 15/sqrt(85) by modulation. Spec: TS 38.214 §6.2.3.2
    pub beta: f32,
}

/// DFT-spread PUSCH. Spec: TS 38.211 §6.3.1.4, §6.4.1.1.1.2
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TransformPrecoding {
    /// n_ID^RS of the DM-RS: nPUSCH-Identity (pi2BPSK-ScramblingID0 or 1 for type 2 sequences), or the PCI.
    pub n_id_rs: u16,
    /// 0 neither, 1 sequenceGroupHopping, 2 sequenceHopping.
    pub hopping: u8,
    /// DM-RS are low-PAPR sequences of type 2 (dmrs-UplinkTransformPrecoding, with pi/2-BPSK). Spec: TS 38.211 §5.2.3
    pub low_papr_type2: bool,
    /// Phase tracking.
    pub ptrs: Option<PtrsGroups>,
}

/// A precoding matrix W. Spec: TS 38.211 §6.3.1.5; TS 38.214 §5.2.2.2
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PrecodingMatrix {
    /// Antenna ports, 1..=8.
    pub n_ports: u8,
    /// `w[port][layer]` as (real, imaginary); those past ports and layers count as 0.
    pub w: [[(f32, f32); 4]; 8],
}

/// How layers of a PDSCH become grid ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DlPrecoding {
    /// Layer v goes to grid port v.
    #[default]
    Identity,
    /// A matrix for each precoding resource block group. Spec: TS 38.214 §5.1.2.3
    Matrices {
        /// P': 2 or 4 RBs, aligned to common RB 0 (as `DmrsPdu::reference_rb` tells it); 0: one matrix for all RBs.
        prg_size: u8,
        /// Where the matrices lie in `SlotPlan::precoders`: the first belongs to the group of the carrier's lowest RB.
        matrices: Span,
    },
}

/// How layers of a PUSCH become antenna ports. Spec: TS 38.211 §6.3.1.5
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UlPrecoding {
    /// Non-codebook transmission, or one port: layer v goes to grid port v.
    #[default]
    Identity,
    /// Codebook transmission. Spec: TS 38.211 tables 6.3.1.5-1 to 6.3.1.5-7
    Codebook {
        /// Antenna ports: 2 or 4.
        n_ports: u8,
        /// Transmitted precoding matrix indicator.
        tpmi: u8,
    },
}

/// Code block groups of a transport block. Spec: TS 38.214 §5.1.7, §6.1.5; TS 38.212 §5.4.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeBlockGroups {
    /// maxCodeBlockGroupsPerTransportBlock: 2, 4, 6 or 8.
    pub n_max: u8,
    /// CBGTI: bit m is group m (group 0 is the most significant bit of the field); a 1 is sent.
    pub transmitted: u8,
    /// CBGFI is 0: what was received of these groups before must not be combined.
    pub flush: bool,
}

/// Coding of a transport block. Spec: TS 38.212 §5, TS 38.214 §5.1.3, §6.1.4
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coding {
    /// Bits a modulation symbol Q_m: 1 (pi/2-BPSK), 2, 4, 6, 8, 10 (1024QAM, downlink).
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
    /// Layers to grid ports. A receiver takes no more from it than the size of groups, over which it may smooth the channel.
    pub precoding: DlPrecoding,
    /// Phase tracking.
    pub ptrs: Option<PtrsPdu>,
    /// Code block groups, where they are configured.
    pub cbg: Option<CodeBlockGroups>,
    /// Transport block in the slot's arena (transmitter only).
    pub tb: Span,
}

/// CSI part 2, whose size depends on what part 1 says. Spec: TS 38.214 §5.2.3, TS 38.212 §6.3.2.1.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Csi2Sizes {
    /// First bit of CSI part 1 that decides (of the rank indicator).
    pub first_bit: u8,
    /// Bits that decide, 0..=3.
    pub n_bits: u8,
    /// Bits of part 2 for each value of them (most significant first); all zero: there is no part 2.
    pub sizes: [u16; 8],
}

impl Csi2Sizes {
    /// Bits of part 2 for the bits of part 1, one a byte; 0 where part 1 is too short.
    pub fn n_csi2(&self, csi1: &[u8]) -> u16 {
        let first = self.first_bit as usize;
        let Some(bits) = csi1.get(first..first + self.n_bits.min(3) as usize) else { return 0 };
        self.sizes[bits.iter().fold(0, |v, b| v << 1 | (*b as usize & 1))]
    }
    /// Whether part 2 may exist.
    pub fn is_any(&self) -> bool {
        self.sizes.iter().any(|n| *n > 0)
    }
    /// The largest part 2.
    pub fn max(&self) -> u16 {
        self.sizes.iter().copied().max().unwrap_or(0)
    }
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
    /// CSI part 2 bits.
    pub csi2: Csi2Sizes,
    /// beta_offset of CSI part 1.
    pub beta_csi1: f32,
    /// beta_offset of CSI part 2.
    pub beta_csi2: f32,
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
    /// Resource blocks, of the first hop where it hops. Hopping between slots is settled by whoever makes the PDU.
    pub rbs: RbAllocation,
    /// First RB of the second hop: symbols from floor(n_symbols / 2) on, as many contiguous RBs. Spec: TS 38.214 §6.3.1
    pub second_hop_rb: Option<u16>,
    /// First symbol.
    pub start_symbol: u8,
    /// Symbols.
    pub n_symbols: u8,
    /// Mapping type.
    pub mapping: MappingType,
    /// DM-RS (of both hops).
    pub dmrs: DmrsPdu,
    /// Scrambling n_ID.
    pub n_id: u16,
    /// Layers.
    pub n_layers: u8,
    /// Layers to antenna ports.
    pub precoding: UlPrecoding,
    /// DFT-spread: one layer, contiguous RBs. Its DM-RS are low-PAPR sequences; `dmrs.n_id` does not count then.
    pub transform_precoding: Option<TransformPrecoding>,
    /// Phase tracking without transform precoding.
    pub ptrs: Option<PtrsPdu>,
    /// Code block groups, where they are configured.
    pub cbg: Option<CodeBlockGroups>,
    /// Coding. A size of 0 bytes: no transport block, UCI alone.
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
    /// N_ID^0 of the format 2 DM-RS, and of that of formats 3 and 4 by low-PAPR sequences of type 2.
    pub dmrs_n_id: u16,
    /// What formats 3 and 4 have besides.
    pub long: PucchLong,
}

/// Parameters of PUCCH formats 3 and 4; by default QPSK, the fewest DM-RS, no CSI part 2. Spec: TS 38.213 §9.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PucchLong {
    /// additionalDMRS: two DM-RS symbols a hop from ten symbols on. Spec: TS 38.211 table 6.4.1.3.3.2-1
    pub additional_dmrs: bool,
    /// pi2BPSK instead of QPSK.
    pub pi2_bpsk: bool,
    /// dmrs-UplinkTransformPrecodingPUCCH: with pi/2-BPSK, DM-RS of low-PAPR type 2. Spec: TS 38.211 §6.4.1.3.3.1
    pub dmrs_type2: bool,
    /// CSI part 2 bits; 0: none. Spec: TS 38.212 §6.3.1.6
    pub n_csi2: u16,
    /// maxCodeRate x 1000, which divides the coded bits between part 1 and CSI part 2. Spec: TS 38.212 §6.3.1.4.1
    pub max_code_rate_milli: u16,
}

/// An SRS. Spec: TS 38.211 §6.4.1.4
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrsPdu {
    /// Whose.
    pub rnti: Rnti,
    /// The resource.
    pub resource: crate::config::SrsResource,
    /// [`crate::config::SrsResource::reference_rb`].
    pub reference_rb: i32,
}

/// An SRS for codebook transmission, and the precoders that are to be tried on what it shows. Spec: TS 38.214 §6.1.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrsSounding {
    /// The signal.
    pub pdu: SrsPdu,
    /// maxRank, 1..=4.
    pub max_rank: u8,
    /// codebookSubset.
    pub subset: nr::tables::uplink_precoding::CodebookSubset,
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
