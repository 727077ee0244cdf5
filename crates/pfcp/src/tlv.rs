//! Type, length, value. Spec: TS 29.244 §8.1.1

use crate::ie::Cause;

/// An information element as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawIe {
    /// Its type.
    pub kind: u16,
    /// Its value; of a vendor's element the enterprise identifier comes first.
    pub value: Vec<u8>,
}

/// Why bytes are not a message that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfcpError {
    /// Shorter than a length says. The message is to be dropped. Fault: peer.
    Truncated,
    /// Another version. Fault: peer.
    Version,
    /// A message type that this crate does not read. Fault: peer.
    MessageType(u8),
    /// A mandatory element is missing. Fault: peer.
    Missing(u16),
    /// An element is malformed. Fault: peer.
    Malformed(u16),
}

impl PfcpError {
    /// The cause to answer with, and the element at fault; `None` where the message is dropped.
    ///
    /// Spec: TS 29.244 §7.6
    pub fn cause(&self) -> Option<(Cause, Option<u16>)> {
        match self {
            Self::Truncated | Self::Version | Self::MessageType(_) => None,
            Self::Missing(kind) => Some((Cause::MANDATORY_IE_MISSING, Some(*kind))),
            Self::Malformed(kind) => Some((Cause::MANDATORY_IE_INCORRECT, Some(*kind))),
        }
    }
}

impl std::fmt::Display for PfcpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => write!(f, "PFCP: shorter than a length says (TS 29.244 7.6.3)"),
            Self::Version => write!(f, "PFCP: not version 1 (TS 29.244 7.6.2)"),
            Self::MessageType(kind) => write!(f, "PFCP: message type {kind} (TS 29.244 7.6.4)"),
            Self::Missing(kind) => write!(f, "PFCP: mandatory IE {kind} is missing (TS 29.244 7.6.7)"),
            Self::Malformed(kind) => write!(f, "PFCP: IE {kind} is malformed (TS 29.244 7.6.5)"),
        }
    }
}

impl std::error::Error for PfcpError {}

/// Walks over elements; a length beyond the end is the last item, an error.
pub fn walk(mut ies: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), PfcpError>> {
    std::iter::from_fn(move || {
        if ies.is_empty() {
            return None;
        }
        let item = (|| {
            let (head, rest) = ies.split_first_chunk::<4>()?;
            let (value, rest) = rest.split_at_checked(u16::from_be_bytes([head[2], head[3]]).into())?;
            Some((u16::from_be_bytes([head[0], head[1]]), value, rest))
        })();
        match item {
            Some((kind, value, rest)) => {
                ies = rest;
                Some(Ok((kind, value)))
            }
            None => {
                ies = &[];
                Some(Err(PfcpError::Truncated))
            }
        }
    })
}

/// Writes an element whose value `body` writes.
pub fn put(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&kind.to_be_bytes());
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    body(out);
    out.truncate(at + 2 + usize::from(u16::MAX));
    let len = (out.len() - at - 2) as u16;
    out[at..at + 2].copy_from_slice(&len.to_be_bytes());
}

/// A value that an element carries.
pub trait Ie: Sized {
    fn decode(value: &[u8]) -> Option<Self>;
    fn encode(&self, out: &mut Vec<u8>);
}

macro_rules! integer {
    ($($t:ty),*) => { $(
        impl Ie for $t {
            fn decode(value: &[u8]) -> Option<Self> {
                value.first_chunk().map(|v| Self::from_be_bytes(*v))
            }
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
    )* };
}
integer!(u8, u16, u32);

/// Makes a struct of elements: `one` is mandatory, `opt` optional, `many` repeated. Unknown elements are handed to a sink.
macro_rules! group {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$f_meta:meta])* $how:ident $kind:literal $field:ident: $t:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$f_meta])* pub $field: $crate::tlv::holder!($how, $t), )*
        }

        impl $name {
            pub(crate) fn read(ies: &[u8], sink: &mut dyn FnMut(u16, &[u8])) -> Result<Self, $crate::PfcpError> {
                $( let mut $field = $crate::tlv::empty!($how, $t); )*
                for ie in $crate::tlv::walk(ies) {
                    let (kind, value) = ie?;
                    match kind {
                        $( $kind => {
                            let read = <$t as $crate::tlv::Ie>::decode(value).ok_or($crate::PfcpError::Malformed($kind))?;
                            $crate::tlv::store!($how, $field, read);
                        } )*
                        _ => sink(kind, value),
                    }
                }
                Ok(Self { $( $field: $crate::tlv::finish!($how, $field, $kind), )* })
            }
            #[allow(unused_variables, clippy::ptr_arg)]
            pub(crate) fn write(&self, out: &mut Vec<u8>) {
                $( $crate::tlv::emit!($how, $kind, &self.$field, out); )*
            }
        }

        impl $crate::tlv::Ie for $name {
            fn decode(value: &[u8]) -> Option<Self> {
                Self::read(value, &mut |_, _| {}).ok()
            }
            fn encode(&self, out: &mut Vec<u8>) {
                self.write(out);
            }
        }
    };
}
macro_rules! holder {
    (one, $t:ty) => { $t };
    (opt, $t:ty) => { Option<$t> };
    (many, $t:ty) => { Vec<$t> };
}
macro_rules! empty {
    (many, $t:ty) => {
        Vec::<$t>::new()
    };
    ($how:ident, $t:ty) => {
        None::<$t>
    };
}
macro_rules! store {
    (many, $field:ident, $value:ident) => {
        $field.push($value)
    };
    // Of a repeated element that may occur once the first counts (§7.6.8).
    ($how:ident, $field:ident, $value:ident) => {
        $field = $field.or(Some($value))
    };
}
macro_rules! finish {
    (one, $field:ident, $kind:literal) => {
        $field.ok_or($crate::PfcpError::Missing($kind))?
    };
    ($how:ident, $field:ident, $kind:literal) => {
        $field
    };
}
macro_rules! emit {
    (one, $kind:literal, $field:expr, $out:ident) => {
        $crate::tlv::put($out, $kind, |out| $crate::tlv::Ie::encode($field, out))
    };
    ($how:ident, $kind:literal, $field:expr, $out:ident) => {
        for value in $field.iter() {
            $crate::tlv::put($out, $kind, |out| $crate::tlv::Ie::encode(value, out));
        }
    };
}

pub(crate) use {emit, empty, finish, group, holder, store};
