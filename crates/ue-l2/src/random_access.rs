//! Random access, contention based. Spec: TS 38.321 §5.1
//!
//! | in the specification | here |
//! |---|---|
//! | PREAMBLE_INDEX | `preamble` |
//! | PREAMBLE_TRANSMISSION_COUNTER | `counter` |
//! | PREAMBLE_POWER_RAMPING_COUNTER | `ramping` |
//! | PREAMBLE_BACKOFF | `backoff` |
//! | TEMPORARY_C-RNTI | in [`State`] |

use crate::Out;
use fapi::ue::UeL1Command;
use mac::rar::backoff;
use mac::{RarReader, RarSubPdu};
use node::Rng;
use nr::{Rnti, SlotPoint, Tc};
use seam::ue::{L2Event, RandomAccessConfig};

/// What Msg3 carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Msg3 {
    /// An SDU of the CCCH; the contention is resolved by the UE Contention Resolution Identity.
    Ccch(Vec<u8>),
    /// The C-RNTI; the contention is resolved by the PDCCH.
    CRnti,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Idle,
    /// L1 has the preamble and waits for the occasion.
    Preamble,
    /// ra-ResponseWindow runs. The time is for the case that no slot is heard any more.
    Response {
        ra_rnti: Rnti,
        until: SlotPoint,
        at: Tc,
    },
    /// The response came; the grant for Msg3 is at L1.
    Granted {
        temporary: Rnti,
        at: Tc,
    },
    /// ra-ContentionResolutionTimer runs.
    Contention {
        temporary: Rnti,
        at: Tc,
    },
    Backoff {
        at: Tc,
    },
}

/// The procedure of one MAC entity.
#[derive(Debug)]
pub(crate) struct RandomAccess {
    pub(crate) config: Option<RandomAccessConfig>,
    pub(crate) state: State,
    pub(crate) msg3: Msg3,
    /// Msg3 as it was sent, for the next attempts of the procedure.
    pub(crate) msg3_buffer: Vec<u8>,
    preamble: u8,
    counter: u8,
    ramping: u8,
    backoff: Tc,
    /// Preambles sent since the procedure began, for reports.
    sent: u8,
}

/// Slots that the response window is watched longer than it is: its start depends on the search space, which L1 knows.
const WINDOW_SLACK_SLOTS: i64 = 5;
/// What L1 has beyond a window in slots or a grant's slot before MAC gives up on it.
const L1_SLACK: Tc = Tc::from_ms(20);

impl RandomAccess {
    pub(crate) fn new() -> RandomAccess {
        RandomAccess {
            config: None,
            state: State::Idle,
            msg3: Msg3::CRnti,
            msg3_buffer: Vec::new(),
            preamble: 0,
            counter: 0,
            ramping: 0,
            backoff: Tc::ZERO,
            sent: 0,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Starts the procedure; one that runs is given up. `false` without a configuration. Spec: TS 38.321 §5.1.1
    pub(crate) fn start(&mut self, msg3: Msg3, rng: &mut Rng, out: &mut Out) -> bool {
        self.stop(out);
        self.msg3 = msg3;
        self.msg3_buffer.clear();
        self.counter = 1;
        self.ramping = 1;
        self.backoff = Tc::ZERO;
        self.sent = 0;
        self.select_resource(rng, out)
    }

    /// Ends the procedure without a result.
    pub(crate) fn stop(&mut self, out: &mut Out) {
        if matches!(self.state, State::Response { .. }) {
            self.watch(None, SlotPoint::default(), out);
        }
        self.state = State::Idle;
        self.msg3_buffer.clear();
    }

    fn watch(&self, ra_rnti: Option<Rnti>, until: SlotPoint, out: &mut Out) {
        out.l1.commands.push(UeL1Command::WatchRar { ra_rnti, until });
    }

    /// Chooses a preamble and hands it to L1. Spec: TS 38.321 §5.1.2, §5.1.3
    fn select_resource(&mut self, rng: &mut Rng, out: &mut Out) -> bool {
        let Some(c) = self.config else {
            self.state = State::Idle;
            return false;
        };
        self.preamble = rng.below(c.n_preambles.max(1).into()) as u8;
        let ramp = i16::from(self.ramping.saturating_sub(1)) * i16::from(c.power_ramping_step_db);
        let target_power_dbm = c.preamble_target_power_dbm.saturating_add(ramp);
        out.l1.commands.push(UeL1Command::SendPreamble { preamble: self.preamble, target_power_dbm });
        self.state = State::Preamble;
        true
    }

    /// The preamble has gone: the response window opens. Spec: TS 38.321 §5.1.4
    pub(crate) fn preamble_sent(&mut self, now: Tc, ra_rnti: Rnti, end: SlotPoint, out: &mut Out) {
        let (State::Preamble, Some(c)) = (self.state, self.config) else { return };
        self.sent = self.sent.saturating_add(1);
        let window = i64::from(c.ra_response_window_slots.max(1)) + WINDOW_SLACK_SLOTS;
        let until = end.plus(window);
        let at = now + Tc(end.numerology().slot_tc().0 * window) + L1_SLACK;
        self.state = State::Response { ra_rnti, until, at };
        self.watch(Some(ra_rnti), until, out);
    }

    /// A random access response. Returns T_A where it holds one for this preamble. Spec: TS 38.321 §5.1.4
    pub(crate) fn response(
        &mut self,
        now: Tc,
        rnti: Rnti,
        slot: SlotPoint,
        pdu: &[u8],
        c_rnti: Option<Rnti>,
        out: &mut Out,
    ) -> Option<u16> {
        let State::Response { ra_rnti, .. } = self.state else { return None };
        if rnti != ra_rnti {
            return None;
        }
        self.backoff = Tc::ZERO;
        let mut found = None;
        for sub in RarReader::new(pdu, 0) {
            match sub {
                RarSubPdu::Backoff(bi) => self.backoff = backoff(bi),
                RarSubPdu::Response { rapid, rar } if rapid == self.preamble => found = found.or(Some(rar)),
                _ => {}
            }
        }
        let rar = found?;
        self.watch(None, slot, out);
        let temporary = rar.temporary_c_rnti;
        out.l1.commands.push(UeL1Command::SetRnti { c_rnti, temporary: Some(temporary) });
        out.l1.commands.push(UeL1Command::RarGrant { grant: rar.ul_grant, slot });
        self.state = State::Granted { temporary, at: now + self.contention_timer() + L1_SLACK };
        Some(rar.timing_advance)
    }

    fn contention_timer(&self) -> Tc {
        Tc::from_ms(self.config.map_or(64, |c| c.contention_resolution_timer_ms.max(1)).into())
    }

    /// Msg3 goes (or goes again) and ends at `end`: the contention resolution timer starts anew. Spec: TS 38.321 §5.1.5
    pub(crate) fn msg3_sent(&mut self, end: Tc) {
        if let State::Granted { temporary, .. } | State::Contention { temporary, .. } = self.state {
            self.state = State::Contention { temporary, at: end + self.contention_timer() };
        }
    }

    /// A block for the temporary C-RNTI with this contention resolution identity, if any. `Some(true)`: it is ours, and the
    /// temporary C-RNTI is the C-RNTI now; `Some(false)`: another one's. Spec: TS 38.321 §5.1.5
    pub(crate) fn resolve_by_identity(&self, identity: Option<[u8; 6]>) -> Option<bool> {
        let (State::Contention { .. }, Msg3::Ccch(sdu)) = (self.state, &self.msg3) else { return None };
        Some(identity.is_some_and(|id| sdu.starts_with(&id)))
    }

    /// The temporary C-RNTI of the attempt that is under way.
    pub(crate) fn temporary(&self) -> Option<Rnti> {
        match self.state {
            State::Granted { temporary, .. } | State::Contention { temporary, .. } => Some(temporary),
            _ => None,
        }
    }

    /// The PDCCH to the C-RNTI resolves the contention of a Msg3 with the C-RNTI.
    pub(crate) fn is_resolved_by_pdcch(&self) -> bool {
        matches!((self.state, &self.msg3), (State::Contention { .. }, Msg3::CRnti))
    }

    /// Ends the procedure with success.
    pub(crate) fn complete(&mut self, now: Tc, c_rnti: Rnti, out: &mut Out) {
        self.state = State::Idle;
        self.msg3_buffer.clear();
        out.l1.commands.push(UeL1Command::SetRnti { c_rnti: Some(c_rnti), temporary: None });
        out.events.push(L2Event::RandomAccessDone { c_rnti, preambles_sent: self.sent, at: now });
    }

    /// No response, or the contention was lost: once more, after the back-off. Spec: TS 38.321 §5.1.4, §5.1.5
    pub(crate) fn attempt_failed(&mut self, now: Tc, c_rnti: Option<Rnti>, rng: &mut Rng, out: &mut Out) {
        let Some(c) = self.config else { return self.stop(out) };
        match self.state {
            State::Response { .. } => self.watch(None, SlotPoint::default(), out),
            State::Granted { .. } | State::Contention { .. } => {
                out.l1.commands.push(UeL1Command::SetRnti { c_rnti, temporary: None });
            }
            _ => {}
        }
        self.counter = self.counter.saturating_add(1);
        self.ramping = self.ramping.saturating_add(1);
        // Told once; the procedure goes on until RRC ends it.
        if self.counter == c.preamble_trans_max.saturating_add(1) {
            out.events.push(L2Event::RandomAccessProblem);
        }
        let us = u32::try_from(self.backoff.as_us()).unwrap_or(0);
        if us == 0 {
            self.select_resource(rng, out);
        } else {
            self.state = State::Backoff { at: now + Tc::from_us(i64::from(rng.below(us + 1))) };
        }
    }

    /// The last slot of the response window has been heard without a response.
    pub(crate) fn window_is_over(&self, slot: SlotPoint) -> bool {
        match self.state {
            State::Response { until, .. } => slot.numerology() == until.numerology() && slot.minus(until) >= 0,
            _ => false,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tc> {
        match self.state {
            State::Response { at, .. }
            | State::Granted { at, .. }
            | State::Contention { at, .. }
            | State::Backoff { at } => Some(at),
            State::Idle | State::Preamble => None,
        }
    }

    pub(crate) fn timeout(&mut self, now: Tc, c_rnti: Option<Rnti>, rng: &mut Rng, out: &mut Out) -> Timeout {
        if self.deadline().is_none_or(|t| t > now) {
            return Timeout::None;
        }
        if matches!(self.state, State::Backoff { .. }) {
            self.select_resource(rng, out);
            return Timeout::None;
        }
        let contention = !matches!(self.state, State::Response { .. });
        self.attempt_failed(now, c_rnti, rng, out);
        if contention { Timeout::ContentionLost } else { Timeout::None }
    }
}

/// What a timer of the procedure did.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Timeout {
    None,
    /// ra-ContentionResolutionTimer expired.
    ContentionLost,
}
