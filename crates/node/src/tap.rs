use nr::{Rnti, SlotPoint, Tc};

/// Which way a message went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Towards the network.
    Uplink,
    /// Towards the terminal.
    Downlink,
}

/// What kind of RNTI addressed a MAC PDU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MacKind {
    /// System information on the DL-SCH.
    Si,
    /// Random access response.
    Ra,
    /// Paging.
    Paging,
    /// A terminal's own (temporary or cell) RNTI.
    Cell,
    /// The broadcast channel's MIB.
    Bch,
}

/// A frame as it crossed an interface: these very bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// N2: an NGAP message.
    Ngap(Vec<u8>),
    /// N1: a NAS message as it crossed (perhaps protected).
    Nas(Vec<u8>),
    /// N1: the deciphered copy of the protected NAS message before it.
    NasPlain(Vec<u8>),
    /// N4: a PFCP message.
    Pfcp(Vec<u8>),
    /// N3: a GTP-U packet.
    Gtpu(Vec<u8>),
    /// N6: an IP packet.
    Ip(Vec<u8>),
    /// Uu: a MAC PDU.
    Mac { rnti: Rnti, kind: MacKind, slot: SlotPoint, harq: u8, pdu: Vec<u8> },
    /// Uu: an RRC message; `channel` is the logical channel as dissectors name it ("bcch.bch", "ul.dcch" ...).
    Rrc { rnti: Rnti, channel: &'static str, pdu: Vec<u8> },
    /// Uu: an RLC PDU of a radio bearer (`sn_bits` 0 for TM).
    Rlc { rnti: Rnti, lcid: u8, acknowledged: bool, sn_bits: u8, pdu: Vec<u8> },
    /// Uu: a PDCP PDU; `sdap` is (uplink, downlink): whether SDUs begin with an SDAP header.
    Pdcp { rnti: Rnti, lcid: u8, srb: bool, sn_bits: u8, integrity: bool, sdap: (bool, bool), pdu: Vec<u8> },
}

/// A frame with its time, direction and terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tap {
    /// When it crossed.
    pub at: Tc,
    /// Which way.
    pub direction: Direction,
    /// The terminal it belongs to, where that is known (0 otherwise).
    pub ue: u32,
    /// Its bytes.
    pub frame: Frame,
}
