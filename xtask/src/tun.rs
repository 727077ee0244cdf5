//! `up --tun` against the operating system: ping and curl through a terminal's interface, the proxy beside it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

const INTERFACE: &str = "/sys/class/net/irnue1";
/// Exit status where it cannot be tried: absent is never green.
const ABSENT: u8 = 3;

/// What is run, and what its output must hold.
const TRIES: [(&[&str], &str); 6] = [
    (&["ping", "-I", "irnue1", "-c", "3", "-W", "5", "10.45.0.1"], " 0% packet loss"),
    (&["ping", "-I", "irnue1", "-c", "3", "-W", "5", "2001:db8:45::1"], " 0% packet loss"),
    (&["curl", "-sS", "-m", "20", "--interface", "irnue1", "http://10.45.0.1/"], "You are online over 5G"),
    (&["curl", "-sS", "-m", "20", "-g", "--interface", "irnue1", "http://[2001:db8:45::1]/"], "You are online over 5G"),
    (
        &[
            "curl",
            "-sS",
            "-m",
            "60",
            "--interface",
            "irnue1",
            "-o",
            "/dev/null",
            "-w",
            "%{size_download}",
            "http://10.45.0.1/download?bytes=2000000",
        ],
        "2000000",
    ),
    (&["curl", "-sS", "-m", "20", "-x", "PROXY", "http://ironcell.test/"], "You are online over 5G"),
];

/// Runs the checks with the program at `args[0]`, or target/release/ironcell.
pub fn run(args: &[String]) -> ExitCode {
    let program = args.first().map_or("target/release/ironcell", String::as_str);
    if let Some(why) = absent(program) {
        eprintln!("tun: not tried: {why}");
        return ExitCode::from(ABSENT);
    }
    let mut child = match start(program) {
        Ok(child) => child,
        Err(e) => {
            eprintln!("tun: {e}");
            return ExitCode::from(2);
        }
    };
    let result =
        online(&mut child).and_then(|proxy| TRIES.iter().try_for_each(|(line, want)| check(line, want, &proxy)));
    let ended = stop(&mut child);
    match result.and(ended) {
        Ok(()) => {
            println!("tun: all of it worked");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("tun: {e}");
            ExitCode::from(1)
        }
    }
}

/// Why it cannot be tried here.
fn absent(program: &str) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("this is not Linux".into());
    }
    for tool in ["ping", "curl"] {
        if Command::new(tool).arg("-V").output().is_err() {
            return Some(format!("{tool} is not installed"));
        }
    }
    if !Path::new(program).exists() {
        return Some(format!("{program} is not there: cargo build --release"));
    }
    // The program's own word on the right to make an interface. Its log is off and it is ended at its first line.
    let mut child = start(program).ok()?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        let _ = BufReader::new(out).read_line(&mut line);
    }
    let _ = stop(&mut child);
    line.is_empty().then(|| "there is no right to make an interface (see above)".into())
}

fn start(program: &str) -> Result<Child, String> {
    let mut command = Command::new(program);
    command.args(["up", "--tun", "--seed", "7"]).stdout(Stdio::piped());
    command.spawn().map_err(|e| format!("{program}: {e}"))
}

/// Waits until the phone is online; the proxy's address as curl takes it.
fn online(child: &mut Child) -> Result<String, String> {
    let out = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(out).lines().map_while(Result::ok);
    let proxy = lines.find_map(|l| l.split_once("socks5h://").map(|(_, rest)| rest.to_owned()));
    // What it prints from now on is read, so that it never waits for us.
    std::thread::spawn(move || lines.for_each(drop));
    let proxy = proxy.ok_or("the phone does not come online")?;
    Ok(format!("socks5h://{}", proxy.split(' ').next().unwrap_or("")))
}

fn check(line: &[&str], want: &str, proxy: &str) -> Result<(), String> {
    let line: Vec<&str> = line.iter().map(|w| if *w == "PROXY" { proxy } else { w }).collect();
    let out = Command::new(line[0]).args(&line[1..]).output().map_err(|e| format!("{}: {e}", line[0]))?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if out.status.success() && text.contains(want) {
        println!("ok      {}", line.join(" "));
        return Ok(());
    }
    Err(format!("failed  {}\n{text}{}", line.join(" "), String::from_utf8_lossy(&out.stderr)))
}

/// Ends it as Ctrl-C does: the interface must be gone.
fn stop(child: &mut Child) -> Result<(), String> {
    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let status = child.wait().map_err(|e| e.to_string())?;
    if Path::new(INTERFACE).exists() {
        return Err(format!("{INTERFACE} is still there"));
    }
    if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
}
