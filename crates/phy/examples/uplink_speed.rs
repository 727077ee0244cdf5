//! Speed of the kernels of shared channels on this machine: `cargo run --release -p phy --example uplink_speed [-- --all]`.

use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::{Coding, DmrsPdu, MappingType, McsTable, PuschPdu, RbAllocation, Span, UciOnPusch};
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, Rnti, SlotPoint};
use ofdm::Grid;
use phy::equalize::Equalizer;
use phy::estimate::SharedEstimator;
use phy::modulation::{Modulation, demodulate, modulate};
use phy::pusch::{PuschReceiver, PuschTransmitter};
use std::time::Instant;

/// The shortest of several runs, seconds for one call.
fn time(mut f: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..15 {
        let start = Instant::now();
        for _ in 0..10 {
            f();
        }
        best = best.min(start.elapsed().as_secs_f64() / 10.0);
    }
    best
}

fn pusch(n_rb: u16, q_m: u8, tbs_bytes: u32, rate_x1024: f32, n_layers: u8) -> PuschPdu {
    PuschPdu {
        rnti: Rnti(1),
        harq: HarqId::new(0).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 0, n_rb },
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: DmrsPdu {
            symbols: 1 << 2,
            config_type: 1,
            n_id: 1,
            n_scid: 0,
            ports: (1 << n_layers) - 1,
            n_cdm_groups_without_data: 2,
            reference_rb: 0,
        },
        n_id: 1,
        n_layers,
        second_hop_rb: None,
        precoding: Default::default(),
        transform_precoding: None,
        ptrs: None,
        cbg: None,
        coding: Coding { q_m, rate_x1024, mcs: 0, mcs_table: McsTable::Qam256, rv: 0, tbs_bytes, tbs_lbrm: 0 },
        uci: UciOnPusch::default(),
        tb: Span::default(),
    }
}

fn main() {
    let all = std::env::args().any(|a| a == "--all");
    for isa in Isa::available().filter(|isa| all || *isa == Isa::best()) {
        println!("{isa}");
        let n = 273 * 12 * 13;
        let mut noise = Gaussian::new(1, isa);
        let mut symbols = vec![Cf32::default(); n];
        noise.fill(&mut symbols, 1.0);
        let noise_var = vec![0.01f32; n];
        for scheme in [Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64, Modulation::Qam256, Modulation::Qam1024]
        {
            let mut llrs = vec![0i8; n * scheme.q_m()];
            let s = time(|| demodulate(isa, scheme, &symbols, &noise_var, &mut llrs).unwrap());
            let bits = vec![0x5au8; n * scheme.q_m() / 8 + 1];
            let mut out = vec![Cf32::default(); n];
            let m = time(|| modulate(scheme, &bits, &mut out).unwrap());
            let rate = (n * scheme.q_m()) as f64 * 1e-6;
            println!("  {scheme:?}: demap {:.0} Mb/s of soft bits, map {:.0} Mb/s", rate / s, rate / m);
        }
        channel(isa, &mut noise);
        precoding(isa, &mut noise);
        for (n_rb, n_rx, n_layers) in [(51, 1, 1), (273, 1, 1), (273, 4, 1), (273, 4, 2), (273, 4, 4)] {
            let tbs = nr::tables::tbs::tbs_bits(u32::from(n_rb) * 156, 1896, 8, n_layers, 0) / 8;
            slot(isa, n_rb, n_rx, n_layers, tbs, &mut noise);
        }
    }
}

fn channel(isa: Isa, noise: &mut Gaussian) {
    for (n_layers, n_rx) in [(1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (3, 4), (4, 4), (4, 8)] {
        let p = pusch(273, 8, 1000, 900.0, n_layers);
        let n_layers = usize::from(n_layers);
        let mut grid = Grid::new(n_rx, 273 * 12);
        noise.fill(grid.elements_mut(), 1.0);
        let mut estimator = SharedEstimator::new(isa, 273, n_rx, n_layers);
        let mut est = estimator.make_estimate();
        let slot = SlotPoint::default();
        let s = time(|| estimator.estimate(&grid, slot, &p.rbs, &p.dmrs, &mut est).unwrap());
        let mut equalizer = Equalizer::new(isa, 273 * 12, n_rx, n_layers);
        let y: Vec<&[Cf32]> = (0..n_rx).map(|rx| grid.symbol(rx, 5)).collect();
        let mut out = vec![Cf32::default(); 273 * 12 * n_layers];
        let mut nv = vec![0.0; 273 * 12 * n_layers];
        let e = time(|| equalizer.equalize(&est, 5, &y, &mut out, &mut nv));
        println!(
            "  {n_layers} layers, {n_rx} antennas, 273 RB: estimate {:.1} us, equalise {:.0} million RE/s",
            s * 1e6,
            3276e-6 / e
        );
    }
}

fn precoding(isa: Isa, noise: &mut Gaussian) {
    for n in [1usize, 2, 4] {
        let mut x = vec![Cf32::default(); 3276 * n];
        noise.fill(&mut x, 1.0);
        let layers: Vec<&[Cf32]> = x.chunks(3276).collect();
        let w = [(0.3f32, 0.4f32); 4];
        let mut out = vec![Cf32::default(); 3276];
        let s = time(|| (0..n).for_each(|_| phy::shared::precoding::add_port(isa, &w[..n], &layers, &mut out)));
        println!("  precoding {n}x{n}: {:.0} million RE/s", 3276e-6 / s);
    }
}

fn slot(isa: Isa, n_rb: u16, n_rx: usize, n_layers: u8, tbs: u32, noise: &mut Gaussian) {
    let p = pusch(n_rb, 8, tbs, 948.0, n_layers);
    let slot = SlotPoint::new(Numerology::KHZ30, 0, 4);
    let layers = usize::from(n_layers);
    let mut tx = PuschTransmitter::new(isa, n_rb as usize, layers);
    let mut rx = PuschReceiver::new(isa, n_rb as usize, n_rx, layers);
    let mut sent = Grid::new(layers, n_rb as usize * 12);
    let tb: Vec<u8> = (0..tbs).map(|i| (i * 31) as u8).collect();
    let t = time(|| {
        sent.clear();
        tx.transmit(&p, &tb, &[], &[], slot, &mut sent).unwrap();
    });
    // A channel of orthogonal columns.
    let mut grid = Grid::new(n_rx, n_rb as usize * 12);
    for r in 0..n_rx {
        for l in 0..14 {
            for v in 0..layers {
                let sign = if (r & v).count_ones() % 2 == 0 { 1.0 } else { -1.0 };
                let row = sent.symbol(v, l).to_vec();
                dsp::vector::add_scaled(isa, grid.symbol_mut(r, l), &row, Cf32::new(sign, 0.0));
            }
        }
    }
    noise.add(grid.elements_mut(), 0.0006);
    let mut soft = SoftBuffer::new(tbs * 8);
    let mut out = vec![0; tbs as usize];
    let c = time(|| {
        rx.receive_control(&grid, &p, slot).unwrap();
    });
    let mut ok = false;
    let mut iterations = 0.0;
    let d = time(|| {
        rx.receive_control(&grid, &p, slot).unwrap();
        let data = rx.decode_data(&p, &mut soft, 2, &mut out).unwrap();
        (ok, iterations) = (data.crc_ok, data.ldpc_iterations);
    });
    println!(
        "  PUSCH {n_rb} RB 256QAM {n_rx} antennas {n_layers} layers: transmit {:.0} us, estimate to soft bits {:.0} us, decode {:.0} us ({iterations:.1} iterations, {})",
        t * 1e6,
        c * 1e6,
        (d - c) * 1e6,
        if ok { "ok" } else { "failed" },
    );
}
