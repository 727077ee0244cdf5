//! What happens when a timer expires.
//!
//! | timer | runs | expires |
//! |---|---|---|
//! | T1-init, T1-cookie | INIT, COOKIE ECHO are out | sent again, in the end given up (§4, §5.1) |
//! | T2-shutdown | SHUTDOWN, SHUTDOWN ACK are out | sent again (§9.2) |
//! | T3-rtx | DATA is out on a path | lost, sent again on another path where there is one (§6.3.3) |
//! | T5-shutdown-guard | since SHUTDOWN | abort (§9.2) |
//! | heartbeat | on each path | a HEARTBEAT to an idle path, a fault if the last was not answered (§8.3) |
//! | SACK | DATA came, one packet | acknowledged (§6.2) |

use nr::Tc;

use super::{Association, Env, SackDue, State};
use crate::wire::{Cause, kind, parameter, put_chunk, put_parameter, u32_at};
use crate::{CloseReason, Event};

/// A timer of an association; the number is a path's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    T1Init,
    T1Cookie,
    T2Shutdown,
    T3Rtx(usize),
    T5ShutdownGuard,
    Heartbeat(usize),
    Sack,
}

impl Association {
    /// Fires what is due.
    pub(crate) fn timeout(&mut self, env: &mut Env<'_>) {
        let mut burst = env.config.burst_max;
        while let Some(timer) = self.timers.expired(env.now) {
            match timer {
                Timer::T1Init | Timer::T1Cookie => self.t1(env),
                Timer::T2Shutdown => self.t2(env),
                Timer::T3Rtx(i) => {
                    self.t3(env, i);
                    burst = 1;
                }
                Timer::T5ShutdownGuard => {
                    self.abort(env, &Cause::ProtocolViolation(b"shutdown takes too long".to_vec()));
                    self.close(env, CloseReason::ShutdownGuard);
                }
                Timer::Heartbeat(i) => self.heartbeat_due(env, i),
                Timer::Sack => self.sack_due = SackDue::Now,
            }
            if self.state == State::Closed {
                return;
            }
        }
        self.flush_burst(env, burst);
    }

    fn t1(&mut self, env: &mut Env<'_>) {
        self.handshake.attempts += 1;
        if self.handshake.attempts > env.config.init_retransmissions_max {
            return self.close(env, CloseReason::Unanswered);
        }
        let i = self.primary;
        self.paths[i].back_off(env.config);
        if self.state == State::CookieWait {
            // Another of the peer's addresses may answer. Spec: RFC 9260 §5.1, §6.4
            let rto = self.paths[i].rto;
            self.primary = (i + 1) % self.paths.len();
            self.paths[self.primary].rto = rto;
            self.send_init(env);
        } else {
            self.send_cookie(env);
        }
    }

    fn t2(&mut self, env: &mut Env<'_>) {
        let i = self.data_path();
        self.paths[i].back_off(env.config);
        if !self.fault(env, i) {
            self.send_shutdown(env);
        }
    }

    fn t3(&mut self, env: &mut Env<'_>, i: usize) {
        let Some(path) = self.paths.get_mut(i) else { return };
        path.collapse();
        path.back_off(env.config);
        self.tx.lose(i, path);
        if self.fault(env, i) {
            return;
        }
        // One packet at once, whatever the window of the path that it goes on.
        self.tx.fast = true;
    }

    /// Counts a timeout on path `i`; `true` if that was the end. Spec: RFC 9260 §8.1, §8.2
    fn fault(&mut self, env: &mut Env<'_>, i: usize) -> bool {
        self.errors += 1;
        if self.errors > env.config.association_retransmissions_max {
            self.abort(env, &Cause::ProtocolViolation(b"no answer".to_vec()));
            self.close(env, CloseReason::Unreachable);
            return true;
        }
        self.path_fault(env, i);
        false
    }

    fn path_fault(&mut self, env: &mut Env<'_>, i: usize) {
        let path = &mut self.paths[i];
        path.errors += 1;
        if path.active && path.errors > env.config.path_retransmissions_max {
            path.active = false;
            let remote = path.remote;
            env.event(self.id, Event::PathDown(remote));
        }
    }

    /// Path `i` answered. Spec: RFC 9260 §8.2, §8.3
    pub(super) fn answers(&mut self, env: &mut Env<'_>, i: usize) {
        let path = &mut self.paths[i];
        path.errors = 0;
        if !path.active {
            path.active = true;
            let remote = path.remote;
            env.event(self.id, Event::PathUp(remote));
        }
    }

    /// Starts the heartbeats of a new association: paths that are not confirmed are asked first, one in each RTO.
    ///
    /// Spec: RFC 9260 §5.4, §8.3
    pub(super) fn start_heartbeats(&mut self, env: &mut Env<'_>) {
        let mut wait = Tc::MS;
        for i in 0..self.paths.len() {
            if self.paths[i].confirmed {
                let at = self.heartbeat_at(env, i);
                self.timers.start(Timer::Heartbeat(i), at);
            } else {
                self.timers.start(Timer::Heartbeat(i), env.now + wait);
                wait += self.paths[i].rto;
            }
        }
    }

    fn heartbeat_at(&self, env: &mut Env<'_>, i: usize) -> Tc {
        let rto = self.paths[i].rto;
        let jitter = (rto.0 as f64 * (env.rng.unit() - 0.5)) as i64;
        let interval = if self.paths[i].confirmed { env.config.heartbeat_interval } else { Tc::ZERO };
        env.now + Tc(rto.0 + jitter) + interval
    }

    fn heartbeat_due(&mut self, env: &mut Env<'_>, i: usize) {
        if !matches!(self.state, State::Established | State::ShutdownPending | State::ShutdownReceived) {
            return;
        }
        if self.paths[i].heartbeat.take().is_some() {
            self.paths[i].back_off(env.config);
            // A path that never answered says nothing about the peer. Spec: RFC 9260 §8.1, §5.4
            if !self.paths[i].confirmed {
                self.path_fault(env, i);
            } else if self.fault(env, i) {
                return;
            }
        }
        let path = &self.paths[i];
        let idle = env.now - path.used >= path.rto || !path.confirmed;
        if idle && path.flight == 0 {
            self.send_heartbeat(env, i);
        }
        let at = self.heartbeat_at(env, i);
        self.timers.start(Timer::Heartbeat(i), at);
    }

    /// Sends a HEARTBEAT on path `i`. Spec: RFC 9260 §8.3
    pub(crate) fn send_heartbeat(&mut self, env: &mut Env<'_>, i: usize) {
        let nonce = env.rng.u64();
        let mut info = (i as u32).to_be_bytes().to_vec();
        info.extend_from_slice(&nonce.to_be_bytes());
        let mut value = Vec::with_capacity(16);
        put_parameter(&mut value, parameter::HEARTBEAT_INFO, &info);
        let mut chunk = Vec::with_capacity(20);
        put_chunk(&mut chunk, kind::HEARTBEAT, 0, &value);
        self.paths[i].heartbeat = Some((nonce, env.now));
        self.paths[i].used = env.now;
        self.control(i, chunk);
    }

    /// Takes the information of a HEARTBEAT ACK. Spec: RFC 9260 §8.3, §5.4
    pub(super) fn heartbeat_ack(&mut self, env: &mut Env<'_>, info: &[u8]) {
        let i = u32_at(info, 0) as usize;
        let nonce = u64::from(u32_at(info, 4)) << 32 | u64::from(u32_at(info, 8));
        let Some(path) = self.paths.get_mut(i) else { return };
        let Some((sent, at)) = path.heartbeat else { return };
        if info.len() != 12 || sent != nonce {
            return;
        }
        path.heartbeat = None;
        path.round_trip(env.config, env.now - at);
        if !path.confirmed {
            path.confirmed = true;
            let remote = path.remote;
            env.event(self.id, Event::PathUp(remote));
            path.errors = 0;
            path.active = true;
        }
        self.errors = 0;
        self.answers(env, i);
        let at = self.heartbeat_at(env, i);
        self.timers.start(Timer::Heartbeat(i), at);
    }
}
