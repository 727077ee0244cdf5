//! Tools for recordings, and link simulations.
//!
//! - [`bler`]: error-rate curves.
//! - [`conformance`]: the demodulation requirements.
//! - [`decode`]: every DCI and PDSCH of a recording.
//! - [`recording`]: SigMF and raw files.
//! - [`scan`]: cells by their SS/PBCH blocks, anywhere in the band.
//! - [`show`]: pictures of a slot.
//! - [`sib1`]: from a block's MIB over CORESET 0 to SIB1.

pub mod bler;
pub mod conformance;
mod coreset0;
#[cfg(test)]
mod corpus;
pub mod decode;
#[cfg(test)]
mod made;
mod plot;
pub mod recording;
pub mod scan;
pub mod show;
pub mod sib1;
mod slots;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::{ScanArgs, bad_use};

/// `ironcell lab scan`: exit status 0 whether or not there are cells, 2 if the recording cannot be read.
pub fn run(args: &ScanArgs) -> ExitCode {
    let recording = match recording::read(&args.file, args.rate, args.freq) {
        Ok(recording) => recording,
        Err(e) => return bad_use(&e),
    };
    let cells = scan::scan(&recording, dsp::Isa::best());
    let mut out = std::io::stdout().lock();
    let result = if args.json {
        let json: Vec<_> = cells.iter().map(scan::CellFound::to_json).collect();
        let document = serde_json::json!({
            "file": args.file.display().to_string(),
            "sample_rate_hz": recording.rate_hz,
            "centre_hz": recording.centre_hz,
            "milliseconds": recording.samples.len() as f64 / recording.rate_hz * 1e3,
            "cells": json,
        });
        writeln!(out, "{document:#}")
    } else if cells.is_empty() {
        writeln!(out, "no cell found")
    } else {
        cells.iter().try_for_each(|cell| writeln!(out, "{cell}"))
    };
    ExitCode::from(u8::from(result.is_err()))
}
