mod bits;
mod script;
mod world;

use crate::RlcConfig;

fn am(sn_bits: u8) -> RlcConfig {
    RlcConfig::Am {
        sn_bits,
        t_poll_retransmit_ms: 20,
        poll_pdu: Some(16),
        poll_byte: Some(10_000),
        max_retx_threshold: 32,
        t_reassembly_ms: 10,
        t_status_prohibit_ms: 5,
    }
}

fn um(sn_bits: u8) -> RlcConfig {
    RlcConfig::Um { sn_bits, t_reassembly_ms: 10 }
}
