//! Whatever comes, the core answers or drops it, and goes on. Spec: TS 24.501 §7, TS 38.413 §10, TS 29.244 §7.6

mod world;

use cn::{CoreInput, GnbId};
use nr::Tc;
use world::{GNB, GNB_N3, World};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes.insert(at, self.next() as u8),
                2 => bytes[at] ^= 1 << self.below(8),
                _ => bytes[at] = self.next() as u8,
            }
        }
        bytes
    }
}

/// Every NGAP message that a gNB sent while a UE registered, had a session and left.
fn uplink_ngap() -> Vec<Vec<u8>> {
    let mut config = world::config();
    config.taps.control = true;
    let mut w = World::new(config);
    w.register();
    w.request_session(|_, _| {});
    let guti = nas::ie::MobileIdentity::Guti(w.ue.guti.unwrap());
    let kind = nas::ie::DeregistrationType::three_gpp(false);
    w.send(nas::mm::DeregistrationRequestUe::new(kind, nas::ie::KeySetIdentifier::native(0), guti));
    let up = w.taps.into_iter().filter_map(|tap| match (tap.direction, tap.frame) {
        (node::Direction::Uplink, node::Frame::Ngap(bytes)) => Some(bytes),
        _ => None,
    });
    up.collect()
}

#[test] // Spec: TS 38.413 §10, TS 24.501 §7 (mutated NGAP with mutated NAS in it, at every point of a flow)
fn mutated_ngap_never_stops_the_core() {
    let messages = uplink_ngap();
    assert!(messages.len() >= 8);
    let mut random = Random(0x1234_5678_9abc_def1);
    for round in 0..120 {
        let mut w = World::lab();
        w.ue.forgiving = true;
        for message in &messages {
            if random.below(4) != 0 {
                w.input(CoreInput::N2 { gnb: GNB, bytes: message.clone() });
            }
            for _ in 0..6 {
                let bytes = random.mutate(message);
                w.input(CoreInput::N2 { gnb: GnbId(random.below(2) as u32 + 1), bytes });
            }
            if random.below(8) == 0 {
                w.advance(Tc::from_ms(7_000));
            }
        }
        w.advance(Tc::from_ms(400_000));
        assert!(w.core.amf().ue_count() <= 1024, "round {round}");
    }
}

#[test] // Spec: TS 24.501 §7 (mutated NAS inside well-formed NGAP, plain and protected)
fn mutated_nas_never_stops_the_core() {
    let mut random = Random(0xfeed_beef_cafe_0001);
    for _ in 0..150 {
        let mut w = World::registered();
        w.ue.forgiving = true;
        let samples = [
            w.ue.last_request.clone(),
            w.ue.protected(nas::mm::RegistrationComplete::new().into()).1,
            nas::Message::from(nas::mm::AuthenticationResponse::new([3; 16])).encode(),
            nas::Message::from(nas::mm::SecurityModeComplete::new(Some(w.ue.last_request.clone()))).encode(),
            nas::Message::from(nas::mm::UlNasTransport::n1_sm(vec![0x2e, 1, 1, 0xc1, 0xff, 0xff, 0x91], 1)).encode(),
        ];
        for sample in &samples {
            let plain = random.mutate(sample);
            w.up(plain.clone());
            // The same under protection that holds, so that it gets past the check.
            if let Some(context) = w.ue.security.as_mut() {
                let protected = context.protect(nas::SecurityHeaderType::IntegrityCiphered, &plain);
                w.up(protected);
            }
        }
        w.advance(Tc::from_ms(100_000));
    }
}

#[test] // Spec: TS 29.281 §5, TS 29.244 §5.2 (mutated GTP-U and IP)
fn mutated_packets_never_stop_the_core() {
    let mut random = Random(42);
    let mut w = World::with_session();
    let teid = w.uplink_tunnel.unwrap().teid;
    let inner = world::ipv4([10, 45, 0, 2], [192, 0, 2, 1], b"payload");
    let packet = gtpu::g_pdu(teid, gtpu::Container::Uplink { qfi: 1 }, &inner).unwrap();
    for _ in 0..20_000 {
        let bytes = random.mutate(&packet);
        w.input(CoreInput::N3 { from: GNB_N3, bytes });
        let packet = random.mutate(&inner);
        w.input(CoreInput::N6 { packet });
    }
    w.n6.clear();
    w.packet_up(&inner);
    assert_eq!(w.n6, [inner]);
}

#[test] // Spec: TS 24.501 §4.4.4.3 (without the keys nobody ends a UE's registration)
fn plain_messages_do_not_change_a_registered_ue() {
    let mut w = World::registered();
    let identity = nas::ie::MobileIdentity::Guti(w.ue.guti.unwrap());
    let off = nas::ie::DeregistrationType::three_gpp(true);
    let ksi = nas::ie::KeySetIdentifier::native(0);
    for message in [
        nas::Message::from(nas::mm::DeregistrationRequestUe::new(off, ksi, identity)),
        nas::mm::RegistrationComplete::new().into(),
        nas::mm::SecurityModeReject::new(nas::GmmCause::PROTOCOL_ERROR).into(),
        nas::mm::AuthenticationResponse::new([0; 16]).into(),
    ] {
        w.up(message.encode());
        assert!(w.is_registered(), "{}", message.name());
    }
}
