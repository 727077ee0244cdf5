//! The polar code of control channels and PBCH. Spec: TS 38.212 §5.3.1, §5.4.1
//!
//! | in the specification | here | meaning | range |
//! | --- | --- | --- | --- |
//! | K | `k` | bits to encode, CRC included | 1..=1023 |
//! | E | `e` | bits after rate matching | 18..=8192 |
//! | N = 2^n | `n` | mother code length | 32..=1024 |
//! | n_PC, n_PC^wm | `n_pc`, `n_pc_wm` | parity check bits, those of least row weight | 0, 3; 0, 1 |
//! | Q_I, Q_F, Q_PC | [`Role`] | information, frozen and parity check positions | |

#[cfg(target_arch = "x86_64")]
mod lanes;
mod list;
mod plan;
mod rate_match;
mod tables;

pub use plan::{PolarParams, Role};

use crate::{Isa, Llr};
#[cfg(target_arch = "x86_64")]
use lanes::LaneDecoder;
use list::ListDecoder;
use plan::Plan;
use std::fmt;

/// The longest mother code.
pub const N_MAX: usize = 1024;

/// The most bits after rate matching. Spec: TS 38.212 §5.4.1.3
pub const E_MAX: usize = 8192;

/// Plans kept; the least recently used one makes room.
const PLANS: usize = 48;

/// Why a polar code cannot have these sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolarError {
    /// No code of `k` bits (with parity checks) in `e` bits: K must be 1 or more and K + n_PC at most min(N, E).
    Size {
        /// Bits to encode.
        k: usize,
        /// Bits after rate matching.
        e: usize,
    },
    /// A slice has not the length that the code asks for.
    Length {
        /// Elements wanted.
        expected: usize,
        /// Elements given.
        found: usize,
    },
}

impl fmt::Display for PolarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Size { k, e } => write!(f, "no polar code of {k} bits in {e} (TS 38.212 §5.3.1, §5.4.1)"),
            Self::Length { expected, found } => write!(f, "slice length: expected {expected}, got {found}"),
        }
    }
}

impl std::error::Error for PolarError {}

/// Encodes and list-decodes polar codes of any size; owns plans and scratch (about 400 kB at list size 8), made once.
pub struct PolarCodec {
    plans: Vec<Plan>,
    used: Vec<u64>,
    clock: u64,
    list: ListDecoder,
    #[cfg(target_arch = "x86_64")]
    lanes: Option<LaneDecoder>,
    word: Box<[u8; N_MAX]>,
    /// The mother code's word that was decided for last: in a bit of each octet.
    decided: Box<[u8; N_MAX]>,
    decided_bit: usize,
    matched: Box<[u8; E_MAX]>,
    coded: Box<[u8; E_MAX]>,
    between: Box<[Llr; E_MAX]>,
    soft: Box<[i16; N_MAX]>,
}

impl Default for PolarCodec {
    fn default() -> Self {
        Self::new(8)
    }
}

impl PolarCodec {
    /// Makes a codec that decodes with a list of `list_size` paths: 1, 2, 4, 8 or 16 (rounded up to one of these).
    pub fn new(list_size: usize) -> Self {
        Self::with_isa(list_size, Isa::best())
    }

    /// As [`PolarCodec::new`], on one instruction set; all give the same bits.
    pub fn with_isa(list_size: usize, isa: Isa) -> Self {
        let list_size = list_size.next_power_of_two().clamp(1, 16);
        #[cfg(not(target_arch = "x86_64"))]
        let _ = isa;
        Self {
            plans: vec![Plan::empty(); PLANS],
            used: vec![0; PLANS],
            clock: 0,
            list: ListDecoder::new(list_size),
            #[cfg(target_arch = "x86_64")]
            lanes: if matches!(isa, Isa::Avx2 | Isa::Avx512) { LaneDecoder::new(list_size) } else { None },
            word: Box::new([0; N_MAX]),
            decided: Box::new([0; N_MAX]),
            decided_bit: 0,
            matched: Box::new([0; E_MAX]),
            coded: Box::new([0; E_MAX]),
            between: Box::new([0; E_MAX]),
            soft: Box::new([0; N_MAX]),
        }
    }

    /// Which positions of the mother code carry information, and where each position after the sub-block interleaver came from, J(n);
    /// for analysis. Spec: TS 38.212 §5.3.1.2, §5.4.1.1
    pub fn positions(&mut self, params: PolarParams) -> Result<(Vec<bool>, Vec<u16>), PolarError> {
        let plan = plan_of(&mut self.plans, &mut self.used, &mut self.clock, params)?;
        let free = plan.roles[..plan.n].iter().map(|&role| role == Role::Information).collect();
        Ok((free, plan.interleaved[..plan.n].to_vec()))
    }

    /// Encodes and rate-matches one code block.
    ///
    /// Spec: TS 38.212 §5.3.1, §5.4.1
    /// - `bits` `[k]`, one per byte, CRC included, before the input interleaver
    /// - `out`  overwritten, `[e]`, one per byte
    ///
    /// Errors: [`PolarError`]. Cost: O(N log N + E), no allocation.
    pub fn encode(&mut self, params: PolarParams, bits: &[u8], out: &mut [u8]) -> Result<(), PolarError> {
        check_len(params.k, bits.len())?;
        check_len(params.e, out.len())?;
        let plan = plan_of(&mut self.plans, &mut self.used, &mut self.clock, params)?;
        plan.fill(bits, &mut self.word);
        transform(&mut self.word[..plan.n]);
        rate_match::select(plan, &self.word[..], &mut self.matched[..], out);
        Ok(())
    }

    /// List-decodes one code block and hands the candidates, likeliest first, to `accept` until it says yes.
    ///
    /// Spec: TS 38.212 §5.3.1, §5.4.1 (reversed)
    /// - `llrs`   `[e]`
    /// - `accept` sees `[k]` bits after the input interleaver is undone, CRC included
    /// - `out`    `[k]`, the accepted candidate, else the likeliest
    ///
    /// Returns whether one was accepted; false if every soft bit is 0. Errors: [`PolarError`].
    /// Cost: O(L N log N + E), no allocation.
    pub fn decode(
        &mut self,
        params: PolarParams,
        llrs: &[Llr],
        out: &mut [u8],
        mut accept: impl FnMut(&[u8]) -> bool,
    ) -> Result<bool, PolarError> {
        check_len(params.k, out.len())?;
        check_len(params.e, llrs.len())?;
        let plan = plan_of(&mut self.plans, &mut self.used, &mut self.clock, params)?;
        if llrs.iter().all(|&llr| llr == 0) {
            out.fill(0);
            self.decided[..plan.n].fill(0);
            return Ok(false);
        }
        rate_match::recover(plan, llrs, &mut self.between[..], &mut self.soft[..]);
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = &mut self.lanes {
            let n_paths = lanes.decode(plan, &self.soft[..plan.n]);
            let words = &mut self.word[..plan.n];
            lanes.words(words);
            self.decided[..plan.n].copy_from_slice(words);
            // Each octet holds a bit of every path, so one transform serves all of them.
            transform(words);
            for rank in 0..n_paths {
                self.decided_bit = lanes.path(rank);
                plan.extract_bit(words, self.decided_bit, out);
                if accept(out) {
                    return Ok(true);
                }
            }
            self.decided_bit = lanes.path(0);
            plan.extract_bit(words, self.decided_bit, out);
            return Ok(false);
        }
        let n_paths = self.list.decode(plan, &self.soft[..plan.n]);
        self.decided_bit = 0;
        for (tries, rank) in (0..n_paths).chain([0]).enumerate() {
            let word = self.list.codeword(rank, plan.n);
            self.decided[..plan.n].copy_from_slice(word);
            self.word[..plan.n].copy_from_slice(word);
            transform(&mut self.word[..plan.n]);
            plan.extract(&self.word[..], out);
            if tries < n_paths && accept(out) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl PolarCodec {
    /// The correlation sum(llr c) of soft bits with the code word that [`PolarCodec::decode`] decided for last, c = 1 for a 0 and -1
    /// for a 1; of the same parameters.
    pub(crate) fn correlate(&mut self, params: PolarParams, llrs: &[Llr]) -> Result<i64, PolarError> {
        check_len(params.e, llrs.len())?;
        let plan = plan_of(&mut self.plans, &mut self.used, &mut self.clock, params)?;
        let coded = &mut self.coded[..params.e];
        rate_match::select(plan, &self.decided[..], &mut self.matched[..], coded);
        let sign = |octet: u8| 1 - 2 * i32::from(octet >> self.decided_bit & 1);
        let sums = coded.chunks(1024).zip(llrs.chunks(1024)).map(|(coded, llrs)| {
            let products = coded.iter().zip(llrs).map(|(&octet, &llr)| i32::from(llr) * sign(octet));
            i64::from(products.sum::<i32>())
        });
        Ok(sums.sum())
    }
}

/// The plan of these parameters, made in the place of the least recently used one if it is not there.
fn plan_of<'a>(
    plans: &'a mut [Plan],
    used: &mut [u64],
    clock: &mut u64,
    params: PolarParams,
) -> Result<&'a Plan, PolarError> {
    *clock += 1;
    let slot = match plans.iter().position(|plan| plan.params == Some(params)) {
        Some(slot) => slot,
        None => {
            let slot = (0..used.len()).min_by_key(|&slot| used[slot]).unwrap_or(0);
            plans[slot].make(params)?;
            slot
        }
    };
    used[slot] = *clock;
    Ok(&plans[slot])
}

fn check_len(expected: usize, found: usize) -> Result<(), PolarError> {
    if expected == found { Ok(()) } else { Err(PolarError::Length { expected, found }) }
}

/// x = u G_N, in place; it is its own inverse. Spec: TS 38.212 §5.3.1.2
fn transform(word: &mut [u8]) {
    for bytes in word.as_chunks_mut::<8>().0 {
        let mut x = u64::from_le_bytes(*bytes);
        x ^= x >> 8 & 0x00ff_00ff_00ff_00ff;
        x ^= x >> 16 & 0x0000_ffff_0000_ffff;
        x ^= x >> 32;
        *bytes = x.to_le_bytes();
    }
    let mut half = 8;
    while half < word.len() {
        for block in word.chunks_exact_mut(2 * half) {
            let (left, right) = block.split_at_mut(half);
            for (a, b) in left.as_chunks_mut::<8>().0.iter_mut().zip(right.as_chunks::<8>().0) {
                *a = (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b)).to_ne_bytes();
            }
        }
        half *= 2;
    }
}
