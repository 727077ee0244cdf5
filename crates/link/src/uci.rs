//! CSI parts 1 and 2 beside data on PUSCH. Spec: TS 38.104 §8.2.3

use dsp::Isa;
use fapi::{Csi2Sizes, PuschPdu, UciOnPusch};
use fec::sch::SoftBuffer;
use nr::SlotPoint;
use ofdm::{Carrier, Grid};
use phy::pusch::{PuschReceiver, PuschTransmitter, UciBits};

use crate::LinkError;
use crate::count::{Link, Tally};
use crate::propagation::Radio;
use crate::shared::SharedCase;

/// beta_offset of index 13 of CSI parts 1 and 2. Spec: TS 38.213 table 9.3-2
const BETA_CSI: f32 = 6.25;
/// beta_offset of index 11 of HARQ-ACK (none is sent). Spec: TS 38.213 table 9.3-1
const BETA_HARQ_ACK: f32 = 20.0;
/// The 5 and 2 bits of the small case. Spec: TS 38.104 §8.2.3.1
const SMALL: ([u8; 5], [u8; 2]) = ([0, 1, 0, 1, 0], [1, 0]);
/// Most bits of a part.
const BITS_MAX: usize = 64;

/// A PUSCH with CSI on it; what is counted is the part that did not come back as it was sent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UciCase {
    /// The PUSCH, of one layer.
    pub shared: SharedCase,
    /// Bits of CSI part 1.
    pub n_csi1: u8,
    /// Bits of CSI part 2.
    pub n_csi2: u8,
    /// The part that is counted, 1 or 2.
    pub part: u8,
}

impl UciCase {
    fn pdu(&self) -> PuschPdu {
        let mut pdu = self.shared.pusch();
        // The first bit of part 1 is the rank indicator; part 2 is of one size for either rank.
        let mut sizes = [0; 8];
        sizes[..2].fill(u16::from(self.n_csi2));
        pdu.uci = UciOnPusch {
            n_harq_ack: 0,
            n_csi1: u16::from(self.n_csi1),
            beta_harq_ack: BETA_HARQ_ACK,
            csi2: Csi2Sizes { first_bit: 0, n_bits: 1, sizes },
            beta_csi1: BETA_CSI,
            beta_csi2: BETA_CSI,
            scaling: 1.0,
        };
        pdu
    }
}

/// A PUSCH with CSI under simulation.
pub struct UciLink {
    case: UciCase,
    pdu: PuschPdu,
    transmitter: PuschTransmitter,
    receiver: PuschReceiver,
    radio: Radio,
    sent: Grid,
    soft: SoftBuffer,
    tb: Vec<u8>,
    slot: SlotPoint,
    state: u64,
}

impl UciLink {
    /// Plans for a case.
    ///
    /// Errors: a carrier, allocation or channel that cannot be.
    pub fn new(case: UciCase, isa: Isa) -> Result<UciLink, LinkError> {
        let shared = &case.shared;
        if usize::from(case.n_csi1.max(case.n_csi2)) > BITS_MAX || !matches!(case.part, 1 | 2) {
            return Err(LinkError::new("expected up to 64 bits of CSI, and part 1 or 2"));
        }
        let carrier = Carrier::new(shared.numerology, shared.carrier_rb.into(), 0.0).map_err(LinkError::new)?;
        let (n_rb, layers) = (usize::from(shared.carrier_rb), usize::from(shared.n_layers));
        Ok(UciLink {
            pdu: case.pdu(),
            transmitter: PuschTransmitter::new(isa, n_rb, layers),
            receiver: PuschReceiver::new(isa, n_rb, shared.antennas.n_rx.into(), layers),
            radio: Radio::new(carrier, shared.antennas, shared.propagation, isa)?,
            sent: Grid::new(shared.antennas.n_tx.into(), carrier.n_subcarriers()),
            soft: SoftBuffer::new(shared.tbs_bits),
            tb: vec![0; shared.tbs_bits as usize / 8],
            slot: SlotPoint::new(shared.numerology, 0, 0),
            state: 0,
            case,
        })
    }
}

impl Link for UciLink {
    fn reseed(&mut self, seed: u64) {
        self.state = seed;
        self.slot = SlotPoint::new(self.case.shared.numerology, 0, 0);
        self.soft.clear();
    }

    fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
        // An error in a fade is one error: each slot has a channel of its own.
        self.radio.reseed(dsp::noise::split_mix_64(&mut self.state));
        for bytes in self.tb.chunks_mut(8) {
            let word = dsp::noise::split_mix_64(&mut self.state).to_le_bytes();
            bytes.copy_from_slice(&word[..bytes.len()]);
        }
        let draws = [dsp::noise::split_mix_64(&mut self.state), dsp::noise::split_mix_64(&mut self.state)];
        let mut bits = draws.map(|d| core::array::from_fn::<u8, BITS_MAX, _>(|i| (d >> i & 1) as u8));
        let (n1, n2) = (usize::from(self.case.n_csi1), usize::from(self.case.n_csi2));
        if (n1, n2) == (SMALL.0.len(), SMALL.1.len()) {
            bits[0][..n1].copy_from_slice(&SMALL.0);
            bits[1][..n2].copy_from_slice(&SMALL.1);
        }
        let uci = UciBits { harq_ack: &[], csi1: &bits[0][..n1], csi2: &bits[1][..n2] };
        self.sent.clear();
        let done = self.transmitter.transmit_uci(&self.pdu, &self.tb, &uci, self.slot, &mut self.sent);
        done.map_err(LinkError::new)?;
        let received = self.radio.slot(self.slot, &self.sent, libm::pow(10.0, -snr_db / 10.0))?;
        let heard = self.receiver.receive_control(received, &self.pdu, self.slot).map_err(LinkError::new)?;
        self.slot = self.slot.plus(1);
        let right = match self.case.part {
            1 => heard.csi1.valid && heard.csi1.bits.get(..n1) == Some(uci.csi1),
            _ => heard.csi2.valid && usize::from(heard.csi2.len) == n2 && heard.csi2.bits.get(..n2) == Some(uci.csi2),
        };
        Ok(Tally { blocks: 1, errors: u64::from(!right) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{self, Case};
    use crate::count::{Effort, Runner};

    #[test] // Spec: TS 38.104 §8.2.3.2 (both parts, both payloads, far above and far below the required SNR)
    fn each_part_is_counted_by_itself() {
        let all = conformance::bs().unwrap();
        let rows: Vec<_> = all.iter().filter(|r| r.clause.contains("§8.2.3.2")).collect();
        assert_eq!(rows.len(), 8);
        for r in rows {
            let Case::Uci(case) = r.case else { panic!("{}", r.test) };
            let effort = Effort { errors: 20, blocks_max: 100, batch: 20, threads: 2 };
            let make = || Ok(Box::new(UciLink::new(case, Isa::best())?) as Box<dyn Link>);
            let mut runner = Runner::new(make, effort, 1).unwrap();
            assert!(runner.measure(r.required_snr_db + 5.0, &|_| {}).unwrap().rate() < 0.1, "{}", r.test);
            assert!(runner.measure(-15.0, &|_| {}).unwrap().rate() > 0.3, "{}", r.test);
        }
    }
}
