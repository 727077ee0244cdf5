//! Recordings: SigMF (cf32_le, ci16_le) and raw cf32_le.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use dsp::Cf32;
use sim::scenario::ScenarioError;

use crate::iq::{file_of, find_meta};

/// As much as is looked at: more than the longest period of SS/PBCH blocks.
const SECONDS_MAX: f64 = 0.2;
/// Rates that a person may have meant.
const RATE_RANGE_HZ: (f64, f64) = (1e6, 4e9);

/// Samples of one antenna.
#[derive(Clone, Debug)]
pub struct Recording {
    /// As many as were asked for.
    pub samples: Vec<Cf32>,
    /// Samples a second.
    pub rate_hz: f64,
    /// Centre frequency, where it is known.
    pub centre_hz: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Cf32,
    Ci16,
}

impl Format {
    fn bytes(self) -> usize {
        match self {
            Format::Cf32 => 8,
            Format::Ci16 => 4,
        }
    }
}

fn wrong(what: String, hint: &str) -> ScenarioError {
    ScenarioError::new(what, &[], hint)
}

impl Recording {
    /// The same without samples.
    pub fn clone_without_samples(&self) -> Recording {
        Recording { samples: Vec::new(), rate_hz: self.rate_hz, centre_hz: self.centre_hz }
    }
}

/// Reads a recording by the name of either SigMF file, of both together, or of a raw file.
///
/// - `rate_hz`, `centre_hz` of a raw file; they win over what metadata say.
///
/// Errors: what cannot be read, is no recording, is cut in the middle of a sample, or holds what is no number.
pub fn read(file: &Path, rate_hz: Option<f64>, centre_hz: Option<f64>) -> Result<Recording, ScenarioError> {
    read_part(file, rate_hz, centre_hz, 0.0, SECONDS_MAX)
}

/// As [`read`], `seconds` of it at most, from `from_s` on.
pub fn read_part(
    file: &Path,
    rate_hz: Option<f64>,
    centre_hz: Option<f64>,
    from_s: f64,
    seconds: f64,
) -> Result<Recording, ScenarioError> {
    let meta = find_meta(file).map(|path| Meta::read(&path)).transpose()?;
    if let Some(hz) = centre_hz
        && !(0.0..1e12).contains(&hz)
    {
        return Err(wrong(format!("--freq: expected 0 to 1e12 Hz, found {hz}"), "--freq 3.48936e9, or leave it out"));
    }
    let (data, format, rate, centre) = match &meta {
        Some(m) => (m.data.clone(), m.format, Some(m.rate_hz), m.centre_hz),
        None => (file.to_owned(), Format::Cf32, None, None),
    };
    let name = data.display().to_string();
    let Some(rate_hz) = rate_hz.or(rate) else {
        let what = if file.exists() {
            format!("{name} has no SigMF metadata beside it, so its sampling rate is unknown")
        } else {
            format!("{name} is not there")
        };
        return Err(wrong(what, "--rate 23.04e6 for raw cf32_le, or the name of a .sigmf-meta file"));
    };
    if !(RATE_RANGE_HZ.0..=RATE_RANGE_HZ.1).contains(&rate_hz) {
        let what = format!("the sampling rate: expected 1e6 to 4e9 Hz, found {rate_hz}");
        return Err(wrong(what, "--rate in Hz, as in 23.04e6"));
    }
    let skip = meta.as_ref().map_or(0, |m| m.header_bytes);
    let first = (from_s * rate_hz) as u64 * format.bytes() as u64;
    let samples = read_samples(&data, format, skip, first, (seconds * rate_hz).ceil() as usize)?;
    Ok(Recording { samples, rate_hz, centre_hz: centre_hz.or(centre) })
}

/// `skip` bytes of header, then `first` bytes of samples that are left out.
fn read_samples(path: &Path, format: Format, skip: u64, first: u64, n_max: usize) -> Result<Vec<Cf32>, ScenarioError> {
    let name = path.display();
    let unreadable = |e: std::io::Error| wrong(format!("{name} cannot be read: {e}"), "a SigMF or raw cf32_le file");
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(wrong(format!("{name} is a directory"), "a SigMF or raw cf32_le file"));
    }
    let (length, size) = (metadata.len().saturating_sub(skip), format.bytes());
    if length == 0 {
        return Err(wrong(format!("{name} holds no samples"), "record again"));
    }
    if !length.is_multiple_of(size as u64) {
        let what = format!(
            "{name} is truncated or broken: {length} bytes are no whole number of samples of {size} bytes ({} left over)",
            length % size as u64
        );
        return Err(wrong(
            what,
            &format!("cut it to {} bytes, or record again", length / size as u64 * size as u64 + skip),
        ));
    }
    if first >= length {
        let what = format!("{name} ends before --from: it holds {} samples", length / size as u64);
        return Err(wrong(what, "a smaller --from"));
    }
    file.seek(SeekFrom::Start(skip + first)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(n_max as u64 * size as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    let samples: Vec<Cf32> = match format {
        Format::Cf32 => bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| {
                Cf32::new(f32::from_le_bytes([b[0], b[1], b[2], b[3]]), f32::from_le_bytes([b[4], b[5], b[6], b[7]]))
            })
            .collect(),
        Format::Ci16 => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| {
                let part = |a: u8, z: u8| f32::from(i16::from_le_bytes([a, z])) / 32768.0;
                Cf32::new(part(b[0], b[1]), part(b[2], b[3]))
            })
            .collect(),
    };
    // Squares of samples are summed up: what is far beyond any receiver's range is no sample.
    let sane = |x: f32| x.is_finite() && x.abs() < 1e12;
    if let Some(at) = samples.iter().position(|s| !(sane(s.re) && sane(s.im))) {
        let what = format!(
            "{name} is broken: sample {at} is {} {:+}i, which no receiver gives",
            samples[at].re, samples[at].im
        );
        return Err(wrong(what, "a file of cf32_le samples: is it another format?"));
    }
    if samples.iter().all(|s| s.re == 0.0 && s.im == 0.0) {
        return Err(wrong(format!("{name} holds nothing but zeros"), "record again"));
    }
    Ok(scaled(samples))
}

/// Samples of mean power 1: recordings come in any unit.
fn scaled(mut samples: Vec<Cf32>) -> Vec<Cf32> {
    let power =
        samples.iter().map(|s| f64::from(s.re) * f64::from(s.re) + f64::from(s.im) * f64::from(s.im)).sum::<f64>();
    let scale = 1.0 / (power / samples.len() as f64).sqrt();
    samples.iter_mut().for_each(|s| *s = Cf32::new((f64::from(s.re) * scale) as f32, (f64::from(s.im) * scale) as f32));
    samples
}

/// What SigMF metadata say.
struct Meta {
    data: PathBuf,
    format: Format,
    rate_hz: f64,
    centre_hz: Option<f64>,
    header_bytes: u64,
}

impl Meta {
    fn read(path: &Path) -> Result<Meta, ScenarioError> {
        let name = path.display();
        let broken = |why: String| wrong(format!("{name} is no SigMF metadata: {why}"), "https://sigmf.org");
        let text = std::fs::read_to_string(path).map_err(|e| broken(e.to_string()))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
        let global = &json["global"];
        let format = match global["core:datatype"].as_str() {
            Some("cf32_le") => Format::Cf32,
            Some("ci16_le") => Format::Ci16,
            other => {
                let found = other.map_or("nothing".to_owned(), |o| format!("{o:?}"));
                return Err(broken(format!("core:datatype: expected \"cf32_le\" or \"ci16_le\", found {found}")));
            }
        };
        if global["core:num_channels"].as_u64().unwrap_or(1) != 1 {
            return Err(broken("core:num_channels: expected 1".into()));
        }
        let rate_hz = global["core:sample_rate"].as_f64();
        let rate_hz = rate_hz.ok_or_else(|| broken("core:sample_rate is missing, or no number".into()))?;
        let capture = &json["captures"][0];
        let base = crate::iq::base_name(path.to_str().unwrap_or_default()).to_owned();
        Ok(Meta {
            data: file_of(&base, "data"),
            format,
            rate_hz,
            centre_hz: capture["core:frequency"].as_f64().filter(|hz| *hz > 0.0),
            header_bytes: capture["core:header_bytes"].as_u64().unwrap_or(0),
        })
    }
}

/// The recording at another rate, by windowed sinc; what lies above 0.83 of the lower Nyquist frequency fades.
pub fn resample(samples: &[Cf32], from_hz: f64, to_hz: f64) -> Vec<Cf32> {
    if from_hz == to_hz {
        return samples.to_vec();
    }
    let kernel = dsp::fir::Kernel::for_rates(from_hz, to_hz);
    let n = kernel.n_taps();
    let mut taps = vec![0.0f32; n];
    let step = from_hz / to_hz;
    let len = (samples.len() as f64 / step) as usize;
    (0..len)
        .map(|i| {
            let t = i as f64 * step;
            kernel.taps_at(t - t.floor(), &mut taps);
            let first = t as i64 - n as i64 / 2 + 1;
            let at = |k: usize| usize::try_from(first + k as i64).ok().and_then(|i| samples.get(i));
            taps.iter().enumerate().filter_map(|(k, tap)| at(k).map(|s| s * *tap)).sum()
        })
        .collect()
}
