//! Transform precoding: DFT spreading over the allocation, its inverse, and the low-PAPR DM-RS that go with it.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | M_sc^PUSCH | `m_sc` | subcarriers: 12 times 2^a 3^b 5^c |
//! | r_u,v^(alpha,delta) | [`Transforms::dmrs`] | DM-RS sequence with delta = 1, alpha = 0 |
//!
//! Spec: TS 38.211 §6.3.1.4, §6.4.1.1.1.2

use crate::estimate::{ChannelError, dmrs};
use crate::sequences::low_papr::{group_hopping, low_papr, low_papr_type2, sequence_hopping};
use dsp::fft::{Direction, Plan};
use dsp::{Cf32, Isa};
use fapi::TransformPrecoding;
use nr::SlotPoint;

/// Whether an allocation of `n_rb` RBs may be transform-precoded. Spec: TS 38.211 §6.3.1.4
pub fn is_allowed(n_rb: usize) -> bool {
    let mut n = n_rb;
    for p in [2, 3, 5] {
        while n > 0 && n.is_multiple_of(p) {
            n /= p;
        }
    }
    n == 1
}

/// The transforms of one carrier. The first use of a size makes its plan; after that nothing is allocated.
#[derive(Clone, Debug)]
pub struct Transforms {
    isa: Isa,
    forward: Vec<Option<Plan>>,
    inverse: Vec<Option<Plan>>,
    /// Of half the size, for DM-RS of type 2.
    half: Vec<Option<Plan>>,
    scratch: Vec<Cf32>,
}

/// The plan of `n_rb` RBs, made on first use.
fn plan(
    isa: Isa,
    plans: &mut [Option<Plan>],
    n_rb: usize,
    n: usize,
    direction: Direction,
) -> Result<&Plan, ChannelError> {
    let wrong = ChannelError::Invalid("transform precoding over 2^a 3^b 5^c resource blocks (TS 38.211 §6.3.1.4)");
    let place = plans.get_mut(n_rb).filter(|_| is_allowed(n_rb)).ok_or(wrong)?;
    if place.is_none() {
        *place = Some(Plan::unitary(n, direction, isa).map_err(|_| wrong)?);
    }
    place.as_ref().ok_or(wrong)
}

impl Transforms {
    /// For allocations of up to `n_rb_max` RBs.
    pub fn new(isa: Isa, n_rb_max: usize) -> Transforms {
        let none = || vec![None; n_rb_max + 1];
        let scratch = vec![Cf32::default(); 2 * 12 * (n_rb_max + 1) + 64];
        Transforms { isa, forward: none(), inverse: none(), half: none(), scratch }
    }

    /// Spreads the symbols of one OFDM symbol in place; unitary. Errors: `Invalid` for a size that is none.
    pub fn spread(&mut self, x: &mut [Cf32]) -> Result<(), ChannelError> {
        let plan = plan(self.isa, &mut self.forward, x.len() / 12, x.len(), Direction::Forward)?;
        run(plan, x, &mut self.scratch)
    }

    /// Undoes [`Transforms::spread`].
    pub fn despread(&mut self, x: &mut [Cf32]) -> Result<(), ChannelError> {
        let plan = plan(self.isa, &mut self.inverse, x.len() / 12, x.len(), Direction::Inverse)?;
        run(plan, x, &mut self.scratch)
    }

    /// The DM-RS sequence of symbol `l`, six elements for each RB.
    ///
    /// Spec: TS 38.211 §6.4.1.1.1.2
    /// - `symbols` all DM-RS symbols: the second of a pair has the sequence group of the first
    /// - `n_scid`  n_SCID, for type 2
    ///
    /// Errors: `Invalid` for lengths without a sequence.
    pub fn dmrs(
        &mut self,
        t: &TransformPrecoding,
        slot: SlotPoint,
        l: usize,
        symbols: u16,
        n_scid: u8,
        out: &mut [Cf32],
    ) -> Result<(), ChannelError> {
        let n_rb = out.len() / 6;
        let first = if dmrs::is_second(symbols, l) { l - 1 } else { l };
        let position = 14 * slot.slot() as usize + first;
        let n_id = u32::from(t.n_id_rs);
        let (f_gh, v) = match t.hopping {
            1 => (group_hopping(n_id / 30, position), 0),
            2 if out.len() >= 72 => (0, sequence_hopping(n_id, position)),
            _ => (0, 0),
        };
        let u = ((u32::from(f_gh) + n_id) % 30) as u8;
        if t.low_papr_type2 {
            let plan = plan(self.isa, &mut self.half, n_rb, out.len(), Direction::Forward)?;
            return low_papr_type2(u, dmrs::c_init(slot, l, t.n_id_rs, n_scid), plan, &mut self.scratch, out);
        }
        low_papr(u, v, 0.0, 1, out)
    }
}

fn run(plan: &Plan, x: &mut [Cf32], scratch: &mut Vec<Cf32>) -> Result<(), ChannelError> {
    if plan.n() != x.len() {
        return Err(ChannelError::Invalid("whole resource blocks (TS 38.211 §6.3.1.4)"));
    }
    if scratch.len() < plan.scratch_len() {
        scratch.resize(plan.scratch_len(), Cf32::default());
    }
    plan.process(x, scratch);
    Ok(())
}
