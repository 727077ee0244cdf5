//! Control information and transport blocks by the names of their specifications.

use fapi::dci::{Dci, Dci0_1, Dci1_1, DciRa, RntiKind};
use fapi::resolve::RarGrant;
use mac::{DlReader, DlSubPdu, RarReader, RarSubPdu};
use nr::Rnti;
use serde_json::{Value, json};

/// What an RNTI is called. Spec: TS 38.321 §7.1
pub fn rnti_type(kind: RntiKind) -> &'static str {
    match kind {
        RntiKind::Cell => "C-RNTI",
        RntiKind::Temporary => "TC-RNTI",
        RntiKind::Si => "SI-RNTI",
        RntiKind::Ra => "RA-RNTI",
        RntiKind::Paging => "P-RNTI",
        RntiKind::SlotFormat => "SFI-RNTI",
        RntiKind::Interruption => "INT-RNTI",
        RntiKind::Tpc => "TPC-RNTI",
        RntiKind::TpcSrs => "TPC-SRS-RNTI",
    }
}

/// Fields in their order.
pub type Fields = Vec<(&'static str, u32)>;

const FREQUENCY: &str = "Frequency domain resource assignment";
const TIME: &str = "Time domain resource assignment";
const VRB: &str = "VRB-to-PRB mapping";
const MCS: &str = "Modulation and coding scheme";
const NDI: &str = "New data indicator";
const RV: &str = "Redundancy version";
const HARQ: &str = "HARQ process number";
const DAI: &str = "Downlink assignment index";
const TPC_PUSCH: &str = "TPC command for scheduled PUSCH";
const TPC_PUCCH: &str = "TPC command for scheduled PUCCH";
const PRI: &str = "PUCCH resource indicator";
const K1: &str = "PDSCH-to-HARQ_feedback timing indicator";
const PORTS: &str = "Antenna port(s)";
const SRS: &str = "SRS request";
const DMRS: &str = "DMRS sequence initialization";

/// Format and fields. Spec: TS 38.212 §7.3.1
pub fn fields(dci: &Dci) -> (&'static str, Fields) {
    let ra = |x: &DciRa| {
        vec![
            (FREQUENCY, x.frequency),
            (TIME, x.time.into()),
            (VRB, x.interleaved.into()),
            (MCS, x.mcs.into()),
            ("TB scaling", x.tb_scaling.into()),
        ]
    };
    match dci {
        Dci::F0_0(x) => (
            "0_0",
            vec![
                (FREQUENCY, x.frequency),
                (TIME, x.time.into()),
                ("Frequency hopping flag", x.hopping.into()),
                (MCS, x.mcs.into()),
                (NDI, x.ndi.into()),
                (RV, x.rv.into()),
                (HARQ, x.harq.into()),
                (TPC_PUSCH, x.tpc.into()),
            ],
        ),
        Dci::F1_0(x) => (
            "1_0",
            vec![
                (FREQUENCY, x.frequency),
                (TIME, x.time.into()),
                (VRB, x.interleaved.into()),
                (MCS, x.mcs.into()),
                (NDI, x.ndi.into()),
                (RV, x.rv.into()),
                (HARQ, x.harq.into()),
                (DAI, x.dai.into()),
                (TPC_PUCCH, x.tpc.into()),
                (PRI, x.pri.into()),
                (K1, x.k1.into()),
            ],
        ),
        Dci::Si(x) => (
            "1_0",
            vec![
                (FREQUENCY, x.frequency),
                (TIME, x.time.into()),
                (VRB, x.interleaved.into()),
                (MCS, x.mcs.into()),
                (RV, x.rv.into()),
                ("System information indicator", x.other_si.into()),
            ],
        ),
        Dci::Ra(x) => ("1_0", ra(x)),
        Dci::Paging(x) => {
            let mut list =
                vec![("Short Messages Indicator", x.indicator.into()), ("Short Messages", x.short_messages.into())];
            list.extend(ra(&x.assignment));
            ("1_0", list)
        }
        Dci::Order(x) => (
            "1_0",
            vec![
                ("Random Access Preamble index", x.preamble.into()),
                ("UL/SUL indicator", x.sul.into()),
                ("SS/PBCH index", x.ssb.into()),
                ("PRACH Mask index", x.prach_mask.into()),
            ],
        ),
        Dci::F0_1(x) => ("0_1", uplink(x)),
        Dci::F0_2(x) => ("0_2", uplink(x)),
        Dci::F1_1(x) => ("1_1", downlink(x)),
        Dci::F1_2(x) => ("1_2", downlink(x)),
        Dci::F2_0(_) => ("2_0", Vec::new()),
        Dci::F2_1(_) => ("2_1", Vec::new()),
        Dci::F2_2(_) => ("2_2", Vec::new()),
        Dci::F2_3(_) => ("2_3", Vec::new()),
    }
}

/// Fields that most configurations leave out: those that say something.
fn beside(list: &mut Fields, optional: &[(&'static str, u32)]) {
    list.extend(optional.iter().filter(|(_, value)| *value != 0));
}

fn uplink(x: &Dci0_1) -> Fields {
    let mut list = vec![
        (FREQUENCY, x.frequency),
        (TIME, x.time.into()),
        (MCS, x.mcs.into()),
        (NDI, x.ndi.into()),
        (RV, x.rv.into()),
        (HARQ, x.harq.into()),
        ("1st downlink assignment index", x.dai.into()),
        (TPC_PUSCH, x.tpc.into()),
        ("Antenna ports", x.ports.into()),
        (SRS, x.srs_request.into()),
        (DMRS, x.n_scid.into()),
        ("UL-SCH indicator", x.ul_sch.into()),
    ];
    let optional = [
        ("Carrier indicator", x.carrier.into()),
        ("UL/SUL indicator", x.sul.into()),
        ("Bandwidth part indicator", x.bwp.into()),
        ("Frequency hopping flag", x.hopping.into()),
        ("2nd downlink assignment index", x.dai_2.into()),
        ("SRS resource indicator", x.sri.into()),
        ("Precoding information and number of layers", x.precoding.into()),
        ("CSI request", x.csi_request.into()),
        ("CBG transmission information", x.cbgti.into()),
        ("PTRS-DMRS association", x.ptrs_dmrs.into()),
        ("beta_offset indicator", x.beta_offset.into()),
        ("Priority indicator", x.priority.into()),
    ];
    beside(&mut list, &optional);
    list
}

fn downlink(x: &Dci1_1) -> Fields {
    let mut list = vec![
        (FREQUENCY, x.frequency),
        (TIME, x.time.into()),
        (VRB, x.interleaved.into()),
        (MCS, x.mcs.into()),
        (NDI, x.ndi.into()),
        (RV, x.rv.into()),
        (HARQ, x.harq.into()),
        (DAI, x.dai.into()),
        (TPC_PUCCH, x.tpc.into()),
        (PRI, x.pri.into()),
        (K1, x.k1.into()),
        (PORTS, x.ports.into()),
        (SRS, x.srs_request.into()),
        (DMRS, x.n_scid.into()),
    ];
    let optional = [
        ("Carrier indicator", x.carrier.into()),
        ("Bandwidth part indicator", x.bwp.into()),
        ("PRB bundling size indicator", x.prb_bundling.into()),
        ("Rate matching indicator", x.rate_matching.into()),
        ("ZP CSI-RS trigger", x.zp_csi_rs.into()),
        ("Transmission configuration indication", x.tci.into()),
        ("CBG transmission information", x.cbgti.into()),
        ("CBG flushing out information", x.cbgfi.into()),
        ("Priority indicator", x.priority.into()),
    ];
    beside(&mut list, &optional);
    list
}

/// The fields as a JSON object.
pub fn to_json(fields: &[(&'static str, u32)]) -> Value {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What a transport block tells about what follows.
#[derive(Clone, PartialEq, Debug)]
pub enum Learned {
    /// A random access response gave this RNTI away.
    Temporary(Rnti),
    /// Msg4 resolved the contention: the temporary C-RNTI is a C-RNTI now.
    Resolved,
    /// A cell group for the terminal.
    Group(Box<rrc::CellGroupConfig>),
    /// What follows is ciphered.
    Secured,
}

/// The parts of a transport block by name, as far as they are legible.
///
/// - `secured`  RRC messages of the terminal are ciphered
pub fn contents(kind: RntiKind, tb: &[u8], secured: bool, learned: &mut Vec<Learned>) -> Vec<Value> {
    match kind {
        RntiKind::Si => vec![json!({ "rrc": system_information(tb) })],
        RntiKind::Paging => vec![json!({ "rrc": paging(tb) })],
        RntiKind::Ra => RarReader::new(tb, 0).map(|s| response(&s, learned)).collect(),
        RntiKind::Cell | RntiKind::Temporary => {
            let mut list = Vec::new();
            for sub in DlReader::new(tb) {
                match sub {
                    Ok(sub) => list.push(sub_pdu(&sub, secured, learned)),
                    Err(e) => {
                        list.push(json!({ "mac": "unreadable", "why": format!("{e:?}") }));
                        break;
                    }
                }
            }
            list
        }
        _ => Vec::new(),
    }
}

fn system_information(tb: &[u8]) -> Option<&'static str> {
    use rrc::{BcchDlSchMessageType as T, BcchDlSchMessageTypeC1 as C1};
    match rrc::decode::<rrc::BcchDlSchMessage>(tb).ok()?.message {
        T::C1(C1::SystemInformationBlockType1(_)) => Some("SIB1"),
        T::C1(C1::SystemInformation(_)) => Some("SystemInformation"),
        _ => None,
    }
}

fn paging(tb: &[u8]) -> Option<&'static str> {
    match rrc::decode::<rrc::PcchMessage>(tb).ok()?.message {
        rrc::PcchMessageType::C1(rrc::PcchMessageTypeC1::Paging(_)) => Some("Paging"),
        _ => None,
    }
}

fn response(sub: &RarSubPdu, learned: &mut Vec<Learned>) -> Value {
    match sub {
        RarSubPdu::Backoff(bi) => json!({ "mac": "Backoff Indicator", "bi": bi }),
        RarSubPdu::Acknowledged { rapid } => json!({ "mac": "RAPID", "rapid": rapid }),
        RarSubPdu::Response { rapid, rar } => {
            learned.push(Learned::Temporary(rar.temporary_c_rnti));
            let grant = RarGrant::decode(rar.ul_grant);
            json!({
                "mac": "RAR",
                "rapid": rapid,
                "timing_advance_command": rar.timing_advance,
                "temporary_c_rnti": rar.temporary_c_rnti.0,
                "ul_grant": {
                    "Frequency hopping flag": grant.hopping,
                    "PUSCH frequency resource allocation": grant.frequency,
                    "PUSCH time resource allocation": grant.time,
                    "MCS": grant.mcs,
                    "TPC command for PUSCH": grant.tpc,
                    "CSI request": grant.csi_request,
                },
            })
        }
    }
}

fn sub_pdu(sub: &DlSubPdu<'_>, secured: bool, learned: &mut Vec<Learned>) -> Value {
    match sub {
        DlSubPdu::Ccch(data) => json!({ "mac": "CCCH", "bytes": data.len(), "rrc": ccch(data, learned) }),
        DlSubPdu::Sdu { lcid, data } => {
            let rrc = if secured || lcid.get() != 1 { None } else { dcch(data, learned) };
            json!({ "mac": "SDU", "lcid": lcid.get(), "bytes": data.len(), "rrc": rrc })
        }
        DlSubPdu::ContentionResolution(id) => {
            learned.push(Learned::Resolved);
            json!({ "mac": "UE Contention Resolution Identity", "identity": crate::lab::sib1::io_hex(id) })
        }
        DlSubPdu::TimingAdvance { tag, command } => {
            json!({ "mac": "Timing Advance Command", "tag": tag, "command": command })
        }
        DlSubPdu::Drx { long } => json!({ "mac": if *long { "Long DRX Command" } else { "DRX Command" } }),
        DlSubPdu::Other { lcid, data } => json!({ "mac": "CE", "lcid": lcid, "bytes": data.len() }),
        DlSubPdu::Padding(n) => json!({ "mac": "Padding", "bytes": n }),
    }
}

fn ccch(data: &[u8], learned: &mut Vec<Learned>) -> Option<&'static str> {
    use rrc::{DlCcchMessageType as T, DlCcchMessageTypeC1 as C1};
    match rrc::decode::<rrc::DlCcchMessage>(data).ok()?.message {
        T::C1(C1::RrcReject(_)) => Some("RRCReject"),
        T::C1(C1::RrcSetup(m)) => {
            if let rrc::RrcSetupCriticalExtensions::RrcSetup(ies) = m.critical_extensions
                && let Ok(group) = rrc::decode(&ies.master_cell_group)
            {
                learned.push(Learned::Group(Box::new(group)));
            }
            Some("RRCSetup")
        }
        _ => None,
    }
}

/// The message in an RLC AM PDU of SRB1 that holds a whole PDCP PDU: two bytes of RLC, two of PDCP, four of MAC-I.
///
/// Spec: TS 38.322 §6.2.2.4, TS 38.323 §6.2.2.1
fn dcch(pdu: &[u8], learned: &mut Vec<Learned>) -> Option<&'static str> {
    use rrc::{DlDcchMessageType as T, DlDcchMessageTypeC1 as C1};
    let whole = pdu.first()? & 0xb0 == 0x80;
    let bytes = pdu.get(4..pdu.len().checked_sub(4)?).filter(|_| whole)?;
    let message = rrc::decode::<rrc::DlDcchMessage>(bytes).ok()?;
    // Ciphered octets hardly ever come back as they were.
    if rrc::encode(&message).ok()? != bytes {
        return None;
    }
    let T::C1(c1) = message.message else { return None };
    Some(match c1 {
        C1::RrcReconfiguration(_) => "RRCReconfiguration",
        C1::RrcResume(_) => "RRCResume",
        C1::RrcRelease(_) => "RRCRelease",
        C1::RrcReestablishment(_) => "RRCReestablishment",
        C1::SecurityModeCommand(_) => {
            learned.push(Learned::Secured);
            "SecurityModeCommand"
        }
        C1::DlInformationTransfer(_) => "DLInformationTransfer",
        C1::UeCapabilityEnquiry(_) => "UECapabilityEnquiry",
        C1::CounterCheck(_) => "CounterCheck",
        _ => return None,
    })
}

/// A part of a block in a few words.
pub fn words(part: &Value) -> String {
    let rrc = part["rrc"].as_str();
    match (part["mac"].as_str(), part["lcid"].as_u64()) {
        (None, _) => rrc.unwrap_or("unreadable RRC").to_owned(),
        (Some("CCCH"), _) => rrc.unwrap_or("CCCH").to_owned(),
        (Some("RAR"), _) => format!(
            "RAR for preamble {}: TC-RNTI {}, T_A {}",
            part["rapid"],
            Rnti(part["temporary_c_rnti"].as_u64().unwrap_or(0) as u16),
            part["timing_advance_command"]
        ),
        (Some("SDU"), Some(lcid)) => match rrc {
            Some(name) => name.to_owned(),
            None => format!("LCID {lcid} {} bytes", part["bytes"]),
        },
        (Some("CE"), Some(lcid)) => format!("control element {lcid}"),
        (Some("Padding"), _) => format!("padding {}", part["bytes"]),
        (Some(name), _) => name.to_owned(),
    }
}
