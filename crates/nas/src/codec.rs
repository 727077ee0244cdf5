//! The formats of TS 24.007 §11.2.1.1, and the macro that makes a struct of each message.

/// An information element that this crate does not know: kept, and written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIe {
    /// Its identifier; only the high half for one of half an octet.
    pub iei: u8,
    /// Its value without length; the low half for one of half an octet.
    pub value: Vec<u8>,
}

/// Why bytes are not a NAS message that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NasError {
    /// Fewer octets than a header has. The message is to be ignored. Fault: peer.
    TooShort,
    /// Neither 5GMM nor 5GSM. Fault: peer.
    Discriminator {
        /// What came.
        epd: u8,
    },
    /// The message is protected, and a plain one was expected.
    Protected {
        /// The security header type that came.
        header: u8,
    },
    /// A message type that is not defined or not implemented. Fault: peer.
    MessageType {
        /// What came.
        message_type: u8,
    },
    /// A mandatory information element is missing or malformed. Fault: peer.
    Mandatory {
        /// Its field.
        ie: &'static str,
    },
    /// An unknown information element that must be understood. Fault: peer.
    ComprehensionRequired {
        /// Its identifier.
        iei: u8,
    },
}

impl NasError {
    /// The 5GMM or 5GSM cause that answers it, `None` where the message is to be ignored.
    ///
    /// Spec: TS 24.501 §7.2 to §7.7
    pub fn cause(&self) -> Option<u8> {
        match self {
            Self::TooShort | Self::Discriminator { .. } | Self::Protected { .. } => None,
            Self::MessageType { .. } => Some(97),
            Self::Mandatory { .. } | Self::ComprehensionRequired { .. } => Some(96),
        }
    }
}

impl std::fmt::Display for NasError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooShort => write!(f, "NAS: shorter than its header (TS 24.501 7.2.1)"),
            Self::Discriminator { epd } => write!(f, "NAS: protocol discriminator 0x{epd:02x}, expected 0x7e or 0x2e"),
            Self::Protected { header } => write!(f, "NAS: security header type {header}, expected a plain message"),
            Self::MessageType { message_type } => write!(f, "NAS: message type 0x{message_type:02x} (TS 24.501 7.4)"),
            Self::Mandatory { ie } => write!(f, "NAS: {ie} is mandatory, and missing or malformed (TS 24.501 7.5)"),
            Self::ComprehensionRequired { iei } => write!(f, "NAS: IE 0x{iei:02x} must be understood (TS 24.501 7.5)"),
        }
    }
}

impl std::error::Error for NasError {}

/// The value part of an information element.
pub(crate) trait Ie: Sized {
    /// Octets of the value where the format has no length.
    const LEN: usize = 0;
    fn decode(value: &[u8]) -> Option<Self>;
    fn encode(&self, out: &mut Vec<u8>);
}

/// A value of half an octet.
pub(crate) trait Half: Sized {
    fn from_half(half: u8) -> Option<Self>;
    fn half(&self) -> u8;
}

impl Ie for Vec<u8> {
    fn decode(value: &[u8]) -> Option<Self> {
        Some(value.to_vec())
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Ie for [u8; N] {
    const LEN: usize = N;
    fn decode(value: &[u8]) -> Option<Self> {
        value.first_chunk().copied()
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl Ie for u8 {
    const LEN: usize = 1;
    fn decode(value: &[u8]) -> Option<Self> {
        value.first().copied()
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Half for u8 {
    fn from_half(half: u8) -> Option<Self> {
        Some(half)
    }
    fn half(&self) -> u8 {
        *self & 15
    }
}

/// Octets still to be read.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }
    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }
    pub fn lv(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(len.into())
    }
    pub fn lve(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len.into())
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes a value with a length of one octet; what a length of one octet cannot say is cut off.
pub(crate) fn put_lv(value: &impl Ie, out: &mut Vec<u8>) {
    let at = out.len();
    out.push(0);
    value.encode(out);
    out.truncate(at + 1 + 255);
    out[at] = (out.len() - at - 1) as u8;
}

/// Writes a value with a length of two octets; what that cannot say is cut off.
pub(crate) fn put_lve(value: &impl Ie, out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    value.encode(out);
    out.truncate(at + 2 + 65535);
    let len = (out.len() - at - 2) as u16;
    out[at..at + 2].copy_from_slice(&len.to_be_bytes());
}

pub(crate) fn put_unknown(unknown: &[UnknownIe], out: &mut Vec<u8>) {
    for ie in unknown {
        match ie.iei {
            0x80.. => out.push(ie.iei & 0xf0 | ie.value.first().copied().unwrap_or(0) & 15),
            0x70..=0x7f => {
                out.push(ie.iei);
                put_lve(&ie.value, out);
            }
            _ => {
                out.push(ie.iei);
                put_lv(&ie.value, out);
            }
        }
    }
}

/// The value of an element that no message of this crate defines, by the shape of its identifier.
///
/// Spec: TS 24.007 §11.2.4. `None` at the end of the message, or when the rest is too short for its length.
pub(crate) fn unknown_ie(iei: u8, reader: &mut Reader<'_>) -> Option<UnknownIe> {
    let value = match iei {
        0x80.. => return Some(UnknownIe { iei: iei & 0xf0, value: vec![iei & 15] }),
        0x70..=0x7f => reader.lve()?,
        _ => reader.lv()?,
    };
    Some(UnknownIe { iei, value: value.to_vec() })
}

macro_rules! get_field {
    (v, $r:ident, $t:ty) => {
        $r.take(<$t as $crate::codec::Ie>::LEN).and_then(<$t as $crate::codec::Ie>::decode)
    };
    (lv, $r:ident, $t:ty) => {
        $r.lv().and_then(<$t as $crate::codec::Ie>::decode)
    };
    (lve, $r:ident, $t:ty) => {
        $r.lve().and_then(<$t as $crate::codec::Ie>::decode)
    };
    (low, $r:ident, $t:ty) => {
        $r.u8().and_then(|b| <$t as $crate::codec::Half>::from_half(b & 15))
    };
}
macro_rules! put_field {
    (v, $v:expr, $o:ident) => {
        $crate::codec::Ie::encode($v, $o)
    };
    (lv, $v:expr, $o:ident) => {
        $crate::codec::put_lv($v, $o)
    };
    (lve, $v:expr, $o:ident) => {
        $crate::codec::put_lve($v, $o)
    };
    (low, $v:expr, $o:ident) => {
        $o.push($crate::codec::Half::half($v))
    };
}
// An optional element: outer None is a message that ends within it, inner None is a value that does not decode.
macro_rules! get_optional {
    (half, $iei:ident, $r:ident, $t:ty) => {
        Some(<$t as $crate::codec::Half>::from_half($iei & 15))
    };
    (tv, $iei:ident, $r:ident, $t:ty) => {
        $r.take(<$t as $crate::codec::Ie>::LEN).map(<$t as $crate::codec::Ie>::decode)
    };
    (tlv, $iei:ident, $r:ident, $t:ty) => {
        $r.lv().map(<$t as $crate::codec::Ie>::decode)
    };
    (tlve, $iei:ident, $r:ident, $t:ty) => {
        $r.lve().map(<$t as $crate::codec::Ie>::decode)
    };
}
macro_rules! put_optional {
    (half, $iei:literal, $v:expr, $o:ident) => {
        $o.push($iei | $crate::codec::Half::half($v))
    };
    (tv, $iei:literal, $v:expr, $o:ident) => {{
        $o.push($iei);
        $crate::codec::Ie::encode($v, $o)
    }};
    (tlv, $iei:literal, $v:expr, $o:ident) => {{
        $o.push($iei);
        $crate::codec::put_lv($v, $o)
    }};
    (tlve, $iei:literal, $v:expr, $o:ident) => {{
        $o.push($iei);
        $crate::codec::put_lve($v, $o)
    }};
}
// Half-octet identifiers are matched on their high half.
macro_rules! matches_iei {
    (half, $iei:ident, $want:literal) => {
        $iei & 0xf0 == $want
    };
    ($kind:ident, $iei:ident, $want:literal) => {
        $iei == $want
    };
}

/// Makes a struct of a message: mandatory elements in their order, then optional ones by identifier.
macro_rules! message {
    (
        $(#[$meta:meta])*
        $name:ident = $type:literal $title:literal {
            $( [$low:ident: $low_t:ty, $high:ident: $high_t:ty] )?
            $( $kind:ident $field:ident: $field_t:ty; )*
        } optional {
            $( $o_kind:ident $iei:literal $o_field:ident: $o_t:ty; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub struct $name {
            $( pub $low: $low_t, pub $high: $high_t, )?
            $( pub $field: $field_t, )*
            $( pub $o_field: Option<$o_t>, )*
            pub unknown: Vec<$crate::UnknownIe>,
        }

        impl $name {
            /// The message type octet.
            pub const MESSAGE_TYPE: u8 = $type;

            pub(crate) fn decode_body(bytes: &[u8]) -> Result<Self, $crate::NasError> {
                #[allow(unused_mut)]
                let mut reader = $crate::codec::Reader(bytes);
                $(
                    let halves = reader.u8().ok_or($crate::NasError::Mandatory { ie: stringify!($low) })?;
                    let $low = <$low_t as $crate::codec::Half>::from_half(halves & 15)
                        .ok_or($crate::NasError::Mandatory { ie: stringify!($low) })?;
                    let $high = <$high_t as $crate::codec::Half>::from_half(halves >> 4)
                        .ok_or($crate::NasError::Mandatory { ie: stringify!($high) })?;
                )?
                $(
                    let $field = get_field!($kind, reader, $field_t)
                        .ok_or($crate::NasError::Mandatory { ie: stringify!($field) })?;
                )*
                $( let mut $o_field: Option<$o_t> = None; )*
                let mut unknown = Vec::new();
                while let Some(iei) = reader.u8() {
                    $(
                        if matches_iei!($o_kind, iei, $iei) {
                            let Some(value) = get_optional!($o_kind, iei, reader, $o_t) else { break };
                            // Of a repeated element the first counts (TS 24.501 §7.6.3).
                            if $o_field.is_none() {
                                $o_field = value;
                            }
                            continue;
                        }
                    )*
                    if iei & 0xf0 == 0 {
                        return Err($crate::NasError::ComprehensionRequired { iei });
                    }
                    let Some(ie) = $crate::codec::unknown_ie(iei, &mut reader) else { break };
                    unknown.push(ie);
                }
                Ok(Self { $( $low, $high, )? $( $field, )* $( $o_field, )* unknown })
            }

            pub(crate) fn encode_body(&self, out: &mut Vec<u8>) {
                $( out.push($crate::codec::Half::half(&self.$high) << 4 | $crate::codec::Half::half(&self.$low)); )?
                $( put_field!($kind, &self.$field, out); )*
                $( if let Some(value) = &self.$o_field { put_optional!($o_kind, $iei, value, out); } )*
                $crate::codec::put_unknown(&self.unknown, out);
            }
        }
    };
}

/// Makes the enum of a family's messages.
macro_rules! family {
    ($(#[$meta:meta])* $family:ident { $( $name:ident $title:literal, )* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, clippy::large_enum_variant)]
        pub enum $family { $( $name($name), )* }

        impl $family {
            pub(crate) fn decode(message_type: u8, body: &[u8]) -> Result<Self, $crate::NasError> {
                match message_type {
                    $( $name::MESSAGE_TYPE => $name::decode_body(body).map(Self::$name), )*
                    _ => Err($crate::NasError::MessageType { message_type }),
                }
            }
            pub(crate) fn encode_body(&self, out: &mut Vec<u8>) {
                match self { $( Self::$name(message) => message.encode_body(out), )* }
            }
            /// The message type octet.
            pub fn message_type(&self) -> u8 {
                match self { $( Self::$name(_) => $name::MESSAGE_TYPE, )* }
            }
            /// The message's name as the specification writes it.
            pub fn name(&self) -> &'static str {
                match self { $( Self::$name(_) => $title, )* }
            }
        }

        $( impl From<$name> for $family { fn from(message: $name) -> Self { Self::$name(message) } } )*
    };
}

pub(crate) use {family, get_field, get_optional, matches_iei, message, put_field, put_optional};
