//! The receiver of PUSCH, in two steps: control first, the transport block when there is time.

use super::{CSI1_BITS_MAX, HARQ_ACK_BITS_MAX, Layout, Role, c_init, check, sch_params};
use crate::equalize::Equalizer;
use crate::estimate::{ChannelError, ChannelEstimate, RX_MAX, SharedEstimator, dmrs};
use crate::modulation::{Modulation, demodulate, descramble};
use crate::pucch::uci_was_sent;
use crate::sequences::Gold;
use dsp::{Cf32, Isa};
use fapi::PuschPdu;
use fec::polar::PolarCodec;
use fec::sch::{SchDecoder, SoftBuffer};
use fec::{Llr, bits};
use nr::{SYMBOLS_PER_SLOT, SlotPoint, Tc};
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// What was decided about one kind of UCI.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UciDecision<const N: usize> {
    /// The bits, one a byte; those past `len` are 0.
    pub bits: [u8; N],
    /// How many.
    pub len: u8,
    /// The CRC holds, or without one the code word stands out from noise.
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
}

/// What became of the transport block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PuschData {
    /// The CRC holds.
    pub crc_ok: bool,
    /// LDPC iterations, mean over code blocks.
    pub ldpc_iterations: f32,
}

/// Receives PUSCHs. Holds plans and scratch; nothing is allocated in a call once the largest PUSCH was seen.
pub struct PuschReceiver {
    isa: Isa,
    estimator: SharedEstimator,
    estimate: ChannelEstimate,
    equalizer: Equalizer,
    decoder: SchDecoder,
    polar: PolarCodec,
    layout: Layout,
    /// Received elements of one symbol: `[rx][allocated subcarrier]`.
    gathered: Vec<Cf32>,
    symbols: Vec<Cf32>,
    noise_var: Vec<f32>,
    llrs: Vec<Llr>,
    sequence: Vec<u8>,
    uci: Vec<Llr>,
    /// Soft bits of the transport block that `receive_control` left, and whether there are any.
    n_data: usize,
    dtx: bool,
}

impl PuschReceiver {
    /// For carriers of up to `n_rb_max` RB, `n_rx` antennas (1..=4), `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_rx: usize, n_layers_max: usize) -> PuschReceiver {
        let n_layers = n_layers_max.max(1);
        let n_sc = n_rb_max * 12;
        let n_bits = n_sc * SYMBOLS_PER_SLOT * 8 * n_layers;
        let estimator = SharedEstimator::new(isa, n_rb_max, n_rx, n_layers);
        PuschReceiver {
            isa,
            estimate: estimator.make_estimate(),
            estimator,
            equalizer: Equalizer::new(isa, n_sc, n_rx, n_layers),
            decoder: SchDecoder::new(isa),
            polar: PolarCodec::new(8),
            layout: Layout::with_capacity(n_sc),
            gathered: vec![ZERO; n_sc * RX_MAX],
            symbols: vec![ZERO; n_sc * n_layers],
            noise_var: vec![0.0; n_sc * n_layers],
            llrs: vec![0; n_bits],
            sequence: vec![0; n_bits / 8 + 8],
            uci: Vec::with_capacity(n_bits),
            n_data: 0,
            dtx: true,
        }
    }

    /// The channel estimate of the last PUSCH.
    pub fn estimate(&self) -> &ChannelEstimate {
        &self.estimate
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
        self.n_data = 0;
        check(pdu, grid.n_subcarriers())?;
        let scheme = Modulation::from_q_m(pdu.coding.q_m).ok_or(ChannelError::Invalid("modulation order"))?;
        self.layout.set(pdu)?;
        let n_bits = self.layout.n_bits();
        let n_sc = pdu.rbs.n_rb() as usize * 12;
        let n_layers = pdu.n_layers as usize;
        if n_bits > self.llrs.len() || n_sc * n_layers > self.symbols.len() || grid.n_ports() > RX_MAX {
            return Err(ChannelError::Invalid("larger than the receiver was made for"));
        }
        self.estimator.estimate(grid, slot, &pdu.rbs, &pdu.dmrs, &mut self.estimate)?;
        let sinr_db = self.demap(grid, pdu, scheme, n_sc)?;
        let n_bytes = n_bits.div_ceil(8);
        self.sequence[..n_bytes].fill(0);
        Gold::new(c_init(pdu)).xor_packed(&mut self.sequence[..n_bytes]);
        let mut control = self.report(pdu, slot, sinr_db);
        if !self.layout.roles.is_empty() {
            control.harq_ack = self.decode_uci(pdu, pdu.uci.n_harq_ack as usize, false);
            control.csi1 = self.decode_uci(pdu, pdu.uci.n_csi1 as usize, true);
        }
        descramble(self.isa, &mut self.llrs[..n_bits], &self.sequence);
        self.n_data = self.keep_data();
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
        if self.dtx || self.n_data == 0 {
            if pdu.new_data {
                soft.clear();
            }
            return Ok(PuschData { crc_ok: false, ldpc_iterations: 0.0 });
        }
        let params = sch_params(pdu, self.n_data);
        let result = self
            .decoder
            .decode(&params, &self.llrs[..self.n_data], soft, pdu.new_data, max_iterations.max(1), tb_out)
            .map_err(|_| ChannelError::Invalid("transport block size, soft buffer or coding"))?;
        Ok(PuschData { crc_ok: result.crc_ok, ldpc_iterations: result.iterations_mean })
    }

    /// Fills `llrs` in the order of transmission; returns the SINR in dB.
    fn demap(&mut self, grid: &Grid, pdu: &PuschPdu, scheme: Modulation, n_sc: usize) -> Result<f32, ChannelError> {
        let n_layers = pdu.n_layers as usize;
        let occupied = dmrs::occupied(&pdu.dmrs);
        let (mut rate, mut n_rate) = (0.0f64, 0u32);
        for l in pdu.start_symbol as usize..(pdu.start_symbol + pdu.n_symbols) as usize {
            let taken = if pdu.dmrs.symbols >> l & 1 == 1 { occupied } else { 0 };
            if taken == 0xfff {
                continue;
            }
            let mut y: [&[Cf32]; RX_MAX] = [&[]; RX_MAX];
            if let fapi::RbAllocation::Contiguous { start, .. } = pdu.rbs {
                for (rx, y) in y.iter_mut().enumerate().take(grid.n_ports()) {
                    *y = &grid.symbol(rx, l)[start as usize * 12..start as usize * 12 + n_sc];
                }
            } else {
                gather(grid, pdu, l, n_sc, &mut self.gathered);
                for (y, row) in y.iter_mut().zip(self.gathered.chunks(n_sc)).take(grid.n_ports()) {
                    *y = row;
                }
            }
            let (symbols, noise) = (&mut self.symbols[..n_sc * n_layers], &mut self.noise_var[..n_sc * n_layers]);
            self.equalizer.equalize(&self.estimate, l, &y[..grid.n_ports()], symbols, noise);
            for n in noise.iter().step_by((noise.len() / 40).max(1)) {
                rate += f64::from(libm::log2f(1.0 + 1.0 / n.max(1e-9)));
                n_rate += 1;
            }
            let n = if taken == 0 { n_sc } else { compact(taken, n_layers, symbols, noise) };
            let q = self.layout.bits_per_element;
            let at = self.layout.starts[l] * q;
            demodulate(
                self.isa,
                scheme,
                &self.symbols[..n * n_layers],
                &self.noise_var[..n * n_layers],
                &mut self.llrs[at..at + n * q],
            )
            .map_err(|_| ChannelError::Invalid("soft bits and symbols"))?;
        }
        let mean = rate / f64::from(n_rate.max(1));
        Ok((10.0 * libm::log10((libm::exp2(mean) - 1.0).max(1e-6))) as f32)
    }

    fn report(&self, pdu: &PuschPdu, slot: SlotPoint, sinr_db: f32) -> PuschControl {
        let est = &self.estimate;
        // Noise alone leaves about a tenth of its power in a smoothed estimate, more where there are few pilots.
        let n_pilots = pdu.rbs.n_rb() as f32 * 6.0 * pdu.dmrs.symbols.count_ones() as f32;
        let seen = est.snr() > 0.1 + 1.0 / n_pilots;
        let per_second = Tc::PER_SECOND as f64;
        let scs = slot.numerology().scs_hz() as f32;
        // Symbols lie 2192/2048 of the useful part apart.
        let hz = |turns: f32| turns * scs * (2048.0 / 2192.0);
        PuschControl {
            harq_ack: UciDecision::default(),
            csi1: UciDecision::default(),
            dtx: !seen,
            sinr_db,
            rsrp: est.rsrp,
            noise_var: est.noise_var,
            timing_error_tc: (est.delay_s * per_second) as i32,
            cfo_hz: est.turns_per_symbol.map(hz),
        }
    }

    /// Collects and decodes one kind of UCI from soft bits that are still scrambled.
    fn decode_uci<const N: usize>(&mut self, pdu: &PuschPdu, n: usize, csi: bool) -> UciDecision<N> {
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
                Role::Csi1 => csi,
                Role::Ack | Role::DataUnderAck => !csi,
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
            decision.valid = uci_was_sent(&result, n, self.uci.len());
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
                Role::Ack | Role::Csi1 => continue,
            }
            n += q;
        }
        n
    }
}

/// Copies the allocated subcarriers of symbol `l` of every antenna.
fn gather(grid: &Grid, pdu: &PuschPdu, l: usize, n_sc: usize, out: &mut [Cf32]) {
    for (rx, row) in (0..grid.n_ports()).zip(out.chunks_mut(n_sc)) {
        let mut at = 0;
        for (first, n) in dmrs::runs(&pdu.rbs) {
            let cells = &grid.symbol(rx, l)[first as usize * 12..(first + n) as usize * 12];
            row[at..at + cells.len()].copy_from_slice(cells);
            at += cells.len();
        }
    }
}

/// Keeps the elements whose bit in `taken` is 0; returns how many subcarriers are left.
fn compact(taken: u16, n_layers: usize, symbols: &mut [Cf32], noise: &mut [f32]) -> usize {
    let mut n = 0;
    for k in (0..symbols.len() / n_layers).filter(|k| taken >> (k % 12) & 1 == 0) {
        symbols.copy_within(k * n_layers..(k + 1) * n_layers, n * n_layers);
        noise.copy_within(k * n_layers..(k + 1) * n_layers, n * n_layers);
        n += 1;
    }
    n
}
