//! The base station: gnb-l1, gnb-du and gnb-cu composed.
