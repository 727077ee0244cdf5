//! What the scheduler knows of one UE.

use crate::harq::{N_HARQ, Process, State};
use crate::link::Link;
use crate::power::PowerLoop;
use fapi::csi::Pmi;
use fapi::dci::DciContext;
use fapi::{CellConfig, DedicatedConfig, PuschScheme};
use nr::{Rnti, SlotPoint};

/// Where a UE stands in random access. Spec: TS 38.321 §5.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Msg3 was granted.
    Msg3,
    /// Msg4 waits or is under way, under the temporary C-RNTI.
    Msg4,
    /// It holds its C-RNTI.
    Connected,
}

/// What the UE said of the downlink last. Spec: TS 38.214 §5.2.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reported {
    /// Rank, 1..=4.
    pub rank: u8,
    /// Precoder of each rank, the one that was reported last with it.
    pub pmi: [Pmi; 4],
}

impl Default for Reported {
    fn default() -> Self {
        Reported { rank: 1, pmi: [Pmi::default(); 4] }
    }
}

/// What sounding showed of the uplink, and the rank that follows. Gains are over a layer that leaves one port with all of the power.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sounded {
    /// Layers of new blocks, 1..=4.
    pub rank: u8,
    /// (TPMI, gain of a layer in dB) of each rank; none where it is not to be had.
    pub precoders: [Option<(u8, f32)>; 4],
}

/// Counters of one direction.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct DirectionStats {
    /// Transport blocks (first transmissions).
    pub transport_blocks: u64,
    /// Transmissions whose CRC failed, or that were not answered.
    pub crc_errors: u64,
    /// First transmissions among them.
    pub first_errors: u64,
    /// First transmissions with a known outcome.
    pub first_outcomes: u64,
    /// Retransmissions.
    pub retransmissions: u64,
    /// Blocks given up.
    pub residual_errors: u64,
    /// Bytes of blocks that were received.
    pub bytes: u64,
    /// Sum of I_MCS over first transmissions.
    pub mcs_sum: u64,
    /// Sum of layers over first transmissions.
    pub layers_sum: u64,
}

impl DirectionStats {
    /// Error rate of first transmissions.
    pub fn first_bler(&self) -> f32 {
        if self.first_outcomes == 0 { 0.0 } else { self.first_errors as f32 / self.first_outcomes as f32 }
    }
    /// Mean I_MCS of first transmissions.
    pub fn mcs_mean(&self) -> f32 {
        if self.transport_blocks == 0 { 0.0 } else { self.mcs_sum as f32 / self.transport_blocks as f32 }
    }
    /// Mean layers of first transmissions.
    pub fn layers_mean(&self) -> f32 {
        if self.transport_blocks == 0 { 0.0 } else { self.layers_sum as f32 / self.transport_blocks as f32 }
    }
    pub(crate) fn sent(&mut self, p: &Process) {
        if p.n_tx == 1 {
            self.transport_blocks += 1;
            self.mcs_sum += p.mcs as u64;
            self.layers_sum += u64::from(p.layers);
        } else {
            self.retransmissions += 1;
        }
    }
    pub(crate) fn result(&mut self, ok: bool, n_tx: u8, tbs: u32, dropped: bool) {
        self.crc_errors += !ok as u64;
        self.residual_errors += dropped as u64;
        self.bytes += if ok { tbs as u64 } else { 0 };
        if n_tx == 1 {
            self.first_outcomes += 1;
            self.first_errors += !ok as u64;
        }
    }
    /// Adds another's counts.
    pub fn add(&mut self, o: &DirectionStats) {
        self.transport_blocks += o.transport_blocks;
        self.crc_errors += o.crc_errors;
        self.first_errors += o.first_errors;
        self.first_outcomes += o.first_outcomes;
        self.retransmissions += o.retransmissions;
        self.residual_errors += o.residual_errors;
        self.bytes += o.bytes;
        self.mcs_sum += o.mcs_sum;
        self.layers_sum += o.layers_sum;
    }
}

/// One UE.
#[derive(Clone, Debug)]
pub struct Ue {
    /// C-RNTI, or temporary C-RNTI.
    pub rnti: Rnti,
    /// Where it stands.
    pub phase: Phase,
    /// Dedicated configuration, once one was sent.
    pub dedicated: Option<Box<DedicatedConfig>>,
    /// The UE may or may not have applied its first dedicated configuration yet.
    pub uncertain: bool,
    /// Only formats 0_0 and 1_0 until a reconfiguration is complete.
    pub fallback: bool,
    /// Sizes of its DCIs.
    pub dci: DciContext,
    /// Downlink processes.
    pub dl: [Process; N_HARQ],
    /// Uplink processes.
    pub ul: [Process; N_HARQ],
    /// Bytes that wait for it, with headers.
    pub dl_bytes: u32,
    /// Signalling among them: goes first.
    pub dl_signalling: bool,
    /// Bytes that it has reported and that no grant covers.
    pub ul_bytes: u32,
    /// It asked for a grant.
    pub sr: bool,
    /// It gets small grants unasked until then: it has no (certain) scheduling request resource.
    pub proactive_until: Option<SlotPoint>,
    /// Slot of its last grant.
    pub last_grant: Option<SlotPoint>,
    /// Downlink estimate, of each layer where there are several.
    pub dl_link: Link,
    /// Rank and precoders as they were reported last.
    pub csi: Reported,
    /// Rank and precoders of the uplink; `None` before it was sounded.
    pub sounded: Option<Sounded>,
    /// Uplink estimate of a layer that leaves one port alone, at the power density that control asks for.
    pub ul_link: Link,
    /// RBs at which the UE reaches its greatest power (from the power headroom).
    pub ul_rb_limit: f32,
    /// Served bytes a slot, smoothed, each way.
    pub dl_average: f32,
    /// Served bytes a slot, smoothed.
    pub ul_average: f32,
    /// Bytes served in this slot, each way.
    pub dl_served: u32,
    /// Bytes granted in this slot.
    pub ul_served: u32,
    /// Smoothed timing error, Tc: positive means late.
    pub timing_error: f32,
    /// Measurements in it.
    pub timing_count: u16,
    /// Timing advance command to send, 0..=63.
    pub timing_command: Option<u8>,
    /// No new timing command before this slot.
    pub timing_hold: Option<SlotPoint>,
    /// Power control of its PUSCH.
    pub pusch_power: PowerLoop,
    /// Power control of its PUCCH.
    pub pucch_power: PowerLoop,
    /// Slot in which it was last heard.
    pub last_heard: SlotPoint,
    /// Downlink counters.
    pub dl_stats: DirectionStats,
    /// Uplink counters.
    pub ul_stats: DirectionStats,
}

impl Ue {
    pub(crate) fn new(rnti: Rnti, cell: &CellConfig, target_bler: f32, snr_db: f32, now: SlotPoint) -> Ue {
        Ue {
            rnti,
            phase: Phase::Msg3,
            dedicated: None,
            uncertain: false,
            fallback: true,
            dci: DciContext::common(cell),
            dl: [Process::default(); N_HARQ],
            ul: [Process::default(); N_HARQ],
            dl_bytes: 0,
            dl_signalling: false,
            ul_bytes: 0,
            sr: false,
            proactive_until: None,
            last_grant: None,
            dl_link: Link::new(5.0, target_bler),
            csi: Reported::default(),
            sounded: None,
            ul_link: Link::new(snr_db.clamp(0.0, 8.0), target_bler),
            ul_rb_limit: 320.0,
            dl_average: 1.0,
            ul_average: 1.0,
            dl_served: 0,
            ul_served: 0,
            timing_error: 0.0,
            timing_count: 0,
            timing_command: None,
            timing_hold: None,
            pusch_power: PowerLoop::default(),
            pucch_power: PowerLoop::default(),
            last_heard: now,
            dl_stats: DirectionStats::default(),
            ul_stats: DirectionStats::default(),
        }
    }
    /// The dedicated configuration where it is certain that the UE has applied it.
    pub fn certain(&self) -> Option<&DedicatedConfig> {
        self.dedicated.as_deref().filter(|_| !self.uncertain)
    }
    /// dB by which a layer's SNR may exceed that of one antenna port without a precoder.
    pub(crate) fn precoding_gain_db(&self) -> f32 {
        let ports = self.dedicated.as_deref().and_then(|d| d.csi_report).map_or(1, |r| r.content.codebook.n_ports());
        10.0 * libm::log10f(f32::from(ports.max(1)) / f32::from(self.csi.rank.max(1))).max(0.0)
    }
    /// A downlink process waits for retransmission.
    pub fn dl_retransmits(&self) -> bool {
        self.dl.iter().any(|p| p.state == State::Retransmit)
    }
    /// An uplink process waits for retransmission.
    pub fn ul_retransmits(&self) -> bool {
        self.ul.iter().any(|p| p.state == State::Retransmit)
    }
    /// Bytes granted and not yet received, in slots after `slot` (all of them without one).
    pub(crate) fn outstanding(&self, after: Option<SlotPoint>) -> u32 {
        let later = |p: &&Process| after.is_none_or(|s| p.slot.minus(s) > 0);
        self.ul.iter().filter(|p| p.state != State::Idle).filter(later).map(|p| p.tbs_bytes()).sum()
    }
    /// SINR at which a layer of a PUSCH of `n_rb` RBs arrives, dB; `gain_db` as of [`Ue::ul_gain_db`].
    pub(crate) fn ul_snr(&self, n_rb: u16, gain_db: f32) -> f32 {
        self.ul_link.effective_db() - self.power_shortage_db(n_rb) + gain_db
    }
    /// Ports of a PUSCH by format 0_1.
    fn ul_ports(&self) -> u8 {
        match self.dedicated.as_deref().map(|d| d.pusch.options.scheme) {
            Some(PuschScheme::Codebook { n_ports, .. }) => n_ports.max(1),
            _ => 1,
        }
    }
    /// What a layer of so many gains over one that leaves one port alone with all of the power (as by `fallback` formats), dB.
    pub(crate) fn ul_gain_db(&self, n_layers: u8, fallback: bool) -> f32 {
        let n_ports = self.ul_ports();
        if fallback || n_ports == 1 {
            return 0.0;
        }
        let known = self.sounded.and_then(|s| *s.precoders.get(usize::from(n_layers.max(1)) - 1)?);
        // Before any sounding: the share of the power that one port has.
        known.map_or(-10.0 * libm::log10f(f32::from(n_ports)), |p| p.1)
    }
    /// Layers of a new block by format 0_1, and the TPMI of each number of them.
    pub(crate) fn ul_rank(&self) -> u8 {
        let most = self.dedicated.as_deref().map_or(1, |d| d.pusch.options.scheme.max_rank());
        self.sounded.map_or(1, |s| s.rank).clamp(1, most.clamp(1, 4))
    }
    /// TPMI for so many layers.
    pub(crate) fn ul_tpmi(&self, n_layers: u8) -> u8 {
        let known = self.sounded.and_then(|s| *s.precoders.get(usize::from(n_layers.max(1)) - 1)?);
        known.map_or(0, |p| p.0)
    }
    /// What the power density loses at this bandwidth, dB.
    pub fn power_shortage_db(&self, n_rb: u16) -> f32 {
        (10.0 * libm::log10f(n_rb as f32 / self.ul_rb_limit.max(0.1))).max(0.0)
    }
}
