//! F1 as values. Spec: TS 38.473 (F1AP), TS 38.425 (NR user plane)

use crate::bearer::{Bearer, RlcBearerConfig};
use nr::{DrbId, Rnti};

/// gNB-DU UE F1AP ID: given by the DU with the first message of a UE, never used twice while a UE lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DuUeId(pub u32);

/// From the central to the distributed unit.
#[derive(Clone, PartialEq, Debug)]
pub enum CuToDu {
    /// DL RRC MESSAGE TRANSFER: SRB0 carries the RRC message itself, SRB1 and 2 a PDCP PDU.
    DlRrcTransfer { ue: DuUeId, bearer: Bearer, pdu: Vec<u8> },
    /// UE CONTEXT SETUP / MODIFICATION: bearers to be added or released and what the UE can do. The DU answers with
    /// [`DuToCu::UeContextResponse`], whose CellGroupConfig the CU sends to the UE in an RRCReconfiguration.
    UeContextModify {
        ue: DuUeId,
        /// DRBs to add (the DU chooses logical channel and RLC configuration by `acknowledged`).
        drbs_add: Vec<DrbSetup>,
        /// DRBs to release.
        drbs_release: Vec<DrbId>,
        /// SRB2 is to be added.
        srb2: bool,
        /// UE-NR-Capability in UPER, where known.
        capability: Option<Vec<u8>>,
    },
    /// The UE has answered the RRCReconfiguration that carried the last CellGroupConfig (Reconfiguration Complete Indicator).
    ReconfigurationComplete { ue: DuUeId },
    /// UE CONTEXT RELEASE COMMAND: send `rrc` (a PDCP PDU of SRB1, or the RRC message of SRB0) first, if any, then forget the UE.
    UeContextRelease { ue: DuUeId, rrc: Option<(Bearer, Vec<u8>)> },
    /// The UE behind `ue` is the one known before as `old` (re-establishment): move its bearers, drop the old context.
    UeReestablish { ue: DuUeId, old: DuUeId },
    /// PAGING: call an idle UE by its 5G-S-TMSI; `cycle_frames` is its own paging cycle, if it has one. Spec: TS 38.473 §8.7
    Paging { s_tmsi: u64, cycle_frames: Option<u16> },
    /// F1-U: a PDCP PDU of a DRB.
    DlUser { ue: DuUeId, drb: DrbId, pdu: Vec<u8> },
}

/// A DRB to be set up at the DU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DrbSetup {
    /// Its identity.
    pub drb: DrbId,
    /// RLC AM (else UM).
    pub acknowledged: bool,
    /// 5QI of its flow.
    pub five_qi: u8,
}

/// From the distributed to the central unit.
#[derive(Clone, PartialEq, Debug)]
pub enum DuToCu {
    /// INITIAL UL RRC MESSAGE TRANSFER: a UE's first message on the CCCH, and the CellGroupConfig (UPER) that the RRCSetup is to
    /// carry. `contention_id` are the first six bytes of Msg3, already answered by the DU.
    InitialUlRrc { ue: DuUeId, c_rnti: Rnti, rrc: Vec<u8>, cell_group: Vec<u8> },
    /// UL RRC MESSAGE TRANSFER: a PDCP PDU of SRB1 or SRB2.
    UlRrcTransfer { ue: DuUeId, bearer: Bearer, pdu: Vec<u8> },
    /// Answer to [`CuToDu::UeContextModify`]: CellGroupConfig in UPER, and the RLC bearers in it.
    UeContextResponse { ue: DuUeId, cell_group: Vec<u8>, bearers: Vec<RlcBearerConfig> },
    /// UE CONTEXT MODIFICATION REQUIRED: the UE may have given up resources of its CellGroupConfig (scheduling request, CSI
    /// reports: TS 38.331 §5.3.12). The CU asks for it anew by [`CuToDu::UeContextModify`].
    UeContextModificationRequired { ue: DuUeId },
    /// The context is gone (after [`CuToDu::UeContextRelease`]).
    UeContextReleased { ue: DuUeId },
    /// UE CONTEXT RELEASE REQUEST: the DU lost the UE.
    UeLost { ue: DuUeId, cause: LossCause },
    /// F1-U: a PDCP PDU of a DRB.
    UlUser { ue: DuUeId, drb: DrbId, pdu: Vec<u8> },
    /// F1-U DL DATA DELIVERY STATUS: how many bytes of the DRB wait in RLC, and how many of its
    /// PDCP data PDUs were delivered in sequence since the last.
    DeliveryStatus { ue: DuUeId, drb: DrbId, queued_bytes: u32, delivered: u32 },
}

/// Why the DU lost a UE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LossCause {
    /// RLC reached maxRetxThreshold.
    RlcMaxRetx,
    /// Nothing was heard from it for the configured time.
    RadioLinkFailure,
}
