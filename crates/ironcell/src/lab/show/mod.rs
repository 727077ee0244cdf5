//! `ironcell lab show`: pictures of a slot.
//!
//! - [`view`]: what there is to see.
//! - [`draw`]: the picture.
//!
//! Left out, and why: uplink slots (recordings of the base station's receiver hold several terminals at once).

mod draw;
#[cfg(test)]
mod tests;
mod view;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::Args;
use dsp::{Cf32, Isa};
use fapi::dci::RntiKind;
use nr::{Rnti, SlotPoint};
use sim::World;
use sim::scenario::ScenarioError;
use sim::world::Entropy;

use super::decode::{Known, decoder_of, way_of};
use super::recording::{self, Recording};
use crate::cli::{ScenarioArgs, bad_use};

/// Air time that is kept before a slot of a scenario: a block lies in it.
const KEPT_S: f64 = 0.025;
/// Air time after which the widest slot so far is taken.
const PATIENCE_MS: i64 = 3000;

const EXAMPLES: &str = "\
Examples:
  ironcell lab show air --out slot.svg                     the first slot with a terminal's PDSCH in a recording
  ironcell lab show air --slot 512.12 --out slot.svg       SFN 512, slot 12
  ironcell lab show --preset n78-100 --seed 7 --out slot.svg
                                                           a scenario: the first slot that is at least half full
  ironcell lab show --preset n3-10 --snr 12 --set cell.pci=7 --out slot.svg

The spectrum is in dBm at the base station's antenna where SIB1 and a block tell its power; the limit is that of TS 38.104
for such a carrier.
Exit status: 0 drawn, 1 no such slot, 2 bad use or a broken recording.";

/// Arguments of `lab show`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// A recording, as for `lab decode`; without one a scenario is run.
    pub file: Option<PathBuf>,
    /// Samples a second of a raw recording, as in 23.04e6.
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub rate: Option<f64>,
    /// Centre frequency, if it is known and the recording does not say it.
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub freq: Option<f64>,
    /// Seconds of the recording to leave out at its beginning.
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_negative_numbers = true)]
    pub from: f64,
    /// Seconds of the recording to look for the slot in.
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true)]
    pub seconds: f64,
    /// The slot of a recording, as in 512.12: SFN and slot.
    #[arg(long, value_name = "SFN.SLOT", value_parser = sfn_slot)]
    pub slot: Option<(u32, u32)>,
    /// Where the picture goes.
    #[arg(long, value_name = "FILE.svg")]
    pub out: PathBuf,
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

fn sfn_slot(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "expected SFN and slot, as in 512.12".to_owned();
    let (sfn, slot) = text.split_once('.').ok_or_else(wrong)?;
    match (sfn.parse(), slot.parse()) {
        (Ok(sfn @ 0..=1023), Ok(slot @ 0..=319)) => Ok((sfn, slot)),
        _ => Err(wrong()),
    }
}

/// `ironcell lab show`.
pub fn run(args: &ShowArgs) -> ExitCode {
    match show(args) {
        Ok(Some(said)) => crate::cli::print_all(&said),
        Ok(None) => {
            eprintln!("error: no such slot with a cell in the recording: `ironcell lab decode` lists what there is");
            ExitCode::from(1)
        }
        Err(e) => bad_use(&e),
    }
}

fn show(args: &ShowArgs) -> Result<Option<String>, ScenarioError> {
    let isa = Isa::best();
    let (view, source) = match &args.file {
        Some(file) => {
            let recording = recording::read_part(file, args.rate, args.freq, args.from, args.seconds)?;
            let Some(view) = view_of(&recording, &Known::default(), args.slot, isa)? else { return Ok(None) };
            (view, format!("recording {}", file.display()))
        }
        None => {
            let scenario = args.scenario.load()?;
            let name = scenario.preset.clone();
            let snr_db = scenario.air.snr_db.unwrap_or(20.0);
            let Some((recording, known, slot)) = busy_slot(scenario)? else { return Ok(None) };
            let clean = view_of(&recording, &known, Some(slot), isa)?;
            let noisy = with_noise(&recording, &known, snr_db, isa)?;
            let Some(mut view) = view_of(&noisy, &known, Some(slot), isa)? else { return Ok(None) };
            // The spectrum is the transmitter's.
            if let Some(clean) = clean {
                (view.spectrum, view.unit_mw) = (clean.spectrum, clean.unit_mw);
            }
            (view, format!("scenario {name}, as received at {snr_db:.0} dB; the spectrum as sent"))
        }
    };
    let svg = draw::svg(&view, &source)
        .map_err(|e| ScenarioError::new(e, &[], "another slot: `ironcell lab decode` lists them"))?;
    std::fs::write(&args.out, &svg).map_err(|e| {
        let what = format!("{} cannot be written: {e}", args.out.display());
        ScenarioError::new(what, &[("--out", args.out.display().to_string())], "--out slot.svg")
    })?;
    let (n, slot) = (view.pdschs.len(), view.slot);
    let out = args.out.display();
    Ok(Some(format!("{out}: SFN {} slot {}, {} DCIs, {n} PDSCHs\n", slot.sfn(), slot.slot(), view.dcis.len())))
}

/// The view of a slot: the one that is named, or the first with a terminal's PDSCH, or the first with any.
fn view_of(
    recording: &Recording,
    known: &Known,
    wanted: Option<(u32, u32)>,
    isa: Isa,
) -> Result<Option<view::View>, ScenarioError> {
    let Some((_, way, _)) = way_of(recording, known, isa)? else { return Ok(None) };
    let of_terminal = |any: bool| {
        move |slot: SlotPoint, found: &super::decode::receive::Found| match wanted {
            Some(wanted) => wanted == (slot.sfn(), slot.slot()),
            None => found.pdschs.last().is_some_and(|p| {
                p.slot == slot && p.result.crc_ok && (any || matches!(p.kind, RntiKind::Cell | RntiKind::Temporary))
            }),
        }
    };
    for any in [false, true] {
        let Some(mut decoder) = decoder_of(&recording.samples, recording.rate_hz, &way, known, isa) else {
            return Ok(None);
        };
        let Some((slot, n)) = decoder.run_until(of_terminal(any)) else { continue };
        let csi_rs: Vec<_> =
            decoder.users.values().filter_map(|u| u.dedicated.as_ref()).flat_map(|d| d.csi_rs.clone()).collect();
        let spaces = decoder.spaces();
        let mut view = view::view(&way.cell, slot, decoder.slots().grid(), &decoder.found, &csi_rs, &spaces, isa);
        let carrier = *decoder.slots().carrier();
        let start = decoder.slots().start(n).max(0.0) as usize;
        let end = (decoder.slots().start(n + 1).max(0.0) as usize).min(recording.samples.len());
        let samples = recording.samples.get(start..end).unwrap_or_default();
        view.spectrum = view::spectrum(samples, recording.rate_hz, way.timing.offset_hz, isa);
        // An element of power g is g/N of the samples' power, at the carrier's rate.
        view.unit_mw = decoder.block_power.filter(|_| way.whole).map(|g| {
            let mw = 10f64.powf(f64::from(way.cell.ssb.block_power_dbm) / 10.0);
            mw / (f64::from(g) / carrier.fft_len() as f64)
        });
        return Ok(Some(view));
    }
    Ok(None)
}

/// A recording, what must be known to read it, the slot.
type Busy = (Recording, Known, (u32, u32));
/// A slot and its PDSCHs.
type Planned = (SlotPoint, Vec<fapi::PdschPdu>);

/// What a scenario's base station sends up to a slot that is at least half full, and what must be known to read it.
fn busy_slot(mut scenario: sim::scenario::Scenario) -> Result<Option<Busy>, ScenarioError> {
    (scenario.run.virtual_time, scenario.run.once) = (true, true);
    (scenario.traffic.proxy, scenario.output) = (None, sim::scenario::OutputParams::default());
    let cell = gnb_du::config::Cell::new(scenario.cell.clone())?;
    let mut drawn = [0; 8];
    let seed = match scenario.seed {
        Some(seed) => seed,
        None => {
            getrandom::fill(&mut drawn)
                .map_err(|e| ScenarioError::new(format!("no randomness: {e}"), &[], "--seed 7"))?;
            u64::from_le_bytes(drawn) >> 1
        }
    };
    let dl = cell.config.dl;
    let rate = ofdm::Carrier::new(dl.numerology, dl.n_rb.into(), 0.0).map(|c| f64::from(c.sample_rate_hz()));
    let rate_hz = rate.map_err(|e| ScenarioError::new(e.to_string(), &[], "another preset"))?;
    let mut world = World::new(scenario, Entropy { seed, secrets: None })
        .map_err(|e| ScenarioError::new(e.to_string(), &[], "`ironcell config show` prints every value"))?;
    let kept: Arc<Mutex<VecDeque<Cf32>>> = Arc::default();
    let plans: Arc<Mutex<VecDeque<Planned>>> = Arc::default();
    let (sink, seen, most) = (kept.clone(), plans.clone(), (KEPT_S * rate_hz) as usize);
    world.record(Box::new(move |tx: &[Cf32], _: &[Cf32]| {
        if let Ok(mut kept) = sink.lock() {
            kept.extend(tx);
            let excess = kept.len().saturating_sub(most);
            kept.drain(..excess);
        }
    }));
    world.tamper_plans(Box::new(move |plan| {
        if let Ok(mut seen) = seen.lock() {
            seen.push_back((plan.slot, plan.pdsch.clone()));
        }
    }));
    let mut best: Option<(u16, Recording, Known, (u32, u32))> = None;
    while !world.finished() && world.now() < nr::Tc::from_ms(PATIENCE_MS) {
        world.step();
        // Slots are decided ahead, in order, from the first that is sent on.
        let Some((slot, pdschs)) = plans.lock().ok().and_then(|mut p| p.pop_front()) else { continue };
        let own = pdschs.iter().filter(|p| p.rnti != Rnti::SI && p.coding.q_m > 2);
        let Some((rnti, n_rb)) = own.map(|p| (p.rnti, p.rbs.n_rb())).max_by_key(|p| p.1) else { continue };
        if best.as_ref().is_some_and(|b| b.0 >= n_rb) {
            continue;
        }
        let samples = kept.lock().map(|k| k.iter().copied().collect()).unwrap_or_default();
        let recording = Recording { samples, rate_hz, centre_hz: Some(dl.centre_hz()) };
        let known = Known {
            pci: None,
            rntis: vec![rnti],
            cell: Some((cell.config.clone(), cell.dedicated(0, &gnb_du::config::UeRadio::ALL))),
        };
        best = Some((n_rb, recording, known, (slot.sfn(), slot.slot())));
        if n_rb * 2 >= dl.n_rb {
            break;
        }
    }
    Ok(best.map(|(_, recording, known, slot)| (recording, known, slot)))
}

/// The recording as a receiver has it at `snr_db` of a block's element.
fn with_noise(recording: &Recording, known: &Known, snr_db: f64, isa: Isa) -> Result<Recording, ScenarioError> {
    let Some((Some(cell), ..)) = way_of(recording, known, isa)? else { return Ok(recording.clone()) };
    // An element of the unitary transform holds as much noise as a sample; the block was measured at another rate.
    let element = f64::from(cell.detection.rsrp) * recording.rate_hz / cell.rate_hz;
    let sigma = (element.max(0.0) * 10f64.powf(-snr_db / 10.0) / 2.0).sqrt();
    let mut rng = node::Rng::from_lab_seed(1);
    let mut samples = recording.samples.clone();
    for s in &mut samples {
        let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt() * sigma;
        let angle = rng.unit() * std::f64::consts::TAU;
        *s += Cf32::new((radius * angle.cos()) as f32, (radius * angle.sin()) as f32);
    }
    Ok(Recording { samples, rate_hz: recording.rate_hz, centre_hz: recording.centre_hz })
}
