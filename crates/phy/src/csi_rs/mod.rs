//! CSI-RS of one port: rows 1 (density 3, tracking) and 2 (density 1 and 1/2) of the table.
//!
//! - [`transmit`] writes a resource into a grid.
//! - [`CsiRsReceiver`] takes it out: power, noise, delay, and the pilots for comparison across symbols.
//!
//! Left out: rows 3 to 18 (more ports), zero-power and interference resources.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | k-bar | `k0` + 4 i | subcarriers in the RB | row 1: i = 0..=2 |
//! | rho | `density_x2` / 2 | density | 0.5, 1, 3 |
//! | m' | `m` | index of the sequence, from common RB 0 | |
//! | n_ID | `scrambling_id` | | 0..=1023 |
//!
//! Spec: TS 38.211 §7.4.1.5

#[cfg(test)]
mod tests;

use crate::estimate::{ChannelError, Stats, noise_by_differences};
use crate::sequences::Gold;
use dsp::{Cf32, Isa};
use fapi::CsiRsPdu;
use nr::SlotPoint;
use ofdm::Grid;

/// Most pilots of a resource: density 3 in 320 RBs.
pub const PILOTS_MAX: usize = 960;

/// Pilots of an RB that has some, and their distance in subcarriers.
fn comb(pdu: &CsiRsPdu) -> Result<(usize, usize), ChannelError> {
    match (pdu.row, pdu.density_x2) {
        (1, 6) if pdu.k0 < 4 => Ok((3, 4)),
        (2, 2) if pdu.k0 < 12 => Ok((1, 12)),
        (2, 1) if pdu.k0 < 12 => Ok((1, 24)),
        (1 | 2, _) => Err(ChannelError::Invalid("CSI-RS density or first subcarrier")),
        _ => Err(ChannelError::Unsupported { clause: "TS 38.211 table 7.4.1.5.3-1, rows 3 to 18" }),
    }
}

/// Calls `f(subcarrier, r)` for each pilot in symbol `l0`. With density 1/2 the even common RBs carry them.
fn for_pilots(
    pdu: &CsiRsPdu,
    slot: SlotPoint,
    offset_to_carrier: u16,
    n_subcarriers: usize,
    mut f: impl FnMut(usize, Cf32),
) -> Result<(), ChannelError> {
    let (per_rb, spacing) = comb(pdu)?;
    if pdu.l0 >= 14 || (usize::from(pdu.start_rb) + usize::from(pdu.n_rb)) * 12 > n_subcarriers || pdu.n_rb > 320 {
        return Err(ChannelError::Invalid("CSI-RS outside the carrier or the slot"));
    }
    let n_id = u64::from(pdu.scrambling_id);
    let symbol = 14 * u64::from(slot.slot()) + u64::from(pdu.l0) + 1;
    let c_init = ((symbol * (2 * n_id + 1) << 10) + n_id) as u32 & 0x7fff_ffff;
    let first = usize::from(pdu.start_rb) + usize::from(offset_to_carrier);
    let m_of = |rb: usize| if spacing == 24 { rb.div_ceil(2) } else { rb * per_rb };
    let mut gold = Gold::starting_at(c_init, 2 * m_of(first));
    for rb in 0..usize::from(pdu.n_rb) {
        if spacing == 24 && (first + rb) % 2 == 1 {
            continue;
        }
        for i in 0..per_rb {
            let mut r = [Cf32::default()];
            gold.pilots(&mut r);
            f((usize::from(pdu.start_rb) + rb) * 12 + usize::from(pdu.k0) + 4 * i, r[0]);
        }
    }
    Ok(())
}

/// Writes the resource into port 0 of `grid`, with the power of `power_offset_ss_db`; other elements stay.
///
/// - `offset_to_carrier`  common RB of the carrier's lowest RB
///
/// Errors: [`ChannelError`] if it does not fit or is not built. Spec: TS 38.211 §7.4.1.5.3
pub fn transmit(pdu: &CsiRsPdu, slot: SlotPoint, offset_to_carrier: u16, grid: &mut Grid) -> Result<(), ChannelError> {
    let amplitude = libm::powf(10.0, f32::from(pdu.power_offset_ss_db) / 20.0);
    let n_subcarriers = grid.n_subcarriers();
    let row = grid.symbol_mut(0, usize::from(pdu.l0).min(13));
    for_pilots(pdu, slot, offset_to_carrier, n_subcarriers, |k, r| row[k] = r * amplitude)
}

/// What a resource says of the channel.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CsiRsMeasurement {
    /// Power of a resource element sent at the SSB's power, linear.
    pub rsrp: f32,
    /// Noise variance of a resource element.
    pub noise_var: f32,
    /// Mean delay after the receiver's symbol start, seconds.
    pub delay_s: f64,
}

impl CsiRsMeasurement {
    /// SNR of an element sent at the SSB's power, dB.
    pub fn snr_db(&self) -> f32 {
        10.0 * libm::log10f((self.rsrp / self.noise_var.max(f32::MIN_POSITIVE)).max(1e-6))
    }
}

/// Receives CSI-RSs; owns its scratch.
pub struct CsiRsReceiver {
    isa: Isa,
    pilots: Vec<Cf32>,
    flat: Vec<Cf32>,
}

impl CsiRsReceiver {
    /// Makes the scratch.
    pub fn new(isa: Isa) -> Self {
        Self { isa, pilots: Vec::with_capacity(PILOTS_MAX), flat: Vec::with_capacity(PILOTS_MAX) }
    }

    /// Measures the resource in port 0 of `grid`. No allocation.
    ///
    /// Errors: [`ChannelError`] if it does not fit or is not built. Non-finite elements count as zero.
    pub fn measure(
        &mut self,
        pdu: &CsiRsPdu,
        slot: SlotPoint,
        offset_to_carrier: u16,
        grid: &Grid,
    ) -> Result<CsiRsMeasurement, ChannelError> {
        let (_, spacing) = comb(pdu)?;
        let row = grid.symbol(0, usize::from(pdu.l0).min(13));
        self.pilots.clear();
        let pilots = &mut self.pilots;
        for_pilots(pdu, slot, offset_to_carrier, grid.n_subcarriers(), |k, r| {
            let h = row[k] * r.conj();
            pilots.push(if h.re.is_finite() && h.im.is_finite() { h } else { Cf32::default() });
        })?;
        let mut stats = Stats::default();
        stats.add(self.isa, pilots);
        let slope = stats.slope();
        self.flat.clear();
        for (i, h) in pilots.iter().enumerate() {
            let p = dsp::unit_phasor(-slope * i as f64);
            self.flat.push(h * Cf32::new(p.re as f32, p.im as f32));
        }
        let (sum, count) = noise_by_differences(&self.flat);
        let noise_var = if count > 0.0 { (sum / count) as f32 } else { 0.0 };
        let boost = libm::powf(10.0, f32::from(pdu.power_offset_ss_db) / 10.0);
        Ok(CsiRsMeasurement {
            rsrp: (stats.power() - noise_var).max(0.0) / boost,
            noise_var: noise_var.max(f32::MIN_POSITIVE),
            delay_s: -slope / (spacing as f64 * f64::from(slot.numerology().scs_hz())),
        })
    }

    /// Received over sent pilots of the last resource measured, ascending: to compare symbols of a tracking set.
    pub fn pilots(&self) -> &[Cf32] {
        &self.pilots
    }
}
