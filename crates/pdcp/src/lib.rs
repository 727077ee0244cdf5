//! PDCP entities. Spec: TS 38.323
//!
//! One [`Pdcp`] is one entity of one radio bearer, transmitting and receiving side, the same at gNB and UE.
//!
//! | when | call |
//! |---|---|
//! | RRC or SDAP has an SDU | [`Pdcp::send`]; hand the PDU to RLC with its COUNT as tag |
//! | RLC delivered an SDU | [`Pdcp::receive`]; SDUs come out in order as [`PdcpEvent::Sdu`] |
//! | RLC says that a COUNT was delivered | [`Pdcp::delivered`] (acknowledged bearers) |
//! | [`Pdcp::deadline`] has come | [`Pdcp::timeout`]; ask for the deadline again after every call |
//! | keys are there | [`Pdcp::secure`], then [`Pdcp::set_ciphering`] when ciphering begins |
//! | RRC re-establishes | [`Pdcp::reestablish`] (after `secure` with the new keys, for DRBs) |
//!
//! SRBs: the MAC-I is always there, and is zero before [`Pdcp::secure`]. What comes before is delivered with `verified: false`;
//! `secure` then tells whether the last such PDU, which brought the SecurityModeCommand, holds under the new keys (Spec: TS
//! 38.331 §5.3.4.3). [`PdcpEvent::Discard`] is to be passed to RLC, [`PdcpEvent::Transmit`] to be sent as it is.
//!
//! COUNT never wraps: [`Pdcp::send`] refuses, and the bearer must get new keys. An acknowledged DRB keeps its SDUs until they are
//! delivered (for re-establishment), at most half of the SN space of them, so that the peer's HFN cannot go astray.
//!
//! Left out: header compression (ROHC, EHC), duplication, split bearers, DAPS.

mod header;
mod rx;
mod tx;

#[cfg(test)]
mod tests;

use node::Outbox;
use nr::Tc;
pub use seam::bearer::{AsAlgorithms, AsKeys, Bearer, PdcpConfig};
use security::{NeaAlg, NiaAlg};

/// What an entity tells its user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PdcpEvent {
    /// An SDU, in order (unless outOfOrderDelivery). `verified`: its integrity was checked and holds; `mac_i` is what came with it
    /// (zero where the bearer has none).
    Sdu { sdu: Vec<u8>, count: u32, verified: bool, mac_i: [u8; 4] },
    /// A PDU whose integrity does not hold was dropped.
    IntegrityFailure { count: u32 },
    /// discardTimer expired or the peer has it already: RLC may drop the PDU that was pushed with this COUNT.
    Discard { count: u32 },
    /// Send this: a PDU that is sent again after re-establishment, or a control PDU (`count` is `None`).
    Transmit { pdu: Vec<u8>, count: Option<u32> },
}

/// Why [`Pdcp::send`] refuses an SDU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SendError {
    /// COUNT would wrap: the keys must change first (local). Spec: TS 38.323 §7.1
    CountExhausted,
    /// Half of the SN space, or the limit of bytes, waits for delivery; the SDU is handed back.
    Full(Vec<u8>),
}

impl core::fmt::Display for SendError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            SendError::CountExhausted => "PDCP COUNT would wrap: the bearer needs new keys (TS 38.323 §7.1)",
            SendError::Full(_) => "too many PDCP SDUs wait for delivery",
        })
    }
}
impl std::error::Error for SendError {}

/// Algorithms and keys of one bearer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Security {
    /// Ciphering.
    pub nea: NeaAlg,
    /// Integrity.
    pub nia: NiaAlg,
    /// K_RRCenc or K_UPenc.
    pub enc: [u8; 16],
    /// K_RRCint or K_UPint.
    pub int: [u8; 16],
}

impl Security {
    /// The part of the access stratum's keys that `bearer` uses; `None` if an algorithm identifier is not one of 0..=3.
    pub fn for_bearer(bearer: Bearer, algorithms: AsAlgorithms, keys: &AsKeys) -> Option<Security> {
        let (enc, int) = if bearer.is_srb() { (keys.rrc_enc, keys.rrc_int) } else { (keys.up_enc, keys.up_int) };
        Some(Security { nea: NeaAlg::new(algorithms.nea)?, nia: NiaAlg::new(algorithms.nia)?, enc, int })
    }
}

impl core::fmt::Debug for Security {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Security({:?}, {:?}, ..)", self.nea, self.nia)
    }
}

/// Which end of the radio the entity is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It sends uplink.
    Ue,
    /// It sends downlink.
    Gnb,
}

/// What does not change while the entity lives, or only by [`Pdcp::reconfigure`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// Whose bearer.
    pub bearer: Bearer,
    /// Which end.
    pub end: End,
    /// PDCP-Config.
    pub config: PdcpConfig,
    /// The RLC below is AM, and its deliveries are told by [`Pdcp::delivered`]: SDUs of a DRB are kept until then.
    pub acknowledged: bool,
    /// SDUs that are sent begin with an SDAP header, which is not ciphered.
    pub sdap_tx: bool,
    /// SDUs that are received do.
    pub sdap_rx: bool,
}

impl Setup {
    /// An SRB with the default configuration. Spec: TS 38.331 §9.2.1
    pub fn srb(bearer: Bearer, end: End) -> Setup {
        let config = PdcpConfig {
            sn_bits: 12,
            discard_timer_ms: None,
            t_reordering_ms: None,
            integrity: true,
            ciphering: true,
            status_report_required: false,
            out_of_order_delivery: false,
        };
        Setup { bearer, end, config, acknowledged: true, sdap_tx: false, sdap_rx: false }
    }
}

/// Bounds on memory, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// SDUs kept until they are delivered.
    pub held_bytes: usize,
    /// SDUs received out of order.
    pub reorder_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { held_bytes: 16 << 20, reorder_bytes: 8 << 20 }
    }
}

/// Counters since the entity was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// SDUs sent.
    pub tx_sdus: u64,
    /// SDUs delivered to the user.
    pub rx_sdus: u64,
    /// PDUs dropped: malformed, old, duplicate or beyond a limit.
    pub rx_dropped: u64,
    /// PDUs whose integrity did not hold.
    pub integrity_failures: u64,
    /// SDUs that discardTimer took.
    pub discarded: u64,
}

/// Security of a direction as it stands.
#[derive(Clone, Copy, Debug)]
struct Protection {
    security: Security,
    integrity: bool,
    ciphering: bool,
}

/// One PDCP entity.
#[derive(Debug)]
pub struct Pdcp {
    setup: Setup,
    limits: Limits,
    protection: Option<Protection>,
    tx: tx::Tx,
    rx: rx::Rx,
    stats: Stats,
}

impl Pdcp {
    /// A new entity without security; COUNTs start at 0.
    pub fn new(setup: Setup, limits: Limits) -> Pdcp {
        let mut setup = setup;
        setup.config.sn_bits = if setup.config.sn_bits == 18 && !setup.bearer.is_srb() { 18 } else { 12 };
        Pdcp { setup, limits, protection: None, tx: tx::Tx::default(), rx: rx::Rx::default(), stats: Stats::default() }
    }

    /// Its setup.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Changes timers and options; the SN length and the bearer stay as they are (a change of them needs a new entity).
    pub fn reconfigure(&mut self, setup: Setup) {
        let (sn_bits, bearer) = (self.setup.config.sn_bits, self.setup.bearer);
        self.setup = setup;
        self.setup.config.sn_bits = sn_bits;
        self.setup.bearer = bearer;
        if let Some(p) = &mut self.protection {
            p.integrity = self.setup.config.integrity || bearer.is_srb();
            p.ciphering &= self.setup.config.ciphering;
        }
    }

    /// Takes algorithms and keys: integrity from the next PDU on (DRBs: where configured), ciphering as `ciphering` says (DRBs:
    /// where configured).
    ///
    /// SRBs: returns whether the last PDU that was delivered unverified holds under these keys, `None` if there is none.
    pub fn secure(&mut self, security: Security, ciphering: bool) -> Option<bool> {
        let integrity = self.setup.bearer.is_srb() || self.setup.config.integrity;
        self.protection = Some(Protection { security, integrity, ciphering: ciphering && self.setup.config.ciphering });
        self.rx.verify_last(&self.setup, &security)
    }

    /// Starts (or stops) ciphering of what is sent and deciphering of what is received.
    pub fn set_ciphering(&mut self, ciphering: bool) {
        if let Some(p) = &mut self.protection {
            p.ciphering = ciphering && self.setup.config.ciphering;
        }
    }

    /// Whether keys are there.
    pub fn is_secured(&self) -> bool {
        self.protection.is_some()
    }

    /// Forgets the keys: MAC-I is zero and nothing is ciphered until [`Pdcp::secure`]. Spec: TS 38.331 §5.3.7.4
    pub fn suspend_security(&mut self) {
        self.protection = None;
    }

    /// Makes the PDU of an SDU; the SDU's buffer becomes the PDU's. Returns the PDU and its COUNT.
    ///
    /// Errors: [`SendError`]; the SDU comes back where waiting may help.
    pub fn send(&mut self, now: Tc, sdu: Vec<u8>) -> Result<(Vec<u8>, u32), SendError> {
        let sent = self.tx.send(now, sdu, &self.setup, &self.limits, self.protection.as_ref())?;
        self.stats.tx_sdus += 1;
        Ok(sent)
    }

    /// Takes a PDU from RLC. The PDU's buffer becomes the SDU's.
    pub fn receive(&mut self, now: Tc, pdu: Vec<u8>, out: &mut Outbox<PdcpEvent>) {
        let drb = !self.setup.bearer.is_srb();
        if drb && pdu.first().is_some_and(|b| b & 0x80 == 0) {
            if !self.tx.receive_control(&pdu, out) {
                self.stats.rx_dropped += 1;
            }
            return;
        }
        self.rx.receive(now, pdu, &self.setup, &self.limits, self.protection.as_ref(), &mut self.stats, out);
    }

    /// RLC says that the PDU with this COUNT was delivered.
    pub fn delivered(&mut self, count: u32) {
        self.tx.delivered(count);
    }

    /// The `n` oldest SDUs that are kept were delivered (where only their number is known, as over F1).
    pub fn delivered_oldest(&mut self, n: u32) {
        self.tx.delivered_oldest(n);
    }

    /// Re-establishment. Spec: TS 38.323 §5.1.2
    ///
    /// - SRB, unacknowledged DRB: COUNTs start at 0 again; a DRB delivers what it holds first.
    /// - acknowledged DRB: COUNTs go on; SDUs whose delivery is not known come out again as `Transmit`, with the keys of now,
    ///   after a status report where it is configured.
    pub fn reestablish(&mut self, now: Tc, out: &mut Outbox<PdcpEvent>) {
        let keeps_count = self.setup.acknowledged && !self.setup.bearer.is_srb();
        if !keeps_count {
            let deliver = !self.setup.bearer.is_srb();
            self.rx.restart(deliver, &mut self.stats, out);
            self.tx = tx::Tx::default();
            return;
        }
        self.status_report(out);
        self.tx.send_again(now, &self.setup, self.protection.as_ref(), out);
    }

    /// Makes a status report, where statusReportRequired is configured on an acknowledged DRB. Spec: TS 38.323 §5.4.1
    pub fn status_report(&mut self, out: &mut Outbox<PdcpEvent>) {
        if self.setup.config.status_report_required && self.setup.acknowledged && !self.setup.bearer.is_srb() {
            out.push(PdcpEvent::Transmit { pdu: self.rx.status_report(), count: None });
        }
    }

    /// When [`Pdcp::timeout`] is due.
    pub fn deadline(&self) -> Option<Tc> {
        [self.tx.deadline(), self.rx.deadline()].into_iter().flatten().min()
    }

    /// Fires t-Reordering and the discardTimers that are due.
    pub fn timeout(&mut self, now: Tc, out: &mut Outbox<PdcpEvent>) {
        self.stats.discarded += self.tx.timeout(now, out);
        self.rx.timeout(now, &self.setup, &mut self.stats, out);
    }

    /// Bytes of SDUs that are kept until they are delivered.
    pub fn held_bytes(&self) -> usize {
        self.tx.held_bytes()
    }

    /// COUNT of the next SDU, and of the next one to be delivered (TX_NEXT, RX_DELIV).
    pub fn counts(&self) -> (u64, u64) {
        (self.tx.next(), self.rx.deliv())
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}

/// Feeds `data` to entities of every kind as a sequence of PDUs, each with its length before it; for fuzzers. Never panics.
pub fn fuzz_one(data: &[u8]) {
    let Some(drb) = nr::DrbId::new(1) else { return };
    let mut out = Outbox::with_capacity(1024);
    for (bearer, sn_bits, integrity) in
        [(Bearer::Srb1, 12, true), (Bearer::Drb(drb), 12, false), (Bearer::Drb(drb), 18, true)]
    {
        let mut setup = Setup::srb(bearer, End::Gnb);
        setup.config = PdcpConfig {
            sn_bits,
            integrity,
            t_reordering_ms: Some(3),
            discard_timer_ms: Some(10),
            status_report_required: true,
            ..setup.config
        };
        let mut p = Pdcp::new(setup, Limits { held_bytes: 1 << 16, reorder_bytes: 1 << 16 });
        if integrity && sn_bits == 18 {
            p.secure(Security { nea: NeaAlg::Nea2, nia: NiaAlg::Nia0, enc: [1; 16], int: [2; 16] }, true);
        }
        let mut now = Tc::ZERO;
        let mut rest = data;
        while let Some((n, tail)) = rest.split_first() {
            let (pdu, tail) = tail.split_at(tail.len().min(usize::from(*n)));
            rest = tail;
            let _ = p.send(now, vec![*n; usize::from(*n)]);
            p.receive(now, pdu.to_vec(), &mut out);
            now += Tc::from_ms(i64::from(*n & 3));
            p.timeout(now, &mut out);
            p.status_report(&mut out);
            out.drain().for_each(drop);
        }
        p.reestablish(now, &mut out);
    }
}
