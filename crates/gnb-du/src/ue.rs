//! What the DU keeps of one UE.

use crate::config::{CellParams, UeRadio};
use nr::{DrbId, LcId, SlotPoint, Tc};
use rlc::{Limits, Rlc};
use sched::harq::N_HARQ;
use seam::bearer::*;
use seam::f1::{DrbSetup, DuUeId};
use std::collections::VecDeque;

/// Where a UE stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Msg3 is awaited.
    Msg3,
    /// The CU was told; its answer and Msg4 are under way.
    Msg4,
    /// It holds its C-RNTI.
    Active,
}

/// A logical channel with its RLC entity.
#[derive(Debug)]
pub(crate) struct Channel {
    pub config: RlcBearerConfig,
    pub rlc: Rlc,
    /// Nothing is sent until the UE has reconfigured it (after a re-establishment).
    pub suspended: bool,
    /// SDUs done at the last report.
    pub reported: u64,
    /// SDUs that RLC has: the first one's tag, and what is known of each.
    first_tag: u32,
    in_rlc: VecDeque<InRlc>,
    /// Data SDUs delivered in sequence and not reported yet.
    pub delivered: u32,
}

/// An SDU that went to RLC.
#[derive(Clone, Copy, Debug)]
struct InRlc {
    /// A PDCP data PDU; control PDUs have no COUNT. Spec: TS 38.323 §6.2.3
    data: bool,
    /// Acknowledged, or refused by RLC: nothing more will come of it.
    done: bool,
}

impl Channel {
    pub fn new(config: RlcBearerConfig) -> Channel {
        Channel {
            rlc: Rlc::new(&config.rlc, Limits::default()),
            config,
            suspended: false,
            reported: 0,
            first_tag: 0,
            in_rlc: VecDeque::new(),
            delivered: 0,
        }
    }
    /// Queues a PDCP PDU (or the message of SRB0). A full queue refuses; RLC counts it.
    pub fn push(&mut self, now: Tc, pdu: Vec<u8>) {
        // The D/C bit of a DRB. Spec: TS 38.323 §6.3.7
        let data = self.config.bearer.is_srb() || pdu.first().is_some_and(|b| b & 0x80 != 0);
        let tag = self.first_tag.wrapping_add(self.in_rlc.len() as u32);
        let refused = match self.rlc.push_sdu(now, pdu, tag) {
            Err(rlc::QueueFull(pdu)) => {
                self.rlc.recycle(pdu);
                true
            }
            Ok(()) => false,
        };
        if matches!(self.config.rlc, RlcConfig::Am { .. }) {
            self.in_rlc.push_back(InRlc { data, done: refused });
        }
    }
    /// RLC says that the SDU with this tag was acknowledged. Only what is delivered in sequence counts: PDCP takes a count for
    /// the oldest PDUs. Spec: TS 38.425 §5.5.3.6 (highest successfully delivered NR PDCP SN)
    pub fn acknowledged(&mut self, tag: u32) {
        if let Some(sdu) = self.in_rlc.get_mut(tag.wrapping_sub(self.first_tag) as usize) {
            sdu.done = true;
        }
        while self.in_rlc.front().is_some_and(|s| s.done) {
            let data = self.in_rlc.pop_front().is_some_and(|s| s.data);
            self.delivered += u32::from(data);
            self.first_tag = self.first_tag.wrapping_add(1);
        }
    }
    /// RLC starts anew, empty. Spec: TS 38.322 §5.1.2
    pub fn reestablish(&mut self) {
        self.rlc.reestablish();
        self.first_tag = self.first_tag.wrapping_add(self.in_rlc.len() as u32);
        self.in_rlc.clear();
    }
}

/// One UE.
#[derive(Debug)]
pub(crate) struct UeContext {
    pub id: DuUeId,
    pub state: State,
    pub since: Tc,
    /// First six bytes of the CCCH message of Msg3.
    pub contention_id: [u8; 6],
    /// A Msg4 with it was sent.
    pub resolved: bool,
    /// An RRC message for SRB0 that waits for Msg4.
    pub srb0: Option<Vec<u8>>,
    /// By priority.
    pub channels: Vec<Channel>,
    /// Blocks of the downlink HARQ processes.
    pub blocks: [Vec<u8>; N_HARQ],
    /// The first dedicated configuration waits for the UE's first message on SRB1.
    pub setup_pending: bool,
    /// A reconfiguration waits for its completion; the configuration takes effect then.
    pub pending: Option<Box<fapi::DedicatedConfig>>,
    /// What the UE can do.
    pub radio: UeRadio,
    /// To be forgotten once what waits has been delivered, or then.
    pub release_at: Option<Tc>,
    /// The CU was told that it is lost.
    pub lost: bool,
    pub last_heard: SlotPoint,
    pub last_heard_at: Tc,
    pub next_status_at: Tc,
}

impl UeContext {
    pub fn new(id: DuUeId, now: Tc, slot: SlotPoint) -> UeContext {
        UeContext {
            id,
            state: State::Msg3,
            since: now,
            contention_id: [0; 6],
            resolved: false,
            srb0: None,
            channels: Vec::new(),
            blocks: core::array::from_fn(|_| Vec::new()),
            setup_pending: false,
            pending: None,
            radio: UeRadio::default(),
            release_at: None,
            lost: false,
            last_heard: slot,
            last_heard_at: now,
            next_status_at: now,
        }
    }
    pub fn channel(&mut self, lcid: LcId) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|c| c.config.lcid == lcid)
    }
    pub fn bearer(&mut self, bearer: Bearer) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|c| c.config.bearer == bearer)
    }
    /// Adds a channel, or changes it, and keeps the order of priorities.
    pub fn add(&mut self, config: RlcBearerConfig) {
        match self.channel(config.lcid) {
            Some(c) => {
                c.rlc.reconfigure(&config.rlc);
                c.config = config;
            }
            None => self.channels.push(Channel::new(config)),
        }
        self.channels.sort_by_key(|c| (c.config.logical_channel.priority, c.config.lcid));
    }
    /// (bytes that wait with headers, signalling among them).
    pub fn waiting(&self) -> (u32, bool) {
        let mut bytes = 0u32;
        let mut signalling = false;
        for c in self.channels.iter().filter(|c| !c.suspended) {
            let n = c.rlc.buffer_status().total();
            if n > 0 {
                // MAC subheaders: three bytes for each PDU, of which there are few.
                bytes = bytes.saturating_add(n).saturating_add(3 + n / 400);
                signalling |= c.config.bearer.is_srb();
            }
        }
        if let Some(m) = &self.srb0 {
            (bytes, signalling) = (bytes.saturating_add(mac::sdu_len_with_header(m.len()) as u32), true);
        }
        (bytes, signalling)
    }
}

/// SRB1 and SRB2 as they are by default. Spec: TS 38.331 §9.2.1
pub(crate) fn srb(n: u8) -> RlcBearerConfig {
    let (bearer, priority) = if n == 1 { (Bearer::Srb1, 1) } else { (Bearer::Srb2, 3) };
    RlcBearerConfig {
        lcid: lcid(n),
        bearer,
        rlc: RlcConfig::Am {
            sn_bits: 12,
            t_poll_retransmit_ms: 45,
            poll_pdu: None,
            poll_byte: None,
            max_retx_threshold: 8,
            t_reassembly_ms: 35,
            t_status_prohibit_ms: 0,
        },
        logical_channel: LogicalChannelConfig {
            priority,
            prioritised_bit_rate: None,
            bucket_size_duration_ms: 50,
            logical_channel_group: Some(0),
            scheduling_request: true,
        },
    }
}

/// A DRB: logical channel 3 + its identity.
pub(crate) fn drb(p: &CellParams, d: &DrbSetup) -> RlcBearerConfig {
    let rlc = if d.acknowledged {
        RlcConfig::Am {
            sn_bits: p.rlc_am_sn_bits,
            t_poll_retransmit_ms: p.t_poll_retransmit_ms,
            poll_pdu: Some(p.poll_pdu).filter(|n| *n > 0),
            poll_byte: Some(p.poll_byte_kb * 1000).filter(|n| *n > 0),
            max_retx_threshold: p.max_retx_threshold,
            t_reassembly_ms: p.t_reassembly_ms,
            t_status_prohibit_ms: p.t_status_prohibit_ms,
        }
    } else {
        RlcConfig::Um { sn_bits: 12, t_reassembly_ms: p.t_reassembly_ms }
    };
    // Conversational and signalling classes before the rest. Spec: TS 23.501 table 5.7.4-1
    let priority = match d.five_qi {
        5 => 4,
        1 | 65 | 66 | 67 => 5,
        2 | 3 | 7 => 6,
        4 | 6 => 7,
        _ => 8,
    };
    RlcBearerConfig {
        lcid: drb_lcid(d.drb),
        bearer: Bearer::Drb(d.drb),
        rlc,
        logical_channel: LogicalChannelConfig {
            priority,
            prioritised_bit_rate: Some(8000),
            bucket_size_duration_ms: 100,
            logical_channel_group: Some(if priority < 8 { 1 } else { 2 }),
            scheduling_request: true,
        },
    }
}

/// Logical channel of a DRB.
pub(crate) fn drb_lcid(d: DrbId) -> LcId {
    lcid((d.get() + 3).min(32))
}

pub(crate) fn lcid(n: u8) -> LcId {
    LcId::new(n).unwrap_or(FIRST)
}

const FIRST: LcId = match LcId::new(1) {
    Some(l) => l,
    None => panic!("1 is a logical channel"),
};
