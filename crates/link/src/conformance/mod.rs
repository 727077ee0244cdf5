//! The demodulation requirements as rows that can be run.
//!
//! | rows | from |
//! |---|---|
//! | PUSCH, with and without transform precoding | TS 38.104 tables 8.2.1.2-1 to -20, 8.2.2.2-1 to -4 |
//! | UCI on PUSCH | TS 38.104 §8.2.3 |
//! | PUSCH for high speed train, timing adjustment, 0.001 %, repetition type A, two symbols, 2-step random access | TS 38.104 §8.2.4 to §8.2.9 |
//! | PUCCH formats 0 to 4, format 1 over two slots | TS 38.104 §8.3.1 to §8.3.7 |
//! | PRACH detection and false alarm, normal mode and high speed train | TS 38.104 §8.4.1, §8.4.2.2, §8.4.2.3 |
//! | PDSCH mapping type A on two and four antennas | TS 38.101-4 §5.2.2.1.1, §5.2.2.2.1, §5.2.3.1.1, §5.2.3.2.1 |
//! | PDCCH on one and two transmit antennas, PBCH | TS 38.101-4 §5.3.1 to §5.3.3, §5.4.1 to §5.4.3 |
//!
//! At 0.001 % of blocks (TS 38.104 §8.2.6) 100 errors would take ten million: a row passes on 300 000 blocks with three errors at most (95 %
//! sure where there is none), and where the target is met is extrapolated from where one block in ten and in a thousand is lost.
//!
//! SNR is of one receive antenna in the allocated band. A row passes if the error rate at the required SNR is at most the target; the
//! measured SNR is where it is met.

mod control;
mod csi;
mod pdsch;
mod prach;
mod pucch;
mod pusch;

pub use csi::{CsiRequirement, CsiTest, CsiVerdict};
use dsp::Isa;
use nr::Numerology;

use crate::LinkError;
use crate::control::{PbchCase, PbchLink, PdcchCase, PdcchLink};
use crate::count::{Effort, Link, Runner, Tally};
use crate::prach::{PrachCase, PrachLink};
use crate::pucch::{Count, PucchCase, PucchLink};
use crate::shared::{Extras, SharedCase, SharedLink};
use crate::timing::Timing;
use crate::uci::{UciCase, UciLink};

/// What is simulated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Case {
    /// PUSCH or PDSCH.
    Shared(SharedCase),
    /// PUSCH, each transmission over so many slots; what counts are transport blocks that never came.
    Repeated(SharedCase, u8),
    /// PUSCH whose timing changes.
    Timed(SharedCase, Timing),
    /// PDSCH with what else its requirement asks for.
    Pdsch(SharedCase, Extras),
    /// CSI on PUSCH.
    Uci(UciCase),
    /// PUCCH.
    Pucch(PucchCase),
    /// PRACH.
    Prach(PrachCase),
    /// PDCCH.
    Pdcch(PdcchCase),
    /// PBCH.
    Pbch(PbchCase),
    /// CSI reports, which are judged otherwise than by an error rate at an SNR.
    Csi(CsiRequirement),
}

/// Below this target errors are too few to be counted.
const DEEP: f64 = 1e-4;

/// One requirement.
#[derive(Clone, PartialEq, Debug)]
pub struct Requirement {
    /// "TS 38.104 §8.2.1.2".
    pub clause: String,
    /// What tells it from the others of its clause.
    pub test: String,
    /// "PUSCH".
    pub channel: &'static str,
    /// SNR at which it must be met, dB.
    pub required_snr_db: f64,
    /// Highest error rate.
    pub target: f64,
    /// The simulation.
    pub case: Case,
}

/// What came of a requirement.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The requirement.
    pub requirement: Requirement,
    /// Where the error rate meets the target, dB; `None` if not within 12 dB.
    pub measured_snr_db: Option<f64>,
    /// At the required SNR.
    pub tally: Tally,
    /// Of CSI reports: what was measured besides, and whether it meets the requirement.
    pub csi: Option<CsiVerdict>,
}

impl Row {
    /// By how much the requirement is exceeded, dB; of CSI reports the ratio of throughputs over the one required.
    pub fn margin_db(&self) -> Option<f64> {
        if let Some(csi) = &self.csi {
            return csi.margin_db;
        }
        self.measured_snr_db.map(|m| self.requirement.required_snr_db - m)
    }

    /// Whether it is met.
    pub fn pass(&self) -> bool {
        if let Some(csi) = &self.csi {
            return csi.pass;
        }
        self.tally.blocks > 0 && self.tally.rate() <= self.requirement.target
    }
}

impl Requirement {
    /// A link of the requirement's case.
    ///
    /// Errors: what the physical layer says of it.
    pub fn link(&self, isa: Isa) -> Result<Box<dyn Link>, LinkError> {
        Ok(match &self.case {
            Case::Shared(case) => Box::new(SharedLink::new(*case, isa)?),
            Case::Repeated(case, n_slots) => Box::new(SharedLink::repeated(*case, *n_slots, isa)?),
            Case::Timed(case, timing) => Box::new(SharedLink::timed(*case, *timing, isa)?),
            Case::Pdsch(case, extras) => Box::new(SharedLink::downlink(*case, *extras, isa)?),
            Case::Uci(case) => Box::new(UciLink::new(*case, isa)?),
            Case::Pucch(case) => Box::new(PucchLink::new(*case, isa)?),
            Case::Prach(case) => Box::new(PrachLink::new(*case, isa)?),
            Case::Pdcch(case) => Box::new(PdcchLink::new(*case, isa)?),
            Case::Pbch(case) => Box::new(PbchLink::new(*case, isa)?),
            Case::Csi(_) => return Err(LinkError::new("CSI reports have no link of their own")),
        })
    }

    /// How long a point is simulated: until 100 errors, or until so many blocks that 100 are expected at the target and a half more;
    /// 2000 slots where a fraction of the throughput is asked for, since fading changes slowly.
    pub fn effort(&self, threads: usize) -> Effort {
        let blocks_max = if self.target < DEEP { 3.0 / self.target } else { (150.0 / self.target).max(2000.0) } as u64;
        let errors = if self.target > 0.1 { blocks_max } else { 100 };
        Effort { errors, blocks_max, batch: 20, threads }
    }

    /// Simulates it at the required SNR alone; `effort` as [`Requirement::effort`] gives it, or less.
    ///
    /// Errors: what the physical layer says of the case.
    pub fn check(
        &self,
        isa: Isa,
        effort: Effort,
        seed: u64,
        progress: &(dyn Fn(Tally) + Sync),
    ) -> Result<Row, LinkError> {
        if let Case::Csi(csi) = &self.case {
            return csi::row(self, csi, isa, effort.blocks_max, seed, progress);
        }
        let mut runner = Runner::new(|| self.link(isa), effort, seed)?;
        let tally = runner.measure(self.required_snr_db, progress)?;
        Ok(Row { requirement: self.clone(), measured_snr_db: None, tally, csi: None })
    }

    /// Whether nothing is sent, so that no SNR makes a difference.
    pub fn of_noise_alone(&self) -> bool {
        match &self.case {
            Case::Prach(case) => case.preamble.is_none(),
            Case::Pucch(case) => case.count == Count::DtxToAck,
            _ => false,
        }
    }

    /// Simulates it: at the required SNR, then where the target is met; what measures noise alone at one SNR only.
    ///
    /// Errors: what the physical layer says of the case.
    pub fn run(
        &self,
        isa: Isa,
        effort: Effort,
        seed: u64,
        progress: &(dyn Fn(Tally) + Sync),
    ) -> Result<Row, LinkError> {
        if let Case::Csi(csi) = &self.case {
            return csi::row(self, csi, isa, effort.blocks_max, seed, progress);
        }
        let mut runner = Runner::new(|| self.link(isa), effort, seed)?;
        let tally = runner.measure(self.required_snr_db, progress)?;
        if self.of_noise_alone() {
            return Ok(Row { requirement: self.clone(), measured_snr_db: None, tally, csi: None });
        }
        if self.target < DEEP {
            let measured = runner.extrapolated(self.target, self.required_snr_db, progress)?;
            return Ok(Row { requirement: self.clone(), measured_snr_db: measured, tally, csi: None });
        }
        let found = runner.required_from(self.target, (self.required_snr_db, tally), 12.0, progress)?;
        Ok(Row { requirement: self.clone(), measured_snr_db: found.map(|f| f.0), tally, csi: None })
    }
}

/// The requirements on a base station.
///
/// Errors: a table in this crate that cannot be read.
pub fn bs() -> Result<Vec<Requirement>, LinkError> {
    let mut all = pusch::all()?;
    all.extend(pusch::special()?);
    all.extend(pusch::uci()?);
    all.extend(pucch::all()?);
    all.extend(prach::all()?);
    Ok(all)
}

/// The requirements on a terminal.
///
/// Errors: a table in this crate that cannot be read.
pub fn ue() -> Result<Vec<Requirement>, LinkError> {
    let mut all = pdsch::all()?;
    all.extend(control::all()?);
    all.extend(csi::all()?);
    Ok(all)
}

fn numerology(scs_khz: u32) -> Result<Numerology, LinkError> {
    Numerology::from_scs_khz(scs_khz).ok_or_else(|| LinkError::new(format!("subcarrier spacing {scs_khz} kHz")))
}

fn broken(table: &str) -> LinkError {
    LinkError::new(format!("a row of the table {table} cannot be read"))
}

/// Resource blocks of a channel bandwidth. Spec: TS 38.104 tables 5.3.2-1, 5.3.2-2
fn n_rb(bandwidth_mhz: u32, scs_khz: u32) -> Option<u16> {
    Some(match (scs_khz, bandwidth_mhz) {
        (15, 3) => 15,
        (15, 5) => 25,
        (15, 10) => 52,
        (15, 20) => 106,
        (30, 10) => 24,
        (30, 20) => 51,
        (30, 40) => 106,
        (30, 100) => 273,
        (60, 50) | (120, 100) => 66,
        (120, 50) => 32,
        (60, 100) | (120, 200) => 132,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.104 §8.2.1.2, §8.2.2.2, §8.2.3.2, §8.2.4.2 to §8.2.9.2, §8.3, §8.4 (rows of the tables)
    fn every_row_of_the_tables_is_a_requirement() {
        let all = bs().unwrap();
        let count = |channel| all.iter().filter(|r| r.channel == channel).count();
        assert_eq!((count("PUSCH"), count("PUCCH"), count("PRACH")), (360 + 70 + 8 + 40, 234 + 12 + 2, 117 + 15));
        assert!(all.iter().all(|r| (-30.0..30.0).contains(&r.required_snr_db)));
        let first = &all[0];
        assert_eq!((first.clause.as_str(), first.required_snr_db), ("TS 38.104 §8.2.1.2", -2.3));
        assert!(first.test.contains("1x2 TDLB100-400 G-FR1-A3-8 70 %"), "{}", first.test);
    }

    #[test] // Spec: TS 38.101-4 §5.2.2.1.1, §5.2.2.1.2, §5.2.2.1.3, §5.2.2.1.6, §5.2.2.1.15, §7.2.2.2.1, §7.2.2.2.3 (kinds of PDSCH)
    fn a_row_of_each_kind_of_pdsch_is_met() {
        let all = ue().unwrap();
        for (clause, test) in [
            ("§5.2.2.1.1", "HST-972"),
            ("§5.2.2.1.1", "TDLC300-600"),
            ("§5.2.2.1.1", "TDLD30-5"),
            ("§5.2.2.1.2", ""),
            ("§5.2.2.1.3", ""),
            ("§5.2.2.1.6", ""),
            ("§5.2.2.1.15", "one cell"),
            ("§7.2.2.2.1", "test 1-3"),
            ("§7.2.2.2.3", ""),
        ] {
            let r = all.iter().find(|r| r.clause.ends_with(clause) && r.test.contains(test)).unwrap();
            let effort = Effort { errors: 60, blocks_max: 60, batch: 20, threads: 2 };
            let row = r.check(Isa::best(), effort, 1, &|_| {}).unwrap();
            assert!(row.pass(), "{clause} {test}: {} of {}", row.tally.errors, row.tally.blocks);
        }
    }

    #[test] // Spec: TS 38.104 §8.3.1.2, §8.4.1.2 (DTX to ACK and false alarm: noise alone)
    fn noise_alone_is_measured_once() {
        let all = bs().unwrap();
        let rows: Vec<_> = all.iter().filter(|r| r.of_noise_alone()).collect();
        assert_eq!(rows.len(), 12 + 15);
        let effort = Effort { errors: 100, blocks_max: 40, batch: 20, threads: 1 };
        for r in [rows[0], rows[rows.len() - 1]] {
            let most = std::sync::atomic::AtomicU64::new(0);
            let progress = |t: Tally| _ = most.fetch_max(t.blocks, std::sync::atomic::Ordering::Relaxed);
            let row = r.run(Isa::best(), effort, 1, &progress).unwrap();
            assert_eq!((row.measured_snr_db, row.tally.blocks), (None, most.into_inner()));
        }
    }

    #[test] // Spec: TS 38.104 §8.2.2.2, §8.2.3.2, §8.3.4.2.2, §8.3.5.2, §8.3.6.2, TS 38.101-4 §5.2.2.1.1, §5.2.3.1.1, §5.3.2, §5.3.3, §5.4.2 (a decibel to spare)
    fn rows_that_lean_on_the_estimators_most_are_met_a_decibel_early() {
        let all: Vec<Requirement> = bs().unwrap().into_iter().chain(ue().unwrap()).collect();
        // Doppler believed as far as it is told; joint detection; delay, channel and index in deep fades; CSI without a CRC.
        let rows = [
            ("§8.2.2.2", "5 MHz 15 kHz type B 1x2", 400),
            ("§5.2.2.1.1", "test 3-1", 400),
            ("§5.2.3.1.1", "test 5-1", 200),
            ("§5.3.3.1.1", "test 1-4", 1000),
            ("§5.3.2.1.1", "test 1-5", 1000),
            ("§5.4.2.2", "test 2-1", 300),
            ("§8.3.4.2.2", "f2-bler 5 MHz 15 kHz 2 symbol(s) 1x8", 800),
            ("§8.3.5.2", "f3-2 5 MHz 15 kHz 4 symbol(s) 1x4", 800),
            ("§8.3.6.2", "f4 5 MHz 15 kHz 14 symbol(s) 1x4 TDLC300-100, additional", 800),
            ("§8.2.3.2", "type A 1x2 TDLC300-100 G-FR1-A4-11 CSI part 1 of 5", 800),
        ];
        for (clause, test, blocks_max) in rows {
            let r = all.iter().find(|r| r.clause.ends_with(clause) && r.test.contains(test)).unwrap();
            let effort = Effort { errors: blocks_max, blocks_max, batch: 20, threads: 2 };
            let mut runner = Runner::new(|| r.link(Isa::best()), effort, 1).unwrap();
            let tally = runner.measure(r.required_snr_db - 1.0, &|_| {}).unwrap();
            assert!(tally.rate() <= r.target, "{clause} {test}: {} of {}", tally.errors, tally.blocks);
        }
    }
}
