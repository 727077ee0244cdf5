//! Paging. Spec: TS 38.413 §8.5

use nr::Plmn;
use oxirush_ngap::extract_ngap_ies;
use oxirush_ngap::ngap::*;

use crate::NgapError;
use crate::convert::{self, finish, put};

/// A tracking area's identity. Spec: TS 38.413 §9.3.3.11
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tai {
    /// PLMN.
    pub plmn: Plmn,
    /// Tracking area code, 24 bits.
    pub tac: u32,
}

/// PAGING. Spec: TS 38.413 §9.2.4.1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// 5G-S-TMSI, 48 bits: who is called.
    pub s_tmsi: u64,
    /// Where, 1 to 16 tracking areas.
    pub tais: Vec<Tai>,
    /// The UE's own paging cycle in radio frames: 32, 64, 128 or 256.
    pub drx: Option<u16>,
}

impl Paging {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NgapError> {
        let item = |tai: &Tai| {
            TAIListForPagingItem::new(TAI::new(convert::plmn(tai.plmn), TAC(convert::low3(tai.tac)), None), None)
        };
        let mut ies = Vec::new();
        put!(ies, Paging, UEPagingIdentity(UEPagingIdentity::fiveG_S_TMSI(convert::s_tmsi(self.s_tmsi))));
        if let Some(drx) = self.drx {
            let drx = match drx {
                ..=32 => PagingDRX::v32,
                33..=64 => PagingDRX::v64,
                65..=128 => PagingDRX::v128,
                _ => PagingDRX::v256,
            };
            put!(ies, Paging, PagingDRX(drx));
        }
        put!(ies, Paging, TAIListForPaging(TAIListForPaging(self.tais.iter().map(item).collect())));
        type Message<'a> = oxirush_ngap::ngap::Paging<'a>;
        finish!(ies, Message)
    }

    pub(crate) fn from_pdu(pdu: &NGAPPDU<'_>) -> Result<Self, NgapError> {
        extract_ngap_ies!(pdu, Paging,
            req identity: UEPagingIdentity = UEPagingIdentity(identity) => identity,
            lax drx: PagingDRX = PagingDRX(drx) => drx,
            req areas: TAIListForPaging = TAIListForPaging(areas) => areas,
        );
        let UEPagingIdentity::fiveG_S_TMSI(identity) = &identity else {
            return Err(NgapError::NotComprehended { what: "a paging identity that is no 5G-S-TMSI".into() });
        };
        let tai = |item: &TAIListForPagingItem| {
            Ok(Tai { plmn: convert::plmn_from(&item.tai.plmn_identity)?, tac: convert::u24(item.tai.tac.0) })
        };
        let drx = drx.map(|drx| match drx {
            PagingDRX::v32 => 32,
            PagingDRX::v64 => 64,
            PagingDRX::v128 => 128,
            _ => 256,
        });
        let tais = areas.0.iter().map(tai).collect::<Result<_, NgapError>>()?;
        Ok(Self { s_tmsi: convert::s_tmsi_from(identity), tais, drx })
    }
}
