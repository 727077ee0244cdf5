//! The seam between L1 and L2, for gNB and UE alike.
