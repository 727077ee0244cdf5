//! The core's functions: AMF, AUSF, UDM, SMF, UPF.
