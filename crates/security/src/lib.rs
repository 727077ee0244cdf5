//! NEA and NIA 1 to 3, MILENAGE and TUAK, key derivation, SUCI.
