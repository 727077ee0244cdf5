//! RRC reconfiguration, and what MAC has given up of it. Spec: TS 38.331 §5.3.5, §5.3.12

use super::system_information::failed;
use super::{CpOutput, UeCp};
use crate::apply::{ApplyError, bearer, cell_group};
use fapi::ue::UeL1Command;
use node::Outbox;
use nr::{DrbId, Tc};
use rrc::UlDcchMessageTypeC1 as Ul;
use seam::bearer::{Bearer, PdcpConfig, SdapConfig};
use seam::ue::L2Command;

/// A RadioBearerConfig, checked as a whole.
#[derive(Default)]
struct Bearers {
    add: Vec<(Bearer, PdcpConfig, Option<SdapConfig>)>,
    reestablish: Vec<Bearer>,
    release: Vec<DrbId>,
}

impl UeCp {
    pub(super) fn apply_reconfiguration(&mut self, m: rrc::RrcReconfiguration, now: Tc, out: &mut Outbox<CpOutput>) {
        let transaction = m.rrc_transaction_identifier;
        let rrc::RrcReconfigurationCriticalExtensions::RrcReconfiguration(ies) = m.critical_extensions else { return };
        let more = ies.non_critical_extension.unwrap_or_default();
        let checked = self.check(ies.radio_bearer_config.as_ref(), more.master_cell_group.as_deref(), more.full_config);
        let (group, bearers) = match checked {
            Ok(c) => c,
            Err(e) => {
                // Spec: TS 38.331 §5.3.5.8.2: the old configuration goes on, and the connection is re-established.
                self.event(failed("session", &format!("RRCReconfiguration: {}", e.what), e.clause), out);
                return self.link_failed("the reconfiguration cannot be complied with", now, out);
            }
        };
        if let Some(g) = group {
            self.apply_group(g, out);
        }
        for d in bearers.release {
            self.drbs.retain(|x| *x != d);
            out.push(CpOutput::L2(L2Command::ReleaseDrb(d)));
        }
        for (b, config, sdap) in bearers.add {
            match b {
                Bearer::Srb2 => self.srb2 = true,
                Bearer::Drb(d) if !self.drbs.contains(&d) => self.drbs.push(d),
                _ => {}
            }
            out.push(CpOutput::L2(L2Command::AddPdcp { bearer: b, config, sdap }));
        }
        // A signalling bearer that is re-established has no keys until it is given them again.
        let secure = self.secure(true).filter(|_| bearers.reestablish.iter().any(|b| b.is_srb()));
        for b in &bearers.reestablish {
            out.push(CpOutput::L2(L2Command::Reestablish { bearer: *b }));
        }
        if let Some(secure) = secure {
            out.push(CpOutput::L2(secure));
        }
        for b in bearers.reestablish {
            out.push(CpOutput::L2(L2Command::Resume { bearer: b }));
        }
        let complete =
            rrc::RrcReconfigurationComplete { rrc_transaction_identifier: transaction, ..Default::default() };
        self.send(Bearer::Srb1, Ul::RrcReconfigurationComplete(complete), now, out);
        for pdu in more.dedicated_nas_message_list.unwrap_or_default() {
            self.deliver_nas(&pdu, now, out);
        }
    }
    /// MAC has lost its scheduling requests or its timing: the resources for requests and for CSI reports go, until a reconfiguration
    /// brings them again. Those for HARQ-ACK stay. Neither SRS nor configured grants are ever configured in this terminal.
    /// Spec: TS 38.331 §5.3.12, TS 38.321 §5.4.4, §5.2
    pub(super) fn release_pucch(&mut self, out: &mut Outbox<CpOutput>) {
        let Some(d) = &mut self.dedicated else { return };
        (d.pucch.sr, d.csi_report) = (None, None);
        let config = Some(Box::new(d.clone()));
        out.push(CpOutput::L1(UeL1Command::ConfigureDedicated { from: self.slot.plus(1), config }));
    }
    fn check(
        &self,
        rb: Option<&rrc::RadioBearerConfig>,
        group: Option<&[u8]>,
        full: bool,
    ) -> Result<(Option<cell_group::CellGroup>, Bearers), ApplyError> {
        let Some(cell) = &self.cell else { return crate::apply::error("no cell", "TS 38.331 §5.3.5.3") };
        if full {
            return crate::apply::error("fullConfig", "TS 38.331 §5.3.5.11");
        }
        let old = self.dedicated.clone().unwrap_or_else(|| cell_group::initial(cell));
        let group = match group.map(rrc::decode::<rrc::CellGroupConfig>) {
            None => None,
            Some(Ok(g)) => Some(cell_group::apply(&g, &old, &self.mac, cell)?),
            Some(Err(e)) => return crate::apply::error(format!("masterCellGroup: {e}"), "TS 38.331 §5.3.5.5"),
        };
        let mut b = Bearers::default();
        let Some(rb) = rb else { return Ok((group, b)) };
        for s in rb.srb_to_add_mod_list.iter().flatten() {
            let id = if s.srb_identity == 2 { Bearer::Srb2 } else { Bearer::Srb1 };
            let known = id == Bearer::Srb1 || self.srb2;
            if s.reestablish_pdcp {
                b.reestablish.push(id);
            } else if !known || s.pdcp_config.is_some() {
                b.add.push((id, bearer::srb_pdcp(s.pdcp_config.as_ref()), None));
            }
        }
        for d in rb.drb_to_add_mod_list.iter().flatten() {
            let Some(id) = DrbId::new(d.drb_identity) else { continue };
            if d.reestablish_pdcp || d.recover_pdcp {
                b.reestablish.push(Bearer::Drb(id));
                continue;
            }
            let sdap = match &d.cn_association {
                Some(rrc::DrbToAddModCnAssociation::SdapConfig(s)) => Some(bearer::sdap(s)),
                Some(_) => return crate::apply::error("an EPS bearer", "TS 38.331 DRB-ToAddMod"),
                None => None,
            };
            match &d.pdcp_config {
                Some(p) => b.add.push((Bearer::Drb(id), bearer::drb_pdcp(p)?, sdap)),
                None if self.drbs.contains(&id) => {}
                None => return crate::apply::error("a new DRB without PDCP-Config", "TS 38.331 DRB-ToAddMod"),
            }
        }
        b.release = rb.drb_to_release_list.iter().flatten().filter_map(|d| DrbId::new(*d)).collect();
        Ok((group, b))
    }
}
