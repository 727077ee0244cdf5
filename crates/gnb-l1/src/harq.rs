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
    /// None while it is lent.
    soft: Option<SoftBuffer>,
}

impl SoftPool {
    /// `n` buffers (at least one) for blocks of up to `tbs_bits`.
    pub fn new(n: usize, tbs_bits: u32) -> SoftPool {
        let buffers =
            (0..n.max(1)).map(|_| Slot { owner: None, used: 0, soft: Some(SoftBuffer::new(tbs_bits)) }).collect();
        SoftPool { buffers, clock: 0 }
    }

    /// Lends the buffer of a process: its own, else a free one, else that which was untouched for longest; with its index, and whether
    /// a waiting block lost it. Cleared unless it is the process's own and `new_data` is false. None if it is lent already, as where all are.
    pub fn take(&mut self, rnti: Rnti, harq: HarqId, new_data: bool) -> Option<(usize, bool, SoftBuffer)> {
        self.clock += 1;
        let owner = Some((rnti, harq));
        let own = self.buffers.iter().position(|b| b.owner == owner);
        let idx = own.unwrap_or_else(|| {
            let key = |b: &Slot| (b.soft.is_none(), b.owner.is_some(), b.used);
            (0..self.buffers.len()).min_by_key(|i| key(&self.buffers[*i])).unwrap_or(0)
        });
        let buffer = &mut self.buffers[idx];
        let mut soft = buffer.soft.take()?;
        let evicted = own.is_none() && buffer.owner.is_some();
        if own.is_none() || new_data {
            soft.clear();
        }
        buffer.owner = owner;
        buffer.used = self.clock;
        Some((idx, evicted, soft))
    }

    /// Takes it back.
    pub fn give_back(&mut self, idx: usize, soft: SoftBuffer) {
        if let Some(buffer) = self.buffers.get_mut(idx) {
            buffer.soft = Some(soft);
        }
    }

    /// Frees a buffer whose block was received.
    pub fn release(&mut self, idx: usize) {
        if let Some(buffer) = self.buffers.get_mut(idx) {
            buffer.owner = None;
            buffer.soft.iter_mut().for_each(SoftBuffer::clear);
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
        let take = |pool: &mut SoftPool, n: u16, new_data: bool| {
            let (idx, evicted, soft) = pool.take(id(n).0, id(n).1, new_data)?;
            pool.give_back(idx, soft);
            Some((idx, evicted))
        };
        let a = take(&mut pool, 1, true).unwrap();
        let b = take(&mut pool, 2, true).unwrap();
        assert_ne!(a.0, b.0);
        assert_eq!(take(&mut pool, 1, false), Some((a.0, false)));
        assert_eq!(take(&mut pool, 3, true), Some((b.0, true)));
        pool.release(a.0);
        assert_eq!(take(&mut pool, 4, true), Some((a.0, false)));
        // A process that is being decoded, and one for which nothing is left.
        let lent = [pool.take(id(3).0, id(3).1, true).unwrap(), pool.take(id(4).0, id(4).1, true).unwrap()];
        assert!(pool.take(id(3).0, id(3).1, false).is_none() && pool.take(id(5).0, id(5).1, true).is_none());
        lent.into_iter().for_each(|(idx, _, soft)| pool.give_back(idx, soft));
        assert_eq!(take(&mut pool, 3, false), Some((b.0, false)));
    }
}
