//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::polar::PolarCodec;
use crate::sch::{SchDecoder, SchParams, SoftBuffer};
use crate::{Isa, Llr, dci, pbch, short, uci};
use std::cell::RefCell;

struct Decoders {
    polar: PolarCodec,
    sch: SchDecoder,
    soft: SoftBuffer,
}

/// The largest transport block that a run tries.
const TBS_BITS_MAX: u32 = 20_000;

thread_local! {
    static DECODERS: RefCell<Decoders> = RefCell::new(Decoders {
        polar: PolarCodec::new(8),
        sch: SchDecoder::new(Isa::best()),
        soft: SoftBuffer::new(TBS_BITS_MAX),
    });
}

/// One run of a fuzzer: eight octets choose a decoder and its parameters, the others are soft bits, again and again to the
/// length that the parameters ask for.
///
/// # Panics
/// If a decoder takes what contradicts itself, or says that a block of erasures arrived: bugs of this crate.
pub fn fuzz_one(data: &[u8]) {
    let Some((&[kind, a, b, c, d, e, f, g], soft)) = data.split_first_chunk() else { return };
    let erased = soft.iter().all(|&octet| octet == 0);
    let llrs = |n: usize| -> Vec<Llr> { soft.iter().chain(&[0]).cycle().take(n).map(|&octet| octet as Llr).collect() };
    let (ab, cd) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    DECODERS.with_borrow_mut(|decoders| match kind % 5 {
        0 => {
            let mut payload = vec![0; usize::from(a)];
            let hit = dci::decode(&mut decoders.polar, &llrs(usize::from(cd % 2048)), &[0xffff, 0x4601], &mut payload);
            assert!(!(erased && matches!(hit, Ok(Some(_)))), "a DCI of erasures");
        }
        1 => {
            let n = if a == 0 { usize::from(cd) } else { 864 };
            let payload = pbch::decode(&mut decoders.polar, &llrs(n));
            assert!(!(erased && matches!(payload, Ok(Some(_)))), "a PBCH of erasures");
        }
        2 => {
            let mut payload = vec![0; usize::from(ab % 1800)];
            let result = uci::decode(&mut decoders.polar, &llrs(usize::from(cd % 17_000)), e, &mut payload);
            if let Ok(result) = result {
                assert!(result.metric.is_finite());
                assert!(!(erased && result.crc_ok == Some(true)), "a UCI of erasures");
            }
        }
        3 => {
            let mut bits = vec![0; usize::from(a % 14)];
            if let Some(metric) = short::decode(&llrs(usize::from(cd % 4096)), usize::from(e), &mut bits) {
                assert!(metric.is_finite());
            }
        }
        _ => {
            let q_m = [1, 2, 4, 6, 8, e][usize::from(e % 6)];
            let n_layers = 1 + (f & 3);
            let unit = u32::from(q_m.max(1)) * u32::from(n_layers);
            let params = SchParams {
                tbs_bits: u32::from(ab) % (TBS_BITS_MAX / 8 + 100) * 8 + u32::from(f >> 7),
                code_rate_x1024: f32::from(cd & 0x3ff),
                q_m,
                n_layers,
                rv: f >> 2 & 7,
                g: u32::from(cd) % 12_000 / unit * unit + u32::from(f >> 6 & 1),
                tbs_lbrm: (g != 0).then_some(u32::from(g) * 400),
            };
            let (llrs, mut tb) = (llrs(params.g as usize), vec![0; params.tbs_bits as usize / 8]);
            for new_data in [true, false] {
                let Decoders { sch, soft, .. } = decoders;
                let result = sch.decode(&params, &llrs, soft, new_data, 4, &mut tb);
                assert!(!(erased && result.is_ok_and(|r| r.crc_ok)), "a transport block of erasures");
            }
        }
    });
}
