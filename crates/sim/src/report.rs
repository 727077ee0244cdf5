//! What a run says of itself: steps as they happen, a line each second, and the report at the end.
//!
//! The world fills a [`Report`] and pushes [`Progress`]; the app prints both. Times are air time since the first sample.
//! JSON keys are the fields' names; what was not measured is null, never zero.

use core::fmt;

use nr::Tc;
use obs::metrics::Durations;
use serde::{Deserialize, Serialize};

/// The steps of a terminal, in their order; JSON names are in kebab case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// PSS and SSS found on the raster. Spec: TS 38.213 §4.1
    CellSearch,
    /// PBCH decoded. Spec: TS 38.331 §5.2.2.3.1
    Mib,
    /// SIB1 decoded, the cell is suitable. Spec: TS 38.331 §5.2.2.4.2
    Sib1,
    /// Contention resolved. Spec: TS 38.321 §5.1.5
    RandomAccess,
    /// RRCSetupComplete sent. Spec: TS 38.331 §5.3.3
    RrcSetup,
    /// Registration accepted. Spec: TS 24.501 §5.5.1.2
    Registration,
    /// 5G-AKA done. Spec: TS 24.501 §5.4.1.3
    Authentication,
    /// NAS security mode complete. Spec: TS 24.501 §5.4.2
    SecurityMode,
    /// PDU session established with its addresses. Spec: TS 24.501 §6.4.1
    Session,
    /// First ping, then the transfers.
    Traffic,
    /// Deregistered. Spec: TS 24.501 §5.5.2.2
    Deregistration,
}

impl Step {
    /// All steps in their order.
    pub const ALL: [Step; 11] = [
        Step::CellSearch,
        Step::Mib,
        Step::Sib1,
        Step::RandomAccess,
        Step::RrcSetup,
        Step::Registration,
        Step::Authentication,
        Step::SecurityMode,
        Step::Session,
        Step::Traffic,
        Step::Deregistration,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Step::CellSearch => "cell-search",
            Step::Mib => "mib",
            Step::Sib1 => "sib1",
            Step::RandomAccess => "random-access",
            Step::RrcSetup => "rrc-setup",
            Step::Registration => "registration",
            Step::Authentication => "authentication",
            Step::SecurityMode => "security-mode",
            Step::Session => "session",
            Step::Traffic => "traffic",
            Step::Deregistration => "deregistration",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a run gave. Keys as in the README.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Everything that was asked for worked.
    pub ok: bool,
    /// What the run can be repeated with.
    pub seed: u64,
    /// Preset's name.
    pub preset: String,
    /// Air time that passed, seconds.
    pub air_seconds: f64,
    /// Wall time that passed, seconds.
    pub wall_seconds: f64,
    /// Air over wall time.
    pub realtime_factor: f64,
    /// Over every encoded message and every slot's samples, 16 hexadecimal digits.
    pub event_hash: String,
    /// The cells that were on the air.
    pub cells: Vec<CellReport>,
    /// What the seed drew for the channel.
    pub channel: ChannelReport,
    /// The terminals.
    pub ues: Vec<UeReport>,
    /// What the air did to transport blocks, all terminals together.
    pub radio: Radio,
    /// Time that the physical layers took.
    pub l1: L1Report,
    /// The first failure, if any.
    pub failure: Option<Failure>,
    /// Anything a person should know (null algorithms, lateness, refused hosts).
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A cell.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CellReport {
    /// Physical cell identity.
    pub pci: u16,
    /// NR operating band.
    pub band: u16,
    /// NR-ARFCN of the downlink carrier's centre.
    pub arfcn: u32,
    /// Channel bandwidth, MHz.
    pub bandwidth_mhz: u16,
    /// Subcarrier spacing, kHz.
    pub scs_khz: u32,
    /// "tdd" or "fdd".
    pub duplex: String,
}

/// The channel as it was drawn.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ChannelReport {
    /// Delay profile: awgn, tdl-a, tdl-b or tdl-c.
    pub profile: String,
    /// The gNB's oscillator error, ppm.
    pub gnb_ppm: f64,
    /// One link for each terminal.
    pub links: Vec<LinkReport>,
}

/// One terminal's link.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LinkReport {
    /// The terminal, from 1.
    pub ue: u32,
    /// Es/N0 of a resource element, dB.
    pub snr_db: f64,
    /// Path loss, dB.
    pub path_loss_db: f64,
    /// One-way delay, microseconds.
    pub delay_us: f64,
    /// The terminal's oscillator error, ppm.
    pub ppm: f64,
    /// Phase of the path, turns.
    pub phase_turns: f64,
    /// When the terminal was switched on, milliseconds after the cell's first sample.
    pub start_ms: f64,
    /// RMS delay spread, ns; 0 without fading.
    pub delay_spread_ns: f64,
    /// Greatest Doppler shift, Hz; 0 without fading.
    pub doppler_hz: f64,
}

/// A terminal.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct UeReport {
    /// Its number, from 1.
    pub ue: u32,
    /// imsi-...
    pub supi: String,
    /// As it was sent: suci-0-mcc-mnc-routing-scheme-key-output.
    pub suci: Option<String>,
    /// 5G-GUTI as 20 hexadecimal digits.
    pub guti: Option<String>,
    /// It was registered.
    pub registered: bool,
    /// Address of its session.
    pub ipv4: Option<String>,
    /// Address of its session, by router advertisement.
    pub ipv6: Option<String>,
    /// Its search.
    pub cell_search: Option<CellSearch>,
    /// What was reached, in order.
    pub steps: Vec<StepReport>,
    /// First PSS to session, ms.
    pub attach_ms: Option<f64>,
    /// Its pings.
    pub ping: Ping,
    /// Its transfers.
    pub http: Http,
}

/// What the search found, against what is true.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CellSearch {
    /// The cell found.
    pub pci: u16,
    /// Air time from switching on to the MIB, ms.
    pub scan_ms: f64,
    /// Frequency offset found, less the true one, Hz.
    pub cfo_hz_error: Option<f64>,
    /// Frame start found, less the true one, ns.
    pub timing_error_ns: Option<f64>,
    /// SNR of the block, dB.
    pub snr_db: Option<f64>,
}

/// A step that was reached.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StepReport {
    /// Which.
    pub name: Step,
    /// When, ms of air time since the run's first sample.
    pub at_ms: f64,
}

/// Pings to the gateway.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Ping {
    /// Sent.
    pub sent: u32,
    /// Answered.
    pub received: u32,
    /// Median of the round trips, ms.
    pub rtt_ms_p50: Option<f64>,
}

/// Transfers over TCP, checked at the far end.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Http {
    /// Bytes received.
    pub down_bytes: u64,
    /// Mb/s of payload.
    pub down_mbps: Option<f64>,
    /// The digest at the terminal is that of what was sent.
    pub down_sha256_ok: Option<bool>,
    /// Bytes sent.
    pub up_bytes: u64,
    /// Mb/s of payload.
    pub up_mbps: Option<f64>,
    /// The digest at the server is that of what was sent.
    pub up_sha256_ok: Option<bool>,
}

/// Both ways of the air.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Radio {
    /// Downlink.
    pub dl: RadioWay,
    /// Uplink.
    pub ul: RadioWay,
}

/// One way of the air.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RadioWay {
    /// First transmissions.
    pub transport_blocks: u64,
    /// Transmissions whose CRC failed.
    pub crc_errors: u64,
    /// Transmissions after the first of a block.
    pub retransmissions: u64,
    /// Blocks given up.
    pub residual_errors: u64,
    /// First transmissions that failed, of all.
    pub first_bler: f64,
    /// Mean MCS index of first transmissions.
    pub mcs_mean: f64,
    /// Mean layers of first transmissions.
    #[serde(default)]
    pub layers_mean: f64,
}

/// Time of the physical layers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct L1Report {
    /// Length of a slot, microseconds: what each end may take.
    pub budget_us: f64,
    /// The gNB.
    pub gnb: SlotTimes,
    /// A terminal.
    pub ue: SlotTimes,
}

/// Microseconds a slot.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SlotTimes {
    /// Median.
    pub p50: f64,
    /// 99 % lie below.
    pub p99: f64,
    /// Longest.
    pub max: f64,
}

impl From<&Durations> for SlotTimes {
    fn from(d: &Durations) -> Self {
        SlotTimes { p50: d.percentile_us(0.5), p99: d.percentile_us(0.99), max: d.max_us() }
    }
}

/// What went wrong first.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// The terminal, from 1; null if none is concerned.
    pub ue: Option<u32>,
    /// The step that was not reached.
    pub step: Option<Step>,
    /// Why, in the specification's words where it has some.
    pub cause: String,
    /// Where the specification says so, as in "TS 24.501 §5.4.1.3.7".
    pub clause: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ue) = self.ue {
            write!(f, "ue{ue}")?;
        }
        if let Some(step) = self.step {
            write!(f, "{}{step}", if self.ue.is_some() { ", " } else { "" })?;
        }
        let colon = if self.ue.is_some() || self.step.is_some() { ": " } else { "" };
        write!(f, "{colon}{}", self.cause)?;
        if self.clause.is_empty() { Ok(()) } else { write!(f, " ({})", self.clause) }
    }
}

impl Report {
    /// A report with `n_ues` terminals, numbered from 1.
    pub fn new(seed: u64, preset: &str, n_ues: u32) -> Report {
        let ues = (1..=n_ues).map(|ue| UeReport { ue, ..UeReport::default() }).collect();
        Report { seed, preset: preset.to_owned(), ues, ..Report::default() }
    }

    /// Terminal number `ue`, from 1.
    pub fn ue(&mut self, ue: u32) -> Option<&mut UeReport> {
        self.ues.get_mut((ue as usize).checked_sub(1)?)
    }

    /// Notes the first failure; later ones are kept as notes.
    pub fn fail(&mut self, failure: Failure) {
        match &self.failure {
            None => self.failure = Some(failure),
            Some(_) if self.notes.len() < 64 => self.notes.push(failure.to_string()),
            Some(_) => {}
        }
    }

    /// Adds a note, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if self.notes.len() < 64 && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Settles `ok` and the factors that follow from the times.
    pub fn finish(&mut self, air: Tc, wall_seconds: f64) {
        self.air_seconds = air.as_secs_f64();
        self.wall_seconds = wall_seconds;
        self.realtime_factor = if wall_seconds > 0.0 { self.air_seconds / wall_seconds } else { 0.0 };
        self.ok = self.failure.is_none();
    }
}

impl UeReport {
    /// A step was reached at `at`; again does nothing.
    pub fn step(&mut self, name: Step, at: Tc) {
        if !self.reached(name) {
            self.steps.push(StepReport { name, at_ms: ms(at) });
        }
    }

    /// The step was reached.
    pub fn reached(&self, name: Step) -> bool {
        self.steps.iter().any(|s| s.name == name)
    }

    /// The first of `wanted` that was not reached: where a terminal that gave up stands.
    pub fn missing(&self, wanted: &[Step]) -> Option<Step> {
        wanted.iter().copied().find(|s| !self.reached(*s))
    }
}

impl RadioWay {
    /// Settles `first_bler`, `mcs_mean` and `layers_mean` from counts: first transmissions that failed, sums of MCS indices and of layers.
    pub fn finish(&mut self, first_errors: u64, mcs_sum: u64, layers_sum: u64) {
        let n = self.transport_blocks.max(1) as f64;
        self.first_bler = first_errors as f64 / n;
        self.mcs_mean = mcs_sum as f64 / n;
        self.layers_mean = layers_sum as f64 / n;
    }
}

/// Milliseconds with microseconds as fraction.
pub fn ms(at: Tc) -> f64 {
    at.as_us() as f64 / 1000.0
}

/// What happens, as it happens.
#[derive(Clone, PartialEq, Debug)]
pub enum Progress {
    /// A cell transmits.
    CellOnAir {
        /// Which.
        cell: CellReport,
        /// Since when.
        at: Tc,
    },
    /// A terminal reached a step.
    Step {
        /// The terminal, from 1.
        ue: u32,
        /// Which step.
        name: Step,
        /// When.
        at: Tc,
        /// What a person wants to know of it: "PCI 500, offset +812 Hz, SNR 19.7 dB".
        detail: String,
    },
    /// The first ping came back.
    FirstPing {
        /// The terminal, from 1.
        ue: u32,
        /// When.
        at: Tc,
        /// Its round trip.
        rtt: Tc,
    },
    /// The proxies listen.
    ProxyReady {
        /// Where.
        address: std::net::SocketAddr,
        /// It asks for a password.
        password: bool,
    },
    /// A terminal's session is an interface of the operating system.
    TunReady {
        /// The terminal, from 1.
        ue: u32,
        /// The interface.
        name: String,
        /// Its addresses.
        addresses: Vec<std::net::IpAddr>,
    },
    /// The last second.
    Live(LiveLine),
    /// A detail, for who asked for it.
    Log {
        /// When.
        at: Tc,
        /// What.
        line: obs::log::Line,
    },
    /// Anything else a person should know.
    Note(String),
    /// Something failed.
    Failure(Failure),
}

/// The last second of air time, all terminals together.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct LiveLine {
    /// When.
    pub at: Tc,
    /// User data, Mb/s.
    pub down_mbps: f64,
    /// User data, Mb/s.
    pub up_mbps: f64,
    /// Mean MCS index; `None` if nothing was sent.
    pub dl_mcs: Option<f64>,
    /// Mean MCS index.
    pub ul_mcs: Option<f64>,
    /// Error rate of first transmissions, 0..=1.
    pub dl_bler: f64,
    /// Error rate of first transmissions, 0..=1.
    pub ul_bler: f64,
    /// Retransmissions.
    pub dl_retx: u64,
    /// Retransmissions.
    pub ul_retx: u64,
    /// SNR at the terminal, dB; the first terminal's.
    pub dl_snr_db: Option<f64>,
    /// SNR at the gNB, dB; the first terminal's.
    pub ul_snr_db: Option<f64>,
    /// Mean L1 time of the gNB a slot, microseconds.
    pub gnb_l1_us: f64,
    /// Mean L1 time of one terminal a slot, microseconds.
    pub ue_l1_us: f64,
    /// Length of a slot, microseconds.
    pub budget_us: f64,
}

impl fmt::Display for LiveLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_dash = |v: Option<f64>, digits: usize| match v {
            Some(v) => format!("{v:.digits$}"),
            None => "-".to_owned(),
        };
        write!(
            f,
            "down {:6.2} Mb/s  up {:6.2} Mb/s  MCS {}/{}  BLER {:.1}/{:.1} %  retx {}/{}  SNR {}/{} dB  L1 {:.0}+{:.0} of {:.0} us",
            self.down_mbps,
            self.up_mbps,
            or_dash(self.dl_mcs, 0),
            or_dash(self.ul_mcs, 0),
            100.0 * self.dl_bler,
            100.0 * self.ul_bler,
            self.dl_retx,
            self.ul_retx,
            or_dash(self.dl_snr_db, 1),
            or_dash(self.ul_snr_db, 1),
            self.gnb_l1_us,
            self.ue_l1_us,
            self.budget_us
        )
    }
}

impl fmt::Display for Report {
    /// The human form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "report: seed {}, {}, {:.3} s on the air in {:.3} s ({:.2} x real time), event hash {}",
            self.seed, self.preset, self.air_seconds, self.wall_seconds, self.realtime_factor, self.event_hash
        )?;
        for c in &self.cells {
            writeln!(
                f,
                "  cell    PCI {}, n{}, ARFCN {}, {} MHz, {} kHz, {}",
                c.pci, c.band, c.arfcn, c.bandwidth_mhz, c.scs_khz, c.duplex
            )?;
        }
        for ue in &self.ues {
            ue.print(f)?;
        }
        for (name, way) in [("down", &self.radio.dl), ("up", &self.radio.ul)] {
            writeln!(
                f,
                "  radio   {name}: {} blocks, {:.1} % failed at first, {} retransmissions, {} lost, MCS {:.1}{}",
                way.transport_blocks,
                100.0 * way.first_bler,
                way.retransmissions,
                way.residual_errors,
                way.mcs_mean,
                if way.layers_mean > 1.0 { format!(", {:.2} layers", way.layers_mean) } else { String::new() }
            )?;
        }
        let t = |t: &SlotTimes| format!("{:.0}/{:.0}/{:.0}", t.p50, t.p99, t.max);
        writeln!(
            f,
            "  l1      gNB {} us, UE {} us a slot of {:.0} us (p50/p99/max)",
            t(&self.l1.gnb),
            t(&self.l1.ue),
            self.l1.budget_us
        )?;
        for note in &self.notes {
            writeln!(f, "  note    {note}")?;
        }
        match &self.failure {
            None if self.ok => write!(f, "ok"),
            None => write!(f, "not ok"),
            Some(failure) => write!(f, "failed: {failure}"),
        }
    }
}

impl UeReport {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  ue{}     {}", self.ue, self.supi)?;
        write!(f, ", {}", if self.registered { "registered" } else { "not registered" })?;
        for address in [&self.ipv4, &self.ipv6].into_iter().flatten() {
            write!(f, ", {address}")?;
        }
        if let Some(ms) = self.attach_ms {
            write!(f, ", attached in {ms:.1} ms")?;
        }
        if self.ping.sent > 0 {
            write!(f, ", ping {}/{}", self.ping.received, self.ping.sent)?;
            if let Some(rtt) = self.ping.rtt_ms_p50 {
                write!(f, " ({rtt:.1} ms)")?;
            }
        }
        let ok = |ok: Option<bool>| match ok {
            Some(true) => "checked",
            Some(false) => "BROKEN",
            None => "unchecked",
        };
        if let Some(mbps) = self.http.down_mbps {
            write!(f, ", down {mbps:.2} Mb/s {}", ok(self.http.down_sha256_ok))?;
        }
        if let Some(mbps) = self.http.up_mbps {
            write!(f, ", up {mbps:.2} Mb/s {}", ok(self.http.up_sha256_ok))?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell issue §4
    fn json_has_the_keys_of_the_contract() {
        let mut r = Report::new(7, "n78-20", 1);
        r.cells.push(CellReport::default());
        let ue = r.ue(1).unwrap();
        ue.cell_search = Some(CellSearch::default());
        ue.step(Step::CellSearch, Tc::from_us(1500));
        ue.step(Step::CellSearch, Tc::from_us(2500));
        r.fail(Failure {
            ue: Some(1),
            step: Some(Step::RrcSetup),
            cause: "T300".into(),
            clause: "TS 38.331 §5.3.3.7".into(),
        });
        r.finish(Tc::from_ms(500), 0.25);
        let v = serde_json::to_value(&r).unwrap();
        let has = |v: &serde_json::Value, keys: &str| {
            for key in keys.split(' ') {
                assert!(v.get(key).is_some(), "{key}");
            }
        };
        has(
            &v,
            "ok seed preset air_seconds wall_seconds realtime_factor event_hash cells channel ues radio l1 failure",
        );
        has(&v["cells"][0], "pci band arfcn bandwidth_mhz scs_khz duplex");
        has(&v["ues"][0], "supi suci guti registered ipv4 ipv6 cell_search steps attach_ms ping http");
        has(&v["ues"][0]["cell_search"], "pci scan_ms cfo_hz_error timing_error_ns");
        has(&v["ues"][0]["ping"], "sent received rtt_ms_p50");
        has(&v["ues"][0]["http"], "down_bytes down_mbps down_sha256_ok up_bytes up_mbps up_sha256_ok");
        for way in ["dl", "ul"] {
            has(
                &v["radio"][way],
                "transport_blocks crc_errors retransmissions residual_errors first_bler mcs_mean layers_mean",
            );
        }
        for end in ["gnb", "ue"] {
            has(&v["l1"][end], "p50 p99 max");
        }
        has(&v["failure"], "ue step cause clause");
        assert_eq!(v["ok"], false);
        assert_eq!(v["realtime_factor"], 2.0);
        assert_eq!(v["failure"]["step"], "rrc-setup");
        assert_eq!(v["ues"][0]["steps"], serde_json::json!([{"name": "cell-search", "at_ms": 1.5}]));
        assert_eq!(serde_json::from_value::<Report>(v).unwrap(), r);
    }

    #[test] // Spec: ironcell issue §4 (step names)
    fn step_names_are_those_of_the_contract() {
        for s in Step::ALL {
            assert_eq!(serde_json::to_value(s).unwrap(), s.name());
        }
        assert!(Step::ALL.is_sorted());
    }

    #[test] // Spec: ironcell issue §1 (the report says which step of which UE, the cause, and the clause)
    fn the_human_form_names_the_failure() {
        let mut r = Report::new(7, "n78-20", 2);
        let failure =
            Failure { ue: Some(2), step: Some(Step::Mib), cause: "no cell".into(), clause: "TS 38.304".into() };
        r.fail(failure.clone());
        r.fail(Failure { ue: Some(1), ..failure });
        r.finish(Tc::from_ms(1), 1.0);
        let text = r.to_string();
        assert!(text.ends_with("failed: ue2, mib: no cell (TS 38.304)"), "{text}");
        assert!(text.contains("note    ue1, mib"), "{text}");
    }
}
