//! HARQ processes. Spec: TS 38.321 §5.3.2, §5.4.2; TS 38.214 §5.1, §6.1

use fapi::Coding;
use nr::SlotPoint;
use nr::tables::tbs::n_code_blocks;

/// Redundancy versions in the order of transmissions. Spec: TS 38.321 §5.4.2.1
pub const RV_ORDER: [u8; 4] = [0, 2, 3, 1];

/// Processes each way.
pub const N_HARQ: usize = 16;

/// What a process is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum State {
    /// Free for a new block.
    #[default]
    Idle,
    /// Sent (or granted); its outcome is due.
    Waiting,
    /// Failed; wants to go out again.
    Retransmit,
}

/// One process, downlink or uplink.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Process {
    /// What it is doing.
    pub state: State,
    /// New data indicator of the last transmission.
    pub ndi: bool,
    /// Transmissions so far of this block.
    pub n_tx: u8,
    /// Format 1_0 or 0_0 carried the first transmission, and carries the others.
    pub fallback: bool,
    /// RBs of the first transmission: those of the others.
    pub n_rb: u16,
    /// Row of the time allocation list: the same for all transmissions, so that the block keeps its size.
    pub time: u8,
    /// MCS.
    pub mcs: u8,
    /// Layers of every transmission, so that the block keeps its size.
    pub layers: u8,
    /// Code block groups that are missing: bit m is group m; 0 where the block goes as a whole.
    pub groups: u8,
    /// Coding of the first transmission.
    pub coding: Option<Coding>,
    /// Slot of the last transmission.
    pub slot: SlotPoint,
}

impl Process {
    /// Takes a new block: toggles NDI.
    pub fn start(&mut self, fallback: bool, n_rb: u16, time: u8, mcs: u8, layers: u8) {
        *self = Process {
            state: State::Waiting,
            ndi: !self.ndi,
            n_tx: 1,
            fallback,
            n_rb,
            time,
            mcs,
            layers,
            groups: 0,
            coding: None,
            slot: self.slot,
        };
    }
    /// Redundancy version of the transmission with this number (1 is the first).
    pub fn rv(&self) -> u8 {
        RV_ORDER[(self.n_tx.saturating_sub(1) % 4) as usize]
    }
    /// Bytes of its block.
    pub fn tbs_bytes(&self) -> u32 {
        self.coding.map_or(0, |c| c.tbs_bytes)
    }
    /// M, the groups of the block where N are configured. Spec: TS 38.214 §5.1.7.1
    pub fn n_groups(&self, n_max: u8) -> u8 {
        n_max.min(self.n_code_blocks().min(8) as u8)
    }
    fn n_code_blocks(&self) -> u32 {
        self.coding.map_or(1, |c| n_code_blocks(8 * c.tbs_bytes, c.rate_x1024))
    }
    /// Share of the block's code blocks that lie in the groups that are missing. Spec: TS 38.214 §5.1.7.1
    pub fn share_missing(&self, n_max: u8) -> f32 {
        let (m, c) = (u32::from(self.n_groups(n_max).max(1)), self.n_code_blocks());
        let size = |group: u32| c / m + u32::from(group < c % m);
        let missing: u32 = (0..m).filter(|g| self.groups >> g & 1 == 1).map(size).sum();
        missing as f32 / c as f32
    }
    /// Frees it; NDI stays.
    pub fn release(&mut self) {
        *self = Process { ndi: self.ndi, slot: self.slot, ..Process::default() };
    }
    /// The outcome of the last transmission came: whether the block is done, dropped, or goes out again.
    pub fn outcome(&mut self, ok: bool, max_tx: u8) -> Outcome {
        if self.state != State::Waiting {
            return Outcome::Stray;
        }
        if ok {
            self.release();
            Outcome::Done
        } else if self.n_tx >= max_tx {
            self.release();
            Outcome::Dropped
        } else {
            self.state = State::Retransmit;
            Outcome::Again
        }
    }
}

/// What follows from an outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Received.
    Done,
    /// Given up after the greatest number of transmissions.
    Dropped,
    /// Will be sent again.
    Again,
    /// Nothing was due.
    Stray,
}

/// The process for a new block: a free one, the least recently used first, for the UE may still be processing the last block of
/// the one it used last. While only fallback formats may be used and none is free, the oldest block that those formats cannot
/// repeat gives way: what has to be said in them ends the time in which only they may be used.
pub fn for_new(processes: &[Process; N_HARQ], now: SlotPoint, fallback: bool) -> Option<usize> {
    let oldest = |which: &dyn Fn(&Process) -> bool| {
        (0..N_HARQ).filter(|i| which(&processes[*i])).max_by_key(|i| {
            let age = now.minus(processes[*i].slot);
            (if age < 0 { i64::MAX } else { age }, core::cmp::Reverse(*i))
        })
    };
    let blocked = |p: &Process| p.state == State::Retransmit && !p.fallback;
    oldest(&|p| p.state == State::Idle).or_else(|| oldest(&blocked).filter(|_| fallback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.321 §5.4.2.1 (a new block flushes the buffer), TS 38.213 §10.1 (fallback formats)
    fn with_no_process_free_fallback_takes_one_that_is_blocked() {
        let now = SlotPoint::from_count(nr::Numerology::KHZ30, 100);
        let mut all = [Process::default(); N_HARQ];
        for (i, p) in all.iter_mut().enumerate() {
            p.start(i == 3, 10, 0, 5, 1);
            p.slot = now.plus(-40 + i as i64);
        }
        assert_eq!(for_new(&all, now, true), None, "all are waited for");
        all.iter_mut().skip(3).for_each(|p| p.state = State::Retransmit);
        assert_eq!(for_new(&all, now, false), None, "they can go out again");
        assert_eq!(for_new(&all, now, true), Some(4), "the oldest that cannot");
        all[9].release();
        assert_eq!(for_new(&all, now, true), Some(9));
    }

    #[test] // Spec: TS 38.321 §5.3.2, §5.4.2.1
    fn a_block_lives_and_dies() {
        let mut p = Process::default();
        p.start(false, 10, 0, 5, 1);
        assert!(p.ndi && p.rv() == 0);
        assert_eq!(p.outcome(false, 3), Outcome::Again);
        assert_eq!(p.outcome(false, 3), Outcome::Stray);
        (p.state, p.n_tx) = (State::Waiting, 2);
        assert_eq!(p.rv(), 2);
        assert_eq!(p.outcome(false, 3), Outcome::Again);
        (p.state, p.n_tx) = (State::Waiting, 3);
        assert_eq!((p.rv(), p.outcome(false, 3)), (3, Outcome::Dropped));
        p.start(false, 1, 0, 0, 1);
        assert!(!p.ndi);
    }
}
