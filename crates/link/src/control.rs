//! PDCCH and PBCH. Spec: TS 38.101-4 §5.3, §5.4
