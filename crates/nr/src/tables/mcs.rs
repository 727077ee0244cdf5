//! MCS tables. Spec: TS 38.214 §5.1.3.1 (tables 5.1.3.1-1 to -4); PUSCH without transform precoding uses the same ones, with it those
//! of §6.1.4.1 (tables 6.1.4.1-1 and -2).

/// One row: modulation order and target code rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mcs {
    /// Bits a symbol Q_m: 1, 2, 4, 6, 8, 10.
    pub q_m: u8,
    /// R x 2048: an integer in every row (table 2 has 682.5/1024). 0 in the reserved rows, which keep the rate of the first
    /// transmission.
    pub rate_x2048: u16,
}

impl Mcs {
    /// R x 1024.
    pub fn rate_x1024(&self) -> f32 {
        self.rate_x2048 as f32 / 2.0
    }
    /// Bits a resource element, Q_m R.
    pub fn efficiency(&self) -> f32 {
        self.q_m as f32 * self.rate_x2048 as f32 / 2048.0
    }
    /// A row that only fixes the modulation of a retransmission.
    pub fn is_reserved(&self) -> bool {
        self.rate_x2048 == 0
    }
}

const fn rows(q_m_rate: [(u8, u16); 32]) -> [Mcs; 32] {
    let mut out = [Mcs { q_m: 2, rate_x2048: 0 }; 32];
    let mut i = 0;
    while i < 32 {
        out[i] = Mcs { q_m: q_m_rate[i].0, rate_x2048: q_m_rate[i].1 * 2 };
        i += 1;
    }
    out
}

/// Table 5.1.3.1-1: up to 64QAM.
#[rustfmt::skip]
pub const TABLE_1: [Mcs; 32] = rows([
    (2, 120), (2, 157), (2, 193), (2, 251), (2, 308), (2, 379), (2, 449), (2, 526), (2, 602), (2, 679),
    (4, 340), (4, 378), (4, 434), (4, 490), (4, 553), (4, 616), (4, 658),
    (6, 438), (6, 466), (6, 517), (6, 567), (6, 616), (6, 666), (6, 719), (6, 772), (6, 822), (6, 873), (6, 910), (6, 948),
    (2, 0), (4, 0), (6, 0),
]);

/// Table 5.1.3.1-2: up to 256QAM.
#[rustfmt::skip]
pub const TABLE_2: [Mcs; 32] = {
    let mut t = rows([
        (2, 120), (2, 193), (2, 308), (2, 449), (2, 602),
        (4, 378), (4, 434), (4, 490), (4, 553), (4, 616), (4, 658),
        (6, 466), (6, 517), (6, 567), (6, 616), (6, 666), (6, 719), (6, 772), (6, 822), (6, 873),
        (8, 682), (8, 711), (8, 754), (8, 797), (8, 841), (8, 885), (8, 916), (8, 948),
        (2, 0), (4, 0), (6, 0), (8, 0),
    ]);
    t[20].rate_x2048 = 1365;
    t[26].rate_x2048 = 1833;
    t
};

/// Table 5.1.3.1-3: low spectral efficiency.
#[rustfmt::skip]
pub const TABLE_3: [Mcs; 32] = rows([
    (2, 30), (2, 40), (2, 50), (2, 64), (2, 78), (2, 99), (2, 120), (2, 157), (2, 193), (2, 251), (2, 308), (2, 379),
    (2, 449), (2, 526), (2, 602),
    (4, 340), (4, 378), (4, 434), (4, 490), (4, 553), (4, 616),
    (6, 438), (6, 466), (6, 517), (6, 567), (6, 616), (6, 666), (6, 719), (6, 772),
    (2, 0), (4, 0), (6, 0),
]);

/// Table 5.1.3.1-4: up to 1024QAM.
#[rustfmt::skip]
pub const TABLE_4: [Mcs; 32] = {
    let mut t = rows([
        (2, 120), (2, 193), (2, 449), (4, 378), (4, 490), (4, 616),
        (6, 466), (6, 517), (6, 567), (6, 616), (6, 666), (6, 719), (6, 772), (6, 822), (6, 873),
        (8, 682), (8, 711), (8, 754), (8, 797), (8, 841), (8, 885), (8, 916), (8, 948),
        (10, 805), (10, 853), (10, 900), (10, 948),
        (2, 0), (4, 0), (6, 0), (8, 0), (10, 0),
    ]);
    t[15].rate_x2048 = 1365;
    t[21].rate_x2048 = 1833;
    t[23].rate_x2048 = 1611;
    t[25].rate_x2048 = 1801;
    t
};

const fn pi2_bpsk(mut t: [Mcs; 32], n: usize, reserved: usize) -> [Mcs; 32] {
    let mut i = 0;
    while i < n {
        t[i] = Mcs { q_m: 1, rate_x2048: 2 * t[i].rate_x2048 };
        i += 1;
    }
    t[reserved].q_m = 1;
    t
}

/// Table 6.1.4.1-1: PUSCH with transform precoding, up to 64QAM, without tp-pi2BPSK (q = 2).
#[rustfmt::skip]
pub const TRANSFORM_1: [Mcs; 32] = rows([
    (2, 120), (2, 157), (2, 193), (2, 251), (2, 308), (2, 379), (2, 449), (2, 526), (2, 602), (2, 679),
    (4, 340), (4, 378), (4, 434), (4, 490), (4, 553), (4, 616), (4, 658),
    (6, 466), (6, 517), (6, 567), (6, 616), (6, 666), (6, 719), (6, 772), (6, 822), (6, 873), (6, 910), (6, 948),
    (2, 0), (2, 0), (4, 0), (6, 0),
]);

/// Table 6.1.4.1-1 with tp-pi2BPSK (q = 1).
pub const TRANSFORM_1_PI2_BPSK: [Mcs; 32] = pi2_bpsk(TRANSFORM_1, 2, 28);

/// Table 6.1.4.1-2: PUSCH with transform precoding, low spectral efficiency, without tp-pi2BPSK (q = 2).
#[rustfmt::skip]
pub const TRANSFORM_2: [Mcs; 32] = rows([
    (2, 30), (2, 40), (2, 50), (2, 64), (2, 78), (2, 99), (2, 120), (2, 157), (2, 193), (2, 251), (2, 308), (2, 379),
    (2, 449), (2, 526), (2, 602), (2, 679),
    (4, 378), (4, 434), (4, 490), (4, 553), (4, 616), (4, 658), (4, 699), (4, 772),
    (6, 567), (6, 616), (6, 666), (6, 772),
    (2, 0), (2, 0), (4, 0), (6, 0),
]);

/// Table 6.1.4.1-2 with tp-pi2BPSK (q = 1).
pub const TRANSFORM_2_PI2_BPSK: [Mcs; 32] = pi2_bpsk(TRANSFORM_2, 6, 28);

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.1.3.1
    fn efficiency_is_as_the_tables_print_it() {
        // The fourth column of the tables, which is not stored here.
        let printed = [(&TABLE_1, 0, 0.2344), (&TABLE_1, 16, 2.5703), (&TABLE_1, 28, 5.5547), (&TABLE_2, 4, 1.1758)];
        for (table, row, value) in printed {
            assert!((table[row].efficiency() - value).abs() < 5e-5, "row {row}");
        }
        let printed = [(&TABLE_2, 20, 5.3320), (&TABLE_2, 26, 7.1602), (&TABLE_2, 27, 7.4063), (&TABLE_3, 0, 0.0586)];
        for (table, row, value) in printed {
            assert!((table[row].efficiency() - value).abs() < 6e-5, "row {row}");
        }
        let printed = [(&TABLE_4, 2, 0.8770), (&TABLE_4, 21, 7.1602), (&TABLE_4, 23, 7.8662), (&TABLE_4, 26, 9.2578)];
        for (table, row, value) in printed {
            assert!((table[row].efficiency() - value).abs() < 6e-5, "row {row}");
        }
    }

    #[test] // Spec: TS 38.214 §6.1.4.1
    fn transform_precoding_rows() {
        let printed = [(&TRANSFORM_1, 27, 5.5547), (&TRANSFORM_1_PI2_BPSK, 1, 0.3066), (&TRANSFORM_2, 23, 3.0156)];
        for (table, row, value) in printed {
            assert!((table[row].efficiency() - value).abs() < 6e-5, "row {row}");
        }
        assert_eq!(TRANSFORM_2_PI2_BPSK[5], Mcs { q_m: 1, rate_x2048: 396 });
        assert_eq!(TRANSFORM_2_PI2_BPSK[6], TRANSFORM_2[6]);
        assert_eq!((TRANSFORM_1_PI2_BPSK[28].q_m, TRANSFORM_1_PI2_BPSK[29].q_m), (1, 2));
    }
}
