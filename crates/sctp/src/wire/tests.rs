use super::*;

#[test] // Spec: RFC 9260 annex A (CRC32c: the check value of the polynomial, and its place in a packet)
fn the_checksum_is_crc32c() {
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    let mut packet = Vec::new();
    Header { source: 1, destination: 2, tag: 3 }.put(&mut packet);
    put_chunk(&mut packet, kind::COOKIE_ACK, 0, &[]);
    let plain = crc32c::crc32c(&packet);
    seal(&mut packet);
    assert_eq!(packet[8..12], plain.to_le_bytes());
    assert!(Packet::decode(&packet).is_ok());
    for i in 0..packet.len() {
        packet[i] ^= 0x10;
        assert_eq!(Packet::decode(&packet).map(|p| p.header).err(), Some(WireError::Checksum));
        packet[i] ^= 0x10;
    }
    assert_eq!(Packet::decode(&packet[..11]).err(), Some(truncated("the common header", "3.1")));
}

#[test] // Spec: RFC 9260 §3.2, §3.3 (chunks and their padding, lengths that are wrong)
fn chunks_come_back_as_they_went() {
    let mut body = Vec::new();
    let d = Data {
        immediate: true,
        unordered: false,
        begin: true,
        end: false,
        tsn: 9,
        stream: 8,
        ssn: 7,
        ppid: 60,
        payload: b"seventeen octets.",
    };
    put_data(&mut body, &d);
    let listed = [0, 7, 0, 5, 1, 0, 0, 0];
    let init = Init { tag: 1, a_rwnd: 2, outbound: 3, inbound: 4, tsn: 5, parameters: Parameters::new(&listed) };
    put_init(&mut body, kind::INIT_ACK, &init);
    put_sack(&mut body, (5, 6), &[(2, 3), (5, 5)], &[1, 2], 28);
    put_chunk(&mut body, 0x3f, 0xee, b"odd");
    let chunks: Vec<RawChunk<'_>> = Chunks::new(&body).map(|c| c.expect("a chunk")).collect();
    assert_eq!(chunks[0].decode(), Ok(Chunk::Data(d)));
    assert_eq!(chunks[1].decode(), Ok(Chunk::InitAck(init)));
    let Ok(Chunk::Sack(s)) = chunks[2].decode() else { panic!("a SACK") };
    assert_eq!((s.cumulative, s.a_rwnd), (5, 6));
    assert_eq!((s.gaps().collect::<Vec<_>>(), s.duplicates().collect::<Vec<_>>()), (vec![(2, 3), (5, 5)], vec![1]));
    assert_eq!((chunks[3].decode(), chunks[3].value, chunks[3].flags), (Ok(Chunk::Unknown), &b"odd"[..], 0xee));
    for bad in [&[0u8, 0, 0, 3][..], &[0, 0, 0, 5], &[0, 0], &[0, 0, 0xff, 0xff]] {
        assert!(Chunks::new(bad).next().is_some_and(|c| c.is_err()));
    }
    // The last chunk may lack its padding.
    assert_eq!(Chunks::new(&body[..body.len() - 1]).filter(Result::is_ok).count(), 4);
}

#[test] // Spec: RFC 9260 §3.3.10 (every cause)
fn causes_come_back_as_they_went() {
    let all = [
        Cause::InvalidStream(3),
        Cause::MissingParameter(vec![7, 9]),
        Cause::StaleCookie(4),
        Cause::OutOfResource,
        Cause::UnresolvableAddress(vec![1; 8]),
        Cause::UnrecognizedChunk(vec![0xfe, 0, 0, 4]),
        Cause::InvalidParameter,
        Cause::UnrecognizedParameters(vec![1; 4]),
        Cause::NoUserData(1),
        Cause::CookieWhileShuttingDown,
        Cause::RestartWithNewAddresses(vec![2; 8]),
        Cause::UserAbort(b"why".to_vec()),
        Cause::ProtocolViolation(b"what".to_vec()),
        Cause::Other(99),
    ];
    let mut octets = Vec::new();
    all.iter().for_each(|c| c.put(&mut octets));
    assert_eq!(Causes::new(&octets).collect::<Vec<_>>(), all);
    assert!(all.iter().all(|c| c.to_string().contains("RFC 9260 3.3.10")));
    let mut long = Vec::new();
    Cause::UserAbort(vec![0; 100_000]).put(&mut long);
    assert_eq!(long.len(), 260);
}

#[test] // Spec: RFC 9260 §3.3.2.1, §5.1.2 (addresses, bounded; a wrong length is an error)
fn parameters_are_read_with_bounds() {
    let mut listed = Vec::new();
    for i in 0..20u8 {
        put_address(&mut listed, [10, 0, 0, i].into());
    }
    put_parameter(&mut listed, 0xffff, &[0; 400]);
    put_parameter(&mut listed, 0xffff, &[0; 400]);
    let read = InitParameters::decode(Parameters::new(&listed)).expect("parameters");
    assert_eq!((read.addresses.len(), read.unrecognized.len()), (ADDRESSES_MAX, 404));
    for bad in [&[0u8, 5, 0, 7, 1, 2, 3][..], &[0, 6, 0, 8, 1, 2, 3, 4], &[0, 5, 0, 2]] {
        assert!(InitParameters::decode(Parameters::new(bad)).is_err());
    }
}
