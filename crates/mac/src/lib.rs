//! MAC PDUs as gNB and UE exchange them. Spec: TS 38.321
//!
//! | what | where |
//! |---|---|
//! | read a transport block | [`DlReader`] (at the UE), [`UlReader`] (at the gNB): iterators over borrowed subPDUs |
//! | fill a transport block | [`PduBuilder`]: writes into the caller's buffer, pads at [`PduBuilder::finish`] |
//! | random access response | [`rar::encode_rar_pdu`], [`rar::RarReader`], [`rar::Rar`] |
//! | buffer status | [`bsr::Bsr`], levels to bytes and back |
//! | power headroom | [`phr::Phr`] |
//!
//! A gNB builds a downlink block as control elements first, then for each logical channel `sdu_with(lcid, |room| rlc.pull(now,
//! room))` until `remaining()` is small or nothing is left, then `finish()`. A reserved LCID ends a received PDU with an `Err`;
//! what came before it is valid (Spec: TS 38.321 §5.13). An SDU of a channel that is not configured is for the caller to drop.
//!
//! Nothing here has state: the procedures of the UE are in `ue-l2`, those of the gNB in `gnb-du`.
//!
//! Left out: extended LCIDs (they end the PDU as unsupported ones), multiple entry PHR, sidelink, beam failure recovery,
//! recommended bit rate (handed out as `Other`).

pub mod bsr;
pub mod lcid;
mod pdu;
pub mod phr;
pub mod rar;
#[cfg(test)]
mod tests;

pub use bsr::Bsr;
pub use pdu::{DlReader, DlSubPdu, PduBuilder, PduError, UlReader, UlSubPdu, sdu_len_with_header};
pub use phr::Phr;
pub use rar::{Rar, RarReader, RarSubPdu};

/// Reads `data` as every kind of MAC PDU; for fuzzers. Never panics.
pub fn fuzz_one(data: &[u8]) {
    DlReader::new(data).for_each(drop);
    for sub in UlReader::new(data).flatten() {
        if let UlSubPdu::Bsr(bsr) = sub {
            let mut again = [0; 9];
            bsr.encode(&mut again);
            let _ = (0..=8u8).filter_map(|lcg| bsr.bytes(lcg)).max();
        }
    }
    RarReader::new(data, 0x8000_0000_0000_0001).for_each(drop);
}
