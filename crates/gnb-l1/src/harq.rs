//! Soft buffers of blocks that wait for a retransmission, in bounded memory.

use fec::sch::SoftBuffer;
use nr::{HarqId, Rnti};

/// A pool of soft buffers: one for each (RNTI, HARQ process) whose block has not been received yet.
pub struct SoftPool {
    buffers: Vec<Slot>,
    clock: u64,
}

struct Slot {
    owner: Option<(Rnti, HarqId)>,
    used: u64,
    soft: SoftBuffer,
}

impl SoftPool {
    /// `n` buffers (at least one) for blocks of up to `tbs_bits`.
    pub fn new(n: usize, tbs_bits: u32) -> SoftPool {
        let buffers = (0..n.max(1)).map(|_| Slot { owner: None, used: 0, soft: SoftBuffer::new(tbs_bits) }).collect();
        SoftPool { buffers, clock: 0 }
    }

    /// The buffer of a process: its own, else a free one, else that which was untouched for longest; and whether a waiting
    /// block lost it. Cleared unless it is the process's own and `new_data` is false.
    pub fn take(&mut self, rnti: Rnti, harq: HarqId, new_data: bool) -> (usize, bool) {
        self.clock += 1;
        let owner = Some((rnti, harq));
        let own = self.buffers.iter().position(|b| b.owner == owner);
        let idx = own.unwrap_or_else(|| {
            let key = |i: &usize| (self.buffers[*i].owner.is_some(), self.buffers[*i].used);
            (0..self.buffers.len()).min_by_key(key).unwrap_or(0)
        });
        let buffer = &mut self.buffers[idx];
        let evicted = own.is_none() && buffer.owner.is_some();
        if own.is_none() || new_data {
            buffer.soft.clear();
        }
        buffer.owner = owner;
        buffer.used = self.clock;
        (idx, evicted)
    }

    /// The buffer at an index that [`SoftPool::take`] gave.
    pub fn get(&mut self, idx: usize) -> &mut SoftBuffer {
        let n = self.buffers.len();
        &mut self.buffers[idx % n].soft
    }

    /// Frees a buffer whose block was received.
    pub fn release(&mut self, idx: usize) {
        if let Some(buffer) = self.buffers.get_mut(idx) {
            buffer.owner = None;
            buffer.soft.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.321 §5.4.2 (HARQ entities of many UEs)
    fn the_oldest_waiting_block_makes_room() {
        let mut pool = SoftPool::new(2, 1000);
        let id = |n| (Rnti(n), HarqId::new(1).unwrap());
        let a = pool.take(id(1).0, id(1).1, true);
        let b = pool.take(id(2).0, id(2).1, true);
        assert_ne!(a.0, b.0);
        assert_eq!(pool.take(id(1).0, id(1).1, false), (a.0, false));
        assert_eq!(pool.take(id(3).0, id(3).1, true), (b.0, true));
        pool.release(a.0);
        assert_eq!(pool.take(id(4).0, id(4).1, true), (a.0, false));
    }
}
