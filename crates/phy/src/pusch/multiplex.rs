//! Where data and control lie on a PUSCH. Spec: TS 38.212 §6.2.7, §6.3.2.4

use super::{sch_params, shape};
use crate::estimate::ChannelError;
use crate::shared::{self, cbgs};
use fapi::PuschPdu;
use fec::sch::Segmentation;
use nr::SYMBOLS_PER_SLOT;

/// What a resource element (of every layer) carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The transport block; zeros where there is none.
    Data,
    /// HARQ-ACK of more than two bits; the transport block was rate-matched around it.
    Ack,
    /// CSI part 1.
    Csi1,
    /// CSI part 2.
    Csi2,
    /// HARQ-ACK of one or two bits, that punctured the transport block.
    DataUnderAck,
    /// HARQ-ACK of one or two bits, that punctured CSI part 2.
    Csi2UnderAck,
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
    /// Q'_CSI-2.
    pub n_csi2: usize,
    /// Coded bits of the transport block, G; 0 where there is none.
    pub g_ul_sch: usize,
    /// Coded bits of an element over all layers: N_L Q_m.
    pub bits_per_element: usize,
    /// Elements reserved for a possible HARQ-ACK of up to two bits.
    reserved: Vec<bool>,
}

/// The symbols of one hop, and where UCI begins in it.
#[derive(Clone, Copy, Debug)]
struct Hop {
    /// First symbol without DM-RS after the first run of DM-RS symbols: l^(i).
    ack_from: usize,
    /// First symbol without DM-RS: l_CSI^(i).
    csi_from: usize,
    end: usize,
}

/// How many elements of one kind lie in each hop.
type Shares = [usize; 2];

/// How the elements of each kind divide over the hops.
#[derive(Clone, Copy, Debug)]
struct Division {
    reserved: Shares,
    ack: Shares,
    csi1: Shares,
    csi2: Shares,
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

    /// Lays out `pdu`, which the caller has checked, over its elements.
    ///
    /// - `n_csi2` bits of CSI part 2: 0 until part 1 was read
    ///
    /// Errors: `Invalid` if there is no room for the transport block or the UCI.
    pub fn set(&mut self, pdu: &PuschPdu, elements: &shared::Layout, n_csi2: usize) -> Result<(), ChannelError> {
        self.starts = core::array::from_fn(|l| elements.start(l));
        self.bits_per_element = pdu.coding.q_m as usize * pdu.n_layers as usize;
        self.roles.clear();
        (self.n_ack, self.n_csi1, self.n_csi2) = (0, 0, 0);
        let with_block = pdu.coding.tbs_bytes > 0;
        self.g_ul_sch = if with_block { self.n_bits() } else { 0 };
        let uci = &pdu.uci;
        if uci.n_harq_ack > 0 || uci.n_csi1 > 0 {
            self.place_uci(pdu, n_csi2)?;
        } else if !with_block {
            return Err(ChannelError::Invalid("neither a transport block nor UCI (TS 38.212 §6.2.7)"));
        }
        if with_block && self.g_ul_sch == 0 {
            return Err(ChannelError::Invalid("no resource element left for the transport block (TS 38.212 §6.2.7)"));
        }
        Ok(())
    }

    fn place_uci(&mut self, pdu: &PuschPdu, n_csi2: usize) -> Result<(), ChannelError> {
        let is_dmrs = |l: usize| pdu.dmrs.symbols >> l & 1 == 1;
        let (hops, n_hops) = hops(pdu, is_dmrs);
        let hops = &hops[..n_hops];
        let start = pdu.start_symbol as usize;
        let end = start + pdu.n_symbols as usize;
        let starts = self.starts;
        let m_uci = |l: usize| if is_dmrs(l) { 0 } else { starts[l + 1] - starts[l] };
        let uci_in = |from: usize, to: usize| (from..to).map(m_uci).sum::<usize>();
        let all = uci_in(start, end);
        let after_dmrs = uci_in(hops[0].ack_from, end);
        let quota = Quota::new(pdu, all, self.g_ul_sch)?;
        let uci = &pdu.uci;
        let n_a = uci.n_harq_ack as usize;
        let share = |n: usize| libm::ceil(f64::from(uci.scaling.clamp(0.0, 1.0)) * n as f64) as usize;
        let q_ack = |bits: usize| quota.needed(bits, uci.beta_harq_ack).min(share(after_dmrs));
        let with_block = pdu.coding.tbs_bytes > 0;
        let n_reserved = if n_a <= 2 { q_ack(2) } else { 0 };
        self.n_ack = if n_a == 0 { 0 } else { q_ack(n_a) };
        let before_csi = if n_a <= 2 { n_reserved } else { self.n_ack };
        let limit = if with_block { share(all) } else { all };
        self.n_csi1 = match uci.n_csi1 as usize {
            0 => 0,
            _ if !with_block && !uci.csi2.is_any() => all.saturating_sub(before_csi),
            bits => quota.needed(bits, uci.beta_csi1).min(limit.saturating_sub(before_csi)),
        };
        let before_csi2 = self.n_csi1 + if n_a > 2 { self.n_ack } else { 0 };
        self.n_csi2 = match n_csi2 {
            0 => 0,
            _ if !with_block => all.saturating_sub(before_csi2),
            bits => quota.needed(bits, uci.beta_csi2).min(limit.saturating_sub(before_csi2)),
        };
        let missing =
            n_a > 0 && self.n_ack == 0 || uci.n_csi1 > 0 && self.n_csi1 == 0 || n_csi2 > 0 && self.n_csi2 == 0;
        if missing {
            return Err(ChannelError::Invalid(
                "no resource element for UCI: beta offset or alpha (TS 38.212 §6.3.2.4)",
            ));
        }
        let m = |hop: usize| uci_in(if hop == 0 { start } else { hops[0].end }, hops[hop].end);
        let division = match hops {
            [_] => Division {
                reserved: [n_reserved, 0],
                ack: [self.n_ack, 0],
                csi1: [self.n_csi1, 0],
                csi2: [self.n_csi2, 0],
            },
            _ => self.divide(
                n_a,
                n_reserved,
                with_block,
                uci.csi2.is_any(),
                [m(0), m(1)],
                uci_in(hops[0].ack_from, hops[0].end),
            ),
        };
        self.mark(n_a, hops, &division, m_uci)?;
        let n_taken = if n_a > 2 { self.n_ack } else { 0 } + self.n_csi1 + self.n_csi2;
        if with_block {
            self.g_ul_sch = self.n_elements().saturating_sub(n_taken) * self.bits_per_element;
        }
        Ok(())
    }

    /// Shares of the hops: G(1) and G(2) over N_L Q_m. Spec: TS 38.212 §6.2.7
    ///
    /// - `m`  M_1, M_2: elements for UCI in each hop
    /// - `m3` M_3: those of the first hop from l^(1) on
    fn divide(
        &self,
        n_a: usize,
        n_reserved: usize,
        with_block: bool,
        with_csi2: bool,
        m: Shares,
        m3: usize,
    ) -> Division {
        let halves = |n: usize| [n / 2, n - n / 2];
        let limited = |n: usize, most: usize| {
            let first = (n / 2).min(most);
            [first, n - first]
        };
        let reserved = halves(n_reserved);
        if with_block {
            return Division {
                reserved,
                ack: halves(self.n_ack),
                csi1: halves(self.n_csi1),
                csi2: halves(self.n_csi2),
            };
        }
        let ack = limited(self.n_ack, m3);
        if !with_csi2 {
            let taken = if n_a > 2 { ack[0] } else { reserved[0] };
            let first = m[0].saturating_sub(taken).min(self.n_csi1);
            return Division { reserved, ack, csi1: [first, self.n_csi1 - first], csi2: [0, 0] };
        }
        let taken = if n_a > 2 { ack[0] } else { reserved[0] };
        let csi1 = limited(self.n_csi1, m[0].saturating_sub(taken));
        let before = if n_a > 2 { ack[0] } else { 0 };
        let first = m[0].saturating_sub(before + csi1[0]).min(self.n_csi2);
        Division { reserved, ack, csi1, csi2: [first, self.n_csi2 - first] }
    }

    /// Gives the elements their roles: steps 1, 2, 3 and 5. Spec: TS 38.212 §6.2.7
    fn mark(
        &mut self,
        n_a: usize,
        hops: &[Hop],
        division: &Division,
        m_uci: impl Fn(usize) -> usize,
    ) -> Result<(), ChannelError> {
        self.roles.resize(self.n_elements(), Role::Data);
        self.reserved.clear();
        self.reserved.resize(self.n_elements(), false);
        let starts = self.starts;
        let span = |l: usize| starts[l]..starts[l] + m_uci(l);
        let mut elements = Elements { roles: &mut self.roles, reserved: &mut self.reserved };
        for (i, hop) in hops.iter().enumerate() {
            elements.place(hop.ack_from..hop.end, division.reserved[i], span, |_, _| true, |_, r| *r = true)?;
        }
        if n_a > 2 {
            for (i, hop) in hops.iter().enumerate() {
                elements.place(
                    hop.ack_from..hop.end,
                    division.ack[i],
                    span,
                    |_, _| true,
                    |role, _| *role = Role::Ack,
                )?;
            }
        }
        let free = |role, reserved: bool| role == Role::Data && !reserved;
        for (i, hop) in hops.iter().enumerate() {
            elements.place(hop.csi_from..hop.end, division.csi1[i], span, free, |role, _| *role = Role::Csi1)?;
        }
        let left = |role, _| role == Role::Data;
        for (i, hop) in hops.iter().enumerate() {
            elements.place(hop.csi_from..hop.end, division.csi2[i], span, left, |role, _| *role = Role::Csi2)?;
        }
        if n_a == 1 || n_a == 2 {
            let puncture = |role: &mut Role, _: &mut bool| {
                *role = if *role == Role::Csi2 { Role::Csi2UnderAck } else { Role::DataUnderAck };
            };
            for (i, hop) in hops.iter().enumerate() {
                elements.place(hop.ack_from..hop.end, division.ack[i], span, |_, reserved| reserved, puncture)?;
            }
        }
        Ok(())
    }
}

/// The hops and where UCI begins in each.
fn hops(pdu: &PuschPdu, is_dmrs: impl Fn(usize) -> bool) -> ([Hop; 2], usize) {
    let (start, end) = (pdu.start_symbol as usize, (pdu.start_symbol + pdu.n_symbols) as usize);
    let make = |from: usize, to: usize| {
        let first_dmrs = (from..to).find(|l| is_dmrs(*l)).unwrap_or(to);
        Hop {
            ack_from: (first_dmrs..to).find(|l| !is_dmrs(*l)).unwrap_or(to),
            csi_from: (from..to).find(|l| !is_dmrs(*l)).unwrap_or(to),
            end: to,
        }
    };
    if pdu.second_hop_rb.is_none() {
        return ([make(start, end); 2], 1);
    }
    let middle = shape(pdu).hop_symbol() as usize;
    ([make(start, middle), make(middle, end)], 2)
}

/// Elements that a number of UCI bits asks for. Spec: TS 38.212 §6.3.2.4
struct Quota {
    /// Elements for a coded bit times beta.
    per_bit: f64,
}

impl Quota {
    fn new(pdu: &PuschPdu, all: usize, g: usize) -> Result<Quota, ChannelError> {
        if pdu.coding.tbs_bytes == 0 {
            let efficiency = f64::from(pdu.coding.rate_x1024) / 1024.0 * f64::from(pdu.coding.q_m);
            let sane = efficiency > 0.0 && efficiency.is_finite();
            return if sane {
                Ok(Quota { per_bit: 1.0 / efficiency })
            } else {
                Err(ChannelError::Invalid("code rate of a PUSCH without transport block (TS 38.212 §6.3.2.4.2)"))
            };
        }
        // Code blocks that CBGTI leaves out count as none.
        let plan = Segmentation::with_cbgs(&sch_params(pdu, g), cbgs(pdu.cbg))
            .map_err(|_| ChannelError::Invalid("transport block of a PUSCH with UCI"))?;
        Ok(Quota { per_bit: all as f64 / (plan.n_sent * plan.k) as f64 })
    }

    fn needed(&self, bits: usize, beta: f32) -> usize {
        let n = libm::ceil((bits + crc_len(bits)) as f64 * f64::from(beta) * self.per_bit);
        if n.is_finite() { n.max(0.0) as usize } else { 0 }
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
        if left == 0 { Ok(()) } else { Err(ChannelError::Invalid("UCI does not fit the PUSCH (TS 38.212 §6.2.7)")) }
    }
}
