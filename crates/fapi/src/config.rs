//! What RRC configures. Names follow TS 38.331 §6.3.2; values are the physical ones, not the encoded ones.

use crate::csi::CsiContent;
use crate::options::{DciOptions, PdschOptions, PuschOptions, ResourceAllocation};
use nr::{Numerology, Pci, SlotPoint};

/// Where the carrier lies. Spec: TS 38.211 §4.4.2, §4.4.3
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CarrierConfig {
    /// Subcarrier spacing.
    pub numerology: Numerology,
    /// Bandwidth N_grid^size, 11..=275 RB.
    pub n_rb: u16,
    /// Frequency of point A (centre of subcarrier 0 of common resource block 0), Hz.
    pub point_a_hz: f64,
    /// offsetToCarrier: N_grid^start, common RB of the carrier's lowest RB.
    pub offset_to_carrier: u16,
}

impl CarrierConfig {
    /// Frequency of the carrier's centre: subcarrier 12 * n_rb / 2, Hz.
    pub fn centre_hz(&self) -> f64 {
        self.point_a_hz
            + (self.offset_to_carrier as f64 + self.n_rb as f64 / 2.0) * 12.0 * self.numerology.scs_hz() as f64
    }
    /// Frequency of the centre of carrier subcarrier `k` (0 = lowest of the carrier), Hz.
    pub fn subcarrier_hz(&self, k: u32) -> f64 {
        self.point_a_hz + (self.offset_to_carrier as f64 * 12.0 + k as f64) * self.numerology.scs_hz() as f64
    }
}

/// What a symbol may carry. Spec: TS 38.213 §11.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolKind {
    /// Downlink only.
    Downlink,
    /// Neither, unless a grant says so.
    Flexible,
    /// Uplink only.
    Uplink,
}

/// TDD-UL-DL-Pattern. Spec: TS 38.213 §11.1, TS 38.331 TDD-UL-DL-ConfigCommon
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TddPattern {
    /// dl-UL-TransmissionPeriodicity, in slots of the reference numerology.
    pub period_slots: u8,
    /// nrofDownlinkSlots.
    pub dl_slots: u8,
    /// nrofDownlinkSymbols, 0..=13, in the slot after the full downlink slots.
    pub dl_symbols: u8,
    /// nrofUplinkSlots.
    pub ul_slots: u8,
    /// nrofUplinkSymbols, 0..=13, in the slot before the full uplink slots.
    pub ul_symbols: u8,
}

/// FDD, or TDD with its pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duplex {
    /// Paired spectrum.
    Fdd,
    /// Unpaired spectrum.
    Tdd(TddPattern),
}

impl Duplex {
    /// What symbol `l` (0..14) of `slot` is for the direction question "may it carry downlink / uplink?".
    /// In FDD both [`Duplex::is_downlink`] and [`Duplex::is_uplink`] hold.
    pub fn symbol_kind(&self, slot: SlotPoint, l: u8) -> Option<SymbolKind> {
        let Duplex::Tdd(p) = self else { return None };
        let period = p.period_slots.max(1) as u32;
        let s = (slot.index() % period) as i32;
        let n = period as i32;
        let (d, u) = (p.dl_slots as i32, p.ul_slots as i32);
        let l = l as i32;
        Some(if s < d || (s == d && l < p.dl_symbols as i32) {
            SymbolKind::Downlink
        } else if s >= n - u || (s == n - u - 1 && l >= 14 - p.ul_symbols as i32) {
            SymbolKind::Uplink
        } else {
            SymbolKind::Flexible
        })
    }
    /// All of symbols `first..first + n` are downlink (or the carrier is FDD).
    pub fn is_downlink(&self, slot: SlotPoint, first: u8, n: u8) -> bool {
        (first..first + n).all(|l| matches!(self.symbol_kind(slot, l), None | Some(SymbolKind::Downlink)))
    }
    /// All of symbols `first..first + n` are uplink (or the carrier is FDD).
    pub fn is_uplink(&self, slot: SlotPoint, first: u8, n: u8) -> bool {
        (first..first + n).all(|l| matches!(self.symbol_kind(slot, l), None | Some(SymbolKind::Uplink)))
    }
}

/// The case of TS 38.213 §4.1: where in a half frame the SS/PBCH blocks start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SsbCase {
    /// 15 kHz: {2, 8} + 14 n.
    A,
    /// 30 kHz: {4, 8, 16, 20} + 28 n.
    B,
    /// 30 kHz: {2, 8} + 14 n.
    C,
    /// 120 kHz.
    D,
    /// 240 kHz.
    E,
}

/// The SS/PBCH blocks of the cell. Spec: TS 38.213 §4.1, TS 38.211 §7.4.3
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SsbConfig {
    /// Subcarrier spacing of the block.
    pub numerology: Numerology,
    /// Start symbols.
    pub case: SsbCase,
    /// Maximum number of blocks in a half frame: 4, 8 or 64.
    pub l_max: u8,
    /// ssb-PositionsInBurst: bit i (least significant first) is candidate block i.
    pub positions_in_burst: u64,
    /// ssb-PeriodicityServingCell: 5, 10, 20, 40, 80 or 160 ms.
    pub period_ms: u8,
    /// offsetToPointA: N_CRB^SSB, in RB of 15 kHz (FR1) or 60 kHz (FR2).
    pub offset_to_point_a: u16,
    /// k_SSB, in subcarriers of 15 kHz (FR1, 0..=23) or of the common subcarrier spacing (FR2, 0..=11).
    pub k_ssb: u8,
    /// Frequency of the block's centre (its subcarrier 120): on the synchronisation raster. Hz.
    pub frequency_hz: f64,
    /// ss-PBCH-BlockPower: energy per resource element, dBm, -60..=50.
    pub block_power_dbm: i8,
}

/// A bandwidth part. Spec: TS 38.211 §4.4.5
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bwp {
    /// BWP-Id, 0..=4.
    pub id: u8,
    /// First RB, counted from the carrier's lowest RB.
    pub start_rb: u16,
    /// Size in RB.
    pub n_rb: u16,
}

/// cce-REG-MappingType. Spec: TS 38.211 §7.3.2.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CceRegMapping {
    /// Not interleaved.
    NonInterleaved,
    /// Interleaved with REG bundle size L (2, 3, 6), interleaver size R (2, 3, 6) and shift index.
    Interleaved { reg_bundle_size: u8, interleaver_size: u8, shift_index: u16 },
}

/// A control resource set, resolved to carrier RBs. Spec: TS 38.211 §7.3.2.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoresetConfig {
    /// ControlResourceSetId, 0..=11.
    pub id: u8,
    /// Bit i: the group of six RBs that starts at `start_rb + 6 i` belongs to the set.
    pub rb_groups: u64,
    /// First RB of group 0, counted from the carrier's lowest RB.
    pub start_rb: u16,
    /// Symbols, 1..=3.
    pub duration: u8,
    /// CCE-to-REG mapping.
    pub mapping: CceRegMapping,
    /// precoderGranularity is allContiguousRBs (else sameAsREG-bundle).
    pub wideband_precoder: bool,
    /// N_ID of the DM-RS: pdcch-DMRS-ScramblingID, or the PCI.
    pub dmrs_n_id: u16,
    /// Common RB from which the DM-RS sequence counts, relative to the carrier's lowest RB: `-offset_to_carrier` (point A) in
    /// general, `start_rb` for CORESET 0.
    pub dmrs_reference_rb: i32,
}

impl CoresetConfig {
    /// Resource blocks in the set.
    pub fn n_rb(&self) -> u16 {
        self.rb_groups.count_ones() as u16 * 6
    }
    /// Control channel elements N_CCE.
    pub fn n_cce(&self) -> u16 {
        self.n_rb() * self.duration as u16 / 6
    }
}

/// Whose a search space is, and the DCI formats in it. Spec: TS 38.213 §10.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SearchSpaceKind {
    /// Common, types 0 to 3: formats 0_0 and 1_0.
    Common,
    /// UE-specific with formats 0_0 and 1_0.
    UeFallback,
    /// UE-specific with formats 0_1 and 1_1.
    Ue,
    /// UE-specific with formats 0_2 and 1_2.
    UeCompact,
    /// UE-specific with formats 0_1, 1_1, 0_2 and 1_2.
    UeAll,
}

/// SearchSpace. Spec: TS 38.213 §10.1, TS 38.331 SearchSpace
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SearchSpaceConfig {
    /// SearchSpaceId, 0..=39.
    pub id: u8,
    /// Its CORESET.
    pub coreset_id: u8,
    /// monitoringSlotPeriodicityAndOffset: period k_s in slots.
    pub period_slots: u16,
    /// Offset O_s in slots.
    pub offset_slots: u16,
    /// duration T_s: consecutive slots.
    pub duration_slots: u16,
    /// monitoringSymbolsWithinSlot: bit l is symbol l.
    pub symbols: u16,
    /// nrofCandidates for aggregation levels 1, 2, 4, 8, 16.
    pub n_candidates: [u8; 5],
    /// Whose it is.
    pub kind: SearchSpaceKind,
}

impl SearchSpaceConfig {
    /// Whether `slot` is a monitoring occasion: (n_f * slots_per_frame + n_s,f - O_s) mod k_s < T_s.
    pub fn is_monitored(&self, slot: SlotPoint) -> bool {
        let k = self.period_slots.max(1) as i64;
        (slot.index() as i64 - self.offset_slots as i64).rem_euclid(k) < self.duration_slots.max(1) as i64
    }
}

/// mappingType of PDSCH and PUSCH. Spec: TS 38.214 §5.1.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MappingType {
    /// DM-RS at a fixed symbol of the slot.
    A,
    /// DM-RS at the first symbol of the allocation.
    B,
}

/// One row of a time-domain allocation list. Spec: TS 38.214 §5.1.2.1, §6.1.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeAllocation {
    /// K_0 (downlink) or K_2 (uplink), in slots.
    pub k: u8,
    /// Mapping type.
    pub mapping: MappingType,
    /// First symbol S.
    pub start: u8,
    /// Symbols L.
    pub n_symbols: u8,
}

/// MCS table. Spec: TS 38.214 §5.1.3.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum McsTable {
    /// Table 5.1.3.1-1.
    Qam64,
    /// Table 5.1.3.1-2.
    Qam256,
    /// Table 5.1.3.1-3.
    Qam64LowSe,
    /// Table 5.1.3.1-4 (downlink).
    Qam1024,
}

/// DM-RS of a shared channel. Spec: TS 38.211 §6.4.1.1, §7.4.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DmrsConfig {
    /// dmrs-Type 1 or 2.
    pub config_type: u8,
    /// dmrs-TypeA-Position: 2 or 3 (from the MIB).
    pub type_a_position: u8,
    /// dmrs-AdditionalPosition 0..=3.
    pub additional_position: u8,
    /// maxLength: 1 or 2 symbols.
    pub max_length: u8,
    /// scramblingID0 and 1 (the PCI where not configured).
    pub scrambling_id: [u16; 2],
}

/// PDSCH as the UE is configured for it. Spec: TS 38.331 PDSCH-ConfigCommon, PDSCH-Config
#[derive(Clone, PartialEq, Debug)]
pub struct PdschConfig {
    /// pdsch-TimeDomainAllocationList (the default table A where none is configured).
    pub time_allocations: Vec<TimeAllocation>,
    /// DM-RS.
    pub dmrs: DmrsConfig,
    /// N_ID of the scrambling: dataScramblingIdentityPDSCH, or the PCI.
    pub n_id: u16,
    /// mcs-Table (fallback DCI always uses Qam64).
    pub mcs_table: McsTable,
    /// rbg-Size is config2.
    pub rbg_config2: bool,
    /// resourceAllocation.
    pub resource_allocation: ResourceAllocation,
    /// vrb-ToPRB-Interleaver bundle size (2 or 4), if configured.
    pub vrb_interleaver: Option<u8>,
    /// xOverhead: 0, 6, 12 or 18 resource elements.
    pub x_overhead: u8,
    /// Most layers that limited-buffer rate matching assumes (maxMIMO-Layers).
    pub max_layers: u8,
    /// What else may be configured.
    pub options: PdschOptions,
}

/// PUSCH as the UE is configured for it. Spec: TS 38.331 PUSCH-ConfigCommon, PUSCH-Config
#[derive(Clone, PartialEq, Debug)]
pub struct PuschConfig {
    /// pusch-TimeDomainAllocationList (the default table A where none is configured).
    pub time_allocations: Vec<TimeAllocation>,
    /// DM-RS.
    pub dmrs: DmrsConfig,
    /// N_ID of the scrambling: dataScramblingIdentityPUSCH, or the PCI.
    pub n_id: u16,
    /// mcs-Table.
    pub mcs_table: McsTable,
    /// transformPrecoder is enabled.
    pub transform_precoding: bool,
    /// resourceAllocation.
    pub resource_allocation: ResourceAllocation,
    /// xOverhead.
    pub x_overhead: u8,
    /// Most layers.
    pub max_layers: u8,
    /// betaOffsetACK-Index 1 (O_ACK <= 2), 2 (3..=11), 3 (> 11). Spec: TS 38.213 table 9.3-1
    pub beta_offset_ack: [u8; 3],
    /// betaOffsetCSI-Part1-Index 1 and 2. Spec: TS 38.213 table 9.3-2
    pub beta_offset_csi1: [u8; 2],
    /// betaOffsetCSI-Part2-Index 1 and 2.
    pub beta_offset_csi2: [u8; 2],
    /// scaling alpha: 0.5, 0.65, 0.8 or 1. Spec: TS 38.212 §6.3.2.4.1.1
    pub uci_scaling: f32,
    /// Nominal power P_O_NOMINAL_PUSCH + P_O_UE_PUSCH, dBm.
    pub p0_dbm: i16,
    /// alpha of the fractional power control, 0..=1.
    pub alpha: f32,
    /// msg3-DeltaPreamble x 2, dB.
    pub msg3_delta_preamble_db: i8,
    /// What else may be configured.
    pub options: PuschOptions,
}

/// A PUCCH format with its parameters. Spec: TS 38.213 §9.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PucchFormat {
    /// Short, 1 or 2 bits, sequence selection.
    F0 { initial_cyclic_shift: u8 },
    /// Long, 1 or 2 bits.
    F1 { initial_cyclic_shift: u8, time_domain_occ: u8 },
    /// Short, more than 2 bits.
    F2 { n_prb: u8 },
    /// Long, more than 2 bits, DFT-spread.
    F3 { n_prb: u8 },
    /// Long, more than 2 bits, one PRB with orthogonal cover.
    F4 { occ_length: u8, occ_index: u8 },
}

/// PUCCH-Resource. Spec: TS 38.213 §9.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PucchResource {
    /// PUCCH-ResourceId.
    pub id: u8,
    /// startingPRB, counted from the BWP's first RB.
    pub start_prb: u16,
    /// secondHopPRB where intra-slot hopping is on.
    pub second_hop_prb: Option<u16>,
    /// startingSymbolIndex.
    pub start_symbol: u8,
    /// nrofSymbols.
    pub n_symbols: u8,
    /// Format and its parameters.
    pub format: PucchFormat,
}

impl PucchResource {
    /// The resource in the `n`-th slot (from 0, counting every slot) of its repetitions: with inter-slot hopping the second PRB
    /// is for odd slots. Spec: TS 38.213 §9.2.6
    pub fn in_slot(self, n: u8, interslot_hopping: bool) -> PucchResource {
        if !interslot_hopping {
            return self;
        }
        let second = self.second_hop_prb.filter(|_| n % 2 == 1);
        PucchResource { start_prb: second.unwrap_or(self.start_prb), second_hop_prb: None, ..self }
    }
}

/// PUCCH-FormatConfig of one format; by default nothing of it. Spec: TS 38.213 §9.2.1, §9.2.6, TS 38.331 PUCCH-FormatConfig
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PucchFormatConfig {
    /// interslotFrequencyHopping: `second_hop_prb` of a resource is that of odd slots.
    pub interslot_hopping: bool,
    /// additionalDMRS (formats 3 and 4).
    pub additional_dmrs: bool,
    /// maxCodeRate x 1000 (80, 150, 250, 350, 450, 600, 800); 0 where it is not configured.
    pub max_code_rate_milli: u16,
    /// nrofSlots: 2, 4 or 8; 0 and 1 mean a single slot.
    pub n_slots: u8,
    /// pi2BPSK (formats 3 and 4).
    pub pi2_bpsk: bool,
    /// simultaneousHARQ-ACK-CSI.
    pub simultaneous_harq_csi: bool,
}

/// SchedulingRequestResourceConfig. Spec: TS 38.213 §9.2.4
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrConfig {
    /// PUCCH resource, index into [`PucchConfig::resources`].
    pub resource_idx: u8,
    /// Period in slots.
    pub period_slots: u16,
    /// Offset in slots.
    pub offset_slots: u16,
}

/// PUCCH as the UE is configured for it. Spec: TS 38.331 PUCCH-ConfigCommon, PUCCH-Config
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PucchConfig {
    /// pucch-ResourceCommon: row of TS 38.213 table 9.2.1-1, used before a dedicated configuration.
    pub common_resource_row: u8,
    /// hoppingId, or the PCI.
    pub hopping_id: u16,
    /// pucch-GroupHopping: 0 neither, 1 enable (group), 2 disable (sequence).
    pub group_hopping: u8,
    /// p0-nominal, dBm.
    pub p0_dbm: i16,
    /// deltaF-PUCCH-F0..F4, dB.
    pub delta_f_db: [i8; 5],
    /// Dedicated resources.
    pub resources: Vec<PucchResource>,
    /// Resource sets 0 to 3 as indices into `resources`; set 0 carries 1 or 2 bits.
    pub resource_sets: Vec<Vec<u8>>,
    /// maxPayloadSize of each set (set 0: 2).
    pub set_max_payload: Vec<u16>,
    /// dl-DataToUL-ACK: values of K_1 in slots (1..=8 where not configured).
    pub dl_data_to_ul_ack: Vec<u8>,
    /// Format 2: maxCodeRate x 1000 (80, 150, 250, 350, 450, 600, 800) and simultaneousHARQ-ACK-CSI.
    pub f2_max_code_rate_milli: u16,
    /// simultaneousHARQ-ACK-CSI of format 2.
    pub f2_simultaneous_harq_csi: bool,
    /// Formats 1, 3 and 4.
    pub long_formats: [PucchFormatConfig; 3],
    /// dmrs-UplinkTransformPrecodingPUCCH: DM-RS of low-PAPR type 2 with pi/2-BPSK.
    pub dmrs_type2: bool,
    /// n_ID,0 of the format 2 DM-RS scrambling and dataScramblingIdentityPUSCH, or the PCI.
    pub n_id: u16,
    /// Scheduling request.
    pub sr: Option<SrConfig>,
}

impl PucchConfig {
    /// The PUCCH-FormatConfig of a format; that of format 0 is empty.
    pub fn format_config(&self, format: PucchFormat) -> PucchFormatConfig {
        match format {
            PucchFormat::F0 { .. } => PucchFormatConfig::default(),
            PucchFormat::F1 { .. } => self.long_formats[0],
            PucchFormat::F2 { .. } => PucchFormatConfig {
                max_code_rate_milli: self.f2_max_code_rate_milli,
                simultaneous_harq_csi: self.f2_simultaneous_harq_csi,
                ..PucchFormatConfig::default()
            },
            PucchFormat::F3 { .. } => self.long_formats[1],
            PucchFormat::F4 { .. } => self.long_formats[2],
        }
    }
}

/// groupOrSequenceHopping of SRS. Spec: TS 38.211 §6.4.1.4.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SrsHopping {
    /// neither.
    #[default]
    Neither,
    /// groupHopping.
    Group,
    /// sequenceHopping.
    Sequence,
}

/// SRS-Resource, or SRS-PosResource. Spec: TS 38.211 §6.4.1.4, TS 38.331 SRS-Resource
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrsResource {
    /// SRS-ResourceId.
    pub id: u8,
    /// nrofSRS-Ports N_ap: 1, 2 or 4.
    pub n_ports: u8,
    /// transmissionComb K_TC: 2, 4 or 8.
    pub comb: u8,
    /// combOffset, 0..K_TC.
    pub comb_offset: u8,
    /// cyclicShift n_cs: 0..8, 0..12, 0..6 for combs 2, 4, 8.
    pub cyclic_shift: u8,
    /// First symbol l_0 = 13 - startPosition.
    pub start_symbol: u8,
    /// nrofSymbols: 1, 2, 4, 8, 10, 12, 14.
    pub n_symbols: u8,
    /// repetitionFactor R, a divisor of `n_symbols`.
    pub repetition: u8,
    /// freqDomainPosition n_RRC, 0..=67.
    pub freq_position: u8,
    /// freqDomainShift n_shift, 0..=268.
    pub freq_shift: u16,
    /// c-SRS, 0..=63.
    pub c_srs: u8,
    /// b-SRS, 0..=3.
    pub b_srs: u8,
    /// b-hop, 0..=3: frequency hopping where it is below `b_srs`.
    pub b_hop: u8,
    /// groupOrSequenceHopping.
    pub hopping: SrsHopping,
    /// sequenceId, 0..=65535.
    pub sequence_id: u16,
    /// periodicityAndOffset in slots: period and offset; `None` for an aperiodic resource.
    pub period: Option<(u32, u32)>,
    /// FreqScalingFactor P_F: 1, 2 or 4.
    pub freq_scaling: u8,
    /// StartRBIndex k_F, 0..P_F.
    pub start_rb_index: u8,
    /// enableStartRBHopping.
    pub start_rb_hopping: bool,
    /// SRS-PosResource: the comb moves from symbol to symbol.
    pub positioning: bool,
}

impl SrsResource {
    /// Whether the resource may be sent in `slot`. Spec: TS 38.211 §6.4.1.4.4
    pub fn is_sent(&self, slot: SlotPoint) -> bool {
        self.period.is_none_or(|(period, offset)| slot.index() % period.max(1) == offset)
    }
    /// RB from which frequencies count, relative to the carrier's lowest RB: common RB 0, or the BWP's lowest.
    ///
    /// Spec: TS 38.211 §6.4.1.4.3; `bwp_start` is a common RB.
    pub fn reference_rb(&self, bwp_start: u16, offset_to_carrier: u16) -> i32 {
        let start = if bwp_start <= self.freq_shift { 0 } else { bwp_start as i32 };
        start - offset_to_carrier as i32
    }
}

/// The SRS of an SRS-ResourceSet with usage codebook, one periodic resource, and its power. Spec: TS 38.331 SRS-ResourceSet
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SrsConfig {
    /// The resource; `period` is set.
    pub resource: SrsResource,
    /// p0, dBm. Spec: TS 38.213 §7.3.1
    pub p0_dbm: i16,
    /// alpha, 0..=1.
    pub alpha: f32,
}

/// pdsch-HARQ-ACK-Codebook. Spec: TS 38.213 §9.1.2, §9.1.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HarqCodebook {
    /// Type 1.
    SemiStatic,
    /// Type 2.
    #[default]
    Dynamic,
}

/// Random access. Spec: TS 38.331 RACH-ConfigCommon, RACH-ConfigGeneric
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RachConfig {
    /// prach-ConfigurationIndex: row of TS 38.211 tables 6.3.3.2-2 to -4.
    pub configuration_index: u16,
    /// msg1-FDM: 1, 2, 4 or 8 occasions in frequency.
    pub msg1_fdm: u8,
    /// msg1-FrequencyStart: first RB in the initial uplink BWP.
    pub msg1_frequency_start: u16,
    /// zeroCorrelationZoneConfig, 0..=15.
    pub zero_correlation_zone: u8,
    /// prach-RootSequenceIndex (i), 0..=837 long, 0..=137 short.
    pub root_sequence_index: u16,
    /// The root index is of the long kind (L_RA = 839).
    pub long_sequence: bool,
    /// msg1-SubcarrierSpacing of short preambles.
    pub msg1_numerology: Numerology,
    /// restrictedSetConfig: 0 unrestricted, 1 type A, 2 type B.
    pub restricted_set: u8,
    /// preambleReceivedTargetPower, dBm.
    pub preamble_target_power_dbm: i16,
    /// powerRampingStep, dB: 0, 2, 4, 6.
    pub power_ramping_step_db: u8,
    /// preambleTransMax.
    pub preamble_trans_max: u8,
    /// ra-ResponseWindow, slots.
    pub ra_response_window_slots: u8,
    /// ra-ContentionResolutionTimer, subframes.
    pub contention_resolution_timer_ms: u8,
    /// totalNumberOfRA-Preambles, 1..=64.
    pub n_preambles: u8,
    /// CB-PreamblesPerSSB (one SSB an occasion here).
    pub cb_preambles_per_ssb: u8,
    /// SSBs per RACH occasion is one; others are rejected at configuration time.
    pub rsrp_threshold_dbm: Option<i16>,
}

/// One NZP CSI-RS resource. Spec: TS 38.211 §7.4.1.5
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsiRsResource {
    /// NZP-CSI-RS-ResourceId.
    pub id: u8,
    /// Row of table 7.4.1.5.3-1, 1..=18: ports and code division too.
    pub row: u8,
    /// frequencyDomainAllocation: k_0 to k_5, as many as the row takes.
    pub k: [u8; 6],
    /// firstOFDMSymbolInTimeDomain l_0.
    pub l0: u8,
    /// firstOFDMSymbolInTimeDomain2 l_1 (rows 13, 14, 16 and 17).
    pub l1: u8,
    /// Density times two: 1 (0.5), 2 (1), 6 (3).
    pub density_x2: u8,
    /// Density 0.5 in the odd common resource blocks (else the even ones).
    pub odd_rbs: bool,
    /// First RB from the carrier's lowest RB and number of RBs.
    pub start_rb: u16,
    /// Number of RBs.
    pub n_rb: u16,
    /// scramblingID, 0..=1023.
    pub scrambling_id: u16,
    /// Period in slots.
    pub period_slots: u16,
    /// Offset in slots.
    pub offset_slots: u16,
    /// powerControlOffsetSS, dB: -3, 0, 3, 6.
    pub power_offset_ss_db: i8,
    /// Part of a tracking set (trs-Info).
    pub trs: bool,
}

impl CsiRsResource {
    /// Whether the resource is sent in `slot`.
    pub fn is_sent(&self, slot: SlotPoint) -> bool {
        slot.index() % self.period_slots.max(1) as u32 == self.offset_slots as u32
    }
    /// Where it lies in a slot and a resource block; `None` for a row, density or place that the table does not have.
    pub fn locations(&self) -> Option<nr::tables::csi_rs::CsiRsRow> {
        nr::tables::csi_rs::row(self.row, &self.k, self.l0, self.l1, self.density_x2)
    }
}

/// CSI-IM-Resource. Spec: TS 38.214 §5.2.2.4
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsiImResource {
    /// CSI-IM-ResourceId.
    pub id: u8,
    /// Pattern 0 (two subcarriers in two symbols) or 1 (four in one).
    pub pattern: u8,
    /// k_CSI-IM.
    pub k: u8,
    /// l_CSI-IM.
    pub l: u8,
    /// First RB from the carrier's lowest RB.
    pub start_rb: u16,
    /// Number of RBs.
    pub n_rb: u16,
    /// Period in slots.
    pub period_slots: u16,
    /// Offset in slots.
    pub offset_slots: u16,
}

/// Periodic wideband report. Spec: TS 38.214 §5.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsiReport {
    /// Period in slots.
    pub period_slots: u16,
    /// Offset in slots.
    pub offset_slots: u16,
    /// PUCCH resource, index into [`PucchConfig::resources`].
    pub resource_idx: u8,
    /// CQI table of TS 38.214 §5.2.2.1: Qam64 is table 5.2.2.1-2, Qam256 5.2.2.1-3, Qam64LowSe 5.2.2.1-4.
    pub cqi_table: McsTable,
    /// NZP CSI-RS resource that is measured.
    pub csi_rs_id: u8,
    /// What is reported.
    pub content: CsiContent,
}

/// All that the physical layer knows of the cell from MIB and SIB1 (at the gNB: from its configuration).
#[derive(Clone, PartialEq, Debug)]
pub struct CellConfig {
    /// Physical cell identity.
    pub pci: Pci,
    /// Downlink carrier.
    pub dl: CarrierConfig,
    /// Uplink carrier (in TDD the same frequency).
    pub ul: CarrierConfig,
    /// FDD or TDD.
    pub duplex: Duplex,
    /// SS/PBCH blocks.
    pub ssb: SsbConfig,
    /// Initial downlink BWP: as SIB1 gives it (at least CORESET 0).
    pub initial_dl_bwp: Bwp,
    /// SS/PBCH block and CORESET multiplexing pattern, 1..=3. Spec: TS 38.213 §13
    pub coreset0_pattern: u8,
    /// CORESET 0 as a bandwidth: sizes DCI 1_0 and 0_0 in common search spaces.
    pub coreset0_bwp: Bwp,
    /// Initial uplink BWP.
    pub initial_ul_bwp: Bwp,
    /// CORESET 0 first, then commonControlResourceSet.
    pub coresets: Vec<CoresetConfig>,
    /// Search spaces of the initial BWP (search space 0 resolved to slots for the SSB in use).
    pub search_spaces: Vec<SearchSpaceConfig>,
    /// searchSpaceSIB1, ra-SearchSpace, as identities.
    pub ss_sib1: u8,
    /// ra-SearchSpace.
    pub ss_ra: u8,
    /// Paging.
    pub paging: Option<crate::resolve::PagingConfig>,
    /// PDSCH-ConfigCommon.
    pub pdsch: PdschConfig,
    /// PUSCH-ConfigCommon.
    pub pusch: PuschConfig,
    /// PUCCH-ConfigCommon.
    pub pucch: PucchConfig,
    /// RACH-ConfigCommon.
    pub rach: RachConfig,
    /// n-TimingAdvanceOffset N_TA,offset in Tc: 0, 25600 or 39936 (TS 38.133 table 7.1.2-2).
    pub n_ta_offset_tc: i64,
    /// p-Max of the uplink, dBm.
    pub p_max_dbm: i8,
}

/// What a dedicated RRC configuration adds for one UE (bandwidth part 0 extended by dedicated parts, or BWP 1).
#[derive(Clone, PartialEq, Debug)]
pub struct DedicatedConfig {
    /// Active downlink BWP.
    pub dl_bwp: Bwp,
    /// Active uplink BWP.
    pub ul_bwp: Bwp,
    /// CORESETs besides the common ones.
    pub coresets: Vec<CoresetConfig>,
    /// Search spaces besides the common ones.
    pub search_spaces: Vec<SearchSpaceConfig>,
    /// PDSCH.
    pub pdsch: PdschConfig,
    /// PUSCH.
    pub pusch: PuschConfig,
    /// PUCCH.
    pub pucch: PucchConfig,
    /// HARQ-ACK codebook.
    pub harq_codebook: HarqCodebook,
    /// nrofHARQ-ProcessesForPDSCH.
    pub n_dl_harq: u8,
    /// NZP CSI-RS resources.
    pub csi_rs: Vec<CsiRsResource>,
    /// Periodic ZP CSI-RS resources: PDSCH leaves them free.
    pub zp_csi_rs: Vec<CsiRsResource>,
    /// CSI-IM resources.
    pub csi_im: Vec<CsiImResource>,
    /// Periodic report.
    pub csi_report: Option<CsiReport>,
    /// Sounding for codebook transmission; `None` where nothing is sent.
    pub srs: Option<SrsConfig>,
    /// What else decides the fields of DCI.
    pub dci: DciOptions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.213 §11.1
    fn dddsu_with_ten_two_two() {
        let d = Duplex::Tdd(TddPattern { period_slots: 5, dl_slots: 3, dl_symbols: 10, ul_slots: 1, ul_symbols: 2 });
        let at = |s, l| d.symbol_kind(SlotPoint::new(Numerology::KHZ30, 5, s), l).unwrap();
        assert_eq!(at(0, 13), SymbolKind::Downlink);
        assert_eq!(at(3, 9), SymbolKind::Downlink);
        assert_eq!(at(3, 10), SymbolKind::Flexible);
        assert_eq!(at(3, 12), SymbolKind::Uplink);
        assert_eq!(at(4, 0), SymbolKind::Uplink);
        assert!(d.is_uplink(SlotPoint::new(Numerology::KHZ30, 5, 19), 0, 14));
    }
}
