//! One inlined body, compiled once for each instruction set.

/// Defines a function whose first argument is a [`dsp::Isa`] and that runs `body`, compiled for that instruction set.
///
/// The body must be `#[inline(always)]`; without fused multiply-add every form rounds alike and gives the same bits.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path) => {
        $(#[$meta])*
        $vis fn $name(isa: dsp::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
                #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
                match isa.effective() {
                    // SAFETY: `effective` returns only what the machine has.
                    dsp::Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    // SAFETY: as above.
                    dsp::Isa::Avx512 => return unsafe { avx512($($arg),*) },
                    _ => {}
                }
            }
            let _ = isa;
            $body($($arg),*)
        }
    };
}
pub(crate) use multiversion;
