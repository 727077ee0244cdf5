//! Floating-point decoders to measure distances from, and the channel that both see.

#![allow(dead_code)]

use fec::ldpc::{BaseGraph, Block, Check, Graph, LdpcDecoder, LdpcEncoder};
use fec::polar::{PolarCodec, PolarParams};
use fec::{Crc, Isa, Llr, bits, dci};

/// Splitmix64, Box-Muller.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// The exact LLR of a QPSK bit at Es/N0.
    pub fn llr(&mut self, bit: u8, es_n0_db: f64) -> f64 {
        let n0 = 10f64.powf(-es_n0_db / 10.0);
        let a = 0.5f64.sqrt();
        4.0 * a / n0 * ((1.0 - 2.0 * f64::from(bit)) * a + (n0 / 2.0).sqrt() * self.normal())
    }
}

/// As far as 8 bits go.
pub fn quantise(llr: f64) -> Llr {
    (f64::from(fec::LLR_STEPS_PER_NEPER) * llr).round().clamp(-120.0, 120.0) as Llr
}

/// ln(1 + exp(-x)) in steps of 1/64, for linear interpolation (error below 1e-5).
struct Correction(Vec<f32>);

impl Correction {
    fn new() -> Self {
        Self((0..64 * 20).map(|i| (-f64::from(i) / 64.0).exp().ln_1p() as f32).collect())
    }

    fn at(&self, x: f32) -> f32 {
        let place = x * 64.0;
        match self.0.get(place as usize..place as usize + 2) {
            Some(&[a, b]) => a + (b - a) * (place - place.floor()),
            _ => 0.0,
        }
    }

    /// The LLR of the sum modulo 2 of two bits, exactly.
    fn both(&self, a: f32, b: f32) -> f32 {
        let (x, y) = (a.abs(), b.abs());
        (x.min(y) + self.at(x + y) - self.at((x - y).abs())) * a.signum() * b.signum()
    }
}

/// Layered sum-product decoding.
pub struct SumProduct {
    correction: Correction,
    messages: Vec<Vec<f32>>,
    posterior: Vec<f32>,
}

impl SumProduct {
    pub fn new() -> Self {
        Self { correction: Correction::new(), messages: Vec::new(), posterior: Vec::new() }
    }

    /// Whether the systematic bits are `info` after at most so many iterations over `rows`; `llrs` of the columns from the third on.
    pub fn decode(&mut self, graph: &Graph, rows: &[usize], llrs: &[f32], iterations: usize, info: &[u8]) -> bool {
        let (z, k_cols) = (graph.z, graph.bg.k_cols());
        self.posterior.clear();
        self.posterior.resize(graph.bg.n_cols() * z, 0.0);
        self.posterior[2 * z..2 * z + llrs.len()].copy_from_slice(llrs);
        self.messages = (0..graph.bg.n_rows()).map(|row| vec![0.0; graph.row(row).len() * z]).collect();
        (0..iterations).any(|_| {
            rows.iter().for_each(|&row| self.row(graph, row));
            (0..k_cols * z).all(|i| (self.posterior[i] < 0.0) == (bits::get(info, i) == 1))
        })
    }

    fn row(&mut self, graph: &Graph, row: usize) {
        let (z, edges, n) = (graph.z, graph.row(row), graph.row(row).len());
        let (mut inputs, mut behind) = ([0f32; 20], [0f32; 20]);
        for lane in 0..z {
            let place = |e: usize| edges[e].col as usize * z + (lane + edges[e].shift as usize) % z;
            let messages = &mut self.messages[row][lane * n..(lane + 1) * n];
            (0..n).for_each(|e| inputs[e] = self.posterior[place(e)] - messages[e]);
            behind[n - 1] = inputs[n - 1];
            (1..n - 1).rev().for_each(|e| behind[e] = self.correction.both(inputs[e], behind[e + 1]));
            let mut before = inputs[0];
            for e in 0..n {
                let message = match e {
                    0 => behind[1],
                    _ if e == n - 1 => before,
                    _ => self.correction.both(before, behind[e + 1]),
                };
                if e > 0 {
                    before = self.correction.both(before, inputs[e]);
                }
                messages[e] = message;
                self.posterior[place(e)] = inputs[e] + message;
            }
        }
    }
}

/// One LDPC code over AWGN with QPSK.
#[derive(Clone, Copy)]
pub struct LdpcCase {
    pub bg: BaseGraph,
    pub z: usize,
    /// Code rate in per cent, by sending the circular buffer from its start on.
    pub rate: usize,
    pub iterations: u8,
}

/// Block errors among the same blocks in the same noise.
#[derive(Clone, Copy, Default)]
pub struct Errors {
    pub blocks: usize,
    /// Of this crate.
    pub ours: usize,
    /// Of sum-product over rows in ascending order.
    pub ascending: usize,
    /// Of sum-product over rows in the order of this crate.
    pub same: usize,
}

impl LdpcCase {
    /// Simulates blocks at one Es/N0 until both kinds of sum-product, those that `float` asks for, and this crate have `errors`, or `blocks` are done.
    pub fn run(&self, es_n0_db: f64, seed: u64, float: bool, errors: usize, blocks: usize) -> Errors {
        let Self { bg, z, rate, iterations } = *self;
        let graph = Graph::get(bg, z).unwrap();
        let k = bg.k_cols() * z;
        let (e, n) = (k * 100 / rate, bg.n_tx_cols() * z);
        let n_rows = (e.div_ceil(z) + 2).saturating_sub(bg.k_cols()).clamp(4, bg.n_rows());
        let received = ((1u128 << (bg.k_cols() + n_rows)) - 1) & !3;
        let order: Vec<usize> = graph.order().filter(|&row| row < n_rows).collect();
        let ascending: Vec<usize> = (0..n_rows).collect();
        let mut noise = Noise(seed);
        let (mut encoder, mut decoder, mut reference) =
            (LdpcEncoder::default(), LdpcDecoder::new(Isa::best()), SumProduct::new());
        let (mut codeword, mut out) = (vec![0; (bg.n_cols() * z).div_ceil(8)], vec![0; k.div_ceil(8)]);
        let mut found = Errors::default();
        let done = |found: &Errors| found.ours.min(if float { found.same } else { usize::MAX }) >= errors;
        while found.blocks < blocks && !done(&found) {
            let mut info: Vec<u8> = (0..k / 8).map(|_| noise.next() as u8).collect();
            let parity = Crc::Crc24B.of_bytes(&info[..k / 8 - 3]).to_be_bytes();
            info[k / 8 - 3..].copy_from_slice(&parity[1..]);
            encoder.encode(graph, bg.n_rows(), &info, &mut codeword);
            let mut exact = vec![0f64; e.min(n)];
            (0..e).for_each(|i| exact[i % n] += noise.llr(bits::get(&codeword, 2 * z + i % n), es_n0_db));
            let llrs: Vec<Llr> = exact.iter().map(|&x| quantise(x)).collect();
            let check = Check::Crc { crc: Crc::Crc24B, n_bits: k };
            decoder.decode(&Block { graph, llrs: &llrs, k_prime: k, received, check }, iterations, &mut out);
            found.ours += usize::from(out != info);
            if float {
                let exact: Vec<f32> = exact.iter().map(|&x| x as f32).collect();
                let mut fails = |rows| !reference.decode(graph, rows, &exact, iterations.into(), &info);
                found.ascending += usize::from(fails(&ascending));
                found.same += usize::from(fails(&order));
            }
            found.blocks += 1;
        }
        found
    }
}

/// A path of the floating-point list decoder.
#[derive(Clone)]
struct Path {
    cost: f64,
    u: Vec<u8>,
}

/// The polar transform, in place.
fn transform(word: &mut [u8]) {
    let mut span = 1;
    while span < word.len() {
        for block in word.chunks_mut(2 * span) {
            let (l, r) = block.split_at_mut(span);
            l.iter_mut().zip(r).for_each(|(l, r)| *l ^= *r);
        }
        span *= 2;
    }
}

/// The soft value of position `i` of a polar code, its predecessors being known.
fn soft(llrs: &[f64], u: &[u8]) -> f64 {
    if llrs.len() == 1 {
        return llrs[0];
    }
    let half = llrs.len() / 2;
    let (a, b) = llrs.split_at(half);
    if u.len() < half {
        let exact = |(&a, &b): (&f64, &f64)| {
            let (x, y): (f64, f64) = (a + b, a - b);
            a.signum() * b.signum() * a.abs().min(b.abs()) + (-x.abs()).exp().ln_1p() - (-y.abs()).exp().ln_1p()
        };
        return soft(&a.iter().zip(b).map(exact).collect::<Vec<_>>(), u);
    }
    let mut left = u[..half].to_vec();
    transform(&mut left);
    let known = |((&a, &b), &s): ((&f64, &f64), &u8)| b + if s == 1 { -a } else { a };
    soft(&a.iter().zip(b).zip(&left).map(known).collect::<Vec<_>>(), &u[half..])
}

/// A DCI of `a` bits in a mother code of its own length (E = N), so that no rate matching stands between, over AWGN with QPSK.
#[derive(Clone, Copy)]
pub struct PolarCase {
    pub list: usize,
    pub a: usize,
    pub e: usize,
}

impl PolarCase {
    /// As [`LdpcCase::run`]; both floating-point counts are those of list decoding in f64, of which the CRC chooses the path that was sent if it is
    /// there.
    pub fn run(&self, es_n0_db: f64, seed: u64, float: bool, errors: usize, blocks: usize) -> Errors {
        let Self { list, a, e } = *self;
        let (mut codec, mut noise) = (PolarCodec::new(list), Noise(seed));
        let (free, interleaver) = codec.positions(PolarParams { k: a + 24, e, uplink: false }).unwrap();
        let mut found = Errors::default();
        let done = |found: &Errors| found.ours.min(if float { found.same } else { usize::MAX }) >= errors;
        while found.blocks < blocks && !done(&found) {
            let payload: Vec<u8> = (0..a).map(|_| (noise.next() >> 63) as u8).collect();
            let mut coded = vec![0; e];
            dci::encode(&mut codec, &payload, 9, &mut coded).unwrap();
            let exact: Vec<f64> = coded.iter().map(|&bit| noise.llr(bit, es_n0_db)).collect();
            let llrs: Vec<Llr> = exact.iter().map(|&x| quantise(x)).collect();
            let mut out = vec![0; a];
            let hit = dci::decode(&mut codec, &llrs, &[9], &mut out).unwrap();
            found.ours += usize::from(hit.is_none() || out != payload);
            if float {
                let mut mother = vec![0.0; e];
                interleaver.iter().zip(&exact).for_each(|(&i, &x)| mother[i as usize] = x);
                let sent = |path: &Path| {
                    let mut word = path.u.clone();
                    transform(&mut word);
                    interleaver.iter().zip(&coded).all(|(&i, &bit)| word[i as usize] == bit)
                };
                let fails = !float_list(&mother, &free, list).iter().any(sent);
                found.ascending += usize::from(fails);
                found.same += usize::from(fails);
            }
            found.blocks += 1;
        }
        found
    }
}

fn float_list(mother: &[f64], free: &[bool], list: usize) -> Vec<Path> {
    let mut paths = vec![Path { cost: 0.0, u: Vec::new() }];
    for &is_free in free {
        let mut next = Vec::new();
        for path in &paths {
            let value = soft(mother, &path.u);
            for bit in 0..=u8::from(is_free) {
                let mut path = path.clone();
                path.cost += (if bit == 1 { value } else { -value }).exp().ln_1p();
                path.u.push(bit);
                next.push(path);
            }
        }
        next.sort_by(|x, y| x.cost.total_cmp(&y.cost));
        next.truncate(list);
        paths = next;
    }
    paths
}
