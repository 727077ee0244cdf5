//! Control on PUSCH: two parts of CSI, hopping, several layers, no transport block, DFT spreading.

use super::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::*;
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, Rnti, SlotPoint};
use ofdm::Grid;

const SLOT: SlotPoint = SlotPoint::new(Numerology::KHZ30, 1, 8);

fn pdu() -> PuschPdu {
    PuschPdu {
        rnti: Rnti(0x4601),
        harq: HarqId::new(1).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 2, n_rb: 10 },
        second_hop_rb: None,
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: DmrsPdu {
            symbols: 1 << 2 | 1 << 11,
            config_type: 1,
            n_id: 77,
            n_scid: 0,
            ports: 1,
            n_cdm_groups_without_data: 2,
            reference_rb: -5,
        },
        n_id: 500,
        n_layers: 1,
        precoding: UlPrecoding::Identity,
        transform_precoding: None,
        ptrs: None,
        cbg: None,
        coding: Coding {
            q_m: 4,
            rate_x1024: 340.0,
            mcs: 10,
            mcs_table: McsTable::Qam64,
            rv: 0,
            tbs_bytes: 120,
            tbs_lbrm: 0,
        },
        uci: UciOnPusch {
            n_harq_ack: 0,
            n_csi1: 6,
            // The third and fourth bits are the rank indicator.
            csi2: Csi2Sizes { first_bit: 2, n_bits: 2, sizes: [0, 7, 14, 24, 0, 0, 0, 0] },
            beta_harq_ack: 20.0,
            beta_csi1: 6.0,
            beta_csi2: 6.0,
            scaling: 1.0,
        },
        tb: Span::default(),
    }
}

/// Sends and receives over a random flat channel; checks that all bits come back.
fn round_trip(p: &PuschPdu, rank: u8, n_rx: usize) {
    let mut tx = PuschTransmitter::new(Isa::best(), 24, 4);
    let mut rx = PuschReceiver::new(Isa::best(), 24, n_rx, 4);
    let bits = |n: usize, seed: usize| -> Vec<u8> { (0..n).map(|i| (((i * 7 + seed) * 37 >> 3) & 1) as u8).collect() };
    let ack = bits(p.uci.n_harq_ack.into(), 3);
    let mut csi1 = bits(p.uci.n_csi1.into(), 5);
    if csi1.len() > 3 {
        (csi1[2], csi1[3]) = (rank >> 1, rank & 1);
    }
    let csi2 = bits(p.uci.csi2.n_csi2(&csi1).into(), 9);
    let tb: Vec<u8> = (0..p.coding.tbs_bytes).map(|i| (i * 29 + 1) as u8).collect();
    let n_ports = usize::from(p.n_layers).max(match p.precoding {
        UlPrecoding::Codebook { n_ports, .. } => n_ports.into(),
        UlPrecoding::Identity => 1,
    });
    let mut sent = Grid::new(n_ports, 24 * 12);
    let uci = UciBits { harq_ack: &ack, csi1: &csi1, csi2: &csi2 };
    tx.transmit_uci(p, &tb, &uci, SLOT, &mut sent).unwrap();
    let mut noise = Gaussian::new(21, Isa::Scalar);
    let mut grid = Grid::new(n_rx, 24 * 12);
    for r in 0..n_rx {
        let mut gains = [Cf32::default(); 4];
        noise.fill(&mut gains, 1.0);
        for l in 0..14 {
            for (port, gain) in gains.iter().enumerate().take(n_ports) {
                let row = sent.symbol(port, l).to_vec();
                dsp::vector::add_scaled(Isa::Scalar, grid.symbol_mut(r, l), &row, *gain);
            }
            noise.add(grid.symbol_mut(r, l), 1e-3);
        }
    }
    let control = rx.receive_control(&grid, p, SLOT).unwrap();
    assert_eq!(control.harq_ack.bits[..ack.len()], ack[..], "{p:?}");
    assert_eq!(control.csi1.bits[..csi1.len()], csi1[..], "{p:?}");
    assert_eq!(usize::from(control.csi2.len), csi2.len(), "{p:?}");
    assert_eq!(control.csi2.bits[..csi2.len()], csi2[..], "{p:?}");
    let valid = |len: u8, valid: bool| len == 0 || valid;
    assert!(
        valid(control.harq_ack.len, control.harq_ack.valid) && valid(control.csi2.len, control.csi2.valid),
        "{p:?}"
    );
    if p.coding.tbs_bytes > 0 {
        let mut out = vec![0; tb.len()];
        let data = rx.decode_data(p, &mut SoftBuffer::new(8 * p.coding.tbs_bytes), 10, &mut out).unwrap();
        assert!(data.crc_ok && out == tb, "{p:?}");
    }
}

#[test] // Spec: TS 38.212 §6.2.7, §6.3.2.4.1.3; TS 38.214 §5.2.3
fn csi_part_2_of_each_rank_comes_back() {
    for rank in 0..4 {
        for n_harq_ack in [0, 1, 2, 5, 14] {
            let mut p = pdu();
            p.uci.n_harq_ack = n_harq_ack;
            round_trip(&p, rank, 2);
        }
    }
}

#[test] // Spec: TS 38.212 §6.2.7 (several layers), TS 38.211 §6.3.1.5
fn control_on_several_layers_and_through_codebooks_comes_back() {
    for (n_layers, ports, precoding) in [
        (2, 0b11, UlPrecoding::Identity),
        (4, 0b1111, UlPrecoding::Identity),
        (2, 0b11, UlPrecoding::Codebook { n_ports: 4, tpmi: 15 }),
        (3, 0b111, UlPrecoding::Codebook { n_ports: 4, tpmi: 5 }),
    ] {
        for n_harq_ack in [2, 5] {
            let mut p = pdu();
            (p.n_layers, p.dmrs.ports, p.precoding, p.uci.n_harq_ack) = (n_layers, ports, precoding, n_harq_ack);
            round_trip(&p, 2, 6);
        }
    }
}

#[test] // Spec: TS 38.212 §6.2.7 (frequency hopping), TS 38.214 §6.3.1
fn control_of_both_hops_comes_back() {
    for n_harq_ack in [0, 1, 2, 7] {
        for tbs_bytes in [120, 0] {
            let mut p = pdu();
            (p.second_hop_rb, p.dmrs.symbols) = (Some(13), 1 << 2 | 1 << 7);
            (p.uci.n_harq_ack, p.coding.tbs_bytes) = (n_harq_ack, tbs_bytes);
            for rank in [0, 3] {
                round_trip(&p, rank, 2);
            }
        }
    }
}

#[test] // Spec: TS 38.212 §6.3.2.4.2 (UCI without UL-SCH)
fn control_alone_comes_back() {
    for n_harq_ack in [0, 1, 2, 9] {
        for with_part_2 in [false, true] {
            let mut p = pdu();
            (p.uci.n_harq_ack, p.coding.tbs_bytes) = (n_harq_ack, 0);
            if !with_part_2 {
                p.uci.csi2 = Csi2Sizes::default();
            }
            round_trip(&p, 1, 2);
        }
    }
    let mut p = pdu();
    (p.uci, p.coding.tbs_bytes) = (UciOnPusch::default(), 0);
    let mut grid = Grid::new(1, 24 * 12);
    assert!(PuschTransmitter::new(Isa::best(), 24, 1).transmit(&p, &[], &[], &[], SLOT, &mut grid).is_err());
}

#[test] // Spec: TS 38.211 §6.3.1.4, TS 38.212 §6.2.7
fn control_on_a_spread_pusch_comes_back() {
    for (q_m, ptrs) in [(1, None), (2, None), (4, Some(2))] {
        let mut p = pdu();
        p.coding.q_m = q_m;
        p.coding.tbs_bytes = 20;
        p.coding.rate_x1024 = 240.0;
        p.uci.n_harq_ack = 2;
        p.transform_precoding = Some(TransformPrecoding {
            n_id_rs: 91,
            hopping: 1,
            low_papr_type2: q_m == 1,
            ptrs: ptrs.map(|time_density| PtrsGroups { n_groups: 4, n_samples: 4, time_density, n_id: 9, beta: 1.34 }),
        });
        round_trip(&p, 1, 2);
    }
}
