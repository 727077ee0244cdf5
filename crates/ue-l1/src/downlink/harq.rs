//! Downlink HARQ processes: soft buffers, new data indicators, what was decoded already. Spec: TS 38.321 §5.3.2

use fapi::{Coding, PdschPdu};
use fec::sch::SoftBuffer;
use nr::Rnti;

/// HARQ processes.
pub const N_HARQ: usize = 16;

/// One process.
pub struct DlProcess {
    /// Its soft bits.
    pub soft: SoftBuffer,
    ndi: Option<bool>,
    rnti: Rnti,
    /// Coding of the first transmission, for reserved MCS rows.
    pub coding: Option<Coding>,
    /// The block was decoded and handed up.
    pub done: bool,
    /// Code block groups received so far: bit m is group m. Spec: TS 38.213 §9.1.1
    pub groups: u8,
}

impl DlProcess {
    /// A process for blocks of up to `tbs_bits`.
    pub fn new(tbs_bits: u32) -> Self {
        Self { soft: SoftBuffer::new(tbs_bits), ndi: None, rnti: Rnti(0), coding: None, done: false, groups: 0 }
    }

    /// Forgets everything. Spec: TS 38.321 §5.12 (MAC reset)
    pub fn reset(&mut self) {
        self.soft.clear();
        (self.ndi, self.coding, self.done, self.groups) = (None, None, false, 0);
    }

    /// Notes an assignment; says whether it is a new transmission: the indicator has toggled, it is the first, or it is of another RNTI
    /// or another size.
    pub fn assign(&mut self, pdu: &PdschPdu, ndi: bool) -> bool {
        let same_size = self.coding.is_some_and(|c| c.tbs_bytes == pdu.coding.tbs_bytes);
        let new = self.ndi != Some(ndi) || self.rnti != pdu.rnti || !same_size;
        (self.ndi, self.rnti) = (Some(ndi), pdu.rnti);
        if new {
            self.coding = Some(pdu.coding);
            (self.done, self.groups) = (false, 0);
        }
        new
    }
}
