//! Configurations of any text: for fuzz targets and for tests.

use crate::scenario::Loader;

/// One run of a fuzzer over what configures a run: lines that begin with `--set ` are such options, the others a TOML file.
///
/// # Panics
/// If what was accepted is not accepted any more as it is printed, or means something else then: a bug of this crate.
pub fn fuzz_config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (set, file): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("--set "));
    let mut loader = Loader::new();
    if let Err(e) = loader.file("fuzz", &file.join("\n")) {
        let _ = e.to_string();
        return;
    }
    for line in set {
        if let Err(e) = loader.set(line.trim_start_matches("--set ")) {
            let _ = e.to_string();
        }
    }
    match loader.build() {
        Ok(scenario) => {
            let printed = scenario.to_toml();
            let mut again = Loader::new();
            let read = again.file("printed", &printed).and_then(|()| again.build());
            match read {
                Ok(read) => assert_eq!(read.to_toml(), printed, "another scenario than the one that was printed"),
                Err(e) => panic!("what was printed is refused: {e}\n{printed}"),
            }
        }
        Err(e) => drop(e.to_string()),
    }
}
