//! The base station's physical layer: slot plans to samples, samples to indications.
//!
//! One call a slot down: [`GnbL1::transmit`] puts on the air what the plan says. Two calls up: [`GnbL1::receive_control`] looks in the
//! uplink for what the plan says may be there and hands up preambles, HARQ-ACK, SR, CSI and
//! what was sounded; [`GnbL1::receive_data`] decodes the transport
//! blocks, spread over a crew if there is one. All memory is made in [`GnbL1::new`]; nothing is allocated in a slot after warm-up (the
//! first slot of each kind may grow the indication that the caller owns).
//!
//! Samples are in sqrt(mW) at the antenna connector: the mean of |x|^2 is the power in mW. A resource element at the power of
//! ss-PBCH-BlockPower adds that power to every sample. Samples of several antennas lie one after another, `[antenna][sample]`.
//!
//! Each antenna is an antenna port of CSI-RS. SS/PBCH blocks, PDCCHs and PDSCHs without a precoder go out through the first one.
//!
//! Left out: beams, uplink and downlink of different numerology in one cell's TDD carrier.

mod blocks;
mod fuzz;
mod harq;
mod prach;
mod receive;
mod transmit;

pub use fuzz::fuzz_one;

use dsp::{Cf32, Isa};
use fapi::CellConfig;
use fapi::slot::{SlotPlan, UlIndication};
use node::Crew;
use nr::SlotPoint;
use ofdm::{Carrier, CarrierError};
pub use phy::equalize::Detector;
use phy::estimate::ChannelError;

use receive::Uplink;
use transmit::Downlink;

/// What may be chosen when a base station's physical layer is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GnbL1Options {
    /// Instruction set of every kernel; all give the same bits.
    pub isa: Isa,
    /// LDPC iterations at most, 1..=100.
    pub max_ldpc_iterations: u8,
    /// Transport blocks that wait for a retransmission at once; the one untouched for longest makes room for another.
    pub n_soft_buffers: usize,
    /// Antennas, each of which sends and receives, 1..=8.
    pub n_antennas: usize,
    /// Most layers of a PUSCH, 1..=4.
    pub n_ul_layers: usize,
    /// Frequency offset of preambles to either side that the cell is to expect, Hz: 0 for slow terminals; more costs PRACH time.
    pub prach_offset_hz: f64,
    /// How the layers of a PUSCH are told apart: jointly takes two layers 1 dB further at 64QAM and less, and 2 to 6 times as long; more layers
    /// 10 to 20 times.
    pub detector: Detector,
}

impl Default for GnbL1Options {
    fn default() -> Self {
        GnbL1Options {
            isa: Isa::best(),
            max_ldpc_iterations: 10,
            n_soft_buffers: 64,
            n_antennas: 1,
            n_ul_layers: 1,
            prach_offset_hz: 0.0,
            detector: Detector::Linear,
        }
    }
}

/// Why a physical layer cannot be made, or a slot not be run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum L1Error {
    /// A carrier that no sampling grid fits.
    Carrier(CarrierError),
    /// A channel of the configuration is not supported or contradicts itself.
    Channel(ChannelError),
    /// A slice that is not one slot long.
    SlotLength {
        /// Samples wanted, of all antennas.
        expected: usize,
        /// Samples given.
        found: usize,
    },
    /// The slot has another numerology than the carrier.
    Numerology,
}

impl core::fmt::Display for L1Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            L1Error::Carrier(e) => write!(f, "carrier: {e}"),
            L1Error::Channel(e) => write!(f, "{e}"),
            L1Error::SlotLength { expected, found } => {
                write!(f, "expected a slot of {expected} samples, found {found}")
            }
            L1Error::Numerology => write!(f, "the slot has another numerology than the carrier"),
        }
    }
}

impl core::error::Error for L1Error {}

impl From<CarrierError> for L1Error {
    fn from(e: CarrierError) -> Self {
        L1Error::Carrier(e)
    }
}

impl From<ChannelError> for L1Error {
    fn from(e: ChannelError) -> Self {
        L1Error::Channel(e)
    }
}

/// What a call of [`GnbL1::transmit`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TxCounts {
    /// SS/PBCH blocks, PDCCHs, PDSCHs and CSI-RSs on the air.
    pub n_sent: u16,
    /// PDUs that contradict themselves or the carrier; they are not on the air.
    pub n_refused: u16,
}

/// What a call of [`GnbL1::receive`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RxCounts {
    /// OFDM symbols transformed.
    pub n_symbols: u16,
    /// PUCCHs looked at.
    pub n_pucch: u16,
    /// PUSCHs looked at.
    pub n_pusch: u16,
    /// PRACH occasions looked at.
    pub n_prach: u16,
    /// SRSs looked at.
    pub n_srs: u16,
    /// PDUs that contradict themselves or the carrier. Those of PUSCH still give an indication without a block.
    pub n_refused: u16,
    /// Soft buffers taken from a block that still waited.
    pub n_evicted: u16,
}

/// The base station's physical layer for one cell.
pub struct GnbL1 {
    downlink: Downlink,
    uplink: Uplink,
}

impl GnbL1 {
    /// Makes plans, filters and buffers; costs some tens of milliseconds and all memory that is ever used.
    ///
    /// Errors: `Carrier` or `Channel` where the configuration asks for what is not built.
    pub fn new(cell: &CellConfig, options: GnbL1Options) -> Result<GnbL1, L1Error> {
        Ok(GnbL1 { downlink: Downlink::new(cell, &options)?, uplink: Uplink::new(cell, &options)? })
    }

    /// The downlink carrier and its sampling grid.
    pub fn dl_carrier(&self) -> &Carrier {
        self.downlink.carrier()
    }

    /// The uplink carrier and its sampling grid.
    pub fn ul_carrier(&self) -> &Carrier {
        self.uplink.carrier()
    }

    /// Makes the samples of `plan.slot`.
    ///
    /// Spec: TS 38.211 §7
    /// - `out` overwritten, sqrt(mW), `[antenna][dl_carrier().slot_len(plan.slot)]`; zeros where nothing is sent
    ///
    /// A PDU that makes no sense is left out and counted. Errors: `SlotLength`, `Numerology`; `out` is zeroed then.
    pub fn transmit(&mut self, plan: &SlotPlan, out: &mut [Cf32]) -> Result<TxCounts, L1Error> {
        self.downlink.transmit(plan, out)
    }

    /// Spreads the work of a slot over `crew` from now on; the bits stay the same. Allocates.
    pub fn set_crew(&mut self, crew: &Crew) {
        self.downlink.set_crew(crew);
        self.uplink.set_crew(crew);
    }

    /// Looks in the samples of uplink `slot` for what `plan` says may be there, and adds to `out` what needs no transport block: preambles,
    /// UCI and soundings. [`GnbL1::receive_data`] has the rest, once, before the next slot.
    ///
    /// Spec: TS 38.211 §6, TS 38.212 §6.3
    /// - `samples` sqrt(mW), `[antenna][ul_carrier().slot_len(slot)]`, from where the slot of a UE with the right timing advance begins: n-TimingAdvanceOffset
    ///   (`CellConfig::n_ta_offset_tc`) before the downlink slot of the same number
    /// - `plan`    what was granted for this slot (`prach`, `pucch`, `pusch`, `srs`)
    /// - `out`     appended to: PRACH first, then UCI of PUCCHs in the plan's order, then of PUSCHs, then SRSs
    ///
    /// Call it for every slot that may hold a part of a long preamble: those reach over several slots, and their detections
    /// come with the slot in which they end. Errors: `SlotLength`, `Numerology`; nothing is appended then.
    pub fn receive_control(
        &mut self,
        slot: SlotPoint,
        samples: &[Cf32],
        plan: &SlotPlan,
        out: &mut UlIndication,
    ) -> Result<RxCounts, L1Error> {
        self.uplink.receive_control(slot, samples, plan, out)
    }

    /// Decodes the transport blocks of the slot that [`GnbL1::receive_control`] looked at, and adds them to `out` in the plan's order: one
    /// indication for each PUSCH. Nothing the second time.
    ///
    /// Spec: TS 38.212 §6.2
    pub fn receive_data(&mut self, out: &mut UlIndication) -> RxCounts {
        self.uplink.receive_data(out)
    }

    /// Both.
    ///
    /// Errors: as of [`GnbL1::receive_control`].
    pub fn receive(
        &mut self,
        slot: SlotPoint,
        samples: &[Cf32],
        plan: &SlotPlan,
        out: &mut UlIndication,
    ) -> Result<RxCounts, L1Error> {
        let mut counts = self.receive_control(slot, samples, plan, out)?;
        let data = self.receive_data(out);
        counts.n_refused += data.n_refused;
        counts.n_evicted += data.n_evicted;
        Ok(counts)
    }
}
