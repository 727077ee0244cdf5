//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::protection::unverified_inner;
use crate::{Message, ProtectionError, SecurityContext, SecurityHeader, SecurityHeaderType, Side};
use security::{NeaAlg, NiaAlg};

/// One run of a fuzzer: `data` as a plain message, as a protected one, and as the content of a protected one.
///
/// # Panics
/// If a decoded message encodes to something that does not decode to it: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    plain(data);
    let _ = SecurityHeader::peek(data);
    if let Some(inner) = unverified_inner(data) {
        plain(inner);
    }
    for nia in [NiaAlg::Nia0, NiaAlg::Nia2] {
        let context = |side| SecurityContext::new(side, 1, [7; 32], NeaAlg::Nea2, nia);
        if let Ok(inside) = context(Side::Amf).unprotect(data) {
            plain(&inside.plain);
        }
        let protected = context(Side::Ue).protect(SecurityHeaderType::IntegrityCiphered, data);
        let inside = context(Side::Amf).unprotect(&protected);
        // Nothing at all is no message, protected or not.
        let expected = if data.is_empty() { Err(ProtectionError::NotProtected) } else { Ok(data.to_vec()) };
        assert_eq!(inside.map(|inside| inside.plain), expected, "protection is not undone");
    }
}

fn plain(data: &[u8]) {
    let message = match Message::decode(data) {
        Ok(message) => message,
        Err(e) => {
            let _ = (e.cause(), e.to_string());
            return;
        }
    };
    let again = message.encode();
    assert_eq!(Message::decode(&again).as_ref(), Ok(&message), "{}: another one the second time", message.name());
}
