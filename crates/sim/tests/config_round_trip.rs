//! What the base station writes into MIB, SIB1 and CellGroupConfig is what the terminal reads out of them, for every preset.

use gnb_du::config::{Cell, CellParams, PRESETS, preset};
use gnb_du::rrc_build::{self, CellGroup};
use nr::{LcId, SlotPoint};
use seam::bearer::*;
use ue_cp::apply::{cell_group, sib1};

fn found(cell: &Cell, mib: rrc::Mib) -> sib1::FoundCell {
    let s = &cell.config.ssb;
    sib1::FoundCell {
        pci: cell.config.pci,
        ssb_hz: s.frequency_hz,
        band: cell.params.band,
        k_ssb: s.k_ssb,
        ssb_index: 0,
        ssb_numerology: s.numerology,
        ssb_case: s.case,
        l_max: s.l_max,
        mib,
    }
}

fn read_cell(cell: &Cell) -> fapi::CellConfig {
    let mib = rrc_build::mib(cell, SlotPoint::new(cell.numerology(), 0x123, 0)).unwrap();
    let bytes = [(mib >> 16) as u8, (mib >> 8) as u8, mib as u8];
    let m: rrc::BcchBchMessage = rrc::decode(&bytes).unwrap();
    let rrc::BcchBchMessageType::Mib(mib) = m.message else { panic!("no MIB") };
    assert_eq!(mib.system_frame_number, (0x123 >> 4) as u8);
    let bytes = rrc_build::sib1(cell).unwrap();
    let m: rrc::BcchDlSchMessage = rrc::decode(&bytes).unwrap();
    let rrc::BcchDlSchMessageType::C1(rrc::BcchDlSchMessageTypeC1::SystemInformationBlockType1(s)) = m.message else {
        panic!("no SIB1")
    };
    assert_eq!(sib1::plmns(&s), vec![(cell.plmn, Some(cell.params.tac), cell.params.cell_id)]);
    let (config, _) = sib1::cell_config(&found(cell, mib), &s).unwrap();
    config
}

#[test] // Spec: TS 38.331 §6.2.2 (MIB, SIB1)
fn sib1_of_every_preset_is_read_as_it_was_meant() {
    for name in PRESETS {
        let cell = Cell::new(preset(name).unwrap()).unwrap();
        let mut read = read_cell(&cell);
        // Frequencies are computed along two ways.
        for (a, b) in
            [(&mut read.dl.point_a_hz, cell.config.dl.point_a_hz), (&mut read.ul.point_a_hz, cell.config.ul.point_a_hz)]
        {
            assert!((*a - b).abs() < 1e-3, "{name}: {a} {b}");
            *a = b;
        }
        assert_eq!(read, cell.config, "{name}");
    }
}

#[test] // Spec: TS 38.331 §6.3.2 (CellGroupConfig)
fn dedicated_configurations_are_read_as_they_were_meant() {
    let plain = |name| (name, preset(name).unwrap());
    let more =
        |pucch_format, cbg| CellParams { pucch_format, cbg, csi_im: true, antennas: 4, ..preset("n78-20").unwrap() };
    let options = [("format 3, groups", more(3, 4)), ("format 4", more(4, 0)), ("format 2, groups", more(2, 8))];
    for (name, params) in PRESETS.into_iter().map(plain).chain(options) {
        let cell = Cell::new(params).unwrap();
        let common = read_cell(&cell);
        for idx in [0, 1, 7, cell.params.max_ues - 1] {
            let mut wanted = cell.dedicated(idx, &gnb_du::config::UeRadio::ALL);
            let srb1 = RlcBearerConfig {
                lcid: LcId::new(1).unwrap(),
                bearer: Bearer::Srb1,
                rlc: RlcConfig::Am {
                    sn_bits: 12,
                    t_poll_retransmit_ms: 45,
                    poll_pdu: None,
                    poll_byte: None,
                    max_retx_threshold: 8,
                    t_reassembly_ms: 35,
                    t_status_prohibit_ms: 0,
                },
                logical_channel: LogicalChannelConfig {
                    priority: 1,
                    prioritised_bit_rate: None,
                    bucket_size_duration_ms: 50,
                    logical_channel_group: Some(0),
                    scheduling_request: true,
                },
            };
            let group = CellGroup { dedicated: Some(&wanted), add: &[srb1], release: &[], reestablish: &[] };
            let bytes = rrc_build::cell_group(&cell, &group).unwrap();
            let g: rrc::CellGroupConfig = rrc::decode(&bytes).unwrap();
            let read =
                cell_group::apply(&g, &cell_group::initial(&common), &cell_group::default_mac(), &common).unwrap();
            assert_eq!(read.add, vec![srb1]);
            // CSI-RS frequency ranges travel in multiples of four RBs and may end beyond the carrier.
            for (r, w) in read.dedicated.csi_rs.iter().zip(&mut wanted.csi_rs) {
                assert!(r.n_rb >= w.n_rb && r.n_rb < w.n_rb + 4);
                w.n_rb = r.n_rb;
            }
            assert_eq!(read.dedicated, wanted, "{name} {idx}");
        }
    }
}
