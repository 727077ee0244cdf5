//! PRACH detection and false alarm. Spec: TS 38.104 §8.4
