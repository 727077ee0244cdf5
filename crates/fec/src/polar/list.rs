//! Successive cancellation list decoding, all paths in step. Spec: TS 38.212 §5.3.1.2 (the code; the algorithm is ours)
//!
//! Paths share soft values and partial sums through indices: when a path forks, only the indices are copied. All paths write a stage
//! at the same time, each into its own slot, and nobody needs what a stage held before, so no slot is ever in use twice.

use super::N_MAX;
use super::plan::{Plan, Register, Role};

/// The largest list.
const PATHS_MAX: usize = 16;
/// Stages of the largest code, the channel included.
const STAGES: usize = 11;

/// A path: its cost, and the slots where its values stand.
#[derive(Clone, Copy, Default)]
struct Path {
    cost: u32,
    register: Register,
    soft: [u8; STAGES],
    left: [u8; STAGES],
}

/// A way to go on, in one word that sorts by cost, then path, then bit.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Fork(u64);

impl Fork {
    fn new(cost: u32, parent: usize, bit: u8) -> Self {
        Self(u64::from(cost) << 8 | (parent as u64) << 1 | u64::from(bit))
    }

    fn cost(self) -> u32 {
        (self.0 >> 8) as u32
    }

    fn parent(self) -> usize {
        (self.0 >> 1 & 0x7f) as usize
    }

    fn bit(self) -> u8 {
        (self.0 & 1) as u8
    }
}

/// List decoder with its memory.
pub(super) struct ListDecoder {
    list_size: usize,
    paths: [Path; PATHS_MAX],
    n_paths: usize,
    /// Soft values of each stage and slot, 2^stage each.
    soft: Box<[i16]>,
    /// Partial sums of left children.
    left: Box<[u8]>,
    /// Partial sums of what was decoded last.
    sums: Box<[u8]>,
    rank: [u8; PATHS_MAX],
}

impl ListDecoder {
    pub fn new(list_size: usize) -> Self {
        let cells = list_size * 2 * N_MAX;
        Self {
            list_size,
            paths: [Path::default(); PATHS_MAX],
            n_paths: 0,
            soft: vec![0; cells].into_boxed_slice(),
            left: vec![0; cells].into_boxed_slice(),
            sums: vec![0; cells].into_boxed_slice(),
            rank: [0; PATHS_MAX],
        }
    }

    /// Decodes the soft values of a mother code's word; returns the number of paths, ranked by cost.
    pub fn decode(&mut self, plan: &Plan, soft: &[i16]) -> usize {
        let stage = plan.n.trailing_zeros() as usize;
        let at = self.cell(stage, 0);
        self.soft[at..at + plan.n].copy_from_slice(soft);
        self.paths[0] = Path::default();
        self.n_paths = 1;
        self.node(plan, stage, 0);
        let (paths, rank) = (&self.paths, &mut self.rank[..self.n_paths]);
        rank.iter_mut().enumerate().for_each(|(i, r)| *r = i as u8);
        rank.sort_unstable_by_key(|&r| (paths[r as usize].cost, r));
        self.n_paths
    }

    /// The word of the path of this rank.
    pub fn codeword(&self, rank: usize, n: usize) -> &[u8] {
        let at = self.cell(n.trailing_zeros() as usize, self.rank[rank] as usize);
        &self.sums[at..at + n]
    }

    /// Where a slot of a stage starts: stages of size 1, 2, 4 ... behind each other, each once a slot.
    #[inline]
    fn cell(&self, stage: usize, slot: usize) -> usize {
        self.list_size * ((1 << stage) - 1) + (slot << stage)
    }

    /// Decodes the positions `first..first + 2^stage`; leaves the partial sums of each path in its own slot.
    fn node(&mut self, plan: &Plan, stage: usize, first: usize) {
        let len = 1 << stage;
        let inputs = (plan.count[first + len] - plan.count[first]) as usize;
        let unseen = first >= plan.checked;
        if inputs == 0 {
            return self.frozen(stage, !unseen);
        }
        if inputs == 1 && plan.roles[first + len - 1] == Role::Information && (unseen || len == 1) {
            return self.repetition(stage);
        }
        if stage == 0 {
            return self.parity_check();
        }
        if unseen && inputs == len && self.all_free(stage) {
            return;
        }
        let first_frozen = plan.roles[first] == Role::Frozen;
        if unseen && inputs + 1 == len && first_frozen && len > 2 && self.one_parity(stage) {
            return;
        }
        self.descend(stage, false);
        self.node(plan, stage - 1, first);
        self.keep_left(stage - 1);
        self.descend(stage, true);
        self.node(plan, stage - 1, first + len / 2);
        self.join(stage);
    }

    /// Soft values of the left or the right child of every path.
    fn descend(&mut self, stage: usize, right: bool) {
        let half = 1 << (stage - 1);
        for slot in 0..self.n_paths {
            let path = self.paths[slot];
            let from = self.cell(stage, path.soft[stage] as usize);
            let (to, sums) = (self.cell(stage - 1, slot), self.cell(stage - 1, path.left[stage - 1] as usize));
            let (below, above) = self.soft.split_at_mut(from);
            let (a, b) = above[..2 * half].split_at(half);
            let out = &mut below[to..to + half];
            if right {
                combine(a, b, &self.left[sums..sums + half], out);
            } else {
                check(a, b, out);
            }
        }
        for slot in 0..self.n_paths {
            self.paths[slot].soft[stage - 1] = slot as u8;
        }
    }

    fn keep_left(&mut self, stage: usize) {
        let (at, len) = (self.cell(stage, 0), self.n_paths << stage);
        self.left[at..at + len].copy_from_slice(&self.sums[at..at + len]);
        for slot in 0..self.n_paths {
            self.paths[slot].left[stage] = slot as u8;
        }
    }

    /// Joins the partial sums of both children: (left + right, right).
    fn join(&mut self, stage: usize) {
        let half = 1 << (stage - 1);
        for slot in 0..self.n_paths {
            let left = self.cell(stage - 1, self.paths[slot].left[stage - 1] as usize);
            let (right, to) = (self.cell(stage - 1, slot), self.cell(stage, slot));
            let (below, above) = self.sums.split_at_mut(to);
            let right = &below[right..right + half];
            let (first, second) = above[..2 * half].split_at_mut(half);
            second.copy_from_slice(right);
            for ((out, &l), &r) in first.iter_mut().zip(&self.left[left..left + half]).zip(right) {
                *out = l ^ r;
            }
        }
    }

    /// A subtree of zeros: a path pays for every soft value that says one.
    fn frozen(&mut self, stage: usize, turn: bool) {
        let len = 1 << stage;
        for slot in 0..self.n_paths {
            let from = self.cell(stage, self.paths[slot].soft[stage] as usize);
            self.paths[slot].cost += cost_of_zeros(&self.soft[from..from + len]);
            if turn {
                (0..len % 5).for_each(|_| self.paths[slot].register.turn());
            }
            let to = self.cell(stage, slot);
            self.sums[to..to + len].fill(0);
        }
    }

    /// A subtree whose last position alone is information: all zeros or all ones.
    fn repetition(&mut self, stage: usize) {
        let len = 1usize << stage;
        let mut forks = [Fork::default(); 2 * PATHS_MAX];
        let (mut kept_max, mut lost_min) = (0, u32::MAX);
        for slot in 0..self.n_paths {
            let from = self.cell(stage, self.paths[slot].soft[stage] as usize);
            let soft = &self.soft[from..from + len];
            let sum: i32 = soft.iter().map(|&value| i32::from(value)).sum();
            let path = &mut self.paths[slot];
            // Only parity checks read the register, and before the last one a leaf is the only repetition; a turn more does no harm.
            path.register.turn();
            let zeros = path.cost + cost_of_zeros(soft);
            let ones = zeros.wrapping_add_signed(sum);
            forks[2 * slot] = Fork::new(zeros, slot, 0);
            forks[2 * slot + 1] = Fork::new(ones, slot, 1);
            kept_max = kept_max.max(zeros.min(ones));
            lost_min = lost_min.min(zeros.max(ones));
        }
        let forks = &mut forks[..2 * self.n_paths];
        if self.n_paths == self.list_size && lost_min >= kept_max {
            // Every path goes on by its better half, and no fork can displace one.
            for slot in 0..self.n_paths {
                let fork = forks[2 * slot].min(forks[2 * slot + 1]);
                self.go_on(stage, slot, fork);
            }
            return;
        }
        if forks.len() > self.list_size {
            forks.sort_unstable();
        }
        let old = self.paths;
        self.n_paths = forks.len().min(self.list_size);
        for slot in 0..self.n_paths {
            self.paths[slot] = old[forks[slot].parent()];
            self.go_on(stage, slot, forks[slot]);
        }
    }

    fn go_on(&mut self, stage: usize, slot: usize, fork: Fork) {
        let path = &mut self.paths[slot];
        path.cost = fork.cost();
        path.register.add(fork.bit());
        let to = self.cell(stage, slot);
        self.sums[to..to + (1 << stage)].fill(fork.bit());
    }

    /// A subtree without frozen positions, if no path would lose to a fork: hard decisions then cost nothing.
    fn all_free(&mut self, stage: usize) -> bool {
        let len = 1usize << stage;
        if self.n_paths < self.list_size {
            return false;
        }
        let kept_max = self.paths[..self.n_paths].iter().map(|path| path.cost).max().unwrap_or(0);
        for path in &self.paths[..self.n_paths] {
            let from = self.cell(stage, path.soft[stage] as usize);
            let least = self.soft[from..from + len].iter().map(|value| value.unsigned_abs()).min().unwrap_or(0);
            if path.cost + u32::from(least) < kept_max {
                return false;
            }
        }
        for slot in 0..self.n_paths {
            let (from, to) = (self.cell(stage, self.paths[slot].soft[stage] as usize), self.cell(stage, slot));
            for (sum, value) in self.sums[to..to + len].iter_mut().zip(&self.soft[from..from + len]) {
                *sum = u8::from(*value < 0);
            }
        }
        true
    }

    /// A subtree whose first position alone is frozen, if no path would lose to a fork: where the hard decisions have odd parity
    /// the least certain one turns.
    fn one_parity(&mut self, stage: usize) -> bool {
        let len = 1usize << stage;
        if self.n_paths < self.list_size {
            return false;
        }
        let mut turned = [(0u32, 0usize, false); PATHS_MAX];
        let (mut kept_max, mut lost_min) = (0, u32::MAX);
        for (path, turned) in self.paths[..self.n_paths].iter().zip(&mut turned) {
            let from = self.cell(stage, path.soft[stage] as usize);
            let soft = &self.soft[from..from + len];
            let (mut least, mut second, mut at, mut odd) = (u16::MAX, u16::MAX, 0, false);
            for (i, value) in soft.iter().enumerate() {
                let magnitude = value.unsigned_abs();
                odd ^= *value < 0;
                if magnitude < least {
                    (second, least, at) = (least, magnitude, i);
                } else {
                    second = second.min(magnitude);
                }
            }
            let (least, second) = (u32::from(least), u32::from(second));
            *turned = (path.cost + if odd { least } else { 0 }, at, odd);
            kept_max = kept_max.max(turned.0);
            lost_min = lost_min.min(path.cost + if odd { second } else { least + second });
        }
        if lost_min < kept_max {
            return false;
        }
        for (slot, &(cost, at, odd)) in turned[..self.n_paths].iter().enumerate() {
            let (from, to) = (self.cell(stage, self.paths[slot].soft[stage] as usize), self.cell(stage, slot));
            for (sum, value) in self.sums[to..to + len].iter_mut().zip(&self.soft[from..from + len]) {
                *sum = u8::from(*value < 0);
            }
            self.sums[to + at] ^= u8::from(odd);
            self.paths[slot].cost = cost;
        }
        true
    }

    /// A parity check position: its value follows from the path.
    fn parity_check(&mut self) {
        for slot in 0..self.n_paths {
            let path = &mut self.paths[slot];
            path.register.turn();
            let (bit, soft) = (path.register.parity(), self.soft[path.soft[0] as usize]);
            if (soft < 0) != (bit == 1) {
                path.cost += u32::from(soft.unsigned_abs());
            }
            self.sums[slot] = bit;
        }
    }
}

/// What zeros cost: the sum of the negative magnitudes.
#[inline]
fn cost_of_zeros(soft: &[i16]) -> u32 {
    soft.iter().map(|&value| u32::from(value.min(0).unsigned_abs())).sum()
}

/// The soft value of a + b.
#[inline]
fn check(a: &[i16], b: &[i16], out: &mut [i16]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let least = a.max(a.saturating_neg()).min(b.max(b.saturating_neg()));
        let sign = (a ^ b) >> 15;
        *out = (least ^ sign) - sign;
    }
}

/// The soft value of b, the sum of both being known.
#[inline]
fn combine(a: &[i16], b: &[i16], sums: &[u8], out: &mut [i16]) {
    for (((out, &a), &b), &sum) in out.iter_mut().zip(a).zip(b).zip(sums) {
        let sign = -i16::from(sum);
        *out = b.saturating_add((a ^ sign) - sign).max(-i16::MAX);
    }
}
