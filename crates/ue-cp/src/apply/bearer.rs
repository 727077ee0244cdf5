//! RadioBearerConfig and RLC-BearerConfig to what layer 2 wants. Spec: TS 38.331 §5.3.5.5.4, §5.3.5.6

use super::{ApplyError, error, number};
use nr::{DrbId, LcId, Qfi};
use rrc::Enumerated;
use seam::bearer::*;

/// `infinity` and other names without a number are `None`.
fn finite<E: Enumerated>(e: E) -> Option<u32> {
    e.number().map(|n| n as u32)
}

/// PDCP-Config of a SRB. Spec: TS 38.331 §9.2.1 (default SRB configuration)
pub fn srb_pdcp(config: Option<&rrc::PdcpConfig>) -> PdcpConfig {
    PdcpConfig {
        sn_bits: 12,
        discard_timer_ms: None,
        t_reordering_ms: config.and_then(|c| c.t_reordering).and_then(finite),
        integrity: true,
        ciphering: true,
        status_report_required: false,
        out_of_order_delivery: false,
    }
}

/// PDCP-Config of a DRB.
pub fn drb_pdcp(c: &rrc::PdcpConfig) -> Result<PdcpConfig, ApplyError> {
    let Some(d) = &c.drb else { return error("a DRB without its PDCP parameters", "TS 38.331 PDCP-Config") };
    if d.header_compression != rrc::PdcpConfigDrbHeaderCompression::NotUsed || c.more_than_one_rlc.is_some() {
        return error("header compression or more than one RLC entity", "TS 38.323 §5.7, §5.11");
    }
    let bits = |n: Option<i32>| n.map_or(18, |n| n as u8);
    let up = bits(d.pdcp_sn_size_ul.and_then(|s| s.number()));
    let down = bits(d.pdcp_sn_size_dl.and_then(|s| s.number()));
    if up != down {
        return error("PDCP sequence numbers of unequal length", "TS 38.323 §6.2.2");
    }
    Ok(PdcpConfig {
        sn_bits: up,
        discard_timer_ms: d.discard_timer.and_then(finite),
        t_reordering_ms: c.t_reordering.and_then(finite),
        integrity: d.integrity_protection,
        ciphering: !c.ext1.as_ref().is_some_and(|e| e.ciphering_disabled),
        status_report_required: d.status_report_required,
        out_of_order_delivery: d.out_of_order_delivery,
    })
}

/// SDAP-Config.
pub fn sdap(c: &rrc::SdapConfig) -> SdapConfig {
    SdapConfig {
        pdu_session: c.pdu_session,
        header_dl: c.sdap_header_dl == rrc::SdapConfigSdapHeaderDl::Present,
        header_ul: c.sdap_header_ul == rrc::SdapConfigSdapHeaderUl::Present,
        default_drb: c.default_drb,
        flows: c.mapped_qos_flows_to_add.iter().flatten().filter_map(|q| Qfi::new(*q)).collect(),
    }
}

/// RLC-BearerConfig that adds a bearer or changes it as a whole.
pub fn rlc_bearer(c: &rrc::RlcBearerConfig) -> Result<RlcBearerConfig, ApplyError> {
    use rrc::RlcBearerConfigServedRadioBearer as S;
    let lcid = LcId::new(c.logical_channel_identity);
    let bearer = match &c.served_radio_bearer {
        Some(S::SrbIdentity(1)) => Bearer::Srb1,
        Some(S::SrbIdentity(2)) => Bearer::Srb2,
        Some(S::DrbIdentity(d)) => match DrbId::new(*d) {
            Some(d) => Bearer::Drb(d),
            None => return error("DRB identity", "TS 38.331 DRB-Identity"),
        },
        _ => return error("a logical channel that serves no bearer we have", "TS 38.331 RLC-BearerConfig"),
    };
    let Some(lcid) = lcid else { return error("logical channel identity", "TS 38.331 LogicalChannelIdentity") };
    let rlc = match &c.rlc_config {
        Some(r) => rlc(r)?,
        None if bearer.is_srb() => default_srb_rlc(),
        None => return error("a DRB without RLC configuration", "TS 38.331 RLC-BearerConfig"),
    };
    let logical_channel = match c.mac_logical_channel_config.as_ref().and_then(|m| m.ul_specific_parameters.as_ref()) {
        Some(u) => LogicalChannelConfig {
            priority: u.priority,
            prioritised_bit_rate: finite(u.prioritised_bit_rate).map(|k| k.saturating_mul(1000)),
            bucket_size_duration_ms: number(u.bucket_size_duration)? as u16,
            logical_channel_group: u.logical_channel_group,
            scheduling_request: u.scheduling_request_id.is_some(),
        },
        None => default_srb_channel(bearer),
    };
    Ok(RlcBearerConfig { lcid, bearer, rlc, logical_channel })
}

/// Spec: TS 38.331 §9.2.1
fn default_srb_rlc() -> RlcConfig {
    RlcConfig::Am {
        sn_bits: 12,
        t_poll_retransmit_ms: 45,
        poll_pdu: None,
        poll_byte: None,
        max_retx_threshold: 8,
        t_reassembly_ms: 35,
        t_status_prohibit_ms: 0,
    }
}

/// Spec: TS 38.331 §9.2.1
fn default_srb_channel(bearer: Bearer) -> LogicalChannelConfig {
    LogicalChannelConfig {
        priority: if bearer == Bearer::Srb2 { 3 } else { 1 },
        prioritised_bit_rate: None,
        bucket_size_duration_ms: 50,
        logical_channel_group: Some(0),
        scheduling_request: true,
    }
}

fn rlc(r: &rrc::RlcConfig) -> Result<RlcConfig, ApplyError> {
    match r {
        rrc::RlcConfig::Am(a) => {
            let (u, d) = (&a.ul_am_rlc, &a.dl_am_rlc);
            let (up, down) = (u.sn_field_length, d.sn_field_length);
            let (Some(up), Some(down)) = (up, down) else {
                return error("RLC AM without sequence number length", "TS 38.331 RLC-Config");
            };
            if up != down {
                return error("RLC sequence numbers of unequal length", "TS 38.322 §6.2.2");
            }
            Ok(RlcConfig::Am {
                sn_bits: number(up)? as u8,
                t_poll_retransmit_ms: number(u.t_poll_retransmit)? as u16,
                poll_pdu: finite(u.poll_pdu),
                poll_byte: poll_bytes(u.poll_byte),
                max_retx_threshold: number(u.max_retx_threshold)? as u8,
                t_reassembly_ms: number(d.t_reassembly)? as u16,
                t_status_prohibit_ms: number(d.t_status_prohibit)? as u16,
            })
        }
        rrc::RlcConfig::UmBiDirectional(b) => {
            let (Some(up), Some(down)) = (b.ul_um_rlc.sn_field_length, b.dl_um_rlc.sn_field_length) else {
                return error("RLC UM without sequence number length", "TS 38.331 RLC-Config");
            };
            if up != down {
                return error("RLC sequence numbers of unequal length", "TS 38.322 §6.2.2");
            }
            let t = number(b.dl_um_rlc.t_reassembly)? as u16;
            Ok(RlcConfig::Um { sn_bits: number(up)? as u8, t_reassembly_ms: t })
        }
        _ => error("unidirectional RLC UM", "TS 38.322 §4.2.1.1.2"),
    }
}

/// kB and MB of PollByte.
fn poll_bytes(p: rrc::PollByte) -> Option<u32> {
    let name = p.name();
    let n = p.number()? as u32;
    Some(if name.starts_with("mB") { n * 1_000_000 } else { n * 1000 })
}
