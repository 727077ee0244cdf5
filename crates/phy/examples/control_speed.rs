//! Microseconds of an occasion of uplink control at the receiver: PRACH with nobody there, PUCCH formats, SRS.
//!
//! cargo run --release -p phy --example control_speed

use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::resolve::{MibView, cell_from_mib};
use fapi::{PrachOccasion, PucchFormat, PucchPdu, PucchResource, SrsHopping, SrsPdu, SrsResource};
use nr::{Numerology, Pci, Rnti, SlotPoint};
use ofdm::{Carrier, Grid};
use std::time::Instant;

const N_RB: usize = 51;
const MU: Numerology = Numerology::KHZ30;

/// Median of some rounds, microseconds a call.
fn time(name: &str, mut call: impl FnMut()) {
    let mut rounds: Vec<f64> = (0..21)
        .map(|_| {
            let start = Instant::now();
            (0..20).for_each(|_| call());
            start.elapsed().as_secs_f64() * 1e6 / 20.0
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:44} {:8.1} us", rounds[10]);
}

fn pucch(format: PucchFormat, start_symbol: u8, n_symbols: u8, n_harq_ack: u8) -> PucchPdu {
    PucchPdu {
        rnti: Rnti(1),
        resource: PucchResource { id: 0, start_prb: 2, second_hop_prb: None, start_symbol, n_symbols, format },
        n_harq_ack,
        n_sr: 0,
        n_csi1: 0,
        hopping_id: 1,
        group_hopping: 0,
        n_id: 1,
        dmrs_n_id: 1,
        long: Default::default(),
    }
}

fn prach(noise: &mut Gaussian) -> Option<()> {
    let view = MibView::of_zeros(Pci::new(1)?);
    let (mut cell, _) = cell_from_mib(&view).ok()?;
    cell.ul.n_rb = N_RB as u16;
    let slot = SlotPoint::new(MU, 0, 19);
    for (name, long, index, zcz, offset_hz) in [
        ("PRACH B4, idle", false, 160, 11, 0.0),
        ("PRACH B4, idle, offsets of 3334 Hz", false, 160, 11, 3334.0),
        ("PRACH A1, idle", false, 77, 11, 0.0),
        ("PRACH 0, idle", true, 7, 8, 0.0),
        ("PRACH 0, idle, offsets of 400 Hz", true, 7, 8, 400.0),
    ] {
        (cell.rach.long_sequence, cell.rach.configuration_index, cell.rach.zero_correlation_zone) = (long, index, zcz);
        let carrier = Carrier::new(MU, N_RB, 0.0).ok()?;
        let mut receiver = phy::prach::PrachReceiver::with_offset(Isa::best(), &cell, carrier, offset_hz).ok()?;
        let occasion = PrachOccasion { start_symbol: 2, t_id: 0, s_id: 0, f_id: 0 };
        let n = receiver.geometry().window(slot, &occasion).len();
        let mut samples = vec![Cf32::default(); n];
        noise.fill(&mut samples, 1.0);
        time(name, || receiver.detect(&[&samples], slot, &occasion, |_| {}).unwrap_or(()));
    }
    Some(())
}

fn main() {
    let mut noise = Gaussian::new(1, Isa::best());
    prach(&mut noise);
    let slot = SlotPoint::new(MU, 0, 9);
    for n_rx in [1, 4] {
        let mut receiver = phy::pucch::PucchReceiver::new(Isa::best(), 0, n_rx);
        let mut transmitter = phy::pucch::PucchTransmitter::new(0);
        for (name, pdu) in [
            ("format 0, 2 bits", pucch(PucchFormat::F0 { initial_cyclic_shift: 0 }, 12, 2, 2)),
            ("format 1, 2 bits", pucch(PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 }, 0, 14, 2)),
            ("format 2, 8 bits, 2 RB", pucch(PucchFormat::F2 { n_prb: 2 }, 12, 2, 8)),
            ("format 2, 22 bits, 4 RB", pucch(PucchFormat::F2 { n_prb: 4 }, 12, 2, 22)),
            ("format 3, 8 bits, 1 RB", pucch(PucchFormat::F3 { n_prb: 1 }, 0, 14, 8)),
            ("format 3, 40 bits, 4 RB", pucch(PucchFormat::F3 { n_prb: 4 }, 0, 14, 40)),
            ("format 4, 8 bits", pucch(PucchFormat::F4 { occ_length: 2, occ_index: 0 }, 0, 14, 8)),
        ] {
            let mut sent = Grid::new(1, 12 * N_RB);
            let ack = vec![1; pdu.n_harq_ack as usize];
            transmitter.transmit(&pdu, &ack, false, &[], slot, &mut sent).unwrap_or(());
            let mut grid = Grid::new(n_rx, 12 * N_RB);
            for rx in 0..n_rx {
                (0..14).for_each(|l| grid.symbol_mut(rx, l).copy_from_slice(sent.symbol(0, l)));
            }
            noise.add(grid.elements_mut(), 0.1);
            time(&format!("PUCCH {name}, {n_rx} antennas"), || {
                let _ = receiver.receive(&grid, &pdu, slot);
            });
        }
    }
    for (n_ports, n_rx) in [(1, 1), (2, 4), (4, 4)] {
        let resource = SrsResource {
            id: 0,
            n_ports,
            comb: 2,
            comb_offset: 0,
            cyclic_shift: 0,
            start_symbol: 13,
            n_symbols: 1,
            repetition: 1,
            freq_position: 0,
            freq_shift: 0,
            c_srs: 63,
            b_srs: 0,
            b_hop: 0,
            hopping: SrsHopping::Neither,
            sequence_id: 40,
            period: None,
            freq_scaling: 1,
            start_rb_index: 0,
            start_rb_hopping: false,
            positioning: false,
        };
        let pdu = SrsPdu { rnti: Rnti(1), resource, reference_rb: 0 };
        let mut grid = Grid::new(n_rx, 12 * 273);
        noise.add(grid.elements_mut(), 1.0);
        let mut receiver = phy::srs::SrsReceiver::new(Isa::best(), n_rx);
        time(&format!("SRS 272 RB, {n_ports} ports, {n_rx} antennas"), || {
            let _ = receiver.receive(&grid, &pdu, slot);
        });
    }
}
