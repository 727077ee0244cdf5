//! Paging: which idle UEs are called in which slot. Spec: TS 38.304 §7.1, TS 38.331 §5.3.2

use crate::du::GnbDu;
use crate::rrc_build;
use nr::{SlotPoint, Tc};

/// Records in one paging message. Spec: TS 38.331 maxNrofPageRec
const RECORDS_MAX: usize = 32;
/// UEs that may wait to be called; of more the newest are not. The core calls again.
const PAGES_MAX: usize = 1024;
/// A call that found no room for two of the longest cycles is given up.
const PATIENCE: Tc = Tc::from_ms(5_120);

/// A UE to call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    s_tmsi: u64,
    cycle_frames: Option<u16>,
    until: Tc,
    /// In the message at hand.
    chosen: bool,
}

impl GnbDu {
    /// Takes a call; one for a UE that is being called already changes nothing.
    pub(crate) fn page(&mut self, now: Tc, s_tmsi: u64, cycle_frames: Option<u16>) {
        if self.pages.len() < PAGES_MAX && !self.pages.iter().any(|page| page.s_tmsi == s_tmsi) {
            self.pages.push(Page { s_tmsi, cycle_frames, until: now + PATIENCE, chosen: false });
        }
    }

    /// Writes the message for the UEs that listen in `slot`, and has the scheduler place it.
    pub(crate) fn prepare_paging(&mut self, now: Tc, slot: SlotPoint) {
        self.paging.clear();
        if self.pages.is_empty() {
            return;
        }
        self.pages.retain(|page| page.until > now);
        let Some(config) = self.cell.config.paging else { return };
        let mut records = Vec::new();
        for page in &mut self.pages {
            let ue_id = (page.s_tmsi & 1023) as u16;
            page.chosen =
                records.len() < RECORDS_MAX && config.is_occasion(&self.cell.config, ue_id, page.cycle_frames, slot);
            if page.chosen {
                records.push(page.s_tmsi);
            }
        }
        if !records.is_empty() {
            self.paging = rrc_build::paging(&records).unwrap_or_default();
            self.sched.set_paging(self.paging.len() as u32);
        }
    }

    /// The message has its place: who is in it has been called.
    pub(crate) fn paged(&mut self) {
        self.pages.retain(|page| !page.chosen);
    }
}
