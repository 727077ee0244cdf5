//! Formats 1_1 and 1_2. Spec: TS 38.212 §7.3.1.2.2, §7.3.1.2.3

use super::bits::Fields;
use super::ceil_log2;
use super::size::{bwp_bits, frequency_bits, granular_bits};
use crate::config::{CellConfig, DedicatedConfig, HarqCodebook};
use crate::options::ResourceAllocation;
use nr::tables::dmrs_ports;

/// Modulation, new data indicator and redundancy version of the second transport block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SecondBlock {
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// New data indicator.
    pub ndi: bool,
    /// Redundancy version, 0..=3.
    pub rv: u8,
}

/// Formats 1_1 and 1_2: the raw fields. Those that a configuration gives no bits read as 0.
///
/// Spec: TS 38.212 §7.3.1.2.2, §7.3.1.2.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci1_1 {
    /// Carrier indicator.
    pub carrier: u8,
    /// Bandwidth part indicator.
    pub bwp: u8,
    /// Frequency domain resource assignment: a RIV, or a bitmap of RBGs with resource allocation type 0.
    pub frequency: u32,
    /// Time domain resource assignment.
    pub time: u8,
    /// Interleaved VRB-to-PRB mapping (a bit only where an interleaver is configured).
    pub interleaved: bool,
    /// PRB bundling size indicator.
    pub prb_bundling: bool,
    /// Rate matching indicator, most significant bit for group 1.
    pub rate_matching: u8,
    /// ZP CSI-RS trigger.
    pub zp_csi_rs: u8,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// New data indicator.
    pub ndi: bool,
    /// Redundancy version, 0..=3 (0 or 3 where 1_2 has one bit of it).
    pub rv: u8,
    /// Second transport block.
    pub second: SecondBlock,
    /// HARQ process number, 0..=15 (31).
    pub harq: u8,
    /// Downlink assignment index: the counter DAI - 1 in 2 bits (dynamic codebook), and the total DAI below it where there are 4.
    pub dai: u8,
    /// TPC command for the PUCCH, 0..=3.
    pub tpc: u8,
    /// PUCCH resource indicator, 0..=7.
    pub pri: u8,
    /// PDSCH-to-HARQ_feedback timing indicator: index into dl-DataToUL-ACK.
    pub k1: u8,
    /// One-shot HARQ-ACK request.
    pub one_shot: bool,
    /// Antenna port(s).
    pub ports: u8,
    /// Transmission configuration indication.
    pub tci: u8,
    /// SRS request, 0..=3 (the most significant bit of three is the non-SUL/SUL indicator).
    pub srs_request: u8,
    /// CBG transmission information.
    pub cbgti: u8,
    /// CBG flushing out information.
    pub cbgfi: bool,
    /// DM-RS sequence initialisation n_SCID.
    pub n_scid: u8,
    /// Priority indicator.
    pub priority: bool,
    /// Minimum applicable scheduling offset indicator.
    pub min_offset: bool,
}

/// Bits of each field that a configuration decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DlWidths {
    /// Carrier indicator.
    pub carrier: u8,
    /// Bandwidth part indicator.
    pub bwp: u8,
    /// Frequency domain resource assignment.
    pub frequency: u8,
    /// Time domain resource assignment.
    pub time: u8,
    /// VRB-to-PRB mapping is there.
    pub interleaver: bool,
    /// PRB bundling size indicator is there.
    pub prb_bundling: bool,
    /// Rate matching indicator.
    pub rate_matching: u8,
    /// ZP CSI-RS trigger.
    pub zp_csi_rs: u8,
    /// Redundancy version.
    pub rv: u8,
    /// The second transport block is there.
    pub second: bool,
    /// HARQ process number.
    pub harq: u8,
    /// Downlink assignment index.
    pub dai: u8,
    /// PUCCH resource indicator.
    pub pri: u8,
    /// PDSCH-to-HARQ_feedback timing indicator.
    pub k1: u8,
    /// One-shot HARQ-ACK request is there.
    pub one_shot: bool,
    /// Antenna ports.
    pub ports: u8,
    /// Transmission configuration indication.
    pub tci: u8,
    /// SRS request.
    pub srs_request: u8,
    /// CBG transmission information.
    pub cbgti: u8,
    /// CBG flushing out information is there.
    pub cbgfi: bool,
    /// DM-RS sequence initialisation is there.
    pub n_scid: bool,
    /// Priority indicator is there.
    pub priority: bool,
    /// Minimum applicable scheduling offset indicator is there.
    pub min_offset: bool,
}

impl DlWidths {
    /// Of format 1_1.
    pub fn of_1_1(d: &DedicatedConfig, cell: &CellConfig) -> Self {
        let (p, o) = (&d.pdsch, &d.pdsch.options);
        let dynamic = d.harq_codebook == HarqCodebook::Dynamic;
        Self {
            carrier: if d.dci.carrier_indicator { 3 } else { 0 },
            bwp: bwp_bits(d.dci.n_dl_bwp),
            frequency: frequency_bits(d.dl_bwp, cell.dl.offset_to_carrier, p.resource_allocation, p.rbg_config2),
            time: ceil_log2(p.time_allocations.len() as u32).min(6),
            interleaver: p.vrb_interleaver.is_some() && p.resource_allocation != ResourceAllocation::Type0,
            prb_bundling: o.dynamic_prb_bundling,
            rate_matching: o.n_rate_match_groups.min(2),
            zp_csi_rs: ceil_log2(u32::from(o.n_zp_csi_rs.min(3)) + 1),
            rv: 2,
            second: o.two_codewords,
            harq: 4 + u8::from(o.harq_5_bits),
            dai: match (dynamic, d.dci.dai_of_several_cells) {
                (true, true) => 4,
                (true, false) => 2,
                _ => 0,
            },
            pri: 3,
            k1: ceil_log2(d.pucch.dl_data_to_ul_ack.len() as u32).min(3),
            one_shot: d.dci.one_shot_feedback,
            ports: dmrs_ports::pdsch_bits(p.dmrs.config_type, p.dmrs.max_length),
            tci: if o.tci { 3 } else { 0 },
            srs_request: 2 + u8::from(d.dci.sul),
            cbgti: o.max_cbg.min(8),
            cbgfi: o.max_cbg > 0 && o.cbg_flush,
            n_scid: true,
            priority: d.dci.dl_priority,
            min_offset: d.dci.min_scheduling_offset,
        }
    }

    /// Of format 1_2.
    pub fn of_1_2(d: &DedicatedConfig, cell: &CellConfig) -> Self {
        let (p, c) = (&d.pdsch, &d.dci.compact);
        let one = Self::of_1_1(d, cell);
        Self {
            carrier: c.carrier_bits.min(3),
            frequency: {
                let offset = cell.dl.offset_to_carrier;
                granular_bits(d.dl_bwp, offset, p.resource_allocation, p.rbg_config2, c.granularity)
            },
            interleaver: c.interleaver && p.resource_allocation != ResourceAllocation::Type0,
            prb_bundling: c.dynamic_prb_bundling,
            rv: c.rv_bits.min(2),
            second: false,
            harq: c.harq_bits.min(5),
            dai: if c.dai { one.dai } else { 0 },
            pri: c.pri_bits.min(3),
            one_shot: false,
            ports: if c.antenna_ports { one.ports } else { 0 },
            tci: c.tci_bits.min(3),
            srs_request: c.srs_request_bits.min(3),
            cbgti: 0,
            cbgfi: false,
            n_scid: c.dmrs_sequence,
            priority: c.priority,
            min_offset: false,
            ..one
        }
    }
}

impl Dci1_1 {
    pub(super) fn fields(&mut self, f: &mut Fields, w: &DlWidths) {
        f.identifier(true);
        f.u8("carrier", &mut self.carrier, w.carrier);
        f.u8("bwp", &mut self.bwp, w.bwp);
        f.u32("frequency", &mut self.frequency, w.frequency);
        f.u8("time", &mut self.time, w.time);
        f.flag("interleaved", &mut self.interleaved, w.interleaver);
        f.flag("prb_bundling", &mut self.prb_bundling, w.prb_bundling);
        f.u8("rate_matching", &mut self.rate_matching, w.rate_matching);
        f.u8("zp_csi_rs", &mut self.zp_csi_rs, w.zp_csi_rs);
        f.u8("mcs", &mut self.mcs, 5);
        f.flag("ndi", &mut self.ndi, true);
        f.rv(&mut self.rv, w.rv);
        f.u8("mcs of block 2", &mut self.second.mcs, if w.second { 5 } else { 0 });
        f.flag("ndi of block 2", &mut self.second.ndi, w.second);
        f.u8("rv of block 2", &mut self.second.rv, if w.second { 2 } else { 0 });
        f.u8("harq", &mut self.harq, w.harq);
        f.u8("dai", &mut self.dai, w.dai);
        f.u8("tpc", &mut self.tpc, 2);
        f.u8("pri", &mut self.pri, w.pri);
        f.u8("k1", &mut self.k1, w.k1);
        f.flag("one_shot", &mut self.one_shot, w.one_shot);
        f.u8("ports", &mut self.ports, w.ports);
        f.u8("tci", &mut self.tci, w.tci);
        f.u8("srs_request", &mut self.srs_request, w.srs_request);
        f.u8("cbgti", &mut self.cbgti, w.cbgti);
        f.flag("cbgfi", &mut self.cbgfi, w.cbgfi);
        f.u8("n_scid", &mut self.n_scid, u8::from(w.n_scid));
        f.flag("priority", &mut self.priority, w.priority);
        f.flag("min_offset", &mut self.min_offset, w.min_offset);
    }
}
