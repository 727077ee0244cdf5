//! Transparent mode. Spec: TS 38.322 §5.2.1

use crate::reassembly::Pool;
use crate::{RlcEvent, Stats};
use node::Outbox;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(crate) struct Tm {
    queue: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Tm {
    pub(crate) fn push(&mut self, sdu: Vec<u8>, _tag: u32) {
        self.bytes += sdu.len();
        self.queue.push_back(sdu);
    }
    pub(crate) fn pull(&mut self, out: &mut [u8], pool: &mut Pool, stats: &mut Stats) -> usize {
        let Some(n) = self.queue.front().map(Vec::len).filter(|n| *n <= out.len()) else { return 0 };
        let Some(sdu) = self.queue.pop_front() else { return 0 };
        out[..n].copy_from_slice(&sdu);
        self.bytes -= n;
        pool.give(sdu);
        stats.tx_pdus += 1;
        stats.sdus_done += 1;
        n
    }
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.queue.drain(..).for_each(|sdu| pool.give(sdu));
        self.bytes = 0;
    }
}

pub(crate) fn receive(pdu: &[u8], pool: &mut Pool, stats: &mut Stats, out: &mut Outbox<RlcEvent>) -> bool {
    if pdu.is_empty() {
        return false;
    }
    stats.rx_sdus += 1;
    out.push(RlcEvent::Sdu(pool.copy(pdu)));
    true
}
