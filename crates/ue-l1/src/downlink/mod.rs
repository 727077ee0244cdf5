//! The downlink of a served cell: PDCCH to PDSCH to transport blocks.

mod front;
mod harq;
mod monitor;
mod receive;

pub use front::Front;
pub use harq::{DlProcess, N_HARQ};

use crate::ue::Counters;
use dsp::Isa;
use fapi::dci::DciContext;
use fapi::resolve::DlAssignment;
use fapi::ue::Addressed;
use fapi::{CellConfig, DedicatedConfig};
use fec::sch::SoftBuffer;
use node::Crew;
use nr::{Rnti, SlotPoint};
use ofdm::{Carrier, CarrierError};
use phy::csi::CsiComputer;
use phy::csi_rs::{CsiRsChannel, CsiRsReceiver, Interference};
use phy::pdcch::PdcchReceiver;
use phy::pdsch::PdschReceiver;

/// What the UE is called at present.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rntis {
    /// C-RNTI.
    pub c_rnti: Option<Rnti>,
    /// Temporary C-RNTI.
    pub temporary: Option<Rnti>,
    /// RA-RNTI, and the last slot in which a response may come.
    pub ra: Option<(Rnti, SlotPoint)>,
    /// 5G-S-TMSI mod 1024, while paging is listened for.
    pub paging: Option<u16>,
}

/// The configuration that is in force in a slot.
#[derive(Clone, Copy)]
pub struct InForce<'a> {
    /// The cell.
    pub cell: &'a CellConfig,
    /// The dedicated configuration.
    pub d: Option<&'a DedicatedConfig>,
    /// Sizes of DCIs.
    pub dci: &'a DciContext,
    /// Identities.
    pub rntis: &'a Rntis,
    /// SIB1 has been read.
    pub camped: bool,
}

/// An assignment that is received in a later slot (K_0 above 0).
struct Later {
    assignment: DlAssignment,
    addressed: Addressed,
    first_cce: u16,
    n_cce: u16,
}

/// Assignments that wait at a time.
const LATER_MAX: usize = 16;

/// Receives the downlink of one carrier; owns all kernels, soft buffers and scratch.
pub struct Downlink {
    /// Samples to grid.
    pub front: Front,
    pdcch: PdcchReceiver,
    pdsch: PdschReceiver,
    csi: CsiRsReceiver,
    isa: Isa,
    /// Pilots of the tracking symbol before, of all antennas.
    tracked: Vec<dsp::Cf32>,
    /// Those of the present one.
    tracking: Vec<dsp::Cf32>,
    harq: Vec<DlProcess>,
    broadcast: SoftBuffer,
    later: Vec<Later>,
    max_iterations: u8,
    /// Channel of the CSI-RS that is reported, and whether a report is still to be made of it.
    channel: CsiRsChannel,
    channel_is_new: bool,
    computer: CsiComputer,
    /// What CSI-IM showed last.
    pub interference: Option<Interference>,
    /// Linear SNR of the last CSI-RS measured.
    pub csi_snr: Option<f32>,
    last: Option<phy::pdsch::PdschResult>,
    /// What was counted.
    pub counters: Counters,
}

impl Downlink {
    /// For `carrier` and `n_rx` antennas; `broadcast_only` saves the soft buffers of the HARQ processes.
    pub fn new(
        carrier: Carrier,
        isa: Isa,
        max_iterations: u8,
        broadcast_only: bool,
        n_rx: usize,
    ) -> Result<Downlink, CarrierError> {
        let n_rb = carrier.n_rb();
        let n_layers = if broadcast_only { 1 } else { n_rx };
        // 256QAM on every layer over 13 symbols bounds what a slot carries.
        let tbs_bits = (n_layers * n_rb * 12 * 13 * 8).max(8192) as u32;
        let n_harq = if broadcast_only { 0 } else { N_HARQ };
        Ok(Downlink {
            front: Front::new(carrier, isa, n_rx)?,
            pdcch: PdcchReceiver::new(),
            pdsch: PdschReceiver::new(isa, n_rb, n_rx, n_layers),
            csi: CsiRsReceiver::new(isa),
            isa,
            tracked: Vec::with_capacity(n_rx * phy::csi_rs::PILOTS_MAX),
            tracking: Vec::with_capacity(n_rx * phy::csi_rs::PILOTS_MAX),
            harq: (0..n_harq).map(|_| DlProcess::new(tbs_bits)).collect(),
            broadcast: SoftBuffer::new(tbs_bits.min(32_768)),
            later: Vec::with_capacity(LATER_MAX),
            max_iterations,
            channel: CsiRsChannel::default(),
            channel_is_new: false,
            computer: CsiComputer::new(),
            interference: None,
            csi_snr: None,
            last: None,
            counters: Counters::default(),
        })
    }

    /// Spreads symbols and code blocks over `crew` from now on; the bits stay the same. Allocates.
    pub fn set_crew(&mut self, crew: &Crew) {
        self.front.set_crew(crew);
        self.pdsch.set_crew(crew);
    }

    /// Forgets every HARQ process. Spec: TS 38.321 §5.12
    pub fn reset(&mut self) {
        self.harq.iter_mut().for_each(DlProcess::reset);
        self.later.clear();
    }
}
