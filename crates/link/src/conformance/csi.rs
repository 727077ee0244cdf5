//! Requirements on CSI reports. Spec: TS 38.101-4 §6.2 to §6.4
//!
//! They ask for what reports are worth: how far CQIs scatter, and the throughput of a PDSCH that follows them over that of one that does not.
//! So a row's SNR is that of the test (of the two a test has, the first at which it is met; of precoders where 90 % of the throughput is
//! reached), its margin the ratio of throughputs over the one required, its errors and blocks those of the PDSCH that follows the reports.

use dsp::Isa;
use fapi::McsTable;
use fapi::csi::Codebook;

use super::{Case, Requirement, Row, broken, n_rb, numerology};
use crate::LinkError;
use crate::count::Tally;
use crate::csi::{CsiCase, CsiLink, Format, Outcome, Place, Plan};
use crate::propagation::{Antennas, Polarisation, Propagation, correlation};
use crate::table::Rows;

/// Q_m and target code rate of R.PDSCH.1-6.1 FDD and R.PDSCH.2-8.1 TDD. Spec: TS 38.101-4 annex A.3.2
const PRECODER_FORMAT: Format = Format::Fixed(4, 490.0);
/// Fraction of the throughput at which precoders are compared. Spec: TS 38.101-4 §6.3
const PRECODER_FRACTION: f64 = 0.9;
/// Level 0 is reported for a subband less often than this. Spec: TS 38.101-4 table 6.2.2.1.2.2-2
const BETA: f64 = 0.55;
/// Formats that follow the reports are lost at least as often: the terminal asks for no less than it can take.
const BLER_MIN: f64 = 0.02;
/// The error rate that a CQI stands for. Spec: TS 38.214 §5.2.2.1
const BLER: f64 = 0.1;

/// What is compared.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum CsiTest {
    /// CQI scatters little, and its format is the highest that is lost at most once in ten times.
    Awgn,
    /// CQI scatters at least so often (a fraction), and following it pays.
    Wideband {
        /// alpha.
        alpha: f64,
    },
    /// Levels scatter, and the best subbands are worth it.
    Subband {
        /// alpha.
        alpha: f64,
    },
    /// Precoders against ones drawn.
    Precoder,
    /// Rank against one rank.
    Rank {
        /// The run of one rank.
        fixed: (u8, u8),
    },
}

/// A requirement on CSI reports.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CsiRequirement {
    /// The simulation.
    pub case: CsiCase,
    /// What is compared.
    pub test: CsiTest,
    /// Rank restriction and subset of the codebook of reports that are followed.
    pub restriction: (u8, u8),
    /// The two SNRs of the test, dB.
    pub snr_db: [f64; 2],
    /// Least ratio of throughputs.
    pub gamma: f64,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct CsiVerdict {
    /// Whether it is met.
    pub pass: bool,
    /// The ratio of throughputs over the one required, dB.
    pub margin_db: Option<f64>,
    /// What was measured.
    pub note: String,
}

/// What one SNR gave.
struct Judged {
    verdict: CsiVerdict,
    snr_db: f64,
    tally: Tally,
}

fn tally(o: &Outcome) -> Tally {
    Tally { blocks: o.sent, errors: o.lost }
}

fn verdict(conditions: bool, ratio: f64, gamma: f64, note: String) -> CsiVerdict {
    let margin_db = 10.0 * libm::log10((ratio / gamma).max(1e-9));
    CsiVerdict {
        pass: conditions && ratio >= gamma,
        margin_db: Some(margin_db),
        note: format!("throughput {ratio:.2} of {gamma:.2}{note}"),
    }
}

/// Runs of one requirement: `slots` each, the same channels for all.
struct Judge<'a> {
    link: CsiLink,
    requirement: &'a CsiRequirement,
    slots: u64,
    seed: u64,
    progress: &'a (dyn Fn(Tally) + Sync),
}

impl Judge<'_> {
    fn run(&mut self, plan: Plan, snr_db: f64, slots: u64) -> Result<Outcome, LinkError> {
        let outcome = self.link.run(&plan, snr_db, slots, self.seed)?;
        (self.progress)(tally(&outcome));
        Ok(outcome)
    }

    fn plan(&self, format: Format) -> Plan {
        let (ranks, subset) = self.requirement.restriction;
        Plan { ranks, subset, format, place: Place::Carrier, random_precoder: false }
    }

    fn judge(&mut self, snr_db: f64) -> Result<Judged, LinkError> {
        match self.requirement.test {
            CsiTest::Awgn => self.awgn(snr_db),
            CsiTest::Wideband { alpha } => self.wideband(snr_db, alpha),
            CsiTest::Subband { alpha } => self.subband(snr_db, alpha),
            CsiTest::Precoder => self.precoder(),
            CsiTest::Rank { fixed } => self.rank(snr_db, fixed),
        }
    }

    /// Spec: TS 38.101-4 §6.2.2.1.1.1
    fn awgn(&mut self, snr_db: f64) -> Result<Judged, LinkError> {
        let reports = self.run(self.plan(Format::Silent), snr_db, self.slots)?;
        let median = reports.median_cqi();
        let within = 1.0 - reports.off_by_more_than_one(median);
        let at_median = self.run(self.plan(Format::Cqi(median)), snr_db, self.slots / 4)?;
        let (other, right) = if at_median.bler() <= BLER {
            let next = self.run(self.plan(Format::Cqi((median + 1).min(15))), snr_db, self.slots / 4)?;
            (next.bler(), median == 15 || next.bler() > BLER)
        } else {
            let next = self.run(self.plan(Format::Cqi(median.saturating_sub(1))), snr_db, self.slots / 4)?;
            (next.bler(), next.bler() <= BLER)
        };
        let note = format!(
            "median CQI {median}, {:.0} % within one of it, BLER {:.2} there and {other:.2} {}",
            100.0 * within,
            at_median.bler(),
            if at_median.bler() <= BLER { "above" } else { "below" }
        );
        let verdict = CsiVerdict { pass: within > 0.9 && right, margin_db: None, note };
        Ok(Judged { verdict, snr_db, tally: tally(&at_median) })
    }

    /// Spec: TS 38.101-4 §6.2.2.1.2.1
    fn wideband(&mut self, snr_db: f64, alpha: f64) -> Result<Judged, LinkError> {
        let followed = self.run(self.plan(Format::Reported), snr_db, self.slots)?;
        let median = followed.median_cqi();
        let fixed = self.run(self.plan(Format::Cqi(median)), snr_db, self.slots)?;
        let off = followed.off_by_more_than_one(median);
        let ratio = followed.throughput() / fixed.throughput().max(1e-9);
        let note = format!(
            ", median CQI {median}, {:.0} % more than one off it of {:.0} %, BLER {:.2}",
            100.0 * off,
            100.0 * alpha,
            followed.bler()
        );
        let scattered = off >= alpha && followed.bler() >= BLER_MIN;
        let verdict = verdict(scattered, ratio, self.requirement.gamma, note);
        Ok(Judged { verdict, snr_db, tally: tally(&followed) })
    }

    /// Spec: TS 38.101-4 §6.2.2.1.2.2
    fn subband(&mut self, snr_db: f64, alpha: f64) -> Result<Judged, LinkError> {
        let plan = Plan { place: Place::BestSubband, ..self.plan(Format::Reported) };
        let best = self.run(plan, snr_db, self.slots)?;
        let median = best.median_cqi();
        let plan = Plan { place: Place::AnySubband, ..self.plan(Format::Cqi(median)) };
        let any = self.run(plan, snr_db, self.slots)?;
        let case = &self.requirement.case;
        let full = usize::from(case.carrier_rb / case.subband_rb.max(1));
        let zero: Vec<f64> = (0..full).map(|i| best.level_0(i)).collect();
        let (least, most) = zero.iter().fold((1.0f64, 0.0f64), |m, z| (m.0.min(*z), m.1.max(*z)));
        let ratio = best.throughput() / any.throughput().max(1e-9);
        let note = format!(
            ", median CQI {median}, level 0 in {:.0} to {:.0} % of {:.0} to {:.0} %, BLER {:.2}",
            100.0 * least,
            100.0 * most,
            100.0 * alpha,
            100.0 * BETA,
            best.bler()
        );
        let scattered = least >= alpha && most < BETA && best.bler() >= BLER_MIN;
        let verdict = verdict(scattered, ratio, self.requirement.gamma, note);
        Ok(Judged { verdict, snr_db, tally: tally(&best) })
    }

    /// Spec: TS 38.101-4 §6.3
    fn precoder(&mut self) -> Result<Judged, LinkError> {
        let plan = self.plan(PRECODER_FORMAT);
        let delivered = |o: &Outcome| 1.0 - o.lost as f64 / o.slots.max(1) as f64;
        // By steps of 1 dB to where the throughput passes the fraction, and in between by a straight line.
        let mut snr_db = 2.0;
        let mut here = delivered(&self.run(plan, snr_db, self.slots)?);
        let step = if here < PRECODER_FRACTION { 1.0 } else { -1.0 };
        loop {
            let there = delivered(&self.run(plan, snr_db + step, self.slots)?);
            if (there < PRECODER_FRACTION) != (here < PRECODER_FRACTION) {
                snr_db += step * (PRECODER_FRACTION - here) / (there - here);
                break;
            }
            (snr_db, here) = (snr_db + step, there);
            if !(-20.0..30.0).contains(&snr_db) {
                return Err(LinkError::new("90 % of the throughput are never met"));
            }
        }
        let followed = self.run(plan, snr_db, self.slots)?;
        let drawn = self.run(Plan { random_precoder: true, ..plan }, snr_db, self.slots)?;
        let ratio = delivered(&followed) / delivered(&drawn).max(1e-9);
        let note = format!(", {:.0} % against {:.0} %", 100.0 * delivered(&followed), 100.0 * delivered(&drawn));
        let verdict = verdict(true, ratio, self.requirement.gamma, note);
        Ok(Judged { verdict, snr_db, tally: tally(&followed) })
    }

    /// Spec: TS 38.101-4 §6.4
    fn rank(&mut self, snr_db: f64, (ranks, subset): (u8, u8)) -> Result<Judged, LinkError> {
        let followed = self.run(self.plan(Format::Reported), snr_db, self.slots)?;
        let fixed = self.run(Plan { ranks, subset, ..self.plan(Format::Reported) }, snr_db, self.slots)?;
        let ratio = followed.throughput() / fixed.throughput().max(1e-9);
        let mean =
            followed.reports.iter().map(|r| f64::from(r.rank)).sum::<f64>() / followed.reports.len().max(1) as f64;
        let note = format!(", mean rank {mean:.1}, BLER {:.2}", followed.bler());
        let verdict = verdict(true, ratio, self.requirement.gamma, note);
        Ok(Judged { verdict, snr_db, tally: tally(&followed) })
    }
}

/// Runs a requirement at its first SNR and, if it is not met there, at the second: one of them is enough.
pub(super) fn row(
    requirement: &Requirement,
    csi: &CsiRequirement,
    isa: Isa,
    slots: u64,
    seed: u64,
    progress: &(dyn Fn(Tally) + Sync),
) -> Result<Row, LinkError> {
    let mut judge = Judge { link: CsiLink::new(csi.case, isa)?, requirement: csi, slots, seed, progress };
    let mut judged = judge.judge(csi.snr_db[0])?;
    if !judged.verdict.pass && csi.snr_db[1] != csi.snr_db[0] {
        let second = judge.judge(csi.snr_db[1])?;
        if second.verdict.pass {
            judged = second;
        }
    }
    let requirement = Requirement { required_snr_db: judged.snr_db, ..requirement.clone() };
    Ok(Row { requirement, measured_snr_db: Some(judged.snr_db), tally: judged.tally, csi: Some(judged.verdict) })
}

/// All of them.
///
/// Errors: the table cannot be read.
pub(super) fn all() -> Result<Vec<Requirement>, LinkError> {
    Rows::new(include_str!("../../data/csi.tsv")).map(|r| parse(r).unwrap_or_else(|| Err(broken("csi")))).collect()
}

fn parse(mut r: crate::table::Row) -> Option<Result<Requirement, LinkError>> {
    let (clause, test, kind) = (r.text()?, r.text()?, r.text()?);
    let (bandwidth, scs_khz) = (r.number()?, r.number()?);
    let (n_tx, n_rx, correlated) = (r.number()?, r.number()?, r.text()?);
    let (propagation, table) = (r.text()?, r.text()?);
    // Of precoders there is no SNR.
    let snr_db = [r.text()?, r.text()?].map(|t| t.parse::<f64>().unwrap_or(0.0));
    let restriction = (r.number()?, r.number()?);
    let fixed = [r.text()?, r.text()?].map(|t| t.parse().unwrap_or(0));
    let (period, delay, subband_rb) = (r.number()?, r.number()?, r.number()?);
    let alpha = r.text()?.parse().unwrap_or(0.0) / 100.0;
    let gamma = r.text()?.parse().unwrap_or(0.0);
    let test_of = match kind {
        "awgn" => CsiTest::Awgn,
        "wideband" => CsiTest::Wideband { alpha },
        "subband" => CsiTest::Subband { alpha },
        "precoder" => CsiTest::Precoder,
        "rank" => CsiTest::Rank { fixed: (fixed[0], fixed[1]) },
        _ => return None,
    };
    let (polarisation, level) = match correlated.strip_prefix("cross-") {
        Some(level) => (Polarisation::Cross, level),
        None => (Polarisation::Uniform, correlated),
    };
    let what = match kind {
        "awgn" => "CQI",
        "wideband" => "wideband CQI",
        "subband" => "subband CQI",
        "precoder" => "PMI",
        _ => "RI",
    };
    let carrier_rb = n_rb(bandwidth, scs_khz)?;
    let condition = correlation(level).and_then(|c| Ok((c, Propagation::parse(propagation)?, numerology(scs_khz)?)));
    Some(condition.map(|(correlation, condition, numerology)| Requirement {
        clause: format!("TS 38.101-4 §{clause}"),
        test: format!(
            "test {test} {what} {bandwidth} MHz {scs_khz} kHz {n_tx}x{n_rx} {propagation} {correlated} {table}"
        ),
        channel: "CSI",
        required_snr_db: snr_db[0],
        // Counted for as many slots as where a fraction of the throughput is asked for.
        target: 1.0,
        case: Case::Csi(CsiRequirement {
            case: CsiCase {
                numerology,
                carrier_rb,
                table: match table {
                    "qam64" => McsTable::Qam64,
                    "qam1024" => McsTable::Qam1024,
                    _ => McsTable::Qam256,
                },
                codebook: if n_tx == 2 {
                    Codebook::TwoPorts
                } else {
                    Codebook::SinglePanel { n1: n_tx / 2, n2: 1, mode: 1 }
                },
                period,
                delay,
                subband_rb,
                steered: matches!(test_of, CsiTest::Precoder),
                antennas: Antennas { n_tx, n_rx, correlation },
                propagation: Propagation {
                    direction: crate::propagation::Direction::Downlink,
                    polarisation,
                    ..condition
                },
            },
            test: test_of,
            restriction,
            snr_db,
            gamma,
        }),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(clause: &str, test: &str, slots: u64) -> Row {
        let all = all().unwrap();
        let r = all.iter().find(|r| r.clause.ends_with(clause) && r.test.contains(test)).unwrap();
        let Case::Csi(csi) = &r.case else { panic!() };
        row(r, csi, Isa::best(), slots, 1, &|_| {}).unwrap()
    }

    #[test] // Spec: TS 38.101-4 §6.2.2.1.1.1, §6.2.2.1.1.3 (CQI in white noise)
    fn cqi_is_the_highest_that_arrives() {
        for (clause, test) in [("§6.2.2.1.1.1", "test 1"), ("§6.2.2.1.1.1", "test 2"), ("§6.2.2.1.1.3", "test 1")] {
            let row = met(clause, test, 300);
            assert!(row.pass(), "{clause} {test}: {:?}", row.csi);
            assert_eq!(row.margin_db(), None);
        }
    }

    #[test] // Spec: TS 38.101-4 §6.2.2.1.2.1, §6.2.2.1.2.2, §6.4.2.1 (what reports are worth in fading)
    fn following_reports_pays() {
        for (clause, test) in [("§6.2.2.1.2.1", "test 1"), ("§6.2.2.1.2.2", "test 2"), ("§6.4.2.1", "test 1")] {
            let row = met(clause, test, 1000);
            assert!(row.pass() && row.margin_db() > Some(0.3), "{clause} {test}: {:?}", row.csi);
        }
    }

    #[test] // Spec: TS 38.101-4 §6.3.2.1.1 (precoders followed against precoders drawn)
    fn following_precoders_pays() {
        let row = met("§6.3.2.1.1", "", 300);
        assert!(row.pass() && row.margin_db() > Some(1.0), "{:?}", row.csi);
    }

    #[test] // Spec: TS 38.101-4 §6.2 to §6.4, annex A.4 (rows, payloads of the formats)
    fn every_row_of_the_table_is_a_requirement() {
        let all = all().unwrap();
        assert_eq!(all.len(), Rows::new(include_str!("../../data/csi.tsv")).count());
        for r in &all {
            let Case::Csi(csi) = &r.case else { panic!() };
            CsiLink::new(csi.case, Isa::best()).unwrap();
        }
        // TBS.2-1 of CQI 1, 7 and 15, TBS.2-4 of CQI 9, TBS.5-1 of CQI 15.
        let of = |i: usize| {
            let Case::Csi(csi) = &all[i].case else { panic!() };
            CsiLink::new(csi.case, Isa::best()).unwrap()
        };
        let link = of(0);
        for (cqi, bits) in [(1, 1480), (7, 16896), (15, 46104)] {
            assert_eq!(link.format_bits(cqi, 1), Some(bits));
        }
        let at = all.iter().position(|r| r.test.contains("40 MHz")).unwrap();
        assert_eq!(of(at).format_bits(9, 2), Some(98376));
        let at = all.iter().position(|r| r.test.contains("qam1024")).unwrap();
        assert_eq!(of(at).format_bits(15, 1), Some(57376));
    }
}
