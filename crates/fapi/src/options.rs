//! What RRC may configure of shared channels and of DCI fields beyond what every cell has. `Default` is "not configured" throughout.

use nr::tables::uplink_precoding::CodebookSubset;

/// resourceAllocation. Spec: TS 38.214 §5.1.2.2, §6.1.2.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ResourceAllocation {
    /// A bitmap of resource block groups.
    Type0,
    /// A resource indication value.
    #[default]
    Type1,
    /// dynamicSwitch: the most significant bit of the field says which (1 is type 1).
    DynamicSwitch,
}

/// PTRS-DownlinkConfig. Spec: TS 38.214 §5.1.6.3, TS 38.211 §7.4.1.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DlPtrsConfig {
    /// timeDensity: ptrs-MCS_1 to _3.
    pub time_density: Option<[u8; 3]>,
    /// frequencyDensity: N_RB0, N_RB1.
    pub frequency_density: Option<[u16; 2]>,
    /// epre-Ratio, 0 or 1. Spec: TS 38.214 table 4.1-2
    pub epre_ratio: u8,
    /// resourceElementOffset, 0..=3.
    pub re_offset: u8,
}

/// PTRS-UplinkConfig. Spec: TS 38.214 §6.2.3, TS 38.211 §6.4.1.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UlPtrsConfig {
    /// Without transform precoding: timeDensity.
    pub time_density: Option<[u8; 3]>,
    /// Without transform precoding: frequencyDensity.
    pub frequency_density: Option<[u16; 2]>,
    /// maxNrofPorts, 1 or 2 (0 counts as 1).
    pub max_ports: u8,
    /// resourceElementOffset, 0..=3.
    pub re_offset: u8,
    /// With transform precoding: sampleDensity N_RB0 to N_RB4.
    pub sample_density: Option<[u16; 5]>,
    /// With transform precoding: timeDensityTransformPrecoding is d2.
    pub transform_time_density_2: bool,
}

/// Options of PDSCH-Config and PDSCH-ServingCellConfig.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PdschOptions {
    /// prb-BundlingType is dynamicBundling.
    pub dynamic_prb_bundling: bool,
    /// Rate match pattern groups, 0..=2.
    pub n_rate_match_groups: u8,
    /// Aperiodic ZP CSI-RS resource sets, 0..=3.
    pub n_zp_csi_rs: u8,
    /// maxNrofCodeWordsScheduledByDCI is 2.
    pub two_codewords: bool,
    /// harq-ProcessNumberSizeDCI-1-1 is 5 bits.
    pub harq_5_bits: bool,
    /// maxCodeBlockGroupsPerTransportBlock: 2, 4, 6, 8; 0 where not configured.
    pub max_cbg: u8,
    /// codeBlockGroupFlushIndicator.
    pub cbg_flush: bool,
    /// tci-PresentInDCI.
    pub tci: bool,
    /// pdsch-AggregationFactor: 2, 4, 8; 0 and 1 are none.
    pub aggregation_factor: u8,
    /// Phase tracking.
    pub ptrs: Option<DlPtrsConfig>,
}

/// frequencyHopping of PUSCH with its offsets. Spec: TS 38.214 §6.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PuschHopping {
    /// Between slots (else within).
    pub inter_slot: bool,
    /// frequencyHoppingOffsetLists, RBs; two or four of them count.
    pub offsets: [u16; 4],
    /// How many: 2 or 4.
    pub n_offsets: u8,
}

/// txConfig with what its DCI fields depend on. Spec: TS 38.214 §6.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PuschScheme {
    /// One antenna port.
    #[default]
    OnePort,
    /// codebook.
    Codebook {
        /// Ports of the SRS resources: 1, 2 or 4.
        n_ports: u8,
        /// maxRank, 1..=4.
        max_rank: u8,
        /// codebookSubset.
        subset: CodebookSubset,
        /// SRS resources of the set, 1 or 2.
        n_srs: u8,
    },
    /// nonCodebook.
    NonCodebook {
        /// SRS resources of the set, 1..=4.
        n_srs: u8,
        /// L_max, 1..=4.
        l_max: u8,
    },
}

impl PuschScheme {
    /// Most layers.
    pub fn max_rank(&self) -> u8 {
        match *self {
            PuschScheme::OnePort => 1,
            PuschScheme::Codebook { max_rank, .. } => max_rank,
            PuschScheme::NonCodebook { n_srs, l_max } => n_srs.min(l_max),
        }
    }
}

/// One set of betaOffset indices. Spec: TS 38.213 §9.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BetaOffsets {
    /// betaOffsetACK-Index 1 to 3.
    pub ack: [u8; 3],
    /// betaOffsetCSI-Part1-Index 1 and 2.
    pub csi1: [u8; 2],
    /// betaOffsetCSI-Part2-Index 1 and 2.
    pub csi2: [u8; 2],
}

/// Options of PUSCH-Config.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PuschOptions {
    /// Frequency hopping.
    pub hopping: Option<PuschHopping>,
    /// How layers meet antenna ports.
    pub scheme: PuschScheme,
    /// rbg-Size is config2.
    pub rbg_config2: bool,
    /// harq-ProcessNumberSizeDCI-0-1 is 5 bits.
    pub harq_5_bits: bool,
    /// maxCodeBlockGroupsPerTransportBlock: 2, 4, 6, 8; 0 where not configured.
    pub max_cbg: u8,
    /// reportTriggerSize, bits of the CSI request, 0..=6.
    pub csi_request_bits: u8,
    /// Dynamic betaOffsets: four sets that the DCI chooses from.
    pub beta_offsets: Option<[BetaOffsets; 4]>,
    /// Bits of the open-loop power control parameter set indication, 0..=2.
    pub open_loop_bits: u8,
    /// priorityIndicatorDCI-0-1.
    pub priority: bool,
    /// invalidSymbolPatternIndicatorDCI-0-1.
    pub invalid_symbol_pattern: bool,
    /// pusch-AggregationFactor: 2, 4, 8; 0 and 1 are none.
    pub aggregation_factor: u8,
    /// tp-pi2BPSK.
    pub pi2_bpsk: bool,
    /// dmrs-UplinkTransformPrecoding: low-PAPR sequences of type 2 with pi/2-BPSK; their identities (pi2BPSK-ScramblingID0 and 1).
    pub low_papr_dmrs: Option<[u16; 2]>,
    /// nPUSCH-Identity; the PCI where not configured.
    pub n_pusch_identity: Option<u16>,
    /// Hopping of low-PAPR sequences: 0 neither, 1 group, 2 sequence.
    pub sequence_hopping: u8,
    /// Phase tracking.
    pub ptrs: Option<UlPtrsConfig>,
}

/// Fields of formats 0_2 and 1_2 whose size is their own. Spec: TS 38.212 §7.3.1.1.3, §7.3.1.2.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CompactOptions {
    /// carrierIndicatorSizeDCI-0-2 and -1-2, 0..=3.
    pub carrier_bits: u8,
    /// resourceAllocationType1GranularityDCI-0-2 and -1-2: 2, 4, 8, 16 RBs; 0 and 1 are one RB.
    pub granularity: u8,
    /// numberOfBitsForRV, 0..=2, of 0_2 and 1_2.
    pub rv_bits: u8,
    /// harq-ProcessNumberSize, 0..=4 (5).
    pub harq_bits: u8,
    /// downlinkAssignmentIndexDCI-0-2 / -1-2: the index is there (2 bits dynamic, 1 bit semi-static in 0_2).
    pub dai: bool,
    /// antennaPortsFieldPresence.
    pub antenna_ports: bool,
    /// srs-RequestDCI, 0..=3 bits.
    pub srs_request_bits: u8,
    /// reportTriggerSizeDCI-0-2, 0..=6.
    pub csi_request_bits: u8,
    /// dmrs-SequenceInitialization.
    pub dmrs_sequence: bool,
    /// frequencyHoppingDCI-0-2.
    pub hopping: bool,
    /// betaOffsets of 0_2 are dynamic: 0, 1 or 2 bits.
    pub beta_offset_bits: u8,
    /// priorityIndicator.
    pub priority: bool,
    /// invalidSymbolPatternIndicatorDCI-0-2.
    pub invalid_symbol_pattern: bool,
    /// Open-loop power control parameter set indication of 0_2, 0..=2.
    pub open_loop_bits: u8,
    /// numberOfBitsForPUCCH-ResourceIndicatorDCI-1-2, 0..=3.
    pub pri_bits: u8,
    /// vrb-ToPRB-InterleaverDCI-1-2 is configured.
    pub interleaver: bool,
    /// tci-PresentDCI-1-2, 0..=3 bits.
    pub tci_bits: u8,
    /// prb-BundlingTypeDCI-1-2 is dynamic.
    pub dynamic_prb_bundling: bool,
}

/// What the DCI fields depend on beside PDSCH and PUSCH.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DciOptions {
    /// Cross-carrier scheduling: a carrier indicator of three bits in formats 0_1 and 1_1.
    pub carrier_indicator: bool,
    /// supplementaryUplink.
    pub sul: bool,
    /// Downlink bandwidth parts besides the initial one, 0..=4.
    pub n_dl_bwp: u8,
    /// Uplink bandwidth parts besides the initial one, 0..=4.
    pub n_ul_bwp: u8,
    /// The dynamic codebook counts over several serving cells: 4 bits of index in format 1_1.
    pub dai_of_several_cells: bool,
    /// pdsch-HARQ-ACK-OneShotFeedback.
    pub one_shot_feedback: bool,
    /// priorityIndicatorDCI-1-1.
    pub dl_priority: bool,
    /// minimumSchedulingOffsetK0 and K2: a minimum applicable scheduling offset indicator.
    pub min_scheduling_offset: bool,
    /// Formats 0_2 and 1_2.
    pub compact: CompactOptions,
    /// Formats 2_0 to 2_3.
    pub group: GroupOptions,
}

/// Group-common formats. Spec: TS 38.212 §7.3.1.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GroupOptions {
    /// dci-PayloadSize of SlotFormatIndicator (format 2_0), 0..=128 bits; 0 where not configured.
    pub slot_format_bits: u8,
    /// dci-PayloadSize of DownlinkPreemption (format 2_1), 0..=126 bits; 0 where not configured.
    pub preemption_bits: u8,
    /// twoPUSCH-PC-AdjustmentStates or twoPUCCH-PC-AdjustmentStates: a closed loop indicator in each block of format 2_2.
    pub closed_loop_indicator: bool,
    /// SRS-TPC-CommandConfig (format 2_3): 0 where not configured, else bits of a block's SRS request (0 or 2) plus 1.
    pub srs_request_bits_plus_1: u8,
    /// TPC commands of a block of format 2_3, 1..=31.
    pub n_srs_tpc: u8,
}
