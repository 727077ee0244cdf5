//! CQI tables. Spec: TS 38.214 §5.2.2.1 (tables 5.2.2.1-2 to -5)

use super::mcs::Mcs;

const fn rows(r: [(u8, u16); 15]) -> [Mcs; 16] {
    let mut out = [Mcs { q_m: 0, rate_x2048: 0 }; 16];
    let mut i = 0;
    while i < 15 {
        out[i + 1] = Mcs { q_m: r[i].0, rate_x2048: r[i].1 * 2 };
        i += 1;
    }
    out
}

/// Table 5.2.2.1-2: up to 64QAM. Row 0 is "out of range".
#[rustfmt::skip]
pub const TABLE_1: [Mcs; 16] = rows([
    (2, 78), (2, 120), (2, 193), (2, 308), (2, 449), (2, 602), (4, 378), (4, 490), (4, 616),
    (6, 466), (6, 567), (6, 666), (6, 772), (6, 873), (6, 948),
]);

/// Table 5.2.2.1-3: up to 256QAM.
#[rustfmt::skip]
pub const TABLE_2: [Mcs; 16] = rows([
    (2, 78), (2, 193), (2, 449), (4, 378), (4, 490), (4, 616),
    (6, 466), (6, 567), (6, 666), (6, 772), (6, 873), (8, 711), (8, 797), (8, 885), (8, 948),
]);

/// Table 5.2.2.1-4: low spectral efficiency.
#[rustfmt::skip]
pub const TABLE_3: [Mcs; 16] = rows([
    (2, 30), (2, 50), (2, 78), (2, 120), (2, 193), (2, 308), (2, 449), (2, 602), (4, 378), (4, 490), (4, 616),
    (6, 466), (6, 567), (6, 666), (6, 772),
]);

/// Table 5.2.2.1-5: up to 1024QAM.
#[rustfmt::skip]
pub const TABLE_4: [Mcs; 16] = rows([
    (2, 78), (2, 193), (2, 449), (4, 378), (4, 616), (6, 567), (6, 666), (6, 772), (6, 873),
    (8, 711), (8, 797), (8, 885), (8, 948), (10, 853), (10, 948),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.2.2.1
    fn efficiency_is_as_the_tables_print_it() {
        let sums = [
            (&TABLE_1, 5.5547, 0.1523),
            (&TABLE_2, 7.4063, 0.1523),
            (&TABLE_3, 4.5234, 0.0586),
            (&TABLE_4, 9.2578, 0.1523),
        ];
        for (table, last, first) in sums {
            assert!((table[15].efficiency() - last).abs() < 6e-5);
            assert!((table[1].efficiency() - first).abs() < 5e-5);
            assert!(table.windows(2).all(|w| w[0].efficiency() < w[1].efficiency()));
        }
    }
}
