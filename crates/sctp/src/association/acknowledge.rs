//! SACK: what arrived, what is missing, what the windows become.
//!
//! Spec: RFC 9260 §6.2.1, §6.3.2, §7.2

use super::incoming::Violation;
use super::outgoing::{Fate, Outgoing, after};
use super::{Association, Env, Timer};
use crate::Event;
use crate::wire::{ADDRESSES_MAX, Sack};

/// SACKs that must say that a TSN is missing before it is sent again. Spec: RFC 9260 §7.2.4
const MISSING_MAX: u8 = 3;

/// Paths that an association can have: the source of INIT and what its parameters list.
pub(super) const PATHS_MAX: usize = 1 + ADDRESSES_MAX;

/// What one SACK did to one path.
#[derive(Clone, Copy, Debug, Default)]
struct Credit {
    octets: usize,
    /// The earliest outstanding TSN of the path was acknowledged.
    earliest: bool,
    /// An outstanding TSN of the path was passed over.
    passed: bool,
}

impl Association {
    /// Takes a SACK, or what SHUTDOWN says in its stead (`None` for the window: as it was).
    pub(super) fn sack(&mut self, env: &mut Env<'_>, sack: &Sack<'_>) -> Result<(), Violation> {
        self.acknowledged(env, sack.cumulative, Some(sack.a_rwnd), sack.gaps())
    }

    pub(super) fn acknowledged(
        &mut self,
        env: &mut Env<'_>,
        cumulative: u32,
        a_rwnd: Option<u32>,
        gaps: impl Iterator<Item = (u16, u16)> + Clone,
    ) -> Result<(), Violation> {
        if after(self.tx.acked, cumulative) {
            return Ok(()); // D i: an old one
        }
        let violation = |what| Violation { what, clause: "6.2.1" };
        if after(cumulative, self.tx.last_tsn()) {
            return Err(violation("an acknowledgement of what was never sent"));
        }
        let n_above = self.tx.last_tsn().wrapping_sub(cumulative);
        if gaps.clone().any(|(first, last)| first == 0 || last < first || u32::from(last) > n_above) {
            return Err(violation("a gap ack block out of range"));
        }
        let flight_before: [usize; PATHS_MAX] = core::array::from_fn(|i| self.paths.get(i).map_or(0, |p| p.flight));
        let advanced = cumulative != self.tx.acked;
        let mut credits = [Credit::default(); PATHS_MAX];
        self.pop_acked(env, cumulative, &mut credits);
        let exit = self.tx.recovery;
        if exit.is_some_and(|exit| !after(exit, cumulative)) {
            self.tx.recovery = None;
        }
        // SHUTDOWN says nothing about gaps, so it takes nothing back.
        if gaps.clone().next().is_some() || (self.tx.n_gap > 0 && a_rwnd.is_some()) {
            let highest_new = self.mark_gaps(env, gaps, &mut credits);
            self.count_missing(highest_new, advanced);
        }
        if let Some(a_rwnd) = a_rwnd {
            self.tx.peer_rwnd = (a_rwnd as usize).saturating_sub(self.tx.flight);
            // A peer whose window is shut but who answers is there. Spec: RFC 9260 §8.1
            if (a_rwnd as usize) < self.paths[self.primary].packet_max {
                self.errors = 0;
                self.paths.iter_mut().for_each(|p| p.errors = if p.active { 0 } else { p.errors });
            }
        }
        self.credit(env, &credits, &flight_before, advanced, exit.is_some());
        if self.tx.refused && self.tx.buffered <= env.config.send_buffer / 2 {
            self.tx.refused = false;
            env.event(self.id, Event::Writable);
        }
        Ok(())
    }

    /// Forgets all up to `cumulative`.
    fn pop_acked(&mut self, env: &Env<'_>, cumulative: u32, credits: &mut [Credit; PATHS_MAX]) {
        while self.tx.acked != cumulative {
            let Some(sent) = self.tx.sent.pop_front() else { break };
            self.tx.acked = self.tx.acked.wrapping_add(1);
            let (i, len) = (usize::from(sent.path), sent.len());
            self.tx.buffered -= len;
            match sent.fate {
                Fate::InFlight => {
                    self.tx.flight -= len;
                    let Some(path) = self.paths.get_mut(i) else { continue };
                    path.flight -= len;
                    credits[i].octets += len;
                    credits[i].earliest = true;
                    if path.timed == Some(self.tx.acked) {
                        path.timed = None;
                        if !sent.again {
                            path.round_trip(env.config, env.now - sent.sent_at);
                        }
                    }
                }
                Fate::Acked => self.tx.n_gap -= 1,
                Fate::Lost => {
                    self.tx.n_lost -= 1;
                    credits[i].octets += len;
                    credits[i].earliest = true;
                }
            }
        }
        if self.tx.n_lost == 0 {
            self.tx.fast = false;
        }
    }

    /// Marks what gap ack blocks say and takes back what they no longer say; the highest that is new, as an index.
    fn mark_gaps(
        &mut self,
        env: &Env<'_>,
        gaps: impl Iterator<Item = (u16, u16)>,
        credits: &mut [Credit; PATHS_MAX],
    ) -> Option<usize> {
        let mut gaps = gaps.map(|(first, last)| (usize::from(first) - 1, usize::from(last) - 1)).peekable();
        let mut highest_new = None;
        let mut n_gap_left = self.tx.n_gap;
        let Outgoing { sent, acked, flight, n_lost, n_gap, peer_rwnd, .. } = &mut self.tx;
        for (k, chunk) in sent.iter_mut().enumerate() {
            while gaps.next_if(|(_, last)| *last < k).is_some() {}
            let covered = gaps.peek().is_some_and(|(first, _)| *first <= k);
            if gaps.peek().is_none() && n_gap_left == 0 {
                break;
            }
            let (i, len) = (usize::from(chunk.path), chunk.len());
            let Some(path) = self.paths.get_mut(i) else { continue };
            match (chunk.fate, covered) {
                (Fate::Acked, true) => n_gap_left -= 1,
                (Fate::Acked, false) => {
                    // The peer took its word back. Spec: RFC 9260 §6.2.1 (D iii)
                    n_gap_left -= 1;
                    *n_gap -= 1;
                    *n_lost += 1;
                    chunk.fate = Fate::Lost;
                }
                (fate, true) => {
                    if fate == Fate::InFlight {
                        *flight -= len;
                        path.flight -= len;
                        if path.timed == Some(acked.wrapping_add(1 + k as u32)) {
                            path.timed = None;
                            if !chunk.again {
                                path.round_trip(env.config, env.now - chunk.sent_at);
                            }
                        }
                    } else {
                        *n_lost -= 1;
                        *peer_rwnd = peer_rwnd.saturating_sub(len);
                    }
                    credits[i].octets += len;
                    credits[i].earliest |= !credits[i].passed;
                    chunk.fate = Fate::Acked;
                    *n_gap += 1;
                    highest_new = Some(k);
                }
                (Fate::InFlight, false) => credits[i].passed = true,
                (Fate::Lost, false) => {}
            }
        }
        if self.tx.n_lost == 0 {
            self.tx.fast = false;
        }
        highest_new
    }

    /// Counts reports of what is missing; the third makes a chunk lost, and begins fast recovery. Spec: RFC 9260 §7.2.4
    fn count_missing(&mut self, highest_new: Option<usize>, advanced: bool) {
        // Within fast recovery progress counts for all that is missing below the highest gap block, else for what lies below what is new.
        let bound = match highest_new {
            Some(k) => k,
            None if self.tx.recovery.is_some() && advanced => {
                match self.tx.sent.iter().rposition(|s| s.fate == Fate::Acked) {
                    Some(k) => k,
                    None => return,
                }
            }
            None => return,
        };
        let mut lost_on = [false; PATHS_MAX];
        for chunk in self.tx.sent.iter_mut().take(bound) {
            if chunk.fate != Fate::InFlight || chunk.fast {
                continue;
            }
            chunk.missing = chunk.missing.saturating_add(1);
            if chunk.missing < MISSING_MAX {
                continue;
            }
            let (i, len) = (usize::from(chunk.path), chunk.len());
            chunk.fate = Fate::Lost;
            chunk.fast = true;
            self.tx.n_lost += 1;
            self.tx.flight -= len;
            self.tx.peer_rwnd += len;
            self.tx.fast = true;
            if let Some(path) = self.paths.get_mut(i) {
                path.flight -= len;
                lost_on[i] = true;
            }
        }
        if lost_on.contains(&true) && self.tx.recovery.is_none() {
            self.tx.recovery = Some(self.tx.last_tsn());
            self.paths.iter_mut().zip(lost_on).filter(|(_, lost)| *lost).for_each(|(p, _)| p.halve());
        }
    }

    /// Windows, error counts and T3-rtx of each path. Spec: RFC 9260 §6.3.2, §7.2.1, §8.1, §8.2
    fn credit(
        &mut self,
        env: &mut Env<'_>,
        credits: &[Credit; PATHS_MAX],
        flight_before: &[usize; PATHS_MAX],
        advanced: bool,
        in_recovery: bool,
    ) {
        for i in 0..self.paths.len() {
            let (credit, before) = (credits[i], flight_before[i]);
            if credit.octets > 0 {
                self.errors = 0;
                self.paths[i].grow(credit.octets, before, advanced, in_recovery || self.tx.recovery.is_some());
                self.answers(env, i);
            }
            let path = &self.paths[i];
            if path.flight == 0 && before > 0 {
                self.timers.stop(Timer::T3Rtx(i));
            } else if credit.earliest && path.flight > 0 {
                self.timers.start(Timer::T3Rtx(i), env.now + path.rto);
            }
        }
    }
}
