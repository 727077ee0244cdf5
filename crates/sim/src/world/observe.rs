//! From events to steps, live lines and the report.

use super::World;
use super::setup::PageFacts;
use super::terminal::Terminal;
use crate::report::{Failure, LiveLine, Progress, RadioWay, SlotTimes, Step, ms};
use cn::CoreEvent;
use gnb::Gnb;
use gnb_cu::CuEvent;
use gnb_du::Metrics;
use nr::{Numerology, Tc};
use obs::log::{Level, Line};
use obs::metrics::Durations;
use std::net::IpAddr;
use ue_cp::CpEvent;

/// What the live line remembers of the last second.
pub struct LiveState {
    facts: PageFacts,
    next: Tc,
    down: u64,
    up: u64,
    ways: Metrics,
    gnb_us: (f64, u64),
    ue_us: (f64, u64),
}

impl LiveState {
    pub fn new(facts: PageFacts) -> Self {
        Self {
            facts,
            next: Tc::from_ms(1000),
            down: 0,
            up: 0,
            ways: Metrics::default(),
            gnb_us: (0.0, 0),
            ue_us: (0.0, 0),
        }
    }
    pub fn line(
        &mut self,
        now: Tc,
        terminals: &[Terminal],
        gnb: &Gnb,
        gnb_times: &Durations,
        numerology: Numerology,
    ) -> LiveLine {
        let (down, up) = terminals.iter().fold((0, 0), |(d, u), t| (d + t.down_bytes, u + t.up_bytes));
        let ways = gnb.du().totals();
        let ue = terminals.iter().fold((0.0, 0), |(s, n), t| (s + t.times.sum_us(), n + t.times.count()));
        let all = (gnb_times.sum_us(), gnb_times.count());
        let mean = |a: (f64, u64), b: (f64, u64)| (a.0 - b.0) / (a.1 - b.1).max(1) as f64;
        let mbps = |n: u64, last: u64| (n - last) as f64 * 8e-6;
        let rate = |a: &sched::DirectionStats, b: &sched::DirectionStats| {
            let n = a.transport_blocks - b.transport_blocks;
            let mcs = (n > 0).then(|| (a.mcs_sum - b.mcs_sum) as f64 / n as f64);
            let bler = (a.first_errors - b.first_errors) as f64 / n.max(1) as f64;
            (mcs, bler, a.retransmissions - b.retransmissions)
        };
        let (dl_mcs, dl_bler, dl_retx) = rate(&ways.dl, &self.ways.dl);
        let (ul_mcs, ul_bler, ul_retx) = rate(&ways.ul, &self.ways.ul);
        let line = LiveLine {
            at: now,
            down_mbps: mbps(down, self.down),
            up_mbps: mbps(up, self.up),
            dl_mcs,
            ul_mcs,
            dl_bler,
            ul_bler,
            dl_retx,
            ul_retx,
            dl_snr_db: terminals.first().and_then(|t| t.snr_db).map(f64::from),
            ul_snr_db: gnb.du().all_metrics().next().map(|m| f64::from(m.ul_snr_db)),
            gnb_l1_us: mean(all, self.gnb_us),
            ue_l1_us: mean(ue, self.ue_us),
            budget_us: numerology.slot_tc().as_secs_f64() * 1e6,
        };
        (self.down, self.up, self.ways, self.gnb_us, self.ue_us) = (down, up, ways, all, ue);
        self.tell_page(&line, terminals);
        line
    }
    /// What the page about a connection shows.
    fn tell_page(&self, line: &LiveLine, terminals: &[Terminal]) {
        let Ok(mut facts) = self.facts.lock() else { return };
        facts.clear();
        for t in terminals {
            let addresses = t.ipv4.map(IpAddr::V4).into_iter().chain(t.ipv6.map(IpAddr::V6));
            let cp = t.ue().cp();
            let pci = cp.cell().map_or(0, |c| c.pci.get());
            let json = format!(
                "{{\"ue\":{},\"supi\":\"{}\",\"pci\":{pci},\"air_seconds\":{:.1},\"down_mbps\":{:.2},\"up_mbps\":{:.2},\"dl_mcs\":{:.0},\"ul_mcs\":{:.0},\"dl_bler\":{:.3},\"ul_bler\":{:.3}}}",
                t.number,
                cp.nas().usim().supi,
                line.at.as_secs_f64(),
                line.down_mbps,
                line.up_mbps,
                line.dl_mcs.unwrap_or(0.0),
                line.ul_mcs.unwrap_or(0.0),
                line.dl_bler,
                line.ul_bler,
            );
            facts.extend(addresses.map(|a| (a, json.clone())));
        }
    }
}

/// The page that the data network serves about a connection.
pub fn html(ip: IpAddr, json: &str) -> String {
    let rows: String = json
        .trim_matches(['{', '}'])
        .split(',')
        .filter_map(|kv| kv.split_once(':'))
        .map(|(k, v)| format!("<tr><th>{}</th><td>{}</td></tr>", k.trim_matches('"'), v.trim_matches('"')))
        .collect();
    format!(
        "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2><title>ironcell</title>\
<style>body{{font:16px/1.5 system-ui;margin:3em auto;max-width:40em;padding:0 1em}}th{{text-align:left;padding-right:2em;font-weight:normal;color:#666}}</style>\
<h1>You are online over 5G</h1><p>This page was asked for by <b>{ip}</b>. Request and answer crossed a 5G standalone radio link: TCP/IP, SDAP, \
PDCP, RLC, MAC, LDPC, OFDM samples, and back up through GTP-U and the UPF to this server in the data network.</p>\
<table>{rows}</table><p>Try <a href=/download?bytes=1000000>a download</a>.</p>\n"
    )
}

impl World {
    pub(super) fn gnb_event(&mut self, now: Tc, e: CuEvent) {
        self.log_event(now, "gnb", 0, &e);
        match e {
            CuEvent::NgSetupFailed(cause) => {
                let cause = format!("the AMF refused the base station: {cause}");
                self.report.fail(Failure { ue: None, step: None, cause, clause: "TS 38.413 §8.7.1.3".into() });
            }
            CuEvent::PeerError(what) => self.progress.push(Progress::Note(format!("gNB: {what}"))),
            _ => {}
        }
    }
    pub(super) fn core_event(&mut self, now: Tc, e: CoreEvent) {
        // Keys are for a key log alone.
        if !matches!(e, CoreEvent::NasKeys { .. }) {
            self.log_event(now, "core", 0, &e);
        }
        match e {
            CoreEvent::ProtocolError { interface, what } => {
                self.progress.push(Progress::Note(format!("core, {interface}: {what}")));
            }
            CoreEvent::GnbRefused { cause, .. } => {
                self.progress.push(Progress::Note(format!("core: the base station is refused: {cause}")));
            }
            _ => {}
        }
    }
    /// An event of a node, in the log from level debug on.
    fn log_event(&mut self, at: Tc, layer: &'static str, ue: u32, event: &dyn core::fmt::Debug) {
        if self.log.of(layer) < Level::Debug {
            return;
        }
        let mut text = format!("{event:?}");
        if let Some(i) = text.find(", bytes: [") {
            text.truncate(i);
            text.push_str(" }");
        }
        let who = if ue > 0 { format!("ue{ue:<3}") } else { " ".repeat(5) };
        let line = Line { layer, level: Level::Debug, text: format!("{who} {layer:<5} {text}") };
        self.progress.push(Progress::Log { at, line });
    }
    /// Blocks that failed in this slot, and blocks that were given up after their last transmission.
    fn log_blocks(&mut self, at: Tc) {
        if self.log.of("mac") < Level::Debug {
            return;
        }
        let totals = self.net.gnb.du().totals();
        for (i, (way, w)) in [("DL", &totals.dl), ("UL", &totals.ul)].into_iter().enumerate() {
            let (errors, lost) = std::mem::replace(&mut self.lost[i], (w.crc_errors, w.residual_errors));
            for (level, n, what) in [
                (Level::Trace, w.crc_errors - errors, "failed: HARQ sends it again"),
                (Level::Debug, w.residual_errors - lost, "lost: the HARQ process gives it up"),
            ] {
                if n > 0 && self.log.of("mac") >= level {
                    let text = format!("      mac   {way} {n} transport block(s) {what}");
                    self.progress.push(Progress::Log { at, line: Line { layer: "mac", level, text } });
                }
            }
        }
    }
    /// Turns the terminals' events into steps.
    pub(super) fn observe(&mut self, now: Tc) {
        for i in 0..self.terminals.len() {
            let ue = self.terminals[i].number;
            for (at, e) in std::mem::take(&mut self.terminals[i].events) {
                self.log_event(at, "ue", ue, &e);
                self.step_of(ue, at, &e);
            }
            if self.keep_taps {
                self.taps.append(&mut self.terminals[i].taps);
            }
            self.traffic_steps(i, now);
            self.patience(i, now);
            while let Some(note) = self.terminals[i].tun_mut().and_then(|t| t.note()) {
                self.progress.push(Progress::Note(note));
            }
        }
        self.log_blocks(now);
        if now >= self.live.next_line() {
            self.live.step_on();
            let line = self.live_line(now);
            self.progress.push(Progress::Live(line));
        }
    }
    fn reach(&mut self, ue: u32, name: Step, at: Tc, detail: String) {
        let Some(r) = self.report.ue(ue) else { return };
        let again = r.reached(name);
        r.step(name, at);
        if !again {
            self.progress.push(Progress::Step { ue, name, at, detail });
        }
    }
    fn step_of(&mut self, ue: u32, at: Tc, e: &CpEvent) {
        match e {
            CpEvent::CellFound { pci, ssb_hz, cfo_hz, snr_db, .. } => {
                let detail =
                    format!("PCI {pci} at {:.2} MHz, offset {cfo_hz:+.0} Hz, SNR {snr_db:.1} dB", ssb_hz * 1e-6);
                self.reach(ue, Step::CellSearch, at, detail);
            }
            CpEvent::Mib { sfn } => self.reach(ue, Step::Mib, at, format!("SFN {sfn} and on")),
            CpEvent::Sib1 { plmn, tac, cell_id, .. } => {
                self.reach(ue, Step::Sib1, at, format!("PLMN {plmn}, TAC {tac}, cell {cell_id:#x}"));
            }
            CpEvent::RandomAccess { c_rnti, preambles } => {
                self.reach(ue, Step::RandomAccess, at, format!("C-RNTI {c_rnti:#06x}, {preambles} preamble(s)"));
            }
            CpEvent::RrcConnected => self.reach(ue, Step::RrcSetup, at, "connected".into()),
            CpEvent::RegistrationStarted { suci } => {
                if let (Some(r), Some(s)) = (self.report.ue(ue), suci) {
                    r.suci = Some(s.clone());
                }
            }
            CpEvent::Authenticated => self.reach(ue, Step::Authentication, at, "5G-AKA".into()),
            CpEvent::Resynchronising => {
                self.progress.push(Progress::Note(format!("ue{ue}: SQN out of range, resynchronising")))
            }
            CpEvent::NasSecurity { nea, nia } => {
                self.reach(ue, Step::SecurityMode, at, format!("NAS: NEA{nea}, NIA{nia}"));
            }
            CpEvent::AsSecurity { nea, nia } => {
                self.progress.push(Progress::Note(format!("ue{ue}: RRC and user data under NEA{nea}, NIA{nia}")));
            }
            CpEvent::Registered { guti } => {
                if let Some(r) = self.report.ue(ue) {
                    r.registered = true;
                    r.guti = guti.clone();
                }
                self.reach(ue, Step::Registration, at, guti.clone().unwrap_or_default());
            }
            CpEvent::Deregistered => {
                self.reach(ue, Step::Deregistration, at, "switched off".into());
            }
            CpEvent::Failed { step, cause, clause, retry } => {
                let again = if *retry { " (trying again)" } else { "" };
                self.progress.push(Progress::Note(format!("ue{ue}, {step}: {cause} ({clause}){again}")));
            }
            CpEvent::RadioLinkFailure { cause } => {
                self.progress.push(Progress::Note(format!("ue{ue}: radio link failure: {cause}")));
            }
            CpEvent::Reestablished => self.progress.push(Progress::Note(format!("ue{ue}: re-established"))),
            CpEvent::Released => self.progress.push(Progress::Note(format!("ue{ue}: connection released"))),
            CpEvent::ServiceRequested { paged } => {
                let why = if *paged { "called" } else { "has something to send" };
                self.progress.push(Progress::Note(format!("ue{ue}: {why}, asks for its connection")));
            }
            CpEvent::ServiceAccepted => self.progress.push(Progress::Note(format!("ue{ue}: connected again"))),
            CpEvent::SessionUp(_) | CpEvent::SessionDown { .. } => {}
        }
    }
    /// Session, first ping and transfers: what the user sees.
    fn traffic_steps(&mut self, i: usize, now: Tc) {
        let t = &self.terminals[i];
        let ue = t.number;
        let (v4, v6) = (t.ipv4, t.ipv6);
        let wanted6 = t.ue().sessions().first().is_some_and(|s| s.interface_id.is_some());
        let up = !t.ue().sessions().is_empty() && (v4.is_some() || v6.is_some()) && (!wanted6 || v6.is_some());
        let first = t.first_cell;
        let ping = t.client().first_ping;
        let failed = t.client().failure.clone();
        let done = t.client().is_done() && failed.is_none() && t.failure.is_none();
        if let Some(r) = self.report.ue(ue) {
            r.ipv4 = v4.map(|a| a.to_string());
            r.ipv6 = v6.map(|a| a.to_string());
        }
        let unreached = |w: &mut World, s: Step| w.report.ue(ue).is_some_and(|r| !r.reached(s));
        if up && unreached(self, Step::Session) {
            if let (Some(r), Some(first)) = (self.report.ue(ue), first) {
                r.attach_ms = Some(ms(now - first));
            }
            let list: Vec<String> = v4.map(|a| a.to_string()).into_iter().chain(v6.map(|a| a.to_string())).collect();
            self.reach(ue, Step::Session, now, list.join(", "));
            if let Some(tun) = self.terminals[i].tun_mut() {
                let addresses = v4.map(IpAddr::V4).into_iter().chain(v6.map(IpAddr::V6)).collect();
                self.progress.push(Progress::TunReady { ue, name: tun.name().to_owned(), addresses });
            }
        }
        if let Some((at, rtt)) = ping {
            if !std::mem::replace(&mut self.terminals[i].told_ping, true) {
                self.progress.push(Progress::FirstPing { ue, at, rtt });
            }
            if unreached(self, Step::Traffic) && (!self.scenario.run.once || done) {
                let rtt = rtt.as_us() as f64 / 1000.0;
                self.reach(ue, Step::Traffic, now, format!("ping {rtt:.1} ms"));
            }
        }
        if let Some(cause) = failed {
            self.fail_once(Failure { ue: Some(ue), step: Some(Step::Traffic), cause, clause: String::new() });
        }
        if let Some(f) = self.terminals[i].failure.clone() {
            self.fail_once(f);
        }
    }
    fn fail_once(&mut self, f: Failure) {
        let known = self.report.failure.as_ref() == Some(&f) || self.report.notes.contains(&f.to_string());
        if !known {
            self.progress.push(Progress::Failure(f.clone()));
            self.report.fail(f);
        }
    }
    /// A terminal that takes too long has failed at the first step that it has not reached.
    fn patience(&mut self, i: usize, now: Tc) {
        let limit = self.scenario.run.attach_seconds_max;
        let Some(on) = self.terminals[i].switched_on else { return };
        if !self.scenario.run.once || limit == 0.0 || (now - on).as_secs_f64() < limit {
            return;
        }
        let ue = self.terminals[i].number;
        if self.report.ue(ue).is_some_and(|r| r.reached(Step::Session)) || self.terminals[i].failure.is_some() {
            return;
        }
        self.late(i, format!("not there within {limit} s of air time"));
    }
    fn late(&mut self, i: usize, cause: String) {
        let ue = self.terminals[i].number;
        const WANTED: [Step; 10] = [
            Step::CellSearch,
            Step::Mib,
            Step::Sib1,
            Step::RandomAccess,
            Step::RrcSetup,
            Step::Authentication,
            Step::SecurityMode,
            Step::Registration,
            Step::Session,
            Step::Traffic,
        ];
        let step = self.report.ue(ue).and_then(|r| r.missing(&WANTED));
        self.terminals[i].give_up(Failure { ue: Some(ue), step, cause, clause: String::new() });
    }
    /// The run has taken all the air time it may.
    pub(super) fn give_up(&mut self, now: Tc) {
        for i in 0..self.terminals.len() {
            if !self.terminals[i].client_is_done() {
                self.late(i, "the run's air time is over".into());
            }
            self.traffic_steps(i, now);
        }
    }
    pub(super) fn fill_report(&mut self) {
        let now = self.now();
        for t in &self.terminals {
            if let Some(r) = self.report.ue(t.number) {
                r.cell_search = t.search.clone();
                r.ping = t.client().ping.clone();
                r.http = t.client().http.clone();
            }
        }
        let ways = self.net.gnb.du().totals();
        self.report.radio.dl = way(&ways.dl);
        self.report.radio.ul = way(&ways.ul);
        self.report.l1.budget_us = self.slot_duration().as_secs_f64() * 1e6;
        self.report.l1.gnb = SlotTimes::from(&self.net.times);
        if let Some(t) = self.terminals.first() {
            self.report.l1.ue = SlotTimes::from(&t.times);
        }
        self.report.event_hash = self.net.hash.hex();
        self.report.finish(now, self.started.elapsed().as_secs_f64());
    }
}

impl LiveState {
    /// When the next line is due; moves on by a second each time it has come.
    fn next_line(&self) -> Tc {
        self.next
    }
    pub(super) fn step_on(&mut self) {
        self.next += Tc::from_ms(1000);
    }
}

fn way(w: &sched::DirectionStats) -> RadioWay {
    let mut r = RadioWay {
        transport_blocks: w.transport_blocks,
        crc_errors: w.crc_errors,
        retransmissions: w.retransmissions,
        residual_errors: w.residual_errors,
        ..RadioWay::default()
    };
    r.finish(w.first_errors, w.mcs_sum, w.layers_sum);
    r
}
