//! A cell, grants in it, and a UE made of bare transmit kernels.
#![allow(dead_code)]

use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::*;
use nr::{HarqId, Numerology, Pci, Rnti, SlotPoint};
use ofdm::{Carrier, Grid, Modulator};
use phy::prach::PrachTransmitter;
use phy::pucch::PucchTransmitter;
use phy::pusch::PuschTransmitter;

pub const K30: Numerology = Numerology::KHZ30;
pub const TDD: Duplex =
    Duplex::Tdd(TddPattern { period_slots: 5, dl_slots: 3, dl_symbols: 10, ul_slots: 1, ul_symbols: 2 });

/// A cell of `n_rb` at `numerology`.
pub fn cell(numerology: Numerology, n_rb: u16, duplex: Duplex, prach_index: u16, long: bool) -> CellConfig {
    let carrier = CarrierConfig { numerology, n_rb, point_a_hz: 3.5e9, offset_to_carrier: 3 };
    let bwp = Bwp { id: 0, start_rb: 0, n_rb };
    let dmrs =
        DmrsConfig { config_type: 1, type_a_position: 2, additional_position: 1, max_length: 1, scrambling_id: [1, 1] };
    let rach = RachConfig {
        configuration_index: prach_index,
        msg1_fdm: 1,
        msg1_frequency_start: 4,
        zero_correlation_zone: 11,
        root_sequence_index: 1,
        long_sequence: long,
        msg1_numerology: numerology,
        restricted_set: 0,
        preamble_target_power_dbm: -100,
        power_ramping_step_db: 2,
        preamble_trans_max: 10,
        ra_response_window_slots: 20,
        contention_resolution_timer_ms: 64,
        n_preambles: 64,
        cb_preambles_per_ssb: 64,
        rsrp_threshold_dbm: None,
    };
    CellConfig {
        pci: Pci::new(1).unwrap(),
        dl: carrier,
        ul: carrier,
        duplex,
        ssb: SsbConfig {
            numerology,
            case: SsbCase::C,
            l_max: 8,
            positions_in_burst: 1,
            period_ms: 20,
            offset_to_point_a: 0,
            k_ssb: 0,
            frequency_hz: 3.5e9,
            block_power_dbm: -10,
        },
        initial_dl_bwp: bwp,
        coreset0_pattern: 1,
        coreset0_bwp: bwp,
        initial_ul_bwp: bwp,
        coresets: vec![],
        search_spaces: vec![],
        ss_sib1: 0,
        ss_ra: 1,
        paging: None,
        pdsch: PdschConfig {
            time_allocations: vec![],
            dmrs,
            n_id: 1,
            mcs_table: McsTable::Qam64,
            rbg_config2: false,
            resource_allocation: Default::default(),
            vrb_interleaver: None,
            x_overhead: 0,
            max_layers: 1,
            options: Default::default(),
        },
        pusch: PuschConfig {
            time_allocations: vec![],
            dmrs,
            n_id: 1,
            mcs_table: McsTable::Qam64,
            transform_precoding: false,
            resource_allocation: Default::default(),
            x_overhead: 0,
            max_layers: 1,
            beta_offset_ack: [9; 3],
            beta_offset_csi1: [6; 2],
            beta_offset_csi2: [6; 2],
            uci_scaling: 1.0,
            p0_dbm: -90,
            alpha: 1.0,
            msg3_delta_preamble_db: 0,
            options: Default::default(),
        },
        pucch: PucchConfig::default(),
        rach,
        n_ta_offset_tc: 0,
        p_max_dbm: 23,
    }
}

pub fn dmrs(symbols: u16) -> DmrsPdu {
    DmrsPdu { symbols, config_type: 1, n_id: 77, n_scid: 0, ports: 1, n_cdm_groups_without_data: 2, reference_rb: -3 }
}

pub fn pusch(rnti: u16, start: u16, n_rb: u16, q_m: u8, tbs_bytes: u32, rate_x1024: f32) -> PuschPdu {
    PuschPdu {
        rnti: Rnti(rnti),
        harq: HarqId::new(3).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start, n_rb },
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: dmrs(1 << 2 | 1 << 11),
        n_id: 500,
        n_layers: 1,
        second_hop_rb: None,
        precoding: Default::default(),
        transform_precoding: None,
        ptrs: None,
        cbg: None,
        coding: Coding { q_m, rate_x1024, mcs: 0, mcs_table: McsTable::Qam64, rv: 0, tbs_bytes, tbs_lbrm: 0 },
        uci: UciOnPusch { beta_harq_ack: 20.0, beta_csi1: 5.0, scaling: 1.0, ..UciOnPusch::default() },
        tb: Span::default(),
    }
}

pub fn pucch(rnti: u16, format: PucchFormat, start_prb: u16, start_symbol: u8, n_symbols: u8) -> PucchPdu {
    let resource = PucchResource { id: 0, start_prb, second_hop_prb: None, start_symbol, n_symbols, format };
    PucchPdu {
        rnti: Rnti(rnti),
        resource,
        n_harq_ack: 0,
        n_sr: 0,
        n_csi1: 0,
        hopping_id: 9,
        group_hopping: 0,
        n_id: 9,
        dmrs_n_id: 9,
        long: Default::default(),
    }
}

pub fn block(n: usize) -> Vec<u8> {
    (0..n as u32).map(|i| (i.wrapping_mul(2654435761) >> 11) as u8).collect()
}

/// A UE's uplink: kernels and a modulator.
pub struct Ue {
    pub grid: Grid,
    pub modulator: Modulator,
    pub pusch: PuschTransmitter,
    pub pucch: PucchTransmitter,
    pub prach: PrachTransmitter,
}

impl Ue {
    pub fn new(cell: &CellConfig) -> Ue {
        let carrier = Carrier::new(cell.ul.numerology, cell.ul.n_rb as usize, cell.ul.centre_hz()).unwrap();
        Ue {
            grid: Grid::new(1, carrier.n_subcarriers()),
            modulator: Modulator::new(carrier, Isa::best()).unwrap(),
            pusch: PuschTransmitter::new(Isa::best(), cell.ul.n_rb as usize, 1),
            pucch: PucchTransmitter::new(cell.ul.offset_to_carrier),
            prach: PrachTransmitter::new(Isa::best(), cell, carrier).unwrap(),
        }
    }

    /// The grid as samples with `epre_mw` a resource element, plus noise of `noise_mw` a resource element.
    pub fn samples(&mut self, slot: SlotPoint, epre_mw: f32, noise_mw: f32, noise: &mut Gaussian) -> Vec<Cf32> {
        let carrier = *self.modulator.carrier();
        let mut out = vec![Cf32::default(); carrier.slot_len(slot)];
        self.modulator.modulate(slot, &self.grid, 0, &mut out).unwrap();
        let n = carrier.fft_len() as f32;
        dsp::vector::scale(Isa::best(), &mut out, (epre_mw * n).sqrt());
        noise.add(&mut out, noise_mw * n);
        out
    }
}
