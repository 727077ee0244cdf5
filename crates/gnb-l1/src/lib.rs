//! The base station's physical layer: slot PDUs to samples and back.
