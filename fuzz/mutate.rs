//! Corpus replay for plain `cargo test`: every file of a target's corpus, then mutations of them, the same ones every time.
//!
//! Tests include this file by path. `FUZZ_ROUNDS` in the environment asks for more mutations, `FUZZ_SEED` for others.

use std::path::{Path, PathBuf};

/// A small generator: xorshift64*, which needs no crate.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 32) * n as u64 >> 32) as usize
    }
}

/// Prints its input when a panic passes by.
struct Culprit<'a>(&'a str, &'a [u8]);

impl Drop for Culprit<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex: String = self.1.iter().map(|b| format!("{b:02x}")).collect();
            eprintln!("{}: the input was {hex}", self.0);
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Gives `fuzz_one` every file of `fuzz/corpus/<target>`, and then `rounds` mutations of them.
///
/// # Panics
/// If `fuzz_one` does, after printing its input; if the corpus is not there.
pub fn replay(target: &str, rounds: usize, fuzz_one: fn(&[u8])) {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("a file")).collect();
    assert!(!corpus.is_empty(), "{target} has no corpus");
    for (file, input) in files.iter().zip(&corpus) {
        let _culprit = Culprit(&file.to_string_lossy(), input);
        fuzz_one(input);
    }
    let mut random = Random(number("FUZZ_SEED").unwrap_or(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let rounds = number("FUZZ_ROUNDS").map_or(rounds, |n| n as usize);
    for _ in 0..rounds {
        let mut input = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &corpus[random.below(corpus.len())];
            mutate(&mut random, &mut input, other);
        }
        let _culprit = Culprit(target, &input);
        fuzz_one(&input);
    }
}

/// Lengths and counts live at these values.
const EDGES: [u8; 12] = [0, 1, 2, 3, 4, 7, 8, 0x7e, 0x7f, 0x80, 0xfe, 0xff];

fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8]) {
    if input.is_empty() {
        return input.push(random.next() as u8);
    }
    let at = random.below(input.len());
    match random.below(9) {
        0 => input.truncate(at),
        1 => input.insert(at, random.next() as u8),
        2 => drop(input.remove(at)),
        3 | 4 => input[at] ^= 1 << random.below(8),
        5 => input[at] = EDGES[random.below(EDGES.len())],
        6 => input[at] = random.next() as u8,
        7 => {
            let n = (1 + random.below(16)).min(input.len() - at);
            let piece = input[at..at + n].to_vec();
            let to = random.below(input.len());
            input.splice(to..to, piece);
        }
        _ => {
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
    input.truncate(1 << 16);
}
