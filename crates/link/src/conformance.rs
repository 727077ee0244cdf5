//! The demodulation requirements as rows that can be run.
//!
//! | rows | from |
//! |---|---|
//! | PUSCH, with and without transform precoding | TS 38.104 tables 8.2.1.2-1 to -20, 8.2.2.2-1 to -4 |
//! | PUCCH formats 0 to 4 | TS 38.104 §8.3.1 to §8.3.6 |
//! | PDSCH mapping type A on two and four antennas | TS 38.101-4 §5.2.2.1.1, §5.2.2.2.1, §5.2.3.1.1, §5.2.3.2.1 |
//!
//! SNR is of one receive antenna in the allocated band. A row passes if the error rate at the required SNR is at most the target; the
//! measured SNR is where it is met.

use dsp::Isa;
use fapi::{MappingType, PucchFormat};
use nr::Numerology;

use crate::LinkError;
use crate::count::{Effort, Link, Runner, Tally};
use crate::frc;
use crate::propagation::{Antennas, Correlation, Propagation, correlation};
use crate::pucch::{Count, PucchCase, PucchLink};
use crate::shared::{Direction, SharedCase, SharedLink};
use crate::table::Rows;

/// What is simulated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Case {
    /// PUSCH or PDSCH.
    Shared(SharedCase),
    /// PUCCH.
    Pucch(PucchCase),
}

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
}

impl Row {
    /// By how much the requirement is exceeded, dB.
    pub fn margin_db(&self) -> Option<f64> {
        self.measured_snr_db.map(|m| self.requirement.required_snr_db - m)
    }

    /// Whether it is met.
    pub fn pass(&self) -> bool {
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
            Case::Pucch(case) => Box::new(PucchLink::new(*case, isa)?),
        })
    }

    /// How long a point is simulated: until 100 errors, or until so many blocks that 100 are expected at the target and a half more.
    pub fn effort(&self, threads: usize) -> Effort {
        let blocks_max = (150.0 / self.target).max(600.0) as u64;
        let errors = if self.target > 0.1 { blocks_max } else { 100 };
        Effort { errors, blocks_max, batch: 20, threads }
    }

    /// Simulates it at the required SNR alone.
    ///
    /// Errors: what the physical layer says of the case.
    pub fn check(
        &self,
        isa: Isa,
        threads: usize,
        seed: u64,
        progress: &(dyn Fn(Tally) + Sync),
    ) -> Result<Row, LinkError> {
        let mut runner = Runner::new(|| self.link(isa), self.effort(threads), seed)?;
        let tally = runner.measure(self.required_snr_db, progress)?;
        Ok(Row { requirement: self.clone(), measured_snr_db: None, tally })
    }

    /// Simulates it: at the required SNR, then where the target is met.
    ///
    /// Errors: what the physical layer says of the case.
    pub fn run(
        &self,
        isa: Isa,
        threads: usize,
        seed: u64,
        progress: &(dyn Fn(Tally) + Sync),
    ) -> Result<Row, LinkError> {
        let mut runner = Runner::new(|| self.link(isa), self.effort(threads), seed)?;
        let tally = runner.measure(self.required_snr_db, progress)?;
        let found = runner.required_from(self.target, (self.required_snr_db, tally), 12.0, progress)?;
        Ok(Row { requirement: self.clone(), measured_snr_db: found.map(|f| f.0), tally })
    }
}

/// The requirements on a base station.
///
/// Errors: a table in this crate that cannot be read.
pub fn bs() -> Result<Vec<Requirement>, LinkError> {
    let mut all = pusch()?;
    all.extend(pucch()?);
    Ok(all)
}

/// The requirements on a terminal.
///
/// Errors: a table in this crate that cannot be read.
pub fn ue() -> Result<Vec<Requirement>, LinkError> {
    Rows::new(include_str!("../data/pdsch.tsv")).map(|r| pdsch_row(r).unwrap_or_else(|| Err(broken("pdsch")))).collect()
}

/// Spec: TS 38.101-4 tables 5.2-1, 5.2.2.1.1-2, 5.2.2.2.1-2, 5.2.3.1.1-2, 5.2.3.2.1-2
fn pdsch_row(mut r: crate::table::Row) -> Option<Result<Requirement, LinkError>> {
    let (clause, test, reference) = (r.text()?, r.text()?, r.text()?);
    let (bandwidth, scs_khz) = (r.number::<u32>()?, r.number::<u32>()?);
    let (first_rb, n_rb_allocated) = (r.number()?, r.number()?);
    let (q_m, rate_x1024, n_layers) = (r.number()?, r.number()?, r.number()?);
    let (additional, prg_size) = (r.number::<u8>()?, r.number()?);
    let (propagation, n_tx, n_rx, correlated) = (r.text()?, r.number()?, r.number()?, r.text()?);
    let (percent, required_snr_db) = (r.number::<f64>()?, r.number()?);
    let mut case = SharedCase {
        direction: Direction::Downlink,
        numerology: Numerology::from_scs_khz(scs_khz)?,
        carrier_rb: n_rb(bandwidth, scs_khz)?,
        first_rb,
        n_rb: n_rb_allocated,
        start_symbol: 2,
        n_symbols: 12,
        mapping: MappingType::A,
        // TS 38.211 table 7.4.1.1.2-3, ending with the slot.
        dmrs_symbols: if additional == 2 { 1 << 2 | 1 << 7 | 1 << 11 } else { 1 << 2 | 1 << 11 },
        n_cdm_groups: if n_layers > 2 { 2 } else { 1 },
        q_m,
        rate_x1024,
        tbs_bits: 0,
        n_layers,
        prg_size,
        transform_precoding: false,
        n_transmissions: 4,
        ldpc_iterations: 10,
        antennas: Antennas { n_tx, n_rx, correlation: Correlation::Low },
        propagation: Propagation::AWGN,
    };
    case.tbs_bits = case.tbs_bits();
    let condition = correlation(correlated).and_then(|c| Ok((c, Propagation::parse(propagation)?)));
    Some(condition.map(|(correlation, propagation_of)| {
        case.antennas.correlation = correlation;
        case.propagation =
            Propagation { direction: crate::propagation::Direction::Downlink, ..propagation_of };
        Requirement {
            clause: format!("TS 38.101-4 §{clause}"),
            test: format!(
                "test {test} {reference} {bandwidth} MHz {scs_khz} kHz {n_layers} layer(s) {n_tx}x{n_rx} {propagation} {correlated} {percent} %"
            ),
            channel: "PDSCH",
            required_snr_db,
            target: 1.0 - percent / 100.0,
            case: Case::Shared(case),
        }
    }))
}

fn numerology(scs_khz: u32) -> Result<Numerology, LinkError> {
    Numerology::from_scs_khz(scs_khz).ok_or_else(|| LinkError::new(format!("subcarrier spacing {scs_khz} kHz")))
}

fn broken(table: &str) -> LinkError {
    LinkError::new(format!("a row of the table {table} cannot be read"))
}

fn pusch() -> Result<Vec<Requirement>, LinkError> {
    let row = |mut r: crate::table::Row| -> Option<Result<Requirement, LinkError>> {
        let table = r.text()?;
        let mapping = if r.text()? == "A" { MappingType::A } else { MappingType::B };
        let bandwidth = r.text()?;
        let scs_khz = r.number()?;
        let (n_tx, n_rx) = (r.number()?, r.number()?);
        let (propagation, percent) = (r.text()?, r.number::<f64>()?);
        let (name, additional, required_snr_db) = (r.text()?, r.number::<u8>()?, r.number()?);
        Some(frc::find(name, n_tx).and_then(|f| {
            let clause = table.rsplit_once('-').map_or(table, |t| t.0);
            Ok(Requirement {
                clause: format!("TS 38.104 §{clause}"),
                test: format!(
                    "{bandwidth} MHz {scs_khz} kHz type {mapping:?} {n_tx}x{n_rx} {propagation} {name} {percent} % (table {table})"
                ),
                channel: "PUSCH",
                required_snr_db,
                target: 1.0 - percent / 100.0,
                case: Case::Shared(shared(&f, numerology(scs_khz)?, mapping, additional, n_rx, propagation)?),
            })
        }))
    };
    Rows::new(include_str!("../data/pusch.tsv")).map(|r| row(r).unwrap_or_else(|| Err(broken("pusch")))).collect()
}

/// The case of a fixed reference channel over a whole slot. Spec: TS 38.104 tables 8.2.1.1-1, 8.2.2.1-1
fn shared(
    f: &frc::Frc,
    numerology: Numerology,
    mapping: MappingType,
    additional: u8,
    n_rx: u8,
    propagation: &str,
) -> Result<SharedCase, LinkError> {
    // TS 38.211 table 6.4.1.1.3-3, fourteen symbols.
    let dmrs_symbols = match (mapping, additional) {
        (MappingType::A, 0) => 1 << 2,
        (MappingType::A, 1) => 1 << 2 | 1 << 11,
        (MappingType::A, _) => 1 << 2 | 1 << 7 | 1 << 11,
        (MappingType::B, 0) => 1,
        (MappingType::B, 1) => 1 | 1 << 10,
        (MappingType::B, _) => 1 | 1 << 5 | 1 << 10,
    };
    Ok(SharedCase {
        direction: Direction::Uplink,
        numerology,
        carrier_rb: f.n_rb,
        first_rb: 0,
        n_rb: f.n_rb,
        start_symbol: 0,
        n_symbols: 14,
        mapping,
        dmrs_symbols,
        n_cdm_groups: 2,
        q_m: f.q_m,
        rate_x1024: f.rate_x1024,
        tbs_bits: f.payload_bits,
        n_layers: f.n_layers,
        prg_size: 0,
        transform_precoding: f.transform_precoding,
        n_transmissions: 4,
        ldpc_iterations: 10,
        antennas: Antennas { n_tx: f.n_layers, n_rx, correlation: Correlation::Low },
        propagation: Propagation::parse(propagation)?,
    })
}

/// Resource blocks of a channel bandwidth. Spec: TS 38.104 table 5.3.2-1
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
        _ => return None,
    })
}

fn pucch() -> Result<Vec<Requirement>, LinkError> {
    let mut all = Vec::new();
    for mut r in Rows::new(include_str!("../data/pucch.tsv")) {
        let requirement = pucch_row(&mut r).unwrap_or_else(|| Err(broken("pucch")))?;
        all.push(requirement);
    }
    // Nothing sent: each format that carries HARQ-ACK, at the smallest carrier. Spec: TS 38.104 §8.3.1
    for (test, n_symbols) in [("f0", 1), ("f0", 2), ("f1-ack-missed", 14), ("f2-ack-missed", 1)] {
        for n_rx in [2, 4, 8] {
            let (case, _) =
                pucch_case(test, 5, 15, n_rx, "TDLC300-100", n_symbols, "-").unwrap_or_else(|| Err(broken("pucch")))?;
            all.push(Requirement {
                clause: "TS 38.104 §8.3.1.2".into(),
                test: format!("format {} {n_symbols} symbol(s) {n_rx} antennas, DTX to ACK", &test[1..2]),
                channel: "PUCCH",
                required_snr_db: 0.0,
                target: 0.01,
                case: Case::Pucch(PucchCase { count: Count::DtxToAck, ..case }),
            });
        }
    }
    Ok(all)
}

fn pucch_row(r: &mut crate::table::Row) -> Option<Result<Requirement, LinkError>> {
    let (table, test) = (r.text()?, r.text()?);
    let (bandwidth, scs_khz, n_rx) = (r.number()?, r.number()?, r.number()?);
    let (propagation, n_symbols, additional) = (r.text()?, r.number()?, r.text()?);
    let required_snr_db = r.number()?;
    let case = pucch_case(test, bandwidth, scs_khz, n_rx, propagation, n_symbols, additional)?;
    Some(case.map(|(case, target)| {
        let clause = table.rsplit_once('-').map_or(table, |t| t.0);
        let dmrs = match additional {
            "1" => ", additional DM-RS",
            _ => "",
        };
        Requirement {
            clause: format!("TS 38.104 §{clause}"),
            test: format!(
                "{test} {bandwidth} MHz {scs_khz} kHz {n_symbols} symbol(s) 1x{n_rx} {propagation}{dmrs} (table {table})"
            ),
            channel: "PUCCH",
            required_snr_db,
            target,
            case: Case::Pucch(case),
        }
    }))
}

/// The case and the target of a test of §8.3. Spec: TS 38.104 tables 8.3.2.1-1, 8.3.3.1.1-1, 8.3.4.1.1-1, 8.3.4.2.1-1, 8.3.5.1-1, 8.3.6.1-1
fn pucch_case(
    test: &str,
    bandwidth_mhz: u32,
    scs_khz: u32,
    n_rx: u8,
    propagation: &str,
    n_symbols: u8,
    additional: &str,
) -> Option<Result<(PucchCase, f64), LinkError>> {
    let numerology = Numerology::from_scs_khz(scs_khz)?;
    let carrier_rb = n_rb(bandwidth_mhz, scs_khz)?;
    let additional_dmrs = additional == "1";
    let f1 = PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 };
    let (format, n_prb, hops, n_bits, count, target) = match test {
        "f0" => (PucchFormat::F0 { initial_cyclic_shift: 0 }, 1, n_symbols == 2, 1, Count::AckMissed, 0.01),
        "f1-ack-missed" => (f1, 1, true, 2, Count::AckMissed, 0.01),
        "f1-nack-to-ack" => (f1, 1, true, 2, Count::NackToAck, 0.001),
        "f2-ack-missed" => (PucchFormat::F2 { n_prb: 4 }, 4, false, 4, Count::AckMissed, 0.01),
        "f2-bler" => (PucchFormat::F2 { n_prb: 9 }, 9, true, 22, Count::Uci, 0.01),
        "f3-1" => (PucchFormat::F3 { n_prb: 1 }, 1, true, 16, Count::Uci, 0.01),
        "f3-2" => (PucchFormat::F3 { n_prb: 3 }, 3, true, 16, Count::Uci, 0.01),
        "f4" => (PucchFormat::F4 { occ_length: 2, occ_index: 0 }, 1, true, 22, Count::Uci, 0.01),
        _ => return None,
    };
    let case = PucchCase::new(format, n_symbols, n_prb, hops, numerology, carrier_rb);
    let antennas = Antennas { n_tx: 1, n_rx, correlation: Correlation::Low };
    Some(
        Propagation::parse(propagation)
            .map(|propagation| (PucchCase { count, n_bits, additional_dmrs, antennas, propagation, ..case }, target)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.104 §8.2.1.2, §8.2.2.2, §8.3 (rows of the tables)
    fn every_row_of_the_tables_is_a_requirement() {
        let all = bs().unwrap();
        let count = |channel| all.iter().filter(|r| r.channel == channel).count();
        assert_eq!((count("PUSCH"), count("PUCCH")), (360, 234 + 12));
        assert!(all.iter().all(|r| (-30.0..30.0).contains(&r.required_snr_db)));
        let first = &all[0];
        assert_eq!((first.clause.as_str(), first.required_snr_db), ("TS 38.104 §8.2.1.2", -2.3));
        assert!(first.test.contains("1x2 TDLB100-400 G-FR1-A3-8 70 %"), "{}", first.test);
    }
}
