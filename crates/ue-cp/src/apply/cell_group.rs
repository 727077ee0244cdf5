//! CellGroupConfig to the dedicated configuration. Spec: TS 38.331 §5.3.5.5

use super::bearer::rlc_bearer;
use super::csi::{csi, zero_power};
use super::sib1::{coreset, pdsch_times, pusch_times, search_space};
use super::sounding::uplink_scheme;
use super::{ApplyError, error, number, period};
use fapi::*;
use nr::LcId;
use rrc::{Enumerated, SetupRelease};
use seam::bearer::RlcBearerConfig;
use seam::ue::MacConfig;

/// What a CellGroupConfig asks for, checked as a whole before anything is applied.
#[derive(Clone, PartialEq, Debug)]
pub struct CellGroup {
    /// The physical configuration that results.
    pub dedicated: DedicatedConfig,
    /// RLC bearers to add or change.
    pub add: Vec<RlcBearerConfig>,
    /// RLC bearers to release.
    pub release: Vec<LcId>,
    /// RLC entities to re-establish.
    pub reestablish: Vec<LcId>,
    /// MAC parameters, if they change.
    pub mac: Option<MacConfig>,
    /// T310, N310 and N311, if they change: ms and counts.
    pub rlf: Option<(u32, u32, u32)>,
}

/// What MAC does before any configuration: defaults of TS 38.331 §9.2.2.
pub fn default_mac() -> MacConfig {
    MacConfig {
        periodic_bsr_timer_ms: Some(10),
        retx_bsr_timer_ms: 80,
        sr_prohibit_timer_ms: 0,
        sr_trans_max: 64,
        time_alignment_timer_ms: None,
        phr_periodic_timer_ms: Some(10),
        phr_prohibit_timer_ms: 10,
        phr_tx_power_factor_change_db: Some(1),
        sr_resource: false,
    }
}

/// The common configuration, as a beginning for dedicated ones.
pub fn initial(cell: &CellConfig) -> DedicatedConfig {
    DedicatedConfig {
        dl_bwp: cell.initial_dl_bwp,
        ul_bwp: cell.initial_ul_bwp,
        coresets: Vec::new(),
        search_spaces: Vec::new(),
        pdsch: cell.pdsch.clone(),
        pusch: cell.pusch.clone(),
        pucch: PucchConfig { dl_data_to_ul_ack: (1..=8).collect(), ..cell.pucch.clone() },
        harq_codebook: HarqCodebook::default(),
        n_dl_harq: 8,
        csi_rs: Vec::new(),
        zp_csi_rs: Vec::new(),
        csi_im: Vec::new(),
        srs: None,
        csi_report: None,
        dci: Default::default(),
    }
}

/// Applies `g` onto `old`.
pub fn apply(
    g: &rrc::CellGroupConfig,
    old: &DedicatedConfig,
    mac: &MacConfig,
    cell: &CellConfig,
) -> Result<CellGroup, ApplyError> {
    let mut d = old.clone();
    let mut out = CellGroup {
        dedicated: d.clone(),
        add: Vec::new(),
        release: Vec::new(),
        reestablish: Vec::new(),
        mac: None,
        rlf: None,
    };
    for b in g.rlc_bearer_to_add_mod_list.iter().flatten() {
        if b.reestablish_rlc {
            out.reestablish.extend(LcId::new(b.logical_channel_identity));
        }
        if b.rlc_config.is_some() || b.served_radio_bearer.is_some() {
            out.add.push(rlc_bearer(b)?);
        }
    }
    out.release = g.rlc_bearer_to_release_list.iter().flatten().filter_map(|l| LcId::new(*l)).collect();
    if let Some(m) = &g.mac_cell_group_config {
        out.mac = Some(mac_config(m, mac)?);
    }
    if let Some(p) = &g.physical_cell_group_config {
        d.harq_codebook = match p.pdsch_harq_ack_codebook {
            rrc::PhysicalCellGroupConfigPdschHarqAckCodebook::Dynamic => HarqCodebook::Dynamic,
            rrc::PhysicalCellGroupConfigPdschHarqAckCodebook::SemiStatic => HarqCodebook::SemiStatic,
        };
    }
    if g.s_cell_to_add_mod_list.is_some() {
        return error("a secondary cell", "TS 38.331 §5.3.5.5.9");
    }
    if let Some(s) = &g.sp_cell_config {
        if s.reconfiguration_with_sync.is_some() {
            return error("reconfigurationWithSync", "TS 38.331 §5.3.5.5.2");
        }
        if let Some(SetupRelease::Setup(r)) = &s.rlf_timers_and_constants {
            out.rlf = Some((number(r.t310)? as u32, number(r.n310)? as u32, number(r.n311)? as u32));
        }
        if let Some(c) = &s.sp_cell_config_dedicated {
            serving_cell(&mut d, c, cell)?;
        }
    }
    let sr_resource = d.pucch.sr.is_some();
    if out.mac.is_some() || mac.sr_resource != sr_resource {
        out.mac = Some(MacConfig { sr_resource, ..out.mac.unwrap_or(*mac) });
    }
    out.dedicated = d;
    Ok(out)
}

fn mac_config(m: &rrc::MacCellGroupConfig, old: &MacConfig) -> Result<MacConfig, ApplyError> {
    let mut c = *old;
    if matches!(m.drx_config, Some(SetupRelease::Setup(_))) {
        return error("DRX", "TS 38.321 §5.7");
    }
    if let Some(b) = &m.bsr_config {
        c.periodic_bsr_timer_ms = b.periodic_bsr_timer.number().map(|n| n as u32);
        c.retx_bsr_timer_ms = number(b.retx_bsr_timer)? as u32;
    }
    if let Some(t) = m.tag_config.as_ref().and_then(|t| t.tag_to_add_mod_list.as_ref()).and_then(|l| l.first()) {
        c.time_alignment_timer_ms = t.time_alignment_timer.number().map(|n| n as u32);
    }
    match &m.phr_config {
        Some(SetupRelease::Setup(p)) => {
            c.phr_periodic_timer_ms = p.phr_periodic_timer.number().map(|n| n as u32);
            c.phr_prohibit_timer_ms = number(p.phr_prohibit_timer)? as u32;
            c.phr_tx_power_factor_change_db = p.phr_tx_power_factor_change.number().map(|n| n as u8);
        }
        Some(SetupRelease::Release) => c.phr_periodic_timer_ms = None,
        None => {}
    }
    let sr = m.scheduling_request_config.as_ref().and_then(|s| s.scheduling_request_to_add_mod_list.as_ref());
    if let Some(s) = sr.and_then(|l| l.first()) {
        c.sr_prohibit_timer_ms = match s.sr_prohibit_timer {
            Some(t) => number(t)? as u16,
            None => 0,
        };
        c.sr_trans_max = number(s.sr_trans_max)? as u8;
    }
    Ok(c)
}

pub(super) fn setup<T>(s: &Option<SetupRelease<T>>) -> Option<&T> {
    match s {
        Some(SetupRelease::Setup(t)) => Some(t),
        _ => None,
    }
}

fn serving_cell(d: &mut DedicatedConfig, s: &rrc::ServingCellConfig, cell: &CellConfig) -> Result<(), ApplyError> {
    let other = s.downlink_bwp_to_add_mod_list.is_some()
        || s.first_active_downlink_bwp_id.is_some_and(|b| b != 0)
        || s.uplink_config.as_ref().is_some_and(|u| u.first_active_uplink_bwp_id.is_some_and(|b| b != 0));
    if other || s.tdd_ul_dl_configuration_dedicated.is_some() || s.supplementary_uplink.is_some() {
        return error(
            "a BWP besides the initial one, a dedicated TDD pattern or a supplementary uplink",
            "TS 38.331 ServingCellConfig",
        );
    }
    if let Some(b) = &s.initial_downlink_bwp {
        if let Some(p) = setup(&b.pdcch_config) {
            pdcch(d, p, cell)?;
        }
        if let Some(p) = setup(&b.pdsch_config) {
            pdsch(d, p, cell)?;
        }
    }
    if let Some(p) = setup(&s.pdsch_serving_cell_config) {
        d.pdsch.x_overhead = p.x_overhead.and_then(|x| x.number()).unwrap_or(0) as u8;
        match &p.code_block_group_transmission {
            Some(SetupRelease::Setup(g)) => {
                d.pdsch.options.max_cbg = number(g.max_code_block_groups_per_transport_block)? as u8;
                d.pdsch.options.cbg_flush = g.code_block_group_flush_indicator;
            }
            _ => (d.pdsch.options.max_cbg, d.pdsch.options.cbg_flush) = (0, false),
        }
        d.n_dl_harq = p.nrof_harq_processes_for_pdsch.and_then(|n| n.number()).unwrap_or(8) as u8;
        if let Some(m) = p.ext1.as_ref().and_then(|e| e.max_mimo_layers) {
            d.pdsch.max_layers = m;
        }
    }
    if let Some(u) = &s.uplink_config {
        if let Some(b) = &u.initial_uplink_bwp {
            if let Some(p) = setup(&b.pucch_config) {
                pucch(d, p)?;
            }
            if let Some(p) = setup(&b.pusch_config) {
                pusch(d, p, cell)?;
            }
            uplink_scheme(d, b)?;
        }
        if let Some(p) = setup(&u.pusch_serving_cell_config) {
            d.pusch.x_overhead = p.x_overhead.and_then(|x| x.number()).unwrap_or(0) as u8;
            if let Some(m) = p.ext1.as_ref().and_then(|e| e.max_mimo_layers) {
                d.pusch.max_layers = m;
            }
        }
    }
    if let Some(c) = setup(&s.csi_meas_config) {
        csi(d, c)?;
    }
    Ok(())
}

fn pdcch(d: &mut DedicatedConfig, p: &rrc::PdcchConfig, cell: &CellConfig) -> Result<(), ApplyError> {
    for id in p.control_resource_set_to_release_list.iter().flatten() {
        d.coresets.retain(|c| c.id != *id);
    }
    for s in p.control_resource_set_to_add_mod_list.iter().flatten() {
        let c = coreset(s, d.dl_bwp, cell)?;
        d.coresets.retain(|x| x.id != c.id);
        d.coresets.push(c);
    }
    for id in p.search_spaces_to_release_list.iter().flatten() {
        d.search_spaces.retain(|s| s.id != *id);
    }
    for s in p.search_spaces_to_add_mod_list.iter().flatten() {
        let c = search_space(s, d.search_spaces.iter().find(|x| x.id == s.search_space_id))?;
        let known = d.coresets.iter().chain(&cell.coresets).any(|x| x.id == c.coreset_id);
        if !known {
            return error(
                format!("search space {} names CORESET {}, which is not there", c.id, c.coreset_id),
                "TS 38.331 SearchSpace",
            );
        }
        d.search_spaces.retain(|x| x.id != c.id);
        d.search_spaces.push(c);
    }
    Ok(())
}

fn dmrs_position(number: Option<i32>) -> u8 {
    // Spec: TS 38.331 DMRS-DownlinkConfig: an absent dmrs-AdditionalPosition is pos2.
    number.unwrap_or(2) as u8
}

fn pdsch(d: &mut DedicatedConfig, p: &rrc::PdschConfig, cell: &CellConfig) -> Result<(), ApplyError> {
    let c = &mut d.pdsch;
    c.n_id = p.data_scrambling_identity_pdsch.unwrap_or(cell.pci.get());
    let dmrs = setup(&p.dmrs_downlink_for_pdsch_mapping_type_a).or(setup(&p.dmrs_downlink_for_pdsch_mapping_type_b));
    if let Some(m) = dmrs {
        c.dmrs.config_type = if m.dmrs_type.is_some() { 2 } else { 1 };
        c.dmrs.additional_position = dmrs_position(m.dmrs_additional_position.and_then(|a| a.number()));
        c.dmrs.max_length = if m.max_length.is_some() { 2 } else { 1 };
        c.dmrs.scrambling_id = [m.scrambling_id0.unwrap_or(cell.pci.get()), m.scrambling_id1.unwrap_or(cell.pci.get())];
        if matches!(m.phase_tracking_rs, Some(SetupRelease::Setup(_))) {
            return error("PT-RS", "TS 38.211 §7.4.1.2");
        }
    }
    if let Some(SetupRelease::Setup(list)) = &p.pdsch_time_domain_allocation_list {
        c.time_allocations = pdsch_times(list)?;
    }
    c.mcs_table = match p.mcs_table {
        None => McsTable::Qam64,
        Some(rrc::PdschConfigMcsTable::Qam256) => McsTable::Qam256,
        Some(rrc::PdschConfigMcsTable::Qam64LowSe) => McsTable::Qam64LowSe,
    };
    c.rbg_config2 = p.rbg_size == rrc::PdschConfigRbgSize::Config2;
    c.resource_allocation = match p.resource_allocation {
        rrc::PdschConfigResourceAllocation::ResourceAllocationType0 => ResourceAllocation::Type0,
        rrc::PdschConfigResourceAllocation::ResourceAllocationType1 => ResourceAllocation::Type1,
        rrc::PdschConfigResourceAllocation::DynamicSwitch => ResourceAllocation::DynamicSwitch,
    };
    c.vrb_interleaver = p.vrb_to_prb_interleaver.and_then(|v| v.number()).map(|n| n as u8);
    zero_power(d, p)
}

fn pusch(d: &mut DedicatedConfig, p: &rrc::PuschConfig, cell: &CellConfig) -> Result<(), ApplyError> {
    let c = &mut d.pusch;
    c.n_id = p.data_scrambling_identity_pusch.unwrap_or(cell.pci.get());
    let dmrs = setup(&p.dmrs_uplink_for_pusch_mapping_type_a).or(setup(&p.dmrs_uplink_for_pusch_mapping_type_b));
    if let Some(m) = dmrs {
        c.dmrs.config_type = if m.dmrs_type.is_some() { 2 } else { 1 };
        c.dmrs.additional_position = dmrs_position(m.dmrs_additional_position.and_then(|a| a.number()));
        c.dmrs.max_length = if m.max_length.is_some() { 2 } else { 1 };
        let ids = m.transform_precoding_disabled.as_ref();
        c.dmrs.scrambling_id = [
            ids.and_then(|i| i.scrambling_id0).unwrap_or(cell.pci.get()),
            ids.and_then(|i| i.scrambling_id1).unwrap_or(cell.pci.get()),
        ];
    }
    if p.frequency_hopping.is_some() {
        return error("frequency hopping of PUSCH", "TS 38.214 §6.3");
    }
    if let Some(SetupRelease::Setup(list)) = &p.pusch_time_domain_allocation_list {
        c.time_allocations = pusch_times(list, cell.ul.numerology)?;
    }
    c.mcs_table = match p.mcs_table {
        None => McsTable::Qam64,
        Some(rrc::PuschConfigMcsTable::Qam256) => McsTable::Qam256,
        Some(rrc::PuschConfigMcsTable::Qam64LowSe) => McsTable::Qam64LowSe,
    };
    c.transform_precoding = match p.transform_precoder {
        Some(t) => t == rrc::PuschConfigTransformPrecoder::Enabled,
        None => cell.pusch.transform_precoding,
    };
    c.resource_allocation = match p.resource_allocation {
        rrc::PuschConfigResourceAllocation::ResourceAllocationType0 => ResourceAllocation::Type0,
        rrc::PuschConfigResourceAllocation::ResourceAllocationType1 => ResourceAllocation::Type1,
        rrc::PuschConfigResourceAllocation::DynamicSwitch => ResourceAllocation::DynamicSwitch,
    };
    if let Some(SetupRelease::Setup(u)) = &p.uci_on_pusch {
        c.uci_scaling = [0.5, 0.65, 0.8, 1.0][u.scaling.index().min(3)];
        match &u.beta_offsets {
            Some(rrc::UciOnPuschBetaOffsets::SemiStatic(b)) => {
                // Spec: TS 38.331 BetaOffsets: absent means 11 for HARQ-ACK and 13 for CSI.
                c.beta_offset_ack = [
                    b.beta_offset_ack_index1.unwrap_or(11),
                    b.beta_offset_ack_index2.unwrap_or(11),
                    b.beta_offset_ack_index3.unwrap_or(11),
                ];
                c.beta_offset_csi1 =
                    [b.beta_offset_csi_part1_index1.unwrap_or(13), b.beta_offset_csi_part1_index2.unwrap_or(13)];
                c.beta_offset_csi2 =
                    [b.beta_offset_csi_part2_index1.unwrap_or(13), b.beta_offset_csi_part2_index2.unwrap_or(13)];
            }
            Some(rrc::UciOnPuschBetaOffsets::Dynamic(_)) => {
                return error("dynamic beta offsets", "TS 38.213 §9.3");
            }
            None => {}
        }
    }
    if let Some(w) = &p.pusch_power_control
        && let Some(set) = w.p0_alpha_sets.as_ref().and_then(|s| s.first())
    {
        c.p0_dbm = cell.pusch.p0_dbm + set.p0.unwrap_or(0) as i16;
        c.alpha = alpha(set.alpha);
    }
    Ok(())
}

/// Spec: TS 38.331 Alpha: absent is 1.
pub(super) fn alpha(a: Option<rrc::Alpha>) -> f32 {
    match a.map(|a| a.index()) {
        None => 1.0,
        Some(i) => [0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0][i.min(7)],
    }
}

fn pucch(d: &mut DedicatedConfig, p: &rrc::PucchConfig) -> Result<(), ApplyError> {
    let c = &mut d.pucch;
    for id in p.resource_to_release_list.iter().flatten() {
        c.resources.retain(|r| r.id != *id);
    }
    for r in p.resource_to_add_mod_list.iter().flatten() {
        let r = pucch_resource(r)?;
        match c.resources.iter_mut().find(|x| x.id == r.id) {
            Some(x) => *x = r,
            None => c.resources.push(r),
        }
    }
    for s in p.resource_set_to_add_mod_list.iter().flatten() {
        let i = s.pucch_resource_set_id as usize;
        while c.resource_sets.len() <= i {
            c.resource_sets.push(Vec::new());
            c.set_max_payload.push(if c.set_max_payload.is_empty() { 2 } else { 1706 });
        }
        c.resource_sets[i] = s.resource_list.iter().map(|id| position(&c.resources, *id)).collect::<Result<_, _>>()?;
        c.set_max_payload[i] = match s.max_payload_size {
            _ if i == 0 => 2,
            Some(n) => n,
            None => 1706,
        };
    }
    if let Some(SetupRelease::Setup(f)) = &p.format2 {
        c.f2_max_code_rate_milli =
            f.max_code_rate.map_or(800, |r| [80, 150, 250, 350, 450, 600, 800][r.index().min(6)]);
        c.f2_simultaneous_harq_csi = f.simultaneous_harq_ack_csi;
    }
    for (own, f) in c.long_formats.iter_mut().zip([&p.format1, &p.format3, &p.format4]) {
        match f {
            Some(SetupRelease::Setup(f)) => *own = long_format(f)?,
            Some(SetupRelease::Release) => *own = PucchFormatConfig::default(),
            None => {}
        }
    }
    if let Some(k) = &p.dl_data_to_ul_ack {
        c.dl_data_to_ul_ack = k.clone();
    }
    if let Some(w) = &p.pucch_power_control {
        let f = [w.delta_f_pucch_f0, w.delta_f_pucch_f1, w.delta_f_pucch_f2, w.delta_f_pucch_f3, w.delta_f_pucch_f4];
        c.delta_f_db = f.map(|x| x.unwrap_or(0));
    }
    if let Some(s) = p.scheduling_request_resource_to_add_mod_list.as_ref().and_then(|l| l.first()) {
        let (Some(po), Some(id)) = (&s.periodicity_and_offset, s.resource) else {
            return error("a scheduling request resource without period or PUCCH resource", "TS 38.213 §9.2.4");
        };
        let (period_slots, offset_slots) = period!(po, SchedulingRequestResourceConfigPeriodicityAndOffset { Sl1 = 1, }
            Sl2 = 2, Sl4 = 4, Sl5 = 5, Sl8 = 8, Sl10 = 10, Sl16 = 16, Sl20 = 20, Sl40 = 40, Sl80 = 80, Sl160 = 160,
            Sl320 = 320, Sl640 = 640);
        c.sr = Some(SrConfig { resource_idx: position(&c.resources, id)?, period_slots, offset_slots });
    }
    Ok(())
}

/// PUCCH-FormatConfig of formats 1, 3 and 4. Spec: TS 38.213 §9.2.1
fn long_format(f: &rrc::PucchFormatConfig) -> Result<PucchFormatConfig, ApplyError> {
    if f.nrof_slots.is_some() || f.interslot_frequency_hopping {
        return error("a PUCCH repeated over slots", "TS 38.213 §9.2.6");
    }
    Ok(PucchFormatConfig {
        additional_dmrs: f.additional_dmrs,
        max_code_rate_milli: f.max_code_rate.map_or(0, |r| [80, 150, 250, 350, 450, 600, 800][r.index().min(6)]),
        pi2_bpsk: f.pi2_bpsk,
        simultaneous_harq_csi: f.simultaneous_harq_ack_csi,
        ..PucchFormatConfig::default()
    })
}

pub(super) fn position(resources: &[PucchResource], id: u8) -> Result<u8, ApplyError> {
    match resources.iter().position(|r| r.id == id) {
        Some(i) => Ok(i as u8),
        None => error(format!("PUCCH resource {id} is not there"), "TS 38.331 PUCCH-Config"),
    }
}

fn pucch_resource(r: &rrc::PucchResource) -> Result<PucchResource, ApplyError> {
    use rrc::PucchResourceFormat as F;
    let (start_symbol, n_symbols, format) = match &r.format {
        F::Format0(f) => {
            (f.starting_symbol_index, f.nrof_symbols, PucchFormat::F0 { initial_cyclic_shift: f.initial_cyclic_shift })
        }
        F::Format1(f) => (
            f.starting_symbol_index,
            f.nrof_symbols,
            PucchFormat::F1 { initial_cyclic_shift: f.initial_cyclic_shift, time_domain_occ: f.time_domain_occ },
        ),
        F::Format2(f) => (f.starting_symbol_index, f.nrof_symbols, PucchFormat::F2 { n_prb: f.nrof_prbs }),
        F::Format3(f) => (f.starting_symbol_index, f.nrof_symbols, PucchFormat::F3 { n_prb: f.nrof_prbs }),
        F::Format4(f) => {
            let (occ_length, occ_index) = (2 << f.occ_length.index().min(1), f.occ_index.index().min(3) as u8);
            if occ_index >= occ_length {
                return error("an orthogonal code beyond its length", "TS 38.211 table 6.3.2.6.3-2");
            }
            (f.starting_symbol_index, f.nrof_symbols, PucchFormat::F4 { occ_length, occ_index })
        }
    };
    if start_symbol + n_symbols > 14 {
        return error("a PUCCH resource beyond the slot", "TS 38.213 §9.2.1");
    }
    Ok(PucchResource {
        id: r.pucch_resource_id,
        start_prb: r.starting_prb,
        second_hop_prb: if r.intra_slot_frequency_hopping { r.second_hop_prb } else { None },
        start_symbol,
        n_symbols,
        format,
    })
}
