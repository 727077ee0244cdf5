//! The program as a person runs it: exit status, standard output, standard error.

use std::process::{Command, Output};

fn ironcell(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ironcell")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn file(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("ironcell-cli-{}-{name}", std::process::id()))
}

#[test] // Spec: ironcell issue §4, §1 (--json with --once is exactly one document), §6 (captures), §8 (lab scan on --iq)
fn a_run_reports_in_json_and_leaves_captures_and_a_recording() {
    let (pcap, keylog, iq) = (file("pcap"), file("key"), file("iq"));
    let names = [&pcap, &keylog, &iq].map(|p| p.to_str().unwrap().to_owned());
    let run = [
        "--once",
        "--json",
        "--seed",
        "7",
        "--virtual-time",
        "--transfer",
        "60k",
        "--pcap",
        &names[0],
        "--keylog",
        &names[1],
        "--iq",
        &names[2],
        "--set",
        "output.iq_seconds_max=0.05",
    ];
    let out = ironcell(&run);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let report: sim::report::Report = serde_json::from_slice(&out.stdout).unwrap();
    let ue = &report.ues[0];
    assert!(report.ok && report.failure.is_none() && ue.registered && report.seed == 7);
    assert_eq!((ue.ping.sent, ue.ping.received), (10, 10));
    assert_eq!((ue.http.down_bytes, ue.http.up_bytes), (60_000, 60_000));
    assert_eq!((ue.http.down_sha256_ok, ue.http.up_sha256_ok), (Some(true), Some(true)));
    assert!(sim::report::Step::ALL.iter().all(|s| ue.reached(*s)), "{:?}", ue.steps);
    let progress = text(&out.stderr);
    assert!(progress.contains("first ping") && progress.contains("cell-search"), "{progress}");
    assert!(std::fs::metadata(pcap.join("ironcell.pcapng")).unwrap().len() > 10_000);
    assert!(std::fs::metadata(&keylog).unwrap().len() > 300);
    // The report before `up` too, and the same hash for the same seed whatever is written beside.
    let again = ironcell(&["up", "--once", "--json", "--seed", "7", "--virtual-time", "--transfer", "60k"]);
    let again: sim::report::Report = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again.event_hash, report.event_hash);
    let scan = ironcell(&["lab", "scan", "--json", &names[2]]);
    let scan: serde_json::Value = serde_json::from_slice(&scan.stdout).unwrap();
    assert_eq!((&scan["cells"][0]["pci"], &scan["cells"][0]["sib1"]["tac"]), (&500.into(), &1.into()), "{scan}");
    std::fs::remove_dir_all(pcap).unwrap();
    std::fs::remove_file(keylog).unwrap();
    for ending in [".sigmf-data", ".sigmf-meta", ".rx.sigmf-data", ".rx.sigmf-meta"] {
        std::fs::remove_file(format!("{}{ending}", names[2])).unwrap();
    }
}

#[test] // Spec: ironcell issue §3 (noise fails at the cell search; a wrong K), §8 (exit 1 and the step's name)
fn a_network_that_says_no_is_exit_status_1_with_step_cause_and_clause() {
    for (option, value, step) in [
        ("--snr", "-20", "cell-search"),
        ("--set", "ue.1.k=00112233445566778899aabbccddeeff", "authentication"),
        ("--set", "ue.1.dnn=ims", "session"),
        ("--set", "ue.1.plmn=999-70", "sib1"),
    ] {
        let out = ironcell(&["up", "--once", "--json", "--virtual-time", "--seed", "7", option, value]);
        assert_eq!(out.status.code(), Some(1), "{value}");
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let failure = &report["failure"];
        assert_eq!((&failure["step"], &failure["ue"]), (&step.into(), &1.into()), "{value}: {failure}");
        assert!(failure["clause"].as_str().unwrap().starts_with("TS "), "{value}: {failure}");
        assert_eq!(report["ok"], false);
    }
}

#[test] // Spec: ironcell issue §1 (exit status 2), §8 (nonsense exits 2 and says what to do)
fn nonsense_is_exit_status_2_and_says_what_to_do() {
    let cases: [&[&str]; 18] = [
        &["--preset", "n77-20"],
        &["up", "--set", "cell.pci=2000"],
        &["up", "--set", "cell.colour=red"],
        &["--json"],
        &["--tun", "--virtual-time"],
        &["--proxy", "0.0.0.0:1080"],
        &["--isa", "mmx"],
        &["--log", "nas=loud"],
        &["--config", "/does/not/exist"],
        &["config", "check", "/does/not/exist"],
        &["lab", "scan", "/does/not/exist"],
        &["--once", "--virtual-time", "--pcap", "/dev/null/x"],
        &["--once", "--virtual-time", "--iq", "/does/not/exist/x"],
        &["--snr", "many"],
        &["--seed", "-1"],
        &["--ues", "-1"],
        &["--transfer", "-5"],
        &["fly"],
    ];
    for args in cases {
        let out = ironcell(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        let error = text(&out.stderr);
        assert!(
            error.contains("try: ") || error.contains("try '--help'") || error.contains("tip:"),
            "{args:?}: {error}"
        );
        assert!(!error.contains("panicked") && out.stdout.is_empty(), "{args:?}: {error}");
    }
}

#[test] // Spec: ironcell issue §1 (--log)
fn debug_says_more_than_info_and_no_key() {
    let k = "00112233445566778899aabbccddeeff";
    let told = |log: &str| {
        let (ue, core) = (format!("ue.1.k={k}"), format!("subscriber.1.k={k}"));
        let run =
            ["--once", "--json", "--virtual-time", "--seed", "7", "--transfer", "1k", "--set", &ue, "--set", &core];
        let out = ironcell(&[&run[..], &["--log", log]].concat());
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        (text(&out.stderr), report["event_hash"].to_string())
    };
    let ((info, hash), (debug, same)) = (told("info"), told("debug"));
    assert_eq!(hash, same);
    for name in [
        "UL RRCSetupRequest (UL-CCCH)",
        "UL Registration request",
        "deciphered: Registration accept",
        "DL Initial Context Setup Request",
        "random access response",
        "SessionEstablishmentRequest",
    ] {
        assert!(debug.contains(name) && !info.contains(name), "{name}");
    }
    assert!(!debug.contains(k) && !debug.contains("k_amf") && !debug.contains("trace:"), "{debug}");
    let (nas, _) = told("nas=debug");
    let lines: Vec<&str> = nas.lines().filter(|l| l.starts_with("debug:")).collect();
    assert!(lines.len() > 10 && lines.iter().all(|l| l.contains(" nas ")), "{nas}");
}

#[test] // Spec: ironcell issue §1 (config show, config check)
fn what_config_show_prints_config_check_takes() {
    for args in
        [&["config", "show"][..], &["config", "show", "--preset", "mine-ul", "--ues", "3", "--set", "ue.3.sqn=9"]]
    {
        let shown = ironcell(args);
        assert_eq!(shown.status.code(), Some(0));
        let path = file("cell.toml");
        std::fs::write(&path, &shown.stdout).unwrap();
        let checked = ironcell(&["config", "check", path.to_str().unwrap()]);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
        let again = ironcell(&["config", "show", "--config", path.to_str().unwrap()]);
        assert_eq!(again.stdout, shown.stdout);
        let json = ironcell(&["config", "show", "--json", "--config", path.to_str().unwrap()]);
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["cell"]["pci"], 500);
        std::fs::write(&path, text(&shown.stdout).replace("pci = 500", "pci = 1008")).unwrap();
        let bad = ironcell(&["config", "check", path.to_str().unwrap()]);
        assert_eq!(bad.status.code(), Some(2));
        assert!(text(&bad.stderr).contains("cell.pci = 1008") && text(&bad.stderr).contains(" line "));
        std::fs::remove_file(path).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test] // Spec: ironcell issue §1 (Ctrl-C: the phone deregisters, a report is printed)
fn a_signal_switches_the_phone_off() {
    use std::io::{BufRead, BufReader, Read};
    let mut child = Command::new(env!("CARGO_BIN_EXE_ironcell"))
        .args(["--seed", "7"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("curl -x socks5h://127.0.0.1:") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended before the first ping");
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert!(
        rest.contains("deregistration") && rest.contains("report: seed 7") && rest.trim_end().ends_with("ok"),
        "{rest}"
    );
}

#[cfg(target_os = "linux")]
#[test] // Spec: ironcell issue §3 (a full disk)
fn a_full_disk_ends_the_run_with_a_clear_error() {
    let dir = file("full");
    std::fs::create_dir_all(&dir).unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.join("ironcell.pcapng")).unwrap();
    let name = dir.to_str().unwrap();
    let out = ironcell(&["--once", "--json", "--seed", "7", "--virtual-time", "--pcap", name]);
    assert_eq!(out.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let cause = report["failure"]["cause"].as_str().unwrap();
    assert!(cause.contains("--pcap cannot write") && cause.contains("No space left"), "{report}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test] // Spec: TS 38.104 §8.2.1, §8.3 (lab bler and lab conformance: rows, files, exit status)
fn links_are_simulated_as_asked() {
    let out = file("curve");
    let name = out.to_str().unwrap().to_owned();
    let run = [
        "lab",
        "bler",
        "pusch",
        "--mcs",
        "4",
        "--prb",
        "6",
        "--snr=-6:2:4",
        "--blocks",
        "60",
        "--json",
        "--out",
        &name,
    ];
    let one = ironcell(&run);
    assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
    let curve: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    let rates: Vec<f64> = curve["points"].as_array().unwrap().iter().map(|p| p["bler"].as_f64().unwrap()).collect();
    assert!(rates.len() == 3 && rates[0] > 0.9 && rates[2] < 0.1, "{rates:?}");
    assert_eq!(ironcell(&[&run[..], &["--threads", "1"]].concat()).stdout, one.stdout);
    for ending in ["csv", "json", "svg"] {
        let path = out.with_extension(ending);
        assert!(std::fs::metadata(&path).unwrap().len() > 100);
        std::fs::remove_file(path).unwrap();
    }
    let list = text(&ironcell(&["lab", "conformance", "8.2.2", "--list"]).stdout);
    assert!(list.lines().count() == 12 && list.contains("G-FR1-A3-31"), "{list}");
    let row = ironcell(&[
        "lab",
        "conformance",
        "8.3.2",
        "--only",
        "5 MHz",
        "--only",
        "1x4",
        "--only",
        "2 symbol",
        "--quick",
        "--json",
    ]);
    let rows: serde_json::Value = serde_json::from_slice(&row.stdout).unwrap();
    assert_eq!((rows["rows"].as_array().unwrap().len(), &rows["rows"][0]["required_snr_db"]), (1, &(-1.0).into()));
    for nonsense in [
        &["lab", "bler", "pusch", "--mcs", "40"][..],
        &["lab", "bler", "pusch", "--fading", "X"],
        &["lab", "conformance", "9"],
    ] {
        let out = ironcell(nonsense);
        assert!(out.status.code() == Some(2) && out.stdout.is_empty(), "{nonsense:?}");
    }
}
