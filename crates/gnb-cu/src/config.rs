//! What the central unit is told.

use ngap::GlobalGnbId;
use nr::{Pci, Plmn, SNssai};
use std::net::IpAddr;

/// Configuration of the central unit.
#[derive(Clone, Debug)]
pub struct GnbCuConfig {
    /// Global gNB identity.
    pub gnb: GlobalGnbId,
    /// RAN node name.
    pub name: String,
    /// PLMN of the cell.
    pub plmn: Plmn,
    /// Tracking area code.
    pub tac: u32,
    /// NR cell identity, 36 bits.
    pub nr_cell_id: u64,
    /// Slices the cell supports.
    pub slices: Vec<SNssai>,
    /// Physical cell identity: an input of K_NG-RAN*.
    pub pci: Pci,
    /// NR-ARFCN of the SS/PBCH block: an input of K_NG-RAN*.
    pub ssb_arfcn: u32,
    /// Address of N3.
    pub n3_address: IpAddr,
    /// Ciphering algorithms in order of preference.
    pub nea: Vec<u8>,
    /// Integrity algorithms in order of preference.
    pub nia: Vec<u8>,
    /// NEA0 and NIA0 may be chosen. Off by default.
    pub allow_null: bool,
    /// Integrity protection of user data, also where the core does not require it.
    pub up_integrity: bool,
    /// DRBs use RLC AM (else UM).
    pub drb_acknowledged: bool,
    /// pdcp-SN-Size of DRBs: 12 or 18.
    pub drb_pdcp_sn_bits: u8,
    /// t-Reordering of DRBs, ms.
    pub drb_t_reordering_ms: u32,
    /// SDAP headers, both ways.
    pub sdap_header: bool,
    /// Downlink bytes of a DRB that may wait in the DU; what comes beyond is dropped, as a router does.
    pub drb_queue_bytes: u32,
    /// A UE that nothing has crossed for in this time is released, and becomes idle. `None`: never.
    pub inactivity: Option<nr::Tc>,
    /// Most UEs.
    pub ues_max: usize,
}
