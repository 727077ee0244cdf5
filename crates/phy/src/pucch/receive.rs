//! The receiver of PUCCH: what each format makes of a slot, what several slots say together, the decision.

use super::format34::Layout;
use super::short::{Evidence, Shifts, Word, delay_tc};
use super::uci::{self, Decision, E_MAX, Sizes, descramble};
use super::{CSI2_BITS_MAX, Channel, RX_MAX, check, format2, receive34, twelfths};
use crate::estimate::ChannelError;
use dsp::{Cf32, Isa};
use fapi::slot::HARQ_ACK_BITS_MAX;
use fapi::{PucchFormat, PucchPdu};
use fec::Llr;
use fec::polar::PolarCodec;
use nr::{SlotPoint, Tc};
use ofdm::Grid;

/// Passes over a PUCCH of formats 2 to 4 that take its data for pilots, where the first one was in vain.
const PASSES: usize = 3;
/// They are tried where the DM-RS stand out from noise by so many standard deviations.
const HEARD: f32 = 1.0;

/// What a PUCCH said.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PucchResult {
    /// Nothing was detected (in formats 0 and 1 without HARQ-ACK: no scheduling request).
    pub dtx: bool,
    /// HARQ-ACK bits, one a byte.
    pub harq_ack: [u8; HARQ_ACK_BITS_MAX],
    /// How many.
    pub n_harq_ack: u8,
    /// A scheduling request was sent.
    pub sr: bool,
    /// CSI part 1, first bit most significant.
    pub csi1: u32,
    /// How many.
    pub n_csi1: u8,
    /// CSI part 2, one bit a byte.
    pub csi2: [u8; CSI2_BITS_MAX],
    /// How many; 0 if part 2 cannot be trusted.
    pub n_csi2: u16,
    /// SNR a resource element and antenna, dB.
    pub snr_db: f32,
    /// Power a resource element, mean over antennas, in the units of the grid squared.
    pub power: f32,
    /// Delay against the receiver's symbol start, T_c: positive means late. `None` where it cannot be told.
    pub timing_error_tc: Option<i32>,
}

/// What the repetitions of one PUCCH have said so far. Spec: TS 38.213 §9.2.6
///
/// Made once, used for one PUCCH after another with [`PucchRepetitions::clear`] between them.
#[derive(Clone, Debug)]
pub struct PucchRepetitions {
    evidence: Evidence,
    /// Soft bits of part 1, then CSI part 2; those of the repetitions before the last.
    llrs: Vec<Llr>,
    before: Vec<Llr>,
    /// How far the DM-RS of one of them stood out from noise.
    heard: f32,
    n: u32,
    power: f32,
    noise: f32,
}

impl Default for PucchRepetitions {
    fn default() -> Self {
        PucchRepetitions {
            evidence: Evidence::default(),
            llrs: vec![0; E_MAX],
            before: vec![0; E_MAX],
            heard: 0.0,
            n: 0,
            power: 0.0,
            noise: 0.0,
        }
    }
}

impl PucchRepetitions {
    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.evidence = Evidence::default();
        self.llrs.fill(0);
        self.heard = 0.0;
        (self.n, self.power, self.noise) = (0, 0.0, 0.0);
    }
}

/// Receives PUCCHs. Nothing is allocated in a call.
pub struct PucchReceiver {
    offset_to_carrier: u16,
    polar: PolarCodec,
    format2: format2::Receiver,
    long: receive34::Receiver,
    llrs: Vec<Llr>,
    parts: Vec<Llr>,
    single: PucchRepetitions,
    twelfths: [Cf32; 12],
}

impl PucchReceiver {
    /// For a carrier whose lowest RB is common RB `offset_to_carrier`, and `n_rx` antennas, up to [`RX_MAX`].
    pub fn new(isa: Isa, offset_to_carrier: u16, n_rx: usize) -> PucchReceiver {
        PucchReceiver {
            offset_to_carrier,
            polar: PolarCodec::new(8),
            format2: format2::Receiver::new(isa, n_rx.min(RX_MAX)),
            long: receive34::Receiver::new(isa, n_rx),
            llrs: vec![0; E_MAX],
            parts: vec![0; E_MAX],
            single: PucchRepetitions::default(),
            twelfths: twelfths(),
        }
    }

    /// Receives one PUCCH.
    ///
    /// Spec: TS 38.211 §6.3.2, TS 38.212 §6.3.1, TS 38.213 §9.2
    /// - `grid` received elements; every port is an antenna, up to [`RX_MAX`]
    ///
    /// False alarm on noise alone: 0.8 % in formats 0 and 1 (0.1 % for a lone request), below 2 % with a CRC of 6 bits, 0.5 % with one of
    /// 11, below 1 % for 3 to 11 bits. Where decoding fails although DM-RS were heard, formats 3 and 4 cost up to four times as much.
    /// Errors: `Invalid`.
    pub fn receive(&mut self, grid: &Grid, pdu: &PucchPdu, slot: SlotPoint) -> Result<PucchResult, ChannelError> {
        let mut single = core::mem::replace(
            &mut self.single,
            PucchRepetitions {
                evidence: Evidence::default(),
                llrs: Vec::new(),
                before: Vec::new(),
                heard: 0.0,
                n: 0,
                power: 0.0,
                noise: 0.0,
            },
        );
        single.clear();
        let result = self.receive_repetition(grid, pdu, slot, &mut single);
        self.single = single;
        result
    }

    /// Receives one repetition of a PUCCH over several slots, and decides by it and those before.
    ///
    /// Spec: TS 38.213 §9.2.6; `pdu.resource` is that of the slot (`PucchResource::in_slot`). As [`PucchReceiver::receive`].
    pub fn receive_repetition(
        &mut self,
        grid: &Grid,
        pdu: &PucchPdu,
        slot: SlotPoint,
        so_far: &mut PucchRepetitions,
    ) -> Result<PucchResult, ChannelError> {
        check(pdu, grid.n_subcarriers())?;
        let n_rx = grid.n_ports();
        if !(1..=RX_MAX).contains(&n_rx) {
            return Err(ChannelError::Invalid("antennas"));
        }
        match pdu.resource.format {
            PucchFormat::F0 { initial_cyclic_shift } => {
                let shifts = Shifts::new(grid, pdu, slot, &self.twelfths);
                so_far.evidence.add_format0(&shifts, pdu, n_rx, initial_cyclic_shift);
                Ok(decided(pdu, &so_far.evidence.decide(pdu, true)))
            }
            PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => {
                let at = (initial_cyclic_shift as usize, time_domain_occ as usize);
                let shifts = Shifts::new(grid, pdu, slot, &self.twelfths);
                so_far.evidence.add_format1(&shifts, pdu, n_rx, at.0, at.1);
                let word = so_far.evidence.decide(pdu, false);
                let mut result = decided(pdu, &word);
                if word.seen {
                    let bits = &word.bits[..pdu.n_harq_ack as usize];
                    result.timing_error_tc = delay_tc(grid, pdu, slot, at, bits, &self.twelfths);
                }
                Ok(result)
            }
            PucchFormat::F2 { n_prb } => {
                let sizes = Sizes::new(pdu, 2, format2::n_coded(pdu, n_prb))?;
                let llrs = &mut self.llrs[..sizes.e];
                let channel = self.format2.receive(pdu, n_prb, self.offset_to_carrier, slot, grid, llrs)?;
                Ok(self.coded(pdu, &sizes, core::iter::empty(), &channel, so_far, true))
            }
            PucchFormat::F3 { .. } | PucchFormat::F4 { .. } => {
                let Some(layout) = Layout::new(pdu) else { return Err(ChannelError::Invalid("PUCCH format 3 or 4")) };
                let sizes = Sizes::new(pdu, layout.modulation.q_m(), layout.n_coded())?;
                let mut channel = self.long.receive(pdu, &layout, slot, grid, &mut self.llrs[..sizes.e])?;
                let mut result = self.coded(pdu, &sizes, layout.share(sizes.e1), &channel, so_far, true);
                for _ in 0..PASSES {
                    if so_far.heard < HEARD || !unsure(&result, pdu) {
                        break;
                    }
                    match self.long.refine(pdu, &layout, slot, grid, &mut self.llrs[..sizes.e]) {
                        Some(better) => channel = better,
                        None => break,
                    }
                    result = self.coded(pdu, &sizes, layout.share(sizes.e1), &channel, so_far, false);
                }
                Ok(result)
            }
        }
    }

    /// Decodes a CSI part 2 of another size than the PDU said, for which part 1 had to be known first.
    ///
    /// Spec: TS 38.212 §6.3.1.1.3. To be called after [`PucchReceiver::receive_repetition`] with the same `pdu` and `so_far`;
    /// `pdu.long.n_csi2` was some number above 0. `bits` is overwritten, one bit a byte. Returns whether it can be trusted.
    pub fn decode_csi2(&mut self, pdu: &PucchPdu, so_far: &PucchRepetitions, bits: &mut [u8]) -> bool {
        let layout = Layout::new(pdu);
        let sizes = layout.and_then(|l| Sizes::new(pdu, l.modulation.q_m(), l.n_coded()).ok());
        let Some(sizes) = sizes.filter(|s| s.n2 > 0 && !bits.is_empty()) else { return false };
        uci::decode_part(&mut self.polar, sizes.q_m, &so_far.llrs[sizes.e1..sizes.e], bits, so_far.heard)
    }

    fn coded(
        &mut self,
        pdu: &PucchPdu,
        sizes: &Sizes,
        share: impl Iterator<Item = (usize, usize)>,
        channel: &Channel,
        so_far: &mut PucchRepetitions,
        first: bool,
    ) -> PucchResult {
        let (llrs, parts) = (&mut self.llrs[..sizes.e], &mut self.parts[..sizes.e]);
        descramble(pdu, sizes, share, llrs, parts);
        if first {
            so_far.before[..sizes.e].copy_from_slice(&so_far.llrs[..sizes.e]);
            so_far.heard = so_far.heard.max(channel.heard);
            so_far.n += 1;
            so_far.power += channel.power;
            so_far.noise += channel.power / channel.snr;
        }
        for ((sum, before), llr) in so_far.llrs.iter_mut().zip(&so_far.before).zip(&*parts) {
            *sum = before.saturating_add(*llr).clamp(-120, 120);
        }
        let decision = uci::decode(&mut self.polar, sizes, &so_far.llrs[..sizes.e], so_far.heard);
        let mut result = from_decision(pdu, &decision);
        result.snr_db = 10.0 * libm::log10f((so_far.power / so_far.noise).max(1e-3));
        result.power = (so_far.power / so_far.n.max(1) as f32).max(0.0);
        if decision.valid {
            result.timing_error_tc = Some((channel.delay_s * Tc::PER_SECOND as f64) as i32);
        }
        result
    }
}

/// Whether another pass may change something: the first part, or the second, was not believed.
fn unsure(result: &PucchResult, pdu: &PucchPdu) -> bool {
    result.dtx || result.n_csi2 < pdu.long.n_csi2
}

fn nothing(pdu: &PucchPdu) -> PucchResult {
    PucchResult {
        dtx: true,
        harq_ack: [0; HARQ_ACK_BITS_MAX],
        n_harq_ack: pdu.n_harq_ack,
        sr: false,
        csi1: 0,
        n_csi1: pdu.n_csi1,
        csi2: [0; CSI2_BITS_MAX],
        n_csi2: 0,
        snr_db: -30.0,
        power: 0.0,
        timing_error_tc: None,
    }
}

fn decided(pdu: &PucchPdu, word: &Word) -> PucchResult {
    let snr_db = 10.0 * libm::log10f((word.power / word.noise_var).max(1e-3));
    let mut result = PucchResult { dtx: !word.seen, snr_db, power: word.power.max(0.0), ..nothing(pdu) };
    if word.seen {
        let n = pdu.n_harq_ack as usize;
        result.harq_ack[..n].copy_from_slice(&word.bits[..n]);
        result.sr = word.sr;
    }
    result
}

fn from_decision(pdu: &PucchPdu, d: &Decision) -> PucchResult {
    let mut result = nothing(pdu);
    if !d.valid {
        return result;
    }
    let (n_ack, n_sr) = (pdu.n_harq_ack as usize, pdu.n_sr as usize);
    result.dtx = false;
    result.harq_ack[..n_ack].copy_from_slice(&d.bits[..n_ack]);
    result.sr = d.bits[n_ack..n_ack + n_sr].contains(&1);
    let csi = &d.bits[n_ack + n_sr..n_ack + n_sr + pdu.n_csi1 as usize];
    result.csi1 = csi.iter().fold(0, |word, bit| word << 1 | *bit as u32);
    if d.csi2_valid {
        result.n_csi2 = pdu.long.n_csi2;
        result.csi2 = d.csi2;
    }
    result
}
