//! From a transport block to the grid. Spec: TS 38.211 §7.3.1; TS 38.212 §7.2

use super::{Layout, PdschError, c_init, check, fec_isa, sch_params, shape};
use crate::estimate::ChannelError;
use crate::modulation::Modulation;
use crate::sequences::Gold;
use crate::shared::cbgs;
use crate::shared::precoding::Precoder;
use crate::shared::send::{Job, Sender};
use dsp::Isa;
use fapi::{PdschPdu, PrecodingMatrix};
use fec::sch::SchEncoder;
use nr::SlotPoint;
use ofdm::Grid;

/// Sends PDSCHs of a carrier of a given size; owns the encoder and all scratch.
pub struct PdschTransmitter {
    isa: Isa,
    encoder: SchEncoder,
    layout: Layout,
    coded: Vec<u8>,
    n_symbols_max: usize,
    sender: Sender,
    n_rb_max: usize,
}

impl PdschTransmitter {
    /// For carriers of up to `n_rb_max` RBs and PDSCHs of up to `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_layers_max: usize) -> Self {
        let elements = n_rb_max * 12 * 14 * n_layers_max.clamp(1, 4);
        Self {
            isa,
            encoder: SchEncoder::new(fec_isa(isa)),
            layout: Layout::default(),
            coded: vec![0; elements / 8 * 10 + 8],
            n_symbols_max: elements,
            sender: Sender::new(isa, n_rb_max, elements),
            n_rb_max,
        }
    }

    /// Encodes `tb` and writes data and reference signals into `grid`; layer v goes to port v, unless the PDU asks for matrices.
    ///
    /// As [`PdschTransmitter::transmit_precoded`] without any matrix.
    pub fn transmit(&mut self, pdu: &PdschPdu, tb: &[u8], slot: SlotPoint, grid: &mut Grid) -> Result<(), PdschError> {
        self.transmit_precoded(pdu, tb, &[], slot, grid)
    }

    /// Encodes `tb` and writes data, DM-RS and PT-RS into `grid`. Elements that the PDSCH does not use stay.
    ///
    /// - `tb`         `coding.tbs_bytes` bytes
    /// - `precoders`  the slot's matrices, of which `pdu.precoding` names some
    /// - `slot`       in the grid's numerology
    ///
    /// Data have the power of `power_offset_db`, DM-RS that of the CDM groups without data on top. Precoded layers are added to what is
    /// in the grid, others overwrite it. Errors: [`PdschError`]; the grid is then as it was. No allocation for what the transmitter was
    /// made for.
    pub fn transmit_precoded(
        &mut self,
        pdu: &PdschPdu,
        tb: &[u8],
        precoders: &[PrecodingMatrix],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), PdschError> {
        let (scheme, n_symbols, n_bytes) = self.lay_out(pdu, grid)?;
        let params = sch_params(&pdu.coding, pdu.n_layers, n_symbols);
        self.encoder.encode_cbgs(&params, cbgs(pdu.cbg), tb, &mut self.coded[..n_bytes])?;
        self.send_coded(pdu, scheme, n_bytes, precoders, slot, grid)
    }

    /// Checks `pdu` and lays it out: modulation, number of symbols, bytes of coded bits.
    pub(super) fn lay_out(&mut self, pdu: &PdschPdu, grid: &Grid) -> Result<(Modulation, usize, usize), PdschError> {
        check(pdu, grid.n_subcarriers())?;
        let n_layers = usize::from(pdu.n_layers);
        if pdu.precoding == fapi::DlPrecoding::Identity && n_layers > grid.n_ports() {
            return Err(ChannelError::Invalid("more layers than grid ports (TS 38.211 §7.3.1.4)").into());
        }
        let scheme = modulation(pdu)?;
        self.layout.fill(&shape(pdu));
        let n_symbols = self.layout.n_elements() * n_layers;
        let n_bytes = (n_symbols * usize::from(pdu.coding.q_m)).div_ceil(8);
        let fits = n_symbols <= self.n_symbols_max && grid.n_subcarriers() <= 12 * self.n_rb_max;
        if n_bytes > self.coded.len() || !fits {
            return Err(ChannelError::Invalid("a PDSCH larger than the transmitter was made for").into());
        }
        Ok((scheme, n_symbols, n_bytes))
    }

    /// Scrambles the coded bits in `self.coded`, modulates and maps them, and the reference signals.
    fn send_coded(
        &mut self,
        pdu: &PdschPdu,
        scheme: Modulation,
        n_bytes: usize,
        precoders: &[PrecodingMatrix],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), PdschError> {
        let (n_rb, n_ports) = (grid.n_subcarriers() / 12, grid.n_ports());
        let precoder = Precoder::downlink(&pdu.precoding, pdu.dmrs.reference_rb, precoders, n_rb, n_ports)?;
        let coded = &mut self.coded[..n_bytes];
        Gold::new(c_init(pdu.rnti, pdu.n_id)).xor_packed(self.isa, coded);
        let amplitude = libm::powf(10.0, pdu.power_offset_db / 20.0);
        let job = Job {
            shape: shape(pdu),
            layout: &self.layout,
            slot,
            n_layers: usize::from(pdu.n_layers),
            bits: coded,
            scheme,
            amplitude,
            precoder,
            transform: None,
        };
        Ok(self.sender.send(&job, grid)?)
    }

    /// Sends given coded bits instead of a transport block's.
    #[cfg(test)]
    pub(crate) fn transmit_coded(
        &mut self,
        pdu: &PdschPdu,
        coded: &[u8],
        precoders: &[PrecodingMatrix],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), PdschError> {
        let (scheme, _, n_bytes) = self.lay_out(pdu, grid)?;
        self.coded[..n_bytes].copy_from_slice(coded);
        self.send_coded(pdu, scheme, n_bytes, precoders, slot, grid)
    }
}

/// The modulation of a PDSCH: QPSK to 1024QAM. Spec: TS 38.211 §7.3.1.2
pub(super) fn modulation(pdu: &PdschPdu) -> Result<Modulation, ChannelError> {
    Modulation::from_q_m(pdu.coding.q_m)
        .filter(|m| *m != Modulation::HalfPiBpsk)
        .ok_or(ChannelError::Invalid("modulation order of a PDSCH (TS 38.211 §7.3.1.2)"))
}
