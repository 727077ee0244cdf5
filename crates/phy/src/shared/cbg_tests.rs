//! Code block groups on PDSCH and PUSCH, from PDU to PDU.

use crate::pdsch::{PdschReceiver, PdschTransmitter};
use crate::pusch::{PuschReceiver, PuschTransmitter};
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::{
    CodeBlockGroups, Coding, DmrsPdu, MappingType, McsTable, PdschPdu, PuschPdu, RbAllocation, Span, UciOnPusch,
};
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, Rnti, SlotPoint};
use ofdm::Grid;

const N_RB: usize = 40;
/// 5 code blocks in 4 groups: [0, 1], [2], [3], [4].
const CODING: Coding = Coding {
    q_m: 8,
    rate_x1024: 900.0,
    mcs: 27,
    mcs_table: McsTable::Qam256,
    rv: 0,
    tbs_bytes: 4867,
    tbs_lbrm: 1_000_000,
};

fn groups(transmitted: u8, flush: bool) -> Option<CodeBlockGroups> {
    Some(CodeBlockGroups { n_max: 4, transmitted, flush })
}

fn dmrs() -> DmrsPdu {
    DmrsPdu {
        symbols: 1 << 2,
        config_type: 1,
        n_id: 9,
        n_scid: 0,
        ports: 1,
        n_cdm_groups_without_data: 2,
        reference_rb: 0,
    }
}

fn pdsch() -> PdschPdu {
    PdschPdu {
        rnti: Rnti(0x4601),
        harq: HarqId::new(1).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 0, n_rb: N_RB as u16 },
        vrb_interleaver: None,
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: dmrs(),
        n_id: 9,
        n_layers: 1,
        coding: CODING,
        reserved: [None; 2],
        reserved_re: [0; 14],
        power_offset_db: 0.0,
        precoding: Default::default(),
        ptrs: None,
        cbg: groups(0b1111, false),
        tb: Span::default(),
    }
}

fn pusch() -> PuschPdu {
    PuschPdu {
        rnti: Rnti(0x4601),
        harq: HarqId::new(1).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 0, n_rb: N_RB as u16 },
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: dmrs(),
        n_id: 9,
        n_layers: 1,
        second_hop_rb: None,
        precoding: Default::default(),
        transform_precoding: None,
        ptrs: None,
        cbg: groups(0b1111, false),
        coding: CODING,
        uci: UciOnPusch { beta_harq_ack: 20.0, scaling: 1.0, ..UciOnPusch::default() },
        tb: Span::default(),
    }
}

fn block(n: u32) -> Vec<u8> {
    (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Noise, and much more of it in some symbols.
fn disturb(grid: &mut Grid, symbols: std::ops::Range<usize>) {
    let mut noise = Gaussian::new(3, Isa::Scalar);
    noise.add(grid.elements_mut(), 5e-4);
    symbols.for_each(|l| noise.add(grid.symbol_mut(0, l), 3.0));
}

#[test] // Spec: TS 38.214 §5.1.7, TS 38.213 §9.1.1, TS 38.212 §5.4.2.1 (a group that failed is sent again alone, with few resource blocks)
fn a_pdsch_sends_the_group_again_that_failed() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 3);
    let (mut tx, mut rx) = (PdschTransmitter::new(Isa::best(), N_RB, 1), PdschReceiver::new(Isa::best(), N_RB, 1, 1));
    let (mut soft, tb) = (SoftBuffer::new(60_000), block(CODING.tbs_bytes));
    let mut out = vec![0; tb.len()];
    let mut grid = Grid::new(1, 12 * N_RB);
    tx.transmit(&pdsch(), &tb, slot, &mut grid).unwrap();
    // 13 symbols hold five code blocks: symbol 13 is of the last one alone.
    disturb(&mut grid, 13..14);
    let found = rx.receive(&pdsch(), slot, &grid, &mut soft, 8, &mut out).unwrap();
    assert_eq!((found.crc_ok, found.cbg_acks), (false, 0b0111));
    let mut again = PdschPdu { new_data: false, cbg: groups(0b1000, true), ..pdsch() };
    again.rbs = RbAllocation::Contiguous { start: 7, n_rb: 9 };
    let mut grid = Grid::new(1, 12 * N_RB);
    tx.transmit(&again, &tb, slot, &mut grid).unwrap();
    // What is not allocated stays empty: a fifth of the block's elements.
    assert!(grid.symbol(0, 5)[12 * 16..].iter().all(|z| *z == Cf32::default()));
    disturb(&mut grid, 0..0);
    let found = rx.receive(&again, slot, &grid, &mut soft, 8, &mut out).unwrap();
    assert_eq!((found.crc_ok, found.cbg_acks), (true, 0b1111));
    assert!(out == tb);
}

#[test] // Spec: TS 38.214 §6.1.5, TS 38.212 §6.2.7, §6.3.2.4.1.1 (code blocks that CBGTI leaves out count as none for UCI)
fn a_pusch_sends_the_group_again_that_failed_with_control() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 4);
    let (mut tx, mut rx) = (PuschTransmitter::new(Isa::best(), N_RB, 1), PuschReceiver::new(Isa::best(), N_RB, 1, 1));
    let (mut soft, tb) = (SoftBuffer::new(60_000), block(CODING.tbs_bytes));
    let mut out = vec![0; tb.len()];
    let mut grid = Grid::new(1, 12 * N_RB);
    tx.transmit(&pusch(), &tb, &[], &[], slot, &mut grid).unwrap();
    // Symbols 0 and 1 are of group 0 alone.
    disturb(&mut grid, 0..1);
    rx.receive_control(&grid, &pusch(), slot).unwrap();
    let found = rx.decode_data(&pusch(), &mut soft, 8, &mut out).unwrap();
    assert_eq!((found.crc_ok, found.cbg_acks), (false, 0b1110));
    let mut again = PuschPdu { new_data: false, cbg: groups(0b0001, true), ..pusch() };
    again.rbs = RbAllocation::Contiguous { start: 3, n_rb: 19 };
    again.uci.n_harq_ack = 4;
    let mut grid = Grid::new(1, 12 * N_RB);
    tx.transmit(&again, &tb, &[1, 0, 0, 1], &[], slot, &mut grid).unwrap();
    disturb(&mut grid, 0..0);
    let control = rx.receive_control(&grid, &again, slot).unwrap();
    assert_eq!(control.harq_ack.bits[..4], [1, 0, 0, 1]);
    // Q'_ACK by hand: 4 bits * beta 20 * 13 symbols of 228 elements / (2 code blocks of K = 8448) = 14.03; with all five it were 5.6.
    assert_eq!(rx.n_ack_elements(), 15);
    let found = rx.decode_data(&again, &mut soft, 8, &mut out).unwrap();
    assert_eq!((found.crc_ok, found.cbg_acks), (true, 0b1111));
    assert!(out == tb);
}

#[test] // Spec: TS 38.214 §5.1.7.1, §6.1.5.1 (numbers of groups that there are not, and no group)
fn groups_that_cannot_be_are_refused() {
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 3);
    let mut tx = PdschTransmitter::new(Isa::best(), N_RB, 1);
    let mut up = PuschTransmitter::new(Isa::best(), N_RB, 1);
    let (tb, mut grid) = (block(CODING.tbs_bytes), Grid::new(1, 12 * N_RB));
    for (n_max, transmitted) in [(0, 1), (3, 1), (255, 255), (4, 0), (4, 0b1_0000)] {
        let cbg = Some(CodeBlockGroups { n_max, transmitted, flush: false });
        assert!(tx.transmit(&PdschPdu { cbg, ..pdsch() }, &tb, slot, &mut grid).is_err(), "{n_max} {transmitted}");
        assert!(up.transmit(&PuschPdu { cbg, ..pusch() }, &tb, &[], &[], slot, &mut grid).is_err());
    }
}
