//! The demodulation requirements as rows that can be run. Spec: TS 38.104 §8, TS 38.101-4 §5
