//! The terminal's physical layer: cell search, tracking, DCI to PDU, soft buffers.
