//! What crosses between the UE's L1 and the layers above it.
//!
//! L1 owns what must happen within a slot: search, tracking, DCI to PDU, soft buffers, HARQ-ACK, when a PUCCH or PRACH goes out.
//! L2 (MAC and above) owns transport blocks, buffer status, random access as a procedure; the control plane configures both.

use crate::config::{CellConfig, DedicatedConfig};
use crate::pdu::Span;
use nr::{HarqId, Pci, Rnti, SlotPoint, Tc};

/// A request to L1, from MAC or from RRC.
#[derive(Clone, PartialEq, Debug)]
pub enum UeL1Command {
    /// Search the bands' synchronisation rasters for a cell; forget the present one.
    Search {
        /// Band numbers (78, 79, 3).
        bands: Vec<u16>,
    },
    /// This cell is not the one (wrong PLMN, barred): go on searching after it.
    Bar(Pci),
    /// SIB1 has been read: the cell as it describes it (L1 retunes to its carrier).
    ConfigureCell(Box<CellConfig>),
    /// A dedicated configuration, in force from the given slot on (`None`: back to the cell's common one).
    ConfigureDedicated { from: SlotPoint, config: Option<Box<DedicatedConfig>> },
    /// The UE's C-RNTI (or temporary C-RNTI in random access).
    SetRnti { c_rnti: Option<Rnti>, temporary: Option<Rnti> },
    /// Send this preamble at the next occasion, with this target received power.
    SendPreamble { preamble: u8, target_power_dbm: i16 },
    /// Watch for a random access response with `ra_rnti`, up to and including slot `until` (`None`: stop).
    WatchRar { ra_rnti: Option<Rnti>, until: SlotPoint },
    /// Watch for paging of the UE whose 5G-S-TMSI mod 1024 is `ue_id` (`None`: stop). Spec: TS 38.304 §7.1
    WatchPaging { ue_id: Option<u16> },
    /// A grant from a random access response. Spec: TS 38.213 §8.2
    RarGrant {
        /// The 27 bits of the grant.
        grant: u32,
        /// Slot in which the response came.
        slot: SlotPoint,
    },
    /// Absolute timing advance T_A of a random access response, 0..=3846.
    TimingAdvanceAbsolute(u16),
    /// Timing advance command 0..=63 of a MAC control element.
    TimingAdvance(u8),
    /// A scheduling request is pending (sent at each occasion until it is withdrawn).
    SchedulingRequest(bool),
    /// Release everything dedicated, keep the cell.
    Reset,
}

/// How a received block was addressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addressed {
    /// SI-RNTI: system information.
    Si,
    /// P-RNTI.
    Paging,
    /// RA-RNTI: a random access response.
    Ra,
    /// Temporary C-RNTI: Msg4.
    Temporary,
    /// C-RNTI.
    Cell,
}

/// What L1 tells the layers above.
#[derive(Clone, PartialEq, Debug)]
pub enum UeL1Event {
    /// A cell was found and its MIB read.
    CellFound {
        /// Physical cell identity.
        pci: Pci,
        /// Centre of the SS/PBCH block as the synchronisation raster has it, Hz.
        ssb_hz: f64,
        /// The band whose raster it was found on.
        band: u16,
        /// Carrier frequency offset of our oscillator against the cell, Hz.
        cfo_hz: f32,
        /// SNR of the block's elements, dB.
        snr_db: f32,
        /// SS-RSRP, dBm.
        rsrp_dbm: f32,
        /// The MIB's 24 bits (BCCH-BCH-Message).
        mib: u32,
        /// k_SSB with its bit 4 out of the PBCH payload.
        k_ssb: u8,
        /// SSB index.
        ssb_index: u8,
        /// Subcarrier spacing of the block.
        ssb_numerology: nr::Numerology,
        /// Start symbols of the band's blocks.
        ssb_case: crate::config::SsbCase,
        /// L_max of the band.
        l_max: u8,
    },
    /// The whole raster was searched without a cell; the search goes on.
    SearchExhausted {
        /// Rounds over the raster so far.
        rounds: u32,
    },
    /// A transport block whose CRC holds; its bytes are `tb` of the arena.
    DlBlock { addressed: Addressed, rnti: Rnti, harq: HarqId, slot: SlotPoint, tb: Span },
    /// An uplink grant that asks for a block of `tbs_bytes` in slot `slot`. MAC answers within the call.
    UlGrant { harq: HarqId, new_data: bool, tbs_bytes: u32, slot: SlotPoint, msg3: bool },
    /// A preamble left the antenna in an occasion with this RA-RNTI that ended at `end`.
    PreambleSent { ra_rnti: Rnti, end: SlotPoint },
    /// A scheduling request left the antenna.
    SchedulingRequestSent,
    /// Any downlink assignment or uplink grant addressed to the C-RNTI came (contention resolution by PDCCH).
    PdcchToCRnti { uplink_new: bool },
    /// PUCCH or Msg3 could not be sent, or synchronisation is lost (`false`) or back (`true`), evaluated every 10 ms.
    /// Spec: TS 38.133 §8.1 (Qout, Qin)
    InSync(bool),
    /// Power headroom of the PUSCH of the grant that follows, dB, and P_CMAX, dBm. Spec: TS 38.213 §7.7.1
    PowerHeadroom { ph_db: f32, p_cmax_dbm: f32 },
    /// Measured every report period.
    Measured { rsrp_dbm: f32, snr_db: f32, cfo_hz: f32 },
}

/// One uplink block, answering [`UeL1Event::UlGrant`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UlBlock {
    /// HARQ process.
    pub harq: HarqId,
    /// Bytes in the arena.
    pub tb: Span,
}

/// What happened at L1 since the last call, with the arena its blocks lie in. Reused: `clear` keeps memory.
#[derive(Clone, Debug, Default)]
pub struct UeIndication {
    /// Time at which it is handed up (UE's own clock).
    pub now: Tc,
    /// Downlink slot that was just processed, once the UE is synchronised.
    pub slot: Option<SlotPoint>,
    /// In order.
    pub events: Vec<UeL1Event>,
    /// Arena of the blocks.
    pub bytes: Vec<u8>,
}

impl UeIndication {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.slot = None;
        self.events.clear();
        self.bytes.clear();
    }
}

/// What the layers above answer within the same call: blocks for grants, and commands.
#[derive(Clone, Debug, Default)]
pub struct UeResponse {
    /// Blocks for the grants of the indication.
    pub blocks: Vec<UlBlock>,
    /// Their arena.
    pub bytes: Vec<u8>,
    /// Commands, in order.
    pub commands: Vec<UeL1Command>,
}

impl UeResponse {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.bytes.clear();
        self.commands.clear();
    }
}
