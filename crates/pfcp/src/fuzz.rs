//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::{Header, Message};

/// One run of a fuzzer: `data` as a message.
///
/// # Panics
/// If a decoded message encodes to something that does not decode to it: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    let header = Header::peek(data);
    match Message::decode(data) {
        Ok(message) => {
            assert_eq!(header.map(|h| (h.seid, h.sequence)), Ok((message.seid, message.sequence)));
            let octets = message.encode();
            assert_eq!(Message::decode(&octets).as_ref(), Ok(&message), "another one the second time");
        }
        Err(e) => {
            let _ = (e.cause(), e.to_string());
        }
    }
}
