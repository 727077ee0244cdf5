//! Offsets of UCI on PUSCH. Spec: TS 38.213 §9.3

/// Table 9.3-1: beta_offset of HARQ-ACK by betaOffsetACK-Index; the rest up to 31 is reserved.
pub const HARQ_ACK: [f32; 16] =
    [1.0, 2.0, 2.5, 3.125, 4.0, 5.0, 6.25, 8.0, 10.0, 12.625, 15.875, 20.0, 31.0, 50.0, 80.0, 126.0];

/// Table 9.3-2: beta_offset of CSI parts 1 and 2 by their indices; the rest up to 31 is reserved.
pub const CSI: [f32; 19] = [
    1.125, 1.25, 1.375, 1.625, 1.75, 2.0, 2.25, 2.5, 2.875, 3.125, 3.5, 4.0, 5.0, 6.25, 8.0, 10.0, 12.625, 15.875, 20.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.213 §9.3
    fn tables_ascend_and_cross_check() {
        assert!(HARQ_ACK.windows(2).all(|w| w[0] < w[1]) && CSI.windows(2).all(|w| w[0] < w[1]));
        // From 2 to 20 every HARQ-ACK value of table 9.3-1 stands in table 9.3-2 too, except those above 20.
        assert!(HARQ_ACK[1..12].iter().all(|b| CSI.contains(b)));
    }
}
