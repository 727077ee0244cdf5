//! Recordings of any octets: the corpus `recording` and mutations of it. There is no libFuzzer target, for a program has no library.

use super::recording::{read, resample};
use super::scan::scan;
use dsp::Isa;

#[path = "../../../../fuzz/mutate.rs"]
mod mutate;

/// One run: the length of the metadata in an octet (0: none), the metadata, then the samples' file.
///
/// Cell search in large recordings takes its time, so only those of ordinary rates are searched.
fn fuzz_one(data: &[u8]) {
    let Some((n, rest)) = data.split_first() else { return };
    let (meta, samples) = rest.split_at(rest.len().min(usize::from(*n)));
    let dir = std::env::temp_dir().join(format!("ironcell-corpus-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let base = dir.join("r");
    let (meta_file, data_file) = (dir.join("r.sigmf-meta"), dir.join("r.sigmf-data"));
    let (file, rate) = if *n == 0 {
        (dir.join("raw.cf32"), Some(7.68e6))
    } else {
        std::fs::write(&meta_file, meta).unwrap();
        (data_file, None)
    };
    std::fs::write(&file, samples).unwrap();
    match read(if *n == 0 { &file } else { &base }, rate, None) {
        Ok(r) => {
            assert!(r.samples.len() <= samples.len() / 4 && r.samples.iter().all(|s| s.re.is_finite()));
            let there_and_back = resample(&r.samples, 2.0, 1.0);
            assert!(there_and_back.len() <= r.samples.len());
            if r.rate_hz < 16e6 {
                assert!(scan(&r, Isa::best()).is_empty(), "a cell in some octets");
            }
        }
        Err(e) => drop(e.to_string()),
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test] // Spec: ironcell issue §3 (broken and truncated recordings are told, whatever is in them)
fn corpus_and_its_mutations_pass() {
    mutate::replay("recording", 300, fuzz_one);
}
