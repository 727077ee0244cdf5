//! F1: what the central unit asks for. Spec: TS 38.473 §8.3, §8.4

use crate::config::{Cell, UeRadio};
use crate::du::GnbDu;
use crate::rrc_build::{self, CellGroup};
use crate::ue::{Channel, State, drb, drb_lcid, srb};
use nr::tables::uplink_precoding::CodebookSubset;
use nr::{DrbId, LcId, Tc};
use seam::bearer::{Bearer, RlcBearerConfig};
use seam::f1::{CuToDu, DrbSetup, DuToCu, DuUeId, LossCause};

/// Time for the last message before a context is forgotten.
const RELEASE_PATIENCE: Tc = Tc::from_ms(150);

impl GnbDu {
    /// Takes a message of the central unit. Messages for a UE that is gone are ignored, but for a release, which is answered.
    pub fn f1(&mut self, now: Tc, message: CuToDu) {
        match message {
            CuToDu::DlRrcTransfer { ue, bearer, pdu } => self.rrc(now, ue, bearer, pdu),
            CuToDu::UeContextModify { ue, drbs_add, drbs_release, srb2, capability } => {
                self.modify(ue, &drbs_add, &drbs_release, srb2, capability.as_deref());
            }
            CuToDu::ReconfigurationComplete { ue } => self.reconfigured(ue),
            CuToDu::UeContextRelease { ue, rrc } => self.release(now, ue, rrc),
            CuToDu::UeReestablish { ue, old } => self.reestablish(ue, old),
            CuToDu::Paging { s_tmsi, cycle_frames } => self.page(now, s_tmsi, cycle_frames),
            CuToDu::DlUser { ue, drb, pdu } => {
                if let Some(idx) = self.index_of(ue) {
                    self.push(now, idx, Bearer::Drb(drb), pdu);
                }
            }
        }
    }

    fn push(&mut self, now: Tc, idx: u8, bearer: Bearer, pdu: Vec<u8>) {
        if let Some(c) = self.ues[idx as usize].as_mut().and_then(|u| u.bearer(bearer)) {
            c.push(now, pdu);
        }
    }

    fn rrc(&mut self, now: Tc, ue: DuUeId, bearer: Bearer, pdu: Vec<u8>) {
        let Some(idx) = self.index_of(ue) else { return };
        if bearer != Bearer::Srb0 {
            return self.push(now, idx, bearer, pdu);
        }
        if let Some(u) = self.ues[idx as usize].as_mut() {
            // RRCSetup (a DL-CCCH-Message whose C1 choice is 1) carries the first dedicated configuration.
            u.setup_pending = is_setup(&pdu);
            u.srb0 = Some(pdu);
            // The UE may have applied it already when it acknowledges another transmission of Msg4.
            if u.setup_pending {
                let d = self.cell.dedicated(idx, &UeRadio::default());
                self.sched.configure(idx, Box::new(d), true);
            }
        }
    }

    fn modify(&mut self, ue: DuUeId, add: &[DrbSetup], release: &[DrbId], srb2: bool, capability: Option<&[u8]>) {
        let Some(idx) = self.index_of(ue) else { return };
        let (cell, sched) = (&self.cell, &mut self.sched);
        let Some(u) = self.ues[idx as usize].as_mut() else { return };
        if let Some(c) = capability {
            u.radio = radio(c, cell);
        }
        let mut wanted: Vec<RlcBearerConfig> = Vec::new();
        if srb2 {
            wanted.push(srb(2));
        }
        wanted.extend(add.iter().map(|d| drb(&cell.params, d)));
        // Bearers that survived a re-establishment keep their configuration; their RLC starts anew at both ends.
        let survived = |b: &RlcBearerConfig| u.channels.iter().any(|c| c.suspended && c.config == *b);
        let again: Vec<u8> = wanted.iter().filter(|b| survived(b)).map(|b| b.lcid.get()).collect();
        wanted.retain(|b| !again.contains(&b.lcid.get()));
        // What came for them while they rested was protected with keys that no longer hold; PDCP sends it again.
        u.channels.iter_mut().filter(|c| again.contains(&c.config.lcid.get())).for_each(Channel::reestablish);
        let mut gone: Vec<LcId> = release.iter().map(|d| drb_lcid(*d)).collect();
        gone.retain(|l| u.channels.iter().any(|c| c.config.lcid == *l));
        u.channels.retain(|c| !gone.contains(&c.config.lcid));
        for b in &wanted {
            u.add(*b);
        }
        let d = cell.dedicated(idx, &u.radio);
        let release: Vec<u8> = gone.iter().map(|l| l.get()).collect();
        let group = CellGroup { dedicated: Some(&d), add: &wanted, release: &release, reestablish: &again };
        match rrc_build::cell_group(cell, &group) {
            Ok(cell_group) => {
                // The message leaves at once, and from then on nobody knows which configuration the UE has.
                match sched.ue(idx).is_some_and(|s| s.dedicated.is_some()) {
                    true => sched.set_fallback(idx, true),
                    false => sched.configure(idx, Box::new(d.clone()), true),
                }
                u.pending = Some(Box::new(d));
                let bearers = u.channels.iter().map(|c| c.config).collect();
                self.out.push(DuToCu::UeContextResponse { ue, cell_group, bearers });
            }
            Err(_) => self.lose(idx, LossCause::RadioLinkFailure),
        }
    }

    fn reconfigured(&mut self, ue: DuUeId) {
        let Some(idx) = self.index_of(ue) else { return };
        let Some(u) = self.ues[idx as usize].as_mut() else { return };
        u.channels.iter_mut().for_each(|c| c.suspended = false);
        match u.pending.take() {
            Some(d) => self.sched.configure(idx, d, false),
            None => self.sched.confirm(idx),
        }
    }

    fn release(&mut self, now: Tc, ue: DuUeId, rrc: Option<(Bearer, Vec<u8>)>) {
        let Some(idx) = self.index_of(ue) else {
            return self.out.push(DuToCu::UeContextReleased { ue });
        };
        let heard = self.ues[idx as usize].as_ref().is_some_and(|u| !u.lost && u.state != State::Msg3);
        let Some((bearer, pdu)) = rrc.filter(|_| heard) else { return self.released(idx) };
        self.rrc(now, ue, bearer, pdu);
        if let Some(u) = self.ues[idx as usize].as_mut() {
            // The UE stops listening with this message: user data would only go out in vain.
            u.channels.retain(|c| c.config.bearer.is_srb());
            u.release_at = Some(now + RELEASE_PATIENCE);
        }
    }

    /// The bearers of `old` go over to `ue`, their RLC empty, and rest until the reconfiguration. Spec: TS 38.331 §5.3.7
    fn reestablish(&mut self, ue: DuUeId, old: DuUeId) {
        let Some(idx) = self.index_of(ue) else { return };
        let Some(from) = self.index_of(old).filter(|f| *f != idx) else { return };
        let Some(gone) = self.ues[from as usize].take() else { return };
        self.ues[from as usize] = None;
        let Some(u) = self.ues[idx as usize].as_mut() else { return };
        u.radio = gone.radio;
        for mut c in gone.channels.into_iter().filter(|c| c.config.bearer != Bearer::Srb1) {
            c.reestablish();
            c.suspended = true;
            u.channels.push(c);
        }
        u.channels.sort_by_key(|c| (c.config.logical_channel.priority, c.config.lcid));
        self.remove(from);
    }
}

/// Whether a DL-CCCH message is an RRCSetup.
fn is_setup(pdu: &[u8]) -> bool {
    let message = rrc::decode::<rrc::DlCcchMessage>(pdu);
    matches!(message.map(|m| m.message), Ok(rrc::DlCcchMessageType::C1(rrc::DlCcchMessageTypeC1::RrcSetup(_))))
}

/// What the configuration depends on, out of UE-NR-Capability; what every UE can out of bytes that are none.
///
/// Spec: TS 38.306 §4.2.7; maxNumberMIMO-LayersPDSCH and -CB-PUSCH: the most of the carriers with the cell's subcarrier spacing, one where
/// they are absent
fn radio(capability: &[u8], cell: &Cell) -> UeRadio {
    use rrc::Enumerated;
    let Ok(c) = rrc::decode::<rrc::UeNrCapability>(capability) else { return UeRadio::default() };
    let band = cell.params.band;
    let scs_khz = cell.numerology().scs_khz() as i32;
    let bands = c.rf_parameters.supported_band_list_nr.iter().filter(|b| b.band_nr == band);
    let coherence = bands.clone().find_map(|b| b.mimo_parameters_per_band.as_ref()?.pusch_trans_coherence);
    let carriers = c.feature_sets.iter().flat_map(|f| f.feature_sets_downlink_per_cc.iter().flatten());
    let layers = carriers.filter(|f| f.supported_subcarrier_spacing_dl.number() == Some(scs_khz)).map(|f| {
        match f.max_number_mimo_layers_pdsch {
            None => 1,
            Some(rrc::MimoLayersDl::TwoLayers) => 2,
            Some(_) => 4,
        }
    });
    let up = c.feature_sets.iter().flat_map(|f| f.feature_sets_uplink_per_cc.iter().flatten());
    let up = up.filter(|f| f.supported_subcarrier_spacing_ul.number() == Some(scs_khz));
    let ul_layers = up.map(|f| match f.mimo_cb_pusch.as_ref().and_then(|m| m.max_number_mimo_layers_cb_pusch) {
        None | Some(rrc::MimoLayersUl::OneLayer) => 1,
        Some(rrc::MimoLayersUl::TwoLayers) => 2,
        Some(_) => 4,
    });
    UeRadio {
        pdsch_256qam: c.phy_parameters.phy_parameters_fr1.as_ref().is_some_and(|p| p.pdsch_256_qam_fr1),
        pusch_256qam: bands.clone().any(|b| b.pusch_256_qam),
        dl_layers: layers.max().unwrap_or(1),
        ul_layers: ul_layers.max().unwrap_or(1),
        cbg: c
            .phy_parameters
            .phy_parameters_common
            .as_ref()
            .is_some_and(|p| p.cbg_trans_indication_dl && p.dynamic_harq_ack_code_b_cbg_retx_dl),
        ul_codebook: match coherence {
            Some(rrc::MimoParametersPerBandPuschTransCoherence::FullCoherent) => CodebookSubset::FullyPartialNon,
            Some(rrc::MimoParametersPerBandPuschTransCoherence::PartialCoherent) => CodebookSubset::PartialNon,
            _ => CodebookSubset::Non,
        },
    }
}
