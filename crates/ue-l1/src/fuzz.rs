//! Hostile control information, configurations in any order, and samples that are no numbers: for fuzz targets and for tests.

use crate::slot::{Build, Serving, carrier_of};
use crate::sync::Sync;
use crate::ue::{UeL1, UeL1Config, UlBursts};
use dsp::{Cf32, Isa};
use fapi::dci::{self, DciContext, RntiKind};
use fapi::resolve::{self, Heard, MibView, cell_from_mib};
use fapi::ue::{UeIndication, UeL1Command, UeL1Event, UeResponse, UlBlock};
use fapi::*;
use node::{Rng, Script};
use nr::{Numerology, Pci, Rnti, SlotPoint};
use ofdm::{Grid, Modulator};
use phy::pdcch::PdcchTransmitter;
use phy::pdsch::PdschTransmitter;

const MU: Numerology = Numerology::KHZ30;
const C_RNTI: Rnti = Rnti(0x4601);
const RA_RNTI: Rnti = Rnti(0x0f);
/// Slots of one script.
const SLOTS_MAX: usize = 64;

/// The cell as its MIB has it, or with SIB1's whole carrier, described well or badly.
fn cell(options: u8) -> Option<CellConfig> {
    let view = MibView { coreset_zero: 1, ..MibView::of_zeros(Pci::new(1)?) };
    let (mut cell, _) = cell_from_mib(&view).ok()?;
    let (pattern, n) = ([Some(5), Some(10), None][usize::from(options & 3) % 3], options >> 2);
    cell.duplex = pattern.map_or(Duplex::Fdd, |period_slots| {
        Duplex::Tdd(TddPattern {
            period_slots,
            dl_slots: n & 3,
            dl_symbols: 10,
            ul_slots: 1 + (n >> 2 & 1),
            ul_symbols: 2,
        })
    });
    cell.ul = cell.dl;
    cell.rach.preamble_target_power_dbm = -100;
    (cell.rach.configuration_index, cell.rach.long_sequence) = (160 + u16::from(options & 7), options & 128 != 0);
    cell.pucch.p0_dbm = -100;
    Some(cell)
}

fn dedicated(cell: &CellConfig, options: u8, s: &mut Script) -> DedicatedConfig {
    let time = |k, start, n_symbols| TimeAllocation { k, mapping: MappingType::A, start, n_symbols };
    let f2 = PucchFormat::F2 { n_prb: 1 + s.u8() % 17 };
    let f1 = PucchFormat::F1 { initial_cyclic_shift: s.u8() % 13, time_domain_occ: s.u8() % 8 };
    let resource = |id, format, start_symbol, n_symbols| PucchResource {
        id,
        start_prb: u16::from(id),
        second_hop_prb: None,
        start_symbol,
        n_symbols,
        format,
    };
    let mut d = DedicatedConfig {
        dl_bwp: cell.initial_dl_bwp,
        ul_bwp: cell.initial_ul_bwp,
        coresets: vec![CoresetConfig {
            id: 1,
            rb_groups: if s.bit() { s.u32().into() } else { 0xf },
            start_rb: 0,
            duration: 1 + (options & 1),
            mapping: CceRegMapping::NonInterleaved,
            wideband_precoder: false,
            dmrs_n_id: 333,
            dmrs_reference_rb: 0,
        }],
        search_spaces: vec![SearchSpaceConfig {
            id: 2,
            coreset_id: 1,
            period_slots: 1,
            offset_slots: 0,
            duration_slots: 1,
            symbols: 1,
            n_candidates: [1, 2, 2, 0, 0],
            kind: if options & 2 == 0 { SearchSpaceKind::Ue } else { SearchSpaceKind::UeFallback },
        }],
        pdsch: cell.pdsch.clone(),
        pusch: cell.pusch.clone(),
        pucch: cell.pucch.clone(),
        harq_codebook: if options & 4 == 0 { HarqCodebook::Dynamic } else { HarqCodebook::SemiStatic },
        n_dl_harq: 1 + (s.u8() & 15),
        csi_rs: vec![],
        zp_csi_rs: vec![],
        csi_im: vec![],
        srs: None,
        csi_report: None,
        dci: DciOptions::default(),
    };
    d.pdsch.time_allocations = vec![time(0, 2, 12), time(s.u8() & 3, s.u8() & 15, s.u8() & 15)];
    d.pusch.time_allocations = vec![time(2, 0, 14), time(s.u8() & 7, s.u8() & 15, s.u8() & 15)];
    let kinds = [ResourceAllocation::Type1, ResourceAllocation::Type0];
    d.pdsch.resource_allocation = kinds[usize::from(options >> 3 & 1)];
    d.pusch.resource_allocation = kinds[usize::from(options >> 4 & 1)];
    d.pdsch.vrb_interleaver = s.bit().then_some(2);
    let more = s.u8();
    (d.pdsch.dmrs.max_length, d.pdsch.dmrs.config_type) = (1 + (more & 1), 1 + (more >> 1 & 1));
    (d.pusch.dmrs.max_length, d.pusch.dmrs.config_type) = (1 + (more >> 2 & 1), 1 + (more >> 3 & 1));
    d.pdsch.options.max_cbg = more >> 2 & 8;
    d.pdsch.options.ptrs = (more & 16 != 0).then(Default::default);
    d.pusch.transform_precoding = more & 64 != 0;
    d.pusch.options.hopping = (more & 128 != 0).then(|| PuschHopping {
        inter_slot: more & 1 == 1,
        offsets: [3, 9, 400, s.u16()],
        n_offsets: 2 + (more & 2),
    });
    d.pucch.dl_data_to_ul_ack = s.bytes().iter().take(8).map(|k| k & 15).collect();
    if options & 32 == 0 {
        d.pucch.dl_data_to_ul_ack = vec![2, 3, 4, 7];
        d.pucch.resources =
            vec![resource(0, f1, 0, 14), resource(1, f2, 12, 2), resource(2, f2, s.u8() & 15, s.u8() & 15)];
        d.pucch.resource_sets = vec![vec![0, 0, 0, 0], vec![1, 1, 2, s.u8()]];
    }
    d
}

struct World {
    ue: UeL1,
    cell: CellConfig,
    dedicated: Option<DedicatedConfig>,
    modulator: Modulator,
    grid: Grid,
    pdcch: PdcchTransmitter,
    pdsch: PdschTransmitter,
    indication: UeIndication,
    response: UeResponse,
    bursts: UlBursts,
    /// Blocks have the size that was asked for.
    honest: bool,
}

/// One run of a fuzzer: an octet that describes the cell, then operations: slots with control information of the script's bits and the
/// blocks that it assigns, slots of anything, commands of the layers above.
///
/// # Panics
/// If a burst holds what is no number: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    let mut s = Script::new(data);
    let Some(mut w) = World::new(s.u8()) else { return };
    for _ in 0..SLOTS_MAX {
        let Some(op) = s.op() else { return };
        w.operation(op, &mut s);
    }
}

impl World {
    fn new(options: u8) -> Option<World> {
        let cell = cell(options)?;
        let carrier = carrier_of(&cell.dl).ok()?;
        let mut ue = UeL1::new(UeL1Config { max_ldpc_iterations: 4, ..UeL1Config::default() }, Rng::from_lab_seed(1));
        let build = Build { isa: Isa::best(), max_iterations: 4, p_max_dbm: 23.0, seed: 1, n_rx: 1, n_tx: 1 };
        let sync = Sync::new(&carrier, SlotPoint::new(MU, 1020, 0), 0.0, 0.0, 1e-8, 30.0);
        let serving = Serving::new(cell.clone(), true, sync, 0, &build).ok()?;
        ue.serve(serving);
        Some(World {
            ue,
            dedicated: None,
            modulator: Modulator::new(carrier, Isa::best()).ok()?,
            grid: Grid::new(1, carrier.n_subcarriers()),
            pdcch: PdcchTransmitter::new(),
            pdsch: PdschTransmitter::new(Isa::best(), carrier.n_rb(), 1),
            indication: UeIndication::default(),
            response: UeResponse::default(),
            bursts: UlBursts::default(),
            honest: true,
            cell,
        })
    }

    fn operation(&mut self, op: u8, s: &mut Script) {
        self.grid.clear();
        match op % 8 {
            0 => self.noise(s),
            1..=4 => {
                (0..1 + s.below(2)).for_each(|_| self.control(s));
                self.slot();
            }
            5 => self.slot(),
            6 => self.honest = s.bit(),
            _ => self.command(s),
        }
    }

    /// Samples of the script, as many as are wanted or some others.
    fn noise(&mut self, s: &mut Script) {
        let (kind, octets) = (s.u8(), s.bytes());
        let n = match kind {
            0 => 0,
            1 => 1,
            2 => 100_000,
            _ => self.ue.need().samples,
        };
        let value = |octet: u8| match octet {
            0xf0 => f32::NAN,
            0xf1 => f32::INFINITY,
            0xf2 => f32::NEG_INFINITY,
            0xf3 => f32::MAX,
            0xf4 => 1e30,
            0xf5 => f32::from_bits(1),
            n => f32::from(n as i8) * 1e-4,
        };
        let mut octets = octets.iter().chain(&[0]).cycle().copied();
        let mut next = || value(octets.next().unwrap_or(0));
        let samples: Vec<Cf32> = (0..n).map(|_| Cf32::new(next(), next())).collect();
        self.receive(&samples);
    }

    /// A PDCCH with the script's bits, and the PDSCH that they assign, if they do.
    fn control(&mut self, s: &mut Script) {
        let Some((slot, _)) = self.ue.timing() else { return };
        let (options, octets) = (s.u8(), s.bytes());
        let own = self.dedicated.as_ref();
        let spaces = || own.into_iter().flat_map(|d| &d.search_spaces).chain(&self.cell.search_spaces);
        let n = spaces().count();
        let Some(space) = spaces().nth(usize::from(options >> 4) % n.max(1)) else { return };
        let mut coresets = own.into_iter().flat_map(|d| &d.coresets).chain(&self.cell.coresets);
        let Some(coreset) = coresets.find(|c| c.id == space.coreset_id) else { return };
        let context = own.map_or(DciContext::common(&self.cell), |d| DciContext::dedicated(&self.cell, d));
        let (rnti, rnti_kind) = [
            (C_RNTI, RntiKind::Cell),
            (Rnti(0x4602), RntiKind::Temporary),
            (RA_RNTI, RntiKind::Ra),
            (Rnti(0xffff), RntiKind::Si),
        ][usize::from(options & 3)];
        let sizes: Vec<u8> = context.sizes(space.kind).into_iter().flatten().collect();
        let Some(size) = usize::from(options >> 2 & 3).checked_rem(sizes.len()).map(|i| usize::from(sizes[i])) else {
            return;
        };
        let octet = |i: usize| octets.get(i / 8).copied().unwrap_or(0);
        let bits: Vec<u8> = (0..size).map(|i| octet(i) >> (7 - i % 8) & 1).collect();
        let Some(payload) = DciBits::new(&bits) else { return };
        let Some(start_symbol) = resolve::occasion_symbols(space).next() else { return };
        let level_idx = (0..5).find(|i| resolve::candidates(space, coreset, rnti, slot, *i).next().is_some());
        let Some(level_idx) = level_idx else { return };
        let Some(cce) = resolve::candidates(space, coreset, rnti, slot, level_idx).next() else { return };
        let (scrambling_n_id, scrambling_rnti) =
            resolve::pdcch_scrambling(coreset, space.kind, rnti, self.cell.pci.get());
        let pdu = PdcchPdu {
            coreset: *coreset,
            start_symbol,
            cce,
            aggregation_level: resolve::AGGREGATION_LEVELS[level_idx],
            rnti,
            scrambling_rnti,
            scrambling_n_id,
            power_offset_db: 0.0,
            payload,
        };
        let _ = self.pdcch.transmit(&pdu, slot, &mut self.grid);
        let Ok(dci) = dci::decode(&bits, rnti_kind, space.kind, &context) else { return };
        let heard = Heard { slot, rnti, rnti_kind, kind: space.kind, coreset };
        if let Ok(a) = resolve::pdsch(&dci, &heard, &self.cell, own, None) {
            let block = vec![0x5a; a.pdu.coding.tbs_bytes as usize];
            let _ = self.pdsch.transmit(&a.pdu, &block, slot, &mut self.grid);
        }
    }

    /// The grid as samples.
    fn slot(&mut self) {
        let carrier = *self.modulator.carrier();
        let Some((slot, _)) = self.ue.timing().filter(|(s, _)| s.numerology() == carrier.numerology()) else { return };
        let mut samples = vec![Cf32::default(); carrier.slot_len(slot)];
        if self.modulator.modulate(slot, &self.grid, 0, &mut samples).is_ok() {
            samples.iter_mut().for_each(|s| *s *= 1e-3);
            let n = self.ue.need().samples;
            samples.resize(n, Cf32::default());
            self.receive(&samples);
        }
    }

    fn receive(&mut self, samples: &[Cf32]) {
        self.indication.clear();
        self.ue.receive(samples, &mut self.indication);
        self.response.clear();
        for event in &self.indication.events {
            if let UeL1Event::UlGrant { harq, tbs_bytes, .. } = *event {
                let len = if self.honest { tbs_bytes.min(1 << 20) } else { tbs_bytes % 7 };
                let tb = Span::append(&mut self.response.bytes, &vec![0xa5; len as usize]);
                self.response.blocks.push(UlBlock { harq, tb });
            }
        }
        self.respond();
    }

    fn respond(&mut self) {
        self.ue.respond(&self.response);
        self.bursts.clear();
        self.ue.transmit(&mut self.bursts);
        let finite = |s: &Cf32| s.re.is_finite() && s.im.is_finite();
        assert!(self.bursts.samples.iter().all(finite), "a burst of what is no number");
    }

    fn command(&mut self, s: &mut Script) {
        let Some((slot, _)) = self.ue.timing() else { return };
        let near = slot.plus(i64::from(s.u8() as i8) / 4);
        let command = match s.below(12) {
            0 => UeL1Command::SetRnti { c_rnti: s.bit().then_some(C_RNTI), temporary: s.bit().then_some(Rnti(0x4602)) },
            1 => UeL1Command::SendPreamble { preamble: s.u8(), target_power_dbm: s.u16() as i16 },
            2 => UeL1Command::WatchRar { ra_rnti: s.bit().then_some(RA_RNTI), until: near },
            3 | 4 => UeL1Command::RarGrant { grant: s.u32(), slot: near },
            5 => UeL1Command::TimingAdvanceAbsolute(s.u16()),
            6 => UeL1Command::TimingAdvance(s.u8()),
            7 => UeL1Command::SchedulingRequest(s.bit()),
            8 => UeL1Command::Reset,
            9 => match cell(s.u8()) {
                Some(cell) => {
                    self.cell = cell.clone();
                    UeL1Command::ConfigureCell(Box::new(cell))
                }
                None => return,
            },
            _ => {
                let options = s.u8();
                self.dedicated = (options != 0).then(|| dedicated(&self.cell, options, s));
                let config = self.dedicated.clone().map(Box::new);
                UeL1Command::ConfigureDedicated { from: near, config }
            }
        };
        self.response.clear();
        self.response.commands.push(command);
        self.respond();
    }
}
