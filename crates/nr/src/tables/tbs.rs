//! Transport block size. Spec: TS 38.214 §5.1.3.2, §6.1.4.2; TS 38.212 §5.4.2.1
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | N'_RE | `n_re_prb` | resource elements of one PRB that carry data, before the cap of 156 |
//! | R | `rate_x2048` | target code rate x 2048 |
//! | Q_m | `q_m` | modulation order |
//! | v | `n_layers` | layers |

/// Table 5.1.3.2-1: sizes up to 3824 bits.
#[rustfmt::skip]
pub const SMALL: [u16; 93] = [
    24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 176, 184, 192, 208, 224, 240, 256,
    272, 288, 304, 320, 336, 352, 368, 384, 408, 432, 456, 480, 504, 528, 552, 576, 608, 640, 672, 704, 736, 768, 808, 848,
    888, 928, 984, 1032, 1064, 1128, 1160, 1192, 1224, 1256, 1288, 1320, 1352, 1416, 1480, 1544, 1608, 1672, 1736, 1800,
    1864, 1928, 2024, 2088, 2152, 2216, 2280, 2408, 2472, 2536, 2600, 2664, 2728, 2792, 2856, 2976, 3104, 3240, 3368, 3496,
    3624, 3752, 3824,
];

/// Resource elements N_RE of an allocation: min(156, N'_RE) n_PRB with N'_RE = 12 L - N_DMRS - N_oh.
///
/// - `n_dmrs` DM-RS elements of one PRB over the allocation, elements of CDM groups without data included.
/// - `x_overhead` 0, 6, 12 or 18.
pub const fn n_re(n_symbols: u32, n_dmrs: u32, x_overhead: u32, n_prb: u32) -> u32 {
    let per_prb = (12 * n_symbols).saturating_sub(n_dmrs + x_overhead);
    (if per_prb > 156 { 156 } else { per_prb }) * n_prb
}

/// Transport block size in bits: a multiple of 8, 24 or more.
///
/// Spec: TS 38.214 §5.1.3.2
/// - `n_re` from [`n_re`]; `scaling_shift` 0, 1 or 2 for S = 1, 0.5, 0.25 (table 5.1.3.2-2, P-RNTI and RA-RNTI).
pub fn tbs_bits(n_re: u32, rate_x2048: u16, q_m: u8, n_layers: u8, scaling_shift: u8) -> u32 {
    // N_info in units of 1/2^shift bit, so that every comparison is exact.
    let shift = 11 + scaling_shift.min(2) as u32;
    let n_info = n_re as u64 * rate_x2048 as u64 * q_m as u64 * n_layers as u64;
    if n_info <= 3824 << shift {
        let whole = (n_info >> shift).max(1);
        let n = (whole.ilog2().saturating_sub(6)).max(3);
        let quantised = (whole >> n << n).max(24);
        let i = SMALL.partition_point(|t| (*t as u64) < quantised);
        return SMALL[i.min(SMALL.len() - 1)] as u32;
    }
    let above = n_info - (24 << shift);
    let n = (above >> shift).ilog2() - 5;
    let half = 1u64 << (shift + n - 1);
    let quantised = ((above + half) >> (shift + n) << n).max(3840);
    let c = if rate_x2048 <= 512 {
        (quantised + 24).div_ceil(3816)
    } else if quantised > 8424 {
        (quantised + 24).div_ceil(8424)
    } else {
        1
    };
    (8 * c * (quantised + 24).div_ceil(8 * c) - 24) as u32
}

/// TBS_LBRM in bits: the block size that fixes the soft buffer of limited-buffer rate matching.
///
/// Spec: TS 38.212 §5.4.2.1, table 5.4.2.1-1
/// - `n_prb_max` most PRBs over all configured bandwidth parts; `n_layers` layers assumed, capped at 4;
///   `q_m_max` 8 where 256QAM is configured, else 6.
pub fn tbs_lbrm(n_prb_max: u16, n_layers: u8, q_m_max: u8) -> u32 {
    let n_prb = match n_prb_max {
        0..=32 => 32,
        33..=66 => 66,
        67..=107 => 107,
        108..=135 => 135,
        136..=162 => 162,
        163..=217 => 217,
        _ => 273,
    };
    tbs_bits(156 * n_prb, 2 * 948, q_m_max, n_layers.clamp(1, 4), 0)
}

/// Code blocks C of a transport block. Spec: TS 38.212 §5.2.2, §6.2.2, §7.2.2
///
/// - `tbs_bits`    transport block size A
/// - `rate_x1024`  target code rate of its first transmission, x 1024
pub fn n_code_blocks(tbs_bits: u32, rate_x1024: f32) -> u32 {
    let graph_2 = tbs_bits <= 292 || tbs_bits <= 3824 && rate_x1024 <= 0.67 * 1024.0 || rate_x1024 <= 0.25 * 1024.0;
    let k_cb = if graph_2 { 3840 } else { 8448 };
    let b = tbs_bits + if tbs_bits > 3824 { 24 } else { 16 };
    if b <= k_cb { 1 } else { b.div_ceil(k_cb - 24) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.1.3.2; values: py3gpp 0.6.0 nrTBS
    fn sizes_equal_the_independent_model() {
        for line in include_str!("../../../../vectors/tbs.csv").lines().filter(|l| !l.starts_with('#')) {
            let v: Vec<u32> = line.split(',').map(|x| x.trim().parse().unwrap()).collect();
            let got = tbs_bits(v[0].min(156) * v[1], v[2] as u16, v[3] as u8, v[4] as u8, 0);
            assert_eq!(got, v[5], "{line}");
        }
    }

    #[test] // Spec: TS 38.212 §5.4.2.1
    fn limited_buffer_size_of_known_carriers() {
        // 273 PRB, 4 layers, 256QAM: 1 277 992 bits is the well-known peak block of 100 MHz.
        assert_eq!(tbs_lbrm(273, 4, 8), 1_277_992);
        assert_eq!(tbs_lbrm(200, 1, 6), tbs_lbrm(217, 1, 6));
    }

    #[test] // Spec: TS 38.214 §5.1.3.2
    fn overhead_is_capped_at_156_elements() {
        assert_eq!(n_re(14, 6, 0, 10), 1560);
        assert_eq!(n_re(12, 12, 6, 10), 1260);
    }

    #[test] // Spec: TS 38.212 §5.2.2, §6.2.2 (base graphs and segmentation)
    fn code_blocks_by_graph() {
        assert_eq!((n_code_blocks(292, 900.0), n_code_blocks(3824, 900.0), n_code_blocks(8424, 900.0)), (1, 1, 1));
        assert_eq!((n_code_blocks(8448, 900.0), n_code_blocks(8448, 256.0)), (2, 3));
        assert_eq!(n_code_blocks(1_277_992, 948.0), 152);
    }
}
