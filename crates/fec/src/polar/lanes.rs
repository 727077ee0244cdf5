//! List decoding with the paths side by side: one vector holds a position of all eight paths. Spec: TS 38.212 §5.3.1.2
//! (the code; the algorithm is ours)
//!
//! The bits, costs and order of paths are those of [`super::list::ListDecoder`]. When paths fork nothing is copied: each stage remembers in
//! which lane a path finds its values, and reads go through a shuffle.

use super::N_MAX;
use super::plan::{Plan, Role};
use core::arch::x86_64::*;

/// Lanes of a vector.
pub const LANES: usize = 8;
/// Stages of the largest code, the channel included.
const STAGES: usize = 11;
/// A cost that no path reaches: soft values are below 2^15 and there are 2^10 of them.
const COST_MAX: u32 = 1 << 26;

/// One position of all paths.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Position([i16; LANES]);

/// Where each path finds its values: octets of a shuffle.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(16))]
struct Turn([u8; 16]);

/// A number of each path.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Words([u32; LANES]);

impl From<Words> for __m256i {
    #[inline(always)]
    fn from(words: Words) -> __m256i {
        // Safety: both are 32 octets, and every pattern is valid.
        unsafe { core::mem::transmute(words) }
    }
}

impl From<__m256i> for Words {
    #[inline(always)]
    fn from(vector: __m256i) -> Words {
        // Safety: both are 32 octets, and every pattern is valid.
        unsafe { core::mem::transmute(vector) }
    }
}

const STRAIGHT: Turn = Turn([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

/// List decoder of up to eight paths, with its memory.
pub struct LaneDecoder {
    list_size: usize,
    n_paths: usize,
    /// Stages in use.
    n_stages: usize,
    /// Above [`COST_MAX`] where there is no path.
    cost: Words,
    /// As [`super::plan::Register`], a path each.
    register: Words,
    soft_turn: [Turn; STAGES],
    left_turn: [Turn; STAGES],
    /// Soft values of each stage.
    soft: Box<[Position]>,
    /// Partial sums (0 or -1) of left children, and of what was decoded last.
    left: Box<[Position]>,
    sums: Box<[Position]>,
    rank: [u8; LANES],
}

/// Where a stage starts: each has four positions to spare, since two are processed at a time.
const fn at(stage: usize) -> usize {
    (1 << stage) + 4 * stage
}

impl LaneDecoder {
    /// None if the machine lacks AVX2 or the list is not of 4 to 8 paths: with fewer the plain form is faster.
    pub fn new(list_size: usize) -> Option<Self> {
        if !(4..=LANES).contains(&list_size) || !std::arch::is_x86_feature_detected!("avx2") {
            return None;
        }
        let zeros = || vec![Position([0; LANES]); 2 * N_MAX + 4 * STAGES + 4].into_boxed_slice();
        Some(Self {
            list_size,
            n_paths: 0,
            n_stages: 0,
            cost: Words([0; LANES]),
            register: Words([0; LANES]),
            soft_turn: [STRAIGHT; STAGES],
            left_turn: [STRAIGHT; STAGES],
            soft: zeros(),
            left: zeros(),
            sums: zeros(),
            rank: [0; LANES],
        })
    }

    /// Decodes the soft values of a mother code's word; returns the number of paths, ranked by cost.
    pub fn decode(&mut self, plan: &Plan, soft: &[i16]) -> usize {
        let stage = plan.n.trailing_zeros() as usize;
        for (position, &value) in self.soft[at(stage)..at(stage) + plan.n].iter_mut().zip(soft) {
            *position = Position([value; LANES]);
        }
        self.n_stages = stage + 1;
        (self.n_paths, self.cost, self.register) = (1, Words([COST_MAX; LANES]), Words([0; LANES]));
        self.cost.0[0] = 0;
        (self.soft_turn, self.left_turn) = ([STRAIGHT; STAGES], [STRAIGHT; STAGES]);
        // Safety: `new` saw AVX2.
        unsafe { self.node(plan, stage, 0) };
        let (cost, rank) = (&self.cost.0, &mut self.rank[..self.n_paths]);
        rank.iter_mut().enumerate().for_each(|(i, r)| *r = i as u8);
        rank.sort_unstable_by_key(|&r| (cost[r as usize], r));
        self.n_paths
    }

    /// The words of all paths, bit p of an octet for path p.
    pub fn words(&self, words: &mut [u8]) {
        let from = at(words.len().trailing_zeros() as usize);
        for (octet, position) in words.iter_mut().zip(&self.sums[from..]) {
            // Safety: SSE2 is part of x86-64; a position has 16 octets.
            *octet = unsafe {
                let lanes = _mm_load_si128(position.0.as_ptr().cast());
                _mm_movemask_epi8(_mm_packs_epi16(lanes, lanes)) as u8
            };
        }
    }

    /// The path of a rank.
    pub fn path(&self, rank: usize) -> usize {
        self.rank[rank] as usize
    }

    /// Decodes the positions `first..first + 2^stage`; leaves the partial sums of each path in its own lane.
    #[target_feature(enable = "avx2")]
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
        let (from, half) = (at(stage - 1), len / 2);
        self.left[from..from + half].copy_from_slice(&self.sums[from..from + half]);
        self.left_turn[stage - 1] = STRAIGHT;
        self.descend(stage, true);
        self.node(plan, stage - 1, first + len / 2);
        self.join(stage);
    }

    /// Soft values of the left or the right child of every path.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn descend(&mut self, stage: usize, right: bool) {
        let (half, from, to) = (1 << (stage - 1), at(stage), at(stage - 1));
        let (turn, left_turn) = (wide(self.soft_turn[stage]), wide(self.left_turn[stage - 1]));
        for i in (0..half).step_by(2) {
            let a = _mm256_shuffle_epi8(load(&self.soft, from + i), turn);
            let b = _mm256_shuffle_epi8(load(&self.soft, from + half + i), turn);
            let out = if right {
                let sum = _mm256_shuffle_epi8(load(&self.left, to + i), left_turn);
                let a = _mm256_sub_epi16(_mm256_xor_si256(a, sum), sum);
                _mm256_max_epi16(_mm256_adds_epi16(a, b), _mm256_set1_epi16(-i16::MAX))
            } else {
                let sign = _mm256_or_si256(_mm256_xor_si256(a, b), _mm256_set1_epi16(1));
                _mm256_sign_epi16(_mm256_min_epi16(_mm256_abs_epi16(a), _mm256_abs_epi16(b)), sign)
            };
            store(&mut self.soft, to + i, out);
        }
        self.soft_turn[stage - 1] = STRAIGHT;
    }

    /// Joins the partial sums of both children: (left + right, right).
    #[inline]
    #[target_feature(enable = "avx2")]
    fn join(&mut self, stage: usize) {
        let (half, from, to) = (1 << (stage - 1), at(stage - 1), at(stage));
        let turn = wide(self.left_turn[stage - 1]);
        for i in (0..half).step_by(2) {
            let right = load(&self.sums, from + i);
            let left = _mm256_shuffle_epi8(load(&self.left, from + i), turn);
            store(&mut self.sums, to + i, _mm256_xor_si256(left, right));
            // A second half of one position starts where the store above left something to spare.
            store(&mut self.sums, to + half + i, right);
        }
    }

    /// Calls `visit` with each position of a stage, as the paths see it.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn each(&self, stage: usize, mut visit: impl FnMut(usize, __m128i)) {
        let turn = narrow(self.soft_turn[stage]);
        for (i, position) in self.soft[at(stage)..at(stage) + (1 << stage)].iter().enumerate() {
            // Safety: a position has 16 octets and their alignment.
            visit(i, _mm_shuffle_epi8(unsafe { _mm_load_si128(position.0.as_ptr().cast()) }, turn));
        }
    }

    /// For each path the sum of negative magnitudes, what zeros cost, and the sum of all.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn totals(&self, stage: usize) -> (__m256i, __m256i) {
        let (mut zeros, mut all) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        self.each(stage, |_, position| {
            let value = _mm256_cvtepi16_epi32(position);
            zeros = _mm256_sub_epi32(zeros, _mm256_min_epi32(value, _mm256_setzero_si256()));
            all = _mm256_add_epi32(all, value);
        });
        (zeros, all)
    }

    /// Turns the registers by a position.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn turn_registers(&mut self) {
        let register = self.register.into();
        let lowest = _mm256_and_si256(register, _mm256_set1_epi32(1));
        self.register = _mm256_or_si256(_mm256_srli_epi32::<1>(register), _mm256_slli_epi32::<4>(lowest)).into();
    }

    /// A subtree of zeros: a path pays for every soft value that says one.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn frozen(&mut self, stage: usize, turn: bool) {
        let (zeros, _) = self.totals(stage);
        self.cost = _mm256_add_epi32(self.cost.into(), zeros).into();
        if turn {
            (0..(1 << stage) % 5).for_each(|_| self.turn_registers());
        }
        self.fill(stage, _mm_setzero_si128());
    }

    /// Sets all partial sums of a stage.
    #[inline]
    fn fill(&mut self, stage: usize, sums: __m128i) {
        self.sums[at(stage)..at(stage) + (1 << stage)].fill(Position(lanes(sums)));
    }

    /// A subtree whose last position alone is information: all zeros or all ones.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn repetition(&mut self, stage: usize) {
        let (zeros, all) = self.totals(stage);
        // Only parity checks read the register, and before the last one a leaf is the only repetition; a turn more does no harm.
        self.turn_registers();
        let most = _mm256_set1_epi32(COST_MAX as i32);
        let zeros = _mm256_add_epi32(self.cost.into(), zeros);
        let ones = _mm256_min_epi32(_mm256_add_epi32(zeros, all), most);
        let zeros = _mm256_min_epi32(zeros, most);
        if self.n_paths == self.list_size {
            // Lanes without a path count for neither side.
            let lost = _mm256_max_epi32(zeros, ones);
            let kept = _mm256_andnot_si256(_mm256_cmpeq_epi32(lost, most), _mm256_min_epi32(zeros, ones));
            if least(lost) >= -least(_mm256_sub_epi32(_mm256_setzero_si256(), kept)) {
                // Every path goes on by its better half, and no fork can displace one.
                let one = _mm256_cmpgt_epi32(zeros, ones);
                self.cost = _mm256_min_epi32(zeros, ones).into();
                self.register = _mm256_xor_si256(self.register.into(), _mm256_srli_epi32::<31>(one)).into();
                return self.fill(stage, halves(one));
            }
        }
        let bits = self.fork(zeros, ones);
        self.fill(stage, bits);
    }

    /// Takes the cheapest of the ways to go on; the turns of all stages follow the paths. Returns the bits, 0 or -1.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn fork(&mut self, zeros: __m256i, ones: __m256i) -> __m128i {
        let n_forks = 2 * self.n_paths;
        self.n_paths = n_forks.min(self.list_size);
        let mut order: [u8; 2 * LANES] = std::array::from_fn(|i| i as u8);
        if n_forks > self.list_size {
            order = sorted(zeros, ones);
        }
        // Safety: 8 octets are read of 16.
        let order = _mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(order.as_ptr().cast()) });
        let parent = _mm256_srli_epi32::<1>(order);
        let bit = _mm256_srai_epi32::<31>(_mm256_slli_epi32::<31>(order));
        let (zeros, ones) = (_mm256_permutevar8x32_epi32(zeros, parent), _mm256_permutevar8x32_epi32(ones, parent));
        let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let lost = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(self.n_paths as i32 - 1));
        let cost = _mm256_blendv_epi8(zeros, ones, bit);
        self.cost = _mm256_blendv_epi8(cost, _mm256_set1_epi32(COST_MAX as i32), lost).into();
        let register = _mm256_permutevar8x32_epi32(self.register.into(), parent);
        self.register = _mm256_xor_si256(register, _mm256_srli_epi32::<31>(bit)).into();
        // Octets 2 p and 2 p + 1 for parent p.
        let turn = _mm_mullo_epi16(halves(parent), _mm_set1_epi16(0x0202));
        let turn = _mm_add_epi16(turn, _mm_set1_epi16(0x0100));
        for stage in 0..self.n_stages {
            for turns in [&mut self.soft_turn, &mut self.left_turn] {
                // Safety: both are 16 octets, and every pattern is valid.
                turns[stage] =
                    unsafe { core::mem::transmute::<__m128i, Turn>(_mm_shuffle_epi8(narrow(turns[stage]), turn)) };
            }
        }
        halves(bit)
    }

    /// A subtree without frozen positions, if no path would lose to a fork: hard decisions then cost nothing.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn all_free(&mut self, stage: usize) -> bool {
        if self.n_paths < self.list_size {
            return false;
        }
        let mut least = _mm_set1_epi16(i16::MAX);
        self.each(stage, |_, position| least = _mm_min_epi16(least, _mm_abs_epi16(position)));
        let (least, costs) = (lanes(least), &self.cost.0[..self.n_paths]);
        let kept_max = costs.iter().copied().max().unwrap_or(0);
        if costs.iter().zip(least).any(|(&cost, least)| cost + (least as u32) < kept_max) {
            return false;
        }
        self.harden(stage);
        true
    }

    /// A subtree whose first position alone is frozen, if no path would lose to a fork: where the hard decisions have odd parity
    /// the least certain one turns.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn one_parity(&mut self, stage: usize) -> bool {
        if self.n_paths < self.list_size {
            return false;
        }
        let (mut least, mut second) = (_mm_set1_epi16(i16::MAX), _mm_set1_epi16(i16::MAX));
        let (mut place, mut parity) = (_mm_setzero_si128(), _mm_setzero_si128());
        self.each(stage, |i, position| {
            let magnitude = _mm_abs_epi16(position);
            parity = _mm_xor_si128(parity, position);
            let less = _mm_cmpgt_epi16(least, magnitude);
            place = _mm_blendv_epi8(place, _mm_set1_epi16(i as i16), less);
            second = _mm_min_epi16(second, _mm_max_epi16(least, magnitude));
            least = _mm_min_epi16(least, magnitude);
        });
        let (least, second, place, parity) = (lanes(least), lanes(second), lanes(place), lanes(parity));
        let (mut costs, mut kept_max, mut lost_min) = (self.cost, 0, u32::MAX);
        for lane in 0..self.n_paths {
            let (least, second, odd) = (least[lane] as u32, second[lane] as u32, parity[lane] < 0);
            costs.0[lane] = self.cost.0[lane] + if odd { least } else { 0 };
            kept_max = kept_max.max(costs.0[lane]);
            lost_min = lost_min.min(self.cost.0[lane] + if odd { second } else { least + second });
        }
        if lost_min < kept_max {
            return false;
        }
        self.harden(stage);
        self.cost = costs;
        for lane in 0..self.n_paths {
            self.sums[at(stage) + place[lane] as usize].0[lane] ^= parity[lane] >> 15;
        }
        true
    }

    /// Hard decisions of a stage.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn harden(&mut self, stage: usize) {
        let (from, turn) = (at(stage), wide(self.soft_turn[stage]));
        for i in (0..1 << stage).step_by(2) {
            let value = _mm256_shuffle_epi8(load(&self.soft, from + i), turn);
            store(&mut self.sums, from + i, _mm256_srai_epi16::<15>(value));
        }
    }

    /// A parity check position: its value follows from the path.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn parity_check(&mut self) {
        self.turn_registers();
        let mut soft = _mm256_setzero_si256();
        self.each(0, |_, position| soft = _mm256_cvtepi16_epi32(position));
        let bit = _mm256_srai_epi32::<31>(_mm256_slli_epi32::<31>(self.register.into()));
        // Where sign and bit differ, the magnitude is paid.
        let wrong = _mm256_srai_epi32::<31>(_mm256_xor_si256(soft, bit));
        let paid = _mm256_and_si256(_mm256_abs_epi32(soft), wrong);
        self.cost = _mm256_add_epi32(self.cost.into(), paid).into();
        self.fill(0, halves(bit));
    }
}

/// The least of eight.
#[inline]
#[target_feature(enable = "avx2")]
fn least(x: __m256i) -> i32 {
    let x = _mm_min_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
    let x = _mm_min_epi32(x, _mm_shuffle_epi32::<0b00_00_11_10>(x));
    _mm_cvtsi128_si32(_mm_min_epi32(x, _mm_shuffle_epi32::<0b00_00_00_01>(x)))
}

/// Numbers that 16 bits hold.
#[inline]
#[target_feature(enable = "avx2")]
fn halves(x: __m256i) -> __m128i {
    _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x))
}

/// The indices of the costs (twice the parent, plus the bit) in ascending order; equal ones by index.
#[inline]
#[target_feature(enable = "avx2")]
fn sorted(zeros: __m256i, ones: __m256i) -> [u8; 2 * LANES] {
    let index = _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14);
    let low = _mm256_or_si256(_mm256_slli_epi32::<4>(zeros), index);
    let high = _mm256_or_si256(_mm256_slli_epi32::<4>(ones), _mm256_or_si256(index, _mm256_set1_epi32(1)));
    let (mut rank_low, mut rank_high) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for key in [Words::from(low), Words::from(high)].iter().flat_map(|words| words.0) {
        let key = _mm256_set1_epi32(key as i32);
        rank_low = _mm256_sub_epi32(rank_low, _mm256_cmpgt_epi32(low, key));
        rank_high = _mm256_sub_epi32(rank_high, _mm256_cmpgt_epi32(high, key));
    }
    let mut order = [0; 2 * LANES];
    let ranks = Words::from(rank_low).0.into_iter().zip(Words::from(rank_high).0);
    for (lane, (zero, one)) in ranks.enumerate() {
        order[zero as usize % (2 * LANES)] = 2 * lane as u8;
        order[one as usize % (2 * LANES)] = 2 * lane as u8 + 1;
    }
    order
}

#[inline]
fn lanes(x: __m128i) -> [i16; LANES] {
    // Safety: both are 16 octets, and every pattern is valid.
    unsafe { core::mem::transmute(x) }
}

#[inline]
fn narrow(turn: Turn) -> __m128i {
    // Safety: both are 16 octets, and every pattern is valid.
    unsafe { core::mem::transmute(turn) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn wide(turn: Turn) -> __m256i {
    _mm256_broadcastsi128_si256(narrow(turn))
}

/// Two positions.
#[inline]
#[target_feature(enable = "avx2")]
fn load(from: &[Position], at: usize) -> __m256i {
    let pair: &[Position; 2] = from[at..].first_chunk().expect("a stage has four positions to spare");
    // Safety: two positions are 32 octets.
    unsafe { _mm256_loadu_si256(pair.as_ptr().cast()) }
}

/// Two positions.
#[inline]
#[target_feature(enable = "avx2")]
fn store(to: &mut [Position], at: usize, value: __m256i) {
    let pair: &mut [Position; 2] = to[at..].first_chunk_mut().expect("a stage has four positions to spare");
    // Safety: two positions are 32 octets.
    unsafe { _mm256_storeu_si256(pair.as_mut_ptr().cast(), value) }
}

#[cfg(test)]
mod tests {
    use super::super::PolarParams;
    use super::super::list::ListDecoder;
    use super::*;

    #[test] // Spec: TS 38.212 §5.3.1.2 (integer decoders agree bit for bit, whatever the soft values)
    fn lanes_equal_the_plain_form() {
        let mut state = 7u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as i32
        };
        for list_size in [4, 8] {
            let Some(mut decoder) = LaneDecoder::new(list_size) else { return };
            let mut plain = ListDecoder::new(list_size);
            for (k, e, uplink) in [
                (65, 108, false),
                (65, 432, false),
                (56, 864, false),
                (36, 200, false),
                (164, 1728, false),
                (20, 60, true),
                (25, 300, true),
                (31, 40, true),
                (211, 1000, true),
                (500, 1024, true),
                (1000, 1024, true),
            ] {
                let mut plan = Plan::empty();
                plan.make(PolarParams { k, e, uplink }).unwrap();
                for spread in [3, 40, 900, 8192, 32_767] {
                    let bias = [0, spread / 2][(random() & 1) as usize];
                    let soft: Vec<i16> = (0..plan.n)
                        .map(|_| (random() % (2 * spread + 1) - spread + bias).clamp(-32_767, 32_767) as i16)
                        .collect();
                    let n = decoder.decode(&plan, &soft);
                    assert_eq!(n, plain.decode(&plan, &soft));
                    let mut words = vec![0; plan.n];
                    decoder.words(&mut words);
                    for rank in 0..n {
                        let path = decoder.path(rank);
                        let word: Vec<u8> = words.iter().map(|octet| octet >> path & 1).collect();
                        assert!(word == plain.codeword(rank, plan.n), "list {list_size} {k} {e} {spread} rank {rank}");
                    }
                }
            }
        }
    }
}
