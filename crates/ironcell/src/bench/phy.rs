//! Kernels of the physical layer.

use dsp::Cf32;
use dsp::fft::{Direction, Plan};
use dsp::noise::Gaussian;
use fec::Llr;
use link::shared::SharedCase;
use ofdm::Grid;
use phy::equalize::Equalizer;
use phy::estimate::SharedEstimator;
use phy::modulation::{Modulation, demodulate, modulate};
use phy::shared::precoding::{PIECE, write_port};

use super::Bench;
use super::slot::{case, uplink};

/// Every kernel.
pub fn run(bench: &mut Bench) {
    codes(bench);
    modulation(bench);
    estimator(bench);
    equalizer(bench);
    precoding(bench);
    transforms(bench);
}

/// The cases of [`fec::bench`].
fn codes(bench: &mut Bench) {
    let name = bench.isa.to_string();
    let isa = fec::Isa::available().find(|i| i.to_string() == name).unwrap_or(fec::Isa::Scalar);
    for mut case in fec::bench::cases(isa) {
        let (name, unit, parameters) = (case.name, case.unit, case.parameters.clone());
        let a_second = case.value(1.0);
        let value = |s: f64| if unit == "us" { a_second * s } else { a_second / s };
        bench.row(name, parameters, unit, value, || {
            case.run();
            true
        });
    }
}

fn modulation(bench: &mut Bench) {
    let n = 38_880;
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

/// Noise on every element of `n_rx` antennas, and a PUSCH of all of 273 resource blocks with DM-RS in two symbols.
fn noisy(isa: dsp::Isa, n_layers: u8, n_rx: u8) -> (Grid, fapi::PuschPdu) {
    let case = SharedCase { dmrs_symbols: 1 << 2 | 1 << 11, ..case(uplink(), 273, 8, 948.0, n_layers, n_rx) };
    let mut grid = Grid::new(n_rx.into(), 273 * 12);
    Gaussian::new(2, isa).fill(grid.elements_mut(), 1.0);
    (grid, case.pusch())
}

fn estimator(bench: &mut Bench) {
    let isa = bench.isa;
    for (n_layers, n_rx) in [(1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (4, 4)] {
        let (grid, pdu) = noisy(isa, n_layers, n_rx);
        let mut estimator = SharedEstimator::new(isa, 273, n_rx.into(), n_layers.into());
        let mut estimate = estimator.make_estimate();
        let slot = nr::SlotPoint::default();
        bench.row(
            "estimate",
            format!("{n_layers}x{n_rx} 273 PRB, 2 DM-RS symbols"),
            "us",
            |s| s * 1e6,
            || estimator.estimate(&grid, slot, &pdu.rbs, &pdu.dmrs, &mut estimate).is_ok(),
        );
    }
}

/// One symbol after the other with its own received elements, in pieces, as in a slot; elements times layers.
fn equalizer(bench: &mut Bench) {
    let isa = bench.isa;
    for (n_layers, n_rx) in [(1, 1), (1, 2), (1, 4), (1, 8), (2, 2), (2, 4), (3, 4), (4, 4), (2, 8), (4, 8)] {
        let (grid, pdu) = noisy(isa, n_layers, n_rx);
        let dmrs = fapi::DmrsPdu { symbols: 1 << 2, ..pdu.dmrs };
        let layers = usize::from(n_layers);
        let mut estimator = SharedEstimator::new(isa, 273, n_rx.into(), layers);
        let mut estimate = estimator.make_estimate();
        let made = estimator.estimate(&grid, nr::SlotPoint::default(), &pdu.rbs, &dmrs, &mut estimate).is_ok();
        let mut equalizer = Equalizer::new(isa, 273 * 12, n_rx.into(), layers);
        let mut out = vec![Cf32::default(); 273 * 12 * layers];
        let mut noise = vec![0.0; out.len()];
        let n = (273 * 12 * 14 * layers) as f64;
        bench.row(
            "equalize-mmse",
            format!("{n_layers}x{n_rx} 273 PRB"),
            "MRE/s",
            |s| n / s * 1e-6,
            || {
                let mut y: [&[Cf32]; 8] = [&[]; 8];
                for l in 0..14 {
                    (0..usize::from(n_rx)).for_each(|rx| y[rx] = grid.symbol(rx, l));
                    let (y, take) = (&y[..n_rx.into()], |_: usize, x: &[Cf32], _: &[f32]| {
                        std::hint::black_box(x);
                    });
                    equalizer.equalize_pieces(&estimate, l, y, &mut out, &mut noise, take);
                }
                made
            },
        );
    }
}

/// Every port of a symbol; elements, not times ports.
fn precoding(bench: &mut Bench) {
    let isa = bench.isa;
    for (n_ports, n_layers, n_rb) in
        [(1, 1, 106), (2, 1, 106), (2, 2, 106), (4, 1, 106), (4, 2, 106), (4, 3, 106), (4, 4, 106), (4, 4, 273)]
    {
        let n = 12 * n_rb;
        let mut x = vec![Cf32::default(); n * n_layers];
        Gaussian::new(4, isa).fill(&mut x, 1.0);
        let layers: Vec<&[Cf32]> = x.chunks(n).collect();
        let weights = [(0.3f32, 0.4f32); 4];
        let mut out = vec![Cf32::default(); n * n_ports];
        bench.row(
            "precode",
            format!("{n_ports} ports {n_layers} layers {n_rb} PRB"),
            "MRE/s",
            |s| n as f64 / s * 1e-6,
            || {
                for start in (0..n).step_by(PIECE) {
                    let cells = start..(start + PIECE).min(n);
                    let mut piece: [&[Cf32]; 4] = [&[]; 4];
                    piece.iter_mut().zip(&layers).for_each(|(piece, row)| *piece = &row[cells.clone()]);
                    for port in out.chunks_mut(n) {
                        write_port(isa, &weights[..n_layers], &piece[..n_layers], &mut port[cells.clone()]);
                    }
                }
                true
            },
        );
    }
}

fn transforms(bench: &mut Bench) {
    let isa = bench.isa;
    for n in [128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096] {
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
