//! What a person reads while it runs: steps, a live line each second, notes.

use std::io::{IsTerminal, Write};

use sim::report::{Progress, ms};

/// Where progress goes.
pub struct Printer {
    out: Box<dyn Write>,
    terminal: bool,
    /// A live line stands on the terminal's last row.
    live: bool,
    level: u8,
    n_ues: u32,
    /// What to paste, kept until the first ping is back.
    paste: Option<String>,
}

/// Notes are printed from this level on.
const WARN: u8 = 2;
const INFO: u8 = 3;

impl Printer {
    /// Prints on standard error, or on standard output. `log`: off, error, warn, info or debug.
    pub fn new(on_stderr: bool, log: &str, n_ues: u32) -> Printer {
        let (out, terminal): (Box<dyn Write>, bool) = if on_stderr {
            (Box::new(std::io::stderr()), std::io::stderr().is_terminal())
        } else {
            (Box::new(std::io::stdout()), std::io::stdout().is_terminal())
        };
        let level = ["off", "error", "warn", "info", "debug"].iter().position(|l| *l == log).unwrap_or(2) as u8;
        Printer { out, terminal, live: false, level, n_ues, paste: None }
    }

    /// A line. That nobody reads any more is no reason to stop.
    pub fn line(&mut self, text: &str) {
        if std::mem::take(&mut self.live) {
            let _ = write!(self.out, "\r\x1b[2K");
        }
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
    }

    /// A note that is shown from level info on.
    pub fn info(&mut self, text: &str) {
        if self.level >= INFO {
            self.line(&format!("info: {text}"));
        }
    }

    /// One thing that happened; `speed` is air over wall time of the last second.
    pub fn progress(&mut self, what: &Progress, speed: f64) {
        match what {
            Progress::CellOnAir { cell, at } => self.line(&format!(
                "{:>10.3} ms  cell  on air            PCI {}, n{}, ARFCN {}, {} MHz, {} kHz, {}",
                ms(*at),
                cell.pci,
                cell.band,
                cell.arfcn,
                cell.bandwidth_mhz,
                cell.scs_khz,
                cell.duplex
            )),
            Progress::Step { ue, name, at, detail } => {
                self.line(&format!("{:>10.3} ms  ue{ue:<3} {name:<17} {detail}", ms(*at)));
            }
            Progress::FirstPing { ue, at, rtt } => {
                self.line(&format!(
                    "{:>10.3} ms  ue{ue:<3} {:<17} round trip {:.1} ms",
                    ms(*at),
                    "first ping",
                    ms(*rtt)
                ));
                if let Some(paste) = self.paste.take() {
                    self.line(&format!("online; Ctrl-C ends it; to paste:\n    {paste}"));
                }
            }
            Progress::TunReady { ue, name, addresses } => {
                let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                self.line(&format!(
                    "ue{ue}: interface {name} has {}; `curl --interface {name}` and `ping -I {name}` use it",
                    list.join(", ")
                ));
            }
            Progress::ProxyReady { address, password } => self.proxy(address, *password),
            Progress::Live(line) => {
                let text = format!("{:>8.1} s  {line}  speed {speed:.2} x real time", line.at.as_secs_f64());
                if self.terminal {
                    let _ = write!(self.out, "\r\x1b[2K{text}");
                    let _ = self.out.flush();
                    self.live = true;
                } else {
                    self.line(&text);
                }
            }
            Progress::Note(note) if self.level >= WARN => self.line(&format!("note: {note}")),
            Progress::Failure(failure) if self.level > 0 => self.line(&format!("failure: {failure}")),
            Progress::Note(_) | Progress::Failure(_) => {}
        }
    }

    fn proxy(&mut self, address: &std::net::SocketAddr, password: bool) {
        // With several terminals the user name chooses one; a password needs a user name too.
        let user = match (self.n_ues > 1, password) {
            (true, true) => "ue1:PASSWORD@",
            (false, true) => "ue:PASSWORD@",
            (true, false) => "ue1@",
            (false, false) => "",
        };
        self.line(&format!("SOCKS5 and HTTP proxy on {address}"));
        self.paste = Some(format!("curl -x socks5h://{user}{address} http://ironcell.test/"));
    }
}
