//! Captures: every frame into one pcapng, deciphered NAS into another that only its owner can read.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use node::{Frame, Tap};
use obs::pcap::PcapWriter;
use sim::scenario::ScenarioError;

/// The capture's file in the directory of `--pcap`.
pub const FILE: &str = "ironcell.pcapng";

/// What is captured.
#[derive(Default)]
pub struct Captures {
    all: Option<Output>,
    plain: Option<Output>,
}

struct Output {
    writer: PcapWriter<Box<dyn Write>>,
    path: PathBuf,
    option: &'static str,
}

impl Captures {
    /// Opens what was asked for. Errors: a directory or file that cannot be made.
    pub fn open(pcap: Option<&str>, keylog: Option<&str>, tdd: bool) -> Result<Captures, ScenarioError> {
        let mut captures = Captures::default();
        if let Some(dir) = pcap {
            std::fs::create_dir_all(dir).map_err(|e| refused("output.pcap", dir, &e))?;
            let path = Path::new(dir).join(FILE);
            let file = File::create(&path).map_err(|e| refused("output.pcap", dir, &e))?;
            captures.all = Some(Output::new(Box::new(BufWriter::new(file)), path, "--pcap", "output.pcap", tdd)?);
        }
        if let Some(name) = keylog {
            let file = private_file(Path::new(name)).map_err(|e| refused("output.keylog", name, &e))?;
            let out = Box::new(BufWriter::new(file));
            captures.plain = Some(Output::new(out, name.into(), "--keylog", "output.keylog", tdd)?);
        }
        Ok(captures)
    }

    /// Writes what crossed. Errors: in words for a person, as a full disk is; nothing is written to that file any more.
    pub fn write(&mut self, taps: &[Tap]) -> Result<(), String> {
        for tap in taps {
            let plain = matches!(tap.frame, Frame::NasPlain(_));
            let slot = if plain { &mut self.plain } else { &mut self.all };
            if let Some(output) = slot
                && let Err(e) = output.writer.write(tap)
            {
                let e = output.failed(&e);
                *slot = None;
                return Err(e);
            }
        }
        Ok(())
    }

    /// Hands everything to the operating system. Errors: as [`Captures::write`].
    pub fn flush(&mut self) -> Result<(), String> {
        for slot in [&mut self.all, &mut self.plain] {
            if let Some(output) = slot
                && let Err(e) = output.writer.flush()
            {
                let e = output.failed(&e);
                *slot = None;
                return Err(e);
            }
        }
        Ok(())
    }
}

impl Output {
    fn new(
        out: Box<dyn Write>,
        path: PathBuf,
        option: &'static str,
        key: &str,
        tdd: bool,
    ) -> Result<Output, ScenarioError> {
        let name = path.display().to_string();
        let writer = PcapWriter::new(out, tdd, option == "--keylog").map_err(|e| refused(key, &name, &e))?;
        Ok(Output { writer, path, option })
    }
    /// In words for a person: the operating system's, where they are at the bottom of it.
    fn failed(&self, e: &(dyn std::error::Error + 'static)) -> String {
        let cause = std::iter::successors(Some(e), |e| e.source()).last().unwrap_or(e);
        format!("{} cannot write {}: {cause}", self.option, self.path.display())
    }
}

fn refused(key: &str, value: &str, e: &dyn std::fmt::Display) -> ScenarioError {
    ScenarioError::new(
        format!("{value} cannot be made: {e}"),
        &[(key, value.to_owned())],
        "a place that can be written",
    )
}

/// A file that only its owner can read, whatever was there before.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        let file = options.open(path)?;
        if file.metadata()?.is_file() {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::Direction;
    use nr::Tc;

    fn tap(frame: Frame) -> Tap {
        Tap { at: Tc::from_ms(1), direction: Direction::Uplink, ue: 1, frame }
    }

    fn dir(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("ironcell-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        dir
    }

    #[test] // Spec: ironcell issue §6 (a separate file, readable by its owner only; captures hold no key)
    fn deciphered_nas_goes_to_its_own_file_only() {
        let dir = dir("capture");
        std::fs::create_dir_all(&dir).unwrap();
        let keylog = dir.join("plain.pcapng");
        std::fs::write(&keylog, "old").unwrap();
        let mut c = Captures::open(dir.to_str(), keylog.to_str(), true).unwrap();
        c.write(&[tap(Frame::Nas(b"CIPHEREDCIPH".to_vec())), tap(Frame::NasPlain(b"PLAINPLAINPL".to_vec()))]).unwrap();
        c.flush().unwrap();
        let has = |path: &Path, word: &[u8]| std::fs::read(path).unwrap().windows(12).any(|w| w == word);
        let all = dir.join(FILE);
        assert!(has(&all, b"CIPHEREDCIPH") && !has(&all, b"PLAINPLAINPL"));
        assert!(has(&keylog, b"PLAINPLAINPL") && !has(&keylog, b"CIPHEREDCIPH"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&keylog).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test] // Spec: ironcell issue §3 (a full disk for --pcap)
    fn a_full_disk_is_told() {
        let out = Box::new(BufWriter::new(OpenOptions::new().write(true).open("/dev/full").unwrap()));
        let mut c = Captures {
            all: Some(Output::new(out, "/dev/full".into(), "--pcap", "output.pcap", true).unwrap()),
            plain: None,
        };
        let full = |e: String| assert!(e.contains("--pcap cannot write /dev/full: No space left"), "{e}");
        full(c.write(&[tap(Frame::Ip(vec![0x45; 100]))]).and_then(|()| c.flush()).unwrap_err());
        c.flush().unwrap();
        // As soon as the buffer is full, too.
        let out = Box::new(BufWriter::new(OpenOptions::new().write(true).open("/dev/full").unwrap()));
        let writer = Output::new(out, "/dev/full".into(), "--pcap", "output.pcap", true).unwrap();
        let mut c = Captures { all: Some(writer), plain: None };
        let taps: Vec<_> = (0..20).map(|_| tap(Frame::Ip(vec![0x45; 1000]))).collect();
        full(c.write(&taps).unwrap_err());
    }

    #[test] // Spec: ironcell issue §1 (bad use)
    fn a_place_that_cannot_be_written_is_told() {
        let e = Captures::open(Some("/dev/null/x"), None, true).err().unwrap().to_string();
        assert!(e.contains("output.pcap = /dev/null/x") && e.contains("try: "), "{e}");
        assert!(Captures::open(None, Some("/does/not/exist/k"), true).is_err());
    }
}
