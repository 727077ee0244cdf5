//! TS 38.322: TM, UM and AM entities.
