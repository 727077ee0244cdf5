//! The base station: physical layer, distributed unit and central unit composed. `slot.rs` is the page to read first.
//!
//! A composer calls [`Gnb::run`] once a slot with the uplink samples of an earlier slot, and carries what [`Gnb::output`] gives:
//! NGAP to the AMF, GTP-U to the UPF, events, taps.

mod slot;

use fapi::slot::{SlotPlan, UlIndication};
use gnb_cu::{CuOutput, GnbCu, GnbCuConfig};
use gnb_du::GnbDu;
use gnb_du::config::Cell;
use gnb_du::rrc_build::BuildError;
use gnb_l1::{GnbL1, GnbL1Options, L1Error};
use node::{Crew, Outbox, Tap};
use nr::{SlotPoint, Tc};
use ofdm::Carrier;
use std::collections::VecDeque;
use std::net::IpAddr;

/// How many slots ahead of the air a slot is decided: what a radio and its driver need.
pub const K_AHEAD: i64 = 1;
/// Plans that are kept until the uplink of their slot has been looked at.
const PLANS: usize = 16;

/// What a base station is made of.
#[derive(Clone, Debug)]
pub struct GnbConfig {
    /// The cell.
    pub cell: Cell,
    /// The central unit.
    pub cu: GnbCuConfig,
    /// The physical layer.
    pub l1: GnbL1Options,
    /// Keep copies of the MAC PDUs that cross.
    pub taps: bool,
}

/// Why a base station cannot be made.
#[derive(Clone, PartialEq, Debug)]
pub enum GnbError {
    /// A cell that the physical layer cannot carry.
    L1(L1Error),
    /// A cell that RRC cannot describe.
    Rrc(BuildError),
}

impl core::fmt::Display for GnbError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            GnbError::L1(e) => write!(f, "{e}"),
            GnbError::Rrc(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for GnbError {}

/// What leaves the base station besides samples.
#[derive(Clone, PartialEq, Debug)]
pub enum GnbOutput {
    /// N2: an NGAP message.
    N2(Vec<u8>),
    /// N3: a GTP-U packet.
    N3 {
        /// To this address.
        to: IpAddr,
        /// Its bytes.
        packet: Vec<u8>,
    },
    /// What an operator wants to know.
    Event(gnb_cu::CuEvent),
    /// A MAC PDU that crossed.
    Tap(Tap),
}

/// A base station.
pub struct Gnb {
    l1: GnbL1,
    du: GnbDu,
    cu: GnbCu,
    plans: Vec<SlotPlan>,
    /// What the slot brought: first control, then blocks.
    control: UlIndication,
    data: UlIndication,
    crew: Crew,
    cu_outputs: Outbox<CuOutput>,
    outputs: VecDeque<GnbOutput>,
    decided: Option<SlotPoint>,
    tamper: Option<PlanTamper>,
}

/// Changes a decided slot before anything of it is sent or received; see [`Gnb::tamper`].
pub type PlanTamper = Box<dyn FnMut(&mut SlotPlan) + Send>;

impl Gnb {
    /// Makes a base station; [`Gnb::start`] begins NG setup.
    ///
    /// Errors: a cell that the physical layer cannot carry, or RRC not describe.
    pub fn new(config: GnbConfig) -> Result<Gnb, GnbError> {
        let l1 = GnbL1::new(&config.cell.config, config.l1).map_err(GnbError::L1)?;
        let mut du = GnbDu::new(config.cell).map_err(GnbError::Rrc)?;
        du.set_tapping(config.taps);
        Ok(Gnb {
            l1,
            du,
            cu: GnbCu::new(config.cu),
            plans: vec![SlotPlan::default(); PLANS],
            control: UlIndication::default(),
            data: UlIndication::default(),
            crew: Crew::default(),
            cu_outputs: Outbox::default(),
            outputs: VecDeque::new(),
            decided: None,
            tamper: None,
        })
    }
    /// Spreads the physical layer's work over `crew` from now on; the bits stay the same.
    pub fn set_crew(&mut self, crew: &Crew) {
        self.l1.set_crew(crew);
        self.crew = crew.clone();
    }
    /// Begins NG setup.
    pub fn start(&mut self, now: Tc) {
        self.cu.start(now, &mut self.cu_outputs);
        self.settle(now);
    }
    /// An NGAP message of the AMF.
    pub fn n2(&mut self, now: Tc, bytes: &[u8]) {
        self.cu.n2(now, bytes, &mut self.cu_outputs);
        self.settle(now);
    }
    /// A GTP-U packet of the UPF at `from`.
    pub fn n3(&mut self, now: Tc, from: IpAddr, packet: &[u8]) {
        self.cu.n3(now, from, packet, &mut self.cu_outputs);
        self.settle(now);
    }
    /// A fault of this end alone, for tests: `f` sees every slot after it was decided.
    pub fn tamper(&mut self, f: PlanTamper) {
        self.tamper = Some(f);
    }
    /// What leaves, in order.
    pub fn output(&mut self) -> Option<GnbOutput> {
        self.outputs.pop_front()
    }
    /// The downlink carrier with its sampling grid.
    pub fn dl_carrier(&self) -> &Carrier {
        self.l1.dl_carrier()
    }
    /// The uplink carrier with its sampling grid.
    pub fn ul_carrier(&self) -> &Carrier {
        self.l1.ul_carrier()
    }
    /// The distributed unit, to look at.
    pub fn du(&self) -> &GnbDu {
        &self.du
    }
    /// The central unit, to look at.
    pub fn cu(&self) -> &GnbCu {
        &self.cu
    }
}
