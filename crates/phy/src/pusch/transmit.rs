//! The transmitter of PUSCH.

use super::{Layout, Role, c_init, check, modulation, sch_params, shape};
use crate::estimate::ChannelError;
use crate::sequences::Gold;
use crate::shared::precoding::{self, Precoder};
use crate::shared::send::{Job, Sender};
use crate::shared::{self, cbgs};
use dsp::Isa;
use fapi::PuschPdu;
use fec::bits;
use fec::polar::PolarCodec;
use fec::sch::SchEncoder;
use fec::short::{PLACEHOLDER_ONE, PLACEHOLDER_REPEAT};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

/// UCI to send, one bit a byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct UciBits<'a> {
    /// HARQ-ACK, `pdu.uci.n_harq_ack` of them.
    pub harq_ack: &'a [u8],
    /// CSI part 1, `pdu.uci.n_csi1` of them.
    pub csi1: &'a [u8],
    /// CSI part 2, as many as `pdu.uci.csi2` says for this part 1.
    pub csi2: &'a [u8],
}

/// Sends PUSCHs. Holds plans and scratch; nothing is allocated in a call, but for the transform of a size that is new.
pub struct PuschTransmitter {
    isa: Isa,
    encoder: SchEncoder,
    polar: PolarCodec,
    elements: shared::Layout,
    layout: Layout,
    coded: Vec<u8>,
    codeword: Vec<u8>,
    /// Coded HARQ-ACK, CSI part 1 and part 2, one bit a byte.
    uci: [Vec<u8>; 3],
    n_symbols_max: usize,
    sender: Sender,
    n_rb_max: usize,
    /// Coded bits to send instead.
    #[cfg(test)]
    given: Option<Vec<u8>>,
}

impl PuschTransmitter {
    /// For carriers of up to `n_rb_max` RB and `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_layers_max: usize) -> PuschTransmitter {
        let n_bits = n_rb_max * 12 * SYMBOLS_PER_SLOT * 8 * n_layers_max.max(1);
        let n_symbols_max = n_rb_max * 12 * SYMBOLS_PER_SLOT * n_layers_max.max(1);
        PuschTransmitter {
            isa,
            encoder: SchEncoder::new(isa),
            polar: PolarCodec::new(1),
            elements: shared::Layout::default(),
            layout: Layout::with_capacity(n_rb_max * 12),
            coded: vec![0; n_bits / 8 + 8],
            codeword: vec![0; n_bits / 8 + 8],
            uci: [vec![0; n_bits], vec![0; n_bits], vec![0; n_bits]],
            n_symbols_max,
            sender: Sender::new(isa, n_rb_max, n_symbols_max),
            n_rb_max,
            #[cfg(test)]
            given: None,
        }
    }

    /// Writes a PUSCH without CSI part 2 into the grid; see [`PuschTransmitter::transmit_uci`].
    pub fn transmit(
        &mut self,
        pdu: &PuschPdu,
        tb: &[u8],
        harq_ack: &[u8],
        csi1: &[u8],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        self.transmit_uci(pdu, tb, &UciBits { harq_ack, csi1, csi2: &[] }, slot, grid)
    }

    /// Writes a PUSCH into the grid: data of unit power on port `layer` for each layer, or through the codebook's matrix; DM-RS boosted by
    /// the CDM groups.
    ///
    /// Spec: TS 38.211 §6.3.1, TS 38.212 §6.2
    /// - `tb`    the transport block, `pdu.coding.tbs_bytes` bytes (none: UCI alone)
    /// - `grid`  elements of the allocation must be free
    ///
    /// Errors: `Invalid` if lengths, grid and PDU contradict one another, `Unsupported`.
    pub fn transmit_uci(
        &mut self,
        pdu: &PuschPdu,
        tb: &[u8],
        uci: &UciBits,
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        check(pdu, grid.n_subcarriers())?;
        let scheme = modulation(pdu)?;
        let n_layers = pdu.n_layers as usize;
        if tb.len() != pdu.coding.tbs_bytes as usize
            || uci.harq_ack.len() != pdu.uci.n_harq_ack as usize
            || uci.csi1.len() != pdu.uci.n_csi1 as usize
            || uci.csi2.len() != pdu.uci.csi2.n_csi2(uci.csi1) as usize
        {
            return Err(ChannelError::Invalid("transport block or UCI of another length than the PDU says"));
        }
        let transform = pdu.transform_precoding.as_ref();
        let w = precoding::uplink(&pdu.precoding, pdu.n_layers, transform.is_some(), grid.n_ports())?;
        self.elements.fill(&shape(pdu));
        self.layout.set(pdu, &self.elements, uci.csi2.len())?;
        let n_symbols = self.layout.n_elements() * n_layers;
        let n_bytes = self.layout.n_bits().div_ceil(8);
        if n_symbols > self.n_symbols_max || n_bytes > self.codeword.len() || grid.n_subcarriers() > 12 * self.n_rb_max
        {
            return Err(ChannelError::Invalid("larger than the transmitter was made for"));
        }
        self.encode(pdu, tb, uci, n_bytes)?;
        let precoder = match &w {
            None => Precoder::Identity,
            Some(w) => Precoder::Groups { size: 0, offset: 0, matrices: core::slice::from_ref(w) },
        };
        let job = Job {
            shape: shape(pdu),
            layout: &self.elements,
            slot,
            n_layers,
            bits: &self.codeword[..n_bytes],
            scheme,
            amplitude: 1.0,
            precoder,
            transform: transform.map(|t| (t, pdu.rnti)),
        };
        self.sender.send(&job, grid)
    }

    /// Sends given coded bits instead of a transport block's.
    #[cfg(test)]
    pub(crate) fn transmit_coded(
        &mut self,
        pdu: &PuschPdu,
        coded: &[u8],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        self.given = Some(coded.to_vec());
        let sent = self.transmit_uci(pdu, &vec![0; pdu.coding.tbs_bytes as usize], &UciBits::default(), slot, grid);
        self.given = None;
        sent
    }

    /// Codes and multiplexes all, and scrambles it, into `codeword`.
    fn encode(&mut self, pdu: &PuschPdu, tb: &[u8], uci: &UciBits, n_bytes: usize) -> Result<(), ChannelError> {
        let g = self.layout.g_ul_sch;
        if g > 0 {
            self.encoder
                .encode_cbgs(&sch_params(pdu, g), cbgs(pdu.cbg), tb, &mut self.coded[..g.div_ceil(8)])
                .map_err(|_| ChannelError::Invalid("transport block size and coding"))?;
        }
        #[cfg(test)]
        if let Some(given) = &self.given {
            self.coded[..given.len()].copy_from_slice(given);
        }
        if self.layout.roles.is_empty() {
            core::mem::swap(&mut self.coded, &mut self.codeword);
        } else {
            self.encode_uci(pdu, uci)?;
            self.multiplex();
        }
        Gold::new(c_init(pdu)).xor_packed(self.isa, &mut self.codeword[..n_bytes]);
        if !self.layout.roles.is_empty() {
            self.write_placeholders();
        }
        Ok(())
    }

    fn encode_uci(&mut self, pdu: &PuschPdu, uci: &UciBits) -> Result<(), ChannelError> {
        let sizes = [self.layout.n_ack, self.layout.n_csi1, self.layout.n_csi2];
        for ((coded, payload), n) in self.uci.iter_mut().zip([uci.harq_ack, uci.csi1, uci.csi2]).zip(sizes) {
            let n_bits = n * self.layout.bits_per_element;
            if payload.is_empty() {
                continue;
            }
            let coded = coded.get_mut(..n_bits).ok_or(ChannelError::Invalid("UCI too long"))?;
            fec::uci::encode(&mut self.polar, payload, pdu.coding.q_m, coded)
                .map_err(|_| ChannelError::Invalid("UCI does not code into its resource elements"))?;
        }
        Ok(())
    }

    /// Joins transport block and UCI element by element; placeholders stay 0 for now.
    fn multiplex(&mut self) {
        let q = self.layout.bits_per_element;
        let mut data = 0;
        let mut at = [0; 3];
        for (i, role) in self.layout.roles.iter().enumerate() {
            if *role == Role::Data {
                if data + q <= self.layout.g_ul_sch {
                    bits::copy(&mut self.codeword, i * q, &self.coded, data, q);
                } else {
                    (0..q).for_each(|b| bits::set(&mut self.codeword, i * q + b, 0));
                }
                data += q;
                continue;
            }
            if *role == Role::DataUnderAck {
                data += q;
            }
            if *role == Role::Csi2UnderAck {
                at[2] += q;
            }
            let kind = kind(*role);
            for (b, bit) in self.uci[kind][at[kind]..at[kind] + q].iter().enumerate() {
                bits::set(&mut self.codeword, i * q + b, if *bit == 1 { 1 } else { 0 });
            }
            at[kind] += q;
        }
    }

    /// Spec: TS 38.211 §6.3.1.1: x is 1 after scrambling, y repeats the scrambled bit before it.
    fn write_placeholders(&mut self) {
        let q = self.layout.bits_per_element;
        let mut at = [0; 3];
        for (i, role) in self.layout.roles.iter().enumerate() {
            if *role == Role::Data {
                continue;
            }
            if *role == Role::Csi2UnderAck {
                at[2] += q;
            }
            let kind = kind(*role);
            for b in 0..q {
                let bit = match self.uci[kind][at[kind] + b] {
                    PLACEHOLDER_ONE => 1,
                    PLACEHOLDER_REPEAT => bits::get(&self.codeword, (i * q + b).saturating_sub(1)),
                    _ => continue,
                };
                bits::set(&mut self.codeword, i * q + b, bit);
            }
            at[kind] += q;
        }
    }
}

/// Which of the three kinds of UCI an element carries.
fn kind(role: Role) -> usize {
    match role {
        Role::Data | Role::Ack | Role::DataUnderAck | Role::Csi2UnderAck => 0,
        Role::Csi1 => 1,
        Role::Csi2 => 2,
    }
}
