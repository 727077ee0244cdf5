//! Downlink RRC messages. Spec: TS 38.331 §6.2.2

use rrc::*;
use seam::bearer::{AsAlgorithms, PdcpConfig as Pdcp, SdapConfig as Sdap};

fn dcch(m: DlDcchMessageTypeC1) -> Option<Vec<u8>> {
    encode(&DlDcchMessage { message: DlDcchMessageType::C1(m) }).ok()
}

fn ccch(m: DlCcchMessageTypeC1) -> Option<Vec<u8>> {
    encode(&DlCcchMessage { message: DlCcchMessageType::C1(m) }).ok()
}

/// RRCSetup with SRB1 and the DU's CellGroupConfig.
pub fn setup(transaction: u8, cell_group: Vec<u8>) -> Option<Vec<u8>> {
    let srb1 = SrbToAddMod { srb_identity: 1, ..Default::default() };
    let radio_bearer_config = RadioBearerConfig { srb_to_add_mod_list: Some(vec![srb1]), ..Default::default() };
    ccch(DlCcchMessageTypeC1::RrcSetup(RrcSetup {
        rrc_transaction_identifier: transaction,
        critical_extensions: RrcSetupCriticalExtensions::RrcSetup(RrcSetupIes {
            radio_bearer_config,
            master_cell_group: cell_group,
            ..Default::default()
        }),
    }))
}

/// RRCReject with a wait time of 1..=16 s.
pub fn reject(wait_s: u8) -> Option<Vec<u8>> {
    ccch(DlCcchMessageTypeC1::RrcReject(RrcReject {
        critical_extensions: RrcRejectCriticalExtensions::RrcReject(RrcRejectIes {
            wait_time: Some(wait_s.clamp(1, 16)),
            ..Default::default()
        }),
    }))
}

/// SecurityModeCommand.
pub fn security_mode_command(transaction: u8, a: AsAlgorithms) -> Option<Vec<u8>> {
    let config = SecurityAlgorithmConfig {
        ciphering_algorithm: *CipheringAlgorithm::ALL.get(a.nea as usize)?,
        integrity_prot_algorithm: Some(*IntegrityProtAlgorithm::ALL.get(a.nia as usize)?),
        ..Default::default()
    };
    dcch(DlDcchMessageTypeC1::SecurityModeCommand(SecurityModeCommand {
        rrc_transaction_identifier: transaction,
        critical_extensions: SecurityModeCommandCriticalExtensions::SecurityModeCommand(SecurityModeCommandIes {
            security_config_smc: SecurityConfigSmc { security_algorithm_config: config, ..Default::default() },
            ..Default::default()
        }),
    }))
}

/// UECapabilityEnquiry for NR.
pub fn capability_enquiry(transaction: u8) -> Option<Vec<u8>> {
    let request = UeCapabilityRatRequest { rat_type: RatType::Nr, ..Default::default() };
    dcch(DlDcchMessageTypeC1::UeCapabilityEnquiry(UeCapabilityEnquiry {
        rrc_transaction_identifier: transaction,
        critical_extensions: UeCapabilityEnquiryCriticalExtensions::UeCapabilityEnquiry(UeCapabilityEnquiryIes {
            ue_capability_rat_request_list: vec![request],
            ..Default::default()
        }),
    }))
}

/// DLInformationTransfer.
pub fn information(transaction: u8, nas: Vec<u8>) -> Option<Vec<u8>> {
    dcch(DlDcchMessageTypeC1::DlInformationTransfer(DlInformationTransfer {
        rrc_transaction_identifier: transaction,
        critical_extensions: DlInformationTransferCriticalExtensions::DlInformationTransfer(DlInformationTransferIes {
            dedicated_nas_message: Some(nas),
            ..Default::default()
        }),
    }))
}

/// RRCRelease.
pub fn release(transaction: u8) -> Option<Vec<u8>> {
    dcch(DlDcchMessageTypeC1::RrcRelease(RrcRelease {
        rrc_transaction_identifier: transaction,
        critical_extensions: RrcReleaseCriticalExtensions::RrcRelease(RrcReleaseIes::default()),
    }))
}

/// RRCReestablishment.
pub fn reestablishment(transaction: u8, ncc: u8) -> Option<Vec<u8>> {
    dcch(DlDcchMessageTypeC1::RrcReestablishment(RrcReestablishment {
        rrc_transaction_identifier: transaction,
        critical_extensions: RrcReestablishmentCriticalExtensions::RrcReestablishment(RrcReestablishmentIes {
            next_hop_chaining_count: ncc,
            ..Default::default()
        }),
    }))
}

/// A DRB of an RRCReconfiguration.
pub struct DrbEntry {
    /// drb-Identity.
    pub id: u8,
    /// PDCP; `None` where it goes on unchanged.
    pub pdcp: Option<Pdcp>,
    /// SDAP; `None` where it goes on unchanged.
    pub sdap: Option<Sdap>,
    /// reestablishPDCP.
    pub reestablish: bool,
}

/// What an RRCReconfiguration carries.
#[derive(Default)]
pub struct Reconfiguration {
    /// SRB2 is added (`false`) or its PDCP re-established (`true`).
    pub srb2: Option<bool>,
    /// DRBs to add or change.
    pub drbs: Vec<DrbEntry>,
    /// DRBs to release.
    pub release: Vec<u8>,
    /// The DU's CellGroupConfig.
    pub cell_group: Option<Vec<u8>>,
    /// NAS messages.
    pub nas: Vec<Vec<u8>>,
}

/// RRCReconfiguration.
pub fn reconfiguration(transaction: u8, r: Reconfiguration) -> Option<Vec<u8>> {
    let srb2 = r.srb2.map(|again| vec![SrbToAddMod { srb_identity: 2, reestablish_pdcp: again, ..Default::default() }]);
    let drbs: Vec<DrbToAddMod> = r.drbs.iter().map(drb).collect::<Option<_>>()?;
    let bearers = RadioBearerConfig {
        srb_to_add_mod_list: srb2,
        drb_to_add_mod_list: (!drbs.is_empty()).then_some(drbs),
        drb_to_release_list: (!r.release.is_empty()).then_some(r.release),
        ..Default::default()
    };
    let any = bearers.srb_to_add_mod_list.is_some()
        || bearers.drb_to_add_mod_list.is_some()
        || bearers.drb_to_release_list.is_some();
    dcch(DlDcchMessageTypeC1::RrcReconfiguration(RrcReconfiguration {
        rrc_transaction_identifier: transaction,
        critical_extensions: RrcReconfigurationCriticalExtensions::RrcReconfiguration(RrcReconfigurationIes {
            radio_bearer_config: any.then_some(bearers),
            non_critical_extension: Some(RrcReconfigurationV1530Ies {
                master_cell_group: r.cell_group,
                dedicated_nas_message_list: (!r.nas.is_empty()).then_some(r.nas),
                ..Default::default()
            }),
            ..Default::default()
        }),
    }))
}

fn drb(d: &DrbEntry) -> Option<DrbToAddMod> {
    let header = |present| if present { SdapConfigSdapHeaderDl::Present } else { SdapConfigSdapHeaderDl::Absent };
    let header_ul = |present| if present { SdapConfigSdapHeaderUl::Present } else { SdapConfigSdapHeaderUl::Absent };
    let association = d.sdap.as_ref().map(|s| {
        DrbToAddModCnAssociation::SdapConfig(SdapConfig {
            pdu_session: s.pdu_session,
            sdap_header_dl: header(s.header_dl),
            sdap_header_ul: header_ul(s.header_ul),
            default_drb: s.default_drb,
            mapped_qos_flows_to_add: (!s.flows.is_empty()).then(|| s.flows.iter().map(|q| q.get()).collect()),
            ..Default::default()
        })
    });
    let pdcp = match &d.pdcp {
        Some(p) => Some(pdcp_config(p)?),
        None => None,
    };
    Some(DrbToAddMod {
        cn_association: association,
        drb_identity: d.id,
        reestablish_pdcp: d.reestablish,
        pdcp_config: pdcp,
        ..Default::default()
    })
}

fn pdcp_config(p: &Pdcp) -> Option<PdcpConfig> {
    let infinity = PdcpConfigDrbDiscardTimer::Infinity;
    Some(PdcpConfig {
        drb: Some(PdcpConfigDrb {
            discard_timer: Some(match p.discard_timer_ms {
                Some(ms) => PdcpConfigDrbDiscardTimer::from_number(ms as i32)?,
                None => infinity,
            }),
            pdcp_sn_size_ul: Some(PdcpConfigDrbPdcpSnSizeUl::from_number(p.sn_bits as i32)?),
            pdcp_sn_size_dl: Some(PdcpConfigDrbPdcpSnSizeDl::from_number(p.sn_bits as i32)?),
            header_compression: PdcpConfigDrbHeaderCompression::NotUsed,
            integrity_protection: p.integrity,
            status_report_required: p.status_report_required,
            out_of_order_delivery: p.out_of_order_delivery,
        }),
        t_reordering: match p.t_reordering_ms {
            Some(ms) => Some(PdcpConfigTReordering::from_number(ms as i32)?),
            None => None,
        },
        ..Default::default()
    })
}
