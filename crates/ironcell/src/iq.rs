//! SigMF recordings of the base station's antenna: what it transmits in NAME.sigmf-*, what it receives in NAME.rx.sigmf-*.
//!
//! Samples are cf32_le in sqrt(mW), of the first antenna. The uplink lies two slots behind the downlink in the run, and is recorded from its own first
//! sample; it starts n-TimingAdvanceOffset before the downlink's.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dsp::Cf32;
use sim::scenario::{Scenario, ScenarioError};
use sim::world::IqSink;

/// The name that both files of a recording share.
pub fn base_name(name: &str) -> &str {
    let name = name.strip_suffix(".sigmf-data").or_else(|| name.strip_suffix(".sigmf-meta")).unwrap_or(name);
    name.strip_suffix(".sigmf").unwrap_or(name)
}

/// A place for one of the two files.
pub fn file_of(base: &str, ending: &str) -> PathBuf {
    PathBuf::from(format!("{base}.sigmf-{ending}"))
}

/// What went wrong while recording, for the driver to find.
pub type Trouble = Arc<Mutex<Option<String>>>;

/// Opens both recordings; nothing is recorded past `output.iq_seconds_max`.
///
/// Errors: a file that cannot be made.
pub fn recorder(scenario: &Scenario, name: &str, trouble: Trouble) -> Result<IqSink, ScenarioError> {
    let wrong = |e: &dyn std::fmt::Display| {
        let fields = [("output.iq", name.to_owned())];
        ScenarioError::new(format!("{name} cannot be recorded: {e}"), &fields, "a place that can be written")
    };
    let cell = gnb_du::config::Cell::new(scenario.cell.clone())?.config;
    let base = base_name(name);
    let mut files = Vec::new();
    for (base, carrier, what) in
        [(base.to_owned(), &cell.dl, "transmits"), (format!("{base}.rx"), &cell.ul, "receives")]
    {
        let (numerology, n_rb) = (carrier.numerology, usize::from(carrier.n_rb));
        let rate = ofdm::Carrier::new(numerology, n_rb, carrier.centre_hz()).map_err(|e| wrong(&e))?.sample_rate_hz();
        let meta = meta(rate, carrier.centre_hz(), &format!("what an ironcell base station {what}, in sqrt(mW)"));
        let path = file_of(&base, "meta");
        std::fs::write(&path, meta).map_err(|e| wrong(&e))?;
        let path = file_of(&base, "data");
        let out = File::create(&path).map_err(|e| wrong(&e))?;
        let left = (scenario.output.iq_seconds_max * f64::from(rate)) as u64;
        files.push(Recording { out: Some(BufWriter::with_capacity(1 << 20, out)), path, left, bytes: Vec::new() });
    }
    Ok(Box::new(move |tx, rx| {
        for (file, samples) in files.iter_mut().zip([tx, rx]) {
            if let Err(e) = file.append(samples)
                && let Ok(mut t) = trouble.lock()
            {
                t.get_or_insert(format!("--iq cannot write {}: {e}", file.path.display()));
            }
        }
    }))
}

/// The metadata of a recording from its first sample on. Spec: SigMF 1.2
fn meta(rate_hz: u32, centre_hz: f64, description: &str) -> String {
    let meta = serde_json::json!({
        "global": {
            "core:datatype": "cf32_le",
            "core:sample_rate": rate_hz,
            "core:version": "1.2.0",
            "core:num_channels": 1,
            "core:recorder": concat!("ironcell ", env!("CARGO_PKG_VERSION")),
            "core:description": description,
        },
        "captures": [{ "core:sample_start": 0, "core:frequency": centre_hz }],
        "annotations": [],
    });
    format!("{meta:#}\n")
}

struct Recording {
    out: Option<BufWriter<File>>,
    path: PathBuf,
    left: u64,
    bytes: Vec<u8>,
}

impl Recording {
    fn append(&mut self, samples: &[Cf32]) -> std::io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        let n = samples.len().min(self.left as usize);
        self.bytes.clear();
        for s in &samples[..n] {
            self.bytes.extend_from_slice(&s.re.to_le_bytes());
            self.bytes.extend_from_slice(&s.im.to_le_bytes());
        }
        self.left -= n as u64;
        let mut result = out.write_all(&self.bytes);
        if self.left == 0 && result.is_ok() {
            result = out.flush();
        }
        if self.left == 0 || result.is_err() {
            // A file that failed is let go without writing what is buffered: that would fail once more.
            let out = self.out.take();
            if result.is_err() {
                out.map(BufWriter::into_parts);
            }
        }
        result
    }
}

/// The metadata file that belongs to what a person named, if there is one.
pub fn find_meta(file: &Path) -> Option<PathBuf> {
    let base = base_name(file.to_str()?).to_owned();
    Some(file_of(&base, "meta")).filter(|m| m.is_file())
}
