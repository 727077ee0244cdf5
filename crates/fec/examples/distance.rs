//! How far the decoders are from floating-point ones, AWGN, QPSK: `cargo run --release -p fec --example distance [errors]`.
//!
//! Rows: code, Es/N0 in dB, block error rate of this crate and of the floating-point form (layered sum-product for LDPC at equal
//! iterations, CRC-aided list decoding in f64 for polar) on the same noise.

use fec::ldpc::{BaseGraph, Block, Check, Graph, LdpcDecoder, LdpcEncoder};
use fec::polar::PolarCodec;
use fec::{Crc, Isa, Llr, bits, dci};

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
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
    fn llr(&mut self, bit: u8, es_n0_db: f64) -> f64 {
        let n0 = 10f64.powf(-es_n0_db / 10.0);
        let a = 0.5f64.sqrt();
        4.0 * a / n0 * ((1.0 - 2.0 * f64::from(bit)) * a + (n0 / 2.0).sqrt() * self.normal())
    }
}

/// Layered sum-product in f64; the hard decisions of the systematic columns.
fn sum_product(graph: &Graph, n_rows: usize, llrs: &[f64], iterations: usize, passed: impl Fn(&[u8]) -> bool) -> bool {
    let (z, k_cols) = (graph.z, graph.bg.k_cols());
    let mut posterior = vec![0.0; (k_cols + n_rows) * z];
    posterior[2 * z..].copy_from_slice(llrs);
    let mut messages: Vec<Vec<f64>> = (0..n_rows).map(|row| vec![0.0; graph.row(row).len() * z]).collect();
    let mut info = vec![0u8; (k_cols * z).div_ceil(8)];
    for _ in 0..iterations {
        for (row, messages) in messages.iter_mut().enumerate() {
            let edges = graph.row(row);
            for lane in 0..z {
                let place = |e: usize| edges[e].col as usize * z + (lane + edges[e].shift as usize) % z;
                let inputs: Vec<f64> = (0..edges.len()).map(|e| posterior[place(e)] - messages[e * z + lane]).collect();
                let tanh: Vec<f64> = inputs.iter().map(|x| (x / 2.0).clamp(-19.0, 19.0).tanh()).collect();
                for e in 0..edges.len() {
                    let product: f64 = (0..edges.len()).filter(|&o| o != e).map(|o| tanh[o]).product();
                    let message = 2.0 * product.clamp(-1.0 + 1e-15, 1.0 - 1e-15).atanh();
                    messages[e * z + lane] = message;
                    posterior[place(e)] = inputs[e] + message;
                }
            }
        }
        (0..k_cols * z).for_each(|i| bits::set(&mut info, i, u8::from(posterior[i] < 0.0)));
        if passed(&info) {
            return true;
        }
    }
    false
}

fn ldpc(bg: BaseGraph, z: usize, n_rows: usize, iterations: u8, db: &[f64], errors_wanted: usize) {
    let graph = Graph::get(bg, z).unwrap();
    let k = bg.k_cols() * z;
    let (mut encoder, mut decoder, mut noise) = (LdpcEncoder::default(), LdpcDecoder::new(Isa::best()), Noise(3));
    let (mut codeword, mut out) = (vec![0; (bg.n_cols() * z).div_ceil(8)], vec![0; k.div_ceil(8)]);
    let received = ((1u128 << (bg.k_cols() + n_rows)) - 1) & !3;
    for &db in db {
        let (mut n, mut ours, mut float) = (0, 0, 0);
        while ours.min(float) < errors_wanted && n < 400 * errors_wanted {
            let mut info: Vec<u8> = (0..k / 8).map(|_| noise.next() as u8).collect();
            let parity = Crc::Crc24B.of_bytes(&info[..k / 8 - 3]).to_be_bytes();
            info[k / 8 - 3..].copy_from_slice(&parity[1..]);
            encoder.encode(graph, n_rows, &info, &mut codeword);
            let exact: Vec<f64> =
                (2 * z..(bg.k_cols() + n_rows) * z).map(|i| noise.llr(bits::get(&codeword, i), db)).collect();
            let llrs: Vec<Llr> = exact.iter().map(|x| (8.0 * x).round().clamp(-120.0, 120.0) as Llr).collect();
            let check = Check::Crc { crc: Crc::Crc24B, n_bits: k };
            decoder.decode(&Block { graph, llrs: &llrs, k_prime: k, received, check }, iterations, &mut out);
            ours += usize::from(out != info);
            float += usize::from(!sum_product(graph, n_rows, &exact, iterations.into(), |found| found == info));
            n += 1;
        }
        let rate = |errors: usize| errors as f64 / n as f64;
        println!(
            "ldpc {bg:?} z {z:3} rows {n_rows:2} {iterations:2} iterations {db:6.2} dB {n:6} blocks ours {:8.4} sum-product {:8.4}",
            rate(ours),
            rate(float)
        );
    }
}

/// A path of the floating-point list decoder.
#[derive(Clone)]
struct Path {
    cost: f64,
    u: Vec<u8>,
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
    let mut span = 1;
    while span < half {
        for block in left.chunks_mut(2 * span) {
            let (l, r) = block.split_at_mut(span);
            l.iter_mut().zip(r).for_each(|(l, r)| *l ^= *r);
        }
        span *= 2;
    }
    let known = |((&a, &b), &s): ((&f64, &f64), &u8)| b + if s == 1 { -a } else { a };
    soft(&a.iter().zip(b).zip(&left).map(known).collect::<Vec<_>>(), &u[half..])
}

/// A DCI in a mother code of its own length (E = N), so that no rate matching stands between.
fn polar(list: usize, a: usize, e: usize, db: &[f64], errors_wanted: usize) {
    let (mut codec, mut noise) = (PolarCodec::new(list), Noise(4));
    // Which positions of u carry information, and the sub-block interleaver, seen from outside: through single code words.
    let k = a + 24;
    let params = fec::polar::PolarParams { k, e, uplink: false };
    let (free, interleaver) = codec.positions(params).unwrap();
    for &db in db {
        let (mut n, mut ours, mut float) = (0, 0, 0);
        while ours.min(float) < errors_wanted && n < 400 * errors_wanted {
            let payload: Vec<u8> = (0..a).map(|_| (noise.next() >> 63) as u8).collect();
            let mut coded = vec![0; e];
            dci::encode(&mut codec, &payload, 9, &mut coded).unwrap();
            let exact: Vec<f64> = coded.iter().map(|&bit| noise.llr(bit, db)).collect();
            let llrs: Vec<Llr> = exact.iter().map(|x| (8.0 * x).round().clamp(-120.0, 120.0) as Llr).collect();
            let mut out = vec![0; a];
            let hit = dci::decode(&mut codec, &llrs, &[9], &mut out).unwrap();
            ours += usize::from(hit.is_none() || out != payload);
            let mut mother = vec![0.0; e];
            interleaver.iter().zip(&exact).for_each(|(&i, &x)| mother[i as usize] = x);
            let mut paths = vec![Path { cost: 0.0, u: Vec::new() }];
            for &is_free in &free {
                let mut next = Vec::new();
                for path in &paths {
                    let value = soft(&mother, &path.u);
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
            // The CRC chooses the path that was sent if it is there.
            let sent = |path: &Path| {
                let mut word = path.u.clone();
                let mut span = 1;
                while span < word.len() {
                    for block in word.chunks_mut(2 * span) {
                        let (l, r) = block.split_at_mut(span);
                        l.iter_mut().zip(r).for_each(|(l, r)| *l ^= *r);
                    }
                    span *= 2;
                }
                interleaver.iter().zip(&coded).all(|(&i, &bit)| word[i as usize] == bit)
            };
            float += usize::from(!paths.iter().any(sent));
            n += 1;
        }
        let rate = |errors: usize| errors as f64 / n as f64;
        println!(
            "dci {a} in {e} list {list:2} {db:6.2} dB {n:6} blocks ours {:8.4} float {:8.4}",
            rate(ours),
            rate(float)
        );
    }
}

fn main() {
    let errors = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let only = std::env::args().nth(2).unwrap_or_default();
    if only != "polar" {
        ldpc(BaseGraph::Bg1, 96, 4, 8, &[6.4, 6.6, 6.8, 7.0], errors);
        ldpc(BaseGraph::Bg1, 96, 24, 8, &[1.0, 1.2, 1.4, 1.6], errors);
        ldpc(BaseGraph::Bg1, 96, 46, 8, &[-0.8, -0.6, -0.4, -0.2], errors);
        ldpc(BaseGraph::Bg2, 96, 42, 8, &[-3.2, -2.9, -2.6, -2.3], errors);
        ldpc(BaseGraph::Bg2, 96, 12, 8, &[2.0, 2.3, 2.6, 2.9], errors);
    }
    if only != "ldpc" {
        polar(8, 41, 128, &[0.5, 1.0, 1.5], errors);
        polar(8, 41, 256, &[-2.5, -2.0, -1.5], errors);
    }
}
