//! `ironcell lab decode`: goes on where `lab scan` ends.
//!
//! - [`hunt`]: slots of a known cell where no block was recorded.
//! - [`receive`]: slot by slot, DCIs and PDSCHs.
//! - [`names`]: fields and messages by the names of their specifications.
//! - [`report`]: text, JSON, capture.
//!
//! With SIB1 in the recording its carrier is known and all of it is looked at; without, CORESET 0 alone as the MIB describes it.
//!
//! Left out, and why: what is sent to the base station (its receiver knows when and from whom), several carriers.

mod hunt;
pub mod names;
pub mod receive;
mod report;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use dsp::Isa;
use fapi::{CellConfig, DedicatedConfig};
use nr::Rnti;
use ofdm::Carrier;
use sim::scenario::ScenarioError;
use ue_cp::apply::sib1::{FoundCell, cell_config, mib_view};

use super::coreset0::cell_of;
use super::recording::{self, Recording};
use super::scan::{CellFound, scan};
use super::sib1::{frame_start, turns_of_block};
use super::slots::{Slots, Timing, Turning, carrier_for, symbol_s};
use crate::cli::bad_use;
use receive::{Decoder, Found, User};
pub use report::modulation;

/// As much of a recording as is searched for cells.
const SCAN_S: f64 = 0.2;
/// What a hypothesis is judged by, where there are several.
const JUDGED_S: f64 = 0.06;

const EXAMPLES: &str = "\
Examples:
  ironcell up --once --seed 7 --virtual-time --iq air --set output.iq_seconds_max=1
  ironcell lab decode air                          every DCI and PDSCH, as text
  ironcell lab decode air --json                   the same as one JSON document: dci[], pdsch[]
  ironcell lab decode air --pcap mac.pcapng        for Wireshark: analyze, enabled protocols, mac_nr_udp
  ironcell lab decode slot.cf32 --rate 23.04e6 --freq 3489.42e6
  ironcell lab decode slot.cf32 --rate 23.04e6 --rnti 0x4601 --config cell.toml
                                                   one slot without a block
  ironcell lab decode air --from 2 --rnti 0x4601 --config cell.toml
                                                   a call in progress, whose RRCSetup was not recorded

Exit status: 0 whether or not there is a cell; 2 bad use or a broken recording.";

/// Arguments of `lab decode`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DecodeArgs {
    /// SigMF (its .sigmf-meta, .sigmf-data or common name; cf32_le or ci16_le), or raw cf32_le with --rate.
    pub file: PathBuf,
    /// Samples a second of a raw recording, as in 23.04e6.
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub rate: Option<f64>,
    /// Centre frequency, if it is known and the recording does not say it.
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub freq: Option<f64>,
    /// Seconds of the recording to leave out at its beginning.
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_negative_numbers = true)]
    pub from: f64,
    /// Seconds to look at.
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true)]
    pub seconds: f64,
    /// The cell, if there are several: its physical cell identity.
    #[arg(long, value_name = "N")]
    pub pci: Option<u16>,
    /// Terminals whose random access was not recorded: their C-RNTIs, as in 0x4601,0x4602.
    #[arg(long, value_name = "RNTI", value_delimiter = ',', value_parser = rnti)]
    pub rnti: Vec<u16>,
    /// The cell's configuration as `config show` prints it: the terminals' search spaces without their RRCSetup.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One JSON document.
    #[arg(long)]
    pub json: bool,
    /// Capture of the MAC PDUs whose CRC holds, for Wireshark.
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

/// A C-RNTI in decimal or as 0x4601.
fn rnti(text: &str) -> Result<u16, String> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    value.filter(|v| (1..0xfff3).contains(v)).ok_or_else(|| "expected 0x0001 to 0xfff2, as in 0x4601".into())
}

/// What is known beforehand.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The cell's identity.
    pub pci: Option<u16>,
    /// C-RNTIs.
    pub rntis: Vec<Rnti>,
    /// The cell, and how its terminals are configured.
    pub cell: Option<(CellConfig, DedicatedConfig)>,
}

/// One way to read the recording.
#[derive(Clone, Debug)]
pub struct Hypothesis {
    /// The cell, on the carrier that is looked at.
    pub cell: CellConfig,
    /// Its sampling.
    pub carrier: Carrier,
    /// Where its slots are.
    pub timing: Timing,
    /// How its symbols turn.
    pub turning: Turning,
    /// All of the carrier is there, not CORESET 0 alone.
    pub whole: bool,
}

/// The cell, how its recording is read, notes.
pub type Way = (Option<CellFound>, Hypothesis, Vec<String>);

/// What came out.
pub struct Decoded {
    /// The cell as it was found; `None` if there is no block of it, and the configuration told of it.
    pub cell: Option<CellFound>,
    /// How it was read.
    pub read_as: Hypothesis,
    /// DCIs and PDSCHs.
    pub found: Found,
    /// Terminals by RNTI.
    pub users: std::collections::BTreeMap<u16, User>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// `ironcell lab decode`.
pub fn run(args: &DecodeArgs) -> ExitCode {
    let result = load(args).and_then(|(recording, known)| {
        let decoded = decode_recording(&recording, &known, Isa::best())?;
        Ok((recording, decoded))
    });
    match result.and_then(|(recording, decoded)| report::write(args, &recording, decoded.as_ref())) {
        Ok(status) => status,
        Err(e) => bad_use(&e),
    }
}

fn load(args: &DecodeArgs) -> Result<(Recording, Known), ScenarioError> {
    for (name, value, least) in [("--from", args.from, 0.0), ("--seconds", args.seconds, 1e-4)] {
        if !(least..=3600.0).contains(&value) {
            let what = format!("{name}: expected {least} to 3600, found {value}");
            return Err(ScenarioError::new(what, &[], format!("{name} 1")));
        }
    }
    let cell = args.config.as_ref().map(|path| configured(path)).transpose()?;
    let recording = recording::read_part(&args.file, args.rate, args.freq, args.from, args.seconds)?;
    Ok((recording, Known { pci: args.pci, rntis: args.rnti.iter().map(|r| Rnti(*r)).collect(), cell }))
}

fn configured(path: &std::path::Path) -> Result<(CellConfig, DedicatedConfig), ScenarioError> {
    let scenario = crate::cli::check(path)?;
    let cell = gnb_du::config::Cell::new(scenario.cell)?;
    let dedicated = cell.dedicated(0, &gnb_du::config::UeRadio::ALL);
    Ok((cell.config, dedicated))
}

/// Every DCI and PDSCH of a recording; `None` if there is no cell in it.
///
/// Errors: a cell that is not there, a recording that is too narrow.
pub fn decode_recording(recording: &Recording, known: &Known, isa: Isa) -> Result<Option<Decoded>, ScenarioError> {
    let Some((cell, way, notes)) = way_of(recording, known, isa)? else { return Ok(None) };
    let decoder = decoder_of(&recording.samples, recording.rate_hz, &way, known, isa);
    Ok(decoder.map(|mut decoder| {
        decoder.run();
        Decoded { cell, read_as: way, users: decoder.users, found: decoder.found, notes }
    }))
}

/// The cell of a recording, how it is read, and what a person should know of that; `None` if there is no cell.
///
/// Errors: as [`decode_recording`].
pub fn way_of(recording: &Recording, known: &Known, isa: Isa) -> Result<Option<Way>, ScenarioError> {
    let n = recording.samples.len().min((SCAN_S * recording.rate_hz) as usize);
    let beginning = Recording { samples: recording.samples[..n].to_vec(), ..recording.clone_without_samples() };
    let mut cells = scan(&beginning, isa);
    if let Some(pci) = known.pci {
        let there: Vec<String> = cells.iter().map(|c| c.detection.pci.to_string()).collect();
        cells.retain(|c| c.detection.pci.get() == pci);
        if cells.is_empty() && !there.is_empty() {
            let what = format!("--pci {pci}: the recording has the cells {}", there.join(", "));
            return Err(ScenarioError::new(what, &[], "one of them, or leave it out for the strongest"));
        }
    }
    // The strongest, but rather one whose SIB1 can be read.
    let best = cells.iter().position(|c| c.sib1.is_some()).unwrap_or(0);
    let cell = (!cells.is_empty()).then(|| cells.swap_remove(best));
    let mut notes = Vec::new();
    let ways = match (&cell, &known.cell) {
        (Some(cell), _) => hypotheses(recording, cell, known, &mut notes, isa),
        (None, Some((config, own))) => hunt::hunt(recording, config, own, isa),
        (None, None) => return Ok(None),
    };
    let judged = recording.samples.len().min((JUDGED_S * recording.rate_hz) as usize);
    let good = |way: &Hypothesis| {
        let decoder = decoder_of(&recording.samples[..judged], recording.rate_hz, way, known, isa);
        // A PDSCH with its CRC says more than any number of DCIs.
        decoder.map_or(0, |mut d| {
            d.run();
            1000 * d.found.n_good() + d.found.dcis.len()
        })
    };
    let mut best: Option<(usize, Hypothesis)> = None;
    let sure = cell.is_some() && ways.len() == 1;
    for way in ways {
        let good = if sure { 0 } else { good(&way) };
        if best.as_ref().is_none_or(|b| good > b.0) {
            best = Some((good, way));
        }
    }
    let Some(found) = &cell else {
        let best = best.filter(|b| b.0 > 0);
        notes.push("there is no SS/PBCH block in the recording: the SFN is not known, and counts from 0 or 1".into());
        return Ok(best.map(|(_, way)| (None, way, notes)));
    };
    let Some((_, way)) = best else {
        let what = format!("PCI {}: neither its carrier nor its CORESET 0 lies in the recording", found.detection.pci);
        return Err(ScenarioError::new(what, &[], "record more bandwidth, centred on the carrier"));
    };
    Ok(Some((cell, way, notes)))
}

/// A decoder at the beginning of the recording; `None` if its rate does not serve.
pub fn decoder_of<'a>(
    samples: &'a [dsp::Cf32],
    rate_hz: f64,
    way: &Hypothesis,
    known: &Known,
    isa: Isa,
) -> Option<Decoder<'a>> {
    let slots = Slots::new(samples, rate_hz, way.timing, way.carrier, isa).ok()?;
    let dedicated = known.cell.as_ref().filter(|_| way.whole).map(|c| c.1.clone());
    Some(Decoder::new(slots, way.turning, way.cell.clone(), &known.rntis, dedicated, isa))
}

/// The ways in which the recording can be read, likelier ones first.
fn hypotheses(
    recording: &Recording,
    found: &CellFound,
    known: &Known,
    notes: &mut Vec<String>,
    isa: Isa,
) -> Vec<Hypothesis> {
    let mut list = Vec::new();
    let whole = match (&known.cell, &found.sib1) {
        (Some((cell, _)), _) if cell.pci != found.detection.pci => {
            notes.push(format!(
                "the configuration is of PCI {}, the recording of PCI {}: not used",
                cell.pci, found.detection.pci
            ));
            None
        }
        (Some((cell, _)), _) => Some((cell.clone(), cell.ssb.frequency_hz)),
        (None, Some(sib1)) => {
            let of_wide_band = sib1.view.min_bandwidth_40mhz;
            let as_found = FoundCell {
                pci: found.detection.pci,
                ssb_hz: sib1.view.ssb_hz,
                band: if of_wide_band { 79 } else { 0 },
                k_ssb: found.payload.k_ssb,
                ssb_index: found.payload.ssb_index,
                ssb_numerology: found.numerology,
                ssb_case: sib1.view.ssb_case,
                l_max: found.l_max,
                mib: found.mib.clone(),
            };
            match cell_config(&as_found, &sib1.sib1) {
                Ok((cell, _)) => Some((cell, sib1.view.ssb_hz)),
                Err(e) => {
                    notes.push(format!("SIB1 cannot be followed: {e}; CORESET 0 alone is looked at"));
                    None
                }
            }
        }
        (None, None) => {
            notes.push("SIB1 is not in the recording: CORESET 0 alone is looked at".into());
            None
        }
    };
    if let Some((cell, ssb_hz)) = whole {
        list = of_cell(recording, found, &cell, ssb_hz, cell.ssb.case, true, isa);
        if list.is_empty() {
            notes.push(format!(
                "the recording holds less than the carrier of {} resource blocks: CORESET 0 alone is looked at",
                cell.dl.n_rb
            ));
        }
    }
    if list.is_empty() {
        list = of_mib(recording, found, isa);
    }
    list
}

/// CORESET 0 alone, as the MIB and what is supposed of the band describe it.
fn of_mib(recording: &Recording, found: &CellFound, isa: Isa) -> Vec<Hypothesis> {
    let block = found.block();
    let ssb_hz = found.ssb_hz.unwrap_or(3.5e9);
    let wide: &[bool] = match (block.min_bandwidth_40mhz, found.numerology.scs_khz()) {
        (Some(true), _) => &[true],
        (None, 30) => &[false, true],
        _ => &[false],
    };
    let mut list = Vec::new();
    for (&ssb_case, &min_bandwidth_40mhz) in block.cases.iter().flat_map(|c| wide.iter().map(move |w| (c, w))) {
        let as_found = FoundCell {
            pci: found.detection.pci,
            ssb_hz,
            band: 0,
            k_ssb: found.payload.k_ssb,
            ssb_index: found.payload.ssb_index,
            ssb_numerology: found.numerology,
            ssb_case,
            l_max: found.l_max,
            mib: found.mib.clone(),
        };
        let view = fapi::resolve::MibView { min_bandwidth_40mhz, ..mib_view(&as_found) };
        let Ok((cell, _)) = cell_of(&view, found.payload.sfn, found.payload.half_frame) else { continue };
        list.extend(of_cell(recording, found, &cell, ssb_hz, ssb_case, false, isa));
    }
    list
}

fn of_cell(
    recording: &Recording,
    found: &CellFound,
    cell: &CellConfig,
    ssb_hz: f64,
    case: fapi::SsbCase,
    whole: bool,
    isa: Isa,
) -> Vec<Hypothesis> {
    let numerology = cell.dl.numerology;
    let above_ssb = cell.dl.centre_hz() - ssb_hz;
    let offset_hz = found.detection.offset_hz + above_ssb;
    let reach_hz = offset_hz.abs() + 6.0 * f64::from(cell.dl.n_rb) * f64::from(numerology.scs_hz());
    let block = found.block();
    let carrier = carrier_for(numerology, usize::from(cell.dl.n_rb), recording.rate_hz);
    let (Some(carrier), Some(start)) = (carrier, frame_start(case, &block, found.rate_hz)) else { return Vec::new() };
    if reach_hz > recording.rate_hz / 2.0 {
        return Vec::new();
    }
    let frame_start = start * recording.rate_hz / found.rate_hz;
    let timing = Timing { sfn: found.payload.sfn, frame_start, offset_hz };
    let turnings = match (&found.sib1, found.ssb_hz, recording.centre_hz) {
        (Some(sib1), ..) => vec![sib1.turning.moved(above_ssb, numerology)],
        (None, Some(_), Some(_)) => vec![Turning::of_frequency(cell.dl.centre_hz(), numerology)],
        _ => supposed(recording, found, above_ssb, numerology, isa),
    };
    let of = |turning| Hypothesis { cell: cell.clone(), carrier, timing, turning, whole };
    turnings.into_iter().map(of).collect()
}

/// Turnings by what the block shows: all but multiples of a half turn.
fn supposed(
    recording: &Recording,
    found: &CellFound,
    above_ssb: f64,
    numerology: nr::Numerology,
    isa: Isa,
) -> Vec<Turning> {
    let samples = recording::resample(&recording.samples, recording.rate_hz, found.rate_hz);
    let Some(turns) = turns_of_block(&samples, found.rate_hz, &found.block(), isa) else { return Vec::new() };
    let block_symbol_s = symbol_s(found.numerology);
    let n = (2.0 * block_symbol_s / symbol_s(numerology)).round().max(1.0) as usize;
    let of = |j| {
        let hz = -(turns + 0.5 * j as f64) / block_symbol_s + above_ssb;
        Turning { half: 0.0, ..Turning::of_frequency(hz, numerology) }
    };
    (0..n).map(of).collect()
}
