//! From the grid to a transport block. Spec: TS 38.211 §7.3.1; TS 38.212 §7.2

use super::transmit::modulation;
use super::{PdschError, c_init, check, fec_isa, sch_params, shape};
use crate::equalize::Detector;
use crate::estimate::{Bundling, ChannelError, ChannelEstimate, RX_MAX, SharedEstimator};
use crate::modulation::descramble;
use crate::sequences::Gold;
use crate::shared::cbgs;
use crate::shared::demap::{Reception, SymbolReport};
use crate::shared::spread::{BlockCrew, SymbolCrew};
use dsp::Isa;
use fapi::{DlPrecoding, PdschPdu};
use fec::Llr;
use fec::sch::SoftBuffer;
use node::Crew;
use nr::SlotPoint;
use ofdm::Grid;

/// What became of a PDSCH.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PdschResult {
    /// The transport block's CRC holds.
    pub crc_ok: bool,
    /// SINR after equalization, harmonic mean over the data elements, dB.
    pub sinr_db: f32,
    /// Received power of a resource element of unit transmit power, linear.
    pub rsrp: f32,
    /// Noise variance of a resource element.
    pub noise_var: f32,
    /// Error vector magnitude, a fraction.
    pub evm: f32,
    /// Mean delay after the receiver's symbol start, seconds.
    pub delay_s: f64,
    /// Phase from one symbol to the next, turns, where DM-RS tells it.
    pub turns_per_symbol: Option<f32>,
    /// Maximum Doppler shift that fits, cycles a symbol.
    pub doppler_per_symbol: f32,
    /// LDPC iterations, mean over code blocks.
    pub ldpc_iterations: f32,
    /// HARQ-ACK of code block groups: bit m is group m; 0 where none are configured. Spec: TS 38.213 §9.1.1
    pub cbg_acks: u8,
}

/// Receives PDSCHs of a carrier of a given size; owns estimator, equalizer, decoder and all scratch.
pub struct PdschReceiver {
    isa: Isa,
    estimator: SharedEstimator,
    reception: Reception,
    symbols: SymbolCrew,
    blocks: BlockCrew,
    n_rx_max: usize,
    n_layers_max: usize,
    llrs: Vec<Llr>,
    /// The scrambling sequence, packed.
    sequence: Vec<u8>,
}

impl PdschReceiver {
    /// For carriers of up to `n_rb_max` RBs, `n_rx` antennas (1..=8) and PDSCHs of up to `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_rx: usize, n_layers_max: usize) -> Self {
        let (n_rx, n_layers) = (n_rx.clamp(1, RX_MAX), n_layers_max.clamp(1, 4));
        let n_bits = n_layers * n_rb_max * 12 * 14 * 10;
        let estimator = SharedEstimator::new(isa, n_rb_max, n_rx, n_layers);
        let mut reception = Reception::new(&estimator, n_rb_max);
        reception.detector = Detector::Joint;
        Self {
            isa,
            reception,
            symbols: SymbolCrew::new(isa, n_rb_max, n_rx, n_layers),
            estimator,
            blocks: BlockCrew::new(fec_isa(isa)),
            n_rx_max: n_rx,
            n_layers_max: n_layers,
            llrs: vec![0; n_bits],
            sequence: vec![0; n_bits / 8 + 8],
        }
    }

    /// How several layers are told apart from now on; [`Detector::Joint`] at first.
    pub fn set_detector(&mut self, detector: Detector) {
        self.reception.detector = detector;
    }

    /// Symbols and code blocks of a PDSCH are spread over `crew` from now on; the bits stay the same. Allocates.
    pub fn set_crew(&mut self, crew: &Crew) {
        self.symbols.set_crew(crew);
        self.blocks.set_crew(crew);
    }

    /// Receives one PDSCH.
    ///
    /// - `grid`  received elements, every port an antenna
    /// - `soft`  of the HARQ process; a PDU with `new_data` starts afresh
    /// - `tb`    `coding.tbs_bytes` bytes, overwritten; right only if `crc_ok`
    ///
    /// Errors: [`PdschError`] where the PDU contradicts itself, the grid or the soft buffer. Non-finite elements count as erased.
    /// No allocation for what the receiver was made for.
    pub fn receive(
        &mut self,
        pdu: &PdschPdu,
        slot: SlotPoint,
        grid: &Grid,
        soft: &mut SoftBuffer,
        max_iterations: u8,
        tb: &mut [u8],
    ) -> Result<PdschResult, PdschError> {
        let (n_llrs, report) = self.soft_bits(pdu, slot, grid)?;
        let params = sch_params(&pdu.coding, pdu.n_layers, n_llrs / usize::from(pdu.coding.q_m));
        let llrs = &self.llrs[..n_llrs];
        let (groups, iterations) = (cbgs(pdu.cbg), max_iterations.max(1));
        let result = self.blocks.decode(&params, groups, llrs, soft, pdu.new_data, iterations, tb)?;
        let est = self.reception.estimate();
        Ok(PdschResult {
            crc_ok: result.crc_ok,
            sinr_db: 10.0 * libm::log10f(report.sinr_harmonic().max(1e-6)),
            rsrp: est.rsrp,
            noise_var: est.noise_var,
            evm: report.evm(),
            delay_s: est.delay_s,
            turns_per_symbol: est.turns_per_symbol,
            doppler_per_symbol: est.doppler_per_symbol,
            ldpc_iterations: result.iterations_mean,
            cbg_acks: result.cbg_acks,
        })
    }

    /// The estimate of the last PDSCH received.
    pub fn estimate(&self) -> &ChannelEstimate {
        self.reception.estimate()
    }

    /// Estimates, equalizes, demaps and descrambles; returns the number of soft bits, which lie in `llrs`.
    fn soft_bits(&mut self, pdu: &PdschPdu, slot: SlotPoint, grid: &Grid) -> Result<(usize, SymbolReport), PdschError> {
        check(pdu, grid.n_subcarriers())?;
        let n_layers = usize::from(pdu.n_layers);
        let scheme = modulation(pdu)?;
        let fits = self.symbols.fits(usize::from(pdu.rbs.n_rb()), grid.n_ports(), n_layers);
        if !fits || n_layers > self.n_layers_max || grid.n_ports() > self.n_rx_max {
            return Err(ChannelError::Invalid("a PDSCH larger than the receiver was made for").into());
        }
        if n_layers > grid.n_ports() {
            return Err(ChannelError::Invalid("more layers than antennas tell apart (TS 38.214 §5.2.2)").into());
        }
        self.reception.layout.fill(&shape(pdu));
        self.reception.begin(&mut self.estimator, grid, slot, &shape(pdu), scheme, None, bundling(pdu))?;
        let n_llrs = self.reception.bits_of(13).end;
        let report = self.symbols.soft_bits(&self.reception, grid, &mut self.llrs)?;
        let sequence = &mut self.sequence[..n_llrs.div_ceil(8)];
        Gold::new(c_init(pdu.rnti, pdu.n_id)).fill_packed(self.isa, sequence);
        descramble(self.isa, &mut self.llrs[..n_llrs], sequence);
        Ok((n_llrs, report))
    }

    /// The soft bits of a PDSCH, before decoding.
    #[cfg(test)]
    pub(crate) fn receive_soft(&mut self, pdu: &PdschPdu, slot: SlotPoint, grid: &Grid) -> Result<&[Llr], PdschError> {
        let (n, _) = self.soft_bits(pdu, slot, grid)?;
        Ok(&self.llrs[..n])
    }
}

/// Over which RBs the transmitter may keep its precoder: the PDU's groups, or all. Spec: TS 38.214 §5.1.2.3
fn bundling(pdu: &PdschPdu) -> Bundling {
    match pdu.precoding {
        DlPrecoding::Matrices { prg_size: size @ (2 | 4), .. } => {
            let (size, reference) = (usize::from(size), i64::from(pdu.dmrs.reference_rb));
            Bundling { size, offset: (-reference).rem_euclid(size as i64) as usize }
        }
        _ => Bundling::default(),
    }
}
