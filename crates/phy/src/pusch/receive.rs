//! The receiver of PUSCH, in two steps: control first, the transport block when there is time.

use super::{
    CSI1_BITS_MAX, CSI2_BITS_MAX, HARQ_ACK_BITS_MAX, Layout, Role, c_init, check, modulation, sch_params, shape,
};
use crate::equalize::Detector;
use crate::estimate::{Bundling, ChannelError, ChannelEstimate, RX_MAX, SharedEstimator};
use crate::modulation::descramble;
use crate::pucch::uci_was_sent;
use crate::sequences::Gold;
use crate::shared::cbgs;
use crate::shared::demap::{Reception, SymbolReport};
use crate::shared::spread::{Beside, BlockCrew, Decoders, SymbolCrew};
use dsp::Isa;
use fapi::PuschPdu;
use fec::polar::PolarCodec;
use fec::sch::{SchError, SchResult, Segmentation, SoftBuffer, TOGETHER_MAX};
use fec::{Llr, bits};
use node::Crew;
use nr::{SYMBOLS_PER_SLOT, SlotPoint, Tc};
use ofdm::Grid;

/// What was decided about one kind of UCI.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UciDecision<const N: usize> {
    /// The bits, one a byte; those past `len` are 0.
    pub bits: [u8; N],
    /// How many.
    pub len: u8,
    /// The CRC holds; without one HARQ-ACK's code word stands out from noise, and CSI's PUSCH was seen.
    pub valid: bool,
    /// Normalised correlation with the code word decided for: 1 without noise.
    pub metric: f32,
}

impl<const N: usize> Default for UciDecision<N> {
    fn default() -> Self {
        UciDecision { bits: [0; N], len: 0, valid: false, metric: 0.0 }
    }
}

/// What a PUSCH tells before its transport block is decoded.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PuschControl {
    /// HARQ-ACK, if `pdu.uci` asks for it.
    pub harq_ack: UciDecision<HARQ_ACK_BITS_MAX>,
    /// CSI part 1, if `pdu.uci` asks for it.
    pub csi1: UciDecision<CSI1_BITS_MAX>,
    /// CSI part 2, if `pdu.uci` and what part 1 says ask for it.
    pub csi2: UciDecision<CSI2_BITS_MAX>,
    /// Nothing above the noise was seen.
    pub dtx: bool,
    /// SINR after equalisation, dB: the mean of log2(1 + SINR) over elements, turned back.
    pub sinr_db: f32,
    /// Received power a resource element for unit transmit power, in the units of the grid squared.
    pub rsrp: f32,
    /// Noise and interference power a resource element, in the units of the grid squared.
    pub noise_var: f32,
    /// Delay against the receiver's symbol start, T_c: positive means late.
    pub timing_error_tc: i32,
    /// Carrier frequency offset, Hz, where several DM-RS symbols show one.
    pub cfo_hz: Option<f32>,
    /// Maximum Doppler shift that fits, Hz; 0 where the channel does not change within the slot.
    pub doppler_hz: f32,
    /// Error vector magnitude, a fraction.
    pub evm: f32,
}

/// What became of the transport block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PuschData {
    /// The CRC holds.
    pub crc_ok: bool,
    /// LDPC iterations, mean over code blocks.
    pub ldpc_iterations: f32,
    /// Code block groups that have passed: bit m is group m; 0 where none are configured. Spec: TS 38.214 §6.1.5
    pub cbg_acks: u8,
}

/// Receives PUSCHs. Holds plans and scratch; nothing is allocated in a call once the largest PUSCH was seen.
pub struct PuschReceiver {
    isa: Isa,
    estimator: SharedEstimator,
    reception: Reception,
    symbols: SymbolCrew,
    blocks: BlockCrew,
    polar: PolarCodec,
    layout: Layout,
    llrs: Vec<Llr>,
    sequence: Vec<u8>,
    uci: Vec<Llr>,
    /// Soft bits of the transport block that `receive_control` left, and whether there are any.
    n_data: usize,
    dtx: bool,
}

impl PuschReceiver {
    /// For carriers of up to `n_rb_max` RB, `n_rx` antennas (1..=8), `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_rx: usize, n_layers_max: usize) -> PuschReceiver {
        let n_layers = n_layers_max.clamp(1, 4);
        let n_rx = n_rx.clamp(1, RX_MAX);
        let n_sc = n_rb_max * 12;
        let n_bits = n_sc * SYMBOLS_PER_SLOT * 8 * n_layers;
        let estimator = SharedEstimator::new(isa, n_rb_max, n_rx, n_layers);
        PuschReceiver {
            isa,
            reception: Reception::new(&estimator, n_rb_max),
            symbols: SymbolCrew::new(isa, n_rb_max, n_rx, n_layers),
            estimator,
            blocks: BlockCrew::new(isa),
            polar: PolarCodec::new(8),
            layout: Layout::with_capacity(n_sc),
            llrs: vec![0; n_bits],
            sequence: vec![0; n_bits / 8 + 8],
            uci: Vec::with_capacity(n_bits),
            n_data: 0,
            dtx: true,
        }
    }

    /// How several layers are told apart from now on; [`Detector::Linear`] at first.
    pub fn set_detector(&mut self, detector: Detector) {
        self.reception.detector = detector;
    }

    /// The channel estimate of the last PUSCH; of its first hop where it hops.
    pub fn estimate(&self) -> &ChannelEstimate {
        self.reception.estimate()
    }

    /// First step: estimates, equalises, demaps, and decodes the UCI. The transport block's soft bits stay for
    /// [`PuschReceiver::decode_data`].
    ///
    /// Spec: TS 38.211 §6.3.1, TS 38.212 §6.3.2
    /// - `grid` received elements; every port is an antenna
    ///
    /// Errors: `Invalid`, `Unsupported`; nothing is left for the second step then.
    pub fn receive_control(
        &mut self,
        grid: &Grid,
        pdu: &PuschPdu,
        slot: SlotPoint,
    ) -> Result<PuschControl, ChannelError> {
        self.begin(grid, pdu, slot)?;
        let report = self.symbols.soft_bits(&self.reception, grid, &mut self.llrs)?;
        self.finish(pdu, slot, &report)
    }

    /// Estimates the channel and lays the symbols out.
    fn begin(&mut self, grid: &Grid, pdu: &PuschPdu, slot: SlotPoint) -> Result<(), ChannelError> {
        self.n_data = 0;
        check(pdu, grid.n_subcarriers())?;
        let scheme = modulation(pdu)?;
        let n_layers = pdu.n_layers as usize;
        if n_layers > grid.n_ports() {
            return Err(ChannelError::Invalid("more layers than antennas tell apart (TS 38.211 §6.3.1.3)"));
        }
        self.reception.layout.fill(&shape(pdu));
        self.layout.set(pdu, &self.reception.layout, 0)?;
        let n_rb = pdu.rbs.n_rb() as usize;
        if self.layout.n_bits() > self.llrs.len() || !self.symbols.fits(n_rb, grid.n_ports(), n_layers) {
            return Err(ChannelError::Invalid("larger than the receiver was made for"));
        }
        let transform = pdu.transform_precoding.map(|t| (t, pdu.rnti));
        self.reception.begin(&mut self.estimator, grid, slot, &shape(pdu), scheme, transform, Bundling::default())
    }

    /// Decodes the UCI and leaves the transport block's soft bits.
    fn finish(&mut self, pdu: &PuschPdu, slot: SlotPoint, report: &SymbolReport) -> Result<PuschControl, ChannelError> {
        let n_bits = self.layout.n_bits();
        let n_bytes = n_bits.div_ceil(8);
        let sequence = self.sequence.get_mut(..n_bytes).ok_or(ChannelError::Invalid("a PUSCH that was not begun"))?;
        Gold::new(c_init(pdu)).fill_packed(self.isa, sequence);
        let mut control = self.report(pdu, slot, report);
        if !self.layout.roles.is_empty() {
            control.harq_ack = self.decode_uci(pdu, pdu.uci.n_harq_ack as usize, 0, !control.dtx);
            control.csi1 = self.decode_uci(pdu, pdu.uci.n_csi1 as usize, 1, !control.dtx);
            let n_csi2 = pdu.uci.csi2.n_csi2(&control.csi1.bits[..control.csi1.len as usize]) as usize;
            if n_csi2 > 0 {
                self.layout.set(pdu, &self.reception.layout, n_csi2)?;
                control.csi2 = self.decode_uci(pdu, n_csi2, 2, !control.dtx);
            }
        }
        descramble(self.isa, &mut self.llrs[..n_bits], &self.sequence);
        self.n_data = if pdu.coding.tbs_bytes > 0 { self.keep_data() } else { 0 };
        self.dtx = control.dtx;
        Ok(control)
    }

    /// Second step: combines with the soft buffer and decodes the transport block of the last `receive_control`.
    ///
    /// A PUSCH that was not there (`dtx`) leaves the soft buffer of a retransmission as it is and clears that of new data.
    /// - `tb_out` `pdu.coding.tbs_bytes` bytes, overwritten; right only if `crc_ok`
    ///
    /// Errors: `Invalid` if sizes contradict one another.
    pub fn decode_data(
        &mut self,
        pdu: &PuschPdu,
        soft: &mut SoftBuffer,
        max_iterations: u8,
        tb_out: &mut [u8],
    ) -> Result<PuschData, ChannelError> {
        let llrs = if self.dtx { &[][..] } else { &self.llrs[..self.n_data] };
        decode_soft(pdu, llrs, soft, max_iterations, tb_out, &mut self.blocks.all())
    }

    /// What [`PuschReceiver::receive_control`] left for [`decode_soft`], copied out to make room for the next PUSCH of the slot: `out` is
    /// overwritten, and empty if the PUSCH was not there. Allocates where `out` is smaller than ever before.
    pub fn take_soft(&mut self, out: &mut Vec<Llr>) {
        let n = if self.dtx { 0 } else { self.n_data };
        out.clear();
        out.extend_from_slice(&self.llrs[..n]);
    }

    /// The decoders, for [`decode_soft`] of several PUSCHs at once.
    pub fn blocks(&mut self) -> &mut BlockCrew {
        &mut self.blocks
    }

    /// Symbols and code blocks of a PUSCH are spread over `crew` from now on; the bits stay the same. Allocates.
    pub fn set_crew(&mut self, crew: &Crew) {
        self.symbols.set_crew(crew);
        self.blocks.set_crew(crew);
    }

    /// Q'_ACK of the last PUSCH.
    #[cfg(test)]
    pub(crate) fn n_ack_elements(&self) -> usize {
        self.layout.n_ack
    }

    /// The soft bits of a PUSCH without UCI, before decoding.
    #[cfg(test)]
    pub(crate) fn receive_soft(
        &mut self,
        pdu: &PuschPdu,
        slot: SlotPoint,
        grid: &Grid,
    ) -> Result<&[Llr], ChannelError> {
        self.receive_control(grid, pdu, slot)?;
        Ok(&self.llrs[..self.n_data])
    }

    fn report(&self, pdu: &PuschPdu, slot: SlotPoint, report: &SymbolReport) -> PuschControl {
        let est = self.reception.estimate();
        let seen = est.snr() > least_snr(pdu, est.n_rx());
        let per_second = Tc::PER_SECOND as f64;
        let scs = slot.numerology().scs_hz() as f32;
        // Symbols lie 2192/2048 of the useful part apart.
        let hz = |turns: f32| turns * scs * (2048.0 / 2192.0);
        PuschControl {
            harq_ack: UciDecision::default(),
            csi1: UciDecision::default(),
            csi2: UciDecision::default(),
            dtx: !seen,
            sinr_db: report.sinr_db(),
            rsrp: est.rsrp,
            noise_var: est.noise_var,
            timing_error_tc: (est.delay_s * per_second) as i32,
            cfo_hz: est.turns_per_symbol.map(hz),
            doppler_hz: hz(est.doppler_per_symbol),
            evm: report.evm(),
        }
    }

    /// Collects and decodes one kind of UCI (0 HARQ-ACK, 1 and 2 the parts of CSI) from soft bits that are still scrambled.
    fn decode_uci<const N: usize>(&mut self, pdu: &PuschPdu, n: usize, kind: usize, seen: bool) -> UciDecision<N> {
        let mut decision = UciDecision { len: n as u8, ..UciDecision::default() };
        if n == 0 || n > N {
            return UciDecision::default();
        }
        let q = self.layout.bits_per_element;
        let repeats = n == 1 && pdu.coding.q_m > 1;
        self.uci.clear();
        for (i, role) in self.layout.roles.iter().enumerate() {
            let mine = match role {
                Role::Data => false,
                Role::Csi1 => kind == 1,
                Role::Csi2 => kind == 2,
                Role::Ack | Role::DataUnderAck => kind == 0,
                Role::Csi2UnderAck if kind == 2 => {
                    self.uci.resize(self.uci.len() + q, 0);
                    continue;
                }
                Role::Csi2UnderAck => kind == 0,
            };
            if !mine {
                continue;
            }
            for b in 0..q {
                let at = i * q + b;
                // The placeholder y repeats the scrambled bit before it: second of every Q_m bits.
                let repeat = repeats && b % pdu.coding.q_m as usize == 1;
                let c = bits::get(&self.sequence, if repeat { at - 1 } else { at });
                self.uci.push(if c == 1 { -self.llrs[at] } else { self.llrs[at] });
            }
        }
        if let Ok(result) = fec::uci::decode(&mut self.polar, &self.uci, pdu.coding.q_m, &mut decision.bits[..n]) {
            decision.metric = result.metric;
            // CSI is on every PUSCH that was asked for it; HARQ-ACK is not where the terminal missed the grant. A CRC tells by itself.
            let always = kind != 0 && result.crc_ok.is_none();
            decision.valid = if always { seen } else { uci_was_sent(&result, n, self.uci.len()) };
        }
        decision
    }

    /// Removes the soft bits of UCI, and erases those of data under HARQ-ACK; returns how many are left.
    fn keep_data(&mut self) -> usize {
        let q = self.layout.bits_per_element;
        if self.layout.roles.is_empty() {
            return self.layout.n_bits();
        }
        let mut n = 0;
        for (i, role) in self.layout.roles.iter().enumerate() {
            match role {
                Role::Data => self.llrs.copy_within(i * q..(i + 1) * q, n),
                Role::DataUnderAck => self.llrs[n..n + q].fill(0),
                Role::Ack | Role::Csi1 | Role::Csi2 | Role::Csi2UnderAck => continue,
            }
            n += q;
        }
        n
    }
}

/// The SNR from which on a PUSCH counts as there. Noise alone shows more than ten over the pilots of all antennas once in a hundred times (by
/// simulation), which few pilots would not let a weak PUSCH pass.
fn least_snr(pdu: &PuschPdu, n_rx: usize) -> f32 {
    // The estimate is that of the first hop.
    let n_symbols = pdu.dmrs.symbols.count_ones() as f32 * if pdu.second_hop_rb.is_some() { 0.5 } else { 1.0 };
    let n_pilots = f32::from(pdu.rbs.n_rb()) * 6.0 * n_symbols;
    (10.0 / (n_pilots * n_rx as f32)).min(0.06 + 1.0 / n_pilots)
}

/// A PUSCH whose soft bits were copied out.
pub struct SoftPusch<'a> {
    /// What was granted.
    pub pdu: &'a PuschPdu,
    /// Its soft bits; none if it was not heard.
    pub llrs: &'a [Llr],
    /// Of its HARQ process.
    pub soft: &'a mut SoftBuffer,
    /// The transport block.
    pub tb_out: &'a mut [u8],
}

/// Whether a PUSCH of so many soft bits is one small code block: several are decoded side by side by [`decode_beside`].
pub fn is_small(pdu: &PuschPdu, n_llrs: usize) -> bool {
    n_llrs > 0 && Segmentation::with_cbgs(&sch_params(pdu, n_llrs), cbgs(pdu.cbg)).is_ok_and(|plan| plan.is_small())
}

/// As [`decode_soft`] of each, small code blocks side by side; at most [`TOGETHER_MAX`] PUSCHs, what is beyond stays undecoded.
pub fn decode_beside<'a>(
    all: impl Iterator<Item = SoftPusch<'a>>,
    max_iterations: u8,
    decoders: &mut Decoders<'_>,
    mut done: impl FnMut(usize, Result<PuschData, ChannelError>),
) {
    let mut blocks: [Option<Beside<'a>>; TOGETHER_MAX] = std::array::from_fn(|_| None);
    for (place, p) in blocks.iter_mut().zip(all) {
        *place = Some(Beside {
            params: sch_params(p.pdu, p.llrs.len()),
            cbgs: cbgs(p.pdu.cbg),
            llrs: p.llrs,
            soft: p.soft,
            new_data: p.pdu.new_data,
            tb_out: p.tb_out,
            result: Err(SchError::Layers(0)),
        });
    }
    decoders.decode_beside(&mut blocks, max_iterations.max(1));
    for (i, block) in blocks.into_iter().flatten().enumerate() {
        done(i, data_of(block.result));
    }
}

fn data_of(result: Result<SchResult, SchError>) -> Result<PuschData, ChannelError> {
    let result = result.map_err(|_| ChannelError::Invalid("transport block size, soft buffer or coding"))?;
    let (ldpc_iterations, cbg_acks) = (result.iterations_mean, result.cbg_acks);
    Ok(PuschData { crc_ok: result.crc_ok, ldpc_iterations, cbg_acks })
}

/// The second step of a reception whose soft bits were copied out: as [`PuschReceiver::decode_data`].
///
/// Errors: as there.
pub fn decode_soft(
    pdu: &PuschPdu,
    llrs: &[Llr],
    soft: &mut SoftBuffer,
    max_iterations: u8,
    tb_out: &mut [u8],
    decoders: &mut Decoders<'_>,
) -> Result<PuschData, ChannelError> {
    if llrs.is_empty() {
        if pdu.new_data {
            soft.clear();
        }
        return Ok(PuschData { crc_ok: false, ldpc_iterations: 0.0, cbg_acks: 0 });
    }
    let params = sch_params(pdu, llrs.len());
    data_of(decoders.decode(&params, cbgs(pdu.cbg), llrs, soft, pdu.new_data, max_iterations.max(1), tb_out))
}
