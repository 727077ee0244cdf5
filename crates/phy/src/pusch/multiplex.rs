//! Where data and control lie on a PUSCH. Spec: TS 38.212 §6.2.7, §6.3.2.4

use super::sch_params;
use crate::estimate::{ChannelError, dmrs};
use fapi::PuschPdu;
use fec::sch::Segmentation;
use nr::SYMBOLS_PER_SLOT;

/// What a resource element (of every layer) carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The transport block.
    Data,
    /// HARQ-ACK of more than two bits; the transport block was rate-matched around it.
    Ack,
    /// CSI part 1.
    Csi1,
    /// HARQ-ACK of one or two bits, that punctured the transport block.
    DataUnderAck,
}

/// The layout of one PUSCH. Made once and used again.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// First element of each symbol of the slot, in the order of transmission; entry 14 is the total.
    pub starts: [usize; SYMBOLS_PER_SLOT + 1],
    /// What each element carries, in the order of transmission; empty where all of them are data.
    pub roles: Vec<Role>,
    /// Q'_ACK.
    pub n_ack: usize,
    /// Q'_CSI-1.
    pub n_csi1: usize,
    /// Coded bits of the transport block, G.
    pub g_ul_sch: usize,
    /// Coded bits of an element over all layers: N_L Q_m.
    pub bits_per_element: usize,
    /// Elements reserved for a possible HARQ-ACK of up to two bits.
    reserved: Vec<bool>,
}

impl Layout {
    /// Memory for any PUSCH of up to `n_subcarriers`.
    pub fn with_capacity(n_subcarriers: usize) -> Layout {
        let n = n_subcarriers * SYMBOLS_PER_SLOT;
        Layout { roles: Vec::with_capacity(n), reserved: Vec::with_capacity(n), ..Layout::default() }
    }

    /// Resource elements a layer.
    pub fn n_elements(&self) -> usize {
        self.starts[SYMBOLS_PER_SLOT]
    }

    /// All coded bits.
    pub fn n_bits(&self) -> usize {
        self.n_elements() * self.bits_per_element
    }

    /// Lays out `pdu`, which the caller has checked.
    ///
    /// Errors: `Invalid` if there is no room for the transport block or the UCI.
    pub fn set(&mut self, pdu: &PuschPdu) -> Result<(), ChannelError> {
        let n_sc = pdu.rbs.n_rb() as usize * 12;
        let free_in_dmrs = (12 - dmrs::occupied(&pdu.dmrs).count_ones() as usize) * pdu.rbs.n_rb() as usize;
        let symbols = pdu.start_symbol as usize..(pdu.start_symbol + pdu.n_symbols) as usize;
        let is_dmrs = |l: usize| pdu.dmrs.symbols >> l & 1 == 1;
        let mut at = 0;
        for l in 0..SYMBOLS_PER_SLOT {
            self.starts[l] = at;
            if symbols.contains(&l) {
                at += if is_dmrs(l) { free_in_dmrs } else { n_sc };
            }
        }
        self.starts[SYMBOLS_PER_SLOT] = at;
        self.bits_per_element = pdu.coding.q_m as usize * pdu.n_layers as usize;
        self.roles.clear();
        (self.n_ack, self.n_csi1) = (0, 0);
        self.g_ul_sch = at * self.bits_per_element;
        let uci = &pdu.uci;
        if uci.n_harq_ack > 0 || uci.n_csi1 > 0 {
            self.place_uci(pdu, n_sc, symbols, is_dmrs)?;
        }
        if self.g_ul_sch == 0 {
            return Err(ChannelError::Invalid("no resource element left for the transport block"));
        }
        Ok(())
    }

    fn place_uci(
        &mut self,
        pdu: &PuschPdu,
        n_sc: usize,
        symbols: core::ops::Range<usize>,
        is_dmrs: impl Fn(usize) -> bool,
    ) -> Result<(), ChannelError> {
        let end = symbols.end;
        // First symbol without DM-RS after the first run of DM-RS symbols, and first symbol without DM-RS.
        let first_dmrs = symbols.clone().find(|l| is_dmrs(*l)).unwrap_or(end);
        let l_1 = (first_dmrs..end).find(|l| !is_dmrs(*l)).unwrap_or(end);
        let l_csi = symbols.clone().find(|l| !is_dmrs(*l)).unwrap_or(end);
        let uci_in = |from: usize| (from..end).filter(|l| !is_dmrs(*l)).count() * n_sc;
        let sum_k = {
            let plan = Segmentation::new(&sch_params(pdu, self.g_ul_sch))
                .map_err(|_| ChannelError::Invalid("transport block of a PUSCH with UCI"))?;
            plan.n_blocks * plan.k
        };
        let uci = &pdu.uci;
        let alpha = uci.scaling;
        let all = uci_in(symbols.start);
        let n_a = uci.n_harq_ack as usize;
        let needed = |bits: usize, beta: f32| -> usize {
            let n = libm::ceil((bits + crc_len(bits)) as f64 * f64::from(beta) * all as f64 / sum_k as f64);
            if n.is_finite() { n.max(0.0) as usize } else { 0 }
        };
        let share = |n: usize| libm::ceil(f64::from(alpha.clamp(0.0, 1.0)) * n as f64) as usize;
        let q_ack = |bits: usize| needed(bits, uci.beta_harq_ack).min(share(uci_in(l_1)));
        let n_reserved = if n_a <= 2 { q_ack(2) } else { 0 };
        self.n_ack = if n_a == 0 { 0 } else { q_ack(n_a) };
        let n_before_csi = if n_a <= 2 { n_reserved } else { self.n_ack };
        self.n_csi1 = match uci.n_csi1 as usize {
            0 => 0,
            bits => needed(bits, uci.beta_csi1).min(share(all).saturating_sub(n_before_csi)),
        };
        if n_a > 0 && self.n_ack == 0 || uci.n_csi1 > 0 && self.n_csi1 == 0 {
            return Err(ChannelError::Invalid("no resource element for UCI: beta offset or alpha"));
        }
        self.roles.resize(self.n_elements(), Role::Data);
        self.reserved.clear();
        self.reserved.resize(self.n_elements(), false);
        let (starts, n_ack, n_csi1) = (self.starts, self.n_ack, self.n_csi1);
        let span = |l: usize| starts[l]..starts[l] + if is_dmrs(l) { 0 } else { n_sc };
        let mut elements = Elements { roles: &mut self.roles, reserved: &mut self.reserved };
        elements.place(l_1..end, n_reserved, span, |_, _| true, |_, reserved| *reserved = true)?;
        if n_a > 2 {
            elements.place(l_1..end, n_ack, span, |_, _| true, |role, _| *role = Role::Ack)?;
        }
        let free = |role, reserved: bool| role == Role::Data && !reserved;
        elements.place(l_csi..end, n_csi1, span, free, |role, _| *role = Role::Csi1)?;
        if n_a == 1 || n_a == 2 {
            elements.place(l_1..end, n_ack, span, |_, reserved| reserved, |role, _| *role = Role::DataUnderAck)?;
        }
        let n_taken = if n_a > 2 { self.n_ack } else { 0 } + self.n_csi1;
        self.g_ul_sch = (self.n_elements() - n_taken) * self.bits_per_element;
        Ok(())
    }
}

/// CRC bits of UCI. Spec: TS 38.212 §6.3.1.2.1, §6.3.2.4.1.1
fn crc_len(n_bits: usize) -> usize {
    match n_bits {
        0..=11 => 0,
        12..=19 => 6,
        _ => 11,
    }
}

/// What is known of every element while UCI is placed.
struct Elements<'a> {
    roles: &'a mut [Role],
    reserved: &'a mut [bool],
}

impl Elements<'_> {
    /// Marks `n` eligible elements: all of a symbol's while they are needed, evenly spread in the last symbol.
    fn place(
        &mut self,
        symbols: core::ops::Range<usize>,
        n: usize,
        span: impl Fn(usize) -> core::ops::Range<usize>,
        eligible: impl Fn(Role, bool) -> bool,
        mark: impl Fn(&mut Role, &mut bool),
    ) -> Result<(), ChannelError> {
        let mut left = n;
        for l in symbols {
            if left == 0 {
                break;
            }
            let (roles, reserved) = (&mut self.roles[span(l)], &mut self.reserved[span(l)]);
            let m = roles.iter().zip(reserved.iter()).filter(|(role, r)| eligible(**role, **r)).count();
            let (d, take) = if left >= m { (1, m) } else { (m / left, left) };
            let cells = roles.iter_mut().zip(reserved.iter_mut()).filter(|(role, r)| eligible(**role, **r));
            cells.step_by(d).take(take).for_each(|(role, r)| mark(role, r));
            left -= take;
        }
        if left == 0 { Ok(()) } else { Err(ChannelError::Invalid("UCI does not fit the PUSCH")) }
    }
}
