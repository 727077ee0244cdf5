//! Link adaptation: a channel estimate with an outer loop, and what MCS it allows.
//!
//! The estimate is an SNR in dB: of the CQI's row downlink, measured uplink. The outer loop shifts it so that the error rate of
//! first transmissions settles at the target: each error takes `STEP_DB`, each success gives back the share that balances.

use fapi::McsTable;
use fapi::resolve::mcs_row;
use nr::tables::{cqi, mcs::Mcs};

/// Loss against the Shannon bound that the table of thresholds assumes, dB.
const GAP_DB: f32 = 2.0;
/// What an error takes off the estimate, dB.
const STEP_DB: f32 = 0.6;
/// Bounds of the outer loop, dB.
const OFFSET_DB: (f32, f32) = (-12.0, 10.0);

/// SNR in dB at which a spectral efficiency (bits a resource element) is taken to work.
pub fn snr_for(efficiency: f32) -> f32 {
    10.0 * libm::log10f(libm::exp2f(efficiency) - 1.0) + GAP_DB
}

/// Efficiency at an SNR in dB.
pub fn efficiency_at(snr_db: f32) -> f32 {
    libm::log2f(1.0 + libm::exp10f((snr_db - GAP_DB) / 10.0))
}

/// SNR of a CQI index; `None` for 0 (out of range) and above 15.
pub fn snr_of_cqi(table: McsTable, index: u8) -> Option<f32> {
    let rows = match table {
        McsTable::Qam64 => &cqi::TABLE_1,
        McsTable::Qam256 => &cqi::TABLE_2,
        McsTable::Qam64LowSe => &cqi::TABLE_3,
        McsTable::Qam1024 => &cqi::TABLE_4,
    };
    rows.get(index as usize).filter(|_| index > 0).map(|r| snr_for(r.efficiency()))
}

/// The estimate of one direction of one UE.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Link {
    /// Last reported or measured SNR, dB, lightly smoothed.
    pub snr_db: f32,
    /// Outer loop, dB.
    pub offset_db: f32,
    target: f32,
    first: bool,
}

impl Link {
    /// With no report yet: `snr_db` is a cautious guess.
    pub fn new(snr_db: f32, target_bler: f32) -> Link {
        Link { snr_db, offset_db: 0.0, target: target_bler.clamp(0.001, 0.5), first: true }
    }
    /// A report or a measurement with weight `w` (0 to 1) against what is known; the first one counts whole.
    pub fn report(&mut self, snr_db: f32, w: f32) {
        if !snr_db.is_finite() {
            return;
        }
        let w = if self.first { 1.0 } else { w };
        self.first = false;
        self.snr_db += w * (snr_db.clamp(-20.0, 45.0) - self.snr_db);
    }
    /// The transmitter changes its power by `db`: so does the estimate, ahead of the measurement.
    pub fn moved(&mut self, db: f32) {
        self.snr_db = (self.snr_db + db).clamp(-20.0, 45.0);
    }
    /// The next report counts whole: what was known no longer holds.
    pub fn renew(&mut self) {
        self.first = true;
    }
    /// Outcome of a first transmission.
    pub fn outcome(&mut self, ok: bool) {
        let step = if ok { STEP_DB * self.target / (1.0 - self.target) } else { -STEP_DB };
        self.offset_db = (self.offset_db + step).clamp(OFFSET_DB.0, OFFSET_DB.1);
    }
    /// The estimate that decisions use, dB.
    pub fn effective_db(&self) -> f32 {
        self.snr_db + self.offset_db
    }
    /// Undoes the outer loop where it promises more than the best MCS: the loop must be able to come back quickly.
    pub fn bound(&mut self, snr_max_db: f32) {
        self.offset_db = self.offset_db.min(snr_max_db + 3.0 - self.snr_db).clamp(OFFSET_DB.0, OFFSET_DB.1);
    }
}

/// Highest MCS whose efficiency times `load` stays within what `snr_db` allows; `load` is the block's share of the elements that
/// are there (1.0, or more where reserved elements make the real rate higher).
pub fn mcs_for(table: McsTable, snr_db: f32, load: f32) -> u8 {
    let limit = efficiency_at(snr_db);
    let rows = (0..32u8).map_while(|i| mcs_row(table, i).ok().filter(|r| !r.is_reserved()));
    rows.enumerate().filter(|(_, r)| fits(r, limit, load)).map(|(i, _)| i as u8).last().unwrap_or(0)
}

fn fits(row: &Mcs, limit: f32, load: f32) -> bool {
    // Beyond a code rate of 0.95 a UE need not even try. Spec: TS 38.214 §5.1.3
    row.efficiency() * load <= limit && row.rate_x1024() / 1024.0 * load <= 0.95
}

/// The highest MCS of a table.
pub fn mcs_max(table: McsTable) -> u8 {
    match table {
        McsTable::Qam64 | McsTable::Qam64LowSe => 28,
        McsTable::Qam256 => 27,
        McsTable::Qam1024 => 26,
    }
}

/// SNR of the highest MCS of a table, dB.
pub fn snr_max(table: McsTable) -> f32 {
    mcs_row(table, mcs_max(table)).map_or(20.0, |r| snr_for(r.efficiency()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.1.3.1
    fn mcs_follows_the_snr() {
        let mcs = |snr| mcs_for(McsTable::Qam256, snr, 1.0);
        assert_eq!((mcs(-20.0), mcs(40.0)), (0, 27));
        assert!((0..45).map(|s| mcs(s as f32 - 5.0)).is_sorted());
        assert!(mcs_for(McsTable::Qam256, 40.0, 1.15) < 27);
        assert_eq!(mcs_for(McsTable::Qam64, 40.0, 1.0), 28);
        assert!((efficiency_at(snr_for(5.5)) - 5.5).abs() < 1e-3);
    }

    #[test] // Spec: ironcell sched (outer loop)
    fn outer_loop_settles_at_the_target() {
        // A channel that decodes exactly up to 18 dB, with a report that is 4 dB too high.
        let mut link = Link::new(0.0, 0.1);
        let (mut errors, n) = (0, 4000);
        for _ in 0..n {
            link.report(22.0, 0.5);
            let ok = link.effective_db() <= 18.0;
            errors += !ok as u32;
            link.outcome(ok);
        }
        let bler = errors as f32 / n as f32;
        assert!((0.08..0.13).contains(&bler), "{bler}");
    }
}
