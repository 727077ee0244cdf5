//! gNB, UEs, core and air on one virtual clock.
