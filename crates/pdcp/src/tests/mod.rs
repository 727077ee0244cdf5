mod script;
mod vectors;
mod world;

use crate::{End, PdcpConfig, Security, Setup};
use nr::DrbId;
use seam::bearer::Bearer;
use security::{NeaAlg, NiaAlg};

fn drb() -> Bearer {
    Bearer::Drb(DrbId::new(1).unwrap())
}

fn drb_setup(end: End, sn_bits: u8, acknowledged: bool) -> Setup {
    let config = PdcpConfig {
        sn_bits,
        discard_timer_ms: None,
        t_reordering_ms: Some(40),
        integrity: true,
        ciphering: true,
        status_report_required: true,
        out_of_order_delivery: false,
    };
    Setup { bearer: drb(), end, config, acknowledged, sdap_tx: false, sdap_rx: false }
}

fn keys(n: u8) -> Security {
    Security { nea: NeaAlg::Nea2, nia: NiaAlg::Nia2, enc: [n; 16], int: [n ^ 0x55; 16] }
}
