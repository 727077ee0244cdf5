//! Cells of every CORESET 0 table, made from the forward rules of the specification: block, DCI and SIB1 in a short recording.

use super::recording::Recording;
use super::scan::scan;
use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use fapi::dci::{DciContext, DciSi, encode};
use fapi::resolve::{self, Heard, MibView, pdcch_scrambling, riv_encode, ssb_first_symbol};
use fapi::{PdcchPdu, PdschPdu, SearchSpaceKind, SsbCase, SsbPdu};
use node::Rng;
use nr::tables::coreset0;
use nr::{Numerology, Pci, Rnti, SlotPoint};
use ofdm::{Carrier, Grid, Modulator};
use phy::pdcch::PdcchTransmitter;
use phy::pdsch::PdschTransmitter;
use phy::ssb::SsbTransmitter;

/// A cell to be made.
#[derive(Clone, Copy, Debug)]
struct Made {
    table: &'static str,
    ssb: u32,
    common: u32,
    case: SsbCase,
    l_max: u8,
    wide: bool,
    ssb_hz: f64,
    /// Row of the table, searchSpaceZero, block index, k_SSB.
    index: u8,
    space: u8,
    block: u8,
    k_ssb: u8,
    rate_hz: f64,
    centre_known: bool,
}

const A: Made = Made {
    table: "13-1",
    ssb: 15,
    common: 15,
    case: SsbCase::A,
    l_max: 4,
    wide: false,
    ssb_hz: 1_842.05e6,
    index: 0,
    space: 0,
    block: 0,
    k_ssb: 7,
    rate_hz: 7.68e6,
    centre_known: true,
};
const C: Made = Made { ssb: 30, common: 30, case: SsbCase::C, l_max: 8, ssb_hz: 3_488.16e6, rate_hz: 15.36e6, ..A };
const N79: Made = Made { wide: true, ssb_hz: 4_712.64e6, ..C };
const D: Made = Made {
    ssb: 120,
    common: 120,
    case: SsbCase::D,
    l_max: 64,
    ssb_hz: 24_250.08e6 + 17.28e6 * 200.0,
    rate_hz: 61.44e6,
    k_ssb: 0,
    ..A
};
const E: Made = Made { ssb: 240, case: SsbCase::E, rate_hz: 122.88e6, ..D };

const ALL: [Made; 17] = [
    A,
    Made { index: 5, block: 2, centre_known: false, ..A },
    Made { table: "13-2", common: 30, index: 4, rate_hz: 15.36e6, ..A },
    Made { table: "13-2", common: 30, index: 1, block: 1, rate_hz: 15.36e6, centre_known: false, ..A },
    Made { table: "13-3", common: 15, index: 2, ..C },
    Made { table: "13-3", common: 15, index: 4, block: 1, centre_known: false, ..C },
    Made { table: "13-4", index: 7, k_ssb: 21, ..C },
    Made { table: "13-4", index: 1, block: 3, case: SsbCase::B, centre_known: false, ..C },
    Made { table: "13-5", common: 15, index: 1, ..N79 },
    Made { table: "13-6", index: 2, block: 5, ..N79 },
    Made { table: "13-7", common: 60, index: 2, block: 1, ..D },
    Made { table: "13-7", common: 60, index: 8, block: 9, k_ssb: 5, rate_hz: 122.88e6, ..D },
    Made { table: "13-8", index: 0, block: 0, k_ssb: 3, ..D },
    Made { table: "13-8", index: 4, block: 62, k_ssb: 0, rate_hz: 122.88e6, ..D },
    Made { table: "13-9", common: 60, index: 0, ..E },
    Made { table: "13-10", index: 0, ..E },
    Made { table: "13-10", index: 4, block: 12, k_ssb: 11, ..E },
];

/// SFN of the block: even, so that pattern 1 without an offset has its occasion in the same frame.
const SFN: u16 = 402;
const PCI: u16 = 731;

fn sib1() -> Vec<u8> {
    let plmn = rrc::PlmnIdentity { mcc: Some(vec![9, 0, 1]), mnc: vec![7, 0] };
    let info = rrc::PlmnIdentityInfo {
        plmn_identity_list: vec![plmn],
        tracking_area_code: Some(77),
        cell_identity: 0x1_2345_6789,
        ..Default::default()
    };
    let access = rrc::CellAccessRelatedInfo { plmn_identity_info_list: vec![info], ..Default::default() };
    let sib1 = rrc::Sib1 { cell_access_related_info: access, ..Default::default() };
    let c1 = rrc::BcchDlSchMessageTypeC1::SystemInformationBlockType1(sib1);
    rrc::encode(&rrc::BcchDlSchMessage { message: rrc::BcchDlSchMessageType::C1(c1) }).unwrap()
}

impl Made {
    fn numerologies(&self) -> (Numerology, Numerology) {
        (Numerology::from_scs_khz(self.ssb).unwrap(), Numerology::from_scs_khz(self.common).unwrap())
    }

    fn mib(&self) -> u32 {
        let high = matches!(self.common, 30 | 120);
        let mib = rrc::Mib {
            sub_carrier_spacing_common: if high {
                rrc::MibSubCarrierSpacingCommon::Scs30or120
            } else {
                rrc::MibSubCarrierSpacingCommon::Scs15or60
            },
            ssb_subcarrier_offset: self.k_ssb & 15,
            dmrs_type_a_position: rrc::MibDmrsTypeAPosition::Pos2,
            pdcch_config_sib1: rrc::PdcchConfigSib1 {
                control_resource_set_zero: self.index,
                search_space_zero: self.space,
            },
            ..Default::default()
        };
        let bytes = rrc::encode(&rrc::BcchBchMessage { message: rrc::BcchBchMessageType::Mib(mib) }).unwrap();
        bytes.iter().fold(0, |w, b| w << 8 | u32::from(*b))
    }

    /// The block's slot and first symbol in its own numerology.
    fn block_at(&self) -> (SlotPoint, usize) {
        let symbol = ssb_first_symbol(self.case, self.block).unwrap();
        (SlotPoint::new(self.numerologies().0, SFN.into(), u32::from(symbol) / 14), usize::from(symbol) % 14)
    }

    /// Slot and first symbol of CORESET 0 by the figures of TS 38.213 §13.
    fn coreset_at(&self, row: &coreset0::Coreset0) -> (SlotPoint, u8) {
        let common = self.numerologies().1;
        let (block_slot, l) = self.block_at();
        let block_ms = (f64::from(block_slot.slot()) + l as f64 / 14.0) * 15.0 / f64::from(self.ssb);
        let overlapping = (block_ms * f64::from(self.common) / 15.0 + 1e-9) as u32;
        let at = |slot, symbol| (SlotPoint::new(common, SFN.into(), slot), symbol);
        match (row.pattern, self.ssb, self.block % 8) {
            // searchSpaceZero 0: O = 0, M = 1, first symbol 0.
            (1, ..) => at(u32::from(self.block), 0),
            (2, 120, i) => at(overlapping, [0, 1, 6, 7][usize::from(i % 4)]),
            (2, _, 4) => at(overlapping - 1, 12),
            (2, _, i) => at(overlapping, i % 6),
            (_, _, i) => at(overlapping, [4, 8, 2, 6][usize::from(i % 4)]),
        }
    }

    fn record(&self) -> Recording {
        let (ssb, common) = self.numerologies();
        let row = coreset0::coreset0(ssb, common, self.wide, self.index, self.k_ssb).unwrap();
        // From the block's lowest subcarrier down k_SSB, then down the offset in RBs.
        let k_hz = f64::from(self.k_ssb) * if self.ssb >= 120 { f64::from(self.common) * 1e3 } else { 15e3 };
        let rb_hz = f64::from(self.common) * 12e3;
        let low_hz = self.ssb_hz - f64::from(self.ssb) * 120e3 - k_hz - f64::from(row.offset_rb) * rb_hz;
        let high_hz = low_hz + f64::from(row.n_rb) * rb_hz;
        let block_half = f64::from(self.ssb) * 120e3;
        let lowest = low_hz.min(self.ssb_hz - block_half);
        let highest = high_hz.max(self.ssb_hz + block_half);
        let centre_hz = ((lowest + highest) / 2e3).round() * 1e3 + 317.0;
        let (control_slot, l0) = self.coreset_at(&row);
        let mut samples = vec![Cf32::default(); (self.rate_hz * 0.0125) as usize];
        self.add(&mut samples, self.ssb_hz, centre_hz, 20, self.block_at().0, |grid, slot| {
            let pdu = SsbPdu {
                pci: Pci::new(PCI).unwrap(),
                ssb_index: self.block,
                l_max: self.l_max,
                start_symbol: self.block_at().1 as u8,
                start_subcarrier: 0,
                mib: self.mib(),
                k_ssb: self.k_ssb,
                half_frame: false,
            };
            SsbTransmitter::new().transmit(&pdu, slot, grid).unwrap();
        });
        let set_hz = low_hz + f64::from(row.n_rb) * rb_hz / 2.0;
        let (control, pdu, data_slot) = self.control_and_data(control_slot, l0, &row);
        let n_rb = usize::from(row.n_rb);
        self.add(&mut samples, set_hz, centre_hz, n_rb, control_slot, |grid, slot| {
            PdcchTransmitter::new().transmit(&control, slot, grid).unwrap();
        });
        self.add(&mut samples, set_hz, centre_hz, n_rb, data_slot, |grid, slot| {
            let mut tb = sib1();
            tb.resize(pdu.coding.tbs_bytes as usize, 0);
            PdschTransmitter::new(Isa::Scalar, n_rb, 1).transmit(&pdu, &tb, slot, grid).unwrap();
        });
        let mut rng = Rng::from_lab_seed(u64::from(self.index) + 100 * u64::from(self.ssb));
        let mut noise = || (rng.unit() + rng.unit() + rng.unit() - 1.5) as f32 * 0.15;
        samples.iter_mut().for_each(|s| *s += Cf32::new(noise(), noise()));
        let seconds = |slot: SlotPoint| f64::from(slot.slot()) * 0.015 / f64::from(slot.numerology().scs_khz());
        let (a, b) = (seconds(self.block_at().0), seconds(control_slot));
        let from = ((a.min(b) - 2e-5) * self.rate_hz).max(0.0) as usize;
        let to = ((a.max(b) + 1.2e-3) * self.rate_hz) as usize;
        let samples = samples[from..to.min(samples.len())].to_vec();
        Recording { samples, rate_hz: self.rate_hz, centre_hz: self.centre_known.then_some(centre_hz) }
    }

    /// Adds one slot of a carrier of `n_rb` centred at `hz`.
    fn add(
        &self,
        samples: &mut [Cf32],
        hz: f64,
        centre_hz: f64,
        n_rb: usize,
        slot: SlotPoint,
        fill: impl FnOnce(&mut Grid, SlotPoint),
    ) {
        let fft_len = (self.rate_hz / f64::from(slot.numerology().scs_hz())) as usize;
        let carrier = Carrier::with_fft_len(slot.numerology(), n_rb, fft_len, hz).unwrap();
        let mut grid = Grid::new(1, carrier.n_subcarriers());
        fill(&mut grid, slot);
        let mut x = vec![Cf32::default(); carrier.slot_len(slot)];
        Modulator::new(carrier, Isa::Scalar).unwrap().modulate(slot, &grid, 0, &mut x).unwrap();
        let at = carrier.slot_start_in_frame(slot);
        let mut nco = Nco::new((hz - centre_hz) / self.rate_hz);
        nco.advance(at as i64);
        nco.mix(Isa::Scalar, &mut x);
        for (s, x) in samples[at..].iter_mut().zip(x) {
            *s += x;
        }
    }

    /// DCI and SIB1 in CORESET 0, by the resolver that base stations use.
    fn control_and_data(&self, slot: SlotPoint, l0: u8, row: &coreset0::Coreset0) -> (PdcchPdu, PdschPdu, SlotPoint) {
        let (ssb_numerology, scs_common) = self.numerologies();
        let pci = Pci::new(PCI).unwrap();
        let view = MibView {
            pci,
            scs_common,
            k_ssb: self.k_ssb,
            coreset_zero: self.index,
            search_space_zero: self.space,
            type_a_position: 2,
            ssb_numerology,
            ssb_case: self.case,
            l_max: self.l_max,
            ssb_index: self.block,
            ssb_hz: self.ssb_hz,
            min_bandwidth_40mhz: self.wide,
            fr2: self.ssb >= 120,
        };
        let (cell, _) = super::coreset0::cell_of(&view, SFN, false).unwrap();
        let coreset = resolve::coreset0_config(row, pci, 0);
        let kind = SearchSpaceKind::Common;
        let heard = Heard { slot, rnti: Rnti::SI, rnti_kind: fapi::dci::RntiKind::Si, kind, coreset: &coreset };
        let message = sib1();
        // The first time allocation that starts after the CORESET and leaves the block alone.
        let first = l0 + row.n_symbols;
        let dci = (0..16).flat_map(|time| [4, 2, 1].map(|part| (time, part))).find_map(|(time, part)| {
            let frequency = riv_encode(0, u16::from(row.n_rb) / part, row.n_rb.into())?;
            let dci = DciSi { frequency, time, mcs: 5, ..DciSi::default() };
            let a = super::coreset0::assignment(&dci, &heard, &cell, row.pattern).ok()?;
            let clear = row.pattern != 1 || a.pdu.start_symbol >= 2;
            let fits = a.slot != slot || (a.pdu.start_symbol >= first && clear);
            (fits && a.pdu.coding.tbs_bytes as usize >= message.len()).then_some((dci, a.pdu, a.slot))
        });
        let (dci, pdu, data_slot) = dci.unwrap_or_else(|| panic!("no PDSCH fits {self:?}"));
        let (n_id, n_rnti) = pdcch_scrambling(&coreset, kind, Rnti::SI, PCI);
        let level = if coreset.n_cce() >= 8 { 8 } else { 4 };
        let control = PdcchPdu {
            coreset,
            start_symbol: l0,
            cce: 0,
            aggregation_level: level,
            rnti: Rnti::SI,
            scrambling_rnti: n_rnti,
            scrambling_n_id: n_id,
            power_offset_db: 0.0,
            payload: encode(&fapi::dci::Dci::Si(dci), kind, &DciContext::common(&cell)).unwrap(),
        };
        (control, pdu, data_slot)
    }
}

#[test] // Spec: TS 38.213 §13 (tables 13-1 to 13-15), ironcell issue §1 (lab scan: every L_max and every CORESET 0 table)
fn sib1_is_found_by_every_table() {
    for made in ALL {
        let (ssb, common) = made.numerologies();
        assert_eq!(coreset0::table(ssb, common, made.wide).unwrap().0, made.table);
        let cells = scan(&made.record(), Isa::best());
        assert_eq!(cells.len(), 1, "{made:?}");
        let c = cells[0].to_json();
        assert_eq!((&c["pci"], &c["ssb_index"], &c["k_ssb"]), (&PCI.into(), &made.block.into(), &made.k_ssb.into()));
        assert_eq!(c["sfn"], SFN, "{made:?}");
        let hex: String = sib1().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(c["sib1"]["hex"], hex, "{made:?}: {c}");
        assert_eq!((&c["sib1"]["plmns"][0], &c["sib1"]["tac"]), (&"901-70".into(), &77.into()));
    }
}
