//! Sounding reference signal, both ends.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | K_TC, k-bar_TC | `comb`, `comb_offset` | distance of subcarriers, first one |
//! | n_cs^max | [`n_cs_max`] | cyclic shifts of a comb |
//! | m_SRS,b, N_b | [`nr::tables::srs::bandwidth`] | resource blocks, divisions of the next wider band |
//! | n_b, F_b, n_SRS | [`Geometry::first_subcarrier`] | frequency position, hopping, count of transmissions |
//! | M_sc,b | [`Geometry::n_elements`] | elements of a symbol |
//! | P_F, k_F, k_hop | `freq_scaling`, `start_rb_index`, `start_rb_hopping` | sounding of a part of the band |
//!
//! Left out: eight ports, comb offset and cyclic shift hopping (Release 18), hops of positioning over slots.
//!
//! Spec: TS 38.211 §6.4.1.4

mod precoder;
mod receive;
mod transmit;

pub use precoder::Choice;
pub use receive::{SrsReceiver, SrsReport};
pub use transmit::SrsTransmitter;

use crate::estimate::ChannelError;
use crate::sequences::low_papr::{group_hopping, sequence_hopping};
use fapi::{SrsHopping, SrsPdu, SrsResource};
use nr::tables::srs::{bandwidth, positioning_offset};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};

/// Most elements of a symbol: 272 resource blocks on comb 2.
pub const ELEMENTS_MAX: usize = 272 * 6;
/// Most ports.
pub const PORTS_MAX: usize = 4;
/// Most antennas.
pub const RX_MAX: usize = 8;

/// n_cs^max. Spec: TS 38.211 table 6.4.1.4.2-1
pub const fn n_cs_max(comb: u8) -> u8 {
    match comb {
        2 => 8,
        4 => 12,
        _ => 6,
    }
}

/// A checked SRS, and where its elements lie.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    r: SrsResource,
    reference_rb: i32,
    n_elements: usize,
    table: &'static [(u16, u8); 4],
}

impl Geometry {
    /// Checks a PDU against the clause; [`Geometry::fits`] against a grid.
    ///
    /// Errors: `Invalid` with the clause.
    pub fn new(pdu: &SrsPdu) -> Result<Geometry, ChannelError> {
        let r = pdu.resource;
        let invalid = |what| Err(ChannelError::Invalid(what));
        if !matches!(r.n_ports, 1 | 2 | 4) || !matches!(r.comb, 2 | 4 | 8) || r.comb_offset >= r.comb {
            return invalid("SRS ports or comb (TS 38.211 §6.4.1.4.1)");
        }
        if r.cyclic_shift >= n_cs_max(r.comb) {
            return invalid("SRS cyclic shift (TS 38.211 §6.4.1.4.2)");
        }
        let n = r.n_symbols;
        if !matches!(n, 1 | 2 | 4 | 8 | 10 | 12 | 14) || r.start_symbol as usize + n as usize > SYMBOLS_PER_SLOT {
            return invalid("SRS symbols (TS 38.211 §6.4.1.4.1)");
        }
        if r.repetition == 0 || !n.is_multiple_of(r.repetition) {
            return invalid("SRS repetition factor (TS 38.211 §6.4.1.4.3)");
        }
        if r.positioning && positioning_offset(r.comb, n, 0).is_none() {
            return invalid("SRS comb and symbols for positioning (TS 38.211 table 6.4.1.4.3-2)");
        }
        let Some(table) = bandwidth(r.c_srs).filter(|_| r.b_srs < 4 && r.b_hop < 4) else {
            return invalid("SRS bandwidth (TS 38.211 table 6.4.1.4.3-1)");
        };
        if !matches!(r.freq_scaling, 1 | 2 | 4) || r.start_rb_index >= r.freq_scaling || r.freq_position > 67 {
            return invalid("SRS frequency position (TS 38.211 §6.4.1.4.3)");
        }
        if r.period.is_some_and(|(period, offset)| period == 0 || offset >= period) {
            return invalid("SRS period (TS 38.211 §6.4.1.4.4)");
        }
        let elements = table[r.b_srs as usize].0 as usize * 12;
        let division = r.comb as usize * r.freq_scaling as usize;
        if !elements.is_multiple_of(division) || !(elements / division).is_multiple_of(6) {
            return invalid("SRS sequence length (TS 38.211 §6.4.1.4.3)");
        }
        Ok(Geometry { r, reference_rb: pdu.reference_rb, n_elements: elements / division, table })
    }

    /// Elements of one symbol and port, M_sc.
    pub fn n_elements(&self) -> usize {
        self.n_elements
    }

    /// Resource blocks of a symbol, m_SRS,b.
    pub fn n_rb(&self) -> u16 {
        self.table[self.r.b_srs as usize].0
    }

    /// Ports that share their comb with port `port`, itself among them: they differ by cyclic shift.
    fn n_ports_on_comb(&self) -> usize {
        let n = self.r.n_ports as usize;
        if n == 4 && self.splits() { 2 } else { n }
    }

    /// Whether ports 1 and 3 of four have the other comb offset.
    fn splits(&self) -> bool {
        let max = n_cs_max(self.r.comb);
        self.r.n_ports == 4 && (max == 6 || self.r.cyclic_shift >= max / 2)
    }

    /// n_cs,i of a port. Spec: TS 38.211 §6.4.1.4.2
    pub fn cyclic_shift(&self, port: usize) -> usize {
        let max = n_cs_max(self.r.comb) as usize;
        let step =
            if self.r.n_ports == 4 && max == 6 { max * (port / 2) / 2 } else { max * port / self.r.n_ports as usize };
        (self.r.cyclic_shift as usize + step) % max
    }

    /// (u, v) in symbol `l` (from 0) of the SRS. Spec: TS 38.211 §6.4.1.4.2
    pub fn group(&self, slot: SlotPoint, l: usize) -> (u8, u8) {
        let id = self.r.sequence_id as u32;
        let at = slot.slot() as usize * SYMBOLS_PER_SLOT + self.r.start_symbol as usize + l;
        let f_ss = id % 30;
        match self.r.hopping {
            SrsHopping::Neither => (f_ss as u8, 0),
            SrsHopping::Group => (((group_hopping(id, at) as u32 + f_ss) % 30) as u8, 0),
            SrsHopping::Sequence if self.n_elements >= 72 => (f_ss as u8, sequence_hopping(id, at)),
            SrsHopping::Sequence => (f_ss as u8, 0),
        }
    }

    /// n_SRS in symbol `l` of the SRS.
    fn count(&self, slot: SlotPoint, l: usize) -> u64 {
        let r = self.r.repetition as u64;
        let before = match self.r.period {
            Some((period, offset)) => {
                (slot.index() as u64).saturating_sub(offset as u64) / period.max(1) as u64
                    * (self.r.n_symbols as u64 / r)
            }
            None => 0,
        };
        before + l as u64 / r
    }

    /// Grid subcarrier of element 0 of `port` in symbol `l` (from 0); may lie outside the grid.
    ///
    /// Spec: TS 38.211 §6.4.1.4.3
    pub fn first_subcarrier(&self, slot: SlotPoint, l: usize, port: usize) -> i64 {
        let r = &self.r;
        let k_tc = r.comb as i64;
        let other = self.splits() && port % 2 == 1;
        let offset = if r.positioning { positioning_offset(r.comb, r.n_symbols, l as u8).unwrap_or(0) } else { 0 };
        let comb = (r.comb_offset as i64 + if other { k_tc / 2 } else { 0 } + offset as i64) % k_tc;
        let n_srs = self.count(slot, l);
        let (b_srs, b_hop) = (r.b_srs as usize, r.b_hop as usize);
        let mut blocks = 0;
        // Product of N_b' from b_hop (whose own counts as 1) to b - 1.
        let mut product = 1u64;
        for (b, (m, n)) in self.table.iter().enumerate().take(b_srs + 1) {
            let (m, n) = (*m as u64, *n as u64);
            let fixed = 4 * r.freq_position as u64 / m;
            let n_b = if b_hop >= b_srs || b <= b_hop {
                fixed % n
            } else {
                let f_b = if n.is_multiple_of(2) {
                    let rest = n_srs % (product * n);
                    n / 2 * (rest / product) + rest / (2 * product)
                } else {
                    n / 2 * (n_srs / product)
                };
                product *= n;
                (f_b + fixed) % n
            };
            blocks += m * n_b;
        }
        let p_f = r.freq_scaling as u64;
        let mut part = r.start_rb_index as u64;
        if r.start_rb_hopping {
            let n = n_srs / product % p_f;
            part += match (p_f, n) {
                (4, 1) => 2,
                (4, 2) => 1,
                _ => n,
            };
        }
        let start = 12 * self.table[b_srs].0 as u64 * (part % p_f) / p_f;
        12 * (self.reference_rb as i64 + r.freq_shift as i64) + comb + (12 * blocks + start) as i64
    }

    /// Whether all elements lie in a grid of `n_subcarriers`. Errors: `Invalid`.
    pub fn fits(&self, slot: SlotPoint, n_subcarriers: usize) -> Result<(), ChannelError> {
        let last = (self.n_elements as i64 - 1) * self.r.comb as i64;
        let inside = |l: usize, port: usize| {
            let first = self.first_subcarrier(slot, l, port);
            first >= 0 && first + last < n_subcarriers as i64
        };
        let n_ports = self.r.n_ports as usize;
        if (0..self.r.n_symbols as usize).all(|l| (0..n_ports).all(|port| inside(l, port))) {
            Ok(())
        } else {
            Err(ChannelError::Invalid("SRS outside the carrier (TS 38.211 §6.4.1.4.3)"))
        }
    }
}

/// Index into a table of 24ths of a turn for element `n` of a sequence with cyclic shift `shift` of `max`.
fn turn_24(shift: usize, max: u8, n: usize) -> usize {
    shift * (24 / max.max(1) as usize) * n % 24
}

/// The 24th parts of a turn.
fn turns() -> [dsp::Cf32; 24] {
    core::array::from_fn(|i| {
        let z = dsp::unit_phasor(i as f64 / 24.0);
        dsp::Cf32::new(z.re as f32, z.im as f32)
    })
}

#[cfg(test)]
mod tests;
