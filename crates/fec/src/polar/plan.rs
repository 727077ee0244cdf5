//! Which position of the mother code carries what. Spec: TS 38.212 §5.3.1, §5.4.1.1

use super::tables::{INTERLEAVER, RELIABILITY};
use super::{E_MAX, N_MAX, PolarError, rate_match};

/// What selects a polar code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolarParams {
    /// Bits to encode, CRC included, K.
    pub k: usize,
    /// Bits after rate matching, E.
    pub e: usize,
    /// Uplink: n_max = 10, parity checks for K of 18 to 25, coded bits interleaved. Downlink: n_max = 9, input bits interleaved.
    pub uplink: bool,
}

/// What a position of the mother code carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A zero.
    Frozen,
    /// The next information bit.
    Information,
    /// A parity of earlier information bits. Spec: TS 38.212 §5.3.1.2
    ParityCheck,
}

/// How the mother code is shortened to E bits. Spec: TS 38.212 §5.4.1.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    Repeat,
    Puncture,
    Shorten,
}

/// One polar code, in fixed memory.
#[derive(Clone)]
pub(super) struct Plan {
    pub params: Option<PolarParams>,
    pub n: usize,
    /// Behind the last parity check position; what stands from here on no parity check sees.
    pub checked: usize,
    pub matching: Matching,
    pub roles: [Role; N_MAX],
    /// Positions below i that are not frozen.
    pub count: [u16; N_MAX + 1],
    /// J(i), the sub-block interleaver.
    pub interleaved: [u16; N_MAX],
    /// Where each bit of up to N_MAX after rate matching comes from.
    pub matched: [u16; N_MAX],
    /// The information positions in order.
    positions: [u16; N_MAX],
    /// Input bit of the k-th information position.
    order: [u16; N_MAX],
    k: usize,
}

impl Plan {
    pub fn empty() -> Self {
        Self {
            params: None,
            n: 0,
            checked: 0,
            matching: Matching::Repeat,
            roles: [Role::Frozen; N_MAX],
            count: [0; N_MAX + 1],
            interleaved: [0; N_MAX],
            matched: [0; N_MAX],
            positions: [0; N_MAX],
            order: [0; N_MAX],
            k: 0,
        }
    }

    /// Whether the coded bits are interleaved.
    pub fn uplink(&self) -> bool {
        self.params.is_some_and(|params| params.uplink)
    }

    /// Plans anew in place.
    pub fn make(&mut self, params: PolarParams) -> Result<(), PolarError> {
        let PolarParams { k, e, uplink } = params;
        let bad = PolarError::Size { k, e };
        self.params = None;
        if k == 0 || k > e || e > E_MAX || (!uplink && k > INTERLEAVER.len()) {
            return Err(bad);
        }
        let n = mother_length(k, e, if uplink { 10 } else { 9 });
        let n_pc = if uplink && (18..=25).contains(&k) { 3 } else { 0 };
        let n_pc_wm = usize::from(n_pc > 0 && e + 3 > k + 192);
        if k + n_pc > n.min(e) {
            return Err(bad);
        }
        self.n = n;
        self.k = k;
        self.matching = match e >= n {
            true => Matching::Repeat,
            false if 16 * k <= 7 * e => Matching::Puncture,
            false => Matching::Shorten,
        };
        self.interleaved[..n].iter_mut().enumerate().for_each(|(i, from)| *from = rate_match::sub_block(i, n) as u16);
        let unusable = self.unusable(e);
        if !self.choose(k + n_pc, &unusable) {
            return Err(bad);
        }
        self.choose_parity_checks(n_pc, n_pc_wm);
        self.checked = self.roles[..n].iter().rposition(|role| *role == Role::ParityCheck).map_or(0, |i| i + 1);
        self.count[0] = 0;
        for i in 0..n {
            self.count[i + 1] = self.count[i] + u16::from(self.roles[i] != Role::Frozen);
        }
        let information = (0..n as u16).filter(|&i| self.roles[i as usize] == Role::Information);
        self.positions.iter_mut().zip(information).for_each(|(position, i)| *position = i);
        self.order_input(k, uplink);
        self.params = Some(params);
        if e <= N_MAX {
            rate_match::fill(self, e);
        }
        Ok(())
    }

    /// Positions that rate matching makes useless, Q_F,tmp. Spec: TS 38.212 §5.4.1.1
    fn unusable(&self, e: usize) -> [bool; N_MAX] {
        let (mut unusable, n) = ([false; N_MAX], self.n);
        let first = match self.matching {
            Matching::Repeat => return unusable,
            Matching::Puncture => {
                (0..n - e).for_each(|i| unusable[self.interleaved[i] as usize] = true);
                // ceil(3N/4 - E/2) and ceil(9N/16 - E/4); E < N keeps both positive.
                if 4 * e >= 3 * n { (3 * n - 2 * e).div_ceil(4) } else { (9 * n - 4 * e).div_ceil(16) }
            }
            Matching::Shorten => {
                (e..n).for_each(|i| unusable[self.interleaved[i] as usize] = true);
                0
            }
        };
        unusable[..first].fill(true);
        unusable
    }

    /// Marks the `wanted` most reliable usable positions as information.
    fn choose(&mut self, wanted: usize, unusable: &[bool; N_MAX]) -> bool {
        let n = self.n;
        self.roles = [Role::Frozen; N_MAX];
        let usable = RELIABILITY.iter().rev().map(|&i| i as usize).filter(|&i| i < n && !unusable[i]);
        let mut left = wanted;
        for i in usable.take(wanted) {
            self.roles[i] = Role::Information;
            left -= 1;
        }
        left == 0
    }

    /// Turns `n_pc` of the chosen positions into parity checks, `n_wm` of them by least row weight. Spec: TS 38.212 §5.3.1.2
    fn choose_parity_checks(&mut self, n_pc: usize, n_wm: usize) {
        let n = self.n;
        let chosen = |roles: &[Role; N_MAX], i: usize| i < n && roles[i] == Role::Information;
        let worst = RELIABILITY.iter().map(|&i| i as usize).filter(|&i| chosen(&self.roles, i));
        let mut checks = [0usize; 3];
        checks.iter_mut().zip(worst.take(n_pc - n_wm)).for_each(|(check, i)| *check = i);
        if n_wm == 1 {
            // Among the |Q_I| - n_PC most reliable, least row weight first, then highest reliability.
            let strong = RELIABILITY.iter().map(|&i| i as usize).filter(|&i| chosen(&self.roles, i)).skip(n_pc);
            checks[n_pc - 1] = strong.fold(usize::MAX, |best, i| {
                if best == usize::MAX || i.count_ones() <= best.count_ones() { i } else { best }
            });
        }
        for &check in &checks[..n_pc] {
            self.roles[check] = Role::ParityCheck;
        }
    }

    /// The input interleaver. Spec: TS 38.212 §5.3.1.1
    fn order_input(&mut self, k: usize, uplink: bool) {
        if uplink {
            (0..k).for_each(|i| self.order[i] = i as u16);
            return;
        }
        let skip = INTERLEAVER.len() - k;
        let kept = INTERLEAVER.iter().map(|&i| i as usize).filter(|&i| i >= skip);
        self.order.iter_mut().zip(kept).for_each(|(order, i)| *order = (i - skip) as u16);
    }

    /// Writes the mother code's input u for `bits`. Spec: TS 38.212 §5.3.1.2
    pub fn fill(&self, bits: &[u8], u: &mut [u8; N_MAX]) {
        let mut input = self.order[..self.k].iter().map(|&i| bits[i as usize] & 1);
        let mut register = Register::default();
        for (value, role) in u[..self.n].iter_mut().zip(&self.roles) {
            register.turn();
            *value = match role {
                Role::Frozen => 0,
                Role::ParityCheck => register.parity(),
                Role::Information => {
                    let bit = input.next().unwrap_or(0);
                    register.add(bit);
                    bit
                }
            };
        }
    }

    /// Reads the information bits back from u.
    pub fn extract(&self, u: &[u8], bits: &mut [u8]) {
        self.extract_bit(u, 0, bits);
    }

    /// Reads the information bits back from bit `path` of the octets of u.
    pub fn extract_bit(&self, u: &[u8], path: usize, bits: &mut [u8]) {
        for (&i, &position) in self.order[..self.k].iter().zip(&self.positions) {
            bits[i as usize] = u[position as usize] >> path & 1;
        }
    }
}

/// The cyclic register y_0..y_4 of the parity check bits. Spec: TS 38.212 §5.3.1.2
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Register(u8);

impl Register {
    /// One position further.
    pub fn turn(&mut self) {
        self.0 = (self.0 >> 1) | (self.0 & 1) << 4;
    }

    /// The value that a parity check bit takes here.
    pub fn parity(self) -> u8 {
        self.0 & 1
    }

    /// Takes in an information bit.
    pub fn add(&mut self, bit: u8) {
        self.0 ^= bit;
    }
}

/// N. Spec: TS 38.212 §5.3.1
fn mother_length(k: usize, e: usize, n_max: u32) -> usize {
    let ceil_log2 = |x: usize| x.next_power_of_two().trailing_zeros();
    let up = ceil_log2(e);
    let short = up > 0 && 8 * e <= 9 * (1 << (up - 1)) && 16 * k < 9 * e;
    let n1 = if short { up - 1 } else { up };
    let n2 = ceil_log2(8 * k);
    1 << n1.min(n2).min(n_max).max(5)
}
