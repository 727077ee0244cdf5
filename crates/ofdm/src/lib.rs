//! Resource grids, OFDM modulation and demodulation.
