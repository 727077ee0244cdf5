//! A hostile gNB with hostile UEs behind it, and a hostile data network: for fuzz targets and for tests.

use node::{Node, Outbox, Rng, Script};
use nr::Tc;

use crate::config::{CoreConfig, Credentials, TapConfig};
use crate::{Core, CoreInput, CoreOutput, GnbId};

/// Fires of timers at one moment beyond which they would never end.
const FIRES_MAX: usize = 10_000;
/// Contexts that a script can make: one for each message at most.
const UES_MAX: usize = 1024;

/// One run of a fuzzer: an octet of options, then operations: NGAP of two gNBs, GTP-U, packets of the data network, the operator, and
/// time.
///
/// # Panics
/// If an NGAP message is sent that does not decode, a bound is broken, or a timer fires without end: bugs of this crate.
pub fn fuzz_one(data: &[u8]) {
    let _ = after(data);
}

/// The core after a script.
fn after(data: &[u8]) -> Option<Core> {
    let mut s = Script::new(data);
    let options = s.u8();
    let mut config = CoreConfig::lab(1, 1);
    config.taps = TapConfig { control: options & 1 == 0, user: options & 1 == 0, nas_plain: true, keys: false };
    let subscriber = config.subscribers.first_mut()?;
    (subscriber.credentials, subscriber.sqn) = (Credentials::MilenageOpc { k: [1; 16], opc: [2; 16] }, 0);
    let supi = subscriber.supi.clone();
    let (mut core, mut out) = (Core::new(&config, &Rng::from_lab_seed(1).fork("core")), Outbox::default());
    let mut now = Tc::ZERO;
    settle(&mut core, now, &mut out);
    while let Some(op) = s.op() {
        let gnb = GnbId(1 + u32::from(op >> 4 & 1));
        let input = match op & 7 {
            0 => {
                now += s.time();
                None
            }
            1 => Some(CoreInput::N2 { gnb, bytes: s.bytes().to_vec() }),
            2 => Some(CoreInput::N3 { from: [10, 53, 1, 1].into(), bytes: s.bytes().to_vec() }),
            3 => Some(CoreInput::N6 { packet: s.bytes().to_vec() }),
            4 => Some(CoreInput::Deregister { supi: supi.clone() }),
            5 => Some(CoreInput::ReleaseSession { supi: supi.clone(), session: s.u8() }),
            6 => Some(CoreInput::N2Closed { gnb }),
            // The same message again, changed.
            _ => {
                let bytes = s.bytes().to_vec();
                core.handle(now, CoreInput::N2 { gnb, bytes: bytes.clone() }, &mut out);
                Some(CoreInput::N2 { gnb, bytes: s.changed(bytes) })
            }
        };
        if let Some(input) = input {
            core.handle(now, input, &mut out);
        }
        settle(&mut core, now, &mut out);
    }
    Some(core)
}

fn settle(core: &mut Core, now: Tc, out: &mut Outbox<CoreOutput>) {
    let mut fires = 0;
    while core.deadline().is_some_and(|at| at <= now) {
        core.timeout(now, out);
        fires += 1;
        assert!(fires < FIRES_MAX, "a timer without end");
    }
    for o in out.drain() {
        if let CoreOutput::N2 { bytes, .. } = o {
            assert!(ngap::Pdu::decode(&bytes).is_ok(), "an NGAP message that nobody reads");
        }
    }
    assert!(core.amf().ue_count() <= UES_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 23.502 §4.2.2.2.2, §4.3.2.2.1 (the seed of the fuzz target, recorded from a run, still goes all the way)
    fn the_seed_attaches() {
        let core = after(include_bytes!("../../../fuzz/corpus/cn/attach")).unwrap();
        assert_eq!((core.amf().ue_count(), core.upf_sessions()), (1, 1));
    }
}
