//! What a person reads while it runs: steps, a live line each second, notes.

use std::io::{IsTerminal, Write};

use node::Tap;
use nr::Tc;
use obs::log::{self, Filter, Level, Line};
use sim::report::{Progress, ms};

/// Where progress goes.
pub struct Printer {
    out: Box<dyn Write>,
    terminal: bool,
    /// A live line stands on the terminal's last row.
    live: bool,
    filter: Filter,
    n_ues: u32,
    /// What to paste, kept until the first ping is back.
    paste: Option<String>,
}

impl Printer {
    /// Prints on standard error, or on standard output. `filter`: what is told beside the steps.
    pub fn new(on_stderr: bool, filter: Filter, n_ues: u32) -> Printer {
        let (out, terminal): (Box<dyn Write>, bool) = if on_stderr {
            (Box::new(std::io::stderr()), std::io::stderr().is_terminal())
        } else {
            (Box::new(std::io::stdout()), std::io::stdout().is_terminal())
        };
        Printer { out, terminal, live: false, filter, n_ues, paste: None }
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
        if self.filter.base() >= Level::Info {
            self.line(&format!("info: {text}"));
        }
    }

    /// A line of the log, on standard error, if it is wanted.
    pub fn log(&mut self, at: Tc, line: &Line) {
        if !self.filter.wants(line) {
            return;
        }
        if std::mem::take(&mut self.live) {
            let _ = write!(self.out, "\r\x1b[2K");
            let _ = self.out.flush();
        }
        let _ = writeln!(std::io::stderr(), "{}: {:>10.3} ms  {}", line.level.name(), ms(at), line.text);
    }

    /// What crossed, if it is wanted.
    pub fn taps(&mut self, taps: &[Tap]) {
        if self.filter.max() >= Level::Debug {
            taps.iter().for_each(|t| self.log(t.at, &log::line(t)));
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
            Progress::Log { at, line } => self.log(*at, line),
            Progress::Note(note) if self.filter.base() >= Level::Warn => self.line(&format!("note: {note}")),
            Progress::Failure(failure) if self.filter.base() > Level::Off => self.line(&format!("failure: {failure}")),
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
