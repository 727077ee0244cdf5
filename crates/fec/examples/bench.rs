//! Throughput of the codes on this machine: `cargo run --release -p fec --example bench`.

use fec::ldpc::{BaseGraph, Block, Check, Graph, LdpcDecoder, LdpcEncoder};
use fec::polar::PolarCodec;
use fec::sch::{SchDecoder, SchEncoder, SchParams, SoftBuffer};
use fec::{Isa, Llr, bits, dci};
use std::time::Instant;

/// Microseconds a call, the least of five rounds of about 40 ms.
fn time_us(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    call();
    let n = (0.04 / start.elapsed().as_secs_f64().max(1e-7)).ceil() as usize;
    let mut round = || {
        let start = Instant::now();
        (0..n).for_each(|_| call());
        start.elapsed().as_secs_f64() / n as f64 * 1e6
    };
    (0..5).map(|_| round()).fold(f64::MAX, f64::min)
}

fn noise(n: usize) -> Vec<Llr> {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 56) as i8 as i32 * 100 / 128) as Llr
    };
    (0..n).map(|_| next()).collect()
}

fn ldpc_decode(isa: Isa, bg: BaseGraph, z: usize, n_rows: usize, iterations: u8) {
    let graph = Graph::get(bg, z).unwrap();
    let k = bg.k_cols() * z;
    let llrs = noise((bg.k_cols() + n_rows - 2) * z);
    let mut decoder = LdpcDecoder::new(isa);
    let mut info = vec![0; k.div_ceil(8)];
    let received = (1u128 << (bg.k_cols() + n_rows)) - 1;
    let check = Check::Crc { crc: fec::Crc::Crc24B, n_bits: k };
    let block = Block { graph, llrs: &llrs, k_prime: k, received, check };
    let us = time_us(|| {
        decoder.decode(&block, iterations, &mut info);
    });
    let rate = k as f64 / llrs.len() as f64;
    println!(
        "ldpc decode {isa:7} {bg:?} z {z:3} rate {rate:.3} {iterations:2} iterations {us:8.2} us {:8.1} Mb/s",
        k as f64 / us
    );
}

fn ldpc_encode(bg: BaseGraph, z: usize, n_rows: usize) {
    let graph = Graph::get(bg, z).unwrap();
    let k = bg.k_cols() * z;
    let info: Vec<u8> = (0..k.div_ceil(8)).map(|i| (i * 89) as u8).collect();
    let mut codeword = vec![0; (bg.n_cols() * z).div_ceil(8)];
    let mut encoder = LdpcEncoder::new();
    let us = time_us(|| encoder.encode(graph, n_rows, &info, &mut codeword));
    println!("ldpc encode         {bg:?} z {z:3} rows {n_rows:2} {us:8.2} us {:8.1} Mb/s", k as f64 / us);
}

fn slot(isa: Isa) {
    // n78-100, 273 PRB, one layer, 256QAM at rate 0.926: about what a slot carries.
    for (name, tbs_bits, code_rate_x1024, q_m, g) in [
        ("256QAM 0.926", 319_784, 948.0, 8, 345_888),
        ("64QAM 0.60", 155_776, 616.0, 6, 259_416),
        ("QPSK 0.30", 26_120, 308.0, 2, 86_472),
    ] {
        let params = SchParams { tbs_bits, code_rate_x1024, q_m, n_layers: 1, rv: 0, g, tbs_lbrm: None };
        let tb: Vec<u8> = (0..tbs_bits as usize / 8).map(|i| (i * 37 + i / 256) as u8).collect();
        let (mut encoder, mut decoder) = (SchEncoder::new(isa), SchDecoder::new(isa));
        let mut coded = vec![0; (g as usize).div_ceil(8)];
        let us = time_us(|| encoder.encode(&params, &tb, &mut coded).unwrap());
        println!("sch encode  {isa:7} {name:13} tbs {tbs_bits} {us:8.1} us {:8.1} Mb/s", f64::from(tbs_bits) / us);
        let wobble = noise(g as usize);
        let llrs: Vec<Llr> =
            (0..g as usize).map(|i| (1 - 2 * bits::get(&coded, i) as Llr) * 30 + wobble[i] / 5).collect();
        let (mut soft, mut out) = (SoftBuffer::new(tbs_bits), vec![0; tb.len()]);
        let mut result = None;
        let us = time_us(|| result = decoder.decode(&params, &llrs, &mut soft, true, 6, &mut out).ok());
        println!(
            "sch decode  {isa:7} {name:13} tbs {tbs_bits} {us:8.1} us {:8.1} Mb/s {result:?}",
            f64::from(tbs_bits) / us
        );
    }
}

fn main() {
    for isa in Isa::available() {
        ldpc_decode(isa, BaseGraph::Bg1, 384, 4, 6);
        ldpc_decode(isa, BaseGraph::Bg1, 384, 4, 2);
        ldpc_decode(isa, BaseGraph::Bg1, 384, 46, 6);
        ldpc_decode(isa, BaseGraph::Bg2, 384, 4, 6);
        ldpc_decode(isa, BaseGraph::Bg2, 384, 42, 6);
        ldpc_decode(isa, BaseGraph::Bg1, 208, 4, 6);
        ldpc_decode(isa, BaseGraph::Bg1, 64, 4, 6);
        slot(isa);
    }
    ldpc_encode(BaseGraph::Bg1, 384, 4);
    ldpc_encode(BaseGraph::Bg1, 384, 46);
    ldpc_encode(BaseGraph::Bg1, 64, 46);
    for (list, e) in [(8, 108), (8, 216), (8, 432), (8, 864), (8, 1728), (1, 432)] {
        let mut codec = PolarCodec::new(list);
        let mut coded = vec![0; e];
        let us = time_us(|| dci::encode(&mut codec, &[1; 41], 1, &mut coded).unwrap());
        let (llrs, mut out) = (noise(e), [0; 41]);
        let decode = time_us(|| {
            let _ = dci::decode(&mut codec, &llrs, &[1, 2], &mut out);
        });
        println!("dci 41 bits E {e:4} list {list} encode {us:7.2} us decode {decode:7.2} us");
    }
}
