//! Transmitting side. Spec: TS 38.323 §5.2.1, §5.3, §5.4.2
//!
//! | in the specification | here |
//! |---|---|
//! | TX_NEXT | `next` |

use crate::header::{header_len, protect, put_header};
use crate::{Limits, PdcpEvent, Protection, SendError, Setup};
use node::Outbox;
use nr::Tc;
use std::collections::VecDeque;

/// An SDU that was sent, as far as it is remembered.
#[derive(Debug)]
struct Held {
    /// Kept for re-establishment.
    sdu: Option<Vec<u8>>,
    discard_at: Option<Tc>,
    done: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Tx {
    next: u64,
    /// COUNT of the first of `held`; the others follow without gaps.
    held_first: u64,
    held: VecDeque<Held>,
    held_bytes: usize,
    /// Buffers of SDUs that are no longer held.
    spare: Vec<Vec<u8>>,
}

/// Buffers kept at most.
const SPARE_MAX: usize = 1024;
/// Capacity of a new one: an IP packet of 1500 bytes does not make it grow.
const BUFFER_CAPACITY: usize = 1536;

impl Tx {
    pub(crate) fn next(&self) -> u64 {
        self.next
    }
    #[cfg(test)]
    pub(crate) fn set_next(&mut self, count: u32) {
        self.next = count.into();
    }
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    pub(crate) fn send(
        &mut self,
        now: Tc,
        mut sdu: Vec<u8>,
        setup: &Setup,
        limits: &Limits,
        protection: Option<&Protection>,
    ) -> Result<(Vec<u8>, u32), SendError> {
        let Ok(count) = u32::try_from(self.next) else { return Err(SendError::CountExhausted) };
        let keep = setup.acknowledged && !setup.bearer.is_srb();
        let window = 1 << (setup.config.sn_bits - 1);
        if keep && (self.held.len() >= window || self.held_bytes + sdu.len() > limits.held_bytes) {
            return Err(SendError::Full(sdu));
        }
        let discard_at = setup.config.discard_timer_ms.map(|ms| now.saturating_add(Tc::from_ms(ms.into())));
        if keep || discard_at.is_some() {
            if self.held.is_empty() {
                self.held_first = self.next;
            }
            // Unacknowledged bearers remember the last COUNTs only; RLC has long sent the others.
            if self.held.len() >= window {
                self.drop_front();
            }
            self.held_bytes += if keep { sdu.len() } else { 0 };
            let copy = keep.then(|| {
                let mut copy = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BUFFER_CAPACITY));
                copy.extend_from_slice(&sdu);
                copy
            });
            self.held.push_back(Held { sdu: copy, discard_at, done: false });
        }
        self.next += 1;
        make_pdu(setup, protection, count, &mut sdu);
        Ok((sdu, count))
    }

    fn drop_front(&mut self) {
        if let Some(h) = self.held.pop_front() {
            self.held_first += 1;
            self.free(h.sdu);
        }
    }

    fn free(&mut self, sdu: Option<Vec<u8>>) {
        let Some(mut buffer) = sdu else { return };
        self.held_bytes -= buffer.len();
        if self.spare.len() < SPARE_MAX && buffer.capacity() >= BUFFER_CAPACITY {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    fn done(&mut self, index: usize) -> bool {
        let Some(h) = self.held.get_mut(index).filter(|h| !h.done) else { return false };
        h.done = true;
        let sdu = h.sdu.take();
        self.free(sdu);
        while self.held.front().is_some_and(|h| h.done) {
            self.drop_front();
        }
        true
    }

    pub(crate) fn delivered(&mut self, count: u32) {
        if let Some(i) = u64::from(count).checked_sub(self.held_first) {
            self.done(usize::try_from(i).unwrap_or(usize::MAX));
        }
    }
    pub(crate) fn delivered_oldest(&mut self, n: u32) {
        for _ in 0..n {
            if !self.done(0) {
                return;
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tc> {
        // Timers of one length expire in order, and the first entry is never a done one.
        self.held.front().and_then(|h| h.discard_at)
    }

    /// Discards what discardTimer has come for; returns how many. Spec: TS 38.323 §5.3
    pub(crate) fn timeout(&mut self, now: Tc, out: &mut Outbox<PdcpEvent>) -> u64 {
        let mut n = 0;
        while self.held.front().is_some_and(|h| h.discard_at.is_some_and(|t| t <= now)) {
            out.push(PdcpEvent::Discard { count: self.held_first as u32 });
            self.done(0);
            n += 1;
        }
        n
    }

    /// A control PDU of the peer; `false` if it is malformed or of an unknown kind. Spec: TS 38.323 §5.4.2, §6.2.3.1
    pub(crate) fn receive_control(&mut self, pdu: &[u8], out: &mut Outbox<PdcpEvent>) -> bool {
        let Some((&[b0, f0, f1, f2, f3], bitmap)) = pdu.split_first_chunk::<5>() else { return false };
        if b0 >> 4 != 0 {
            return false;
        }
        let fmc = u64::from(u32::from_be_bytes([f0, f1, f2, f3]));
        if fmc > self.next {
            return false;
        }
        let first = self.held_first;
        for i in (0..self.held.len()).rev() {
            let count = first + i as u64;
            let received = match count.checked_sub(fmc) {
                None => true,
                Some(0) => false,
                Some(n) => bitmap.get(((n - 1) / 8) as usize).is_some_and(|b| b >> (7 - (n - 1) % 8) & 1 == 1),
            };
            // From the last to the first: `done` moves the first entry only when it is its turn.
            if received && self.done(i) {
                out.push(PdcpEvent::Discard { count: count as u32 });
            }
        }
        true
    }

    /// Sends what is kept again, in order. Spec: TS 38.323 §5.1.2
    pub(crate) fn send_again(
        &mut self,
        now: Tc,
        setup: &Setup,
        protection: Option<&Protection>,
        out: &mut Outbox<PdcpEvent>,
    ) {
        let _ = now;
        for (i, h) in self.held.iter().enumerate().filter(|(_, h)| !h.done) {
            let count = (self.held_first + i as u64) as u32;
            if let Some(mut pdu) = h.sdu.clone() {
                make_pdu(setup, protection, count, &mut pdu);
                out.push(PdcpEvent::Transmit { pdu, count: Some(count) });
            }
        }
    }
}

/// Turns an SDU into its PDU, in place.
fn make_pdu(setup: &Setup, protection: Option<&Protection>, count: u32, sdu: &mut Vec<u8>) {
    let header = header_len(setup.config.sn_bits);
    let n = sdu.len();
    sdu.reserve(header + 4);
    sdu.resize(n + header, 0);
    sdu.copy_within(..n, header);
    put_header(setup, count & ((1 << setup.config.sn_bits) - 1), sdu);
    protect(setup, protection, count, sdu);
}
