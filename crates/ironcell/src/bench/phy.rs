//! Kernels of the physical layer.

use dsp::Cf32;
use dsp::fft::{Direction, Plan};
use dsp::noise::Gaussian;
use fec::ldpc::{BaseGraph, Block, Check, Graph, LdpcDecoder};
use fec::polar::PolarCodec;
use fec::sch::{SchDecoder, SchEncoder, SchParams, SoftBuffer};
use fec::{Llr, bits, dci};
use link::propagation::{Antennas, Correlation};
use link::shared::SharedCase;
use ofdm::Grid;
use phy::equalize::Equalizer;
use phy::estimate::SharedEstimator;
use phy::modulation::{Modulation, demodulate, modulate};

use super::Bench;
use super::slot::{case, uplink};

/// Every kernel.
pub fn run(bench: &mut Bench) {
    ldpc(bench);
    shared_channel(bench);
    polar(bench);
    modulation(bench);
    equalizer(bench);
    transforms(bench);
}

fn fec_isa(isa: dsp::Isa) -> fec::Isa {
    let name = isa.to_string();
    fec::Isa::available().find(|i| i.to_string() == name).unwrap_or(fec::Isa::Scalar)
}

/// Soft bits that no decoder can correct, so that all iterations run.
fn soft_noise(n: usize) -> Vec<Llr> {
    let mut state = 1;
    (0..n).map(|_| ((dsp::noise::split_mix_64(&mut state) >> 56) as i8 as i32 * 100 / 128) as Llr).collect()
}

fn ldpc(bench: &mut Bench) {
    let isa = fec_isa(bench.isa);
    for (bg, z, n_rows, iterations) in [
        (BaseGraph::Bg1, 384, 4, 6),
        (BaseGraph::Bg1, 384, 4, 2),
        (BaseGraph::Bg1, 384, 46, 6),
        (BaseGraph::Bg2, 384, 4, 6),
        (BaseGraph::Bg2, 384, 42, 6),
        (BaseGraph::Bg1, 208, 4, 6),
        (BaseGraph::Bg1, 64, 4, 6),
        (BaseGraph::Bg2, 32, 10, 6),
        (BaseGraph::Bg2, 8, 10, 6),
    ] {
        let Some(graph) = Graph::get(bg, z) else { continue };
        let k = bg.k_cols() * z;
        let llrs = soft_noise((bg.k_cols() + n_rows - 2) * z);
        let mut decoder = LdpcDecoder::new(isa);
        let mut info = vec![0; k.div_ceil(8)];
        let received = (1u128 << (bg.k_cols() + n_rows)) - 1;
        let check = Check::Crc { crc: fec::Crc::Crc24B, n_bits: k };
        let block = Block { graph, llrs: &llrs, k_prime: k, received, check };
        let rate = k as f64 / llrs.len() as f64;
        let parameters = format!("{bg:?} Z {z} rate {rate:.3} {iterations} iterations");
        bench.row(
            "ldpc-decode",
            parameters,
            "Mb/s",
            |s| k as f64 / s * 1e-6,
            || {
                decoder.decode(&block, iterations, &mut info);
                true
            },
        );
    }
}

fn shared_channel(bench: &mut Bench) {
    let isa = fec_isa(bench.isa);
    for (tbs_bits, code_rate_x1024, q_m, g) in
        [(319_784, 948.0, 8, 345_888), (155_776, 616.0, 6, 259_416), (26_120, 308.0, 2, 86_472), (320, 308.0, 2, 1056)]
    {
        let params = SchParams { tbs_bits, code_rate_x1024, q_m, n_layers: 1, rv: 0, g, tbs_lbrm: None };
        let tb: Vec<u8> = (0..tbs_bits as usize / 8).map(|i| (i * 37 + i / 256) as u8).collect();
        let (mut encoder, mut decoder) = (SchEncoder::new(isa), SchDecoder::new(isa));
        let mut coded = vec![0; (g as usize).div_ceil(8)];
        let mega = |s: f64| f64::from(tbs_bits) / s * 1e-6;
        let parameters = format!("TBS {tbs_bits} R {:.3} Q_m {q_m}", code_rate_x1024 / 1024.0);
        bench.row("sch-encode", &*parameters, "Mb/s", mega, || encoder.encode(&params, &tb, &mut coded).is_ok());
        let wobble = soft_noise(g as usize);
        let llrs: Vec<Llr> =
            (0..g as usize).map(|i| (1 - 2 * bits::get(&coded, i) as Llr) * 30 + wobble[i] / 5).collect();
        let (mut soft, mut out) = (SoftBuffer::new(tbs_bits), vec![0; tb.len()]);
        bench.row("sch-decode", format!("{parameters} clean"), "Mb/s", mega, || {
            decoder.decode(&params, &llrs, &mut soft, true, 6, &mut out).is_ok_and(|r| r.crc_ok)
        });
    }
}

fn polar(bench: &mut Bench) {
    for list in [1, 8] {
        for e in [108, 216, 432, 864] {
            let mut codec = PolarCodec::new(list);
            let mut coded = vec![0; e];
            if list == 1 {
                bench.row(
                    "polar-encode",
                    format!("DCI 41 bits E {e}"),
                    "us",
                    |s| s * 1e6,
                    || dci::encode(&mut codec, &[1; 41], 1, &mut coded).is_ok(),
                );
            }
            let _ = dci::encode(&mut codec, &[1; 41], 1, &mut coded);
            let mut state = 3;
            // About 2 dB: the decoder has to work, and finds the word.
            let soft = |b: &u8| {
                let wobble = (dsp::noise::split_mix_64(&mut state) >> 58) as Llr - 32;
                (1 - 2 * *b as Llr) * 20 + wobble / 2
            };
            let llrs: Vec<Llr> = coded.iter().map(soft).collect();
            let mut out = [0; 41];
            bench.row(
                "polar-decode",
                format!("DCI 41 bits E {e} list {list}"),
                "us",
                |s| s * 1e6,
                || dci::decode(&mut codec, &llrs, &[1], &mut out).is_ok() && out == [1; 41],
            );
        }
    }
}

fn modulation(bench: &mut Bench) {
    let n = 273 * 12 * 13;
    let isa = bench.isa;
    let mut symbols = vec![Cf32::default(); n];
    Gaussian::new(1, isa).fill(&mut symbols, 1.0);
    let noise_var = vec![0.01f32; n];
    for scheme in [Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64, Modulation::Qam256] {
        let n_bits = n * scheme.q_m();
        let mut llrs: Vec<Llr> = vec![0; n_bits];
        let mega = |s: f64| n_bits as f64 / s * 1e-6;
        bench.row("demap", format!("{scheme:?}"), "Mb/s", mega, || {
            demodulate(isa, scheme, &symbols, &noise_var, &mut llrs).is_ok()
        });
        let packed = vec![0x5a; n_bits / 8 + 1];
        let mut out = vec![Cf32::default(); n];
        bench.row("map", format!("{scheme:?}"), "Mb/s", mega, || modulate(scheme, &packed, &mut out).is_ok());
    }
}

fn equalizer(bench: &mut Bench) {
    let isa = bench.isa;
    for (n_layers, n_rx) in [(1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (4, 4)] {
        let antennas = Antennas { n_tx: n_layers, n_rx, correlation: Correlation::Low };
        let case = SharedCase { n_layers, antennas, ..case(uplink(), 273, 8, 948.0, n_layers) };
        let pdu = case.pusch();
        let mut grid = Grid::new(n_rx.into(), 273 * 12);
        Gaussian::new(2, isa).fill(grid.elements_mut(), 1.0);
        let mut estimator = SharedEstimator::new(isa, 273, n_rx.into(), n_layers.into());
        let mut estimate = estimator.make_estimate();
        let slot = nr::SlotPoint::default();
        let parameters = format!("{n_layers}x{n_rx} 273 PRB");
        bench.row(
            "estimate",
            &*parameters,
            "us",
            |s| s * 1e6,
            || estimator.estimate(&grid, slot, &pdu.rbs, &pdu.dmrs, &mut estimate).is_ok(),
        );
        let mut equalizer = Equalizer::new(isa, 273 * 12, n_rx.into(), n_layers.into());
        let y: Vec<&[Cf32]> = (0..usize::from(n_rx)).map(|rx| grid.symbol(rx, 5)).collect();
        let mut out = vec![Cf32::default(); 273 * 12 * usize::from(n_layers)];
        let mut noise = vec![0.0; out.len()];
        bench.row(
            "equalize-mmse",
            parameters,
            "MRE/s",
            |s| 273.0 * 12.0 / s * 1e-6,
            || {
                equalizer.equalize(&estimate, 5, &y, &mut out, &mut noise);
                true
            },
        );
    }
}

fn transforms(bench: &mut Bench) {
    let isa = bench.isa;
    for n in [512, 768, 1024, 1536, 2048, 3072, 4096] {
        let Ok(plan) = Plan::unitary(n, Direction::Forward, isa) else { continue };
        let mut scratch = plan.make_scratch();
        let mut data = vec![Cf32::default(); n];
        Gaussian::new(3, isa).fill(&mut data, 1.0);
        bench.row(
            "fft",
            format!("{n}"),
            "Msamples/s",
            |s| n as f64 / s * 1e-6,
            || {
                plan.process(&mut data, &mut scratch);
                true
            },
        );
    }
}
