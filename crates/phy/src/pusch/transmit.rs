//! The transmitter of PUSCH.

use super::{HARQ_ACK_BITS_MAX, Layout, Role, c_init, check, sch_params};
use crate::estimate::{ChannelError, dmrs};
use crate::modulation::{Modulation, modulate};
use crate::sequences::Gold;
use dsp::{Cf32, Isa};
use fapi::PuschPdu;
use fec::bits;
use fec::polar::PolarCodec;
use fec::sch::SchEncoder;
use fec::short::{PLACEHOLDER_ONE, PLACEHOLDER_REPEAT};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// Sends PUSCHs. Holds plans and scratch; nothing is allocated in a call.
pub struct PuschTransmitter {
    encoder: SchEncoder,
    polar: PolarCodec,
    layout: Layout,
    coded: Vec<u8>,
    codeword: Vec<u8>,
    /// Coded HARQ-ACK and CSI part 1, one bit a byte.
    uci: [Vec<u8>; 2],
    symbols: Vec<Cf32>,
    pilots: Vec<Cf32>,
}

impl PuschTransmitter {
    /// For carriers of up to `n_rb_max` RB and `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_layers_max: usize) -> PuschTransmitter {
        let n_bits = n_rb_max * 12 * SYMBOLS_PER_SLOT * 8 * n_layers_max.max(1);
        PuschTransmitter {
            encoder: SchEncoder::new(isa),
            polar: PolarCodec::new(1),
            layout: Layout::with_capacity(n_rb_max * 12),
            coded: vec![0; n_bits / 8 + 8],
            codeword: vec![0; n_bits / 8 + 8],
            uci: [vec![0; n_bits], vec![0; n_bits]],
            symbols: vec![ZERO; n_rb_max * 12 * SYMBOLS_PER_SLOT * n_layers_max.max(1)],
            pilots: vec![ZERO; n_rb_max * 6],
        }
    }

    /// Adds a PUSCH to the grid: data of unit power on port `layer` for each layer, DM-RS boosted by the CDM groups.
    ///
    /// Spec: TS 38.211 §6.3.1, TS 38.212 §6.2
    /// - `tb`        the transport block, `pdu.coding.tbs_bytes` bytes
    /// - `harq_ack`  bits, one a byte; `pdu.uci.n_harq_ack` of them
    /// - `csi1`      bits, one a byte; `pdu.uci.n_csi1` of them
    /// - `grid`      elements of the allocation must be free
    ///
    /// Errors: `Invalid` if lengths, grid and PDU contradict one another, `Unsupported`.
    pub fn transmit(
        &mut self,
        pdu: &PuschPdu,
        tb: &[u8],
        harq_ack: &[u8],
        csi1: &[u8],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        check(pdu, grid.n_subcarriers())?;
        let scheme = Modulation::from_q_m(pdu.coding.q_m).ok_or(ChannelError::Invalid("modulation order"))?;
        let n_layers = pdu.n_layers as usize;
        if tb.len() != pdu.coding.tbs_bytes as usize
            || harq_ack.len() != pdu.uci.n_harq_ack as usize
            || csi1.len() != pdu.uci.n_csi1 as usize
            || harq_ack.len() > HARQ_ACK_BITS_MAX
            || n_layers > grid.n_ports()
        {
            return Err(ChannelError::Invalid("transport block, UCI or ports"));
        }
        self.layout.set(pdu)?;
        let n_symbols = self.layout.n_elements() * n_layers;
        let n_bytes = self.layout.n_bits().div_ceil(8);
        if n_symbols > self.symbols.len() || n_bytes > self.codeword.len() {
            return Err(ChannelError::Invalid("larger than the transmitter was made for"));
        }
        let g = self.layout.g_ul_sch;
        let coded = &mut self.coded[..g.div_ceil(8)];
        self.encoder
            .encode(&sch_params(pdu, g), tb, coded)
            .map_err(|_| ChannelError::Invalid("transport block size and coding"))?;
        if self.layout.roles.is_empty() {
            core::mem::swap(&mut self.coded, &mut self.codeword);
        } else {
            self.encode_uci(pdu, harq_ack, csi1)?;
            self.multiplex();
        }
        let codeword = &mut self.codeword[..n_bytes];
        Gold::new(c_init(pdu)).xor_packed(codeword);
        if !self.layout.roles.is_empty() {
            self.write_placeholders();
        }
        let codeword = &self.codeword[..n_bytes];
        modulate(scheme, codeword, &mut self.symbols[..n_symbols])
            .map_err(|_| ChannelError::Invalid("coded bits and symbols"))?;
        self.map(pdu, grid);
        for (layer, port) in (0..16u8).filter(|p| pdu.dmrs.ports >> p & 1 == 1).enumerate() {
            dmrs::map(grid, layer, slot, &pdu.rbs, &pdu.dmrs, port, 1.0, &mut self.pilots)?;
        }
        Ok(())
    }

    fn encode_uci(&mut self, pdu: &PuschPdu, harq_ack: &[u8], csi1: &[u8]) -> Result<(), ChannelError> {
        let sizes = [self.layout.n_ack, self.layout.n_csi1];
        for ((coded, payload), n) in self.uci.iter_mut().zip([harq_ack, csi1]).zip(sizes) {
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
        let (mut data, mut ack, mut csi1) = (0, 0, 0);
        for (i, role) in self.layout.roles.iter().enumerate() {
            let from: &mut usize = match role {
                Role::Data => {
                    bits::copy(&mut self.codeword, i * q, &self.coded, data, q);
                    data += q;
                    continue;
                }
                Role::DataUnderAck => {
                    data += q;
                    &mut ack
                }
                Role::Ack => &mut ack,
                Role::Csi1 => &mut csi1,
            };
            let source = if *role == Role::Csi1 { &self.uci[1] } else { &self.uci[0] };
            for (b, bit) in source[*from..*from + q].iter().enumerate() {
                bits::set(&mut self.codeword, i * q + b, if *bit == 1 { 1 } else { 0 });
            }
            *from += q;
        }
    }

    /// Spec: TS 38.211 §6.3.1.1: x is 1 after scrambling, y repeats the scrambled bit before it.
    fn write_placeholders(&mut self) {
        let q = self.layout.bits_per_element;
        let mut at = [0, 0];
        for (i, role) in self.layout.roles.iter().enumerate() {
            let kind = match role {
                Role::Data => continue,
                Role::Ack | Role::DataUnderAck => 0,
                Role::Csi1 => 1,
            };
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

    /// Layer mapping and mapping to resource elements. Spec: TS 38.211 §6.3.1.3, §6.3.1.7
    fn map(&self, pdu: &PuschPdu, grid: &mut Grid) {
        let n_layers = pdu.n_layers as usize;
        let occupied = dmrs::occupied(&pdu.dmrs);
        let mut next = 0;
        for l in pdu.start_symbol as usize..(pdu.start_symbol + pdu.n_symbols) as usize {
            let taken = if pdu.dmrs.symbols >> l & 1 == 1 { occupied } else { 0 };
            if taken == 0xfff {
                continue;
            }
            for (first, n) in dmrs::runs(&pdu.rbs) {
                let cells = first as usize * 12..(first + n) as usize * 12;
                let start = next;
                for layer in 0..n_layers {
                    next = start;
                    let row = &mut grid.symbol_mut(layer, l)[cells.clone()];
                    for (k, cell) in row.iter_mut().enumerate() {
                        if taken >> (k % 12) & 1 == 0 {
                            *cell = self.symbols[next * n_layers + layer];
                            next += 1;
                        }
                    }
                }
            }
        }
    }
}
