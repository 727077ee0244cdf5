//! DM-RS of PDSCH and of PUSCH without transform precoding: the same sequence and the same places.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | r(2n + k') | `sequence` | QPSK of the pseudo-random sequence |
//! | p | `port` | antenna port, minus 1000 in the downlink |
//! | Delta, lambda | [`Port::delta`], [`Port::cdm_group`] | subcarrier shift, CDM group |
//! | w_f(k'), w_t(l') | [`Port::w_f`], [`Port::w_t`] | orthogonal cover |
//! | beta_DMRS | [`boost`] | amplitude over the data's |
//!
//! Spec: TS 38.211 §6.4.1.1, §7.4.1.1

use super::ChannelError;
use crate::sequences::Gold;
use dsp::Cf32;
use fapi::{DmrsPdu, RbAllocation};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

/// How one port is laid out. Spec: TS 38.211 tables 6.4.1.1.3-1, -2, 7.4.1.1.2-1, -2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// CDM group lambda.
    pub cdm_group: u8,
    /// Subcarrier shift Delta.
    pub delta: u8,
    /// w_f(1); w_f(0) is +1.
    pub w_f: i8,
    /// w_t(1); w_t(0) is +1.
    pub w_t: i8,
}

impl Port {
    /// Port `p` (0..=7 of type 1, 0..=11 of type 2); `None` outside.
    pub const fn new(config_type: u8, p: u8) -> Option<Port> {
        let (groups, step) = match config_type {
            1 => (2, 1),
            2 => (3, 2),
            _ => return None,
        };
        if p >= 4 * groups {
            return None;
        }
        let cdm_group = p / 2 % groups;
        let w_f = if p.is_multiple_of(2) { 1 } else { -1 };
        let w_t = if p < 2 * groups { 1 } else { -1 };
        Some(Port { cdm_group, delta: cdm_group * step, w_f, w_t })
    }
}

/// Amplitude of DM-RS over that of data: the power of the CDM groups without data. Spec: TS 38.214 §4.1, §6.2.2
pub fn boost(dmrs: &DmrsPdu) -> f32 {
    libm::sqrtf(dmrs.n_cdm_groups_without_data.clamp(1, 3) as f32)
}

/// Bit k: subcarrier k of a resource block carries no data in DM-RS symbols.
pub fn occupied(dmrs: &DmrsPdu) -> u16 {
    match (dmrs.config_type, dmrs.n_cdm_groups_without_data) {
        (1, 0 | 1) => 0b0101_0101_0101,
        (1, _) => 0xfff,
        (_, 0 | 1) => 0b0000_1100_0011,
        (_, 2) => 0b0011_1100_1111,
        _ => 0xfff,
    }
}

/// Pilots of one port in a resource block.
pub const fn pilots_per_rb(config_type: u8) -> usize {
    if config_type == 2 { 4 } else { 6 }
}

/// Subcarrier of pilot `i` of a resource block for shift `delta`.
#[inline(always)]
pub const fn subcarrier(config_type: u8, i: usize, delta: usize) -> usize {
    if config_type == 2 { 6 * (i / 2) + i % 2 + delta } else { 2 * i + delta }
}

/// The sequence's c_init in symbol `l`. Spec: TS 38.211 §6.4.1.1.1.1, §7.4.1.1.1
pub fn c_init(slot: SlotPoint, l: usize, n_id: u16, n_scid: u8) -> u32 {
    let (n_s, n_id) = (slot.slot() as u64, n_id as u64);
    let value = (((14 * n_s + l as u64 + 1) * (2 * n_id + 1)) << 17) + 2 * n_id + n_scid as u64;
    (value & 0x7fff_ffff) as u32
}

/// Runs of consecutive resource blocks `(first, number)` of an allocation, ascending.
pub fn runs(rbs: &RbAllocation) -> impl Iterator<Item = (u16, u16)> + '_ {
    let mut next = 0u16;
    let mut contiguous = match rbs {
        RbAllocation::Contiguous { start, n_rb } if *n_rb > 0 => Some((*start, *n_rb)),
        _ => None,
    };
    let bitmap = matches!(rbs, RbAllocation::Bitmap(_));
    core::iter::from_fn(move || {
        if !bitmap {
            return contiguous.take();
        }
        let first = (next..320).find(|rb| rbs.contains(*rb))?;
        let end = (first..320).find(|rb| !rbs.contains(*rb)).unwrap_or(320);
        next = end;
        Some((first, end - first))
    })
}

/// Checks that an allocation is not empty and lies within `n_subcarriers`, and that the DM-RS makes sense.
pub fn check(rbs: &RbAllocation, dmrs: &DmrsPdu, n_subcarriers: usize) -> Result<(), ChannelError> {
    let mut any = false;
    for (first, n) in runs(rbs) {
        any = true;
        if (first as usize + n as usize) * 12 > n_subcarriers {
            return Err(ChannelError::Invalid("resource blocks outside the carrier"));
        }
    }
    if !any {
        return Err(ChannelError::Invalid("no resource blocks"));
    }
    if !matches!(dmrs.config_type, 1 | 2) || !(1..=3).contains(&dmrs.n_cdm_groups_without_data) {
        return Err(ChannelError::Invalid("DM-RS type or CDM groups"));
    }
    if dmrs.symbols == 0 || dmrs.symbols >> SYMBOLS_PER_SLOT != 0 {
        return Err(ChannelError::Invalid("DM-RS symbols"));
    }
    if dmrs.n_scid > 1 || dmrs.reference_rb.unsigned_abs() > 5000 {
        return Err(ChannelError::Invalid("DM-RS scrambling"));
    }
    Ok(())
}

/// Writes r(n) of the allocated resource blocks, one after another, `pilots_per_rb` for each; returns how many.
pub fn sequence(slot: SlotPoint, l: usize, rbs: &RbAllocation, dmrs: &DmrsPdu, out: &mut [Cf32]) -> usize {
    let per_rb = pilots_per_rb(dmrs.config_type);
    let init = c_init(slot, l, dmrs.n_id, dmrs.n_scid);
    let mut done = 0;
    let mut gold = Gold::new(init);
    let mut position = 0;
    for (first, n) in runs(rbs) {
        // A reference above the allocation is a nonsensical plan: count from the allocation then.
        let from = (first as i64 - dmrs.reference_rb as i64).max(0) as usize * per_rb;
        gold.skip(2 * from.saturating_sub(position));
        let len = (n as usize * per_rb).min(out.len() - done);
        gold.pilots(&mut out[done..done + len]);
        position = from + len;
        done += len;
    }
    done
}

/// Whether symbol `l` is the second of a double-symbol DM-RS (l' = 1).
#[inline]
pub fn is_second(symbols: u16, l: usize) -> bool {
    // Pairs count from the first symbol of a run of set bits.
    let below = !symbols & ((1u32 << l) - 1) as u16;
    let start = if below == 0 { 0 } else { 16 - below.leading_zeros() as usize };
    (l - start) % 2 == 1
}

/// Adds the DM-RS of `port` to the grid, with amplitude `amplitude` (1 for data) times the boost.
///
/// - `scratch` overwritten; at least [`pilots_per_rb`] for each RB of the grid
///
/// Errors: `Invalid` if the allocation does not fit the grid or the port does not exist.
pub fn map(
    grid: &mut Grid,
    grid_port: usize,
    slot: SlotPoint,
    rbs: &RbAllocation,
    dmrs: &DmrsPdu,
    port: u8,
    amplitude: f32,
    scratch: &mut [Cf32],
) -> Result<(), ChannelError> {
    check(rbs, dmrs, grid.n_subcarriers())?;
    let layout = Port::new(dmrs.config_type, port).ok_or(ChannelError::Invalid("DM-RS port"))?;
    if grid_port >= grid.n_ports() || scratch.len() < rbs.n_rb() as usize * pilots_per_rb(dmrs.config_type) {
        return Err(ChannelError::Invalid("grid port or scratch"));
    }
    for l in (0..SYMBOLS_PER_SLOT).filter(|l| dmrs.symbols >> l & 1 == 1) {
        let n = sequence(slot, l, rbs, dmrs, scratch);
        add(rbs, dmrs, layout, l, &scratch[..n], amplitude * boost(dmrs), grid.symbol_mut(grid_port, l));
    }
    Ok(())
}

/// Adds the pilots of one port and symbol to a row of the carrier's subcarriers.
///
/// - `pilots` [`pilots_per_rb`] for each RB of `rbs`, without covers; fewer end the work early
pub fn add(
    rbs: &RbAllocation,
    dmrs: &DmrsPdu,
    port: Port,
    l: usize,
    pilots: &[Cf32],
    amplitude: f32,
    row: &mut [Cf32],
) {
    let even = amplitude * if is_second(dmrs.symbols, l) { f32::from(port.w_t) } else { 1.0 };
    let odd = even * f32::from(port.w_f);
    let (mut pilots, delta) = (pilots, usize::from(port.delta));
    for (first, n) in runs(rbs) {
        let n = usize::from(n);
        let (here, later) = pilots.split_at((n * pilots_per_rb(dmrs.config_type)).min(pilots.len()));
        let Some(cells) = row.get_mut(12 * usize::from(first)..12 * (usize::from(first) + n)) else { return };
        match dmrs.config_type {
            2 => add_run::<4>(cells, here, delta, even, odd),
            _ => add_run::<6>(cells, here, delta, even, odd),
        }
        pilots = later;
    }
}

/// Adds the pilots of consecutive RBs, `PER_RB` for each.
fn add_run<const PER_RB: usize>(row: &mut [Cf32], pilots: &[Cf32], delta: usize, even: f32, odd: f32) {
    let config_type = if PER_RB == 4 { 2 } else { 1 };
    for (cells, pilots) in row.as_chunks_mut::<12>().0.iter_mut().zip(pilots.as_chunks::<PER_RB>().0) {
        for (i, r) in pilots.iter().enumerate() {
            if let Some(cell) = cells.get_mut(subcarrier(config_type, i, delta)) {
                *cell += r * if i % 2 == 0 { even } else { odd };
            }
        }
    }
}
