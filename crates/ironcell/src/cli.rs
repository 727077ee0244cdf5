//! The command line. Exit status 0: it worked; 1: the network said no, or a step failed; 2: bad use or configuration.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use sim::scenario::{Loader, Scenario, ScenarioError};

use crate::{bench, lab, up};

const EXAMPLES: &str = "\
Examples:
  ironcell                                     a phone comes online; then: curl -x socks5h://127.0.0.1:1080 http://ironcell.test/
  ironcell up --once --json --seed 7           attach, ping, transfer, detach; one JSON document on standard output
  ironcell up --preset n3-20 --ues 8 --channel tdl-a
  ironcell up --once --set ue.1.k=00112233445566778899aabbccddeeff     a wrong key: exit status 1
  ironcell up --once --pcap captures --iq air  messages for Wireshark, samples as SigMF
  ironcell config show > cell.toml             every value with its unit, range and name in the specification
  ironcell lab scan air.sigmf-meta             the cells in a recording
  ironcell lab decode air.sigmf-meta           every DCI and PDSCH in it
  ironcell lab show --seed 7 --out slot.svg    a slot as a picture

Exit status: 0 all of it worked (a scan without a cell too), 1 the network said no or a step failed,
2 bad use, bad configuration or a broken recording.";

/// A whole 5G standalone network in one process: core, base station, radio channel and phones.
#[derive(Parser, Debug)]
#[command(name = "ironcell", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: UpArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Puts a cell on the air and phones online (the default command).
    #[command(after_help = EXAMPLES, args_override_self = true)]
    Up(Box<UpArgs>),
    /// Shows or judges a configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Tools for recordings.
    #[command(subcommand)]
    Lab(LabCommand),
    /// Measures how fast the physical layer is on this machine.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Prints the whole effective configuration as TOML with comments.
    Show {
        #[command(flatten)]
        scenario: Box<ScenarioArgs>,
        /// As JSON, without comments.
        #[arg(long)]
        json: bool,
    },
    /// Judges a configuration file, each value and across fields.
    Check {
        /// The TOML file.
        file: PathBuf,
    },
}

#[derive(Subcommand, Debug)]
enum LabCommand {
    /// Finds the cells in a recording that it knows nothing about.
    Scan(ScanArgs),
    /// Decodes every DCI and PDSCH in a recording.
    Decode(Box<lab::decode::DecodeArgs>),
    /// Draws a slot of a recording or of a scenario: resource grid, constellation, channel, spectrum.
    Show(Box<lab::show::ShowArgs>),
    /// Simulates a physical channel and draws its error rate over SNR.
    Bler(Box<lab::bler::BlerArgs>),
    /// Runs the demodulation requirements of TS 38.104 clause 8 and TS 38.101-4.
    Conformance(lab::conformance::ConformanceArgs),
}

/// Arguments of `lab scan`.
#[derive(Args, Debug)]
pub struct ScanArgs {
    /// SigMF (its .sigmf-meta, .sigmf-data or common name; cf32_le or ci16_le), or raw cf32_le with --rate.
    pub file: PathBuf,
    /// Samples a second of a raw recording, as in 23.04e6.
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub rate: Option<f64>,
    /// Centre frequency, if it is known and the recording does not say it.
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub freq: Option<f64>,
    /// One JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `up`.
#[derive(Args, Debug)]
pub struct UpArgs {
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// With --once: the report as one JSON document on standard output, progress on standard error.
    #[arg(long)]
    pub json: bool,
}

/// What configures a run.
#[derive(Args, Debug, Default)]
pub struct ScenarioArgs {
    /// Attach, 10 pings, a download and an upload with checked digests, deregister, report, exit.
    #[arg(long)]
    once: bool,
    /// Fixes everything that is drawn, keys too: a lab, predictable on purpose. Otherwise a random one, printed.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Number of phones.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    ues: Option<u32>,
    /// n78-20 (default), n78-100, n3-10, n3-20, mine-ul, n78-20-2x2 or n78-100-4x4.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Bytes each way with --once, as in 4M.
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true)]
    transfer: Option<String>,
    /// Es/N0 of a resource element; it sets the path loss.
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    snr: Option<f64>,
    /// awgn, tdl-a, tdl-b or tdl-c.
    #[arg(long, value_name = "PROFILE")]
    channel: Option<String>,
    /// As fast as the machine can: no sleeping, no proxies.
    #[arg(long)]
    virtual_time: bool,
    /// best, scalar, avx2, avx512 or neon.
    #[arg(long, value_name = "ISA")]
    isa: Option<String>,
    /// Threads; 0: one for each core, at most 4.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<u32>,
    /// Directory for a capture of the bytes that cross, for Wireshark.
    #[arg(long, value_name = "DIR")]
    pcap: Option<String>,
    /// File for deciphered copies of NAS, readable by its owner only.
    #[arg(long, value_name = "FILE")]
    keylog: Option<String>,
    /// SigMF recording of what the gNB transmits (FILE.sigmf-*) and receives (FILE.rx.sigmf-*).
    #[arg(long, value_name = "FILE")]
    iq: Option<String>,
    /// Configuration as TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One value of the configuration, as in cell.pci=5; wins over --config. May be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Where the SOCKS5 and HTTP proxy listens; fails if it is taken.
    #[arg(long, value_name = "ADDRESS:PORT")]
    proxy: Option<String>,
    /// Password of the proxy; needed off loopback.
    #[arg(long, value_name = "PASSWORD")]
    proxy_password: Option<String>,
    /// A network that N6 lets through although it is private or local, as in 127.0.0.1/32. May be repeated.
    #[arg(long, value_name = "CIDR")]
    n6_allow: Vec<String>,
    /// A real TUN interface for each phone (irnue1 ...) beside the proxies; needs root, or cap_net_admin.
    #[arg(long)]
    tun: bool,
    /// off, error, warn, info, debug or trace, and others for some layers, as in info,nas=debug,mac=trace.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

impl ScenarioArgs {
    /// The scenario: file, then --set, then options, later ones winning.
    pub fn load(&self) -> Result<Scenario, ScenarioError> {
        let mut loader = Loader::new();
        if let Some(path) = &self.config {
            read_file(&mut loader, path)?;
        }
        self.set.iter().try_for_each(|s| loader.set(s))?;
        self.options(&mut loader);
        loader.build()
    }

    fn options(&self, loader: &mut Loader) {
        for (given, name, path) in [
            (self.once, "--once", "run.once"),
            (self.virtual_time, "--virtual-time", "run.virtual_time"),
            (self.tun, "--tun", "traffic.tun"),
        ] {
            if given {
                loader.option(name, path, true);
            }
        }
        let number = |n: u32| i64::from(n);
        for (value, name, path) in [
            (self.seed.and_then(|n| i64::try_from(n).ok()), "--seed", "seed"),
            (self.ues.map(number), "--ues", "ues"),
            (self.threads.map(number), "--threads", "run.threads"),
        ] {
            if let Some(value) = value {
                loader.option(name, path, value);
            }
        }
        if let Some(snr) = self.snr {
            loader.option("--snr", "air.snr_db", snr);
        }
        for (value, name, path) in [
            (&self.preset, "--preset", "preset"),
            (&self.transfer, "--transfer", "traffic.transfer_bytes"),
            (&self.channel, "--channel", "air.channel"),
            (&self.isa, "--isa", "run.isa"),
            (&self.pcap, "--pcap", "output.pcap"),
            (&self.keylog, "--keylog", "output.keylog"),
            (&self.iq, "--iq", "output.iq"),
            (&self.proxy, "--proxy", "traffic.proxy"),
            (&self.proxy_password, "--proxy-password", "traffic.proxy_password"),
            (&self.log, "--log", "run.log"),
        ] {
            if let Some(value) = value {
                loader.option(name, path, value.clone());
            }
        }
        if !self.n6_allow.is_empty() {
            loader.option("--n6-allow", "traffic.n6_allow", self.n6_allow.clone());
        }
    }
}

fn read_file(loader: &mut Loader, path: &std::path::Path) -> Result<(), ScenarioError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| {
        let what = format!("the configuration {name} cannot be read: {e}");
        ScenarioError::new(what, &[], "`ironcell config show` prints one to start from")
    })?;
    loader.file(&name, &text)
}

/// Runs what the command line says.
pub fn run() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => dispatch(cli),
        Err(e) => {
            let _ = e.print();
            ExitCode::from(if e.use_stderr() { 2 } else { 0 })
        }
    }
}

fn dispatch(cli: Cli) -> ExitCode {
    let printed = match cli.command {
        None => return up_with(&cli.up),
        Some(Command::Up(args)) => return up_with(&args),
        Some(Command::Config(ConfigCommand::Show { scenario, json })) => {
            scenario.load().map(|s| if json { format!("{:#}\n", serde_json::json!(s.to_table())) } else { s.to_toml() })
        }
        Some(Command::Config(ConfigCommand::Check { file })) => check(&file)
            .map(|s| format!("{}: a {} cell with {} terminal(s), nothing wrong\n", file.display(), s.preset, s.n_ues)),
        Some(Command::Lab(LabCommand::Scan(args))) => return lab::run(&args),
        Some(Command::Lab(LabCommand::Decode(args))) => return lab::decode::run(&args),
        Some(Command::Lab(LabCommand::Show(args))) => return lab::show::run(&args),
        Some(Command::Bench(command)) => return bench::run(&command),
        Some(Command::Lab(LabCommand::Bler(args))) => return lab::bler::run(&args),
        Some(Command::Lab(LabCommand::Conformance(args))) => return lab::conformance::run(&args),
    };
    match printed {
        Ok(text) => print_all(&text),
        Err(e) => bad_use(&e),
    }
}

/// Writes `text` on standard output; exit status 1 if that fails.
pub fn print_all(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Who reads only the beginning (`| head`) has had what he wanted.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            let _ = writeln!(std::io::stderr(), "error: standard output cannot be written: {e}");
            ExitCode::from(1)
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Reads and judges a configuration file.
pub fn check(file: &std::path::Path) -> Result<Scenario, ScenarioError> {
    let mut loader = Loader::new();
    read_file(&mut loader, file)?;
    loader.build()
}

/// Prints an error that is the user's to mend, and gives its exit status.
pub fn bad_use(e: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {e}");
    ExitCode::from(2)
}

fn up_with(args: &UpArgs) -> ExitCode {
    let scenario = match args.scenario.load() {
        Ok(scenario) => scenario,
        Err(e) => return bad_use(&e),
    };
    if args.json && !scenario.run.once {
        let what = "--json is the report of a run that ends: it needs --once";
        return bad_use(&ScenarioError::new(what, &[], "--once --json"));
    }
    up::run(scenario, args.json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("ironcell").chain(line.split_whitespace()))
    }

    fn scenario(line: &str) -> Result<Scenario, ScenarioError> {
        let cli = parse(line).unwrap();
        let up = match cli.command {
            None => cli.up,
            Some(Command::Up(up)) => *up,
            _ => panic!("not up"),
        };
        up.scenario.load()
    }

    #[test] // Spec: ironcell issue §1 (up is the default command)
    fn up_is_the_default_command() {
        for line in ["--once --json --seed 7", "up --once --json --seed 7"] {
            let s = scenario(line).unwrap();
            assert!(s.run.once && s.seed == Some(7), "{line}");
        }
        assert_eq!(scenario("").unwrap(), Scenario::default());
        assert!(parse("--once up").is_err());
        let s = scenario("up --seed 1 --seed 2 --set cell.pci=1 --set cell.pci=2").unwrap();
        assert_eq!((s.seed, s.cell.pci), (Some(2), 2));
    }

    #[test] // Spec: ironcell issue §1 (options)
    fn every_option_reaches_the_scenario() {
        let s = scenario(
            "up --once --seed 9 --ues 3 --preset n3-10 --transfer 2M --snr -20 --channel tdl-b --virtual-time --isa scalar \
             --threads 2 --pcap d --keylog k --iq i --set cell.pci=5 --set ue.2.sqn=7 --n6-allow 127.0.0.1/32 \
             --n6-allow 10.0.0.0/8 --log debug",
        )
        .unwrap();
        assert_eq!((s.preset.as_str(), s.seed, s.n_ues, s.cell.pci), ("n3-10", Some(9), 3, 5));
        assert_eq!((s.air.snr_db, s.air.channel.as_str(), s.traffic.transfer_bytes), (Some(-20.0), "tdl-b", 2_000_000));
        assert!(s.run.virtual_time && s.run.isa == "scalar" && s.run.threads == 2 && s.run.log == "debug");
        assert_eq!(
            (s.output.pcap.as_deref(), s.output.keylog.as_deref(), s.output.iq.as_deref()),
            (Some("d"), Some("k"), Some("i"))
        );
        assert_eq!((s.ue(2).sqn, s.traffic.n6_allow.len()), (Some(7), 2));
        assert_eq!(scenario("--ues 2 --set ues=3").unwrap().n_ues, 2);
        let s = scenario("--proxy 127.0.0.1:3128 --proxy-password x").unwrap();
        assert_eq!(s.traffic.proxy.as_deref(), Some("127.0.0.1:3128"));
    }

    #[test] // Spec: ironcell issue §1 (exit status 2)
    fn nonsense_options_are_told_by_their_name() {
        for (line, wanted) in [
            ("--ues 0", "--ues"),
            ("--preset x", "--preset"),
            ("--transfer x", "--transfer"),
            ("--snr 99", "--snr"),
            ("--channel x", "--channel"),
            ("--isa x", "--isa"),
            ("--tun --virtual-time", "--tun"),
            ("--log x", "--log"),
            ("--n6-allow x", "--n6-allow"),
            ("--proxy x", "--proxy"),
            ("--virtual-time --proxy 127.0.0.1:1", "--virtual-time"),
            ("--set x", "--set"),
            ("--config /does/not/exist.toml", "/does/not/exist.toml"),
        ] {
            let e = scenario(line).expect_err(line).to_string();
            assert!(e.contains(wanted) && e.contains("try: "), "{line}: {e}");
        }
        for line in [
            "--seed x",
            "--seed -1",
            "--seed 9223372036854775808",
            "--snr",
            "--ues -1",
            "--nonsense",
            "down",
            "config",
            "lab scan",
        ] {
            assert!(parse(line).is_err_and(|e| e.use_stderr()), "{line}");
        }
        assert!(parse("--help").is_err_and(|e| !e.use_stderr()));
    }
}
