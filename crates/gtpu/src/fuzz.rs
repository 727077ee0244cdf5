//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::{Kind, Packet, g_pdu};

/// One run of a fuzzer: `data` as a packet.
///
/// # Panics
/// If a user's packet with its container, sent on, does not arrive as it was: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    let Ok(packet) = Packet::decode(data) else { return };
    let _ = packet.error_indication();
    let (Kind::GPdu, Some(container)) = (packet.kind, packet.container) else { return };
    if let Ok(octets) = g_pdu(packet.teid, container, packet.payload) {
        let again = Packet::decode(&octets).map(|p| (p.kind, p.teid, p.container, p.payload));
        assert_eq!(again, Ok((Kind::GPdu, packet.teid, Some(container), packet.payload)));
    }
}
