//! Phase-tracking reference signals of PDSCH and of PUSCH without transform precoding, and of the groups of transform-precoded PUSCH.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | L_PT-RS | `time_density` | every so many symbols | 1, 2, 4 |
//! | K_PT-RS | `frequency_density` | every so many RBs | 2, 4 |
//! | k_ref^RE, k_ref^RB | `elements`, `first` | subcarrier in the RB, first RB | |
//! | N_group, N_samp | `n_groups`, `n_samples` | groups of samples before the DFT | 2, 4, 8; 2, 4 |
//!
//! Spec: TS 38.211 §6.4.1.2, §7.4.1.2

use crate::estimate::{ChannelError, dmrs};
use crate::sequences::Gold;
use dsp::Cf32;
use fapi::{DmrsPdu, PtrsGroups, PtrsPdu};
use nr::{Rnti, SlotPoint};

/// Most samples in one symbol of a transform-precoded PUSCH: eight groups of four.
pub const SAMPLES_MAX: usize = 32;

/// k_ref^RE for offsets 00, 01, 10, 11. Spec: TS 38.211 tables 6.4.1.2.2.1-1 and 7.4.1.2.2-1
const K_REF_1: [[u8; 4]; 4] = [[0, 2, 6, 8], [2, 4, 8, 10], [1, 3, 7, 9], [3, 5, 9, 11]];
const K_REF_2: [[u8; 4]; 6] = [[0, 1, 6, 7], [1, 6, 7, 0], [2, 3, 8, 9], [3, 8, 9, 2], [4, 5, 10, 11], [5, 10, 11, 4]];

/// Subcarrier of the RB that the PT-RS of a DM-RS port takes; `None` for ports that have none.
pub fn k_ref_re(config_type: u8, port: u8, re_offset: u8) -> Option<u8> {
    let table: &[[u8; 4]] = if config_type == 1 { &K_REF_1 } else { &K_REF_2 };
    table.get(usize::from(port))?.get(usize::from(re_offset)).copied()
}

/// Checks PT-RS against the DM-RS of the same channel.
pub fn check(p: &PtrsPdu, d: &DmrsPdu) -> Result<(), ChannelError> {
    let ports = p.dmrs_ports;
    if !matches!(p.time_density, 1 | 2 | 4) || !matches!(p.frequency_density, 2 | 4) || p.re_offset > 3 {
        return Err(ChannelError::Invalid("PT-RS densities or offset (TS 38.211 §6.4.1.2.2, §7.4.1.2.2)"));
    }
    let known = (0..16u8).filter(|q| ports >> q & 1 == 1).all(|q| k_ref_re(d.config_type, q, 0).is_some());
    if ports & !d.ports != 0 || !(1..=2).contains(&ports.count_ones()) || !known {
        return Err(ChannelError::Invalid("PT-RS port that goes with a DM-RS port (TS 38.214 §5.1.6.3, §6.2.3)"));
    }
    if !p.power_offset_db.is_finite() || p.power_offset_db.abs() > 40.0 {
        return Err(ChannelError::Invalid("power of PT-RS (TS 38.214 table 4.1-2)"));
    }
    Ok(())
}

/// Symbols with PT-RS: bit l is symbol l of the slot. Spec: TS 38.211 §6.4.1.2.2.1, §7.4.1.2.2
pub fn symbols(time_density: u8, dmrs_symbols: u16, start_symbol: u8, n_symbols: u8) -> u16 {
    let (mut next, mut out) = (0u32, 0u16);
    for l in 0..u32::from(n_symbols.min(14)) {
        let bit = 1u16.checked_shl(l + u32::from(start_symbol)).unwrap_or(0);
        if dmrs_symbols & bit != 0 {
            // Counting starts again at every DM-RS symbol, of a pair at the second.
            next = l + u32::from(time_density);
        } else if l == next {
            out |= bit;
            next += u32::from(time_density.max(1));
        }
    }
    out
}

/// Where the PT-RS of one channel lie.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comb {
    /// Bit l: symbol l.
    symbols: u16,
    /// Rank of the first RB and distance to the next.
    first: usize,
    step: usize,
    /// Elements of each port; the second is none where there is one.
    ports: [Option<(u8, u8)>; 2],
    amplitude: f32,
}

impl Comb {
    /// Places PT-RS that were checked, over `n_rb` allocated RBs.
    pub fn new(p: &PtrsPdu, d: &DmrsPdu, start_symbol: u8, n_symbols: u8, rnti: Rnti, n_rb: usize) -> Comb {
        let step = usize::from(p.frequency_density.max(1));
        let rest = n_rb % step;
        let first = usize::from(rnti.0) % if rest == 0 { step } else { rest };
        let mut ports = [None; 2];
        let of_port = |q: u8| k_ref_re(d.config_type, q, p.re_offset).map(|k| (q, k));
        let list = (0..16u8).filter(|q| p.dmrs_ports >> q & 1 == 1).filter_map(of_port);
        ports.iter_mut().zip(list).for_each(|(to, from)| *to = Some(from));
        Comb {
            symbols: symbols(p.time_density, d.symbols, start_symbol, n_symbols),
            first,
            step,
            ports,
            amplitude: libm::powf(10.0, p.power_offset_db / 20.0),
        }
    }

    /// Bit l: symbol l carries PT-RS.
    pub fn symbols(&self) -> u16 {
        self.symbols
    }

    /// Whether symbol `l` carries PT-RS.
    #[inline]
    pub fn is_in(&self, l: usize) -> bool {
        self.symbols >> l & 1 == 1
    }

    /// Elements of PT-RS in the RB of rank `rank`, of a symbol that carries them.
    #[inline]
    pub fn mask(&self, rank: usize) -> u16 {
        if rank < self.first || !(rank - self.first).is_multiple_of(self.step.max(1)) {
            return 0;
        }
        self.ports.iter().flatten().fold(0, |m, (_, k)| m | 1 << k)
    }

    /// DM-RS port and subcarrier of each PT-RS port.
    pub fn ports(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        self.ports.iter().flatten().copied()
    }

    /// Amplitude over that of data.
    pub fn amplitude(&self) -> f32 {
        self.amplitude
    }
}

/// Which pilot of an RB lies at subcarrier `k`, for the port's comb.
pub fn pilot_at(config_type: u8, port: u8, k: u8) -> usize {
    let delta = dmrs::Port::new(config_type, port).map_or(0, |p| usize::from(p.delta));
    (0..dmrs::pilots_per_rb(config_type))
        .find(|i| dmrs::subcarrier(config_type, *i, delta) == usize::from(k))
        .unwrap_or(0)
}

/// Checks the groups of a transform-precoded PUSCH of `m_sc` subcarriers.
pub fn check_groups(g: &PtrsGroups, m_sc: usize) -> Result<(), ChannelError> {
    let known = matches!((g.n_groups, g.n_samples), (2 | 4, 2 | 4) | (8, 4)) && matches!(g.time_density, 1 | 2);
    let sane = g.beta.is_finite() && g.beta > 0.0 && g.beta < 100.0;
    if !known || !sane || m_sc < 2 * usize::from(g.n_groups) * usize::from(g.n_samples) {
        return Err(ChannelError::Invalid("PT-RS groups (TS 38.211 table 6.4.1.2.2.2-1)"));
    }
    Ok(())
}

/// Where the samples of the groups lie before the DFT, ascending; returns how many. Spec: TS 38.211 table 6.4.1.2.2.2-1
pub fn group_positions(g: &PtrsGroups, m_sc: usize, out: &mut [u16; SAMPLES_MAX]) -> usize {
    let mut n = 0;
    let mut push = |at: usize| {
        out[n] = at as u16;
        n += 1;
    };
    let m = m_sc;
    match (g.n_groups, g.n_samples) {
        (2, 2) => [1, 3].iter().for_each(|s| (0..2).for_each(|k| push(s * (m / 4) + k - 1))),
        (4, 2) => [1, 3, 5, 7].iter().for_each(|s| (0..2).for_each(|k| push(s * m / 8 + k - 1))),
        (groups, _) => {
            (0..4).for_each(&mut push);
            match groups {
                4 => (1..3).for_each(|s| (0..4).for_each(|k| push(s * m / 4 + m / 8 + k - 2))),
                8 => (1..7).for_each(|s| (0..4).for_each(|k| push(s * m / 8 + m / 16 + k - 2))),
                _ => {}
            }
            (m - 4..m).for_each(push);
        }
    }
    n
}

/// The samples of the groups, in the order of their positions, times beta'. Spec: TS 38.211 §6.4.1.2.1.2
///
/// - `l` the lowest symbol of the slot that holds PT-RS
pub fn group_samples(
    g: &PtrsGroups,
    rnti: Rnti,
    slot: SlotPoint,
    l: usize,
    positions: &[u16],
    out: &mut [Cf32; SAMPLES_MAX],
) {
    const W: [[i8; 4]; 4] = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]];
    let n_samples = usize::from(g.n_samples.clamp(2, 4));
    let w = W[usize::from(rnti.0) % n_samples];
    let mut gold = Gold::new(dmrs::c_init(slot, l, g.n_id, 0));
    let a = core::f32::consts::FRAC_1_SQRT_2 * g.beta;
    for (i, (m, out)) in positions.iter().zip(out.iter_mut()).enumerate() {
        let sign = if gold.next(1) == 0 { 1.0 } else { -1.0 };
        let a = a * sign * f32::from(w[i % n_samples]);
        *out = if m % 2 == 0 { Cf32::new(a, a) } else { Cf32::new(-a, a) };
    }
}
