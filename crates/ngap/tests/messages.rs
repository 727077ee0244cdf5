//! Every message out and in again, and what is refused.

mod samples;

use ngap::{NgapError, Pdu};

#[test] // Spec: TS 38.413 §9.2
fn every_message_decodes_to_what_was_encoded() {
    for pdu in samples::all() {
        let bytes = pdu.encode().unwrap();
        assert_eq!(Pdu::decode(&bytes), Ok(pdu.clone()), "{}", pdu.name());
    }
}

#[test] // Spec: TS 38.413 §9.3.4
fn transfers_decode_to_what_was_encoded() {
    let setup = samples::setup_request_transfer();
    assert_eq!(ngap::SetupRequestTransfer::decode(&setup.encode().unwrap()), Ok(setup));
    let response = samples::setup_response_transfer();
    assert_eq!(ngap::SetupResponseTransfer::decode(&response.encode().unwrap()), Ok(response));
    let refused = ngap::UnsuccessfulTransfer { cause: ngap::Cause::SliceNotSupported };
    assert_eq!(ngap::UnsuccessfulTransfer::decode(&refused.encode().unwrap()), Ok(refused));
    let release = ngap::ReleaseCommandTransfer { cause: ngap::Cause::NormalRelease };
    assert_eq!(ngap::ReleaseCommandTransfer::decode(&release.encode().unwrap()), Ok(release));
    assert_eq!(ngap::release_response_transfer().unwrap(), [0]);
}

#[test] // Spec: TS 38.413 §10.2, §10.3.5
fn broken_messages_are_refused_with_a_cause() {
    assert!(matches!(Pdu::decode(&[]), Err(NgapError::Syntax(_))));
    // An NG SETUP REQUEST without any element.
    let error = Pdu::decode(&[0x00, 0x15, 0x00, 0x03, 0x00, 0x00, 0x00]).unwrap_err();
    assert!(matches!(error, NgapError::Missing(_)), "{error}");
    assert_eq!(error.cause(), ngap::Cause::AbstractSyntaxErrorReject);
    // Handover Required: a procedure that is left out.
    let error = Pdu::decode(&[0x00, 0x0c, 0x00, 0x03, 0x00, 0x00, 0x00]).unwrap_err();
    assert_eq!(error, NgapError::Procedure { code: 12 });
}

#[test] // Spec: TS 38.413 §10.3.4.2 (an unknown element of criticality "ignore" is skipped, of "reject" refused)
fn unknown_elements_are_skipped_or_refused_by_criticality() {
    let bytes = |criticality: u8| {
        let element = [0xfd, 0xe8, criticality, 0x03, 0xc0, 0xff, 0xee];
        let mut bytes = vec![0x00, 0x04, 0x40, 0x00, 0x00, 0x00, 0x04];
        bytes.extend([0x00, 0x0a, 0x00, 0x02, 0x00, 0x01]);
        bytes.extend([0x00, 0x55, 0x00, 0x02, 0x00, 0x02]);
        bytes.extend([0x00, 0x26, 0x00, 0x04, 0x03, 0x7e, 0x00, 0x5b]);
        bytes.extend(element);
        bytes[3] = (bytes.len() - 4) as u8;
        bytes
    };
    assert!(matches!(Pdu::decode(&bytes(0x40)), Ok(Pdu::DownlinkNasTransport(_))));
    assert!(matches!(Pdu::decode(&bytes(0x00)), Err(NgapError::NotComprehended { .. })));
}

#[test] // Spec: TS 38.413 §10.2 (no bytes of a peer's reach a panic)
fn mutated_messages_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for pdu in samples::all() {
        let bytes = pdu.encode().unwrap();
        for _ in 0..400 {
            let mut mutated = bytes.clone();
            for _ in 0..1 + random() % 3 {
                let at = random() as usize % mutated.len();
                match random() % 4 {
                    0 => mutated[at] ^= 1 << (random() % 8),
                    1 => mutated[at] = random() as u8,
                    2 => mutated.truncate(at.max(1)),
                    _ => mutated.insert(at, random() as u8),
                }
            }
            if let Ok(again) = Pdu::decode(&mutated) {
                let _ = again.encode();
            }
        }
    }
}

#[test] // Spec: TS 38.413 §9.4; vectors: vectors/ngap.txt (pycrate 0.8.1)
fn messages_have_the_octets_of_another_implementation() {
    let vectors = include_str!("../../../vectors/ngap.txt").lines().filter(|line| !line.starts_with('#'));
    let samples = samples::all();
    let mut count = 0;
    for (name, octets) in vectors.map(|line| line.split_once(' ').unwrap()) {
        let name = name.replace('_', " ");
        let sample = samples.iter().find(|pdu| pdu.name() == name).unwrap();
        let encoded: String = sample.encode().unwrap().iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(encoded, octets, "{name}");
        count += 1;
    }
    assert_eq!(count, 10);
}
