//! Checks and generators of this repository.

mod asn1;
mod conformance;
mod curves;
mod features;
mod peers;
mod tidy;
mod tun;

const USE: &str = "use: cargo xtask COMMAND
  tidy       floors and kinds of every crate, forbidden words, size of files
  features   writes the test column of FEATURES.md from the tests' own `Spec:` tags (--check: only compares)
  conformance FILE...  the tables of docs/CONFORMANCE.md from the JSON of `ironcell lab conformance`
  peers      kernels beside those of OCUDU, from a build of its benchmarks: medians and ratios, docs/PERFORMANCE.md
  curves [WORD]  simulates the curves of docs/curves and writes their index (--check: a point of each again, judged by counts)
  tun        tries `up --tun` with ping and curl (--tun needs a right: exit status 3 where it cannot be tried)
  asn1       writes crates/rrc/src/nr_rrc.rs from the modules of TS 38.331 (which are not in this repository)";

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("tun", rest)) = args.split_first().map(|(c, rest)| (c.as_str(), rest)) {
        return tun::run(rest);
    }
    let result = match args.split_first() {
        Some((command, rest)) if command == "asn1" => asn1::run(rest),
        Some((command, rest)) if command == "peers" => peers::run(rest),
        Some((command, rest)) if command == "conformance" => conformance::run(rest),
        Some((command, rest)) if command == "curves" => curves::run(rest),
        Some((command, _)) if command == "tidy" => tidy::run(),
        Some((command, rest)) if command == "features" => features::run(rest.iter().any(|a| a == "--check")),
        _ => Err(USE.to_string()),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            std::process::ExitCode::from(2)
        }
    }
}
