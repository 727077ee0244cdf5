//! The base station's RRC, PDCP, SDAP and NGAP: the central unit.
