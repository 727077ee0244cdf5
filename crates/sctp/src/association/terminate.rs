//! Shutdown and abort.
//!
//! Spec: RFC 9260 §9

use nr::Tc;

use super::incoming::Violation;
use super::{Association, Env, State, Timer};
use crate::wire::{Cause, kind, put_chunk};
use crate::{CloseReason, Event};

impl Association {
    /// The user wants no more: what it sent still arrives. Spec: RFC 9260 §9.2
    pub(crate) fn shutdown(&mut self, env: &mut Env<'_>) {
        match self.state {
            State::Established => {
                self.state = State::ShutdownPending;
                self.flush(env);
            }
            State::CookieWait | State::CookieEchoed => self.close(env, CloseReason::UserAbort),
            _ => {}
        }
    }

    /// Goes on with the shutdown once nothing is outstanding. Spec: RFC 9260 §9.2
    pub(super) fn finish_sending(&mut self, env: &mut Env<'_>) {
        let next = match self.state {
            State::ShutdownPending => State::ShutdownSent,
            State::ShutdownReceived => State::ShutdownAckSent,
            _ => return,
        };
        if !self.tx.is_empty() {
            return;
        }
        self.state = next;
        self.timers.stop_where(|t| matches!(t, Timer::Heartbeat(_) | Timer::T3Rtx(_)));
        self.timers.start(Timer::T5ShutdownGuard, env.now + Tc(env.config.rto_max.0.saturating_mul(5)));
        self.send_shutdown(env);
        self.flush(env);
    }

    /// Sends SHUTDOWN or SHUTDOWN ACK, as the state says, and starts T2-shutdown.
    pub(super) fn send_shutdown(&mut self, env: &Env<'_>) {
        let i = self.again_path();
        let mut chunk = Vec::with_capacity(8);
        match self.state {
            State::ShutdownSent => {
                put_chunk(&mut chunk, kind::SHUTDOWN, 0, &(self.rx.cumulative as u32).to_be_bytes());
            }
            State::ShutdownAckSent => put_chunk(&mut chunk, kind::SHUTDOWN_ACK, 0, &[]),
            _ => return,
        }
        self.control(i, chunk);
        self.timers.start(Timer::T2Shutdown, env.now + self.paths[i].rto);
    }

    /// SHUTDOWN came. Spec: RFC 9260 §9.2
    pub(super) fn shutdown_came(&mut self, env: &mut Env<'_>, cumulative: u32) -> Result<(), Violation> {
        match self.state {
            State::Established | State::ShutdownPending => {
                let told = self.state == State::Established;
                self.state = State::ShutdownReceived;
                if told {
                    env.event(self.id, Event::PeerShutdown);
                }
                self.acknowledged(env, cumulative, None, core::iter::empty())
            }
            State::ShutdownReceived => self.acknowledged(env, cumulative, None, core::iter::empty()),
            State::ShutdownSent => {
                self.state = State::ShutdownAckSent;
                self.send_shutdown(env);
                Ok(())
            }
            State::ShutdownAckSent => {
                self.send_shutdown(env);
                Ok(())
            }
            State::CookieWait | State::CookieEchoed | State::Closed => Ok(()),
        }
    }

    /// SHUTDOWN ACK came. Spec: RFC 9260 §9.2
    pub(super) fn shutdown_ack_came(&mut self, env: &mut Env<'_>, from: usize) {
        if !matches!(self.state, State::ShutdownSent | State::ShutdownAckSent) {
            return;
        }
        let mut packet = Vec::with_capacity(16);
        self.header().put(&mut packet);
        put_chunk(&mut packet, kind::SHUTDOWN_COMPLETE, 0, &[]);
        self.emit(env, from, packet);
        self.close(env, CloseReason::Shutdown);
    }

    /// Sends ABORT to the peer. Spec: RFC 9260 §9.1
    pub(crate) fn abort(&mut self, env: &mut Env<'_>, cause: &Cause) {
        if matches!(self.state, State::Closed | State::CookieWait) {
            return; // nobody is known to tell it to
        }
        let mut causes = Vec::new();
        cause.put(&mut causes);
        let mut packet = Vec::with_capacity(16 + causes.len());
        self.header().put(&mut packet);
        put_chunk(&mut packet, kind::ABORT, 0, &causes);
        self.emit(env, self.again_path(), packet);
    }

    /// It is over.
    pub(crate) fn close(&mut self, env: &mut Env<'_>, reason: CloseReason) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.timers.stop_where(|_| true);
        self.control.clear();
        env.event(self.id, Event::Closed(reason));
    }

    /// The peer broke a rule: it is told, and it is over.
    pub(super) fn violated(&mut self, env: &mut Env<'_>, v: Violation) {
        self.abort(env, &Cause::ProtocolViolation(v.what.as_bytes().to_vec()));
        self.close(env, CloseReason::Violation { what: v.what, clause: v.clause });
    }
}
