//! What every receiver of this crate must stand: for fuzz targets and for tests.

use crate::{csi, csi_rs, pdcch, pdsch, prach, prs, pucch, pusch, srs, ssb};
use dsp::{Cf32, Isa};
use fapi::csi::{Codebook, CsiContent, CsiQuantity};
use fapi::resolve::{MibView, cell_from_mib};
use fapi::{
    CceRegMapping, Coding, CoresetConfig, Csi2Sizes, CsiImResource, CsiRsResource, DlPrecoding, DmrsPdu, MappingType,
    McsTable, PdschPdu, PrachOccasion, PtrsGroups, PtrsPdu, PucchFormat, PucchLong, PucchPdu, PucchResource, PuschPdu,
    RbAllocation, Span, SrsHopping, SrsPdu, SrsResource, TransformPrecoding, UciOnPusch,
};
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, Pci, Rnti, SlotPoint};
use ofdm::{Carrier, Grid};
use std::cell::RefCell;

const N_RB: usize = 24;
const N_RX: usize = 2;
const MU: Numerology = Numerology::KHZ30;
const TB_BYTES: u32 = 96;

struct Receivers {
    grid: Grid,
    pdsch: pdsch::PdschReceiver,
    pusch: pusch::PuschReceiver,
    pucch: pucch::PucchReceiver,
    pdcch: pdcch::PdcchReceiver,
    csi_rs: csi_rs::CsiRsReceiver,
    srs: srs::SrsReceiver,
    channel: csi_rs::CsiRsChannel,
    csi: csi::CsiComputer,
    prs: Option<prs::PrsReceiver>,
    prach: Option<prach::PrachReceiver>,
    search: Option<ssb::PssSearcher>,
    ssb: Option<ssb::SsbReceiver>,
    soft: SoftBuffer,
}

thread_local! {
    static RECEIVERS: RefCell<Receivers> = RefCell::new(make());
}

fn make() -> Receivers {
    let isa = Isa::best();
    let rate_hz = 7.68e6;
    Receivers {
        grid: Grid::new(N_RX, 12 * N_RB),
        pdsch: pdsch::PdschReceiver::new(isa, N_RB, N_RX, 2),
        pusch: pusch::PuschReceiver::new(isa, N_RB, N_RX, 2),
        pucch: pucch::PucchReceiver::new(isa, 0, N_RX),
        pdcch: pdcch::PdcchReceiver::new(),
        csi_rs: csi_rs::CsiRsReceiver::new(isa),
        srs: srs::SrsReceiver::new(isa, N_RX),
        channel: csi_rs::CsiRsChannel::default(),
        csi: csi::CsiComputer::new(),
        prs: prs::PrsReceiver::new(isa),
        prach: prach_receiver(isa),
        search: ssb::PssSearcher::new(rate_hz, MU, isa),
        ssb: ssb::SsbReceiver::new(rate_hz, MU, isa),
        soft: SoftBuffer::new(8 * TB_BYTES),
    }
}

fn prach_receiver(isa: Isa) -> Option<prach::PrachReceiver> {
    let view = MibView::of_zeros(Pci::new(1)?);
    let (mut cell, _) = cell_from_mib(&view).ok()?;
    (cell.ul.n_rb, cell.rach.long_sequence, cell.rach.configuration_index) = (N_RB as u16, false, 145);
    prach::PrachReceiver::new(isa, &cell, Carrier::new(MU, N_RB, 0.0).ok()?).ok()
}

/// What an octet becomes: most of them a value of ordinary size, some of them what no receiver should meet.
fn value(octet: u8) -> f32 {
    match octet {
        0xf0 => f32::NAN,
        0xf1 => f32::INFINITY,
        0xf2 => f32::NEG_INFINITY,
        0xf3 => f32::MAX,
        0xf4 => f32::MIN,
        0xf5 => 1e30,
        0xf6 => -1e30,
        0xf7 => f32::MIN_POSITIVE,
        0xf8 => f32::from_bits(1),
        0xf9 => 1e-30,
        0xfa => -0.0,
        _ => f32::from(octet as i8) / 32.0,
    }
}

/// Samples for ever: pairs of `data`, again and again.
fn samples(data: &[u8]) -> impl Iterator<Item = Cf32> {
    let octets = data.iter().copied().chain([0].into_iter().take(usize::from(data.is_empty()))).collect::<Vec<u8>>();
    let mut i = 0;
    std::iter::from_fn(move || {
        let mut next = || {
            i += 1;
            value(octets[(i - 1) % octets.len()])
        };
        Some(Cf32::new(next(), next()))
    })
}

/// One run of a fuzzer: three octets choose a receiver and its parameters, the others are what the antennas hear.
///
/// # Panics
/// If a receiver reports what is no number, or finds something in silence: bugs of this crate.
pub fn fuzz_one(data: &[u8]) {
    let Some((&[kind, a, b], air)) = data.split_first_chunk() else { return };
    let silent = air.iter().all(|&octet| value(octet) == 0.0);
    RECEIVERS.with_borrow_mut(|r| {
        if kind % 8 < 6 {
            r.grid.elements_mut().iter_mut().zip(samples(air)).for_each(|(element, sample)| *element = sample);
        }
        let found = match kind % 8 {
            0 => r.pdsch(a, b, kind >> 3),
            1 | 2 => r.pusch(a, b, kind >> 3),
            3 => r.pucch(a, b),
            4 => r.pdcch(a, b),
            5 if b & 1 == 0 => r.csi_rs(a, b),
            5 => r.srs(a, b),
            6 => r.prach(a, air),
            _ => r.ssb(a, b, air),
        };
        assert!(!(found && silent), "something was found in silence");
    });
}

fn slot(n: u8) -> SlotPoint {
    SlotPoint::new(MU, u32::from(n), u32::from(n) % 20)
}

/// Asserts that every number of a report is one; the power of what overflows may be infinite.
fn sane(report: &impl core::fmt::Debug) {
    let text = format!("{report:?}");
    assert!(!text.contains("NaN"), "{text}");
}

fn dmrs(a: u8) -> DmrsPdu {
    let n_layers = 1 + (a & 1);
    DmrsPdu {
        symbols: [1 << 2, 1 << 2 | 1 << 11, 1 << 2 | 1 << 3, 1 << 2 | 1 << 7 | 1 << 11][usize::from(a >> 1 & 3)],
        config_type: 1 + (a >> 3 & 1),
        n_id: 55,
        n_scid: a >> 4 & 1,
        ports: (1 << n_layers) - 1,
        n_cdm_groups_without_data: 1 + (a >> 5 & 1),
        reference_rb: 0,
    }
}

fn coding(b: u8) -> Coding {
    Coding {
        q_m: [2, 4, 6, 8][usize::from(b & 3)],
        rate_x1024: 300.0,
        mcs: 5,
        mcs_table: McsTable::Qam64,
        rv: b >> 2 & 3,
        tbs_bytes: TB_BYTES,
        tbs_lbrm: 100_000,
    }
}

fn ptrs(a: u8, b: u8) -> PtrsPdu {
    PtrsPdu {
        time_density: [1, 2, 4, 3][usize::from(b >> 4 & 3)],
        frequency_density: 2 + (b & 2),
        re_offset: b >> 6,
        dmrs_ports: 1 << (a >> 6 & 1),
        power_offset_db: 0.0,
    }
}

/// Options of PUSCH: spread, hopping, CSI part 2, PT-RS, no transport block.
fn spread_or_hop(pdu: &mut PuschPdu, a: u8, b: u8, options: u8) {
    if options & 1 != 0 {
        let groups = PtrsGroups {
            n_groups: [2, 4, 8, 8][usize::from(b >> 4 & 3)],
            n_samples: [2, 4][usize::from(b >> 6 & 1)],
            time_density: 1 + (b >> 7),
            n_id: 500,
            beta: 1.0,
        };
        pdu.transform_precoding = Some(TransformPrecoding {
            n_id_rs: 500,
            hopping: b & 3,
            low_papr_type2: a & 64 != 0,
            ptrs: (options & 8 != 0).then_some(groups),
        });
        if a & 64 != 0 {
            pdu.coding.q_m = 1;
        }
    } else if options & 8 != 0 {
        pdu.ptrs = Some(ptrs(a, b));
    }
    if options & 2 != 0 {
        (pdu.second_hop_rb, pdu.dmrs.symbols) = (Some(9), 1 << 2 | 1 << 7);
    }
    if options & 4 != 0 {
        pdu.uci.csi2 = Csi2Sizes { first_bit: a & 3, n_bits: b & 3, sizes: [3, 9, 17, 0, 1, 2, 30, 128] };
        pdu.uci.beta_csi2 = 5.0;
    }
    if options & 16 != 0 {
        pdu.coding.tbs_bytes = 0;
    }
}

impl Receivers {
    fn pdsch(&mut self, a: u8, b: u8, options: u8) -> bool {
        let Some(harq) = HarqId::new(0) else { return false };
        let mut pdu = PdschPdu {
            rnti: Rnti(0x4601),
            harq,
            new_data: b & 16 != 0,
            rbs: RbAllocation::Contiguous { start: u16::from(b >> 6), n_rb: 12 },
            vrb_interleaver: None,
            start_symbol: 2,
            n_symbols: 12,
            mapping: MappingType::A,
            dmrs: dmrs(a),
            n_id: 55,
            n_layers: 1 + (a & 1),
            coding: coding(b),
            reserved: [None; 2],
            reserved_re: [0; 14],
            power_offset_db: 0.0,
            precoding: Default::default(),
            ptrs: None,
            cbg: None,
            tb: Span::default(),
        };
        if options & 1 != 0 {
            pdu.ptrs = Some(ptrs(a, b));
        }
        if options & 2 != 0 {
            pdu.precoding = DlPrecoding::Matrices { prg_size: b & 6, matrices: Span::default() };
        }
        if options & 4 != 0 {
            pdu.coding.q_m = 10;
        }
        if options & 8 != 0 {
            (pdu.dmrs.symbols, pdu.dmrs.ports) = (1 << 2 | 1 << 3, pdu.dmrs.ports << (4 * pdu.dmrs.config_type.min(1)));
        }
        let mut tb = [0; TB_BYTES as usize];
        let result = self.pdsch.receive(&pdu, slot(a), &self.grid, &mut self.soft, 4, &mut tb);
        result.is_ok_and(|result| {
            sane(&result);
            result.crc_ok && pdu.new_data
        })
    }

    fn pusch(&mut self, a: u8, b: u8, options: u8) -> bool {
        let Some(harq) = HarqId::new(0) else { return false };
        let (n_harq_ack, n_csi1) = ([0, 1, 2, 7, 14][usize::from(b >> 5) % 5], [0, 4][usize::from(a >> 7)]);
        let mut pdu = PuschPdu {
            rnti: Rnti(0x4601),
            harq,
            new_data: b & 16 != 0,
            rbs: RbAllocation::Contiguous { start: 1, n_rb: 12 },
            start_symbol: 0,
            n_symbols: 14,
            mapping: MappingType::A,
            dmrs: dmrs(a),
            n_id: 500,
            n_layers: 1 + (a & 1),
            second_hop_rb: None,
            precoding: Default::default(),
            transform_precoding: None,
            ptrs: None,
            cbg: None,
            coding: coding(b),
            uci: UciOnPusch {
                n_harq_ack,
                n_csi1,
                beta_harq_ack: 20.0,
                beta_csi1: 5.0,
                scaling: 1.0,
                ..UciOnPusch::default()
            },
            tb: Span::default(),
        };
        spread_or_hop(&mut pdu, a, b, options);
        let Ok(control) = self.pusch.receive_control(&self.grid, &pdu, slot(a)) else { return false };
        sane(&control);
        let mut tb = [0; TB_BYTES as usize];
        let tb = &mut tb[..pdu.coding.tbs_bytes as usize];
        let data = self.pusch.decode_data(&pdu, &mut self.soft, 4, tb);
        data.is_ok_and(|data| {
            sane(&data);
            data.crc_ok && pdu.new_data
        })
    }

    fn pucch(&mut self, a: u8, b: u8) -> bool {
        let format = match a % 5 {
            0 => PucchFormat::F0 { initial_cyclic_shift: b % 14 },
            1 | 2 => PucchFormat::F1 { initial_cyclic_shift: b % 13, time_domain_occ: b >> 4 & 7 },
            _ if b & 32 == 0 => PucchFormat::F2 { n_prb: 1 + b % 16 },
            3 => PucchFormat::F3 { n_prb: 1 + b % 16 },
            _ => PucchFormat::F4 { occ_length: 2 + (b & 2), occ_index: b >> 2 & 3 },
        };
        let second_hop_prb = (b & 128 != 0).then_some(20);
        let (start_symbol, n_symbols) = [(12, 2), (13, 1), (0, 14), (4, 10), (10, 4)][usize::from(a >> 5) % 5];
        let pdu = PucchPdu {
            rnti: Rnti(0x4601),
            resource: PucchResource { id: 0, start_prb: 2, second_hop_prb, start_symbol, n_symbols, format },
            n_harq_ack: b & 15,
            n_sr: a >> 4 & 1,
            n_csi1: if b & 64 != 0 { 4 } else { 0 },
            hopping_id: 123,
            group_hopping: a % 3,
            n_id: 123,
            dmrs_n_id: 123,
            long: PucchLong {
                additional_dmrs: a & 8 != 0,
                pi2_bpsk: a & 2 != 0,
                dmrs_type2: a & 4 != 0,
                n_csi2: if a & 1 == 0 { 0 } else { u16::from(b & 31) },
                max_code_rate_milli: 350,
            },
        };
        self.pucch.receive(&self.grid, &pdu, slot(b)).is_ok_and(|result| {
            sane(&result);
            !result.dtx
        })
    }

    fn pdcch(&mut self, a: u8, b: u8) -> bool {
        let interleaved = CceRegMapping::Interleaved { reg_bundle_size: 6, interleaver_size: 2, shift_index: 1 };
        let coreset = CoresetConfig {
            id: 1,
            rb_groups: 0xf,
            start_rb: 0,
            duration: 1 + a % 3,
            mapping: if a & 128 == 0 { CceRegMapping::NonInterleaved } else { interleaved },
            wideband_precoder: a & 64 != 0,
            dmrs_n_id: 77,
            dmrs_reference_rb: 0,
        };
        let n_cce = self.pdcch.prepare(&coreset, a >> 4 & 3, slot(b), &self.grid);
        let targets = [pdcch::DciTarget { n_bits: usize::from(b & 63), rntis: &[0x4601, 0xffff] }];
        let mut found = false;
        for level in [1, 2, 4, 8, 16, b] {
            for cce in (0..=n_cce).step_by(usize::from(level.max(1))) {
                let hit = self.pdcch.receive(&self.grid, cce as u16, level, 0, 77, &targets);
                hit.iter().for_each(sane);
                found |= hit.is_some();
            }
        }
        found
    }

    fn csi_rs(&mut self, a: u8, b: u8) -> bool {
        let resource = CsiRsResource {
            id: 0,
            row: 1 + b % 19,
            k: [a >> 2 & 15, a >> 4 & 10, b >> 1 & 14, 6, 8, 10],
            l0: a & 15,
            l1: b >> 4,
            odd_rbs: a & 64 != 0,
            density_x2: [1, 2, 6][usize::from(a >> 3) % 3],
            start_rb: u16::from(b & 1),
            n_rb: N_RB as u16 - u16::from(b & 1),
            scrambling_id: 1,
            period_slots: 20,
            offset_slots: 0,
            power_offset_ss_db: 0,
            trs: a & 128 != 0,
        };
        if let Ok(report) = self.csi_rs.measure(&resource, slot(a), 0, &self.grid, 0) {
            sane(&report);
            let snr_db = report.snr_db();
            assert!(!snr_db.is_nan());
        }
        if self.csi_rs.channel(&resource, slot(a), 0, &self.grid, &mut self.channel).is_ok() {
            sane(&self.channel);
            let content = CsiContent {
                quantity: CsiQuantity::Pmi { li: true },
                codebook: match self.channel.n_ports {
                    1 => Codebook::OnePort,
                    2 => Codebook::TwoPorts,
                    4 => Codebook::SinglePanel { n1: 2, n2: 1, mode: 1 + (a & 1) },
                    _ => Codebook::SinglePanel { n1: 2, n2: 2, mode: 1 + (a & 1) },
                },
                ranks: if self.channel.n_ports == 1 { 1 } else { 0b11 },
                n_resources: 1,
                cqi_subbands: b & 3,
                pmi_subbands: b & 3,
            };
            let table = [McsTable::Qam64, McsTable::Qam256][usize::from(a & 1)];
            if let Ok(v) = self.csi.compute(&self.channel, None, &content, table, 0.0, 8) {
                assert!(content.encode_pusch(&v).is_ok(), "a report that cannot be sent: {v:?}");
            }
        }
        let im = CsiImResource {
            id: 0,
            pattern: a & 1,
            k: b & 15,
            l: b >> 4,
            start_rb: 0,
            n_rb: N_RB as u16,
            period_slots: 1,
            offset_slots: 0,
        };
        self.csi_rs.interference(&im, &self.grid).iter().for_each(sane);
        let positioning = prs::PrsResource {
            n_id: u16::from(a) << 4,
            comb: [2, 4, 6, 12][usize::from(b & 3)],
            offset: b >> 2 & 15,
            start_symbol: a & 7,
            n_symbols: [2, 4, 6, 12][usize::from(a >> 6)],
            start_rb: 0,
            n_rb: N_RB as u16,
            power_offset_db: 0.0,
        };
        if let Some(Ok(arrival)) = self.prs.as_mut().map(|p| p.arrival(&positioning, slot(a), 0, &self.grid)) {
            sane(&arrival);
        }
        false
    }

    fn srs(&mut self, a: u8, b: u8) -> bool {
        let resource = SrsResource {
            id: 0,
            n_ports: [1, 2, 4, 3][usize::from(a & 3)],
            comb: [2, 4, 8, 5][usize::from(a >> 2 & 3)],
            comb_offset: a >> 4 & 1,
            cyclic_shift: b >> 1 & 7,
            start_symbol: 2,
            n_symbols: [1, 2, 4, 8, 10, 12, 14, 3][usize::from(a >> 5)],
            repetition: 1 + (b >> 4 & 1),
            freq_position: b >> 5,
            freq_shift: 0,
            c_srs: b >> 4,
            b_srs: b >> 6,
            b_hop: 0,
            hopping: SrsHopping::Group,
            sequence_id: 77,
            period: Some((20, 3)),
            freq_scaling: 1,
            start_rb_index: 0,
            start_rb_hopping: false,
            positioning: b & 8 != 0,
        };
        let pdu = SrsPdu { rnti: Rnti(1), resource, reference_rb: 0 };
        if let Ok(report) = self.srs.receive(&self.grid, &pdu, slot(a)) {
            sane(&(report.snr_db, report.delay_s, report.power));
        }
        false
    }

    fn prach(&mut self, a: u8, air: &[u8]) -> bool {
        let Some(receiver) = &mut self.prach else { return false };
        let occasion = PrachOccasion { start_symbol: a & 7, t_id: 0, s_id: 0, f_id: a >> 7 };
        let n = receiver.geometry().window(slot(9), &occasion).len();
        let heard: Vec<Cf32> = samples(air).take(n - usize::from(a == 0xff)).collect();
        let mut found = false;
        let result = receiver.detect(&[&heard, &heard], slot(9), &occasion, |detection| {
            sane(&detection);
            found = true;
        });
        result.is_ok() && found
    }

    fn ssb(&mut self, a: u8, b: u8, air: &[u8]) -> bool {
        let (Some(search), Some(receiver)) = (&mut self.search, &mut self.ssb) else { return false };
        let heard: Vec<Cf32> = samples(air).take(receiver.block_len() + 16 * usize::from(a)).collect();
        let mut peaks = ssb::PssPeaks::new(8);
        search.search(&heard, &[0.0], 1, &mut peaks);
        peaks.as_slice().iter().for_each(sane);
        let start = i64::from(b) * 16 - 64;
        let detection = receiver.receive(&heard, start, a % 4, 0.0, Some(3.5e9), &[4, 8, b]);
        detection.iter().for_each(sane);
        detection.is_some()
    }
}
