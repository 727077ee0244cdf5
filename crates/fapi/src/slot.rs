//! What crosses between the gNB's L1 and L2 in a slot. The containers are reused: `clear` keeps their memory.

use crate::pdu::*;
use nr::{HarqId, Rnti, SlotPoint};

/// What L2 decided for one slot: what goes on the air in it, and what is expected from the air in it.
#[derive(Clone, Debug, Default)]
pub struct SlotPlan {
    /// The slot.
    pub slot: SlotPoint,
    /// SS/PBCH blocks.
    pub ssb: Vec<SsbPdu>,
    /// PDCCHs.
    pub pdcch: Vec<PdcchPdu>,
    /// PDSCHs; their blocks lie in `bytes`.
    pub pdsch: Vec<PdschPdu>,
    /// CSI-RSs.
    pub csi_rs: Vec<CsiRsPdu>,
    /// PRACH occasions that start in this slot.
    pub prach: Vec<PrachOccasion>,
    /// PUCCHs that may come.
    pub pucch: Vec<PucchPdu>,
    /// PUSCHs that were granted.
    pub pusch: Vec<PuschPdu>,
    /// SRSs that are due.
    pub srs: Vec<SrsSounding>,
    /// Transport blocks.
    pub bytes: Vec<u8>,
    /// Precoding matrices of PDSCHs that have one for each group of resource blocks.
    pub precoders: Vec<PrecodingMatrix>,
}

impl SlotPlan {
    /// Empties the plan for `slot`, keeping its memory.
    pub fn clear(&mut self, slot: SlotPoint) {
        self.slot = slot;
        self.ssb.clear();
        self.pdcch.clear();
        self.pdsch.clear();
        self.csi_rs.clear();
        self.prach.clear();
        self.pucch.clear();
        self.pusch.clear();
        self.srs.clear();
        self.bytes.clear();
        self.precoders.clear();
    }
}

/// A detected preamble. Spec: TS 38.211 §6.3.3
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PrachDetection {
    /// Slot in which the occasion starts.
    pub slot: SlotPoint,
    /// The occasion.
    pub occasion: PrachOccasion,
    /// Preamble index 0..=63.
    pub preamble: u8,
    /// Timing advance command T_A for the random access response, 0..=3846. Spec: TS 38.213 §4.2
    pub timing_advance: u16,
    /// Estimated SNR, dB.
    pub snr_db: f32,
}

/// Most HARQ-ACK bits kept of one UCI.
pub const HARQ_ACK_BITS_MAX: usize = 64;

/// Uplink control information of one UE in one slot, on PUCCH or PUSCH.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UciIndication {
    /// Whose.
    pub rnti: Rnti,
    /// Slot in which it was sent.
    pub slot: SlotPoint,
    /// Nothing was detected: each bit is DTX.
    pub dtx: bool,
    /// HARQ-ACK bits (1 = ACK), `n_harq_ack` of them.
    pub harq_ack: [u8; HARQ_ACK_BITS_MAX],
    /// How many.
    pub n_harq_ack: u8,
    /// A scheduling request was sent.
    pub sr: bool,
    /// CSI part 1 bits, first bit most significant, `n_csi1` of them.
    pub csi1: u32,
    /// How many.
    pub n_csi1: u8,
    /// CSI part 2 bits on a PUSCH, in the same order; none where part 2 was not to be had.
    pub csi2: u32,
    /// How many.
    pub n_csi2: u8,
    /// SNR a resource element, dB.
    pub snr_db: f32,
    /// Timing error of the UE, in Tc: positive means late.
    pub timing_error_tc: Option<i32>,
}

/// A precoder of a rank and what it gives. Spec: TS 38.211 §6.3.1.5
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SrsPrecoder {
    /// Transmitted precoding matrix indicator.
    pub tpmi: u8,
    /// SINR of a layer after MMSE reception, dB: that of an equal channel without fading that carries as much.
    pub sinr_db: f32,
}

/// What an SRS for codebook transmission showed, of a PUSCH as wide as the SRS and with the same power.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SrsIndication {
    /// Whose.
    pub rnti: Rnti,
    /// Slot in which it was sent.
    pub slot: SlotPoint,
    /// SNR a resource element of the SRS and antenna, all ports together, dB.
    pub snr_db: f32,
    /// SINR of one layer that leaves the first port alone with all of the power, dB.
    pub one_port_db: f32,
    /// The best precoder of ranks 1 to 4; none where the rank is not to be had.
    pub ranks: [Option<SrsPrecoder>; 4],
}

/// Outcome of one granted PUSCH.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PuschIndication {
    /// Whose.
    pub rnti: Rnti,
    /// HARQ process.
    pub harq: HarqId,
    /// Slot in which it was sent.
    pub slot: SlotPoint,
    /// The transport block's CRC holds; its bytes are `tb` of the indication's arena.
    pub crc_ok: bool,
    /// Nothing above the noise was seen.
    pub dtx: bool,
    /// The block (empty without `crc_ok`).
    pub tb: Span,
    /// Post-equalisation SINR, dB.
    pub sinr_db: f32,
    /// Received power a resource element, dBm.
    pub rsrp_dbm: f32,
    /// Timing error, in Tc: positive means late.
    pub timing_error_tc: i32,
    /// LDPC iterations, mean over code blocks.
    pub ldpc_iterations: f32,
}

/// What the air brought for one call of the gNB's L2: all of a slot, or first its control (`prach`, `uci`, `srs`) and then its data (`pusch`, `bytes`).
#[derive(Clone, Debug, Default)]
pub struct UlIndication {
    /// Preambles.
    pub prach: Vec<PrachDetection>,
    /// Control.
    pub uci: Vec<UciIndication>,
    /// Sounding.
    pub srs: Vec<SrsIndication>,
    /// Data.
    pub pusch: Vec<PuschIndication>,
    /// Transport blocks.
    pub bytes: Vec<u8>,
}

impl UlIndication {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.prach.clear();
        self.uci.clear();
        self.srs.clear();
        self.pusch.clear();
        self.bytes.clear();
    }
}
