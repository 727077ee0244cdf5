//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::{
    NgapError, Pdu, ReleaseCommandTransfer, SetupRequestTransfer, SetupResponseTransfer, UnsuccessfulTransfer,
};

/// One run of a fuzzer: `data` as a message, and as each transfer.
///
/// # Panics
/// If a decoded value encodes to something that does not decode to it: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    again(data, Pdu::decode, Pdu::encode);
    again(data, SetupRequestTransfer::decode, SetupRequestTransfer::encode);
    again(data, SetupResponseTransfer::decode, SetupResponseTransfer::encode);
    again(data, UnsuccessfulTransfer::decode, UnsuccessfulTransfer::encode);
    again(data, ReleaseCommandTransfer::decode, ReleaseCommandTransfer::encode);
}

fn again<T: PartialEq + core::fmt::Debug>(
    data: &[u8],
    decode: fn(&[u8]) -> Result<T, NgapError>,
    encode: fn(&T) -> Result<Vec<u8>, NgapError>,
) {
    match decode(data) {
        // Not every value that is read has an encoding, and a cause that this crate does not know goes on as its group's
        // unspecified one: but what was encoded is read as what is encoded the same.
        Ok(value) => {
            if let Ok(octets) = encode(&value) {
                let again = decode(&octets).and_then(|value| encode(&value));
                assert_eq!(again.as_ref(), Ok(&octets), "another one the second time: {value:?}");
            }
        }
        Err(e) => {
            let _ = (e.cause(), e.to_string());
        }
    }
}
