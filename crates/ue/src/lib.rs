//! The terminal: ue-l1, ue-l2 and ue-cp composed.
