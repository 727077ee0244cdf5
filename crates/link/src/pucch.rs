//! PUCCH: what TS 38.104 §8.3 counts of each format.

use dsp::Isa;
use fapi::{PucchFormat, PucchLong, PucchPdu, PucchResource};
use nr::{Numerology, Rnti, SlotPoint};
use ofdm::{Carrier, Grid};
use phy::pucch::{PucchReceiver, PucchRepetitions, PucchTransmitter};

use crate::LinkError;
use crate::count::{Link, Tally};
use crate::propagation::{Antennas, Correlation, Propagation, Radio};

/// What is counted. Spec: TS 38.104 §8.3
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
    /// ACK bits that were sent and not detected.
    AckMissed,
    /// NACK bits that were sent and taken for ACK; those of a slot taken for DTX do not count.
    NackToAck,
    /// UCI that did not come back as it was sent.
    Uci,
    /// Nothing is sent: bits taken for ACK.
    DtxToAck,
}

/// A PUCCH and its condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PucchCase {
    /// What is counted.
    pub count: Count,
    /// Numerology.
    pub numerology: Numerology,
    /// Resource blocks of the carrier.
    pub carrier_rb: u16,
    /// The resource.
    pub resource: PucchResource,
    /// UCI bits: HARQ-ACK.
    pub n_bits: u8,
    /// Slots of the repetition; over several the hops are slots. Spec: TS 38.213 §9.2.6
    pub n_slots: u8,
    /// additionalDMRS of formats 3 and 4.
    pub additional_dmrs: bool,
    /// Antennas.
    pub antennas: Antennas,
    /// The channel.
    pub propagation: Propagation,
}

impl PucchCase {
    /// A case with the standard's common parameters: first symbol so that the PUCCH ends the slot, hopping to the other edge.
    pub fn new(
        format: PucchFormat,
        n_symbols: u8,
        n_prb: u16,
        hops: bool,
        numerology: Numerology,
        carrier_rb: u16,
    ) -> PucchCase {
        PucchCase {
            count: Count::Uci,
            numerology,
            carrier_rb,
            resource: PucchResource {
                id: 0,
                start_prb: 0,
                second_hop_prb: hops.then(|| carrier_rb.saturating_sub(n_prb)),
                start_symbol: if n_symbols <= 2 { 14 - n_symbols } else { 0 },
                n_symbols,
                format,
            },
            n_bits: 1,
            n_slots: 1,
            additional_dmrs: false,
            antennas: Antennas { n_tx: 1, n_rx: 2, correlation: Correlation::Low },
            propagation: Propagation::AWGN,
        }
    }

    fn pdu(&self) -> PucchPdu {
        PucchPdu {
            rnti: Rnti(1),
            resource: self.resource,
            n_harq_ack: self.n_bits,
            n_sr: 0,
            n_csi1: 0,
            hopping_id: 0,
            group_hopping: 0,
            n_id: 0,
            dmrs_n_id: 0,
            long: PucchLong { additional_dmrs: self.additional_dmrs, ..PucchLong::default() },
        }
    }
}

/// A PUCCH under simulation.
pub struct PucchLink {
    case: PucchCase,
    transmitter: PucchTransmitter,
    receiver: PucchReceiver,
    radio: Radio,
    sent: Grid,
    repetitions: PucchRepetitions,
    slot: SlotPoint,
    state: u64,
}

impl PucchLink {
    /// Plans for a case.
    ///
    /// Errors: a carrier or channel that cannot be.
    pub fn new(case: PucchCase, isa: Isa) -> Result<PucchLink, LinkError> {
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).map_err(LinkError::new)?;
        Ok(PucchLink {
            transmitter: PucchTransmitter::new(0),
            receiver: PucchReceiver::new(isa, 0, case.antennas.n_rx.into()),
            radio: Radio::new(carrier, case.antennas, case.propagation, isa)?,
            sent: Grid::new(1, carrier.n_subcarriers()),
            repetitions: PucchRepetitions::default(),
            slot: SlotPoint::new(case.numerology, 0, 0),
            state: 0,
            case,
        })
    }
}

impl Link for PucchLink {
    fn reseed(&mut self, seed: u64) {
        self.state = seed;
        self.slot = SlotPoint::new(self.case.numerology, 0, 0);
    }

    fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
        // An error in a fade is one error: each transmission has a channel of its own.
        self.radio.reseed(dsp::noise::split_mix_64(&mut self.state));
        let pdu = self.case.pdu();
        let n = usize::from(self.case.n_bits);
        let draw = dsp::noise::split_mix_64(&mut self.state);
        let all_ack = self.case.count == Count::AckMissed && n == 1;
        let bits: [u8; 64] = core::array::from_fn(|i| if all_ack { 1 } else { (draw >> i & 1) as u8 });
        let bits = bits.get(..n).ok_or_else(|| LinkError::new("expected up to 64 UCI bits"))?;
        self.repetitions.clear();
        let mut last = None;
        for repetition in 0..self.case.n_slots.max(1) {
            let resource = self.case.resource.in_slot(repetition, self.case.n_slots > 1);
            let pdu = PucchPdu { resource, ..pdu };
            self.sent.clear();
            if self.case.count != Count::DtxToAck {
                let done = self.transmitter.transmit(&pdu, bits, false, &[], self.slot, &mut self.sent);
                done.map_err(LinkError::new)?;
            }
            let received = self.radio.slot(self.slot, &self.sent, libm::pow(10.0, -snr_db / 10.0))?;
            let result = self.receiver.receive_repetition(received, &pdu, self.slot, &mut self.repetitions);
            last = Some(result.map_err(LinkError::new)?);
            self.slot = self.slot.plus(1);
        }
        let heard = last.as_ref().filter(|r| !r.dtx).and_then(|r| r.harq_ack.get(..n));
        Ok(tally(self.case.count, bits, heard))
    }
}

/// Counts one slot; `heard` is `None` for DTX.
fn tally(count: Count, sent: &[u8], heard: Option<&[u8]>) -> Tally {
    let n = |x: usize| x as u64;
    match (count, heard) {
        (Count::Uci, heard) => Tally { blocks: 1, errors: u64::from(heard != Some(sent)) },
        (Count::AckMissed, heard) => {
            let missed = |(i, b): &(usize, &u8)| **b == 1 && heard.is_none_or(|h| h[*i] == 0);
            let acks = sent.iter().filter(|b| **b == 1).count();
            Tally { blocks: n(acks), errors: n(sent.iter().enumerate().filter(missed).count()) }
        }
        (Count::NackToAck, None) => Tally::default(),
        (Count::NackToAck, Some(heard)) => {
            let nacks = || sent.iter().zip(heard).filter(|(s, _)| **s == 0);
            Tally { blocks: n(nacks().count()), errors: n(nacks().filter(|(_, h)| **h == 1).count()) }
        }
        (Count::DtxToAck, heard) => {
            let acks = heard.map_or(0, |h| h.iter().filter(|b| **b == 1).count());
            Tally { blocks: n(sent.len()), errors: n(acks) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{Effort, Runner};

    #[test] // Spec: TS 38.104 §8.3.1, §8.3.3.1.1, §8.3.2.1 (what counts)
    fn each_requirement_counts_its_own_kind_of_error() {
        let t = |blocks, errors| Tally { blocks, errors };
        assert_eq!(tally(Count::AckMissed, &[1, 0, 1], Some(&[1, 1, 0])), t(2, 1));
        assert_eq!(tally(Count::AckMissed, &[1, 0, 1], None), t(2, 2));
        assert_eq!(tally(Count::NackToAck, &[1, 0, 0], Some(&[0, 1, 0])), t(2, 1));
        assert_eq!(tally(Count::NackToAck, &[0, 0], None), t(0, 0));
        assert_eq!(tally(Count::DtxToAck, &[0, 1], Some(&[1, 0])), t(2, 1));
        assert_eq!(tally(Count::DtxToAck, &[0, 1], None), t(2, 0));
        assert_eq!(tally(Count::Uci, &[0, 1], Some(&[0, 1])), t(1, 0));
    }

    #[test] // Spec: TS 38.104 §8.3.1.2 (DTX to ACK at most 1 %), §8.3.3 (format 1)
    fn format_1_is_heard_and_silence_is_not() {
        let format = PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 };
        let run = |count, snr_db| {
            let case = PucchCase { count, n_bits: 2, ..PucchCase::new(format, 14, 1, true, Numerology::KHZ30, 24) };
            let effort = Effort { errors: 100, blocks_max: 1200, batch: 60, threads: 2 };
            let make = || Ok(Box::new(PucchLink::new(case, Isa::best())?) as Box<dyn Link>);
            Runner::new(make, effort, 1).unwrap().measure(snr_db, &|_| {}).unwrap()
        };
        assert!(run(Count::DtxToAck, 0.0).rate() < 0.01);
        assert!(run(Count::AckMissed, -4.0).rate() < 0.01);
        assert!(run(Count::AckMissed, -18.0).rate() > 0.3);
    }
}
