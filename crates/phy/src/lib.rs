//! Every physical channel and signal, transmit and receive side by side.
