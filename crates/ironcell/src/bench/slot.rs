//! One slot of each direction at each end, by stage.

use dsp::Cf32;
use dsp::noise::Gaussian;
use fapi::{CceRegMapping, CoresetConfig, DciBits, MappingType, PdcchPdu, PrecodingMatrix};
use fec::sch::SoftBuffer;
use link::propagation::{Antennas, Correlation, Propagation};
use link::shared::{Direction, SharedCase};
use nr::{Numerology, SlotPoint};
use ofdm::{Carrier, Demodulator, Grid, Modulator};
use phy::equalize::Detector;
use phy::pdcch::{DciTarget, PdcchReceiver, PdcchTransmitter};
use phy::pdsch::{PdschReceiver, PdschTransmitter};
use phy::pusch::{PuschReceiver, PuschTransmitter};

use super::Bench;

/// The uplink, for a case.
pub fn uplink() -> Direction {
    Direction::Uplink
}

/// A whole slot of `n_rb` resource blocks, one DM-RS symbol; as many transmit antennas as layers.
pub fn case(direction: Direction, n_rb: u16, q_m: u8, rate_x1024: f32, n_layers: u8, n_rx: u8) -> SharedCase {
    let mut case = SharedCase {
        direction,
        numerology: Numerology::KHZ30,
        carrier_rb: n_rb,
        first_rb: 0,
        n_rb,
        start_symbol: if direction == Direction::Uplink { 0 } else { 2 },
        n_symbols: if direction == Direction::Uplink { 14 } else { 12 },
        mapping: MappingType::A,
        dmrs_symbols: 1 << 2,
        n_cdm_groups: 2,
        q_m,
        rate_x1024,
        tbs_bits: 0,
        n_layers,
        prg_size: 0,
        transform_precoding: false,
        n_transmissions: 1,
        ldpc_iterations: 2,
        detector: Detector::Linear,
        antennas: Antennas { n_tx: n_layers, n_rx, correlation: Correlation::Low },
        propagation: Propagation::AWGN,
    };
    case.tbs_bits = case.tbs_bits();
    case
}

/// Every slot.
pub fn run(bench: &mut Bench) {
    for (name, n_rb, n_layers) in [("n78-20", 51, 1), ("n78-100", 273, 1), ("n78-100", 273, 2), ("n78-100", 273, 4)] {
        let parameters = format!("{name} 256QAM R 0.926 {n_layers} layer(s)");
        let of = |direction| case(direction, n_rb, 8, 948.0, n_layers, n_layers);
        uplink_slot(bench, &of(Direction::Uplink), &parameters);
        downlink_slot(bench, &of(Direction::Downlink), &parameters);
    }
    for n_layers in [1, 2, 4] {
        as_peers_uplink(bench, n_layers);
        as_peers_downlink(bench, n_layers);
    }
}

/// As the peers' benchmark of PUSCH has it: four antennas that hear noise alone, so that every code block takes all of two iterations.
fn as_peers_uplink(bench: &mut Bench, n_layers: u8) {
    let mut case = case(Direction::Uplink, 273, 8, 948.0, n_layers, 4);
    case.dmrs_symbols = 1 << 2 | 1 << 11;
    case.tbs_bits = case.tbs_bits();
    let pdu = case.pusch();
    let slot = SlotPoint::new(case.numerology, 0, 1);
    let mut receiver = PuschReceiver::new(bench.isa, 273, 4, n_layers.into());
    let mut grid = Grid::new(4, 273 * 12);
    Gaussian::new(1, bench.isa).fill(grid.elements_mut(), 1.0);
    let (mut soft, mut out) = (SoftBuffer::new(case.tbs_bits), vec![0; case.tbs_bits as usize / 8]);
    bench.row("gnb-pusch-noise", format!("273 PRB 256QAM R 0.926 {n_layers} layer(s) 4 antennas"), "us", us, || {
        receiver.receive_control(&grid, &pdu, slot).is_ok()
            && receiver.decode_data(&pdu, &mut soft, case.ldpc_iterations, &mut out).is_ok_and(|d| !d.crc_ok)
    });
}

/// As the peers' benchmark of PDSCH has it: 270 resource blocks, symbols 2 to 13, DM-RS in three of them, one matrix for all.
fn as_peers_downlink(bench: &mut Bench, n_layers: u8) {
    let mut case = case(Direction::Downlink, 270, 8, 948.0, n_layers, n_layers);
    case.dmrs_symbols = 1 << 2 | 1 << 7 | 1 << 11;
    case.tbs_bits = case.tbs_bits();
    let pdu = case.pdsch();
    let slot = SlotPoint::new(case.numerology, 0, 1);
    let layers = usize::from(n_layers);
    let mut transmitter = PdschTransmitter::new(bench.isa, 270, layers);
    let (tb, mut sent) = (bytes(&case), Grid::new(layers, 270 * 12));
    let parameters = format!("270 PRB 256QAM R 0.926 {n_layers} layer(s) 3 DM-RS symbols");
    bench.row("gnb-pdsch-transmit", parameters, "us", us, || {
        sent.clear();
        transmitter.transmit_precoded(&pdu, &tb, &[matrix(layers)], slot, &mut sent).is_ok()
    });
}

/// A unitary matrix without zeros, for unit power over all ports.
fn matrix(n: usize) -> PrecodingMatrix {
    let mut w = [[(0.0, 0.0); 4]; 8];
    for (port, row) in w.iter_mut().enumerate().take(n) {
        for (layer, w) in row.iter_mut().enumerate().take(n) {
            let z = dsp::unit_phasor((port * layer) as f64 / n as f64);
            *w = (z.re as f32 / n as f32, z.im as f32 / n as f32);
        }
    }
    PrecodingMatrix { n_ports: n as u8, w }
}

fn us(seconds: f64) -> f64 {
    seconds * 1e6
}

/// Antenna port by antenna port through OFDM, both ways.
fn ofdm(bench: &mut Bench, names: [&'static str; 2], case: &SharedCase, parameters: &str, grid: &Grid) {
    let Ok(carrier) = Carrier::new(case.numerology, case.carrier_rb.into(), 3.5e9) else { return };
    let (Ok(mut modulator), Ok(mut demodulator)) =
        (Modulator::new(carrier, bench.isa), Demodulator::new(carrier, bench.isa))
    else {
        return;
    };
    let slot = SlotPoint::new(case.numerology, 0, 1);
    let mut samples = vec![Cf32::default(); carrier.slot_len(slot)];
    let mut out = grid.clone();
    bench.row(names[0], parameters, "us", us, || {
        (0..grid.n_ports()).all(|port| modulator.modulate(slot, grid, port, &mut samples).is_ok())
    });
    bench.row(names[1], parameters, "us", us, || {
        (0..grid.n_ports()).all(|port| demodulator.demodulate(slot, &samples, 16, &mut out, port).is_ok())
    });
}

/// Each antenna hears every port, with another phase; noise 35 dB below each layer.
fn mixed(sent: &Grid, isa: dsp::Isa) -> Grid {
    let n = sent.n_ports();
    let mut out = Grid::new(n, sent.n_subcarriers());
    for rx in 0..n {
        for l in 0..14 {
            for tx in 0..n {
                let gain = dsp::unit_phasor((rx * tx) as f64 / n as f64);
                let gain = Cf32::new(gain.re as f32, gain.im as f32);
                dsp::vector::add_scaled(isa, out.symbol_mut(rx, l), sent.symbol(tx, l), gain);
            }
        }
    }
    let power = dsp::vector::power(isa, out.elements_mut());
    Gaussian::new(1, isa).add(out.elements_mut(), 3e-4 * power as f32 / n as f32);
    out
}

fn bytes(case: &SharedCase) -> Vec<u8> {
    (0..case.tbs_bits / 8).map(|i| (i * 31 + i / 251) as u8).collect()
}

fn uplink_slot(bench: &mut Bench, case: &SharedCase, parameters: &str) {
    let (n_rb, layers) = (usize::from(case.n_rb), usize::from(case.n_layers));
    let pdu = case.pusch();
    let slot = SlotPoint::new(case.numerology, 0, 1);
    let mut transmitter = PuschTransmitter::new(bench.isa, n_rb, layers);
    let mut receiver = PuschReceiver::new(bench.isa, n_rb, layers, layers);
    let (tb, mut sent) = (bytes(case), Grid::new(layers, n_rb * 12));
    bench.row("ue-pusch-transmit", parameters, "us", us, || {
        sent.clear();
        transmitter.transmit(&pdu, &tb, &[], &[], slot, &mut sent).is_ok()
    });
    let grid = mixed(&sent, bench.isa);
    ofdm(bench, ["ue-ofdm-modulate", "gnb-ofdm-demodulate"], case, parameters, &grid);
    let (mut soft, mut out) = (SoftBuffer::new(case.tbs_bits), vec![0; tb.len()]);
    for crew in bench.crews() {
        bench.threads = crew.width();
        receiver.set_crew(&crew);
        bench.row("gnb-pusch-to-soft-bits", parameters, "us", us, || {
            receiver.receive_control(&grid, &pdu, slot).is_ok()
        });
        bench.row("gnb-pusch-decode", parameters, "us", us, || {
            receiver.decode_data(&pdu, &mut soft, case.ldpc_iterations, &mut out).is_ok_and(|d| d.crc_ok)
        });
        bench.row("gnb-pusch", parameters, "us", us, || {
            receiver.receive_control(&grid, &pdu, slot).is_ok()
                && receiver.decode_data(&pdu, &mut soft, case.ldpc_iterations, &mut out).is_ok_and(|d| d.crc_ok)
        });
    }
    bench.threads = 1;
}

fn downlink_slot(bench: &mut Bench, case: &SharedCase, parameters: &str) {
    let (n_rb, layers) = (usize::from(case.n_rb), usize::from(case.n_layers));
    let pdu = case.pdsch();
    let slot = SlotPoint::new(case.numerology, 0, 1);
    let mut transmitter = PdschTransmitter::new(bench.isa, n_rb, layers);
    let mut receiver = PdschReceiver::new(bench.isa, n_rb, layers, layers);
    let (tb, mut sent) = (bytes(case), Grid::new(layers, n_rb * 12));
    bench.row("gnb-pdsch-transmit", parameters, "us", us, || {
        sent.clear();
        transmitter.transmit_precoded(&pdu, &tb, &[matrix(layers)], slot, &mut sent).is_ok()
    });
    let grid = mixed(&sent, bench.isa);
    ofdm(bench, ["gnb-ofdm-modulate", "ue-ofdm-demodulate"], case, parameters, &grid);
    let (mut soft, mut out) = (SoftBuffer::new(case.tbs_bits), vec![0; tb.len()]);
    for crew in bench.crews() {
        bench.threads = crew.width();
        receiver.set_crew(&crew);
        bench.row("ue-pdsch", parameters, "us", us, || {
            let result = receiver.receive(&pdu, slot, &grid, &mut soft, case.ldpc_iterations, &mut out);
            result.is_ok_and(|r| r.crc_ok)
        });
    }
    bench.threads = 1;
    blind_decoding(bench, case, parameters);
}

/// PDCCH in a CORESET of one symbol over as many groups of six resource blocks as the carrier has, at most 45: a DCI of 41 bits on eight
/// CCEs, and 16 candidates of levels 1 to 8, two payload sizes each, of which all but one hold nothing of ours.
fn blind_decoding(bench: &mut Bench, case: &SharedCase, parameters: &str) {
    let n_rb = usize::from(case.n_rb);
    let coreset = CoresetConfig {
        id: 1,
        rb_groups: (1u64 << (n_rb / 6).min(45)) - 1,
        start_rb: 0,
        duration: 1,
        mapping: CceRegMapping::NonInterleaved,
        wideband_precoder: false,
        dmrs_n_id: 1,
        dmrs_reference_rb: 0,
    };
    let rntis = [0x4601];
    let Some(payload) = DciBits::new(&[1; 41]) else { return };
    let pdu = PdcchPdu {
        coreset,
        start_symbol: 0,
        cce: 0,
        aggregation_level: 8,
        rnti: nr::Rnti(rntis[0]),
        scrambling_rnti: 0,
        scrambling_n_id: 1,
        power_offset_db: 0.0,
        payload,
    };
    let slot = SlotPoint::new(case.numerology, 0, 1);
    let mut grid = Grid::new(1, 12 * n_rb);
    if PdcchTransmitter::new().transmit(&pdu, slot, &mut grid).is_err() {
        return;
    }
    Gaussian::new(1, bench.isa).add(grid.elements_mut(), 0.1);
    let mut receiver = PdcchReceiver::new();
    let targets = [44, 41].map(|n_bits| DciTarget { n_bits, rntis: &rntis });
    bench.row("ue-pdcch", format!("{parameters}, 16 candidates"), "us", us, || {
        let n_cce = receiver.prepare(&coreset, 0, slot, &grid) as u16;
        let mut found = 0;
        for (level, n) in [(8u8, 1), (4, 2), (2, 5), (1, 8)] {
            for m in (0..n).filter(|m| (m + 1) * u16::from(level) <= n_cce) {
                let seen = receiver.receive(&grid, m * u16::from(level), level, 0, 1, &targets);
                found += u16::from(seen.is_some());
            }
        }
        found > 0
    });
}
