//! Receiving side. Spec: TS 38.323 §5.2.2, §5.4.1
//!
//! | in the specification | here |
//! |---|---|
//! | RX_NEXT | `next` |
//! | RX_DELIV | `deliv`, the COUNT of `held`'s first |
//! | RX_REORD | `reord` |
//! | Window_Size | `window` |

use crate::header::{MAC_I, cipher, direction, has_mac_i, header_len, mac_i, sequence_number};
use crate::{Limits, PdcpEvent, Protection, Security, Setup, Stats};
use node::Outbox;
use nr::Tc;
use std::collections::VecDeque;

/// Bytes of a status report's bitmap at most, so that the report fits a PDCP SDU's size. Spec: TS 38.323 §6.2.3.1
const BITMAP_MAX: usize = 8995;

/// What is known of a PDU's integrity.
#[derive(Clone, Copy, Debug)]
struct Check {
    verified: bool,
    mac_i: [u8; MAC_I],
}

impl Check {
    fn event(self, sdu: Vec<u8>, count: u64) -> PdcpEvent {
        PdcpEvent::Sdu { sdu, count: count as u32, verified: self.verified, mac_i: self.mac_i }
    }
}

#[derive(Debug)]
enum Entry {
    Missing,
    Held { sdu: Vec<u8>, check: Check },
    Delivered,
}

#[derive(Debug, Default)]
pub(crate) struct Rx {
    next: u64,
    deliv: u64,
    reord: u64,
    reordering_at: Option<Tc>,
    held: VecDeque<Entry>,
    held_bytes: usize,
    /// SRB: the last PDU that was taken without keys, with its COUNT.
    unverified: Option<(u32, Vec<u8>)>,
}

impl Rx {
    pub(crate) fn deliv(&self) -> u64 {
        self.deliv
    }

    #[cfg(test)]
    pub(crate) fn set_next(&mut self, count: u32) {
        self.next = count.into();
        self.deliv = count.into();
    }

    pub(crate) fn receive(
        &mut self,
        now: Tc,
        mut pdu: Vec<u8>,
        setup: &Setup,
        limits: &Limits,
        protection: Option<&Protection>,
        stats: &mut Stats,
        out: &mut Outbox<PdcpEvent>,
    ) {
        let Some(count) = sequence_number(setup, &pdu).and_then(|sn| self.received_count(sn, setup)) else {
            stats.rx_dropped += 1;
            return;
        };
        let check = match self.unprotect(&mut pdu, count, setup, protection) {
            Ok(check) => check,
            Err(()) => {
                stats.integrity_failures += 1;
                out.push(PdcpEvent::IntegrityFailure { count });
                return;
            }
        };
        let count = u64::from(count);
        let Some(offset) = count.checked_sub(self.deliv).and_then(|o| usize::try_from(o).ok()) else {
            stats.rx_dropped += 1;
            return;
        };
        let is_new = matches!(self.held.get(offset), None | Some(Entry::Missing));
        // The SDU that all others wait for is never refused: it frees memory.
        if !is_new || (offset > 0 && self.held_bytes + pdu.len() > limits.reorder_bytes) {
            stats.rx_dropped += 1;
            return;
        }
        if self.held.len() <= offset {
            self.held.resize_with(offset + 1, || Entry::Missing);
        }
        if setup.config.out_of_order_delivery {
            self.held[offset] = Entry::Delivered;
            stats.rx_sdus += 1;
            out.push(check.event(pdu, count));
        } else {
            self.held_bytes += pdu.len();
            self.held[offset] = Entry::Held { sdu: pdu, check };
        }
        self.next = self.next.max(count + 1);
        if offset == 0 {
            self.deliver_in_order(stats, out);
        }
        if self.reordering_at.is_some() && self.deliv >= self.reord {
            self.reordering_at = None;
        }
        self.start_reordering(now, setup);
    }

    /// RCVD_COUNT. Spec: TS 38.323 §5.2.2.1
    fn received_count(&self, sn: u32, setup: &Setup) -> Option<u32> {
        let bits = setup.config.sn_bits;
        let window = 1i64 << (bits - 1);
        let (sn, hfn) = (i64::from(sn), (self.deliv >> bits) as i64);
        let deliv = (self.deliv & ((1 << bits) - 1)) as i64;
        let hfn = if sn < deliv - window {
            hfn + 1
        } else if sn >= deliv + window {
            hfn - 1
        } else {
            hfn
        };
        u32::try_from(hfn << bits | sn).ok().filter(|_| hfn >= 0)
    }

    /// Deciphers, verifies, and strips header and MAC-I; says what is known of its integrity.
    fn unprotect(
        &mut self,
        pdu: &mut Vec<u8>,
        count: u32,
        setup: &Setup,
        protection: Option<&Protection>,
    ) -> Result<Check, ()> {
        let direction = direction(setup.end, false);
        cipher(setup, protection, count, direction, setup.sdap_rx, pdu);
        let mut check = Check { verified: false, mac_i: [0; MAC_I] };
        if has_mac_i(setup) {
            let (message, mac) = pdu.split_at_checked(pdu.len().wrapping_sub(MAC_I)).ok_or(())?;
            check.mac_i.copy_from_slice(mac);
            match protection {
                Some(p) if p.integrity => {
                    let expected = mac_i(&p.security, setup.bearer, count, direction, message);
                    if !security::equal_constant_time(&expected, mac) {
                        return Err(());
                    }
                    check.verified = true;
                }
                _ if setup.bearer.is_srb() => {
                    let mut kept = self.unverified.take().map_or_else(Vec::new, |(_, buffer)| buffer);
                    kept.clear();
                    kept.extend_from_slice(pdu);
                    self.unverified = Some((count, kept));
                }
                _ => {}
            }
            pdu.truncate(pdu.len() - MAC_I);
        }
        pdu.drain(..header_len(setup.config.sn_bits));
        Ok(check)
    }

    /// Whether the last PDU that was taken without keys holds under `security`.
    pub(crate) fn verify_last(&mut self, setup: &Setup, security: &Security) -> Option<bool> {
        let (count, pdu) = self.unverified.take()?;
        let (message, mac) = pdu.split_at_checked(pdu.len().wrapping_sub(MAC_I))?;
        let expected = mac_i(security, setup.bearer, count, direction(setup.end, false), message);
        Some(security::equal_constant_time(&expected, mac))
    }

    /// Delivers from RX_DELIV on, up to the first SDU that is missing.
    fn deliver_in_order(&mut self, stats: &mut Stats, out: &mut Outbox<PdcpEvent>) {
        while !matches!(self.held.front(), None | Some(Entry::Missing)) {
            self.deliver_front(stats, out);
        }
    }

    fn deliver_front(&mut self, stats: &mut Stats, out: &mut Outbox<PdcpEvent>) {
        if let Some(Entry::Held { sdu, check }) = self.held.pop_front() {
            self.held_bytes -= sdu.len();
            stats.rx_sdus += 1;
            out.push(check.event(sdu, self.deliv));
        }
        self.deliv += 1;
    }

    fn start_reordering(&mut self, now: Tc, setup: &Setup) {
        if self.reordering_at.is_none() && self.deliv < self.next {
            self.reord = self.next;
            self.reordering_at = setup.config.t_reordering_ms.map(|ms| now.saturating_add(Tc::from_ms(ms.into())));
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tc> {
        self.reordering_at
    }

    /// Spec: TS 38.323 §5.2.2.2
    pub(crate) fn timeout(&mut self, now: Tc, setup: &Setup, stats: &mut Stats, out: &mut Outbox<PdcpEvent>) {
        if self.reordering_at.is_none_or(|t| t > now) {
            return;
        }
        self.reordering_at = None;
        while self.deliv < self.reord {
            self.deliver_front(stats, out);
        }
        self.deliver_in_order(stats, out);
        self.start_reordering(now, setup);
    }

    /// Starts anew, after delivering what is held where `deliver` says so.
    pub(crate) fn restart(&mut self, deliver: bool, stats: &mut Stats, out: &mut Outbox<PdcpEvent>) {
        while deliver && !self.held.is_empty() {
            self.deliver_front(stats, out);
        }
        *self = Rx::default();
    }

    /// Spec: TS 38.323 §5.4.1, §6.2.3.1
    pub(crate) fn status_report(&self) -> Vec<u8> {
        let mut pdu = vec![0; 5];
        pdu[1..].copy_from_slice(&(self.deliv as u32).to_be_bytes());
        // The bitmap begins behind the first missing one and ends with the last that is there.
        for (i, entry) in self.held.iter().skip(1).take(8 * BITMAP_MAX).enumerate() {
            if i % 8 == 0 {
                pdu.push(0);
            }
            if let Some(byte) = pdu.last_mut().filter(|_| !matches!(entry, Entry::Missing)) {
                *byte |= 0x80 >> (i % 8);
            }
        }
        pdu
    }
}
