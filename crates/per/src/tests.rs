use crate::*;

fn written(write: impl Fn(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    write(&mut w);
    w.finish()
}

// Spec: ITU-T X.691 §11.5.6 (bits of a constrained whole number)
#[test]
fn a_range_takes_the_fewest_bits() {
    assert_eq!([0, 1, 2, 3, 4, 255, 256, u64::MAX].map(width), [0, 1, 2, 2, 3, 8, 9, 64]);
}

// Spec: ITU-T X.691 §13.2.2 (INTEGER in a range, unaligned)
#[test]
fn integers_are_offsets_from_the_lower_bound() {
    let octets = written(|w| {
        w.int(-202, -60, -150).unwrap();
        w.int(0, 3, 2).unwrap();
        w.int(5, 5, 5).unwrap();
        w.int(i64::MIN, i64::MAX, -1).unwrap();
    });
    assert_eq!(octets[..2], [0b0011_0100, 0b1001_1111]);
    let mut r = Reader::new(&octets);
    let mut next = |min, max| r.int(min, max).unwrap();
    assert_eq!((next(-202, -60), next(0, 3), next(5, 5), next(i64::MIN, i64::MAX)), (-150, 2, 5, -1));
}

// Spec: ITU-T X.691 §13.2.6 (INTEGER without a range)
#[test]
fn unbounded_integers_take_the_fewest_octets() {
    let cases: [(i64, &[u8]); 5] =
        [(0, &[1, 0]), (127, &[1, 127]), (128, &[2, 0, 128]), (-128, &[1, 128]), (-129, &[2, 255, 127])];
    for (value, expected) in cases {
        assert_eq!(written(|w| w.unbounded_int(value)), expected);
        assert_eq!(Reader::new(expected).unbounded_int(), Ok(value));
    }
}

// Spec: ITU-T X.691 §11.6 (normally small numbers), §11.9.3.4 (normally small lengths)
#[test]
fn small_numbers_have_a_short_form() {
    for (value, expected) in
        [(0, vec![0]), (63, vec![0x7e]), (64, vec![0x80, 0xa0, 0]), (300, vec![0x81, 0x00, 0x96, 0])]
    {
        assert_eq!(written(|w| w.small(value)), expected);
        assert_eq!(Reader::new(&expected).small(), Ok(value));
    }
    for n in [1, 64, 65, 127, 128, 16383] {
        assert_eq!(Reader::new(&written(|w| w.small_length(n))).small_length(), Ok(n));
    }
}

// Spec: ITU-T X.691 §11.9.3.5 to §11.9.3.8 (length determinants and fragments)
#[test]
fn long_strings_are_fragmented() {
    for (len, head) in [
        (127, vec![0x7f]),
        (128, vec![0x80, 0x80]),
        (16383, vec![0xbf, 0xff]),
        (16384, vec![0xc1]),
        (90000, vec![0xc4]),
    ] {
        let string: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let octets = written(|w| w.octets(0, usize::MAX, &string).unwrap());
        assert_eq!(octets[..head.len()], head);
        assert_eq!(Reader::new(&octets).octets(0, usize::MAX), Ok(string));
    }
    assert_eq!(written(|w| w.octets(0, usize::MAX, &[7; 16384]).unwrap()).len(), 1 + 16384 + 1);
}

// Spec: ITU-T X.691 §11.9.4.1 (an upper bound of 64K and more is no bound of the length's encoding)
#[test]
fn lists_of_up_to_65536_have_a_general_length() {
    let list = vec![1u8; 300];
    let octets = written(|w| w.list(1, 65536, &list, |w, v| w.int(0, 1, i64::from(*v))).unwrap());
    assert_eq!(octets[..3], [0x81, 0x2c, 0xff]);
    assert_eq!(Reader::new(&octets).list(1, 65536, |r| Ok(r.int(0, 1)? as u8)), Ok(list));
}

// Spec: ITU-T X.691 §16 (BIT STRING), §17 (OCTET STRING)
#[test]
fn strings_need_no_alignment() {
    for offset in 0..9 {
        let bits = BitString::from_number(0x5_a5a5_1234, 35);
        let octets = written(|w| {
            w.bits(0, offset);
            w.bit_string(0, 64, &bits).unwrap();
            w.octets(3, 3, b"abc").unwrap();
        });
        let mut r = Reader::new(&octets);
        r.skip(offset as usize).unwrap();
        let found = r.bit_string(0, 64).unwrap();
        assert_eq!(
            (found.to_number(), found.len(), found.get(0), found.get(35)),
            (Some(0x5_a5a5_1234), 35, Some(true), None)
        );
        assert_eq!(r.octets(3, 3).unwrap(), b"abc");
    }
}

// Spec: ITU-T X.691 §11.9 (lengths are the peer's; nothing is allocated for what is not there)
#[test]
fn a_length_without_octets_is_the_end_of_data() {
    let kind = |octets: &[u8], read: fn(&mut Reader<'_>) -> bool| {
        let mut r = Reader::new(octets);
        assert!(read(&mut r));
        r.error().kind
    };
    assert_eq!(kind(&[0xc4, 1, 2, 3], |r| r.octets(0, usize::MAX).is_err()), DecodeErrorKind::EndOfData);
    assert_eq!(kind(&[0xc0], |r| r.length().is_err()), DecodeErrorKind::BadLength);
    assert_eq!(kind(&[0xe0], |r| r.index(5).is_err()), DecodeErrorKind::OutOfRange { found: 7, max: 5 });
    assert_eq!(kind(&[], |r| r.bool().is_err()), DecodeErrorKind::EndOfData);
}

crate::enumerated!(Fruit { Apple "apple2", Pear "pear-3" });
crate::extensible!(Colour { Red "red", Green "green", Blue "blue" } { White "white" });

// Spec: ITU-T X.691 §14 (ENUMERATED)
#[test]
fn enumerated_values_are_indices() {
    assert_eq!(written(|w| Fruit::Pear.encode(w).unwrap()), [0x80]);
    assert_eq!(
        (Fruit::Apple.number(), Fruit::Pear.number(), Fruit::from_number(-3)),
        (Some(2), Some(-3), Some(Fruit::Pear))
    );
    assert_eq!(name_number("ms0dot5"), None);
    for (colour, octets) in [(Colour::Blue, 0x40), (Colour::White, 0x80), (Colour::Unknown(5), 0x85)] {
        assert_eq!(written(|w| colour.encode(w).unwrap()), [octets]);
        assert_eq!(decode(&[octets]), Ok(colour));
    }
    assert!(decode::<Colour>(&[0x60]).is_err());
}

// Spec: ITU-T X.691 §19.7 to §19.9 (extension additions)
#[test]
fn additions_of_a_later_release_are_kept() {
    let octets = written(|w| {
        w.bool(true);
        w.small_length(70);
        (0..70).for_each(|i| w.bool(i == 1 || i == 69));
        w.octets(0, usize::MAX, &[0x80]).unwrap();
        w.octets(0, usize::MAX, &[1, 2, 3]).unwrap();
    });
    let mut r = Reader::new(&octets);
    let present = r.bool().unwrap();
    let mut ext = Extensions::decode(&mut r, present).unwrap();
    assert_eq!((ext.get(69), ext.get(0)), (Some([1, 2, 3].as_slice()), None));
    let typed: Option<Fruit> = ext.take(&mut r, 1).unwrap();
    assert_eq!(typed, Some(Fruit::Pear));
    let again = written(|w| {
        let mut a = Additions::new(&ext, 3);
        a.put(w, 1, &typed).unwrap();
        w.bool(a.present());
        a.finish(w).unwrap();
    });
    assert_eq!(again, octets);
}

// Spec: ITU-T X.691 §19 (SEQUENCE), §23 (CHOICE): the extent of a value, by table
#[test]
fn an_opaque_value_has_its_extent() {
    // at 0 CHOICE { 3 bits, at 3 SEQUENCE { 4 bits OPTIONAL, at 6 SEQUENCE (SIZE (1..4)) OF 5 bits, ... } }
    const TABLE: &[u32] = &[
        Schema::CHOICE | 2 << 8,
        Schema::FIXED | 3,
        3,
        Schema::SEQ | 2 << 8 | 1 << 16,
        Schema::OPTIONAL | Schema::FIXED | 4,
        6,
        Schema::LIST,
        1,
        4,
        Schema::FIXED | 5,
    ];
    let extent = |table, octets: &[u8]| {
        let mut r = Reader::new(octets);
        let found = Schema(table).opaque(&mut r, 0).map(|o| o.0.len());
        found.map_err(|Stop| r.error().kind)
    };
    assert_eq!(extent(TABLE, &[0x00]), Ok(4));
    assert_eq!(extent(TABLE, &[0b1011_1110, 0xff, 0xff]), Ok(1 + 2 + 4 + 2 + 10));
    assert_eq!(extent(TABLE, &[0b1011_1110, 0xff]), Err(DecodeErrorKind::EndOfData));
    const LOOP: &[u32] = &[Schema::CHOICE | 1 << 8, 0];
    assert_eq!(extent(LOOP, &[]), Err(DecodeErrorKind::TooDeep));
}
