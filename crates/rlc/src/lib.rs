//! RLC entities: transparent, unacknowledged, acknowledged mode. Spec: TS 38.322
//!
//! One [`Rlc`] is one entity of one radio bearer, transmitting and receiving side, the same at gNB and UE.
//!
//! | when | call |
//! |---|---|
//! | PDCP (or RRC on SRB0) has a PDU | [`Rlc::push_sdu`], with a tag that comes back in [`RlcEvent::Delivered`] |
//! | MAC has room in a block | [`Rlc::pull`], again until it returns 0: status first, then retransmissions, then new data |
//! | MAC received an SDU of the channel | [`Rlc::receive`]; complete SDUs come out at once, not in order (PDCP orders) |
//! | MAC wants the amount of data | [`Rlc::buffer_status`] |
//! | [`Rlc::deadline`] has come | [`Rlc::timeout`]; ask for the deadline again after every call above |
//! | PDCP's discardTimer expired | [`Rlc::discard`] |
//! | an SDU that was delivered is no longer needed | [`Rlc::recycle`], so that no buffer is allocated in steady state |
//!
//! Buffers are bounded in bytes ([`Limits`]), windows by the specification; a peer can neither grow memory beyond them nor cause
//! a panic. Left out: multicast, sidelink, duplication.

mod am;
mod am_rx;
mod am_tx;
mod pdu;
mod reassembly;
mod tm;
mod um;

#[cfg(test)]
mod tests;

use node::Outbox;
use nr::Tc;
use reassembly::Pool;
pub use seam::bearer::RlcConfig;

/// What an entity tells its user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RlcEvent {
    /// A complete SDU from the peer.
    Sdu(Vec<u8>),
    /// AM: the peer has acknowledged the SDU that was pushed with this tag.
    Delivered {
        /// As given to [`Rlc::push_sdu`].
        tag: u32,
    },
    /// AM: RETX_COUNT reached maxRetxThreshold. Told once until [`Rlc::reestablish`]. Spec: TS 38.322 §5.3.2
    MaxRetx,
}

/// What waits for transmission, in bytes with RLC headers. Spec: TS 38.322 §5.5
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BufferStatus {
    /// STATUS PDU that may be sent now (0 while t-StatusProhibit runs).
    pub status: u32,
    /// Retransmissions.
    pub retx: u32,
    /// SDUs and segments not sent yet; those that a full AM window holds back are left out.
    pub new: u32,
}

impl BufferStatus {
    /// All of it.
    pub fn total(self) -> u32 {
        self.status.saturating_add(self.retx).saturating_add(self.new)
    }
}

/// Bounds on memory, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// SDUs waiting or, in AM, not yet acknowledged.
    pub queue_bytes: usize,
    /// SDUs that are received in part.
    pub reassembly_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { queue_bytes: 8 << 20, reassembly_bytes: 4 << 20 }
    }
}

/// The queue is full; the SDU is handed back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueFull(pub Vec<u8>);

/// Counters since the entity was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Data and status PDUs sent.
    pub tx_pdus: u64,
    /// Data PDUs of them that were sent again.
    pub retx_pdus: u64,
    /// STATUS PDUs of them.
    pub tx_status: u64,
    /// SDUs acknowledged (AM) or sent completely (TM, UM).
    pub sdus_done: u64,
    /// PDUs received.
    pub rx_pdus: u64,
    /// PDUs dropped: malformed, out of window, duplicate, or beyond a limit.
    pub rx_dropped: u64,
    /// SDUs delivered.
    pub rx_sdus: u64,
    /// SDUs refused by a full queue.
    pub queue_full: u64,
}

#[derive(Debug)]
enum Mode {
    Tm(tm::Tm),
    Um(Box<um::Um>),
    Am(Box<am::Am>),
}

/// One RLC entity.
#[derive(Debug)]
pub struct Rlc {
    mode: Mode,
    pool: Pool,
    limits: Limits,
    stats: Stats,
}

impl Rlc {
    /// A new entity. Sequence number lengths other than the specification's are taken as 12.
    pub fn new(config: &RlcConfig, limits: Limits) -> Rlc {
        let mode = match *config {
            RlcConfig::Tm => Mode::Tm(tm::Tm::default()),
            RlcConfig::Um { sn_bits, t_reassembly_ms } => Mode::Um(Box::new(um::Um::new(sn_bits, t_reassembly_ms))),
            RlcConfig::Am { .. } => Mode::Am(Box::new(am::Am::new(config))),
        };
        Rlc { mode, pool: Pool::default(), limits, stats: Stats::default() }
    }

    /// Takes new parameters; where the mode and the sequence number length stay, so does everything that is under way.
    /// Otherwise the entity starts anew.
    pub fn reconfigure(&mut self, config: &RlcConfig) {
        match (&mut self.mode, config) {
            (Mode::Tm(_), RlcConfig::Tm) => {}
            (Mode::Um(um), RlcConfig::Um { sn_bits, t_reassembly_ms }) if um.sn_bits() == *sn_bits => {
                um.set_t_reassembly(*t_reassembly_ms);
            }
            (Mode::Am(am), RlcConfig::Am { sn_bits, .. }) if am.sn_bits() == *sn_bits => am.reconfigure(config),
            _ => *self = Rlc { stats: self.stats, ..Rlc::new(config, self.limits) },
        }
    }

    /// Queues an SDU. `tag` names it in [`RlcEvent::Delivered`] and [`Rlc::discard`] (PDCP's COUNT, say).
    ///
    /// Errors: [`QueueFull`] hands the SDU back. Empty SDUs are ignored.
    pub fn push_sdu(&mut self, now: Tc, sdu: Vec<u8>, tag: u32) -> Result<(), QueueFull> {
        let _ = now;
        if sdu.is_empty() {
            return Ok(());
        }
        if self.held_bytes() + sdu.len() > self.limits.queue_bytes || sdu.len() > 0xffff {
            self.stats.queue_full += 1;
            return Err(QueueFull(sdu));
        }
        match &mut self.mode {
            Mode::Tm(e) => e.push(sdu, tag),
            Mode::Um(e) => e.push(sdu, tag),
            Mode::Am(e) => e.tx.push(sdu, tag),
        }
        Ok(())
    }

    /// Writes one PDU into the start of `out` and returns its length; 0 if nothing waits or nothing fits.
    ///
    /// Call it again for the room that is left: one block may carry several PDUs of a channel.
    pub fn pull(&mut self, now: Tc, out: &mut [u8]) -> usize {
        match &mut self.mode {
            Mode::Tm(e) => e.pull(out, &mut self.pool, &mut self.stats),
            Mode::Um(e) => e.pull(out, &mut self.pool, &mut self.stats),
            Mode::Am(e) => e.pull(now, out, &mut self.stats),
        }
    }

    /// Takes one PDU from the peer. Malformed ones are counted and dropped.
    pub fn receive(&mut self, now: Tc, pdu: &[u8], out: &mut Outbox<RlcEvent>) {
        self.stats.rx_pdus += 1;
        let limit = self.limits.reassembly_bytes;
        let ok = match &mut self.mode {
            Mode::Tm(_) => tm::receive(pdu, &mut self.pool, &mut self.stats, out),
            Mode::Um(e) => e.receive(now, pdu, limit, &mut self.pool, &mut self.stats, out),
            Mode::Am(e) => e.receive(now, pdu, limit, &mut self.pool, &mut self.stats, out),
        };
        if !ok {
            self.stats.rx_dropped += 1;
        }
    }

    /// What waits. Cost: O(1), but for a STATUS PDU that is due, whose size takes a walk over the gaps of the window.
    pub fn buffer_status(&self) -> BufferStatus {
        match &self.mode {
            Mode::Tm(e) => BufferStatus { new: clamp(e.bytes()), ..BufferStatus::default() },
            Mode::Um(e) => BufferStatus { new: clamp(e.bytes()), ..BufferStatus::default() },
            Mode::Am(e) => e.buffer_status(),
        }
    }

    /// Bytes of SDUs held: waiting, and in AM not yet acknowledged.
    pub fn held_bytes(&self) -> usize {
        match &self.mode {
            Mode::Tm(e) => e.bytes(),
            Mode::Um(e) => e.held_bytes(),
            Mode::Am(e) => e.tx.held_bytes(),
        }
    }

    /// Drops the SDU with this tag, if none of it has been sent. Spec: TS 38.322 §5.4
    pub fn discard(&mut self, tag: u32) -> bool {
        let dropped = match &mut self.mode {
            Mode::Tm(_) => None,
            Mode::Um(e) => e.discard(tag),
            Mode::Am(e) => e.tx.discard(tag),
        };
        dropped.map(|sdu| self.pool.give(sdu)).is_some()
    }

    /// Drops everything, stops the timers, starts the counts anew. Spec: TS 38.322 §5.1.2
    pub fn reestablish(&mut self) {
        match &mut self.mode {
            Mode::Tm(e) => e.clear(&mut self.pool),
            Mode::Um(e) => e.clear(&mut self.pool),
            Mode::Am(e) => e.clear(&mut self.pool),
        }
    }

    /// When [`Rlc::timeout`] is due.
    pub fn deadline(&self) -> Option<Tc> {
        match &self.mode {
            Mode::Tm(_) => None,
            Mode::Um(e) => e.deadline(),
            Mode::Am(e) => e.deadline(),
        }
    }

    /// Fires t-PollRetransmit, t-Reassembly and t-StatusProhibit where they are due.
    pub fn timeout(&mut self, now: Tc, out: &mut Outbox<RlcEvent>) {
        match &mut self.mode {
            Mode::Tm(_) => {}
            Mode::Um(e) => e.timeout(now, &mut self.pool),
            Mode::Am(e) => e.timeout(now, out),
        }
    }

    /// Gives a buffer to the entity's pool.
    pub fn recycle(&mut self, buffer: Vec<u8>) {
        self.pool.give(buffer);
    }

    /// An empty buffer, from the pool where it has one (of SDUs that were sent and acknowledged).
    pub fn take_buffer(&mut self) -> Vec<u8> {
        if let Mode::Am(e) = &mut self.mode {
            e.tx.drain_freed(&mut self.pool);
        }
        self.pool.take()
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Acknowledged mode.
    pub fn is_acknowledged(&self) -> bool {
        matches!(self.mode, Mode::Am(_))
    }

    /// Sequence number length; 0 in transparent mode.
    pub fn sn_bits(&self) -> u8 {
        match &self.mode {
            Mode::Tm(_) => 0,
            Mode::Um(e) => e.sn_bits(),
            Mode::Am(e) => e.sn_bits(),
        }
    }
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Feeds `data` to entities of every mode as a sequence of PDUs, pulling in between; for fuzzers. Never panics.
///
/// The first byte of each piece is its length.
pub fn fuzz_one(data: &[u8]) {
    let am = |sn_bits| RlcConfig::Am {
        sn_bits,
        t_poll_retransmit_ms: 5,
        poll_pdu: Some(4),
        poll_byte: Some(1000),
        max_retx_threshold: 4,
        t_reassembly_ms: 5,
        t_status_prohibit_ms: 5,
    };
    let um = |sn_bits| RlcConfig::Um { sn_bits, t_reassembly_ms: 5 };
    let mut out = Outbox::with_capacity(1024);
    for config in [RlcConfig::Tm, um(6), um(12), am(12), am(18)] {
        let mut rlc = Rlc::new(&config, Limits { queue_bytes: 1 << 16, reassembly_bytes: 1 << 16 });
        let mut now = Tc::ZERO;
        let mut rest = data;
        let mut room = [0; 64];
        while let Some((n, tail)) = rest.split_first() {
            let (pdu, tail) = tail.split_at(tail.len().min(usize::from(*n)));
            rest = tail;
            let _ = rlc.push_sdu(now, vec![*n; 1 + usize::from(*n)], u32::from(*n));
            rlc.pull(now, &mut room[..usize::from(*n & 63)]);
            rlc.receive(now, pdu, &mut out);
            now += Tc::from_ms(i64::from(*n & 3));
            rlc.timeout(now, &mut out);
            rlc.discard(u32::from(*n ^ 1));
            rlc.buffer_status();
            out.drain().for_each(drop);
        }
    }
}
