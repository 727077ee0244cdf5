//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::suci::{self, Scheme};

/// One run of a fuzzer: `data` as a scheme output, as a public key and as BCD.
///
/// # Panics
/// If what was concealed is not revealed: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    let private = [0x11; 32];
    for scheme in [Scheme::Null, Scheme::ProfileA, Scheme::ProfileB] {
        let _ = suci::deconceal(scheme, &private, data);
        let _ = suci::conceal(scheme, data, &[0x22; 32], &[0x21, 0xf3]);
    }
    if let Ok(msin) = suci::bcd_to_msin(data) {
        let bcd = suci::msin_to_bcd(&msin);
        assert_eq!(bcd.as_deref(), Ok(data), "{msin}");
    }
}
