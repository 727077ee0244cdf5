//! Formats 0_1 and 0_2. Spec: TS 38.212 §7.3.1.1.2, §7.3.1.1.3

use super::bits::Fields;
use super::ceil_log2;
use super::size::{bwp_bits, frequency_bits, granular_bits};
use crate::config::{CellConfig, DedicatedConfig, HarqCodebook};
use crate::options::{PuschScheme, ResourceAllocation};
use nr::tables::{dmrs_ports, uplink_precoding};

/// Formats 0_1 and 0_2: the raw fields. Those that a configuration gives no bits read as 0, the UL-SCH indicator as it is sent.
///
/// Spec: TS 38.212 §7.3.1.1.2, §7.3.1.1.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci0_1 {
    /// Carrier indicator.
    pub carrier: u8,
    /// UL/SUL indicator.
    pub sul: bool,
    /// Bandwidth part indicator.
    pub bwp: u8,
    /// Frequency domain resource assignment: a RIV, or a bitmap of RBGs with resource allocation type 0.
    pub frequency: u32,
    /// Time domain resource assignment.
    pub time: u8,
    /// Frequency hopping flag.
    pub hopping: bool,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// New data indicator.
    pub ndi: bool,
    /// Redundancy version, 0..=3 (0 or 3 where 0_2 has one bit of it).
    pub rv: u8,
    /// HARQ process number, 0..=15 (31).
    pub harq: u8,
    /// 1st downlink assignment index: 2 bits (dynamic codebook, V_T-DAI^UL - 1) or 1 bit (semi-static).
    pub dai: u8,
    /// 2nd downlink assignment index: with code block groups and the dynamic codebook.
    pub dai_2: u8,
    /// TPC command for the PUSCH, 0..=3.
    pub tpc: u8,
    /// SRS resource indicator.
    pub sri: u8,
    /// Precoding information and number of layers.
    pub precoding: u8,
    /// Antenna ports.
    pub ports: u8,
    /// SRS request, 0..=3 (the most significant bit of three is the non-SUL/SUL indicator).
    pub srs_request: u8,
    /// CSI request.
    pub csi_request: u8,
    /// CBG transmission information.
    pub cbgti: u8,
    /// PTRS-DMRS association.
    pub ptrs_dmrs: u8,
    /// beta_offset indicator.
    pub beta_offset: u8,
    /// DM-RS sequence initialisation n_SCID.
    pub n_scid: u8,
    /// UL-SCH indicator: a transport block is sent.
    pub ul_sch: bool,
    /// Open-loop power control parameter set indication.
    pub open_loop: u8,
    /// Priority indicator.
    pub priority: bool,
    /// Invalid symbol pattern indicator.
    pub invalid_symbol_pattern: bool,
    /// Minimum applicable scheduling offset indicator.
    pub min_offset: bool,
}

/// Bits of each field that a configuration decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UlWidths {
    /// Carrier indicator.
    pub carrier: u8,
    /// UL/SUL indicator is there.
    pub sul: bool,
    /// Bandwidth part indicator.
    pub bwp: u8,
    /// Frequency domain resource assignment.
    pub frequency: u8,
    /// Time domain resource assignment.
    pub time: u8,
    /// Frequency hopping flag is there.
    pub hopping: bool,
    /// Redundancy version.
    pub rv: u8,
    /// HARQ process number.
    pub harq: u8,
    /// 1st downlink assignment index.
    pub dai: u8,
    /// 2nd downlink assignment index.
    pub dai_2: u8,
    /// SRS resource indicator.
    pub sri: u8,
    /// Precoding information and number of layers.
    pub precoding: u8,
    /// Antenna ports.
    pub ports: u8,
    /// SRS request.
    pub srs_request: u8,
    /// CSI request.
    pub csi_request: u8,
    /// CBG transmission information.
    pub cbgti: u8,
    /// PTRS-DMRS association.
    pub ptrs_dmrs: u8,
    /// beta_offset indicator.
    pub beta_offset: u8,
    /// DM-RS sequence initialisation is there.
    pub n_scid: bool,
    /// Open-loop power control parameter set indication.
    pub open_loop: u8,
    /// Priority indicator is there.
    pub priority: bool,
    /// Invalid symbol pattern indicator is there.
    pub invalid_symbol_pattern: bool,
    /// Minimum applicable scheduling offset indicator is there.
    pub min_offset: bool,
}

/// (SRS resource indicator, precoding information and number of layers).
fn scheme_bits(scheme: &PuschScheme, transform_precoding: bool) -> (u8, u8) {
    match *scheme {
        PuschScheme::OnePort => (0, 0),
        PuschScheme::Codebook { n_ports, max_rank, subset, n_srs } => {
            let max_rank = if transform_precoding { 1 } else { max_rank };
            let n = uplink_precoding::n_precoders(n_ports, max_rank, subset);
            (ceil_log2(u32::from(n_srs)), ceil_log2(u32::from(n)))
        }
        PuschScheme::NonCodebook { n_srs, l_max } => {
            (ceil_log2(u32::from(uplink_precoding::n_sri(n_srs.min(4), l_max.min(4)))), 0)
        }
    }
}

fn port_bits(d: &DedicatedConfig) -> u8 {
    let dmrs = &d.pusch.dmrs;
    if d.pusch.transform_precoding {
        dmrs_ports::pusch_transform_precoding_bits(dmrs.max_length)
    } else {
        dmrs_ports::pusch_bits(dmrs.config_type, dmrs.max_length)
    }
}

impl UlWidths {
    /// Of format 0_1.
    pub fn of_0_1(d: &DedicatedConfig, cell: &CellConfig) -> Self {
        let (p, o) = (&d.pusch, &d.pusch.options);
        let dynamic = d.harq_codebook == HarqCodebook::Dynamic;
        let (sri, precoding) = scheme_bits(&o.scheme, p.transform_precoding);
        let one_layer = p.transform_precoding || o.scheme.max_rank() == 1;
        Self {
            carrier: if d.dci.carrier_indicator { 3 } else { 0 },
            sul: d.dci.sul,
            bwp: bwp_bits(d.dci.n_ul_bwp),
            frequency: frequency_bits(d.ul_bwp, cell.ul.offset_to_carrier, p.resource_allocation, o.rbg_config2),
            time: ceil_log2(p.time_allocations.len() as u32).min(6),
            hopping: o.hopping.is_some() && p.resource_allocation != ResourceAllocation::Type0,
            rv: 2,
            harq: 4 + u8::from(o.harq_5_bits),
            dai: 1 + u8::from(dynamic),
            dai_2: if dynamic && d.pdsch.options.max_cbg > 0 { 2 } else { 0 },
            sri,
            precoding,
            ports: port_bits(d),
            srs_request: 2 + u8::from(d.dci.sul),
            csi_request: o.csi_request_bits.min(6),
            cbgti: o.max_cbg.min(8),
            ptrs_dmrs: if o.ptrs.is_some() && !one_layer { 2 } else { 0 },
            beta_offset: if o.beta_offsets.is_some() { 2 } else { 0 },
            n_scid: !p.transform_precoding,
            open_loop: o.open_loop_bits.min(2),
            priority: o.priority,
            invalid_symbol_pattern: o.invalid_symbol_pattern,
            min_offset: d.dci.min_scheduling_offset,
        }
    }

    /// Of format 0_2.
    pub fn of_0_2(d: &DedicatedConfig, cell: &CellConfig) -> Self {
        let (p, c) = (&d.pusch, &d.dci.compact);
        let dynamic = d.harq_codebook == HarqCodebook::Dynamic;
        let one = Self::of_0_1(d, cell);
        Self {
            carrier: c.carrier_bits.min(3),
            frequency: {
                let offset = cell.ul.offset_to_carrier;
                granular_bits(d.ul_bwp, offset, p.resource_allocation, p.options.rbg_config2, c.granularity)
            },
            hopping: c.hopping && p.resource_allocation != ResourceAllocation::Type0,
            rv: c.rv_bits.min(2),
            harq: c.harq_bits.min(5),
            dai: if c.dai { 1 + u8::from(dynamic) } else { 0 },
            dai_2: if c.dai { one.dai_2 } else { 0 },
            ports: if c.antenna_ports { one.ports } else { 0 },
            srs_request: c.srs_request_bits.min(3),
            csi_request: c.csi_request_bits.min(6),
            cbgti: 0,
            beta_offset: c.beta_offset_bits.min(2),
            n_scid: c.dmrs_sequence && !p.transform_precoding,
            open_loop: c.open_loop_bits.min(2),
            priority: c.priority,
            invalid_symbol_pattern: c.invalid_symbol_pattern,
            min_offset: false,
            ..one
        }
    }
}

impl Dci0_1 {
    pub(super) fn fields(&mut self, f: &mut Fields, w: &UlWidths) {
        f.identifier(false);
        f.u8("carrier", &mut self.carrier, w.carrier);
        f.flag("sul", &mut self.sul, w.sul);
        f.u8("bwp", &mut self.bwp, w.bwp);
        f.u32("frequency", &mut self.frequency, w.frequency);
        f.u8("time", &mut self.time, w.time);
        f.flag("hopping", &mut self.hopping, w.hopping);
        f.u8("mcs", &mut self.mcs, 5);
        f.flag("ndi", &mut self.ndi, true);
        f.rv(&mut self.rv, w.rv);
        f.u8("harq", &mut self.harq, w.harq);
        f.u8("dai", &mut self.dai, w.dai);
        f.u8("dai_2", &mut self.dai_2, w.dai_2);
        f.u8("tpc", &mut self.tpc, 2);
        f.u8("sri", &mut self.sri, w.sri);
        f.u8("precoding", &mut self.precoding, w.precoding);
        f.u8("ports", &mut self.ports, w.ports);
        f.u8("srs_request", &mut self.srs_request, w.srs_request);
        f.u8("csi_request", &mut self.csi_request, w.csi_request);
        f.u8("cbgti", &mut self.cbgti, w.cbgti);
        f.u8("ptrs_dmrs", &mut self.ptrs_dmrs, w.ptrs_dmrs);
        f.u8("beta_offset", &mut self.beta_offset, w.beta_offset);
        f.u8("n_scid", &mut self.n_scid, u8::from(w.n_scid));
        f.flag("ul_sch", &mut self.ul_sch, true);
        f.u8("open_loop", &mut self.open_loop, w.open_loop);
        f.flag("priority", &mut self.priority, w.priority);
        f.flag("invalid_symbol_pattern", &mut self.invalid_symbol_pattern, w.invalid_symbol_pattern);
        f.flag("min_offset", &mut self.min_offset, w.min_offset);
    }
}
