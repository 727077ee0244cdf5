//! One terminal in the world: its radio on the channel, its user's host, what is to be reported of it.

use super::client::Client;
use crate::report::{CellSearch, Failure, Step};
use air::{Downlink, Link};
use dsp::Cf32;
use io::host::{Host, HostEvent};
use io::tun::Tun;
use node::{Crew, Tap};
use nr::Tc;
use obs::metrics::Durations;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;
use ue::Ue;
use ue_cp::CpEvent;

/// Uplink bytes that may wait in the terminal before the host's sockets pause.
const UPLINK_QUEUE: usize = 400_000;
/// Searches of all rasters after which a terminal that was never attached has failed: the first looks at what stands out only.
const ROUNDS: u32 = 2;
/// Packets that wait between host and terminal.
const HOST_QUEUE: usize = 64;

/// A terminal with its user.
pub struct Terminal {
    pub number: u32,
    ue: Ue,
    host: Host,
    tun: Option<Tun>,
    /// Whose turn it is to send: the host's, or the operating system's behind the TUN.
    tun_next: bool,
    client: Client,
    samples: Vec<Cf32>,
    switch_on_at: Option<Tc>,
    pub times: Durations,
    /// What happened, for the report: network time, event.
    pub events: Vec<(Tc, CpEvent)>,
    resolved: Vec<(u32, Vec<IpAddr>)>,
    pub taps: Vec<Tap>,
    keep_taps: bool,
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    wants: (bool, bool),
    pub search: Option<CellSearch>,
    pub true_cfo_per_hz: f64,
    pub failure: Option<Failure>,
    /// Why the cell that was found is not ours.
    refused: Option<Failure>,
    /// Searches of all rasters that found nothing.
    rounds: u32,
    pub first_cell: Option<Tc>,
    pub switched_on: Option<Tc>,
    pub snr_db: Option<f32>,
    off: bool,
    pub told_ping: bool,
    pub down_bytes: u64,
    pub up_bytes: u64,
}

impl Terminal {
    pub fn new(number: u32, ue: Ue, host: Host, client: Client, start: Tc, keep_taps: bool) -> Self {
        let mut host = host;
        host.set_tx_limit(HOST_QUEUE);
        Self {
            number,
            ue,
            host,
            tun: None,
            tun_next: false,
            client,
            samples: Vec::new(),
            switch_on_at: Some(start),
            times: Durations::default(),
            events: Vec::new(),
            resolved: Vec::new(),
            taps: Vec::new(),
            keep_taps,
            ipv4: None,
            ipv6: None,
            wants: (false, false),
            search: None,
            true_cfo_per_hz: 0.0,
            failure: None,
            refused: None,
            rounds: 0,
            first_cell: None,
            switched_on: None,
            snr_db: None,
            off: false,
            told_ping: false,
            down_bytes: 0,
            up_bytes: 0,
        }
    }
    /// See [`Ue::set_crew`].
    pub fn set_crew(&mut self, crew: &Crew) {
        self.ue.set_crew(crew);
    }
    /// The session is to be an interface of the operating system as well.
    pub fn set_tun(&mut self, tun: Tun) {
        self.host.keep_apart();
        self.tun = Some(tun);
    }
    /// That interface.
    pub fn tun_mut(&mut self) -> Option<&mut Tun> {
        self.tun.as_mut()
    }
    /// Takes all samples that the channel has for it, and runs its user.
    pub fn run(&mut self, now: Tc, downlink: &Downlink, link: &mut Link) {
        if self.switch_on_at.is_some_and(|t| t <= now) {
            self.switch_on_at = None;
            self.switched_on = Some(now);
            self.ue.switch_on();
        }
        loop {
            let need = self.ue.need();
            let tuning = air::Tuning {
                rate_hz: need.tuning.rate_hz,
                dl_centre_hz: need.tuning.dl_centre_hz,
                ul_centre_hz: need.tuning.ul_centre_hz,
            };
            if *link.tuning() != tuning && link.tune(tuning).is_err() {
                break;
            }
            if link.available(downlink) < need.samples {
                break;
            }
            self.samples.resize(link.config().n_rx * need.samples, Cf32::default());
            let heard = match need.listens {
                true => link.pull(downlink, &mut self.samples),
                false => link.skip(downlink, &mut self.samples),
            };
            if heard.is_err() {
                break;
            }
            let begun = Instant::now();
            self.ue.run(&self.samples);
            self.times.add_us(begun.elapsed().as_secs_f64() * 1e6);
            for (start, n_antennas, samples) in self.ue.bursts().iter() {
                link.push_burst_of(n_antennas, start, samples);
            }
            self.after(now);
            self.measure_timing(link);
        }
        self.user(now);
    }
    /// How far the terminal's first slot of the cell that it found lies behind what it hears over the first tap.
    fn measure_timing(&mut self, link: &Link) {
        let Some(search) = self.search.as_mut().filter(|s| s.timing_error_ns.is_none()) else { return };
        let same_rate = link.tuning().rate_hz == self.ue.need().tuning.rate_hz;
        let Some((slot, start)) = self.ue.timing().filter(|_| same_rate) else { return };
        let frames = f64::from(slot.slot()) / f64::from(slot.numerology().slots_per_frame());
        let late = link.cell_time_s(start) / 0.01 - frames;
        // The cell's frames begin with its sample 0; whole frames are not the search's to tell.
        search.timing_error_ns = Some((late - late.round()) * 1e7);
    }
    /// What the terminal had to say in this run.
    fn after(&mut self, now: Tc) {
        while let Some((_, e)) = self.ue.event() {
            self.event(now, &e);
            self.events.push((now, e));
        }
        if self.keep_taps {
            self.ue.drain_taps(&mut self.taps);
        }
        while let Some(p) = self.ue.receive_packet() {
            self.down_bytes += p.len() as u64;
            match &mut self.tun {
                Some(tun) if !self.host.owns(&p) => tun.push(&p),
                _ => self.host.receive(p),
            }
        }
    }
    fn event(&mut self, now: Tc, e: &CpEvent) {
        match e {
            CpEvent::CellFound { pci, ssb_hz, cfo_hz, snr_db, .. } => {
                self.first_cell.get_or_insert(now);
                self.snr_db = Some(*snr_db);
                let scanned = now - self.switched_on.unwrap_or(now);
                self.search.get_or_insert(CellSearch {
                    pci: *pci,
                    scan_ms: scanned.as_us() as f64 / 1000.0,
                    cfo_hz_error: Some(*cfo_hz as f64 - self.true_cfo_per_hz * ssb_hz),
                    timing_error_ns: None,
                    snr_db: Some(*snr_db as f64),
                });
            }
            CpEvent::SessionUp(s) => {
                self.wants = (s.ipv4.is_some(), s.interface_id.is_some());
                if let Some(tun) = &mut self.tun {
                    tun.up(s.mtu);
                    s.ipv4.into_iter().for_each(|a| tun.add_address(a.into()));
                }
                if let Some(a) = s.ipv4 {
                    self.ipv4 = Some(a);
                    self.host.set_ipv4(a);
                }
                if let Some(id) = s.interface_id {
                    self.host.set_interface_id(id, now);
                }
                // A server that the session's addresses can reach.
                let server = s.dns.iter().find(|d| if s.ipv4.is_some() { d.is_ipv4() } else { d.is_ipv6() });
                if let Some(d) = server {
                    self.host.set_dns_server(*d);
                }
            }
            CpEvent::SessionDown { .. } => {
                self.host.clear();
                self.tun.iter_mut().for_each(Tun::down);
            }
            CpEvent::Deregistered => {
                self.off = true;
                self.tun.iter_mut().for_each(Tun::down);
            }
            CpEvent::Failed { step, cause, clause, retry } => {
                let failure = Failure {
                    ue: Some(self.number),
                    step: Step::ALL.into_iter().find(|s| s.name() == *step),
                    cause: cause.clone(),
                    clause: (*clause).to_owned(),
                };
                self.failed(failure, *retry);
            }
            _ => {}
        }
    }
    /// Failures that the terminal goes on from are none for the report, but for a raster without a cell of ours.
    fn failed(&mut self, failure: Failure, retry: bool) {
        let attached = self.ipv4.is_some() || self.ipv6.is_some();
        self.rounds += u32::from(failure.step == Some(Step::CellSearch));
        let exhausted = failure.step == Some(Step::CellSearch) && !attached && self.rounds >= ROUNDS;
        if retry && failure.step == Some(Step::Sib1) {
            self.refused = Some(failure);
        } else if (!retry || exhausted) && self.failure.is_none() {
            self.failure = if exhausted { self.refused.take().or(Some(failure)) } else { Some(failure) };
            self.client.abandon();
        }
    }
    /// The user's host and script.
    fn user(&mut self, now: Tc) {
        self.host.poll(now);
        while let Some(e) = self.host.event() {
            if let HostEvent::Ipv6Ready(a) = &e {
                self.ipv6 = Some(*a);
                self.tun.iter_mut().for_each(|t| t.add_address((*a).into()));
            }
            let mine = self.client.event(&e, &mut self.host, now);
            if let (false, HostEvent::Resolved { ticket, addresses }) = (mine, e) {
                self.resolved.push((ticket, addresses));
            }
        }
        let (v4, v6) = self.wants;
        if (v4 || v6) && (!v6 || self.ipv6.is_some()) {
            self.client.begin(!v4, &mut self.host, now);
        }
        self.client.advance(&mut self.host, now);
        self.host.poll(now);
        while self.ue.queued_bytes() < UPLINK_QUEUE {
            let Some(p) = self.next_uplink() else { break };
            let len = p.len() as u64;
            if self.ue.send_packet(p) {
                self.up_bytes += len;
            }
        }
    }
    /// Host and operating system take turns while both have something.
    fn next_uplink(&mut self) -> Option<Vec<u8>> {
        let Some(tun) = &mut self.tun else { return self.host.transmit() };
        self.tun_next = !self.tun_next;
        if self.tun_next {
            self.host.transmit().or_else(|| tun.pull())
        } else {
            tun.pull().or_else(|| self.host.transmit())
        }
    }
    /// The world's patience is over.
    pub fn give_up(&mut self, failure: Failure) {
        self.client.abandon();
        self.failure.get_or_insert(failure);
    }
    pub fn switch_off(&mut self) {
        self.switch_on_at = None;
        self.client.abandon();
        self.ue.switch_off();
    }
    pub fn is_off(&self) -> bool {
        self.off || self.switched_on.is_none()
    }
    pub fn client_is_done(&self) -> bool {
        self.client.is_done()
    }
    pub fn client(&self) -> &Client {
        &self.client
    }
    /// Answers to DNS questions that were not the script's.
    pub fn resolved(&mut self) -> impl Iterator<Item = (u32, Vec<IpAddr>)> + '_ {
        self.resolved.drain(..)
    }
    pub fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }
    pub fn ue(&self) -> &Ue {
        &self.ue
    }
}
