//! Cases to be timed by whoever has a clock: `ironcell bench phy`, examples/bench. Inputs are fixed; nothing is measured here.

use crate::ldpc::{BaseGraph, Block, Check, Graph, LdpcDecoder, LdpcEncoder, Outcome};
use crate::polar::PolarCodec;
use crate::sch::{SchDecoder, SchEncoder, SchParams, SoftBuffer};
use crate::{Crc, Isa, LLR_MAX, Llr, bits, dci, pbch, uci};

/// One kernel with one set of parameters and its input.
pub struct Case {
    /// Which kernel, for instance `ldpc_decode`.
    pub name: &'static str,
    /// Its parameters, as `key=value` words.
    pub parameters: String,
    /// The instruction set asked for.
    pub isa: Isa,
    /// What [`Case::value`] gives: `Mb/s` of information bits, or `us` a call.
    pub unit: &'static str,
    bits: f64,
    call: Box<dyn FnMut()>,
}

impl Case {
    fn new(name: &'static str, parameters: String, isa: Isa, bits: usize, call: impl FnMut() + 'static) -> Self {
        let unit = if bits > 0 { "Mb/s" } else { "us" };
        Self { name, parameters, isa, unit, bits: bits as f64, call: Box::new(call) }
    }

    /// Does the work once.
    pub fn run(&mut self) {
        (self.call)();
    }

    /// The figure in `unit`, if a call takes so many seconds.
    pub fn value(&self, seconds_a_call: f64) -> f64 {
        if self.bits > 0.0 { self.bits / seconds_a_call / 1e6 } else { seconds_a_call * 1e6 }
    }
}

/// Every case of this crate on one instruction set.
pub fn cases(isa: Isa) -> Vec<Case> {
    let mut cases = ldpc_cases(isa);
    for (tbs_bits, rate, q_m, g) in [
        (319_784, 948.0, 8, 345_888),
        (155_776, 616.0, 6, 259_416),
        (26_120, 308.0, 2, 86_472),
        (320, 308.0, 2, 1056),
        // One code block each: 8448 bits with its CRC, three times, and 7040.
        (8424, 948.0, 8, 9104),
        (8424, 616.0, 6, 13_656),
        (8424, 341.0, 4, 25_344),
        (7016, 341.0, 2, 21_616),
    ] {
        cases.extend(shared_channel(isa, tbs_bits, rate, q_m, g).into_iter().flatten());
    }
    for e in [108, 216, 432, 864, 1728] {
        for list in [1, 8] {
            cases.extend(dci_case(isa, list, 41, e).into_iter().flatten());
        }
    }
    for list in [2, 4, 16] {
        cases.extend(dci_case(isa, list, 41, 432).into_iter().flatten());
    }
    for list in [1, 8] {
        cases.extend(pbch_decode(isa, list));
        for (a, e) in [(15, 60), (40, 240), (200, 1000), (500, 1600)] {
            cases.push(uci_decode(isa, list, a, e));
        }
    }
    cases
}

fn ldpc_cases(isa: Isa) -> Vec<Case> {
    use BaseGraph::{Bg1, Bg2};
    let mut cases = Vec::new();
    for (bg, z, n_rows, iterations) in [
        (Bg1, 384, 4, 6),
        (Bg1, 384, 46, 6),
        (Bg2, 384, 4, 6),
        (Bg2, 384, 42, 6),
        (Bg1, 384, 4, 2),
        (Bg1, 384, 4, 10),
        // Code rates 8/9, 2/3, 2/3 and 1/3.
        (Bg1, 384, 5, 6),
        (Bg1, 384, 13, 6),
        (Bg2, 384, 7, 6),
        (Bg2, 384, 22, 6),
        (Bg1, 208, 4, 6),
        (Bg1, 208, 46, 6),
        (Bg1, 64, 4, 6),
        (Bg1, 64, 46, 6),
        (Bg2, 64, 4, 6),
        (Bg2, 64, 42, 6),
    ] {
        cases.extend(ldpc_decode(isa, bg, z, n_rows, iterations));
    }
    for z in [32, 16, 8] {
        for (bg, n_rows) in [(Bg1, 4), (Bg1, 46), (Bg2, 4), (Bg2, 42)] {
            cases.extend(ldpc_decode_batch(isa, bg, z, n_rows, 6, 32));
        }
    }
    for (bg, z, n_rows) in
        [(Bg1, 384, 4), (Bg1, 384, 46), (Bg2, 384, 42), (Bg1, 208, 46), (Bg1, 64, 46), (Bg1, 32, 46), (Bg1, 8, 46)]
    {
        cases.extend(ldpc_encode(isa, bg, z, n_rows));
    }
    cases
}

fn noise(n: usize) -> Vec<Llr> {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 56) as i8 as i32 * 100 / 128) as Llr
    };
    (0..n).map(|_| next()).collect()
}

/// Soft bits of coded bits, disturbed by a third of their size.
fn soft(bits: impl Iterator<Item = u8>) -> Vec<Llr> {
    let bits: Vec<u8> = bits.collect();
    let wobble = noise(bits.len());
    bits.iter().zip(wobble).map(|(&bit, wobble)| (if bit == 0 { 40 } else { -40 }) + wobble / 3).collect()
}

fn ldpc_parameters(bg: BaseGraph, z: usize, n_rows: usize) -> String {
    let k_cols = bg.k_cols() as f64;
    format!("bg={} z={z} rate={:.3}", if bg == BaseGraph::Bg1 { 1 } else { 2 }, k_cols / (k_cols + n_rows as f64 - 2.0))
}

/// Noise that no iteration makes a code word of; the CRC is tested after each.
fn ldpc_decode(isa: Isa, bg: BaseGraph, z: usize, n_rows: usize, iterations: u8) -> Option<Case> {
    let graph = Graph::get(bg, z)?;
    let k = bg.k_cols() * z;
    let llrs = noise((bg.k_cols() + n_rows - 2) * z);
    let mut decoder = LdpcDecoder::new(isa);
    let mut info = vec![0; k.div_ceil(8)];
    let received = (1u128 << (bg.k_cols() + n_rows)) - 1;
    let parameters = format!("{} iterations={iterations}", ldpc_parameters(bg, z, n_rows));
    Some(Case::new("ldpc_decode", parameters, isa, k, move || {
        let check = Check::Crc { crc: Crc::Crc24B, n_bits: k };
        decoder.decode(&Block { graph, llrs: &llrs, k_prime: k, received, check }, iterations, &mut info);
    }))
}

fn ldpc_decode_batch(isa: Isa, bg: BaseGraph, z: usize, n_rows: usize, iterations: u8, n: usize) -> Option<Case> {
    let graph = Graph::get(bg, z)?;
    let k = bg.k_cols() * z;
    let len = (bg.k_cols() + n_rows - 2) * z;
    let llrs = noise(n * len);
    let mut decoder = LdpcDecoder::new(isa);
    let mut info = vec![0; n * k.div_ceil(8)];
    let mut outcomes = vec![Outcome { ok: false, iterations: 0 }; n];
    let received = (1u128 << (bg.k_cols() + n_rows)) - 1;
    let parameters = format!("{} iterations={iterations} blocks={n}", ldpc_parameters(bg, z, n_rows));
    Some(Case::new("ldpc_decode_batch", parameters, isa, n * k, move || {
        let check = Check::Crc { crc: Crc::Crc24B, n_bits: k };
        let block = |llrs| Block { graph, llrs, k_prime: k, received, check };
        let blocks: Vec<Block> = llrs.chunks(len).map(block).collect();
        let mut infos: Vec<&mut [u8]> = info.chunks_mut(k.div_ceil(8)).collect();
        decoder.decode_batch(&blocks, iterations, &mut infos, &mut outcomes);
    }))
}

fn ldpc_encode(isa: Isa, bg: BaseGraph, z: usize, n_rows: usize) -> Option<Case> {
    let graph = Graph::get(bg, z)?;
    let k = bg.k_cols() * z;
    let info: Vec<u8> = (0..k.div_ceil(8)).map(|i| (i * 89) as u8).collect();
    let mut codeword = vec![0; (bg.n_cols() * z).div_ceil(8)];
    let mut encoder = LdpcEncoder::new(isa);
    Some(Case::new("ldpc_encode", ldpc_parameters(bg, z, n_rows), isa, k, move || {
        encoder.encode(graph, n_rows, &info, &mut codeword);
    }))
}

/// A whole transport block, there and back; decoding ends after one iteration.
fn shared_channel(isa: Isa, tbs_bits: u32, code_rate_x1024: f32, q_m: u8, g: u32) -> Option<[Case; 2]> {
    let params = SchParams { tbs_bits, code_rate_x1024, q_m, n_layers: 1, rv: 0, g, tbs_lbrm: None };
    let tb: Vec<u8> = (0..tbs_bits as usize / 8).map(|i| (i * 37 + i / 256) as u8).collect();
    let (mut encoder, mut decoder) = (SchEncoder::new(isa), SchDecoder::new(isa));
    let mut coded = vec![0; (g as usize).div_ceil(8)];
    encoder.encode(&params, &tb, &mut coded).ok()?;
    let llrs = soft((0..g as usize).map(|i| bits::get(&coded, i)));
    let (mut buffer, mut out) = (SoftBuffer::new(tbs_bits), vec![0; tb.len()]);
    let parameters = format!("tbs={tbs_bits} q_m={q_m} g={g}");
    Some([
        Case::new("sch_encode", parameters.clone(), isa, tbs_bits as usize, move || {
            let _ = encoder.encode(&params, &tb, &mut coded);
        }),
        Case::new("sch_decode", parameters, isa, tbs_bits as usize, move || {
            let _ = decoder.decode(&params, &llrs, &mut buffer, true, 6, &mut out);
        }),
    ])
}

/// A DCI that is there, and a candidate of noise.
fn dci_case(isa: Isa, list: usize, a: usize, e: usize) -> Option<[Case; 3]> {
    let codec = || PolarCodec::with_isa(list, isa);
    let (mut encoder, mut decoder, mut searcher) = (codec(), codec(), codec());
    let (payload, mut coded) = (vec![1; a], vec![0; e]);
    dci::encode(&mut encoder, &payload, 1, &mut coded).ok()?;
    let (llrs, absent) = (soft(coded.iter().copied()), noise(e));
    let (mut found, mut out) = (vec![0; a], vec![0; a]);
    let parameters = format!("a={a} e={e} list={list}");
    Some([
        Case::new("dci_encode", format!("a={a} e={e}"), isa, 0, move || {
            let _ = dci::encode(&mut encoder, &payload, 1, &mut coded);
        }),
        Case::new("dci_decode", parameters.clone(), isa, 0, move || {
            let _ = dci::decode(&mut decoder, &llrs, &[2, 1], &mut found);
        }),
        Case::new("dci_decode_noise", parameters, isa, 0, move || {
            let _ = dci::decode(&mut searcher, &absent, &[2, 1], &mut out);
        }),
    ])
}

/// A PBCH that is there, and noise.
fn pbch_decode(isa: Isa, list: usize) -> [Case; 2] {
    let codec = || PolarCodec::with_isa(list, isa);
    let (mut decoder, mut searcher, absent) = (codec(), codec(), noise(pbch::E));
    let coded = pbch::encode(&mut decoder, &[1; pbch::PAYLOAD_BITS]).unwrap_or([0; pbch::E]);
    let llrs = soft(coded.into_iter());
    [
        Case::new("pbch_decode", format!("list={list}"), isa, 0, move || {
            let _ = pbch::decode(&mut decoder, &llrs);
        }),
        Case::new("pbch_decode_noise", format!("list={list}"), isa, 0, move || {
            let _ = pbch::decode(&mut searcher, &absent);
        }),
    ]
}

fn uci_decode(isa: Isa, list: usize, a: usize, e: usize) -> Case {
    let mut codec = PolarCodec::with_isa(list, isa);
    let (mut coded, mut found) = (vec![0; e], vec![0; a]);
    let _ = uci::encode(&mut codec, &vec![1; a], 2, &mut coded);
    let llrs: Vec<Llr> = soft(coded.iter().copied()).iter().map(|&llr| llr.clamp(-LLR_MAX, LLR_MAX)).collect();
    Case::new("uci_decode", format!("a={a} e={e} list={list}"), isa, 0, move || {
        let _ = uci::decode(&mut codec, &llrs, 2, &mut found);
    })
}
