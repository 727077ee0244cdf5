//! Uplink control information of formats 2, 3 and 4: coding, division into parts, scrambling.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | E_tot, E_UCI | [`Sizes::e`], `e1` | coded bits: all, of part 1 |
//! | A | `n1`, `n2` | bits of a part |
//! | R_UCI^max | `max_code_rate_milli` | most code rate of part 1 |
//!
//! Spec: TS 38.212 §6.3.1, TS 38.211 §6.3.2.5.1, §6.3.2.6.1

use super::{CSI2_BITS_MAX, UCI_BITS_MAX};
use crate::estimate::ChannelError;
use crate::sequences::Gold;
use fapi::PucchPdu;
use fec::Llr;
use fec::polar::PolarCodec;

/// Most coded bits: format 3 with QPSK on 16 resource blocks and 12 symbols.
pub(super) const E_MAX: usize = 24 * 16 * 12;

/// What a PUCCH carries, one bit a byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PucchUci<'a> {
    /// HARQ-ACK, `pdu.n_harq_ack` bits.
    pub harq_ack: &'a [u8],
    /// A scheduling request is sent.
    pub sr: bool,
    /// CSI part 1, `pdu.n_csi1` bits.
    pub csi1: &'a [u8],
    /// CSI part 2, `pdu.long.n_csi2` bits.
    pub csi2: &'a [u8],
}

/// For each standard deviation by which DM-RS stand out from noise, a code word may stand out less by so many where its CRC has 6 and 11
/// bits, and at most.
const HEARD: [f32; 2] = [0.5, 0.9];
const HEARD_MAX: f32 = 3.0;

/// Bits of both parts before and after coding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sizes {
    pub q_m: usize,
    pub e: usize,
    pub n1: usize,
    pub e1: usize,
    pub n2: usize,
}

impl Sizes {
    /// Of a PDU with `e` coded bits in all. Spec: TS 38.212 table 6.3.1.4.1-1
    pub fn new(pdu: &PucchPdu, q_m: usize, e: usize) -> Result<Sizes, ChannelError> {
        let n1 = pdu.n_harq_ack as usize + pdu.n_sr as usize + pdu.n_csi1 as usize;
        let n2 = pdu.long.n_csi2 as usize;
        if !(1..=UCI_BITS_MAX).contains(&n1) || n2 > CSI2_BITS_MAX || e > E_MAX {
            return Err(ChannelError::Invalid("UCI bits (TS 38.212 §6.3.1)"));
        }
        let mut e1 = e;
        if n2 > 0 {
            let rate = pdu.long.max_code_rate_milli as usize;
            if !(1..=1000).contains(&rate) {
                return Err(ChannelError::Invalid("maxCodeRate of two UCI parts (TS 38.212 §6.3.1.4.1)"));
            }
            let crc = match n1 {
                0..12 => 0,
                12..20 => 6,
                _ => 11,
            };
            e1 = e.min(((n1 + crc) * 1000).div_ceil(rate * q_m) * q_m);
            if e1 == e {
                return Err(ChannelError::Invalid("no room for CSI part 2 (TS 38.213 §9.2.5.2)"));
            }
        }
        Ok(Sizes { q_m, e, n1, e1, n2 })
    }
}

/// c_init of the scrambling. Spec: TS 38.211 §6.3.2.5.1, §6.3.2.6.1
fn scrambling(pdu: &PucchPdu) -> Gold {
    Gold::new(((pdu.rnti.0 as u32) << 15) + (pdu.n_id as u32 & 0x3ff))
}

/// The transmitter's memory.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    payload: [u8; UCI_BITS_MAX],
    /// Coded bits of both parts, one after the other; then in the order in which they are sent.
    parts: Vec<u8>,
    coded: Vec<u8>,
    packed: Vec<u8>,
}

impl Encoder {
    pub fn new() -> Encoder {
        Encoder {
            payload: [0; UCI_BITS_MAX],
            parts: vec![0; E_MAX],
            coded: vec![0; E_MAX],
            packed: vec![0; E_MAX / 8 + 1],
        }
    }

    /// Codes, multiplexes (`share`: bits of part 1 among all bits, symbol after symbol) and scrambles; the packed bits.
    pub fn encode(
        &mut self,
        polar: &mut PolarCodec,
        pdu: &PucchPdu,
        uci: &PucchUci,
        sizes: &Sizes,
        share: impl Iterator<Item = (usize, usize)>,
    ) -> Result<&[u8], ChannelError> {
        let payload = &mut self.payload[..sizes.n1];
        let (ack, rest) = payload.split_at_mut(uci.harq_ack.len());
        let (sr, csi) = rest.split_at_mut(pdu.n_sr as usize);
        ack.copy_from_slice(uci.harq_ack);
        sr.fill(0);
        if let Some(last) = sr.last_mut() {
            *last = u8::from(uci.sr);
        }
        csi.copy_from_slice(uci.csi1);
        let (first, second) = self.parts[..sizes.e].split_at_mut(sizes.e1);
        let uncodable = |_| ChannelError::Invalid("UCI does not code into its bits (TS 38.212 §6.3.1.4)");
        fec::uci::encode(polar, payload, sizes.q_m as u8, first).map_err(uncodable)?;
        let coded = &mut self.coded[..sizes.e];
        if sizes.n2 == 0 {
            coded.copy_from_slice(first);
        } else {
            fec::uci::encode(polar, uci.csi2, sizes.q_m as u8, second).map_err(uncodable)?;
            let (mut one, mut two) = (&first[..], &second[..]);
            let mut rest = coded;
            for (n_first, n) in share {
                let (here, later) = rest.split_at_mut(n);
                let (a, b) = here.split_at_mut(n_first);
                let (x, y) = (one.split_at(n_first), two.split_at(n - n_first));
                a.copy_from_slice(x.0);
                b.copy_from_slice(y.0);
                (one, two, rest) = (x.1, y.1, later);
            }
        }
        let coded = &self.coded[..sizes.e];
        let packed = &mut self.packed[..sizes.e.div_ceil(8)];
        fec::bits::pack(coded, packed);
        scrambling(pdu).xor_packed(dsp::Isa::Scalar, packed);
        // The repeated placeholder of a single bit follows its scrambled neighbour.
        for (i, bit) in coded.iter().enumerate() {
            match *bit {
                fec::short::PLACEHOLDER_ONE => fec::bits::set(packed, i, 1),
                fec::short::PLACEHOLDER_REPEAT => {
                    let before = fec::bits::get(packed, i.saturating_sub(1));
                    fec::bits::set(packed, i, before);
                }
                _ => {}
            }
        }
        Ok(packed)
    }
}

/// What received soft bits say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    /// HARQ-ACK, SR and CSI part 1 in this order, one a byte.
    pub bits: [u8; UCI_BITS_MAX],
    /// CRC or correlation say that something was there.
    pub valid: bool,
    /// CSI part 2.
    pub csi2: [u8; CSI2_BITS_MAX],
    /// The same of part 2.
    pub csi2_valid: bool,
}

/// Undoes scrambling and multiplexing: `llrs` as received, `parts` overwritten by part 1 and part 2.
pub(super) fn descramble(
    pdu: &PucchPdu,
    sizes: &Sizes,
    share: impl Iterator<Item = (usize, usize)>,
    llrs: &mut [Llr],
    parts: &mut [Llr],
) {
    let one_bit = |n: usize| n == 1 && sizes.q_m == 2;
    let mut gold = scrambling(pdu);
    if one_bit(sizes.n1) && sizes.n2 == 0 {
        // A single bit: every second coded bit repeats its scrambled neighbour, so it takes the neighbour's sign.
        for pair in llrs.chunks_mut(2) {
            if gold.next(2) & 1 == 1 {
                pair.iter_mut().for_each(|llr| *llr = llr.saturating_neg());
            }
        }
    } else {
        gold.descramble(llrs);
    }
    if sizes.n2 == 0 {
        parts.copy_from_slice(llrs);
        return;
    }
    let (mut one, mut two) = parts.split_at_mut(sizes.e1);
    let mut rest = &llrs[..];
    let mut gold = scrambling(pdu);
    for (n_first, n) in share {
        let (here, later) = rest.split_at(n);
        let (x, y) = (one.split_at_mut(n_first), two.split_at_mut(n - n_first));
        x.0.copy_from_slice(&here[..n_first]);
        y.0.copy_from_slice(&here[n_first..]);
        gold.skip(n_first);
        for pair in y.0.chunks_mut(2) {
            let c = gold.next(pair.len());
            // As above: undo the second bit's own scrambling, take the first one's.
            if one_bit(sizes.n2) && (c ^ c >> 1) & 1 == 1 {
                pair[1..].iter_mut().for_each(|llr| *llr = llr.saturating_neg());
            }
        }
        (one, two, rest) = (x.1, y.1, later);
    }
}

/// Decodes both parts.
pub(super) fn decode(polar: &mut PolarCodec, sizes: &Sizes, parts: &[Llr], heard: f32) -> Decision {
    let mut d = Decision { bits: [0; UCI_BITS_MAX], valid: false, csi2: [0; CSI2_BITS_MAX], csi2_valid: false };
    let (first, second) = parts.split_at(sizes.e1);
    d.valid = decode_part(polar, sizes.q_m, first, &mut d.bits[..sizes.n1], heard);
    if sizes.n2 > 0 && d.valid {
        d.csi2_valid = decode_part(polar, sizes.q_m, second, &mut d.csi2[..sizes.n2], heard);
    }
    d
}

/// Decodes one part; whether it was really sent, of which `heard` is what the DM-RS say.
pub(super) fn decode_part(polar: &mut PolarCodec, q_m: usize, llrs: &[Llr], bits: &mut [u8], heard: f32) -> bool {
    let n = bits.len();
    let sent = |result: fec::uci::UciResult| {
        // Without a CRC nothing but the metric tells a word from noise.
        let less = match (result.crc_ok, n) {
            (None, _) => 0.0,
            (_, 0..20) => (HEARD[0] * heard).min(HEARD_MAX),
            _ => (HEARD[1] * heard).min(HEARD_MAX),
        };
        let bar = bar(&result, n, llrs.len(), -less);
        bar.is_some_and(|bar| result.metric > bar)
    };
    fec::uci::decode(polar, llrs, q_m as u8, bits).is_ok_and(sent)
}

/// Whether decoded UCI of `n_bits` in `e` coded bits was really sent: the CRC holds, if there is one, and the code word
/// stands out more than the best of 2^n random ones would on noise, but for 0.8 % of the time without a CRC.
///
/// A list decoder tries several words against a CRC of 6 or 11 bits, so the CRC alone would let 10 % or 0.4 % of noise through.
pub(crate) fn uci_was_sent(result: &fec::uci::UciResult, n_bits: usize, e: usize) -> bool {
    bar(result, n_bits, e, 0.0).is_some_and(|bar| result.metric > bar)
}

/// What the metric must exceed, raised by `more` standard deviations of noise; `None` if the CRC fails.
fn bar(result: &fec::uci::UciResult, n_bits: usize, e: usize, more: f32) -> Option<f32> {
    let (n_words, margin, most) = match (result.crc_ok, n_bits) {
        (Some(false), _) => return None,
        (Some(true), 0..20) => (n_bits + 6, 0.5, 0.75),
        (Some(true), _) => (n_bits + 11, 0.0, 0.65),
        (None, 0..7) => (n_bits, 1.0, 0.92),
        (None, _) => (n_bits, 0.7, 0.92),
    };
    let best = libm::sqrtf(2.0 * core::f32::consts::LN_2 * n_words as f32);
    Some(((best + margin + more) / libm::sqrtf(e.max(1) as f32)).min(most))
}
