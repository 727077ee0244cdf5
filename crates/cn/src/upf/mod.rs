//! UPF: packets between N3 and N6 by the rules of N4. Spec: TS 23.501 §6.2.3, TS 29.244 §5.2, TS 29.281
//!
//! | file | what |
//! |---|---|
//! | `n4.rs` | PFCP: the association, sessions and their rules |
//! | `forward.rs` | the way of a packet: lookup, checks, rate, header, out |
//! | `buffer.rs` | packets for idle UEs, and the reports that call for them |
//! | `packet.rs` | what the UPF reads of an IP packet |
//!
//! The way of a packet takes no memory but what its buffer has: an uplink packet loses its GTP-U header in place, a
//! downlink packet gains one in place if its buffer has [`gtpu::HEADER_LEN`] octets to spare.
//!
//! Left out: SDF filters, reflective QoS, IP fragments of its own, several network instances with the same
//! addresses.

mod buffer;
mod forward;
mod n4;
mod packet;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use node::{Node, Outbox, Timers};
use nr::{Tc, Teid};
use pfcp::ie::{ApplyAction, GateStatus, Mbr};
use pfcp::{FSeid, Interface, OuterHeaderCreation};

use crate::config::CoreConfig;
use crate::event::CoreEvent;

/// What the UPF can be told.
#[derive(Clone, Debug)]
pub enum UpfInput {
    /// A PFCP message of the SMF.
    N4(Vec<u8>),
    /// A GTP-U packet: of a gNB, or of the SMF for a UE.
    N3 {
        /// Its sender.
        from: IpAddr,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// An IP packet of the data network.
    N6(Vec<u8>),
}

/// What the UPF answers.
#[derive(Clone, Debug)]
pub enum UpfOutput {
    /// A PFCP message to the SMF.
    N4(Vec<u8>),
    /// A GTP-U packet.
    N3 {
        /// To this gNB.
        to: IpAddr,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// An IP packet to the data network.
    N6(Vec<u8>),
    /// An event.
    Event(CoreEvent),
}

/// What the UPF has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpfStats {
    /// Packets to the data network.
    pub uplink_packets: u64,
    /// Octets to the data network.
    pub uplink_octets: u64,
    /// Packets to gNBs.
    pub downlink_packets: u64,
    /// Octets to gNBs, without GTP-U.
    pub downlink_octets: u64,
    /// Uplink packets with a source that is not the UE's.
    pub spoofed: u64,
    /// Packets of a tunnel that does not exist.
    pub unknown_tunnel: u64,
    /// Downlink packets for an address that no UE has.
    pub unknown_address: u64,
    /// Packets that a closed gate, a rate, a FAR or a wrong form stopped.
    pub dropped: u64,
    /// Downlink packets that wait for an idle UE, or have waited.
    pub buffered: u64,
}

/// A packet detection rule.
struct Pdr {
    id: u16,
    source: Interface,
    teid: Option<Teid>,
    ipv4: Option<Ipv4Addr>,
    /// The upper half of the address: the /64.
    prefix: Option<u64>,
    /// A bit for each QoS flow; none means any.
    qfis: u64,
    far: Option<u32>,
    qer: Option<u32>,
    counted: bool,
}

/// A forwarding action rule.
struct Far {
    id: u32,
    action: ApplyAction,
    to: Option<Interface>,
    header: Option<OuterHeaderCreation>,
}

/// A QoS enforcement rule, with a bucket each way.
struct Qer {
    id: u32,
    gate: GateStatus,
    mbr: Option<Mbr>,
    qfi: u8,
    uplink: Bucket,
    downlink: Bucket,
}

/// Octets that may pass now; filled by time.
#[derive(Clone, Copy, Default)]
struct Bucket {
    bits: i64,
    filled: Tc,
}

impl Bucket {
    /// Whether `octets` pass at a rate; the bucket holds what the rate gives in 100 ms, and 10 kB at least.
    fn pass(&mut self, now: Tc, kbps: u64, octets: usize) -> bool {
        let rate = kbps.min(1 << 40) as i128 * 1000;
        let full = (rate / 10).max(80_000);
        let elapsed = (now - self.filled).0.max(0) as i128;
        let gained = if self.filled == Tc::ZERO { full } else { rate * elapsed / i128::from(Tc::PER_SECOND) };
        let bits = (i128::from(self.bits) + gained).min(full);
        let after = bits - 8 * octets as i128;
        self.filled = now.max(Tc(1));
        self.bits = if after >= 0 { after } else { bits } as i64;
        after >= 0
    }
}

struct Session {
    cp: FSeid,
    pdrs: Vec<Pdr>,
    fars: Vec<Far>,
    qers: Vec<Qer>,
    urr: Option<u32>,
    uplink_octets: u64,
    downlink_octets: u64,
    /// Packets that wait for an idle UE, oldest first, with their PDR.
    buffer: VecDeque<(u16, Vec<u8>)>,
    /// How many may.
    buffer_max: usize,
    /// Whether the SMF has been told that some do.
    notified: bool,
    /// The last router advertisement that the SMF sent through here, for a UE that solicits one.
    advertisement: Vec<u8>,
}

/// The UPF's state.
pub struct Upf {
    n3: IpAddr,
    n4: IpAddr,
    associated: bool,
    sessions: BTreeMap<u64, Session>,
    tunnels: BTreeMap<u32, (u64, u16)>,
    ipv4: BTreeMap<u32, (u64, u16)>,
    prefixes: BTreeMap<u64, (u64, u16)>,
    next_seid: u64,
    sequence: u32,
    /// Reports that wait for their response.
    reports: BTreeMap<u32, buffer::Report>,
    timers: Timers<u32>,
    /// Packets that wait, of all sessions.
    waiting: usize,
    error_sequence: u16,
    stats: UpfStats,
    rng: node::Rng,
}

impl Upf {
    /// A UPF of this configuration; `rng` makes TEIDs.
    pub fn new(config: &CoreConfig, rng: node::Rng) -> Self {
        Self {
            n3: config.upf_n3,
            n4: config.upf_n4,
            associated: false,
            sessions: BTreeMap::new(),
            tunnels: BTreeMap::new(),
            ipv4: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            next_seid: 1,
            sequence: 1,
            reports: BTreeMap::new(),
            timers: Timers::default(),
            waiting: 0,
            error_sequence: 0,
            stats: UpfStats::default(),
            rng,
        }
    }

    /// What it has counted.
    pub fn stats(&self) -> UpfStats {
        self.stats
    }

    /// Sessions that exist.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }
}

impl Node for Upf {
    type Input = UpfInput;
    type Output = UpfOutput;

    fn handle(&mut self, now: Tc, input: UpfInput, out: &mut Outbox<UpfOutput>) {
        match input {
            UpfInput::N4(bytes) => self.n4_receive(now, &bytes, out),
            UpfInput::N3 { from, bytes } => self.n3_receive(now, from, bytes, out),
            UpfInput::N6(packet) => self.n6_receive(now, packet, out),
        }
    }

    fn timeout(&mut self, now: Tc, out: &mut Outbox<UpfOutput>) {
        while let Some(sequence) = self.timers.expired(now) {
            self.report_again(now, sequence, out);
        }
    }

    fn deadline(&self) -> Option<Tc> {
        self.timers.next()
    }
}
