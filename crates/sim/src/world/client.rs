//! What a person does with a terminal in a run that ends by itself: name, pings, a download, an upload.

use crate::report::{Http, Ping};
use io::host::{Host, HostEvent};
use nr::Tc;
use std::net::IpAddr;

/// Patience with the last ping.
const PING_PATIENCE: Tc = Tc::from_ms(1000);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Waiting,
    Resolving(u32),
    Pinging { next: Tc, end: Tc },
    Down,
    Up,
    Idle,
    Failed,
}

/// The script of one terminal.
pub struct Client {
    stage: Stage,
    once: bool,
    pings: u32,
    ping_every: Tc,
    bytes: u64,
    seed: u64,
    server: Option<IpAddr>,
    rtts: Vec<f64>,
    pub ping: Ping,
    pub http: Http,
    pub first_ping: Option<(Tc, Tc)>,
    pub failure: Option<String>,
    pub down_begun: Option<Tc>,
}

impl Client {
    pub fn new(once: bool, pings: u32, ping_every: Tc, bytes: u64, seed: u64) -> Self {
        Self {
            stage: Stage::Waiting,
            once,
            pings: if once { pings } else { 1 },
            ping_every,
            bytes: if once { bytes } else { 0 },
            seed,
            server: None,
            rtts: Vec::new(),
            ping: Ping::default(),
            http: Http::default(),
            first_ping: None,
            failure: None,
            down_begun: None,
        }
    }
    /// Everything was done, or nothing more can be.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Idle | Stage::Failed)
    }
    /// The session has its addresses.
    pub fn begin(&mut self, ipv6: bool, host: &mut Host, now: Tc) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Resolving(host.resolve(io::services::TEST_NAME, ipv6, now));
        }
    }
    fn fail(&mut self, why: String) {
        self.failure = Some(why);
        self.stage = Stage::Failed;
    }
    /// The terminal will not get further.
    pub fn abandon(&mut self) {
        if !self.is_done() {
            self.stage = Stage::Failed;
        }
    }
    /// An event of the host; `true` if it was ours.
    pub fn event(&mut self, event: &HostEvent, host: &mut Host, now: Tc) -> bool {
        match event {
            HostEvent::Resolved { ticket, addresses } if self.stage == Stage::Resolving(*ticket) => {
                match addresses.first() {
                    Some(a) => {
                        self.server = Some(*a);
                        self.stage = Stage::Pinging { next: now, end: now };
                        self.advance(host, now);
                    }
                    None => self.fail(format!("{} does not resolve", io::services::TEST_NAME)),
                }
                true
            }
            HostEvent::Pong { rtt, .. } => {
                self.ping.received += 1;
                self.rtts.push(rtt.as_us() as f64 / 1000.0);
                self.rtts.sort_by(f64::total_cmp);
                self.ping.rtt_ms_p50 = self.rtts.get(self.rtts.len() / 2).copied();
                self.first_ping.get_or_insert((now, *rtt));
                true
            }
            HostEvent::Transfer(r) => {
                let mbps = (r.duration.0 > 0).then(|| r.bytes as f64 * 8e-6 / r.duration.as_secs_f64());
                if r.upload {
                    (self.http.up_bytes, self.http.up_mbps, self.http.up_sha256_ok) =
                        (r.bytes, mbps, Some(r.sha256_ok));
                } else {
                    (self.http.down_bytes, self.http.down_mbps, self.http.down_sha256_ok) =
                        (r.bytes, mbps, Some(r.sha256_ok));
                }
                match (&r.error, r.upload) {
                    (Some(e), up) => self.fail(format!("{}: {e}", if up { "upload" } else { "download" })),
                    (None, false) => {
                        self.stage = Stage::Up;
                        self.transfer(true, host, now);
                    }
                    (None, true) => self.stage = Stage::Idle,
                }
                true
            }
            _ => false,
        }
    }
    fn transfer(&mut self, upload: bool, host: &mut Host, now: Tc) {
        let Some(server) = self.server else { return };
        // Patience: three minutes of the network's time, or a second for each 10 kB.
        let patience = Tc::from_ms(180_000.max(self.bytes as i64 / 10));
        self.down_begun.get_or_insert(now);
        host.transfer(server, upload, self.bytes, self.seed + upload as u64, now, patience);
    }
    /// What is due by now.
    pub fn advance(&mut self, host: &mut Host, now: Tc) {
        let Stage::Pinging { next, end } = self.stage else { return };
        if self.ping.sent < self.pings {
            if next <= now
                && let Some(server) = self.server
            {
                self.ping.sent += 1;
                host.ping(server, self.ping.sent as u16, now);
                self.stage = Stage::Pinging { next: now + self.ping_every, end: now + PING_PATIENCE };
            }
            return;
        }
        if self.ping.received < self.ping.sent && now < end {
            return;
        }
        if self.ping.received == 0 && self.ping.sent > 0 {
            return self.fail("no ping came back".into());
        }
        if self.once && self.bytes > 0 {
            self.stage = Stage::Down;
            self.transfer(false, host, now);
        } else {
            self.stage = Stage::Idle;
        }
    }
}
