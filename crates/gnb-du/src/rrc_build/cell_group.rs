//! CellGroupConfig: RLC bearers and MAC. Spec: TS 38.331 §6.3.2

use super::serving_cell::serving_cell;
use super::*;
use crate::config::{Cell, CellParams};
use fapi::DedicatedConfig;
use seam::bearer::{Bearer, LogicalChannelConfig as Channel, RlcBearerConfig as BearerConfig, RlcConfig as Rlc};

/// What a CellGroupConfig carries.
pub struct CellGroup<'a> {
    /// The UE's dedicated configuration; `None` leaves the physical layer as SIB1 has it (but for what every UE needs).
    pub dedicated: Option<&'a DedicatedConfig>,
    /// RLC bearers to add.
    pub add: &'a [BearerConfig],
    /// Logical channels to release.
    pub release: &'a [u8],
    /// Logical channels whose RLC is to be re-established.
    pub reestablish: &'a [u8],
}

/// A CellGroupConfig in UPER.
pub fn cell_group(cell: &Cell, g: &CellGroup<'_>) -> Built<Vec<u8>> {
    let p = &cell.params;
    let mut bearers: Vec<RlcBearerConfig> = g.add.iter().map(rlc_bearer).collect::<Built<_>>()?;
    bearers.extend(g.reestablish.iter().map(|l| RlcBearerConfig {
        logical_channel_identity: *l,
        reestablish_rlc: true,
        ..Default::default()
    }));
    encoded(&CellGroupConfig {
        cell_group_id: 0,
        rlc_bearer_to_add_mod_list: (!bearers.is_empty()).then_some(bearers),
        rlc_bearer_to_release_list: (!g.release.is_empty()).then(|| g.release.to_vec()),
        mac_cell_group_config: Some(mac(p)?),
        physical_cell_group_config: Some(PhysicalCellGroupConfig {
            pdsch_harq_ack_codebook: PhysicalCellGroupConfigPdschHarqAckCodebook::Dynamic,
            ..Default::default()
        }),
        sp_cell_config: Some(SpCellConfig {
            rlf_timers_and_constants: Some(SetupRelease::Setup(RlfTimersAndConstants {
                t310: number(p.t310_ms as i64, "t310_ms")?,
                n310: number(p.n310 as i64, "n310")?,
                n311: number(p.n311 as i64, "n311")?,
                ..Default::default()
            })),
            sp_cell_config_dedicated: g.dedicated.map(|d| serving_cell(cell, d)).transpose()?,
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn mac(p: &CellParams) -> Built<MacCellGroupConfig> {
    let sr_prohibit_timer = match p.sr_prohibit_ms {
        0 => None,
        n => Some(number(n as i64, "sr_prohibit_ms")?),
    };
    Ok(MacCellGroupConfig {
        scheduling_request_config: Some(SchedulingRequestConfig {
            scheduling_request_to_add_mod_list: Some(vec![SchedulingRequestToAddMod {
                scheduling_request_id: 0,
                sr_prohibit_timer,
                sr_trans_max: number(p.sr_trans_max as i64, "sr_trans_max")?,
            }]),
            ..Default::default()
        }),
        bsr_config: Some(BsrConfig {
            periodic_bsr_timer: number(p.periodic_bsr_ms as i64, "periodic_bsr_ms")?,
            retx_bsr_timer: number(p.retx_bsr_ms as i64, "retx_bsr_ms")?,
            ..Default::default()
        }),
        tag_config: Some(TagConfig {
            tag_to_add_mod_list: Some(vec![Tag {
                tag_id: 0,
                time_alignment_timer: TimeAlignmentTimer::Infinity,
                ..Default::default()
            }]),
            ..Default::default()
        }),
        phr_config: Some(SetupRelease::Setup(PhrConfig {
            phr_periodic_timer: number(p.phr_periodic_ms as i64, "phr_periodic_ms")?,
            phr_prohibit_timer: PhrConfigPhrProhibitTimer::Sf10,
            phr_tx_power_factor_change: PhrConfigPhrTxPowerFactorChange::DB3,
            ..Default::default()
        })),
        ..Default::default()
    })
}

fn rlc_bearer(b: &BearerConfig) -> Built<RlcBearerConfig> {
    use RlcBearerConfigServedRadioBearer as S;
    let served = match b.bearer {
        Bearer::Srb0 => return Err(BuildError("SRB0 is not configured".into())),
        Bearer::Srb1 => S::SrbIdentity(1),
        Bearer::Srb2 => S::SrbIdentity(2),
        Bearer::Drb(d) => S::DrbIdentity(d.get()),
    };
    Ok(RlcBearerConfig {
        logical_channel_identity: b.lcid.get(),
        served_radio_bearer: Some(served),
        rlc_config: Some(rlc(&b.rlc)?),
        mac_logical_channel_config: Some(channel(&b.logical_channel)?),
        ..Default::default()
    })
}

fn rlc(r: &Rlc) -> Built<RlcConfig> {
    Ok(match r {
        Rlc::Tm => return Err(BuildError("RLC TM is not configured".into())),
        Rlc::Um { sn_bits, t_reassembly_ms } => RlcConfig::UmBiDirectional(RlcConfigUmBiDirectional {
            ul_um_rlc: UlUmRlc { sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?) },
            dl_um_rlc: DlUmRlc {
                sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?),
                t_reassembly: number(*t_reassembly_ms as i64, "t-Reassembly")?,
            },
        }),
        Rlc::Am {
            sn_bits,
            t_poll_retransmit_ms,
            poll_pdu,
            poll_byte,
            max_retx_threshold,
            t_reassembly_ms,
            t_status_prohibit_ms,
        } => RlcConfig::Am(RlcConfigAm {
            ul_am_rlc: UlAmRlc {
                sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?),
                t_poll_retransmit: number(*t_poll_retransmit_ms as i64, "t-PollRetransmit")?,
                poll_pdu: number_or_infinity(*poll_pdu, "pollPDU")?,
                poll_byte: poll_bytes(*poll_byte)?,
                max_retx_threshold: number(*max_retx_threshold as i64, "maxRetxThreshold")?,
            },
            dl_am_rlc: DlAmRlc {
                sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?),
                t_reassembly: number(*t_reassembly_ms as i64, "t-Reassembly")?,
                t_status_prohibit: number(*t_status_prohibit_ms as i64, "t-StatusProhibit")?,
            },
        }),
    })
}

/// PollByte is named in kB up to 3000 kB here.
fn poll_bytes(n: Option<u32>) -> Built<PollByte> {
    match n {
        None => named("infinity"),
        Some(b) => named(&format!("kB{}", b / 1000)),
    }
}

fn channel(c: &Channel) -> Built<LogicalChannelConfig> {
    Ok(LogicalChannelConfig {
        ul_specific_parameters: Some(LogicalChannelConfigUlSpecificParameters {
            priority: c.priority,
            prioritised_bit_rate: match c.prioritised_bit_rate {
                None => named("infinity")?,
                Some(b) => named(&format!("kBps{}", b / 1000))?,
            },
            bucket_size_duration: number(c.bucket_size_duration_ms as i64, "bucketSizeDuration")?,
            logical_channel_group: c.logical_channel_group,
            scheduling_request_id: c.scheduling_request.then_some(0),
            ..Default::default()
        }),
        ..Default::default()
    })
}
