//! CSI-RS: every row of the table, up to 32 ports; CSI-IM.
//!
//! - [`transmit`] writes a resource into a grid. Zero-power resources send nothing: `fapi::resolve` keeps PDSCH off them.
//! - [`CsiRsReceiver`] takes it out: power, noise and delay of one port; the channel of all ports at all antennas; interference in
//!   CSI-IM.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | k-bar, l-bar | `CsiRsRow::groups` | first element of each CDM group | |
//! | k', l' | `Element::k`, `l` | element within a group | 0..=1, 0..=3 |
//! | w_f w_t | `cdm_sign` | code of a port within its group | +1, -1 |
//! | rho | `density_x2` / 2 | density | 0.5, 1, 3 |
//! | alpha | `alpha_x2` / 2 | rho for one port, else 2 rho | |
//! | n_ID | `scrambling_id` | | 0..=1023 |
//!
//! Spec: TS 38.211 §7.4.1.5

mod map;
mod receive;
#[cfg(test)]
mod tests;

pub use map::RB_MAX;
pub use receive::{CsiRsChannel, CsiRsMeasurement, CsiRsReceiver, Interference};

use crate::estimate::ChannelError;
use dsp::Cf32;
use fapi::CsiRsPdu;
use map::{Plan, SEQUENCE_MAX};
use nr::SlotPoint;
use nr::tables::csi_rs::cdm_sign;
use ofdm::Grid;

/// Most pilots of a resource in one symbol: density 3 in 320 RBs.
pub const PILOTS_MAX: usize = 960;
/// Most ports.
pub const PORTS_MAX: usize = 32;

/// Writes the resource into ports 0 to X - 1 of `grid`, each with the power of `power_offset_ss_db`; other elements stay.
///
/// - `offset_to_carrier`  common RB of the carrier's lowest RB
///
/// Errors: [`ChannelError`] if it does not fit, or the grid has fewer ports. Spec: TS 38.211 §7.4.1.5.3
pub fn transmit(pdu: &CsiRsPdu, slot: SlotPoint, offset_to_carrier: u16, grid: &mut Grid) -> Result<(), ChannelError> {
    let plan = Plan::new(pdu, offset_to_carrier, grid.n_subcarriers())?;
    if grid.n_ports() < usize::from(plan.row.n_ports) {
        return Err(ChannelError::Invalid("CSI-RS of more ports than the grid has"));
    }
    let amplitude = libm::powf(10.0, f32::from(pdu.power_offset_ss_db) / 20.0);
    let mut sequence = [Cf32::default(); SEQUENCE_MAX];
    let size = usize::from(plan.row.cdm_size());
    for l in (0..14).filter(|l| plan.symbols() >> l & 1 == 1) {
        plan.for_elements(slot, l, &mut sequence, |e| {
            let first = if plan.row.n_ports == 1 { 0 } else { e.group * size };
            for s in 0..size {
                let sign = f32::from(cdm_sign(s as u8, e.k, e.l));
                grid.symbol_mut(first + s, l)[e.subcarrier] = e.r * (amplitude * sign);
            }
        });
    }
    Ok(())
}
