//! TS 38.321: PDUs, control elements, and the entities that gNB and UE share.
