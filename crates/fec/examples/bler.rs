//! Block error rates over AWGN, QPSK: `cargo run --release -p fec --example bler [blocks]`.
//!
//! Each row: code, Es/N0 in dB, blocks, block error rate, mean iterations. Soft bits are exact LLRs rounded to 8 bits, 6 steps a unit.

use fec::polar::PolarCodec;
use fec::sch::{SchDecoder, SchEncoder, SchParams, SoftBuffer};
use fec::{Isa, Llr, bits, dci};

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

    /// QPSK: each bit is one real dimension of variance N0 / 2 at amplitude sqrt(1/2).
    fn soft(&mut self, bit: u8, es_n0_db: f64) -> Llr {
        let n0 = 10f64.powf(-es_n0_db / 10.0);
        let amplitude = 0.5f64.sqrt();
        let y = (1.0 - 2.0 * f64::from(bit)) * amplitude + (n0 / 2.0).sqrt() * self.normal();
        (6.0 * 4.0 * amplitude * y / n0).round().clamp(-120.0, 120.0) as Llr
    }
}

fn shared(name: &str, tbs_bits: u32, g: u32, iterations: u8, db: &[f64], blocks: usize) {
    let rate = tbs_bits as f32 / g as f32 * 1024.0;
    let params = SchParams { tbs_bits, code_rate_x1024: rate, q_m: 2, n_layers: 1, rv: 0, g, tbs_lbrm: None };
    let (mut encoder, mut decoder) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()));
    let (mut soft, mut noise) = (SoftBuffer::new(tbs_bits), Noise(1));
    let (mut coded, mut out) = (vec![0; g.div_ceil(8) as usize], vec![0; tbs_bits as usize / 8]);
    for &db in db {
        let (mut errors, mut mean, mut n) = (0, 0.0, 0);
        while n < blocks && errors < blocks / 4 {
            let tb: Vec<u8> = (0..tbs_bits / 8).map(|_| noise.next() as u8).collect();
            encoder.encode(&params, &tb, &mut coded).unwrap();
            let llrs: Vec<Llr> = (0..g as usize).map(|i| noise.soft(bits::get(&coded, i), db)).collect();
            let result = decoder.decode(&params, &llrs, &mut soft, true, iterations, &mut out).unwrap();
            errors += usize::from(!result.crc_ok);
            mean += f64::from(result.iterations_mean);
            n += 1;
        }
        let bler = errors as f64 / n as f64;
        println!("{name:28} {db:6.2} dB {n:6} blocks {bler:8.4} {:6.2} iterations", mean / n as f64);
    }
}

fn control(list: usize, a: usize, e: usize, db: &[f64], blocks: usize) {
    let (mut codec, mut noise) = (PolarCodec::new(list), Noise(2));
    for &db in db {
        let (mut errors, mut coded, mut out) = (0, vec![0; e], vec![0; a]);
        for _ in 0..blocks {
            let payload: Vec<u8> = (0..a).map(|_| (noise.next() >> 63) as u8).collect();
            dci::encode(&mut codec, &payload, 9, &mut coded).unwrap();
            let llrs: Vec<Llr> = coded.iter().map(|&bit| noise.soft(bit, db)).collect();
            errors += usize::from(dci::decode(&mut codec, &llrs, &[9], &mut out).unwrap().is_none());
        }
        println!(
            "dci {a} in {e} list {list:2}          {db:6.2} dB {blocks:6} blocks {:8.4}",
            errors as f64 / blocks as f64
        );
    }
}

fn main() {
    let blocks = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(400);
    shared("BG1 8424 rate 1/3", 8424, 25_272, 10, &[-1.0, -0.8, -0.6, -0.4], blocks);
    shared("BG1 8424 rate 2/3", 8424, 12_636, 10, &[3.4, 3.6, 3.8, 4.0], blocks);
    shared("BG1 8424 rate 0.89", 8424, 9_464, 10, &[6.2, 6.4, 6.6, 6.8], blocks);
    shared("BG2 3824 rate 1/5", 3824, 19_120, 10, &[-3.2, -3.0, -2.8, -2.6], blocks);
    shared("BG2 1032 rate 1/3", 1032, 3_096, 10, &[-0.8, -0.4, 0.0, 0.4], blocks);
    shared("BG2 104 rate 1/2", 104, 208, 10, &[2.0, 3.0, 4.0], blocks);
    for list in [1, 4, 8, 16] {
        control(list, 41, 216, &[-2.0, -1.5, -1.0], 4 * blocks);
    }
}
