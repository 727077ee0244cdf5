//! Constant tables of the specifications, one module for each family.
